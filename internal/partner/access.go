package partner

import (
	"crypto/ed25519"
	"slices"

	"newspool/internal/fault"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Challenge answers anyone who asks for access. tlsKeys are the SHA-256 of the public keys that the server answers with.
func (s *Service) Challenge(caller string, tlsKeys []string) ([]byte, error) {
	if _, err := protocol.ParseRoot(caller); err != nil {
		return nil, fault.New(fault.Invalid, "fault.request").Because(err)
	}
	self := s.Self()
	return protocol.NewChallenge(self.Domain, self.Root, caller, s.clock().Unix(), tlsKeys, s.keys.Log)
}

// OpenAnswer verifies a partner's answer to a challenge of ours and says who gave it. Every wrong one gets the same refusal.
func (s *Service) OpenAnswer(a protocol.Answer) (Partner, error) {
	denied := fault.New(fault.Denied, "fault.denied")
	self := s.Self()
	c, err := protocol.OpenChallenge([]byte(a.Challenge), self.Domain, s.keys.Log.Public().(ed25519.PublicKey))
	if err != nil {
		return Partner{}, denied.Because(err)
	}
	p, ok := s.Partner(news.Root(c.Caller))
	if !ok || c.Server != self.Root || s.clock().Unix() > c.Until {
		return Partner{}, denied
	}
	if err := a.Verify(p.Domain, p.Keys.Public(protocol.RoleLog)...); err != nil {
		return Partner{}, denied.Because(err)
	}
	return p, nil
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
	now := s.clock().Unix()
	if c.Server != string(p.Root) || c.Caller != self.Root || now > c.Until+120 || c.Until > now+protocol.ChallengeSeconds+120 {
		return a, false, fault.New(fault.Denied, "partner.challenge", "domain", p.Domain)
	}
	if len(c.TLS) > 0 {
		if !slices.Contains(c.TLS, seen) {
			return a, false, fault.New(fault.Denied, "partner.relayed", "domain", p.Domain)
		}
		bound = true
	}
	a, err = protocol.SignAnswer(challenge, string(agreement), self.Domain, s.keys.Log)
	return a, bound, err
}
