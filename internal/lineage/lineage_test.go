package lineage

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
)

// What is made is noted once; what could make a circle, or was made from nothing that is here, is not.
func TestMake(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		d := h.draft(sourceID, 1, "D")
		try := func(m Made) error {
			return h.db.Write(context.Background(), func(tx *store.Tx) error { return h.Make(tx, m) })
		}
		if err := try(Made{Item: d, Source: sourceID, Version: 1, How: Edit}); err != nil {
			t.Error(err)
		}
		if made, err := h.Sources(context.Background(), d); err != nil || len(made) != 1 || made[0].How != Translation {
			t.Errorf("made from %+v (%v)", made, err)
		}
		e := h.draft(d, 1, "E")
		is(t, "a circle", try(Made{Item: d, Source: e, Version: 1, How: Edit}), fault.Conflict, "lineage.circle")
		is(t, "made from itself", try(Made{Item: d, Source: d, Version: 1, How: Edit}), fault.Conflict, "lineage.circle")
		is(t, "a way that is none", try(Made{Item: e, Source: sourceID, Version: 1, How: "poem"}), fault.Invalid, "fault.request")
		is(t, "a version that is not here", try(Made{Item: e, Source: sourceID, Version: 7, How: Edit}), fault.NotFound, "library.not_found")
		is(t, "an item of somebody else", try(Made{Item: sourceID, Source: d, Version: 1, How: Edit}), fault.Denied, "library.not_ours")
		h.release(d)
		other := h.draft(sourceID, 1, "F")
		is(t, "a released item", try(Made{Item: d, Source: other, Version: 1, How: Edit}), fault.Conflict, "lineage.released")
		h.receive(northX, 2, news.Withdrawal, false)
		is(t, "a withdrawn source", try(Made{Item: e, Source: sourceID, Version: 1, How: Edit}), fault.Gone, "library.withdrawn")
	})
}

// A use is said when the item is released and not before, once in each agreement under which the source came, with the record by which
// it came there.
func TestUseIsSaidOnce(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northX, 2, news.Update, false)
		h.receive(northY, 1, news.First, false)
		d := h.draft(sourceID, 2, "D")
		if got := h.bodies(TypeUse, sourceID); len(got) != 0 {
			t.Errorf("a draft was told of: %s", got)
		}
		h.release(d)
		want := []string{
			`{"what":"translation","version":2,"lang":"ru","ledger":"` + string(northX) + `","seq":1}`,
			`{"what":"translation","version":2,"lang":"ru","ledger":"` + string(northY) + `","seq":0}`,
		}
		if got := h.bodies(TypeUse, sourceID); !slices.Equal(got, want) {
			t.Errorf("uses %s", got)
		}
		h.write(func(tx *store.Tx) error {
			_, err := h.library.CorrectTx(tx, d, news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: "D2", Body: "<p>..</p>"}}, "", h.ana)
			return err
		})
		if got := h.bodies(TypeUse, sourceID); len(got) != 2 {
			t.Errorf("uses after a correction %s", got)
		}
	})
}

// Each correction has its duty; what was made from that version or a newer one has none. Answering the newer one answers the older one.
func TestTwoCorrections(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northX, 2, news.Update, false)
		d := h.makes(sourceID, 1, "D")
		e := h.makes(sourceID, 2, "E")
		h.receive(northX, 3, news.Correction, false)
		h.receive(northX, 4, news.Correction, false)
		f := h.makes(sourceID, 3, "F")
		g := h.makes(sourceID, 4, "G")
		all := h.open(5)
		if all[0].Due.After(all[1].Due) || all[0].Due.Sub(all[0].Raised) != 30*time.Minute {
			t.Errorf("the soonest is not first: %+v", all)
		}
		of := func(id news.ItemID) (versions []int) {
			for _, x := range all {
				if x.Item == id {
					versions = append(versions, x.Version)
				}
			}
			return versions
		}
		if !slices.Equal(of(d), []int{3, 4}) || !slices.Equal(of(e), []int{3, 4}) || !slices.Equal(of(f), []int{4}) || of(g) != nil {
			t.Errorf("duties of %v %v %v %v", of(d), of(e), of(f), of(g))
		}
		duties, err := h.Duties(context.Background(), d)
		if err != nil || len(duties) != 2 || duties[0].Version != 4 || duties[0].Had != 1 {
			t.Fatalf("duties of D: %+v (%v)", duties, err)
		}
		h.answer(duties[0], NotAffected, "The harbour is not in our text.")
		if acted := h.bodies(TypeActed, sourceID); len(acted) != 2 || !strings.Contains(acted[0], `"seq":2,`) || !strings.Contains(acted[1], `"seq":3,`) {
			t.Errorf("said %s", acted)
		}
		h.open(3)
		h.answer(duties[0], NotAffected, "The harbour is not in our text.") // the same again
		is(t, "another answer", h.Answer(context.Background(), h.ana, duties[1].N, Refused, "No."), fault.Conflict, "lineage.answered")
		is(t, "nothing to answer", h.Answer(context.Background(), h.ana, 99, Refused, "No."), fault.NotFound, "lineage.no_duty")
		is(t, "too long", h.Answer(context.Background(), h.ana, h.open(3)[0].N, Refused, strings.Repeat("ё", maxWhy+1)), fault.Invalid, "lineage.why_long")
		if n := len(h.bodies(TypeActed, sourceID)); n != 2 {
			t.Errorf("said %d times", n)
		}
	})
}

