package cli

import (
	"strings"
	"testing"

	"newspool/internal/fault"
)

// Anybody can claim a domain: where two do, one is taken only by its root.
func TestNamed(t *testing.T) {
	type room struct{ domain, root string }
	of := func(r room) (string, string) { return r.domain, r.root }
	all := []room{{"north.example", "b"}, {"soren.example", "c"}, {"north.example", "a"}}
	for name, want := range map[string]room{"soren.example": all[1], "a": all[2], "b": all[0]} {
		if got, err := named(all, name, of); err != nil || got != want {
			t.Errorf("%s: %v, %v", name, got, err)
		}
	}
	_, err := named(all, "north.example", of)
	if f := fault.Of(err); f.Key != "partner.several" || !strings.Contains(f.Args["roots"].(string), "a, b") {
		t.Errorf("two of one domain: %v", err)
	}
	if _, err := named(all, "other.example", of); !fault.Is(err, fault.NotFound) {
		t.Errorf("unknown: %v", err)
	}
}
