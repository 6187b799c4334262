// Package nodetest starts one to three real nodes on loopback addresses, with real databases and real connections between
// them, for the tests of everything that needs more than one part.
package nodetest

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/clock"
	"newspool/internal/config"
	"newspool/internal/news"
	"newspool/internal/node"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// House is a newsroom with its node.
type House struct {
	*node.Node
	Domain string
	Dir    string
	TB     testing.TB
	spec   Spec
	addr   string
	cancel context.CancelFunc
	done   chan error
}

// Spec says what newsroom to start.
type Spec struct {
	Domain   string
	Names    map[string]string
	Language string
	Database string                // "": SQLite in a folder of the test
	Fault    func(op string) error // makes its storage fail
	Clock    clock.Clock           // nil: the machine's
	Base     string                // the URL that it gives to partners; "": the one that it listens on
	TLS      config.Mode           // "": as the address asks for
	LogLevel slog.Level            // 0: errors are shown
	Before   func(*node.Node)      // called before it runs
}

// silent is the LogLevel of a house whose errors a test causes itself.
const silent = slog.LevelError + 1

// North and Soren are the newsrooms of most tests.
func North() Spec {
	return Spec{Domain: "north.example", Names: map[string]string{"en": "North Agency"}, Language: "en"}
}

// Soren is the second one.
func Soren() Spec {
	return Spec{Domain: "soren.example", Names: map[string]string{"en": "Radio Soren", "ru": "Радио Сорен"}, Language: "ru"}
}

// Avand is the third one.
func Avand() Spec {
	return Spec{Domain: "avand.example", Names: map[string]string{"en": "Avand News", "fa": "خبرگزاری آوند"}, Language: "fa"}
}

// Start starts a node and sets it up; it is stopped at the end of the test.
func Start(t testing.TB, s Spec) *House {
	t.Helper()
	h := &House{Domain: s.Domain, Dir: filepath.Join(t.TempDir(), s.Domain), TB: t}
	h.open(s)
	_, err := h.SetUp(context.Background(), partner.Profile{Domain: s.Domain, Names: s.Names, Kind: "agency", Languages: []string{s.Language}})
	if err != nil {
		t.Fatalf("setting up %s: %v", s.Domain, err)
	}
	h.run()
	t.Cleanup(h.Stop)
	return h
}

func (h *House) open(s Spec) {
	h.TB.Helper()
	h.spec = s
	level := max(slog.LevelError, s.LogLevel)
	if os.Getenv("NEWSPOOL_TEST_LOG") != "" {
		level = slog.LevelDebug
	}
	if h.addr == "" {
		h.addr = "127.0.0.1:0"
		h.furnish()
	}
	l, err := listen(h.addr)
	if err != nil {
		h.TB.Fatal(err)
	}
	h.addr = l.Addr().String()
	o := node.Options{
		Settings: config.Settings{Dir: h.Dir, Database: s.Database, Listen: h.addr, Base: s.Base, TLS: s.TLS, AllowNet: []string{"127.0.0.0/8"}, ZoneName: "UTC"},
		Log:      slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: level})).With("node", h.Domain),
		Listener: l, Fault: s.Fault, Clock: s.Clock,
	}
	h.Node, err = node.New(context.Background(), o)
	if err != nil {
		h.TB.Fatalf("starting %s: %v", h.Domain, err)
	}
	h.Exchange.Times.MinPause, h.Exchange.Times.MaxPause, h.Exchange.Times.Retry = 10*time.Millisecond, 250*time.Millisecond, 50*time.Millisecond
	if s.Before != nil {
		s.Before(h.Node)
	}
}

// furnish puts an empty database with all tables into the folder of a new node: to make the tables takes longer than most tests.
func (h *House) furnish() {
	h.TB.Helper()
	if h.spec.Database != "" {
		return
	}
	b, err := emptyDatabase()
	if err == nil {
		err = os.MkdirAll(h.Dir, 0o700)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(h.Dir, "newspool.db"), b, 0o600)
	}
	if err != nil {
		h.TB.Fatal(err)
	}
}

