package protocol

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"golang.org/x/mod/sumdb/tlog"
)

var update = flag.Bool("update", false, "write testdata/vectors.json anew")

// The vectors are enough for a second implementation: everything in them was made from the seeds that stand at their beginning.
type vectors struct {
	About     []string         `json:"about"`
	Newsrooms []vectorNewsroom `json:"newsrooms"`

	JSON          []vectorText        `json:"json"`
	Keys          []vectorKey         `json:"keys"`
	Salted        []vectorSalted      `json:"salted"`
	Records       []vectorRecord      `json:"records"`
	Roots         []vectorRoot        `json:"roots"`
	Tiles         []vectorTile        `json:"tiles"`
	Bundle        vectorBundle        `json:"bundle"`
	Checkpoint    vectorCheckpoint    `json:"checkpoint"`
	Checkpoints   []vectorText        `json:"checkpoints"` // texts
	Cosignature   vectorCosignature   `json:"cosignature"`
	Cosignatures  []vectorText        `json:"cosignatures"` // lines, for the cosigner of the one above
	Frames        []vectorFrame       `json:"frames"`
	KeyLists      []vectorKeyList     `json:"key_lists"`
	Identities    []vectorText        `json:"identities"` // documents
	Challenges    []vectorText        `json:"challenges"` // notes, of the first newsroom
	Answers       []vectorAnswer      `json:"answers"`    // of the second newsroom
	Hellos        []vectorText        `json:"hellos"`     // notes
	Proofs        []vectorText        `json:"proofs"`     // files
	ProofContents map[string][]string `json:"proof_contents"`
}

type vectorNewsroom struct {
	Domain       string `json:"domain"`
	RootSeed     string `json:"root_seed"` // hex, as all seeds
	LogSeed      string `json:"log_seed"`
	CosignerSeed string `json:"cosigner_seed"`
	Root         string `json:"root"`
	Log          string `json:"log"` // base64 of the public key
	Cosigner     string `json:"cosigner"`
	Fingerprint  string `json:"fingerprint"`
	Identity     string `json:"identity"` // the note
}

// vectorText is bytes that are accepted, or refused for a reason. They stand in text where they are UTF-8, else in hex.
type vectorText struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Text string `json:"text,omitempty"`
	Hex  string `json:"hex,omitempty"`
}

func textVector(name string, ok bool, b []byte) vectorText {
	if utf8.Valid(b) {
		return vectorText{Name: name, OK: ok, Text: string(b)}
	}
	return vectorText{Name: name, OK: ok, Hex: hex.EncodeToString(b)}
}

func (v vectorText) bytes() []byte {
	if v.Hex != "" {
		return must(hex.DecodeString(v.Hex))
	}
	return []byte(v.Text)
}

type vectorKey struct {
	Name string `json:"name"`
	OK   bool   `json:"ok"`
	Key  string `json:"key"` // hex
}

type vectorSalted struct {
	Salt    string     `json:"salt"`    // hex
	Content string     `json:"content"` // text
	Ref     ContentRef `json:"ref"`
}

type vectorRecord struct {
	vectorText
	Leaf string `json:"leaf"` // base64 of the leaf hash, of malformed records too
}

type vectorRoot struct {
	Size int64    `json:"size"` // of a ledger whose record i is the text "leaf i"
	Edge []string `json:"edge"` // base64, largest subtree first
	Root string   `json:"root"`
}

type vectorTile struct {
	Path  string `json:"path"`
	OK    bool   `json:"ok"`
	Level int    `json:"level"` // -1: entries
	Index int64  `json:"index"`
	Width int    `json:"width"`
}

type vectorBundle struct {
	Records []string `json:"records"`
	Hex     string   `json:"hex"`
}

type vectorCheckpoint struct {
	Origin      string `json:"origin"`
	Size        int64  `json:"size"`
	Root        string `json:"root"`
	Note        string `json:"note"`
	VerifierKey string `json:"verifier_key"`
	Mirror      string `json:"mirror"`
}

