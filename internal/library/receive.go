package library

import (
	"bytes"
	"database/sql"
	"errors"
	"fmt"
	"slices"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// arrival is a line of the table item_agreement: one ledger by which a version came or went.
type arrival struct {
	item      news.ItemID
	number    int
	ledger    string
	agreement terms.AgreementID
	seq       int64
	state     news.State
	why       string
	hidden    bool
}

const (
	insertArrival = `INSERT INTO item_agreement (item, number, ledger, agreement, seq, state, why, hidden)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8) ON CONFLICT (item, number, ledger) DO NOTHING`
	selectReceived = `SELECT ` + itemColumns + `, v.number, a.seq FROM item i
LEFT JOIN version v ON v.item = i.id AND v.number = $2
LEFT JOIN item_agreement a ON a.item = i.id AND a.number = $2 AND a.ledger = $3
WHERE i.id = $1`
)

func (a arrival) save(tx *store.Tx) error {
	if err := tx.Exec(insertArrival, a.item, a.number, a.ledger, a.agreement, a.seq, a.state, a.why, a.hidden); err != nil {
		return fmt.Errorf("library: save arrival: %w", err)
	}
	return nil
}

// Receive takes in a version that a partner released. It is idempotent: the same item and number again, by the same ledger,
// does nothing. By another ledger it adds the agreement, shows what was hidden, and opens what was set aside if it is usable
// there. A version whose content was missing is filled when it comes with content. applied says that something came of it
// for the desk: the version is new here, or became usable, readable or visible by this.
//
// What does not count is left alone, without an error: a version from a root other than the item's, and one that a partner
// gives for an item of our own. Origin tells whose an item is.
//
// A withdrawal closes the item for good, whatever comes after it. If the item was never visible here it never will be. A
// hidden withdrawal of a visible item closes it at once and is shown as what it is after Reveal.
//
// A fault library.incoming (Invalid) says that a field is missing or not one of its values; nothing was written then.
func (l *Library) Receive(tx *store.Tx, in Incoming) (applied bool, err error) {
	if err := in.check(); err != nil {
		return false, err
	}
	if in.Origin == l.o.Origin {
		return false, nil
	}
	ix, err := l.join(tx)
	if err != nil {
		return false, err
	}
	it, have, arrived, err := l.readReceived(tx, ix, in)
	if err != nil || it != nil && it.Origin != in.Origin {
		return false, err
	}
	if it == nil {
		delete(ix.absent, in.Item)
		it = &item{created: clock.Micros(l.now())}
		it.Item, it.Origin = in.Item, in.Origin
	}
	a := arrival{
		item: in.Item, number: in.Number, ledger: in.Ledger, agreement: in.Agreement, seq: in.Seq, state: in.State, why: in.Why.text(),
		hidden: in.Hidden,
	}
	if have {
		return l.again(tx, ix, it, a, arrived, in)
	}
	v := &version{
		item: in.Item, number: in.Number, class: in.Class, hidden: true, written: clock.Micros(in.Story.Written), note: fit(in.Story.Note, maxNote),
		state: a.state, why: a.why, contentID: in.ContentID, face: faceOf(in.Story, clock.Micros(in.Released), clock.Micros(l.now())),
	}
	it.top = max(it.top, v.number)
	if in.Hidden {
		err = l.foresee(tx, ix, it, v)
	} else {
		err = l.admit(tx, ix, it, v, a)
	}
	return err == nil, errors.Join(err, v.save(tx), it.save(tx), a.save(tx))
}

func (in *Incoming) check() error {
	known := in.Class == news.First || in.Class == news.Update || in.Class == news.Correction || in.Class == news.Withdrawal
	if in.Item == "" || in.Number < 1 || in.Origin == "" || in.Ledger == "" || !known {
		return fault.New(fault.Invalid, "library.incoming")
	}
	switch {
	case in.Class == news.Withdrawal:
		in.State = news.Withdrawn
	case in.ContentID == "":
		in.State = news.Closed
	}
	switch in.State {
	case news.Usable, news.SetAside, news.Closed, news.Withdrawn:
		return nil
	}
	return fault.New(fault.Invalid, "library.incoming")
}

// readReceived gives the item, nil if it is new, and whether this version, and this arrival of it, are here.
func (l *Library) readReceived(tx *store.Tx, ix *index, in Incoming) (it *item, have, arrived bool, err error) {
	if ix.absent[in.Item] {
		return nil, false, false, nil
	}
	it = &item{}
	var number, seq sql.NullInt64
	err = it.scan(tx.QueryRow(selectReceived, in.Item, in.Number, in.Ledger).Scan, &number, &seq)
	switch {
	case errors.Is(err, store.ErrNoRows):
		return nil, false, false, nil
	case err != nil:
		return nil, false, false, fmt.Errorf("library: read received item %s: %w", in.Item, err)
	}
	return it, number.Valid, seq.Valid, nil
}

const selectThere = `SELECT id FROM item WHERE id IN (`

// Expect may be called ahead of several Receive in the same transaction, with the items of all of them: one question then
// tells which are new, instead of one for each. It changes nothing else.
func (l *Library) Expect(tx *store.Tx, ids []news.ItemID) error {
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	for part := range slices.Chunk(ids, 256) {
		args := inArgs(part)
		there, err := readIDs(tx, selectThere+places(1, len(args))+`)`, args...)
		if err != nil {
			return err
		}
		for _, id := range part {
			ix.absent[id] = !there[id]
		}
	}
	return nil
}

func readIDs(r store.Reader, query string, args ...any) (map[news.ItemID]bool, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("library: read ids: %w", err)
	}
	defer rows.Close()
	out := make(map[news.ItemID]bool)
	for rows.Next() {
		var id news.ItemID
		if err := rows.Scan(&id); err != nil {
			return nil, fmt.Errorf("library: read ids: %w", err)
		}
		out[id] = true
	}
	return out, rows.Err()
}

