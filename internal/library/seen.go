package library

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"newspool/internal/news"
	"newspool/internal/store"
)

const (
	selectNumber = `SELECT number FROM item WHERE id = $1 AND n > 0`
	upsertSeen   = `INSERT INTO seen (person, item, number) VALUES ($1, $2, $3)
ON CONFLICT (person, item) DO UPDATE SET number = excluded.number WHERE seen.number < excluded.number`
)

// Seen notes that a person has seen a version of an item. Who has seen a newer one has seen that.
func (l *Library) Seen(ctx context.Context, person news.PersonID, id news.ItemID, version int) error {
	return l.db.Write(ctx, func(tx *store.Tx) error {
		var newest int
		switch err := tx.QueryRow(selectNumber, id).Scan(&newest); {
		case errors.Is(err, store.ErrNoRows):
			return notFound()
		case err != nil:
			return fmt.Errorf("library: seen: %w", err)
		}
		if err := tx.Exec(upsertSeen, person, id, min(version, newest)); err != nil {
			return fmt.Errorf("library: seen: %w", err)
		}
		return nil
	})
}

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
