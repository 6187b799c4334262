package verify

import (
	"context"
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"strings"
	"testing"
	"time"

	"newspool/internal/content"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

const (
	idA       = ledger.ID("000000000000000000000000000000aa")
	idB       = ledger.ID("000000000000000000000000000000bb")
	agreement = "a0a1a2a3a4a5a6a7a8a9aaabacadaeaf"
)

var noon = time.Date(2026, 12, 1, 12, 0, 0, 0, time.UTC)

func tables() []store.Migration {
	return []store.Migration{content.Migrations(), ledger.Migrations()}
}

// newsroom is a party with its keys.
type newsroom struct {
	domain              string
	root, log, cosigner ed25519.PrivateKey
	keys                protocol.Keys
}

func newNewsroom(t testing.TB, domain string) newsroom {
	key := func(what string) ed25519.PrivateKey {
		seed := sha256.Sum256([]byte("verify test: " + domain + what))
		return ed25519.NewKeyFromSeed(seed[:])
	}
	n := newsroom{domain: domain, root: key("root"), log: key("log"), cosigner: key("cosigner")}
	n.add(t, protocol.ActAdd, protocol.RoleLog, n.log)
	n.add(t, protocol.ActAdd, protocol.RoleCosigner, n.cosigner)
	return n
}

// add puts another entry into the key list.
func (n *newsroom) add(t testing.TB, act, role string, key ed25519.PrivateKey) {
	t.Helper()
	root := protocol.FormatRoot(public(n.root))
	e, err := protocol.SignKeyEntry(protocol.KeyEntry{
		Root: root, Number: len(n.keys.Raw) + 1, Previous: n.keys.Last(), Act: act, Role: role, Key: protocol.FormatPublic(public(key)), Time: noon.UnixMicro(),
	}, n.root)
	if err != nil {
		t.Fatal(err)
	}
	n.keys, err = protocol.ParseKeys(root, append(n.keys.Raw, e))
	if err != nil {
		t.Fatal(err)
	}
}

func public(k ed25519.PrivateKey) ed25519.PublicKey { return k.Public().(ed25519.PublicKey) }

func (n newsroom) id() news.Root { return news.Root(n.keys.Root) }

// house is a newsroom with a database.
type house struct {
	t  testing.TB
	db *store.DB
	s  *ledger.Service
	newsroom
}

func newHouse(t testing.TB, db *store.DB, domain string) *house {
	h := &house{t: t, db: db, newsroom: newNewsroom(t, domain)}
	at := noon
	clk := func() time.Time { at = at.Add(time.Second); return at }
	h.s = ledger.New(db, clk, func() ed25519.PrivateKey { return h.log })
	return h
}

func (h *house) write(fn func(tx *store.Tx) error) {
	h.t.Helper()
	if err := h.db.Write(context.Background(), fn); err != nil {
		h.t.Fatal(err)
	}
}

func (h *house) origin(id ledger.ID) string { return protocol.Origin(h.domain, string(id)) }

// create opens a ledger that this newsroom speaks in.
func (h *house) create(id ledger.ID) {
	h.t.Helper()
	h.write(func(tx *store.Tx) error {
		return h.s.Create(tx, ledger.Info{ID: id, Agreement: agreement, Owner: h.id(), Own: true, Origin: h.origin(id)})
	})
}

// say appends a record about an item, with contents.
func (h *house) say(tx *store.Tx, id ledger.ID, kind, about string, contents ...string) (ledger.Position, error) {
	d := ledger.Draft{Type: kind, About: about, Withdraw: kind == typeWithdraw, Body: map[string]int{"version": 1}}
	for _, c := range contents {
		cid, err := content.Put(tx, "application/json", "fa", []byte(c))
		if err != nil {
			return ledger.Position{}, err
		}
		d.Contents = append(d.Contents, ledger.Content{ID: cid, Bytes: []byte(c), Type: "application/json", Lang: "fa"})
	}
	return h.s.Append(tx, id, d)
}

// speak fills a ledger: an agreement, items with contents, a withdrawal that closes two of them.
func (h *house) speak(id ledger.ID, n int) {
	h.t.Helper()
	h.create(id)
	h.write(func(tx *store.Tx) error {
		if _, err := h.say(tx, id, "agreement.propose", "newspool:agreement/"+agreement, `{"terms":1}`, "The terms."); err != nil {
			return err
		}
		item := func(i int) string { return fmt.Sprintf("newspool://%s/item/%d", h.domain, i) }
		for i := 1; i < n-1; i++ {
			var contents []string
			if i%10 == 5 {
				contents = []string{fmt.Sprintf(`{"headline":"برف %d"}`, i)}
			}
			if _, err := h.say(tx, id, "item.release", item(i), contents...); err != nil {
				return err
			}
		}
		w, err := h.say(tx, id, typeWithdraw, item(15), `{"reason":"x"}`)
		if err != nil {
			return err
		}
		return h.s.CloseContents(tx, id, []int64{15}, w.Seq)
	})
}

// follow takes a ledger of another newsroom over; change may change frames on the way.
func (h *house) follow(from *house, id ledger.ID, change func(*protocol.Frame)) {
	h.t.Helper()
	ctx := context.Background()
	h.write(func(tx *store.Tx) error {
		return h.s.Create(tx, ledger.Info{ID: id, Agreement: agreement, Owner: from.id(), Origin: from.origin(id)})
	})
	c, err := from.s.Cursor(ctx, id, 0)
	if err != nil {
		h.t.Fatal(err)
	}
	var edge protocol.Edge
	for {
		f, ok, _, err := c.Next(ctx)
		if err != nil {
			h.t.Fatal(err)
		}
		if !ok {
			break
		}
		if change != nil {
			change(&f)
		}
		b := ledger.Batch{From: f.From, Records: f.Records, Checkpoint: f.Checkpoint}
		for _, e := range f.Records {
			b.Tiles = append(b.Tiles, edge.Add(protocol.LeafHash(e.Record))...)
			rec, err := protocol.ParseRecord(e.Record)
			if err != nil || rec.Ledger != string(id) {
				rec = protocol.Record{}
			}
			b.Parsed = append(b.Parsed, rec)
		}
		b.Edge = edge.Clone()
		h.write(func(tx *store.Tx) error {
			if _, err := h.s.Take(tx, id, b); err != nil {
				return err
			}
			if err := ledger.Applied(tx, id, edge.Size); err != nil {
				return err
			}
			return ledger.Visible(tx, id, edge.Size)
		})
	}
}

// receipt has another newsroom confirm a size of one of our ledgers.
func (h *house) receipt(id ledger.ID, by newsroom, size int64) {
	h.t.Helper()
	cp, _, err := h.s.CheckpointAt(context.Background(), id, size)
	if err != nil {
		h.t.Fatal(err)
	}
	c := protocol.Cosign(protocol.CosignerName(by.domain), by.cosigner, cp, noon.Unix()+size)
	h.write(func(tx *store.Tx) error {
		return h.s.Receipt(tx, id, string(by.id()), size, c.Time, c.Line(public(by.cosigner)))
	})
}

// known makes a KeysOf of newsrooms.
func known(all ...newsroom) KeysOf {
	return func(root news.Root) (protocol.Keys, bool) {
		for _, n := range all {
			if n.id() == root {
				return n.keys, true
			}
		}
		return protocol.Keys{}, false
	}
}

// scene is north's database, with a ledger of its own and one of avand's that it follows.
func scene(t testing.TB, db *store.DB) (*house, KeysOf) {
	north, avand := newHouse(t, db, "north.example"), newHouse(t, storetest.Open(t, tables()...), "avand.example")
	soren := newNewsroom(t, "soren.example")
	north.speak(idA, 300)
	for _, size := range []int64{1, 100, 256, 300} {
		north.receipt(idA, soren, size)
	}
	north.receipt(idA, avand.newsroom, 100)
	avand.speak(idB, 270)
	north.follow(avand, idB, func(f *protocol.Frame) {
		if f.From == 0 {
			f.Records[25].Contents[0] = protocol.Content{State: protocol.Withheld}
			f.Records[35].Contents[0].Bytes = []byte("something else")
		}
	})
	return north, known(north.newsroom, avand.newsroom, soren)
}

func database(t testing.TB, db *store.DB, keys KeysOf) (ok bool, keysSaid string) {
	t.Helper()
	reports, err := Database(context.Background(), db, keys, nil)
	if err != nil {
		t.Fatal(err)
	}
	ok = true
	var said []string
	for _, r := range reports {
		ok = ok && r.OK
		for _, l := range r.Lines {
			said = append(said, l.Key)
		}
	}
	return ok, strings.Join(said, " ")
}
