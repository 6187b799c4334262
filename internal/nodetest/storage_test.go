package nodetest

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"

	"newspool/internal/agreement"
	"newspool/internal/config"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/folder"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
)

// A folder belongs to one process at a time.
func TestTwoProcessesOnOneFolder(t *testing.T) {
	a := Start(t, North())
	_, err := node.New(context.Background(), node.Options{Settings: config.Settings{Dir: a.Dir, Listen: "127.0.0.1:0"}})
	if !errors.Is(err, folder.ErrInUse) {
		t.Errorf("a second process on the folder: %v", err)
	}
	accept(t, a, Story(1))
	a.Restart(a.spec)
	if n := shown(t, a); n != 1 {
		t.Errorf("%d rows after a start, want 1", n)
	}
}

// dice makes storage fail at random: some steps are not done, some are done and not reported.
type dice struct {
	on     atomic.Bool
	failed atomic.Int64
}

func (d *dice) fault(op string) error {
	if !d.on.Load() {
		return nil
	}
	odds := map[string]float64{"begin": 0.02, "exec": 0.002, "query": 0.002, "commit-before": 0.05, "commit-after": 0.1}[op]
	if rand.Float64() >= odds {
		return nil
	}
	d.failed.Add(1)
	return fmt.Errorf("test: %s fails", op)
}

// insist repeats something until the storage has taken it.
func insist(t testing.TB, what string, do func() error) {
	t.Helper()
	Wait(t, what, func() bool {
		err := do()
		if err != nil && !fault.Is(err, fault.Unavailable) {
			t.Errorf("%s: %v", what, err)
			return true
		}
		return err == nil
	})
}

// While the storage of both sides fails at random stories cross in both directions, with corrections and withdrawals. Nothing is
// lost, nothing comes twice, and nobody has to lend a hand.
func TestStorageFails(t *testing.T) {
	for _, engine := range storetest.Engines() {
		t.Run(string(engine), func(t *testing.T) { storageFails(t, engine) })
	}
}

func storageFails(t *testing.T, engine store.Engine) {
	var da, db dice
	a, b := pair(t, func(x, y *Spec, rev *terms.Revision) {
		if engine != store.SQLite && len(rev.Parties) == 0 {
			x.Database, y.Database = storetest.URL(t, engine), storetest.URL(t, engine)
		}
		x.Fault, y.Fault = da.fault, db.fault
		x.LogLevel, y.LogLevel = silent, silent
	})
	ctx := context.Background()
	da.on.Store(true)
	db.on.Store(true)
	const stories = 150
	items := map[*House][]news.ItemID{a: make([]news.ItemID, stories), b: make([]news.ItemID, stories)}
	var wg sync.WaitGroup
	for h, all := range items {
		for w := range 8 {
			wg.Go(func() {
				for n := w; n < stories; n += 8 {
					insist(t, "a story is taken", func() error {
						acc, err := h.Library.Accept(ctx, Story(n))
						all[n] = acc.Item
						return err
					})
					if n%10 == 3 {
						insist(t, "a correction is taken", func() error {
							_, err := h.Library.Accept(ctx, changed(n, "Ferry late", news.Correction))
							return err
						})
					}
					if n%10 == 7 {
						insist(t, "a withdrawal is taken", func() error {
							_, err := h.Library.Withdraw(ctx, all[n], "Wrong.", "")
							return err
						})
					}
				}
			})
		}
	}
	wg.Wait()
	Wait(t, "most has crossed while the storage fails", func() bool {
		rows, err := b.Library.Wire(ctx, library.Filter{Received: true}, 0, 200)
		return err == nil && len(rows) > stories/2
	})
	da.on.Store(false)
	db.on.Store(false)
	t.Logf("the storage failed %d and %d times", da.failed.Load(), db.failed.Load())
	sameLedgers(t, a, b)
	for _, x := range [][2]*House{{a, b}, {b, a}} {
		for n, id := range items[x[0]] {
			it, err := x[1].Library.Item(ctx, id)
			switch {
			case n%10 == 7 && fault.Is(err, fault.NotFound): // withdrawn before it was said
			case err != nil:
				t.Errorf("story %d of %s: %v", n, x[0].Domain, err)
			case n%10 == 7 && it.State != news.Withdrawn, n%10 != 7 && it.State != news.Usable, n%10 == 3 && it.Version != 2:
				t.Errorf("story %d of %s is %s in version %d", n, x[0].Domain, it.State, it.Version)
			}
		}
		once := map[string]bool{}
		for _, rec := range records(t, x[0], own(t, x[0], "").ID) {
			if what := fmt.Sprint(rec.About, " ", string(rec.Body)); rec.Type == exchange.TypeRelease || rec.Type == exchange.TypeCorrect {
				if once[what] {
					t.Errorf("%s has said %s twice", x[0].Domain, what)
				}
				once[what] = true
			}
		}
		all, err := x[0].Exchange.Troubles(ctx, "", 100)
		if err != nil || len(all) > 0 {
			t.Errorf("%s has troubles: %+v (%v)", x[0].Domain, all, err)
		}
		if n, err := x[0].Exchange.OutboxSize(ctx); err != nil || n != 0 {
			t.Errorf("%d versions are left in the outbox of %s (%v)", n, x[0].Domain, err)
		}
		Wait(t, "the last receipt is there", func() bool { i := own(t, x[0], ""); return i.Confirmed == i.Size })
	}
}

