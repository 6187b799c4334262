package store

import "sync"

// bell wakes those who wait for something to be committed.
type bell struct {
	mu   sync.Mutex
	ears map[string]map[chan struct{}]struct{}
}

func (b *bell) ring(topic string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for ch := range b.ears[topic] {
		select {
		case ch <- struct{}{}:
		default: // it is ringing already
		}
	}
}

func (b *bell) listen(topic string) (<-chan struct{}, func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	ch := make(chan struct{}, 1)
	if b.ears[topic] == nil {
		b.ears[topic] = make(map[chan struct{}]struct{})
	}
	b.ears[topic][ch] = struct{}{}
	return ch, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		if delete(b.ears[topic], ch); len(b.ears[topic]) == 0 {
			delete(b.ears, topic)
		}
	}
}

// Wake has everybody who listens on the topic woken once this closure's work is durable: those of this process. Other instances
// on the same database find out by asking from time to time.
func (tx *Tx) Wake(topic string) { tx.OnCommit(func() { tx.g.bell.ring(topic) }) }

// Listen gives a channel that is signalled after each commit with a Wake of this topic; signals that nobody has taken yet become
// one. stop ends it; the channel is not closed.
func (db *DB) Listen(topic string) (wake <-chan struct{}, stop func()) {
	return db.w.bell.listen(topic)
}
