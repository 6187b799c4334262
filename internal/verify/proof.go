package verify

import (
	"errors"
	"time"

	"newspool/internal/clock"
	"newspool/protocol"
)

// Proof checks a proof file. What it shows is proven by the root key that it names; whether that is the root of the newsroom
// that the reader thinks of must be known from elsewhere, and the report says so.
func Proof(b []byte) Report {
	var n notes
	p, err := protocol.VerifyProof(b)
	switch {
	case errors.Is(err, protocol.ErrSignature):
		n.wrong("verify.proof_false", "detail", err.Error())
		return n.report()
	case err != nil:
		n.wrong("verify.proof_malformed")
		return n.report()
	}
	n.say("verify.proof_says", "domain", p.Newsroom.Domain, "type", p.Record.Type, "time", clock.FromMicros(p.Record.Time), "index", p.Index, "size", p.Size)
	if p.Record.About != "" {
		n.say("verify.proof_about", "about", p.Record.About)
	}
	shown := int64(0)
	for _, c := range p.Contents {
		if c != nil {
			shown++
		}
	}
	if len(p.Contents) > 0 {
		n.say("verify.proof_contents", "n", shown, "all", int64(len(p.Contents)))
	}
	for _, c := range p.Cosigners {
		n.say("verify.proof_cosigned", "domain", c.Newsroom.Domain, "time", time.Unix(c.Seconds, 0).UTC(), "root", c.Newsroom.Root)
	}
	if len(p.Cosigners) == 0 {
		n.say("verify.proof_alone")
	}
	n.say("verify.proof_root", "domain", p.Newsroom.Domain, "root", p.Newsroom.Root, "fingerprint", protocol.Fingerprint(p.Newsroom.Root))
	return n.report()
}
