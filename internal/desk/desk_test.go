package desk_test

import (
	"context"
	"testing"
	"time"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/desk"
	"newspool/internal/fault"
	"newspool/internal/formats/ninjs"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
)

type codec struct{}

func (codec) Write(s news.Story, m library.Meta) []byte {
	return ninjs.Write(s, ninjs.Meta{URI: string(m.URI), Version: "1", Class: m.Class, Released: m.Released})
}
func (codec) Parse(b []byte) (news.Draft, error) { return ninjs.Parse(b) }

// agreements answers as it is told.
type agreements struct {
	rulings []desk.Ruling
	alive   bool
}

func (a *agreements) Rulings(context.Context, news.ItemID, terms.Act) ([]desk.Ruling, error) {
	return a.rulings, nil
}
func (a *agreements) Confirmed(news.Root, time.Time) bool { return a.alive }
func (a *agreements) Credit(news.Lang) string             { return "North Agency" }

// lineage notes what it is told, and fails as it is told.
type lineage struct {
	made, applied, withdrawn []news.ItemID
	err                      error
}

func (l *lineage) Make(_ *store.Tx, item, _ news.ItemID, _ int, _ terms.Act, _ news.PersonID) error {
	l.made = append(l.made, item)
	return l.err
}

func (l *lineage) Applied(_ *store.Tx, _ news.PersonID, _ int64, item news.ItemID) error {
	l.applied = append(l.applied, item)
	return l.err
}

func (l *lineage) Withdrawn(_ *store.Tx, _ news.PersonID, item news.ItemID) error {
	l.withdrawn = append(l.withdrawn, item)
	return nil
}

type room struct {
	*desk.Service
	db       *store.DB
	library  *library.Library
	people   *people.Service
	law      *agreements
	made     *lineage
	editor   people.Person
	outsider people.Person
	released int
}

const ours, theirs = news.Root("aa"), news.Root("bb")

func open(t *testing.T) *room {
	t.Helper()
	ctx := context.Background()
	r := &room{law: &agreements{alive: true}}
	r.db = storetest.Open(t, content.Migrations(), library.Migrations(), people.Migrations())
	r.library = library.New(r.db, library.Options{Origin: ours, Domain: "north.example", Clock: clock.System, Codec: codec{}, OnVersion: func(tx *store.Tx, _ library.Version) error {
		tx.OnCommit(func() { r.released++ })
		return nil
	}})
	r.people = people.New(r.db, people.Options{})
	var err error
	if r.editor, err = r.people.Create(ctx, people.Operator(), people.NewPerson{Login: "ed", Name: "Ed", Roles: []people.Role{people.Editor}, Password: "orran-sea-2026"}); err != nil {
		t.Fatal(err)
	}
	if r.outsider, err = r.people.Create(ctx, people.Operator(), people.NewPerson{Login: "out", Name: "Out", Roles: []people.Role{people.Signatory}, Password: "orran-sea-2026"}); err != nil {
		t.Fatal(err)
	}
	r.made = &lineage{}
	r.Service = desk.New(r.db, r.library, r.people, r.law, r.made, clock.System)
	return r
}

func story(headline string) news.Draft {
	return news.Draft{Story: news.Story{Type: news.Text, Lang: "en", Headline: headline, Body: "<p>The ferry left on time.</p>"}}
}

