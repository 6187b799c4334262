package protocol

import (
	"bytes"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/go-json-experiment/json"
	"github.com/go-json-experiment/json/jsontext"
)

// ErrMalformed is wrapped by every error about bytes that do not have the form that this protocol demands.
var ErrMalformed = errors.New("malformed")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}

// MaxDepth is how deep JSON of the exchange may be nested.
const MaxDepth = 16

// MaxInteger is the largest integer that JSON of the exchange may hold; the smallest is its negative. Beyond it readers
// that keep numbers as IEEE 754 doubles would see another number.
const MaxInteger = 1 << 53

// CheckJSON accepts exactly one JSON value of at most max bytes: UTF-8 without lone surrogates and without the character
// U+0000, also where it is escaped (there are databases that cannot keep it), no name twice in one object, no depth beyond
// MaxDepth, and, where integers is set, no number that is not an integer within MaxInteger. Any other input is ErrMalformed.
// White space after the value is refused, too: bytes that mean nothing are still hashed.
func CheckJSON(b []byte, max int, integers bool) error {
	if len(b) > max {
		return malformed("%d bytes, the limit is %d", len(b), max)
	}
	d := jsontext.NewDecoder(bytes.NewReader(b))
	for {
		t, err := d.ReadToken()
		if err != nil {
			return malformed("%v", err)
		}
		if d.StackDepth() > MaxDepth {
			return malformed("nested deeper than %d", MaxDepth)
		}
		if t.Kind() == '"' && strings.Contains(t.String(), "\x00") {
			return malformed("the character U+0000")
		}
		if integers && t.Kind() == '0' {
			n, err := strconv.ParseInt(t.String(), 10, 64)
			if err != nil || n > MaxInteger || n < -MaxInteger {
				return malformed("%s is no integer within 2^53", t.String())
			}
		}
		if d.StackDepth() == 0 {
			break
		}
	}
	if d.InputOffset() != int64(len(b)) {
		return malformed("%d bytes after the value", int64(len(b))-d.InputOffset())
	}
	if _, err := d.ReadToken(); err != io.EOF {
		return malformed("more than one value")
	}
	return nil
}

// Decode reads JSON that CheckJSON accepts into v. Names count only exactly as they are written: "Type" is not "type", but a
// name that means nothing, like any other that v does not have. null stands for an absent value. What does not fit v is
// ErrMalformed.
func Decode(b []byte, v any) error {
	if err := json.Unmarshal(b, v); err != nil {
		return malformed("%v", err)
	}
	return nil
}

// checkDecoded finds what Decode lets pass and CheckJSON does not: the character U+0000, depth, and numbers that are no integers
// within MaxInteger. b is JSON that Decode has read.
func checkDecoded(b []byte) error {
	depth := 0
	for i := 0; i < len(b); i++ {
		switch c := b[i]; {
		case c == '"':
			for i++; b[i] != '"'; i++ {
				if b[i] == '\\' {
					if i++; b[i] == 'u' && string(b[i+1:i+5]) == "0000" {
						return malformed("the character U+0000")
					}
				}
			}
		case c == '{' || c == '[':
			if depth++; depth > MaxDepth {
				return malformed("nested deeper than %d", MaxDepth)
			}
		case c == '}' || c == ']':
			depth--
		case c == '-' || (c >= '0' && c <= '9'):
			from := i
			for i+1 < len(b) && bytes.IndexByte([]byte("0123456789.eE+-"), b[i+1]) >= 0 {
				i++
			}
			n, err := strconv.ParseInt(string(b[from:i+1]), 10, 64)
			if err != nil || n > MaxInteger || n < -MaxInteger {
				return malformed("%s is no integer within 2^53", b[from:i+1])
			}
		}
	}
	return nil
}

var strict64 = base64.StdEncoding.Strict()

// decode64 reads the base64 text of exactly n bytes in its only spelling: padded, without line ends or stray bits. The decoder
// passes over line ends, but then the text is too long.
func decode64(s string, n int) ([]byte, bool) {
	b := make([]byte, base64.StdEncoding.DecodedLen(len(s)))
	m, err := strict64.Decode(b, []byte(s))
	if err != nil || m != n || len(s) != base64.StdEncoding.EncodedLen(n) {
		return nil, false
	}
	return b[:m], true
}
