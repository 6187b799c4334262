package clock

import (
	"testing"
	"time"
)

func TestSooner(t *testing.T) {
	none, first, second := time.Time{}, time.Unix(1, 0), time.Unix(2, 0)
	for _, c := range []struct{ a, b, want time.Time }{
		{none, none, none}, {first, none, first}, {none, first, first}, {first, second, first}, {second, first, first},
	} {
		if got := Sooner(c.a, c.b); !got.Equal(c.want) {
			t.Errorf("Sooner(%v, %v) = %v", c.a, c.b, got)
		}
	}
}
