package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"slices"
	"sync"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/partner/daily"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

const (
	insertOutbox = `INSERT INTO outbox (item, number, priority, us, error) VALUES ($1, $2, $3, $4, '') ON CONFLICT (item, number) DO NOTHING`
	selectOutbox = `SELECT item, number FROM outbox WHERE error = '' ORDER BY priority, us, item, number LIMIT $1`
	selectBefore = `SELECT number FROM outbox WHERE item = $1 AND number < $2 ORDER BY number`
	selectQueued = `SELECT COUNT(*) FROM outbox WHERE item = $1 AND number = $2`
	deleteBefore = `DELETE FROM outbox WHERE item = $1 AND number < $2`
	deleteOutbox = `DELETE FROM outbox WHERE item = $1 AND number = $2`
	failOutbox   = `UPDATE outbox SET error = $3 WHERE item = $1 AND number = $2`
	retryOutbox  = `UPDATE outbox SET error = '' WHERE error <> ''`
	unheldBefore = `DELETE FROM held WHERE item = $1 AND number < $2`
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
	tx.OnUndo(func() {
		s.fresh.take(queued{v.Item, v.Number})
		poke(s.outboxWake) // it may be done all the same
	})
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

// offerLoop empties the outbox until ctx ends. What could not be offered before the last start is tried again.
func (s *Service) offerLoop(ctx context.Context) {
	retried := false
	var looked time.Time // for what waits for another day
	for ctx.Err() == nil {
		var n int
		var err error
		if now := s.Clock(); now.Sub(looked).Abs() >= time.Second {
			if err = s.dayBegins(ctx); err == nil {
				looked = now
			}
		}
		if err == nil && !retried {
			err = s.DB.Write(ctx, func(tx *store.Tx) error { return tx.Exec(retryOutbox) })
			retried = err == nil
		}
		if err == nil {
			n, err = s.OfferWaiting(ctx)
		}
		pause := 30 * time.Second
		switch {
		case err != nil && ctx.Err() == nil:
			s.Log.Error("offering", "error", err)
			pause = s.Times.Retry
		case n == offerBatch:
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.outboxWake:
		case <-time.After(pause):
		}
	}
}

// OfferWaiting offers up to a batch of what waits in the outbox, and says how many. A version whose offer fails is kept with
// its error, and stops no other; where the storage fails everything waits for the next time.
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
		if err := s.Library.ExpectCarried(tx, itemsWaiting(waiting)); err != nil {
			return err
		}
		done := map[queued]bool{}
		for _, q := range waiting {
			if err := s.offerInOrder(tx, q, done); err != nil {
				return err
			}
		}
		return nil
	})
	if err == nil || passing(err) {
		return len(waiting), err
	}
	for _, q := range waiting {
		one := s.DB.Write(ctx, func(tx *store.Tx) error {
			var still int
			if err := tx.QueryRow(selectQueued, string(q.item), q.number).Scan(&still); err != nil || still == 0 {
				return err
			}
			return s.offerInOrder(tx, q, map[queued]bool{})
		})
		if passing(one) {
			return 0, one
		}
		if one != nil {
			s.Log.Error("offering one item", "item", q.item, "version", q.number, "error", one)
			if err := s.DB.Write(ctx, func(tx *store.Tx) error { return tx.Exec(failOutbox, string(q.item), q.number, one.Error()) }); err != nil {
				return 0, err
			}
		}
	}
	return len(waiting), nil
}

func itemsWaiting(waiting []queued) []news.ItemID {
	out := make([]news.ItemID, len(waiting))
	for i, q := range waiting {
		out[i] = q.item
	}
	return out
}

// offerInOrder offers a version after the earlier versions of its item that still wait. A withdrawal takes these back instead: what
// was withdrawn before it was said is never said. done is what the transaction has dealt with already.
func (s *Service) offerInOrder(tx *store.Tx, q queued, done map[queued]bool) error {
	if done[q] {
		return nil
	}
	done[q] = true
	if q.number == 1 {
		return s.offer(tx, q)
	}
	v, err := s.outgoing(tx, q)
	if err != nil {
		return err
	}
	before, err := waitingBefore(tx, q)
	if err != nil {
		return err
	}
	for _, b := range before {
		if v.Class == news.Withdrawal {
			done[b] = true
			tx.OnCommit(func() { s.fresh.take(b) })
		} else if err := s.offerInOrder(tx, b, done); err != nil {
			return err
		}
	}
	if v.Class == news.Withdrawal {
		for _, query := range []string{deleteBefore, unheldBefore, unrefuseBefore, notLaterBefore} {
			if err := tx.Exec(query, string(q.item), q.number); err != nil {
				return err
			}
		}
	}
	return s.offer(tx, q)
}

