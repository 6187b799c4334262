package node

import (
	"context"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"newspool/internal/config"
	"newspool/internal/news"
	"newspool/internal/partner"
)

// scrape asks for the metrics as Prometheus does, and gives the lines that tell of the newsroom.
func scrape(t *testing.T, url string) map[string]string {
	t.Helper()
	resp, err := http.Get(url + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%d %v %s", resp.StatusCode, err, b)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(b)) {
		if name, value, ok := strings.Cut(strings.TrimSpace(line), " "); ok && !strings.HasPrefix(line, "#") {
			out[name] = value
		}
	}
	return out
}

func TestMetrics(t *testing.T) {
	ctx := context.Background()
	var nodes []*Node
	for _, domain := range []string{"north.example", "soren.example"} {
		n, err := New(ctx, Options{Settings: config.Settings{Dir: filepath.Join(t.TempDir(), domain), Listen: "127.0.0.1:0", Metrics: "127.0.0.1:0"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		nodes = append(nodes, n)
	}
	n, other := nodes[0], nodes[1]
	m := n.newMeter()
	l, err := net.Listen("tcp", n.Settings.Metrics)
	if err != nil {
		t.Fatal(err)
	}
	running, stop := context.WithCancel(ctx)
	done := make(chan error, 1)
	go func() { done <- n.serveMetricsOn(running, m, l) }()
	url := "http://" + l.Addr().String()

	if got := scrape(t, url); got["newspool_outbox_items"] != "0" || got["newspool_items_accepted_total"] != "" || got["newspool_metrics_failed"] != "0" || got["go_goroutines"] == "" {
		t.Errorf("before the newsroom is set up: %v", got)
	}
	for _, x := range nodes {
		if _, err := x.SetUp(ctx, partner.Profile{Domain: filepath.Base(x.Settings.Dir), Names: map[string]string{"en": "A"}, Kind: "agency", Languages: []string{"en"}}); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := n.Exchange.Pin(ctx, other.Exchange.Document(), false); err != nil {
		t.Fatal(err)
	}
	for _, id := range []string{"1", "2"} {
		if _, err := n.Library.Accept(ctx, news.Draft{Story: news.Story{Type: news.Text, Lang: "en", Headline: "Ferry " + id}, Source: "test", SourceID: id}); err != nil {
			t.Fatal(err)
		}
	}
	h := m.watch(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/api/v1/items" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		w.Write([]byte("x"))
	}))
	for _, path := range []string{"/api/v1/items", "/wire", "/wire", "/exchange/v1/access", "/.well-known/newspool", "/static/a.css", "/readyz"} {
		h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", path, nil))
	}
	got := scrape(t, url)
	for name, want := range map[string]string{
		`newspool_items_accepted_total`:                                "2",
		`newspool_items_received_total`:                                "0",
		`newspool_outbox_items`:                                        "2",
		`newspool_delayed_items{why="ceiling"}`:                        "0",
		`newspool_delayed_items{why="unconfirmed"}`:                    "0",
		`newspool_metrics_failed`:                                      "0",
		`newspool_link_state{partner="soren.example",state="never"}`:   "1",
		`newspool_link_state{partner="soren.example",state="live"}`:    "0",
		`newspool_link_waiting_records{partner="soren.example"}`:       "0",
		`newspool_link_seconds_since_contact{partner="soren.example"}`: "",
		`newspool_http_requests_total{family="api",status="401"}`:      "1",
		`newspool_http_requests_total{family="pages",status="200"}`:    "2",
		`newspool_http_requests_total{family="exchange",status="200"}`: "2",
		`newspool_http_requests_total{family="static",status="200"}`:   "1",
		`newspool_http_requests_total{family="health",status="200"}`:   "1",
		`newspool_build_info{version="` + Version + `"}`:               "1",
		`newspool_link_state{partner="north.example",state="never"}`:   "",
		`newspool_database_waiting_writes`:                             "0",
	} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
	if len(scrape(t, url)) == 0 {
		t.Error("nothing the second time")
	}
	stop()
	if err := <-done; err != nil {
		t.Error(err)
	}
	n.Settings.Metrics = ""
	if err := n.serveMetrics(ctx, m); err != nil {
		t.Error(err)
	}
	n.Settings.Metrics = "256.0.0.1:1"
	if err := n.serveMetrics(ctx, m); err == nil {
		t.Error("an address that is none was opened")
	}
}
