package nodetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// A story is released, updated, corrected and withdrawn; the partner sees each step, and in the end only that it was withdrawn.
func TestLifeOfAStory(t *testing.T) {
	a, b := pair(t, nil)
	ctx := context.Background()
	id := accept(t, a, Story(1))
	waitState(t, b, id, news.Usable)
	accept(t, a, changed(1, "Ferry leaves Port Anselm an hour late", news.Update))
	if it := waitVersion(t, b, id, 2); it.Class != news.Update || it.Headline != "Ferry leaves Port Anselm an hour late" {
		t.Errorf("the update is %s %q", it.Class, it.Headline)
	}
	accept(t, a, changed(1, "Ferry leaves Port Anselm two hours late", news.Correction))
	if it := waitVersion(t, b, id, 3); it.Class != news.Correction {
		t.Errorf("the correction is %s", it.Class)
	}
	story, err := b.Library.Version(ctx, id, 1)
	if err != nil || story.Headline != Story(1).Headline {
		t.Errorf("the first version is %q now (%v)", story.Headline, err)
	}
	if _, err := a.Library.Withdraw(ctx, id, "The ferry left on time.", ""); err != nil {
		t.Fatal(err)
	}
	it := waitState(t, b, id, news.Withdrawn)
	if len(it.History) != 4 || it.History[3].Class != news.Withdrawal || it.History[3].Note != "The ferry left on time." {
		t.Errorf("the history ends with %+v", it.History)
	}
	for n := range 5 {
		if _, err := b.Library.Version(ctx, id, n); !fault.Is(err, fault.Gone) {
			t.Errorf("version %d of a withdrawn item is still served (%v)", n, err)
		}
	}
	rows, err := b.Library.Wire(ctx, allRows, 0, 10)
	if err != nil || len(rows) != 1 || rows[0].State != news.Withdrawn || !strings.HasPrefix(rows[0].Headline, "Ferry") {
		t.Errorf("the row is %+v (%v)", rows, err)
	}
	if _, err := a.Library.Version(ctx, id, 3); err != nil {
		t.Errorf("the origin cannot read its own text any more: %v", err)
	}
	waitDelivered(t, a, id, 4)
	var kinds []string
	for _, rec := range records(t, a, own(t, a, "").ID) {
		if rec.About == string(id) {
			kinds = append(kinds, rec.Type)
		}
	}
	if want := []string{exchange.TypeRelease, exchange.TypeRelease, exchange.TypeCorrect, exchange.TypeWithdraw}; !slices.Equal(kinds, want) {
		t.Errorf("records %v, want %v", kinds, want)
	}
	sameLedgers(t, a, b)
}

// What is withdrawn before it was said is never said, and a correction does not overtake the version that it corrects: while both are
// in the outbox, and while nothing may be said before the partner has confirmed what it holds.
func TestWithdrawnBeforeItWasSaid(t *testing.T) {
	for _, unconfirmed := range []bool{false, true} {
		a, b := pair(t, nil)
		ctx := context.Background()
		send(t, a, b, 9)
		if unconfirmed {
			b.Stop()
			a.Restart(a.spec)
		}
		var gone, kept news.ItemID
		write(t, a, func(tx *store.Tx) error {
			first, err := a.Library.AcceptTx(tx, Story(1), true)
			if err != nil {
				return err
			}
			second, err := a.Library.AcceptTx(tx, Story(2), true)
			if err != nil {
				return err
			}
			gone, kept = first.Item, second.Item
			if _, err := a.Library.CorrectTx(tx, kept, changed(2, "Ferry number 2 did not leave", news.Correction), "", ""); err != nil {
				return err
			}
			_, err = a.Library.WithdrawTx(tx, gone, "Never mind.", "")
			return err
		})
		Wait(t, "everything has left the outbox", func() bool {
			n, err := a.Exchange.OutboxSize(ctx)
			return err == nil && n == 0
		})
		if unconfirmed {
			b.Restart(b.spec)
		}
		if it := waitVersion(t, b, kept, 2); len(it.History) != 2 {
			t.Errorf("the history of the corrected story is %+v", it.History)
		}
		sameLedgers(t, a, b)
		if s := stateAt(b, gone); s != "" {
			t.Errorf("a story that was withdrawn before it was said is %s at the partner", s)
		}
		order := map[string][]int{}
		for _, rec := range records(t, a, own(t, a, "").ID) {
			if strings.HasPrefix(rec.Type, "item.") {
				order[rec.About] = append(order[rec.About], versionOf(t, rec))
			}
		}
		if !slices.Equal(order[string(kept)], []int{1, 2}) || len(order[string(gone)]) != 0 {
			t.Errorf("versions in the ledger: %v", order)
		}
	}
}

