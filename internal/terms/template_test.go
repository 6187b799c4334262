package terms

import (
	"encoding/json"
	"slices"
	"strconv"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/news"
)

// TestTemplates makes each kind for different parties: with what only the caller knows it is an agreement without a problem.
func TestTemplates(t *testing.T) {
	for _, kind := range Kinds {
		for _, parties := range [][]Party{{northParty(), avandParty()}, {sorenParty(), avandParty(), northParty(), harbourParty()}, {harbourParty(), northParty()}} {
			r := Template(kind, parties...)
			r.Agreement, r.SignBy = "0123456789abcdef0123456789abcdef", "2026-12-31"
			r.TextHashes = HashTexts(r, func(lang news.Lang) Printer { return newPrinter(string(lang), r.Location()) })
			if problems := r.Validate(); len(problems) > 0 {
				t.Errorf("%s: %v", kind, problems)
			}
			if r.Kind != kind || len(r.Commitments) == 0 || len(r.Flows) == 0 {
				t.Errorf("%s: %+v", kind, r)
			}
			if back, err := Parse(r.Bytes()); err != nil || len(Compare(r, back)) != 0 {
				t.Errorf("%s: %v", kind, err)
			}
		}
	}
	if r := Template("treaty", northParty(), avandParty()); r.Kind != Wire {
		t.Errorf("an unknown kind became %s", r.Kind)
	}
	if r := Template(Wire); r.Author != "" || len(r.Languages) != 1 {
		t.Errorf("without parties: %+v", r)
	}
}

func TestTemplateLanguages(t *testing.T) {
	german := Party{Root: soren, Languages: []news.Lang{"de"}}
	brazil := Party{Root: soren, Languages: []news.Lang{"es-AR", "pt-BR"}}
	for i, c := range []struct {
		parties []Party
		want    []news.Lang
	}{
		{[]Party{northParty(), avandParty()}, []news.Lang{"en", "fa"}},
		{[]Party{avandParty(), sorenParty()}, []news.Lang{"fa", "ru", "en"}},
		{[]Party{german}, []news.Lang{"en"}},
		{[]Party{brazil, german}, []news.Lang{"es", "en"}},
	} {
		if d := cmp.Diff(c.want, Template(Wire, c.parties...).Languages); d != "" {
			t.Errorf("%d: %s", i, d)
		}
	}
}

// TestTemplateTexts asks for every text in all six languages, no two of them alike.
func TestTemplateTexts(t *testing.T) {
	var file templateFile
	if err := json.Unmarshal(templateTexts, &file); err != nil {
		t.Fatal(err)
	}
	texts := map[string]InLanguages{"confidentiality": file.Confidentiality}
	for kind, k := range file.Kinds {
		if !slices.Contains(Kinds[:], kind) {
			t.Errorf("texts for %q", kind)
		}
		texts[string(kind)] = k.Purpose
		for i, c := range k.Commitments {
			texts[string(kind)+strconv.Itoa(i)] = c
		}
	}
	if len(file.Kinds) != len(Kinds) {
		t.Errorf("texts for %d kinds", len(file.Kinds))
	}
	seen := map[string]string{}
	for name, text := range texts {
		if len(text) != len(TextLanguages) {
			t.Errorf("%s is in %d languages", name, len(text))
		}
		for _, lang := range TextLanguages {
			switch {
			case text[lang] == "":
				t.Errorf("%s is not in %s", name, lang)
			case seen[text[lang]] != "":
				t.Errorf("%s in %s is the text of %s", name, lang, seen[text[lang]])
			}
			seen[text[lang]] = name
		}
	}
}
