package nodetest

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"testing"

	"newspool/internal/library"
	"newspool/internal/news"
	"newspool/internal/people"
	"newspool/protocol"
)

// signedIn makes a person with these roles at a house, and gives how they ask for a page.
func signedIn(t testing.TB, h *House, login string, roles ...people.Role) func(path string) (int, []byte) {
	t.Helper()
	ctx := context.Background()
	if _, err := h.People.Create(ctx, people.Operator(), people.NewPerson{Login: login, Name: login, Roles: roles, Password: "orran-sea-2026"}); err != nil {
		t.Fatal(err)
	}
	s, err := h.People.SignIn(ctx, login, "orran-sea-2026", "127.0.0.1", "test")
	if err != nil {
		t.Fatal(err)
	}
	return func(path string) (int, []byte) {
		t.Helper()
		r, err := http.NewRequest("GET", h.Base()+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		r.AddCookie(&http.Cookie{Name: "newspool-" + string(h.Exchange.Root())[:8], Value: s.Token})
		resp, err := insecure().Do(r)
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return resp.StatusCode, b
	}
}

// A proof file holds the whole text: only who works with texts takes one out, it is written down who did, and of an item that was
// withdrawn it proves what was said without saying it again.
func TestWhoTakesProofs(t *testing.T) {
	a, b := pair(t, nil)
	ctx := context.Background()
	id := accept(t, a, Story(1))
	it := waitState(t, b, id, news.Usable)
	path := func(w library.Way) string { return fmt.Sprintf("/proof/%s/%d", w.Ledger, w.Seq) }
	taken := func() (n int) {
		t.Helper()
		acts, err := b.People.AuditPage(ctx, 0, 200)
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range acts {
			if x.What == "exchange.act_proof" && x.About == string(id) && x.Name != "" {
				n++
			}
		}
		return n
	}
	texts := func(file []byte) (n int) {
		t.Helper()
		p, err := protocol.VerifyProof(file)
		if err != nil {
			t.Fatalf("the proof does not hold: %v", err)
		}
		for _, c := range p.Contents {
			if bytes.Contains(c, []byte("Ferry number 1")) {
				n++
			}
		}
		return n
	}
	machines := signedIn(t, b, "machines", people.Administrator)
	if status, body := machines(path(it.Ways[0])); status != http.StatusForbidden || bytes.Contains(body, []byte("newspool proof")) || taken() != 0 {
		t.Errorf("an administrator who works with no texts: %d, %d taken", status, taken())
	}
	if _, page := machines("/item/" + id.Short()); !bytes.Contains(page, []byte(it.Ways[0].Ledger)) || bytes.Contains(page, []byte(path(it.Ways[0]))) {
		t.Error("the page offers a file that is refused")
	}
	editor := signedIn(t, b, "editor", people.Editor)
	if _, page := editor("/item/" + id.Short()); !bytes.Contains(page, []byte(path(it.Ways[0]))) {
		t.Error("the page does not offer the file")
	}
	for n, ask := range []func(string) (int, []byte){editor, signedIn(t, b, "chief", people.Signatory)} {
		if status, file := ask(path(it.Ways[0])); status != http.StatusOK || texts(file) != 1 || taken() != n+1 {
			t.Errorf("person %d: %d, %d taken", n, status, taken())
		}
	}
	if _, err := a.Library.Withdraw(ctx, id, "It was wrong.", ""); err != nil {
		t.Fatal(err)
	}
	it = waitState(t, b, id, news.Withdrawn)
	status, file := editor(path(it.Ways[0]))
	if status != http.StatusOK || texts(file) != 0 {
		t.Errorf("%d, and the file has the withdrawn text", status)
	}
	if status, file = editor(path(it.Ways[1])); status != http.StatusOK || !bytes.Contains(file, []byte(`"bytes"`)) {
		t.Errorf("%d, and the withdrawal has lost its reason", status)
	}
	if status, _ := editor("/proof/" + it.Ways[0].Ledger + "/99"); status != http.StatusNotFound {
		t.Errorf("a record that is not there: %d", status)
	}
}
