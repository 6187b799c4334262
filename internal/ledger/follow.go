package ledger

import (
	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/store"
	"newspool/protocol"
)

// Batch is verified records of a followed ledger: From is the size that was held before, Edge and Checkpoint are what they
// lead to. Tiles are the roots of tiles that they filled.
type Batch struct {
	From       int64
	Records    []protocol.Entry
	Parsed     []protocol.Record // as many as Records; a malformed record has an empty Type
	Edge       protocol.Edge
	Tiles      []protocol.TileRoot
	Checkpoint []byte
}

const moveFollowed = `UPDATE ledger SET size = $2, edge = $3, checkpoint = $4, last_us = CASE WHEN last_us < $6 THEN $6 ELSE last_us END
	WHERE id = $1 AND size = $5 AND NOT own`

const moveBack = `UPDATE ledger SET size = $2, edge = $3, last_us = CASE WHEN last_us < $5 THEN $5 ELSE last_us END
	WHERE id = $1 AND size = $4 AND own`

// Take stores a verified batch, in the transaction, and gives for each record the ids under which the contents that it names
// are kept (empty for one that did not come or does not fit). It fails with store.ErrStale if the ledger is not at From any more.
func (s *Service) Take(tx *store.Tx, id ID, b Batch) ([][]content.ID, error) {
	ids, last, err := s.store(tx, id, b)
	if err != nil {
		return nil, err
	}
	return ids, tx.ExecOne(moveFollowed, string(id), b.Edge.Size, b.Edge.Pack(), b.Checkpoint, b.From, last)
}

// TakeBack is Take for one of our own ledgers that a database has lost the end of: the records come from a follower's copy.
// The ledger must have ended, at the latest in the same transaction, for nothing may be appended to it.
func (s *Service) TakeBack(tx *store.Tx, id ID, b Batch) ([][]content.ID, error) {
	ids, last, err := s.store(tx, id, b)
	if err != nil {
		return nil, err
	}
	tx.OnCommit(func() { s.Forget(id) })
	return ids, tx.ExecOne(moveBack, string(id), b.Edge.Size, b.Edge.Pack(), b.From, last)
}

// Forget drops what is kept in memory of one of our own ledgers. Who reads it just now looks at its row again.
func (s *Service) Forget(id ID) {
	s.mu.Lock()
	h := s.heads[id]
	delete(s.heads, id)
	s.mu.Unlock()
	if h != nil {
		h.doubt()
	}
}

// store inserts the rows of a batch; last is the time of its last record.
func (s *Service) store(tx *store.Tx, id ID, b Batch) (out [][]content.ID, last int64, err error) {
	out = make([][]content.ID, len(b.Records))
	for i, e := range b.Records {
		seq := b.From + int64(i)
		leaf := protocol.LeafHash(e.Record)
		if err := tx.Exec(insertEntry, string(id), seq, leaf[:], e.Record); err != nil {
			return nil, 0, err
		}
		last = max(last, b.Parsed[i].Time)
		for n, ref := range b.Parsed[i].Contents {
			c := arrived(ref, e.Contents, n)
			var cid content.ID
			if c.State == protocol.Present {
				if cid, err = content.Put(tx, ref.Type, ref.Lang, c.Bytes); err != nil {
					return nil, 0, err
				}
			}
			out[i] = append(out[i], cid)
			if err := tx.Exec(insertContent, string(id), seq, n, int64(c.State), c.Salt[:], string(cid), c.Index); err != nil {
				return nil, 0, err
			}
		}
	}
	for _, t := range b.Tiles {
		if err := tx.Exec(insertTile, string(id), t.Level, t.Index, t.Hash[:]); err != nil {
			return nil, 0, err
		}
	}
	return out, last, nil
}

// arrived is content n of a record as it is kept: what came, or Withheld where nothing came or not what the record names, which
// is as good as nothing.
func arrived(ref protocol.ContentRef, came []protocol.Content, n int) protocol.Content {
	if n < len(came) {
		c := came[n]
		if c.State == protocol.Present && ref.Fits(c.Salt, c.Bytes) {
			return protocol.Content{State: c.State, Salt: c.Salt, Bytes: c.Bytes}
		}
		if c.State == protocol.Withdrawn || c.State == protocol.Erased {
			return protocol.Content{State: c.State, Index: c.Index}
		}
	}
	return protocol.Content{State: protocol.Withheld}
}

