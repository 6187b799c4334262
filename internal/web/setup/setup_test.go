package setup

import (
	"context"
	"errors"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/web/page/pagetest"
	"newspool/protocol"
)

var _ People = (*people.Service)(nil)

// node is one that belongs to nobody yet.
type node struct {
	t       *testing.T
	people  *people.Service
	family  *Family
	mux     *http.ServeMux
	code    string
	self    protocol.Identity
	made    []partner.Profile
	fails   error // of SetUp
	stored  bool
	noted   []people.Act
	lang    string
	now     time.Time
	jar     map[string]string
	session string // of the desk
}

func newNode(t *testing.T) *node {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	n := &node{t: t, mux: http.NewServeMux(), lang: "en", now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC), jar: map[string]string{}}
	clock := func() time.Time { return n.now }
	n.people = people.New(storetest.Open(t, people.Migrations()), people.Options{Clock: clock})
	if n.code, err = n.people.SetupCode(t.Context()); err != nil {
		t.Fatal(err)
	}
	n.family, err = New(Options{
		Bundle: bundle, People: n.people, Newsroom: n, RootKey: n, Audit: n, Clock: clock, Base: func() string { return "https://news.north.example" },
		Remote: func(*http.Request) string { return "192.0.2.7" },
	})
	if err != nil {
		t.Fatal(err)
	}
	n.family.Routes(n.mux)
	n.family.Alone(n.mux)
	return n
}

func (n *node) Self() protocol.Identity { return n.self }

func (n *node) SetUp(_ context.Context, p partner.Profile, also ...func(*store.Tx, string) error) error {
	if n.fails != nil {
		return n.fails
	}
	n.made = append(n.made, p)
	n.self = protocol.Identity{Root: strings.Repeat("ab", 32), Domain: p.Domain, Names: p.Names, Languages: p.Languages}
	for _, do := range also {
		if err := do(nil, n.self.Root); err != nil {
			return err
		}
	}
	return nil
}

func (n *node) Key(context.Context) ([]byte, string, error) {
	if n.stored {
		return nil, "", nil
	}
	return []byte("seed: 00ff\n"), strings.TrimSpace(strings.Repeat("anchor ferry winter tide ", 6)), nil
}

func (n *node) Stored(_ context.Context, also ...func(*store.Tx) error) error {
	n.stored = true
	return (*store.Tx)(nil).Also(also)
}

func (n *node) Audit(_ *store.Tx, a people.Act) error { return n.Note(context.Background(), a) }

func (n *node) Note(_ context.Context, a people.Act) error {
	n.noted = append(n.noted, a)
	return nil
}

func (n *node) send(method, path string, form url.Values) *http.Response {
	n.t.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", n.lang)
	for name, value := range n.jar {
		r.AddCookie(&http.Cookie{Name: name, Value: value})
	}
	w := httptest.NewRecorder()
	n.mux.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if n.jar[c.Name] = c.Value; c.Value == "" {
			delete(n.jar, c.Name)
		}
		if c.Name == "newspool-"+n.self.Root[:min(8, len(n.self.Root))] {
			if !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" {
				n.t.Errorf("%+v", c)
			}
			n.session = c.Value
			delete(n.jar, c.Name)
			continue
		}
		if !c.HttpOnly || c.SameSite != http.SameSiteStrictMode || c.Path != "/setup" {
			n.t.Errorf("%+v", c)
		}
	}
	return resp
}

func (n *node) page(status int, method, path string, form url.Values) string {
	n.t.Helper()
	resp := n.send(method, path, form)
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		n.t.Fatal(err)
	}
	text := string(b)
	if resp.StatusCode != status {
		n.t.Errorf("%s %s: %s, want %d\n%s", method, path, resp.Status, status, text)
	}
	if status != 303 {
		pagetest.Check(n.t, method+" "+path, text)
	}
	if h := resp.Header; h.Get("Content-Security-Policy") == "" || (status != 503 && h.Get("Cache-Control") != "no-store") {
		n.t.Errorf("%s %s: %v", method, path, h)
	}
	return text
}

