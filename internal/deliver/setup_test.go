package deliver

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/content"
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
	northLedger = ledger.ID("north-1")
)

type codec struct{}

func (codec) Write(s news.Story, m library.Meta) []byte {
	return ninjs.Write(s, ninjs.Meta{URI: string(m.URI), Version: strconv.Itoa(m.Version), Class: m.Class, Released: m.Released})
}

func (codec) Parse(b []byte) (news.Draft, error) { return ninjs.Parse(b) }

// house is the desk of Avand News, with what its parts are told by the test.
type house struct {
	*Service
	t  testing.TB
	db *store.DB

	mu    sync.Mutex
	at    time.Time
	stand map[ledger.ID]terms.Standing
	alive bool
	reads bool // who knows the terms must read first
	seq   int64
	by    people.By
}

func (h *house) Standing(id ledger.ID) (terms.Standing, bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.reads {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.db.Read(ctx, func(store.Reader) error { return nil }); err != nil {
			h.t.Errorf("the terms cannot be read: %v", err)
		}
	}
	st, ok := h.stand[id]
	return st, ok
}

func (h *house) Confirmed(news.Root, time.Time) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.alive
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

// agree puts terms into force.
func (h *house) agree(hash string, change func(r *terms.Revision)) {
	r := terms.Template(terms.Wire,
		terms.Party{Root: north, Domain: "north.example", Kind: "agency", Languages: []news.Lang{"en"}, Names: terms.InLanguages{"en": "North Agency", "fa": "خبرگزاری شمال"}},
		terms.Party{Root: avand, Domain: "avand.example", Kind: "agency", Languages: []news.Lang{"fa", "en"}, Names: terms.InLanguages{"en": "Avand News", "fa": "خبرگزاری آوند"}},
	)
	r.Agreement = agreementID
	change(&r)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.stand[northLedger] = terms.Standing{Agreement: agreementID, Hash: terms.RevisionHash(hash), Revision: r}
}

func (h *house) suspend(on bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	st := h.stand[northLedger]
	st.Suspended = on
	h.stand[northLedger] = st
}

func open(t testing.TB, e store.Engine) *house {
	t.Helper()
	h := &house{t: t, at: start, alive: true, stand: map[ledger.ID]terms.Standing{}}
	h.db = storetest.OpenWith(t, store.Options{URL: storetest.URL(t, e), ReadPool: 1, Migrations: []store.Migration{
		content.Migrations(), library.Migrations(), people.Migrations(), Migrations(),
	}})
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	l := library.New(h.db, library.Options{Origin: avand, Domain: "avand.example", Clock: h.now, Codec: codec{}})
	p := people.New(h.db, people.Options{Clock: h.now})
	ada, err := p.Create(context.Background(), people.Operator(), people.NewPerson{
		Login: "ada", Name: "Ada", Roles: []people.Role{people.Editor}, Password: "a harbour in the fog",
	})
	if err != nil {
		t.Fatal(err)
	}
	h.by = people.By{Person: ada, Remote: "192.0.2.7"}
	h.Service = New(Options{
		DB: h.db, Library: l, People: p, Agreements: h, Links: h, Bundle: bundle, Root: avand, Clock: h.now,
		Credit: func(lang news.Lang) string {
			if lang == "fa" {
				return "خبرگزاری آوند"
			}
			return "Avand News"
		},
	})
	h.agree("r1", func(*terms.Revision) {})
	return h
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) { fn(t, open(t, e)) })
	}
}

func story(n int) news.Story {
	return news.Story{
		Type: news.Text, Lang: "en", Headline: fmt.Sprintf("Ferry number %d leaves Port Anselm on time", n), Urgency: 4, Credit: "NA",
		Body: "<p>The morning ferry left Port Anselm on time.</p>", Written: start, Usage: "Not for resale.",
	}
}

func itemID(n int) news.ItemID {
	return news.ItemID(fmt.Sprintf("newspool://north.example/item/0192f3c1-7d55-7e07-9d3c-%012d", n))
}

// receive takes in a version from North Agency.
func (h *house) receive(n, number int, class news.Class, change func(s *news.Story)) {
	h.t.Helper()
	s := story(n)
	if change != nil {
		change(&s)
	}
	if err := h.db.Write(context.Background(), func(tx *store.Tx) error { return h.take(tx, n, number, class, s) }); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) take(tx *store.Tx, n, number int, class news.Class, s news.Story) error {
	h.seq++
	in := library.Incoming{
		Item: itemID(n), Number: number, Class: class, Origin: north, Agreement: agreementID, Ledger: string(northLedger), Seq: h.seq,
		Story: s, Released: h.now(), State: news.Usable,
	}
	var err error
	if class != news.Withdrawal {
		b := codec{}.Write(s, library.Meta{URI: in.Item, Version: number, Class: class, Released: in.Released})
		if in.ContentID, err = content.Put(tx, "application/json", string(s.Lang), b); err != nil {
			return err
		}
	}
	_, err = h.o.Library.Receive(tx, in)
	return err
}

// got is what a test looks at in a line.
type got struct {
	URI            string
	Version        string
	PubStatus      string
	EmbargoedUntil string
	EdNote         string
	UsageTerms     string
	Headlines      []struct{ Value string }
	Bodies         []struct{ Value string }
	InfoSources    []struct{ Role, Name string }
	Newspool       Info
}

func (g got) credit() string {
	for _, s := range g.InfoSources {
		if s.Role == "credit" {
			return s.Name
		}
	}
	return ""
}

func (h *house) read(after int64, limit int) ([]got, int64) {
	h.t.Helper()
	lines, next, err := h.Lines(context.Background(), h.by, after, limit, "en")
	if err != nil {
		h.t.Fatal(err)
	}
	var out []got
	for _, l := range lines {
		var g got
		if err := json.Unmarshal(l.JSON, &g); err != nil {
			h.t.Fatalf("%s: %v", l.JSON, err)
		}
		if g.Newspool.Cursor != l.Cursor || g.Newspool.State != l.State || g.URI != string(l.Item) || g.Version != strconv.Itoa(l.Version) {
			h.t.Errorf("the line %+v says %+v", l, g)
		}
		if (len(g.Headlines)+len(g.Bodies) > 0) != (l.State == Usable) || strings.Contains(string(l.JSON), "Ferry") != (l.State == Usable) {
			h.t.Errorf("a text stands, or is missing, in %s", l.JSON)
		}
		out = append(out, g)
	}
	return out, next
}

// want compares the states of all lines after a cursor.
func (h *house) want(after int64, states ...State) int64 {
	h.t.Helper()
	lines, next := h.read(after, 0)
	var have []State
	for _, l := range lines {
		have = append(have, l.Newspool.State)
	}
	if d := cmp.Diff(states, have); d != "" {
		h.t.Errorf("after %d: %s", after, d)
	}
	return next
}
