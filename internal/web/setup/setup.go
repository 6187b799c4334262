package setup

import (
	"bytes"
	"context"
	"crypto/rand"
	"embed"
	"encoding/base64"
	"errors"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"newspool/internal/clock"
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

// People makes the first person. people.Service is one.
type People interface {
	// NeedsSetup reports whether nobody has an account yet.
	NeedsSetup(ctx context.Context) (bool, error)
	// CreateFirst makes the first person, with all roles, if the code is right.
	CreateFirst(ctx context.Context, code string, n people.NewPerson, remote, agent string) (people.Session, error)
	SignIn(ctx context.Context, login, password, remote, agent string) (people.Session, error)
	SignOut(ctx context.Context, token, remote string) error
}

// Newsroom is what the node becomes.
type Newsroom interface {
	// Self is what the newsroom says about itself; without a root there is none yet.
	Self() protocol.Identity
	// SetUp makes the newsroom, with a new root key. The desk may be there before SetUp returns. What also does
	// commits with it; it is given the root.
	SetUp(ctx context.Context, p partner.Profile, also ...func(tx *store.Tx, root string) error) error
}

// RootKey is the newsroom's root key, as long as it is on this machine.
type RootKey interface {
	// Key gives the key as the text of a file and as 24 words; both are empty if it is not on this machine.
	Key(ctx context.Context) (file []byte, words string, err error)
	// Stored takes a person's word that it was put away, and removes it from this machine.
	Stored(ctx context.Context, also ...func(*store.Tx) error) error
}

// Audit writes down what somebody did.
type Audit interface {
	// Audit writes an act into the audit, in the transaction that does it.
	Audit(tx *store.Tx, a people.Act) error
	// Note is Audit in a transaction of its own: it is durable when Note returns nil.
	Note(ctx context.Context, a people.Act) error
}

// Options say what the pages are made of. Bundle, People, Newsroom, RootKey and Audit are needed.
type Options struct {
	Bundle   *i18n.Bundle
	People   People
	Newsroom Newsroom
	RootKey  RootKey
	Audit    Audit
	Base     func() string              // the address under which the node is reached, to begin with
	Clock    clock.Clock                // nil: that of the machine
	Log      *slog.Logger               // nil: nothing is logged
	Remote   func(*http.Request) string // the address of a visitor, as far as proxies are believed; nil: that of the connection
}

// Family is the pages of the first run. It is safe for concurrent use.
type Family struct {
	o                Options
	form, key, wrong *template.Template

	doing   sync.Mutex // one at a time sets the node up
	mu      sync.Mutex
	tickets map[string]ticket
}

// ticket is what a browser holds that has set the node up.
type ticket struct {
	person news.PersonID
	until  time.Time
}

// ticketFor is how long the root key is shown to the browser that set the node up. Afterwards it stands under Partners.
const ticketFor = time.Hour

//go:embed templates/*.html
var templates embed.FS

// New makes the pages.
func New(o Options) (*Family, error) {
	if o.Bundle == nil || o.People == nil || o.Newsroom == nil || o.RootKey == nil || o.Audit == nil {
		return nil, errors.New("setup: Bundle, People, Newsroom, RootKey and Audit are needed")
	}
	if o.Base == nil {
		o.Base = func() string { return "" }
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Remote == nil {
		o.Remote = func(r *http.Request) string { return r.RemoteAddr }
	}
	f := &Family{o: o, tickets: map[string]ticket{}}
	var err error
	for name, t := range map[string]**template.Template{"form": &f.form, "key": &f.key, "wrong": &f.wrong} {
		if *t, err = template.New("frame.html").Funcs(page.Funcs()).ParseFS(templates, "templates/frame.html", "templates/"+name+".html"); err != nil {
			return nil, err
		}
	}
	return f, nil
}

// Routes adds the pages, all of them below /setup. They must stay when the node has become a newsroom's: the root key is handed
// out after that.
func (f *Family) Routes(mux *http.ServeMux) {
	for pattern, h := range map[string]handler{
		"GET /setup":          f.show,
		"POST /setup":         f.setUp,
		"GET /setup/key":      f.showKey,
		"POST /setup/key":     f.keyFile,
		"POST /setup/key/put": f.putAway,
	} {
		mux.Handle(pattern, f.handle(h))
	}
}

// Alone adds what a node without a newsroom shows besides: the style, and the way to these pages from everywhere.
func (f *Family) Alone(mux *http.ServeMux) {
	page.Assets(mux)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		page.Guard(w.Header())
		if r.Method == http.MethodGet && strings.Contains(r.Header.Get("Accept"), "text/html") {
			http.Redirect(w, r, "/setup", http.StatusSeeOther)
			return
		}
		http.Error(w, "not set up", http.StatusServiceUnavailable)
	})
}

