// Package live rings for open pages when something has changed.
//
// A Hub has bells on topics, in memory. It promises that a publisher never waits, and that whoever listens hears a ring after each
// change, one for several that came meanwhile. It does not say what has changed, and promises nothing across a restart: a page that
// needs to know what is true asks the database.
package live

import (
	"context"
	"sync"
)

// Hub passes rings on. It is safe for concurrent use.
type Hub struct {
	mu    sync.Mutex
	bells map[string]map[chan struct{}]bool // by topic
}

// NewHub makes a hub that nobody listens to yet.
func NewHub() *Hub { return &Hub{bells: make(map[string]map[chan struct{}]bool)} }

// Publish rings for all who listen to the topic. It never waits; it is made to be called from Tx.OnCommit.
func (h *Hub) Publish(topic string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for bell := range h.bells[topic] {
		select {
		case bell <- struct{}{}:
		default: // it rings already
		}
	}
}

// Ring listens to topics: the channel gets a value after a change of one of them. It is closed when ctx ends.
func (h *Hub) Ring(ctx context.Context, topics ...string) <-chan struct{} {
	bell := make(chan struct{}, 1)
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, t := range topics {
		if h.bells[t] == nil {
			h.bells[t] = make(map[chan struct{}]bool)
		}
		h.bells[t][bell] = true
	}
	context.AfterFunc(ctx, func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		for _, t := range topics {
			if delete(h.bells[t], bell); len(h.bells[t]) == 0 {
				delete(h.bells, t)
			}
		}
		close(bell)
	})
	return bell
}
