package nodetest

import (
	"context"
	"slices"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/content"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

var chief = agreement.Signer{Name: "Vera Lozina", Office: "Editor in chief"}

// propose has a house propose terms, and waits until the others have them.
func propose(t testing.TB, rev terms.Revision, from *House, to ...*House) terms.RevisionHash {
	t.Helper()
	hash, err := from.Agreements.Propose(context.Background(), rev, agreement.Signer{Name: "Agnes Thorley", Office: "Editor in chief"})
	if err != nil {
		t.Fatal(err)
	}
	for _, h := range to {
		Wait(t, h.Domain+" has the proposal", func() bool { return h.Agreements.Holds(hash) })
	}
	return hash
}

func sign(t testing.TB, h *House, hash terms.RevisionHash) {
	t.Helper()
	if err := h.Agreements.Sign(context.Background(), hash, chief); err != nil {
		t.Fatal(err)
	}
}

// adopted waits until houses have gone over to a revision.
func adopted(t testing.TB, hash terms.RevisionHash, houses ...*House) {
	t.Helper()
	for _, h := range houses {
		Wait(t, h.Domain+" has gone over", func() bool {
			if err := h.Agreements.Tick(context.Background()); err != nil {
				t.Fatal(err)
			}
			return slices.ContainsFunc(h.Agreements.Active(), func(s terms.Standing) bool { return s.Hash == hash })
		})
	}
}

// stands waits until an agreement stands in a state at houses.
func stands(t testing.TB, id terms.AgreementID, want agreement.State, houses ...*House) {
	t.Helper()
	for _, h := range houses {
		var got agreement.State
		Wait(t, "the agreement is "+string(want)+" at "+h.Domain, func() bool {
			a, _ := h.Agreements.Get(id)
			got = a.State
			return got == want
		})
	}
}

func agreementOf(t testing.TB, h *House, hash terms.RevisionHash) terms.AgreementID {
	t.Helper()
	r, ok := h.Agreements.Revision(hash)
	if !ok {
		t.Fatalf("%s does not hold %s", h.Domain, hash)
	}
	return r.Terms.Agreement
}

// In an agreement of three everybody has everything, can prove it, and sees who signed.
func TestAgreementOfThree(t *testing.T) {
	a, b, c := Start(t, North()), Start(t, Soren()), Start(t, Avand())
	Meet(a, b)
	Meet(a, c)
	Meet(b, c)
	hash := propose(t, Terms(a, b, c), a, b, c)
	sign(t, c, hash)
	sign(t, b, hash)
	all := []*House{a, b, c}
	adopted(t, hash, all...)
	ctx := context.Background()
	items := map[*House]news.ItemID{}
	for i, h := range all {
		items[h] = accept(t, h, Story(i))
	}
	for _, from := range all {
		for _, to := range all {
			if from != to {
				waitState(t, to, items[from], news.Usable)
			}
		}
		waitDelivered(t, from, items[from], 2)
	}
	for _, h := range all {
		r, _ := h.Agreements.Revision(hash)
		signed := map[string]string{}
		for _, x := range r.Answers {
			signed[x.Party] = x.Kind + " " + x.Name
		}
		want := map[string]string{string(a.Exchange.Root()): "sign Agnes Thorley", string(b.Exchange.Root()): "sign Vera Lozina", string(c.Exchange.Root()): "sign Vera Lozina"}
		for p, w := range want {
			if signed[p] != w {
				t.Errorf("at %s %s has said %q, want %q", h.Domain, p, signed[p], w)
			}
		}
		for owner, id := range items {
			it, err := h.Library.Item(ctx, id)
			if err != nil || len(it.Ways) != 1 {
				t.Fatalf("%s at %s: %+v (%v)", id, h.Domain, it.Ways, err)
			}
			file, _, err := h.Proofs().File(ctx, ledger.ID(it.Ways[0].Ledger), it.Ways[0].Seq)
			if err != nil {
				t.Fatal(err)
			}
			proven, err := protocol.VerifyProof(file)
			if err != nil || proven.Newsroom.Root != string(owner.Exchange.Root()) || proven.Record.About != string(id) || len(proven.Cosigners) == 0 {
				t.Errorf("the proof of %s by %s: %+v (%v)", id, h.Domain, proven, err)
			}
		}
	}
	if _, err := b.Library.Withdraw(ctx, items[b], "Wrong.", ""); err != nil {
		t.Fatal(err)
	}
	waitState(t, a, items[b], news.Withdrawn)
	waitState(t, c, items[b], news.Withdrawn)
	sameLedgers(t, all...)
}

// What a party reports to one of the others is heard by all, and wrong at none.
func TestReportsInAnAgreementOfThree(t *testing.T) {
	a, b, c := Start(t, North()), Start(t, Soren()), Start(t, Avand())
	Meet(a, b)
	Meet(a, c)
	Meet(b, c)
	rev := Terms(a, b, c)
	rev.Flows[0].Languages = []news.Lang{"fr"}
	hash := propose(t, rev, a, b, c)
	sign(t, c, hash)
	sign(t, b, hash)
	adopted(t, hash, a, b, c)
	id := accept(t, a, Story(1))
	pos := force(t, a, agreementOf(t, a, hash), exchange.TypeRelease, id, 1, news.First, Story(1).Story)
	mine := own(t, a, "").ID
	waitState(t, b, id, news.SetAside)
	waitState(t, c, id, news.SetAside)
	Wait(t, "both have told", func() bool { return len(troubles(t, a, mine, pos.Seq)) == 2 })
	for _, h := range []*House{b, c} {
		sameLedgers(t, a, b, c)
		if all, err := h.Exchange.Troubles(context.Background(), "", 100); err != nil || len(all) > 0 {
			t.Errorf("%s is troubled by what was said to another: %+v (%v)", h.Domain, all, err)
		}
	}
}

// A party without a node signs through its host, who says how; nobody else can, and not without saying how.
func TestPartyWithoutNode(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	rev := Terms(a, b)
	rev.Parties = append(rev.Parties, terms.Party{
		Host: b.Exchange.Root(), Domain: "harbour.example", Kind: "newspaper", Languages: []news.Lang{"en"},
		Names: terms.InLanguages{"en": "The Harbour Paper"}, Signatory: terms.Signatory{Name: "Tom Quay", Office: "publisher"},
	})
	hash := propose(t, rev, a, b)
	ctx := context.Background()
	tom := agreement.Signer{Name: "Tom Quay", Office: "publisher"}
	is(t, "without saying how", b.Agreements.SignFor(ctx, hash, 2, tom), fault.Invalid, "agreement.how")
	tom.How = "on paper, 24 November"
	is(t, "by another than the host", a.Agreements.SignFor(ctx, hash, 2, tom), fault.Denied, "agreement.not_host")
	is(t, "for a party with a node", b.Agreements.SignFor(ctx, hash, 0, tom), fault.Denied, "agreement.not_host")
	sign(t, b, hash)
	if err := b.Agreements.SignFor(ctx, hash, 2, tom); err != nil {
		t.Fatal(err)
	}
	adopted(t, hash, a, b)
	r, _ := a.Agreements.Revision(hash)
	x, ok := r.Answer(string(b.Exchange.Root()) + " harbour.example")
	if !ok || x.Name != "Tom Quay" || x.Words != "on paper, 24 November" {
		t.Errorf("the answer of the party without a node is %+v", x)
	}
	waitState(t, b, accept(t, a, Story(1)), news.Usable)
}

// A proposal is declined, taken back, or answered by another one; nobody has two signatures open at a time.
func TestNegotiation(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	ctx := context.Background()

	no := propose(t, Terms(a, b), a, b)
	if err := b.Agreements.Decline(ctx, no, agreement.Signer{How: "Too broad."}); err != nil {
		t.Fatal(err)
	}
	stands(t, agreementOf(t, a, no), agreement.Declined, a, b)
	is(t, "signing what was declined", b.Agreements.Sign(ctx, no, chief), fault.Conflict, "agreement.answered")

	first := propose(t, Terms(a, b), a, b)
	id := agreementOf(t, a, first)
	second := Terms(a, b)
	second.Agreement, second.Author = id, a.Exchange.Root()
	_, err := a.Agreements.Propose(ctx, second, chief)
	is(t, "a second proposal with the same predecessor", err, fault.Conflict, "agreement.open_signature")

	counter := Terms(b, a)
	counter.Agreement, counter.Uses.Syndicate = id, true
	answer := propose(t, counter, b, a)
	is(t, "signing the answer while our own stands", a.Agreements.Sign(ctx, answer, chief), fault.Conflict, "agreement.open_signature")
	is(t, "signing the first while our answer stands", b.Agreements.Sign(ctx, first, chief), fault.Conflict, "agreement.open_signature")
	is(t, "taking back what somebody else proposed", b.Agreements.Void(ctx, first), fault.Conflict, "agreement.cannot_void")
	if err := a.Agreements.Void(ctx, first); err != nil {
		t.Fatal(err)
	}
	Wait(t, "the partner knows that it was taken back", func() bool { r, _ := b.Agreements.Revision(first); return !r.Void.IsZero() })
	is(t, "signing what was taken back", b.Agreements.Sign(ctx, first, chief), fault.Conflict, "agreement.is_void")
	sign(t, a, answer)
	adopted(t, answer, a, b)
	is(t, "taking back what is closed", b.Agreements.Void(ctx, answer), fault.Conflict, "agreement.cannot_void")
	is(t, "replacing what is not in force", proposeOnly(b, counter, first), fault.Conflict, "agreement.predecessor")
	waitState(t, b, accept(t, a, Story(1)), news.Usable)
}

func proposeOnly(h *House, rev terms.Revision, before terms.RevisionHash) error {
	rev.Predecessor = before
	_, err := h.Agreements.Propose(context.Background(), rev, chief)
	return err
}

// After the last day for signing a signature is refused, and the author is free to propose again.
func TestLateSigning(t *testing.T) {
	var h hands
	x, y := North(), Soren()
	x.Clock, y.Clock = h.clock, h.clock
	a, b := Start(t, x), Start(t, y)
	Meet(a, b)
	ctx := context.Background()
	rev := Terms(a, b)
	rev.SignBy = terms.DateOf(h.clock(), time.UTC)
	hash := propose(t, rev, a, b)
	id := agreementOf(t, a, hash)
	h.move(25 * time.Hour)
	is(t, "signing too late", b.Agreements.Sign(ctx, hash, chief), fault.Conflict, "agreement.too_late")
	stands(t, id, agreement.Expired, a, b)
	rev.Agreement, rev.SignBy = id, terms.DateOf(h.clock(), time.UTC)
	again := propose(t, rev, a, b)
	sign(t, b, again)
	adopted(t, again, a, b)
}

// A new revision takes the place of the old one. Records are judged by the revision that stood at their place, also when they arrive
// long after.
func TestAmended(t *testing.T) {
	var h hands
	var first terms.RevisionHash
	x, y := North(), Soren()
	x.Clock, y.Clock = h.clock, h.clock
	a, b := Start(t, x), Start(t, y)
	Meet(a, b)
	rev := Terms(a, b)
	first = Agree(rev, a, b)
	id := agreementOf(t, a, first)
	rev.Agreement, rev.Predecessor, rev.Start = id, first, terms.DateOf(h.clock().AddDate(0, 0, 1), time.UTC)
	noSport(&rev)
	second := propose(t, rev, a, b)
	sign(t, b, second)
	Wait(t, "the new revision is closed at both", func() bool {
		ra, _ := a.Agreements.Revision(second)
		rb, _ := b.Agreements.Revision(second)
		return !ra.Closed.IsZero() && !rb.Closed.IsZero()
	})
	stands(t, id, agreement.InForce, a, b)
	waitDelivered(t, a, accept(t, a, Story(1)), 1)
	b.Stop()
	before := accept(t, a, sport(2))
	Wait(t, "the first one has gone out", func() bool { ds := deliveries(t, a, before); return len(ds) == 1 && ds[0].State == exchange.Released })
	h.move(24 * time.Hour)
	adopted(t, second, a)
	after := accept(t, a, sport(3))
	Wait(t, "the second one is refused", func() bool { ds := deliveries(t, a, after); return len(ds) == 1 && ds[0].State == exchange.Refused })
	pos := force(t, a, id, exchange.TypeRelease, after, 1, news.First, sport(3).Story)
	b.Restart(b.spec)
	waitState(t, b, before, news.Usable)
	waitState(t, b, after, news.SetAside)
	adopted(t, second, b)
	for seq, want := range map[int64]terms.RevisionHash{deliveries(t, a, before)[0].Seq: first, pos.Seq: second} {
		if st, ok := b.Agreements.Judging(pos.Ledger, seq); !ok || st.Hash != want {
			t.Errorf("record %d is judged by %s, want %s", seq, st.Hash, want)
		}
	}
	if r, _ := b.Agreements.Revision(second); r.Terms.Number != 2 {
		t.Errorf("the new revision has the number %d", r.Terms.Number)
	}
	other := rev
	other.Predecessor, other.Parties = second, append(slices.Clone(rev.Parties), terms.Party{
		Host: a.Exchange.Root(), Domain: "harbour.example", Kind: "newspaper", Languages: []news.Lang{"en"}, Names: terms.InLanguages{"en": "The Harbour Paper"},
	})
	is(t, "somebody more in an agreement that goes on", proposeOnly(a, other, second), fault.Conflict, "agreement.other_parties")
}

// While an agreement is suspended nothing new crosses, in neither direction; corrections and withdrawals do. After notice it ends,
// and withdrawals still go through.
func TestSuspendedAndEnded(t *testing.T) {
	var h hands
	a, b := pair(t, func(x, y *Spec, rev *terms.Revision) {
		x.Clock, y.Clock = h.clock, h.clock
		rev.NoticeDays = 7
	})
	ctx := context.Background()
	id := terms.AgreementID(own(t, a, "").Agreement)
	old, gone := accept(t, a, Story(1)), accept(t, a, Story(2))
	waitState(t, b, gone, news.Usable)
	if err := b.Agreements.Suspend(ctx, id, true); err != nil {
		t.Fatal(err)
	}
	stands(t, id, agreement.Suspended, a, b)
	use := func(x *House, item news.ItemID, key string) {
		t.Helper()
		all, err := x.Exchange.Rulings(ctx, item, terms.Publish)
		if err != nil || len(all) != 1 || all[0].Decision.Key != key {
			t.Errorf("publishing at %s: %+v (%v), want %s", x.Domain, all, err, key)
		}
	}
	use(b, old, "terms.wait.suspended")
	for _, x := range []*House{a, b} {
		item := accept(t, x, Story(3))
		Wait(t, "it is refused at "+x.Domain, func() bool {
			ds := deliveries(t, x, item)
			return len(ds) == 1 && ds[0].State == exchange.Refused && ds[0].Clause == "1.4" && ds[0].Key == "terms.wait.suspended"
		})
	}
	unseen := news.ItemID("newspool://north.example/item/" + uuid(t))
	force(t, a, id, exchange.TypeRelease, unseen, 1, news.First, Story(4).Story)
	waitState(t, b, unseen, news.SetAside)
	accept(t, a, changed(1, "Ferry number 1 was late", news.Correction))
	if it := waitVersion(t, b, old, 2); it.State != news.Usable {
		t.Errorf("a correction during a suspension is %s", it.State)
	}
	if _, err := a.Library.Withdraw(ctx, gone, "Wrong.", ""); err != nil {
		t.Fatal(err)
	}
	waitState(t, b, gone, news.Withdrawn)

	is(t, "suspending twice", b.Agreements.Suspend(ctx, id, true), fault.Conflict, "agreement.cannot_suspend")
	if err := a.Agreements.Suspend(ctx, id, true); err != nil {
		t.Fatal(err)
	}
	if err := b.Agreements.Suspend(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	stands(t, id, agreement.Suspended, a, b)
	if err := a.Agreements.Suspend(ctx, id, false); err != nil {
		t.Fatal(err)
	}
	stands(t, id, agreement.InForce, a, b)
	waitState(t, b, accept(t, a, Story(5)), news.Usable)

	if err := a.Agreements.Notice(ctx, id); err != nil {
		t.Fatal(err)
	}
	is(t, "notice twice", a.Agreements.Notice(ctx, id), fault.Conflict, "agreement.cannot_notice")
	Wait(t, "the partner knows the end", func() bool { x, _ := b.Agreements.Get(id); return x.Ends.After(h.clock().AddDate(0, 0, 7)) })
	theirs := accept(t, b, Story(6))
	waitState(t, a, theirs, news.Usable)
	use(a, theirs, "terms.yes.use")
	h.move(9 * 24 * time.Hour)
	stands(t, id, agreement.Ended, a, b)
	use(a, theirs, "terms.no.ended")
	use(b, old, "terms.no.ended")
	for _, x := range []*House{a, b} {
		item := accept(t, x, Story(7))
		Wait(t, "it is refused at "+x.Domain, func() bool {
			ds := deliveries(t, x, item)
			return len(ds) == 1 && ds[0].State == exchange.Refused && ds[0].Key == "terms.no.ended"
		})
	}
	if _, err := a.Library.Withdraw(ctx, old, "Wrong too.", ""); err != nil {
		t.Fatal(err)
	}
	waitState(t, b, old, news.Withdrawn)
	sameLedgers(t, a, b)
}

// A signature that arrives while nothing may be said yet is not lost: the agreement is closed and adopted as soon as it may.
func TestSignedWhileAway(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	hash := propose(t, Terms(a, b), a, b)
	Wait(t, "the receipt for the proposal is here", func() bool { return own(t, a, "").Confirmed > 0 })
	a.Stop()
	sign(t, b, hash)
	a.Restart(a.spec)
	adopted(t, hash, a, b)
	waitState(t, b, accept(t, a, Story(1)), news.Usable)
}

// Nobody gets to read what is said under an agreement by proposing something in it, or by being named in a proposal that we have not
// signed.
func TestNobodyEntersAnAgreement(t *testing.T) {
	a, b := pair(t, nil)
	c := Start(t, Avand())
	Meet(a, c)
	Meet(b, c)
	ctx := context.Background()
	waitDelivered(t, a, accept(t, a, Story(1)), 1)
	mine := own(t, a, "")
	id := terms.AgreementID(mine.Agreement)
	reads := func() error {
		p, _ := c.Exchange.Partner(a.Exchange.Root())
		body, err := c.Peer.Get(ctx, p, id, "ledgers/"+string(mine.ID)+"/checkpoint")
		if err == nil {
			body.Close()
		}
		return err
	}
	if err := reads(); !fault.Is(err, fault.Denied) {
		t.Errorf("a stranger to the agreement: %v", err)
	}

	alone := Terms(c, a)
	alone.Agreement = id
	hash, err := c.Agreements.Propose(ctx, alone, chief)
	if err != nil {
		t.Fatal(err)
	}
	Wait(t, "its ledger was followed and folded", func() bool {
		return slices.ContainsFunc(ledgers(t, a), func(i ledger.Info) bool { return i.Owner == c.Exchange.Root() && i.Applied == 2 })
	})
	if a.Agreements.Holds(hash) {
		t.Error("a proposal of a newsroom that is no party was taken")
	}
	if err := reads(); !fault.Is(err, fault.NotFound) {
		t.Errorf("after proposing: %v", err)
	}

	rev := Terms(b, a, c)
	before := a.Agreements.Active()[0]
	rev.Agreement, rev.Predecessor, rev.Number = id, before.Hash, 2
	rev.TextHashes = terms.HashTexts(rev, func(l news.Lang) terms.Printer { return b.Bundle.Printer(string(l), rev.Location()) })
	sneaked := sayProposal(t, b, id, rev)
	Wait(t, "the proposal is here", func() bool { return a.Agreements.Holds(sneaked) })
	if err := reads(); !fault.Is(err, fault.NotFound) {
		t.Errorf("after being named: %v", err)
	}
	is(t, "signing for somebody more", a.Agreements.Sign(ctx, sneaked, chief), fault.Conflict, "agreement.other_parties")
	if len(deliveries(t, a, accept(t, a, Story(2)))) > 1 {
		t.Error("a story is on its way to somebody who was only named")
	}
}

// sayProposal says a proposal as a node would never: without asking whether it may.
func sayProposal(t testing.TB, h *House, id terms.AgreementID, rev terms.Revision) terms.RevisionHash {
	t.Helper()
	b := rev.Bytes()
	write(t, h, func(tx *store.Tx) error {
		all := []ledger.Content{{Bytes: b, Type: "application/json"}}
		for _, l := range rev.Languages {
			all = append(all, ledger.Content{Bytes: []byte(h.Agreements.Text(rev, l)), Type: "text/plain", Lang: string(l)})
		}
		for i := range all {
			cid, err := content.Put(tx, all[i].Type, all[i].Lang, all[i].Bytes)
			if err != nil {
				return err
			}
			all[i].ID = cid
		}
		_, err := h.Exchange.Say(tx, id, ledger.Draft{Type: agreement.TypePropose, Body: agreement.Body{Revision: terms.Hash(b)}, Contents: all})
		return err
	})
	return terms.Hash(b)
}
