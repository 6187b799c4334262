package store_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"newspool/internal/fault"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// rowSchema is one table with an ID and bytes.
func rowSchema() []store.Migration {
	return []store.Migration{{Package: "rows", Files: fstest.MapFS{"0001_row.sql": {Data: []byte(
		`CREATE TABLE row (id TEXT PRIMARY KEY, at_us BIGINT NOT NULL, body BYTEA NOT NULL);`)}}}}
}

const insertRow = `INSERT INTO row (id, at_us, body) VALUES ($1, $2, $3)`

func put(db *store.DB, id string, body []byte) error {
	return db.Write(context.Background(), func(tx *store.Tx) error { return tx.Exec(insertRow, id, 1, body) })
}

func count(t *testing.T, db *store.DB) (n int) {
	t.Helper()
	err := db.Read(t.Context(), func(r store.Reader) error { return r.QueryRow(`SELECT count(*) FROM row`).Scan(&n) })
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// openIn opens a database in a folder of its own.
func openIn(t *testing.T) (*store.DB, string) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "data ?#%41")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	db := storetest.OpenWith(t, store.Options{URL: "sqlite:" + filepath.Join(dir, "newspool.db"), Migrations: rowSchema()})
	return db, dir
}

func TestFiles(t *testing.T) {
	db, dir := openIn(t)
	if err := put(db, "a", []byte("x")); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"newspool.db", "newspool.db-wal"} {
		info, err := os.Stat(filepath.Join(dir, name))
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v %v", name, info, err)
		}
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	left, err := os.ReadDir(dir)
	if err != nil || len(left) != 1 {
		t.Errorf("after close: %v %v", left, err)
	}
	head, err := os.ReadFile(filepath.Join(dir, "newspool.db"))
	if err != nil || string(head[16:18]) != "\x40\x00" {
		t.Errorf("the page size is % x: %v", head[16:18], err)
	}
}

// TestErased: what was deleted is not in the files any more after close.
func TestErased(t *testing.T) {
	db, dir := openIn(t)
	secret := strings.Repeat("Avand News, withdrawn", 4)
	if err := put(db, "a", []byte(secret)); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.ExecOne(`DELETE FROM row WHERE id = $1`, "a") })
	if err = errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	if all, err := os.ReadFile(filepath.Join(dir, "newspool.db")); err != nil || strings.Contains(string(all), "withdrawn") {
		t.Errorf("it is still there: %v", err)
	}
}

func TestFolderGoesAndComesBack(t *testing.T) {
	db, dir := openIn(t)
	if err := put(db, "a", nothing); err != nil {
		t.Fatal(err)
	}
	away := dir + " away"
	if err := os.Rename(dir, away); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := put(db, "lost", nothing); fault.Of(err).Key != "fault.database" || !fault.Is(err, fault.Unavailable) {
			t.Errorf("without its folder: %v", err)
		}
	}
	if err := os.Rename(away, dir); err != nil {
		t.Fatal(err)
	}
	if err := put(db, "b", nothing); err != nil {
		t.Errorf("after it came back: %v", err)
	}
	// Another file in its place is not written to.
	file := filepath.Join(dir, "newspool.db")
	if err := errors.Join(os.Rename(file, file+".old"), os.WriteFile(file, nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	if err := put(db, "c", nothing); fault.Of(err).Key != "fault.database" {
		t.Errorf("another file: %v", err)
	}
	if err := os.Rename(file+".old", file); err != nil {
		t.Fatal(err)
	}
	if err := put(db, "d", nothing); err != nil {
		t.Errorf("after the right file came back: %v", err)
	}
	if n := count(t, db); n != 3 {
		t.Errorf("%d rows", n)
	}
}

var nothing = []byte{}

func TestDiskFull(t *testing.T) {
	db, _ := openIn(t)
	if err := put(db, "a", nothing); err != nil {
		t.Fatal(err)
	}
	err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(`PRAGMA max_page_count = 8`).Scan(new(int)) })
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 1<<20)
	if err := put(db, "large", large); fault.Of(err).Key != "fault.disk_full" || !fault.Is(err, fault.Unavailable) {
		t.Errorf("full: %v", err)
	}
	if err := put(db, "large", large); err != nil { // the store took a fresh connection, which has no limit
		t.Errorf("after the disk had room again: %v", err)
	}
	if n := count(t, db); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestOpenFails(t *testing.T) {
	dir := t.TempDir()
	garbage := filepath.Join(dir, "garbage.db")
	if err := os.WriteFile(garbage, []byte(strings.Repeat("no database ", 1000)), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		url  string
		kind fault.Kind
	}{
		"no folder":  {"sqlite:" + filepath.Join(dir, "no", "newspool.db"), fault.Unavailable},
		"a folder":   {"sqlite:" + dir, fault.Unavailable},
		"garbage":    {"sqlite:" + garbage, fault.Unavailable},
		"no engine":  {"mysql://localhost/newspool", fault.Invalid},
		"nothing":    {"", fault.Invalid},
		"no server":  {"postgres://127.0.0.1:1/newspool", fault.Unavailable},
		"a bad name": {"postgres://%zz", fault.Unavailable},
	} {
		if db, err := store.Open(t.Context(), store.Options{URL: c.url}); !fault.Is(err, c.kind) {
			t.Errorf("%s: %v %v", name, db, err)
		}
	}
}

// TestLogStaysSmall writes more than the log of SQLite may hold, without a pause.
func TestLogStaysSmall(t *testing.T) {
	db, dir := openIn(t)
	body := make([]byte, 8<<20)
	for i := range 20 {
		if err := put(db, fmt.Sprint(i), body); err != nil {
			t.Fatal(err)
		}
		err := db.Write(t.Context(), func(tx *store.Tx) error { return tx.ExecOne(`DELETE FROM row WHERE id = $1`, fmt.Sprint(i)) })
		if err != nil {
			t.Fatal(err)
		}
	}
	info, err := os.Stat(filepath.Join(dir, "newspool.db-wal"))
	if err != nil || info.Size() > 160<<20 {
		t.Errorf("the log has %d MiB: %v", info.Size()>>20, err)
	}
	t.Logf("the log has %d MiB", info.Size()>>20)
}
