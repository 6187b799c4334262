package ledger

import (
	"context"
	"fmt"

	"newspool/internal/content"
	"newspool/internal/store"
	"newspool/protocol"
)

// Cursor reads one of our own ledgers from an index on, in frames that can each be verified alone. It belongs to one
// goroutine.
type Cursor struct {
	s    *Service
	id   ID
	h    *head
	edge protocol.Edge
}

// Cursor starts reading at from, which is the size that the reader holds. ErrBeyond if the ledger is not that large.
func (s *Service) Cursor(ctx context.Context, id ID, from int64) (*Cursor, error) {
	h, err := s.ownHead(ctx, id)
	if err != nil {
		return nil, err
	}
	edge, err := s.signable(ctx, id, h, from)
	if err != nil {
		return nil, err
	}
	return &Cursor{s: s, id: id, h: h, edge: edge}, nil
}

// Position is the index of the next record that the cursor gives.
func (c *Cursor) Position() int64 { return c.edge.Size }

// Next gives the next frame, or false with a channel that is closed when there is more. A frame ends at the ledger's end,
// at FrameRecords or FrameBytes, and when there is much to catch up at a multiple of 256.
func (c *Cursor) Next(ctx context.Context) (f protocol.Frame, ok bool, grown <-chan struct{}, err error) {
	if err := c.s.settle(ctx, c.id, c.h); err != nil {
		return f, false, nil, err
	}
	from := c.edge.Size
	c.h.mu.Lock()
	size, wake := c.h.edge.Size, c.h.wake
	var entries []protocol.Entry
	if from < size && from >= c.h.from {
		entries = c.h.tail[from-c.h.from:]
	}
	hints := c.h.hints
	c.h.mu.Unlock()
	if from >= size {
		return f, false, wake, nil
	}
	to := min(size, from+protocol.FrameRecords)
	if to < size {
		to -= to % protocol.TileWidth
		if to <= from {
			to = min(size, from+protocol.FrameRecords)
		}
	}
	fresh := entries != nil
	if !fresh {
		if entries, err = c.s.entries(ctx, c.id, from, to); err != nil {
			return f, false, nil, err
		}
	}
	f.From = from
	f.Records = Cut(entries, int(to-from))
	edge := c.edge.Clone()
	for _, e := range f.Records {
		edge.Add(protocol.LeafHash(e.Record))
	}
	if !fresh {
		sure, err := c.s.signable(ctx, c.id, c.h, edge.Size)
		if err != nil {
			return f, false, nil, err
		}
		if sure.Root() != edge.Root() {
			return f, false, nil, fmt.Errorf("ledger %s, records %d to %d: %w", c.id, from, edge.Size, ErrDamaged)
		}
	}
	c.edge = edge
	f.Hints = hintsFrom(hints, c.edge.Size)
	root := c.edge.Root()
	c.h.mu.Lock()
	c.h.ended.add(c.edge.Size, root)
	c.h.mu.Unlock()
	f.Checkpoint, err = protocol.SignCheckpoint(protocol.Checkpoint{Origin: c.h.origin, Size: c.edge.Size, Root: root}, c.s.key())
	return f, true, nil, err
}

// Cut takes entries up to a number and FrameBytes, at least one: what a frame may hold.
func Cut(entries []protocol.Entry, most int) []protocol.Entry {
	bytes := 0
	for i, e := range entries {
		n := e.Size()
		if i == most || (i > 0 && bytes+n > protocol.FrameBytes) {
			return entries[:i]
		}
		bytes += n
	}
	return entries
}

// hintsFrom lists the withdrawals at or after an index, the newest 1,024 of them.
func hintsFrom(all []protocol.Hint, from int64) []protocol.Hint {
	i := len(all)
	for i > 0 && all[i-1].Index >= from && len(all)-i < 1024 {
		i--
	}
	return all[i:]
}

// Heartbeat is a frame without records: the newest checkpoint and the withdrawals that the cursor has still before it.
// The caller adds the cosignature.
func (c *Cursor) Heartbeat() (protocol.Frame, protocol.Checkpoint, error) {
	c.h.mu.Lock()
	cp := protocol.Checkpoint{Origin: c.h.origin, Size: c.h.edge.Size, Root: c.h.edge.Root()}
	hints := hintsFrom(c.h.hints, c.edge.Size)
	c.h.mu.Unlock()
	b, err := protocol.SignCheckpoint(cp, c.s.key())
	return protocol.Frame{Checkpoint: b, Hints: hints}, cp, err
}

// entries reads records with their contents for a frame.
func (s *Service) entries(ctx context.Context, id ID, from, to int64) (out []protocol.Entry, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		out, err = Entries(r, id, from, to)
		return err
	})
	return out, err
}

// Entries reads records [from, to) with their contents.
func Entries(r store.Reader, id ID, from, to int64) ([]protocol.Entry, error) {
	out, _, err := EntriesKept(r, id, from, to)
	return out, err
}

// EntriesKept is Entries with the ids under which the contents are kept, as Take gave them.
func EntriesKept(r store.Reader, id ID, from, to int64) ([]protocol.Entry, [][]content.ID, error) {
	records, err := Records(r, id, from, to)
	if err != nil {
		return nil, nil, err
	}
	held, err := Contents(r, id, from, to)
	if err != nil {
		return nil, nil, err
	}
	out, ids := make([]protocol.Entry, len(records)), make([][]content.ID, len(records))
	for i, rec := range records {
		out[i].Record = rec
		for _, c := range held[from+int64(i)] {
			out[i].Contents, ids[i] = append(out[i].Contents, c.Content), append(ids[i], c.ID)
		}
	}
	return out, ids, nil
}
