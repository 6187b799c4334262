package exchange

import (
	"crypto/ed25519"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"slices"
	"strconv"
	"strings"

	"newspool/internal/fault"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/protocol"
)

// tokenKey makes and checks tokens without keeping any. It lives as long as the process: partners ask again after a restart.
type tokenKey [32]byte

func newTokenKey() (k tokenKey) {
	rand.Read(k[:])
	return k
}

// Reader is a partner that holds a token: one reader, one agreement.
type Reader struct {
	Root      news.Root
	Agreement terms.AgreementID
}

func (k tokenKey) make(r Reader, until int64) string {
	text := string(r.Root) + "." + string(r.Agreement) + "." + strconv.FormatInt(until, 10)
	return text + "." + k.mac(text)
}

func (k tokenKey) mac(text string) string {
	m := hmac.New(sha256.New, k[:])
	m.Write([]byte("newspool token v1\n" + text))
	return base64.RawURLEncoding.EncodeToString(m.Sum(nil))
}

func (k tokenKey) open(token string, now int64) (Reader, bool) {
	i := strings.LastIndexByte(token, '.')
	if i < 0 || !hmac.Equal([]byte(k.mac(token[:i])), []byte(token[i+1:])) {
		return Reader{}, false
	}
	f := strings.Split(token[:i], ".")
	if len(f) != 3 {
		return Reader{}, false
	}
	until, err := strconv.ParseInt(f[2], 10, 64)
	return Reader{news.Root(f[0]), terms.AgreementID(f[1])}, err == nil && now <= until
}

// Challenge answers anyone who asks for access. tlsKeys are the SHA-256 of the public keys that the server answers with.
func (s *Service) Challenge(caller string, tlsKeys []string) ([]byte, error) {
	if _, err := protocol.ParseRoot(caller); err != nil {
		return nil, fault.New(fault.Invalid, "fault.request").Because(err)
	}
	self := s.Self()
	return protocol.NewChallenge(self.Domain, self.Root, caller, s.Clock().Unix(), tlsKeys, s.Keys.Log)
}

// Token gives a token for a right answer. Every wrong one gets the same refusal.
func (s *Service) Token(a protocol.Answer) (string, error) {
	denied := fault.New(fault.Denied, "fault.denied")
	self := s.Self()
	c, err := protocol.OpenChallenge([]byte(a.Challenge), self.Domain, s.logKey())
	if err != nil {
		return "", denied.Because(err)
	}
	now := s.Clock().Unix()
	p, ok := s.Partner(news.Root(c.Caller))
	if !ok || c.Server != self.Root || now > c.Until {
		return "", denied
	}
	if err := a.Verify(p.Domain, p.Keys.Public(protocol.RoleLog)...); err != nil {
		return "", denied.Because(err)
	}
	r := Reader{p.Root, terms.AgreementID(a.Agreement)}
	if !s.MayRead(r) {
		return "", denied
	}
	return s.tokens.make(r, now+protocol.TokenSeconds), nil
}

// ReaderOf gives the partner that a token belongs to; false for a wrong or expired one, and for one whose right has ended.
func (s *Service) ReaderOf(token string) (Reader, bool) {
	r, ok := s.tokens.open(token, s.Clock().Unix())
	return r, ok && s.MayRead(r)
}

// MayRead reports whether a partner may read what is said under an agreement now. Ended agreements may still be read:
// corrections and withdrawals go on.
func (s *Service) MayRead(r Reader) bool {
	p, ok := s.Partner(r.Root)
	return ok && !p.Blocked && slices.Contains(s.Agreements.Parties(r.Agreement), r.Root)
}

// Readable reports whether a ledger of ours belongs to the reader's agreement.
func (s *Service) Readable(r Reader, i ledger.Info) bool {
	return i.Own && i.Agreement == string(r.Agreement)
}

// AnswerChallenge answers a partner's challenge for one agreement. It refuses one that is not signed by that partner, is for
// somebody else or too old, or names other TLS keys than the one that was seen (seen is "" on a connection without TLS).
// bound is false where the partner answers through a proxy whose key it does not know.
func (s *Service) AnswerChallenge(p Partner, agreement terms.AgreementID, challenge []byte, seen string) (a protocol.Answer, bound bool, err error) {
	c, err := protocol.OpenChallenge(challenge, p.Domain, p.Keys.Public(protocol.RoleLog)...)
	if err != nil {
		return a, false, fault.New(fault.Denied, "partner.challenge", "domain", p.Domain).Because(err)
	}
	self := s.Self()
	now := s.Clock().Unix()
	if c.Server != string(p.Root) || c.Caller != self.Root || now > c.Until+120 || c.Until > now+protocol.ChallengeSeconds+120 {
		return a, false, fault.New(fault.Denied, "partner.challenge", "domain", p.Domain)
	}
	if len(c.TLS) > 0 {
		if !slices.Contains(c.TLS, seen) {
			return a, false, fault.New(fault.Denied, "partner.relayed", "domain", p.Domain)
		}
		bound = true
	}
	a, err = protocol.SignAnswer(challenge, string(agreement), self.Domain, s.Keys.Log)
	return a, bound, err
}

func (s *Service) logKey() ed25519.PublicKey { return s.Keys.Log.Public().(ed25519.PublicKey) }

func (s *Service) cosignerKey() ed25519.PublicKey {
	return s.Keys.Cosigner.Public().(ed25519.PublicKey)
}
