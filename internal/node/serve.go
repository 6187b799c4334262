package node

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/hex"
	"encoding/pem"
	"errors"
	"io/fs"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"sync"
	"time"

	"newspool/internal/config"
	"newspool/internal/fault"
	"newspool/internal/partner"
)

// tlsKeys are the certificates that the node answers with, and the hashes of their keys.
type tlsKeys struct {
	conf *tls.Config
	keys []string
}

func (t *tlsKeys) hashes() []string { return t.keys }

// loadTLS reads the certificate that was given, or makes one. On a loopback address there is always one of our own: browsers
// of this machine come by plain HTTP, partners on it by TLS.
func loadTLS(s *config.Settings) (*tlsKeys, error) {
	mode := s.TLSMode()
	if mode == config.Off {
		return &tlsKeys{}, nil
	}
	cert, key := s.Cert, s.Key
	if mode != config.Files {
		cert, key = filepath.Join(s.Dir, "keys", "tls.crt"), filepath.Join(s.Dir, "keys", tlsKeyFile)
		if _, err := os.Stat(key); errors.Is(err, fs.ErrNotExist) {
			if err := makeCertificate(cert, key); err != nil {
				return nil, err
			}
		}
	}
	pair, err := tls.LoadX509KeyPair(cert, key)
	if err != nil {
		return nil, fault.New(fault.Invalid, "config.certificate", "file", cert).Because(err)
	}
	leaf, err := x509.ParseCertificate(pair.Certificate[0])
	if err != nil {
		return nil, err
	}
	h := sha256.Sum256(leaf.RawSubjectPublicKeyInfo)
	return &tlsKeys{
		conf: &tls.Config{Certificates: []tls.Certificate{pair}, MinVersion: tls.VersionTLS12, NextProtos: []string{"http/1.1"}},
		keys: []string{hex.EncodeToString(h[:])},
	}, nil
}

// makeCertificate makes a certificate of our own. Nobody trusts its name: partners compare its key with the signed challenge.
func makeCertificate(certFile, keyFile string) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		return err
	}
	t := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "newspool"}, NotBefore: time.Now().Add(-time.Hour),
		NotAfter: time.Now().AddDate(10, 0, 0), KeyUsage: x509.KeyUsageDigitalSignature, DNSNames: []string{"localhost"},
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv6loopback},
	}
	der, err := x509.CreateCertificate(rand.Reader, t, t, &key.PublicKey, key)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	if err := writeDurably(certFile, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})); err != nil {
		return err
	}
	return writeDurably(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
}

// eitherConn is a connection whose first byte was looked at.
type eitherConn struct {
	net.Conn
	r *bufio.Reader
}

func (c *eitherConn) Read(b []byte) (int, error) { return c.r.Read(b) }

// isTLS looks at the first byte of the connection.
func (c *eitherConn) isTLS() bool {
	c.r = bufio.NewReader(c.Conn)
	c.SetReadDeadline(time.Now().Add(10 * time.Second))
	b, err := c.r.Peek(1)
	c.SetReadDeadline(time.Time{})
	return err == nil && b[0] == 0x16
}

// sorted hands connections out by kind, so that each kind has an http.Server that knows what it is.
type sorted struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
}

func (s *sorted) Accept() (net.Conn, error) {
	select {
	case c := <-s.conns:
		return c, nil
	case <-s.done:
		return nil, net.ErrClosed
	}
}
func (s *sorted) Close() error   { return nil }
func (s *sorted) Addr() net.Addr { return s.addr }

// sortConnections splits a loopback listener into its TLS and its plain connections until it is closed.
func sortConnections(l net.Listener) (secure, plain *sorted) {
	done := make(chan struct{})
	secure = &sorted{l.Addr(), make(chan net.Conn), done}
	plain = &sorted{l.Addr(), make(chan net.Conn), done}
	go func() {
		defer close(done)
		for {
			c, err := l.Accept()
			if err != nil {
				if !errors.Is(err, net.ErrClosed) { // too many open files, for example: it passes
					time.Sleep(50 * time.Millisecond)
					continue
				}
				return
			}
			go func() {
				e := &eitherConn{Conn: c}
				to := plain.conns
				if e.isTLS() {
					to = secure.conns
				}
				select {
				case to <- e:
				case <-done:
					c.Close()
				}
			}()
		}
	}()
	return secure, plain
}