// An older duty that the person could not see is not answered with a newer one.
func TestAnswerOnlyWhatIsSeen(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northY, 1, news.First, false)
		d := h.makes(sourceID, 1, "D")
		h.receive(northX, 2, news.Correction, true)
		h.open(0)
		if _, err := h.Duties(context.Background(), d); err != nil {
			t.Error(err)
		}
		h.receive(northY, 3, news.Correction, false)
		h.answer(h.open(1)[0], Refused, "We keep it.")
		h.show(northX)
		if left := h.open(1)[0]; left.Version != 2 {
			t.Errorf("what is left is %+v", left)
		}
	})
}

// A change that comes under two agreements is one duty, due when the first of them says, answered in both: also in the one that brings
// it after the answer.
func TestTwoAgreements(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northY, 1, news.First, false)
		h.makes(sourceID, 1, "D")
		h.receive(northX, 2, news.Correction, false)
		first := h.open(1)[0]
		h.answer(first, Refused, "We keep it.")
		h.receive(northY, 2, news.Correction, false)
		h.open(0)
		acted := h.bodies(TypeActed, sourceID)
		if len(acted) != 2 || !strings.Contains(acted[0], string(northX)) || !strings.Contains(acted[1], string(northY)) {
			t.Errorf("said %s", acted)
		}
		if all, err := h.Duties(context.Background(), first.Item); err != nil || len(all) != 1 || !all[0].Due.Equal(first.Due) {
			t.Errorf("duties %+v (%v)", all, err)
		}
	})
}

// After a withdrawal of the source nothing older is asked any more; what is withdrawn itself owes nothing.
func TestAfterAWithdrawal(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northY, 1, news.First, false)
		d := h.makes(sourceID, 1, "D")
		e := h.makes(sourceID, 1, "E")
		h.receive(northX, 3, news.Withdrawal, false)
		if all := h.open(2); all[0].Class != news.Withdrawal || all[0].Due.Sub(all[0].Raised) != 15*time.Minute {
			t.Errorf("duties %+v", all)
		}
		h.receive(northY, 2, news.Correction, false)
		h.open(2)
		h.write(func(tx *store.Tx) error {
			_, err := h.library.WithdrawTx(tx, d, "The source is withdrawn.", h.ana)
			return err
		})
		if left := h.open(1); left[0].Item != e {
			t.Errorf("left is %+v", left)
		}
		if acted := h.bodies(TypeActed, sourceID); len(acted) != 1 || !strings.HasPrefix(acted[0], `{"what":"removed"`) {
			t.Errorf("said %s", acted)
		}
		h.receive(northY, 3, news.Withdrawal, false)
		h.open(1)
		if acted := h.bodies(TypeActed, sourceID); len(acted) != 2 {
			t.Errorf("said %s", acted)
		}
	})
}

