package library

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

func TestReceive(t *testing.T) {
	with := func(in Incoming, set func(*Incoming)) Incoming { set(&in); return in }
	by2 := func(in *Incoming) { in.Ledger, in.Agreement = "ledger-2", "agr-2" }
	aside := func(in *Incoming) { in.State, in.Why = news.SetAside, Why{Clause: "2.1", Key: "clause.outside"} }
	tests := []struct {
		name string
		in   []Incoming
		want string // of applied: + or -
		wire string
	}{
		{"twice", []Incoming{incoming("1", 1, news.First, "A"), incoming("1", 1, news.First, "A")}, "+-", "A/1 usable"},
		{"an update", []Incoming{incoming("1", 1, news.First, "A"), incoming("1", 2, news.Update, "B")}, "++", "B/2 usable"},
		{"an older one", []Incoming{incoming("1", 2, news.Update, "B"), incoming("1", 1, news.First, "A")}, "++", "B/2 usable"},
		{"by another root", []Incoming{
			incoming("1", 1, news.First, "A"),
			with(incoming("1", 2, news.Withdrawal, "B"), func(in *Incoming) { in.Origin = avand }),
		}, "+-", "A/1 usable"},
		{"our own item", []Incoming{with(incoming("1", 1, news.First, "A"), func(in *Incoming) { in.Origin = north })}, "-", ""},
		{"a withdrawal", []Incoming{incoming("1", 1, news.First, "A"), incoming("1", 2, news.Withdrawal, "")}, "++", "A/2 withdrawn"},
		{"after a withdrawal", []Incoming{
			incoming("1", 1, news.First, "A"), incoming("1", 2, news.Withdrawal, ""), incoming("1", 3, news.Update, "C"),
		}, "+++", "A/2 withdrawn"},
		{"a withdrawal under a number that is taken", []Incoming{incoming("1", 1, news.First, "A"), incoming("1", 1, news.Withdrawal, "")}, "++", "A/1 withdrawn"},
		{"a withdrawal of what was never seen", []Incoming{incoming("1", 2, news.Withdrawal, ""), incoming("1", 1, news.First, "A")}, "++", ""},
		{"set aside", []Incoming{with(incoming("1", 1, news.First, "A"), aside)}, "+", "A/1 set-aside"},
		{"set aside here, usable there", []Incoming{
			with(incoming("1", 1, news.First, "A"), aside), with(incoming("1", 1, news.First, "A"), by2),
		}, "++", "A/1 usable"},
		{"usable here, set aside there", []Incoming{
			incoming("1", 1, news.First, "A"), with(with(incoming("1", 1, news.First, "A"), aside), by2),
		}, "+-", "A/1 usable"},
		{"the content is missing", []Incoming{incoming("1", 1, news.First, "")}, "+", "/1 closed"},
		{"the content comes", []Incoming{incoming("1", 1, news.First, ""), incoming("1", 1, news.First, "A")}, "++", "A/1 usable"},
		{"two items", []Incoming{incoming("1", 1, news.First, "A"), incoming("2", 1, news.First, "B"), incoming("1", 2, news.Update, "C")}, "+++", "C/2 usable; B/1 usable"},
	}
	each(t, func(t *testing.T, d *desk) {
		for _, tt := range tests {
			d.clear(t, 1)
			got := ""
			for _, in := range tt.in {
				if d.receive(t, in) {
					got += "+"
				} else {
					got += "-"
				}
			}
			if wire := headlines(d.wire(t, Filter{})); got != tt.want || wire != tt.wire {
				t.Errorf("%s: %s %s, want %s %s", tt.name, got, wire, tt.want, tt.wire)
			}
			checkFacets(t, d)
		}
	})
}

