package fetch

import (
	"net/netip"

	"newspool/internal/fault"
)

// Flag is the setting that allows a network; it is named in the refusal.
const Flag = "--allow-net"

// The networks of IPv4 that are not the public internet (IANA special-purpose registry, multicast, reserved).
var closed4 = [...]netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"), netip.MustParsePrefix("10.0.0.0/8"), netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"), netip.MustParsePrefix("169.254.0.0/16"), netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/24"), netip.MustParsePrefix("192.0.2.0/24"), netip.MustParsePrefix("192.88.99.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"), netip.MustParsePrefix("198.18.0.0/15"), netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("224.0.0.0/4"), netip.MustParsePrefix("240.0.0.0/4"),
}

// open6 is where the public internet of IPv6 is; closed6 are the parts of it that lead elsewhere (protocol assignments
// with Teredo, documentation, 6to4). What is outside open6 is closed: mapped and translated IPv4, unique local, link-local.
var (
	open6   = netip.MustParsePrefix("2000::/3")
	closed6 = [...]netip.Prefix{
		netip.MustParsePrefix("2001::/23"), netip.MustParsePrefix("2001:db8::/32"), netip.MustParsePrefix("2002::/16"), netip.MustParsePrefix("3fff::/20"),
	}
)

// Check refuses an address that is not of the public internet and in none of the allowed networks: fault.Denied,
// "fault.address", with the address, the name of the setting and what to set: the network of this address alone.
func Check(addr netip.Addr, allow []netip.Prefix) error {
	bare := addr.WithZone("")
	for _, p := range allow {
		if p.Contains(bare) || p.Contains(bare.Unmap()) {
			return nil
		}
	}
	if public(bare) {
		return nil
	}
	alone := bare.Unmap()
	return refused(addr.String(), netip.PrefixFrom(alone, alone.BitLen()).String())
}

func refused(address, network string) *fault.Error {
	return fault.New(fault.Denied, "fault.address", "address", address, "flag", Flag, "network", network)
}

func public(addr netip.Addr) bool {
	if addr.Is4() {
		for _, p := range closed4 {
			if p.Contains(addr) {
				return false
			}
		}
		return true
	}
	if !addr.IsValid() || !open6.Contains(addr) {
		return false
	}
	for _, p := range closed6 {
		if p.Contains(addr) {
			return false
		}
	}
	return true
}
