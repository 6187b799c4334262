package sources

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/jba/templatecheck"

	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/i18n"
	"newspool/internal/ingest"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
)

// desk is a newsroom with these pages, and an editor who looks at them.
type desk struct {
	pagetest.Reader
	t      *testing.T
	family *Family
	ingest *ingest.Service
	people *people.Service
	person page.Person
	mu     sync.Mutex // drafts come several at a time
	taken  []string
	during func() // is done while an item is taken
	later  []func(context.Context)
	full   bool
	dir    string
	db     *store.DB
	bundle *i18n.Bundle
	now    time.Time
}

func (d *desk) Newsroom(context.Context, string) (page.Newsroom, error) {
	return page.Newsroom{Root: "0011223344556677", Name: "North Agency", Lang: "en"}, nil
}
func (d *desk) Links(context.Context, string) ([]page.Link, error)          { return nil, nil }
func (d *desk) Counts(context.Context, page.Person) (map[string]int, error) { return nil, nil }
func (d *desk) Person(context.Context, string) (page.Person, error)         { return d.person, nil }
func (d *desk) AcceptAll(_ context.Context, ds []news.Draft) []library.Outcome {
	out := make([]library.Outcome, len(ds))
	for i := range ds {
		out[i].Accepted, out[i].Err = d.accept(ds[i])
	}
	return out
}

