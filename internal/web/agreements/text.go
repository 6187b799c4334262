package agreements

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// document is the readable text of a revision in one language.
type document struct {
	Lang     string
	Dir      string
	Title    string
	Subtitle []string
	Clauses  []clause
	Theirs   string // the text as its author worded it, where this program words it otherwise; shown in place of Clauses
	Lost     bool   // it should be Theirs, and is not here
	Prevails string // which language counts in a dispute, as a sentence
	Mine     bool   // among several it is the one to read first
	Langs    []chip
}

type clause struct {
	Number  string
	Heading string
	Lines   []string
}

// chip is one of several views.
type chip struct {
	Text string
	Lang string
	Href string
	On   bool
}

// textLang is the language in which somebody reads a revision: the one asked for, else their own, else the one that prevails.
func textLang(p *i18n.Printer, r terms.Revision, asked string) news.Lang {
	for _, lang := range []string{asked, p.Lang()} {
		if slices.Contains(r.Languages, news.Lang(lang)) {
			return news.Lang(lang)
		}
	}
	return r.Prevails
}

// words puts a revision into words, as Hash and signature have it: by the zone of the agreement.
func (f *Family) words(r terms.Revision, lang news.Lang) *i18n.Printer {
	return f.o.Bundle.Printer(string(lang), r.Location())
}

// plainDocument is the text of a revision as this program words it.
func (f *Family) plainDocument(p *i18n.Printer, r terms.Revision, lang news.Lang) document {
	w := f.words(r, lang)
	d := document{Lang: string(lang), Dir: i18n.Direction(string(lang))}
	for i, c := range terms.Text(r, lang) {
		view := clause{Number: c.Number, Heading: terms.Say(w, c.Heading)}
		for _, l := range c.Sentences {
			view.Lines = append(view.Lines, terms.Say(w, l))
		}
		if i == 0 {
			d.Title, d.Subtitle = view.Heading, view.Lines
			continue
		}
		d.Clauses = append(d.Clauses, view)
	}
	if len(r.Languages) > 1 {
		d.Prevails = p.T("agreement.text.prevails", "language", p.Language(string(r.Prevails)))
	}
	return d
}

// document is the text that somebody signs: that of its author, where the author's program words it otherwise than ours.
func (f *Family) document(ctx context.Context, p *i18n.Printer, r agreement.Revision, lang news.Lang, href func(lang string) string) (document, error) {
	d := f.plainDocument(p, r.Terms, lang)
	if len(r.Terms.Languages) > 1 {
		for _, l := range r.Terms.Languages {
			d.Langs = append(d.Langs, chip{Text: i18n.OwnName(string(l)), Lang: string(l), Href: href(string(l)), On: l == lang})
		}
	}
	ours := func(lang news.Lang) terms.Printer { return f.words(r.Terms, lang) }
	if !slices.Contains(terms.MismatchedTexts(r.Terms, ours), lang) {
		return d, nil
	}
	theirs, err := f.o.Documents.Document(ctx, r.Hash, lang)
	if fault.Is(err, fault.NotFound) {
		d.Lost = true
		return d, nil
	}
	d.Theirs = theirs
	return d, err
}

// mismatched names the languages in which our program words a text otherwise than its author's.
func (f *Family) mismatched(p *i18n.Printer, r terms.Revision) []string {
	var names []string
	for _, lang := range terms.MismatchedTexts(r, func(lang news.Lang) terms.Printer { return f.words(r, lang) }) {
		names = append(names, p.Language(string(lang)))
	}
	return names
}

// comparison is what a revision changes in another.
type comparison struct {
	With    string // a sentence
	Bases   []chip // with which it can be compared
	Changes []change
}

type change struct {
	Number  string
	Heading string
	Runs    []run
}

// run is a sentence: Is is "same", "new" or "old".
type run struct{ Is, Text string }

