package node

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"

	"newspool/internal/desk"
	"newspool/internal/exchange"
	"newspool/internal/ledger"
	"newspool/internal/library"
	"newspool/internal/lineage"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/duties"
	"newspool/internal/web/page"
	"newspool/internal/web/wire"
	"newspool/protocol"
)

// judge is what the desk asks of the exchange.
type judge struct{ *exchange.Service }

func (j judge) Rulings(ctx context.Context, id news.ItemID, act terms.Act) ([]desk.Ruling, error) {
	all, err := j.Service.Rulings(ctx, id, act)
	out := make([]desk.Ruling, len(all))
	for i, r := range all {
		out[i] = desk.Ruling{Revision: r.Revision, Decision: r.Decision}
	}
	return out, err
}

func (j judge) Credit(lang news.Lang) string { return j.NameOf(j.Root(), string(lang)) }

// Deciding is where people decide about items that came outside the terms.
func (n *Node) Deciding() *desk.Deciding {
	return desk.NewDeciding(n.Desk, n.Media, func() { n.Hub.Publish("wire") })
}

// deskDeciding is how the pages of the wire decide.
type deskDeciding struct{ *desk.Deciding }

func (d deskDeciding) Decided(ctx context.Context, id news.ItemID) ([]wire.Decided, error) {
	all, err := d.Deciding.Decided(ctx, id)
	out := make([]wire.Decided, len(all))
	for i, one := range all {
		out[i] = wire.Decided(one)
	}
	return out, err
}

// voice is how what was made from items is told to partners.
type voice struct{ n *Node }

func (v voice) Say(tx *store.Tx, a terms.AgreementID, by news.PersonID, d ledger.Draft) (ledger.Position, error) {
	return v.n.Exchange.SayAs(tx, a, by, d)
}

// made is what the desk tells of where its items come from.
type made struct{ *lineage.Service }

func (m made) Make(tx *store.Tx, item, source news.ItemID, version int, act terms.Act, by news.PersonID) error {
	how := lineage.Edit
	for _, h := range []lineage.How{lineage.Shortened, lineage.Translation} {
		if h.Act() == act {
			how = h
		}
	}
	return m.Service.Make(tx, lineage.Made{Item: item, Source: source, Version: version, How: how, By: by})
}

func (m made) Applied(tx *store.Tx, by news.PersonID, duty int64, item news.ItemID) error {
	return m.Service.Apply(tx, by, duty, item)
}

// deskUse is how the pages of the wire take a text out.
type deskUse struct{ *desk.Service }

func (u deskUse) Take(ctx context.Context, person news.PersonID, id news.ItemID, version int, form wire.Copy) (string, error) {
	return u.Service.Take(ctx, person, id, version, string(form))
}

// writing is what the pages of the wire do with items of ours.
type writing struct{ *desk.Service }

func (w writing) Derive(ctx context.Context, person news.PersonID, m lineage.Made, d news.Draft) (library.Accepted, error) {
	return w.Service.Derive(ctx, person, desk.From{Source: m.Source, Version: m.Version, Act: m.How.Act()}, d)
}

// wireExchange is what the pages of the wire ask of agreements and ledgers.
type wireExchange struct{ n *Node }

func (w wireExchange) Permits(ctx context.Context, id news.ItemID) ([]wire.Permit, error) {
	all, err := w.n.Exchange.Rulings(ctx, id, terms.Publish)
	var out []wire.Permit
	for _, r := range all {
		out = append(out, wire.Permit{Agreement: r.Agreement, Answer: r.Decision.Answer, Clause: r.Decision.Clause, Lines: r.Lines})
	}
	return out, err
}

func (w wireExchange) Deliveries(ctx context.Context, id news.ItemID) ([]wire.Delivery, error) {
	all, err := w.n.Exchange.Deliveries(ctx, id)
	if err != nil {
		return nil, err
	}
	var out []wire.Delivery
	for _, d := range all {
		out = append(out, wire.Delivery{
			Number: d.Number, Agreement: d.Agreement, Partner: d.Partner, State: wire.DeliveryState(d.State), Released: d.Released,
			Durable: d.Durable, Until: d.Until, Clause: d.Clause, Why: terms.Line{Key: d.Key, Args: d.Args},
		})
	}
	if len(out) > 0 {
		return out, nil
	}
	would, err := w.n.Exchange.Would(ctx, id)
	for _, d := range would {
		state := wire.WouldGo
		if d.State == exchange.Refused {
			state = wire.Refused
		}
		out = append(out, wire.Delivery{Number: d.Number, Agreement: d.Agreement, Partner: d.Partner, State: state, Clause: d.Clause, Why: terms.Line{Key: d.Key, Args: d.Args}})
	}
	return out, err
}

