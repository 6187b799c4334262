package library

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// blockSize is how many desk numbers share one bitmap.
const blockSize = 4096

// bitmap says which numbers of a block have a facet.
type bitmap [blockSize / 64]uint64

// The first byte of a stored bitmap says how the rest is written. Of the two forms the shorter one is used, so that the same
// bitmap is always the same bytes.
const (
	sparse = 0 // the numbers in ascending order, two bytes each, little end first
	dense  = 1 // the 64 words, little end first
)

func (m *bitmap) has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }

func (m *bitmap) put(i int, on bool) {
	if on {
		m[i/64] |= 1 << (i % 64)
	} else {
		m[i/64] &^= 1 << (i % 64)
	}
}

func (m *bitmap) and(o *bitmap) {
	for i := range m {
		m[i] &= o[i]
	}
}

func (m *bitmap) count() int {
	n := 0
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}

// keepBelow clears the numbers from i on; i may be the size of the block.
func (m *bitmap) keepBelow(i int) {
	for w := range m {
		switch {
		case w*64 >= i:
			m[w] = 0
		case w*64+64 > i:
			m[w] &= 1<<(i%64) - 1
		}
	}
}

// keepFrom clears the numbers below i; i may be the size of the block.
func (m *bitmap) keepFrom(i int) {
	for w := range m {
		switch {
		case w*64+64 <= i:
			m[w] = 0
		case w*64 < i:
			m[w] &^= 1<<(i%64) - 1
		}
	}
}

// down calls yield with the numbers, the highest first, until it returns false.
func (m *bitmap) down(yield func(i int) bool) {
	for w := len(m) - 1; w >= 0; w-- {
		for word := m[w]; word != 0; {
			top := 63 - bits.LeadingZeros64(word)
			if !yield(w*64 + top) {
				return
			}
			word &^= 1 << top
		}
	}
}

// encode gives the stored form; nil for a bitmap without numbers.
func (m *bitmap) encode() []byte {
	n := m.count()
	if n == 0 {
		return nil
	}
	if 2*n < blockSize/8 {
		b := make([]byte, 1, 1+2*n)
		b[0] = sparse
		for w, word := range m {
			for ; word != 0; word &= word - 1 {
				b = binary.LittleEndian.AppendUint16(b, uint16(w*64+bits.TrailingZeros64(word)))
			}
		}
		return b
	}
	b := make([]byte, 1, 1+blockSize/8)
	b[0] = dense
	for _, word := range m {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return b
}

// decode reads the stored form.
func (m *bitmap) decode(b []byte) error {
	*m = bitmap{}
	switch {
	case len(b) == 1+blockSize/8 && b[0] == dense:
		for i := range m {
			m[i] = binary.LittleEndian.Uint64(b[1+8*i:])
		}
		return nil
	case len(b)%2 == 1 && b[0] == sparse:
		last := -1
		for b = b[1:]; len(b) > 0; b = b[2:] {
			i := int(binary.LittleEndian.Uint16(b))
			if i >= blockSize || i <= last {
				return fmt.Errorf("bitmap: number %d after %d", i, last)
			}
			m.put(i, true)
			last = i
		}
		return nil
	}
	return fmt.Errorf("bitmap: %d bytes of an unknown form", len(b))
}
