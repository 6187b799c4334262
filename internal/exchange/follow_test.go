package exchange

import (
	"crypto/ed25519"
	"errors"
	"fmt"
	"testing"

	"newspool/protocol"
)

const (
	testLedger = "0123456789abcdef0123456789abcdef"
	testOrigin = "north.example/exchange/v1/ledgers/" + testLedger
)

// script is a ledger that a test writes by hand.
type script struct {
	key  ed25519.PrivateKey
	edge protocol.Edge
}

func (s *script) frame(t *testing.T, n int) protocol.Frame {
	t.Helper()
	f := protocol.Frame{From: s.edge.Size}
	for i := range n {
		b, err := protocol.Record{Type: "item.release", ID: fmt.Sprintf("01a20e4f-4c14-755a-970e-%012d", s.edge.Size+int64(i)), Ledger: testLedger, Time: 1}.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		f.Records = append(f.Records, protocol.Entry{Record: b})
	}
	for _, e := range f.Records {
		s.edge.Add(protocol.LeafHash(e.Record))
	}
	return s.sign(t, f, s.edge)
}

func (s *script) sign(t *testing.T, f protocol.Frame, e protocol.Edge) protocol.Frame {
	t.Helper()
	b, err := protocol.SignCheckpoint(protocol.Checkpoint{Origin: testOrigin, Size: e.Size, Root: e.Root()}, s.key)
	if err != nil {
		t.Fatal(err)
	}
	f.Checkpoint = b
	return f
}

// What a frame says is believed only if the root of our own edge agrees with a checkpoint that the newsroom signed.
func TestVerifyFrames(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	_, other, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	keys := []ed25519.PublicKey{pub}
	for name, c := range map[string]struct {
		change func(s *script, f protocol.Frame) protocol.Frame
		want   error
	}{
		"right":                {func(_ *script, f protocol.Frame) protocol.Frame { return f }, nil},
		"another key":          {func(s *script, f protocol.Frame) protocol.Frame { s.key = other; return s.sign(t, f, s.edge) }, protocol.ErrSignature},
		"a record changed":     {func(_ *script, f protocol.Frame) protocol.Frame { f.Records[1].Record[20] ^= 1; return f }, errStopped},
		"a record left out":    {func(_ *script, f protocol.Frame) protocol.Frame { f.Records = f.Records[1:]; return f }, protocol.ErrMalformed},
		"from another place":   {func(_ *script, f protocol.Frame) protocol.Frame { f.From++; return f }, protocol.ErrMalformed},
		"a shrunken heartbeat": {func(s *script, f protocol.Frame) protocol.Frame { return s.sign(t, protocol.Frame{}, protocol.Edge{}) }, errStopped},
	} {
		s := &script{key: key}
		l := &link{id: testLedger, origin: testOrigin}
		r := &run{l: l}
		if _, _, err := r.verify(s.frame(t, 3), keys); err != nil {
			t.Fatal(err)
		}
		before := r.edge.Size
		_, _, err := r.verify(c.change(s, s.frame(t, 2)), keys)
		if !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
		if err != nil && r.edge.Size != before {
			t.Errorf("%s: the edge moved", name)
		}
	}
}

// A record written for another ledger is in the tree, and means nothing.
func TestRecordOfAnotherLedger(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	s := &script{key: key}
	f := s.frame(t, 1)
	r := &run{l: &link{id: "ffffffffffffffffffffffffffffffff", origin: testOrigin}}
	b, _, err := r.verify(f, []ed25519.PublicKey{pub})
	if err != nil || len(b.Parsed) != 1 || b.Parsed[0].Type != "" {
		t.Errorf("%+v, %v", b.Parsed, err)
	}
}
