package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
)

// pgSession is one transaction. What needs no answer waits in a queue and is sent together with the next question or the commit,
// in one round trip.
type pgSession struct {
	conn    *pgx.Conn
	wraps   map[string]string
	queue   []pgItem
	size    int  // bytes that wait
	prelude int  // how many items open the transaction
	sent    bool // something of this transaction has been sent
	mark    int  // where in the queue the savepoint is set; -1: nowhere
	marked  bool // the savepoint stands on the server
	marks   bool // the closures of this transaction have savepoints
}

type pgItem struct {
	sql  string
	args []any
}

// What waits at most.
const (
	pgQueue      = 2000
	pgQueueBytes = 8 << 20
)

func (s *pgSession) put(sql string, args ...any) {
	s.queue = append(s.queue, pgItem{sql: sql, args: args})
}

// bind brings the values into the common form, and keeps the bytes, as the caller may change them.
func (s *pgSession) bind(args []any) ([]any, error) {
	bound := make([]any, len(args))
	for i, arg := range args {
		v, err := value(arg)
		if err != nil {
			return nil, fmt.Errorf("value $%d: %w", i+1, err)
		}
		switch b := v.(type) {
		case []byte:
			v = append(make([]byte, 0, len(b)), b...)
			s.size += len(b)
		case string:
			s.size += len(b)
		}
		bound[i] = v
	}
	return bound, nil
}

func (s *pgSession) exec(m mode, query string, args []any) (int64, error) {
	bound, err := s.bind(args)
	if err != nil {
		return 0, err
	}
	switch {
	case m == script:
		if err := s.flush(); err != nil {
			return 0, err
		}
		_, err := s.conn.PgConn().Exec(context.Background(), query).ReadAll()
		return 0, s.own(err)
	case m == later:
		s.put(query, bound...)
	case m == laterOne && s.one(query) != "":
		s.put(s.one(query), bound...)
	default:
		s.put(query, bound...)
		n, err := s.send()
		if err == nil && m == laterOne && n != 1 {
			err = stale(n)
		}
		return n, err
	}
	if len(s.queue) >= pgQueue || s.size >= pgQueueBytes {
		return 0, s.flush()
	}
	return 0, nil
}

const staleMark = "newspool stale: "

// one puts a statement into one that fails on the server unless exactly one row was changed; "" if that cannot be done.
func (s *pgSession) one(query string) string {
	wrapped, ok := s.wraps[query]
	if ok {
		return wrapped
	}
	verb, _, _ := strings.Cut(strings.TrimSpace(query), " ")
	switch strings.ToUpper(verb) {
	case "INSERT", "UPDATE", "DELETE":
		if !strings.Contains(strings.ToUpper(query), "RETURNING") {
			wrapped = "WITH changed AS (" + strings.TrimRight(strings.TrimSpace(query), "; \n\t") + "\nRETURNING 1)\n" +
				"SELECT CASE count(*) WHEN 1 THEN 0 ELSE CAST('" + staleMark + "' || count(*) || ' rows' AS integer) END FROM changed"
		}
	}
	if len(s.wraps) >= maxStatements {
		clear(s.wraps)
	}
	s.wraps[query] = wrapped
	return wrapped
}

func (s *pgSession) flush() error {
	if len(s.queue) == 0 {
		return nil
	}
	_, err := s.send()
	return err
}

// send sends the queue and gives the number of rows of its last statement.
func (s *pgSession) send() (int64, error) {
	br, err := s.batch(context.Background(), 0)
	if err != nil {
		return 0, err
	}
	tag, err := br.last, br.Close()
	return tag.RowsAffected(), s.own(err)
}

// pgBatch is a batch all of whose answers but the last few have been read.
type pgBatch struct {
	pgx.BatchResults
	last pgconn.CommandTag
}

// batch sends the queue and reads its answers, except those of the last unread statements.
func (s *pgSession) batch(ctx context.Context, unread int) (*pgBatch, error) {
	items, mark := s.queue, s.mark
	s.queue, s.size, s.mark, s.sent = s.queue[:0], 0, -1, true
	defer clear(items)
	b := &pgx.Batch{}
	for _, item := range items {
		b.Queue(item.sql, item.args...)
	}
	out := &pgBatch{BatchResults: s.conn.SendBatch(ctx, b)}
	for i := range len(items) - unread {
		var err error
		if out.last, err = out.Exec(); err != nil {
			_ = out.Close()
			var early pgx.ErrPreprocessingBatch
			if !errors.As(err, &early) && mark >= 0 && i > mark {
				s.marked = true
			}
			return nil, &batchError{at: i, of: len(items), sql: items[i].sql, err: s.own(err)}
		}
	}
	if mark >= 0 {
		s.marked = true
	}
	return out, nil
}

// batchError says which statement of a batch failed.
type batchError struct {
	at, of int
	sql    string
	err    error
}

func (e *batchError) Error() string { return brief(e.sql) + ": " + e.err.Error() }
func (e *batchError) Unwrap() error { return e.err }

// own tells the errors of the closure at work, which its savepoint undoes, from those that are the group's: a statement of a
// closure before it, or a lost connection.
func (s *pgSession) own(err error) error {
	if err == nil {
		return nil
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) && pg.Code == "22P02" && strings.Contains(pg.Message, staleMark) {
		_, rows, _ := strings.Cut(pg.Message, staleMark)
		err = fmt.Errorf("%w: %s (%w)", ErrStale, strings.TrimRight(rows, `"`), err)
	}
	if s.conn.IsClosed() || s.marks && !s.marked {
		return fmt.Errorf("%w: %w", errGroupLost, err)
	}
	return err
}

