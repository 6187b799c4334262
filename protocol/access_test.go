package protocol

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/note"
)

const tlsKey = "3b2a1908f7e6d5c4b3a291807f6e5d4c3b2a1908f7e6d5c4b3a291807f6e5d4c"

// testChallenge is north's challenge to soren, with a nonce that is always the same.
func testChallenge(t testing.TB, tls ...string) []byte {
	t.Helper()
	n, s := north(t), soren(t)
	c := Challenge{n.id.Root, s.id.Root, "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8=", testSeconds + ChallengeSeconds, tls}
	b, err := note.Sign(&note.Note{Text: c.text()}, LogSigner(n.domain, n.log))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestChallenge(t *testing.T) {
	n, s := north(t), soren(t)
	for _, tls := range [][]string{nil, {tlsKey}, {tlsKey, strings.Repeat("a", 64)}} {
		b, err := NewChallenge(n.domain, n.id.Root, s.id.Root, testSeconds, tls, n.log)
		if err != nil {
			t.Fatal(err)
		}
		c, err := OpenChallenge(b, n.domain, n.keys.Public(RoleLog)...)
		if err != nil || c.Server != n.id.Root || c.Caller != s.id.Root || c.Until != testSeconds+ChallengeSeconds || strings.Join(c.TLS, " ") != strings.Join(tls, " ") {
			t.Errorf("%+v, %v", c, err)
		}
		other, err := NewChallenge(n.domain, n.id.Root, s.id.Root, testSeconds, tls, n.log)
		if err != nil || bytes.Equal(b, other) {
			t.Errorf("two challenges are equal: %v", err)
		}
	}
}

// badChallenges are notes that are no challenge by north. The vectors hold them, too.
func badChallenges(t testing.TB) map[string][]byte {
	n, s := north(t), soren(t)
	good := testChallenge(t, tlsKey)
	text := string(good[:bytes.Index(good, []byte("\n\n"))+1])
	with := func(old, new string) []byte {
		b, err := note.Sign(&note.Note{Text: strings.Replace(text, old, new, 1)}, LogSigner(n.domain, n.log))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	relayed, _ := note.Sign(&note.Note{Text: text}, LogSigner(s.domain, s.log))
	cosigned, _ := note.Sign(&note.Note{Text: text}, LogSigner(n.domain, n.cosigner))
	checkpoint, _ := SignCheckpoint(testCheckpoint(), n.log)
	return map[string][]byte{
		"empty":                      {},
		"signed by another newsroom": relayed,
		"signed by the cosigner":     cosigned,
		"a checkpoint":               checkpoint,
		"unsigned":                   []byte(text),
		"changed after signing":      bytes.Replace(good, []byte(tlsKey), []byte(strings.Repeat("b", 64)), 1),
		"another first line":         with("access v1", "access v2"),
		"server is no root":          with(n.id.Root, "north.example"),
		"caller is no root":          with(s.id.Root, s.id.Root[:63]),
		"end is no number":           with("1796126460", "soon"),
		"end with a plus":            with("1796126460", "+1796126460"),
		"end with a zero":            with("1796126460", "01796126460"),
		"TLS key is no hash":         with(tlsKey, "x"),
		"TLS keys are missing":       with(tlsKey, ""),
		"TLS keys with a comma":      with(tlsKey, tlsKey+","+tlsKey),
		"TLS keys with two spaces":   with(tlsKey, tlsKey+"  "+tlsKey),
		"line more":                  with(tlsKey+"\n", tlsKey+"\nmore\n"),
		"line less":                  with(tlsKey+"\n", ""),
	}
}

func TestOpenChallengeRefused(t *testing.T) {
	n := north(t)
	for name, b := range badChallenges(t) {
		_, err := OpenChallenge(b, n.domain, public(n.log))
		refused(t, name, err, ErrMalformed, ErrSignature)
	}
	_, err := OpenChallenge(testChallenge(t), "soren.example", public(n.log))
	refused(t, "another name", err, ErrSignature)
}

func TestAnswer(t *testing.T) {
	n, s, a := north(t), soren(t), avand(t)
	challenge := testChallenge(t, tlsKey)
	good, err := SignAnswer(challenge, testAgreement, s.domain, s.log)
	if err != nil {
		t.Fatal(err)
	}
	if err := good.Verify(s.domain, s.keys.Public(RoleLog)...); err != nil {
		t.Error(err)
	}
	if err := good.Verify(s.domain, public(a.log), public(s.log)); err != nil {
		t.Error(err)
	}
	for name, bad := range badAnswers(t) {
		refused(t, name, bad.Verify(s.domain, public(s.log)), ErrSignature)
	}
	refused(t, "another newsroom's key", good.Verify(s.domain, public(a.log)), ErrSignature)
	refused(t, "another name", good.Verify(a.domain, public(s.log)), ErrSignature)
	refused(t, "no key", good.Verify(s.domain), ErrSignature)

	// Relayed: who stands between hands on a challenge of its own to be answered. The answer names the hash of what was signed,
	// and what was signed names the server, so that it opens nothing elsewhere.
	between, err := NewChallenge(a.domain, a.id.Root, s.id.Root, testSeconds, nil, a.log)
	if err != nil {
		t.Fatal(err)
	}
	answer, err := SignAnswer(between, testAgreement, s.domain, s.log)
	if err != nil {
		t.Fatal(err)
	}
	answer.Challenge = string(challenge)
	refused(t, "answer to a relayed challenge", answer.Verify(s.domain, public(s.log)), ErrSignature)
	_, err = OpenChallenge(between, n.domain, public(n.log))
	refused(t, "challenge of who stands between", err, ErrSignature)
}

// badAnswers are answers that soren did not give to the challenge for the agreement. The vectors hold them, too.
func badAnswers(t testing.TB) map[string]Answer {
	s := soren(t)
	challenge := testChallenge(t, tlsKey)
	good, err := SignAnswer(challenge, testAgreement, s.domain, s.log)
	if err != nil {
		t.Fatal(err)
	}
	with := func(change func(*Answer)) Answer { x := good; change(&x); return x }
	checkpoint, _ := SignCheckpoint(testCheckpoint(), s.log)
	return map[string]Answer{
		"other agreement":         with(func(a *Answer) { a.Agreement = otherLedger }),
		"no agreement":            with(func(a *Answer) { a.Agreement = "" }),
		"agreement with more":     with(func(a *Answer) { a.Agreement += "\n" }),
		"other challenge":         with(func(a *Answer) { a.Challenge = string(testChallenge(t)) }),
		"changed challenge":       with(func(a *Answer) { a.Challenge += "\n" }),
		"changed signature":       with(func(a *Answer) { a.Signed = strings.Replace(a.Signed, "— ", "- ", 1) }),
		"changed text":            with(func(a *Answer) { a.Signed = strings.Replace(a.Signed, "answer v1", "answer v2", 1) }),
		"a checkpoint":            with(func(a *Answer) { a.Signed = string(checkpoint) }),
		"the challenge itself":    with(func(a *Answer) { a.Signed = a.Challenge }),
		"nothing":                 with(func(a *Answer) { a.Signed = "" }),
		"signed by the cosigner":  must(SignAnswer(challenge, testAgreement, s.domain, s.cosigner)),
		"signed under other name": must(SignAnswer(challenge, testAgreement, "avand.example", s.log)),
	}
}

func must[T any](v T, err error) T {
	if err != nil {
		panic(err)
	}
	return v
}

func testHello(n, to newsroom) Hello {
	return Hello{
		Identity: n.note, To: to.id.Root, Agreement: testAgreement, Ledger: testLedger, Origin: Origin(n.domain, testLedger),
		Words: "Our evening file, as agreed by telephone.", Time: testTime,
	}
}

func TestHello(t *testing.T) {
	n, s := north(t), soren(t)
	for name, h := range map[string]Hello{
		"whole":       testHello(n, s),
		"words alone": {Identity: n.note, To: s.id.Root, Words: "<North> & others: ‎سلام", Time: testTime},
	} {
		b, err := SignHello(h, n.domain, n.log)
		if err != nil {
			t.Fatal(err)
		}
		got, id, keys, err := OpenHello(b)
		if err != nil || got != h || id.Root != n.id.Root || keys.Root != n.id.Root {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	long := testHello(n, s)
	long.Words = strings.Repeat("a", MaxHello)
	_, err := SignHello(long, n.domain, n.log)
	refused(t, "over 4 KiB", err, ErrMalformed)
}

// badHellos are notes that are no hello of north. The vectors hold them, too.
func badHellos(t testing.TB) map[string][]byte {
	n, s := north(t), soren(t)
	h := testHello(n, s)
	sign := func(h Hello, n newsroom) []byte { return must(SignHello(h, n.domain, n.log)) }
	with := func(change func(*Hello)) []byte { x := h; change(&x); return sign(x, n) }
	line := string(must(json.Marshal(h)))
	raw := func(text string) []byte { return must(note.Sign(&note.Note{Text: text}, LogSigner(n.domain, n.log))) }
	whole := helloLine + "\n" + line + "\n"
	return map[string][]byte{
		"empty":                  {},
		"signed by another":      sign(h, s),
		"signed under another":   must(SignHello(h, s.domain, n.log)),
		"signed by the cosigner": must(SignHello(h, n.domain, n.cosigner)),
		"another's identity":     with(func(h *Hello) { h.Identity = s.note }),
		"no identity":            with(func(h *Hello) { h.Identity = "" }),
		"changed identity":       with(func(h *Hello) { h.Identity = strings.Replace(h.Identity, "North", "Nordh", 1) }),
		"ledger is no id":        with(func(h *Hello) { h.Ledger = "x" }),
		"agreement is no id":     with(func(h *Hello) { h.Agreement = strings.ToUpper(testAgreement) }),
		"changed words":          bytes.Replace(sign(h, n), []byte("evening"), []byte("morning"), 1),
		"another first line":     raw(strings.Replace(whole, "v1", "v2", 1)),
		"line more":              raw(whole + "more\n"),
		"name twice":             raw(strings.Replace(whole, `{"identity"`, `{"to":"","identity"`, 1)),
		"no JSON":                raw(helloLine + "\nhello\n"),
		"unsigned":               []byte(whole),
		"over 4 KiB":             append(sign(h, n), bytes.Repeat([]byte("— x "), MaxHello/4)...),
		"the identity alone":     []byte(n.note),
	}
}

func TestOpenHelloRefused(t *testing.T) {
	for name, b := range badHellos(t) {
		_, _, _, err := OpenHello(b)
		refused(t, name, err, ErrMalformed, ErrSignature)
	}
}
