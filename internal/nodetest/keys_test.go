package nodetest

import (
	"context"
	"testing"

	"newspool/protocol"
)

// A partner's keys are changed by its root; the link comes back by itself under the new ones.
func TestChangedKeys(t *testing.T) {
	a, b := Start(t, North()), Start(t, Soren())
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	send(t, a, b, 1)
	root, err := a.RootToStore()
	if err != nil || root == nil {
		t.Fatalf("no root key: %v", err)
	}
	for _, role := range []string{protocol.RoleLog, protocol.RoleCosigner} {
		a.pause()
		if err := a.Rotate(context.Background(), root, role, role == protocol.RoleCosigner); err != nil {
			t.Fatal(err)
		}
		a.Restart(North())
	}
	send(t, a, b, 2)
	send(t, b, a, 3)
	p, _ := b.Exchange.Partner(a.Exchange.Root())
	if n := len(p.Keys.Raw); n != 6 {
		t.Errorf("the partner holds %d key entries, want 6", n)
	}
}