func TestOwnStory(t *testing.T) {
	r, ctx := open(t), context.Background()
	saved, err := r.Save(ctx, r.editor.ID, "", 0, story("First"))
	if err != nil {
		t.Fatal(err)
	}
	id := saved.Item
	if r.released != 0 {
		t.Error("a draft went out")
	}
	if err := r.Release(ctx, r.editor.ID, id, 1); err != nil {
		t.Fatal(err)
	}
	corrected := story("Second")
	corrected.Class = news.Correction
	if err := r.Change(ctx, r.editor.ID, id, 1, corrected, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("a correction without a note: %v", err)
	}
	if err := r.Change(ctx, r.editor.ID, id, 1, corrected, "The headline was wrong."); err != nil {
		t.Fatal(err)
	}
	if err := r.Change(ctx, r.editor.ID, id, 1, corrected, "The headline was wrong."); err != nil {
		t.Errorf("the same form, sent twice: %v", err)
	}
	if err := r.Change(ctx, r.editor.ID, id, 2, corrected, "The headline was wrong."); !fault.Is(err, fault.Conflict) {
		t.Errorf("the same again: %v", err)
	}
	if err := r.Withdraw(ctx, r.editor.ID, id, ""); !fault.Is(err, fault.Invalid) {
		t.Errorf("a withdrawal without a reason: %v", err)
	}
	if err := r.Withdraw(ctx, r.editor.ID, id, "It was not so."); err != nil {
		t.Fatal(err)
	}
	if r.released != 3 {
		t.Errorf("%d versions went out, want 3", r.released)
	}
	acts, err := r.people.AuditPage(ctx, 0, 10)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, a := range acts {
		if a.About == string(id) {
			got = append(got, a.What)
		}
	}
	if len(got) != 4 {
		t.Errorf("the audit has %q, want four acts", got)
	}
}

// Two editors have one draft before them. Nothing is replaced, and nothing goes out, that the one who does it has not read.
func TestTwoEditors(t *testing.T) {
	r, ctx := open(t), context.Background()
	ed := r.editor.ID
	saved, err := r.Save(ctx, ed, "", 0, story("First"))
	if err != nil {
		t.Fatal(err)
	}
	id := saved.Item
	if saved, err = r.Save(ctx, ed, id, 1, story("One editor's")); err != nil || saved.Version != 2 {
		t.Fatalf("%+v %v", saved, err)
	}
	overtaken := func(what string, err error) {
		t.Helper()
		if !fault.Is(err, fault.Conflict) || fault.Of(err).Key != "item.changed_meanwhile" {
			t.Errorf("%s: %v", what, err)
		}
	}
	_, err = r.Save(ctx, ed, id, 1, story("The other's"))
	overtaken("a draft saved over another's", err)
	_, err = r.Save(ctx, ed, id, 0, story("The other's"))
	overtaken("a form that does not say its version", err)
	overtaken("a draft released unread", r.Release(ctx, ed, id, 1))
	if again, err := r.Save(ctx, ed, id, 1, story("One editor's")); err != nil || !again.Duplicate || again.Version != 2 {
		t.Errorf("the same form, sent twice: %+v %v", again, err)
	}
	overtaken("a draft changed as if it were out", r.Change(ctx, ed, id, 2, story("The other's"), "x"))
	if item, err := r.library.Item(ctx, id); err != nil || item.Headline != "One editor's" || item.Version != 2 || r.released != 0 {
		t.Fatalf("%+v %v, %d released", item.Row, err, r.released)
	}
	for range 2 {
		if err := r.Release(ctx, ed, id, 2); err != nil {
			t.Fatal(err)
		}
	}
	_, err = r.Save(ctx, ed, id, 2, story("The other's"))
	overtaken("a draft saved after its release", err)
	correction := story("Corrected")
	correction.Class = news.Correction
	if err := r.Change(ctx, ed, id, 2, correction, "It was wrong."); err != nil {
		t.Fatal(err)
	}
	other := story("Corrected otherwise")
	other.Class = news.Correction
	overtaken("a correction of what was corrected", r.Change(ctx, ed, id, 2, other, "It was wrong."))
	if r.released != 2 {
		t.Errorf("%d versions went out, want 2", r.released)
	}
	if err := r.Change(ctx, ed, id, desk.AnyVersion, other, "It was wrong."); err != nil {
		t.Errorf("a program: %v", err)
	}
}

