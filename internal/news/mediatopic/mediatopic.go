// Package mediatopic knows the IPTC Media Topics: the subjects by which newsrooms of all countries mark their stories. It
// holds the release of 22 September 2022 and never changes while the program runs. NOTICE.md names source and licence.
//
// A code is written with its scheme, "medtop:20000339". Names are those of the IPTC in English, Arabic, French and Spanish;
// the IPTC has none in Russian and Persian, so own.tsv gives names of ours there, for the 17 top concepts and those next
// below them. Everything else falls back to English.
package mediatopic

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// Scheme stands before every code.
const Scheme = "medtop:"

// SearchLimit is how many codes Search gives at most.
const SearchLimit = 50

//go:embed mediatopics.tsv.gz
var iptc []byte

//go:embed own.tsv
var own string

// columns are the languages of a line of mediatopics.tsv, after id, parent and mark of retirement.
var columns = [...]string{"en", "ar", "fr", "es"}

type concept struct {
	code    string
	parent  string // "" at the top
	retired bool
	names   map[string]string
}

type vocabulary struct {
	list   []concept // in the order of the codes
	byCode map[string]int
	top    []string
}

// table is read once, at the first question.
var table = sync.OnceValue(load)

func load() vocabulary {
	z, err := gzip.NewReader(bytes.NewReader(iptc))
	if err != nil {
		panic(fmt.Sprintf("mediatopic: embedded vocabulary: %v", err))
	}
	text, err := io.ReadAll(z)
	if err != nil {
		panic(fmt.Sprintf("mediatopic: embedded vocabulary: %v", err))
	}
	v := vocabulary{byCode: map[string]int{}}
	for line := range strings.Lines(string(text)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if len(f) != 3+len(columns) {
			panic(fmt.Sprintf("mediatopic: embedded vocabulary: line %q", line))
		}
		c := concept{code: Scheme + f[0], retired: f[2] != "", names: map[string]string{}}
		if f[1] != "" {
			c.parent = Scheme + f[1]
		} else {
			v.top = append(v.top, c.code)
		}
		for i, lang := range columns {
			if name := f[3+i]; name != "" {
				c.names[lang] = name
			}
		}
		v.byCode[c.code] = len(v.list)
		v.list = append(v.list, c)
	}
	for line := range strings.Lines(own) {
		if f := strings.Split(strings.TrimSuffix(line, "\n"), "\t"); len(f) == 3 {
			if i, ok := v.byCode[Scheme+f[0]]; ok {
				v.list[i].names["ru"], v.list[i].names["fa"] = f[1], f[2]
			}
		}
	}
	return v
}

func find(code string) (concept, bool) {
	v := table()
	i, ok := v.byCode[code]
	if !ok {
		return concept{}, false
	}
	return v.list[i], true
}

// Known reports whether the code is one of the vocabulary. Retired concepts are known: old stories bear them.
func Known(code string) bool {
	_, ok := find(code)
	return ok
}

// Retired reports whether the IPTC has withdrawn the concept. New stories should not bear it.
func Retired(code string) bool {
	c, ok := find(code)
	return ok && c.retired
}

// Name is the concept's name in a language (a BCP 47 tag; the region does not matter), in English where that language has
// none, and the code itself where the vocabulary does not know it.
func Name(code, lang string) string {
	c, ok := find(code)
	if !ok {
		return code
	}
	if name, ok := c.names[base(lang)]; ok {
		return name
	}
	return c.names["en"]
}

// Ancestors gives the concept and everything above it, itself first, the top concept last. Of an unknown code it gives the
// code alone.
func Ancestors(code string) []string {
	list := []string{code}
	for c, ok := find(code); ok && c.parent != "" && len(list) < 16; c, ok = find(c.parent) {
		list = append(list, c.parent)
	}
	return list
}

// Children gives the codes right below a concept that are not retired, in the order of the codes; of "" the top concepts.
func Children(code string) []string {
	if code == "" {
		return Top()
	}
	var list []string
	for _, c := range table().list {
		if c.parent == code && !c.retired {
			list = append(list, c.code)
		}
	}
	return list
}

// Top gives the 17 top concepts in the order of their codes.
func Top() []string { return slices.Clone(table().top) }

// Search gives the codes of the concepts whose name has a word that begins with prefix, in the language of the reader or
// in English, at most SearchLimit. Case and accents do not matter; retired concepts are left out. Names that begin with
// prefix come first, and of these the higher concepts first. An empty prefix gives the top concepts.
func Search(prefix, lang string) []string {
	p := fold(strings.TrimSpace(prefix))
	if p == "" {
		return Top()
	}
	type hit struct {
		code string
		rank int
	}
	var hits []hit
	for _, c := range table().list {
		if c.retired {
			continue
		}
		best := 0
		for _, name := range []string{c.names[base(lang)], c.names["en"]} {
			switch n := fold(name); {
			case n == "":
			case strings.HasPrefix(n, p):
				best = max(best, 2)
			case wordBegins(n, p):
				best = max(best, 1)
			}
		}
		if best > 0 {
			hits = append(hits, hit{c.code, (2-best)*16 + len(Ancestors(c.code))})
		}
	}
	slices.SortStableFunc(hits, func(a, b hit) int { return a.rank - b.rank })
	var list []string
	for _, h := range hits[:min(len(hits), SearchLimit)] {
		list = append(list, h.code)
	}
	return list
}

func wordBegins(name, prefix string) bool {
	for i, r := range name {
		if i > 0 && !unicode.IsLetter(r) && !unicode.IsDigit(r) {
			if strings.HasPrefix(strings.TrimLeftFunc(name[i:], func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) }), prefix) {
				return true
			}
		}
	}
	return false
}

func base(lang string) string {
	b, _, _ := strings.Cut(strings.ToLower(lang), "-")
	return b
}

// fold brings a name to the form in which it is sought: small letters, no marks, one yeh and one kaf, a blank for the
// zero-width non-joiner.
func fold(s string) string {
	var b strings.Builder
	for _, r := range norm.NFKD.String(strings.ToLower(s)) {
		switch {
		case unicode.Is(unicode.M, r):
		case r == 'ي' || r == 'ى':
			b.WriteRune('ی')
		case r == 'ك':
			b.WriteRune('ک')
		case r == '\u200c':
			b.WriteByte(' ')
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
