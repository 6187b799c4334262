package partners

import (
	"net/http"
	"slices"
	"strings"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/protocol"
)

// listPage is how we stand with everybody.
type listPage struct {
	page.Base
	Wait      bool // the root key was not put away
	Silent    []quiet
	Stalled   []string // partners that confirm nothing any more, as sentences
	Strangers []stranger
	Rows      []row
	Troubles  []trouble
}

// quiet is an agreement under which we say nothing yet.
type quiet struct{ Names, Href string }

// row is a partner in the list.
type row struct {
	Href      string
	Name      string
	Domain    string
	Mark      page.Mark
	State     string // the class of the shape
	Word      string
	Contact   string
	At        time.Time
	Waiting   string
	Notes     []string // what is wrong with the link, as sentences
	Compared  bool
	Agreement int // agreements in force
}

// stranger is somebody who said hello.
type stranger struct {
	ID          string
	Root        string
	Name        string
	Domain      string
	Mark        page.Mark
	Kind        string
	Fingerprint []string
	Words       string
	When        string
	Agreement   bool // it has proposed something already
}

// trouble is something that is wrong with a record.
type trouble struct {
	At    time.Time
	When  string
	Name  string
	Href  string
	Text  string
	Place string // of the record

	Resumable bool // a person may take it up again
}

// maxTroubles is how many are shown.
const maxTroubles = 50

func (f *Family) showList(w http.ResponseWriter, r *http.Request) error {
	d := listPage{Base: f.o.Shell.Base(r, "partners", "partner.title")}
	d.Back = "/partners"
	var err error
	if d.Wait, err = f.o.RootKey.Waiting(r.Context()); err != nil {
		return err
	}
	all := f.o.Agreements.List()
	for _, id := range f.o.Links.Unconfirmed() {
		d.Silent = append(d.Silent, quiet{Names: f.partiesOf(d.P, all, id), Href: "/agreements/" + string(id)})
	}
	stalled, err := f.o.Links.Stalled(r.Context())
	if err != nil {
		return err
	}
	for _, x := range stalled {
		d.Stalled = append(d.Stalled, d.P.T("exchange.stalled", "partner", f.o.Directory.NameOf(x.Partner, d.P.Lang()), "since", i18n.Plain(d.P.Moment(x.Since, d.Now)), "n", x.Records))
	}
	hellos, err := f.o.Directory.Hellos(r.Context())
	if err != nil {
		return err
	}
	for _, h := range hellos {
		d.Strangers = append(d.Strangers, newStranger(d.P, h, d.Now))
	}
	d.Rows = f.rows(d.P, d.Now, all)
	d.Troubles, err = f.troubles(r, d.P, d.Now, "")
	if err != nil {
		return err
	}
	return page.Render(w, r, http.StatusOK, f.list, d)
}

// partiesOf names the other parties of an agreement.
func (f *Family) partiesOf(p *i18n.Printer, all []agreement.Agreement, id terms.AgreementID) string {
	i := slices.IndexFunc(all, func(a agreement.Agreement) bool { return a.ID == id })
	if i < 0 || len(all[i].Revisions) == 0 {
		return string(id)
	}
	var names []string
	for _, party := range all[i].Revisions[0].Terms.Parties {
		if string(party.Root) != f.o.Own.Self().Root {
			names = append(names, party.Names.In(news.Lang(p.Lang())))
		}
	}
	return p.List(names)
}

// rows are the partners, those that need a person first.
func (f *Family) rows(p *i18n.Printer, now time.Time, all []agreement.Agreement) []row {
	links := f.o.Links.Links()
	known := map[news.Root]partner.Partner{}
	for _, x := range f.o.Directory.Partners() {
		known[x.Root] = x
	}
	var list []row
	for _, l := range links {
		x, ok := known[l.Partner]
		if !ok {
			continue
		}
		list = append(list, f.row(p, now, x, l, inForce(all, x.Root)))
		delete(known, x.Root)
	}
	for _, x := range f.o.Directory.Partners() { // pinned a moment ago
		if _, left := known[x.Root]; left {
			list = append(list, f.row(p, now, x, exchange.Link{Partner: x.Root, State: exchange.LinkNever}, inForce(all, x.Root)))
		}
	}
	return list
}