// A form of a new item has a key. Sent again it finds what it made: the same text is not kept twice, another one is the next version
// of the draft, and where somebody else has worked on it since, nothing of theirs is replaced.
func TestNewFormSentTwice(t *testing.T) {
	r, ctx := open(t), context.Background()
	send := func(key, headline string) (library.Accepted, error) {
		d := story(headline)
		d.SourceID = key
		return r.Save(ctx, r.editor.ID, "", 0, d)
	}
	must := func(acc library.Accepted, err error) library.Accepted {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
		return acc
	}
	first := must(send("key 1", "First"))
	if again := must(send("key 1", "First")); again.Item != first.Item || again.Version != 1 || !again.Duplicate {
		t.Errorf("sent twice: %+v", again)
	}
	if other := must(send("key 2", "First")); other.Item == first.Item {
		t.Error("the same text from another form is the same item")
	}
	if other, more := must(send("", "First")), must(send("", "First")); other.Item == more.Item || other.Item == first.Item {
		t.Error("forms without a key are one form")
	}
	for n, headline := range []string{"Better", "Better still"} {
		for i := range 2 {
			if next := must(send("key 1", headline)); next.Item != first.Item || next.Version != n+2 || next.Duplicate != (i == 1) {
				t.Errorf("another text under the key: %+v", next)
			}
		}
	}
	must(r.Save(ctx, r.editor.ID, first.Item, 3, story("A colleague's")))
	refused := func(what string, kind fault.Kind) {
		t.Helper()
		if acc, err := send("key 1", "Mine"); !fault.Is(err, kind) || acc.Item != first.Item {
			t.Errorf("%s: %+v %v", what, acc, err)
		}
		if again := must(send("key 1", "Better still")); again.Item != first.Item || !again.Duplicate {
			t.Errorf("%s, the same form sent again: %+v", what, again)
		}
	}
	refused("somebody has changed the draft", fault.Conflict)
	if err := r.Release(ctx, r.editor.ID, first.Item, 4); err != nil {
		t.Fatal(err)
	}
	refused("it was released", fault.Conflict)
	if err := r.Withdraw(ctx, r.editor.ID, first.Item, "It was not so."); err != nil {
		t.Fatal(err)
	}
	refused("it was withdrawn", fault.Gone)
	if item, err := r.library.Item(ctx, first.Item); err != nil || len(item.History) != 5 || r.released != 2 {
		t.Errorf("%d versions, %d out, %v", len(item.History), r.released, err)
	}
}

func TestOnlyEditors(t *testing.T) {
	r, ctx := open(t), context.Background()
	if _, err := r.Save(ctx, r.outsider.ID, "", 0, story("No")); !fault.Is(err, fault.Denied) {
		t.Errorf("somebody without the role wrote a story: %v", err)
	}
}

