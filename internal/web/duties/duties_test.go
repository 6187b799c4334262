package duties

import (
	"context"
	"fmt"
	"html/template"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/jba/templatecheck"

	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
)

var (
	avand = news.Root(strings.Repeat("c3", 32))
	north = news.Root(strings.Repeat("a1", 32))
	soren = news.Root(strings.Repeat("b2", 32))

	now = time.Date(2026, 11, 22, 12, 6, 0, 0, time.UTC)
)

func id(domain string, n int) news.ItemID {
	return news.ItemID(fmt.Sprintf("newspool://%s/item/01934f00-0000-7000-8000-%012d", domain, n))
}

// The items of the tests.
var (
	ferry   = id("north.example", 1) // by North, corrected
	budget  = id("north.example", 2) // by North, withdrawn
	paroms  = id("avand.example", 3) // our translation of ferry
	draft   = id("avand.example", 4) // our draft, made from budget
	storm   = id("avand.example", 5) // our own, from which partners made something
	noticed = id("soren.example", 6) // by Soren, who says that a source of it has changed
)

// desk is the newsroom of Avand, with everything that the pages ask.
type desk struct {
	person page.Person
	items  map[news.ItemID]library.Item
	texts  map[news.ItemID][]news.Story
	duties []lineage.Duty
	made   []lineage.Made
	uses   []lineage.Use
	denied map[terms.Act]bool
	acts   []string
}

func newDesk() *desk {
	d := &desk{
		person: page.Person{ID: "p1", Name: "Ilse Maren", Editor: true}, items: map[news.ItemID]library.Item{}, texts: map[news.ItemID][]news.Story{},
		denied: map[terms.Act]bool{},
	}
	add := func(item news.ItemID, origin news.Root, state news.State, lang news.Lang, headline string, classes []news.Class, bodies ...string) {
		row := library.Row{Item: item, Origin: origin, Own: origin == avand, State: state, Lang: lang, Headline: headline, Version: len(classes)}
		it := library.Item{Row: row}
		for i, c := range classes {
			it.History = append(it.History, library.VersionInfo{Number: i + 1, Class: c, Note: fmt.Sprintf("Note %d.", i+1)})
		}
		for _, body := range bodies {
			d.texts[item] = append(d.texts[item], news.Story{Type: news.Text, Lang: lang, Headline: headline, Slug: "FERRY", Byline: "Ilse Maren", Dateline: "BALTRA", Body: body, Credit: "Theirs", Media: []news.Media{{ID: "m"}}})
		}
		d.items[item] = it
	}
	add(ferry, north, news.Usable, "en", "Ferry crews end strike", []news.Class{news.First, news.Correction}, "<p>About 1,400 passengers.</p>", "<p>About 14,000 passengers.</p>")
	add(budget, north, news.Withdrawn, "en", "Ministry to double subsidies", []news.Class{news.First, news.Withdrawal}, "<p>A draft shows.</p>")
	add(paroms, avand, news.Usable, "fa", "اعتصاب پایان یافت", []news.Class{news.First}, "<p>حدود ۱٬۴۰۰ مسافر.</p>")
	add(draft, avand, news.Unreleased, "fa", "دو برابر شدن یارانه", []news.Class{news.First}, "<p>پیش‌نویس نشان می‌دهد.</p>")
	add(storm, avand, news.Usable, "fa", "توفان در راه است", []news.Class{news.First, news.Correction}, "<p>توفان.</p>", "<p>توفان سخت.</p>")
	add(noticed, soren, news.Usable, "ru", "Мост закрыт", []news.Class{news.First}, "<p>Мост закрыт.</p>")
	d.made = []lineage.Made{{Item: paroms, Source: ferry, Version: 1, How: lineage.Translation, At: now.Add(-time.Hour)}, {Item: draft, Source: budget, Version: 1, How: lineage.Edit, At: now.Add(-time.Hour)}}
	d.duties = []lineage.Duty{
		{N: 2, Item: draft, Source: budget, Version: 2, Had: 1, Class: news.Withdrawal, Raised: now.Add(-40 * time.Minute), Due: now.Add(-10 * time.Minute)},
		{N: 1, Item: paroms, Source: ferry, Version: 2, Had: 1, Class: news.Correction, Raised: now.Add(-5 * time.Minute), Due: now.Add(25 * time.Minute)},
	}
	d.uses = []lineage.Use{{Partner: north, What: lineage.Translation, Lang: "en", Version: 1, At: now.Add(-time.Hour), Acts: []lineage.Act{
		{Version: 2, Class: news.Correction, Due: now.Add(-time.Minute), Made: 3, Acted: 2},
		{Class: news.Correction, Notice: true, Answer: lineage.NotAffected, Why: "Not in ours.", At: now},
	}}}
	return d
}

