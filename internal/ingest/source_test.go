package ingest

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}

// clocked is a service with a clock that a test moves.
func clocked(t *testing.T, db *store.DB, desk Desk, allow []netip.Prefix) (*Service, *time.Time) {
	t.Helper()
	at := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	return New(db, Options{Desk: desk, Client: fetch.New(fetch.Options{AllowNets: allow}).Client(), Clock: func() time.Time { return at }}), &at
}

func each(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	storetest.Each(t, []store.Migration{Migrations()}, fn)
}

func TestSources(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		s, _ := clocked(t, db, nil, nil)
		ctx := t.Context()
		for _, bad := range []string{"", "north.example", "ftp://north.example/", "file:///etc/passwd", "https://", "https://u:p@north.example/", "https://x/" + strings.Repeat("y", 2000), "http://%zz"} {
			if _, err := s.AddSource(ctx, Source{URL: bad}); fault.Of(err).Key != "ingest.source_url" {
				t.Errorf("%q: %v", bad, err)
			}
		}
		for _, bad := range []time.Duration{time.Second, -time.Hour, 30 * 24 * time.Hour} {
			if _, err := s.AddSource(ctx, Source{URL: "https://north.example/", Every: bad}); fault.Of(err).Key != "ingest.source_every" {
				t.Errorf("%s: %v", bad, err)
			}
		}
		b, err := s.AddSource(ctx, Source{Enabled: true, URL: " https://soren.example/rss ", Name: "Радио Сорен", Lang: "ru", Service: "world", Every: 90 * time.Second})
		if err != nil {
			t.Fatal(err)
		}
		a, err := s.AddSource(ctx, Source{URL: "https://north.example/feed", Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		if a.Name != "north.example" || a.Every != DefaultEvery || !a.Enabled || !a.Due().IsZero() {
			t.Errorf("%+v", a)
		}
		if _, err := s.AddSource(ctx, Source{URL: "https://soren.example/rss"}); fault.Of(err).Key != "ingest.source_twice" {
			t.Errorf("%v", err)
		}
		if err := s.SetEnabled(ctx, b.ID, false); err != nil {
			t.Error(err)
		}
		b.Enabled = false
		all, err := s.Sources(ctx)
		if d := cmp.Diff([]Source{a, b}, all, cmpopts.IgnoreUnexported(Source{})); d != "" || err != nil {
			t.Errorf("%v %s", err, d)
		}
		if err := s.RemoveSource(ctx, a.ID); err != nil {
			t.Error(err)
		}
		for name, err := range map[string]error{"remove": s.RemoveSource(ctx, a.ID), "enable": s.SetEnabled(ctx, a.ID, true)} {
			if !fault.Is(err, fault.NotFound) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := s.Poll(ctx, a.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("%v", err)
		}
	})
}

func TestPoll(t *testing.T) {
	answer := func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, rss) }
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { answer(w, r) }))
	defer srv.Close()
	each(t, func(t *testing.T, db *store.DB) {
		desk := &tray{}
		s, at := clocked(t, db, desk, loopback)
		ctx := t.Context()
		src, err := s.AddSource(ctx, Source{URL: srv.URL + "/feed", Name: "North", Lang: "en", Service: "snow", Every: 10 * time.Minute, Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		poll := func(taken, duplicates int, key string) {
			t.Helper()
			report, err := s.Poll(ctx, src.ID)
			if report.Taken != taken || report.Duplicates != duplicates || (err == nil) != (key == "") || err != nil && fault.Of(err).Key != key {
				t.Errorf("%+v, %v; want %d and %d, %q", report, err, taken, duplicates, key)
			}
			now, err := s.Source(ctx, src.ID)
			if err != nil || now.Last != *at || (now.Trouble == nil) != (key == "") || now.Trouble != nil && now.Trouble.Key != key {
				t.Errorf("%v %+v", err, now)
			}
		}
		answer = func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("If-None-Match") == `"1"` && r.Header.Get("If-Modified-Since") == "Sun, 22 Nov 2026 12:00:00 GMT" {
				w.WriteHeader(http.StatusNotModified)
				return
			}
			w.Header().Set("ETag", `"1"`)
			w.Header().Set("Last-Modified", "Sun, 22 Nov 2026 12:00:00 GMT")
			fmt.Fprint(w, rss)
		}
		poll(2, 0, "")
		if d := desk.all[0]; d.Source != string(src.ID) || d.Lang != "en" || d.Service != "snow" || d.Credit != "North" {
			t.Errorf("%+v", d)
		}
		poll(0, 0, "") // not modified
		answer = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusTeapot) }
		poll(0, 0, "ingest.source_status")
		if now, _ := s.Source(ctx, src.ID); cmp.Diff(map[string]any{"host": strings.TrimPrefix(srv.URL, "http://"), "status": "418"}, now.Trouble.Args) != "" || now.Failures != 1 {
			t.Errorf("%+v", now.Trouble)
		}
		answer = func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, "<html>") }
		poll(0, 0, "ingest.feed_bad")
		now, _ := s.Source(ctx, src.ID)
		if now.Due() != at.Add(40*time.Minute) {
			t.Errorf("after two failures due at %s", now.Due())
		}
		answer = func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, strings.Replace(rss, "<title>B<", "<title>C<", 1))
		}
		poll(1, 1, "")
		answer = func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusGone) }
		poll(0, 0, "ingest.source_gone")
		if now, _ := s.Source(ctx, src.ID); now.Enabled {
			t.Error("a feed that is gone is still asked")
		}
	})
}

