package exchange

import (
	"bufio"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"newspool/internal/fault"
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

// confirmLoop asks the followers of doubtful ledgers until there are none, and those of ledgers of which one seems to hold something
// that we do not have.
func (s *Service) confirmLoop(ctx context.Context, peer Peer) {
	var stalled []Stall
	for ctx.Err() == nil {
		stalled = s.watch(ctx, stalled)
		ids, again := s.toAsk()
		for _, id := range ids {
			if err := s.ask(ctx, peer, id); err != nil && ctx.Err() == nil {
				s.Log.Error("confirming a ledger", "ledger", id, "error", err)
			}
		}
		pause := s.Times.Retry
		if len(ids) == 0 && !again {
			pause = s.Times.MaxPause
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
	of      ledger.Info
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
// another one holds more, or something else, or a ledger of ours that this database does not know.
func (s *Service) ask(ctx context.Context, peer Peer, id ledger.ID) error {
	i, err := s.Ledgers.Info(ctx, id)
	if err != nil {
		return err
	}
	a := terms.AgreementID(i.Agreement)
	var best *shown
	lost := map[ledger.ID]shown{}
	answered := false
	for _, root := range s.Agreements.Parties(a) {
		p, ok := s.Partner(root)
		if !ok || p.Blocked {
			continue
		}
		sh, unknown, err := s.told(ctx, peer, p, a, i)
		if err != nil {
			continue // out of reach, or no answer of its own: the others may answer
		}
		answered = true
		if sh != nil && sh.before(best) {
			best = sh
		}
		for _, x := range unknown {
			if old, ok := lost[x.of.ID]; !ok || old.cp.Size < x.cp.Size {
				lost[x.of.ID] = x
			}
		}
	}
	switch {
	case !answered:
		return nil
	case best != nil && best.same:
		best = nil
	}
	if best == nil && (len(lost) == 0 || i.State == ledger.Ended) {
		return s.confirm(ctx, a, id)
	}
	if i.State == ledger.Ended {
		return s.takeBackEnded(ctx, peer, a, i, *best)
	}
	s.mu.Lock()
	s.doubtful[id] = true // from here on nothing is appended to it
	s.mu.Unlock()
	return s.goOn(ctx, peer, a, i, best, slices.Collect(maps.Values(lost)))
}

// told is what a follower tells of a ledger of ours: the newest checkpoint that it holds, nil for none, and what it holds of ledgers
// of ours in the agreement that this database does not know.
func (s *Service) told(ctx context.Context, peer Peer, p partner.Partner, a terms.AgreementID, i ledger.Info) (sh *shown, lost []shown, err error) {
	one, err := s.held(ctx, peer, p, a, i)
	switch {
	case err == nil:
		sh = &one
	case !errors.Is(err, ErrHoldsNothing):
		return nil, nil, err
	}
	origins, err := s.kept(ctx, peer, p, a)
	if err != nil {
		return nil, nil, err
	}
	for _, origin := range origins {
		_, id, ok := strings.Cut(origin, protocol.Origin("", ""))
		if !ok || !protocol.IsLedgerID(id) {
			continue
		}
		x := ledger.Info{ID: ledger.ID(id), Agreement: string(a), Owner: s.Root(), Own: true, Origin: origin}
		if _, err := s.Ledgers.Info(ctx, x.ID); !errors.Is(err, ledger.ErrUnknown) {
			if err != nil {
				return nil, nil, err
			}
			continue
		}
		one, err := s.held(ctx, peer, p, a, x)
		if errors.Is(err, ErrHoldsNothing) {
			continue
		}
		if err != nil {
			return nil, nil, err
		}
		lost = append(lost, one)
	}
	return sh, lost, nil
}

// maxKept is the size of a list of the ledgers that a follower holds, in bytes.
const maxKept = 1 << 20

// kept asks a follower which ledgers of ours it holds in an agreement; none where it does not know the question.
func (s *Service) kept(ctx context.Context, peer Peer, p partner.Partner, a terms.AgreementID) ([]string, error) {
	ctx, cancel := context.WithTimeout(ctx, 20*time.Second)
	defer cancel()
	body, err := peer.Get(ctx, p, a, "mirrors")
	if fault.Is(err, fault.Denied) || fault.Is(err, fault.NotFound) {
		return nil, nil // it has just answered another question under the same token
	}
	if err != nil {
		return nil, err
	}
	defer body.Close()
	b, err := io.ReadAll(io.LimitReader(body, maxKept+1))
	if err != nil {
		return nil, err
	}
	var k Kept
	return k.Origins, errors.Join(protocol.CheckJSON(b, maxKept, true), protocol.Decode(b, &k))
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
	return shown{i, p, cp, b, same}, err
}

// holds reports whether our ledger has reached a checkpoint, and has the same root there.
func (s *Service) holds(ctx context.Context, id ledger.ID, cp protocol.Checkpoint) (ok bool, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		i, err := ledger.Get(r, id)
		if errors.Is(err, ledger.ErrUnknown) {
			return nil
		}
		if err != nil || cp.Size > i.Size {
			return err
		}
		e, err := ledger.EdgeAt(r, id, cp.Size)
		ok = e.Root() == cp.Root
		return err
	})
	return ok, err
}

// goOn takes back what followers hold of our ledger, and of ledgers that came after it, and we do not, and goes on in a new ledger.
// best is nil where our ledger itself is whole.
func (s *Service) goOn(ctx context.Context, peer Peer, a terms.AgreementID, i ledger.Info, best *shown, lost []shown) error {
	i, err := s.Ledgers.Info(ctx, i.ID) // nothing is appended to it any more
	if err != nil {
		return err
	}
	from := best
	if best == nil {
		from = &lost[0]
	}
	s.Log.Error("this database is older than what a partner holds of us; taking the records back and going on in a new ledger",
		"agreement", a, "ledger", i.ID, "our_size", i.Size, "partner", from.partner.Domain, "their_ledger", from.of.ID, "their_size", from.cp.Size)
	_, ours, err := s.Ledgers.Checkpoint(ctx, i.ID)
	if err != nil {
		return err
	}
	end := epoch{before: i, size: i.Size, root: i.Root(), agreement: a, domain: from.partner.Domain, kind: ledger.Restored}
	var rest ledger.Batch
	if best != nil {
		end.kind, end.size, end.root = "fork", best.cp.Size, best.cp.Root
		if best.cp.Size > i.Size {
			switch rest, err = s.theirRest(ctx, peer, a, i, *best); {
			case err == nil:
				end.kind = ledger.Restored
			case !errors.Is(err, errStopped):
				return err
			}
		}
	}
	whole, err := s.theirWhole(ctx, peer, a, lost)
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		end := end
		if best != nil {
			if err := s.Ledgers.Evidence(tx, i.ID, end.kind, ours, best.signed); err != nil {
				return err
			}
			if end.kind == ledger.Restored {
				if err := s.takeBack(tx, a, i, rest); err != nil {
					return err
				}
				end.taken += int64(len(rest.Records))
			}
		}
		if err := ledger.SetState(tx, i.ID, ledger.Ended); err != nil {
			return err
		}
		end.spoke = []ledger.ID{i.ID}
		for _, w := range whole {
			err := s.Ledgers.Create(tx, w.of)
			if err == nil {
				err = s.takeBack(tx, a, w.of, w.batch)
			}
			if err == nil {
				err = errors.Join(ledger.SetState(tx, w.of.ID, ledger.Ended), s.Ledgers.Evidence(tx, w.of.ID, ledger.Restored, ours, w.batch.Checkpoint))
			}
			if err != nil {
				return err
			}
			end.taken += int64(len(w.batch.Records))
			end.spoke, end.size, end.root = append(end.spoke, w.of.ID), w.batch.Edge.Size, w.batch.Edge.Root()
		}
		return s.newEpoch(tx, end)
	})
}

