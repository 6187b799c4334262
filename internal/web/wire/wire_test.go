package wire

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"
	"golang.org/x/net/html"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
)

const (
	strikePath = "/item/baltra.example/01934f00-0000-7000-8000-000000000010"
	strikeItem = "baltra.example/01934f00-0000-7000-8000-000000000010"
	railPath   = "/item/north.example/01934f00-0000-7000-8000-000000000006"
	draftPath  = "/item/north.example/01934f00-0000-7000-8000-000000000012"
	budgetPath = "/item/baltra.example/01934f00-0000-7000-8000-000000000007"
)

const copyButton = `name="form" value="text"`

// text is a body without the isolates.
func text(w *httptest.ResponseRecorder) string {
	return strings.NewReplacer("\u2068", "", "\u2069", "").Replace(w.Body.String())
}

// TestEveryPage renders all pages in all languages, and in the one that is half as long again.
func TestEveryPage(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	paths := []string{
		"/wire", "/wire?item=" + strikeItem, "/wire?item=" + strikeItem + "&from=2&to=3", "/wire?item=" + strikeItem + "&version=1", "/wire?of=own&day=today&lang=en",
		"/wire?subject=medtop:09000000&state=usable&type=text&day=2026-11-21&agreement=ag1&partner=d4d4d4d4d4d4d4d4", "/wire?before=5",
		strikePath, railPath, draftPath, budgetPath, railPath + "/correct", railPath + "/withdraw", draftPath + "/edit", "/new", "/nowhere",
		"/item/soren.example/01934f00-0000-7000-8000-000000000009", "/item/avand.example/01934f00-0000-7000-8000-000000000008",
	}
	for _, lang := range append(append([]string{}, i18n.Languages[:]...), i18n.Pseudo) {
		for _, compact := range []bool{false, true} {
			d.person.Lang, d.person.Compact = lang, compact
			for _, path := range paths {
				w := ask(t, mux, "GET", path, "")
				if want := map[bool]int{true: 404, false: 200}[path == "/nowhere"]; w.Code != want {
					t.Fatalf("%s %s: %d %s", lang, path, w.Code, w.Body)
				}
				pagetest.Check(t, lang+" "+path, w.Body.String())
				if w.Body.Len() > 100_000 {
					t.Errorf("%s %s: %d bytes", lang, path, w.Body.Len())
				}
			}
		}
	}
}

func TestListSays(t *testing.T) {
	mux := start(t, newDesk(north))
	body := text(ask(t, mux, "GET", "/wire", ""))
	for _, want := range []string{
		`<title>(1) Wire · North Agency</title>`, "Urgent, not seen yet", "Correction 3", "Update 2", "Embargo until 18:00", ">Withdrawn<", "Do not use it any more.", ">Draft<", "Yesterday",
		`<bdi lang="fa" dir="auto">گنجینهٔ دورهٔ برنز`, `href="/wire?item=` + strikeItem + `#r-10" data-into="preview" data-part="item"`, `data-full="` + strikePath + `"`, `data-live="/live/wire?after=12&amp;told=12"`,
		"Choose an item in the list",
	} {
		if !strings.Contains(body, want) {
			t.Errorf("the list does not say %q", want)
		}
	}
	if n := strings.Count(body, `<li class="row`); n != 12 {
		t.Errorf("%d rows, want 12: an urgent item stands once, at the top", n)
	}
	d := newDesk(north)
	d.rows = nil
	mux = start(t, d)
	if body := text(ask(t, mux, "GET", "/wire", "")); !strings.Contains(body, "Nothing has come yet") || !strings.Contains(body, `href="/partners"`) {
		t.Error("an empty wire does not say how to get something")
	}
	if body := text(ask(t, mux, "GET", "/wire?lang=fr", "")); !strings.Contains(body, "Nothing fits this filter") {
		t.Error("a filtered empty wire does not say so")
	}
}

