// Package fault is the one kind of error that a person may see.
//
// A fault has a kind (what the other side of a connection is told), the key of a message with its values (what the reader
// is told, in their language) and a wrapped cause (what the operator finds in the log). Anything that is no fault is shown
// as "internal" with the number of the request, and never with its text.
package fault

import (
	"errors"
	"fmt"
	"net/http"
)

// Kind says in one word what went wrong. The list only ever grows: kinds cross the network.
type Kind string

// The kinds.
const (
	Invalid     Kind = "invalid"     // what was given cannot be used
	NotFound    Kind = "not_found"   // it is not here, or it is not yours: the same answer
	Denied      Kind = "denied"      // you may not
	Conflict    Kind = "conflict"    // somebody was faster, or it stands against what is already there
	Gone        Kind = "gone"        // it was here and has been withdrawn or erased
	TooLarge    Kind = "too_large"   // over a limit
	RateLimited Kind = "rate"        // too often
	Unavailable Kind = "unavailable" // not now: a partner, a database, a disk
	Fork        Kind = "fork"        // a ledger that says two things
	Internal    Kind = "internal"    // our own mistake
)

// Status is the HTTP status of a kind.
func (k Kind) Status() int {
	switch k {
	case Invalid:
		return http.StatusUnprocessableEntity
	case NotFound:
		return http.StatusNotFound
	case Denied:
		return http.StatusForbidden
	case Conflict, Fork:
		return http.StatusConflict
	case Gone:
		return http.StatusGone
	case TooLarge:
		return http.StatusRequestEntityTooLarge
	case RateLimited:
		return http.StatusTooManyRequests
	case Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Error is a fault. Key names a message of the catalogs; Args are its values by name.
type Error struct {
	Kind Kind
	Key  string
	Args map[string]any
	Err  error
}

// New makes a fault of a kind with a message. Args alternate name and value.
func New(kind Kind, key string, args ...any) *Error {
	e := &Error{Kind: kind, Key: key}
	for i := 0; i+1 < len(args); i += 2 {
		if e.Args == nil {
			e.Args = make(map[string]any, len(args)/2)
		}
		e.Args[fmt.Sprint(args[i])] = args[i+1]
	}
	return e
}

// Because adds the cause that an operator sees.
func (e *Error) Because(err error) *Error {
	c := *e
	c.Err = err
	return &c
}

// Error is for the log.
func (e *Error) Error() string {
	s := string(e.Kind) + ": " + e.Key
	if len(e.Args) > 0 {
		s += fmt.Sprintf(" %v", e.Args)
	}
	if e.Err != nil {
		s += ": " + e.Err.Error()
	}
	return s
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Of finds the fault in an error; what is none is Internal with the key "fault.internal".
func Of(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return &Error{Kind: Internal, Key: "fault.internal", Err: err}
}

// Is reports whether err is a fault of this kind.
func Is(err error, kind Kind) bool {
	var f *Error
	return errors.As(err, &f) && f.Kind == kind
}
