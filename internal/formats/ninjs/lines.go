package ninjs

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/json"
	"errors"
	"io"

	"newspool/internal/fault"
	"newspool/internal/news"
)

// ReadLines reads a stream of items: one a line, an array, single objects one after the other; plain or gzip. each is
// called for every item with the number of the line on which it begins, and with the error of Parse where there is one:
// one bad item never stops the others. ReadLines ends with the error that each returns, or with that of the stream.
func ReadLines(r io.Reader, each func(line int, d news.Draft, err error) error) error {
	return Split(r, func(line int, item []byte, err error) error {
		var d news.Draft
		if err == nil {
			d, err = Parse(item)
		}
		return each(line, d, err)
	})
}

// Split cuts a stream into items without reading them. An item of more than MaxItem bytes is fault.TooLarge and passed
// over; no more than MaxItem bytes are held. item is only valid during the call.
func Split(r io.Reader, each func(line int, item []byte, err error) error) error {
	in := bufio.NewReaderSize(r, 64<<10)
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		z, err := gzip.NewReader(in)
		if err != nil {
			return fault.New(fault.Invalid, "ingest.gzip").Because(err)
		}
		in = bufio.NewReaderSize(Unzipped{z}, 64<<10)
	}
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

// Unzipped reads a gzip stream and turns damage of it into fault.Invalid, "ingest.gzip".
type Unzipped struct{ *gzip.Reader }

func (u Unzipped) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	var corrupt flate.CorruptInputError
	if errors.As(err, &corrupt) || errors.Is(err, gzip.ErrHeader) || errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = fault.New(fault.Invalid, "ingest.gzip").Because(err)
	}
	return n, err
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

// objects finds objects by their braces, in an array or one after the other, and gives each as an item.
func (s *splitter) objects() error {
	var item []byte
	depth, start, inString, escaped, large := 0, 0, false, false, false
	for {
		c, err := s.in.ReadByte()
		if err != nil {
			if depth > 0 {
				if err := s.give(start, nil, fault.New(fault.Invalid, "ingest.json_end")); err != nil {
					return err
				}
			}
			return err
		}
		if c == '\n' {
			s.line++
		}
		if depth == 0 {
			switch {
			case c == '{':
				depth, start, item, inString, escaped, large = 1, s.line, append(item[:0], c), false, false, false
			case c == '[' || c == ']' || c == ',' || c == ' ' || c == '\n' || c == '\r' || c == '\t':
			default:
				if err := s.give(s.line, nil, fault.New(fault.Invalid, "ingest.json_syntax")); err != nil {
					return err
				}
				s.skipStray()
			}
			continue
		}
		if large = large || len(item) > MaxItem; !large {
			item = append(item, c)
		}
		switch {
		case escaped:
			escaped = false
		case inString && c == '\\':
			escaped = true
		case c == '"':
			inString = !inString
		case inString:
		case c == '{' || c == '[':
			depth++
		case c == '}' || c == ']':
			if depth--; depth == 0 {
				if err := s.give(start, item, nil); err != nil {
					return err
				}
			}
		}
	}
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
