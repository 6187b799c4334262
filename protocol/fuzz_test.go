package protocol

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"testing"
)

// expected fails unless an error of a parser is one of those that it promises.
func expected(t *testing.T, err error) {
	t.Helper()
	if err != nil && !errors.Is(err, ErrMalformed) && !errors.Is(err, ErrSignature) {
		t.Fatalf("an error of another kind: %v", err)
	}
}

// splice puts raw in the place of cut bytes of a good text, so that the inputs of a fuzzer stay small and still reach what
// comes after a signature. With all of it cut, raw stands alone.
func splice(good, raw []byte, at, cut uint16) []byte {
	from := min(int(at), len(good))
	to := min(from+int(cut), len(good))
	return append(append(bytes.Clone(good[:from]), raw...), good[to:]...)
}

func FuzzParseRecord(f *testing.F) {
	good := mustBytes(f, sample([]byte("x")))
	f.Add(good)
	for _, c := range malformedRecords() {
		if b := c.apply(f, good); len(b) < 4<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := ParseRecord(b)
		expected(t, err)
		if err != nil {
			return
		}
		if !isType(r.Type) || !IsUUID(r.ID) || !IsLedgerID(r.Ledger) || r.Time <= 0 || len(r.Contents) > MaxContents {
			t.Fatalf("accepted: %+v", r)
		}
		again, err := r.Bytes()
		if err != nil {
			return // unknown fields that were left out may have held what makes it fit, such as a long body
		}
		if r2, err := ParseRecord(again); err != nil || r2.Type != r.Type || r2.ID != r.ID || r2.Time != r.Time {
			t.Fatalf("written again: %+v, %v", r2, err)
		}
	})
}

func FuzzReadFrame(f *testing.F) {
	good := AppendFrame(AppendFrame(nil, testHeartbeat(f)), testFrame(f))
	f.Add([]byte{}, uint16(0), uint16(0))
	f.Add([]byte{0xff}, uint16(1), uint16(1))
	for _, b := range badFrames(f) {
		if len(b) < 64 {
			f.Add(b, uint16(0), uint16(1<<16-1))
		}
	}
	f.Fuzz(func(t *testing.T, raw []byte, at, cut uint16) {
		b := splice(good, raw, at, cut)
		r := bufio.NewReader(bytes.NewReader(b))
		var out []byte
		for {
			x, err := ReadFrame(r)
			if err != nil {
				if err != io.EOF && err != io.ErrUnexpectedEOF {
					expected(t, err)
				}
				break
			}
			out = AppendFrame(out, x)
		}
		if !bytes.HasPrefix(b, out) {
			t.Fatal("frames that were read are written otherwise")
		}
	})
}

func FuzzParseTile(f *testing.F) {
	f.Add("tile/1/x001/x234/067.p/17")
	f.Add("tile/entries/000")
	for _, p := range badTiles() {
		f.Add(p)
	}
	f.Fuzz(func(t *testing.T, path string) {
		x, err := ParseTile(path)
		expected(t, err)
		if err != nil {
			return
		}
		if x.Path() != path || x.Width < 1 || x.Width > TileWidth || x.Level < EntriesLevel || x.Level > 63 || x.Index < 0 {
			t.Fatalf("%q gave %+v", path, x)
		}
		if x.Within(0) || x.Within(x.Index) && x.Level >= 0 {
			t.Fatalf("%q is within a ledger that is too small", path)
		}
	})
}

func FuzzParseCheckpoint(f *testing.F) {
	n, c := north(f), testCheckpoint()
	f.Add(c.Text())
	f.Add(string(must(SignCheckpoint(c, n.log))))
	for _, text := range badCheckpoints() {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		got, err := ParseCheckpoint(text)
		expected(t, err)
		if err == nil && got.Text() != text {
			t.Fatalf("%q is written as %q", text, got.Text())
		}
		opened, err := OpenCheckpoint([]byte(text), c.Origin, public(n.log))
		expected(t, err)
		if err == nil && opened != c {
			t.Fatalf("a checkpoint that nobody signed: %+v", opened)
		}
		s, err := ParseCosignature(text, public(n.cosigner))
		expected(t, err)
		if err == nil && s.Verify(public(n.cosigner), c) {
			t.Fatalf("a cosignature that nobody made: %+v", s)
		}
	})
}