func waitingBefore(r store.Reader, q queued) (out []queued, err error) {
	rows, err := r.Query(selectBefore, string(q.item), q.number)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		b := queued{item: q.item}
		if err := rows.Scan(&b.number); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// outgoing gives a version that waits in the outbox.
func (s *Service) outgoing(r store.Reader, q queued) (library.Version, error) {
	if v, ok := s.fresh.get(q); ok {
		return v, nil
	}
	return s.Library.Outgoing(r, q.item, q.number)
}

// offer says one version under every agreement that permits it, in one transaction; each no is kept with its clause.
func (s *Service) offer(tx *store.Tx, q queued) error {
	v, fresh := s.fresh.get(q)
	fresh = fresh && v.First && v.Number == 1 // no part of it was ever offered
	var ways []library.Way
	if !fresh {
		var err error
		if v, err = s.outgoing(tx, q); err != nil {
			return err
		}
		if ways, err = s.Library.Ways(tx, q.item); err != nil {
			return err
		}
	}
	tx.OnCommit(func() { s.fresh.take(q) })
	tx.OnUndo(func() { s.fresh.take(q) }) // it may be done all the same; if not, the library has it
	at := s.Clock()
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
	// The partner decides by the bytes that come, so we decide by the bytes that go.
	goes, err := s.Codec.Read(v.Content)
	if err != nil {
		return err
	}
	story := terms.StoryFacts(goes)
	for _, a := range s.Agreements.Active() {
		already := sent[a.Agreement]
		if slices.ContainsFunc(already, func(w library.Way) bool { return w.Number == v.Number }) {
			continue // it waited for another agreement
		}
		today, err := s.today(tx, a)
		if err != nil {
			return err
		}
		facts := delivery(story, s.Root(), otherParty(a.Revision, s.Root()), v.Class, a, len(already) > 0, today.With(at, protocol.ToldSize(len(v.Content))))
		d := terms.May(a.Revision, facts, terms.Send, at)
		if d.Answer != terms.Yes {
			if err := errors.Join(s.refuse(tx, q, a.Agreement, d, at), s.later(tx, q, a.Agreement, d)); err != nil {
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
		if err := s.carried(tx, v, a.Agreement, pos); err != nil {
			return err
		}
		today.Add(tx, pos.Time, protocol.ToldSize(len(v.Content)))
		if fresh {
			continue // nothing of it was ever refused
		}
		if err := errors.Join(tx.Exec(unrefuse, string(q.item), q.number, string(a.Agreement)), tx.Exec(notLater, string(q.item), q.number, string(a.Agreement))); err != nil {
			return err
		}
	}
	return tx.Exec(deleteOutbox, string(q.item), q.number)
}

// carried notes that a version was said.
func (s *Service) carried(tx *store.Tx, v library.Version, a terms.AgreementID, pos ledger.Position) error {
	err := s.Library.Carried(tx, v.Item, v.Number, a, string(pos.Ledger), pos.Seq)
	if err == nil && s.Lineage != nil {
		err = s.Lineage.Carried(tx, v)
	}
	return err
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
		now, ok := s.mine(a) // another one than l where a new ledger goes on
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
	id, ok := s.mine(a)
	return ok && s.unconfirmed(id)
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

const insertRefusal = `INSERT INTO refusal (item, number, agreement, clause, key, args, us) VALUES ($1, $2, $3, $4, $5, $6, $7)
	ON CONFLICT (item, number, agreement) DO UPDATE SET clause = excluded.clause, key = excluded.key, args = excluded.args, us = excluded.us`

func (s *Service) refuse(tx *store.Tx, q queued, a terms.AgreementID, d terms.Decision, at time.Time) error {
	args, err := json.Marshal(d.Args)
	if err != nil {
		return err
	}
	return tx.Exec(insertRefusal, string(q.item), q.number, string(a), d.Clause, d.Key, string(args), clock.Micros(at))
}

const (
	unrefuse       = `DELETE FROM refusal WHERE item = $1 AND number = $2 AND agreement = $3`
	unrefuseBefore = `DELETE FROM refusal WHERE item = $1 AND number < $2 AND EXISTS (SELECT 1 FROM later WHERE later.agreement = refusal.agreement AND later.item = refusal.item AND later.number = refusal.number)`
	unrefuseLater  = `DELETE FROM refusal WHERE (item, number, agreement) IN (SELECT item, number, agreement FROM later WHERE due_us <= $1)`
	insertLater    = `INSERT INTO later (agreement, item, number, due_us) VALUES ($1, $2, $3, $4) ON CONFLICT (agreement, item, number) DO UPDATE SET due_us = excluded.due_us`
	notLater       = `DELETE FROM later WHERE item = $1 AND number = $2 AND agreement = $3`
	notLaterBefore = `DELETE FROM later WHERE item = $1 AND number < $2`
	countLater     = `SELECT COUNT(*) FROM later WHERE due_us <= $1`
	requeueLater   = `INSERT INTO outbox (item, number, priority, us, error) SELECT item, number, 1, 0, '' FROM later WHERE due_us <= $1 ON CONFLICT (item, number) DO NOTHING`
	deleteLater    = `DELETE FROM later WHERE due_us <= $1`
)

// today gives what we have said on the newest day of an agreement.
func (s *Service) today(tx *store.Tx, a terms.Standing) (*daily.Day, error) {
	id, ok := s.mine(a.Agreement)
	if !ok {
		return nil, fault.New(fault.NotFound, "agreement.no_ledger")
	}
	return s.days.Of(tx, id, -1, a.Revision.Location())
}

// later keeps a version that is above the ceilings of the day: it waits for the next. What is refused for good does not wait.
func (s *Service) later(tx *store.Tx, q queued, a terms.AgreementID, d terms.Decision) error {
	if d.Answer != terms.NotYet || d.Until.IsZero() {
		return tx.Exec(notLater, string(q.item), q.number, string(a))
	}
	return tx.Exec(insertLater, string(a), string(q.item), q.number, clock.Micros(d.Until))
}

// dayBegins puts what waited for this day back into the outbox: it is asked again, and no answer stands until then.
func (s *Service) dayBegins(ctx context.Context) error {
	now := clock.Micros(s.Clock())
	var n int
	err := s.DB.Read(ctx, func(r store.Reader) error { return r.QueryRow(countLater, now).Scan(&n) })
	if err != nil || n == 0 {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		return errors.Join(tx.Exec(unrefuseLater, now), tx.Exec(requeueLater, now), tx.Exec(deleteLater, now))
	})
}
