package agreements

import (
	"cmp"
	"net/http"
	"strings"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// listPage is all agreements.
type listPage struct {
	page.Base
	May    bool // the reader is a signatory
	Known  bool // there is somebody to agree with
	Groups []group
}

// group is agreements under one heading.
type group struct {
	Title string
	Rows  []row
}

// row is an agreement in the list.
type row struct {
	Href  string
	Title string
	Names string // of the other parties
	Marks []page.Mark
	More  int // parties whose mark is left out
	State state
	When  string
	Also  string // what else waits
}

// state is a word with a shape.
type state struct {
	Name string // the class
	Word string
	Icon string
}

// maxMarks is how many marks stand beside each other.
const maxMarks = 3

func (f *Family) showList(w http.ResponseWriter, r *http.Request) error {
	d := listPage{Base: f.o.Shell.Base(r, "agreements", "agreement.title"), May: page.PersonOf(r).Signatory, Known: len(f.o.Directory.Partners()) > 0}
	var first, others, past []row
	for _, a := range f.o.Agreements.List() {
		line := f.row(d.P, a)
		switch a.State {
		case agreement.ToSign:
			first = append(first, line)
		case agreement.Declined, agreement.Expired, agreement.Void, agreement.Ended:
			past = append(past, line)
		default:
			others = append(others, line)
		}
	}
	for _, g := range []group{{d.P.T("agreement.list.first"), first}, {d.P.T("agreement.list.present"), others}, {d.P.T("agreement.list.past"), past}} {
		if len(g.Rows) > 0 {
			d.Groups = append(d.Groups, g)
		}
	}
	return page.Render(w, r, http.StatusOK, f.list, d)
}

// shown is the revision that stands for an agreement: the one that waits for us, else the one in force, else the newest.
func shown(a agreement.Agreement) agreement.Revision {
	switch {
	case a.State == agreement.ToSign && a.Open != nil:
		return *a.Open
	case a.Current != nil:
		return *a.Current
	}
	return a.Revisions[0]
}

func (f *Family) row(p *i18n.Printer, a agreement.Agreement) row {
	rev := shown(a)
	line := row{Href: path(a.ID), Title: titleOf(p, rev.Terms), State: stateOf(p, a.State), When: f.when(p, a, rev)}
	names, marks := f.others(p, rev.Terms)
	line.Names = p.List(names)
	line.Marks = marks[:min(len(marks), maxMarks)]
	line.More = len(marks) - len(line.Marks)
	if open := a.Open; open != nil && a.Current != nil && a.State != agreement.ToSign && open.Open(f.o.Shell.Now()) {
		line.Also = p.T("agreement.list.change", "n", len(open.Terms.Parties)-signatures(*open))
	}
	return line
}

func path(id terms.AgreementID) string { return "/agreements/" + string(id) }

// titleOf says what an agreement is about.
func titleOf(p *i18n.Printer, r terms.Revision) string {
	for _, c := range terms.Text(r, news.Lang(p.Lang())) {
		return terms.Say(p, c.Heading)
	}
	return ""
}

// others are the names and marks of all parties but us.
func (f *Family) others(p *i18n.Printer, r terms.Revision) (names []string, marks []page.Mark) {
	for _, party := range r.Parties {
		if party.Root != "" && party.Root == f.us() {
			continue
		}
		name := nameOf(p, r, party)
		names = append(names, name)
		marks = append(marks, markOf(name, party))
	}
	return names, marks
}

// nameOf is the name of a party as the terms write it.
func nameOf(p *i18n.Printer, r terms.Revision, party terms.Party) string {
	if name := party.Names.In(news.Lang(p.Lang()), r.Prevails); name != "" {
		return name
	}
	return party.Domain
}

// markOf is the mark of a party, from its name in its own language: it is the same for all readers. One without a node has the
// colour of its domain.
func markOf(name string, party terms.Party) page.Mark {
	if len(party.Languages) > 0 {
		name = cmp.Or(party.Names.In(party.Languages[0]), name)
	}
	root := party.Root
	if root == "" {
		root = news.Root(party.Domain)
	}
	return page.NewMark(name, root, false)
}

// signatures counts who has signed.
func signatures(r agreement.Revision) int {
	n := 0
	for _, a := range r.Answers {
		if a.Kind == "sign" {
			n++
		}
	}
	return n
}

func stateOf(p *i18n.Printer, s agreement.State) state {
	name := strings.ReplaceAll(string(s), "-", "_")
	icon := map[agreement.State]string{
		agreement.ToSign: "new", agreement.Waiting: "clock", agreement.Declined: "no", agreement.Expired: "clock", agreement.Void: "back",
		agreement.Signed: "check", agreement.InForce: "check", agreement.Suspended: "pause", agreement.Ended: "stop",
	}[s]
	if icon == "" {
		icon = "agreements"
	}
	return state{Name: name, Word: p.T("agreement.state." + name), Icon: icon}
}

// when says since when and until when an agreement stands as it does.
func (f *Family) when(p *i18n.Printer, a agreement.Agreement, rev agreement.Revision) string {
	zone := rev.Terms.Location()
	signBy := i18n.Date(dayOf(rev.Terms.SignBy, zone))
	switch a.State {
	case agreement.ToSign:
		return p.T("agreement.when.to_sign", "author", f.authorOf(p, rev.Terms), "until", signBy)
	case agreement.Waiting:
		return p.T("agreement.when.waiting", "n", signatures(rev), "all", len(rev.Terms.Parties), "until", signBy)
	case agreement.Declined:
		for _, x := range rev.Answers {
			if x.Kind == "decline" {
				return p.T("agreement.when.declined", "name", f.answerer(p, rev.Terms, x), "at", i18n.Date(x.At))
			}
		}
	case agreement.Expired:
		return p.T("agreement.when.expired", "until", signBy)
	case agreement.Void:
		return p.T("agreement.when.void", "author", f.authorOf(p, rev.Terms), "at", i18n.Date(rev.Void))
	case agreement.Signed:
		return p.T("agreement.when.signed", "from", i18n.Date(dayOf(rev.Terms.Start, zone)))
	}
	until := lastDay(a, rev)
	switch {
	case a.State == agreement.Ended:
		return p.T("agreement.when.ended", "until", i18n.Date(until))
	case until.IsZero():
		return p.T("agreement.when.open", "from", i18n.Date(began(rev)))
	}
	return p.T("agreement.when.until", "from", i18n.Date(began(rev)), "until", i18n.Date(until))
}

// began is when a closed revision came into force.
func began(r agreement.Revision) time.Time {
	if b := r.Terms.Begins(); b.After(r.Closed) {
		return dayOf(r.Terms.Start, r.Terms.Location())
	}
	return r.Closed
}

// lastDay is the last day of an agreement, by a notice or by its dates; zero if it has none.
func lastDay(a agreement.Agreement, r agreement.Revision) time.Time {
	end := r.Terms.Ends()
	if !a.Ends.IsZero() && (end.IsZero() || a.Ends.Before(end)) {
		end = a.Ends
	}
	if end.IsZero() {
		return end
	}
	return end.Add(-12 * time.Hour)
}

// authorOf is the name of the newsroom that proposed a text.
func (f *Family) authorOf(p *i18n.Printer, r terms.Revision) string {
	return r.PartyName(r.Author, news.Lang(p.Lang()))
}

// answerer is the name of the party that an answer is from.
func (f *Family) answerer(p *i18n.Printer, r terms.Revision, a agreement.Answer) string {
	for _, party := range r.Parties {
		if agreement.PartyKey(party) == a.Party {
			return nameOf(p, r, party)
		}
	}
	return a.Name
}
