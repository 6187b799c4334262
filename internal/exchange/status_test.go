package exchange

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// A newsroom's troubles are found however many others came after them, in all of its ledgers.
func TestTroublesOf(t *testing.T) {
	storetest.Each(t, []store.Migration{content.Migrations(), ledger.Migrations(), Migrations()}, troublesOf)
}

func troublesOf(t *testing.T, db *store.DB) {
	ctx := context.Background()
	now := time.Now()
	clk := func() time.Time { now = now.Add(time.Second); return now }
	ledgers := ledger.New(db, clk, func() ed25519.PrivateKey { return nil })
	s := &Service{Options: Options{DB: db, Clock: clk, Changed: func(string, string) {}}}
	const quiet, loud = news.Root("aa"), news.Root("bb")
	err := db.Write(ctx, func(tx *store.Tx) error {
		for n, owner := range []news.Root{quiet, quiet, loud} {
			id := ledger.ID(fmt.Sprintf("%032x", n))
			if err := ledgers.Create(tx, ledger.Info{ID: id, Agreement: "a", Owner: owner, Origin: string(id)}); err != nil {
				return err
			}
			for seq := range 20 {
				if err := s.trouble(tx, id, int64(seq), "unknown", "exchange.unknown_type", map[string]any{"type": "x"}); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for of, want := range map[news.Root]int{"": 25, quiet: 25, loud: 20, "cc": 0} {
		got, err := s.Troubles(ctx, of, 25)
		if err != nil || len(got) != want {
			t.Errorf("%q has %d troubles (%v), want %d", of, len(got), err, want)
		}
		for i, x := range got {
			if (of != "" && x.Partner != of) || (i > 0 && x.At.After(got[i-1].At)) {
				t.Errorf("%q: trouble %d is %+v", of, i, x)
			}
		}
	}
}
