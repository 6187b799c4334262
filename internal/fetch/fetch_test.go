package fetch

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"testing"
	"time"

	"newspool/internal/fault"
)

var loopback = []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("::1/128")}

func TestCheck(t *testing.T) {
	for _, c := range []struct {
		addr string
		ok   bool
	}{
		{"93.184.216.34", true}, {"8.8.8.8", true}, {"2606:2800:220:1::1", true}, {"2a00:1450::1", true},
		{"127.0.0.1", false}, {"127.9.9.9", false}, {"0.0.0.0", false}, {"0.1.2.3", false}, {"10.1.2.3", false},
		{"172.16.0.1", false}, {"172.31.255.255", false}, {"172.32.0.1", true}, {"192.168.1.1", false},
		{"169.254.169.254", false}, {"100.64.0.1", false}, {"100.127.255.255", false}, {"100.128.0.1", true},
		{"192.0.0.8", false}, {"192.0.2.1", false}, {"198.18.0.1", false}, {"198.51.100.1", false}, {"203.0.113.1", false},
		{"192.88.99.1", false}, {"224.0.0.1", false}, {"239.1.1.1", false}, {"240.0.0.1", false}, {"255.255.255.255", false},
		{"::", false}, {"::1", false}, {"fe80::1", false}, {"fe80::1%eth0", false}, {"fc00::1", false}, {"fd12::1", false}, {"ff02::1", false},
		{"::ffff:127.0.0.1", false}, {"::ffff:8.8.8.8", false}, {"::127.0.0.1", false}, {"64:ff9b::7f00:1", false}, {"64:ff9b:1::1", false},
		{"2001::1", false}, {"2001:db8::1", false}, {"2002:7f00:1::", false}, {"3fff::1", false}, {"100::1", false}, {"fec0::1", false}, {"5f00::1", false},
	} {
		err := Check(netip.MustParseAddr(c.addr), nil)
		if (err == nil) != c.ok {
			t.Errorf("%s: %v", c.addr, err)
		}
		if err != nil {
			f := fault.Of(err)
			if f.Kind != fault.Denied || f.Key != "fault.address" || f.Args["address"] != netip.MustParseAddr(c.addr).String() || f.Args["flag"] != "--allow-net" || Check(netip.MustParseAddr(c.addr), []netip.Prefix{netip.MustParsePrefix(f.Args["network"].(string))}) != nil {
				t.Errorf("%s: %v", c.addr, f)
			}
		}
	}
	for _, c := range []struct{ addr, allow string }{{"10.1.2.3", "10.1.0.0/16"}, {"::ffff:10.1.2.3", "10.1.0.0/16"}, {"fe80::1%eth0", "fe80::/10"}, {"::1", "::1/128"}} {
		if err := Check(netip.MustParseAddr(c.addr), []netip.Prefix{netip.MustParsePrefix(c.allow)}); err != nil {
			t.Errorf("%s in %s: %v", c.addr, c.allow, err)
		}
	}
}

// A host is refused before it is asked where none of its addresses may be called, and by the network that it needs.
func TestRefuses(t *testing.T) {
	d := New(Options{AllowNets: []netip.Prefix{netip.MustParsePrefix("10.0.0.0/8")}})
	for host, network := range map[string]string{"192.168.1.1": "192.168.1.1/32", "fd12::1": "fd12::1/128", "10.1.2.3": "", "8.8.8.8": "", "nowhere.invalid": ""} {
		err := d.Refuses(t.Context(), host)
		if (err == nil) != (network == "") || err != nil && fault.Of(err).Args["network"] != network {
			t.Errorf("%s: %v", host, err)
		}
	}
}

func TestLocalIsRefused(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") }))
	defer srv.Close()
	_, port, _ := strings.Cut(strings.TrimPrefix(srv.URL, "http://"), ":")
	d := New(Options{})
	for _, host := range []string{"127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0.0.0.0"} {
		_, err := d.Client().Get("http://" + host + ":" + port)
		if !fault.Is(err, fault.Denied) {
			t.Errorf("%s: %v", host, err)
		}
		if f := fault.Of(Fault(err, host)); f.Key != "fault.address" {
			t.Errorf("%s: %v", host, f)
		}
	}
	if _, err := d.DialContext(t.Context(), "unix", "/run/x.sock"); !fault.Is(err, fault.Denied) {
		t.Errorf("a socket: %v", err)
	}
}

func TestProxyOfTheEnvironmentIsNotUsed(t *testing.T) {
	proxy := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the proxy was asked") }))
	defer proxy.Close()
	t.Setenv("HTTP_PROXY", proxy.URL)
	t.Setenv("http_proxy", proxy.URL)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { fmt.Fprint(w, r.Header.Get("User-Agent")) }))
	defer srv.Close()
	resp, err := New(Options{AllowNets: loopback, UserAgent: "newspool test"}).Client().Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if b, err := ReadAll(resp, 100); err != nil || string(b) != "newspool test" {
		t.Errorf("%q, %v", b, err)
	}
}

