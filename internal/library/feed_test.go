package library

import (
	"context"
	"errors"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

func TestWhatALineSays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		first := incoming("1", 1, news.First, "A")
		d.receive(t, first)
		second := incoming("1", 2, news.Correction, "B")
		second.Released = first.Released.Add(time.Hour)
		second.Story.Embargo, second.Story.Note = start.Add(time.Hour), "The name was wrong."
		d.receive(t, second)
		other := first
		other.Ledger, other.Agreement, other.Seq = "ledger-0", "agr-0", 7
		d.receive(t, other)
		lines, err := d.Feed(ctx, 0, 0)
		if err != nil || len(lines) != 2 {
			t.Fatalf("%+v %v", lines, err)
		}
		ways := []Way{{1, "agr-0", "ledger-0", 7}, {1, "agr-1", "ledger-1", 1}, {2, "agr-1", "ledger-1", 2}}
		for i, want := range []FeedEntry{
			{Version: 1, Class: news.First, Released: first.Released, Headline: "A"},
			{Version: 2, Class: news.Correction, Released: second.Released, Headline: "B", Current: true, Embargo: second.Story.Embargo, Note: second.Story.Note},
		} {
			got := lines[i]
			if got.Story.Headline != want.Headline {
				t.Errorf("line %d has the story %q", i, got.Story.Headline)
			}
			want.Cursor, want.Story, want.Item, want.Origin, want.State = got.Cursor, got.Story, first.Item, soren, news.Usable
			want.Agreements, want.Ways, want.FirstReleased = lines[0].Agreements, ways, first.Released
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("line %d: %s", i, diff)
			}
		}
		entry, err := d.Entry(ctx, first.Item)
		if diff := cmp.Diff(lines[1], entry); err != nil || diff != "" {
			t.Errorf("entry: %v %s", err, diff)
		}
		if _, err := d.Entry(ctx, "newspool://soren.example/item/none"); !fault.Is(err, fault.NotFound) {
			t.Errorf("no entry: %v", err)
		}
	})
}

func TestTell(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		a, b := incoming("a", 1, news.First, "A"), incoming("b", 1, news.First, "B")
		d.receive(t, a)
		d.receive(t, b)
		lines, err := d.Feed(ctx, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		rows := headlines(d.wire(t, Filter{}))
		end := lines[1].Cursor
		var drafted Accepted
		d.tx(t, func(tx *store.Tx) (err error) {
			if drafted, err = d.AcceptTx(tx, draft("s1", "Draft"), false); err != nil {
				return err
			}
			for _, id := range []news.ItemID{a.Item, drafted.Item, "newspool://soren.example/item/none"} {
				if err := d.Tell(tx, id); err != nil {
					return err
				}
			}
			return nil
		})
		lines, err = d.Feed(ctx, end, 0)
		if err != nil || len(lines) != 1 || lines[0].Item != a.Item || lines[0].Story.Headline != "A" {
			t.Errorf("%+v %v", lines, err)
		}
		if got := headlines(d.wire(t, Filter{Received: true})); got != rows {
			t.Errorf("the wire was %s, and is %s", rows, got)
		}
		last, err := d.LastLine(ctx)
		if err != nil || last < lines[0].Cursor {
			t.Errorf("last line %d %v", last, err)
		}
		if e, err := d.Entry(ctx, drafted.Item); err != nil || e.Cursor != 0 || e.State != news.Unreleased {
			t.Errorf("%+v %v", e, err)
		}
		checkFacets(t, d)
	})
}

func TestAcceptWith(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		no := errors.New("no")
		if _, err := d.AcceptWith(ctx, draft("s1", "A"), true, func(*store.Tx, Accepted) error { return no }); !errors.Is(err, no) {
			t.Errorf("%v", err)
		}
		if rows := d.wire(t, Filter{}); len(rows) != 0 {
			t.Errorf("%+v", rows)
		}
		var told Accepted
		acc, err := d.AcceptWith(ctx, draft("s1", "A"), false, func(_ *store.Tx, a Accepted) error { told = a; return nil })
		if err != nil || told != acc || acc.Duplicate || d.item(t, acc.Item).State != news.Unreleased {
			t.Errorf("%+v %+v %v", acc, told, err)
		}
	})
}

