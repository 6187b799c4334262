package library

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"newspool/internal/bitmap"
	"newspool/internal/news"
	"newspool/internal/store"
)

// rebuildBatch is how many items are read at once.
const rebuildBatch = 500

const (
	selectItemsAfter    = `SELECT ` + itemColumns + ` FROM item i WHERE i.id > $1 ORDER BY i.id LIMIT $2`
	selectVersionsAfter = `SELECT ` + versionColumns + ` FROM version v WHERE v.item > $1 AND v.item <= $2 ORDER BY v.item, v.number`
	selectArrivalsAfter = `SELECT item, number, ledger, agreement, seq, state, why FROM item_agreement
WHERE item > $1 AND item <= $2 AND NOT hidden ORDER BY item, number, ledger`
	deleteFacets = `DELETE FROM facet`
	deleteTotals = `DELETE FROM facet_total`
)

// Rebuild makes the rows and the facets again from the versions: after a change of zone or vocabulary, or when they are in
// doubt. Where nothing has changed they come out the same, byte for byte. It is one transaction that nothing else can write
// beside: seconds for a hundred thousand items. The desk goes on reading meanwhile. told hears now and then how many items are done;
// it may be nil.
func (l *Library) Rebuild(ctx context.Context, told func(items int)) error {
	return l.db.Write(ctx, func(tx *store.Tx) error { return l.rebuild(tx, told) })
}

func (l *Library) rebuild(tx *store.Tx, told func(items int)) error {
	ix, err := l.join(tx)
	if err != nil {
		return err
	}
	before := *ix // what the group has not written yet is in the rows, and so in what is built now
	tx.OnUndo(func() { *ix = before })
	ix.reset()
	blocks := make(map[blockKey]*bitmap.Block)
	done := 0
	for after := news.ItemID(""); ; {
		items, err := l.rebuildAfter(tx, after, blocks)
		if err != nil {
			return err
		}
		if done += len(items); told != nil {
			told(done)
		}
		if len(items) < rebuildBatch {
			break
		}
		after = items[len(items)-1].Item
	}
	return writeFacets(tx, blocks)
}

// rebuildAfter rebuilds the rows of one batch and adds their facets to blocks.
func (l *Library) rebuildAfter(tx *store.Tx, after news.ItemID, blocks map[blockKey]*bitmap.Block) ([]*item, error) {
	items, err := readItems(tx, after)
	if err != nil || len(items) == 0 {
		return nil, err
	}
	last := items[len(items)-1].Item
	versions, err := readVersions(tx, selectVersionsAfter, after, last)
	if err != nil {
		return nil, err
	}
	arrivals, err := readArrivals(tx, selectArrivalsAfter, after, last)
	if err != nil {
		return nil, err
	}
	for _, it := range items {
		var vs []*version
		var as []arrival
		vs, versions = split(versions, func(v *version) bool { return v.item == it.Item })
		as, arrivals = split(arrivals, func(a arrival) bool { return a.item == it.Item })
		stored := it.values()
		it.rebuild(vs, as)
		if !reflect.DeepEqual(stored, it.values()) {
			if err := it.save(tx); err != nil {
				return nil, err
			}
		}
		for _, f := range l.facets(it) {
			key := blockKey{f, it.N / bitmap.Size}
			if blocks[key] == nil {
				blocks[key] = &bitmap.Block{}
			}
			blocks[key].Put(int(it.N%bitmap.Size), true)
		}
	}
	return items, nil
}

func readItems(r store.Reader, after news.ItemID) ([]*item, error) {
	rows, err := r.Query(selectItemsAfter, after, rebuildBatch)
	if err != nil {
		return nil, fmt.Errorf("library: read items: %w", err)
	}
	defer rows.Close()
	var out []*item
	for rows.Next() {
		it := &item{}
		if err := it.scan(rows.Scan); err != nil {
			return nil, fmt.Errorf("library: read items: %w", err)
		}
		out = append(out, it)
	}
	return out, rows.Err()
}

// split cuts a sorted list behind the lines that belong to one item.
func split[T any](all []T, mine func(T) bool) (head, tail []T) {
	n := 0
	for n < len(all) && mine(all[n]) {
		n++
	}
	return all[:n], all[n:]
}

// rebuild makes the row from the versions: it shows the one with the highest desk number.
func (it *item) rebuild(versions []*version, arrivals []arrival) {
	it.Row = Row{Item: it.Item, Origin: it.Origin, Own: it.Own}
	it.top = 0
	var shown *version
	for _, v := range versions {
		it.top = max(it.top, v.number)
		if !v.hidden {
			it.Versions++
		}
		if v.n > 0 && (shown == nil || v.n > shown.n) {
			shown = v
		}
	}
	for _, a := range arrivals {
		it.carry(a.agreement)
	}
	if shown != nil {
		it.show(shown)
	}
}

func writeFacets(tx *store.Tx, blocks map[blockKey]*bitmap.Block) error {
	if err := tx.Exec(deleteFacets); err != nil {
		return fmt.Errorf("library: rebuild: %w", err)
	}
	if err := tx.Exec(deleteTotals); err != nil {
		return fmt.Errorf("library: rebuild: %w", err)
	}
	totals := make(map[string]int64)
	keys := slices.SortedFunc(maps.Keys(blocks), func(a, b blockKey) int {
		return cmp.Or(cmp.Compare(a.facet, b.facet), cmp.Compare(a.block, b.block))
	})
	for _, k := range keys {
		totals[k.facet] += int64(blocks[k].Count())
		if err := tx.Exec(upsertFacet, k.facet, k.block, blocks[k].Encode()); err != nil {
			return fmt.Errorf("library: rebuild: %w", err)
		}
	}
	for _, f := range slices.Sorted(maps.Keys(totals)) {
		if err := tx.Exec(addTotal, f, totals[f]); err != nil {
			return fmt.Errorf("library: rebuild: %w", err)
		}
	}
	return nil
}
