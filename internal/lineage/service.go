package lineage

import (
	"context"
	"embed"
	"errors"
	"log/slog"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "lineage", Files: migrations}
}

// Voice says records.
type Voice interface {
	// Say appends a record to our ledger in an agreement, under the terms in force there. It is Unavailable while nothing may be
	// appended, and NotFound where we have no ledger.
	Say(tx *store.Tx, agreement terms.AgreementID, by news.PersonID, d ledger.Draft) (ledger.Position, error)
}

// Agreements tells by which terms a record is judged.
type Agreements interface {
	Judging(id ledger.ID, seq int64) (terms.Standing, bool)
}

// Options are what the service is made of.
type Options struct {
	DB         *store.DB
	Library    *library.Library
	People     *people.Service
	Voice      Voice
	Agreements Agreements
	Root       news.Root
	Clock      clock.Clock
	Log        *slog.Logger
	Changed    func() // tells the open pages; may be nil
}

// Service is the lineage of one newsroom's items. It keeps nothing in memory.
type Service struct {
	Options
	wake chan struct{}
}

// New makes the service.
func New(o Options) *Service {
	if o.Changed == nil {
		o.Changed = func() {}
	}
	return &Service{Options: o, wake: make(chan struct{}, 1)}
}

// Sources lists what an item was made from.
func (s *Service) Sources(ctx context.Context, item news.ItemID) (out []Made, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		out, err = readMade(r, selectSources, item)
		return err
	})
	return out, err
}

// Derived lists what our people made from an item.
func (s *Service) Derived(ctx context.Context, source news.ItemID) (out []Made, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		out, err = readMade(r, selectDerived, source)
		return err
	})
	return out, err
}

// Noticed reports whether the newsroom of a received item has told that a source of the version that we have was changed, and when.
func (s *Service) Noticed(ctx context.Context, item news.ItemID) (at time.Time, class news.Class, ok bool, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		it, err := s.Library.ReadItem(r, item)
		if err != nil || it.Own {
			return err
		}
		all, err := readNotices(r, item)
		if err != nil {
			return err
		}
		seen := sight{r: r}
		for _, n := range all {
			visible, err := seen.of(n.ledger, n.seq)
			if err != nil {
				return err
			}
			if t := clock.FromMicros(n.us); visible && n.version >= it.Version && !t.Before(at) {
				at, class, ok = t, n.class, true
			}
		}
		return nil
	})
	return at, class, ok, err
}

// Wake has what could not be said yet tried again.
func (s *Service) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// retryEvery is when what could not be said is tried again even if nobody wakes us.
const retryEvery = 30 * time.Second

// Run says what could not be said at once, until ctx ends.
func (s *Service) Run(ctx context.Context) {
	for ctx.Err() == nil {
		if err := s.sayWaiting(ctx); err != nil && ctx.Err() == nil {
			s.Log.Error("saying what was made of items", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-s.wake:
		case <-time.After(retryEvery):
		}
	}
}

const selectUnsaid = `SELECT item FROM unsaid ORDER BY item`

func (s *Service) sayWaiting(ctx context.Context) error {
	var items []news.ItemID
	err := s.DB.Read(ctx, func(r store.Reader) (err error) {
		items, err = readItems(r, selectUnsaid)
		return err
	})
	for _, item := range items {
		if err == nil {
			err = s.DB.Write(ctx, func(tx *store.Tx) error { return s.settle(tx, item) })
		}
	}
	return err
}

// sight tells how far ledgers are shown, each asked once.
type sight struct {
	r  store.Reader
	to map[ledger.ID]int64
}

// of reports whether a record of a ledger is shown; "" is our own act, which always is.
func (s *sight) of(id ledger.ID, seq int64) (bool, error) {
	if id == "" {
		return true, nil
	}
	to, known := s.to[id]
	if !known {
		i, err := ledger.Get(s.r, id)
		switch {
		case errors.Is(err, ledger.ErrUnknown):
		case err != nil:
			return false, err
		case i.Own:
			to = i.Size
		default:
			to = i.Visible
		}
		if s.to == nil {
			s.to = map[ledger.ID]int64{}
		}
		s.to[id] = to
	}
	return seq < to, nil
}

func notFound() error { return fault.New(fault.NotFound, "lineage.no_duty") }
