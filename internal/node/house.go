package node

import (
	"context"
	"strconv"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/web/duties"
	"newspool/internal/web/page"
)

func number(n int64) string { return strconv.FormatInt(n, 10) }

// house is what the frame around the pages knows of the newsroom.
type house struct{ n *Node }

func (h house) Newsroom(_ context.Context, lang string) (page.Newsroom, error) {
	self := h.n.Exchange.Self()
	root := news.Root(self.Root)
	return page.Newsroom{
		Root: root, Name: partner.NameIn(self, lang), Lang: partner.OwnLanguage(self), Mark: page.NewMark(partner.OwnName(self), root, true),
	}, nil
}

func (h house) Links(_ context.Context, lang string) ([]page.Link, error) {
	var out []page.Link
	for _, l := range h.n.Exchange.Links() {
		out = append(out, h.link(l, lang))
	}
	return out, nil
}

func (h house) link(l exchange.Link, lang string) page.Link {
	return page.Link{
		Partner: l.Partner, Name: h.n.Exchange.NameOf(l.Partner, lang), State: page.LinkState(l.State), LastContact: l.LastContact,
		Behind: l.Behind, Waiting: l.Waiting, Href: "/partners/" + string(l.Partner),
	}
}

// Counts says where somebody must act, to those who may: agreements that wait for our signature, sources of our items that have changed, strangers who said hello.
func (h house) Counts(ctx context.Context, p page.Person) (map[string]int, error) {
	counts := map[string]int{}
	if p.Signatory {
		for _, a := range h.n.Agreements.List() {
			if a.State == agreement.ToSign {
				counts["agreements"]++
			}
		}
	}
	if p.Editor {
		open, err := h.n.Lineage.Open(ctx)
		if err != nil {
			return counts, err
		}
		counts["duties"] = len(duties.Waiting(open))
	}
	if !p.Partners() {
		return counts, nil
	}
	waiting, err := h.n.Exchange.Hellos(ctx)
	counts["partners"] = len(waiting)
	return counts, err
}

// accounts is what the pages ask about people.
type accounts struct{ n *Node }

func pagePerson(p people.Person) page.Person {
	return page.Person{
		ID: p.ID, Name: p.Name, Lang: string(p.Language), Theme: string(p.Theme), Compact: p.Compact, KeysOff: p.KeysOff,
		Editor: p.Has(people.Editor), Administrator: p.Has(people.Administrator), Signatory: p.Has(people.Signatory),
	}
}

func (a accounts) Person(ctx context.Context, token string) (page.Person, error) {
	p, err := a.n.People.BySession(ctx, token)
	return pagePerson(p), err
}

func (a accounts) SignIn(ctx context.Context, login, password, remote, agent string) (string, time.Time, error) {
	s, err := a.n.People.SignIn(ctx, login, password, remote, agent)
	return s.Token, s.Expires, err
}

func (a accounts) SignOut(ctx context.Context, token, remote string) error {
	return a.n.People.SignOut(ctx, token, remote)
}

// SetPreference keeps one choice of a person.
func (a accounts) SetPreference(ctx context.Context, id news.PersonID, name, value string) error {
	return a.n.People.SetPreferences(ctx, id, func(chosen *people.Preferences) error {
		switch name {
		case "language":
			chosen.Language = news.Lang(value)
		case "theme":
			chosen.Theme = people.Theme(value)
		case "keys":
			chosen.KeysOff = value == "off"
		case "compact":
			chosen.Compact = value == "on"
		default:
			return fault.New(fault.Invalid, "fault.request")
		}
		return nil
	})
}

// fullDisk is the free space in bytes below which no write can be counted upon.
const fullDisk = 4 << 20

// ready reports whether the database answers, and whether there is room to write.
func (n *Node) ready(ctx context.Context) error {
	if free, _, known := disk(n.Settings.Dir); known && free < fullDisk {
		return fault.New(fault.Unavailable, "fault.disk_full")
	}
	return n.DB.Read(ctx, func(r store.Reader) error {
		var one int
		return r.QueryRow(`SELECT 1`).Scan(&one)
	})
}
