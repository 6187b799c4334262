package agreement

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"slices"
	"time"

	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Complete gives a revision as Propose signs it: with an agreement, its author, the next number in the agreement and the hashes of
// its texts. A revision without an agreement id begins a new agreement.
func (s *Service) Complete(rev terms.Revision) terms.Revision {
	if rev.Agreement == "" {
		rev.Agreement = terms.AgreementID(protocol.NewID())
	}
	rev.Format, rev.Author = terms.Format, s.exchange.Root()
	s.settle()
	s.mu.RLock()
	rev.Number = s.next(rev.Agreement)
	s.mu.RUnlock()
	rev.TextHashes = terms.HashTexts(rev, s.printer(rev))
	return rev
}

// next is the number of the next revision of an agreement; mu is held.
func (s *Service) next(id terms.AgreementID) int {
	n := 1
	for _, r := range s.revisions {
		if r.Terms.Agreement == id {
			n = max(n, r.Terms.Number+1)
		}
	}
	return n
}

// Propose completes a revision, proposes it to its parties and signs it for us. It is refused where it is not what who.Seen names.
// Propose returns the hash by which the revision is known from now on; it is durable, and on its way.
func (s *Service) Propose(ctx context.Context, rev terms.Revision, who Signer, also ...func(*store.Tx) error) (terms.RevisionHash, error) {
	rev = s.Complete(rev)
	for _, p := range rev.Validate() {
		if p.Fatal {
			return "", fault.New(fault.Invalid, p.Key, flat(p.Args)...)
		}
	}
	b := rev.Bytes()
	if _, err := terms.Parse(b); err != nil {
		return "", err
	}
	hash := terms.Hash(b)
	if who.Seen != "" && who.Seen != hash {
		return "", fault.New(fault.Conflict, "agreement.text_changed")
	}
	err := s.db.Write(ctx, func(tx *store.Tx) error {
		if err := s.mayPropose(rev); err != nil {
			return err
		}
		in, err := s.ledger(tx, rev.Agreement, partiesOf(rev), "")
		if err != nil {
			return err
		}
		contents, err := s.documents(tx, rev, b)
		if err != nil {
			return err
		}
		if err := s.say(tx, rev.Agreement, in, ledger.Draft{Type: TypePropose, Body: Body{Revision: hash}, Contents: contents}); err != nil {
			return err
		}
		if err := s.answer(tx, rev.Agreement, in, TypeSign, Body{Revision: hash}, who); err != nil {
			return err
		}
		return tx.Also(also)
	})
	return hash, err
}

// documents keeps the bytes of a revision and its readable texts, as the contents of a proposal.
func (s *Service) documents(tx *store.Tx, rev terms.Revision, b []byte) ([]ledger.Content, error) {
	all := []ledger.Content{{Bytes: b, Type: "application/json"}}
	for _, l := range rev.Languages {
		all = append(all, ledger.Content{Bytes: []byte(s.Text(rev, l)), Type: "text/plain", Lang: string(l)})
	}
	for i, c := range all {
		id, err := content.Put(tx, c.Type, c.Lang, c.Bytes)
		if err != nil {
			return nil, err
		}
		all[i].ID = id
	}
	return all, nil
}

// mayPropose refuses a second open revision of ours with the same predecessor, one that replaces what is not in force, and one whose
// number was taken in the meantime.
func (s *Service) mayPropose(rev terms.Revision) error {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	if rev.Number != s.next(rev.Agreement) {
		return fault.New(fault.Conflict, "agreement.text_changed")
	}
	if err := s.fits(rev); err != nil {
		return err
	}
	return s.openSignature(rev, "")
}

// fits refuses a revision whose predecessor was never signed by all, and one that changes who takes part: what was said to some
// would then be read by others.
func (s *Service) fits(rev terms.Revision) error {
	if rev.Predecessor == "" {
		return nil
	}
	before := s.revisions[rev.Predecessor]
	if before == nil || !before.complete() || before.Terms.Agreement != rev.Agreement {
		return fault.New(fault.Conflict, "agreement.predecessor")
	}
	if !SameParties(before.Terms, rev) {
		return fault.New(fault.Conflict, "agreement.other_parties")
	}
	return nil
}

// SameParties reports whether the same take part: only then can one revision replace the other.
func SameParties(a, b terms.Revision) bool {
	domains := func(rev terms.Revision) (out []string) {
		for _, p := range rev.Parties {
			out = append(out, p.Domain)
		}
		slices.Sort(out)
		return out
	}
	return slices.Equal(domains(a), domains(b))
}