func TestFilters(t *testing.T) {
	mux := start(t, newDesk(north))
	for query, want := range map[string]int{
		"": 12, "of=own": 2, "of=received": 10, "partner=b2b2b2b2b2b2b2b2": 4, "partner=nobody": 0, "lang=fa": 2, "type=video": 1, "subject=medtop:09000000": 3,
		"state=withdrawn": 1, "day=yesterday": 1, "day=2026-11-22": 11, "day=rubbish": 12, "before=4": 3, "before=rubbish": 12,
	} {
		w := ask(t, mux, "GET", "/wire?"+query, "", "Newspool-Part", "list")
		if got := strings.Count(w.Body.String(), `<li class="row`); got != want || strings.Contains(w.Body.String(), "<!doctype") {
			t.Errorf("%s: %d rows, want %d", query, got, want)
		}
	}
	f := parseFilter(url.Values{"partner": {"B2B2"}, "day": {"today"}, "before": {"7"}, "of": {"all"}})
	if got := f.with("lang", "fa").at("/wire", "item", "a.example/1"); got != "/wire?partner=b2b2&lang=fa&day=today&item=a.example/1" {
		t.Error(got)
	}
}

// TestFilterForm sends the form of a filtered list as it stands: the same list comes back, also where the wire has nothing of what
// was chosen.
func TestFilterForm(t *testing.T) {
	mux := start(t, newDesk(north))
	for _, query := range []string{
		"of=own", "of=received&lang=fa&state=usable", "partner=b2b2b2b2b2b2b2b2&lang=pt&type=graphic&subject=medtop:11000000&state=closed&day=2026-11-21", "agreement=ended", "partner=00000000",
	} {
		body := ask(t, mux, "GET", "/wire?"+query, "").Body.String()
		form := regexp.MustCompile(`(?s)<form class="menu-sheet".*?</form>`).FindString(body)
		sent := url.Values{}
		for _, m := range regexp.MustCompile(`<input [^>]*name="([^"]+)" value="([^"]+)"`).FindAllStringSubmatch(form, -1) {
			sent.Set(m[1], m[2])
		}
		for _, m := range regexp.MustCompile(`(?s)<select [^>]*name="([^"]+)">.*?<option value="([^"]*)" selected>([^<]*)<.*?</select>`).FindAllStringSubmatch(form, -1) {
			sent.Set(m[1], m[2])
			if m[3] == "" {
				t.Errorf("%s: what is chosen of %s has no name", query, m[1])
			}
		}
		want, err := url.ParseQuery(query)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := parseFilter(sent), parseFilter(want); got != want {
			t.Errorf("%s: the form sends %+v", query, got)
		}
	}
}

func TestPaging(t *testing.T) {
	d := newDesk(north)
	for i := range 120 {
		d.add(library.Row{Item: item("soren.example", 1000+i), Origin: soren, Lang: "ru", Headline: fmt.Sprintf("n%d", i), Arrived: at("14:05")}, "<p>x</p>")
	}
	mux := start(t, d)
	path, seen := "/wire?of=received", map[string]bool{}
	for range 5 {
		body := ask(t, mux, "GET", path, "").Body.String()
		for _, m := range regexp.MustCompile(`data-item="([^"]+)"`).FindAllStringSubmatch(body, -1) {
			if seen[m[1]] {
				t.Errorf("%s stands on two pages", m[1])
			}
			seen[m[1]] = true
		}
		m := regexp.MustCompile(`href="([^"]+)"[^>]*>Older<`).FindStringSubmatch(body)
		if m == nil {
			break
		}
		path = html.UnescapeString(m[1])
	}
	if len(seen) != 130 {
		t.Errorf("%d items on all pages, want 130", len(seen))
	}
}

