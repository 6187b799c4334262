package agreement_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/fault"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/internal/terms"
	"newspool/protocol"
)

var errBroken = errors.New("test: the database does not answer")

// house is a newsroom whose exchange appends to its ledgers and carries nothing.
type house struct {
	*agreement.Service
	t       *testing.T
	db      *store.DB
	ledgers *ledger.Service
	root    news.Root
	domain  string
	read    map[ledger.ID]int64
	other   *house
	mute    bool // nothing may be said yet
	fails   terms.AgreementID
	broken  atomic.Bool // the database answers no question
}

func (h *house) Root() news.Root { return h.root }

func (h *house) OpenLedger(tx *store.Tx, id terms.AgreementID, _ []news.Root, _ string) (ledger.ID, error) {
	l := ledger.ID(protocol.NewID())
	return l, h.ledgers.Create(tx, ledger.Info{ID: l, Agreement: string(id), Owner: h.root, Own: true, Origin: protocol.Origin(h.domain, string(l))})
}

func (h *house) SayIn(tx *store.Tx, id terms.AgreementID, in ledger.ID, d ledger.Draft) (ledger.Position, error) {
	if h.mute {
		return ledger.Position{}, fault.New(fault.Unavailable, "exchange.unconfirmed")
	}
	if h.fails == id {
		return ledger.Position{}, errors.New("test: nothing can be said here")
	}
	return h.ledgers.Append(tx, in, d)
}

func open(t *testing.T, domain string) *house {
	t.Helper()
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	h := &house{t: t, root: news.Root(protocol.FormatRoot(pub)), domain: domain, read: map[ledger.ID]int64{}}
	h.db = storetest.OpenWith(t, store.Options{
		URL: storetest.URL(t, store.SQLite), Migrations: []store.Migration{content.Migrations(), ledger.Migrations(), agreement.Migrations()},
		Fault: func(op string) error {
			if op == "query" && h.broken.Load() {
				return errBroken
			}
			return nil
		},
	})
	h.ledgers = ledger.New(h.db, clock.System, func() ed25519.PrivateKey { return key })
	h.Service = agreement.New(h.db, clock.System, bundle, nil)
	h.Join(h)
	return h
}

// carry hands everything new that the other newsroom said to this one, as the exchange would.
func (h *house) carry() {
	h.t.Helper()
	ctx := context.Background()
	var said []ledger.Said
	err := h.other.db.Read(ctx, func(r store.Reader) error {
		all, err := ledger.All(r, "")
		if err != nil {
			return err
		}
		for _, i := range all {
			if !i.Own {
				continue
			}
			entries, err := ledger.Entries(r, i.ID, h.read[i.ID], i.Size)
			if err != nil {
				return err
			}
			for n, e := range entries {
				rec, err := protocol.ParseRecord(e.Record)
				if err != nil {
					return err
				}
				d := ledger.Said{Ledger: i.ID, Agreement: terms.AgreementID(i.Agreement), Owner: h.other.root, Seq: h.read[i.ID] + int64(n), Record: rec, Bytes: e.Record}
				for _, c := range e.Contents {
					d.Contents = append(d.Contents, c.Bytes)
				}
				said = append(said, d)
			}
			h.read[i.ID] = i.Size
		}
		return nil
	})
	if err != nil {
		h.t.Fatal(err)
	}
	for _, d := range said {
		err := h.db.Write(ctx, func(tx *store.Tx) error {
			if _, err := ledger.Get(tx, d.Ledger); errors.Is(err, ledger.ErrUnknown) {
				if err := h.ledgers.Create(tx, ledger.Info{ID: d.Ledger, Agreement: string(d.Agreement), Owner: d.Owner, Origin: protocol.Origin(h.other.domain, string(d.Ledger))}); err != nil {
					return err
				}
			}
			return h.Fold(tx, d)
		})
		if err != nil {
			h.t.Fatal(err)
		}
	}
}

func pair(t *testing.T) (a, b *house, rev terms.Revision) {
	a, b = open(t, "north.example"), open(t, "soren.example")
	a.other, b.other = b, a
	party := func(h *house, signs string) terms.Party {
		p := terms.Party{Root: h.root, Domain: h.domain, Names: terms.InLanguages{"en": h.domain}, Kind: "agency", Languages: []news.Lang{"en"}}
		if signs != "" {
			p.Signatory = terms.Signatory{Name: signs, Office: "Editor in chief"}
		}
		return p
	}
	rev = terms.Template(terms.Wire, party(a, "A. Thorley"), party(b, ""))
	rev.SignBy = terms.DateOf(time.Now().AddDate(0, 0, 10), time.UTC)
	return a, b, rev
}

var chief = agreement.Signer{Name: "A. Thorley", Office: "Editor in chief"}

