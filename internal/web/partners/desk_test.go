package partners

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/internal/web/page"
	"newspool/internal/web/page/pagetest"
	"newspool/protocol"
)

// The parts of a node fit.
var (
	_ Directory  = (*partner.Service)(nil)
	_ Door       = (*partner.Service)(nil)
	_ Own        = (*partner.Service)(nil)
	_ Links      = (*exchange.Service)(nil)
	_ Agreements = (*agreement.Service)(nil)
)

var now = time.Date(2026, 11, 22, 12, 6, 0, 0, time.UTC)

func zone() *time.Location { return time.FixedZone("NOR", 2*3600) }

// room is a newsroom of the tests with its identity document.
type room struct {
	id   protocol.Identity
	keys protocol.Keys
	doc  []byte
	root news.Root
}

func newRoom(t testing.TB, seed byte, domain, kind string, names map[string]string, langs ...string) room {
	t.Helper()
	key := func(n byte) ed25519.PrivateKey {
		return ed25519.NewKeyFromSeed([]byte(strings.Repeat(string([]byte{seed, n}), 16)))
	}
	root, log := key(1), key(2)
	public := func(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }
	r := room{id: protocol.Identity{
		Number: 3, Root: protocol.FormatRoot(public(root)), Domain: domain, Base: "https://" + domain, Names: names, Kind: kind, Languages: langs, Contact: "desk@" + domain,
	}}
	var list protocol.Keys
	for i, e := range []protocol.KeyEntry{
		{Act: protocol.ActAdd, Role: protocol.RoleLog, Key: protocol.FormatPublic(public(log))},
		{Act: protocol.ActAdd, Role: protocol.RoleCosigner, Key: protocol.FormatPublic(public(key(3)))},
		{Act: protocol.ActStolen, Role: protocol.RoleCosigner, Key: protocol.FormatPublic(public(key(3)))},
	} {
		e.Root, e.Number, e.Previous, e.Time = r.id.Root, i+1, list.Last(), now.AddDate(0, -3, i).UnixMicro()
		raw, err := protocol.SignKeyEntry(e, root)
		if err != nil {
			t.Fatal(err)
		}
		list.Raw = append(list.Raw, raw)
	}
	r.id.Keys = list.Raw
	var err error
	if r.doc, err = protocol.SignIdentity(r.id, log); err != nil {
		t.Fatal(err)
	}
	if r.id, r.keys, err = protocol.ParseIdentity(r.doc); err != nil {
		t.Fatal(err)
	}
	r.root = news.Root(r.id.Root)
	return r
}

