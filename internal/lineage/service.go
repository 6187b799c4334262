package lineage

import (
	"context"
	"time"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Service is the lineage of one newsroom's items.
type Service struct{ db *store.DB }

var errNotYet = fault.New(fault.Unavailable, "fault.unavailable")

// Make notes in the transaction that saves an item what it was made from. Twice is once.
func (s *Service) Make(tx *store.Tx, m Made) error { return errNotYet }

// Sources lists what an item was made from.
func (s *Service) Sources(ctx context.Context, item news.ItemID) ([]Made, error) {
	return nil, errNotYet
}

// Derived lists what our people made from an item.
func (s *Service) Derived(ctx context.Context, source news.ItemID) ([]Made, error) {
	return nil, errNotYet
}

// Open lists the duties that wait for an answer, the soonest due first, those without a time last.
func (s *Service) Open(ctx context.Context) ([]Duty, error) { return nil, errNotYet }

// Duties lists all duties of an item, the newest first.
func (s *Service) Duties(ctx context.Context, item news.ItemID) ([]Duty, error) {
	return nil, errNotYet
}

// Count is how many duties wait for an answer.
func (s *Service) Count(ctx context.Context) (int, error) { return 0, errNotYet }

// Answer answers a duty, and with it the older ones of the same source for the same item.
func (s *Service) Answer(ctx context.Context, by news.PersonID, duty int64, a Answer, why string) error {
	return errNotYet
}

// AnswerTx is Answer in the transaction in which the answer is made true.
func (s *Service) AnswerTx(tx *store.Tx, by news.PersonID, duty int64, a Answer, why string) error {
	return errNotYet
}

// Uses lists what partners say that they made from an item of ours.
func (s *Service) Uses(ctx context.Context, item news.ItemID) ([]Use, error) { return nil, errNotYet }

// Noticed reports whether the newsroom of a received item has told that a source of it has changed.
func (s *Service) Noticed(ctx context.Context, item news.ItemID) (at time.Time, class news.Class, ok bool, err error) {
	return at, class, ok, errNotYet
}