// A story under embargo crosses at once and may be used when its time has come, by itself while the link is alive.
func TestEmbargo(t *testing.T) {
	var h hands
	a, b := pair(t, func(x, y *Spec, _ *terms.Revision) { x.Clock, y.Clock = h.clock, h.clock })
	ctx := context.Background()
	d := Story(1)
	d.Embargo = h.clock().Add(time.Hour).Truncate(time.Minute)
	id := accept(t, a, d)
	if it := waitState(t, b, id, news.Usable); !it.Embargo.Equal(d.Embargo) {
		t.Errorf("embargo %v, want %v", it.Embargo, d.Embargo)
	}
	ask := func() terms.Decision {
		t.Helper()
		all, err := b.Exchange.Rulings(ctx, id, terms.Publish)
		if err != nil || len(all) != 1 {
			t.Fatalf("%d rulings (%v)", len(all), err)
		}
		return all[0].Decision
	}
	if d := ask(); d.Answer != terms.NotYet || d.Clause != "4" {
		t.Errorf("before its time: %+v", d)
	}
	if !b.Exchange.Confirmed(a.Exchange.Root(), h.clock()) {
		t.Error("a link that is alive confirms nothing")
	}
	h.move(time.Hour)
	if d := ask(); d.Answer != terms.Yes {
		t.Errorf("after its time: %+v", d)
	}
	if b.Exchange.Confirmed(a.Exchange.Root(), h.clock()) {
		t.Error("a link whose last word is an hour old confirms")
	}
}

// noSport leaves sport out.
func noSport(rev *terms.Revision) {
	rev.Flows = []terms.Flow{{Clause: "2.1", Except: []string{"medtop:15000000"}}}
}

func sport(n int) news.Draft {
	d := Story(n)
	d.Subjects = []news.Subject{{Code: "medtop:15000000", Name: "sport"}}
	return d
}

// An item goes to one partner and not to the other; the origin keeps for each why, and the page of a draft says it before.
func TestRefusalsByPartner(t *testing.T) {
	a, b := pair(t, func(_, _ *Spec, rev *terms.Revision) { noSport(rev) })
	c := Start(t, Avand())
	Meet(a, c)
	Agree(Terms(a, c), a, c)
	ctx := context.Background()
	acc, err := a.Library.AcceptWith(ctx, sport(1), false, nothing)
	if err != nil {
		t.Fatal(err)
	}
	would, err := a.Exchange.Would(ctx, acc.Item)
	if err != nil || len(would) != 2 {
		t.Fatalf("would go: %+v (%v)", would, err)
	}
	for _, d := range would {
		if want := map[bool]exchange.DeliveryState{true: exchange.Refused, false: exchange.Queued}[d.Partner == b.Exchange.Root()]; d.State != want {
			t.Errorf("would be %s at %s, want %s", d.State, d.Partner, want)
		}
	}
	if _, err := a.Library.Release(ctx, acc.Item, ""); err != nil {
		t.Fatal(err)
	}
	waitState(t, c, acc.Item, news.Usable)
	Wait(t, "both are accounted for", func() bool {
		states := map[news.Root]exchange.Delivery{}
		for _, d := range deliveries(t, a, acc.Item) {
			states[d.Partner] = d
		}
		no, yes := states[b.Exchange.Root()], states[c.Exchange.Root()]
		return no.State == exchange.Refused && no.Clause == "2.1" && no.Key == "terms.no.subject" && yes.State == exchange.Delivered
	})
	last := accept(t, a, Story(2))
	waitState(t, b, last, news.Usable)
	if s := stateAt(b, acc.Item); s != "" {
		t.Errorf("what the terms leave out is %s at the partner", s)
	}
	if n := count(t, b, `SELECT COUNT(*) FROM ledger_entry WHERE record LIKE '%'||$1||'%'`, string(acc.Item)); n != 0 {
		t.Errorf("%d records about it have left", n)
	}
}

