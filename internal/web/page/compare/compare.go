// Package compare compares two versions of a text word by word, for pages that show what has changed.
//
// What it promises: what was kept and removed is the old text and what was kept and added the new one, word for word; a sign of
// punctuation that changed does not make another word of its neighbour; it never takes long. What it never does: decide how a change
// is shown. The templates "words" and "blocks" of the frame do that, the same on every page.
package compare

import (
	"slices"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/sergi/go-diff/diffmatchpatch"

	"newspool/internal/news"
)

// How a run of words stands to the two versions that are compared.
const (
	kept    = "same"
	removed = "del"
	added   = "ins"
)

// Run is a run of words in a comparison.
type Run struct {
	Op    string // kept, removed or added
	Tight bool   // no blank before it
	words []string
}

// Text is the words with blanks between them.
func (r Run) Text() string { return joined(r.words) }

// joined puts tokens together: with blanks between them, except where one holds to its neighbour.
func joined(tokens []string) string {
	var b strings.Builder
	for i, t := range tokens {
		if i > 0 && !holds(tokens[i-1], t) {
			b.WriteByte(' ')
		}
		b.WriteString(strings.Trim(t, glue))
	}
	return b.String()
}

// glue marks the side on which a sign of punctuation holds to its word. No word has this character.
const glue = "\x01"

func holds(before, t string) bool {
	return strings.HasSuffix(before, glue) || strings.HasPrefix(t, glue)
}

// split takes the signs of punctuation before and after a word off it, so that a word that only changed them is the same
// word. Of what has nothing else the first sign is the word.
func split(word string) []string {
	word = strings.ReplaceAll(word, glue, "")
	core := strings.TrimFunc(word, unicode.IsPunct)
	if core == "" {
		_, n := utf8.DecodeRuneInString(word)
		core = word[:n]
	}
	if core == "" {
		return nil
	}
	at := strings.Index(word, core)
	var out []string
	for _, r := range word[:at] {
		out = append(out, string(r)+glue)
	}
	out = append(out, core)
	for _, r := range word[at+len(core):] {
		out = append(out, glue+string(r))
	}
	return out
}

// cut makes tokens of a text.
func cut(text string) []string {
	var out []string
	for _, word := range strings.Fields(text) {
		out = append(out, split(word)...)
	}
	return out
}

// Block is a paragraph of a comparison.
type Block struct {
	Heading bool
	Runs    []Run
}

// diffLimit is how long a comparison may take; what is left then is shown as removed and added.
const diffLimit = 400 * time.Millisecond

// Texts compares two bodies word by word.
func Texts(from, to string) []Block {
	var blocks []Block
	open := func(heading bool) { blocks = append(blocks, Block{Heading: heading}) }
	for _, piece := range diffWords(tokens(from), tokens(to)) {
		for _, token := range piece.tokens {
			switch {
			case token == paragraphEnd || token == headingEnd:
				open(token == headingEnd)
			case len(blocks) == 0:
				open(false)
				fallthrough
			default:
				last := &blocks[len(blocks)-1]
				last.add(piece.op, token)
			}
		}
	}
	out := blocks[:0]
	for _, b := range blocks {
		if len(b.Runs) > 0 {
			out = append(out, b)
		}
	}
	return out
}

// Line compares two texts of one line, a headline.
func Line(from, to string) []Run {
	var b Block
	for _, piece := range diffWords(cut(from), cut(to)) {
		for _, token := range piece.tokens {
			b.add(piece.op, token)
		}
	}
	return b.Runs
}

func (b *Block) add(op, word string) {
	n := len(b.Runs)
	if n > 0 && b.Runs[n-1].Op == op {
		b.Runs[n-1].words = append(b.Runs[n-1].words, word)
		return
	}
	tight := false
	if n > 0 {
		before := b.Runs[n-1].words
		tight = holds(before[len(before)-1], word)
	}
	b.Runs = append(b.Runs, Run{op, tight, []string{word}})
}

// Tokens that begin a paragraph or a heading. No word has these characters.
const (
	paragraphEnd = "\x00p"
	headingEnd   = "\x00h"
)

