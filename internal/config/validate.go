package config

import (
	"net"
	"net/netip"
	"net/url"
	"strconv"
	"strings"
	"time"

	"newspool/internal/fault"
)

// Validate says what is wrong with the settings: the first thing that is, as a fault of the family "config", or nil.
func (s *Settings) Validate() error {
	for _, check := range []func() error{s.checkPlaces, s.checkAddresses, s.checkTLS, s.checkBase, s.checkNetworks, s.checkZone} {
		if err := check(); err != nil {
			return err
		}
	}
	return nil
}

func invalid(key string, args ...any) error { return fault.New(fault.Invalid, key, args...) }

func (s *Settings) checkPlaces() error {
	if strings.TrimSpace(s.Dir) == "" {
		return invalid("config.dir")
	}
	if s.Database == "" {
		return nil
	}
	u, err := url.Parse(s.Database)
	if err != nil {
		return invalid("config.database_form") // the text is not repeated: it may hold a password
	}
	switch u.Scheme {
	case "postgres", "postgresql":
		if u.Host == "" && u.Query().Get("host") == "" || strings.Trim(u.Path, "/") == "" {
			return invalid("config.database_form")
		}
	case "sqlite":
		if u.Opaque == "" && u.Path == "" {
			return invalid("config.database_form")
		}
	default:
		return invalid("config.database_form")
	}
	return nil
}

func (s *Settings) checkAddresses() error {
	if !address(s.Listen) {
		return invalid("config.address", "flag", "listen", "value", s.Listen)
	}
	if s.Metrics == "" {
		return nil
	}
	if !address(s.Metrics) {
		return invalid("config.address", "flag", "metrics-listen", "value", s.Metrics)
	}
	if _, port, _ := net.SplitHostPort(s.Metrics); s.Metrics == s.Listen && port != "0" {
		return invalid("config.metrics_same", "value", s.Metrics)
	}
	return nil
}

func (s *Settings) checkTLS() error {
	switch s.TLS {
	case "", Auto, Self, Files, Off, None:
	default:
		return invalid("config.tls_mode", "value", string(s.TLS))
	}
	mode := s.TLSMode()
	if mode == Files && (s.Cert == "" || s.Key == "") {
		return invalid("config.tls_files")
	}
	if mode != Files && (s.Cert != "" || s.Key != "") {
		return invalid("config.tls_unused", "mode", string(mode))
	}
	if mode == None && !loopback(s.Listen) {
		return invalid("config.tls_none", "value", s.Listen)
	}
	if mode == Off && len(s.TrustProxy) == 0 {
		return invalid("config.tls_off_proxy")
	}
	if mode == Off && s.Base == "" {
		return invalid("config.tls_off_base")
	}
	return nil
}

func (s *Settings) checkBase() error {
	if s.Base == "" {
		return nil
	}
	u, err := url.Parse(s.Base)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" || trimSlash(u.Path) != "" {
		return invalid("config.base_form", "value", s.Base)
	}
	switch {
	case u.Scheme != "https" && u.Scheme != "http":
		return invalid("config.base_form", "value", s.Base)
	case u.Scheme == "http" && s.TLSMode() != None:
		return invalid("config.base_https", "value", s.Base)
	case u.Scheme == "http" && !loopbackHost(u.Hostname()):
		return invalid("config.base_plain", "value", s.Base)
	case u.Scheme == "https" && s.TLSMode() == None && !loopbackHost(u.Hostname()):
		return invalid("config.base_none", "value", s.Base)
	}
	return nil
}

func (s *Settings) checkNetworks() error {
	if _, err := networks("trust-proxy", s.TrustProxy); err != nil {
		return err
	}
	_, err := networks("allow-net", s.AllowNet)
	return err
}

// checkZone refuses "Local" too: it names no zone that a partner could read.
func (s *Settings) checkZone() error {
	if s.ZoneName == "" {
		return nil
	}
	if _, err := time.LoadLocation(s.ZoneName); err != nil || s.ZoneName == "Local" {
		return invalid("config.zone", "value", s.ZoneName)
	}
	return nil
}

// Proxies are the networks whose word on a visitor's address is taken. They never fail on settings that Validate accepted.
func (s *Settings) Proxies() []netip.Prefix {
	list, _ := networks("trust-proxy", s.TrustProxy)
	return list
}

// Allowed are the private networks that this node may call. They never fail on settings that Validate accepted.
func (s *Settings) Allowed() []netip.Prefix {
	list, _ := networks("allow-net", s.AllowNet)
	return list
}

func networks(flag string, texts []string) ([]netip.Prefix, error) {
	var list []netip.Prefix
	for _, text := range texts {
		text = strings.TrimSpace(text)
		if addr, err := netip.ParseAddr(text); err == nil && addr.Zone() == "" {
			list = append(list, netip.PrefixFrom(addr, addr.BitLen()))
			continue
		}
		p, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, invalid("config.network", "flag", flag, "network", text)
		}
		if p != p.Masked() {
			return nil, invalid("config.network_mask", "flag", flag, "value", text, "meant", p.Masked().String())
		}
		list = append(list, p)
	}
	return list, nil
}

func address(text string) bool {
	host, port, err := net.SplitHostPort(text)
	if err != nil || strings.ContainsAny(host, " /?#@") {
		return false
	}
	n, err := strconv.ParseUint(port, 10, 16)
	return err == nil && strconv.FormatUint(n, 10) == port
}

// loopback reports whether an address to listen on is reached from this machine only.
func loopback(listen string) bool {
	host, _, err := net.SplitHostPort(listen)
	return err == nil && loopbackHost(host)
}

func loopbackHost(host string) bool {
	if host == "localhost" || strings.HasSuffix(host, ".localhost") {
		return true
	}
	addr, err := netip.ParseAddr(host)
	return err == nil && addr.Unmap().IsLoopback()
}

// reachable turns "every address" into one that a browser on this machine can open.
func reachable(listen string) string {
	host, port, err := net.SplitHostPort(listen)
	if err != nil {
		return listen
	}
	if addr, err := netip.ParseAddr(host); host == "" || err == nil && addr.IsUnspecified() {
		host = "localhost"
	}
	return net.JoinHostPort(host, port)
}

func trimSlash(s string) string { return strings.TrimSuffix(s, "/") }