// Both fold the same records to the same state, and it is still there after a start.
func TestFromProposalToForce(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	hash, err := a.Propose(ctx, rev, chief)
	if err != nil {
		t.Fatal(err)
	}
	b.carry()
	if l := b.List(); len(l) != 1 || l[0].State != agreement.ToSign {
		t.Fatalf("the other side has %+v", l)
	}
	if _, err := a.Propose(ctx, withID(rev, a.List()[0].ID), chief); !fault.Is(err, fault.Conflict) {
		t.Errorf("a second open signature of ours: %v", err)
	}
	if err := b.Sign(ctx, hash, chief); err != nil {
		t.Fatal(err)
	}
	if err := b.Sign(ctx, hash, chief); !fault.Is(err, fault.Conflict) {
		t.Errorf("signing twice: %v", err)
	}
	if len(b.Active()) != 0 {
		t.Error("in force before the author has closed it")
	}
	a.carry()
	b.carry()
	for _, h := range []*house{a, b} {
		if s := h.Active(); len(s) != 1 || s[0].Hash != hash {
			t.Errorf("%s: %d agreements are active", h.domain, len(s))
		}
		again := agreement.New(h.db, clock.System, nil, nil)
		again.Join(h)
		if err := again.Load(ctx); err != nil {
			t.Fatal(err)
		}
		if got, ok := again.Get(h.List()[0].ID); !ok || got.State != agreement.InForce {
			t.Errorf("%s: after a start %v", h.domain, got.State)
		}
	}
	if err := b.Suspend(ctx, b.List()[0].ID, true); err != nil {
		t.Fatal(err)
	}
	a.carry()
	if s := a.Active(); len(s) != 1 || !s[0].Suspended {
		t.Error("the partner's suspension does not hold us")
	}
}

func withID(rev terms.Revision, id terms.AgreementID) terms.Revision {
	rev.Agreement, rev.Number = id, 1
	return rev
}

func TestDeclinedAndVoid(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	hash, err := a.Propose(ctx, rev, chief)
	if err != nil {
		t.Fatal(err)
	}
	b.carry()
	if err := b.Decline(ctx, hash, agreement.Signer{How: "Sport is missing."}); err != nil {
		t.Fatal(err)
	}
	a.carry()
	if s := a.List()[0].State; s != agreement.Declined {
		t.Errorf("after a no: %s", s)
	}
	if err := b.Void(ctx, hash); !fault.Is(err, fault.Conflict) {
		t.Errorf("a text of another author was taken back: %v", err)
	}
	if err := a.Void(ctx, hash); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Propose(ctx, withID(rev, a.List()[0].ID), chief); err != nil {
		t.Errorf("a new text after that: %v", err)
	}
}

// What is not what the signatory has seen is not signed.
func TestSeen(t *testing.T) {
	a, _, rev := pair(t)
	ctx := context.Background()
	seen := a.Complete(rev)
	changed := seen
	changed.NoticeDays++
	who := chief
	who.Seen = terms.Hash(seen.Bytes())
	if _, err := a.Propose(ctx, changed, who); fault.Of(err).Key != "agreement.text_changed" || len(a.List()) != 0 {
		t.Errorf("another text than was seen: %v", err)
	}
	if hash, err := a.Propose(ctx, seen, who); err != nil || hash != who.Seen {
		t.Errorf("the text that was seen, %s, became %s: %v", who.Seen, hash, err)
	}
}

// What is to be done also is done together with the act, or neither is.
func TestTogether(t *testing.T) {
	a, b, rev := pair(t)
	ctx := context.Background()
	full := errors.New("the audit is full")
	fails := func(*store.Tx) error { return full }
	if _, err := a.Propose(ctx, rev, chief, fails); !errors.Is(err, full) || len(a.List()) != 0 {
		t.Errorf("proposed without its row of the audit: %v", err)
	}
	noted := 0
	note := func(*store.Tx) error { noted++; return nil }
	hash, err := a.Propose(ctx, rev, chief, note)
	if err != nil {
		t.Fatal(err)
	}
	id := a.List()[0].ID
	b.carry()
	for name, act := range map[string]func() error{
		"sign":    func() error { return b.Sign(ctx, hash, chief, fails) },
		"decline": func() error { return b.Decline(ctx, hash, agreement.Signer{How: "Too broad."}, fails) },
		"void":    func() error { return a.Void(ctx, hash, fails) },
	} {
		if err := act(); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := b.Sign(ctx, hash, chief, note); err != nil {
		t.Errorf("signing after that: %v", err)
	}
	a.carry()
	b.carry()
	for name, act := range map[string]func(...func(*store.Tx) error) error{
		"suspend": func(also ...func(*store.Tx) error) error { return a.Suspend(ctx, id, true, also...) },
		"notice":  func(also ...func(*store.Tx) error) error { return a.Notice(ctx, id, also...) },
	} {
		if err := act(fails); !errors.Is(err, full) {
			t.Errorf("%s: %v", name, err)
		}
		if err := act(note); err != nil {
			t.Errorf("%s after that: %v", name, err)
		}
	}
	if noted != 4 {
		t.Errorf("%d acts were noted, want 4", noted)
	}
}
