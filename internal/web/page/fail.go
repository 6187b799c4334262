package page

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/terms"
)

// Status is the HTTP status of a kind of fault.
func Status(k fault.Kind) int {
	switch k {
	case fault.Invalid:
		return http.StatusUnprocessableEntity
	case fault.NotFound:
		return http.StatusNotFound
	case fault.Denied:
		return http.StatusForbidden
	case fault.Conflict, fault.Fork:
		return http.StatusConflict
	case fault.Gone:
		return http.StatusGone
	case fault.TooLarge:
		return http.StatusRequestEntityTooLarge
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}

// Sentence says an error to a reader. What is no fault, or a fault whose message no catalog has, is said as one of the
// program itself; its text stays in the log.
func Sentence(p *i18n.Printer, err error) string {
	f := fault.Of(err)
	if f.Kind == fault.Internal || !p.Has(f.Key) {
		return p.T("fault.internal")
	}
	return terms.Say(p, terms.Line{Key: f.Key, Args: f.Args}) // a refusal of the terms has coded values
}

// wrongPage is the page of an error.
type wrongPage struct {
	Base
	Kind     string
	Sentence string
	Advice   string // what to do
	ID       string // of the request; what the operator looks for in the log
}

// fail sends the page of an error. It is the one place where an error of a handler is logged.
func (s *Shell) fail(w *watcher, r *http.Request, v *visit, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // the browser has gone
	}
	f := fault.Of(err)
	if f.Kind == fault.Internal || f.Kind == fault.Unavailable {
		s.o.Log.Error("page", "request", v.id, "method", r.Method, "path", r.URL.Path, "error", err)
	}
	if w.sent {
		return
	}
	status := Status(f.Kind)
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		w.WriteHeader(status)
		return
	}
	p := wrongPage{
		Base:     s.Base(r, "", "page.wrong.title"),
		Kind:     string(f.Kind),
		Sentence: Sentence(v.printer, err),
		ID:       v.id,
	}
	if advice := "page.advice." + string(f.Kind); v.printer.Has(advice) {
		p.Advice = v.printer.T(advice)
	}
	name := "frame.html"
	if r.Header.Get(partHeader) != "" {
		name = "part:wrong"
	}
	if err := execute(w, status, s.wrong, name, p); err != nil {
		s.o.Log.Error("page of an error", "request", v.id, "error", err)
		http.Error(w, v.id, http.StatusInternalServerError)
	}
}

// watcher knows whether anything was sent.
type watcher struct {
	http.ResponseWriter
	sent bool
}

func (w *watcher) WriteHeader(status int) {
	w.sent = true
	w.ResponseWriter.WriteHeader(status)
}

func (w *watcher) Write(b []byte) (int, error) {
	w.sent = true
	return w.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (w *watcher) Unwrap() http.ResponseWriter { return w.ResponseWriter }
