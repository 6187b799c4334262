package duties

import (
	"context"
	"html/template"
	"net/http"
	"strings"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/web/page"
	"newspool/internal/web/page/compare"
)

// painter says things for one reader.
type painter struct {
	ctx  context.Context
	f    *Family
	p    *i18n.Printer
	now  time.Time
	seen map[news.ItemID]library.Item
}

func (f *Family) painter(r *http.Request) painter {
	return painter{r.Context(), f, page.PrinterOf(r), f.o.Shell.Now(), map[news.ItemID]library.Item{}}
}

// item looks an item up, each once.
func (c painter) item(id news.ItemID) (library.Item, error) {
	if item, ok := c.seen[id]; ok {
		return item, nil
	}
	item, err := c.f.o.Library.Item(c.ctx, id)
	if err == nil {
		c.seen[id] = item
	}
	return item, err
}

// ref is an item as it is named in a line.
type ref struct {
	Href, Headline, Lang, Dir string
	Own, Gone, Draft          bool
	From                      Newsroom
}

func (c painter) ref(id news.ItemID) (ref, error) {
	item, err := c.item(id)
	if err != nil {
		return ref{}, err
	}
	out := ref{
		Href: page.ItemPath(id), Headline: item.Headline, Lang: string(item.Lang), Dir: i18n.Direction(string(item.Lang)), Own: item.Own,
		Gone: item.State == news.Withdrawn, Draft: item.State == news.Unreleased, From: c.f.o.Directory.Newsroom(item.Origin, c.p.Lang()),
	}
	if out.Headline == "" {
		out.Headline, out.Lang, out.Dir = c.p.T("wire.no_headline"), c.p.Lang(), c.p.Dir()
	}
	return out, nil
}

// text is a story to be read and not changed.
type text struct {
	Title    string
	Lang     string
	Dir      string
	Headline string
	Byline   string
	Body     template.HTML
}

func textOf(title string, s news.Story) *text {
	return &text{
		Title: title, Lang: string(s.Lang), Dir: i18n.Direction(string(s.Lang)), Headline: s.Headline, Byline: s.Byline,
		Body: template.HTML(page.WithDateline(s.Body, s.Dateline, `<span class="dateline">`, "</span>")), // sanitised when it was taken in, and again when it was read
	}
}

// change is what one version of a source made of another.
type change struct {
	Title    string
	Lang     string
	Dir      string
	Headline []compare.Run
	Blocks   []compare.Block
}

// due says by when something must be answered, and whether that time has passed.
func (c painter) due(t time.Time) (text string, late bool) {
	switch {
	case t.IsZero():
		return "", false
	case t.Before(c.now):
		return c.p.T("duty.was_due", "time", i18n.Plain(c.p.Moment(t, c.now))), true
	}
	return c.p.T("duty.due", "time", i18n.Plain(c.p.Moment(t, c.now))), false
}

// how names the way in which something was made, key is the beginning of the message.
func (c painter) how(key string, how lineage.How) string {
	switch how {
	case lineage.Translation, lineage.Shortened:
		return c.p.T(key + string(how))
	}
	return c.p.T(key + string(lineage.Edit))
}

// answered is the word for an answer.
func (c painter) answered(a lineage.Answer) string {
	return c.p.T("duty.answered." + strings.ReplaceAll(string(a), "-", "_"))
}

// dutyView is a duty as it is shown.
type dutyView struct {
	P      *i18n.Printer
	N      int64
	Kind   string // the colour of the strip
	Icon   string
	Class  string
	Text   string // what has happened
	Note   string // in the words of the newsroom of the source
	Lang   string // of the note
	Due    string
	DueAt  time.Time
	Late   bool
	Ours   ref
	Source ref
	Path   string // where it is answered
	Here   bool   // the form is below
	Draft  bool
	Why    string // as it was typed
	Wrong  string
	Change *change
	Mine   *text // our text beside the change, where the page does not have it already
}

// duty makes a view of a duty.
func (c painter) duty(d lineage.Duty) (v dutyView, err error) {
	v = dutyView{P: c.p, N: d.N, Kind: "act", Icon: "warn", Class: string(d.Class), DueAt: d.Due, Path: page.ItemPath(d.Item) + "/answer"}
	if v.Ours, err = c.ref(d.Item); err != nil {
		return v, err
	}
	if v.Source, err = c.ref(d.Source); err != nil {
		return v, err
	}
	v.Draft = v.Ours.Draft
	v.Due, v.Late = c.due(d.Due)
	source, _ := c.item(d.Source) // it was found for the reference
	when := i18n.Plain(c.p.Moment(d.Raised, c.now))
	kind := string(d.Class)
	switch {
	case d.Notice:
		v.Text = c.p.T("duty.notice."+kind, "name", v.Source.From.Name, "time", when)
	case source.Own:
		v.Text = c.p.T("duty.own."+kind, "time", when)
	default:
		v.Text = c.p.T("duty.source."+kind, "name", v.Source.From.Name, "time", when)
	}
	if d.Class == news.Withdrawal && !d.Notice {
		v.Kind = "gone"
	}
	for _, h := range source.History {
		if h.Number == d.Version && !d.Notice {
			v.Note, v.Lang = h.Note, v.Source.Lang
		}
	}
	return v, nil
}

// compared adds to a view what has changed in the source since the version that stands in ours. Of a withdrawn source there is nothing
// to be read any more.
func (c painter) compared(v *dutyView, d lineage.Duty) error {
	if d.Notice || d.Class == news.Withdrawal || d.Had == d.Version {
		return nil
	}
	from, err := c.f.o.Library.Version(c.ctx, d.Source, d.Had)
	if err == nil {
		var to news.Story
		if to, err = c.f.o.Library.Version(c.ctx, d.Source, d.Version); err == nil {
			v.Change = &change{
				Title: c.p.T("duty.changed", "from", i18n.Plain(c.p.Digits(d.Had)), "to", i18n.Plain(c.p.Digits(d.Version))), Lang: string(to.Lang),
				Dir: i18n.Direction(string(to.Lang)), Headline: compare.Line(from.Headline, to.Headline), Blocks: compare.Texts(from.Body, to.Body),
			}
		}
	}
	if fault.Is(err, fault.Gone) || fault.Is(err, fault.Unavailable) || fault.Is(err, fault.NotFound) {
		return nil
	}
	return err
}
