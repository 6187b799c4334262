package ninjs

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/news"
)

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func TestReadLines(t *testing.T) {
	item := func(n int) string { return fmt.Sprintf(`{"uri":"urn:x:%d","headline":"H"}`, n) }
	long := `{"uri":"urn:x:0","headline":"` + strings.Repeat("x", 2*MaxItem) + `"}`
	for _, c := range []struct{ name, in, want string }{
		{"nothing", "", ""},
		{"only space", " \n\n ", ""},
		{"one", item(1), "1:urn:x:1"},
		{"lines", item(1) + "\n\n" + item(2) + "\r\n" + item(3) + "\n", "1:urn:x:1 3:urn:x:2 4:urn:x:3"},
		{"mark at the start", "\xef\xbb\xbf" + item(1) + "\n" + item(2), "1:urn:x:1 2:urn:x:2"},
		{"a broken line", item(1) + "\n{\"uri\":\"urn\n" + item(3), "1:urn:x:1 2:ingest.json_syntax 3:urn:x:3"},
		{"the first line is broken", "{\"uri\":\"urn\n" + item(2), "1:ingest.json_syntax 2:urn:x:2"},
		{"no JSON at all", "hello\n" + item(2), "1:ingest.json_syntax 2:urn:x:2"},
		{"a line too long", item(1) + "\n" + long + "\n" + item(3), "1:urn:x:1 2:ingest.item_large 3:urn:x:3"},
		{"the first line too long", long + "\n" + item(3), "1:ingest.item_large 2:urn:x:3"},
		{"one object on many lines", "{\n \"uri\" :\n\"urn:x:1\",\"headline\":\n\"a } \\\" {\"\n}\n", "1:urn:x:1"},
		{"objects on many lines", "{\n\"uri\":\"urn:x:1\",\"headline\":\"a\"}\n{\n\"uri\":\"urn:x:2\",\"headline\":\"b\"\n}", "1:urn:x:1 3:urn:x:2"},
		{"array after space", "\n\n [" + item(1) + "]", "3:urn:x:1"},
		{"array", "[" + item(1) + "," + item(2) + "]", "1:urn:x:1 1:urn:x:2"},
		{"array on many lines", "[\n" + item(1) + ",\n{\"uri\": nope},\n" + item(2) + "\n]", "2:urn:x:1 3:ingest.json_syntax 4:urn:x:2"},
		{"array with strays", "[7, \"x\", " + item(2) + "]", "1:ingest.json_syntax 1:urn:x:2"},
		{"array with one too large", "[" + long + "," + item(2) + "]", "1:ingest.item_large 1:urn:x:2"},
		{"array without end", "[" + item(1) + ",{\"uri\":", "1:urn:x:1 1:ingest.json_end"},
		{"array, an item without its last quote", "[\n" + item(1) + ",\n{\"uri\":\"urn:x:2\n" + item(3) + ",\n" + item(4) + "\n]", "2:urn:x:1 3:ingest.json_end 4:urn:x:3 5:urn:x:4"},
		{"array, an item without its end", "[" + item(1) + ",\n {\"uri\":\"urn:x:2\",\"headline\":\"H\",\n " + item(3) + ", \n " + item(4) + "]", "1:urn:x:1 2:ingest.json_end 3:urn:x:3 4:urn:x:4"},
		{"array of items on many lines, one without its end", "[\n {\n  \"uri\":\"urn:x:1\",\n  \"subjects\":[{\n },\n {\"name\":\"a\"}],\n \"headline\":\"H\"},\n {\n  \"uri\":\"urn:x:2\",\n\n " + item(3) + "]", "2:urn:x:1 8:ingest.json_end 11:urn:x:3"},
		{"array on one line, an item without its end", "[" + item(1) + `, {"uri":"urn:x:2","headline":"H", ` + item(3) + "]", "1:urn:x:1 1:ingest.json_end"},
		{"one object without space at its lines", "{\n\"uri\":\"urn:x:1\",\n\"headline\":\"H\n{\n\"uri\":\"urn:x:2\"}", "1:ingest.json_end"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var got []string
			err := ReadLines(strings.NewReader(c.in), func(line int, d news.Draft, err error) error {
				what := d.SourceID
				if err != nil {
					what = fault.Of(err).Key
				}
				got = append(got, fmt.Sprintf("%d:%s", line, what))
				return nil
			})
			if err != nil {
				got = append(got, "end:"+fault.Of(err).Key)
			}
			if d := cmp.Diff(c.want, strings.Join(got, " ")); d != "" {
				t.Error(d)
			}
		})
	}
	stop := errors.New("enough")
	n := 0
	err := ReadLines(strings.NewReader(item(1)+"\n"+item(2)), func(int, news.Draft, error) error { n++; return stop })
	if err != stop || n != 1 {
		t.Errorf("%v after %d", err, n)
	}
}

// A stream is unpacked once, and no further than it may be.
func TestUnzip(t *testing.T) {
	const max = 1 << 20
	for _, c := range []struct {
		name, in string
		size     int
		key      string
	}{
		{"nothing", "", 0, ""},
		{"plain", "news", 4, ""},
		{"packed", zipped("news"), 4, ""},
		{"as much as may be", zipped(strings.Repeat("x", max)), max, ""},
		{"a bomb", zipped(strings.Repeat("x", 50*max)), max, "ingest.file_large"},
		{"plain and too much", strings.Repeat("x", max+1), max, "ingest.file_large"},
		{"packed twice", zipped(zipped("news")), 0, "ingest.gzip_twice"},
		{"a bomb in a bomb", zipped(zipped(strings.Repeat("x", 50*max))), 0, "ingest.gzip_twice"},
		{"cut off", zipped("news")[:20], 0, "ingest.gzip"},
		{"no gzip", "\x1f\x8bxx", 0, "ingest.gzip"},
	} {
		t.Run(c.name, func(t *testing.T) {
			in, err := Unzip(strings.NewReader(c.in), max)
			n := int64(0)
			if err == nil {
				n, err = io.Copy(io.Discard, in)
			}
			if c.key == "" && err != nil || c.key != "" && fault.Of(err).Key != c.key || c.size > 0 && n != int64(c.size) {
				t.Errorf("%d bytes, %v", n, err)
			}
		})
	}
}

func FuzzSplit(f *testing.F) {
	f.Add([]byte("{}\n{}"))
	f.Add([]byte("[{\"a\":\"\\\"}\"},{}]"))
	f.Add([]byte("{\n\"a\":1}\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		at := 1
		split(bytes.NewReader(b), func(line int, item []byte, err error) error {
			if line < at || len(item) > MaxItem && err == nil {
				t.Errorf("line %d after %d, %d bytes", line, at, len(item))
			}
			at = line
			return nil
		})
	})
}
