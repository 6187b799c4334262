package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
)

// cursor walks over the rows of one statement.
type cursor interface {
	next() (bool, error)
	scan(dest []any) error
	keep() error // reads what is left into memory, so that the connection is free for the next statement
	close() error
}

// mode says when a changing statement has to be done.
type mode int

const (
	now      mode = iota // at once; the number of rows is known
	later                // at the latest with the commit
	laterOne             // like later, and it must change exactly one row
	script               // at once; many statements without values
)

// point is what happens to the savepoint around a closure.
type point int

const (
	save point = iota
	release
	undo
)

// session is one transaction on one connection.
type session interface {
	exec(m mode, query string, args []any) (int64, error)
	query(ctx context.Context, query string, args []any) (cursor, error)
	point(p point) error
	end(commit bool) error
}

// backend is one of the two engines.
type backend interface {
	begin() (session, error) // for the writer, one at a time
	snapshot(ctx context.Context) (s session, done func(), err error)
	close() error
}

// reader is the Reader of a transaction. Its first failed statement is kept: a transaction in which a statement failed is over.
type reader struct {
	ctx   context.Context
	s     session
	fault func(op string) error
	open  *Rows
	err   error
	lost  bool // the failure is not of this closure alone: the shared transaction is gone
	over  bool
}

var errOver = errors.New("store: used after its transaction")

// ready says whether a statement may begin, and clears the way for it.
func (r *reader) ready(op string) error {
	switch {
	case r.over:
		return errOver
	case r.err != nil:
		return r.err
	}
	if err := r.fault(op); err != nil {
		return r.failed(unavailable(err), "")
	}
	if r.open != nil && !r.open.done {
		if err := r.open.c.keep(); err != nil {
			return r.failed(err, "")
		}
	}
	r.open = nil
	return nil
}

// failed keeps the first error of a statement.
func (r *reader) failed(err error, query string) error {
	r.lost = r.lost || errors.Is(err, errGroupLost)
	err = explain(err)
	if query != "" && r.ctx.Err() == nil {
		err = fmt.Errorf("%s: %w", brief(query), err)
	}
	if r.err == nil {
		r.err = err
	}
	return err
}

// brief is the beginning of a statement, for the log.
func brief(query string) string {
	query = strings.Join(strings.Fields(query), " ")
	if len(query) > 80 {
		query = query[:80] + "…"
	}
	return query
}

// Query implements Reader.
func (r *reader) Query(query string, args ...any) (*Rows, error) {
	if err := r.ready("query"); err != nil {
		return nil, err
	}
	c, err := r.s.query(r.ctx, query, args)
	if err != nil {
		return nil, r.failed(err, query)
	}
	r.open = &Rows{c: c, r: r, sql: query}
	return r.open, nil
}

// QueryRow implements Reader.
func (r *reader) QueryRow(query string, args ...any) *Row {
	rows, err := r.Query(query, args...)
	return &Row{rows: rows, err: err}
}

// exec is the way of all changing statements.
func (r *reader) exec(m mode, query string, args []any) (int64, error) {
	if err := r.ready("exec"); err != nil {
		return 0, err
	}
	n, err := r.s.exec(m, query, args)
	if err != nil {
		return 0, r.failed(err, query)
	}
	return n, nil
}

// leave closes what the closure left open.
func (r *reader) leave() {
	if r.open != nil {
		_ = r.open.Close()
		r.open = nil
	}
}

// Rows are the rows of one question. They belong to the transaction and end with it.
type Rows struct {
	c    cursor
	r    *reader
	sql  string
	err  error
	done bool
}

// Next goes to the next row and says whether there is one. After false, Err says why.
func (rows *Rows) Next() bool {
	if rows.done {
		return false
	}
	ok, err := rows.c.next()
	if err != nil {
		rows.err = rows.r.failed(err, rows.sql)
	}
	if !ok || err != nil {
		_ = rows.Close()
		return false
	}
	return true
}

// Scan copies the row into dest: pointers to strings, integers, floats, booleans, byte slices, types made of these, pointers to
// pointers for what may be NULL, sql.Scanner, or any.
func (rows *Rows) Scan(dest ...any) error {
	if rows.done {
		return errors.New("store: scan without a row")
	}
	if err := rows.c.scan(dest); err != nil {
		return fmt.Errorf("%s: %w", brief(rows.sql), err)
	}
	return nil
}

// Err gives the error that ended the rows, if one did.
func (rows *Rows) Err() error { return rows.err }

// Close gives up the rows that are left. It may be called again.
func (rows *Rows) Close() error {
	if rows.done {
		return nil
	}
	rows.done = true
	if err := rows.c.close(); err != nil && rows.err == nil {
		rows.err = rows.r.failed(err, rows.sql)
		return rows.err
	}
	return nil
}

// Row is the answer to QueryRow.
type Row struct {
	rows *Rows
	err  error
}

// Scan copies the first row into dest as Rows.Scan does. It gives ErrNoRows if there is none; further rows are ignored.
func (row *Row) Scan(dest ...any) error {
	if row.err != nil {
		return row.err
	}
	defer row.rows.Close()
	if !row.rows.Next() {
		if err := row.rows.Err(); err != nil {
			return err
		}
		return ErrNoRows
	}
	if err := row.rows.Scan(dest...); err != nil {
		return err
	}
	return row.rows.Close()
}
