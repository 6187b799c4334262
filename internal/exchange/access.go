package exchange

import (
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

// Token gives a token for a right answer to a challenge of ours.
func (s *Service) Token(a protocol.Answer) (string, error) {
	p, err := s.OpenAnswer(a)
	if err != nil {
		return "", err
	}
	r := Reader{p.Root, terms.AgreementID(a.Agreement)}
	if !s.MayRead(r) {
		return "", fault.New(fault.Denied, "fault.denied")
	}
	return s.tokens.make(r, s.Clock().Unix()+protocol.TokenSeconds), nil
}

// ReaderOf gives the partner that a token belongs to; false for a wrong or expired one, and for one whose right has ended.
func (s *Service) ReaderOf(token string) (Reader, bool) {
	r, ok := s.tokens.open(token, s.Clock().Unix())
	return r, ok && s.MayRead(r)
}

// MayRead reports whether a partner may have a token for an agreement now: it is a party to what we proposed or signed, or we follow
// a ledger of its own there, whose copy it may look at. Ended agreements may still be read: corrections and withdrawals go on.
func (s *Service) MayRead(r Reader) bool {
	p, ok := s.Partner(r.Root)
	return ok && !p.Blocked && (s.party(r) || s.follows(r))
}

// party reports whether what we say under the agreement is meant for the reader.
func (s *Service) party(r Reader) bool {
	return slices.Contains(s.Agreements.Parties(r.Agreement), r.Root)
}

func (s *Service) follows(r Reader) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	for _, l := range s.links {
		if l.partner == r.Root && l.agreement == r.Agreement {
			return true
		}
	}
	return false
}

// Readable reports whether a partner may read a ledger now: one of ours, in its agreement, that is meant for it.
func (s *Service) Readable(r Reader, i ledger.Info) bool {
	return i.Own && i.Agreement == string(r.Agreement) && s.MayRead(r) && s.party(r)
}
