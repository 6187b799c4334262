package wire

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"time"

	"newspool/internal/i18n"
	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/internal/web/page"
)

// proofLine is one place in a ledger as it is shown.
type proofLine struct {
	Number   int
	By       string
	Position string
	Ledger   string
	Said     string
	Held     string
	HeldAt   time.Time
	State    ProofState
	Word     string
	Why      string
	Name     string // of the agreement
	Href     string
	File     string
}

// deliveryLine is one partner in the table of an own item.
type deliveryLine struct {
	root   news.Root
	Mark   page.Mark
	Name   string
	State  DeliveryState
	Icon   string
	Word   string
	Clock  string
	At     time.Time
	Why    string
	Clause string
	Under  string
	Href   string
	More   []deliveryLine // what became of it under other agreements with the same partner
}

// sent counts where the newest version has arrived.
type sent struct {
	All, Have, Refused int
	Draft              bool
	Open               bool // some have not answered yet
	Text               string
}

// agreements adds what agreements and ledgers say.
func (f *Family) agreements(ctx context.Context, c painter, a *article, item library.Item) error {
	known, err := f.o.Directory.Agreements(ctx, c.p.Lang())
	if err != nil {
		return err
	}
	if item.Own {
		list, err := f.o.Exchange.Deliveries(ctx, item.Item)
		if err != nil {
			return err
		}
		a.deliveries(c, list, known, item.State == news.Unreleased)
	} else if item.State != news.Withdrawn {
		list, err := f.o.Exchange.Permits(ctx, item.Item)
		if err != nil {
			return err
		}
		a.permits(c, list, known)
	}
	proofs, err := f.o.Exchange.Proofs(ctx, item.Item, false)
	if err != nil {
		return err
	}
	a.Proofs = proofLines(c, proofs, known)
	return nil
}

func agreementOf(known []Agreement, id terms.AgreementID) Agreement {
	for _, a := range known {
		if a.ID == id {
			return a
		}
	}
	return Agreement{ID: id, Name: string(id[:min(len(id), 8)])}
}

// permits makes the strips: what may be done, what not, what not yet; permission first. Agreements that say the same share one.
func (a *article) permits(c painter, list []Permit, known []Agreement) {
	order := map[terms.Answer]int{terms.Yes: 0, terms.NotYet: 1, terms.No: 2}
	if len(list) == 0 {
		a.Permits = []permitLine{{Kind: "no", Icon: "closed", Text: c.p.T("story.no_terms")}}
	}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y Permit) int { return cmp.Compare(order[x.Answer], order[y.Answer]) })
	for _, p := range list {
		under := agreementOf(known, p.Agreement)
		line := permitLine{Kind: "yes", Icon: "shield", Text: terms.SayAll(c.p, p.Lines)}
		switch p.Answer {
		case terms.No:
			line.Kind, line.Icon = "no", "closed"
		case terms.NotYet:
			line.Kind, line.Icon = "later", "clock"
		}
		place := underLine{p.Clause, under.Name, under.Href}
		if i := slices.IndexFunc(a.Permits, func(l permitLine) bool { return l.Kind == line.Kind && l.Text == line.Text }); i >= 0 {
			a.Permits[i].Under = append(a.Permits[i].Under, place)
			continue
		}
		line.Under = []underLine{place}
		a.Permits = append(a.Permits, line)
	}
}

