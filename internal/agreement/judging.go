package agreement

import (
	"slices"
	"sort"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// Active gives the agreements in which we have gone over to a revision, each with that revision, as it stands now. Whether it
// has begun or ended is what terms.May says.
func (s *Service) Active() []terms.Standing {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []terms.Standing
	for _, id := range s.own {
		if st, ok := s.standing(id); ok {
			out = append(out, st)
		}
	}
	sort.Slice(out, func(i, j int) bool { return out[i].Agreement < out[j].Agreement })
	return out
}

// Standing gives how things stand now for what came, or went, by this ledger: the revision that its newsroom has gone over to since,
// in this ledger or in the one in which it goes on, and what any party has said last of suspension and notice, we among them. False if
// it never went over to a revision that everybody signed.
func (s *Service) Standing(id ledger.ID) (terms.Standing, bool) {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.standing(id)
}

func (s *Service) standing(id ledger.ID) (terms.Standing, bool) {
	all := s.changeovers[id]
	if len(all) == 0 {
		return terms.Standing{}, false
	}
	latest := s.latest(all[0].agreement)
	st, ok := s.judging(id, 1<<62)
	if now, goesOn := s.judging(latest[s.speakers[id].owner], 1<<62); goesOn && now.Revision.Number >= st.Revision.Number {
		st, ok = now, true
	}
	st.Suspended, st.Ends = false, time.Time{}
	for _, l := range latest {
		suspended, ends := standstill(s.changeovers[l])
		st.Suspended = st.Suspended || suspended
		st.Ends = clock.Sooner(st.Ends, ends)
	}
	return st, ok
}

// latest gives for each newsroom the ledger in which it has last said how an agreement stands. Where it goes on in a new ledger, what
// it said in the old one counts no more: it has said it again.
func (s *Service) latest(id terms.AgreementID) map[news.Root]ledger.ID {
	out := map[news.Root]ledger.ID{}
	for l, all := range s.changeovers {
		if len(all) == 0 || all[0].agreement != id {
			continue
		}
		who := s.speakers[l]
		if old, ok := out[who.owner]; !ok || s.speakers[old].opened.Before(who.opened) {
			out[who.owner] = l
		}
	}
	return out
}

// Judging gives that by which a record of this ledger at this index is judged: the revision adopted before it, and what its
// own newsroom has said of suspension and notice before it. False if no revision was adopted there that everybody signed.
func (s *Service) Judging(id ledger.ID, seq int64) (terms.Standing, bool) {
	s.settle()
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
			// Only a revision of this agreement counts, and none goes back behind a later one.
			if r := s.revisions[c.revision]; r != nil && r.complete() && r.Terms.Agreement == c.agreement && r.Terms.Number >= st.Revision.Number {
				st.Agreement, st.Hash, st.Revision, found = c.agreement, c.revision, r.Terms, true
			}
		case "suspend":
			st.Suspended = true
		case "resume":
			st.Suspended = false
		case "notice":
			st.Ends = clock.Sooner(st.Ends, c.ends)
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
			ends = clock.Sooner(ends, c.ends)
		}
	}
	return suspended, ends
}

// Continue says in a ledger of ours that goes on where another one was left by what its records are judged.
func (s *Service) Continue(tx *store.Tx, id terms.AgreementID, old, next ledger.ID) error {
	s.settle()
	var st terms.Standing
	var ok bool
	s.changing(tx, func() func() {
		was := s.own[id]
		s.own[id] = next
		st, ok = s.judging(old, 1<<62)
		return func() { s.own[id] = was }
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

// Parties gives the roots of all to whom what we say under an agreement is addressed: the parties to what we proposed or signed
// ourselves, and to what we answered with the first record of a ledger. A proposal of somebody else adds nobody before we sign it.
func (s *Service) Parties(id terms.AgreementID) []news.Root {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	var out []news.Root
	for _, r := range s.revisions {
		if r.Terms.Agreement != id || !r.ours(s.exchange.Root()) {
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

// ours reports whether a newsroom has proposed or signed the revision, or has opened its ledger with an answer to it.
func (r *Revision) ours(us news.Root) bool {
	return r.Terms.Author == us || slices.ContainsFunc(r.Answers, func(a Answer) bool {
		return (a.Party == string(us) || strings.HasPrefix(a.Party, string(us)+" ")) && (a.Kind == "sign" || a.Seq == 0)
	})
}

// Holds reports whether a revision is here.
func (s *Service) Holds(hash terms.RevisionHash) bool {
	s.settle()
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.revisions[hash] != nil
}

const insertChangeover = `INSERT INTO changeover (ledger, seq, agreement, kind, revision, ends_us, us) VALUES ($1, $2, $3, $4, $5, $6, $7)`

// change keeps a change-over, in the table and in memory.
func (s *Service) change(tx *store.Tx, id ledger.ID, c changeover, us int64) error {
	i, err := ledger.Get(tx, id)
	if err != nil {
		return err
	}
	s.changing(tx, func() func() {
		all := s.changeovers[id]
		at := len(all)
		for at > 0 && all[at-1].seq > c.seq { // one that could not be folded in its turn comes late
			at--
		}
		s.changeovers[id] = slices.Insert(slices.Clip(all), at, c)
		s.speakers[id] = speaker{i.Owner, i.Opened}
		return func() { s.changeovers[id] = all }
	})
	tx.OnCommit(func() { s.changed("agreements", string(c.agreement)) })
	return tx.Exec(insertChangeover, string(id), c.seq, string(c.agreement), c.kind, string(c.revision), micros(c.ends), us)
}
