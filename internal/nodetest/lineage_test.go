package nodetest

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"newspool/internal/desk"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
)

// writer is an editor of a house.
type writer struct {
	*House
	id news.PersonID
}

func writerAt(t *testing.T, h *House) writer {
	t.Helper()
	return writerAs(t, h, "ana")
}

func writerAs(t *testing.T, h *House, login string) writer {
	t.Helper()
	p, err := h.People.Create(context.Background(), people.Operator(), people.NewPerson{Login: login, Name: "Ana", Language: "en", Roles: []people.Role{people.Editor}, Password: password})
	if err != nil {
		t.Fatal(err)
	}
	return writer{h, p.ID}
}

// text is what a writer writes.
func text(headline string) news.Draft {
	d := Story(1)
	d.Headline, d.Source, d.SourceID, d.Original = headline, "", "", nil
	return d
}

// draft makes a draft from a version of another item.
func (w writer) draft(t *testing.T, source news.ItemID, version int, act terms.Act, headline string) news.ItemID {
	t.Helper()
	acc, err := w.Desk.Derive(context.Background(), w.id, desk.From{Source: source, Version: version, Act: act}, text(headline))
	if err != nil {
		t.Fatalf("%s making %q: %v", w.Domain, headline, err)
	}
	return acc.Item
}

// makes makes an item from a version of another and releases it.
func (w writer) makes(t *testing.T, source news.ItemID, version int, act terms.Act, headline string) news.ItemID {
	t.Helper()
	id := w.draft(t, source, version, act, headline)
	if err := w.Desk.Release(context.Background(), w.id, id, 1); err != nil {
		t.Fatalf("%s releasing %q: %v", w.Domain, headline, err)
	}
	return id
}

// open waits until so many duties are open at a house, and gives them.
func (w writer) open(t *testing.T, n int) (out []lineage.Duty) {
	t.Helper()
	Wait(t, fmt.Sprintf("%d duties at %s", n, w.Domain), func() bool {
		var err error
		out, err = w.Lineage.Open(context.Background())
		return err == nil && len(out) == n
	})
	return out
}

// apply corrects an item of the house because its source was corrected.
func (w writer) apply(t *testing.T, d lineage.Duty, headline string) {
	t.Helper()
	it, err := w.Library.Item(context.Background(), d.Item)
	if err != nil {
		t.Fatal(err)
	}
	c := text(headline)
	c.Class = news.Correction
	if _, err := w.Desk.Apply(context.Background(), w.id, d.N, d.Item, it.Version, c, "The source was wrong."); err != nil {
		t.Fatalf("%s applying: %v", w.Domain, err)
	}
}

func (w writer) answer(t *testing.T, d lineage.Duty, a lineage.Answer, why string) {
	t.Helper()
	if err := w.Lineage.Answer(context.Background(), w.id, d.N, a, why); err != nil {
		t.Fatalf("%s answering %s: %v", w.Domain, a, err)
	}
}

// board waits until what partners made from an item is as the test wants it.
func (w writer) board(t *testing.T, id news.ItemID, what string, ok func([]lineage.Use) bool) []lineage.Use {
	t.Helper()
	var all []lineage.Use
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		var err error
		if all, err = w.Lineage.Uses(context.Background(), id); err == nil && ok(all) {
			return all
		}
	}
	t.Fatalf("%s does not see: %s; it sees %+v", w.Domain, what, all)
	return nil
}

// eachEngine runs a test with the newsroom in the middle on each engine.
func eachEngine(t *testing.T, fn func(t *testing.T, middle Spec)) {
	t.Helper()
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			middle := Soren()
			if e != store.SQLite {
				middle.Database = storetest.URL(t, e)
			}
			fn(t, middle)
		})
	}
}

// chain starts three newsrooms: what the first releases goes to the second, and what that releases to the third.
func chain(t *testing.T, middle Spec) (a, b, c writer) {
	t.Helper()
	north, soren, avand := Start(t, North()), Start(t, middle), Start(t, Avand())
	Meet(north, soren)
	Meet(soren, avand)
	Agree(Terms(north, soren), north, soren)
	Agree(Terms(soren, avand), soren, avand)
	return writerAt(t, north), writerAt(t, soren), writerAt(t, avand)
}

