package protocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"slices"
	"unicode/utf8"
)

// Limits of a frame.
const (
	FrameRecords = 256
	FrameBytes   = 4 << 20
	maxPayload   = FrameBytes + (1 << 20) // the rest is lengths, salts, hints and the checkpoint
	maxHints     = 1024
)

// Frame is what travels on a stream. A frame with records ends at the size of its checkpoint, so that each can be verified
// alone. One without is a heartbeat: its checkpoint carries the origin's own timestamped cosignature.
type Frame struct {
	From       int64   // index of the first record
	Records    []Entry // at most FrameRecords, together at most FrameBytes unless there is only one
	Checkpoint []byte  // signed note; its size is From + len(Records), or the ledger's size in a heartbeat
	Heartbeat  string  // the origin's cosignature line over the checkpoint; empty in a frame with records
	Hints      []Hint  // withdrawals further on: they close at once and open nothing
}

// Entry is a record with its contents.
type Entry struct {
	Record   []byte
	Contents []Content
}

// ContentState says whether a content came with its record.
type ContentState byte

// The states of a content in a frame.
const (
	Present   ContentState = iota // salt and bytes follow
	Withdrawn                     // not sent: the record at Index withdraws what it belongs to
	Erased                        // no longer held: the record at Index ordered it
	Withheld                      // not sent now: a daily ceiling is reached; ask later
)

// Content is the bytes behind a ContentRef.
type Content struct {
	State ContentState
	Salt  Salt
	Bytes []byte
	Index int64
}

// Hint names a withdrawal that stands further on in the ledger.
type Hint struct {
	Index int64
	About string
}

const (
	kindRecords   = 'r'
	kindHeartbeat = 'h'
)

// AppendFrame adds the frame's bytes to b: its kind, the length of what follows in four bytes, big-endian, and the fields
// in the order of Frame; all numbers big-endian.
func AppendFrame(b []byte, f Frame) []byte {
	kind := byte(kindRecords)
	if len(f.Records) == 0 {
		kind = kindHeartbeat
	}
	b = append(b, kind, 0, 0, 0, 0)
	start := len(b)
	b = appendBytes(b, f.Checkpoint)
	b = appendBytes(b, []byte(f.Heartbeat))
	b = binary.BigEndian.AppendUint16(b, uint16(len(f.Hints)))
	for _, h := range f.Hints {
		b = binary.BigEndian.AppendUint64(b, uint64(h.Index))
		b = appendBytes(b, []byte(h.About))
	}
	if kind == kindRecords {
		b = binary.BigEndian.AppendUint64(b, uint64(f.From))
		b = binary.BigEndian.AppendUint16(b, uint16(len(f.Records)))
		for _, e := range f.Records {
			b = appendBytes(b, e.Record)
			b = append(b, byte(len(e.Contents)))
			for _, c := range e.Contents {
				b = append(b, byte(c.State))
				if c.State == Present {
					b = append(b, c.Salt[:]...)
					b = appendBytes(b, c.Bytes)
				} else {
					b = binary.BigEndian.AppendUint64(b, uint64(c.Index))
				}
			}
		}
	}
	binary.BigEndian.PutUint32(b[start-4:], uint32(len(b)-start))
	return b
}

func appendBytes(b, x []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(x))), x...)
}

// ReadFrame reads one frame. io.EOF means that the stream ended between frames; a frame that breaks off is
// io.ErrUnexpectedEOF; one that is not formed as AppendFrame writes it is ErrMalformed. Records are not parsed here.
func ReadFrame(r *bufio.Reader) (Frame, error) {
	var head [5]byte
	if _, err := io.ReadFull(r, head[:1]); err != nil {
		return Frame{}, err
	}
	if _, err := io.ReadFull(r, head[1:]); err != nil {
		return Frame{}, io.ErrUnexpectedEOF
	}
	n := binary.BigEndian.Uint32(head[1:])
	if (head[0] != kindRecords && head[0] != kindHeartbeat) || n > maxPayload {
		return Frame{}, malformed("frame kind %q of %d bytes", head[0], n)
	}
	b, err := readBytes(r, int(n))
	if err != nil {
		return Frame{}, err
	}
	return parseFrame(head[0], b)
}

