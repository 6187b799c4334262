package ingest

import (
	"context"
	"encoding/json"
	"errors"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// SourceID names a source that is polled; drafts from it carry it as their Source.
type SourceID string

// How often a source may be asked, and is where nothing is said.
const (
	MinEvery     = time.Minute
	DefaultEvery = 5 * time.Minute
	maxEvery     = 7 * 24 * time.Hour
)

// Source is a feed that is polled: RSS, Atom or JSON Feed.
type Source struct {
	ID       SourceID
	URL      string
	Name     string
	Service  string    // for items that name none
	Lang     news.Lang // for items that name none
	Every    time.Duration
	Last     time.Time   // last poll; zero: never
	Trouble  *terms.Line // why the last poll failed; nil: it went well, or there was none
	Failures int         // polls that failed since one went well
	Reading  *Reading    // the last poll that brought the feed; nil: there was none
	Refusals int         // entries that stand refused
	Enabled  bool

	etag, modified string
}

// Reading is what a poll brought.
type Reading struct {
	At       time.Time
	Taken    int
	Known    int           // were here already
	Refused  int           // each time again while the feed holds them
	Problems []ItemProblem // of the feed as a whole, and of what was taken
}

// Due is when the source is to be polled next: after Every, and later the more often it failed, at most sixteen times that.
func (s Source) Due() time.Time {
	if s.Last.IsZero() {
		return time.Time{}
	}
	return s.Last.Add(s.Every << min(s.Failures, 4))
}

const (
	sourceColumns = `id, url, name, service, language, every_s, etag, modified, last_us, last_error, failures, enabled, reading,
	(SELECT COUNT(*) FROM source_refusal WHERE source_refusal.source = source.id)`

	sqlSourceAdd = `INSERT INTO source (id, url, name, service, language, every_s, etag, modified, last_us, last_error, failures, enabled)
	VALUES ($1, $2, $3, $4, $5, $6, '', '', 0, '', 0, $7)`
	sqlSources = `SELECT ` + sourceColumns + ` FROM source ORDER BY name, id`
	sqlSource  = `SELECT ` + sourceColumns + ` FROM source WHERE id = $1`
	sqlRemove  = `DELETE FROM source WHERE id = $1`
	sqlEnable  = `UPDATE source SET enabled = $2, failures = 0 WHERE id = $1`
	sqlPolled  = `UPDATE source SET etag = $2, modified = $3, last_us = $4, last_error = '', failures = 0 WHERE id = $1`
	sqlReading = `UPDATE source SET reading = $2 WHERE id = $1`
	sqlFailed  = `UPDATE source SET last_us = $2, last_error = $3, failures = failures + 1 WHERE id = $1`
	sqlClaim   = `UPDATE source SET last_us = $2 WHERE id = $1 AND last_us = $3 AND enabled`
	sqlGone    = `UPDATE source SET enabled = FALSE WHERE id = $1`
)

// AddSource adds a source, as NewSource makes it. If it is Enabled it is polled when it is next looked at, else it waits until
// somebody switches it on. Faults: those of NewSource, ingest.source_twice (Conflict). Durable when it returns nil.
func (s *Service) AddSource(ctx context.Context, n Source, also ...func(*store.Tx) error) (Source, error) {
	n, err := NewSource(n)
	if err != nil {
		return Source{}, err
	}
	err = s.db.Write(ctx, func(tx *store.Tx) error {
		if err := tx.ExecOne(sqlSourceAdd, string(n.ID), n.URL, n.Name, n.Service, string(n.Lang), int64(n.Every/time.Second), n.Enabled); err != nil {
			return err
		}
		return tx.Also(also)
	})
	if store.IsUnique(err) {
		return Source{}, fault.New(fault.Conflict, "ingest.source_twice", "url", n.URL).Because(err)
	}
	if err != nil {
		return Source{}, err
	}
	return n, nil
}

// NewSource is a source that can be added, with everything filled in: URL is needed, Name is its host where it is empty, Every
// DefaultEvery where it is 0, ID a new one. Faults: ingest.source_url, ingest.source_every (Invalid).
func NewSource(n Source) (Source, error) {
	n.URL = strings.TrimSpace(n.URL)
	u, err := url.Parse(n.URL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || len(n.URL) > 2000 {
		return Source{}, fault.New(fault.Invalid, "ingest.source_url", "url", n.URL).Because(err)
	}
	if n.Every == 0 {
		n.Every = DefaultEvery
	}
	if n.Every < MinEvery || n.Every > maxEvery {
		return Source{}, fault.New(fault.Invalid, "ingest.source_every", "n", int(MinEvery/time.Minute), "max", int(maxEvery/(24*time.Hour)))
	}
	if n.Name = strings.TrimSpace(n.Name); n.Name == "" {
		n.Name = u.Host
	}
	if n.ID == "" {
		id, err := uuid.NewV7()
		if err != nil {
			return Source{}, err
		}
		n.ID = SourceID(id.String())
	}
	n.Every = n.Every.Truncate(time.Second)
	n.Last, n.Trouble, n.Failures, n.Reading, n.Refusals, n.etag, n.modified = time.Time{}, nil, 0, nil, 0, "", ""
	return n, nil
}

// Sources lists all sources by name.
func (s *Service) Sources(ctx context.Context) ([]Source, error) {
	var all []Source
	err := s.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(sqlSources)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			src, err := scanSource(rows)
			if err != nil {
				return err
			}
			all = append(all, src)
		}
		return rows.Err()
	})
	return all, err
}

