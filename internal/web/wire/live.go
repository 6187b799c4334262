package wire

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

// calm is how long a stream waits after it has told something, so that a flood of items is told in few words.
const calm = 250 * time.Millisecond

// newEvent says how many rows wait above the list.
type newEvent struct {
	Count  int64  `json:"count"`
	Text   string `json:"text"`             // "7 new"
	Mark   string `json:"mark,omitempty"`   // before the title of the tab
	Urgent string `json:"urgent,omitempty"` // the headline of the newest urgent one, for sound and notification
	Told   int64  `json:"told"`             // the last change that was looked at; who comes back says it
}

// rowEvent is a row that has changed where it stands: corrected, withdrawn, closed.
type rowEvent struct {
	Item string `json:"item"`
	Line int64  `json:"line"` // of the change; a text that was read later has it already
	HTML string `json:"html"`
	Gone bool   `json:"gone,omitempty"` // withdrawn
}

// changesAtOnce is how many changes are read at once.
const changesAtOnce = library.MaxPage

// watch is what one stream has told.
type watch struct {
	painter
	person news.PersonID
	filter library.Filter
	only   news.ItemID // a page of one item: nothing else is told
	after  int64       // the newest row of the open list
	told   int64       // the last change that was looked at
	count  int64       // as it was said last
	first  bool
}

// teller takes events: a stream, or the answer to a page that asks now and then.
type teller interface {
	Send(event, id string, data any) error
}

// heard is one event of an answer.
type heard struct {
	Event string `json:"event"`
	Data  any    `json:"data"`
}

// answer gathers events.
type answer []heard

// Send adds an event.
func (a *answer) Send(event, _ string, data any) error {
	*a = append(*a, heard{event, data})
	return nil
}

// live tells an open list what is new above it, and which of its rows have changed. Counting always starts at the list as it
// was made, so a stream that was cut begins again without having missed anything. A page that does not want a stream (a hidden
// one, or one too many for the browser) gets the same events as one JSON answer.
func (f *Family) live(w http.ResponseWriter, r *http.Request) error {
	c, err := f.watchOf(r)
	if err != nil {
		return err
	}
	if !strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		return f.answerOnce(w, r, c)
	}
	ring := f.o.Bell.Ring(r.Context())
	stream, err := page.NewStream(w)
	if err != nil {
		return err
	}
	beat := time.NewTicker(page.Heartbeat)
	defer beat.Stop()
	for {
		if err := f.tell(r.Context(), stream, c); err != nil {
			return err
		}
		if !pause(r.Context(), calm) {
			return nil
		}
		select {
		case <-r.Context().Done():
			return nil
		case _, open := <-ring:
			if !open {
				return nil
			}
		case <-beat.C:
			if !f.o.Shell.StillSigned(r) {
				return nil
			}
			if err := stream.Beat(); err != nil {
				return nil // the page was closed
			}
		}
	}
}

// watchOf reads what a page has: the filter of its list, its newest row, and of which changes it knows: those from before it was
// made, and what it has heard since.
func (f *Family) watchOf(r *http.Request) (*watch, error) {
	q := r.URL.Query()
	after, err := strconv.ParseInt(q.Get("after"), 10, 64)
	if err != nil {
		return nil, errBadRequest(err)
	}
	told := int64(-1)
	for _, said := range append(q["told"], r.Header.Get("Last-Event-ID")) {
		if n, err := strconv.ParseInt(said, 10, 64); err == nil {
			told = max(told, n)
		}
	}
	if told < 0 {
		told = after
	}
	base := f.o.Shell.Base(r, "wire", "")
	partners, err := f.o.Directory.Partners(r.Context(), base.Lang)
	if err != nil {
		return nil, err
	}
	query := parseFilter(q)
	query.before = 0
	return &watch{
		painter: painter{p: base.P, now: base.Now, names: names{base.Newsroom, partners}, filter: query},
		person:  base.Person.ID,
		filter:  query.library(partners, base.Now, base.P.Zone()),
		only:    news.ItemOf(q.Get("item")),
		after:   after, told: told, first: true,
	}, nil
}

func (f *Family) answerOnce(w http.ResponseWriter, r *http.Request, c *watch) error {
	a := answer{}
	if err := f.tell(r.Context(), &a, c); err != nil {
		return err
	}
	raw, err := json.Marshal(a)
	if err != nil {
		return err
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	w.Write(raw) // who has gone does not get the rest
	return nil
}

func pause(ctx context.Context, d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}

// tell says what has changed since it was asked last. What cannot be sent is a page that was closed; the loop sees it.
func (f *Family) tell(ctx context.Context, s teller, c *watch) error {
	c.now = f.o.Shell.Now()
	urgent := ""
	for {
		changes, err := f.o.Library.Changed(ctx, c.told, changesAtOnce)
		if err != nil {
			return err
		}
		for _, one := range changes {
			if one.Line == one.N && one.Urgency > 0 && one.Urgency < 3 && !one.Own && one.State == news.Usable {
				urgent = one.Headline
			}
		}
		if len(changes) > 0 {
			c.told = changes[len(changes)-1].Line
		}
		more := len(changes) == changesAtOnce
		if err := f.tellRows(ctx, s, c, changes); err != nil {
			return err
		}
		if !more {
			break
		}
	}
	if c.only != "" {
		return nil
	}
	return f.tellCount(ctx, s, c, urgent)
}

// tellRows sends the changed rows that may stand in a list already. What came for the first time stands in none.
func (f *Family) tellRows(ctx context.Context, s teller, c *watch, changes []library.Change) error {
	changes = slices.DeleteFunc(changes, func(one library.Change) bool {
		first := one.Line == one.N && one.Version == 1 && one.State == news.Usable && !one.Own
		return first || c.only != "" && c.only != one.Item
	})
	if len(changes) == 0 {
		return nil
	}
	rows := make([]library.Row, len(changes))
	for i, one := range changes {
		rows[i] = one.Row
	}
	var err error
	if c.seen, err = f.o.Desk.SeenOf(ctx, c.person, itemsOf(rows)); err != nil {
		return err
	}
	for _, one := range changes {
		html, err := page.Fragment(f.list, "row", rowPart{c.p, c.row(one.Row)})
		if err != nil {
			return err
		}
		if err := s.Send("row", strconv.FormatInt(one.Line, 10), rowEvent{one.Item.Short(), one.Line, html, one.State == news.Withdrawn}); err != nil {
			return nil
		}
	}
	return nil
}

// tellCount says how many rows wait above the list, if that has changed or one of them is urgent.
func (f *Family) tellCount(ctx context.Context, s teller, c *watch, urgent string) error {
	count, _, err := f.o.Library.NewSince(ctx, c.filter, c.after)
	if err != nil || count == c.count && urgent == "" && !c.first {
		return err
	}
	pinned, err := f.o.Desk.PinnedUrgent(ctx, c.person)
	if err != nil {
		return err
	}
	c.count, c.first = count, false
	e := newEvent{Count: count, Text: c.p.T("wire.new", "n", count), Urgent: urgent, Told: c.told}
	if len(pinned) > 0 {
		e.Mark = urgentMark(c.painter, len(pinned))
	}
	s.Send("new", strconv.FormatInt(c.told, 10), e)
	return nil
}
