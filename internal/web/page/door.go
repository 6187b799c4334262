package page

import (
	"net/http"
	"strings"

	"newspool/internal/fault"
)

// Only makes a door that lets in whoever may pass; others are Denied with the message of key.
func Only(may func(Person) bool, key string) func(Handler) Handler {
	return func(h Handler) Handler {
		return func(w http.ResponseWriter, r *http.Request) error {
			if !may(PersonOf(r)) {
				return fault.New(fault.Denied, key)
			}
			return h(w, r)
		}
	}
}

// ParseForm reads a form of at most limit bytes into r.PostForm. One that is longer, broken, or made for files is Invalid.
func ParseForm(w http.ResponseWriter, r *http.Request, limit int64) error {
	if strings.HasPrefix(strings.ToLower(r.Header.Get("Content-Type")), "multipart/") {
		return fault.New(fault.Invalid, "page.form_unreadable")
	}
	r.Body = http.MaxBytesReader(w, r.Body, limit)
	if err := r.ParseForm(); err != nil {
		return fault.New(fault.Invalid, "page.form_unreadable").Because(err)
	}
	return nil
}
