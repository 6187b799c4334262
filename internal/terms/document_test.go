package terms

import (
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/news"
)

func TestDocument(t *testing.T) {
	for name, r := range map[string]Revision{"exchange": exchange(), "archive": opened()} {
		golden(t, name+".json", string(r.Bytes())+"\n")
		golden(t, name+".txt", PlainText(r, "en", newPrinter("en", r.Location())))
		if problems := r.Validate(); len(problems) > 0 {
			t.Errorf("%s: %v", name, problems)
		}
	}
}

// TestLanguageOfDocument sees the free texts and names in the language of the reader.
func TestLanguageOfDocument(t *testing.T) {
	r := exchange()
	text := PlainText(r, "fa", newPrinter("fa", r.Location()))
	for _, want := range []string{"خبرگزاری آوند", "سیاست", r.Purpose["fa"], r.Commitments[1].Text["fa"]} {
		if !strings.Contains(text, want) {
			t.Errorf("the Persian text lacks %q", want)
		}
	}
	if strings.Contains(text, r.Purpose["en"]) {
		t.Error("the Persian text holds the English purpose")
	}
	delete(r.Purpose, "fa")
	if text := PlainText(r, "fa", newPrinter("fa", r.Location())); !strings.Contains(text, r.Purpose["en"]) {
		t.Error("the purpose that prevails does not stand in")
	}
}

func TestHashTexts(t *testing.T) {
	r := exchange()
	printers := func(lang news.Lang) Printer { return newPrinter(string(lang), r.Location()) }
	if got := MismatchedTexts(r, printers); len(got) != 0 {
		t.Errorf("mismatched: %v", got)
	}
	r.Purpose["fa"] += "؟"
	if d := cmp.Diff([]news.Lang{"fa"}, MismatchedTexts(r, printers)); d != "" {
		t.Error(d)
	}
	r.Uses.Train = true
	if d := cmp.Diff(r.Languages, MismatchedTexts(r, printers)); d != "" {
		t.Error(d)
	}
}

// TestSayAfterJSON keeps lines as JSON, as refusals are, and says them.
func TestSayAfterJSON(t *testing.T) {
	p := newPrinter("fa", time.UTC)
	for _, l := range []Line{
		line("terms.no.subject", "partner", InLanguages{"en": "Avand News", "fa": "آوند"}, "clause", "2.1", "subject", "@subject:medtop:15000000"),
		line("terms.no.channel", "partner", InLanguages{"en": "Avand News"}, "clause", "3.1", "channel", "@channel:tv", "channels", []string{"@channel:print", "@channel:web"}),
		line("terms.wait.embargo", "partner", InLanguages{}, "clause", "4", "until", timeValue(time.Date(2026, 5, 1, 18, 0, 0, 0, time.UTC))),
		line("terms.wait.records", "partner", InLanguages{"ru": "Сорен"}, "clause", "6", "n", int64(1)),
		line("terms.no.region", "partner", InLanguages{"en": "x"}, "clause", "3.8", "region", "@region:IR", "regions", []string{"@region:FR", "@region:??"}),
		line("terms.no.type", "partner", InLanguages{"en": "x"}, "clause", "2.1", "type", "@type:hologram"),
		line("terms.no.years", "partner", InLanguages{"en": "x"}, "clause", "2.1", "years", "@years:1960:0"),
		line("terms.no.ended", "partner", InLanguages{"en": "@x"}, "clause", "1.3", "until", "@day:never"),
	} {
		b, err := json.Marshal(l)
		if err != nil {
			t.Fatal(err)
		}
		var back Line
		if err := json.Unmarshal(b, &back); err != nil {
			t.Fatal(err)
		}
		if before, after := Say(p, l), Say(p, back); before != after {
			t.Errorf("%q became %q", before, after)
		}
	}
	if got := Say(p, line("terms.no.subject", "partner", InLanguages{"fa": "آوند"}, "clause", "2.1", "subject", "@subject:medtop:15000000")); !strings.Contains(got, "ورزش") || !strings.Contains(got, "آوند") || !strings.Contains(got, "۲٫۱") {
		t.Error(got)
	}
}

// TestMessages finds each key that the code uses in the catalog and each message of the catalog in the code.
func TestMessages(t *testing.T) {
	messages, used := catalogs(), map[string]bool{}
	key := regexp.MustCompile(`^(terms|clause)\.[a-z_.]+$`)
	names, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(file, func(n ast.Node) bool {
			if l, ok := n.(*ast.BasicLit); ok && l.Kind == token.STRING {
				if s, err := strconv.Unquote(l.Value); err == nil && key.MatchString(s) {
					used[s] = true
				}
			}
			return true
		})
	}
	for k := range used {
		if messages[k] == nil {
			t.Errorf("no message %s", k)
		}
	}
	for k := range messages {
		if !used[k] {
			t.Errorf("nobody says %s", k)
		}
	}
	for _, kind := range []string{"@type:" + string(news.Video), "@channel:" + string(Social), "@role:" + string(Checker), "@kind:online"} {
		if messages[wordKey(kind)] == nil {
			t.Errorf("no word for %s", kind)
		}
	}
}

// TestWordsOfTheTerms asks for a word for everything that terms may name.
func TestWordsOfTheTerms(t *testing.T) {
	var values []string
	values = append(values, listValue(valueType, news.ItemTypes[:])...)
	values = append(values, listValue(valueChannel, Channels[:])...)
	values = append(values, listValue(valueRole, Roles[:])...)
	values = append(values, listValue(valueKind, OutletKinds[:])...)
	for _, v := range values {
		if wordKey(v) == "" {
			t.Errorf("no word for %s", v)
		}
	}
	var keys []string
	for _, k := range Kinds {
		keys = append(keys, kindKey(k))
	}
	slices.Sort(keys)
	if len(slices.Compact(keys)) != len(Kinds) {
		t.Errorf("two kinds share a title: %v", keys)
	}
}
