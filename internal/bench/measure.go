package bench

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/exchange"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
)

// measuring is one run.
type measuring struct {
	Options
	*pair
	stories []story
	r       *Result
	number  atomic.Int64 // of the last story that was released

	mu   sync.Mutex
	said map[string]bool // what the ledger path released: the URIs; whether B has library rows of it
}

// release releases story n at A, in one way or the other.
type release func(ctx context.Context, n int) error

func (m *measuring) all(ctx context.Context) (err error) {
	m.said = map[string]bool{}
	m.r.Engine = string(m.a.DB.Engine())
	if m.r.LoopbackP50, err = loopback(ctx, m.a.Base()); err != nil {
		return err
	}
	m.say("Latency: %d stories a second, the whole way to the other desk", pace)
	if err := m.latency(ctx); err != nil {
		return err
	}
	m.bare.Store(true)
	m.say("Ledger path: %d writers", writers)
	var lag [2]float64
	if m.r.Sustained, m.r.SustainedItems, m.r.SustainedCPU, lag, err = m.sustained(ctx, m.record, limit{time: m.part(15)}); err != nil {
		return err
	}
	m.r.LagFirst, m.r.LagLast = lag[0], lag[1]
	m.say("Ledger path: B was away and comes back")
	if m.r.Backfill, m.r.BackfillItems, m.r.BackfillCPU, err = m.backfill(ctx, m.record, limit{time: m.part(8)}); err != nil {
		return err
	}
	m.bare.Store(false)
	m.say("Whole product: %d writers", writers)
	if m.r.Product, m.r.ProductItems, m.r.ProductCPU, lag, err = m.sustained(ctx, m.accept, limit{time: m.part(15)}); err != nil {
		return err
	}
	m.r.ProductLagFirst, m.r.ProductLagLast = lag[0], lag[1]
	m.say("Whole product: B was away and comes back")
	if m.r.ProductBackfill, m.r.ProductBackfillOf, m.r.ProductBackfillCPU, err = m.backfill(ctx, m.accept, limit{time: m.part(12)}); err != nil {
		return err
	}
	m.say("Counting what B holds")
	return m.count(ctx)
}

// accept hands a story to A's library: it is kept, offered, and becomes a row of B's library.
func (m *measuring) accept(ctx context.Context, n int) error {
	acc, err := m.a.Library.Accept(ctx, m.stories[n%len(m.stories)].numbered(n))
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said[string(acc.Item)] = true
	return nil
}

// record appends a story to A's ledger, without library rows.
func (m *measuring) record(ctx context.Context, n int) error {
	s := m.stories[n%len(m.stories)]
	u, err := uuid.NewV7()
	if err != nil {
		return err
	}
	about := string(news.NewItemID(domainA, u.String()))
	err = m.a.DB.Write(m.a.Exchange.Beginning(ctx), func(tx *store.Tx) error {
		id, err := content.Put(tx, ninjs.MediaType, string(s.draft.Lang), s.bytes)
		if err != nil {
			return err
		}
		_, err = m.a.Exchange.Say(tx, m.agreement, ledger.Draft{
			Type: exchange.TypeRelease, Terms: string(m.revision), About: about,
			Body:     exchange.ItemBody{Class: news.First, Version: 1, Embargo: clock.Micros(s.draft.Embargo), Urgency: int(s.draft.Urgency)},
			Contents: []ledger.Content{{ID: id, Bytes: s.bytes, Type: ninjs.MediaType, Lang: string(s.draft.Lang)}},
		})
		return err
	})
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.said[about] = false
	return nil
}

// latency releases stories at a steady pace, whatever becomes of those before.
func (m *measuring) latency(ctx context.Context) error {
	warm, err := m.steady(ctx, 2*pace)
	if err != nil {
		return err
	}
	n := int(m.part(20).Seconds() * pace)
	handed, err := m.steady(ctx, n)
	if err != nil {
		return err
	}
	w, to := m.watch, warm.to+n
	verified := w.times(warm.to, to, w.beganAt, w.storedAt)
	receipt := w.times(warm.to, to, w.beganAt, w.receiptedAt)
	m.r.LatencyItems = len(verified)
	m.r.VerifiedP50, m.r.VerifiedP99 = quantile(verified, 0.5), quantile(verified, 0.99)
	m.r.ReceiptP50, m.r.ReceiptP99 = quantile(receipt, 0.5), quantile(receipt, 0.99)
	m.r.ReleasedP50 = quantile(w.times(warm.to, to, w.beganAt, w.releasedAt), 0.5)
	handedIn := w.times(warm.to, to, func(i int) time.Time { return handed.at[i-warm.to] }, w.storedAt)
	m.r.HandedInP50, m.r.HandedInP99 = quantile(handedIn, 0.5), quantile(handedIn, 0.99)
	m.r.Floor = m.r.VerifiedP50 / (2*m.r.FsyncP50 + m.r.LoopbackP50)
	return nil
}

