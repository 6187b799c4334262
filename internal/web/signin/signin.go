// Package signin has the pages by which people come and go, and the choices that work without an account: language,
// appearance, keyboard.
//
// What it promises: a password is handed on and kept nowhere; every refusal looks alike; after signing in people come to the
// page that they wanted, never to one elsewhere. What it never does: decide who may come in.
package signin

import (
	"context"
	"embed"
	"errors"
	"html/template"
	"net"
	"net/http"
	"slices"
	"time"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// People lets people in and out, and keeps what they chose.
type People interface {
	// SignIn opens a session. What is refused is a fault whose message may be shown.
	SignIn(ctx context.Context, login, password, remote, agent string) (token string, expires time.Time, err error)
	// SignOut ends a session. One that has ended already is no error.
	SignOut(ctx context.Context, token, remote string) error
	// SetPreference keeps the choice of a name: "language" with one of i18n.Languages, "theme" with "light", "dark" or "",
	// "keys" with "on" or "off".
	SetPreference(ctx context.Context, person news.PersonID, name, value string) error
}

// Options are the parts. Shell and People are needed.
type Options struct {
	Shell  *page.Shell
	People People
	// Remote gives the address that a request comes from; nil: that of the connection.
	Remote func(*http.Request) string
}

// Family is the pages of signing in. It is safe for concurrent use.
type Family struct {
	o    Options
	page *template.Template
}

//go:embed templates/*.html
var templates embed.FS

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Shell == nil || o.People == nil {
		return nil, errors.New("signin: Shell and People are needed")
	}
	if o.Remote == nil {
		o.Remote = connection
	}
	t, err := page.Parse(templates, "signin.html")
	if err != nil {
		return nil, err
	}
	return &Family{o: o, page: t}, nil
}

func connection(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}

// Routes adds the pages.
func (f *Family) Routes(mux *http.ServeMux) {
	mux.Handle("GET /signin", f.o.Shell.Open(f.show))
	mux.Handle("POST /signin", f.o.Shell.Open(f.signIn))
	mux.Handle("POST /signout", f.o.Shell.Open(f.signOut))
	mux.Handle("POST /language", f.o.Shell.Open(f.language))
	mux.Handle("POST /theme", f.o.Shell.Open(f.theme))
	mux.Handle("POST /keys", f.o.Shell.Signed(f.keys))
}

// signInPage asks for login and password.
type signInPage struct {
	page.Base
	Login string
	Next  string
	Wrong string
}

func (f *Family) show(w http.ResponseWriter, r *http.Request) error {
	next := page.Local(r.URL.Query().Get("next"))
	if page.PersonOf(r).ID != "" {
		return f.o.Shell.Done(w, r, next, "")
	}
	return page.Render(w, r, http.StatusOK, f.page, signInPage{Base: f.o.Shell.Base(r, "", "signin.title"), Next: next})
}

func (f *Family) signIn(w http.ResponseWriter, r *http.Request) error {
	login, next := r.PostForm.Get("login"), page.Local(r.PostForm.Get("next"))
	token, expires, err := f.o.People.SignIn(r.Context(), login, r.PostForm.Get("password"), f.o.Remote(r), r.UserAgent())
	if refused := fault.Of(err); err != nil && (refused.Kind == fault.Denied || refused.Kind == fault.RateLimited || refused.Kind == fault.Invalid) {
		p := signInPage{Base: f.o.Shell.Base(r, "", "signin.title"), Login: login, Next: next, Wrong: terms.Sentence(page.PrinterOf(r), err)}
		p.Back = "/signin"
		return page.Render(w, r, refused.Kind.Status(), f.page, p)
	}
	if err != nil {
		return err
	}
	f.o.Shell.SetCookie(w, r, "", token, expires)
	return f.o.Shell.Done(w, r, next, "")
}

// signOut ends the session and takes what the browser kept of its pages.
func (f *Family) signOut(w http.ResponseWriter, r *http.Request) error {
	if token := page.TokenOf(r); token != "" {
		if err := f.o.People.SignOut(r.Context(), token, f.o.Remote(r)); err != nil {
			return err
		}
	}
	f.o.Shell.SetCookie(w, r, "", "", time.Time{})
	w.Header().Set("Clear-Site-Data", `"cache"`)
	return f.o.Shell.Done(w, r, "/signin", "signin.out")
}

// year is how long a browser keeps a choice of somebody who has not signed in.
const year = 365 * 24 * time.Hour

func (f *Family) language(w http.ResponseWriter, r *http.Request) error {
	lang := r.PostForm.Get("lang")
	if !slices.Contains(i18n.Languages[:], lang) {
		return fault.New(fault.Invalid, "fault.request")
	}
	return f.choose(w, r, "language", "lang", lang)
}

func (f *Family) theme(w http.ResponseWriter, r *http.Request) error {
	theme := r.PostForm.Get("theme")
	switch theme {
	case "light", "dark":
	case "auto":
		theme = ""
	default:
		return fault.New(fault.Invalid, "fault.request")
	}
	return f.choose(w, r, "theme", "theme", theme)
}

func (f *Family) keys(w http.ResponseWriter, r *http.Request) error {
	value := "on"
	if r.PostForm.Get("keys") == "off" {
		value = "off"
	}
	return f.choose(w, r, "keys", "", value)
}

// choose keeps a choice with the person, and in the browser for when nobody has signed in.
func (f *Family) choose(w http.ResponseWriter, r *http.Request, name, cookie, value string) error {
	if person := page.PersonOf(r).ID; person != "" {
		if err := f.o.People.SetPreference(r.Context(), person, name, value); err != nil {
			return err
		}
	}
	if cookie != "" {
		f.o.Shell.SetCookie(w, r, cookie, value, f.o.Shell.Now().Add(year))
	}
	return f.o.Shell.Done(w, r, r.PostForm.Get("back"), "")
}
