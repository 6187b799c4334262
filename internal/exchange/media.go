package exchange

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/media"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// mediaLoop fetches the media that partners have told of. It never delays records: it runs beside them, one file at a time from
// each partner, so that one who is slow or gone delays no other. What is wanted stands in the database, and outlives the node.
func (s *Service) mediaLoop(ctx context.Context, peer Peer) {
	if s.Media == nil {
		return
	}
	var busy sync.Map // partners from whom something is being fetched
	var wg sync.WaitGroup
	defer wg.Wait()
	for ctx.Err() == nil {
		asked, err := s.Media.Asked(ctx)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("reading what media are wanted", "error", err)
		}
		for _, owner := range asked {
			if _, already := busy.LoadOrStore(owner, true); already {
				continue
			}
			wg.Go(func() {
				defer busy.Delete(owner)
				s.fetchFrom(ctx, peer, owner)
			})
		}
		select {
		case <-ctx.Done():
		case <-s.Media.Wake():
		case <-time.After(5 * time.Second):
		}
	}
}

// fetchFrom fetches what one partner has told of until nothing more is due. A partner who cannot be reached is left alone for a
// while, and the rest of what it told of waits.
func (s *Service) fetchFrom(ctx context.Context, peer Peer, owner news.Root) {
	for {
		due, err := s.Media.Due(ctx, owner)
		if err != nil && ctx.Err() == nil {
			s.Log.Error("reading what media are wanted", "partner", owner, "error", err)
		}
		if len(due) == 0 {
			return
		}
		for _, w := range due {
			p, ok := s.Partner(owner)
			if !ok || p.Blocked {
				return
			}
			err := s.fetch(ctx, peer, p, w)
			if ctx.Err() != nil {
				return
			}
			if err == nil {
				s.Changed("wire", w.ID)
				continue
			}
			s.Log.Warn("fetching media", "media", w.String(), "error", err)
			missed := s.Media.Missed(ctx, w, err)
			if missed != nil {
				s.Log.Error("fetching media", "media", w.String(), "error", missed)
			}
			if missed != nil || media.Unreached(err) {
				pause(ctx, s.Times.MaxPause)
				return
			}
		}
	}
}

func (s *Service) fetch(ctx context.Context, peer Peer, p partner.Partner, w media.Wish) error {
	i, err := s.Ledgers.Info(ctx, ledger.ID(w.Ledger))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute+time.Duration(w.Size>>17)*time.Second) // at least 128 KiB a second
	defer cancel()
	whole := &unbroken{retry: func(n int) error { return pause(ctx, s.Times.Retry<<n) }, open: func(from int64) (io.ReadCloser, error) {
		return peer.Get(ctx, p, terms.AgreementID(i.Agreement), fmt.Sprintf("ledgers/%s/media/%s?from=%d", w.Ledger, w.ID, from))
	}}
	if whole.body, err = whole.open(0); err != nil {
		return err
	}
	defer func() { _ = whole.body.Close() }()
	return s.Media.Arrived(ctx, w, whole)
}

// unbroken reads an answer to its end: where the connection is cut it goes on from there on another one.
type unbroken struct {
	open  func(from int64) (io.ReadCloser, error)
	retry func(n int) error // waits before the next try; an error ends them
	body  io.ReadCloser
	read  int64 // bytes so far
	fresh bool  // this connection has brought nothing yet
}

// retries is how often another connection is tried.
const retries = 5

func (u *unbroken) Read(b []byte) (int, error) {
	n, err := u.body.Read(b)
	u.read += int64(n)
	u.fresh = u.fresh && n == 0
	if err == nil || err == io.EOF || u.fresh {
		return n, err
	}
	for i := range retries {
		if u.retry(i) != nil {
			break
		}
		if body, e := u.open(u.read); e == nil {
			_ = u.body.Close()
			u.body, u.fresh = body, true
			return n, nil
		}
	}
	return n, err
}

// pause waits, and gives an error if ctx ends before.
func pause(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
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
