package mediatopic

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// has reports whether there is a name for the concept in just this language.
func has(code, lang string) bool {
	c, ok := find(code)
	return ok && c.names[base(lang)] != ""
}

func TestNames(t *testing.T) {
	for _, c := range []struct{ code, lang, want string }{
		{"medtop:15000000", "en", "sport"},
		{"medtop:15000000", "en-US", "sport"},
		{"medtop:15000000", "fr", "Sport"},
		{"medtop:15000000", "es-MX", "Deporte"},
		{"medtop:15000000", "ar", "رياضة"},
		{"medtop:15000000", "ru", "спорт"},
		{"medtop:15000000", "fa", "ورزش"},
		{"medtop:20001065", "fa", "فوتبال"},
		{"medtop:20000339", "fa", "commuting"},
		{"medtop:15000000", "xx", "sport"},
		{"medtop:99999999", "en", "medtop:99999999"},
		{"15000000", "en", "15000000"},
		{"", "", ""},
	} {
		if got := Name(c.code, c.lang); got != c.want {
			t.Errorf("Name(%q, %q) = %q, want %q", c.code, c.lang, got, c.want)
		}
	}
	if has("medtop:20000339", "fa") || !has("medtop:20000339", "en") || has("medtop:0", "en") {
		t.Error("Has")
	}
}

func TestTree(t *testing.T) {
	if got := Top(); len(got) != 17 || got[0] != "medtop:01000000" || got[16] != "medtop:17000000" {
		t.Errorf("Top() = %v", got)
	}
	Top()[0] = "changed"
	if Top()[0] != "medtop:01000000" {
		t.Error("a caller could change the vocabulary")
	}
	for _, c := range []struct {
		code string
		want []string
	}{
		{"medtop:20001065", []string{"medtop:20001065", "medtop:20000822", "medtop:15000000"}},
		{"medtop:15000000", []string{"medtop:15000000"}},
		{"desk:sport", []string{"desk:sport"}},
	} {
		if d := cmp.Diff(c.want, Ancestors(c.code)); d != "" {
			t.Errorf("Ancestors(%q): %s", c.code, d)
		}
	}
	if !Known("medtop:20000339") || Known("medtop:0") || Known("20000339") {
		t.Error("Known")
	}
	if !Retired("medtop:20000030") || Retired("medtop:15000000") {
		t.Error("Retired")
	}
	if got := Children("medtop:17000000"); len(got) != 4 {
		t.Errorf("Children of weather: %v", got)
	}
	for _, c := range table().list {
		if up := Ancestors(c.code); !slices.Contains(table().top, up[len(up)-1]) {
			t.Errorf("%s does not end at a top concept: %v", c.code, up)
		}
	}
}

func TestSearch(t *testing.T) {
	for _, c := range []struct{ prefix, lang, first string }{
		{"spor", "en", "medtop:15000000"},
		{"ECONOM", "en", "medtop:04000000"},
		{"economia", "es", "medtop:04000000"},
		{"футб", "ru", "medtop:20001065"},
		{"فوتبال", "fa", "medtop:20001065"},
		{"soccer", "fa", "medtop:20001065"},
		{"رياض", "ar", "medtop:15000000"},
		{"santé", "fr", "medtop:07000000"},
		{"sante", "fr", "medtop:07000000"},
		{"", "en", "medtop:01000000"},
	} {
		got := Search(c.prefix, c.lang)
		if len(got) == 0 || got[0] != c.first {
			t.Errorf("Search(%q, %q) = %v, want %s first", c.prefix, c.lang, got, c.first)
		}
	}
	if got := Search("zzzz", "en"); len(got) != 0 {
		t.Errorf("Search for nothing: %v", got)
	}
	if got := Search("a", "en"); len(got) != SearchLimit {
		t.Errorf("%d hits, want %d", len(got), SearchLimit)
	}
}

// TestOwnNames keeps our own names complete where we promise them and off concepts that do not exist.
func TestOwnNames(t *testing.T) {
	for _, top := range Top() {
		for _, code := range append(Children(top), top) {
			for _, lang := range []string{"ru", "fa"} {
				if !has(code, lang) {
					t.Errorf("%s (%s) has no name in %s", code, Name(code, "en"), lang)
				}
			}
		}
	}
	for line := range strings.Lines(own) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3 || !Known(Scheme+f[0]) || f[1] == "" || f[2] == "" {
			t.Errorf("own.tsv: %q", line)
		}
	}
}

// TestSource compares what is embedded with the vocabulary that it was made from.
func TestSource(t *testing.T) {
	shared := os.Getenv("NEWSPOOL_SHARED")
	if shared == "" {
		t.Log("NEWSPOOL_SHARED is not set: the embedded vocabulary is not compared with its source")
		return
	}
	b, err := os.ReadFile(filepath.Join(shared, "standards", "mediatopics", "mediatopics.json"))
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Concepts []struct {
			ID      string
			Name    map[string]string
			Broader []string
			Retired string
		}
	}
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Concepts) != len(table().list) {
		t.Fatalf("%d concepts, the source has %d", len(table().list), len(v.Concepts))
	}
	for _, s := range v.Concepts {
		c, ok := find(Scheme + s.ID)
		if !ok {
			t.Errorf("%s is missing", s.ID)
			continue
		}
		parent := ""
		if len(s.Broader) > 0 {
			parent = Scheme + s.Broader[0]
		}
		if c.parent != parent || c.retired != (s.Retired != "") {
			t.Errorf("%s: parent %q, retired %v", s.ID, c.parent, c.retired)
		}
		for lang, key := range map[string]string{"en": "en-GB", "ar": "ar", "fr": "fr", "es": "es"} {
			if c.names[lang] != strings.TrimSpace(s.Name[key]) {
				t.Errorf("%s in %s: %q, the source has %q", s.ID, lang, c.names[lang], s.Name[key])
			}
		}
	}
}
