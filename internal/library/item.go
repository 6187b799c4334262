package library

import (
	"context"
	"errors"
	"fmt"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Item gives an item with its history. One that is not here or not visible yet is a fault of the kind NotFound.
func (l *Library) Item(ctx context.Context, id news.ItemID) (Item, error) {
	var out Item
	err := l.db.Read(ctx, func(r store.Reader) (err error) {
		out, err = l.ReadItem(r, id)
		return err
	})
	return out, err
}

const (
	selectHistory    = `SELECT ` + versionColumns + ` FROM version v WHERE v.item = $1 AND NOT v.hidden ORDER BY v.number`
	selectItemSource = `SELECT source, source_id FROM source_item WHERE item = $1 ORDER BY source, source_id LIMIT 1`
)

// ReadItem is Item inside a transaction.
func (l *Library) ReadItem(r store.Reader, id news.ItemID) (Item, error) {
	it, err := readItem(r, id)
	if err != nil {
		return Item{}, err
	}
	if it == nil || it.N == 0 {
		return Item{}, notFound()
	}
	out := Item{Row: it.Row, Created: clock.FromMicros(it.created), Why: parseWhy(it.holdWhy)}
	history, err := readVersions(r, selectHistory, id)
	if err != nil {
		return Item{}, err
	}
	for _, v := range history {
		if v.number == it.Version && it.hold == "" {
			out.Why = parseWhy(v.why)
		}
		out.History = append(out.History, v.info(it.Own))
	}
	if out.Ways, err = l.Ways(r, id); err != nil {
		return Item{}, err
	}
	if it.Own {
		err = r.QueryRow(selectItemSource, id).Scan(&out.Source, &out.SourceID)
		if err != nil && !errors.Is(err, store.ErrNoRows) {
			return Item{}, fmt.Errorf("library: read source of %s: %w", id, err)
		}
	}
	return out, nil
}

func (v *version) info(own bool) VersionInfo {
	state := v.state
	if own && v.released == 0 && v.class != news.Withdrawal {
		state = news.Unreleased
	}
	return VersionInfo{
		Number: v.number, Class: v.class, State: state, Why: parseWhy(v.why), Headline: v.headline, Words: v.words, Urgency: v.urgency,
		Note: v.note, By: v.by, Embargo: clock.FromMicros(v.embargo), Arrived: clock.FromMicros(v.arrived),
		Released: clock.FromMicros(v.released), ContentID: v.contentID, HasMedia: v.media,
	}
}

func readVersions(r store.Reader, query string, args ...any) ([]*version, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("library: read versions: %w", err)
	}
	defer rows.Close()
	var out []*version
	for rows.Next() {
		v := &version{}
		if err := v.scan(rows.Scan); err != nil {
			return nil, fmt.Errorf("library: read versions: %w", err)
		}
		out = append(out, v)
	}
	return out, rows.Err()
}

// Version gives the story of a version; number 0 is the one that the row shows. Faults: library.not_found;
// library.withdrawn (Gone) for every version of a received item that is withdrawn; library.missing (Unavailable) where the
// content has not come.
func (l *Library) Version(ctx context.Context, id news.ItemID, number int) (news.Story, error) {
	var out news.Story
	err := l.db.Read(ctx, func(r store.Reader) (err error) {
		out, err = l.ReadVersion(r, id, number)
		return err
	})
	return out, err
}

// ReadVersion is Version inside a transaction.
func (l *Library) ReadVersion(r store.Reader, id news.ItemID, number int) (news.Story, error) {
	it, err := readItem(r, id)
	switch {
	case err != nil:
		return news.Story{}, err
	case it == nil || it.N == 0:
		return news.Story{}, notFound()
	case !it.Own && it.hold == news.Withdrawn:
		return news.Story{}, withdrawn()
	case number == 0:
		number = it.Version
	}
	v, err := readVersion(r, id, number)
	switch {
	case err != nil:
		return news.Story{}, err
	case v == nil || v.hidden:
		return news.Story{}, notFound()
	}
	return l.story(r, v)
}

// story reads the kept form of a version.
func (l *Library) story(r store.Reader, v *version) (news.Story, error) {
	if v.contentID == "" {
		return news.Story{}, fault.New(fault.Unavailable, "library.missing")
	}
	c, err := content.Get(r, v.contentID)
	if err != nil {
		return news.Story{}, err
	}
	d, err := l.o.Codec.Parse(c.Bytes)
	if err != nil {
		return news.Story{}, fmt.Errorf("library: kept story %d of %s: %w", v.number, v.item, err)
	}
	return d.Story, nil
}
