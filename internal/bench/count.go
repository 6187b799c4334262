package bench

import (
	"context"
	"encoding/json"

	"newspool/internal/exchange"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// count compares what was sent with what B holds: each record of the ledger with its content, and each row of the wire.
func (m *measuring) count(ctx context.Context) error {
	ours, err := m.a.Ledgers.Info(ctx, m.ledger)
	if err != nil {
		return err
	}
	theirs, err := m.b.Ledgers.Info(ctx, m.ledger)
	if err != nil {
		return err
	}
	m.r.Sent, m.r.LedgersAgree = len(m.said), ours.Size == theirs.Size && ours.Root() == theirs.Root()
	records, err := m.held(ctx, theirs.Size)
	if err != nil {
		return err
	}
	rows, err := m.rows(ctx)
	if err != nil {
		return err
	}
	for about, product := range m.said {
		n := records[about]
		if product {
			n = min(n, rows[news.ItemID(about)])
		}
		if n == 0 {
			m.r.Lost++
		}
		if n := max(records[about], rows[news.ItemID(about)]); n > 1 {
			m.r.Duplicated += n - 1
		}
	}
	for id := range rows {
		if !m.said[string(id)] {
			m.r.Duplicated++ // a row that nobody sent
		}
	}
	return nil
}

// held counts at B the records about each item whose content is there and fits.
func (m *measuring) held(ctx context.Context, size int64) (map[string]int, error) {
	out := map[string]int{}
	const step = 1024
	for from := int64(0); from < size; from += step {
		err := m.b.DB.Read(ctx, func(r store.Reader) error {
			entries, err := ledger.Entries(r, m.ledger, from, min(size, from+step))
			for _, e := range entries {
				rec, err := protocol.ParseRecord(e.Record)
				if err != nil {
					return err
				}
				var body exchange.ItemBody
				if rec.Type != exchange.TypeRelease || json.Unmarshal(rec.Body, &body) != nil || len(e.Contents) != 1 || len(rec.Contents) != 1 {
					continue
				}
				if c := e.Contents[0]; c.State == protocol.Present && rec.Contents[0].Fits(c.Salt, c.Bytes) {
					out[rec.About] += body.Version // each has only its first version
				}
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	return out, nil
}

// rows counts the versions of each received item on B's wire that may be used.
func (m *measuring) rows(ctx context.Context) (map[news.ItemID]int, error) {
	out := map[news.ItemID]int{}
	for before := int64(0); ; {
		page, err := m.b.Library.Wire(ctx, library.Filter{Received: true, State: news.Usable}, before, library.MaxPage)
		if err != nil || len(page) == 0 {
			return out, err
		}
		for _, row := range page {
			out[row.Item] += row.Versions
		}
		before = page[len(page)-1].N
	}
}
