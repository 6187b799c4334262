package ledger

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/store"
	"newspool/protocol"
)

func TestAppend(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA, idB)
		h.agree(idA, idB)
		first := h.tell(idA, "one", "story", "reason")
		h.pass(-time.Hour) // the clock goes back; the ledger's time does not
		second := h.tell(idA, "two")
		h.pass(2 * time.Hour)
		h.say(idB, "three")
		if first.Seq != 0 || second.Seq != 1 || !first.Time.Equal(noon) || !second.Time.Equal(noon) || first.Ledger != idA {
			t.Errorf("positions %+v %+v", first, second)
		}
		wantWords(t, h, idA, "one", "two")
		wantWords(t, h, idB, "three")
		h.agree(idA, idB)
		var entries []protocol.Entry
		err := h.db.Read(context.Background(), func(r store.Reader) (err error) {
			entries, err = Entries(r, idA, 0, 2)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
		rec, err := protocol.ParseRecord(entries[0].Record)
		if err != nil || rec.Ledger != string(idA) || rec.ID != first.Record || rec.Time != noon.UnixMicro() || len(entries[0].Contents) != 2 {
			t.Errorf("%+v, %v", rec, err)
		}
		for n, c := range entries[0].Contents {
			if c.State != protocol.Present || !rec.Contents[n].Fits(c.Salt, c.Bytes) {
				t.Errorf("content %d does not fit", n)
			}
		}
		h.restart()
		h.agree(idA, idB)
		if i, err := h.s.Info(context.Background(), idB); err != nil || !i.Last.Equal(noon.Add(time.Hour)) {
			t.Errorf("last %v, %v", i.Last, err)
		}
	})
}

func TestAppendRefused(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		theirs := ours(idB)
		theirs.Own = false
		h.write(func(tx *store.Tx) error { return h.s.Create(tx, theirs) })
		for name, c := range map[string]struct {
			id   ID
			d    Draft
			want error
		}{
			"unknown ledger":       {idC, draft("x"), ErrUnknown},
			"a partner's ledger":   {idB, draft("x"), ErrUnknown},
			"no type":              {idA, Draft{}, protocol.ErrMalformed},
			"fraction":             {idA, Draft{Type: "item.use", Body: 1.5}, protocol.ErrMalformed},
			"large body":           {idA, Draft{Type: "item.use", Body: strings.Repeat("a", protocol.MaxRecord)}, protocol.ErrMalformed},
			"large content":        {idA, Draft{Type: "item.use", Contents: []Content{{Bytes: make([]byte, protocol.MaxContent+1), Type: "text/plain"}}}, protocol.ErrMalformed},
			"content without type": {idA, Draft{Type: "item.use", Contents: []Content{{Bytes: []byte("a")}}}, protocol.ErrMalformed},
		} {
			err := h.db.Write(context.Background(), func(tx *store.Tx) error {
				_, err := h.s.Append(tx, c.id, c.d)
				return err
			})
			if !errors.Is(err, c.want) {
				t.Errorf("%s: %v, want %v", name, err, c.want)
			}
		}
		// What was refused leaves the transaction as it was: the closure may go on.
		h.write(func(tx *store.Tx) error {
			if _, err := h.s.Append(tx, idA, Draft{Type: "x"}); err == nil {
				t.Error("accepted")
			}
			_, err := h.s.Append(tx, idA, draft("after"))
			return err
		})
		wantWords(t, h, idA, "after")
		h.agree(idA)
		h.write(func(tx *store.Tx) error { return SetState(tx, idA, Stopped) })
		err := h.db.Write(context.Background(), func(tx *store.Tx) error {
			_, err := h.s.Append(tx, idA, draft("x"))
			return err
		})
		if !errors.Is(err, store.ErrStale) {
			t.Errorf("into a stopped ledger: %v", err)
		}
		h.agree(idA)
	})
}

