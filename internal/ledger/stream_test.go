package ledger

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"newspool/internal/store"
	"newspool/protocol"
)

// reader is a follower without a database: it verifies frames as they come.
type reader struct {
	t      testing.TB
	h      *house
	id     ID
	c      *Cursor
	edge   protocol.Edge
	frames []protocol.Frame
}

func (h *house) reader(id ID, from int64) *reader {
	h.t.Helper()
	c, err := h.s.Cursor(context.Background(), id, from)
	if err != nil {
		h.t.Fatal(err)
	}
	x := &reader{t: h.t, h: h, id: id, c: c}
	err = h.db.Read(context.Background(), func(r store.Reader) error {
		x.edge, err = EdgeAt(r, id, from)
		return err
	})
	if err != nil {
		h.t.Fatal(err)
	}
	return x
}

// take reads frames until there are no more; each is verified alone.
func (x *reader) take() []protocol.Frame {
	x.t.Helper()
	var out []protocol.Frame
	for {
		f, ok, _, err := x.c.Next(context.Background())
		if err != nil {
			x.t.Fatal(err)
		}
		if !ok {
			x.frames = append(x.frames, out...)
			return out
		}
		again, err := protocol.ReadFrame(newBuffered(protocol.AppendFrame(nil, f)))
		if err != nil {
			x.t.Fatalf("the frame cannot be read: %v", err)
		}
		f = again
		if f.From != x.edge.Size || len(f.Records) == 0 || len(f.Records) > protocol.FrameRecords {
			x.t.Fatalf("frame of %d records from %d, wanted from %d", len(f.Records), f.From, x.edge.Size)
		}
		for _, e := range f.Records {
			x.edge.Add(protocol.LeafHash(e.Record))
		}
		cp, err := protocol.OpenCheckpoint(f.Checkpoint, origin(x.id), x.h.pub())
		if err != nil || cp.Size != x.edge.Size || cp.Root != x.edge.Root() {
			x.t.Fatalf("frame from %d: checkpoint %+v, want size %d: %v", f.From, cp, x.edge.Size, err)
		}
		if x.c.Position() != x.edge.Size {
			x.t.Fatalf("the cursor is at %d, the reader at %d", x.c.Position(), x.edge.Size)
		}
		out = append(out, f)
	}
}

func ends(frames []protocol.Frame) string {
	var out []string
	for _, f := range frames {
		out = append(out, fmt.Sprint(f.From+int64(len(f.Records))))
	}
	return strings.Join(out, " ")
}

func TestFrames(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.many(idA, 1000)
		for _, fresh := range []bool{false, true} {
			if fresh {
				h.restart() // all from the database
			}
			for _, c := range []struct {
				from int64
				want string
			}{
				{0, "256 512 768 1000"}, {10, "256 512 768 1000"}, {255, "256 512 768 1000"}, {256, "512 768 1000"}, {700, "768 1000"}, {800, "1000"}, {999, "1000"}, {1000, ""},
			} {
				if got := ends(h.reader(idA, c.from).take()); got != c.want {
					t.Errorf("from %d: frames end at %s, want %s", c.from, got, c.want)
				}
			}
		}
		for _, from := range []int64{-1, 1001} {
			if _, err := h.s.Cursor(context.Background(), idA, from); !errors.Is(err, ErrBeyond) {
				t.Errorf("from %d: %v", from, err)
			}
		}
		if _, err := h.s.Cursor(context.Background(), idC, 0); !errors.Is(err, ErrUnknown) {
			t.Errorf("unknown ledger: %v", err)
		}
		x := h.reader(idA, 1000)
		x.take()
		_, _, grown, err := x.c.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		h.say(idA, "more", "and-more")
		await(t, grown)
		if got := ends(x.take()); got != "1002" {
			t.Errorf("frames end at %s", got)
		}
	})
}

