package partners

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/protocol"
)

// Directory knows the newsrooms. partner.Service is one.
type Directory interface {
	// Partners lists those that are pinned, by domain.
	Partners() []partner.Partner
	Partner(root news.Root) (partner.Partner, bool)
	NameOf(root news.Root, lang string) string
	// Hellos lists the strangers that wait, newest first.
	Hellos(ctx context.Context) ([]partner.Waiting, error)
}

// Door is what a person decides about a newsroom. partner.Service is one. What is done also is done in the same transaction.
type Door interface {
	// Pin keeps a root for good, or takes a newer document of one that is pinned.
	Pin(ctx context.Context, document []byte, domainAgrees bool, also ...func(*store.Tx) error) (partner.Partner, error)
	// Compared notes that a person compared the fingerprints.
	Compared(ctx context.Context, root news.Root, by news.PersonID, also ...func(*store.Tx) error) error
	Block(ctx context.Context, root news.Root, blocked bool, also ...func(*store.Tx) error) error
	DismissHello(ctx context.Context, root news.Root, also ...func(*store.Tx) error) error
}

// Links knows how what crosses is doing. exchange.Service is one.
type Links interface {
	// Links lists the partners, worst first.
	Links() []exchange.Link
	// Troubles lists what is wrong with records of a newsroom, or with of "" of all, newest first.
	Troubles(ctx context.Context, of news.Root, limit int) ([]exchange.Trouble, error)
	// Unconfirmed lists the agreements in which we say nothing yet, because no follower has told what it holds.
	Unconfirmed() []terms.AgreementID
	// Stalled lists what partners have not confirmed for long.
	Stalled(ctx context.Context) ([]exchange.Stall, error)
	// OpenHello pins a stranger, and follows what it announced.
	OpenHello(ctx context.Context, id string, also ...func(*store.Tx) error) (partner.Partner, error)
	// Resume takes up again what has stopped at a partner.
	Resume(ctx context.Context, root news.Root, also ...func(*store.Tx) error) (exchange.Resumed, error)
}

// Network asks other machines, through the node's one door outwards.
type Network interface {
	// Identity fetches the identity document below a base address. Whose root it is, is for a person to judge.
	Identity(ctx context.Context, base string) ([]byte, error)
	// DomainRoot gives the root that the domain's own page names, over TLS with a certificate that was verified for the domain.
	DomainRoot(ctx context.Context, domain string) (news.Root, error)
	// Greet says hello to a newsroom that is pinned.
	Greet(ctx context.Context, root news.Root, words string) error
}

// Own is what we say about ourselves. partner.Service is one.
type Own interface {
	Self() protocol.Identity
	// Document is the signed identity document, as it is served to everybody.
	Document() []byte
	MyKeys() (protocol.Keys, error)
}

// RootKey is the newsroom's root key, as long as it is on this machine.
type RootKey interface {
	// Waiting reports whether nobody has said yet that the key was put away.
	Waiting(ctx context.Context) (bool, error)
	// Key gives the key as the text of a file and as 24 words; both are empty if it is not on this machine.
	Key(ctx context.Context) (file []byte, words string, err error)
	// Stored takes a person's word that it was put away, and removes it from this machine.
	Stored(ctx context.Context, also ...func(*store.Tx) error) error
}

// Agreements lists the agreements. agreement.Service is one.
type Agreements interface {
	List() []agreement.Agreement
}

// Audit writes down what somebody did.
type Audit interface {
	// Audit writes an act into the audit, in the transaction that does it.
	Audit(tx *store.Tx, a people.Act) error
	// Note is Audit in a transaction of its own: it is durable when Note returns nil.
	Note(ctx context.Context, a people.Act) error
}

// Options say what the pages are made of. All fields but Remote are needed.
type Options struct {
	Shell      *page.Shell
	Directory  Directory
	Door       Door
	Links      Links
	Network    Network
	Own        Own
	RootKey    RootKey
	Agreements Agreements
	Audit      Audit
	Remote     func(*http.Request) string // the address of a visitor, as far as proxies are believed; nil: that of the connection
}

// Family is the pages about partners. It is safe for concurrent use.
type Family struct {
	o                          Options
	list, add, look, one, ours *template.Template
	rootKey                    *template.Template
}

//go:embed templates/*.html
var templates embed.FS

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.Directory == nil || o.Door == nil || o.Links == nil || o.Network == nil || o.Own == nil || o.RootKey == nil || o.Agreements == nil || o.Audit == nil {
		return nil, errors.New("partners: every part is needed")
	}
	if o.Remote == nil {
		o.Remote = func(r *http.Request) string { return r.RemoteAddr }
	}
	f := &Family{o: o}
	var err error
	for name, t := range map[string]**template.Template{"list": &f.list, "add": &f.add, "look": &f.look, "one": &f.one, "ours": &f.ours, "rootkey": &f.rootKey} {
		if *t, err = page.Parse(templates, "shared.html", name+".html"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Routes adds the pages. Everybody who has signed in may read them. Acts are for signatories and administrators, the root key is for
// administrators.
func (f *Family) Routes(mux *http.ServeMux) {
	administrators := page.Only(func(p page.Person) bool { return p.Administrator }, "people.administrators_only")
	deciders := page.Only(page.Person.Partners, "people.partners_only")
	const one = "/partners/{root}"
	for pattern, h := range map[string]page.Handler{
		"GET /partners":                 f.showList,
		"GET " + one:                    f.showOne,
		"GET /partners/us":              f.showOurs,
		"GET /partners/us/identity":     f.identity,
		"GET /partners/add":             deciders(f.showAdd),
		"POST /partners/look":           deciders(f.lookAt),
		"POST /partners/pin":            deciders(f.pin),
		"POST /partners/hellos/open":    deciders(f.openHello),
		"POST /partners/hellos/dismiss": deciders(f.dismissHello),
		"POST " + one + "/compared":     deciders(f.compared),
		"POST " + one + "/block":        deciders(f.block),
		"POST " + one + "/resume":       deciders(f.resume),
		"POST " + one + "/hello":        deciders(f.greet),
		"GET /partners/root-key":        administrators(f.showRootKey),
		"POST /partners/root-key":       administrators(f.handOut),
		"POST /partners/root-key/put":   administrators(f.putAway),
	} {
		mux.Handle(pattern, f.o.Shell.Signed(h))
	}
}

func (f *Family) act(r *http.Request, what, about string, detail map[string]any) people.Act {
	return people.Act{Who: page.PersonOf(r).ID, What: what, About: about, From: f.o.Remote(r), Detail: detail}
}

// with writes down what the person of a request does, together with it.
func (f *Family) with(r *http.Request, what, about string, detail map[string]any) func(*store.Tx) error {
	return func(tx *store.Tx) error { return f.o.Audit.Audit(tx, f.act(r, what, about, detail)) }
}

// note writes down what the person of a request did. It is done although the browser may have gone.
func (f *Family) note(r *http.Request, what, about string, detail map[string]any) error {
	return f.o.Audit.Note(context.WithoutCancel(r.Context()), f.act(r, what, about, detail))
}

func unknown() error { return fault.New(fault.NotFound, "partner.unknown") }

// sentence says an error of another machine to the reader; ok is false for what is a fault of our own.
func sentence(r *http.Request, err error) (text string, status int, ok bool) {
	f := fault.Of(err)
	if err == nil || f.Kind == fault.Internal {
		return "", http.StatusOK, false
	}
	return terms.Sentence(page.PrinterOf(r), err), f.Kind.Status(), true
}
