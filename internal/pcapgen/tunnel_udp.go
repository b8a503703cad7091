package pcapgen

import (
	"encoding/binary"
	"slices"
)

// Ports of tunnels in UDP.
const (
	portL2TP     = 1701
	portGTPU     = 2152
	portTeredo   = 3544
	portGRE      = 4754
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472 // of Linux, before there was one
)

// vxlan is the header of VXLAN (RFC 7348, Section 5).
func vxlan(network uint32) layer {
	return func(p packet) []packet {
		return p.behind(noEther, binary.BigEndian.AppendUint32([]byte{0x08, 0, 0, 0}, network<<8)...)
	}
}

// vxlanGPE is the header of VXLAN-GPE with its next protocol
// (draft-ietf-nvo3-vxlan-gpe, Section 3).
func vxlanGPE(network uint32) layer {
	return func(p packet) []packet {
		next := map[uint16]byte{etherIPv4: 1, etherIPv6: 2, etherBridged: 3}[p.ether]
		return p.behind(noEther, binary.BigEndian.AppendUint32([]byte{0x0c, 0, 0, next}, network<<8)...)
	}
}

// geneve is the header of Geneve with options (RFC 8926, Section 3.4).
func geneve(options ...[]byte) layer {
	return func(p packet) []packet {
		o := slices.Concat(options...)
		b := []byte{byte(len(o) / 4), 0}
		b = binary.BigEndian.AppendUint16(b, p.ether)
		b = binary.BigEndian.AppendUint32(b, 77<<8)
		return p.behind(noEther, append(b, o...)...)
	}
}

// geneveOption is an option of Geneve; its data is a multiple of four bytes.
func geneveOption(class uint16, kind byte, data ...byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, class), append([]byte{kind, byte(len(data) / 4)}, data...)...)
}

// A gtp is a tunnel of GTP-U, with an identifier for each direction (3GPP TS
// 29.281, Section 5.1).
type gtp struct {
	teid       [2]uint32 // by the side that sends
	sequence   bool
	extensions []gtpExtension
}

// A gtpExtension is an extension header by its type. Its content and the two
// bytes around it are a multiple of four (Section 5.2.1).
type gtpExtension struct {
	kind    byte
	content func(from Side) []byte
}

// header is that of a T-PDU.
func (t gtp) header(p packet) []packet {
	optional := t.optional(p)
	flags := byte(0x30) // version 1, GTP
	if t.sequence {
		flags |= 0x02
	}
	if len(t.extensions) > 0 {
		flags |= 0x04
	}
	b := binary.BigEndian.AppendUint16([]byte{flags, 0xff}, uint16(len(optional)+len(p.data)))
	b = binary.BigEndian.AppendUint32(b, t.teid[p.from])
	return p.behind(noEther, append(b, optional...)...)
}

// optional are sequence number, N-PDU number and extension headers: all of them
// there if one is.
func (t gtp) optional(p packet) []byte {
	if !t.sequence && len(t.extensions) == 0 {
		return nil
	}
	var b []byte
	if t.sequence {
		b = binary.BigEndian.AppendUint16(b, uint16(p.sent[p.from]))
	} else {
		b = append(b, 0, 0)
	}
	b = append(b, 0) // N-PDU number
	for _, e := range t.extensions {
		content := e.content(p.from)
		b = append(b, e.kind, byte(len(content)+2)/4)
		b = append(b, content...)
	}
	return append(b, 0) // no further header
}

// pduSession is the container of 5G: downlink with QoS flow 9 from the server,
// uplink from the client (3GPP TS 38.415, Section 5.5.2).
func pduSession() gtpExtension {
	return gtpExtension{0x85, func(from Side) []byte { return []byte{[2]byte{0x10, 0x00}[from], 9} }}
}

// pdcpNumber is a PDCP PDU number.
func pdcpNumber() gtpExtension {
	return gtpExtension{0xc0, func(Side) []byte { return []byte{0x0b, 0xb8} }}
}

// teredo puts authentication and origin indication before the IPv6 packet
// (RFC 4380, Section 5.1.1).
func teredo(p packet) []packet {
	b := []byte{0, 1, 0, 0}                                        // no client identifier, no value
	b = append(b, 1, 2, 3, 4, 5, 6, 7, 8)                          // nonce
	b = append(b, 0, 0, 0)                                         // confirmation; origin indication
	b = append(b, 0x30, 0xd6)                                      // port, inverted
	return p.behind(noEther, append(b, 0x34, 0xff, 0xfd, 0xf6)...) // address, inverted
}

// An l2tp is a data message of L2TP version 2, with an identifier of tunnel and
// session for each direction (RFC 2661, Section 3.1).
type l2tp struct {
	full bool // length, sequence numbers and offset
}

func (l l2tp) header(p packet) []packet {
	bits := uint16(2)
	if l.full {
		bits |= 0x4000 | 0x0800 | 0x0200
	}
	b := binary.BigEndian.AppendUint16(nil, bits)
	if l.full {
		b = binary.BigEndian.AppendUint16(b, uint16(18+len(p.data)))
	}
	b = binary.BigEndian.AppendUint16(b, [2]uint16{0x0101, 0x2b2b}[p.from])
	b = binary.BigEndian.AppendUint16(b, [2]uint16{0x0001, 0x7070}[p.from])
	if l.full {
		b = binary.BigEndian.AppendUint16(b, uint16(p.sent[p.from]))
		b = binary.BigEndian.AppendUint16(b, uint16(p.sent[p.from.peer()]))
		b = append(b, 0, 4, 0, 0, 0, 0) // offset and what it skips
	}
	return p.behind(noEther, b...)
}
