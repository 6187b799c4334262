// Package store is the door to the database. It knows transactions, statements and migrations; it knows no nouns.
//
// There are two engines behind one door: SQLite, the default, in one file of the data folder, and PostgreSQL. One SQL text
// serves both: placeholders are $1, $2 …; ids are text; times are BIGINT microseconds (package clock); booleans are BOOLEAN;
// bytes are BYTEA; JSON is TEXT that no statement looks into. Values are strings, integers, floats, booleans, byte slices, nil,
// types made of these, and driver.Valuer; a string must be valid UTF-8 without a zero byte, a nil byte slice is NULL. A time.Time
// is refused.
//
// What it promises:
//   - Write returns nil only when the work is on disk: it survives a crash of the process, the machine, or the server.
//   - There is one writer. Closures that wait at the same time share one transaction and one fsync. An error undoes one closure
//     and not its neighbours: a group in which one has failed runs once more, each closure guarded by a savepoint. Several instances
//     on one PostgreSQL take turns by group.
//   - An error from Write means that nothing of that closure is stored, except ErrCommitUnknown.
//   - Read sees one consistent snapshot for as long as it lasts, and never waits for the writer.
//   - A full disk, a lost or damaged database or a read-only folder is a fault.Unavailable ("fault.disk_full", "fault.database",
//     "fault.database_damaged"). The process goes on, and so does the store as soon as the database is back.
//
// A migration is written once, in PostgreSQL words. For SQLite, BIGINT becomes INTEGER, BYTEA BLOB, BOOLEAN INTEGER and DOUBLE
// PRECISION REAL; tables become STRICT, and WITHOUT ROWID where a comment in the statement says "sqlite: without rowid". For
// PostgreSQL, TEXT columns get COLLATE "C": texts have the order of their bytes in both. Other column types are refused.
//
// What it never does: it does not retry a closure whose commit may have happened, and it does not recreate a database file that
// vanished while it was open.
package store
