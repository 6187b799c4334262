package protocol

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestRecordRoundTrip(t *testing.T) {
	content := []byte(`{"headline":"Snow closes the pass"}`)
	r := sample(content)
	b := mustBytes(t, r)
	got, err := ParseRecord(b)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(got, r) {
		t.Errorf("got %+v, want %+v", got, r)
	}
	if bytes.ContainsAny(b, "\n<>") {
		t.Errorf("bytes hold a line end or an angle bracket: %s", b)
	}
	r.About = "newspool://north.example/item/a&b"
	if b := mustBytes(t, r); !bytes.Contains(b, []byte("a&b")) {
		t.Errorf("the writer escaped what needs no escape: %s", b)
	}
}

// recordCase is a change to a good record: to its fields, or to its text.
type recordCase struct {
	name   string
	change func(map[string]any)
	raw    func(string) string
}

// malformedRecords are changes to a good record that make it malformed. The vectors hold them, too.
func malformedRecords() []recordCase {
	set := func(field string, v any) func(map[string]any) { return func(m map[string]any) { m[field] = v } }
	content := func(field string, v any) func(map[string]any) {
		return func(m map[string]any) { m["contents"].([]any)[0].(map[string]any)[field] = v }
	}
	seen := func(field string, v any) func(map[string]any) {
		return func(m map[string]any) { m["seen"].([]any)[0].(map[string]any)[field] = v }
	}
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	root := "h5ZbRL4ypQ6+9oT9MmRnHZpxYM1hFdnqrmHBeOQPgFU="
	many := make([]any, MaxContents+1)
	three := make([]any, 4)
	for i := range many {
		many[i] = map[string]any{"hash": root, "size": 1024, "type": "text/plain"}
	}
	for i := range three {
		three[i] = map[string]any{"hash": root, "size": 1 << 20, "type": "text/plain"}
	}
	return []recordCase{
		{name: "no type", change: func(m map[string]any) { delete(m, "type") }},
		{name: "type of one word", change: set("type", "release")},
		{name: "type of three words", change: set("type", "item.release.now")},
		{name: "type in capitals", change: set("type", "Item.release")},
		{name: "type with a digit", change: set("type", "item.release2")},
		{name: "type with an empty word", change: set("type", "item.")},
		{name: "type with a word of 33 letters", change: set("type", "item."+strings.Repeat("a", 33))},
		{name: "type is a number", change: set("type", 5)},
		{name: "type is null", change: set("type", nil)},
		{name: "type under another spelling of its name", raw: replace(`"type":`, `"Type":`)},
		{name: "id is no UUID", change: set("id", "019af000")},
		{name: "id in capitals", change: set("id", "019AF000-0000-7000-8000-000000000001")},
		{name: "id in braces", change: set("id", "{019af000-0000-7000-8000-000000000001}")},
		{name: "id without hyphens", change: set("id", "019af00000007000800000000000000100000")},
		{name: "no ledger", change: func(m map[string]any) { delete(m, "ledger") }},
		{name: "ledger of 31 digits", change: set("ledger", testLedger[1:])},
		{name: "ledger in capitals", change: set("ledger", strings.ToUpper(testLedger))},
		{name: "no time", change: func(m map[string]any) { delete(m, "time") }},
		{name: "time zero", change: set("time", 0)},
		{name: "time before 1970", change: set("time", -1)},
		{name: "time as a text", change: set("time", "1796126400000000")},
		{name: "time with a fraction", raw: replace(`"time":1796126400000000`, `"time":1796126400000000.0`)},
		{name: "time with an exponent", raw: replace(`"time":1796126400000000`, `"time":1e15`)},
		{name: "time above 2^53", raw: replace(`"time":1796126400000000`, `"time":9007199254740993`)},
		{name: "terms of 63 digits", change: set("terms", strings.Repeat("5", 63))},
		{name: "terms in capitals", change: set("terms", strings.Repeat("A", 64))},
		{name: "by of 65 bytes", change: set("by", strings.Repeat("a", 65))},
		{name: "about of 513 bytes", change: set("about", strings.Repeat("a", 513))},
		{name: "about with the character U+0000", raw: replace(`"about":"`, `"about":"\u0000`)},
		{name: "seventeen contents", change: set("contents", many)},
		{name: "contents of 4 MiB", change: set("contents", three)},
		{name: "content hash of 31 bytes", change: content("hash", base64.StdEncoding.EncodeToString(make([]byte, 31)))},
		{name: "content hash without padding", change: content("hash", strings.TrimRight(root, "="))},
		{name: "content hash with stray bits", change: content("hash", root[:42]+"V=")},
		{name: "content hash with a line end", change: content("hash", root[:4]+"\n"+root[4:])},
		{name: "content hash in hexadecimal", change: content("hash", strings.Repeat("ab", 32))},
		{name: "content above 1 MiB", change: content("size", 1<<20+1)},
		{name: "content of negative size", change: content("size", -1)},
		{name: "content without a type", change: content("type", "")},
		{name: "content type of 129 bytes", change: content("type", strings.Repeat("a", 129))},
		{name: "content language of 36 bytes", change: content("lang", strings.Repeat("a", 36))},
		{name: "contents is an object", change: set("contents", map[string]any{})},
		{name: "seen of its own ledger", change: seen("ledger", testLedger)},
		{name: "seen of no ledger", change: seen("ledger", "x")},
		{name: "seen of negative size", change: seen("size", -1)},
		{name: "seen root of 31 bytes", change: seen("root", base64.StdEncoding.EncodeToString(make([]byte, 31)))},
		{name: "seen not sorted", change: set("seen", []any{
			map[string]any{"ledger": otherLedger, "size": 1, "root": root}, map[string]any{"ledger": "11" + otherLedger[2:], "size": 1, "root": root}})},
		{name: "seen twice", change: set("seen", []any{
			map[string]any{"ledger": otherLedger, "size": 1, "root": root}, map[string]any{"ledger": otherLedger, "size": 2, "root": root}})},
		{name: "name twice", raw: replace(`{"`, `{"type":"item.withdraw","`)},
		{name: "name twice in the body", raw: replace(`"body":{`, `"body":{"version":2,`)},
		{name: "fraction in the body", raw: replace(`"version":1`, `"version":1.5`)},
		{name: "too large a number in the body", raw: replace(`"version":1`, `"version":9007199254740993`)},
		{name: "lone surrogate in the body", raw: replace(`"first"`, `"\ud800"`)},
		{name: "invalid UTF-8 in the body", raw: replace(`first`, "f\xffrst")},
		{name: "body seventeen deep", raw: replace(`{"class":"first","version":1}`, nested(16))},
		{name: "line end after it", raw: func(s string) string { return s + "\n" }},
		{name: "second value after it", raw: func(s string) string { return s + "{}" }},
		{name: "array", raw: func(s string) string { return "[" + s + "]" }},
		{name: "white space before it", raw: func(s string) string { return " " + s }},
		{name: "nothing", raw: func(string) string { return "" }},
		{name: "null", raw: func(string) string { return "null" }},
		{name: "60 KiB and one byte", raw: func(s string) string {
			return strings.Replace(s, `"first"`, `"`+strings.Repeat("a", MaxRecord-len(s)+len("first")+1)+`"`, 1)
		}},
		{name: "cut in two", raw: func(s string) string { return s[:len(s)/2] }},
	}
}