// compare holds a revision against one that was proposed before it: the one that is asked for, else an earlier proposal for the
// same place, else the one that it replaces. Nil: there is none.
func (f *Family) compare(p *i18n.Printer, a agreement.Agreement, r agreement.Revision, asked string, href func(with string) string) *comparison {
	var before []agreement.Revision // newest first
	for _, x := range a.Revisions {
		if x.Hash != r.Hash && x.Proposed.Before(r.Proposed) {
			before = append(before, x)
		}
	}
	base := slices.IndexFunc(before, func(x agreement.Revision) bool { return string(x.Hash) == asked })
	if base < 0 && r.Closed.IsZero() {
		base = slices.IndexFunc(before, func(x agreement.Revision) bool {
			return x.Terms.Predecessor == r.Terms.Predecessor && x.Closed.IsZero()
		})
	}
	if base < 0 {
		base = slices.IndexFunc(before, func(x agreement.Revision) bool { return x.Hash == r.Terms.Predecessor })
	}
	if base < 0 {
		return nil
	}
	c := &comparison{With: f.revisionName(p, before[base])}
	if len(before) > 1 {
		for i, x := range before {
			c.Bases = append(c.Bases, chip{Text: f.revisionName(p, x), Href: href(string(x.Hash)), On: i == base})
		}
	}
	c.Changes = changes(p, before[base].Terms, r.Terms)
	return c
}

// changes says clause by clause what newer terms make of older ones.
func changes(p *i18n.Printer, older, newer terms.Revision) (list []change) {
	for _, ch := range terms.Compare(older, newer) {
		list = append(list, change{ch.Clause, terms.Say(p, ch.Heading), merge(said(p, ch.Old), said(p, ch.New))})
	}
	return list
}

// said is the sentences of a clause. A free text that one language lends to another stands there once.
func said(p *i18n.Printer, lines []terms.Line) []string {
	list := make([]string, 0, len(lines))
	for _, l := range lines {
		if s := terms.Say(p, l); !slices.Contains(list, s) {
			list = append(list, s)
		}
	}
	return list
}

// merge writes two versions of a clause as one: what went stands before what came in its place.
func merge(older, newer []string) []run {
	var out []run
	i := 0
	gone := func(until int) {
		for ; i < until; i++ {
			out = append(out, run{"old", older[i]})
		}
	}
	for _, s := range newer {
		if j := slices.Index(older[i:], s); j >= 0 {
			gone(i + j)
			out = append(out, run{"same", s})
			i++
			continue
		}
		stays := i
		for stays < len(older) && !slices.Contains(newer, older[stays]) {
			stays++
		}
		gone(stays)
		out = append(out, run{"new", s})
	}
	gone(len(older))
	return out
}

// revisionName tells a revision from the others of its agreement.
func (f *Family) revisionName(p *i18n.Printer, r agreement.Revision) string {
	return p.T("agreement.revision.name", "number", i18n.Plain(p.Digits(r.Terms.Number)), "author", f.authorOf(p, r.Terms), "at", i18n.Date(r.Proposed))
}

// place is the address of a view of an agreement.
func place(id terms.AgreementID, tail string, pairs ...string) string {
	q := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		if pairs[i+1] != "" {
			q.Set(pairs[i], pairs[i+1])
		}
	}
	to := path(id) + tail
	if len(q) > 0 {
		to += "?" + q.Encode()
	}
	return to
}

// paperPage is a text as it is signed on paper.
type paperPage struct {
	page.Base
	Doc     document
	Hash    string
	Parties []partyLine
	Up      string
}

func (f *Family) showPaper(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.asked(r)
	if err != nil {
		return err
	}
	d := paperPage{Base: f.o.Shell.Base(r, "agreements", "agreement.paper.title"), Hash: string(rev.Hash)}
	lang := textLang(d.P, rev.Terms, r.URL.Query().Get("lang"))
	d.Up = place(a.ID, "", "rev", r.URL.Query().Get("rev"), "lang", r.URL.Query().Get("lang"))
	d.Doc, err = f.document(r.Context(), d.P, rev, lang, func(lang string) string {
		return place(a.ID, "/print", "rev", r.URL.Query().Get("rev"), "lang", lang)
	})
	if err != nil {
		return err
	}
	// What stands on the paper is in the language of the paper.
	d.Parties = f.parties(f.o.Bundle.Printer(string(lang), d.P.Zone()), rev)
	return page.Render(w, r, http.StatusOK, f.paper, d)
}

// gistOf is the first characters of a hash, in groups, to compare at a glance.
func gistOf(hash terms.RevisionHash) string {
	s := string(hash[:min(16, len(hash))])
	var groups []string
	for len(s) > 4 {
		groups, s = append(groups, s[:4]), s[4:]
	}
	return strings.Join(append(groups, s), " ")
}
