package people

import (
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"strings"
)

// A secret that is given out: 256 random bits for a session or a program. Only its hash is kept.
func newSecret(prefix string) (secret string, hash []byte) {
	secret = prefix + base64.RawURLEncoding.EncodeToString(random(32))
	return secret, hashOf(secret)
}

func hashOf(secret string) []byte {
	h := sha256.Sum256([]byte(secret))
	return h[:]
}

// secretSize is the length of a secret without its prefix. Nothing else is looked up.
const secretSize = 43

// letters has no two that look alike.
const letters = "abcdefghjkmnpqrstvwxyz0123456789"

// groups writes bytes in groups of n letters and digits that can be read aloud. Upper and lower case are the same.
func groups(b []byte, n int) string {
	text := base32.NewEncoding(letters).WithPadding(base32.NoPadding).EncodeToString(b)
	var parts []string
	for len(text) > n {
		parts = append(parts, text[:n])
		text = text[n:]
	}
	return strings.Join(append(parts, text), "-")
}

// codeForm is a code as it was typed, brought to the form of groups without its dashes.
func codeForm(typed string) string {
	return strings.NewReplacer("-", "", " ", "", "\t", "", "o", "0", "i", "1", "l", "1", "u", "v").Replace(strings.ToLower(strings.TrimSpace(typed)))
}
