package agreements

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/terms"
)

const newTerms = "/agreements/new/terms"

// begin opens the editor for these parties and gives its fields, with a signatory for each party.
func (d *desk) begin(kind terms.Kind, more string, roots ...news.Root) url.Values {
	d.T.Helper()
	to := newTerms + "?kind=" + string(kind) + more
	for _, r := range roots {
		to += "&party=" + string(r)
	}
	v := fields(d.T, d.Page(200, "GET", to, nil))
	for i := range len(roots) + 2 {
		if v.Has(at("p", i, "signer")) {
			v.Set(at("p", i, "signer"), "Ada North")
			v.Set(at("p", i, "office"), "chief")
		}
	}
	return v
}

// press sends the fields with a button, and gives the page that comes.
func (d *desk) press(status int, to string, v url.Values, act string) (text string, next url.Values) {
	d.T.Helper()
	v.Set("act", act)
	text = d.Page(status, "POST", to, v)
	return text, fields(d.T, text)
}

// propose shows the text, ticks and proposes.
func (d *desk) propose(to string, v url.Values) {
	d.T.Helper()
	_, v = d.press(200, to, v, "show")
	v.Set("name", "Ada North")
	v.Set("office", "chief")
	v.Set("read", "yes")
	v.Set("act", "propose")
	d.goes("/agreements/", to, v)
}

// TestThereAndBack opens the editor with terms, changes nothing, and gets the same terms.
func TestThereAndBack(t *testing.T) {
	d := newDesk(t)
	for _, kind := range terms.Kinds {
		d.propose(newTerms, d.begin(kind, "", soren, avand))
		want := terms.Template(kind, partyOf(north, "Ada North", "chief"), partyOf(soren, "Ada North", "chief"), partyOf(avand, "Ada North", "chief"))
		want.Agreement, want.Zone, want.SignBy, want.TextHashes = d.last.Agreement, "Europe/Oslo", "2026-12-22", d.last.TextHashes
		want.Languages = d.last.Languages // in the order of the six
		if diff := cmp.Diff(want, d.last, cmpopts.IgnoreUnexported(terms.Revision{})); diff != "" {
			t.Errorf("%s: %s", kind, diff)
		}
	}

	for _, a := range d.all {
		for _, r := range a.Revisions {
			to := path(a.ID) + "/amend?rev=" + string(r.Hash)
			d.propose(to, fields(t, d.Page(200, "GET", to, nil)))
			want := d.Complete(head(r.Terms, a))
			want.SignBy, want.Author, want.TextHashes = "2026-12-22", north, d.last.TextHashes
			if diff := cmp.Diff(want, d.last, cmpopts.IgnoreUnexported(terms.Revision{})); diff != "" {
				t.Errorf("%s: %s", a.ID, diff)
			}
			for _, c := range terms.Compare(r.Terms, d.last) {
				if c.Clause != "1.5" { // who proposes, and until when it is signed
					t.Errorf("%s: clause %s changed by nothing", a.ID, c.Clause)
				}
			}
		}
	}
}

