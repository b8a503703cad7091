package pcapgen

import (
	"encoding/binary"
	"net/netip"
)

// UDP ports of servers that tell about hosts.
const (
	portDNS  = 53
	portDHCP = 67
)

// Datagram stores a UDP datagram (RFC 768) and returns the number of its frame.
func (g *Capture) Datagram(from, to string, data []byte) int {
	src, dst := netip.MustParseAddrPort(from), netip.MustParseAddrPort(to)
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = append(b, 0, 0) // checksum
	b = append(b, data...)
	sum := checksum(pseudoHeader(src.Addr(), dst.Addr(), protoUDP, len(b)), b)
	if sum == 0 { // which says that there is none
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], sum)
	h := ipHeader{from: src.Addr(), to: dst.Addr(), ttl: 64, proto: protoUDP, id: uint16(g.Frames())}
	p := packet{data: h.packet(b), ether: etherType(src.Addr()), src: src.Addr(), dst: dst.Addr(), macs: g.macs}
	if src.Port() == portDNS || src.Port() == portDHCP {
		p.from = Server
	}
	p.proto = ipProtocol(p.ether)
	return g.storeAll(g.iface, p)
}