// correct releases a correction of story n.
func correct(t *testing.T, w writer, n int, headline string) {
	accept(t, w.House, changed(n, headline, news.Correction))
}

func noTroubles(t *testing.T, houses ...writer) {
	t.Helper()
	for _, h := range houses {
		all, err := h.Exchange.Troubles(context.Background(), "", 100)
		if err != nil || len(all) > 0 {
			t.Errorf("%s has troubles %+v (%v)", h.Domain, all, err)
		}
	}
}

// A translates nothing itself; B translates what it got, is asked when A corrects it, and answers by correcting its translation. A sees
// who made what, since when, who owes an answer until when, and the answer.
func TestTranslationIsCorrected(t *testing.T) {
	x, y := pair(t, nil)
	a, b := writerAt(t, x), writerAt(t, y)
	ctx := context.Background()
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	d := b.makes(t, id, 1, terms.Translate, "Paroms")
	made, err := b.Lineage.Sources(ctx, d)
	if err != nil || len(made) != 1 || made[0].Source != id || made[0].Version != 1 || made[0].How != lineage.Translation || made[0].By != b.id {
		t.Errorf("the translation was made from %+v (%v)", made, err)
	}
	if derived, err := b.Lineage.Derived(ctx, id); err != nil || len(derived) != 1 || derived[0].Item != d {
		t.Errorf("what was made here: %+v (%v)", derived, err)
	}
	uses := a.board(t, id, "the translation", func(u []lineage.Use) bool { return len(u) == 1 })
	if u := uses[0]; u.Partner != b.Exchange.Root() || u.What != lineage.Translation || u.Version != 1 || u.Lang != "en" || len(u.Acts) != 0 {
		t.Errorf("the use is %+v", u)
	}
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	duty := b.open(t, 1)[0]
	if duty.Item != d || duty.Source != id || duty.Version != 2 || duty.Had != 1 || duty.Class != news.Correction || duty.Notice || duty.Due.Sub(duty.Raised) != 30*time.Minute {
		t.Errorf("the duty is %+v", duty)
	}
	uses = a.board(t, id, "an answer is owed", func(u []lineage.Use) bool { return len(u) == 1 && len(u[0].Acts) == 1 })
	if act := uses[0].Acts[0]; act.Version != 2 || act.Class != news.Correction || act.Answer != "" || !act.Due.Equal(duty.Due) {
		t.Errorf("what is owed is %+v, due %v", act, duty.Due)
	}
	is(t, "applying without doing it", b.Lineage.Answer(ctx, b.id, duty.N, lineage.Applied, ""), fault.Invalid, "lineage.by_doing")
	is(t, "no reason", b.Lineage.Answer(ctx, b.id, duty.N, lineage.NotAffected, " "), fault.Invalid, "lineage.why")
	b.apply(t, duty, "Paroms an hour late")
	a.board(t, id, "it was applied", func(u []lineage.Use) bool { return u[0].Acts[0].Answer == lineage.Applied && !u[0].Acts[0].At.IsZero() })
	b.open(t, 0)
	all, err := b.Lineage.Duties(ctx, d)
	if err != nil || len(all) != 1 || all[0].Answer != lineage.Applied || all[0].By != b.id || all[0].Answered.IsZero() {
		t.Errorf("all duties: %+v (%v)", all, err)
	}
	if it := waitVersion(t, a.House, d, 2); it.Class != news.Correction {
		t.Errorf("the corrected translation came as %s", it.Class)
	}
	is(t, "answering again", b.Lineage.Answer(ctx, b.id, duty.N, lineage.Refused, "No."), fault.Conflict, "lineage.answered")
	noTroubles(t, a, b)
	sameLedgers(t, a.House, b.House)
}

// What A corrects goes from hand to hand: C, who knows only B's translation, is told that its source has changed and owes B an answer. A
// is told how many were made beyond B and how many of them were acted upon, and no names.
func TestCorrectionGoesFromHandToHand(t *testing.T) { eachEngine(t, correctionGoesFromHandToHand) }

