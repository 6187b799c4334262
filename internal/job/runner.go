package job

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math/rand/v2"
	"runtime/debug"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"newspool/internal/clock"
	"newspool/internal/store"
)

// Handler does the jobs of one kind. nil means done; an error means again later, Park means never. ctx ends when the runner stops
// or has lost the job; what a handler gives back then does not count as a try.
type Handler func(ctx context.Context, t *Task) error

// Options say what a runner works with.
type Options struct {
	DB       *store.DB
	Handlers map[string]Handler // by kind; jobs of other kinds stay where they are
	Clock    clock.Clock        // nil: clock.System
	Log      *slog.Logger       // nil: silent

	Workers int                           // how many jobs run at the same time; 0: 4
	Tries   int                           // after so many failures a job is parked; 0: 12
	Lease   time.Duration                 // how long a dead process keeps a job; 0: 1 minute
	Poll    time.Duration                 // how often it looks for what other instances asked for; 0: 10 seconds
	Backoff func(tries int) time.Duration // wait after so many failures; nil: Backoff
}

// Backoff is how long a job waits after so many failures: one second, doubled each time, at most an hour, and of that a random part
// of between a half and the whole.
func Backoff(tries int) time.Duration {
	d := time.Second << min(max(tries-1, 0), 12)
	d = min(d, time.Hour)
	return d/2 + rand.N(d/2)
}

// Park makes an error that parks the job at once: another try would be of no use.
func Park(err error) error { return &parked{err} }

type parked struct{ err error }

func (p *parked) Error() string { return p.err.Error() }
func (p *parked) Unwrap() error { return p.err }

// Task is a job that runs.
type Task struct {
	ID, Kind, Key string
	Payload       []byte
	Try           int // 1 the first time

	holder string
	asked  int64
	done   atomic.Bool
}

const (
	finishTask = `UPDATE job SET
	state = CASE WHEN once THEN 'done' WHEN asked = $1 THEN 'gone' ELSE 'waiting' END,
	payload = CASE WHEN once THEN $2 ELSE payload END,
	tries = 0, holder = '', last_error = ''
WHERE id = $3 AND state = 'running' AND holder = $4`
	dropGone = `DELETE FROM job WHERE id = $1 AND state = 'gone'`
)

// Done marks the job as done in the handler's own transaction, together with its effects. If the job is not the handler's any
// more, the Write fails with store.ErrStale, and so do its effects.
func (t *Task) Done(tx *store.Tx) error {
	tx.OnCommit(func() { t.done.Store(true) })
	tx.Wake(topic) // it may have been asked for again
	if err := tx.ExecOne(finishTask, t.asked, []byte{}, t.ID, t.holder); err != nil {
		return err
	}
	return tx.Exec(dropGone, t.ID)
}

// Runner does jobs.
type Runner struct {
	o       Options
	kinds   []any
	holder  string
	queries [3]string // what has waited for its time, what is due at once, what a dead process left
	next    string
	ended   chan struct{} // signalled when a job has ended

	mu      sync.Mutex
	running int
}

const (
	selectJob = `SELECT id, kind, COALESCE(about, ''), payload, tries, asked FROM job WHERE `
	dueLater  = selectJob + `state = 'waiting' AND due_us > 0 AND due_us <= $1 AND kind IN (%s) ORDER BY due_us, id LIMIT $2`
	dueNow    = selectJob + `state = 'waiting' AND due_us = 0 AND due_us <= $1 AND kind IN (%s) ORDER BY id LIMIT $2`
	orphaned  = selectJob + `state = 'running' AND lease_us <= $1 AND kind IN (%s) ORDER BY id LIMIT $2`
	nextDue   = `SELECT COALESCE(MIN(due_us), 0) FROM job WHERE state = 'waiting' AND due_us > $1 AND kind IN (%s)`
	takeJob   = `UPDATE job SET state = 'running', tries = tries + 1, lease_us = $1, holder = $2 WHERE id = $3`
	parkJob   = `UPDATE job SET state = 'parked', holder = '', last_error = $1 WHERE id = $2`
	renewJob  = `UPDATE job SET lease_us = $1 WHERE id = $2 AND state = 'running' AND holder = $3`
	failJob   = `UPDATE job SET
	state = CASE WHEN $1 AND asked = $2 THEN 'parked' ELSE 'waiting' END,
	due_us = $3, last_error = $4, holder = ''
WHERE id = $5 AND state = 'running' AND holder = $6`
	returnJob = `UPDATE job SET state = 'waiting', tries = tries - 1, holder = '' WHERE id = $1 AND state = 'running' AND holder = $2`
)