func (s *pgSession) query(ctx context.Context, query string, args []any) (cursor, error) {
	bound, err := s.bind(args)
	if err != nil {
		return nil, err
	}
	s.put(query, bound...)
	br, err := s.batch(ctx, 1)
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, err
	}
	rows, err := br.Query()
	r := &pgRows{s: s, br: br, rows: rows}
	if err == nil {
		r.ahead = rows.Next() // an error of the statement shows now
		err = rows.Err()
	}
	if err != nil {
		_ = r.close()
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		return nil, s.own(err)
	}
	return r, nil
}

func (s *pgSession) point(p point) error {
	switch p {
	case save:
		s.marks, s.marked, s.mark = true, false, len(s.queue)
		s.put("SAVEPOINT closure")
	case undo:
		if s.mark >= 0 { // nothing of the closure has been sent
			s.queue, s.mark = s.queue[:s.mark], -1
			break
		}
		s.put("ROLLBACK TO SAVEPOINT closure")
		s.put("RELEASE SAVEPOINT closure")
	case release:
		s.put("RELEASE SAVEPOINT closure")
	}
	return nil
}

func (s *pgSession) end(commit bool) error {
	if !commit {
		s.queue = nil
		if !s.sent || s.conn.IsClosed() || s.conn.PgConn().TxStatus() == 'I' {
			return nil
		}
		s.sent = false
		if _, err := s.conn.PgConn().Exec(context.Background(), "ROLLBACK").ReadAll(); err != nil {
			ctx, cancel := context.WithTimeout(context.Background(), time.Second)
			defer cancel()
			return errors.Join(err, s.conn.Close(ctx))
		}
		return nil
	}
	if !s.sent && len(s.queue) == s.prelude {
		s.queue = nil
		return nil
	}
	s.marks, s.mark = false, -1
	s.put("COMMIT")
	br, err := s.batch(context.Background(), 0)
	if err != nil {
		var at *batchError
		if errors.As(err, &at) && uncertain(at) {
			return unknown(err)
		}
		return err
	}
	tag := br.last.String()
	if err := br.Close(); err != nil && tag == "" {
		return unknown(err)
	}
	if tag != "COMMIT" {
		return fmt.Errorf("store: the server answered a commit with %s", tag)
	}
	s.sent = false
	return nil
}

// uncertain reports whether the commit at the end of a batch may have happened although the batch failed. The server answers in
// order: a statement that it has refused, or a session that it has ended before the commit's turn, is certain.
func uncertain(at *batchError) bool {
	var early pgx.ErrPreprocessingBatch
	if errors.As(at.err, &early) || pgconn.SafeToRetry(at.err) {
		return false
	}
	var pg *pgconn.PgError
	if !errors.As(at.err, &pg) {
		return true
	}
	return pg.SeverityUnlocalized != "ERROR" && at.at == at.of-1
}

// pgRows walks over rows, of the connection or, after keep, of memory.
type pgRows struct {
	s     *pgSession
	br    *pgBatch
	rows  pgx.Rows // nil once closed
	ahead bool     // the next row has been taken already

	fields []pgconn.FieldDescription
	kept   [][][]byte
	row    [][]byte
}

func (r *pgRows) next() (bool, error) {
	if r.rows == nil {
		if len(r.kept) == 0 {
			return false, nil
		}
		r.row, r.kept = r.kept[0], r.kept[1:]
		return true, nil
	}
	if r.ahead {
		r.ahead = false
		return true, nil
	}
	if r.rows.Next() {
		return true, nil
	}
	return false, r.s.own(r.rows.Err())
}

func (r *pgRows) scan(dest []any) error {
	if r.rows != nil {
		return r.rows.Scan(dest...)
	}
	if len(dest) != len(r.row) {
		return miscount(len(r.row), len(dest))
	}
	for i, d := range dest {
		f := r.fields[i]
		if err := r.s.conn.TypeMap().Scan(f.DataTypeOID, f.Format, r.row[i], d); err != nil {
			return fmt.Errorf("column %d: %w", i+1, err)
		}
	}
	return nil
}

func (r *pgRows) keep() error {
	if r.rows == nil {
		return nil
	}
	r.fields = append([]pgconn.FieldDescription(nil), r.rows.FieldDescriptions()...)
	var here [][]byte
	if !r.ahead {
		here = copyRow(r.rows.RawValues())
	}
	var kept [][][]byte
	for {
		ok, err := r.next()
		if err != nil {
			return err
		}
		if !ok {
			break
		}
		kept = append(kept, copyRow(r.rows.RawValues()))
	}
	err := r.close()
	r.row, r.kept = here, kept
	return err
}

func copyRow(raw [][]byte) [][]byte {
	row := make([][]byte, len(raw))
	for i, v := range raw {
		if v != nil {
			row[i] = append(make([]byte, 0, len(v)), v...)
		}
	}
	return row
}

func (r *pgRows) close() error {
	r.kept = nil
	if r.rows == nil {
		return nil
	}
	rows := r.rows
	r.rows = nil
	rows.Close()
	err := rows.Err()
	if e := r.br.Close(); err == nil {
		err = e
	}
	return r.s.own(err)
}
