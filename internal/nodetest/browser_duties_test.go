package nodetest

import (
	"context"
	"testing"

	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/web/page"
)

// What an editor does with a correction of what they translated, before any script has run, and what the newsroom of the source sees:
// translated, corrected, asked, answered; once with a correction and once with a reason.
func TestBrowserDuties(t *testing.T) {
	if !browserWanted(t) {
		return
	}
	ctx := context.Background()
	north, avand := Start(t, North()), Start(t, Avand())
	Meet(north, avand)
	Agree(Terms(north, avand), north, avand)
	id := send(t, north, avand, 1)[0]
	en, fa := employ(t, north, "hester", "en", "light", people.Editor), employ(t, avand, "mehran", "fa", "light", people.Editor)
	browser := chromium(t)
	here, there := open(t, visitor(t, browser), north, "source"), open(t, visitor(t, browser), avand, "translation")
	here.signIn(en)
	there.withoutScripts()
	there.signIn(fa)
	there.visit("/duties")
	there.shows(".empty", fa.says("duty.empty.title"))

	there.visit(page.ItemPath(id))
	there.follow(`.acts a[href^="/new?how=translation"]`)
	there.shows(".beside .story", "left Port Anselm on time")
	there.wait("the source runs as it is written, the page as it is read", `getComputedStyle(document.querySelector(".beside .story")).direction === "ltr" && document.documentElement.dir === "rtl" && document.querySelector("#w-lang").value === "fa"`)
	there.set("#w-headline", "کشتی بامداد به‌موقع رفت")
	there.set("#w-body", "کشتی بامداد به‌موقع از بندر رفت.")
	there.follow(`.buttons button[name=act][value=release]`)
	translation := itemAt(t, fa, "کشتی بامداد به‌موقع رفت")
	there.shows(".made-from", "Ferry number 1")
	board := func(what string, ok func([]lineage.Use) bool) {
		t.Helper()
		writer{House: north}.board(t, id, what, ok)
		here.visit(page.ItemPath(id))
	}
	board("the translation", func(u []lineage.Use) bool { return len(u) == 1 })
	here.shows(".board", en.says("duty.board.title"))
	here.shows(".board .to li", "Avand News")

	// The first correction is applied.
	story := Story(1)
	story.Class, story.Body = news.Correction, "<p>The evening ferry left Port Anselm late, the harbour office said.</p>"
	if _, err := north.Library.Correct(ctx, id, story, "It was the evening ferry.", ""); err != nil {
		t.Fatal(err)
	}
	writer{House: avand}.open(t, 1)
	there.visit("/duties")
	there.shows(".duty-list li", "It was the evening ferry.")
	there.wait("it is counted in the navigation", `document.querySelector('nav a[href="/duties"] b')`)
	there.follow(".duty-list h2 a")
	there.wait("the difference stands beside our text", `(() => {
		const source = document.querySelector(".pair .source-text").getBoundingClientRect(), ours = document.querySelector(".pair .our-text").getBoundingClientRect();
		return Math.abs(source.top - ours.top) < 30 && source.left >= ours.right && document.querySelector(".source-text .story del").innerText.includes("morning");
	})()`)
	there.follow("#answer a.pri")
	there.shows(".beside .story ins", "evening")
	there.set("#w-body", "کشتی شب دیر از بندر رفت.")
	there.fill("#w-why", "کشتی شب بود.")
	there.follow("form.writing button.pri")
	there.wait("it is answered", `document.querySelector(".past") && !document.querySelector("#answer")`)
	arrived(t, north, translation, 2)
	board("that it was corrected", func(u []lineage.Use) bool { return len(u[0].Acts) == 1 && u[0].Acts[0].Answer == lineage.Applied })
	here.shows(".board .then.applied", en.says("duty.answered.applied"))

	// The second one does not matter here, and somebody has to say why.
	story.Body = "<p>The evening ferry left Port Anselm late, the harbour office says.</p>"
	if _, err := north.Library.Correct(ctx, id, story, "It still says so.", ""); err != nil {
		t.Fatal(err)
	}
	writer{House: avand}.open(t, 1)
	there.visit(page.ItemPath(translation))
	there.expect(422)
	there.follow(`#answer button[value="not-affected"]`)
	there.shows("#duty-wrong", fa.says("duty.answer.why_missing"))
	there.expect()
	there.fill("#duty-why", "زمان فعل در فارسی همان است.")
	there.follow(`#answer button[value="not-affected"]`)
	there.shows(".flash", fa.says("duty.answer.done"))
	board("the reason", func(u []lineage.Use) bool { return len(u[0].Acts) == 2 && u[0].Acts[0].Answer == lineage.NotAffected })
	here.shows(".board q", "زمان فعل")
	here.report()
	there.report()
}
