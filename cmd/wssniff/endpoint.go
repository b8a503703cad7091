package main

import (
	"fmt"
	"net/netip"
	"regexp"
	"strconv"
	"strings"
)

// An endpoint is a set of addresses and ports.
type endpoint struct {
	net     netip.Prefix // the zero value: every address
	port    uint16       // valid iff hasPort
	hasPort bool
}

// parseEndpoint reads ADDRESS[/LENGTH][:PORT] or :PORT. An IPv6 address with a
// port stands in brackets, with its length inside or behind them. Bits behind
// the length do not count.
func parseEndpoint(s string) (endpoint, error) {
	var e endpoint
	address, port := splitPort(s)
	if n, err := strconv.ParseUint(port, 10, 16); err == nil {
		e.port, e.hasPort = uint16(n), true
	} else if port != "" {
		return endpoint{}, errEndpoint(s)
	}
	if address == "" && e.hasPort {
		return e, nil
	}
	var err error
	if e.net, err = parseNet(address); err != nil {
		return endpoint{}, errEndpoint(s)
	}
	return e, nil
}

func errEndpoint(s string) error {
	return fmt.Errorf("no address %q: write 10.0.0.7, 10.0.0.0/8, 10.0.0.7:80, 2001:db8::/32, [2001:db8::1]:443 or :443; names are for --host", s)
}

var (
	inBrackets = regexp.MustCompile(`^\[([^]]+)\](/\d+)?(?::(\d+))?$`)
	oneColon   = regexp.MustCompile(`^([^:]*):(\d+)$`) // more of them: IPv6 without a port
)

// splitPort cuts off the port and takes the brackets away. What has neither is
// returned as it is.
func splitPort(s string) (address, port string) {
	if m := inBrackets.FindStringSubmatch(s); m != nil {
		return m[1] + m[2], m[3]
	}
	if m := oneColon.FindStringSubmatch(s); m != nil {
		return m[1], m[2]
	}
	return s, ""
}

func parseNet(s string) (netip.Prefix, error) {
	if !strings.Contains(s, "/") {
		a, err := netip.ParseAddr(s)
		if err == nil && a.Zone() != "" {
			err = strconv.ErrSyntax // no packet tells its zone
		}
		return unmap(netip.PrefixFrom(a, a.BitLen())), err
	}
	p, err := netip.ParsePrefix(s)
	return unmap(p), err
}

// unmap makes IPv4 of a prefix of IPv4-mapped addresses, ::ffff:10.0.0.0/104.
func unmap(p netip.Prefix) netip.Prefix {
	if p.Addr().Is4In6() && p.Bits() >= 96 {
		return netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p
}

// contains reports whether an address and port are of the set. An IPv4-mapped
// address is of the sets of both its forms.
func (e endpoint) contains(a netip.AddrPort) bool {
	if e.hasPort && e.port != a.Port() {
		return false
	}
	return !e.net.IsValid() || e.net.Contains(a.Addr()) || e.net.Contains(a.Addr().Unmap())
}
