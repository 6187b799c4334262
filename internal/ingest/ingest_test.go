package ingest

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// tray is a desk that keeps what it is given.
type tray struct {
	mu    sync.Mutex
	all   []news.Draft
	known map[string]string
	fail  func(d news.Draft) error
	most  int // drafts that came at one time
}

func (y *tray) AcceptAll(_ context.Context, ds []news.Draft) []library.Outcome {
	y.mu.Lock()
	defer y.mu.Unlock()
	y.most = max(y.most, len(ds))
	ids, out := map[string]bool{}, make([]library.Outcome, len(ds))
	for i, d := range ds {
		if d.SourceID != "" && ids[d.SourceID] {
			panic("one id twice at a time: " + d.SourceID)
		}
		ids[d.SourceID] = true
		out[i].Accepted, out[i].Err = y.accept(d)
	}
	return out
}

func (y *tray) accept(d news.Draft) (library.Accepted, error) {
	if y.fail != nil {
		if err := y.fail(d); err != nil {
			return library.Accepted{}, err
		}
	}
	for _, p := range d.Problems {
		if p.Fatal {
			return library.Accepted{}, &fault.Error{Kind: fault.Invalid, Key: p.Key, Args: p.Args}
		}
	}
	if y.known == nil {
		y.known = map[string]string{}
	}
	same := y.known[d.SourceID] == d.Headline+d.Body
	y.known[d.SourceID] = d.Headline + d.Body
	if !same {
		y.all = append(y.all, d)
	}
	return library.Accepted{Item: news.ItemID(d.SourceID), Version: 1, Duplicate: same}, nil
}

func (y *tray) ids() string {
	var ids []string
	for _, d := range y.all {
		ids = append(ids, d.SourceID)
	}
	return strings.Join(ids, " ")
}

func service(t testing.TB, desk Desk) *Service {
	t.Helper()
	return New(storetest.Open(t, Migrations()), Options{Desk: desk, Client: fetch.New(fetch.Options{AllowNets: loopback}).Client()})
}

func zipped(s string) string {
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	io.WriteString(w, s)
	w.Close()
	return b.String()
}

func item(n int) string {
	return fmt.Sprintf(`{"uri":"urn:n:%d","headline":"Snow %d","body_text":"It snowed."}`, n, n)
}

const rss = `<rss version="2.0"><channel><title>North</title><item><guid>r-2</guid><title>B</title></item><item><guid>r-1</guid><title>A</title></item></channel></rss>`

