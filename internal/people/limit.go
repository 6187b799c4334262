package people

import (
	"net/netip"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"newspool/internal/fault"
)

// How often somebody may fail to sign in: so many times at once, then one more each interval.
const (
	accountBurst = 5
	accountEvery = 30 * time.Second
	addressBurst = 20
	addressEvery = 5 * time.Second
	limitEntries = 10_000 // how many accounts and addresses are remembered
)

// limits counts the tries to sign in. Only failures cost: a try is given back when it succeeds. Whoever signed in from an
// address before has a count of their own there, so that a stranger's tries from elsewhere do not lock them out.
type limits struct {
	mu        sync.Mutex
	accounts  map[string]*counter
	addresses map[string]*counter
	known     map[string]bool // account and address that belong together
}

type counter struct {
	tokens *rate.Limiter
	last   time.Time
}

func newLimits() *limits {
	return &limits{accounts: map[string]*counter{}, addresses: map[string]*counter{}, known: map[string]bool{}}
}

// try counts a try for an account ("" for none) from an address. It gives the function that takes it back, or a fault that says how long to wait.
func (l *limits) try(account, remote string, now time.Time) (giveBack func(), err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	place := AddressKey(remote)
	first, wait := take(l.addresses, place, addressEvery, addressBurst, now)
	if wait > 0 {
		return nil, tooOften(wait)
	}
	if account == "" {
		return func() { first.CancelAt(now) }, nil
	}
	key := account
	if pair := account + "\x00" + place; l.known[pair] {
		key = pair
	}
	second, wait := take(l.accounts, key, accountEvery, accountBurst, now)
	if wait > 0 {
		return nil, tooOften(wait)
	}
	return func() { first.CancelAt(now); second.CancelAt(now) }, nil
}

// remember notes that an account and an address belong together.
func (l *limits) remember(account, remote string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.known) >= limitEntries {
		clear(l.known)
	}
	l.known[account+"\x00"+AddressKey(remote)] = true
}

func take(m map[string]*counter, key string, every time.Duration, burst int, now time.Time) (*rate.Reservation, time.Duration) {
	c := m[key]
	if c == nil {
		if len(m) >= limitEntries {
			forget(m, burst, now)
		}
		c = &counter{tokens: rate.NewLimiter(rate.Every(every), burst)}
		m[key] = c
	}
	c.last = now
	r := c.tokens.ReserveN(now, 1)
	if wait := r.DelayFrom(now); wait > 0 {
		r.CancelAt(now)
		return nil, wait
	}
	return r, 0
}

// forget makes room: everything that is back at its full count, and if there is nothing, the one that is longest unused.
func forget(m map[string]*counter, burst int, now time.Time) {
	var oldest string
	for key, c := range m {
		if c.tokens.TokensAt(now) >= float64(burst) {
			delete(m, key)
		} else if oldest == "" || c.last.Before(m[oldest].last) {
			oldest = key
		}
	}
	if len(m) >= limitEntries {
		delete(m, oldest)
	}
}

func tooOften(wait time.Duration) error {
	return fault.New(fault.RateLimited, "people.signin_wait", "n", int(wait/time.Second)+1)
}

// AddressKey is what one visitor is counted under: an IPv4 address, or the /64 of an IPv6 address. A port is left out;
// whatever is no address counts together.
func AddressKey(remote string) string {
	addr, err := netip.ParseAddr(strings.TrimSpace(remote))
	if err != nil {
		ap, err := netip.ParseAddrPort(remote)
		if err != nil {
			return "elsewhere"
		}
		addr = ap.Addr()
	}
	addr = addr.Unmap().WithZone("")
	if addr.Is4() {
		return addr.String()
	}
	p, err := addr.Prefix(64)
	if err != nil {
		return "elsewhere"
	}
	return p.String()
}
