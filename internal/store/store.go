package store

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"strings"

	"newspool/internal/clock"
	"newspool/internal/fault"
)

// Engine names the database behind the door.
type Engine string

// The engines.
const (
	SQLite     Engine = "sqlite"
	PostgreSQL Engine = "postgres"
)

// The errors that callers tell apart, with errors.Is.
var (
	// ErrNoRows is what Row.Scan says when there is no row.
	ErrNoRows = errors.New("store: no rows")
	// ErrStale fails a Write whose ExecOne did not change exactly one row: somebody was faster. Nothing is stored.
	ErrStale error = fault.New(fault.Conflict, "fault.stale")
	// ErrCommitUnknown fails a Write when the database was lost while it committed. The work is stored as a whole or not at all,
	// and nobody knows which: look before you try again.
	ErrCommitUnknown error = fault.New(fault.Unavailable, "fault.commit_unknown")
	// ErrNewerSchema refuses a database that a newer release has already migrated.
	ErrNewerSchema error = fault.New(fault.Conflict, "fault.newer_schema")
	// ErrClosed fails what is asked of a database after Close.
	ErrClosed error = fault.New(fault.Unavailable, "fault.closing")
)

// Options say what to open and how.
type Options struct {
	// URL is "sqlite:/path/newspool.db" (the file is made if it is missing, its folder is not) or "postgres://…".
	URL string
	// Migrations bring the schema up to date, in this order. All packages that ever had tables in this database must be among them.
	Migrations []Migration
	// Clock dates the migrations; nil is clock.System.
	Clock clock.Clock
	// Log receives what an operator should know and no caller is told; nil discards it.
	Log *slog.Logger
	// ReadPool is how many reads may run at the same time; 0 means 8.
	ReadPool int
	// MaxGroup is how many closures may share one transaction; 0 means 256.
	MaxGroup int
	// Fault lets a test make storage fail. It is called with "begin", "exec", "query", "commit-before" or "commit-after" ahead of
	// that step ("commit-after": when the commit has been done and not yet been reported). A returned error is what the database
	// is taken to have said. Nil in production. It must be safe for concurrent use.
	Fault func(op string) error
}

// Migration is the series of one package: files named NNNN_name.sql, in PostgreSQL words that are put into SQLite's for that
// engine (see the package documentation), in any folder of Files. A step that differs comes as the pair NNNN_name.sqlite.sql and
// NNNN_name.postgres.sql. A file that was released is never changed.
type Migration struct {
	Package string
	Files   fs.FS
}

// Reader asks questions inside one transaction. It is bound to the context of that transaction and belongs to one goroutine.
// A new statement may begin while rows of an earlier one are open: those rows keep what they had.
type Reader interface {
	// Query asks for rows. The caller closes them; reading to the end closes them too.
	Query(query string, args ...any) (*Rows, error)
	// QueryRow asks for one row; its Scan gives the error, ErrNoRows if there is none.
	QueryRow(query string, args ...any) *Row
}

// DB is an open database. It is safe for concurrent use.
type DB struct {
	engine Engine
	back   backend
	w      *writer
}

// Open opens the database and migrates it; it is ready when Open returns. It refuses a schema that is newer (ErrNewerSchema) or
// that was changed behind its back. The context limits the opening only.
func Open(ctx context.Context, o Options) (*DB, error) {
	o = o.withDefaults()
	var back backend
	var err error
	engine := SQLite
	switch scheme, rest, _ := strings.Cut(o.URL, ":"); scheme {
	case "sqlite":
		back, err = openSQLite(ctx, strings.TrimPrefix(rest, "//"), o)
	case "postgres", "postgresql":
		engine = PostgreSQL
		back, err = openPostgres(ctx, o)
	default:
		return nil, fault.New(fault.Invalid, "fault.database_url")
	}
	if err != nil {
		return nil, err
	}
	if err := migrate(back, engine, o); err != nil {
		_ = back.close()
		return nil, err
	}
	return &DB{engine: engine, back: back, w: startWriter(back, o)}, nil
}

func (o Options) withDefaults() Options {
	if o.Clock == nil {
		o.Clock = clock.System
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.ReadPool <= 0 {
		o.ReadPool = 8
	}
	if o.MaxGroup <= 0 {
		o.MaxGroup = 256
	}
	if o.Fault == nil {
		o.Fault = func(string) error { return nil }
	}
	return o
}

// Write runs fn in the next transaction and returns nil when its work is durable. fn runs on the writer's goroutine, together
// with other closures: it must be quick, must not wait for anything but the transaction, and must not call Write (that is an
// error when the context is the transaction's, and a deadlock otherwise). It may run more than once: when the shared
// transaction or another closure in it fails, everything is undone (OnUndo) and each closure runs again.
//
// ctx is looked at until fn is queued; from then on Write returns only with the result. An error or a panic of fn undoes fn
// and is returned to its caller alone. The first failed statement of fn fails the Write, whatever fn makes of it.
func (db *DB) Write(ctx context.Context, fn func(tx *Tx) error) error {
	return db.WriteAll(ctx, fn)[0]
}

// WriteAll is Write of several closures that run in the order in which they stand, if others between them. Each has its own error,
// which stops no other.
func (db *DB) WriteAll(ctx context.Context, fns ...func(tx *Tx) error) []error {
	works, errs := make([]*work, len(fns)), make([]error, len(fns))
	for i, fn := range fns {
		works[i] = &work{ctx: ctx, fn: fn, done: make(chan struct{})}
		if err := db.w.enqueue(ctx, works[i]); err != nil {
			works[i].tell(err)
		}
	}
	for i, k := range works {
		<-k.done
		errs[i] = k.err
	}
	return errs
}

// Read runs fn on one consistent snapshot, which is at least as new as every Write that has returned. fn may write nothing.
func (db *DB) Read(ctx context.Context, fn func(r Reader) error) error {
	s, done, err := db.back.snapshot(ctx)
	if err != nil {
		return explain(err)
	}
	defer done()
	r := &reader{ctx: ctx, s: s, fault: db.w.o.Fault}
	defer func() { r.leave(); r.over = true }()
	if err := fn(r); err != nil {
		return err
	}
	return r.err
}

// Waiting says how many closures are queued for the writer and have not begun.
func (db *DB) Waiting() int { return len(db.w.queue) }

// Engine says which engine it is, for the few statements that must differ.
func (db *DB) Engine() Engine { return db.engine }

// Close lets the closures that are queued finish, then closes the database. Reads that are running are waited for.
func (db *DB) Close() error {
	if !db.w.stop() {
		return nil
	}
	return db.back.close()
}

// IsUnique reports whether err says that a row with this unique key exists already.
func IsUnique(err error) bool { return sqliteUnique(err) || postgresUnique(err) }
