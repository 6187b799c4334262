// Package daily counts how much a newsroom says in a ledger on one day, for the ceilings of its agreement.
//
// What it promises: both ends of a ledger count the same. Records are counted by their own time and place, contents by the size that
// the records tell; after a start, and after a transaction that was undone, the records themselves are counted again. A ledger that
// goes on from another one of its newsroom counts together with it: a restored database begins no day anew.
//
// What it never does: it believes no time that is far ahead of our clock, and begins no day anew because a time went back.
package daily

import (
	"errors"
	"time"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// ahead is how far a record's time may be ahead of our clock. What is beyond counts as today.
const ahead = 2 * time.Minute

// Counter counts for all ledgers of a database. It belongs to the writer of the database: it may be used inside transactions only.
type Counter struct {
	clock     clock.Clock
	counts    func(protocol.Record) bool
	continues func(protocol.Record) ledger.ID
	days      map[ledger.ID]*Day
}

// New makes a counter; counts says which records count, and continues which ledger goes on in the one that begins with a record, ""
// for none.
func New(clk clock.Clock, counts func(protocol.Record) bool, continues func(protocol.Record) ledger.ID) *Counter {
	return &Counter{clock: clk, counts: counts, continues: continues, days: map[ledger.ID]*Day{}}
}

// Day is what a ledger has said on its newest day.
type Day struct {
	c      *Counter
	zone   *time.Location
	day    string
	counts terms.Counts
	doubt  bool // a transaction was undone: the records tell
}

type key ledger.ID

// Of gives what a ledger has said before an index on its newest day, by the zone of its agreement. before is looked at only where the
// records have to be counted; -1 stands for the end of the ledger at the beginning of the transaction.
func (c *Counter) Of(tx *store.Tx, id ledger.ID, before int64, zone *time.Location) (*Day, error) {
	d := c.days[id]
	if d == nil || (d.doubt && tx.Value(key(id)) == nil) {
		if before < 0 {
			i, err := ledger.Get(tx, id)
			if err != nil {
				return nil, err
			}
			before = i.Size
		}
		again := &Day{c: c, zone: zone}
		if err := again.read(tx, id, before); err != nil {
			return nil, err
		}
		d = again
		c.days[id] = d
		tx.OnUndo(func() { again.doubt = true })
	}
	d.zone = zone
	tx.SetValue(key(id), true)
	return d, nil
}

// Forget has the records of a ledger counted again: one was added that is not the last.
func (c *Counter) Forget(id ledger.ID) { delete(c.days, id) }

// Counts is what was said on the newest day.
func (d *Day) Counts() terms.Counts { return d.counts }

// With gives the counts of the day of a time, with one record more that names so many bytes.
func (d *Day) With(at time.Time, bytes int64) terms.Counts {
	c := *d
	c.add(c.of(at), bytes)
	return c.counts
}

// Add counts a record, and takes it back if the transaction is undone.
func (d *Day) Add(tx *store.Tx, at time.Time, bytes int64) {
	before := *d
	tx.OnUndo(func() {
		*d = before
		d.doubt = true
	})
	d.add(d.of(at), bytes)
}

func (d *Day) add(day string, bytes int64) {
	if d.day < day {
		d.day, d.counts = day, terms.Counts{}
	}
	d.counts.Records++
	d.counts.Bytes += bytes
}

// of is the day of a time.
func (d *Day) of(at time.Time) string {
	if now := d.c.clock(); at.Sub(now) > ahead {
		at = now
	}
	return at.In(d.zone).Format(time.DateOnly)
}

// enough is how many records of earlier days, one after the other, end the counting: a few may stand among those of the newest day, if
// their newsroom's clock went back.
const enough = 4096

// read counts the records of the newest day before an index, and those after the first of them that tell an earlier day. It reads
// backwards, and on in the ledgers that this one continues.
func (d *Day) read(r store.Reader, id ledger.ID, before int64) error {
	var earlier terms.Counts
	for seen := map[ledger.ID]bool{}; id != "" && !seen[id]; {
		seen[id] = true
		first, err := d.readLedger(r, id, before, &earlier)
		if err != nil {
			return err
		}
		if id, before, err = d.c.previous(r, id, first); err != nil {
			return err
		}
	}
	return nil
}

// previous is the ledger that goes on in one that begins with a record, and how much of it is here; "" if there is none, or if it is
// of another newsroom or agreement.
func (c *Counter) previous(r store.Reader, id ledger.ID, first protocol.Record) (ledger.ID, int64, error) {
	last := c.continues(first)
	if last == "" {
		return "", 0, nil
	}
	now, err := ledger.Get(r, id)
	if err != nil {
		return "", 0, err
	}
	old, err := ledger.Get(r, last)
	if errors.Is(err, ledger.ErrUnknown) || (err == nil && (old.Owner != now.Owner || old.Agreement != now.Agreement)) {
		return "", 0, nil
	}
	return last, old.Size, err
}

// readLedger is read for one ledger. It gives the first record of the ledger if it has come as far as that.
func (d *Day) readLedger(r store.Reader, id ledger.ID, before int64, earlier *terms.Counts) (first protocol.Record, err error) {
	const step = 512
	for to := before; to > 0; to -= step {
		from := max(0, to-step)
		records, err := ledger.Records(r, id, from, to)
		if err != nil {
			return first, err
		}
		for n := len(records) - 1; n >= 0; n-- {
			rec, err := protocol.ParseRecord(records[n])
			if err != nil || rec.Ledger != string(id) {
				continue
			}
			if from == 0 && n == 0 {
				first = rec
			}
			if !d.c.counts(rec) {
				continue
			}
			day := d.of(clock.FromMicros(rec.Time))
			earlier.Records++
			earlier.Bytes += Bytes(rec)
			if day >= d.day {
				d.day = day
				d.counts.Records += earlier.Records
				d.counts.Bytes += earlier.Bytes
				*earlier = terms.Counts{}
			}
			if earlier.Records == enough {
				return protocol.Record{}, nil
			}
		}
	}
	return first, nil
}

// Bytes is the size of a record's contents as the record tells it.
func Bytes(rec protocol.Record) (n int64) {
	for _, c := range rec.Contents {
		n += c.Size
	}
	return n
}
