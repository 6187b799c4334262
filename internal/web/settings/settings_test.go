package settings

import (
	"context"
	"html/template"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jba/templatecheck"

	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
)

// desk is a newsroom with these pages, and somebody who looks at them.
type desk struct {
	pagetest.Reader
	people *people.Service
	family *Family
	node   *fixed
	bundle *i18n.Bundle
	now    time.Time
}

// house is North Agency with one link.
type house struct{}

func (house) Newsroom(context.Context, string) (page.Newsroom, error) {
	return page.Newsroom{Root: "0011223344556677", Name: "North Agency", Lang: "en", Mark: page.NewMark("North Agency", "0011223344556677", true)}, nil
}

func (house) Links(context.Context, string) ([]page.Link, error) {
	return []page.Link{{Name: "Radio Soren", State: page.LinkLive}}, nil
}

func (house) Counts(context.Context, page.Person) (map[string]int, error) { return nil, nil }

// sessions gives the frame what it wants to know of people.
type sessions struct{ people *people.Service }

func (s sessions) Person(ctx context.Context, token string) (page.Person, error) {
	p, err := s.people.BySession(ctx, token)
	return page.Person{ID: p.ID, Name: p.Name, Lang: string(p.Language), Administrator: p.Has(people.Administrator)}, err
}

// fixed is a node that is as the test says.
type fixed struct{ status Status }

func (f *fixed) Status(context.Context) (Status, error) { return f.status, nil }

const (
	annaPassword = "four calm herons wade"
	bahaPassword = "سه درنای آرام در آب"
)

func newDesk(t *testing.T) *desk {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{Reader: pagetest.Reader{T: t, Mux: http.NewServeMux(), Root: "0011223344556677", Lang: "en"}, bundle: bundle, node: &fixed{}, now: time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)}
	now := func() time.Time { return d.now }
	d.people = people.New(storetest.Open(t, people.Migrations()), people.Options{Clock: now})
	shell, err := page.New(page.Options{Bundle: bundle, Root: "0011223344556677", House: house{}, Sessions: sessions{d.people}, Clock: now,
		Nav: []page.Entry{{Name: "wire", Href: "/wire", Key: "g w"}, {Name: "settings", Href: "/settings"}}})
	if err != nil {
		t.Fatal(err)
	}
	d.family, err = New(Options{Shell: shell, People: d.people, Node: d.node, Remote: func(*http.Request) string { return "192.0.2.7" }})
	if err != nil {
		t.Fatal(err)
	}
	d.family.Routes(d.Mux)
	anna, err := d.people.Create(t.Context(), people.Operator(), people.NewPerson{Login: "anna", Name: "Anna North", Roles: []people.Role{people.Administrator}, Password: annaPassword})
	if err != nil {
		t.Fatal(err)
	}
	if _, err = d.people.Create(t.Context(), people.By{Person: anna, Remote: "192.0.2.1"}, people.NewPerson{Login: "baha@avand.example", Name: "بها آوند", Language: "fa", Roles: []people.Role{people.Editor}, Password: bahaPassword}); err != nil {
		t.Fatal(err)
	}
	return d
}

