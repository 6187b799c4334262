package i18n

import (
	"fmt"
	"strings"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
)

// entry is one message in one language.
type entry struct {
	by    string // the value that chooses the form
	tag   language.Tag
	forms map[plural.Form]pattern // nil: there is only other
	other pattern
}

// pattern is a text cut at its places.
type pattern []piece

type piece struct {
	text string // as it stands; or
	name string // the name of a value
}

// parse cuts a text at its places. A brace that is not part of a place is an error.
func parse(text string) (pattern, error) {
	var p pattern
	for text != "" {
		i := strings.IndexAny(text, "{}")
		if i < 0 {
			return append(p, piece{text: text}), nil
		}
		if text[i] == '}' {
			return nil, fmt.Errorf("a } without its { in %q", text)
		}
		if i > 0 {
			p = append(p, piece{text: text[:i]})
		}
		j := strings.IndexAny(text[i+1:], "{}")
		if j < 0 || text[i+1+j] != '}' {
			return nil, fmt.Errorf("a { without its } in %q", text)
		}
		name := text[i+1 : i+1+j]
		if !isName(name) {
			return nil, fmt.Errorf("%q is no name of a value", name)
		}
		p = append(p, piece{name: name})
		text = text[i+j+2:]
	}
	return p, nil
}

func isName(s string) bool {
	if s == "" {
		return false
	}
	for _, r := range s {
		if (r < 'a' || r > 'z') && (r < '0' || r > '9') && r != '_' {
			return false
		}
	}
	return true
}

// form chooses the pattern for the values.
func (m *entry) form(values func(string) (any, bool)) pattern {
	if m.forms == nil {
		return m.other
	}
	v, ok := values(m.by)
	if !ok {
		return m.other
	}
	n, ok := number(v)
	if !ok {
		return m.other
	}
	if p, ok := m.forms[category(m.tag, n)]; ok {
		return p
	}
	return m.other
}

// category is the plural category of a number as it is printed: whole, or with one decimal.
func category(tag language.Tag, n float64) plural.Form {
	if n < 0 {
		n = -n
	}
	whole := int(n)
	if float64(whole) == n {
		return plural.Cardinal.MatchPlural(tag, whole%10_000_000, 0, 0, 0, 0)
	}
	tenth := int(n*10+0.5) - whole*10
	if tenth <= 0 || tenth > 9 {
		return plural.Cardinal.MatchPlural(tag, int(n+0.5), 0, 0, 0, 0)
	}
	return plural.Cardinal.MatchPlural(tag, whole, 1, 1, tenth, tenth)
}