// TestFrameBytes cuts frames at 4 MiB, from memory and from the database; a single record with more than that is alone.
func TestFrameBytes(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		mib := strings.Repeat("n", protocol.MaxContent)
		h.tell(idA, "0", mib, mib)
		h.tell(idA, "1", mib)
		h.tell(idA, "2", mib)
		h.tell(idA, "3", mib, mib, mib)
		h.tell(idA, "4", "short")
		h.tell(idA, "5", mib, mib, mib)
		h.tell(idA, "6", "short")
		for range 2 {
			x := h.reader(idA, 0)
			if got := ends(x.take()); got != "2 3 5 7" {
				t.Errorf("frames end at %s", got)
			}
			for _, f := range x.frames {
				if n := len(protocol.AppendFrame(nil, f)); n > protocol.FrameBytes+1<<16 {
					t.Errorf("frame of %d bytes", n)
				}
			}
			h.restart()
		}
	})
}

// TestTail keeps only so much in memory, and what is read is the same.
func TestTail(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA, idB)
		start := h.reader(idA, 0)
		mib := strings.Repeat("n", protocol.MaxContent)
		for range 20 {
			h.tell(idA, "large", mib)
		}
		hd, err := h.s.ownHead(context.Background(), idA)
		if err != nil {
			t.Fatal(err)
		}
		if hd.bytes > tailBytes || len(hd.tail) == 0 || hd.from+int64(len(hd.tail)) != 20 {
			t.Errorf("%d bytes and %d records from %d are kept", hd.bytes, len(hd.tail), hd.from)
		}
		h.many(idB, 5000)
		if hd, err = h.s.ownHead(context.Background(), idB); err != nil {
			t.Fatal(err)
		}
		if len(hd.tail) > tailRecords || hd.from+int64(len(hd.tail)) != 5000 {
			t.Errorf("%d records from %d are kept", len(hd.tail), hd.from)
		}
		start.take()
		h.reader(idB, 0).take()
		h.agree(idA, idB)
	})
}

// TestHints: frames and heartbeats name the withdrawals that the reader has still before it.
func TestHints(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.many(idA, 300)
		withdraw := func(word string) {
			h.write(func(tx *store.Tx) error {
				d := draft(word)
				d.Withdraw = true
				_, err := h.s.Append(tx, idA, d)
				return err
			})
		}
		withdraw("x")
		h.many(idA, 300)
		withdraw("y")
		for range 2 {
			c, err := h.s.Cursor(context.Background(), idA, 0)
			if err != nil {
				t.Fatal(err)
			}
			beat, cp, err := c.Heartbeat()
			if err != nil || cp.Size != 602 || hinted(beat.Hints) != "300:x 601:y" || len(beat.Records) != 0 {
				t.Errorf("heartbeat %q of %d, %v", hinted(beat.Hints), cp.Size, err)
			}
			var got []string
			for {
				f, ok, _, err := c.Next(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				if !ok {
					break
				}
				got = append(got, hinted(f.Hints))
			}
			if want := "300:x 601:y|601:y|"; strings.Join(got, "|") != want {
				t.Errorf("hints %q, want %q", strings.Join(got, "|"), want)
			}
			beat, _, err = c.Heartbeat()
			if err != nil || len(beat.Hints) != 0 {
				t.Errorf("heartbeat at the end: %v, %v", beat.Hints, err)
			}
			h.restart()
		}
	})
	if got := hintsFrom(make([]protocol.Hint, 3000), 0); len(got) != 1024 {
		t.Errorf("%d hints", len(got))
	}
}

func hinted(hints []protocol.Hint) string {
	var out []string
	for _, x := range hints {
		out = append(out, fmt.Sprint(x.Index, ":", x.About[len("newspool://north.example/item/"):]))
	}
	return strings.Join(out, " ")
}

