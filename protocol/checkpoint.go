package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Signature types of C2SP signed notes that this protocol uses.
const (
	algLog      = 0x01 // Ed25519
	algCosigner = 0x04 // timestamped Ed25519 cosignature
)

// Checkpoint says how large a ledger is and what its root is.
type Checkpoint struct {
	Origin string
	Size   int64
	Root   Hash
}

// Text is the body of the signed note.
func (c Checkpoint) Text() string {
	return c.Origin + "\n" + strconv.FormatInt(c.Size, 10) + "\n" + base64.StdEncoding.EncodeToString(c.Root[:]) + "\n"
}

// Origin is the first line of every checkpoint of a ledger. It never changes, also when the newsroom moves to another domain.
func Origin(domain, ledger string) string { return domain + "/exchange/v1/ledgers/" + ledger }

// MirrorID names a follower's copy of a ledger: the SHA-256 of its origin line, hex.
func MirrorID(origin string) string {
	h := sha256.Sum256([]byte(origin))
	return hex.EncodeToString(h[:])
}

// ParseCheckpoint reads the text of a checkpoint. Extension lines are refused: this protocol has none.
func ParseCheckpoint(text string) (Checkpoint, error) {
	lines := strings.Split(text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] == "" {
		return Checkpoint{}, malformed("checkpoint of %d lines", len(lines))
	}
	n, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil || n < 0 || n > MaxInteger || strconv.FormatInt(n, 10) != lines[1] {
		return Checkpoint{}, malformed("checkpoint size %q", lines[1])
	}
	h, ok := decode64(lines[2], tlog.HashSize)
	if !ok {
		return Checkpoint{}, malformed("checkpoint root %q", lines[2])
	}
	return Checkpoint{lines[0], n, Hash(h)}, nil
}

// keyHash is the key id of a signed note.
func keyHash(name string, alg byte, pub ed25519.PublicKey) uint32 {
	h := sha256.New()
	h.Write([]byte(name + "\n"))
	h.Write(append([]byte{alg}, pub...))
	return binary.BigEndian.Uint32(h.Sum(nil))
}

// LogSigner signs notes with a newsroom's log key under a name: the origin for checkpoints, the domain for other texts.
func LogSigner(name string, key ed25519.PrivateKey) note.Signer { return logSigner{name, key} }

type logSigner struct {
	name string
	key  ed25519.PrivateKey
}

func (s logSigner) Name() string { return s.name }
func (s logSigner) KeyHash() uint32 {
	return keyHash(s.name, algLog, s.key.Public().(ed25519.PublicKey))
}
func (s logSigner) Sign(msg []byte) ([]byte, error) { return ed25519.Sign(s.key, msg), nil }

// LogVerifier checks notes that LogSigner made.
func LogVerifier(name string, pub ed25519.PublicKey) note.Verifier { return logVerifier{name, pub} }

type logVerifier struct {
	name string
	pub  ed25519.PublicKey
}

func (v logVerifier) Name() string                { return v.name }
func (v logVerifier) KeyHash() uint32             { return keyHash(v.name, algLog, v.pub) }
func (v logVerifier) Verify(msg, sig []byte) bool { return verifyStrict(v.pub, msg, sig) }

// VerifierKey is the text form of a log key under a name, for tools that read tile logs.
func VerifierKey(name string, pub ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, algLog, pub), base64.StdEncoding.EncodeToString(append([]byte{algLog}, pub...)))
}

// SignCheckpoint signs a checkpoint. Ed25519 is deterministic and the text has no time: the same size is always signed
// with the same bytes, so nothing needs to be kept to sign an old size again.
func SignCheckpoint(c Checkpoint, key ed25519.PrivateKey) ([]byte, error) {
	return note.Sign(&note.Note{Text: c.Text()}, LogSigner(c.Origin, key))
}

