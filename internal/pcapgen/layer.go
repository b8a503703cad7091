package pcapgen

import (
	"net/netip"
	"slices"
)

// A packet is what one layer hands to the next one further out: an IP packet
// with TCP in it at first, what the capture stores at last.
type packet struct {
	data     []byte
	ether    uint16     // EtherType of data, 0 if it has none
	proto    byte       // IP protocol number of data, where it can be in an IP packet
	src, dst netip.Addr // of the outermost IP header so far: MAC addresses are made of them
	macs     macs       // but for these
	from     Side
	sent     [2]int // packets that each side sent on the same path before
	part     int    // which of the fragments it is, so that headers further out can tell them apart
	aside    bool   // the TCP segment is not complete with this packet, or was so before it
}

// total is the number of packets before p on its path.
func (p packet) total() int { return p.sent[Client] + p.sent[Server] }

// number tells p from all other packets on its path after n segments, since a
// segment may come in fragments.
func (p packet) number(n int) int { return n*8 + p.part }

// A layer takes a packet one layer further out. It may make several of it:
// fragments, copies, or frames that have nothing to do with it.
type layer func(p packet) []packet

// behind is the packet with a header in front, which makes it one of the given
// EtherType.
func (p packet) behind(ether uint16, header ...byte) []packet {
	p.data = slices.Concat(header, p.data)
	p.ether, p.proto = ether, ipProtocol(ether)
	return []packet{p}
}

// behindProto is behind for what has an IP protocol number only.
func (p packet) behindProto(proto byte, header ...byte) []packet {
	p.data = slices.Concat(header, p.data)
	p.ether, p.proto = 0, proto
	return []packet{p}
}

// beside is a packet on the same path that has nothing to do with the segment.
func (p packet) beside(data []byte) packet {
	p.data, p.aside = data, true
	return p
}

// through takes a packet through the layers of a path, which begins with the
// outermost one.
func through(path []layer, p packet) []packet {
	packets := []packet{p}
	for _, l := range slices.Backward(path) {
		var out []packet
		for _, p := range packets {
			out = append(out, l(p)...)
		}
		packets = out
	}
	return packets
}

// oneSide applies a layer to the packets of one side only.
func oneSide(side Side, l layer) layer {
	return func(p packet) []packet {
		if p.from != side {
			return []packet{p}
		}
		return l(p)
	}
}

// routed is what a router does to an IP packet on its way.
func routed(p packet) []packet {
	at := 8
	if p.ether == etherIPv6 {
		at = 7
	}
	p.data = slices.Clone(p.data)
	p.data[at]--
	setLength(p.data) // and the checksum
	return []packet{p}
}

// twice shows every packet on two paths, as a mirror port does that has both
// sides of a router. A packet of the server comes by the second path first.
func twice(near, far []layer) layer {
	return func(p packet) []packet {
		first, second := near, far
		if p.from == Server {
			first, second = far, near
		}
		copied := p
		copied.aside = true
		return append(through(first, p), through(second, copied)...)
	}
}
