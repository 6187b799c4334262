package node

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"newspool/internal/exchange"
	"newspool/internal/fault"
)

// meter is what a node tells of itself in numbers. Each node has one of its own.
type meter struct {
	registry *prometheus.Registry
	requests *prometheus.CounterVec
}

// newMeter makes the meter. What it tells is looked up when somebody asks.
func (n *Node) newMeter() *meter {
	m := &meter{
		registry: prometheus.NewRegistry(),
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "newspool_http_requests_total", Help: "Requests that were answered, by what they were for and their status.",
		}, []string{"family", "status"}),
	}
	m.registry.MustRegister(
		m.requests, newCensus(n), collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
	)
	return m
}

// families are the kinds of requests, by the beginning of their paths.
var families = [...]struct{ prefix, name string }{
	{"/api/", "api"}, {"/exchange/", "exchange"}, {"/.well-known/", "exchange"}, {"/static/", "static"}, {"/healthz", "health"}, {"/readyz", "health"},
}

func familyOf(path string) string {
	for _, f := range families {
		if strings.HasPrefix(path, f.prefix) {
			return f.name
		}
	}
	return "pages"
}

// watch counts the requests that a handler answers. A stream counts when it ends.
func (m *meter) watch(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s := &statusWriter{ResponseWriter: w, status: http.StatusOK}
		defer func() { m.requests.WithLabelValues(familyOf(r.URL.Path), strconv.Itoa(s.status)).Inc() }()
		h.ServeHTTP(s, r)
	})
}

// statusWriter remembers the first status that was sent.
type statusWriter struct {
	http.ResponseWriter
	status int
	sent   bool
}

func (s *statusWriter) WriteHeader(status int) {
	if !s.sent {
		s.status, s.sent = status, status >= 200
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *statusWriter) Unwrap() http.ResponseWriter { return s.ResponseWriter }

// census looks up what the node knows at the moment of asking.
type census struct {
	n                          *Node
	contact, waiting, state    *prometheus.Desc
	outbox, delayed, queued    *prometheus.Desc
	accepted, received, failed *prometheus.Desc
	build                      *prometheus.Desc
}

func newCensus(n *Node) *census {
	d := func(name, help string, labels ...string) *prometheus.Desc {
		return prometheus.NewDesc("newspool_"+name, help, labels, nil)
	}
	return &census{
		n:        n,
		contact:  d("link_seconds_since_contact", "Seconds since the last word of a partner.", "partner"),
		waiting:  d("link_waiting_records", "Records that a partner has told of and that are not held here yet.", "partner"),
		state:    d("link_state", "1 for the state in which the link to a partner is, 0 for all others.", "partner", "state"),
		outbox:   d("outbox_items", "Versions of our own that wait to be offered to partners."),
		delayed:  d("delayed_items", "Versions of our own that wait under an agreement, by why: for the next day, because of its ceilings, or for a partner to confirm our ledger.", "why"),
		queued:   d("database_waiting_writes", "Changes that wait for the writer of the database."),
		accepted: d("items_accepted_total", "Items of our own that were taken in, drafts among them."),
		received: d("items_received_total", "Items that came from partners and were shown."),
		failed:   d("metrics_failed", "1 if something could not be looked up this time; the log says why."),
		build:    d("build_info", "The version of the program, as a label.", "version"),
	}
}

// Describe names everything that Collect may tell.
func (c *census) Describe(out chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{c.contact, c.waiting, c.state, c.outbox, c.delayed, c.queued, c.accepted, c.received, c.failed, c.build} {
		out <- d
	}
}

var linkStates = [...]exchange.LinkState{
	exchange.LinkLive, exchange.LinkCatchingUp, exchange.LinkLate, exchange.LinkSilent, exchange.LinkStopped, exchange.LinkNever, exchange.LinkBlocked,
}

// censusTime is how long a looking-up may take.
const censusTime = 5 * time.Second

// Collect looks everything up. What cannot be looked up is left out.
func (c *census) Collect(out chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(c.build, 1, Version)
	gauge(c.queued, float64(c.n.DB.Waiting()))
	c.links(gauge)
	ctx, cancel := context.WithTimeout(context.Background(), censusTime)
	defer cancel()
	outbox, err := c.n.Exchange.OutboxSize(ctx)
	if err == nil {
		gauge(c.outbox, float64(outbox))
	}
	delays, err2 := c.n.Exchange.Delays(ctx)
	if err = errors.Join(err, err2); err2 == nil {
		var later, unconfirmed int64
		for _, x := range delays {
			later, unconfirmed = later+x.Later, unconfirmed+x.Unconfirmed
		}
		gauge(c.delayed, float64(later), "ceiling")
		gauge(c.delayed, float64(unconfirmed), "unconfirmed")
	}
	select {
	case <-c.n.began:
		f, err2 := c.n.Library.Facets(ctx)
		if err = errors.Join(err, err2); err2 == nil {
			out <- prometheus.MustNewConstMetric(c.accepted, prometheus.CounterValue, float64(f.Own))
			out <- prometheus.MustNewConstMetric(c.received, prometheus.CounterValue, float64(f.Received))
		}
	default: // the newsroom is not set up: there are no items
	}
	failed := 0.0
	if err != nil {
		failed = 1
		c.n.Log.Error("metrics", "error", err)
	}
	gauge(c.failed, failed)
}

// links tells of each partner by its domain. Where two have one domain, the one whose link is worse is told of.
func (c *census) links(gauge func(d *prometheus.Desc, v float64, labels ...string)) {
	told := map[string]bool{}
	for _, l := range c.n.Exchange.Links() {
		if told[l.Domain] {
			continue
		}
		told[l.Domain] = true
		if !l.LastContact.IsZero() {
			gauge(c.contact, max(0, c.n.Clock().Sub(l.LastContact).Seconds()), l.Domain)
		}
		gauge(c.waiting, float64(l.Waiting), l.Domain)
		for _, s := range linkStates {
			is := 0.0
			if l.State == s {
				is = 1
			}
			gauge(c.state, is, l.Domain, string(s))
		}
	}
}

// metricsHandler answers Prometheus.
func (n *Node) metricsHandler(m *meter) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(m.registry, promhttp.HandlerOpts{
		ErrorLog: slog.NewLogLogger(n.Log.Handler(), slog.LevelError), ErrorHandling: promhttp.ContinueOnError, MaxRequestsInFlight: 4,
	}))
	return mux
}

// serveMetrics answers on the address of the settings until ctx ends; without one it returns at once. The address is no place
// for strangers: nobody signs in there.
func (n *Node) serveMetrics(ctx context.Context, m *meter) error {
	if n.Settings.Metrics == "" {
		return nil
	}
	l, err := net.Listen("tcp", n.Settings.Metrics)
	if err != nil {
		return fault.New(fault.Unavailable, "config.listen", "flag", "metrics-listen", "address", n.Settings.Metrics).Because(err)
	}
	return n.serveMetricsOn(ctx, m, l)
}

func (n *Node) serveMetricsOn(ctx context.Context, m *meter, l net.Listener) error {
	server := &http.Server{
		Handler: n.metricsHandler(m), ReadHeaderTimeout: 10 * time.Second, WriteTimeout: 30 * time.Second, IdleTimeout: time.Minute, MaxHeaderBytes: 16 << 10,
		ErrorLog: slog.NewLogLogger(n.Log.Handler(), slog.LevelDebug),
	}
	stop := context.AfterFunc(ctx, func() { server.Close() })
	defer stop()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
