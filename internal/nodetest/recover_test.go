package nodetest

import (
	"context"
	"os"
	"testing"

	"newspool/internal/exchange"
	"newspool/internal/library"
	"newspool/internal/news"
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

// A database that is restored from a backup takes back what its partner holds, and goes on in a new ledger.
func TestRestoredDatabase(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	ctx := context.Background()
	send(t, a, b, 1, 2, 3)
	a.Stop()
	backup := t.TempDir()
	if err := os.CopyFS(backup, os.DirFS(a.Dir)); err != nil {
		t.Fatal(err)
	}
	a.Restart(North())
	lost := send(t, a, b, 4, 5)
	a.Stop()
	if err := os.RemoveAll(a.Dir); err != nil {
		t.Fatal(err)
	}
	if err := os.CopyFS(a.Dir, os.DirFS(backup)); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(a.Dir, 0o700); err != nil {
		t.Fatal(err)
	}
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
