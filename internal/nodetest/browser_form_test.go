package nodetest

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"

	"github.com/chromedp/chromedp"

	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
)

// A form that is sent twice makes one story, and one that a full disk turns away comes back as it was typed.
func TestBrowserFormSentAgain(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	var full atomic.Bool
	spec := North()
	spec.Fault = func(op string) error {
		if op == "commit-before" && full.Load() {
			return fmt.Errorf("write newspool.db: %w", syscall.ENOSPC)
		}
		return nil
	}
	h := Start(t, spec)
	r := employ(t, h, "hester", "en", "light", people.Editor)
	b := open(t, visitor(t, chromium(t)), h, "form")
	b.signIn(r)
	write := func(headline, body string) {
		b.fill("#w-headline", headline)
		b.set("#w-body", body)
	}
	stories := func(what string, want ...string) {
		t.Helper()
		rows, err := h.Library.Wire(context.Background(), library.Filter{}, 0, 20)
		var got []string
		for _, row := range rows {
			got = append(got, fmt.Sprintf("%s/%d %s", row.Headline, row.Version, row.State))
		}
		if err != nil || strings.Join(got, ", ") != strings.Join(want, ", ") {
			t.Errorf("%s: %q (%v), want %q", what, got, err, want)
		}
	}
	const release, save = `.buttons button[value=release]`, `.buttons button[value=draft]`

	b.visit("/new")
	write("Sent in haste", "The last boat left at nine.")
	do(b, "a double click", chromedp.DoubleClick(chromedp.CSS(release), chromedp.NodeVisible))
	b.wait("the story has a page", `location.pathname.startsWith("/item/")`)
	stories("a double click", "Sent in haste/1 usable")

	b.visit("/new")
	write("A draft", "The boat is on time.")
	b.follow(save)
	b.wait("the draft has a page", `location.pathname.startsWith("/item/")`)
	eval[string](b, `(setTimeout(() => history.back()), "")`)
	b.wait("the form is there as it was", `location.pathname === "/new" && document.querySelector("#w-headline").value === "A draft"`)
	eval[string](b, `(document.querySelector("#w-headline").value = "A better draft", setTimeout(() => document.querySelector("`+save+`").click()), "")`)
	b.wait("the draft has a page again", `location.pathname.startsWith("/item/")`)
	stories("back, changed, and sent again", "A better draft/2 "+string(news.Unreleased), "Sent in haste/1 usable")

	full.Store(true)
	b.expect(503)
	b.visit("/new")
	write("On a full disk", "Nothing is lost.")
	b.follow(release)
	b.wait("the form is back", `document.querySelector("form.writing .strip[role=alert]")`)
	b.shows(".strip[role=alert]", r.says("item.form.still_here"))
	if got := eval[string](b, `document.querySelector("#w-headline").value + "/" + document.querySelector("#w-body").value`); got != "On a full disk/Nothing is lost." {
		t.Errorf("the form has %q", got)
	}
	full.Store(false)
	b.expect()
	b.follow(release)
	b.wait("the story has a page", `location.pathname.startsWith("/item/")`)
	stories("sent again", "On a full disk/1 usable", "A better draft/2 "+string(news.Unreleased), "Sent in haste/1 usable")
	b.report()
}
