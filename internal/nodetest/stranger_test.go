package nodetest

import (
	"bytes"
	"context"
	"crypto/tls"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"newspool/internal/config"
	"newspool/internal/exchange"
	"newspool/internal/news"
	"newspool/internal/terms"
	"newspool/protocol"
)

// insecure is a client that looks at no certificates.
func insecure() *http.Client {
	return &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}, DisableKeepAlives: true}}
}

// request asks a node for something, with a token if there is one, and gives the status and the body.
func request(t testing.TB, method, target, token string, body []byte) (int, string) {
	t.Helper()
	r, err := http.NewRequest(method, target, bytes.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := insecure().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	b, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(b) + " " + resp.Header.Get("WWW-Authenticate")
}

// To a stranger every path of the exchange answers alike, whether the thing is there or not; so it does with a token that is wrong,
// too old, or of another node.
func TestStrangerGetsNothing(t *testing.T) {
	var h hands
	y := Soren()
	y.Clock = h.clock
	b := Start(t, y)
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	other := Start(t, Avand())
	g := newFake(t, "quay.example", other)
	g.agree(nil)
	item := accept(t, b, Story(1))
	said(t, b)
	mine, copied := own(t, b, f.agreement), f.copy()
	good, relayed := f.token(), g.token()
	base := b.Base() + "/exchange/v1/"
	paths := []string{
		"ledgers/" + string(mine.ID) + "/checkpoint", "ledgers/" + string(mine.ID) + "/tile/0/000.p/2", "ledgers/" + string(mine.ID) + "/tile/entries/000.p/2",
		"ledgers/" + string(mine.ID) + "/stream?from=0", "ledgers/" + string(mine.ID) + "/contents?from=0&to=1", "ledgers/" + string(mine.ID) + "/cosignatures",
		"ledgers/" + string(mine.ID) + "/media/" + string(item), "ledgers/" + string(copied.ID) + "/checkpoint", "ledgers/" + protocol.NewID() + "/checkpoint",
		"mirrors/" + protocol.MirrorID(copied.Origin) + "/checkpoint", "mirrors/nothing/contents?from=0", "ledgers", "", "admin", "../v1/ledgers/x",
	}
	answers := map[string]bool{}
	ask := func(token string) {
		t.Helper()
		for _, p := range paths {
			for _, method := range []string{"GET", "POST", "PUT", "DELETE"} {
				code, body := request(t, method, base+p, token, nil)
				answers[fmt.Sprint(code, " ", body)] = true
				if code != http.StatusUnauthorized {
					t.Errorf("%s %s: %d %s", method, p, code, body)
				}
			}
		}
	}
	ask("")
	ask("good")
	ask(good + "x")
	ask(relayed)
	if code, _ := request(t, "GET", base+paths[0], good, nil); code != http.StatusOK {
		t.Errorf("a good token: %d", code)
	}
	h.move(protocol.TokenSeconds*time.Second + time.Second)
	ask(good)
	if len(answers) != 1 {
		t.Errorf("there are %d different answers: %v", len(answers), answers)
	}
	code, doc := request(t, "GET", b.Base()+protocol.IdentityPath, "", nil)
	if code != http.StatusOK || !strings.Contains(doc, string(b.Exchange.Root())) {
		t.Errorf("the identity document: %d", code)
	}
}

// A token is for one agreement and one reader, and ends with the right.
func TestTokens(t *testing.T) {
	b := Start(t, Soren())
	f := newFake(t, "harbour.example", b)
	f.agree(nil)
	g := newFake(t, "quay.example", b)
	g.agree(nil)
	at := func(token string, a terms.AgreementID) int {
		t.Helper()
		code, _ := request(t, "GET", b.Base()+"/exchange/v1/ledgers/"+string(own(t, b, a).ID)+"/checkpoint", token, nil)
		return code
	}
	token := f.token()
	if code := at(token, f.agreement); code != http.StatusOK {
		t.Errorf("its own agreement: %d", code)
	}
	if code := at(token, g.agreement); code != http.StatusNotFound {
		t.Errorf("another agreement: %d", code)
	}
	if code, _ := request(t, "GET", b.Base()+"/exchange/v1/mirrors/"+protocol.MirrorID(g.origin)+"/checkpoint", token, nil); code != http.StatusNoContent {
		t.Errorf("the copy of another newsroom's ledger: %d", code)
	}
	answer := func(change func(challenge []byte, a *protocol.Answer)) int {
		t.Helper()
		_, challenge := request(t, "GET", b.Base()+"/exchange/v1/access?caller="+f.id.Root, "", nil)
		challenge = strings.TrimSuffix(challenge, " ")
		a, err := protocol.SignAnswer([]byte(challenge), string(f.agreement), f.domain, f.log)
		if err != nil {
			t.Fatal(err)
		}
		change([]byte(challenge), &a)
		body, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		code, _ := request(t, "POST", b.Base()+"/exchange/v1/access", "", body)
		return code
	}
	for name, c := range map[string]struct {
		change func(challenge []byte, a *protocol.Answer)
		want   int
	}{
		"as it should be":              {func([]byte, *protocol.Answer) {}, http.StatusOK},
		"signed for another agreement": {func(_ []byte, a *protocol.Answer) { a.Agreement = string(g.agreement) }, http.StatusUnauthorized},
		"for an agreement of others": {func(c []byte, a *protocol.Answer) {
			*a, _ = protocol.SignAnswer(c, string(g.agreement), f.domain, f.log)
		}, http.StatusUnauthorized},
		"by another key": {func(c []byte, a *protocol.Answer) {
			*a, _ = protocol.SignAnswer(c, string(f.agreement), f.domain, g.log)
		}, http.StatusUnauthorized},
		"to a challenge for somebody else": {func(c []byte, a *protocol.Answer) {
			*a, _ = protocol.SignAnswer(c, string(g.agreement), g.domain, g.log)
		}, http.StatusUnauthorized},
		"to a challenge of its own making": {func(_ []byte, a *protocol.Answer) {
			c, _ := protocol.NewChallenge("soren.example", string(b.Exchange.Root()), f.id.Root, time.Now().Unix(), nil, f.log)
			*a, _ = protocol.SignAnswer(c, string(f.agreement), f.domain, f.log)
		}, http.StatusUnauthorized},
	} {
		if code := answer(c.change); code != c.want {
			t.Errorf("an answer %s: %d, want %d", name, code, c.want)
		}
	}

	stream, err := http.NewRequest("GET", b.Base()+"/exchange/v1/ledgers/"+string(own(t, b, f.agreement).ID)+"/stream?from=0", nil)
	if err != nil {
		t.Fatal(err)
	}
	stream.Header.Set("Authorization", "Bearer "+token)
	resp, err := insecure().Do(stream)
	if err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("stream: %v %v", resp, err)
	}
	defer resp.Body.Close()
	if err := b.Exchange.Block(context.Background(), f.root(), true); err != nil {
		t.Fatal(err)
	}
	secret := accept(t, b, Story(1))
	said(t, b)
	all, err := io.ReadAll(resp.Body)
	if bytes.Contains(all, []byte(secret)) {
		t.Error("a stream goes on after its reader was blocked")
	}
	if code := at(token, f.agreement); code != http.StatusUnauthorized {
		t.Errorf("after it was blocked: %d (%v)", code, err)
	}
}