const (
	moveApplied = `UPDATE ledger SET applied = $2 WHERE id = $1 AND applied <= $2`
	moveVisible = `UPDATE ledger SET visible = $2 WHERE id = $1 AND visible <= $2`
	confirm     = `UPDATE ledger SET confirmed = $2 WHERE id = $1 AND confirmed < $2`
)

// Applied moves the cursor of folded records.
func Applied(tx *store.Tx, id ID, to int64) error { return tx.ExecOne(moveApplied, string(id), to) }

// Visible moves the border up to which records are shown.
func Visible(tx *store.Tx, id ID, to int64) error { return tx.ExecOne(moveVisible, string(id), to) }

const insertReceipt = `INSERT INTO ledger_receipt (ledger, cosigner, size, seconds, at_us, line) VALUES ($1, $2, $3, $4, $5, $6)
	ON CONFLICT (ledger, cosigner, size) DO NOTHING`

// Receipt stores a follower's verified cosignature over a size.
func (s *Service) Receipt(tx *store.Tx, id ID, cosigner string, size, seconds int64, line string) error {
	if err := tx.Exec(insertReceipt, string(id), cosigner, size, seconds, clock.Micros(s.clock()), line); err != nil {
		return err
	}
	return tx.Exec(confirm, string(id), size)
}

// Held is a follower's receipt.
type Held struct {
	Cosigner string
	Size     int64
	Seconds  int64
	AtMicros int64
	Line     string
}

const selectFirstHeld = `SELECT cosigner, size, seconds, at_us, line FROM ledger_receipt WHERE ledger = $1 AND cosigner = $2 AND size > $3 ORDER BY size LIMIT 1`

func scanHeld(row interface{ Scan(...any) error }) (h Held, ok bool, err error) {
	err = row.Scan(&h.Cosigner, &h.Size, &h.Seconds, &h.AtMicros, &h.Line)
	if err == store.ErrNoRows {
		return h, false, nil
	}
	return h, err == nil, err
}

// FirstHeld is the first receipt of a follower that covers record seq.
func FirstHeld(r store.Reader, id ID, cosigner string, seq int64) (Held, bool, error) {
	return scanHeld(r.QueryRow(selectFirstHeld, string(id), cosigner, seq))
}

const selectHeldBy = `SELECT COALESCE(MAX(size), 0) FROM ledger_receipt WHERE ledger = $1 AND cosigner = $2`

// HeldBy is the largest size of a ledger of ours that a follower has confirmed.
func HeldBy(r store.Reader, id ID, cosigner string) (size int64, err error) {
	err = r.QueryRow(selectHeldBy, string(id), cosigner).Scan(&size)
	return size, err
}

// Restored is the kind of evidence that tells no contradiction: a follower held more of a ledger of ours than its database.
const Restored = "restored"

const insertEvidence = `INSERT INTO ledger_evidence (id, ledger, kind, ours, theirs, at_us) VALUES ($1, $2, $3, $4, $5, $6)`

// Evidence keeps two texts that cannot both be true, or that are the traces of a database that was restored.
func (s *Service) Evidence(tx *store.Tx, id ID, kind string, ours, theirs []byte) error {
	u, err := uuid.NewV7()
	if err != nil {
		return err
	}
	return tx.Exec(insertEvidence, u.String(), string(id), kind, ours, theirs, clock.Micros(s.clock()))
}

const countContradictions = `SELECT COUNT(*) FROM ledger_evidence WHERE kind <> 'restored' AND (ledger = $1 OR $1 = '')`

// Contradictions counts the pairs of texts about a ledger, or about all where it is empty, that cannot both be true.
func Contradictions(r store.Reader, id ID) (n int64, err error) {
	err = r.QueryRow(countContradictions, string(id)).Scan(&n)
	return n, err
}