// What is made from something knows it from its first saving on, or is not made.
func TestDerive(t *testing.T) {
	r, ctx := open(t), context.Background()
	source := r.receive(t)
	ed := r.editor.ID
	from := desk.From{Source: source, Version: 1, Act: terms.Translate}
	drafts := func() int {
		t.Helper()
		rows, err := r.library.Wire(ctx, library.Filter{Own: true}, 0, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(rows)
	}
	r.law.rulings = []desk.Ruling{{Decision: terms.Decision{Answer: terms.No, Clause: "3.2", Key: "terms.no.translate"}}}
	if _, err := r.Derive(ctx, ed, from, story("Made")); !fault.Is(err, fault.Denied) || fault.Of(err).Key != "terms.no.translate" || drafts() != 0 {
		t.Errorf("what is not permitted: %v, %d drafts", err, drafts())
	}
	r.law.rulings = []desk.Ruling{{Decision: terms.Decision{Answer: terms.Yes}}}
	if _, err := r.Derive(ctx, ed, desk.From{Source: source, Version: 1, Act: terms.Copy}, story("Made")); !fault.Is(err, fault.Invalid) {
		t.Errorf("an act by which nothing is made: %v", err)
	}
	if _, err := r.Derive(ctx, r.outsider.ID, from, story("Made")); !fault.Is(err, fault.Denied) {
		t.Errorf("somebody without the role: %v", err)
	}
	r.made.err = fault.New(fault.Conflict, "lineage.circle")
	if _, err := r.Derive(ctx, ed, from, story("Made")); !fault.Is(err, fault.Conflict) || drafts() != 0 {
		t.Errorf("what cannot be noted: %v, %d drafts", err, drafts())
	}
	r.made.err = nil
	once := story("Made")
	once.SourceID = "a form"
	first, err := r.Derive(ctx, ed, from, once)
	if err != nil {
		t.Fatal(err)
	}
	told := len(r.made.made)
	acc, err := r.Derive(ctx, ed, from, once)
	if acc.Item != first.Item || len(r.made.made) != told {
		t.Errorf("the same form, sent twice, made %+v and %+v", first, acc)
	}
	if err != nil || drafts() != 1 || r.made.made[len(r.made.made)-1] != acc.Item {
		t.Fatalf("%+v %v, %d drafts", acc, err, drafts())
	}
	if _, err := r.Apply(ctx, ed, 7, acc.Item, 1, story("Made, corrected"), ""); err != nil || len(r.made.applied) != 1 {
		t.Errorf("applied to a draft: %v", err)
	}
	if err := r.Release(ctx, ed, acc.Item, 2); err != nil {
		t.Fatal(err)
	}
	again := story("Made, corrected again")
	again.Class = news.Correction
	r.made.err = fault.New(fault.Conflict, "lineage.answered")
	if _, err := r.Apply(ctx, ed, 8, acc.Item, 2, again, "It was wrong."); !fault.Is(err, fault.Conflict) || r.released != 1 {
		t.Errorf("an answer that cannot be: %v, %d released", err, r.released)
	}
	r.made.err = nil
	if _, err := r.Apply(ctx, ed, 8, acc.Item, 2, again, "It was wrong."); err != nil || len(r.made.applied) != 3 || r.released != 2 {
		t.Errorf("applied: %v, %d released", err, r.released)
	}
	if err := r.Withdraw(ctx, ed, acc.Item, "It was wrong."); err != nil || len(r.made.withdrawn) != 1 {
		t.Errorf("withdrawn: %v", err)
	}
}

// receive puts a story of another newsroom on the wire.
func (r *room) receive(t *testing.T) news.ItemID {
	t.Helper()
	ctx := context.Background()
	const item = news.ItemID("newspool://soren.example/item/1")
	err := r.db.Write(ctx, func(tx *store.Tx) error {
		id, err := content.Put(tx, "application/json", "en", codec{}.Write(story("Theirs").Story, library.Meta{URI: item, Version: 1, Class: news.First}))
		if err != nil {
			return err
		}
		_, err = r.library.Receive(tx, library.Incoming{Item: item, Number: 1, Class: news.First, Origin: theirs, Agreement: "ag", Ledger: "le", ContentID: id, Story: story("Theirs").Story, State: news.Usable, Released: time.Now()})
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func TestTake(t *testing.T) {
	r, ctx := open(t), context.Background()
	item := r.receive(t)
	rev := terms.Revision{Agreement: "ag", Parties: []terms.Party{{Root: theirs, Domain: "soren.example", Names: terms.InLanguages{"en": "Radio Soren"}}}}
	no := terms.Decision{Answer: terms.No, Clause: "3.1", Key: "terms.no.copy"}
	for name, c := range map[string]struct {
		rulings []desk.Ruling
		credit  string
		key     string
	}{
		"no agreement":        {nil, "", "story.no_terms"},
		"a clause says no":    {[]desk.Ruling{{Revision: rev, Decision: no}}, "", "terms.no.copy"},
		"one of two says yes": {[]desk.Ruling{{Revision: rev, Decision: no}, {Revision: rev, Decision: terms.Decision{Answer: terms.Yes}}}, "Radio Soren", ""},
	} {
		r.law.rulings = c.rulings
		credit, err := r.Take(ctx, r.editor.ID, item, 1, "text")
		if credit != c.credit || (err == nil) != (c.key == "") || (err != nil && fault.Of(err).Key != c.key) {
			t.Errorf("%s: credit %q, %v", name, credit, err)
		}
	}
}
