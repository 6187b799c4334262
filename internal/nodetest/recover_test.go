package nodetest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/verify"
	"newspool/protocol"
)

// send releases stories and waits until the partner shows them and the receipts are back.
func send(t *testing.T, from, to *House, numbers ...int) []news.ItemID {
	t.Helper()
	ctx := context.Background()
	var items []news.ItemID
	for _, n := range numbers {
		acc, err := from.Library.Accept(ctx, Story(n))
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, acc.Item)
	}
	for _, item := range items {
		Wait(t, "the story is at "+to.Domain, func() bool { _, err := to.Library.Version(ctx, item, 0); return err == nil })
		Wait(t, "the receipt is at "+from.Domain, func() bool {
			ds, err := from.Exchange.Deliveries(ctx, item)
			return err == nil && len(ds) > 0 && ds[0].State == exchange.Delivered
		})
	}
	return items
}

// keep stops a house and copies its folder.
func keep(t *testing.T, h *House) (backup string) {
	t.Helper()
	h.Stop()
	backup = t.TempDir()
	if err := os.CopyFS(backup, os.DirFS(h.Dir)); err != nil {
		t.Fatal(err)
	}
	return backup
}

// restore stops a house and puts the copy in the place of its folder.
func restore(t *testing.T, h *House, backup string) {
	t.Helper()
	h.Stop()
	if err := os.RemoveAll(h.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(h.Dir, os.DirFS(backup)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(h.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
}

// A database that is restored from a backup takes back what its partner holds, and goes on in a new ledger.
func TestRestoredDatabase(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	ctx := context.Background()
	send(t, a, b, 1, 2, 3)
	backup := keep(t, a)
	a.Restart(North())
	lost := send(t, a, b, 4, 5)
	restore(t, a, backup)
	a.Restart(North())
	send(t, a, b, 6)
	for _, item := range lost {
		it, err := a.Library.Item(ctx, item)
		if err != nil || !it.Own {
			t.Errorf("a story that the backup did not have was not taken back: %v", err)
		}
	}
	rows, err := b.Library.Wire(ctx, library.Filter{}, 0, 100)
	if err != nil || len(rows) != 6 {
		t.Errorf("the partner shows %d stories, want 6 (%v)", len(rows), err)
	}
}

// stumbling are agreements that cannot go on in a new ledger the first time.
type stumbling struct {
	exchange.Agreements
	stumbled atomic.Bool
}

func (s *stumbling) Continue(tx *store.Tx, id terms.AgreementID, old, next ledger.ID) error {
	if s.stumbled.CompareAndSwap(false, true) {
		return errors.New("test: going on fails")
	}
	return s.Agreements.Continue(tx, id, old, next)
}

// What was taken back and the end of the old ledger are durable together: where the second fails, the old ledger is not the whole one
// that goes on as if nothing had been lost.
func TestTakenBackOrNotAtAll(t *testing.T) {
	a, b := pair(t, nil)
	send(t, a, b, 1)
	backup := keep(t, a)
	a.Restart(North())
	lost := send(t, a, b, 2)[0]
	old := own(t, a, "").ID
	restore(t, a, backup)
	spec := North()
	spec.LogLevel = silent
	spec.Before = func(n *node.Node) { n.Exchange.Agreements = &stumbling{Agreements: n.Exchange.Agreements} }
	a.Restart(spec)
	send(t, a, b, 3)
	if i := own(t, a, ""); i.ID == old || i.Continues != old {
		t.Errorf("ledger %s continues %q, want another one than %s, and that it continues", i.ID, i.Continues, old)
	}
	if i, err := a.Ledgers.Info(context.Background(), old); err != nil || i.State != ledger.Ended {
		t.Errorf("the old ledger is %s (%v)", i.State, err)
	}
	if _, err := a.Library.Item(context.Background(), lost); err != nil {
		t.Errorf("what was lost was not taken back: %v", err)
	}
}

// A version that is left waiting in the very transaction in which the ledger goes on does not wait for ever.
func TestWaitingBesideANewLedger(t *testing.T) {
	a, b := pair(t, nil)
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	send(t, a, b, 1)
	backup := keep(t, a)
	a.Restart(North())
	send(t, a, b, 2)
	restore(t, a, backup)
	spec := North()
	spec.LogLevel = silent
	a.open(spec) // nothing of it runs, apart from what follows
	item := accept(t, a, Story(3))
	gate, held := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		write(t, a, func(*store.Tx) error {
			close(held)
			<-gate
			return nil
		})
	})
	<-held
	wg.Go(func() { a.Exchange.Run(ctx, a.Peer) })
	Wait(t, "the new ledger waits for the writer", func() bool { return a.DB.Waiting() == 2 }) // with the first step of the offering
	wg.Go(func() {
		if _, err := a.Exchange.OfferWaiting(ctx); err != nil {
			t.Error(err)
		}
	})
	Wait(t, "the offer waits for the writer", func() bool { return a.DB.Waiting() == 3 })
	close(gate)
	Wait(t, "the story is said", func() bool {
		ways, err := a.Exchange.Deliveries(ctx, item)
		return err == nil && len(ways) == 1 && ways[0].State == exchange.Released
	})
	cancel()
	wg.Wait()
	if err := a.Node.Close(); err != nil {
		t.Error(err)
	}
	a.cancel = nil
}

// After a start nothing is said before a partner has told what it holds; then what waited goes out by itself.
func TestNothingIsSaidUnconfirmed(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	ctx := context.Background()
	send(t, a, b, 1)
	b.Stop()
	a.Restart(North())
	acc, err := a.Library.Accept(ctx, Story(2))
	if err != nil {
		t.Fatal(err)
	}
	Wait(t, "the version has left the outbox", func() bool {
		n, err := a.Exchange.OutboxSize(ctx)
		return err == nil && n == 0
	})
	if ds, err := a.Exchange.Deliveries(ctx, acc.Item); err != nil || len(ds) != 1 || ds[0].State != exchange.Queued || ds[0].Partner != b.Exchange.Root() || ds[0].Key != "exchange.unconfirmed" {
		t.Fatalf("deliveries %+v, %v: nothing may have an index yet", ds, err)
	}
	if got, err := a.Exchange.Delays(ctx); err != nil || len(got) != 1 || got[0].Unconfirmed != 1 {
		t.Errorf("%+v wait (%v)", got, err)
	}
	b.Restart(Soren())
	Wait(t, "the story is at the partner", func() bool { _, err := b.Library.Version(ctx, acc.Item, 0); return err == nil })
}

// correct makes a correction of an item and gives the number of its version.
func corrected(t *testing.T, h *House, item news.ItemID, headline string) int {
	t.Helper()
	acc, err := h.Library.Correct(context.Background(), item, changed(1, headline, news.Correction), "", "")
	if err != nil || acc.Duplicate {
		t.Fatalf("%s correcting %q: %+v, %v", h.Domain, headline, acc, err)
	}
	return acc.Version
}

// reads waits until a house shows a headline as the newest version of an item.
func reads(t *testing.T, h *House, item news.ItemID, headline string) {
	t.Helper()
	Wait(t, h.Domain+" reads "+headline, func() bool {
		s, err := h.Library.Version(context.Background(), item, 0)
		return err == nil && s.Headline == headline
	})
}

// delivered waits until the partner has confirmed a version, and nothing more is said of it.
func delivered(t *testing.T, h *House, item news.ItemID, number int) {
	t.Helper()
	Wait(t, "the receipt is at "+h.Domain, func() bool {
		ds, err := h.Exchange.Deliveries(context.Background(), item)
		return err == nil && len(ds) > 0 && ds[0].Number == number && ds[0].State == exchange.Delivered
	})
}

// settled waits until a house may say everything.
func settled(t *testing.T, h *House) {
	t.Helper()
	Wait(t, h.Domain+" is confirmed", func() bool { return len(h.Exchange.Unconfirmed()) == 0 })
}

// verified checks the ledgers of a house, and gives the keys of what is said of them.
func verified(t *testing.T, h *House) (ok bool, said map[string]bool) {
	t.Helper()
	reports, err := verify.Database(context.Background(), h.DB, func(root news.Root) (protocol.Keys, bool) {
		if root == h.Exchange.Root() {
			k, err := h.Exchange.MyKeys()
			return k, err == nil
		}
		p, ok := h.Exchange.Partner(root)
		return p.Keys, ok
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	ok, said = true, map[string]bool{}
	for _, r := range reports {
		ok = ok && r.OK
		for _, l := range r.Lines {
			said[l.Key] = true
		}
	}
	return ok, said
}

func quiet(s Spec) Spec {
	s.LogLevel = silent
	return s
}

// What was said in a ledger that a restored database does not even know is taken back, too: the numbers of versions go on after it,
// also where somebody was faster and has written something meanwhile.
func TestRestoredAgainAndAgain(t *testing.T) {
	a, b := pair(t, nil)
	ctx := context.Background()
	item := send(t, a, b, 1)[0]
	backup := keep(t, a)
	a.Restart(North())
	corrected(t, a, item, "Step two")
	reads(t, b, item, "Step two")
	for i, headline := range []string{"Step three", "Step four", "Step five"} {
		restore(t, a, backup)
		if i == 2 {
			a.open(quiet(North()))
			corrected(t, a, item, headline) // before a partner has said what it holds
			a.run()
		} else {
			a.Restart(quiet(North()))
			settled(t, a)
			corrected(t, a, item, headline)
		}
		reads(t, b, item, headline)
		settled(t, a)
		delivered(t, a, item, i+3)
		it, err := a.Library.Item(ctx, item)
		if err != nil || it.Version != i+3 || it.Headline != headline {
			t.Fatalf("restored %d times: version %d %q, %v", i+1, it.Version, it.Headline, err)
		}
	}
	n := 0
	for _, i := range ledgers(t, a) {
		if i.Own {
			n++
		}
	}
	if n != 4 {
		t.Errorf("%d ledgers of its own, want 4", n)
	}
	sameLedgers(t, a, b)
	for _, h := range []*House{a, b} {
		it, err := h.Library.Item(ctx, item)
		if err != nil || len(it.History) != 5 {
			t.Errorf("%s: %d versions, %v", h.Domain, len(it.History), err)
		}
	}
	Wait(t, "what has ended does not count", func() bool {
		l := b.Exchange.Links()
		return len(l) == 1 && l[0].State == exchange.LinkLive && l[0].Ended == 3 && l[0].Absent == 0
	})
	all, err := a.Exchange.Troubles(ctx, a.Exchange.Root(), 10)
	if err != nil || len(all) != 1 || all[0].Key != "exchange.restored" {
		t.Errorf("the restoring is told as %+v, %v", all, err)
	}
	if ok, said := verified(t, a); !ok || !said["verify.restored"] || said["verify.evidence"] {
		t.Errorf("the restored ledgers are in order: %t, %v", ok, said)
	}
}

// A follower that does not know the question which ledgers it holds confirms as ever.
func TestFollowerWithoutTheQuestion(t *testing.T) {
	a, b := pair(t, nil)
	send(t, a, b, 1)
	backup := keep(t, a)
	a.Restart(North())
	send(t, a, b, 2)
	restore(t, a, backup)
	spec := quiet(North())
	spec.Before = func(n *node.Node) { n.Exchange.Times.MaxPause = 50 * time.Millisecond }
	a.open(spec)
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { a.Exchange.Run(ctx, unasked{a.Peer}) })
	settled(t, a)
	if i := own(t, a, ""); i.Continues == "" {
		t.Error("it does not go on in a new ledger")
	}
	cancel()
	wg.Wait()
	if err := a.Node.Close(); err != nil {
		t.Error(err)
	}
	a.cancel = nil
}

// unasked is the network to nodes of an older version.
type unasked struct{ exchange.Peer }

func (u unasked) Get(ctx context.Context, p partner.Partner, a terms.AgreementID, path string) (io.ReadCloser, error) {
	if path == "mirrors" {
		return nil, fault.New(fault.Denied, "partner.denied")
	}
	return u.Peer.Get(ctx, p, a, path)
}

// A second copy of a folder runs beside the first: the partner reads the first, so the second is told that nothing of what it says is
// confirmed; that it is a copy it learns from what the partner holds.
func TestCloneBesideIt(t *testing.T) {
	a, b := pair(t, nil)
	item := send(t, a, b, 1)[0]
	folder := keep(t, a)
	a.Restart(North())
	settled(t, a)
	soon := quiet(North())
	soon.Base = a.Base()
	soon.Before = func(n *node.Node) { n.Exchange.Times.Stall = 100 * time.Millisecond }
	clone := &House{Domain: a.Domain, Dir: folder, TB: t, addr: "127.0.0.1:0"}
	if err := os.Chmod(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	clone.open(soon)
	clone.run()
	t.Cleanup(clone.Stop)
	settled(t, clone)
	old := own(t, clone, "").ID
	corrected(t, clone, item, "What the clone says")
	Wait(t, "the clone sees that nothing is confirmed", func() bool {
		all, err := clone.Exchange.Stalled(context.Background())
		return err == nil && len(all) == 1 && all[0].Partner == b.Exchange.Root() && all[0].Records > 0
	})
	corrected(t, a, item, "What the first one says")
	reads(t, b, item, "What the first one says")
	Wait(t, "the clone goes on in a new ledger", func() bool { return own(t, clone, "").ID != old })
	Wait(t, "the partner notices", func() bool { l := b.Exchange.Links(); return l[0].Absent == 1 && l[0].State == exchange.LinkLive })
	all, err := clone.Exchange.Troubles(context.Background(), a.Exchange.Root(), 10)
	if err != nil || len(all) != 1 || all[0].Key != "exchange.restored_fork" {
		t.Errorf("the clone is told %+v, %v", all, err)
	}
	if ok, said := verified(t, clone); ok || !said["verify.evidence"] {
		t.Errorf("the clone's ledgers are in order: %t, %v", ok, said)
	}
	if l := own(t, a, ""); l.ID != old {
		t.Error("the first one had to go on in a new ledger")
	}
}

// What a clone has said in a ledger that its newsroom has ended is taken back by the node that runs, once the partner asks beyond its
// end. A version that was said twice under one number is shown as it came first, and both are told.
func TestCloneSaidMore(t *testing.T) {
	a, b := pair(t, nil)
	ctx := context.Background()
	item := send(t, a, b, 1)[0]
	backup := keep(t, a)
	a.Restart(North())
	other := send(t, a, b, 2)[0]
	old := own(t, a, "").ID
	clone := keep(t, a)
	restore(t, a, backup)
	a.Restart(quiet(North()))
	settled(t, a)
	corrected(t, a, item, "The first one")
	reads(t, b, item, "The first one")
	Wait(t, "the receipts are back", func() bool { i := own(t, a, ""); return i.Confirmed == i.Size })
	real := keep(t, a)

	restore(t, a, clone) // it does not know of the new ledger, and nobody asks
	db, err := store.Open(ctx, store.Options{URL: "sqlite:" + filepath.Join(a.Dir, "newspool.db"), Migrations: node.Migrations()})
	if err != nil {
		t.Fatal(err)
	}
	err = db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(`UPDATE ledger SET confirmed = 0`) })
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	a.Restart(quiet(North()))
	if i := own(t, a, ""); i.ID != old {
		t.Fatal("the clone has gone on in a new ledger")
	}
	corrected(t, a, item, "The clone")
	corrected(t, a, other, "Only the clone")
	reads(t, b, other, "Only the clone")
	Wait(t, "the clone is told that its number was taken", func() bool {
		ds, err := a.Exchange.Deliveries(ctx, item)
		return err == nil && len(ds) > 0 && ds[0].State == exchange.Reported && ds[0].Key == "exchange.partner_number_taken"
	})
	if s, err := b.Library.Version(ctx, item, 0); err != nil || s.Headline != "The first one" {
		t.Errorf("the partner shows %q, %v", s.Headline, err)
	}
	all, err := b.Exchange.Troubles(ctx, a.Exchange.Root(), 10)
	if err != nil || !slices.ContainsFunc(all, func(x exchange.Trouble) bool { return x.Key == "exchange.number_taken" && x.Ledger == old }) {
		t.Errorf("the partner is told %+v, %v", all, err)
	}

	restore(t, a, real)
	a.Restart(quiet(North()))
	settled(t, a)
	reads(t, a, other, "Only the clone")
	reads(t, a, item, "The first one")
	Wait(t, "the link to the old ledger is there again", func() bool {
		i, err := b.Ledgers.Info(ctx, old)
		l := b.Exchange.Links()
		mine, err2 := a.Ledgers.Info(ctx, old)
		return err == nil && err2 == nil && i.State == ledger.Ended && mine.Size == i.Size && l[0].State == exchange.LinkLive && l[0].Ended == 1
	})
	if n := corrected(t, a, item, "And on"); n != 3 {
		t.Errorf("the next version is %d", n)
	}
	reads(t, b, item, "And on")
	Wait(t, "the real one is told, too", func() bool {
		ds, err := a.Exchange.Deliveries(ctx, item)
		return err == nil && slices.ContainsFunc(ds, func(d exchange.Delivery) bool { return d.Ledger == old && d.Key == "exchange.partner_number_taken" })
	})
}
