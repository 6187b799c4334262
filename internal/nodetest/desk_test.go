package nodetest

import (
	"context"
	"encoding/json"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// hands are the hands of a clock that a test moves.
type hands struct{ ahead atomic.Int64 }

func (h *hands) clock() time.Time     { return clock.System().Add(time.Duration(h.ahead.Load())) }
func (h *hands) move(d time.Duration) { h.ahead.Add(int64(d)) }

// pair starts two newsrooms under an agreement; change may change its terms, and the two.
func pair(t *testing.T, change func(a, b *Spec, rev *terms.Revision)) (a, b *House) {
	t.Helper()
	x, y := North(), Soren()
	if change != nil {
		change(&x, &y, &terms.Revision{})
	}
	a, b = Start(t, x), Start(t, y)
	Meet(a, b)
	rev := Terms(a, b)
	if change != nil {
		change(&x, &y, &rev)
	}
	Agree(rev, a, b)
	return a, b
}

// accept releases a story and gives its item.
func accept(t testing.TB, h *House, d news.Draft) news.ItemID {
	t.Helper()
	acc, err := h.Library.Accept(context.Background(), d)
	if err != nil {
		t.Fatalf("%s accepting %q: %v", h.Domain, d.Headline, err)
	}
	return acc.Item
}

// changed is a story of a source that says something new.
func changed(n int, headline string, class news.Class) news.Draft {
	d := Story(n)
	d.Headline, d.Class = headline, class
	return d
}

// stateAt is the state of an item at a house; "" if it is not shown there.
func stateAt(h *House, id news.ItemID) news.State {
	it, err := h.Library.Item(context.Background(), id)
	if err != nil {
		return ""
	}
	return it.State
}

// waitState waits until an item is at a house in a state.
func waitState(t testing.TB, h *House, id news.ItemID, state news.State) library.Item {
	t.Helper()
	var it library.Item
	Wait(t, string(id)+" is "+string(state)+" at "+h.Domain, func() (ok bool) {
		var err error
		it, err = h.Library.Item(context.Background(), id)
		return err == nil && it.State == state
	})
	return it
}

// waitVersion waits until a house shows a version of an item.
func waitVersion(t testing.TB, h *House, id news.ItemID, number int) library.Item {
	t.Helper()
	var it library.Item
	Wait(t, "a version is at "+h.Domain, func() (ok bool) {
		var err error
		it, err = h.Library.Item(context.Background(), id)
		return err == nil && it.Version >= number
	})
	return it
}

// deliveries are what became of the versions of an item of the house.
func deliveries(t testing.TB, h *House, id news.ItemID) []exchange.Delivery {
	t.Helper()
	ds, err := h.Exchange.Deliveries(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return ds
}

// waitDelivered waits until every version of an item that went out has a receipt of everybody.
func waitDelivered(t testing.TB, h *House, id news.ItemID, n int) {
	t.Helper()
	Wait(t, "all receipts are at "+h.Domain, func() bool {
		ds := deliveries(t, h, id)
		for _, d := range ds {
			if d.State != exchange.Delivered || d.Durable.IsZero() {
				return false
			}
		}
		return len(ds) == n
	})
}

// ledgers lists the ledgers of a house.
func ledgers(t testing.TB, h *House) []ledger.Info {
	t.Helper()
	var all []ledger.Info
	err := h.DB.Read(context.Background(), func(r store.Reader) (err error) {
		all, err = ledger.All(r, "")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// own gives the ledger of a house in an agreement; "" stands for any.
func own(t testing.TB, h *House, a terms.AgreementID) ledger.Info {
	t.Helper()
	for _, i := range ledgers(t, h) {
		if i.Own && i.State == ledger.Open && (a == "" || i.Agreement == string(a)) {
			return i
		}
	}
	t.Fatalf("%s has no ledger of its own", h.Domain)
	return ledger.Info{}
}

// sameLedgers waits until every ledger of each house is the same at every other house that follows it, folded and shown to its end,
// and its roots can be computed again from its rows.
func sameLedgers(t testing.TB, houses ...*House) {
	t.Helper()
	for _, owner := range houses {
		for _, i := range ledgers(t, owner) {
			verifyRows(t, owner, i)
			if !i.Own {
				continue
			}
			for _, h := range houses {
				if h == owner {
					continue
				}
				var copy ledger.Info
				Wait(t, h.Domain+" has all of a ledger of "+owner.Domain, func() bool {
					for _, o := range ledgers(t, owner) {
						if o.ID == i.ID {
							i = o
						}
					}
					for _, c := range ledgers(t, h) {
						if c.ID == i.ID {
							copy = c
							return c.Size == i.Size && c.Applied == c.Size && c.Visible == c.Size
						}
					}
					return len(i.Agreement) > 0 && !party(owner, h, i)
				})
				if copy.ID != "" && copy.Root() != i.Root() {
					t.Errorf("%s and %s have other roots of %s", owner.Domain, h.Domain, i.ID)
				}
			}
		}
	}
}

func party(owner, h *House, i ledger.Info) bool {
	for _, root := range owner.Agreements.Parties(terms.AgreementID(i.Agreement)) {
		if root == h.Exchange.Root() {
			return true
		}
	}
	return false
}

// verifyRows computes the root of a ledger from its records, and compares it with its head.
func verifyRows(t testing.TB, h *House, i ledger.Info) {
	t.Helper()
	err := h.DB.Read(context.Background(), func(r store.Reader) error {
		now, err := ledger.Get(r, i.ID)
		if err != nil {
			return err
		}
		e, err := ledger.EdgeAt(r, i.ID, now.Size)
		if err != nil {
			return err
		}
		if e.Root() != now.Root() {
			t.Errorf("%s: the rows of %s lead to another root", h.Domain, i.ID)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// count asks a house's database for a number.
func count(t testing.TB, h *House, query string, args ...any) (n int64) {
	t.Helper()
	err := h.DB.Read(context.Background(), func(r store.Reader) error { return r.QueryRow(query, args...).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// write runs a transaction of a house.
func write(t testing.TB, h *House, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := h.DB.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

// force says a version of an item as its newsroom's node would never say it: without asking the terms.
func force(t testing.TB, h *House, a terms.AgreementID, kind string, item news.ItemID, number int, class news.Class, s news.Story) ledger.Position {
	t.Helper()
	var pos ledger.Position
	write(t, h, func(tx *store.Tx) (err error) {
		b := ninjs.Write(s, ninjs.Meta{URI: string(item), Version: "1", Class: class, Released: h.Clock(), Provider: h.Domain})
		id, err := content.Put(tx, "application/ninjs+json", string(s.Lang), b)
		if err != nil {
			return err
		}
		if a == "" {
			a = terms.AgreementID(own(t, h, "").Agreement)
		}
		pos, err = h.Exchange.Say(tx, a, ledger.Draft{
			Type: kind, About: string(item), Body: exchange.ItemBody{Class: class, Version: number},
			Contents: []ledger.Content{{ID: id, Bytes: b, Type: "application/ninjs+json", Lang: string(s.Lang)}},
		})
		return err
	})
	return pos
}

// troubles lists what a house has to say about a record, by kind.
func troubles(t testing.TB, h *House, id ledger.ID, seq int64) map[string]exchange.Trouble {
	t.Helper()
	all, err := h.Exchange.Troubles(context.Background(), "", 1000)
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]exchange.Trouble{}
	for _, x := range all {
		if x.Ledger == id && x.Seq == seq {
			out[x.Kind] = x
		}
	}
	return out
}

// is fails the test if an error is not a fault of a kind with a key.
func is(t testing.TB, what string, err error, kind fault.Kind, key string) {
	t.Helper()
	var f *fault.Error
	if !errors.As(err, &f) || f.Kind != kind || f.Key != key {
		t.Errorf("%s: %v, want %s %s", what, err, kind, key)
	}
}

// allRows chooses the whole wire.
var allRows = library.Filter{}

func nothing(*store.Tx, library.Accepted) error { return nil }

// records reads all records of a ledger.
func records(t testing.TB, h *House, id ledger.ID) (out []protocol.Record) {
	t.Helper()
	err := h.DB.Read(context.Background(), func(r store.Reader) error {
		all, err := ledger.Records(r, id, 0, 1<<40)
		for _, b := range all {
			rec, err := protocol.ParseRecord(b)
			if err != nil {
				return err
			}
			out = append(out, rec)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

func versionOf(t testing.TB, rec protocol.Record) int {
	t.Helper()
	var body exchange.ItemBody
	if err := json.Unmarshal(rec.Body, &body); err != nil {
		t.Fatal(err)
	}
	return body.Version
}
