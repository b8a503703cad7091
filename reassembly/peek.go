package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
)

// A segment is one TCP segment as peek found it. Its slices point into the
// packet.
type segment struct {
	src, dst     []byte // 4 or 16 bytes, both of the same length
	sport, dport uint16
	seq, ack     uint32 // ack is 0 without the flag
	flags        uint8
	payload      []byte
	wire         int // payload bytes on the wire; greater than len(payload): cut by the snap length
}

// TCP header flags, RFC 9293, Section 3.1.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// A kind says what peek made of a packet.
type kind uint8

const (
	other       kind = iota // no TCP: another protocol, or headers that make no sense
	tcp                     // a TCP segment
	fragment                // a part of a fragmented IP packet
	cutHeader               // the snap length cut the packet inside its headers
	unknownLink             // a link type that is not read
)

const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherVLAN   = 0x8100 // IEEE 802.1Q
	etherQinQ   = 0x88a8 // IEEE 802.1ad
	etherQinQ91 = 0x9100 // older double tagging
	etherQinQ92 = 0x9200

	maxVLANTags   = 4
	maxExtHeaders = 16 // IPv6 extension headers followed in one packet
)

// peek finds the TCP segment in a packet straight from the bytes. wireLen is
// the length of the packet on the wire. It never fails: what it cannot read is
// told by its kind.
func peek(link capture.LinkType, b []byte, wireLen int, s *segment) kind {
	cut := max(0, wireLen-len(b)) // a length on the wire that is less than what was captured makes no sense
	switch link {
	case capture.LinkEthernet:
		if len(b) < 14 {
			return short(cut)
		}
		return peekEther(binary.BigEndian.Uint16(b[12:]), b[14:], cut, s)
	case capture.LinkSLL:
		if len(b) < 16 {
			return short(cut)
		}
		return peekEther(binary.BigEndian.Uint16(b[14:]), b[16:], cut, s)
	case capture.LinkSLL2:
		if len(b) < 20 {
			return short(cut)
		}
		return peekEther(binary.BigEndian.Uint16(b), b[20:], cut, s)
	case capture.LinkNull, capture.LinkLoop:
		if len(b) < 4 {
			return short(cut)
		}
		return peekIP(b[4:], cut, s)
	case capture.LinkRaw, capture.LinkRawOld, capture.LinkRawBSD, capture.LinkIPv4, capture.LinkIPv6:
		return peekIP(b, cut, s)
	}
	return unknownLink
}

// short is the kind of a packet that ends inside a header: the snap length did
// it, or the header lies.
func short(cut int) kind {
	if cut > 0 {
		return cutHeader
	}
	return other
}

func peekEther(etherType uint16, b []byte, cut int, s *segment) kind {
	for range maxVLANTags {
		switch etherType {
		case etherIPv4, etherIPv6:
			return peekIP(b, cut, s)
		case etherVLAN, etherQinQ, etherQinQ91, etherQinQ92:
			if len(b) < 4 {
				return short(cut)
			}
			etherType, b = binary.BigEndian.Uint16(b[2:]), b[4:]
		default:
			return other
		}
	}
	return other
}

// peekIP goes by the version nibble: NULL and LOOP families differ between
// systems, and nothing is gained from believing them.
func peekIP(b []byte, cut int, s *segment) kind {
	if len(b) == 0 {
		return short(cut)
	}
	switch b[0] >> 4 {
	case 4:
		return peekIPv4(b, cut, s)
	case 6:
		return peekIPv6(b, cut, s)
	}
	return other
}

func peekIPv4(b []byte, cut int, s *segment) kind {
	if len(b) < 20 {
		return short(cut)
	}
	header := int(b[0]&15) * 4
	if header < 20 {
		return other
	}
	if b[9] != protoTCP {
		return other
	}
	if len(b) < header {
		return short(cut)
	}
	if binary.BigEndian.Uint16(b[6:])&0x3fff != 0 { // more fragments, or an offset
		return fragment
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) + cut // segmentation offload: the card fills it in later
	}
	if total < header {
		return other
	}
	s.src, s.dst = b[12:16], b[16:20]
	b, cut = trim(b, cut, total)
	return peekTCP(b[header:], cut, s)
}

// Protocol numbers, IANA "Protocol Numbers".
const (
	protoHopByHop = 0
	protoTCP      = 6
	protoRouting  = 43
	protoFragment = 44
	protoAH       = 51
	protoDestOpts = 60
	protoMobility = 135
	protoHIP      = 139
	protoShim6    = 140
)

func peekIPv6(b []byte, cut int, s *segment) kind {
	if len(b) < 40 {
		return short(cut)
	}
	s.src, s.dst = b[8:24], b[24:40]
	next := b[6]
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 {
		length = len(b) + cut - 40 // jumbogram or segmentation offload
	}
	b, cut = trim(b[40:], cut, length)
	return peekIPv6Next(next, b, cut, s)
}

// peekIPv6Next walks the extension headers, RFC 8200, Section 4.
func peekIPv6Next(next byte, b []byte, cut int, s *segment) kind {
	for range maxExtHeaders {
		switch next {
		case protoTCP:
			return peekTCP(b, cut, s)
		case protoHopByHop, protoRouting, protoDestOpts, protoAH, protoMobility, protoHIP, protoShim6:
		case protoFragment:
			if len(b) < 8 {
				return short(cut)
			}
			if binary.BigEndian.Uint16(b[2:])&0xfff9 != 0 { // an offset, or more fragments
				return fragment
			}
		default:
			return other
		}
		if len(b) < 2 {
			return short(cut)
		}
		size := extLen(next, b[1])
		if len(b) < size {
			return short(cut)
		}
		next, b = b[0], b[size:]
	}
	return other
}

// extLen is the size of an extension header in bytes, from its length field.
func extLen(proto, field byte) int {
	switch proto {
	case protoFragment:
		return 8
	case protoAH: // RFC 4302, Section 2.2: in 32-bit words, minus 2
		return (int(field) + 2) * 4
	}
	return (int(field) + 1) * 8
}

// trim cuts link-layer padding off a packet of n bytes, and tells how many of
// the n bytes the snap length took.
func trim(b []byte, cut, n int) ([]byte, int) {
	if len(b) >= n {
		return b[:n], 0
	}
	return b, min(cut, n-len(b))
}

func peekTCP(b []byte, cut int, s *segment) kind {
	if len(b) < 20 {
		return short(cut)
	}
	header := int(b[12]>>4) * 4
	if header < 20 {
		return other
	}
	s.sport, s.dport = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	s.seq, s.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	if s.flags = b[13]; s.flags&flagACK == 0 {
		s.ack = 0
	}
	if len(b) < header { // the ports are known, the options are cut, and all the payload with them
		if cut == 0 {
			return other
		}
		s.payload, s.wire = nil, max(0, len(b)+cut-header)
		return tcp
	}
	s.payload = b[header:]
	s.wire = len(s.payload) + cut
	return tcp
}
