// Package ledger keeps ledgers: our own, to which records are appended, and those of partners, which are followed. Each is
// an append-only Merkle log as C2SP tlog-tiles describes it, kept in rows of the database, so that a record is appended in
// the same transaction as the change that it tells of.
//
// What it promises: a record has an index when, and only when, its transaction is durable; no checkpoint of a size leaves
// this package before that size is durable; two checkpoints of one size never differ; the root of a followed ledger was
// computed from its records and agreed with the checkpoint before anything was stored.
//
// What it never does: it knows no agreements, no newsrooms' names and no network.
package ledger

import (
	"context"
	"crypto/ed25519"
	"embed"
	"errors"
	"fmt"
	"sync"
	"time"

	"newspool/internal/clock"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migrations are the tables of this package.
func Migrations() store.Migration {
	return store.Migration{Package: "ledger", Files: migrations}
}

// ID is a random 128-bit id, 32 hex digits.
type ID string

// State says whether a ledger goes on.
type State string

// The states of a ledger.
const (
	Open    State = "open"
	Ended   State = "ended"   // another one continues it
	Stopped State = "stopped" // followed: it said two things; a person must look
)

// Info is a ledger's row.
type Info struct {
	ID         ID
	Agreement  string
	Owner      news.Root
	Own        bool
	Origin     string
	State      State
	Size       int64
	Last       time.Time
	Applied    int64
	Visible    int64
	Checkpoint []byte
	Confirmed  int64
	Continues  ID
	Opened     time.Time
	edge       protocol.Edge
}

// Root is the root at Size.
func (i Info) Root() protocol.Hash { return i.edge.Root() }

// Edge is the right edge at Size.
func (i Info) Edge() protocol.Edge { return i.edge.Clone() }

// ErrUnknown: there is no such ledger.
var ErrUnknown = errors.New("no such ledger")

// ErrDamaged: the rows of a ledger do not agree with each other. Nothing is signed for it: a checkpoint of what a broken disk
// holds would be taken for a lie.
var ErrDamaged = errors.New("the rows of the ledger do not agree with each other")

// Service is the ledgers of one database.
type Service struct {
	db    *store.DB
	clock clock.Clock
	key   func() ed25519.PrivateKey

	mu    sync.Mutex
	heads map[ID]*head
}

// New makes the service. key gives the log key that signs checkpoints.
func New(db *store.DB, clk clock.Clock, key func() ed25519.PrivateKey) *Service {
	return &Service{db: db, clock: clk, key: key, heads: map[ID]*head{}}
}

// head is what is kept in memory of one of our own ledgers. pending belongs to the database's writer; everything else is
// guarded by mu and tells only what is durable.
type head struct {
	pending     protocol.Edge
	pendingLast int64
	reload      bool

	mu      sync.Mutex
	origin  string
	edge    protocol.Edge
	tail    []protocol.Entry // the newest records, so that followers who are up to date cost no query
	bytes   int              // weight of the tail
	from    int64            // index of tail[0]
	hints   []protocol.Hint
	ended   frameEnds
	wake    chan struct{}
	doubts  int // how often a transaction was undone: a commit may have been done without being reported
	settled int // how many of these were followed by reading the row again
}

// doubt notes that more may be durable than memory knows, and wakes who waits so that they look.
func (h *head) doubt() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.doubts++
	h.ring()
}

const (
	insertLedger = `INSERT INTO ledger (id, agreement, owner, own, origin, state, size, edge, last_us, applied, visible, checkpoint, confirmed, continues, opened_us)
		VALUES ($1, $2, $3, $4, $5, $6, 0, $7, 0, 0, 0, $8, 0, $9, $10)`
	selectLedger = `SELECT id, agreement, owner, own, origin, state, size, edge, last_us, applied, visible, checkpoint, confirmed, continues, opened_us FROM ledger`
)

// Create opens a ledger in the transaction: one of our own, or one to follow. Only ID, Agreement, Owner, Own, Origin and
// Continues of info are read.
func (s *Service) Create(tx *store.Tx, info Info) error {
	return tx.Exec(insertLedger, string(info.ID), info.Agreement, string(info.Owner), info.Own, info.Origin, string(Open), []byte{}, []byte{}, string(info.Continues), clock.Micros(s.clock()))
}

