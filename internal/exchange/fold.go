package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/partner/daily"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

func isItem(t string) bool { return strings.HasPrefix(t, "item.") }

// arrival is a record of a partner with what only its delivery tells.
type arrival struct {
	ledger.Said
	hidden bool // the ledger is catching up: nothing shows
	ahead  bool // a content was not sent, because a record further on withdraws it
	flood  bool // what its ledger had said before it on its day is above the ceiling: it is not told of one by one
}

// passing reports whether an error tells of the storage or of the moment, and not of what was to be done: the same may go well a
// little later.
func passing(err error) bool {
	return fault.Is(err, fault.Unavailable) || errors.Is(err, store.ErrStale) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded)
}

// hides reports whether a record at an index belongs to the catching up, and whether a size leaves it unfinished: so it is as long as
// nobody has told how far it goes, and until it has gone that far. What belongs to it is folded hidden, and shown together in the end,
// so that it shows in the order of the ledger and nothing shows that was withdrawn meanwhile.
func (l *link) hides(index, size int64) (record, rest bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.gate < 0 || index < l.gate, l.gate < 0 || size < l.gate
}

// receive stores a verified batch and folds its records in one transaction. If that fails because of a record, the records are
// stored first and then folded one by one: the one that fails is marked, and stops nothing.
func (s *Service) receive(ctx context.Context, l *link, b ledger.Batch) error {
	hidden, rest := l.hides(b.From, b.Edge.Size)
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		i, inOrder, err := s.inOrder(tx, l.id, b)
		if err != nil || !inOrder {
			return errors.Join(err, errOutOfOrder)
		}
		ids, err := s.Ledgers.Take(tx, l.id, b)
		if err != nil {
			return err
		}
		s.observe(tx, Event{Kind: Stored, Ledger: l.id, From: b.From, To: b.Edge.Size})
		if err := s.Library.Expect(tx, itemsOf(b.Parsed)); err != nil {
			return err
		}
		for n := range b.Records {
			if err := s.fold(tx, s.said(l, b.From+int64(n), b.Records[n], b.Parsed[n], ids[n], hidden)); err != nil {
				return err
			}
		}
		if i.Visible == b.From && !hidden {
			return s.inSight(tx, l, b.Edge.Size)
		}
		return s.moved(tx, l, b.Edge.Size, rest)
	})
	if err == nil || passing(err) {
		return err
	}
	if !errors.Is(err, errOutOfOrder) {
		s.Log.Warn("folding record by record", "ledger", l.id, "from", b.From, "error", err)
	}
	return s.storeThenFold(ctx, l, b)
}

var errOutOfOrder = errors.New("something before the batch, or in it, waits for another ledger")

// itemsOf lists the items of which records speak.
func itemsOf(records []protocol.Record) []news.ItemID {
	out := make([]news.ItemID, 0, len(records))
	for _, r := range records {
		if isItem(r.Type) {
			out = append(out, news.ItemID(r.About))
		}
	}
	return out
}

// inOrder reports whether a batch can be folded as it comes: everything before it is folded, and nothing in it waits for
// another ledger.
func (s *Service) inOrder(r store.Reader, id ledger.ID, b ledger.Batch) (ledger.Info, bool, error) {
	i, err := ledger.Get(r, id)
	if err != nil || i.Applied != b.From {
		return i, false, err
	}
	for _, rec := range b.Parsed {
		if waits, err := s.waits(r, rec); err != nil || waits {
			return i, false, err
		}
	}
	return i, true, nil
}

// answers are the records that speak of something in another newsroom's ledger. They, and no others, wait for what they have
// seen: a record that waits holds up everything after it in its ledger.
func answers(t string) bool { return t == "agreement.sign" || t == "agreement.decline" }

