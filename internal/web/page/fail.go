package page

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/terms"
)

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
	status := f.Kind.Status()
	if strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		w.WriteHeader(status)
		return
	}
	p := wrongPage{
		Base:     s.Base(r, "", "page.wrong.title"),
		Kind:     string(f.Kind),
		Sentence: terms.Sentence(v.printer, err),
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