func TestPropose(t *testing.T) {
	d := newDesk(t)
	v := d.begin(terms.Wire, "", soren)
	text, v := d.press(200, newTerms, v, "show")
	d.Contains(text, "Read and propose", "Agreement on the exchange of news", `lang="ru" dir="ltr"`, `name="seen"`, "Change the terms")
	d.Lacks(text, "everything that one of them sends")
	shown := v.Get("seen")

	v.Set("name", "Ada North")
	v.Set("office", "chief")
	text, _ = d.press(422, newTerms, v, "propose")
	d.Contains(text, "Confirm that you have read")
	v.Set("read", "yes")
	v.Set("office", "")
	text, _ = d.press(422, newTerms, v, "propose")
	d.Contains(text, "in what position", `value="Ada North"`)

	v.Set("office", "chief")
	v.Set("notice_days", "۹۰")
	text, next := d.press(409, newTerms, v, "propose")
	d.Contains(text, "were changed after their text was shown", "with 90 days")
	if len(d.said) > 0 || next.Get("seen") == shown {
		t.Errorf("%v: a text was proposed that nobody saw", d.said)
	}

	next.Set("read", "yes")
	d.refuse = fault.New(fault.Conflict, "agreement.open_signature")
	text, next = d.press(409, newTerms, next, "propose")
	d.Contains(text, "already bears our signature")
	d.refuse = nil
	next.Set("read", "yes")
	next.Set("act", "propose")
	d.goes(path(d.last.Agreement)+"?rev=", newTerms, next)
	if d.last.NoticeDays != 90 || d.last.Number != 1 || d.last.Predecessor != "" || len(d.said) != 1 || len(d.noted) != 1 || d.noted[0].What != "agreement.act_propose" {
		t.Errorf("%v %v %+v", d.said, d.noted, d.last)
	}

	next.Set("agreement", string(id(1)))
	d.Page(409, "POST", newTerms, next)
	text, _ = d.press(200, newTerms, d.begin(terms.Pool, "", soren, avand), "show")
	d.Contains(text, "An agreement of 3 newsrooms: everything that one of them sends")
}

func TestAmend(t *testing.T) {
	d := newDesk(t)
	a, _ := d.Get(id(3))
	to := path(a.ID) + "/amend?rev=" + string(a.Current.Hash)
	text := d.Page(200, "GET", to, nil)
	d.Contains(text, "What is in force stays so", "Flow 2.1")
	v := fields(t, text)
	_, v = d.press(200, to, v, "flow-add")
	v.Set("f1-types", "video")
	_, v = d.press(200, to, v, "flow-drop:0")
	v["publish"] = []string{"web"}
	text, v = d.press(200, to, v, "show")
	d.Contains(text, "What this text changes", "<del>It may publish in", "<ins>It may publish in \u2068web\u2069.</ins>", "2.2")
	v.Set("read", "yes")
	v.Set("act", "propose")
	d.goes(path(a.ID), to, v)
	if d.last.Number != 3 || d.last.Predecessor != a.Current.Hash || d.last.Agreement != a.ID || d.last.Flows[0].Clause != "2.2" {
		t.Errorf("%+v", d.last)
	}
	d.Page(404, "GET", path(id(3))+"/amend?rev=none", nil)
}

