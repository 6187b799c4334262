package protocol

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"strings"
)

// Limits of records and contents, in bytes.
const (
	MaxRecord        = 60 << 10 // one record; 4 KiB is the rule
	MaxContent       = 1 << 20  // one content
	MaxRecordContent = 3 << 20  // the contents of one record together
	MaxContents      = 16       // how many contents one record may name
	sizeStep         = 1 << 10  // sizes of contents are told in steps of this
	maxBy            = 64
	maxAbout         = 512
)

// Record is one entry of a ledger: what one newsroom said to its partners under an agreement. Its bytes hold codes, numbers,
// times and random ids only; every word a person wrote, and every hash that could be guessed, stands in its contents.
// A record carries no signature: the ledger's checkpoint signs all of them.
type Record struct {
	Type     string          `json:"type"`               // "item.release"; an unknown one is kept and shown, never applied
	ID       string          `json:"id"`                 // UUIDv7
	Ledger   string          `json:"ledger"`             // the ledger it was written for: no replay elsewhere
	Time     int64           `json:"time"`               // microseconds since 1970, the writer's clock; never goes back in one ledger
	Terms    string          `json:"terms,omitempty"`    // SHA-256 of the agreement revision under which it is said, hex
	By       string          `json:"by,omitempty"`       // opaque id, per agreement, of the person or service
	About    string          `json:"about,omitempty"`    // URI of the thing it speaks of
	Seen     []Seen          `json:"seen,omitempty"`     // what the writer had folded of each other ledger of the agreement
	Body     json.RawMessage `json:"body,omitempty"`     // small facts; its form belongs to the type
	Contents []ContentRef    `json:"contents,omitempty"` // salted hashes
}

// Seen says how far the writer of a record had folded another ledger of the agreement.
type Seen struct {
	Ledger string `json:"ledger"`
	Size   int64  `json:"size"`
	Root   string `json:"root"` // of that size, base64
}

// ContentRef names a content without telling it.
type ContentRef struct {
	Hash string `json:"hash"`           // base64 of SHA-256(salt ‖ content)
	Size int64  `json:"size"`           // rounded up to the next 1,024 bytes
	Type string `json:"type"`           // media type
	Lang string `json:"lang,omitempty"` // BCP 47
}

// Salt is the 32 random bytes that go before a content when it is hashed. Each ledger has its own salt for the same content.
type Salt [32]byte

// NewSalt makes a salt.
func NewSalt() (s Salt) {
	rand.Read(s[:])
	return s
}

// Refer makes the reference that a record holds of a content.
func Refer(salt Salt, content []byte, mediaType, lang string) ContentRef {
	return ContentRef{Hash: saltedHash(salt, content), Size: ToldSize(len(content)), Type: mediaType, Lang: lang}
}

// Fits reports whether these are the salt and content that the reference names.
func (c ContentRef) Fits(salt Salt, content []byte) bool {
	return c.Hash == saltedHash(salt, content) && c.Size == ToldSize(len(content))
}

func saltedHash(salt Salt, content []byte) string {
	h := sha256.New()
	h.Write(salt[:])
	h.Write(content)
	return base64.StdEncoding.EncodeToString(h.Sum(nil))
}

// ToldSize is the size that a record tells of a content of n bytes: rounded up, so that it tells less.
func ToldSize(n int) int64 { return int64((n + sizeStep - 1) / sizeStep * sizeStep) }

// Bytes writes the record in the form in which it enters the ledger. It is called once, by the writer: everybody else keeps
// the bytes that came. It returns ErrMalformed for a record that ParseRecord would refuse.
func (r Record) Bytes() ([]byte, error) {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(r); err != nil {
		return nil, malformed("%v", err)
	}
	out := bytes.TrimSuffix(b.Bytes(), []byte("\n"))
	if _, err := ParseRecord(out); err != nil {
		return nil, err
	}
	return out, nil
}

// ParseRecord reads a record. It refuses, with ErrMalformed, everything that the protocol calls malformed: bytes that
// CheckJSON refuses (numbers must be integers), a missing or wrongly formed type, id, ledger or time, and contents beyond
// their limits. Fields that it does not know are allowed and mean nothing to it.
func ParseRecord(b []byte) (Record, error) {
	var r Record
	switch {
	case len(b) > MaxRecord:
		return r, malformed("%d bytes, the limit is %d", len(b), MaxRecord)
	case len(b) == 0 || b[0] != '{' || b[len(b)-1] != '}':
		return r, malformed("a record is a JSON object")
	}
	// Together these two check what CheckJSON checks, in less time: records are read by the thousand.
	if err := Decode(b, &r); err != nil {
		return r, err
	}
	if err := checkDecoded(b); err != nil {
		return r, err
	}
	switch {
	case !isType(r.Type):
		return r, malformed("type %q", r.Type)
	case !IsUUID(r.ID):
		return r, malformed("id %q is no UUID", r.ID)
	case !IsLedgerID(r.Ledger):
		return r, malformed("ledger %q", r.Ledger)
	case r.Time <= 0:
		return r, malformed("time %d", r.Time)
	case r.Terms != "" && !isHex(r.Terms, 64):
		return r, malformed("terms %q", r.Terms)
	case len(r.By) > maxBy || len(r.About) > maxAbout:
		return r, malformed("by or about too long")
	case len(r.Contents) > MaxContents:
		return r, malformed("%d contents", len(r.Contents))
	}
	var total int64
	for _, c := range r.Contents {
		if _, ok := decode64(c.Hash, sha256.Size); !ok {
			return r, malformed("content hash %q", c.Hash)
		}
		if c.Size < 0 || c.Size > MaxContent || c.Type == "" || len(c.Type) > 128 || len(c.Lang) > 35 {
			return r, malformed("content of %d bytes, type %q", c.Size, c.Type)
		}
		total += c.Size
	}
	if total > MaxRecordContent {
		return r, malformed("contents of %d bytes", total)
	}
	for i, s := range r.Seen {
		if !IsLedgerID(s.Ledger) || s.Size < 0 || s.Size > MaxInteger || s.Ledger == r.Ledger || (i > 0 && r.Seen[i-1].Ledger >= s.Ledger) {
			return r, malformed("seen %d", i)
		}
		if _, ok := decode64(s.Root, sha256.Size); !ok {
			return r, malformed("seen root %q", s.Root)
		}
	}
	return r, nil
}

// isType accepts two lower-case words with a point between: "item.release".
func isType(s string) bool {
	a, b, ok := strings.Cut(s, ".")
	word := func(w string) bool {
		if w == "" || len(w) > 32 {
			return false
		}
		for _, c := range w {
			if (c < 'a' || c > 'z') && c != '-' {
				return false
			}
		}
		return true
	}
	return ok && word(a) && word(b)
}

// IsUUID accepts the lower-case text form of a UUID.
func IsUUID(s string) bool {
	if len(s) != 36 || s[8] != '-' || s[13] != '-' || s[18] != '-' || s[23] != '-' {
		return false
	}
	return isHex(strings.ReplaceAll(s, "-", ""), 32)
}

// IsLedgerID accepts 32 lower-case hex digits. Agreement ids have the same form.
func IsLedgerID(s string) bool { return isHex(s, 32) }

// NewID makes a random 128-bit id for a ledger or an agreement.
func NewID() string {
	var b [16]byte
	rand.Read(b[:])
	return hex.EncodeToString(b[:])
}

func isHex(s string, n int) bool {
	if len(s) != n {
		return false
	}
	for i := range len(s) {
		if c := s[i]; (c < '0' || c > '9') && (c < 'a' || c > 'f') {
			return false
		}
	}
	return true
}
