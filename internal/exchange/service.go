// Package exchange is how anything crosses from one newsroom to another: who we are, whom we know, what we say in our
// ledgers, what we follow in theirs, and what each side can prove.
//
// What it promises: what was released is delivered once and in order, or the origin can see that it was not; what the terms
// do not permit does not leave; what arrives was verified before it is stored, and is handed to the package that owns it in
// the same transaction; nothing that a partner sends stops the rest.
//
// What it never does: it decides nothing that the terms leave to a person, removes nothing that this newsroom wrote, and
// follows nobody whom a person has not opened the door to.
package exchange

import (
	"context"
	"embed"
	"log/slog"
	"sync"
	"time"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/partner/daily"
	"newspool/internal/store"
	"newspool/internal/terms"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "exchange", Files: migrations}
}

// Agreements is what the exchange asks of the package that keeps agreements. Its methods are called inside transactions and
// must not wait.
type Agreements interface {
	// Fold applies an agreement record, said by a partner or by ourselves.
	Fold(tx *store.Tx, said ledger.Said) error
	// Active gives the agreements under which we have spoken our adoption of a revision, each with that revision.
	Active() []terms.Standing
	// Judging gives that by which a record of this ledger at this index is judged; false if no revision was adopted there.
	Judging(id ledger.ID, seq int64) (terms.Standing, bool)
	// Standing gives how things stand now for what came by this ledger; false if no revision was ever adopted there.
	Standing(id ledger.ID) (terms.Standing, bool)
	// Continue goes over to the terms in force in a ledger of ours that goes on where another one was left.
	Continue(tx *store.Tx, id terms.AgreementID, old, next ledger.ID) error
	// Parties gives the roots of all who read what we say under an agreement.
	Parties(id terms.AgreementID) []news.Root
	// Holds reports whether a revision is here.
	Holds(hash terms.RevisionHash) bool
}

// Lineage is what the exchange asks of the package that knows what was made from what. Its methods are called inside transactions and
// must not wait.
type Lineage interface {
	// Fold takes a partner's record about what was made from an item; wrong is the key of what is wrong with it.
	Fold(tx *store.Tx, said ledger.Said) (taken bool, wrong string, err error)
	// Changed is told of each correction and withdrawal that was received.
	Changed(tx *store.Tx, in library.Incoming) error
	// Carried is told of each version of ours that was said under an agreement.
	Carried(tx *store.Tx, v library.Version) error
	// Restore applies a record that we said ourselves and that our database does not know any more.
	Restore(tx *store.Tx, said ledger.Said) error
}

// Codec reads the form in which stories cross, without cleaning their bodies: that is done when they are shown.
type Codec interface {
	Read(b []byte) (news.Story, error)
}

// Options are what the service is made of.
type Options struct {
	DB         *store.DB
	Ledgers    *ledger.Service
	Library    *library.Library
	Agreements Agreements
	Lineage    Lineage        // nil: nobody asks what was made from an item
	Media      *media.Service // nil: media are not fetched
	Codec      Codec
	Known      *partner.Service
	Clock      clock.Clock
	Log        *slog.Logger
	Changed    func(topic, value string) // tells the open pages; may be nil

	// Observe is told after each commit what has become durable, on the goroutine of the database's writer: it must be quick.
	// nil, as in production: nobody is told. Both this and Fold are set before Run.
	Observe func(Event)
	// Fold is asked before the package that owns a record of a partner; true says that the record is taken. nil, as in
	// production: every record goes to its owner.
	Fold func(tx *store.Tx, said ledger.Said) (taken bool, err error)
}

// Service is the exchange of one newsroom.
type Service struct {
	Options
	*partner.Service // who we are and whom we know
	outboxWake       chan struct{}
	announceWake     chan struct{}
	followWake       chan struct{}
	confirmWake      chan struct{}
	Times            Times // set before Run
	fresh            fresh

	mu       sync.RWMutex
	own      map[terms.AgreementID]ledger.ID // our open ledger in each agreement
	doubtOwn bool                            // a ledger was opened in a transaction that was undone, or seems so
	links    map[ledger.ID]*link
	tokens   tokenKey
	days     *daily.Counter
	misfits  map[ledger.ID]map[string]bool // checkpoints that followers cosigned and that are not ours
	doubtful map[ledger.ID]bool            // ours; nothing is appended before a follower has told what it holds
	suspects map[ledger.ID]time.Time       // ours, of which a follower seems to hold something else: when it was asked last; zero: not yet
}

// New makes the service; Load must be called before anything else.
func New(o Options) *Service {
	if o.Changed == nil {
		o.Changed = func(string, string) {}
	}
	return &Service{
		Options:      o,
		Service:      o.Known,
		outboxWake:   make(chan struct{}, 1),
		announceWake: make(chan struct{}, 1),
		followWake:   make(chan struct{}, 1),
		fresh:        fresh{by: map[queued]library.Version{}},
		own:          map[terms.AgreementID]ledger.ID{},
		links:        map[ledger.ID]*link{},
		tokens:       newTokenKey(),
		days:         daily.New(o.Clock, counts, continues),
		doubtful:     map[ledger.ID]bool{},
		suspects:     map[ledger.ID]time.Time{},
		confirmWake:  make(chan struct{}, 1),
		Times:        usualTimes(),
		misfits:      map[ledger.ID]map[string]bool{},
	}
}

// Load reads what is kept in memory: which ledgers are ours, and which of them must be confirmed.
func (s *Service) Load(ctx context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.loadOwn(ctx, func(i ledger.Info) {
		if i.Confirmed > 0 {
			s.doubtful[i.ID] = true
		}
	})
}

// loadOwn reads which ledgers are ours; mu is held.
func (s *Service) loadOwn(ctx context.Context, each func(ledger.Info)) error {
	return s.DB.Read(ctx, func(r store.Reader) error {
		all, err := ledger.All(r, "")
		if err != nil {
			return err
		}
		clear(s.own)
		for _, i := range all {
			if i.Own && i.State == ledger.Open {
				s.own[terms.AgreementID(i.Agreement)] = i.ID
				each(i)
			}
		}
		return nil
	})
}

// mine gives our open ledger in an agreement. After a transaction of which nobody knows whether it is stored, the rows tell.
func (s *Service) mine(a terms.AgreementID) (ledger.ID, bool) {
	s.mu.RLock()
	id, ok := s.own[a]
	doubt := s.doubtOwn
	s.mu.RUnlock()
	if !doubt {
		return id, ok
	}
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.loadOwn(ctx, func(ledger.Info) {}) == nil {
		s.doubtOwn = false
	}
	id, ok = s.own[a]
	return id, ok
}

// PartnersChanged has the loops look again at whom we know.
func (s *Service) PartnersChanged() {
	poke(s.followWake)
	poke(s.announceWake)
}

// poke wakes a loop; one that is awake already looks again by itself.
func poke(c chan struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}
