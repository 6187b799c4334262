package agreement

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"slices"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// The records of this package.
const (
	TypePropose = "agreement.propose" // contents: the exact bytes of the revision, then its readable text in each of its languages
	TypeSign    = "agreement.sign"    // content: who signed, and for a party without a node how it was given
	TypeDecline = "agreement.decline" // content: the reason
	TypeClose   = "agreement.close"   // by the author: names the signature of every party
	TypeVoid    = "agreement.void"    // by the author: taken back
	TypeAdopt   = "agreement.adopt"   // from here on this ledger speaks under the revision
	TypeSuspend = "agreement.suspend" // from here on this newsroom sends nothing new
	TypeResume  = "agreement.resume"
	TypeNotice  = "agreement.notice" // the agreement ends at a time
)

// Body is the body of the records of this package.
type Body struct {
	Revision   terms.RevisionHash `json:"revision,omitempty"`
	For        int                `json:"for,omitempty"`        // of a host's sign or decline: 1 + the index of the party without a node
	Signatures []named            `json:"signatures,omitempty"` // of a close
	Ends       int64              `json:"ends,omitempty"`       // of a notice, microseconds
}

// maxSigner is the size of a Signer, in bytes.
const maxSigner = 16 << 10

// Signer is the content of a sign record.
type Signer struct {
	Name   string `json:"name"`
	Office string `json:"office"`
	How    string `json:"how,omitempty"` // how a party without a node gave its signature

	Seen terms.RevisionHash `json:"-"` // what the signatory was shown; "": we do not know
}

func micros(t time.Time) int64 { return clock.Micros(t) }

func parseNamed(s string) (out []named, err error) {
	if s == "" {
		return nil, nil
	}
	return out, json.Unmarshal([]byte(s), &out)
}

// malformed is a record that is kept and means nothing.
func malformed(string) error { return nil }

// Fold applies an agreement record, of a partner's ledger or of ours. A record that makes no sense, or that its newsroom may
// not say, changes nothing.
func (s *Service) Fold(tx *store.Tx, d ledger.Said) error {
	var b Body
	if len(d.Record.Body) > 0 && protocol.Decode(d.Record.Body, &b) != nil {
		return malformed("body")
	}
	s.settle()
	us := d.Record.Time
	switch d.Record.Type {
	case TypePropose:
		return s.foldPropose(tx, d, b)
	case TypeSign, TypeDecline:
		return s.foldAnswer(tx, d, b)
	case TypeClose:
		return s.foldClose(tx, d, b)
	case TypeVoid:
		return s.foldVoid(tx, d, b)
	case TypeAdopt:
		return s.change(tx, d.Ledger, changeover{seq: d.Seq, kind: "adopt", agreement: d.Agreement, revision: b.Revision}, us)
	case TypeSuspend:
		return s.change(tx, d.Ledger, changeover{seq: d.Seq, kind: "suspend", agreement: d.Agreement}, us)
	case TypeResume:
		return s.change(tx, d.Ledger, changeover{seq: d.Seq, kind: "resume", agreement: d.Agreement}, us)
	case TypeNotice:
		if b.Ends <= 0 {
			return malformed("ends")
		}
		return s.change(tx, d.Ledger, changeover{seq: d.Seq, kind: "notice", agreement: d.Agreement, ends: clock.FromMicros(b.Ends)}, us)
	}
	return nil
}

const insertRevision = `INSERT INTO revision (hash, agreement, number, predecessor, author, bytes, ledger, seq, proposed_us, closed_us, closing, void_us)
	VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, 0, '', 0) ON CONFLICT (hash) DO NOTHING`

// foldPropose keeps a revision that its author proposes to parties that include the author itself.
func (s *Service) foldPropose(tx *store.Tx, d ledger.Said, b Body) error {
	if len(d.Contents) == 0 || d.Contents[0] == nil || terms.Hash(d.Contents[0]) != b.Revision {
		return malformed("revision")
	}
	rev, err := terms.Parse(d.Contents[0])
	if err != nil || rev.Agreement != d.Agreement || rev.Author != d.Owner {
		return malformed("revision")
	}
	if _, ok := rev.Party(d.Owner); !ok {
		return malformed("revision")
	}
	if terms.Fatal(rev.Validate()) || !textsFit(rev, d.Contents[1:]) {
		return malformed("revision")
	}
	r := &Revision{Hash: b.Revision, Terms: rev.Ready(), Bytes: slices.Clone(d.Contents[0]), Ledger: d.Ledger, Seq: d.Seq, Proposed: clock.FromMicros(d.Record.Time)}
	taken := s.changing(tx, func() func() {
		if s.intrudes(d.Agreement, d.Owner) || s.revisions[b.Revision] != nil {
			return nil
		}
		s.revisions[b.Revision] = r
		return func() { delete(s.revisions, b.Revision) }
	})
	if !taken {
		return nil
	}
	tx.OnCommit(func() { s.changed("agreements", string(d.Agreement)) })
	return tx.Exec(insertRevision, string(r.Hash), string(rev.Agreement), rev.Number, string(rev.Predecessor), string(rev.Author), r.Bytes, string(d.Ledger), d.Seq, d.Record.Time)
}

