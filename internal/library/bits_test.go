package library

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"
)

func TestBitmapKeepsNumbers(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		numbers := rapid.SliceOfN(rapid.IntRange(0, blockSize-1), 0, rapid.SampledFrom([]int{3, 300, 2000}).Draw(t, "most")).Draw(t, "numbers")
		var m bitmap
		for _, i := range numbers {
			m.put(i, true)
		}
		slices.Sort(numbers)
		numbers = slices.Compact(numbers)
		var down []int
		m.down(func(i int) bool { down = append(down, i); return true })
		slices.Reverse(down)
		if !slices.Equal(down, numbers) || m.count() != len(numbers) {
			t.Fatalf("count %d, down %v; want %v", m.count(), down, numbers)
		}
		raw := m.encode()
		if len(raw) > 1+blockSize/8 || (len(numbers) == 0) != (raw == nil) {
			t.Fatalf("%d numbers in %d bytes", len(numbers), len(raw))
		}
		var back bitmap
		if raw != nil {
			if err := back.decode(raw); err != nil || back != m {
				t.Fatalf("decoded %v, %v", back, err)
			}
		}
		cut := rapid.IntRange(0, blockSize).Draw(t, "cut")
		low, high := m, m
		low.keepBelow(cut)
		high.keepFrom(cut)
		for i := range blockSize {
			if low.has(i) != (m.has(i) && i < cut) || high.has(i) != (m.has(i) && i >= cut) {
				t.Fatalf("cut at %d is wrong at %d", cut, i)
			}
		}
	})
}

func FuzzBitmap(f *testing.F) {
	f.Add([]byte{sparse, 1, 0, 255, 15})
	f.Add(append([]byte{dense}, make([]byte, blockSize/8)...))
	f.Fuzz(func(t *testing.T, raw []byte) {
		var m bitmap
		if m.decode(raw) != nil {
			return
		}
		var again bitmap
		if e := m.encode(); e != nil {
			if err := again.decode(e); err != nil || again != m {
				t.Fatalf("%x does not come back: %v", raw, err)
			}
			if len(e) == len(raw) && e[0] == raw[0] && !bytes.Equal(e, raw) {
				t.Fatalf("%x and %x are the same numbers", raw, e)
			}
		}
	})
}
