package protocol

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// Lifetimes of access texts, in seconds.
const (
	ChallengeSeconds = 60
	TokenSeconds     = 300
)

const (
	accessLine = "newspool access v1"
	answerLine = "newspool answer v1"
	helloLine  = "newspool hello v1"
	// MaxHello is the size of a hello, in bytes.
	MaxHello = 16 << 10
)

// Challenge is what a server says to anyone who asks for access. It binds the two newsrooms to the TLS connection.
type Challenge struct {
	Server string // root of the server
	Caller string // root that the caller claims
	Nonce  string
	Until  int64    // seconds since 1970
	TLS    []string // SHA-256 of the public keys (SubjectPublicKeyInfo) that the server answers with, hex; empty: no TLS of its own
}

func (c Challenge) text() string {
	keys := "none"
	if len(c.TLS) > 0 {
		keys = strings.Join(c.TLS, " ")
	}
	return strings.Join([]string{accessLine, c.Server, c.Caller, c.Nonce, strconv.FormatInt(c.Until, 10), keys}, "\n") + "\n"
}

// NewChallenge makes and signs a challenge. name is the server's domain.
func NewChallenge(name, server, caller string, now int64, tlsKeys []string, log ed25519.PrivateKey) ([]byte, error) {
	var nonce [32]byte
	rand.Read(nonce[:])
	c := Challenge{server, caller, base64.StdEncoding.EncodeToString(nonce[:]), now + ChallengeSeconds, tlsKeys}
	return note.Sign(&note.Note{Text: c.text()}, LogSigner(name, log))
}

// OpenChallenge verifies a challenge by one of the server's log keys.
func OpenChallenge(msg []byte, name string, keys ...ed25519.PublicKey) (Challenge, error) {
	text, err := openNote(msg, name, keys...)
	if err != nil {
		return Challenge{}, err
	}
	f := strings.Split(text, "\n")
	if len(f) != 7 || f[0] != accessLine || !isHex(f[1], 64) || !isHex(f[2], 64) {
		return Challenge{}, malformed("challenge")
	}
	until, err := strconv.ParseInt(f[4], 10, 64)
	if err != nil {
		return Challenge{}, malformed("challenge")
	}
	c := Challenge{Server: f[1], Caller: f[2], Nonce: f[3], Until: until}
	if f[5] != "none" {
		c.TLS = strings.Split(f[5], " ")
		for _, k := range c.TLS {
			if !isHex(k, 64) {
				return Challenge{}, malformed("challenge")
			}
		}
	}
	if c.text() != text {
		return Challenge{}, malformed("challenge")
	}
	return c, nil
}

// Answer is what a caller sends back for a token.
type Answer struct {
	Challenge string `json:"challenge"` // as it came
	Agreement string `json:"agreement"`
	Signed    string `json:"signed"` // note by the caller's log key under its domain
}

func answerText(challenge []byte, agreement string) string {
	h := sha256.Sum256(challenge)
	return answerLine + "\n" + agreement + "\n" + hex.EncodeToString(h[:]) + "\n"
}

// SignAnswer answers a challenge for one agreement. name is the caller's domain.
func SignAnswer(challenge []byte, agreement, name string, log ed25519.PrivateKey) (Answer, error) {
	n, err := note.Sign(&note.Note{Text: answerText(challenge, agreement)}, LogSigner(name, log))
	return Answer{string(challenge), agreement, string(n)}, err
}

// Verify checks that the answer was signed, for exactly this challenge and agreement, by one of the caller's log keys.
func (a Answer) Verify(name string, keys ...ed25519.PublicKey) error {
	text, err := openNote([]byte(a.Signed), name, keys...)
	if err != nil {
		return err
	}
	if text != answerText([]byte(a.Challenge), a.Agreement) {
		return ErrSignature
	}
	return nil
}

// Hello is the first word to another newsroom, and how partners announce new ledgers.
type Hello struct {
	Identity  string `json:"identity"`            // the sender's signed identity note
	To        string `json:"to"`                  // root of the one that is addressed
	Agreement string `json:"agreement,omitempty"` // id
	Ledger    string `json:"ledger,omitempty"`    // the sender's ledger in it
	Origin    string `json:"origin,omitempty"`    // its origin line
	Words     string `json:"words,omitempty"`     // a few
	Time      int64  `json:"time"`                // microseconds
}

// SignHello signs a hello as a note under the sender's domain. It refuses one that is over MaxHello.
func SignHello(h Hello, name string, log ed25519.PrivateKey) ([]byte, error) {
	text, err := json.Marshal(h)
	if err != nil {
		return nil, err
	}
	n, err := note.Sign(&note.Note{Text: helloLine + "\n" + string(text) + "\n"}, LogSigner(name, log))
	if err == nil && len(n) > MaxHello {
		return nil, malformed("hello of %d bytes", len(n))
	}
	return n, err
}

// OpenHello verifies a hello under the identity that it carries.
func OpenHello(b []byte) (Hello, Identity, Keys, error) {
	var h Hello
	fail := func(err error) (Hello, Identity, Keys, error) { return Hello{}, Identity{}, Keys{}, err }
	if len(b) > MaxHello {
		return fail(malformed("hello of %d bytes", len(b)))
	}
	text, ok := strings.CutPrefix(string(b), helloLine+"\n")
	line, _, ok2 := strings.Cut(text, "\n")
	if !ok || !ok2 {
		return fail(malformed("hello"))
	}
	if err := CheckJSON([]byte(line), MaxHello, true); err != nil {
		return fail(err)
	}
	if err := Decode([]byte(line), &h); err != nil {
		return fail(fmt.Errorf("hello: %w", err))
	}
	id, keys, err := ParseIdentityNote(h.Identity)
	if err != nil {
		return fail(err)
	}
	opened, err := openNote(b, id.Domain, keys.Public(RoleLog)...)
	if err != nil {
		return fail(err)
	}
	if opened != helloLine+"\n"+line+"\n" || (h.Ledger != "" && !IsLedgerID(h.Ledger)) || (h.Agreement != "" && !IsLedgerID(h.Agreement)) {
		return fail(malformed("hello"))
	}
	return h, id, keys, nil
}
