package i18n

import (
	"fmt"
	"reflect"
	"strings"
	"time"

	"golang.org/x/text/language"
	"golang.org/x/text/language/display"
	"golang.org/x/text/message"
	xnumber "golang.org/x/text/number"
)

// Plain is a value that is put in as it stands, without marks that keep its direction apart.
type Plain string

// Date is a time of which a message shows the day only.
type Date time.Time

// Clock is a time of which a message shows hour and minute only.
type Clock time.Time

// Printer says things in one language. All goroutines may use it.
type Printer struct {
	locale *locale
	zone   *time.Location
}

// Lang is the language, for the lang of a page.
func (p *Printer) Lang() string { return p.locale.lang }

// Dir is the direction, for the dir of a page: "ltr" or "rtl".
func (p *Printer) Dir() string {
	if p.locale.rtl {
		return "rtl"
	}
	return "ltr"
}

// Zone is the zone of all times.
func (p *Printer) Zone() *time.Location { return p.zone }

// T is the message of a key with its values: name, value, name, value. Numbers get the digits of the language, a time.Time
// becomes day and time, a time.Duration a span, a []string a list; other texts are kept apart by isolates, so that their
// direction does not disturb the sentence. A value that is missing leaves its {name}.
func (p *Printer) T(key string, args ...any) string {
	return p.say(key, func(name string) (any, bool) {
		for i := 0; i+1 < len(args); i += 2 {
			if s, ok := args[i].(string); ok && s == name {
				return args[i+1], true
			}
		}
		return nil, false
	})
}

// Text is T with the values in a map, as faults carry them.
func (p *Printer) Text(key string, args map[string]any) string {
	return p.say(key, func(name string) (any, bool) {
		v, ok := args[name]
		return v, ok
	})
}

// Has reports whether a key has a message in this language or in English.
func (p *Printer) Has(key string) bool {
	_, ok := p.locale.find(key)
	return ok
}

func (l *locale) find(key string) (*entry, bool) {
	if m, ok := l.messages[key]; ok {
		return m, true
	}
	if l.fallback != nil && l.fallback != l {
		return l.fallback.find(key)
	}
	return nil, false
}

func (p *Printer) say(key string, values func(string) (any, bool)) string {
	m, ok := p.locale.find(key)
	if !ok {
		return "«" + key + "»"
	}
	pattern := m.form(values)
	if len(pattern) == 1 && pattern[0].name == "" {
		return pattern[0].text
	}
	var b strings.Builder
	for _, piece := range pattern {
		if piece.name == "" {
			b.WriteString(piece.text)
			continue
		}
		v, ok := values(piece.name)
		if !ok {
			b.WriteString("{" + piece.name + "}")
			continue
		}
		b.WriteString(p.value(v))
	}
	return b.String()
}

// value is a value as it stands in a sentence.
func (p *Printer) value(v any) string {
	switch v := v.(type) {
	case Plain:
		return string(v)
	case string:
		return Isolate(v)
	case time.Time:
		return p.DateTime(v)
	case Date:
		return p.Date(time.Time(v))
	case Clock:
		return p.Time(time.Time(v))
	case time.Duration:
		return p.Span(v)
	case []string:
		return p.List(v)
	case nil:
		return ""
	}
	if n, ok := number(v); ok {
		return p.Number(n)
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return Isolate(r.String())
	}
	return Isolate(fmt.Sprint(v))
}

// Isolate sets a text apart (U+2068, U+2069), so that its direction does not reach the words around it.
func Isolate(s string) string {
	if s == "" {
		return ""
	}
	return "\u2068" + s + "\u2069"
}

// number reads a value of any type of number. Durations are none.
func number(v any) (float64, bool) {
	switch v := v.(type) {
	case int:
		return float64(v), true
	case int64:
		return float64(v), true
	case float64:
		return v, true
	case time.Duration:
		return 0, false
	}
	r := reflect.ValueOf(v)
	switch {
	case r.CanInt():
		return float64(r.Int()), true
	case r.CanUint():
		return float64(r.Uint()), true
	case r.CanFloat():
		return r.Float(), true
	}
	return 0, false
}

// Number is a number in the digits of the language, grouped, with at most one decimal. What is no number is shown as it is.
func (p *Printer) Number(n any) string {
	f, ok := number(n)
	if !ok {
		return fmt.Sprint(n)
	}
	return p.print(xnumber.Decimal(f, xnumber.MaxFractionDigits(1)))
}

// digits is a whole number without groups and with at least width digits, for dates and version numbers.
func (p *Printer) digits(n, width int) string {
	return p.print(xnumber.Decimal(n, xnumber.NoSeparator(), xnumber.MinIntegerDigits(width)))
}

// Digits is a whole number without groups: a year, a version.
func (p *Printer) Digits(n int) string { return p.digits(n, 1) }

func (p *Printer) print(v any) string { return message.NewPrinter(p.locale.tag).Sprint(v) }

// Numeral writes the digits of a text as the language does: a clause "4.2", a count that came as a text.
func (p *Printer) Numeral(text string) string {
	zero := []rune(p.digits(0, 1))[0]
	if zero == '0' {
		return text
	}
	out := []rune(text)
	for i, r := range out {
		switch {
		case r >= '0' && r <= '9':
			out[i] = zero + r - '0'
		case r == '.' && i > 0 && i+1 < len(out) && out[i+1] >= '0' && out[i+1] <= '9':
			out[i] = '٫'
		}
	}
	return string(out)
}

// Bytes is a size in words that a person reads: "640 kB", "1.2 MB".
func (p *Printer) Bytes(n int64) string {
	switch {
	case n < 1000:
		return p.T("when.bytes", "n", n)
	case n < 1_000_000:
		return p.T("when.kilobytes", "n", (n+500)/1000)
	case n < 1_000_000_000:
		return p.T("when.megabytes", "n", float64(n/100_000)/10)
	}
	return p.T("when.gigabytes", "n", float64(n/100_000_000)/10)
}

// List joins texts as the language does: "print, web and radio". Each is kept apart by isolates.
func (p *Printer) List(items []string) string {
	var b strings.Builder
	for i, item := range items {
		switch {
		case i == 0:
		case i == len(items)-1:
			b.WriteString(p.locale.style.last)
		default:
			b.WriteString(p.locale.style.comma)
		}
		b.WriteString(Isolate(item))
	}
	return b.String()
}

// Language is the name of a language in this one: "Persian". A tag without a name stays a tag.
func (p *Printer) Language(lang string) string {
	tag, err := language.Parse(lang)
	if err != nil || lang == "" {
		return lang
	}
	if name := display.Languages(p.locale.tag).Name(tag); name != "" {
		return name
	}
	return lang
}

// OwnName is the name of a language in itself: "فارسی".
func OwnName(lang string) string {
	tag, err := language.Parse(lang)
	if err != nil {
		return lang
	}
	if name := display.Self.Name(tag); name != "" {
		return name
	}
	return lang
}