// Source gives one source; fault.NotFound where there is none.
func (s *Service) Source(ctx context.Context, id SourceID) (Source, error) {
	var src Source
	err := s.db.Read(ctx, func(r store.Reader) (err error) {
		src, err = scanSource(r.QueryRow(sqlSource, string(id)))
		return err
	})
	if errors.Is(err, store.ErrNoRows) {
		return Source{}, noSource()
	}
	return src, err
}

// RemoveSource forgets a source and the entries that stand refused; what was taken from it stays. If it is added again later,
// everything in it counts as new. Durable when it returns nil.
func (s *Service) RemoveSource(ctx context.Context, id SourceID, also ...func(*store.Tx) error) error {
	forget := func(tx *store.Tx) error { return tx.Exec(sqlForget, string(id)) }
	return s.change(ctx, id, append(also, forget), sqlRemove, string(id))
}

// SetEnabled switches polling of a source on or off. Durable when it returns nil.
func (s *Service) SetEnabled(ctx context.Context, id SourceID, enabled bool, also ...func(*store.Tx) error) error {
	return s.change(ctx, id, also, sqlEnable, string(id), enabled)
}

func (s *Service) change(ctx context.Context, id SourceID, also []func(*store.Tx) error, query string, args ...any) error {
	return s.db.Write(ctx, func(tx *store.Tx) error {
		n, err := tx.ExecCount(query, args...)
		if err != nil {
			return err
		}
		if n == 0 {
			return noSource()
		}
		return tx.Also(also)
	})
}

func noSource() error { return fault.New(fault.NotFound, "ingest.source_unknown") }

type scanner interface{ Scan(dest ...any) error }

func scanSource(row scanner) (Source, error) {
	var src Source
	var every, last, failures int64
	var trouble, reading string
	err := row.Scan(&src.ID, &src.URL, &src.Name, &src.Service, &src.Lang, &every, &src.etag, &src.modified, &last, &trouble, &failures, &src.Enabled, &reading, &src.Refusals)
	if err != nil {
		return Source{}, err
	}
	src.Every, src.Last, src.Failures = time.Duration(every)*time.Second, clock.FromMicros(last), int(failures)
	if trouble != "" {
		src.Trouble = &terms.Line{}
		if err := json.Unmarshal([]byte(trouble), src.Trouble); err != nil {
			return Source{}, err
		}
	}
	if reading != "" {
		src.Reading = &Reading{}
		if err := json.Unmarshal([]byte(reading), src.Reading); err != nil {
			return Source{}, err
		}
	}
	return src, nil
}