// Of ten thousand items one is broken: the others are taken.
func TestOneBrokenOfTenThousand(t *testing.T) {
	var b strings.Builder
	for n := range 10_000 {
		if n == 4711 {
			b.WriteString(`{"uri":"urn:n:4711","headline":"Snow` + "\n")
			continue
		}
		b.WriteString(item(n) + "\n")
	}
	desk, steps := &tray{}, 0
	report, err := service(t, desk).File(t.Context(), "wire.jsonl", strings.NewReader(b.String()), ItemOptions{Progress: func(r Report) {
		if n := r.Taken + r.Refused; n < steps {
			t.Errorf("progress went back from %d to %d", steps, n)
		} else {
			steps = n
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	want := Report{Files: 1, Taken: 9999, Refused: 1, Problems: []ItemProblem{{Where: "wire.jsonl:4712", Key: "ingest.json_syntax", Fatal: true}}}
	if d := cmp.Diff(want, report); d != "" || steps != 10_000 || len(desk.all) != 9999 {
		t.Errorf("%s, progress %d, %d at the desk", d, steps, len(desk.all))
	}
}

func TestFormats(t *testing.T) {
	mapping, err := ninjs.Builtin("news-multilingual")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name, in, ids, key string
		mapping            *ninjs.Mapping
	}{
		{"a.jsonl", item(1) + "\n" + item(2), "urn:n:1 urn:n:2", "", nil},
		{"a.jsonl.gz", zipped(item(1)), "urn:n:1", "", nil},
		{"a.json", "[" + item(1) + "]", "urn:n:1", "", nil},
		{"", item(1), "urn:n:1", "", nil},
		{"", "\xef\xbb\xbf\n" + rss, "r-1 r-2", "", nil},
		{"feed.xml.gz", zipped(rss), "r-1 r-2", "", nil},
		{"feed.json", `{"version":"https://jsonfeed.org/version/1.1","items":[{"id":"j-1","title":"x"}]}`, "j-1", "", nil},
		{"news.jsonl", `{"id":"m-1","title":"x","body":"y"}`, "m-1", "", mapping},
		{"empty.json", " \n", "", "", nil},
		{"photo.jpg", "\xff\xd8\xff", "", "ingest.format_unknown", nil},
		{"cut.jsonl.gz", zipped(item(1) + "\n" + item(2))[:30], "", "ingest.gzip", nil},
		{"twice.jsonl.gz", zipped(zipped(item(1))), "", "ingest.gzip_twice", nil},
		{"16.json", "\xff\xfe{\x00}\x00", "", "ingest.json_utf8", nil},
		{"16.jsonl", "\x00{\x00}", "", "ingest.json_utf8", nil},
		{"16.xml", "\xfe\xff\x00<\x00r", "", "ingest.json_utf8", nil},
		{"page.xml", "<html></html>", "", "ingest.feed_bad", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			desk := &tray{}
			_, err := service(t, desk).File(t.Context(), c.name, strings.NewReader(c.in), ItemOptions{Mapping: c.mapping})
			if err != nil && fault.Of(err).Key != c.key || err == nil && c.key != "" {
				t.Errorf("%v, want %q", err, c.key)
			}
			if ids := desk.ids(); ids != c.ids {
				t.Errorf("%q, want %q", ids, c.ids)
			}
		})
	}
}

func TestCompleted(t *testing.T) {
	desk := &tray{}
	in := `{"headline":"H","body_text":"x","associations":[{"name":"m","uri":"urn:x:m","type":"picture","altIds":[{"role":"newspool:media","value":"m1"},{"role":"sha256","value":"ab"}]}]}` + "\n" + `{"uri":"u","headline":"H","language":"fa","service":[{"code":"w"}]}`
	report, err := service(t, desk).File(t.Context(), "x.json", strings.NewReader(in+"\n"+in), ItemOptions{Source: "drop", By: "p1", Lang: "en", Service: "sport"})
	if err != nil || report.Taken != 2 || report.Duplicates != 2 {
		t.Fatalf("%+v %v", report, err)
	}
	for _, d := range desk.all {
		if d.SourceID == "u" {
			if d.Lang != "fa" || d.Service != "w" {
				t.Errorf("%+v", d.Story)
			}
			continue
		}
		if !strings.HasPrefix(d.SourceID, "urn:newspool:sha256:") || d.Source != "drop" || d.By != "p1" || d.Lang != "en" || d.Service != "sport" || d.Media[0].SHA256 != "" {
			t.Errorf("%+v", d)
		}
	}
	if len(report.Problems) != 2 || report.Problems[0].Key != "ingest.uri_missing" || report.Problems[0].Where != "x.json:1 uri" || report.Problems[1].Key != "ingest.media_claimed" || report.Problems[0].Fatal {
		t.Errorf("%+v", report.Problems)
	}
}

// What a source hides in a line, or claims of the time, is taken out; a subject that nobody knows is kept. All with a warning.
func TestHiddenAndClaimed(t *testing.T) {
	desk := &tray{}
	in := `{"uri":"u1","headline":"Ferry \u202elate\u202c","slugline":"\u2067FERRY","by":"\u2068مهران\u2069 N.","versionCreated":"2099-01-01T00:00:00Z","subjects":[{"uri":"http://cv.iptc.org/newscodes/mediatopic/99999999"},{"uri":"http://cv.iptc.org/newscodes/mediatopic/20000339"}]}`
	report, err := service(t, desk).File(t.Context(), "x.json", strings.NewReader(in), ItemOptions{})
	if err != nil || report.Taken != 1 {
		t.Fatalf("%+v %v", report, err)
	}
	d := desk.all[0]
	if d.Headline != "Ferry late" || d.Slug != "FERRY" || d.Byline != "\u2068مهران\u2069 N." || !d.Written.IsZero() || len(d.Subjects) != 2 {
		t.Errorf("%+v", d.Story)
	}
	var got []string
	for _, p := range report.Problems {
		got = append(got, p.Where+" "+p.Key)
	}
	want := []string{"x.json:1 headline ingest.direction_dropped", "x.json:1 slugline ingest.direction_dropped", "x.json:1 ingest.date_future", "x.json:1 subjects ingest.subject_unknown"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

// What comes first is handed on first, many items at a time, and never two versions of one of them.
func TestOrder(t *testing.T) {
	var b, want strings.Builder
	for v := range 50 {
		for n := range 40 {
			fmt.Fprintf(&b, `{"uri":"urn:n:%d","version":"%d","headline":"v%d"}`+"\n", n, v, v)
			fmt.Fprintf(&want, "urn:n:%d/%d ", n, v)
		}
		b.WriteString("{\n")
	}
	desk := &tray{}
	report, err := service(t, desk).File(t.Context(), "x.jsonl", strings.NewReader(b.String()), ItemOptions{})
	if err != nil || report.Taken != 2000 || report.Refused != 50 || desk.most < 2 || desk.most > batch {
		t.Fatalf("%d taken, %d refused, %d at a time, %v", report.Taken, report.Refused, desk.most, err)
	}
	var got strings.Builder
	for _, d := range desk.all {
		got.WriteString(d.SourceID + "/" + d.Version + " ")
	}
	if got.String() != want.String() {
		t.Error("the order of the file is not the order at the desk")
	}
}

func TestTroubleOfTheDesk(t *testing.T) {
	lines := ""
	for n := range 200 {
		lines += item(n) + "\n"
	}
	for _, c := range []struct {
		name  string
		fail  error
		fatal bool
	}{
		{"refused", fault.New(fault.Gone, "library.withdrawn"), false},
		{"our mistake", errors.New("oh"), false},
		{"no database", fault.New(fault.Unavailable, "fault.database"), true},
	} {
		t.Run(c.name, func(t *testing.T) {
			desk := &tray{fail: func(d news.Draft) error {
				if d.SourceID == "urn:n:50" {
					return c.fail
				}
				return nil
			}}
			report, err := service(t, desk).File(t.Context(), "x.jsonl", strings.NewReader(lines), ItemOptions{})
			if c.fatal {
				if !errors.Is(err, c.fail) || report.Taken >= 200 || report.Taken != len(desk.all) {
					t.Errorf("%v %+v, %d at the desk", err, report, len(desk.all))
				}
			} else if err != nil || report.Taken != 199 || report.Refused != 1 || report.Problems[0].Name != "urn:n:50" {
				t.Errorf("%v %+v", err, report)
			}
		})
	}
	desk := &tray{fail: func(news.Draft) error { return errors.New("oh") }}
	if report, err := service(t, desk).File(t.Context(), "x.jsonl", strings.NewReader(lines), ItemOptions{}); err == nil || report.Refused != maxInternal {
		t.Errorf("went on with mistakes: %v %+v", err, report)
	}
	ctx, cancel := context.WithCancel(t.Context())
	desk = &tray{fail: func(d news.Draft) error { cancel(); return nil }}
	if report, err := service(t, desk).File(ctx, "x.jsonl", strings.NewReader(lines), ItemOptions{}); !errors.Is(err, context.Canceled) || report.Taken == 200 {
		t.Errorf("%v %+v", err, report)
	}
}

// A file of which nothing can be taken is not read for ever.
func TestHopeless(t *testing.T) {
	for in, key := range map[string]string{strings.Repeat("x\n", 3*maxHopeless): "ingest.hopeless", item(1) + "\n" + strings.Repeat("x\n", 3*maxHopeless): ""} {
		report, err := service(t, &tray{}).File(t.Context(), "x.jsonl", strings.NewReader(in), ItemOptions{})
		if key == "" && (err != nil || report.Refused != 3*maxHopeless) || key != "" && (fault.Of(err).Key != key || report.Refused < maxHopeless || report.Refused > maxHopeless+3*batch) {
			t.Errorf("%v, %d refused", err, report.Refused)
		}
	}
}

func TestManyProblems(t *testing.T) {
	desk := &tray{}
	report, err := service(t, desk).File(t.Context(), "x.jsonl", strings.NewReader(strings.Repeat("x\n", 1500)+strings.Repeat(`{"headline":"H"}`+"\n", 1)), ItemOptions{})
	if err != nil || report.Refused != 1500 || len(report.Problems) != maxRefused+1 || report.More != 500 {
		t.Errorf("%v %d %d %d", err, report.Refused, len(report.Problems), report.More)
	}
}

func TestFolder(t *testing.T) {
	desk := &tray{}
	var last Report
	report, err := service(t, desk).Folder(t.Context(), fstest.MapFS{
		"a.jsonl":        {Data: []byte(item(1) + "\nx\n")},
		"b/c.ninjs":      {Data: []byte(item(2))},
		"b/d.xml":        {Data: []byte(rss)},
		"b/broken.xml":   {Data: []byte("<html>")},
		"b/e.json.gz":    {Data: []byte(zipped(item(3)))},
		"b/cut.jsonl.gz": {Data: []byte("\x1f\x8bxxxx")},
		"readme.txt":     {Data: []byte("hello")},
		"gen.py":         {Data: []byte("print()")},
		"empty.json":     {Data: []byte("[]")},
		"list.json":      {Data: []byte("[" + item(4) + `,{"uri":"a","uri":"b"},` + item(5) + ",\n" + `{"uri":}]`)},
	}, ItemOptions{Progress: func(r Report) { last = r }})
	if err != nil {
		t.Fatal(err)
	}
	want := Report{Files: 8, Passed: 2, Taken: 7, Refused: 3, Problems: []ItemProblem{
		{Where: "a.jsonl:2", Key: "ingest.json_syntax", Fatal: true},
		{Where: "b/broken.xml", Key: "ingest.feed_bad", Fatal: true},
		{Where: "b/cut.jsonl.gz", Key: "ingest.gzip", Fatal: true},
		{Where: "empty.json", Key: "ingest.file_empty"},
		{Where: "list.json:1#2", Key: "ingest.json_twice", Args: map[string]any{"field": "uri"}, Fatal: true},
		{Where: "list.json:2", Key: "ingest.json_syntax", Fatal: true},
		{Key: "ingest.passed", Args: map[string]any{"n": 2, "names": "gen.py, readme.txt"}},
	}}
	if d := cmp.Diff(want, report); d != "" {
		t.Error(d)
	}
	if last.Taken != 7 {
		t.Errorf("the last progress: %+v", last)
	}
}

// From real files to the real library, twice: the second time everything is here already.
func TestIntoTheLibrary(t *testing.T) {
	root := os.Getenv("NEWSPOOL_SHARED")
	if root == "" {
		t.Log("NEWSPOOL_SHARED is not set: taking real news into the library is left out")
		return
	}
	mapping, err := ninjs.Builtin("news-multilingual")
	if err != nil {
		t.Fatal(err)
	}
	storetest.Each(t, []store.Migration{content.Migrations(), library.Migrations(), Migrations()}, func(t *testing.T, db *store.DB) {
		l := library.New(db, library.Options{Origin: news.Root(strings.Repeat("a", 64)), Domain: "north.example", Clock: time.Now, Codec: codec{}})
		s := New(db, Options{Desk: l})
		for _, want := range []func(Report) bool{func(r Report) bool { return r.Taken == 861 && r.Duplicates == 0 }, func(r Report) bool { return r.Taken == 0 && r.Duplicates == 861 }} {
			f, err := os.Open(filepath.Join(root, "data/news-multilingual/ntrex.jsonl.gz"))
			if err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			report, err := s.File(t.Context(), f.Name(), f, ItemOptions{Mapping: mapping})
			f.Close()
			if err != nil || report.Refused != 0 || !want(report) {
				t.Errorf("%v %+v", err, report)
			}
			t.Logf("%d items in %s", report.Taken+report.Duplicates, time.Since(start).Round(time.Millisecond))
		}
	})
}

type codec struct{}

func (codec) Write(s news.Story, m library.Meta) []byte {
	return ninjs.Write(s, ninjs.Meta{URI: string(m.URI), Class: m.Class, Released: m.Released})
}
func (codec) Parse(b []byte) (news.Draft, error) { return ninjs.Parse(b) }

func FuzzFile(f *testing.F) {
	f.Add("a.json", []byte(item(1)))
	f.Add("b", []byte(rss))
	f.Add("c.gz", []byte(zipped(item(1))))
	f.Fuzz(func(t *testing.T, name string, b []byte) {
		desk := &tray{}
		s := New(nil, Options{Desk: desk})
		report, err := s.File(t.Context(), name, bytes.NewReader(b), ItemOptions{})
		if err != nil && fault.Of(err).Kind == fault.Internal {
			t.Error(err)
		}
		if report.Taken != len(desk.all) {
			t.Errorf("%d taken, %d at the desk", report.Taken, len(desk.all))
		}
	})
}
