package library

import (
	"cmp"
	"errors"
	"fmt"
	"maps"
	"slices"

	"pgregory.net/rapid"

	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// model is what the desk should show, without numbers, bitmaps or rows.
type model struct {
	items  map[news.ItemID]*modelItem
	moves  int
	drafts map[string]news.ItemID // by source id
}

type modelItem struct {
	own, shown bool
	hold       news.State
	versions   map[int]*modelVersion
	ways       map[string]*modelWay // by number and ledger
	current    int
	moved      int
	last       string // what the source last said
}

type modelVersion struct {
	class            news.Class
	state            news.State
	headline         string
	hidden, released bool
}

type modelWay struct {
	number    int
	ledger    string
	agreement terms.AgreementID
	state     news.State
	hidden    bool
	seq       int64
}

func (m *model) clone() *model {
	c := &model{items: make(map[news.ItemID]*modelItem), moves: m.moves, drafts: maps.Clone(m.drafts)}
	for id, it := range m.items {
		n := *it
		n.versions, n.ways = make(map[int]*modelVersion), make(map[string]*modelWay)
		for k, v := range it.versions {
			vv := *v
			n.versions[k] = &vv
		}
		for k, w := range it.ways {
			ww := *w
			n.ways[k] = &ww
		}
		c.items[id] = &n
	}
	return c
}

func (it *modelItem) state() news.State {
	v := it.versions[it.current]
	switch {
	case it.hold != "":
		return it.hold
	case it.own && !v.released:
		return news.Unreleased
	}
	return v.state
}

func (it *modelItem) out() bool { return it.shown && it.versions[it.current].released }

func (m *model) show(it *modelItem, number int) {
	v := it.versions[number]
	v.hidden = false
	if v.class == news.Withdrawal {
		again := it.shown && it.versions[it.current].class == news.Withdrawal && number <= it.current
		it.hold = news.Withdrawn
		if !it.shown || again {
			return
		}
		v.headline = it.versions[it.current].headline
	} else if it.hold == news.Withdrawn || number <= it.current {
		return
	}
	m.moves++
	it.shown, it.current, it.moved = true, number, m.moves
}

func (m *model) add(it *modelItem, class news.Class, headline string, release bool) {
	number := len(it.versions) + 1
	out := it.out()
	if !out && class != news.Withdrawal {
		class = news.First
	}
	it.versions[number] = &modelVersion{class: class, state: news.Usable, headline: headline, released: release, hidden: release || !out}
	if release || !out {
		m.show(it, number)
	}
}

func (m *model) receive(in Incoming) {
	it := m.items[in.Item]
	if it == nil {
		it = &modelItem{versions: make(map[int]*modelVersion), ways: make(map[string]*modelWay)}
		m.items[in.Item] = it
	}
	state := in.State
	switch {
	case in.Class == news.Withdrawal:
		state = news.Withdrawn
	case in.Story.Headline == "":
		state = news.Closed
	}
	way := fmt.Sprint(in.Number, in.Ledger)
	w := &modelWay{number: in.Number, ledger: in.Ledger, agreement: in.Agreement, state: state, hidden: in.Hidden, seq: in.Seq}
	v, have := it.versions[in.Number]
	switch {
	case !have:
		v = &modelVersion{class: in.Class, headline: in.Story.Headline, hidden: true, released: true, state: state}
		it.versions[in.Number] = v
		if in.Hidden && in.Class == news.Withdrawal {
			if !it.shown {
				it.hold = news.Withdrawn
			} else if it.hold == "" {
				it.hold = news.Closed
			}
		}
	case in.Class == news.Withdrawal && v.class != news.Withdrawal:
		it.hold = news.Withdrawn
		return
	case v.headline == "" && in.Story.Headline != "" && v.class != news.Withdrawal && it.hold != news.Withdrawn:
		v.headline, v.state = in.Story.Headline, state
		for _, other := range it.ways {
			if other.number == in.Number && other.state == news.Closed {
				other.state = state
			}
		}
	}
	if it.ways[way] != nil {
		return
	}
	it.ways[way] = w
	if !in.Hidden {
		m.admit(it, w)
	}
}

func (m *model) admit(it *modelItem, w *modelWay) {
	w.hidden = false
	v := it.versions[w.number]
	switch {
	case v.hidden:
		v.state = w.state
		m.show(it, w.number)
	case v.state == news.SetAside && w.state == news.Usable:
		v.state = news.Usable
	}
}

// lines gives the wire of the model.
func (m *model) lines() []string {
	var shown []*modelItem
	for _, it := range m.items {
		if it.shown {
			shown = append(shown, it)
		}
	}
	slices.SortFunc(shown, func(a, b *modelItem) int { return cmp.Compare(b.moved, a.moved) })
	var out []string
	for _, it := range shown {
		var agreements []terms.AgreementID
		for _, w := range it.ways {
			if !w.hidden {
				agreements = append(agreements, w.agreement)
			}
		}
		slices.Sort(agreements)
		known := 0
		for _, v := range it.versions {
			if !v.hidden {
				known++
			}
		}
		out = append(out, fmt.Sprint(it.versions[it.current].headline, it.current, it.state(), slices.Compact(agreements), known))
	}
	return out
}

func lines(rows []Row) []string {
	var out []string
	for _, r := range rows {
		out = append(out, fmt.Sprint(r.Headline, r.Version, r.State, r.Agreements, r.Versions))
	}
	return out
}

// op is one thing that happens, drawn ahead: its numbers choose among what is there when it happens.
type op struct {
	kind, which, number, class, state, ledger, story int
	flag, hidden                                     bool
}

func drawOp(t *rapid.T) op {
	small := func(n int, name string) int { return rapid.IntRange(0, n-1).Draw(t, name) }
	return op{
		kind: small(15, "kind"), which: small(4, "which"), number: small(4, "number"), class: small(4, "class"), state: small(3, "state"),
		ledger: small(2, "ledger"), story: small(5, "story"), flag: rapid.Bool().Draw(t, "flag"), hidden: small(3, "hidden") == 0,
	}
}

func drawnStory(o op, headline string) news.Story {
	s := story(headline)
	s.Lang = []news.Lang{"en", "en-GB", "fa", "ru"}[o.story%4]
	s.Type = []news.ItemType{news.Text, news.Picture}[o.story%2]
	s.Urgency = news.Urgency(o.story)
	s.Subjects = [][]news.Subject{nil, {{Code: "medtop:1.2.3"}}, {{Code: "medtop:1.2"}, {Code: "x:y"}}}[o.story%3]
	return s
}

// run does one op to the library and to the model.
func (o op) run(tx *store.Tx, d *desk, m *model) error {
	headline := fmt.Sprintf("h%d", o.story)
	source := fmt.Sprintf("s%d", o.which)
	id, known := m.drafts[source]
	it := m.items[id]
	switch o.kind {
	case 0, 1:
		dr := news.Draft{Story: drawnStory(o, headline), Source: "ingest", SourceID: source}
		dr.Class = []news.Class{"", news.Update, news.Correction, news.First}[o.class]
		a, err := d.AcceptTx(tx, dr, o.flag)
		switch {
		case known && it.last == headline:
			if err != nil || !a.Duplicate {
				return fmt.Errorf("accepted a duplicate: %+v, %w", a, err)
			}
			return nil
		case known && it.hold == news.Withdrawn:
			if err == nil {
				return errors.New("accepted after a withdrawal")
			}
			return nil
		case err != nil:
			return err
		case !known:
			it = &modelItem{own: true, versions: make(map[int]*modelVersion), ways: make(map[string]*modelWay)}
			m.items[a.Item], m.drafts[source] = it, a.Item
		}
		class := news.Update
		if dr.Class == news.Correction {
			class = news.Correction
		}
		it.last = headline
		m.add(it, class, headline, o.flag)
		return nil
	case 14:
		return d.rebuild(tx, nil)
	case 2, 3, 4, 5:
		if !known || it.hold == news.Withdrawn {
			return nil
		}
		return o.change(tx, d, m, id, it)
	}
	return o.foreign(tx, d, m)
}

// change is what people do to an item of our own.
func (o op) change(tx *store.Tx, d *desk, m *model, id news.ItemID, it *modelItem) error {
	top := it.versions[len(it.versions)]
	switch o.kind {
	case 2:
		headline := fmt.Sprintf("c%d-%d", o.story, len(it.versions))
		p, err := d.prepare(tx.Context(), news.Draft{Story: drawnStory(o, headline), Class: news.Correction})
		if err != nil {
			return err
		}
		_, err = d.correct(tx, id, p, "note")
		m.add(it, news.Correction, headline, it.out())
		return err
	case 3:
		if o.number != 0 {
			return nil
		}
		real, err := d.ownItem(tx, id)
		if err != nil {
			return err
		}
		_, err = d.withdraw(tx, real, "reason", "p")
		m.add(it, news.Withdrawal, "", it.out())
		return err
	case 4:
		_, err := d.release(tx, id, "p")
		if !top.released {
			out := it.out()
			top.released = true
			if !out {
				it.current = 0
			}
			m.show(it, len(it.versions))
		}
		return err
	}
	w := &modelWay{number: 1, ledger: "out", agreement: "agr-0", state: news.Usable}
	it.ways["1out"] = w
	return d.Carried(tx, id, 1, w.agreement, w.ledger, 1)
}

// foreign is what partners do, and what is done to their items.
func (o op) foreign(tx *store.Tx, d *desk, m *model) error {
	in := incoming(fmt.Sprint(o.which), o.number+1, []news.Class{news.First, news.Update, news.Correction, news.Withdrawal}[o.class], "")
	in.Ledger, in.Agreement = fmt.Sprintf("ledger-%d", o.ledger), terms.AgreementID(fmt.Sprintf("agr-%d", o.ledger))
	it := m.items[in.Item]
	switch o.kind {
	case 6:
		if it == nil || it.shown && it.own {
			return nil
		}
		if it.hold == "" {
			it.hold = news.Closed
		}
		return d.CloseForUse(tx, in.Item, Why{})
	case 7:
		state := []news.State{news.Usable, news.SetAside, news.Closed}[o.state]
		if it == nil || !it.shown || it.hold == news.Withdrawn {
			return nil
		}
		v := it.versions[it.current]
		if v.headline == "" && state == news.Usable {
			return nil
		}
		if state == news.Closed {
			it.hold = state
		} else {
			it.hold, v.state = "", state
		}
		return d.SetState(tx, in.Item, state, Why{})
	case 8:
		m.reveal(in.Ledger)
		_, err := d.Reveal(tx, in.Ledger, 1<<40)
		return err
	case 9:
		in.Origin = avand
		in.Item += "-other"
		if m.items[in.Item] != nil {
			in.Origin = soren
		}
	}
	m.moves++ // also the order of arrival
	in.Seq = int64(m.moves)
	in.State = []news.State{news.Usable, news.SetAside, news.Closed}[o.state]
	in.Hidden = o.hidden
	if in.Class != news.Withdrawal && o.story != 4 {
		in.Story = drawnStory(o, fmt.Sprintf("r%d", o.story))
	}
	if o.kind == 9 && in.Origin == soren {
		_, err := d.receiveTx(tx, in) // not its newsroom
		return err
	}
	m.receive(in)
	_, err := d.receiveTx(tx, in)
	return err
}

func (m *model) reveal(ledger string) {
	type hidden struct {
		it  *modelItem
		way *modelWay
	}
	var all []hidden
	for _, it := range m.items {
		for _, w := range it.ways {
			if w.hidden && w.ledger == ledger {
				all = append(all, hidden{it, w})
			}
		}
	}
	slices.SortFunc(all, func(a, b hidden) int { return cmp.Compare(a.way.seq, b.way.seq) })
	for _, h := range all {
		m.admit(h.it, h.way)
	}
}
