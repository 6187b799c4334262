// Package proof makes proof files: a record with its contents, its place in its ledger, the signed checkpoint, the cosignatures of
// partners and the identities of all of them, so that anybody can check it apart from any node.
package proof

import (
	"context"
	"encoding/json"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Maker makes proof files of one node's ledgers.
type Maker struct {
	DB      *store.DB
	Known   *partner.Service
	Parties func(terms.AgreementID) []news.Root // of an agreement
}

// File makes the proof file of a record: ours with the partners' cosignatures, a partner's with our own. It can be checked
// by anybody with newspool verify.
func (m Maker) File(ctx context.Context, id ledger.ID, seq int64) ([]byte, error) {
	p := protocol.Proof{Format: protocol.ProofFormat, Index: seq}
	err := m.DB.Read(ctx, func(r store.Reader) error {
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
		cp, err := m.checkpoint(r, i, seq, &p)
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

// checkpoint chooses the checkpoint of a proof, and adds the identities and cosignatures that belong to it.
func (m Maker) checkpoint(r store.Reader, i ledger.Info, seq int64, p *protocol.Proof) (protocol.Checkpoint, error) {
	if !i.Own {
		owner, ok := m.Known.Partner(i.Owner)
		if !ok {
			return protocol.Checkpoint{}, fault.New(fault.NotFound, "partner.unknown")
		}
		cp := protocol.Checkpoint{Origin: i.Origin, Size: i.Size, Root: i.Root()}
		p.Checkpoint, p.Identity = string(i.Checkpoint), owner.Note
		p.Cosignatures = []protocol.ProofCosign{{Line: m.Known.Cosign(cp), Identity: m.Known.Note()}}
		return cp, nil
	}
	size := i.Size
	var held []ledger.Held
	for _, party := range m.Parties(terms.AgreementID(i.Agreement)) {
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
	signed, err := m.Known.SignCheckpoint(cp)
	if err != nil {
		return cp, err
	}
	p.Checkpoint, p.Identity = string(signed), m.Known.Note()
	for _, h := range held {
		if partner, ok := m.Known.Partner(news.Root(h.Cosigner)); ok {
			p.Cosignatures = append(p.Cosignatures, protocol.ProofCosign{Line: h.Line, Identity: partner.Note})
		}
	}
	return cp, nil
}
