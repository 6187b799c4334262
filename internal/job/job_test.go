package job

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/fstest"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"newspool/internal/clock"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
)

func schema() []store.Migration {
	return []store.Migration{Migration(), {Package: "effects", Files: fstest.MapFS{"0001_effect.sql": {Data: []byte(
		`CREATE TABLE effect (id TEXT PRIMARY KEY);`)}}}}
}

func write(t *testing.T, db *store.DB, fn func(tx *store.Tx) error) {
	t.Helper()
	if err := db.Write(context.Background(), fn); err != nil {
		t.Fatalf("write: %v", err)
	}
}

func enqueue(t *testing.T, db *store.DB, jobs ...Job) {
	t.Helper()
	write(t, db, func(tx *store.Tx) error {
		for _, j := range jobs {
			if err := Enqueue(tx, j); err != nil {
				return err
			}
		}
		return nil
	})
}

// start runs a runner until the test is over or stop is called.
func start(t *testing.T, o Options) (stop func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() {
		defer close(done)
		NewRunner(o).Run(ctx)
	}()
	stop = sync.OnceFunc(func() { cancel(); <-done })
	t.Cleanup(stop)
	return stop
}

func counts(t *testing.T, db *store.DB) (list []Count) {
	t.Helper()
	err := db.Read(context.Background(), func(r store.Reader) (err error) {
		list, err = Waiting(r)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func parkedJobs(t *testing.T, db *store.DB) (list []Stuck) {
	t.Helper()
	err := db.Read(context.Background(), func(r store.Reader) (err error) {
		list, err = Parked(r, "", 10)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestDoneOnceEach(t *testing.T) {
	storetest.Each(t, schema(), func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		got := map[string]int{}
		var left atomic.Int64
		left.Store(60)
		all := make(chan struct{})
		handler := func(_ context.Context, task *Task) error {
			mu.Lock()
			got[task.Kind+" "+string(task.Payload)]++
			mu.Unlock()
			if left.Add(-1) == 0 {
				close(all)
			}
			return nil
		}
		handlers := map[string]Handler{"index": handler, "offer": handler}
		stops := []func(){start(t, Options{DB: db, Handlers: handlers}), start(t, Options{DB: db, Handlers: handlers})}
		for i := range 30 {
			enqueue(t, db, Job{Kind: "index", Payload: fmt.Append(nil, i)}, Job{Kind: "offer", Payload: fmt.Append(nil, i)}, Job{Kind: "nobody's"})
		}
		<-all
		for _, stop := range stops {
			stop()
		}
		if len(got) != 60 {
			t.Errorf("%d different jobs were done", len(got))
		}
		if c, want := counts(t, db), []Count{{Kind: "nobody's", Waiting: 30}}; !cmp.Equal(c, want) {
			t.Error(cmp.Diff(want, c))
		}
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return Enqueue(tx, Job{Kind: "x", Once: true}) }); err == nil {
			t.Error("a job once and without a key")
		}
	})
}

func TestRolledBackIsNotAsked(t *testing.T) {
	storetest.Each(t, schema(), func(t *testing.T, db *store.DB) {
		no := errors.New("no")
		err := db.Write(t.Context(), func(tx *store.Tx) error { return errors.Join(Enqueue(tx, Job{Kind: "x"}), no) })
		if !errors.Is(err, no) || len(counts(t, db)) != 0 {
			t.Errorf("%v %v", err, counts(t, db))
		}
	})
}

func TestKeys(t *testing.T) {
	storetest.Each(t, schema(), func(t *testing.T, db *store.DB) {
		ran := make(chan string, 10)
		goOn := make(chan struct{}, 10)
		handlers := map[string]Handler{
			"index": func(_ context.Context, task *Task) error {
				ran <- string(task.Payload)
				<-goOn
				return nil
			},
			"mail": func(_ context.Context, task *Task) error {
				ran <- task.Key + " " + string(task.Payload)
				return nil
			},
		}
		enqueue(t, db, Job{Kind: "index", Key: "a", Payload: []byte("1")}, Job{Kind: "index", Key: "a", Payload: []byte("2")})
		stop := start(t, Options{DB: db, Handlers: handlers})
		if got := <-ran; got != "2" {
			t.Errorf("ran %s", got)
		}
		// Asked for again while it runs: once more.
		enqueue(t, db, Job{Kind: "index", Key: "a", Payload: []byte("3")})
		enqueue(t, db, Job{Kind: "index", Key: "a", Payload: []byte("4")})
		goOn <- struct{}{}
		if got := <-ran; got != "4" {
			t.Errorf("ran %s", got)
		}
		goOn <- struct{}{}
		// Once is once, also after it was done.
		enqueue(t, db, Job{Kind: "mail", Key: "b", Once: true, Payload: []byte("1")})
		if got := <-ran; got != "b 1" {
			t.Errorf("ran %s", got)
		}
		enqueue(t, db, Job{Kind: "mail", Key: "b", Once: true, Payload: []byte("2")}, Job{Kind: "mail", Key: "b", Payload: []byte("2")},
			Job{Kind: "mail", Key: "c", Once: true, Payload: []byte("3")})
		if got := <-ran; got != "c 3" {
			t.Errorf("ran %s", got)
		}
		stop()
		if c := counts(t, db); len(c) != 0 {
			t.Errorf("left %v", c)
		}
		var n int
		if err := db.Read(t.Context(), func(r store.Reader) error {
			return r.QueryRow(`SELECT COUNT(*) FROM job WHERE state = 'done'`).Scan(&n)
		}); err != nil || n != 2 {
			t.Errorf("%d kept: %v", n, err)
		}
	})
}

func TestDoneWithItsEffects(t *testing.T) {
	storetest.Each(t, schema(), func(t *testing.T, db *store.DB) {
		tried := make(chan error, 10)
		handlers := map[string]Handler{"effect": func(ctx context.Context, task *Task) error {
			if task.Try == 1 {
				// Somebody else has the job meanwhile: nothing of this may be stored.
				write(t, db, func(tx *store.Tx) error { return tx.Exec(`UPDATE job SET holder = 'other', lease_us = 0`) })
			}
			err := db.Write(ctx, func(tx *store.Tx) error {
				return errors.Join(tx.Exec(`INSERT INTO effect (id) VALUES ($1)`, fmt.Sprint("try ", task.Try)), task.Done(tx))
			})
			tried <- err
			return err
		}}
		enqueue(t, db, Job{Kind: "effect"})
		stop := start(t, Options{DB: db, Handlers: handlers, Poll: time.Millisecond})
		// The second try may end before the first has found out that the job is not its own any more.
		first, second := <-tried, <-tried
		if first == nil {
			first, second = second, first
		}
		if !errors.Is(first, store.ErrStale) || second != nil {
			t.Errorf("the tries ended with %v and %v", first, second)
		}
		stop()
		var id string
		if err := db.Read(t.Context(), func(r store.Reader) error { return r.QueryRow(`SELECT id FROM effect`).Scan(&id) }); err != nil || id != "try 2" {
			t.Errorf("%q %v", id, err)
		}
		if c := counts(t, db); len(c) != 0 {
			t.Errorf("left %v", c)
		}
	})
}

func TestFailuresAreParked(t *testing.T) {
	storetest.Each(t, schema(), func(t *testing.T, db *store.DB) {
		var mu sync.Mutex
		tries := map[string]int{}
		handlers := map[string]Handler{"bad": func(_ context.Context, task *Task) error {
			mu.Lock()
			defer mu.Unlock()
			tries[task.Key]++
			switch task.Key {
			case "panics":
				panic("oh")
			case "never":
				return Park(errors.New("of no use \x00\xff"))
			case "third":
				if tries["third"] == 3 {
					return nil
				}
			}
			return errors.New("not now")
		}}
		o := Options{DB: db, Handlers: handlers, Tries: 4, Poll: time.Millisecond, Backoff: func(int) time.Duration { return 0 }}
		for _, key := range []string{"panics", "never", "third", "fails"} {
			enqueue(t, db, Job{Kind: "bad", Key: key})
		}
		stop := start(t, o)
		var stuck []Stuck
		for len(stuck) < 3 || counts(t, db)[0].Waiting+counts(t, db)[0].Running > 0 {
			stuck = parkedJobs(t, db)
		}
		stop()
		for i := range stuck {
			stuck[i].ID = ""
		}
		slices.SortFunc(stuck, func(a, b Stuck) int { return strings.Compare(a.Key, b.Key) })
		want := []Stuck{{"", "bad", "fails", 4, "not now"}, {"", "bad", "never", 1, "of no use ??"}, {"", "bad", "panics", 4, "panic: oh"}}
		if !cmp.Equal(stuck, want) {
			t.Error(cmp.Diff(want, stuck))
		}
		if tries["third"] != 3 {
			t.Errorf("%v", tries)
		}
		decide(t, db)
	})
}

// decide retries one parked job, drops another and asks for the third again.
func decide(t *testing.T, db *store.DB) {
	t.Helper()
	for _, s := range parkedJobs(t, db) {
		write(t, db, func(tx *store.Tx) error {
			switch s.Key {
			case "fails":
				return Retry(tx, s.ID)
			case "never":
				return Drop(tx, s.ID)
			}
			return Enqueue(tx, Job{Kind: "bad", Key: s.Key})
		})
		if err := db.Write(t.Context(), func(tx *store.Tx) error { return Retry(tx, s.ID) }); !errors.Is(err, store.ErrStale) {
			t.Errorf("%s: retry of what is not parked: %v", s.Key, err)
		}
	}
	if c, want := counts(t, db), []Count{{Kind: "bad", Waiting: 2}}; !cmp.Equal(c, want) {
		t.Error(cmp.Diff(want, c))
	}
}

// inBubble runs a test with a database whose time is that of the test.
func inBubble(t *testing.T, fn func(t *testing.T, db *store.DB)) {
	t.Helper()
	url := storetest.URL(t, store.SQLite)
	synctest.Test(t, func(t *testing.T) {
		db, err := store.Open(context.Background(), store.Options{URL: url, Migrations: schema()})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		fn(t, db)
	})
}

func TestDueAndBackoff(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		begin := time.Now()
		var at []time.Duration
		o := Options{DB: db, Poll: time.Hour, Backoff: func(tries int) time.Duration { return time.Duration(tries) * time.Minute }}
		o.Handlers = map[string]Handler{"x": func(_ context.Context, task *Task) error {
			at = append(at, time.Since(begin).Round(time.Second))
			if task.Try < 3 {
				return errors.New("not now")
			}
			return nil
		}}
		stop := start(t, o)
		enqueue(t, db, Job{Kind: "x", Due: begin.Add(30 * time.Minute)})
		enqueue(t, db, Job{Kind: "x", Key: "earlier", Due: begin.Add(90 * time.Second)}, Job{Kind: "x", Key: "earlier", Due: begin.Add(80 * time.Second)})
		if c := counts(t, db); len(c) != 1 || !c[0].Oldest.Equal(clock.Trim(begin.Add(80*time.Second))) {
			t.Errorf("%v", c)
		}
		time.Sleep(2 * time.Hour)
		stop()
		want := []time.Duration{80 * time.Second, 140 * time.Second, 260 * time.Second, 30 * time.Minute, 31 * time.Minute, 33 * time.Minute}
		if !cmp.Equal(at, want) {
			t.Error(cmp.Diff(want, at))
		}
	})
}

func TestLease(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		o := Options{DB: db, Lease: time.Minute}
		ran := 0
		o.Handlers = map[string]Handler{"long": func(ctx context.Context, task *Task) error {
			ran++
			select {
			case <-ctx.Done():
				return ctx.Err()
			case <-time.After(time.Hour):
				return nil
			}
		}}
		enqueue(t, db, Job{Kind: "long"})
		first := start(t, o)
		second := start(t, o)
		time.Sleep(10 * time.Minute)
		if c := counts(t, db); ran != 1 || len(c) != 1 || c[0].Running != 1 {
			t.Errorf("ran %d times; %v", ran, c)
		}
		// A runner that is stopped gives the job back, and that is no try.
		first()
		time.Sleep(time.Minute)
		if c := counts(t, db); len(c) != 1 || c[0].Running != 1 {
			t.Errorf("%v", c)
		}
		second()
		if c := counts(t, db); len(c) != 1 || c[0].Waiting != 1 {
			t.Errorf("%v", c)
		}
		var tries int
		if err := db.Read(context.Background(), func(r store.Reader) error { return r.QueryRow(`SELECT tries FROM job`).Scan(&tries) }); err != nil || tries != 0 {
			t.Errorf("%d tries: %v", tries, err)
		}
	})
}

