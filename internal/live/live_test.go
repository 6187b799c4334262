package live

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestTopics(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		ctx, cancel := context.WithCancel(t.Context())
		one, all := h.Subscribe(ctx, "wire", "agreements"), h.Subscribe(ctx)
		h.Publish("wire", "1")
		h.Publish("other", "2")
		h.Publish("agreements", "3")
		if got, want := take(one), []Event{{1, "wire", "1"}, {3, "agreements", "3"}}; !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		if got, want := take(all), []Event{{1, "wire", "1"}, {2, "other", "2"}, {3, "agreements", "3"}}; !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		if n := h.Listeners("wire"); n != 2 {
			t.Errorf("%d listeners", n)
		}
		cancel()
		for range one {
			t.Error("an event after the end")
		}
		for range all {
			t.Error("an event after the end")
		}
		if n := h.Listeners("wire"); n != 0 {
			t.Errorf("%d listeners after the end", n)
		}
		h.Publish("wire", "nobody")
	})
}

// take gives the events that are there, once everything has come to rest.
func take(ch <-chan Event) (list []Event) {
	for {
		synctest.Wait()
		select {
		case e := <-ch:
			list = append(list, e)
		default:
			return list
		}
	}
}

func TestSlowListenerGetsTheNewest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		slow := h.Subscribe(t.Context())
		for i := range 1000 {
			h.Publish("a", strconv.Itoa(i))
			h.Publish("b", strconv.Itoa(i))
		}
		h.Publish("c", "x")
		h.Publish("a", "last")
		want := []Event{{2000, "b", "999"}, {2001, "c", "x"}, {2002, "a", "last"}}
		if got := take(slow); !cmp.Equal(got, want) {
			t.Error(cmp.Diff(want, got))
		}
		h.Close()
		h.Close()
		if _, ok := <-slow; ok {
			t.Error("an event after the end")
		}
		if _, ok := <-h.Subscribe(t.Context()); ok {
			t.Error("an event of a closed hub")
		}
	})
}

func TestManyAtOnce(t *testing.T) {
	h := NewHub()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	for range 4 {
		events := h.Subscribe(ctx, "n")
		wg.Go(func() {
			last := int64(0)
			for e := range events {
				if e.ID <= last {
					t.Errorf("%d after %d", e.ID, last)
				}
				if last = e.ID; e.Value == "end" {
					return
				}
			}
		})
	}
	for i := range 2000 {
		h.Publish("n", strconv.Itoa(i))
	}
	h.Publish("n", "end")
	wg.Wait()
}

func TestMessage(t *testing.T) {
	for data, want := range map[string]string{
		"":                "id: 7\ndata: \n\n",
		"<p>a</p>":        "id: 7\ndata: <p>a</p>\n\n",
		"a\nb\r\nc\rd":    "id: 7\ndata: a\ndata: b\ndata: c\ndata: d\n\n",
		"a\n\nid: 9":      "id: 7\ndata: a\ndata: \ndata: id: 9\n\n",
		"خبرگزاری آوند\n": "id: 7\ndata: خبرگزاری آوند\ndata: \n\n",
	} {
		if got := message(7, data); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}

func TestServeSSE(t *testing.T) {
	h := NewHub()
	served := make(chan struct{})
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer close(served)
		ServeSSE(w, r, h, func(e Event) (string, bool) { return "<b>" + e.Value + "</b>", e.Value != "skip" }, "wire")
	}))
	srv.Config.WriteTimeout = time.Second // a stream outlives it: each write moves the limit
	srv.Start()
	defer srv.Close()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, srv.URL, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Last-Event-ID", "no number")
	resp, err := srv.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if got := resp.Header.Get("Content-Type"); got != "text/event-stream; charset=utf-8" {
		t.Errorf("type %q", got)
	}
	if resp.Header.Get("X-Accel-Buffering") != "no" {
		t.Error("a proxy would hold it back")
	}
	in := bufio.NewReader(resp.Body)
	next := func() string {
		var b strings.Builder
		for {
			line, err := in.ReadString('\n')
			if err != nil {
				return "end"
			}
			if line == "\n" {
				return b.String()
			}
			b.WriteString(line)
		}
	}
	if got := next(); got != "retry: 3000\n" {
		t.Errorf("first %q", got)
	}
	for _, v := range []string{"skip", "a"} {
		h.Publish("wire", v)
		h.Publish("other", v)
	}
	if got := next(); got != "id: 3\ndata: <b>a</b>\n" && got != "id: 4\ndata: <b>a</b>\n" {
		t.Errorf("event %q", got)
	}
	h.Close()
	if got := next(); got != "end" {
		t.Errorf("after the end %q", got)
	}
	<-served
}

// recorder is a client that takes what it gets.
type recorder struct {
	mu   sync.Mutex
	text strings.Builder
	head http.Header
}

func (r *recorder) Header() http.Header { return r.head }
func (r *recorder) WriteHeader(int)     {}
func (r *recorder) Flush()              {}
func (r *recorder) Write(p []byte) (int, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.text.Write(p)
}

func TestHeartbeat(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		ctx, cancel := context.WithCancel(t.Context())
		w := &recorder{head: http.Header{}}
		done := make(chan struct{})
		go func() {
			defer close(done)
			ServeSSE(w, httptest.NewRequest(http.MethodGet, "/", nil).WithContext(ctx), h, func(e Event) (string, bool) { return e.Value, true })
		}()
		time.Sleep(heartbeat + time.Second)
		h.Publish("a", "x")
		time.Sleep(heartbeat - time.Second)
		cancel()
		<-done
		if got, want := w.text.String(), "retry: 3000\n\n: \n\nid: 1\ndata: x\n\n"; got != want {
			t.Errorf("%q, want %q", got, want)
		}
	})
}