// Proofs gives the places of an item in ledgers. With verify, the proof file of each is made and checked as anybody would.
func (w wireExchange) Proofs(ctx context.Context, id news.ItemID, verify bool) ([]wire.Proof, error) {
	item, err := w.n.Library.Item(ctx, id)
	if err != nil {
		return nil, err
	}
	var sent []exchange.Delivery
	if item.Own {
		if sent, err = w.n.Exchange.Deliveries(ctx, id); err != nil {
			return nil, err
		}
	}
	var out []wire.Proof
	for _, way := range item.Ways {
		p := wire.Proof{
			Number: way.Number, Agreement: way.Agreement, By: item.Origin, Ledger: way.Ledger, Position: way.Seq, State: wire.Unchecked,
			File: "/proof/" + way.Ledger + "/" + number(way.Seq),
		}
		for _, h := range item.History {
			if h.Number == way.Number {
				p.Said, p.Held = h.Released, h.Arrived
			}
		}
		if item.Own {
			p.Held = firstHeld(sent, way)
		}
		if verify {
			if p.State, p.Why, err = w.check(ctx, ledger.ID(way.Ledger), way.Seq, id); err != nil {
				return nil, err
			}
		}
		out = append(out, p)
	}
	slices.SortStableFunc(out, func(a, b wire.Proof) int { return b.Number - a.Number })
	return out, nil
}

// firstHeld is since when the first partner has held what went by a place in a ledger; zero: none has said so.
func firstHeld(sent []exchange.Delivery, way library.Way) (first time.Time) {
	for _, d := range sent {
		if string(d.Ledger) == way.Ledger && d.Seq == way.Seq && !d.Durable.IsZero() && (first.IsZero() || d.Durable.Before(first)) {
			first = d.Durable
		}
	}
	return first
}

// check makes a proof file and checks it. A proof that does not hold is an answer; one that could not be made is an error.
func (w wireExchange) check(ctx context.Context, id ledger.ID, seq int64, item news.ItemID) (wire.ProofState, terms.Line, error) {
	b, about, err := w.n.Proofs().File(ctx, id, seq)
	if err != nil && !errors.Is(err, ledger.ErrDamaged) {
		return wire.Unchecked, terms.Line{}, err
	}
	if err == nil {
		_, err = protocol.VerifyProof(b)
	}
	if err != nil {
		return wire.Broken, terms.Line{Key: "exchange.proof_broken", Args: map[string]any{"cause": err.Error()}}, nil
	}
	if about != string(item) {
		return wire.Broken, terms.Line{Key: "exchange.proof_of_another"}, nil
	}
	return wire.Valid, terms.Line{}, nil
}

// directory has the names of partners and agreements.
type directory struct{ n *Node }

func (d directory) Partners(_ context.Context, lang string) ([]wire.Partner, error) {
	var out []wire.Partner
	for _, p := range d.n.Exchange.Partners() {
		out = append(out, wire.Partner{
			Root: p.Root, Name: partner.NameIn(p.Identity, lang), Href: "/partners/" + string(p.Root),
			Mark: page.NewMark(partner.OwnName(p.Identity), p.Root, false),
		})
	}
	return out, nil
}

func (d directory) Agreements(_ context.Context, lang string) ([]wire.Agreement, error) {
	var out []wire.Agreement
	for _, a := range d.n.Agreements.List() {
		if a.Current == nil {
			continue
		}
		out = append(out, wire.Agreement{ID: a.ID, Name: d.agreementName(a.Current.Terms, lang), Href: "/agreements/" + string(a.ID), Hosted: hosted(a.Current.Terms, news.Lang(lang))})
	}
	return out, nil
}

// hosted are the parties without a node.
func hosted(rev terms.Revision, lang news.Lang) (out []wire.Hosted) {
	for _, p := range rev.Parties {
		if p.Root == "" {
			out = append(out, wire.Hosted{Name: cmp.Or(p.Names.In(lang, rev.Prevails), p.Domain), Host: rev.PartyName(p.Host, lang)})
		}
	}
	return out
}

// Newsroom names a newsroom, our own among them.
func (d directory) Newsroom(root news.Root, lang string) duties.Newsroom {
	if root == d.n.Exchange.Root() {
		self := d.n.Exchange.Self()
		return duties.Newsroom{Name: partner.NameIn(self, lang), Mark: page.NewMark(partner.OwnName(self), root, true)}
	}
	out := duties.Newsroom{Name: d.n.Exchange.NameOf(root, lang)}
	if p, ok := d.n.Exchange.Partner(root); ok {
		out.Mark, out.Href = page.NewMark(partner.OwnName(p.Identity), root, false), "/partners/"+string(root)
		return out
	}
	out.Mark = page.NewMark(out.Name, root, false)
	return out
}

// Holders are the partners that have said that they hold the newest version of an item of ours, each once.
func (d directory) Holders(ctx context.Context, item news.ItemID) (out []news.Root, err error) {
	all, err := d.n.Exchange.Deliveries(ctx, item)
	for _, one := range all {
		if one.State == exchange.Delivered && !slices.Contains(out, one.Partner) {
			out = append(out, one.Partner)
		}
	}
	return out, err
}

// agreementName names an agreement by its other parties.
func (d directory) agreementName(rev terms.Revision, lang string) string {
	var names []string
	for _, p := range rev.Parties {
		if p.Root == d.n.Exchange.Root() {
			continue
		}
		if name := p.Names.In(news.Lang(lang), rev.Prevails); name != "" {
			names = append(names, name)
		} else {
			names = append(names, p.Domain)
		}
	}
	return strings.Join(names, " · ")
}

// bell rings when something on the wire has changed.
type bell struct{ n *Node }

func (b bell) Ring(ctx context.Context) <-chan struct{} {
	return b.n.Hub.Ring(ctx, "wire", "receipts", "agreements")
}
