package sanitize

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// Lines between these lengths, in characters, are taken as wrapped by a machine and joined.
const (
	wrappedFrom = 45
	wrappedTo   = 100
)

// Text makes paragraphs of plain text, everything in it escaped. Where the text has blank lines they divide the
// paragraphs, and inside of one lines that look wrapped are joined, others end with a break; where it has none each line
// is a paragraph. Story(Text(x)) == Text(x).
func Text(plain string) string {
	plain = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u2028", "\n", "\u2029", "\n\n", "\v", "\n", "\f", "\n\n").Replace(strings.ToValidUTF8(plain, "\ufffd"))
	lines := strings.Split(strings.Map(readable, plain), "\n")
	for i, l := range lines {
		lines[i] = strings.Join(strings.FieldsFunc(l, isSpace), " ")
		if !visible(lines[i]) {
			lines[i] = ""
		}
	}
	for len(lines) > 0 && lines[0] == "" {
		lines = lines[1:]
	}
	for len(lines) > 0 && lines[len(lines)-1] == "" {
		lines = lines[:len(lines)-1]
	}
	var out strings.Builder
	apart := !hasBlank(lines)
	open := false
	for i, l := range lines {
		switch {
		case l == "":
			if open {
				out.WriteString("</p>")
			}
			open = false
			continue
		case !open:
			out.WriteString("<p>")
		case wrapped(lines[i-1]):
			out.WriteByte(' ')
		default:
			out.WriteString("<br/>")
		}
		out.WriteString(html.EscapeString(l))
		open = true
		if apart {
			out.WriteString("</p>")
			open = false
		}
	}
	if open {
		out.WriteString("</p>")
	}
	return out.String()
}

func hasBlank(lines []string) bool {
	for _, l := range lines {
		if l == "" {
			return true
		}
	}
	return false
}

func wrapped(line string) bool {
	n := utf8.RuneCountInString(line)
	return n >= wrappedFrom && n <= wrappedTo
}
