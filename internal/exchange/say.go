package exchange

import (
	"sort"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Our records about items, as their bodies have it.
const (
	TypeRelease  = "item.release"
	TypeCorrect  = "item.correct"
	TypeWithdraw = "item.withdraw"
	TypeMissing  = "item.missing" // a receiver says: the content did not come or does not fit
	TypeActed    = "item.acted"   // a receiver says what became of it
)

// ItemBody is the body of item records.
type ItemBody struct {
	Class   news.Class `json:"class,omitempty"`
	Version int        `json:"version,omitempty"`
	Embargo int64      `json:"embargo,omitempty"` // microseconds
	Urgency int        `json:"urgency,omitempty"`
	What    string     `json:"what,omitempty"`   // of item.acted: set-aside, number-taken, closed, removed
	Clause  string     `json:"clause,omitempty"` // of item.acted: the clause that decided
	Ledger  string     `json:"ledger,omitempty"` // of item.acted and item.missing: where the record stands
	Seq     int64      `json:"seq,omitempty"`
}

// Say appends a record to our ledger in an agreement, in the transaction. What we have folded of the other parties' ledgers
// is added as seen.
func (s *Service) Say(tx *store.Tx, agreement terms.AgreementID, d ledger.Draft) (ledger.Position, error) {
	id, ok := s.mine(agreement)
	if !ok {
		return ledger.Position{}, fault.New(fault.NotFound, "agreement.no_ledger")
	}
	return s.SayIn(tx, agreement, id, d)
}

// SayAs is Say for a person, under the terms in force.
func (s *Service) SayAs(tx *store.Tx, agreement terms.AgreementID, by news.PersonID, d ledger.Draft) (ledger.Position, error) {
	d.Terms, d.By = s.termsNow(agreement), s.opaque(agreement, by)
	return s.Say(tx, agreement, d)
}

// SayIn is Say for a ledger that was opened in the same transaction.
func (s *Service) SayIn(tx *store.Tx, agreement terms.AgreementID, id ledger.ID, d ledger.Draft) (ledger.Position, error) {
	if s.unconfirmed(id) {
		return ledger.Position{}, fault.New(fault.Unavailable, "exchange.unconfirmed")
	}
	seen, err := s.seen(tx, agreement)
	if err != nil {
		return ledger.Position{}, err
	}
	d.Seen = seen
	pos, err := s.Ledgers.Append(tx, id, d)
	if err == nil {
		s.observe(tx, Event{Kind: Offered, Ledger: id, From: pos.Seq, To: pos.Seq + 1, Began: began(tx.Context())})
	}
	return pos, err
}

type seenKey terms.AgreementID

// seen is what we have folded of the other ledgers of an agreement; computed once for a transaction.
func (s *Service) seen(tx *store.Tx, agreement terms.AgreementID) ([]protocol.Seen, error) {
	if v, ok := tx.Value(seenKey(agreement)).([]protocol.Seen); ok {
		return v, nil
	}
	all, err := ledger.All(tx, string(agreement))
	if err != nil {
		return nil, err
	}
	out := []protocol.Seen{}
	for _, i := range all {
		if i.Own || i.Applied == 0 {
			continue
		}
		root := i.Root()
		if i.Applied != i.Size {
			e, err := ledger.EdgeAt(tx, i.ID, i.Applied)
			if err != nil {
				return nil, err
			}
			root = e.Root()
		}
		out = append(out, protocol.Seen{Ledger: string(i.ID), Size: i.Applied, Root: root.String()})
	}
	sort.Slice(out, func(a, b int) bool { return out[a].Ledger < out[b].Ledger })
	tx.SetValue(seenKey(agreement), out)
	return out, nil
}

// noLedgerIsFine lets a report be left unsaid where we have no ledger in the agreement to say it in, or may not append to it.
func noLedgerIsFine(err error) error {
	if fault.Is(err, fault.NotFound) || fault.Is(err, fault.Unavailable) {
		return nil
	}
	return err
}

// opaque is the id of a person in the records of one agreement: always the same there, and nothing that could be guessed or
// met again elsewhere.
func (s *Service) opaque(a terms.AgreementID, p news.PersonID) string {
	if p == "" {
		return ""
	}
	return s.Opaque("by", string(a), string(p))
}