func TestReceiveRefuses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for name, spoil := range map[string]func(*Incoming){
			"no item":   func(in *Incoming) { in.Item = "" },
			"no number": func(in *Incoming) { in.Number = 0 },
			"no class":  func(in *Incoming) { in.Class = "other" },
			"no ledger": func(in *Incoming) { in.Ledger = "" },
			"no state":  func(in *Incoming) { in.State = "open" },
		} {
			in := incoming("1", 1, news.First, "A")
			spoil(&in)
			err := d.db.Write(context.Background(), func(tx *store.Tx) error { _, err := d.receiveTx(tx, in); return err })
			if !fault.Is(err, fault.Invalid) {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

func TestWithdrawnTextIsGivenToNobody(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		first := incoming("1", 1, news.First, "A")
		d.receive(t, first)
		if s, err := d.Version(ctx, first.Item, 0); err != nil || s.Headline != "A" {
			t.Fatalf("before: %+v, %v", s, err)
		}
		w := incoming("1", 2, news.Withdrawal, "")
		w.Story.Note = "it is not true"
		d.receive(t, w)
		for number := range 3 {
			if _, err := d.Version(ctx, first.Item, number); !fault.Is(err, fault.Gone) {
				t.Errorf("version %d: %v", number, err)
			}
		}
		it := d.item(t, first.Item)
		if it.Headline != "A" || it.Words != 0 || it.History[1].Note != "it is not true" || it.Versions != 2 {
			t.Errorf("item: %+v", it)
		}
		lines, err := d.Feed(ctx, 0, 0)
		if err != nil || len(lines) != 2 {
			t.Fatalf("feed: %+v, %v", lines, err)
		}
		for _, l := range lines {
			if !l.Withdrawn || l.State != news.Withdrawn || l.Story.Headline != "" {
				t.Errorf("line: %+v", l)
			}
		}
		if lines[1].Class != news.Withdrawal {
			t.Errorf("last line: %+v", lines[1])
		}
	})
}

func TestHiddenUntilRevealed(t *testing.T) {
	hide := func(seq int64, in Incoming) Incoming { in.Hidden, in.Seq = true, seq; return in }
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		d.receive(t, incoming("seen", 1, news.First, "Seen"))
		d.receive(t, incoming("kept", 1, news.First, "Kept"))
		for i, in := range []Incoming{
			incoming("new", 1, news.First, "New"), incoming("new", 2, news.Update, "Newer"),
			incoming("unseen", 1, news.First, "Unseen"), incoming("seen", 2, news.Withdrawal, ""),
			incoming("unseen", 2, news.Withdrawal, ""), incoming("kept", 2, news.Update, "Kept 2"), incoming("late", 1, news.First, "Late"),
		} {
			if !d.receive(t, hide(int64(10+i), in)) {
				t.Errorf("%d was not applied", i)
			}
		}
		if got := headlines(d.wire(t, Filter{})); got != "Kept/1 usable; Seen/1 closed" {
			t.Errorf("hidden: %s", got)
		}
		if _, err := d.Item(ctx, incoming("new", 1, news.First, "").Item); !fault.Is(err, fault.NotFound) {
			t.Errorf("hidden item: %v", err)
		}
		if _, err := d.Version(ctx, incoming("kept", 1, news.First, "").Item, 2); !fault.Is(err, fault.NotFound) {
			t.Errorf("hidden version: %v", err)
		}
		before, err := d.Feed(ctx, 0, 0)
		if err != nil {
			t.Fatal(err)
		}
		cursor := before[len(before)-1].Cursor
		reveal := func(to int64) (n int) {
			d.tx(t, func(tx *store.Tx) (err error) { n, err = d.Reveal(tx, "ledger-1", to); return err })
			checkFacets(t, d)
			return n
		}
		if n := reveal(15); n != 6 {
			t.Errorf("revealed %d", n)
		}
		if got := headlines(d.wire(t, Filter{})); got != "Kept 2/2 usable; Seen/2 withdrawn; Newer/2 usable" {
			t.Errorf("revealed: %s", got)
		}
		lines, err := d.Feed(ctx, cursor, 0)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, l := range lines {
			got = append(got, l.Story.Headline+" "+string(l.Class))
		}
		if want := "New new|Newer update| withdrawal|Kept 2 update"; strings.Join(got, "|") != want {
			t.Errorf("feed %s, want %s", strings.Join(got, "|"), want)
		}
		if n := reveal(15); n != 0 {
			t.Errorf("revealed again %d", n)
		}
		if n := reveal(99); n != 1 || d.wire(t, Filter{})[0].Headline != "Late" {
			t.Errorf("revealed the rest: %d", n)
		}
	})
}

