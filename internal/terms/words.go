package terms

import (
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/cases"
	"golang.org/x/text/unicode/norm"

	"newspool/internal/news"
)

// WordRule is the number of the rule by which words are matched. A change of the rule has a new number, so that both ends of
// an agreement always match alike. Rule 1, in this order:
//
//  1. Unicode normalisation NFKC.
//  2. Unicode full case folding.
//  3. Marks (general category M), the Arabic tatweel U+0640 and the soft hyphen U+00AD are dropped. Letters that NFKC has
//     composed (é, ё, й, ñ, آ) are no marks and stay.
//  4. The yehs U+064A and U+0649 become U+06CC, the kaf U+0643 becomes U+06A9.
//  5. The text is cut at everything that is neither a letter (L) nor a decimal digit (Nd): the zero-width non-joiner cuts.
//
// An entry, cut in the same way, is found where its words follow each other in the headline, in the slug or in the plain text
// of the body; never across two of these. testdata/words.json holds the vectors.
const WordRule = 1

// Cut gives the words of a text by rule 1.
func Cut(text string) []string {
	var words []string
	var word []rune
	end := func() {
		if len(word) > 0 {
			words = append(words, string(word))
			word = word[:0]
		}
	}
	for _, r := range cases.Fold().String(norm.NFKC.String(text)) {
		switch {
		case unicode.Is(unicode.M, r) || r == '\u0640' || r == '\u00ad':
		case r == '\u064a' || r == '\u0649':
			word = append(word, '\u06cc')
		case r == '\u0643':
			word = append(word, '\u06a9')
		case unicode.IsLetter(r) || unicode.Is(unicode.Nd, r):
			word = append(word, r)
		default:
			end()
		}
	}
	end()
	return words
}

// Words is a story made ready for matching. The zero value holds no words. It does not change: the work is done when words are
// first asked for, which most agreements never do.
type Words struct{ parts func() [3]string }

// WordsOf makes a story ready: its headline, its slug, the plain text of its body.
func WordsOf(headline, slug, body string) Words {
	return Words{sync.OnceValue(func() [3]string { return [3]string{joined(headline), joined(slug), joined(body)} })}
}

// wordsOfStory is WordsOf for a story whose body is HTML.
func wordsOfStory(s news.Story) Words {
	headline, slug, body := s.Headline, s.Slug, s.Body
	return Words{sync.OnceValue(func() [3]string {
		return [3]string{joined(headline), joined(slug), joined(news.PlainText(body))}
	})}
}

// joined is the words of a text, each with a blank before and after it; "" if there is none.
func joined(text string) string {
	words := Cut(text)
	if len(words) == 0 {
		return ""
	}
	return " " + strings.Join(words, " ") + " "
}

// Has reports whether the words of the entry follow each other somewhere in the story. An entry without a word is never found.
func (w Words) Has(entry string) bool {
	sought := joined(entry)
	if sought == "" || w.parts == nil {
		return false
	}
	for _, part := range w.parts() {
		if strings.Contains(part, sought) {
			return true
		}
	}
	return false
}

// missing gives the first entry that is not found.
func (w Words) missing(entries []string) (string, bool) {
	for _, e := range entries {
		if !w.Has(e) {
			return e, true
		}
	}
	return "", false
}

// first gives the first entry that is found.
func (w Words) first(entries []string) (string, bool) {
	for _, e := range entries {
		if w.Has(e) {
			return e, true
		}
	}
	return "", false
}
