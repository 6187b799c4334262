package protocol

import (
	"encoding/binary"
	"strconv"
	"strings"
)

// TileWidth is the number of hashes or entries in a full tile.
const TileWidth = 256

// Tile names a resource of a tlog-tiles log: a tile of hashes, or a bundle of entries where Level is EntriesLevel.
type Tile struct {
	Level int
	Index int64
	Width int // 1 to 256; below 256 it is a partial tile
}

// EntriesLevel marks a bundle of entries.
const EntriesLevel = -1

// Path is the tile's path below the ledger, as C2SP tlog-tiles has it: "tile/0/x001/234.p/17".
func (t Tile) Path() string {
	level := "entries"
	if t.Level != EntriesLevel {
		level = strconv.Itoa(t.Level)
	}
	n := t.Index
	p := ""
	for ok := true; ok; ok = n > 0 {
		d := strconv.FormatInt(n%1000, 10)
		d = strings.Repeat("0", 3-len(d)) + d
		if p == "" {
			p = d
		} else {
			p = "x" + d + "/" + p
		}
		n /= 1000
	}
	if t.Width < TileWidth {
		p += ".p/" + strconv.Itoa(t.Width)
	}
	return "tile/" + level + "/" + p
}

// ParseTile reads a path that Path writes; any other spelling is ErrMalformed.
func ParseTile(path string) (Tile, error) {
	f := strings.Split(path, "/")
	if len(f) < 3 || f[0] != "tile" {
		return Tile{}, malformed("tile path")
	}
	t := Tile{Level: EntriesLevel, Width: TileWidth}
	if f[1] != "entries" {
		n, err := strconv.Atoi(f[1])
		if err != nil || n < 0 || n > 63 {
			return Tile{}, malformed("tile level")
		}
		t.Level = n
	}
	parts := f[2:]
	if i := len(parts) - 2; i >= 0 && strings.HasSuffix(parts[i], ".p") {
		w, err := strconv.Atoi(parts[i+1])
		if err != nil {
			return Tile{}, malformed("tile width")
		}
		t.Width = w
		parts = append(append([]string(nil), parts[:i]...), strings.TrimSuffix(parts[i], ".p"))
	}
	if len(parts) > 5 {
		return Tile{}, malformed("tile index")
	}
	for _, p := range parts {
		n, err := strconv.ParseUint(strings.TrimPrefix(p, "x"), 10, 16)
		if err != nil || n > 999 {
			return Tile{}, malformed("tile index")
		}
		t.Index = t.Index*1000 + int64(n)
	}
	if t.Width < 1 || t.Path() != path {
		return Tile{}, malformed("tile path is not canonical")
	}
	return t, nil
}

// Span is how many records one hash of the tile's level covers; 1 for entries.
func (t Tile) Span() int64 {
	if t.Level <= 0 {
		return 1
	}
	if t.Level > 6 {
		return 1 << 62
	}
	return 1 << (8 * t.Level)
}

// Within reports whether a ledger of this size has the tile.
func (t Tile) Within(size int64) bool {
	return t.Span() <= size && (t.Index*TileWidth+int64(t.Width)) <= size/t.Span()
}

// AppendEntry adds a record to an entry bundle: its length in two bytes, then its bytes.
func AppendEntry(b, record []byte) []byte {
	return append(binary.BigEndian.AppendUint16(b, uint16(len(record))), record...)
}
