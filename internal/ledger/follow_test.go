package ledger

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/tlog"

	"newspool/internal/content"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

func newBuffered(b []byte) *bufio.Reader { return bufio.NewReader(bytes.NewReader(b)) }

// theirs is a ledger to follow, of a house that speaks in it.
func theirs(id ID) Info {
	i := ours(id)
	i.Own, i.Owner = false, news.Root(strings.Repeat("2", 64))
	return i
}

// batch makes of a frame what a follower hands over.
func batch(from protocol.Edge, f protocol.Frame) Batch {
	b := Batch{From: f.From, Records: f.Records, Checkpoint: f.Checkpoint, Edge: from.Clone()}
	for _, e := range f.Records {
		b.Tiles = append(b.Tiles, b.Edge.Add(protocol.LeafHash(e.Record))...)
		rec, err := protocol.ParseRecord(e.Record)
		if err != nil {
			rec = protocol.Record{}
		}
		b.Parsed = append(b.Parsed, rec)
	}
	return b
}

// take stores a batch.
func (h *house) take(id ID, b Batch) (ids [][]content.ID, err error) {
	err = h.db.Write(context.Background(), func(tx *store.Tx) error {
		ids, err = h.s.Take(tx, id, b)
		return err
	})
	return ids, err
}

// TestFollow carries a ledger into another database: rows, contents, root and tiles are the same there.
func TestFollow(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		follower := newHouse(t, storetest.Open(t, tables()...))
		h.open(idA)
		follower.write(func(tx *store.Tx) error { return follower.s.Create(tx, theirs(idA)) })
		h.many(idA, 600)
		h.pass(time.Hour)
		h.tell(idA, "story", "one", "two")
		x := h.reader(idA, 0)
		edge := protocol.Edge{}
		for _, f := range x.take() {
			b := batch(edge, f)
			ids, err := follower.take(idA, b)
			if err != nil {
				t.Fatal(err)
			}
			if len(ids) != len(f.Records) {
				t.Fatalf("%d lists of contents for %d records", len(ids), len(f.Records))
			}
			edge = b.Edge
		}
		info, err := follower.s.Info(context.Background(), idA)
		if err != nil || info.Size != 601 || info.Root() != edge.Root() || !info.Last.Equal(noon.Add(time.Hour)) {
			t.Errorf("%+v, %v", info, err)
		}
		err = follower.db.Read(context.Background(), func(r store.Reader) error {
			e, err := EdgeAt(r, idA, 601)
			if err != nil || e.Root() != edge.Root() {
				t.Errorf("edge from hashes: %v", err)
			}
			entries, err := Entries(r, idA, 600, 601)
			if err != nil {
				return err
			}
			if c := entries[0].Contents; len(c) != 2 || string(c[0].Bytes) != "one" || string(c[1].Bytes) != "two" {
				t.Errorf("contents %+v", c)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err := follower.s.Checkpoint(context.Background(), idA); !errors.Is(err, ErrUnknown) {
			t.Errorf("a checkpoint of a partner's ledger: %v", err)
		}
	})
}

func TestTakeRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA, idB)
		h.write(func(tx *store.Tx) error { return h.s.Create(tx, theirs(idC)) })
		h.say(idA, "one", "two", "three")
		frames := h.reader(idA, 0).take()
		good := batch(protocol.Edge{}, frames[0])
		wrong := good
		wrong.From = 1
		if _, err := h.take(idC, wrong); !errors.Is(err, store.ErrStale) {
			t.Errorf("wrong from: %v", err)
		}
		if _, err := h.take(idB, good); !errors.Is(err, store.ErrStale) {
			t.Errorf("our own ledger: %v", err)
		}
		if _, err := h.take("dd", good); !errors.Is(err, store.ErrStale) {
			t.Errorf("no ledger: %v", err)
		}
		if _, err := h.take(idC, good); err != nil {
			t.Fatal(err)
		}
		if _, err := h.take(idC, good); err == nil {
			t.Error("the same batch was stored twice")
		}
		wantWords(t, h, idC, "one", "two", "three")
		h.agree(idA, idB)
		wantWords(t, h, idB)
	})
}