// NewRunner makes a runner; it does nothing before Run.
func NewRunner(o Options) *Runner {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Backoff == nil {
		o.Backoff = Backoff
	}
	o.Workers = positive(o.Workers, 4)
	o.Tries = positive(o.Tries, 12)
	o.Lease = positive(o.Lease, time.Minute)
	o.Poll = positive(o.Poll, 10*time.Second)
	r := &Runner{o: o, holder: crand.Text(), ended: make(chan struct{}, 1)}
	kinds := slices.Sorted(maps.Keys(o.Handlers))
	for _, k := range kinds {
		r.kinds = append(r.kinds, k)
	}
	for i, q := range [...]string{dueLater, dueNow, orphaned} {
		r.queries[i] = fmt.Sprintf(q, holes(3, len(kinds)))
	}
	r.next = fmt.Sprintf(nextDue, holes(2, len(kinds)))
	return r
}

func positive[T int | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// holes is "$3, $4" for two values from 3 on.
func holes(from, n int) string {
	list := make([]string, n)
	for i := range list {
		list[i] = "$" + strconv.Itoa(from+i)
	}
	return strings.Join(list, ", ")
}

// Run does jobs until ctx is done, and returns when the handlers have ended. What they had not done is given back.
func (r *Runner) Run(ctx context.Context) {
	if len(r.kinds) == 0 {
		return
	}
	wake, stop := r.o.DB.Listen(topic)
	defer stop()
	var wg sync.WaitGroup
	defer wg.Wait()
	failures := 0
	for ctx.Err() == nil {
		wait := r.o.Poll
		if n := r.room(); n > 0 {
			tasks, next, err := r.pick(ctx, n)
			switch {
			case err != nil && ctx.Err() == nil:
				failures++
				wait = min(Backoff(failures), r.o.Poll)
				r.o.Log.Error("no jobs can be taken", slog.Any("error", err))
			case err == nil:
				failures = 0
				wait = min(wait, next)
			}
			for _, t := range tasks {
				r.count(1)
				wg.Go(func() { r.work(ctx, t) })
			}
		}
		signal := wake
		if r.room() == 0 {
			signal = nil // it is kept for later
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
		case <-signal:
		case <-r.ended:
		case <-timer.C:
		}
		timer.Stop()
	}
}

func (r *Runner) room() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.o.Workers - r.running
}

func (r *Runner) count(by int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.running += by
}

// pick takes at most n jobs, and says how long it is until the next will be due. What was put off gets half of the room first, so
// that a long queue of new jobs does not keep it waiting.
func (r *Runner) pick(ctx context.Context, n int) (tasks []*Task, wait time.Duration, err error) {
	err = r.o.DB.Write(ctx, func(tx *store.Tx) error {
		tasks, wait = nil, r.o.Poll
		now := r.o.Clock()
		for i, query := range r.queries {
			limit := n - len(tasks)
			if i == 0 {
				limit = (n + 1) / 2
			}
			if limit == 0 {
				return nil
			}
			found, err := r.ask(tx, query, now, limit)
			if err != nil {
				return err
			}
			for _, t := range found {
				ok, err := r.takeUp(tx, t, now)
				if err != nil {
					return err
				}
				if ok {
					tasks = append(tasks, t)
				}
			}
		}
		if len(tasks) >= n {
			return nil
		}
		return r.untilNext(tx, now, &wait)
	})
	if err != nil {
		return nil, 0, err
	}
	return tasks, wait, nil
}

