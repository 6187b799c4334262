package agreements

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/agreement"
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

// The newsrooms of the tests.
var (
	north  = news.Root(strings.Repeat("a1", 32))
	soren  = news.Root(strings.Repeat("b2", 32))
	avand  = news.Root(strings.Repeat("c3", 32))
	baltra = news.Root(strings.Repeat("d4", 32))
)

// The parts of a node fit.
var (
	_ Agreements = (*agreement.Service)(nil)
	_ Signing    = (*agreement.Service)(nil)
	_ Life       = (*agreement.Service)(nil)
	_ Directory  = (*partner.Service)(nil)
)

var now = time.Date(2026, 11, 22, 12, 6, 0, 0, time.UTC)

// clockOfTests stands still.
func clockOfTests() time.Time { return now }

func zone() *time.Location { return time.FixedZone("NOR", 2*3600) }

func identity(root news.Root) protocol.Identity {
	return map[news.Root]protocol.Identity{
		north:  {Root: string(north), Domain: "north.example", Kind: "agency", Languages: []string{"en"}, Names: map[string]string{"en": "North Agency", "fa": "خبرگزاری شمال", "ru": "Северное агентство"}},
		soren:  {Root: string(soren), Domain: "soren.example", Kind: "radio", Languages: []string{"ru"}, Names: map[string]string{"en": "Radio Soren", "ru": "Радио Сорен", "fa": "رادیو سورن"}},
		avand:  {Root: string(avand), Domain: "avand.example", Kind: "agency", Languages: []string{"fa", "en"}, Names: map[string]string{"en": "Avand News", "fa": "خبرگزاری آوند"}},
		baltra: {Root: string(baltra), Domain: "baltra.example", Kind: "newspaper", Languages: []string{"en"}, Names: map[string]string{"en": "Baltra Press", "fa": "بالترا پرس"}},
	}[root]
}

// desk is everything that the pages ask, with agreements in every state.
type desk struct {
	pagetest.Reader
	mu     sync.Mutex
	bundle *i18n.Bundle
	family *Family
	person page.Person
	all    []agreement.Agreement
	hidden map[news.Root]bool // partners that are not pinned
	said   []string
	noted  []people.Act
	refuse error
	theirs string         // the author's words of a text
	last   terms.Revision // that was proposed
}