func (d *desk) Item(_ context.Context, item news.ItemID) (library.Item, error) {
	it, ok := d.items[item]
	if !ok {
		return it, fault.New(fault.NotFound, "fault.not_found")
	}
	return it, nil
}

func (d *desk) Version(_ context.Context, item news.ItemID, n int) (news.Story, error) {
	it := d.items[item]
	if it.State == news.Withdrawn && !it.Own {
		return news.Story{}, fault.New(fault.Gone, "library.withdrawn")
	}
	if n < 1 || n > len(d.texts[item]) {
		return news.Story{}, fault.New(fault.NotFound, "fault.not_found")
	}
	return d.texts[item][n-1], nil
}

func (d *desk) find(ok func(lineage.Made) bool) (out []lineage.Made, err error) {
	for _, m := range d.made {
		if ok(m) {
			out = append(out, m)
		}
	}
	return out, nil
}

func (d *desk) Sources(_ context.Context, item news.ItemID) ([]lineage.Made, error) {
	return d.find(func(m lineage.Made) bool { return m.Item == item })
}

func (d *desk) Derived(_ context.Context, source news.ItemID) ([]lineage.Made, error) {
	return d.find(func(m lineage.Made) bool { return m.Source == source })
}

func (d *desk) Open(context.Context) (out []lineage.Duty, err error) {
	for _, one := range d.duties {
		if one.Answer == "" {
			out = append(out, one)
		}
	}
	return out, nil
}

func (d *desk) Duties(_ context.Context, item news.ItemID) (out []lineage.Duty, err error) {
	for _, one := range d.duties {
		if one.Item == item {
			out = append(out, one)
		}
	}
	return out, nil
}

func (d *desk) Answer(_ context.Context, by news.PersonID, duty int64, a lineage.Answer, why string) error {
	if len(why) > 100 {
		return fault.New(fault.Invalid, "lineage.why_long", "n", 100)
	}
	d.acts = append(d.acts, fmt.Sprintf("%s answers %d: %s %q", by, duty, a, why))
	return nil
}

func (d *desk) Uses(_ context.Context, item news.ItemID) ([]lineage.Use, error) {
	if item == storm {
		return d.uses, nil
	}
	return nil, nil
}

func (d *desk) Noticed(_ context.Context, item news.ItemID) (time.Time, news.Class, bool, error) {
	return now.Add(-time.Minute), news.Correction, item == noticed, nil
}

func (d *desk) Permitted(_ context.Context, item library.Item, act terms.Act) (terms.AgreementID, string, error) {
	if d.denied[act] {
		return "", "", fault.New(fault.Denied, "terms.no.translate", "clause", "4.2", "partner", "North Agency")
	}
	if item.Lang == "fa" {
		return "ag", "خبرگزاری شمال", nil
	}
	return "ag", "North Agency", nil
}

var names = map[news.Root]string{north: "North Agency", soren: "Radio Soren", avand: "Avand News"}

func (d *desk) Newsroom(_ context.Context, _ string) (page.Newsroom, error) {
	return page.Newsroom{Root: avand, Name: names[avand], Lang: "fa", Mark: page.NewMark(names[avand], avand, true)}, nil
}

// directory names the newsrooms of the tests.
type directory struct{}

func (directory) Newsroom(root news.Root, _ string) Newsroom {
	return Newsroom{Name: names[root], Mark: page.NewMark(names[root], root, root == avand)}
}

func (directory) Holders(context.Context, news.ItemID) ([]news.Root, error) {
	return []news.Root{north, soren}, nil
}

func (d *desk) Links(context.Context, string) ([]page.Link, error) { return nil, nil }

func (d *desk) Counts(context.Context, page.Person) (map[string]int, error) { return nil, nil }

func (d *desk) Person(context.Context, string) (page.Person, error) { return d.person, nil }

