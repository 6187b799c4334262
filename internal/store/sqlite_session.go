package store

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"
)

// liteSession is one transaction.
type liteSession struct {
	c     *liteConn
	begun bool
}

func (s *liteSession) exec(m mode, query string, args []any) (int64, error) {
	if m == script {
		_, err := s.c.c.(driver.ExecerContext).ExecContext(context.Background(), query, nil)
		return 0, s.c.note(err)
	}
	n, err := s.c.exec(query, args)
	if err == nil && m == laterOne && n != 1 {
		err = stale(n)
	}
	return n, err
}

// stale is the error of an ExecOne that changed n rows.
func stale(n int64) error { return fmt.Errorf("%w: %d rows", ErrStale, n) }

func (s *liteSession) query(ctx context.Context, query string, args []any) (cursor, error) {
	rows, err := s.c.query(ctx, query, args)
	if err != nil {
		return nil, err
	}
	return rows, nil
}

// point: an error means that the transaction itself is gone, as SQLite ends it by itself after some errors.
func (s *liteSession) point(p point) error {
	var err error
	switch p {
	case save:
		_, err = s.c.exec("SAVEPOINT closure", nil)
	case undo:
		if _, err = s.c.exec("ROLLBACK TO closure", nil); err != nil {
			break
		}
		fallthrough
	case release:
		_, err = s.c.exec("RELEASE closure", nil)
	}
	return err
}

func (s *liteSession) end(commit bool) error {
	if !s.begun {
		return nil
	}
	if commit {
		_, err := s.c.exec("COMMIT", nil)
		if err != nil {
			return err
		}
		s.begun = false
		return nil
	}
	s.begun = false
	_, err := s.c.exec("ROLLBACK", nil)
	if err != nil {
		s.c.bad = true // most likely SQLite has rolled back by itself; a new connection is certain
	}
	return err
}

// liteWrite is a transaction of the writer.
type liteWrite struct {
	liteSession
	wal *walKeeper
}

func (s *liteWrite) end(commit bool) error {
	err := s.liteSession.end(commit)
	if !commit {
		return err
	}
	var e *sqlite.Error
	if errors.As(err, &e) && e.Code() == sqlite3.SQLITE_IOERR_FSYNC {
		// What was written may reach the disk all the same and be found there after a crash.
		return unknown(err)
	}
	if err == nil {
		if pages, _, err := s.c.c.(sqlite.DBStatus).Status(sqlite.DBStatusCacheWrite, true); err == nil {
			s.wal.wrote(pages)
		}
	}
	return err
}

// liteRows walks over rows, of the statement or, after keep, of memory.
type liteRows struct {
	c    *liteConn
	rows driver.Rows // nil once closed
	row  []driver.Value
	kept [][]driver.Value
}

func (r *liteRows) next() (bool, error) {
	if r.rows == nil {
		if len(r.kept) == 0 {
			return false, nil
		}
		r.row, r.kept = r.kept[0], r.kept[1:]
		return true, nil
	}
	err := r.rows.Next(r.row)
	if err == io.EOF {
		return false, nil
	}
	return err == nil, r.c.note(err)
}

func (r *liteRows) scan(dest []any) error {
	if len(dest) != len(r.row) {
		return miscount(len(r.row), len(dest))
	}
	for i, d := range dest {
		if err := assign(d, r.row[i]); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *liteRows) keep() error {
	if r.rows == nil {
		return nil
	}
	here := append([]driver.Value(nil), r.row...)
	var kept [][]driver.Value
	for {
		ok, err := r.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		kept = append(kept, append([]driver.Value(nil), r.row...))
	}
	err := r.close()
	r.row, r.kept = here, kept
	return err
}

func (r *liteRows) close() error {
	r.kept = nil
	if r.rows == nil {
		return nil
	}
	rows := r.rows
	r.rows = nil
	return r.c.note(rows.Close())
}