// A feed that is broken, one that is refused and one that is off stop no other; none is asked before its time.
func TestPollDue(t *testing.T) {
	asked := make(chan string, 100)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked <- r.URL.Path
		if r.URL.Path == "/broken" {
			fmt.Fprint(w, "broken")
			return
		}
		fmt.Fprint(w, strings.ReplaceAll(rss, "r-", r.URL.Path+"-"))
	}))
	defer srv.Close()
	each(t, func(t *testing.T, db *store.DB) {
		for len(asked) > 0 {
			<-asked
		}
		desk := &tray{}
		s, at := clocked(t, db, desk, loopback)
		ctx := t.Context()
		byName := map[string]SourceID{}
		for _, path := range []string{"broken", "good", "off", "other"} {
			src, err := s.AddSource(ctx, Source{URL: srv.URL + "/" + path, Name: path, Enabled: true})
			if err != nil {
				t.Fatal(err)
			}
			byName[path] = src.ID
		}
		private, err := s.AddSource(ctx, Source{URL: "http://169.254.169.254/latest/", Name: "private", Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		if err := s.SetEnabled(ctx, byName["off"], false); err != nil {
			t.Fatal(err)
		}
		if err := s.PollDue(ctx); err != nil {
			t.Fatal(err)
		}
		if len(desk.all) != 4 || len(asked) != 3 {
			t.Errorf("%d items, %d requests", len(desk.all), len(asked))
		}
		for name, key := range map[string]string{"broken": "ingest.feed_bad", "private": "fault.address"} {
			id := byName[name]
			if name == "private" {
				id = private.ID
			}
			if now, err := s.Source(ctx, id); err != nil || now.Trouble == nil || now.Trouble.Key != key {
				t.Errorf("%s: %v %+v", name, err, now.Trouble)
			}
		}
		*at = at.Add(DefaultEvery - time.Second)
		if err := s.PollDue(ctx); err != nil || len(asked) != 3 {
			t.Errorf("%v, %d requests before the time", err, len(asked))
		}
		*at = at.Add(time.Second)
		if err := s.PollDue(ctx); err != nil || len(asked) != 5 { // the broken one waits longer
			t.Errorf("%v, %d requests", err, len(asked))
		}
	})
}

// What goes wrong here with one feed ends no other, and that feed is not asked again and again.
func TestPollDueAndTroubleHere(t *testing.T) {
	slow := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/good" {
			<-slow
		}
		fmt.Fprint(w, strings.ReplaceAll(rss, "r-", r.URL.Path+"-"))
	}))
	defer srv.Close()
	each(t, func(t *testing.T, db *store.DB) {
		slow = make(chan bool)
		no := errors.New("the desk falls over it")
		bad := SourceID("")
		desk := &tray{fail: func(d news.Draft) error {
			if d.Source == string(bad) {
				return no
			}
			return nil
		}}
		s, at := clocked(t, db, desk, loopback)
		ids := map[string]SourceID{}
		for _, name := range []string{"bad", "good"} {
			src, err := s.AddSource(t.Context(), Source{URL: srv.URL + "/" + name, Name: name, Enabled: true})
			if err != nil {
				t.Fatal(err)
			}
			ids[name] = src.ID
		}
		bad = ids["bad"]
		if err := db.Write(t.Context(), func(tx *store.Tx) error { // so that what is refused cannot be written down
			return tx.Exec(`ALTER TABLE source_refusal RENAME COLUMN original TO lost`)
		}); err != nil {
			t.Fatal(err)
		}
		go func() {
			for {
				if src, err := s.Source(t.Context(), bad); err != nil || src.Failures > 0 {
					break
				}
				time.Sleep(time.Millisecond)
			}
			close(slow)
		}()
		if err := s.PollDue(t.Context()); err == nil {
			t.Error("nothing is said of the trouble")
		}
		good, err := s.Source(t.Context(), ids["good"])
		if err != nil || good.Trouble != nil || good.Reading == nil || good.Reading.Taken != 2 {
			t.Errorf("%v %+v", err, good)
		}
		if src, err := s.Source(t.Context(), bad); err != nil || src.Trouble == nil || src.Trouble.Key != "fault.internal" || src.Due() != at.Add(2*DefaultEvery) {
			t.Errorf("%v %+v", err, src)
		}
	})
}

