package exchange

import (
	"context"
	"slices"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// mayName reports whether a newsroom may speak of an item: one that it released, or one that is new here and whose name does not lie
// in the domain of another newsroom that we know, or in ours.
func (s *Service) mayName(r store.Reader, item news.ItemID, who news.Root) (bool, error) {
	origin, known, err := s.Library.Origin(r, item)
	if err != nil || known {
		return origin == who, err
	}
	domain, _, _ := strings.Cut(strings.TrimPrefix(string(item), "newspool://"), "/")
	if p, ok := s.Partner(who); ok && p.Domain == domain {
		return true, nil
	}
	others := slices.ContainsFunc(s.Partners(), func(p partner.Partner) bool { return p.Root != who && p.Domain == domain })
	return !others && domain != s.Self().Domain, nil
}

// judge decides, by the record's own time and the revision adopted at its place, whether it is within the terms. What is not
// is set aside for a person, and the origin is told. Our own suspension and notice count too: a record that had not seen them is
// set aside.
func (s *Service) judge(tx *store.Tx, d arrival, by terms.Standing, today terms.Counts, in *library.Incoming) error {
	if mine, ok := s.mine(d.Agreement); ok {
		if ours, ok := s.Agreements.Judging(mine, 1<<62); ok {
			by.Suspended = by.Suspended || ours.Suspended
			by.Ends = sooner(by.Ends, ours.Ends)
		}
	}
	sent := false
	if in.Class == news.Correction {
		var err error
		if sent, err = s.tookBefore(tx, d, in.Item); err != nil {
			return err
		}
	}
	facts := delivery(terms.StoryFacts(in.Story), d.Owner, s.Root(), in.Class, by, sent, today)
	decision := terms.May(by.Revision, facts, terms.Receive, clock.FromMicros(d.Record.Time))
	if decision.Answer == terms.Yes {
		return nil
	}
	in.State, in.Why = news.SetAside, library.Why{Clause: decision.Clause, Key: decision.Key, Args: decision.Args}
	return s.acted(tx, d.Said, "set-aside", decision.Clause)
}

// delivery are the facts by which both ends of a delivery decide: those of the story, and those of the agreement at its place.
func delivery(story terms.Facts, from, to news.Root, class news.Class, by terms.Standing, sent bool, today terms.Counts) terms.Facts {
	f := story
	f.From, f.To, f.Class, f.Suspended, f.Ends, f.Sent, f.Today = from, to, class, by.Suspended, by.Ends, sent, today
	return f
}

// sooner is the earlier of two times; the zero time is none.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || (!b.IsZero() && b.Before(a)) {
		return b
	}
	return a
}

// tookBefore reports whether an earlier version of an item came under the agreement and was not set aside: only then may a
// correction follow it whatever the terms say.
func (s *Service) tookBefore(tx *store.Tx, d arrival, id news.ItemID) (bool, error) {
	if d.from.took[id] {
		return true, nil
	}
	item, err := s.Library.ReadItem(tx, id)
	if fault.Is(err, fault.NotFound) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	aside := map[int]bool{}
	for _, v := range item.History {
		aside[v.Number] = v.State == news.SetAside
	}
	return slices.ContainsFunc(item.Ways, func(w library.Way) bool { return w.Agreement == d.Agreement && !aside[w.Number] }), nil
}

// remember notes an item that was taken while nothing shows yet: the library does not tell of these.
func (l *link) remember(in library.Incoming) {
	if in.State == news.SetAside || in.Class == news.Withdrawal {
		return
	}
	if l.took == nil {
		l.took = map[news.ItemID]bool{}
	}
	l.took[in.Item] = true
}

// recall notes the items again that an earlier process took while nothing showed yet.
func (s *Service) recall(ctx context.Context, l *link, i ledger.Info) error {
	if l.took != nil {
		return nil
	}
	const step = 1024
	return s.DB.Read(ctx, func(r store.Reader) error {
		for from := i.Visible; from < i.Applied; from += step {
			records, err := ledger.Records(r, l.id, from, min(i.Applied, from+step))
			if err != nil {
				return err
			}
			for _, b := range records {
				if rec, err := protocol.ParseRecord(b); err == nil && (rec.Type == TypeRelease || rec.Type == TypeCorrect) {
					l.remember(library.Incoming{Item: news.ItemID(rec.About)})
				}
			}
		}
		return nil
	})
}
