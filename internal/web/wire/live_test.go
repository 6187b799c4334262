package wire

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/web/page/pagetest"
)

// events reads events of a stream until it has seen n with one of the names.
func events(t *testing.T, r *bufio.Scanner, names string, n int) []string {
	t.Helper()
	var out []string
	name := ""
	for len(out) < n && r.Scan() {
		line := r.Text()
		if after, ok := strings.CutPrefix(line, "event: "); ok {
			name = after
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && strings.Contains(names, name) {
			out = append(out, name+" "+data)
		}
	}
	if len(out) < n {
		t.Fatalf("the stream ended after %v: %v", out, r.Err())
	}
	return out
}

func TestLive(t *testing.T) {
	d := newDesk(north)
	server := httptest.NewServer(start(t, d))
	defer server.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", server.URL+"/live/wire?after=12", nil)
	if err != nil {
		t.Fatal(err)
	}
	req.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1", Value: "good"})
	req.Header.Set("Accept", "text/event-stream")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if resp.StatusCode != 200 || resp.Header.Get("Content-Type") != "text/event-stream" || resp.Header.Get("Cache-Control") != "no-store" {
		t.Fatalf("%d %v", resp.StatusCode, resp.Header)
	}
	r := bufio.NewScanner(resp.Body)
	r.Buffer(nil, 1<<20)
	if got := events(t, r, "new", 1); got[0] != `new {"count":0,"text":"0 new","mark":"(1)","told":12}` {
		t.Error(got)
	}
	d.mu.Lock()
	d.add(library.Row{Item: item("soren.example", 50), Origin: soren, Lang: "ru", Headline: "Паром сел на мель", Urgency: 1, Arrived: now}, "<p>x</p>")
	gone := *d.row(item("soren.example", 9))
	gone.N, gone.State, gone.Version = 14, news.Withdrawn, 3
	d.rows = append(d.rows[:8], append(append([]library.Row{}, d.rows[9:]...), gone)...)
	d.mu.Unlock()
	d.ring <- struct{}{}
	got := events(t, r, "row new", 2)
	var change rowEvent
	if err := json.Unmarshal([]byte(strings.TrimPrefix(got[0], "row ")), &change); err != nil {
		t.Fatal(err, got)
	}
	if change.Item != gone.Item.Short() || !strings.Contains(change.HTML, `class="row gone"`) || !change.Gone || !strings.Contains(change.HTML, "Do not use it any more") {
		t.Errorf("%+v", change)
	}
	pagetest.Check(t, "row", change.HTML)
	if want := `new {"count":2,"text":"2 new","mark":"(2)","urgent":"Паром сел на мель","told":14}`; got[1] != want {
		t.Errorf("%s, want %s", got[1], want)
	}
}

// TestLiveOnce asks as a hidden page does: the same events as one answer, and nothing twice.
func TestLiveOnce(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	for path, want := range map[string]string{
		"/live/wire?after=12":                    `[{"event":"new","data":{"count":0,"text":"0 new","mark":"(1)","told":12}}]`,
		"/live/wire?after=10&told=12":            `[{"event":"new","data":{"count":2,"text":"2 new","mark":"(1)","told":12}}]`,
		"/live/wire?after=10&lang=ru":            `"count":1,"text":"1 new","mark":"(1)","urgent":"Мост`,
		"/live/wire?after=9&told=rubbish":        `"event":"row","data":{"item":"` + strikeItem + `"`,
		"/live/wire?after=10&of=own&x=y":         `"count":1,`,
		"/live/wire?after=0&state=withdrawn":     `"count":1,`,
		"/live/wire?after=9&item=" + strikeItem:  `[{"event":"row","data":{"item":"` + strikeItem,
		"/live/wire?after=10&item=" + strikeItem: `[]`,
	} {
		w := ask(t, mux, "GET", path, "", "Accept", "application/json")
		if w.Code != 200 || !strings.Contains(w.Body.String(), want) || w.Header().Get("Content-Type") != "application/json" {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	if w := ask(t, mux, "GET", "/live/wire?after=10", "", "Accept", "application/json", "Last-Event-ID", "12"); strings.Contains(w.Body.String(), "urgent") {
		t.Errorf("what was heard is told again: %s", w.Body)
	}
}

// asked asks a stream's address once and gives what it tells: the rows by their items, and the last word about what is new.
func asked(t *testing.T, mux http.Handler, path string) (rows []string, new newEvent) {
	t.Helper()
	w := ask(t, mux, "GET", path, "", "Accept", "application/json")
	var events []struct {
		Event string
		Data  json.RawMessage
	}
	if err := json.Unmarshal(w.Body.Bytes(), &events); err != nil {
		t.Fatalf("%s: %v %s", path, err, w.Body)
	}
	for _, e := range events {
		var row rowEvent
		var err error
		if e.Event == "row" {
			err = json.Unmarshal(e.Data, &row)
			rows = append(rows, row.Item)
		} else {
			err = json.Unmarshal(e.Data, &new)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return rows, new
}

// liveOf is where the list of a page hears of what is new.
func liveOf(t *testing.T, mux http.Handler, path string) string {
	t.Helper()
	m := regexp.MustCompile(`data-live="([^"]+)"`).FindStringSubmatch(ask(t, mux, "GET", path, "").Body.String())
	if m == nil {
		t.Fatalf("%s: no stream", path)
	}
	return html.UnescapeString(m[1])
}

// TestLiveTellsWhatIsFarDown changes rows that have long been followed by others: whatever changes is told, and what only came
// is counted.
func TestLiveTellsWhatIsFarDown(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	list := liveOf(t, mux, "/wire")
	for i := range 3 * changesAtOnce {
		d.add(library.Row{Item: item("soren.example", 1000+i), Origin: soren, Lang: "ru", Headline: "n", Arrived: now}, "<p>x</p>")
	}
	last := int64(len(d.rows))
	var want []string
	for i, state := range []news.State{news.Closed, news.Withdrawn, news.Usable} { // the last of them a draft that was released
		r := d.row([]news.ItemID{item("baltra.example", 1), item("soren.example", 2), item("north.example", 12)}[i])
		r.State, d.lines[r.Item] = state, last+int64(i)+1
		want = append(want, r.Item.Short())
	}
	rows, new := asked(t, mux, list)
	if diff := cmp.Diff(want, rows); diff != "" || new.Count != 3*changesAtOnce || new.Told != last+3 {
		t.Errorf("%s %+v", diff, new)
	}
	if rows, _ := asked(t, mux, list+fmt.Sprintf("&told=%d", new.Told)); rows != nil {
		t.Errorf("told twice: %v", rows)
	}
	if rows, _ := asked(t, mux, liveOf(t, mux, "/wire")); rows != nil {
		t.Errorf("a list is told what it shows: %v", rows)
	}
}

// TestAlarm is for what comes while a list is open, whatever the list shows.
func TestAlarm(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	for _, path := range []string{"/wire", "/wire?lang=fa", "/wire?of=own&state=closed", "/wire?before=4"} {
		list := liveOf(t, mux, path)
		if _, new := asked(t, mux, list); new.Urgent != "" || new.Count != 0 {
			t.Errorf("%s: it was there already: %+v", path, new)
		}
	}
	list := liveOf(t, mux, "/wire?lang=fa")
	bridge := d.row(item("soren.example", 11))
	d.lines[bridge.Item] = 20
	if _, new := asked(t, mux, list); new.Urgent != "" {
		t.Errorf("what may be done with it has changed, and it is no news: %+v", new)
	}
	d.add(library.Row{Item: item("soren.example", 50), Origin: soren, Lang: "ru", Headline: "Паром", Urgency: 1, Arrived: now}, "<p>x</p>")
	d.rows[len(d.rows)-1].N = 21
	if _, new := asked(t, mux, list); new.Urgent != "Паром" || new.Count != 0 {
		t.Errorf("no alarm: %+v", new)
	}
}

// TestSeen is what a person opened, in the version that they opened.
func TestSeen(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	id := item("baltra.example", 10)
	for _, c := range []struct {
		path   string
		header []string
		seen   int
	}{
		{strikePath + "?version=3", []string{"Newspool-Part", "photos", "Newspool-Unasked", "yes"}, 0},
		{"/wire?item=" + strikeItem, []string{"Newspool-Part", "item", "Newspool-Unasked", "yes"}, 0},
		{strikePath + "?version=2", nil, 0}, {strikePath + "?from=1&to=2", nil, 0},
		{strikePath + "?from=2&to=3", nil, 3},
	} {
		ask(t, mux, "GET", c.path, "", c.header...)
		if d.seen[id] != c.seen {
			t.Errorf("%s %v: version %d is seen, want %d", c.path, c.header, d.seen[id], c.seen)
		}
	}
	d.seen = map[news.ItemID]int{}
	ask(t, mux, "GET", "/wire?item="+strikeItem, "", "Newspool-Part", "item")
	if d.seen[id] != 3 {
		t.Error("an item that was opened is not noted as seen")
	}
	body := ask(t, mux, "GET", railPath+"?version=1", "").Body.String()
	if !strings.Contains(body, `data-open="`) || strings.Contains(body, `data-refresh="`+railPath+`"`) {
		t.Error("the places of an older version are refreshed with the newest")
	}
}

func TestLiveRefuses(t *testing.T) {
	mux := start(t, newDesk(north))
	if w := ask(t, mux, "GET", "/live/wire?after=x", "", "Accept", "text/event-stream"); w.Code != 422 || w.Body.Len() != 0 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	r := httptest.NewRequest("GET", "/live/wire?after=1", nil)
	r.Header.Set("Accept", "text/event-stream")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != 401 {
		t.Errorf("a stranger's stream: %d", w.Code)
	}
}