// openSignature finds a signature of ours that stands open beside this revision.
func (s *Service) openSignature(rev terms.Revision, except terms.RevisionHash) error {
	us := string(s.exchange.Root())
	for _, r := range s.revisions {
		if r.Hash == except || r.Terms.Agreement != rev.Agreement || r.Terms.Predecessor != rev.Predecessor || !r.Void.IsZero() || r.Expired(s.clock()) {
			continue
		}
		if a, ok := r.Answer(us); ok && a.Kind == "sign" {
			return fault.New(fault.Conflict, "agreement.open_signature")
		}
	}
	return nil
}

// ledger gives our ledger in an agreement, opened in the transaction if there is none yet.
func (s *Service) ledger(tx *store.Tx, id terms.AgreementID, parties []news.Root, words string) (ledger.ID, error) {
	s.settle()
	s.mu.RLock()
	in, ok := s.own[id]
	s.mu.RUnlock()
	if ok {
		return in, nil
	}
	in, err := s.exchange.OpenLedger(tx, id, parties, words)
	if err != nil {
		return "", err
	}
	s.changing(tx, func() func() {
		s.own[id] = in
		return func() { delete(s.own, id) }
	})
	return in, nil
}

func (s *Service) answer(tx *store.Tx, id terms.AgreementID, in ledger.ID, kind string, body Body, who Signer) error {
	b, err := json.Marshal(who)
	if err != nil {
		return err
	}
	cid, err := content.Put(tx, "application/json", "", b)
	if err != nil {
		return err
	}
	return s.say(tx, id, in, ledger.Draft{Type: kind, Body: body, Contents: []ledger.Content{{ID: cid, Bytes: b, Type: "application/json"}}})
}

// Sign signs a revision for us. It is refused when the last day for signing has passed, when we have answered already, and
// when another signature of ours is open for the same predecessor.
func (s *Service) Sign(ctx context.Context, hash terms.RevisionHash, who Signer, also ...func(*store.Tx) error) error {
	return s.reply(ctx, hash, TypeSign, 0, who, also)
}

// SignFor enters, as host, the signature of a party without a node. party is its index in the revision; who.How says how the
// signature was given.
func (s *Service) SignFor(ctx context.Context, hash terms.RevisionHash, party int, who Signer, also ...func(*store.Tx) error) error {
	if who.How == "" {
		return fault.New(fault.Invalid, "agreement.how")
	}
	return s.reply(ctx, hash, TypeSign, party+1, who, also)
}

// Decline says no to a revision; who.How is the reason.
func (s *Service) Decline(ctx context.Context, hash terms.RevisionHash, who Signer, also ...func(*store.Tx) error) error {
	return s.reply(ctx, hash, TypeDecline, 0, who, also)
}