func (n *node) goes(to, method, path string, form url.Values) {
	n.t.Helper()
	resp := n.send(method, path, form)
	if resp.StatusCode != http.StatusSeeOther || resp.Header.Get("Location") != to {
		b, _ := io.ReadAll(resp.Body)
		n.t.Errorf("%s %s: %s %q, want to go to %s\n%s", method, path, resp.Status, resp.Header.Get("Location"), to, b)
	}
}

func (n *node) contains(text string, parts ...string) {
	n.t.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			n.t.Errorf("the page lacks %q", part)
		}
	}
}

func (n *node) lacks(text string, parts ...string) {
	n.t.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			n.t.Errorf("the page has %q", part)
		}
	}
}

// filled is a form with which everything is right; pairs change it.
func (n *node) filled(pairs ...string) url.Values {
	v := url.Values{
		"code": {n.code}, "name-en": {"North Agency"}, "name-fa": {"خبرگزاری شمال"}, "domain": {"North.example"}, "kind": {"agency"}, "langs": {"en", "fa"}, "more": {"nb"},
		"contact": {"desk@north.example"}, "base": {"https://news.north.example/"}, "name": {"Ada North"}, "login": {"ada"}, "password": {"four calm herons"}, "again": {"four calm herons"},
	}
	for i := 0; i+1 < len(pairs); i += 2 {
		v[pairs[i]] = []string{pairs[i+1]}
	}
	return v
}

