package wire

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/net/html"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/web/page/pagetest"
)

// hidden is the value of a hidden field of a page.
func hidden(body, name string) string {
	m := regexp.MustCompile(`<input type="hidden" name="` + name + `" value="([^"]*)">`).FindStringSubmatch(body)
	if m == nil {
		return ""
	}
	return html.UnescapeString(m[1])
}

// TestSentTwice has the form of a new item sent again: it finds what it made.
func TestSentTwice(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	first, second := hidden(ask(t, mux, "GET", "/new", "").Body.String(), "key"), hidden(ask(t, mux, "GET", "/new", "").Body.String(), "key")
	if len(first) < 20 || first == second {
		t.Fatalf("two forms have the keys %q and %q", first, second)
	}
	form := url.Values{"lang": {"en"}, "headline": {""}, "body": {"The quay is open."}, "key": {first}}
	w := ask(t, mux, "POST", "/new", form.Encode())
	if got := hidden(w.Body.String(), "key"); w.Code != 422 || got != first {
		t.Fatalf("a form with a mistake comes back with %d and the key %q", w.Code, got)
	}
	form.Set("headline", "Quay reopens")
	rows := len(d.rows)
	var to []string
	for range 2 {
		w = ask(t, mux, "POST", "/new", form.Encode())
		to = append(to, w.Header().Get("Location"))
		if w.Code != 303 {
			t.Fatalf("%d %s", w.Code, w.Body)
		}
	}
	if len(d.rows) != rows+1 || to[0] != to[1] || len(d.acts) != 1 {
		t.Fatalf("%d items, %q, %v", len(d.rows)-rows, to, d.acts)
	}
	if d.saved.SourceID != first {
		t.Errorf("saved with the key %q", d.saved.SourceID)
	}
	made := &d.rows[rows]
	made.Version, d.stories[made.Item][2] = 2, d.stories[made.Item][1]
	form.Set("headline", "Quay reopens early")
	for state, says := range map[news.State]string{news.Unreleased: "it is at version 2 now", news.Usable: "This draft was released", news.Withdrawn: "This item was withdrawn"} {
		made.State = state
		w = ask(t, mux, "POST", "/new", form.Encode())
		body := text(w)
		if w.Code != 409 || !strings.Contains(body, says) || !strings.Contains(body, `value="Quay reopens early"`) || strings.Contains(body, `action="/new"`) || hidden(body, "version") != "2" {
			t.Errorf("%s: %d, does not say %q", state, w.Code, says)
		}
	}
}

var down = fault.New(fault.Unavailable, "fault.database")

// TestNotKept has a database that fails: the form comes back with all that was typed, and sent again it is kept once.
func TestNotKept(t *testing.T) {
	for _, c := range []struct {
		path, broken, act string
		err               error
		code              int
		says              string
		action            string
	}{
		{"/new", "Save", "draft", down, 503, "Nothing was stored; try again in a moment. What you typed is still here.", "/new"},
		{"/new", "States", "draft", down, 503, "What you typed is still here.", "/new"},
		{"/new", "Save", "release", errors.New("a disk on fire"), 500, "Something went wrong at this desk. What you typed is still here.", "/new"},
		{"/new", "Save", "draft", fault.New(fault.TooLarge, "library.too_large", "limit", 256), 413, "256", "/new"},
		{"/new", "Release", "release", down, 503, "The draft is saved, but its release was not confirmed.", "/item/north.example/01934f00-0000-7000-8000-000000000099/edit"},
		{draftPath + "/edit", "Save", "draft", down, 503, "What you typed is still here.", draftPath + "/edit"},
		{draftPath + "/edit", "Release", "release", down, 503, "The draft is saved, but", draftPath + "/edit"},
		{draftPath + "/edit", "Item", "draft", down, 503, "What you typed is still here.", draftPath + "/edit"},
		{draftPath + "/edit", "Version", "draft", down, 503, "What you typed is still here.", draftPath + "/edit"},
		{railPath + "/correct", "Change", "", down, 503, "What you typed is still here.", railPath + "/correct"},
		{railPath + "/correct", "Item", "", down, 503, "What you typed is still here.", railPath + "/correct"},
		{railPath + "/correct", "States", "", down, 503, "What you typed is still here.", railPath + "/correct"},
		{railPath + "/correct", "Change", "", fault.New(fault.Conflict, "story.nothing_changed"), 409, `value="Typed"`, railPath + "/correct"},
	} {
		t.Run(c.path+" "+c.broken, func(t *testing.T) {
			d := newDesk(north)
			mux := start(t, d)
			get := ask(t, mux, "GET", c.path, "").Body.String()
			form := map[string][]string{
				"lang": {"en"}, "headline": {"Typed"}, "body": {"What I wrote."}, "slug": {"QUAY"}, "note": {"To editors."}, "act": {c.act}, "class": {"correction"}, "why": {"It was so."},
				"version": {hidden(get, "version")}, "key": {hidden(get, "key")}, "photos": {hidden(get, "photos")},
			}
			if _, _, err := d.Add(t.Context(), strings.NewReader("photo")); err != nil {
				t.Fatal(err)
			}
			form["m-id"], form["m-caption"] = []string{"added-1", "added-1"}, []string{"Typed below it", ""}
			d.broken[c.broken] = c.err
			w := send(t, mux, c.path, form)
			body := text(w)
			if w.Code != c.code || !strings.Contains(body, c.says) || !strings.Contains(body, `action="`+c.action+`"`) {
				t.Fatalf("%d, does not say %q: %s", w.Code, c.says, body)
			}
			for _, want := range []string{`value="Typed"`, "What I wrote.", `value="QUAY"`, "To editors.", "Typed below it", `name="m-id" value="added-1"`} {
				if !strings.Contains(body, want) {
					t.Errorf("%q is lost", want)
				}
			}
			if c.path != draftPath+"/edit" && c.path != "/new" && !strings.Contains(body, "It was so.") {
				t.Error("what was wrong is lost")
			}
			if strings.Contains(body, "The file itself is not here") {
				t.Error("a photo that nobody could look for is not here")
			}
			pagetest.Check(t, c.path, w.Body.String())
			clear(d.broken)
			before := len(d.acts)
			for _, name := range []string{"version", "key", "photos"} {
				form[name] = []string{hidden(w.Body.String(), name)}
			}
			if w := send(t, mux, c.action, form); w.Code != 303 || len(d.acts) <= before || len(d.saved.Media) != 1 && c.path != railPath+"/correct" {
				t.Errorf("sent again: %d %v", w.Code, d.acts)
			}
		})
	}
}