// OpenCheckpoint checks that msg is a checkpoint of this origin signed by one of the keys.
func OpenCheckpoint(msg []byte, origin string, keys ...ed25519.PublicKey) (Checkpoint, error) {
	text, err := openNote(msg, origin, keys...)
	if err != nil {
		return Checkpoint{}, err
	}
	c, err := ParseCheckpoint(text)
	if err != nil {
		return Checkpoint{}, err
	}
	if c.Origin != origin {
		return Checkpoint{}, malformed("checkpoint of %q, wanted %q", c.Origin, origin)
	}
	return c, nil
}

// ErrSignature is wrapped by errors about a signature that is missing or wrong.
var ErrSignature = fmt.Errorf("signature missing or wrong")

// openNote returns the text of a note that carries a valid signature by one of the keys under the name.
func openNote(msg []byte, name string, keys ...ed25519.PublicKey) (string, error) {
	for _, k := range keys {
		if n, err := note.Open(msg, note.VerifierList(LogVerifier(name, k))); err == nil {
			return n.Text, nil
		}
	}
	return "", fmt.Errorf("%w: %s", ErrSignature, name)
}

// Cosignature is a follower's timestamped statement that it holds the ledger up to a checkpoint: durably logged, and
// readable for the parties of the agreement. It is the mirror cosignature of C2SP, with that one difference.
type Cosignature struct {
	Name string // "<domain>/cosigner"
	Time int64  // seconds since 1970
	Sig  [64]byte
}

// CosignerName is the key name of a newsroom's cosigner.
func CosignerName(domain string) string { return domain + "/cosigner" }

func cosignedText(t int64, checkpointText string) []byte {
	return []byte("cosignature/v1\ntime " + strconv.FormatInt(t, 10) + "\n" + checkpointText)
}

// Cosign signs a checkpoint at a time with a cosigner key.
func Cosign(name string, key ed25519.PrivateKey, c Checkpoint, seconds int64) Cosignature {
	out := Cosignature{Name: name, Time: seconds}
	copy(out.Sig[:], ed25519.Sign(key, cosignedText(seconds, c.Text())))
	return out
}

// Verify reports whether the cosignature is by this key and for this checkpoint.
func (s Cosignature) Verify(pub ed25519.PublicKey, c Checkpoint) bool {
	return s.Time > 0 && verifyStrict(pub, cosignedText(s.Time, c.Text()), s.Sig[:])
}

// Line is the signature line of a signed note. pub is the cosigner's public key.
func (s Cosignature) Line(pub ed25519.PublicKey) string {
	b := binary.BigEndian.AppendUint32(nil, keyHash(s.Name, algCosigner, pub))
	b = binary.BigEndian.AppendUint64(b, uint64(s.Time))
	b = append(b, s.Sig[:]...)
	return "— " + s.Name + " " + base64.StdEncoding.EncodeToString(b) + "\n"
}

// ParseCosignature reads a signature line for a known cosigner, with or without the line end. It accepts what Line writes and
// no other spelling.
func ParseCosignature(line string, pub ed25519.PublicKey) (Cosignature, error) {
	rest, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "— ")
	name, data, ok2 := strings.Cut(rest, " ")
	b, ok3 := decode64(data, 4+8+64)
	if !ok || !ok2 || !ok3 || !isKeyName(name) {
		return Cosignature{}, malformed("cosignature line")
	}
	if binary.BigEndian.Uint32(b) != keyHash(name, algCosigner, pub) {
		return Cosignature{}, fmt.Errorf("%w: key of %s", ErrSignature, name)
	}
	t := binary.BigEndian.Uint64(b[4:])
	if t == 0 || t > MaxInteger {
		return Cosignature{}, malformed("cosignature time %d", t)
	}
	s := Cosignature{Name: name, Time: int64(t)}
	copy(s.Sig[:], b[12:])
	return s, nil
}

// isKeyName accepts what may stand before a signature: not empty, no white space and no plus sign.
func isKeyName(s string) bool {
	return s != "" && utf8.ValidString(s) && strings.IndexFunc(s, unicode.IsSpace) < 0 && !strings.Contains(s, "+")
}
