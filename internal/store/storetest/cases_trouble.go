package storetest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/fstest"

	"newspool/internal/store"
)

func snapshot(t *testing.T, b bench) {
	db := b.open(t)
	write(t, db, put("a"))
	err := db.Read(t.Context(), func(r store.Reader) error {
		count := func() (n int) {
			if err := r.QueryRow(`SELECT count(*) FROM thing`).Scan(&n); err != nil {
				t.Errorf("count: %v", err)
			}
			return n
		}
		before := count()
		write(t, db, put("b"))
		if n := count(); before != 1 || n != 1 {
			t.Errorf("the snapshot went from %d to %d", before, n)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	wantIDs(t, db, "a", "b")
}

func readsWriteNothing(t *testing.T, b bench) {
	db := b.open(t)
	err := db.Read(t.Context(), func(r store.Reader) error {
		return r.QueryRow(`INSERT INTO thing (id) VALUES ($1) RETURNING n`, "a").Scan(new(int64))
	})
	if err == nil {
		t.Error("a read has written")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := db.Read(ctx, func(r store.Reader) error { return r.QueryRow(`SELECT 1`).Scan(new(int64)) }); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	wantIDs(t, db)
}

func storageFails(t *testing.T, b bench) {
	for _, c := range []struct {
		name, op, key string
		err           error
	}{
		{"begin", "begin", "fault.database", errDisk},
		{"exec", "exec", "fault.database", errDisk},
		{"query", "query", "fault.database", errDisk},
		{"commit", "commit-before", "fault.database", errDisk},
		{"full", "commit-before", "fault.disk_full", fmt.Errorf("write: %w", syscall.ENOSPC)},
		{"full early", "exec", "fault.disk_full", fmt.Errorf("write: %w", syscall.ENOSPC)},
	} {
		t.Run(c.name, func(t *testing.T) {
			br := &breaker{err: c.err}
			db := b.openWith(t, store.Options{Fault: br.fault})
			write(t, db, put("a"))
			br.set(c.op)
			undone := atomic.Int64{}
			try := func(tx *store.Tx) error {
				tx.OnUndo(func() { undone.Add(1) })
				tx.OnCommit(func() { t.Error("OnCommit without a commit") })
				if err := tx.Exec(insertThing, "b", 1); err != nil {
					return err
				}
				return tx.QueryRow(selectThing, "a").Scan(new(int64))
			}
			wantKey(t, db.Write(t.Context(), try), c.key)
			br.set("")
			for _, err := range togetherOnce(t, db, func() { br.set(c.op) }, try, try) {
				wantKey(t, err, c.key)
			}
			if c.op != "begin" && undone.Load() < 3 {
				t.Errorf("undone %d times", undone.Load())
			}
			br.set("")
			wantIDs(t, db, "a")
			write(t, db, put("c"))
			wantIDs(t, db, "a", "c")
		})
	}
}

func commitUnknown(t *testing.T, b bench) {
	br := &breaker{err: errDisk}
	db := b.openWith(t, store.Options{Fault: br.fault})
	undone := atomic.Int64{}
	runs := atomic.Int64{}
	do := func(id string) func(*store.Tx) error {
		return func(tx *store.Tx) error {
			runs.Add(1)
			tx.OnUndo(func() { undone.Add(1) })
			tx.OnCommit(func() { t.Error("OnCommit after an unknown commit") })
			return put(id)(tx)
		}
	}
	errs := togetherOnce(t, db, func() { br.set("commit-after") }, do("a"), func(*store.Tx) error { return errMine }, do("b"))
	if !errors.Is(errs[0], store.ErrCommitUnknown) || !errors.Is(errs[0], errDisk) || !errors.Is(errs[1], errMine) || !errors.Is(errs[2], store.ErrCommitUnknown) {
		t.Errorf("errors %v", errs)
	}
	wantKey(t, errs[0], "fault.commit_unknown")
	if undone.Load() != 2 || runs.Load() != 2 {
		t.Errorf("undone %d, run %d times", undone.Load(), runs.Load())
	}
	br.set("")
	wantIDs(t, db, "a", "b")
	write(t, db, put("c"))
}

// everyCallFails has each storage call in turn fail once, with eight writers, and compares what was promised with what is stored.
func everyCallFails(t *testing.T, b bench) {
	var calls, failAt atomic.Int64
	db := b.openWith(t, store.Options{MaxGroup: 4, Fault: func(op string) error {
		if calls.Add(1) == failAt.Load() {
			return errDisk
		}
		return nil
	}})
	must, may := map[string]bool{}, map[string]bool{}
	var mu sync.Mutex
	// Which call is which depends on how the writers fall together: it goes on until an unknown commit was among them.
	for at := int64(0); at < 40 || (len(may) == 0 && at < 1000); at++ {
		calls.Store(0)
		failAt.Store(at%40 + 1)
		var wg sync.WaitGroup
		for i := range 8 {
			wg.Go(func() {
				id := fmt.Sprintf("%03d %d", at, i)
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					if err := tx.Exec(insertThing, id, 1); err != nil {
						return err
					}
					return tx.ExecOne(swapThing, 2, id, 1)
				})
				mu.Lock()
				defer mu.Unlock()
				switch {
				case err == nil:
					must[id] = true
				case errors.Is(err, store.ErrCommitUnknown):
					may[id] = true
				}
			})
		}
		wg.Wait()
	}
	failAt.Store(0)
	stored := ids(t, db)
	for id := range must {
		if !slices.Contains(stored, id) {
			t.Errorf("%s was lost", id)
		}
	}
	for _, id := range stored {
		if !must[id] && !may[id] {
			t.Errorf("%s was stored and reported as not stored", id)
		}
	}
	if len(must) < 200 || len(may) == 0 {
		t.Errorf("%d stored, %d unknown", len(must), len(may))
	}
}

func contexts(t *testing.T, b bench) {
	db := b.open(t)
	ctx, cancel := context.WithCancel(context.WithValue(t.Context(), errMine, "value"))
	err := db.Write(ctx, func(tx *store.Tx) error {
		cancel()
		if tx.Context().Err() != nil || tx.Context().Value(errMine) != "value" {
			t.Error("the context of the transaction is not the caller's, without its end")
		}
		if err := db.Write(tx.Context(), put("inner")); err == nil {
			t.Error("a write inside a write")
		}
		if err := put("a")(tx); err != nil {
			return err
		}
		return tx.QueryRow(selectThing, "a").Scan(new(int64))
	})
	if err != nil {
		t.Errorf("a write whose caller has gone: %v", err)
	}
	if err := db.Write(ctx, put("b")); !errors.Is(err, context.Canceled) {
		t.Errorf("a caller that had gone before: %v", err)
	}
	wantIDs(t, db, "a")
}

func afterTheEnd(t *testing.T, b bench) {
	db := b.open(t)
	var kept *store.Tx
	write(t, db, func(tx *store.Tx) error { kept = tx; return put("a")(tx) })
	if kept.Exec(insertThing, "b", 1) == nil || kept.QueryRow(selectThing, "a").Scan(new(int64)) == nil {
		t.Error("a transaction works after its end")
	}
	var r store.Reader
	if err := db.Read(t.Context(), func(in store.Reader) error { r = in; return nil }); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Query(selectThing, "a"); err == nil {
		t.Error("a reader works after its end")
	}
	wantIDs(t, db, "a")
}

func goroutineEnds(t *testing.T, b bench) {
	db := b.open(t)
	undone := false
	errs := together(t, db, put("a"), func(tx *store.Tx) error {
		tx.OnUndo(func() { undone = true })
		_ = put("b")(tx)
		if _, err := tx.Query(`SELECT id FROM thing`); err != nil {
			return err
		}
		runtime.Goexit()
		return nil
	}, put("c"))
	if errs[0] == nil || errs[1] == nil || errs[2] == nil || !undone {
		t.Errorf("errors %v, undone %v", errs, undone)
	}
	write(t, db, put("d"))
	wantIDs(t, db, "d")
}

func migrations(t *testing.T, b bench) {
	url := URL(t, b.engine)
	files := fstest.MapFS{
		"0001_first.sql":           {Data: []byte("CREATE TABLE first (id TEXT PRIMARY KEY, json TEXT, at_us BIGINT NOT NULL);")},
		"0002_second.sqlite.sql":   {Data: []byte("CREATE TABLE second (id TEXT PRIMARY KEY) STRICT;")},
		"0002_second.postgres.sql": {Data: []byte("CREATE TABLE second (id TEXT PRIMARY KEY);")},
	}
	open := func(files fstest.MapFS, more ...store.Migration) error {
		db, err := store.Open(t.Context(), store.Options{URL: url, Migrations: append([]store.Migration{{Package: "p", Files: files}}, more...)})
		if err != nil {
			return err
		}
		defer db.Close()
		return db.Write(t.Context(), func(tx *store.Tx) error {
			return errors.Join(tx.Exec(`DELETE FROM first`), tx.Exec(`DELETE FROM second`))
		})
	}
	with := func(path, text string) fstest.MapFS {
		f := maps.Clone(files)
		if text == "" {
			delete(f, path)
		} else {
			f[path] = &fstest.MapFile{Data: []byte(text)}
		}
		return f
	}
	if err := errors.Join(open(files), open(files)); err != nil {
		t.Fatalf("open twice: %v", err)
	}
	bad := with("0003_bad.sql", "CREATE TABLE third (id TEXT PRIMARY KEY); INSERT INTO first (id, at_us) VALUES ('x', 1); CREATE TABLE oops (")
	if err := open(bad); err == nil {
		t.Error("a bad step was taken")
	}
	if err := open(with("0003_third.sql", "CREATE TABLE third (id TEXT PRIMARY KEY);")); err != nil {
		t.Errorf("after a bad step: %v", err)
	}
	if err := open(files); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("an older program: %v", err)
	}
	if err := open(with("0003_third.sql", "CREATE TABLE third (id TEXT PRIMARY KEY, n BIGINT);")); err == nil {
		t.Error("a changed step was taken")
	}
	files = with("0003_third.sql", "CREATE TABLE third (id TEXT PRIMARY KEY);")
	other := store.Migration{Package: "q", Files: fstest.MapFS{"0001_q.sql": {Data: []byte("CREATE TABLE q (id TEXT PRIMARY KEY REFERENCES third (id));")}}}
	if err := open(files, other); err != nil {
		t.Errorf("another package: %v", err)
	}
	if err := open(files); !errors.Is(err, store.ErrNewerSchema) {
		t.Errorf("without that package: %v", err)
	}
	for name, path := range map[string]string{"a gap": "0005_gap.sql", "a name": "third.sql"} {
		if err := open(with(path, "CREATE TABLE x (id TEXT);"), other); err == nil {
			t.Errorf("%s was taken", name)
		}
	}
	if err := open(with("0004_type.sql", "CREATE TABLE x (id VARCHAR(10));"), other); err == nil {
		t.Error("a type of one engine was taken")
	}
}

// childURL tells the test program that it was started to be killed, and on which database.
const childURL = "NEWSPOOL_STORETEST_CHILD"

// kill ends a program that writes in the middle of its work: what it said to be stored has to be there.
func kill(t *testing.T, b bench) {
	url := URL(t, b.engine)
	root, _, _ := strings.Cut(t.Name(), "/")
	total := 0
	for round := range 3 {
		cmd := exec.Command(os.Args[0], "-test.run=^"+root+"$")
		cmd.Env = append(os.Environ(), childURL+"="+url)
		cmd.Stderr = t.Output()
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		var said []string
		lines := bufio.NewScanner(out)
		for lines.Scan() {
			if id, ok := strings.CutPrefix(lines.Text(), "stored "); ok {
				said = append(said, id)
			}
			if len(said) == 100+50*round {
				_ = cmd.Process.Kill()
			}
		}
		_ = cmd.Wait()
		if len(said) < 100 {
			t.Fatalf("the program stored %d things", len(said))
		}
		db, err := store.Open(t.Context(), store.Options{URL: url, Migrations: things()})
		if err != nil {
			t.Fatalf("open after the kill: %v", err)
		}
		stored := ids(t, db)
		for _, id := range said {
			if _, ok := slices.BinarySearch(stored, id); !ok {
				t.Errorf("%s was lost", id)
			}
		}
		total += len(said)
		if len(stored) < total {
			t.Errorf("%d stored, %d said", len(stored), total)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// writeUntilKilled is the program that is killed.
func writeUntilKilled(url string) {
	db, err := store.Open(context.Background(), store.Options{URL: url, Migrations: things()})
	if err != nil {
		fmt.Println(err)
		return
	}
	for range 8 {
		go func() {
			for n := 0; ; n++ {
				id := fmt.Sprintf("%d %p %d", os.Getpid(), &n, n)
				err := db.Write(context.Background(), func(tx *store.Tx) error {
					return errors.Join(put(id)(tx), tx.Exec(`INSERT INTO part (thing, place) VALUES ($1, $2)`, id, n))
				})
				if err != nil {
					fmt.Println(err)
					return
				}
				_, _ = os.Stdout.WriteString("stored " + id + "\n")
			}
		}()
	}
	select {}
}
