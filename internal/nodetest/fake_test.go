package nodetest

import (
	"bufio"
	"cmp"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"newspool/internal/agreement"
	"newspool/internal/exchange"
	"newspool/internal/formats/ninjs"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/protocol"
)

// fake is a newsroom that holds valid keys and speaks the protocol by hand: well, or as badly as a test wants.
type fake struct {
	t      testing.TB
	domain string
	log    ed25519.PrivateKey
	cosign ed25519.PrivateKey
	id     protocol.Identity
	doc    []byte
	note   string
	server *httptest.Server
	tls    string
	to     *House

	agreement terms.AgreementID
	ledger    string
	origin    string

	mu       sync.Mutex
	entries  []protocol.Entry
	grown    chan struct{}
	stream   func(w io.Writer, from int64) // in place of a good stream; nil: good
	streams  int                           // how often one was asked for
	clock    time.Duration                 // of its heartbeats
	receipts []string
	hints    []protocol.Hint

	mirror, door   atomic.Int64 // how it answers when it is asked for its copy, and for a challenge; 0: well
	mirrors, doors atomic.Int64 // how often it was asked

	kept   atomic.Pointer[string] // what it answers when it is asked which ledgers it holds; nil: it does not know the question
	forged atomic.Pointer[string] // the origin of a ledger of which it shows a checkpoint that it signed itself
}

func newKey(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func public(key ed25519.PrivateKey) ed25519.PublicKey { return key.Public().(ed25519.PublicKey) }

// newFake makes a newsroom that to has pinned, and that has pinned to.
func newFake(t testing.TB, domain string, to *House) *fake {
	t.Helper()
	f := &fake{t: t, domain: domain, log: newKey(t), cosign: newKey(t), to: to, agreement: terms.AgreementID(protocol.NewID()), ledger: protocol.NewID(), grown: make(chan struct{})}
	f.origin = protocol.Origin(domain, f.ledger)
	mux := http.NewServeMux()
	mux.HandleFunc("GET "+protocol.IdentityPath, func(w http.ResponseWriter, r *http.Request) { w.Write(f.doc) })
	mux.HandleFunc("POST /exchange/v1/hello", func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(http.StatusAccepted) })
	mux.HandleFunc("GET /exchange/v1/access", func(w http.ResponseWriter, r *http.Request) {
		f.doors.Add(1)
		if code := f.door.Load(); code != 0 {
			w.WriteHeader(int(code))
			return
		}
		b, err := protocol.NewChallenge(domain, f.id.Root, r.URL.Query().Get("caller"), time.Now().Unix(), []string{f.tls}, f.log)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Write(b)
	})
	mux.HandleFunc("POST /exchange/v1/access", func(w http.ResponseWriter, r *http.Request) {
		json.NewEncoder(w).Encode(map[string]any{"token": "good", "seconds": 300})
	})
	mux.HandleFunc("GET /exchange/v1/ledgers/{id}/stream", f.serve)
	mux.HandleFunc("GET /exchange/v1/mirrors/{id}/checkpoint", func(w http.ResponseWriter, r *http.Request) {
		f.mirrors.Add(1)
		if forged := f.forged.Load(); forged != nil && r.PathValue("id") == protocol.MirrorID(*forged) {
			b, err := protocol.SignCheckpoint(protocol.Checkpoint{Origin: *forged, Size: 9}, f.log)
			if err != nil {
				http.Error(w, err.Error(), http.StatusInternalServerError)
			}
			w.Write(b)
			return
		}
		w.WriteHeader(cmp.Or(int(f.mirror.Load()), http.StatusNoContent))
	})
	mux.HandleFunc("GET /exchange/v1/mirrors", func(w http.ResponseWriter, r *http.Request) {
		if kept := f.kept.Load(); kept != nil {
			io.WriteString(w, *kept)
			return
		}
		http.NotFound(w, r)
	})
	mux.HandleFunc("POST /exchange/v1/ledgers/{id}/cosignatures", func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		f.mu.Lock()
		f.receipts = append(f.receipts, string(b))
		f.mu.Unlock()
		w.WriteHeader(http.StatusNoContent)
	})
	f.server = httptest.NewTLSServer(mux)
	t.Cleanup(func() {
		f.misbehave(func(io.Writer, int64) {})
		f.server.CloseClientConnections()
		f.server.Close()
	})
	h := sha256.Sum256(f.server.Certificate().RawSubjectPublicKeyInfo)
	f.tls = hex.EncodeToString(h[:])
	f.identify(f.server.URL)
	if _, err := to.Exchange.Pin(context.Background(), f.doc, false); err != nil {
		t.Fatal(err)
	}
	return f
}

