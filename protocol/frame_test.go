package protocol

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func readFrame(b []byte) (Frame, error) { return ReadFrame(bufio.NewReader(bytes.NewReader(b))) }

func testFrame(t testing.TB) Frame {
	n := north(t)
	return Frame{
		From: 3,
		Records: []Entry{
			{Record: []byte(`{"a":1}`), Contents: []Content{{State: Present, Salt: testSalt(1), Bytes: []byte("story")}, {State: Withdrawn, Index: 9}}},
			{Record: []byte(`{"a":2}`), Contents: []Content{{State: Erased, Index: 8}, {State: Withheld}}},
			{Record: []byte(`{"a":3}`)},
		},
		Checkpoint: must(SignCheckpoint(testCheckpoint(), n.log)),
		Hints:      []Hint{{Index: 9, About: "newspool://north.example/item/1"}, {Index: 12, About: ""}},
	}
}

func testHeartbeat(t testing.TB) Frame {
	n := north(t)
	return Frame{
		Checkpoint: must(SignCheckpoint(testCheckpoint(), n.log)),
		Heartbeat:  Cosign(CosignerName(n.domain), n.cosigner, testCheckpoint(), testSeconds).Line(public(n.cosigner)),
	}
}

func TestFrameRoundTrip(t *testing.T) {
	var stream []byte
	frames := []Frame{testHeartbeat(t), testFrame(t), testHeartbeat(t)}
	for _, f := range frames {
		stream = AppendFrame(stream, f)
	}
	r := bufio.NewReader(bytes.NewReader(stream))
	for i, want := range frames {
		got, err := ReadFrame(r)
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(AppendFrame(nil, got), AppendFrame(nil, want)) {
			t.Errorf("frame %d: %+v, want %+v", i, got, want)
		}
	}
	if _, err := ReadFrame(r); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
	for n := 1; n < len(stream); n++ {
		r := bufio.NewReader(bytes.NewReader(stream[:n]))
		var err error
		for err == nil {
			_, err = ReadFrame(r)
		}
		if err != io.EOF && err != io.ErrUnexpectedEOF {
			t.Fatalf("cut at %d: %v", n, err)
		}
	}
}

// badFrames are bytes that are no frame. The vectors hold some of them, too.
func badFrames(t testing.TB) map[string][]byte {
	good := AppendFrame(nil, testFrame(t))
	with := func(change func(*Frame)) []byte {
		f := testFrame(t)
		change(&f)
		return AppendFrame(nil, f)
	}
	records := func(n, size int) func(*Frame) {
		return func(f *Frame) {
			f.Records = make([]Entry, n)
			for i := range f.Records {
				f.Records[i].Record = bytes.Repeat([]byte("r"), size)
			}
		}
	}
	contents := func(sizes ...int) []Content {
		var out []Content
		for _, s := range sizes {
			out = append(out, Content{Bytes: make([]byte, s)})
		}
		return out
	}
	header := func(kind byte, n uint32, payload ...byte) []byte {
		return append(binary.BigEndian.AppendUint32([]byte{kind}, n), payload...)
	}
	longer := bytes.Clone(good)
	longer = append(longer, 0)
	binary.BigEndian.PutUint32(longer[1:], uint32(len(longer)-5))
	noRecords := AppendFrame(nil, Frame{Checkpoint: []byte("c")})
	noRecords[0] = kindRecords
	noRecords = append(noRecords, make([]byte, 10)...) // index and number of records
	binary.BigEndian.PutUint32(noRecords[1:], uint32(len(noRecords)-5))
	return map[string][]byte{
		"unknown kind":             header('x', 0),
		"payload too long":         header(kindRecords, maxPayload+1),
		"payload of 4 GiB":         header(kindRecords, 1<<32-1),
		"empty payload":            header(kindHeartbeat, 0),
		"bytes at the end":         longer,
		"kind of records, without": noRecords,
		"checkpoint above 4 KiB":   with(func(f *Frame) { f.Checkpoint = make([]byte, 1<<12+1) }),
		"heartbeat above 1 KiB":    with(func(f *Frame) { f.Heartbeat = strings.Repeat("h", 1<<10+1) }),
		"1,025 hints":              with(func(f *Frame) { f.Hints = make([]Hint, maxHints+1) }),
		"hint about 513 bytes":     with(func(f *Frame) { f.Hints[0].About = strings.Repeat("a", maxAbout+1) }),
		"hint that is not UTF-8":   with(func(f *Frame) { f.Hints[0].About = "\xff" }),
		"hint with U+0000":         with(func(f *Frame) { f.Hints[0].About = "\x00" }),
		"hint index above 2^53":    with(func(f *Frame) { f.Hints[0].Index = MaxInteger + 1 }),
		"negative hint index":      with(func(f *Frame) { f.Hints[0].Index = -1 }),
		"from above 2^53":          with(func(f *Frame) { f.From = MaxInteger + 1 }),
		"257 records":              with(records(FrameRecords+1, 1)),
		"record of 64 KiB":         with(records(1, 1<<16)),
		"records above 4 MiB":      with(records(80, 60<<10)),
		"seventeen contents":       with(func(f *Frame) { f.Records[0].Contents = make([]Content, MaxContents+1) }),
		"content above 1 MiB":      with(func(f *Frame) { f.Records[0].Contents = contents(MaxContent + 1) }),
		"contents above 3 MiB": with(func(f *Frame) {
			f.Records, f.Records[0].Contents = f.Records[:1], contents(MaxContent, MaxContent, MaxContent, 1)
		}),
		"two records above 4 MiB": with(func(f *Frame) {
			f.Records[0].Contents, f.Records[1].Contents = contents(MaxContent, MaxContent, MaxContent), contents(MaxContent)
		}),
		"unknown state":             with(func(f *Frame) { f.Records[0].Contents[1].State = Withheld + 1 }),
		"content index above 2^53":  with(func(f *Frame) { f.Records[0].Contents[1].Index = MaxInteger + 1 }),
		"length beyond the payload": header(kindHeartbeat, 4, 0, 0, 0, 1),
	}
}

