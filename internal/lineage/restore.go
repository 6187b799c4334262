package lineage

import (
	"slices"

	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

const restoreUse = `INSERT INTO use_out (item, source, agreement, version, from_ledger, from_seq, ledger, seq) VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
ON CONFLICT (item, source, agreement) DO UPDATE SET version = excluded.version, from_ledger = excluded.from_ledger, from_seq = excluded.from_seq,
ledger = excluded.ledger, seq = excluded.seq`

// Restore applies a record that we said ourselves, which this database has lost and a partner has kept. What cannot be told from the
// record alone is asked of our people once more: of two answers to one change the last counts.
func (s *Service) Restore(tx *store.Tx, d ledger.Said) error {
	switch d.Record.Type {
	case TypeUse:
		return s.restoreUse(tx, d)
	case TypeActed:
		return s.restoreAnswer(tx, d)
	}
	return nil // a notice that is said again is the same by its number
}

// restoreUse finds the item of which a use was told: one that was made from the source in this way, in this language, and was told of
// nowhere in this agreement.
func (s *Service) restoreUse(tx *store.Tx, d ledger.Said) error {
	var b UseBody
	if protocol.Decode(d.Record.Body, &b) != nil {
		return nil
	}
	all, err := readMade(tx, selectDerived, news.ItemID(d.Record.About))
	if err != nil {
		return err
	}
	for _, m := range all {
		it, err := s.Library.ReadItem(tx, m.Item)
		if err != nil {
			return err
		}
		uses, err := readUses(tx, m.Item)
		if err != nil {
			return err
		}
		told := slices.ContainsFunc(uses, func(u use) bool { return u.source == m.Source && u.agreement == d.Agreement && u.ledger != "" })
		if m.How == b.What && it.Lang == b.Lang && !told {
			return tx.Exec(restoreUse, m.Item, m.Source, d.Agreement, b.Version, b.Ledger, b.Seq, d.Ledger, d.Seq)
		}
	}
	s.Log.Warn("we told a partner what we made from an item, and this database does not know of what we did", "item", d.Record.About, "ledger", d.Ledger, "seq", d.Seq)
	return nil
}

const selectAnswered = `SELECT d.n FROM duty d JOIN use_out u ON u.item = d.item AND u.source = d.source JOIN duty_cause c ON c.duty = d.n
WHERE u.ledger = $1 AND u.seq = $2 AND c.ledger = $3 AND c.seq = $4 AND d.answer = ''`

// restoreAnswer puts an answer back into a duty that is here and has none.
func (s *Service) restoreAnswer(tx *store.Tx, d ledger.Said) error {
	var b ActedBody
	if protocol.Decode(d.Record.Body, &b) != nil || b.In == "" || b.What == beyond {
		return nil
	}
	n, err := one(tx, selectAnswered, b.In, b.Use, b.Ledger, b.Seq)
	if err != nil || n == 0 {
		return err
	}
	var r reason
	if len(d.Contents) > 0 && d.Contents[0] != nil && protocol.Decode(d.Contents[0], &r) != nil {
		return nil
	}
	if err := tx.Exec(answerDuty, n, b.What, r.Why, "", d.Record.Time); err != nil {
		return err
	}
	return tx.Exec(upsertSaid, n, d.Agreement, b.What, 0, 0)
}
