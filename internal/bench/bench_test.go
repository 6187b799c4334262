package bench

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"net/http"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/library"
	"newspool/internal/news"
)

// A short run: everything that was sent arrives once, and the figures are one flat object.
func TestExchange(t *testing.T) {
	r, err := Exchange(context.Background(), Options{Dir: t.TempDir(), Seconds: 2})
	if err != nil {
		t.Fatal(err)
	}
	if r.Sent == 0 || r.Lost != 0 || r.Duplicated != 0 || !r.LedgersAgree {
		t.Errorf("sent %d, lost %d, duplicated %d, ledgers agree: %v", r.Sent, r.Lost, r.Duplicated, r.LedgersAgree)
	}
	if want := r.SustainedItems + r.BackfillItems + r.ProductItems + r.ProductBackfillOf + r.LatencyItems + 2*pace; r.Sent != want {
		t.Errorf("%d sent, and %d by the phases", r.Sent, want)
	}
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	var flat map[string]any
	if err := json.Unmarshal(b, &flat); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"verified_p50_ms", "verified_p99_ms", "receipt_p50_ms", "sustained_items_per_s", "backfill_items_per_s", "product_items_per_s",
		"product_backfill_items_per_s", "lost", "duplicated", "fsync_p50_ms", "loopback_p50_ms", "cpus", "engine",
	} {
		switch v := flat[name].(type) {
		case float64:
			if v <= 0 && name != "lost" && name != "duplicated" {
				t.Errorf("%s is %v", name, v)
			}
		case string:
		default:
			t.Errorf("%s is missing", name)
		}
	}
	var table bytes.Buffer
	if err := r.Print(&table); err != nil || !strings.Contains(table.String(), "lost 0, duplicated 0; the ledgers agree") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

func TestDatabases(t *testing.T) {
	for _, list := range [][]string{{"postgres://127.0.0.1/a"}, {"postgres://127.0.0.1/a", "postgres://127.0.0.1/a"}} {
		if _, err := Exchange(context.Background(), Options{Databases: list}); fault.Of(err).Key != "bench.databases" {
			t.Errorf("%d databases: %v", len(list), err)
		}
	}
}

func TestInventedStories(t *testing.T) {
	stories, err := prepare(invented())
	if err != nil || len(stories) != 64 {
		t.Fatal(len(stories), err)
	}
	for i, s := range stories {
		if n := len(s.bytes); n < inventedBytes-500 || n > inventedBytes+500 {
			t.Errorf("story %d has %d bytes", i, n)
		}
	}
}

func TestWatch(t *testing.T) {
	at := func(n int) time.Time { return time.Unix(100, 0).Add(time.Duration(n) * time.Millisecond) }
	w := newWatch()
	w.follow("l", 1)
	for _, e := range []exchange.Event{
		{Kind: exchange.Offered, Ledger: "l", From: 1, To: 2, Began: at(0), At: at(1)},
		{Kind: exchange.Offered, Ledger: "other", From: 2, To: 3, Began: at(0), At: at(1)},
		{Kind: exchange.Offered, Ledger: "l", From: 2, To: 3, Began: at(2), At: at(3)},
		{Kind: exchange.Stored, Ledger: "l", From: 1, To: 3, At: at(5)},
		{Kind: exchange.Receipted, Ledger: "l", To: 3, At: at(6)},
	} {
		w.observe(e)
	}
	if a, b, c := w.size(); a != 3 || b != 3 || c != 3 {
		t.Errorf("sizes %d %d %d", a, b, c)
	}
	if got := w.times(0, 3, w.beganAt, w.storedAt); len(got) != 2 || got[0] != 5 || got[1] != 3 {
		t.Errorf("times %v", got)
	}
	for _, c := range []struct{ q, want float64 }{{0, 1}, {0.5, 2}, {0.99, 4}, {1, 4}} {
		if got := quantile([]float64{4, 1, 3, 2}, c.q); got != c.want {
			t.Errorf("quantile %v is %v, want %v", c.q, got, c.want)
		}
	}
}

// The benchmarks are the phases of newspool bench exchange one by one, for profiles: b.N stories each.

func BenchmarkLedger(b *testing.B)          { phase(b, true, false) }
func BenchmarkLedgerBackfill(b *testing.B)  { phase(b, true, true) }
func BenchmarkProduct(b *testing.B)         { phase(b, false, false) }
func BenchmarkProductBackfill(b *testing.B) { phase(b, false, true) }

func phase(b *testing.B, bare, away bool) {
	m := begin(b)
	one := m.accept
	if bare {
		one = m.record
		m.bare.Store(true)
	}
	most := limit{items: int64(b.N)}
	if away {
		if _, err := m.pileUp(b.Context(), one, most); err != nil {
			b.Fatal(err)
		}
	}
	b.ResetTimer()
	used := cpuTime()
	var err error
	if away {
		err = m.catchUp(b.Context())
	} else {
		_, _, _, _, err = m.sustained(b.Context(), one, most)
	}
	if err != nil {
		b.Fatal(err)
	}
	b.ReportMetric(float64((cpuTime()-used).Microseconds())/float64(b.N), "cpu-µs/op")
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "items/s")
}

// begin opens two nodes with an agreement between them.
func begin(b *testing.B) *measuring {
	b.Helper()
	o := Options{Dir: b.TempDir()}.withDefaults()
	p, err := open(b.Context(), o)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(p.close)
	stories, err := prepare(o.Items)
	if err != nil {
		b.Fatal(err)
	}
	return &measuring{Options: o, pair: p, stories: stories, r: &Result{}, said: map[string]bool{}}
}

// BenchmarkStart starts a newsroom that holds many stories, its own or a partner's, until it says that it is ready; then a
// first page of its wire is asked for. NEWSPOOL_WIRE_ITEMS sets how many stories there are; without it ten thousand.
func BenchmarkStart(b *testing.B) {
	items := 10_000
	if s := os.Getenv("NEWSPOOL_WIRE_ITEMS"); s != "" {
		n, err := strconv.Atoi(s)
		if err != nil || n < 1 {
			b.Fatalf("NEWSPOOL_WIRE_ITEMS=%q", s)
		}
		items = n
	}
	m := begin(b)
	for left := items; left > 0; left -= min(left, 50_000) { // few enough for the bench's patience
		if _, _, _, _, err := m.sustained(b.Context(), m.accept, limit{items: int64(min(left, 50_000))}); err != nil {
			b.Fatal(err)
		}
	}
	for _, h := range []struct {
		name string
		*house
	}{{"origin", m.a}, {"partner", m.b}} {
		b.Run(h.name, func(b *testing.B) {
			var page time.Duration
			for b.Loop() {
				b.StopTimer()
				if err := h.stop(); err != nil {
					b.Fatal(err)
				}
				b.StartTimer()
				if err := h.start(b.Context()); err != nil {
					b.Fatal(err)
				}
				if err := until(b.Context(), func() bool { return ready(h.Base()) }); err != nil {
					b.Fatal(err)
				}
				began := time.Now()
				b.StopTimer()
				rows, err := h.Library.Wire(b.Context(), library.Filter{Lang: "en", State: news.Usable}, 0, 50)
				if err != nil || len(rows) != min(50, items) {
					b.Fatal(len(rows), err)
				}
				page += time.Since(began)
				b.StartTimer()
			}
			b.ReportMetric(millis(page)/float64(b.N), "first-page-ms")
		})
	}
}

func ready(base string) bool {
	c := http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
	r, err := c.Get(base + "/readyz")
	if err != nil {
		return false
	}
	return r.Body.Close() == nil && r.StatusCode == http.StatusOK
}
