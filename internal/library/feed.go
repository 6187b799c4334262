package library

import (
	"context"
	"fmt"
	"slices"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// MaxPage is how many rows or lines are given at once.
const MaxPage = 200

const (
	feedColumns = `SELECT ` + itemColumns + `, v.number, v.class, v.state, v.why, v.content_id, v.embargo_us, v.released_us, v.headline, v.note, v.line,
(SELECT f.released_us FROM version f WHERE f.item = i.id AND NOT f.hidden ORDER BY f.number LIMIT 1)
FROM version v JOIN item i ON i.id = v.item`

	selectFeed  = feedColumns + ` WHERE v.line > $1 ORDER BY v.line LIMIT $2`
	selectEntry = feedColumns + ` WHERE i.id = $1 AND i.n > 0 AND v.number = i.number`
)

// Feed gives the lines after a cursor (0: from the beginning), oldest first, at most limit (1 to MaxPage; 0 means MaxPage).
// Each released version has one line, in the order in which they became visible here; a change of what may be done with the
// item moves the line of its current version to the end. So whoever has followed to the end knows what holds now, and a line
// may come twice. The text goes with a line only while item and version are usable: a withdrawn text is no longer given, to
// those who are behind either. Drafts, and versions that were old when they came, have no line.
func (l *Library) Feed(ctx context.Context, after int64, limit int) ([]FeedEntry, error) {
	var out []FeedEntry
	err := l.db.Read(ctx, func(r store.Reader) (err error) {
		out, err = l.entries(r, selectFeed, after, page(limit, MaxPage))
		return err
	})
	return out, err
}

// Entry gives the version of an item that the wire shows as its line would give it. Cursor is 0 for a draft. An item that is
// not here or not visible yet is a fault of the kind NotFound.
func (l *Library) Entry(ctx context.Context, id news.ItemID) (FeedEntry, error) {
	var out []FeedEntry
	err := l.db.Read(ctx, func(r store.Reader) (err error) {
		out, err = l.entries(r, selectEntry, id)
		return err
	})
	switch {
	case err != nil:
		return FeedEntry{}, err
	case len(out) == 0:
		return FeedEntry{}, notFound()
	}
	return out[0], nil
}

// LastLine gives the highest number that a line can have now.
func (l *Library) LastLine(ctx context.Context) (n int64, err error) {
	err = l.db.Read(ctx, func(r store.Reader) error { return r.QueryRow(selectCounter).Scan(&n) })
	if err != nil {
		return 0, fmt.Errorf("library: counter: %w", err)
	}
	return n, nil
}

// Change is a row that has changed, as it is now.
type Change struct {
	Row
	Line int64 // N where the version that is shown came with it; higher where something else has changed since
}

const selectChanged = `SELECT ` + itemColumns + `, v.line AS line FROM version v JOIN item i ON i.id = v.item AND i.number = v.number
WHERE v.line > $1 AND i.n > 0
UNION ALL SELECT ` + itemColumns + `, i.n AS line FROM item i WHERE i.n > $1 AND i.own AND i.released_us = 0
ORDER BY line LIMIT $2`

// Changed gives the rows of the wire that have changed after a line, oldest change first, at most limit (1 to MaxPage; 0 means
// MaxPage): versions, drafts, releases, withdrawals, changes of what may be done with an item. A row that has changed several
// times comes once, at its last change. So whoever follows from LastLine to the end knows of every row how it is now.
func (l *Library) Changed(ctx context.Context, after int64, limit int) ([]Change, error) {
	var out []Change
	err := l.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectChanged, after, page(limit, MaxPage))
		if err != nil {
			return fmt.Errorf("library: read changes: %w", err)
		}
		defer rows.Close()
		for rows.Next() {
			var it item
			var line int64
			if err := it.scan(rows.Scan, &line); err != nil {
				return fmt.Errorf("library: read changes: %w", err)
			}
			out = append(out, Change{it.Row, line})
		}
		return rows.Err()
	})
	return out, err
}

// Tell moves the line of an item's current version to the end, for a change of what may be done with it that the library does
// not see: an embargo that lifts, terms that change. An item without a line is left alone.
func (l *Library) Tell(tx *store.Tx, id news.ItemID) error {
	it, err := readItem(tx, id)
	if err != nil || it == nil || it.N == 0 {
		return err
	}
	v, err := readVersion(tx, id, it.Version)
	if err != nil || v == nil || v.line == 0 {
		return err
	}
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	l.tell(ix, it, v)
	return v.save(tx)
}

// entries reads lines with their texts and their ways.
func (l *Library) entries(r store.Reader, query string, args ...any) ([]FeedEntry, error) {
	lines, err := readFeed(r, query, args...)
	if err != nil || len(lines) == 0 {
		return nil, err
	}
	ways, err := readWays(r, lines)
	if err != nil {
		return nil, err
	}
	out := make([]FeedEntry, len(lines))
	for i := range lines {
		out[i] = lines[i].FeedEntry
		out[i].Ways = ways[out[i].Item]
		if out[i].State != news.Usable {
			continue
		}
		s, err := l.story(r, &lines[i].version)
		if err != nil && !fault.Is(err, fault.Gone) { // erased: the line stands without its text
			return nil, err
		}
		out[i].Story = s
	}
	return out, nil
}

type feedLine struct {
	FeedEntry
	version version
}

func readFeed(r store.Reader, query string, args ...any) ([]feedLine, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("library: read feed: %w", err)
	}
	defer rows.Close()
	var out []feedLine
	for rows.Next() {
		var it item
		var first int64
		v := version{}
		err := it.scan(rows.Scan, &v.number, &v.class, &v.state, &v.why, &v.contentID, &v.embargo, &v.released, &v.headline, &v.note, &v.line, &first)
		if err != nil {
			return nil, fmt.Errorf("library: read feed: %w", err)
		}
		v.item = it.Item
		e := FeedEntry{
			Cursor: v.line, Item: it.Item, Version: v.number, Class: v.class, State: it.stateOf(&v), Why: parseWhy(v.why),
			Withdrawn: it.hold == news.Withdrawn, Current: v.number == it.Version, Origin: it.Origin, Own: it.Own,
			Agreements: it.Agreements, Released: clock.FromMicros(v.released), FirstReleased: clock.FromMicros(first),
			Embargo: clock.FromMicros(v.embargo), Headline: v.headline, Note: v.note,
		}
		if it.hold != "" {
			e.Why = parseWhy(it.holdWhy)
		}
		out = append(out, feedLine{e, v})
	}
	return out, rows.Err()
}

const selectWaysOf = `SELECT item, number, ledger, agreement, seq, state, why FROM item_agreement WHERE NOT hidden AND item IN (`

// readWays gives the ways of the received items among these lines.
func readWays(r store.Reader, lines []feedLine) (map[news.ItemID][]Way, error) {
	var ids []any
	for _, l := range lines {
		if !l.Own {
			ids = append(ids, l.Item)
		}
	}
	if len(ids) == 0 {
		return nil, nil
	}
	ids = pad(ids)
	arrivals, err := readArrivals(r, selectWaysOf+places(1, len(ids))+`)`, ids...)
	if err != nil {
		return nil, err
	}
	out := make(map[news.ItemID][]Way)
	for _, a := range arrivals {
		out[a.item] = append(out[a.item], a.way())
	}
	for _, list := range out {
		slices.SortFunc(list, wayOrder)
	}
	return out, nil
}

// page brings a limit between 1 and MaxPage.
func page(limit, otherwise int) int {
	if limit <= 0 {
		return otherwise
	}
	return min(limit, MaxPage)
}
