package people

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"unicode/utf8"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/unicode/norm"

	"newspool/internal/fault"
)

// The lengths of a password, in characters. The upper one only keeps the work of normalising small.
const (
	MinPassword = 10
	maxPassword = 256
)

// cost is how much work a hash is.
type cost struct {
	memory  uint32 // KiB
	time    uint32
	threads uint8
}

func defaultCost() cost { return cost{memory: 64 * 1024, time: 2, threads: 1} }

const (
	saltSize = 16
	hashSize = 32
	atOnce   = 2 // hashings at the same time
)

// hasher turns passwords into hashes, a few at a time.
type hasher struct {
	cost  cost
	slots chan struct{}
	blind string // the hash that is compared where there is no account
}

func newHasher(c cost) *hasher {
	h := &hasher{cost: c, slots: make(chan struct{}, atOnce)}
	h.blind = c.encode(random(saltSize), random(hashSize))
	return h
}

// hash gives the stored form of a password that passes checkPassword.
func (h *hasher) hash(ctx context.Context, password string) (string, error) {
	salt := random(saltSize)
	key, err := h.derive(ctx, password, salt, h.cost, hashSize)
	if err != nil {
		return "", err
	}
	return h.cost.encode(salt, key), nil
}

// verify says whether the password is the one of the stored form, and whether the form should be made again at today's cost.
// An empty form is compared with a hash that no password has: the same work, always no.
func (h *hasher) verify(ctx context.Context, password, stored string) (ok, outdated bool, err error) {
	form := stored
	if form == "" {
		form = h.blind
	}
	c, salt, want, err := decodeHash(form)
	if err != nil {
		return false, false, err
	}
	got, err := h.derive(ctx, password, salt, c, uint32(len(want)))
	if err != nil {
		return false, false, err
	}
	same := subtle.ConstantTimeCompare(got, want) == 1
	return same && stored != "", c != h.cost, nil
}

func (h *hasher) derive(ctx context.Context, password string, salt []byte, c cost, size uint32) ([]byte, error) {
	select {
	case h.slots <- struct{}{}:
		defer func() { <-h.slots }()
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	return argon2.IDKey([]byte(normalPassword(password)), salt, c.time, c.memory, c.threads, size), nil
}

// normalPassword makes one of the different bytes that different keyboards send for the same characters.
func normalPassword(password string) string {
	if len(password) > 4*maxPassword {
		password = password[:4*maxPassword] // no accepted password is longer
	}
	return norm.NFC.String(password)
}

func checkPassword(login, password string) error {
	n := utf8.RuneCountInString(normalPassword(password))
	switch {
	case !utf8.ValidString(password):
		return fault.New(fault.Invalid, "people.password_form")
	case n < MinPassword:
		return fault.New(fault.Invalid, "people.password_short", "n", MinPassword)
	case n > maxPassword:
		return fault.New(fault.Invalid, "people.password_long", "n", maxPassword)
	case guessable(login, password):
		return fault.New(fault.Invalid, "people.password_guessable")
	}
	return nil
}

// guessable finds the passwords that are tried first: the login, a few characters again and again, keys in a row.
func guessable(login, password string) bool {
	low := strings.ToLower(password)
	user, _, _ := strings.Cut(login, "@")
	if len(user) >= 3 && len(low)-len(user) < 6 && strings.Contains(low, user) {
		return true
	}
	different := map[rune]bool{}
	steps, last := 0, rune(-2)
	for _, r := range low {
		different[r] = true
		if r == last+1 || r == last-1 {
			steps++
		}
		last = r
	}
	if len(different) < 5 || steps >= utf8.RuneCountInString(low)-2 {
		return true
	}
	for _, row := range []string{"qwertyuiop", "asdfghjkl", "zxcvbnm", "password", "йцукенгшщз", "ضصثقفغعهخح"} {
		if rest := strings.ReplaceAll(low, row, ""); len(rest) < len(low) && utf8.RuneCountInString(rest) < 6 {
			return true
		}
	}
	return false
}

// NewPassword makes a password that can be read aloud: four groups of four letters and digits, 80 bits.
func NewPassword() string { return groups(random(10), 4) }

func (c cost) encode(salt, key []byte) string {
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.time, c.threads,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(key))
}

// decodeHash reads what encode wrote. It refuses costs that would stop the machine.
func decodeHash(stored string) (c cost, salt, key []byte, err error) {
	bad := fmt.Errorf("people: a stored password is not of the form that is written here")
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, bad
	}
	if n, err := fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.time, &c.threads); err != nil || n != 3 {
		return c, nil, nil, bad
	}
	if c.memory < 8 || c.memory > 1<<20 || c.time < 1 || c.time > 16 || c.threads < 1 || c.threads > 16 {
		return c, nil, nil, bad
	}
	salt, err1 := base64.RawStdEncoding.Strict().DecodeString(parts[4])
	key, err2 := base64.RawStdEncoding.Strict().DecodeString(parts[5])
	if err1 != nil || err2 != nil || len(salt) < 8 || len(salt) > 64 || len(key) < 16 || len(key) > 64 || c.encode(salt, key) != stored {
		return c, nil, nil, bad
	}
	return c, salt, key, nil
}

func random(n int) []byte {
	b := make([]byte, n)
	rand.Read(b) // never fails
	return b
}
