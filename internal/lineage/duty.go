package lineage

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// change is something that happened to a source.
type change struct {
	source  news.ItemID
	version int
	class   news.Class
	notice  int64 // number of the notice; 0: it happened to the source itself
	causes  []cause
}

func (n notice) change(source news.ItemID) change {
	return change{source: source, version: n.version, class: n.class, notice: n.number,
		causes: []cause{{ledger: n.ledger, seq: n.seq, agreement: n.agreement, us: n.us}}}
}

// passedOn is what a duty of an item of ours is to whatever our own people made from that item.
func passedOn(d duty, version int) change {
	return change{source: d.item, version: version, class: d.class, notice: d.number, causes: d.causes}
}

// concerns reports whether what was made from a version of the source must be looked at.
func (c change) concerns(version int) bool {
	if c.notice > 0 {
		return version <= c.version
	}
	return version < c.version
}

// Changed is told of a correction or withdrawal that a partner released, in the transaction that takes it in.
func (s *Service) Changed(tx *store.Tx, in library.Incoming) error {
	return s.raise(tx, change{source: in.Item, version: in.Number, class: in.Class,
		causes: []cause{{ledger: ledger.ID(in.Ledger), seq: in.Seq, agreement: in.Agreement, us: clock.Micros(in.Released)}}})
}

// Released is told of each version of our own that is released, in its transaction. What was made from others is told to them; its
// withdrawal answers all that is asked of it; a correction or withdrawal asks for what our own people made from it.
func (s *Service) Released(tx *store.Tx, v library.Version) error {
	changed := v.Class == news.Correction || v.Class == news.Withdrawal
	if v.By == "" && !changed {
		return nil // nobody's hand made it
	}
	if v.Class == news.Withdrawal {
		if err := s.Withdrawn(tx, v.By, v.Item); err != nil {
			return err
		}
	}
	if changed {
		if err := s.raise(tx, change{source: v.Item, version: v.Number, class: v.Class, causes: []cause{{us: clock.Micros(v.Released)}}}); err != nil {
			return err
		}
	}
	return s.settleUp(tx, v.Item)
}

// Withdrawn answers all that is asked of an item of ours that is withdrawn, in that transaction.
func (s *Service) Withdrawn(tx *store.Tx, by news.PersonID, item news.ItemID) error {
	duties, err := readDuties(tx, selectDuties, item)
	for _, d := range duties {
		if err == nil && d.answer == "" {
			tx.OnCommit(s.Options.Changed)
			err = tx.Exec(answerDuty, d.n, Removed, "", by, clock.Micros(s.Clock()))
		}
	}
	return err
}

// Carried is told that a version of our own was said under an agreement: whoever has it now is told what waits for an answer.
func (s *Service) Carried(tx *store.Tx, v library.Version) error {
	if v.By == "" {
		return nil
	}
	return s.settle(tx, v.Item)
}

// raise asks for everything that was made from the source of a change.
func (s *Service) raise(tx *store.Tx, c change) error {
	all, err := readMade(tx, selectDerived, c.source)
	for _, m := range all {
		if err == nil {
			err = s.ask(tx, m, c)
		}
	}
	return err
}

// ask gives an item its duty, once, and passes it on: to those who have the item, and to what was made from it here.
func (s *Service) ask(tx *store.Tx, m Made, c change) error {
	if !c.concerns(m.Version) {
		return nil
	}
	same, err := readDuties(tx, selectSame, m.Item, m.Source, c.notice, c.version)
	if err != nil {
		return err
	}
	it, err := s.Library.ReadItem(tx, m.Item)
	if err != nil {
		return err
	}
	if len(same) > 0 {
		return s.because(tx, same[0], it.Version, c)
	}
	if it.State == news.Withdrawn {
		return nil
	}
	duties, err := readDuties(tx, selectDuties, m.Item)
	if err != nil {
		return err
	}
	if c.notice == 0 && slices.ContainsFunc(duties, func(d duty) bool {
		return d.source == m.Source && d.notice == 0 && d.class == news.Withdrawal
	}) {
		return nil // the source is withdrawn: what was wrong in it before asks for nothing more
	}
	if len(slices.DeleteFunc(duties, func(d duty) bool { return d.source != m.Source || d.answer != "" })) >= mostOpen {
		return nil
	}
	n, err := one(tx, lastDuty)
	if err != nil {
		return err
	}
	number, err := one(tx, lastNumber, m.Item)
	if err != nil {
		return err
	}
	d := duty{n: n + 1, item: m.Item, source: m.Source, class: c.class, number: number + 1, raised: c.causes[0].us}
	if err := tx.Exec(insertDuty, d.n, d.item, d.source, c.version, d.class, c.notice, d.number, d.raised); err != nil {
		return err
	}
	tx.OnCommit(s.Options.Changed)
	return s.because(tx, d, it.Version, c)
}

