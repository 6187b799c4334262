package nodetest

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"newspool/internal/exchange"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
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
	if ds, err := a.Exchange.Deliveries(ctx, acc.Item); err != nil || len(ds) != 1 || ds[0].State != exchange.Queued {
		t.Fatalf("deliveries %+v, %v: nothing may have an index yet", ds, err)
	}
	b.Restart(Soren())
	Wait(t, "the story is at the partner", func() bool { _, err := b.Library.Version(ctx, acc.Item, 0); return err == nil })
}
