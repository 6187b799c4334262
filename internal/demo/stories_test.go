package demo

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"newspool/internal/formats/ninjs"
	"newspool/internal/news"
	"newspool/internal/news/mediatopic"
)

const maxLine = 20_000

// told is a line with what a node would read from it.
type told struct {
	Line
	news.Draft
}

func read(t *testing.T, n Newsroom) []told {
	t.Helper()
	lines, err := n.Stories()
	if err != nil {
		t.Fatal(err)
	}
	var all []told
	for i, l := range lines {
		if l.Seq != i+1 {
			t.Errorf("%s: line %d has Seq %d", n.Key, i+1, l.Seq)
		}
		if len(l.Item) > maxLine {
			t.Errorf("%s line %d: %d bytes", n.Key, l.Seq, len(l.Item))
		}
		d, err := ninjs.Parse(l.Item)
		if err != nil {
			t.Fatalf("%s line %d: %v", n.Key, l.Seq, err)
		}
		for _, p := range d.Problems {
			t.Errorf("%s line %d: %s: %s %v", n.Key, l.Seq, p.Where, p.Key, p.Args)
		}
		all = append(all, told{l, d})
	}
	return all
}

func TestNewsrooms(t *testing.T) {
	rooms := Newsrooms()
	if len(rooms) != 3 {
		t.Fatalf("%d newsrooms", len(rooms))
	}
	for _, n := range rooms {
		if !strings.HasSuffix(n.Domain, ".example") {
			t.Errorf("%s: domain %s", n.Key, n.Domain)
		}
		if got := slices.Sorted(maps.Keys(n.Names)); !slices.Equal(got, []string{"ar", "en", "es", "fa", "fr", "ru"}) {
			t.Errorf("%s: names in %v", n.Key, got)
		}
		if _, err := time.LoadLocation(n.Zone); err != nil {
			t.Errorf("%s: %v", n.Key, err)
		}
	}
	if _, err := Lines("nobody"); err == nil {
		t.Error("a newsroom that does not exist has stories")
	}
}

// TestVersions follows each story through its versions.
func TestVersions(t *testing.T) {
	for _, n := range Newsrooms() {
		last := map[string]told{}
		count := map[news.Class]int{}
		for _, l := range read(t, n) {
			at := fmt.Sprintf("%s line %d (%s)", n.Key, l.Seq, l.Slug)
			before, known := last[l.SourceID]
			version, err := strconv.Atoi(l.Version)
			if err != nil {
				t.Errorf("%s: version %q", at, l.Version)
			}
			switch {
			case !known:
				if version != 1 || l.After != 0 || l.Class != "" {
					t.Errorf("%s: begins with version %d, after %d, class %q", at, version, l.After, l.Class)
				}
				count[news.First]++
			case before.Class == news.Withdrawal:
				t.Errorf("%s: goes on after its withdrawal", at)
			default:
				if want := before.Version; strconv.Itoa(version-1) != want || l.After != before.Seq {
					t.Errorf("%s: version %d after line %d, before it version %s in line %d", at, version, l.After, want, before.Seq)
				}
				if l.Class != news.Update && l.Class != news.Correction && l.Class != news.Withdrawal {
					t.Errorf("%s: class %q", at, l.Class)
				}
				if l.Note == "" {
					t.Errorf("%s: does not tell editors what changed", at)
				}
				if l.Class != news.Withdrawal && l.Body == before.Body {
					t.Errorf("%s: says the same as before", at)
				}
				if l.Lang != before.Lang || l.Slug != before.Slug {
					t.Errorf("%s: language or slug changed", at)
				}
				count[l.Class]++
			}
			last[l.SourceID] = l
		}
		want := map[news.Class]int{news.First: 48, news.Update: 6, news.Correction: 4, news.Withdrawal: 2}
		if !maps.Equal(count, want) {
			t.Errorf("%s: %v, want %v", n.Key, count, want)
		}
	}
}

