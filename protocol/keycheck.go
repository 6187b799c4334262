package protocol

import (
	"crypto/ed25519"

	"filippo.io/edwards25519"
)

// CheckKey refuses public keys that are not the canonical encoding of a point, or are of low order: under such keys one
// signature can fit many texts.
func CheckKey(pub ed25519.PublicKey) error {
	if len(pub) != ed25519.PublicKeySize {
		return malformed("public key of %d bytes", len(pub))
	}
	p, err := new(edwards25519.Point).SetBytes(pub)
	if err != nil {
		return malformed("public key: %v", err)
	}
	if [32]byte(p.Bytes()) != [32]byte(pub) {
		return malformed("public key is not canonical")
	}
	if new(edwards25519.Point).MultByCofactor(p).Equal(edwards25519.NewIdentityPoint()) == 1 {
		return malformed("public key of low order")
	}
	return nil
}

// verifyStrict is ed25519.Verify (RFC 8032 without cofactor, non-canonical S refused) for keys that CheckKey accepts.
func verifyStrict(pub ed25519.PublicKey, msg, sig []byte) bool {
	return len(pub) == ed25519.PublicKeySize && len(sig) == ed25519.SignatureSize && ed25519.Verify(pub, msg, sig)
}
