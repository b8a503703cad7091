package workload

import (
	"encoding/binary"
	"net/netip"
)

// TCP header flags.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
)

// A side is one end of a connection.
type side uint8

const (
	client side = iota
	server
)

func (s side) peer() side { return 1 - s }

// An end is what the packets of one side of a connection have in common, and
// where the side stands in its sequence space.
type end struct {
	head  []byte // Ethernet, VLAN tags, IP and the ports, to be completed per packet
	ip    int    // offset of the IP header
	tcp   int    // offset of the TCP header
	isn   uint32
	sent  int64 // bytes sent
	fin   bool  // sent
	ipID  uint16
	clock uint32 // of the timestamps option (RFC 7323) at capture time 0, milliseconds
}

// seq is the sequence number of an offset.
func (e *end) seq(off int64) uint32 { return e.isn + 1 + uint32(off) }

// next is the sequence number after everything sent.
func (e *end) next() uint32 {
	if e.fin {
		return e.seq(e.sent + 1)
	}
	return e.seq(e.sent)
}

// newEnd builds the headers of packets from one address to another.
func newEnd(from, to netip.AddrPort, vlans []uint16) end {
	mac := func(a netip.AddrPort) []byte {
		b := a.Addr().As16()
		return append([]byte{2, 0}, b[12:]...)
	}
	h := append(mac(to), mac(from)...)
	for i, v := range vlans {
		tag := uint16(0x8100)
		if i+1 < len(vlans) {
			tag = 0x88a8 // the outer of two tags, IEEE 802.1ad
		}
		h = binary.BigEndian.AppendUint16(h, tag)
		h = binary.BigEndian.AppendUint16(h, v)
	}
	e := end{ip: len(h) + 2}
	if from.Addr().Is4() {
		h = append(h, 0x08, 0x00, 0x45, 0, 0, 0, 0, 0, 0x40, 0, 64, 6, 0, 0) // don't fragment, TTL 64, TCP
	} else {
		h = append(h, 0x86, 0xdd, 0x60, 0, 0, 0, 0, 0, 6, 64) // TCP, hop limit 64
	}
	h = append(h, from.Addr().AsSlice()...)
	h = append(h, to.Addr().AsSlice()...)
	e.tcp = len(h)
	h = binary.BigEndian.AppendUint16(h, from.Port())
	e.head = binary.BigEndian.AppendUint16(h, to.Port())
	return e
}

// setMACs replaces the Ethernet addresses, which newEnd makes of those of IP.
func (e *end) setMACs(from, to [6]byte) {
	copy(e.head[0:6], to[:])
	copy(e.head[6:12], from[:])
}

// A segment is what the packets of one side differ in.
type segment struct {
	seq, ack uint32
	flags    byte
	options  []byte // padded to a multiple of four
}

// appendPacket appends the headers of a segment to b; the caller appends the
// data and calls seal.
func (e *end) appendPacket(b []byte, s *segment) []byte {
	be := binary.BigEndian
	b = append(b, e.head...)
	b = be.AppendUint32(b, s.seq)
	b = be.AppendUint32(b, s.ack)
	b = append(b, byte(20+len(s.options))<<2, s.flags)
	b = append(b, 0xfa, 0xf0, 0, 0, 0, 0) // window, checksum, urgent pointer
	return append(b, s.options...)
}

// seal fills in lengths and checksums of a complete packet.
func (e *end) seal(b []byte) {
	be := binary.BigEndian
	ip, tcp := b[e.ip:e.tcp], b[e.tcp:]
	var sum uint64
	if len(ip) == 20 {
		be.PutUint16(ip[2:], uint16(len(ip)+len(tcp)))
		be.PutUint16(ip[4:], e.ipID)
		e.ipID++
		be.PutUint16(ip[10:], 0)
		be.PutUint16(ip[10:], foldSum(addSum(0, ip)))
		sum = addSum(0, ip[12:])
	} else {
		be.PutUint16(ip[4:], uint16(len(tcp)))
		sum = addSum(0, ip[8:])
	}
	sum = sum>>32 + sum&0xffffffff // room for what comes
	sum += 6 + uint64(len(tcp))    // the rest of the pseudo-header, RFC 9293, Section 3.1
	be.PutUint16(tcp[16:], foldSum(addSum(sum, tcp)))
}
