package ingest

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/formats/feed"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// What is kept of the refused entries of one source, the newest: as many as a feed can hold, and of their originals so much.
const (
	MaxKept      = feed.MaxItems
	MaxOriginals = 64 << 20 // bytes
	maxShown     = 500      // bytes of an entry's id, of its headline, and of a value in the reason; the original has them whole
)

// Refusal is an entry of a source that could not be taken. It stands until the entry is taken, in the state in which it came
// last: the same entry with the same reason is no new refusal when it comes again.
type Refusal struct {
	ID       string // of the refusal at its source
	Entry    string // the entry's own id
	Headline string // may be empty
	Why      terms.Line
	First    time.Time // when it was first refused in this state
	Kept     bool      // whether it is still here as it came: the originals of many make room, oldest first
}

const (
	sqlRefusals = `SELECT id, entry, headline, reason, first_us, LENGTH(original) > 0 FROM source_refusal WHERE source = $1 ORDER BY first_us DESC, id LIMIT $2`
	sqlOriginal = `SELECT original FROM source_refusal WHERE source = $1 AND id = $2`
	sqlStates   = `SELECT id, state FROM source_refusal WHERE source = $1`
	sqlRefuse   = `INSERT INTO source_refusal (source, id, entry, headline, state, reason, original, first_us) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
	ON CONFLICT (source, id) DO UPDATE SET headline = excluded.headline, state = excluded.state, reason = excluded.reason,
	original = excluded.original, first_us = excluded.first_us`
	sqlSettled = `DELETE FROM source_refusal WHERE source = $1 AND id = $2`
	sqlOldest  = `DELETE FROM source_refusal WHERE source = $1 AND id NOT IN (SELECT id FROM source_refusal WHERE source = $1 ORDER BY first_us DESC, id LIMIT $2)`
	sqlRoom    = `UPDATE source_refusal SET original = $2 WHERE source = $1 AND LENGTH(original) > 0 AND id IN (SELECT id FROM
	(SELECT id, SUM(LENGTH(original)) OVER (ORDER BY first_us DESC, id) AS held FROM source_refusal WHERE source = $1) AS counted WHERE held > $3)`
	sqlForget = `DELETE FROM source_refusal WHERE source = $1`
)

// Refusals lists the entries of a source that stand refused, newest first, at most so many.
func (s *Service) Refusals(ctx context.Context, id SourceID, limit int) ([]Refusal, error) {
	var all []Refusal
	err := s.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(sqlRefusals, string(id), limit)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var one Refusal
			var reason string
			var first int64
			if err := rows.Scan(&one.ID, &one.Entry, &one.Headline, &reason, &first, &one.Kept); err != nil {
				return err
			}
			if err := json.Unmarshal([]byte(reason), &one.Why); err != nil {
				return err
			}
			one.First = clock.FromMicros(first)
			all = append(all, one)
		}
		return rows.Err()
	})
	return all, err
}

// Original gives a refused entry as it came, as JSON with all its fields; fault.NotFound where it stands refused no longer, fault.Gone
// where it is not kept any more as it came.
func (s *Service) Original(ctx context.Context, id SourceID, refusal string) ([]byte, error) {
	var original []byte
	err := s.db.Read(ctx, func(r store.Reader) error {
		return r.QueryRow(sqlOriginal, string(id), refusal).Scan(&original)
	})
	if errors.Is(err, store.ErrNoRows) {
		return nil, fault.New(fault.NotFound, "ingest.refusal_unknown")
	}
	if err == nil && len(original) == 0 {
		return nil, fault.New(fault.Gone, "ingest.original_gone", "mb", MaxOriginals>>20)
	}
	return original, err
}

// outcomes are what became of the entries of one poll, by their ids. An entry that comes twice is what its last coming became.
type outcomes map[string]outcome

type outcome struct {
	draft news.Draft  // of one that was refused
	why   *terms.Line // nil: taken, or here already
}

func (all outcomes) note(d news.Draft, why *fault.Error) {
	if why == nil {
		all[d.SourceID] = outcome{}
		return
	}
	args := maps.Clone(why.Args)
	for name, v := range args {
		if text, ok := v.(string); ok {
			args[name] = clipped(text)
		}
	}
	all[d.SourceID] = outcome{d, &terms.Line{Key: why.Key, Args: args}}
}

// save brings the refusals of a source up to date, and says how many are new or in a new state.
func (all outcomes) save(tx *store.Tx, source SourceID, now time.Time) (fresh int, err error) {
	before, err := states(tx, source)
	if err != nil {
		return 0, err
	}
	for entry, o := range all {
		id := hashed([]byte(entry))
		if o.why == nil {
			if before[id] != "" {
				err = tx.Exec(sqlSettled, string(source), id)
			}
		} else {
			var reason []byte
			if reason, err = json.Marshal(o.why); err != nil {
				return 0, err
			}
			state := hashed(o.draft.Original, reason)
			if before[id] != state {
				fresh++
				err = tx.Exec(sqlRefuse, string(source), id, clipped(entry), clipped(o.draft.Headline), state, string(reason), append([]byte{}, o.draft.Original...), clock.Micros(now))
			}
		}
		if err != nil {
			return 0, err
		}
	}
	if fresh > 0 {
		err = errors.Join(tx.Exec(sqlOldest, string(source), MaxKept), tx.Exec(sqlRoom, string(source), []byte{}, MaxOriginals))
	}
	return fresh, err
}

// states gives the refusals of a source with their states.
func states(r store.Reader, source SourceID) (map[string]string, error) {
	rows, err := r.Query(sqlStates, string(source))
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	all := map[string]string{}
	for rows.Next() {
		var id, state string
		if err := rows.Scan(&id, &state); err != nil {
			return nil, err
		}
		all[id] = state
	}
	return all, rows.Err()
}

// clipped is what is shown of a text that a feed may have made as long as itself.
func clipped(text string) string {
	if len(text) <= maxShown {
		return text
	}
	return strings.ToValidUTF8(text[:maxShown], "") + "…"
}

func hashed(parts ...[]byte) string {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return hex.EncodeToString(h.Sum(nil)[:16])
}
