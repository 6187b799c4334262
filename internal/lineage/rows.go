package lineage

import (
	"errors"
	"fmt"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

const (
	selectMade    = `SELECT item, source, version, how, who, us FROM made`
	selectSources = selectMade + ` WHERE item = $1 ORDER BY us, source`
	selectDerived = selectMade + ` WHERE source = $1 ORDER BY us, item`
	insertMade    = `INSERT INTO made (item, source, version, how, who, us) VALUES ($1, $2, $3, $4, $5, $6)`
)

// list reads all rows of a question.
func list[T any](r store.Reader, scan func(row func(...any) error) (T, error), query string, args ...any) ([]T, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("lineage: %w", err)
	}
	defer rows.Close()
	var out []T
	for rows.Next() {
		x, err := scan(rows.Scan)
		if err != nil {
			return nil, fmt.Errorf("lineage: %w", err)
		}
		out = append(out, x)
	}
	return out, rows.Err()
}

func readItems(r store.Reader, query string, args ...any) ([]news.ItemID, error) {
	return list(r, func(scan func(...any) error) (id news.ItemID, err error) { return id, scan(&id) }, query, args...)
}

func readMade(r store.Reader, query string, id news.ItemID) ([]Made, error) {
	return list(r, func(scan func(...any) error) (m Made, err error) {
		var us int64
		err = scan(&m.Item, &m.Source, &m.Version, &m.How, &m.By, &us)
		m.At = clock.FromMicros(us)
		return m, err
	}, query, id)
}

// duty is a row of the table, with the records that ask for it.
type duty struct {
	n                int64
	item, source     news.ItemID
	version          int
	class            news.Class
	notice, number   int64
	raised, answered int64
	answer           Answer
	why              string
	who              news.PersonID
	causes           []cause
}

// cause is a record that changes something.
type cause struct {
	ledger    ledger.ID // "": an act of our own, which no agreement asks of us
	seq       int64
	agreement terms.AgreementID
	us, due   int64
}

const (
	dutyColumns  = `SELECT n, item, source, version, class, notice, number, raised_us, answer, why, who, answered_us FROM duty`
	selectOpen   = dutyColumns + ` WHERE answer = '' ORDER BY n`
	selectDuties = dutyColumns + ` WHERE item = $1 ORDER BY n`
	selectDuty   = dutyColumns + ` WHERE n = $1`
	selectSame   = dutyColumns + ` WHERE item = $1 AND source = $2 AND notice = $3 AND (notice > 0 OR version = $4)`
	insertDuty   = `INSERT INTO duty (n, item, source, version, class, notice, number, raised_us, answer, why, who, answered_us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, '', '', '', 0)`
	lastDuty     = `SELECT COALESCE(MAX(n), 0) FROM duty`
	lastNumber   = `SELECT COALESCE(MAX(number), 0) FROM duty WHERE item = $1`
	answerDuty   = `UPDATE duty SET answer = $2, why = $3, who = $4, answered_us = $5 WHERE n = $1`
	selectCauses = `SELECT ledger, seq, agreement, us, due_us FROM duty_cause WHERE duty = $1 ORDER BY us, ledger, seq`
	insertCause  = `INSERT INTO duty_cause (duty, ledger, seq, agreement, us, due_us) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (duty, ledger, seq) DO NOTHING`
)

func readDuties(r store.Reader, query string, args ...any) ([]duty, error) {
	out, err := list(r, func(scan func(...any) error) (d duty, err error) {
		err = scan(&d.n, &d.item, &d.source, &d.version, &d.class, &d.notice, &d.number, &d.raised, &d.answer, &d.why, &d.who, &d.answered)
		return d, err
	}, query, args...)
	for i := range out {
		if err == nil {
			out[i].causes, err = list(r, func(scan func(...any) error) (c cause, err error) {
				return c, scan(&c.ledger, &c.seq, &c.agreement, &c.us, &c.due)
			}, selectCauses, out[i].n)
		}
	}
	return out, err
}

// notice is what somebody said about an item of theirs: something that it was made from was changed.
type notice struct {
	ledger    ledger.ID
	seq       int64
	agreement terms.AgreementID
	version   int
	class     news.Class
	number    int64
	us        int64
}

const (
	selectNoticesIn  = `SELECT ledger, seq, agreement, version, class, number, us FROM notice_in WHERE item = $1 ORDER BY us, ledger, seq`
	selectNoticesOut = `SELECT ledger, seq, agreement, version, class, number, us FROM notice_out WHERE item = $1 AND ledger <> '' ORDER BY us, ledger, seq`
	insertNoticeIn   = `INSERT INTO notice_in (ledger, seq, agreement, item, version, class, number, us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (ledger, seq) DO NOTHING`
)

func scanNotice(scan func(...any) error) (n notice, err error) {
	return n, scan(&n.ledger, &n.seq, &n.agreement, &n.version, &n.class, &n.number, &n.us)
}

func readNotices(r store.Reader, item news.ItemID) ([]notice, error) {
	return list(r, scanNotice, selectNoticesIn, item)
}

// timeOf is when a record says that it was written, in microseconds: from then on the time to act counts.
func timeOf(r store.Reader, id ledger.ID, seq int64) (int64, error) {
	all, err := ledger.Records(r, id, seq, seq+1)
	if err != nil || len(all) == 0 {
		return 0, errors.Join(err, fmt.Errorf("lineage: record %d of %s is not there", seq, id))
	}
	rec, err := protocol.ParseRecord(all[0])
	return rec.Time, err
}

// one reads a number; 0 where there is no row.
func one(r store.Reader, query string, args ...any) (n int64, err error) {
	err = r.QueryRow(query, args...).Scan(&n)
	if errors.Is(err, store.ErrNoRows) {
		return 0, nil
	}
	return n, err
}