// steps is when stories were handed in, in their order, and the size of the ledger that they led to.
type steps struct {
	at []time.Time
	to int
}

// steady hands in n stories, one each 20 milliseconds, and waits for the last receipt.
func (m *measuring) steady(ctx context.Context, n int) (steps, error) {
	from, _, _ := m.watch.size()
	out := steps{to: from + n}
	failed := make(chan error, n)
	var wg sync.WaitGroup
	next := time.Now()
	for range n {
		next = next.Add(time.Second / pace)
		select {
		case <-ctx.Done():
			return out, ctx.Err()
		case <-time.After(time.Until(next)):
		}
		out.at = append(out.at, time.Now())
		wg.Go(func() { failed <- m.accept(ctx, int(m.number.Add(1))) })
	}
	wg.Wait()
	for range n {
		if err := <-failed; err != nil {
			return out, err
		}
	}
	return out, until(ctx, func() bool { _, _, receipted := m.watch.size(); return receipted >= out.to })
}

// sustained has all writers release for a time, and waits until B holds everything: the items a second from the beginning to
// the last commit at B, the processor time for each in microseconds, and the lag in the first and the last third.
func (m *measuring) sustained(ctx context.Context, one release, most limit) (perSecond float64, n int, cpu float64, lag [2]float64, err error) {
	from, _, _ := m.watch.size()
	began, used := time.Now(), cpuTime()
	if n, err = m.write(ctx, one, most); err != nil {
		return 0, n, 0, lag, err
	}
	if err := m.arrived(ctx, from+n); err != nil {
		return 0, n, 0, lag, err
	}
	took := m.watch.lastStored(from + n).Sub(began)
	cpu = float64((cpuTime() - used).Microseconds()) / float64(n)
	w := m.watch
	lag[0] = quantile(w.times(from, from+n/3, w.releasedAt, w.storedAt), 0.5)
	lag[1] = quantile(w.times(from+2*n/3, from+n, w.releasedAt, w.storedAt), 0.5)
	return float64(n) / took.Seconds(), n, cpu, lag, nil
}

// backfill has B go away, A release for a time, and B come back: the items a second from B's start to its last commit.
func (m *measuring) backfill(ctx context.Context, one release, most limit) (perSecond float64, n int, cpu float64, err error) {
	n, err = m.pileUp(ctx, one, most)
	if err != nil {
		return 0, n, 0, err
	}
	began, used := time.Now(), cpuTime()
	if err := m.catchUp(ctx); err != nil {
		return 0, n, 0, err
	}
	to, _, _ := m.watch.size()
	took := m.watch.lastStored(to).Sub(began)
	return float64(n) / took.Seconds(), n, float64((cpuTime() - used).Microseconds()) / float64(n), nil
}

// pileUp takes B off the net and has A release meanwhile.
func (m *measuring) pileUp(ctx context.Context, one release, most limit) (n int, err error) {
	if err := m.b.stop(); err != nil {
		return 0, err
	}
	from, _, _ := m.watch.size()
	if n, err = m.write(ctx, one, most); err != nil {
		return n, err
	}
	return n, until(ctx, func() bool { offered, _, _ := m.watch.size(); return offered >= from+n })
}

// catchUp has B come back, and waits until it holds everything.
func (m *measuring) catchUp(ctx context.Context) error {
	if err := m.b.start(ctx); err != nil {
		return err
	}
	offered, _, _ := m.watch.size()
	return m.arrived(ctx, offered)
}

// limit ends a phase after so many items, or after a time.
type limit struct {
	items int64
	time  time.Duration
}

// write has all writers release up to the limit, and says how many they released.
func (m *measuring) write(ctx context.Context, one release, most limit) (int, error) {
	var begun, done atomic.Int64
	errs := make([]error, writers)
	var wg sync.WaitGroup
	end := time.Now().Add(most.time)
	goOn := func() bool { return begun.Add(1) <= most.items || (most.items == 0 && time.Now().Before(end)) }
	for i := range writers {
		wg.Go(func() {
			for errs[i] == nil && goOn() {
				if errs[i] = one(ctx, int(m.number.Add(1))); errs[i] == nil {
					done.Add(1)
				}
			}
		})
	}
	wg.Wait()
	return int(done.Load()), errors.Join(errs...)
}

// arrived waits until B holds so many records of A's ledger.
func (m *measuring) arrived(ctx context.Context, size int) error {
	return until(ctx, func() bool { _, stored, _ := m.watch.size(); return stored >= size })
}
