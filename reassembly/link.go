package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
)

// EtherTypes, IEEE registration authority.
const (
	etherIPv4   = 0x0800
	etherIPv6   = 0x86dd
	etherTrans  = 0x6558 // transparent Ethernet bridging, a whole frame
	etherVLAN   = 0x8100 // IEEE 802.1Q
	etherQinQ   = 0x88a8 // IEEE 802.1ad
	etherQinQ91 = 0x9100 // older double tagging
	etherQinQ92 = 0x9200
	etherQinQ93 = 0x9300
	etherMPLS   = 0x8847
	etherMPLSMC = 0x8848
	etherPPPoE  = 0x8864 // session stage
	etherPBB    = 0x88e7 // IEEE 802.1ah
	etherPPP    = 0x880b
	etherNSH    = 0x894f // RFC 8300
	etherTRILL  = 0x22f3 // RFC 6325
	etherFabric = 0x8903 // Cisco FabricPath
	etherMACsec = 0x88e5 // IEEE 802.1AE
	etherCMD    = 0x8909 // Cisco metadata
	etherVNTag  = 0x8926
	etherETag   = 0x893f // IEEE 802.1BR
	etherHSR    = 0x892f // IEC 62439-3
	etherRTag   = 0xf1c1 // IEEE 802.1CB
	minEther    = 0x0600 // less is a length, IEEE 802.3
)

// PPP protocol numbers, IANA.
const (
	pppIPv4   = 0x0021
	pppIPv6   = 0x0057
	pppMPLS   = 0x0281
	pppMPLSMC = 0x0283
)

// link reads what a packet begins with.
func (d *decoder) link(link capture.LinkType, b []byte, cut int) kind {
	if !d.enter() {
		return tooDeep
	}
	switch link {
	case capture.LinkEthernet:
		return d.ethernet(b, cut)
	case capture.LinkSLL:
		if len(b) < 16 {
			return short(cut)
		}
		return d.cooked(binary.BigEndian.Uint16(b[14:]), b[16:], cut)
	case capture.LinkSLL2:
		if len(b) < 20 {
			return short(cut)
		}
		return d.cooked(binary.BigEndian.Uint16(b), b[20:], cut)
	case capture.LinkNull, capture.LinkLoop:
		return d.behind(4, b, cut, (*decoder).ip)
	case capture.LinkRaw, capture.LinkRawOld, capture.LinkRawBSD, capture.LinkIPv4, capture.LinkIPv6:
		return d.ip(b, cut)
	case capture.LinkPPPDir:
		return d.behind(1, b, cut, (*decoder).hdlc)
	case capture.LinkTokenRing:
		return d.tokenRing(b, cut)
	case capture.LinkFDDI:
		return d.behind(13, b, cut, (*decoder).llc)
	case capture.LinkATM:
		return d.llc(b, cut)
	case capture.LinkSunATM:
		return d.behind(4, b, cut, (*decoder).llc)
	case capture.LinkIPFC:
		return d.behind(16, b, cut, (*decoder).llc)
	case capture.LinkIPoIB:
		return d.infiniband(b, cut)
	case capture.LinkPPP, capture.LinkPPPHDLC:
		return d.hdlc(b, cut)
	case capture.LinkCHDLC:
		return d.chdlc(b, cut)
	case capture.LinkPPPoE:
		return d.pppoe(b, cut)
	case capture.LinkFrameRelay:
		return d.frameRelay(b, cut)
	case capture.LinkENC:
		return d.behind(12, b, cut, (*decoder).ip)
	case capture.LinkPFLog:
		return d.pflog(b, cut)
	case capture.LinkNFLog:
		return d.nflog(b, cut)
	case capture.LinkPKTAP, capture.LinkPKTAPOld:
		return d.pktap(b, cut)
	case capture.LinkJuniper:
		return d.juniper(b, cut)
	case capture.LinkERF:
		return d.erf(b, cut)
	case capture.LinkPPI:
		return d.ppi(b, cut)
	case capture.LinkWiFi, capture.LinkRadiotap, capture.LinkPrism, capture.LinkAVS:
		return d.radio(link, b, cut)
	}
	return unknownLink
}

// cooked goes on behind the header of Linux's "any" device, whose protocol is an
// EtherType or a number of Linux.
func (d *decoder) cooked(protocol uint16, b []byte, cut int) kind {
	const llc = 4 // ETH_P_802_2
	switch {
	case protocol == llc:
		return d.llc(b, cut)
	case protocol < minEther:
		return other
	}
	return d.etherPayload(protocol, b, cut)
}