func correctionGoesFromHandToHand(t *testing.T, middle Spec) {
	a, b, c := chain(t, middle)
	ctx := context.Background()
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	d := b.makes(t, id, 1, terms.Translate, "Paroms")
	waitState(t, c.House, d, news.Usable)
	e := c.makes(t, d, 1, terms.Shorten, "Paroms, short")
	b.board(t, d, "C's edit", func(u []lineage.Use) bool { return len(u) == 1 && u[0].What == lineage.Shortened })
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	atB, atC := b.open(t, 1)[0], c.open(t, 1)[0]
	if atC.Item != e || atC.Source != d || atC.Version != 1 || atC.Had != 1 || !atC.Notice || atC.Class != news.Correction || atC.Due.Sub(atC.Raised) != 30*time.Minute {
		t.Errorf("C's duty is %+v", atC)
	}
	at, class, ok, err := c.Lineage.Noticed(ctx, d)
	if err != nil || !ok || class != news.Correction || at.IsZero() {
		t.Errorf("C is told %v %s %v (%v)", at, class, ok, err)
	}
	if it := waitState(t, c.House, d, news.Usable); it.Version != 1 {
		t.Errorf("C's copy is in version %d", it.Version)
	}
	a.board(t, id, "one beyond, not acted upon", func(u []lineage.Use) bool { return u[0].Acts[0].Made == 1 && u[0].Acts[0].Acted == 0 })
	c.answer(t, atC, lineage.NotAffected, "We left the time out.")
	uses := b.board(t, d, "C's answer", func(u []lineage.Use) bool { return len(u[0].Acts) == 1 && u[0].Acts[0].Answer != "" })
	if act := uses[0].Acts[0]; act.Answer != lineage.NotAffected || act.Why != "We left the time out." || !act.Notice {
		t.Errorf("C's answer at B is %+v", act)
	}
	a.board(t, id, "one beyond, acted upon", func(u []lineage.Use) bool {
		return u[0].Acts[0].Made == 1 && u[0].Acts[0].Acted == 1 && u[0].Acts[0].Answer == ""
	})
	b.apply(t, atB, "Paroms an hour late")
	a.board(t, id, "B has applied it", func(u []lineage.Use) bool { return u[0].Acts[0].Answer == lineage.Applied })
	if last := c.open(t, 1)[0]; last.Notice || last.Version != 2 || last.Class != news.Correction {
		t.Errorf("C's second duty is %+v", last)
	}
	if _, _, ok, err := c.Lineage.Noticed(ctx, d); ok || err != nil {
		t.Errorf("C is still told, though B has corrected it (%v)", err)
	}
	// Nothing of C is in what A has been told.
	for _, rec := range records(t, b.House, followedBy(t, a, b)) {
		if rec.Type == lineage.TypeActed && len(rec.Contents) > 0 {
			t.Errorf("B has told A words: %s", rec.Body)
		}
		if rec.About != "" && rec.About == string(e) {
			t.Errorf("B speaks of C's item to A: %s", rec.Body)
		}
	}
	noTroubles(t, a, b, c)
	sameLedgers(t, a.House, b.House, c.House)
}

// followedBy is the ledger of b that a follows.
func followedBy(t *testing.T, a, b writer) ledger.ID {
	t.Helper()
	for _, i := range ledgers(t, a.House) {
		if i.Owner == b.Exchange.Root() {
			return i.ID
		}
	}
	t.Fatalf("%s follows nothing of %s", a.Domain, b.Domain)
	return ""
}

// B is down while A corrects and C makes something; each catches up, nothing is lost and nothing comes twice. What B's editor answers
// while B's ledgers are not confirmed is said as soon as they are.
func TestLineageOverRestarts(t *testing.T) { eachEngine(t, lineageOverRestarts) }

