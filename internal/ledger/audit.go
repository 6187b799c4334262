package ledger

import (
	"errors"

	"newspool/internal/content"
	"newspool/internal/store"
	"newspool/protocol"
)

// What follows reads rows as they are, for who checks them: nothing is computed, compared or left out.

const selectIDs = `SELECT id FROM ledger ORDER BY opened_us, id`

// IDs lists all ledgers, oldest first, also those whose rows cannot be read whole.
func IDs(r store.Reader) ([]ID, error) {
	rows, err := r.Query(selectIDs)
	if err != nil {
		return nil, err
	}
	return ids(rows)
}

func ids(rows *store.Rows) (out []ID, err error) {
	defer rows.Close()
	for rows.Next() {
		var id ID
		if err := rows.Scan((*string)(&id)); err != nil {
			return nil, err
		}
		out = append(out, id)
	}
	return out, rows.Err()
}

const selectUnowned = `SELECT ledger FROM ledger_entry WHERE ledger NOT IN (SELECT id FROM ledger)
	UNION SELECT ledger FROM ledger_tile WHERE ledger NOT IN (SELECT id FROM ledger)
	UNION SELECT ledger FROM ledger_content WHERE ledger NOT IN (SELECT id FROM ledger)
	UNION SELECT ledger FROM ledger_withdrawal WHERE ledger NOT IN (SELECT id FROM ledger)
	UNION SELECT ledger FROM ledger_receipt WHERE ledger NOT IN (SELECT id FROM ledger)
	UNION SELECT ledger FROM ledger_evidence WHERE ledger NOT IN (SELECT id FROM ledger)`

// Unowned lists the ids that rows name although there is no such ledger.
func Unowned(r store.Reader) ([]ID, error) {
	rows, err := r.Query(selectUnowned)
	if err != nil {
		return nil, err
	}
	return ids(rows)
}

// RowCounts says how many rows of each kind a ledger has.
type RowCounts struct{ Entries, Tiles, Contents, Withdrawals, Receipts, Evidence int64 }

const countRows = `SELECT (SELECT COUNT(*) FROM ledger_entry WHERE ledger = $1), (SELECT COUNT(*) FROM ledger_tile WHERE ledger = $1),
	(SELECT COUNT(*) FROM ledger_content WHERE ledger = $1), (SELECT COUNT(*) FROM ledger_withdrawal WHERE ledger = $1),
	(SELECT COUNT(*) FROM ledger_receipt WHERE ledger = $1), (SELECT COUNT(*) FROM ledger_evidence WHERE ledger = $1)`

// CountRows counts the rows of a ledger.
func CountRows(r store.Reader, id ID) (c RowCounts, err error) {
	err = r.QueryRow(countRows, string(id)).Scan(&c.Entries, &c.Tiles, &c.Contents, &c.Withdrawals, &c.Receipts, &c.Evidence)
	return c, err
}

// EntryRow is the row of a record.
type EntryRow struct {
	Seq          int64
	Leaf, Record []byte
}

const selectEntryRows = `SELECT seq, leaf, record FROM ledger_entry WHERE ledger = $1 AND seq >= $2 ORDER BY seq LIMIT $3`

// EntryRows reads rows from an index on, in order, at most limit of them.
func EntryRows(r store.Reader, id ID, from int64, limit int) (out []EntryRow, err error) {
	rows, err := r.Query(selectEntryRows, string(id), from, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var e EntryRow
		if err := rows.Scan(&e.Seq, &e.Leaf, &e.Record); err != nil {
			return nil, err
		}
		out = append(out, e)
	}
	return out, rows.Err()
}

const selectTileRow = `SELECT hash FROM ledger_tile WHERE ledger = $1 AND lvl = $2 AND idx = $3`

// TileRow reads the stored root of a full tile; nil if there is none.
func TileRow(r store.Reader, id ID, level int, index int64) (hash []byte, err error) {
	err = r.QueryRow(selectTileRow, string(id), level, index).Scan(&hash)
	if errors.Is(err, store.ErrNoRows) {
		return nil, nil
	}
	return hash, err
}

// ContentRow is the row of a content, without its bytes.
type ContentRow struct {
	Seq, N int64
	State  protocol.ContentState
	Salt   []byte
	ID     content.ID
	Cause  int64
}

const selectContentRows = `SELECT seq, n, state, salt, content, cause FROM ledger_content WHERE ledger = $1 AND seq >= $2 AND seq < $3 ORDER BY seq, n`

// ContentRows reads the rows of the contents of records [from, to), in order.
func ContentRows(r store.Reader, id ID, from, to int64) (out []ContentRow, err error) {
	rows, err := r.Query(selectContentRows, string(id), from, to)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var c ContentRow
		var state int64
		if err := rows.Scan(&c.Seq, &c.N, &state, &c.Salt, (*string)(&c.ID), &c.Cause); err != nil {
			return nil, err
		}
		if c.State = protocol.ContentState(state); int64(c.State) != state {
			c.State = 255
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

// Withdrawals lists the withdrawals that are hinted at, in order.
func Withdrawals(r store.Reader, id ID) ([]protocol.Hint, error) { return withdrawals(r, id) }

const selectReceipts = `SELECT cosigner, size, seconds, at_us, line FROM ledger_receipt
	WHERE ledger = $1 AND (size > $2 OR (size = $2 AND cosigner > $3)) ORDER BY size, cosigner LIMIT $4`

// Receipts reads receipts by size and cosigner, at most limit of them, after the given one.
func Receipts(r store.Reader, id ID, size int64, cosigner string, limit int) (out []Held, err error) {
	rows, err := r.Query(selectReceipts, string(id), size, cosigner, limit)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	for rows.Next() {
		var h Held
		if err := rows.Scan(&h.Cosigner, &h.Size, &h.Seconds, &h.AtMicros, &h.Line); err != nil {
			return nil, err
		}
		out = append(out, h)
	}
	return out, rows.Err()
}