// TestCloseContents: who was there before the withdrawal has the content, whoever comes later gets the index of the withdrawal.
func TestCloseContents(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		early := h.reader(idA, 0)
		h.tell(idA, "kept", "this stays")
		p := h.tell(idA, "gone", "this goes", "this too")
		if got := early.take(); len(got) != 1 || string(got[0].Records[1].Contents[0].Bytes) != "this goes" {
			t.Fatalf("%+v", got)
		}
		middle := h.reader(idA, 1)
		h.write(func(tx *store.Tx) error {
			d, err := told(tx, "gone", "why")
			if err != nil {
				return err
			}
			d.Withdraw = true
			w, err := h.s.Append(tx, idA, d)
			if err != nil {
				return err
			}
			return h.s.CloseContents(tx, idA, []int64{p.Seq}, w.Seq)
		})
		for round, x := range []*reader{middle, h.reader(idA, 0)} {
			var entries []protocol.Entry
			for _, f := range x.take() {
				entries = append(entries, f.Records...)
			}
			last := len(entries)
			for n, c := range entries[last-2].Contents {
				if c.State != protocol.Withdrawn || c.Index != 2 || c.Bytes != nil {
					t.Errorf("reader %d, content %d: %+v", round, n, c)
				}
			}
			if c := entries[last-1].Contents[0]; c.State != protocol.Present || string(c.Bytes) != "why" {
				t.Errorf("reader %d, reason: %+v", round, c)
			}
			if round == 1 && string(entries[0].Contents[0].Bytes) != "this stays" {
				t.Error("a content that nobody closed does not come")
			}
		}
		h.restart()
		h.reader(idA, 0).take()
		h.agree(idA)
	})
}

// TestCloseInOneGroup releases and withdraws in one shared transaction: the content never leaves, not even in between.
func TestCloseInOneGroup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.say(idA, "before")
		var seq int64
		errs := together(t, h.db,
			func(tx *store.Tx) error {
				d, err := told(tx, "gone", "this goes")
				if err != nil {
					return err
				}
				p, err := h.s.Append(tx, idA, d)
				seq = p.Seq
				// What is published for this closure comes before the next closure's OnCommit.
				tx.OnCommit(func() {
					c, err := h.s.Cursor(context.Background(), idA, seq)
					if err != nil {
						t.Error(err)
						return
					}
					f, _, _, err := c.Next(context.Background())
					if err != nil || len(f.Records) == 0 || f.Records[0].Contents[0].State != protocol.Withdrawn {
						t.Errorf("between release and withdrawal: %+v, %v", f, err)
					}
				})
				return err
			},
			func(tx *store.Tx) error {
				d := draft("gone")
				d.Withdraw = true
				w, err := h.s.Append(tx, idA, d)
				if err != nil {
					return err
				}
				return h.s.CloseContents(tx, idA, []int64{seq}, w.Seq)
			})
		if errs[0] != nil || errs[1] != nil {
			t.Fatal(errs)
		}
		h.agree(idA)
		h.reader(idA, 0).take()
	})
}

// TestTile serves tiles and bundles as their bytes, within the durable size.
func TestTile(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.many(idA, 700)
		tile := func(path string) ([]byte, error) {
			x, err := protocol.ParseTile(path)
			if err != nil {
				t.Fatal(err)
			}
			return h.s.Tile(context.Background(), idA, x)
		}
		var e protocol.Edge
		var leaves, level1, bundle []byte
		err := h.db.Read(context.Background(), func(r store.Reader) error {
			records, err := Records(r, idA, 0, 700)
			for i, b := range records {
				leaf := protocol.LeafHash(b)
				for _, x := range e.Add(leaf) {
					level1 = append(level1, x.Hash[:]...)
				}
				if i >= 512 {
					leaves = append(leaves, leaf[:]...)
					bundle = protocol.AppendEntry(bundle, b)
				}
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for path, want := range map[string][]byte{
			"tile/0/002.p/188": leaves, "tile/0/002.p/3": leaves[:96], "tile/1/000.p/2": level1, "tile/1/000.p/1": level1[:32], "tile/entries/002.p/188": bundle,
		} {
			if got, err := tile(path); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s: %d bytes, want %d: %v", path, len(got), len(want), err)
			}
		}
		if got, err := tile("tile/0/001"); err != nil || len(got) != 8192 {
			t.Errorf("full tile: %d bytes, %v", len(got), err)
		}
		for _, path := range []string{"tile/0/002", "tile/0/002.p/189", "tile/0/003.p/1", "tile/1/000.p/3", "tile/1/000", "tile/2/000.p/1", "tile/entries/002", "tile/entries/x001/000"} {
			if _, err := tile(path); !errors.Is(err, ErrBeyond) {
				t.Errorf("%s: %v", path, err)
			}
		}
	})
}
