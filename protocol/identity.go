package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// IdentityPath is where a newsroom's identity document is found below its base URL.
const IdentityPath = "/.well-known/newspool.json"

const (
	rootName     = "newspool-root"
	keyLine      = "newspool key v1"
	identityLine = "newspool identity v1"
	noPrevious   = "0000000000000000000000000000000000000000000000000000000000000000"
	maxIdentity  = 64 << 10
	maxKeys      = 256
)

// Roles of working keys, and what the root can do with them.
const (
	RoleLog      = "log"      // signs notes: checkpoints, the identity document, access texts
	RoleCosigner = "cosigner" // signs cosignatures and nothing else
	RoleAge      = "age"      // receives bundles

	ActAdd    = "add"
	ActRetire = "retire" // from now on it signs nothing new
	ActStolen = "stolen" // nothing new under it is believed
)

// KeyEntry is one statement of the root about a working key. The root alone makes and ends working keys.
type KeyEntry struct {
	Root     string // hex
	Number   int    // from 1, without gaps
	Previous string // SHA-256 of the entry before, hex; zeros for the first
	Act      string
	Role     string
	Key      string // base64 of an Ed25519 public key, or an age recipient
	Time     int64  // microseconds
}

func (e KeyEntry) text() string {
	return strings.Join([]string{keyLine, e.Root, strconv.Itoa(e.Number), e.Previous, e.Act, e.Role, e.Key, strconv.FormatInt(e.Time, 10)}, "\n") + "\n"
}

// SignKeyEntry signs an entry with the root key.
func SignKeyEntry(e KeyEntry, root ed25519.PrivateKey) (string, error) {
	b, err := note.Sign(&note.Note{Text: e.text()}, LogSigner(rootName, root))
	return string(b), err
}

// Keys is a newsroom's list of key entries, verified.
type Keys struct {
	Root    string
	Raw     []string
	Entries []KeyEntry
}

// ParseKeys verifies a key list: every entry signed by the root, numbered without gaps, naming the hash of the one before,
// every Ed25519 key canonical and not of low order.
func ParseKeys(root string, raw []string) (Keys, error) {
	pub, err := ParseRoot(root)
	if err != nil {
		return Keys{}, err
	}
	if len(raw) == 0 || len(raw) > maxKeys {
		return Keys{}, malformed("%d key entries", len(raw))
	}
	k := Keys{Root: root, Raw: raw}
	previous := noPrevious
	for i, r := range raw {
		text, err := openNote([]byte(r), rootName, pub)
		if err != nil {
			return Keys{}, err
		}
		f := strings.Split(text, "\n")
		if len(f) != 9 || f[0] != keyLine || f[1] != root || f[2] != strconv.Itoa(i+1) || f[3] != previous {
			return Keys{}, malformed("key entry %d", i+1)
		}
		t, err := strconv.ParseInt(f[7], 10, 64)
		e := KeyEntry{Root: root, Number: i + 1, Previous: previous, Act: f[4], Role: f[5], Key: f[6], Time: t}
		if err != nil || e.text() != text || (e.Act != ActAdd && e.Act != ActRetire && e.Act != ActStolen) {
			return Keys{}, malformed("key entry %d", i+1)
		}
		if e.Role == RoleLog || e.Role == RoleCosigner {
			if _, err := ParsePublic(e.Key); err != nil {
				return Keys{}, err
			}
		} else if e.Role != RoleAge {
			return Keys{}, malformed("key entry %d: role %q", i+1, e.Role)
		}
		k.Entries = append(k.Entries, e)
		h := sha256.Sum256([]byte(r))
		previous = hex.EncodeToString(h[:])
	}
	return k, nil
}

// Last is the hash that the next entry names as the one before.
func (k Keys) Last() string {
	if len(k.Raw) == 0 {
		return noPrevious
	}
	h := sha256.Sum256([]byte(k.Raw[len(k.Raw)-1]))
	return hex.EncodeToString(h[:])
}

// Extends reports whether the list begins with all of old.
func (k Keys) Extends(old Keys) bool {
	if k.Root != old.Root || len(k.Raw) < len(old.Raw) {
		return false
	}
	for i := range old.Raw {
		if k.Raw[i] != old.Raw[i] {
			return false
		}
	}
	return true
}

// Current lists the keys of a role that are in force, newest first.
func (k Keys) Current(role string) []string {
	var out []string
	ended := map[string]bool{}
	for i := len(k.Entries) - 1; i >= 0; i-- {
		e := k.Entries[i]
		if e.Role != role {
			continue
		}
		if e.Act != ActAdd {
			ended[e.Key] = true
		} else if !ended[e.Key] {
			out = append(out, e.Key)
		}
	}
	return out
}

