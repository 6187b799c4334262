package people

import (
	"sync"
	"time"

	"newspool/internal/news"
)

// cacheFor is how long a session or a token is believed without asking the database.
const cacheFor = 3 * time.Second

// cacheSize is how many are remembered before those that are over are thrown out.
const cacheSize = 4096

// cache remembers who came by which session or token. What changes a person makes it forget them, and keeps an answer out that
// was read before the change.
type cache struct {
	mu      sync.Mutex
	changes uint64
	rows    map[string]known // by hash
}

type known struct {
	person Person
	scope  Scope
	until  time.Time
}

func newCache() *cache { return &cache{rows: map[string]known{}} }

func (c *cache) find(hash []byte, now time.Time) (known, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k, ok := c.rows[string(hash)]
	return k, ok && now.Before(k.until)
}

// mark is taken before the database is read, and given to keep.
func (c *cache) mark() uint64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.changes
}

func (c *cache) keep(mark uint64, hash []byte, k known, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.changes != mark {
		return
	}
	if len(c.rows) >= cacheSize {
		for key, old := range c.rows {
			if !now.Before(old.until) {
				delete(c.rows, key)
			}
		}
		if len(c.rows) >= cacheSize {
			clear(c.rows)
		}
	}
	c.rows[string(hash)] = k
}

func (c *cache) forget(id news.PersonID) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.changes++
	for key, k := range c.rows {
		if k.person.ID == id {
			delete(c.rows, key)
		}
	}
}
