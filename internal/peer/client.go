package peer

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"time"

	"newspool/internal/exchange"
	"newspool/internal/fault"
	"newspool/internal/fetch"
	"newspool/internal/news"
	"newspool/internal/partner"
	"newspool/internal/terms"
	"newspool/protocol"
)

// Dialer gives HTTP clients that go out only through the node's one outbound dialer.
type Dialer interface {
	// ClientWithTLS gives a client for short requests.
	ClientWithTLS(*tls.Config) *http.Client
	// StreamClient gives a client without a limit on how long a body may take.
	StreamClient(*tls.Config) *http.Client
}

// Client speaks to partners. It implements exchange.Peer.
//
// The names in a partner's TLS certificate are not looked at: trust is the pinned root. The partner's challenge, signed by its log
// key, names the TLS keys that it answers with. The client compares these with the one that it sees, and from then on sends an
// answer, a token or anything under a token only over a connection that ends at that key. Of a partner whose node does not know the
// key, because a proxy speaks TLS for it, the certificate must be one that browsers accept.
type Client struct {
	exchange *exchange.Service
	dialer   Dialer
	now      func() time.Time

	mu     sync.Mutex
	tokens map[tokenFor]token
	ends   map[string]ends // by TLS key, anyEnd or namedEnd
}

// The ends that are not told by their key.
const (
	anyEnd   = ""      // nobody looks: what is sent is no secret, or there is no TLS
	namedEnd = "named" // its certificate is looked at as browsers do
)

// ends are the clients for connections that end at one TLS key.
type ends struct{ short, long *http.Client }

type tokenFor struct {
	root      news.Root
	agreement terms.AgreementID
}

type token struct {
	text  string
	until time.Time
	key   string // the TLS key that it is bound to
}

var _ exchange.Peer = (*Client)(nil)

// NewClient makes a client.
func NewClient(x *exchange.Service, d Dialer, now func() time.Time) *Client {
	return &Client{exchange: x, dialer: d, now: now, tokens: map[tokenFor]token{}, ends: map[string]ends{}}
}

// at gives the clients for connections that end at a TLS key, or at anyEnd or namedEnd.
func (c *Client) at(key string) ends {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.ends[key]
	if !ok {
		// Certificates are verified against the challenge, see Client.
		conf := &tls.Config{InsecureSkipVerify: key != namedEnd, MinVersion: tls.VersionTLS12}
		if key != anyEnd && key != namedEnd {
			conf.VerifyConnection = func(s tls.ConnectionState) error {
				if keyOf(&s) != key {
					return errOtherEnd
				}
				return nil
			}
		}
		e = ends{c.dialer.ClientWithTLS(conf), c.dialer.StreamClient(conf)}
		c.ends[key] = e
	}
	return e
}

// errOtherEnd: a connection ends at another machine than the challenge named.
var errOtherEnd = errors.New("the connection ends at another TLS key")

// keyOf is the SHA-256 of the public key at the other end of a connection; "" without TLS.
func keyOf(s *tls.ConnectionState) string {
	if s == nil || len(s.PeerCertificates) == 0 {
		return ""
	}
	h := sha256.Sum256(s.PeerCertificates[0].RawSubjectPublicKeyInfo)
	return hex.EncodeToString(h[:])
}

// Identity fetches the identity document below a base URL.
func (c *Client) Identity(ctx context.Context, base string) ([]byte, error) {
	r, err := c.do(ctx, c.at(anyEnd).short, http.MethodGet, strings.TrimSuffix(base, "/")+protocol.IdentityPath, "", nil)
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	return io.ReadAll(io.LimitReader(r.Body, 128<<10))
}

// Hello hands over a hello.
func (c *Client) Hello(ctx context.Context, base string, hello []byte) error {
	r, err := c.do(ctx, c.at(anyEnd).short, http.MethodPost, strings.TrimSuffix(base, "/")+"/exchange/v1/hello", "", hello)
	if err != nil {
		return err
	}
	return r.Body.Close()
}

// Get opens a path of the exchange.
func (c *Client) Get(ctx context.Context, p partner.Partner, a terms.AgreementID, path string) (io.ReadCloser, error) {
	r, err := c.authorised(ctx, true, http.MethodGet, p, a, path, nil)
	if err != nil {
		return nil, err
	}
	if r.StatusCode == http.StatusNoContent {
		r.Body.Close()
		return nil, exchange.ErrHoldsNothing
	}
	return r.Body, nil
}

// Post sends a body.
func (c *Client) Post(ctx context.Context, p partner.Partner, a terms.AgreementID, path string, body []byte) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	r, err := c.authorised(ctx, false, http.MethodPost, p, a, path, body)
	if err != nil {
		return err
	}
	io.Copy(io.Discard, io.LimitReader(r.Body, 1<<16))
	return r.Body.Close()
}

