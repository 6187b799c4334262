package exchange

import (
	"slices"
	"strings"

	"newspool/internal/clock"
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
			by.Ends = clock.Sooner(by.Ends, ours.Ends)
		}
	}
	sent := false
	if in.Class == news.Correction {
		var err error
		if sent, err = s.Library.TookUnder(tx, in.Item, d.Agreement); err != nil {
			return err
		}
	}
	facts := delivery(terms.StoryFacts(in.Story), d.Owner, s.Root(), in.Class, by, sent, today)
	decision := terms.May(by.Revision, facts, terms.Receive, clock.FromMicros(d.Record.Time))
	if decision.Answer == terms.Yes {
		return nil
	}
	in.State, in.Why = news.SetAside, library.Why{Clause: decision.Clause, Key: decision.Key, Args: decision.Args}
	return s.acted(tx, d, "set-aside", decision.Clause)
}

// delivery are the facts by which both ends of a delivery decide: those of the story, and those of the agreement at its place.
func delivery(story terms.Facts, from, to news.Root, class news.Class, by terms.Standing, sent bool, today terms.Counts) terms.Facts {
	f := story
	f.From, f.To, f.Class, f.Suspended, f.Ends, f.Sent, f.Today = from, to, class, by.Suspended, by.Ends, sent, today
	return f
}

// continues is the ledger that goes on in the one that begins with a record; "" for none.
func continues(first protocol.Record) ledger.ID {
	var body EpochBody
	if first.Type != TypeEpoch || protocol.Decode(first.Body, &body) != nil {
		return ""
	}
	return ledger.ID(body.Continues)
}

// counts reports whether a record counts towards the ceilings of a day: versions that come with their text.
func counts(rec protocol.Record) bool {
	return (rec.Type == TypeRelease || rec.Type == TypeCorrect) && len(rec.Contents) > 0
}