func TestTemplates(t *testing.T) {
	f := newNode(t).family
	for _, c := range []struct {
		name string
		t    *template.Template
		data any
	}{{"form", f.form, formPage{}}, {"key", f.key, keyPage{}}, {"wrong", f.wrong, wrongPage{}}} {
		if err := templatecheck.CheckHTML(c.t, c.data); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestLanguages(t *testing.T) {
	n := newNode(t)
	for _, lang := range i18n.Languages {
		n.contains(n.page(200, "GET", "/setup?lang="+lang, nil), `<html lang="`+lang+`"`, `action="/setup?lang=`+lang+`"`)
		n.page(422, "POST", "/setup?lang="+lang, url.Values{})
	}
	n.lang = "fa-IR,fa;q=0.8"
	n.contains(n.page(200, "GET", "/setup", nil), `<html lang="fa" dir="rtl"`, "راه‌اندازی این گره")
	n.goes("/setup/key?lang=fa", "POST", "/setup", n.filled())
	n.contains(n.page(200, "GET", "/setup/key?lang=fa", nil), "خبرگزاری شمال")
}

// TestWholeWay sets a node up from the first page to the desk.
func TestWholeWay(t *testing.T) {
	n := newNode(t)
	n.goes("/setup", "GET", "/", nil)
	n.goes("/setup", "GET", "/wire", nil)
	n.page(503, "POST", "/exchange/v1/hello", nil)
	text := n.page(200, "GET", "/setup", nil)
	n.contains(text, "Code from the console", `value="https://news.north.example"`, `value="agency" selected`, "desk.", "The first person")
	n.goes("/signin", "GET", "/setup/key", nil) // without a ticket

	n.goes("/setup/key?lang=en", "POST", "/setup", n.filled())
	want := []partner.Profile{{
		Domain: "north.example", Base: "https://news.north.example", Names: map[string]string{"en": "North Agency", "fa": "خبرگزاری شمال"}, Kind: "agency", Languages: []string{"en", "fa", "nb"}, Contact: "desk@north.example",
	}}
	if diff := cmp.Diff(want, n.made); diff != "" {
		t.Error(diff)
	}
	s, err := n.people.SignIn(t.Context(), "ada", "four calm herons", "192.0.2.7", "test")
	if err != nil || !slices.Equal(s.Person.Roles, people.Roles[:]) {
		t.Errorf("%+v %v", s.Person, err)
	}
	if open, err := n.people.Sessions(t.Context(), s.Person.ID); err != nil || len(open) != 2 || n.session == "" {
		t.Errorf("%d sessions are open, %v: who has set up is signed in", len(open), err)
	}

	n.goes("/setup/key?lang=en", "GET", "/setup", nil)
	n.goes("/setup/key?lang=en", "POST", "/setup", n.filled("code", "wrong"))
	text = n.page(200, "GET", "/setup/key", nil)
	if got := strings.Count(text, "<li>ferry</li>"); got != 6 {
		t.Errorf("%d words", got)
	}
	n.contains(text, "North Agency", "Later")
	resp := n.send("POST", "/setup/key", nil)
	if b, _ := io.ReadAll(resp.Body); string(b) != "seed: 00ff\n" || resp.Header.Get("Content-Disposition") != `attachment; filename="north.example-root-key.txt"` || resp.Header.Get("Cache-Control") != "no-store" {
		t.Errorf("%v %s", resp.Header, b)
	}
	n.contains(n.page(422, "POST", "/setup/key/put", url.Values{}), "Confirm that the root key was put away", "<li>ferry</li>")
	n.goes("/signin", "POST", "/setup/key/put", url.Values{"sure": {"yes"}})
	if !n.stored || len(n.jar) > 0 {
		t.Errorf("stored %t, cookies %v", n.stored, n.jar)
	}
	n.goes("/signin", "GET", "/setup", nil)
	n.goes("/signin", "GET", "/setup/key", nil)
	n.goes("/signin", "POST", "/setup", n.filled())
	var acts []string
	bundle, _ := i18n.Load()
	for _, a := range n.noted {
		acts = append(acts, a.What)
		if a.Who != s.Person.ID || a.From != "192.0.2.7" || strings.ContainsAny(bundle.Printer("en", nil).Text(a.What, a.Detail), "{«") {
			t.Errorf("%+v", a)
		}
	}
	if diff := cmp.Diff([]string{"setup.act_newsroom", "partner.act_root_shown", "partner.act_root_shown", "partner.act_root_stored"}, acts); diff != "" {
		t.Error(diff)
	}
	if len(n.made) != 1 {
		t.Errorf("set up %d times", len(n.made))
	}
}

// TestWrongCode tries codes until the door closes. Nothing is done with any of them.
func TestWrongCode(t *testing.T) {
	n := newNode(t)
	last := 0
	for i := range 30 {
		resp := n.send("POST", "/setup", n.filled("code", fmt.Sprint("abcd-", i)))
		b, _ := io.ReadAll(resp.Body)
		n.contains(string(b), `id="e-code"`, `value="North Agency"`, `value="ada"`)
		n.lacks(string(b), "four calm herons")
		last = resp.StatusCode
	}
	if last != http.StatusTooManyRequests {
		t.Errorf("status %d after thirty wrong codes", last)
	}
	needs, err := n.people.NeedsSetup(t.Context())
	if err != nil || !needs || len(n.made) > 0 || len(n.noted) > 0 || len(n.jar) > 0 {
		t.Errorf("a wrong code did something: %t %v %v %v", needs, n.made, n.noted, err)
	}
}

func TestProblems(t *testing.T) {
	n := newNode(t)
	for _, c := range []struct{ field, value, id, text string }{
		{"domain", "https://north.example", "domain", "in small letters"},
		{"domain", "", "domain", "in small letters"},
		{"domain", "bad", "domain", "in small letters"},
		{"kind", "palace", "kind", "what kind"},
		{"more", "en, 9!", "more", "is not a language tag"},
		{"base", "http://news.north.example", "base", "on its own machine only"},
		{"base", "news.north.example", "base", "Write https://"},
		{"base", "https://news.north.example/path", "base", "Write https://"},
		{"again", "five herons", "again", "two passwords are not the same"},
		{"contact", strings.Repeat("a", 300), "contact", "too long"},
		{"name-en", strings.Repeat("a", 300), "names", "too long"},
	} {
		text := n.page(422, "POST", "/setup", n.filled(c.field, c.value))
		n.contains(text, "1 thing has to be put right", c.text, `href="#w-`+c.id+`"`)
	}
	v := n.filled()
	v.Del("langs")
	v.Del("more")
	v.Del("name-en")
	v.Del("name-fa")
	n.contains(n.page(422, "POST", "/setup", v), "2 things have to be put right", "Give the newsroom a name", "at least one language")
	for field, value := range map[string]string{"password": "short", "name": " ", "login": "a b"} {
		v := n.filled(field, value)
		if field == "password" {
			v.Set("again", value)
		}
		n.contains(n.page(422, "POST", "/setup", v), `id="e-`+field+`"`)
	}
	n.contains(n.page(422, "POST", "/setup", n.filled("password", "password123456", "again", "different")), `id="e-again"`)
	if len(n.made) > 0 || len(n.noted) > 0 {
		t.Errorf("%v %v", n.made, n.noted)
	}
	n.goes("/setup/key?lang=en", "POST", "/setup", n.filled("base", "http://127.0.0.1:8700"))
}

// TestHalfWay fails between person and newsroom; the same page finishes it.
func TestHalfWay(t *testing.T) {
	n := newNode(t)
	n.fails = errors.New("the disk is full")
	text := n.page(500, "POST", "/setup", n.filled())
	n.contains(text, "Something went wrong at this desk", "Sign in to finish", `value="North Agency"`, `value="ada"`)
	n.lacks(text, "four calm herons", `name="code"`)
	n.contains(n.page(200, "GET", "/setup", nil), "Sign in to finish")
	n.contains(n.page(403, "POST", "/setup", n.filled("password", "not the password")), `id="e-login"`)
	if len(n.made) > 0 {
		t.Error("made without the password")
	}
	if _, err := n.people.Create(t.Context(), people.Operator(), people.NewPerson{Login: "ben", Name: "Ben", Roles: []people.Role{people.Editor}, Password: "eight calm herons"}); err != nil {
		t.Fatal(err)
	}
	n.contains(n.page(403, "POST", "/setup", n.filled("login", "ben", "password", "eight calm herons")), "Only administrators")
	n.fails = fault.New(fault.Invalid, "setup.identity")
	n.contains(n.page(422, "POST", "/setup", n.filled()), "cannot be used")
	n.fails = nil
	n.goes("/setup/key?lang=en", "POST", "/setup", n.filled())
	if len(n.made) != 1 {
		t.Errorf("%v", n.made)
	}
}

// TestNewsroomFromTheConsole needs the person only.
func TestNewsroomFromTheConsole(t *testing.T) {
	n := newNode(t)
	n.self = protocol.Identity{Root: strings.Repeat("cd", 32), Domain: "north.example", Names: map[string]string{"en": "North Agency"}}
	text := n.page(200, "GET", "/setup", nil)
	n.contains(text, "The newsroom is set up", `name="code"`, "The first person")
	n.lacks(text, `name="domain"`)
	n.goes("/setup/key?lang=en", "POST", "/setup", url.Values{"code": {n.code}, "name": {"Ada"}, "login": {"ada"}, "password": {"four calm herons"}, "again": {"four calm herons"}})
	n.stored = true // the console had it
	n.goes("/signin", "GET", "/setup/key", nil)
	if len(n.made) > 0 {
		t.Error("made twice")
	}
}

func TestTicketEnds(t *testing.T) {
	n := newNode(t)
	n.goes("/setup/key?lang=en", "POST", "/setup", n.filled())
	good := n.jar[cookie]
	n.jar[cookie] = "forged"
	n.goes("/signin", "GET", "/setup/key", nil)
	n.goes("/signin", "POST", "/setup/key/put", url.Values{"sure": {"yes"}})
	n.jar[cookie] = good
	n.now = n.now.Add(59 * time.Minute)
	n.page(200, "GET", "/setup/key", nil)
	n.now = n.now.Add(2 * time.Minute)
	n.goes("/signin", "GET", "/setup/key", nil)
	if n.stored {
		t.Error("put away by a forged ticket")
	}
	var none news.PersonID
	if n.noted[0].Who == none {
		t.Error("nobody did it")
	}
}
