package exchange

import (
	"time"

	"newspool/internal/clock"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// dayCount is how much a ledger has said on one day of its agreement's zone. It counts records by their own time and place,
// so that both ends count the same.
type dayCount struct {
	day    string
	counts terms.Counts
}

func dayOf(at time.Time, zone *time.Location) string { return at.In(zone).Format(time.DateOnly) }

// add counts one record of a ledger; the day begins anew when its time has moved on to another.
func (d *dayCount) add(day string, bytes int64) {
	if d.day != day {
		d.day, d.counts = day, terms.Counts{}
	}
	d.counts.Records++
	d.counts.Bytes += bytes
}

// on gives the counts of a day.
func (d *dayCount) on(day string) terms.Counts {
	if d == nil || d.day != day {
		return terms.Counts{}
	}
	return d.counts
}

// counted is what our ledger in an agreement has said today. It belongs to the writer of the database.
func (s *Service) counted(a terms.AgreementID, at time.Time, zone *time.Location) terms.Counts {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.counts[s.own[a]].on(dayOf(at, zone))
}

// count adds a record to a ledger's day, and takes it back if the transaction is undone.
func (s *Service) count(tx *store.Tx, id ledger.ID, day string, bytes int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	d := s.counts[id]
	if d == nil {
		d = &dayCount{}
		s.counts[id] = d
	}
	before := *d
	d.add(day, int64(bytes))
	tx.OnUndo(func() {
		s.mu.Lock()
		*d = before
		s.mu.Unlock()
	})
}

// recount computes a ledger's day again from its records, after a start. It reads backwards until another day begins.
func (s *Service) recount(r store.Reader, i ledger.Info, zone *time.Location) error {
	d := &dayCount{day: dayOf(i.Last, zone)}
	const step = 512
	for to := i.Size; to > 0; to -= step {
		records, err := ledger.Records(r, i.ID, max(0, to-step), to)
		if err != nil {
			return err
		}
		for n := len(records) - 1; n >= 0; n-- {
			rec, err := protocol.ParseRecord(records[n])
			if err != nil || len(rec.Contents) == 0 {
				continue
			}
			day := dayOf(clock.FromMicros(rec.Time), zone)
			if d.day == "" {
				d.day = day
			}
			if day != d.day {
				to = 0
				break
			}
			if isItem(rec.Type) && rec.Type != TypeWithdraw {
				d.add(day, contentSize(rec))
			}
		}
	}
	s.mu.Lock()
	s.counts[i.ID] = d
	s.mu.Unlock()
	return nil
}

// contentSize is the size of a record's contents as its references tell it.
func contentSize(rec protocol.Record) (n int64) {
	for _, c := range rec.Contents {
		n += c.Size
	}
	return n
}

// opaque is the id of a person in the records of one agreement: always the same there, and nothing that could be guessed or
// met again elsewhere.
func (s *Service) opaque(a terms.AgreementID, p news.PersonID) string {
	if p == "" {
		return ""
	}
	return s.Opaque("by", string(a), string(p))
}
