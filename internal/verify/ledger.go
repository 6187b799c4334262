package verify

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strings"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// page is how many rows are read at a time.
const page = 256

// The record types that this package knows: withdrawals close contents and are hinted at, agreement records name their agreement.
const (
	typeWithdraw    = "item.withdraw"
	agreementPrefix = "agreement."
)

// check is the checking of one ledger.
type check struct {
	notes
	r    store.Reader
	i    ledger.Info
	keys KeysOf

	edge  protocol.Edge
	next  int64 // index of the next record
	whole bool  // no record is missing so far

	tiles, contents, withdrawals int64 // rows that must be there
	lastTime                     int64
	malformed, foreign           int64
	back                         int64 // records whose time goes back
	states                       [4]int64
	hints                        []protocol.Hint // of the rows, not yet met
	receipts                     []ledger.Held   // read and not yet met
	receiptsRead                 bool
	lastReceipt                  ledger.Held
	held, met                    int64 // receipts that are good, and all that were met
	confirmed                    int64
}

// takenBack reports whether records of a ledger of ours may have come back from a follower's copy: then contents may be missing,
// and the withdrawals among them are not hinted at any more.
func (c *check) takenBack() bool { return c.i.Own && c.i.State == ledger.Ended }

// Ledger checks a ledger from its rows: every leaf, tile and edge is computed again and compared with what is stored, every
// content with the salted hash in its record, every receipt and the stored checkpoint with the keys of who signed them. It
// states what is withdrawn, erased and withheld. The error is one of the database.
func Ledger(ctx context.Context, r store.Reader, i ledger.Info, keys KeysOf, told Progress) (Report, error) {
	c := &check{r: r, i: i, keys: keys, whole: true}
	c.say("verify.ledger", "origin", i.Origin, "size", i.Size)
	c.row()
	if err := c.begin(); err != nil {
		return Report{}, err
	}
	for {
		rows, err := ledger.EntryRows(r, i.ID, c.next, page)
		if err != nil {
			return Report{}, err
		}
		if err := errors.Join(c.page(rows), ctx.Err()); err != nil {
			return Report{}, err
		}
		told.tell(i.Origin, c.next, i.Size)
		if len(rows) < page {
			break
		}
	}
	if err := c.end(); err != nil {
		return Report{}, err
	}
	c.sum()
	return c.report(), nil
}

// row checks what the ledger's own row says by itself.
func (c *check) row() {
	i := c.i
	if !protocol.IsLedgerID(string(i.ID)) || !strings.HasSuffix(i.Origin, "/exchange/v1/ledgers/"+string(i.ID)) {
		c.wrong("verify.origin", "id", string(i.ID), "origin", i.Origin)
	}
	if i.State != ledger.Open && i.State != ledger.Ended && i.State != ledger.Stopped {
		c.wrong("verify.state", "state", string(i.State))
	}
	if i.State == ledger.Stopped {
		c.say("verify.stopped")
	}
	if i.Visible < 0 || i.Visible > i.Applied || i.Applied > i.Size || i.Own && i.Applied != 0 || i.Confirmed < 0 || i.Confirmed > i.Size {
		c.wrong("verify.cursors")
	}
	if i.Continues != "" && !protocol.IsLedgerID(string(i.Continues)) {
		c.wrong("verify.continues", "id", string(i.Continues))
	}
	keys, ok := c.keys(i.Owner)
	if !ok {
		c.wrong("verify.owner", "root", string(i.Owner))
	}
	if i.Own || i.Size == 0 {
		if len(i.Checkpoint) != 0 {
			c.wrong("verify.checkpoint")
		}
		return
	}
	if !ok {
		return
	}
	cp, err := protocol.OpenCheckpoint(i.Checkpoint, i.Origin, keys.Ever(protocol.RoleLog, true)...)
	if err != nil || cp.Size != i.Size || cp.Root != i.Root() {
		c.wrong("verify.checkpoint")
		return
	}
	if _, err := protocol.OpenCheckpoint(i.Checkpoint, i.Origin, keys.Ever(protocol.RoleLog, false)...); err != nil {
		c.say("verify.stolen_key")
	}
}

// begin counts rows and reads what is to be met on the way.
func (c *check) begin() error {
	hints, err := ledger.Withdrawals(c.r, c.i.ID)
	if err != nil {
		return err
	}
	c.hints = hints
	return c.meetReceipts()
}

// page checks rows of records, with their contents.
func (c *check) page(rows []ledger.EntryRow) error {
	if len(rows) == 0 {
		return nil
	}
	contents, err := ledger.ContentRows(c.r, c.i.ID, rows[0].Seq, rows[len(rows)-1].Seq+1)
	if err != nil {
		return err
	}
	for _, row := range rows {
		n := 0
		for n < len(contents) && contents[n].Seq <= row.Seq {
			n++
		}
		if err := c.record(row, contents[:n]); err != nil {
			return err
		}
		contents = contents[n:]
	}
	return nil
}

