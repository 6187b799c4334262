package agreements

import (
	"fmt"
	"net/http"
	"slices"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// showPage is one agreement, with one of its revisions.
type showPage struct {
	page.Base
	Problem problem
	May     bool // the reader is a signatory

	Path    string
	Self    string // this view
	Heading string // what it is about
	Names   string // of the other parties
	State   state
	When    string

	Hash    string
	Gist    string // the beginning of the hash
	Strips  []strip
	Parties []partyLine
	Signed  int
	Changes *comparison
	Doc     document
	Facts   []fact
	Texts   []chip // all revisions, where there are several
	Paper   string

	Answer  *answerForm
	Hosted  []hostForm
	Void    bool // we can take the text back
	Life    *lifeForm
	Amend   string // where other terms are proposed; "" for nowhere
	AmendAs string // the word for it
	Like    string // where an agreement like this one begins
	Unsaid  string // why the reader can say nothing; "" for no reason
}

// problem is a refusal that is shown beside the form that it belongs to.
type problem struct {
	Form   string
	Text   string
	status int
}

// strip is what must be known or done, above the text.
type strip struct{ Class, Icon, Text, Href, Link string }

type fact struct{ Label, Text string }

// partyLine is a party with its answer.
type partyLine struct {
	Name   string
	Mark   page.Mark
	Kind   string
	Domain string
	Href   string
	Ours   bool
	Host   string // of a party without a node
	State  state
	Signer string // who signed, or signs by the terms
	Office string
	At     time.Time
	Words  string // how a signature was given, or why somebody declined
	Signed bool
}

// answerForm is where we sign or decline.
type answerForm struct {
	Us           string
	Name, Office string
	Named        string // who signs by the terms, as a sentence
	Reason       string // of a refusal, as it was typed
	All          int    // parties, where everything is said to more than one
	Until        string
}

// hostForm is where the signature of a party without a node is entered.
type hostForm struct {
	Index             int
	Party             string
	Name, Office, How string
}

// lifeForm is what can be said about an agreement in force.
type lifeForm struct {
	Suspended bool
	Given     bool   // notice was given
	LastDay   string // if notice is given today
}

func (f *Family) showOne(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.asked(r)
	if err != nil {
		return err
	}
	return f.showWith(w, r, a, rev, func(*showPage) {})
}

func (f *Family) showWith(w http.ResponseWriter, r *http.Request, a agreement.Agreement, rev agreement.Revision, change func(*showPage)) error {
	q := r.URL.Query()
	p := page.PrinterOf(r)
	heading := titleOf(p, rev.Terms)
	names, _ := f.others(p, rev.Terms)
	d := showPage{
		Base: f.o.Shell.Base(r, "agreements", "agreement.one.title", "name", i18n.Plain(p.List(names))),
		May:  page.PersonOf(r).Signatory, Path: path(a.ID), Heading: heading, Names: p.List(names),
		State: stateOf(p, a.State), When: f.when(p, a, shown(a)), Hash: string(rev.Hash), Gist: gistOf(rev.Hash),
		Parties: f.parties(p, rev), Signed: signatures(rev),
	}
	d.Back = d.Path
	asked, lang, with := "", q.Get("lang"), q.Get("with")
	if rev.Hash != shown(a).Hash {
		asked = string(rev.Hash)
	}
	var err error
	d.Doc, err = f.document(r.Context(), p, rev, textLang(p, rev.Terms, lang), func(l string) string {
		return place(a.ID, "", "rev", asked, "lang", l, "with", with) + "#text"
	})
	if err != nil {
		return err
	}
	d.Changes = f.compare(p, a, rev, with, func(h string) string {
		return place(a.ID, "", "rev", asked, "lang", lang, "with", h) + "#changes"
	})
	d.Self = place(a.ID, "", "rev", asked)
	d.Paper = place(a.ID, "/print", "rev", asked, "lang", lang)
	d.Facts = f.facts(p, rev)
	if len(a.Revisions) > 1 {
		for _, x := range a.Revisions {
			d.Texts = append(d.Texts, chip{Text: f.revisionName(p, x), Href: place(a.ID, "", "rev", string(x.Hash)), On: x.Hash == rev.Hash})
		}
	}
	f.allow(&d, r, a, rev)
	d.Strips = f.strips(p, d, a, rev)
	change(&d)
	status := d.Problem.status
	if status == 0 {
		status = http.StatusOK
	}
	return page.Render(w, r, status, f.show, d)
}

// allow says what the reader can do.
func (f *Family) allow(d *showPage, r *http.Request, a agreement.Agreement, rev agreement.Revision) {
	us, now, p := f.us(), f.o.Shell.Now(), d.P
	party, ours := rev.Terms.Party(us)
	_, answered := rev.Answer(string(us))
	open := rev.Open(now)
	if !ours || !d.May {
		if open && ours && !answered {
			d.Unsaid = p.T("agreement.signatories_only")
		}
		return
	}
	if open && !answered {
		d.Answer = &answerForm{Us: nameOf(p, rev.Terms, party), Name: party.Signatory.Name, Office: party.Signatory.Office}
		d.Answer.Until = p.Date(dayOf(rev.Terms.SignBy, rev.Terms.Location()))
		if d.Answer.Name == "" {
			d.Answer.Name = page.PersonOf(r).Name
		} else {
			d.Answer.Named = p.T("agreement.sign.named", "name", party.Signatory.Name, "office", party.Signatory.Office)
		}
		d.Answer.All = many(rev.Terms)
	}
	for i, x := range rev.Terms.Parties {
		if _, done := rev.Answer(agreement.PartyKey(x)); open && x.Root == "" && x.Host == us && !done {
			d.Hosted = append(d.Hosted, hostForm{Index: i, Party: nameOf(p, rev.Terms, x), Name: x.Signatory.Name, Office: x.Signatory.Office})
		}
	}
	d.Void = rev.Terms.Author == us && rev.Closed.IsZero() && rev.Void.IsZero()
	current := a.Current != nil && a.Current.Hash == rev.Hash
	ended := a.State == agreement.Ended
	if current && !ended && !now.Before(rev.Terms.Begins()) {
		zone := rev.Terms.Location()
		d.Life = &lifeForm{Suspended: a.Suspended, Given: !a.Ends.IsZero()}
		d.Life.LastDay = p.Date(dayOf(terms.DateOf(now.In(zone).AddDate(0, 0, rev.Terms.NoticeDays), zone), zone))
	}
	amend := place(a.ID, "/amend", "rev", string(rev.Hash))
	switch {
	case ended:
		d.Like = "/agreements/new/terms?like=" + string(rev.Hash)
	case bound(a, us, now):
	case current:
		d.Amend, d.AmendAs = amend, p.T("agreement.amend.current")
	case a.Current == nil && !open:
		d.Amend, d.AmendAs = amend, p.T("agreement.amend.again")
	case open:
		d.Amend, d.AmendAs = amend, p.T("agreement.amend.counter")
	}
}

// many counts the parties that have a node, where they are more than two: then everything is said to more than one.
func many(r terms.Revision) int {
	n := 0
	for _, p := range r.Parties {
		if p.Root != "" {
			n++
		}
	}
	if n <= 2 {
		return 0
	}
	return n
}

// bound reports whether our signature stands on terms that are to come next: beside it we can propose nothing.
func bound(a agreement.Agreement, us news.Root, now time.Time) bool {
	var before terms.RevisionHash
	if a.Current != nil {
		before = a.Current.Hash
	}
	return slices.ContainsFunc(a.Revisions, func(r agreement.Revision) bool {
		return r.Void.IsZero() && !r.Expired(now) && r.Terms.Predecessor == before && signedBy(r, us)
	})
}

func signedBy(r agreement.Revision, root news.Root) bool {
	a, ok := r.Answer(string(root))
	return ok && a.Kind == "sign"
}

// strips are what must be known, the most pressing first.
func (f *Family) strips(p *i18n.Printer, d showPage, a agreement.Agreement, rev agreement.Revision) []strip {
	var list []strip
	add := func(class, icon, text, href, link string) { list = append(list, strip{class, icon, text, href, link}) }
	now, zone := f.o.Shell.Now(), rev.Terms.Location()
	if a.State == agreement.ToSign && a.Open.Hash != rev.Hash {
		add("act", "new", p.T("agreement.strip.other_to_sign", "author", f.authorOf(p, a.Open.Terms)), place(a.ID, "", "rev", string(a.Open.Hash)), p.T("agreement.strip.read"))
	}
	if d.Answer != nil {
		add("act", "new", p.T("agreement.strip.to_sign", "name", d.Answer.Us, "until", i18n.Date(dayOf(rev.Terms.SignBy, zone))), "#answer", p.T("agreement.strip.answer"))
	}
	for _, x := range rev.Answers {
		if x.Kind == "decline" && rev.Closed.IsZero() {
			add("no", "no", p.T("agreement.strip.declined", "name", f.answerer(p, rev.Terms, x), "at", i18n.Date(x.At), "reason", x.Words), "", "")
			if last := len(list) - 1; d.Void {
				list[last].Href, list[last].Link = "#answer", p.T("agreement.void.do")
			}
		}
	}
	switch {
	case !rev.Void.IsZero():
		add("no", "no", p.T("agreement.strip.void", "author", f.authorOf(p, rev.Terms), "at", i18n.Date(rev.Void)), "", "")
	case rev.Expired(now):
		add("no", "clock", p.T("agreement.strip.expired", "until", i18n.Date(dayOf(rev.Terms.SignBy, zone))), "", "")
	}
	if rev.Closed.IsZero() && rev.Void.IsZero() {
		f.doubts(p, d.Doc, rev, d.Person.Partners(), add)
	}
	if a.Current != nil && a.Current.Hash == rev.Hash {
		if a.Suspended && a.State != agreement.Ended {
			add("act", "pause", p.T("agreement.strip.suspended"), "", "")
		}
		if !a.Ends.IsZero() && a.State != agreement.Ended {
			add("act", "stop", p.T("agreement.strip.notice", "until", i18n.Date(lastDay(a, rev))), "", "")
		}
		if open := a.Open; open != nil && a.State != agreement.ToSign && open.Open(now) {
			add("", "clock", p.T("agreement.strip.change", "n", len(open.Terms.Parties)-signatures(*open)), place(a.ID, "", "rev", string(open.Hash)), p.T("agreement.strip.read"))
		}
	} else if a.Current != nil && rev.Open(now) {
		add("", "clock", p.T("agreement.strip.proposed"), place(a.ID, "", "rev", string(a.Current.Hash)), p.T("agreement.strip.present"))
	} else if a.Current != nil && !rev.Closed.IsZero() {
		add("", "clock", p.T("agreement.strip.old"), path(a.ID), p.T("agreement.strip.present"))
	}
	return list
}

// doubts are what somebody should clear up before they sign; may says that the reader can add newsrooms.
func (f *Family) doubts(p *i18n.Printer, doc document, rev agreement.Revision, may bool, add func(class, icon, text, href, link string)) {
	for _, party := range rev.Terms.Parties {
		if party.Root == "" || party.Root == f.us() {
			continue
		}
		name := nameOf(p, rev.Terms, party)
		known, ok := f.o.Directory.Partner(party.Root)
		switch {
		case !ok:
			if text := p.T("agreement.strip.not_pinned", "name", name); may {
				add("act", "warn", text, "/partners/add", p.T("agreement.strip.pin"))
			} else {
				add("act", "warn", text+" "+p.T("agreement.strip.pin_ask"), "", "")
			}
		case known.Compared.IsZero():
			add("act", "warn", p.T("agreement.strip.not_compared", "name", name), "/partners/"+string(party.Root), p.T("agreement.strip.compare"))
		}
	}
	switch langs := f.mismatched(p, rev.Terms); {
	case len(langs) == 0:
	case doc.Lost:
		add("no", "warn", p.T("agreement.strip.words_lost", "author", f.authorOf(p, rev.Terms), "languages", langs), "", "")
	default:
		add("act", "warn", p.T("agreement.strip.other_words", "author", f.authorOf(p, rev.Terms), "languages", langs), "", "")
	}
}

// parties are the parties with their answers, in the order of the terms.
func (f *Family) parties(p *i18n.Printer, rev agreement.Revision) []partyLine {
	var list []partyLine
	for _, x := range rev.Terms.Parties {
		name := nameOf(p, rev.Terms, x)
		line := partyLine{
			Name: name, Mark: markOf(name, x), Kind: p.T("terms.outlet." + terms.OutletKind(x.Kind)), Domain: x.Domain,
			Signer: x.Signatory.Name, Office: x.Signatory.Office, State: state{"waiting", p.T("agreement.answer.waiting"), "clock"},
		}
		switch _, known := f.o.Directory.Partner(x.Root); {
		case x.Root == f.us() && x.Root != "":
			line.Ours, line.Mark.Tint = true, 0
		case known:
			line.Href = "/partners/" + string(x.Root)
		case x.Root == "":
			line.Host = rev.Terms.PartyName(x.Host, news.Lang(p.Lang()))
		}
		if answer, ok := rev.Answer(agreement.PartyKey(x)); ok {
			line.Signer, line.Office, line.At, line.Words = answer.Name, answer.Office, answer.At, answer.Words
			if answer.Kind == "sign" {
				line.Signed, line.State = true, state{"signed", p.T("agreement.answer.signed"), "check"}
			} else {
				line.State = state{"declined", p.T("agreement.answer.declined"), "no"}
			}
		} else if !rev.Void.IsZero() || rev.Expired(f.o.Shell.Now()) {
			line.State = state{"none", p.T("agreement.answer.none"), "stop"}
		}
		list = append(list, line)
	}
	return list
}

// facts are what stands in the margin.
func (f *Family) facts(p *i18n.Printer, rev agreement.Revision) []fact {
	zone := rev.Terms.Location()
	list := []fact{
		{p.T("agreement.fact.number"), p.Digits(rev.Terms.Number)},
		{p.T("agreement.fact.author"), f.authorOf(p, rev.Terms)},
		{p.T("agreement.fact.proposed"), p.Date(rev.Proposed)},
	}
	if rev.Closed.IsZero() {
		list = append(list, fact{p.T("agreement.fact.sign_by"), p.Date(dayOf(rev.Terms.SignBy, zone))})
	} else {
		list = append(list, fact{p.T("agreement.fact.closed"), p.Date(rev.Closed)}, fact{p.T("agreement.fact.begins"), p.Date(began(rev))})
	}
	if rev.Terms.End != "" {
		list = append(list, fact{p.T("agreement.fact.ends"), p.Date(dayOf(rev.Terms.End, zone))})
	} else {
		list = append(list, fact{p.T("agreement.fact.ends"), p.T("agreement.fact.open")})
	}
	return append(list,
		fact{p.T("agreement.fact.notice"), p.T("agreement.fact.days", "n", rev.Terms.NoticeDays)},
		fact{p.T("agreement.fact.prevails"), p.Language(string(rev.Terms.Prevails))},
		fact{p.T("agreement.fact.zone"), rev.Terms.Zone})
}

// refusal makes the problem of a form out of an error; ok is false for what is no matter of the form.
func refusal(r *http.Request, form string, err error) (p problem, ok bool) {
	switch kind := fault.Of(err).Kind; kind {
	case fault.Invalid, fault.Conflict, fault.TooLarge:
		return problem{Form: form, Text: terms.Sentence(page.PrinterOf(r), err), status: kind.Status()}, true
	}
	return problem{}, false
}

// HostProblem is the refusal of the form for the party of an index; "" for none.
func (d showPage) HostProblem(index int) string {
	if d.Problem.Form == fmt.Sprintf("host%d", index) {
		return d.Problem.Text
	}
	return ""
}
