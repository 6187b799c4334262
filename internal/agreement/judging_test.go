package agreement_test

import (
	"context"
	"encoding/json"
	"errors"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// inForce brings terms into force between two newsrooms.
func inForce(t *testing.T, a, b *house, rev terms.Revision) terms.RevisionHash {
	t.Helper()
	hash := signed(t, a, b, rev)
	a.carry()
	b.carry()
	return hash
}

// signed has one propose terms and the other sign them; the one does not know of it yet.
func signed(t *testing.T, a, b *house, rev terms.Revision) terms.RevisionHash {
	t.Helper()
	hash, err := a.Propose(context.Background(), rev, chief)
	if err != nil {
		t.Fatal(err)
	}
	b.carry()
	if err := b.Sign(context.Background(), hash, chief); err != nil {
		t.Fatal(err)
	}
	return hash
}

// mine is the ledger of a newsroom in an agreement.
func (h *house) mine(id terms.AgreementID) (out ledger.Info) {
	h.t.Helper()
	err := h.db.Read(context.Background(), func(r store.Reader) error {
		all, err := ledger.All(r, string(id))
		for _, i := range all {
			if i.Own && i.State == ledger.Open {
				out = i
			}
		}
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

// hears folds a record that a partner says at an index of a ledger, whether it is there or not.
func (h *house) hears(from *house, in ledger.ID, id terms.AgreementID, seq int64, kind string, at time.Time, body any) {
	h.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		h.t.Fatal(err)
	}
	d := ledger.Said{Ledger: in, Agreement: id, Owner: from.root, Seq: seq, Record: protocol.Record{Type: kind, Ledger: string(in), Time: at.UnixMicro(), Body: b}}
	err = h.db.Write(context.Background(), func(tx *store.Tx) error {
		if _, err := ledger.Get(tx, in); errors.Is(err, ledger.ErrUnknown) {
			if err := h.ledgers.Create(tx, ledger.Info{ID: in, Agreement: string(id), Owner: from.root, Origin: protocol.Origin(from.domain, string(in))}); err != nil {
				return err
			}
		}
		return h.Fold(tx, d)
	})
	if err != nil {
		h.t.Fatal(err)
	}
}

// While nothing may be said, a signature is taken all the same; closing and going over follow as soon as they may.
func TestNothingMayBeSaidYet(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	hash := signed(t, a, b, rev)
	a.mute = true
	a.carry()
	if err := a.Tick(ctx); err != nil || len(a.Active()) != 0 {
		t.Errorf("%d active while nothing may be said (%v)", len(a.Active()), err)
	}
	a.mute = false
	for range 2 { // once to close it, once to go over
		if err := a.Tick(ctx); err != nil {
			t.Fatal(err)
		}
	}
	b.carry()
	for _, h := range []*house{a, b} {
		if s := h.Active(); len(s) != 1 || s[0].Hash != hash {
			t.Errorf("%s: %d active", h.domain, len(s))
		}
	}
}

// One agreement in which something fails keeps no other from coming into force, and is told of until it is well.
func TestOneThatFailsStopsNoOther(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	const most = 6
	for range most {
		signed(t, a, b, rev)
	}
	a.mute = true
	a.carry()
	a.mute, a.fails = false, a.List()[0].ID
	for range 2 { // to close, and to go over
		if err := a.Tick(ctx); err == nil {
			t.Error("nothing failed")
		}
	}
	if n, stuck := len(a.Active()), a.Stuck(); n != most-1 || len(stuck) != 1 || stuck[0].Agreement != a.fails || stuck[0].Err == nil {
		t.Errorf("%d active, want %d; stuck are %v", n, most-1, stuck)
	}
	a.fails = ""
	for range 2 {
		if err := a.Tick(ctx); err != nil {
			t.Error(err)
		}
	}
	if n, stuck := len(a.Active()), a.Stuck(); n != most || len(stuck) != 0 {
		t.Errorf("%d active, want %d; stuck are %v", n, most, stuck)
	}
}

// Of several notices the soonest counts. One without a time means nothing, and takes back nothing.
func TestNoticesOfOneParty(t *testing.T) {
	a, b, rev := pair(t)
	inForce(t, a, b, rev)
	id := b.List()[0].ID
	in := a.mine(id)
	soon := time.Now().AddDate(0, 0, 10).UTC().Truncate(time.Microsecond)
	for n, notice := range []struct {
		ends int64
		want time.Time
	}{
		{0, time.Time{}}, {-5, time.Time{}}, {soon.AddDate(0, 0, 3).UnixMicro(), soon.AddDate(0, 0, 3)}, {0, soon.AddDate(0, 0, 3)},
		{soon.UnixMicro(), soon}, {-5, soon}, {0, soon}, {soon.AddDate(0, 0, 1).UnixMicro(), soon},
	} {
		b.hears(a, in.ID, id, in.Size+int64(n), agreement.TypeNotice, time.Now(), agreement.Body{Ends: notice.ends})
		st, _ := b.Judging(in.ID, 1<<62)
		x, _ := b.Get(id)
		if active := b.Active(); len(active) != 1 || !active[0].Ends.Equal(notice.want) || !st.Ends.Equal(notice.want) || !x.Ends.Equal(notice.want) {
			t.Errorf("notice %d (%d): %v ends %v and %v, want %v", n, notice.ends, active, st.Ends, x.Ends, notice.want)
		}
	}
}

// A revision that its author closes after the last day for signing is not in force: its parties are free from then on.
func TestClosedTooLate(t *testing.T) {
	a, b, rev := pair(t)
	hash := signed(t, a, b, rev)
	id := b.List()[0].ID
	r, _ := b.Revision(hash)
	var signatures []map[string]any
	for _, x := range r.Answers {
		signatures = append(signatures, map[string]any{"party": x.Party, "ledger": x.Ledger, "seq": x.Seq})
	}
	in := a.mine(id).ID
	b.hears(a, in, id, 2, agreement.TypeClose, rev.SignBy.Ends(time.UTC), map[string]any{"revision": hash, "signatures": signatures})
	if len(b.Active()) != 0 {
		t.Fatal("closed a moment too late, and in force")
	}
	b.hears(a, in, id, 3, agreement.TypeClose, rev.SignBy.Ends(time.UTC).Add(-time.Second), map[string]any{"revision": hash, "signatures": signatures})
	if len(b.Active()) != 1 {
		t.Error("closed a second before, and not in force")
	}
}

// Records are judged by a revision of their own agreement, by none that was not signed by all, and never by an earlier one again.
func TestJudgedByTheRightRevision(t *testing.T) {
	a, b, rev := pair(t)
	first := inForce(t, a, b, rev)
	id := a.List()[0].ID
	other := inForce(t, a, b, rev)
	in := a.mine(id)
	rev.Agreement, rev.Predecessor = id, first
	second := inForce(t, a, b, rev)
	rev.Predecessor = second
	rev.Parties[1].Signatory = terms.Signatory{Name: "V. Lozina", Office: "Editor in chief"}
	unsigned, err := b.Propose(context.Background(), rev, chief)
	if err != nil {
		t.Fatal(err)
	}
	last := a.mine(id).Size
	for i, c := range []struct {
		what string
		hash terms.RevisionHash
	}{{"a revision of another agreement", other}, {"an earlier revision", first}, {"one that not all have signed", unsigned}, {"one that nobody knows", "aa"}} {
		b.hears(a, in.ID, id, last+int64(i), agreement.TypeAdopt, time.Now(), agreement.Body{Revision: c.hash})
		if st, ok := b.Judging(in.ID, 1<<60); !ok || st.Hash != second {
			t.Errorf("after going over to %s it is judged by %s, want %s", c.what, st.Hash, second)
		}
	}
	if st, ok := b.Judging(in.ID, in.Size); !ok || st.Hash != first {
		t.Errorf("what was said before is judged by %s, want %s", st.Hash, first)
	}
	if _, ok := b.Judging(in.ID, 0); ok {
		t.Error("the first record is judged by something")
	}
}

// A newsroom that goes on in a new ledger has said there how the agreement stands: what it said in the old one counts no more.
func TestGoingOnInANewLedger(t *testing.T) {
	a, b, rev := pair(t)
	hash := inForce(t, a, b, rev)
	ctx := context.Background()
	id := a.List()[0].ID
	if err := a.Suspend(ctx, id, true); err != nil {
		t.Fatal(err)
	}
	b.carry()
	old := a.mine(id)
	next := ledger.ID(protocol.NewID())
	err := a.db.Write(ctx, func(tx *store.Tx) error {
		if err := ledger.SetState(tx, old.ID, ledger.Ended); err != nil {
			return err
		}
		if err := a.ledgers.Create(tx, ledger.Info{ID: next, Agreement: string(id), Owner: a.root, Own: true, Origin: protocol.Origin(a.domain, string(next))}); err != nil {
			return err
		}
		return a.Continue(tx, id, old.ID, next)
	})
	if err != nil {
		t.Fatal(err)
	}
	b.carry()
	for _, h := range []*house{a, b} {
		if s := h.Active(); len(s) != 1 || s[0].Hash != hash || !s[0].Suspended {
			t.Errorf("%s: %+v in the new ledger, want the same and suspended", h.domain, s)
		}
	}
	if err := a.Suspend(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	b.carry()
	for _, h := range []*house{a, b} {
		again := agreement.New(h.db, time.Now, nil, nil)
		again.Join(h)
		if err := again.Load(ctx); err != nil {
			t.Fatal(err)
		}
		for what, s := range map[string]*agreement.Service{"running": h.Service, "after a start": again} {
			if st := s.Active(); len(st) != 1 || st[0].Suspended {
				t.Errorf("%s, %s: still suspended", h.domain, what)
			}
			if got, _ := s.Get(id); got.State != agreement.InForce {
				t.Errorf("%s, %s: %s", h.domain, what, got.State)
			}
			if st, ok := s.Standing(old.ID); !ok || st.Hash != hash || st.Suspended {
				t.Errorf("%s, %s: what came by the old ledger stands at %s, suspended: %t", h.domain, what, st.Hash, st.Suspended)
			}
		}
		if st, ok := h.Judging(old.ID, 1<<62); !ok || !st.Suspended {
			t.Errorf("%s: what was said while it was suspended is judged otherwise now", h.domain)
		}
	}
	rev.Agreement, rev.Predecessor, rev.Uses.Publish = id, hash, nil
	stricter := inForce(t, a, b, rev)
	if err := a.Notice(ctx, id); err != nil {
		t.Fatal(err)
	}
	b.carry()
	ends := b.Active()[0].Ends
	for _, h := range []*house{a, b} {
		if st, ok := h.Standing(old.ID); !ok || st.Hash != stricter || ends.IsZero() || !st.Ends.Equal(ends) {
			t.Errorf("%s: what came by the old ledger stands at %s and ends %v, want %s and %v", h.domain, st.Hash, st.Ends, stricter, ends)
		}
	}
}

// What we say of suspension and notice holds for what came from the partner, and not only for what goes to it.
func TestOurWordHoldsForWhatCame(t *testing.T) {
	a, b, rev := pair(t)
	hash := inForce(t, a, b, rev)
	ctx := context.Background()
	id := a.List()[0].ID
	theirs := a.mine(id).ID
	for _, on := range []bool{true, false} {
		if err := b.Suspend(ctx, id, on); err != nil {
			t.Fatal(err)
		}
		if st, ok := b.Standing(theirs); !ok || st.Hash != hash || st.Suspended != on {
			t.Errorf("after we said %t it stands at %s, suspended: %t", on, st.Hash, st.Suspended)
		}
	}
	if err := b.Notice(ctx, id); err != nil {
		t.Fatal(err)
	}
	x, _ := b.Get(id)
	if st, ok := b.Standing(theirs); !ok || x.Ends.IsZero() || !st.Ends.Equal(x.Ends) {
		t.Errorf("after our notice it ends %v, want %v", st.Ends, x.Ends)
	}
	if st, ok := b.Standing(ledger.ID(protocol.NewID())); ok {
		t.Errorf("a ledger that nobody knows stands at %s", st.Hash)
	}
}

// A proposal is taken back in the ledger of its own agreement, and in no other.
func TestTakenBackInAnotherAgreement(t *testing.T) {
	a, b, rev := pair(t)
	inForce(t, a, b, rev)
	other := a.List()[0].ID
	hash, err := a.Propose(context.Background(), rev, chief)
	if err != nil {
		t.Fatal(err)
	}
	b.carry()
	open, _ := b.Revision(hash)
	for _, c := range []struct {
		in   ledger.Info
		id   terms.AgreementID
		void bool
	}{{a.mine(other), other, false}, {a.mine(open.Terms.Agreement), open.Terms.Agreement, true}} {
		b.hears(a, c.in.ID, c.id, c.in.Size, agreement.TypeVoid, time.Now(), agreement.Body{Revision: hash})
		if r, _ := b.Revision(hash); r.Void.IsZero() == c.void {
			t.Errorf("after its author took it back in %s it is void at %v", c.id, r.Void)
		}
	}
}

// What is undone is taken back, and what is done and not reported is known.
func TestUndone(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	hash := inForce(t, a, b, rev)
	id := a.List()[0].ID
	in := a.mine(id).ID
	undone := errors.New("test: undone")
	err := b.db.Write(ctx, func(tx *store.Tx) error {
		d := ledger.Said{Ledger: in, Agreement: id, Owner: a.root, Seq: 90, Record: protocol.Record{Type: agreement.TypeSuspend, Ledger: string(in), Time: 1, Body: []byte("{}")}}
		if err := b.Fold(tx, d); err != nil {
			return err
		}
		if !b.Active()[0].Suspended {
			t.Error("inside the transaction it is not suspended")
		}
		return undone
	})
	if !errors.Is(err, undone) || b.Active()[0].Suspended || b.Active()[0].Hash != hash {
		t.Errorf("after it was undone: %+v (%v)", b.Active(), err)
	}
	if err := b.Sign(ctx, hash, chief); !fault.Is(err, fault.Conflict) {
		t.Errorf("signing again: %v", err)
	}
}

// While nobody knows what became of something that was undone, and the database does not answer, it is told why.
func TestUndoneAndNotReadAgain(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	hash := inForce(t, a, b, rev)
	undone := errors.New("test: undone")
	err := b.Suspend(ctx, b.List()[0].ID, true, func(*store.Tx) error { return undone })
	if !errors.Is(err, undone) || b.Unread() != nil {
		t.Fatalf("%v, unread: %v", err, b.Unread())
	}
	b.broken.Store(true)
	for range 2 {
		if st := b.Active(); len(st) != 1 || st[0].Hash != hash || st[0].Suspended || !errors.Is(b.Unread(), errBroken) {
			t.Errorf("while the database does not answer: %+v, unread: %v", st, b.Unread())
		}
	}
	b.broken.Store(false)
	if st := b.Active(); len(st) != 1 || b.Unread() != nil {
		t.Errorf("when it answers again: %d, unread: %v", len(st), b.Unread())
	}
}