func TestArticle(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	for _, c := range []struct {
		path  string
		says  []string
		never []string
	}{
		{strikePath, []string{
			"<h1 class=\"title\" lang=\"en\" dir=\"ltr\">Ferry crews", "Correction 3 of 14:02.", "1,400 should read 14,000", "See the difference", "May be published in print, web and radio with the credit “Baltra Press”",
			`<span class="dateline">BALTRA, Nov 22 — </span>`, "Clause 4.2", "no. 18,204", "14:02:07", "Photos to follow", "4000 × 2667, 2.4 MB", copyButton, "checked on arrival",
		}, []string{"Withdraw", "Correct or update</a>"}},
		{strikePath + "?from=1&to=3", []string{"<ins>14,000</ins>", "<del>1,400</del>", "Version 1 against version 3.", "Show the text"}, []string{copyButton}},
		{strikePath + "?version=1", []string{"This is version 1. It has been replaced.", "About 1,400"}, []string{copyButton, "14,000 passengers"}},
		{budgetPath, []string{"<s>Ministry to double", "Baltra Press withdrew this item: 22 November, 13:40.", "The draft was not genuine", "Take it out of everything"}, []string{copyButton, `class="story"`, `data-key="d"`}},
		{railPath, []string{"Where it went", "2 of 3 hold it", "on its way since", "delivered", "Not sent to South Post", "Clause 2.1", "Withdraw", "/correct", "Village Radio", "nothing is sent to it by itself. North Agency passes on"}, []string{"May be published", "Hill Paper"}},
		{draftPath, []string{"Where it will go", "2 of 3 get it on release", "will get it", "Clause 2.3", ">Release<", "/edit"}, []string{copyButton, "/withdraw"}},
		{"/item/avand.example/01934f00-0000-7000-8000-000000000008", []string{`<h1 class="title" lang="fa" dir="rtl">`, `<div class="story" lang="fa" dir="rtl">`, "Persian"}, nil},
	} {
		w := ask(t, mux, "GET", c.path, "")
		body := text(w)
		for _, s := range c.says {
			if !strings.Contains(body, s) {
				t.Errorf("%s does not say %q", c.path, s)
			}
		}
		for _, s := range c.never {
			if strings.Contains(body, s) {
				t.Errorf("%s says %q", c.path, s)
			}
		}
	}
	for _, path := range []string{"/item/nowhere.example/1", "/wire?item=nowhere.example/1"} {
		if w := ask(t, mux, "GET", path, ""); w.Code != 404 {
			t.Errorf("%s: %d", path, w.Code)
		}
	}
	d.person.Editor = false
	if body := text(ask(t, mux, "GET", strikePath, "")); strings.Contains(body, copyButton) {
		t.Error("who is no editor is offered a copy")
	}
}

func TestPermits(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	id := item("baltra.example", 10)
	no := Permit{Agreement: "ag1", Answer: terms.No, Clause: "3.1", Lines: []terms.Line{{Key: "terms.strip.no_publish"}}}
	later := Permit{Agreement: "ag2", Answer: terms.NotYet, Lines: []terms.Line{{Key: "terms.strip.no_tv"}}}
	for _, c := range []struct {
		permits []Permit
		copies  bool
		kinds   string
	}{
		{[]Permit{no, later}, false, "later no"}, {[]Permit{no, d.permits[id][0]}, true, "yes no"}, {nil, false, "no"}, // no agreement covers it
	} {
		d.permits[id] = c.permits
		body := text(ask(t, mux, "GET", strikePath, ""))
		if got := strings.Contains(body, copyButton); got != c.copies {
			t.Errorf("%s: copy is offered: %v", c.kinds, got)
		}
		var kinds []string
		for _, m := range regexp.MustCompile(`class="strip (yes|no|later)"`).FindAllStringSubmatch(body, -1) {
			kinds = append(kinds, m[1])
		}
		if got := strings.Join(kinds, " "); got != c.kinds {
			t.Errorf("strips %q, want %q", got, c.kinds)
		}
	}
}

func TestHeldItems(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	r := d.row(item("baltra.example", 10))
	for state, want := range map[news.State]string{news.SetAside: "Set aside: it may not be used", news.Closed: "Closed for use"} {
		r.State = state
		body := text(ask(t, mux, "GET", strikePath, ""))
		if !strings.Contains(body, want) || strings.Contains(body, copyButton) {
			t.Errorf("%s: the page says something else", state)
		}
	}
	r.State = news.Usable
	delete(d.stories[r.Item], 3)
	if w := ask(t, mux, "GET", strikePath, ""); w.Code != 404 {
		t.Errorf("a version that is not there: %d", w.Code)
	}
}

