package exchange

import (
	"bytes"
	"context"

	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// Heartbeat makes the frame that says that we are there: the newest checkpoint with our own timestamped cosignature.
func (s *Service) Heartbeat(c *ledger.Cursor) (protocol.Frame, error) {
	f, cp, err := c.Heartbeat()
	f.Heartbeat = s.Cosign(cp)
	return f, err
}

// Mirror finds our copy of a partner's ledger by the hash of its origin, for a reader who may see it: the owner, or a party
// of its agreement.
func (s *Service) Mirror(ctx context.Context, r Reader, mirror string) (found ledger.Info, ok bool, err error) {
	err = s.DB.Read(ctx, func(rd store.Reader) error {
		all, err := ledger.All(rd, string(r.Agreement))
		for _, i := range all {
			if !i.Own && protocol.MirrorID(i.Origin) == mirror && (i.Owner == r.Root || s.party(r)) {
				found, ok = i, true
			}
		}
		return err
	})
	return found, ok, err
}

// MirrorCheckpoint is the newest checkpoint of a ledger that we follow, with our cosignature.
func (s *Service) MirrorCheckpoint(i ledger.Info) ([]byte, error) {
	cp := protocol.Checkpoint{Origin: i.Origin, Size: i.Size, Root: i.Root()}
	if !bytes.HasPrefix(i.Checkpoint, []byte(cp.Text())) {
		return nil, ledger.ErrDamaged // our copy is not what its owner signed: we cosign nothing
	}
	line := s.Cosign(cp)
	return append(append([]byte(nil), i.Checkpoint...), line...), nil
}

// MirrorFrame is a frame of our copy of a ledger that ends at its newest checkpoint or earlier, with the contents that we
// hold; its checkpoint is empty unless it ends at the newest.
func (s *Service) MirrorFrame(ctx context.Context, i ledger.Info, from int64) ([]byte, error) {
	f := protocol.Frame{From: from}
	to := min(i.Size, from+protocol.FrameRecords)
	err := s.DB.Read(ctx, func(r store.Reader) (err error) {
		f.Records, err = ledger.Entries(r, i.ID, from, to)
		return err
	})
	f.Records = ledger.Cut(f.Records, protocol.FrameRecords)
	if from+int64(len(f.Records)) == i.Size {
		f.Checkpoint = i.Checkpoint
	}
	return protocol.AppendFrame(nil, f), err
}

// KeptOf lists the origins of the reader's own ledgers in its agreement of which we hold anything: one whose database is older than
// that learns here of ledgers that it does not know.
func (s *Service) KeptOf(ctx context.Context, r Reader) (Kept, error) {
	k := Kept{Origins: []string{}}
	err := s.DB.Read(ctx, func(rd store.Reader) error {
		all, err := ledger.All(rd, string(r.Agreement))
		for _, i := range all {
			if !i.Own && i.Owner == r.Root && i.Size > 0 {
				k.Origins = append(k.Origins, i.Origin)
			}
		}
		return err
	})
	return k, err
}

// Kept is the answer of mirrors.
type Kept struct {
	Origins []string `json:"origins"`
}

// HoldsMore notes that a follower claims to hold more of one of our ledgers than we have: our database may be older than what
// was said. The claim alone moves nothing; it has the follower asked what it holds.
func (s *Service) HoldsMore(id ledger.ID, who news.Root, size int64) {
	s.Log.Error("a follower asks beyond the end of our ledger: is this database a restored or cloned one?", "ledger", id, "partner", who, "size", size)
	s.suspect(id)
	s.Changed("links", string(who))
}
