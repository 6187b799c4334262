package api

import (
	"context"
	"crypto/subtle"
	"encoding/json"
	"errors"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// keepFor is how long an answer is kept under its key.
const keepFor = 48 * time.Hour

// asked is a request under an Idempotency-Key; without a key nothing is kept of it.
type asked struct {
	person news.PersonID
	key    string
	hash   []byte
}

// kept is an answer as it is stored.
type kept struct {
	Location string  `json:"location"`
	Body     Brought `json:"body"`
}

const (
	selectAnswer  = `SELECT hash, status, answer FROM api_answer WHERE person = $1 AND key = $2 AND made_us > $3`
	insertAnswer  = `INSERT INTO api_answer (person, key, hash, status, answer, made_us) VALUES ($1, $2, $3, $4, $5, $6)`
	deleteAnswers = `DELETE FROM api_answer WHERE made_us <= $1`
)

// answered gives what was answered to the same request before; nil if there was none. The key of another request is a Conflict.
func (a *API) answered(ctx context.Context, q asked) (*bringOutput, error) {
	if q.key == "" {
		return nil, nil
	}
	out := &bringOutput{Replayed: "true"}
	var hash []byte
	var answer string
	err := a.o.DB.Read(ctx, func(r store.Reader) error {
		return r.QueryRow(selectAnswer, q.person, q.key, clock.Micros(a.o.Clock().Add(-keepFor))).Scan(&hash, &out.Status, &answer)
	})
	switch {
	case errors.Is(err, store.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, err
	case subtle.ConstantTimeCompare(hash, q.hash) != 1:
		return nil, fault.New(fault.Conflict, "api.key_reused")
	}
	var k kept
	if err := json.Unmarshal([]byte(answer), &k); err != nil {
		return nil, err
	}
	out.Location, out.Body = k.Location, k.Body
	return out, nil
}

// remember keeps an answer in the transaction that did what it tells of, and forgets old ones.
func (a *API) remember(tx *store.Tx, q asked, out *bringOutput) error {
	if q.key == "" {
		return nil
	}
	answer, err := json.Marshal(kept{out.Location, out.Body})
	if err != nil {
		return err
	}
	now := a.o.Clock()
	if err := tx.Exec(deleteAnswers, clock.Micros(now.Add(-keepFor))); err != nil {
		return err
	}
	return tx.Exec(insertAnswer, q.person, q.key, q.hash, out.Status, string(answer), clock.Micros(now))
}