func TestCopy(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	w := ask(t, mux, "POST", strikePath+"/copy", "form=text&version=3", "Newspool-Part", "copy")
	if w.Code != 200 || !strings.Contains(w.Body.String(), "BALTRA, Nov 22 — Ferry crews") || !strings.Contains(w.Body.String(), `data-type="text/plain"`) || strings.Contains(w.Body.String(), "<!doctype") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(t, mux, "POST", strikePath+"/copy", "form=html&version=3")
	got := html.UnescapeString(w.Body.String())
	if !strings.Contains(got, `<article lang="en" dir="ltr">`) || !strings.Contains(got, "<p>BALTRA, Nov 22 — Ferry") || !strings.Contains(got, "<p>Baltra Press</p>") || !strings.Contains(got, "<!doctype") {
		t.Error(got)
	}
	if d := cmp.Diff([]string{"take p1 " + strikeItem + " v3 text", "take p1 " + strikeItem + " v3 html"}, d.acts); d != "" {
		t.Error(d)
	}
	if w := ask(t, mux, "POST", strikePath+"/copy", "version=2"); w.Code != 409 {
		t.Errorf("a version that has been replaced: %d", w.Code)
	}
	d.refuse = fault.New(fault.Denied, "item.not_ours")
	if w := ask(t, mux, "POST", strikePath+"/copy", "version=3"); w.Code != 403 || strings.Contains(w.Body.String(), "Ferry crews voted") {
		t.Errorf("what the terms refuse: %d", w.Code)
	}
	d.refuse, d.person.Editor = nil, false
	if w := ask(t, mux, "POST", strikePath+"/copy", "version=3"); w.Code != 403 {
		t.Errorf("who is no editor copies: %d", w.Code)
	}
	if w := ask(t, mux, "POST", budgetPath+"/copy", ""); w.Code == 200 {
		t.Error("a withdrawn text is given")
	}
}

func TestPlainBody(t *testing.T) {
	got := plainBody("<h2>Head</h2><p>One<br/>two.</p><ul><li>a</li><li>b &amp; c</li></ul><p> </p><p>End</p>")
	if want := "Head\n\nOne\ntwo.\n\na\n\nb & c\n\nEnd"; got != want {
		t.Errorf("%q, want %q", got, want)
	}
	if got := blockLines("<h2>Head</h2><p>One</p>"); got != "<h2>Head</h2>\n<p>One</p>" {
		t.Errorf("%q", got)
	}
	for _, c := range []struct{ body, line, want string }{
		{"<p>Text</p>", "SOREN", "<p>SOREN — Text</p>"}, {`<p dir="rtl">Text</p>`, "SOREN —", `<p dir="rtl">SOREN — Text</p>`}, {"<p>SOREN, Text</p>", "SOREN", "<p>SOREN, Text</p>"},
		{"<ul><li>x</li></ul>", "A & B", "<p>A &amp; B — </p><ul><li>x</li></ul>"}, {"<p>Text</p>", "", "<p>Text</p>"},
	} {
		if got := page.WithDateline(c.body, c.line, "", ""); got != c.want {
			t.Errorf("%q, want %q", got, c.want)
		}
	}
}

func TestVerify(t *testing.T) {
	mux := start(t, newDesk(north))
	if w := ask(t, mux, "GET", railPath, "", "Newspool-Part", "went"); !strings.Contains(text(w), "2 of 3 hold it") || strings.Contains(text(w), "<section") {
		t.Error(text(w))
	}
	w := ask(t, mux, "POST", strikePath+"/proof", "", "Newspool-Part", "proof")
	if w.Code != 200 || !strings.Contains(w.Body.String(), ">valid<") && !strings.Contains(w.Body.String(), "valid</dd>") || strings.Contains(w.Body.String(), "<!doctype") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
	w = ask(t, mux, "POST", strikePath+"/proof", "")
	pagetest.Check(t, "proof", w.Body.String())
	if !strings.Contains(w.Body.String(), "<!doctype") {
		t.Error("without a script there is no page")
	}
}

