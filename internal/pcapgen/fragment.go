package pcapgen

import (
	"encoding/binary"
	"slices"
)

// minCut is the payload of an IP packet that is cut into fragments: heads are
// longer, everything else is shorter.
const minCut = 160

// A span is a part of the payload of an IP packet, in bytes.
type span struct{ from, to int }

// fragmented cuts the IP packets of heads in three and sends the parts as the
// function arranges them.
func fragmented(arrange func(parts []span) []span) layer {
	return fragmentedFrom(minCut, arrange)
}

// fragmentedFrom is fragmented for all packets with so long a payload.
func fragmentedFrom(least int, arrange func(parts []span) []span) layer {
	return func(p packet) []packet {
		size := ipHeaderSize(p.data)
		if len(p.data)-size < least {
			return []packet{p}
		}
		spans := arrange(thirds(len(p.data) - size))
		last := completing(spans, len(p.data)-size)
		var out []packet
		for i, s := range spans {
			f := p
			f.data = fragment(p.data, s, 0x5e0f0000+uint32(p.number(p.total())))
			f.part = i
			f.aside = p.aside || i != last
			out = append(out, f)
		}
		return out
	}
}

func ipHeaderSize(ip []byte) int {
	if ip[0]>>4 == 6 {
		return 40
	}
	return 20
}

// thirds are three parts, cut at multiples of eight.
func thirds(n int) []span {
	a, b := n/3&^7, 2*n/3&^7
	return []span{{0, a}, {a, b}, {b, n}}
}

// completing returns the index of the part with which all n bytes are there, -1
// if they never are.
func completing(spans []span, n int) int {
	have := make([]bool, n)
	for i, s := range spans {
		for j := s.from; j < s.to; j++ {
			have[j] = true
		}
		if !slices.Contains(have, false) {
			return i
		}
	}
	return -1
}

func inOrder(parts []span) []span { return parts }

func reversed(parts []span) []span { return []span{parts[2], parts[1], parts[0]} }

func eachTwice(parts []span) []span {
	return []span{parts[0], parts[0], parts[1], parts[1], parts[2], parts[2]}
}

func withoutMiddle(parts []span) []span { return []span{parts[0], parts[2]} }

// overlapping begins each part 16 bytes inside the one before.
func overlapping(parts []span) []span {
	return []span{parts[0], {parts[1].from - 16, parts[1].to}, {parts[2].from - 16, parts[2].to}}
}

// fragment is a part of an IP packet as a packet of its own. IPv4 has an
// identification already.
func fragment(ip []byte, s span, id uint32) []byte {
	if ip[0]>>4 == 6 {
		return fragment6(ip, s, id)
	}
	b := slices.Concat(ip[:20], ip[20:][s.from:s.to])
	where := uint16(s.from / 8)
	if 20+s.to < len(ip) {
		where |= 1 << 13 // more fragments
	}
	binary.BigEndian.PutUint16(b[6:], where)
	setLength(b)
	return b
}

// fragment6 puts a fragment header behind the IPv6 header (RFC 8200, Section
// 4.5).
func fragment6(ip []byte, s span, id uint32) []byte {
	where := uint16(s.from)
	if 40+s.to < len(ip) {
		where |= 1 // more fragments
	}
	h := []byte{ip[6], 0}
	h = binary.BigEndian.AppendUint16(h, where)
	h = binary.BigEndian.AppendUint32(h, id)
	b := slices.Concat(ip[:40], h, ip[40:][s.from:s.to])
	b[6] = protoFragment
	setLength(b)
	return b
}

// atomic puts a fragment header into every IPv6 packet though it is whole
// (RFC 6946).
func atomic(p packet) []packet {
	p.data = fragment6(p.data, span{0, len(p.data) - 40}, uint32(p.total()))
	return []packet{p}
}

// amongNonsense puts fragments that can never be put together before and
// between those that the layer makes.
func amongNonsense(cut layer) layer {
	return func(p packet) []packet {
		parts := cut(p)
		if len(parts) == 1 {
			return parts
		}
		var out []packet
		for i, bad := range nonsense(p) {
			out = append(out, p.beside(bad))
			if i < len(parts) {
				out = append(out, parts[i])
			}
		}
		return out
	}
}

// nonsense are fragments of other datagrams between the same hosts: overlapping
// ones that end before they began (teardrop), one beyond the longest datagram,
// an empty one, one of odd length with more to come, and a piece of a TCP header
// behind its ports (RFC 1858).
func nonsense(p packet) [][]byte {
	var out [][]byte
	for _, f := range []struct {
		proto  byte
		id     uint16
		offset int
		more   bool
		size   int
	}{
		{protoUDP, 0xf001, 0, true, 40},
		{protoUDP, 0xf001, 24, false, 4},
		{protoICMP, 0xf002, 65528, false, 32},
		{protoTCP, 0xf003, 64, true, 0},
		{protoTCP, 0xf004, 0, true, 13},
		{protoTCP, 0xf005, 8, false, 24},
	} {
		h := ipHeader{from: p.src, to: p.dst, ttl: 64, proto: f.proto, id: f.id}
		whole := h.packet(make([]byte, f.size))
		out = append(out, misplaced(whole, f.offset, f.more, f.id))
	}
	return out
}

// misplaced makes a packet the fragment at an offset, whatever its length. IPv4
// has its identification already.
func misplaced(ip []byte, offset int, more bool, id uint16) []byte {
	if ip[0]>>4 == 4 {
		where := uint16(offset / 8)
		if more {
			where |= 1 << 13
		}
		binary.BigEndian.PutUint16(ip[6:], where)
		setLength(ip)
		return ip
	}
	where := uint16(offset)
	if more {
		where |= 1
	}
	h := binary.BigEndian.AppendUint16([]byte{ip[6], 0}, where)
	h = binary.BigEndian.AppendUint32(h, uint32(id))
	ip = slices.Concat(ip[:40], h, ip[40:])
	ip[6] = protoFragment
	setLength(ip)
	return ip
}
