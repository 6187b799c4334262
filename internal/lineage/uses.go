package lineage

import (
	"context"
	"slices"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// told is a change of an item of ours as it was told under one agreement.
type told struct {
	change
	agreement terms.AgreementID
}

// at reports whether a record of ours told of the change.
func (t told) at(id ledger.ID, seq int64) bool {
	return slices.ContainsFunc(t.causes, func(c cause) bool { return c.ledger == id && c.seq == seq })
}

// changesOf lists what we told of an item of ours that asks those who made something from it to act, the oldest first.
func changesOf(r store.Reader, it library.Item) (out []told, err error) {
	add := func(c told, x cause) {
		x.agreement = c.agreement
		for i := range out {
			if o := &out[i]; o.agreement == c.agreement && o.notice == c.notice && (c.notice > 0 || o.version == c.version) {
				o.causes = append(o.causes, x)
				return
			}
		}
		c.causes = []cause{x}
		out = append(out, c)
	}
	for _, w := range it.Ways {
		for _, v := range it.History {
			if v.Number != w.Number || (v.Class != news.Correction && v.Class != news.Withdrawal) {
				continue
			}
			us, err := timeOf(r, ledger.ID(w.Ledger), w.Seq)
			if err != nil {
				return nil, err
			}
			add(told{change{source: it.Item, version: v.Number, class: v.Class}, w.Agreement}, cause{ledger: ledger.ID(w.Ledger), seq: w.Seq, us: us})
		}
	}
	notices, err := list(r, scanNotice, selectNoticesOut, it.Item)
	for _, n := range notices {
		add(told{n.change(it.Item), n.agreement}, cause{ledger: n.ledger, seq: n.seq, us: n.us})
	}
	slices.SortStableFunc(out, func(a, b told) int { return int(a.causes[0].us - b.causes[0].us) })
	return out, err
}

// heard is a use of an item of ours, as a partner tells it.
type heard struct {
	Use
	ledger     ledger.ID
	seq        int64
	fromLedger string
	fromSeq    int64
	acts       []heardAct // the oldest change first
}

type heardAct struct {
	Act
	notice int64
}

// word is an answer, or a number of those beyond, as a partner said it.
type word struct {
	ledger, cause ledger.ID
	seq, causeSeq int64
	what          Answer
	why           string
	made, acted   int
	us            int64
}

const (
	selectHeard = `SELECT ledger, seq, agreement, partner, version, what, lang, from_ledger, from_seq, us FROM use_in WHERE source = $1 ORDER BY us, ledger, seq`
	selectWords = `SELECT ledger, seq, cause_ledger, cause_seq, what, why, made, acted, us FROM act_in
WHERE use_ledger = $1 AND use_seq = $2 AND partner = $3 ORDER BY us, ledger, seq`
)

// usesOf lists what partners made from an item of ours. With shownOnly what a ledger that catches up has brought is left out.
func (s *Service) usesOf(r store.Reader, it library.Item, shownOnly bool) ([]heard, error) {
	all, err := list(r, func(scan func(...any) error) (u heard, err error) {
		var us int64
		err = scan(&u.ledger, &u.seq, &u.Agreement, &u.Partner, &u.Version, &u.What, &u.Lang, &u.fromLedger, &u.fromSeq, &us)
		u.At = clock.FromMicros(us)
		return u, err
	}, selectHeard, it.Item)
	if err != nil || len(all) == 0 {
		return nil, err
	}
	changes, err := changesOf(r, it)
	if err != nil {
		return nil, err
	}
	seen := sight{r: r}
	counts := func(id ledger.ID, seq int64) (bool, error) {
		if !shownOnly {
			return true, nil
		}
		return seen.of(id, seq)
	}
	var out []heard
	for _, u := range all {
		if ok, err := counts(u.ledger, u.seq); err != nil || !ok || !went(it.Ways, u.fromLedger, u.fromSeq) {
			if err != nil {
				return nil, err
			}
			continue
		}
		words, err := list(r, func(scan func(...any) error) (w word, err error) {
			return w, scan(&w.ledger, &w.seq, &w.cause, &w.causeSeq, &w.what, &w.why, &w.made, &w.acted, &w.us)
		}, selectWords, u.ledger, u.seq, u.Partner)
		if err != nil {
			return nil, err
		}
		for _, c := range changes {
			if c.agreement != u.Agreement || !c.concerns(u.Version) {
				continue
			}
			a := heardAct{Act: Act{Version: c.version, Class: c.class, Notice: c.notice > 0, Due: clock.FromMicros(s.due(c.causes[0], c.class))}, notice: c.notice}
			for _, w := range words {
				ok, err := counts(w.ledger, w.seq)
				if err != nil {
					return nil, err
				}
				switch {
				case !ok || !c.at(w.cause, w.causeSeq):
				case w.what == beyond:
					a.Made, a.Acted = w.made, w.acted
				default:
					a.Answer, a.Why, a.At = w.what, w.why, clock.FromMicros(w.us)
				}
			}
			u.acts = append(u.acts, a)
		}
		out = append(out, u)
	}
	return out, nil
}

// Uses lists what partners say that they made from an item of ours, the oldest first. What has no answer and is older than a withdrawal
// is left out: nothing asks for it any more.
func (s *Service) Uses(ctx context.Context, item news.ItemID) (out []Use, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		it, err := s.ownItem(r, item)
		if err != nil || it == nil {
			return err
		}
		all, err := s.usesOf(r, *it, true)
		for _, u := range all {
			withdrawn := false
			for _, a := range slices.Backward(u.acts) {
				if !withdrawn || a.Answer != "" {
					u.Acts = append(u.Acts, a.Act)
				}
				withdrawn = withdrawn || (a.Class == news.Withdrawal && !a.Notice)
			}
			out = append(out, u.Use)
		}
		return err
	})
	return out, err
}

const selectPassed = dutyColumns + ` WHERE source = $1 AND notice = $2 ORDER BY n`

// beyond counts what was made from an item that has a duty, here and by partners, who made this from it, and how much of it was acted
// upon. What a partner made from an item that it has under two agreements it tells in both: there the larger number counts.
func (s *Service) beyond(r store.Reader, d duty, uses []heard) (made, acted int, err error) {
	type place struct {
		partner   news.Root
		agreement terms.AgreementID
	}
	by := map[place][2]int{}
	for _, u := range uses {
		for _, a := range u.acts {
			if a.notice != d.number {
				continue
			}
			n := by[place{u.Partner, u.Agreement}]
			n[0], n[1] = n[0]+1+a.Made, n[1]+a.Acted
			if a.Answer != "" {
				n[1]++
			}
			by[place{u.Partner, u.Agreement}] = n
		}
	}
	most := map[news.Root][2]int{}
	for p, n := range by {
		if m := most[p.partner]; n[0] > m[0] || (n[0] == m[0] && n[1] > m[1]) {
			most[p.partner] = n
		}
	}
	for _, n := range most {
		made, acted = made+n[0], acted+n[1]
	}
	ours, err := readDuties(r, selectPassed, d.item, d.number)
	for _, x := range ours {
		if err != nil {
			return 0, 0, err
		}
		it, err := s.Library.ReadItem(r, x.item)
		if err != nil {
			return 0, 0, err
		}
		of, err := s.usesOf(r, it, false)
		if err != nil {
			return 0, 0, err
		}
		m, a, err := s.beyond(r, x, of)
		if err != nil {
			return 0, 0, err
		}
		made, acted = made+1+m, acted+a
		if x.answer != "" {
			acted++
		}
	}
	return made, acted, err
}
