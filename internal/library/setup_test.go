package library

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

var (
	north = news.Root(strings.Repeat("a", 64)) // we, in these tests
	soren = news.Root(strings.Repeat("b", 64))
	avand = news.Root(strings.Repeat("c", 64))
)

// plainCodec keeps stories as JSON.
type plainCodec struct{}

type plainForm struct {
	Meta  Meta
	Story news.Story
}

func (plainCodec) Write(s news.Story, m Meta) []byte {
	b, err := json.Marshal(plainForm{m, s})
	if err != nil {
		panic(err)
	}
	return b
}

func (plainCodec) Parse(b []byte) (news.Draft, error) {
	var f plainForm
	err := json.Unmarshal(b, &f)
	return news.Draft{Story: f.Story}, err
}

// memoryOriginals keeps large originals for a test.
type memoryOriginals map[string][]byte

func (m memoryOriginals) Keep(_ context.Context, b []byte) (string, error) {
	sum := sha256.Sum256(b)
	key := hex.EncodeToString(sum[:])
	m[key] = b
	return key, nil
}

func (m memoryOriginals) Fetch(_ context.Context, key string) ([]byte, error) {
	b, ok := m[key]
	if !ok {
		return nil, errors.New("no such blob")
	}
	return b, nil
}

var start = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)

// desk is a library with a clock that a test moves and a list of what went out.
type desk struct {
	*Library
	db        *store.DB
	at        time.Time
	out       []Version
	refuse    error       // what OnVersion says
	lose      atomic.Bool // the next commit fails
	originals memoryOriginals
}

func ancestors(code string) []string {
	switch code {
	case "medtop:1.2.3":
		return []string{"medtop:1.2", "medtop:1"}
	case "medtop:1.2":
		return []string{"medtop:1"}
	}
	return nil
}

func openDesk(t testing.TB, db *store.DB) *desk {
	t.Helper()
	d := &desk{db: db, at: start, originals: memoryOriginals{}}
	d.Library = New(db, Options{
		Origin: north, Domain: "north.example", Clock: func() time.Time { return d.at }, Zone: time.FixedZone("north", 3*3600+1800),
		Codec: plainCodec{}, Ancestors: ancestors, Originals: d.originals,
		OnVersion: func(_ *store.Tx, v Version) error { d.out = append(d.out, v); return d.refuse },
	})
	return d
}

func tables() []store.Migration { return []store.Migration{content.Migrations(), Migrations()} }

// each runs a test on each engine.
func each(t *testing.T, fn func(t *testing.T, d *desk)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) { fn(t, openDeskOn(t, e)) })
	}
}

// openDeskOn opens a desk on a fresh database.
func openDeskOn(t testing.TB, e store.Engine) *desk {
	t.Helper()
	var d *desk
	db := storetest.OpenWith(t, store.Options{URL: storetest.URL(t, e), Migrations: tables(), Fault: func(op string) error {
		if op == "commit-before" && d != nil && d.lose.CompareAndSwap(true, false) {
			return errOnPurpose
		}
		return nil
	}})
	d = openDesk(t, db)
	return d
}

// clear empties the tables and makes the next desk number first.
func (d *desk) clear(t tester, first int64) {
	t.Helper()
	err := d.db.Write(context.Background(), func(tx *store.Tx) error {
		for _, table := range []string{"item", "version", "item_agreement", "original", "source_item", "facet", "facet_total", "seen", "content"} {
			if err := tx.Exec("DELETE FROM " + table); err != nil {
				return err
			}
		}
		return tx.Exec(updateCounter, first-1)
	})
	if err != nil {
		t.Fatal(err)
	}
}

func (d *desk) tx(t testing.TB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := d.db.Write(context.Background(), fn); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) accept(t testing.TB, dr news.Draft) Accepted {
	t.Helper()
	a, err := d.Accept(context.Background(), dr)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func (d *desk) receive(t testing.TB, in Incoming) bool {
	t.Helper()
	var applied bool
	d.tx(t, func(tx *store.Tx) (err error) {
		applied, err = d.receiveTx(tx, in)
		return err
	})
	return applied
}

// receiveTx puts the content first, as the exchange does; a story without a headline has none.
func (d *desk) receiveTx(tx *store.Tx, in Incoming) (bool, error) {
	if in.Story.Headline != "" {
		id, err := content.Put(tx, "application/json", string(in.Story.Lang), plainCodec{}.Write(in.Story, Meta{}))
		if err != nil {
			return false, err
		}
		in.ContentID = id
	}
	return d.Receive(tx, in)
}

func (d *desk) item(t testing.TB, id news.ItemID) Item {
	t.Helper()
	it, err := d.Item(context.Background(), id)
	if err != nil {
		t.Fatal(err)
	}
	return it
}

func (d *desk) wire(t testing.TB, f Filter) []Row {
	t.Helper()
	rows, err := d.Wire(context.Background(), f, 0, MaxPage)
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func headlines(rows []Row) string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprintf("%s/%d %s", r.Headline, r.Version, r.State))
	}
	return strings.Join(out, "; ")
}

func story(headline string) news.Story {
	return news.Story{
		Type: news.Text, Lang: "en", Headline: headline, Slug: "slug", Body: "<p>One two three.</p>", Urgency: 4,
		Subjects: []news.Subject{{Code: "medtop:1.2.3", Name: "ships"}},
	}
}

func draft(id, headline string) news.Draft {
	return news.Draft{Story: story(headline), Source: "ingest", SourceID: id}
}

func incoming(item string, number int, class news.Class, headline string) Incoming {
	in := Incoming{
		Item: news.ItemID("newspool://soren.example/item/" + item), Number: number, Class: class, Origin: soren, Agreement: "agr-1",
		Ledger: "ledger-1", Seq: int64(number), State: news.Usable, Released: time.Date(2026, 11, 24, 5, 0, 0, 0, time.UTC),
	}
	if headline != "" {
		in.Story = story(headline)
		in.Story.Lang = "ru"
	}
	return in
}