func FuzzIdentity(f *testing.F) {
	n := north(f)
	f.Add([]byte{}, uint16(0), uint16(0))
	f.Add([]byte("Nordh"), uint16(bytes.Index(n.document, []byte("North"))), uint16(5))
	f.Add([]byte(`{"note":"`+identityLine+`\n{}\n"}`), uint16(0), uint16(1<<16-1))
	f.Add([]byte(n.keys.Entries[0].text()), uint16(0), uint16(1<<16-1))
	f.Fuzz(func(t *testing.T, raw []byte, at, cut uint16) {
		id, keys, err := ParseIdentity(splice(n.document, raw, at, cut))
		expected(t, err)
		if err == nil && (id.Root != keys.Root || len(keys.Public(RoleLog)) == 0 || !IsDomain(id.Domain)) {
			t.Fatalf("accepted: %+v", id)
		}
		b := splice([]byte(n.note), raw, at, cut)
		id, _, err = ParseIdentityNote(string(b))
		expected(t, err)
		if err == nil && id.Root == n.id.Root && (id.Number != n.id.Number || id.Names["en"] != n.id.Names["en"]) {
			t.Fatalf("an identity that nobody signed: %+v", id)
		}
		_, err = ParseKeys(n.id.Root, []string{n.keys.Raw[0], string(splice([]byte(n.keys.Raw[1]), raw, at, cut))})
		expected(t, err)
	})
}

func FuzzOpenHello(f *testing.F) {
	n, s := north(f), soren(f)
	h := testHello(n, s)
	good, challenge := must(SignHello(h, n.domain, n.log)), testChallenge(f, tlsKey)
	f.Add([]byte{}, uint16(0), uint16(0))
	f.Add([]byte("morning"), uint16(bytes.Index(good, []byte("evening"))), uint16(7))
	f.Add([]byte(helloLine+"\n{}\n\n— north.example AAAA\n"), uint16(0), uint16(1<<16-1))
	f.Add([]byte("none"), uint16(bytes.Index(challenge, []byte(tlsKey))), uint16(64))
	f.Fuzz(func(t *testing.T, raw []byte, at, cut uint16) {
		b := splice(good, raw, at, cut)
		got, id, keys, err := OpenHello(b)
		expected(t, err)
		if err == nil && (len(b) > MaxHello || id.Root != keys.Root || got.Identity == "") {
			t.Fatalf("accepted: %+v", got)
		}
		if err == nil && id.Root == n.id.Root && got != h {
			t.Fatalf("a hello that nobody signed: %+v", got)
		}
		c, err := OpenChallenge(splice(challenge, raw, at, cut), n.domain, public(n.log))
		expected(t, err)
		if err == nil && (c.Server != n.id.Root || c.Caller != s.id.Root || len(c.TLS) != 1) {
			t.Fatalf("a challenge that nobody signed: %+v", c)
		}
	})
}

func FuzzVerifyProof(f *testing.F) {
	good := must(json.Marshal(testProof(f)))
	record, root := testProof(f).Record, north(f).id.Root
	f.Add([]byte{}, uint16(0), uint16(0))
	f.Add([]byte("3"), uint16(bytes.Index(good, []byte(`"index":2`))+8), uint16(1))
	f.Add([]byte(`[]`), uint16(bytes.Index(good, []byte(`"inclusion":`))+12), uint16(3*47+1))
	f.Add([]byte(`{"format":"newspool proof v1"}`), uint16(0), uint16(1<<16-1))
	f.Fuzz(func(t *testing.T, raw []byte, at, cut uint16) {
		got, err := VerifyProof(splice(good, raw, at, cut))
		expected(t, err)
		if err == nil && got.Newsroom.Root == root && (LeafHash(mustBytes(t, got.Record)) != LeafHash(record) || got.Index != 2 || got.Size != 5) {
			t.Fatalf("a proof of what was not said: %+v", got)
		}
	})
}

// What ParseRecord asks of JSON in one pass is what CheckJSON asks.
func FuzzCheckDecoded(f *testing.F) {
	f.Add(mustBytes(f, sample([]byte("x"))))
	for _, s := range []string{
		`{"body":{"a":1,"a":2}}`, `{"body":"\ud800"}`, `{"body":"\\u0000"}`, `{"body":"\u0000"}`, `{"x":{"y":[1.5]}}`, `{"x":-0}`, `{"x":1e3}`,
		`{"x":9007199254740993}`, `{"x":-9007199254740992,"y":["\"[{"]}`, `{"x":[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]}`, `{"x":"` + "\xff" + `"}`, `{"\u0000":1}`,
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) == 0 || b[0] != '{' || b[len(b)-1] != '}' {
			return
		}
		var r Record
		fast := Decode(b, &r)
		if fast == nil {
			fast = checkDecoded(b)
		}
		slow := CheckJSON(b, MaxRecord, true)
		if slow == nil {
			slow = Decode(b, &r)
		}
		if (fast == nil) != (slow == nil) {
			t.Fatalf("%q: %v, and %v", b, fast, slow)
		}
	})
}