// readBytes reads n bytes and takes memory only for what comes.
func readBytes(r io.Reader, n int) ([]byte, error) {
	var b []byte
	for len(b) < n {
		have, step := len(b), min(n-len(b), max(len(b), 1<<14))
		b = slices.Grow(b, step)[:have+step]
		if _, err := io.ReadFull(r, b[have:]); err != nil {
			return nil, io.ErrUnexpectedEOF
		}
	}
	return b, nil
}

func parseFrame(kind byte, b []byte) (Frame, error) {
	c := cursor{b: b}
	f := Frame{Checkpoint: c.bytes(1 << 12), Heartbeat: string(c.bytes(1 << 10))}
	for range c.count16(maxHints) {
		f.Hints = append(f.Hints, Hint{Index: c.index(), About: c.text(maxAbout)})
	}
	if kind == kindRecords {
		f.From = c.index()
		n := c.count16(FrameRecords)
		if n == 0 {
			c.bad = true
		}
		total := 0
		for i := 0; i < n && !c.bad; i++ {
			e := c.entry()
			total += e.Size()
			f.Records = append(f.Records, e)
		}
		if n > 1 && total > FrameBytes {
			c.bad = true
		}
	}
	if c.bad || len(c.b) != 0 {
		return Frame{}, malformed("frame")
	}
	return f, nil
}

// cursor takes fields off a payload; once something is wrong everything after is empty.
type cursor struct {
	b   []byte
	bad bool
}

func (c *cursor) take(n int) []byte {
	if c.bad || n < 0 || n > len(c.b) {
		c.bad, c.b = true, nil
		return nil
	}
	x := c.b[:n:n]
	c.b = c.b[n:]
	return x
}

func (c *cursor) bytes(max int) []byte {
	h := c.take(4)
	if c.bad {
		return nil
	}
	n := binary.BigEndian.Uint32(h)
	if int64(n) > int64(max) {
		c.bad = true
		return nil
	}
	return c.take(int(n))
}

// text is bytes that a record could have held as a string.
func (c *cursor) text(max int) string {
	b := c.bytes(max)
	if !utf8.Valid(b) || bytes.IndexByte(b, 0) >= 0 {
		c.bad = true
	}
	return string(b)
}

func (c *cursor) count16(max int) int {
	h := c.take(2)
	if c.bad {
		return 0
	}
	n := int(binary.BigEndian.Uint16(h))
	if n > max {
		c.bad = true
		return 0
	}
	return n
}

func (c *cursor) index() int64 {
	h := c.take(8)
	if c.bad {
		return 0
	}
	n := binary.BigEndian.Uint64(h)
	if n > MaxInteger {
		c.bad = true
		return 0
	}
	return int64(n)
}

func (c *cursor) entry() Entry {
	e := Entry{Record: c.bytes(1<<16 - 1)}
	h := c.take(1)
	if c.bad || int(h[0]) > MaxContents {
		c.bad = true
		return e
	}
	for range int(h[0]) {
		s := c.take(1)
		if c.bad || s[0] > byte(Withheld) {
			c.bad = true
			return e
		}
		x := Content{State: ContentState(s[0])}
		if x.State == Present {
			if salt := c.take(len(Salt{})); !c.bad {
				x.Salt = Salt(salt)
			}
			x.Bytes = c.bytes(MaxContent)
		} else {
			x.Index = c.index()
		}
		e.Contents = append(e.Contents, x)
	}
	if e.Size()-len(e.Record) > MaxRecordContent {
		c.bad = true
	}
	return e
}

// Size is what an entry counts towards FrameBytes: its record and the bytes of its contents.
func (e Entry) Size() int {
	n := len(e.Record)
	for _, c := range e.Contents {
		n += len(c.Bytes)
	}
	return n
}