// A draft owes an answer as well, and what it was answered is told when it is released, unless what was corrected stands in it.
func TestDrafts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		d, e := h.draft(sourceID, 1, "D"), h.draft(sourceID, 1, "E")
		h.receive(northX, 2, news.Correction, false)
		for _, x := range h.open(2) {
			if x.Item == d {
				h.answer(x, NotAffected, "Not in our text.")
			} else {
				h.answer(x, Applied, "")
			}
		}
		h.receive(northX, 3, news.Correction, false)
		for _, x := range h.open(2) {
			if want := map[news.ItemID]int{d: 1, e: 2}[x.Item]; x.Had != want {
				t.Errorf("%s had version %d, want %d", x.Item, x.Had, want)
			}
			if x.Item == e {
				h.answer(x, Removed, "")
			}
		}
		if len(h.said) != 0 {
			t.Errorf("said of drafts: %+v", h.said)
		}
		h.release(d)
		if acted := h.bodies(TypeActed, sourceID); len(acted) != 1 || !strings.HasPrefix(acted[0], `{"what":"not-affected"`) {
			t.Errorf("said %s", acted)
		}
		// Whoever gets the released item is told what waits for an answer.
		h.carry(d, 1)
		if got := h.bodies(TypeNotice, d); !slices.Equal(got, []string{`{"class":"correction","version":1,"number":2}`}) {
			t.Errorf("notices %s", got)
		}
		h.release(e)
		if uses := h.bodies(TypeUse, sourceID); len(uses) != 2 || !strings.Contains(uses[1], `"version":2`) {
			t.Errorf("uses %s", uses)
		}
	})
}

// While the form was open the source was corrected: the duty is there with the draft.
func TestMadeFromWhatWasCorrectedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northX, 2, news.Correction, false)
		h.makes(sourceID, 1, "D")
		h.makes(sourceID, 2, "E")
		if x := h.open(1)[0]; x.Version != 2 || x.Had != 1 || x.Due.Sub(x.Raised) != 30*time.Minute {
			t.Errorf("the duty is %+v", x)
		}
		h.fold(northX, north, TypeNotice, string(sourceID), NoticeBody{Class: news.Withdrawal, Version: 2, Number: 1})
		h.open(3)
		h.makes(sourceID, 2, "F")
		if all := h.open(4); !all[3].Notice && !all[2].Notice {
			t.Errorf("duties %+v", all)
		}
		at, class, ok, err := h.Noticed(context.Background(), sourceID)
		if err != nil || !ok || class != news.Withdrawal || !at.Equal(h.at) {
			t.Errorf("noticed %v %s %v (%v)", at, class, ok, err)
		}
	})
}

// What a ledger that catches up has brought is not shown yet, and is not forgotten for what is made meanwhile.
func TestMadeWhileCatchingUp(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.receive(northX, 2, news.Correction, true)
		h.makes(sourceID, 1, "D")
		h.open(0)
		h.show(northX)
		if x := h.open(1)[0]; x.Version != 2 || x.Due.Sub(x.Raised) != 30*time.Minute {
			t.Errorf("the duty is %+v", x)
		}
	})
}

// What cannot be said waits, and is said once.
func TestWhatCannotBeSaidWaits(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		h.mute[agX], h.mute[agZ] = true, true
		d := h.makes(sourceID, 1, "D")
		h.mute[agZ] = false
		h.carry(d, 1)
		h.mute[agZ] = true
		h.receive(northX, 2, news.Correction, false)
		h.answer(h.open(1)[0], Refused, "We keep it.")
		if len(h.said) != 0 {
			t.Fatalf("said %+v", h.said)
		}
		wait := func() {
			t.Helper()
			if err := h.sayWaiting(context.Background()); err != nil {
				t.Fatal(err)
			}
		}
		wait()
		h.mute[agX] = false
		wait()
		if len(h.bodies(TypeUse, sourceID)) != 1 || len(h.bodies(TypeActed, sourceID)) != 1 || len(h.bodies(TypeNotice, d)) != 0 {
			t.Errorf("said %+v", h.said)
		}
		if c := h.said[1].Contents; len(c) != 1 || string(c[0].Bytes) != `{"why":"We keep it."}` {
			t.Errorf("the reason is %+v", c)
		}
		h.mute[agZ] = false
		wait()
		wait()
		if len(h.said) != 3 || len(h.bodies(TypeNotice, d)) != 1 {
			t.Errorf("said %+v", h.said)
		}
	})
}

