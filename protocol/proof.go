package protocol

import (
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/tlog"
)

// ProofFormat is the first field of a proof file.
const ProofFormat = "newspool proof v1"

// MaxProof is the size of a proof file, in bytes.
const MaxProof = 8 << 20

// Proof shows, apart from any node, that a newsroom said a record: the record with its contents, its place in the ledger,
// the signed checkpoint, the cosignatures of partners, and the key lists.
type Proof struct {
	Format       string         `json:"format"`
	Origin       string         `json:"origin"`
	Index        int64          `json:"index"`
	Record       []byte         `json:"record"`
	Contents     []ProofContent `json:"contents"`
	Inclusion    []Hash         `json:"inclusion"`
	Checkpoint   string         `json:"checkpoint"`
	Identity     string         `json:"identity"` // identity note of the newsroom whose ledger it is
	Cosignatures []ProofCosign  `json:"cosignatures,omitempty"`
}

// ProofContent is a content of the record with its salt; Bytes is nil where it was erased or withdrawn.
type ProofContent struct {
	Salt  []byte `json:"salt,omitempty"`
	Bytes []byte `json:"bytes,omitempty"`
}

// ProofCosign is a partner's cosignature over the checkpoint, with that partner's identity note.
type ProofCosign struct {
	Line     string `json:"line"`
	Identity string `json:"identity"`
}

// Proven is what a proof shows.
type Proven struct {
	Newsroom  Identity
	Record    Record
	Index     int64
	Size      int64
	Contents  [][]byte // nil where the proof holds none
	Cosigners []Cosigned
}

// Cosigned says who else held the ledger, and since when at the latest.
type Cosigned struct {
	Newsroom Identity
	Seconds  int64
}

// VerifyProof checks a proof file wholly: formats, key lists, signature, inclusion, contents, cosignatures. Keys that were
// retired since are good for what they signed; a checkpoint by a log key that was stolen is believed only with another
// newsroom's cosignature that is older than the theft. What it returns
// is proven by the root key in Newsroom.Root and by nothing else: whether that root is really the newsroom that the reader
// thinks of must be known from elsewhere.
func VerifyProof(b []byte) (Proven, error) {
	var p Proof
	if err := CheckJSON(b, MaxProof, true); err != nil {
		return Proven{}, err
	}
	if err := Decode(b, &p); err != nil {
		return Proven{}, fmt.Errorf("proof: %w", err)
	}
	if p.Format != ProofFormat {
		return Proven{}, malformed("format %q", p.Format)
	}
	id, keys, err := ParseIdentityNote(p.Identity)
	if err != nil {
		return Proven{}, fmt.Errorf("identity: %w", err)
	}
	rec, err := ParseRecord(p.Record)
	if err != nil {
		return Proven{}, fmt.Errorf("record: %w", err)
	}
	if !strings.HasSuffix(p.Origin, "/exchange/v1/ledgers/"+rec.Ledger) {
		return Proven{}, malformed("the record was written for another ledger")
	}
	cp, stolen, theft, err := openEver([]byte(p.Checkpoint), p.Origin, keys)
	if err != nil {
		return Proven{}, fmt.Errorf("checkpoint: %w", err)
	}
	if p.Index < 0 || p.Index >= cp.Size {
		return Proven{}, malformed("index %d of %d", p.Index, cp.Size)
	}
	if err := tlog.CheckRecord(tlog.RecordProof(p.Inclusion), cp.Size, cp.Root, p.Index, LeafHash(p.Record)); err != nil {
		return Proven{}, fmt.Errorf("%w: the record is not at this place of the ledger", ErrSignature)
	}
	out := Proven{Newsroom: id, Record: rec, Index: p.Index, Size: cp.Size}
	if len(p.Contents) != len(rec.Contents) {
		return Proven{}, malformed("%d contents for %d", len(p.Contents), len(rec.Contents))
	}
	for i, c := range p.Contents {
		if c.Salt == nil && c.Bytes == nil {
			out.Contents = append(out.Contents, nil)
			continue
		}
		if len(c.Salt) != len(Salt{}) || !rec.Contents[i].Fits(Salt(c.Salt), c.Bytes) {
			return Proven{}, fmt.Errorf("%w: content %d is not the one that the record names", ErrSignature, i+1)
		}
		out.Contents = append(out.Contents, append([]byte{}, c.Bytes...)) // an empty content is not a missing one
	}
	before := !stolen
	for _, c := range p.Cosignatures {
		who, k, err := ParseIdentityNote(c.Identity)
		if err != nil {
			return Proven{}, fmt.Errorf("cosigner: %w", err)
		}
		t, counts, err := verifyCosignLine(c.Line, k, cp)
		if err != nil {
			return Proven{}, fmt.Errorf("cosignature of %s: %w", who.Domain, err)
		}
		if counts {
			out.Cosigners = append(out.Cosigners, Cosigned{who, t})
			before = before || (who.Root != id.Root && t < theft/1_000_000)
		}
	}
	if !before {
		return Proven{}, fmt.Errorf("%w: the log key was stolen, and nobody else held the ledger before", ErrSignature)
	}
	return out, nil
}

// openEver opens a checkpoint that was signed by any key that the newsroom ever had. If that one was stolen, theft is when, in
// microseconds.
func openEver(msg []byte, origin string, keys Keys) (cp Checkpoint, stolen bool, theft int64, err error) {
	if cp, err = OpenCheckpoint(msg, origin, keys.Ever(RoleLog, false)...); err == nil {
		return cp, false, 0, nil
	}
	for _, pub := range keys.Ever(RoleLog, true) {
		if cp, err := OpenCheckpoint(msg, origin, pub); err == nil {
			theft, stolen = keys.ended(RoleLog, pub, ActStolen)
			return cp, stolen, theft, nil
		}
	}
	return Checkpoint{}, false, 0, err
}

// verifyCosignLine gives the time of a cosignature. One by a key that was retired before that time is refused; one by a key
// that was stolen does not count, for the thief can write any time.
func verifyCosignLine(line string, keys Keys, cp Checkpoint) (seconds int64, counts bool, err error) {
	for _, pub := range keys.Ever(RoleCosigner, true) {
		s, err := ParseCosignature(line, pub)
		if err != nil || !s.Verify(pub, cp) {
			continue
		}
		if at, ok := keys.ended(RoleCosigner, pub, ActRetire); ok && s.Time > at/1_000_000 {
			return 0, false, fmt.Errorf("%w: the key was retired before", ErrSignature)
		}
		_, stolen := keys.ended(RoleCosigner, pub, ActStolen)
		return s.Time, !stolen, nil
	}
	return 0, false, ErrSignature
}