// TestStories looks at each story as an editor would.
func TestStories(t *testing.T) {
	languages := map[news.Lang]int{}
	tops := map[string]bool{}
	seen := map[string]bool{}
	for _, n := range Newsrooms() {
		urgent, embargoed := 0, 0
		for _, l := range read(t, n) {
			at := fmt.Sprintf("%s line %d (%s)", n.Key, l.Seq, l.Slug)
			if id := l.SourceID + " " + l.Version; seen[id] {
				t.Errorf("%s: %s is there twice", at, id)
			} else {
				seen[id] = true
			}
			if !strings.HasPrefix(l.SourceID, "tag:"+n.Domain+",") || !slices.Contains(n.Languages, string(l.Lang)) {
				t.Errorf("%s: %s in %s is not of this newsroom", at, l.SourceID, l.Lang)
			}
			if l.Headline == "" || l.Slug == "" || l.Byline == "" || l.Dateline == "" || l.Genre == "" || l.Service == "" || l.Credit != n.Names[string(l.Lang)] {
				t.Errorf("%s: something is missing: %+v", at, l.Story)
			}
			if l.Urgency < 1 || l.Urgency > 6 {
				t.Errorf("%s: urgency %d", at, l.Urgency)
			}
			if l.Urgency <= 2 {
				urgent++
			}
			if l.EmbargoMinutes > 0 {
				embargoed++
				if l.Note == "" {
					t.Errorf("%s: an embargo without a note", at)
				}
			}
			for _, s := range l.Subjects {
				if !mediatopic.Known(s.Code) || mediatopic.Retired(s.Code) {
					t.Errorf("%s: subject %s", at, s.Code)
					continue
				}
				tops[s.Code] = true
				for _, a := range mediatopic.Ancestors(s.Code) {
					tops[a] = true
				}
			}
			if len(l.Subjects) == 0 {
				t.Errorf("%s: no subject", at)
			}
			if l.Class == news.Withdrawal {
				if l.Body != "" {
					t.Errorf("%s: a withdrawal with a text", at)
				}
				continue
			}
			if w := l.Words(); w < 90 || w > 260 {
				t.Errorf("%s: %d words", at, w)
			}
			if l.Class == "" {
				languages[l.Lang]++
			}
			checkText(t, at, string(l.Lang), written(t, l.Item))
		}
		if urgent < 2 || embargoed < 2 {
			t.Errorf("%s: %d urgent, %d under embargo", n.Key, urgent, embargoed)
		}
	}
	want := map[news.Lang]int{"en": 40, "ru": 40, "fa": 40, "ar": 8, "fr": 8, "es": 8}
	if !maps.Equal(languages, want) {
		t.Errorf("languages %v, want %v", languages, want)
	}
	for _, top := range strings.Fields("01 03 04 05 06 07 08 09 10 13 15 17") {
		if !tops["medtop:"+top+"000000"] {
			t.Errorf("no story of medtop:%s000000", top)
		}
	}
}

// written is what the newsroom wrote, as it stands in the file: reading an item may level its spaces.
func written(t *testing.T, item json.RawMessage) string {
	t.Helper()
	var words struct {
		Headlines, Bodies []struct{ Value string }
		EdNote            string
	}
	if err := json.Unmarshal(item, &words); err != nil {
		t.Fatal(err)
	}
	return words.Headlines[0].Value + "\n" + news.PlainText(words.Bodies[0].Value) + "\n" + words.EdNote
}

// checkText asks for the script and the signs of a language.
func checkText(t *testing.T, at, lang, text string) {
	t.Helper()
	script := map[string]*unicode.RangeTable{"en": unicode.Latin, "fr": unicode.Latin, "es": unicode.Latin, "ru": unicode.Cyrillic,
		"fa": unicode.Arabic, "ar": unicode.Arabic}[lang]
	letters, own := 0, 0
	for _, r := range text {
		if unicode.IsLetter(r) {
			letters++
			if unicode.Is(script, r) {
				own++
			}
		}
	}
	if own*100 < letters*95 { // slugs in notes are Latin
		t.Errorf("%s: %d of %d letters are of the script of %s", at, own, letters, lang)
	}
	wrong := map[string]string{"en": "«»\"'", "ru": "\"'“", "fa": "\"',;?يكىة0123456789", "ar": "\"',;?یک", "fr": "\"'“", "es": "\"'“"}[lang]
	if i := strings.IndexAny(text, wrong); i >= 0 {
		t.Errorf("%s: %q does not belong into %s", at, text[i:min(i+12, len(text))], lang)
	}
	if lang == "fr" {
		for _, sign := range []string{" ;", " :", " !", " ?", " »", "« "} {
			if strings.Contains(text, sign) {
				t.Errorf("%s: a breaking space at %q", at, sign)
			}
		}
	}
}
