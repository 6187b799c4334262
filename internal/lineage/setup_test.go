package lineage

import (
	"context"
	"crypto/ed25519"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
	"newspool/protocol"
)

// We are Soren: what North releases comes to us under agreements X and Y, and what we release goes to Avand under Z.
var (
	north = news.Root(strings.Repeat("a", 64))
	soren = news.Root(strings.Repeat("b", 64))
	avand = news.Root(strings.Repeat("c", 64))
)

const (
	agX = terms.AgreementID("0000000000000000000000000000000a")
	agY = terms.AgreementID("0000000000000000000000000000000b")
	agZ = terms.AgreementID("0000000000000000000000000000000c")

	northX = ledger.ID("1000000000000000000000000000000a")
	northY = ledger.ID("1000000000000000000000000000000b")
	avandZ = ledger.ID("3000000000000000000000000000000c")

	sourceID = news.ItemID("newspool://north.example/item/01934f00-0000-7000-8000-000000000001")
)

var start = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)

// plainCodec keeps stories as JSON.
type plainCodec struct{}

func (plainCodec) Write(s news.Story, _ library.Meta) []byte {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return b
}

func (plainCodec) Parse(b []byte) (d news.Draft, err error) {
	return d, json.Unmarshal(b, &d.Story)
}

// house is Soren's desk on a database of the test, with what it said.
type house struct {
	*Service
	t       *testing.T
	db      *store.DB
	library *library.Library
	ledgers *ledger.Service
	ana     news.PersonID
	at      time.Time
	mute    map[terms.AgreementID]bool
	said    []ledger.Draft
	sizes   map[ledger.ID]int64
}

// each runs a test on each engine.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) { fn(t, open(t, e)) })
	}
}

func open(t *testing.T, e store.Engine) *house {
	t.Helper()
	h := &house{t: t, at: start, mute: map[terms.AgreementID]bool{}, sizes: map[ledger.ID]int64{}}
	now := func() time.Time { return h.at }
	h.db = storetest.OpenWith(t, store.Options{URL: storetest.URL(t, e), Migrations: []store.Migration{
		content.Migrations(), ledger.Migrations(), library.Migrations(), people.Migrations(), Migrations(),
	}})
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	h.ledgers = ledger.New(h.db, now, func() ed25519.PrivateKey { return key })
	persons := people.New(h.db, people.Options{Clock: now, Log: slog.New(slog.DiscardHandler)})
	h.library = library.New(h.db, library.Options{Origin: soren, Domain: "soren.example", Clock: now, Codec: plainCodec{},
		OnVersion: func(tx *store.Tx, v library.Version) error { return h.Released(tx, v) }})
	h.Service = New(Options{DB: h.db, Library: h.library, People: persons, Voice: h, Agreements: h, Root: soren, Clock: now, Log: slog.New(slog.DiscardHandler)})
	p, err := persons.Create(context.Background(), people.Operator(), people.NewPerson{Login: "ana", Name: "Ana", Language: "en", Roles: []people.Role{people.Editor}, Password: "fourteen ferries"})
	if err != nil {
		t.Fatal(err)
	}
	h.ana = p.ID
	h.write(func(tx *store.Tx) error {
		for _, i := range []ledger.Info{
			{ID: ours(agX), Agreement: string(agX), Owner: soren, Own: true}, {ID: ours(agY), Agreement: string(agY), Owner: soren, Own: true},
			{ID: ours(agZ), Agreement: string(agZ), Owner: soren, Own: true}, {ID: northX, Agreement: string(agX), Owner: north},
			{ID: northY, Agreement: string(agY), Owner: north}, {ID: avandZ, Agreement: string(agZ), Owner: avand},
		} {
			i.Origin = string(i.Owner[:4]) + ".example/exchange/v1/ledgers/" + string(i.ID)
			if err := h.ledgers.Create(tx, i); err != nil {
				return err
			}
		}
		return nil
	})
	return h
}

// ours is our ledger in an agreement.
func ours(a terms.AgreementID) ledger.ID { return ledger.ID("2" + string(a)[1:]) }

func (h *house) Say(tx *store.Tx, a terms.AgreementID, _ news.PersonID, d ledger.Draft) (ledger.Position, error) {
	if h.mute[a] {
		return ledger.Position{}, fault.New(fault.Unavailable, "exchange.unconfirmed")
	}
	pos, err := h.ledgers.Append(tx, ours(a), d)
	if err == nil {
		h.said = append(h.said, d)
	}
	return pos, err
}

func (h *house) Judging(ledger.ID, int64) (terms.Standing, bool) {
	return terms.Standing{Revision: terms.Revision{Corrections: terms.Corrections{Minutes: 30}, Withdrawals: terms.Withdrawals{Minutes: 15}}}, true
}

