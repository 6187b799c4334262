package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

const (
	insertOutbox = `INSERT INTO outbox (item, number, priority, us, error) VALUES ($1, $2, $3, $4, '') ON CONFLICT (item, number) DO NOTHING`
	selectOutbox = `SELECT item, number FROM outbox WHERE error = '' ORDER BY priority, us LIMIT $1`
	deleteOutbox = `DELETE FROM outbox WHERE item = $1 AND number = $2`
	failOutbox   = `UPDATE outbox SET error = $3 WHERE item = $1 AND number = $2`
	retryOutbox  = `UPDATE outbox SET error = '' WHERE error <> ''`
	countOutbox  = `SELECT COUNT(*) FROM outbox`
)

// Queue puts a version of our own into the outbox, in the transaction that made it. Withdrawals go before corrections, and
// these before everything else.
func (s *Service) Queue(tx *store.Tx, v library.Version) error {
	priority := 2
	switch v.Class {
	case news.Withdrawal:
		priority = 0
	case news.Correction:
		priority = 1
	}
	s.fresh.put(v)
	tx.OnUndo(func() { s.fresh.take(queued{v.Item, v.Number}) })
	tx.OnCommit(func() { poke(s.outboxWake) })
	return tx.Exec(insertOutbox, string(v.Item), v.Number, priority, clock.Micros(s.Clock()))
}

// fresh keeps versions in memory between their acceptance and their offer, so that they need not be read again. It is a
// shortcut only: what it does not hold is read from the library.
type fresh struct {
	mu sync.Mutex
	by map[queued]library.Version
}

// freshMost is how many versions are kept.
const freshMost = 4096

func (f *fresh) put(v library.Version) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.by) < freshMost {
		f.by[queued{v.Item, v.Number}] = v
	}
}

func (f *fresh) get(q queued) (library.Version, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	v, ok := f.by[q]
	return v, ok
}

func (f *fresh) take(q queued) {
	f.mu.Lock()
	defer f.mu.Unlock()
	delete(f.by, q)
}

// offerBatch is how many versions go into one transaction.
const offerBatch = 256

type queued struct {
	item   news.ItemID
	number int
}

// offerLoop empties the outbox until ctx ends.
func (s *Service) offerLoop(ctx context.Context) {
	for ctx.Err() == nil {
		n, err := s.OfferWaiting(ctx)
		if err != nil {
			s.Log.Error("offering", "error", err)
		}
		if n == offerBatch && err == nil {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.outboxWake:
		case <-time.After(30 * time.Second):
		}
	}
}

// OfferWaiting offers up to a batch of what waits in the outbox, and says how many. A version whose offer fails is kept with
// its error, and stops no other.
func (s *Service) OfferWaiting(ctx context.Context) (int, error) {
	var waiting []queued
	err := s.DB.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectOutbox, offerBatch)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var q queued
			if err := rows.Scan((*string)(&q.item), &q.number); err != nil {
				return err
			}
			waiting = append(waiting, q)
		}
		return rows.Err()
	})
	if err != nil || len(waiting) == 0 {
		return 0, err
	}
	err = s.DB.Write(s.Beginning(ctx), func(tx *store.Tx) error {
		for _, q := range waiting {
			if err := s.offer(tx, q); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || errors.Is(err, store.ErrCommitUnknown) {
		return len(waiting), err
	}
	for _, q := range waiting {
		one := s.DB.Write(ctx, func(tx *store.Tx) error { return s.offer(tx, q) })
		if one != nil {
			s.Log.Error("offering one item", "item", q.item, "version", q.number, "error", one)
			if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.Exec(failOutbox, string(q.item), q.number, one.Error()) }); err != nil {
				return 0, err
			}
		}
	}
	return len(waiting), nil
}