// What slips out is set aside at the other end, and so is what follows it; the origin is told by which clause.
func TestOutsideTheTermsIsSetAside(t *testing.T) {
	a, b := pair(t, func(_, _ *Spec, rev *terms.Revision) { noSport(rev) })
	id := accept(t, a, sport(1))
	Wait(t, "the origin has refused it", func() bool { ds := deliveries(t, a, id); return len(ds) == 1 && ds[0].State == exchange.Refused })
	pos := force(t, a, "", exchange.TypeRelease, id, 1, news.First, sport(1).Story)
	it := waitState(t, b, id, news.SetAside)
	if it.Why.Clause != "2.1" || it.Why.Key != "terms.aside.subject" {
		t.Errorf("set aside because of %+v", it.Why)
	}
	rulings, err := b.Exchange.Rulings(context.Background(), id, terms.Publish)
	if err != nil || len(rulings) != 1 || rulings[0].Decision.Answer == terms.Yes {
		t.Errorf("what is set aside may be published: %+v (%v)", rulings, err)
	}
	Wait(t, "the origin was told", func() bool {
		x, ok := troubles(t, a, pos.Ledger, pos.Seq)["told-"+string(b.Exchange.Root())]
		return ok && x.Key == "exchange.partner_set_aside" && x.Args["clause"] == "2.1"
	})
	corrected := sport(1).Story
	corrected.Headline = "The score was two to one"
	force(t, a, "", exchange.TypeCorrect, id, 2, news.Correction, corrected)
	waitVersion(t, b, id, 2)
	if s := stateAt(b, id); s != news.SetAside {
		t.Errorf("a correction made it %s", s)
	}
	good := accept(t, a, Story(2))
	waitState(t, b, good, news.Usable)
	force(t, a, "", exchange.TypeCorrect, good, 2, news.Correction, corrected)
	waitVersion(t, b, good, 2)
	if s := stateAt(b, good); s != news.Usable {
		t.Errorf("a correction of what was taken is %s", s)
	}
}

// The same item under two agreements goes by both and is withdrawn in both, in one transaction.
func TestTwoAgreements(t *testing.T) {
	var commits atomic.Int64
	var mu sync.Mutex
	offered := map[ledger.ID]int64{}
	a, b := pair(t, func(x, _ *Spec, _ *terms.Revision) {
		x.Fault = func(op string) error {
			if op == "commit-before" {
				commits.Add(1)
			}
			return nil
		}
		x.Before = func(n *node.Node) {
			n.Exchange.Observe = func(e exchange.Event) {
				if e.Kind == exchange.Offered {
					mu.Lock()
					offered[e.Ledger] = commits.Load()
					mu.Unlock()
				}
			}
		}
	})
	ctx := context.Background()
	Agree(Terms(a, b), a, b)
	id := accept(t, a, Story(1))
	waitDelivered(t, a, id, 2)
	it := waitState(t, b, id, news.Usable)
	if len(it.Agreements) != 2 || len(it.Ways) != 2 {
		t.Errorf("it came under %v by %v", it.Agreements, it.Ways)
	}
	rows, err := b.Library.Wire(ctx, allRows, 0, 10)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows for one item (%v)", len(rows), err)
	}
	if all, err := b.Exchange.Rulings(ctx, id, terms.Publish); err != nil || len(all) != 2 {
		t.Errorf("%d rulings (%v)", len(all), err)
	}
	mu.Lock()
	clear(offered)
	mu.Unlock()
	if _, err := a.Library.Withdraw(ctx, id, "Wrong ship.", ""); err != nil {
		t.Fatal(err)
	}
	waitState(t, b, id, news.Withdrawn)
	waitDelivered(t, a, id, 4)
	mu.Lock()
	defer mu.Unlock()
	var in []int64
	for _, c := range offered {
		in = append(in, c)
	}
	if len(in) != 2 || in[0] != in[1] {
		t.Errorf("the withdrawals stand in the commits %v", offered)
	}
}

