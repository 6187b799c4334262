package protocol

import (
	"bytes"
	"encoding/json"
	"reflect"
	"slices"
	"strings"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
)

// testProof is a proof of record 2 of five, cosigned by soren and avand, with two contents, one of which is not in it, and a
// third that is empty.
func testProof(t testing.TB) Proof {
	n, s, a := north(t), soren(t), avand(t)
	content := []byte(`{"headline":"Snow closes the pass"}`)
	rec := sample(content)
	rec.Contents = append(rec.Contents, Refer(testSalt(8), []byte("gone"), "text/plain", ""), Refer(testSalt(9), nil, "text/plain", ""))
	record := mustBytes(t, rec)
	var e Edge
	ref := &reference{}
	for i := range int64(5) {
		b := leafText(i)
		if i == 2 {
			b = record
		}
		e.Add(LeafHash(b))
		ref.add(t, i, b)
	}
	cp := Checkpoint{Origin(n.domain, testLedger), 5, e.Root()}
	path, err := tlog.ProveRecord(5, 2, ref)
	if err != nil {
		t.Fatal(err)
	}
	salt, empty := testSalt(7), testSalt(9)
	return Proof{
		Format: ProofFormat, Origin: cp.Origin, Index: 2, Record: record, Inclusion: path, Checkpoint: string(must(SignCheckpoint(cp, n.log))), Identity: n.note,
		Contents: []ProofContent{{Salt: salt[:], Bytes: content}, {}, {Salt: empty[:]}},
		Cosignatures: []ProofCosign{
			{Line: Cosign(CosignerName(s.domain), s.cosigner, cp, testSeconds).Line(public(s.cosigner)), Identity: s.note},
			{Line: Cosign(CosignerName(a.domain), a.cosigner, cp, testSeconds+60).Line(public(a.cosigner)), Identity: a.note},
		},
	}
}

func TestVerifyProof(t *testing.T) {
	p := testProof(t)
	got, err := VerifyProof(must(json.MarshalIndent(p, "", " ")))
	if err != nil {
		t.Fatal(err)
	}
	if got.Newsroom.Root != north(t).id.Root || got.Index != 2 || got.Size != 5 || got.Record.Type != "item.release" {
		t.Errorf("%+v", got)
	}
	if len(got.Contents) != 3 || string(got.Contents[0]) != `{"headline":"Snow closes the pass"}` || got.Contents[1] != nil || got.Contents[2] == nil {
		t.Errorf("contents %q", got.Contents)
	}
	if len(got.Cosigners) != 2 || got.Cosigners[0].Newsroom.Domain != "soren.example" || got.Cosigners[1].Seconds != testSeconds+60 {
		t.Errorf("cosigners %+v", got.Cosigners)
	}
	p.Cosignatures = nil
	if got, err := VerifyProof(must(json.Marshal(p))); err != nil || len(got.Cosigners) != 0 {
		t.Errorf("without cosignatures: %v", err)
	}
}