// deliveries makes the table of partners, those that somebody should look at first. A partner stands once: what it holds under
// one agreement is not missing because another one did not take it.
func (a *article) deliveries(c painter, list []Delivery, known []Agreement, draft bool) {
	order := []DeliveryState{Delivered, Reported, Released, Waiting, WouldGo, Refused}
	list = slices.Clone(list)
	slices.SortStableFunc(list, func(x, y Delivery) int {
		return cmp.Compare(slices.Index(order, x.State), slices.Index(order, y.State))
	})
	for _, d := range list {
		if d.Number != a.Version {
			continue
		}
		line := c.delivery(d, known)
		if d.State != Refused {
			a.hosted(c, agreementOf(known, d.Agreement))
		}
		if i := slices.IndexFunc(a.Deliveries, func(l deliveryLine) bool { return l.root == d.Partner }); i >= 0 {
			switch {
			case d.State == a.Deliveries[i].State && d.State != Refused && d.State != Waiting:
				line.Why = c.p.T("item.delivery.also_under", "name", line.Under)
			case d.State == Refused && a.Deliveries[i].State != Refused:
				line.Why = c.p.T("item.delivery.not_under", "name", line.Under)
			}
			a.Deliveries[i].More = append(a.Deliveries[i].More, line)
			continue
		}
		a.Deliveries = append(a.Deliveries, line)
		a.Sent.All++
		switch d.State {
		case Delivered:
			a.Sent.Have++
		case Refused:
			a.Sent.Refused++
		}
	}
	rank := map[DeliveryState]int{Reported: 0, Waiting: 1, Released: 1, Delivered: 2, WouldGo: 2, Refused: 3}
	slices.SortStableFunc(a.Deliveries, func(x, y deliveryLine) int {
		return cmp.Or(cmp.Compare(rank[x.State], rank[y.State]), cmp.Compare(x.Name, y.Name))
	})
	a.Sent.Draft = draft
	goes := a.Sent.All - a.Sent.Refused
	a.Sent.Open = !draft && a.Sent.Have < goes
	switch {
	case a.Sent.All == 0:
		a.Sent.Text = c.p.T("item.sent_nobody")
	case goes == 0:
		a.Sent.Text = c.p.T("item.sent_none")
	case draft:
		a.Sent.Text = c.p.T("item.sent_would", "n", goes, "all", a.Sent.All)
	default:
		a.Sent.Text = c.p.T("item.sent_have", "n", a.Sent.Have, "all", goes)
	}
}

// hosted adds the parties of an agreement that have no node. Nothing is sent to them, so they are not counted.
func (a *article) hosted(c painter, under Agreement) {
	for _, h := range under.Hosted {
		line := deliveryLine{Name: h.Name, Mark: page.NewMark(h.Name, "", false), State: "hosted", Why: c.p.T("item.delivery.hosted", "host", h.Host), Under: under.Name, Href: under.Href}
		if !slices.ContainsFunc(a.Hosted, func(l deliveryLine) bool { return l.Name == line.Name && l.Why == line.Why }) {
			a.Hosted = append(a.Hosted, line)
		}
	}
}

// delivery is one line of the table.
func (c painter) delivery(d Delivery, known []Agreement) deliveryLine {
	under := agreementOf(known, d.Agreement)
	line := deliveryLine{
		root: d.Partner, Name: c.names.of(d.Partner), Mark: c.names.mark(d.Partner, false), State: d.State, Clause: d.Clause,
		Under: under.Name, Href: under.Href,
	}
	if d.Why.Key != "" {
		line.Why = terms.Say(c.p, d.Why)
	}
	switch d.State {
	case Delivered:
		line.Icon, line.Word, line.Clock, line.At = "check", c.p.T("item.delivery.delivered"), c.p.Moment(d.Durable, c.now), d.Durable
	case Refused:
		line.Icon, line.Word = "no", c.p.T("item.delivery.refused")
	case Reported:
		line.Icon, line.Word = "warn", c.p.T("item.delivery.reported")
	case WouldGo:
		line.Icon, line.Word = "open", c.p.T("item.delivery.would")
	case Waiting:
		line.Icon, line.Word = "clock", c.p.T("item.delivery.waits")
		if !d.Until.IsZero() {
			line.Word, line.Clock, line.At = c.p.T("item.delivery.waits_until"), c.p.Moment(d.Until, c.now), d.Until
		}
	default:
		line.Icon, line.Word, line.Clock, line.At = "clock", c.p.T("item.delivery.waiting"), c.p.Moment(d.Released, c.now), d.Released
	}
	return line
}

