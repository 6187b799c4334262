package exchange

import (
	"context"
	"errors"
	"slices"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// While a node runs, another copy of its database may speak, too. What the followers do tells: one asks beyond the end of a ledger,
// or confirms what we never said, or confirms nothing any more. Then they are asked what they hold, as after a start. Meanwhile the
// ledger goes on.

// suspect has the followers of a ledger of ours asked soon what they hold, unless they were asked a moment ago.
func (s *Service) suspect(id ledger.ID) {
	s.mu.Lock()
	if at, ok := s.suspects[id]; !ok || time.Since(at) > s.Times.MaxPause {
		s.suspects[id] = time.Time{}
	}
	s.mu.Unlock()
	poke(s.confirmWake)
}

// toAsk lists the ledgers of ours whose followers are to be asked now, and reports whether any of them waits for an answer.
func (s *Service) toAsk() (ids []ledger.ID, doubtful bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, id := range s.own {
		if s.doubtful[id] {
			ids, doubtful = append(ids, id), true
		}
	}
	for id, at := range s.suspects {
		if at.IsZero() && !slices.Contains(ids, id) {
			s.suspects[id] = time.Now()
			ids = append(ids, id)
		}
	}
	return ids, doubtful
}

// Stall is that a partner who has confirmed what we said before confirms nothing any more.
type Stall struct {
	Agreement terms.AgreementID
	Partner   news.Root
	Ledger    ledger.ID
	Records   int64     // that are not confirmed
	Since     time.Time // when the first of them was said
}

// Stalled lists what partners have not confirmed for longer than two minutes.
func (s *Service) Stalled(ctx context.Context) (out []Stall, err error) {
	s.mu.RLock()
	own := map[terms.AgreementID]ledger.ID{}
	for a, id := range s.own {
		if !s.doubtful[id] {
			own[a] = id
		}
	}
	s.mu.RUnlock()
	err = s.DB.Read(ctx, func(r store.Reader) error {
		for a, id := range own {
			i, err := ledger.Get(r, id)
			if err != nil {
				return err
			}
			for _, root := range s.Agreements.Parties(a) {
				if p, ok := s.Partner(root); !ok || p.Blocked {
					continue
				}
				st, err := s.stallOf(r, i, root)
				if err != nil {
					return err
				}
				if st.Records > 0 {
					out = append(out, st)
				}
			}
		}
		return nil
	})
	slices.SortFunc(out, func(x, y Stall) int { return x.Since.Compare(y.Since) })
	return out, err
}

// stallOf is what a partner has not confirmed of a ledger of ours for too long; without records where that is nothing, or where it
// never confirmed anything in the agreement.
func (s *Service) stallOf(r store.Reader, i ledger.Info, root news.Root) (Stall, error) {
	held, err := ledger.HeldBy(r, i.ID, string(root))
	if err != nil || held >= i.Size {
		return Stall{}, err
	}
	rec, err := ledger.Records(r, i.ID, held, held+1)
	if err != nil || len(rec) == 0 {
		return Stall{}, err
	}
	since := recordTime(rec[0])
	if s.Clock().Sub(since) < s.Times.Stall {
		return Stall{}, nil
	}
	all, err := ledger.All(r, i.Agreement)
	if err != nil {
		return Stall{}, err
	}
	for _, x := range all {
		if size, err := ledger.HeldBy(r, x.ID, string(root)); err != nil || size > 0 {
			return Stall{Agreement: terms.AgreementID(i.Agreement), Partner: root, Ledger: i.ID, Records: i.Size - held, Since: since}, err
		}
	}
	return Stall{}, nil
}

// watch looks for partners that confirm nothing any more, says in the log what is new of it, and has them asked what they hold.
func (s *Service) watch(ctx context.Context, before []Stall) []Stall {
	now, err := s.Stalled(ctx)
	if err != nil {
		if ctx.Err() == nil {
			s.Log.Error("looking for what is not confirmed", "error", err)
		}
		return before
	}
	for _, st := range now {
		s.suspect(st.Ledger)
		if slices.ContainsFunc(before, func(x Stall) bool { return x.Partner == st.Partner && x.Ledger == st.Ledger }) {
			continue
		}
		s.Log.Warn("a partner confirms nothing of what we say any more: it does not reach this node, or reads another copy of it",
			"agreement", st.Agreement, "partner", st.Partner, "ledger", st.Ledger, "records", st.Records, "since", st.Since)
		s.Changed("links", string(st.Partner))
	}
	return now
}

// foldEpoch notes that a partner goes on in a new ledger: the old one has ended. If we hold more of it than the partner says, it has
// lost records: they stay with us, and both sides are shown it.
func (s *Service) foldEpoch(tx *store.Tx, d ledger.Said) error {
	var body EpochBody
	if err := protocol.Decode(d.Record.Body, &body); err != nil || d.Seq != 0 {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	old, err := ledger.Get(tx, ledger.ID(body.Continues))
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err != nil || old.Owner != d.Owner || old.Agreement != string(d.Agreement) {
		return err
	}
	if old.State == ledger.Open && !old.Own {
		if err := ledger.SetState(tx, old.ID, ledger.Ended); err != nil {
			return err
		}
		tx.OnCommit(func() {
			s.mu.RLock()
			defer s.mu.RUnlock()
			if l := s.links[old.ID]; l != nil {
				l.mu.Lock()
				l.ended = true
				l.mu.Unlock()
			}
			s.Changed("links", string(d.Owner))
		})
	}
	if old.Size > body.Size {
		return s.trouble(tx, d.Ledger, d.Seq, "epoch", "exchange.partner_lost_records", map[string]any{"n": old.Size - body.Size})
	}
	return nil
}