// tokens cuts a sanitised body into words, each block with its own mark before it.
func tokens(body string) []string {
	var list []string
	for len(body) > 0 {
		mark := paragraphEnd
		if len(body) > 2 && body[0] == '<' && body[1] == 'h' {
			mark = headingEnd
		}
		n := BlockEnd(body)
		if words := cut(news.PlainText(body[:n])); len(words) > 0 {
			list = append(append(list, mark), words...)
		}
		body = body[n:]
	}
	return list
}

// BlockEnd is the place after the first block of a body: after the first closing tag of a block, or after all of it.
func BlockEnd(body string) int {
	for i := 0; i < len(body); {
		j := strings.Index(body[i:], "</")
		if j < 0 {
			return len(body)
		}
		i += j
		end := strings.IndexByte(body[i:], '>')
		if end < 0 {
			return len(body)
		}
		switch body[i+2 : i+end] {
		case "p", "h2", "h3", "h4", "li", "blockquote", "tr", "ul", "ol", "table", "caption", "pre":
			return i + end + 1
		}
		i += end
	}
	return len(body)
}

type diffPiece struct {
	op     string
	tokens []string
}

// diffWords compares two lists of tokens: each token is one character of a text that the comparison of characters takes.
func diffWords(from, to []string) []diffPiece {
	letters := map[string]rune{}
	var names []string
	write := func(tokens []string) []rune {
		out := make([]rune, 0, len(tokens))
		for _, t := range tokens {
			r, ok := letters[t]
			if !ok {
				r = letterAt(len(names))
				letters[t] = r
				names = append(names, t)
			}
			out = append(out, r)
		}
		return out
	}
	d := diffmatchpatch.New()
	d.DiffTimeout = diffLimit
	diffs := d.DiffMainRunes(write(from), write(to), false)
	diffs = d.DiffCleanupMerge(diffs)
	pieces := make([]diffPiece, 0, len(diffs))
	for _, one := range diffs {
		p := diffPiece{op: kept}
		switch one.Type {
		case diffmatchpatch.DiffDelete:
			p.op = removed
		case diffmatchpatch.DiffInsert:
			p.op = added
		}
		for _, r := range one.Text {
			p.tokens = append(p.tokens, names[indexOf(r)])
		}
		pieces = append(pieces, p)
	}
	return tidy(pieces)
}

// tidy makes one change of several that only have signs of punctuation between them, and puts what was removed before what was
// added.
func tidy(pieces []diffPiece) []diffPiece {
	var out []diffPiece
	var old, fresh []string
	flush := func() {
		if len(old) > 0 {
			out = append(out, diffPiece{removed, old})
		}
		if len(fresh) > 0 {
			out = append(out, diffPiece{added, fresh})
		}
		old, fresh = nil, nil
	}
	for i, p := range pieces {
		switch {
		case p.op == removed:
			old = append(old, p.tokens...)
		case p.op == added:
			fresh = append(fresh, p.tokens...)
		case len(old)+len(fresh) > 0 && i+1 < len(pieces) && onlySigns(p.tokens):
			old, fresh = append(old, p.tokens...), append(fresh, p.tokens...)
		default:
			flush()
			out = append(out, p)
		}
	}
	flush()
	return out
}

func onlySigns(tokens []string) bool {
	return !slices.ContainsFunc(tokens, func(t string) bool { return !strings.HasPrefix(t, glue) && !strings.HasSuffix(t, glue) })
}

// Characters by which tokens are named: all but those that text cannot hold.
const (
	firstLetter = 0x20
	surrogates  = 0xD800
	afterThem   = 0xE000
)

func letterAt(i int) rune {
	r := rune(firstLetter + i)
	if r >= surrogates {
		r += afterThem - surrogates
	}
	if r >= utf8.RuneError {
		r++ // what the comparison takes for broken text
	}
	return r
}

func indexOf(r rune) int {
	if r > utf8.RuneError {
		r--
	}
	if r >= afterThem {
		r -= afterThem - surrogates
	}
	return int(r - firstLetter)
}
