package store

import "testing"

// Nothing is kept of a topic to which nobody listens any more.
func TestLastEar(t *testing.T) {
	b := bell{ears: make(map[string]map[chan struct{}]struct{})}
	first, stopFirst := b.listen("a")
	_, stopSecond := b.listen("a")
	stopSecond()
	b.ring("a")
	if len(first) != 1 {
		t.Error("who still listens was not woken")
	}
	stopFirst()
	stopFirst() // once more does no harm
	if b.ring("a"); len(b.ears) != 0 {
		t.Errorf("%d topics are kept", len(b.ears))
	}
}
