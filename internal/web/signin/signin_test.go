package signin

import (
	"bytes"
	"context"
	"mime/multipart"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/web/page"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

// people knows one person, Ilse, whose password is right.
type people struct {
	acts []string
}

func (p *people) SignIn(_ context.Context, login, password, remote, agent string) (string, time.Time, error) {
	p.acts = append(p.acts, "in "+login+" from "+remote+" with "+agent)
	switch {
	case login == "often":
		return "", time.Time{}, fault.New(fault.RateLimited, "people.signin_wait", "n", 30)
	case login == "broken":
		return "", time.Time{}, fault.New(fault.Unavailable, "fault.internal")
	case login != "ilse" || password != "right":
		return "", time.Time{}, fault.New(fault.Denied, "people.signin_refused")
	}
	return "good", now.Add(24 * time.Hour), nil
}

func (p *people) SignOut(_ context.Context, token, _ string) error {
	p.acts = append(p.acts, "out "+token)
	return nil
}

func (p *people) SetPreference(_ context.Context, person news.PersonID, name, value string) error {
	p.acts = append(p.acts, string(person)+" "+name+"="+value)
	return nil
}

func (p *people) Person(_ context.Context, token string) (page.Person, error) {
	if token != "good" {
		return page.Person{}, fault.New(fault.Denied, "fault.denied")
	}
	return page.Person{ID: "p1", Name: "Ilse Maren", Lang: "en"}, nil
}

func (p *people) Newsroom(context.Context, string) (page.Newsroom, error) {
	return page.Newsroom{Root: "a1b2c3d4e5", Name: "North Agency", Lang: "en", Mark: page.NewMark("North Agency", "a1b2c3d4e5", true)}, nil
}

func (p *people) Links(context.Context, string) ([]page.Link, error) { return nil, nil }

func (p *people) Counts(context.Context, page.Person) (map[string]int, error) { return nil, nil }

func start(t *testing.T) (*people, *http.ServeMux) {
	t.Helper()
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &people{}
	shell, err := page.New(page.Options{Bundle: b, Root: "a1b2c3d4e5", House: p, Sessions: p, Nav: []page.Entry{{Name: "wire", Href: "/wire"}}, Clock: func() time.Time { return now }})
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(Options{Shell: shell, People: p})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	f.Routes(mux)
	return p, mux
}

func post(mux http.Handler, path string, form url.Values, cookie string) *httptest.ResponseRecorder {
	r := httptest.NewRequest("POST", path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("User-Agent", "browser")
	r.Header.Set("Cookie", cookie)
	r.RemoteAddr = "192.0.2.7:4711"
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	return w
}

func cookies(w *httptest.ResponseRecorder) map[string]string {
	out := map[string]string{}
	for _, c := range w.Result().Cookies() {
		out[strings.TrimPrefix(c.Name, "newspool-a1b2c3d4")] = c.Value
	}
	return out
}

func TestSignIn(t *testing.T) {
	p, mux := start(t)
	w := post(mux, "/signin", url.Values{"login": {"ilse"}, "password": {"right"}, "next": {"/item/north.example/1"}}, "")
	c := w.Result().Cookies()
	if w.Code != 303 || w.Header().Get("Location") != "/item/north.example/1" || len(c) != 1 {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	if c[0].Name != "newspool-a1b2c3d4" || c[0].Value != "good" || !c[0].HttpOnly || c[0].SameSite != http.SameSiteLaxMode || c[0].Path != "/" || !c[0].Expires.Equal(now.Add(24*time.Hour)) {
		t.Errorf("the cookie is %+v", c[0])
	}
	if d := cmp.Diff([]string{"in ilse from 192.0.2.7 with browser"}, p.acts); d != "" {
		t.Error(d)
	}
	for _, c := range []struct {
		login, password, next, says string
		code                        int
	}{
		{"ilse", "wrong", "/wire", `name="next" value="/wire"`, 403},
		{"often", "x", "", `aria-invalid="true"`, 429},
		{"broken", "x", "", "Something went wrong", 503},
		{"ilse", "right", "//evil.example", "", 303},
	} {
		w := post(mux, "/signin", url.Values{"login": {c.login}, "password": {c.password}, "next": {c.next}}, "")
		body := w.Body.String()
		if w.Code != c.code || !strings.Contains(body, c.says) || strings.Contains(body, `value="wrong"`) || strings.Contains(body, "«") {
			t.Errorf("%+v: %d %s", c, w.Code, body)
		}
		if c.code == 303 && w.Header().Get("Location") != "/" {
			t.Errorf("after signing in one comes to %q", w.Header().Get("Location"))
		}
		if c.code != 303 && len(w.Result().Cookies()) != 0 {
			t.Errorf("%+v sets %v", c, w.Result().Cookies())
		}
	}
}

func TestSignOut(t *testing.T) {
	p, mux := start(t)
	w := post(mux, "/signout", nil, "newspool-a1b2c3d4=good")
	if w.Code != 303 || w.Header().Get("Location") != "/signin" || w.Header().Get("Clear-Site-Data") != `"cache"` || cookies(w)[""] != "" {
		t.Errorf("%d %v", w.Code, w.Header())
	}
	post(mux, "/signout", nil, "")
	if d := cmp.Diff([]string{"out good"}, p.acts); d != "" {
		t.Error(d)
	}
}

func TestChoices(t *testing.T) {
	p, mux := start(t)
	const signed = "newspool-a1b2c3d4=good"
	for _, c := range []struct {
		path, name, value, cookie string
		code                      int
		kept                      map[string]string
	}{
		{"/language", "lang", "fa", signed, 303, map[string]string{"-lang": "fa"}},
		{"/language", "lang", "ru", "", 303, map[string]string{"-lang": "ru"}},
		{"/language", "lang", "xx", signed, 422, map[string]string{}},
		{"/theme", "theme", "dark", signed, 303, map[string]string{"-theme": "dark"}},
		{"/theme", "theme", "auto", signed, 303, map[string]string{"-theme": ""}},
		{"/theme", "theme", "pink", signed, 422, map[string]string{}},
		{"/keys", "keys", "off", signed, 303, map[string]string{}},
		{"/keys", "keys", "off", "", 303, map[string]string{}},
	} {
		w := post(mux, c.path, url.Values{c.name: {c.value}, "back": {"/wire?lang=fa"}}, c.cookie)
		if w.Code != c.code {
			t.Errorf("%+v: %d", c, w.Code)
		}
		if d := cmp.Diff(c.kept, cookies(w)); d != "" {
			t.Errorf("%+v: %s", c, d)
		}
		if c.code == 303 && c.path != "/keys" && w.Header().Get("Location") != "/wire?lang=fa" {
			t.Errorf("%+v leads to %s", c, w.Header().Get("Location"))
		}
	}
	if d := cmp.Diff([]string{"p1 language=fa", "p1 theme=dark", "p1 theme=", "p1 keys=off"}, p.acts); d != "" {
		t.Error(d)
	}
}

func TestPage(t *testing.T) {
	_, mux := start(t)
	for _, lang := range []string{"en", "ru", "fa", "ar", "fr", "es"} {
		r := httptest.NewRequest("GET", "/signin?next=/wire", nil)
		r.Header.Set("Accept-Language", lang)
		w := httptest.NewRecorder()
		mux.ServeHTTP(w, r)
		body := w.Body.String()
		if w.Code != 200 || !strings.Contains(body, `<html lang="`+lang+`"`) || strings.Contains(body, "«signin") || !strings.Contains(body, `value="/wire"`) {
			t.Errorf("%s: %d %s", lang, w.Code, body)
		}
	}
	r := httptest.NewRequest("GET", "/signin?next=/wire", nil)
	r.Header.Set("Cookie", "newspool-a1b2c3d4=good")
	w := httptest.NewRecorder()
	mux.ServeHTTP(w, r)
	if w.Code != 303 || w.Header().Get("Location") != "/wire" {
		t.Errorf("who has signed in is asked again: %d", w.Code)
	}
}

func TestTemplates(t *testing.T) {
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	p := &people{}
	shell, err := page.New(page.Options{Bundle: b, Root: "a1", House: p, Sessions: p, Nav: []page.Entry{{Name: "wire", Href: "/wire"}}})
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(Options{Shell: shell, People: p})
	if err != nil {
		t.Fatal(err)
	}
	if err := templatecheck.CheckHTML(f.page, signInPage{}); err != nil {
		t.Error(err)
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a family without its parts is made")
	}
}

// A form that is made for files leaves none, whoever sends it: here are no pages that take files.
func TestNothingStays(t *testing.T) {
	dir := t.TempDir()
	t.Setenv("TMPDIR", dir)
	_, mux := start(t)
	server := httptest.NewServer(mux)
	defer server.Close()
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	for _, path := range []string{"/language", "/theme", "/keys"} {
		var b bytes.Buffer
		m := multipart.NewWriter(&b)
		m.WriteField("lang", "fr")
		m.WriteField("theme", "dark")
		file, err := m.CreateFormFile("file", "large")
		if err != nil {
			t.Fatal(err)
		}
		file.Write(make([]byte, 40<<20))
		m.Close()
		r, err := http.NewRequest("POST", server.URL+path, &b)
		if err != nil {
			t.Fatal(err)
		}
		r.Header.Set("Content-Type", m.FormDataContentType())
		r.Header.Set("Cookie", "newspool-a1b2c3d4=good")
		if resp, err := client.Do(r); err == nil { // else the server had closed the door before all was sent
			if resp.Body.Close(); resp.StatusCode != 422 {
				t.Errorf("%s: %d", path, resp.StatusCode)
			}
		}
	}
	if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
		t.Errorf("%v %d files stay", err, len(left))
	}
	for path, typed := range map[string]string{"/language": "lang", "/theme": "theme"} {
		if w := post(mux, path, url.Values{typed: {"fr"}, "more": {strings.Repeat("x", 1<<20)}}, ""); w.Code != 422 {
			t.Errorf("a form of a megabyte from a stranger: %s %d", path, w.Code)
		}
	}
}