// An agreement comes about although commits are done and not reported: what was said is known, and can be answered.
func TestAgreementOverFailingStorage(t *testing.T) {
	var da, db dice
	x, y := North(), Soren()
	x.Fault, y.Fault, x.LogLevel, y.LogLevel = da.unreported, db.unreported, silent, silent
	a, b := Start(t, x), Start(t, y)
	Meet(a, b)
	ctx := context.Background()
	da.on.Store(true)
	db.on.Store(true)
	_, err := a.Agreements.Propose(ctx, Terms(a, b), chief)
	is(t, "proposing", err, fault.Unavailable, "fault.commit_unknown")
	var hash terms.RevisionHash
	Wait(t, "the partner has the proposal all the same", func() bool {
		for _, g := range b.Agreements.List() {
			hash = g.Revisions[0].Hash
		}
		return hash != "" && len(a.Agreements.List()) == 1
	})
	is(t, "signing", b.Agreements.Sign(ctx, hash, chief), fault.Unavailable, "fault.commit_unknown")
	is(t, "signing again", b.Agreements.Sign(ctx, hash, chief), fault.Conflict, "agreement.answered")
	Wait(t, "the agreement is in force at both", func() bool {
		return len(a.Agreements.Active()) == 1 && len(b.Agreements.Active()) == 1
	})
	id := agreementOf(t, a, hash)
	stands(t, id, agreement.InForce, a, b)
	da.on.Store(false)
	db.on.Store(false)
	for _, h := range []*House{a, b} {
		mine := 0
		for _, i := range ledgers(t, h) {
			if i.Own {
				mine++
			}
		}
		if mine != 1 {
			t.Errorf("%s has opened %d ledgers", h.Domain, mine)
		}
	}
	waitState(t, b, accept(t, a, Story(1)), news.Usable)
	waitState(t, a, accept(t, b, Story(2)), news.Usable)
	sameLedgers(t, a, b)
}

// unreported has every commit done, and none reported.
func (d *dice) unreported(op string) error {
	if d.on.Load() && op == "commit-after" {
		return errors.New("test: the commit is done and not reported")
	}
	return nil
}

// A full disk is said in a sentence, at the desk that releases and on the link of the partner that follows; both go on by themselves
// when there is room again.
func TestDiskFull(t *testing.T) {
	var full [2]atomic.Bool
	a, b := pair(t, func(x, y *Spec, _ *terms.Revision) {
		for i, s := range []*Spec{x, y} {
			s.LogLevel = silent
			s.Fault = func(op string) error {
				if full[i].Load() && (op == "exec" || op == "commit-before") {
					return fmt.Errorf("write newspool.db: %w", syscall.ENOSPC)
				}
				return nil
			}
		}
	})
	ctx := context.Background()
	first := accept(t, a, Story(1))
	waitState(t, b, first, news.Usable)
	full[0].Store(true)
	_, err := a.Library.Accept(ctx, Story(2))
	is(t, "releasing on a full disk", err, fault.Unavailable, "fault.disk_full")
	full[0].Store(false)
	full[1].Store(true)
	second := accept(t, a, Story(2))
	Wait(t, "the partner says that its disk is full", func() bool {
		l := between(b, a)
		return l.State == exchange.LinkLate && l.Error != nil && l.Error.Key == "fault.disk_full"
	})
	if s := stateAt(b, second); s != "" {
		t.Errorf("on a full disk the story is %s", s)
	}
	full[1].Store(false)
	waitState(t, b, second, news.Usable)
	waitDelivered(t, a, second, 1)
	Wait(t, "the link is alive again", func() bool { return between(b, a).State == exchange.LinkLive })
}
