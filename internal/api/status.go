package api

import (
	"context"
	"math"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/news"
	"newspool/internal/terms"
)

// Link is how we stand with a partner.
type Link struct {
	Partner     news.Root          `json:"partner" doc:"The root key of the partner."`
	Domain      string             `json:"domain"`
	State       exchange.LinkState `json:"state" enum:"live,catching-up,late,silent,stopped,never,blocked"`
	LastContact string             `json:"lastContact,omitempty" format:"date-time"`
	Behind      int64              `json:"behindSeconds" doc:"Seconds since the last contact, where it is late."`
	Waiting     int64              `json:"waitingRecords" doc:"Records that the partner has told of and we do not hold yet."`
	Trouble     string             `json:"trouble,omitempty" doc:"Why the last connection failed, in a sentence."`
}

type linksOutput struct {
	Body struct {
		Links []Link `json:"links" nullable:"false"`
	}
}

func (a *API) links(_ context.Context, v *visit, _ *struct{}) (*linksOutput, error) {
	out := &linksOutput{}
	out.Body.Links = []Link{}
	for _, l := range a.o.Exchange.Links() {
		line := Link{Partner: l.Partner, Domain: l.Domain, State: l.State, LastContact: stamp(l.LastContact), Behind: int64(math.Ceil(l.Behind.Seconds())), Waiting: l.Waiting}
		if l.Error != nil {
			line.Trouble = terms.Sentence(v.printer, l.Error)
		}
		out.Body.Links = append(out.Body.Links, line)
	}
	return out, nil
}

// Delivery is what became of a version at a partner.
type Delivery struct {
	Version   int                    `json:"version"`
	Partner   news.Root              `json:"partner,omitempty" doc:"The root key of the partner."`
	Domain    string                 `json:"domain,omitempty"`
	Agreement terms.AgreementID      `json:"agreement,omitempty"`
	State     exchange.DeliveryState `json:"state" enum:"waiting,released,delivered,refused,reported" doc:"waiting: not sent yet, it goes by itself when what holds it is over, as a ceiling of the day; released: sent; delivered: durable at the partner, by its signature; refused: not sent, by a clause; reported: the partner says that something is wrong with it."`
	Released  string                 `json:"released,omitempty" format:"date-time"`
	Durable   string                 `json:"durable,omitempty" format:"date-time" doc:"When the partner's receipt was here."`
	Until     string                 `json:"until,omitempty" format:"date-time" doc:"When what waits for another day is offered again."`
	Clause    string                 `json:"clause,omitempty"`
	Why       string                 `json:"why,omitempty" doc:"A sentence in the language of Accept-Language."`
}

type deliveriesInput struct{ ItemPath }

type deliveriesOutput struct {
	Body struct {
		Deliveries []Delivery `json:"deliveries" nullable:"false"`
	}
}

func (a *API) deliveries(ctx context.Context, v *visit, in *deliveriesInput) (*deliveriesOutput, error) {
	item, err := a.o.Library.Item(ctx, in.item())
	if err != nil {
		return nil, err
	}
	out := &deliveriesOutput{}
	out.Body.Deliveries = []Delivery{}
	if !item.Own {
		return out, nil
	}
	list, err := a.o.Exchange.Deliveries(ctx, item.Item)
	if err != nil {
		return nil, err
	}
	domains := map[news.Root]string{}
	for _, l := range a.o.Exchange.Links() {
		domains[l.Partner] = l.Domain
	}
	for _, d := range list {
		line := Delivery{
			Version: d.Number, Partner: d.Partner, Domain: domains[d.Partner], Agreement: d.Agreement, State: d.State, Released: stamp(d.Released),
			Durable: stamp(d.Durable), Until: stamp(d.Until), Clause: d.Clause,
		}
		if d.Key != "" && v.printer.Has(d.Key) {
			line.Why = terms.Say(v.printer, terms.Line{Key: d.Key, Args: d.Args})
		}
		out.Body.Deliveries = append(out.Body.Deliveries, line)
	}
	return out, nil
}

func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