// Words of strangers wait for a person, a hundred at the most; whoever says hello is told the same in every case.
func TestHellos(t *testing.T) {
	b := Start(t, Soren())
	ctx := context.Background()
	var last *fake
	for i := range 103 {
		f := stranger(t, fmt.Sprintf("n%d.quay.example", i), b)
		if err := b.Exchange.TakeHello(ctx, f.greeting()); (err == nil) != (i < 100) {
			t.Fatalf("hello %d: %v", i, err)
		}
		if i < 100 {
			last = f
		}
	}
	full, known := stranger(t, "full.quay.example", b), newFake(t, "harbour.example", b)
	elsewhere := stranger(t, "lost.quay.example", b)
	elsewhere.to = Start(t, Avand())
	for name, words := range map[string][]byte{
		"one too many": full.greeting(), "one who waits already": last.greeting(), "a partner": known.greeting(), "for somebody else": elsewhere.greeting(),
		"no hello": []byte("good day"), "too large": bytes.Repeat([]byte("a"), protocol.MaxHello+1),
	} {
		if code, body := request(t, "POST", b.Base()+"/exchange/v1/hello", "", words); code != http.StatusAccepted || body != " " {
			t.Errorf("%s is answered with %d %q", name, code, body)
		}
	}
	all, err := b.Exchange.Hellos(ctx)
	if err != nil || len(all) != 100 {
		t.Errorf("%d strangers wait (%v)", len(all), err)
	}
	if n := len(ledgers(t, b)); n != 1 {
		t.Errorf("%d ledgers are followed, want the partner's", n)
	}
	last.server = httptest.NewTLSServer(http.NotFoundHandler()) // it can be opened without being reached
	defer last.server.Close()
	p, err := b.Exchange.OpenHello(ctx, waiting(t, b, last))
	if err != nil || p.Root != last.root() {
		t.Fatalf("opened %s (%v)", p.Domain, err)
	}
	if i := last.copy(); i.Owner != last.root() || i.Agreement != string(last.agreement) {
		t.Errorf("the ledger that it announced is followed as %+v", i)
	}
	limited := 0
	for range 60 {
		if code, _ := request(t, "POST", b.Base()+"/exchange/v1/hello", "", nil); code == http.StatusTooManyRequests {
			limited++
		}
	}
	if limited < 20 {
		t.Errorf("of sixty hellos in a row %d were turned away", limited)
	}
}

