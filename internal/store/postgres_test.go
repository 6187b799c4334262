package store_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"

	"newspool/internal/fault"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

// line is a connection to the server that can be cut.
type line struct {
	server string
	l      net.Listener
	down   atomic.Bool
	hush   atomic.Bool // the next answer of the server is lost, and the connection with it

	mu    sync.Mutex
	conns []net.Conn
}

// openLine puts a line between a database and its URL.
func openLine(t *testing.T, at string) (*line, string) {
	t.Helper()
	u, err := url.Parse(at)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln := &line{server: u.Host, l: l}
	go ln.serve()
	t.Cleanup(func() { _ = l.Close(); ln.cut() })
	u.Host = l.Addr().String()
	return ln, u.String()
}

func (ln *line) serve() {
	for {
		client, err := ln.l.Accept()
		if err != nil {
			return
		}
		if ln.down.Load() {
			_ = client.Close()
			continue
		}
		server, err := net.Dial("tcp", ln.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		ln.mu.Lock()
		ln.conns = append(ln.conns, client, server)
		ln.mu.Unlock()
		go func() { _, _ = io.Copy(server, client); _ = server.Close() }()
		go ln.answers(client, server)
	}
}

func (ln *line) answers(client, server net.Conn) {
	defer client.Close()
	b := make([]byte, 64<<10)
	for {
		n, err := server.Read(b)
		if err != nil || ln.hush.CompareAndSwap(true, false) {
			return
		}
		if _, err := client.Write(b[:n]); err != nil {
			return
		}
	}
}

// cut ends all connections.
func (ln *line) cut() {
	ln.mu.Lock()
	defer ln.mu.Unlock()
	for _, c := range ln.conns {
		_ = c.Close()
	}
	ln.conns = nil
}

// onPostgres runs the test in a run that tries both engines.
func onPostgres(t *testing.T, test func(t *testing.T, at string)) {
	t.Helper()
	if !storetest.Both() {
		t.Log("left out: NEWSPOOL_TEST_BOTH=1 tries PostgreSQL")
		return
	}
	test(t, storetest.URL(t, store.PostgreSQL))
}

func TestAnswerToCommitIsLost(t *testing.T) { onPostgres(t, answerToCommitIsLost) }

func answerToCommitIsLost(t *testing.T, direct string) {
	ln, at := openLine(t, direct)
	db := storetest.OpenWith(t, store.Options{URL: at, Migrations: rowSchema()})
	if err := put(db, "a", nothing); err != nil {
		t.Fatal(err)
	}
	ran, undone := 0, 0
	ln.hush.Store(true)
	err := db.Write(t.Context(), func(tx *store.Tx) error {
		ran++
		tx.OnUndo(func() { undone++ })
		return tx.Exec(insertRow, "b", 1, nothing)
	})
	if !errors.Is(err, store.ErrCommitUnknown) || !fault.Is(err, fault.Unavailable) || ran != 1 || undone != 1 {
		t.Errorf("%v; ran %d, undone %d", err, ran, undone)
	}
	if err := put(db, "c", nothing); err != nil {
		t.Errorf("after that: %v", err)
	}
	if n := count(t, db); n != 3 {
		t.Errorf("%d rows", n)
	}
}

// TestConnectionIsLostBeforeTheCommit: nothing was committed, so the closures run again by themselves.
func TestConnectionIsLostBeforeTheCommit(t *testing.T) {
	onPostgres(t, connectionIsLostBeforeTheCommit)
}

func connectionIsLostBeforeTheCommit(t *testing.T, direct string) {
	ln, at := openLine(t, direct)
	db := storetest.OpenWith(t, store.Options{URL: at, Migrations: rowSchema()})
	for what, lose := range map[string]func(){
		"the line": ln.cut,
		"the session": func() {
			conn, err := pgx.Connect(context.Background(), direct)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close(context.Background())
			_, err = conn.Exec(context.Background(), `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
				WHERE datname = current_database() AND pid <> pg_backend_pid() AND state = 'idle in transaction'`)
			if err != nil {
				t.Error(err)
			}
		},
	} {
		ran, undone := 0, 0
		err := db.Write(t.Context(), func(tx *store.Tx) error {
			ran++
			tx.OnUndo(func() { undone++ })
			if err := tx.Exec(insertRow, what, 1, nothing); err != nil {
				return err
			}
			var n int
			if err := tx.QueryRow(`SELECT count(*) FROM row`).Scan(&n); err != nil {
				return err
			}
			if ran == 1 {
				lose()
			}
			return tx.QueryRow(`SELECT count(*) FROM row`).Scan(&n)
		})
		if err != nil || ran != 2 || undone != 1 {
			t.Errorf("%s: %v; ran %d, undone %d", what, err, ran, undone)
		}
	}
	if n := count(t, db); n != 2 {
		t.Errorf("%d rows", n)
	}
}

func TestServerGoesAndComesBack(t *testing.T) { onPostgres(t, serverGoesAndComesBack) }

func serverGoesAndComesBack(t *testing.T, direct string) {
	ln, at := openLine(t, direct)
	db := storetest.OpenWith(t, store.Options{URL: at, Migrations: rowSchema()})
	ln.down.Store(true)
	ln.cut()
	for i := range 3 {
		err := put(db, "lost", nothing)
		if !fault.Is(err, fault.Unavailable) || i > 0 && fault.Of(err).Key != "fault.database" {
			t.Errorf("without a server: %v", err)
		}
		err = db.Read(t.Context(), func(r store.Reader) error { return r.QueryRow(`SELECT 1`).Scan(new(int)) })
		if fault.Of(err).Key != "fault.database" {
			t.Errorf("without a server, read: %v", err)
		}
	}
	ln.down.Store(false)
	for put(db, "b", nothing) != nil { // it does not try at once
		if t.Context().Err() != nil {
			t.Fatal("it does not come back")
		}
	}
	if n := count(t, db); n != 1 {
		t.Errorf("%d rows", n)
	}
}

func TestServerIsNotDurable(t *testing.T) { onPostgres(t, serverIsNotDurable) }

func serverIsNotDurable(t *testing.T, direct string) {
	u, err := url.Parse(direct)
	if err != nil {
		t.Fatal(err)
	}
	q := u.Query()
	q.Set("synchronous_commit", "off")
	u.RawQuery = q.Encode()
	db := storetest.OpenWith(t, store.Options{URL: u.String(), Migrations: rowSchema()})
	var mode string
	err = db.Write(t.Context(), func(tx *store.Tx) error { return tx.QueryRow(`SHOW synchronous_commit`).Scan(&mode) })
	if err != nil || mode != "on" {
		t.Errorf("%q %v", mode, err)
	}
}
