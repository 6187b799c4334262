package setup

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"golang.org/x/text/language"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// formPage asks for the newsroom and the first person.
type formPage struct {
	frame
	Room    bool // the newsroom is still to be made
	Person  bool // and so is the first person
	In      input
	Names   []nameField
	Kinds   []option
	Langs   []option
	Minimum int
	Wrong   []wrong
}

type nameField struct{ Lang, Language, Value string }

type option struct {
	Value, Text string
	On          bool
}

// wrong is one field that has to be put right.
type wrong struct{ Field, Text string }

// Problem is what is wrong with a field; "" for nothing.
func (d formPage) Problem(field string) string {
	for _, w := range d.Wrong {
		if w.Field == field {
			return w.Text
		}
	}
	return ""
}

// input is what stands in the fields, but for passwords.
type input struct {
	Code                              string
	Names                             map[string]string
	Domain, Kind, More, Contact, Base string
	Langs                             []string
	Name, Login                       string
	password, again                   string
}

// open says what is still to be done.
func (f *Family) open(ctx context.Context) (room, person bool, err error) {
	person, err = f.o.People.NeedsSetup(ctx)
	return f.o.Newsroom.Self().Root == "", person, err
}

func (f *Family) show(w http.ResponseWriter, r *http.Request, p *i18n.Printer) error {
	room, person, err := f.open(r.Context())
	if err != nil {
		return err
	}
	if !room && !person {
		http.Redirect(w, r, f.done(r, p), http.StatusSeeOther)
		return nil
	}
	in := input{Kind: "agency", Base: f.o.Base(), Langs: []string{p.Lang()}}
	return f.formWith(w, http.StatusOK, p, room, person, in, nil)
}

// done is where a node leads that is set up: to the root key, or to the desk.
func (f *Family) done(r *http.Request, p *i18n.Printer) string {
	if _, ok := f.ticketOf(r); ok {
		return here("/setup/key", p)
	}
	return "/signin"
}

func (f *Family) formWith(w http.ResponseWriter, status int, p *i18n.Printer, room, person bool, in input, bad []wrong) error {
	d := formPage{frame: newFrame(p, "/setup", p.T("setup.title"), 1), Room: room, Person: person, In: in, Minimum: people.MinPassword, Wrong: bad}
	langs := append([]string{p.Lang()}, slices.DeleteFunc(slices.Clone(i18n.Languages[:]), func(l string) bool { return l == p.Lang() })...)
	for _, lang := range langs {
		d.Names = append(d.Names, nameField{lang, p.Language(lang), in.Names[lang]})
		d.Langs = append(d.Langs, option{lang, p.Language(lang), slices.Contains(in.Langs, lang)})
	}
	for _, kind := range terms.OutletKinds {
		d.Kinds = append(d.Kinds, option{kind, p.T("terms.outlet." + kind), kind == in.Kind})
	}
	return f.send(w, status, f.form, d)
}

// maxForm is how large a form of these pages may be, in bytes.
const maxForm = 64 << 10

func readInput(w http.ResponseWriter, r *http.Request) (input, error) {
	if err := page.ParseForm(w, r, maxForm); err != nil {
		return input{}, err
	}
	line := func(name string) string { return strings.Join(strings.Fields(r.PostForm.Get(name)), " ") }
	in := input{
		Code: line("code"), Names: map[string]string{}, Domain: strings.ToLower(line("domain")), Kind: line("kind"), Langs: r.PostForm["langs"], More: line("more"),
		Contact: line("contact"), Base: strings.TrimSuffix(line("base"), "/"), Name: line("name"), Login: line("login"),
		password: r.PostForm.Get("password"), again: r.PostForm.Get("again"),
	}
	for _, lang := range i18n.Languages {
		if name := line("name-" + lang); name != "" {
			in.Names[lang] = name
		}
	}
	return in, nil
}

// profile is what the newsroom will say about itself, and what has to be put right before it can.
func (in input) profile(p *i18n.Printer) (partner.Profile, []wrong) {
	var bad []wrong
	say := func(field, key string, args ...any) { bad = append(bad, wrong{field, p.T(key, args...)}) }
	o := partner.Profile{Domain: in.Domain, Base: in.Base, Names: in.Names, Kind: in.Kind, Contact: in.Contact}
	if len(in.Names) == 0 {
		say("names", "setup.name_missing")
	}
	for _, name := range in.Names {
		if len(name) > maxName {
			say("names", "setup.long", "n", maxName)
			break
		}
	}
	if !partner.Findable(in.Domain) {
		say("domain", "setup.domain_form")
	}
	if !slices.Contains(terms.OutletKinds[:], in.Kind) {
		say("kind", "setup.kind_missing")
	}
	for _, lang := range append(slices.Clone(in.Langs), strings.FieldsFunc(in.More, func(r rune) bool { return r == ',' || r == '،' || r == ' ' })...) {
		if _, err := language.Parse(lang); err != nil {
			say("more", "setup.language_unknown", "language", lang)
			continue
		}
		if !slices.Contains(o.Languages, lang) {
			o.Languages = append(o.Languages, lang)
		}
	}
	if len(o.Languages) == 0 {
		say("langs", "setup.language_missing")
	}
	if len(in.Contact) > maxName {
		say("contact", "setup.long", "n", maxName)
	}
	if key := baseProblem(in.Base); key != "" {
		say("base", key)
	}
	return o, bad
}