func TestWriting(t *testing.T) {
	form := url.Values{"lang": {"en"}, "headline": {" Quay  reopens "}, "body": {"One.\n\nTwo <b>."}, "topic": {"medtop:15000000", "rubbish"}, "more": {"commuting, medtop:20000339"}, "urgency": {"2"}, "embargo": {"2026-11-22T18:00"}}
	d := newDesk(north)
	mux := start(t, d)
	w := ask(t, mux, "POST", "/new", form.Encode())
	if w.Code != 303 || w.Header().Get("Location") != "/item/north.example/01934f00-0000-7000-8000-000000000099" {
		t.Fatalf("%d %v", w.Code, w.Header())
	}
	form.Set("act", "release")
	ask(t, mux, "POST", "/new", form.Encode())
	ask(t, mux, "POST", draftPath+"/release", "version=1")
	want := []string{
		`save north.example/01934f00-0000-7000-8000-000000000099 "Quay reopens" <p>One.</p><p>Two &lt;b&gt;.</p>`,
		`save north.example/01934f00-0000-7000-8000-000000000099 "Quay reopens" <p>One.</p><p>Two &lt;b&gt;.</p>`,
		"release north.example/01934f00-0000-7000-8000-000000000099", "release north.example/01934f00-0000-7000-8000-000000000012",
	}
	if diff := cmp.Diff(want, d.acts); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct{ field, value, says string }{
		{"headline", "", "The headline is missing."}, {"body", " \n ", "The text is missing."}, {"lang", "", "Choose the language"}, {"embargo", "tomorrow", "not a valid time"},
		{"more", "flying saucers", "Not a Media Topic: flying saucers."}, {"slug", strings.Repeat("x", 501), "At most 500 characters"},
	} {
		bad := url.Values{}
		for k, v := range form {
			bad[k] = v
		}
		bad.Set(c.field, c.value)
		w := ask(t, mux, "POST", "/new", bad.Encode())
		if w.Code != 422 || !strings.Contains(text(w), c.says) {
			t.Errorf("%s: %d, does not say %q", c.field, w.Code, c.says)
		}
		if c.field != "body" && !strings.Contains(w.Body.String(), "Two &lt;b&gt;.") {
			t.Errorf("%s: what was typed is lost", c.field)
		}
		pagetest.Check(t, c.field, w.Body.String())
	}
	if len(d.acts) != len(want) {
		t.Errorf("something was saved all the same: %v", d.acts[len(want):])
	}
	d.person.Editor = false
	for _, path := range []string{"/new", draftPath + "/edit", railPath + "/correct", railPath + "/withdraw"} {
		if w := ask(t, mux, "GET", path, ""); w.Code != 403 {
			t.Errorf("who is no editor opens %s: %d", path, w.Code)
		}
	}
}

func TestChangeAndWithdraw(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	form := url.Values{"lang": {"en"}, "headline": {"Night trains return"}, "body": {"<p>New.</p><script>x</script>"}, "marked": {"yes"}, "version": {"2"}, "class": {"correction"}, "why": {"22:10 should read 22:40"}}
	if w := ask(t, mux, "POST", railPath+"/correct", form.Encode()); w.Code != 303 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	form.Set("class", "update")
	form.Set("why", "")
	ask(t, mux, "POST", railPath+"/correct", form.Encode())
	ask(t, mux, "POST", railPath+"/withdraw", url.Values{"reason": {"not true"}}.Encode())
	id := item("north.example", 6).Short()
	if diff := cmp.Diff([]string{`correction ` + id + ` "22:10 should read 22:40": <p>New.</p>`, `update ` + id + ` "": <p>New.</p>`, `withdraw ` + id + ` "not true"`}, d.acts); diff != "" {
		t.Error(diff)
	}
	for _, c := range []struct {
		path string
		form url.Values
		code int
		says string
	}{
		{railPath + "/correct", url.Values{"lang": {"en"}, "headline": {"x"}, "body": {"y"}, "version": {"2"}, "class": {"correction"}}, 422, "must say what was wrong"},
		{railPath + "/correct", url.Values{"lang": {"en"}, "headline": {"x"}, "body": {"y"}, "version": {"1"}, "class": {"update"}}, 409, "Somebody has changed this item since you opened the form; it is at version 2 now."},
		{railPath + "/withdraw", url.Values{"reason": {" "}}, 422, "Say why."},
		{strikePath + "/correct", form, 403, "Only the newsroom that wrote"},
		{strikePath + "/withdraw", url.Values{"reason": {"x"}}, 403, "Only the newsroom that wrote"},
		{draftPath + "/correct", form, 409, "cannot be done with the item"},
		{railPath + "/edit", form, 409, "Somebody has changed this item"},
	} {
		w := ask(t, mux, "POST", c.path, c.form.Encode())
		if w.Code != c.code || !strings.Contains(text(w), c.says) {
			t.Errorf("%s: %d, does not say %q", c.path, w.Code, c.says)
		}
	}
	if len(d.acts) != 3 {
		t.Errorf("%v", d.acts)
	}
}

