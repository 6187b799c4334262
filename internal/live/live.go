// Package live tells open pages that something changed.
//
// A Hub carries short values on topics, in memory, to whoever listens at that moment. It promises that a publisher never waits,
// and that a listener who is slow or was away for a moment gets the newest value of each topic. It does not promise every value
// in between, nor anything across a restart: a page that needs to know what is true asks the database.
package live

import (
	"context"
	"sync"
)

// Event is one value on a topic. IDs count up from the start of the hub; a listener gets them in ascending order.
type Event struct {
	ID    int64
	Topic string
	Value string
}

// Hub passes events on. It is safe for concurrent use.
type Hub struct {
	mu      sync.Mutex
	last    int64
	closed  bool
	byTopic map[string]map[*listener]struct{}
	all     map[*listener]struct{}
}

// NewHub makes a hub that nobody listens to yet.
func NewHub() *Hub {
	return &Hub{byTopic: make(map[string]map[*listener]struct{}), all: make(map[*listener]struct{})}
}

// Publish gives the value to all who listen to the topic. It never waits; it is made to be called from Tx.OnCommit.
func (h *Hub) Publish(topic, value string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.last++
	e := Event{ID: h.last, Topic: topic, Value: value}
	for l := range h.byTopic[topic] {
		l.put(e)
	}
	for l := range h.all {
		l.put(e)
	}
}

// Subscribe listens to the topics, or to all if none is named, until ctx is done or the hub is closed; then the channel is
// closed. Values of one topic that were not taken in time give way to the newest.
func (h *Hub) Subscribe(ctx context.Context, topics ...string) <-chan Event {
	l := &listener{ready: make(chan struct{}, 1), quit: make(chan struct{}), pending: make(map[string]Event)}
	out := make(chan Event)
	if !h.add(l, topics) {
		close(out)
		return out
	}
	go func() {
		defer close(out)
		defer h.remove(l, topics)
		l.pass(ctx, out)
	}()
	return out
}

// Close ends all subscriptions, and those that are asked for later at once.
func (h *Hub) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.closed = true
	seen := make(map[*listener]struct{})
	for _, set := range h.byTopic {
		for l := range set {
			seen[l] = struct{}{}
		}
	}
	for l := range h.all {
		seen[l] = struct{}{}
	}
	for l := range seen {
		close(l.quit)
	}
}

// Listeners says how many subscriptions to the topic there are, those to all topics included.
func (h *Hub) Listeners(topic string) int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.byTopic[topic]) + len(h.all)
}

func (h *Hub) add(l *listener, topics []string) bool {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return false
	}
	if len(topics) == 0 {
		h.all[l] = struct{}{}
	}
	for _, t := range topics {
		if h.byTopic[t] == nil {
			h.byTopic[t] = make(map[*listener]struct{})
		}
		h.byTopic[t][l] = struct{}{}
	}
	return true
}

func (h *Hub) remove(l *listener, topics []string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.all, l)
	for _, t := range topics {
		delete(h.byTopic[t], l)
		if len(h.byTopic[t]) == 0 {
			delete(h.byTopic, t)
		}
	}
}

// listener holds what one subscription has not been given yet: at most one event for each topic.
type listener struct {
	ready chan struct{}
	quit  chan struct{}

	mu      sync.Mutex
	pending map[string]Event
}

func (l *listener) put(e Event) {
	l.mu.Lock()
	l.pending[e.Topic] = e
	l.mu.Unlock()
	select {
	case l.ready <- struct{}{}:
	default:
	}
}

// oldest looks at the pending event with the lowest ID.
func (l *listener) oldest() (oldest Event, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, e := range l.pending {
		if !ok || e.ID < oldest.ID {
			oldest, ok = e, true
		}
	}
	return oldest, ok
}

// taken forgets an event that was passed on, unless a newer one came meanwhile.
func (l *listener) taken(e Event) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.pending[e.Topic] == e {
		delete(l.pending, e.Topic)
	}
}

// pass gives the events out one by one. While it waits for the taker, a newer value replaces the one that it offers.
func (l *listener) pass(ctx context.Context, out chan<- Event) {
	for {
		e, ok := l.oldest()
		offer := out
		if !ok {
			offer = nil
		}
		select {
		case offer <- e:
			l.taken(e)
		case <-l.ready:
		case <-l.quit:
			return
		case <-ctx.Done():
			return
		}
	}
}
