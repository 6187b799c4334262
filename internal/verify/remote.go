package verify

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"encoding/binary"
	"strings"

	"newspool/protocol"
)

// remote is the checking of a ledger that is served.
type remote struct {
	notes
	ctx    context.Context
	get    func(path string) ([]byte, error)
	ledger string // its id
	edge   protocol.Edge
	levels [][]byte // hashes of the tile that is being filled, by level

	malformed, foreign, back, lastTime int64
}

// Remote checks a ledger as a node serves it, through nothing but its checkpoint, entry bundles and tiles: get fetches a path
// below the ledger ("checkpoint", "tile/0/000"). Every record is hashed, every tile compared, and the root compared with the
// checkpoint, which one of the keys must have signed under the origin.
func Remote(ctx context.Context, get func(path string) ([]byte, error), origin string, told Progress, pub ...ed25519.PublicKey) Report {
	r := &remote{ctx: ctx, get: get, ledger: origin[strings.LastIndexByte(origin, '/')+1:]}
	b, err := get("checkpoint")
	if err != nil {
		r.wrong("verify.unreachable", "path", "checkpoint", "detail", err.Error())
		return r.report()
	}
	cp, err := protocol.OpenCheckpoint(b, origin, pub...)
	if err != nil {
		r.wrong("verify.remote_checkpoint", "detail", err.Error())
		return r.report()
	}
	r.say("verify.ledger", "origin", origin, "size", cp.Size)
	for from := int64(0); from < cp.Size; from += protocol.TileWidth {
		if !r.bundle(from/protocol.TileWidth, int(min(protocol.TileWidth, cp.Size-from))) {
			return r.report()
		}
		told.tell(origin, r.edge.Size, cp.Size)
	}
	for level := range r.levels {
		width := len(r.levels[level]) / len(protocol.Hash{})
		if width > 0 && !r.compare(protocol.Tile{Level: level, Index: cp.Size >> (8 * (level + 1)), Width: width}) {
			return r.report()
		}
	}
	if r.edge.Root() != cp.Root {
		r.wrong("verify.remote_root")
	}
	r.counts(counted{"verify.malformed_count", r.malformed}, counted{"verify.foreign_count", r.foreign}, counted{"verify.time_count", r.back})
	if len(r.count) == 0 {
		r.say("verify.ledger_ok", "size", cp.Size, "root", cp.Root.String())
	}
	return r.report()
}

// fetch gets a path; false once it is of no use to go on.
func (r *remote) fetch(path string) ([]byte, bool) {
	err := r.ctx.Err()
	var b []byte
	if err == nil {
		b, err = r.get(path)
	}
	if err != nil {
		r.wrong("verify.unreachable", "path", path, "detail", err.Error())
	}
	return b, err == nil
}

// bundle takes the records of an entry bundle into the tree.
func (r *remote) bundle(index int64, width int) bool {
	path := protocol.Tile{Level: protocol.EntriesLevel, Index: index, Width: width}.Path()
	b, ok := r.fetch(path)
	if !ok {
		return false
	}
	for range width {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			r.wrong("verify.remote_tile", "path", path)
			return false
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		if !r.record(b[2:n]) {
			return false
		}
		b = b[n:]
	}
	if len(b) != 0 {
		r.wrong("verify.remote_tile", "path", path)
	}
	return true
}

func (r *remote) record(b []byte) bool {
	rec, err := protocol.ParseRecord(b)
	switch {
	case err != nil:
		r.malformed++
	case rec.Ledger != r.ledger:
		r.foreign++
	default:
		if rec.Time < r.lastTime {
			r.back++
		}
		r.lastTime = max(r.lastTime, rec.Time)
	}
	leaf, at := protocol.LeafHash(b), r.edge.Size
	if !r.hash(0, at, leaf) {
		return false
	}
	for _, t := range r.edge.Add(leaf) {
		if !r.hash(t.Level, t.Index, t.Hash) {
			return false
		}
	}
	return true
}

// hash takes hash number index of a level; a tile that is full by it is compared.
func (r *remote) hash(level int, index int64, h protocol.Hash) bool {
	for len(r.levels) <= level {
		r.levels = append(r.levels, nil)
	}
	r.levels[level] = append(r.levels[level], h[:]...)
	if len(r.levels[level]) < protocol.TileWidth*len(h) {
		return true
	}
	ok := r.compare(protocol.Tile{Level: level, Index: index / protocol.TileWidth, Width: protocol.TileWidth})
	r.levels[level] = r.levels[level][:0]
	return ok
}

// compare compares a tile with the hashes that were computed.
func (r *remote) compare(t protocol.Tile) bool {
	b, ok := r.fetch(t.Path())
	if ok && !bytes.Equal(b, r.levels[t.Level]) {
		r.wrong("verify.remote_tile", "path", t.Path())
	}
	return ok
}