// start serves the pages, and a page that shows what stands around an item.
func start(t *testing.T, d *desk, lang string) (*pagetest.Reader, *Family) {
	t.Helper()
	b, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	shell, err := page.New(page.Options{
		Bundle: b, Root: avand, House: d, Sessions: d, Clock: func() time.Time { return now },
		Nav: []page.Entry{{Name: "wire", Href: "/wire"}, {Name: "duties", Href: "/duties", Key: "g d"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	f, err := New(Options{Shell: shell, Lineage: d, Library: d, Rules: d, Directory: directory{}})
	if err != nil {
		t.Fatal(err)
	}
	mux := http.NewServeMux()
	f.Routes(mux)
	return &pagetest.Reader{T: t, Mux: mux, Root: avand, Token: "good", Lang: lang}, f
}

// visit calls something of a family as it is called by a page of the wire.
func visit(t *testing.T, f *Family, method, lang string, fn func(r *http.Request)) {
	t.Helper()
	r := httptest.NewRequest(method, "/", nil)
	r.Header.Set("Accept-Language", lang)
	r.AddCookie(&http.Cookie{Name: "newspool-c3c3c3c3", Value: "good"})
	f.o.Shell.Open(func(_ http.ResponseWriter, r *http.Request) error { fn(r); return nil }).ServeHTTP(httptest.NewRecorder(), r)
}

// around gives what stands around an item, the parts one after another.
func around(t *testing.T, d *desk, f *Family, item news.ItemID, own bool) (p page.ItemParts) {
	t.Helper()
	visit(t, f, http.MethodGet, "en", func(r *http.Request) {
		var err error
		if p, err = f.Around(r, d.items[item], own); err != nil {
			t.Fatal(err)
		}
	})
	for _, part := range []*template.HTML{&p.Acts, &p.Made, &p.Strips, &p.Beside, &p.Answer, &p.Board} {
		*part = template.HTML(strings.NewReplacer("\u2068", "", "\u2069", "").Replace(string(*part))) // isolates of names
	}
	pagetest.Check(t, string(item), "<main>"+string(p.Acts+p.Made+p.Strips+p.Beside+p.Answer+p.Board)+"</main>")
	return p
}

func TestList(t *testing.T) {
	d := newDesk()
	b, _ := start(t, d, "en")
	text := b.Page(200, "GET", "/duties", nil)
	b.Contains(text, "late: 10 min", "25 min left", "12:31", "Ferry crews end strike", "Note 2.", "اعتصاب پایان یافت")
	if strings.Index(text, "late: 10 min") > strings.Index(text, "25 min left") {
		t.Error("what is late does not stand first")
	}
	if !strings.Contains(text, `<li class="late">`) {
		t.Error("what is late is not marked")
	}
	d.duties = nil
	b.Contains(b.Page(200, "GET", "/duties", nil), "Nothing to act on")
	for _, lang := range i18n.Languages {
		d := newDesk()
		b, _ := start(t, d, lang)
		b.Contains(b.Page(200, "GET", "/duties", nil), `lang="`+lang+`"`)
	}
	d.person.Editor = false
	b.Page(403, "GET", "/duties", nil)
}

// A newer change of a source is answered for the older ones too: they stand in one line, with the time that ends first.
func TestWaiting(t *testing.T) {
	due := now.Add(time.Minute)
	got := Waiting([]lineage.Duty{
		{N: 1, Item: paroms, Source: ferry, Due: due}, {N: 2, Item: paroms, Source: ferry, Due: due.Add(time.Hour)}, {N: 3, Item: draft, Source: budget},
		{N: 4, Item: paroms, Source: ferry, Answer: lineage.Applied}, {N: 5, Item: draft, Source: ferry, Due: now},
	})
	var n []int64
	for _, d := range got {
		n = append(n, d.N)
	}
	if want := []int64{5, 2, 3}; !slices.Equal(n, want) || !got[1].Due.Equal(due) {
		t.Errorf("%v (due %v), want %v", n, got[1].Due, want)
	}
}

func TestAround(t *testing.T) {
	d := newDesk()
	b, f := start(t, d, "en")
	p := around(t, d, f, paroms, true)
	b.Contains(string(p.Made), "Translated from", "Ferry crews end strike", "version 1", "North Agency")
	b.Contains(string(p.Strips), "North Agency corrected the source", "Note 2.", "To be answered by")
	b.Contains(string(p.Beside), "<del>1,400</del>", "<ins>14,000</ins>", `lang="en" dir="ltr"`)
	b.Contains(string(p.Answer), `name="duty" value="1"`, "/correct?duty=1", "/withdraw?duty=1")
	p = around(t, d, f, paroms, false)
	b.Contains(string(p.Strips), "?duty=1", "See and answer")
	if p.Beside != "" || p.Answer != "" {
		t.Error("the preview has texts and forms")
	}
	// Of a withdrawn source nothing can be compared; a draft is not withdrawn but dropped.
	p = around(t, d, f, draft, true)
	b.Contains(string(p.Strips), "North Agency withdrew the source", "An answer was due by", `class="strip gone duty"`)
	b.Contains(string(p.Answer), `value="removed"`, "/edit?duty=2")
	b.Lacks(string(p.Answer), "/withdraw")
	if p.Beside != "" {
		t.Errorf("what was withdrawn is shown: %s", p.Beside)
	}
	// What was answered stands below.
	d.duties[1].Answer, d.duties[1].Why, d.duties[1].Answered = lineage.Refused, "It is history.", now
	p = around(t, d, f, paroms, true)
	b.Contains(string(p.Strips), "1 earlier change", "not acted on", "It is history.")
	if p.Answer != "" {
		t.Error("what was answered is asked again")
	}
	// Received: the acts, what we made from it, and what its newsroom has told.
	p = around(t, d, f, ferry, true)
	b.Contains(string(p.Acts), "how=translation", "how=shortened", "how=edit", `data-key="t"`)
	b.Contains(string(p.Board), "Translation into Persian", "اعتصاب پایان یافت", "not acted on")
	b.Contains(string(around(t, d, f, noticed, true).Strips), "Radio Soren told us")
	d.denied[terms.Translate] = true
	b.Lacks(string(around(t, d, f, ferry, true).Acts), "how=translation")
	if p = around(t, d, f, budget, true); p.Acts != "" {
		t.Error("something can be made from what was withdrawn")
	}
	d.person.Editor = false
	p = around(t, d, f, draft, true)
	if p.Acts != "" || p.Answer != "" || p.Strips == "" {
		t.Error("who is no editor is asked to act, or is not told")
	}
}

func TestBoard(t *testing.T) {
	d := newDesk()
	b, f := start(t, d, "en")
	p := around(t, d, f, storm, true)
	b.Contains(string(p.Board), "North Agency", "Translation into English", "from version 1", "No answer yet. An answer was due by", `class="then late"`,
		"Beyond North Agency: 3 made from it, 2 of them answered.", "not affected", "Not in ours.", "as far as they have told:", "Radio Soren")
	b.Lacks(string(p.Acts), "how=edit")
	d.uses = nil
	if p = around(t, d, f, storm, true); p.Board != "" {
		t.Error("there is a board of nothing")
	}
}

func TestAnswer(t *testing.T) {
	d := newDesk()
	b, _ := start(t, d, "en")
	path := page.ItemPath(paroms)
	text := b.Page(422, "POST", path+"/answer", pagetest.Form("duty", "1", "answer", "refused", "why", " "))
	b.Contains(text, "Say why the item stays", `aria-invalid="true"`, "<del>1,400</del>", "حدود ۱٬۴۰۰ مسافر")
	long := strings.Repeat("long ", 30)
	b.Contains(b.Page(422, "POST", path+"/answer", pagetest.Form("duty", "1", "answer", "refused", "why", long)), strings.TrimSpace(long))
	b.Contains(b.Page(200, "GET", path+"/answer?duty=1", nil), `name="duty" value="1"`)
	b.Page(404, "GET", path+"/answer?duty=2", nil)
	b.Page(404, "POST", path+"/answer", pagetest.Form("duty", "2", "answer", "refused", "why", "x"))
	b.Page(409, "POST", path+"/answer", pagetest.Form("duty", "1", "answer", "removed"))
	b.Page(422, "POST", path+"/answer", pagetest.Form("duty", "1", "answer", "applied"))
	if len(d.acts) > 0 {
		t.Errorf("kept: %q", d.acts)
	}
	b.Goes(path, path+"/answer", pagetest.Form("duty", "1", "answer", "not-affected", "why", "No figure in it."))
	b.Goes(page.ItemPath(draft), page.ItemPath(draft)+"/answer", pagetest.Form("duty", "2", "answer", "removed"))
	if want := []string{`p1 answers 1: not-affected "No figure in it."`, `p1 answers 2: removed ""`}; !slices.Equal(d.acts, want) {
		t.Errorf("%q, want %q", d.acts, want)
	}
	d.person.Editor = false
	b.Page(403, "POST", path+"/answer", pagetest.Form("duty", "1", "answer", "refused", "why", "x"))
}

func TestBegin(t *testing.T) {
	d := newDesk()
	_, f := start(t, d, "en")
	begin := func(method string, m lineage.Made, item news.ItemID, duty int64) (b page.Beginning, err error) {
		visit(t, f, method, "en", func(r *http.Request) { b, err = f.Begin(r, m, item, duty) })
		return b, err
	}
	b, err := begin("GET", lineage.Made{Source: ferry, How: lineage.Translation}, "", 0)
	s := b.Story
	if err != nil || b.Version != 2 || s.Headline+s.Body != "" || s.Lang != "fa" || s.Slug != "FERRY" || s.Credit != "خبرگزاری شمال" || len(s.Media) > 0 {
		t.Errorf("a translation begins with %+v (%v)", b, err)
	}
	if !strings.Contains(string(b.Beside), "14,000") || !strings.Contains(string(b.Beside), `dir="ltr"`) {
		t.Errorf("beside it stands %s", b.Beside)
	}
	if b, err = begin("GET", lineage.Made{Source: ferry, How: lineage.Shortened}, "", 0); err != nil || b.Story.Headline != "Ferry crews end strike" || b.Story.Credit != "North Agency" || b.Story.Lang != "en" {
		t.Errorf("a short version begins with %+v (%v)", b, err)
	}
	if b, err = begin("POST", lineage.Made{Source: ferry, How: lineage.Edit, Version: 1}, "", 0); err != nil || b.Wrong == "" || b.Version != 2 {
		t.Errorf("that the source has changed meanwhile is not said: %+v (%v)", b, err)
	}
	if _, err = begin("GET", lineage.Made{Source: budget, How: lineage.Edit}, "", 0); !fault.Is(err, fault.Conflict) {
		t.Errorf("from a withdrawn source: %v", err)
	}
	d.denied[terms.Translate] = true
	if _, err = begin("GET", lineage.Made{Source: ferry, How: lineage.Translation}, "", 0); !fault.Is(err, fault.Denied) {
		t.Errorf("what no agreement permits: %v", err)
	}
	if b, err = begin("POST", lineage.Made{Source: ferry, How: lineage.Translation, Version: 2}, "", 0); err != nil || !strings.Contains(b.Wrong, "4.2") {
		t.Errorf("what was typed is lost, or the clause is not named: %+v (%v)", b, err)
	}
	if b, err = begin("GET", lineage.Made{}, paroms, 1); err != nil || !strings.Contains(string(b.Beside), "<ins>14,000</ins>") {
		t.Errorf("beside a correction stands %+v (%v)", b, err)
	}
	for _, duty := range []int64{0, 2, 99} {
		if b, err = begin("GET", lineage.Made{}, paroms, duty); err != nil || b.Beside != "" {
			t.Errorf("duty %d: %+v (%v)", duty, b, err)
		}
	}
}

func TestTemplates(t *testing.T) {
	_, f := start(t, newDesk(), "en")
	for _, err := range []error{
		templatecheck.CheckHTML(f.list, listPage{}), templatecheck.CheckHTML(f.answer, answerPage{}), templatecheck.CheckHTML(f.answer.Lookup("part:from"), fromView{}),
		templatecheck.CheckHTML(f.answer.Lookup("part:strips"), stripsView{}), templatecheck.CheckHTML(f.answer.Lookup("part:board"), boardView{}),
		templatecheck.CheckHTML(f.answer.Lookup("part:source"), sourceView{}), templatecheck.CheckHTML(f.answer.Lookup("part:beside"), dutyView{}), templatecheck.CheckHTML(f.answer.Lookup("part:acts"), []act{}),
	} {
		if err != nil {
			t.Error(err)
		}
	}
	if _, err := New(Options{}); err == nil {
		t.Error("a family without its parts is made")
	}
}