func TestRows(t *testing.T) {
	d := newDesk(t)
	v := d.begin(terms.Wire, "&hosted-name=Harbour+Paper&hosted-domain=Harbour.example&hosted-kind=newspaper", soren)
	if v.Get("p2-domain") != "harbour.example" || v.Get("p2-host") != string(north) || v.Get("p2-name-en") != "Harbour Paper" {
		t.Errorf("%v", v)
	}
	v.Set("party_new", string(baltra))
	text, v := d.press(200, newTerms, v, "party-add")
	d.Contains(text, "Baltra Press")
	_, v = d.press(200, newTerms, v, "party-drop:1")
	if v.Get("parties") != "3" || v.Get("p1-domain") != "harbour.example" || v.Get("p2-root") != string(baltra) {
		t.Errorf("%v", v)
	}
	_, v = d.press(200, newTerms, v, "party-drop:0") // ourselves: stays
	_, v = d.press(200, newTerms, v, "party-host")
	if v.Get("parties") != "4" || v.Get("p0-root") != string(north) {
		t.Errorf("%v", v)
	}
	_, v = d.press(200, newTerms, v, "party-drop:3")
	_, v = d.press(200, newTerms, v, "flow-add")
	v.Set("f1-from", string(baltra))
	v.Set("f1-any", "ferry, strike ، اعتصاب")
	v.Set("f1-topics", "medtop:15000000")
	v.Set("f1-more", "medtop:20000574, desk:12")
	v.Set("f1-umax", "3")
	v.Set("f1-source", "search")
	v.Set("f1-years_from", "1960")
	_, v = d.press(200, newTerms, v, "commitment-add")
	_, v = d.press(200, newTerms, v, "commitment-drop:0")
	v.Set("p2-signer", "Ben Tide")
	v.Set("p2-office", "publisher")
	v.Set("p1-signer", "Tom Quay")
	v.Set("p1-office", "publisher")
	v.Set("regions", "fr, ir")
	v.Set("media", "0.5")
	text, v = d.press(200, newTerms, v, "show")
	d.Contains(text, "Items of the archive, written", "sport")
	d.propose(newTerms, v)
	r := d.last
	want := terms.Flow{
		Clause: "2.2", From: []news.Root{baltra}, Subjects: []string{"medtop:15000000", "medtop:20000574", "desk:12"}, UrgencyMax: 3,
		Words: terms.WordTerms{Any: []string{"ferry", "strike", "اعتصاب"}}, Archive: terms.Archive{From: 1960, SearchOnly: true},
	}
	if diff := cmp.Diff(want, r.Flows[1]); diff != "" {
		t.Error(diff)
	}
	if !slices.Equal(r.Uses.Regions, []string{"FR", "IR"}) || r.Ceilings.Media != 500_000 || r.Parties[1].Root != "" || r.Parties[1].Host != north || len(r.Commitments) != 1 {
		t.Errorf("%+v", r)
	}
	for _, act := range []string{"flow-drop:99", "flow-drop:x", "party-drop:-1", "commitment-drop:7", "party-add"} {
		v.Set("party_new", "nobody")
		d.press(200, newTerms, v, act)
	}
}

// TestOwnNode lets a party without a node become one with a node.
func TestOwnNode(t *testing.T) {
	d := newDesk(t)
	a, _ := d.Get(id(5))
	to := path(a.ID) + "/amend"
	a.Current.Terms.Parties[2].Domain = "baltra.example"
	text := d.Page(200, "GET", to, nil)
	v := fields(t, text)
	d.Contains(text, "has a node of its own by now")
	v.Set("p2-node", string(baltra))
	d.propose(to, v)
	if p := d.last.Parties[2]; p.Root != baltra || p.Host != "" || p.Names["en"] != "Baltra Press" {
		t.Errorf("%+v", p)
	}
	v.Set("p2-node", string(avand)) // another domain: not taken
	d.propose(to, v)
	if p := d.last.Parties[2]; p.Root != "" || p.Host != north {
		t.Errorf("%+v", p)
	}
}

// TestSameParties changes what is in force: who takes part cannot be changed there, and is not offered.
func TestSameParties(t *testing.T) {
	d := newDesk(t)
	to := path(id(5)) + "/amend"
	text := d.Page(200, "GET", to, nil)
	d.Contains(text, "The parties cannot be changed while the agreement is running", `name="p2-name-en"`, `<input type="hidden" name="p2-domain" value="harbour.example">`)
	d.Lacks(text, "party-add", "party-host", "party-drop", `id="at-parties-2-domain"`)
	v := fields(t, text)
	v.Set("party_new", string(baltra))
	for _, act := range []string{"party-add", "party-host", "party-drop:1"} {
		if _, next := d.press(200, to, v, act); next.Get("parties") != "3" || next.Get("p1-root") != string(soren) {
			t.Errorf("%s: %v", act, next)
		}
	}
	v.Set("parties", "2")
	text, _ = d.press(422, to, v, "propose")
	d.Contains(text, `role="alert"`)
	d.Lacks(text, `name="seen"`)

	// Before there is anything in force everything is open.
	d.Contains(d.Page(200, "GET", path(id(1))+"/amend", nil), "party-add", "party-host", "party-drop:0")
}

