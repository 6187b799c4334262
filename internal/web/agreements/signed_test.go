package agreements

import (
	"context"
	"crypto/ed25519"
	"testing"

	"newspool/internal/agreement"
	"newspool/internal/content"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
	"newspool/internal/web/page/pagetest"
	"newspool/protocol"
)

// alone is an exchange that carries nothing.
type alone struct{ ledgers *ledger.Service }

func (alone) Root() news.Root { return north }

func (x alone) OpenLedger(tx *store.Tx, id terms.AgreementID, _ []news.Root, _ string) (ledger.ID, error) {
	l := ledger.ID(protocol.NewID())
	return l, x.ledgers.Create(tx, ledger.Info{ID: l, Agreement: string(id), Owner: north, Own: true, Origin: protocol.Origin("north.example", string(l))})
}

func (x alone) SayIn(tx *store.Tx, _ terms.AgreementID, in ledger.ID, d ledger.Draft) (ledger.Position, error) {
	return x.ledgers.Append(tx, in, d)
}

// newRealDesk is a desk whose agreements are kept as in a node.
func newRealDesk(t *testing.T) (*desk, *agreement.Service) {
	t.Helper()
	d := newDesk(t)
	_, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	db := storetest.Open(t, content.Migrations(), ledger.Migrations(), agreement.Migrations())
	all := agreement.New(db, clockOfTests, d.bundle, nil)
	all.Join(alone{ledger.New(db, clockOfTests, func() ed25519.PrivateKey { return key })})
	d.serve(d.family.o.Shell, all)
	return d, all
}

// What is signed is the text that was shown, also where the newest number is not the one after the text in force.
func TestSignedIsShown(t *testing.T) {
	d, all := newRealDesk(t)
	v := d.begin(terms.Wire, "&hosted-name=Harbour+Paper&hosted-domain=harbour.example&hosted-kind=newspaper")
	v.Set("p1-langs", "en")
	signed := func(to string) agreement.Revision {
		t.Helper()
		_, v = d.press(200, to, v, "show")
		shown := v.Get("seen")
		for name, value := range map[string]string{"name": "Ada North", "office": "chief", "read": "yes", "act": "propose"} {
			v.Set(name, value)
		}
		d.goes("/agreements/", to, v)
		r, ok := all.Revision(terms.RevisionHash(shown))
		if !ok {
			t.Fatalf("the text that was shown, %s, was not signed", shown)
		}
		return r
	}
	first := signed(newTerms)
	to := path(first.Terms.Agreement)
	d.goes(to, to+"/sign-for", pagetest.Form("revision", string(first.Hash), "party", "1", "name", "Tom Quay", "office", "publisher", "how", "on paper"))
	v = fields(t, d.Page(200, "GET", to+"/amend", nil))
	second := signed(to + "/amend")
	d.goes(to, to+"/void", pagetest.Form("revision", string(second.Hash)))

	v = fields(t, d.Page(200, "GET", to+"/amend", nil))
	v.Set("notice_days", "60")
	if third := signed(to + "/amend"); third.Terms.Number != 3 || third.Terms.Predecessor != first.Hash {
		t.Errorf("the third text has the number %d after %s", third.Terms.Number, third.Terms.Predecessor)
	}
}

// What changes between reading and signing is read again.
func TestChangedMeanwhile(t *testing.T) {
	d, all := newRealDesk(t)
	ctx := context.Background()
	ours, hosted := ada, harbor
	r := terms.Template(terms.Wire, ours, hosted)
	r.Zone, r.SignBy = "Europe/Oslo", "2026-12-15"
	chief := agreement.Signer{Name: "Ada North", Office: "chief"}
	first, err := all.Propose(ctx, r, chief)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.SignFor(ctx, first, 1, agreement.Signer{Name: "Tom Quay", Office: "publisher", How: "on paper"}); err != nil {
		t.Fatal(err)
	}
	a := all.List()[0]
	to := path(a.ID) + "/amend"
	_, v := d.press(200, to, fields(t, d.Page(200, "GET", to, nil)), "show")
	shown := v.Get("seen")

	r = a.Current.Terms
	r.Predecessor, r.NoticeDays = first, 90
	other, err := all.Propose(ctx, r, chief)
	if err != nil {
		t.Fatal(err)
	}
	if err := all.Void(ctx, other); err != nil {
		t.Fatal(err)
	}
	v.Set("read", "yes")
	text, v := d.press(409, to, v, "propose")
	d.Contains(text, "were changed after their text was shown")
	if n := len(all.List()[0].Revisions); n != 2 || v.Get("seen") == shown {
		t.Errorf("%d texts, shown %s, then %s", n, shown, v.Get("seen"))
	}
	v.Set("read", "yes")
	v.Set("act", "propose")
	d.goes(path(a.ID), to, v)
	if _, ok := all.Revision(terms.RevisionHash(v.Get("seen"))); !ok {
		t.Error("the text that was shown again was not signed")
	}
}
