package api_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/api"
	"newspool/internal/content"
	"newspool/internal/deliver"
	"newspool/internal/desk"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
)

var (
	avand = news.Root(strings.Repeat("a", 64)) // we, in these tests
	north = news.Root(strings.Repeat("b", 64))
	start = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
)

const (
	agreementID = terms.AgreementID("0123456789abcdef0123456789abcdef")
	northLedger = "north-1"
)

type codec struct{}

func (codec) Write(s news.Story, m library.Meta) []byte {
	return ninjs.Write(s, ninjs.Meta{URI: string(m.URI), Version: strconv.Itoa(m.Version), Class: m.Class, Released: m.Released})
}

func (codec) Parse(b []byte) (news.Draft, error) { return ninjs.Parse(b) }

// house is the desk of Avand News with its API; what is outside of it is told by the test.
type house struct {
	t       testing.TB
	db      *store.DB
	library *library.Library
	people  *people.Service
	options api.Options
	server  *httptest.Server
	log     *syncBuffer
	write   string // a token of an editor that may write
	read    string // one that may read

	mu         sync.Mutex
	at         time.Time
	links      []exchange.Link
	deliveries []exchange.Delivery
	rings      []chan struct{}
	refuse     error // what the deliveries say
}

func (h *house) now() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.at
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.at = h.at.Add(d)
}

// Standing gives the terms of every ledger.
func (h *house) Standing(ledger.ID) (terms.Standing, bool) {
	r := terms.Template(terms.Wire,
		terms.Party{Root: north, Domain: "north.example", Kind: "agency", Languages: []news.Lang{"en"}, Names: terms.InLanguages{"en": "North Agency"}},
		terms.Party{Root: avand, Domain: "avand.example", Kind: "agency", Languages: []news.Lang{"fa", "en"}, Names: terms.InLanguages{"en": "Avand News"}},
	)
	r.Agreement = agreementID
	return terms.Standing{Agreement: agreementID, Hash: "r1", Revision: r}, true
}

func (h *house) Confirmed(news.Root, time.Time) bool { return true }

func (h *house) Credit(news.Lang) string { return "Avand News" }

func (h *house) Rulings(context.Context, news.ItemID, terms.Act) ([]desk.Ruling, error) {
	return nil, nil
}

func (h *house) Links() []exchange.Link { return h.links }

func (h *house) Deliveries(context.Context, news.ItemID) ([]exchange.Delivery, error) {
	return h.deliveries, h.refuse
}

// Ring notes who waits.
func (h *house) Ring(context.Context) <-chan struct{} {
	h.mu.Lock()
	defer h.mu.Unlock()
	c := make(chan struct{}, 1)
	h.rings = append(h.rings, c)
	return c
}

// waiting is how many have asked the bell.
func (h *house) waiting() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.rings)
}

func (h *house) ring() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.rings {
		select {
		case c <- struct{}{}:
		default:
		}
	}
}

// syncBuffer is a log.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}

// each runs a test on each engine.
func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) { fn(t, open(t, e)) })
	}
}

func open(t testing.TB, e store.Engine) *house {
	t.Helper()
	h := &house{t: t, at: start, log: &syncBuffer{}}
	h.db = storetest.OpenWith(t, store.Options{URL: storetest.URL(t, e), Migrations: []store.Migration{
		content.Migrations(), library.Migrations(), people.Migrations(), deliver.Migrations(), api.Migrations(),
	}})
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	h.library = library.New(h.db, library.Options{Origin: avand, Domain: "avand.example", Clock: h.now, Codec: codec{}})
	h.people = people.New(h.db, people.Options{Clock: h.now})
	h.options = api.Options{
		DB: h.db, People: h.people, Library: h.library, Desk: desk.New(h.db, h.library, h.people, h, nothingMade{}, h.now),
		Feed: deliver.New(deliver.Options{
			DB: h.db, Library: h.library, People: h.people, Agreements: h, Links: h, Bundle: bundle, Root: avand, Credit: h.Credit, Clock: h.now,
		}),
		Exchange: h, Bell: h, Bundle: bundle, Clock: h.now, Log: slog.New(slog.NewTextHandler(h.log, nil)), Version: "0.0.0",
	}
	h.serve()
	ada := h.person("ada", people.Editor)
	h.write, h.read = h.token(ada, people.ScopeWrite), h.token(ada, people.ScopeRead)
	return h
}

// serve starts a server with the options as they are now.
func (h *house) serve() {
	mux := http.NewServeMux()
	api.New(h.options).Routes(mux)
	h.server = httptest.NewServer(mux)
	h.t.Cleanup(h.server.Close)
}

func (h *house) person(login string, roles ...people.Role) people.Person {
	h.t.Helper()
	p, err := h.people.Create(context.Background(), people.Operator(), people.NewPerson{Login: login, Name: login, Roles: roles, Password: "a harbour in the fog"})
	if err != nil {
		h.t.Fatal(err)
	}
	return p
}

func (h *house) token(p people.Person, scope people.Scope) string {
	h.t.Helper()
	secret, _, err := h.people.CreateToken(context.Background(), people.By{Person: p}, "test", scope)
	if err != nil {
		h.t.Fatal(err)
	}
	return secret
}

