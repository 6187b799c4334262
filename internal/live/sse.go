package live

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	heartbeat = 15 * time.Second // keeps proxies from closing a quiet line, and finds out that nobody is there
	patience  = 30 * time.Second // how long one write may take
	retry     = "3000"           // milliseconds after which a browser comes back
)

// ServeSSE answers with a stream of server-sent events until the client goes away or the hub is closed. render makes of each
// event what is sent as data, HTML for example, or says false to leave it out; it is called on the goroutine of the request. The
// messages have the event's ID and no event name. The ID with which a browser comes back is not looked at: the hub keeps no past,
// so the page has to bring itself up to date. Topics are those of Subscribe.
func ServeSSE(w http.ResponseWriter, r *http.Request, hub *Hub, render func(Event) (string, bool), topics ...string) {
	s := stream{w: w, rc: http.NewResponseController(w)}
	header := w.Header()
	header.Set("Content-Type", "text/event-stream; charset=utf-8")
	header.Set("Cache-Control", "no-store, no-transform")
	header.Set("X-Accel-Buffering", "no")
	events := hub.Subscribe(r.Context(), topics...)
	w.WriteHeader(http.StatusOK)
	if s.send("retry: "+retry+"\n\n") != nil {
		return
	}
	beat := time.NewTicker(heartbeat)
	defer beat.Stop()
	for {
		var err error
		select {
		case e, ok := <-events:
			if !ok {
				return
			}
			if data, ok := render(e); ok {
				err = s.send(message(e.ID, data))
				beat.Reset(heartbeat)
			}
		case <-beat.C:
			err = s.send(": \n\n")
		}
		if err != nil {
			return
		}
	}
}

// lines makes one kind of line end of the three that the format knows.
var lines = strings.NewReplacer("\r\n", "\n", "\r", "\n")

// message is one event in the format text/event-stream.
func message(id int64, data string) string {
	var b strings.Builder
	b.WriteString("id: " + strconv.FormatInt(id, 10) + "\n")
	for line := range strings.SplitSeq(lines.Replace(data), "\n") {
		b.WriteString("data: " + line + "\n")
	}
	b.WriteByte('\n')
	return b.String()
}

type stream struct {
	w  http.ResponseWriter
	rc *http.ResponseController
}

// send writes and flushes. A server's limit on the whole answer gives way to one on each write.
func (s stream) send(text string) error {
	if err := s.rc.SetWriteDeadline(time.Now().Add(patience)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return err
	}
	if _, err := io.WriteString(s.w, text); err != nil {
		return err
	}
	return s.rc.Flush()
}
