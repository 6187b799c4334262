package nodetest

import (
	"context"
	"testing"

	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// The life of a story is the same on both databases, and between them.
func TestBothDatabases(t *testing.T) {
	for _, engine := range storetest.Engines() {
		if engine == store.SQLite {
			continue // every other test
		}
		t.Run(string(engine), func(t *testing.T) {
			north, soren := North(), Soren()
			north.Database = storetest.URL(t, engine)
			a, b := Start(t, north), Start(t, soren)
			Meet(a, b)
			Agree(Terms(a, b), a, b)
			ctx := context.Background()
			there := send(t, a, b, 1, 2, 3)
			back := send(t, b, a, 4, 5)
			if _, err := a.Library.Withdraw(ctx, there[0], "A mistake.", ""); err != nil {
				t.Fatal(err)
			}
			Wait(t, "the withdrawal is at the partner", func() bool {
				it, err := b.Library.Item(ctx, there[0])
				return err == nil && it.State == news.Withdrawn
			})
			a.Restart(north)
			send(t, a, b, 6)
			rows, err := a.Library.Wire(ctx, library.Filter{Received: true}, 0, 10)
			if err != nil || len(rows) != len(back) {
				t.Errorf("%d rows received, want %d (%v)", len(rows), len(back), err)
			}
		})
	}
}