// badProofs are changes that VerifyProof refuses. The vectors hold some of them, too.
func badProofs(t testing.TB) map[string]func(*Proof) {
	n, s := north(t), soren(t)
	cp := must(OpenCheckpoint([]byte(testProof(t).Checkpoint), Origin(n.domain, testLedger), public(n.log)))
	return map[string]func(*Proof){
		"another format":           func(p *Proof) { p.Format = "newspool proof v2" },
		"another origin":           func(p *Proof) { p.Origin = Origin("avand.example", testLedger) },
		"another ledger":           func(p *Proof) { p.Origin = Origin(n.domain, otherLedger) },
		"another index":            func(p *Proof) { p.Index = 3 },
		"negative index":           func(p *Proof) { p.Index = -1 },
		"index beyond":             func(p *Proof) { p.Index = 5 },
		"changed record":           func(p *Proof) { p.Record = bytes.Replace(p.Record, []byte(`"version":1`), []byte(`"version":2`), 1) },
		"no record":                func(p *Proof) { p.Record = nil },
		"changed content":          func(p *Proof) { p.Contents[0].Bytes = []byte("other") },
		"content cut":              func(p *Proof) { p.Contents[0].Bytes = p.Contents[0].Bytes[:10] },
		"content without its salt": func(p *Proof) { p.Contents[0].Salt = nil },
		"salt alone":               func(p *Proof) { p.Contents[0].Bytes = nil },
		"changed salt":             func(p *Proof) { p.Contents[0].Salt[0] ^= 1 },
		"short salt":               func(p *Proof) { p.Contents[0].Salt = p.Contents[0].Salt[:31] },
		"content missing":          func(p *Proof) { p.Contents = p.Contents[:2] },
		"content too many":         func(p *Proof) { p.Contents = append(p.Contents, ProofContent{}) },
		"contents swapped":         func(p *Proof) { p.Contents[0], p.Contents[1] = p.Contents[1], p.Contents[0] },
		"changed path":             func(p *Proof) { p.Inclusion[0][0] ^= 1 },
		"path too short":           func(p *Proof) { p.Inclusion = p.Inclusion[:len(p.Inclusion)-1] },
		"path too long":            func(p *Proof) { p.Inclusion = append(p.Inclusion, Hash{}) },
		"no path":                  func(p *Proof) { p.Inclusion = nil },
		"changed checkpoint":       func(p *Proof) { p.Checkpoint = strings.Replace(p.Checkpoint, "\n5\n", "\n6\n", 1) },
		"checkpoint by another":    func(p *Proof) { p.Checkpoint = string(must(SignCheckpoint(cp, s.log))) },
		"checkpoint of another root": func(p *Proof) {
			x := cp
			x.Root[0] ^= 1
			p.Checkpoint = string(must(SignCheckpoint(x, n.log)))
		},
		"checkpoint of another size": func(p *Proof) {
			x := cp
			x.Size = 6
			p.Checkpoint = string(must(SignCheckpoint(x, n.log)))
		},
		"no checkpoint":               func(p *Proof) { p.Checkpoint = "" },
		"another's identity":          func(p *Proof) { p.Identity = s.note },
		"changed identity":            func(p *Proof) { p.Identity = strings.Replace(p.Identity, "North", "Nordh", 1) },
		"no identity":                 func(p *Proof) { p.Identity = "" },
		"cosignature of nobody":       func(p *Proof) { p.Cosignatures[0].Line = "" },
		"changed cosignature":         func(p *Proof) { p.Cosignatures[0].Line = strings.Replace(p.Cosignatures[0].Line, "soren", "sorem", 1) },
		"cosigner's identity swapped": func(p *Proof) { p.Cosignatures[0].Identity = p.Cosignatures[1].Identity },
		"cosigner without identity":   func(p *Proof) { p.Cosignatures[1].Identity = "" },
		"cosignature of another size": func(p *Proof) {
			x := cp
			x.Size = 4
			p.Cosignatures[0].Line = Cosign(CosignerName(s.domain), s.cosigner, x, testSeconds).Line(public(s.cosigner))
		},
		"cosigned with the log key": func(p *Proof) {
			p.Cosignatures[0].Line = Cosign(CosignerName(s.domain), s.log, cp, testSeconds).Line(public(s.log))
		},
	}
}

func TestVerifyProofRefused(t *testing.T) {
	for name, change := range badProofs(t) {
		p := testProof(t)
		change(&p)
		_, err := VerifyProof(must(json.Marshal(p)))
		refused(t, name, err, ErrMalformed, ErrSignature)
	}
	good := must(json.Marshal(testProof(t)))
	for name, b := range map[string][]byte{
		"empty":             {},
		"white space after": append(bytes.Clone(good), '\n'),
		"name twice":        append([]byte(`{"index":2,`), good[1:]...),
		"wrong spelling":    bytes.Replace(good, []byte(`"origin"`), []byte(`"Origin"`), 1),
		"fraction":          bytes.Replace(good, []byte(`"index":2`), []byte(`"index":2.0`), 1),
		"over 8 MiB":        bytes.Repeat([]byte(" "), MaxProof+1),
		"an array":          append(append([]byte("["), good...), ']'),
	} {
		_, err := VerifyProof(b)
		refused(t, name, err, ErrMalformed)
	}
}

// end is how a key ended, and when.
type end struct {
	act     string
	seconds int64
}

