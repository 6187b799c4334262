package exchange

import (
	"context"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/store"
)

// EventKind says what has become durable.
type EventKind string

// The kinds of events.
const (
	Offered   EventKind = "offered"   // a record is in a ledger of ours
	Stored    EventKind = "stored"    // records of a ledger that we follow are verified and stored here
	Receipted EventKind = "receipted" // a follower's cosignature over a ledger of ours is stored here
)

// Event tells that records [From, To) of a ledger have become durable here. Of a receipt From is 0: it covers all before To.
type Event struct {
	Kind     EventKind
	Ledger   ledger.ID
	From, To int64
	Began    time.Time // of Offered: when the transaction that releases was asked for; zero where nobody noted it
	At       time.Time
}

// observe tells Options.Observe of the event once the transaction is durable.
func (s *Service) observe(tx *store.Tx, e Event) {
	if s.Observe == nil {
		return
	}
	tx.OnCommit(func() {
		e.At = time.Now()
		s.Observe(e)
	})
}

type beganKey struct{}

// Beginning notes in a context that a transaction is about to be asked for, for Event.Began.
func (s *Service) Beginning(ctx context.Context) context.Context {
	if s.Observe == nil {
		return ctx
	}
	return context.WithValue(ctx, beganKey{}, time.Now())
}

func began(ctx context.Context) time.Time {
	t, _ := ctx.Value(beganKey{}).(time.Time)
	return t
}
