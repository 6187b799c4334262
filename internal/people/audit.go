package people

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Act is one thing that somebody did.
type Act struct {
	Who    news.PersonID  // "": the node itself, or its operator
	What   string         // key of a message of the catalogs; Detail are its values
	About  string         // id or URI of the thing
	From   string         // address, or "console"
	Detail map[string]any // small facts, kept as JSON; no texts of stories, no secrets
}

// Entry is a row of the audit.
type Entry struct {
	Act
	Seq  int64
	At   time.Time
	Name string // of the person, as it is today; "" where Who is
	Hash string // hex; covers this row and all before it
}

// Chain is what VerifyAudit found to be whole. Whoever notes it down can later tell that nothing was cut off at the end.
type Chain struct {
	Rows int64
	Head string // hash of the last row, hex; "" if there is none
}

const (
	sqlAuditHead   = `SELECT seq, hash FROM audit ORDER BY seq DESC LIMIT 1`
	sqlAuditAdd    = `INSERT INTO audit (seq, at_us, who, what, about, remote, detail, hash) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`
	sqlAuditPage   = `SELECT a.seq, a.at_us, a.who, a.what, a.about, a.remote, a.detail, a.hash, COALESCE(p.name, '') FROM audit a LEFT JOIN person p ON p.id = a.who WHERE a.seq < $1 ORDER BY a.seq DESC LIMIT $2`
	sqlAuditAbout  = `SELECT a.seq, a.at_us, a.who, a.what, a.about, a.remote, a.detail, a.hash, COALESCE(p.name, '') FROM audit a LEFT JOIN person p ON p.id = a.who WHERE a.about = $1 AND a.what IN ($2, $3) ORDER BY a.seq DESC LIMIT $4`
	sqlAuditVerify = `SELECT seq, at_us, who, what, about, remote, detail, hash FROM audit WHERE seq > $1 ORDER BY seq LIMIT $2`
)

// auditHead is the end of the chain inside one shared transaction.
type auditHead struct {
	seq  int64
	hash []byte
}

type auditKey struct{}

// Audit writes an act down in the transaction that does it. It is durable when that Write returns nil.
func (s *Service) Audit(tx *store.Tx, a Act) error {
	row, err := s.auditRow(a)
	if err != nil {
		return err
	}
	before, ok := tx.Value(auditKey{}).(auditHead)
	if !ok {
		err := tx.QueryRow(sqlAuditHead).Scan(&before.seq, &before.hash)
		if err != nil && !noRows(err) {
			return err
		}
	}
	row.seq = before.seq + 1
	hash := row.link(before.hash)
	// Once this closure is undone its rows are gone: the next one finds the end of the chain where it was.
	tx.OnUndo(func() { tx.SetValue(auditKey{}, before) })
	tx.SetValue(auditKey{}, auditHead{seq: row.seq, hash: hash})
	return tx.Exec(sqlAuditAdd, row.seq, row.at, row.who, row.what, row.about, row.remote, row.detail, hash)
}

// Note is Audit in a transaction of its own.
func (s *Service) Note(ctx context.Context, a Act) error {
	return s.db.Write(ctx, func(tx *store.Tx) error { return s.Audit(tx, a) })
}

// auditRow is a row as it is stored and hashed.
type auditRow struct {
	seq, at                          int64
	who, what, about, remote, detail string
}

func (s *Service) auditRow(a Act) (auditRow, error) {
	detail := "{}"
	if len(a.Detail) > 0 {
		b, err := json.Marshal(a.Detail)
		if err != nil {
			return auditRow{}, fmt.Errorf("people: audit of %s: %w", a.What, err)
		}
		detail = string(b)
	}
	return auditRow{
		at: clock.Micros(s.clock()), who: storable(string(a.Who)), what: storable(a.What), about: storable(a.About),
		remote: storable(a.From), detail: storable(detail),
	}, nil
}

// storable takes out what no database stores.
func storable(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "")
}

// link is the hash of a row after the one with the hash before: SHA-256 over a first line of its own, then every field with
// its length in front.
func (r auditRow) link(before []byte) []byte {
	var b bytes.Buffer
	b.WriteString("newspool audit v1\n")
	fmt.Fprintf(&b, "%x\n%d\n%d\n", before, r.seq, r.at)
	for _, field := range []string{r.who, r.what, r.about, r.remote, r.detail} {
		fmt.Fprintf(&b, "%d:%s\n", len(field), field)
	}
	sum := sha256.Sum256(b.Bytes())
	return sum[:]
}

// AuditPage gives at most limit rows (1 to 200) that stand before a row, the newest first; before 0 begins at the end.
func (s *Service) AuditPage(ctx context.Context, before int64, limit int) ([]Entry, error) {
	if before <= 0 {
		before = 1<<63 - 1
	}
	limit = min(max(limit, 1), 200)
	return s.entries(ctx, sqlAuditPage, before, limit)
}

// AuditOf gives the newest acts of two kinds about one thing, at most limit, the newest first.
func (s *Service) AuditOf(ctx context.Context, about string, kinds [2]string, limit int) ([]Entry, error) {
	return s.entries(ctx, sqlAuditAbout, about, kinds[0], kinds[1], limit)
}

func (s *Service) entries(ctx context.Context, query string, args ...any) ([]Entry, error) {
	var list []Entry
	err := s.db.Read(ctx, func(r store.Reader) error {
		list = nil
		rows, err := r.Query(query, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var e Entry
			var at int64
			var detail string
			var hash []byte
			if err := rows.Scan(&e.Seq, &at, &e.Who, &e.What, &e.About, &e.From, &detail, &hash, &e.Name); err != nil {
				return err
			}
			e.At, e.Hash = clock.FromMicros(at), hex.EncodeToString(hash)
			if err := json.Unmarshal([]byte(detail), &e.Detail); err != nil {
				e.Detail = nil // VerifyAudit says that the row was changed
			}
			list = append(list, e)
		}
		return rows.Err()
	})
	return list, err
}

// VerifyAudit goes through the whole chain. A row that does not follow from the one before is a fault of kind Fork
// ("people.audit_broken") that names it.
func (s *Service) VerifyAudit(ctx context.Context) (Chain, error) {
	var c Chain
	var before []byte
	for {
		n := 0
		err := s.db.Read(ctx, func(r store.Reader) error {
			rows, err := r.Query(sqlAuditVerify, c.Rows, 5000)
			if err != nil {
				return err
			}
			defer rows.Close()
			for rows.Next() {
				var row auditRow
				var hash []byte
				if err := rows.Scan(&row.seq, &row.at, &row.who, &row.what, &row.about, &row.remote, &row.detail, &hash); err != nil {
					return err
				}
				if row.seq != c.Rows+1 || !bytes.Equal(row.link(before), hash) {
					return fault.New(fault.Fork, "people.audit_broken", "row", c.Rows+1)
				}
				c.Rows, before, n = row.seq, hash, n+1
			}
			return rows.Err()
		})
		if err != nil {
			return Chain{}, err
		}
		if n == 0 {
			c.Head = hex.EncodeToString(before)
			return c, nil
		}
	}
}

// clip keeps what a browser says about itself, or where somebody came from, to a length that a page can show.
func clip(text string, limit int) string {
	text = storable(text)
	for i := range text {
		if limit == 0 {
			return text[:i]
		}
		limit--
	}
	return text
}
