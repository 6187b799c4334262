package exchange

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// A database can be a copy: restored from a backup, or cloned and started twice. Compare-and-swap does not see that; the
// followers do. So after each start nothing is appended to a ledger that was ever cosigned before one of its followers has shown
// the newest checkpoint that it holds, signed by ourselves. If that is more than we have, or something else than we have, the
// old ledger is never continued: its records are taken back, and a new ledger goes on from where the old one was.

// TypeEpoch is the first record of a ledger that goes on where another one was left.
const TypeEpoch = "ledger.epoch"

// EpochBody is its body.
type EpochBody struct {
	Continues string `json:"continues"`
	Size      int64  `json:"size"`
	Root      string `json:"root"`
}

// unconfirmed reports whether nothing may be appended to a ledger of ours yet.
func (s *Service) unconfirmed(id ledger.ID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.doubtful[id]
}

// Unconfirmed lists the agreements in which we say nothing yet, because no follower has told what it holds.
func (s *Service) Unconfirmed() (out []terms.AgreementID) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for a, id := range s.own {
		if s.doubtful[id] {
			out = append(out, a)
		}
	}
	return out
}

// confirm lets a ledger be appended to, and offers what waited for it.
func (s *Service) confirm(ctx context.Context, a terms.AgreementID, id ledger.ID) error {
	s.mu.Lock()
	was := s.doubtful[id]
	delete(s.doubtful, id)
	s.mu.Unlock()
	if !was {
		return nil
	}
	s.Changed("links", string(id))
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		s.releaseIn(tx, a)
		return nil
	})
	if err != nil { // what waits must not wait for ever: the follower is asked once more
		s.mu.Lock()
		s.doubtful[id] = true
		s.mu.Unlock()
	}
	return err
}

const (
	insertHeld = `INSERT INTO held (agreement, item, number) VALUES ($1, $2, $3) ON CONFLICT (agreement, item, number) DO NOTHING`
	requeue    = `INSERT INTO outbox (item, number, priority, us, error) SELECT item, number, 1, 0, '' FROM held WHERE agreement = $1 ON CONFLICT (item, number) DO NOTHING`
	deleteHeld = `DELETE FROM held WHERE agreement = $1`
)

type releaseKey terms.AgreementID

// releaseIn puts what waits for an agreement back into the outbox, with what the other closures of the transaction leave waiting: for
// them the agreement waits still. Ledgers that have it already are passed over.
func (s *Service) releaseIn(tx *store.Tx, a terms.AgreementID) {
	tx.BeforeCommit(releaseKey(a), func() error {
		return errors.Join(tx.Exec(requeue, string(a)), tx.Exec(deleteHeld, string(a)))
	})
	tx.OnCommit(func() { poke(s.outboxWake) })
}

// hold leaves a version waiting for one agreement.
func (s *Service) hold(tx *store.Tx, a terms.AgreementID, q queued) error {
	return tx.Exec(insertHeld, string(a), string(q.item), q.number)
}

// confirmLoop asks the followers of doubtful ledgers until there are none.
func (s *Service) confirmLoop(ctx context.Context, peer Peer) {
	for ctx.Err() == nil {
		s.mu.RLock()
		doubtful := map[terms.AgreementID]ledger.ID{}
		for a, id := range s.own {
			if s.doubtful[id] {
				doubtful[a] = id
			}
		}
		s.mu.RUnlock()
		for a, id := range doubtful {
			if err := s.ask(ctx, peer, a, id); err != nil && ctx.Err() == nil {
				s.Log.Error("confirming a ledger", "ledger", id, "error", err)
			}
		}
		pause := s.Times.Retry
		if len(doubtful) == 0 {
			pause = time.Minute
		}
		select {
		case <-ctx.Done():
		case <-s.confirmWake:
		case <-time.After(pause):
		}
	}
}

// shown is the newest checkpoint of our ledger that a follower holds.
type shown struct {
	partner partner.Partner
	cp      protocol.Checkpoint
	signed  []byte
	same    bool // our ledger has reached it, and has the same root there
}

// before reports whether a checkpoint tells more than another: one that we do not have goes before one that we have, then the larger.
func (a *shown) before(b *shown) bool {
	if b == nil || a.same != b.same {
		return b == nil || b.same
	}
	return a.cp.Size > b.cp.Size
}

