package settings

import (
	"net/http"
	"net/url"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/web/page"
)

// listPage is everybody, and the form for one more.
type listPage struct {
	base
	People []personLine
	New    newPerson
}

type personLine struct {
	ID       news.PersonID
	Name     string
	Login    string
	Roles    []string
	Signed   time.Time
	Disabled bool
	Self     bool
}

// newPerson is the form for one more, as it was typed.
type newPerson struct {
	Login, Name string
	Roles       []option
}

// roleForm is the choice of roles in a form.
type roleForm struct {
	P      *i18n.Printer
	Choice []option
	Headed bool // a heading says already what they are
}

// NewRoles is the choice for one more person.
func (d listPage) NewRoles() roleForm { return roleForm{P: d.P, Choice: d.New.Roles} }

func (f *Family) showPeople(w http.ResponseWriter, r *http.Request, by people.By) error {
	return f.peopleWith(w, r, by, problem{}, newPerson{Roles: roleOptions(page.PrinterOf(r), []people.Role{people.Editor})})
}

func (f *Family) peopleWith(w http.ResponseWriter, r *http.Request, by people.By, trouble problem, typed newPerson) error {
	all, err := f.people.People(r.Context())
	if err != nil {
		return err
	}
	d := listPage{base: f.base(r, by, "people", "settings.people.title"), New: typed}
	d.Problem, d.Back = trouble, "/settings/people"
	for _, p := range all {
		d.People = append(d.People, personLine{
			ID: p.ID, Name: p.Name, Login: p.Login, Roles: roleNames(d.P, p.Roles), Signed: p.Signed, Disabled: p.Disabled, Self: p.ID == by.Person.ID,
		})
	}
	return page.Render(w, r, trouble.code(), f.list, d)
}

// addPerson makes the password too, and answers with the person's page: the password is on it, and on no other.
func (f *Family) addPerson(w http.ResponseWriter, r *http.Request, by people.By) error {
	n := people.NewPerson{Login: r.PostForm.Get("login"), Name: r.PostForm.Get("name"), Roles: givenRoles(r), Password: people.NewPassword()}
	p, err := f.people.Create(r.Context(), by, n)
	if trouble, ok := refusal(r, "new", err); ok {
		return f.peopleWith(w, r, by, trouble, newPerson{Login: n.Login, Name: n.Name, Roles: roleOptions(page.PrinterOf(r), n.Roles)})
	}
	if err != nil {
		return err
	}
	page.Unstored(w)
	return f.personWith(w, r, by, p.ID, func(d *personPage) { d.Secret = n.Password })
}

// personPage is one account, as an administrator sees it.
type personPage struct {
	base
	Account    people.Person
	Login      string // as typed, where it was refused
	Name       string
	RoleChoice []option
	Sessions   []sessionLine
	Tokens     []tokenLine
	Secret     string // the password that was just made
	Self       bool
	Path       string // of this account
}

// Roles is the choice for this person.
func (d personPage) Roles() roleForm { return roleForm{P: d.P, Choice: d.RoleChoice, Headed: true} }

// SessionsPath is where the button beside a session leads.
func (d personPage) SessionsPath() string { return d.Path + "/sessions" }

// TokensPath is where the button beside a token leads.
func (d personPage) TokensPath() string { return d.Path + "/tokens" }

func personPath(id news.PersonID) string { return "/settings/people/" + url.PathEscape(string(id)) }

func personOf(r *http.Request) news.PersonID { return news.PersonID(r.PathValue("id")) }

func (f *Family) showPerson(w http.ResponseWriter, r *http.Request, by people.By) error {
	return f.personWith(w, r, by, personOf(r), func(*personPage) {})
}

func (f *Family) personWith(w http.ResponseWriter, r *http.Request, by people.By, id news.PersonID, change func(*personPage)) error {
	p, err := f.people.Person(r.Context(), id)
	if err != nil {
		return err
	}
	d := personPage{base: f.base(r, by, "people", "settings.person.title", "name", p.Name), Account: p, Login: p.Login, Name: p.Name}
	d.RoleChoice, d.Self, d.Path = roleOptions(d.P, p.Roles), p.ID == by.Person.ID, personPath(p.ID)
	if d.Sessions, err = f.sessionLines(r.Context(), d.base, p.ID, by.Person.Session); err != nil {
		return err
	}
	if d.Tokens, err = f.tokenLines(r.Context(), d.base, p.ID); err != nil {
		return err
	}
	change(&d)
	d.Back = d.Path
	return page.Render(w, r, d.Problem.code(), f.person, d)
}

// settle ends an act on an account: with its page again if the form is refused, else by going there with a message.
func (f *Family) settle(w http.ResponseWriter, r *http.Request, by people.By, form string, err error, message string, typed func(*personPage)) error {
	id := personOf(r)
	if trouble, ok := refusal(r, form, err); ok {
		return f.personWith(w, r, by, id, func(d *personPage) {
			d.Problem = trouble
			if typed != nil {
				typed(d)
			}
		})
	}
	if err != nil {
		return err
	}
	return f.shell.Done(w, r, personPath(id), message)
}

func (f *Family) saveAccount(w http.ResponseWriter, r *http.Request, by people.By) error {
	login, name := r.PostForm.Get("login"), r.PostForm.Get("name")
	err := f.people.Update(r.Context(), by, personOf(r), people.Change{Login: &login, Name: &name})
	return f.settle(w, r, by, "account", err, "settings.saved", func(d *personPage) { d.Login, d.Name = login, name })
}

func (f *Family) saveRoles(w http.ResponseWriter, r *http.Request, by people.By) error {
	roles := givenRoles(r)
	err := f.people.SetRoles(r.Context(), by, personOf(r), roles)
	return f.settle(w, r, by, "roles", err, "settings.roles_saved", func(d *personPage) { d.RoleChoice = roleOptions(d.P, roles) })
}

// resetPassword answers with the page itself, for the new password is on it. One's own is changed on one's own page.
func (f *Family) resetPassword(w http.ResponseWriter, r *http.Request, by people.By) error {
	if personOf(r) == by.Person.ID {
		return f.shell.Done(w, r, "/settings", "")
	}
	password := people.NewPassword()
	if err := f.people.SetPassword(r.Context(), by, personOf(r), password); err != nil {
		return err
	}
	page.Unstored(w)
	return f.personWith(w, r, by, personOf(r), func(d *personPage) { d.Secret = password })
}

func (f *Family) closeAccount(w http.ResponseWriter, r *http.Request, by people.By) error {
	change, message := f.people.Enable, "settings.account_opened"
	if r.PostForm.Get("closed") == "yes" {
		change, message = f.people.Disable, "settings.account_closed"
	}
	return f.settle(w, r, by, "closed", change(r.Context(), by, personOf(r)), message, nil)
}

func (f *Family) endTheirSession(w http.ResponseWriter, r *http.Request, by people.By) error {
	err := f.people.Revoke(r.Context(), by, people.SessionID(r.PostForm.Get("id")))
	return f.settle(w, r, by, "sessions", err, "settings.session_ended", nil)
}

func (f *Family) revokeTheirToken(w http.ResponseWriter, r *http.Request, by people.By) error {
	err := f.people.RevokeToken(r.Context(), by, people.TokenID(r.PostForm.Get("id")))
	return f.settle(w, r, by, "tokens", err, "settings.token_revoked", nil)
}