func TestAHintCloses(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		in := incoming("1", 1, news.First, "A")
		d.receive(t, in)
		own := d.accept(t, draft("s1", "Own"))
		d.tx(t, func(tx *store.Tx) error {
			for _, id := range []news.ItemID{in.Item, own.Item, "newspool://soren.example/item/none", in.Item} {
				if err := d.CloseForUse(tx, id, Why{Key: "item.hint"}); err != nil {
					return err
				}
			}
			return nil
		})
		d.receive(t, incoming("1", 2, news.Update, "B"))
		if got := headlines(d.wire(t, Filter{})); got != "B/2 closed; Own/1 usable" {
			t.Errorf("closed: %s", got)
		}
		if it := d.item(t, in.Item); it.Why.Key != "item.hint" {
			t.Errorf("why: %+v", it.Why)
		}
		lines, err := d.Feed(ctx, 0, 0)
		if err != nil || lines[len(lines)-1].State != news.Closed || lines[len(lines)-1].Story.Headline != "" {
			t.Errorf("feed: %+v, %v", lines, err)
		}
		set := func(id news.ItemID, s news.State) error {
			return d.db.Write(ctx, func(tx *store.Tx) error { return d.SetState(tx, id, s, Why{Key: "item.by_hand"}) })
		}
		steps := []struct {
			id   news.ItemID
			to   news.State
			kind fault.Kind
			wire string
		}{
			{in.Item, news.Usable, "", "B/2 usable; Own/1 usable"},
			{in.Item, news.SetAside, "", "B/2 set-aside; Own/1 usable"},
			{own.Item, news.Closed, fault.Denied, ""},
			{in.Item, "open", fault.Invalid, ""},
			{"newspool://soren.example/item/none", news.Usable, fault.NotFound, ""},
			{in.Item, news.Withdrawn, "", "B/2 withdrawn; Own/1 usable"},
			{in.Item, news.Withdrawn, "", "B/2 withdrawn; Own/1 usable"},
			{in.Item, news.Usable, fault.Gone, ""},
		}
		for i, s := range steps {
			err := set(s.id, s.to)
			if s.kind == "" && err != nil || s.kind != "" && !fault.Is(err, s.kind) {
				t.Errorf("step %d: %v", i, err)
			}
			if got := headlines(d.wire(t, Filter{})); s.wire != "" && got != s.wire {
				t.Errorf("step %d: %s", i, got)
			}
			checkFacets(t, d)
		}
		d.receive(t, incoming("2", 1, news.First, ""))
		if err := set(incoming("2", 1, news.First, "").Item, news.Usable); !fault.Is(err, fault.Conflict) {
			t.Errorf("usable without content: %v", err)
		}
	})
}

// What is closed because its withdrawal is on the way, by a hint or by a withdrawal that does not show yet, is opened by nobody, also
// where it was closed for another reason before.
func TestWithdrawalAhead(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		for n, ahead := range []func(in Incoming){
			func(in Incoming) {
				d.tx(t, func(tx *store.Tx) error { return d.CloseForUse(tx, in.Item, Why{Key: WithdrawalAhead}) })
			},
			func(in Incoming) {
				in.Number, in.Class, in.Hidden, in.Seq = 2, news.Withdrawal, true, 30
				d.receive(t, in)
			},
		} {
			in := incoming(strconv.Itoa(n), 1, news.First, "A")
			d.receive(t, in)
			unknown := func() {
				d.tx(t, func(tx *store.Tx) error { return d.CloseForUse(tx, in.Item, Why{Key: "item.unknown"}) })
			}
			unknown()
			ahead(in)
			unknown()
			if it := d.item(t, in.Item); it.State != news.Closed || it.Why.Key != WithdrawalAhead {
				t.Errorf("%d: %s because of %+v", n, it.State, it.Why)
			}
			for _, s := range []news.State{news.Usable, news.SetAside} {
				err := d.db.Write(context.Background(), func(tx *store.Tx) error { return d.SetState(tx, in.Item, s, Why{}) })
				if !fault.Is(err, fault.Conflict) || fault.Of(err).Key != WithdrawalAhead {
					t.Errorf("%d: %s: %v", n, s, err)
				}
			}
			in.Number, in.Class, in.Seq = 3, news.Withdrawal, 40
			d.receive(t, in)
			if it := d.item(t, in.Item); it.State != news.Withdrawn {
				t.Errorf("%d: withdrawn in the end: %s", n, it.State)
			}
		}
	})
}

