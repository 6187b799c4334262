package page

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"path"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
)

// house is a newsroom with two partners.
type house struct {
	person Person
	broken error // of Sessions
	links  []Link
}

func (h *house) Newsroom(_ context.Context, lang string) (Newsroom, error) {
	name := "North Agency"
	if lang == "fa" {
		name = "خبرگزاری شمال"
	}
	return Newsroom{Root: "a1b2c3d4e5", Name: name, Lang: "ru", Mark: NewMark("North Agency", "a1b2c3d4e5", true)}, nil
}

func (h *house) Links(context.Context, string) ([]Link, error) { return h.links, nil }

func (h *house) Counts(context.Context, Person) (map[string]int, error) {
	return map[string]int{"wire": 2}, nil
}

func (h *house) Person(_ context.Context, token string) (Person, error) {
	if h.broken != nil {
		return Person{}, h.broken
	}
	if token != "good" {
		return Person{}, fault.New(fault.Denied, "fault.denied")
	}
	return h.person, nil
}

func newHouse() *house {
	return &house{person: Person{ID: "p1", Name: "Ilse Maren", Lang: "en", Editor: true}, links: []Link{
		{Name: "Radio Soren", State: LinkLive, Behind: 400 * time.Millisecond}, {Name: "Avand News", State: LinkSilent, Behind: 2 * time.Hour},
		{Name: "Baltra Press", State: LinkCatchingUp, Waiting: 12}, {Name: "South Post", State: LinkStopped}, {Name: "West Wire", State: LinkNever}, {Name: "East Wire", State: LinkBlocked},
	}}
}

