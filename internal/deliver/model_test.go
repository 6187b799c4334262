package deliver

import (
	"context"
	"testing"
	"time"

	"pgregory.net/rapid"

	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/terms"
)

// TestNothingIsLeftOut has two readers follow, each in its own time, while items come, change and are withdrawn, embargoes lift,
// links fall silent and terms change. Whoever has read to the end knows of every item that is withdrawn and has every text that
// may be given. (Why one may not be given can be another reason by now; and a text that was given before stays with its reader.)
func TestNothingIsLeftOut(t *testing.T) {
	h := open(t, store.SQLite)
	n, revision := 0, 0
	rapid.Check(t, func(rt *rapid.T) {
		var items []int
		versions := map[int]int{}
		cursors := [2]int64{}
		known := [2]map[string]State{{}, {}}
		first := n
		follow := func(reader, limit int) int {
			lines, next := h.read(cursors[reader], limit)
			cursors[reader] = next
			for _, l := range lines {
				known[reader][l.URI] = l.Newspool.State
			}
			return len(lines)
		}
		if last, err := h.o.Library.LastLine(context.Background()); err != nil {
			rt.Fatal(err)
		} else {
			cursors = [2]int64{last, last}
		}
		embargo := func() func(s *news.Story) {
			after := rapid.SampledFrom([]time.Duration{0, time.Second, time.Hour}).Draw(rt, "embargo")
			return func(s *news.Story) {
				if after > 0 {
					s.Embargo = h.now().Add(after)
				}
			}
		}
		some := func() int { return rapid.SampledFrom(items).Draw(rt, "item") }
		terms3 := []func(r *terms.Revision){
			func(*terms.Revision) {}, func(r *terms.Revision) { r.Uses.Publish = nil },
			func(r *terms.Revision) { r.Start = terms.DateOf(h.now().Add(24*time.Hour), time.UTC) },
		}
		for range rapid.IntRange(5, 25).Draw(rt, "steps") {
			switch step := rapid.IntRange(0, 9).Draw(rt, "step"); {
			case step <= 1 || len(items) == 0:
				items, versions[n] = append(items, n), 1
				h.receive(n, 1, news.First, embargo())
				n++
			case step == 2:
				i := some()
				versions[i]++
				h.receive(i, versions[i], news.Update, embargo())
			case step == 3:
				i := some()
				versions[i]++
				h.receive(i, versions[i], news.Withdrawal, nil)
			case step == 4:
				h.pass(rapid.SampledFrom([]time.Duration{time.Second, soon, time.Hour, 25 * time.Hour}).Draw(rt, "time"))
			case step == 5:
				h.alive = !h.alive
			case step == 6:
				revision++
				h.agree(string(rune('a'+revision%26)), rapid.SampledFrom(terms3).Draw(rt, "terms"))
			case step == 7:
				h.suspend(rapid.Bool().Draw(rt, "suspended"))
			default:
				follow(rapid.IntRange(0, 1).Draw(rt, "reader"), rapid.IntRange(1, 5).Draw(rt, "limit"))
			}
		}
		h.pass(soon)
		for reader := range cursors {
			for follow(reader, 0) > 0 {
			}
			for i := first; i < n; i++ {
				e, err := h.o.Library.Entry(context.Background(), itemID(i))
				if err != nil {
					rt.Fatal(err)
				}
				want := h.judge("en").decide(e).state
				got := known[reader][string(e.Item)]
				if told := got == want || want != Usable && want != Withdrawn && got != "" && got != Withdrawn; !told {
					rt.Errorf("reader %d thinks that item %d is %q, it is %q: %s", reader, i, got, want, describe(e))
				}
			}
		}
	})
}

func describe(e library.FeedEntry) string {
	return string(e.State) + " " + string(e.Class) + " embargo " + e.Embargo.String()
}
