package reassembly

import "encoding/binary"

// UDP ports of tunnels, IANA "Service Name and Transport Protocol Port Number".
const (
	portL2TP     = 1701
	portGTP      = 2152
	portTeredo   = 3544
	portLISP     = 4341
	portGRE      = 4754
	portVXLAN    = 4789
	portVXLANGPE = 4790
	portAYIYA    = 5072
	portGeneve   = 6081
	portMPLS     = 6635
	portVXLANOld = 8472 // what Linux took before there was a number
	portTZSP     = 37008
)

// Header lengths in bytes.
const (
	udpHeaderLen  = 8
	vxlanHeadLen  = 8
	geneveHeadLen = 8
)

// udp looks for tunnels, and for what tells about hosts, which are known by
// either port.
func (d *decoder) udp(b []byte, cut int) kind {
	if len(b) < udpHeaderLen {
		return short(cut)
	}
	next := tunnelAt(binary.BigEndian.Uint16(b[2:]))
	if next == nil {
		next = tunnelAt(binary.BigEndian.Uint16(b))
	}
	if next == nil {
		return d.datagram(b, cut)
	}
	if n := int(binary.BigEndian.Uint16(b[4:])); n >= udpHeaderLen {
		b, cut = trim(b, cut, n)
	}
	if !d.enter() {
		return tooDeep
	}
	d.through()
	return next(d, b[udpHeaderLen:], cut)
}

// tunnelAt returns what reads the datagrams of a port, nil if it is no tunnel's.
func tunnelAt(port uint16) func(*decoder, []byte, int) kind {
	switch port {
	case portVXLAN, portVXLANOld:
		return (*decoder).vxlan
	case portVXLANGPE:
		return (*decoder).vxlanGPE
	case portAYIYA:
		return (*decoder).ayiya
	case portGeneve:
		return (*decoder).geneve
	case portGTP:
		return (*decoder).gtp
	case portTeredo:
		return (*decoder).teredo
	case portL2TP:
		return (*decoder).l2tp
	case portLISP:
		return (*decoder).lisp
	case portTZSP:
		return (*decoder).tzsp
	case portMPLS:
		return (*decoder).mpls
	case portGRE:
		return (*decoder).gre
	}
	return nil
}

// gre reads a GRE header: RFC 2784 and RFC 2890, and version 1 of PPTP, RFC
// 2637, Section 4.1.
func (d *decoder) gre(b []byte, cut int) kind {
	const (
		hasSum, hasRoute, hasKey, hasSeq = 0x8000, 0x4000, 0x2000, 0x1000
		hasAck                           = 0x0080 // version 1
		typeERSPAN, typeERSPAN3          = 0x88be, 0x22eb
		typeWCCP                         = 0x883e
	)
	if len(b) < 4 {
		return short(cut)
	}
	if !d.enter() {
		return tooDeep
	}
	flags, what := binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	version := flags & 7
	if flags&hasRoute != 0 { // source routes went out of use with RFC 2784
		return other
	}
	size := 4
	if flags&hasSum != 0 {
		size += 4
	}
	if flags&hasKey != 0 {
		if len(b) < size+4 {
			return short(cut)
		}
		key := binary.BigEndian.Uint32(b[size:])
		if version == 1 {
			key &= 0xffff // the upper half is a length
		}
		d.along(alongGRE, uint64(key))
		size += 4
	}
	if flags&hasSeq != 0 {
		size += 4
	}
	if version == 1 && flags&hasAck != 0 {
		size += 4
	}
	if len(b) < size {
		return short(cut)
	}
	switch b = b[size:]; {
	case what == typeERSPAN && flags&hasSeq == 0:
		return d.ethernet(b, cut) // type I has no header of its own
	case what == typeERSPAN || what == typeERSPAN3:
		return d.erspan(b, cut)
	case what == typeWCCP:
		return d.wccp(b, cut)
	case what < minEther:
		return other
	}
	return d.etherPayload(what, b, cut)
}

