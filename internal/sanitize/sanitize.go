package sanitize

import (
	"slices"
	"strings"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// maxTags is the number of tags above which a text is taken as plain: no story has so many, and what has could make a
// parser work for minutes.
const maxTags = 100_000

// Story brings foreign HTML, a fragment or a whole page, to the form of a story body. Text that stands loose becomes
// paragraphs, headings become h2 to h4, pictures, scripts and everything else that the policy does not know are taken
// out. What cannot be parsed at all is given back as plain paragraphs. The result is empty where nothing can be read.
func Story(src string) string {
	if isPlain(src) {
		return src
	}
	return story(src)
}

// story is Story for what is not obviously clean.
func story(src string) string {
	src = strings.ToValidUTF8(src, "\ufffd")
	out, ok := pass(src)
	for range 4 {
		if !ok {
			break
		}
		again, fine := pass(out)
		if fine && again == out {
			return out
		}
		out, ok = again, fine
	}
	return Text(words(src))
}

// Dropped names the elements in foreign HTML whose loss a reader would notice: pictures, films, frames. Sorted, each once.
func Dropped(src string) []string {
	var names []string
	z := html.NewTokenizer(strings.NewReader(src))
	for {
		switch z.Next() {
		case html.ErrorToken:
			slices.Sort(names)
			return names
		case html.StartTagToken, html.SelfClosingTagToken:
			b, _ := z.TagName()
			if name := string(b); seen[name] && !slices.Contains(names, name) {
				names = append(names, name)
			}
		}
	}
}

// pass is one way through: filter the tags, parse, build the story anew, and through the policy.
func pass(src string) (string, bool) {
	if strings.TrimSpace(src) == "" {
		return "", true
	}
	filtered, ok := filter(src)
	if !ok {
		return "", false
	}
	nodes, err := html.ParseFragment(strings.NewReader(filtered), &html.Node{Type: html.ElementNode, Data: "body", DataAtom: atom.Body})
	if err != nil {
		return "", false
	}
	b := builder{room: &html.Node{Type: html.DocumentNode}}
	for _, n := range nodes {
		b.walk(n)
	}
	b.endLine()
	var out strings.Builder
	if err := html.Render(&out, b.room); err != nil {
		return "", false
	}
	// Marks that are opened anew in each paragraph could make a small text huge.
	if out.Len() > 4*len(src)+64<<10 {
		return "", false
	}
	return policy.Sanitize(out.String()), true
}

// filter writes the tokens that matter, under the names that they become.
func filter(src string) (string, bool) {
	var out strings.Builder
	out.Grow(len(src))
	pos, tags, pre, silent := 0, 0, 0, ""
	ends := ends{src: src}
	z := html.NewTokenizer(strings.NewReader(src))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			return out.String(), true
		}
		pos += len(z.Raw())
		if kind == html.TextToken {
			if silent == "" {
				writeText(&out, string(z.Text()), pre > 0)
			}
			continue
		}
		if kind == html.CommentToken || kind == html.DoctypeToken {
			continue
		}
		t := z.Token()
		to := become[t.Data]
		if silent != "" {
			if kind == html.EndTagToken && t.Data == silent {
				silent = ""
			}
			continue
		}
		if to.sort == dropTag || (to.sort == mute && kind == html.EndTagToken) {
			continue
		}
		if tags++; tags > maxTags {
			return "", false
		}
		if to.sort == mute {
			if kind == html.StartTagToken && (raw[t.Data] || ends.last(t.Data) >= pos) {
				silent = t.Data
			}
			continue
		}
		if t.Data == "pre" {
			pre = max(0, pre+map[html.TokenType]int{html.StartTagToken: 1, html.EndTagToken: -1}[kind])
		}
		writeTag(&out, t, to.name)
	}
}

func writeTag(out *strings.Builder, t html.Token, name string) {
	if t.Type == html.EndTagToken {
		out.WriteString("</" + name + ">")
		return
	}
	attrs, ok := keepAttrs(name, t.Attr)
	if !ok {
		return
	}
	t.Data, t.Type, t.Attr = name, html.StartTagToken, attrs
	out.WriteString(t.String())
	if name == "div" && (t.DataAtom == atom.Hr) {
		out.WriteString("</div>")
	}
}

// writeText writes text without the characters that mean nothing in a story; line ends of pre are kept as br.
func writeText(out *strings.Builder, s string, pre bool) {
	s = html.EscapeString(strings.Map(readable, s))
	if pre {
		s = strings.ReplaceAll(s, "\n", "<br>")
	}
	out.WriteString(s)
}

// readable takes out control characters, byte order marks and what is no character.
func readable(r rune) rune {
	switch {
	case r == '\n', r == '\t', r == ' ':
		return r
	case r == '\r':
		return '\n'
	case r < ' ', r >= 0x7f && r < 0xa0, r == '\ufeff', r == '\ufffe', r == '\uffff':
		return -1
	}
	return r
}

// ends knows where the last end tag of an element stands, so that a frame that is never closed does not swallow the rest.
type ends struct {
	src, lower string
	at         map[string]int
}

func (e *ends) last(name string) int {
	if e.at == nil {
		e.at = map[string]int{}
		e.lower = strings.Map(func(r rune) rune {
			if 'A' <= r && r <= 'Z' {
				return r + 'a' - 'A'
			}
			return r
		}, e.src)
	}
	at, ok := e.at[name]
	if !ok {
		at = strings.LastIndex(e.lower, "</"+name)
		e.at[name] = at
	}
	return at
}

// words is the text of HTML that could not be parsed: tags out, each block on a line of its own.
func words(src string) string {
	var out strings.Builder
	z := html.NewTokenizer(strings.NewReader(src))
	silent := ""
	for {
		switch kind := z.Next(); kind {
		case html.ErrorToken:
			return out.String()
		case html.TextToken:
			if silent == "" {
				out.WriteString(strings.NewReplacer("\n", " ", "\r", " ").Replace(string(z.Text())))
			}
		case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
			b, _ := z.TagName()
			name := string(b)
			to := become[name]
			switch {
			case silent != "" && kind == html.EndTagToken && name == silent:
				silent = ""
			case silent == "" && kind == html.StartTagToken && raw[name]:
				silent = name
			case to.sort == keepRoom, to.sort == keepTag && !phrase[to.name], name == "br":
				out.WriteByte('\n')
			}
		}
	}
}
