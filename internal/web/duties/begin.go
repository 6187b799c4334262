package duties

import (
	"net/http"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// Begin gives a form what it begins with: one in which something is made from an item (m), or in which an item of ours is changed
// because of a duty. Any other form gets nothing. What no agreement permits is Denied; where something was typed already it is said in
// the form, for what was typed is not lost.
func (f *Family) Begin(r *http.Request, m lineage.Made, item news.ItemID, duty int64) (page.Beginning, error) {
	switch {
	case m.Source != "":
		b, err := f.begin(r, m)
		switch {
		case err == nil && m.Version != 0 && m.Version != b.Version:
			b.Wrong = page.PrinterOf(r).T("duty.form.source_changed")
		case r.Method == http.MethodPost && (fault.Is(err, fault.Denied) || fault.Is(err, fault.Conflict) || fault.Is(err, fault.Gone)):
			return page.Beginning{Wrong: terms.Sentence(page.PrinterOf(r), err)}, nil
		}
		return b, err
	case duty != 0:
		v, err := f.open(r, item, duty)
		if fault.Is(err, fault.NotFound) {
			return page.Beginning{}, nil // it was answered meanwhile
		}
		if err != nil {
			return page.Beginning{}, err
		}
		v.Here = true
		beside, err := f.part("beside", v)
		return page.Beginning{Beside: beside}, err
	}
	return page.Beginning{}, nil
}

// begin asks the agreements whether something may be made from an item, and gives the form its source. A translation begins without
// headline and text, all others with those of the source; photos have rights of their own and do not come along.
func (f *Family) begin(r *http.Request, m lineage.Made) (page.Beginning, error) {
	if !m.How.Known() {
		return page.Beginning{}, fault.New(fault.NotFound, "fault.not_found")
	}
	c := f.painter(r)
	item, err := c.item(m.Source)
	if err != nil {
		return page.Beginning{}, err
	}
	if item.State != news.Usable {
		return page.Beginning{}, fault.New(fault.Conflict, "item.other_state")
	}
	asked, target := item, item.Lang
	if m.How == lineage.Translation {
		target = f.target(r, item.Lang)
	}
	asked.Lang = target // of the credit
	_, credit, err := f.o.Rules.Permitted(r.Context(), asked, m.How.Act())
	if err != nil {
		return page.Beginning{}, err
	}
	source, err := f.o.Library.Version(r.Context(), item.Item, item.Version)
	if err != nil {
		return page.Beginning{}, err
	}
	from, err := c.ref(item.Item)
	if err != nil {
		return page.Beginning{}, err
	}
	b := page.Beginning{Title: c.how("duty.form.", m.How), Version: item.Version, Story: source}
	b.Story.Media, b.Story.Note, b.Story.Copyright, b.Story.Usage, b.Story.Credit = nil, "", "", "", ""
	if !item.Own {
		b.Story.Credit = credit
	}
	if m.How == lineage.Translation {
		b.Story.Headline, b.Story.Body, b.Story.Lang = "", "", target
	}
	b.Beside, err = f.part("source", sourceView{c.p, from, textOf(c.p.T("duty.version", "n", item.Version), source)})
	return b, err
}

// target is the language into which somebody here probably translates: the newsroom's, else the reader's, unless it is that of the
// source; then the form asks.
func (f *Family) target(r *http.Request, from news.Lang) news.Lang {
	base := f.o.Shell.Base(r, "", "")
	for _, lang := range []string{base.Newsroom.Lang, base.Lang} {
		if lang != string(from) && lang != "" {
			return news.Lang(lang)
		}
	}
	for _, lang := range i18n.Languages {
		if lang != string(from) {
			return news.Lang(lang)
		}
	}
	return from
}

// sourceView is a source beside a form.
type sourceView struct {
	P    *i18n.Printer
	From ref
	Text *text
}
