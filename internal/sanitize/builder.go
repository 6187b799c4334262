package sanitize

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// phrase are the elements that stand inside a paragraph.
var phrase = map[string]bool{"a": true, "em": true, "strong": true, "b": true, "i": true, "br": true, "sub": true, "sup": true, "q": true, "cite": true,
	"bdi": true, "span": true}

// maxMarks is how many phrase elements may be open at a time.
const maxMarks = 12

// A builder makes the tree of a story out of a parsed one. Text is written line by line: a line is an open paragraph or
// heading, made when its first visible word comes, so that none is ever empty.
type builder struct {
	room    *html.Node       // holds blocks: the story, a quotation, a list item, a cell
	line    *html.Node       // the open paragraph or heading; nil: none
	flat    bool             // inside a heading or caption: blocks are only spaces
	attrs   []html.Attribute // lang and dir of the rooms around, for the next block
	marks   []mark           // the phrase elements that are open in the source
	last    *html.Node       // the text node written last in this line
	tail    strings.Builder  // what stands in it, until settle: a long text would be copied with each of its words
	space   bool             // the line ends with a space, or has not begun
	breaks  int              // line breaks that wait for the next word
	visible bool             // the line has something to see
}

// A mark is an open phrase element: as the source has it and, once a word came, as it stands in the line.
type mark struct{ source, live *html.Node }

func (b *builder) walk(n *html.Node) {
	if n.Type == html.TextNode {
		b.text(n.Data)
		return
	}
	if n.Type != html.ElementNode {
		return
	}
	switch name := n.Data; {
	case name == "br":
		b.breaks++
	case phrase[name]:
		b.phrase(n)
	case b.flat:
		b.text(" ")
		b.children(n)
		b.text(" ")
	case name == "h2" || name == "h3" || name == "h4":
		b.endLine()
		b.flatBlock(n, b.merged(n))
	case name == "blockquote":
		b.endLine()
		if q := b.block(n, b.merged(n)); q.FirstChild != nil {
			b.room.AppendChild(q)
		}
	case name == "ul" || name == "ol":
		b.endLine()
		b.list(n)
	case name == "table":
		b.endLine()
		b.table(n)
	default: // p, div, and parts of lists and tables that stand alone
		b.endLine()
		outer := b.attrs
		b.attrs = b.merged(n)
		b.children(n)
		b.endLine()
		b.attrs = outer
	}
}

func (b *builder) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		b.walk(c)
	}
}

// phrase opens a mark for what stands inside. The same emphasis inside itself says nothing and is left out.
func (b *builder) phrase(n *html.Node) {
	twice := len(b.marks) >= maxMarks
	for _, m := range b.marks {
		twice = twice || (m.source.Data == n.Data && n.Data != "q" && n.Data != "bdi" && n.Data != "span")
	}
	if twice {
		b.children(n)
		return
	}
	b.marks = append(b.marks, mark{source: n})
	b.children(n)
	b.marks = b.marks[:len(b.marks)-1]
}

// text writes words into the line, spaces run together.
func (b *builder) text(s string) {
	for s != "" {
		words, rest, _ := cutSpace(s)
		s = rest
		if words == "" { // a space
			b.gap()
			continue
		}
		if b.breaks > 0 {
			b.takeBreaks()
		}
		b.write(b.inner(), words)
		b.space = false
		b.visible = b.visible || visible(words)
	}
}

// cutSpace cuts one run of spaces (words is empty) or one run of words with single spaces between them off the front.
func cutSpace(s string) (words, rest string, ok bool) {
	if i := strings.IndexFunc(s, func(r rune) bool { return !isSpace(r) }); i != 0 {
		if i < 0 {
			i = len(s)
		}
		return "", s[i:], true
	}
	if i := strings.IndexFunc(s, isSpace); i > 0 {
		return s[:i], s[i:], true
	}
	return s, "", true
}

