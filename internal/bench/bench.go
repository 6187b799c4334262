package bench

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"newspool/internal/fault"
	"newspool/internal/news"
)

// Options say what is measured and for how long.
type Options struct {
	Dir       string       // empty folder for the two data folders; "": a temporary one, removed at the end
	Databases []string     // none: SQLite in the data folders; else two PostgreSQL URLs, of empty databases
	Items     []news.Draft // stories that are sent again and again; none: invented ones of 2 KB
	Seconds   int          // about how long all of it lasts; 0: 45
	Progress  io.Writer    // told in a line what is measured next; may be nil
	Log       *slog.Logger // of the two nodes; may be nil
}

// Result is what was measured. Times are in milliseconds.
type Result struct {
	Engine    string `json:"engine"`
	CPUs      int    `json:"cpus"`
	Machine   string `json:"machine"`
	ItemBytes int    `json:"item_bytes"` // a story as it crosses, on average

	FsyncP50    float64 `json:"fsync_p50_ms"` // write and fsync 16 KiB in the data folder
	FsyncP99    float64 `json:"fsync_p99_ms"`
	LoopbackP50 float64 `json:"loopback_p50_ms"` // one short request to a node over TLS

	VerifiedP50  float64 `json:"verified_p50_ms"` // start of the release transaction at A → durable and verified at B
	VerifiedP99  float64 `json:"verified_p99_ms"`
	ReleasedP50  float64 `json:"released_p50_ms"` // → durable at A
	ReceiptP50   float64 `json:"receipt_p50_ms"`  // → B's receipt durable at A
	ReceiptP99   float64 `json:"receipt_p99_ms"`
	HandedInP50  float64 `json:"handed_in_p50_ms"` // a story is handed to A's library → durable and verified at B
	HandedInP99  float64 `json:"handed_in_p99_ms"`
	LatencyItems int     `json:"latency_items"`
	Floor        float64 `json:"verified_to_floor"` // verified_p50_ms ÷ (2 fsync + loopback)

	Sustained      float64 `json:"sustained_items_per_s"` // ledger path, 64 writers
	SustainedItems int     `json:"sustained_items"`
	SustainedCPU   float64 `json:"sustained_cpu_us_per_item"` // of both nodes and the writers
	LagFirst       float64 `json:"sustained_lag_first_ms"`    // median over the first third: durable at A → at B
	LagLast        float64 `json:"sustained_lag_last_ms"`     // over the last third

	Backfill      float64 `json:"backfill_items_per_s"` // ledger path, B comes back
	BackfillItems int     `json:"backfill_items"`
	BackfillCPU   float64 `json:"backfill_cpu_us_per_item"`

	Product            float64 `json:"product_items_per_s"` // library rows on both desks
	ProductItems       int     `json:"product_items"`
	ProductCPU         float64 `json:"product_cpu_us_per_item"`
	ProductLagFirst    float64 `json:"product_lag_first_ms"`
	ProductLagLast     float64 `json:"product_lag_last_ms"`
	ProductBackfill    float64 `json:"product_backfill_items_per_s"`
	ProductBackfillOf  int     `json:"product_backfill_items"`
	ProductBackfillCPU float64 `json:"product_backfill_cpu_us_per_item"`
	ParseMicros        float64 `json:"ingest_parse_us_per_item"` // reading and cleaning a story, which happens before all this
	Sent               int     `json:"sent"`
	Lost               int     `json:"lost"`
	Duplicated         int     `json:"duplicated"`
	LedgersAgree       bool    `json:"ledgers_agree"` // same size and root at A and B
	Seconds            float64 `json:"seconds"`
	Writers            int     `json:"writers"`
	Pace               int     `json:"latency_items_per_s"`
}

// writers is how many goroutines release stories at the same time.
const writers = 64

// pace is how many stories a second are released where latency is measured.
const pace = 50

// Exchange measures. It returns what was measured also where lost or duplicated items were found: the caller looks at them.
func Exchange(ctx context.Context, o Options) (Result, error) {
	began := time.Now()
	o = o.withDefaults()
	switch len(o.Databases) {
	case 0:
	case 2:
		if o.Databases[0] == o.Databases[1] {
			return Result{}, fault.New(fault.Invalid, "bench.databases")
		}
	default:
		return Result{}, fault.New(fault.Invalid, "bench.databases")
	}
	if o.Dir == "" {
		dir, err := os.MkdirTemp("", "newspool-bench-")
		if err != nil {
			return Result{}, fault.New(fault.Unavailable, "config.folder", "folder", os.TempDir()).Because(err)
		}
		defer os.RemoveAll(dir)
		o.Dir = dir
	}
	stories, err := prepare(o.Items)
	if err != nil {
		return Result{}, err
	}
	r := &Result{CPUs: runtime.NumCPU(), Machine: runtime.GOOS + "/" + runtime.GOARCH + " " + runtime.Version(), Writers: writers, Pace: pace}
	for _, s := range stories {
		r.ItemBytes += len(s.bytes)
	}
	r.ItemBytes /= len(stories)
	r.ParseMicros = parseMicros(stories)
	o.say("The floor: %s", filepath.Clean(o.Dir))
	if r.FsyncP50, r.FsyncP99, err = fsyncs(o.Dir); err != nil {
		return *r, err
	}
	p, err := open(ctx, o)
	if err != nil {
		return *r, err
	}
	defer p.close()
	m := &measuring{Options: o, pair: p, stories: stories, r: r}
	if err := m.all(ctx); err != nil {
		return *r, err
	}
	r.Seconds = time.Since(began).Seconds()
	return *r, nil
}

func (o Options) withDefaults() Options {
	if o.Seconds <= 0 {
		o.Seconds = 45
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if len(o.Items) == 0 {
		o.Items = invented()
	}
	return o
}

func (o Options) say(form string, args ...any) { fmt.Fprintf(o.Progress, form+"\n", args...) }

// part is a share of the time, in percent.
func (o Options) part(percent int) time.Duration {
	return time.Duration(o.Seconds) * time.Second * time.Duration(percent) / 100
}
