package storetest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"

	"newspool/internal/fault"
	"newspool/internal/store"
)

// Run is what both engines have to pass: everything that package store promises. It has to be called by a test function that
// does nothing else, as it starts the test program again to kill it.
func Run(t *testing.T, engine store.Engine) {
	if url := os.Getenv(childURL); url != "" {
		writeUntilKilled(url)
		return
	}
	for _, c := range []struct {
		name string
		test func(*testing.T, bench)
	}{
		{"values", values},
		{"refused values", refusedValues},
		{"rows", rows},
		{"order of texts", textOrder},
		{"group", groupKeepsNeighbours},
		{"group after questions", groupAfterQuestions},
		{"group of failures", groupOfFailures},
		{"undo", undoOrder},
		{"commit order", commitOrder},
		{"exec one", execOne},
		{"exec one in a group", execOneInGroup},
		{"unique", unique},
		{"ignored error", ignoredError},
		{"foreign key", foreignKey},
		{"snapshot", snapshot},
		{"reads write nothing", readsWriteNothing},
		{"before commit", beforeCommit},
		{"before commit fails", beforeCommitFails},
		{"values of a group", groupValues},
		{"storage fails", storageFails},
		{"commit unknown", commitUnknown},
		{"every call fails", everyCallFails},
		{"context", contexts},
		{"after the end", afterTheEnd},
		{"goroutine ends", goroutineEnds},
		{"close", closing},
		{"two instances", twoInstances},
		{"migrations", migrations},
		{"kill", kill},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, bench{engine}) })
	}
}

// bench makes databases for one case.
type bench struct{ engine store.Engine }

// things is the schema of the suite.
func things() []store.Migration {
	return []store.Migration{{Package: "things", Files: fstest.MapFS{"0001_things.sql": {Data: []byte(`
CREATE TABLE thing (
	id TEXT PRIMARY KEY,
	n BIGINT NOT NULL DEFAULT 0,
	data BYTEA,
	flag BOOLEAN NOT NULL DEFAULT FALSE,
	ratio DOUBLE PRECISION,
	note TEXT
);
CREATE UNIQUE INDEX thing_note ON thing (note) WHERE note IS NOT NULL;
CREATE TABLE part ( -- sqlite: without rowid
	thing TEXT NOT NULL REFERENCES thing (id),
	place BIGINT NOT NULL,
	PRIMARY KEY (thing, place)
);
`)}}}}
}

func (b bench) open(t *testing.T) *store.DB { return b.openWith(t, store.Options{}) }

func (b bench) openWith(t *testing.T, o store.Options) *store.DB {
	t.Helper()
	if o.URL == "" {
		o.URL = URL(t, b.engine)
	}
	if o.Migrations == nil {
		o.Migrations = things()
	}
	return OpenWith(t, o)
}

const (
	insertThing = `INSERT INTO thing (id, n) VALUES ($1, $2)`
	insertNote  = `INSERT INTO thing (id, note) VALUES ($1, $2)`
	swapThing   = `UPDATE thing SET n = $1 WHERE id = $2 AND n = $3`
	selectThing = `SELECT n FROM thing WHERE id = $1`
)

func write(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(t.Context(), fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}

// ids lists what is stored.
func ids(t *testing.T, db *store.DB) []string {
	t.Helper()
	var list []string
	err := db.Read(t.Context(), func(r store.Reader) error {
		rows, err := r.Query(`SELECT id FROM thing ORDER BY id`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id string
			if err := rows.Scan(&id); err != nil {
				return err
			}
			list = append(list, id)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatalf("read: %v", err)
	}
	return list
}

func wantIDs(t *testing.T, db *store.DB, want ...string) {
	t.Helper()
	if got := ids(t, db); !slices.Equal(got, want) {
		t.Errorf("stored %q, want %q", got, want)
	}
}

// together has the closures share one transaction, in this order, and gives the error of each.
func together(t *testing.T, db *store.DB, fns ...func(tx *store.Tx) error) []error {
	t.Helper()
	return togetherOnce(t, db, func() {}, fns...)
}

// togetherOnce is together, and calls ready when all wait.
func togetherOnce(t *testing.T, db *store.DB, ready func(), fns ...func(tx *store.Tx) error) []error {
	t.Helper()
	var wg sync.WaitGroup
	begun, goOn := make(chan struct{}), make(chan struct{})
	wg.Go(func() {
		_ = db.Write(t.Context(), func(*store.Tx) error {
			close(begun)
			<-goOn
			return nil
		})
	})
	<-begun
	errs := make([]error, len(fns))
	for i, fn := range fns {
		wg.Go(func() { errs[i] = db.Write(t.Context(), fn) })
		for db.Waiting() <= i {
			runtime.Gosched()
		}
	}
	ready()
	close(goOn)
	wg.Wait()
	return errs
}

func put(id string) func(*store.Tx) error {
	return func(tx *store.Tx) error { return tx.Exec(insertThing, id, 1) }
}

func wantKey(t *testing.T, err error, key string) {
	t.Helper()
	if f := fault.Of(err); err == nil || f.Key != key || !fault.Is(err, fault.Unavailable) {
		t.Errorf("error %v, want an unavailable %s", err, key)
	}
}

// breaker fails storage calls on demand.
type breaker struct {
	op  atomic.Pointer[string]
	err error
}

func (b *breaker) fault(op string) error {
	if p := b.op.Load(); p != nil && *p == op {
		return b.err
	}
	return nil
}

func (b *breaker) set(op string) { b.op.Store(&op) }

var errDisk = errors.New("the disk has gone")

func twoInstances(t *testing.T, b bench) {
	url := URL(t, b.engine)
	dbs := []*store.DB{b.openWith(t, store.Options{URL: url}), b.openWith(t, store.Options{URL: url})}
	write(t, dbs[0], put("counter"))
	const each = 20
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for range each {
				err := dbs[i%2].Write(context.Background(), func(tx *store.Tx) error {
					var n int64
					if err := tx.QueryRow(selectThing, "counter").Scan(&n); err != nil {
						return err
					}
					return tx.ExecOne(swapThing, n+1, "counter", n)
				})
				if err != nil {
					t.Errorf("write: %v", err)
				}
			}
		})
	}
	wg.Wait()
	var n int64
	if err := dbs[1].Read(t.Context(), func(r store.Reader) error { return r.QueryRow(selectThing, "counter").Scan(&n) }); err != nil {
		t.Fatal(err)
	}
	if n != 4*each+1 {
		t.Errorf("counted %d, want %d", n, 4*each+1)
	}
}

func closing(t *testing.T, b bench) {
	db := b.open(t)
	var wg sync.WaitGroup
	var stored atomic.Int64
	for i := range 50 {
		wg.Go(func() {
			switch err := db.Write(t.Context(), put(fmt.Sprint(i))); {
			case err == nil:
				stored.Add(1)
			case !errors.Is(err, store.ErrClosed):
				t.Errorf("write: %v", err)
			}
		})
	}
	if err := db.Close(); err != nil {
		t.Fatalf("close: %v", err)
	}
	wg.Wait()
	if err := db.Write(t.Context(), put("late")); !errors.Is(err, store.ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
	if err := db.Read(t.Context(), func(store.Reader) error { return nil }); err == nil {
		t.Error("read after close works")
	}
	if err := db.Close(); err != nil {
		t.Errorf("second close: %v", err)
	}
}