func newShell(t *testing.T, h *house) *Shell {
	t.Helper()
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	s, err := New(Options{Bundle: b, Root: "a1b2c3d4e5", House: h, Sessions: h, Nav: []Entry{{Name: "wire", Href: "/wire", Key: "g w"}, {Name: "partners", Href: "/partners"}, {Name: "sources", Href: "/sources", For: func(p Person) bool { return p.Administrator }}},
		Clock: func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

type onePage struct {
	Base
	Text string
}

func newMux(t *testing.T, s *Shell) *http.ServeMux {
	t.Helper()
	one, err := Parse(fstest.MapFS{"templates/one.html": {Data: []byte(`{{define "main"}}<h1>{{.Text}}</h1>{{end}}{{define "part:text"}}[{{.Text}}]{{end}}`)}}, "one.html")
	if err != nil {
		t.Fatal(err)
	}
	broken, err := Parse(fstest.MapFS{"templates/b.html": {Data: []byte(`{{define "main"}}<p>half {{.Missing}}</p>{{end}}`)}}, "b.html")
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	s.Routes(mux)
	mux.Handle("GET /one", s.Signed(func(w http.ResponseWriter, r *http.Request) error {
		return Render(w, r, http.StatusOK, one, onePage{s.Base(r, "wire", "page.nav.wire"), "<b>" + PersonOf(r).Name})
	}))
	mux.Handle("GET /broken", s.Signed(func(w http.ResponseWriter, r *http.Request) error {
		return Render(w, r, http.StatusOK, broken, onePage{Base: s.Base(r, "", "")})
	}))
	mux.Handle("POST /done", s.Signed(func(w http.ResponseWriter, r *http.Request) error {
		return s.Done(w, r, r.PostForm.Get("to"), "page.link.catching_up", "n", 3)
	}))
	for kind, err := range map[string]error{
		"plain": errors.New("secret detail"), "denied": fault.New(fault.Denied, "fault.denied"), "gone": fmt.Errorf("wrapped: %w", fault.New(fault.Gone, "fault.not_found")),
		"unknown": fault.New(fault.Invalid, "nowhere.key"), "busy": fault.New(fault.Unavailable, "fault.not_found"),
	} {
		mux.Handle("GET /wrong/"+kind, s.Open(func(http.ResponseWriter, *http.Request) error { return err }))
	}
	return mux
}

func ask(mux http.Handler, method, path string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, path, nil)
	r.Header.Set("Accept", "text/html")
	for i := 0; i+1 < len(header); i += 2 {
		r.Header.Add(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

const session = "newspool-a1b2c3d4=good"

func TestSignedAndOpen(t *testing.T) {
	mux := newMux(t, newShell(t, newHouse()))
	w := ask(mux, "GET", "/one", "Cookie", session)
	if w.Code != 200 || !strings.Contains(w.Body.String(), "<h1>&lt;b&gt;Ilse Maren</h1>") {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	for name, want := range map[string]string{
		"Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; frame-ancestors 'none'; form-action 'self'",
		"X-Content-Type-Options":  "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "private, no-cache",
	} {
		if got := w.Header().Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	for _, c := range []struct {
		path, cookie, part string
		code               int
		to                 string
	}{
		{"/one?a=b", "", "", 303, "/signin?next=%2Fone%3Fa%3Db"},
		{"/one", "newspool-a1b2c3d4=old", "", 303, "/signin?next=%2Fone"},
		{"/one", "", "text", 401, ""},
		{"/", session, "", 303, "/wire"},
		{"/", "", "", 303, "/signin"},
		{"/nowhere", session, "", 404, ""},
	} {
		w := ask(mux, "GET", c.path, "Cookie", c.cookie, partHeader, c.part)
		if w.Code != c.code || w.Header().Get("Location") != c.to {
			t.Errorf("%s: %d to %q, want %d to %q", c.path, w.Code, w.Header().Get("Location"), c.code, c.to)
		}
	}
	if w := ask(mux, "GET", "/one", "Cookie", session, partHeader, "text"); w.Body.String() != "[&lt;b&gt;Ilse Maren]" {
		t.Errorf("the part is %q", w.Body)
	}
}

func TestErrors(t *testing.T) {
	h := newHouse()
	mux := newMux(t, newShell(t, h))
	for _, c := range []struct {
		path string
		code int
		says string
	}{
		{"/wrong/plain", 500, "Something went wrong at this desk."}, {"/wrong/denied", 403, "You may not do this here."}, {"/wrong/gone", 410, "There is nothing here."},
		{"/wrong/unknown", 422, "Something went wrong at this desk."}, {"/wrong/busy", 503, "There is nothing here."}, {"/broken", 500, "Something went wrong at this desk."},
	} {
		for _, part := range []string{"", "text"} {
			w := ask(mux, "GET", c.path, "Cookie", session, partHeader, part)
			body := w.Body.String()
			if w.Code != c.code || !strings.Contains(body, c.says) || !strings.Contains(body, w.Header().Get("X-Request-Id")) {
				t.Errorf("%s %q: %d %s", c.path, part, w.Code, body)
			}
			if strings.Contains(body, "secret") || strings.Contains(body, "half") || (part == "") != strings.Contains(body, "<!doctype") {
				t.Errorf("%s %q shows %s", c.path, part, body)
			}
		}
	}
	if w := ask(mux, "GET", "/wrong/denied", "Accept-Language", "fa"); !strings.Contains(w.Body.String(), "اجازه") || !strings.Contains(w.Body.String(), `dir="rtl"`) {
		t.Errorf("a stranger who reads Persian is told %s", w.Body)
	}
	h.broken = fault.New(fault.Unavailable, "fault.internal")
	if w := ask(mux, "GET", "/one", "Cookie", session); w.Code != 503 {
		t.Errorf("sessions that cannot be read: %d", w.Code)
	}
}

func TestLanguages(t *testing.T) {
	h := newHouse()
	mux := newMux(t, newShell(t, h))
	for _, c := range []struct{ person, cookie, accept, want string }{
		{"fa", "", "en", "fa"}, {"", "", "es-MX,fr;q=0.5", "es"}, {"", "", "ja", "ru"}, {"ar-u-nu-latn", "", "", "ar"},
	} {
		h.person.Lang = c.person
		w := ask(mux, "GET", "/one", "Cookie", session, "Accept-Language", c.accept)
		if want := `<html lang="` + c.want + `"`; !strings.Contains(w.Body.String(), want) {
			t.Errorf("%+v: %s", c, w.Body.String()[:120])
		}
	}
	if w := ask(mux, "GET", "/wrong/denied", "Cookie", "newspool-a1b2c3d4-lang=fr; newspool-a1b2c3d4-theme=dark", "Accept-Language", "en"); !strings.Contains(w.Body.String(), `<html lang="fr" dir="ltr" data-theme="dark">`) {
		t.Errorf("a visitor who chose French and dark gets %s", w.Body.String()[:120])
	}
}

func TestRail(t *testing.T) {
	mux := newMux(t, newShell(t, newHouse()))
	body := ask(mux, "GET", "/parts/rail?here=partners", "Cookie", session).Body.String()
	last := -1
	for _, want := range []string{"South Post", ">stopped<", "Avand News", "2 h behind", "Baltra Press", "12 to come", "West Wire", "no contact yet", "East Wire", ">blocked<", "Radio Soren", "0.4 s"} {
		i := strings.Index(strings.NewReplacer("\u2068", "", "\u2069", "").Replace(body), want)
		if i < last {
			t.Errorf("%q stands in the wrong place or is missing:\n%s", want, body)
		}
		last = i
	}
	if !strings.Contains(body, `href="/partners" aria-current="page"`) || strings.Contains(body, "<!doctype") {
		t.Error(body)
	}
}

func TestDone(t *testing.T) {
	mux := newMux(t, newShell(t, newHouse()))
	for to, want := range map[string]string{"/wire?a=b": "/wire?a=b", "//evil.example": "/", "https://evil.example": "/", "/\\evil.example": "/", "": "/"} {
		r := httptest.NewRequest("POST", "/done", strings.NewReader("to="+to))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		r.Header.Set("Cookie", session)
		r.Header.Set("X-Forwarded-Proto", "https")
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		if got := w.Header().Get("Location"); w.Code != 303 || got != want {
			t.Errorf("%q leads to %q, want %q", to, got, want)
		}
		c := w.Result().Cookies()
		if len(c) != 1 || c[0].Name != "newspool-a1b2c3d4-flash" || !c[0].HttpOnly || !c[0].Secure || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" {
			t.Fatalf("cookies: %v", c)
		}
		page := ask(mux, "GET", "/one", "Cookie", session+"; "+c[0].Name+"="+c[0].Value)
		if !strings.Contains(page.Body.String(), "3 to come") {
			t.Errorf("the message is not shown: %s", page.Body)
		}
		if again := page.Result().Cookies(); len(again) != 1 || again[0].MaxAge >= 0 {
			t.Errorf("the message stays: %v", again)
		}
	}
	if w := ask(mux, "GET", "/one", "Cookie", session+"; newspool-a1b2c3d4-flash=rubbish"); w.Code != 200 || strings.Contains(w.Body.String(), `class="flash"`) {
		t.Errorf("a broken message: %d", w.Code)
	}
}

func TestAssets(t *testing.T) {
	mux := newMux(t, newShell(t, newHouse()))
	for _, name := range []string{"desk.css", "js/desk.js", "icon.svg", "fonts/inter-latin.woff2", "fonts/LICENSE-vazirmatn.txt"} {
		w := ask(mux, "GET", Asset(name))
		if w.Code != 200 || w.Header().Get("Cache-Control") != "public, max-age=31536000, immutable" || w.Header().Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %d %v", name, w.Code, w.Header())
		}
	}
	css := ask(mux, "GET", Asset("desk.css")).Body.String()
	for _, m := range regexp.MustCompile(`url\(([^)]+)\)`).FindAllStringSubmatch(css, -1) {
		if w := ask(mux, "GET", m[1]); w.Code != 200 || w.Header().Get("Content-Type") != "font/woff2" {
			t.Errorf("the style asks for %s: %d %s", m[1], w.Code, w.Header().Get("Content-Type"))
		}
	}
	if w := ask(mux, "GET", Asset("desk.css"), "Accept-Encoding", "gzip, br"); w.Header().Get("Content-Encoding") != "gzip" || w.Body.Len() > len(css)/2 {
		t.Errorf("packed: %v, %d of %d", w.Header(), w.Body.Len(), len(css))
	}
	if w := ask(mux, "GET", "/static/desk.css"); w.Code != 404 {
		t.Errorf("a name without its hash: %d", w.Code)
	}
	script := ask(mux, "GET", Asset("js/desk.js")).Body.Len()
	if total := len(css) + script; total > 120_000 {
		t.Errorf("style and script are %d bytes", total)
	}
}

// TestStyle keeps the sides of the screen out of the styles, and everything in its layer.
func TestStyle(t *testing.T) {
	sides := regexp.MustCompile(`(?i)[{;\s](?:[a-z-]*(?:left|right)[a-z-]*\s*:|(?:text-align|float|clear)\s*:\s*(?:left|right))|(?:^|[{;\s])(?:margin|padding|inset)\s*:\s*[^;{}\s]+\s+[^;{}\s]+\s+[^;{}\s]+\s+[^;{}\s]+\s*;`)
	files, err := fs.Glob(static, "static/css/*.css")
	if err != nil || len(files) < 5 {
		t.Fatal(files, err)
	}
	for _, name := range files {
		raw, err := static.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		text := string(raw)
		for i, line := range strings.Split(text, "\n") {
			if hit := sides.FindString(line); hit != "" && !isSymmetric(hit) {
				t.Errorf("%s:%d: %q names a side of the screen", name, i+1, strings.TrimSpace(hit))
			}
		}
		if !regexp.MustCompile(`@layer (reset|base|parts|pages) \{`).MatchString(text) {
			t.Errorf("%s stands in no layer", name)
		}
		if strings.Contains(text, "http") || strings.Contains(text, "data:") || strings.Contains(text, "@import") {
			t.Errorf("%s asks for something from elsewhere", name)
		}
	}
}

// isSymmetric reports whether four values name the same for both sides: padding: a b c b.
func isSymmetric(hit string) bool {
	_, values, ok := strings.Cut(strings.TrimRight(strings.TrimSpace(hit), ";"), ":")
	f := strings.Fields(values)
	return ok && len(f) == 4 && f[1] == f[3]
}

func TestTemplates(t *testing.T) {
	b := Base{P: nil}
	one, err := Parse(templates, "wrong.html")
	if err != nil {
		t.Fatal(err)
	}
	if err := templatecheck.CheckHTML(one, wrongPage{Base: b}); err != nil {
		t.Error(err)
	}
	if err := templatecheck.CheckHTML(one.Lookup("part:rail"), railPage{b}); err != nil {
		t.Error(err)
	}
	for name := range shapes {
		if !strings.Contains(string(icon(name)), "<svg") {
			t.Errorf("icon %s", name)
		}
	}
}

func TestMarks(t *testing.T) {
	for _, c := range []struct{ name, want string }{
		{"North Agency", "NA"}, {"Радио Сорен", "РС"}, {"خبرگزاری آوند", "آو"}, {"baltra press international", "BP"}, {"", "·"}, {"24 Hours", "2H"}, {"«Avand»", "A"}, {"Agence d'Orran", "AD"},
	} {
		if got := NewMark(c.name, "x", true); got.Text != c.want || got.Tint != 0 {
			t.Errorf("%q: %+v, want %q", c.name, got, c.want)
		}
	}
	for i := range 200 {
		if m := NewMark("X", news.Root(fmt.Sprint(i)), false); m.Tint < 1 || m.Tint > Tints {
			t.Errorf("tint %d", m.Tint)
		}
	}
}

func TestItemPaths(t *testing.T) {
	id := news.ItemID("newspool://north.example/item/01934f00-0000-7000-8000-000000000001")
	if got := ItemPath(id); got != "/item/north.example/01934f00-0000-7000-8000-000000000001" {
		t.Error(got)
	}
}

func TestLocal(t *testing.T) {
	got := map[string]string{}
	for _, p := range []string{"/wire?x=//y", "//x", "/\\x", "wire", "", "/a\nb", "javascript:alert(1)"} {
		got[p] = Local(p)
	}
	want := map[string]string{"/wire?x=//y": "/wire?x=//y", "//x": "/", "/\\x": "/", "wire": "/", "": "/", "/a\nb": "/", "javascript:alert(1)": "/"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
}

func TestFontsHaveLicences(t *testing.T) {
	files, _ := fs.Glob(static, "static/fonts/*.woff2")
	total := 0
	for _, f := range files {
		raw, err := static.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		total += len(raw)
		family, _, _ := strings.Cut(path.Base(f), "-")
		licence, _ := fs.Glob(static, "static/fonts/LICENSE-"+family+"*")
		if len(licence) != 1 {
			t.Errorf("%s has no licence beside it", f)
		}
	}
	if total > 600_000 {
		t.Errorf("the fonts are %d bytes", total)
	}
}
