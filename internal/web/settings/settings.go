package settings

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net/http"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

//go:embed templates/*.html
var templates embed.FS

// Node says how the node is.
type Node interface {
	// Status looks at everything now. What cannot be found out is left empty.
	Status(ctx context.Context) (Status, error)
}

// Options say what the pages are made of. All fields but Remote are needed.
type Options struct {
	Shell  *page.Shell
	People *people.Service
	Node   Node
	Remote func(*http.Request) string // the address of a visitor, as far as proxies are believed; nil: that of the connection
}

// Family are the pages. It is safe for concurrent use.
type Family struct {
	shell  *page.Shell
	people *people.Service
	node   Node
	remote func(*http.Request) string

	own, list, person, audit, status *template.Template
}

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.People == nil || o.Node == nil {
		return nil, errors.New("settings: Shell, People and Node are needed")
	}
	if o.Remote == nil {
		o.Remote = func(r *http.Request) string { return r.RemoteAddr }
	}
	f := &Family{shell: o.Shell, people: o.People, node: o.Node, remote: o.Remote}
	var err error
	for name, t := range map[string]**template.Template{"own": &f.own, "people": &f.list, "person": &f.person, "audit": &f.audit, "node": &f.status} {
		if *t, err = page.Parse(templates, "shared.html", name+".html"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Routes adds the pages. All of them are for people who have signed in; those under people, audit and node are for
// administrators.
func (f *Family) Routes(mux *http.ServeMux) {
	own := map[string]act{
		"GET /settings":                      f.showOwn,
		"POST /settings/name":                f.saveName,
		"POST /settings/password":            f.changePassword,
		"POST /settings/sessions/end":        f.endSession,
		"POST /settings/sessions/end-others": f.endOthers,
		"POST /settings/tokens":              f.makeToken,
		"POST /settings/tokens/revoke":       f.revokeToken,
	}
	administrators := map[string]act{
		"GET /settings/people":                f.showPeople,
		"POST /settings/people":               f.addPerson,
		"GET /settings/people/{id}":           f.showPerson,
		"POST /settings/people/{id}/account":  f.saveAccount,
		"POST /settings/people/{id}/roles":    f.saveRoles,
		"POST /settings/people/{id}/password": f.resetPassword,
		"POST /settings/people/{id}/closed":   f.closeAccount,
		"POST /settings/people/{id}/sessions": f.endTheirSession,
		"POST /settings/people/{id}/tokens":   f.revokeTheirToken,
		"GET /settings/audit":                 f.showAudit,
		"POST /settings/audit/verify":         f.verifyAudit,
		"GET /settings/node":                  f.showNode,
	}
	for pattern, a := range own {
		mux.Handle(pattern, f.shell.Signed(f.known(a)))
	}
	for pattern, a := range administrators {
		mux.Handle(pattern, f.shell.Signed(f.known(administered(a))))
	}
}

// act is a handler that knows who acts and from where.
type act func(w http.ResponseWriter, r *http.Request, by people.By) error

// known finds out who acts.
func (f *Family) known(a act) page.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		p, err := f.people.BySession(r.Context(), page.TokenOf(r))
		if err != nil {
			return err
		}
		return a(w, r, people.By{Person: p, Remote: f.remote(r)})
	}
}

// administered keeps everybody else out of a page.
func administered(a act) act {
	return func(w http.ResponseWriter, r *http.Request, by people.By) error {
		if !by.Person.Has(people.Administrator) {
			return fault.New(fault.Denied, "people.administrators_only")
		}
		return a(w, r, by)
	}
}

// base is the frame of all pages here.
type base struct {
	page.Base
	Tab      string
	Problem  problem
	Operator bool // the reader is an administrator: all tabs are shown
}

func (f *Family) base(r *http.Request, by people.By, tab, key string, args ...any) base {
	return base{Base: f.shell.Base(r, "settings", key, args...), Tab: tab, Operator: by.Person.Has(people.Administrator)}
}

// problem is a refusal that is shown beside the form that it belongs to.
type problem struct {
	Form string
	Text string

	status int
}

// refusal makes the problem of a form out of an error; ok is false for what is no matter of the form.
func refusal(r *http.Request, form string, err error) (p problem, ok bool) {
	kind := fault.Of(err).Kind
	switch {
	case kind == fault.Invalid, kind == fault.Conflict, kind == fault.RateLimited:
	case kind == fault.Denied && fault.Of(err).Key == "people.password_wrong":
	default:
		return problem{}, false
	}
	return problem{Form: form, Text: terms.Sentence(page.PrinterOf(r), err), status: kind.Status()}, true
}

// code is the status of a page with this problem, or without.
func (p problem) code() int {
	if p.status == 0 {
		return http.StatusOK
	}
	return p.status
}

// option is one choice of a form.
type option struct {
	Value, Name, Hint string
	On                bool
}

func roleOptions(p *i18n.Printer, on []people.Role) []option {
	var list []option
	for _, role := range people.Roles {
		o := option{Value: string(role), Name: p.T("settings.role." + string(role)), Hint: p.T("settings.role_hint." + string(role))}
		for _, r := range on {
			o.On = o.On || r == role
		}
		list = append(list, o)
	}
	return list
}

func roleNames(p *i18n.Printer, roles []people.Role) []string {
	var list []string
	for _, r := range roles {
		list = append(list, p.T("settings.role."+string(r)))
	}
	return list
}

func givenRoles(r *http.Request) []people.Role {
	var list []people.Role
	for _, v := range r.PostForm["role"] {
		list = append(list, people.Role(v))
	}
	return list
}

// sessionLine is a session as it is shown.
type sessionLine struct {
	ID      people.SessionID
	Browser string
	Remote  string
	Made    time.Time
	Seen    string
	Here    bool // the one by which the reader came
}

func (f *Family) sessionLines(ctx context.Context, b base, id news.PersonID, here people.SessionID) ([]sessionLine, error) {
	open, err := f.people.Sessions(ctx, id)
	if err != nil {
		return nil, err
	}
	var list []sessionLine
	for _, o := range open {
		list = append(list, sessionLine{
			ID: o.ID, Browser: browser(o.Agent, b.P.T("settings.session.unknown")), Remote: o.Remote, Made: o.Made,
			Seen: b.P.Ago(o.Seen, b.Now), Here: o.ID == here,
		})
	}
	return list, nil
}

// tokenLine is a token as it is shown.
type tokenLine struct {
	ID    people.TokenID
	Name  string
	Scope string
	Made  time.Time
	Used  time.Time
}

func (f *Family) tokenLines(ctx context.Context, b base, id news.PersonID) ([]tokenLine, error) {
	tokens, err := f.people.Tokens(ctx, id)
	if err != nil {
		return nil, err
	}
	var list []tokenLine
	for _, t := range tokens {
		list = append(list, tokenLine{ID: t.ID, Name: t.Name, Scope: b.P.T("settings.scope." + string(t.Scope)), Made: t.Made, Used: t.Used})
	}
	return list, nil
}