func (d *desk) accept(n news.Draft) (library.Accepted, error) {
	for _, p := range n.Problems {
		if p.Fatal {
			return library.Accepted{}, &fault.Error{Kind: fault.Invalid, Key: p.Key, Args: p.Args}
		}
	}
	if d.during != nil {
		d.during()
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken = append(d.taken, n.Source+" "+n.Headline+" "+string(n.Lang)+" "+string(n.By))
	return library.Accepted{Item: "x", Version: 1}, nil
}

func newDesk(t *testing.T) *desk {
	t.Helper()
	d := &desk{t: t, Reader: pagetest.Reader{T: t, Mux: http.NewServeMux(), Root: "0011223344556677", Token: "good"}, now: time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC), dir: filepath.Join(t.TempDir(), "incoming")}
	d.person = page.Person{ID: "p1", Name: "Ilse Maren", Lang: "en", Editor: true}
	if err := os.MkdirAll(d.dir, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(d.dir, "left"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	clk := func() time.Time { return d.now }
	db := storetest.Open(t, people.Migrations(), ingest.Migrations())
	d.people = people.New(db, people.Options{Clock: clk})
	d.ingest = ingest.New(db, ingest.Options{Desk: d, Client: fetch.New(fetch.Options{AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}}).Client(), Clock: clk})
	var err error
	if d.bundle, err = i18n.Load(); err != nil {
		t.Fatal(err)
	}
	d.db = db
	d.restart()
	return d
}

// restart makes the pages anew, with what lies in the folder.
func (d *desk) restart() {
	t := d.t
	t.Helper()
	clk := func() time.Time { return d.now }
	shell, err := page.New(page.Options{Bundle: d.bundle, Root: "0011223344556677", House: d, Sessions: d, Clock: clk,
		Nav: []page.Entry{{Name: "wire", Href: "/wire"}, {Name: "sources", Href: "/sources", For: May}}})
	if err != nil {
		t.Fatal(err)
	}
	d.later = nil
	d.family, err = New(Options{
		Shell: shell, Ingest: d.ingest, People: d.people, Dir: d.dir, Remote: func(*http.Request) string { return "192.0.2.7" },
		Note: func(ctx context.Context, a people.Act) error {
			return d.db.Write(ctx, func(tx *store.Tx) error { return d.people.Audit(tx, a) })
		},
		Later: func(do func(context.Context)) bool {
			if !d.full {
				d.later = append(d.later, do)
			}
			return !d.full
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.Mux = http.NewServeMux()
	d.family.Routes(d.Mux)
}

// looked is the status and the text of an answer, without the marks of direction; a page must be what every page must be.
func (d *desk) looked(name string, resp *http.Response) (int, string) {
	d.t.Helper()
	text := pagetest.Body(d.t, resp)
	if strings.HasPrefix(resp.Header.Get("Content-Type"), "text/html") && resp.StatusCode != http.StatusSeeOther {
		pagetest.Check(d.t, name, text)
	}
	return resp.StatusCode, strings.NewReplacer("\u2068", "", "\u2069", "").Replace(text)
}

func (d *desk) get(path string) (int, string) {
	d.t.Helper()
	return d.looked("GET "+path, d.Send("GET", path, nil))
}

func (d *desk) post(path string, form ...string) (int, string) {
	d.t.Helper()
	return d.looked("POST "+path, d.Send("POST", path, pagetest.Form(form...)))
}

// upload sends files: name, content, name, content …
func (d *desk) upload(files ...string) (int, string, string) {
	d.t.Helper()
	var b bytes.Buffer
	m := multipart.NewWriter(&b)
	m.WriteField("name", "old archive")
	m.WriteField("lang", "fa")
	for i := 0; i+1 < len(files); i += 2 {
		w, err := m.CreateFormFile("file", files[i])
		if err != nil {
			d.t.Fatal(err)
		}
		io.WriteString(w, files[i+1])
	}
	m.Close()
	r := httptest.NewRequest("POST", "/sources/files", &b)
	r.Header.Set("Content-Type", m.FormDataContentType())
	r.Header.Set("Accept", "text/html")
	r.AddCookie(&http.Cookie{Name: "newspool-00112233", Value: "good"})
	w := httptest.NewRecorder()
	d.Mux.ServeHTTP(w, r)
	code, body := d.looked("POST /sources/files", w.Result())
	return code, body, w.Header().Get("Location")
}

func (d *desk) acts() string {
	d.t.Helper()
	all, err := d.people.AuditPage(d.t.Context(), 0, 50)
	if err != nil {
		d.t.Fatal(err)
	}
	var out []string
	for _, e := range all {
		out = append([]string{strings.TrimPrefix(e.What, "sources.act_")}, out...)
	}
	return strings.Join(out, " ")
}

const rss = `<rss version="2.0"><channel><title>North feed</title><item><guid>2</guid><title>Second</title><description>Two.</description></item><item><guid>1</guid><title>First</title><description>One.</description></item></channel></rss>`

// TestFeed has a feed tried, added, asked, switched off and removed.
func TestFeed(t *testing.T) {
	d := newDesk(t)
	status := http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(status); io.WriteString(w, rss) }))
	defer server.Close()
	if _, err := os.Stat(filepath.Join(d.dir, "left")); err == nil {
		t.Error("what was left from before is still there")
	}
	for _, c := range []struct{ url, says string }{{"rubbish", "is not the address of a feed"}, {"http://10.1.2.3/", "not an address of the public internet"}} {
		if code, body := d.post("/sources/try", "url", c.url, "name", "Kept name"); code != 422 || !strings.Contains(body, c.says) || !strings.Contains(body, `value="Kept name"`) {
			t.Errorf("%s: %d %s", c.url, code, body)
		}
	}
	typed := []string{"url", server.URL + "/feed", "name", "North", "every", "900"}
	code, body := d.post("/sources/try", typed...)
	for _, want := range []string{"holds 2 items now. When you switch it on, all of them are released at once", "First", "Second", "North feed", "every 15 min", "2 items do not say their language"} {
		if !strings.Contains(body, want) {
			t.Errorf("the trial does not say %q", want)
		}
	}
	if code != 200 || len(d.taken) != 0 || d.acts() != "" {
		t.Fatalf("the trial left something: %d %v %s", code, d.taken, d.acts())
	}
	if code, _ := d.post("/sources", append(typed, "on", "no")...); code != 303 {
		t.Fatal(code)
	}
	if code, body := d.post("/sources", append(typed, "on", "yes")...); code != 409 || !strings.Contains(body, "among the sources already") {
		t.Errorf("twice: %d", code)
	}
	all, err := d.ingest.Sources(t.Context())
	if err != nil || len(all) != 1 || all[0].Enabled || all[0].Every != 15*time.Minute {
		t.Fatalf("%v %+v", err, all)
	}
	if err := d.ingest.PollDue(t.Context()); err != nil || len(d.taken) != 0 {
		t.Errorf("a feed that is off was asked: %v %v", err, d.taken)
	}
	path := "/sources/feeds/" + string(all[0].ID)
	for _, p := range []string{"/on", "/ask", "/off"} {
		if code, body := d.post(path + p); code != 303 {
			t.Errorf("%s: %d %s", p, code, body)
		}
	}
	if len(d.taken) != 2 {
		t.Errorf("asked, and %v was taken", d.taken)
	}
	status = 500
	d.post(path + "/ask")
	if _, body := d.get("/sources"); !strings.Contains(body, "did not give the feed (status 500)") || !strings.Contains(body, ">Off<") {
		t.Error("the list does not say what is wrong")
	}
	if code, body := d.get(path + "/remove"); code != 200 || !strings.Contains(body, "everything in it is taken and released once more") {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := d.post(path + "/remove"); code != 303 {
		t.Error(code)
	}
	if got, want := d.acts(), "add on ask off ask remove"; got != want {
		t.Errorf("audit: %s, want %s", got, want)
	}
	for _, p := range []string{"/on", "/off", "/ask", "/remove"} {
		if code, _ := d.post(path + p); code != 404 {
			t.Errorf("a feed that is gone: %s %d", p, code)
		}
	}
}

// TestFiles brings in a good file and a bad one.
func TestFiles(t *testing.T) {
	d := newDesk(t)
	if code, body, _ := d.upload(); code != 422 || !strings.Contains(body, "Choose a file first.") {
		t.Errorf("no file: %d", code)
	}
	lines := `{"uri":"urn:n:1","headline":"Snow","body_text":"It snowed."}` + "\n" + `{"uri":"urn:n:2"}` + "\n{broken\n"
	code, _, at := d.upload("snow.jsonl", lines)
	if code != 303 || len(d.later) != 1 || len(d.taken) != 0 {
		t.Fatalf("%d %d", code, len(d.later))
	}
	if _, body := d.get(at); !strings.Contains(body, "Waits its turn") || !strings.Contains(body, "You can leave this page") || !strings.Contains(body, `http-equiv="refresh"`) {
		t.Errorf("while it waits: %s", body)
	}
	d.later[0](t.Context())
	if fmt.Sprint(d.taken) != "[old archive Snow fa p1]" {
		t.Errorf("%q", d.taken)
	}
	_, body := d.get(at)
	for _, want := range []string{"Done", "<b>1</b> taken", "<b>2</b> refused", "snow.jsonl:2", "urn:n:2", "This is not valid JSON.", "Ilse Maren", "/wire?of=own"} {
		if !strings.Contains(body, want) {
			t.Errorf("the report does not say %q", want)
		}
	}
	if strings.Contains(body, "http-equiv") {
		t.Error("the page of a file that is done goes on asking")
	}
	if left, err := os.ReadDir(d.dir); err != nil || len(left) != 0 {
		t.Errorf("%v %v stays in the folder", err, left)
	}
	if _, _, to := d.upload("a.txt", "what is this", "b.jsonl", ""); to != "/sources#files" {
		t.Error(to)
	}
	if len(d.later) != 2 {
		t.Fatalf("two files take %d places in the queue", len(d.later)-1)
	}
	d.later[1](t.Context())
	if _, body := d.get("/sources"); !strings.Contains(body, "Stopped before the end") || !strings.Contains(body, "a.txt is in no format that is known here") {
		t.Error("the list does not say that a file is none")
	}
	if got, want := d.acts(), "file file_done file file_done file file_done"; got != want {
		t.Errorf("audit: %s, want %s", got, want)
	}
	d.full = true
	_, _, at = d.upload("more.jsonl", lines)
	if _, body := d.get(at); !strings.Contains(body, "Too many files wait already") {
		t.Errorf("%s", body)
	}
	if left, _ := os.ReadDir(d.dir); len(left) != 0 {
		t.Errorf("%v stays in the folder", left)
	}
	if _, _, to := d.upload("x.jsonl", lines, "y.jsonl", lines, "z.jsonl", lines); to != "/sources#files" {
		t.Error(to)
	}
	_, body = d.get("/sources")
	list := body[strings.Index(body, `id="reports"`):]
	for _, name := range []string{"x.jsonl", "y.jsonl", "z.jsonl"} {
		_, line, ok := strings.Cut(list, ">"+name+"<")
		line, _, _ = strings.Cut(line, "</li>")
		if !ok || !strings.Contains(line, "Nothing of this one was taken") {
			t.Errorf("nothing is said of %s: %s", name, line)
		}
	}
	if left, _ := os.ReadDir(d.dir); len(left) != 0 {
		t.Errorf("%v stays in the folder", left)
	}
	d.full = false
	many := make([]string, 2*(maxReports+1))
	for i := range many {
		many[i] = "n.jsonl"
	}
	if code, body, _ := d.upload(many...); code != 413 || !strings.Contains(body, "Only 500 files can come at a time. Nothing was taken") || len(d.later) != 2 {
		t.Errorf("too many at a time: %d", code)
	}
	if left, _ := os.ReadDir(d.dir); len(left) != 0 {
		t.Errorf("%d files stay in the folder", len(left))
	}
	d.now = d.now.Add(25 * time.Hour)
	if code, body := d.get(at); code != 404 || !strings.Contains(body, "no longer here") {
		t.Errorf("after a day: %d", code)
	}
}

const twoLines = `{"uri":"urn:n:1","headline":"Snow","body_text":"It snowed."}` + "\n" + `{"uri":"urn:n:2","headline":"Ice","body_text":"It froze."}` + "\n"

// Files that have come are read, whatever becomes of the node before.
func TestFilesAndRestart(t *testing.T) {
	d := newDesk(t)
	d.upload("b.jsonl", twoLines, "a.jsonl", strings.ReplaceAll(twoLines, "urn", "other"))
	d.now = d.now.Add(time.Second)
	_, _, at := d.upload("empty.jsonl", "")
	d.person = page.Person{ID: "p2", Name: "Vera", Lang: "en", Editor: true}
	d.restart() // nothing was read
	if len(d.later) != 1 {
		t.Fatalf("%d things wait", len(d.later))
	}
	_, body := d.get("/sources")
	d.Contains(body, "b.jsonl", "a.jsonl", "empty.jsonl", "Waits its turn", "Ilse Maren")
	if code, body := d.get(at); code != 200 || !strings.Contains(body, "Waits its turn") {
		t.Errorf("its page: %d", code)
	}
	ctx, stop := context.WithCancel(t.Context())
	d.during = stop // an orderly end, with the first item
	d.later[0](ctx)
	d.during = nil
	for range 2 * maxBegun { // orderly ends are no reason to give up
		d.restart()
		ctx, stop := context.WithCancel(t.Context())
		stop()
		d.later[0](ctx)
	}
	d.restart()
	d.taken = nil
	d.later[0](t.Context())
	slices.Sort(d.taken)
	if got := strings.Join(slices.Compact(d.taken), ", "); got != "old archive Ice fa p1, old archive Snow fa p1" {
		t.Errorf("taken: %s", got)
	}
	if _, body := d.get(at); !strings.Contains(body, "Done") {
		t.Errorf("%s", body)
	}
	if got, want := d.acts(), "file file_done file file_done file file_done"; got != want {
		t.Errorf("audit: %s, want %s", got, want)
	}
	if left, err := os.ReadDir(d.dir); err != nil || len(left) != 0 {
		t.Errorf("%v %v stays in the folder", err, left)
	}
	if d.restart(); len(d.later) != 0 {
		t.Error("what was read waits again")
	}
}

// A node that is killed while it reads a file reads it again; over one that fells it each time it does not fall for ever.
func TestFilesAndKill(t *testing.T) {
	d := newDesk(t)
	_, _, at := d.upload("snow.jsonl", twoLines)
	os.WriteFile(filepath.Join(d.dir, "half"), []byte("an upload that was cut"), 0o600)
	for i := range maxBegun {
		killed := filepath.Join(t.TempDir(), "incoming")
		d.during = sync.OnceFunc(func() { // what a killed node leaves
			if err := os.CopyFS(killed, os.DirFS(d.dir)); err != nil {
				t.Error(err)
			}
		})
		d.taken = nil
		d.later[0](t.Context())
		if len(d.taken) != 2 {
			t.Fatalf("%d: %q", i, d.taken)
		}
		d.dir, d.during = killed, nil
		d.restart()
	}
	d.taken = nil
	d.later[0](t.Context())
	if _, body := d.get(at); len(d.taken) != 0 || !strings.Contains(body, "Stopped before the end") || !strings.Contains(body, "stopped each time") {
		t.Errorf("%q %s", d.taken, body)
	}
	if left, err := os.ReadDir(d.dir); err != nil || len(left) != 0 {
		t.Errorf("%v %v stays in the folder", err, left)
	}
}

// TestReading has a feed polled that holds a broken entry, and looks at what the pages say of it.
func TestReading(t *testing.T) {
	d := newDesk(t)
	feed := strings.Replace(rss, "<item>", `<item><guid>https://north.example/empty</guid><category>snow</category></item><item>`, 1)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, feed) }))
	defer server.Close()
	s, err := d.ingest.AddSource(t.Context(), ingest.Source{URL: server.URL, Name: "North", Enabled: true})
	if err != nil {
		t.Fatal(err)
	}
	at := "/sources/feeds/" + string(s.ID)
	if code, body := d.get(at); code != 200 || !strings.Contains(body, "not read yet") {
		t.Errorf("before: %d %s", code, body)
	}
	for range 2 {
		d.now = d.now.Add(time.Hour)
		if err := d.ingest.PollDue(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	_, body := d.get("/sources")
	d.Contains(body, "2 taken, 0 known, 1 refused", "1 entry could not be taken", at+"#refused")
	code, body := d.get(at)
	if code != 200 {
		t.Fatal(code)
	}
	d.Contains(body, "<b>2</b> taken and released", "<b>1</b> refused", "https://north.example/empty", "There is nothing to read", "1 h ago", "kept as it came")
	_, link, _ := strings.Cut(body, at+"/refused/")
	link, _, _ = strings.Cut(link, `"`)
	if code, original := d.get(at + "/refused/" + link); code != 200 || !strings.Contains(original, `"snow"`) {
		t.Errorf("%d %s", code, original)
	}
	if code, body := d.get(at + "/refused/none"); code != 404 || !strings.Contains(body, "may have been taken since") {
		t.Errorf("%d %s", code, body)
	}
	if code, _ := d.get("/sources/feeds/none"); code != 404 {
		t.Error(code)
	}
}

func TestShelf(t *testing.T) {
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, time.UTC)
	s := &shelf{now: func() time.Time { return now }}
	for i := range maxReports + 30 {
		u := upload{ID: fmt.Sprint(i)}
		if i >= 5 {
			u.Ended = now
		}
		s.add(u)
	}
	got := s.list()
	if len(got) != maxReports || got[0].ID != fmt.Sprint(maxReports+29) || got[maxReports-1].ID != "0" {
		t.Errorf("%d reports, from %s to %s", len(got), got[0].ID, got[len(got)-1].ID)
	}
}

