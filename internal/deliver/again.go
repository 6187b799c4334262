package deliver

import (
	"context"
	"math"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// withheld is an item that was asked for and not given: it is asked about again at its time, and when its terms change.
type withheld struct {
	item   news.ItemID
	ledger ledger.ID
	again  time.Time // zero: not before the terms change
	stood  string    // the terms when it was asked
}

const never = math.MaxInt64

const (
	insertWithheld = `INSERT INTO withheld (item, ledger, look_us) VALUES ($1, $2, $3)
ON CONFLICT (item, ledger) DO UPDATE SET look_us = CASE WHEN excluded.look_us < withheld.look_us THEN excluded.look_us ELSE withheld.look_us END`
	insertStood   = `INSERT INTO withheld_terms (ledger, stood) VALUES ($1, $2) ON CONFLICT (ledger) DO NOTHING`
	selectStood   = `SELECT ledger, stood FROM withheld_terms`
	updateStood   = `UPDATE withheld_terms SET stood = $2 WHERE ledger = $1`
	lookAtAll     = `UPDATE withheld SET look_us = 0 WHERE ledger = $1`
	selectDue     = `SELECT DISTINCT item FROM withheld WHERE look_us <= $1 ORDER BY item LIMIT $2`
	dropWithheld  = `DELETE FROM withheld WHERE item = $1`
	askAgainAtOne = 200 // items in one go
)

func (w withheld) save(tx *store.Tx) error {
	look := int64(never)
	if !w.again.IsZero() {
		look = clock.Micros(w.again)
	}
	if err := tx.Exec(insertWithheld, w.item, w.ledger, look); err != nil {
		return err
	}
	return tx.Exec(insertStood, w.ledger, w.stood)
}

// askAgain asks again about what was held back and is due. What may be given now gets a new line. It is called ahead of every
// reading: whoever never reads has missed nothing.
func (s *Service) askAgain(ctx context.Context) error {
	changed, due, err := s.due(ctx)
	if err != nil {
		return err
	}
	if len(changed) > 0 {
		err := s.o.DB.Write(ctx, func(tx *store.Tx) error {
			for id, now := range changed {
				if err := tx.Exec(lookAtAll, id); err != nil {
					return err
				}
				if err := tx.Exec(updateStood, id, now); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if _, due, err = s.due(ctx); err != nil {
			return err
		}
	}
	if len(due) == 0 {
		return nil
	}
	return s.decideAgain(ctx, due)
}

// due gives the ledgers whose terms stand differently now, with how they stand, and the items that are to be asked about.
func (s *Service) due(ctx context.Context) (changed map[ledger.ID]string, items []news.ItemID, err error) {
	var was map[ledger.ID]string
	err = s.o.DB.Read(ctx, func(r store.Reader) error {
		was, items = map[ledger.ID]string{}, nil
		rows, err := r.Query(selectStood)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id ledger.ID
			var stood string
			if err := rows.Scan(&id, &stood); err != nil {
				return err
			}
			was[id] = stood
		}
		if err := rows.Err(); err != nil {
			return err
		}
		items, err = readItems(r, selectDue, clock.Micros(s.o.Clock()), askAgainAtOne)
		return err
	})
	changed = map[ledger.ID]string{}
	for id, stood := range was { // asked when the reading has ended: who knows the terms may have to read too
		if now := s.stands(id); now != stood {
			changed[id] = now
		}
	}
	return changed, items, err
}

func (s *Service) stands(id ledger.ID) string {
	var st *terms.Standing
	if now, ok := s.o.Agreements.Standing(id); ok {
		st = &now
	}
	return stood(st)
}

func readItems(r store.Reader, query string, args ...any) ([]news.ItemID, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []news.ItemID
	for rows.Next() {
		var id news.ItemID
		if err := rows.Scan(&id); err != nil {
			return nil, err
		}
		list = append(list, id)
	}
	return list, rows.Err()
}

// decideAgain asks about each item. One that is held back still is noted anew; all others are forgotten: they are usable and
// told of now, or the library tells of them when their state changes.
func (s *Service) decideAgain(ctx context.Context, due []news.ItemID) error {
	j := s.judge("")
	free := map[news.ItemID]bool{}
	for _, id := range due {
		e, err := s.o.Library.Entry(ctx, id)
		switch {
		case fault.Is(err, fault.NotFound):
			continue
		case err != nil:
			return err
		}
		free[id] = j.decide(e).state == Usable
	}
	return s.o.DB.Write(ctx, func(tx *store.Tx) error {
		for _, id := range due {
			n, err := tx.ExecCount(dropWithheld, id)
			if err != nil {
				return err
			}
			if n == 0 || !free[id] { // somebody else was faster, or there is nothing to tell
				continue
			}
			if err := s.o.Library.Tell(tx, id); err != nil {
				return err
			}
		}
		for _, w := range j.withheld {
			if err := w.save(tx); err != nil {
				return err
			}
		}
		return nil
	})
}
