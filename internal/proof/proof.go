// Package proof makes proof files: a record with its contents, its place in its ledger, the signed checkpoint, the cosignatures of
// partners and the identities of all of them, so that anybody can check it apart from any node.
//
// What it never does: it signs nothing that the ledger itself would not sign, for a proof goes out of the house.
package proof

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"

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
	Ledgers *ledger.Service
	Known   *partner.Service
	Parties func(terms.AgreementID) []news.Root // of an agreement
	// Open reports whether the contents of a record may still be given out.
	Open func(store.Reader, protocol.Record) (bool, error)
}

// File makes the proof file of a record, and says what the record is about: ours with the partners' cosignatures, a partner's with
// our own. It can be checked by anybody with newspool verify. Contents that may not be given out any more are left out, as are those
// that are not here. Rows that do not agree with each other are ledger.ErrDamaged.
func (m Maker) File(ctx context.Context, id ledger.ID, seq int64) (file []byte, about string, err error) {
	var p protocol.Proof
	var cp protocol.Checkpoint
	var i ledger.Info
	var held []ledger.Held
	err = m.DB.Read(ctx, func(r store.Reader) (err error) {
		p = protocol.Proof{Format: protocol.ProofFormat, Index: seq}
		if i, err = ledger.Get(r, id); errors.Is(err, ledger.ErrUnknown) || err == nil && (seq < 0 || seq >= i.Size) {
			return fault.New(fault.NotFound, "fault.not_found").Because(err)
		} else if err != nil {
			return err
		}
		p.Origin, cp = i.Origin, protocol.Checkpoint{Origin: i.Origin, Size: i.Size, Root: i.Root()}
		if held, err = m.holders(r, i, seq); err != nil {
			return err
		}
		if len(held) > 0 {
			cp.Size = held[0].Size
		}
		about, err = m.record(r, id, &p)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	if i.Own {
		cp, err = m.ours(ctx, id, cp.Size, held, &p)
	} else {
		err = m.theirs(i, cp, &p)
	}
	if err != nil {
		return nil, "", err
	}
	err = m.DB.Read(ctx, func(r store.Reader) error {
		e, err := ledger.EdgeAt(r, id, cp.Size)
		if err != nil {
			return err
		}
		if e.Root() != cp.Root {
			return fmt.Errorf("ledger %s at %d: %w", id, cp.Size, ledger.ErrDamaged)
		}
		p.Inclusion, err = ledger.Prove(r, id, seq, cp.Size)
		return err
	})
	if err != nil {
		return nil, "", err
	}
	file, err = json.MarshalIndent(p, "", " ")
	return file, about, err
}

// record puts the record and its contents into a proof.
func (m Maker) record(r store.Reader, id ledger.ID, p *protocol.Proof) (about string, err error) {
	entries, err := ledger.Entries(r, id, p.Index, p.Index+1)
	if err != nil {
		return "", err
	}
	p.Record = entries[0].Record
	rec, err := protocol.ParseRecord(p.Record)
	if err != nil {
		return "", fmt.Errorf("record %d of ledger %s: %w", p.Index, id, errors.Join(ledger.ErrDamaged, err))
	}
	open, err := m.Open(r, rec)
	if err != nil {
		return "", err
	}
	for _, c := range entries[0].Contents {
		pc := protocol.ProofContent{}
		if open && c.State == protocol.Present && c.Bytes != nil {
			pc.Salt, pc.Bytes = c.Salt[:], c.Bytes
		}
		p.Contents = append(p.Contents, pc)
	}
	return rec.About, nil
}

// holders are the partners who have signed that they held a record of ours, those that signed the same size as the first of them.
func (m Maker) holders(r store.Reader, i ledger.Info, seq int64) (held []ledger.Held, err error) {
	if !i.Own {
		return nil, nil
	}
	for _, party := range m.Parties(terms.AgreementID(i.Agreement)) {
		h, ok, err := ledger.FirstHeld(r, i.ID, string(party), seq)
		if err != nil {
			return nil, err
		}
		if ok && (len(held) == 0 || h.Size == held[0].Size) {
			held = append(held, h)
		}
	}
	return held, nil
}

// ours puts our checkpoint of a size and the partners' cosignatures into a proof.
func (m Maker) ours(ctx context.Context, id ledger.ID, size int64, held []ledger.Held, p *protocol.Proof) (protocol.Checkpoint, error) {
	cp, signed, err := m.Ledgers.CheckpointAt(ctx, id, size)
	p.Checkpoint, p.Identity = string(signed), m.Known.Note()
	for _, h := range held {
		if partner, ok := m.Known.Partner(news.Root(h.Cosigner)); ok {
			p.Cosignatures = append(p.Cosignatures, protocol.ProofCosign{Line: h.Line, Identity: partner.Note})
		}
	}
	return cp, err
}

// theirs puts a partner's newest checkpoint and our cosignature into a proof.
func (m Maker) theirs(i ledger.Info, cp protocol.Checkpoint, p *protocol.Proof) error {
	owner, ok := m.Known.Partner(i.Owner)
	if !ok {
		return fault.New(fault.NotFound, "partner.unknown")
	}
	if !bytes.HasPrefix(i.Checkpoint, []byte(cp.Text())) {
		return fmt.Errorf("ledger %s: %w", i.ID, ledger.ErrDamaged) // our copy is not what its owner signed: we cosign nothing
	}
	p.Checkpoint, p.Identity = string(i.Checkpoint), owner.Note
	p.Cosignatures = []protocol.ProofCosign{{Line: m.Known.Cosign(cp), Identity: m.Known.Note()}}
	return nil
}
