package exchange

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"sort"
	"strconv"
	"strings"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

var errNotKnown = fault.New(fault.NotFound, "partner.unknown")

// LinkState says in a word how we follow a partner.
type LinkState string

// The states of a link.
const (
	LinkLive       LinkState = "live"
	LinkCatchingUp LinkState = "catching-up"
	LinkLate       LinkState = "late"    // no word for 45 seconds
	LinkSilent     LinkState = "silent"  // no word for two minutes
	LinkStopped    LinkState = "stopped" // the ledger said two things
	LinkNever      LinkState = "never"   // not one word yet
	LinkBlocked    LinkState = "blocked"
)

// Link is how we stand with a partner: the worst of the ledgers that we follow of it.
type Link struct {
	Partner     news.Root
	Domain      string
	State       LinkState
	LastContact time.Time
	Behind      time.Duration // since the last contact, when it is late
	Waiting     int64         // records that it has told of and we do not hold yet
	Skew        time.Duration // its clock against ours, when more than two minutes
	Error       *fault.Error  // the last failed connection, until one succeeds
	Ended       int           // ledgers that have ended: another one goes on. How they are followed does not count.
	Absent      int           // ledgers that were announced and that its node does not have, while it serves others: two copies of it run
}

// rank orders states, worst first.
func (l LinkState) rank() int {
	for i, x := range []LinkState{LinkStopped, LinkSilent, LinkLate, LinkCatchingUp, LinkNever, LinkBlocked, LinkLive} {
		if l == x {
			return i
		}
	}
	return 0
}

// Links lists the partners, worst first.
func (s *Service) Links() []Link {
	now := s.Clock()
	known := s.Service.Partners()
	s.mu.RLock()
	by, followed := map[news.Root]Link{}, map[news.Root]bool{}
	ended, absent := map[news.Root]int{}, map[news.Root][]Link{}
	for _, p := range known {
		state := LinkNever
		if p.Blocked {
			state = LinkBlocked
		}
		by[p.Root] = Link{Partner: p.Root, Domain: p.Domain, State: state}
	}
	for _, l := range s.links {
		one := l.status(now, s.Times.Silence)
		old := by[l.partner]
		one.Partner, one.Domain = old.Partner, old.Domain
		switch {
		case one.State == LinkStopped:
		case l.hasEnded():
			ended[l.partner]++
			continue
		case l.isAbsent():
			absent[l.partner] = append(absent[l.partner], one)
			continue
		}
		if !followed[l.partner] || one.State.rank() < old.State.rank() {
			followed[l.partner] = true
			if one.LastContact.Before(old.LastContact) {
				one.LastContact = old.LastContact
			}
			by[l.partner] = one
		}
	}
	s.mu.RUnlock()
	out := make([]Link, 0, len(by))
	for root, l := range by {
		switch missing := absent[root]; {
		case followed[root]:
			l.Absent = len(missing)
		case len(missing) > 0:
			l = missing[0]
		}
		l.Ended = ended[root]
		out = append(out, l)
	}
	sort.Slice(out, func(i, j int) bool {
		if a, b := out[i].State.rank(), out[j].State.rank(); a != b {
			return a < b
		}
		return out[i].Domain < out[j].Domain
	})
	return out
}

func (l *link) hasEnded() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.ended
}

// isAbsent reports whether a ledger was announced of which not a word has come, because its newsroom's node does not have it.
func (l *link) isAbsent() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.held == 0 && l.contact.IsZero() && fault.Is(l.err, fault.NotFound)
}

func (l *link) status(now time.Time, late time.Duration) Link {
	l.mu.Lock()
	defer l.mu.Unlock()
	o := Link{State: LinkLive, LastContact: l.contact, Waiting: max(0, l.head-l.held)}
	if l.skew > clockFault || l.skew < -clockFault {
		o.Skew = l.skew
	}
	if l.err != nil {
		o.Error = fault.Of(l.err)
	}
	silent := now.Sub(l.contact)
	switch {
	case l.stopped:
		o.State = LinkStopped
	case l.contact.IsZero():
		o.State = LinkNever
	case silent > clockFault:
		o.State, o.Behind = LinkSilent, silent
	case silent > late || l.err != nil:
		o.State, o.Behind = LinkLate, silent
	case l.held < l.gate:
		o.State = LinkCatchingUp
	}
	return o
}

// DeliveryState says in a word what became of a version at a partner.
type DeliveryState string

// The states of a delivery.
const (
	Released  DeliveryState = "released"  // in our ledger; the partner has not said that it holds it
	Delivered DeliveryState = "delivered" // durable at the partner, by its cosignature
	Refused   DeliveryState = "refused"   // not sent, by a clause
	Reported  DeliveryState = "reported"  // the partner says that it is missing or set aside
	Queued    DeliveryState = "waiting"   // not offered yet: it goes by itself, at its time (Until) or when what Key says is over
)

// Delivery is what became of one version at one partner.
type Delivery struct {
	Number    int
	Agreement terms.AgreementID
	Partner   news.Root
	Ledger    ledger.ID
	Seq       int64
	Released  time.Time
	Durable   time.Time // when its receipt was durable here; zero: not yet
	State     DeliveryState
	Until     time.Time // of what waits for another day: when that begins
	Clause    string
	Key       string
	Args      map[string]any
}