func TestPollAndTroubleOfTheDesk(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("If-None-Match") != "" {
			t.Error("asked for news only after items were lost")
		}
		w.Header().Set("ETag", `"1"`)
		fmt.Fprint(w, rss)
	}))
	defer srv.Close()
	each(t, func(t *testing.T, db *store.DB) {
		down := fault.New(fault.Unavailable, "fault.database")
		desk := &tray{fail: func(news.Draft) error { return down }}
		s, _ := clocked(t, db, desk, loopback)
		src, err := s.AddSource(t.Context(), Source{URL: srv.URL, Enabled: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.Poll(t.Context(), src.ID); !errors.Is(err, down) {
			t.Errorf("%v", err)
		}
		desk.fail = nil
		if report, err := s.Poll(t.Context(), src.ID); err != nil || report.Taken != 2 {
			t.Errorf("%+v %v", report, err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if _, err := s.Poll(ctx, src.ID); !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	})
}

// TestTry has a feed read before it is added: nothing of that stays.
func TestTry(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		desk := &tray{}
		s, _ := clocked(t, db, desk, loopback)
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, rss) }))
		defer server.Close()
		got, err := s.Try(t.Context(), Source{URL: server.URL, Lang: "en"})
		if err != nil || len(got.Drafts) != 2 || got.Drafts[0].Headline != "B" || got.Drafts[1].Lang != "en" || got.Title != "North" || got.Source.Every != DefaultEvery {
			t.Fatalf("%v %+v", err, got)
		}
		all, err := s.Sources(t.Context())
		if err != nil || len(all) != 0 || len(desk.all) != 0 {
			t.Errorf("%v: %d sources and %d items stay", err, len(all), len(desk.all))
		}
		if _, err := s.Try(t.Context(), Source{URL: "rubbish"}); fault.Of(err).Key != "ingest.source_url" {
			t.Error(err)
		}
	})
}

// TestAlso undoes a change when what belongs to it fails.
func TestAlso(t *testing.T) {
	each(t, func(t *testing.T, db *store.DB) {
		s, _ := clocked(t, db, &tray{}, nil)
		no := errors.New("no")
		fails := func(*store.Tx) error { return no }
		if _, err := s.AddSource(t.Context(), Source{URL: "https://north.example/"}, fails); !errors.Is(err, no) {
			t.Error(err)
		}
		n, err := NewSource(Source{URL: "https://north.example/"})
		if err != nil {
			t.Fatal(err)
		}
		told := 0
		a, err := s.AddSource(t.Context(), n, func(*store.Tx) error { told++; return nil })
		if err != nil || a != n || told != 1 || a.ID == "" || a.Name != "north.example" {
			t.Fatalf("%v %+v %+v %d", err, a, n, told)
		}
		if err := s.SetEnabled(t.Context(), a.ID, true, fails); !errors.Is(err, no) {
			t.Error(err)
		}
		if err := s.RemoveSource(t.Context(), a.ID, fails); !errors.Is(err, no) {
			t.Error(err)
		}
		if got, err := s.Source(t.Context(), a.ID); err != nil || got.Enabled {
			t.Errorf("%v %+v", err, got)
		}
	})
}
