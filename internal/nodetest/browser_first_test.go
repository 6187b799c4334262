package nodetest

import (
	"context"
	"fmt"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"newspool/internal/agreement"
	"newspool/internal/library"
	"newspool/protocol"
)

// blank starts a node that nobody has set up.
func blank(t *testing.T, s Spec) *House {
	t.Helper()
	h := &House{Domain: s.Domain, Dir: filepath.Join(t.TempDir(), s.Domain), TB: t}
	h.open(s)
	h.run()
	t.Cleanup(h.Stop)
	return h
}

// Two newsrooms come from nothing to a story that crosses, and nobody needs a console: the first run, the root key put away,
// each other's address, the fingerprints, a proposal, two signatures.
func TestBrowserFirstRun(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	north, avand := blank(t, North()), blank(t, Avand())
	browser := chromium(t)
	en := open(t, visitor(t, browser), north, "north")
	fa := open(t, visitor(t, browser), avand, "avand")
	fa.schemes = map[string]string{"dark": allRules}
	firstRun(en, reader{north, "agnes", "en", ""}, "North Agency")
	firstRun(fa, reader{avand, "mehran", "fa", ""}, "خبرگزاری آوند")
	if t.Failed() {
		return
	}
	meet(en, avand)
	meet(fa, north)
	propose := proposeByHand(en, avand)
	signByHand(fa, avand, propose)
	Wait(t, "the agreement is in force", func() bool { return len(north.Agreements.Active()) == 1 && len(avand.Agreements.Active()) == 1 })

	en.visit("/new")
	en.fill("#w-headline", "The first story")
	en.set("#w-body", "It crosses.")
	en.follow(`.buttons button[name=act][value=release]`)
	Wait(t, "the story is at the partner", func() bool {
		rows, err := avand.Library.Wire(context.Background(), library.Filter{}, 0, 10)
		return err == nil && len(rows) == 1 && rows[0].Headline == "The first story"
	})
	fa.visit("/wire")
	fa.shows("#list .row h3", "The first story")
}

// firstRun sets a newsroom up as its first person does.
func firstRun(b *tab, r reader, name string) {
	b.t.Helper()
	b.visit("/")
	b.wait("everything leads to the first run", `location.pathname === "/setup"`)
	b.visit("/setup?lang=" + r.lang)
	b.look("/setup")
	fields := func(code string) {
		b.fill("#w-code", code)
		b.fill("#n-"+r.lang, name)
		b.fill("#w-domain", r.Domain)
		b.fill("#w-name", r.login)
		b.fill("#w-login", r.login)
		b.fill("#w-password", password)
		b.fill("#w-again", password)
	}
	b.expect(http.StatusUnprocessableEntity, http.StatusForbidden)
	fields("not-the-code")
	b.follow(".setup-form button.pri")
	b.wait("a wrong code is refused", `location.pathname === "/setup" && document.querySelector("[aria-invalid=true]")`)
	b.look("/setup, refused")
	b.expect()
	code, err := r.People.SetupCode(context.Background())
	if err != nil {
		b.t.Fatal(err)
	}
	fields(code)
	b.follow(".setup-form button.pri")
	b.wait("the root key is shown as words", `document.querySelectorAll(".words24 li").length === 24`)
	b.look("/setup/key")
	b.click("input[name=sure]")
	b.follow("button.pri")
	b.wait("whoever has set up is signed in", `location.pathname === "/wire"`)
	if stored, err := r.Exchange.RootIsStored(context.Background()); err != nil || !stored {
		b.t.Errorf("the root key still lies there (%v)", err)
	}
	b.look("/wire, empty")
	b.visit("/setup")
	b.wait("the first run is over", `location.pathname !== "/setup"`)
}

// meet adds the other newsroom by its address and notes that the fingerprints were compared.
func meet(b *tab, other *House) {
	b.t.Helper()
	b.visit("/partners")
	b.look("/partners, empty")
	b.visit("/partners/add")
	b.expect(http.StatusUnprocessableEntity, http.StatusServiceUnavailable, http.StatusBadGateway)
	b.fill("#address", "https://127.0.0.1:1")
	b.follow("form.card-box button.pri")
	b.wait("nobody answers there, and that is said", `document.querySelector("#add-problem")?.innerText.length > 10`)
	b.look("/partners/add, refused")
	b.expect()
	b.fill("#address", "https://"+other.addr)
	b.follow("form.card-box button.pri")
	b.wait("the newsroom is shown before it is pinned", `document.querySelector("form[action='/partners/pin']")`)
	b.look("/partners/look")
	if text := digits(b.text("main")); !strings.Contains(text, other.fingerprint()) {
		b.t.Errorf("%s: the fingerprint %s is not shown: %s", b.name, other.fingerprint(), text)
	}
	b.click("input[name=compared]")
	b.follow("form[action='/partners/pin'] button.pri")
	b.wait("the partner has a page", `/^.partners.[0-9a-f]{64}$/.test(location.pathname)`)
}

// fingerprint is what a newsroom reads out on the telephone, without blanks.
func (h *House) fingerprint() string { return digits(protocol.Fingerprint(h.Exchange.Self().Root)) }

// digits are those of a text, in whatever form the reader's language writes them.
func digits(s string) string {
	var out strings.Builder
	for _, r := range s {
		switch {
		case r >= '0' && r <= '9':
			out.WriteRune(r)
		case r >= '۰' && r <= '۹':
			out.WriteRune(r - '۰' + '0')
		}
	}
	return out.String()
}

// proposeByHand goes from a partner's page to a proposal, and gives its revision.
func proposeByHand(b *tab, other *House) string {
	b.t.Helper()
	b.visit("/agreements")
	b.look("/agreements, empty")
	b.visit("/agreements/new?party=" + other.Exchange.Self().Root)
	b.look("/agreements/new")
	b.follow("form.writing button.pri")
	b.wait("the terms can be written", `document.querySelector("form.editor")`)
	b.look("/agreements/new/terms")
	b.fill(`[name="p0-signer"]`, "Agnes Thorley")
	b.fill(`[name="p0-office"]`, "Editor in chief")
	b.follow(".sticky button[value=show]")
	b.wait("the text is shown before it is signed", `document.querySelector("#sign-name")`)
	b.look("/agreements/new/terms, shown")
	b.fill("#sign-name", "Agnes Thorley")
	b.fill("#sign-office", "Editor in chief")
	b.click("input[name=read]")
	b.follow("button[value=propose]")
	b.wait("the agreement has a page", `/^.agreements.[0-9a-f]{32}$/.test(location.pathname)`)
	b.look("/agreements/{id}, proposed")
	return eval[string](b, "location.pathname")
}

// signByHand signs what was proposed.
func signByHand(b *tab, h *House, path string) {
	b.t.Helper()
	Wait(b.t, "the proposal is there", func() bool {
		all := h.Agreements.List()
		return len(all) == 1 && all[0].State == agreement.ToSign
	})
	b.visit("/wire")
	if n := b.count(`nav a[href="/agreements"] b`); n != 1 {
		b.t.Errorf("%s: the navigation does not say that somebody must act", b.name)
	}
	b.visit("/agreements")
	b.look("/agreements, one to sign")
	b.visit(path)
	b.look("/agreements/{id}, to be signed")
	b.fill("#sign-name", "مهران نیلی")
	b.fill("#sign-office", "سردبیر")
	b.click("input[name=read]")
	b.follow(`form[action$="/sign"] button.pri`)
	b.wait("it is signed", fmt.Sprintf(`location.pathname === %q && !document.querySelector("#sign-name")`, path))
	b.look("/agreements/{id}, signed")
}
