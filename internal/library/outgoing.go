package library

import (
	"cmp"
	"fmt"
	"slices"

	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// Outgoing gives a released version of our own as OnVersion was given it. Faults: library.not_found; library.not_ours.
func (l *Library) Outgoing(r store.Reader, id news.ItemID, number int) (Version, error) {
	if _, err := l.ownItem(r, id); err != nil {
		return Version{}, err
	}
	v, err := readVersion(r, id, number)
	if err != nil {
		return Version{}, err
	}
	if v == nil || v.released == 0 {
		return Version{}, notFound()
	}
	s, err := l.story(r, v)
	if err != nil {
		return Version{}, err
	}
	c, err := content.Get(r, v.contentID)
	if err != nil {
		return Version{}, err
	}
	return l.outgoing(v, s, c.Bytes, v.class == news.First), nil
}

const selectWays = `SELECT item, number, ledger, agreement, seq, state, why FROM item_agreement WHERE item = $1 AND NOT hidden`

// Ways gives the places in ledgers by which the versions of an item came or went, by number and ledger.
func (l *Library) Ways(r store.Reader, id news.ItemID) ([]Way, error) {
	arrivals, err := readArrivals(r, selectWays, id)
	if err != nil {
		return nil, err
	}
	out := make([]Way, len(arrivals))
	for i, a := range arrivals {
		out[i] = a.way()
	}
	slices.SortFunc(out, wayOrder)
	return out, nil
}

// Turn is the place in a ledger by which a correction or withdrawal came.
type Turn struct {
	Way
	Class news.Class
}

const selectTurns = `SELECT a.number, a.agreement, a.ledger, a.seq, v.class FROM item_agreement a JOIN version v ON v.item = a.item AND v.number = a.number
WHERE a.item = $1 AND (v.class = 'correction' OR v.class = 'withdrawal') ORDER BY a.number, a.ledger`

// Turns lists how the corrections and the withdrawal of a received item came, those that are still hidden too.
func (l *Library) Turns(r store.Reader, id news.ItemID) ([]Turn, error) {
	rows, err := r.Query(selectTurns, id)
	if err != nil {
		return nil, fmt.Errorf("library: read changes: %w", err)
	}
	defer rows.Close()
	var out []Turn
	for rows.Next() {
		var c Turn
		if err := rows.Scan(&c.Number, &c.Agreement, &c.Ledger, &c.Seq, &c.Class); err != nil {
			return nil, fmt.Errorf("library: read changes: %w", err)
		}
		out = append(out, c)
	}
	return out, rows.Err()
}

const countTaken = `SELECT COUNT(*) FROM item_agreement WHERE item = $1 AND agreement = $2 AND state <> 'set-aside' AND state <> 'withdrawn'`

// TookUnder reports whether a version of an item came under an agreement, shown or still hidden, and was not set aside there.
func (l *Library) TookUnder(r store.Reader, id news.ItemID, agreement terms.AgreementID) (bool, error) {
	var n int
	err := r.QueryRow(countTaken, id, agreement).Scan(&n)
	return n > 0, err
}

func (a arrival) way() Way {
	return Way{Number: a.number, Agreement: a.agreement, Ledger: a.ledger, Seq: a.seq}
}

func wayOrder(a, b Way) int {
	return cmp.Or(cmp.Compare(a.Number, b.Number), cmp.Compare(a.Ledger, b.Ledger))
}