func lineageOverRestarts(t *testing.T, middle Spec) {
	a, b, c := chain(t, middle)
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	d := b.makes(t, id, 1, terms.Combine, "Ferries, our view")
	waitState(t, c.House, d, news.Usable)
	a.board(t, id, "the use", func(u []lineage.Use) bool { return len(u) == 1 })
	waitDelivered(t, b.House, d, 2)
	b.Stop()
	c.makes(t, d, 1, terms.Translate, "Ferries, translated")
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	b.Restart(b.spec)
	duty := b.open(t, 1)[0]
	c.open(t, 1)
	a.board(t, id, "one beyond", func(u []lineage.Use) bool { return len(u[0].Acts) == 1 && u[0].Acts[0].Made == 1 })
	a.Stop()
	b.Restart(b.spec)
	b.answer(t, duty, lineage.Refused, "We stand by it.")
	if said := count(t, b.House, `SELECT COUNT(*) FROM unsaid`); said == 0 {
		t.Error("what cannot be said does not wait")
	}
	b.Restart(b.spec)
	a.Restart(a.spec)
	uses := a.board(t, id, "the refusal", func(u []lineage.Use) bool { return len(u[0].Acts) == 1 && u[0].Acts[0].Answer == lineage.Refused })
	if uses[0].Acts[0].Why != "We stand by it." || len(uses) != 1 {
		t.Errorf("the uses are %+v", uses)
	}
	Wait(t, "nothing waits at B", func() bool { return count(t, b.House, `SELECT COUNT(*) FROM unsaid`) == 0 })
	acted := 0
	for _, rec := range records(t, b.House, followedBy(t, a, b)) {
		if rec.Type == lineage.TypeActed && len(rec.Contents) > 0 {
			acted++
		}
	}
	if acted != 1 {
		t.Errorf("the answer was said %d times", acted)
	}
	noTroubles(t, a, b, c)
	sameLedgers(t, a.House, b.House, c.House)
}

// A withdraws; B withdraws what it made, which answers by itself, and C is told twice: that the source was withdrawn, and that B's item was.
func TestWithdrawalGoesFromHandToHand(t *testing.T) {
	a, b, c := chain(t, Soren())
	ctx := context.Background()
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	d := b.makes(t, id, 1, terms.Translate, "Paroms")
	waitState(t, c.House, d, news.Usable)
	e := c.makes(t, d, 1, terms.Shorten, "Paroms, short")
	own := c.makes(t, e, 1, terms.Shorten, "Paroms, shorter")
	b.board(t, d, "C's edit", func(u []lineage.Use) bool { return len(u) == 1 })
	if _, err := a.Library.Withdraw(ctx, id, "There was no ferry.", ""); err != nil {
		t.Fatal(err)
	}
	duty := b.open(t, 1)[0]
	if duty.Class != news.Withdrawal || duty.Due.Sub(duty.Raised) != 15*time.Minute {
		t.Errorf("B's duty is %+v", duty)
	}
	atC := c.open(t, 2)
	if !slices.ContainsFunc(atC, func(x lineage.Duty) bool { return x.Item == own && x.Source == e && x.Notice }) {
		t.Errorf("what C made of its own item has no duty: %+v", atC)
	}
	a.board(t, id, "two beyond", func(u []lineage.Use) bool { return len(u[0].Acts) == 1 && u[0].Acts[0].Made == 2 })
	if err := b.Desk.Withdraw(ctx, b.id, d, "The source is withdrawn."); err != nil {
		t.Fatal(err)
	}
	a.board(t, id, "B has removed it", func(u []lineage.Use) bool { return u[0].Acts[0].Answer == lineage.Removed })
	waitState(t, c.House, d, news.Withdrawn)
	if err := c.Desk.Withdraw(ctx, c.id, own, "As above."); err != nil {
		t.Fatal(err)
	}
	if err := c.Desk.Withdraw(ctx, c.id, e, "As above."); err != nil {
		t.Fatal(err)
	}
	c.open(t, 0)
	a.board(t, id, "two beyond, both acted upon", func(u []lineage.Use) bool { return u[0].Acts[0].Made == 2 && u[0].Acts[0].Acted == 2 })
	noTroubles(t, a, b, c)
	sameLedgers(t, a.House, b.House, c.House)
}

