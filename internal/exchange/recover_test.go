package exchange

import (
	"testing"

	"newspool/protocol"
)

// Of what followers hold, what we do not have goes before what we have, whatever its size: else a ledger that a clone took another way
// would go on as if nothing were wrong.
func TestWhichCheckpointDecides(t *testing.T) {
	of := func(size int64, same bool) *shown { return &shown{cp: protocol.Checkpoint{Size: size}, same: same} }
	for name, c := range map[string]struct {
		a, b *shown
		want bool
	}{
		"the first":                   {of(1, true), nil, true},
		"larger":                      {of(7, true), of(5, true), true},
		"smaller":                     {of(5, true), of(7, true), false},
		"another one, smaller":        {of(3, false), of(7, true), true},
		"ours, after another one":     {of(7, true), of(3, false), false},
		"another one that is larger":  {of(9, false), of(8, false), true},
		"another one that is smaller": {of(8, false), of(9, false), false},
	} {
		if got := c.a.before(c.b); got != c.want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
