package nodetest

import (
	"context"
	"testing"
	"time"

	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/web/page"
)

// What a reader sees whose text is corrected, and then withdrawn, while it is open: in the preview beside its row, in the preview
// beside a list that does not have it, and on its own page. Nobody opened what came by itself.
func TestBrowserOpenTexts(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	ctx := context.Background()
	north, soren := Start(t, North()), Start(t, Soren())
	Meet(north, soren)
	Agree(Terms(north, soren), north, soren)
	id := send(t, north, soren, 1)[0]
	r := employ(t, soren, "anna", "ru", "light", people.Editor)
	who := visitor(t, chromium(t))
	inList, beside, own := open(t, who, soren, "in the list"), open(t, who, soren, "beside the list"), open(t, who, soren, "its page")
	inList.signIn(r)
	inList.visit("/wire?item=" + id.Short())
	beside.visit("/wire?of=own&item=" + id.Short())
	own.visit(page.ItemPath(id))
	tabs := []*tab{inList, beside, own}
	each := func(what, expression string) {
		t.Helper()
		since := time.Now()
		for _, b := range tabs {
			b.wait(what, expression)
		}
		t.Logf("%s: after %d ms", what, time.Since(since).Milliseconds())
	}
	each("the text is there", `document.querySelector("[data-open] .story")`)
	if n := beside.count("#list .row"); n != 0 {
		t.Fatalf("the list beside it has %d rows", n)
	}
	seen := func() bool {
		t.Helper()
		all, err := soren.People.People(ctx)
		if err != nil || len(all) != 1 {
			t.Fatalf("%v %v", all, err)
		}
		seen, err := soren.Library.SeenOf(ctx, all[0].ID, []news.ItemID{id})
		if err != nil {
			t.Fatal(err)
		}
		return seen[id]
	}
	if !seen() {
		t.Error("what was opened is not noted as seen")
	}
	corrected := Story(1)
	corrected.Headline, corrected.Class = "Another headline", news.Correction
	if _, err := north.Library.Correct(ctx, id, corrected, "It was another.", ""); err != nil {
		t.Fatal(err)
	}
	each("that it has changed is said", `document.querySelector("[data-open] [data-changed]:not([hidden])") && document.querySelector("[data-open] .story")`)
	inList.wait("the row has changed", `document.querySelector("#list .row[aria-current] .tag.correction")`)
	if _, err := north.Library.Withdraw(ctx, id, "There was none.", ""); err != nil {
		t.Fatal(err)
	}
	each("the text is gone, and why is said", `!document.querySelector("[data-open] .story, form[data-copy]") && document.querySelector("[data-open] .strip.gone blockquote")`)
	inList.wait("the row is struck", `document.querySelector("#list .row.gone[aria-current]")`)
	if seen() {
		t.Error("a withdrawal that came by itself is noted as seen")
	}
	// A text that was opened after its change is not said to be old.
	inList.visit("/wire")
	inList.click("#list .row h3 a")
	inList.wait("it is open", `document.querySelector("#preview .strip.gone")`)
	if n := inList.count("#preview [data-changed]:not([hidden])"); n != 0 {
		t.Error("what is the newest is said to be old")
	}
	for _, b := range tabs {
		b.report()
	}
}
