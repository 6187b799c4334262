package sanitize

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxPlainParagraphs is how many paragraphs are looked at before a text goes the long way.
const maxPlainParagraphs = 10_000

// isPlain reports whether src is paragraphs of plain text and nothing else, written as Story writes them: then it is clean
// as it stands. That is what most stories are, each time they are read again; whatever is not obvious goes the long way.
func isPlain(src string) bool {
	for n := 0; src != ""; n++ {
		rest, ok := strings.CutPrefix(src, "<p>")
		if !ok || n == maxPlainParagraphs {
			return false
		}
		text, after, ok := strings.Cut(rest, "</p>")
		if !ok || !isPlainText(text) {
			return false
		}
		src = after
	}
	return true
}

// isPlainText accepts words with single blanks between them, and the five escapes that Story writes.
func isPlainText(s string) bool {
	word := false // something that can be seen stands in it
	blank := true // a blank would be too much here
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == ' ':
			if blank {
				return false
			}
			blank = true
			continue
		case c == '&':
			n := escaped(s[i:])
			if n == 0 {
				return false
			}
			i += n - 1
		case c == '<' || c == '>' || c == '"' || c == '\'' || c < ' ' || c == 0x7f:
			return false
		case c < utf8.RuneSelf:
			word = word || c >= '0' && c <= '9' || c >= 'A' && c <= 'Z' || c >= 'a' && c <= 'z'
		default:
			r, size := utf8.DecodeRuneInString(s[i:])
			letter := unicode.IsLetter(r) && r != '\u3164' // which is a letter that nobody sees
			if (r == utf8.RuneError && size == 1) || !letter && r != '\u200c' && !unicode.In(r, unicode.M, unicode.N, unicode.P, unicode.Sc) {
				return false
			}
			word = word || letter
			i += size - 1
		}
		blank = false
	}
	return word && !blank
}

// escaped is the length of one of the escapes that Story writes; 0 for anything else.
func escaped(s string) int {
	for _, e := range [...]string{"&amp;", "&#39;", "&#34;", "&lt;", "&gt;"} {
		if strings.HasPrefix(s, e) {
			return len(e)
		}
	}
	return 0
}