const (
	selectRefusals = `SELECT r.number, r.agreement, r.clause, r.key, r.args, r.us, COALESCE(l.due_us, 0) FROM refusal r
		LEFT JOIN later l ON l.agreement = r.agreement AND l.item = r.item AND l.number = r.number WHERE r.item = $1 ORDER BY r.number, r.agreement`
	selectTold    = `SELECT key, args FROM trouble WHERE ledger = $1 AND seq = $2 AND kind = $3`
	selectWaiting = `SELECT number, error, '' FROM outbox WHERE item = $1 UNION ALL SELECT number, '', agreement FROM held WHERE item = $1 ORDER BY 1`
)

// Deliveries says for an item of our own to whom each version went, who holds it since when, for whom it waits and to whom it
// did not go, and why; the newest version first.
func (s *Service) Deliveries(ctx context.Context, item news.ItemID) (out []Delivery, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		ways, err := s.Library.Ways(r, item)
		if err != nil {
			return err
		}
		for _, w := range ways {
			records, err := ledger.Records(r, ledger.ID(w.Ledger), w.Seq, w.Seq+1)
			if err != nil || len(records) == 0 {
				return errors.Join(err, errors.New("a record that was sent is not there"))
			}
			for _, party := range s.others(w.Agreement) {
				d := Delivery{Number: w.Number, Agreement: w.Agreement, Partner: party, Ledger: ledger.ID(w.Ledger), Seq: w.Seq, State: Released, Released: recordTime(records[0])}
				if err := s.deliveryState(r, &d); err != nil {
					return err
				}
				out = append(out, d)
			}
		}
		if err := s.refusals(r, item, &out); err != nil {
			return err
		}
		return s.waiting(r, item, &out)
	})
	sort.SliceStable(out, func(i, j int) bool { return out[i].Number > out[j].Number })
	return out, err
}

// Would says for an item of our own that was not released to whom it would go, and to whom not and why.
func (s *Service) Would(ctx context.Context, item news.ItemID) (out []Delivery, err error) {
	it, err := s.Library.Item(ctx, item)
	if err != nil || !it.Own || !it.Released.IsZero() {
		return nil, err
	}
	story, err := s.Library.Version(ctx, item, 0)
	if err != nil {
		return nil, err
	}
	facts := terms.StoryFacts(story)
	facts.From, facts.Class = s.Root(), news.First
	for _, a := range s.Agreements.Active() {
		facts.Suspended, facts.Ends = a.Suspended, a.Ends
		for _, party := range s.Agreements.Parties(a.Agreement) {
			if party == facts.From {
				continue
			}
			facts.To = party
			d := Delivery{Number: it.Version, Agreement: a.Agreement, Partner: party, State: Queued}
			if decision := terms.May(a.Revision, facts, terms.Send, s.Clock()); decision.Answer != terms.Yes {
				d.State, d.Clause, d.Key, d.Args = Refused, decision.Clause, decision.Key, decision.Args
			}
			out = append(out, d)
		}
	}
	return out, nil
}

func (s *Service) deliveryState(r store.Reader, d *Delivery) error {
	h, ok, err := ledger.FirstHeld(r, d.Ledger, string(d.Partner), d.Seq)
	if err != nil {
		return err
	}
	if ok {
		d.State, d.Durable = Delivered, clock.FromMicros(h.AtMicros)
	}
	var args string
	err = r.QueryRow(selectTold, string(d.Ledger), d.Seq, "told-"+string(d.Partner)).Scan(&d.Key, &args)
	if errors.Is(err, store.ErrNoRows) {
		return nil
	}
	if err != nil {
		return err
	}
	d.State = Reported
	if err := json.Unmarshal([]byte(args), &d.Args); err != nil {
		return err
	}
	d.Clause, _ = d.Args["clause"].(string)
	return nil
}

func (s *Service) refusals(r store.Reader, item news.ItemID, out *[]Delivery) error {
	rows, err := r.Query(selectRefusals, string(item))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		d := Delivery{State: Refused}
		var args string
		var us, due int64
		if err := rows.Scan(&d.Number, (*string)(&d.Agreement), &d.Clause, &d.Key, &args, &us, &due); err != nil {
			return err
		}
		if d.Released = clock.FromMicros(us); due != 0 {
			d.State, d.Released, d.Until = Queued, time.Time{}, clock.FromMicros(due)
		}
		if err := json.Unmarshal([]byte(args), &d.Args); err != nil {
			return err
		}
		for _, party := range s.others(d.Agreement) {
			d.Partner, d.Args = party, s.toParty(d.Args, party)
			*out = append(*out, d)
		}
	}
	return rows.Err()
}

// toParty has a reason speak of this party: it was decided once for all of them.
func (s *Service) toParty(args map[string]any, party news.Root) map[string]any {
	p, ok := s.Partner(party)
	if !ok {
		return args
	}
	names := map[string]any{}
	for lang, name := range p.Identity.Names {
		names[lang] = name
	}
	out := maps.Clone(args)
	if out == nil {
		out = map[string]any{}
	}
	out["partner"] = names
	return out
}

