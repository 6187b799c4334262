package api

import (
	"crypto/sha256"
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"newspool/internal/clock"
	"newspool/internal/fault"
	"newspool/internal/people"
)

// How often a program may ask: so many times at once, then so many a second. Strangers are counted by address, an IPv6 /64 as
// one, and only what fails counts.
const (
	tokenRate     = 20
	tokenBurst    = 100
	strangerRate  = 0.2
	strangerBurst = 20
	maxWaiting    = 4      // requests of one token that wait for news at a time
	maxTurns      = 10_000 // tokens and addresses that are remembered
	forgetAfter   = 10 * time.Minute
)

// token tells tokens and addresses apart without keeping them.
type token [sha256.Size]byte

func tokenOf(secret string) token { return sha256.Sum256([]byte("token " + secret)) }
func addressOf(remote string) token {
	return sha256.Sum256([]byte("address " + people.AddressKey(remote)))
}

// gate counts requests.
type gate struct {
	clock clock.Clock
	mu    sync.Mutex
	turns map[token]*turn
}

type turn struct {
	limit   *rate.Limiter
	last    time.Time
	waiting int
}

func newGate(c clock.Clock) *gate { return &gate{clock: c, turns: map[token]*turn{}} }

// find gives the count of a token or address. The caller holds the lock.
func (g *gate) find(t token, each rate.Limit, burst int, now time.Time) *turn {
	x := g.turns[t]
	if x == nil {
		if len(g.turns) >= maxTurns {
			g.forget(now)
		}
		x = &turn{limit: rate.NewLimiter(each, burst)}
		g.turns[t] = x
	}
	x.last = now
	return x
}

// forget makes room: for those who have been quiet for long, else for everybody who does not wait.
func (g *gate) forget(now time.Time) {
	for t, x := range g.turns {
		if x.waiting == 0 && now.Sub(x.last) > forgetAfter {
			delete(g.turns, t)
		}
	}
	if len(g.turns) < maxTurns {
		return
	}
	for t, x := range g.turns {
		if x.waiting == 0 {
			delete(g.turns, t)
		}
	}
}

// turn takes one request from what a token may ask.
func (g *gate) turn(t token) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	x := g.find(t, tokenRate, tokenBurst, now)
	if !x.limit.AllowN(now, 1) {
		return often(x.limit, now)
	}
	return nil
}

// stranger refuses an address from which too many wrong tokens came.
func (g *gate) stranger(remote string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	x := g.turns[addressOf(remote)]
	if x != nil && x.limit.TokensAt(now) < 1 {
		return often(x.limit, now)
	}
	return nil
}

// failed counts a wrong token.
func (g *gate) failed(remote string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := g.clock()
	g.find(addressOf(remote), strangerRate, strangerBurst, now).limit.AllowN(now, 1)
}

// wait lets one more request of a token wait for news, until done is called.
func (g *gate) wait(t token) (done func(), err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	x := g.find(t, tokenRate, tokenBurst, g.clock())
	if x.waiting >= maxWaiting {
		return nil, fault.New(fault.RateLimited, "api.waiting", "n", maxWaiting)
	}
	x.waiting++
	return func() {
		g.mu.Lock()
		defer g.mu.Unlock()
		x.waiting--
	}, nil
}

// often says after how many seconds the next request would be let through.
func often(l *rate.Limiter, now time.Time) error {
	seconds := math.Ceil((1 - l.TokensAt(now)) / float64(l.Limit()))
	return fault.New(fault.RateLimited, "api.often", "n", max(1, int(seconds)))
}