// inForce counts the agreements with a newsroom that are in force.
func inForce(all []agreement.Agreement, root news.Root) int {
	n := 0
	for _, a := range all {
		if a.Current == nil || a.State == agreement.Ended {
			continue
		}
		if _, ok := a.Current.Terms.Party(root); ok {
			n++
		}
	}
	return n
}

func (f *Family) row(p *i18n.Printer, now time.Time, x partner.Partner, l exchange.Link, agreements int) row {
	name := f.o.Directory.NameOf(x.Root, p.Lang())
	state := l.State
	if x.Blocked {
		state = exchange.LinkBlocked
	}
	key := strings.ReplaceAll(string(state), "-", "_")
	line := row{
		Href: "/partners/" + string(x.Root), Name: name, Domain: x.Domain, Mark: markOf(x.Identity, false),
		State: string(state), Word: p.T("partner.link." + key), At: l.LastContact, Compared: !x.Compared.IsZero(), Agreement: agreements,
	}
	if !l.LastContact.IsZero() {
		line.Contact = p.Ago(l.LastContact, now)
	}
	if l.Waiting > 0 {
		line.Waiting = p.Number(l.Waiting)
	}
	if state == exchange.LinkNever && agreements == 0 {
		line.Notes = append(line.Notes, p.T("partner.link.no_agreement"))
	}
	switch {
	case x.Blocked:
	case l.Skew > 0:
		line.Notes = append(line.Notes, p.T("partner.link.skew_behind", "span", i18n.Plain(p.Span(l.Skew))))
	case l.Skew < 0:
		line.Notes = append(line.Notes, p.T("partner.link.skew_ahead", "span", i18n.Plain(p.Span(-l.Skew))))
	}
	if l.State == exchange.LinkStopped {
		line.Notes = append(line.Notes, p.T("partner.link.stopped_means"))
	}
	if l.Absent > 0 && !x.Blocked {
		line.Notes = append(line.Notes, p.T("partner.link.absent"))
	}
	switch {
	case l.Error == nil, x.Blocked:
	case l.Error.Kind == fault.Internal:
		line.Notes = append(line.Notes, p.T("partner.link.failed"))
	default:
		line.Notes = append(line.Notes, terms.Sentence(p, l.Error))
	}
	return line
}

func newStranger(p *i18n.Printer, h partner.Waiting, now time.Time) stranger {
	name := partner.NameIn(h.Identity, p.Lang())
	return stranger{
		ID: h.ID, Root: h.Identity.Root, Name: name, Domain: h.Identity.Domain, Mark: markOf(h.Identity, false),
		Kind: p.T("terms.outlet." + terms.OutletKind(h.Identity.Kind)), Fingerprint: strings.Fields(protocol.Fingerprint(h.Identity.Root)),
		Words: h.Hello.Words, When: p.Ago(h.Received, now), Agreement: h.Hello.Agreement != "",
	}
}

// markOf is the mark of a newsroom.
func markOf(id protocol.Identity, own bool) page.Mark {
	return page.NewMark(partner.OwnName(id), news.Root(id.Root), own)
}

// troubles says what is wrong with records, of one newsroom or of all.
func (f *Family) troubles(r *http.Request, p *i18n.Printer, now time.Time, of news.Root) ([]trouble, error) {
	all, err := f.o.Links.Troubles(r.Context(), of, maxTroubles)
	if err != nil {
		return nil, err
	}
	var list []trouble
	for _, t := range all {
		line := trouble{At: t.At, When: p.Moment(t.At, now), Name: f.o.Directory.NameOf(t.Partner, p.Lang()), Text: p.T("partner.trouble.unknown")}
		if _, known := f.o.Directory.Partner(t.Partner); known {
			line.Href = "/partners/" + string(t.Partner)
		}
		if p.Has(t.Key) {
			line.Text = terms.Say(p, terms.Line{Key: t.Key, Args: t.Args})
		}
		line.Resumable = t.Resumable()
		line.Place = p.T("partner.trouble.place", "position", i18n.Plain(p.Number(t.Seq)))
		list = append(list, line)
	}
	return list, nil
}