// TestGroup rolls back one closure of a shared transaction: the others are said, without a gap.
func TestGroup(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA, idB)
		h.say(idA, "before")
		say := func(end error, places ...string) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				for _, p := range places {
					id := idA
					if strings.HasPrefix(p, "b") {
						id = idB
					}
					if _, err := h.s.Append(tx, id, draft(p)); err != nil {
						return err
					}
				}
				return end
			}
		}
		errs := together(t, h.db, say(nil, "a1", "b1"), say(errMine, "a2", "b2", "a3"), say(nil, "b3"), say(errMine, "a4"), say(nil, "a5"))
		for i, err := range errs {
			if want := i == 1 || i == 3; errors.Is(err, errMine) != want || !want && err != nil {
				t.Errorf("closure %d: %v", i, err)
			}
		}
		wantWords(t, h, idA, "before", "a1", "a5")
		wantWords(t, h, idB, "b1", "b3")
		h.agree(idA, idB)
		together(t, h.db, say(errMine, "a6"), say(errMine, "b4"))
		h.agree(idA, idB)
		together(t, h.db, say(errMine, "a7"), say(nil, "b5"))
		wantWords(t, h, idA, "before", "a1", "a5")
		wantWords(t, h, idB, "b1", "b3", "b5")
		h.agree(idA, idB)
		// The statement of one closure fails, so that some engines lose the whole group.
		bad := func(tx *store.Tx) error {
			if _, err := h.s.Append(tx, idA, draft("a8")); err != nil {
				return err
			}
			return tx.Exec(insertEntry, string(idA), 0, []byte{}, []byte{})
		}
		errs = together(t, h.db, say(nil, "a9"), bad, say(nil, "b6"))
		if errs[0] != nil || !store.IsUnique(errs[1]) || errs[2] != nil {
			t.Errorf("errors %v", errs)
		}
		wantWords(t, h, idA, "before", "a1", "a5", "a9")
		wantWords(t, h, idB, "b1", "b3", "b5", "b6")
		h.agree(idA, idB)
	})
}

// TestOpenedAndUndone opens a ledger and speaks in it in a transaction that is undone.
func TestOpenedAndUndone(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		open := func(end error) error {
			return h.db.Write(context.Background(), func(tx *store.Tx) error {
				if err := h.s.Create(tx, ours(idA)); err != nil {
					return err
				}
				if _, err := h.s.Append(tx, idA, draft("first")); err != nil {
					return err
				}
				return end
			})
		}
		if err := open(errMine); !errors.Is(err, errMine) {
			t.Fatal(err)
		}
		if _, _, err := h.s.Checkpoint(context.Background(), idA); !errors.Is(err, ErrUnknown) {
			t.Errorf("checkpoint of a ledger that was not opened: %v", err)
		}
		if err := open(nil); err != nil {
			t.Fatal(err)
		}
		wantWords(t, h, idA, "first")
		h.agree(idA)
	})
}

// witness keeps every checkpoint that was given, and fails if one was given of a size that the database did not have.
type witness struct {
	mu    sync.Mutex
	roots map[string]protocol.Hash
}

func (w *witness) see(t *testing.T, h *house, s *Service, id ID) {
	cp, _, err := s.Checkpoint(context.Background(), id)
	if err != nil {
		return // a database that cannot be read gives none
	}
	w.note(t, id, cp)
	err = h.db.Read(context.Background(), func(r store.Reader) error {
		i, err := Get(r, id)
		if err == nil && i.Size < cp.Size {
			t.Errorf("a checkpoint of size %d was given while %d records were durable", cp.Size, i.Size)
		}
		return err
	})
	if err != nil && !errors.Is(err, errDisk) {
		t.Error(err)
	}
}

func (w *witness) note(t *testing.T, id ID, cp protocol.Checkpoint) {
	w.mu.Lock()
	defer w.mu.Unlock()
	key := fmt.Sprint(id, cp.Size)
	if w.roots == nil {
		w.roots = map[string]protocol.Hash{}
	}
	if root, ok := w.roots[key]; ok && root != cp.Root {
		t.Errorf("two checkpoints of size %d of ledger %s", cp.Size, id)
	}
	w.roots[key] = cp.Root
}

