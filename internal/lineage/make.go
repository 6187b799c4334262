package lineage

import (
	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
)

// Make notes in the transaction that saves an item what it was made from; it is called before the item is released, so that nothing
// can have been made from it. The same again does nothing. What has happened to the source since the version that it was made from
// asks its duties at once.
//
// Faults: lineage.circle (Conflict) where the source was made from the item; lineage.released (Conflict) for an item that was released;
// library.withdrawn (Gone) for a source that is withdrawn; library.not_found for a version that is not here; fault.request (Invalid) for a
// way that is none.
func (s *Service) Make(tx *store.Tx, m Made) error {
	it, err := s.Library.ReadItem(tx, m.Item)
	if err != nil {
		return err
	}
	source, err := s.Library.ReadItem(tx, m.Source)
	if err != nil {
		return err
	}
	already, err := readMade(tx, selectSources, m.Item)
	if err != nil {
		return err
	}
	for _, x := range already {
		if x.Source == m.Source {
			return nil
		}
	}
	known := false
	for _, v := range source.History {
		known = known || (v.Number == m.Version && v.Class != news.Withdrawal)
	}
	switch {
	case !m.How.Known():
		return fault.New(fault.Invalid, "fault.request")
	case !it.Own:
		return fault.New(fault.Denied, "library.not_ours")
	case !it.Released.IsZero():
		return fault.New(fault.Conflict, "lineage.released")
	case source.State == news.Withdrawn:
		return fault.New(fault.Gone, "library.withdrawn")
	case !known:
		return fault.New(fault.NotFound, "library.not_found")
	}
	circle, err := s.within(tx, m.Source, m.Item)
	if err != nil {
		return err
	}
	if circle {
		return fault.New(fault.Conflict, "lineage.circle")
	}
	m.At = s.Clock()
	if err := tx.Exec(insertMade, m.Item, m.Source, m.Version, m.How, m.By, clock.Micros(m.At)); err != nil {
		return err
	}
	return s.since(tx, m, source)
}

// within reports whether an item is another, or was made from it, at whatever distance.
func (s *Service) within(r store.Reader, item, other news.ItemID) (bool, error) {
	seen, next := map[news.ItemID]bool{}, []news.ItemID{item}
	for len(next) > 0 {
		id := next[0]
		next = next[1:]
		if id == other {
			return true, nil
		}
		if seen[id] {
			continue
		}
		seen[id] = true
		sources, err := readMade(r, selectSources, id)
		if err != nil {
			return false, err
		}
		for _, m := range sources {
			next = append(next, m.Source)
		}
	}
	return false, nil
}

// since asks for what has happened to a source since the version that something was made from: the form may have been open for long,
// and what a ledger that catches up has brought is not shown yet.
func (s *Service) since(tx *store.Tx, m Made, source library.Item) error {
	if source.Own {
		return s.sinceOwn(tx, m, source)
	}
	changes, err := s.Library.Turns(tx, m.Source)
	if err != nil {
		return err
	}
	for _, w := range changes {
		us, err := timeOf(tx, ledger.ID(w.Ledger), w.Seq)
		if err != nil {
			return err
		}
		c := change{source: m.Source, version: w.Number, class: w.Class, causes: []cause{{ledger: ledger.ID(w.Ledger), seq: w.Seq, agreement: w.Agreement, us: us}}}
		if err := s.ask(tx, m, c); err != nil {
			return err
		}
	}
	notices, err := readNotices(tx, m.Source)
	for _, n := range notices {
		if err == nil {
			err = s.ask(tx, m, n.change(m.Source))
		}
	}
	return err
}

func (s *Service) sinceOwn(tx *store.Tx, m Made, source library.Item) error {
	for _, v := range source.History {
		if v.Class != news.Correction || v.Released.IsZero() {
			continue
		}
		if err := s.ask(tx, m, change{source: m.Source, version: v.Number, class: v.Class, causes: []cause{{us: clock.Micros(v.Released)}}}); err != nil {
			return err
		}
	}
	duties, err := readDuties(tx, selectDuties, m.Source)
	for _, d := range duties {
		if err == nil && d.answer == "" {
			err = s.ask(tx, m, passedOn(d, source.Version))
		}
	}
	return err
}