// whole is a ledger of ours that this database did not know, as a follower keeps it.
type whole struct {
	of    ledger.Info
	batch ledger.Batch
}

// theirWhole reads ledgers of ours that this database does not know, in the order in which they were begun. Each must say with its
// first record that it goes on from another one.
func (s *Service) theirWhole(ctx context.Context, peer Peer, a terms.AgreementID, lost []shown) (out []whole, err error) {
	for _, x := range lost {
		w := whole{of: x.of}
		if w.batch, err = s.theirRest(ctx, peer, a, x.of, x); err != nil {
			return nil, err
		}
		var body EpochBody
		if first := w.batch.Parsed[0]; first.Type != TypeEpoch || protocol.Decode(first.Body, &body) != nil || !protocol.IsLedgerID(body.Continues) {
			return nil, fmt.Errorf("%w: ledger %s at %s goes on from no other", protocol.ErrMalformed, x.of.ID, x.partner.Domain)
		}
		w.of.Continues = ledger.ID(body.Continues)
		out = append(out, w)
	}
	slices.SortFunc(out, func(x, y whole) int { return cmp.Compare(x.batch.Parsed[0].Time, y.batch.Parsed[0].Time) })
	return out, nil
}

// takeBackEnded takes back what a follower holds of a ledger of ours that has ended: another copy of this database has said it.
func (s *Service) takeBackEnded(ctx context.Context, peer Peer, a terms.AgreementID, i ledger.Info, best shown) error {
	_, ours, err := s.Ledgers.Checkpoint(ctx, i.ID)
	if err != nil {
		return err
	}
	key, kind, trouble := "exchange.taken_back", ledger.Restored, ledger.Restored
	var rest ledger.Batch
	if best.cp.Size > i.Size {
		rest, err = s.theirRest(ctx, peer, a, i, best)
	}
	if best.cp.Size <= i.Size || errors.Is(err, errStopped) {
		key, kind, trouble, err = "exchange.ended_fork", "fork", "cloned", nil
	}
	if err != nil {
		return err
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		var told int
		if err := tx.QueryRow(countTrouble, string(i.ID), i.Size, trouble).Scan(&told); err != nil || told > 0 {
			return err
		}
		if kind == ledger.Restored {
			if err := s.takeBack(tx, a, i, rest); err != nil {
				return err
			}
			if mine, ok := s.mine(a); ok {
				s.days.Forget(mine) // the ledger that goes on from it counts its day with what has come back
			}
		}
		return errors.Join(s.Ledgers.Evidence(tx, i.ID, kind, ours, best.signed), s.trouble(tx, i.ID, i.Size, trouble, key, map[string]any{
			"domain": best.partner.Domain, "ledger": short(i.ID), "n": len(rest.Records),
		}))
	})
}

