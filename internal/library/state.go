package library

import (
	"errors"
	"fmt"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// hold sets what holds the item back whatever its versions say, puts the row right and gives its version a new line in the
// feed. The caller saves the item, and no version that it read before.
func (l *Library) hold(tx *store.Tx, ix *index, it *item, state news.State, why string) error {
	had := l.facets(it)
	it.hold, it.holdWhy = state, why
	if it.N == 0 {
		return nil
	}
	it.State = state
	v, err := readVersion(tx, it.Item, it.Version)
	if err != nil {
		return err
	}
	if v != nil && v.line != 0 {
		l.tell(ix, it, v)
		if err := v.save(tx); err != nil {
			return err
		}
	}
	return l.refresh(tx, ix, it, nil, had)
}

const selectOrigin = `SELECT origin FROM item WHERE id = $1`

// Origin gives the root that made an item, and false for an item that is not here. Hidden items count as here.
func (l *Library) Origin(r store.Reader, id news.ItemID) (news.Root, bool, error) {
	if tx, ok := r.(*store.Tx); ok {
		if ix, ok := tx.Value(indexKey{l}).(*index); ok && ix.absent[id] { // by Expect
			return "", false, nil
		}
	}
	var root news.Root
	switch err := r.QueryRow(selectOrigin, id).Scan(&root); {
	case errors.Is(err, store.ErrNoRows):
		return "", false, nil
	case err != nil:
		return "", false, fmt.Errorf("library: read origin: %w", err)
	}
	return root, true, nil
}

// WithdrawalAhead is the key of the reason (Why) for which an item is closed that no person opens again: it is known that its
// withdrawal is on the way.
const WithdrawalAhead = "exchange.withdrawal_ahead"

// ahead reports whether the item is closed because its withdrawal is on the way.
func (it *item) ahead() bool {
	return it.hold == news.Closed && parseWhy(it.holdWhy).Key == WithdrawalAhead
}

// CloseForUse closes a received item at once, for a hint or for a record that nobody here understands. It stays closed, also
// for the versions that follow, until SetState opens it or a withdrawal comes. An item that is not here, one of our own, and
// one that is closed or withdrawn already are left alone without an error; only WithdrawalAhead takes the place of another
// reason, since it is the one that does not pass. The caller has checked that the one who asks for it may speak of the item
// (Origin).
func (l *Library) CloseForUse(tx *store.Tx, id news.ItemID, why Why) error {
	it, err := readItem(tx, id)
	if err != nil || it == nil || it.Own || it.hold == news.Withdrawn || it.hold != "" && (it.ahead() || why.Key != WithdrawalAhead) {
		return err
	}
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	return errors.Join(l.hold(tx, ix, it, news.Closed, why.text()), it.save(tx))
}

const decideArrivals = `UPDATE item_agreement SET state = $3 WHERE item = $1 AND number = $2 AND (state = 'usable' OR state = 'set-aside') AND NOT hidden`

// SetState is what a person decides about a received item. Usable and SetAside speak of the version that is shown, and open
// what was closed; Closed and Withdrawn hold the item, whatever versions follow. The row stays where it is; the feed gets a
// new line. What a version came under an agreement as is what the person says, too (TookUnder).
//
// Faults: library.not_found; library.not_received (Denied) for an item of our own; library.withdrawn (Gone) for one that is
// withdrawn; library.missing (Conflict) to make usable what has no content; exchange.withdrawal_ahead (Conflict) to make usable
// or set aside what is closed for that reason; library.state (Invalid) for any other state.
func (l *Library) SetState(tx *store.Tx, id news.ItemID, state news.State, why Why) error {
	it, err := readItem(tx, id)
	switch {
	case err != nil:
		return err
	case it == nil || it.N == 0:
		return notFound()
	case it.Own:
		return fault.New(fault.Denied, "library.not_received")
	case it.hold == news.Withdrawn && state == news.Withdrawn:
		return nil
	case it.hold == news.Withdrawn:
		return withdrawn()
	}
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	switch state {
	case news.Closed, news.Withdrawn:
		return errors.Join(l.hold(tx, ix, it, state, why.text()), it.save(tx))
	case news.Usable, news.SetAside:
	default:
		return fault.New(fault.Invalid, "library.state")
	}
	if it.ahead() {
		return fault.New(fault.Conflict, WithdrawalAhead)
	}
	v, err := readVersion(tx, id, it.Version)
	switch {
	case err != nil:
		return err
	case v == nil:
		return notFound()
	case v.contentID == "" && state == news.Usable:
		return fault.New(fault.Conflict, "library.missing")
	}
	had := l.facets(it)
	it.hold, it.holdWhy = "", ""
	v.state, v.why = state, why.text()
	l.tell(ix, it, v)
	return errors.Join(l.refresh(tx, ix, it, v, had), v.save(tx), it.save(tx), tx.Exec(decideArrivals, id, v.number, state))
}
