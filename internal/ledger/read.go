package ledger

import (
	"context"
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"

	"newspool/internal/content"
	"newspool/internal/store"
	"newspool/protocol"
)

// ErrBeyond: a size or index that the ledger has not reached.
var ErrBeyond = errors.New("beyond the end of the ledger")

// Size is the durable size of one of our own ledgers, with a channel that is closed when it grows.
func (s *Service) Size(ctx context.Context, id ID) (size int64, grown <-chan struct{}, err error) {
	h, err := s.ownHead(ctx, id)
	if err != nil {
		return 0, nil, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.edge.Size, h.wake, nil
}

func (s *Service) ownHead(ctx context.Context, id ID) (h *head, err error) {
	s.mu.Lock()
	h = s.heads[id]
	s.mu.Unlock()
	if h != nil {
		return h, s.settle(ctx, id, h)
	}
	err = s.db.Read(ctx, func(r store.Reader) error {
		h, err = s.head(r, id)
		return err
	})
	return h, err
}

// Checkpoint is the newest signed checkpoint of one of our own ledgers.
func (s *Service) Checkpoint(ctx context.Context, id ID) (protocol.Checkpoint, []byte, error) {
	h, err := s.ownHead(ctx, id)
	if err != nil {
		return protocol.Checkpoint{}, nil, err
	}
	h.mu.Lock()
	c := protocol.Checkpoint{Origin: h.origin, Size: h.edge.Size, Root: h.edge.Root()}
	h.mu.Unlock()
	b, err := protocol.SignCheckpoint(c, s.key())
	return c, b, err
}

// At is the checkpoint of a size of one of our own ledgers, without a signature. ErrBeyond if the ledger is not that large.
// The sizes at which frames ended last are known; others are read from rows.
func (s *Service) At(ctx context.Context, id ID, size int64) (protocol.Checkpoint, error) {
	h, err := s.ownHead(ctx, id)
	if err != nil {
		return protocol.Checkpoint{}, err
	}
	h.mu.Lock()
	root, known := h.ended.find(size)
	h.mu.Unlock()
	if !known {
		e, err := s.signable(ctx, id, h, size)
		if err != nil {
			return protocol.Checkpoint{}, err
		}
		root = e.Root()
	}
	return protocol.Checkpoint{Origin: h.origin, Size: size, Root: root}, nil
}

// CheckpointAt signs a checkpoint of an earlier size of one of our own ledgers.
func (s *Service) CheckpointAt(ctx context.Context, id ID, size int64) (protocol.Checkpoint, []byte, error) {
	c, err := s.At(ctx, id, size)
	if err != nil {
		return protocol.Checkpoint{}, nil, err
	}
	b, err := protocol.SignCheckpoint(c, s.key())
	return c, b, err
}

// frameEnds are the sizes at which the newest frames of a ledger ended, with their roots: what followers cosign.
type frameEnds struct {
	next int
	size [128]int64
	root [128]protocol.Hash
}

func (e *frameEnds) add(size int64, root protocol.Hash) {
	if _, known := e.find(size); known {
		return
	}
	e.size[e.next], e.root[e.next] = size, root
	e.next = (e.next + 1) % len(e.size)
}

func (e *frameEnds) find(size int64) (root protocol.Hash, known bool) {
	for i, x := range e.size {
		if x == size && size > 0 {
			return e.root[i], true
		}
	}
	return root, false
}

// signable gives the edge of one of our own ledgers at a size that is durable. It is read from rows and compared with the head
// in memory, through the tiles between them: what a broken disk gives is ErrDamaged and not signed.
func (s *Service) signable(ctx context.Context, id ID, h *head, size int64) (e protocol.Edge, err error) {
	h.mu.Lock()
	head := h.edge.Clone()
	h.mu.Unlock()
	if size < 0 || size > head.Size {
		return e, ErrBeyond
	}
	if size == head.Size {
		return head, nil
	}
	err = s.db.Read(ctx, func(r store.Reader) error {
		if e, err = EdgeAt(r, id, size); err != nil {
			return err
		}
		root, err := tlog.TreeHash(size, tlog.TileHashReader(tlog.Tree{N: head.Size, Hash: head.Root()}, tileReader{r, id}))
		if err != nil || root != e.Root() {
			return fmt.Errorf("ledger %s at %d of %d: %w", id, size, head.Size, errors.Join(ErrDamaged, err))
		}
		return nil
	})
	return e, err
}

const (
	selectLeaves = `SELECT leaf FROM ledger_entry WHERE ledger = $1 AND seq >= $2 AND seq < $3 ORDER BY seq`
	selectTiles  = `SELECT hash FROM ledger_tile WHERE ledger = $1 AND lvl = $2 AND idx >= $3 AND idx < $4 ORDER BY idx`
)

// hashes reads the hashes [from, to) of a tile level; level 0 is the leaves.
func hashes(r store.Reader, id ID, level int, from, to int64) ([]protocol.Hash, error) {
	var rows *store.Rows
	var err error
	if level == 0 {
		rows, err = r.Query(selectLeaves, string(id), from, to)
	} else {
		rows, err = r.Query(selectTiles, string(id), level, from, to)
	}
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []protocol.Hash
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		if len(b) != tlog.HashSize {
			return nil, fmt.Errorf("ledger %s: a hash of %d bytes at level %d", id, len(b), level)
		}
		out = append(out, protocol.Hash(b))
	}
	if err := rows.Err(); err != nil {
		return nil, err
	}
	if int64(len(out)) != to-from {
		return nil, fmt.Errorf("ledger %s: %d hashes at level %d from %d, wanted %d", id, len(out), level, from, to-from)
	}
	return out, nil
}