const countTrouble = `SELECT COUNT(*) FROM trouble WHERE ledger = $1 AND seq = $2 AND kind = $3`

// short is an id as people are shown it.
func short(id ledger.ID) string { return string(id)[:8] }

// epoch is how our ledger in an agreement ended.
type epoch struct {
	before    ledger.Info // as this database had it
	spoke     []ledger.ID // it, and those of ours that came after it, oldest first
	size      int64       // of the last of them
	root      protocol.Hash
	agreement terms.AgreementID
	kind      string
	domain    string // of the partner that showed it
	taken     int64  // records that were taken back
}

// newEpoch opens the ledger that goes on, says what it continues, and goes over to the terms in force again.
func (s *Service) newEpoch(tx *store.Tx, e epoch) error {
	last := e.spoke[len(e.spoke)-1]
	id, err := s.openLedger(tx, e.agreement, s.Agreements.Parties(e.agreement), "", last)
	if err != nil {
		return err
	}
	_, err = s.SayIn(tx, e.agreement, id, ledger.Draft{Type: TypeEpoch, Body: EpochBody{Continues: string(last), Size: e.size, Root: e.root.String()}})
	if err != nil {
		return err
	}
	adopted := e.before.ID
	for _, l := range e.spoke { // the last in which we had gone over to any terms
		if _, ok := s.Agreements.Judging(l, 1<<62); ok {
			adopted = l
		}
	}
	if err := s.Agreements.Continue(tx, e.agreement, adopted, id); err != nil {
		return err
	}
	key, kind := "exchange.restored", ledger.Restored
	if e.kind == "fork" {
		key, kind = "exchange.restored_fork", "cloned"
	}
	if err := s.trouble(tx, e.before.ID, e.before.Size, kind, key, map[string]any{
		"domain": e.domain, "ledger": short(e.before.ID), "size": e.before.Size, "n": e.taken, "next": short(id),
	}); err != nil {
		return err
	}
	tx.OnCommit(func() {
		s.mu.Lock()
		delete(s.doubtful, e.before.ID)
		s.mu.Unlock()
		for _, l := range e.spoke {
			s.Ledgers.Forget(l)
		}
		poke(s.followWake)
		s.Changed("links", string(id))
	})
	s.releaseIn(tx, e.agreement)
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
		s.fresh.take(queued{in.Item, in.Number}) // a version of ours under this number gives way
		return s.Library.Restore(tx, in)
	case s.Lineage != nil:
		return s.Lineage.Restore(tx, d)
	}
	return nil
}

// OutboxSize is how many versions wait to be offered; those that wait for one agreement are not counted.
func (s *Service) OutboxSize(ctx context.Context) (n int64, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error { return r.QueryRow(countOutbox).Scan(&n) })
	return n, err
}
