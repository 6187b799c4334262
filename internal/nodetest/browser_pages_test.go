package nodetest

import (
	"bytes"
	"context"
	_ "embed"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"
	"golang.org/x/net/html"

	"newspool/internal/desk"
	"newspool/internal/exchange"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// axe looks for what people with disabilities stumble over. It is not ours; see the folder.
//
//go:embed testdata/axe/axe.min.js
var axe string

const (
	maxWeight = 200_000 // bytes of a page at the first visit, fonts apart
	maxPages  = 60      // kinds of pages of a desk
)

// Every page of the desk, in English and in Persian, by day and by night: nothing that axe finds, no key or placeholder in
// place of a text, no page that is heavy, runs out of a narrow window, or hides where the keyboard is.
func TestBrowserPages(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	north, soren, avand := three(t)
	en := employ(t, north, "everything", "en", "", people.Roles[:]...)
	fa := employ(t, avand, "everything", "fa", "", people.Roles[:]...)
	states := map[string][]string{"en": furnish(t, north, avand), "fa": furnish(t, avand, north)}
	if _, err := soren.Agreements.Propose(context.Background(), Terms(soren, north), signer); err != nil {
		t.Fatal(err)
	}
	browser := chromium(t)
	for _, r := range []reader{en, fa} {
		t.Run(r.lang, func(t *testing.T) {
			t.Parallel()
			b := open(t, visitor(t, browser), r.House, r.lang)
			b.schemes = map[string]string{"dark": allRules}
			if r.lang == "en" {
				b.schemes = map[string]string{"light": allRules, "dark": `{runOnly: ["color-contrast"]}`}
			}
			call(b, network.SetCacheDisabled, network.SetCacheDisabledParams{CacheDisabled: true})
			outside(b, r)
			b.signIn(r)
			paths := append([]string{"/wire", "/new", "/nowhere"}, states[r.lang]...)
			paths = append(paths, crawl(t, r, paths)...)
			t.Logf("%d pages", len(paths))
			for _, path := range paths {
				if path == "/nowhere" {
					b.expect(http.StatusNotFound)
				}
				b.visit(path)
				b.look(path)
				b.expect()
			}
			b.visit("/wire")
			eval[bool](b, `document.querySelectorAll("details").forEach((d) => { d.open = true }), true`)
			b.look("/wire, menus open")
			b.visit("/wire")
			b.follow("button[name=compact]")
			b.look("/wire, compact")
			b.expect(http.StatusUnprocessableEntity)
			b.visit("/new")
			b.follow("form.writing button.pri")
			b.wait("what is wrong is listed", `document.querySelector("form.writing [role=alert]")`)
			b.look("/new, refused")
		})
	}
}

// outside looks at the sign-in page, before and after a mistake.
func outside(b *tab, r reader) {
	b.expect(http.StatusUnprocessableEntity, http.StatusForbidden, http.StatusUnauthorized)
	b.visit("/signin")
	if b.text("html") != "" && eval[string](b, "document.documentElement.lang") != r.lang {
		b.follow(fmt.Sprintf("form.door-langs button[value=%s]", r.lang))
	}
	b.look("/signin")
	b.fill("#login", r.login)
	b.fill("#password", "not-the-password")
	b.follow(".door-card button.pri")
	b.wait("the mistake is named", `document.querySelector("#wrong")`)
	b.look("/signin, refused")
	b.expect()
}

// furnish gives a newsroom one story in each state, and gives the pages on which they are.
func furnish(t *testing.T, h, partner *House) []string {
	t.Helper()
	ctx := context.Background()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	accept := func(at *House, number int, change func(*news.Draft)) news.ItemID {
		t.Helper()
		d := Story(number)
		d.Subjects = []news.Subject{{Code: "medtop:04000000", Name: "economy, business and finance"}}
		d.Note, d.Credit, d.Usage = "Spellings are checked.", "North Agency", "Not for television."
		if change != nil {
			change(&d)
		}
		acc, err := at.Library.Accept(ctx, d)
		must(err)
		return acc.Item
	}
	own := accept(h, 11, nil)
	gone := accept(h, 12, nil)
	got := accept(partner, 13, nil)
	corrected := accept(partner, 14, nil)
	withdrawn := accept(partner, 15, nil)
	held := accept(partner, 16, func(d *news.Draft) { d.Embargo = time.Now().Add(5 * time.Hour) })
	urgent := accept(partner, 17, func(d *news.Draft) { d.Urgency = 1 })
	kept, err := h.Library.AcceptWith(ctx, Story(18), false, func(*store.Tx, library.Accepted) error { return nil })
	must(err)
	draft := kept.Item
	for _, id := range []news.ItemID{own, gone} {
		arrived(t, partner, id, 1)
	}
	for _, id := range []news.ItemID{got, corrected, withdrawn, held, urgent} {
		arrived(t, h, id, 1)
	}
	w := writerAs(t, h, "maker")
	made := w.makes(t, corrected, 1, terms.Translate, "A translation")
	dropped := w.draft(t, urgent, 1, terms.Shorten, "A short version")
	writerAs(t, partner, "maker-of-"+strings.Split(h.Domain, ".")[0]).makes(t, own, 1, terms.Translate, "A translation from elsewhere")
	better := Story(14)
	better.Class, better.Body = news.Correction, "<p>The evening ferry left Port Anselm late.</p><h2>Why</h2><p>Fog.</p>"
	_, err = partner.Library.Correct(ctx, corrected, better, "It was the evening ferry.", "")
	must(err)
	_, err = partner.Library.Withdraw(ctx, withdrawn, "There was no ferry.", "")
	must(err)
	_, err = h.Library.Withdraw(ctx, gone, "There was no ferry.", "")
	must(err)
	arrived(t, h, corrected, 2)
	arrived(t, h, withdrawn, 2)
	agreement := h.Agreements.List()[0].ID
	for _, a := range h.Agreements.List() {
		if a.Current != nil && slices.ContainsFunc(a.Current.Terms.Parties, func(p terms.Party) bool { return p.Root == partner.Exchange.Root() }) {
			agreement = a.ID
		}
	}
	aside, opened := accept(partner, 19, asSport), accept(partner, 20, asSport)
	for n, id := range []news.ItemID{aside, opened} {
		s := Story(19 + n)
		asSport(&s)
		force(t, partner, agreement, exchange.TypeRelease, id, 1, news.First, s.Story)
		arrived(t, h, id, 1)
	}
	shut := accept(partner, 21, nil)
	arrived(t, h, shut, 1)
	write(t, h, func(tx *store.Tx) error {
		return h.Library.CloseForUse(tx, shut, library.Why{Key: library.WithdrawalAhead})
	})
	must(h.Deciding().Leave(ctx, "", aside, desk.AnyVersion, "The sport desk is asked."))
	must(h.Deciding().Open(ctx, "", opened, desk.AnyVersion, "Agreed by telephone."))
	alarm := Story(17)
	alarm.Urgency, alarm.Class, alarm.Body = 1, news.Correction, "<p>The morning ferry left Port Anselm late.</p>"
	_, err = partner.Library.Correct(ctx, urgent, alarm, "It was late.", "")
	must(err)
	duties := map[news.ItemID]string{}
	for _, d := range w.open(t, 2) {
		duties[d.Item] = fmt.Sprintf("?duty=%d", d.N)
	}
	_, err = h.Library.Correct(ctx, own, alarm, "It was late.", "")
	must(err)
	Wait(t, "what a partner made is on the board", func() bool {
		uses, err := h.Lineage.Uses(ctx, own)
		return err == nil && len(uses) == 1 && len(uses[0].Acts) == 1
	})
	p := page.ItemPath
	return []string{
		"/duties", p(made), p(made) + "/answer" + duties[made], p(made) + "/correct" + duties[made], p(made) + "/withdraw" + duties[made], p(dropped), p(dropped) + "/edit" + duties[dropped],
		"/new?how=translation&from=" + corrected.Short(), "/new?how=edit&from=" + got.Short(), "/wire?item=" + made.Short(),
		p(own), p(own) + "/correct", p(own) + "/withdraw", p(gone), p(draft), p(draft) + "/edit", p(got), p(corrected),
		p(corrected) + "?from=1&to=2", p(corrected) + "?version=1", p(withdrawn), p(held), p(urgent), p(aside), p(opened), p(shut),
		"/wire?item=" + aside.Short(), "/wire?state=set-aside",
		"/wire?item=" + got.Short(), "/wire?day=2020-01-02",
	}
}

func asSport(d *news.Draft) { d.Subjects = sport(1).Subjects }

// crawl follows the links of the desk as far as they lead to kinds of pages that are not listed yet.
func crawl(t *testing.T, r reader, known []string) (found []string) {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Jar: jar}
	base := "http://" + r.addr
	in, err := client.PostForm(base+"/signin", url.Values{"login": {r.login}, "password": {password}})
	if err != nil {
		t.Fatal(err)
	}
	in.Body.Close()
	seen := map[string]bool{}
	for _, path := range known {
		seen[kindOf(path)] = true
	}
	queue := slices.Clone(known)
	for len(queue) > 0 {
		path := queue[0]
		queue = queue[1:]
		answer, err := client.Get(base + path)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(answer.Body)
		answer.Body.Close()
		if err != nil {
			t.Fatal(err)
		}
		if !strings.HasPrefix(answer.Header.Get("Content-Type"), "text/html") {
			continue
		}
		if !slices.Contains(known, path) {
			if answer.StatusCode != http.StatusOK {
				t.Errorf("a link leads to %s, which answers %d", path, answer.StatusCode)
				continue
			}
			found = append(found, path)
		}
		for _, to := range linksOf(t, raw) {
			if !seen[kindOf(to)] {
				seen[kindOf(to)] = true
				queue = append(queue, to)
			}
		}
		if len(seen) > maxPages {
			t.Fatalf("the desk has more than %d kinds of pages", maxPages)
		}
	}
	return found
}