func isSpace(r rune) bool { return r == ' ' || r == '\n' || r == '\t' || r == '\r' || r == '\f' }

// visible says whether a reader would see anything.
func visible(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool {
		return !unicode.IsSpace(r) && !unicode.Is(unicode.Cf, r) && r != '\u2800' && r != '\u3164'
	})
}

// gap writes one space, in the innermost element that the line already has.
func (b *builder) gap() {
	if b.line == nil || b.space || b.breaks > 0 {
		return
	}
	at := b.line
	for _, m := range b.marks {
		if m.live == nil {
			break
		}
		at = m.live
	}
	b.write(at, " ")
	b.space = true
}

func (b *builder) write(at *html.Node, s string) {
	if b.last != nil && b.last.Parent == at && at.LastChild == b.last {
		b.tail.WriteString(s)
		return
	}
	b.settle()
	b.last = &html.Node{Type: html.TextNode}
	b.tail.WriteString(s)
	at.AppendChild(b.last)
}

// settle puts what was written into its text node.
func (b *builder) settle() {
	if b.last != nil {
		b.last.Data = b.tail.String()
	}
	b.tail.Reset()
}

// takeBreaks writes the breaks that waited: one is a break, more begin a new paragraph.
func (b *builder) takeBreaks() {
	n := b.breaks
	b.breaks = 0
	if b.line == nil {
		return
	}
	if !b.visible {
		if !b.flat {
			b.endLine()
		}
		return
	}
	if n > 1 && !b.flat {
		b.endLine()
		return
	}
	b.trim()
	b.inner().AppendChild(&html.Node{Type: html.ElementNode, Data: "br", DataAtom: atom.Br})
	b.last, b.space = nil, true
}

// inner is where the next word goes: the line, with all open marks in it.
func (b *builder) inner() *html.Node {
	if b.line == nil {
		b.line = newNode("p", b.attrs)
		b.room.AppendChild(b.line)
		b.space = true
	}
	at := b.line
	for i := range b.marks {
		if b.marks[i].live == nil {
			live := newNode(b.marks[i].source.Data, b.marks[i].source.Attr)
			at.AppendChild(live)
			b.marks[i].live = live
			for j := i + 1; j < len(b.marks); j++ {
				b.marks[j].live = nil
			}
		}
		at = b.marks[i].live
	}
	return at
}

func (b *builder) trim() {
	if b.last == nil {
		return
	}
	b.settle()
	b.last.Data = strings.TrimRight(b.last.Data, " ")
	if b.last.Data == "" {
		b.last.Parent.RemoveChild(b.last)
	}
	b.last = nil
}

// endLine closes the line; one in which nothing can be seen is taken out again.
func (b *builder) endLine() {
	if b.line != nil {
		b.trim()
		if !b.visible && b.line.Parent != nil {
			b.line.Parent.RemoveChild(b.line)
		}
	}
	b.line, b.last, b.space, b.visible, b.breaks = nil, nil, false, false, 0
	for i := range b.marks {
		b.marks[i].live = nil
	}
}

// flatBlock writes a heading, which holds nothing but phrases; an empty one is left out.
func (b *builder) flatBlock(n *html.Node, attrs []html.Attribute) {
	h := b.flatNode(n, attrs)
	if h.FirstChild != nil {
		b.room.AppendChild(h)
	}
}

func (b *builder) flatNode(n *html.Node, attrs []html.Attribute) *html.Node {
	h := newNode(n.Data, attrs)
	b.line, b.flat, b.space = h, true, true
	b.children(n)
	seen := b.visible
	b.endLine()
	b.flat = false
	if !seen {
		return newNode(n.Data, attrs)
	}
	return h
}

// block builds an element that holds blocks, apart from where it will stand.
func (b *builder) block(n *html.Node, attrs []html.Attribute) *html.Node {
	q := newNode(n.Data, attrs)
	outer, outerAttrs := b.room, b.attrs
	b.room, b.attrs = q, nil
	b.children(n)
	b.endLine()
	b.room, b.attrs = outer, outerAttrs
	return q
}