// stranger is a newsroom that nobody knows, and that can only say hello.
func stranger(t testing.TB, domain string, to *House) *fake {
	t.Helper()
	f := &fake{t: t, domain: domain, log: newKey(t), cosign: newKey(t), to: to, agreement: terms.AgreementID(protocol.NewID()), ledger: protocol.NewID()}
	f.origin = protocol.Origin(domain, f.ledger)
	f.identify("https://" + domain)
	return f
}

// identify makes the identity.
func (f *fake) identify(base string) {
	f.t.Helper()
	root := newKey(f.t)
	f.id = protocol.Identity{
		Number: 1, Root: protocol.FormatRoot(public(root)), Domain: f.domain, Base: base, Names: map[string]string{"en": f.domain}, Kind: "agency", Languages: []string{"en"},
	}
	var keys protocol.Keys
	for role, key := range map[string]ed25519.PrivateKey{protocol.RoleLog: f.log, protocol.RoleCosigner: f.cosign} {
		e, err := protocol.SignKeyEntry(protocol.KeyEntry{
			Root: f.id.Root, Number: len(keys.Raw) + 1, Previous: keys.Last(), Act: protocol.ActAdd, Role: role, Key: protocol.FormatPublic(public(key)), Time: time.Now().UnixMicro(),
		}, root)
		if err != nil {
			f.t.Fatal(err)
		}
		keys.Raw = append(keys.Raw, e)
	}
	f.id.Keys = keys.Raw
	doc, err := protocol.SignIdentity(f.id, f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	var note struct{ Note string }
	if err := json.Unmarshal(doc, &note); err != nil {
		f.t.Fatal(err)
	}
	f.doc, f.note = doc, note.Note
}

// root names the newsroom.
func (f *fake) root() news.Root { return news.Root(f.id.Root) }

// greeting is a hello that announces the ledger.
func (f *fake) greeting() []byte { return f.greetingOf(f.ledger, f.origin) }

// greetingOf announces another ledger.
func (f *fake) greetingOf(ledger, origin string) []byte {
	f.t.Helper()
	b, err := protocol.SignHello(protocol.Hello{
		Identity: f.note, To: string(f.to.Exchange.Root()), Agreement: string(f.agreement), Ledger: ledger, Origin: origin, Words: "Good day.", Time: time.Now().UnixMicro(),
	}, f.domain, f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	return b
}

// hello announces the ledger.
func (f *fake) hello() {
	f.t.Helper()
	if err := f.to.Exchange.TakeHello(context.Background(), f.greeting()); err != nil {
		f.t.Fatal(err)
	}
}

// append puts an entry into the ledger, and gives its index.
func (f *fake) append(e protocol.Entry) int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entries = append(f.entries, e)
	close(f.grown)
	f.grown = make(chan struct{})
	return int64(len(f.entries)) - 1
}

// record makes a record of the ledger. Contents are told apart by their media types.
func (f *fake) record(kind, about string, body any, contents ...[]byte) (protocol.Record, protocol.Entry) {
	f.t.Helper()
	b, err := json.Marshal(body)
	if err != nil {
		f.t.Fatal(err)
	}
	rec := protocol.Record{Type: kind, ID: uuid(f.t), Ledger: f.ledger, Time: time.Now().UnixMicro(), About: about, Body: b}
	var e protocol.Entry
	for _, c := range contents {
		salt := protocol.NewSalt()
		rec.Contents = append(rec.Contents, protocol.Refer(salt, c, "application/json", "en"))
		e.Contents = append(e.Contents, protocol.Content{State: protocol.Present, Salt: salt, Bytes: c})
	}
	return rec, e
}

func uuid(t testing.TB) string {
	t.Helper()
	var b [16]byte
	rand.Read(b[:])
	b[6], b[8] = b[6]&0x0f|0x70, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// say puts a good record into the ledger.
func (f *fake) say(kind, about string, body any, contents ...[]byte) int64 {
	f.t.Helper()
	rec, e := f.record(kind, about, body, contents...)
	return f.put(rec, e)
}

func (f *fake) put(rec protocol.Record, e protocol.Entry) int64 {
	f.t.Helper()
	b, err := rec.Bytes()
	if err != nil {
		f.t.Fatal(err)
	}
	e.Record = b
	return f.append(e)
}

// item names a new item of the newsroom.
func (f *fake) item() string { return "newspool://" + f.domain + "/item/" + uuid(f.t) }

// story makes the content of a story.
func (f *fake) story(s news.Story) []byte {
	return ninjs.Write(s, ninjs.Meta{URI: "newspool://" + f.domain, Version: "1", Class: news.First, Released: time.Now(), Provider: f.domain})
}

// release says a story as a new item.
func (f *fake) release(n int) (item news.ItemID, seq int64) {
	f.t.Helper()
	id := f.item()
	return news.ItemID(id), f.say(exchange.TypeRelease, id, exchange.ItemBody{Class: news.First, Version: 1}, f.story(Story(n).Story))
}

// agree makes an agreement with the other side in force.
func (f *fake) agree(change func(*terms.Revision)) {
	f.t.Helper()
	rev := termsOf(f.id, f.to.Exchange.Self())
	rev.Agreement, rev.Author = f.agreement, f.root()
	if change != nil {
		change(&rev)
	}
	rev.TextHashes = terms.HashTexts(rev, func(l news.Lang) terms.Printer { return f.to.Bundle.Printer(string(l), rev.Location()) })
	b := rev.Bytes()
	hash := terms.Hash(b)
	contents := [][]byte{b}
	for _, l := range rev.Languages {
		contents = append(contents, []byte(f.to.Agreements.Text(rev, l)))
	}
	f.say(agreement.TypePropose, "", agreement.Body{Revision: hash}, contents...)
	signed := f.say(agreement.TypeSign, "", agreement.Body{Revision: hash}, []byte(`{"name":"A. Chief","office":"Editor"}`))
	f.hello()
	Wait(f.t, "the proposal is at "+f.to.Domain, func() bool { return f.to.Agreements.Holds(hash) })
	sign(f.t, f.to, hash)
	r, _ := f.to.Agreements.Revision(hash)
	x, _ := r.Answer(string(f.to.Exchange.Root()))
	f.say(agreement.TypeClose, "", map[string]any{"revision": hash, "signatures": []map[string]any{
		{"party": f.id.Root, "ledger": f.ledger, "seq": signed},
		{"party": x.Party, "ledger": x.Ledger, "seq": x.Seq},
	}})
	f.say(agreement.TypeAdopt, "", agreement.Body{Revision: hash})
	adopted(f.t, hash, f.to)
}

// edge computes the edge of the first n entries.
func (f *fake) edge(n int) protocol.Edge {
	var e protocol.Edge
	for _, x := range f.entries[:n] {
		e.Add(protocol.LeafHash(x.Record))
	}
	return e
}

// checkpoint signs the first n entries.
func (f *fake) checkpoint(n int) (protocol.Checkpoint, []byte) {
	e := f.edge(n)
	return f.signed(protocol.Checkpoint{Origin: f.origin, Size: int64(n), Root: e.Root()})
}

func (f *fake) signed(cp protocol.Checkpoint) (protocol.Checkpoint, []byte) {
	b, err := protocol.SignCheckpoint(cp, f.log)
	if err != nil {
		f.t.Error(err)
	}
	return cp, b
}

// beat makes a heartbeat over a checkpoint.
func (f *fake) beat(cp protocol.Checkpoint, signed []byte) protocol.Frame {
	line := protocol.Cosign(protocol.CosignerName(f.domain), f.cosign, cp, time.Now().Add(f.clock).Unix()).Line(public(f.cosign))
	return protocol.Frame{Checkpoint: signed, Heartbeat: line, Hints: f.hints}
}

// heartbeat and frame make the frames of a good stream.
func (f *fake) heartbeat() protocol.Frame { return f.beat(f.checkpoint(len(f.entries))) }

func (f *fake) frame(from int64) protocol.Frame {
	to := min(len(f.entries), int(from)+protocol.FrameRecords)
	_, signed := f.checkpoint(to)
	return protocol.Frame{From: from, Records: f.entries[from:to], Checkpoint: signed, Hints: f.hints}
}

func (f *fake) serve(w http.ResponseWriter, r *http.Request) {
	from, err := strconv.ParseInt(r.URL.Query().Get("from"), 10, 64)
	if err != nil || r.Header.Get("Authorization") != "Bearer good" || r.PathValue("id") != f.ledger {
		http.Error(w, "no", http.StatusUnauthorized)
		return
	}
	f.mu.Lock()
	f.streams++
	bad := f.stream
	f.mu.Unlock()
	if bad != nil {
		bad(flushing{w}, from)
		return
	}
	out := flushing{w}
	for r.Context().Err() == nil {
		f.mu.Lock()
		if f.stream != nil {
			f.mu.Unlock()
			return
		}
		next, grown := protocol.AppendFrame(nil, f.heartbeat()), f.grown
		if from < int64(len(f.entries)) {
			x := f.frame(from)
			from += int64(len(x.Records))
			next = protocol.AppendFrame(next, x)
			grown = nil
		}
		f.mu.Unlock()
		if _, err := out.Write(next); err != nil {
			return
		}
		if grown == nil {
			continue
		}
		select {
		case <-r.Context().Done():
		case <-grown:
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// misbehave has the next streams be other than good ones; nil makes them good again.
func (f *fake) misbehave(stream func(w io.Writer, from int64)) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stream = stream
	close(f.grown)
	f.grown = make(chan struct{})
}

// answer sets how the next questions for its copy, and for a challenge, are answered.
func (f *fake) answer(mirror, door int) {
	f.mirror.Store(int64(mirror))
	f.door.Store(int64(door))
	f.mirrors.Store(0)
	f.doors.Store(0)
}

// flushing sends at once what is written.
type flushing struct{ http.ResponseWriter }

func (w flushing) Write(b []byte) (int, error) {
	n, err := w.ResponseWriter.Write(b)
	if err == nil {
		err = http.NewResponseController(w.ResponseWriter).Flush()
	}
	return n, err
}

// copy is the other side's copy of the ledger.
func (f *fake) copy() ledger.Info {
	f.t.Helper()
	i, err := f.to.Ledgers.Info(context.Background(), ledger.ID(f.ledger))
	if err != nil {
		f.t.Fatal(err)
	}
	return i
}

// folded waits until the other side has folded all of the ledger.
func (f *fake) folded() {
	f.t.Helper()
	Wait(f.t, f.to.Domain+" has folded the ledger of "+f.domain, func() bool {
		f.mu.Lock()
		defer f.mu.Unlock()
		i := f.copy()
		return i.Size == int64(len(f.entries)) && i.Applied == i.Size && i.Visible == i.Size
	})
}

// asked is how often a stream was asked for.
func (f *fake) asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.streams
}

// link is how the other side stands with the newsroom.
func (f *fake) link() exchange.Link {
	for _, l := range f.to.Exchange.Links() {
		if l.Partner == f.root() {
			return l
		}
	}
	return exchange.Link{}
}

// trouble is what the other side has to say about a record.
func (f *fake) trouble(seq int64) string {
	f.t.Helper()
	var kinds []string
	for kind := range troubles(f.t, f.to, ledger.ID(f.ledger), seq) {
		kinds = append(kinds, kind)
	}
	return strings.Join(kinds, " ")
}

// token gets a token of the other side for the agreement, as its node would.
func (f *fake) token() string {
	f.t.Helper()
	base := f.to.Base() + "/exchange/v1/access"
	client := insecure()
	r, err := client.Get(base + "?caller=" + f.id.Root)
	if err != nil {
		f.t.Fatal(err)
	}
	challenge, err := io.ReadAll(r.Body)
	r.Body.Close()
	if err != nil {
		f.t.Fatal(err)
	}
	answer, err := protocol.SignAnswer(challenge, string(f.agreement), f.domain, f.log)
	if err != nil {
		f.t.Fatal(err)
	}
	b, err := json.Marshal(answer)
	if err != nil {
		f.t.Fatal(err)
	}
	r, err = client.Post(base, "application/json", strings.NewReader(string(b)))
	if err != nil {
		f.t.Fatal(err)
	}
	defer r.Body.Close()
	var got struct{ Token string }
	if err := json.NewDecoder(bufio.NewReader(r.Body)).Decode(&got); err != nil || got.Token == "" {
		f.t.Fatalf("no token: %s (%v)", r.Status, err)
	}
	return got.Token
}