// erspan reads a mirrored frame of type II or III, draft-foschiano-erspan-03,
// Sections 4.2 and 4.3. The header of type III may have another eight bytes.
func (d *decoder) erspan(b []byte, cut int) kind {
	const type2, type3 = 1, 2
	if len(b) < 8 {
		return short(cut)
	}
	d.along(alongERSPAN, uint64(binary.BigEndian.Uint32(b)&0x0fff03ff)) // VLAN and session
	switch b[0] >> 4 {
	case type2:
		return d.ethernet(b[8:], cut)
	case type3:
		if len(b) < 12 {
			return short(cut)
		}
		if b[11]&1 != 0 {
			return d.behind(20, b, cut, (*decoder).ethernet)
		}
		return d.ethernet(b[12:], cut)
	}
	return other
}

// wccp reads a packet that a router redirected to a cache, with or without the
// header of version 2.
func (d *decoder) wccp(b []byte, cut int) kind {
	if len(b) > 0 && b[0]>>4 == 4 {
		return d.ip(b, cut)
	}
	return d.behind(4, b, cut, (*decoder).ip)
}

// vxlan reads a VXLAN header, RFC 7348, Section 5.
func (d *decoder) vxlan(b []byte, cut int) kind {
	if len(b) < vxlanHeadLen {
		return short(cut)
	}
	d.along(alongVXLAN, uint64(binary.BigEndian.Uint32(b[4:])>>8))
	return d.ethernet(b[vxlanHeadLen:], cut)
}

// vxlanGPE reads a VXLAN header that names what follows,
// draft-ietf-nvo3-vxlan-gpe-13, Section 3.
func (d *decoder) vxlanGPE(b []byte, cut int) kind {
	if len(b) < vxlanHeadLen {
		return short(cut)
	}
	d.along(alongVXLAN, uint64(binary.BigEndian.Uint32(b[4:])>>8))
	switch next := b[3]; next {
	case 1, 2:
		return d.ip(b[vxlanHeadLen:], cut)
	case 3:
		return d.ethernet(b[vxlanHeadLen:], cut)
	case 4:
		return d.nsh(b[vxlanHeadLen:], cut)
	case 5:
		return d.mpls(b[vxlanHeadLen:], cut)
	}
	return other
}

// ayiya reads a packet of the tunnels that SixXS offered,
// draft-massar-v6ops-ayiya-02, Section 3.1: lengths of identity and signature,
// method, operation, protocol, time.
func (d *decoder) ayiya(b []byte, cut int) kind {
	const header, forward = 8, 1
	if len(b) < header {
		return short(cut)
	}
	size := header + 1<<(b[0]>>4) + int(b[1]>>4)*4
	if b[2]&15 != forward || b[3] != protoIPv4 && b[3] != protoIPv6 {
		return other
	}
	return d.behind(size, b, cut, (*decoder).ip)
}

// lisp reads a LISP data packet, RFC 9300, Section 5.1.
func (d *decoder) lisp(b []byte, cut int) kind {
	if len(b) < 8 {
		return short(cut)
	}
	if b[0]&0x08 != 0 { // an instance, in the upper 24 bits
		d.along(alongLISP, uint64(binary.BigEndian.Uint32(b[4:])>>8))
	}
	return d.ip(b[8:], cut)
}

// tzsp reads a frame that a sniffer on another device sends on (TaZmen Sniffer
// Protocol): version, type, link type, and tags up to an end tag.
func (d *decoder) tzsp(b []byte, cut int) kind {
	const ethernet, wifi, tagPadding, tagEnd = 1, 0x12, 0, 1
	if len(b) < 4 {
		return short(cut)
	}
	link := binary.BigEndian.Uint16(b[2:])
	for b = b[4:]; ; {
		if len(b) < 2 {
			return short(cut)
		}
		switch tag := b[0]; {
		case tag == tagEnd && link == ethernet:
			return d.ethernet(b[1:], cut)
		case tag == tagEnd && link == wifi:
			return d.wifi(b[1:], cut, false)
		case tag == tagEnd:
			return other
		case tag == tagPadding:
			b = b[1:]
		case len(b) < 2+int(b[1]):
			return short(cut)
		default:
			b = b[2+int(b[1]):]
		}
	}
}