// maxMirror is the size of an answer with a checkpoint and its cosignature, in bytes.
const maxMirror = 8 << 10

// ask asks all followers of a ledger for what they hold. One that holds no more than we have, and the same, confirms it, unless
// another one holds more, or something else.
func (s *Service) ask(ctx context.Context, peer Peer, a terms.AgreementID, id ledger.ID) error {
	i, err := s.Ledgers.Info(ctx, id)
	if err != nil {
		return err
	}
	var best *shown
	answered := false
	for _, root := range s.Agreements.Parties(a) {
		p, ok := s.Partner(root)
		if !ok || p.Blocked {
			continue
		}
		sh, err := s.held(ctx, peer, p, a, i)
		if errors.Is(err, ErrHoldsNothing) {
			answered = true
			continue
		}
		if err != nil {
			continue // out of reach, or no answer of its own: the others may answer
		}
		answered = true
		if sh.before(best) {
			best = &sh
		}
	}
	if !answered {
		return nil
	}
	if best == nil || best.same {
		return s.confirm(ctx, a, id)
	}
	return s.goOn(ctx, peer, a, i, *best)
}

// held fetches a follower's newest checkpoint of our ledger. It counts only if we signed it ourselves.
func (s *Service) held(ctx context.Context, peer Peer, p partner.Partner, a terms.AgreementID, i ledger.Info) (shown, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	body, err := peer.Get(ctx, p, a, "mirrors/"+protocol.MirrorID(i.Origin)+"/checkpoint")
	if err != nil {
		return shown{}, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxMirror))
	if err != nil {
		return shown{}, err
	}
	keys, err := s.MyKeys()
	if err != nil {
		return shown{}, err
	}
	// A checkpoint that agrees with our ledger is good under any key that was ever ours; one that does not convinces us only
	// under a key that was not stolen.
	cp, err := protocol.OpenCheckpoint(b, i.Origin, keys.Ever(protocol.RoleLog, true)...)
	if err != nil {
		return shown{}, err
	}
	same, err := s.holds(ctx, i.ID, cp)
	if err == nil && !same {
		cp, err = protocol.OpenCheckpoint(b, i.Origin, keys.Ever(protocol.RoleLog, false)...)
	}
	return shown{p, cp, b, same}, err
}

// holds reports whether our ledger has reached a checkpoint, and has the same root there.
func (s *Service) holds(ctx context.Context, id ledger.ID, cp protocol.Checkpoint) (ok bool, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		i, err := ledger.Get(r, id)
		if err != nil || cp.Size > i.Size {
			return err
		}
		e, err := ledger.EdgeAt(r, id, cp.Size)
		ok = e.Root() == cp.Root
		return err
	})
	return ok, err
}

// goOn takes back what a follower holds of our ledger and we do not, and goes on in a new ledger.
func (s *Service) goOn(ctx context.Context, peer Peer, a terms.AgreementID, i ledger.Info, best shown) error {
	s.Log.Error("this database is older than what a partner holds of us; taking the records back and going on in a new ledger",
		"agreement", a, "ledger", i.ID, "our_size", i.Size, "partner", best.partner.Domain, "their_size", best.cp.Size)
	_, ours, err := s.Ledgers.Checkpoint(ctx, i.ID)
	if err != nil {
		return err
	}
	kind := "fork"
	var rest ledger.Batch
	if best.cp.Size > i.Size {
		switch rest, err = s.theirRest(ctx, peer, a, i, best); {
		case err == nil:
			kind = "restored"
		case !errors.Is(err, errStopped):
			return err
		}
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if kind == "restored" {
			if err := s.takeBack(tx, a, i, rest); err != nil {
				return err
			}
		}
		if err := s.Ledgers.Evidence(tx, i.ID, kind, ours, best.signed); err != nil {
			return err
		}
		if err := ledger.SetState(tx, i.ID, ledger.Ended); err != nil {
			return err
		}
		return s.newEpoch(tx, a, i, best.cp)
	})
}

