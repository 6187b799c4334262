package ninjs

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"newspool/internal/fault"
	"newspool/internal/news"
)

// ReadLines reads a stream of items: one a line, an array, single objects one after the other. each is called for every item with the number of the line on which it begins, and with the error of Parse where there is one:
// one bad item never stops the others. ReadLines ends with the error that each returns, or with that of the stream.
func ReadLines(r io.Reader, each func(line int, d news.Draft, err error) error) error {
	return split(r, func(line int, item []byte, err error) error {
		var d news.Draft
		if err == nil {
			d, err = Parse(item)
		}
		return each(line, d, err)
	})
}

// split cuts a stream into items without reading them. An item of more than MaxItem bytes is fault.TooLarge and passed
// over; no more than MaxItem bytes are held. item is only valid during the call.
func split(r io.Reader, each func(line int, item []byte, err error) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if mark, _ := in.Peek(3); string(mark) == "\xef\xbb\xbf" {
		in.Discard(3)
	}
	s := splitter{in: in, each: each, line: 1}
	var stop stopped
	if err := s.run(); errors.As(err, &stop) {
		return stop.error
	} else if err != io.EOF {
		return err
	}
	return nil
}

// stopped marks an error of the caller's own.
type stopped struct{ error }

type splitter struct {
	in   *bufio.Reader
	each func(line int, item []byte, err error) error
	line int // the line that is read next
	buf  []byte
}

func (s *splitter) give(line int, item []byte, err error) error {
	if err == nil && len(item) > MaxItem {
		err = fault.New(fault.TooLarge, "ingest.item_large", "mb", MaxItem>>20)
	}
	if err := s.each(line, item, err); err != nil {
		return stopped{err}
	}
	return nil
}

// run gives all items and ends with io.EOF, or the error that stopped it. It decides by the beginning. A bracket begins an
// array. A first line that is a whole item, or no object, means lines; else the next one tells: in lines every line begins
// an object, in one object over several lines the second never does.
func (s *splitter) run() error {
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			return err
		}
		if c == '\n' {
			s.line++
		}
		if c == ' ' || c == '\n' || c == '\r' || c == '\t' {
			continue
		}
		s.in.UnreadByte()
		if c == '[' {
			return s.objects()
		}
		break
	}
	first, at, err := s.nonEmpty()
	if first[0] != '{' || err != nil || json.Valid(first) || len(first) > MaxItem {
		return s.lines(first, at, err)
	}
	next, _ := s.peekNonSpace()
	if last := first[len(first)-1]; next == '{' && last != ':' && last != '[' && last != ',' && last != '{' {
		return s.lines(first, at, nil)
	}
	s.line = at
	s.in = bufio.NewReader(io.MultiReader(bytes.NewReader(append(bytes.Clone(first), '\n')), s.in))
	return s.objects()
}

// lines gives each line as an item.
func (s *splitter) lines(line []byte, at int, err error) error {
	for {
		if len(line) > 0 && (err == nil || err == io.EOF) {
			if err := s.give(at, line, nil); err != nil {
				return err
			}
		}
		if err != nil {
			return err
		}
		line, at, err = s.nonEmpty()
	}
}

// nonEmpty reads up to the next line that is not empty, without space at its ends, and its number. Of a line above the
// limit only the beginning is kept, one byte more than MaxItem.
func (s *splitter) nonEmpty() ([]byte, int, error) {
	for {
		s.buf = s.buf[:0]
		var err error
		for {
			var part []byte
			part, err = s.in.ReadSlice('\n')
			s.buf = append(s.buf, part[:min(len(part), MaxItem+2-min(len(s.buf), MaxItem+1))]...)
			if err != bufio.ErrBufferFull {
				break
			}
		}
		at := s.line
		s.line++
		if line := bytes.Trim(s.buf, " \t\r\n"); len(line) > 0 || err != nil {
			return line, at, err
		}
	}
}

