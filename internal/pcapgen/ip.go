package pcapgen

import (
	"encoding/binary"
	"net/netip"
)

const (
	protoTCP      = 6
	protoHopByHop = 0
)

// An ipHeader is what of an IP header differs from packet to packet.
type ipHeader struct {
	from, to  netip.Addr
	ttl       uint8
	id        uint16 // IPv4 only
	extension bool   // IPv6 only: put a hop-by-hop header before TCP
}

// packet returns the IP packet that carries the TCP segment.
func (h ipHeader) packet(segment []byte) []byte {
	if h.from.Is4() {
		return append(h.v4(len(segment)), segment...)
	}
	return append(h.v6(len(segment)), segment...)
}

func (h ipHeader) v4(payload int) []byte {
	b := []byte{0x45, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(20+payload))
	b = binary.BigEndian.AppendUint16(b, h.id)
	b = append(b, 0x40, 0, h.ttl, protoTCP, 0, 0) // don't fragment
	b = append(b, h.from.AsSlice()...)
	b = append(b, h.to.AsSlice()...)
	binary.BigEndian.PutUint16(b[10:], checksum(b))
	return b
}

func (h ipHeader) v6(payload int) []byte {
	var ext []byte
	next := byte(protoTCP)
	if h.extension {
		next = protoHopByHop
		ext = []byte{protoTCP, 0, 5, 2, 0, 0, 1, 0} // router alert, PadN
	}
	b := []byte{0x60, 0, 0, 0}
	b = binary.BigEndian.AppendUint16(b, uint16(len(ext)+payload))
	b = append(b, next, h.ttl)
	b = append(b, h.from.AsSlice()...)
	b = append(b, h.to.AsSlice()...)
	return append(b, ext...)
}

// pseudoHeader is what the TCP checksum covers besides the segment
// (RFC 9293, Section 3.1; RFC 8200, Section 8.1).
func pseudoHeader(from, to netip.Addr, length int) []byte {
	b := append(from.AsSlice(), to.AsSlice()...)
	if from.Is4() {
		b = append(b, 0, protoTCP)
		return binary.BigEndian.AppendUint16(b, uint16(length))
	}
	b = binary.BigEndian.AppendUint32(b, uint32(length))
	return append(b, 0, 0, 0, protoTCP)
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