// cell is a block whose only paragraph needs no p of its own.
func (b *builder) cell(n *html.Node, attrs []html.Attribute) *html.Node {
	c := b.block(n, attrs)
	if p := c.FirstChild; p != nil && p.NextSibling == nil && p.Data == "p" && len(p.Attr) == 0 {
		c.RemoveChild(p)
		for p.FirstChild != nil {
			k := p.FirstChild
			p.RemoveChild(k)
			c.AppendChild(k)
		}
	}
	return c
}

// list writes a list: each li an item, everything that stands between them an item of its own.
func (b *builder) list(n *html.Node) {
	list := newNode(n.Data, b.merged(n))
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		item, attrs := c, keptAttrs(c)
		if c.Data != "li" || c.Type != html.ElementNode {
			item, attrs = &html.Node{Type: html.ElementNode, Data: "li", FirstChild: clone(c)}, nil
		}
		if li := b.cell(named(item, "li"), attrs); li.FirstChild != nil {
			list.AppendChild(li)
		}
	}
	if list.FirstChild != nil {
		b.room.AppendChild(list)
	}
}

// clone is a view of one node without its brothers.
func clone(n *html.Node) *html.Node {
	c := *n
	c.NextSibling, c.PrevSibling = nil, nil
	return &c
}

func named(n *html.Node, name string) *html.Node {
	c := *n
	c.Data = name
	return &c
}

// table writes a table with its rows; one in which nothing can be seen is left out.
func (b *builder) table(n *html.Node) {
	table := newNode("table", b.merged(n))
	any := false
	for part := n.FirstChild; part != nil; part = part.NextSibling {
		switch part.Data {
		case "caption":
			if c := b.flatNode(part, keptAttrs(part)); c.FirstChild != nil && table.FirstChild == nil {
				table.AppendChild(c)
				any = true
			}
		case "thead", "tbody":
			group := newNode(part.Data, keptAttrs(part))
			for tr := part.FirstChild; tr != nil; tr = tr.NextSibling {
				if tr.Data != "tr" {
					continue
				}
				row := newNode("tr", keptAttrs(tr))
				for td := tr.FirstChild; td != nil; td = td.NextSibling {
					if td.Data == "td" || td.Data == "th" {
						c := b.cell(td, keptAttrs(td))
						any = any || c.FirstChild != nil
						row.AppendChild(c)
					}
				}
				if row.FirstChild != nil {
					group.AppendChild(row)
				}
			}
			if group.FirstChild != nil {
				table.AppendChild(group)
			}
		}
	}
	if any {
		b.room.AppendChild(table)
	}
}

func newNode(name string, attrs []html.Attribute) *html.Node {
	return &html.Node{Type: html.ElementNode, Data: name, DataAtom: atom.Lookup([]byte(name)), Attr: attrs}
}

// keptAttrs are the attributes that the filter left.
func keptAttrs(n *html.Node) []html.Attribute {
	attrs, _ := keepAttrs(n.Data, n.Attr)
	return attrs
}

// merged are the element's own lang and dir, and for what it does not say those of the rooms around it.
func (b *builder) merged(n *html.Node) []html.Attribute {
	own := keptAttrs(n)
	if len(b.attrs) == 0 {
		return own
	}
	return merge(own, b.attrs)
}

func merge(own, around []html.Attribute) []html.Attribute {
	var out []html.Attribute
	for _, key := range [...]string{"lang", "dir"} {
		for _, attrs := range [...][]html.Attribute{own, around} {
			if i := indexKey(attrs, key); i >= 0 {
				out = append(out, attrs[i])
				break
			}
		}
	}
	return out
}

func indexKey(attrs []html.Attribute, key string) int {
	for i, a := range attrs {
		if a.Key == key {
			return i
		}
	}
	return -1
}
