package node

import (
	"context"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"newspool/internal/config"
	"newspool/internal/partner"
	"newspool/internal/people"
	"newspool/internal/store"
	"newspool/internal/web/page"
	"newspool/protocol"
)

// A stranger waits for those who can open the door.
func TestCounts(t *testing.T) {
	ctx := context.Background()
	var nodes []*Node
	for _, domain := range []string{"north.example", "soren.example"} {
		n, err := New(ctx, Options{Settings: config.Settings{Dir: filepath.Join(t.TempDir(), domain), Listen: "127.0.0.1:0"}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { n.Close() })
		if _, err := n.SetUp(ctx, partner.Profile{Domain: domain, Names: map[string]string{"en": "A"}, Kind: "agency", Languages: []string{"en"}}); err != nil {
			t.Fatal(err)
		}
		nodes = append(nodes, n)
	}
	hello, err := nodes[1].Exchange.SignHello(protocol.Hello{To: string(nodes[0].Exchange.Root()), Words: "Shall we?"})
	if err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Exchange.TakeHello(ctx, hello); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		person page.Person
		want   int
	}{
		{page.Person{Administrator: true}, 1},
		{page.Person{Administrator: true, Signatory: true}, 1},
		{page.Person{Signatory: true}, 1},
		{page.Person{Editor: true}, 0},
	} {
		if got, err := (house{nodes[0]}).Counts(ctx, c.person); err != nil || got["partners"] != c.want {
			t.Errorf("%+v: %v (%v), want %d", c.person, got, err, c.want)
		}
	}
}

// Two choices that are made at the same time are both kept.
func TestTwoChoicesAtOnce(t *testing.T) {
	ctx := context.Background()
	n, err := New(ctx, Options{Settings: config.Settings{Dir: filepath.Join(t.TempDir(), "a"), Listen: "127.0.0.1:0"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { n.Close() })
	ada, err := n.People.Create(ctx, people.Operator(), people.NewPerson{Login: "ada", Name: "Ada", Roles: []people.Role{people.Editor}, Password: "a harbour in the fog"})
	if err != nil {
		t.Fatal(err)
	}
	busy, free := make(chan struct{}), make(chan struct{})
	var wg sync.WaitGroup
	wg.Go(func() { // the writer is busy until both have been asked for
		once := sync.OnceFunc(func() { close(busy) })
		if err := n.DB.Write(ctx, func(*store.Tx) error { once(); <-free; return nil }); err != nil {
			t.Error(err)
		}
	})
	<-busy
	for name, value := range map[string]string{"theme": "dark", "compact": "on"} {
		wg.Go(func() {
			if err := (accounts{n}).SetPreference(ctx, ada.ID, name, value); err != nil {
				t.Error(err)
			}
		})
	}
	for until := time.Now().Add(10 * time.Second); n.DB.Waiting() < 2 && time.Now().Before(until); {
		time.Sleep(time.Millisecond)
	}
	close(free)
	wg.Wait()
	if p, err := n.People.Person(ctx, ada.ID); err != nil || p.Theme != people.ThemeDark || !p.Compact {
		t.Errorf("%+v (%v)", p.Preferences, err)
	}
}
