package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

// weakKeys are public keys that CheckKey refuses, with the reason. The vectors hold them, too.
func weakKeys() map[string]string {
	return map[string]string{
		"order 1":                             "0100000000000000000000000000000000000000000000000000000000000000",
		"order 2":                             "ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4":                             "0000000000000000000000000000000000000000000000000000000000000000",
		"order 4, other sign":                 "0000000000000000000000000000000000000000000000000000000000000080",
		"order 8":                             "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05",
		"order 8, other sign":                 "26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85",
		"order 8, other y":                    "c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a",
		"order 1, non-canonical sign":         "0100000000000000000000000000000000000000000000000000000000000080",
		"order 1, y above the prime":          "eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"order 4, y is the prime":             "edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"full order, y above the prime (p+3)": "f0ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f",
		"no point":                            "0200000000000000000000000000000000000000000000000000000000000000",
		"31 bytes":                            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f70751",
		"33 bytes":                            "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a00",
		"nothing":                             "",
	}
}

func TestCheckKey(t *testing.T) {
	for name, h := range weakKeys() {
		b, err := hex.DecodeString(h)
		if err != nil {
			t.Fatal(err)
		}
		refused(t, name, CheckKey(b), ErrMalformed)
		if len(b) == 32 {
			_, err := ParseRoot(h)
			refused(t, name+" as a root", err, ErrMalformed)
		}
		_, err = ParsePublic(FormatPublic(b))
		refused(t, name+" as a working key", err, ErrMalformed)
	}
	for _, k := range []ed25519.PrivateKey{testKey("a"), testKey("b")} {
		if err := CheckKey(public(k)); err != nil {
			t.Errorf("%x: %v", public(k), err)
		}
		if got, err := ParsePublic(FormatPublic(public(k))); err != nil || !got.Equal(public(k)) {
			t.Errorf("%v, %v", got, err)
		}
		if got, err := ParseRoot(rootOf(k)); err != nil || !got.Equal(public(k)) {
			t.Errorf("%v, %v", got, err)
		}
	}
	good := FormatPublic(public(testKey("a")))
	for name, s := range map[string]string{
		"line end": good[:4] + "\n" + good[4:], "no padding": strings.TrimRight(good, "="), "URL alphabet": strings.NewReplacer("+", "-", "/", "_").Replace(good) + "-",
	} {
		_, err := ParsePublic(s)
		refused(t, name, err, ErrMalformed)
	}
	_, err := ParseRoot(strings.ToUpper(rootOf(testKey("a"))))
	refused(t, "root in capitals", err, ErrMalformed)
}

func TestKeysLife(t *testing.T) {
	root := testKey("life root")
	log1, log2, log3, cos := testKey("log 1"), testKey("log 2"), testKey("log 3"), testKey("cosigner")
	add := func(k ed25519.PrivateKey) KeyEntry {
		return KeyEntry{Act: ActAdd, Role: RoleLog, Key: FormatPublic(public(k))}
	}
	raw := entries(t, root, add(log1),
		KeyEntry{Act: ActAdd, Role: RoleCosigner, Key: FormatPublic(public(cos))},
		KeyEntry{Act: ActAdd, Role: RoleAge, Key: "age1qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqs3290gq"},
		add(log2),
		KeyEntry{Act: ActRetire, Role: RoleLog, Key: FormatPublic(public(log1))},
		add(log3),
		KeyEntry{Act: ActStolen, Role: RoleLog, Key: FormatPublic(public(log3))},
	)
	for _, c := range []struct {
		entries int
		log     []ed25519.PrivateKey
		cos     int
		age     int
	}{
		{1, []ed25519.PrivateKey{log1}, 0, 0},
		{2, []ed25519.PrivateKey{log1}, 1, 0},
		{3, []ed25519.PrivateKey{log1}, 1, 1},
		{4, []ed25519.PrivateKey{log2, log1}, 1, 1},
		{5, []ed25519.PrivateKey{log2}, 1, 1},
		{6, []ed25519.PrivateKey{log3, log2}, 1, 1},
		{7, []ed25519.PrivateKey{log2}, 1, 1},
	} {
		k, err := ParseKeys(rootOf(root), raw[:c.entries])
		if err != nil {
			t.Fatal(err)
		}
		var want []ed25519.PublicKey
		for _, x := range c.log {
			want = append(want, public(x))
		}
		if !slices.EqualFunc(k.Public(RoleLog), want, func(a, b ed25519.PublicKey) bool { return a.Equal(b) }) {
			t.Errorf("%d entries: log keys %v", c.entries, k.Current(RoleLog))
		}
		if len(k.Public(RoleCosigner)) != c.cos || len(k.Current(RoleAge)) != c.age || len(k.Public(RoleAge)) != 0 {
			t.Errorf("%d entries: cosigner %v, age %v", c.entries, k.Current(RoleCosigner), k.Current(RoleAge))
		}
	}
}

