// Package storetest gives tests a real database, of either engine, and holds the suite that both engines have to pass.
//
// SQLite is always used, in the folder of the test. PostgreSQL is used as well when NEWSPOOL_TEST_BOTH=1 is set: the server that
// NEWSPOOL_TEST_POSTGRES names (a URL whose user may make databases), else one that the test process starts for itself out of
// Debian's package and that ends with it. Without either a test fails; it is not left out. Each test has a database of its own.
package storetest

import (
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"

	"newspool/internal/store"
)

// Both reports whether this run is to try PostgreSQL as well.
func Both() bool { return os.Getenv("NEWSPOOL_TEST_BOTH") == "1" }

// sayOnce tells once in a process which engines are used.
var sayOnce = sync.OnceFunc(func() {
	if !Both() {
		_, _ = io.WriteString(os.Stderr, "storetest: SQLite only; NEWSPOOL_TEST_BOTH=1 tries PostgreSQL as well\n")
	}
})

// Engines lists the engines of this run.
func Engines() []store.Engine {
	sayOnce()
	if Both() {
		return []store.Engine{store.SQLite, store.PostgreSQL}
	}
	return []store.Engine{store.SQLite}
}

// Open opens a fresh SQLite database, migrated, that is closed with the test.
func Open(t testing.TB, migrations ...store.Migration) *store.DB {
	t.Helper()
	return OpenWith(t, store.Options{URL: URL(t, store.SQLite), Migrations: migrations})
}

// OpenWith opens what the options say; it is closed with the test.
func OpenWith(t testing.TB, o store.Options) *store.DB {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.NewTextHandler(t.Output(), nil))
	}
	db, err := store.Open(context.Background(), o)
	if err != nil {
		t.Fatalf("open: %v", err)
	}
	t.Cleanup(func() {
		if err := db.Close(); err != nil {
			t.Errorf("close: %v", err)
		}
	})
	return db
}

// Each runs fn on a fresh database of each engine of this run.
func Each(t *testing.T, migrations []store.Migration, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	for _, e := range Engines() {
		t.Run(string(e), func(t *testing.T) {
			fn(t, OpenWith(t, store.Options{URL: URL(t, e), Migrations: migrations}))
		})
	}
}

// URL names a fresh, empty database that goes with the test.
func URL(t testing.TB, engine store.Engine) string {
	t.Helper()
	if engine == store.PostgreSQL {
		return postgresURL(t)
	}
	return "sqlite:" + filepath.Join(t.TempDir(), "newspool.db")
}
