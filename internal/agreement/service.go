package agreement

import (
	"context"
	"embed"
	"errors"
	"sort"
	"sync"
	"time"

	"newspool/internal/clock"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "agreement", Files: migrations}
}

// Exchange is what this package asks of the exchange.
type Exchange interface {
	// Root is our own root.
	Root() news.Root
	// OpenLedger opens our ledger in an agreement and has the other parties told.
	OpenLedger(tx *store.Tx, id terms.AgreementID, parties []news.Root, words string) (ledger.ID, error)
	// SayIn appends a record to a ledger of ours in an agreement.
	SayIn(tx *store.Tx, id terms.AgreementID, in ledger.ID, d ledger.Draft) (ledger.Position, error)
}

// Service is the agreements of one newsroom. What it keeps in memory is changed inside transactions, and taken back when they
// are undone, so that a record is judged by what stands before it also when both come in one transaction.
type Service struct {
	db       *store.DB
	clock    clock.Clock
	exchange Exchange
	bundle   *i18n.Bundle
	changed  func(topic, value string)

	mu          sync.RWMutex
	revisions   map[terms.RevisionHash]*Revision
	changeovers map[ledger.ID][]changeover // ascending
	speakers    map[ledger.ID]speaker      // of the ledgers that have changeovers
	own         map[terms.AgreementID]ledger.ID
	open        int   // closures that have changed what is kept here and are neither durable nor undone
	doubt       bool  // a transaction was undone, or seems so: the rows tell
	unread      error // why they could not be asked; nil: they were, or need not be
	stuck       []Stuck
}

// speaker is whose a ledger is, and since when it is open.
type speaker struct {
	owner  news.Root
	opened time.Time
}

// New makes the service; Load must be called before anything else. bundle words the readable texts; changed tells the open
// pages and may be nil.
func New(db *store.DB, clk clock.Clock, bundle *i18n.Bundle, changed func(topic, value string)) *Service {
	if changed == nil {
		changed = func(string, string) {}
	}
	return &Service{
		db: db, clock: clk, bundle: bundle, changed: changed, revisions: map[terms.RevisionHash]*Revision{},
		changeovers: map[ledger.ID][]changeover{}, speakers: map[ledger.ID]speaker{}, own: map[terms.AgreementID]ledger.ID{},
	}
}

// Join hands over the exchange, which is made after this service.
func (s *Service) Join(x Exchange) { s.exchange = x }

// Revision is a revision with what became of it.
type Revision struct {
	Hash     terms.RevisionHash
	Terms    terms.Revision
	Bytes    []byte
	Ledger   ledger.ID // where it was proposed
	Seq      int64
	Proposed time.Time
	Closed   time.Time // zero: not closed
	closing  []named
	Void     time.Time // zero: not void
	Answers  []Answer
}

// Answer is what a party said to a revision.
type Answer struct {
	Party  string // its root, or the host's root and the domain of a party without a node
	Kind   string // "sign" or "decline"
	Ledger ledger.ID
	Seq    int64
	Name   string
	Office string
	Words  string
	At     time.Time
}

// named is a signature as a closing record names it.
type named struct {
	Party  string `json:"party"`
	Ledger string `json:"ledger"`
	Seq    int64  `json:"seq"`
}

// changeover is a place in a ledger from which on records are judged otherwise.
type changeover struct {
	seq       int64
	kind      string
	agreement terms.AgreementID
	revision  terms.RevisionHash
	ends      time.Time
}

// printer words sentences of a revision in a language, in the revision's own zone.
func (s *Service) printer(rev terms.Revision) func(news.Lang) terms.Printer {
	return func(lang news.Lang) terms.Printer { return s.bundle.Printer(string(lang), rev.Location()) }
}

// Text is the readable document of a revision in one of its languages.
func (s *Service) Text(rev terms.Revision, lang news.Lang) string {
	return terms.PlainText(rev, lang, s.printer(rev)(lang))
}

// PartyKey is how answers name a party.
func PartyKey(p terms.Party) string {
	if p.Root != "" {
		return string(p.Root)
	}
	return string(p.Host) + " " + p.Domain
}

// Answer finds what a party said.
func (r *Revision) Answer(party string) (Answer, bool) {
	for _, a := range r.Answers {
		if a.Party == party {
			return a, true
		}
	}
	return Answer{}, false
}

// signedByAll reports whether every party has signed.
func (r *Revision) signedByAll() bool {
	for _, p := range r.Terms.Parties {
		if a, ok := r.Answer(PartyKey(p)); !ok || a.Kind != "sign" {
			return false
		}
	}
	return true
}

// complete reports whether it is closed, and everything that the closing names is held here.
func (r *Revision) complete() bool {
	if r.Closed.IsZero() || !r.signedByAll() || len(r.closing) != len(r.Terms.Parties) {
		return false
	}
	for _, n := range r.closing {
		a, ok := r.Answer(n.Party)
		if !ok || a.Kind != "sign" || string(a.Ledger) != n.Ledger || a.Seq != n.Seq {
			return false
		}
	}
	return true
}

