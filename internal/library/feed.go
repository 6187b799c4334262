package library

import (
	"context"
	"fmt"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/store"
)

// MaxPage is how many rows or lines are given at once.
const MaxPage = 200

const selectFeed = `SELECT ` + itemColumns + `, v.number, v.class, v.state, v.content_id, v.released_us, v.headline, v.line
FROM version v JOIN item i ON i.id = v.item WHERE v.line > $1 ORDER BY v.line LIMIT $2`

// Feed gives the lines after a cursor (0: from the beginning), oldest first, at most limit (1 to MaxPage; 0 means MaxPage).
// Each released version has one line, in the order in which they became visible here; a change of what may be done with the
// item moves the line of its current version to the end. So whoever has followed to the end knows what holds now, and a line
// may come twice. The text goes with a line only while item and version are usable: a withdrawn text is no longer given, to
// those who are behind either. Drafts, and versions that were old when they came, have no line.
func (l *Library) Feed(ctx context.Context, after int64, limit int) ([]FeedEntry, error) {
	var out []FeedEntry
	err := l.db.Read(ctx, func(r store.Reader) error {
		lines, err := readFeed(r, after, page(limit, MaxPage))
		if err != nil {
			return err
		}
		for i := range lines {
			v := &lines[i].version
			if lines[i].State == news.Usable {
				s, err := l.story(r, v)
				if err != nil && !fault.Is(err, fault.Gone) { // erased: the line stands without its text
					return err
				}
				lines[i].Story = s
			}
			out = append(out, lines[i].FeedEntry)
		}
		return nil
	})
	return out, err
}

type feedLine struct {
	FeedEntry
	version version
}

func readFeed(r store.Reader, after int64, limit int) ([]feedLine, error) {
	rows, err := r.Query(selectFeed, after, limit)
	if err != nil {
		return nil, fmt.Errorf("library: read feed: %w", err)
	}
	defer rows.Close()
	var out []feedLine
	for rows.Next() {
		var it item
		v := version{}
		err := it.scan(rows.Scan, &v.number, &v.class, &v.state, &v.contentID, &v.released, &v.headline, &v.line)
		if err != nil {
			return nil, fmt.Errorf("library: read feed: %w", err)
		}
		v.item = it.Item
		e := FeedEntry{
			Cursor: v.line, Item: it.Item, Version: v.number, Class: v.class, State: it.stateOf(&v), Withdrawn: it.hold == news.Withdrawn,
			Origin: it.Origin, Own: it.Own, Agreements: it.Agreements, Released: clock.FromMicros(v.released), Headline: v.headline,
		}
		out = append(out, feedLine{e, v})
	}
	return out, rows.Err()
}

// page brings a limit between 1 and MaxPage.
func page(limit, otherwise int) int {
	if limit <= 0 {
		return otherwise
	}
	return min(limit, MaxPage)
}
