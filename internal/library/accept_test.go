package library

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	gocmp "github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// What stands first is released first, and what is refused leaves the others where they are.
func TestAcceptAllKeepsTheOrder(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		var all []news.Draft
		for n := range 100 {
			all = append(all, draft(fmt.Sprintf("s%d", n), fmt.Sprintf("H%d", n)))
		}
		all[7].Class = news.Withdrawal
		all[9].Problems = []news.Problem{{Key: "ingest.empty", Fatal: true}}
		var want, got []string
		for i, o := range d.AcceptAll(t.Context(), all) {
			switch {
			case i == 7 && fault.Is(o.Err, fault.NotFound), i == 9 && fault.Is(o.Err, fault.Invalid):
			case o.Err != nil || o.Version != 1 || o.Item == "":
				t.Fatalf("%d: %+v", i, o)
			default:
				want = append(want, all[i].Headline)
			}
		}
		for _, v := range d.out {
			got = append(got, v.Story.Headline)
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
	})
}

// What its source holds back waits, and goes out when the source says so; what was out is withdrawn.
func TestHeldByItsSource(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		with := func(class news.Class, held bool) news.Draft {
			dr := draft("s1", "A")
			dr.Version, dr.Class, dr.Held = "1", class, held
			return dr
		}
		for i, s := range []struct {
			draft     news.Draft
			state     news.State
			duplicate bool
			out       int
		}{
			{with(news.Withdrawal, true), news.Unreleased, false, 0},
			{with(news.Withdrawal, true), news.Unreleased, true, 0},
			{with("", true), news.Unreleased, true, 0},
			{with("", false), news.Usable, false, 1},
			{with("", false), news.Usable, true, 1},
			{with("", true), news.Usable, false, 1},
			{with(news.Withdrawal, true), news.Withdrawn, false, 2},
		} {
			got, err := d.Accept(t.Context(), s.draft)
			if err != nil {
				t.Fatal(i, err)
			}
			if it, err := d.Item(t.Context(), got.Item); err != nil || it.State != s.state || got.Duplicate != s.duplicate || len(d.out) != s.out {
				t.Errorf("step %d: %s %+v, %d went out, %v", i, it.State, got, len(d.out), err)
			}
		}
		nothing := with(news.Withdrawal, true)
		nothing.SourceID, nothing.Headline = "s2", ""
		if _, err := d.Accept(t.Context(), nothing); fault.Of(err).Key != "library.unknown" {
			t.Error(err)
		}
	})
}