// A server that may be reached sends on to one that may not.
func TestRedirectToLoopback(t *testing.T) {
	inner := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the request arrived") }))
	defer inner.Close()
	outer := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, strings.Replace(inner.URL, "127.0.0.1", "127.0.0.2", 1)+"/latest/meta-data", http.StatusFound)
	}))
	defer outer.Close()
	d := New(Options{AllowNets: []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}})
	_, err := d.Client().Get(outer.URL)
	if f := fault.Of(err); f.Kind != fault.Denied || f.Args["address"] != "127.0.0.2" {
		t.Errorf("%v", err)
	}
}

func TestRedirects(t *testing.T) {
	hops := 0
	var srv *httptest.Server
	srv = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if hops--; hops < 0 {
			fmt.Fprint(w, "there")
			return
		}
		http.Redirect(w, r, srv.URL, http.StatusFound)
	}))
	defer srv.Close()
	c := New(Options{AllowNets: loopback}).Client()
	hops = MaxRedirects
	resp, err := c.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	hops = MaxRedirects + 1
	if _, err := c.Get(srv.URL); fault.Of(err).Key != "fault.redirects" {
		t.Errorf("%v", err)
	}
}

func TestTLS(t *testing.T) {
	plain := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("went to http") }))
	defer plain.Close()
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/down" {
			http.Redirect(w, r, plain.URL, http.StatusFound)
			return
		}
		fmt.Fprint(w, "yes")
	}))
	srv.Config.ErrorLog = log.New(io.Discard, "", 0)
	srv.StartTLS()
	defer srv.Close()
	d := New(Options{AllowNets: loopback})
	if _, err := d.Client().Get(srv.URL); fault.Of(Fault(err, "x")).Key != "fault.certificate" {
		t.Errorf("an unknown certificate: %v", err)
	}
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	asked := false
	conf := &tls.Config{RootCAs: pool, VerifyConnection: func(tls.ConnectionState) error { asked = true; return nil }}
	c := d.ClientWithTLS(conf)
	resp, err := c.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	if b, _ := ReadAll(resp, 10); string(b) != "yes" || !asked {
		t.Errorf("%q, the pin was asked: %v", b, asked)
	}
	if _, err := c.Get(srv.URL + "/down"); fault.Of(err).Key != "fault.redirect_insecure" {
		t.Errorf("https to http: %v", err)
	}
	c.CloseIdleConnections()
}

func TestStream(t *testing.T) {
	go1 := make(chan bool)
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, "a")
		w.(http.Flusher).Flush()
		<-go1
		fmt.Fprint(w, "b")
	}))
	defer srv.Close()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	d := New(Options{AllowNets: loopback, Timeout: 5 * time.Second})
	c := d.StreamClient(nil)
	if c.Timeout != 0 {
		t.Errorf("a stream with a timeout of %s", c.Timeout)
	}
	req, _ := http.NewRequestWithContext(ctx, "GET", srv.URL, nil)
	resp, err := c.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	one := make([]byte, 1)
	if _, err := io.ReadFull(resp.Body, one); err != nil || one[0] != 'a' {
		t.Fatal(err)
	}
	close(go1)
	if b, err := ReadAll(resp, 10); err != nil || string(b) != "b" {
		t.Errorf("%q %v", b, err)
	}
}

func TestReadAll(t *testing.T) {
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/unnamed":
			w.(http.Flusher).Flush()
			fmt.Fprint(w, "12345")
		case "/cut":
			w.Header().Set("Content-Length", "50")
			fmt.Fprint(w, "123")
		default:
			fmt.Fprint(w, "12345")
		}
	}))
	defer srv.Close()
	c := New(Options{AllowNets: loopback}).Client()
	for _, k := range []struct {
		path string
		max  int64
		key  string
	}{{"/", 5, ""}, {"/", 4, "fault.answer_large"}, {"/unnamed", 5, ""}, {"/unnamed", 4, "fault.answer_large"}, {"/cut", 100, "fault.unreachable"}} {
		resp, err := c.Get(srv.URL + k.path)
		if err != nil {
			t.Fatal(err)
		}
		b, err := ReadAll(resp, k.max)
		if k.key == "" {
			if err != nil || string(b) != "12345" {
				t.Errorf("%s: %q %v", k.path, b, err)
			}
		} else if fault.Of(err).Key != k.key || b != nil {
			t.Errorf("%s: %q %v", k.path, b, err)
		}
	}
}

func TestFault(t *testing.T) {
	srv := httptest.NewServer(http.NotFoundHandler())
	gone := srv.URL
	srv.Close()
	c := New(Options{AllowNets: loopback}).Client()
	if _, err := c.Get(gone); fault.Of(Fault(err, "x")).Key != "fault.unreachable" {
		t.Errorf("%v", err)
	}
	if _, err := c.Get("http://nowhere.invalid/"); err == nil || fault.Of(Fault(err, "x")).Kind != fault.Unavailable {
		t.Errorf("%v", err)
	}
	if err := Fault(context.DeadlineExceeded, "x"); fault.Of(err).Key != "fault.slow" || !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%v", err)
	}
	if Fault(nil, "x") != nil {
		t.Error("nil became a fault")
	}
}
