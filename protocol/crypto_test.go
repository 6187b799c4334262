package protocol

import (
	"encoding/hex"
	"encoding/json"
	"os"
	"slices"
	"testing"
)

// readJSON reads a file of published vectors.
func readJSON(t *testing.T, path string, v any) {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, v); err != nil {
		t.Fatal(err)
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestWycheproof: every signature is accepted or refused as the published vectors say, under keys that CheckKey accepts.
func TestWycheproof(t *testing.T) {
	file, ok := shared(t, "the Wycheproof vectors for Ed25519", "crypto", "wycheproof", "ed25519_test.json")
	if !ok {
		return
	}
	var v struct {
		TestGroups []struct {
			PublicKey struct{ PK string }
			Tests     []struct {
				TcID             int
				Comment          string
				Msg, Sig, Result string
			}
		}
	}
	readJSON(t, file, &v)
	n := 0
	for _, g := range v.TestGroups {
		pub := unhex(t, g.PublicKey.PK)
		for _, c := range g.Tests {
			n++
			got := CheckKey(pub) == nil && verifyStrict(pub, unhex(t, c.Msg), unhex(t, c.Sig))
			if got != (c.Result == "valid") {
				t.Errorf("%d (%s): %v, the vector says %s", c.TcID, c.Comment, got, c.Result)
			}
		}
	}
	if n == 0 {
		t.Fatal("no vectors")
	}
}

// TestCCTV pins the rule for edge cases, about which implementations differ. Ours: the public key is canonical and not of low
// order (CheckKey); then RFC 8032 without the cofactor, which compares R by its bytes. So a low order component of the key or
// of R is allowed as long as the equation holds exactly, and everything else that the flags name is refused.
func TestCCTV(t *testing.T) {
	file, ok := shared(t, "the CCTV vectors for Ed25519", "crypto", "cctv", "ed25519vectors.json")
	if !ok {
		return
	}
	var v []struct {
		Number   int
		Key, Sig string
		Msg      string
		Flags    []string
	}
	readJSON(t, file, &v)
	accepted := 0
	for _, c := range v {
		want := true
		for _, f := range []string{"low_order_A", "non_canonical_A", "non_canonical_R", "low_order_residue"} {
			want = want && !slices.Contains(c.Flags, f)
		}
		pub := unhex(t, c.Key)
		got := CheckKey(pub) == nil && verifyStrict(pub, []byte(c.Msg), unhex(t, c.Sig))
		if got != want {
			t.Errorf("vector %d %v: %v, want %v", c.Number, c.Flags, got, want)
		}
		if got {
			accepted++
		}
	}
	if accepted == 0 || accepted == len(v) {
		t.Errorf("%d of %d accepted", accepted, len(v))
	}
}
