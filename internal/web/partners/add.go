package partners

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/protocol"
)

// addPage asks for an address.
type addPage struct {
	page.Base
	Address  string
	Document string
	Problem  string
}

// lookPage is a newsroom before it is pinned.
type lookPage struct {
	page.Base
	profile
	Sent     string // the document, as it goes into the form
	Asked    string // the address that was typed, where the document names another
	Agrees   bool   // the domain's own page names the same root
	Other    bool   // it names another root
	Check    string // what the look at the domain's page gave, as a sentence
	Known    bool   // it is pinned already
	Compared bool
}

// profile is what a newsroom says about itself.
type profile struct {
	Root        string
	RootGroups  []string
	Fingerprint []string
	Name        string
	Mark        page.Mark
	Names       []named
	Domain      string
	Address     string
	Kind        string
	Spoken      string
	Contact     string
	Number      string
	Keys        []keyLine
}

type named struct{ Lang, Language, Name string }

// keyLine is a statement of the root about a working key.
type keyLine struct {
	Number string
	Act    string
	Ended  bool
	Role   string
	Key    string
	When   string
}

func profileOf(p *i18n.Printer, id protocol.Identity, keys protocol.Keys, own bool) profile {
	name := partner.NameIn(id, p.Lang())
	f := profile{
		Root: id.Root, RootGroups: groups(id.Root, 8), Fingerprint: strings.Fields(protocol.Fingerprint(id.Root)), Name: name, Mark: markOf(id, own),
		Domain: id.Domain, Address: id.Base, Kind: p.T("terms.outlet." + terms.OutletKind(id.Kind)), Contact: id.Contact, Number: p.Digits(int(id.Number)),
	}
	langs := make([]string, 0, len(id.Names))
	for lang := range id.Names {
		langs = append(langs, lang)
	}
	slices.Sort(langs)
	for _, lang := range langs {
		f.Names = append(f.Names, named{lang, p.Language(lang), id.Names[lang]})
	}
	var spoken []string
	for _, lang := range id.Languages {
		spoken = append(spoken, p.Language(lang))
	}
	f.Spoken = p.List(spoken)
	for _, e := range keys.Entries {
		f.Keys = append(f.Keys, keyLine{
			Number: p.Digits(e.Number), Act: p.T("partner.key.act." + e.Act), Ended: e.Act != protocol.ActAdd, Role: p.T("partner.key.role." + e.Role),
			Key: e.Key[:min(16, len(e.Key))], When: p.Date(clock.FromMicros(e.Time)),
		})
	}
	return f
}

// groups cuts a text into pieces that the eye can compare.
func groups(s string, n int) []string {
	var list []string
	for len(s) > n {
		list, s = append(list, s[:n]), s[n:]
	}
	return append(list, s)
}

func (f *Family) showAdd(w http.ResponseWriter, r *http.Request) error {
	return f.addWith(w, r, http.StatusOK, "", r.URL.Query().Get("address"), "")
}

func (f *Family) addWith(w http.ResponseWriter, r *http.Request, status int, problem, address, document string) error {
	d := addPage{Base: f.o.Shell.Base(r, "partners", "partner.add.title"), Address: address, Document: document, Problem: problem}
	d.Back = "/partners/add"
	return page.Render(w, r, status, f.add, d)
}

// baseOf makes an address out of what somebody typed: "north.example", "https://north.example/about".
func baseOf(typed string) (string, bool) {
	typed = strings.TrimSpace(typed)
	if !strings.Contains(typed, "://") {
		typed = "https://" + typed
	}
	u, err := url.Parse(typed)
	if err != nil || u.Host == "" || (u.Scheme != "https" && u.Scheme != "http") || u.User != nil {
		return "", false
	}
	return u.Scheme + "://" + u.Host, true
}

// lookAt fetches the identity document of an address, or takes the one that was pasted, and shows whose it is.
func (f *Family) lookAt(w http.ResponseWriter, r *http.Request) error {
	address, document := strings.TrimSpace(r.PostForm.Get("address")), strings.TrimSpace(r.PostForm.Get("document"))
	again := func(err error) error {
		text, status, ok := sentence(r, err)
		if !ok {
			return err
		}
		return f.addWith(w, r, status, text, address, document)
	}
	doc := []byte(document)
	base := ""
	if document == "" {
		var ok bool
		if base, ok = baseOf(address); !ok || address == "" {
			return again(fault.New(fault.Invalid, "partner.address", "address", address))
		}
		var err error
		if doc, err = f.o.Network.Identity(r.Context(), base); err != nil {
			return again(err)
		}
	}
	id, keys, _, err := partner.ReadIdentity(doc)
	if err != nil {
		return again(err)
	}
	if id.Root == f.o.Own.Self().Root {
		return again(fault.New(fault.Invalid, "partner.ourselves"))
	}
	d := lookPage{Base: f.o.Shell.Base(r, "partners", "partner.look.title")}
	d.profile = profileOf(d.P, id, keys, false)
	d.Back, d.Sent = "/partners/add", base64.StdEncoding.EncodeToString(doc)
	if base != "" && strings.TrimSuffix(id.Base, "/") != base {
		d.Asked = base
	}
	if known, ok := f.o.Directory.Partner(news.Root(id.Root)); ok {
		d.Known, d.Compared = true, !known.Compared.IsZero()
	}
	f.checkDomain(r, &d)
	return page.Render(w, r, http.StatusOK, f.look, d)
}

// checkDomain looks at the domain's own page.
func (f *Family) checkDomain(r *http.Request, d *lookPage) {
	root, err := f.o.Network.DomainRoot(r.Context(), d.Domain)
	switch {
	case err != nil:
		d.Check = d.P.T("partner.look.domain_silent", "domain", d.Domain)
		if why, _, ok := sentence(r, err); ok {
			d.Check += " " + why
		}
	case string(root) == d.Root:
		d.Agrees, d.Check = true, d.P.T("partner.look.domain_agrees", "domain", d.Domain)
	default:
		d.Other, d.Check = true, d.P.T("partner.look.domain_other", "domain", d.Domain)
	}
}

// pin keeps what was shown: the document comes back with the form, and must be the one of the root that stood on the page.
func (f *Family) pin(w http.ResponseWriter, r *http.Request) error {
	doc, err := base64.StdEncoding.DecodeString(r.PostForm.Get("document"))
	if err != nil {
		return fault.New(fault.Invalid, "fault.request").Because(err)
	}
	id, _, _, err := partner.ReadIdentity(doc)
	if err != nil {
		return err
	}
	if id.Root != r.PostForm.Get("root") {
		return fault.New(fault.Conflict, "partner.other_root", "domain", id.Domain)
	}
	root, err := f.o.Network.DomainRoot(r.Context(), id.Domain)
	p, err := f.o.Door.Pin(r.Context(), doc, err == nil && string(root) == id.Root,
		f.with(r, "partner.act_pin", id.Root, map[string]any{"domain": id.Domain, "root": id.Root}))
	if text, status, ok := sentence(r, err); ok {
		return f.addWith(w, r, status, text, id.Base, "")
	}
	if err != nil {
		return err
	}
	if r.PostForm.Get("compared") == "yes" {
		if err := f.noteCompared(r, p); err != nil {
			return err
		}
	}
	return f.o.Shell.Done(w, r, "/partners/"+string(p.Root), "partner.done.pin", "domain", p.Domain)
}

func (f *Family) noteCompared(r *http.Request, p partner.Partner) error {
	return f.o.Door.Compared(r.Context(), p.Root, page.PersonOf(r).ID, f.with(r, "partner.act_compared", string(p.Root), map[string]any{"domain": p.Domain}))
}
