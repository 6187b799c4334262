package exchange

import (
	"bytes"
	"context"
	"errors"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/protocol"
)

// receipt is our cosignature over a checkpoint: the checkpoint's text, an empty line, the signature line.
func (s *Service) receipt(cp protocol.Checkpoint) []byte {
	return []byte(cp.Text() + "\n" + s.Cosign(cp))
}

// TakeReceipt takes a follower's cosignature over one of our ledgers. It is durable when it returns nil.
func (s *Service) TakeReceipt(ctx context.Context, reader Reader, id ledger.ID, body []byte) error {
	text, line, ok := bytes.Cut(body, []byte("\n\n"))
	if !ok {
		return fault.New(fault.Invalid, "fault.request")
	}
	cp, err := protocol.ParseCheckpoint(string(text) + "\n")
	if err != nil {
		return fault.New(fault.Invalid, "fault.request").Because(err)
	}
	p, ok := s.Partner(reader.Root)
	if !ok {
		return fault.New(fault.Denied, "fault.denied")
	}
	var c protocol.Cosignature
	good := false
	for _, pub := range p.Keys.Public(protocol.RoleCosigner) {
		if c, err = protocol.ParseCosignature(string(line), pub); err == nil && c.Verify(pub, cp) {
			good = true
			break
		}
	}
	if !good {
		return fault.New(fault.Invalid, "partner.receipt", "domain", p.Domain).Because(err)
	}
	ours, err := s.Ledgers.At(ctx, id, cp.Size)
	if err != nil {
		if errors.Is(err, ledger.ErrBeyond) {
			return s.ahead(ctx, id, p, body, err)
		}
		return err
	}
	if ours != cp {
		return s.ahead(ctx, id, p, body, errors.New("the follower cosigned another root"))
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		s.observe(tx, Event{Kind: Receipted, Ledger: id, To: cp.Size})
		return s.Ledgers.Receipt(tx, id, string(reader.Root), cp.Size, c.Time, string(line))
	})
	if err == nil {
		s.Changed("receipts", string(id))
	}
	return err
}

// maxMisfits is how many receipts of one ledger are kept as evidence from one start to the next.
const maxMisfits = 16

// ahead keeps a receipt that cannot be for our ledger as we have it. Followers send it again and again until it is taken: it is kept
// once, and what was kept is durable before it counts as known.
func (s *Service) ahead(ctx context.Context, id ledger.ID, p partner.Partner, theirs []byte, cause error) error {
	cp, ours, err := s.Ledgers.Checkpoint(ctx, id)
	if err != nil {
		return err
	}
	refused := fault.New(fault.Conflict, "partner.receipt", "domain", p.Domain).Because(cause)
	cut, _, _ := bytes.Cut(theirs, []byte("\n\n"))
	text := string(cut) // what was cosigned, without the time
	s.mu.RLock()
	all := s.misfits[id]
	known := all[text] || len(all) >= maxMisfits
	s.mu.RUnlock()
	if known {
		return refused
	}
	s.suspect(id)
	s.Log.Error("receipt that does not fit", "partner", p.Domain, "ledger", id, "our_size", cp.Size, "error", cause)
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		tx.OnCommit(func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			if s.misfits[id] == nil {
				s.misfits[id] = map[string]bool{}
			}
			s.misfits[id][text] = true
		})
		return s.Ledgers.Evidence(tx, id, "ahead", ours, theirs)
	})
	if err != nil {
		return err
	}
	return refused
}