// record checks one record: its place, its leaf, what it fills, what it says, its contents, the receipts that end with it.
func (c *check) record(row ledger.EntryRow, contents []ledger.ContentRow) error {
	if row.Seq != c.next {
		c.wrong("verify.missing", "from", c.next, "to", row.Seq-1)
		c.whole = false
	}
	c.next = row.Seq + 1
	leaf := protocol.LeafHash(row.Record)
	if !bytes.Equal(leaf[:], row.Leaf) {
		c.wrong("verify.leaf", "index", row.Seq)
	}
	rec := c.parse(row)
	if c.whole {
		for _, t := range c.edge.Add(leaf) {
			if err := c.tile(t); err != nil {
				return err
			}
		}
	}
	c.hint(row.Seq, rec)
	if err := c.contentsOf(row.Seq, rec, contents); err != nil {
		return err
	}
	return c.meetReceipts()
}

// parse reads a record and notes what is not as it should be. What a partner may have written is stated; what we never write is
// wrong. A record that means nothing comes back empty.
func (c *check) parse(row ledger.EntryRow) protocol.Record {
	rec, err := protocol.ParseRecord(row.Record)
	switch {
	case err != nil:
		c.malformed++
		if c.i.Own {
			c.wrong("verify.malformed", "index", row.Seq)
		}
		return protocol.Record{}
	case rec.Ledger != string(c.i.ID):
		c.foreign++
		if c.i.Own {
			c.wrong("verify.foreign", "index", row.Seq)
		}
		return protocol.Record{}
	case rec.Time < c.lastTime:
		c.back++
		if c.i.Own {
			c.wrong("verify.time", "index", row.Seq)
		}
	}
	c.lastTime = max(c.lastTime, rec.Time)
	if id, ok := strings.CutPrefix(rec.About, "newspool:agreement/"); ok && strings.HasPrefix(rec.Type, agreementPrefix) && id != c.i.Agreement {
		c.wrong("verify.agreement", "index", row.Seq)
	}
	return rec
}

// tile compares the stored root of a tile with the computed one.
func (c *check) tile(t protocol.TileRoot) error {
	c.tiles++
	have, err := ledger.TileRow(c.r, c.i.ID, t.Level, t.Index)
	if err == nil && !bytes.Equal(have, t.Hash[:]) {
		c.wrong("verify.tile", "level", int64(t.Level), "index", t.Index)
	}
	return err
}

// hint compares a withdrawal with its row; only our own ledgers have such rows.
func (c *check) hint(seq int64, rec protocol.Record) {
	for len(c.hints) > 0 && c.hints[0].Index < seq {
		c.wrong("verify.hint", "index", c.hints[0].Index)
		c.hints = c.hints[1:]
	}
	want := c.i.Own && rec.Type == typeWithdraw
	have := len(c.hints) > 0 && c.hints[0].Index == seq
	if have && (!want || c.hints[0].About != rec.About) || want && !have && !c.takenBack() {
		c.wrong("verify.hint", "index", seq)
	}
	if have {
		c.hints = c.hints[1:]
		c.withdrawals++
	}
}

// contentsOf compares the contents of a record with the hashes in it: exactly one row for each.
func (c *check) contentsOf(seq int64, rec protocol.Record, rows []ledger.ContentRow) error {
	c.contents += int64(len(rec.Contents))
	if len(rows) != len(rec.Contents) {
		c.wrong("verify.content_rows", "index", seq)
		return nil
	}
	for n, row := range rows {
		if row.Seq != seq || row.N != int64(n) {
			c.wrong("verify.content_rows", "index", seq)
			return nil
		}
		good, err := c.content(rec, rec.Contents[n], row)
		if err != nil {
			return err
		}
		if !good {
			c.wrong("verify.content", "index", seq, "number", int64(n+1))
		}
	}
	return nil
}

func (c *check) content(rec protocol.Record, ref protocol.ContentRef, row ledger.ContentRow) (good bool, err error) {
	if int(row.State) >= len(c.states) {
		return false, nil
	}
	c.states[row.State]++
	switch row.State {
	case protocol.Present:
		good = row.ID != "" && row.Cause == 0
	case protocol.Withdrawn:
		// The one who released it keeps the bytes.
		good = c.i.Own == (row.ID != "") || c.takenBack()
	case protocol.Erased:
		good = row.ID == ""
	case protocol.Withheld:
		good = row.ID == "" && row.Cause == 0 && (!c.i.Own || c.takenBack())
	}
	if good && (row.State == protocol.Withdrawn || row.State == protocol.Erased) {
		if good, err = c.caused(rec, row); err != nil {
			return false, err
		}
	}
	if row.ID == "" {
		return good && !slices.ContainsFunc(row.Salt, func(b byte) bool { return b != 0 }), nil
	}
	held, err := content.Get(c.r, row.ID)
	if fault.Is(err, fault.Gone) {
		return false, nil
	}
	if err != nil {
		return false, err
	}
	fits := len(row.Salt) == len(protocol.Salt{}) && ref.Fits(protocol.Salt(row.Salt), held.Bytes)
	return good && fits && held.MediaType == ref.Type && held.Lang == ref.Lang, nil
}

