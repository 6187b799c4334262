package lineage

import (
	"encoding/json"
	"fmt"
	"slices"

	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// The records of this package.
const (
	TypeUse    = "item.use"    // a receiver says what it made from the item
	TypeNotice = "item.notice" // who made the item says that something that it was made from was changed
	TypeActed  = "item.acted"  // a receiver says what became of what it made
)

// beyond is the word of an item.acted that tells how many were made from a use, and how many of these were acted upon.
const beyond = "beyond"

// UseBody is the body of item.use.
type UseBody struct {
	What    How       `json:"what"`
	Version int       `json:"version"`
	Lang    news.Lang `json:"lang,omitempty"`
	Ledger  string    `json:"ledger"`
	Seq     int64     `json:"seq"`
}

// NoticeBody is the body of item.notice.
type NoticeBody struct {
	Class   news.Class `json:"class"`
	Version int        `json:"version"`
	Number  int64      `json:"number"`
}

// ActedBody is the body of item.acted where it speaks of a use.
type ActedBody struct {
	What   Answer `json:"what"`
	Made   int    `json:"made,omitempty"`
	Acted  int    `json:"acted,omitempty"`
	Ledger string `json:"ledger"` // where the record stands that is answered
	Seq    int64  `json:"seq"`
	In     string `json:"in"` // where the item.use stands
	Use    int64  `json:"use"`
}

type reason struct {
	Why string `json:"why"`
}

const (
	insertUnsaid = `INSERT INTO unsaid (item) VALUES ($1) ON CONFLICT (item) DO NOTHING`
	deleteUnsaid = `DELETE FROM unsaid WHERE item = $1`
	insertUse    = `INSERT INTO use_out (item, source, agreement, version, from_ledger, from_seq, ledger, seq) VALUES ($1, $2, $3, $4, $5, $6, '', 0)
ON CONFLICT (item, source, agreement) DO NOTHING`
	selectUses      = `SELECT source, agreement, version, from_ledger, from_seq, ledger, seq FROM use_out WHERE item = $1 ORDER BY source, agreement`
	useSaid         = `UPDATE use_out SET ledger = $4, seq = $5 WHERE item = $1 AND source = $2 AND agreement = $3`
	insertNoticeOut = `INSERT INTO notice_out (duty, agreement, item, version, class, number, ledger, seq, us) VALUES ($1, $2, $3, $4, $5, $6, '', 0, 0)
ON CONFLICT (duty, agreement) DO NOTHING`
	selectUnsaidNotices = `SELECT duty, agreement, version, class, number FROM notice_out WHERE item = $1 AND ledger = '' ORDER BY number, agreement`
	noticeSaid          = `UPDATE notice_out SET ledger = $3, seq = $4, us = $5 WHERE duty = $1 AND agreement = $2`
	selectSaid          = `SELECT agreement, answer, made, acted FROM duty_said WHERE duty = $1`
	upsertSaid          = `INSERT INTO duty_said (duty, agreement, answer, made, acted) VALUES ($1, $2, $3, $4, $5)
ON CONFLICT (duty, agreement) DO UPDATE SET answer = excluded.answer, made = excluded.made, acted = excluded.acted`
)

// settleUp is settle for an item and for the items of ours that it was made from: they count what was made beyond them.
func (s *Service) settleUp(tx *store.Tx, item news.ItemID) error {
	if err := s.settle(tx, item); err != nil {
		return err
	}
	sources, err := readMade(tx, selectSources, item)
	for _, m := range sources {
		if err != nil {
			return err
		}
		err = s.settleUp(tx, m.Source)
	}
	return err
}

// later has settle done for an item, and for the items of ours that it was made from, after the transaction: once for all that comes
// meanwhile, so that our ledgers do not grow with those of others.
func (s *Service) later(tx *store.Tx, item news.ItemID) error {
	sources, err := readMade(tx, selectSources, item)
	if err != nil || len(sources) == 0 {
		return err
	}
	tx.OnCommit(s.Wake)
	err = tx.Exec(insertUnsaid, item)
	for _, m := range sources {
		if err == nil {
			err = s.later(tx, m.Source)
		}
	}
	return err
}

// teller says what is to be said about one item; it remembers whether something could not be said.
type teller struct {
	*Service
	tx      *store.Tx
	item    library.Item
	waiting bool
}

// settle says about an item of ours what is to be said by now and was not: what it was made from, that its sources have changed, what
// became of it and how many stand on it. What cannot be said now is said later (Run).
func (s *Service) settle(tx *store.Tx, id news.ItemID) error {
	sources, err := readMade(tx, selectSources, id)
	if err != nil || len(sources) == 0 {
		return err
	}
	it, err := s.Library.ReadItem(tx, id)
	if err != nil || it.Released.IsZero() {
		return err // whoever has a draft has it here
	}
	duties, err := readDuties(tx, selectDuties, id)
	if err != nil {
		return err
	}
	t := &teller{Service: s, tx: tx, item: it}
	for _, m := range sources {
		if err := t.uses(m); err != nil {
			return err
		}
	}
	if err := t.notices(duties); err != nil {
		return err
	}
	if err := t.answers(duties); err != nil {
		return err
	}
	if t.waiting {
		// A ledger may be confirmed between our question and the commit: then nobody wakes us any more.
		if n, err := tx.ExecCount(insertUnsaid, id); err != nil || n == 0 {
			return err
		}
		tx.OnCommit(s.Wake)
		return nil
	}
	return tx.Exec(deleteUnsaid, id)
}

// say says one record; ok is false where it must wait.
func (t *teller) say(a terms.AgreementID, by news.PersonID, d ledger.Draft) (pos ledger.Position, ok bool, err error) {
	pos, err = t.Voice.Say(t.tx, a, by, d)
	if fault.Is(err, fault.Unavailable) || fault.Is(err, fault.NotFound) {
		t.waiting = true
		return pos, false, nil
	}
	return pos, err == nil, err
}

// uses says where a source came under an agreement that something was made from it.
func (t *teller) uses(m Made) error {
	origin, here, err := t.Library.Origin(t.tx, m.Source)
	if err != nil || !here || origin == t.item.Origin {
		return err
	}
	version, err := had(t.tx, duty{n: 1 << 62, item: m.Item, source: m.Source})
	if err != nil {
		return err
	}
	ways, err := t.Library.Ways(t.tx, m.Source)
	if err != nil {
		return err
	}
	for _, a := range agreementsOf(ways) {
		if w, ok := wayOf(ways, a, version); ok {
			if err := t.tx.Exec(insertUse, m.Item, m.Source, a, version, w.Ledger, w.Seq); err != nil {
				return err
			}
		}
	}
	all, err := readUses(t.tx, m.Item)
	if err != nil {
		return err
	}
	for _, u := range all {
		if u.source != m.Source || u.ledger != "" {
			continue
		}
		pos, ok, err := t.say(u.agreement, m.By, ledger.Draft{Type: TypeUse, About: string(m.Source), Body: UseBody{
			What: m.How, Version: u.version, Lang: t.item.Lang, Ledger: string(u.fromLedger), Seq: u.fromSeq,
		}})
		if err == nil && ok {
			err = t.tx.Exec(useSaid, m.Item, m.Source, u.agreement, pos.Ledger, pos.Seq)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// wayOf is the record by which a version came under an agreement, or the newest version before it, or else the first one.
func wayOf(ways []library.Way, a terms.AgreementID, version int) (way library.Way, ok bool) {
	for _, w := range ways {
		if w.Agreement == a && (!ok || w.Number <= version) {
			way, ok = w, true
		}
	}
	return way, ok
}

// use is what we say about a source in an agreement.
type use struct {
	source     news.ItemID
	agreement  terms.AgreementID
	version    int
	fromLedger ledger.ID
	fromSeq    int64
	ledger     ledger.ID // "": not said yet
	seq        int64
}

func readUses(r store.Reader, item news.ItemID) ([]use, error) {
	return list(r, func(scan func(...any) error) (u use, err error) {
		return u, scan(&u.source, &u.agreement, &u.version, &u.fromLedger, &u.fromSeq, &u.ledger, &u.seq)
	}, selectUses, item)
}

// notices tells those who have the item what waits for an answer here. What is answered before somebody got the item need not be told.
func (t *teller) notices(duties []duty) error {
	for _, d := range duties {
		if d.answer != "" || t.item.State == news.Withdrawn {
			continue
		}
		for _, a := range agreementsOf(t.item.Ways) {
			if err := t.tx.Exec(insertNoticeOut, d.n, a, t.item.Item, t.item.Version, d.class, d.number); err != nil {
				return err
			}
		}
	}
	type unsaid struct {
		notice
		duty int64
	}
	all, err := list(t.tx, func(scan func(...any) error) (u unsaid, err error) {
		return u, scan(&u.duty, &u.agreement, &u.version, &u.class, &u.number)
	}, selectUnsaidNotices, t.item.Item)
	if err != nil {
		return err
	}
	for _, u := range all {
		pos, ok, err := t.say(u.agreement, "", ledger.Draft{Type: TypeNotice, About: string(t.item.Item), Body: NoticeBody{
			Class: u.class, Version: u.version, Number: u.number,
		}})
		if err == nil && ok {
			err = t.tx.Exec(noticeSaid, u.duty, u.agreement, pos.Ledger, pos.Seq, clock.Micros(pos.Time))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// said is what we have last said about a duty in an agreement.
type said struct {
	agreement   terms.AgreementID
	answer      Answer
	made, acted int
}

// answers says to the newsrooms of the sources what became of the item, and how many stand on it.
func (t *teller) answers(duties []duty) error {
	uses, err := readUses(t.tx, t.item.Item)
	if err != nil {
		return err
	}
	partners, err := t.usesOf(t.tx, t.item, false)
	if err != nil {
		return err
	}
	for _, d := range duties {
		if !slices.ContainsFunc(uses, func(u use) bool { return u.source == d.source }) {
			continue // it came from nobody else
		}
		made, acted, err := t.beyond(t.tx, d, partners)
		if err != nil {
			return err
		}
		already, err := list(t.tx, func(scan func(...any) error) (x said, err error) {
			return x, scan(&x.agreement, &x.answer, &x.made, &x.acted)
		}, selectSaid, d.n)
		if err != nil {
			return err
		}
		for _, u := range uses {
			if u.source != d.source || (d.notice == 0 && d.version <= u.version) {
				continue
			}
			x := said{agreement: u.agreement}
			if i := slices.IndexFunc(already, func(y said) bool { return y.agreement == u.agreement }); i >= 0 {
				x = already[i]
			}
			if err := t.answer(d, u, x, said{u.agreement, d.answer, made, acted}); err != nil {
				return err
			}
		}
	}
	return nil
}

// answer says about one use what has changed since it was last said.
func (t *teller) answer(d duty, u use, before, now said) error {
	i := slices.IndexFunc(d.causes, func(c cause) bool { return c.agreement == u.agreement && c.ledger != "" })
	switch {
	case before == now || i < 0: // the change has not come under this agreement
		return nil
	case u.ledger == "":
		t.waiting = true
		return nil
	}
	body := ActedBody{Ledger: string(d.causes[i].ledger), Seq: d.causes[i].seq, In: string(u.ledger), Use: u.seq}
	if now.answer != before.answer {
		draft := ledger.Draft{Type: TypeActed, About: string(d.source)}
		body.What = now.answer
		draft.Body = body
		if d.why != "" {
			c, err := why(t.tx, d.why)
			if err != nil {
				return err
			}
			draft.Contents = []ledger.Content{c}
		}
		if _, ok, err := t.say(u.agreement, d.who, draft); err != nil || !ok {
			return err
		}
	}
	if now.made != before.made || now.acted != before.acted {
		body.What, body.Made, body.Acted = beyond, now.made, now.acted
		if _, ok, err := t.say(u.agreement, "", ledger.Draft{Type: TypeActed, About: string(d.source), Body: body}); err != nil || !ok {
			return err
		}
	}
	return t.tx.Exec(upsertSaid, d.n, u.agreement, now.answer, now.made, now.acted)
}

func why(tx *store.Tx, text string) (ledger.Content, error) {
	b, err := json.Marshal(reason{text})
	if err != nil {
		return ledger.Content{}, fmt.Errorf("lineage: reason: %w", err)
	}
	id, err := content.Put(tx, "application/json", "", b)
	return ledger.Content{ID: id, Bytes: b, Type: "application/json"}, err
}
