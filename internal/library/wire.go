package library

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"newspool/internal/bitmap"
	"newspool/internal/clock"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Wire gives the rows of a filter below a desk number (0: from the newest), newest first, at most limit (1 to MaxPage; 0
// means 50). The next page is before the N of the last row.
func (l *Library) Wire(ctx context.Context, f Filter, before int64, limit int) ([]Row, error) {
	if before <= 0 {
		before = math.MaxInt64
	}
	var out []Row
	err := l.db.Read(ctx, func(r store.Reader) error {
		s, err := newScan(r, f.facets())
		if err != nil {
			return err
		}
		ns, err := s.below(before, page(limit, 50))
		if err != nil {
			return err
		}
		out, err = readRows(r, ns)
		return err
	})
	return out, err
}

// NewSince says how many rows of a filter have a desk number higher than after, and the highest such number (after if there
// is none).
func (l *Library) NewSince(ctx context.Context, f Filter, after int64) (count, last int64, err error) {
	err = l.db.Read(ctx, func(r store.Reader) error {
		s, err := newScan(r, f.facets())
		if err != nil {
			return err
		}
		count, last, err = s.above(after)
		return err
	})
	return count, last, err
}

// scan reads the bitmaps of several facets downwards, as far as all of them have numbers.
type scan struct {
	r      store.Reader
	facets []string // the rarest first
	none   bool     // one of them has no row at all
}

const selectTotals = `SELECT facet, n FROM facet_total WHERE facet IN (`

func newScan(r store.Reader, facets []string) (*scan, error) {
	args := make([]any, len(facets))
	for i, f := range facets {
		args[i] = f
	}
	args = pad(args)
	rows, err := r.Query(selectTotals+places(1, len(args))+`)`, args...)
	if err != nil {
		return nil, fmt.Errorf("library: read totals: %w", err)
	}
	totals, err := readTotals(rows)
	if err != nil {
		return nil, err
	}
	s := &scan{r: r, facets: facets}
	for _, f := range facets {
		s.none = s.none || totals[f] <= 0
	}
	slices.SortStableFunc(s.facets, func(a, b string) int { return cmp.Compare(totals[a], totals[b]) })
	return s, nil
}

func readTotals(rows *store.Rows) (map[string]int64, error) {
	defer rows.Close()
	out := make(map[string]int64)
	for rows.Next() {
		var f string
		var n int64
		if err := rows.Scan(&f, &n); err != nil {
			return nil, fmt.Errorf("library: read totals: %w", err)
		}
		out[f] = n
	}
	return out, rows.Err()
}

// numbered is a bitmap with the number of its block.
type numbered struct {
	block int64
	bitmap.Block
}

const (
	selectLead  = `SELECT block, bits FROM facet WHERE facet = $1 AND block <= $2 AND block >= $3 ORDER BY block DESC LIMIT $4`
	selectOther = `SELECT block, bits FROM facet WHERE facet = $1 AND block <= $2 AND block >= $3 ORDER BY block DESC`
)

// The blocks of the rarest facet are read in windows that grow, so that a page near the cursor costs little.
const (
	firstWindow = 2
	lastWindow  = 128
)

// windows calls yield with the blocks between high and low in which all facets have numbers, highest first, until it
// returns false.
func (s *scan) windows(high, low int64, yield func(b *numbered) bool) error {
	if s.none {
		return nil
	}
	for size := firstWindow; high >= low; size = min(2*size, lastWindow) {
		lead, err := s.read(selectLead, s.facets[0], high, low, size)
		if err != nil || len(lead) == 0 {
			return err
		}
		full := len(lead) == size
		high = lead[len(lead)-1].block - 1
		for _, f := range s.facets[1:] {
			if len(lead) == 0 {
				break
			}
			other, err := s.read(selectOther, f, lead[0].block, lead[len(lead)-1].block)
			if err != nil {
				return err
			}
			lead = intersect(lead, other)
		}
		for i := range lead {
			if !yield(&lead[i]) {
				return nil
			}
		}
		if !full {
			return nil
		}
	}
	return nil
}

func (s *scan) read(query, facet string, more ...any) ([]numbered, error) {
	rows, err := s.r.Query(query, append([]any{facet}, more...)...)
	if err != nil {
		return nil, fmt.Errorf("library: read facet %s: %w", facet, err)
	}
	defer rows.Close()
	var out []numbered
	var raw []byte
	for rows.Next() {
		out = append(out, numbered{})
		b := &out[len(out)-1]
		if err := rows.Scan(&b.block, &raw); err != nil {
			return nil, fmt.Errorf("library: read facet %s: %w", facet, err)
		}
		if err := b.Decode(raw); err != nil {
			return nil, fmt.Errorf("library: facet %s, block %d: %w", facet, b.block, err)
		}
	}
	return out, rows.Err()
}

// intersect ANDs two lists of blocks that both go downwards; the first is overwritten.
func intersect(a, b []numbered) []numbered {
	out := a[:0]
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i].block > b[j].block:
			i++
		case a[i].block < b[j].block:
			j++
		default:
			m := a[i]
			m.And(&b[j].Block)
			if m.Block != (bitmap.Block{}) {
				out = append(out, m)
			}
			i++
			j++
		}
	}
	return out
}

