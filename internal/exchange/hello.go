package exchange

import (
	"context"
	"errors"
	"strings"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// TakeHello takes the bytes of a hello. A partner's news of a ledger is followed at once; a stranger's words wait for a person.
// The caller is told the same in every case; the error is for our own log.
func (s *Service) TakeHello(ctx context.Context, b []byte) error {
	h, root, known, err := s.Service.TakeHello(ctx, b)
	if err != nil || !known {
		return err
	}
	return s.follow(ctx, root, h)
}

// OpenHello is a person's answer to a stranger: pin its root, and follow the ledger that it named. The ledger is noted first, so
// that it is not forgotten where the second step fails.
func (s *Service) OpenHello(ctx context.Context, id string, also ...func(*store.Tx) error) (partner.Partner, error) {
	all, err := s.Hellos(ctx)
	if err != nil {
		return partner.Partner{}, err
	}
	for _, w := range all {
		if w.ID == id {
			if err := s.follow(ctx, news.Root(w.Identity.Root), w.Hello); err != nil {
				return partner.Partner{}, err
			}
		}
	}
	p, _, err := s.Service.OpenHello(ctx, id, also...)
	return p, err
}

// maxFollowed is how many ledgers of one newsroom are followed.
const maxFollowed = 1000

// follow makes the ledger that a partner announced one that we follow.
func (s *Service) follow(ctx context.Context, root news.Root, h protocol.Hello) error {
	domain, ok := strings.CutSuffix(h.Origin, protocol.Origin("", h.Ledger))
	if h.Ledger == "" || h.Agreement == "" || !ok || !protocol.IsDomain(domain) {
		return nil
	}
	defer poke(s.followWake) // also after an error: it may be done all the same
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if i, err := ledger.Get(tx, ledger.ID(h.Ledger)); err == nil {
			if i.Owner != root {
				return errors.New("a partner announced another newsroom's ledger")
			}
			return nil
		}
		all, err := ledger.All(tx, "")
		if err != nil {
			return err
		}
		n := 0
		for _, i := range all {
			if i.Owner == root {
				n++
			}
		}
		if n >= maxFollowed {
			return errors.New("a partner announces too many ledgers")
		}
		return s.Ledgers.Create(tx, ledger.Info{ID: ledger.ID(h.Ledger), Agreement: h.Agreement, Owner: root, Origin: h.Origin})
	})
}

const insertAnnouncement = `INSERT INTO announcement (root, agreement, ledger, words, due_us, tries, last_error) VALUES ($1, $2, $3, $4, $5, 0, '')
	ON CONFLICT (root, ledger) DO NOTHING`

// OpenLedger opens our ledger in an agreement, in the transaction, and has every other party that has a node told of it.
func (s *Service) OpenLedger(tx *store.Tx, agreement terms.AgreementID, parties []news.Root, words string) (ledger.ID, error) {
	return s.openLedger(tx, agreement, parties, words, "")
}

// openLedger is OpenLedger, also for one that goes on where another one was left.
func (s *Service) openLedger(tx *store.Tx, agreement terms.AgreementID, parties []news.Root, words string, continues ledger.ID) (ledger.ID, error) {
	self := s.Self()
	id := ledger.ID(protocol.NewID())
	err := s.Ledgers.Create(tx, ledger.Info{ID: id, Agreement: string(agreement), Owner: news.Root(self.Root), Own: true, Origin: protocol.Origin(self.Domain, string(id)), Continues: continues})
	if err != nil {
		return "", err
	}
	for _, p := range parties {
		if p == "" || p == news.Root(self.Root) {
			continue
		}
		if err := tx.Exec(insertAnnouncement, string(p), string(agreement), string(id), words, clock.Micros(s.Clock())); err != nil {
			return "", err
		}
	}
	tx.OnCommit(func() {
		s.mu.Lock()
		s.own[agreement] = id
		s.mu.Unlock()
		poke(s.announceWake)
	})
	tx.OnUndo(func() {
		s.mu.Lock()
		s.doubtOwn = true
		s.mu.Unlock()
	})
	return id, nil
}