// reply is an answer of the server.
type reply struct {
	status int
	header http.Header
	body   string
}

// ask sends a request; headers alternate name and value.
func (h *house) ask(token, method, path, body string, headers ...string) reply {
	h.t.Helper()
	req, err := http.NewRequest(method, h.server.URL+path, strings.NewReader(body))
	if err != nil {
		h.t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	resp, err := http.DefaultTransport.RoundTrip(req)
	if err != nil {
		h.t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		h.t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(b)}
}

// into reads a JSON answer that must have this status.
func (r reply) into(t testing.TB, status int, v any) {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	d := json.NewDecoder(strings.NewReader(r.body))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		t.Fatalf("%s: %v", r.body, err)
	}
}

// missingKey is how a message shows that no catalog has.
var missingKey = regexp.MustCompile(`«[a-z]+\.[a-z_.]+»`)

// problem reads an error, and compares what never changes of it.
func (r reply) problem(t testing.TB, status int, kind fault.Kind) api.Problem {
	t.Helper()
	var p api.Problem
	r.into(t, status, &p)
	if p.Kind != kind || p.Status != status || p.Detail == "" || p.Request == "" || p.Request != r.header.Get("X-Request-Id") || r.header.Get("Content-Type") != "application/problem+json" {
		t.Errorf("%+v with %v, want %s", p, r.header, kind)
	}
	if strings.Contains(r.body, "huma") || missingKey.MatchString(r.body) {
		t.Errorf("the inside shows: %s", r.body)
	}
	return p
}

// lines reads lines of the feed.
func (r reply) lines(t testing.TB) []api.Line {
	t.Helper()
	if r.status != http.StatusOK || r.header.Get("Content-Type") != "application/x-ndjson" {
		t.Fatalf("%d %s %s", r.status, r.header.Get("Content-Type"), r.body)
	}
	var out []api.Line
	for text := range strings.Lines(r.body) {
		var l api.Line
		d := json.NewDecoder(strings.NewReader(text))
		d.DisallowUnknownFields()
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		out = append(out, l)
	}
	return out
}

func (r reply) cursor(t testing.TB) string {
	t.Helper()
	c := r.header.Get("Newspool-Cursor")
	if _, err := strconv.ParseInt(c, 10, 64); err != nil {
		t.Fatalf("cursor %q", c)
	}
	return c
}

// item is a story as a CMS has it.
func item(n int, headline, more string) string {
	return fmt.Sprintf(`{"uri":"https://cms.avand.example/story/%d","standard":{"name":"ninjs","version":"3.0"},"language":"en",
"headlines":[{"role":"main","value":%q}],"bodies":[{"role":"main","contentType":"text/html","value":"<p>The morning ferry left Port Anselm on time.</p>"}]%s}`, n, headline, more)
}

func northItem(n int) news.ItemID {
	return news.ItemID(fmt.Sprintf("newspool://north.example/item/0192f3c1-7d55-7e07-9d3c-%012d", n))
}

// receive takes in an item from North Agency, with everything that a story can have.
func (h *house) receive(n int, change func(s *news.Story)) {
	h.t.Helper()
	s := news.Story{
		Type: news.Text, Lang: "en", Headline: "Ferry leaves on time", Slug: "FERRY", Byline: "Ilse Maren", Dateline: "PORT ANSELM", Urgency: 4,
		Body: "<p>The morning ferry left Port Anselm on time.</p>", Subjects: []news.Subject{{Code: "medtop:20000339", Name: "ships"}}, Genre: "Current",
		Service: "wire", Credit: "NA", Copyright: "North Agency", Usage: "Not for resale.", Note: "Photo follows.", Written: start,
		Media: []news.Media{{
			ID: "https://north.example/p/1.jpg", Type: "image/jpeg", Size: 12345, Width: 800, Height: 600, Caption: "The ferry", Credit: "NA", Byline: "Tom Quay",
			Rights: "North Agency", Headline: "Ferry", Of: news.Picture,
		}},
	}
	if change != nil {
		change(&s)
	}
	err := h.db.Write(context.Background(), func(tx *store.Tx) error {
		in := library.Incoming{
			Item: northItem(n), Number: 1, Class: news.First, Origin: north, Agreement: agreementID, Ledger: northLedger, Seq: int64(n), Story: s,
			Released: h.now(), State: news.Usable,
		}
		b := codec{}.Write(s, library.Meta{URI: in.Item, Version: 1, Class: news.First, Released: in.Released})
		var err error
		if in.ContentID, err = content.Put(tx, "application/json", "en", b); err != nil {
			return err
		}
		_, err = h.library.Receive(tx, in)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// acts are the newest rows of the audit, oldest first: what was done, by a program of Ada's.
func (h *house) acts(n int) []string {
	h.t.Helper()
	list, err := h.people.AuditPage(context.Background(), 0, n)
	if err != nil {
		h.t.Fatal(err)
	}
	var out []string
	for i := len(list) - 1; i >= 0; i-- {
		out = append(out, list[i].What+" "+strings.TrimPrefix(list[i].About, "newspool://"))
	}
	return out
}

// nothingMade is a desk where nothing was made from anything.
type nothingMade struct{ desk.Lineage }

func (nothingMade) Withdrawn(*store.Tx, news.PersonID, news.ItemID) error { return nil }
