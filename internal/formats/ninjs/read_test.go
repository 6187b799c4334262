package ninjs

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newspool/internal/news"
	"newspool/internal/sanitize"
)

// written is a story with a value in every field, apart from media.
func written() news.Story {
	return news.Story{
		Type: news.Text, Lang: "fa", Headline: "«Ferry» & goats", Slug: "FERRY-1", Byline: "Ilse Maren", Dateline: "PORT ANSELM",
		Body: `<p>One &amp; two.</p><script>no()</script><p onclick="x">Three`, Subjects: []news.Subject{{Code: "medtop:04000000", Name: "economy"}, {Code: "harbour:7", Name: ""}},
		Genre: "genre:Current", Service: "sea", Urgency: 2, Embargo: time.Date(2026, 3, 2, 4, 5, 6, 789000, time.UTC), Credit: "North Agency",
		Copyright: "North\nAgency", Usage: "Not on Mondays", Note: "Names are right", Written: time.Date(2026, 3, 1, 4, 5, 6, 0, time.UTC),
	}
}

// same compares a story that was read with what Parse says of the same bytes.
func same(t *testing.T, b []byte, got news.Story) {
	t.Helper()
	d, err := Parse(b)
	if err != nil {
		t.Fatalf("Parse refuses what was read: %v", err)
	}
	got.Body = sanitize.Story(got.Body)
	if diff := cmp.Diff(d.Story, got, cmpopts.EquateEmpty()); diff != "" {
		t.Errorf("Parse (-), Read (+):\n%s", diff)
	}
}

func TestReadWritten(t *testing.T) {
	least := news.Story{Type: news.Picture, Headline: "Ferry"}
	for i, s := range []news.Story{written(), least} {
		for _, class := range []news.Class{"", news.First, news.Update, news.Correction, news.Withdrawal} {
			b := Write(s, Meta{URI: "newspool://north.example/item/1", Version: "3", Class: class, Released: time.Date(2026, 3, 1, 5, 0, 0, 0, time.UTC), Provider: "North Agency"})
			got, ok := readWritten(b)
			if !ok {
				t.Errorf("%d %s: not read fast:\n%s", i, class, b)
				continue
			}
			if s.Body != got.Body {
				t.Errorf("the body was changed to %q", got.Body)
			}
			same(t, b, got)
		}
	}
}

// What Write would not write goes the slow way, and comes out as Parse has it.
func TestReadOthers(t *testing.T) {
	base := string(Write(written(), Meta{URI: "newspool://north.example/item/1", Class: news.First}))
	with := func(old, new string) string {
		if !strings.Contains(base, old) {
			t.Fatalf("%s is not in\n%s", old, base)
		}
		return strings.Replace(base, old, new, 1)
	}
	others := []string{
		with(`"slugline"`, `"slug"`),
		with(`"headlines":`, `"subject":[{"code":"15000000"}],"headlines":`),
		with(`"headlines":`, `"service":[{"code":"land"}],"headlines":`),
		with(`"role":"main","value":"«Ferry`, `"role":"short","value":"«Ferry`),
		with(`"contentType":"text/html"`, `"contentType":"text/plain"`),
		with(`"urgency":2`, `"urgency":12`),
		with(`"language":"fa"`, `"language":"fa_IR"`),
		with(`"embargoedUntil":"2026`, `"embargoedUntil":"x2026`),
		with(`"type":"text"`, `"type":"poem"`),
		with(`"literal":"harbour:7"`, `"name":"harbour"`),
		with(`"by":"Ilse`, `"by":"\u0000Ilse`),
		with(`"role":"credit"`, `"role":"Credit"`),
		with(`{`, `{"associations":[{"name":"a","uri":"http://north.example/1.jpg","type":"picture"}],`),
	}
	for _, b := range others {
		if _, ok := readWritten([]byte(b)); ok {
			t.Errorf("was read fast:\n%s", b)
		}
		got, err := Read([]byte(b))
		d, err2 := Parse([]byte(b))
		if fmt.Sprint(err) != fmt.Sprint(err2) {
			t.Errorf("%v, Parse says %v", err, err2)
		}
		if diff := cmp.Diff(d.Story, got); diff != "" {
			t.Error(diff)
		}
	}
	for _, bad := range []string{``, `[]`, `{"uri":"a","uri":"b"}`, base + "x", base[:len(base)-1], "{\"uri\":\"\xff\"}"} {
		if _, err := Read([]byte(bad)); err == nil {
			t.Errorf("%q was read", bad)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(Write(written(), Meta{URI: "newspool://north.example/item/1", Class: news.First}))
	f.Add([]byte(`{"type":"text","headlines":[{"role":"main","value":" a\tb "}],"language":"en","subjects":[{"uri":"https://cv.iptc.org/newscodes/mediatopic/1"}]}`))
	f.Add([]byte(`{"type":"text","headlines":[{"role":"main","value":"a"}],"bodies":[{"role":"main","contentType":"text/html","value":"<p>x"}],"versionCreated":"2026-01-01T00:00:00+03:30"}`))
	f.Fuzz(func(t *testing.T, b []byte) {
		b = bytes.Clone(b)
		if s, ok := readWritten(b); ok {
			same(t, b, s)
		}
	})
}

func BenchmarkRead(b *testing.B) {
	s := written()
	s.Body = strings.Repeat("<p>The morning ferry left Port Anselm on time, the harbour office said.</p>", 20)
	item := Write(s, Meta{URI: "newspool://north.example/item/1", Class: news.First})
	for b.Loop() {
		if _, err := Read(item); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkParse(b *testing.B) {
	s := written()
	s.Body = strings.Repeat("<p>The morning ferry left Port Anselm on time, the harbour office said.</p>", 20)
	item := Write(s, Meta{URI: "newspool://north.example/item/1", Class: news.First})
	for b.Loop() {
		if _, err := Parse(item); err != nil {
			b.Fatal(err)
		}
	}
}
