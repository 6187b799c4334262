package agreements

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/protocol"
)

// Agreements gives the agreements as they stand. agreement.Service is one.
type Agreements interface {
	// List gives all of them, those that wait for us first.
	List() []agreement.Agreement
	// Get gives one; false if there is none.
	Get(id terms.AgreementID) (agreement.Agreement, bool)
	// Revision gives a revision by its hash; false if it is not here.
	Revision(hash terms.RevisionHash) (agreement.Revision, bool)
}

// Signing is what a newsroom says to a text. agreement.Service is one. What is durable when these return nil is on its way to
// the other parties; what is done also is done in the same transaction.
type Signing interface {
	// Complete gives a revision as Propose signs it: what is shown before.
	Complete(rev terms.Revision) terms.Revision
	// Propose is refused where the text is not the one that who.Seen names.
	Propose(ctx context.Context, rev terms.Revision, who agreement.Signer, also ...func(*store.Tx) error) (terms.RevisionHash, error)
	Sign(ctx context.Context, hash terms.RevisionHash, who agreement.Signer, also ...func(*store.Tx) error) error
	// SignFor enters, as host, the signature of the party of that index, which has no node.
	SignFor(ctx context.Context, hash terms.RevisionHash, party int, who agreement.Signer, also ...func(*store.Tx) error) error
	// Decline says no; who.How is the reason.
	Decline(ctx context.Context, hash terms.RevisionHash, who agreement.Signer, also ...func(*store.Tx) error) error
}

// Life is what a newsroom says about an agreement besides signing, likewise. agreement.Service is one.
type Life interface {
	// Void takes back a text of ours that not everybody has signed.
	Void(ctx context.Context, hash terms.RevisionHash, also ...func(*store.Tx) error) error
	// Suspend stops what we send, or with on false takes it up again.
	Suspend(ctx context.Context, id terms.AgreementID, on bool, also ...func(*store.Tx) error) error
	// Notice ends an agreement after its notice period.
	Notice(ctx context.Context, id terms.AgreementID, also ...func(*store.Tx) error) error
}

// Directory knows who we are and whom we have pinned. partner.Service is one.
type Directory interface {
	Self() protocol.Identity
	Partners() []partner.Partner
	Partner(root news.Root) (partner.Partner, bool)
	NameOf(root news.Root, lang string) string
}

// Documents has the readable texts that came along with a proposal.
type Documents interface {
	// Document gives the text as its author worded it, in one of its languages. What is not here is a fault of the kind
	// NotFound.
	Document(ctx context.Context, hash terms.RevisionHash, lang news.Lang) (string, error)
}

// Audit writes down what somebody does. people.Service is one.
type Audit interface {
	// Audit writes an act into the audit, in the transaction that does it.
	Audit(tx *store.Tx, a people.Act) error
}

// Options say what the pages are made of. All fields but Zone and Remote are needed.
type Options struct {
	Shell      *page.Shell
	Bundle     *i18n.Bundle
	Agreements Agreements
	Signing    Signing
	Life       Life
	Directory  Directory
	Documents  Documents
	Audit      Audit
	Zone       string                     // the zone of a new agreement, as IANA names it; "": UTC
	Remote     func(*http.Request) string // the address of a visitor, as far as proxies are believed; nil: that of the connection
}

// Family is the pages of agreements. It is safe for concurrent use.
type Family struct {
	o                               Options
	list, show, paper, choose, edit *template.Template
}

