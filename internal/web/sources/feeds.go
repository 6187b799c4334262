package sources

import (
	"net/http"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/ingest"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// listPage is the feeds, the form for one more, and the files.
type listPage struct {
	page.Base
	Feeds     []feedLine
	Typed     fields
	Langs     []option
	Intervals []option
	Wrong     string // why the feed that was typed cannot be tried
	Files     []fileLine
	Bad       string // why no file came
	Limit     int    // of a file, in GB
}

// feedLine is one feed as it is shown.
type feedLine struct {
	ID        ingest.SourceID
	Name, URL string
	Facts     []string // how often, language, service
	Last      time.Time
	Asked     string
	Trouble   string
	Brought   string // by the last reading; "": there was none
	Refusals  int    // entries that stand refused
	On        bool
}

func (f *Family) showList(w http.ResponseWriter, r *http.Request) error {
	return f.listWith(w, r, http.StatusOK, fieldsOf(r.URL.Query()), "", "")
}

func (f *Family) listWith(w http.ResponseWriter, r *http.Request, status int, typed fields, wrong, bad string) error {
	all, err := f.o.Ingest.Sources(r.Context())
	if err != nil {
		return err
	}
	p := listPage{Base: f.o.Shell.Base(r, "sources", "sources.title"), Typed: typed, Wrong: wrong, Bad: bad, Limit: ingest.MaxFile >> 30}
	p.Langs, p.Intervals, p.Back = langs(p.P, typed.Lang), intervalOptions(p.P, typed.Every), "/sources"
	for _, s := range all {
		p.Feeds = append(p.Feeds, feedLineOf(p.Base, s))
	}
	for _, u := range f.shelf.list() {
		p.Files = append(p.Files, fileLineOf(p.Base, u))
	}
	return page.Render(w, r, status, f.list, p)
}

func feedLineOf(b page.Base, s ingest.Source) feedLine {
	line := feedLine{ID: s.ID, Name: s.Name, URL: s.URL, Facts: facts(b.P, s), Last: s.Last, On: s.Enabled, Refusals: s.Refusals, Asked: b.P.T("sources.never")}
	if !s.Last.IsZero() {
		line.Asked = b.P.T("sources.asked_last", "when", b.P.Ago(s.Last, b.Now))
	}
	if s.Trouble != nil {
		line.Trouble = terms.Say(b.P, *s.Trouble)
	}
	if got := s.Reading; got != nil {
		line.Brought = b.P.T("sources.file.counts", "taken", got.Taken, "known", got.Known, "refused", got.Refused)
	}
	return line
}

// facts are how often a feed is asked, and what is known of items that do not say it.
func facts(p *i18n.Printer, s ingest.Source) []string {
	out := []string{everyText(p, s.Every)}
	if s.Lang != "" {
		out = append(out, p.Language(string(s.Lang)))
	}
	if s.Service != "" {
		out = append(out, s.Service)
	}
	return out
}

// tryPage is what a feed would bring.
type tryPage struct {
	page.Base
	Typed   fields
	Feed    string // as it calls itself
	Facts   []string
	Takes   int // items that would be released at once
	Refused int
	NoLang  int // items that say no language, and for which none was chosen
	Items   []tryLine
	More    int // items that are not shown
	Notes   []string
}

// tryLine is one item of a feed.
type tryLine struct {
	Headline, Lang, LangName string
	Stamp                    string
	Words                    int
	Notes                    []string
	Refused                  bool
}

// shown is how many items of a trial are shown.
const shown = 25

// tryOut asks a feed and shows what it would bring. Nothing is taken.
func (f *Family) tryOut(w http.ResponseWriter, r *http.Request) error {
	typed := fieldsOf(r.PostForm)
	got, err := f.o.Ingest.Try(r.Context(), typed.source())
	if err != nil {
		if fault.Of(err).Kind == fault.Internal {
			return err
		}
		return f.listWith(w, r, http.StatusUnprocessableEntity, typed, terms.Sentence(page.PrinterOf(r), err), "")
	}
	typed.Name, typed.URL = got.Source.Name, got.Source.URL
	p := tryPage{Base: f.o.Shell.Base(r, "sources", "sources.try.title"), Typed: typed, Feed: got.Title}
	p.Back = "/sources"
	p.Facts = facts(p.P, got.Source)
	for _, n := range got.Problems {
		p.Notes = append(p.Notes, say(p.P, n.Key, n.Args))
	}
	for i, d := range got.Drafts {
		line := tryLineOf(p.Base, d)
		if line.Refused {
			p.Refused++
		} else {
			p.Takes++
			if d.Lang == "" {
				p.NoLang++
			}
		}
		if i < shown {
			p.Items = append(p.Items, line)
		}
	}
	p.More = len(got.Drafts) - len(p.Items)
	return page.Render(w, r, http.StatusOK, f.try, p)
}

func tryLineOf(b page.Base, d news.Draft) tryLine {
	line := tryLine{Headline: d.Headline, Lang: string(d.Lang), Words: d.Story.Words()}
	if d.Lang != "" {
		line.LangName = b.P.Language(string(d.Lang))
	}
	if !d.Written.IsZero() {
		line.Stamp = b.P.Stamp(d.Written, b.Now)
	}
	if line.Headline == "" {
		line.Headline, line.Lang = b.P.T("wire.no_headline"), ""
	}
	for _, p := range d.Problems {
		line.Refused = line.Refused || p.Fatal
		line.Notes = append(line.Notes, say(b.P, p.Key, p.Args))
	}
	return line
}

// add adds a feed that was tried.
func (f *Family) add(w http.ResponseWriter, r *http.Request) error {
	typed := fieldsOf(r.PostForm)
	feed, key, message := typed.source(), "sources.act_add", "sources.added_off"
	if r.PostForm.Get("on") == "yes" {
		feed.Enabled, key, message = true, "sources.act_add_on", "sources.added_on"
	}
	s, err := ingest.NewSource(feed)
	if err == nil {
		_, err = f.o.Ingest.AddSource(r.Context(), s, f.also(r, key, s))
	}
	if kind := fault.Of(err).Kind; err != nil && (kind == fault.Invalid || kind == fault.Conflict) {
		return f.listWith(w, r, kind.Status(), typed, terms.Sentence(page.PrinterOf(r), err), "")
	}
	if err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/sources", message, "name", s.Name)
}

func sourceOf(r *http.Request) ingest.SourceID { return ingest.SourceID(r.PathValue("id")) }

func (f *Family) switchOn(w http.ResponseWriter, r *http.Request) error {
	return f.enable(w, r, true, "sources.act_on", "sources.is_on")
}

func (f *Family) switchOff(w http.ResponseWriter, r *http.Request) error {
	return f.enable(w, r, false, "sources.act_off", "sources.is_off")
}

func (f *Family) enable(w http.ResponseWriter, r *http.Request, on bool, act, message string) error {
	s, err := f.o.Ingest.Source(r.Context(), sourceOf(r))
	if err != nil {
		return err
	}
	if err := f.o.Ingest.SetEnabled(r.Context(), s.ID, on, f.also(r, act, s)); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/sources", message)
}

// feedPage is what the last reading of a feed brought, and what of it could not be taken.
type feedPage struct {
	page.Base
	Feed     feedLine
	Reading  *ingest.Reading // nil: there was none
	When     string
	Problems []problemLine
	Refused  []refusedLine
	More     int // refusals that are not shown
	Max, MB  int // refusals that are kept, and how much of them as they came
}

// refusedLine is one entry that could not be taken.
type refusedLine struct {
	ID, Entry, Headline, Why string
	First                    time.Time
	Since                    string
	Kept                     bool
}

// shownRefusals is how many refused entries are shown.
const shownRefusals = 200

func (f *Family) showFeed(w http.ResponseWriter, r *http.Request) error {
	s, err := f.o.Ingest.Source(r.Context(), sourceOf(r))
	if err != nil {
		return err
	}
	all, err := f.o.Ingest.Refusals(r.Context(), s.ID, shownRefusals)
	if err != nil {
		return err
	}
	p := feedPage{Base: f.o.Shell.Base(r, "sources", "sources.file.title", "name", s.Name), Reading: s.Reading, More: s.Refusals - len(all), Max: ingest.MaxKept, MB: ingest.MaxOriginals >> 20}
	p.Feed = feedLineOf(p.Base, s)
	if s.Reading != nil {
		p.When, p.Problems = p.P.Ago(s.Reading.At, p.Now), problemLines(p.P, s.Reading.Problems)
	}
	for _, x := range all {
		p.Refused = append(p.Refused, refusedLine{x.ID, x.Entry, x.Headline, terms.Say(p.P, x.Why), x.First, p.P.Ago(x.First, p.Now), x.Kept})
	}
	return page.Render(w, r, http.StatusOK, f.feed, p)
}

// original gives a refused entry as it came.
func (f *Family) original(w http.ResponseWriter, r *http.Request) error {
	b, err := f.o.Ingest.Original(r.Context(), sourceOf(r), r.PathValue("refusal"))
	if err != nil {
		return err
	}
	page.Download(w, "application/json", "entry.json", b)
	return nil
}

// ask polls a feed now. What is wrong with it stands beside it afterwards.
func (f *Family) ask(w http.ResponseWriter, r *http.Request) error {
	s, err := f.o.Ingest.Source(r.Context(), sourceOf(r))
	if err != nil {
		return err
	}
	if err := f.o.Note(r.Context(), f.act(r, "sources.act_ask", string(s.ID), map[string]any{"name": s.Name, "url": s.URL})); err != nil {
		return err
	}
	report, err := f.o.Ingest.Poll(r.Context(), s.ID)
	if err != nil {
		if fault.Of(err).Kind == fault.Internal {
			return err
		}
		return f.o.Shell.Done(w, r, "/sources", "sources.asked_trouble", "name", s.Name)
	}
	return f.o.Shell.Done(w, r, "/sources", "sources.asked", "name", s.Name, "n", report.Taken)
}

// removePage asks whether a feed is really to be forgotten.
type removePage struct {
	page.Base
	Feed ingest.Source
}

func (f *Family) removeForm(w http.ResponseWriter, r *http.Request) error {
	s, err := f.o.Ingest.Source(r.Context(), sourceOf(r))
	if err != nil {
		return err
	}
	return page.Render(w, r, http.StatusOK, f.remove, removePage{f.o.Shell.Base(r, "sources", "sources.remove.title"), s})
}

func (f *Family) removeNow(w http.ResponseWriter, r *http.Request) error {
	s, err := f.o.Ingest.Source(r.Context(), sourceOf(r))
	if err != nil {
		return err
	}
	if err := f.o.Ingest.RemoveSource(r.Context(), s.ID, f.also(r, "sources.act_remove", s)); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/sources", "sources.removed")
}

func everyText(p *i18n.Printer, d time.Duration) string {
	return p.T("sources.every", "span", i18n.Plain(p.Span(d)))
}
