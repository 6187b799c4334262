package terms

import (
	"encoding/json"
	"os"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// TestWordRule holds the rule to its vectors, which any other implementation can use.
func TestWordRule(t *testing.T) {
	b, err := os.ReadFile("testdata/words.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors struct {
		Rule int
		Cut  []struct {
			Lang, Why, Text string
			Words           []string
		}
		Match []struct {
			Why, Headline, Slug, Body, Entry string
			Found                            bool
		}
	}
	if err := json.Unmarshal(b, &vectors); err != nil {
		t.Fatal(err)
	}
	if vectors.Rule != WordRule || len(vectors.Cut) == 0 || len(vectors.Match) == 0 {
		t.Fatalf("vectors of rule %d", vectors.Rule)
	}
	for _, v := range vectors.Cut {
		if d := cmp.Diff(v.Words, Cut(v.Text), cmpopts.EquateEmpty()); d != "" {
			t.Errorf("%s, %s: %q: %s", v.Lang, v.Why, v.Text, d)
		}
	}
	for _, v := range vectors.Match {
		if got := WordsOf(v.Headline, v.Slug, v.Body).Has(v.Entry); got != v.Found {
			t.Errorf("%s: %q found: %v", v.Why, v.Entry, got)
		}
	}
}

func FuzzWords(f *testing.F) {
	for _, s := range []string{"", "new year", "كـتابِ", "می\u200cخواهم", "ΐ ǰ İ ß", "\xff\u0301", "\u1100\u0301\u1161"} {
		f.Add(s, "new")
	}
	f.Fuzz(func(t *testing.T, text, entry string) {
		words := Cut(text)
		for _, w := range words {
			if w == "" || !utf8.ValidString(w) || strings.ContainsFunc(w, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.Is(unicode.Nd, r) }) {
				t.Fatalf("%q is no word", w)
			}
		}
		story := WordsOf(text, "", "")
		if len(words) > 0 && !story.Has(text) {
			t.Fatalf("%q is not found in itself", text)
		}
		if story.Has(entry) && !WordsOf(text+" "+entry, "", "").Has(entry) {
			t.Fatalf("%q is lost when more is said", entry)
		}
	})
}