func TestAgreementsAndWays(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		in := incoming("1", 1, news.First, "A")
		d.receive(t, in)
		in.Ledger, in.Agreement, in.Seq = "ledger-2", "agr-2", 40
		d.receive(t, in)
		own := d.accept(t, draft("s1", "Own"))
		d.tx(t, func(tx *store.Tx) error {
			for range 2 {
				if err := d.Carried(tx, own.Item, 1, "agr-2", "ledger-9", 7); err != nil {
					return err
				}
			}
			return nil
		})
		if got := headlines(d.wire(t, Filter{Agreement: "agr-2"})); got != "Own/1 usable; A/1 usable" {
			t.Errorf("agr-2: %s", got)
		}
		if got := headlines(d.wire(t, Filter{Agreement: "agr-1"})); got != "A/1 usable" {
			t.Errorf("agr-1: %s", got)
		}
		it := d.item(t, in.Item)
		if len(it.Ways) != 2 || it.Ways[1] != (Way{1, "agr-2", "ledger-2", 40}) || len(it.Agreements) != 2 {
			t.Errorf("item: %+v", it)
		}
		d.tx(t, func(tx *store.Tx) error {
			root, found, err := d.Origin(tx, in.Item)
			if root != soren || !found {
				t.Errorf("origin %s, %v", root, found)
			}
			if _, found, _ := d.Origin(tx, "none"); found {
				t.Error("found nothing")
			}
			return err
		})
	})
}

func TestPinnedUntilSeen(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		flash := func(id, headline string, u news.Urgency) news.ItemID {
			dr := draft(id, headline)
			dr.Urgency = u
			return d.accept(t, dr).Item
		}
		pinned := func(p news.PersonID) string {
			rows, err := d.PinnedUrgent(ctx, p)
			if err != nil {
				t.Fatal(err)
			}
			return headlines(rows)
		}
		flash("s0", "Yesterday", 1)
		d.at = d.at.Add(25 * time.Hour)
		id := flash("s1", "Flash", 1)
		flash("s2", "Urgent", 2)
		flash("s3", "Calm", 3)
		if got := pinned("p1"); got != "Urgent/1 usable; Flash/1 usable" {
			t.Errorf("pinned: %s", got)
		}
		if err := d.Seen(ctx, "p1", id, 1); err != nil {
			t.Fatal(err)
		}
		if got := pinned("p1"); got != "Urgent/1 usable" {
			t.Errorf("after one was seen: %s", got)
		}
		if got := pinned("p2"); got != "Urgent/1 usable; Flash/1 usable" {
			t.Errorf("for another: %s", got)
		}
		flash("s1", "Flash again", 1)
		if got := pinned("p1"); got != "Flash again/2 usable; Urgent/1 usable" {
			t.Errorf("a new version: %s", got)
		}
		for _, version := range []int{2, 1} { // an older one that is looked at again does not bring it back
			if err := d.Seen(ctx, "p1", id, version); err != nil {
				t.Fatal(err)
			}
		}
		if got := pinned("p1"); got != "Urgent/1 usable" {
			t.Errorf("after both versions were seen: %s", got)
		}
		flash("s1", "Flash thrice", 1)
		if err := d.Seen(ctx, "p1", id, 2); err != nil { // who opened it before the third came has not seen that
			t.Fatal(err)
		}
		if got := pinned("p1"); got != "Flash thrice/3 usable; Urgent/1 usable" {
			t.Errorf("a version that came while the page was made: %s", got)
		}
		if err := d.Seen(ctx, "p1", "none", 1); !fault.Is(err, fault.NotFound) {
			t.Errorf("seen nothing: %v", err)
		}
	})
}