func TestReadFrameRefused(t *testing.T) {
	for name, b := range badFrames(t) {
		_, err := readFrame(b)
		refused(t, name, err, ErrMalformed)
	}
}

func TestFrameLimits(t *testing.T) {
	big := func(n int) Entry {
		e := Entry{Record: bytes.Repeat([]byte("r"), MaxRecord)}
		for ; n > 0; n -= MaxContent {
			e.Contents = append(e.Contents, Content{Bytes: make([]byte, min(n, MaxContent))})
		}
		return e
	}
	hints := make([]Hint, maxHints)
	for i := range hints {
		hints[i] = Hint{MaxInteger, strings.Repeat("a", maxAbout)}
	}
	full := make([]Entry, FrameRecords)
	for i := range full {
		full[i].Record = bytes.Repeat([]byte("r"), FrameBytes/FrameRecords)
		full[i].Contents = make([]Content, MaxContents)
	}
	for name, f := range map[string]Frame{
		"one record with 3 MiB":    {Records: []Entry{big(MaxRecordContent)}, Hints: hints},
		"4 MiB":                    {Records: []Entry{big(MaxRecordContent), big(FrameBytes - MaxRecordContent - 2*MaxRecord)}, Hints: hints},
		"256 records with 4 MiB":   {From: MaxInteger, Records: full, Hints: hints, Checkpoint: make([]byte, 1<<12), Heartbeat: strings.Repeat("h", 1<<10)},
		"heartbeat with all hints": {Hints: hints, Checkpoint: make([]byte, 1<<12), Heartbeat: strings.Repeat("h", 1<<10)},
	} {
		got, err := readFrame(AppendFrame(nil, f))
		if err != nil || len(got.Records) != len(f.Records) || len(got.Hints) != len(f.Hints) {
			t.Errorf("%s: %d records, %v", name, len(got.Records), err)
		}
	}
}

func drawFrame(t *rapid.T) Frame {
	small := rapid.SliceOfN(rapid.Byte(), 1, 30)
	f := Frame{Checkpoint: small.Draw(t, "checkpoint"), Heartbeat: rapid.StringN(0, 20, -1).Draw(t, "heartbeat")}
	for range rapid.IntRange(0, 3).Draw(t, "hints") {
		f.Hints = append(f.Hints, Hint{rapid.Int64Range(0, MaxInteger).Draw(t, "index"), rapid.StringMatching(`[a-zж]{0,9}`).Draw(t, "about")})
	}
	for range rapid.IntRange(0, 4).Draw(t, "records") {
		e := Entry{Record: small.Draw(t, "record")}
		for range rapid.IntRange(0, 3).Draw(t, "contents") {
			c := Content{State: ContentState(rapid.IntRange(0, int(Withheld)).Draw(t, "state"))}
			if c.State == Present {
				c.Salt, c.Bytes = testSalt(rapid.Byte().Draw(t, "salt")), small.Draw(t, "bytes")
			} else {
				c.Index = rapid.Int64Range(0, MaxInteger).Draw(t, "cause")
			}
			e.Contents = append(e.Contents, c)
		}
		f.Records = append(f.Records, e)
	}
	if len(f.Records) > 0 {
		f.From = rapid.Int64Range(0, MaxInteger).Draw(t, "from")
	}
	return f
}

func TestFrameProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		f := drawFrame(t)
		b := AppendFrame(nil, f)
		got, err := readFrame(b)
		if err != nil || !reflect.DeepEqual(got, f) {
			t.Fatalf("got %+v, %v, want %+v", got, err, f)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by what"))
		got, err = readFrame(b)
		if err == nil && !bytes.Equal(AppendFrame(nil, got), b) {
			t.Fatal("bytes that were read are written otherwise")
		}
		if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	})
}

func TestStates(t *testing.T) {
	if got := fmt.Sprint(Present, Withdrawn, Erased, Withheld); got != "0 1 2 3" {
		t.Errorf("states are numbered %s", got)
	}
}
