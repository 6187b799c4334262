package bitmap

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBitmapKeepsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.IntRange(0, Size-1), 0, rapid.SampledFrom([]int{3, 300, 2000}).Draw(t, "most")).Draw(t, "numbers")
		var m Block
		for _, i := range numbers {
			m.Put(i, true)
		}
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		var down []int
		m.Down(func(i int) bool { down = append(down, i); return true })
		slices.Reverse(down)
		if !slices.Equal(down, numbers) || m.Count() != len(numbers) {
			t.Fatalf("count %d, down %v; want %v", m.Count(), down, numbers)
		}
		raw := m.Encode()
		if len(raw) > 1+Size/8 || (len(numbers) == 0) != (raw == nil) {
			t.Fatalf("%d numbers in %d bytes", len(numbers), len(raw))
		}
		var back Block
		if raw != nil {
			if err := back.Decode(raw); err != nil || back != m {
				t.Fatalf("decoded %v, %v", back, err)
			}
		}
		cut := rapid.IntRange(0, Size).Draw(t, "cut")
		low, high := m, m
		low.KeepBelow(cut)
		high.KeepFrom(cut)
		for i := range Size {
			if low.Has(i) != (m.Has(i) && i < cut) || high.Has(i) != (m.Has(i) && i >= cut) {
				t.Fatalf("cut at %d is wrong at %d", cut, i)
			}
		}
	})
}

func FuzzBitmap(f *testing.F) {
	f.Add([]byte{sparse, 1, 0, 255, 15})
	f.Add(append([]byte{dense}, make([]byte, Size/8)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m Block
		if m.Decode(raw) != nil {
			return
		}
		var again Block
		if e := m.Encode(); e != nil {
			if err := again.Decode(e); err != nil || again != m {
				t.Fatalf("%x does not come back: %v", raw, err)
			}
			if len(e) == len(raw) && e[0] == raw[0] && !bytes.Equal(e, raw) {
				t.Fatalf("%x and %x are the same numbers", raw, e)
			}
		}
	})
}