// linksOf lists the links of a page that stay on the desk.
func linksOf(t *testing.T, raw []byte) (links []string) {
	t.Helper()
	root, err := html.Parse(bytes.NewReader(raw))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		if n.Type != html.ElementNode || n.Data != "a" {
			continue
		}
		for _, a := range n.Attr {
			if u, err := url.Parse(a.Val); a.Key == "href" && err == nil && u.Host == "" && strings.HasPrefix(u.Path, "/") {
				u.Fragment = ""
				links = append(links, u.String())
			}
		}
	}
	return links
}

// kindOf is a path without what differs between pages that are made by the same handler.
func kindOf(path string) string {
	u, err := url.Parse(path)
	if err != nil {
		return path
	}
	kind := varies.ReplaceAllString(u.Path, "/*")
	var names []string
	for name := range u.Query() {
		if name == "item" || kind != "/wire" { // one filter of the list is like another
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return kind + "?" + strings.Join(names, "&")
}

// varies finds the parts of a path that are ids: numbers, hashes, domains.
var varies = regexp.MustCompile(`/(?:[0-9a-f]{8}[0-9a-f-]*|[0-9]+|[a-z0-9-]+\.example)\b`)

// look examines the page that the tab shows.
func (b *tab) look(what string) {
	b.t.Helper()
	b.wait("the page is complete", "true")
	fail := func(format string, args ...any) {
		b.t.Helper()
		text := fmt.Sprintf(format, args...)
		if sort := ids.ReplaceAllString(text, "*"); !b.found[sort] { // what is in the frame is on every page
			b.found[sort] = true
			b.t.Errorf("%s %s: %s", b.name, what, text)
		}
	}
	b.mu.Lock()
	weight := b.weight
	b.mu.Unlock()
	if weight > maxWeight {
		fail("weighs %.0f bytes, the limit is %d", weight, maxWeight)
	}
	for _, text := range eval[[]string](b, rawTexts) {
		fail("a key or placeholder stands in place of a text: %s", text)
	}
	eval[bool](b, axe+"; true")
	for scheme, rules := range b.schemes {
		b.prefers(scheme)
		for _, finding := range eval[[]string](b, "axe.run(document, {...("+rules+"), preload: false, resultTypes: [\"violations\"]}).then("+findings+")") {
			fail("axe, %s: %s", scheme, finding)
		}
	}
	b.press("\t")
	for _, hidden := range eval[[]string](b, unseenFocus) {
		fail("%s", hidden)
	}
	b.size(320, 640)
	if wide := eval[string](b, tooWide); wide != "" {
		fail("a window of 320 points has to be pushed sideways: %s", wide)
	}
	b.size(1280, 900)
	b.report()
}

// ids finds what differs between two things of one kind.
var ids = regexp.MustCompile(`[0-9a-f]{8}[0-9a-f-]*|[0-9]+`)

const (
	allRules = `{runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}`

	findings = `(r) => r.violations.map((v) => v.id + " (" + v.help + "): " + v.nodes.slice(0, 3).map((n) => n.html.slice(0, 160) + " " + n.failureSummary.split("\n").slice(1, 3).join("; ")).join(" | "))`

	// rawTexts finds keys in quotes, names in braces, and what formatting leaves where a value is missing. {newsroom} is what one
	// writes into the credit line of an agreement.
	rawTexts = `(() => {
		const bad = /«[a-z_]+(\.[a-z_0-9]+)+»|\{(?!newsroom\})[a-z_]+\}|%!|<no value>|\b(undefined|NaN|0001-01-01)\b/;
		const texts = [document.title, document.body.innerText];
		for (const e of document.querySelectorAll("[title], [aria-label], [placeholder], [alt]")) {
			for (const a of ["title", "aria-label", "placeholder", "alt"]) { texts.push(e.getAttribute(a) ?? ""); }
		}
		return texts.flatMap((t) => t.split("\n")).filter((t) => bad.test(t));
	})()`

	// unseenFocus puts the keyboard on everything that can have it and looks whether that can be seen. What an open menu covers
	// is not hidden: Escape closes the menu.
	unseenFocus = `(() => {
		const out = [];
		for (const e of document.querySelectorAll("a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex='0']")) {
			if (e.disabled || e.tabIndex < 0 || e.getClientRects().length === 0 || !e.checkVisibility({visibilityProperty: true})) { continue; }
			const mark = (x) => { const s = getComputedStyle(x); return [s.outlineStyle, s.outlineWidth, s.outlineColor, s.boxShadow, s.borderColor, s.backgroundColor].join(" "); };
			document.activeElement?.blur();
			const places = [e, e.parentElement, e.nextElementSibling, e.closest("li")].filter(Boolean);
			const before = places.map(mark);
			e.focus({focusVisible: true});
			if (document.activeElement !== e) { continue; }
			if (places.every((x, i) => mark(x) === before[i])) { out.push("the keyboard cannot be seen on " + e.outerHTML.slice(0, 160)); }
			const r = e.getBoundingClientRect();
			const owns = (x) => x && (e.contains(x) || x.contains(e) || x.closest("label")?.contains(e));
			const at = (x, y) => document.elementFromPoint(Math.min(Math.max(r.left + r.width * x, 0), innerWidth - 1), Math.min(Math.max(r.top + r.height * y, 0), innerHeight - 1));
			const parts = [0.1, 0.5, 0.9].flatMap((x) => [0.1, 0.5, 0.9].map((y) => at(x, y)));
			if (r.width > 1 && !parts.some(owns) && !parts[4]?.closest("details[open]")) { out.push(e.outerHTML.slice(0, 160) + " has the keyboard and is covered by " + parts[4]?.outerHTML.slice(0, 120)); }
		}
		document.activeElement?.blur();
		return out;
	})()`

	// tooWide names the elements that are wider than the window.
	tooWide = `(() => {
		const page = document.scrollingElement;
		if (page.scrollWidth <= innerWidth) { return ""; }
		const inside = (e) => { for (let p = e.parentElement; p; p = p.parentElement) { if (["auto", "scroll", "hidden", "clip"].includes(getComputedStyle(p).overflowX)) { return true; } } return false; };
		return page.scrollWidth + ": " + [...document.body.querySelectorAll("*")].filter((e) => { const r = e.getBoundingClientRect(); return (r.right > innerWidth + 0.5 || r.left < -0.5) && r.width > 0 && !inside(e) && !e.closest(".vh, .skip"); }).slice(0, 4).map((e) => e.outerHTML.slice(0, 140)).join(" | ");
	})()`
)