type vectorCosignature struct {
	Checkpoint string `json:"checkpoint"` // text
	Name       string `json:"name"`
	Seconds    int64  `json:"seconds"`
	Key        string `json:"key"` // base64 of the cosigner's public key
	Signed     string `json:"signed"`
	Line       string `json:"line"`
}

type vectorFrame struct {
	Name  string     `json:"name"`
	OK    bool       `json:"ok"`
	Hex   string     `json:"hex"`
	Frame *jsonFrame `json:"frame,omitempty"`
}

// jsonFrame is a frame in the names that the vectors use.
type jsonFrame struct {
	From       int64       `json:"from"`
	Checkpoint string      `json:"checkpoint"`
	Heartbeat  string      `json:"heartbeat"`
	Hints      []jsonHint  `json:"hints"`
	Records    []jsonEntry `json:"records"`
}

type jsonHint struct {
	Index int64  `json:"index"`
	About string `json:"about"`
}

type jsonEntry struct {
	Record   string        `json:"record"`
	Contents []jsonContent `json:"contents"`
}

type jsonContent struct {
	State int    `json:"state"`
	Salt  string `json:"salt,omitempty"` // hex
	Bytes string `json:"bytes,omitempty"`
	Index int64  `json:"index,omitempty"`
}

type vectorKeyList struct {
	Name    string   `json:"name"`
	OK      bool     `json:"ok"`
	Root    string   `json:"root"`
	Entries []string `json:"entries"`
	Log     []string `json:"log,omitempty"` // in force, newest first
	Last    string   `json:"last,omitempty"`
}

type vectorAnswer struct {
	Name      string `json:"name"`
	OK        bool   `json:"ok"`
	Challenge string `json:"challenge"`
	Agreement string `json:"agreement"`
	Signed    string `json:"signed"`
}

const vectorFile = "testdata/vectors.json"