func proofLines(c painter, proofs []Proof, known []Agreement) []proofLine {
	var out []proofLine
	for _, p := range proofs {
		under := agreementOf(known, p.Agreement)
		line := proofLine{
			Number: p.Number, By: c.names.of(p.By), Position: c.p.Number(p.Position), Ledger: p.Ledger, Said: c.p.Stamp(p.Said, c.now),
			Held: heldText(c, p.Held), HeldAt: p.Held, State: p.State, Name: under.Name, Href: under.Href,
		}
		if c.proves {
			line.File = p.File
		}
		switch p.State {
		case Valid:
			line.Word = c.p.T("item.proof.valid")
		case Broken:
			line.Word = c.p.T("item.proof.broken")
			if p.Why.Key != "" {
				line.Why = terms.Say(c.p, p.Why)
			}
		default:
			line.Word = c.p.T("item.proof.unchecked")
		}
		out = append(out, line)
	}
	return out
}

// heldText has the second: it is what a dispute would be about.
func heldText(c painter, t time.Time) string {
	if t.IsZero() {
		return ""
	}
	if c.p.SameDay(t, c.now) {
		return c.p.Seconds(t)
	}
	return c.p.Near(t, c.now) + " " + c.p.Seconds(t)
}

// proofPage is the proof alone, after it was checked again.
type proofPage struct {
	page.Base
	Item *article
}

// verify checks the proofs of an item again, from the stored bytes, and shows what it found.
func (f *Family) verify(w http.ResponseWriter, r *http.Request) error {
	id := itemOf(r)
	base := f.o.Shell.Base(r, "wire", "item.proof.title")
	c, err := f.painter(r, base)
	if err != nil {
		return err
	}
	item, err := f.o.Library.Item(r.Context(), id)
	if err != nil {
		return err
	}
	known, err := f.o.Directory.Agreements(r.Context(), base.Lang)
	if err != nil {
		return err
	}
	proofs, err := f.o.Exchange.Proofs(r.Context(), id, true)
	if err != nil {
		return err
	}
	a := f.frameOf(r, c, item)
	a.Full, a.Headline = true, item.Headline
	a.Proofs = proofLines(c, proofs, known)
	return page.Render(w, r, http.StatusOK, f.proof, proofPage{base, a})
}

// painter is one for a page, without a filter.
func (f *Family) painter(r *http.Request, base page.Base) (painter, error) {
	line, err := f.o.Library.LastLine(r.Context())
	if err != nil {
		return painter{}, err
	}
	partners, err := f.o.Directory.Partners(r.Context(), base.Lang)
	return painter{p: base.P, now: base.Now, names: names{base.Newsroom, partners}, line: line, proves: base.Person.MayProve()}, err
}

// itemOf is the item that a path names. A path that names none finds none.
func itemOf(r *http.Request) news.ItemID {
	return news.ItemOf(r.PathValue("domain") + "/" + r.PathValue("id"))
}

// itemPage is the page of one item.
type itemPage struct {
	page.Base
	Item *article
}

func (f *Family) itemPage(r *http.Request, id news.ItemID) (itemPage, error) {
	p := itemPage{Base: f.o.Shell.Base(r, "wire", "")}
	c, err := f.painter(r, p.Base)
	if err != nil {
		return p, err
	}
	p.Item, err = f.article(r, c, id)
	return p, err
}

func (f *Family) showItem(w http.ResponseWriter, r *http.Request) error {
	return f.showItemAs(w, r, itemOf(r), http.StatusOK, "")
}

// showItemAs shows the page of an item in answer to something else, with a message of why; "" for none.
func (f *Family) showItemAs(w http.ResponseWriter, r *http.Request, id news.ItemID, status int, key string) error {
	p, err := f.itemPage(r, id)
	if err != nil {
		return err
	}
	if key != "" {
		p.Back = p.Item.Path
		p.Item.Notice = &notice{Kind: "act", Icon: "warn", Text: p.P.T(key)}
	}
	p.Title = i18n.Isolate(p.Item.Headline)
	return page.Render(w, r, status, f.item, p)
}