func newDesk(t testing.TB) *desk {
	t.Helper()
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	d := &desk{Reader: pagetest.Reader{T: t, Root: north, Token: "good", Lang: "en"}, bundle: bundle, hidden: map[news.Root]bool{}, person: page.Person{ID: "p1", Name: "Ada North", Editor: true, Signatory: true}}
	d.fill()
	shell, err := page.New(page.Options{
		Bundle: bundle, Root: north, House: d, Sessions: d, Zone: zone(), Clock: clockOfTests,
		Nav: []page.Entry{{Name: "wire", Href: "/wire", Key: "g w"}, {Name: "agreements", Href: "/agreements", Key: "g a"}, {Name: "partners", Href: "/partners", Key: "g p"}, {Name: "settings", Href: "/settings", Key: "g s"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	d.serve(shell, d)
	return d
}

// serve makes the pages over these agreements.
func (d *desk) serve(shell *page.Shell, all interface {
	Agreements
	Signing
	Life
}) {
	d.T.Helper()
	var err error
	d.family, err = New(Options{
		Shell: shell, Bundle: d.bundle, Agreements: all, Signing: all, Life: all, Directory: d, Documents: d, Audit: d, Zone: "Europe/Oslo",
		Remote: func(*http.Request) string { return "192.0.2.7" },
	})
	if err != nil {
		d.T.Fatal(err)
	}
	d.Mux = http.NewServeMux()
	d.family.Routes(d.Mux)
	shell.Routes(d.Mux)
}

func partyOf(root news.Root, name, office string) terms.Party {
	id := identity(root)
	p := terms.Party{Root: root, Domain: id.Domain, Kind: id.Kind, Names: terms.InLanguages{}, Signatory: terms.Signatory{Name: name, Office: office}}
	for lang, n := range id.Names {
		p.Names[news.Lang(lang)] = n
	}
	for _, lang := range id.Languages {
		p.Languages = append(p.Languages, news.Lang(lang))
	}
	return p
}

var (
	ada    = partyOf(north, "Ada North", "editor-in-chief")
	darya  = partyOf(avand, "Darya Avand", "managing director")
	anna   = partyOf(soren, "Анна Сорен", "директор программ")
	ben    = partyOf(baltra, "Ben Tide", "publisher")
	harbor = terms.Party{
		Host: north, Domain: "harbour.example", Kind: "newspaper", Languages: []news.Lang{"en"}, Names: terms.InLanguages{"en": "The Harbour Paper"},
		Signatory: terms.Signatory{Name: "Tom Quay", Office: "publisher"},
	}
)

func day(n int) time.Time { return now.AddDate(0, 0, n) }

// id is an agreement id of a number.
func id(n int) terms.AgreementID { return terms.AgreementID(fmt.Sprintf("%032x", n)) }

// draft completes a template.
func (d *desk) draft(n int, kind terms.Kind, change func(*terms.Revision), parties ...terms.Party) terms.Revision {
	r := terms.Template(kind, parties...)
	r.Agreement, r.Zone, r.SignBy = id(n), "Europe/Oslo", "2026-12-15"
	if change != nil {
		change(&r)
	}
	r.TextHashes = terms.HashTexts(r, func(lang news.Lang) terms.Printer { return d.bundle.Printer(string(lang), r.Location()) })
	return r
}

func revision(r terms.Revision, proposed time.Time, signers ...terms.Party) agreement.Revision {
	v := agreement.Revision{Hash: terms.Hash(r.Bytes()), Terms: r, Bytes: r.Bytes(), Proposed: proposed}
	for i, p := range signers {
		a := agreement.Answer{Party: agreement.PartyKey(p), Kind: "sign", Name: p.Signatory.Name, Office: p.Signatory.Office, At: proposed.Add(time.Duration(i) * 26 * time.Hour)}
		if p.Root == "" {
			a.Words = "on paper, 3 November"
		}
		v.Answers = append(v.Answers, a)
	}
	return v
}

func (d *desk) add(state agreement.State, revisions ...agreement.Revision) *agreement.Agreement {
	a := agreement.Agreement{ID: revisions[0].Terms.Agreement, Revisions: revisions, State: state}
	for i := range a.Revisions {
		r := &a.Revisions[i]
		if !r.Closed.IsZero() && a.Current == nil {
			a.Current = r
		}
		if r.Closed.IsZero() && r.Void.IsZero() && a.Open == nil {
			a.Open = r
		}
	}
	d.all = append(d.all, a)
	return &d.all[len(d.all)-1]
}

// fill makes agreements in every state; their numbers are the ids.
func (d *desk) fill() {
	d.add(agreement.ToSign, revision(d.draft(1, terms.Wire, func(r *terms.Revision) {
		r.Author, r.End = avand, "2028-12-31"
		r.Flows = []terms.Flow{
			{Clause: "2.1", Types: []news.ItemType{news.Text, news.Picture}, Subjects: []string{"medtop:11000000", "medtop:04000000"}, Except: []string{"medtop:20000574"}, Languages: []news.Lang{"fa", "en"}},
			{Clause: "2.2", From: []news.Root{avand}, Types: []news.ItemType{news.Video}, UrgencyMax: 3, Words: terms.WordTerms{Any: []string{"Nowruz", "نوروز"}}},
		}
	}, darya, ada), day(-1), darya))

	d.add(agreement.ToSign, revision(d.draft(2, terms.Pool, func(r *terms.Revision) { r.Author = soren }, anna, ada, darya, ben), day(-3), anna, darya))

	current := d.draft(3, terms.Wire, func(r *terms.Revision) { r.End = "2027-10-31" }, ada, ben)
	closed := revision(current, day(-40), ada, ben)
	closed.Closed = day(-39)
	changed := d.draft(3, terms.Wire, func(r *terms.Revision) {
		r.End, r.Number, r.Predecessor = "2028-10-31", 2, closed.Hash
		r.Uses.Publish = []terms.Channel{terms.Web, terms.Radio}
		r.Uses.Days = 30
		r.Commitments = r.Commitments[:1]
	}, ada, ben)
	d.add(agreement.InForce, revision(changed, day(-2), ada), closed)

	d.add(agreement.Waiting, revision(d.draft(4, terms.Programmes, nil, ada, anna, harbor), day(-1), ada))

	hosted := revision(d.draft(5, terms.Wire, nil, ada, anna, harbor), day(-100), ada, anna, harbor)
	hosted.Closed = day(-97)
	d.add(agreement.Suspended, hosted).Suspended = true

	archive := revision(d.draft(6, terms.OpenArchive, func(r *terms.Revision) { r.Author, r.Start = soren, "2027-01-01" }, anna, ada), day(-9), anna, ada)
	archive.Closed = day(-8)
	d.add(agreement.Signed, archive)

	no := revision(d.draft(7, terms.OneOff, nil, ada, ben), day(-60), ada)
	no.Answers = append(no.Answers, agreement.Answer{Party: string(baltra), Kind: "decline", Words: "We have no crew that week.", At: day(-58)})
	d.add(agreement.Declined, no)

	back := revision(d.draft(8, terms.Verification, nil, ada, darya), day(-70), ada)
	back.Void = day(-69)
	d.add(agreement.Void, back)

	old := revision(d.draft(9, terms.Wire, func(r *terms.Revision) { r.SignBy = "2025-12-01" }, ada, ben), day(-380), ada, ben)
	old.Closed = day(-379)
	d.add(agreement.Ended, old).Ends = day(-20)

	d.add(agreement.Expired, revision(d.draft(10, terms.Wire, func(r *terms.Revision) { r.SignBy = "2026-10-31" }, ada, darya), day(-50), ada))
}

// What the pages ask.

func (d *desk) List() []agreement.Agreement { return d.all }

func (d *desk) Get(id terms.AgreementID) (agreement.Agreement, bool) {
	for _, a := range d.all {
		if a.ID == id {
			return a, true
		}
	}
	return agreement.Agreement{}, false
}

func (d *desk) Revision(hash terms.RevisionHash) (agreement.Revision, bool) {
	for _, a := range d.all {
		for _, r := range a.Revisions {
			if r.Hash == hash {
				return r, true
			}
		}
	}
	return agreement.Revision{}, false
}

func (d *desk) say(also []func(*store.Tx) error, format string, args ...any) error {
	if d.refuse != nil {
		return d.refuse
	}
	d.said = append(d.said, fmt.Sprintf(format, args...))
	return (*store.Tx)(nil).Also(also)
}

func (d *desk) Complete(rev terms.Revision) terms.Revision {
	rev.Number = 1
	a, _ := d.Get(rev.Agreement)
	for _, r := range a.Revisions {
		rev.Number = max(rev.Number, r.Terms.Number+1)
	}
	rev.TextHashes = terms.HashTexts(rev, func(lang news.Lang) terms.Printer { return d.bundle.Printer(string(lang), rev.Location()) })
	return rev
}

func (d *desk) Propose(_ context.Context, rev terms.Revision, who agreement.Signer, also ...func(*store.Tx) error) (terms.RevisionHash, error) {
	d.last = rev
	return terms.Hash(rev.Bytes()), d.say(also, "propose %s %d by %s, %s", rev.Kind, rev.Number, who.Name, who.Office)
}

func (d *desk) Sign(_ context.Context, hash terms.RevisionHash, who agreement.Signer, also ...func(*store.Tx) error) error {
	return d.say(also, "sign %s by %s, %s", hash[:8], who.Name, who.Office)
}

func (d *desk) SignFor(_ context.Context, hash terms.RevisionHash, party int, who agreement.Signer, also ...func(*store.Tx) error) error {
	if who.How == "" {
		return fault.New(fault.Invalid, "agreement.how")
	}
	return d.say(also, "sign %s for %d by %s, %s: %s", hash[:8], party, who.Name, who.Office, who.How)
}

func (d *desk) Decline(_ context.Context, hash terms.RevisionHash, who agreement.Signer, also ...func(*store.Tx) error) error {
	return d.say(also, "decline %s: %s", hash[:8], who.How)
}

func (d *desk) Void(_ context.Context, hash terms.RevisionHash, also ...func(*store.Tx) error) error {
	return d.say(also, "void %s", hash[:8])
}

func (d *desk) Suspend(_ context.Context, id terms.AgreementID, on bool, also ...func(*store.Tx) error) error {
	return d.say(also, "suspend %s %t", id, on)
}

func (d *desk) Notice(_ context.Context, id terms.AgreementID, also ...func(*store.Tx) error) error {
	return d.say(also, "notice %s", id)
}

func (d *desk) Self() protocol.Identity { return identity(north) }

func (d *desk) Partners() []partner.Partner {
	var list []partner.Partner
	for _, root := range []news.Root{avand, baltra, soren} {
		if p, ok := d.Partner(root); ok {
			list = append(list, p)
		}
	}
	return list
}

func (d *desk) Partner(root news.Root) (partner.Partner, bool) {
	id := identity(root)
	if d.hidden[root] || root == north || id.Root == "" {
		return partner.Partner{}, false
	}
	p := partner.Partner{Root: root, Domain: id.Domain, Identity: id, Compared: day(-200)}
	if root == avand {
		p.Compared = time.Time{}
	}
	return p, true
}

func (d *desk) NameOf(root news.Root, lang string) string {
	names := identity(root).Names
	if n := names[lang]; n != "" {
		return n
	}
	return names["en"]
}

func (d *desk) Document(_ context.Context, _ terms.RevisionHash, lang news.Lang) (string, error) {
	if d.theirs == "" {
		return "", fault.New(fault.NotFound, "fault.not_found")
	}
	return d.theirs, nil
}

func (d *desk) Audit(_ *store.Tx, a people.Act) error {
	d.noted = append(d.noted, a)
	return nil
}

// The frame.

func (d *desk) Newsroom(_ context.Context, lang string) (page.Newsroom, error) {
	name := d.NameOf(north, lang)
	return page.Newsroom{Root: north, Name: name, Lang: "en", Mark: page.NewMark(name, north, true)}, nil
}

func (d *desk) Links(_ context.Context, lang string) ([]page.Link, error) {
	return []page.Link{{Partner: soren, Name: d.NameOf(soren, lang), State: page.LinkLive, Behind: 400 * time.Millisecond}, {Partner: avand, Name: d.NameOf(avand, lang), State: page.LinkSilent, Behind: 2 * time.Hour}}, nil
}

func (d *desk) Counts(context.Context, page.Person) (map[string]int, error) {
	return map[string]int{"agreements": 2}, nil
}

func (d *desk) Person(context.Context, string) (page.Person, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.person, nil
}
