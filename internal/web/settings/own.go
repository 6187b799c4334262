package settings

import (
	"net/http"

	"newspool/internal/fault"
	"newspool/internal/people"
	"newspool/internal/web/page"
)

// ownPage is everything about the reader's own account.
type ownPage struct {
	base
	Me       people.Person
	Name     string // as typed, where it was refused
	Roles    []string
	Sessions []sessionLine
	Tokens   []tokenLine
	Scopes   []option
	Token    string // as typed
	Secret   string // of the token that was just made
	Minimum  int    // characters of a password
}

// SessionsPath is where the button beside a session leads.
func (ownPage) SessionsPath() string { return "/settings/sessions/end" }

// TokensPath is where the button beside a token leads.
func (ownPage) TokensPath() string { return "/settings/tokens/revoke" }

func (f *Family) showOwn(w http.ResponseWriter, r *http.Request, by people.By) error {
	return f.ownWith(w, r, by, func(*ownPage) {})
}

// ownWith shows the page after change has put in what is special about it.
func (f *Family) ownWith(w http.ResponseWriter, r *http.Request, by people.By, change func(*ownPage)) error {
	d := ownPage{base: f.base(r, by, "own", "settings.own.title"), Me: by.Person, Name: by.Person.Name, Minimum: people.MinPassword}
	d.Roles = roleNames(d.P, by.Person.Roles)
	d.Scopes = scopes(r, people.ScopeRead)
	var err error
	if d.Sessions, err = f.sessionLines(r.Context(), d.base, by.Person.ID, by.Person.Session); err != nil {
		return err
	}
	if d.Tokens, err = f.tokenLines(r.Context(), d.base, by.Person.ID); err != nil {
		return err
	}
	change(&d)
	d.Back = "/settings"
	return page.Render(w, r, d.Problem.code(), f.own, d)
}

func scopes(r *http.Request, on people.Scope) []option {
	p := page.PrinterOf(r)
	var list []option
	for _, s := range []people.Scope{people.ScopeRead, people.ScopeWrite} {
		list = append(list, option{Value: string(s), Name: p.T("settings.scope." + string(s)), On: s == on})
	}
	return list
}

func (f *Family) saveName(w http.ResponseWriter, r *http.Request, by people.By) error {
	name := r.PostForm.Get("name")
	err := f.people.Update(r.Context(), by, by.Person.ID, people.Change{Name: &name})
	if trouble, ok := refusal(r, "name", err); ok {
		return f.ownWith(w, r, by, func(d *ownPage) { d.Problem, d.Name = trouble, name })
	}
	if err != nil {
		return err
	}
	return f.shell.Done(w, r, "/settings", "settings.saved")
}

func (f *Family) changePassword(w http.ResponseWriter, r *http.Request, by people.By) error {
	fresh := r.PostForm.Get("password")
	var err error
	if fresh != r.PostForm.Get("again") {
		err = fault.New(fault.Invalid, "settings.password_differs")
	} else {
		err = f.people.ChangePassword(r.Context(), by, r.PostForm.Get("present"), fresh)
	}
	if trouble, ok := refusal(r, "password", err); ok {
		return f.ownWith(w, r, by, func(d *ownPage) { d.Problem = trouble })
	}
	if err != nil {
		return err
	}
	session, err := f.people.Renew(r.Context(), page.TokenOf(r), by.Remote, r.UserAgent())
	if err != nil {
		return err
	}
	f.shell.SetCookie(w, r, "", session.Token, session.Expires)
	return f.shell.Done(w, r, "/settings", "settings.password_changed")
}

func (f *Family) endSession(w http.ResponseWriter, r *http.Request, by people.By) error {
	if err := f.people.Revoke(r.Context(), by, people.SessionID(r.PostForm.Get("id"))); err != nil {
		return err
	}
	return f.shell.Done(w, r, "/settings", "settings.session_ended")
}

func (f *Family) endOthers(w http.ResponseWriter, r *http.Request, by people.By) error {
	if err := f.people.RevokeOthers(r.Context(), by); err != nil {
		return err
	}
	return f.shell.Done(w, r, "/settings", "settings.sessions_ended")
}

// makeToken answers with the page itself: the secret is on it, and on no other.
func (f *Family) makeToken(w http.ResponseWriter, r *http.Request, by people.By) error {
	name, scope := r.PostForm.Get("token"), people.Scope(r.PostForm.Get("scope"))
	secret, _, err := f.people.CreateToken(r.Context(), by, name, scope)
	if trouble, ok := refusal(r, "token", err); ok {
		return f.ownWith(w, r, by, func(d *ownPage) { d.Problem, d.Token, d.Scopes = trouble, name, scopes(r, scope) })
	}
	if err != nil {
		return err
	}
	page.Unstored(w)
	return f.ownWith(w, r, by, func(d *ownPage) { d.Secret = secret })
}

func (f *Family) revokeToken(w http.ResponseWriter, r *http.Request, by people.By) error {
	if err := f.people.RevokeToken(r.Context(), by, people.TokenID(r.PostForm.Get("id"))); err != nil {
		return err
	}
	return f.shell.Done(w, r, "/settings", "settings.token_revoked")
}
