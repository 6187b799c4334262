package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"

	"newspool/internal/fault"
)

// Limits of one connection.
const (
	MaxRedirects   = 5
	maxHeaderBytes = 64 << 10
	dialTimeout    = 15 * time.Second
	idleTimeout    = 90 * time.Second
)

// Options say how a Door behaves.
type Options struct {
	AllowNets []netip.Prefix // networks that may be reached although they are not public
	UserAgent string         // sent where a request names none; empty: "newspool"
	Timeout   time.Duration  // for one whole request of Client and ClientWithTLS, and for the header of a stream's answer; 0: 30 s
}

// A Door opens connections to other machines. It is safe for concurrent use.
type Door struct {
	opts   Options
	dialer net.Dialer
	client *http.Client
}

// New makes a Door.
func New(opts Options) *Door {
	if opts.Timeout <= 0 {
		opts.Timeout = 30 * time.Second
	}
	if opts.UserAgent == "" {
		opts.UserAgent = "newspool"
	}
	d := &Door{opts: opts}
	d.dialer = net.Dialer{Timeout: dialTimeout, ControlContext: d.control}
	d.client = d.newClient(nil, opts.Timeout)
	return d
}

// control is asked by the system's dialer for each address, after names were resolved and before the first packet.
func (d *Door) control(_ context.Context, network, address string, _ syscall.RawConn) error {
	to, err := netip.ParseAddrPort(address)
	if err != nil {
		return refused(address, "…").Because(err)
	}
	if network != "tcp4" && network != "tcp6" {
		return refused(network+" "+address, "…")
	}
	return Check(to.Addr(), d.opts.AllowNets)
}

// DialContext connects to host:port over TCP. A refused address is fault.Denied.
func (d *Door) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	switch network {
	case "tcp", "tcp4", "tcp6":
		return d.dialer.DialContext(ctx, network, address)
	}
	return nil, refused(network+" "+address, "…")
}

// askFor is how long Refuses waits for the addresses of a name.
const askFor = 3 * time.Second

// Refuses is the fault of a host none of whose addresses may be called. A name that is not known, or not now, is not refused.
func (d *Door) Refuses(ctx context.Context, host string) error {
	ctx, cancel := context.WithTimeout(ctx, askFor)
	defer cancel()
	all, err := net.DefaultResolver.LookupNetIP(ctx, "ip", host)
	if err != nil {
		return nil
	}
	for _, addr := range all {
		if err = Check(addr.Unmap(), d.opts.AllowNets); err == nil {
			return nil
		}
	}
	return err
}

// Client is the client for ordinary requests, one for all: at most MaxRedirects redirects, never from https to http, and
// Options.Timeout for the whole request with its body.
func (d *Door) Client() *http.Client { return d.client }

// ClientWithTLS is a Client that checks the other side by a TLS configuration of the caller. It has connections of its
// own: keep it, and call CloseIdleConnections when done.
func (d *Door) ClientWithTLS(conf *tls.Config) *http.Client { return d.newClient(conf, d.opts.Timeout) }

// StreamClient is a client for bodies without an end: only the time until the header of the answer is limited. conf may be
// nil. It has connections of its own, like ClientWithTLS.
func (d *Door) StreamClient(conf *tls.Config) *http.Client { return d.newClient(conf, 0) }

func (d *Door) newClient(conf *tls.Config, timeout time.Duration) *http.Client {
	if conf != nil {
		conf = conf.Clone()
	}
	return &http.Client{
		Timeout:       timeout,
		CheckRedirect: checkRedirect,
		Transport: &named{agent: d.opts.UserAgent, Transport: &http.Transport{
			Proxy:                  nil,
			DialContext:            d.DialContext,
			TLSClientConfig:        conf,
			TLSHandshakeTimeout:    dialTimeout,
			ResponseHeaderTimeout:  d.opts.Timeout,
			ExpectContinueTimeout:  time.Second,
			IdleConnTimeout:        idleTimeout,
			MaxIdleConns:           100,
			MaxIdleConnsPerHost:    4,
			MaxResponseHeaderBytes: maxHeaderBytes,
			ForceAttemptHTTP2:      true,
		}},
	}
}

// named sends the name of the program with each request.
type named struct {
	agent string
	*http.Transport
}

func (n *named) RoundTrip(req *http.Request) (*http.Response, error) {
	if _, set := req.Header["User-Agent"]; !set {
		req = req.Clone(req.Context())
		req.Header.Set("User-Agent", n.agent)
	}
	return n.Transport.RoundTrip(req)
}

func checkRedirect(req *http.Request, via []*http.Request) error {
	if len(via) > MaxRedirects {
		return fault.New(fault.Unavailable, "fault.redirects", "host", via[0].URL.Host, "n", MaxRedirects)
	}
	if via[len(via)-1].URL.Scheme == "https" && req.URL.Scheme != "https" {
		return fault.New(fault.Denied, "fault.redirect_insecure", "host", req.URL.Host)
	}
	return nil
}

// ReadAll reads a whole body of at most max bytes and closes it. A longer one is fault.TooLarge, one that is cut off
// fault.Unavailable; in both cases nothing is returned.
func ReadAll(resp *http.Response, max int64) ([]byte, error) {
	defer resp.Body.Close()
	host := ""
	if resp.Request != nil && resp.Request.URL != nil {
		host = resp.Request.URL.Host
	}
	tooLarge := fault.New(fault.TooLarge, "fault.answer_large", "host", host, "kb", max>>10)
	if resp.ContentLength > max {
		return nil, tooLarge
	}
	b, err := io.ReadAll(io.LimitReader(resp.Body, max+1))
	if err != nil {
		return nil, Fault(err, host)
	}
	if int64(len(b)) > max {
		return nil, tooLarge
	}
	return b, nil
}

// Fault says in one sentence for a person why a request failed: the name is unknown, the address is refused, the
// certificate does not fit, it took too long, or there is no connection. nil stays nil; an error that is a fault already
// is given back as that fault.
func Fault(err error, host string) error {
	if err == nil {
		return nil
	}
	var f *fault.Error
	if errors.As(err, &f) {
		return f
	}
	key := "fault.unreachable"
	var dns *net.DNSError
	var cert *tls.CertificateVerificationError
	var authority x509.UnknownAuthorityError
	var wrongHost x509.HostnameError
	var timeout interface{ Timeout() bool }
	var address *url.Error
	switch {
	case errors.As(err, &dns) && dns.IsNotFound:
		key = "fault.unknown_host"
	case errors.As(err, &cert), errors.As(err, &authority), errors.As(err, &wrongHost):
		key = "fault.certificate"
	case errors.Is(err, context.DeadlineExceeded), errors.As(err, &timeout) && timeout.Timeout():
		key = "fault.slow"
	case errors.As(err, &address) && address.Op == "parse":
		return fault.New(fault.Invalid, "fault.bad_url", "url", host).Because(err)
	}
	return fault.New(fault.Unavailable, key, "host", host).Because(err)
}
