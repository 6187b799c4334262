// Package job does work later: after the transaction that asked for it, and again if it fails.
//
// A job is a row. It is asked for inside a transaction (Enqueue), so it exists exactly if that transaction was committed. A
// Runner hands due jobs to the handler of their kind, at least once: a job is the runner's for a lease that is prolonged while
// the handler works; one whose process died is taken up again when the lease is over. A handler whose effects are in the database
// calls Task.Done in the same transaction: then they happen exactly once. A job that fails is tried again after a while that doubles
// each time; one that failed too often (by an error, a panic, or by ending the process) is parked, listed (Parked), and left alone
// until somebody decides.
//
// Several runners, also of several instances on one database, share the work. Jobs of one kind may run at the same time and
// in any order.
package job

import (
	"embed"
	"time"

	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/store"
)

//go:embed migrations/*.sql
var migrations embed.FS

// Migration is the schema of this package.
func Migration() store.Migration {
	return store.Migration{Package: "job", Files: migrations}
}

// topic wakes the runners.
const topic = "job"

// Job is what Enqueue is asked for.
type Job struct {
	// Kind finds the handler.
	Kind string
	// Key, if it is not empty, makes the job unique within its kind: asked for again, it is one job, with the newer payload and
	// the earlier time. If it is running at that moment it runs once more afterwards; if it was parked it gets new tries.
	Key string
	// Once keeps the key after the job is done, for good, so that it is never done again. It needs a Key. What was asked first stays.
	Once bool
	// Payload is what the handler gets; often JSON, or nothing.
	Payload []byte
	// Due is the time before which it is not begun; zero means at once.
	Due time.Time
}

const (
	insertJob = `INSERT INTO job (id, kind, about, payload, once, due_us, state) VALUES ($1, $2, $3, $4, $5, $6, 'waiting')`
	onceMore  = ` ON CONFLICT (kind, about) WHERE about IS NOT NULL DO NOTHING`
	askAgain  = ` ON CONFLICT (kind, about) WHERE about IS NOT NULL DO UPDATE SET
	payload = excluded.payload,
	asked = job.asked + 1,
	due_us = CASE WHEN job.state = 'waiting' AND job.due_us < excluded.due_us THEN job.due_us ELSE excluded.due_us END,
	tries = CASE WHEN job.state = 'running' THEN job.tries ELSE 0 END,
	state = CASE WHEN job.state = 'running' THEN 'running' ELSE 'waiting' END
WHERE NOT job.once`
)

// Enqueue asks for a job. It exists, and runners are woken for it, once the transaction is committed.
func Enqueue(tx *store.Tx, j Job) error {
	if j.Kind == "" || j.Once && j.Key == "" {
		return fault.New(fault.Internal, "fault.internal")
	}
	id, err := uuid.NewV7()
	if err != nil {
		return err
	}
	query, about := insertJob, any(nil)
	if j.Key != "" {
		about = j.Key
		query += askAgain
		if j.Once {
			query = insertJob + onceMore
		}
	}
	payload := j.Payload
	if payload == nil {
		payload = []byte{}
	}
	tx.Wake(topic)
	return tx.Exec(query, id.String(), j.Kind, about, payload, j.Once, clock.Micros(j.Due))
}

// Count says how many jobs of a kind there are, for status pages.
type Count struct {
	Kind                     string
	Waiting, Running, Parked int64
	// Oldest is when the job that has waited longest was due; zero if none waits, or if it was due at once.
	Oldest time.Time
}

const countJobs = `SELECT kind,
	SUM(CASE WHEN state = 'waiting' THEN 1 ELSE 0 END),
	SUM(CASE WHEN state = 'running' THEN 1 ELSE 0 END),
	SUM(CASE WHEN state = 'parked' THEN 1 ELSE 0 END),
	COALESCE(MIN(CASE WHEN state = 'waiting' THEN due_us END), 0)
FROM job WHERE state IN ('waiting', 'running', 'parked') GROUP BY kind ORDER BY kind`

// Waiting counts the jobs that are not done, by kind.
func Waiting(r store.Reader) ([]Count, error) {
	rows, err := r.Query(countJobs)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Count
	for rows.Next() {
		var c Count
		var oldest int64
		if err := rows.Scan(&c.Kind, &c.Waiting, &c.Running, &c.Parked, &oldest); err != nil {
			return nil, err
		}
		c.Oldest = clock.FromMicros(oldest)
		list = append(list, c)
	}
	return list, rows.Err()
}

// Stuck is a job that was parked.
type Stuck struct {
	ID, Kind, Key string
	Tries         int
	LastError     string
}

const (
	selectParked = `SELECT id, kind, COALESCE(about, ''), tries, last_error FROM job WHERE state = 'parked' AND id > $1 ORDER BY id LIMIT $2`
	retryJob     = `UPDATE job SET state = 'waiting', due_us = 0, tries = 0 WHERE id = $1 AND state = 'parked'`
	dropJob      = `DELETE FROM job WHERE id = $1 AND state = 'parked'`
)

// Parked lists at most limit jobs that were parked, the oldest first, beginning behind the ID after ("" from the start).
func Parked(r store.Reader, after string, limit int) ([]Stuck, error) {
	rows, err := r.Query(selectParked, after, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var list []Stuck
	for rows.Next() {
		var s Stuck
		if err := rows.Scan(&s.ID, &s.Kind, &s.Key, &s.Tries, &s.LastError); err != nil {
			return nil, err
		}
		list = append(list, s)
	}
	return list, rows.Err()
}

// Retry gives a parked job new tries, beginning now. store.ErrStale: it is not parked any more.
func Retry(tx *store.Tx, id string) error {
	tx.Wake(topic)
	return tx.ExecOne(retryJob, id)
}

// Drop gives up a parked job for good. store.ErrStale: it is not parked any more.
func Drop(tx *store.Tx, id string) error { return tx.ExecOne(dropJob, id) }
