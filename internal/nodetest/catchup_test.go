package nodetest

import (
	"context"
	"fmt"
	"io"
	"slices"
	"sync"
	"testing"

	"newspool/internal/exchange"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
	"newspool/protocol"
)

// over starts two newsrooms, the first of which the second reaches over a line.
func over(t testing.TB, w *line, x, y Spec) (a, b *House) {
	t.Helper()
	x.Base = w.base()
	a, b = Start(t, x), Start(t, y)
	w.lead(a)
	Meet(a, b)
	Agree(Terms(a, b), a, b)
	return a, b
}

// pour releases many stories at once, and gives their items by number.
func pour(t testing.TB, h *House, from, to int) map[int]news.ItemID {
	t.Helper()
	var mu sync.Mutex
	items := map[int]news.ItemID{}
	var wg sync.WaitGroup
	next := make(chan int)
	for range 64 {
		wg.Go(func() {
			for n := range next {
				d := Story(n)
				d.Body = fmt.Sprintf("<p>The ferry with the number %d left Port Anselm.</p>", n)
				acc, err := h.Library.Accept(context.Background(), d)
				if err != nil {
					t.Error(err)
					continue
				}
				mu.Lock()
				items[n] = acc.Item
				mu.Unlock()
			}
		})
	}
	for n := from; n < to; n++ {
		next <- n
	}
	close(next)
	wg.Wait()
	return items
}

// said waits until everything that a house has released stands in its ledgers.
func said(t testing.TB, h *House) {
	t.Helper()
	Wait(t, h.Domain+" has said everything", func() bool {
		n, err := h.Exchange.OutboxSize(context.Background())
		return err == nil && n == 0
	})
}

