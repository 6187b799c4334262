package library

import (
	"errors"

	"newspool/internal/clock"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Restore puts a released version of our own back, which this database has lost and a partner has kept: in.Origin is our own
// root. What is here already is left alone, apart from its place in the ledger. OnVersion is not called: it was said.
func (l *Library) Restore(tx *store.Tx, in Incoming) error {
	if err := in.check(); err != nil {
		return err
	}
	if in.Origin != l.o.Origin {
		return notFound()
	}
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	it, err := readItem(tx, in.Item)
	if err != nil {
		return err
	}
	if it == nil {
		delete(ix.absent, in.Item)
		it = &item{created: clock.Micros(in.Released)}
		it.Item, it.Origin, it.Own = in.Item, in.Origin, true
	}
	v, err := readVersion(tx, in.Item, in.Number)
	if err != nil {
		return err
	}
	if v == nil {
		v = &version{
			item: in.Item, number: in.Number, class: in.Class, state: news.Usable, written: clock.Micros(in.Story.Written), note: fit(in.Story.Note, maxNote),
			contentID: in.ContentID, face: faceOf(in.Story, clock.Micros(in.Released), clock.Micros(l.now())),
		}
		if v.class == news.Withdrawal {
			v.state = news.Withdrawn
		}
		it.top = max(it.top, v.number)
		if err := errors.Join(l.place(tx, ix, it, v), v.save(tx), it.save(tx)); err != nil {
			return err
		}
	}
	return l.Carried(tx, in.Item, in.Number, in.Agreement, in.Ledger, in.Seq)
}