// TestTakeContents keeps what fits and notes what does not, in as many rows as the record names contents.
func TestTakeContents(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.write(func(tx *store.Tx) error { return h.s.Create(tx, theirs(idC)) })
		h.tell(idA, "fits", "story")
		h.tell(idA, "other", "story")
		h.tell(idA, "withdrawn", "story")
		h.tell(idA, "erased", "story")
		h.tell(idA, "withheld", "story")
		h.tell(idA, "missing", "story", "reason")
		h.tell(idA, "more", "story")
		h.say(idA, "none")
		f := h.reader(idA, 0).take()[0]
		f.Records[1].Contents[0].Bytes = []byte("another story")
		f.Records[2].Contents[0] = protocol.Content{State: protocol.Withdrawn, Index: 99}
		f.Records[3].Contents[0] = protocol.Content{State: protocol.Erased, Index: 98}
		f.Records[4].Contents[0] = protocol.Content{State: protocol.Withheld, Index: 97}
		f.Records[5].Contents = f.Records[5].Contents[:1]
		f.Records[6].Contents = append(f.Records[6].Contents, protocol.Content{Bytes: []byte("x")})
		f.Records[7].Contents = []protocol.Content{{Bytes: []byte("x")}}
		f.Records = append(f.Records, protocol.Entry{Record: []byte("malformed"), Contents: []protocol.Content{{Bytes: []byte("x")}}})
		b := batch(protocol.Edge{}, f)
		ids, err := h.take(idC, b)
		if err != nil {
			t.Fatal(err)
		}
		var held map[int64][]HeldContent
		err = h.db.Read(context.Background(), func(r store.Reader) error {
			held, err = Contents(r, idC, 0, 100)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		for seq, want := range []string{"0 0 story", "3 0 ", "1 99 ", "2 98 ", "3 0 ", "0 0 story|3 0 ", "0 0 story", "", ""} {
			var got []string
			for n, c := range held[int64(seq)] {
				got = append(got, fmt.Sprint(c.State, " ", c.Index, " ", string(c.Bytes)))
				if c.ID != ids[seq][n] || (c.State == protocol.Present) != (c.ID != "") {
					t.Errorf("record %d: id %q, told %q", seq, c.ID, ids[seq][n])
				}
				if c.State != protocol.Present && c.Salt != (protocol.Salt{}) {
					t.Errorf("record %d keeps a salt without its content", seq)
				}
			}
			if strings.Join(got, "|") != want {
				t.Errorf("record %d: %q, want %q", seq, strings.Join(got, "|"), want)
			}
		}
	})
}

// TestTakeBack: a database that lost the end of its own ledger gets it back from a follower's copy. Who reads it gets the rest.
func TestTakeBack(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		whole := newHouse(t, storetest.Open(t, tables()...))
		h.open(idA)
		whole.open(idA)
		whole.tell(idA, "one", "story")
		first := whole.reader(idA, 0).take()
		h.write(func(tx *store.Tx) error { // what the restored database has
			_, err := h.s.TakeBack(tx, idA, batch(protocol.Edge{}, first[0]))
			return err
		})
		x := h.reader(idA, 0)
		if got := ends(x.take()); got != "1" {
			t.Errorf("frames end at %s", got)
		}
		_, _, grown, err := x.c.Next(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		whole.tell(idA, "two", "story")
		whole.tell(idA, "three")
		rest := whole.reader(idA, 1).take()
		b := batch(x.edge, rest[0])
		h.write(func(tx *store.Tx) error {
			ids, err := h.s.TakeBack(tx, idA, b)
			if err == nil && (len(ids) != 2 || len(ids[0]) != 1) {
				t.Errorf("ids %v", ids)
			}
			if err != nil {
				return err
			}
			return SetState(tx, idA, Ended)
		})
		await(t, grown)
		if got := ends(x.take()); got != "3" {
			t.Errorf("frames end at %s", got)
		}
		wantWords(t, h, idA, "one", "two", "three")
		h.agree(idA)
		for name, again := range map[string]Batch{"the same again": b, "from nothing": batch(protocol.Edge{}, first[0])} {
			err := h.db.Write(context.Background(), func(tx *store.Tx) error {
				_, err := h.s.TakeBack(tx, idA, again)
				return err
			})
			if err == nil {
				t.Errorf("%s: stored", name)
			}
		}
		if err := h.db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := h.s.Append(tx, idA, draft("four"))
			return err
		}); !errors.Is(err, store.ErrStale) {
			t.Errorf("into an ended ledger: %v", err)
		}
		h.agree(idA)
	})
}

func TestCursorsOfFollowing(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.write(func(tx *store.Tx) error { return h.s.Create(tx, theirs(idC)) })
		move := func(fn func(*store.Tx, ID, int64) error, to int64) error {
			return h.db.Write(context.Background(), func(tx *store.Tx) error { return fn(tx, idC, to) })
		}
		for _, fn := range []func(*store.Tx, ID, int64) error{Applied, Visible} {
			for _, c := range []struct {
				to int64
				ok bool
			}{{3, true}, {3, true}, {2, false}, {7, true}} {
				if err := move(fn, c.to); (err == nil) != c.ok {
					t.Errorf("to %d: %v", c.to, err)
				}
			}
		}
		if i, err := h.s.Info(context.Background(), idC); err != nil || i.Applied != 7 || i.Visible != 7 {
			t.Errorf("%+v, %v", i, err)
		}
	})
}