// Public lists the Ed25519 keys of a role that are in force, newest first.
func (k Keys) Public(role string) []ed25519.PublicKey {
	var out []ed25519.PublicKey
	for _, s := range k.Current(role) {
		if p, err := ParsePublic(s); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// Ever lists the Ed25519 keys of a role that were ever made, newest first; without those that were stolen, unless stolen is set.
func (k Keys) Ever(role string, stolen bool) []ed25519.PublicKey {
	bad := map[string]bool{}
	for _, e := range k.Entries {
		if e.Role == role && e.Act == ActStolen {
			bad[e.Key] = true
		}
	}
	var out []ed25519.PublicKey
	for i := len(k.Entries) - 1; i >= 0; i-- {
		e := k.Entries[i]
		if e.Role != role || e.Act != ActAdd || (bad[e.Key] && !stolen) {
			continue
		}
		if p, err := ParsePublic(e.Key); err == nil {
			out = append(out, p)
		}
	}
	return out
}

// ended gives the time of the first entry that ends a key in this way, in microseconds.
func (k Keys) ended(role string, pub ed25519.PublicKey, act string) (at int64, ok bool) {
	for _, e := range k.Entries {
		if e.Role == role && e.Act == act && e.Key == FormatPublic(pub) {
			return e.Time, true
		}
	}
	return 0, false
}

// ParseRoot reads a newsroom's root: 64 lower-case hex digits of a public key that CheckKey accepts.
func ParseRoot(root string) (ed25519.PublicKey, error) {
	if !isHex(root, 64) {
		return nil, malformed("root %q", root)
	}
	b, _ := hex.DecodeString(root)
	return ed25519.PublicKey(b), CheckKey(b)
}

// ParsePublic reads the base64 of an Ed25519 public key that CheckKey accepts.
func ParsePublic(s string) (ed25519.PublicKey, error) {
	b, ok := decode64(s, ed25519.PublicKeySize)
	if !ok {
		return nil, malformed("public key %q", s)
	}
	return ed25519.PublicKey(b), CheckKey(b)
}

// FormatPublic writes what ParsePublic reads.
func FormatPublic(pub ed25519.PublicKey) string { return base64.StdEncoding.EncodeToString(pub) }

// FormatRoot writes what ParseRoot reads.
func FormatRoot(pub ed25519.PublicKey) string { return hex.EncodeToString(pub) }

// Fingerprint is what two people read to each other by telephone: eight groups of five digits from the SHA-256 of the root.
// Digits are the same in every language, and 2^128 tries are needed to meet a given one.
func Fingerprint(root string) string {
	h := sha256.Sum256([]byte("newspool fingerprint v1\n" + root + "\n"))
	var groups []string
	for i := range 8 {
		n := int(h[3*i])<<16 | int(h[3*i+1])<<8 | int(h[3*i+2])
		groups = append(groups, fmt.Sprintf("%05d", n%100000))
	}
	return strings.Join(groups, " ")
}

// Identity is what a newsroom says about itself to everybody.
type Identity struct {
	Number    int64             `json:"number"` // grows with every change; a smaller one than was seen is refused
	Root      string            `json:"root"`
	Domain    string            `json:"domain"`
	Base      string            `json:"base"` // URL below which the exchange is reached
	Names     map[string]string `json:"names"`
	Kind      string            `json:"kind"` // agency, newspaper, radio, television, online, other
	Languages []string          `json:"languages"`
	Contact   string            `json:"contact,omitempty"`
	Keys      []string          `json:"keys"`
}

// SignIdentity writes the document, signed by the log key under the newsroom's domain: a JSON object with the signed note in
// its field "note".
func SignIdentity(id Identity, log ed25519.PrivateKey) ([]byte, error) {
	text, err := json.Marshal(id)
	if err != nil {
		return nil, err
	}
	n, err := note.Sign(&note.Note{Text: identityLine + "\n" + string(text) + "\n"}, LogSigner(id.Domain, log))
	if err != nil {
		return nil, err
	}
	return json.Marshal(map[string]string{"note": string(n)})
}

// ParseIdentity verifies a document: its key list under the root that it names, and its signature by a log key in force.
// Whether that root is the one that was expected is the caller's question.
func ParseIdentity(b []byte) (Identity, Keys, error) {
	var doc struct {
		Note string `json:"note"`
	}
	if err := CheckJSON(b, maxIdentity, true); err != nil {
		return Identity{}, Keys{}, err
	}
	if err := Decode(b, &doc); err != nil {
		return Identity{}, Keys{}, fmt.Errorf("identity: %w", err)
	}
	return ParseIdentityNote(doc.Note)
}

// ParseIdentityNote is ParseIdentity for the signed note alone.
func ParseIdentityNote(signed string) (Identity, Keys, error) {
	var id Identity
	text, ok := strings.CutPrefix(signed, identityLine+"\n")
	line, _, ok2 := strings.Cut(text, "\n")
	if !ok || !ok2 {
		return id, Keys{}, malformed("identity note")
	}
	if err := CheckJSON([]byte(line), maxIdentity, true); err != nil {
		return id, Keys{}, err
	}
	if err := Decode([]byte(line), &id); err != nil {
		return id, Keys{}, fmt.Errorf("identity: %w", err)
	}
	keys, err := ParseKeys(id.Root, id.Keys)
	if err != nil {
		return id, Keys{}, err
	}
	if !IsDomain(id.Domain) || id.Number < 1 || len(id.Names) == 0 || len(id.Names) > 40 || len(id.Base) > 256 {
		return id, Keys{}, malformed("identity of %q", id.Domain)
	}
	opened, err := openNote([]byte(signed), id.Domain, keys.Public(RoleLog)...)
	if err != nil {
		return id, Keys{}, err
	}
	if opened != identityLine+"\n"+line+"\n" {
		return id, Keys{}, malformed("identity note")
	}
	return id, keys, nil
}

// IsDomain accepts a lower-case host name, with a port for tests and private networks.
func IsDomain(s string) bool {
	if s == "" || len(s) > 253 {
		return false
	}
	for _, c := range s {
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' && c != '.' && c != ':' {
			return false
		}
	}
	return s[0] != '.' && s[0] != '-'
}
