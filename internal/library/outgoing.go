package library

import (
	"cmp"
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