// newEpoch opens the ledger that goes on, says what it continues, and goes over to the terms in force again.
func (s *Service) newEpoch(tx *store.Tx, a terms.AgreementID, old ledger.Info, cp protocol.Checkpoint) error {
	id, err := s.openLedger(tx, a, s.Agreements.Parties(a), "", old.ID)
	if err != nil {
		return err
	}
	_, err = s.SayIn(tx, a, id, ledger.Draft{Type: TypeEpoch, Body: EpochBody{Continues: string(old.ID), Size: cp.Size, Root: cp.Root.String()}})
	if err != nil {
		return err
	}
	if err := s.Agreements.Continue(tx, a, old.ID, id); err != nil {
		return err
	}
	tx.OnCommit(func() {
		s.mu.Lock()
		delete(s.doubtful, old.ID)
		s.mu.Unlock()
		s.Ledgers.Forget(old.ID)
		poke(s.followWake)
	})
	s.releaseIn(tx, a)
	return nil
}

// theirRest reads the rest of our own ledger from a follower's copy and verifies it against the checkpoint that we signed. It is
// errStopped if the copy does not begin with what we have: a clone went another way.
func (s *Service) theirRest(ctx context.Context, peer Peer, a terms.AgreementID, i ledger.Info, best shown) (ledger.Batch, error) {
	batch := ledger.Batch{From: i.Size, Edge: i.Edge(), Checkpoint: best.signed}
	for batch.Edge.Size < best.cp.Size {
		f, err := s.mirrorFrame(ctx, peer, best.partner, a, i.Origin, batch.Edge.Size)
		if err != nil {
			return batch, err
		}
		if f.From != batch.Edge.Size || len(f.Records) == 0 {
			return batch, fmt.Errorf("%w: mirror of %s", protocol.ErrMalformed, best.partner.Domain)
		}
		for _, e := range f.Records {
			if batch.Edge.Size == best.cp.Size {
				break
			}
			batch.Tiles = append(batch.Tiles, batch.Edge.Add(protocol.LeafHash(e.Record))...)
			batch.Records, batch.Parsed = append(batch.Records, e), append(batch.Parsed, parsed(i.ID, e.Record))
		}
	}
	if batch.Edge.Root() != best.cp.Root {
		return batch, errStopped
	}
	return batch, nil
}

// takeBack stores what a follower kept of our own ledger, and folds it as what we once said.
func (s *Service) takeBack(tx *store.Tx, a terms.AgreementID, i ledger.Info, rest ledger.Batch) error {
	ids, err := s.Ledgers.TakeBack(tx, i.ID, rest)
	if err != nil {
		return err
	}
	l := &link{id: i.ID, partner: i.Owner, agreement: a, origin: i.Origin}
	for n := range rest.Records {
		if err := s.refold(tx, s.said(l, rest.From+int64(n), rest.Records[n], rest.Parsed[n], ids[n], false).Said); err != nil {
			return err
		}
	}
	return nil
}

func (s *Service) mirrorFrame(ctx context.Context, peer Peer, p partner.Partner, a terms.AgreementID, origin string, from int64) (protocol.Frame, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	body, err := peer.Get(ctx, p, a, fmt.Sprintf("mirrors/%s/contents?from=%d", protocol.MirrorID(origin), from))
	if err != nil {
		return protocol.Frame{}, err
	}
	defer body.Close()
	return protocol.ReadFrame(bufio.NewReader(body))
}

// refold applies a record that we said ourselves and that our database does not know any more.
func (s *Service) refold(tx *store.Tx, d ledger.Said) error {
	switch {
	case strings.HasPrefix(d.Record.Type, "agreement."):
		return s.Agreements.Fold(tx, d)
	case d.Record.Type == TypeRelease || d.Record.Type == TypeCorrect || d.Record.Type == TypeWithdraw:
		in, ok := incoming(d)
		if !ok {
			return nil
		}
		if story, found, err := s.story(d); err == nil && found {
			in.Story, in.ContentID = story, d.IDs[0]
		} else if in.Class != news.Withdrawal {
			return nil
		}
		return s.Library.Restore(tx, in)
	}
	return nil
}

// OutboxSize is how many versions wait to be offered; those that wait for one agreement are not counted.
func (s *Service) OutboxSize(ctx context.Context) (n int64, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error { return r.QueryRow(countOutbox).Scan(&n) })
	return n, err
}
