package pcapgen

import (
	"encoding/binary"
	"net"
	"net/netip"
	"slices"
)

// A Host is the truth about the host that has an address.
type Host struct {
	Addr string
	MAC  string // "": nobody can tell
	Name string // "": it told none
}

// dhcpServer gives the addresses of captures.
const dhcpServer = "10.0.0.1"

// Lease lets a host get its address by DHCP (RFC 2131, Section 3.1): discovery,
// offer, request, acknowledgement, all of them broadcast. From then on frames of
// the address have the MAC address. The host tells no name if it is "". It returns
// the last frame.
func (g *Capture) Lease(mac, addr, hostName string) int {
	g.MAC("0.0.0.0", mac)
	g.MAC("255.255.255.255", "ff:ff:ff:ff:ff:ff")
	g.MAC(addr, mac)
	var name []byte
	if hostName != "" {
		name = append([]byte{12, byte(len(hostName))}, hostName...)
	}
	server := netip.MustParseAddr(dhcpServer).AsSlice()
	wanted := slices.Concat([]byte{50, 4}, netip.MustParseAddr(addr).AsSlice(), []byte{54, 4}, server)
	granted := slices.Concat([]byte{54, 4}, server, []byte{51, 4, 0, 1, 0x51, 0x80, 1, 4, 255, 255, 255, 0})
	g.dhcp(mac, "0.0.0.0", 1, 1, name)
	g.dhcp(mac, addr, 2, 2, granted)
	g.dhcp(mac, "0.0.0.0", 1, 3, wanted, name)
	return g.dhcp(mac, addr, 2, 5, granted)
}

// dhcp stores a message (RFC 2131, Section 2) of a type (RFC 2132, Section 9.6):
// op 1 from the client, 2 from the server.
func (g *Capture) dhcp(mac, yours string, op, kind byte, options ...[]byte) int {
	hw, err := net.ParseMAC(mac)
	if err != nil {
		panic(err)
	}
	b := make([]byte, 236, 300)
	copy(b, []byte{op, 1, 6})
	binary.BigEndian.PutUint32(b[4:], binary.BigEndian.Uint32(hw[2:])) // transaction
	b[10] = 0x80                                                       // answer by broadcast
	copy(b[16:], netip.MustParseAddr(yours).AsSlice())
	copy(b[28:], hw)
	b = append(b, 0x63, 0x82, 0x53, 0x63, 53, 1, kind)
	b = append(append(b, slices.Concat(options...)...), 255)
	if op == 1 {
		return g.Datagram("0.0.0.0:68", "255.255.255.255:67", b)
	}
	return g.Datagram(dhcpServer+":67", "255.255.255.255:68", b)
}
