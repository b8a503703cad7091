package analyze

import (
	"net"
	"net/netip"
	"strconv"
	"strings"
)

// tunnelHost returns the host that the target of a CONNECT names (RFC 9112, Section
// 3.2.3), in lower case, and its port; "" and 0 if it makes no sense.
func tunnelHost(target string) (host string, port uint16) {
	host, digits, err := net.SplitHostPort(target)
	n, bad := strconv.ParseUint(digits, 10, 16)
	if err != nil || bad != nil {
		return "", 0
	}
	return strings.TrimSuffix(strings.ToLower(host), "."), uint16(n)
}

// throughTunnel tells where a TLS connection leads whose server_name is name: to that
// or, without one, to the host of the tunnel if that has a name; and to which address
// and port, as far as the target says.
func throughTunnel(target, name string) (string, netip.AddrPort) {
	host, port := tunnelHost(target)
	ip, err := netip.ParseAddr(host)
	if name == "" && err != nil {
		name = host
	}
	return name, netip.AddrPortFrom(ip, port)
}

// host is the name of the server of a session: as the ClientHello has it, or else the
// tunnel; "" if there is none.
func (s *session) host() string {
	if s.ServerName != "" || s.tunnel == "" {
		return s.ServerName
	}
	name, _ := throughTunnel(s.tunnel, "")
	return name
}