// mostOpen is how many duties of one item may be open for one source. Nobody corrects a story so often while others look on; who does
// asks no more of us, and of those beyond us.
const mostOpen = 50

// because keeps the records that ask for a duty, with the time that the terms of each give, and passes them on to what our own people
// made from the item, which is in this version.
func (s *Service) because(tx *store.Tx, d duty, version int, c change) error {
	for _, x := range c.causes {
		if err := tx.Exec(insertCause, d.n, x.ledger, x.seq, x.agreement, x.us, s.due(x, c.class)); err != nil {
			return err
		}
	}
	d.causes = c.causes
	if err := s.raise(tx, passedOn(d, version)); err != nil {
		return err
	}
	return s.settleUp(tx, d.item)
}

// due is until when a record is to be acted upon, in microseconds; 0 where no terms say.
func (s *Service) due(c cause, class news.Class) int64 {
	if c.ledger == "" {
		return 0
	}
	by, ok := s.Agreements.Judging(c.ledger, c.seq)
	minutes := by.Revision.Corrections.Minutes
	if class == news.Withdrawal {
		minutes = by.Revision.Withdrawals.Minutes
	}
	if !ok || minutes <= 0 {
		return 0
	}
	return c.us + (time.Duration(minutes) * time.Minute).Microseconds()
}

// Open lists the duties that wait for an answer, the soonest due first, those without a time last.
func (s *Service) Open(ctx context.Context) (out []Duty, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		out, err = shown(r, selectOpen)
		return err
	})
	slices.SortStableFunc(out, func(a, b Duty) int {
		switch {
		case a.Due.IsZero() != b.Due.IsZero():
			if a.Due.IsZero() {
				return 1
			}
			return -1
		case !a.Due.Equal(b.Due):
			return a.Due.Compare(b.Due)
		}
		return cmp.Compare(a.N, b.N)
	})
	return out, err
}

// Duties lists all duties of an item, the newest first.
func (s *Service) Duties(ctx context.Context, item news.ItemID) (out []Duty, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		out, err = shown(r, selectDuties, item)
		return err
	})
	slices.Reverse(out)
	return out, err
}