// TestVectors compares the file with what this implementation makes.
func TestVectors(t *testing.T) {
	b, err := json.MarshalIndent(makeVectors(t), "", " ")
	if err != nil {
		t.Fatal(err)
	}
	b = append(b, '\n')
	if *update {
		if err := os.MkdirAll(filepath.Dir(vectorFile), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(vectorFile, b, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	have, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(have, b) {
		t.Error("testdata/vectors.json is not what this implementation makes; if the protocol was meant to change: go test ./protocol -update")
	}
}

func makeVectors(t *testing.T) vectors {
	all := []newsroom{north(t), soren(t), avand(t)}
	v := vectors{About: []string{
		"Vectors of the Newspool exchange, version 1. Everything was made from the seeds of the newsrooms below.",
		"Each list holds what is accepted (ok) and what is refused; the name says what is wrong with it.",
		"Bytes stand in text where they are UTF-8, else in hex.",
	}}
	for _, n := range all {
		v.Newsrooms = append(v.Newsrooms, vectorNewsroom{
			n.domain, hex.EncodeToString(n.root.Seed()), hex.EncodeToString(n.log.Seed()), hex.EncodeToString(n.cosigner.Seed()),
			n.id.Root, FormatPublic(public(n.log)), FormatPublic(public(n.cosigner)), Fingerprint(n.id.Root), n.note,
		})
	}
	v.smallThings(t)
	v.trees(t)
	v.signed(t)
	v.frames(t)
	return v
}

// smallThings are JSON, keys, salted hashes and records.
func (v *vectors) smallThings(t *testing.T) {
	for _, c := range []struct {
		name, text string
		ok         bool
	}{
		{"object", `{"a":1,"b":[true,null,"ж"]}`, true}, {"2^53", `9007199254740992`, true}, {"minus zero", `-0`, true}, {"surrogate pair", `"\ud83d\udcf0"`, true},
		{"depth 16", nested(16), true}, {"names that differ in case", `{"a":1,"A":2}`, true}, {"white space before", " 1", true},
		{"depth 17", nested(17), false}, {"name twice", `{"a":1,"\u0061":2}`, false}, {"2^53+1", `9007199254740993`, false}, {"fraction", `1.0`, false}, {"exponent", `1e3`, false},
		{"lone surrogate", `"\ud800"`, false}, {"invalid UTF-8", "\"\xff\"", false}, {"U+0000", `"\u0000"`, false}, {"white space after", "1\n", false}, {"two values", "1 2", false},
		{"nothing", "", false}, {"byte order mark", "\ufeff1", false},
	} {
		v.JSON = append(v.JSON, textVector(c.name, c.ok, []byte(c.text)))
	}
	for _, n := range v.Newsrooms {
		v.Keys = append(v.Keys, vectorKey{n.Domain, true, n.Root})
	}
	for _, name := range sorted(weakKeys()) {
		v.Keys = append(v.Keys, vectorKey{name, false, weakKeys()[name]})
	}
	for i, c := range []string{"", "x", "{\"headline\":\"Снег закрыл перевал\"}", strings.Repeat("n", 1024), strings.Repeat("n", 1025)} {
		salt := testSalt(byte(i))
		v.Salted = append(v.Salted, vectorSalted{hex.EncodeToString(salt[:]), c, Refer(salt, []byte(c), "application/json", "en")})
	}
	good := mustBytes(t, sample([]byte("x")))
	add := func(name string, ok bool, b []byte) {
		leaf := LeafHash(b)
		v.Records = append(v.Records, vectorRecord{textVector(name, ok, b), leaf.String()})
	}
	add("sample", true, good)
	for _, c := range goodRecords() {
		if b := c.apply(t, good); len(b) < 4<<10 {
			add(c.name, true, b)
		}
	}
	for _, c := range malformedRecords() {
		if b := c.apply(t, good); len(b) < 4<<10 {
			add(c.name, false, b)
		}
	}
}

func sorted[V any](m map[string]V) []string {
	var names []string
	for name := range m {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// trees are roots, tile paths, an entry bundle.
func (v *vectors) trees(t *testing.T) {
	var e Edge
	sizes := []int64{0, 1, 2, 3, 7, 8, 255, 256, 257, 1000, 65536, 65537}
	for size := int64(0); size <= 65537; size++ {
		if slices.Contains(sizes, size) {
			edge := []string{}
			for _, h := range e.Hashes {
				edge = append(edge, h.String())
			}
			v.Roots = append(v.Roots, vectorRoot{size, edge, e.Root().String()})
		}
		e.Add(LeafHash(leafText(size)))
	}
	for _, x := range []Tile{{0, 0, 256}, {0, 7, 17}, {1, 1234067, 256}, {1, 1234, 1}, {EntriesLevel, 0, 255}, {EntriesLevel, 1000, 256}, {63, 999999999999999, 255}} {
		v.Tiles = append(v.Tiles, vectorTile{x.Path(), true, x.Level, x.Index, x.Width})
	}
	for _, p := range badTiles() {
		v.Tiles = append(v.Tiles, vectorTile{Path: p})
	}
	v.Bundle.Records = []string{"leaf 0", strings.Repeat("leaf", 65), ""}
	var b []byte
	for _, r := range v.Bundle.Records {
		b = AppendEntry(b, []byte(r))
	}
	v.Bundle.Hex = hex.EncodeToString(b)
}

// signed are all texts with signatures.
func (v *vectors) signed(t *testing.T) {
	n, s := north(t), soren(t)
	c := testCheckpoint()
	v.Checkpoint = vectorCheckpoint{c.Origin, c.Size, c.Root.String(), string(must(SignCheckpoint(c, n.log))), VerifierKey(c.Origin, public(n.log)), MirrorID(c.Origin)}
	v.Checkpoints = append(v.Checkpoints, vectorText{Name: "of five records", OK: true, Text: c.Text()})
	for _, name := range sorted(badCheckpoints()) {
		v.Checkpoints = append(v.Checkpoints, vectorText{Name: name, Text: badCheckpoints()[name]})
	}
	good := Cosign(CosignerName(s.domain), s.cosigner, c, testSeconds)
	v.Cosignature = vectorCosignature{c.Text(), good.Name, good.Time, FormatPublic(public(s.cosigner)), string(cosignedText(good.Time, c.Text())), good.Line(public(s.cosigner))}
	v.Cosignatures = append(v.Cosignatures, vectorText{Name: "as above", OK: true, Text: v.Cosignature.Line})
	bad := badCosignatures(s, good)
	for _, name := range sorted(bad) {
		v.Cosignatures = append(v.Cosignatures, vectorText{Name: name, Text: bad[name]})
	}
	v.keyLists(t)
	v.Identities = vectorTexts(map[string][]byte{"north": n.document, "soren": s.document, "avand": avand(t).document}, badIdentities(t))
	v.Challenges = vectorTexts(map[string][]byte{"with a TLS key": testChallenge(t, tlsKey), "without TLS": testChallenge(t)}, badChallenges(t))
	v.Hellos = vectorTexts(map[string][]byte{"whole": must(SignHello(testHello(n, s), n.domain, n.log))}, badHellos(t))
	a := must(SignAnswer(testChallenge(t, tlsKey), testAgreement, s.domain, s.log))
	v.Answers = append(v.Answers, vectorAnswer{"answer", true, a.Challenge, a.Agreement, a.Signed})
	answers := badAnswers(t)
	for _, name := range sorted(answers) {
		v.Answers = append(v.Answers, vectorAnswer{name, false, answers[name].Challenge, answers[name].Agreement, answers[name].Signed})
	}
	v.Proofs = append(v.Proofs, textVector("whole", true, must(json.Marshal(testProof(t)))))
	proofs := badProofs(t)
	for _, name := range []string{"another index", "another ledger", "changed content", "changed path", "changed record", "checkpoint by another", "cosigned with the log key", "path too long"} {
		p := testProof(t)
		proofs[name](&p)
		v.Proofs = append(v.Proofs, textVector(name, false, must(json.Marshal(p))))
	}
	for _, c := range []struct {
		name string
		ok   bool
		log  end
	}{
		{"log key retired since", true, end{ActRetire, testSeconds - 100}},
		{"log key stolen after a cosignature", true, end{ActStolen, testSeconds + 1}},
		{"log key stolen before any cosignature", false, end{ActStolen, testSeconds}},
	} {
		p := testProof(t)
		p.Identity = ended(t, n, c.log, end{}).note
		v.Proofs = append(v.Proofs, textVector(c.name, c.ok, must(json.Marshal(p))))
	}
	v.ProofContents = map[string][]string{"whole": {`{"headline":"Snow closes the pass"}`, "(none)", ""}}
}

func vectorTexts(good, bad map[string][]byte) []vectorText {
	var out []vectorText
	for _, name := range sorted(good) {
		out = append(out, textVector(name, true, good[name]))
	}
	for _, name := range sorted(bad) {
		if len(bad[name]) < 8<<10 {
			out = append(out, textVector(name, false, bad[name]))
		}
	}
	return out
}

func (v *vectors) keyLists(t *testing.T) {
	n := north(t)
	add := func(name string, raw []string) {
		k := must(ParseKeys(n.id.Root, raw))
		v.KeyLists = append(v.KeyLists, vectorKeyList{name, true, n.id.Root, raw, k.Current(RoleLog), k.Last()})
	}
	add("north", n.keys.Raw)
	third := testKey("third")
	e := KeyEntry{Root: n.id.Root, Number: 3, Previous: n.keys.Last(), Act: ActAdd, Role: RoleLog, Key: FormatPublic(public(third)), Time: testTime}
	longer := append(slices.Clone(n.keys.Raw), signEntry(t, e, n.root))
	add("with another log key", longer)
	e.Number, e.Previous, e.Act, e.Key = 4, must(ParseKeys(n.id.Root, longer)).Last(), ActRetire, FormatPublic(public(n.log))
	add("with the first one retired", append(slices.Clone(longer), signEntry(t, e, n.root)))
	lists := badKeyLists(t)
	for _, name := range sorted(lists) {
		if len(lists[name]) < 10 {
			v.KeyLists = append(v.KeyLists, vectorKeyList{Name: name, Root: n.id.Root, Entries: lists[name]})
		}
	}
}

func (v *vectors) frames(t *testing.T) {
	for _, c := range []struct {
		name string
		f    Frame
	}{{"records", testFrame(t)}, {"heartbeat", testHeartbeat(t)}} {
		j := toJSON(c.f)
		v.Frames = append(v.Frames, vectorFrame{c.name, true, hex.EncodeToString(AppendFrame(nil, c.f)), &j})
	}
	bad := badFrames(t)
	for _, name := range sorted(bad) {
		if len(bad[name]) < 2<<10 {
			v.Frames = append(v.Frames, vectorFrame{Name: name, Hex: hex.EncodeToString(bad[name])})
		}
	}
}

func toJSON(f Frame) jsonFrame {
	j := jsonFrame{From: f.From, Checkpoint: string(f.Checkpoint), Heartbeat: f.Heartbeat, Hints: []jsonHint{}, Records: []jsonEntry{}}
	for _, h := range f.Hints {
		j.Hints = append(j.Hints, jsonHint(h))
	}
	for _, e := range f.Records {
		x := jsonEntry{Record: string(e.Record), Contents: []jsonContent{}}
		for _, c := range e.Contents {
			y := jsonContent{State: int(c.State), Bytes: string(c.Bytes), Index: c.Index}
			if c.State == Present {
				y.Salt = hex.EncodeToString(c.Salt[:])
			}
			x.Contents = append(x.Contents, y)
		}
		j.Records = append(j.Records, x)
	}
	return j
}

// TestReadVectors reads the file as a second implementation would: whatever it says is accepted is accepted, and nothing else.
func TestReadVectors(t *testing.T) {
	b, err := os.ReadFile(vectorFile)
	if err != nil {
		t.Fatal(err)
	}
	var v vectors
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatal(err)
	}
	if len(v.Newsrooms) != 3 || len(v.Records) < 50 || len(v.Tiles) < 50 || len(v.KeyLists) < 20 || len(v.Proofs) < 5 {
		t.Fatalf("the file lacks something: %d newsrooms, %d records", len(v.Newsrooms), len(v.Records))
	}
	north, soren := v.Newsrooms[0], v.Newsrooms[1]
	check := func(list string, all []vectorText, parse func([]byte) error) {
		if len(all) < 2 {
			t.Errorf("%s: only %d", list, len(all))
		}
		for _, c := range all {
			if err := parse(c.bytes()); (err == nil) != c.OK {
				t.Errorf("%s, %s: %v", list, c.Name, err)
			}
		}
	}
	check("json", v.JSON, func(b []byte) error { return CheckJSON(b, 1<<20, true) })
	check("checkpoints", v.Checkpoints, func(b []byte) error { _, err := ParseCheckpoint(string(b)); return err })
	cosigner := must(ParsePublic(v.Cosignature.Key))
	check("cosignatures", v.Cosignatures, func(b []byte) error { _, err := ParseCosignature(string(b), cosigner); return err })
	check("identities", v.Identities, func(b []byte) error { _, _, err := ParseIdentity(b); return err })
	check("challenges", v.Challenges, func(b []byte) error {
		_, err := OpenChallenge(b, north.Domain, must(ParsePublic(north.Log)))
		return err
	})
	check("hellos", v.Hellos, func(b []byte) error { _, _, _, err := OpenHello(b); return err })
	check("proofs", v.Proofs, func(b []byte) error { _, err := VerifyProof(b); return err })
	for _, c := range v.Records {
		if _, err := ParseRecord(c.bytes()); (err == nil) != c.OK || LeafHash(c.bytes()).String() != c.Leaf {
			t.Errorf("record %s: %v", c.Name, err)
		}
	}
	for _, c := range v.Keys {
		if err := CheckKey(must(hex.DecodeString(c.Key))); (err == nil) != c.OK {
			t.Errorf("key %s: %v", c.Name, err)
		}
	}
	for _, c := range v.Salted {
		if !c.Ref.Fits(Salt(must(hex.DecodeString(c.Salt))), []byte(c.Content)) {
			t.Errorf("salted hash of %.20q", c.Content)
		}
	}
	for _, c := range v.Tiles {
		x, err := ParseTile(c.Path)
		if (err == nil) != c.OK || c.OK && x != (Tile{c.Level, c.Index, c.Width}) {
			t.Errorf("tile %s: %+v, %v", c.Path, x, err)
		}
	}
	for _, c := range v.KeyLists {
		k, err := ParseKeys(c.Root, c.Entries)
		if (err == nil) != c.OK || c.OK && (!slices.Equal(k.Current(RoleLog), c.Log) || k.Last() != c.Last) {
			t.Errorf("key list, %s: %v", c.Name, err)
		}
	}
	for _, c := range v.Answers {
		err := Answer{c.Challenge, c.Agreement, c.Signed}.Verify(soren.Domain, must(ParsePublic(soren.Log)))
		if (err == nil) != c.OK {
			t.Errorf("answer, %s: %v", c.Name, err)
		}
	}
	for _, c := range v.Frames {
		f, err := readFrame(must(hex.DecodeString(c.Hex)))
		if (err == nil) != c.OK {
			t.Errorf("frame, %s: %v", c.Name, err)
		}
		if c.OK && !bytes.Equal(must(json.Marshal(toJSON(f))), must(json.Marshal(c.Frame))) {
			t.Errorf("frame, %s: %+v", c.Name, f)
		}
	}
	readRoots(t, v.Roots)
	cp, err := OpenCheckpoint([]byte(v.Checkpoint.Note), v.Checkpoint.Origin, must(ParsePublic(north.Log)))
	if err != nil || cp.Size != v.Checkpoint.Size || cp.Root.String() != v.Checkpoint.Root || MirrorID(cp.Origin) != v.Checkpoint.Mirror {
		t.Errorf("checkpoint %+v, %v", cp, err)
	}
	s, err := ParseCosignature(v.Cosignature.Line, cosigner)
	if text, _ := ParseCheckpoint(v.Cosignature.Checkpoint); err != nil || !s.Verify(cosigner, text) || s.Time != v.Cosignature.Seconds {
		t.Errorf("cosignature %+v, %v", s, err)
	}
	for _, n := range v.Newsrooms {
		if Fingerprint(n.Root) != n.Fingerprint {
			t.Errorf("fingerprint of %s", n.Domain)
		}
	}
}

// readRoots compares roots with the hashes of package tlog, and edges with their roots.
func readRoots(t *testing.T, roots []vectorRoot) {
	ref := &reference{}
	next := int64(0)
	for _, c := range roots {
		for ; next < c.Size; next++ {
			ref.add(t, next, leafText(next))
		}
		root, err := tlog.TreeHash(c.Size, ref)
		if err != nil || root.String() != c.Root {
			t.Errorf("root of %d: %v, %v", c.Size, root, err)
		}
		var packed []byte
		for _, h := range c.Edge {
			packed = append(packed, must(base64.StdEncoding.DecodeString(h))...)
		}
		if e, err := UnpackEdge(c.Size, packed); err != nil || e.Root().String() != c.Root {
			t.Errorf("edge of %d: %v", c.Size, err)
		}
	}
}