// foresee draws from a hidden withdrawal what must not wait: an item that nobody saw stays unseen, a visible one is closed.
func (l *Library) foresee(tx *store.Tx, ix *index, it *item, v *version) error {
	switch {
	case v.class != news.Withdrawal:
	case it.N == 0:
		it.hold, it.holdWhy = news.Withdrawn, v.why
	case it.hold != news.Withdrawn && !it.ahead():
		return l.hold(tx, ix, it, news.Closed, Why{Key: WithdrawalAhead}.text())
	}
	return nil
}

// admit applies what a visible arrival brings. The caller saves item and version.
func (l *Library) admit(tx *store.Tx, ix *index, it *item, v *version, a arrival) error {
	had := l.facets(it)
	it.carry(a.agreement)
	switch {
	case v.hidden:
		v.state, v.why = a.state, a.why
		n := it.N
		if err := l.refresh(tx, ix, it, nil, had); err != nil { // the agreement, on the row that stands there
			return err
		}
		if err := l.place(tx, ix, it, v); err != nil || it.N != n {
			return err
		}
		had = l.facets(it)
	case v.state == news.SetAside && a.state == news.Usable:
		v.state, v.why = a.state, a.why
		l.tell(ix, it, v)
	}
	if it.Version == v.number && it.N != 0 {
		return l.refresh(tx, ix, it, v, had)
	}
	return l.refresh(tx, ix, it, nil, had)
}

// tell puts the version that the row shows on a new line of the feed, if it was there.
func (l *Library) tell(ix *index, it *item, v *version) {
	if v.line != 0 && it.Version == v.number {
		v.line = ix.next()
	}
}

const fillArrivals = `UPDATE item_agreement SET state = $3, why = $4 WHERE item = $1 AND number = $2 AND state = 'closed'`

// again is the arrival of a version that is here.
func (l *Library) again(tx *store.Tx, ix *index, it *item, a arrival, arrived bool, in Incoming) (bool, error) {
	v, err := readVersion(tx, in.Item, in.Number)
	if err != nil || v == nil {
		return false, err
	}
	if in.Class == news.Withdrawal && v.class != news.Withdrawal {
		return l.withdrawSame(tx, ix, it, a.why)
	}
	fill := v.contentID == "" && in.ContentID != "" && v.class != news.Withdrawal && it.hold != news.Withdrawn
	if arrived && !fill {
		return false, nil
	}
	before := *v
	if fill {
		if err := l.fill(tx, ix, it, v, a, in); err != nil {
			return false, err
		}
	}
	if !arrived {
		if !a.hidden {
			err = l.admit(tx, ix, it, v, a)
		}
		err = errors.Join(err, a.save(tx))
	}
	applied := fill || v.state != before.state || v.hidden != before.hidden
	if applied {
		err = errors.Join(err, v.save(tx))
	}
	return applied && err == nil, errors.Join(err, it.save(tx))
}

const selectTaken = `SELECT class, content_id FROM version WHERE item = $1 AND number = $2`

