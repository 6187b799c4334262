package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"sync"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// lite is SQLite: one connection that writes, a pool that reads, and one that moves the log into the database.
type lite struct {
	path string
	w    *liteConn   // of the writer; nil after a failure that may be the connection's
	file os.FileInfo // what stands at path
	log  os.FileInfo // what w has open as its log; nil until it has
	wal  *walKeeper
	pool litePool
}

// The settings of each kind of connection. A page is 16 KiB: versions of stories are a few KiB each. The driver applies _pragma
// in the order of the alphabet and _journal_mode after that, which is what the page size of a new file needs.
const (
	liteAll = "_busy_timeout=10000&_pragma=page_size(16384)&_pragma=secure_delete(1)&_pragma=temp_store(MEMORY)" +
		"&_pragma=wal_autocheckpoint(0)&_foreign_keys=1&_journal_mode=WAL&_synchronous=FULL&_dqs=0&_error_rc=1&_txlock=immediate&mode=rw"
	liteWriter = liteAll + "&_pragma=cache_size(-65536)"
	liteReader = liteAll + "&_pragma=cache_size(-8192)&_query_only=1"
	liteMover  = liteAll + "&_pragma=cache_size(-1024)"
)

var (
	errMoved    = errors.New("store: the database file has gone from its folder")
	errReplaced = errors.New("store: another file stands in the place of the database: start again")
)

func openSQLite(_ context.Context, path string, o Options) (*lite, error) {
	path, err := filepath.Abs(path)
	if err != nil {
		return nil, unavailable(err)
	}
	if err := makeFile(path); err != nil {
		return nil, unavailable(err)
	}
	l := &lite{path: path, pool: litePool{path: path, places: make(chan struct{}, o.ReadPool)}}
	if l.w, err = connect(path, liteWriter); err != nil {
		return nil, unavailable(err)
	}
	if err = l.w.assert(); err == nil {
		l.file, err = os.Stat(path)
	}
	if err != nil {
		_ = l.w.close()
		return nil, unavailable(err)
	}
	l.wal = startWALKeeper(path, o)
	return l, nil
}

