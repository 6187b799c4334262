package library

import (
	"context"
	"fmt"
	"slices"

	"newspool/internal/news"
	"newspool/internal/store"
)

const selectSeen = `SELECT s.item FROM seen s JOIN item i ON i.id = s.item AND s.number >= i.number WHERE s.person = $1 AND s.item IN (`

// SeenOf says of which items the person has seen the version that the row shows.
func (l *Library) SeenOf(ctx context.Context, person news.PersonID, ids []news.ItemID) (map[news.ItemID]bool, error) {
	out := make(map[news.ItemID]bool, len(ids))
	err := l.db.Read(ctx, func(r store.Reader) error {
		for part := range slices.Chunk(ids, 256) {
			args := make([]any, len(part))
			for i, id := range part {
				args[i] = id
			}
			args = append([]any{person}, pad(args)...)
			seen, err := readIDs(r, selectSeen+places(2, len(args)-1)+`)`, args...)
			if err != nil {
				return fmt.Errorf("library: seen: %w", err)
			}
			for id := range seen {
				out[id] = true
			}
		}
		return nil
	})
	return out, err
}