func TestExtends(t *testing.T) {
	n, s := north(t), soren(t)
	longer := append(slices.Clone(n.keys.Raw), signEntry(t, KeyEntry{
		Root: n.id.Root, Number: 3, Previous: n.keys.Last(), Act: ActRetire, Role: RoleLog, Key: FormatPublic(public(n.log)), Time: testTime,
	}, n.root))
	other := append(slices.Clone(n.keys.Raw), signEntry(t, KeyEntry{
		Root: n.id.Root, Number: 3, Previous: n.keys.Last(), Act: ActStolen, Role: RoleLog, Key: FormatPublic(public(n.log)), Time: testTime,
	}, n.root))
	parse := func(raw []string) Keys {
		k, err := ParseKeys(n.id.Root, raw)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	a, b, c, short := parse(longer), parse(other), n.keys, parse(n.keys.Raw[:1])
	for _, x := range []struct {
		name     string
		new, old Keys
		want     bool
	}{
		{"same", c, c, true}, {"longer", a, c, true}, {"from one", a, short, true}, {"from none", a, Keys{Root: n.id.Root}, true},
		{"shorter", c, a, false}, {"forked", a, b, false}, {"another newsroom", s.keys, c, false}, {"another newsroom, none held", s.keys, Keys{Root: n.id.Root}, false},
	} {
		if got := x.new.Extends(x.old); got != x.want {
			t.Errorf("%s: %v", x.name, got)
		}
	}
	if (Keys{}).Last() != noPrevious || a.Last() == b.Last() {
		t.Error("wrong hash of the last entry")
	}
}

// badKeyLists are lists that ParseKeys refuses for north's root. The vectors hold them, too.
func badKeyLists(t testing.TB) map[string][]string {
	n, s := north(t), soren(t)
	root := n.id.Root
	good := n.keys.Raw
	third := KeyEntry{Root: root, Number: 3, Previous: n.keys.Last(), Act: ActAdd, Role: RoleLog, Key: FormatPublic(public(testKey("third"))), Time: testTime}
	with := func(change func(*KeyEntry)) []string {
		e := third
		change(&e)
		return append(slices.Clone(good), signEntry(t, e, n.root))
	}
	text := func(change func(string) string) []string {
		b, err := note.Sign(&note.Note{Text: change(third.text())}, LogSigner(rootName, n.root))
		if err != nil {
			t.Fatal(err)
		}
		return append(slices.Clone(good), string(b))
	}
	replace := func(old, new string) func(string) string {
		return func(s string) string { return strings.Replace(s, old, new, 1) }
	}
	foreign, err := SignKeyEntry(third, s.root)
	if err != nil {
		t.Fatal(err)
	}
	byLog, _ := note.Sign(&note.Note{Text: third.text()}, LogSigner(rootName, n.log))
	other, _ := note.Sign(&note.Note{Text: third.text()}, LogSigner("north.example", n.root))
	weak, _ := hex.DecodeString(weakKeys()["order 8"])
	twisted, _ := hex.DecodeString(weakKeys()["full order, y above the prime (p+3)"])
	many := make([]string, maxKeys+1)
	for i := range many {
		many[i] = good[0]
	}
	return map[string][]string{
		"empty":                      {},
		"more than 256 entries":      many,
		"first entry left out":       good[1:],
		"gap in the numbers":         with(func(e *KeyEntry) { e.Number = 4 }),
		"number again":               with(func(e *KeyEntry) { e.Number = 2 }),
		"wrong previous":             with(func(e *KeyEntry) { e.Previous = strings.Repeat("ab", 32) }),
		"zeros for previous":         with(func(e *KeyEntry) { e.Previous = noPrevious }),
		"entries in the wrong order": {good[1], good[0]},
		"entry twice":                {good[0], good[0]},
		"signed by another root":     append(slices.Clone(good), foreign),
		"signed by a working key":    append(slices.Clone(good), string(byLog)),
		"signed under another name":  append(slices.Clone(good), string(other)),
		"entry of another root":      with(func(e *KeyEntry) { e.Root = s.id.Root }),
		"all of another newsroom":    s.keys.Raw,
		"unknown act":                with(func(e *KeyEntry) { e.Act = "lend" }),
		"unknown role":               with(func(e *KeyEntry) { e.Role = "web" }),
		"log key of low order":       with(func(e *KeyEntry) { e.Key = FormatPublic(weak) }),
		"cosigner key of low order":  with(func(e *KeyEntry) { e.Role, e.Key = RoleCosigner, FormatPublic(weak) }),
		"non-canonical key":          with(func(e *KeyEntry) { e.Key = FormatPublic(twisted) }),
		"key in hexadecimal":         with(func(e *KeyEntry) { e.Key = hex.EncodeToString(public(n.log)) }),
		"key of 31 bytes":            with(func(e *KeyEntry) { e.Key = FormatPublic(public(n.log)[1:]) }),
		"another first line":         text(replace("v1", "v2")),
		"number with a zero":         text(replace("\n3\n", "\n03\n")),
		"time with a plus":           text(replace("\n1796", "\n+1796")),
		"time with a fraction":       text(replace("000000\n", "000000.0\n")),
		"line more":                  text(func(s string) string { return s + "more\n" }),
		"line less":                  text(func(s string) string { return s[:strings.LastIndex(s[:len(s)-1], "\n")+1] }),
		"a changed letter":           append(slices.Clone(good[:1]), strings.Replace(good[1], "cosigner", "cosignes", 1)),
		"text behind the signature":  append(slices.Clone(good[:1]), good[1]+"more\n"),
		"unsigned":                   append(slices.Clone(good), third.text()),
	}
}

func TestParseKeysRefused(t *testing.T) {
	root := north(t).id.Root
	for name, raw := range badKeyLists(t) {
		_, err := ParseKeys(root, raw)
		refused(t, name, err, ErrMalformed, ErrSignature)
	}
	_, err := ParseKeys("x", north(t).keys.Raw)
	refused(t, "no root", err, ErrMalformed)
}

func TestIdentity(t *testing.T) {
	n := avand(t)
	got, keys, err := ParseIdentity(n.document)
	if err != nil || got.Domain != "avand.example" || got.Names["fa"] != "خبرگزاری آوند" || len(keys.Entries) != 2 {
		t.Fatalf("%+v, %v", got, err)
	}
	if _, _, err := ParseIdentityNote(n.note); err != nil {
		t.Error(err)
	}
	// A retired log key signs no identity any more.
	id := n.id
	id.Keys = append(slices.Clone(id.Keys), signEntry(t, KeyEntry{
		Root: id.Root, Number: 3, Previous: n.keys.Last(), Act: ActRetire, Role: RoleLog, Key: FormatPublic(public(n.log)), Time: testTime,
	}, n.root))
	b, err := SignIdentity(id, n.log)
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = ParseIdentity(b)
	refused(t, "retired key", err, ErrSignature)
}

// badIdentities are documents that ParseIdentity refuses. The vectors hold them, too.
func badIdentities(t testing.TB) map[string][]byte {
	n, s := north(t), soren(t)
	with := func(change func(*Identity)) []byte {
		id := n.id
		change(&id)
		b, err := SignIdentity(id, n.log)
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	doc := func(note string) []byte {
		b, err := json.Marshal(map[string]string{"note": note})
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	signed := func(text, name string, key ed25519.PrivateKey) []byte {
		b, err := note.Sign(&note.Note{Text: text}, LogSigner(name, key))
		if err != nil {
			t.Fatal(err)
		}
		return doc(string(b))
	}
	line, _ := json.Marshal(n.id)
	text := identityLine + "\n" + string(line) + "\n"
	names := map[string]string{}
	for i := range 41 {
		names[strings.Repeat("x", i+1)] = "North"
	}
	return map[string][]byte{
		"empty":                          {},
		"no note":                        []byte(`{}`),
		"note under another name":        []byte(strings.Replace(string(n.document), `"note"`, `"Note"`, 1)),
		"note twice":                     []byte(strings.Replace(string(n.document), `{"note"`, `{"note":"","note"`, 1)),
		"line end after it":              append(bytes.Clone(n.document), '\n'),
		"signed by the cosigner":         signed(text, n.domain, n.cosigner),
		"signed by the root":             signed(text, n.domain, n.root),
		"signed by another":              signed(text, n.domain, s.log),
		"signed under another":           signed(text, s.domain, n.log),
		"unsigned":                       doc(text),
		"another first line":             signed(strings.Replace(text, "v1", "v2", 1), n.domain, n.log),
		"line more":                      signed(text+"more\n", n.domain, n.log),
		"name twice":                     signed(strings.Replace(text, `{"number":1`, `{"number":2,"number":1`, 1), n.domain, n.log),
		"fraction":                       signed(strings.Replace(text, `{"number":1`, `{"number":1.5`, 1), n.domain, n.log),
		"changed letter":                 []byte(strings.Replace(string(n.document), "North", "Nordh", 1)),
		"number zero":                    with(func(i *Identity) { i.Number = 0 }),
		"another root":                   with(func(i *Identity) { i.Root = s.id.Root }),
		"keys of another":                with(func(i *Identity) { i.Keys = s.id.Keys }),
		"no keys":                        with(func(i *Identity) { i.Keys = nil }),
		"key left out":                   with(func(i *Identity) { i.Keys = i.Keys[1:] }),
		"no names":                       with(func(i *Identity) { i.Names = nil }),
		"41 names":                       with(func(i *Identity) { i.Names = names }),
		"domain in capitals":             signed(strings.Replace(text, `"north.example"`, `"North.example"`, 1), "North.example", n.log),
		"domain with a path":             signed(strings.Replace(text, `"north.example"`, `"north.example/x"`, 1), "north.example/x", n.log),
		"domain beginning with a hyphen": signed(strings.Replace(text, `"north.example"`, `"-north.example"`, 1), "-north.example", n.log),
		"base of 257 bytes":              with(func(i *Identity) { i.Base = "https://" + strings.Repeat("n", 249) }),
		"more than 64 KiB":               with(func(i *Identity) { i.Contact = strings.Repeat("n", maxIdentity) }),
	}
}

func TestParseIdentityRefused(t *testing.T) {
	for name, b := range badIdentities(t) {
		_, _, err := ParseIdentity(b)
		refused(t, name, err, ErrMalformed, ErrSignature)
	}
}

func TestIsDomain(t *testing.T) {
	for s, want := range map[string]bool{
		"north.example": true, "localhost:8080": true, "a": true, "1.example": true, "north-2.example": true, "xn--80akhbyknj4f.example": true,
		"": false, "North.example": false, "север.example": false, ".example": false, "-a": false, "a b": false, "a/b": false, "a_b": false, "a\n": false,
		strings.Repeat("a", 253): true, strings.Repeat("a", 254): false,
	} {
		if IsDomain(s) != want {
			t.Errorf("%q: %v", s, !want)
		}
	}
}

func TestFingerprint(t *testing.T) {
	got := Fingerprint(north(t).id.Root)
	if len(got) != 8*5+7 || strings.Trim(got, "0123456789 ") != "" || got == Fingerprint(soren(t).id.Root) {
		t.Errorf("fingerprint %q", got)
	}
}