// TestChanged follows the changes of the wire as an open page does: each row once, as it is now, wherever it stands.
func TestChanged(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		told := int64(0)
		changed := func(limit int) string {
			t.Helper()
			changes, err := d.Changed(ctx, told, limit)
			if err != nil {
				t.Fatal(err)
			}
			var rows []Row
			for _, c := range changes {
				if c.Line <= told || c.Line < c.N {
					t.Errorf("%s has line %d after %d, and number %d", c.Headline, c.Line, told, c.N)
				}
				told = c.Line
				rows = append(rows, c.Row)
			}
			return headlines(rows)
		}
		says := func(what, want string) {
			t.Helper()
			if got := changed(0); got != want {
				t.Errorf("%s: %s, want %s", what, got, want)
			}
		}
		drafted := func(headline string) news.ItemID {
			var a Accepted
			d.tx(t, func(tx *store.Tx) (err error) {
				a, err = d.AcceptTx(tx, draft("own", headline), false)
				return err
			})
			return a.Item
		}
		old := incoming("old", 1, news.First, "Old")
		d.receive(t, old)
		own := drafted("Draft")
		for i := range 50 {
			d.receive(t, incoming(strconv.Itoa(i), 1, news.First, "N"))
		}
		if first := changed(2); first != "Old/1 usable; Draft/1 draft" {
			t.Errorf("the first two: %s", first)
		}
		if n := strings.Count(changed(200), "N/1"); n != 50 {
			t.Errorf("%d more", n)
		}
		says("nothing", "")
		drafted("Draft again")
		says("a draft that was written on", "Draft again/2 draft")
		if _, err := d.Release(ctx, own, "p1"); err != nil {
			t.Fatal(err)
		}
		says("a draft that was released", "Draft again/2 usable")
		d.tx(t, func(tx *store.Tx) error { return d.CloseForUse(tx, old.Item, Why{}) })
		says("an old item that was closed", "Old/1 closed")
		d.tx(t, func(tx *store.Tx) error { return d.SetState(tx, old.Item, news.Usable, Why{}) })
		d.receive(t, incoming("old", 2, news.Correction, "Old corrected"))
		says("two changes at once", "Old corrected/2 usable")
		d.receive(t, incoming("old", 3, news.Withdrawal, ""))
		says("a withdrawal", "Old corrected/3 withdrawn")
		again := incoming("7", 1, news.First, "N")
		again.Ledger, again.Agreement = "ledger-2", "agr-2"
		d.receive(t, again)
		says("another way to the same", "")
		if last, err := d.LastLine(ctx); err != nil || last != told {
			t.Errorf("the last line is %d, and %d was told: %v", last, told, err)
		}
	})
}

// A copy of the database that is put back gives no number again that it gave before: a reader of the feed misses nothing.
func TestNumbersAfterRestore(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		var last int64
		for n := range 3 {
			if err := d.Begin(ctx); err != nil {
				t.Fatal(err)
			}
			if _, err := d.Accept(ctx, news.Draft{Story: story("story " + strconv.Itoa(n))}); err != nil {
				t.Fatal(err)
			}
			now, err := d.LastLine(ctx)
			if err != nil || now <= last {
				t.Errorf("a line got the number %d after %d (%v)", now, last, err)
			}
			last = now
			if err := d.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(updateCounter, 5) }); err != nil { // as an older copy has it
				t.Fatal(err)
			}
			d.at = d.at.Add(time.Second)
		}
		rows, err := d.Wire(ctx, Filter{}, 0, 10)
		if err != nil || len(rows) != 3 || rows[0].Headline != "story 2" {
			t.Errorf("%+v %v", rows, err)
		}
	})
}