func (d *decoder) ethernet(b []byte, cut int) kind {
	if len(b) < 14 {
		return short(cut)
	}
	if !d.enter() {
		return tooDeep
	}
	etherType := binary.BigEndian.Uint16(b[12:])
	if etherType < minEther && (b[0] == 0x01 || b[0] == 0x0c) && binary.BigEndian.Uint32(b[1:]) == 0x000c0000 {
		return d.isl(b, cut)
	}
	return d.etherPayload(etherType, b[14:], cut)
}

// isl reads a Cisco inter-switch link header, which is known by the destination:
// addresses and type, length, SNAP, VLAN, index, a whole frame.
func (d *decoder) isl(b []byte, cut int) kind {
	const header = 26
	if len(b) < header {
		return short(cut)
	}
	if b[5]>>4 != 0 { // token ring and others
		return other
	}
	d.along(alongVLAN, uint64(binary.BigEndian.Uint16(b[20:])>>1))
	return d.ethernet(b[header:], cut)
}

// etherPayload goes on behind an EtherType.
func (d *decoder) etherPayload(etherType uint16, b []byte, cut int) kind {
	for {
		tag := 4
		switch etherType {
		case etherIPv4, etherIPv6:
			return d.ip(b, cut)
		case etherCMD, etherETag:
			tag = 8
		case etherVNTag, etherHSR, etherRTag:
			tag = 6
		case etherVLAN, etherQinQ, etherQinQ91, etherQinQ92, etherQinQ93:
			if len(b) < tag {
				return short(cut)
			}
			if id := binary.BigEndian.Uint16(b) & 0xfff; id != 0 { // 0 is a priority without a VLAN
				d.along(alongVLAN, uint64(id))
			}
		case etherMPLS, etherMPLSMC:
			return d.mpls(b, cut)
		case etherPPPoE:
			return d.pppoe(b, cut)
		case etherPPP:
			return d.ppp(b, cut)
		case etherTrans:
			return d.ethernet(b, cut)
		case etherPBB:
			return d.pbb(b, cut)
		case etherNSH:
			return d.nsh(b, cut)
		case etherMACsec:
			return d.macsec(b, cut)
		case etherTRILL:
			return d.trill(b, cut)
		case etherFabric: // the type ends an outer header; a tag, then a frame
			return d.behind(2, b, cut, (*decoder).ethernet)
		default:
			if etherType < minEther {
				b, cut = trim(b, cut, int(etherType))
				return d.llc(b, cut)
			}
			return other
		}
		if len(b) < tag { // it ends with the next EtherType
			return short(cut)
		}
		if !d.enter() {
			return tooDeep
		}
		etherType, b = binary.BigEndian.Uint16(b[tag-2:]), b[tag:]
	}
}

// llc reads an IEEE 802.2 header: SNAP (RFC 1042), or IP right behind it.
func (d *decoder) llc(b []byte, cut int) kind {
	if len(b) < 3 {
		return short(cut)
	}
	switch {
	case b[0] == 0x06 && b[2] == 3:
		return d.ip(b[3:], cut)
	case b[0] != 0xaa || b[1] != 0xaa || b[2] != 3:
		return other
	case len(b) < 8:
		return short(cut)
	case b[3] != 0 || b[4] != 0 || b[5] != 0 && b[5] != 0xf8: // bridge tunnel encapsulation, IEEE 802.1H
		return other
	}
	return d.snap(binary.BigEndian.Uint16(b[6:]), b[8:], cut)
}

func (d *decoder) snap(etherType uint16, b []byte, cut int) kind {
	switch {
	case etherType < minEther:
		return other // no length can stand here
	case !d.enter():
		return tooDeep
	}
	return d.etherPayload(etherType, b, cut)
}

// mpls reads a stack of labels, RFC 3032, Section 2.1. What lies below it has no
// type: IP shows by its version, anything else is a pseudowire with a control
// word, RFC 4385, or without.
func (d *decoder) mpls(b []byte, cut int) kind {
	for bottom := false; !bottom; {
		if len(b) < 4 {
			return short(cut)
		}
		if !d.enter() {
			return tooDeep
		}
		label := binary.BigEndian.Uint32(b)
		d.along(alongMPLS, uint64(label>>12))
		bottom = label&0x100 != 0
		b = b[4:]
	}
	if len(b) == 0 {
		return short(cut)
	}
	switch b[0] >> 4 {
	case 4, 6:
		return d.ip(b, cut)
	case 0:
		was := *d // first without: a control word would hide a VLAN tag
		if k := d.ethernet(b, cut); k != other || len(d.rest) != len(was.rest) {
			return k
		}
		was.layers = d.layers // what was tried counts, or pseudowires in pseudowires would double the work each time
		*d = was
		return d.behind(4, b, cut, (*decoder).ethernet)
	}
	return other
}