func TestDeadProcess(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		enqueue(t, db, Job{Kind: "x", Key: "once"}, Job{Kind: "x", Key: "always"})
		write(t, db, func(tx *store.Tx) error {
			lease := clock.Micros(time.Now().Add(time.Minute))
			return errors.Join(
				tx.Exec(`UPDATE job SET state = 'running', holder = 'dead', lease_us = $1, tries = 1`, lease),
				tx.Exec(`UPDATE job SET tries = 12 WHERE about = 'always'`))
		})
		begin := time.Now()
		var at []string
		stop := start(t, Options{DB: db, Poll: 7 * time.Second, Handlers: map[string]Handler{"x": func(_ context.Context, task *Task) error {
			at = append(at, fmt.Sprint(task.Key, task.Try, time.Since(begin).Round(time.Second)))
			return nil
		}}})
		time.Sleep(2 * time.Minute)
		stop()
		if want := []string{"once2 1m3s"}; !cmp.Equal(at, want) {
			t.Error(cmp.Diff(want, at))
		}
		if s := parkedJobs(t, db); len(s) != 1 || s[0].Key != "always" {
			t.Errorf("parked %v", s)
		}
	})
}

func TestLostJobStopsItsHandler(t *testing.T) {
	inBubble(t, func(t *testing.T, db *store.DB) {
		stopped := false
		enqueue(t, db, Job{Kind: "x"})
		stop := start(t, Options{DB: db, Workers: 1, Handlers: map[string]Handler{"x": func(ctx context.Context, task *Task) error {
			<-ctx.Done()
			stopped = true
			return ctx.Err()
		}}})
		synctest.Wait()
		write(t, db, func(tx *store.Tx) error {
			return tx.Exec(`UPDATE job SET holder = 'other', lease_us = $1`, int64(1)<<60)
		})
		time.Sleep(time.Minute)
		if !stopped {
			t.Error("the handler works on")
		}
		stop()
		if c := counts(t, db); len(c) != 1 || c[0].Running != 1 {
			t.Errorf("%v", c)
		}
	})
}

