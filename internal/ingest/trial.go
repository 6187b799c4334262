package ingest

import (
	"context"

	"newspool/internal/news"
)

// Trial is what a source would bring.
type Trial struct {
	Source   Source         // with everything filled in
	Title    string         // of the feed
	Drafts   []news.Draft   // as they would be taken, in the order of the feed, which begins with the newest
	Problems []news.Problem // of the feed as a whole
}

// Try reads a source as its first poll would, and takes nothing in: no item, no trouble, no note of the visit stays. Faults are
// those of AddSource and of Poll.
func (s *Service) Try(ctx context.Context, n Source) (Trial, error) {
	n, err := NewSource(n)
	if err != nil {
		return Trial{}, err
	}
	got, err := s.ask(ctx, n)
	if err != nil {
		return Trial{Source: n}, err
	}
	o := ItemOptions{Lang: n.Lang, Service: n.Service}
	for i := range got.feed.Items {
		o.Complete(&got.feed.Items[i], s.clock())
	}
	return Trial{n, got.feed.Title, got.feed.Items, got.feed.Problems}, nil
}
