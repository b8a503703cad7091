package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// maxExtHeaders is how many IPv6 extension headers are followed in one packet.
const maxExtHeaders = 16

// Protocol numbers, IANA "Protocol Numbers".
const (
	protoHopByHop = 0
	protoICMP     = 1
	protoIPv4     = 4
	protoTCP      = 6
	protoUDP      = 17
	protoIPv6     = 41
	protoRouting  = 43
	protoFragment = 44
	protoGRE      = 47
	protoESP      = 50
	protoAH       = 51
	protoICMPv6   = 58
	protoDestOpts = 60
	protoEtherIP  = 97
	protoMobility = 135
	protoMPLS     = 137
	protoHIP      = 139
	protoShim6    = 140
	protoEthernet = 143
)

// ip goes by the version nibble: NULL and LOOP families differ between systems,
// and nothing is gained from believing them.
func (d *decoder) ip(b []byte, cut int) kind {
	if len(b) == 0 {
		return short(cut)
	}
	if !d.enter() {
		return tooDeep
	}
	switch b[0] >> 4 {
	case 4:
		return d.ipv4(b, cut)
	case 6:
		return d.ipv6(b, cut)
	}
	return other
}

// ipv4 reads an IPv4 header, RFC 791, Section 3.1.
func (d *decoder) ipv4(b []byte, cut int) kind {
	if len(b) < 20 {
		return short(cut)
	}
	header := int(b[0]&15) * 4
	if header < 20 {
		return other
	}
	if len(b) < header {
		return short(cut)
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if total == 0 {
		total = len(b) + cut // segmentation offload: the card fills it in later
	}
	if total < header {
		return other
	}
	d.src, d.dst = b[12:16], b[16:20]
	proto, where := b[9], binary.BigEndian.Uint16(b[6:])
	id := binary.BigEndian.Uint16(b[4:])
	b, cut = trim(b, cut, total)
	switch {
	case where&0x3fff == 0:
	case !d.quoted: // more fragments, or an offset
		d.piece = piece{
			src: d.src, dst: d.dst, proto: proto, id: uint32(id),
			start: int(where&0x1fff) * 8, more: where&0x2000 != 0, data: b[header:], cut: total - len(b),
		}
		return fragment
	case where&0x1fff != 0:
		return other // an error quotes a fragment that is not the first
	}
	return d.ipPayload(proto, b[header:], cut)
}

// ipv6 reads an IPv6 header, RFC 8200, Section 3.
func (d *decoder) ipv6(b []byte, cut int) kind {
	if len(b) < 40 {
		return short(cut)
	}
	d.src, d.dst = b[8:24], b[24:40]
	next := b[6]
	length := int(binary.BigEndian.Uint16(b[4:]))
	if length == 0 {
		length = len(b) + cut - 40 // jumbogram or segmentation offload
	}
	b, cut = trim(b[40:], cut, length)
	return d.ipPayload(next, b, cut)
}

// ipPayload goes on behind the header of an IP packet, or with a datagram put
// together of fragments. Extension headers are those of RFC 8200, Section 4, and
// the authentication header, which IPv4 has too.
func (d *decoder) ipPayload(next byte, b []byte, cut int) kind {
	for range maxExtHeaders {
		switch next {
		case protoTCP:
			return d.tcpSegment(b, cut)
		case protoRouting:
			d.route(b)
		case protoHopByHop, protoDestOpts, protoAH, protoMobility, protoHIP, protoShim6:
		case protoFragment:
			if len(b) < 8 {
				return short(cut)
			}
			if where := binary.BigEndian.Uint16(b[2:]); where&0xfff9 != 0 { // an offset, or more fragments
				if d.quoted {
					return other
				}
				d.piece = piece{
					src: d.src, dst: d.dst, proto: b[0], id: binary.BigEndian.Uint32(b[4:]),
					start: int(where &^ 7), more: where&1 != 0, data: b[8:], cut: cut,
				}
				return fragment
			}
		default:
			return d.inside(next, b, cut)
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

// route takes the destination of a packet that is not there yet from its routing
// header: RFC 8200, Section 4.4, RFC 6275 and, where the list begins with the
// last, RFC 8754.
func (d *decoder) route(b []byte) {
	const sourceRoute, mobileIPv6, segmentRoute = 0, 2, 4
	if len(b) < 8 || len(d.dst) != 16 {
		return
	}
	size, left := extLen(protoRouting, b[1]), int(b[3]) // left: addresses that the packet has still to visit
	if len(b) < size || left == 0 || left > (size-8)/16 {
		return
	}
	switch b[2] {
	case segmentRoute:
		d.dst = b[8:24]
	case sourceRoute, mobileIPv6:
		d.dst = b[size-16 : size]
	}
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

// inside goes on with what an IP packet may carry a TCP segment in.
func (d *decoder) inside(proto byte, b []byte, cut int) kind {
	switch proto {
	case protoUDP:
		return d.udp(b, cut)
	case protoIPv4, protoIPv6:
		d.through()
		return d.ip(b, cut)
	case protoGRE:
		d.through()
		return d.gre(b, cut)
	case protoICMP, protoICMPv6:
		return d.icmp(proto, b, cut)
	case protoESP:
		return encrypted
	case protoEtherIP: // RFC 3378
		d.through()
		return d.behind(2, b, cut, (*decoder).ethernet)
	case protoEthernet: // RFC 8986
		d.through()
		return d.ethernet(b, cut)
	case protoMPLS: // RFC 4023
		d.through()
		return d.mpls(b, cut)
	}
	return other
}

// through adds the outer addresses of a tunnel to the path. The frame around the
// tunnel was not sent by whoever sent what is inside.
func (d *decoder) through() {
	d.mac = flow.MAC{}
	for _, w := range [...][2]uint64{addrWords(d.src), addrWords(d.dst)} {
		d.along(alongIP, w[0])
		d.along(alongIP, w[1])
	}
}

// behind goes on behind a header of n bytes.
func (d *decoder) behind(n int, b []byte, cut int, next func(*decoder, []byte, int) kind) kind {
	if len(b) < n {
		return short(cut)
	}
	return next(d, b[n:], cut)
}

// icmp reads the packet that an error message quotes: RFC 792 and RFC 4443,
// Section 3.
func (d *decoder) icmp(proto byte, b []byte, cut int) kind {
	if len(b) < 8 {
		return short(cut)
	}
	switch {
	case proto == protoICMPv6 && 1 <= b[0] && b[0] <= 4:
	case proto == protoICMP && (b[0] == 3 || b[0] == 4 || b[0] == 11 || b[0] == 12):
	default:
		return other
	}
	d.quoted = true
	return d.ip(b[8:], cut)
}