// InForce reports whether the revision is closed by everybody's signature and its first day has come. Whether it has ended, or
// was replaced, is not asked.
func (r *Revision) InForce(at time.Time) bool {
	return r.complete() && r.Void.IsZero() && !at.Before(r.Terms.Begins())
}

const (
	selectRevisions   = `SELECT hash, bytes, ledger, seq, proposed_us, closed_us, closing, void_us FROM revision ORDER BY proposed_us, hash`
	selectAnswers     = `SELECT revision, party, kind, ledger, seq, name, office, words, us FROM answer ORDER BY us, party`
	selectChangeovers = `SELECT ledger, seq, agreement, kind, revision, ends_us FROM changeover ORDER BY ledger, seq`
)

// Load reads what is kept in memory.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.load(ctx)
}

// load is Load while mu is held.
func (s *Service) load(ctx context.Context) error {
	n := New(s.db, s.clock, s.bundle, s.changed)
	err := s.db.Read(ctx, func(r store.Reader) error {
		if err := n.loadRevisions(r); err != nil {
			return err
		}
		if err := n.loadAnswers(r); err != nil {
			return err
		}
		if err := n.loadChangeovers(r); err != nil {
			return err
		}
		all, err := ledger.All(r, "")
		for _, i := range all {
			n.speakers[i.ID] = speaker{i.Owner, i.Opened}
			if i.Own && i.State == ledger.Open {
				n.own[terms.AgreementID(i.Agreement)] = i.ID
			}
		}
		return err
	})
	if err == nil {
		s.revisions, s.changeovers, s.speakers, s.own, s.doubt = n.revisions, n.changeovers, n.speakers, n.own, false
	}
	return err
}

// settle reads again what is kept here after a transaction was undone: its work may be stored all the same. As long as another
// transaction is under way, what is kept here is true for it. If the database cannot be asked, the next one who looks asks again.
func (s *Service) settle() {
	s.mu.RLock()
	due := s.doubt && s.open == 0
	s.mu.RUnlock()
	if !due {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.doubt && s.open == 0 {
		s.unread = s.load(ctx)
	}
}

// changing changes what is kept here for a transaction. do is called while mu is held, so that nobody reads the rows in between: it
// looks, changes and gives how that is taken back; nil if there is nothing to change. changing reports whether there was.
func (s *Service) changing(tx *store.Tx, do func() (undo func())) bool {
	s.mu.Lock()
	undo := do()
	if undo == nil {
		s.mu.Unlock()
		return false
	}
	s.open++
	s.mu.Unlock()
	tx.OnCommit(func() {
		s.mu.Lock()
		s.open--
		s.mu.Unlock()
	})
	tx.OnUndo(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		undo()
		s.open--
		s.doubt = true
	})
	return true
}

func (s *Service) loadRevisions(r store.Reader) error {
	rows, err := r.Query(selectRevisions)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		v := &Revision{}
		var proposed, closed, void int64
		var closing string
		if err := rows.Scan((*string)(&v.Hash), &v.Bytes, (*string)(&v.Ledger), &v.Seq, &proposed, &closed, &closing, &void); err != nil {
			return err
		}
		v.Proposed, v.Closed, v.Void = clock.FromMicros(proposed), clock.FromMicros(closed), clock.FromMicros(void)
		if v.Terms, err = terms.Parse(v.Bytes); err != nil {
			return err
		}
		v.Terms = v.Terms.Ready()
		if v.closing, err = parseNamed(closing); err != nil {
			return err
		}
		s.revisions[v.Hash] = v
	}
	return rows.Err()
}

func (s *Service) loadAnswers(r store.Reader) error {
	rows, err := r.Query(selectAnswers)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var hash terms.RevisionHash
		var a Answer
		var us int64
		if err := rows.Scan((*string)(&hash), &a.Party, &a.Kind, (*string)(&a.Ledger), &a.Seq, &a.Name, &a.Office, &a.Words, &us); err != nil {
			return err
		}
		a.At = clock.FromMicros(us)
		if v := s.revisions[hash]; v != nil {
			v.Answers = append(v.Answers, a)
		}
	}
	return rows.Err()
}

func (s *Service) loadChangeovers(r store.Reader) error {
	rows, err := r.Query(selectChangeovers)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		var l ledger.ID
		var c changeover
		var ends int64
		if err := rows.Scan((*string)(&l), &c.seq, (*string)(&c.agreement), &c.kind, (*string)(&c.revision), &ends); err != nil {
			return err
		}
		c.ends = clock.FromMicros(ends)
		s.changeovers[l] = append(s.changeovers[l], c)
	}
	return rows.Err()
}

