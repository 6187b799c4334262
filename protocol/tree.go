package protocol

import (
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is a node of a ledger's Merkle tree, as RFC 6962 has it.
type Hash = tlog.Hash

// LeafHash is the hash of a record's bytes in its ledger.
func LeafHash(record []byte) Hash { return tlog.RecordHash(record) }

// Edge is the right edge of a ledger's tree: the roots of its full subtrees, largest first. It is all that is needed to
// append to a ledger, or to follow one and compare its root; at most 53 hashes. The zero Edge is the empty ledger.
type Edge struct {
	Size   int64
	Hashes []Hash
}

// TileRoot is the root of a full tile: hash number Index of tile level Level.
type TileRoot struct {
	Level int
	Index int64
	Hash  Hash
}

// Add appends a leaf and returns the roots of the tiles of 256 that it filled, lowest level first.
func (e *Edge) Add(leaf Hash) (full []TileRoot) {
	e.Hashes = append(e.Hashes, leaf)
	for k := range bits.TrailingZeros64(^uint64(e.Size)) {
		l := len(e.Hashes)
		e.Hashes[l-2] = tlog.NodeHash(e.Hashes[l-2], e.Hashes[l-1])
		e.Hashes = e.Hashes[:l-1]
		if k%8 == 7 {
			level := (k + 1) / 8
			full = append(full, TileRoot{Level: level, Index: e.Size >> (8 * level), Hash: e.Hashes[l-2]})
		}
	}
	e.Size++
	return full
}

// AddTile appends, to an edge whose size is a multiple of 256^level, the root of a full tile of that level.
func (e *Edge) AddTile(level int, root Hash) {
	n := e.Size >> (8 * level)
	e.Hashes = append(e.Hashes, root)
	for range bits.TrailingZeros64(^uint64(n)) {
		l := len(e.Hashes)
		e.Hashes[l-2] = tlog.NodeHash(e.Hashes[l-2], e.Hashes[l-1])
		e.Hashes = e.Hashes[:l-1]
	}
	e.Size += 1 << (8 * level)
}

// Root is the root of the tree. That of an empty ledger is the hash of nothing.
func (e *Edge) Root() Hash {
	if len(e.Hashes) == 0 {
		h, _ := tlog.TreeHash(0, nil)
		return h
	}
	h := e.Hashes[len(e.Hashes)-1]
	for i := len(e.Hashes) - 2; i >= 0; i-- {
		h = tlog.NodeHash(e.Hashes[i], h)
	}
	return h
}

// Clone copies the edge.
func (e *Edge) Clone() Edge { return Edge{e.Size, append([]Hash(nil), e.Hashes...)} }

// Pack writes the edge as bytes: the hashes, one after the other.
func (e *Edge) Pack() []byte {
	b := make([]byte, 0, 32*len(e.Hashes))
	for _, h := range e.Hashes {
		b = append(b, h[:]...)
	}
	return b
}

// UnpackEdge reads what Pack wrote for this size.
func UnpackEdge(size int64, b []byte) (Edge, error) {
	if size < 0 || len(b) != 32*bits.OnesCount64(uint64(size)) {
		return Edge{}, malformed("edge of size %d with %d bytes", size, len(b))
	}
	e := Edge{Size: size}
	for i := 0; i < len(b); i += 32 {
		e.Hashes = append(e.Hashes, Hash(b[i:i+32]))
	}
	return e, nil
}