// Three newsrooms of one agreement read each other's ledgers: each takes what is meant for it, and nothing else.
func TestLineageInAPool(t *testing.T) {
	north, soren, avand := Start(t, North()), Start(t, Soren()), Start(t, Avand())
	for _, x := range [][2]*House{{north, soren}, {north, avand}, {soren, avand}} {
		Meet(x[0], x[1])
	}
	rev := Terms(north, soren, avand)
	rev.Kind = terms.Pool
	Agree(rev, north, soren, avand)
	a, b, c := writerAt(t, north), writerAt(t, soren), writerAt(t, avand)
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	waitState(t, c.House, id, news.Usable)
	d := b.makes(t, id, 1, terms.Translate, "Paroms")
	waitState(t, c.House, d, news.Usable)
	waitState(t, a.House, d, news.Usable)
	e := c.makes(t, d, 1, terms.Shorten, "Paroms, short")
	f := c.makes(t, id, 1, terms.Combine, "Ferries, and more")
	a.board(t, id, "two uses", func(u []lineage.Use) bool { return len(u) == 2 })
	b.board(t, d, "one use", func(u []lineage.Use) bool { return len(u) == 1 && u[0].Partner == c.Exchange.Root() })
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	b.open(t, 1)
	for _, x := range c.open(t, 2) {
		if (x.Item == e) != x.Notice || (x.Item == f) == x.Notice {
			t.Errorf("a duty of C: %+v", x)
		}
		c.answer(t, x, lineage.NotAffected, "It is not in it.")
	}
	a.board(t, id, "C's answer, and one beyond B", func(u []lineage.Use) bool {
		n := 0
		for _, x := range u {
			if len(x.Acts) == 1 && ((x.Partner == c.Exchange.Root() && x.Acts[0].Answer == lineage.NotAffected) ||
				(x.Partner == b.Exchange.Root() && x.Acts[0].Made == 1 && x.Acts[0].Acted == 1)) {
				n++
			}
		}
		return n == 2
	})
	noTroubles(t, a, b, c)
	sameLedgers(t, a.House, b.House, c.House)
}

// What a partner says of things that are not there, or not its own, is kept and shown, and stops nothing; what the terms forbid is not made.
func TestLineageThatCannotBeRight(t *testing.T) {
	x, y := pair(t, func(_, _ *Spec, rev *terms.Revision) { rev.Uses.Shorten = false })
	a, b := writerAt(t, x), writerAt(t, y)
	ctx := context.Background()
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	_, err := b.Desk.Derive(ctx, b.id, desk.From{Source: id, Version: 1, Act: terms.Shorten}, text("Short"))
	is(t, "shortening, which is not permitted", err, fault.Denied, "terms.no.shorten")
	if n := count(t, b.House, `SELECT COUNT(*) FROM made`); n != 0 {
		t.Errorf("%d things were made of it", n)
	}
	d := b.makes(t, id, 1, terms.Translate, "Paroms")
	a.board(t, id, "the use", func(u []lineage.Use) bool { return len(u) == 1 })
	release := ledgerOf(t, a)
	say := func(kind string, about news.ItemID, body any) {
		t.Helper()
		agreement := terms.AgreementID(own(t, b.House, "").Agreement)
		var pos ledger.Position
		write(t, b.House, func(tx *store.Tx) (err error) {
			pos, err = b.Exchange.Say(tx, agreement, ledger.Draft{Type: kind, About: string(about), Body: body})
			return err
		})
		Wait(t, "the trouble is shown at "+a.Domain, func() bool {
			_, ok := troubles(t, a.House, pos.Ledger, pos.Seq)["lineage"]
			return ok
		})
	}
	mine := string(own(t, b.House, "").ID)
	say(lineage.TypeUse, "newspool://north.example/item/01934f00-0000-7000-8000-000000000009", lineage.UseBody{What: lineage.Edit, Version: 1, Ledger: string(release), Seq: 1})
	say(lineage.TypeUse, id, lineage.UseBody{What: lineage.Edit, Version: 1, Ledger: string(release), Seq: 0})
	say(lineage.TypeActed, id, lineage.ActedBody{What: lineage.Applied, Ledger: string(release), Seq: 0, In: mine, Use: 0})
	say(lineage.TypeNotice, id, lineage.NoticeBody{Class: news.Correction, Version: 1, Number: 1})
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	duty := b.open(t, 1)[0]
	if duty.Item != d {
		t.Errorf("the duty is %+v", duty)
	}
	b.answer(t, duty, lineage.NotAffected, "It is not in it.")
	uses := a.board(t, id, "the answer", func(u []lineage.Use) bool { return len(u) > 0 && len(u[0].Acts) == 1 && u[0].Acts[0].Answer != "" })
	if len(uses) != 1 || a.open(t, 0) != nil {
		t.Errorf("what cannot be right counts: %+v", uses)
	}
	sameLedgers(t, a.House, b.House)
}

func ledgerOf(t *testing.T, w writer) ledger.ID { return own(t, w.House, "").ID }