// hold compares every checkpoint that was given with what the rows say in the end.
func (w *witness) hold(t *testing.T, h *house, ids ...ID) {
	t.Helper()
	s := h.fresh()
	for _, id := range ids {
		size, _, err := s.Size(context.Background(), id)
		if err != nil {
			t.Fatal(err)
		}
		for n := range size + 1 {
			cp, _, err := s.CheckpointAt(context.Background(), id, n)
			if err != nil {
				t.Fatal(err)
			}
			w.note(t, id, cp)
		}
		for key := range w.roots {
			var n int64
			if rest, ok := strings.CutPrefix(key, string(id)); ok {
				if fmt.Sscan(rest, &n); n > size {
					t.Errorf("a checkpoint of size %d was given, and the ledger has %d", n, size)
				}
			}
		}
	}
}

// TestStorageFails makes each step of storage fail, one after the other: not done, and done but not reported. Whatever the
// caller is told, memory and database agree afterwards, and no checkpoint was given that the database does not bear out.
func TestStorageFails(t *testing.T) {
	eachBroken(t, func(t *testing.T, h *house, b *breaker) {
		h.open(idA, idB)
		w := &witness{}
		stop := make(chan struct{})
		var wg sync.WaitGroup
		wg.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
					w.see(t, h, h.s, idA)
				}
			}
		})
		var certain []string // what must be there in the end
		n := 0
		word := func() string { n++; return fmt.Sprint("w", n) }
		say := func(words ...string) func(*store.Tx) error {
			return func(tx *store.Tx) error {
				for _, x := range words {
					if _, err := h.s.Append(tx, idA, draft(x)); err != nil {
						return err
					}
				}
				_, err := h.s.Append(tx, idB, draft(words[0]))
				return err
			}
		}
		for _, op := range []string{"begin", "exec", "query", "commit-before", "commit-after"} {
			for after := 0; ; after++ {
				one, two, three := word(), word(), word()
				b.arm(op, after)
				var errs []error
				if after%2 == 0 {
					errs = []error{h.db.Write(context.Background(), say(one, two, three))}
				} else {
					errs = together(t, h.db, say(one), say(two, three))
				}
				hit := b.disarm()
				h.agree(idA, idB)
				have := h.words(idA)
				for i, err := range errs {
					x := []string{one, two}[i]
					switch said := slices.Contains(have, x); {
					case err == nil:
						certain = append(certain, x)
					case errors.Is(err, store.ErrCommitUnknown):
						if !said {
							t.Errorf("%s %d: the commit was done, and %s is not there", op, after, x)
						}
					case said:
						t.Errorf("%s %d: %s was refused with %v and is there", op, after, x, err)
					}
				}
				h.say(idA, word())
				h.agree(idA, idB)
				if !hit {
					break
				}
			}
		}
		close(stop)
		wg.Wait()
		have := h.words(idA)
		for _, x := range certain {
			if !slices.Contains(have, x) {
				t.Errorf("%s was said and is not there", x)
			}
		}
		w.hold(t, h, idA)
		h.restart()
		h.agree(idA, idB)
	})
}

// TestUnreportedCommit has a reader wait for more when a commit is done without being reported: it gets what is durable.
func TestUnreportedCommit(t *testing.T) {
	eachBroken(t, func(t *testing.T, h *house, b *breaker) {
		h.open(idA)
		h.say(idA, "one")
		c, err := h.s.Cursor(context.Background(), idA, 1)
		if err != nil {
			t.Fatal(err)
		}
		_, ok, grown, err := c.Next(context.Background())
		if ok || err != nil {
			t.Fatal(ok, err)
		}
		b.arm("commit-after", 0)
		err = h.db.Write(context.Background(), func(tx *store.Tx) error {
			d := draft("two")
			d.Withdraw = true
			_, err := h.s.Append(tx, idA, d)
			return err
		})
		if !errors.Is(err, store.ErrCommitUnknown) {
			t.Fatal(err)
		}
		await(t, grown)
		f, ok, _, err := c.Next(context.Background())
		if err != nil || !ok || len(f.Records) != 1 {
			t.Fatalf("%+v %v %v", f, ok, err)
		}
		if beat, cp, err := c.Heartbeat(); err != nil || cp.Size != 2 || len(beat.Hints) != 0 {
			t.Errorf("heartbeat %+v %+v %v", beat, cp, err)
		}
		h.agree(idA)
		behind, err := h.s.Cursor(context.Background(), idA, 0)
		if err != nil {
			t.Fatal(err)
		}
		if beat, _, err := behind.Heartbeat(); err != nil || len(beat.Hints) != 1 || beat.Hints[0].Index != 1 {
			t.Errorf("hints %+v %v", beat.Hints, err)
		}
	})
}

