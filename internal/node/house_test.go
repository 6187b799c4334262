package node

import (
	"context"
	"path/filepath"
	"testing"

	"newspool/internal/config"
	"newspool/internal/partner"
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
		{page.Person{Signatory: true}, 0},
		{page.Person{Editor: true}, 0},
	} {
		if got, err := (house{nodes[0]}).Counts(ctx, c.person); err != nil || got["partners"] != c.want {
			t.Errorf("%+v: %v (%v), want %d", c.person, got, err, c.want)
		}
	}
}
