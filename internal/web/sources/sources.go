// Package sources has the pages on which a newsroom says where its own news comes from: the feeds that are polled, and files that
// somebody brings in.
//
// What it promises: nothing of a feed is taken in before somebody has seen what it would bring; a file that has come is
// read to its end, also when its page is left or the node is stopped, and its report stays here for a day; each act is in the audit. What it never does: decide what an item is or
// who gets it. The pages are for editors and administrators.
package sources

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/ingest"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

//go:embed templates/*.html
var templates embed.FS

// Options say what the pages are made of. All fields but Remote are needed.
type Options struct {
	Shell  *page.Shell
	Ingest *ingest.Service
	People *people.Service
	// Note writes an act into the audit; it is durable when it returns nil.
	Note func(ctx context.Context, a people.Act) error
	// Later has something done after the request, one thing after the other, until the node stops. It reports false if too
	// much waits already.
	Later func(do func(ctx context.Context)) bool
	// Dir is a folder of our own for files that wait. Those that were not read to the end before are read again.
	Dir    string
	Remote func(*http.Request) string // the address of a visitor; nil: that of the connection
}

// Family is the pages. It is safe for concurrent use.
type Family struct {
	o                             Options
	shelf                         *shelf
	dir                           incoming
	list, try, remove, feed, file *template.Template
}

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.Ingest == nil || o.People == nil || o.Note == nil || o.Later == nil || o.Dir == "" {
		return nil, errors.New("sources: every part is needed")
	}
	if o.Remote == nil {
		o.Remote = func(r *http.Request) string { return r.RemoteAddr }
	}
	f := &Family{o: o, shelf: &shelf{now: o.Shell.Now}, dir: incoming(o.Dir)}
	files, err := f.dir.left()
	if err != nil {
		return nil, err
	}
	for name, t := range map[string]**template.Template{"list": &f.list, "try": &f.try, "remove": &f.remove, "feed": &f.feed, "file": &f.file} {
		if *t, err = page.Parse(templates, "shared.html", name+".html"); err != nil {
			return nil, err
		}
	}
	if !f.wait(files) {
		return nil, errors.New("sources: files wait, and nobody reads them")
	}
	return f, nil
}

// May says who works with sources: editors and administrators.
func May(p page.Person) bool { return p.Editor || p.Administrator }

// Routes adds the pages.
func (f *Family) Routes(mux *http.ServeMux) {
	allowed := page.Only(May, "sources.not_yours")
	for pattern, h := range map[string]page.Handler{
		"GET /sources":                              f.showList,
		"POST /sources":                             f.add,
		"POST /sources/try":                         f.tryOut,
		"GET /sources/feeds/{id}":                   f.showFeed,
		"GET /sources/feeds/{id}/refused/{refusal}": f.original,
		"POST /sources/feeds/{id}/on":               f.switchOn,
		"POST /sources/feeds/{id}/off":              f.switchOff,
		"POST /sources/feeds/{id}/ask":              f.ask,
		"GET /sources/feeds/{id}/remove":            f.removeForm,
		"POST /sources/feeds/{id}/remove":           f.removeNow,
		"GET /sources/files/{file}":                 f.showFile,
	} {
		mux.Handle(pattern, f.o.Shell.Signed(allowed(h)))
	}
	mux.Handle("POST /sources/files", f.o.Shell.Upload(allowed(f.bringIn)))
}

// act is what somebody does here, for the audit.
func (f *Family) act(r *http.Request, key string, about string, detail map[string]any) people.Act {
	return people.Act{Who: page.PersonOf(r).ID, What: key, About: about, From: f.o.Remote(r), Detail: detail}
}

// also writes an act on a source into the audit, in the transaction of the act.
func (f *Family) also(r *http.Request, key string, s ingest.Source) func(*store.Tx) error {
	return func(tx *store.Tx) error {
		return f.o.People.Audit(tx, f.act(r, key, string(s.ID), map[string]any{"name": s.Name, "url": s.URL}))
	}
}

// fields are what is typed about a feed.
type fields struct {
	URL, Name, Lang, Service string
	Every                    int // seconds
}

func fieldsOf(v url.Values) fields {
	n, err := strconv.Atoi(v.Get("every"))
	if err != nil || n <= 0 {
		n = int(ingest.DefaultEvery / time.Second)
	}
	line := func(name string) string { return strings.Join(strings.Fields(v.Get(name)), " ") }
	return fields{line("url"), line("name"), line("lang"), line("service"), n}
}

func (t fields) source() ingest.Source {
	return ingest.Source{URL: t.URL, Name: t.Name, Lang: news.Lang(t.Lang), Service: t.Service, Every: time.Duration(t.Every) * time.Second}
}

// Again is the address of the form with what was typed.
func (t fields) Again() string {
	return "/sources?" + url.Values{"url": {t.URL}, "name": {t.Name}, "lang": {t.Lang}, "service": {t.Service}, "every": {strconv.Itoa(t.Every)}}.Encode() + "#add"
}

// option is one choice of a form.
type option struct {
	Value, Text string
	On          bool
}

func langs(p *i18n.Printer, chosen string) []option {
	out := []option{{"", p.T("sources.lang_own"), chosen == ""}}
	for _, l := range i18n.Languages {
		out = append(out, option{l, p.Language(l), l == chosen})
	}
	return out
}

// intervals are how often a feed may be asked, in seconds.
var intervals = [...]int{60, 300, 900, 3600, 6 * 3600, 24 * 3600}

func intervalOptions(p *i18n.Printer, chosen int) []option {
	var out []option
	for _, n := range intervals {
		out = append(out, option{strconv.Itoa(n), everyText(p, time.Duration(n)*time.Second), n == chosen})
	}
	return out
}

const maxFields = 64 << 10 // bytes of all that is typed beside files

// say makes a sentence of a problem.
func say(p *i18n.Printer, key string, args map[string]any) string {
	return terms.Say(p, terms.Line{Key: key, Args: args})
}
