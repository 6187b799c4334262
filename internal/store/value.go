package store

import (
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"math"
	"reflect"
	"strings"
	"unicode/utf8"
)

var errText = errors.New("store: a text that is not UTF-8 or holds a zero byte")

// value brings an argument to one of nil, int64, float64, bool, string, []byte, so that both engines take the same.
func value(arg any) (any, error) {
	switch v := arg.(type) {
	case nil:
		return nil, nil
	case string:
		return text(v)
	case int64, float64, bool:
		return v, nil
	case int:
		return int64(v), nil
	case []byte:
		if v == nil {
			return nil, nil
		}
		return v, nil
	}
	rv := reflect.ValueOf(arg)
	if v, ok := arg.(driver.Valuer); ok {
		if rv.Kind() == reflect.Pointer && rv.IsNil() {
			return nil, nil
		}
		inner, err := v.Value()
		if err != nil {
			return nil, err
		}
		if _, again := inner.(driver.Valuer); again {
			return nil, fmt.Errorf("store: %T gives another Valuer", arg)
		}
		return value(inner)
	}
	return kind(rv)
}

// kind is value for the types that are made of others.
func kind(v reflect.Value) (any, error) {
	switch v.Kind() {
	case reflect.Pointer:
		if v.IsNil() {
			return nil, nil
		}
		return value(v.Elem().Interface())
	case reflect.String:
		return text(v.String())
	case reflect.Bool:
		return v.Bool(), nil
	case reflect.Int, reflect.Int8, reflect.Int16, reflect.Int32, reflect.Int64:
		return v.Int(), nil
	case reflect.Uint, reflect.Uint8, reflect.Uint16, reflect.Uint32, reflect.Uint64:
		if v.Uint() > math.MaxInt64 {
			return nil, fmt.Errorf("store: %d is too large", v.Uint())
		}
		return int64(v.Uint()), nil
	case reflect.Float32, reflect.Float64:
		return v.Float(), nil
	case reflect.Slice:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			return value(v.Bytes())
		}
	case reflect.Array:
		if v.Type().Elem().Kind() == reflect.Uint8 {
			b := make([]byte, v.Len())
			reflect.Copy(reflect.ValueOf(b), v)
			return b, nil
		}
	}
	return nil, fmt.Errorf("store: a %s cannot be stored", v.Type())
}

func text(s string) (any, error) {
	if !utf8.ValidString(s) || strings.IndexByte(s, 0) >= 0 {
		return nil, errText
	}
	return s, nil
}

// holes is the highest $n of a statement, outside of literals and comments.
func holes(query string) int {
	most := 0
	for _, t := range tokens(query) {
		if t.kind == hole && t.n > most {
			most = t.n
		}
	}
	return most
}

func miscount(want, got int) error {
	return fmt.Errorf("store: the statement takes %d values and was given %d", want, got)
}

// assign copies a value of SQLite into dest.
func assign(dest any, v driver.Value) error {
	switch d := dest.(type) {
	case *string:
		if s, ok := v.(string); ok {
			*d = s
			return nil
		}
	case *int64:
		if n, ok := v.(int64); ok {
			*d = n
			return nil
		}
	case *[]byte:
		switch b := v.(type) {
		case []byte:
			*d = notNil(b)
			return nil
		case nil:
			*d = nil
			return nil
		}
	case *any:
		if b, ok := v.([]byte); ok {
			v = notNil(b)
		}
		*d = v
		return nil
	case sql.Scanner:
		return d.Scan(v)
	}
	rv := reflect.ValueOf(dest)
	if rv.Kind() != reflect.Pointer || rv.IsNil() {
		return fmt.Errorf("store: cannot scan into %T", dest)
	}
	return set(rv.Elem(), v)
}

// set is assign for everything that is not common.
func set(d reflect.Value, v driver.Value) error {
	if d.Kind() == reflect.Pointer {
		if v == nil {
			d.SetZero()
			return nil
		}
		p := reflect.New(d.Type().Elem())
		if err := assign(p.Interface(), v); err != nil {
			return err
		}
		d.Set(p)
		return nil
	}
	ok := false
	switch v := v.(type) {
	case string:
		ok = setText(d, v)
	case []byte:
		ok = setBytes(d, v)
	case int64:
		ok = setInt(d, v)
	case float64:
		if ok = d.CanFloat(); ok {
			d.SetFloat(v)
		}
	case nil:
		if ok = d.Kind() == reflect.Slice; ok {
			d.SetZero()
		}
	}
	if !ok {
		return fmt.Errorf("store: cannot scan a %T into a %s", v, d.Type())
	}
	return nil
}

func setText(d reflect.Value, v string) bool {
	switch {
	case d.Kind() == reflect.String:
		d.SetString(v)
	case d.Kind() == reflect.Slice && d.Type().Elem().Kind() == reflect.Uint8:
		d.SetBytes([]byte(v))
	default:
		return false
	}
	return true
}

func setBytes(d reflect.Value, v []byte) bool {
	if d.Kind() != reflect.Slice || d.Type().Elem().Kind() != reflect.Uint8 {
		return false
	}
	d.SetBytes(notNil(v))
	return true
}

// notNil: the driver gives nil for no bytes, which is not NULL.
func notNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}

func setInt(d reflect.Value, v int64) bool {
	switch {
	case d.CanInt() && !d.OverflowInt(v):
		d.SetInt(v)
	case d.CanUint() && v >= 0 && !d.OverflowUint(uint64(v)):
		d.SetUint(uint64(v))
	case d.CanFloat():
		d.SetFloat(float64(v))
	case d.Kind() == reflect.Bool && (v == 0 || v == 1):
		d.SetBool(v == 1)
	default:
		return false
	}
	return true
}