func TestReceipts(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.many(idA, 10)
		receipt := func(who string, size, seconds int64) {
			h.write(func(tx *store.Tx) error { return h.s.Receipt(tx, idA, who, size, seconds, fmt.Sprint(who, size)) })
		}
		receipt("soren", 3, 100)
		receipt("soren", 8, 101)
		receipt("soren", 8, 999)
		receipt("avand", 5, 102)
		err := h.db.Read(context.Background(), func(r store.Reader) error {
			for _, c := range []struct {
				who  string
				seq  int64
				want int64
			}{{"soren", 0, 3}, {"soren", 2, 3}, {"soren", 3, 8}, {"soren", 7, 8}, {"soren", 8, 0}, {"avand", 4, 5}, {"avand", 5, 0}, {"nobody", 0, 0}} {
				got, ok, err := FirstHeld(r, idA, c.who, c.seq)
				if err != nil || ok != (c.want > 0) || got.Size != c.want {
					t.Errorf("%s, record %d: %+v %v %v", c.who, c.seq, got, ok, err)
				}
			}
			i, err := Get(r, idA)
			if err != nil || i.Confirmed != 8 {
				t.Errorf("confirmed %d, %v", i.Confirmed, err)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestProve verifies inclusion proofs of many records in many sizes with package tlog.
func TestProve(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.many(idA, 1100)
		err := h.db.Read(context.Background(), func(r store.Reader) error {
			records, err := Records(r, idA, 0, 1100)
			if err != nil {
				return err
			}
			for _, size := range []int64{1, 2, 3, 8, 255, 256, 257, 511, 512, 513, 1024, 1100} {
				e, err := EdgeAt(r, idA, size)
				if err != nil {
					return err
				}
				for seq := int64(0); seq < size; seq += 1 + size/40 {
					p, err := Prove(r, idA, seq, size)
					if err != nil {
						return err
					}
					if err := tlog.CheckRecord(p, size, e.Root(), seq, protocol.LeafHash(records[seq])); err != nil {
						t.Errorf("record %d of %d: %v", seq, size, err)
					}
					if tlog.CheckRecord(p, size, e.Root(), seq, protocol.LeafHash([]byte("other"))) == nil {
						t.Errorf("record %d of %d: another record is proven", seq, size)
					}
				}
			}
			for _, c := range [][2]int64{{5, 5}, {-1, 5}, {0, 1101}, {0, 0}} {
				if _, err := Prove(r, idA, c[0], c[1]); err == nil {
					t.Errorf("record %d of %d: proven", c[0], c[1])
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	})
}

// TestDamage changes a byte of what a ledger's signatures rest on: nothing is signed that differs from what was signed before.
func TestDamage(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.many(idA, 700)
		w := &witness{}
		for n := int64(0); n <= 700; n += 7 {
			cp, _, err := h.s.CheckpointAt(context.Background(), idA, n)
			if err != nil {
				t.Fatal(err)
			}
			w.note(t, idA, cp)
		}
		for _, c := range []struct{ table, column, where string }{
			{"ledger_entry", "leaf", "seq = 3"}, {"ledger_entry", "leaf", "seq = 600"}, {"ledger_entry", "record", "seq = 5"},
			{"ledger_tile", "hash", "idx = 0"}, {"ledger_tile", "hash", "idx = 1"}, {"ledger", "edge", "size = 700"},
		} {
			name := fmt.Sprint(c.table, " ", c.where)
			undo := h.flip(c.table, c.column, c.where)
			for _, fresh := range []bool{false, true} {
				s := h.s
				if fresh {
					s = h.fresh()
				}
				refused := 0
				for n := int64(0); n <= 700; n += 7 {
					if cp, _, err := s.CheckpointAt(context.Background(), idA, n); err == nil {
						w.note(t, idA, cp)
					} else if !errors.Is(err, ErrDamaged) {
						t.Errorf("%s: %v", name, err)
					} else {
						refused++
					}
				}
				if cur, err := s.Cursor(context.Background(), idA, 0); err == nil {
					for {
						f, ok, _, err := cur.Next(context.Background())
						if err != nil {
							if !errors.Is(err, ErrDamaged) {
								t.Errorf("%s: %v", name, err)
							}
							refused++
							break
						}
						if !ok {
							break
						}
						cp, err := protocol.OpenCheckpoint(f.Checkpoint, origin(idA), h.pub())
						if err != nil {
							t.Fatal(err)
						}
						w.note(t, idA, cp)
					}
				} else if !errors.Is(err, ErrDamaged) {
					t.Errorf("%s: %v", name, err)
				} else {
					refused++
				}
				// What memory holds whole is not read from broken rows.
				if refused == 0 && (fresh || c.table != "ledger" && c.column != "record") {
					t.Errorf("%s, fresh %v: nothing was refused", name, fresh)
				}
			}
			undo()
		}
		h.agree(idA)
		w.hold(t, h, idA)
	})
}

// flip changes one bit in the middle of a column of the rows that fit, and gives back how to undo it.
func (h *house) flip(table, column, where string) (undo func()) {
	h.t.Helper()
	do := func() {
		h.write(func(tx *store.Tx) error {
			var b []byte
			if err := tx.QueryRow(fmt.Sprintf(`SELECT %s FROM %s WHERE %s`, column, table, where)).Scan(&b); err != nil {
				return err
			}
			b[len(b)/2] ^= 1
			return tx.ExecOne(fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s`, table, column, where), b)
		})
	}
	do()
	return do
}
