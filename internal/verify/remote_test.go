package verify

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"

	"newspool/internal/ledger"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

// served gives the resources of a ledger as a node serves them.
func (h *house) served(id ledger.ID) func(string) ([]byte, error) {
	return func(path string) ([]byte, error) {
		if path == "checkpoint" {
			_, b, err := h.s.Checkpoint(context.Background(), id)
			return b, err
		}
		x, err := protocol.ParseTile(path)
		if err != nil {
			return nil, err
		}
		return h.s.Tile(context.Background(), id, x)
	}
}

func (h *house) many(id ledger.ID, n int) {
	for from := 0; from < n; from += 1000 {
		h.write(func(tx *store.Tx) error {
			for i := from; i < min(n, from+1000); i++ {
				if _, err := h.s.Append(tx, id, ledger.Draft{Type: "item.use", Body: i}); err != nil {
					return err
				}
			}
			return nil
		})
	}
}

func TestRemote(t *testing.T) {
	h := newHouse(t, storetest.Open(t, tables()...), "north.example")
	for i, size := range []int{0, 1, 255, 256, 257, 1000, 66000} {
		id := ledger.ID(fmt.Sprintf("%032x", i))
		h.create(id)
		h.many(id, size)
		r := Remote(context.Background(), h.served(id), h.origin(id), nil, public(h.log))
		if last := r.Lines[len(r.Lines)-1]; !r.OK || last.Key != "verify.ledger_ok" {
			t.Errorf("size %d: %+v", size, r)
		}
		for name, bad := range map[string]Report{
			"another key":    Remote(context.Background(), h.served(id), h.origin(id), nil, public(h.cosigner)),
			"no key":         Remote(context.Background(), h.served(id), h.origin(id), nil),
			"another origin": Remote(context.Background(), h.served(id), h.origin(id)+"0", nil, public(h.log)),
		} {
			if bad.OK {
				t.Errorf("size %d, %s: OK", size, name)
			}
		}
	}
}

