package pcapgen

import (
	"encoding/binary"
	"net/netip"
	"slices"
)

// IP protocol numbers.
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIPv4     = 4 // in IP (RFC 2003)
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41 // in IP (RFC 4213)
	protoFragment = 44
	protoGRE      = 47
	protoAH       = 51
	protoEtherIP  = 97
	protoMPLS     = 137 // in IP (RFC 4023)
)

// ipProtocol is the IP protocol number of what has the EtherType, 0 if there is
// none.
func ipProtocol(ether uint16) byte {
	switch ether {
	case etherIPv4:
		return protoIPv4
	case etherIPv6:
		return protoIPv6
	case etherMPLS:
		return protoMPLS
	}
	return 0
}

// An ipHeader is what of an IP header differs from packet to packet.
type ipHeader struct {
	from, to  netip.Addr
	ttl       uint8
	proto     byte
	id        uint16 // IPv4 only
	extension bool   // IPv6 only: put a hop-by-hop header before the payload
	noLength  bool   // IPv4 only: total length 0, as a host captures what its interface will cut into segments
}

// packet returns the IP packet that carries the payload.
func (h ipHeader) packet(payload []byte) []byte {
	if h.from.Is4() {
		return append(h.v4(len(payload)), payload...)
	}
	return append(h.v6(len(payload)), payload...)
}

func (h ipHeader) v4(payload int) []byte {
	length := uint16(20 + payload)
	if h.noLength {
		length = 0
	}
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, length)
	b = binary.BigEndian.AppendUint16(b, h.id)
	b = append(b, 0x40, 0, h.ttl, h.proto, 0, 0) // don't fragment
	b = append(b, h.from.AsSlice()...)
	b = append(b, h.to.AsSlice()...)
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return b
}

func (h ipHeader) v6(payload int) []byte {
	var ext []byte
	next := h.proto
	if h.extension {
		next = protoHopByHop
		ext = []byte{h.proto, 0, 5, 2, 0, 0, 1, 0} // router alert, PadN
	}
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(ext)+payload))
	b = append(b, next, h.ttl)
	b = append(b, h.from.AsSlice()...)
	b = append(b, h.to.AsSlice()...)
	return append(b, ext...)
}

// setLength makes the length of an IP header that of the packet, and its
// checksum right.
func setLength(ip []byte) {
	if ip[0]>>4 == 6 {
		binary.BigEndian.PutUint16(ip[4:], uint16(len(ip)-40))
		return
	}
	binary.BigEndian.PutUint16(ip[2:], uint16(len(ip)))
	binary.BigEndian.PutUint16(ip[10:], 0)
	binary.BigEndian.PutUint16(ip[10:], checksum(ip[:20]))
}

// pseudoHeader is what the checksums of TCP and UDP cover besides the segment
// (RFC 9293, Section 3.1; RFC 8200, Section 8.1).
func pseudoHeader(from, to netip.Addr, proto byte, length int) []byte {
	b := slices.Concat(from.AsSlice(), to.AsSlice())
	if from.Is4() {
		b = append(b, 0, proto)
		return binary.BigEndian.AppendUint16(b, uint16(length))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	return append(b, 0, 0, 0, proto)
}

// checksum is the Internet checksum over the concatenation of even-length
// parts and one last part of any length (RFC 1071).
func checksum(parts ...[]byte) uint16 {
	var sum uint32
	for _, p := range parts {
		for ; len(p) >= 2; p = p[2:] {
			sum += uint32(binary.BigEndian.Uint16(p))
		}
		if len(p) == 1 {
			sum += uint32(p[0]) << 8
		}
	}
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return ^uint16(sum)
}
