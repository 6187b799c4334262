package protocol

import (
	"bytes"
	"fmt"
	"math/bits"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

// reference is a tree kept as package tlog keeps it.
type reference struct{ hashes []Hash }

func (r *reference) ReadHashes(indexes []int64) ([]Hash, error) {
	out := make([]Hash, len(indexes))
	for i, x := range indexes {
		if x >= int64(len(r.hashes)) {
			return nil, fmt.Errorf("hash %d of %d", x, len(r.hashes))
		}
		out[i] = r.hashes[x]
	}
	return out, nil
}

func (r *reference) add(t testing.TB, n int64, record []byte) {
	t.Helper()
	hs, err := tlog.StoredHashes(n, record, r)
	if err != nil {
		t.Fatal(err)
	}
	r.hashes = append(r.hashes, hs...)
}

func leafText(i int64) []byte { return fmt.Appendf(nil, "leaf %d", i) }

// TestEdge compares edges of all sizes to 1,100 with package tlog: root, number of hashes, packed form, and the roots of tiles.
func TestEdge(t *testing.T) {
	var e Edge
	ref := &reference{}
	for n := int64(0); ; n++ {
		root, err := tlog.TreeHash(n, ref)
		if err != nil {
			t.Fatal(err)
		}
		if e.Size != n || e.Root() != root {
			t.Fatalf("size %d: root %v, want %v", n, e.Root(), root)
		}
		if len(e.Hashes) != bits.OnesCount64(uint64(n)) {
			t.Fatalf("size %d: %d hashes", n, len(e.Hashes))
		}
		again, err := UnpackEdge(n, e.Pack())
		if err != nil || again.Root() != root || again.Size != n {
			t.Fatalf("size %d: packed and unpacked: %v", n, err)
		}
		if n == 1100 {
			break
		}
		full := e.Add(LeafHash(leafText(n)))
		ref.add(t, n, leafText(n))
		var want []TileRoot
		if (n+1)%256 == 0 {
			want = []TileRoot{{1, n / 256, ref.hashes[tlog.StoredHashIndex(8, n/256)]}}
		}
		if fmt.Sprint(full) != fmt.Sprint(want) {
			t.Fatalf("leaf %d filled %v, want %v", n, full, want)
		}
	}
}

// TestEdgeTiles fills a tile of the second level and builds the same edge from tile roots.
func TestEdgeTiles(t *testing.T) {
	var e Edge
	var level1 []Hash
	const size = 65536 + 3*256 + 5
	for i := range int64(size) {
		full := e.Add(LeafHash(leafText(i)))
		switch {
		case i+1 == 65536:
			if len(full) != 2 || full[0].Level != 1 || full[0].Index != 255 || full[1].Level != 2 || full[1].Index != 0 || full[1].Hash != e.Root() {
				t.Fatalf("record %d filled %v", i, full)
			}
			level1 = nil
		case (i+1)%256 == 0:
			if len(full) != 1 || full[0].Index != i/256 {
				t.Fatalf("record %d filled %v", i, full)
			}
			level1 = append(level1, full[0].Hash)
		case len(full) != 0:
			t.Fatalf("record %d filled %v", i, full)
		}
	}
	var first Edge
	for i := range int64(65536) {
		first.Add(LeafHash(leafText(i)))
	}
	var built Edge
	built.AddTile(2, first.Root())
	for _, h := range level1 {
		built.AddTile(1, h)
	}
	for i := int64(size - 5); i < size; i++ {
		built.Add(LeafHash(leafText(i)))
	}
	if built.Size != size || built.Root() != e.Root() || !bytes.Equal(built.Pack(), e.Pack()) {
		t.Errorf("edge of %d from tiles: %v, want %v", built.Size, built.Root(), e.Root())
	}
}

// TestEdgeProperty compares drawn edges with package tlog, built leaf by leaf and from tile roots of the first level.
func TestEdgeProperty(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		leaves := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 4), 0, 600).Draw(rt, "leaves")
		var e, tiled, part Edge
		ref := &reference{}
		for i, l := range leaves {
			h := LeafHash(l)
			before := e.Clone()
			e.Add(h)
			if i > 0 && before.Root() == e.Root() {
				rt.Fatalf("leaf %d changed nothing", i)
			}
			ref.add(t, int64(i), l)
			part.Add(h)
			if part.Size == TileWidth {
				tiled.AddTile(1, part.Root())
				part = Edge{}
			}
		}
		for _, l := range leaves[tiled.Size:] {
			tiled.Add(LeafHash(l))
		}
		root, err := tlog.TreeHash(int64(len(leaves)), ref)
		if err != nil || e.Root() != root || tiled.Root() != root || tiled.Size != e.Size {
			rt.Fatalf("roots %v %v, want %v: %v", e.Root(), tiled.Root(), root, err)
		}
	})
}

func TestUnpackEdgeRefused(t *testing.T) {
	for _, c := range []struct {
		size  int64
		bytes int
	}{{-1, 0}, {0, 32}, {1, 0}, {1, 31}, {1, 64}, {3, 32}, {256, 64}, {255, 32}} {
		_, err := UnpackEdge(c.size, make([]byte, c.bytes))
		refused(t, fmt.Sprint(c), err, ErrMalformed)
	}
}

func TestCloneIsApart(t *testing.T) {
	var e Edge
	for i := range int64(3) {
		e.Add(LeafHash(leafText(i)))
	}
	c := e.Clone()
	root := e.Root()
	c.Add(LeafHash([]byte("other")))
	c.Hashes[0][0] ^= 1
	if e.Root() != root || e.Size != 3 {
		t.Error("a change to the clone changed the edge")
	}
}