// The last line of an item in the feed is its current version, also when an older one opens later.
func TestFeedEndsWithTheCurrentVersion(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		first := incoming("1", 1, news.First, "A")
		first.State = news.SetAside
		d.receive(t, first)
		d.receive(t, incoming("1", 2, news.Update, "B"))
		first.State, first.Ledger = news.Usable, "ledger-2"
		if !d.receive(t, first) {
			t.Error("the older version did not open")
		}
		lines, err := d.Feed(context.Background(), 0, 0)
		if err != nil || len(lines) != 2 || lines[0].Story.Headline != "A" || lines[1].Story.Headline != "B" {
			t.Errorf("feed: %+v, %v", lines, err)
		}
	})
}

// What partners kept of ours comes back as it was, and does not go out again.
func TestRestore(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		restore := func(in Incoming) {
			t.Helper()
			in.Item, in.Origin = news.ItemID(strings.Replace(string(in.Item), "soren", "north", 1)), north
			d.tx(t, func(tx *store.Tx) error {
				if in.Story.Headline != "" {
					id, err := content.Put(tx, "application/json", "en", plainCodec{}.Write(in.Story, Meta{}))
					if err != nil {
						return err
					}
					in.ContentID = id
				}
				return d.Restore(tx, in)
			})
			checkFacets(t, d)
		}
		for range 2 {
			restore(incoming("1", 1, news.First, "A"))
			restore(incoming("1", 2, news.Correction, "B"))
			restore(incoming("2", 1, news.First, "C"))
			restore(incoming("2", 2, news.Withdrawal, ""))
		}
		if got := headlines(d.wire(t, Filter{Own: true, Agreement: "agr-1"})); got != "C/2 withdrawn; B/2 usable" || len(d.out) != 0 {
			t.Errorf("restored: %s, %d went out", got, len(d.out))
		}
		a, err := d.Correct(context.Background(), "newspool://north.example/item/1", news.Draft{Story: story("D")}, "", "p")
		if err != nil || a.Version != 3 {
			t.Errorf("goes on with %+v, %v", a, err)
		}
		err = d.db.Write(context.Background(), func(tx *store.Tx) error { return d.Restore(tx, incoming("1", 1, news.First, "A")) })
		if !fault.Is(err, fault.NotFound) {
			t.Errorf("restored a partner's item: %v", err)
		}
	})
}

