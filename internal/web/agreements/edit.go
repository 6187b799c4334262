package agreements

import (
	"cmp"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/protocol"
)

// choicePage is the first step: what kind of agreement, and with whom.
type choicePage struct {
	page.Base
	Kinds    []option
	Partners []option
	Hosted   struct{ Name, Domain, Kind string }
	Outlets  []option
	Problem  string
}

// option is one choice of a form.
type option struct {
	Value, Text, Hint string
	On                bool
	Mark              page.Mark
}

func (f *Family) showChoice(w http.ResponseWriter, r *http.Request) error {
	return f.choiceWith(w, r, http.StatusOK, "")
}

func (f *Family) choiceWith(w http.ResponseWriter, r *http.Request, status int, problem string) error {
	q := r.URL.Query()
	d := choicePage{Base: f.o.Shell.Base(r, "agreements", "agreement.new.title"), Problem: problem}
	d.Hosted.Name, d.Hosted.Domain, d.Hosted.Kind = q.Get("hosted-name"), q.Get("hosted-domain"), q.Get("hosted-kind")
	asked := cmp.Or(q.Get("kind"), string(terms.Wire))
	for _, k := range terms.Offered {
		key := strings.ReplaceAll(string(k), "-", "_")
		d.Kinds = append(d.Kinds, option{Value: string(k), Text: d.P.T("agreement.kind." + key), Hint: d.P.T("agreement.kind_hint." + key), On: string(k) == asked})
	}
	for _, p := range f.o.Directory.Partners() {
		if p.Blocked {
			continue
		}
		name := f.o.Directory.NameOf(p.Root, d.Lang)
		o := option{Value: string(p.Root), Text: name, Hint: p.Domain, Mark: page.NewMark(f.ownName(p.Root, name), p.Root, false), On: slices.Contains(q["party"], string(p.Root))}
		d.Partners = append(d.Partners, o)
	}
	d.Outlets = outlets(d.P, d.Hosted.Kind)
	return page.Render(w, r, status, f.choose, d)
}

// ownName is what a newsroom that we know calls itself in its own language; else the name that is given.
func (f *Family) ownName(root news.Root, name string) string {
	if id, ok := f.identityOf(root); ok {
		return partner.OwnName(id)
	}
	return name
}

func outlets(p *i18n.Printer, on string) []option {
	var list []option
	for _, k := range terms.OutletKinds {
		list = append(list, option{Value: k, Text: p.T("terms.outlet." + k), On: k == on})
	}
	return list
}

// signDays is how many days the others have for signing, unless the author says otherwise.
const signDays = 30

// begin shows the editor with a template, or with the terms of an agreement that this one is to be like.
func (f *Family) begin(w http.ResponseWriter, r *http.Request) error {
	q := r.URL.Query()
	var rev terms.Revision
	if like := q.Get("like"); like != "" {
		old, ok := f.o.Agreements.Revision(terms.RevisionHash(like))
		if !ok {
			return unknown()
		}
		rev = old.Terms
	} else {
		parties := []terms.Party{}
		for _, root := range append([]string{string(f.us())}, q["party"]...) {
			p, ok := f.partyOf(news.Root(root))
			if !ok {
				return fault.New(fault.NotFound, "partner.unknown")
			}
			parties = append(parties, p)
		}
		if name, domain := strings.TrimSpace(q.Get("hosted-name")), strings.ToLower(strings.TrimSpace(q.Get("hosted-domain"))); name != "" || domain != "" {
			parties = append(parties, terms.Party{
				Host: f.us(), Domain: domain, Kind: terms.OutletKind(q.Get("hosted-kind")), Names: terms.InLanguages{news.Lang(page.PrinterOf(r).Lang()): name},
			})
		}
		if len(parties) < 2 {
			return f.choiceWith(w, r, http.StatusUnprocessableEntity, page.PrinterOf(r).T("agreement.new.nobody"))
		}
		rev = terms.Template(terms.Kind(q.Get("kind")), parties...)
		rev.Parties[0].Signatory = terms.Signatory{Name: page.PersonOf(r).Name}
		rev.Zone = f.o.Zone
	}
	rev.SignBy = terms.DateOf(f.o.Shell.Now().AddDate(0, 0, signDays), rev.Location())
	a := agreement.Agreement{ID: terms.AgreementID(protocol.NewID())}
	return f.editWith(w, r, http.StatusOK, a, fill(rev), nil, func(*editPage) {})
}

// amend shows the editor with the terms of a revision, for another one of the same agreement.
func (f *Family) amend(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.asked(r)
	if err != nil {
		return err
	}
	t := rev.Terms
	t.SignBy = terms.DateOf(f.o.Shell.Now().AddDate(0, 0, signDays), t.Location())
	return f.editWith(w, r, http.StatusOK, a, fill(t), &t, func(*editPage) {})
}