// TestRemoteChanged changes each answer of a node in several ways: each is found.
func TestRemoteChanged(t *testing.T) {
	h := newHouse(t, storetest.Open(t, tables()...), "north.example")
	h.create(idA)
	h.many(idA, 600)
	good := h.served(idA)
	var paths []string
	Remote(context.Background(), func(path string) ([]byte, error) {
		paths = append(paths, path)
		return good(path)
	}, h.origin(idA), nil, public(h.log))
	if got := strings.Join(paths, " "); got != "checkpoint tile/entries/000 tile/0/000 tile/entries/001 tile/0/001 tile/entries/002.p/88 tile/0/002.p/88 tile/1/000.p/2" {
		t.Fatalf("it asks for %s", got)
	}
	for _, changed := range paths {
		for name, change := range map[string]func([]byte) ([]byte, error){
			"a byte":         func(b []byte) ([]byte, error) { b[len(b)/2] ^= 1; return b, nil },
			"the first byte": func(b []byte) ([]byte, error) { b[0] ^= 1; return b, nil },
			"the last byte":  func(b []byte) ([]byte, error) { b[len(b)-2] ^= 1; return b, nil },
			"cut":            func(b []byte) ([]byte, error) { return b[:len(b)-1], nil },
			"longer":         func(b []byte) ([]byte, error) { return append(b, 0), nil },
			"empty":          func([]byte) ([]byte, error) { return nil, nil },
			"error":          func([]byte) ([]byte, error) { return nil, errors.New("503") },
		} {
			r := Remote(context.Background(), func(path string) ([]byte, error) {
				b, err := good(path)
				if path == changed && err == nil {
					return change(bytes.Clone(b))
				}
				return b, err
			}, h.origin(idA), nil, public(h.log))
			if r.OK {
				t.Errorf("%s, %s: OK", changed, name)
			}
		}
	}
	// Another history under the same signature: every tile fits every record, and the root does not.
	other := newHouse(t, storetest.Open(t, tables()...), "north.example")
	other.create(idA)
	other.many(idA, 600)
	r := Remote(context.Background(), func(path string) ([]byte, error) {
		if path == "checkpoint" {
			return good(path)
		}
		return other.served(idA)(path)
	}, h.origin(idA), nil, public(h.log))
	if r.OK || r.Lines[len(r.Lines)-1].Key != "verify.remote_root" {
		t.Errorf("another history: %+v", r)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if r := Remote(ctx, good, h.origin(idA), nil, public(h.log)); r.OK {
		t.Error("cancelled: OK")
	}
}

// TestRemoteStates what a newsroom may write that means nothing: it is no damage.
func TestRemoteStates(t *testing.T) {
	h := newHouse(t, storetest.Open(t, tables()...), "north.example")
	var e protocol.Edge
	var bundle, leaves []byte
	for _, r := range []string{"malformed", `{"type":"item.use","id":"019af000-0000-7000-8000-000000000001","ledger":"` + string(idB) + `","time":5}`,
		`{"type":"item.use","id":"019af000-0000-7000-8000-000000000001","ledger":"` + string(idA) + `","time":5}`,
		`{"type":"item.use","id":"019af000-0000-7000-8000-000000000002","ledger":"` + string(idA) + `","time":4}`} {
		leaf := protocol.LeafHash([]byte(r))
		e.Add(leaf)
		leaves, bundle = append(leaves, leaf[:]...), protocol.AppendEntry(bundle, []byte(r))
	}
	cp, err := protocol.SignCheckpoint(protocol.Checkpoint{Origin: h.origin(idA), Size: 4, Root: e.Root()}, h.log)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]byte{"checkpoint": cp, "tile/entries/000.p/4": bundle, "tile/0/000.p/4": leaves}
	r := Remote(context.Background(), func(path string) ([]byte, error) { return all[path], nil }, h.origin(idA), nil, public(h.log))
	var said []string
	for _, l := range r.Lines {
		said = append(said, l.Key)
	}
	if got := strings.Join(said, " "); !r.OK || got != "verify.ledger verify.malformed_count verify.foreign_count verify.time_count verify.ledger_ok" {
		t.Errorf("%v %s", r.OK, got)
	}
}

// TestProof reads the proofs of the protocol's vectors.
func TestProof(t *testing.T) {
	b, err := os.ReadFile("../../protocol/testdata/vectors.json")
	if err != nil {
		t.Fatal(err)
	}
	var v struct {
		Proofs []struct {
			Name string
			OK   bool
			Text string
		}
	}
	if err := json.Unmarshal(b, &v); err != nil || len(v.Proofs) < 5 {
		t.Fatalf("%d proofs, %v", len(v.Proofs), err)
	}
	for _, c := range v.Proofs {
		r := Proof([]byte(c.Text))
		if r.OK != c.OK || len(r.Lines) == 0 {
			t.Errorf("%s: %+v", c.Name, r)
		}
		for _, l := range r.Lines {
			if l.Wrong == r.OK {
				t.Errorf("%s: %+v in a report that is OK: %v", c.Name, l, r.OK)
			}
		}
	}
	var said []string
	for _, l := range Proof([]byte(v.Proofs[0].Text)).Lines {
		said = append(said, l.Key)
	}
	if got := strings.Join(said, " "); got != "verify.proof_says verify.proof_about verify.proof_contents verify.proof_cosigned verify.proof_cosigned verify.proof_root" {
		t.Errorf("it says %s", got)
	}
	for name, c := range map[string]struct{ text, key string }{
		"nothing": {"", "verify.proof_malformed"}, "no proof": {"{}", "verify.proof_malformed"}, "false": {v.Proofs[1].Text, "verify.proof_false"},
	} {
		if r := Proof([]byte(c.text)); r.OK || r.Lines[0].Key != c.key {
			t.Errorf("%s: %+v", name, r)
		}
	}
}
