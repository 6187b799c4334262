package proof_test

import (
	"context"
	"errors"
	"testing"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/nodetest"
	"newspool/internal/store"
	"newspool/protocol"
)

// flip changes one bit of a column of one row; a second time it changes it back.
func flip(t *testing.T, h *nodetest.House, table, column, where string, args ...any) {
	t.Helper()
	err := h.DB.Write(context.Background(), func(tx *store.Tx) error {
		var b []byte
		if err := tx.QueryRow("SELECT "+column+" FROM "+table+" WHERE "+where, args...).Scan(&b); err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		return tx.ExecOne("UPDATE "+table+" SET "+column+" = $"+string(rune('1'+len(args)))+" WHERE "+where, append(args, b)...)
	})
	if err != nil {
		t.Fatal(err)
	}
}

// pair starts two newsrooms with an agreement, and sends some stories from the first to the second.
func pair(t *testing.T) (a, b *nodetest.House, w library.Way) {
	t.Helper()
	a, b = nodetest.Start(t, nodetest.North()), nodetest.Start(t, nodetest.Soren())
	nodetest.Meet(a, b)
	nodetest.Agree(nodetest.Terms(a, b), a, b)
	var ids []news.ItemID
	for n := range 5 {
		acc, err := a.Library.Accept(context.Background(), nodetest.Story(n))
		if err != nil {
			t.Fatal(err)
		}
		ids = append(ids, acc.Item)
		nodetest.Wait(t, "a story has gone over and its receipt has come back", func() bool {
			ds, err := a.Exchange.Deliveries(context.Background(), acc.Item)
			return err == nil && len(ds) == 1 && !ds[0].Durable.IsZero()
		})
	}
	it, err := b.Library.Item(context.Background(), ids[0])
	if err != nil {
		t.Fatal(err)
	}
	return a, b, it.Ways[0]
}

// What a broken disk gives is signed by nobody, as a proof no more than as a checkpoint: it would be evidence against us.
func TestProofOfDamage(t *testing.T) {
	a, b, w := pair(t)
	ctx := context.Background()
	for _, h := range []*nodetest.House{a, b} {
		good, _, err := h.Proofs().File(ctx, ledger.ID(w.Ledger), w.Seq)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := protocol.VerifyProof(good); err != nil {
			t.Fatal(err)
		}
	}
	flip(t, a, "ledger_entry", "leaf", "ledger = $1 AND seq = $2", w.Ledger, w.Seq-1)
	if _, _, err := a.Proofs().File(ctx, ledger.ID(w.Ledger), w.Seq); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("ours: %v", err)
	}
	flip(t, a, "ledger_entry", "leaf", "ledger = $1 AND seq = $2", w.Ledger, w.Seq-1)
	flip(t, b, "ledger", "edge", "id = $1", w.Ledger)
	if _, _, err := b.Proofs().File(ctx, ledger.ID(w.Ledger), w.Seq); !errors.Is(err, ledger.ErrDamaged) {
		t.Errorf("a partner's: %v", err)
	}
	flip(t, b, "ledger", "edge", "id = $1", w.Ledger)
}

func TestNoSuchRecord(t *testing.T) {
	a, _, w := pair(t)
	for name, c := range map[string]struct {
		id  ledger.ID
		seq int64
	}{"beyond the end": {ledger.ID(w.Ledger), 1000}, "before the beginning": {ledger.ID(w.Ledger), -1}, "another ledger": {"00", 0}} {
		if _, _, err := a.Proofs().File(context.Background(), c.id, c.seq); !fault.Is(err, fault.NotFound) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