// Listen opens the node's port, if it is not open yet, and says at which address.
func (n *Node) Listen() (net.Addr, error) {
	if n.listener == nil {
		l, err := net.Listen("tcp", n.Settings.Listen)
		if err != nil {
			return nil, fault.New(fault.Unavailable, "config.listen", "flag", "listen", "address", n.Settings.Listen).Because(err)
		}
		n.listener = l
	}
	return n.listener.Addr(), nil
}

// Base is the URL below which partners reach the node: what was set, else what it listens on.
func (n *Node) Base() string {
	if n.Settings.Base != "" || n.listener == nil {
		return n.Settings.BaseURL()
	}
	host, port, err := net.SplitHostPort(n.listener.Addr().String())
	if ip := net.ParseIP(host); err == nil && ip != nil && ip.IsUnspecified() {
		host = "localhost" // no other name is known
	}
	return "https://" + net.JoinHostPort(host, port)
}

// OnlyHere reports that partners are told an address that leads to their own machine, though the node listens for others.
func (n *Node) OnlyHere() bool {
	return n.listener != nil && onThisMachine(n.Base()) && !onThisMachine("https://"+n.listener.Addr().String())
}

// tellBase puts the address under which we are reached into our identity: the one that was set, or, where partners were told an
// address of this machine only, the one that we listen on now.
func (n *Node) tellBase(ctx context.Context) error {
	self := n.Exchange.Self()
	if self.Root == "" || self.Base == n.Base() || (n.Settings.Base == "" && !onThisMachine(self.Base)) {
		return nil
	}
	return n.Exchange.Describe(ctx, partner.Profile{
		Domain: self.Domain, Base: n.Base(), Names: self.Names, Kind: self.Kind, Languages: self.Languages, Contact: self.Contact,
	})
}

func onThisMachine(base string) bool {
	u, err := url.Parse(base)
	if err != nil {
		return true
	}
	ip := net.ParseIP(u.Hostname())
	return u.Hostname() == "localhost" || u.Hostname() == "" || (ip != nil && ip.IsLoopback())
}

// serve answers requests until ctx ends.
func (n *Node) serve(ctx context.Context) error {
	if _, err := n.Listen(); err != nil {
		return err
	}
	if err := n.tellBase(ctx); err != nil {
		return err
	}
	h := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { (*n.handler.Load()).ServeHTTP(w, r) })
	if n.handler.Load() == nil {
		if err := n.serveSetup(); err != nil {
			return err
		}
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute, MaxHeaderBytes: 32 << 10,
		ErrorLog:    slog.NewLogLogger(n.Log.Handler(), slog.LevelDebug),
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	var fresh newcomers
	server.ConnState = fresh.note
	failed := make(chan error, 2)
	switch n.Settings.TLSMode() {
	case config.Off:
		go func() { failed <- server.Serve(n.listener) }()
	case config.None:
		secure, plain := sortConnections(n.listener)
		go func() { failed <- server.Serve(tls.NewListener(secure, n.tls.conf)) }()
		go func() { failed <- server.Serve(plain) }()
	default:
		go func() { failed <- server.Serve(tls.NewListener(n.listener, n.tls.conf)) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
	}
	stop, cancel := context.WithTimeout(context.Background(), 3*time.Second)
	defer cancel()
	n.listener.Close()
	fresh.dismiss()
	if server.Shutdown(stop) != nil {
		server.Close()
	}
	if errors.Is(err, http.ErrServerClosed) || errors.Is(err, net.ErrClosed) {
		err = nil
	}
	return err
}

// newcomers are the connections on which nothing has been asked yet. Clients open such ones in reserve; a server that stops would wait
// seconds for each.
type newcomers struct {
	mu    sync.Mutex
	conns map[net.Conn]bool
}

func (n *newcomers) note(c net.Conn, s http.ConnState) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if s != http.StateNew {
		delete(n.conns, c)
		return
	}
	if n.conns == nil {
		n.conns = map[net.Conn]bool{}
	}
	n.conns[c] = true
}

func (n *newcomers) dismiss() {
	n.mu.Lock()
	defer n.mu.Unlock()
	for c := range n.conns {
		c.Close()
	}
}