// head says which agreement terms belong to, and what they replace.
func head(r terms.Revision, a agreement.Agreement) terms.Revision {
	r.Agreement, r.Predecessor = a.ID, ""
	if a.Current != nil {
		r.Predecessor = a.Current.Hash
	}
	return r
}

// like keeps the order of what was only put in another order by the form, so that only real changes show.
func like(r, old terms.Revision) terms.Revision {
	r.Languages = sameOrder(r.Languages, old.Languages)
	r.Uses.Publish = sameOrder(r.Uses.Publish, old.Uses.Publish)
	r.Embargo.Roles = sameOrder(r.Embargo.Roles, old.Embargo.Roles)
	for i := range r.Flows {
		f := &r.Flows[i]
		j := slices.IndexFunc(old.Flows, func(o terms.Flow) bool { return o.Clause == f.Clause })
		if j < 0 {
			continue
		}
		o := old.Flows[j]
		f.From, f.Types, f.Languages = sameOrder(f.From, o.From), sameOrder(f.Types, o.Types), sameOrder(f.Languages, o.Languages)
		f.Subjects, f.Except = sameOrder(f.Subjects, o.Subjects), sameOrder(f.Except, o.Except)
	}
	return r
}

func sameOrder[T cmp.Ordered](list, old []T) []T {
	if slices.Equal(slices.Sorted(slices.Values(list)), slices.Sorted(slices.Values(old))) {
		return old
	}
	return list
}

func (f *Family) editNew(w http.ResponseWriter, r *http.Request) error {
	id := terms.AgreementID(r.PostForm.Get("agreement"))
	if _, taken := f.o.Agreements.Get(id); taken {
		return fault.New(fault.Conflict, "agreement.proposed_already")
	}
	return f.work(w, r, agreement.Agreement{ID: id}, nil)
}

func (f *Family) editAmended(w http.ResponseWriter, r *http.Request) error {
	a, rev, err := f.asked(r)
	if err != nil {
		return err
	}
	return f.work(w, r, a, &rev.Terms)
}

// work does what a button of the editor says: another row, a row less, the text, the proposal.
func (f *Family) work(w http.ResponseWriter, r *http.Request, a agreement.Agreement, old *terms.Revision) error {
	v := values{r.PostForm}
	act := v.Get("act")
	if f.change(v, act, page.PrinterOf(r), a.Current != nil) {
		return f.editWith(w, r, http.StatusOK, a, v, old, func(*editPage) {})
	}
	v.tidy()
	rev, found := f.build(page.PrinterOf(r), v, old)
	rev = head(rev, a)
	if old != nil {
		rev = like(rev, *old)
	}
	rev = f.o.Signing.Complete(rev)
	found = append(found, problems(page.PrinterOf(r), rev)...)
	if a.Current != nil && !agreement.SameParties(a.Current.Terms, rev) {
		found = append(found, finding{Where: "parties", Text: page.PrinterOf(r).T("agreement.other_parties"), Fatal: true})
	}
	hash := terms.Hash(rev.Bytes())
	who, err := signerOf(r)
	who.Seen = terms.RevisionHash(v.Get("seen"))
	fatal := slices.ContainsFunc(found, func(x finding) bool { return x.Fatal })
	switch {
	case fatal:
		err = nil
	case act != "propose":
		err = nil
	case who.Seen != hash:
		err = fault.New(fault.Conflict, "agreement.text_changed")
	case err == nil && v.Get("read") != "yes":
		err = fault.New(fault.Invalid, "agreement.read_first")
	case err == nil:
		note := f.with(r, "agreement.act_propose", agreement.Revision{Hash: hash, Terms: rev}, "name", who.Name)
		if _, err = f.o.Signing.Propose(r.Context(), rev, who, note); err == nil {
			return f.o.Shell.Done(w, r, place(rev.Agreement, "", "rev", string(hash)), "agreement.done.propose")
		}
	}
	refused, isForms := refusal(r, "propose", err)
	if err != nil && !isForms {
		return err
	}
	status := http.StatusOK
	if fatal && act == "propose" {
		status = http.StatusUnprocessableEntity
	}
	return f.editWith(w, r, max(status, refused.status), a, v, old, func(d *editPage) {
		d.Refused, d.found = refused.Text, found
		if fatal {
			return
		}
		d.Preview = &preview{Seen: string(hash), Name: who.Name, Office: who.Office, Us: nameOf(d.P, rev, rev.Parties[f.ourIndex(rev)]), All: many(rev)}
		mine := textLang(d.P, rev, "")
		for _, lang := range rev.Languages {
			text := f.plainDocument(d.P, rev, lang)
			text.Mine = lang == mine
			d.Preview.Texts = append(d.Preview.Texts, text)
		}
		d.Heading = d.P.T("agreement.edit.read")
		if d.Preview.Name == "" {
			s := rev.Parties[f.ourIndex(rev)].Signatory
			d.Preview.Name, d.Preview.Office = s.Name, s.Office
		}
		if old != nil && a.Current != nil {
			d.Preview.Changes = changes(d.P, a.Current.Terms, rev)
		}
	})
}