func TestDatabaseGoesAndComesBack(t *testing.T) {
	url := storetest.URL(t, store.SQLite)
	synctest.Test(t, func(t *testing.T) {
		var broken atomic.Bool
		db, err := store.Open(context.Background(), store.Options{URL: url, Migrations: schema(), Fault: func(op string) error {
			if broken.Load() && op == "begin" {
				return errors.New("gone")
			}
			return nil
		}})
		if err != nil {
			t.Fatal(err)
		}
		defer db.Close()
		ran := 0
		stop := start(t, Options{DB: db, Handlers: map[string]Handler{"x": func(context.Context, *Task) error {
			ran++
			broken.Store(ran == 1)
			return nil
		}}})
		enqueue(t, db, Job{Kind: "x"})
		time.Sleep(time.Hour)
		if ran != 1 {
			t.Errorf("ran %d times", ran)
		}
		broken.Store(false)
		time.Sleep(time.Minute)
		stop()
		if c := counts(t, db); ran != 2 || len(c) != 0 { // the first end was not written down: at least once
			t.Errorf("ran %d times, %v", ran, c)
		}
	})
}

func TestBackoff(t *testing.T) {
	for tries, most := range map[int]time.Duration{0: time.Second, 1: time.Second, 2: 2 * time.Second, 5: 16 * time.Second, 13: time.Hour, 1000: time.Hour} {
		for range 100 {
			if d := Backoff(tries); d < most/2 || d > most {
				t.Errorf("after %d: %v", tries, d)
			}
		}
	}
}