func TestAcceptMakesVersions(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		later := func(dr news.Draft, at time.Duration) news.Draft { dr.Written = d.at.Add(at); return dr }
		version := func(dr news.Draft, v string) news.Draft { dr.Version = v; return dr }
		class := func(dr news.Draft, c news.Class) news.Draft { dr.Class = c; return dr }
		steps := []struct {
			name      string
			draft     news.Draft
			version   int
			duplicate bool
			class     news.Class
			fault     fault.Kind
		}{
			{"first", version(later(draft("s1", "A"), 0), "1"), 1, false, news.First, ""},
			{"the same again", version(later(draft("s1", "A"), 0), "1"), 1, true, "", ""},
			{"the same story, touched", version(later(draft("s1", "A"), time.Hour), "2"), 1, true, "", ""},
			{"another story", version(later(draft("s1", "B"), time.Hour), "3"), 2, false, news.Update, ""},
			{"a version that came before", version(later(draft("s1", "C"), 0), "3"), 2, true, "", ""},
			{"an older version", version(later(draft("s1", "C"), 2*time.Hour), "2"), 2, true, "", ""},
			{"the same version, written later", version(later(draft("s1", "C"), 2*time.Hour), "3"), 3, false, news.Update, ""},
			{"a correction", class(draft("s1", "D"), news.Correction), 4, false, news.Correction, ""},
			{"back to an older story", draft("s1", "B"), 5, false, news.Update, ""},
			{"a withdrawal", class(draft("s1", ""), news.Withdrawal), 6, false, news.Withdrawal, ""},
			{"the withdrawal again", class(draft("s1", ""), news.Withdrawal), 6, true, "", ""},
			{"the last story again", draft("s1", "B"), 5, true, "", ""},
			{"a story after the withdrawal", draft("s1", "E"), 0, false, "", fault.Gone},
			{"a withdrawal of nothing", class(draft("s2", ""), news.Withdrawal), 0, false, "", fault.NotFound},
			{"a correction of nothing is a first version", class(draft("s3", "F"), news.Correction), 1, false, news.First, ""},
		}
		for _, s := range steps {
			d.out = nil
			d.at = d.at.Add(time.Second)
			a, err := d.Accept(context.Background(), s.draft)
			if s.fault != "" {
				if !fault.Is(err, s.fault) {
					t.Errorf("%s: %v, want %s", s.name, err, s.fault)
				}
				continue
			}
			if err != nil || a.Version != s.version || a.Duplicate != s.duplicate {
				t.Errorf("%s: %+v, %v", s.name, a, err)
			}
			if s.duplicate != (len(d.out) == 0) {
				t.Errorf("%s: %d versions went out", s.name, len(d.out))
			}
			if len(d.out) == 1 && (d.out[0].Class != s.class || d.out[0].Number != s.version || d.out[0].First != (s.version == 1)) {
				t.Errorf("%s: went out as %+v", s.name, d.out[0])
			}
		}
		if got := headlines(d.wire(t, Filter{})); got != "F/1 usable; B/6 withdrawn" {
			t.Errorf("wire: %s", got)
		}
	})
}

func TestVersionGoesOutAsKept(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		a := d.accept(t, draft("s1", "A"))
		v := d.out[0]
		if !bytes.Equal(v.Content, plainCodec{}.Write(story("A"), Meta{URI: a.Item, Version: 1, Class: news.First, Released: d.at})) {
			t.Errorf("content %s", v.Content)
		}
		s, err := d.Version(context.Background(), a.Item, 1)
		if err != nil || s.Body != story("A").Body {
			t.Errorf("version: %+v, %v", s, err)
		}
		d.refuse = errors.New("no")
		if _, err := d.Accept(context.Background(), draft("s1", "B")); !errors.Is(err, d.refuse) {
			t.Errorf("refused version: %v", err)
		}
		if got := headlines(d.wire(t, Filter{})); got != "A/1 usable" {
			t.Errorf("wire: %s", got)
		}
	})
}

func TestDraftsWait(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		var a Accepted
		hold := func(dr news.Draft) {
			t.Helper()
			d.at = d.at.Add(time.Second)
			d.tx(t, func(tx *store.Tx) (err error) { a, err = d.AcceptTx(tx, dr, false); return err })
		}
		feed := func() int {
			t.Helper()
			lines, err := d.Feed(ctx, 0, 0)
			if err != nil {
				t.Fatal(err)
			}
			return len(lines)
		}
		hold(draft("s1", "A"))
		hold(draft("s1", "B"))
		if got := headlines(d.wire(t, Filter{State: news.Unreleased})); got != "B/2 draft" || len(d.out) != 0 || feed() != 0 {
			t.Errorf("held: %s, %d out, %d lines", got, len(d.out), feed())
		}
		r, err := d.Release(ctx, a.Item, "p1")
		if err != nil || r.Version != 2 || len(d.out) != 1 || d.out[0].Class != news.First || !d.out[0].First || d.out[0].By != "p1" {
			t.Fatalf("released %+v, %v, out %+v", r, err, d.out)
		}
		if r, err = d.Release(ctx, a.Item, "p1"); err != nil || !r.Duplicate || len(d.out) != 1 {
			t.Errorf("released again %+v, %v", r, err)
		}
		hold(draft("s1", "C"))
		if got := headlines(d.wire(t, Filter{})); got != "B/2 usable" || feed() != 1 {
			t.Errorf("an update waits: %s", got)
		}
		if r, err = d.Release(ctx, a.Item, "p1"); err != nil || r.Version != 3 || d.out[1].Class != news.Update || d.out[1].First {
			t.Errorf("released update %+v, %v", r, err)
		}
		it := d.item(t, a.Item)
		if got := headlines([]Row{it.Row}); got != "C/3 usable" || it.Versions != 3 || len(it.History) != 3 || feed() != 2 ||
			it.History[0].State != news.Unreleased || it.SourceID != "s1" {
			t.Errorf("at the end: %s, %+v", got, it)
		}
		hold(draft("s2", "X"))
		if _, err := d.Withdraw(ctx, a.Item, "wrong", "p1"); err != nil || len(d.out) != 2 {
			t.Errorf("withdrawn draft: %v, %d out", err, len(d.out))
		}
		if got := headlines(d.wire(t, Filter{})); got != "X/2 withdrawn; C/3 usable" || feed() != 2 {
			t.Errorf("wire: %s, %d lines", got, feed())
		}
	})
}

