package ledger

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

const (
	idA = ID("000000000000000000000000000000aa")
	idB = ID("000000000000000000000000000000bb")
	idC = ID("000000000000000000000000000000cc")
)

func tables() []store.Migration { return []store.Migration{content.Migrations(), Migrations()} }

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

// house is the ledgers of one newsroom, with a clock that the test sets.
type house struct {
	t   testing.TB
	db  *store.DB
	s   *Service
	key ed25519.PrivateKey

	mu  sync.Mutex
	now time.Time
}

func newHouse(t testing.TB, db *store.DB) *house {
	seed := sha256.Sum256([]byte("ledger test"))
	h := &house{t: t, db: db, key: ed25519.NewKeyFromSeed(seed[:]), now: noon}
	h.restart()
	return h
}

// restart forgets everything that memory holds.
func (h *house) restart() { h.s = h.fresh() }

// fresh is another service on the same rows.
func (h *house) fresh() *Service {
	return New(h.db, h.clock, func() ed25519.PrivateKey { return h.key })
}

func (h *house) clock() time.Time {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.now
}

func (h *house) pass(d time.Duration) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.now = h.now.Add(d)
}

func (h *house) pub() ed25519.PublicKey { return h.key.Public().(ed25519.PublicKey) }

func (h *house) write(fn func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) open(ids ...ID) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		for _, id := range ids {
			if err := h.s.Create(tx, ours(id)); err != nil {
				return err
			}
		}
		return nil
	})
}

func ours(id ID) Info {
	return Info{ID: id, Agreement: "a0", Owner: news.Root(strings.Repeat("1", 64)), Own: true, Origin: origin(id)}
}

func origin(id ID) string { return protocol.Origin("north.example", string(id)) }

// draft is a record that tells a word.
func draft(word string) Draft {
	return Draft{Type: "item.release", About: "newspool://north.example/item/" + word, Body: map[string]string{"word": word}}
}

// say appends one record for each word.
func (h *house) say(id ID, words ...string) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		for _, w := range words {
			if _, err := h.s.Append(tx, id, draft(w)); err != nil {
				return err
			}
		}
		return nil
	})
}

// told is a draft with contents, which are kept first.
func told(tx *store.Tx, word string, contents ...string) (Draft, error) {
	d := draft(word)
	for _, c := range contents {
		cid, err := content.Put(tx, "text/plain", "en", []byte(c))
		if err != nil {
			return d, err
		}
		d.Contents = append(d.Contents, Content{ID: cid, Bytes: []byte(c), Type: "text/plain", Lang: "en"})
	}
	return d, nil
}

// tell appends a record with contents.
func (h *house) tell(id ID, word string, contents ...string) Position {
	h.t.Helper()
	var p Position
	h.write(func(tx *store.Tx) error {
		d, err := told(tx, word, contents...)
		if err != nil {
			return err
		}
		p, err = h.s.Append(tx, id, d)
		return err
	})
	return p
}