// maxName is how many bytes a name or a contact may have.
const maxName = 200

// baseProblem says what is wrong with an address of a node; "" for nothing. Without TLS it is only reached on its own machine.
func baseProblem(base string) string {
	u, err := url.Parse(base)
	if err != nil || u.Host == "" || u.User != nil || u.Path != "" || u.RawQuery != "" || u.Fragment != "" || len(base) > 256 || (u.Scheme != "https" && u.Scheme != "http") {
		return "setup.base_form"
	}
	if ip := net.ParseIP(u.Hostname()); u.Scheme == "http" && u.Hostname() != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return "setup.base_plain"
	}
	return ""
}

// setUp does it: first the person, whose code is the key to everything, then the newsroom.
func (f *Family) setUp(w http.ResponseWriter, r *http.Request, p *i18n.Printer) error {
	in, err := readInput(w, r)
	if err != nil {
		return err
	}
	f.doing.Lock()
	defer f.doing.Unlock()
	room, person, err := f.open(r.Context())
	if err != nil {
		return err
	}
	if !room && !person {
		http.Redirect(w, r, f.done(r, p), http.StatusSeeOther)
		return nil
	}
	var bad []wrong
	var profile partner.Profile
	if room {
		profile, bad = in.profile(p)
	}
	if person && in.password != in.again {
		bad = append(bad, wrong{"again", p.T("setup.password_differs")})
	}
	if len(bad) > 0 {
		return f.formWith(w, http.StatusUnprocessableEntity, p, room, person, in, bad)
	}
	session, err := f.enter(r, p, in, person)
	if field, ok := fieldOf(err, person); ok {
		return f.formWith(w, fault.Of(err).Kind.Status(), p, room, person, in, []wrong{{field, terms.Sentence(p, err)}})
	}
	if err != nil {
		return err
	}
	if room {
		if err := f.make(r, session.Person.ID, profile); err != nil {
			f.leave(r, session)
			if fault.Of(err).Kind == fault.Internal {
				f.o.Log.Error("setting up the newsroom", "error", err)
			}
			return f.formWith(w, fault.Of(err).Kind.Status(), p, true, false, in, []wrong{{"domain", terms.Sentence(p, err)}})
		}
	}
	page.SetSession(w, r, news.Root(f.o.Newsroom.Self().Root), session.Token, session.Expires)
	f.give(w, r, session.Person.ID)
	http.Redirect(w, r, here("/setup/key", p), http.StatusSeeOther)
	return nil
}

// enter makes the first person, or lets in an administrator who finishes what was begun. The session is the one with which they
// work on at the desk; who is refused has none.
func (f *Family) enter(r *http.Request, p *i18n.Printer, in input, first bool) (people.Session, error) {
	var s people.Session
	var err error
	if first {
		n := people.NewPerson{Login: in.Login, Name: in.Name, Language: news.Lang(p.Lang()), Password: in.password}
		s, err = f.o.People.CreateFirst(r.Context(), in.Code, n, f.o.Remote(r), r.UserAgent())
	} else {
		s, err = f.o.People.SignIn(r.Context(), in.Login, in.password, f.o.Remote(r), r.UserAgent())
		if err == nil && !s.Person.Has(people.Administrator) {
			f.leave(r, s)
			return people.Session{}, fault.New(fault.Denied, "people.administrators_only")
		}
	}
	return s, err
}

// leave ends a session that leads nowhere.
func (f *Family) leave(r *http.Request, s people.Session) {
	if err := f.o.People.SignOut(context.WithoutCancel(r.Context()), s.Token, f.o.Remote(r)); err != nil {
		f.o.Log.Error("ending the session of a set-up that failed", "error", err)
	}
}

// make makes the newsroom and writes it down.
func (f *Family) make(r *http.Request, who news.PersonID, profile partner.Profile) error {
	return f.o.Newsroom.SetUp(context.WithoutCancel(r.Context()), profile, func(tx *store.Tx, root string) error {
		return f.o.Audit.Audit(tx, f.act(r, who, "setup.act_newsroom", profile.Domain, map[string]any{"domain": profile.Domain, "root": root}))
	})
}

// fieldOf is the field beside which an error about the person is shown; false for one that no field can mend.
func fieldOf(err error, first bool) (string, bool) {
	f := fault.Of(err)
	switch {
	case err == nil, f.Kind == fault.Internal, f.Kind == fault.Unavailable:
		return "", false
	case strings.HasPrefix(f.Key, "people.password"):
		return "password", true
	case strings.HasPrefix(f.Key, "people.name"):
		return "name", true
	case strings.HasPrefix(f.Key, "people.login"), !first:
		return "login", true
	}
	return "code", true
}
