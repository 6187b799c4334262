package people

import (
	"errors"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/store"
)

func TestAuditPage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		err := h.db.Write(ctx, func(tx *store.Tx) error {
			for i := range 5 {
				a := Act{Who: h.admin.Person.ID, What: "wire.used", About: "newspool://north.example/item/1", From: "192.0.2.1\x00\xff", Detail: map[string]any{"n": i, "note": "a\x00b"}}
				if err := h.Audit(tx, a); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		first, err := h.AuditPage(ctx, 0, 4)
		if err != nil {
			t.Fatal(err)
		}
		rest, err := h.AuditPage(ctx, first[len(first)-1].Seq, 4)
		if err != nil {
			t.Fatal(err)
		}
		var seqs []int64
		for _, e := range append(first, rest...) {
			seqs = append(seqs, e.Seq)
		}
		if d := cmp.Diff([]int64{6, 5, 4, 3, 2, 1}, seqs); d != "" {
			t.Error(d)
		}
		e := first[0]
		if e.Name != "Anna North" || e.From != "192.0.2.1\uFFFD" || e.Detail["n"] != 4.0 || e.Detail["note"] != "a\x00b" || !e.At.Equal(h.clock()) || len(e.Hash) != 64 {
			t.Errorf("%+v", e)
		}
		c, err := h.VerifyAudit(ctx)
		if err != nil || c != (Chain{Rows: 6, Head: e.Hash}) {
			t.Errorf("%+v %v", c, err)
		}
	})
}

// TestAuditTogether lets closures that succeed and closures that fail share transactions. What failed leaves no gap.
func TestAuditTogether(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := t.Context()
		refuse := errors.New("no")
		var wg sync.WaitGroup
		for i := range 60 {
			wg.Go(func() {
				err := h.db.Write(ctx, func(tx *store.Tx) error {
					for range 1 + i%3 {
						if err := h.Audit(tx, Act{What: "wire.used"}); err != nil {
							return err
						}
					}
					if i%2 == 1 {
						return refuse
					}
					return nil
				})
				if (i%2 == 1) != errors.Is(err, refuse) {
					t.Error(i, err)
				}
			})
		}
		wg.Wait()
		c, err := h.VerifyAudit(ctx)
		if err != nil || c.Rows != 1+60 {
			t.Errorf("%+v %v", c, err)
		}
	})
}

func TestAuditTwoInstances(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		other := newService(h.db, Options{Clock: h.clock}, cheap())
		for i := range 6 {
			s := []*Service{h.Service, other}[i%2]
			if err := h.db.Write(t.Context(), func(tx *store.Tx) error { return s.Audit(tx, Act{What: "wire.used"}) }); err != nil {
				t.Fatal(err)
			}
		}
		if c, err := other.VerifyAudit(t.Context()); err != nil || c.Rows != 7 {
			t.Errorf("%+v %v", c, err)
		}
	})
}

func TestAuditBroken(t *testing.T) {
	for _, c := range []struct {
		name, sql string
		row       int64
	}{
		{"a row that says something else", `UPDATE audit SET who = 'somebody else' WHERE seq = 3`, 3},
		{"a row at another time", `UPDATE audit SET at_us = at_us + 1 WHERE seq = 2`, 2},
		{"a word that moved to the next field", `UPDATE audit SET what = 'wire.used1', about = '' WHERE seq = 4`, 4},
		{"a row that is gone", `DELETE FROM audit WHERE seq = 2`, 2},
		{"a row that was put in its place", `UPDATE audit SET seq = 0 WHERE seq = 5`, 5},
		{"the first row is gone", `DELETE FROM audit WHERE seq = 1`, 1},
	} {
		t.Run(c.name, func(t *testing.T) {
			each(t, func(t *testing.T, h *house) {
				err := h.db.Write(t.Context(), func(tx *store.Tx) error {
					for range 5 {
						if err := h.Audit(tx, Act{What: "wire.used", About: "1"}); err != nil {
							return err
						}
					}
					return nil
				})
				if err != nil {
					t.Fatal(err)
				}
				if err := h.db.Write(t.Context(), func(tx *store.Tx) error { return tx.ExecOne(c.sql) }); err != nil {
					t.Fatal(err)
				}
				_, err = h.VerifyAudit(t.Context())
				h.wants(err, fault.Fork, "people.audit_broken")
				if row := fault.Of(err).Args["row"]; row != c.row {
					t.Errorf("row %v, want %d", row, c.row)
				}
			})
		})
	}
}