//go:embed templates/*.html
var templates embed.FS

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.Bundle == nil || o.Agreements == nil || o.Signing == nil || o.Life == nil || o.Directory == nil || o.Documents == nil || o.Audit == nil {
		return nil, errors.New("agreements: every part is needed")
	}
	if o.Remote == nil {
		o.Remote = func(r *http.Request) string { return r.RemoteAddr }
	}
	if _, err := time.LoadLocation(o.Zone); err != nil || o.Zone == "" || o.Zone == "Local" {
		o.Zone = "UTC"
	}
	f := &Family{o: o}
	var err error
	for _, p := range []struct {
		into  **template.Template
		files []string
	}{
		{&f.list, []string{"shared.html", "list.html"}},
		{&f.show, []string{"shared.html", "text.html", "show.html", "answer.html"}},
		{&f.paper, []string{"text.html", "paper.html"}},
		{&f.choose, []string{"shared.html", "choose.html"}},
		{&f.edit, []string{"shared.html", "text.html", "blocks.html", "edit.html"}},
	} {
		if *p.into, err = page.Parse(templates, p.files...); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Routes adds the pages. All of them are for people who have signed in; those that say something are for signatories.
func (f *Family) Routes(mux *http.ServeMux) {
	signatories := page.Only(func(p page.Person) bool { return p.Signatory }, "agreement.signatories_only")
	for pattern, h := range map[string]page.Handler{
		"GET /agreements":                f.showList,
		"GET /agreements/{id}":           f.showOne,
		"GET /agreements/{id}/print":     f.showPaper,
		"GET /agreements/new":            signatories(f.showChoice),
		"GET /agreements/new/terms":      signatories(f.begin),
		"POST /agreements/new/terms":     signatories(f.editNew),
		"GET /agreements/{id}/amend":     signatories(f.amend),
		"POST /agreements/{id}/amend":    signatories(f.editAmended),
		"POST /agreements/{id}/sign":     signatories(f.sign),
		"POST /agreements/{id}/sign-for": signatories(f.signFor),
		"POST /agreements/{id}/decline":  signatories(f.decline),
		"POST /agreements/{id}/void":     signatories(f.void),
		"POST /agreements/{id}/suspend":  signatories(f.suspend),
		"POST /agreements/{id}/notice":   signatories(f.notice),
	} {
		mux.Handle(pattern, f.o.Shell.Signed(h))
	}
}

// with writes down what the person of a request does with a text of an agreement, together with it.
func (f *Family) with(r *http.Request, what string, rev agreement.Revision, pairs ...any) func(*store.Tx) error {
	act := people.Act{
		Who: page.PersonOf(r).ID, What: what, About: string(rev.Terms.Agreement), From: f.o.Remote(r), Detail: detail(rev, pairs...),
	}
	return func(tx *store.Tx) error { return f.o.Audit.Audit(tx, act) }
}

// us is our own root.
func (f *Family) us() news.Root { return news.Root(f.o.Directory.Self().Root) }

func unknown() error { return fault.New(fault.NotFound, "agreement.unknown") }

// agreementOf is the agreement that a path names.
func (f *Family) agreementOf(r *http.Request) (agreement.Agreement, error) {
	a, ok := f.o.Agreements.Get(terms.AgreementID(r.PathValue("id")))
	if !ok || len(a.Revisions) == 0 {
		return a, unknown()
	}
	return a, nil
}

// asked is the agreement that a path names, with the revision that the query names, else the one that stands for it.
func (f *Family) asked(r *http.Request) (agreement.Agreement, agreement.Revision, error) {
	a, err := f.agreementOf(r)
	if err != nil {
		return a, agreement.Revision{}, err
	}
	rev := shown(a)
	if hash := r.URL.Query().Get("rev"); hash != "" {
		rev, err = revisionOf(a, hash)
	}
	return a, rev, err
}

// revisionOf finds a revision of an agreement by its hash.
func revisionOf(a agreement.Agreement, hash string) (agreement.Revision, error) {
	for _, r := range a.Revisions {
		if string(r.Hash) == hash {
			return r, nil
		}
	}
	return agreement.Revision{}, unknown()
}

// dayOf is a day as a time that has the same date in nearly all zones.
func dayOf(d terms.Date, zone *time.Location) time.Time {
	t := d.Begins(zone)
	if t.IsZero() {
		return t
	}
	return t.Add(12 * time.Hour)
}