// intrudes reports whether a newsroom proposes something in an agreement of others: it is a party to no revision of it that is here.
func (s *Service) intrudes(id terms.AgreementID, who news.Root) bool {
	any := false
	for _, r := range s.revisions {
		if r.Terms.Agreement != id {
			continue
		}
		if _, ok := r.Terms.Party(who); ok {
			return false
		}
		any = true
	}
	return any
}

// textsFit reports whether the readable texts that came along are the ones whose hashes stand in the revision.
func textsFit(rev terms.Revision, texts [][]byte) bool {
	if len(texts) != len(rev.Languages) {
		return false
	}
	for i, l := range rev.Languages {
		h := sha256.Sum256(texts[i])
		if texts[i] == nil || rev.TextHashes[l] != hex.EncodeToString(h[:]) {
			return false
		}
	}
	return true
}

const insertAnswer = `INSERT INTO answer (revision, party, kind, ledger, seq, name, office, words, us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
	ON CONFLICT (revision, party) DO NOTHING`

// foldAnswer keeps what a party says to a revision: for itself, or as host for a party without a node. The first word counts.
func (s *Service) foldAnswer(tx *store.Tx, d ledger.Said, b Body) error {
	a := Answer{Kind: "sign", Ledger: d.Ledger, Seq: d.Seq, At: clock.FromMicros(d.Record.Time)}
	if d.Record.Type == TypeDecline {
		a.Kind = "decline"
	}
	if len(d.Contents) > 0 && d.Contents[0] != nil {
		var who Signer
		if protocol.CheckJSON(d.Contents[0], maxSigner, true) == nil && protocol.Decode(d.Contents[0], &who) == nil {
			a.Name, a.Office, a.Words = who.Name, who.Office, who.How
		}
	}
	var r *Revision
	taken := s.changing(tx, func() func() {
		if r = s.revisions[b.Revision]; r == nil || r.Terms.Agreement != d.Agreement {
			return nil
		}
		party, ok := answers(r.Terms, d.Owner, b.For)
		a.Party = party
		if _, said := r.Answer(party); !ok || said {
			return nil
		}
		r.Answers = append(r.Answers, a)
		return func() { r.Answers = r.Answers[:len(r.Answers)-1] }
	})
	if !taken {
		return nil
	}
	tx.OnCommit(func() { s.changed("agreements", string(d.Agreement)) })
	if err := tx.Exec(insertAnswer, string(r.Hash), a.Party, a.Kind, string(d.Ledger), d.Seq, a.Name, a.Office, a.Words, d.Record.Time); err != nil {
		return err
	}
	return s.closeIfAllSigned(tx, r)
}

// answers gives the party for which a newsroom answers: itself, or as host the party without a node that stands at for - 1. False if
// it is not its to answer.
func answers(rev terms.Revision, who news.Root, host int) (party string, ok bool) {
	if host <= 0 {
		_, ok = rev.Party(who)
		return string(who), ok
	}
	if host > len(rev.Parties) || rev.Parties[host-1].Root != "" || rev.Parties[host-1].Host != who {
		return "", false
	}
	return PartyKey(rev.Parties[host-1]), true
}

const updateClosed = `UPDATE revision SET closed_us = $2, closing = $3 WHERE hash = $1 AND closed_us = 0`

// foldClose closes a revision, by its author only.
func (s *Service) foldClose(tx *store.Tx, d ledger.Said, b Body) error {
	closing, err := json.Marshal(b.Signatures)
	if err != nil {
		return err
	}
	at := clock.FromMicros(d.Record.Time)
	var r *Revision
	closed := s.changing(tx, func() func() {
		if r = s.revisions[b.Revision]; !r.authorsOwn(d) {
			return nil
		}
		// After the last day for signing everybody is free again, also where everybody had signed.
		if last := r.Terms.SignBy.Ends(r.Terms.Location()); !last.IsZero() && !at.Before(last) {
			return nil
		}
		r.Closed, r.closing = at, b.Signatures
		return func() { r.Closed, r.closing = time.Time{}, nil }
	})
	if !closed {
		return nil
	}
	tx.OnCommit(func() { s.changed("agreements", string(d.Agreement)) })
	if err := tx.Exec(updateClosed, string(r.Hash), d.Record.Time, string(closing)); err != nil {
		return err
	}
	return s.adoptIfBegun(tx, r)
}