// geneve reads a Geneve header, RFC 8926, Section 3.4.
func (d *decoder) geneve(b []byte, cut int) kind {
	if len(b) < geneveHeadLen {
		return short(cut)
	}
	if b[0]>>6 != 0 {
		return other
	}
	d.along(alongGeneve, uint64(binary.BigEndian.Uint32(b[4:])>>8))
	what := binary.BigEndian.Uint16(b[2:])
	size := geneveHeadLen + int(b[0]&0x3f)*4
	if len(b) < size {
		return short(cut)
	}
	return d.snap(what, b[size:], cut)
}

// gtp reads a user packet of GTP version 1, 3GPP TS 29.281, Section 5.
func (d *decoder) gtp(b []byte, cut int) kind {
	const hasExt, hasSeq, hasNPDU, userPacket = 4, 2, 1, 0xff
	if len(b) < 8 {
		return short(cut)
	}
	if b[0]>>4 != 3 || b[1] != userPacket { // version 1, not GTP'
		return other
	}
	flags := b[0]
	d.along(alongGTP, uint64(binary.BigEndian.Uint32(b[4:])))
	n := int(binary.BigEndian.Uint16(b[2:]))
	b, cut = trim(b[8:], cut, n)
	if flags&(hasExt|hasSeq|hasNPDU) == 0 {
		return d.ip(b, cut)
	}
	if len(b) < 4 {
		return short(cut)
	}
	next := b[3]
	if flags&hasExt == 0 {
		next = 0
	}
	for b = b[4:]; next != 0; {
		if !d.enter() {
			return tooDeep
		}
		if len(b) == 0 {
			return short(cut)
		}
		size := int(b[0]) * 4
		if size == 0 {
			return other
		}
		if len(b) < size {
			return short(cut)
		}
		next, b = b[size-1], b[size:]
	}
	return d.ip(b, cut)
}

// teredo reads IPv6 in UDP with the indications that may precede it, RFC 4380,
// Section 5.1.1.
func (d *decoder) teredo(b []byte, cut int) kind {
	if len(b) >= 2 && b[0] == 0 && b[1] == 1 { // authentication
		if len(b) < 4 {
			return short(cut)
		}
		size := 13 + int(b[2]) + int(b[3])
		if len(b) < size {
			return short(cut)
		}
		b = b[size:]
	}
	if len(b) >= 2 && b[0] == 0 && b[1] == 0 { // origin
		if len(b) < 8 {
			return short(cut)
		}
		b = b[8:]
	}
	if len(b) < 2 { // perhaps the beginning of an indication
		return short(cut)
	}
	if b[0]>>4 != 6 {
		return other
	}
	return d.ip(b, cut)
}

// l2tp reads a data message of L2TP version 2, RFC 2661, Section 3.1.
func (d *decoder) l2tp(b []byte, cut int) kind {
	const isControl, hasLength, hasSeq, hasOffset = 0x8000, 0x4000, 0x0800, 0x0200
	if len(b) < 2 {
		return short(cut)
	}
	flags := binary.BigEndian.Uint16(b)
	if flags&isControl != 0 || flags&15 != 2 {
		return other
	}
	size := 2
	if flags&hasLength != 0 {
		size += 2
	}
	if len(b) < size+4 {
		return short(cut)
	}
	d.along(alongL2TP, uint64(binary.BigEndian.Uint32(b[size:]))) // tunnel and session
	size += 4
	if flags&hasSeq != 0 {
		size += 4
	}
	if flags&hasOffset != 0 {
		if len(b) < size+2 {
			return short(cut)
		}
		size += 2 + int(binary.BigEndian.Uint16(b[size:]))
	}
	return d.behind(size, b, cut, (*decoder).ppp)
}
