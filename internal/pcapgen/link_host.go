package pcapgen

import (
	"encoding/binary"
	"slices"
)

// sll puts the 16 bytes of LINKTYPE_LINUX_SLL in front. The capturing host is
// taken to be the server.
func sll(p packet) []packet {
	b := binary.BigEndian.AppendUint16(nil, sllType(p.from))
	b = append(b, 0, 1, 0, 6) // ARPHRD_ETHER, address length
	b = append(b, p.mac(p.src)...)
	b = append(b, 0, 0)
	return p.behind(noEther, binary.BigEndian.AppendUint16(b, p.ether)...)
}

// sll2 puts the 20 bytes of LINKTYPE_LINUX_SLL2 in front.
func sll2(p packet) []packet {
	b := binary.BigEndian.AppendUint16(nil, p.ether)
	b = append(b, 0, 0, 0, 0, 0, 2)            // reserved, interface index
	b = append(b, 0, 1, byte(sllType(p.from))) // ARPHRD_ETHER, packet type
	b = append(b, 6)
	b = append(b, p.mac(p.src)...)
	return p.behind(noEther, append(b, 0, 0)...)
}

// sllType is 0 for a packet to this host, 4 for one sent by it.
func sllType(from Side) uint16 {
	if from == Client {
		return 0
	}
	return 4
}

// The numbers of AF_INET6. AF_INET is 2 everywhere.
const (
	netBSDFamily6  = 24
	freeBSDFamily6 = 28
	macFamily6     = 30
)

// null is the address family of BSD loopback, with the number that a system
// has for IPv6.
func null(order byteOrder, family6 uint32) layer {
	return func(p packet) []packet {
		family := uint32(2)
		if p.ether == etherIPv6 {
			family = family6
		}
		return p.behind(noEther, order.AppendUint32(nil, family)...)
	}
}

// nflog is the header of the kernel's NFLOG target on a little-endian host:
// family, then type-length-value fields, the last being the packet.
func nflog(p packet) []packet {
	family := byte(2)
	if p.ether == etherIPv6 {
		family = 10
	}
	b := []byte{family, 0, 0, 5}                                                               // version 0, group 5
	b = append(b, nflogField(1, binary.BigEndian.AppendUint16(nil, p.ether), []byte{1, 0})...) // LOCAL_IN
	b = append(b, nflogField(10, []byte("ws in\x00"))...)                                      // prefix
	size := uint16(4 + len(p.data))
	b = binary.LittleEndian.AppendUint16(b, size)
	b = binary.LittleEndian.AppendUint16(b, 9)
	p.data = pad4(slices.Clone(p.data))
	return p.behind(noEther, b...)
}

func nflogField(kind uint16, value ...[]byte) []byte {
	v := slices.Concat(value...)
	b := binary.LittleEndian.AppendUint16(nil, uint16(4+len(v)))
	b = binary.LittleEndian.AppendUint16(b, kind)
	return pad4(append(b, v...))
}

// pktap is Apple's header of 108 bytes around a packet of another link type,
// whose own header has the given length.
func pktap(inner LinkType, length uint32) layer {
	return func(p packet) []packet {
		b := binary.LittleEndian.AppendUint32(nil, 108)
		b = binary.LittleEndian.AppendUint32(b, 1) // a packet follows
		b = binary.LittleEndian.AppendUint32(b, uint32(inner))
		b = append(b, append([]byte("en0"), make([]byte, 21)...)...)
		b = binary.LittleEndian.AppendUint32(b, [2]uint32{1, 2}[p.from]) // inbound, outbound
		b = binary.LittleEndian.AppendUint32(b, 2)                       // AF_INET
		b = binary.LittleEndian.AppendUint32(b, length)
		b = binary.LittleEndian.AppendUint32(b, 0)   // trailer
		b = binary.LittleEndian.AppendUint32(b, 411) // process
		b = append(b, append([]byte("gateway"), make([]byte, 13)...)...)
		b = append(b, make([]byte, 12)...) // service class, interface, effective process
		return p.behind(noEther, append(b, append([]byte("gateway"), make([]byte, 13)...)...)...)
	}
}