// waits reports whether a record answers something that is not here, and has seen more of another ledger than we have folded.
func (s *Service) waits(r store.Reader, rec protocol.Record) (bool, error) {
	if !answers(rec.Type) {
		return false, nil
	}
	var body struct {
		Revision terms.RevisionHash `json:"revision"`
	}
	if protocol.Decode(rec.Body, &body) != nil || s.Agreements.Holds(body.Revision) {
		return false, nil
	}
	for _, seen := range rec.Seen {
		i, err := ledger.Get(r, ledger.ID(seen.Ledger))
		if errors.Is(err, ledger.ErrUnknown) {
			return true, nil
		}
		if err != nil {
			return false, err
		}
		if (i.Own && i.Size < seen.Size) || (!i.Own && i.Applied < seen.Size) {
			return true, nil
		}
	}
	return false, nil
}

// storeThenFold stores a batch, and then folds record by record what can be folded.
func (s *Service) storeThenFold(ctx context.Context, l *link, b ledger.Batch) error {
	err := s.DB.Write(ctx, func(tx *store.Tx) error {
		s.observe(tx, Event{Kind: Stored, Ledger: l.id, From: b.From, To: b.Edge.Size})
		_, err := s.Ledgers.Take(tx, l.id, b)
		return err
	})
	if err != nil {
		return err
	}
	return s.foldBehind(ctx, l)
}

// parsed reads a record of a ledger. One that is malformed, or was written for another ledger, has no type: it is kept, and never
// applied.
func parsed(id ledger.ID, b []byte) protocol.Record {
	rec, err := protocol.ParseRecord(b)
	if err != nil || rec.Ledger != string(id) {
		return protocol.Record{}
	}
	return rec
}

func (s *Service) said(l *link, seq int64, e protocol.Entry, rec protocol.Record, ids []content.ID, hidden bool) arrival {
	d := arrival{hidden: hidden}
	d.Said = ledger.Said{Ledger: l.id, Agreement: l.agreement, Owner: l.partner, Seq: seq, Record: rec, Bytes: e.Record, IDs: ids}
	for n, c := range e.Contents {
		d.ahead = d.ahead || ((c.State == protocol.Withdrawn || c.State == protocol.Erased) && c.Index > seq)
		if n < len(ids) && ids[n] != "" {
			d.Contents = append(d.Contents, c.Bytes)
		} else {
			d.Contents = append(d.Contents, nil)
		}
	}
	return d
}

// moved moves the cursors to the end of a batch, and shows what was hidden once the gate is reached.
func (s *Service) moved(tx *store.Tx, l *link, to int64, hidden bool) error {
	if hidden {
		tx.OnCommit(func() { s.wakeOthers(l) })
		return ledger.Applied(tx, l.id, to)
	}
	if _, err := s.Library.Reveal(tx, string(l.id), to-1); err != nil {
		return err
	}
	return s.inSight(tx, l, to)
}

// inSight moves the cursors to the end of a batch up to which nothing is hidden.
func (s *Service) inSight(tx *store.Tx, l *link, to int64) error {
	tx.OnCommit(func() {
		s.wakeOthers(l)
		s.Changed("wire", string(l.id))
	})
	if err := ledger.Applied(tx, l.id, to); err != nil {
		return err
	}
	return ledger.Visible(tx, l.id, to)
}

// wakeOthers has the other ledgers of an agreement look again at what waits.
func (s *Service) wakeOthers(l *link) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, o := range s.links {
		if o != l && o.agreement == l.agreement {
			poke(o.again)
		}
	}
}

// foldBehind folds what is stored and not yet folded, each record in a closure of its own.
func (s *Service) foldBehind(ctx context.Context, l *link) error {
	for {
		i, err := s.Ledgers.Info(ctx, l.id)
		if err != nil || i.Applied >= i.Size {
			return err
		}
		to := min(i.Size, i.Applied+protocol.FrameRecords)
		var entries []protocol.Entry
		var ids [][]content.ID
		err = s.DB.Read(ctx, func(r store.Reader) (err error) {
			entries, ids, err = ledger.EntriesKept(r, l.id, i.Applied, to)
			return err
		})
		if err != nil {
			return err
		}
		for n, e := range entries {
			seq := i.Applied + int64(n)
			rec := parsed(l.id, e.Record)
			hidden, rest := l.hides(seq, seq+1)
			waits := false
			err = s.DB.Read(ctx, func(r store.Reader) (err error) {
				waits, err = s.waits(r, rec)
				return err
			})
			if err != nil || waits {
				return err
			}
			err = s.DB.Write(ctx, func(tx *store.Tx) error {
				if err := s.fold(tx, s.said(l, seq, e, rec, ids[n], hidden)); err != nil {
					return err
				}
				return s.moved(tx, l, seq+1, rest)
			})
			if err != nil && !passing(err) {
				s.Log.Error("a record could not be folded; it is kept and marked", "ledger", l.id, "seq", seq, "type", rec.Type, "error", err)
				err = s.DB.Write(ctx, func(tx *store.Tx) error {
					if err := s.trouble(tx, l.id, seq, "failed", "exchange.fold_failed", map[string]any{"type": rec.Type}); err != nil {
						return err
					}
					return s.moved(tx, l, seq+1, rest)
				})
			}
			if err != nil {
				return err
			}
		}
	}
}

