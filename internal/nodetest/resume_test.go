package nodetest

import (
	"context"
	"errors"
	"io"
	"sync/atomic"
	"testing"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// What a fault of the program could not fold is folded in its place when the fault is mended and a person says so: once, with what it
// changes for what was said after it, and counted once.
func TestResumeWhatCouldNotBeFolded(t *testing.T) {
	var broken atomic.Bool
	y := Soren()
	y.LogLevel = silent
	y.Before = func(n *node.Node) {
		n.Exchange.Fold = func(_ *store.Tx, d ledger.Said) (bool, error) {
			if broken.Load() && (d.Record.Type == agreement.TypeSuspend || d.Record.Type == exchange.TypeRelease) {
				return false, errors.New("test: this record cannot be folded")
			}
			return false, nil
		}
	}
	b := Start(t, y)
	ctx := context.Background()
	f := newFake(t, "harbour.example", b)
	f.agree(func(rev *terms.Revision) { rev.Ceilings.Records = 3 })
	f.folded()
	broken.Store(true)
	suspended := f.say(agreement.TypeSuspend, "", nil)
	f.say(agreement.TypeResume, "", nil)
	item, seq := f.release(1)
	f.folded()
	resume := func(records, left int) {
		t.Helper()
		done, err := b.Exchange.Resume(ctx, f.root())
		if err != nil || done.Records != records || done.Left != left || done.Ledgers != 0 {
			t.Errorf("resumed %+v, want %d records and %d left (%v)", done, records, left, err)
		}
	}
	resume(0, 2)
	if f.trouble(suspended) != "failed" || f.trouble(seq) != "failed" || stateAt(b, item) != "" {
		t.Fatalf("while the fault is there: %q, %q, %q", f.trouble(suspended), f.trouble(seq), stateAt(b, item))
	}
	broken.Store(false)
	between, _ := f.release(2)
	waitState(t, b, between, news.Usable)
	resume(2, 0)
	if f.trouble(suspended) != "" || f.trouble(seq) != "" {
		t.Errorf("still marked: %q, %q", f.trouble(suspended), f.trouble(seq))
	}
	waitState(t, b, item, news.Usable)
	resume(0, 0)
	second, _ := f.release(3)
	third, _ := f.release(4)
	waitState(t, b, second, news.Usable)
	waitState(t, b, third, news.SetAside)
	for range 2 { // after a start it is all the same
		if st, ok := b.Agreements.Judging(ledger.ID(f.ledger), 1<<62); !ok || st.Suspended {
			t.Errorf("what was taken up again stands suspended: %t, %t", ok, st.Suspended)
		}
		if st, ok := b.Agreements.Judging(ledger.ID(f.ledger), suspended+1); !ok || !st.Suspended {
			t.Errorf("the suspension does not count in its place: %t, %t", ok, st.Suspended)
		}
		b.Restart(b.spec)
	}
}

// A ledger that was stopped is followed again at a person's word: from the last good record if its newsroom now says one thing, and if
// not it stops again.
func TestResumeAStoppedLedger(t *testing.T) {
	b := victim(t)
	ctx := context.Background()
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	f.folded()
	bad := func(w io.Writer, _ int64) {
		f.mu.Lock()
		defer f.mu.Unlock()
		cp, _ := f.checkpoint(len(f.entries))
		cp.Root[0] ^= 1
		w.Write(protocol.AppendFrame(nil, f.beat(f.signed(cp))))
	}
	f.misbehave(bad)
	stopped := func() {
		t.Helper()
		Wait(t, "the ledger is stopped", func() bool { return f.copy().State == ledger.Stopped && f.link().State == exchange.LinkStopped })
		if kind := f.trouble(f.copy().Size); kind != "fork" {
			t.Errorf("at the record where it stopped stands %q", kind)
		}
	}
	stopped()
	resume := func() {
		t.Helper()
		if done, err := b.Exchange.Resume(ctx, f.root()); err != nil || done.Ledgers != 1 {
			t.Errorf("resumed %+v (%v)", done, err)
		}
	}
	was := f.asked()
	resume()
	Wait(t, "it was asked again", func() bool { return f.asked() > was })
	stopped()
	b.Restart(b.spec)
	stopped()
	f.misbehave(nil)
	item, _ := f.release(1)
	resume()
	waitState(t, b, item, news.Usable)
	f.folded()
	if n := len(troubles(t, b, ledger.ID(f.ledger), f.copy().Size-1)); n != 0 || f.link().State != exchange.LinkLive {
		t.Errorf("%d troubles, the link is %s", n, f.link().State)
	}
	if n := count(t, b, `SELECT COUNT(*) FROM ledger_evidence WHERE ledger = $1`, f.ledger); n != 2 {
		t.Errorf("%d pieces of evidence, want 2", n)
	}
}
