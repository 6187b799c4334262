package i18n

import (
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// locale is one language as it is spoken to one kind of reader.
type locale struct {
	lang     string // one of Languages
	tag      language.Tag
	rtl      bool
	solar    bool // dates in the Solar Hijri calendar
	style    style
	messages map[string]*entry
	fallback *locale
}

func newLocale(lang string, tag language.Tag, messages map[string]*entry) *locale {
	return &locale{
		lang:     lang,
		tag:      tag,
		rtl:      RightToLeft(lang),
		solar:    lang == "fa",
		style:    styles[lang],
		messages: messages,
	}
}

// with is the locale under the extensions of a tag: digits and calendar.
func (l *locale) with(tag language.Tag) *locale {
	c := *l
	c.tag = tag
	switch tag.TypeForKey("ca") {
	case "gregory":
		c.solar = false
		if l.lang == "fa" {
			c.style.months = persianGregorianMonths
		}
	case "persian":
		c.solar = l.lang == "fa"
	}
	return &c
}

// pseudo is the locale with longer and marked texts.
func (l *locale) pseudo() *locale {
	c := *l
	c.fallback = l
	c.messages = make(map[string]*entry, len(l.messages))
	for key, m := range l.messages {
		s := &entry{by: m.by, tag: m.tag, other: stretch(m.other)}
		if m.forms != nil {
			s.forms = make(map[plural.Form]pattern, len(m.forms))
			for form, p := range m.forms {
				s.forms[form] = stretch(p)
			}
		}
		c.messages[key] = s
	}
	return &c
}

// stretch makes a text half as long again: marks on the vowels, and a tail.
func stretch(p pattern) pattern {
	out := make(pattern, 0, len(p)+1)
	n := 0
	for _, piece := range p {
		n += len(piece.text)
		piece.text = marks.Replace(piece.text)
		out = append(out, piece)
	}
	return append(out, piece{text: " " + strings.Repeat("ö", max(2, n/2))})
}

var marks = strings.NewReplacer("a", "å", "e", "é", "i", "ï", "o", "ø", "u", "ü", "A", "Å", "E", "É", "I", "Î", "O", "Ø", "U", "Ü")

// RightToLeft reports whether texts of a language run from right to left.
func RightToLeft(lang string) bool {
	tag, err := language.Parse(lang)
	if err != nil {
		return false
	}
	script, _ := tag.Script()
	switch script.String() {
	case "Arab", "Hebr", "Thaa", "Syrc", "Nkoo", "Adlm", "Rohg", "Samr", "Mand":
		return true
	}
	return false
}

// Direction is "rtl" or "ltr", for the dir of a text in a language; "auto" where the language is not said.
func Direction(lang string) string {
	switch {
	case lang == "" || lang == "und":
		return "auto"
	case RightToLeft(lang):
		return "rtl"
	}
	return "ltr"
}
