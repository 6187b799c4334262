package protocol

import (
	"crypto/ed25519"
	"crypto/sha256"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// newsroom is a party of the tests, with keys that are always the same.
type newsroom struct {
	domain              string
	root, log, cosigner ed25519.PrivateKey
	id                  Identity
	keys                Keys
	document            []byte // identity document
	note                string // the signed note in it
}

// testKey makes a key from words.
func testKey(words string) ed25519.PrivateKey {
	seed := sha256.Sum256([]byte("newspool test key: " + words))
	return ed25519.NewKeyFromSeed(seed[:])
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func rootOf(k ed25519.PrivateKey) string { return FormatRoot(public(k)) }

// testTime is the time of everything that is signed in the tests: 1 December 2026, noon.
const (
	testSeconds = 1796126400
	testTime    = testSeconds * 1_000_000
)

// entries signs a key list.
func entries(t testing.TB, root ed25519.PrivateKey, list ...KeyEntry) []string {
	t.Helper()
	var k Keys
	for i, e := range list {
		e.Root, e.Number, e.Previous = rootOf(root), i+1, k.Last()
		if e.Time == 0 {
			e.Time = testTime + int64(i)
		}
		k.Raw = append(k.Raw, signEntry(t, e, root))
	}
	return k.Raw
}

func signEntry(t testing.TB, e KeyEntry, root ed25519.PrivateKey) string {
	t.Helper()
	s, err := SignKeyEntry(e, root)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func newNewsroom(t testing.TB, domain, kind string, names map[string]string, languages ...string) newsroom {
	t.Helper()
	n := newsroom{domain: domain, root: testKey(domain + " root"), log: testKey(domain + " log"), cosigner: testKey(domain + " cosigner")}
	raw := entries(t, n.root,
		KeyEntry{Act: ActAdd, Role: RoleLog, Key: FormatPublic(public(n.log))},
		KeyEntry{Act: ActAdd, Role: RoleCosigner, Key: FormatPublic(public(n.cosigner))})
	n.sign(t, Identity{
		Number: 1, Root: rootOf(n.root), Domain: domain, Base: "https://" + domain, Names: names, Kind: kind, Languages: languages,
		Contact: "desk@" + domain, Keys: raw,
	})
	return n
}

// sign gives the newsroom another identity.
func (n *newsroom) sign(t testing.TB, id Identity) {
	t.Helper()
	b, err := SignIdentity(id, n.log)
	if err != nil {
		t.Fatal(err)
	}
	n.id, n.keys, err = ParseIdentity(b)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Note string `json:"note"`
	}
	if err := Decode(b, &doc); err != nil {
		t.Fatal(err)
	}
	n.document, n.note = b, doc.Note
}

func north(t testing.TB) newsroom {
	return newNewsroom(t, "north.example", "agency", map[string]string{"en": "North Agency", "ru": "Северное агентство"}, "en")
}

func soren(t testing.TB) newsroom {
	return newNewsroom(t, "soren.example", "radio", map[string]string{"ru": "Радио Сорен", "en": "Radio Soren"}, "ru")
}

func avand(t testing.TB) newsroom {
	return newNewsroom(t, "avand.example", "agency", map[string]string{"fa": "خبرگزاری آوند", "en": "Avand News"}, "fa")
}

const (
	testLedger    = "000102030405060708090a0b0c0d0e0f"
	otherLedger   = "ffeeddccbbaa99887766554433221100"
	testAgreement = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
)

// testSalt is a salt of equal bytes.
func testSalt(b byte) (s Salt) {
	for i := range s {
		s[i] = b
	}
	return s
}

// sample is a good record with one content.
func sample(content []byte) Record {
	return Record{
		Type: "item.release", ID: "019af000-0000-7000-8000-000000000001", Ledger: testLedger, Time: testTime,
		Terms: strings.Repeat("5", 64), By: "Zm9vYmFyYmF6cXV4", About: "newspool://north.example/item/019af000-0000-7000-8000-00000000000a",
		Seen:     []Seen{{Ledger: otherLedger, Size: 3, Root: "h5ZbRL4ypQ6+9oT9MmRnHZpxYM1hFdnqrmHBeOQPgFU="}},
		Body:     []byte(`{"class":"first","version":1}`),
		Contents: []ContentRef{Refer(testSalt(7), content, "application/json", "en")},
	}
}

func mustBytes(t testing.TB, r Record) []byte {
	t.Helper()
	b, err := r.Bytes()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// refused fails the test unless err wraps one of the wanted errors.
func refused(t *testing.T, what string, err error, want ...error) {
	t.Helper()
	for _, w := range want {
		if errors.Is(err, w) {
			return
		}
	}
	t.Errorf("%s: got %v, want %v", what, err, want)
}

// shared gives a folder of official test data; without NEWSPOOL_SHARED it says what is left out.
func shared(t *testing.T, what string, path ...string) (string, bool) {
	t.Helper()
	base := os.Getenv("NEWSPOOL_SHARED")
	if base == "" {
		t.Logf("NEWSPOOL_SHARED is not set: %s left out", what)
		return "", false
	}
	full := filepath.Join(append([]string{base, "testdata"}, path...)...)
	if _, err := os.Stat(full); err != nil {
		t.Fatal(err)
	}
	return full, true
}