func (h *house) write(fn func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

// record puts a record of a partner into its ledger, as the exchange would; it is shown unless hidden.
func (h *house) record(tx *store.Tx, id ledger.ID, owner news.Root, kind, about string, body any, hidden bool) (ledger.Said, error) {
	b, err := json.Marshal(body)
	if err != nil {
		return ledger.Said{}, err
	}
	seq := h.sizes[id]
	h.sizes[id]++
	rec := protocol.Record{Type: kind, ID: fmt.Sprintf("01934f00-0000-7000-8000-%012d", seq), Ledger: string(id), Time: clock.Micros(h.at), About: about, Body: b}
	raw, err := rec.Bytes()
	if err != nil {
		return ledger.Said{}, err
	}
	leaf := protocol.LeafHash(raw)
	if err := tx.Exec(`INSERT INTO ledger_entry (ledger, seq, leaf, record) VALUES ($1, $2, $3, $4)`, id, seq, leaf[:], raw); err != nil {
		return ledger.Said{}, err
	}
	if !hidden {
		err = tx.Exec(`UPDATE ledger SET visible = $2 WHERE id = $1`, id, seq+1)
	}
	i, err2 := ledger.Get(tx, id)
	if err == nil {
		err = err2
	}
	return ledger.Said{Ledger: id, Agreement: terms.AgreementID(i.Agreement), Owner: owner, Seq: seq, Record: rec, Bytes: raw}, err
}

// show makes a ledger visible to its end.
func (h *house) show(id ledger.ID) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		return tx.Exec(`UPDATE ledger SET visible = $2 WHERE id = $1`, id, h.sizes[id])
	})
}

// receive takes a version of North's item in by a ledger.
func (h *house) receive(id ledger.ID, number int, class news.Class, hidden bool) {
	h.t.Helper()
	h.at = h.at.Add(time.Minute)
	h.write(func(tx *store.Tx) error {
		kind := map[news.Class]string{news.Correction: "item.correct", news.Withdrawal: "item.withdraw"}[class]
		if kind == "" {
			kind = "item.release"
		}
		d, err := h.record(tx, id, north, kind, string(sourceID), map[string]any{"version": number}, hidden)
		if err != nil {
			return err
		}
		story := news.Story{Type: news.Text, Lang: "en", Headline: fmt.Sprintf("Ferry, version %d", number), Body: "<p>Ferry.</p>"}
		cid, err := content.Put(tx, "application/json", "en", plainCodec{}.Write(story, library.Meta{}))
		if err != nil {
			return err
		}
		in := library.Incoming{Item: sourceID, Number: number, Class: class, Origin: north, Agreement: d.Agreement, Ledger: string(id), Seq: d.Seq,
			ContentID: cid, Story: story, Released: h.at, State: news.Usable, Hidden: hidden}
		if _, err := h.library.Receive(tx, in); err != nil {
			return err
		}
		if class == news.Correction || class == news.Withdrawal {
			return h.Changed(tx, in)
		}
		return nil
	})
}

// fold gives a record of a partner to the service, and what is wrong with it.
func (h *house) fold(id ledger.ID, owner news.Root, kind, about string, body any) (wrong string) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		d, err := h.record(tx, id, owner, kind, about, body, false)
		if err != nil {
			return err
		}
		for range 2 { // the same again does nothing
			taken := false
			if taken, wrong, err = h.Fold(tx, d); err == nil && !taken {
				err = fmt.Errorf("%s is not taken", kind)
			}
			if err != nil {
				return err
			}
		}
		return nil
	})
	return wrong
}

// draft makes a draft from a source.
func (h *house) draft(source news.ItemID, version int, headline string) (item news.ItemID) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		acc, err := h.library.AcceptTx(tx, news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: headline, Body: "<p>.</p>"}, Source: "desk", By: h.ana}, false)
		if err != nil {
			return err
		}
		item = acc.Item
		return h.Make(tx, Made{Item: item, Source: source, Version: version, How: Translation, By: h.ana})
	})
	return item
}

// makes is draft and its release.
func (h *house) makes(source news.ItemID, version int, headline string) news.ItemID {
	h.t.Helper()
	item := h.draft(source, version, headline)
	h.release(item)
	return item
}

func (h *house) release(item news.ItemID) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		_, err := h.library.ReleaseTx(tx, item, h.ana)
		return err
	})
}

// carry says a version of an item to Avand, and gives its place.
func (h *house) carry(item news.ItemID, number int) (seq int64) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		pos, err := h.ledgers.Append(tx, ours(agZ), ledger.Draft{Type: "item.release", About: string(item)})
		if err != nil {
			return err
		}
		seq = pos.Seq
		if err := h.library.Carried(tx, item, number, agZ, string(pos.Ledger), pos.Seq); err != nil {
			return err
		}
		return h.Carried(tx, library.Version{Item: item, Number: number, By: h.ana})
	})
	return seq
}

// open lists the duties that wait.
func (h *house) open(want int) []Duty {
	h.t.Helper()
	all, err := h.Open(context.Background())
	if err != nil {
		h.t.Fatal(err)
	}
	if len(all) != want {
		h.t.Fatalf("%d duties, want %d: %+v", len(all), want, all)
	}
	return all
}

// bodies lists what was said of a type about an item, each as JSON.
func (h *house) bodies(kind string, about news.ItemID) (out []string) {
	for _, d := range h.said {
		if d.Type == kind && d.About == string(about) {
			b, err := json.Marshal(d.Body)
			if err != nil {
				h.t.Fatal(err)
			}
			out = append(out, string(b))
		}
	}
	return out
}

func (h *house) answer(d Duty, a Answer, why string) {
	h.t.Helper()
	if err := h.Answer(context.Background(), h.ana, d.N, a, why); err != nil {
		h.t.Fatal(err)
	}
}

func is(t *testing.T, what string, err error, kind fault.Kind, key string) {
	t.Helper()
	if f := fault.Of(err); err == nil || f.Kind != kind || f.Key != key {
		t.Errorf("%s: %v, want %s %s", what, err, kind, key)
	}
}