func TestWhoMay(t *testing.T) {
	d := newDesk(t)
	d.person = page.Person{ID: "p2", Name: "Vera", Lang: "en", Signatory: true}
	if code, body := d.get("/sources"); code != 403 || strings.Contains(body, `href="/sources"`) {
		t.Errorf("a signatory: %d", code)
	}
	if code, _ := d.post("/sources", "url", "https://north.example/"); code != 403 {
		t.Errorf("a signatory adds: %d", code)
	}
	d.person = page.Person{ID: "p3", Name: "Ada", Lang: "fa", Administrator: true}
	if code, body := d.get("/sources"); code != 200 || !strings.Contains(body, `href="/sources" aria-current="page"`) {
		t.Errorf("an administrator: %d", code)
	}
}

func TestTemplates(t *testing.T) {
	f := newDesk(t).family
	for name, err := range map[string]error{
		"list": templatecheck.CheckHTML(f.list, listPage{}), "files": templatecheck.CheckHTML(f.list.Lookup("part:files"), listPage{}), "try": templatecheck.CheckHTML(f.try, tryPage{}),
		"remove": templatecheck.CheckHTML(f.remove, removePage{}), "feed": templatecheck.CheckHTML(f.feed, feedPage{}), "file": templatecheck.CheckHTML(f.file, filePage{}), "report": templatecheck.CheckHTML(f.file.Lookup("part:report"), filePage{}),
	} {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a family without its parts is made")
	}
}
