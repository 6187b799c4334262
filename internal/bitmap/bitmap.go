// Package bitmap has blocks of 4,096 bits, with a stored form that is short both for few bits and for many. It is pure.
package bitmap

import (
	"encoding/binary"
	"fmt"
	"math/bits"
)

// Size is how many bits a Block has.
const Size = 4096

// Block is a set of numbers below Size.
type Block [Size / 64]uint64

// The first byte of a stored Block says how the rest is written. Of the two forms the shorter one is used, so that the same
// Block is always the same bytes.
const (
	sparse = 0 // the numbers in ascending order, two bytes each, little end first
	dense  = 1 // the 64 words, little end first
)

// Has reports whether a bit is set; i is below Size.
func (m *Block) Has(i int) bool { return m[i/64]&(1<<(i%64)) != 0 }

// Put sets or clears a bit.
func (m *Block) Put(i int, on bool) {
	if on {
		m[i/64] |= 1 << (i % 64)
	} else {
		m[i/64] &^= 1 << (i % 64)
	}
}

// And keeps the bits that both have.
func (m *Block) And(o *Block) {
	for i := range m {
		m[i] &= o[i]
	}
}

// Count is how many bits are set.
func (m *Block) Count() int {
	n := 0
	for _, w := range m {
		n += bits.OnesCount64(w)
	}
	return n
}

// KeepBelow clears the numbers from i on; i may be the size of the block.
func (m *Block) KeepBelow(i int) {
	for w := range m {
		switch {
		case w*64 >= i:
			m[w] = 0
		case w*64+64 > i:
			m[w] &= 1<<(i%64) - 1
		}
	}
}

// KeepFrom clears the numbers below i; i may be the size of the block.
func (m *Block) KeepFrom(i int) {
	for w := range m {
		switch {
		case w*64+64 <= i:
			m[w] = 0
		case w*64 < i:
			m[w] &^= 1<<(i%64) - 1
		}
	}
}

// Down calls yield with the numbers, the highest first, until it returns false.
func (m *Block) Down(yield func(i int) bool) {
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

// Encode gives the stored form; nil for a Block without numbers.
func (m *Block) Encode() []byte {
	n := m.Count()
	if n == 0 {
		return nil
	}
	if 2*n < Size/8 {
		b := make([]byte, 1, 1+2*n)
		b[0] = sparse
		for w, word := range m {
			for ; word != 0; word &= word - 1 {
				b = binary.LittleEndian.AppendUint16(b, uint16(w*64+bits.TrailingZeros64(word)))
			}
		}
		return b
	}
	b := make([]byte, 1, 1+Size/8)
	b[0] = dense
	for _, word := range m {
		b = binary.LittleEndian.AppendUint64(b, word)
	}
	return b
}

// Decode reads the stored form.
func (m *Block) Decode(b []byte) error {
	*m = Block{}
	switch {
	case len(b) == 1+Size/8 && b[0] == dense:
		for i := range m {
			m[i] = binary.LittleEndian.Uint64(b[1+8*i:])
		}
		return nil
	case len(b)%2 == 1 && b[0] == sparse:
		last := -1
		for b = b[1:]; len(b) > 0; b = b[2:] {
			i := int(binary.LittleEndian.Uint16(b))
			if i >= Size || i <= last {
				return fmt.Errorf("Block: number %d after %d", i, last)
			}
			m.Put(i, true)
			last = i
		}
		return nil
	}
	return fmt.Errorf("Block: %d bytes of an unknown form", len(b))
}