// many appends n short records, a thousand in a transaction.
func (h *house) many(id ID, n int) {
	h.t.Helper()
	for from := 0; from < n; from += 1000 {
		h.write(func(tx *store.Tx) error {
			for i := from; i < min(n, from+1000); i++ {
				if _, err := h.s.Append(tx, id, Draft{Type: "item.use", Body: i}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

// words are the words of all records of a ledger, from its rows.
func (h *house) words(id ID) []string {
	h.t.Helper()
	var out []string
	err := h.db.Read(context.Background(), func(r store.Reader) error {
		i, err := Get(r, id)
		if err != nil {
			return err
		}
		records, err := Records(r, id, 0, 1<<40)
		if err != nil {
			return err
		}
		if int64(len(records)) != i.Size {
			return fmt.Errorf("%d records, the row says %d", len(records), i.Size)
		}
		for _, b := range records {
			rec, err := protocol.ParseRecord(b)
			if err != nil {
				return err
			}
			out = append(out, rec.About[len("newspool://north.example/item/"):])
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return out
}

func wantWords(t testing.TB, h *house, id ID, want ...string) {
	t.Helper()
	if got := h.words(id); strings.Join(got, " ") != strings.Join(want, " ") {
		t.Errorf("ledger %s holds %q, want %q", id, got, want)
	}
}

// agree fails unless what memory tells of a ledger is what its rows say: head, checkpoint, hashes.
func (h *house) agree(ids ...ID) {
	h.t.Helper()
	ctx := context.Background()
	for _, id := range ids {
		cp, note, err := h.s.Checkpoint(ctx, id)
		if err != nil {
			h.t.Fatal(err)
		}
		info, err := h.s.Info(ctx, id)
		if err != nil {
			h.t.Fatal(err)
		}
		var e protocol.Edge
		tiles := map[string]protocol.Hash{}
		err = h.db.Read(ctx, func(r store.Reader) error {
			records, err := Records(r, id, 0, 1<<40)
			for _, b := range records {
				for _, x := range e.Add(protocol.LeafHash(b)) {
					tiles[fmt.Sprint(x.Level, "/", x.Index)] = x.Hash
				}
			}
			if err != nil {
				return err
			}
			var rows int
			if err := r.QueryRow(`SELECT COUNT(*) FROM ledger_tile WHERE ledger = $1`, string(id)).Scan(&rows); err != nil {
				return err
			}
			if rows != len(tiles) {
				h.t.Errorf("ledger %s has %d tile rows, want %d", id, rows, len(tiles))
			}
			at, err := EdgeAt(r, id, e.Size)
			if err != nil || at.Root() != e.Root() {
				h.t.Errorf("ledger %s: the edge from its hashes is another one: %v", id, err)
			}
			return nil
		})
		if err != nil {
			h.t.Fatal(err)
		}
		if cp.Size != e.Size || cp.Root != e.Root() || info.Size != e.Size || info.Root() != e.Root() {
			h.t.Errorf("ledger %s: memory tells %d %v, the row %d %v, the records %d %v", id, cp.Size, cp.Root, info.Size, info.Root(), e.Size, e.Root())
		}
		opened, err := protocol.OpenCheckpoint(note, origin(id), h.pub())
		if err != nil || opened != cp {
			h.t.Errorf("ledger %s: checkpoint %+v, %v", id, opened, err)
		}
	}
}

// together has closures share one transaction, if nothing goes wrong, and gives their errors.
func together(t testing.TB, db *store.DB, fns ...func(tx *store.Tx) error) []error {
	t.Helper()
	gate, inside := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() {
		err := db.Write(context.Background(), func(*store.Tx) error {
			close(inside)
			<-gate
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
	<-inside
	errs := make([]error, len(fns))
	for i, fn := range fns {
		wg.Go(func() { errs[i] = db.Write(context.Background(), fn) })
		for db.Waiting() != i+1 {
			time.Sleep(50 * time.Microsecond)
		}
	}
	close(gate)
	wg.Wait()
	return errs
}

// await fails where nothing comes for a long time.
func await(t testing.TB, c <-chan struct{}) {
	t.Helper()
	select {
	case <-c:
	case <-time.After(time.Minute):
		t.Fatal("nobody was woken")
	}
}

var errMine = errors.New("mine")

// breaker makes storage fail at one call.
type breaker struct {
	mu    sync.Mutex
	op    string
	after int // calls that still succeed
	hit   bool
}

var errDisk = errors.New("the disk is gone")

func (b *breaker) fault(op string) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.op != op {
		return nil
	}
	if b.after--; b.after >= 0 {
		return nil
	}
	b.op, b.hit = "", true
	return errDisk
}

func (b *breaker) arm(op string, after int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.op, b.after, b.hit = op, after, false
}

// disarm says whether the failure happened.
func (b *breaker) disarm() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.op = ""
	return b.hit
}

// eachBroken is storetest.Each for databases that can be made to fail.
func eachBroken(t *testing.T, fn func(t *testing.T, h *house, b *breaker)) {
	for _, e := range storetest.Engines() {
		t.Run(string(e), func(t *testing.T) {
			b := &breaker{}
			db := storetest.OpenWith(t, store.Options{URL: storetest.URL(t, e), Migrations: tables(), Fault: b.fault})
			fn(t, newHouse(t, db), b)
		})
	}
}

func each(t *testing.T, fn func(t *testing.T, h *house)) {
	storetest.Each(t, tables(), func(t *testing.T, db *store.DB) { fn(t, newHouse(t, db)) })
}
