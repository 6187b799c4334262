package live

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
)

// rings says how often a bell has rung, once everything has come to rest.
func rings(bell <-chan struct{}) (n int) {
	for {
		synctest.Wait()
		select {
		case _, open := <-bell:
			if !open {
				return -1
			}
			n++
		default:
			return n
		}
	}
}

func TestRing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := NewHub()
		ctx, cancel := context.WithCancel(t.Context())
		both, wire, other := h.Ring(ctx, "wire", "agreements"), h.Ring(ctx, "wire"), h.Ring(t.Context(), "other")
		says := func(what string, b, w, o int) {
			t.Helper()
			if x, y, z := rings(both), rings(wire), rings(other); x != b || y != w || z != o {
				t.Errorf("%s: %d, %d and %d rings, want %d, %d and %d", what, x, y, z, b, w, o)
			}
		}
		says("nothing has happened", 0, 0, 0)
		h.Publish("agreements")
		says("one topic", 1, 0, 0)
		for range 100 {
			h.Publish("wire")
			h.Publish("agreements")
		}
		says("many at once are one", 1, 1, 0)
		h.Publish("wire")
		cancel()
		<-both
		<-wire
		says("after the end", -1, -1, 0)
		h.Publish("wire")
		h.Publish("other")
		if rings(other) != 1 {
			t.Error("the end of one is the end of another")
		}
		if len(h.bells) != 1 || len(h.bells["other"]) != 1 {
			t.Errorf("there are bells that nobody hears: %v", h.bells)
		}
	})
}

// TestManyAtOnce has listeners come and go while others publish; whoever listens hears the last ring.
func TestManyAtOnce(t *testing.T) {
	h := NewHub()
	var wg sync.WaitGroup
	last := h.Ring(t.Context(), "t")
	for range 8 {
		wg.Go(func() {
			for range 500 {
				ctx, cancel := context.WithCancel(t.Context())
				bell := h.Ring(ctx, "t")
				h.Publish("t")
				if _, open := <-bell; !open {
					t.Error("a bell that nobody ended has ended")
				}
				cancel()
				for range bell {
				}
			}
		})
	}
	wg.Wait()
	if _, open := <-last; !open {
		t.Error("it was not heard")
	}
}
