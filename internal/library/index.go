package library

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"newspool/internal/bitmap"
	"newspool/internal/news"
	"newspool/internal/store"
)

// index is what a group of transactions has changed in the facets and not yet written. It is kept in the group's values and
// written once, just before the commit.
type index struct {
	last    int64 // the last number given
	stored  int64 // as it stands in the database
	blocks  map[blockKey]*block
	reads   map[int64]int // how often a block was read for some of its facets; whole: all of them are here
	totals  map[string]int64
	journal []change
	absent  map[news.ItemID]bool // items that Expect did not find and nobody has made since
	flushes int                  // how often it was written: what changes after that is written once more

	expected expected
}

type blockKey struct {
	facet string
	block int64
}

type block struct {
	bitmap.Block
	dirty bool
}

// change is one bit that was turned over.
type change struct {
	facet string
	block *block
	bit   int
}

// After this many reads of single facets of a block all of its facets are read at once.
const readsBeforeWhole = 3

const whole = -1

type indexKey struct{ l *Library }

type flushKey struct {
	l       *Library
	flushes int
}

const (
	selectCounter = `SELECT value FROM counter WHERE name = 'n'`
	updateCounter = `UPDATE counter SET value = $1 WHERE name = 'n'`
	raiseCounter  = `UPDATE counter SET value = $1 WHERE name = 'n' AND value < $1`
)

// join gives the index of the group that tx belongs to, and sees to it that what follows is undone with tx and written with
// the group.
func (l *Library) join(tx *store.Tx) (*index, error) {
	key := indexKey{l}
	ix, _ := tx.Value(key).(*index)
	if ix == nil {
		ix = &index{absent: make(map[news.ItemID]bool)}
		ix.reset()
		if err := tx.QueryRow(selectCounter).Scan(&ix.stored); err != nil {
			return nil, fmt.Errorf("library: counter: %w", err)
		}
		ix.last = ix.stored
		tx.SetValue(key, ix)
	}
	mark, last := len(ix.journal), ix.last
	tx.OnUndo(func() { ix.undo(mark, last) })
	tx.BeforeCommit(flushKey{l, ix.flushes}, func() error { return ix.flush(tx) })
	return ix, nil
}

func (ix *index) reset() {
	ix.blocks, ix.totals, ix.reads, ix.journal = make(map[blockKey]*block), make(map[string]int64), make(map[int64]int), nil
}

func (ix *index) undo(mark int, last int64) {
	for _, c := range slices.Backward(ix.journal[mark:]) {
		ix.turn(c.facet, c.block, c.bit)
	}
	ix.journal = ix.journal[:mark]
	ix.last = last
}

// turn turns one bit over.
func (ix *index) turn(facet string, b *block, bit int) {
	on := !b.Has(bit)
	b.Put(bit, on)
	b.dirty = true
	if on {
		ix.totals[facet]++
	} else {
		ix.totals[facet]--
	}
}

// numbersFrom and numbersASecond say where the numbers of a start begin: beyond all that could have been given before it.
var numbersFrom = time.Date(2025, 1, 1, 0, 0, 0, 0, time.UTC)

const numbersASecond = 1 << 16

// Begin is called once at each start, before anything is taken in. An old copy of the database that was put back does not know
// which numbers were given after it was made: so the numbers go on from one that the time of the start gives. Whoever follows the
// feed then misses nothing under a number that meant something else.
func (l *Library) Begin(ctx context.Context) error {
	from := int64(l.now().Sub(numbersFrom)/time.Second) * numbersASecond
	return l.db.Write(ctx, func(tx *store.Tx) error { return tx.Exec(raiseCounter, from) })
}

// next gives the next number.
func (ix *index) next() int64 {
	ix.last++
	return ix.last
}

// move takes a row from its old number and facets to its new ones. 0 is no number. Facets are sorted.
func (ix *index) move(r store.Reader, from int64, had []string, to int64, has []string) error {
	if from == to {
		had, has = without(had, has), without(has, had)
	}
	if from != 0 {
		if err := ix.put(r, from, had, false); err != nil {
			return err
		}
	}
	if to != 0 {
		return ix.put(r, to, has, true)
	}
	return nil
}

func without(a, b []string) []string {
	var out []string
	for _, s := range a {
		if _, found := slices.BinarySearch(b, s); !found {
			out = append(out, s)
		}
	}
	return out
}

