package ledger

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	"github.com/transparency-dev/tessera/client"
	"github.com/transparency-dev/tessera/fsck"
	"golang.org/x/mod/sumdb/note"

	"newspool/internal/store"
	"newspool/internal/store/storetest"
	"newspool/protocol"
)

// serve serves a ledger as tlog-tiles to who bears the token.
func (h *house) serve(id ID, token string) *httptest.Server {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer "+token {
			http.Error(w, "no access", http.StatusUnauthorized)
			return
		}
		var b []byte
		var err error
		if path := r.URL.Path[1:]; path == "checkpoint" {
			_, b, err = h.s.Checkpoint(r.Context(), id)
		} else {
			var x protocol.Tile
			if x, err = protocol.ParseTile(path); err == nil {
				b, err = h.s.Tile(r.Context(), id, x)
			}
		}
		switch {
		case errors.Is(err, ErrBeyond) || errors.Is(err, protocol.ErrMalformed):
			http.NotFound(w, r)
		case err != nil:
			http.Error(w, err.Error(), http.StatusServiceUnavailable)
		default:
			w.Write(b)
		}
	}))
	h.t.Cleanup(srv.Close)
	return srv
}

var errHangs = errors.New("no end within the time")

// judge runs the unmodified fsck of transparency-dev/tessera on the served ledger. It waits for the time and no longer: where a
// resource is wrong, its workers may end while it still hands out work.
func judge(srv *httptest.Server, token, origin string, v note.Verifier, limit time.Duration) error {
	u, err := url.Parse(srv.URL + "/")
	if err != nil {
		return err
	}
	f, err := client.NewHTTPFetcher(u, srv.Client())
	if err != nil {
		return err
	}
	f.SetAuthorizationHeader("Bearer " + token)
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	done := make(chan error, 1)
	go func() { done <- fsck.New(origin, v, f, bundleHashes, fsck.Opts{N: 4}).Check(ctx) }()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		return errHangs
	}
}

// bundleHashes cuts an entry bundle of tlog-tiles into records and hashes them.
func bundleHashes(b []byte) (out [][]byte, err error) {
	for len(b) > 0 {
		if len(b) < 2 || len(b) < 2+int(binary.BigEndian.Uint16(b)) {
			return nil, errors.New("the bundle breaks off")
		}
		n := 2 + int(binary.BigEndian.Uint16(b))
		leaf := protocol.LeafHash(b[2:n])
		out, b = append(out, leaf[:]), b[n:]
	}
	return out, nil
}

// TestFsck has the outside judge pass sound ledgers of many sizes.
func TestFsck(t *testing.T) {
	h := newHouse(t, storetest.Open(t, tables()...))
	token := "a-token"
	for i, size := range []int{1, 255, 256, 257, 5000, 70000} {
		id := ID(fmt.Sprintf("%032x", i))
		h.open(id)
		h.many(id, size)
		v, err := note.NewVerifier(protocol.VerifierKey(origin(id), h.pub()))
		if err != nil {
			t.Fatal(err)
		}
		srv := h.serve(id, token)
		if err := judge(srv, token, origin(id), v, time.Minute); err != nil {
			t.Errorf("size %d: %v", size, err)
		}
		if err := judge(srv, "wrong", origin(id), v, time.Minute); err == nil || errors.Is(err, errHangs) {
			t.Errorf("size %d, without the token: %v", size, err)
		}
	}
}

// TestFsckFinds changes one byte of a record, a leaf or the root of a tile: the judge finds each. No end counts as found.
func TestFsckFinds(t *testing.T) {
	each(t, func(t *testing.T, h *house) {
		h.open(idA)
		const size = 1100
		h.many(idA, size)
		h.restart()
		token := "a-token"
		v, err := note.NewVerifier(protocol.VerifierKey(origin(idA), h.pub()))
		if err != nil {
			t.Fatal(err)
		}
		srv := h.serve(idA, token)
		if err := judge(srv, token, origin(idA), v, time.Minute); err != nil {
			t.Fatal(err)
		}
		random := rand.New(rand.NewPCG(1, 2))
		type place struct{ table, column, where string }
		places := []place{}
		for range 6 {
			places = append(places, place{"ledger_entry", "record", fmt.Sprint("seq = ", random.IntN(size))}, place{"ledger_entry", "leaf", fmt.Sprint("seq = ", random.IntN(size))})
		}
		for i := range size / 256 {
			places = append(places, place{"ledger_tile", "hash", fmt.Sprint("lvl = 1 AND idx = ", i)})
		}
		for _, p := range places {
			err := h.damaged(p.table, p.column, p.where, random, func() error { return judge(srv, token, origin(idA), v, 400*time.Millisecond) })
			if err == nil {
				t.Errorf("a changed byte in %s of %s %s: not found", p.column, p.table, p.where)
			}
		}
		if err := judge(srv, token, origin(idA), v, time.Minute); err != nil {
			t.Errorf("mended again: %v", err)
		}
	})
}

// damaged runs fn while one byte of a column is another one.
func (h *house) damaged(table, column, where string, random *rand.Rand, fn func() error) error {
	var good []byte
	set := fmt.Sprintf(`UPDATE %s SET %s = $1 WHERE %s`, table, column, where)
	h.write(func(tx *store.Tx) error {
		if err := tx.QueryRow(fmt.Sprintf(`SELECT %s FROM %s WHERE %s`, column, table, where)).Scan(&good); err != nil {
			return err
		}
		bad := append([]byte(nil), good...)
		bad[random.IntN(len(bad))] ^= byte(1 + random.IntN(255))
		return tx.ExecOne(set, bad)
	})
	defer h.write(func(tx *store.Tx) error { return tx.ExecOne(set, good) })
	return fn()
}
