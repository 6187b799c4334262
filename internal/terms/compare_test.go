package terms

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/news"
)

func TestCompare(t *testing.T) {
	p := newPrinter("en", time.UTC)
	older, newer := exchange(), exchange()
	newer.Number, newer.Predecessor = 2, Hash(older.Bytes())
	newer.TextHashes = nil
	if changes := Compare(older, newer); len(changes) != 0 {
		t.Errorf("what names a revision is taken for a change: %v", changes)
	}
	newer.Flows[0].Languages = []news.Lang{"en"}
	newer.Flows = append(newer.Flows[:2:2], append(newer.Flows[3:], Flow{Clause: "2.6", Types: []news.ItemType{news.Audio}})...)
	newer.Uses.Publish = append(newer.Uses.Publish, TV)
	newer.Purpose = InLanguages{"en": newer.Purpose["en"], "fa": "هدف دیگر"}
	newer.Withdrawals.Minutes = 5

	var got []string
	for _, c := range Compare(older, newer) {
		old, new := len(c.Old), len(c.New)
		got = append(got, fmt.Sprintf("%s %s: %d, %d", Say(p, c.Heading), Say(p, c.Line()), old, new))
	}
	want := []string{
		"Purpose Clause 1.2 has changed.: 2, 2",
		"What is sent Clause 2.1 has changed.: 6, 6",
		"What is sent Clause 2.3 has been removed.: 7, 0",
		"What is sent Clause 2.6 is new.: 0, 3",
		"Publication Clause 3.1 has changed.: 1, 1",
		"Withdrawals Clause 5.2 has changed.: 4, 4",
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, c := range Compare(older, newer) {
		if c.Clause == "3.1" && (SayAll(p, c.Old) != "It may publish in print, web and radio." || SayAll(p, c.New) != "It may publish in print, web, radio and television.") {
			t.Errorf("%q became %q", SayAll(p, c.Old), SayAll(p, c.New))
		}
	}
}

// TestNothingIsAgreedInSilence changes every field of a revision in turn and asks the comparison, which reads the document,
// to notice. So nothing is in the terms that the readable text does not say.
func TestNothingIsAgreedInSilence(t *testing.T) {
	silent := []string{
		"Format", "Number", "Predecessor", "TextHashes", // what names the revision
		"Flows.To", // always all
		"ready",    // not part of it
	}
	base := exchange()
	fields := 0
	var visit func(path string, v reflect.Value, whole func() Revision)
	visit = func(path string, v reflect.Value, whole func() Revision) {
		if slices.Contains(silent, path) {
			return
		}
		old := reflect.New(v.Type()).Elem()
		old.Set(v)
		try := func(change func()) {
			fields++
			change()
			if len(Compare(base, whole())) == 0 {
				t.Errorf("a change of %s is not in the document", path)
			}
			v.Set(old)
		}
		switch v.Kind() {
		case reflect.String:
			// A word of a fixed list is changed to another of the list.
			try(func() { v.SetString(other(v)) })
		case reflect.Int, reflect.Int64:
			try(func() { v.SetInt(v.Int() + 1) })
		case reflect.Bool:
			try(func() { v.SetBool(!v.Bool()) })
		case reflect.Map:
			keys := v.MapKeys()
			for _, k := range keys {
				try(func() {
					fresh := reflect.MakeMap(v.Type())
					for _, o := range keys {
						fresh.SetMapIndex(o, v.MapIndex(o))
					}
					fresh.SetMapIndex(k, reflect.ValueOf("changed"))
					v.Set(fresh)
				})
			}
		case reflect.Slice:
			if v.Len() > 0 && path != "Parties" {
				try(func() { v.Set(v.Slice(0, v.Len()-1)) })
			}
			for i := range v.Len() {
				visit(path, v.Index(i), whole)
			}
		case reflect.Struct:
			for i := range v.NumField() {
				if party, ok := v.Interface().(Party); ok && party.Root != "" && v.Type().Field(i).Name == "Host" {
					continue // Validate refuses a host here
				}
				visit(strings.TrimPrefix(path+"."+v.Type().Field(i).Name, "."), v.Field(i), whole)
			}
		}
	}
	changed := full()
	base = full()
	visit("", reflect.ValueOf(&changed).Elem(), func() Revision { return changed })
	if fields < 100 {
		t.Errorf("only %d changes were tried", fields)
	}
}

// full is a revision that says something everywhere: its first flow is of an archive, so that all its fields are heard.
func full() Revision {
	r := exchange()
	r.Flows = []Flow{{
		Clause: "2.1", From: []news.Root{north}, Types: []news.ItemType{news.Text}, Subjects: []string{"medtop:11000000"}, Except: []string{"medtop:20000574"},
		Languages: []news.Lang{"en"}, UrgencyMin: 1, UrgencyMax: 3, Genres: []string{"g"}, Services: []string{"s"},
		Words:   WordTerms{All: []string{"a"}, Any: []string{"b"}, None: []string{"c"}, Phrases: []string{"d e"}},
		Archive: Archive{From: 1960, To: 1990},
	}}
	return r
}

// other is another value for a word: of the same list where only such are heard.
func other(v reflect.Value) string {
	switch v.Interface().(type) {
	case Kind:
		return string(Pool)
	case Review:
		return string(Yearly)
	case Notice:
		return string(NoticeAfter)
	case Channel:
		return string(Social)
	case Date:
		return "2026-12-24"
	case news.Root:
		if v.String() == string(avand) {
			return string(soren)
		}
		return string(avand)
	}
	return v.String() + "x"
}
