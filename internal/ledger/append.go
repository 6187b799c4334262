package ledger

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/store"
	"newspool/protocol"
)

// Draft is a record that is to be appended. The ledger adds its id, its time and the salted hashes.
type Draft struct {
	Type     string
	Terms    string
	By       string
	About    string
	Seen     []protocol.Seen
	Body     any // written as JSON: codes, numbers, times and ids only
	Contents []Content
	Withdraw bool // the record withdraws what it is about: followers that are behind get a hint
}

// Content is bytes that a record speaks of. ID names them in package content, where they already are.
type Content struct {
	ID    content.ID
	Bytes []byte
	Type  string
	Lang  string
}

// Position is where a record stands.
type Position struct {
	Ledger ID
	Seq    int64
	Record string // its id
	Time   time.Time
}

const (
	insertEntry      = `INSERT INTO ledger_entry (ledger, seq, leaf, record) VALUES ($1, $2, $3, $4)`
	insertContent    = `INSERT INTO ledger_content (ledger, seq, n, state, salt, content, cause) VALUES ($1, $2, $3, $4, $5, $6, $7)`
	insertTile       = `INSERT INTO ledger_tile (ledger, lvl, idx, hash) VALUES ($1, $2, $3, $4)`
	insertWithdrawal = `INSERT INTO ledger_withdrawal (ledger, seq, about) VALUES ($1, $2, $3)`
	moveHead         = `UPDATE ledger SET size = $2, edge = $3, last_us = $4 WHERE id = $1 AND size = $5 AND state = 'open'`
)

// group is what one transaction of the database has appended to one ledger so far.
type group struct {
	base    int64 // size before the transaction
	entries []protocol.Entry
	hints   []protocol.Hint
	quiet   bool // contents of these entries may have been closed already: they are not kept in memory
}

type groupKey ID

// Append adds a record to one of our own ledgers, in the transaction. The head moves by compare-and-swap when the
// transaction commits: if another process moved it, the whole Write fails with store.ErrStale and nothing was said. The
// position is true only once the Write has returned nil.
func (s *Service) Append(tx *store.Tx, id ID, d Draft) (Position, error) {
	h, err := s.head(tx, id)
	if err != nil {
		return Position{}, err
	}
	g, err := s.join(tx, id, h)
	if err != nil {
		return Position{}, err
	}
	us := max(clock.Micros(s.clock()), h.pendingLast)
	rec, entry, err := s.build(id, d, us)
	if err != nil {
		return Position{}, err
	}
	seq := h.pending.Size
	before, last, entries, hints := h.pending.Clone(), h.pendingLast, len(g.entries), len(g.hints)
	tx.OnUndo(func() {
		h.pending, h.pendingLast, h.reload = before, last, true
		g.entries, g.hints = g.entries[:entries], g.hints[:hints]
		h.doubt()
	})
	// Also when the row is refused: another process may have been faster, and the head must be read again.
	if err := s.insert(tx, id, seq, entry, d.Contents); err != nil {
		return Position{}, err
	}
	tx.BeforeCommit(groupKey(id), func() error {
		if h.pending.Size == g.base {
			return nil
		}
		return tx.ExecOne(moveHead, string(id), h.pending.Size, h.pending.Pack(), h.pendingLast, g.base)
	})
	tx.OnCommit(func() { h.publish(g) })
	for _, t := range h.pending.Add(protocol.LeafHash(entry.Record)) {
		if err := tx.Exec(insertTile, string(id), t.Level, t.Index, t.Hash[:]); err != nil {
			return Position{}, err
		}
	}
	h.pendingLast = us
	g.entries = append(g.entries, entry)
	if d.Withdraw {
		g.hints = append(g.hints, protocol.Hint{Index: seq, About: d.About})
		if err := tx.Exec(insertWithdrawal, string(id), seq, d.About); err != nil {
			return Position{}, err
		}
	}
	return Position{Ledger: id, Seq: seq, Record: rec.ID, Time: clock.FromMicros(us)}, nil
}

// join gives what the transaction has appended to the ledger so far. At its beginning the head is read again where a
// transaction before it was undone.
func (s *Service) join(tx *store.Tx, id ID, h *head) (*group, error) {
	if g, ok := tx.Value(groupKey(id)).(*group); ok {
		return g, nil
	}
	if h.reload {
		i, err := s.refresh(tx, id, h)
		if err != nil {
			return nil, err
		}
		h.pending, h.pendingLast, h.reload = i.edge.Clone(), clock.Micros(i.Last), false
	}
	g := &group{base: h.pending.Size}
	tx.SetValue(groupKey(id), g)
	return g, nil
}

