package agreements

import (
	"html/template"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/jba/templatecheck"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page/pagetest"
)

// goes checks that an act led somewhere.
func (d *desk) goes(to, path string, form url.Values) {
	d.T.Helper()
	resp := d.Send("POST", path, form)
	if got := resp.Header.Get("Location"); resp.StatusCode != http.StatusSeeOther || !strings.HasPrefix(got, to) {
		d.T.Errorf("POST %s: %s %q, want to go to %s\n%s", path, resp.Status, got, to, pagetest.Body(d.T, resp))
	}
}

// hash is the newest text of the agreement of a number.
func (d *desk) hash(n int) string {
	a, _ := d.Get(id(n))
	return string(a.Revisions[0].Hash)
}

func TestTemplates(t *testing.T) {
	f := newDesk(t).family
	for _, c := range []struct {
		name string
		t    *template.Template
		data any
	}{
		{"list", f.list, listPage{}}, {"show", f.show, showPage{}}, {"paper", f.paper, paperPage{}}, {"choose", f.choose, choicePage{}}, {"edit", f.edit, editPage{}},
	} {
		if err := templatecheck.CheckHTML(c.t, c.data); err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

// TestAllLanguages makes every page in every language.
func TestAllLanguages(t *testing.T) {
	d := newDesk(t)
	paths := []string{"/agreements", "/agreements/new", "/agreements/new/terms?kind=archive&party=" + string(soren) + "&hosted-name=Harbour"}
	for _, a := range d.all {
		paths = append(paths, path(a.ID), path(a.ID)+"/print", path(a.ID)+"/amend")
		for _, r := range a.Revisions {
			paths = append(paths, path(a.ID)+"?rev="+string(r.Hash))
		}
	}
	for _, d.Lang = range i18n.Languages {
		for _, p := range paths {
			d.Contains(d.Page(200, "GET", p, nil), `<html lang="`+d.Lang+`"`)
		}
	}
}

func TestList(t *testing.T) {
	d := newDesk(t)
	text := d.Page(200, "GET", "/agreements", nil)
	d.Contains(text, "Waiting for us", "Waiting for others", "In force", "Suspended", "Declined", "Taken back", "Ended", "Not signed in time", "New agreement",
		"A change waits for 1 signature", "\u2068Radio Soren\u2069, \u2068Avand News\u2069 and \u2068Baltra Press\u2069", "without an end", "Last day: 2 November 2026")
	if strings.Index(text, "Waiting for us") > strings.Index(text, "In force") {
		t.Error("those to sign do not stand first")
	}

	d.person.Signatory = false
	d.Lacks(d.Page(200, "GET", "/agreements", nil), "/agreements/new")
	d.all = nil
	d.Contains(d.Page(200, "GET", "/agreements", nil), "No agreements yet", "A signatory of your newsroom")
	d.person.Signatory = true
	d.Contains(d.Page(200, "GET", "/agreements", nil), "Choose a template", "/agreements/new")
	d.hidden = map[news.Root]bool{avand: true, soren: true, baltra: true}
	d.Contains(d.Page(200, "GET", "/agreements", nil), "/partners/add")
	d.person.Signatory = false
	d.Lacks(d.Page(200, "GET", "/agreements", nil), "/partners/add")
}

func TestShow(t *testing.T) {
	d := newDesk(t)
	text := d.Page(200, "GET", path(id(1)), nil)
	d.Contains(text, "waits for the answer of \u2068North Agency\u2069", "has compared the fingerprint of \u2068Avand News\u2069", "Darya Avand", "signs for", "prevails",
		`action="/agreements/`+string(id(1))+`/sign"`, `name="revision" value="`+d.hash(1)+`"`, gistOf(terms.RevisionHash(d.hash(1))), "I have read it and sign for", "Decline instead")
	d.Lacks(text, "everything that one of them sends", "/void", "/suspend", "What this text changes")
	text = d.Page(200, "GET", path(id(1))+"?lang=fa", nil)
	d.Contains(text, `<div class="terms" lang="fa" dir="rtl">`, "توافق‌نامهٔ تبادل خبر", "۱۱ دی ۱۴۰۷")
	d.Contains(d.Page(200, "GET", path(id(2)), nil), "An agreement of 4 newsrooms: everything that one of them sends")

	// The text of the agreement keeps to one of its languages; a reader of another gets the one that prevails.
	d.Lang = "fr"
	d.Contains(d.Page(200, "GET", path(id(1)), nil), `<div class="terms" lang="en" dir="ltr">`)
	d.Lang = "fa"
	d.Contains(d.Page(200, "GET", path(id(1)), nil), `<div class="terms" lang="fa" dir="rtl">`)
	d.Lang = "en"

	text = d.Page(200, "GET", path(id(3)), nil)
	d.Contains(text, "/suspend", "/notice", "the last day is \u206822 December 2026\u2069", "A change of this agreement waits for 1 signature", "rev="+d.hash(3))
	text = d.Page(200, "GET", path(id(3))+"?rev="+d.hash(3), nil)
	d.Contains(text, "What this text changes", "<del>Its last day is \u206831 October 2027\u2069.</del>", "<ins>Its last day is \u206831 October 2028\u2069.</ins>", "/void", "reading a proposed change")
	d.Lacks(text, "/suspend", `/sign"`)
	d.Contains(d.Page(200, "GET", path(id(4)), nil), "Signature of \u2068The Harbour Paper\u2069", `name="party" value="2"`, "without a node", `value="Tom Quay"`)
	d.Contains(d.Page(200, "GET", path(id(5)), nil), "Signature entered by \u2068North Agency\u2069: \u2068on paper, 3 November\u2069", ">Resume<", "Suspended: nothing new", "Propose a change")
	d.Contains(d.Page(200, "GET", path(id(6)), nil), "Signed", "1 January 2027")
	d.Contains(d.Page(200, "GET", path(id(7)), nil), "We have no crew that week.", "Take it back")
	d.Contains(d.Page(200, "GET", path(id(8)), nil), "took this text back", "Propose it anew")
	d.Contains(d.Page(200, "GET", path(id(9)), nil), "/agreements/new/terms?like=")
	d.Contains(d.Page(200, "GET", path(id(10)), nil), "Not everybody signed")
	d.Page(404, "GET", path(id(99)), nil)
	d.Page(404, "GET", path(id(1))+"?rev="+d.hash(2), nil)

	d.person.Signatory = false
	text = d.Page(200, "GET", path(id(1)), nil)
	d.Contains(text, "Only people with the role of signatory")
	d.Lacks(text, `/sign"`, "/decline", "/amend")
	d.hidden[soren] = true
	text = d.Page(200, "GET", path(id(2)), nil)
	d.Contains(text, "its root key is not known", "An administrator can add it")
	d.Lacks(text, "/partners/add")
	d.person.Administrator = true
	d.Contains(d.Page(200, "GET", path(id(2)), nil), "its root key is not known", "/partners/add")
}

// TestAuthorsWords shows the text of an author whose program words it otherwise.
func TestAuthorsWords(t *testing.T) {
	d := newDesk(t)
	r := d.all[0].Revisions[0]
	r.Terms.TextHashes = map[news.Lang]string{"en": strings.Repeat("0", 64), "fa": r.Terms.TextHashes["fa"]}
	r.Hash = terms.Hash(r.Terms.Bytes())
	d.all[0].Revisions[0] = r
	d.Contains(d.Page(200, "GET", path(id(1)), nil), "is not what would be signed")
	d.theirs = "1.1 Parties\nA and B.\n"
	text := d.Page(200, "GET", path(id(1)), nil)
	d.Contains(text, "words the text in \u2068English\u2069 differently", "1.1 Parties\nA and B.")
	d.Lacks(text, "is not what would be signed", `class="clauses"`)
	d.Contains(d.Page(200, "GET", path(id(1))+"/print", nil), "A and B.")
	d.Contains(d.Page(200, "GET", path(id(1))+"?lang=fa", nil), `class="clauses"`)
}

func TestPaper(t *testing.T) {
	d := newDesk(t)
	d.Contains(d.Page(200, "GET", path(id(3))+"/print", nil), "paper-page", "Ben Tide", "13 October 2026")
	d.Contains(d.Page(200, "GET", path(id(1))+"/print?lang=fa", nil), `<article class="paper" lang="fa" dir="rtl">`, "خبرگزاری آوند", d.hash(1))
	d.Page(404, "GET", path(id(1))+"/print?rev=nothing", nil)
}

// TestParts asks for what a script keeps current.
func TestParts(t *testing.T) {
	d := newDesk(t)
	for path, part := range map[string]string{"/agreements": "deals", path(id(1)): "signs"} {
		r := httptest.NewRequest("GET", path, nil)
		r.Header.Set("Newspool-Part", part)
		r.AddCookie(&http.Cookie{Name: "newspool-a1a1a1a1", Value: "good"})
		w := httptest.NewRecorder()
		d.Mux.ServeHTTP(w, r)
		d.Contains(w.Body.String(), "Avand News")
		d.Lacks(w.Body.String(), "<html", "<main")
	}
}

func TestAnswers(t *testing.T) {
	d := newDesk(t)
	one, h := path(id(1)), d.hash(1)
	d.Contains(d.Page(422, "POST", one+"/sign", pagetest.Form("revision", h, "name", "Ada North", "office", "chief")), "Confirm that you have read", `value="chief"`)
	d.Contains(d.Page(422, "POST", one+"/sign", pagetest.Form("revision", h, "name", " ", "office", "chief", "read", "yes")), "Say who signs")
	d.Contains(d.Page(422, "POST", one+"/sign", pagetest.Form("revision", h, "name", "Ada", "office", "", "read", "yes")), "in what position")
	d.Page(422, "POST", one+"/sign", pagetest.Form("revision", h, "name", strings.Repeat("a", 500), "office", "x", "read", "yes"))
	d.Page(404, "POST", one+"/sign", pagetest.Form("revision", d.hash(2), "name", "Ada", "office", "chief", "read", "yes"))
	d.goes(one, one+"/sign", pagetest.Form("revision", h, "name", "Ada North", "office", "chief", "read", "yes"))

	d.Contains(d.Page(422, "POST", one+"/decline", pagetest.Form("revision", h, "reason", " ")), "Give a reason", "<details class=\"other\" open>")
	d.goes(one, one+"/decline", pagetest.Form("revision", h, "reason", "Too long."))

	four, h4 := path(id(4)), d.hash(4)
	d.Contains(d.Page(422, "POST", four+"/sign-for", pagetest.Form("revision", h4, "party", "2", "name", "Tom", "office", "publisher")), "how the signature was given", `value="Tom"`)
	d.Page(422, "POST", four+"/sign-for", pagetest.Form("revision", h4, "party", "0", "name", "Tom", "office", "publisher", "how", "paper"))
	d.Page(422, "POST", four+"/sign-for", pagetest.Form("revision", h4, "party", "x", "name", "Tom", "office", "publisher", "how", "paper"))
	d.goes(four, four+"/sign-for", pagetest.Form("revision", h4, "party", "2", "name", "Tom", "office", "publisher", "how", "on paper"))
	d.goes(four, four+"/void", pagetest.Form("revision", h4))

	three := path(id(3))
	current := string(d.all[2].Current.Hash)
	d.goes(three, three+"/suspend", pagetest.Form("revision", current, "on", "yes"))
	d.goes(three, three+"/suspend", pagetest.Form("revision", current, "on", "no"))
	d.Contains(d.Page(422, "POST", three+"/notice", pagetest.Form("revision", current)), "Confirm that the agreement is to end")
	d.goes(three, three+"/notice", pagetest.Form("revision", current, "sure", "yes"))

	want := []string{
		"sign " + h[:8] + " by Ada North, chief", "decline " + h[:8] + ": Too long.", "sign " + h4[:8] + " for 2 by Tom, publisher: on paper", "void " + h4[:8],
		"suspend " + string(id(3)) + " true", "suspend " + string(id(3)) + " false", "notice " + string(id(3)),
	}
	if diff := cmp.Diff(want, d.said); diff != "" {
		t.Error(diff)
	}
	var acts []string
	for _, a := range d.noted {
		acts = append(acts, a.What)
		if a.Who != "p1" || a.From != "192.0.2.7" || a.About == "" || !d.bundle.Printer("en", nil).Has(a.What) {
			t.Errorf("%+v", a)
		}
		if said := d.bundle.Printer("en", nil).Text(a.What, a.Detail); strings.Contains(said, "{") {
			t.Errorf("the audit says %q", said)
		}
	}
	if diff := cmp.Diff([]string{"agreement.act_sign", "agreement.act_decline", "agreement.act_sign_for", "agreement.act_void", "agreement.act_suspend", "agreement.act_resume", "agreement.act_notice"}, acts); diff != "" {
		t.Error(diff)
	}

	d.refuse = fault.New(fault.Conflict, "agreement.answered")
	d.Contains(d.Page(409, "POST", one+"/sign", pagetest.Form("revision", h, "name", "Ada", "office", "chief", "read", "yes")), "has answered already")
	d.Contains(d.Page(409, "POST", three+"/suspend", pagetest.Form("revision", current, "on", "no")), "has answered already")
	d.refuse = fault.New(fault.Internal, "fault.internal")
	d.Page(500, "POST", one+"/sign", pagetest.Form("revision", h, "name", "Ada", "office", "chief", "read", "yes"))
}

// TestWithoutRole tries every page that says something as somebody who is no signatory.
func TestWithoutRole(t *testing.T) {
	d := newDesk(t)
	d.person.Signatory = false
	for _, p := range []string{"/agreements/new", "/agreements/new/terms?kind=wire&party=" + string(soren), path(id(1)) + "/amend"} {
		d.Page(403, "GET", p, nil)
	}
	for _, p := range []string{"/sign", "/sign-for", "/decline", "/void", "/suspend", "/notice", "/amend"} {
		d.Page(403, "POST", path(id(1))+p, pagetest.Form("revision", d.hash(1), "name", "A", "office", "b", "read", "yes", "reason", "c"))
	}
	d.Page(403, "POST", "/agreements/new/terms", pagetest.Form("act", "propose"))
	if len(d.said) > 0 || len(d.noted) > 0 {
		t.Errorf("%v %v", d.said, d.noted)
	}
}

func TestMerge(t *testing.T) {
	for _, c := range []struct{ older, newer, want string }{
		{"a b c", "a b c", "=a =b =c"},
		{"a b c", "a x c", "=a -b +x =c"},
		{"", "a b", "+a +b"},
		{"a b", "", "-a -b"},
		{"a b c", "c", "-a -b =c"},
		{"a b", "b a", "-a =b +a"},
		{"a", "x a y", "+x =a +y"},
	} {
		var got []string
		for _, r := range merge(strings.Fields(c.older), strings.Fields(c.newer)) {
			got = append(got, map[string]string{"same": "=", "new": "+", "old": "-"}[r.Is]+r.Text)
		}
		if strings.Join(got, " ") != c.want {
			t.Errorf("%q → %q: %v, want %s", c.older, c.newer, got, c.want)
		}
	}
}

func TestLastDay(t *testing.T) {
	r := agreement.Revision{Terms: terms.Revision{Zone: "Europe/Oslo", End: "2027-03-28"}}
	a := agreement.Agreement{}
	if got := lastDay(a, r).In(r.Terms.Location()).Format(time.DateOnly); got != "2027-03-28" {
		t.Error(got)
	}
	a.Ends = time.Date(2027, 1, 1, 0, 0, 0, 0, r.Terms.Location())
	if got := lastDay(a, r).In(r.Terms.Location()).Format(time.DateOnly); got != "2026-12-31" {
		t.Error(got)
	}
}

// Beside our own open signature no other terms are offered; once it is taken back they are.
func TestBound(t *testing.T) {
	d := newDesk(t)
	ours := revision(d.draft(11, terms.Wire, nil, ada, darya), day(-2), ada)
	theirs := revision(d.draft(11, terms.Wire, func(r *terms.Revision) { r.Author, r.Number = avand, 2 }, darya, ada), day(-1), darya)
	a := d.add(agreement.ToSign, theirs, ours)
	text := d.Page(200, "GET", path(a.ID), nil)
	d.Contains(text, "Decline instead")
	d.Lacks(text, "/amend")
	a.Revisions[1].Void = day(0)
	d.Contains(d.Page(200, "GET", path(a.ID), nil), "/amend")

	// A change that all have signed and that has not begun yet is the next one, too.
	c, _ := d.Get(id(3))
	d.Lacks(d.Page(200, "GET", path(c.ID), nil), "/amend")
	c.Revisions[0].Closed = day(-1)
	d.Lacks(d.Page(200, "GET", path(c.ID), nil), "/amend")
}
