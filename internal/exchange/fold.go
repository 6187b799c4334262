package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

func isItem(t string) bool { return strings.HasPrefix(t, "item.") }

// receive stores a verified batch and folds its records in one transaction. If that fails because of a record, the records are
// stored first and then folded one by one: the one that fails is marked, and stops nothing.
func (s *Service) receive(ctx context.Context, l *link, b ledger.Batch) error {
	l.mu.Lock()
	gate := l.gate
	l.mu.Unlock()
	hidden := b.Edge.Size < gate
	inOrder, err := s.inOrder(ctx, l.id, b)
	if err != nil {
		return err
	}
	if !inOrder {
		return s.storeThenFold(ctx, l, b)
	}
	err = s.DB.Write(ctx, func(tx *store.Tx) error {
		ids, err := s.Ledgers.Take(tx, l.id, b)
		if err != nil {
			return err
		}
		s.observe(tx, Event{Kind: Stored, Ledger: l.id, From: b.From, To: b.Edge.Size})
		if err := s.Library.Expect(tx, itemsOf(b.Parsed)); err != nil {
			return err
		}
		for n := range b.Records {
			if err := s.fold(tx, s.said(l, b.From+int64(n), b.Records[n], b.Parsed[n], ids[n]), hidden); err != nil {
				return &foldError{err}
			}
		}
		return s.moved(tx, l, b.Edge.Size, hidden)
	})
	var bad *foldError
	if !errors.As(err, &bad) {
		return err
	}
	s.Log.Warn("folding record by record", "ledger", l.id, "from", b.From, "error", bad.err)
	return s.storeThenFold(ctx, l, b)
}

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
func (s *Service) inOrder(ctx context.Context, id ledger.ID, b ledger.Batch) (ok bool, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		i, err := ledger.Get(r, id)
		if err != nil || i.Applied != b.From {
			return err
		}
		for _, rec := range b.Parsed {
			if waits, err := s.waits(r, rec); err != nil || waits {
				return err
			}
		}
		ok = true
		return nil
	})
	return ok, err
}

