package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/reassembly/flow"
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

func (d *decoder) ethernet(b []byte, cut int) kind {
	if len(b) < 14 {
		return short(cut)
	}
	if !d.enter() {
		return tooDeep
	}
	d.mac = flow.MAC(b[6:12])
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