// TestTwoEditors has a colleague who was faster: what was typed stays in the form, nothing goes out unread, and who has read what
// there is now can go on.
func TestTwoEditors(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	form := url.Values{"lang": {"en"}, "headline": {"Mine"}, "body": {"What I wrote."}, "version": {"1"}}
	body := ask(t, mux, "GET", draftPath+"/edit", "").Body.String() + ask(t, mux, "GET", draftPath, "").Body.String()
	if n := strings.Count(body, `<input type="hidden" name="version" value="1">`); n != 2 {
		t.Errorf("%d forms say the version that they are about, want those of saving and of releasing", n)
	}
	draft := d.row(item("north.example", 12))
	draft.Version = 2
	d.stories[draft.Item][2] = d.stories[draft.Item][1]
	refused := func(path string, says ...string) string {
		t.Helper()
		w := ask(t, mux, "POST", path, form.Encode())
		if w.Code != 409 {
			t.Errorf("%s: %d", path, w.Code)
		}
		for _, want := range append(says, `value="Mine"`, "What I wrote.") {
			if !strings.Contains(text(w), want) {
				t.Errorf("%s does not say %q", path, want)
			}
		}
		pagetest.Check(t, path, w.Body.String())
		return w.Body.String()
	}
	for _, act := range []string{"draft", "release"} {
		form.Set("act", act)
		refused(draftPath+"/edit", "it is at version 2 now", `href="`+draftPath+`" target="_blank"`, `name="version" value="2"`, `action="`+draftPath+`/edit"`)
	}
	w := ask(t, mux, "POST", draftPath+"/release", "version=1")
	if w.Code != 409 || !strings.Contains(text(w), "was not released") || !strings.Contains(w.Body.String(), `name="version" value="2"`) {
		t.Errorf("a draft that was not read: %d %s", w.Code, w.Body)
	}
	pagetest.Check(t, "release", w.Body.String())
	if strings.Contains(ask(t, mux, "GET", draftPath+"?version=1", "").Body.String(), draftPath+"/release") {
		t.Error("who reads an old version can release the new one")
	}
	draft.State = news.Usable
	refused(draftPath+"/edit", "This draft was released", `action="`+draftPath+`/correct"`, `value="correction" checked`)
	draft.State = news.Withdrawn
	refused(draftPath+"/edit", "This item was withdrawn")
	form.Set("class", "update")
	refused(draftPath+"/correct", "This item was withdrawn")
	if len(d.acts) != 0 {
		t.Errorf("done all the same: %v", d.acts)
	}
	draft.State = news.Unreleased
	form.Set("version", "2")
	if w := ask(t, mux, "POST", draftPath+"/edit", form.Encode()); w.Code != 303 || len(d.acts) != 2 {
		t.Errorf("who has read it cannot go on: %d %v", w.Code, d.acts)
	}
}

func TestView(t *testing.T) {
	d := newDesk(north)
	mux := start(t, d)
	w := ask(t, mux, "POST", "/wire/view", "compact=on&back=/wire%3Flang%3Dfa")
	if w.Code != 303 || w.Header().Get("Location") != "/wire?lang=fa" || d.preferences["compact"] != "on" {
		t.Errorf("%d %v %v", w.Code, w.Header(), d.preferences)
	}
	if body := ask(t, mux, "GET", "/wire", "").Body.String(); !strings.Contains(body, `class="scroll compact"`) {
		t.Error("the list is not compact")
	}
}

func TestTemplates(t *testing.T) {
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := newDesk(north)
	shell, err := page.New(page.Options{Bundle: b, Root: north, House: d, Sessions: d})
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(Options{Shell: shell, Library: d, Desk: d, Directory: d, Exchange: d, Use: d, Writing: d, Kin: d, Deciding: d, Media: d, Bell: d, Preferences: d})
	if err != nil {
		t.Fatal(err)
	}
	for _, err := range []error{
		templatecheck.CheckHTML(f.list, listPage{}), templatecheck.CheckHTML(f.list.Lookup("part:row"), rowPart{}), templatecheck.CheckHTML(f.list.Lookup("part:item"), listPage{}),
		templatecheck.CheckHTML(f.item, itemPage{}), templatecheck.CheckHTML(f.item.Lookup("part:went"), itemPage{}), templatecheck.CheckHTML(f.proof, proofPage{}), templatecheck.CheckHTML(f.form, formPage{}),
		templatecheck.CheckHTML(f.take, copyPage{}), templatecheck.CheckHTML(f.remove, withdrawPage{}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a family without its parts is made")
	}
}