func (ix *index) put(r store.Reader, n int64, facets []string, on bool) error {
	no, bit := n/bitmap.Size, int(n%bitmap.Size)
	if err := ix.load(r, no, facets); err != nil {
		return err
	}
	for _, f := range facets {
		if b := ix.blocks[blockKey{f, no}]; b.Has(bit) != on {
			ix.turn(f, b, bit)
			ix.journal = append(ix.journal, change{f, b, bit})
		}
	}
	return nil
}

const (
	selectSome  = `SELECT facet, bits FROM facet WHERE block = $1 AND facet IN (`
	selectWhole = `SELECT facet, bits FROM facet WHERE block = $1`
)

// load sees to it that these facets of a block are in memory.
func (ix *index) load(r store.Reader, no int64, facets []string) error {
	var missing []any
	for _, f := range facets {
		if ix.blocks[blockKey{f, no}] == nil {
			missing = append(missing, f)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	var rows *store.Rows
	var err error
	switch {
	case ix.reads[no] == whole:
	case ix.reads[no] >= readsBeforeWhole:
		ix.reads[no] = whole
		rows, err = r.Query(selectWhole, no)
	default:
		ix.reads[no]++
		args := pad(missing)
		rows, err = r.Query(selectSome+places(2, len(args))+`)`, append([]any{no}, args...)...)
	}
	if err != nil {
		return fmt.Errorf("library: facets of block %d: %w", no, err)
	}
	if rows != nil {
		if err := ix.take(rows, no); err != nil {
			return err
		}
	}
	for _, f := range missing {
		key := blockKey{f.(string), no}
		if ix.blocks[key] == nil {
			ix.blocks[key] = &block{}
		}
	}
	return nil
}

// take keeps the blocks that were read, without touching those that are here.
func (ix *index) take(rows *store.Rows, no int64) error {
	defer rows.Close()
	var raw []byte
	for rows.Next() {
		key := blockKey{block: no}
		if err := rows.Scan(&key.facet, &raw); err != nil {
			return fmt.Errorf("library: facet: %w", err)
		}
		if ix.blocks[key] != nil {
			continue
		}
		b := &block{}
		if err := b.Decode(raw); err != nil {
			return fmt.Errorf("library: facet %s, block %d: %w", key.facet, no, err)
		}
		ix.blocks[key] = b
	}
	return rows.Err()
}

const (
	upsertFacet = `INSERT INTO facet (facet, block, bits) VALUES ($1, $2, $3)
ON CONFLICT (facet, block) DO UPDATE SET bits = excluded.bits`
	deleteFacet = `DELETE FROM facet WHERE facet = $1 AND block = $2`
	addTotal    = `INSERT INTO facet_total (facet, n) VALUES ($1, $2)
ON CONFLICT (facet) DO UPDATE SET n = facet_total.n + excluded.n`
	dropTotal = `DELETE FROM facet_total WHERE facet = $1 AND n = 0`
)

// flush writes what has changed, in an order that is always the same.
func (ix *index) flush(tx *store.Tx) error {
	ix.flushes++
	var errs []error
	keys := slices.SortedFunc(maps.Keys(ix.blocks), func(a, b blockKey) int {
		return cmp.Or(cmp.Compare(a.facet, b.facet), cmp.Compare(a.block, b.block))
	})
	for _, k := range keys {
		b := ix.blocks[k]
		if !b.dirty {
			continue
		}
		if raw := b.Encode(); raw == nil {
			errs = append(errs, tx.Exec(deleteFacet, k.facet, k.block))
		} else {
			errs = append(errs, tx.Exec(upsertFacet, k.facet, k.block, raw))
		}
		b.dirty = false
	}
	for _, f := range slices.Sorted(maps.Keys(ix.totals)) {
		switch d := ix.totals[f]; {
		case d < 0:
			errs = append(errs, tx.Exec(addTotal, f, d), tx.Exec(dropTotal, f))
		case d > 0:
			errs = append(errs, tx.Exec(addTotal, f, d))
		}
	}
	clear(ix.totals)
	if ix.last != ix.stored {
		errs = append(errs, tx.Exec(updateCounter, ix.last))
		ix.stored = ix.last
	}
	if err := errors.Join(errs...); err != nil {
		return fmt.Errorf("library: write facets: %w", err)
	}
	return nil
}

// pad fills a list of values up to a power of two with its last one, so that few different statements are prepared.
func pad(values []any) []any {
	size := 1
	for size < len(values) {
		size *= 2
	}
	for len(values) < size {
		values = append(values, values[len(values)-1])
	}
	return values
}

// places writes count placeholders, beginning with $from.
func places(from, count int) string {
	var b strings.Builder
	for i := range count {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteByte('$')
		b.WriteString(strconv.Itoa(from + i))
	}
	return b.String()
}