// emptyDatabase is made once for all tests.
var emptyDatabase = sync.OnceValues(func() ([]byte, error) {
	dir, err := os.MkdirTemp("", "newspool-empty-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	db, err := store.Open(context.Background(), store.Options{URL: "sqlite:" + filepath.Join(dir, "newspool.db"), Migrations: node.Migrations()})
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	return os.ReadFile(filepath.Join(dir, "newspool.db"))
})

// listen opens an address again that may have been closed a moment ago.
func listen(addr string) (l net.Listener, err error) {
	for range 50 {
		if l, err = net.Listen("tcp", addr); err == nil {
			return l, nil
		}
		time.Sleep(20 * time.Millisecond)
	}
	return nil, err
}

func (h *House) run() {
	ctx, cancel := context.WithCancel(context.Background())
	h.cancel, h.done = cancel, make(chan error, 1)
	go func() { h.done <- h.Node.Run(ctx) }()
}

// Stop stops the node as Ctrl-C does. It may be called twice.
func (h *House) Stop() {
	if h.cancel == nil {
		return
	}
	h.cancel()
	if err := <-h.done; err != nil {
		h.TB.Errorf("%s stopped with %v", h.Domain, err)
	}
	if err := h.Node.Close(); err != nil {
		h.TB.Errorf("closing %s: %v", h.Domain, err)
	}
	h.cancel = nil
}

// Restart stops the node and starts it again on the same folder and address.
func (h *House) Restart(s Spec) {
	h.TB.Helper()
	h.Stop()
	h.open(s)
	h.run()
}

// Meet has two newsrooms pin each other's root, as two people with a telephone would.
func Meet(a, b *House) {
	a.TB.Helper()
	for _, x := range [][2]*House{{a, b}, {b, a}} {
		if _, err := x[0].Exchange.Pin(context.Background(), x[1].Exchange.Document(), false); err != nil {
			x[0].TB.Fatal(err)
		}
	}
}

// Terms makes the terms of an exchange of everything between the houses.
func Terms(houses ...*House) terms.Revision {
	var ids []protocol.Identity
	for _, h := range houses {
		ids = append(ids, h.Exchange.Self())
	}
	return termsOf(ids...)
}

func termsOf(ids ...protocol.Identity) terms.Revision {
	var parties []terms.Party
	for _, self := range ids {
		p := terms.PartyOf(self)
		p.Signatory = terms.Signatory{Name: "Editor in chief", Office: "Editor in chief"}
		parties = append(parties, p)
	}
	rev := terms.Template(terms.Wire, parties...)
	rev.Zone, rev.SignBy = "UTC", terms.DateOf(time.Now().AddDate(0, 0, 30), time.UTC)
	rev.Ceilings = terms.Counts{Records: 5_000_000, Bytes: 1 << 50, Media: 1 << 50}
	return rev
}

// Agree has the first house propose terms and all others sign them, and waits until everybody has gone over to them.
func Agree(rev terms.Revision, houses ...*House) terms.RevisionHash {
	t := houses[0].TB
	t.Helper()
	ctx := context.Background()
	hash, err := houses[0].Agreements.Propose(ctx, rev, agreement.Signer{Name: "A. Chief", Office: "Editor in chief"})
	if err != nil {
		t.Fatalf("proposing: %v", err)
	}
	for _, h := range houses[1:] {
		Wait(t, h.Domain+" has the proposal", func() bool { _, ok := h.Agreements.Revision(hash); return ok })
		if err := h.Agreements.Sign(ctx, hash, agreement.Signer{Name: "B. Chief", Office: "Editor in chief"}); err != nil {
			t.Fatalf("%s signing: %v", h.Domain, err)
		}
	}
	for _, h := range houses {
		Wait(t, h.Domain+" has adopted the agreement", func() bool {
			for _, a := range h.Agreements.Active() {
				if a.Hash == hash {
					return true
				}
			}
			return false
		})
	}
	return hash
}

// Wait waits until something is true, for at most 20 seconds.
func Wait(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("not in 20 seconds: %s", what)
}

// Story makes a story.
func Story(n int) news.Draft {
	return news.Draft{
		Story: news.Story{
			Type: news.Text, Lang: "en", Headline: fmt.Sprintf("Ferry number %d leaves Port Anselm on time", n), Slug: fmt.Sprintf("FERRY-%d", n),
			Body: "<p>The morning ferry left Port Anselm on time, the harbour office said.</p>", Urgency: 4, Byline: "Ilse Maren", Dateline: "PORT ANSELM",
		},
		Source: "test", SourceID: fmt.Sprintf("test:%d", n), Format: "text/plain", Original: []byte("original"),
	}
}

// pause stops serving and following, and leaves the node open.
func (h *House) pause() {
	h.cancel()
	if err := <-h.done; err != nil {
		h.TB.Errorf("%s stopped with %v", h.Domain, err)
	}
	h.done <- nil
}