// Taken reports whether the number of a version that comes is here already for another text. Receive knows versions by their numbers
// only.
func (l *Library) Taken(tx *store.Tx, in Incoming) (bool, error) {
	if ix, err := l.join(tx); err != nil || ix.absent[in.Item] || in.Number < 1 {
		return false, err
	}
	var v version
	err := tx.QueryRow(selectTaken, in.Item, in.Number).Scan(&v.class, &v.contentID)
	if errors.Is(err, store.ErrNoRows) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("library: read version %d of %s: %w", in.Number, in.Item, err)
	}
	return v.differs(tx, in)
}

// differs reports whether what came under the number of a version is another text. What is not kept any more tells nothing.
func (v *version) differs(r store.Reader, in Incoming) (bool, error) {
	if v.contentID == "" || in.ContentID == "" || v.contentID == in.ContentID || v.class == news.Withdrawal || in.Class == news.Withdrawal {
		return false, nil
	}
	here, err := content.Get(r, v.contentID)
	if err == nil {
		var came content.Content
		came, err = content.Get(r, in.ContentID)
		return err == nil && !bytes.Equal(here.Bytes, came.Bytes), gone(err)
	}
	return false, gone(err)
}

// gone has a content that is not kept any more be no error.
func gone(err error) error {
	if fault.Is(err, fault.Gone) {
		return nil
	}
	return err
}

// fill gives a version the content that was missing.
func (l *Library) fill(tx *store.Tx, ix *index, it *item, v *version, a arrival, in Incoming) error {
	had := l.facets(it)
	v.contentID, v.face, v.state, v.why, v.note = in.ContentID, faceOf(in.Story, v.released, v.arrived), a.state, a.why, fit(in.Story.Note, maxNote)
	v.written = clock.Micros(in.Story.Written)
	l.tell(ix, it, v)
	if err := tx.Exec(fillArrivals, v.item, v.number, a.state, a.why); err != nil {
		return fmt.Errorf("library: fill: %w", err)
	}
	if it.Version != v.number {
		return nil
	}
	return l.refresh(tx, ix, it, v, had)
}

// withdrawSame is a withdrawal under the number of a version that is here: no number of its own, but a withdrawal all the same.
func (l *Library) withdrawSame(tx *store.Tx, ix *index, it *item, why string) (bool, error) {
	if it.hold == news.Withdrawn {
		return false, nil
	}
	err := l.hold(tx, ix, it, news.Withdrawn, why)
	return err == nil, errors.Join(err, it.save(tx))
}

// carried is what Carried must know of an item.
type carried struct {
	own        bool
	n          int64
	agreements []terms.AgreementID
}

// expected are items that one closure has asked for ahead.
type expected struct {
	tx    *store.Tx
	items map[news.ItemID]*carried
}

const (
	selectCarried = `SELECT id, own, n, agreements FROM item WHERE id IN (`
	updateCarried = `UPDATE item SET agreements = $2 WHERE id = $1`
)

// ExpectCarried may be called ahead of several Carried in the same closure, with the items of all of them: one question is then
// enough. Between the two the closure changes none of these items otherwise.
func (l *Library) ExpectCarried(tx *store.Tx, ids []news.ItemID) error {
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	ix.expected = expected{tx, make(map[news.ItemID]*carried, len(ids))}
	for part := range slices.Chunk(ids, 256) {
		if err := readCarried(tx, part, ix.expected.items); err != nil {
			return err
		}
	}
	return nil
}