// nsh reads a network service header, RFC 8300, Section 2.2.
func (d *decoder) nsh(b []byte, cut int) kind {
	if len(b) < 8 {
		return short(cut)
	}
	size := int(b[1]&0x3f) * 4
	switch what := b[3]; {
	case size < 8:
		return other
	case what == 1 || what == 2:
		return d.behind(size, b, cut, (*decoder).ip)
	case what == 3:
		return d.behind(size, b, cut, (*decoder).ethernet)
	case what == 5:
		return d.behind(size, b, cut, (*decoder).mpls)
	}
	return other
}

// macsec reads a security tag, IEEE 802.1AE, Section 9.3. A frame may be
// authenticated and not encrypted.
func (d *decoder) macsec(b []byte, cut int) kind {
	const hasChannel, isEncrypted, isChanged = 0x20, 0x08, 0x04
	if len(b) < 8 {
		return short(cut)
	}
	if b[0]&(isEncrypted|isChanged) != 0 {
		return encrypted
	}
	size := 6
	if b[0]&hasChannel != 0 {
		size += 8
	}
	if len(b) < size+2 {
		return short(cut)
	}
	return d.snap(binary.BigEndian.Uint16(b[size:]), b[size+2:], cut)
}

// pppoe reads a session packet, RFC 2516, Section 4.
func (d *decoder) pppoe(b []byte, cut int) kind {
	if len(b) < 6 {
		return short(cut)
	}
	if b[1] != 0 { // discovery
		return other
	}
	d.along(alongPPPoE, uint64(binary.BigEndian.Uint16(b[2:])))
	n := int(binary.BigEndian.Uint16(b[4:]))
	b, cut = trim(b[6:], cut, n)
	return d.ppp(b, cut)
}

// ppp reads a PPP frame, RFC 1661 and RFC 1662, with or without the address and
// control fields and with a protocol field of one or two bytes.
func (d *decoder) ppp(b []byte, cut int) kind {
	if !d.enter() {
		return tooDeep
	}
	if len(b) >= 2 && b[0] == 0xff && b[1] == 3 {
		b = b[2:]
	}
	if len(b) < 2 {
		return short(cut)
	}
	protocol := uint16(b[0])
	if b[0]&1 == 0 {
		protocol = binary.BigEndian.Uint16(b)
		b = b[1:]
	}
	switch b = b[1:]; protocol {
	case pppIPv4, pppIPv6:
		return d.ip(b, cut)
	case pppMPLS, pppMPLSMC:
		return d.mpls(b, cut)
	}
	return other
}

// hdlc reads PPP in HDLC-like framing, or Cisco's HDLC.
func (d *decoder) hdlc(b []byte, cut int) kind {
	if len(b) > 0 && (b[0] == 0x0f || b[0] == 0x8f) { // unicast, multicast
		return d.chdlc(b, cut)
	}
	return d.ppp(b, cut)
}

// chdlc reads Cisco's HDLC: an address, a zero, and an EtherType.
func (d *decoder) chdlc(b []byte, cut int) kind {
	if len(b) < 4 {
		return short(cut)
	}
	return d.snap(binary.BigEndian.Uint16(b[2:]), b[4:], cut)
}

// frameRelay reads a frame with a two-byte address, RFC 2427, Section 3.
func (d *decoder) frameRelay(b []byte, cut int) kind {
	if len(b) < 4 {
		return short(cut)
	}
	d.along(alongVLAN, uint64(binary.BigEndian.Uint16(b)&0xfcf0))
	switch b[3] {
	case 0xcc, 0x8e:
		return d.ip(b[4:], cut)
	case 0: // a pad byte, then SNAP
		if len(b) < 10 {
			return short(cut)
		}
		return d.snap(binary.BigEndian.Uint16(b[8:]), b[10:], cut)
	}
	return other
}

// tokenRing reads an IEEE 802.5 frame, whose source address tells whether a route
// follows.
func (d *decoder) tokenRing(b []byte, cut int) kind {
	const isLLC, hasRoute, lengthMask = 0x40, 0x80, 0x1f
	if len(b) < 15 {
		return short(cut)
	}
	size := 14
	if b[8]&hasRoute != 0 {
		size += int(b[14] & lengthMask)
	}
	if b[1]&0xc0 != isLLC {
		return other
	}
	return d.behind(size, b, cut, (*decoder).llc)
}

