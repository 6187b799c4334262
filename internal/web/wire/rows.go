package wire

import (
	"time"

	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

// row is one line of the list as it is shown.
type row struct {
	N          int64
	Item       string // as it stands in addresses: "north.example/0192…"
	Href, Full string // the preview, and the page
	Mark       page.Mark
	From       string // who wrote it
	Clock      string
	When       time.Time
	Day        string // the whole moment, for the title
	Slug       string
	Headline   string
	Lang       string
	LangName   string
	Words      string
	Tags       []tag
	Current    bool
	Read       bool
	Gone       bool
	Note       string // of a withdrawn one: what must be done
}

// tag is a word in a colour.
type tag struct{ Kind, Text string }

// group is the rows of one day, or those that are pinned.
type group struct {
	Title  string
	Pinned bool
	Rows   []row
}

// names are those of the newsrooms on the wire.
type names struct {
	own      page.Newsroom
	partners []Partner
}

func (n names) of(root news.Root) string {
	if root == n.own.Root {
		return n.own.Name
	}
	for _, p := range n.partners {
		if p.Root == root {
			return p.Name
		}
	}
	return string(root[:min(len(root), 8)])
}

func (n names) mark(root news.Root, own bool) page.Mark {
	if own {
		return n.own.Mark
	}
	for _, p := range n.partners {
		if p.Root == root && p.Mark.Text != "" {
			return p.Mark
		}
	}
	return page.NewMark(n.of(root), root, false)
}

// painter makes rows for one reader.
type painter struct {
	p      *i18n.Printer
	now    time.Time
	names  names
	filter filter
	line   int64 // of the newest change, from before anything was read
	seen   map[news.ItemID]bool
	open   news.ItemID // the item in the preview
	proves bool        // the reader may take proof files out
}

func (c painter) row(l library.Row) row {
	short := l.Item.Short()
	out := row{
		N:        l.N,
		Item:     short,
		Href:     c.filter.at("/wire", "item", short),
		Full:     page.ItemPath(l.Item),
		Mark:     c.names.mark(l.Origin, l.Own),
		From:     c.names.of(l.Origin),
		Clock:    c.p.Time(l.Arrived),
		When:     l.Arrived,
		Day:      c.p.DateTime(l.Arrived),
		Slug:     l.Slug,
		Headline: l.Headline,
		Lang:     string(l.Lang),
		LangName: c.p.Language(string(l.Lang)),
		Tags:     c.tags(l),
		Current:  l.Item == c.open,
		Read:     c.seen[l.Item] || l.Own,
		Gone:     l.State == news.Withdrawn,
	}
	if out.Headline == "" {
		out.Headline, out.Lang = c.p.T("wire.no_headline"), ""
	}
	if l.Words > 0 && !out.Gone {
		out.Words = c.p.T("wire.words_short", "n", l.Words)
	}
	if out.Gone && !l.Own {
		out.Note = c.p.T("wire.use_no_more")
	}
	return out
}

// tags are the words that decide what to do with a row, the most pressing first.
func (c painter) tags(l library.Row) []tag {
	var out []tag
	add := func(kind, key string, args ...any) { out = append(out, tag{kind, c.p.T(key, args...)}) }
	if l.State == news.Withdrawn {
		add("withdrawn", "wire.tag.withdrawn")
		return out
	}
	if l.Urgency == 1 {
		add("urgent", "wire.tag.flash")
	} else if l.Urgency == 2 {
		add("urgent", "wire.tag.urgent")
	}
	switch {
	case l.Class == news.Correction:
		add("correction", "wire.tag.correction", "n", l.Version)
	case l.Class == news.Update && l.Version > 1:
		add("update", "wire.tag.update", "n", l.Version)
	}
	if l.Embargo.After(c.now) {
		add("embargo", "wire.tag.embargo", "time", i18n.Plain(c.p.Moment(l.Embargo, c.now)))
	}
	switch l.State {
	case news.SetAside:
		add("held", "wire.tag.set_aside")
	case news.Closed:
		add("held", "wire.tag.closed")
	case news.Unreleased:
		add("draft", "wire.tag.draft")
	}
	if l.Type != news.Text && l.Type != "" {
		out = append(out, tag{"kind", typeName(c.p, l.Type)})
	} else if l.HasMedia {
		add("kind", "wire.tag.media")
	}
	return out
}

// groups puts rows under their days.
func (c painter) groups(rows []library.Row) []group {
	var out []group
	for _, l := range rows {
		if n := len(out); n == 0 || !c.p.SameDay(out[n-1].Rows[0].When, l.Arrived) {
			out = append(out, group{Title: c.dayTitle(l.Arrived)})
		}
		g := &out[len(out)-1]
		g.Rows = append(g.Rows, c.row(l))
	}
	return out
}

func (c painter) dayTitle(t time.Time) string {
	switch {
	case c.p.SameDay(t, c.now):
		return c.p.T("when.today")
	case c.p.SameDay(t, c.now.AddDate(0, 0, -1)):
		return c.p.T("when.yesterday")
	case c.now.Sub(t) < 7*24*time.Hour:
		return c.p.Weekday(t)
	}
	return c.p.Date(t)
}
