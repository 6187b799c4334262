package lineage

import (
	"errors"
	"strings"

	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

const (
	insertUseIn = `INSERT INTO use_in (ledger, seq, agreement, partner, source, version, what, lang, from_ledger, from_seq, us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) ON CONFLICT (ledger, seq) DO NOTHING`
	insertActIn = `INSERT INTO act_in (ledger, seq, partner, use_ledger, use_seq, cause_ledger, cause_seq, what, why, made, acted, us)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (ledger, seq) DO NOTHING`
	countUse = `SELECT COUNT(*) FROM use_in WHERE ledger = $1 AND seq = $2 AND partner = $3 AND source = $4`
)

// What is wrong with a record, as keys of the catalogs.
const (
	malformed   = "exchange.malformed"
	notTheirs   = "exchange.not_theirs"
	unknownItem = "lineage.unknown_item"
	noRecord    = "lineage.no_such_record"
	noUse       = "lineage.no_such_use"
)

// Fold takes a record of a partner that speaks of what was made from an item. taken is false for every other record; wrong is the key of
// the sentence that says what is wrong with it, "" where nothing is. What is wrong is kept all the same, as far as it can be read: it
// may come right, and counts for nothing until it does.
func (s *Service) Fold(tx *store.Tx, d ledger.Said) (taken bool, wrong string, err error) {
	switch d.Record.Type {
	case TypeUse:
		wrong, err = s.foldUse(tx, d)
	case TypeNotice:
		wrong, err = s.foldNotice(tx, d)
	case TypeActed:
		return s.foldActed(tx, d)
	default:
		return false, "", nil
	}
	return true, wrong, err
}

// addressed reports whether a record that names another one speaks to us: it stands in a ledger of ours in the same agreement. One that
// speaks to another party of the agreement is nothing to us.
func addressed(r store.Reader, d ledger.Said, named ledger.ID, seq int64) (ours bool, wrong string, err error) {
	i, err := ledger.Get(r, named)
	switch {
	case errors.Is(err, ledger.ErrUnknown):
		return true, noRecord, nil
	case err != nil:
		return false, "", err
	case i.Agreement != string(d.Agreement) || i.Owner == d.Owner:
		return false, malformed, nil
	case !i.Own:
		return false, "", nil
	case seq >= i.Size:
		return true, noRecord, nil
	}
	return true, "", nil
}

func (s *Service) foldUse(tx *store.Tx, d ledger.Said) (wrong string, err error) {
	var b UseBody
	if protocol.Decode(d.Record.Body, &b) != nil || !protocol.IsLedgerID(b.Ledger) || b.Version < 1 || b.Seq < 0 || len(b.Lang) > 35 || !b.What.Known() {
		return malformed, nil
	}
	ours, wrong, err := addressed(tx, d, ledger.ID(b.Ledger), b.Seq)
	if err != nil || !ours {
		return wrong, err
	}
	source := news.ItemID(d.Record.About)
	if err := tx.Exec(insertUseIn, d.Ledger, d.Seq, d.Agreement, d.Owner, source, b.Version, b.What, b.Lang, b.Ledger, b.Seq, d.Record.Time); err != nil {
		return "", err
	}
	tx.OnCommit(s.Options.Changed)
	it, err := s.ownItem(tx, source)
	if err != nil || wrong != "" {
		return wrong, err
	}
	if it == nil {
		return unknownItem, nil
	}
	if !went(it.Ways, b.Ledger, b.Seq) {
		return noRecord, nil
	}
	return "", s.later(tx, source)
}

// ownItem gives an item of ours; nil for every other.
func (s *Service) ownItem(r store.Reader, id news.ItemID) (*library.Item, error) {
	origin, here, err := s.Library.Origin(r, id)
	if err != nil || !here || origin != s.Root {
		return nil, err
	}
	it, err := s.Library.ReadItem(r, id)
	return &it, err
}

// went reports whether an item went out by a place in a ledger.
func went(ways []library.Way, id string, seq int64) bool {
	for _, w := range ways {
		if w.Ledger == id && w.Seq == seq {
			return true
		}
	}
	return false
}

func (s *Service) foldNotice(tx *store.Tx, d ledger.Said) (wrong string, err error) {
	var b NoticeBody
	if protocol.Decode(d.Record.Body, &b) != nil || b.Version < 1 || b.Number < 1 || (b.Class != news.Correction && b.Class != news.Withdrawal) {
		return malformed, nil
	}
	item := news.ItemID(d.Record.About)
	origin, here, err := s.Library.Origin(tx, item)
	switch {
	case err != nil:
		return "", err
	case !here:
		return unknownItem, nil
	case origin != d.Owner:
		return notTheirs, nil
	}
	if err := tx.Exec(insertNoticeIn, d.Ledger, d.Seq, d.Agreement, item, b.Version, b.Class, b.Number, d.Record.Time); err != nil {
		return "", err
	}
	tx.OnCommit(s.Options.Changed)
	n := notice{ledger: d.Ledger, seq: d.Seq, agreement: d.Agreement, version: b.Version, class: b.Class, number: b.Number, us: d.Record.Time}
	return "", s.raise(tx, n.change(item))
}

func (s *Service) foldActed(tx *store.Tx, d ledger.Said) (taken bool, wrong string, err error) {
	var b ActedBody
	err = protocol.Decode(d.Record.Body, &b)
	switch b.What {
	case Applied, NotAffected, Removed, Refused, beyond:
	default:
		return false, "", nil
	}
	if err != nil || !protocol.IsLedgerID(b.Ledger) || !protocol.IsLedgerID(b.In) || b.Seq < 0 || b.Use < 0 || b.Made < 0 || b.Acted < 0 || b.Acted > b.Made {
		return true, malformed, nil
	}
	ours, wrong, err := addressed(tx, d, ledger.ID(b.Ledger), b.Seq)
	if err != nil || !ours {
		return true, wrong, err
	}
	var r reason
	if len(d.Contents) > 0 && d.Contents[0] != nil && protocol.Decode(d.Contents[0], &r) != nil {
		return true, malformed, nil
	}
	why := []rune(strings.ReplaceAll(r.Why, "\x00", ""))
	err = tx.Exec(insertActIn, d.Ledger, d.Seq, d.Owner, b.In, b.Use, b.Ledger, b.Seq, b.What, string(why[:min(len(why), maxWhy)]), b.Made, b.Acted, d.Record.Time)
	if err != nil {
		return true, "", err
	}
	tx.OnCommit(s.Options.Changed)
	source := news.ItemID(d.Record.About)
	it, err := s.ownItem(tx, source)
	if err != nil || wrong != "" {
		return true, wrong, err
	}
	if it == nil {
		return true, unknownItem, nil
	}
	n, err := one(tx, countUse, b.In, b.Use, d.Owner, source)
	if err != nil || n == 0 {
		return true, noUse, err
	}
	changes, err := changesOf(tx, *it)
	if err != nil {
		return true, "", err
	}
	for _, c := range changes {
		if c.at(ledger.ID(b.Ledger), b.Seq) {
			return true, "", s.later(tx, source)
		}
	}
	return true, noRecord, nil
}