// A database that is restored from a backup begins no day anew, at either end.
func TestCeilingAfterRestore(t *testing.T) {
	var h hands
	h.move(24*time.Hour - time.Duration(time.Now().UTC().Hour())*time.Hour) // not close to midnight
	a, b := pair(t, func(x, y *Spec, rev *terms.Revision) {
		x.Clock, y.Clock = h.clock, h.clock
		rev.Ceilings.Records = 4
	})
	send(t, a, b, 1)
	backup := keep(t, a)
	a.Restart(a.spec)
	send(t, a, b, 2, 3)
	restore(t, a, backup)
	a.Restart(a.spec)
	send(t, a, b, 4)
	id := accept(t, a, Story(5))
	Wait(t, "it waits for the next day", func() bool {
		ds := deliveries(t, a, id)
		return len(ds) == 1 && ds[0].State == exchange.Queued && ds[0].Key == "terms.wait.records"
	})
	write(t, a, func(tx *store.Tx) error { // a program that does not wait
		v, err := a.Library.Outgoing(tx, id, 1)
		if err != nil {
			return err
		}
		st := a.Agreements.Active()[0]
		_, err = a.Exchange.Say(tx, st.Agreement, ledger.Draft{
			Type: exchange.TypeRelease, Terms: string(st.Hash), About: string(id), Body: exchange.ItemBody{Class: v.Class, Version: 1},
			Contents: []ledger.Content{{ID: v.ContentID, Bytes: v.Content, Type: v.MediaType, Lang: string(v.Story.Lang)}},
		})
		return err
	})
	waitState(t, b, id, news.SetAside)
}

// What is above the ceiling of a day waits for the next one, also over a start; what was withdrawn meanwhile is never said, and
// corrections of what was sent do not wait.
func TestCeilingOfADay(t *testing.T) {
	var h hands
	h.move(24*time.Hour - time.Duration(time.Now().UTC().Hour())*time.Hour) // not close to midnight
	a, b := pair(t, func(x, y *Spec, rev *terms.Revision) {
		x.Clock, y.Clock = h.clock, h.clock
		rev.Ceilings.Records = 4
	})
	ctx := context.Background()
	first := send(t, a, b, 1, 2)
	a.Restart(a.spec)
	first = append(first, send(t, a, b, 3, 4)...)
	var late []news.ItemID
	for n := 5; n < 8; n++ {
		id := accept(t, a, Story(n))
		late = append(late, id)
		Wait(t, "it waits for the next day", func() bool {
			ds := deliveries(t, a, id)
			return len(ds) == 1 && ds[0].State == exchange.Queued && ds[0].Until.After(h.clock()) && ds[0].Clause == "6" && ds[0].Key == "terms.wait.records" && ds[0].Partner == b.Exchange.Root()
		})
		if got, err := a.Exchange.Delays(ctx); err != nil || len(got) != 1 || got[0].Later != int64(n-4) || got[0].Unconfirmed != 0 {
			t.Errorf("after story %d: %+v (%v)", n, got, err)
		}
	}
	accept(t, a, changed(1, "Ferry number 1 was late", news.Correction))
	waitVersion(t, b, first[0], 2)
	accept(t, a, changed(5, "Ferry number 5 was late", news.Correction)) // of what was not sent yet
	if _, err := a.Library.Withdraw(ctx, late[1], "Never mind.", ""); err != nil {
		t.Fatal(err)
	}
	said(t, a)
	for _, d := range deliveries(t, a, late[1]) {
		t.Errorf("nobody waits for what was withdrawn before it was said: %+v", d)
	}
	a.Restart(a.spec)
	if s, err := a.Status(ctx); err != nil || len(s.Delays) != 1 || fmt.Sprint(s.Delays[0].Args["n"]) != "3" { // two versions of one story, and another story
		t.Errorf("the state of the node has %+v (%v)", s.Delays, err)
	}
	if n := shown(t, b); n != 4 {
		t.Errorf("%d rows on the first day, want 4", n)
	}
	h.move(24 * time.Hour)
	next := accept(t, a, Story(9))
	waitState(t, b, next, news.Usable)
	waitVersion(t, b, late[0], 2)
	waitState(t, b, late[2], news.Usable)
	waitDelivered(t, a, late[2], 1)
	waitDelivered(t, a, late[0], 2)
	if got, err := a.Exchange.Delays(ctx); err != nil || len(got) != 0 {
		t.Errorf("on the next day %+v wait (%v)", got, err)
	}
	if s := stateAt(b, late[1]); s != "" {
		t.Errorf("what was withdrawn before its day came is %s", s)
	}
	for _, id := range append(first, late[0], late[2]) {
		waitState(t, b, id, news.Usable)
	}
	sameLedgers(t, a, b)
}
