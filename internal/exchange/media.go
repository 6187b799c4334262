package exchange

import (
	"context"
	"slices"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// mediaLoop fetches the media that partners have told of. It never delays records: it runs beside them, one file at a time.
func (s *Service) mediaLoop(ctx context.Context, peer Peer) {
	if s.Media == nil {
		return
	}
	for ctx.Err() == nil {
		due, err := s.Media.Due(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("reading what media are wanted", "error", err)
		}
		for _, w := range due {
			if err := s.fetch(ctx, peer, w); err != nil && ctx.Err() == nil {
				s.Log.Warn("fetching media", "media", w.String(), "error", err)
				if err := s.Media.Missed(ctx, w, err); err != nil {
					s.Log.Error("fetching media", "media", w.String(), "error", err)
				}
			} else if err == nil {
				s.Changed("wire", w.ID)
			}
		}
		if len(due) > 0 {
			continue
		}
		select {
		case <-ctx.Done():
		case <-s.Media.Wake():
		case <-time.After(5 * time.Second):
		}
	}
}

func (s *Service) fetch(ctx context.Context, peer Peer, w media.Wish) error {
	p, ok := s.Partner(w.Owner)
	if !ok || p.Blocked {
		return errNotKnown
	}
	i, err := s.Ledgers.Info(ctx, ledger.ID(w.Ledger))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(w.Size>>17)*time.Second) // at least 128 KiB a second
	defer cancel()
	body, err := peer.Get(ctx, p, terms.AgreementID(i.Agreement), "ledgers/"+w.Ledger+"/media/"+w.ID)
	if err != nil {
		return err
	}
	defer body.Close()
	return s.Media.Arrived(ctx, w, body)
}

// MediaFor finds a medium for a reader of one of our ledgers: it must belong to an item of ours that went out by that ledger and
// is not withdrawn.
func (s *Service) MediaFor(ctx context.Context, id ledger.ID, name string) (m media.Medium, ok bool, err error) {
	if s.Media == nil {
		return m, false, nil
	}
	m, items, err := s.Media.Get(ctx, name)
	if err != nil || m.State != media.Here {
		return m, false, err
	}
	err = s.DB.Read(ctx, func(r store.Reader) error {
		for _, item := range items {
			it, err := s.Library.ReadItem(r, item)
			if err != nil {
				return err
			}
			went := slices.ContainsFunc(it.Ways, func(w library.Way) bool { return w.Ledger == string(id) })
			ok = ok || (it.Own && went && it.State != news.Withdrawn)
		}
		return nil
	})
	return m, ok, err
}
