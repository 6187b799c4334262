package page

import (
	"context"
	"crypto/rand"
	"encoding/base32"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"slices"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
)

// House is what the frame around a page knows of the newsroom. Names are in the language that is asked for.
type House interface {
	// Newsroom says whose desk it is.
	Newsroom(ctx context.Context, lang string) (Newsroom, error)
	// Links says how we stand with each partner, in any order.
	Links(ctx context.Context, lang string) ([]Link, error)
	// Counts says for entries of the navigation how many things wait for this person to act. It may be nil.
	Counts(ctx context.Context, p Person) (map[string]int, error)
}

// Sessions knows who signed in.
type Sessions interface {
	// Person gives the person of a session. A token that is not, or no longer, one is a fault of kind Denied or NotFound.
	Person(ctx context.Context, token string) (Person, error)
}

// Options say what a Shell is made of. All fields but Clock, Log and Zone are needed.
type Options struct {
	Bundle   *i18n.Bundle
	Root     news.Root // of this newsroom; stands in the names of cookies, so that two desks on one machine do not mix
	House    House
	Sessions Sessions
	Nav      []Entry // what works, in order; the first is where people come to
	Zone     *time.Location
	Clock    clock.Clock
	Log      *slog.Logger
}

// Shell is the frame around all pages. It is safe for concurrent use.
type Shell struct {
	o     Options
	parts *template.Template // the parts that are asked for alone
	wrong *template.Template // the page of an error
}

// New makes a Shell.
func New(o Options) (*Shell, error) {
	if o.Bundle == nil || o.House == nil || o.Sessions == nil || o.Root == "" {
		return nil, errors.New("page: Bundle, Root, House and Sessions are needed")
	}
	if o.Zone == nil {
		o.Zone = time.UTC
	}
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	wrong, err := Parse(templates, "wrong.html")
	if err != nil {
		return nil, err
	}
	return &Shell{o: o, wrong: wrong, parts: wrong}, nil
}

// Handler is how pages are written. What it returns as an error becomes the page of that error, unless something was sent
// already.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Routes adds the style, the scripts, the fonts and the parts of the frame.
func (s *Shell) Routes(mux *http.ServeMux) {
	Assets(mux)
	mux.Handle("GET /parts/rail", s.Signed(s.rail))
	mux.Handle("GET /{$}", s.Signed(func(w http.ResponseWriter, r *http.Request) error {
		http.Redirect(w, r, s.o.Nav[0].Href, http.StatusSeeOther)
		return nil
	}))
	mux.Handle("/", s.Open(func(http.ResponseWriter, *http.Request) error {
		return fault.New(fault.NotFound, "fault.not_found")
	}))
}

// How large a form may be, in bytes: that of anybody, and that of people who have signed in.
const (
	maxOpen   = 16 << 10
	maxSigned = 1 << 20
)

// Open wraps a handler for anybody, signed in or not. A form that comes is in r.PostForm.
func (s *Shell) Open(h Handler) http.Handler { return s.handler(h, false, maxOpen) }

// Signed wraps a handler for people who have signed in. Others are led to the sign-in page and come back afterwards; a
// script is told with status 401. A form that comes is in r.PostForm.
func (s *Shell) Signed(h Handler) http.Handler { return s.handler(h, true, maxSigned) }

// Upload is Signed for a handler that reads the body itself, and holds it to limits of its own. It must read files part by part
// (r.MultipartReader): what net/http would put into temporary files of this request, nobody would remove.
func (s *Shell) Upload(h Handler) http.Handler { return s.handler(h, true, 0) }

// handler wraps a handler. limit is how large a form may be that is read for it; 0: none is.
func (s *Shell) handler(h Handler, signed bool, limit int64) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		Guard(w.Header())
		v := &visit{id: requestID()}
		w.Header().Set("X-Request-Id", v.id)
		r = r.WithContext(context.WithValue(r.Context(), visitKey{}, v))
		err := s.recognise(r, v)
		if err == nil && signed && v.person.ID == "" {
			s.toSignIn(w, r)
			return
		}
		watched := &watcher{ResponseWriter: w}
		if err == nil {
			s.takeFlash(w, r, v)
			if limit > 0 {
				err = ParseForm(w, r, limit)
			}
		}
		if err == nil {
			err = h(watched, r)
		}
		if err != nil {
			s.fail(watched, r, v, err)
		}
	})
}

// visit is what a request knows about who makes it.
type visit struct {
	id      string
	token   string
	person  Person
	printer *i18n.Printer
	theme   string
	flash   string
}

type visitKey struct{}

func visitOf(r *http.Request) *visit {
	v, _ := r.Context().Value(visitKey{}).(*visit)
	if v == nil {
		panic("page: the handler is not wrapped by a Shell")
	}
	return v
}

// recognise finds out who comes and in which language. A session that is none makes a visitor; only a failure is an error,
// and even then there is a language to say it in.
func (s *Shell) recognise(r *http.Request, v *visit) error {
	var failed error
	if token := cookieValue(r, s.Cookie("")); token != "" {
		p, err := s.o.Sessions.Person(r.Context(), token)
		switch {
		case err == nil:
			v.person, v.token = p, token
		case !fault.Is(err, fault.Denied) && !fault.Is(err, fault.NotFound):
			failed = err
		}
	}
	v.theme = v.person.Theme
	if v.theme == "" && v.person.ID == "" {
		v.theme = cookieValue(r, s.Cookie("theme"))
	}
	wanted := []string{v.person.Lang}
	if v.person.ID == "" {
		wanted = append(wanted, cookieValue(r, s.Cookie("lang")))
	}
	wanted = append(wanted, r.Header.Get("Accept-Language"))
	if house, err := s.o.House.Newsroom(r.Context(), "en"); err == nil {
		wanted = append(wanted, house.Lang)
	}
	lang := s.o.Bundle.Match(wanted...)
	if v.person.Lang != "" && strings.HasPrefix(v.person.Lang, lang) {
		lang = v.person.Lang // with its extensions: digits, calendar
	}
	v.printer = s.o.Bundle.Printer(lang, s.o.Zone)
	return failed
}