// At the origin: uses, answers and numbers of a partner; and what cannot be right, which counts for nothing.
func TestWhatPartnersMade(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ctx := context.Background()
		acc, err := h.library.Accept(ctx, news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: "D", Body: "<p>.</p>"}, By: h.ana})
		if err != nil {
			t.Fatal(err)
		}
		d := acc.Item
		seq := h.carry(d, 1)
		z := string(ours(agZ))
		good := UseBody{What: Shortened, Version: 1, Lang: "fa", Ledger: z, Seq: seq}
		if wrong := h.fold(avandZ, avand, TypeUse, string(d), good); wrong != "" {
			t.Errorf("a use: %s", wrong)
		}
		h.write(func(tx *store.Tx) error {
			_, err := h.library.CorrectTx(tx, d, news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: "D2", Body: "<p>..</p>"}}, "", h.ana)
			return err
		})
		cause := h.carry(d, 2)
		acted := ActedBody{What: NotAffected, Ledger: z, Seq: cause, In: string(avandZ), Use: 0}
		for _, c := range []struct {
			what, about string
			kind        string
			body        any
			wrong       string
		}{
			{"no such way", string(d), TypeUse, UseBody{What: "parody", Version: 1, Ledger: z, Seq: seq}, malformed},
			{"an item that nobody knows", "newspool://soren.example/item/x", TypeUse, good, unknownItem},
			{"an item of somebody else", string(sourceID), TypeUse, good, unknownItem},
			{"a record that is not there", string(d), TypeUse, UseBody{What: Edit, Version: 1, Ledger: z, Seq: 99}, noRecord},
			{"a ledger of another agreement", string(d), TypeUse, UseBody{What: Edit, Version: 1, Ledger: string(ours(agX)), Seq: seq}, malformed},
			{"an unknown ledger", string(d), TypeUse, UseBody{What: Edit, Version: 1, Ledger: strings.Repeat("9", 32), Seq: seq}, noRecord},
			{"an answer", string(d), TypeActed, acted, ""},
			{"a number", string(d), TypeActed, ActedBody{What: beyond, Made: 3, Acted: 2, Ledger: z, Seq: cause, In: string(avandZ)}, ""},
			{"more acted upon than made", string(d), TypeActed, ActedBody{What: beyond, Made: 1, Acted: 2, Ledger: z, Seq: cause, In: string(avandZ)}, malformed},
			{"a use that is not there", string(d), TypeActed, ActedBody{What: Applied, Ledger: z, Seq: cause, In: string(avandZ), Use: 77}, noUse},
			{"a use of another newsroom", string(d), TypeActed, ActedBody{What: Applied, Ledger: z, Seq: cause, In: string(northX), Use: 0}, noUse},
			{"an answer to a release", string(d), TypeActed, ActedBody{What: Applied, Ledger: z, Seq: seq, In: string(avandZ)}, noRecord},
			{"a notice about an item of ours", string(d), TypeNotice, NoticeBody{Class: news.Correction, Version: 1, Number: 1}, notTheirs},
			{"a notice about nothing", "newspool://avand.example/item/x", TypeNotice, NoticeBody{Class: news.Correction, Version: 1, Number: 1}, unknownItem},
			{"a notice of nothing", string(d), TypeNotice, NoticeBody{Class: news.Update, Version: 1, Number: 1}, malformed},
		} {
			if wrong := h.fold(avandZ, avand, c.kind, c.about, c.body); wrong != c.wrong {
				t.Errorf("%s: %q, want %q", c.what, wrong, c.wrong)
			}
		}
		uses, err := h.Uses(ctx, d)
		if err != nil || len(uses) != 1 || len(uses[0].Acts) != 1 {
			t.Fatalf("uses %+v (%v)", uses, err)
		}
		if a := uses[0].Acts[0]; a.Answer != NotAffected || a.Made != 3 || a.Acted != 2 || a.Version != 2 || a.Due.IsZero() {
			t.Errorf("the act is %+v", a)
		}
	})
}

// What is not about what was made is left to others.
func TestFoldLeavesTheRest(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *store.Tx) error {
			body := map[string]any{"what": "set-aside", "clause": "2.1", "ledger": string(ours(agX)), "seq": 0}
			d, err := h.record(tx, northX, north, TypeActed, string(sourceID), body, false)
			if err != nil {
				return err
			}
			for _, x := range []ledger.Said{d, {}} {
				if taken, _, err := h.Fold(tx, x); taken || err != nil {
					t.Errorf("%q was taken (%v)", x.Record.Type, err)
				}
			}
			return nil
		})
	})
}