// authorised sends a request under a token, asking for a new one when there is none or it is not taken any more.
func (c *Client) authorised(ctx context.Context, long bool, method string, p partner.Partner, a terms.AgreementID, path string, body []byte) (*http.Response, error) {
	target := strings.TrimSuffix(p.Base, "/") + "/exchange/v1/" + path
	for fresh := false; ; fresh = true {
		t, err := c.token(ctx, p, a, fresh)
		if err != nil {
			return nil, err
		}
		h := c.at(t.key).short
		if long {
			h = c.at(t.key).long
		}
		r, err := c.do(ctx, h, method, target, t.text, body)
		if err == nil || fresh || !fault.Is(err, fault.Denied) {
			return r, err
		}
	}
}

// token gives a token that lasts for another 30 seconds at least.
func (c *Client) token(ctx context.Context, p partner.Partner, a terms.AgreementID, fresh bool) (token, error) {
	k := tokenFor{p.Root, a}
	c.mu.Lock()
	t, ok := c.tokens[k]
	c.mu.Unlock()
	if ok && !fresh && c.now().Before(t.until) {
		return t, nil
	}
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	base := strings.TrimSuffix(p.Base, "/") + "/exchange/v1/access"
	r, err := c.do(ctx, c.at(anyEnd).short, http.MethodGet, base+"?caller="+url.QueryEscape(string(c.exchange.Root())), "", nil)
	if err != nil {
		return token{}, noDoor(err, p)
	}
	challenge, err := io.ReadAll(io.LimitReader(r.Body, 8<<10))
	r.Body.Close()
	if err != nil {
		return token{}, err
	}
	key := keyOf(r.TLS)
	answer, bound, err := c.exchange.AnswerChallenge(p, a, challenge, key)
	if err != nil {
		return token{}, err
	}
	if !bound && key != anyEnd {
		key = namedEnd
	}
	b, err := json.Marshal(answer)
	if err != nil {
		return token{}, err
	}
	if r, err = c.do(ctx, c.at(key).short, http.MethodPost, base, "", b); err != nil {
		return token{}, noDoor(err, p)
	}
	defer r.Body.Close()
	var got struct {
		Token   string `json:"token"`
		Seconds int    `json:"seconds"`
	}
	if err := json.NewDecoder(io.LimitReader(r.Body, 8<<10)).Decode(&got); err != nil || got.Token == "" {
		return token{}, fault.New(fault.Unavailable, "partner.answer", "domain", p.Domain).Because(err)
	}
	t = token{got.Token, c.now().Add(time.Duration(got.Seconds-30) * time.Second), key}
	c.mu.Lock()
	c.tokens[k] = t
	c.mu.Unlock()
	return t, nil
}

// noDoor is what it means that nothing is found where every node gives tokens: whoever answers there is not the partner's node.
func noDoor(err error, p partner.Partner) error {
	if fault.Is(err, fault.NotFound) {
		return fault.New(fault.Unavailable, "partner.answer", "domain", p.Domain).Because(err)
	}
	return err
}

// do sends one request and turns every status but success into a fault.
func (c *Client) do(ctx context.Context, h *http.Client, method, target, bearer string, body []byte) (*http.Response, error) {
	var in io.Reader
	if body != nil {
		in = bytes.NewReader(body)
	}
	req, err := http.NewRequestWithContext(ctx, method, target, in)
	if err != nil {
		return nil, fault.New(fault.Invalid, "partner.address", "address", target).Because(err)
	}
	if bearer != "" {
		req.Header.Set("Authorization", "Bearer "+bearer)
	}
	r, err := h.Do(req)
	if err != nil {
		if errors.Is(err, errOtherEnd) {
			return nil, fault.New(fault.Denied, "partner.relayed", "domain", req.URL.Host).Because(err)
		}
		if bad := (*tls.CertificateVerificationError)(nil); errors.As(err, &bad) {
			return nil, fetch.Fault(err, req.URL.Host)
		}
		if f := fault.Of(err); f.Kind != fault.Internal {
			return nil, err
		}
		return nil, fault.New(fault.Unavailable, "partner.unreachable", "address", req.URL.Host).Because(err)
	}
	if r.StatusCode >= 200 && r.StatusCode < 300 {
		return r, nil
	}
	r.Body.Close()
	kind, key := fault.Unavailable, "partner.answer"
	switch r.StatusCode {
	case http.StatusUnauthorized, http.StatusForbidden:
		kind, key = fault.Denied, "partner.denied"
	case http.StatusNotFound:
		kind, key = fault.NotFound, "partner.not_found"
	case http.StatusTooManyRequests:
		kind, key = fault.RateLimited, "partner.too_often"
	}
	return nil, fault.New(kind, key, "domain", req.URL.Host).Because(fmt.Errorf("%s %s: %s", method, req.URL.Path, r.Status))
}