func readCarried(r store.Reader, ids []news.ItemID, into map[news.ItemID]*carried) error {
	args := inArgs(ids)
	rows, err := r.Query(selectCarried+places(1, len(args))+`)`, args...)
	if err != nil {
		return fmt.Errorf("library: read items: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id news.ItemID
		var agreements string
		c := &carried{}
		err := rows.Scan(&id, &c.own, &c.n, &agreements)
		if err = errors.Join(err, parseList(agreements, &c.agreements)); err != nil {
			return fmt.Errorf("library: read items: %w", err)
		}
		into[id] = c
	}
	return rows.Err()
}

// inArgs are the values for a list in a statement, filled up so that few different statements are prepared.
func inArgs(ids []news.ItemID) []any {
	args := make([]any, len(ids))
	for i, id := range ids {
		args[i] = id
	}
	return pad(args)
}

// Carried notes that a version of our own went into a ledger, so that the item is found under the agreement. It is idempotent.
func (l *Library) Carried(tx *store.Tx, id news.ItemID, number int, agreement terms.AgreementID, ledger string, seq int64) error {
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	if ix.expected.tx != tx || ix.expected.items[id] == nil {
		if err := l.ExpectCarried(tx, []news.ItemID{id}); err != nil {
			return err
		}
	}
	c := ix.expected.items[id]
	switch {
	case c == nil:
		return notFound()
	case !c.own:
		return fault.New(fault.Denied, "library.not_ours")
	}
	it := &item{Row: Row{Agreements: c.agreements}}
	it.carry(agreement)
	a := arrival{item: id, number: number, ledger: ledger, agreement: agreement, seq: seq, state: news.Usable}
	if err := a.save(tx); err != nil || len(it.Agreements) == len(c.agreements) {
		return err
	}
	c.agreements = it.Agreements
	if c.n != 0 {
		if err := ix.move(tx, c.n, nil, c.n, []string{facetAgreement + string(agreement)}); err != nil {
			return err
		}
	}
	if err := tx.ExecOne(updateCarried, id, list(c.agreements)); err != nil {
		return fmt.Errorf("library: save agreements: %w", err)
	}
	return nil
}

const (
	selectHidden = `SELECT item, number, ledger, agreement, seq, state, why FROM item_agreement
WHERE ledger = $1 AND seq <= $2 AND hidden ORDER BY seq, item, number`
	updateRevealed = `UPDATE item_agreement SET hidden = FALSE WHERE ledger = $1 AND seq <= $2 AND hidden`
)

// Reveal shows what a ledger brought while it was catching up, up to and with toSeq, in the order of the ledger; the rows get
// their numbers now. It says how many versions it showed. All of it is one transaction: for very many, call it with growing
// toSeq in several. Items that were withdrawn meanwhile are shown, as withdrawn, only if they had been visible before.
func (l *Library) Reveal(tx *store.Tx, ledger string, toSeq int64) (int, error) {
	hidden, err := readArrivals(tx, selectHidden, ledger, toSeq)
	if err != nil || len(hidden) == 0 {
		return 0, err
	}
	ix, err := l.join(tx)
	if err != nil {
		return 0, err
	}
	if err := tx.Exec(updateRevealed, ledger, toSeq); err != nil {
		return 0, fmt.Errorf("library: reveal: %w", err)
	}
	for part := range slices.Chunk(hidden, revealBatch) {
		items, versions, err := readArrived(tx, part)
		if err != nil {
			return 0, err
		}
		for _, a := range part {
			it, v := items[a.item], versions[versionKey{a.item, a.number}]
			if it == nil || v == nil {
				return 0, fmt.Errorf("library: version %d of %s is missing", a.number, a.item)
			}
			if err := errors.Join(l.admit(tx, ix, it, v, a), v.save(tx), it.save(tx)); err != nil {
				return 0, err
			}
		}
	}
	return len(hidden), nil
}

// revealBatch is how many arrivals are looked up at once.
const revealBatch = 256

type versionKey struct {
	item   news.ItemID
	number int
}

const (
	selectItems      = `SELECT ` + itemColumns + ` FROM item i WHERE i.id IN (`
	selectVersionsOf = `SELECT ` + versionColumns + ` FROM version v WHERE v.item IN (`
)

// readArrived reads the items of arrivals with all their versions. Each is one value, however often it arrived: what admit
// does to it for one arrival, the next one sees.
func readArrived(r store.Reader, arrivals []arrival) (map[news.ItemID]*item, map[versionKey]*version, error) {
	items := make(map[news.ItemID]*item, len(arrivals))
	var ids []news.ItemID
	for _, a := range arrivals {
		if _, known := items[a.item]; !known {
			items[a.item] = nil
			ids = append(ids, a.item)
		}
	}
	args := inArgs(ids)
	rows, err := r.Query(selectItems+places(1, len(args))+`)`, args...)
	if err != nil {
		return nil, nil, fmt.Errorf("library: read items: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		it := &item{}
		if err := it.scan(rows.Scan); err != nil {
			return nil, nil, fmt.Errorf("library: read items: %w", err)
		}
		items[it.Item] = it
	}
	if err := rows.Err(); err != nil {
		return nil, nil, err
	}
	all, err := readVersions(r, selectVersionsOf+places(1, len(args))+`)`, args...)
	versions := make(map[versionKey]*version, len(all))
	for _, v := range all {
		versions[versionKey{v.item, v.number}] = v
	}
	return items, versions, err
}

func readArrivals(r store.Reader, query string, args ...any) ([]arrival, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("library: read arrivals: %w", err)
	}
	defer rows.Close()
	var out []arrival
	for rows.Next() {
		var a arrival
		if err := rows.Scan(&a.item, &a.number, &a.ledger, &a.agreement, &a.seq, &a.state, &a.why); err != nil {
			return nil, fmt.Errorf("library: read arrivals: %w", err)
		}
		out = append(out, a)
	}
	return out, rows.Err()
}