// infiniband reads IP over InfiniBand: a global route header and, RFC 4391,
// Section 6, an EtherType.
func (d *decoder) infiniband(b []byte, cut int) kind {
	const route, header = 40, 4
	if len(b) < route+header {
		return short(cut)
	}
	return d.snap(binary.BigEndian.Uint16(b[route:]), b[route+header:], cut)
}

// trill reads a header of routing bridges, RFC 6325, Section 3, and its options.
func (d *decoder) trill(b []byte, cut int) kind {
	if len(b) < 6 {
		return short(cut)
	}
	options := int(binary.BigEndian.Uint16(b)>>6&0x1f) * 4
	return d.behind(6+options, b, cut, (*decoder).ethernet)
}

// pbb reads a provider backbone bridge's I-tag, IEEE 802.1ah: flags, service,
// and a whole frame.
func (d *decoder) pbb(b []byte, cut int) kind {
	if len(b) < 4 {
		return short(cut)
	}
	d.along(alongPBB, uint64(binary.BigEndian.Uint32(b)&0xffffff))
	return d.ethernet(b[4:], cut)
}

// pflog reads the header of OpenBSD's packet filter log, whose first byte is its
// length before padding.
func (d *decoder) pflog(b []byte, cut int) kind {
	if len(b) < 1 {
		return short(cut)
	}
	return d.behind((int(b[0])+3)&^3, b, cut, (*decoder).ip)
}

// nflog reads the attributes of a packet logged by Linux netfilter, which are in
// the byte order of the machine that logged it.
func (d *decoder) nflog(b []byte, cut int) kind {
	const payload = 9 // NFULA_PAYLOAD
	if len(b) < 4 {
		return short(cut)
	}
	for b = b[4:]; ; {
		if len(b) < 4 {
			return short(cut)
		}
		size, what := int(binary.LittleEndian.Uint16(b)), binary.LittleEndian.Uint16(b[2:])
		if what > 0xff { // a big-endian machine: there are not so many attributes
			size, what = int(binary.BigEndian.Uint16(b)), binary.BigEndian.Uint16(b[2:])
		}
		if size < 4 {
			return other
		}
		if what == payload {
			b, cut = trim(b, cut, size)
			return d.ip(b[4:], cut)
		}
		if size = (size + 3) &^ 3; len(b) < size {
			return short(cut)
		}
		b = b[size:]
	}
}

// pktap reads the header of macOS's packet tap: its length, what follows, and
// the link type of that.
func (d *decoder) pktap(b []byte, cut int) kind {
	if len(b) < 12 {
		return short(cut)
	}
	size, next, link := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint32(b[4:]), binary.LittleEndian.Uint32(b[8:])
	if next != 1 || size < 12 || size > 1<<16 {
		return other
	}
	if len(b) < int(size) {
		return short(cut)
	}
	return d.link(capture.LinkType(link), b[size:], cut)
}

// juniper reads what a Juniper router puts before a frame, if anything: a magic
// number, flags, and extensions.
func (d *decoder) juniper(b []byte, cut int) kind {
	const magic, noFrame, hasExtensions = 0x4d4743, 0x02, 0x80
	if len(b) < 6 {
		return short(cut)
	}
	if binary.BigEndian.Uint32(b)>>8 != magic {
		return d.ethernet(b, cut)
	}
	size := 4
	if b[3]&hasExtensions != 0 {
		size += 2 + int(binary.BigEndian.Uint16(b[4:]))
	}
	if b[3]&noFrame != 0 { // a protocol in place of the frame's header
		return d.behind(size+4, b, cut, (*decoder).ip)
	}
	return d.behind(size, b, cut, (*decoder).ethernet)
}

// erf reads a record of an Endace card: time, type, flags, lengths, and extension
// headers of eight bytes, each of which tells whether one follows.
func (d *decoder) erf(b []byte, cut int) kind {
	const header, typeAt, more = 16, 8, 0x80
	if len(b) < header {
		return short(cut)
	}
	what, rest := b[typeAt], b[header:]
	for next := what; next&more != 0; rest = rest[8:] {
		if len(rest) < 8 {
			return short(cut)
		}
		next = rest[0]
	}
	switch what &^ more {
	case 2, 11, 16, 20: // Ethernet, with a byte each for an offset and padding
		return d.behind(2, rest, cut, (*decoder).ethernet)
	case 1, 10, 15, 19: // packet over SONET
		return d.hdlc(rest, cut)
	case 22, 23: // IPv4, IPv6
		return d.ip(rest, cut)
	}
	return other
}
