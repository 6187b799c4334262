package nodetest

import (
	"context"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/news"
	"newspool/internal/node"
)

// The line is cut again and again while stories cross; each comes once, in order, with its receipt.
func TestCutAgainAndAgain(t *testing.T) {
	w := newLine(t)
	a, b := over(t, w, North(), Soren())
	stop := make(chan struct{})
	var wg sync.WaitGroup
	cuts := 0
	wg.Go(func() {
		for {
			select {
			case <-stop:
				return
			case <-time.After(time.Duration(rand.IntN(40)) * time.Millisecond):
				w.cut()
				cuts++
			}
		}
	})
	items := map[int]news.ItemID{}
	for n := 0; n < 400; n += 20 {
		for k, id := range pour(t, a, n, n+20) {
			items[k] = id
		}
	}
	close(stop)
	wg.Wait()
	t.Logf("the line was cut %d times", cuts)
	sameLedgers(t, a, b)
	if n := shown(t, b); n != int64(len(items)) {
		t.Errorf("%d rows for %d stories", n, len(items))
	}
	inOrder(t, a, b)
	for _, id := range items {
		waitDelivered(t, a, id, 1)
	}
}

// Where an endless answer does not come through, the partner asks for answers that end, and everything comes all the same.
func TestAnswersThatEnd(t *testing.T) {
	w := newLine(t)
	y := Soren()
	y.Before = func(n *node.Node) { n.Exchange.Times.FirstWord = 200 * time.Millisecond }
	a, b := over(t, w, North(), y)
	send(t, a, b, 1)
	w.open(0) // connections are made, and nothing comes through
	w.cut()
	item := accept(t, a, Story(2))
	tried := w.tries()
	Wait(t, "the partner has given up three times", func() bool { return w.tries() > tried+3 })
	w.open(-1)
	waitState(t, b, item, news.Usable)
	waitState(t, b, accept(t, a, Story(3)), news.Usable)
	waitDelivered(t, a, item, 1)
}

// A line that is cut, and a partner that starts anew, between a record and its text: the text comes all the same, once, and nobody says
// that it is missing.
func TestCutBetweenRecordAndText(t *testing.T) {
	w := newLine(t)
	a, b := over(t, w, North(), Soren())
	send(t, a, b, 1)
	for n, again := range []func(){w.cut, func() { b.Restart(b.spec) }} {
		size := followed(t, b, a).Size
		w.open(64 << 10)
		d := Story(10 + n)
		d.Body = "<p>" + strings.Repeat("The ferry left Port Anselm on time. ", 20_000) + "</p>"
		item := accept(t, a, d)
		Wait(t, "the line is held up in the middle of the text", w.held)
		if got := followed(t, b, a).Size; got != size {
			t.Errorf("%d records are stored, want %d: the text is not here", got, size)
		}
		again()
		w.open(-1)
		waitState(t, b, item, news.Usable)
		waitDelivered(t, a, item, 1)
		story, err := b.Library.Version(context.Background(), item, 0)
		if err != nil || len(story.Body) < 600_000 {
			t.Errorf("the text has %d bytes (%v)", len(story.Body), err)
		}
	}
	for _, rec := range records(t, b, own(t, b, "").ID) {
		if rec.Type == exchange.TypeMissing {
			t.Errorf("the partner misses %s", rec.About)
		}
	}
	sameLedgers(t, a, b)
}
