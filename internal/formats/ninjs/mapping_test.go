package ninjs

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/news"
)

const exampleMapping = `
title = "Soren"
[fields]
id = ["urn", "meta.id"]
headline = "meta.title"
body = "html"
written = "ts"
embargo = "hold"
subjects = "tags"
urgency = "prio"
language = "lang"
[constants]
language = "ru"
credit = "Радио Сорен"
[body]
form = "html"
[dates]
layouts = ["unix", "02.01.2006 15:04"]
zone = "Europe/Berlin"
[subjects]
prefix = "soren:"
separator = ","
`

func TestMapping(t *testing.T) {
	m, err := ReadMapping([]byte(exampleMapping))
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, in string
		want     news.Draft
		problems string
	}{
		{"all", `{"meta":{"id":"7","title":"T\n u"},"html":"<p>x</p><img>","ts":1795348800,"tags":"a, b:c,a","prio":2,"urn":""}`,
			news.Draft{SourceID: "7", Story: news.Story{Type: news.Text, Lang: "ru", Headline: "T u", Body: "<p>x</p>", Credit: "Радио Сорен", Urgency: 2, Written: noon,
				Subjects: []news.Subject{{Code: "soren:a"}, {Code: "b:c"}}}}, "ingest.body_dropped"},
		{"zone", `{"urn":"8","meta":{"title":"T"},"ts":"22.11.2026 13:00","tags":["x",{"name":"y"},5],"lang":"fa"}`,
			news.Draft{SourceID: "8", Story: news.Story{Type: news.Text, Lang: "fa", Headline: "T", Credit: "Радио Сорен", Written: noon, Subjects: []news.Subject{{Code: "soren:x"}, {Code: "word:y", Name: "y"}}}}, "ingest.subject_bad"},
		{"bad", `{"hold":"tonight","meta":[],"prio":"high","html":"<p>x y</p>"}`,
			news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: "x y", Body: "<p>x y</p>", Credit: "Радио Сорен"}}, "ingest.uri_missing ingest.urgency_bad ingest.date_bad! ingest.headline_missing"},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := m.Parse([]byte(c.in))
			if err != nil {
				t.Fatal(err)
			}
			if k := keys(got.Problems); k != c.problems {
				t.Errorf("problems %s, want %s", k, c.problems)
			}
			got.Problems, got.Original, got.Format = nil, nil, ""
			if d := cmp.Diff(c.want, got); d != "" {
				t.Error(d)
			}
		})
	}
}

func TestMappingRefuses(t *testing.T) {
	for in, part := range map[string]string{
		"x": "TOML", "titel = 'x'": "titel", "[fields]\nheadlin = 'x'": "fields.headlin", "[fields]\nid = 7": "fields.id", "[fields]\nid = ['a','']": "fields.id",
		"[constants]\nid = 'x'": "constants.id", "[body]\nform = 'pdf'": "body.form", "[dates]\nzone = 'Mars/North'": "dates.zone",
	} {
		if _, err := ReadMapping([]byte(in)); fault.Of(err).Key != "ingest.mapping_bad" || fault.Of(err).Args["part"] != part {
			t.Errorf("%q: %v, want %s", in, err, part)
		}
	}
	if _, err := Builtin("../mapping_test"); !fault.Is(err, fault.NotFound) {
		t.Error(err)
	}
}

func TestBuiltins(t *testing.T) {
	if got := strings.Join(Builtins(), " "); got != "news-multilingual" {
		t.Errorf("%q", got)
	}
	for _, name := range Builtins() {
		if _, err := Builtin(name); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	m, _ := Builtin("news-multilingual")
	d, err := m.Parse([]byte(`{"id":"n-1","lang":"fa","source":"avand","date":"2026-11-22T12:00:00Z","subjects":["snow","place:north"],"title":"برف","body":"یک\nدو\n"}`))
	if err != nil {
		t.Fatal(err)
	}
	d.Original, d.Format = nil, ""
	want := news.Draft{SourceID: "n-1", Story: news.Story{Type: news.Text, Lang: "fa", Headline: "برف", Body: "<p>یک</p><p>دو</p>", Credit: "avand", Written: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC),
		Subjects: []news.Subject{{Code: "word:snow"}, {Code: "place:north"}}}}
	if diff := cmp.Diff(want, d); diff != "" {
		t.Error(diff)
	}
}

func FuzzMapping(f *testing.F) {
	f.Add([]byte(exampleMapping), []byte(`{"meta":{"id":"7"},"tags":["x"]}`))
	f.Fuzz(func(t *testing.T, file, item []byte) {
		if m, err := ReadMapping(file); err == nil {
			m.Parse(item)
		}
	})
}