// ourIndex is our place among the parties; terms without us are refused before this is asked.
func (f *Family) ourIndex(r terms.Revision) int {
	return max(0, slices.IndexFunc(r.Parties, func(p terms.Party) bool { return p.Root == f.us() }))
}

// problems says what Validate found.
func problems(p *i18n.Printer, r terms.Revision) []finding {
	var list []finding
	for _, x := range r.Validate() {
		list = append(list, finding{Where: x.Where, Text: terms.Say(p, terms.Line{Key: x.Key, Args: x.Args}), Fatal: x.Fatal})
	}
	return list
}

// change adds or drops rows, as a button says; false if the button is for something else. The parties to an agreement that goes on
// stay the same.
func (f *Family) change(v values, act string, p *i18n.Printer, goesOn bool) bool {
	what, index, _ := strings.Cut(act, ":")
	if goesOn && strings.HasPrefix(what, "party-") {
		return true
	}
	i, err := strconv.Atoi(index)
	if err != nil {
		i = -1
	}
	switch what {
	case "flow-add":
		v.setRows("flows", v.rows("flows")+1)
		v.Set(at("f", v.rows("flows")-1, "source"), "wire")
	case "flow-drop":
		v.drop("flows", "f", i)
	case "party-add":
		if known, ok := f.partyOf(news.Root(v.Get("party_new"))); ok {
			v.addParty(known)
		}
	case "party-host":
		v.addParty(terms.Party{Host: f.us(), Kind: "newspaper", Languages: []news.Lang{news.Lang(p.Lang())}})
	case "party-drop":
		if news.Root(v.Get(at("p", i, "root"))) != f.us() {
			v.drop("parties", "p", i)
		}
	case "commitment-add":
		v.setRows("commitments", v.rows("commitments")+1)
	case "commitment-drop":
		v.drop("commitments", "c", i)
	case "refresh":
	default:
		return false
	}
	return true
}

// tidy takes out commitments that say nothing.
func (v values) tidy() {
	for i := v.rows("commitments") - 1; i >= 0; i-- {
		if len(v.inLanguages(at("c", i, "text-"), true)) == 0 {
			v.drop("commitments", "c", i)
		}
	}
}

// editPage is the editor of terms.
type editPage struct {
	page.Base
	Heading  string
	Lead     string
	Action   string
	Cancel   string
	Refused  string // why the proposal was not taken
	Wrong    []finding
	Warnings []finding
	Hidden   []hidden
	Chapters []chapter
	Preview  *preview

	found []finding
}

type hidden struct{ Name, Value string }

// preview is the text as it would be signed.
type preview struct {
	Seen         string // hash of the terms whose text this is
	Us           string
	Name, Office string
	All          int // newsrooms, where everything is said to more than one
	Texts        []document
	Changes      []change
}

func (f *Family) editWith(w http.ResponseWriter, r *http.Request, status int, a agreement.Agreement, v values, old *terms.Revision, change func(*editPage)) error {
	p := page.PrinterOf(r)
	d := editPage{Action: r.URL.RequestURI(), Cancel: "/agreements"}
	key := "agreement.edit.new"
	if old != nil {
		key, d.Cancel = "agreement.edit.amend", path(a.ID)
	} else {
		d.Action = "/agreements/new/terms"
		d.Hidden = append(d.Hidden, hidden{"agreement", string(a.ID)})
	}
	d.Base = f.o.Shell.Base(r, "agreements", key)
	d.Back = d.Cancel
	d.Heading, d.Lead = d.Title, p.T(key+"_lead")
	change(&d)
	for _, name := range []string{"parties", "flows", "commitments"} {
		d.Hidden = append(d.Hidden, hidden{name, fmt.Sprint(v.rows(name))})
	}
	form := &form{f: f, p: p, v: v, found: d.found, old: old, goesOn: a.Current != nil}
	d.Chapters = form.chapters()
	for _, x := range form.found {
		if x.Fatal {
			d.Wrong = append(d.Wrong, x)
		} else {
			d.Warnings = append(d.Warnings, x)
		}
	}
	return page.Render(w, r, status, f.edit, d)
}