// TestPhotoNotKept has a database that fails while a photo comes: what was typed after it in the form is not lost.
func TestPhotoNotKept(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	d.broken["Add"] = down
	form := map[string][]string{"lang": {"en"}, "headline": {"Typed"}, "body": {"What I wrote."}, "photos": {"0"}, "act": {"attach"}, "key": {"k"}}
	w := send(t, mux, "/new", form, "one.jpg", "photo 1", "two.jpg", "photo 2")
	body := text(w)
	if w.Code != 503 || hidden(body, "key") != "k" {
		t.Errorf("%d %s", w.Code, body)
	}
	for _, want := range []string{`value="Typed"`, "What I wrote.", "one.jpg: The database does not answer.", "two.jpg: The database does not answer.", "What you typed is still here."} {
		if !strings.Contains(body, want) {
			t.Errorf("the form does not say %q", want)
		}
	}
	pagetest.Check(t, "form", w.Body.String())
}

func TestWithdrawalNotKept(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	d.broken["Withdraw"] = down
	w := ask(t, mux, "POST", railPath+"/withdraw", "reason=It+was+not+so.")
	if w.Code != 503 || !strings.Contains(text(w), "It was not so.") || !strings.Contains(text(w), "Nothing was stored") {
		t.Errorf("%d %s", w.Code, text(w))
	}
	pagetest.Check(t, "withdraw", w.Body.String())
}

// TestPhotosOfTheOvertaken has a colleague who changes the photos while somebody writes: those that the form had stay in it, and are
// those that it had.
func TestPhotosOfTheOvertaken(t *testing.T) {
	for _, path := range []string{draftPath + "/edit", railPath + "/correct"} {
		d := newDesk(north)
		mux := start(t, d)
		row := d.row(item("north.example", 12))
		if path != draftPath+"/edit" {
			row = d.row(item("north.example", 6))
		}
		story := d.stories[row.Item][row.Version]
		story.Media = []news.Media{{Headline: "Named", Type: "image/jpeg", Size: 7}, {ID: "elsewhere", SHA256: sum, Of: news.Graphic, Size: 9}, {Headline: "Named too", Size: 8}}
		d.stories[row.Item][row.Version] = story
		want := slices.Clone(story.Media)
		want[0].Caption, want[2].Caption = "Mine", "Mine too"
		body := ask(t, mux, "GET", path, "").Body.String()
		next := story
		next.Media = []news.Media{{Headline: "A colleague's", Size: 1}}
		row.Version++
		d.stories[row.Item][row.Version] = next
		sent := func(body string) *httptest.ResponseRecorder {
			form := fieldsOf(body)
			form["lang"], form["headline"], form["body"], form["why"] = []string{"en"}, []string{"Typed"}, []string{"What I wrote."}, []string{"It was so."}
			form["version"], form["photos"] = []string{hidden(body, "version")}, []string{hidden(body, "photos")}
			if form["m-caption"] != nil {
				form["m-caption"][0], form["m-caption"][2] = "Mine", "Mine too"
			}
			return send(t, mux, path, form)
		}
		w := sent(body)
		if n := strings.Count(w.Body.String(), `name="m-id"`); w.Code != http.StatusConflict || n != 3 {
			t.Fatalf("%s: %d, %d photos, want 3", path, w.Code, n)
		}
		if w = sent(w.Body.String()); w.Code != 303 {
			t.Fatalf("%s, sent again: %d", path, w.Code)
		}
		if diff := cmp.Diff(want, d.saved.Media); diff != "" {
			t.Errorf("%s: %s", path, diff)
		}
	}
}
