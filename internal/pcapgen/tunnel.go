package pcapgen

import (
	"encoding/binary"
	"net/netip"
)

// A tunnel is between two hosts, the first being on the client's side.
type tunnel [2]netip.Addr

func tunnelBetween(client, server string) tunnel {
	return tunnel{netip.MustParseAddr(client), netip.MustParseAddr(server)}
}

// ip is the outer IP header.
func (t tunnel) ip(p packet) []packet { return t.header(p, p.from, p.sent[p.from]) }

// mirror is the outer IP header of a tunnel that goes one way only: what a
// switch saw of both sides goes to the host that wants to see it.
func (t tunnel) mirror(p packet) []packet { return t.header(p, Client, p.total()) }

func (t tunnel) header(p packet, from Side, n int) []packet {
	h := ipHeader{from: t[from], to: t[from.peer()], ttl: 62, proto: p.proto, id: 0x4000 + uint16(p.number(n))}
	p.src, p.dst = h.from, h.to
	p.data = h.packet(p.data)
	p.ether = etherType(h.from)
	p.proto = ipProtocol(p.ether)
	return []packet{p}
}

// udp is a UDP header between the given ports of the two ends, with its
// checksum.
func (t tunnel) udp(client, server uint16) layer {
	ports := [2]uint16{client, server}
	return func(p packet) []packet { return t.datagram(p, ports[p.from], ports[p.from.peer()]) }
}

// udpTo is a UDP header of a tunnel whose packets all go to one port, and come
// from one that is a hash of what is inside: here one for each side.
func (t tunnel) udpTo(port uint16) layer {
	return func(p packet) []packet { return t.datagram(p, [2]uint16{52011, 61007}[p.from], port) }
}

// udpBare is udpTo without checksum, which IPv4 allows (RFC 768).
func (t tunnel) udpBare(port uint16) layer {
	return func(p packet) []packet {
		out := t.udpTo(port)(p)
		out[0].data[6], out[0].data[7] = 0, 0
		return out
	}
}

func (t tunnel) datagram(p packet, src, dst uint16) []packet {
	b := binary.BigEndian.AppendUint16(nil, src)
	b = binary.BigEndian.AppendUint16(b, dst)
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(p.data)))
	b = append(b, 0, 0)
	sum := checksum(pseudoHeader(t[p.from], t[p.from.peer()], protoUDP, 8+len(p.data)), b, p.data)
	if sum == 0 { // which says that there is none
		sum = 0xffff
	}
	binary.BigEndian.PutUint16(b[6:], sum)
	return p.behindProto(protoUDP, b...)
}

// etherIP is the header of Ethernet in IP (RFC 3378).
func etherIP(p packet) []packet { return p.behindProto(protoEtherIP, 0x30, 0) }

// authenticated puts an authentication header into an IP packet, behind the IP
// header (RFC 4302, Section 2). Nobody can check its value.
func authenticated(p packet) []packet {
	size, next := 20, 9
	if p.ether == etherIPv6 {
		size, next = 40, 6
	}
	b := append([]byte{}, p.data[:size]...)
	ah := []byte{b[next], 4, 0, 0, 0, 0, 0x20, 0x01} // length in words less two, index
	ah = binary.BigEndian.AppendUint32(ah, uint32(p.sent[p.from]+1))
	ah = append(ah, "twelve bytes"...)
	b[next] = protoAH
	p.data = append(append(b, ah...), p.data[size:]...)
	setLength(p.data)
	return []packet{p}
}
