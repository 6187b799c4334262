package wire

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

func TestStoryKeepsWhatTheFormLacks(t *testing.T) {
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := b.Printer("en", zone())
	base := news.Story{
		Type: news.Video, Lang: "en", Headline: "H", Slug: "S", Byline: "B", Dateline: "D", Body: "<h2>Head</h2><p>One <em>two</em>.</p>", Genre: "g", Service: "s", Urgency: 3, Embargo: at("18:00"),
		Credit: "c", Copyright: "r", Usage: "u", Note: "n", Subjects: []news.Subject{{Code: "medtop:15000000", Name: "sport"}, {Code: "word:own", Name: "Own"}, {Code: "medtop:20000343", Name: mediatopic.Name("medtop:20000343", "en")}},
		Media: []news.Media{{ID: "m1"}}, Written: at("11:00"),
	}
	got, bad := inputOf(base, p).story(p, base)
	got.Embargo = got.Embargo.UTC()
	if diff := cmp.Diff(base, got); diff != "" || len(bad) > 0 {
		t.Errorf("%v %s", bad, diff)
	}
	plain := base
	plain.Body = "<p>One.</p><p>Two.</p>"
	in := inputOf(plain, p)
	if !strings.Contains(in.More, "ransport") || strings.Contains(in.More, "medtop:") {
		t.Errorf("subjects are shown as %q", in.More)
	}
	if in.Marked || in.Body != "One.\n\nTwo." {
		t.Errorf("%+v", in)
	}
	if got, _ := in.story(p, plain); got.Body != plain.Body {
		t.Errorf("%q", got.Body)
	}
}

func TestWhyIsTold(t *testing.T) {
	item := library.Item{}
	item.History = []library.VersionInfo{{Number: 1}, {Number: 2, Note: "9 should read 8."}}
	for _, c := range []struct{ why, note, want, next string }{
		{"9 should read 8.", "", "9 should read 8.", ""}, {"9 should read 8.", "Photos to follow.", "9 should read 8.\n\nPhotos to follow.", "Photos to follow."},
		{"", "Photos to follow.", "Photos to follow.", "Photos to follow."}, {"9 should read 8.", "9 should read 8.", "9 should read 8.", ""}, {"", "9 should read 8. Twice.", "9 should read 8. Twice.", "9 should read 8. Twice."},
	} {
		got := withWhy(c.why, c.note)
		if next := withoutWhy(got, item); got != c.want || next != c.next {
			t.Errorf("%q and %q: %q, then %q", c.why, c.note, got, next)
		}
	}
}