// EdgeAt computes the right edge of a ledger at a size from its stored hashes.
func EdgeAt(r store.Reader, id ID, size int64) (protocol.Edge, error) {
	var e protocol.Edge
	for level := 6; level >= 0; level-- {
		from, to := e.Size>>(8*level), size>>(8*level)
		if from == to {
			continue
		}
		hs, err := hashes(r, id, level, from, to)
		if err != nil {
			return e, err
		}
		for _, h := range hs {
			if level == 0 {
				e.Add(h)
			} else {
				e.AddTile(level, h)
			}
		}
	}
	return e, nil
}

// Tile reads a tile or an entry bundle of a ledger, as its bytes are served. A tile beyond the durable size is ErrBeyond.
func (s *Service) Tile(ctx context.Context, id ID, t protocol.Tile) (b []byte, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		i, err := Get(r, id)
		if err != nil {
			return err
		}
		if !t.Within(i.Size) {
			return ErrBeyond
		}
		from := t.Index * protocol.TileWidth
		to := from + int64(t.Width)
		if t.Level == protocol.EntriesLevel {
			entries, err := Records(r, id, from, to)
			for _, e := range entries {
				b = protocol.AppendEntry(b, e)
			}
			return err
		}
		hs, err := hashes(r, id, t.Level, from, to)
		for _, h := range hs {
			b = append(b, h[:]...)
		}
		return err
	})
	return b, err
}

const selectRecords = `SELECT record FROM ledger_entry WHERE ledger = $1 AND seq >= $2 AND seq < $3 ORDER BY seq`

// Records reads the bytes of records [from, to).
func Records(r store.Reader, id ID, from, to int64) ([][]byte, error) {
	rows, err := r.Query(selectRecords, string(id), from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out [][]byte
	for rows.Next() {
		var b []byte
		if err := rows.Scan(&b); err != nil {
			return nil, err
		}
		out = append(out, b)
	}
	return out, rows.Err()
}

// HeldContent is a content as a ledger holds it.
type HeldContent struct {
	protocol.Content
	ID content.ID
}

const selectContents = `SELECT seq, state, salt, content, cause FROM ledger_content WHERE ledger = $1 AND seq >= $2 AND seq < $3 ORDER BY seq, n`

// Contents reads the contents of records [from, to), by index. Bytes of contents that are not Present are left out.
func Contents(r store.Reader, id ID, from, to int64) (map[int64][]HeldContent, error) {
	rows, err := r.Query(selectContents, string(id), from, to)
	if err != nil {
		return nil, err
	}
	out := map[int64][]HeldContent{}
	for rows.Next() {
		var seq, state int64
		var salt []byte
		var c HeldContent
		if err := rows.Scan(&seq, &state, &salt, (*string)(&c.ID), &c.Index); err != nil {
			rows.Close()
			return nil, err
		}
		c.State = protocol.ContentState(state)
		if len(salt) == len(c.Salt) {
			c.Salt = protocol.Salt(salt)
		}
		out[seq] = append(out[seq], c)
	}
	rows.Close()
	if err := rows.Err(); err != nil {
		return nil, err
	}
	for _, held := range out {
		for i := range held {
			if held[i].State != protocol.Present {
				continue
			}
			c, err := content.Get(r, held[i].ID)
			if err != nil {
				return nil, fmt.Errorf("content %s of ledger %s: %w", held[i].ID, id, err)
			}
			held[i].Bytes = c.Bytes
		}
	}
	return out, nil
}

// Prove makes the inclusion proof of record seq in the ledger's tree of this size.
func Prove(r store.Reader, id ID, seq, size int64) ([]protocol.Hash, error) {
	e, err := EdgeAt(r, id, size)
	if err != nil {
		return nil, err
	}
	hr := tlog.TileHashReader(tlog.Tree{N: size, Hash: e.Root()}, tileReader{r, id})
	p, err := tlog.ProveRecord(size, seq, hr)
	return p, err
}

// tileReader reads tiles of height 8 for package tlog.
type tileReader struct {
	r  store.Reader
	id ID
}

func (t tileReader) Height() int { return 8 }

func (t tileReader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	out := make([][]byte, len(tiles))
	for i, x := range tiles {
		hs, err := hashes(t.r, t.id, x.L, x.N*protocol.TileWidth, x.N*protocol.TileWidth+int64(x.W))
		if err != nil {
			return nil, err
		}
		for _, h := range hs {
			out[i] = append(out[i], h[:]...)
		}
	}
	return out, nil
}

func (t tileReader) SaveTiles([]tlog.Tile, [][]byte) {}
