package nodetest

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp/kb"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/web/page"
)

// password is everybody's in these tests.
const password = "harbour-light-4711"

// signer signs for every newsroom here.
var signer = agreement.Signer{Name: "A. Chief", Office: "Editor in chief"}

// reader is a person with a desk and a language.
type reader struct {
	*House
	login string
	lang  string
	theme string
}

// employ gives a newsroom a person with these roles who reads its desk in a language.
func employ(t *testing.T, h *House, login, lang, theme string, roles ...people.Role) reader {
	t.Helper()
	p, err := h.People.Create(context.Background(), people.Operator(), people.NewPerson{Login: login, Name: login, Language: news.Lang(lang), Roles: roles, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	if err := h.People.SetPreferences(context.Background(), p.ID, func(c *people.Preferences) error {
		c.Language, c.Theme = news.Lang(lang), people.Theme(theme)
		return nil
	}); err != nil {
		t.Fatal(err)
	}
	return reader{h, login, lang, theme}
}

// says is a text of the desk in the reader's language.
func (r reader) says(key string, args ...any) string {
	return r.Bundle.Printer(r.lang, time.UTC).T(key, args...)
}

// signIn signs the reader in.
func (b *tab) signIn(r reader) {
	b.t.Helper()
	b.visit("/signin")
	b.fill("#login", r.login)
	b.fill("#password", password)
	b.follow(".door-card button.pri")
	b.wait("the wire is there", `location.pathname === "/wire"`)
}

// three starts the newsrooms of the browser tests with what crosses between them: everything between North and Avand, and
// between North and Soren.
func three(t *testing.T) (north, soren, avand *House) {
	t.Helper()
	north, soren, avand = Start(t, North()), Start(t, Soren()), Start(t, Avand())
	Meet(north, soren)
	Meet(north, avand)
	rev := Terms(north, avand)
	noSport(&rev)
	Agree(rev, north, avand)
	Agree(Terms(north, soren), north, soren)
	return north, soren, avand
}

// arrived waits until a newsroom has a version of a story.
func arrived(t *testing.T, h *House, item news.ItemID, version int) {
	t.Helper()
	Wait(t, "the story is at "+h.Domain, func() bool {
		it, err := h.Library.Item(context.Background(), item)
		return err == nil && it.Version >= version
	})
}

// What two editors do in a night, each at a desk of their own: one in English by day colours, one in Persian by night.
func TestBrowserJourneys(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	north, _, avand := three(t)
	en := employ(t, north, "hester", "en", "light", people.Editor)
	fa := employ(t, avand, "mehran", "fa", "dark", people.Editor)
	send(t, north, avand, 1, 2)
	send(t, avand, north, 3)
	browser := chromium(t)
	english := open(t, visitor(t, browser), north, "english")
	persian := open(t, visitor(t, browser), avand, "persian")
	for _, one := range []struct {
		name string
		reader
		*tab
		other      reader
		otherThere *tab
	}{{"english", en, english, fa, persian}, {"persian", fa, persian, en, english}} {
		t.Run(one.name, func(t *testing.T) {
			one.tab.t = t
			step := func(name string, fn func(*tab, reader)) {
				if !t.Failed() {
					one.tab.name = one.name + " " + name
					fn(one.tab, one.reader)
					one.tab.report()
				}
			}
			step("wrong password", wrongPassword)
			step("wire", wireOfTwo)
			step("keyboard", byKeyboard)
			step("filters", filters)
			step("compact", compact)
			step("proof", proof)
		})
		one.tab.t = t
	}
	for _, one := range []struct {
		name         string
		from, to     reader
		here, beyond *tab
	}{{"from north", en, fa, english, persian}, {"from avand", fa, en, persian, english}} {
		t.Run(one.name, func(t *testing.T) {
			one.here.t, one.beyond.t = t, t
			life(t, one.from, one.to, one.here, one.beyond)
		})
		one.here.t, one.beyond.t = t, t
	}
	t.Run("embargo", func(t *testing.T) {
		english.t, persian.t = t, t
		refusedCopy(t, en, fa, persian)
	})
	english.t, persian.t = t, t
	languageAndOut(english, en)
	languageAndOut(persian, fa)
}

func wrongPassword(b *tab, r reader) {
	b.expect(401, 403, 422)
	b.visit("/wire")
	b.wait("one is asked who one is", `location.pathname === "/signin"`)
	b.fill("#login", r.login)
	b.fill("#password", "not-the-password")
	b.follow(".door-card button.pri")
	b.wait("the mistake is named", `document.querySelector("#wrong")?.innerText.length > 10`)
	b.expect()
	if got := eval[string](b, `document.querySelector("#login").value`); got != r.login {
		b.t.Errorf("the name is gone from its field: %q", got)
	}
	b.fill("#password", password)
	b.follow(".door-card button.pri")
	b.wait("the wire is there, in the person's language and colours", fmt.Sprintf(`location.pathname === "/wire" && document.documentElement.lang === %q && document.documentElement.dir === %q && document.documentElement.dataset.theme === %q`,
		r.lang, i18n.Direction(r.lang), r.theme))
}

func wireOfTwo(b *tab, r reader) {
	b.wait("three rows", `document.querySelectorAll("#list .row").length === 3`)
	froms := eval[[]string](b, `[...new Set([...document.querySelectorAll("#list .row .from")].map((e) => e.innerText))]`)
	if len(froms) != 2 {
		b.t.Errorf("rows are from %q, want two newsrooms", froms)
	}
	dirs := eval[[]string](b, `[...new Set([...document.querySelectorAll("#list .row h3 bdi")].map((e) => getComputedStyle(e).direction))]`)
	if len(dirs) != 1 || dirs[0] != "ltr" {
		b.t.Errorf("the English headlines run %q", dirs)
	}
}

// letters are j and k, on the reader's own keyboard.
func (b *tab) letter(r reader, latin string) {
	b.t.Helper()
	if r.lang == "fa" {
		b.pressKey("Key"+strings.ToUpper(latin), map[string]string{"j": "ت", "k": "ن", "o": "خ", "u": "ع", "n": "د", "f": "ب"}[latin])
		return
	}
	b.press(latin)
}

func byKeyboard(b *tab, r reader) {
	current := func(n int) string {
		return fmt.Sprintf(`document.querySelectorAll("#list .row")[%d]?.getAttribute("aria-current") === "true" && document.querySelector("#preview [data-open]")?.dataset.open === document.querySelectorAll("#list .row")[%d].dataset.item`, n, n)
	}
	b.letter(r, "j")
	b.wait("j opens the first", current(0))
	b.letter(r, "j")
	b.wait("j moves on", current(1))
	b.letter(r, "k")
	b.wait("k moves back", current(0))
	want := eval[string](b, `document.querySelector("#list .row[aria-current]").dataset.full`)
	b.press(kb.Enter)
	b.wait("Enter opens the page", fmt.Sprintf("location.pathname === %q", want))
	b.press("?")
	b.wait("? shows the keys", `document.querySelector("#keys:popover-open")`)
	b.press(kb.Escape)
	b.wait("and Escape puts them away", `!document.querySelector("#keys:popover-open")`)
	b.press("g")
	b.press("w")
	b.wait("g w goes to the wire", `location.pathname === "/wire" && document.querySelector("#list")`)
}

func filters(b *tab, r reader) {
	b.letter(r, "f")
	b.wait("f opens the filters", `document.querySelector("#list details.menu").open`)
	b.press(kb.Escape)
	for of, want := range map[string]string{"own": r.says("wire.own"), "received": r.says("wire.received")} {
		b.follow(fmt.Sprintf(`nav.chips a.chip[href="/wire?of=%s"]`, of))
		b.wait("the list is filtered", `document.querySelectorAll("#list .row").length > 0 && document.querySelectorAll("#list .row").length < 3`)
		b.shows("nav.chips .chip[aria-current]", want)
	}
	b.visit("/wire")
	b.letter(r, "f")
	if eval[bool](b, `!!document.querySelector("#f-state option[value=withdrawn]")`) {
		b.t.Error("a state that the wire does not have can be chosen")
	}
	b.set("#f-day", "2020-01-02")
	b.follow("#list details.menu button.pri")
	b.wait("nothing is left, and it is said", `document.querySelectorAll("#list .row").length === 0`)
	b.shows("#list .empty", r.says("wire.empty.filtered"))
	b.follow("#list .empty a.button")
	b.wait("everything is back", `document.querySelectorAll("#list .row").length === 3`)
}

func compact(b *tab, r reader) {
	height := `document.querySelector("#list .row").getBoundingClientRect().height`
	before := eval[float64](b, height)
	b.follow(`button[name=compact]`)
	b.wait("the list is compact", `document.querySelector("#list .scroll.compact")`)
	after := eval[float64](b, height)
	if after >= before || after > 34 {
		b.t.Errorf("a row is %v high, and %v in the compact list", before, after)
	}
	b.visit("/wire")
	b.wait("it stays", `document.querySelector("#list .scroll.compact")`)
	b.follow(`button[name=compact]`)
	b.wait("and goes again", `document.querySelector("#list .scroll:not(.compact)")`)
}

func proof(b *tab, r reader) {
	b.visit("/wire?of=received")
	b.letter(r, "j")
	b.wait("an item is open", `document.querySelector("#preview #proof")`)
	b.click("#proof button")
	b.wait("every proof is valid", `document.querySelectorAll("#proof .proof").length > 0 && document.querySelectorAll("#proof dd.valid").length === document.querySelectorAll("#proof .proof").length`)
	b.shows("#proof dd.valid", r.says("item.proof.valid"))
}

// life is that of a story: written and released here, read there while it arrives, corrected, withdrawn.
func life(t *testing.T, from, to reader, here, there *tab) {
	ctx := context.Background()
	headline := "The last boat of " + from.Domain
	there.name = to.lang + " arrival"
	there.visit("/wire")
	there.wait("the stream is open", `document.querySelectorAll("#list .row").length > 0`)
	place := `(() => { const r = document.querySelector("#list .row"); return r.dataset.item + " " + r.getBoundingClientRect().top + " " + document.querySelector("#list .scroll").scrollTop })()`
	before := eval[string](there, place)

	here.name = from.lang + " writing"
	here.visit("/wire")
	here.letter(from, "n")
	here.wait("the form is there", `location.pathname === "/new"`)
	here.fill("#w-headline", headline)
	here.set("#w-lang", "en")
	here.set("#w-body", "The last boat left the harbour at nine.\n\nIt was on time.")
	here.follow(`.buttons button[name=act][value=release]`)
	here.wait("the story has a page", `location.pathname.startsWith("/item/")`)
	path := eval[string](here, "location.pathname")
	item := itemAt(t, from, headline)
	arrived(t, to.House, item, 1)
	Wait(t, "the receipt is back", func() bool {
		ds, err := from.Exchange.Deliveries(ctx, item)
		return err == nil && len(ds) > 0 && !slices.ContainsFunc(ds, func(d exchange.Delivery) bool { return d.State != exchange.Delivered })
	})
	here.visit(path)
	here.wait("it was delivered, and says so", deliveredAll)
	there.wait("the pill appears", `!document.querySelector("#pill").hidden`)
	there.shows("#pill", to.says("wire.new", "n", 1))
	if after := eval[string](there, place); after != before {
		t.Errorf("the list moved: %s, then %s", before, after)
	}
	there.press(".")
	row := fmt.Sprintf(`#list .row[data-item=%q]`, item.Short())
	there.wait("the row is there", `document.querySelector(`+quoted(row)+`)`)
	there.click(row + " h3 a")
	there.wait("and opens", `document.querySelector("#preview .story")`)
	there.shows("#preview .story", "It was on time.")

	here.name = from.lang + " correcting"
	here.follow(fmt.Sprintf(`a[href=%q]`, path+"/correct"))
	here.set("#w-body", "The last boat left the harbour at ten.\n\nIt was late.")
	here.fill("#w-why", "It was an hour late.")
	here.follow("button.pri")
	arrived(t, to.House, item, 2)
	there.name = to.lang + " correction"
	there.wait("the open text says that it has changed", `document.querySelector("#preview [data-changed]:not([hidden])")`)
	there.wait("so does its row", `document.querySelector(`+quoted(row+" .tag")+`)`)
	there.visit(path)
	there.shows(".strips .strip.act", "It was an hour late.")
	there.press("d")
	there.wait("d shows the difference", `[...document.querySelectorAll(".compared .story del")].some((e) => e.innerText.startsWith("nine")) && [...document.querySelectorAll(".compared .story ins")].some((e) => e.innerText.startsWith("ten"))`)

	here.name = from.lang + " withdrawing"
	there.visit("/wire")
	there.click(row + " h3 a")
	there.wait("it is open", `document.querySelector("#preview .story")`)
	here.visit(path)
	here.follow(fmt.Sprintf(`a[href=%q]`, path+"/withdraw"))
	here.fill("#reason", "There was no boat.")
	here.follow("form.writing button.bad")
	Wait(t, "the withdrawal is at "+to.Domain, func() bool {
		it, err := to.Library.Item(ctx, item)
		return err == nil && it.State == news.Withdrawn
	})
	there.name = to.lang + " withdrawal"
	there.wait("the row is struck through", `document.querySelector(`+quoted(row+".gone")+`) && getComputedStyle(document.querySelector(`+quoted(row+".gone h3 bdi")+`)).textDecorationLine.includes("line-through")`)
	there.wait("the open text is gone at once", `!document.querySelector("#preview .story") && document.querySelector("#preview .strip.gone")`)
	there.visit(path)
	there.shows(".strip.gone", "There was no boat.")
	there.shows(".strip.gone", to.says("item.todo.stop"))
	if n := there.count(".story, form[data-copy]"); n != 0 {
		t.Error("the text of a withdrawn story is still on its page")
	}
	if body := eval[string](there, `fetch(location.href + "?version=1", {headers: {Accept: "text/html"}}).then((r) => r.text())`); strings.Contains(body, "left the harbour") {
		t.Error("an older version of a withdrawn story can still be read")
	}
	here.report()
	there.report()
}

const deliveredAll = `document.querySelectorAll(".went .to li").length > 0 && document.querySelectorAll(".went .to li.delivered").length === document.querySelectorAll(".went .to li").length`

// itemAt finds the item of a headline on a newsroom's wire.
func itemAt(t *testing.T, r reader, headline string) (id news.ItemID) {
	t.Helper()
	Wait(t, headline+" is on the wire", func() bool {
		rows, err := r.Library.Wire(context.Background(), library.Filter{}, 0, 20)
		for _, row := range rows {
			if row.Headline == headline {
				id = row.Item
			}
		}
		return err == nil && id != ""
	})
	return id
}

// refusedCopy has a story under embargo: it can be read, and not be taken out, and the clause says why.
func refusedCopy(t *testing.T, from, to reader, there *tab) {
	d := Story(40)
	d.Headline, d.Embargo = "The port authority will name its new head", time.Now().Add(3*time.Hour).Truncate(time.Minute)
	acc, err := from.Library.Accept(context.Background(), d)
	if err != nil {
		t.Fatal(err)
	}
	arrived(t, to.House, acc.Item, 1)
	there.name = "embargo"
	there.visit(page.ItemPath(acc.Item))
	if there.count("form[data-copy]") != 0 {
		t.Error("a story under embargo has a button that takes it out")
	}
	clause := ""
	for _, a := range to.Agreements.Active() {
		clause = a.Revision.Embargo.Clause
	}
	strip := there.text(".strips")
	if clause != "" && !strings.Contains(strip, clean(to.Bundle.Printer(to.lang, time.UTC).Numeral(clause))) {
		t.Errorf("%q does not name clause %s", strip, clause)
	}
	there.expect(403)
	eval[string](there, `(() => { const f = document.createElement("form"); f.method = "post"; f.action = location.pathname + "/copy"; document.body.append(f); f.requestSubmit(); return "" })()`)
	there.wait("the copy is refused in a sentence", `document.querySelector(".wrong h1")`)
	if got := there.text(".wrong h1"); len(got) < 20 {
		t.Errorf("the refusal says only %q", got)
	}
	there.expect()
	// A story without embargo can be taken.
	acc, err = from.Library.Accept(context.Background(), Story(41))
	if err != nil {
		t.Fatal(err)
	}
	arrived(t, to.House, acc.Item, 1)
	there.visit(page.ItemPath(acc.Item))
	there.letter(to, "u")
	there.wait("the text is taken out, and that it is noted is said", `document.querySelector("#copied:popover-open")?.innerText.length > 5`)
	there.report()
}

// languageAndOut changes the language of the pages, and signs out.
func languageAndOut(b *tab, r reader) {
	b.t.Helper()
	b.name = r.lang + " out"
	b.visit("/wire")
	b.click("details.me summary")
	b.follow("details.me button[name=lang][value=ru]")
	b.wait("the pages are in Russian", `document.documentElement.lang === "ru" && document.documentElement.dir === "ltr"`)
	if got, want := b.text("#wire-title"), r.Bundle.Printer("ru", time.UTC).T("wire.title"); got != want {
		b.t.Errorf("the wire is called %q, want %q", got, want)
	}
	b.click("details.me summary")
	b.follow(`details.me form[action="/signout"] button`)
	b.wait("one is out", `location.pathname === "/signin"`)
	b.visit("/wire")
	b.wait("and stays out", `location.pathname === "/signin"`)
	b.report()
}

// Three desks of one machine do not sign each other out.
func TestBrowserThreeDesks(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	who := visitor(t, chromium(t))
	var tabs []*tab
	for _, s := range []Spec{North(), Soren(), Avand()} {
		h := Start(t, s)
		b := open(t, who, h, s.Domain)
		b.signIn(employ(t, h, "same", "en", "", people.Editor))
		tabs = append(tabs, b)
	}
	for _, b := range tabs {
		b.visit("/wire")
		b.wait("still signed in", `location.pathname === "/wire"`)
	}
	tabs[1].click("details.me summary")
	tabs[1].follow(`details.me form[action="/signout"] button`)
	for i, b := range tabs {
		b.visit("/wire")
		want := "/wire"
		if i == 1 {
			want = "/signin"
		}
		b.wait("out at one desk only", fmt.Sprintf("location.pathname === %q", want))
	}
}

// Everything that an editor needs works before any script has run.
func TestBrowserWithoutScripts(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	a, c := Start(t, North()), Start(t, Avand())
	Meet(a, c)
	Agree(Terms(a, c), a, c)
	r := employ(t, a, "hester", "en", "", people.Editor)
	send(t, c, a, 1)
	b := open(t, visitor(t, chromium(t)), a, "without scripts")
	b.withoutScripts()
	b.signIn(r)
	b.follow("#list .row h3 a")
	b.wait("the row opens beside the list", `document.querySelector("#preview .story")`)
	b.follow("#preview a.opens")
	b.wait("and on its own page", `document.querySelector("#article .story")`)
	b.follow("#proof button")
	b.wait("the proof is checked on a page", `document.querySelector("#proof dd.valid")`)
	b.visit("/wire?of=received")
	b.follow("#list .row h3 a")
	b.follow("#preview form[data-copy] button.pri")
	b.wait("the text is there to be copied by hand", `document.querySelector("#copy-text")?.value.includes("Port Anselm")`)
	b.visit("/wire")
	b.follow(`a[href="/new"]`)
	b.fill("#w-headline", "A draft without a script")
	b.set("#w-body", "It is kept before it is released.")
	b.follow(`.buttons button[name=act][value=draft]`)
	item := itemAt(t, r, "A draft without a script")
	if it, err := a.Library.Item(context.Background(), item); err != nil || it.State != news.Unreleased {
		t.Fatalf("the draft is %v, %v", it.State, err)
	}
	b.follow(`form[action$="/release"] button`)
	arrived(t, c, item, 1)
	b.visit(page.ItemPath(item))
	b.follow(`a[href$="/withdraw"]`)
	b.expect(422)
	b.follow("form.writing button.bad")
	b.wait("a withdrawal without a reason is refused", `document.querySelector("#reason-wrong")?.innerText.length > 5`)
}