// makeFile makes an empty file, for our eyes only, and has its name on disk before anything depends on it. A file that is there is
// not touched: to open and close it here would drop the locks of a connection that this process may have.
func makeFile(path string) error {
	if _, err := os.Stat(path); err == nil {
		return nil
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	if err := f.Close(); err != nil {
		return err
	}
	return syncFolder(filepath.Dir(path))
}

func syncFolder(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	defer d.Close()
	return d.Sync()
}

// inPlace checks that the files that the writer has open are still in the folder: SQLite itself would go on writing into files
// that were taken away.
func (l *lite) inPlace() error {
	if err := same(l.path, l.file); err != nil || l.log == nil {
		return err
	}
	return same(l.path+"-wal", l.log)
}

func same(path string, want os.FileInfo) error {
	info, err := os.Stat(path)
	switch {
	case err != nil:
		return fmt.Errorf("%w: %w", errMoved, err)
	case !os.SameFile(info, want):
		return errReplaced
	}
	return nil
}

func (l *lite) begin() (session, error) {
	if l.w != nil && l.w.bad {
		_ = l.w.close()
		l.w, l.log = nil, nil
	}
	if err := l.inPlace(); err != nil {
		return nil, unavailable(err)
	}
	if l.w == nil {
		c, err := connect(l.path, liteWriter)
		if err != nil {
			return nil, unavailable(err)
		}
		l.w = c
	}
	if _, err := l.w.exec("BEGIN IMMEDIATE", nil); err != nil {
		return nil, err
	}
	s := &liteWrite{liteSession: liteSession{c: l.w, begun: true}, wal: l.wal}
	if l.log == nil { // the log is opened by the first transaction of a connection
		var err error
		if l.log, err = os.Stat(l.path + "-wal"); err != nil {
			return nil, errors.Join(unavailable(err), s.end(false))
		}
	}
	return s, nil
}

func (l *lite) snapshot(ctx context.Context) (session, func(), error) {
	c, err := l.pool.take(ctx)
	if err != nil {
		return nil, nil, err
	}
	if _, err := c.exec("BEGIN", nil); err != nil {
		l.pool.give(c)
		return nil, nil, err
	}
	s := &liteSession{c: c, begun: true}
	return s, func() {
		_ = s.end(false)
		l.pool.give(c)
	}, nil
}

func (l *lite) close() error {
	l.pool.close()
	var err error
	if l.w != nil {
		err = l.w.close()
	}
	return errors.Join(err, l.wal.close())
}

// litePool keeps connections that read.
type litePool struct {
	path   string
	places chan struct{} // one token for each connection in use

	mu   sync.Mutex
	free []*liteConn
	shut bool
}

func (p *litePool) take(ctx context.Context) (*liteConn, error) {
	select {
	case p.places <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	p.mu.Lock()
	if p.shut {
		p.mu.Unlock()
		<-p.places
		return nil, ErrClosed
	}
	if n := len(p.free); n > 0 {
		c := p.free[n-1]
		p.free = p.free[:n-1]
		p.mu.Unlock()
		return c, nil
	}
	p.mu.Unlock()
	c, err := connect(p.path, liteReader)
	if err != nil {
		<-p.places
		return nil, unavailable(err)
	}
	return c, nil
}

func (p *litePool) give(c *liteConn) {
	defer func() { <-p.places }()
	if c.bad {
		_ = c.close()
		return
	}
	p.mu.Lock()
	p.free = append(p.free, c)
	p.mu.Unlock()
}

// close waits for the reads that are running.
func (p *litePool) close() {
	p.mu.Lock()
	p.shut = true
	p.mu.Unlock()
	for range cap(p.places) {
		p.places <- struct{}{}
	}
	for _, c := range p.free {
		_ = c.close()
	}
	p.free = nil
	for range cap(p.places) {
		<-p.places
	}
}

// liteConn is one connection with its prepared statements.
type liteConn struct {
	c     driver.Conn
	stmts map[string]*liteStmt
	args  []driver.NamedValue // used again and again
	bad   bool                // met an error after which a new connection may work where this one does not
}

type liteStmt struct {
	driver.Stmt
	holes int
}

// maxStatements bounds what one connection keeps prepared.
const maxStatements = 512

func connect(path, settings string) (*liteConn, error) {
	escaped := (&url.URL{Path: path}).EscapedPath()
	connector, err := sqlite.NewConnector("file:" + escaped + "?" + settings)
	if err != nil {
		return nil, err
	}
	c, err := connector.Connect(context.Background())
	if err != nil {
		return nil, err
	}
	return &liteConn{c: c, stmts: make(map[string]*liteStmt)}, nil
}

// assert checks that what durability rests on is as it was asked for: some file systems cannot do it.
func (c *liteConn) assert() error {
	for _, want := range [...][2]string{{"PRAGMA journal_mode", "wal"}, {"PRAGMA synchronous", "2"}, {"PRAGMA foreign_keys", "1"}} {
		rows, err := c.query(context.Background(), want[0], nil)
		if err != nil {
			return err
		}
		ok, err := rows.next()
		got := fmt.Sprint(rows.row[0])
		if err := errors.Join(err, rows.close()); err != nil {
			return err
		}
		if !ok || got != want[1] {
			return fmt.Errorf("store: %s is %s, not %s", want[0], got, want[1])
		}
	}
	return nil
}

func (c *liteConn) close() error {
	c.forget()
	return c.c.Close()
}

func (c *liteConn) forget() {
	for q, s := range c.stmts {
		_ = s.Close()
		delete(c.stmts, q)
	}
}

// note keeps in mind what an error says about the connection.
func (c *liteConn) note(err error) error {
	var e *sqlite.Error
	if errors.As(err, &e) {
		switch e.Code() & 0xff {
		case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_NOTADB,
			sqlite3.SQLITE_NOMEM, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_MISUSE:
			c.bad = true
		}
	}
	return err
}

func (c *liteConn) prepare(query string, given int) (*liteStmt, error) {
	s := c.stmts[query]
	if s == nil {
		if len(c.stmts) >= maxStatements {
			c.forget()
		}
		st, err := c.c.Prepare(query)
		if err != nil {
			return nil, c.note(err)
		}
		s = &liteStmt{Stmt: st, holes: holes(query)}
		c.stmts[query] = s
	}
	if s.holes != given {
		return nil, miscount(s.holes, given)
	}
	return s, nil
}

// bind brings the values into the form of the driver, which copies them.
func (c *liteConn) bind(args []any) ([]driver.NamedValue, error) {
	c.args = c.args[:0]
	for i, arg := range args {
		v, err := value(arg)
		if err != nil {
			return nil, fmt.Errorf("value $%d: %w", i+1, err)
		}
		c.args = append(c.args, driver.NamedValue{Ordinal: i + 1, Value: v})
	}
	return c.args, nil
}

func (c *liteConn) exec(query string, args []any) (int64, error) {
	s, err := c.prepare(query, len(args))
	if err != nil {
		return 0, err
	}
	bound, err := c.bind(args)
	if err != nil {
		return 0, err
	}
	res, err := s.Stmt.(driver.StmtExecContext).ExecContext(context.Background(), bound)
	if err != nil {
		return 0, c.note(err)
	}
	return res.RowsAffected()
}

func (c *liteConn) query(ctx context.Context, query string, args []any) (*liteRows, error) {
	s, err := c.prepare(query, len(args))
	if err != nil {
		return nil, err
	}
	bound, err := c.bind(args)
	if err != nil {
		return nil, err
	}
	rows, err := s.Stmt.(driver.StmtQueryContext).QueryContext(ctx, bound)
	if err != nil {
		return nil, c.note(err)
	}
	return &liteRows{c: c, rows: rows, row: make([]driver.Value, len(rows.Columns()))}, nil
}
