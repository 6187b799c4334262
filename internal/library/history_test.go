package library

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"newspool/internal/bitmap"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// tester is what testing.TB and rapid.T have in common here.
type tester interface {
	Helper()
	Errorf(string, ...any)
	Fatalf(string, ...any)
	Fatal(...any)
}

// has says plainly whether a row is chosen by a filter.
func has(r Row, f Filter, day string) bool {
	lang := strings.ToLower(string(r.Lang))
	subject := f.Subject == ""
	for _, s := range r.Subjects {
		subject = subject || s.Code == f.Subject || slices.Contains(ancestors(s.Code), f.Subject)
	}
	want := strings.ToLower(string(f.Lang))
	return subject && (f.Origin == "" || f.Origin == r.Origin) &&
		(f.Agreement == "" || slices.Contains(r.Agreements, f.Agreement)) &&
		(want == "" || lang == want || strings.HasPrefix(lang, want+"-")) &&
		(f.Type == "" || f.Type == r.Type) && (f.State == "" || f.State == r.State) &&
		(f.Urgency == 0 || f.Urgency == r.Urgency) && (f.Day == "" || f.Day == day) &&
		(f.Own == f.Received || f.Own == r.Own)
}

// filterOf is the filter that a facet stands for.
func filterOf(facet string) Filter {
	kind, value, _ := strings.Cut(facet, ":")
	switch kind {
	case "o":
		return Filter{Origin: news.Root(value)}
	case "a":
		return Filter{Agreement: terms.AgreementID(value)}
	case "l":
		return Filter{Lang: news.Lang(value)}
	case "t":
		return Filter{Type: news.ItemType(value)}
	case "s":
		return Filter{Subject: value}
	case "st":
		return Filter{State: news.State(value)}
	case "u":
		return Filter{Urgency: news.Urgency(value[0] - '0')}
	case "d":
		return Filter{Day: value}
	case "own":
		return Filter{Own: true}
	case "in":
		return Filter{Received: true}
	}
	return Filter{}
}