const updateVoid = `UPDATE revision SET void_us = $2 WHERE hash = $1 AND void_us = 0 AND closed_us = 0`

// foldVoid takes a revision back, by its author only.
func (s *Service) foldVoid(tx *store.Tx, d ledger.Said, b Body) error {
	void := s.changing(tx, func() func() {
		r := s.revisions[b.Revision]
		if !r.authorsOwn(d) {
			return nil
		}
		r.Void = clock.FromMicros(d.Record.Time)
		return func() { r.Void = time.Time{} }
	})
	if !void {
		return nil
	}
	tx.OnCommit(func() { s.changed("agreements", string(d.Agreement)) })
	return tx.Exec(updateVoid, string(b.Revision), d.Record.Time)
}

// authorsOwn reports whether a record is of the author of an open revision, in its agreement: it may close it, or take it back.
func (r *Revision) authorsOwn(d ledger.Said) bool {
	return r != nil && r.Terms.Author == d.Owner && r.Terms.Agreement == d.Agreement && r.Closed.IsZero() && r.Void.IsZero()
}

// say appends a record of ours and folds it in the same transaction: what we say changes us as it changes our partners.
func (s *Service) say(tx *store.Tx, a terms.AgreementID, in ledger.ID, d ledger.Draft) error {
	d.About = "newspool:agreement/" + string(a)
	pos, err := s.exchange.SayIn(tx, a, in, d)
	if err != nil {
		return err
	}
	body, err := json.Marshal(d.Body)
	if err != nil {
		return err
	}
	said := ledger.Said{
		Ledger: pos.Ledger, Agreement: a, Owner: s.exchange.Root(), Seq: pos.Seq,
		Record: protocol.Record{Type: d.Type, ID: pos.Record, Ledger: string(pos.Ledger), Time: clock.Micros(pos.Time), Body: body},
	}
	for _, c := range d.Contents {
		said.Contents = append(said.Contents, c.Bytes)
		said.IDs = append(said.IDs, c.ID)
	}
	return s.Fold(tx, said)
}

// toClose reports whether a revision is ours to close, and everybody has signed it in time; mu is held.
func (s *Service) toClose(r *Revision) bool {
	_, ours := s.own[r.Terms.Agreement]
	return ours && r.Terms.Author == s.exchange.Root() && r.Open(s.clock()) && r.signedByAll()
}

// closeIfAllSigned closes our own revision once the last signature is here.
func (s *Service) closeIfAllSigned(tx *store.Tx, r *Revision) error {
	s.mu.RLock()
	in := s.own[r.Terms.Agreement]
	ready := s.toClose(r)
	var signatures []named
	for _, p := range r.Terms.Parties {
		if a, ok := r.Answer(PartyKey(p)); ok {
			signatures = append(signatures, named{a.Party, string(a.Ledger), a.Seq})
		}
	}
	s.mu.RUnlock()
	if !ready {
		return s.adoptIfBegun(tx, r)
	}
	return notNow(s.say(tx, r.Terms.Agreement, in, ledger.Draft{Type: TypeClose, Terms: string(r.Hash), Body: Body{Revision: r.Hash, Signatures: signatures}}))
}

// notNow lets bookkeeping wait where nothing may be said yet: Tick does it later. What a partner said is folded all the same.
func notNow(err error) error {
	if f := fault.Of(err); err != nil && f.Key == "exchange.unconfirmed" {
		return nil
	}
	return err
}

// toAdopt reports whether a revision is in force and we have not gone over to it, or to a later one; mu is held.
func (s *Service) toAdopt(r *Revision) bool {
	in, ok := s.own[r.Terms.Agreement]
	due := ok && r.InForce(s.clock())
	for _, c := range s.changeovers[in] {
		if c.kind != "adopt" {
			continue
		}
		if old := s.revisions[c.revision]; c.revision == r.Hash || (old != nil && old.Terms.Number >= r.Terms.Number) {
			due = false
		}
	}
	return due
}

// adoptIfBegun goes over to a revision that is in force, once.
func (s *Service) adoptIfBegun(tx *store.Tx, r *Revision) error {
	s.mu.RLock()
	in := s.own[r.Terms.Agreement]
	due := s.toAdopt(r)
	s.mu.RUnlock()
	if !due {
		return nil
	}
	return notNow(s.say(tx, r.Terms.Agreement, in, ledger.Draft{Type: TypeAdopt, Terms: string(r.Hash), Body: Body{Revision: r.Hash}}))
}

// partiesOf lists the roots of a revision.
func partiesOf(rev terms.Revision) []news.Root {
	var out []news.Root
	for _, p := range rev.Parties {
		if p.Root != "" {
			out = append(out, p.Root)
		}
	}
	return out
}
