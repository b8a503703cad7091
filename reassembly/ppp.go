package reassembly

import "encoding/binary"

// PPP protocol numbers, IANA.
const (
	pppIPv4   = 0x0021
	pppIPv6   = 0x0057
	pppMPLS   = 0x0281
	pppMPLSMC = 0x0283
)

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
