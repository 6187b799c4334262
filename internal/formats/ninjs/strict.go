package ninjs

import (
	"bytes"
	"encoding/json"
	"strconv"
	"unicode/utf8"

	"newspool/internal/fault"
)

// Limits of one item.
const (
	MaxItem  = 1 << 20 // bytes
	MaxDepth = 32      // nested objects and arrays
)

// decode reads exactly one JSON value. Numbers stay as they were written.
func decode(b []byte) (any, error) {
	if len(b) > MaxItem {
		return nil, fault.New(fault.TooLarge, "ingest.item_large", "mb", MaxItem>>20)
	}
	b = bytes.TrimPrefix(b, []byte("\xef\xbb\xbf"))
	if !utf8.Valid(b) {
		return nil, fault.New(fault.Invalid, "ingest.json_utf8")
	}
	if !json.Valid(b) {
		var v json.RawMessage
		if json.NewDecoder(bytes.NewReader(b)).Decode(&v) == nil {
			return nil, fault.New(fault.Invalid, "ingest.json_more")
		}
		return nil, fault.New(fault.Invalid, "ingest.json_syntax").Because(json.Unmarshal(b, &v))
	}
	if loneSurrogate(b) {
		return nil, fault.New(fault.Invalid, "ingest.json_utf8")
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.UseNumber()
	return value(d, 1)
}

func value(d *json.Decoder, depth int) (any, error) {
	t, err := d.Token()
	if err != nil {
		return nil, fault.New(fault.Invalid, "ingest.json_syntax").Because(err)
	}
	open, ok := t.(json.Delim)
	if !ok {
		return t, nil
	}
	if depth > MaxDepth {
		return nil, fault.New(fault.Invalid, "ingest.json_deep", "max", MaxDepth)
	}
	if open == '[' {
		list := []any{}
		for d.More() {
			v, err := value(d, depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		_, err := d.Token()
		return list, err
	}
	object := map[string]any{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fault.New(fault.Invalid, "ingest.json_syntax").Because(err)
		}
		name, _ := t.(string)
		if _, twice := object[name]; twice {
			return nil, fault.New(fault.Invalid, "ingest.json_twice", "field", name)
		}
		if object[name], err = value(d, depth+1); err != nil {
			return nil, err
		}
	}
	_, err = d.Token()
	return object, err
}

// loneSurrogate finds half of a character written as an escape, which the decoder would replace without a word. b is
// valid JSON, so a backslash stands in a string and four digits follow its u.
func loneSurrogate(b []byte) bool {
	for i := 0; i < len(b); i++ {
		if b[i] != '\\' {
			continue
		}
		i++
		if b[i] != 'u' {
			continue
		}
		r := hex4(b[i+1:])
		i += 4
		switch {
		case r >= 0xdc00 && r <= 0xdfff:
			return true
		case r >= 0xd800 && r <= 0xdbff:
			if i+6 >= len(b) || b[i+1] != '\\' || b[i+2] != 'u' {
				return true
			}
			if low := hex4(b[i+3:]); low < 0xdc00 || low > 0xdfff {
				return true
			}
			i += 6
		}
	}
	return false
}

func hex4(b []byte) uint64 {
	if len(b) < 4 {
		return 0
	}
	n, _ := strconv.ParseUint(string(b[:4]), 16, 32)
	return n
}