func (c recordCase) apply(t testing.TB, good []byte) []byte {
	t.Helper()
	if c.raw != nil {
		return []byte(c.raw(string(good)))
	}
	var m map[string]any
	d := json.NewDecoder(bytes.NewReader(good))
	d.UseNumber()
	if err := d.Decode(&m); err != nil {
		t.Fatal(err)
	}
	c.change(m)
	b, err := json.Marshal(m)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestRecordRefused(t *testing.T) {
	good := mustBytes(t, sample([]byte("x")))
	for _, c := range malformedRecords() {
		b := c.apply(t, good)
		if bytes.Equal(b, good) {
			t.Errorf("%s: nothing was changed", c.name)
		}
		_, err := ParseRecord(b)
		refused(t, c.name, err, ErrMalformed)
	}
}

// goodRecords are changes that leave a record well formed, at its limits.
func goodRecords() []recordCase {
	set := func(field string, v any) func(map[string]any) { return func(m map[string]any) { m[field] = v } }
	root := "h5ZbRL4ypQ6+9oT9MmRnHZpxYM1hFdnqrmHBeOQPgFU="
	sixteen := make([]any, MaxContents)
	for i := range sixteen {
		sixteen[i] = map[string]any{"hash": root, "size": MaxRecordContent / MaxContents, "type": "text/plain"}
	}
	return []recordCase{
		{name: "unknown type", change: set("type", "weather.report")},
		{name: "type with a hyphen", change: set("type", "item.set-aside")},
		{name: "UUID of another version", change: set("id", "0f0e0d0c-0b0a-4908-8706-050403020100")},
		{name: "only what must be there", change: func(m map[string]any) {
			for _, f := range []string{"terms", "by", "about", "seen", "body", "contents"} {
				delete(m, f)
			}
		}},
		{name: "null for what may be absent", change: func(m map[string]any) {
			for _, f := range []string{"terms", "by", "about", "seen", "contents"} {
				m[f] = nil
			}
		}},
		{name: "unknown fields", raw: func(s string) string { return strings.Replace(s, `{"`, `{"later":{"a":[1]},"`, 1) }},
		{name: "name that differs in case", raw: func(s string) string { return strings.Replace(s, `{"`, `{"Type":"item.withdraw","`, 1) }},
		{name: "time 2^53", raw: func(s string) string { return strings.Replace(s, "1796126400000000", "9007199254740992", 1) }},
		{name: "by of 64 bytes", change: set("by", strings.Repeat("a", 64))},
		{name: "about of 512 bytes", change: set("about", strings.Repeat("a", 512))},
		{name: "sixteen contents of 3 MiB together", change: set("contents", sixteen)},
		{name: "body is a number", change: set("body", 7)},
		{name: "body sixteen deep with the record", raw: func(s string) string {
			return strings.Replace(s, `{"class":"first","version":1}`, nested(15), 1)
		}},
		{name: "60 KiB", raw: func(s string) string {
			return strings.Replace(s, `"first"`, `"`+strings.Repeat("a", MaxRecord-len(s)+len("first"))+`"`, 1)
		}},
	}
}

func TestRecordAccepted(t *testing.T) {
	good := mustBytes(t, sample([]byte("x")))
	for _, c := range goodRecords() {
		r, err := ParseRecord(c.apply(t, good))
		if err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.name == "name that differs in case" && r.Type != "item.release" {
			t.Errorf("%s: type %q", c.name, r.Type)
		}
	}
}

func TestBytesRefusesWhatParseRefuses(t *testing.T) {
	for name, change := range map[string]func(*Record){
		"type":     func(r *Record) { r.Type = "x" },
		"size":     func(r *Record) { r.Body = []byte(`"` + strings.Repeat("a", MaxRecord) + `"`) },
		"body":     func(r *Record) { r.Body = []byte(`{"a":1.5}`) },
		"not JSON": func(r *Record) { r.Body = []byte(`{`) },
		"about":    func(r *Record) { r.About = "a\x00b" },
		"by":       func(r *Record) { r.By = "a\x00b" },
		"seen":     func(r *Record) { r.Seen = append(r.Seen, r.Seen[0]) },
	} {
		r := sample([]byte("x"))
		change(&r)
		b, err := r.Bytes()
		refused(t, name, err, ErrMalformed)
		if b != nil {
			t.Errorf("%s: bytes were given", name)
		}
	}
}

func TestContentRef(t *testing.T) {
	for _, c := range []struct {
		bytes int
		size  int64
	}{{0, 0}, {1, 1024}, {1023, 1024}, {1024, 1024}, {1025, 2048}, {MaxContent, MaxContent}} {
		content, salt := bytes.Repeat([]byte("n"), c.bytes), testSalt(9)
		ref := Refer(salt, content, "text/plain", "fa")
		want := sha256.Sum256(append(salt[:], content...))
		if ref.Size != c.size || ref.Hash != base64.StdEncoding.EncodeToString(want[:]) || ref.Type != "text/plain" || ref.Lang != "fa" {
			t.Errorf("%d bytes: %+v", c.bytes, ref)
		}
		if !ref.Fits(salt, content) || ref.Fits(testSalt(8), content) || ref.Fits(salt, append(content, 'x')) {
			t.Errorf("%d bytes: fits what it should not, or not what it should", c.bytes)
		}
		ref.Size += 1024
		if ref.Fits(salt, content) {
			t.Errorf("%d bytes: fits under another size", c.bytes)
		}
	}
	if a, b := NewSalt(), NewSalt(); a == b {
		t.Error("two salts are equal")
	}
	if a, b := NewID(), NewID(); a == b || !IsLedgerID(a) {
		t.Errorf("ids %s, %s", a, b)
	}
}

// TestRecordProperty writes drawn records, reads them again, and reads them with one byte changed without a panic.
func TestRecordProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := Record{
			Type:   rapid.StringMatching(`[a-z-]{1,8}\.[a-z-]{1,8}`).Draw(t, "type"),
			ID:     "019af000-0000-7000-8000-000000000001",
			Ledger: rapid.StringMatching(`[0-9a-f]{32}`).Draw(t, "ledger"),
			Time:   rapid.Int64Range(1, MaxInteger).Draw(t, "time"),
			By:     rapid.StringMatching(`[A-Za-z0-9_-]{0,64}`).Draw(t, "by"),
		}
		for i := range rapid.IntRange(0, 3).Draw(t, "seen") {
			r.Seen = append(r.Seen, Seen{Ledger: fmt.Sprintf("%032x", i), Size: rapid.Int64Range(0, MaxInteger).Draw(t, "size"), Root: saltedHash(testSalt(1), nil)})
		}
		for range rapid.IntRange(0, 3).Draw(t, "contents") {
			r.Contents = append(r.Contents, Refer(testSalt(2), rapid.SliceOfN(rapid.Byte(), 0, 2000).Draw(t, "content"), "text/plain", ""))
		}
		b, err := r.Bytes()
		if err != nil {
			for _, s := range r.Seen {
				if s.Ledger == r.Ledger {
					return
				}
			}
			t.Fatal(err)
		}
		got, err := ParseRecord(b)
		if err != nil || !reflect.DeepEqual(got, r) {
			t.Fatalf("got %+v, %v", got, err)
		}
		b[rapid.IntRange(0, len(b)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "by what"))
		if _, err := ParseRecord(b); err == nil && LeafHash(b) == LeafHash(mustAgain(r)) {
			t.Fatal("another record has the same leaf")
		}
	})
}

func mustAgain(r Record) []byte { b, _ := r.Bytes(); return b }
