package protocol

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"

	formats "github.com/transparency-dev/formats/note"
	"golang.org/x/mod/sumdb/note"
)

func testCheckpoint() Checkpoint {
	var e Edge
	for i := range int64(5) {
		e.Add(LeafHash(leafText(i)))
	}
	return Checkpoint{Origin("north.example", testLedger), e.Size, e.Root()}
}

// TestCheckpointNote reads our checkpoint with package note, and a checkpoint of package note with ours.
func TestCheckpointNote(t *testing.T) {
	n, c := north(t), testCheckpoint()
	signed, err := SignCheckpoint(c, n.log)
	if err != nil {
		t.Fatal(err)
	}
	v, err := note.NewVerifier(VerifierKey(c.Origin, public(n.log)))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(signed, note.VerifierList(v))
	if err != nil || opened.Text != c.Text() || len(opened.Sigs) != 1 {
		t.Fatalf("%+v, %v", opened, err)
	}
	key := base64.StdEncoding.EncodeToString(append([]byte{1}, n.log.Seed()...))
	s, err := note.NewSigner(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", c.Origin, v.KeyHash(), key))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := note.Sign(&note.Note{Text: c.Text()}, s)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(theirs, signed) {
		t.Errorf("package note signs other bytes:\n%s\n%s", theirs, signed)
	}
	again, err := SignCheckpoint(c, n.log)
	if err != nil || !bytes.Equal(again, signed) {
		t.Errorf("signed twice, the bytes differ: %v", err)
	}
	got, err := OpenCheckpoint(signed, c.Origin, public(soren(t).log), public(n.log))
	if err != nil || got != c {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestOpenCheckpointRefused(t *testing.T) {
	n, s, c := north(t), soren(t), testCheckpoint()
	signed, err := SignCheckpoint(c, n.log)
	if err != nil {
		t.Fatal(err)
	}
	other := Origin("north.example", otherLedger)
	for name, open := range map[string]func() error{
		"another key": func() error { _, err := OpenCheckpoint(signed, c.Origin, public(s.log)); return err },
		"no key":      func() error { _, err := OpenCheckpoint(signed, c.Origin); return err },
		"another ledger": func() error {
			_, err := OpenCheckpoint(signed, other, public(n.log))
			return err
		},
		"signed under another name": func() error {
			b, _ := note.Sign(&note.Note{Text: c.Text()}, LogSigner(other, n.log))
			_, err := OpenCheckpoint(b, c.Origin, public(n.log))
			return err
		},
		"text of another ledger under the name": func() error {
			x := c
			x.Origin = other
			b, _ := note.Sign(&note.Note{Text: x.Text()}, LogSigner(c.Origin, n.log))
			_, err := OpenCheckpoint(b, c.Origin, public(n.log))
			return err
		},
		"extension line": func() error {
			b, _ := note.Sign(&note.Note{Text: c.Text() + "more\n"}, LogSigner(c.Origin, n.log))
			_, err := OpenCheckpoint(b, c.Origin, public(n.log))
			return err
		},
		"cosigner key": func() error { _, err := OpenCheckpoint(signed, c.Origin, public(n.cosigner)); return err },
		"empty":        func() error { _, err := OpenCheckpoint(nil, c.Origin, public(n.log)); return err },
	} {
		refused(t, name, open(), ErrSignature, ErrMalformed)
	}
	for i := range signed {
		x := bytes.Clone(signed)
		x[i] ^= 1
		if got, err := OpenCheckpoint(x, c.Origin, public(n.log)); err == nil && got != c {
			t.Errorf("byte %d changed: accepted as %+v", i, got)
		} else if err == nil {
			t.Errorf("byte %d changed: accepted", i)
		}
	}
}

// badCheckpoints are texts that are no checkpoint. The vectors hold them, too.
func badCheckpoints() map[string]string {
	c := testCheckpoint()
	origin := c.Origin + "\n"
	root := base64.StdEncoding.EncodeToString(c.Root[:])
	stray := root[:42] + string(root[42]+1) + "=" // bits beyond the 32 bytes
	return map[string]string{
		"empty":                   "",
		"no root":                 origin + "5\n",
		"no line end":             origin + "5\n" + root,
		"extension line":          c.Text() + "more\n",
		"empty extension line":    c.Text() + "\n",
		"empty origin":            "\n5\n" + root + "\n",
		"negative size":           origin + "-1\n" + root + "\n",
		"size with a plus":        origin + "+5\n" + root + "\n",
		"size with a zero":        origin + "05\n" + root + "\n",
		"size minus zero":         origin + "-0\n" + root + "\n",
		"size with a fraction":    origin + "5.0\n" + root + "\n",
		"size above 2^53":         origin + "9007199254740993\n" + root + "\n",
		"size with white space":   origin + "5 \n" + root + "\n",
		"no size":                 origin + "\n" + root + "\n",
		"root of 31 bytes":        origin + "5\n" + base64.StdEncoding.EncodeToString(c.Root[1:]) + "\n",
		"root without padding":    origin + "5\n" + strings.TrimRight(root, "=") + "\n",
		"root with stray bits":    origin + "5\n" + stray + "\n",
		"root with a return":      origin + "5\n" + root + "\r\n",
		"root in hexadecimal":     origin + fmt.Sprintf("5\n%x\n", c.Root[:]),
		"white space before root": origin + "5\n " + root + "\n",
	}
}

func TestParseCheckpointRefused(t *testing.T) {
	for name, text := range badCheckpoints() {
		_, err := ParseCheckpoint(text)
		refused(t, name, err, ErrMalformed)
	}
	for _, size := range []int64{0, 1, MaxInteger} {
		c := testCheckpoint()
		c.Size = size
		if got, err := ParseCheckpoint(c.Text()); err != nil || got != c {
			t.Errorf("size %d: %+v, %v", size, got, err)
		}
	}
}

// cosignerKey is the text form of a cosigner key as other tools read it.
func cosignerKey(name string, pub ed25519.PublicKey) string {
	return fmt.Sprintf("%s+%08x+%s", name, keyHash(name, algCosigner, pub), base64.StdEncoding.EncodeToString(append([]byte{algCosigner}, pub...)))
}

// TestCosignatureNote has the cosignatures of package formats/note verify ours, and ours theirs.
func TestCosignatureNote(t *testing.T) {
	n, s, c := north(t), soren(t), testCheckpoint()
	name := CosignerName(s.domain)
	signed, err := SignCheckpoint(c, n.log)
	if err != nil {
		t.Fatal(err)
	}
	cosigned := append(bytes.Clone(signed), Cosign(name, s.cosigner, c, testSeconds).Line(public(s.cosigner))...)
	v, err := formats.NewVerifierForCosignatureV1(cosignerKey(name, public(s.cosigner)))
	if err != nil {
		t.Fatal(err)
	}
	opened, err := note.Open(cosigned, note.VerifierList(v, LogVerifier(c.Origin, public(n.log))))
	if err != nil || len(opened.Sigs) != 2 || len(opened.UnverifiedSigs) != 0 {
		t.Fatalf("%+v, %v", opened, err)
	}
	if at, err := formats.CoSigV1Timestamp(opened.Sigs[1]); err != nil || at.Unix() != testSeconds {
		t.Errorf("time %v, %v", at, err)
	}
	if _, err := OpenCheckpoint(cosigned, c.Origin, public(n.log)); err != nil {
		t.Errorf("a cosigned checkpoint is refused: %v", err)
	}

	key := base64.StdEncoding.EncodeToString(append([]byte{algCosigner}, s.cosigner.Seed()...))
	signer, err := formats.NewSignerForCosignatureV1(fmt.Sprintf("PRIVATE+KEY+%s+%08x+%s", name, v.KeyHash(), key))
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := note.Sign(&note.Note{Text: c.Text()}, signer)
	if err != nil {
		t.Fatal(err)
	}
	line := string(theirs[len(c.Text())+1:])
	got, err := ParseCosignature(line, public(s.cosigner))
	if err != nil || !got.Verify(public(s.cosigner), c) || got.Name != name {
		t.Errorf("%+v, %v", got, err)
	}
}

func TestCosignature(t *testing.T) {
	s, c := soren(t), testCheckpoint()
	pub := public(s.cosigner)
	good := Cosign(CosignerName(s.domain), s.cosigner, c, testSeconds)
	for _, line := range []string{good.Line(pub), strings.TrimSuffix(good.Line(pub), "\n")} {
		got, err := ParseCosignature(line, pub)
		if err != nil || got != good || !got.Verify(pub, c) {
			t.Fatalf("%+v, %v", got, err)
		}
	}
	for name, verify := range map[string]func() bool{
		"another size":   func() bool { x := c; x.Size++; return good.Verify(pub, x) },
		"another root":   func() bool { x := c; x.Root[0] ^= 1; return good.Verify(pub, x) },
		"another origin": func() bool { x := c; x.Origin += "0"; return good.Verify(pub, x) },
		"another time":   func() bool { x := good; x.Time++; return x.Verify(pub, c) },
		"another key":    func() bool { return good.Verify(public(s.log), c) },
		"time zero":      func() bool { return Cosign(good.Name, s.cosigner, c, 0).Verify(pub, c) },
		"time below zero": func() bool {
			return Cosign(good.Name, s.cosigner, c, -1).Verify(pub, c)
		},
		"a log signature": func() bool {
			x := good
			copy(x.Sig[:], ed25519.Sign(s.cosigner, []byte(c.Text())))
			return x.Verify(pub, c)
		},
	} {
		if verify() {
			t.Errorf("%s: verified", name)
		}
	}
	for name, line := range badCosignatures(s, good) {
		_, err := ParseCosignature(line, pub)
		refused(t, name, err, ErrMalformed, ErrSignature)
	}
}

// badCosignatures are lines that ParseCosignature refuses. The vectors hold them, too.
func badCosignatures(s newsroom, good Cosignature) map[string]string {
	pub := public(s.cosigner)
	line := strings.TrimSuffix(good.Line(pub), "\n")
	data := line[strings.LastIndex(line, " ")+1:]
	named := func(name string) string { x := good; x.Name = name; return x.Line(pub) }
	timed := func(t uint64) string {
		b, _ := base64.StdEncoding.DecodeString(data)
		binary.BigEndian.PutUint64(b[4:], t)
		return "— " + good.Name + " " + base64.StdEncoding.EncodeToString(b) + "\n"
	}
	return map[string]string{
		"empty":                  "",
		"another dash":           "- " + line[len("— "):],
		"no name":                "— " + data,
		"empty name":             named(""),
		"name with a space":      named("soren.example cosigner"),
		"name with a line end":   named("soren.example\ncosigner"),
		"name with a plus":       named("soren.example+cosigner"),
		"another name":           "— avand.example/cosigner " + data,
		"another key":            good.Line(public(s.log)),
		"a log key's line":       strings.Replace(line, data, base64.StdEncoding.EncodeToString(make([]byte, 68)), 1),
		"line end in the data":   strings.Replace(line, data, data[:8]+"\n"+data[8:], 1),
		"return at the end":      line + "\r\n",
		"two line ends":          line + "\n\n",
		"white space at the end": line + " ",
		"no padding":             strings.TrimRight(line, "="),
		"too short":              strings.Replace(line, data, data[4:], 1),
		"time zero":              timed(0),
		"time above 2^53":        timed(MaxInteger + 1),
	}
}

func TestMirrorID(t *testing.T) {
	if got := MirrorID("north.example/exchange/v1/ledgers/" + testLedger); got != "2902d01648d3a0c82091a629103a55baa66dd0201ea6fdb29171b5bec83fcd59" {
		t.Errorf("mirror id %s", got)
	}
}
