package protocol

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func nested(n int) string { return strings.Repeat("[", n) + strings.Repeat("]", n) }

func TestCheckJSON(t *testing.T) {
	long := `"` + strings.Repeat("a", 98) + `"` // 100 bytes
	for _, c := range []struct {
		name, in string
		integers bool
		ok       bool
	}{
		{"object", `{"a":1,"b":[true,null,"ж"]}`, true, true},
		{"white space inside", "{\n \"a\" :\t1 }", true, true},
		{"white space before", ` 1`, true, true},
		{"string alone", `"x"`, true, true},
		{"empty", ``, true, false},
		{"white space only", " \n", true, false},
		{"white space after", "{} ", true, false},
		{"line end after", "{}\n", true, false},
		{"second value", `{}{}`, true, false},
		{"trailing comma", `{"a":1},`, true, false},
		{"duplicate name", `{"a":1,"a":2}`, true, false},
		{"duplicate name, escaped", `{"a":1,"\u0061":2}`, true, false},
		{"duplicate name below", `[{"a":{"b":1,"b":1}}]`, true, false},
		{"same name in two objects", `{"a":{"a":1},"b":{"a":1}}`, true, true},
		{"names that differ in case", `{"a":1,"A":2}`, true, true},
		{"invalid UTF-8", "\"\xff\"", true, false},
		{"overlong UTF-8", "\"\xc0\xaf\"", true, false},
		{"surrogate as UTF-8", "\"\xed\xa0\x80\"", true, false},
		{"byte order mark", "\ufeff{}", true, false},
		{"high surrogate alone", `"\ud800"`, true, false},
		{"low surrogate alone", `"\udc00"`, true, false},
		{"surrogates in the wrong order", `"\udc00\ud800"`, true, false},
		{"high surrogate, other escape", `"\ud800\u0041"`, true, false},
		{"surrogate pair", `"\ud83d\udcf0"`, true, true},
		{"lone surrogate in a name", `{"\ud800":1}`, true, false},
		{"zero character", `"a\u0000"`, true, false},
		{"zero character in a name", `{"\u0000":1}`, true, false},
		{"backslash and digits", `"a\\u0000"`, true, true},
		{"control character", "\"\x01\"", true, false},
		{"2^53", `9007199254740992`, true, true},
		{"-2^53", `-9007199254740992`, true, true},
		{"2^53+1", `9007199254740993`, true, false},
		{"-2^53-1", `-9007199254740993`, true, false},
		{"2^64", `18446744073709551616`, true, false},
		{"large below", `{"a":[9007199254740993]}`, true, false},
		{"minus zero", `-0`, true, true},
		{"fraction", `1.5`, true, false},
		{"whole fraction", `1.0`, true, false},
		{"exponent", `1e3`, true, false},
		{"fraction where allowed", `{"a":1.5e3}`, false, true},
		{"large where allowed", `9007199254740993`, false, true},
		{"leading zero", `01`, false, false},
		{"NaN", `NaN`, false, false},
		{"comment", `{}//`, false, false},
		{"single quotes", `'a'`, false, false},
		{"depth 16", nested(16), true, true},
		{"depth 17", nested(17), true, false},
		{"depth 16 with a value", strings.Repeat("[", 16) + "1" + strings.Repeat("]", 16), true, true},
		{"depth 100,000", strings.Repeat("[", 100_000), true, false},
		{"at the limit", long, true, true},
		{"over the limit", long[:99] + "a\"", true, false},
		{"unfinished", `{"a":`, true, false},
	} {
		limit := 100
		if strings.HasPrefix(c.name, "depth") {
			limit = 1 << 20
		}
		err := CheckJSON([]byte(c.in), limit, c.integers)
		if c.ok && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if !c.ok {
			refused(t, c.name, err, ErrMalformed)
		}
	}
}

func TestDecode(t *testing.T) {
	type doc struct {
		Type string `json:"type"`
		Data []byte `json:"data"`
		N    int64  `json:"n"`
	}
	for _, c := range []struct {
		in   string
		want doc
		ok   bool
	}{
		{`{"type":"a","Type":"b","TYPE":"c"}`, doc{Type: "a"}, true},
		{`{"Type":"b"}`, doc{}, true},
		{`{"type":null,"n":null}`, doc{}, true},
		{`{"unknown":{"a":[1]},"n":-0}`, doc{}, true},
		{`{"data":"AQI="}`, doc{Data: []byte{1, 2}}, true},
		{`{"data":"AQI"}`, doc{}, false},
		{`{"data":"AQ\nI="}`, doc{}, false},
		{`{"n":"1"}`, doc{}, false},
		{`{"type":1}`, doc{}, false},
		{`[]`, doc{}, false},
	} {
		var got doc
		err := Decode([]byte(c.in), &got)
		if !c.ok {
			refused(t, c.in, err, ErrMalformed)
			continue
		}
		if err != nil || got.Type != c.want.Type || got.N != c.want.N || !bytes.Equal(got.Data, c.want.Data) {
			t.Errorf("%s: %+v, %v", c.in, got, err)
		}
	}
}

// TestJSONTestSuite holds CheckJSON against the public suite: what must be refused is refused, and what must be accepted is
// refused only for one of the rules that this protocol has beyond JSON itself.
func TestJSONTestSuite(t *testing.T) {
	dir, ok := shared(t, "the JSON test suite", "json", "JSONTestSuite")
	if !ok {
		return
	}
	files, err := filepath.Glob(filepath.Join(dir, "test_parsing", "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no files: %v", err)
	}
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		name := filepath.Base(file)
		got := CheckJSON(b, 1<<20, false)
		switch name[0] {
		case 'n':
			refused(t, name, got, ErrMalformed)
		case 'y':
			if rule := ownRule(b); (got != nil) != (rule != "") {
				t.Errorf("%s: %v, by our own rules %q", name, got, rule)
			}
		}
	}
}

// ownRule says which rule of this protocol a valid JSON text breaks. It is written apart from CheckJSON.
func ownRule(b []byte) string {
	if len(bytes.TrimRight(b, " \t\r\n")) != len(b) {
		return "white space after the value"
	}
	d := json.NewDecoder(bytes.NewReader(b))
	type level struct {
		names  map[string]bool
		object bool
		value  bool
	}
	stack := []level{{}}
	for {
		tok, err := d.Token()
		if err != nil {
			return ""
		}
		top := &stack[len(stack)-1]
		s, isString := tok.(string)
		if isString && strings.Contains(s, "\x00") {
			return "U+0000"
		}
		if tok == json.Delim('}') || tok == json.Delim(']') {
			stack = stack[:len(stack)-1]
			continue
		}
		if top.object && !top.value {
			if top.names[s] {
				return "name twice"
			}
			top.names[s], top.value = true, true
			continue
		}
		top.value = false
		if tok == json.Delim('{') || tok == json.Delim('[') {
			stack = append(stack, level{names: map[string]bool{}, object: tok == json.Delim('{')})
			if len(stack) > MaxDepth+1 {
				return "too deep"
			}
		}
	}
}
