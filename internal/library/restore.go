package library

import (
	"errors"
	"slices"

	"newspool/internal/clock"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Restore puts a released version of our own back, which this database has lost and a partner has kept: in.Origin is our own
// root. What is here already is left alone, apart from its place in the ledger; what is a draft here was released, and is so again.
// OnVersion is not called: it was said.
//
// Where another text was written here under the number since, what was said keeps the number, and the text comes after it as a new
// version: OnVersion is called for that one if it was released. If both were said under the agreement they stay as they are.
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
	} else if err := l.giveWay(tx, ix, it, v, in); err != nil {
		return err
	}
	return l.Carried(tx, in.Item, in.Number, in.Agreement, in.Ledger, in.Seq)
}

// giveWay has a version that was written here since, or is a draft here still, leave its number to what was said under it.
func (l *Library) giveWay(tx *store.Tx, ix *index, it *item, v *version, in Incoming) error {
	if in.Class == news.Withdrawal && v.class != news.Withdrawal {
		_, err := l.withdrawSame(tx, ix, it, "")
		return err
	}
	other, err := v.differs(tx, in)
	if draft := v.released == 0 && in.ContentID != ""; err != nil || !other && !draft {
		return err
	}
	ways, err := l.Ways(tx, in.Item)
	if err != nil || slices.ContainsFunc(ways, func(w Way) bool { return w.Number == in.Number && w.Agreement == in.Agreement }) {
		return err
	}
	story, err := l.story(tx, v)
	if err != nil {
		return err
	}
	said, err := digest(in.Story)
	if err != nil {
		return err
	}
	local, had := *v, l.facets(it)
	v.class, v.written, v.note, v.by = in.Class, clock.Micros(in.Story.Written), fit(in.Story.Note, maxNote), ""
	v.contentID, v.face, v.digest, v.sourceVersion = in.ContentID, faceOf(in.Story, clock.Micros(in.Released), local.arrived), said, ""
	switch {
	case local.released == 0: // a draft: shown as what it is for the first time
		it.Versions--
		if it.Released.IsZero() {
			it.Version = 0
		}
		err = l.place(tx, ix, it, v)
	case it.Version == v.number:
		l.tell(ix, it, v)
		err = l.refresh(tx, ix, it, v, had)
	}
	err = errors.Join(err, v.save(tx), it.save(tx))
	if err != nil || it.hold == news.Withdrawn || local.digest == said {
		return err
	}
	again := prepared{Draft: news.Draft{Story: story, Version: local.sourceVersion, By: local.by}, digest: local.digest}
	class := local.class
	if class == news.First {
		class = news.Update
	}
	next, err := l.add(tx, it, addition{prepared: again, class: class, note: local.note, release: local.released != 0})
	if err != nil {
		return err
	}
	return errors.Join(tx.Exec(moveOriginal, it.Item, v.number, next.Version), tx.Exec(moveSource, it.Item, v.number, next.Version))
}

const (
	moveOriginal = `UPDATE original SET number = $3 WHERE item = $1 AND number = $2`
	moveSource   = `UPDATE source_item SET number = $3 WHERE item = $1 AND number = $2`
)