// A text that was written here since under a number that was said leaves it to what was said and comes after it, released or not as it
// was. What was withdrawn stays so, whichever of the two says it.
func TestGiveWay(t *testing.T) {
	each(t, func(t *testing.T, d *desk) {
		ctx := context.Background()
		back := func(id news.ItemID, number int, class news.Class, headline, agreement string) {
			t.Helper()
			in := incoming("1", number, class, headline)
			in.Item, in.Origin, in.Agreement, in.Ledger = id, north, terms.AgreementID(agreement), "ledger of "+agreement
			d.tx(t, func(tx *store.Tx) error {
				if headline != "" {
					cid, err := content.Put(tx, "application/json", "en", plainCodec{}.Write(in.Story, Meta{}))
					if err != nil {
						return err
					}
					in.ContentID = cid
				}
				return d.Restore(tx, in)
			})
			checkFacets(t, d)
		}
		is := func(name string, id news.ItemID, want string, out int) {
			t.Helper()
			it, err := d.Item(ctx, id)
			if err != nil {
				t.Fatal(err)
			}
			got := headlines([]Row{it.Row}) + ":"
			for _, v := range it.History {
				got += fmt.Sprintf(" %d %s %s", v.Number, v.Headline, v.State)
			}
			if got != want || len(d.out) != out {
				t.Errorf("%s: %s, %d went out; want %s, %d", name, got, len(d.out), want, out)
			}
			d.out = nil
		}
		fresh := func() news.ItemID {
			d.clear(t, 1)
			id := d.accept(t, draft("1", "A")).Item
			d.out = nil
			return id
		}
		id := fresh()
		d.accept(t, draft("1", "Mine"))
		d.out = nil
		back(id, 2, news.Correction, "Said", "agr-1")
		is("written since", id, "Mine/3 usable: 1 A usable 2 Said usable 3 Mine usable", 1)
		back(id, 2, news.Correction, "Said", "agr-1")
		is("once more", id, "Mine/3 usable: 1 A usable 2 Said usable 3 Mine usable", 0)
		if a := d.accept(t, draft("1", "Mine")); !a.Duplicate || a.Version != 3 {
			t.Errorf("its source says it again: %+v", a)
		}

		id = fresh()
		d.tx(t, func(tx *store.Tx) error { _, err := d.AcceptTx(tx, draft("1", "Mine"), false); return err })
		back(id, 2, news.Correction, "Said", "agr-1")
		is("a draft", id, "Said/2 usable: 1 A usable 2 Said usable 3 Mine draft", 0)

		id = fresh()
		d.accept(t, draft("1", "Mine"))
		d.tx(t, func(tx *store.Tx) error { return d.Carried(tx, id, 2, "agr-1", "another ledger", 7) })
		d.out = nil
		back(id, 2, news.Correction, "Said", "agr-1")
		is("both were said", id, "Mine/2 usable: 1 A usable 2 Mine usable", 0)

		id = fresh()
		d.accept(t, draft("1", "Mine"))
		d.out = nil
		back(id, 2, news.Withdrawal, "", "agr-1")
		is("it was withdrawn", id, "Mine/2 withdrawn: 1 A usable 2 Mine usable", 0)

		id = fresh()
		if _, err := d.Withdraw(ctx, id, "wrong", "p"); err != nil {
			t.Fatal(err)
		}
		d.out = nil
		back(id, 2, news.Correction, "Said", "agr-1")
		it, err := d.Item(ctx, id)
		if err != nil || it.State != news.Withdrawn {
			t.Errorf("withdrawn since: %s, %v", it.State, err)
		}
	})
}

// A version counts as taken under an agreement if it was not set aside there, shown or still hidden, whatever another agreement says;
// a person's word goes before.
func TestTookUnder(t *testing.T) {
	aside := func(in *Incoming) { in.State, in.Why = news.SetAside, Why{Clause: "2.1", Key: "clause.outside"} }
	hidden := func(in *Incoming) { in.Hidden = true }
	other := func(in *Incoming) { in.Ledger, in.Agreement = "ledger-2", "agr-2" }
	each(t, func(t *testing.T, d *desk) {
		for _, tt := range []struct {
			name   string
			set    []func(*Incoming)
			person news.State
			want   bool
		}{
			{"usable", nil, "", true},
			{"set aside", []func(*Incoming){aside}, "", false},
			{"hidden", []func(*Incoming){hidden}, "", true},
			{"hidden and set aside", []func(*Incoming){hidden, aside}, "", false},
			{"without its text", []func(*Incoming){func(in *Incoming) { in.ContentID = "" }}, "", true},
			{"a withdrawal", []func(*Incoming){func(in *Incoming) { in.Class = news.Withdrawal }}, "", false},
			{"under another agreement", []func(*Incoming){other}, "", false},
			{"set aside, and opened by a person", []func(*Incoming){aside}, news.Usable, true},
			{"usable, and set aside by a person", nil, news.SetAside, false},
		} {
			d.clear(t, 1)
			in := incoming("1", 1, news.First, "A")
			for _, set := range tt.set {
				set(&in)
			}
			d.receive(t, in)
			if tt.name == "set aside" { // what came usable by another agreement is set aside in this one all the same
				other(&in)
				in.State, in.Why = news.Usable, Why{}
				d.receive(t, in)
			}
			var got bool
			err := d.db.Write(context.Background(), func(tx *store.Tx) (err error) {
				if tt.person != "" {
					if err := d.SetState(tx, in.Item, tt.person, Why{Key: "desk.by_hand"}); err != nil {
						return err
					}
				}
				got, err = d.TookUnder(tx, in.Item, "agr-1")
				return err
			})
			if err != nil || got != tt.want {
				t.Errorf("%s: %t, want %t (%v)", tt.name, got, tt.want, err)
			}
		}
	})
}
