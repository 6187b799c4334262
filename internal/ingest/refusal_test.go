package ingest

import (
	"bytes"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/news"
	"newspool/internal/store"
)

// The originals of a feed that is refused again and again take no more than their room: the oldest go, and their reasons stay.
func TestRefusalsRoom(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		s, at := clocked(t, db, &tray{}, nil)
		src, err := s.AddSource(t.Context(), Source{URL: "https://north.example/feed"})
		if err != nil {
			t.Fatal(err)
		}
		for i := range 9 {
			*at = at.Add(time.Hour)
			all := outcomes{}
			d := news.Draft{Original: bytes.Repeat([]byte("x"), MaxOriginals/8+i), SourceID: fmt.Sprint(i) + strings.Repeat("я", 1<<20)}
			d.Headline = d.SourceID
			all.note(d, fault.New(fault.Invalid, "ingest.date_bad", "field", "published", "value", d.SourceID))
			if err := db.Write(t.Context(), func(tx *store.Tx) error { _, err := all.save(tx, src.ID, *at); return err }); err != nil {
				t.Fatal(err)
			}
		}
		all, err := s.Refusals(t.Context(), src.ID, 10)
		if err != nil || len(all) != 9 {
			t.Fatalf("%v %d", err, len(all))
		}
		held := 0
		for i, one := range all {
			b, err := s.Original(t.Context(), src.ID, one.ID)
			held += len(b)
			if kept := i < 7; one.Kept != kept || (err == nil) != kept || err != nil && fault.Of(err).Key != "ingest.original_gone" {
				t.Errorf("%d: %t %v", i, one.Kept, err)
			}
			if one.Why.Key != "ingest.date_bad" || one.Why.Args["field"] != "published" || len(one.Entry)+len(one.Headline)+len(fmt.Sprint(one.Why.Args)) > 2000 || !strings.HasPrefix(one.Entry, fmt.Sprint(8-i)) {
				t.Errorf("%d: %d %d %d bytes are kept beside it", i, len(one.Entry), len(one.Headline), len(fmt.Sprint(one.Why.Args)))
			}
		}
		if held > MaxOriginals {
			t.Errorf("%d bytes", held)
		}
	})
}

// TestRefusals has a feed polled that holds an entry with nothing in it: it is said once, kept as it came, and forgotten when
// the entry is mended.
func TestRefusals(t *testing.T) {
	const bad = `<item><guid>bad</guid><category>%s</category></item>`
	body := ""
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if body == "" {
			w.WriteHeader(http.StatusNotModified)
			return
		}
		fmt.Fprint(w, body)
	}))
	defer srv.Close()
	with := func(item string) string {
		return strings.Replace(rss, "<item>", "<language>?</language>"+item+"<item>", 1)
	}
	each(t, func(t *testing.T, db *store.DB) {
		var log bytes.Buffer
		at := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
		s := New(db, Options{Desk: &tray{}, Client: fetch.New(fetch.Options{AllowNets: loopback}).Client(), Clock: func() time.Time { return at }, Log: slog.New(slog.NewTextHandler(&log, nil))})
		src, err := s.AddSource(t.Context(), Source{URL: srv.URL, Name: "North", Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		poll := func(feed string, taken, known, refused, stand int, said bool) []Refusal {
			t.Helper()
			body = feed
			at = at.Add(time.Hour)
			log.Reset()
			if err := s.PollDue(t.Context()); err != nil {
				t.Fatal(err)
			}
			now, err := s.Source(t.Context(), src.ID)
			if err != nil || now.Reading == nil || now.Refusals != stand {
				t.Fatalf("%v %+v, want %d refusals", err, now, stand)
			}
			if got := now.Reading; got.Taken != taken || got.Known != known || got.Refused != refused || feed != "" && !got.At.Equal(at) {
				t.Errorf("%+v, want %d taken, %d known, %d refused", got, taken, known, refused)
			}
			if got := strings.Contains(log.String(), "entries=1"); got != said {
				t.Errorf("the log says it: %t\n%s", got, log.String())
			}
			all, err := s.Refusals(t.Context(), src.ID, 10)
			if err != nil || len(all) != stand {
				t.Fatalf("%v %+v", err, all)
			}
			return all
		}
		one := poll(with(fmt.Sprintf(bad, "snow")), 2, 0, 1, 1, true)[0]
		if one.Entry != "bad" || one.Why.Key != "ingest.empty" || !one.First.Equal(at) {
			t.Errorf("%+v", one)
		}
		if now, _ := s.Source(t.Context(), src.ID); len(now.Reading.Problems) != 1 || now.Reading.Problems[0].Key != "ingest.language_bad" {
			t.Errorf("of the feed as a whole: %+v", now.Reading.Problems)
		}
		if b, err := s.Original(t.Context(), src.ID, one.ID); err != nil || !bytes.Contains(b, []byte(`"snow"`)) {
			t.Errorf("%v %s", err, b)
		}
		if d := cmp.Diff(one, poll(with(fmt.Sprintf(bad, "snow")), 0, 2, 1, 1, false)[0]); d != "" {
			t.Errorf("the same again: %s", d)
		}
		poll("", 0, 2, 1, 1, false) // not modified: what was brought before stays
		if again := poll(with(fmt.Sprintf(bad, "ice")), 0, 2, 1, 1, true)[0]; again.ID != one.ID || !again.First.Equal(at) {
			t.Errorf("in another state: %+v", again)
		}
		poll(rss, 0, 2, 0, 1, false) // it has left the feed, and nobody has it but us
		poll(with(`<item><guid>bad</guid><title>Mended</title></item>`), 1, 2, 0, 0, false)
		if _, err := s.Original(t.Context(), src.ID, one.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
		for _, date := range []string{"9999-12-31T23:59:59-12:00", "Fri, 31 Dec 9999 23:59:59 -1200"} { // in UTC, the year 10000
			at, entry := at, fmt.Sprintf(`<item><guid>%s</guid><pubDate>%[1]s</pubDate></item>`, date)
			poll(with(entry), 0, 2, 1, 1, true)
			if all, err := s.Refusals(t.Context(), src.ID, 1); err != nil || all[0].Entry != date || !all[0].First.After(at) {
				t.Fatalf("%v %+v", err, all)
			} else if b, err := s.Original(t.Context(), src.ID, all[0].ID); err != nil || !bytes.Contains(b, []byte(date)) {
				t.Errorf("%v %s", err, b)
			}
			poll(with(strings.Replace(entry, "</guid>", "</guid><title>Mended</title>", 1)), 1, 2, 0, 0, false)
		}
		poll(with(`<item><guid>other</guid></item>`), 0, 2, 1, 1, true)
		if err := s.RemoveSource(t.Context(), src.ID); err != nil {
			t.Fatal(err)
		}
		if left, err := s.Refusals(t.Context(), src.ID, 10); err != nil || len(left) != 0 {
			t.Errorf("%v %+v", err, left)
		}
	})
}