// desk is everything that the pages ask.
type desk struct {
	pagetest.Reader
	mu                                 sync.Mutex
	bundle                             *i18n.Bundle
	family                             *Family
	person                             page.Person
	north, soren, avand, baltra, south room
	known                              map[news.Root]partner.Partner
	links                              []exchange.Link
	hellos                             []partner.Waiting
	wrong                              []exchange.Trouble
	silent                             []terms.AgreementID
	stalled                            []exchange.Stall
	pacts                              []agreement.Agreement
	wait, gone                         bool
	answers                            map[string]room // by address
	domains                            map[string]any  // a room, or an error
	said                               []string
	noted                              []people.Act
	refuse                             error
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{Reader: pagetest.Reader{T: t, Mux: http.NewServeMux(), Token: "good", Lang: "en"}, bundle: bundle, wait: true, person: page.Person{ID: "p1", Name: "Ada North", Administrator: true, Signatory: true}}
	d.north = newRoom(t, 1, "north.example", "agency", map[string]string{"en": "North Agency", "fa": "خبرگزاری شمال"}, "en")
	d.Root = d.north.root
	d.soren = newRoom(t, 2, "soren.example", "radio", map[string]string{"en": "Radio Soren", "ru": "Радио Сорен", "fa": "رادیو سورن"}, "ru")
	d.avand = newRoom(t, 3, "avand.example", "agency", map[string]string{"en": "Avand News", "fa": "خبرگزاری آوند"}, "fa", "en")
	d.baltra = newRoom(t, 4, "baltra.example", "newspaper", map[string]string{"en": "Baltra Press", "fa": "بالترا پرس"}, "en")
	d.south = newRoom(t, 5, "south.example", "online", map[string]string{"en": "South Post"}, "en", "es")
	d.fill()
	shell, err := page.New(page.Options{
		Bundle: bundle, Root: d.north.root, House: d, Sessions: d, Zone: zone(), Clock: func() time.Time { return now },
		Nav: []page.Entry{{Name: "wire", Href: "/wire", Key: "g w"}, {Name: "agreements", Href: "/agreements", Key: "g a"}, {Name: "partners", Href: "/partners", Key: "g p"}, {Name: "settings", Href: "/settings", Key: "g s"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.family, err = New(Options{
		Shell: shell, Directory: d, Door: d, Links: way{d}, Network: d, Own: d, RootKey: d, Agreements: pacts{d}, Audit: d, Remote: func(*http.Request) string { return "192.0.2.7" },
	})
	if err != nil {
		t.Fatal(err)
	}
	d.family.Routes(d.Mux)
	shell.Routes(d.Mux)
	return d
}

func (d *desk) fill() {
	d.known = map[news.Root]partner.Partner{}
	for i, r := range []room{d.soren, d.avand, d.baltra, d.south} {
		p := partner.Partner{Root: r.root, Domain: r.id.Domain, Base: r.id.Base, Identity: r.id, Keys: r.keys, Added: now.AddDate(0, -i-1, 0), DomainAgrees: i != 1}
		if i != 1 {
			p.Compared = now.AddDate(0, -i-1, 2)
		}
		d.known[r.root] = p
	}
	south := d.known[d.south.root]
	south.Blocked = true
	d.known[d.south.root] = south
	d.links = []exchange.Link{
		{Partner: d.avand.root, Domain: "avand.example", State: exchange.LinkSilent, LastContact: now.Add(-2 * time.Hour), Behind: 2 * time.Hour, Waiting: 14, Skew: -190 * time.Second,
			Error: fault.New(fault.Unavailable, "partner.unreachable", "address", "avand.example")},
		{Partner: d.baltra.root, Domain: "baltra.example", State: exchange.LinkCatchingUp, LastContact: now.Add(-2 * time.Second), Waiting: 1204},
		{Partner: d.soren.root, Domain: "soren.example", State: exchange.LinkLive, LastContact: now.Add(-400 * time.Millisecond)},
		{Partner: d.south.root, Domain: "south.example", State: exchange.LinkNever},
	}
	coast := newRoom(d.T, 6, "coast.example", "radio", map[string]string{"en": "Coast Radio"}, "en")
	d.hellos = []partner.Waiting{{ID: "h1", Identity: coast.id, Received: now.Add(-40 * time.Minute), Hello: protocol.Hello{Words: "Good evening from the coast. We cover the islands and would like to exchange ferry and weather news.", Agreement: "1"}}}
	d.wrong = []exchange.Trouble{
		{Partner: d.baltra.root, Seq: 18204, Kind: "aside", Key: "terms.aside.subject", Args: map[string]any{"partner": map[string]any{"en": "Baltra Press", "fa": "بالترا پرس"}, "clause": "2.1", "subject": "@subject:medtop:15000000"}, At: now.Add(-20 * time.Minute)},
		{Partner: d.soren.root, Seq: 311, Kind: "missing", Key: "exchange.content_missing", At: now.Add(-26 * time.Hour)},
		{Partner: d.soren.root, Seq: 12, Kind: "x", Key: "later.release", At: now.AddDate(0, 0, -9)},
	}
	us, them := terms.Party{Root: d.north.root, Domain: "north.example", Names: terms.InLanguages{"en": "North Agency"}}, terms.Party{Root: d.soren.root, Domain: "soren.example", Names: terms.InLanguages{"en": "Radio Soren", "fa": "رادیو سورن"}}
	rev := agreement.Revision{Hash: "1", Terms: terms.Template(terms.Wire, us, them), Proposed: now.AddDate(0, -2, 0), Closed: now.AddDate(0, -2, 3)}
	d.pacts = []agreement.Agreement{{ID: "a1", Revisions: []agreement.Revision{rev}, Current: &rev, State: agreement.InForce}}
	d.silent = []terms.AgreementID{"a1"}
	d.answers = map[string]room{"https://coast.example": coast, "https://news.coast.example:8700": coast, "https://soren.example": d.soren, "https://north.example": d.north}
	d.domains = map[string]any{"coast.example": coast, "soren.example": d.soren}
}

// What the pages ask.

func (d *desk) Partners() []partner.Partner {
	var list []partner.Partner
	for _, r := range []room{d.avand, d.baltra, d.soren, d.south} {
		if p, ok := d.known[r.root]; ok {
			list = append(list, p)
		}
	}
	return list
}

func (d *desk) Partner(root news.Root) (partner.Partner, bool) {
	p, ok := d.known[root]
	return p, ok
}

func (d *desk) NameOf(root news.Root, lang string) string {
	if root == d.north.root {
		return partner.NameIn(d.north.id, lang)
	}
	return partner.NameIn(d.known[root].Identity, lang)
}

func (d *desk) Hellos(context.Context) ([]partner.Waiting, error) { return d.hellos, nil }

func (d *desk) say(also []func(*store.Tx) error, format string, args ...any) error {
	if d.refuse != nil {
		return d.refuse
	}
	d.said = append(d.said, fmt.Sprintf(format, args...))
	return (*store.Tx)(nil).Also(also)
}

func (d *desk) Pin(_ context.Context, doc []byte, agrees bool, also ...func(*store.Tx) error) (partner.Partner, error) {
	id, keys, err := protocol.ParseIdentity(doc)
	if err != nil {
		return partner.Partner{}, err
	}
	p := partner.Partner{Root: news.Root(id.Root), Domain: id.Domain, Identity: id, Keys: keys, DomainAgrees: agrees}
	if err := d.say(also, "pin %s %t", id.Domain, agrees); err != nil {
		return p, err
	}
	d.known[p.Root] = p
	return p, nil
}

func (d *desk) Compared(_ context.Context, root news.Root, by news.PersonID, also ...func(*store.Tx) error) error {
	return d.say(also, "compared %s by %s", d.known[root].Domain, by)
}

func (d *desk) Block(_ context.Context, root news.Root, blocked bool, also ...func(*store.Tx) error) error {
	return d.say(also, "block %s %t", d.known[root].Domain, blocked)
}

func (d *desk) DismissHello(_ context.Context, root news.Root, also ...func(*store.Tx) error) error {
	return d.say(also, "dismiss %t", string(root) == d.hellos[0].Identity.Root)
}

func (d *desk) Identity(_ context.Context, base string) ([]byte, error) {
	if r, ok := d.answers[base]; ok {
		return r.doc, nil
	}
	if strings.Contains(base, "10.0.0.7") {
		return nil, fmt.Errorf("get: %w", fault.New(fault.Denied, "fault.address", "address", "10.0.0.7", "flag", "--allow-net", "network", "10.0.0.7/32"))
	}
	if strings.Contains(base, "broken") {
		return nil, errors.New("no words")
	}
	return nil, fault.New(fault.Unavailable, "partner.unreachable", "address", strings.TrimPrefix(base, "https://"))
}

func (d *desk) DomainRoot(_ context.Context, domain string) (news.Root, error) {
	switch x := d.domains[domain].(type) {
	case room:
		return x.root, nil
	case error:
		return "", x
	}
	return "", fault.New(fault.Unavailable, "fault.unknown_host", "host", domain)
}

func (d *desk) Greet(_ context.Context, root news.Root, words string) error {
	return d.say(nil, "hello %s: %s", d.known[root].Domain, words)
}

func (d *desk) Self() protocol.Identity { return d.north.id }

func (d *desk) Document() []byte { return d.north.doc }

func (d *desk) MyKeys() (protocol.Keys, error) { return d.north.keys, nil }

func (d *desk) Waiting(context.Context) (bool, error) { return d.wait, nil }

func (d *desk) Key(context.Context) ([]byte, string, error) {
	if d.gone {
		return nil, "", nil
	}
	return []byte("seed: 00ff\n"), strings.TrimSpace(strings.Repeat("anchor ferry winter tide ", 6)), nil
}

func (d *desk) Stored(_ context.Context, also ...func(*store.Tx) error) error {
	d.wait, d.gone = false, true
	return d.say(also, "stored")
}

func (d *desk) Audit(_ *store.Tx, a people.Act) error { return d.Note(context.Background(), a) }

func (d *desk) Note(_ context.Context, a people.Act) error {
	d.noted = append(d.noted, a)
	return nil
}

// way is the exchange.
type way struct{ d *desk }

func (w way) Links() []exchange.Link { return w.d.links }

func (w way) Troubles(_ context.Context, of news.Root, _ int) (list []exchange.Trouble, err error) {
	for _, t := range w.d.wrong {
		if of == "" || t.Partner == of {
			list = append(list, t)
		}
	}
	return list, nil
}

func (w way) Stalled(context.Context) ([]exchange.Stall, error) { return w.d.stalled, nil }
func (w way) Unconfirmed() []terms.AgreementID                  { return w.d.silent }

func (w way) Resume(_ context.Context, root news.Root, also ...func(*store.Tx) error) (exchange.Resumed, error) {
	return exchange.Resumed{Records: 1}, w.d.say(also, "resume %s", w.d.known[root].Domain)
}

func (w way) OpenHello(_ context.Context, id string, also ...func(*store.Tx) error) (partner.Partner, error) {
	for _, h := range w.d.hellos {
		if h.ID == id {
			p := partner.Partner{Root: news.Root(h.Identity.Root), Domain: h.Identity.Domain, Identity: h.Identity}
			w.d.known[p.Root] = p
			return p, w.d.say(also, "open %s", id)
		}
	}
	return partner.Partner{}, fault.New(fault.NotFound, "partner.no_hello")
}

type pacts struct{ d *desk }

func (p pacts) List() []agreement.Agreement { return p.d.pacts }

// The frame.

func (d *desk) Newsroom(_ context.Context, lang string) (page.Newsroom, error) {
	name := d.NameOf(d.north.root, lang)
	return page.Newsroom{Root: d.north.root, Name: name, Lang: "en", Mark: page.NewMark(name, d.north.root, true)}, nil
}

// frame gives the links to the frame.
func (d *desk) frame(lang string) []page.Link {
	return []page.Link{{Partner: d.soren.root, Name: d.NameOf(d.soren.root, lang), State: page.LinkLive, Behind: 400 * time.Millisecond}, {Partner: d.avand.root, Name: d.NameOf(d.avand.root, lang), State: page.LinkSilent, Behind: 2 * time.Hour}}
}

func (d *desk) Links(_ context.Context, lang string) ([]page.Link, error) { return d.frame(lang), nil }

func (d *desk) Counts(context.Context, page.Person) (map[string]int, error) {
	return map[string]int{"partners": 1}, nil
}

func (d *desk) Person(context.Context, string) (page.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.person, nil
}
