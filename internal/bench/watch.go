package bench

import (
	"math"
	"slices"
	"sync"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/ledger"
)

// watch notes when each record of A's ledger began, was durable at A, durable at B, and receipted at A.
type watch struct {
	mu        sync.Mutex
	ledger    ledger.ID
	offered   []exchange.Event // by index
	stored    []time.Time
	receipted []time.Time
}

func newWatch() *watch { return &watch{} }

// follow begins to look at a ledger that has this size at A. Records before that have no times.
func (w *watch) follow(id ledger.ID, size int64) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.ledger, w.offered = id, make([]exchange.Event, size)
}

func (w *watch) observe(e exchange.Event) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.Ledger != w.ledger {
		return
	}
	switch e.Kind {
	case exchange.Offered:
		for int64(len(w.offered)) < e.From {
			w.offered = append(w.offered, exchange.Event{})
		}
		w.offered = append(w.offered, e)
	case exchange.Stored:
		w.stored = reach(w.stored, e.From, time.Time{})
		w.stored = reach(w.stored, e.To, e.At)
	case exchange.Receipted:
		w.receipted = reach(w.receipted, e.To, e.At)
	}
}

// reach fills a list up to a size.
func reach(list []time.Time, size int64, at time.Time) []time.Time {
	for int64(len(list)) < size {
		list = append(list, at)
	}
	return list
}

// size is how many records A has, how many of them are at B, and how many are receipted.
func (w *watch) size() (offered, stored, receipted int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.offered), len(w.stored), len(w.receipted)
}

// lastStored is when the record before index to became durable at B.
func (w *watch) lastStored(to int) time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.stored[to-1]
}

// times gives for each record in [from, to) the milliseconds between two of its moments. Records without one are left out.
func (w *watch) times(from, to int, a, b func(i int) time.Time) []float64 {
	w.mu.Lock()
	defer w.mu.Unlock()
	var out []float64
	for i := from; i < to; i++ {
		if x, y := a(i), b(i); !x.IsZero() && !y.IsZero() {
			out = append(out, millis(y.Sub(x)))
		}
	}
	return out
}

func (w *watch) beganAt(i int) time.Time     { return w.offered[i].Began }
func (w *watch) releasedAt(i int) time.Time  { return w.offered[i].At }
func (w *watch) storedAt(i int) time.Time    { return w.stored[i] }
func (w *watch) receiptedAt(i int) time.Time { return w.receipted[i] }

func millis(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }

// quantile gives the value below which the share q lies; 0 of nothing.
func quantile(list []float64, q float64) float64 {
	if len(list) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(list))
	return sorted[max(0, min(len(sorted)-1, int(math.Ceil(q*float64(len(sorted))))-1))]
}
