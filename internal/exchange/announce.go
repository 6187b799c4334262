package exchange

import (
	"context"
	"time"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

const (
	selectAnnouncements = `SELECT root, agreement, ledger, words, tries FROM announcement WHERE due_us <= $1 ORDER BY due_us LIMIT 100`
	deleteAnnouncement  = `DELETE FROM announcement WHERE root = $1 AND ledger = $2`
	retryAnnouncement   = `UPDATE announcement SET due_us = $3, tries = tries + 1, last_error = $4 WHERE root = $1 AND ledger = $2`
)

type announcement struct {
	root      news.Root
	agreement terms.AgreementID
	ledger    string
	words     string
	tries     int
}

// announceLoop tells partners of our new ledgers, again and again with growing pauses until they have heard it.
func (s *Service) announceLoop(ctx context.Context, peer Peer) {
	for ctx.Err() == nil {
		if err := s.announceDue(ctx, peer); err != nil && ctx.Err() == nil {
			s.Log.Error("announcing ledgers", "error", err)
		}
		select {
		case <-ctx.Done():
		case <-s.announceWake:
		case <-time.After(2 * s.Times.Retry):
		}
	}
}

func (s *Service) announceDue(ctx context.Context, peer Peer) error {
	var due []announcement
	err := s.DB.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectAnnouncements, clock.Micros(s.Clock()))
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var a announcement
			if err := rows.Scan((*string)(&a.root), (*string)(&a.agreement), &a.ledger, &a.words, &a.tries); err != nil {
				return err
			}
			due = append(due, a)
		}
		return rows.Err()
	})
	if err != nil {
		return err
	}
	for _, a := range due {
		failed := s.announce(ctx, peer, a)
		err := s.DB.Write(ctx, func(tx *store.Tx) error {
			if failed == nil {
				return tx.Exec(deleteAnnouncement, string(a.root), a.ledger)
			}
			wait := min(time.Minute, s.Times.Retry<<min(a.tries, 12))
			return tx.Exec(retryAnnouncement, string(a.root), a.ledger, clock.Micros(s.Clock().Add(wait)), failed.Error())
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) announce(ctx context.Context, peer Peer, a announcement) error {
	p, ok := s.Partner(a.root)
	if !ok || p.Blocked {
		return errNotKnown
	}
	i, err := s.Ledgers.Info(ctx, ledger.ID(a.ledger))
	if err != nil {
		return err
	}
	b, err := s.SignHello(protocol.Hello{To: string(a.root), Agreement: string(a.agreement), Ledger: a.ledger, Origin: i.Origin, Words: a.words})
	if err != nil {
		return err
	}
	return peer.Hello(ctx, p.Base, b)
}

// Greet says hello to a newsroom that we have pinned, without an agreement yet.
func (s *Service) Greet(ctx context.Context, peer Peer, root news.Root, words string) error {
	p, ok := s.Partner(root)
	if !ok {
		return errNotKnown
	}
	b, err := s.SignHello(protocol.Hello{To: string(root), Words: words})
	if err != nil {
		return err
	}
	return peer.Hello(ctx, p.Base, b)
}
