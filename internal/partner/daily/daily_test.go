package daily

import (
	"context"
	"crypto/ed25519"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/ledger"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

var noon = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// book is a ledger of our own, with a clock that a test moves.
type book struct {
	t   *testing.T
	db  *store.DB
	l   *ledger.Service
	id  ledger.ID
	now time.Time
}

func newBook(t *testing.T) *book {
	b := &book{t: t, id: ledger.ID(protocol.NewID()), now: noon}
	var err error
	b.db, err = store.Open(context.Background(), store.Options{
		URL: "sqlite:" + filepath.Join(t.TempDir(), "d.db"), Migrations: []store.Migration{content.Migrations(), ledger.Migrations()},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { b.db.Close() })
	key := ed25519.NewKeyFromSeed(make([]byte, ed25519.SeedSize))
	b.l = ledger.New(b.db, func() time.Time { return b.now }, func() ed25519.PrivateKey { return key })
	b.write(func(tx *store.Tx) error {
		return b.l.Create(tx, ledger.Info{ID: b.id, Own: true, Owner: "me", Agreement: "a", Origin: protocol.Origin("north.example", string(b.id))})
	})
	return b
}

func (b *book) write(fn func(tx *store.Tx) error) {
	b.t.Helper()
	if err := b.db.Write(context.Background(), fn); err != nil {
		b.t.Fatal(err)
	}
}

// say appends a record with a content of so many bytes and counts it.
func (b *book) say(tx *store.Tx, c *Counter, kind string, bytes int) error {
	day, err := c.Of(tx, b.id, -1, time.UTC)
	if err != nil {
		return err
	}
	text := make([]byte, bytes)
	id, err := content.Put(tx, "text/plain", "", text)
	if err != nil {
		return err
	}
	pos, err := b.l.Append(tx, b.id, ledger.Draft{Type: kind, Contents: []ledger.Content{{ID: id, Bytes: text, Type: "text/plain"}}})
	if err == nil && kind == "item.release" {
		day.Add(tx, pos.Time, protocol.ToldSize(len(text)))
	}
	return err
}

func (b *book) counter() *Counter {
	return New(func() time.Time { return b.now }, func(r protocol.Record) bool { return r.Type == "item.release" }, func(first protocol.Record) ledger.ID {
		if first.Type != "ledger.epoch" {
			return ""
		}
		return ledger.ID(first.About)
	})
}

func (b *book) counts(c *Counter) (got terms.Counts) {
	b.t.Helper()
	b.write(func(tx *store.Tx) error {
		d, err := c.Of(tx, b.id, -1, time.UTC)
		if err == nil {
			got = d.Counts()
		}
		return err
	})
	return got
}

// What is counted while it is said is what the records tell after a start, and after a transaction that was undone.
func TestCountedAlike(t *testing.T) {
	b := newBook(t)
	c := b.counter()
	steps := []struct {
		after time.Duration
		kind  string
		bytes int
		want  terms.Counts
	}{
		{0, "item.release", 1, terms.Counts{Records: 1, Bytes: 1024}},
		{time.Hour, "item.release", 1025, terms.Counts{Records: 2, Bytes: 3072}},
		{0, "agreement.adopt", 5000, terms.Counts{Records: 2, Bytes: 3072}},
		{11*time.Hour + 30*time.Second, "item.release", 1024, terms.Counts{Records: 1, Bytes: 1024}}, // the next day
		{-time.Minute, "item.release", 0, terms.Counts{Records: 2, Bytes: 1024}},                     // the clock went back: the ledger's time does not
	}
	undone := errors.New("test: undone")
	for i, s := range steps {
		b.now = b.now.Add(s.after)
		err := b.db.Write(context.Background(), func(tx *store.Tx) error {
			return errors.Join(b.say(tx, c, "item.release", 9), b.say(tx, c, "item.release", 9), undone)
		})
		if !errors.Is(err, undone) {
			t.Fatal(err)
		}
		b.write(func(tx *store.Tx) error { return b.say(tx, c, s.kind, s.bytes) })
		if got := b.counts(c); got != s.want {
			t.Errorf("step %d: counted %+v, want %+v", i, got, s.want)
		}
		if got := b.counts(b.counter()); got != s.want {
			t.Errorf("step %d: after a start %+v, want %+v", i, got, s.want)
		}
	}
}

// A ledger that goes on from another one counts together with it, and with what that one goes on from. One of another agreement does
// not count, and ledgers that name each other end.
func TestGoesOn(t *testing.T) {
	b := newBook(t)
	c := b.counter()
	release := func() {
		t.Helper()
		b.write(func(tx *store.Tx) error { return b.say(tx, c, "item.release", 1) })
	}
	// goOn begins the next ledger.
	goOn := func(agreement string, from ledger.ID) {
		t.Helper()
		b.id = ledger.ID(protocol.NewID())
		b.write(func(tx *store.Tx) error {
			err := b.l.Create(tx, ledger.Info{ID: b.id, Own: true, Owner: "me", Agreement: agreement, Origin: protocol.Origin("north.example", string(b.id))})
			if err != nil {
				return err
			}
			if from == "itself" {
				from = b.id
			}
			_, err = b.l.Append(tx, b.id, ledger.Draft{Type: "ledger.epoch", About: string(from)})
			return err
		})
	}
	want := func(records int64) {
		t.Helper()
		for _, x := range []*Counter{c, b.counter()} {
			if got := b.counts(x); got.Records != records || got.Bytes != records*1024 {
				t.Errorf("counted %+v, want %d records", got, records)
			}
		}
	}
	release()
	b.now = b.now.AddDate(0, 0, 1)
	release()
	release()
	goOn("a", b.id)
	want(2)
	release()
	want(3)
	goOn("a", b.id)
	release()
	want(4)
	last := b.id
	goOn("other", last)
	release()
	want(1)
	goOn("a", "itself")
	release()
	want(1)
	goOn("a", ledger.ID(protocol.NewID()))
	release()
	want(1)
	goOn("a", last)
	b.now = b.now.AddDate(0, 0, 1)
	release()
	want(1)
}

// A time that is far ahead counts as today, one that goes back counts for the day that it is, and With changes nothing.
func TestDays(t *testing.T) {
	c := New(func() time.Time { return noon }, nil, nil)
	d := &Day{c: c, zone: time.UTC}
	for _, at := range []time.Time{noon, noon.AddDate(0, 0, -1), noon.AddDate(0, 0, 1), noon.AddDate(2, 0, 0), noon.Add(time.Minute)} {
		d.add(d.of(at), 10)
	}
	if want := (terms.Counts{Records: 5, Bytes: 50}); d.Counts() != want {
		t.Errorf("%+v, want %+v", d.Counts(), want)
	}
	if got, want := d.With(noon, 1), (terms.Counts{Records: 6, Bytes: 51}); got != want || d.Counts().Records != 5 {
		t.Errorf("with one more: %+v, want %+v; kept %+v", got, want, d.Counts())
	}
	d.c = New(func() time.Time { return noon.AddDate(0, 0, 1) }, nil, nil)
	if got, want := d.With(noon.AddDate(0, 0, 1), 1), (terms.Counts{Records: 1, Bytes: 1}); got != want {
		t.Errorf("on the next day: %+v, want %+v", got, want)
	}
}

// The days are those of the agreement's zone.
func TestZone(t *testing.T) {
	tehran, err := time.LoadLocation("Asia/Tehran")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 24, 20, 29, 0, 0, time.UTC) // 23:59 there
	c := New(func() time.Time { return at.Add(time.Hour) }, nil, nil)
	d := &Day{c: c, zone: tehran}
	d.add(d.of(at), 1)
	if got := d.With(at.Add(time.Minute), 1).Records; got != 1 {
		t.Errorf("%d records after midnight, want 1", got)
	}
}
