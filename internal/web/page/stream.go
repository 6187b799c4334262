package page

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"
)

// Heartbeat is how often a stream says that it is still there. A page that hears nothing for three of them says so.
const Heartbeat = 15 * time.Second

// Stream sends events to an open page (server-sent events). It belongs to one goroutine.
type Stream struct {
	w http.ResponseWriter
	c *http.ResponseController
}

// NewStream answers a request with a stream of events. It ends when the handler returns.
func NewStream(w http.ResponseWriter) (*Stream, error) {
	h := w.Header()
	h.Set("Content-Type", "text/event-stream")
	h.Set("Cache-Control", "no-store")
	h.Set("X-Accel-Buffering", "no")
	s := &Stream{w: w, c: http.NewResponseController(w)}
	w.WriteHeader(http.StatusOK)
	return s, s.Beat()
}

// Send sends one event. id, where it is not "", is what the browser says as Last-Event-ID when it comes back.
func (s *Stream) Send(event, id string, data any) error {
	raw, err := json.Marshal(data)
	if err != nil {
		return err
	}
	if id != "" {
		id = "id: " + id + "\n"
	}
	return s.write("event: " + event + "\n" + id + "data: " + string(raw) + "\n\n")
}

// Beat says that the stream is still there.
func (s *Stream) Beat() error { return s.write("event: beat\ndata:\n\n") }

// patience is how long one write may take: who takes nothing any more is let go.
const patience = 30 * time.Second

func (s *Stream) write(text string) error {
	if err := s.c.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := fmt.Fprint(s.w, text); err != nil {
		return err
	}
	return s.c.Flush()
}

// StillSigned reports whether the session of a request is still good; a stream asks at each beat.
func (s *Shell) StillSigned(r *http.Request) bool {
	_, err := s.o.Sessions.Person(r.Context(), visitOf(r).token)
	return err == nil
}
