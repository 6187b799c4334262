package protocol

import (
	"bytes"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

func TestTilePath(t *testing.T) {
	for _, c := range []struct {
		tile Tile
		path string
	}{
		{Tile{0, 0, 256}, "tile/0/000"},
		{Tile{0, 7, 17}, "tile/0/007.p/17"},
		{Tile{1, 1234067, 256}, "tile/1/x001/x234/067"},
		{Tile{1, 1234, 1}, "tile/1/x001/234.p/1"},
		{Tile{EntriesLevel, 0, 255}, "tile/entries/000.p/255"},
		{Tile{EntriesLevel, 999, 256}, "tile/entries/999"},
		{Tile{EntriesLevel, 1000, 256}, "tile/entries/x001/000"},
		{Tile{63, 999999999999999, 256}, "tile/63/x999/x999/x999/x999/999"},
	} {
		if got := c.tile.Path(); got != c.path {
			t.Errorf("%+v: %s, want %s", c.tile, got, c.path)
		}
		if got, err := ParseTile(c.path); err != nil || got != c.tile {
			t.Errorf("%s: %+v, %v", c.path, got, err)
		}
	}
}

// badTiles are paths that name no tile in its only spelling. The vectors hold them, too.
func badTiles() []string {
	return []string{
		"", "tile", "tile/", "tile/0", "tile/0/", "tile//000", "/tile/0/000", "tile/0/000/", "tiles/0/000",
		"tile/64/000", "tile/-1/000", "tile/-2/000", "tile/00/000", "tile/+1/000", "tile/0x1/000", "tile/entry/000", "tile/Entries/000",
		"tile/0/0", "tile/0/00", "tile/0/0000", "tile/0/1000", "tile/0/-01", "tile/0/-100", "tile/0/+01", "tile/0/ 01", "tile/0/abc", "tile/0/0a0",
		"tile/0/x000/000", "tile/0/x000/x001/000", "tile/0/001/000", "tile/0/x001", "tile/0/x001/x000", "tile/0/X001/000", "tile/0/xx01/000",
		"tile/0/x-100/000", "tile/0/x-01/500", "tile/0/x001/-67", "tile/0/x001/x001/x001/x001/x001/000",
		"tile/0/000.p/0", "tile/0/000.p/256", "tile/0/000.p/257", "tile/0/000.p/01", "tile/0/000.p/-1", "tile/0/000.p/+1", "tile/0/000.p/", "tile/0/000.p",
		"tile/0/000.p/1/", "tile/0/.p/1", "tile/0/000.p.p/1", "tile/0/x001.p/000.p/1", "tile/0/000.P/1", "tile/0/000.p/1.p/1",
		"tile/0/000?x", "tile/0/٠٠٠", "tile/data/000", "tile/0//000",
	}
}

func TestParseTileRefused(t *testing.T) {
	for _, p := range badTiles() {
		got, err := ParseTile(p)
		refused(t, p, err, ErrMalformed)
		if got != (Tile{}) {
			t.Errorf("%q gave %+v", p, got)
		}
	}
}

func drawTile(t *rapid.T) Tile {
	return Tile{
		Level: rapid.IntRange(EntriesLevel, 63).Draw(t, "level"),
		Index: rapid.Int64Range(0, 999999999999999).Draw(t, "index"),
		Width: rapid.IntRange(1, TileWidth).Draw(t, "width"),
	}
}

func TestTileProperty(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawTile(t)
		if got, err := ParseTile(x.Path()); err != nil || got != x {
			t.Fatalf("%s: %+v, %v", x.Path(), got, err)
		}
	})
}

// TestTilePathOfTlog compares paths with package tlog, which spells a full tile without its width and puts the height in.
func TestTilePathOfTlog(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		x := drawTile(t)
		ref := tlog.Tile{H: 8, L: x.Level, N: x.Index, W: x.Width}
		want := "tile/" + ref.Path()[len("tile/8/"):]
		if x.Level == EntriesLevel {
			want = "tile/entries/" + ref.Path()[len("tile/8/data/"):]
		}
		if x.Path() != want {
			t.Fatalf("%s, tlog has %s", x.Path(), want)
		}
	})
}

func TestWithin(t *testing.T) {
	for _, c := range []struct {
		path string
		size int64
		want bool
	}{
		{"tile/0/000.p/1", 0, false},
		{"tile/0/000.p/1", 1, true},
		{"tile/0/000.p/2", 1, false},
		{"tile/0/000", 255, false},
		{"tile/0/000", 256, true},
		{"tile/0/001.p/1", 256, false},
		{"tile/0/001.p/1", 257, true},
		{"tile/entries/000.p/5", 5, true},
		{"tile/entries/000.p/5", 4, false},
		{"tile/1/000.p/1", 255, false},
		{"tile/1/000.p/1", 256, true},
		{"tile/1/000", 65535, false},
		{"tile/1/000", 65536, true},
		{"tile/2/000.p/1", 65535, false},
		{"tile/2/000.p/1", 65536, true},
		{"tile/6/000.p/1", MaxInteger, true},
		{"tile/6/000.p/33", MaxInteger, false},
		{"tile/7/000.p/1", MaxInteger, false},
		{"tile/63/000.p/1", MaxInteger, false},
		{"tile/0/x999/x999/x999/x999/999", MaxInteger, false},
	} {
		x, err := ParseTile(c.path)
		if err != nil {
			t.Fatal(err)
		}
		if got := x.Within(c.size); got != c.want {
			t.Errorf("%s in %d: %v", c.path, c.size, got)
		}
	}
}

func TestAppendEntry(t *testing.T) {
	b := AppendEntry(AppendEntry(nil, []byte("ab")), bytes.Repeat([]byte("c"), 300))
	if want := append([]byte{0, 2, 'a', 'b', 1, 44}, bytes.Repeat([]byte("c"), 300)...); !bytes.Equal(b, want) {
		t.Errorf("% x", b)
	}
}