// as signs somebody in.
func (d *desk) as(login, password string) *desk {
	d.T.Helper()
	s, err := d.people.SignIn(d.T.Context(), login, password, "192.0.2.7", "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
	if err != nil {
		d.T.Fatal(err)
	}
	d.Token = s.Token
	return d
}

func (d *desk) id(login string) news.PersonID {
	d.T.Helper()
	list, err := d.people.People(d.T.Context())
	if err != nil {
		d.T.Fatal(err)
	}
	for _, p := range list {
		if p.Login == login {
			return p.ID
		}
	}
	d.T.Fatalf("nobody signs in as %s", login)
	return ""
}

func TestTemplates(t *testing.T) {
	f := newDesk(t).family
	for _, c := range []struct {
		name string
		t    *template.Template
		data any
	}{
		{"own", f.own, ownPage{}}, {"people", f.list, listPage{}}, {"person", f.person, personPage{}}, {"audit", f.audit, auditPage{}}, {"node", f.status, nodePage{}},
	} {
		if err := templatecheck.CheckHTML(c.t, c.data); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestWhoMaySee(t *testing.T) {
	d := newDesk(t)
	for _, path := range []string{"/settings", "/settings/people", "/settings/audit", "/settings/node"} {
		if resp := d.Send("GET", path, nil); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(resp.Header.Get("Location"), "/signin") {
			t.Errorf("%s: a stranger gets %s", path, resp.Status)
		}
	}
	d.as("baha@avand.example", bahaPassword)
	anna := string(d.id("anna"))
	body := d.Page(200, "GET", "/settings", nil)
	d.Contains(body, `dir="rtl"`, "حساب من", "دبیر", "بها آوند")
	d.Lacks(body, "/settings/people", "/settings/audit", "/settings/node")
	for _, path := range []string{"/settings/people", "/settings/people/" + anna, "/settings/audit", "/settings/node"} {
		d.Page(403, "GET", path, nil)
	}
	for _, path := range []string{"/settings/people", "/settings/people/" + anna + "/roles", "/settings/people/" + anna + "/password", "/settings/people/" + anna + "/closed", "/settings/audit/verify"} {
		d.Page(403, "POST", path, pagetest.Form("role", "administrator", "closed", "yes"))
	}
}

func TestOwnAccount(t *testing.T) {
	d := newDesk(t).as("anna", annaPassword)
	first := d.Token
	body := d.Page(200, "GET", "/settings", nil)
	d.Contains(body, "My account", "Administrator", "Firefox, Linux", "192.0.2.7", "this one", `value="Anna North"`)
	d.Lacks(body, "End all others")

	d.Contains(d.Page(422, "POST", "/settings/name", pagetest.Form("name", " ")), "A name is needed", `aria-invalid="true"`)
	d.Goes("/settings", "/settings/name", pagetest.Form("name", "Anna <North>"))
	d.Contains(d.Page(200, "GET", "/settings", nil), "Anna &lt;North&gt;")

	d.as("anna", annaPassword)
	d.Contains(d.Page(200, "GET", "/settings", nil), "End all others")
	d.Contains(d.Page(422, "POST", "/settings/password", pagetest.Form("present", annaPassword, "password", "eight herons", "again", "nine herons!")), "new passwords are not the same")
	d.Contains(d.Page(403, "POST", "/settings/password", pagetest.Form("present", "not the password", "password", "eight herons", "again", "eight herons")), "current password is not right")
	d.Contains(d.Page(422, "POST", "/settings/password", pagetest.Form("present", annaPassword, "password", "herons", "again", "herons")), "at least", "10")
	before := d.Token
	d.Goes("/settings", "/settings/password", pagetest.Form("present", annaPassword, "password", "eight herons", "again", "eight herons"))
	if d.Token == before {
		t.Error("the session has no new token")
	}
	d.Page(200, "GET", "/settings", nil)
	for _, old := range []string{first, before} {
		if _, err := d.people.BySession(t.Context(), old); err == nil {
			t.Error("an old session is still open")
		}
	}
	other := newToken(d, "anna", "eight herons")
	here, err := d.people.BySession(t.Context(), d.Token)
	if err != nil {
		t.Fatal(err)
	}
	there, err := d.people.BySession(t.Context(), other)
	if err != nil {
		t.Fatal(err)
	}
	d.Page(404, "POST", "/settings/sessions/end", pagetest.Form("id", "nothing"))
	d.Goes("/settings", "/settings/sessions/end", pagetest.Form("id", string(there.Session)))
	newToken(d, "anna", "eight herons")
	d.Goes("/settings", "/settings/sessions/end-others", nil)
	if list, err := d.people.Sessions(t.Context(), here.ID); err != nil || len(list) != 1 {
		t.Errorf("%+v %v", list, err)
	}
}

func newToken(d *desk, login, password string) string {
	token := d.Token
	other := d.as(login, password).Token
	d.Token = token
	return other
}

func TestTokens(t *testing.T) {
	d := newDesk(t).as("anna", annaPassword)
	d.Contains(d.Page(422, "POST", "/settings/tokens", pagetest.Form("token", " ", "scope", "write")), "which program uses it", `value="write" selected`)
	d.Page(422, "POST", "/settings/tokens", pagetest.Form("token", "web desk", "scope", "everything"))
	body := d.Page(200, "POST", "/settings/tokens", pagetest.Form("token", "web desk", "scope", "write"))
	secret := regexp.MustCompile(`np_[A-Za-z0-9_-]{43}`).FindString(body)
	p, scope, err := d.people.ByToken(t.Context(), secret)
	if err != nil || p.Login != "anna" || !scope.Writes() {
		t.Fatalf("%q: %+v %s %v", secret, p, scope, err)
	}
	body = d.Page(200, "GET", "/settings", nil)
	d.Contains(body, "web desk", "read and write")
	d.Lacks(body, secret)
	list, err := d.people.Tokens(t.Context(), p.ID)
	if err != nil || len(list) != 1 {
		t.Fatal(list, err)
	}
	d.Goes("/settings", "/settings/tokens/revoke", pagetest.Form("id", string(list[0].ID)))
	d.Page(404, "POST", "/settings/tokens/revoke", pagetest.Form("id", string(list[0].ID)))
}

func TestSecretsAreNotCached(t *testing.T) {
	d := newDesk(t).as("anna", annaPassword)
	baha := "/settings/people/" + string(d.id("baha@avand.example")) + "/password"
	for path, form := range map[string]url.Values{
		"/settings/tokens": pagetest.Form("token", "web desk", "scope", "read"),
		"/settings/people": pagetest.Form("login", "carla", "name", "Carla", "roles", "editor"),
		baha:               nil,
	} {
		resp := d.Send("POST", path, form)
		if resp.StatusCode != 200 || resp.Header.Get("Cache-Control") != "no-store" {
			t.Errorf("%s: %s, %q", path, resp.Status, resp.Header.Get("Cache-Control"))
		}
	}
}

func TestPeople(t *testing.T) {
	d := newDesk(t).as("anna", annaPassword)
	d.Contains(d.Page(200, "GET", "/settings/people", nil), "Anna North", "بها آوند", "baha@avand.example", "never", ">you<")
	d.Contains(d.Page(409, "POST", "/settings/people", pagetest.Form("name", "Second Anna", "login", "ANNA", "role", "signatory")), "already taken", `value="Second Anna"`, `value="signatory" checked`)
	body := d.Page(200, "POST", "/settings/people", pagetest.Form("name", "Сорен", "login", "soren", "role", "editor", "role", "signatory"))
	password := shown(body)
	d.Contains(body, "The new password", "Editor", "Сорен")
	id := d.id("soren")
	path := "/settings/people/" + string(id)
	their := newToken(d, "soren", password)
	d.Lacks(d.Page(200, "GET", path, nil), password)
	d.Contains(d.Page(200, "GET", path, nil), "Firefox, Linux", "Close the account")

	d.Goes(path, path+"/account", pagetest.Form("name", "Сорен Озёрный", "login", "ozyorny"))
	d.Contains(d.Page(409, "POST", path+"/account", pagetest.Form("name", "Другой", "login", "anna")), "already taken", `value="Другой"`)
	d.Goes(path, path+"/roles", pagetest.Form("role", "editor"))
	if _, err := d.people.BySession(t.Context(), their); err == nil {
		t.Error("the session outlived the roles")
	}
	d.Contains(d.Page(422, "POST", path+"/roles", pagetest.Form("role", "king")), "no role")
	fresh := shown(d.Page(200, "POST", path+"/password", nil))
	if fresh == password || fresh == "" {
		t.Errorf("password %q after %q", fresh, password)
	}
	newToken(d, "ozyorny", fresh)
	open, err := d.people.Sessions(t.Context(), id)
	if err != nil || len(open) != 1 {
		t.Fatal(open, err)
	}
	d.Goes(path, path+"/sessions", pagetest.Form("id", string(open[0].ID)))
	d.Page(404, "POST", path+"/tokens", pagetest.Form("id", "nothing"))
	d.Goes(path, path+"/closed", pagetest.Form("closed", "yes"))
	d.Contains(d.Page(200, "GET", path, nil), "Open the account", ">closed<")
	d.Goes(path, path+"/closed", pagetest.Form("closed", "no"))
	d.Page(404, "GET", "/settings/people/nobody", nil)

	own := "/settings/people/" + string(d.id("anna"))
	d.Lacks(d.Page(200, "GET", own, nil), own+"/password", own+"/closed")
	d.Goes("/settings", own+"/password", nil)
	d.Page(200, "GET", "/settings", nil) // the session lives on
	d.Contains(d.Page(409, "POST", own+"/roles", pagetest.Form("role", "editor")), "last administrator")
	d.Contains(d.Page(409, "POST", own+"/closed", pagetest.Form("closed", "yes")), "last administrator")
}

// shown is the password on a page.
func shown(body string) string {
	hit := regexp.MustCompile(`value="([a-z0-9]{4}(?:-[a-z0-9]{4}){3})"`).FindStringSubmatch(body)
	if hit == nil {
		return ""
	}
	return hit[1]
}

func TestAudit(t *testing.T) {
	d := newDesk(t).as("anna", annaPassword)
	d.Goes("/settings/people/"+string(d.id("baha@avand.example")), "/settings/people/"+string(d.id("baha@avand.example"))+"/roles", pagetest.Form("role", "signatory"))
	body := d.Page(200, "GET", "/settings/audit", nil)
	d.Contains(body, "At the console", "Anna North", "Signed in", "Roles of", "Editor", "Signatory", "192.0.2.7")
	d.Lacks(body, "people.act", "old_roles", "Older")
	d.Contains(d.Page(200, "POST", "/settings/audit/verify", nil), "The audit is whole: 4 rows.")
	d.Lang = "fa"
	d.Contains(d.Page(200, "GET", "/settings/audit", nil), "دفتر کارها", "مدیر سامانه", "امضاکننده")
	d.Contains(d.Page(200, "GET", "/settings/audit?before=2", nil), "تازه‌ترین", "پای کنسول")
	d.Page(200, "GET", "/settings/audit?before=nonsense", nil)
}

func TestAuditWords(t *testing.T) {
	p := newDesk(t).bundle.Printer("en", nil)
	for _, c := range []struct {
		name string
		e    people.Entry
		want auditRow
	}{
		{"no words", people.Entry{Act: people.Act{Who: "x", What: "later.release", About: "newspool://north.example/item/1", Detail: map[string]any{"n": 1.0}}, Name: "Anna", Seq: 1},
			auditRow{Number: 1, Who: "Anna", Known: true, Code: "later.release", Raw: `{"n":1}`, About: "north.example/item/1"}},
		{"somebody whose account is not here", people.Entry{Act: people.Act{Who: "x", What: "people.act_signin", About: "x"}},
			auditRow{Who: "x", Code: "people.act_signin", Text: "Signed in"}},
		{"nobody", people.Entry{Act: people.Act{What: "people.act_signin_unknown", From: "192.0.2.1"}},
			auditRow{Who: "Nobody signed in", Code: "people.act_signin_unknown", Text: "Sign-in with an unknown login refused", From: "192.0.2.1"}},
		{"no roles", people.Entry{Act: people.Act{What: "people.act_roles", From: "console", Detail: map[string]any{"name": i18n.Plain("A"), "old_roles": "editor", "new_roles": ""}}},
			auditRow{Who: "At the console", Code: "people.act_roles", Text: "Roles of A changed from \u2068Editor\u2069 to reads only"}},
	} {
		if got := line(p, c.e); got != c.want {
			t.Errorf("%s:\n%+v, want\n%+v", c.name, got, c.want)
		}
	}
}

func TestNode(t *testing.T) {
	d := newDesk(t).as("anna", annaPassword)
	d.node.status = Status{Version: "1.0", Address: "https://north.example", Keys: KeysLocked, Database: Database{Engine: "sqlite", Place: "newspool.db"}}
	d.Contains(d.Page(200, "GET", "/settings/node", nil), "All is well.", "SQLite", "Locked. The secret", "No partners yet.", "https://north.example")
	d.node.status = Status{
		Version: "1.0", Started: d.now.Add(-time.Hour), Database: Database{Engine: "postgres", Place: "db.north.example/newspool", Size: 5_000_000},
		Disk: Disk{Free: 1_000_000_000, Total: 40_000_000_000, Low: true}, Keys: KeysOpen, KeysExposed: "keys/log.key",
		Outbox:  1200,
		Delays:  []terms.Line{{Key: "exchange.delay_later", Args: map[string]any{"n": int64(9999), "partner": []any{map[string]any{"en": "Radio Soren"}}}}},
		Sources: []Source{{Name: "Soren feed", Since: d.now.Add(-2 * time.Hour), Problem: news.Problem{Key: "no.such.key"}, Href: "/sources/1"}},
		Links: []Link{
			{Name: "Radio Soren", State: page.LinkLive, LastContact: d.now},
			{Name: "Avand News", State: page.LinkStopped, Trouble: []news.Problem{{Key: "people.audit_broken", Args: map[string]any{"row": 4}}}, Href: "/partners/1"},
		},
	}
	body := d.Page(200, "GET", "/settings/node", nil)
	d.Contains(body, "PostgreSQL", "9,999 versions wait for the next day, because of the ceilings of the agreement with \u2068Radio Soren\u2069.", "1 source is failing.", "1 link to a partner needs attention.", "keys of the newsroom are not protected", "The disk is nearly full",
		"newspool key lock", "chmod 600", "no words for", "stopped: a person must look", "Row 4", `value="98"`, "1,200", `href="/sources/1"`, `href="/partners/1"`)
	d.Lacks(body, "All is well")
	d.Lang = "fa"
	d.Contains(d.Page(200, "GET", "/settings/node", nil), `dir="rtl"`, "۱٬۲۰۰")
}

func TestAgentName(t *testing.T) {
	for agent, want := range map[string]string{
		"Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Safari/537.36 Edg/140.0":  "Edge, Windows",
		"Mozilla/5.0 (Linux; Android 15) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36":               "Chrome, Android",
		"Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1 (KHTML, like Gecko) Version/18.0 Safari/604.1": "Safari, iPhone",
		"curl/8.0": "curl", "": "?", "x": "?",
	} {
		if got := browser(agent, "?"); got != want {
			t.Errorf("%q: %q, want %q", agent, got, want)
		}
	}
}
