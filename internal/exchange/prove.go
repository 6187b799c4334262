package exchange

import (
	"context"
	"encoding/json"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

func recordTime(b []byte) time.Time {
	rec, err := protocol.ParseRecord(b)
	if err != nil {
		return time.Time{}
	}
	return clock.FromMicros(rec.Time)
}

// Proof makes the proof file of a record: ours with the partners' cosignatures, a partner's with our own. It can be checked
// by anybody with newspool verify.
func (s *Service) Proof(ctx context.Context, id ledger.ID, seq int64) ([]byte, error) {
	p := protocol.Proof{Format: protocol.ProofFormat, Index: seq}
	err := s.DB.Read(ctx, func(r store.Reader) error {
		i, err := ledger.Get(r, id)
		if err != nil || seq < 0 || seq >= i.Size {
			return fault.New(fault.NotFound, "fault.not_found").Because(err)
		}
		p.Origin = i.Origin
		entries, err := ledger.Entries(r, id, seq, seq+1)
		if err != nil {
			return err
		}
		p.Record = entries[0].Record
		for _, c := range entries[0].Contents {
			pc := protocol.ProofContent{}
			if c.State == protocol.Present && c.Bytes != nil {
				pc.Salt, pc.Bytes = c.Salt[:], c.Bytes
			}
			p.Contents = append(p.Contents, pc)
		}
		cp, err := s.proofCheckpoint(r, i, seq, &p)
		if err != nil {
			return err
		}
		p.Inclusion, err = ledger.Prove(r, id, seq, cp.Size)
		return err
	})
	if err != nil {
		return nil, err
	}
	return json.MarshalIndent(p, "", " ")
}

// proofCheckpoint chooses the checkpoint of a proof, and adds the identities and cosignatures that belong to it.
func (s *Service) proofCheckpoint(r store.Reader, i ledger.Info, seq int64, p *protocol.Proof) (protocol.Checkpoint, error) {
	if !i.Own {
		owner, ok := s.Partner(i.Owner)
		if !ok {
			return protocol.Checkpoint{}, errNotKnown
		}
		cp := protocol.Checkpoint{Origin: i.Origin, Size: i.Size, Root: i.Root()}
		p.Checkpoint, p.Identity = string(i.Checkpoint), owner.Note
		p.Cosignatures = []protocol.ProofCosign{{Line: s.Cosign(cp), Identity: s.Note()}}
		return cp, nil
	}
	size := i.Size
	var held []ledger.Held
	for _, party := range s.Agreements.Parties(terms.AgreementID(i.Agreement)) {
		h, ok, err := ledger.FirstHeld(r, i.ID, string(party), seq)
		if err != nil {
			return protocol.Checkpoint{}, err
		}
		if !ok {
			continue
		}
		if len(held) == 0 {
			size = h.Size
		}
		if h.Size == size {
			held = append(held, h)
		}
	}
	e, err := ledger.EdgeAt(r, i.ID, size)
	if err != nil {
		return protocol.Checkpoint{}, err
	}
	cp := protocol.Checkpoint{Origin: i.Origin, Size: size, Root: e.Root()}
	signed, err := s.SignCheckpoint(cp)
	if err != nil {
		return cp, err
	}
	p.Checkpoint, p.Identity = string(signed), s.Note()
	for _, h := range held {
		if partner, ok := s.Partner(news.Root(h.Cosigner)); ok {
			p.Cosignatures = append(p.Cosignatures, protocol.ProofCosign{Line: h.Line, Identity: partner.Note})
		}
	}
	return cp, nil
}
