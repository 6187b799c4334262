package protocol

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strconv"

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

// CheckJSON accepts exactly one JSON value of at most max bytes: UTF-8 without lone surrogates, no name twice in one
// object, no depth beyond MaxDepth, and, where integers is set, no number that is not an integer within MaxInteger.
// Any other input is ErrMalformed. White space after the value is refused, too: bytes that mean nothing are still hashed.
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
