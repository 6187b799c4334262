package agreement

import (
	"slices"
	"sort"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// Active gives the agreements in which we have gone over to a revision, each with that revision, as it stands now. Whether it
// has begun or ended is what terms.May says.
func (s *Service) Active() []terms.Standing {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []terms.Standing
	for _, id := range s.own {
		st, ok := s.judging(id, 1<<62)
		if !ok {
			continue
		}
		for other, all := range s.changeovers {
			if other != id && len(all) > 0 && all[0].agreement == st.Agreement {
				suspended, ends := standstill(all)
				st.Suspended = st.Suspended || suspended
				if !ends.IsZero() {
					st.Ends = earlier(st.Ends, ends)
				}
			}
		}
		out = append(out, st)
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Agreement < out[j].Agreement })
	return out
}

// Judging gives that by which a record of this ledger at this index is judged: the revision adopted before it, and what its
// own newsroom has said of suspension and notice before it. False if no revision was adopted there that everybody signed.
func (s *Service) Judging(id ledger.ID, seq int64) (terms.Standing, bool) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.judging(id, seq)
}

func (s *Service) judging(id ledger.ID, seq int64) (terms.Standing, bool) {
	var st terms.Standing
	found := false
	for _, c := range s.changeovers[id] {
		if c.seq >= seq {
			break
		}
		switch c.kind {
		case "adopt":
			if r := s.revisions[c.revision]; r != nil && r.complete() {
				st.Agreement, st.Hash, st.Revision, found = c.agreement, c.revision, r.Terms, true
			}
		case "suspend":
			st.Suspended = true
		case "resume":
			st.Suspended = false
		case "notice":
			st.Ends = earlier(st.Ends, c.ends)
		}
	}
	return st, found
}

// standstill is what a newsroom has said last of suspension and notice.
func standstill(all []changeover) (suspended bool, ends time.Time) {
	for _, c := range all {
		switch c.kind {
		case "suspend":
			suspended = true
		case "resume":
			suspended = false
		case "notice":
			ends = earlier(ends, c.ends)
		}
	}
	return suspended, ends
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || b.Before(a) {
		return b
	}
	return a
}

// Continue says in a ledger of ours that goes on where another one was left by what its records are judged.
func (s *Service) Continue(tx *store.Tx, id terms.AgreementID, old, next ledger.ID) error {
	s.mu.Lock()
	was := s.own[id]
	s.own[id] = next
	st, ok := s.judging(old, 1<<62)
	s.mu.Unlock()
	tx.OnUndo(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.own[id] = was
	})
	if !ok {
		return nil
	}
	if err := s.say(tx, id, next, ledger.Draft{Type: TypeAdopt, Terms: string(st.Hash), Body: Body{Revision: st.Hash}}); err != nil {
		return err
	}
	if st.Suspended {
		if err := s.say(tx, id, next, ledger.Draft{Type: TypeSuspend, Terms: string(st.Hash), Body: Body{}}); err != nil {
			return err
		}
	}
	if st.Ends.IsZero() {
		return nil
	}
	return s.say(tx, id, next, ledger.Draft{Type: TypeNotice, Terms: string(st.Hash), Body: Body{Ends: micros(st.Ends)}})
}

// Parties gives the roots of all who are, or are asked to be, parties to an agreement.
func (s *Service) Parties(id terms.AgreementID) []news.Root {
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []news.Root
	for _, r := range s.revisions {
		if r.Terms.Agreement != id {
			continue
		}
		for _, p := range r.Terms.Parties {
			if p.Root != "" && !slices.Contains(out, p.Root) {
				out = append(out, p.Root)
			}
		}
	}
	slices.Sort(out)
	return out
}

const insertChangeover = `INSERT INTO changeover (ledger, seq, agreement, kind, revision, ends_us, us) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// change keeps a change-over, in the table and in memory.
func (s *Service) change(tx *store.Tx, id ledger.ID, c changeover, us int64) error {
	s.mu.Lock()
	s.changeovers[id] = append(s.changeovers[id], c)
	s.mu.Unlock()
	tx.OnUndo(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		all := s.changeovers[id]
		s.changeovers[id] = all[:len(all)-1]
	})
	tx.OnCommit(func() { s.changed("agreements", string(c.agreement)) })
	return tx.Exec(insertChangeover, string(id), c.seq, string(c.agreement), c.kind, string(c.revision), micros(c.ends), us)
}