// Notices go hand to hand: from North's notice to those who have what we made, to what we made of that, and the numbers back.
func TestNumbersBeyond(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		d := h.makes(sourceID, 1, "D")
		e := h.makes(d, 1, "E")
		seq := h.carry(d, 1)
		z := string(ours(agZ))
		if wrong := h.fold(avandZ, avand, TypeUse, string(d), UseBody{What: Edit, Version: 1, Lang: "fa", Ledger: z, Seq: seq}); wrong != "" {
			t.Fatal(wrong)
		}
		h.fold(northX, north, TypeNotice, string(sourceID), NoticeBody{Class: news.Correction, Version: 1, Number: 1})
		var of Duty
		for _, x := range h.open(2) {
			if x.Item == e {
				of = x
			}
			if !x.Notice {
				t.Errorf("the duty is %+v", x)
			}
		}
		if got := h.bodies(TypeNotice, d); !slices.Equal(got, []string{`{"class":"correction","version":1,"number":1}`}) {
			t.Errorf("notices %s", got)
		}
		last := func() string {
			if err := h.sayWaiting(context.Background()); err != nil {
				t.Fatal(err)
			}
			all := h.bodies(TypeActed, sourceID)
			if len(all) == 0 {
				return ""
			}
			return all[len(all)-1]
		}
		if !strings.HasPrefix(last(), `{"what":"beyond","made":2,`) {
			t.Errorf("said %s", last())
		}
		var noticed int64
		h.write(func(tx *store.Tx) (err error) {
			noticed, err = one(tx, `SELECT seq FROM notice_out WHERE item = $1`, d)
			return err
		})
		if wrong := h.fold(avandZ, avand, TypeActed, string(d), ActedBody{What: Removed, Ledger: z, Seq: noticed, In: string(avandZ)}); wrong != "" {
			t.Error(wrong)
		}
		if !strings.HasPrefix(last(), `{"what":"beyond","made":2,"acted":1,`) {
			t.Errorf("said %s", last())
		}
		h.answer(of, NotAffected, "It is not in it.")
		if !strings.HasPrefix(last(), `{"what":"beyond","made":2,"acted":2,`) {
			t.Errorf("said %s", last())
		}
		n := len(h.said)
		h.write(func(tx *store.Tx) error { return h.settleUp(tx, e) })
		if len(h.said) != n {
			t.Errorf("said again %+v", h.said[n:])
		}
	})
}

// A partner that tells of changes without end does not have our ledgers grow with its own.
func TestFloodOfNotices(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.receive(northX, 1, news.First, false)
		d := h.makes(sourceID, 1, "D")
		h.carry(d, 1)
		for n := range int64(mostOpen + 20) {
			h.fold(northX, north, TypeNotice, string(sourceID), NoticeBody{Class: news.Correction, Version: 1, Number: n + 1})
		}
		h.open(mostOpen)
		if n := len(h.bodies(TypeNotice, d)); n != mostOpen {
			t.Errorf("%d notices", n)
		}
	})
}

// What our people made of our own item is asked by our own correction: no agreement gives a time, nothing is said to anybody but those
// who have what was made, and what is withdrawn as a draft owes nothing any more.
func TestOwnItems(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		acc, err := h.library.Accept(context.Background(), news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: "S", Body: "<p>.</p>"}, Source: "ingest", SourceID: "s"})
		if err != nil {
			t.Fatal(err)
		}
		d := h.makes(acc.Item, 1, "D")
		e := h.draft(acc.Item, 1, "E")
		f := h.draft(d, 1, "F")
		h.carry(d, 1)
		correction := news.Draft{Story: news.Story{Type: news.Text, Lang: "ru", Headline: "S2", Body: "<p>..</p>"}, Source: "ingest", SourceID: "s", Class: news.Correction}
		if _, err := h.library.Accept(context.Background(), correction); err != nil {
			t.Fatal(err)
		}
		for _, x := range h.open(3) {
			if !x.Due.IsZero() || x.Notice != (x.Item == f) || x.Class != news.Correction || x.Had != 1 {
				t.Errorf("the duty is %+v", x)
			}
		}
		if len(h.said) != 1 || len(h.bodies(TypeNotice, d)) != 1 {
			t.Errorf("said %+v", h.said)
		}
		h.write(func(tx *store.Tx) error {
			if _, err := h.library.WithdrawTx(tx, e, "Not needed.", h.ana); err != nil {
				return err
			}
			return h.Withdrawn(tx, h.ana, e)
		})
		h.open(2)
	})
}