// below gives the highest numbers below before, at most limit.
func (s *scan) below(before int64, limit int) ([]int64, error) {
	out := make([]int64, 0, limit)
	err := s.windows((before-1)/bitmap.Size, 0, func(b *numbered) bool {
		if rest := before - b.block*bitmap.Size; rest < bitmap.Size {
			b.KeepBelow(int(rest))
		}
		b.Down(func(i int) bool {
			out = append(out, b.block*bitmap.Size+int64(i))
			return len(out) < limit
		})
		return len(out) < limit
	})
	return out, err
}

// above counts the numbers above after.
func (s *scan) above(after int64) (count, last int64, err error) {
	after = max(after, 0)
	last = after
	err = s.windows(math.MaxInt64/bitmap.Size, (after+1)/bitmap.Size, func(b *numbered) bool {
		if skip := after + 1 - b.block*bitmap.Size; skip > 0 {
			b.KeepFrom(int(skip))
		}
		count += int64(b.Count())
		b.Down(func(i int) bool {
			last = max(last, b.block*bitmap.Size+int64(i))
			return false
		})
		return true
	})
	return count, last, err
}

const selectRows = `SELECT ` + itemColumns + ` FROM item i WHERE i.n IN (`

// readRows reads the rows of these desk numbers, in their order.
func readRows(r store.Reader, ns []int64) ([]Row, error) {
	if len(ns) == 0 {
		return nil, nil
	}
	args := make([]any, len(ns))
	for i, n := range ns {
		args[i] = n
	}
	args = pad(args)
	out, err := queryRows(r, selectRows+places(1, len(args))+`)`, args...)
	slices.SortFunc(out, func(a, b Row) int { return cmp.Compare(b.N, a.N) })
	return out, err
}

func queryRows(r store.Reader, query string, args ...any) ([]Row, error) {
	rows, err := r.Query(query, args...)
	if err != nil {
		return nil, fmt.Errorf("library: read rows: %w", err)
	}
	defer rows.Close()
	var out []Row
	for rows.Next() {
		var it item
		if err := it.scan(rows.Scan); err != nil {
			return nil, fmt.Errorf("library: read rows: %w", err)
		}
		out = append(out, it.Row)
	}
	return out, rows.Err()
}

const selectAllTotals = `SELECT facet, n FROM facet_total`

// maxDays is how many days Facets gives.
const maxDays = 31

// Facets says how the rows of the wire divide.
func (l *Library) Facets(ctx context.Context) (Facets, error) {
	var out Facets
	err := l.db.Read(ctx, func(r store.Reader) error {
		rows, err := r.Query(selectAllTotals)
		if err != nil {
			return fmt.Errorf("library: read totals: %w", err)
		}
		totals, err := readTotals(rows)
		if err != nil {
			return err
		}
		out = divide(totals)
		return nil
	})
	return out, err
}

func divide(totals map[string]int64) Facets {
	f := Facets{All: totals[facetAll], Own: totals[facetOwn], Received: totals[facetReceived]}
	kinds := map[string]*[]Count{
		facetOrigin: &f.Origins, facetAgreement: &f.Agreements, facetLang: &f.Langs, facetType: &f.Types, facetSubject: &f.Subjects,
		facetState: &f.States, facetUrgency: &f.Urgencies, facetDay: &f.Days,
	}
	for facet, n := range totals {
		kind, value, _ := strings.Cut(facet, ":")
		if into := kinds[kind+":"]; into != nil && n > 0 {
			*into = append(*into, Count{value, n})
		}
	}
	for _, counts := range kinds {
		slices.SortFunc(*counts, func(a, b Count) int { return cmp.Or(cmp.Compare(b.N, a.N), cmp.Compare(a.Value, b.Value)) })
	}
	slices.SortFunc(f.Days, func(a, b Count) int { return cmp.Compare(b.Value, a.Value) })
	f.Days = f.Days[:min(len(f.Days), maxDays)]
	return f
}

const selectPinned = `SELECT ` + itemColumns + ` FROM item i WHERE i.urgency > 0 AND i.urgency < 3 AND i.n > 0 AND i.state = 'usable'
AND i.arrived_us > $2 AND NOT EXISTS (SELECT 1 FROM seen s WHERE s.person = $1 AND s.item = i.id AND s.number >= i.number)
ORDER BY i.n DESC LIMIT 50`

// PinFor is how long an urgent item that nobody looks at stays pinned.
const PinFor = 24 * time.Hour

// PinnedUrgent gives the usable rows of urgency 1 and 2 that arrived in the last 24 hours and whose current version this
// person has not seen, newest first, at most 50.
func (l *Library) PinnedUrgent(ctx context.Context, person news.PersonID) ([]Row, error) {
	var out []Row
	err := l.db.Read(ctx, func(r store.Reader) (err error) {
		out, err = queryRows(r, selectPinned, person, clock.Micros(l.now().Add(-PinFor)))
		return err
	})
	return out, err
}