func (r *Runner) ask(tx *store.Tx, query string, now time.Time, limit int) ([]*Task, error) {
	rows, err := tx.Query(query, append([]any{clock.Micros(now), limit}, r.kinds...)...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []*Task
	for rows.Next() {
		t := &Task{}
		if err := rows.Scan(&t.ID, &t.Kind, &t.Key, &t.Payload, &t.Try, &t.asked); err != nil {
			return nil, err
		}
		list = append(list, t)
	}
	return list, rows.Err()
}

// takeUp makes the job ours, or parks one that has ended with its process too often.
func (r *Runner) takeUp(tx *store.Tx, t *Task, now time.Time) (bool, error) {
	if t.Try >= r.o.Tries {
		return false, tx.ExecOne(parkJob, "it did not come to an end", t.ID)
	}
	t.Try++
	t.holder = r.holder + " " + strconv.Itoa(t.Try)
	return true, tx.ExecOne(takeJob, clock.Micros(now.Add(r.o.Lease)), t.holder, t.ID)
}

// untilNext shortens the wait to the time when something is due.
func (r *Runner) untilNext(tx *store.Tx, now time.Time, wait *time.Duration) error {
	var due int64
	if err := tx.QueryRow(r.next, append([]any{clock.Micros(now)}, r.kinds...)...).Scan(&due); err != nil {
		return err
	}
	if due > 0 {
		*wait = min(*wait, max(clock.FromMicros(due).Sub(now), time.Millisecond))
	}
	return nil
}

// work runs one job and writes down how it ended.
func (r *Runner) work(ctx context.Context, t *Task) {
	defer func() {
		r.count(-1)
		select {
		case r.ended <- struct{}{}:
		default:
		}
	}()
	own, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { r.renew(own, cancel, t) })
	err := r.handle(own, t)
	cancel()
	wg.Wait()
	if err := r.settle(ctx, t, err); err != nil {
		r.o.Log.Error("the end of a job was not written down; it may run again", slog.String("kind", t.Kind), slog.String("id", t.ID), slog.Any("error", err))
	}
}

// handle calls the handler and makes an error of a panic.
func (r *Runner) handle(ctx context.Context, t *Task) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("panic: %v", v)
			r.o.Log.Error("a job panicked", slog.String("kind", t.Kind), slog.String("id", t.ID), slog.Any("panic", v), slog.String("stack", string(debug.Stack())))
		}
	}()
	return r.o.Handlers[t.Kind](ctx, t)
}

// renew prolongs the lease while the handler works, and stops the handler when the job is lost.
func (r *Runner) renew(ctx context.Context, cancel func(), t *Task) {
	tick := time.NewTicker(r.o.Lease / 3)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		err := r.o.DB.Write(ctx, func(tx *store.Tx) error {
			return tx.ExecOne(renewJob, clock.Micros(r.o.Clock().Add(r.o.Lease)), t.ID, t.holder)
		})
		if errors.Is(err, store.ErrStale) && !t.done.Load() {
			cancel()
			return
		}
	}
}

// settle writes down how the job ended.
func (r *Runner) settle(ctx context.Context, t *Task, result error) error {
	log := r.o.Log.With(slog.String("kind", t.Kind), slog.String("id", t.ID), slog.Int("try", t.Try))
	if t.done.Load() {
		if result != nil {
			log.Warn("a job that was done gave an error", slog.Any("error", result))
		}
		return nil
	}
	var p *parked
	park := t.Try >= r.o.Tries || errors.As(result, &p)
	due := r.o.Clock().Add(r.o.Backoff(t.Try))
	err := r.o.DB.Write(context.WithoutCancel(ctx), func(tx *store.Tx) error {
		switch {
		case result == nil:
			return t.Done(tx)
		case ctx.Err() != nil:
			return tx.ExecOne(returnJob, t.ID, t.holder)
		default:
			tx.Wake(topic)
			return tx.ExecOne(failJob, park, t.asked, clock.Micros(due), words(result), t.ID, t.holder)
		}
	})
	switch {
	case result == nil || ctx.Err() != nil:
	case park:
		log.Error("a job was parked", slog.Any("error", result))
	default:
		log.Warn("a job failed", slog.Any("error", result))
	}
	return err
}

// words is an error in a form that can be stored.
func words(err error) string {
	s := strings.ReplaceAll(strings.ToValidUTF8(err.Error(), "?"), "\x00", "?")
	if len(s) > 500 {
		s = strings.ToValidUTF8(s[:500], "") + "…"
	}
	return s
}
