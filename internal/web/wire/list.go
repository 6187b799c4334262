package wire

import (
	"net/http"
	"strconv"

	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

// perPage is how many rows a page of the list has.
const perPage = 50

// listPage is the wire: the list, and beside it the item that is selected.
type listPage struct {
	page.Base
	Chips   []chip
	Boxes   []selectBox
	Of      string // for the form, which has no field for it
	Day     string // for the field of the form
	Groups  []group
	Live    string // where the page hears of what is new
	Newest  string // the address of the list from the newest; "" when it is shown
	Older   string // the address of what is older; "" for nothing
	Refresh string // the address that "7 new" leads to
	Compact bool
	Quiet   bool   // the list is filtered, so that an empty one says something else
	Bare    string // the title without the count
	Item    *article
}

func (f *Family) showList(w http.ResponseWriter, r *http.Request) error {
	base := f.o.Shell.Base(r, "wire", "wire.title")
	c, err := f.painter(r, base)
	if err != nil {
		return err
	}
	p := listPage{Base: base, Compact: base.Person.Compact}
	c.filter = parseFilter(r.URL.Query())
	if id := news.ItemOf(r.URL.Query().Get("item")); id != "" {
		c.open = id
		if p.Item, err = f.article(r, c, id); err != nil {
			return err
		}
	}
	if !page.IsPart(r, "item") {
		if err := f.fillList(r, &p, c); err != nil {
			return err
		}
	}
	return page.Render(w, r, http.StatusOK, f.list, p)
}

// fillList adds rows and filters to the page.
func (f *Family) fillList(r *http.Request, p *listPage, c painter) error {
	ctx, query := r.Context(), c.filter
	wanted := query.library(c.names.partners, c.now, p.P.Zone())
	rows, err := f.o.Library.Wire(ctx, wanted, query.before, perPage+1)
	if err != nil {
		return err
	}
	newestRow := c.line
	if query.before == 0 && len(rows) > 0 {
		newestRow = max(newestRow, rows[0].N)
	}
	if len(rows) > perPage {
		rows = rows[:perPage]
		older := query
		older.before = rows[perPage-1].N
		p.Older = older.at("/wire")
	}
	var pinned []library.Row
	if query.before == 0 && !query.any() {
		if pinned, err = f.o.Desk.PinnedUrgent(ctx, p.Person.ID); err != nil {
			return err
		}
	}
	if c.seen, err = f.o.Desk.SeenOf(ctx, p.Person.ID, itemsOf(rows)); err != nil {
		return err
	}
	p.Groups = c.groups(without(rows, pinned))
	if len(pinned) > 0 {
		g := group{Title: p.P.T("wire.pinned"), Pinned: true}
		for _, l := range pinned {
			one := c.row(l)
			one.Read = false // also of our own desk: it stands here because this reader has not seen it
			g.Rows = append(g.Rows, one)
		}
		p.Groups = append([]group{g}, p.Groups...)
	}
	newest := query
	newest.before = 0
	p.Refresh = newest.at("/wire")
	if query.before > 0 {
		p.Newest = p.Refresh
	}
	p.Live = newest.at("/live/wire", "after", strconv.FormatInt(newestRow, 10), "told", strconv.FormatInt(c.line, 10))
	p.Bare = p.Title + " · " + p.Newsroom.Name
	if len(pinned) > 0 {
		p.Title = urgentMark(c, len(pinned)) + " " + p.Title
	}
	p.Quiet = query.any() || query.before > 0
	return f.fillFilters(r, p, c)
}

func (f *Family) fillFilters(r *http.Request, p *listPage, c painter) error {
	agreements, err := f.o.Directory.Agreements(r.Context(), p.Lang)
	if err != nil {
		return err
	}
	facets, err := f.o.Desk.Facets(r.Context())
	if err != nil {
		return err
	}
	p.Chips = c.filter.chips(p.P, c.names.partners, agreements)
	p.Chips = append(p.Chips, c.waiting(facets)...)
	p.Boxes = c.filter.boxes(p.P, facets, c.names.partners, agreements)
	p.Of = c.filter.of
	p.Day = c.filter.library(nil, c.now, p.P.Zone()).Day
	return nil
}

func itemsOf(rows []library.Row) []news.ItemID {
	ids := make([]news.ItemID, len(rows))
	for i, r := range rows {
		ids[i] = r.Item
	}
	return ids
}

func without(rows, pinned []library.Row) []library.Row {
	up := make(map[news.ItemID]bool, len(pinned))
	for _, p := range pinned {
		up[p.Item] = true
	}
	out := make([]library.Row, 0, len(rows))
	for _, r := range rows {
		if !up[r.Item] {
			out = append(out, r)
		}
	}
	return out
}

// urgentMark is what stands before the title of the tab while urgent items wait: "(2)".
func urgentMark(c painter, n int) string { return "(" + c.p.Number(n) + ")" }

// setView keeps how dense the person wants the list.
func (f *Family) setView(w http.ResponseWriter, r *http.Request) error {
	value := "off"
	if r.PostForm.Get("compact") == "on" {
		value = "on"
	}
	if err := f.o.Preferences.SetPreference(r.Context(), page.PersonOf(r).ID, "compact", value); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, r.PostForm.Get("back"), "")
}

// rowPart is one row on its own, with the language to say it in.
type rowPart struct {
	P   *i18n.Printer
	Row row
}

// RowOf is a row for the template that draws one.
func (p listPage) RowOf(r row) rowPart { return rowPart{p.P, r} }