const insertTrouble = `INSERT INTO trouble (ledger, seq, kind, key, args, us) VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (ledger, seq, kind) DO NOTHING`

func (s *Service) trouble(tx *store.Tx, id ledger.ID, seq int64, kind, key string, args map[string]any) error {
	b, err := json.Marshal(args)
	if err != nil {
		return err
	}
	tx.OnCommit(func() { s.Changed("links", string(id)) })
	return tx.Exec(insertTrouble, string(id), seq, kind, key, string(b), clock.Micros(s.Clock()))
}

// fold hands one record to whoever owns its type.
func (s *Service) fold(tx *store.Tx, d arrival) error {
	if s.Fold != nil {
		if taken, err := s.Fold(tx, d.Said); taken || err != nil {
			return err
		}
	}
	if s.Lineage != nil {
		taken, wrong, err := s.Lineage.Fold(tx, d.Said)
		if err == nil && wrong != "" {
			err = s.trouble(tx, d.Ledger, d.Seq, "lineage", wrong, map[string]any{"item": d.Record.About})
		}
		if taken || err != nil {
			return err
		}
	}
	switch t := d.Record.Type; {
	case t == "":
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	case strings.HasPrefix(t, "agreement."):
		return s.Agreements.Fold(tx, d.Said)
	case t == TypeRelease || t == TypeCorrect || t == TypeWithdraw:
		return s.foldItem(tx, d)
	case t == TypeMissing || t == TypeActed:
		return s.foldReport(tx, d.Said)
	case isItem(t):
		return s.foldUnknownItem(tx, d.Said)
	case t == TypeEpoch:
		return s.foldEpoch(tx, d.Said)
	}
	return s.trouble(tx, d.Ledger, d.Seq, "unknown", "exchange.unknown_type", map[string]any{"type": d.Record.Type})
}

// incoming reads what a record says about an item; false for one whose body makes no sense.
func incoming(d ledger.Said) (library.Incoming, bool) {
	var body ItemBody
	if err := protocol.Decode(d.Record.Body, &body); err != nil || body.Version < 1 || !strings.HasPrefix(d.Record.About, "newspool://") {
		return library.Incoming{}, false
	}
	in := library.Incoming{
		Item: news.ItemID(d.Record.About), Number: body.Version, Class: body.Class, Origin: d.Owner, Agreement: d.Agreement,
		Ledger: string(d.Ledger), Seq: d.Seq, Released: clock.FromMicros(d.Record.Time), State: news.Usable,
	}
	if d.Record.Type == TypeWithdraw {
		in.Class = news.Withdrawal
	}
	return in, true
}