func waiting(t testing.TB, h *House, f *fake) string {
	t.Helper()
	all, err := h.Exchange.Hellos(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range all {
		if w.Identity.Root == f.id.Root {
			return w.ID
		}
	}
	t.Fatalf("%s does not wait", f.domain)
	return ""
}

// eavesdropper ends TLS with a key of its own and passes everything on to a house. It notes what it should never get to see.
type eavesdropper struct {
	server *httptest.Server
	mu     sync.Mutex
	asked  int
	seen   []string
}

func eavesdrop(t testing.TB, scheme string, to *House) *eavesdropper {
	t.Helper()
	e := &eavesdropper{}
	proxy := httputil.NewSingleHostReverseProxy(&url.URL{Scheme: scheme, Host: to.addr})
	proxy.Transport = insecure().Transport
	proxy.FlushInterval = -1
	e.server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		e.mu.Lock()
		e.asked++
		if r.Header.Get("Authorization") != "" || (r.Method == http.MethodPost && strings.HasSuffix(r.URL.Path, "/access")) {
			e.seen = append(e.seen, r.Method+" "+r.URL.Path)
		}
		e.mu.Unlock()
		proxy.ServeHTTP(w, r)
	}))
	t.Cleanup(func() {
		e.server.CloseClientConnections()
		e.server.Close()
	})
	return e
}

func (e *eavesdropper) what() (asked int, seen []string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.asked, e.seen
}

// between is how a house stands with another.
func between(h, other *House) exchange.Link {
	for _, l := range h.Exchange.Links() {
		if l.Partner == other.Exchange.Root() {
			return l
		}
	}
	return exchange.Link{}
}

// Somebody in the middle with a TLS key of their own gets neither an answer to a challenge nor a token, whether they sit there from
// the beginning or step in later; it is shown, and the link comes back when they are gone.
func TestManInTheMiddle(t *testing.T) {
	for _, fresh := range []bool{true, false} {
		w := newLine(t)
		a, b := over(t, w, North(), Soren())
		send(t, a, b, 1)
		e := eavesdrop(t, "https", a)
		w.mu.Lock()
		w.swap = func(int) net.Conn {
			c, err := net.Dial("tcp", e.server.Listener.Addr().String())
			if err != nil {
				return nil
			}
			return c
		}
		w.mu.Unlock()
		w.cut()
		if fresh {
			b.Restart(b.spec) // it holds no token any more
		}
		Wait(t, "it is shown", func() bool {
			l := between(b, a)
			return l.Error != nil && l.Error.Key == "partner.relayed"
		})
		item := accept(t, a, Story(2))
		asked, seen := e.what()
		if len(seen) > 0 || asked == 0 {
			t.Errorf("of %d requests it has seen %v", asked, seen)
		}
		if s := stateAt(b, item); s != "" {
			t.Errorf("a story came by way of it: %s", s)
		}
		w.mu.Lock()
		w.swap = nil
		w.mu.Unlock()
		w.cut()
		waitState(t, b, item, news.Usable)
		if _, seen := e.what(); len(seen) > 0 {
			t.Errorf("in the end it has seen %v", seen)
		}
	}
}

// Where a proxy speaks TLS for a node, the node's challenge names no key; then the proxy's certificate must be one that is good for
// its name, or nothing secret is sent.
func TestProxyWithoutCertificate(t *testing.T) {
	x := North()
	x.TLS = config.Off
	a := Start(t, x)
	e := eavesdrop(t, "http", a)
	a.Stop()
	x.Base = e.server.URL
	a.Restart(x)
	b := Start(t, Soren())
	Meet(a, b)
	if _, err := a.Agreements.Propose(context.Background(), Terms(a, b), chief); err != nil {
		t.Fatal(err)
	}
	Wait(t, "it is shown", func() bool {
		l := between(b, a)
		return l.Error != nil && l.Error.Key == "fault.certificate"
	})
	if asked, seen := e.what(); asked == 0 || len(seen) > 0 {
		t.Errorf("of %d requests it has seen %v", asked, seen)
	}
}