func scanInfo(row interface{ Scan(...any) error }) (Info, error) {
	var i Info
	var edge []byte
	var last, opened int64
	if err := row.Scan((*string)(&i.ID), &i.Agreement, (*string)(&i.Owner), &i.Own, &i.Origin, (*string)(&i.State), &i.Size, &edge, &last,
		&i.Applied, &i.Visible, &i.Checkpoint, &i.Confirmed, (*string)(&i.Continues), &opened); err != nil {
		return i, err
	}
	i.Last, i.Opened = clock.FromMicros(last), clock.FromMicros(opened)
	e, err := protocol.UnpackEdge(i.Size, edge)
	i.edge = e
	return i, err
}

// Get reads a ledger; ErrUnknown if there is none.
func Get(r store.Reader, id ID) (Info, error) {
	i, err := scanInfo(r.QueryRow(selectLedger+` WHERE id = $1`, string(id)))
	if errors.Is(err, store.ErrNoRows) {
		return i, ErrUnknown
	}
	return i, err
}

// All lists the ledgers of an agreement, or all where it is empty, oldest first.
func All(r store.Reader, agreement string) ([]Info, error) {
	rows, err := r.Query(selectLedger+` WHERE $1 = '' OR agreement = $1 ORDER BY opened_us, id`, agreement)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []Info
	for rows.Next() {
		i, err := scanInfo(rows)
		if err != nil {
			return nil, err
		}
		out = append(out, i)
	}
	return out, rows.Err()
}

// Info reads a ledger apart from any transaction.
func (s *Service) Info(ctx context.Context, id ID) (i Info, err error) {
	err = s.db.Read(ctx, func(r store.Reader) error {
		i, err = Get(r, id)
		return err
	})
	return i, err
}

const setState = `UPDATE ledger SET state = $2 WHERE id = $1`

// SetState ends or stops a ledger.
func SetState(tx *store.Tx, id ID, state State) error {
	return tx.ExecOne(setState, string(id), string(state))
}

// head gives the head of one of our own ledgers, from memory or from its row.
func (s *Service) head(r store.Reader, id ID) (*head, error) {
	s.mu.Lock()
	h := s.heads[id]
	s.mu.Unlock()
	if h != nil {
		return h, nil
	}
	i, err := Get(r, id)
	if err != nil {
		return nil, err
	}
	if !i.Own {
		return nil, fmt.Errorf("ledger %s is not ours: %w", id, ErrUnknown)
	}
	hints, err := withdrawals(r, id)
	if err != nil {
		return nil, err
	}
	if e, err := EdgeAt(r, id, i.Size); err != nil || e.Root() != i.Root() {
		return nil, fmt.Errorf("ledger %s: %w: size %d", id, errors.Join(ErrDamaged, err), i.Size)
	}
	h = &head{pending: i.edge.Clone(), pendingLast: clock.Micros(i.Last), origin: i.Origin, edge: i.edge, from: i.Size, hints: hints, wake: make(chan struct{})}
	s.mu.Lock()
	defer s.mu.Unlock()
	if other := s.heads[id]; other != nil {
		return other, nil
	}
	s.heads[id] = h
	return h, nil
}

// refresh reads the row of a head again and takes over what is durable by now.
func (s *Service) refresh(r store.Reader, id ID, h *head) (Info, error) {
	h.mu.Lock()
	doubts := h.doubts
	h.mu.Unlock()
	i, err := Get(r, id)
	if errors.Is(err, ErrUnknown) {
		s.mu.Lock()
		if s.heads[id] == h {
			delete(s.heads, id) // it was opened in a transaction that was undone
		}
		s.mu.Unlock()
	}
	if err != nil {
		return i, err
	}
	hints, err := withdrawals(r, id)
	if err != nil {
		return i, err
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	h.settled = max(h.settled, doubts)
	if i.Size > h.edge.Size {
		h.edge, h.hints = i.edge.Clone(), hints
		h.forget()
		h.ring()
	}
	return i, nil
}

// settle clears a doubt about what is durable, if there is one.
func (s *Service) settle(ctx context.Context, id ID, h *head) error {
	h.mu.Lock()
	sure := h.doubts == h.settled
	h.mu.Unlock()
	if sure {
		return nil
	}
	return s.db.Read(ctx, func(r store.Reader) error {
		_, err := s.refresh(r, id, h)
		return err
	})
}

const selectWithdrawals = `SELECT seq, about FROM ledger_withdrawal WHERE ledger = $1 ORDER BY seq`

func withdrawals(r store.Reader, id ID) ([]protocol.Hint, error) {
	rows, err := r.Query(selectWithdrawals, string(id))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var out []protocol.Hint
	for rows.Next() {
		var h protocol.Hint
		if err := rows.Scan(&h.Index, &h.About); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