// shown counts the rows of a house's wire.
func shown(t testing.TB, h *House) int64 {
	t.Helper()
	n, _, err := h.Library.NewSince(context.Background(), allRows, 0)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// A partner that was away for a thousand stories gets them once and in order. Nothing of them shows before it has caught up; what it
// holds and what was withdrawn meanwhile is closed at once; what was withdrawn meanwhile never comes. The line is held up and cut in
// the middle, and the partner starts anew there.
func TestCatchingUp(t *testing.T) {
	w := newLine(t)
	a, b := over(t, w, North(), Soren())
	ctx := context.Background()
	id := terms.AgreementID(own(t, a, "").Agreement)
	held, corrected := send(t, a, b, 1)[0], send(t, a, b, 2)[0]
	w.close()
	const first, last, gone = 1000, 2000, 17
	late := pour(t, a, first, last)
	said(t, a)
	withdraw := func(item news.ItemID) {
		if _, err := a.Library.Withdraw(ctx, item, "A mistake.", ""); err != nil {
			t.Fatal(err)
		}
	}
	for n := range gone {
		withdraw(late[first+n*50])
	}
	withdraw(held)
	accept(t, a, changed(first+1, "Ferry number 1001 was late", news.Correction)) // of what the partner does not hold yet
	accept(t, a, changed(2, "Ferry number 2 was late", news.Correction))
	said(t, a)
	if err := a.Agreements.Suspend(ctx, id, true); err != nil {
		t.Fatal(err)
	}
	accept(t, a, changed(first+2, "Ferry number 1002 was late", news.Correction))
	said(t, a)

	w.open(450 << 10)
	Wait(t, "the line is held up", w.held)
	Wait(t, "part of it has come", func() bool { return followed(t, b, a).Size > 200 })
	if it := waitState(t, b, held, news.Closed); it.Why.Key != "exchange.withdrawal_ahead" {
		t.Errorf("it was closed because of %+v", it.Why)
	}
	between := func(when string) {
		t.Helper()
		if n := shown(t, b); n != 2 {
			t.Errorf("%s the partner shows %d rows, want the 2 that it had", when, n)
		}
		if it, err := b.Library.Item(ctx, corrected); err != nil || it.Version != 1 {
			t.Errorf("%s it shows version %d (%v)", when, it.Version, err)
		}
	}
	between("while the line is held up")
	w.close()
	b.Restart(b.spec)
	between("after a start in the middle")
	w.open(150 << 10)
	Wait(t, "the line is held up again", w.held)
	between("while the line is held up again")
	w.cut()
	w.open(-1)

	sameLedgers(t, a, b)
	waitState(t, b, held, news.Withdrawn)
	if n := shown(t, b); n != 2+last-first-gone {
		t.Errorf("it shows %d rows, want %d", n, 2+last-first-gone)
	}
	for _, item := range []news.ItemID{corrected, late[first+1], late[first+2]} {
		const want = 2
		if it, err := b.Library.Item(ctx, item); err != nil || it.Version != want || it.State != news.Usable {
			t.Errorf("version %d, %s (%v)", it.Version, it.State, err)
		}
	}
	neverCame(t, a, b, late, first, gone)
	inOrder(t, a, b)
	for _, rec := range records(t, b, own(t, b, "").ID) {
		if rec.Type == exchange.TypeMissing || rec.Type == exchange.TypeActed {
			t.Errorf("the partner has said %s of %s", rec.Type, rec.About)
		}
	}
	waitDelivered(t, a, late[last-1], 1)
	waitDelivered(t, a, held, 2)
}

// followed gives a house's copy of another's ledger.
func followed(t testing.TB, h, owner *House) ledger.Info {
	t.Helper()
	for _, i := range ledgers(t, h) {
		if i.Owner == owner.Exchange.Root() && i.State != ledger.Ended {
			return i
		}
	}
	t.Fatalf("%s follows nothing of %s", h.Domain, owner.Domain)
	return ledger.Info{}
}

// neverCame checks in the database of the partner that nothing of what was withdrawn before it came was ever stored.
func neverCame(t *testing.T, a, b *House, late map[int]news.ItemID, first, gone int) {
	t.Helper()
	copy := followed(t, b, a)
	if n := count(t, b, `SELECT COUNT(*) FROM ledger_content WHERE ledger = $1 AND state = $2`, string(copy.ID), int64(protocol.Withdrawn)); n != int64(gone) {
		t.Errorf("%d contents were held back, want %d", n, gone)
	}
	for n := range gone {
		number := first + n*50
		text := fmt.Sprintf("with the number %d left", number)
		if n := count(t, b, `SELECT COUNT(*) FROM content WHERE instr(bytes, $1) > 0`, []byte(text)); n != 0 {
			t.Errorf("%q stands in the database of the partner", text)
		}
		if s := stateAt(b, late[number]); s != "" {
			t.Errorf("what was withdrawn before it came is %s", s)
		}
	}
	if n := count(t, b, `SELECT COUNT(*) FROM content WHERE instr(bytes, $1) > 0`, []byte("with the number 1001 left")); n != 1 {
		t.Errorf("the search for texts found %d of one that came", n)
	}
}

// inOrder checks that the partner shows what came in the order of the ledger, each item once.
func inOrder(t *testing.T, a, b *House) {
	t.Helper()
	var wire []string
	err := b.DB.Read(context.Background(), func(r store.Reader) error {
		rows, err := r.Query(`SELECT v.item FROM version v JOIN item_agreement w ON w.item = v.item AND w.number = v.number WHERE v.number = 1 AND v.n > 0 ORDER BY v.n`)
		if err != nil {
			return err
		}
		defer rows.Close()
		for rows.Next() {
			var item string
			if err := rows.Scan(&item); err != nil {
				return err
			}
			wire = append(wire, item)
		}
		return rows.Err()
	})
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for _, rec := range records(t, a, own(t, a, "").ID) {
		if rec.Type == exchange.TypeRelease && slices.Contains(wire, rec.About) {
			said = append(said, rec.About)
		}
	}
	if !slices.Equal(wire, said) {
		t.Errorf("%d items stand in another order than the %d that were said", len(wire), len(said))
	}
}

// A version that was set aside while the ledger caught up stays so when its correction comes after a cut or a start in the middle; one
// that was taken is corrected whatever the terms say.
func TestCorrectedAfterACut(t *testing.T) {
	for name, again := range map[string]func(b *House){
		"a cut":   func(*House) {},
		"a start": func(b *House) { b.Restart(b.spec) },
	} {
		t.Run(name, func(t *testing.T) {
			b := victim(t)
			f := newFake(t, "harbour.example", b)
			f.agree(func(rev *terms.Revision) { rev.Ceilings.Records = 1 })
			f.folded()
			f.misbehave(func(w io.Writer, from int64) {
				f.mu.Lock()
				defer f.mu.Unlock()
				out := protocol.AppendFrame(nil, f.heartbeat())
				if size := len(f.entries) - 2; from < int64(size) { // both corrections are still to come
					_, signed := f.checkpoint(size)
					out = protocol.AppendFrame(out, protocol.Frame{From: from, Records: f.entries[from:size], Checkpoint: signed})
				}
				w.Write(out)
			})
			f.mu.Lock() // nothing is read before all of it is there
			stream := f.stream
			f.stream = func(io.Writer, int64) {}
			f.mu.Unlock()
			taken, _ := f.release(1)
			aside, seq := f.release(2) // above the ceiling of the day
			for _, id := range []news.ItemID{taken, aside} {
				f.say(exchange.TypeCorrect, string(id), exchange.ItemBody{Class: news.Correction, Version: 2}, f.story(Story(3).Story))
			}
			f.misbehave(stream)
			Wait(t, "all but the corrections is folded", func() bool { i := f.copy(); return i.Applied == seq+1 && i.Visible < i.Applied })
			again(b)
			f.misbehave(nil)
			f.folded()
			if s := stateAt(b, taken); s != news.Usable {
				t.Errorf("the correction of what was taken is %s", s)
			}
			if s := stateAt(b, aside); s != news.SetAside {
				t.Errorf("the correction of what was set aside is %s", s)
			}
		})
	}
}