// ended gives a newsroom another log key, and ends the old ones.
func ended(t testing.TB, n newsroom, log, cosigner end) newsroom {
	t.Helper()
	raw := slices.Clone(n.id.Keys)
	next := testKey(n.domain + " next log")
	for _, e := range []KeyEntry{
		{Act: ActAdd, Role: RoleLog, Key: FormatPublic(public(next)), Time: testTime},
		{Act: log.act, Role: RoleLog, Key: FormatPublic(public(n.log)), Time: log.seconds * 1_000_000},
		{Act: cosigner.act, Role: RoleCosigner, Key: FormatPublic(public(n.cosigner)), Time: cosigner.seconds * 1_000_000},
	} {
		if e.Act == "" {
			continue
		}
		k := must(ParseKeys(n.id.Root, raw))
		e.Root, e.Number, e.Previous = n.id.Root, len(raw)+1, k.Last()
		raw = append(raw, signEntry(t, e, n.root))
	}
	id := n.id
	id.Keys, n.log = raw, next
	n.sign(t, id)
	return n
}

// TestProofOldKeys: keys that were ended since are good for what they signed before, and a stolen log key needs a witness.
func TestProofOldKeys(t *testing.T) {
	const at = testSeconds // soren cosigned then, avand a minute later
	for _, c := range []struct {
		name         string
		north, soren end
		cosigners    int // -1: refused
	}{
		{"log key retired", end{ActRetire, at - 100}, end{}, 2},
		{"cosigner retired later", end{}, end{ActRetire, at + 1}, 2},
		{"cosigner retired in that second", end{}, end{ActRetire, at}, 2},
		{"cosigner retired before", end{}, end{ActRetire, at - 1}, -1},
		{"cosigner stolen", end{}, end{ActStolen, at + 100}, 1},
		{"log key stolen after both", end{ActStolen, at + 100}, end{}, 2},
		{"log key stolen after one", end{ActStolen, at + 1}, end{}, 2},
		{"log key stolen in that second", end{ActStolen, at}, end{}, -1},
		{"log key stolen before both", end{ActStolen, at - 1}, end{}, -1},
		{"log key stolen, and the only key of a witness before it", end{ActStolen, at + 1}, end{ActStolen, at + 200}, -1},
	} {
		p := testProof(t)
		if c.north.act != "" {
			p.Identity = ended(t, north(t), c.north, end{}).note
		}
		if c.soren.act != "" {
			p.Cosignatures[0].Identity = ended(t, soren(t), end{}, c.soren).note
		}
		got, err := VerifyProof(must(json.Marshal(p)))
		if c.cosigners < 0 {
			refused(t, c.name, err, ErrSignature)
		} else if err != nil || len(got.Cosigners) != c.cosigners {
			t.Errorf("%s: %d cosigners, %v", c.name, len(got.Cosigners), err)
		}
	}
	// The newsroom's own cosignature is no witness.
	n := ended(t, north(t), end{ActStolen, at + 1}, end{})
	p := testProof(t)
	cp := must(OpenCheckpoint([]byte(p.Checkpoint), p.Origin, public(north(t).log)))
	p.Identity = n.note
	p.Cosignatures = []ProofCosign{{Line: Cosign(CosignerName(n.domain), n.cosigner, cp, at).Line(public(n.cosigner)), Identity: n.note}}
	_, err := VerifyProof(must(json.Marshal(p)))
	refused(t, "its own witness", err, ErrSignature)
	p.Cosignatures = nil
	_, err = VerifyProof(must(json.Marshal(p)))
	refused(t, "no witness", err, ErrSignature)
}

// TestProofBytes changes every third byte of a proof file: it is refused, or what it shows is the same.
func TestProofBytes(t *testing.T) {
	good := must(json.Marshal(testProof(t)))
	want := must(VerifyProof(good))
	for i := 0; i < len(good); i += 3 {
		b := bytes.Clone(good)
		b[i] ^= 1 << (i / 3 % 7)
		got, err := VerifyProof(b)
		if err != nil {
			continue
		}
		// A changed name of a field that may be absent leaves out a cosignature or a content.
		if len(got.Cosigners) == 0 {
			got.Cosigners = want.Cosigners
		}
		for j := range got.Contents {
			if got.Contents[j] == nil {
				got.Contents[j] = want.Contents[j]
			}
		}
		if !reflect.DeepEqual(got, want) {
			t.Fatalf("byte %d (%q): a changed proof shows %+v", i, good[max(0, i-20):min(len(good), i+20)], got)
		}
	}
}