// caused reports whether the record that a closed content names is a withdrawal of the same thing. A followed ledger may name
// one that has not come yet.
func (c *check) caused(rec protocol.Record, row ledger.ContentRow) (bool, error) {
	if row.Cause >= c.i.Size && (!c.i.Own || c.takenBack()) {
		return true, nil
	}
	if row.Cause <= row.Seq {
		return false, nil
	}
	records, err := ledger.Records(c.r, c.i.ID, row.Cause, row.Cause+1)
	if err != nil || len(records) != 1 {
		return false, err
	}
	cause, err := protocol.ParseRecord(records[0])
	return err == nil && cause.Type == typeWithdraw && cause.About == rec.About, nil
}

// meetReceipts checks the receipts that end with the records so far.
func (c *check) meetReceipts() error {
	for {
		if len(c.receipts) == 0 && !c.receiptsRead {
			more, err := ledger.Receipts(c.r, c.i.ID, c.lastReceipt.Size, c.lastReceipt.Cosigner, page)
			if err != nil {
				return err
			}
			c.receipts, c.receiptsRead = more, len(more) < page
			if len(more) > 0 {
				c.lastReceipt = more[len(more)-1]
			}
		}
		if len(c.receipts) == 0 || c.receipts[0].Size > c.next {
			return nil
		}
		c.receipt(c.receipts[0])
		c.receipts = c.receipts[1:]
	}
}

func (c *check) receipt(h ledger.Held) {
	c.met++
	c.confirmed = max(c.confirmed, h.Size)
	if !c.whole {
		return // its root cannot be computed
	}
	keys, ok := c.keys(news.Root(h.Cosigner))
	good := false
	if ok && h.Size == c.edge.Size && h.Size > 0 && c.i.Own {
		cp := protocol.Checkpoint{Origin: c.i.Origin, Size: h.Size, Root: c.edge.Root()}
		for _, pub := range keys.Ever(protocol.RoleCosigner, true) {
			s, err := protocol.ParseCosignature(h.Line, pub)
			good = good || err == nil && s.Time == h.Seconds && s.Verify(pub, cp)
		}
	}
	if !good {
		c.wrong("verify.receipt", "size", h.Size, "root", h.Cosigner)
		return
	}
	c.held++
}

// end compares what was computed with what the ledger's row says, and looks for rows that belong to nothing.
func (c *check) end() error {
	if c.whole && c.next < c.i.Size {
		c.wrong("verify.missing", "from", c.next, "to", c.i.Size-1)
		c.whole = false
	}
	if c.next > c.i.Size {
		c.wrong("verify.beyond", "size", c.i.Size)
	} else if c.whole && !bytes.Equal(c.edge.Pack(), edgeOf(c.i)) {
		c.wrong("verify.root")
	}
	for _, h := range c.hints {
		c.wrong("verify.hint", "index", h.Index)
	}
	for _, h := range c.receipts {
		c.met++
		c.confirmed = max(c.confirmed, h.Size)
		c.wrong("verify.receipt", "size", h.Size, "root", h.Cosigner)
	}
	if last := clock.Micros(c.i.Last); last != c.lastTime || c.confirmed != c.i.Confirmed {
		c.wrong("verify.cursors")
	}
	rows, err := ledger.CountRows(c.r, c.i.ID)
	if err != nil {
		return err
	}
	if c.whole && (rows.Entries != c.next || rows.Tiles != c.tiles || rows.Contents != c.contents || rows.Withdrawals != c.withdrawals || rows.Receipts != c.met) {
		c.wrong("verify.rows")
	}
	n, err := ledger.Contradictions(c.r, c.i.ID)
	if err != nil {
		return err
	}
	if n > 0 {
		c.wrong("verify.evidence", "n", n)
	}
	if rows.Evidence > n {
		c.say("verify.restored")
	}
	return nil
}

func edgeOf(i ledger.Info) []byte {
	e := i.Edge()
	return e.Pack()
}

// sum states what the ledger holds.
func (c *check) sum() {
	c.counts(
		counted{"verify.malformed_count", c.malformed},
		counted{"verify.foreign_count", c.foreign},
		counted{"verify.time_count", c.back},
		counted{"verify.present", c.states[protocol.Present]},
		counted{"verify.withdrawn", c.states[protocol.Withdrawn]},
		counted{"verify.erased", c.states[protocol.Erased]},
		counted{"verify.withheld", c.states[protocol.Withheld]},
		counted{"verify.receipts", c.held},
	)
	if len(c.count) == 0 {
		root := c.edge.Root()
		c.say("verify.ledger_ok", "size", c.i.Size, "root", root.String())
	}
}

// unreadable makes a report of a row that cannot be read.
func unreadable(id ledger.ID, err error) Report {
	var n notes
	n.wrong("verify.unreadable", "id", string(id), "detail", err.Error())
	return n.report()
}
