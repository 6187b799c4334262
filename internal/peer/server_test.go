package peer

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"newspool/internal/agreement"
	"newspool/internal/clock"
	"newspool/internal/content"
	"newspool/internal/exchange"
	"newspool/internal/i18n"
	"newspool/internal/ledger"
	"newspool/internal/partner"
	"newspool/internal/store/storetest"
)

// server makes the exchange of a newsroom that knows nobody.
func server(t *testing.T) *httptest.Server {
	t.Helper()
	db := storetest.Open(t, content.Migrations(), ledger.Migrations(), partner.Migrations(), agreement.Migrations(), exchange.Migrations())
	key := func() ed25519.PrivateKey {
		_, k, err := ed25519.GenerateKey(nil)
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	keys := partner.Keys{Log: key(), Cosigner: key()}
	known := partner.New(db, clock.System, keys, func(string, string) {})
	err := known.SetUp(context.Background(), key(), partner.Profile{Domain: "north.example", Base: "https://north.example", Names: map[string]string{"en": "North"}, Kind: "agency", Languages: []string{"en"}})
	if err != nil {
		t.Fatal(err)
	}
	bundle, err := i18n.Load()
	if err != nil {
		t.Fatal(err)
	}
	ledgers := ledger.New(db, clock.System, func() ed25519.PrivateKey { return keys.Log })
	agreements := agreement.New(db, clock.System, bundle, nil)
	x := exchange.New(exchange.Options{DB: db, Ledgers: ledgers, Agreements: agreements, Known: known, Clock: clock.System, Log: slog.New(slog.DiscardHandler)})
	mux := http.NewServeMux()
	(&Server{Exchange: x, Ledgers: ledgers, Log: slog.New(slog.DiscardHandler), TLSKeys: func() []string { return nil }}).Routes(mux)
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s
}

// To a stranger every path of the exchange answers alike, whether the thing exists or not, with any token.
func TestStranger(t *testing.T) {
	s := server(t)
	const id = "0123456789abcdef0123456789abcdef"
	for _, path := range []string{
		"ledgers/" + id + "/checkpoint", "ledgers/" + id + "/tile/0/000", "ledgers/" + id + "/tile/entries/000", "ledgers/" + id + "/stream?from=0",
		"ledgers/" + id + "/contents?from=0&to=1", "ledgers/" + id + "/media/x", "mirrors/" + strings.Repeat("0", 64) + "/checkpoint", "nothing/here", "",
	} {
		for _, token := range []string{"", "Bearer x", "Bearer " + strings.Repeat("a.", 3) + "b", "Basic eDp5"} {
			req, err := http.NewRequest(http.MethodGet, s.URL+"/exchange/v1/"+path, nil)
			if err != nil {
				t.Fatal(err)
			}
			if token != "" {
				req.Header.Set("Authorization", token)
			}
			r, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			r.Body.Close()
			if r.StatusCode != http.StatusUnauthorized {
				t.Errorf("%s with %q: %s", path, token, r.Status)
			}
		}
	}
}

// A hello is answered alike whether it was kept or dropped, and a stranger cannot come too often.
func TestHelloIsLimited(t *testing.T) {
	s := server(t)
	limited := false
	for range 60 {
		r, err := http.Post(s.URL+"/exchange/v1/hello", "text/plain", bytes.NewReader(make([]byte, 64<<10)))
		if err != nil {
			t.Fatal(err)
		}
		r.Body.Close()
		switch r.StatusCode {
		case http.StatusAccepted:
		case http.StatusTooManyRequests:
			limited = true
		default:
			t.Fatalf("a hello of nonsense: %s", r.Status)
		}
	}
	if !limited {
		t.Error("60 hellos in a row were taken")
	}
}

// Neighbours in one IPv6 network count as one visitor.
func TestNeighboursCountAsOne(t *testing.T) {
	var l limits
	allowed := 0
	for i := range 200 {
		if l.stranger("2001:db8::" + string("0123456789abcdef"[i%16])) {
			allowed++
		}
	}
	if allowed > 40 {
		t.Errorf("%d requests of one network were let through", allowed)
	}
	if !l.stranger("198.51.100.7") {
		t.Error("another visitor was refused")
	}
}