// offer says one version under every agreement that permits it, in one transaction; each no is kept with its clause.
func (s *Service) offer(tx *store.Tx, q queued) error {
	v, ok := s.fresh.get(q)
	if !ok {
		var err error
		if v, err = s.Library.Outgoing(tx, q.item, q.number); err != nil {
			return err
		}
	}
	tx.OnCommit(func() { s.fresh.take(q) })
	at := s.Clock()
	ways, err := s.Library.Ways(tx, q.item)
	if err != nil {
		return err
	}
	sent := map[terms.AgreementID][]library.Way{}
	for _, w := range ways {
		sent[w.Agreement] = append(sent[w.Agreement], w)
	}
	if v.Class == news.Withdrawal {
		if err := s.withdraw(tx, v, ways); err != nil {
			return err
		}
		return tx.Exec(deleteOutbox, string(q.item), q.number)
	}
	facts := terms.StoryFacts(v.Story)
	facts.From, facts.Class = s.Root(), v.Class
	for _, a := range s.Agreements.Active() {
		already := sent[a.Agreement]
		if slices.ContainsFunc(already, func(w library.Way) bool { return w.Number == v.Number }) {
			continue // it waited for another agreement
		}
		facts.To, facts.Sent, facts.Suspended, facts.Ends = otherParty(a.Revision, facts.From), len(already) > 0, a.Suspended, a.Ends
		facts.Today = withThis(s.counted(a.Agreement, at, a.Revision.Location()), len(v.Content))
		d := terms.May(a.Revision, facts, terms.Send, at)
		if d.Answer != terms.Yes {
			if err := s.refuse(tx, q, a.Agreement, d, at); err != nil {
				return err
			}
			continue
		}
		if s.waitsFor(a.Agreement) {
			if err := s.hold(tx, a.Agreement, q); err != nil {
				return err
			}
			continue
		}
		kind := TypeRelease
		if v.Class == news.Correction && facts.Sent {
			kind = TypeCorrect
		}
		pos, err := s.Say(tx, a.Agreement, ledger.Draft{
			Type: kind, Terms: string(a.Hash), By: s.opaque(a.Agreement, v.By), About: string(v.Item),
			Body:     ItemBody{Class: v.Class, Version: v.Number, Embargo: clock.Micros(v.Story.Embargo), Urgency: int(v.Story.Urgency)},
			Contents: []ledger.Content{{ID: v.ContentID, Bytes: v.Content, Type: v.MediaType, Lang: string(v.Story.Lang)}},
		})
		if err != nil {
			return err
		}
		if err := s.Library.Carried(tx, v.Item, v.Number, a.Agreement, string(pos.Ledger), pos.Seq); err != nil {
			return err
		}
		s.count(tx, pos.Ledger, dayOf(pos.Time, a.Revision.Location()), len(v.Content))
	}
	return tx.Exec(deleteOutbox, string(q.item), q.number)
}

// withdraw says the withdrawal in every ledger that carried the item, whether its agreement is in force or not, and closes
// the contents that followers have not had yet.
func (s *Service) withdraw(tx *store.Tx, v library.Version, ways []library.Way) error {
	byLedger := map[string][]int64{}
	agreements := map[string]terms.AgreementID{}
	said := map[string]bool{}
	var order []string
	for _, w := range ways {
		if w.Number == v.Number {
			said[w.Ledger] = true
		}
		if _, ok := byLedger[w.Ledger]; !ok {
			order = append(order, w.Ledger)
		}
		byLedger[w.Ledger] = append(byLedger[w.Ledger], w.Seq)
		agreements[w.Ledger] = w.Agreement
	}
	for _, l := range order {
		a := agreements[l]
		s.mu.RLock()
		now, ok := s.own[a] // another one than l where a new ledger goes on
		s.mu.RUnlock()
		if !ok {
			now = ledger.ID(l)
		}
		if said[string(now)] {
			continue // the withdrawal stands there already
		}
		if s.waitsFor(a) {
			if err := s.hold(tx, a, queued{v.Item, v.Number}); err != nil {
				return err
			}
			continue
		}
		pos, err := s.SayIn(tx, a, now, ledger.Draft{
			Type: TypeWithdraw, Terms: s.termsNow(a), By: s.opaque(a, v.By), About: string(v.Item), Withdraw: true,
			Body:     ItemBody{Class: news.Withdrawal, Version: v.Number},
			Contents: []ledger.Content{{ID: v.ContentID, Bytes: v.Content, Type: v.MediaType, Lang: string(v.Story.Lang)}},
		})
		if err != nil {
			return err
		}
		said[string(now)] = true
		if string(now) == l {
			if err := s.Ledgers.CloseContents(tx, now, byLedger[l], pos.Seq); err != nil {
				return err
			}
		}
		if err := s.Library.Carried(tx, v.Item, v.Number, a, string(now), pos.Seq); err != nil {
			return err
		}
	}
	return nil
}

// waitsFor reports whether our ledger in an agreement may not be appended to yet.
func (s *Service) waitsFor(a terms.AgreementID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.doubtful[s.own[a]]
}

// termsNow is the hash of the revision that our ledger in an agreement stands under; "" when none is in force.
func (s *Service) termsNow(id terms.AgreementID) string {
	for _, a := range s.Agreements.Active() {
		if a.Agreement == id {
			return string(a.Hash)
		}
	}
	return ""
}

// otherParty is the party that a decision about all others is asked for: what an agreement says goes to all of them.
func otherParty(rev terms.Revision, ours news.Root) news.Root {
	for _, p := range rev.Parties {
		if p.Root != "" && p.Root != ours {
			return p.Root
		}
	}
	return ""
}

// withThis adds one record with its content to what was said before it.
func withThis(c terms.Counts, bytes int) terms.Counts {
	c.Records++
	c.Bytes += int64(bytes)
	return c
}

const insertRefusal = `INSERT INTO refusal (item, number, agreement, clause, key, args, us) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (item, number, agreement) DO UPDATE SET clause = excluded.clause, key = excluded.key, args = excluded.args, us = excluded.us`

func (s *Service) refuse(tx *store.Tx, q queued, a terms.AgreementID, d terms.Decision, at time.Time) error {
	args, err := json.Marshal(d.Args)
	if err != nil {
		return err
	}
	return tx.Exec(insertRefusal, string(q.item), q.number, string(a), d.Clause, d.Key, string(args), clock.Micros(at))
}