// TestReaderIsFaster has a reader in doubt look at the row after the commit and before it is published: nothing is added twice.
func TestReaderIsFaster(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		h.say(idA, "one")
		errs := together(t, h.db,
			func(tx *store.Tx) error {
				tx.OnCommit(func() {
					if cp, _, err := h.s.Checkpoint(context.Background(), idA); err != nil || cp.Size != 2 {
						t.Errorf("checkpoint %+v, %v", cp, err)
					}
				})
				_, err := h.s.Append(tx, idA, draft("two"))
				return err
			},
			func(tx *store.Tx) error {
				_, err := h.s.Append(tx, idA, draft("never"))
				return errors.Join(err, errMine)
			})
		if errs[0] != nil || !errors.Is(errs[1], errMine) {
			t.Fatal(errs)
		}
		h.agree(idA)
		h.say(idA, "three")
		wantWords(t, h, idA, "one", "two", "three")
		h.agree(idA)
		h.reader(idA, 0).take()
	})
}

// TestTwoProcesses has two services append to the same rows: who is late is refused, reads again, and goes on. No root is
// signed twice for one size.
func TestTwoProcesses(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		other := h.fresh()
		w := &witness{}
		say := func(s *Service, word string) error {
			return h.db.Write(context.Background(), func(tx *store.Tx) error {
				_, err := s.Append(tx, idA, draft(word))
				return err
			})
		}
		var want []string
		for i := range 20 {
			for j, s := range []*Service{h.s, other} {
				word := fmt.Sprint("w", i, j)
				err := say(s, word)
				if err != nil { // the unique key or the compare-and-swap refuses; then the row is read again
					err = say(s, word)
				}
				if err != nil {
					t.Fatal(err)
				}
				want = append(want, word)
				w.see(t, h, s, idA)
			}
		}
		wantWords(t, h, idA, want...)
		w.hold(t, h, idA)
	})
}

func TestConcurrent(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		ids := []ID{idA, idB, idC}
		h.open(ids...)
		type said struct {
			p    Position
			word string
		}
		results := make(chan said, 1000)
		var wg sync.WaitGroup
		for g := range 64 {
			wg.Go(func() {
				for i := range 5 {
					id, word := ids[(g+i)%3], fmt.Sprint("w", g, "-", i)
					var p Position
					err := h.db.Write(context.Background(), func(tx *store.Tx) (err error) {
						p, err = h.s.Append(tx, id, draft(word))
						if err == nil && g%8 == 7 && i == 2 {
							return errMine
						}
						return err
					})
					if err == nil {
						results <- said{p, word}
					} else if !errors.Is(err, errMine) {
						t.Error(err)
					}
				}
			})
		}
		wg.Wait()
		close(results)
		have := map[ID][]string{idA: h.words(idA), idB: h.words(idB), idC: h.words(idC)}
		n := 0
		for r := range results {
			n++
			if words := have[r.p.Ledger]; r.p.Seq >= int64(len(words)) || words[r.p.Seq] != r.word {
				t.Errorf("%s is not at %d of ledger %s", r.word, r.p.Seq, r.p.Ledger)
			}
		}
		if total := len(have[idA]) + len(have[idB]) + len(have[idC]); total != n || n != 64*5-8 {
			t.Errorf("%d records, %d were said", total, n)
		}
		h.agree(ids...)
	})
}
