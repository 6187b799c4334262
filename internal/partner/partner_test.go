package partner_test

import (
	"context"
	"crypto/ed25519"
	"errors"
	"testing"
	"time"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

func newKey(t *testing.T) ed25519.PrivateKey {
	t.Helper()
	_, k, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// newsroom makes a service that is set up, with its root key.
func newsroom(t *testing.T, db *store.DB, domain string) (*partner.Service, ed25519.PrivateKey) {
	t.Helper()
	return newsroomOf(t, db, domain, partner.Keys{Log: newKey(t), Cosigner: newKey(t)})
}

func newsroomOf(t *testing.T, db *store.DB, domain string, keys partner.Keys) (*partner.Service, ed25519.PrivateKey) {
	t.Helper()
	s := partner.New(db, clock.System, keys, func(string, string) {})
	root := newKey(t)
	err := s.SetUp(context.Background(), root, partner.Profile{Domain: domain, Base: "https://" + domain, Names: map[string]string{"en": domain}, Kind: "agency", Languages: []string{"en"}})
	if err != nil {
		t.Fatal(err)
	}
	return s, root
}

func open(t *testing.T) *store.DB { return storetest.Open(t, partner.Migrations()) }

func TestPinning(t *testing.T) {
	ctx := context.Background()
	a, _ := newsroom(t, open(t), "north.example")
	b, _ := newsroom(t, open(t), "soren.example")
	first := b.Document()
	p, err := a.Pin(ctx, first, false)
	if err != nil {
		t.Fatal(err)
	}
	if p.Domain != "soren.example" || p.Fingerprint() != protocol.Fingerprint(string(b.Root())) {
		t.Errorf("pinned %s, %s", p.Domain, p.Fingerprint())
	}
	if err := b.Describe(ctx, partner.Profile{Domain: "soren.example", Base: "https://new.soren.example", Names: map[string]string{"en": "Radio Soren"}, Kind: "radio", Languages: []string{"ru"}}); err != nil {
		t.Fatal(err)
	}
	if p, err = a.Pin(ctx, b.Document(), false); err != nil || p.Base != "https://new.soren.example" {
		t.Errorf("a newer document gave %q, %v", p.Base, err)
	}
	if _, err := a.Pin(ctx, first, false); !fault.Is(err, fault.Conflict) {
		t.Errorf("an older document gave %v, want a conflict", err)
	}
	if _, err := a.Pin(ctx, a.Document(), false); !fault.Is(err, fault.Invalid) {
		t.Errorf("our own document gave %v, want a refusal", err)
	}
	if _, err := a.Pin(ctx, []byte(`{"note":"x"}`), false); !fault.Is(err, fault.Invalid) {
		t.Errorf("nonsense gave %v, want a refusal", err)
	}
}

// A newsroom with the same domain and another root is another newsroom: it never takes the place of the one that is pinned.
func TestAnotherRootOfTheSameDomain(t *testing.T) {
	ctx := context.Background()
	a, _ := newsroom(t, open(t), "north.example")
	b, _ := newsroom(t, open(t), "soren.example")
	impostor, _ := newsroom(t, open(t), "soren.example")
	for _, s := range []*partner.Service{b, impostor} {
		if _, err := a.Pin(ctx, s.Document(), false); err != nil {
			t.Fatal(err)
		}
	}
	if p, ok := a.Partner(b.Root()); !ok || p.Note != b.Note() {
		t.Error("the first one was changed")
	}
	if len(a.Partners()) != 2 {
		t.Errorf("%d partners, want 2", len(a.Partners()))
	}
}

func TestHellos(t *testing.T) {
	ctx := context.Background()
	a, _ := newsroom(t, open(t), "north.example")
	b, _ := newsroom(t, open(t), "soren.example")
	hello, err := b.SignHello(protocol.Hello{To: string(a.Root()), Words: "Shall we?"})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, known, err := a.TakeHello(ctx, hello); known || err != nil {
		t.Fatalf("a stranger's hello: known %v, %v", known, err)
	}
	waiting, err := a.Hellos(ctx)
	if err != nil || len(waiting) != 1 || waiting[0].Hello.Words != "Shall we?" {
		t.Fatalf("waiting %+v, %v", waiting, err)
	}
	if _, ok := a.Partner(b.Root()); ok {
		t.Error("a stranger was pinned before a person opened the door")
	}
	if _, _, err := a.OpenHello(ctx, waiting[0].ID); err != nil {
		t.Fatal(err)
	}
	if _, _, known, err := a.TakeHello(ctx, hello); !known || err != nil {
		t.Errorf("a partner's hello: known %v, %v", known, err)
	}
	if waiting, _ = a.Hellos(ctx); len(waiting) != 0 {
		t.Errorf("%d still wait", len(waiting))
	}
	other, err := b.SignHello(protocol.Hello{To: string(b.Root())})
	if err != nil {
		t.Fatal(err)
	}
	if _, _, _, err := a.TakeHello(ctx, other); err == nil {
		t.Error("a hello for somebody else was taken")
	}
}

func TestChallenge(t *testing.T) {
	ctx := context.Background()
	a, _ := newsroom(t, open(t), "north.example")
	b, _ := newsroom(t, open(t), "soren.example")
	if _, err := a.Pin(ctx, b.Document(), false); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Pin(ctx, a.Document(), false); err != nil {
		t.Fatal(err)
	}
	pa, _ := b.Partner(a.Root())
	const key = "00000000000000000000000000000000000000000000000000000000000000aa"
	for name, c := range map[string]struct {
		caller news.Root
		keys   []string
		seen   string
		ok     bool
		bound  bool
	}{
		"right":             {b.Root(), []string{key}, key, true, true},
		"behind a proxy":    {b.Root(), nil, key, true, false},
		"relayed":           {b.Root(), []string{key}, "bb", false, false},
		"for somebody else": {a.Root(), []string{key}, key, false, false},
		"TLS taken away":    {b.Root(), []string{key}, "", false, false},
	} {
		ch, err := a.Challenge(string(c.caller), c.keys)
		if err != nil {
			t.Fatal(err)
		}
		answer, bound, err := b.AnswerChallenge(pa, "0123456789abcdef0123456789abcdef", ch, c.seen)
		if (err == nil) != c.ok || bound != c.bound {
			t.Errorf("%s: bound %v, %v", name, bound, err)
			continue
		}
		if !c.ok {
			continue
		}
		if p, err := a.OpenAnswer(answer); err != nil || p.Root != b.Root() {
			t.Errorf("%s: the answer was not taken: %v", name, err)
		}
		answer.Agreement = "ffffffffffffffffffffffffffffffff"
		if _, err := a.OpenAnswer(answer); err == nil {
			t.Errorf("%s: an answer for another agreement was taken", name)
		}
	}
}

// held has a writer hold the database until these acts wait for it: each has begun before any of them is done.
func held(t *testing.T, db *store.DB, acts ...func() error) {
	t.Helper()
	begun, release := make(chan bool), make(chan bool)
	done := make(chan error, len(acts)+1)
	go func() {
		done <- db.Write(context.Background(), func(*store.Tx) error {
			close(begun)
			<-release
			return nil
		})
	}()
	<-begun
	for _, act := range acts {
		n := db.Waiting()
		go func() { done <- act() }()
		for db.Waiting() == n {
			time.Sleep(time.Millisecond)
		}
	}
	close(release)
	for range len(acts) + 1 {
		if err := <-done; err != nil {
			t.Error(err)
		}
	}
}

// Two who change the same newsroom at a time both get what they want, and memory says what the rows say.
func TestTwoAtATime(t *testing.T) {
	storetest.Each(t, []store.Migration{partner.Migrations()}, twoAtATime)
}

func twoAtATime(t *testing.T, db *store.DB) {
	ctx := context.Background()
	keys := partner.Keys{Log: newKey(t), Cosigner: newKey(t)}
	a, _ := newsroomOf(t, db, "north.example", keys)
	b, _ := newsroom(t, open(t), "soren.example")
	first := b.Document()
	if _, err := a.Pin(ctx, first, false); err != nil {
		t.Fatal(err)
	}
	if err := b.Describe(ctx, partner.Profile{Domain: "soren.example", Base: "https://new.soren.example", Names: map[string]string{"en": "Radio Soren"}, Kind: "radio", Languages: []string{"ru"}}); err != nil {
		t.Fatal(err)
	}
	held(t, db,
		func() error { return a.Block(ctx, b.Root(), true) },
		func() error { return a.Compared(ctx, b.Root(), "p1") },
		func() error { _, err := a.Pin(ctx, b.Document(), true); return err },
		func() error {
			if _, err := a.Pin(ctx, first, false); !fault.Is(err, fault.Conflict) {
				t.Errorf("an older document gave %v, want a conflict", err)
			}
			return nil
		})
	again := partner.New(db, clock.System, keys, func(string, string) {})
	if err := again.Load(ctx); err != nil {
		t.Fatal(err)
	}
	for name, s := range map[string]*partner.Service{"memory": a, "the rows": again} {
		if p, _ := s.Partner(b.Root()); !p.Blocked || p.Compared.IsZero() || p.ComparedBy != "p1" || !p.DomainAgrees || p.Base != "https://new.soren.example" || p.Identity.Number != 2 {
			t.Errorf("%s: blocked %v, compared %v by %q, domain agrees %v, number %d", name, p.Blocked, p.Compared, p.ComparedBy, p.DomainAgrees, p.Identity.Number)
		}
	}
}

// What is to be done also is done together with the act, or neither is.
func TestTogether(t *testing.T) {
	ctx := context.Background()
	a, _ := newsroom(t, open(t), "north.example")
	b, _ := newsroom(t, open(t), "soren.example")
	full := errors.New("the audit is full")
	fails := func(*store.Tx) error { return full }
	if _, err := a.Pin(ctx, b.Document(), false, fails); !errors.Is(err, full) || len(a.Partners()) != 0 {
		t.Errorf("pinned without its row of the audit: %v", err)
	}
	if _, err := a.Pin(ctx, b.Document(), false); err != nil {
		t.Fatal(err)
	}
	if err := a.Compared(ctx, b.Root(), "p1", fails); !errors.Is(err, full) {
		t.Error(err)
	}
	if err := a.Block(ctx, b.Root(), true, fails); !errors.Is(err, full) {
		t.Error(err)
	}
	if p, _ := a.Partner(b.Root()); p.Blocked || !p.Compared.IsZero() {
		t.Error("done without its row of the audit")
	}
	if err := a.Block(ctx, a.Root(), true); !fault.Is(err, fault.NotFound) {
		t.Errorf("blocking a newsroom that is not pinned: %v", err)
	}
}
