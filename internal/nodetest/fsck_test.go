package nodetest

import (
	"context"
	"encoding/binary"
	"errors"
	"net/url"
	"testing"
	"time"

	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"newspool/internal/exchange"
	"newspool/internal/ledger"
	"newspool/internal/news"
	"newspool/internal/store"
	"newspool/protocol"
)

// audit has a tool that others wrote read a ledger of a running node whole, with a token that a partner got from it, and compute every
// hash again.
func audit(t *testing.T, f *fake, token string) error {
	t.Helper()
	mine := own(t, f.to, f.agreement)
	keys, err := f.to.Exchange.MyKeys()
	if err != nil {
		t.Fatal(err)
	}
	verifier, err := note.NewVerifier(protocol.VerifierKey(mine.Origin, keys.Public(protocol.RoleLog)[0]))
	if err != nil {
		t.Fatal(err)
	}
	root, err := url.Parse(f.to.Base() + "/exchange/v1/ledgers/" + string(mine.ID) + "/")
	if err != nil {
		t.Fatal(err)
	}
	from, err := client.NewHTTPFetcher(root, insecure())
	if err != nil {
		t.Fatal(err)
	}
	from.SetAuthorizationHeader("Bearer " + token)
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	return fsck.New(mine.Origin, verifier, from, leaves, fsck.Opts{N: 4}).Check(ctx)
}

// leaves gives the leaf hashes of an entry bundle.
func leaves(bundle []byte) (out [][]byte, err error) {
	for len(bundle) > 0 {
		if len(bundle) < 2 || len(bundle)-2 < int(binary.BigEndian.Uint16(bundle)) {
			return nil, errors.New("the bundle breaks off")
		}
		n := int(binary.BigEndian.Uint16(bundle))
		h := protocol.LeafHash(bundle[2 : 2+n])
		out, bundle = append(out, h[:]), bundle[2+n:]
	}
	return out, nil
}

// flip changes one byte in the database of a house; the same call changes it back.
func flip(t *testing.T, h *House, table, column, where string, args ...any) {
	t.Helper()
	write(t, h, func(tx *store.Tx) error {
		var b []byte
		if err := tx.QueryRow("SELECT "+column+" FROM "+table+" WHERE "+where, args...).Scan(&b); err != nil {
			return err
		}
		b[len(b)/2] ^= 1
		return tx.ExecOne("UPDATE "+table+" SET "+column+" = $"+string(rune('1'+len(args)))+" WHERE "+where, append(args, b)...)
	})
}

// A ledger of a running node is what the standard says; one byte that changed in a record or a hash is found, and nothing is signed
// for it.
func TestOutsideAudit(t *testing.T) {
	b := Start(t, Soren())
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	pour(t, b, 0, 700)
	said(t, b)
	token := f.token()
	if err := audit(t, f, token); err != nil {
		t.Fatalf("a good ledger: %v", err)
	}
	id := string(own(t, b, f.agreement).ID)
	for _, c := range []struct{ what, table, column, where string }{
		{"a record", "ledger_entry", "record", "ledger = $1 AND seq = 300"},
		{"the hash of a record", "ledger_entry", "leaf", "ledger = $1 AND seq = 301"},
		{"a tile", "ledger_tile", "hash", "ledger = $1 AND lvl = 1 AND idx = 1"},
	} {
		flip(t, b, c.table, c.column, c.where, id)
		if err := audit(t, f, token); err == nil {
			t.Errorf("%s: nothing was found", c.what)
		}
		flip(t, b, c.table, c.column, c.where, id)
	}
	if err := audit(t, f, token); err != nil {
		t.Errorf("everything changed back: %v", err)
	}
}

// A byte that changed in a text is found by the partner that it comes to, which says so; one in a record is found before it leaves, so
// that the newsroom is not taken for a liar.
func TestDamagedDatabase(t *testing.T) {
	w := newLine(t)
	x := North()
	x.LogLevel = silent
	a, b := over(t, w, x, Soren())
	ctx := context.Background()
	w.close()
	items := pour(t, a, 0, 40)
	said(t, a)
	mine := own(t, a, "")
	seq := func(item news.ItemID) int64 { return deliveries(t, a, item)[0].Seq }
	broken := seq(items[20])
	flip(t, a, "content", "bytes", "id = (SELECT content FROM ledger_content WHERE ledger = $1 AND seq = $2)", string(mine.ID), seq(items[7]))
	flip(t, a, "ledger_entry", "record", "ledger = $1 AND seq = $2", string(mine.ID), broken)
	if file, _, err := a.Proofs().File(ctx, mine.ID, seq(items[7])); err == nil {
		if _, err := protocol.VerifyProof(file); err == nil {
			t.Error("the proof of a changed text holds")
		}
	}
	a.Stop()
	w.open(-1)
	a.open(a.spec) // what was in memory is gone: everything is read from the database
	a.run()
	w.lead(a)
	Wait(t, "the partner cannot get it", func() bool {
		l := between(b, a)
		return l.State == exchange.LinkLate || l.State == exchange.LinkCatchingUp
	})
	if i := followed(t, b, a); i.State != ledger.Open {
		t.Errorf("the ledger is %s: a broken disk was taken for a lie", i.State)
	}
	flip(t, a, "ledger_entry", "record", "ledger = $1 AND seq = $2", string(mine.ID), broken)
	it := waitState(t, b, items[7], news.Closed)
	if it.Why.Key != "exchange.content_missing" {
		t.Errorf("closed because of %+v", it.Why)
	}
	waitState(t, b, items[20], news.Usable)
	Wait(t, "the origin was told", func() bool {
		ds := deliveries(t, a, items[7])
		return len(ds) == 1 && ds[0].State == exchange.Reported && ds[0].Key == "exchange.partner_missing"
	})
	sameLedgers(t, a, b)
}
