package ledger

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

// model is what ledgers must hold after drawn acts, failures of storage and restarts.
type model struct {
	words   map[ID][]string
	closed  map[ID]map[string]int64 // word → index of its withdrawal
	next    int
	readers []*modelReader
}

// modelReader is a follower that has taken so much.
type modelReader struct {
	id   ID
	c    *Cursor
	edge protocol.Edge
	seen []string
}

func (m *model) word() string { m.next++; return fmt.Sprint("w", m.next) }

// TestModel draws appends, failing closures, failing storage, withdrawals, readers and restarts, and compares after each.
func TestModel(t *testing.T) {
	// Each run opens a database. -rapid.checks asks for more.
	if f := flag.Lookup("rapid.checks"); f.Value.String() == f.DefValue {
		if err := f.Value.Set("25"); err != nil {
			t.Fatal(err)
		}
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := &breaker{}
		db := storetest.OpenWith(t, store.Options{URL: storetest.URL(t, store.SQLite), Migrations: tables(), Fault: b.fault})
		defer db.Close()
		h := newHouse(t, db)
		h.open(idA, idB)
		m := &model{words: map[ID][]string{}, closed: map[ID]map[string]int64{idA: {}, idB: {}}}
		w := &witness{}
		rt.Repeat(map[string]func(*rapid.T){
			"append": func(rt *rapid.T) {
				m.append(rt, h, false)
			},
			"failing closure": func(rt *rapid.T) {
				m.append(rt, h, true)
			},
			"failing storage": func(rt *rapid.T) {
				m.broken(rt, h, b)
			},
			"withdraw": func(rt *rapid.T) {
				m.withdraw(rt, h)
			},
			"reader": func(rt *rapid.T) {
				m.open(rt, h)
			},
			"read": func(rt *rapid.T) {
				m.read(rt, h)
			},
			"restart": func(*rapid.T) {
				h.restart()
				m.readers = nil
			},
			"pass": func(rt *rapid.T) {
				h.pass(time.Duration(rapid.IntRange(-5, 50).Draw(rt, "seconds")) * time.Second)
			},
			"": func(rt *rapid.T) {
				for _, id := range []ID{idA, idB} {
					if got := h.words(id); !slices.Equal(got, m.words[id]) {
						rt.Fatalf("ledger %s holds %q, want %q", id, got, m.words[id])
					}
					w.see(t, h, h.s, id)
				}
				h.agree(idA, idB)
				if t.Failed() {
					rt.FailNow()
				}
			},
		})
		w.hold(t, h, idA, idB)
	})
}

func drawLedger(rt *rapid.T) ID { return rapid.SampledFrom([]ID{idA, idB}).Draw(rt, "ledger") }

func (m *model) append(rt *rapid.T, h *house, fail bool) {
	type one struct {
		id   ID
		word string
	}
	var all []one
	for range rapid.IntRange(1, 5).Draw(rt, "records") {
		all = append(all, one{drawLedger(rt), m.word()})
	}
	err := h.db.Write(context.Background(), func(tx *store.Tx) error {
		for _, x := range all {
			d, err := told(tx, x.word, "content of "+x.word)
			if err != nil {
				return err
			}
			if _, err := h.s.Append(tx, x.id, d); err != nil {
				return err
			}
		}
		if fail {
			return errMine
		}
		return nil
	})
	if fail != errors.Is(err, errMine) || !fail && err != nil {
		rt.Fatal(err)
	}
	if !fail {
		for _, x := range all {
			m.words[x.id] = append(m.words[x.id], x.word)
		}
	}
}

func (m *model) broken(rt *rapid.T, h *house, b *breaker) {
	id, word := drawLedger(rt), m.word()
	b.arm(rapid.SampledFrom([]string{"begin", "exec", "query", "commit-before", "commit-after"}).Draw(rt, "step"), rapid.IntRange(0, 3).Draw(rt, "after"))
	err := h.db.Write(context.Background(), func(tx *store.Tx) error {
		d, err := told(tx, word, "content of "+word)
		if err != nil {
			return err
		}
		_, err = h.s.Append(tx, id, d)
		return err
	})
	b.disarm()
	if err == nil || errors.Is(err, store.ErrCommitUnknown) {
		m.words[id] = append(m.words[id], word)
	}
}

func (m *model) withdraw(rt *rapid.T, h *house) {
	id := drawLedger(rt)
	if len(m.words[id]) == 0 {
		return
	}
	seq := rapid.IntRange(0, len(m.words[id])-1).Draw(rt, "record")
	word := m.words[id][seq]
	if _, done := m.closed[id][word]; done {
		return
	}
	h.write(func(tx *store.Tx) error {
		d := draft(word + "-gone")
		d.Withdraw = true
		p, err := h.s.Append(tx, id, d)
		if err != nil {
			return err
		}
		m.closed[id][word] = p.Seq
		return h.s.CloseContents(tx, id, []int64{int64(seq)}, p.Seq)
	})
	m.words[id] = append(m.words[id], word+"-gone")
}

func (m *model) open(rt *rapid.T, h *house) {
	id := drawLedger(rt)
	from := rapid.IntRange(0, len(m.words[id])).Draw(rt, "from")
	x := &modelReader{id: id, seen: slices.Clone(m.words[id][:from])}
	var err error
	if x.c, err = h.s.Cursor(context.Background(), id, int64(from)); err != nil {
		rt.Fatal(err)
	}
	err = h.db.Read(context.Background(), func(r store.Reader) error {
		x.edge, err = EdgeAt(r, id, int64(from))
		return err
	})
	if err != nil {
		rt.Fatal(err)
	}
	m.readers = append(m.readers, x)
}

// read takes what there is: every record in its order, each frame verified alone, closed contents left out.
func (m *model) read(rt *rapid.T, h *house) {
	if len(m.readers) == 0 {
		return
	}
	x := rapid.SampledFrom(m.readers).Draw(rt, "reader")
	for {
		f, ok, _, err := x.c.Next(context.Background())
		if err != nil {
			rt.Fatal(err)
		}
		if !ok {
			break
		}
		for _, e := range f.Records {
			x.edge.Add(protocol.LeafHash(e.Record))
			rec, err := protocol.ParseRecord(e.Record)
			if err != nil {
				rt.Fatal(err)
			}
			word := rec.About[len("newspool://north.example/item/"):]
			x.seen = append(x.seen, word)
			cause, closed := m.closed[x.id][word]
			for _, c := range e.Contents {
				if closed && (c.State != protocol.Withdrawn || c.Index != cause) || !closed && string(c.Bytes) != "content of "+word {
					rt.Fatalf("content of %s, closed %v: %+v", word, closed, c)
				}
			}
		}
		cp, err := protocol.OpenCheckpoint(f.Checkpoint, origin(x.id), h.pub())
		if err != nil || cp.Size != x.edge.Size || cp.Root != x.edge.Root() {
			rt.Fatalf("frame of size %d: %+v, %v", x.edge.Size, cp, err)
		}
		for _, hint := range f.Hints {
			if hint.Index < x.edge.Size || hint.Index >= int64(len(m.words[x.id])) {
				rt.Fatalf("hint %+v at %d", hint, x.edge.Size)
			}
		}
	}
	if !slices.Equal(x.seen, m.words[x.id]) {
		rt.Fatalf("a reader has %q, want %q", x.seen, m.words[x.id])
	}
}
