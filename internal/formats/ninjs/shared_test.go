package ninjs

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"newspool/internal/fault"
	"newspool/internal/news"
)

// shared finds test data that does not belong to the project; ok is false where it is not at hand.
func shared(t *testing.T, pattern string) (files []string, ok bool) {
	t.Helper()
	root := os.Getenv("NEWSPOOL_SHARED")
	if root == "" {
		t.Logf("NEWSPOOL_SHARED is not set: %s is left out", pattern)
		return nil, false
	}
	files, err := filepath.Glob(filepath.Join(root, pattern))
	if err != nil || len(files) == 0 {
		t.Fatalf("nothing at %s in NEWSPOOL_SHARED: %v", pattern, err)
	}
	return files, true
}

// Every valid document of the official suite and every official example is read, and what is written of it is valid.
func TestOfficialDocuments(t *testing.T) {
	check := loadSchema(t)
	for _, pattern := range []string{"testdata/iptc/ninjs-suite/validation/test_suite/*/should_pass/*.json", "standards/ninjs/examples/[123]*/*.json", "standards/ninjs/examples/guidelines-[123]*/*.json"} {
		files, ok := shared(t, pattern)
		if !ok {
			return
		}
		for _, f := range files {
			b, err := os.ReadFile(f)
			if err != nil {
				t.Fatal(err)
			}
			d, err := Parse(b)
			if strings.HasSuffix(f, "1.4/businesswire-newsml-20130731006140.json") {
				if fault.Of(err).Key != "ingest.json_twice" { // the official example has a name twice
					t.Errorf("%s: %v", f, err)
				}
				continue
			}
			if err != nil {
				t.Errorf("%s: %v", f, err)
				continue
			}
			uri := d.SourceID
			if !goodURI(uri) { // the suite of 1.x has bare words
				uri = "urn:newspool:test"
			}
			w := Write(d.Story, Meta{URI: uri, Version: d.Version, Class: d.Class})
			if wrong := check.validate(w); wrong != nil {
				t.Errorf("%s: %s\n%s", f, strings.Join(wrong, "\n"), w)
			}
			again, err := Parse(w)
			if err != nil || again.Headline != d.Headline || again.Body != d.Body || len(again.Media) != len(d.Media) || len(again.Subjects) != len(d.Subjects) {
				t.Errorf("%s: does not come back the same: %v", f, err)
			}
		}
	}
}

// What the newsroom system's own tests say about its files.
func TestNewsroomSystemFiles(t *testing.T) {
	files, ok := shared(t, "testdata/agency/superdesk-core/tests/io/fixtures/ninjs[0-9_]*.json")
	if !ok {
		return
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Contains(f, "_mock") {
			continue
		}
		d, err := Parse(b)
		if err != nil {
			t.Errorf("%s: %v", f, err)
			continue
		}
		if d.SourceID == "" || d.Headline == "" || d.Written.IsZero() || d.Version == "" {
			t.Errorf("%s: %+v", f, d.Story)
		}
		switch filepath.Base(f) {
		case "ninjs1.json":
			if d.Headline != "headline" || d.Service != "m" || d.Lang != "fr" || d.Byline != "Peter and Jane" || d.Urgency != 3 || d.Credit != "AAP" {
				t.Errorf("%s: %+v", f, d.Story)
			}
		case "ninjs3.json":
			if d.Type != news.Picture || len(d.Media) != 1 || d.Media[0].Width != 6016 {
				t.Errorf("%s: %+v", f, d.Story)
			}
		case "ninjs5.json":
			if len(d.Media) != 1 || d.Media[0].Of != news.Picture || !strings.HasPrefix(d.Media[0].Caption, "Oil prices") {
				t.Errorf("%s: %+v", f, d.Media)
			}
		case "ninjs_embargoed.json":
			if d.Embargo.IsZero() {
				t.Errorf("%s: no embargo; %v", f, d.Problems)
			}
		}
	}
}

func TestMultilingualNews(t *testing.T) {
	files, ok := shared(t, "data/news-multilingual/*.jsonl.gz")
	if !ok {
		return
	}
	m, err := Builtin("news-multilingual")
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		in, err := Unzip(f, 1<<30)
		if err != nil {
			t.Fatal(err)
		}
		err = m.ReadLines(in, func(line int, d news.Draft, err error) error {
			total++
			if err != nil || d.SourceID == "" || d.Headline == "" || d.Body == "" || d.Lang == "" || slices.ContainsFunc(d.Problems, func(p news.Problem) bool { return p.Fatal }) {
				t.Errorf("%s line %d: %v %v", name, line, err, d.Problems)
			}
			return nil
		})
		f.Close()
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if total < 5000 {
		t.Errorf("only %d items", total)
	}
}

// Everything of the official JSON suite that must be refused is.
func TestJSONSuite(t *testing.T) {
	files, ok := shared(t, "testdata/json/JSONTestSuite/test_parsing/*.json")
	if !ok {
		return
	}
	for _, f := range files {
		b, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		_, err = decode(b)
		name := filepath.Base(f)
		// Names twice in an object are refused here on purpose.
		if name[0] == 'y' && err != nil && !strings.Contains(name, "duplicate") || name[0] == 'n' && err == nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