// foldItem takes a version or a withdrawal from the newsroom that released the item.
func (s *Service) foldItem(tx *store.Tx, d arrival) error {
	in, fits := incoming(d.Said)
	if !fits {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	in.Hidden = d.hidden
	switch theirs, err := s.mayName(tx, in.Item, d.Owner); {
	case err != nil:
		return err
	case !theirs:
		return s.trouble(tx, d.Ledger, d.Seq, "not-theirs", "exchange.not_theirs", map[string]any{"item": d.Record.About})
	}
	if err := s.take(tx, d, &in); err != nil {
		return err
	}
	taken, err := s.Library.Taken(tx, in)
	if err != nil {
		return err
	}
	if taken {
		return s.numberTaken(tx, d, in.Number)
	}
	_, err = s.Library.Receive(tx, in)
	if fault.Is(err, fault.Invalid) {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	if err == nil && s.Lineage != nil && (in.Class == news.Correction || in.Class == news.Withdrawal) {
		err = s.Lineage.Changed(tx, in)
	}
	if err != nil || s.Media == nil || in.State != news.Usable || in.Class == news.Withdrawal {
		return err
	}
	return s.Media.Want(tx, in.Item, in.Story.Media, in.Ledger, in.Origin)
}

// numberTaken keeps a version whose number has come with other contents before: the first is shown, and the origin is told.
func (s *Service) numberTaken(tx *store.Tx, d arrival, number int) error {
	err := s.trouble(tx, d.Ledger, d.Seq, "number-taken", "exchange.number_taken", map[string]any{"item": d.Record.About, "number": number})
	return errors.Join(err, s.acted(tx, d, "number-taken", ""))
}

// take gives a version its story and decides in which state it comes.
func (s *Service) take(tx *store.Tx, d arrival, in *library.Incoming) error {
	story, ok, err := s.story(d.Said)
	if ok = ok && err == nil; ok {
		in.Story, in.ContentID = story, d.IDs[0]
	}
	if in.Class == news.Withdrawal {
		return nil
	}
	by, adopted := s.Agreements.Judging(d.Ledger, d.Seq)
	var today terms.Counts
	if adopted {
		day, err := s.days.Of(tx, d.Ledger, d.Seq, by.Revision.Location())
		if err != nil {
			return err
		}
		day.Add(tx, clock.FromMicros(d.Record.Time), daily.Bytes(d.Record))
		today = day.Counts()
		limits := by.Revision.Limits()
		d.flood = today.Less(terms.Counts{Records: 1, Bytes: daily.Bytes(d.Record)}).Above(limits)
		if !d.flood && today.Above(limits) {
			if err := s.trouble(tx, d.Ledger, d.Seq, "ceiling", "exchange.above_ceiling", nil); err != nil {
				return err
			}
		}
	}
	switch {
	case !ok && d.ahead:
		err = nil
		in.State, in.Why = news.Closed, library.Why{Key: library.WithdrawalAhead}
	case !ok:
		in.State, in.Why = news.Closed, library.Why{Key: "exchange.content_missing"}
		err = s.missing(tx, d, in.Number)
	case !adopted:
		in.State, in.Why = news.SetAside, library.Why{Key: "exchange.no_terms"}
		err = s.acted(tx, d, "set-aside", "")
	default:
		err = s.judge(tx, d, by, today, in)
	}
	return err
}

// story reads the story that a record carries.
func (s *Service) story(d ledger.Said) (news.Story, bool, error) {
	if len(d.Contents) == 0 || d.Contents[0] == nil {
		return news.Story{}, false, nil
	}
	story, err := s.Codec.Read(d.Contents[0])
	return story, err == nil, err
}

// acted tells the origin what became of a record of its ledger. Of a flood it tells the first: our ledger would grow with theirs.
func (s *Service) acted(tx *store.Tx, d arrival, what, clause string) error {
	if d.flood {
		return nil
	}
	_, err := s.Say(tx, d.Agreement, ledger.Draft{
		Type: TypeActed, Terms: s.termsNow(d.Agreement), About: d.Record.About,
		Body: ItemBody{What: what, Clause: clause, Ledger: string(d.Ledger), Seq: d.Seq},
	})
	return noLedgerIsFine(err)
}

// missing tells the origin that a content did not come or does not fit.
func (s *Service) missing(tx *store.Tx, d arrival, version int) error {
	if err := s.trouble(tx, d.Ledger, d.Seq, "missing", "exchange.content_missing", map[string]any{"item": d.Record.About}); err != nil || d.flood {
		return err
	}
	_, err := s.Say(tx, d.Agreement, ledger.Draft{
		Type: TypeMissing, Terms: s.termsNow(d.Agreement), About: d.Record.About,
		Body: ItemBody{Version: version, Ledger: string(d.Ledger), Seq: d.Seq},
	})
	return noLedgerIsFine(err)
}

// foldReport keeps what a receiver says became of a record of ours.
func (s *Service) foldReport(tx *store.Tx, d ledger.Said) error {
	var body ItemBody
	if err := protocol.Decode(d.Record.Body, &body); err != nil || !protocol.IsLedgerID(body.Ledger) {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	about, err := ledger.Get(tx, ledger.ID(body.Ledger))
	if err != nil && !errors.Is(err, ledger.ErrUnknown) {
		return err
	}
	if err == nil && !about.Own && about.Agreement == string(d.Agreement) && about.Owner != d.Owner {
		return nil // in an agreement of many it is said to all, and meant for another
	}
	if err != nil || !about.Own || about.Agreement != string(d.Agreement) || body.Seq < 0 || body.Seq >= about.Size && about.State != ledger.Ended { // of an ended one another copy of ours may have said more
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	key := "exchange.partner_missing"
	if d.Record.Type == TypeActed {
		key = "exchange.partner_set_aside"
	}
	if body.What == "number-taken" {
		key = "exchange.partner_number_taken"
	}
	return s.trouble(tx, ledger.ID(body.Ledger), body.Seq, "told-"+string(d.Owner), key, map[string]any{
		"partner": string(d.Owner), "clause": body.Clause, "what": body.What,
	})
}

// foldUnknownItem closes an item of the partner's own about which it says something that we do not know.
func (s *Service) foldUnknownItem(tx *store.Tx, d ledger.Said) error {
	if err := s.trouble(tx, d.Ledger, d.Seq, "unknown", "exchange.unknown_type", map[string]any{"type": d.Record.Type}); err != nil {
		return err
	}
	_, err := s.closeTheirs(tx, news.ItemID(d.Record.About), d.Owner, library.Why{Key: "exchange.unknown_type", Args: map[string]any{"type": d.Record.Type}})
	return err
}

// closeTheirs closes a received item, if it is one of the newsroom that asks for it. It reports whether the item is here.
func (s *Service) closeTheirs(tx *store.Tx, item news.ItemID, who news.Root, why library.Why) (here bool, err error) {
	origin, ok, err := s.Library.Origin(tx, item)
	if err != nil || !ok || origin != who {
		return ok, err
	}
	return true, s.Library.CloseForUse(tx, item, why)
}

// closeHinted closes the items of withdrawals that stand further on. A hint closes; it never opens. Each is looked at once, and if its
// item is not here again with each heartbeat: every frame brings all of them.
func (s *Service) closeHinted(ctx context.Context, l *link, hints []protocol.Hint, heartbeat bool) error {
	l.mu.Lock()
	held := l.held
	l.mu.Unlock()
	var ahead []protocol.Hint
	for _, h := range hints {
		if here, seen := l.hinted[h.Index]; h.Index >= held && (!seen || (heartbeat && !here)) {
			ahead = append(ahead, h)
		}
	}
	if len(ahead) == 0 {
		return nil
	}
	found := make([]bool, len(ahead))
	err := s.DB.Write(ctx, func(tx *store.Tx) (err error) {
		for i, h := range ahead {
			if found[i], err = s.closeTheirs(tx, news.ItemID(h.About), l.partner, library.Why{Key: library.WithdrawalAhead}); err != nil {
				return fmt.Errorf("closing %s: %w", h.About, err)
			}
		}
		return nil
	})
	if err == nil {
		for i, h := range ahead {
			l.hinted[h.Index] = found[i]
		}
	}
	return err
}

// Confirmed reports whether the link to the newsroom that released an item was alive within two minutes: what opens by the
// clock opens by itself only then.
func (s *Service) Confirmed(origin news.Root, at time.Time) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, l := range s.links {
		if l.partner == origin {
			l.mu.Lock()
			ok := at.Sub(l.contact) < clockFault && !l.contact.IsZero()
			l.mu.Unlock()
			if ok {
				return true
			}
		}
	}
	return false
}
