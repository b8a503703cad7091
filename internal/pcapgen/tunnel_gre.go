package pcapgen

import (
	"encoding/binary"
	"slices"
)

// Bits of the first word of GRE (RFC 2784, RFC 2890; RFC 2637 for version 1).
const (
	greChecksum = 0x8000
	greKey      = 0x2000
	greSequence = 0x1000
	greAck      = 0x0080
	greVersion1 = 0x0001
)

// gre is a GRE header with the optional fields that the bits name.
func gre(bits uint16) layer {
	return func(p packet) []packet {
		b := binary.BigEndian.AppendUint16(nil, bits)
		b = binary.BigEndian.AppendUint16(b, p.ether)
		if bits&greChecksum != 0 {
			b = append(b, 0, 0, 0, 0)
		}
		if bits&greKey != 0 {
			b = append(b, 0, 0x12, 0x34, 0x07) // to NVGRE: a subnet of 24 bits and a flow
		}
		if bits&greSequence != 0 {
			b = binary.BigEndian.AppendUint32(b, uint32(p.sent[p.from]))
		}
		if bits&greChecksum != 0 {
			binary.BigEndian.PutUint16(b[4:], checksum(b, p.data))
		}
		return p.behindProto(protoGRE, b...)
	}
}

// pptp is the enhanced GRE of PPTP, with a call for each side (RFC 2637,
// Section 4.1).
func pptp(p packet) []packet {
	bits := uint16(greKey | greSequence | greVersion1)
	if p.sent[p.from.peer()] > 0 {
		bits |= greAck
	}
	b := binary.BigEndian.AppendUint16(nil, bits)
	b = binary.BigEndian.AppendUint16(b, etherPPP)
	b = binary.BigEndian.AppendUint16(b, uint16(len(p.data)))
	b = binary.BigEndian.AppendUint16(b, [2]uint16{0x0180, 0x4000}[p.from])
	b = binary.BigEndian.AppendUint32(b, uint32(p.sent[p.from]))
	if bits&greAck != 0 {
		b = binary.BigEndian.AppendUint32(b, uint32(p.sent[p.from.peer()]-1))
	}
	return p.behindProto(protoGRE, b...)
}

// ERSPAN is as draft-foschiano-erspan says, Section 4.

// erspan1 is ERSPAN type I: no header, and GRE without optional fields.
func erspan1(p packet) []packet {
	p.ether = etherERSPAN
	return []packet{p}
}

// erspan2 is the header of ERSPAN type II.
func erspan2(p packet) []packet {
	b := []byte{0x10, 10, 0x18, 0x05} // version 1, VLAN 10, tagged, session 5
	return p.behind(etherERSPAN, append(b, 0, 0, 0, 7)...)
}

// erspan3 is the header of ERSPAN type III, with the platform's own subheader
// or without.
func erspan3(platform bool) layer {
	return func(p packet) []packet {
		b := []byte{0x20, 10, 0x00, 0x05} // version 2, VLAN 10, session 5
		b = binary.BigEndian.AppendUint32(b, uint32(p.total())*3)
		b = append(b, 0, 0, 0, 0x02) // no security group, Ethernet, 1588 time
		if platform {
			b[11] |= 1
			b = slices.Concat(b, []byte{0x14, 0, 0x50, 0, 0, 0, 0, 9}) // platform 5
		}
		return p.behind(etherERSPAN3, b...)
	}
}

// mirrorSequence is the GRE header of ERSPAN types II and III: the sequence
// counts both sides of what was seen.
func mirrorSequence(p packet) []packet {
	b := binary.BigEndian.AppendUint16(nil, greSequence)
	b = binary.BigEndian.AppendUint16(b, p.ether)
	return p.behindProto(protoGRE, binary.BigEndian.AppendUint32(b, uint32(p.total()))...)
}