func TestCorrectAndWithdraw(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		a := d.accept(t, draft("s1", "A"))
		c, err := d.Correct(ctx, a.Item, news.Draft{Story: story("B")}, "the name was wrong", "p1")
		if err != nil || c.Version != 2 || d.out[1].Class != news.Correction || d.out[1].Story.Note != "the name was wrong" {
			t.Fatalf("corrected %+v, %v, %+v", c, err, d.out)
		}
		if c, err = d.Correct(ctx, a.Item, news.Draft{Story: d.out[1].Story}, "", "p1"); err != nil || !c.Duplicate {
			t.Errorf("corrected to the same: %+v, %v", c, err)
		}
		if c := d.accept(t, draft("s1", "A")); !c.Duplicate {
			t.Errorf("the source undid a correction: %+v", c)
		}
		w, err := d.Withdraw(ctx, a.Item, "it is not true", "p1")
		if err != nil || w.Version != 3 || d.out[2].Class != news.Withdrawal || d.out[2].Story.Note != "it is not true" || d.out[2].Story.Body != "" {
			t.Fatalf("withdrawn %+v, %v, %+v", w, err, d.out)
		}
		if w, err = d.Withdraw(ctx, a.Item, "again", "p1"); err != nil || !w.Duplicate {
			t.Errorf("withdrawn again %+v, %v", w, err)
		}
		if _, err := d.Correct(ctx, a.Item, news.Draft{Story: story("C")}, "", "p1"); !fault.Is(err, fault.Gone) {
			t.Errorf("corrected after: %v", err)
		}
		if _, err := d.Release(ctx, a.Item, "p1"); !fault.Is(err, fault.Gone) {
			t.Errorf("released after: %v", err)
		}
		if s, err := d.Version(ctx, a.Item, 2); err != nil || s.Headline != "B" {
			t.Errorf("our own text after the withdrawal: %+v, %v", s, err)
		}
		d.receive(t, incoming("r1", 1, news.First, "R"))
		id := incoming("r1", 1, news.First, "").Item
		if _, err := d.Correct(ctx, id, news.Draft{Story: story("C")}, "", "p1"); !fault.Is(err, fault.Denied) {
			t.Errorf("corrected a partner's item: %v", err)
		}
		if _, err := d.Withdraw(ctx, "newspool://north.example/item/none", "", "p1"); !fault.Is(err, fault.NotFound) {
			t.Errorf("withdrew nothing: %v", err)
		}
	})
}

func TestDraftThatCannotBeTaken(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		bad := draft("s1", "A")
		bad.Problems = []news.Problem{{Key: "ingest.warning"}, {Key: "ingest.no_text", Fatal: true}}
		if _, err := d.Accept(context.Background(), bad); !fault.Is(err, fault.Invalid) || fault.Of(err).Key != "ingest.no_text" {
			t.Errorf("fatal problem: %v", err)
		}
		large := draft("s1", "A")
		large.Body = strings.Repeat("x", 1<<20)
		if _, err := d.Accept(context.Background(), large); !fault.Is(err, fault.TooLarge) {
			t.Errorf("too large: %v", err)
		}
		odd := draft("s1", "A\x00B\xff"+strings.Repeat("é", 500))
		odd.SourceID, odd.Urgency = "s\x00", 77
		d.accept(t, odd)
		r := d.wire(t, Filter{})[0]
		if !strings.HasPrefix(r.Headline, "A\uFFFDB\uFFFD") || len([]rune(r.Headline)) != maxHeadline || r.Urgency != 0 {
			t.Errorf("odd row: %+v", r)
		}
	})
}

