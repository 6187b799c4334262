package partners

import (
	"net/http"
	"slices"
	"strings"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/web/page"
)

// onePage is one partner.
type onePage struct {
	page.Base
	profile
	Link       row
	Path       string
	Added      string
	Agrees     bool
	Blocked    bool
	Compared   string // since when
	Agreements []pact
	Troubles   []trouble
	Stopped    bool   // something waits for a person who takes it up again
	Problem    string // why the hello did not go out
	Words      string // of the hello, as typed
}

// pact is an agreement with this partner.
type pact struct{ Href, Title, State, Class, Since string }

func rootOf(r *http.Request) news.Root { return news.Root(r.PathValue("root")) }

func (f *Family) showOne(w http.ResponseWriter, r *http.Request) error {
	return f.oneWith(w, r, http.StatusOK, func(*onePage) {})
}

func (f *Family) oneWith(w http.ResponseWriter, r *http.Request, status int, change func(*onePage)) error {
	x, ok := f.o.Directory.Partner(rootOf(r))
	if !ok {
		return unknown()
	}
	name := f.o.Directory.NameOf(x.Root, page.PrinterOf(r).Lang())
	d := onePage{Base: f.o.Shell.Base(r, "partners", "partner.one.title", "name", name), Path: "/partners/" + string(x.Root)}
	d.Back = d.Path
	d.profile = profileOf(d.P, x.Identity, x.Keys, false)
	d.Added, d.Agrees, d.Blocked = d.P.Date(x.Added), x.DomainAgrees, x.Blocked
	if !x.Compared.IsZero() {
		d.Compared = d.P.Date(x.Compared)
	}
	all := f.o.Agreements.List()
	link := f.linkOf(x)
	d.Link = f.row(d.P, d.Now, x, link, inForce(all, x.Root))
	if link.Ended > 0 {
		d.Link.Notes = append(d.Link.Notes, d.P.T("partner.link.ended", "n", link.Ended))
	}
	for _, a := range all {
		d.Agreements = append(d.Agreements, f.pacts(d, a, x.Root)...)
	}
	var err error
	if d.Troubles, err = f.troubles(r, d.P, d.Now, x.Root); err != nil {
		return err
	}
	d.Stopped = slices.ContainsFunc(d.Troubles, func(t trouble) bool { return t.Resumable })
	change(&d)
	return page.Render(w, r, status, f.one, d)
}

func (f *Family) linkOf(x partner.Partner) exchange.Link {
	for _, l := range f.o.Links.Links() {
		if l.Partner == x.Root {
			return l
		}
	}
	return exchange.Link{Partner: x.Root, State: exchange.LinkNever}
}

// pacts is the line of an agreement, if the newsroom is a party to it.
func (f *Family) pacts(d onePage, a agreement.Agreement, root news.Root) []pact {
	if len(a.Revisions) == 0 {
		return nil
	}
	rev := a.Revisions[0]
	if a.Current != nil {
		rev = *a.Current
	}
	if _, ok := rev.Terms.Party(root); !ok {
		return nil
	}
	state := strings.ReplaceAll(string(a.State), "-", "_")
	since := rev.Proposed
	if !rev.Closed.IsZero() {
		since = rev.Closed
	}
	kind := strings.ReplaceAll(string(rev.Terms.Kind), "-", "_")
	return []pact{{Href: "/agreements/" + string(a.ID), Title: d.P.T("agreement.kind." + kind), State: d.P.T("agreement.state." + state), Class: state, Since: d.P.Date(since)}}
}

func (f *Family) compared(w http.ResponseWriter, r *http.Request) error {
	x, ok := f.o.Directory.Partner(rootOf(r))
	if !ok {
		return unknown()
	}
	if err := f.noteCompared(r, x); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners/"+string(x.Root), "partner.done.compared")
}

func (f *Family) block(w http.ResponseWriter, r *http.Request) error {
	x, ok := f.o.Directory.Partner(rootOf(r))
	if !ok {
		return unknown()
	}
	on := r.PostForm.Get("on") == "yes"
	what, done := "partner.act_unblock", "partner.done.unblock"
	if on {
		what, done = "partner.act_block", "partner.done.block"
	}
	if err := f.o.Door.Block(r.Context(), x.Root, on, f.with(r, what, string(x.Root), map[string]any{"domain": x.Domain})); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners/"+string(x.Root), done)
}

func (f *Family) resume(w http.ResponseWriter, r *http.Request) error {
	x, ok := f.o.Directory.Partner(rootOf(r))
	if !ok {
		return unknown()
	}
	done, err := f.o.Links.Resume(r.Context(), x.Root, f.with(r, "partner.act_resume", string(x.Root), map[string]any{"domain": x.Domain}))
	if err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners/"+string(x.Root), "partner.done.resume", "ledgers", done.Ledgers, "records", done.Records, "left", done.Left)
}

func (f *Family) greet(w http.ResponseWriter, r *http.Request) error {
	x, ok := f.o.Directory.Partner(rootOf(r))
	if !ok {
		return unknown()
	}
	words := strings.Join(strings.Fields(r.PostForm.Get("words")), " ")
	var err error
	if len(words) > partner.MaxWords {
		err = fault.New(fault.Invalid, "partner.words_long", "n", partner.MaxWords)
	} else {
		err = f.o.Network.Greet(r.Context(), x.Root, words)
	}
	if text, status, ok := sentence(r, err); ok {
		return f.oneWith(w, r, status, func(d *onePage) { d.Problem, d.Words = text, words })
	}
	if err != nil {
		return err
	}
	if err := f.note(r, "partner.act_hello", string(x.Root), map[string]any{"domain": x.Domain, "words": words}); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners/"+string(x.Root), "partner.done.hello", "domain", x.Domain)
}

func (f *Family) openHello(w http.ResponseWriter, r *http.Request) error {
	h, err := f.hello(r, func(h partner.Waiting) bool { return h.ID == r.PostForm.Get("id") })
	if err != nil {
		return err
	}
	root, domain := h.Identity.Root, h.Identity.Domain
	if _, err := f.o.Links.OpenHello(r.Context(), h.ID, f.with(r, "partner.act_open", root, map[string]any{"domain": domain, "root": root})); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners/"+root, "partner.done.open", "domain", domain)
}

func (f *Family) dismissHello(w http.ResponseWriter, r *http.Request) error {
	h, err := f.hello(r, func(h partner.Waiting) bool { return h.Identity.Root == r.PostForm.Get("root") })
	if err != nil {
		return err
	}
	root, domain := h.Identity.Root, h.Identity.Domain
	if err := f.o.Door.DismissHello(r.Context(), news.Root(root), f.with(r, "partner.act_dismiss", root, map[string]any{"domain": domain})); err != nil {
		return err
	}
	return f.o.Shell.Done(w, r, "/partners", "partner.done.dismiss", "domain", domain)
}

// hello is the stranger that a form is about.
func (f *Family) hello(r *http.Request, is func(partner.Waiting) bool) (partner.Waiting, error) {
	all, err := f.o.Directory.Hellos(r.Context())
	if err != nil {
		return partner.Waiting{}, err
	}
	i := slices.IndexFunc(all, is)
	if i < 0 {
		return partner.Waiting{}, fault.New(fault.NotFound, "partner.no_hello")
	}
	return all[i], nil
}
