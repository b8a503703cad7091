package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
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
		d.sentBy(int(binary.BigEndian.Uint16(b[4:])), b[6:12])
		return d.cooked(binary.BigEndian.Uint16(b[14:]), b[16:], cut)
	case capture.LinkSLL2:
		if len(b) < 20 {
			return short(cut)
		}
		d.sentBy(int(b[11]), b[12:18])
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

// sentBy takes the sender's address in a header of Linux's "any" device, which
// may have another length than that of IEEE 802.
func (d *decoder) sentBy(length int, addr []byte) {
	if length == len(d.mac) {
		d.mac = flow.MAC(addr)
	}
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