func TestProblems(t *testing.T) {
	d := newDesk(t)
	v := d.begin(terms.Wire, "", soren)
	v.Set("p1-office", "")
	v.Set("notice_days", "many")
	v.Set("f0-more", "no such subject")
	v.Set("f0-any", "…")
	v.Set("sign_by", "")
	v.Set("regions", "XX")
	v.Set("corrections", "0")
	v.Set("zone", "Nowhere/Town")
	text, _ := d.press(200, newTerms, v, "show")
	d.Contains(text, "8 things have to be put right", `id="at-notice-days-error">Write a number.`, `id="at-parties-1-signatory-error">Say who signs`, `id="at-flows-0-subjects-error"`,
		"\u2068no such subject\u2069", `id="at-flows-0-words-any-error"`, `<details class="further" open>`, `id="at-sign-by-error"`, `id="at-uses-regions-error"`, `id="at-zone-error"`, `value="many"`,
		"Radio Soren, Who signs</a>: ")
	d.Lacks(text, `name="seen"`)
	_, _ = d.press(422, newTerms, v, "propose")

	// Warnings do not stand in the way.
	v = d.begin(terms.Wire, "", soren)
	v.Set("notice_days", "0")
	v.Set("purpose-ru", "")
	text, v = d.press(200, newTerms, v, "show")
	d.Contains(text, "You can propose it like this", "at any moment", `name="seen"`)
	d.propose(newTerms, v)

	v = d.begin(terms.Wire, "", soren)
	v.Set("p1-root", string(news.Root(strings.Repeat("9", 64))))
	text, _ = d.press(200, newTerms, v, "show")
	d.Contains(text, "We do not know this newsroom")
	v.Set("p0-root", string(soren))
	v.Set("p1-root", string(avand))
	text, _ = d.press(200, newTerms, v, "show")
	d.Contains(text, "The author must be one of the parties")
	if len(d.said) != 1 {
		t.Error(d.said)
	}
}

func TestChoose(t *testing.T) {
	d := newDesk(t)
	d.Contains(d.Page(200, "GET", "/agreements/new", nil), "Avand News", "Radio Soren", `value="wire" checked`)
	d.Contains(d.Page(422, "GET", newTerms+"?kind=pool", nil), "Choose at least one newsroom", `value="pool" checked`)
	d.Page(404, "GET", newTerms+"?kind=pool&party=nobody", nil)
	d.Page(404, "GET", newTerms+"?like=nothing", nil)
	text := d.Page(200, "GET", newTerms+"?like="+d.hash(9), nil)
	if v := fields(t, text); v.Get("agreement") == string(id(9)) || v.Get("p1-root") != string(baltra) {
		t.Errorf("%v", v)
	}
	d.hidden = map[news.Root]bool{avand: true, soren: true, baltra: true}
	d.Contains(d.Page(200, "GET", "/agreements/new", nil), "/partners/add")
}

// FuzzEditor sends anything to the editor: it answers, and never proposes without the tick.
func FuzzEditor(f *testing.F) {
	f.Add("act=show&parties=2&p0-root=x&flows=1&f0-more=a")
	f.Add("act=flow-drop:0&flows=99999999&f0-=1&f-1-x=2&f=3")
	f.Add("act=propose&parties=-1&langs=en&purpose-=x&credit-%ff=%00")
	f.Add("act=commitment-drop:0&commitments=2&c0-text-en=&c1-clause=8.9999999999999999999")
	d := newDesk(f)
	f.Fuzz(func(t *testing.T, query string) {
		d.T = t
		v, err := url.ParseQuery(query)
		if err != nil {
			return
		}
		v.Del("read")
		for _, to := range []string{newTerms, path(id(3)) + "/amend"} {
			resp := d.Send("POST", to, v)
			if resp.StatusCode >= 500 {
				t.Errorf("%s: %s", to, resp.Status)
			}
		}
		if len(d.said) > 0 {
			t.Error(d.said)
		}
	})
}
