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
	f.Add(AppendFrame(nil, testFrame(f)))
	f.Add(AppendFrame(AppendFrame(nil, testHeartbeat(f)), testFrame(f)))
	for _, b := range badFrames(f) {
		if len(b) < 4<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
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
	f.Add(n.document)
	f.Add([]byte(n.note))
	f.Add(soren(f).document)
	for _, b := range badIdentities(f) {
		if len(b) < 4<<10 {
			f.Add(b)
		}
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		id, keys, err := ParseIdentity(b)
		expected(t, err)
		if err == nil && (id.Root != keys.Root || len(keys.Public(RoleLog)) == 0 || !IsDomain(id.Domain)) {
			t.Fatalf("accepted: %+v", id)
		}
		id, _, err = ParseIdentityNote(string(b))
		expected(t, err)
		if err == nil && id.Root == n.id.Root && id.Number != n.id.Number {
			t.Fatalf("an identity that nobody signed: %+v", id)
		}
		_, err = ParseKeys(n.id.Root, []string{string(b)})
		expected(t, err)
	})
}

func FuzzOpenHello(f *testing.F) {
	n, s := north(f), soren(f)
	h := testHello(n, s)
	f.Add(must(SignHello(h, n.domain, n.log)))
	for _, b := range badHellos(f) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		got, id, keys, err := OpenHello(b)
		expected(t, err)
		if err == nil && (len(b) > MaxHello || id.Root != keys.Root || got.Identity == "") {
			t.Fatalf("accepted: %+v", got)
		}
		if err == nil && id.Root == n.id.Root && got != h {
			t.Fatalf("a hello that nobody signed: %+v", got)
		}
		_, err = OpenChallenge(b, n.domain, public(n.log))
		expected(t, err)
	})
}

func FuzzVerifyProof(f *testing.F) {
	f.Add(must(json.Marshal(testProof(f))))
	for _, name := range []string{"changed record", "another index", "no identity", "changed cosignature"} {
		p := testProof(f)
		badProofs(f)[name](&p)
		f.Add(must(json.Marshal(p)))
	}
	record := testProof(f).Record
	f.Fuzz(func(t *testing.T, b []byte) {
		got, err := VerifyProof(b)
		expected(t, err)
		if err == nil && got.Newsroom.Root == north(t).id.Root && LeafHash(mustBytes(t, got.Record)) != LeafHash(record) {
			t.Fatalf("a proof of what was not said: %+v", got)
		}
	})
}