// Agreement is all revisions of one agreement, the newest first.
type Agreement struct {
	ID        terms.AgreementID
	Revisions []Revision
	State     State
	Current   *Revision // in force, or signed and waiting for its first day; nil if none ever was
	Open      *Revision // the newest that is neither closed nor void; nil if none
	Suspended bool
	Ends      time.Time // by a notice
}

// State says in a word how an agreement stands.
type State string

// The states of an agreement.
const (
	ToSign    State = "to-sign"   // we have not answered
	Waiting   State = "waiting"   // others have not answered
	Declined  State = "declined"  // somebody said no
	Expired   State = "expired"   // the last day for signing has passed
	Void      State = "void"      // taken back by its author
	Signed    State = "signed"    // closed; its first day has not come
	InForce   State = "in-force"  //
	Suspended State = "suspended" //
	Ended     State = "ended"     //
)

// List gives all agreements, those that wait for us first, then by the time of their newest revision.
func (s *Service) List() []Agreement {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	by := map[terms.AgreementID][]Revision{}
	for _, r := range s.revisions {
		by[r.Terms.Agreement] = append(by[r.Terms.Agreement], r.copy())
	}
	out := make([]Agreement, 0, len(by))
	for id, rs := range by {
		out = append(out, s.agreement(id, rs))
	}
	sort.Slice(out, func(i, j int) bool {
		a, b := out[i], out[j]
		if (a.State == ToSign) != (b.State == ToSign) {
			return a.State == ToSign
		}
		return a.Revisions[0].Proposed.After(b.Revisions[0].Proposed)
	})
	return out
}

// Get gives one agreement; false if there is none.
func (s *Service) Get(id terms.AgreementID) (Agreement, bool) {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var rs []Revision
	for _, r := range s.revisions {
		if r.Terms.Agreement == id {
			rs = append(rs, r.copy())
		}
	}
	if len(rs) == 0 {
		return Agreement{}, false
	}
	return s.agreement(id, rs), true
}

func (r *Revision) copy() Revision {
	c := *r
	c.Answers = append([]Answer(nil), r.Answers...)
	return c
}

func (s *Service) agreement(id terms.AgreementID, rs []Revision) Agreement {
	sort.Slice(rs, func(i, j int) bool { return rs[i].Proposed.After(rs[j].Proposed) })
	a := Agreement{ID: id, Revisions: rs}
	now := s.clock()
	for i := range rs {
		r := &rs[i]
		// The newest that has begun; one that is yet to begin only where there is no other.
		if r.complete() && r.Void.IsZero() && (a.Current == nil || (now.Before(a.Current.Terms.Begins()) && !now.Before(r.Terms.Begins()))) {
			a.Current = r
		}
		if r.Closed.IsZero() && r.Void.IsZero() && a.Open == nil {
			a.Open = r
		}
	}
	for _, l := range s.latest(id) {
		suspended, ends := standstill(s.changeovers[l])
		a.Suspended = a.Suspended || suspended
		a.Ends = clock.Sooner(a.Ends, ends)
	}
	a.State = a.state(now, string(s.exchange.Root()))
	return a
}

func (a *Agreement) state(now time.Time, us string) State {
	if r := a.Open; r != nil && (a.Current == nil || r.Terms.Predecessor == a.Current.Hash) {
		_, answered := r.Answer(us)
		if !answered && !r.Expired(now) {
			return ToSign
		}
	}
	if r := a.Current; r != nil {
		end := r.Terms.Ends()
		switch {
		case !a.Ends.IsZero() && !now.Before(a.Ends), !end.IsZero() && !now.Before(end):
			return Ended
		case a.Suspended:
			return Suspended
		case now.Before(r.Terms.Begins()):
			return Signed
		}
		return InForce
	}
	r := a.Revisions[0]
	for _, x := range r.Answers {
		if x.Kind == "decline" {
			return Declined
		}
	}
	switch {
	case !r.Void.IsZero():
		return Void
	case r.Expired(now):
		return Expired
	}
	return Waiting
}

// Open reports whether the revision can still be answered.
func (r *Revision) Open(now time.Time) bool {
	return r.Closed.IsZero() && r.Void.IsZero() && !r.Expired(now)
}

// Expired reports whether the last day for signing has passed without all signatures.
func (r *Revision) Expired(now time.Time) bool {
	end := r.Terms.SignBy.Ends(r.Terms.Location())
	return r.Closed.IsZero() && !end.IsZero() && !now.Before(end)
}

// Revision gives a revision by its hash; false if it is not here.
func (s *Service) Revision(hash terms.RevisionHash) (Revision, bool) {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := s.revisions[hash]
	if r == nil {
		return Revision{}, false
	}
	return r.copy(), true
}

// ErrNoAgreement: there is no such agreement or revision.
var ErrNoAgreement = errors.New("no such agreement")
