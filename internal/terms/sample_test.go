package terms

import (
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"

	"newspool/internal/news"
)

var update = flag.Bool("update", false, "write the golden files anew")

var (
	north = news.Root(strings.Repeat("1", 64))
	avand = news.Root(strings.Repeat("2", 64))
	soren = news.Root(strings.Repeat("3", 64))
)

func northParty() Party {
	return Party{
		Root: north, Domain: "north.example", Kind: "agency", Languages: []news.Lang{"en"},
		Names: InLanguages{"en": "North Agency", "fa": "خبرگزاری شمال"}, Signatory: Signatory{"Ada North", "editor-in-chief"},
	}
}

func avandParty() Party {
	return Party{
		Root: avand, Domain: "avand.example", Kind: "agency", Languages: []news.Lang{"fa", "en"},
		Names: InLanguages{"en": "Avand News", "fa": "خبرگزاری آوند"}, Signatory: Signatory{"Darya Avand", "managing director"},
	}
}

func sorenParty() Party {
	return Party{
		Root: soren, Domain: "soren.example", Kind: "radio", Languages: []news.Lang{"ru"},
		Names: InLanguages{"en": "Radio Soren", "ru": "Радио Сорен"}, Signatory: Signatory{"Anna Soren", "programme director"},
	}
}

func harbourParty() Party {
	return Party{
		Host: north, Domain: "harbour.example", Kind: "newspaper", Languages: []news.Lang{"en"},
		Names: InLanguages{"en": "The Harbour Paper"}, Signatory: Signatory{"Tom Quay", "publisher"},
	}
}

// exchange is the agreement of most tests: North Agency and Avand News exchange their wires and a newspaper without a node
// reads along.
func exchange() Revision {
	r := Template(Wire, northParty(), avandParty(), harbourParty())
	r.Agreement = "0123456789abcdef0123456789abcdef"
	r.Zone, r.Start, r.End, r.SignBy = "Asia/Tehran", "2026-03-01", "2027-02-28", "2026-02-20"
	r.Flows = []Flow{
		{
			Clause: "2.1", Types: []news.ItemType{news.Text, news.Picture, news.Graphic},
			Subjects: []string{"medtop:11000000", "medtop:04000000", "medtop:06000000"}, Except: []string{"medtop:20000574"},
			Languages: []news.Lang{"en", "fa"},
		},
		{Clause: "2.2", From: []news.Root{north}, Types: []news.ItemType{news.Video, news.Audio}, UrgencyMax: 3},
		{
			Clause: "2.3", From: []news.Root{avand}, Subjects: []string{"medtop:01000000"}, Services: []string{"culture"},
			Words: WordTerms{Any: []string{"نوروز", "Nowruz"}, Phrases: []string{"new year"}, None: []string{"advertisement"}},
		},
		{Clause: "2.4", From: []news.Root{north}, Types: []news.ItemType{news.Text}, Archive: Archive{From: 1960, To: 2020}},
		{Clause: "2.5", From: []news.Root{north}, Types: []news.ItemType{news.Picture}, Archive: Archive{From: 1900, SearchOnly: true}},
	}
	r.Uses.Publish = []Channel{Print, Web, Radio}
	r.Uses.Days = 60
	r.Uses.Regions = []string{"IR", "FR"}
	r.Uses.Credit = InLanguages{"en": "{newsroom}", "fa": "به نقل از {newsroom}"}
	r.Ceilings = Counts{Records: 100, Bytes: 1_000_000, Media: 50_000_000}
	r.Commitments[0].By = north
	r.Commitments[0].Text = InLanguages{"en": "It sends at least fifty items in English on every working day.", "fa": "در هر روز کاری دست\u200cکم پنجاه خبر به انگلیسی می\u200cفرستد."}
	r.TextHashes = HashTexts(r, func(lang news.Lang) Printer { return newPrinter(string(lang), r.Location()) })
	return r
}

// opened is an archive that Radio Soren opens to North Agency, under narrow terms.
func opened() Revision {
	r := Template(OpenArchive, sorenParty(), northParty())
	r.Agreement = "fedcba9876543210fedcba9876543210"
	r.Zone, r.SignBy, r.NoticeDays = "Europe/Paris", "2026-01-31", 0
	r.End = "2026-12-31"
	r.Uses.Translate, r.Uses.Shorten, r.Uses.Combine = false, false, false
	r.Uses.Publish = nil
	r.Embargo.Roles = nil
	r.TextHashes = HashTexts(r, func(lang news.Lang) Printer { return newPrinter(string(lang), r.Location()) })
	return r
}

// printer speaks the English of the catalogs, whatever language it is asked for, with plain numbers and no isolates.
type printer struct {
	lang     string
	zone     *time.Location
	messages map[string]json.RawMessage
}

func catalogs() map[string]json.RawMessage {
	messages := map[string]json.RawMessage{}
	for _, family := range []string{"terms", "clause"} {
		b, err := os.ReadFile(filepath.Join("..", "i18n", "catalog", "en", family+".json"))
		if err == nil {
			err = json.Unmarshal(b, &messages)
		}
		if err != nil {
			panic(err)
		}
	}
	return messages
}

func newPrinter(lang string, zone *time.Location) printer { return printer{lang, zone, catalogs()} }

func (p printer) Lang() string             { return p.lang }
func (p printer) Has(key string) bool      { return p.messages[key] != nil }
func (p printer) Date(t time.Time) string  { return t.In(p.zone).Format("2 January 2006") }
func (p printer) Language(l string) string { return display.English.Languages().Name(language.Make(l)) }

func (p printer) Numeral(text string) string {
	if p.lang != "fa" {
		return text
	}
	return strings.NewReplacer("1", "۱", "2", "۲", ".", "٫").Replace(text)
}

var place = regexp.MustCompile(`\{([a-z_]+)\}`)

func (p printer) Text(key string, args map[string]any) string {
	raw, ok := p.messages[key]
	if !ok {
		panic("no message " + key)
	}
	var text string
	if json.Unmarshal(raw, &text) != nil {
		forms := map[string]string{}
		if err := json.Unmarshal(raw, &forms); err != nil {
			panic(key)
		}
		text = forms["other"]
		if n := fmt.Sprint(args["n"]); n == "1" {
			text = forms["one"]
		}
	}
	return place.ReplaceAllStringFunc(text, func(name string) string {
		value, ok := args[strings.Trim(name, "{}")]
		if !ok {
			panic(key + " misses " + name)
		}
		switch v := value.(type) {
		case time.Time:
			return v.In(p.zone).Format("2 January 2006, 15:04")
		case []string:
			if len(v) > 1 {
				return strings.Join(v[:len(v)-1], ", ") + " and " + v[len(v)-1]
			}
			return strings.Join(v, "")
		}
		return fmt.Sprint(value)
	})
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(want) != got {
		t.Errorf("%s differs from what the program makes; look at it and run the test with -update\n%s", path, got)
	}
}