// shown gives those duties that may be seen: at least one record that asks for them is in a ledger that is shown up to there.
func shown(r store.Reader, query string, args ...any) ([]Duty, error) {
	all, err := readDuties(r, query, args...)
	if err != nil {
		return nil, err
	}
	var out []Duty
	seen := sight{r: r}
	for _, d := range all {
		o := Duty{
			N: d.n, Item: d.item, Source: d.source, Version: d.version, Class: d.class, Notice: d.notice > 0, Answer: d.answer, Why: d.why, By: d.who,
			Answered: clock.FromMicros(d.answered),
		}
		for _, c := range d.causes {
			visible, err := seen.of(c.ledger, c.seq)
			if err != nil {
				return nil, err
			}
			if visible {
				o.Raised, o.Due = clock.Sooner(o.Raised, clock.FromMicros(c.us)), clock.Sooner(o.Due, clock.FromMicros(c.due))
			}
		}
		if o.Raised.IsZero() {
			continue
		}
		if o.Had, err = had(r, d); err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

const selectHad = `SELECT MAX(version) FROM (SELECT version FROM made WHERE item = $1 AND source = $2
UNION ALL SELECT version FROM duty WHERE item = $1 AND source = $2 AND notice = 0 AND answer = 'applied' AND n < $3) v`

// had is the version of its source that stood in an item before a duty: the one that it was made from, or that was applied last.
func had(r store.Reader, d duty) (int, error) {
	v, err := one(r, selectHad, d.item, d.source, d.n)
	return int(v), err
}

// maxWhy is how long a reason may be, in characters.
const maxWhy = 2000

// Answer answers a duty, and with it the older ones of the same source for the same item that can be seen. Only an editor may. That
// a released item was corrected or withdrawn is not said here, but by doing it (AnswerTx). Answering the same again does nothing.
//
// Faults: lineage.no_duty (NotFound); lineage.answered (Conflict); lineage.why, lineage.why_long, lineage.by_doing (Invalid).
func (s *Service) Answer(ctx context.Context, by news.PersonID, duty int64, a Answer, why string) error {
	p, err := s.People.Person(ctx, by)
	if err != nil {
		return err
	}
	if !p.Has(people.Editor) {
		return fault.New(fault.Denied, "story.editors_only")
	}
	why = strings.TrimSpace(why)
	if why == "" && (a == NotAffected || a == Refused) {
		return fault.New(fault.Invalid, "lineage.why")
	}
	return s.DB.Write(ctx, func(tx *store.Tx) error {
		if a == Applied || a == Removed {
			all, err := readDuties(tx, selectDuty, duty)
			if err != nil || len(all) == 0 {
				return errors.Join(err, notFound())
			}
			it, err := s.Library.ReadItem(tx, all[0].item)
			if err != nil {
				return err
			}
			if !it.Released.IsZero() && (a == Applied || it.State != news.Withdrawn) {
				return fault.New(fault.Invalid, "lineage.by_doing")
			}
		}
		return s.AnswerTx(tx, by, duty, a, why)
	})
}

// Apply answers a duty of an item as applied, in the transaction in which a new version of the item is saved.
func (s *Service) Apply(tx *store.Tx, by news.PersonID, duty int64, item news.ItemID) error {
	all, err := readDuties(tx, selectDuty, duty)
	if err != nil {
		return err
	}
	if len(all) == 0 || all[0].item != item {
		return notFound()
	}
	return s.AnswerTx(tx, by, duty, Applied, "")
}

// AnswerTx is Answer in the transaction in which the answer is made true. Whether the person may is asked before.
func (s *Service) AnswerTx(tx *store.Tx, by news.PersonID, n int64, a Answer, why string) error {
	switch {
	case a != Applied && a != NotAffected && a != Removed && a != Refused:
		return fault.New(fault.Invalid, "fault.request")
	case utf8.RuneCountInString(why) > maxWhy:
		return fault.New(fault.Invalid, "lineage.why_long", "n", maxWhy)
	}
	open, err := shown(tx, selectDuty, n)
	if err != nil || len(open) == 0 {
		return errors.Join(err, notFound())
	}
	d := open[0]
	if d.Answer != "" {
		if d.Answer == a && d.Why == why {
			return nil
		}
		return fault.New(fault.Conflict, "lineage.answered")
	}
	older, err := shown(tx, selectDuties, d.Item)
	if err != nil {
		return err
	}
	for _, o := range older {
		if o.Source == d.Source && o.N <= n && o.Answer == "" {
			if err := tx.Exec(answerDuty, o.N, a, why, by, clock.Micros(s.Clock())); err != nil {
				return err
			}
		}
	}
	err = s.People.Audit(tx, people.Act{Who: by, What: a.act(), About: string(d.Item), Detail: map[string]any{
		"source": string(d.Source), "version": d.Version,
	}})
	if err != nil {
		return err
	}
	tx.OnCommit(s.Options.Changed)
	return s.settleUp(tx, d.Item)
}

// act is the key by which the audit tells of an answer.
func (a Answer) act() string {
	switch a {
	case Applied:
		return "lineage.act_applied"
	case NotAffected:
		return "lineage.act_not_affected"
	case Removed:
		return "lineage.act_removed"
	}
	return "lineage.act_refused"
}

// agreementsOf lists the agreements under which versions went or came, each once.
func agreementsOf(ways []library.Way) (out []terms.AgreementID) {
	for _, w := range ways {
		if !slices.Contains(out, w.Agreement) {
			out = append(out, w.Agreement)
		}
	}
	return out
}