type handler func(w http.ResponseWriter, r *http.Request, p *i18n.Printer) error

func (f *Family) handle(h handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		page.Guard(w.Header())
		p := f.printer(r)
		if err := h(w, r, p); err != nil {
			f.fail(w, r, p, err)
		}
	})
}

// printer speaks the language that was chosen on the page, else that of the browser.
func (f *Family) printer(r *http.Request) *i18n.Printer {
	lang := r.URL.Query().Get("lang")
	return f.o.Bundle.Printer(f.o.Bundle.Match(lang, r.Header.Get("Accept-Language")), time.UTC)
}

// frame is what every page here has.
type frame struct {
	P     *i18n.Printer
	Lang  string
	Dir   string
	Title string
	Step  int // 1 newsroom and person, 2 root key
	Path  string
}

func newFrame(p *i18n.Printer, path, title string, step int) frame {
	return frame{P: p, Lang: p.Lang(), Dir: p.Dir(), Title: title, Step: step, Path: path}
}

// Languages are those that a reader can choose.
func (frame) Languages() []string { return i18n.Languages[:] }

// here is the address of a page in the language that is read.
func here(path string, p *i18n.Printer) string { return path + "?lang=" + p.Lang() }

// send sends a page whole. No browser keeps it: it may hold a code or a key.
func (f *Family) send(w http.ResponseWriter, status int, t *template.Template, data any) error {
	var b bytes.Buffer
	if err := t.Execute(&b, data); err != nil {
		return fmt.Errorf("setup: %w", err)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Content-Length", strconv.Itoa(b.Len()))
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(b.Bytes()) // who has closed the page does not get the rest
	return nil
}

// wrongPage is the page of an error that is no matter of a form.
type wrongPage struct {
	frame
	Sentence string
}

func (f *Family) fail(w http.ResponseWriter, r *http.Request, p *i18n.Printer, err error) {
	kind := fault.Of(err).Kind
	if kind == fault.Internal || kind == fault.Unavailable {
		f.o.Log.Error("setting up", "method", r.Method, "path", r.URL.Path, "error", err)
	}
	d := wrongPage{frame: newFrame(p, "/setup", p.T("setup.title"), 0), Sentence: terms.Sentence(p, err)}
	if err := f.send(w, kind.Status(), f.wrong, d); err != nil {
		f.o.Log.Error("page of an error", "error", err)
		http.Error(w, http.StatusText(http.StatusInternalServerError), http.StatusInternalServerError)
	}
}

// cookie is the name of the cookie with the ticket.
const cookie = "newspool-setup"

// give hands the browser a ticket for the root key.
func (f *Family) give(w http.ResponseWriter, r *http.Request, person news.PersonID) {
	var b [24]byte
	rand.Read(b[:])
	id := base64.RawURLEncoding.EncodeToString(b[:])
	until := f.o.Clock().Add(ticketFor)
	f.mu.Lock()
	f.tickets[id] = ticket{person, until}
	f.mu.Unlock()
	http.SetCookie(w, &http.Cookie{
		Name: cookie, Value: id, Path: "/setup", Expires: until, HttpOnly: true, SameSite: http.SameSiteStrictMode,
		Secure: page.IsSecure(r),
	})
}

// ticketOf is the ticket of a browser; false if it has none that is good.
func (f *Family) ticketOf(r *http.Request) (ticket, bool) {
	c, err := r.Cookie(cookie)
	if err != nil {
		return ticket{}, false
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	t, ok := f.tickets[c.Value]
	if ok && f.o.Clock().After(t.until) {
		delete(f.tickets, c.Value)
		return ticket{}, false
	}
	return t, ok
}

func (f *Family) act(r *http.Request, who news.PersonID, what, about string, detail map[string]any) people.Act {
	return people.Act{Who: who, What: what, About: about, From: f.o.Remote(r), Detail: detail}
}

// note writes down what somebody did. It is done although the browser may have gone.
func (f *Family) note(r *http.Request, who news.PersonID, what, about string, detail map[string]any) error {
	return f.o.Audit.Note(context.WithoutCancel(r.Context()), f.act(r, who, what, about, detail))
}