// waits reports whether a record has seen more of another ledger than we have folded. Records about items never wait: they
// have one writer.
func (s *Service) waits(r store.Reader, rec protocol.Record) (bool, error) {
	if rec.Type == "" || isItem(rec.Type) {
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

type foldError struct{ err error }

func (e *foldError) Error() string { return e.err.Error() }
func (e *foldError) Unwrap() error { return e.err }

func (s *Service) said(l *link, seq int64, e protocol.Entry, rec protocol.Record, ids []content.ID) ledger.Said {
	d := ledger.Said{Ledger: l.id, Agreement: l.agreement, Owner: l.partner, Seq: seq, Record: rec, Bytes: e.Record, IDs: ids}
	for n, c := range e.Contents {
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
	id := l.id
	tx.OnCommit(func() { s.wakeOthers(l) })
	if err := ledger.Applied(tx, id, to); err != nil {
		return err
	}
	if hidden {
		return nil
	}
	if _, err := s.Library.Reveal(tx, string(id), to-1); err != nil {
		return err
	}
	tx.OnCommit(func() { s.Changed("wire", string(id)) })
	return ledger.Visible(tx, id, to)
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
		var held map[int64][]ledger.HeldContent
		err = s.DB.Read(ctx, func(r store.Reader) (err error) {
			if entries, err = ledger.Entries(r, l.id, i.Applied, to); err != nil {
				return err
			}
			held, err = ledger.Contents(r, l.id, i.Applied, to)
			return err
		})
		if err != nil {
			return err
		}
		l.mu.Lock()
		gate := l.gate
		l.mu.Unlock()
		for n, e := range entries {
			seq := i.Applied + int64(n)
			rec, err := protocol.ParseRecord(e.Record)
			if err != nil || rec.Ledger != string(l.id) {
				rec = protocol.Record{}
			}
			var ids []content.ID
			for _, c := range held[seq] {
				ids = append(ids, c.ID)
			}
			hidden := seq+1 < gate
			waits := false
			err = s.DB.Read(ctx, func(r store.Reader) (err error) {
				waits, err = s.waits(r, rec)
				return err
			})
			if err != nil || waits {
				return err
			}
			err = s.DB.Write(ctx, func(tx *store.Tx) error {
				if err := s.fold(tx, s.said(l, seq, e, rec, ids), hidden); err != nil {
					return &foldError{err}
				}
				return s.moved(tx, l, seq+1, hidden)
			})
			var bad *foldError
			if errors.As(err, &bad) {
				err = s.DB.Write(ctx, func(tx *store.Tx) error {
					if err := s.trouble(tx, l.id, seq, "failed", "exchange.fold_failed", map[string]any{"type": rec.Type}); err != nil {
						return err
					}
					return s.moved(tx, l, seq+1, hidden)
				})
				s.Log.Error("a record could not be folded; it is kept and marked", "ledger", l.id, "seq", seq, "type", rec.Type, "error", bad.err)
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
func (s *Service) fold(tx *store.Tx, d ledger.Said, hidden bool) error {
	if s.Fold != nil {
		if taken, err := s.Fold(tx, d); taken || err != nil {
			return err
		}
	}
	switch t := d.Record.Type; {
	case t == "":
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	case strings.HasPrefix(t, "agreement."):
		return s.Agreements.Fold(tx, d)
	case t == TypeRelease || t == TypeCorrect || t == TypeWithdraw:
		return s.foldItem(tx, d, hidden)
	case t == TypeMissing || t == TypeActed:
		return s.foldReport(tx, d)
	case isItem(t):
		return s.foldUnknownItem(tx, d)
	case t == TypeEpoch:
		return s.foldEpoch(tx, d)
	}
	return s.trouble(tx, d.Ledger, d.Seq, "unknown", "exchange.unknown_type", map[string]any{"type": d.Record.Type})
}

// incoming reads what a record says about an item; false for one whose body makes no sense.
func incoming(d ledger.Said) (library.Incoming, bool) {
	var body ItemBody
	if err := json.Unmarshal(d.Record.Body, &body); err != nil || body.Version < 1 || !strings.HasPrefix(d.Record.About, "newspool://") {
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
func (s *Service) foldItem(tx *store.Tx, d ledger.Said, hidden bool) error {
	in, fits := incoming(d)
	if !fits {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	in.Hidden = hidden
	story, ok, err := s.story(d)
	if err != nil || !ok {
		if in.Class != news.Withdrawal {
			in.State, in.Why = news.Closed, library.Why{Key: "exchange.content_missing"}
			if err := s.missing(tx, d, in.Number); err != nil {
				return err
			}
		}
	} else {
		in.Story, in.ContentID = story, d.IDs[0]
	}
	if in.State == news.Usable && in.Class != news.Withdrawal {
		if err := s.judge(tx, d, &in); err != nil {
			return err
		}
	}
	origin, known, err := s.Library.Origin(tx, in.Item)
	if err != nil {
		return err
	}
	if known && origin != d.Owner {
		return s.trouble(tx, d.Ledger, d.Seq, "not-theirs", "exchange.not_theirs", map[string]any{"item": d.Record.About})
	}
	_, err = s.Library.Receive(tx, in)
	if fault.Is(err, fault.Invalid) {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	if err != nil || s.Media == nil || in.State != news.Usable || in.Class == news.Withdrawal {
		return err
	}
	return s.Media.Want(tx, in.Item, in.Story.Media, in.Ledger, in.Origin)
}

// story reads the story that a record carries.
func (s *Service) story(d ledger.Said) (news.Story, bool, error) {
	if len(d.Contents) == 0 || d.Contents[0] == nil {
		return news.Story{}, false, nil
	}
	story, err := s.Codec.Read(d.Contents[0])
	return story, err == nil, err
}

// judge decides, by the record's own time and the revision adopted at its place, whether it is within the terms. What is not
// is set aside for a person, and the origin is told.
func (s *Service) judge(tx *store.Tx, d ledger.Said, in *library.Incoming) error {
	at := clock.FromMicros(d.Record.Time)
	by, ok := s.Agreements.Judging(d.Ledger, d.Seq)
	if !ok {
		in.State, in.Why = news.SetAside, library.Why{Key: "exchange.no_terms"}
		return s.acted(tx, d, "set-aside", "")
	}
	ways, err := s.Library.Ways(tx, in.Item)
	if err != nil {
		return err
	}
	facts := terms.StoryFacts(in.Story)
	facts.From, facts.To, facts.Class, facts.Suspended, facts.Ends = d.Owner, s.Root(), in.Class, by.Suspended, by.Ends
	facts.Sent = slices.ContainsFunc(ways, func(w library.Way) bool { return w.Agreement == d.Agreement })
	day := dayOf(at, by.Revision.Location())
	s.mu.RLock()
	facts.Today = withThis(s.counts[d.Ledger].on(day), len(d.Contents[0]))
	s.mu.RUnlock()
	decision := terms.May(by.Revision, facts, terms.Receive, at)
	s.count(tx, d.Ledger, day, len(d.Contents[0]))
	if decision.Answer == terms.Yes {
		return nil
	}
	in.State, in.Why = news.SetAside, library.Why{Clause: decision.Clause, Key: decision.Key, Args: decision.Args}
	return s.acted(tx, d, "set-aside", decision.Clause)
}

// acted tells the origin what became of a record of its ledger.
func (s *Service) acted(tx *store.Tx, d ledger.Said, what, clause string) error {
	_, err := s.Say(tx, d.Agreement, ledger.Draft{
		Type: TypeActed, Terms: s.termsNow(d.Agreement), About: d.Record.About,
		Body: ItemBody{What: what, Clause: clause, Ledger: string(d.Ledger), Seq: d.Seq},
	})
	return noLedgerIsFine(err)
}

// missing tells the origin that a content did not come or does not fit.
func (s *Service) missing(tx *store.Tx, d ledger.Said, version int) error {
	if err := s.trouble(tx, d.Ledger, d.Seq, "missing", "exchange.content_missing", map[string]any{"item": d.Record.About}); err != nil {
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
	if err := json.Unmarshal(d.Record.Body, &body); err != nil || !protocol.IsLedgerID(body.Ledger) {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	key := "exchange.partner_missing"
	if d.Record.Type == TypeActed {
		key = "exchange.partner_set_aside"
	}
	return s.trouble(tx, ledger.ID(body.Ledger), body.Seq, "told-"+string(d.Owner), key, map[string]any{
		"partner": string(d.Owner), "clause": body.Clause, "what": body.What,
	})
}

// foldEpoch notes that a partner goes on in a new ledger. If we hold more of the old one than it says, it has lost records:
// they stay with us, and both sides are shown it.
func (s *Service) foldEpoch(tx *store.Tx, d ledger.Said) error {
	var body EpochBody
	if err := json.Unmarshal(d.Record.Body, &body); err != nil || d.Seq != 0 {
		return s.trouble(tx, d.Ledger, d.Seq, "malformed", "exchange.malformed", nil)
	}
	old, err := ledger.Get(tx, ledger.ID(body.Continues))
	if errors.Is(err, ledger.ErrUnknown) {
		return nil
	}
	if err != nil || old.Owner != d.Owner || old.Agreement != string(d.Agreement) {
		return err
	}
	if old.Size > body.Size {
		return s.trouble(tx, d.Ledger, d.Seq, "epoch", "exchange.partner_lost_records", map[string]any{"n": old.Size - body.Size})
	}
	return nil
}

// foldUnknownItem closes an item of the partner's own about which it says something that we do not know.
func (s *Service) foldUnknownItem(tx *store.Tx, d ledger.Said) error {
	if err := s.trouble(tx, d.Ledger, d.Seq, "unknown", "exchange.unknown_type", map[string]any{"type": d.Record.Type}); err != nil {
		return err
	}
	return s.closeTheirs(tx, news.ItemID(d.Record.About), d.Owner, library.Why{Key: "exchange.unknown_type", Args: map[string]any{"type": d.Record.Type}})
}

// closeTheirs closes a received item, if it is one of the newsroom that asks for it.
func (s *Service) closeTheirs(tx *store.Tx, item news.ItemID, who news.Root, why library.Why) error {
	origin, ok, err := s.Library.Origin(tx, item)
	if err != nil || !ok || origin != who {
		return err
	}
	return s.Library.CloseForUse(tx, item, why)
}

// closeHinted closes the items of withdrawals that stand further on. A hint closes; it never opens.
func (s *Service) closeHinted(ctx context.Context, l *link, hints []protocol.Hint) error {
	l.mu.Lock()
	held := l.held
	l.mu.Unlock()
	var ahead []protocol.Hint
	for _, h := range hints {
		if h.Index >= held {
			ahead = append(ahead, h)
		}
	}
	if len(ahead) == 0 {
		return nil
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		for _, h := range ahead {
			if err := s.closeTheirs(tx, news.ItemID(h.About), l.partner, library.Why{Key: "exchange.withdrawal_ahead"}); err != nil {
				return fmt.Errorf("closing %s: %w", h.About, err)
			}
		}
		return nil
	})
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
