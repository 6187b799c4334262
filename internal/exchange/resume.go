package exchange

import (
	"context"
	"errors"

	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// Resumed is what came of taking up again what had stopped.
type Resumed struct {
	Ledgers int // that are followed again
	Records int // that are folded now
	Left    int // that cannot be folded still
}

const (
	selectMarked  = `SELECT seq, kind FROM trouble WHERE ledger = $1 AND (kind = 'failed' OR kind = 'unknown') ORDER BY seq`
	deleteTrouble = `DELETE FROM trouble WHERE ledger = $1 AND seq = $2 AND kind = $3`
	deleteForks   = `DELETE FROM trouble WHERE ledger = $1 AND kind = 'fork'`
)

// Resume takes up again, at a person's word, what has stopped at a partner. Ledgers that said two things are followed again from the
// last record that was verified: where they still do, they stop again. Records that could not be folded, or were of a kind that the
// program did not know, are folded in their places; one that fails again stays marked. What is done also is done with the first of it.
func (s *Service) Resume(ctx context.Context, who news.Root, also ...func(*store.Tx) error) (out Resumed, err error) {
	var all []ledger.Info
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		out.Ledgers = 0
		if all, err = ledger.All(tx, ""); err != nil {
			return err
		}
		for _, i := range all {
			if i.Own || i.Owner != who || i.State != ledger.Stopped {
				continue
			}
			out.Ledgers++
			if err := errors.Join(ledger.SetState(tx, i.ID, ledger.Open), tx.Exec(deleteForks, string(i.ID))); err != nil {
				return err
			}
			tx.OnCommit(func() { s.unlink(i.ID) })
		}
		return tx.Also(also)
	})
	if err != nil {
		return out, err
	}
	for _, i := range all {
		if i.Own || i.Owner != who {
			continue
		}
		if err := s.foldMarked(ctx, i.ID, &out); err != nil {
			return out, err
		}
	}
	s.Changed("links", string(who))
	return out, nil
}

// unlink ends the link to a ledger; if it is to be followed, another one begins.
func (s *Service) unlink(id ledger.ID) {
	s.mu.Lock()
	if l := s.links[id]; l != nil {
		l.cancel()
		delete(s.links, id)
	}
	s.mu.Unlock()
	poke(s.followWake)
}

// marked is a record of which nothing came.
type marked struct {
	seq  int64
	kind string
}

// foldMarked folds the records of a ledger that are marked, each in a transaction of its own.
func (s *Service) foldMarked(ctx context.Context, id ledger.ID, out *Resumed) error {
	var all []marked
	err := s.DB.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectMarked, string(id))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var m marked
			if err := rows.Scan(&m.seq, &m.kind); err != nil {
				return err
			}
			all = append(all, m)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, m := range all {
		switch err := s.DB.Write(ctx, func(tx *store.Tx) error { return s.foldAgain(tx, id, m) }); {
		case err == nil:
			out.Records++
		case passing(err):
			return err
		default:
			out.Left++
			if !errors.Is(err, errNotYet) {
				s.Log.Error("a record cannot be folded still", "ledger", id, "seq", m.seq, "error", err)
			}
		}
	}
	return nil
}

// errNotYet leaves a record marked whose kind is still not known.
var errNotYet = errors.New("the kind is not known")

func (s *Service) foldAgain(tx *store.Tx, id ledger.ID, m marked) error {
	i, err := ledger.Get(tx, id)
	if err != nil {
		return err
	}
	entries, ids, err := ledger.EntriesKept(tx, id, m.seq, m.seq+1)
	if err != nil || len(entries) != 1 {
		return errors.Join(err, ledger.ErrBeyond)
	}
	rec := parsed(id, entries[0].Record)
	if m.kind == "unknown" && !known(rec.Type) {
		return errNotYet
	}
	if err := tx.Exec(deleteTrouble, string(id), m.seq, m.kind); err != nil {
		return err
	}
	l := &link{id: id, partner: i.Owner, agreement: terms.AgreementID(i.Agreement), origin: i.Origin}
	if err := s.fold(tx, s.said(l, m.seq, entries[0], rec, ids[0], m.seq >= i.Visible)); err != nil {
		return err
	}
	s.days.Forget(id) // it was counted in its place
	tx.OnCommit(func() {
		s.wakeOthers(l)
		s.Changed("wire", string(id))
	})
	return nil
}

// Resumable reports whether it is for Resume: what stopped, could not be folded, or is of a kind that is known by now.
func (t Trouble) Resumable() bool {
	kind, _ := t.Args["type"].(string)
	return t.Kind == "fork" || t.Kind == "failed" || (t.Kind == "unknown" && known(kind))
}

// known reports whether there is an owner for records of a type.
func known(t string) bool {
	switch t {
	case TypeRelease, TypeCorrect, TypeWithdraw, TypeMissing, TypeActed, TypeEpoch:
		return true
	}
	return false
}