// What was corrected and withdrawn while a newsroom was away shows when it has caught up; its drafts are asked as well.
func TestDutiesAfterCatchingUp(t *testing.T) {
	a, b, c := chain(t, Soren())
	one, two := accept(t, a.House, Story(1)), accept(t, a.House, Story(2))
	waitState(t, b.House, one, news.Usable)
	waitState(t, b.House, two, news.Usable)
	d := b.makes(t, one, 1, terms.Translate, "Paroms")
	e := b.draft(t, two, 1, terms.Translate, "Paroms, two")
	waitState(t, c.House, d, news.Usable)
	c.makes(t, d, 1, terms.Translate, "Ferries again")
	b.board(t, d, "the use", func(u []lineage.Use) bool { return len(u) == 1 })
	b.Stop()
	c.Stop()
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	correct(t, a, 1, "Ferry leaves Port Anselm two hours late")
	if _, err := a.Library.Withdraw(context.Background(), two, "There was no ferry.", ""); err != nil {
		t.Fatal(err)
	}
	b.Restart(b.spec)
	c.Restart(c.spec)
	all := b.open(t, 3)
	var of []news.ItemID
	for _, x := range all {
		of = append(of, x.Item)
	}
	if all[0].Item != e || all[0].Class != news.Withdrawal || !slices.Equal(of, []news.ItemID{e, d, d}) {
		t.Errorf("duties %+v", all)
	}
	b.answer(t, all[0], lineage.Removed, "")
	b.apply(t, all[2], "Paroms two hours late")
	b.open(t, 0)
	c.open(t, 3) // two notices and the correction
	a.board(t, one, "both corrections are answered", func(u []lineage.Use) bool {
		return len(u) == 1 && len(u[0].Acts) == 2 && u[0].Acts[0].Answer == lineage.Applied && u[0].Acts[1].Answer == lineage.Applied
	})
	if uses, err := a.Lineage.Uses(context.Background(), two); err != nil || len(uses) != 0 {
		t.Errorf("a draft was told of: %+v (%v)", uses, err)
	}
	noTroubles(t, a, b, c)
	sameLedgers(t, a.House, b.House, c.House)
}

// A database from before the release of what was made takes back what was told: nothing is told twice, and an answer that is lost is
// asked for again.
func TestLineageOfARestoredDatabase(t *testing.T) {
	x, y := pair(t, nil)
	a, b := writerAt(t, x), writerAt(t, y)
	id := accept(t, a.House, Story(1))
	waitState(t, b.House, id, news.Usable)
	d := b.draft(t, id, 1, terms.Translate, "Paroms")
	send(t, b.House, a.House, 7)
	backup := keep(t, b.House)
	b.Restart(b.spec)
	if err := b.Desk.Release(context.Background(), b.id, d, 1); err != nil {
		t.Fatal(err)
	}
	waitDelivered(t, b.House, d, 1)
	a.board(t, id, "the use", func(u []lineage.Use) bool { return len(u) == 1 })
	correct(t, a, 1, "Ferry leaves Port Anselm an hour late")
	b.answer(t, b.open(t, 1)[0], lineage.Refused, "We stand by it.")
	a.board(t, id, "the answer", func(u []lineage.Use) bool { return len(u) == 1 && len(u[0].Acts) == 1 && u[0].Acts[0].Answer != "" })
	restore(t, b.House, backup)
	b.Restart(b.spec)
	send(t, b.House, a.House, 8)
	if it := waitVersion(t, b.House, d, 1); it.Released.IsZero() {
		t.Error("the translation was not taken back")
	}
	Wait(t, "the duty is at B again", func() bool {
		all, err := b.Lineage.Duties(context.Background(), d)
		return err == nil && len(all) == 1
	})
	all, err := b.Lineage.Open(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, duty := range all {
		b.apply(t, duty, "Paroms an hour late")
		a.board(t, id, "the newer answer", func(u []lineage.Use) bool { return u[0].Acts[0].Answer == lineage.Applied })
	}
	if uses := a.board(t, id, "one use", func(u []lineage.Use) bool { return true }); len(uses) != 1 || len(uses[0].Acts) != 1 || uses[0].Acts[0].Answer == "" {
		t.Errorf("the uses are %+v", uses)
	}
	noTroubles(t, a)
	t.Logf("%d duties were asked again", len(all))
}