// Now is the time by which pages are made.
func (s *Shell) Now() time.Time { return s.o.Clock() }

// Speak says texts in a language, for what leaves the desk in that of its story. A language that the desk does not speak is
// said in English.
func (s *Shell) Speak(lang string) *i18n.Printer {
	return s.o.Bundle.Printer(s.o.Bundle.Match(lang, "en"), s.o.Zone)
}

// PersonOf is who makes the request; without an ID it is nobody.
func PersonOf(r *http.Request) Person { return visitOf(r).person }

// PrinterOf speaks the language of who makes the request.
func PrinterOf(r *http.Request) *i18n.Printer { return visitOf(r).printer }

// TokenOf is the session of who makes the request; "" for nobody.
func TokenOf(r *http.Request) string { return visitOf(r).token }

// Base makes the frame of a page. here is the entry of the navigation, key the message that names the page, with its values.
// A frame that cannot be made whole (a partner's state that is not known just now) is made without, and the log says so.
func (s *Shell) Base(r *http.Request, here, key string, args ...any) Base {
	v := visitOf(r)
	b := Base{
		P:      v.printer,
		Lang:   v.printer.Lang(),
		Dir:    v.printer.Dir(),
		Theme:  v.theme,
		Here:   here,
		Person: v.person,
		Flash:  v.flash,
		Now:    s.o.Clock(),
		Back:   r.URL.RequestURI(),
		Secure: IsSecure(r),
	}
	if key != "" {
		b.Title = v.printer.T(key, args...)
	}
	var err error
	if b.Newsroom, err = s.o.House.Newsroom(r.Context(), b.Lang); err != nil {
		s.o.Log.Warn("page without the newsroom's name", "request", v.id, "error", err)
	}
	if v.person.ID != "" {
		s.frame(r, v, &b)
	}
	return b
}

// frame adds what only people who have signed in see.
func (s *Shell) frame(r *http.Request, v *visit, b *Base) {
	counts, err := s.o.House.Counts(r.Context(), v.person)
	if err != nil {
		s.o.Log.Warn("page without counts", "request", v.id, "error", err)
	}
	for _, e := range s.o.Nav {
		if e.For != nil && !e.For(v.person) {
			continue
		}
		b.Nav = append(b.Nav, NavEntry{Name: e.Name, Href: e.Href, Key: e.Key, On: e.Name == b.Here, Count: counts[e.Name]})
	}
	links, err := s.o.House.Links(r.Context(), b.Lang)
	if err != nil {
		s.o.Log.Warn("page without links", "request", v.id, "error", err)
	}
	for _, l := range links {
		b.Links = append(b.Links, linkLine(b.P, l))
	}
	slices.SortStableFunc(b.Links, func(x, y LinkLine) int {
		if c := x.State.rank() - y.State.rank(); c != 0 {
			return c
		}
		return strings.Compare(x.Name, y.Name)
	})
}

// rank orders links: what needs a person first.
func (l LinkState) rank() int {
	i := slices.Index([]LinkState{LinkStopped, LinkSilent, LinkLate, LinkCatchingUp, LinkNever, LinkBlocked}, l)
	if i < 0 {
		return 6
	}
	return i
}

func linkLine(p *i18n.Printer, l Link) LinkLine {
	line := LinkLine{Link: l, Late: l.State.rank() < 3}
	switch l.State {
	case LinkLive:
		line.Text = p.Span(l.Behind)
	case LinkLate, LinkSilent:
		line.Text = p.T("page.link.behind", "span", i18n.Plain(p.Span(l.Behind)))
	case LinkCatchingUp:
		line.Text = p.T("page.link.catching_up", "n", l.Waiting)
	case LinkStopped:
		line.Text = p.T("page.link.stopped")
	case LinkBlocked:
		line.Text = p.T("page.link.blocked")
	default:
		line.Text = p.T("page.link.never")
	}
	return line
}

type railPage struct{ Base }

func (s *Shell) rail(w http.ResponseWriter, r *http.Request) error {
	b := s.Base(r, r.URL.Query().Get("here"), "")
	return RenderPart(w, r, http.StatusOK, s.parts, "rail", railPage{b})
}

func (s *Shell) toSignIn(w http.ResponseWriter, r *http.Request) {
	if r.Header.Get(partHeader) != "" || strings.Contains(r.Header.Get("Accept"), "text/event-stream") {
		w.WriteHeader(http.StatusUnauthorized)
		return
	}
	to := "/signin"
	if r.Method == http.MethodGet && r.URL.Path != "/" {
		to += "?next=" + template.URLQueryEscaper(r.URL.RequestURI())
	}
	http.Redirect(w, r, to, http.StatusSeeOther)
}

func requestID() string {
	var b [5]byte
	rand.Read(b[:])
	return base32.StdEncoding.EncodeToString(b[:])
}

// Guard sets the headers that say what a page may do: nothing from elsewhere, in nobody's frame. A Shell does it by itself.
func Guard(h http.Header) {
	h.Set("Content-Security-Policy", "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'")
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
}

// IsSecure reports whether the browser came by https, also to a server in front of this one.
func IsSecure(r *http.Request) bool {
	return r.TLS != nil || strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https")
}