func (s *Service) reply(ctx context.Context, hash terms.RevisionHash, kind string, party int, who Signer, also []func(*store.Tx) error) error {
	if who.Name == "" && kind == TypeSign {
		return fault.New(fault.Invalid, "agreement.signatory")
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		r, err := s.mayReply(hash, kind, party)
		if err != nil {
			return err
		}
		in, err := s.ledger(tx, r.Terms.Agreement, partiesOf(r.Terms), "")
		if err != nil {
			return err
		}
		if err := s.answer(tx, r.Terms.Agreement, in, kind, Body{Revision: hash, For: party}, who); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

func (s *Service) mayReply(hash terms.RevisionHash, kind string, party int) (*Revision, error) {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.revisions[hash]
	if r == nil {
		return nil, fault.New(fault.NotFound, "agreement.unknown").Because(ErrNoAgreement)
	}
	us := s.exchange.Root()
	key := string(us)
	if party > 0 {
		if party > len(r.Terms.Parties) || r.Terms.Parties[party-1].Root != "" || r.Terms.Parties[party-1].Host != us {
			return nil, fault.New(fault.Denied, "agreement.not_host")
		}
		key = PartyKey(r.Terms.Parties[party-1])
	} else if _, ok := r.Terms.Party(us); !ok {
		return nil, fault.New(fault.Denied, "agreement.not_party")
	}
	switch _, said := r.Answer(key); {
	case said:
		return nil, fault.New(fault.Conflict, "agreement.answered")
	case !r.Void.IsZero():
		return nil, fault.New(fault.Conflict, "agreement.is_void")
	case r.Expired(s.clock()):
		return nil, fault.New(fault.Conflict, "agreement.too_late", "day", string(r.Terms.SignBy))
	}
	if kind != TypeSign {
		return r, nil
	}
	if err := s.fits(r.Terms); err != nil || party > 0 {
		return r, err
	}
	return r, s.openSignature(r.Terms, hash)
}

// Void takes back a revision of ours that is not closed.
func (s *Service) Void(ctx context.Context, hash terms.RevisionHash, also ...func(*store.Tx) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		s.settle()
		s.mu.RLock()
		r := s.revisions[hash]
		s.mu.RUnlock()
		if r == nil || r.Terms.Author != s.exchange.Root() || !r.Closed.IsZero() || !r.Void.IsZero() {
			return fault.New(fault.Conflict, "agreement.cannot_void")
		}
		in, err := s.ledger(tx, r.Terms.Agreement, partiesOf(r.Terms), "")
		if err != nil {
			return err
		}
		if err := s.say(tx, r.Terms.Agreement, in, ledger.Draft{Type: TypeVoid, Body: Body{Revision: hash}}); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// Suspend stops, or with on false takes up again, what this newsroom sends under an agreement. Corrections and withdrawals go on.
func (s *Service) Suspend(ctx context.Context, id terms.AgreementID, on bool, also ...func(*store.Tx) error) error {
	kind := TypeResume
	if on {
		kind = TypeSuspend
	}
	return s.db.Write(ctx, func(tx *store.Tx) error {
		s.settle()
		s.mu.RLock()
		in, ok := s.own[id]
		st, adopted := s.judging(in, 1<<62)
		s.mu.RUnlock()
		if !ok || !adopted || st.Suspended == on {
			return fault.New(fault.Conflict, "agreement.cannot_suspend")
		}
		if err := s.say(tx, id, in, ledger.Draft{Type: kind, Terms: string(st.Hash), Body: Body{}}); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// Notice ends an agreement after its notice period.
func (s *Service) Notice(ctx context.Context, id terms.AgreementID, also ...func(*store.Tx) error) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		s.settle()
		s.mu.RLock()
		in, ok := s.own[id]
		st, adopted := s.judging(in, 1<<62)
		s.mu.RUnlock()
		if !ok || !adopted || !st.Ends.IsZero() {
			return fault.New(fault.Conflict, "agreement.cannot_notice")
		}
		zone := st.Revision.Location()
		day := s.clock().In(zone).AddDate(0, 0, st.Revision.NoticeDays+1)
		ends := time.Date(day.Year(), day.Month(), day.Day(), 0, 0, 0, 0, zone)
		if err := s.say(tx, id, in, ledger.Draft{Type: TypeNotice, Terms: string(st.Hash), Body: Body{Ends: micros(ends)}}); err != nil {
			return err
		}
		return tx.Also(also)
	})
}

// tick is how often Run looks. It costs nothing where nothing is due.
const tick = time.Second

// Run closes what everybody has signed and goes over to revisions whose first day comes, until ctx ends. What fails is logged when it
// begins to fail, or fails otherwise than before, and is tried again.
func (s *Service) Run(ctx context.Context, log *slog.Logger) {
	said := map[terms.AgreementID]string{}
	for {
		_ = s.Tick(ctx) // Stuck has it
		failing := map[terms.AgreementID]string{}
		if err := s.Unread(); err != nil {
			failing[""] = err.Error()
			if said[""] != failing[""] {
				log.Error("the agreements cannot be read again after a change was undone", "error", err)
			}
		}
		for _, x := range s.Stuck() {
			failing[x.Agreement] = x.Err.Error()
			if said[x.Agreement] != failing[x.Agreement] {
				log.Error("an agreement does not go on by itself", "agreement", x.Agreement, "error", x.Err)
				s.changed("agreements", string(x.Agreement))
			}
		}
		said = failing
		select {
		case <-ctx.Done():
			return
		case <-time.After(tick):
		}
	}
}

// Stuck is an agreement that should have been closed, or gone over to, and why it was not.
type Stuck struct {
	Agreement terms.AgreementID
	Err       error
}

// Stuck lists the agreements in which the last Tick failed.
func (s *Service) Stuck() []Stuck {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return slices.Clone(s.stuck)
}

// Unread is why what is kept in memory could not be read again after a transaction was undone; nil while there is no doubt of it.
func (s *Service) Unread() error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.unread
}

// Tick closes the revisions of ours that everybody has signed, and goes over to those whose first day has come: what could not be
// said when the last signature came is said now. One that fails stops no other.
func (s *Service) Tick(ctx context.Context) error {
	s.settle()
	s.mu.RLock()
	var due []*Revision
	for _, r := range s.revisions {
		if s.toClose(r) || s.toAdopt(r) {
			due = append(due, r)
		}
	}
	s.mu.RUnlock()
	var stuck []Stuck
	var failed error
	for _, d := range due {
		err := s.db.Write(ctx, func(tx *store.Tx) error {
			s.settle()
			s.mu.RLock()
			r := s.revisions[d.Hash]
			s.mu.RUnlock()
			if r == nil {
				return nil
			}
			return s.closeIfAllSigned(tx, r)
		})
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			stuck, failed = append(stuck, Stuck{d.Terms.Agreement, err}), errors.Join(failed, err)
		}
	}
	s.mu.Lock()
	s.stuck = stuck
	s.mu.Unlock()
	return failed
}

func flat(args map[string]any) (out []any) {
	for k, v := range args {
		out = append(out, k, v)
	}
	return out
}
