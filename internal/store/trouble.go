package store

import (
	"context"
	"errors"
	"io"
	"net"
	"strings"
	"syscall"

	"github.com/jackc/pgx/v5/pgconn"
	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"newspool/internal/fault"
)

// unavailable makes a fault of what keeps the database from working.
func unavailable(err error) error {
	key := "fault.database"
	switch code := sqliteCode(err) & 0xff; {
	case isFull(err):
		key = "fault.disk_full"
	case code == sqlite3.SQLITE_CORRUPT, code == sqlite3.SQLITE_NOTADB:
		key = "fault.database_damaged"
	}
	return fault.New(fault.Unavailable, key).Because(err)
}

// explain makes a fault of an error that says that the database cannot work now. All others stay what they are.
func explain(err error) error {
	var f *fault.Error
	switch {
	case err == nil, errors.As(err, &f), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	case isFull(err), isLost(err):
		return unavailable(err)
	}
	return err
}

func isFull(err error) bool {
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return true
	}
	var pg *pgconn.PgError
	return sqliteCode(err)&0xff == sqlite3.SQLITE_FULL || errors.As(err, &pg) && pg.Code == "53100"
}

// isLost reports whether the database, its disk or the way to it is in trouble, and not the statement.
func isLost(err error) bool {
	if code := sqliteCode(err); code != 0 {
		switch code & 0xff {
		case sqlite3.SQLITE_PERM, sqlite3.SQLITE_BUSY, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CORRUPT,
			sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PROTOCOL, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_NOMEM:
			return true
		}
		return false
	}
	var pg *pgconn.PgError
	if errors.As(err, &pg) {
		switch pg.Code[:min(2, len(pg.Code))] {
		case "08", "28", "3D", "40", "53", "57", "58", "XX": // connection, login, no such database, conflict, resources, operator, system
			return true
		}
		return pg.Code == "25006" // read-only
	}
	var connect *pgconn.ConnectError
	var network net.Error
	return errors.As(err, &connect) || errors.As(err, &network) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) ||
		errors.Is(err, net.ErrClosed) || errors.Is(err, syscall.ECONNRESET) ||
		errors.Is(err, syscall.EPIPE) || strings.Contains(err.Error(), "conn closed")
}

// sqliteCode is the code of an error of SQLite; 0 for any other.
func sqliteCode(err error) int {
	if lite := (*sqlite.Error)(nil); errors.As(err, &lite) {
		return lite.Code()
	}
	return 0
}

func sqliteUnique(err error) bool {
	switch sqliteCode(err) {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, sqlite3.SQLITE_CONSTRAINT_ROWID:
		return true
	}
	return false
}

func postgresUnique(err error) bool {
	var pg *pgconn.PgError
	return errors.As(err, &pg) && pg.Code == "23505"
}