func TestOriginals(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		noise := make([]byte, 100<<10)
		if _, err := rand.Read(noise); err != nil {
			t.Fatal(err)
		}
		for name, raw := range map[string][]byte{"small": []byte("{}"), "large": noise, "large, but plain": make([]byte, 1<<20)} {
			dr := draft(name, name)
			dr.Original, dr.Format = raw, "application/ninjs+json"
			a := d.accept(t, dr)
			got, format, err := d.Original(ctx, a.Item, 1)
			if err != nil || format != "application/ninjs+json" || !bytes.Equal(got, raw) {
				t.Errorf("%s: %d bytes of %s, %v", name, len(got), format, err)
			}
		}
		if len(d.originals) != 1 {
			t.Errorf("%d blobs", len(d.originals))
		}
		a := d.accept(t, draft("none", "none"))
		if _, _, err := d.Original(ctx, a.Item, 1); !fault.Is(err, fault.NotFound) {
			t.Errorf("no original: %v", err)
		}
	})
}

func TestFacetsDivideTheWire(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.accept(t, draft("s1", "A"))
		d.accept(t, draft("s2", "B"))
		d.at = d.at.Add(24 * time.Hour)
		d.receive(t, incoming("1", 1, news.First, "R"))
		d.receive(t, incoming("1", 2, news.Withdrawal, ""))
		got, err := d.Facets(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		want := Facets{
			All: 3, Own: 2, Received: 1,
			Origins:    []Count{{string(north), 2}, {string(soren), 1}},
			Agreements: []Count{{"agr-1", 1}},
			Langs:      []Count{{"en", 2}, {"ru", 1}},
			Types:      []Count{{"text", 3}},
			Subjects:   []Count{{"medtop:1", 3}, {"medtop:1.2", 3}, {"medtop:1.2.3", 3}},
			States:     []Count{{"usable", 2}, {"withdrawn", 1}},
			Urgencies:  []Count{{"4", 3}},
			Days:       []Count{{"2026-11-25", 1}, {"2026-11-24", 2}},
		}
		if diff := gocmp.Diff(want, got); diff != "" {
			t.Error(diff)
		}
		d.tx(t, func(tx *store.Tx) error {
			v, err := d.Outgoing(tx, d.out[1].Item, 1)
			v.Story.Written, v.Story.Embargo = d.out[1].Story.Written, d.out[1].Story.Embargo
			if diff := gocmp.Diff(d.out[1], v); err != nil || diff != "" {
				t.Errorf("%v %s", err, diff)
			}
			if _, err := d.Outgoing(tx, incoming("1", 1, news.First, "").Item, 1); !fault.Is(err, fault.Denied) {
				t.Errorf("a partner's item goes out: %v", err)
			}
			return nil
		})
	})
}

// A change of the vocabulary leaves the facets as they were until Rebuild.
func TestRebuildWithAnotherVocabulary(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		d.accept(t, draft("s1", "A"))
		d.accept(t, draft("s2", "B"))
		d.o.Ancestors = func(string) []string { return []string{"medtop:9"} }
		d.accept(t, draft("s1", "C"))
		if err := d.Rebuild(context.Background(), nil); err != nil {
			t.Fatal(err)
		}
		if got := headlines(d.wire(t, Filter{Subject: "medtop:9"})); got != "C/2 usable; B/1 usable" {
			t.Errorf("rebuilt: %s", got)
		}
		if got := headlines(d.wire(t, Filter{Subject: "medtop:1"})); got != "" {
			t.Errorf("the old vocabulary: %s", got)
		}
	})
}