func allRows(t tester, d *desk) []Row {
	t.Helper()
	var out []Row
	err := d.db.Read(context.Background(), func(r store.Reader) (err error) {
		out, err = queryRows(r, `SELECT `+itemColumns+` FROM item i WHERE i.n > 0 ORDER BY i.n DESC`)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// dump gives tables as text.
func dump(t tester, d *desk, tables ...string) string {
	t.Helper()
	var b strings.Builder
	err := d.db.Read(context.Background(), func(r store.Reader) error {
		for _, table := range tables {
			if table == "item" {
				rows, err := readItems(r, "")
				if err != nil {
					return err
				}
				for _, it := range rows {
					fmt.Fprintln(&b, it.values()...)
				}
				continue
			}
			columns := map[string]string{"facet": "facet, block, bits", "facet_total": "facet, n, ''"}[table]
			rows, err := r.Query(`SELECT ` + columns + ` FROM ` + table + ` ORDER BY 1, 2`)
			if err != nil {
				return err
			}
			for rows.Next() {
				var f string
				var n int64
				var raw []byte
				if err := rows.Scan(&f, &n, &raw); err != nil {
					return err
				}
				fmt.Fprintf(&b, "%s %d %x\n", f, n, raw)
			}
			if err := rows.Err(); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// checkFacets compares the stored facets with a plain look at the rows.
func checkFacets(t tester, d *desk) {
	t.Helper()
	rows := allRows(t, d)
	want := make(map[string][]int64)
	seen := make(map[string]bool)
	for _, r := range rows {
		for _, f := range d.facets(&item{Row: r}) {
			seen[f] = true
		}
	}
	for f := range seen {
		for _, r := range rows {
			if has(r, filterOf(f), r.Arrived.In(d.o.Zone).Format("2006-01-02")) {
				want[f] = append(want[f], r.N)
			}
		}
	}
	got := make(map[string][]int64)
	totals := make(map[string]int64)
	err := d.db.Read(context.Background(), func(r store.Reader) error {
		q, err := r.Query(`SELECT facet, block, bits FROM facet ORDER BY block DESC`)
		if err != nil {
			return err
		}
		defer q.Close()
		for q.Next() {
			var f string
			var no int64
			var raw []byte
			var m bitmap.Block
			if err := errors.Join(q.Scan(&f, &no, &raw), m.Decode(raw)); err != nil {
				return err
			}
			m.Down(func(i int) bool { got[f] = append(got[f], no*bitmap.Size+int64(i)); return true })
		}
		if q, err = r.Query(selectAllTotals); err != nil {
			return err
		}
		totals, err = readTotals(q)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("facets (-rows +stored): %s", diff)
	}
	for f, ns := range want {
		if totals[f] != int64(len(ns)) {
			t.Errorf("total of %s is %d, not %d", f, totals[f], len(ns))
		}
	}
	if len(totals) != len(want) {
		t.Errorf("%d totals, %d facets", len(totals), len(want))
	}
}

func TestRandomHistories(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		rapid.Check(t, func(rt *rapid.T) { randomHistory(rt, d) })
	})
}

func randomHistory(rt *rapid.T, d *desk) {
	ctx := context.Background()
	d.clear(rt, bitmap.Size-15) // numbers go over the edge of a block
	d.at = start
	m := &model{items: make(map[news.ItemID]*modelItem), drafts: make(map[string]news.ItemID)}
	rounds := rapid.IntRange(1, 5).Draw(rt, "rounds")
	for range rounds {
		var wg sync.WaitGroup
		d.at = d.at.Add(time.Duration(rapid.IntRange(0, 12).Draw(rt, "hours")) * time.Hour)
		d.lose.Store(rapid.IntRange(0, 3).Draw(rt, "lose") == 0)
		for range rapid.IntRange(1, 4).Draw(rt, "closures") {
			ops := rapid.SliceOfN(rapid.Custom(drawOp), 1, 6).Draw(rt, "ops")
			fail := rapid.IntRange(0, 3).Draw(rt, "fail") == 0
			wg.Go(func() { history(ctx, rt, d, m, ops, fail) })
		}
		wg.Wait()
		d.lose.Store(false)
		if rt.Failed() {
			return
		}
		checkFacets(rt, d)
		if diff := gocmp.Diff(m.lines(), lines(allRows(rt, d))); diff != "" {
			rt.Fatalf("wire (-model +library): %s", diff)
		}
	}
	checkFilters(rt, d)
	checkFeed(rt, d)
	before := dump(rt, d, "item", "facet", "facet_total")
	if err := d.Rebuild(ctx, nil); err != nil {
		rt.Fatal(err)
	}
	if diff := gocmp.Diff(before, dump(rt, d, "item", "facet", "facet_total")); diff != "" {
		rt.Fatalf("rebuilt (-before +after): %s", diff)
	}
}

var errOnPurpose = errors.New("on purpose")

// history is one closure of a group: its ops happen to library and model, or to neither.
func history(ctx context.Context, rt *rapid.T, d *desk, m *model, ops []op, fail bool) {
	err := d.db.Write(ctx, func(tx *store.Tx) error {
		before := m.clone()
		tx.OnUndo(func() { *m = *before })
		if ops[0].flag {
			if err := d.Expect(tx, []news.ItemID{incoming("0", 1, "", "").Item, incoming("1", 1, "", "").Item}); err != nil {
				return err
			}
		}
		for _, o := range ops {
			if err := o.run(tx, d, m); err != nil {
				return fmt.Errorf("%+v: %w", o, err)
			}
		}
		if fail {
			return errOnPurpose
		}
		return nil
	})
	if fail != errors.Is(err, errOnPurpose) && !fault.Is(err, fault.Unavailable) { // a commit that was lost undoes it as well
		rt.Errorf("write: %v", err)
	}
}

// checkFilters pages through filters of all kinds and compares with a plain look at the rows.
func checkFilters(rt *rapid.T, d *desk) {
	ctx := context.Background()
	rows := allRows(rt, d)
	for range 6 {
		f := Filter{
			Origin: rapid.SampledFrom([]news.Root{"", "", north, soren, avand}).Draw(rt, "origin"), Agreement: rapid.SampledFrom([]terms.AgreementID{"", "", "agr-0", "agr-1"}).Draw(rt, "agreement"),
			Lang:    rapid.SampledFrom([]news.Lang{"", "", "en", "en-GB", "fa"}).Draw(rt, "lang"),
			Type:    rapid.SampledFrom([]news.ItemType{"", "", news.Text, news.Picture}).Draw(rt, "type"),
			Subject: rapid.SampledFrom([]string{"", "", "medtop:1", "medtop:1.2.3", "x:y"}).Draw(rt, "subject"),
			State:   rapid.SampledFrom([]news.State{"", "", news.Usable, news.Withdrawn, news.Unreleased}).Draw(rt, "state"),
			Day:     rapid.SampledFrom([]string{"", "2026-11-24", "2026-11-25"}).Draw(rt, "day"),
			Urgency: rapid.SampledFrom([]news.Urgency{0, 0, 1}).Draw(rt, "urgency"),
			Own:     rapid.Bool().Draw(rt, "own"), Received: rapid.Bool().Draw(rt, "received"),
		}
		var want, got []Row
		for _, r := range rows {
			if has(r, f, r.Arrived.In(d.o.Zone).Format("2006-01-02")) {
				want = append(want, r)
			}
		}
		for before := int64(0); ; {
			page, err := d.Wire(ctx, f, before, 3)
			if err != nil {
				rt.Fatal(err)
			}
			got = append(got, page...)
			if len(page) < 3 {
				break
			}
			before = page[2].N
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			rt.Fatalf("%+v (-want +got): %s", f, diff)
		}
		after := int64(rapid.IntRange(4075, 4120).Draw(rt, "after"))
		n, last := int64(0), after
		for _, r := range want {
			if r.N > after {
				n++
				last = max(last, r.N)
			}
		}
		if gotN, gotLast, err := d.NewSince(ctx, f, after); err != nil || gotN != n || gotLast != last {
			rt.Fatalf("%+v since %d: %d, %d, %v; want %d, %d", f, after, gotN, gotLast, err, n, last)
		}
	}
}

// checkFeed follows the feed and compares what it says last of each item with the wire.
func checkFeed(rt *rapid.T, d *desk) {
	last := make(map[news.ItemID]FeedEntry)
	for cursor := int64(0); ; {
		page, err := d.Feed(context.Background(), cursor, 2)
		if err != nil {
			rt.Fatal(err)
		}
		for _, e := range page {
			if e.Cursor <= cursor {
				rt.Fatalf("cursor %d after %d", e.Cursor, cursor)
			}
			cursor = e.Cursor
			if (e.State == news.Usable) != (e.Story.Headline != "") || e.Withdrawn && e.State != news.Withdrawn {
				rt.Fatalf("line %+v", e)
			}
			last[e.Item] = e
		}
		if len(page) < 2 {
			break
		}
	}
	for _, r := range allRows(rt, d) {
		e, found := last[r.Item]
		if out := !r.Own || !r.Released.IsZero(); found != out && !(r.Own && r.State == news.Withdrawn) {
			rt.Fatalf("%+v: line %+v, %v", r, e, found)
		}
		if found && (e.State != r.State || !e.Withdrawn && e.Version != r.Version) {
			rt.Fatalf("the feed ends with %+v, the wire has %+v", e, r)
		}
	}
}

// Whoever calls the library in a BeforeCommit of its own is not forgotten.
func TestChangesJustBeforeTheCommit(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.accept(t, draft("s1", "A"))
		carried := func(tx *store.Tx, agreement terms.AgreementID) error {
			return d.Carried(tx, a.Item, 1, agreement, string(agreement), 1)
		}
		d.tx(t, func(tx *store.Tx) error {
			if err := carried(tx, "agr-1"); err != nil {
				return err
			}
			tx.BeforeCommit("late", func() error { return carried(tx, "agr-2") })
			return nil
		})
		checkFacets(t, d)
		if got := headlines(d.wire(t, Filter{Agreement: "agr-2"})); got != "A/1 usable" {
			t.Errorf("agr-2: %s", got)
		}
	})
}