func (s *Service) waiting(r store.Reader, item news.ItemID, out *[]Delivery) error {
	rows, err := r.Query(selectWaiting, string(item))
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		d := Delivery{State: Queued}
		var failed string
		if err := rows.Scan(&d.Number, &failed, (*string)(&d.Agreement)); err != nil {
			return err
		}
		if failed != "" {
			d.Key = "exchange.offer_failed"
		}
		if d.Agreement == "" {
			*out = append(*out, d)
			continue
		}
		d.Key = "exchange.unconfirmed"
		for _, party := range s.others(d.Agreement) {
			d.Partner = party
			*out = append(*out, d)
		}
	}
	return rows.Err()
}

// others are the parties of an agreement but us.
func (s *Service) others(id terms.AgreementID) []news.Root {
	return slices.DeleteFunc(s.Agreements.Parties(id), func(r news.Root) bool { return r == s.Root() })
}

// Delay is how many versions of our own wait under an agreement.
type Delay struct {
	Agreement   terms.AgreementID
	Partners    []news.Root
	Later       int64 // for the next day, because of the ceilings
	Unconfirmed int64 // until a partner has said how much of our ledger it holds
}

const (
	countLaters = `SELECT agreement, COUNT(*) FROM later GROUP BY agreement`
	countHelds  = `SELECT agreement, COUNT(*) FROM held GROUP BY agreement`
)

// Delays lists the agreements under which versions of our own wait.
func (s *Service) Delays(ctx context.Context) ([]Delay, error) {
	by := map[terms.AgreementID]*Delay{}
	count := func(r store.Reader, query string, field func(*Delay) *int64) error {
		rows, err := r.Query(query)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var id terms.AgreementID
			var n int64
			if err := rows.Scan((*string)(&id), &n); err != nil {
				return err
			}
			if by[id] == nil {
				by[id] = &Delay{Agreement: id, Partners: s.others(id)}
			}
			*field(by[id]) = n
		}
		return rows.Err()
	}
	err := s.DB.Read(ctx, func(r store.Reader) error {
		return errors.Join(count(r, countLaters, func(d *Delay) *int64 { return &d.Later }), count(r, countHelds, func(d *Delay) *int64 { return &d.Unconfirmed }))
	})
	var out []Delay
	for _, id := range slices.Sorted(maps.Keys(by)) {
		out = append(out, *by[id])
	}
	return out, err
}

// Lines says it, in a sentence for each reason.
func (s *Service) Lines(d Delay) (out []terms.Line) {
	var names []any
	for _, party := range d.Partners {
		names = append(names, s.toParty(nil, party)["partner"])
	}
	for _, x := range []struct {
		key string
		n   int64
	}{{"exchange.delay_later", d.Later}, {"exchange.delay_unconfirmed", d.Unconfirmed}} {
		if x.n > 0 {
			out = append(out, terms.Line{Key: x.key, Args: map[string]any{"n": x.n, "partner": names}})
		}
	}
	return out
}

// Trouble is something that is wrong with a record in a ledger.
type Trouble struct {
	Ledger  ledger.ID
	Partner news.Root
	Seq     int64
	Kind    string
	Key     string
	Args    map[string]any
	At      time.Time
}

const selectTroubles = `SELECT ledger, seq, kind, key, args, us FROM trouble`

// Troubles lists what is wrong with records of a newsroom, or with of "" of all, newest first and at most so many.
func (s *Service) Troubles(ctx context.Context, of news.Root, limit int) (out []Trouble, err error) {
	err = s.DB.Read(ctx, func(r store.Reader) error {
		all, err := ledger.All(r, "")
		if err != nil {
			return err
		}
		owner := map[ledger.ID]news.Root{}
		args, places := []any{limit}, []string{}
		for _, l := range all {
			owner[l.ID] = l.Owner
			if l.Owner == of {
				args = append(args, string(l.ID))
				places = append(places, "$"+strconv.Itoa(len(args)))
			}
		}
		query := selectTroubles
		switch {
		case of == "":
		case len(places) == 0:
			return nil
		default:
			query += ` WHERE ledger IN (` + strings.Join(places, ", ") + `)`
		}
		rows, err := r.Query(query+` ORDER BY us DESC LIMIT $1`, args...)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var t Trouble
			var args string
			var us int64
			if err := rows.Scan((*string)(&t.Ledger), &t.Seq, &t.Kind, &t.Key, &args, &us); err != nil {
				return err
			}
			t.At, t.Partner = clock.FromMicros(us), owner[t.Ledger]
			if err := json.Unmarshal([]byte(args), &t.Args); err != nil {
				return err
			}
			out = append(out, t)
		}
		return rows.Err()
	})
	return out, err
}

// recordTime is when a record says that it was written.
func recordTime(b []byte) time.Time {
	rec, err := protocol.ParseRecord(b)
	if err != nil {
		return time.Time{}
	}
	return clock.FromMicros(rec.Time)
}