func (s *splitter) peekNonSpace() (byte, error) {
	for n := 1; ; n++ {
		b, err := s.in.Peek(n)
		if err != nil || len(b) < n {
			return 0, err
		}
		if c := b[n-1]; c != ' ' && c != '\n' && c != '\r' && c != '\t' {
			return c, nil
		}
	}
}

// objects finds objects by their braces, in an array or one after the other, and gives each as an item. One that is cut off
// goes as far as the next that begins a line in the same column; without such a line nobody can tell them apart.
func (s *splitter) objects() error {
	var r reading
	for column, blank := -1, true; ; {
		c, err := s.in.ReadByte()
		if err != nil {
			if r.depth > 0 {
				if err := s.give(r.line, nil, fault.New(fault.Invalid, "ingest.json_end")); err != nil {
					return err
				}
			}
			return err
		}
		column++
		if c == '{' && blank && r.depth > 0 && r.torn(c) && column == r.column && (column > 0 || s.line == r.line+1) {
			r.depth = 0
			if err := s.give(r.line, nil, fault.New(fault.Invalid, "ingest.json_end")); err != nil {
				return err
			}
		}
		space := c == ' ' || c == '\n' || c == '\r' || c == '\t'
		blank = blank && space
		if c == '\n' {
			s.line, column, blank = s.line+1, -1, true
		}
		switch {
		case r.depth > 0:
			if r.take(c, space); r.depth == 0 {
				if err := s.give(r.line, r.item, r.fault()); err != nil {
					return err
				}
			}
		case c == '{':
			r = reading{item: r.item[:0], line: s.line, column: column}
			r.take(c, space)
		case space || c == '[' || c == ']' || c == ',':
		default:
			if err := s.give(s.line, nil, fault.New(fault.Invalid, "ingest.json_syntax")); err != nil {
				return err
			}
			s.skipStray()
		}
	}
}

// reading is an item that is read by its braces.
type reading struct {
	item              []byte
	line, column      int // where it begins
	depth             int
	open              [MaxDepth]byte // the brackets that are open
	last              byte           // outside of strings, no space
	inString, escaped bool
	large             bool
	broken            bool // see torn
	swallows          bool // an object stands where only a name may: perhaps the next item
}

// fault says what is wrong with an item that seems whole.
func (r *reading) fault() error {
	if r.swallows {
		return fault.New(fault.Invalid, "ingest.json_end")
	}
	return nil
}

// take takes the next byte. The item is whole when its depth is 0 again.
func (r *reading) take(c byte, space bool) {
	r.broken, r.swallows = r.torn(c), r.swallows || r.misplaced(c)
	if r.large = r.large || len(r.item) > MaxItem; !r.large {
		r.item = append(r.item, c)
	}
	switch {
	case r.escaped:
		r.escaped = false
	case r.inString && c == '\\':
		r.escaped = true
	case c == '"':
		r.inString = !r.inString
	case r.inString:
	case c == '{' || c == '[':
		if r.depth < len(r.open) {
			r.open[r.depth] = c
		}
		r.depth++
	case c == '}' || c == ']':
		r.depth--
	}
	if !r.inString && !space {
		r.last = c
	}
}

// torn says whether the item can no longer become valid: a line ends in a string, or an object stands where only a name may.
func (r *reading) torn(c byte) bool {
	return r.broken || r.inString && c == '\n' || r.misplaced(c)
}

func (r *reading) misplaced(c byte) bool {
	return !r.inString && c == '{' && r.depth > 0 && r.depth <= len(r.open) && r.open[r.depth-1] == '{' && r.last != ':'
}

// skipStray passes over what stands between objects and is none, up to the next one or the end of the line.
func (s *splitter) skipStray() {
	for {
		b, err := s.in.Peek(1)
		if err != nil || b[0] == '{' || b[0] == '\n' {
			return
		}
		s.in.ReadByte()
	}
}
