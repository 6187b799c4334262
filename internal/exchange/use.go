package exchange

import (
	"context"
	"slices"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// Ruling is what one agreement says to the use of an item that came under it.
type Ruling struct {
	terms.Standing
	Decision terms.Decision
	Lines    []terms.Line // the terms of the item in sentences
	Facts    terms.Facts
}

// Rulings asks each agreement under which a received item came whether an act is permitted now. Any grant in force is enough,
// with its own credit and limits.
func (s *Service) Rulings(ctx context.Context, id news.ItemID, act terms.Act) (out []Ruling, err error) {
	at := s.Clock()
	var item library.Item
	var facts terms.Facts
	err = s.DB.Read(ctx, func(r store.Reader) (err error) {
		if item, err = s.Library.ReadItem(r, id); err != nil || item.Own {
			return err
		}
		facts = terms.Facts{Type: item.Type, Lang: item.Lang, Subjects: terms.Subjects(item.Subjects), Urgency: item.Urgency}
		if story, err := s.Library.ReadVersion(r, id, 0); err == nil {
			facts = terms.StoryFacts(story)
		}
		return nil
	})
	if err != nil || item.Own {
		return nil, err
	}
	facts.From, facts.To, facts.Class, facts.State, facts.Released = item.Origin, s.Root(), item.Class, item.State, firstRelease(item)
	facts.Roles = []terms.Role{terms.Editor}
	var asked []terms.AgreementID
	for _, w := range item.Ways {
		if slices.Contains(asked, w.Agreement) {
			continue
		}
		asked = append(asked, w.Agreement)
		st, ok := s.Agreements.Standing(ledger.ID(w.Ledger))
		if !ok {
			continue
		}
		f := facts
		f.Suspended, f.Ends = st.Suspended, st.Ends
		out = append(out, Ruling{Standing: st, Facts: f, Decision: terms.May(st.Revision, f, act, at), Lines: terms.Strip(st.Revision, f, at)})
	}
	return out, nil
}

// firstRelease is when the first version that we know was released.
func firstRelease(item library.Item) time.Time {
	if len(item.History) > 0 {
		return item.History[0].Released
	}
	return item.Released
}