func (s *Service) build(id ID, d Draft, us int64) (protocol.Record, protocol.Entry, error) {
	u, err := uuid.NewV7()
	if err != nil {
		return protocol.Record{}, protocol.Entry{}, err
	}
	rec := protocol.Record{Type: d.Type, ID: u.String(), Ledger: string(id), Time: us, Terms: d.Terms, By: d.By, About: d.About, Seen: d.Seen}
	if d.Body != nil {
		b, err := json.Marshal(d.Body)
		if err != nil {
			return rec, protocol.Entry{}, fmt.Errorf("body of %s: %w", d.Type, err)
		}
		rec.Body = b
	}
	var e protocol.Entry
	for _, c := range d.Contents {
		salt := protocol.NewSalt()
		rec.Contents = append(rec.Contents, protocol.Refer(salt, c.Bytes, c.Type, c.Lang))
		e.Contents = append(e.Contents, protocol.Content{State: protocol.Present, Salt: salt, Bytes: c.Bytes})
	}
	e.Record, err = rec.Bytes()
	return rec, e, err
}

func (s *Service) insert(tx *store.Tx, id ID, seq int64, e protocol.Entry, contents []Content) error {
	leaf := protocol.LeafHash(e.Record)
	if err := tx.Exec(insertEntry, string(id), seq, leaf[:], e.Record); err != nil {
		return err
	}
	for n, c := range e.Contents {
		if err := tx.Exec(insertContent, string(id), seq, n, int64(protocol.Present), c.Salt[:], string(contents[n].ID), 0); err != nil {
			return err
		}
	}
	return nil
}

// Limits of the tail that is kept in memory for each ledger.
const (
	tailRecords = 2048
	tailBytes   = 8 << 20
)

// publish makes what a transaction appended visible to followers, all at once. It runs after the commit, for each closure
// that appended; the first one does it.
func (h *head) publish(g *group) {
	if len(g.entries) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	entries, hints := g.entries, g.hints
	g.entries, g.hints = nil, nil
	defer h.ring()
	if h.edge.Size != g.base {
		// A reader that was in doubt has read the new row already. Otherwise somebody must read it now.
		if h.edge.Size < g.base+int64(len(entries)) {
			h.doubts++
		}
		return
	}
	for _, e := range entries {
		h.edge.Add(protocol.LeafHash(e.Record))
	}
	h.hints = append(h.hints, hints...)
	if g.quiet {
		h.forget()
		return
	}
	h.tail = append(h.tail, entries...)
	for _, e := range entries {
		h.bytes += e.Size()
	}
	if len(h.tail) > tailRecords || h.bytes > tailBytes {
		drop, left := 0, len(h.tail)
		for left > tailRecords/2 || h.bytes > tailBytes/2 {
			h.bytes -= h.tail[drop].Size()
			drop, left = drop+1, left-1
		}
		h.tail = append([]protocol.Entry(nil), h.tail[drop:]...)
		h.from += int64(drop)
	}
}

// ring wakes who waits for more; h.mu is held.
func (h *head) ring() {
	close(h.wake)
	h.wake = make(chan struct{})
}

// forget drops the tail; h.mu is held. Readers go to the database.
func (h *head) forget() { h.tail, h.bytes, h.from = nil, 0, h.edge.Size }

const closeContent = `UPDATE ledger_content SET state = $3, cause = $4 WHERE ledger = $1 AND seq = $2 AND state = 0`

// CloseContents marks the contents of earlier records as withdrawn by the record at cause: followers that have not had
// them yet get the index of the withdrawal in their place. The bytes stay for the newsroom itself.
func (s *Service) CloseContents(tx *store.Tx, id ID, seqs []int64, cause int64) error {
	for _, seq := range seqs {
		if err := tx.Exec(closeContent, string(id), seq, int64(protocol.Withdrawn), cause); err != nil {
			return err
		}
	}
	h, err := s.head(tx, id)
	if err != nil {
		return err
	}
	// The tail in memory holds them still. It is dropped before the commit as well as after it, for between the two a
	// follower may be reading. Records of this very transaction never get into it.
	if g, ok := tx.Value(groupKey(id)).(*group); ok {
		g.quiet = true
	}
	drop := func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.forget()
	}
	drop()
	tx.OnCommit(drop)
	return nil
}
