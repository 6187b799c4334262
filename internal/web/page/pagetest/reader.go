// Package pagetest is somebody at the desk, for the tests of the families of pages: they ask for pages, send forms, and look at
// what every page must be.
package pagetest

import (
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"newspool/internal/news"
)

// Reader is somebody at the desk of a newsroom.
type Reader struct {
	T     testing.TB
	Mux   *http.ServeMux
	Root  news.Root // of the newsroom
	Token string    // of the session; "": not signed in
	Lang  string    // that the browser asks for
}

// Form makes a form of names and values that alternate.
func Form(pairs ...string) url.Values {
	v := url.Values{}
	for i := 0; i+1 < len(pairs); i += 2 {
		v.Add(pairs[i], pairs[i+1])
	}
	return v
}

// Send asks for a page, or sends a form. A new session that the answer gives is kept.
func (d *Reader) Send(method, path string, form url.Values) *http.Response {
	d.T.Helper()
	r := httptest.NewRequest(method, path, strings.NewReader(form.Encode()))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	r.Header.Set("Accept", "text/html")
	r.Header.Set("Accept-Language", d.Lang)
	cookie := "newspool-" + string(d.Root[:8])
	if d.Token != "" {
		r.AddCookie(&http.Cookie{Name: cookie, Value: d.Token})
	}
	w := httptest.NewRecorder()
	d.Mux.ServeHTTP(w, r)
	resp := w.Result()
	for _, c := range resp.Cookies() {
		if c.Name == cookie {
			d.Token = c.Value
		}
	}
	return resp
}

// Page is Send with the text of the answer; the answer must have this status and be what every page must be.
func (d *Reader) Page(status int, method, path string, form url.Values) string {
	d.T.Helper()
	resp := d.Send(method, path, form)
	text := Body(d.T, resp)
	if resp.StatusCode != status {
		d.T.Errorf("%s %s: %s, want %d\n%.400s", method, path, resp.Status, status, text[max(0, strings.Index(text, "<main")):])
	}
	Check(d.T, method+" "+path, text)
	return text
}

// Goes sends a form whose answer must lead to a path.
func (d *Reader) Goes(to, path string, form url.Values) {
	d.T.Helper()
	resp := d.Send(http.MethodPost, path, form)
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || got != to {
		d.T.Errorf("POST %s: %s %q, want to go to %s\n%.300s", path, resp.Status, got, to, Body(d.T, resp))
	}
}

// Contains wants all parts in a text.
func (d *Reader) Contains(text string, parts ...string) {
	d.T.Helper()
	for _, part := range parts {
		if !strings.Contains(text, part) {
			d.T.Errorf("the page lacks %q", part)
		}
	}
}

// Lacks wants none of the parts in a text.
func (d *Reader) Lacks(text string, parts ...string) {
	d.T.Helper()
	for _, part := range parts {
		if strings.Contains(text, part) {
			d.T.Errorf("the page has %q", part)
		}
	}
}

// Body reads an answer whole.
func Body(t testing.TB, resp *http.Response) string {
	t.Helper()
	b, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// showsThrough is what a reader must never see of a page's making.
var showsThrough = regexp.MustCompile(`«[a-z]+\.[a-z0-9_.-]+»|\{[a-z_]+\}|%!|<no value>|ZgotmplZ`)

// Check looks at what every page must be: whole, well nested, each id once, nothing that the policy forbids, without a key that
// shows through. Name says in a failure which page it is.
func Check(t testing.TB, name, body string) {
	t.Helper()
	said := strings.ReplaceAll(body, "{newsroom}", "") // stands in credit lines as people write them
	if m := showsThrough.FindString(said); m != "" {
		t.Errorf("%s: %q shows through", name, m)
	}
	void := map[string]bool{"meta": true, "link": true, "input": true, "br": true, "img": true, "path": true, "rect": true, "circle": true}
	var open []string
	ids := map[string]bool{}
	z := html.NewTokenizer(strings.NewReader(body))
	for {
		kind := z.Next()
		if kind == html.ErrorToken {
			break
		}
		tok := z.Token()
		for _, a := range tok.Attr {
			if a.Key == "id" && ids[a.Val] {
				t.Errorf("%s: two elements have the id %q", name, a.Val)
			}
			ids[a.Val] = ids[a.Val] || a.Key == "id"
			if a.Key == "style" || strings.HasPrefix(a.Key, "on") {
				t.Errorf("%s: <%s %s> is forbidden by the policy", name, tok.Data, a.Key)
			}
		}
		switch kind {
		case html.StartTagToken:
			if !void[tok.Data] {
				open = append(open, tok.Data)
			}
		case html.EndTagToken:
			if len(open) == 0 || open[len(open)-1] != tok.Data {
				t.Errorf("%s: </%s> closes %v", name, tok.Data, open)
				return
			}
			open = open[:len(open)-1]
		}
	}
	if len(open) != 0 {
		t.Errorf("%s: %v stay open", name, open)
	}
}
