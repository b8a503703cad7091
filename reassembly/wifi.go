package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// radio strips what a radio puts in front of an IEEE 802.11 frame.
func (d *decoder) radio(link capture.LinkType, b []byte, cut int) kind {
	const (
		prismLen = 144
		avsMagic = 0x80211000 // its last three digits are a version
	)
	switch {
	case link == capture.LinkWiFi:
		return d.wifi(b, cut, false)
	case len(b) < 8:
		return short(cut)
	case link == capture.LinkRadiotap:
		return d.radiotap(b, cut)
	case binary.BigEndian.Uint32(b)&^0xfff == avsMagic: // drivers deliver it for Prism too
		return d.wifiBehind(binary.BigEndian.Uint32(b[4:]), b, cut, false)
	case link == capture.LinkPrism:
		return d.wifiBehind(prismLen, b, cut, false)
	}
	return other
}

// wifiBehind goes on behind a radio header whose length it gives itself.
func (d *decoder) wifiBehind(size uint32, b []byte, cut int, padded bool) kind {
	if size < 8 || size > 1<<16 {
		return other
	}
	if len(b) < int(size) {
		return short(cut)
	}
	return d.wifi(b[size:], cut, padded)
}

// radiotap reads the header of radiotap.org: version, length, presence bits, and
// the fields that are present, of which the flags matter.
func (d *decoder) radiotap(b []byte, cut int) kind {
	const (
		hasTSFT, hasFlags, hasMore = 1 << 0, 1 << 1, 1 << 31
		dataPad, badFCS            = 0x20, 0x40
	)
	size := int(binary.LittleEndian.Uint16(b[2:]))
	present := binary.LittleEndian.Uint32(b[4:])
	at := 8
	for more := present; more&hasMore != 0; at += 4 {
		if at+4 > min(size, len(b)) {
			return short(cut)
		}
		more = binary.LittleEndian.Uint32(b[at:])
	}
	if present&hasTSFT != 0 {
		at = (at+7)&^7 + 8
	}
	flags := byte(0)
	if present&hasFlags != 0 && at < min(size, len(b)) {
		flags = b[at]
	}
	if flags&badFCS != 0 {
		return corrupt
	}
	return d.wifiBehind(uint32(size), b, cut, flags&dataPad != 0)
}

// ppi reads a per-packet information header, which names the link type of what
// follows.
func (d *decoder) ppi(b []byte, cut int) kind {
	if len(b) < 8 {
		return short(cut)
	}
	size, link := int(binary.LittleEndian.Uint16(b[2:])), binary.LittleEndian.Uint32(b[4:])
	if size < 8 {
		return other
	}
	if len(b) < size {
		return short(cut)
	}
	return d.link(capture.LinkType(link), b[size:], cut)
}

// wifi reads an IEEE 802.11 frame. padded: its header is filled up to a multiple
// of four bytes.
func (d *decoder) wifi(b []byte, cut int, padded bool) kind {
	const (
		typeMask, typeData       = 0x0c, 0x08
		noData, qos              = 0x40, 0x80 // subtype bits
		toDS, fromDS, moreParts  = 0x01, 0x02, 0x04
		protected, order         = 0x40, 0x80
		aggregate, meshControl   = 0x80, 0x01 // in the two bytes of QoS control
		partNumber               = 0x0f
		plain, address4, control = 24, 6, 4
	)
	if len(b) < plain {
		return short(cut)
	}
	if b[0]&typeMask != typeData || b[0]&noData != 0 {
		return other
	}
	flags := b[1]
	if flags&protected != 0 {
		return encrypted
	}
	if flags&moreParts != 0 || b[22]&partNumber != 0 {
		return wifiFragment
	}
	size := plain
	if flags&(toDS|fromDS) == toDS|fromDS {
		size += address4
	}
	var ctl []byte
	if b[0]&qos != 0 {
		if len(b) < size+2 {
			return short(cut)
		}
		ctl = b[size : size+2]
		if size += 2; flags&order != 0 {
			size += control
		}
	}
	if padded {
		size = (size + 3) &^ 3
	}
	if len(b) < size {
		return short(cut)
	}
	switch flags & (toDS | fromDS) { // IEEE 802.11-2020, Table 9-30
	case 0, toDS:
		d.mac = flow.MAC(b[10:16])
	case fromDS:
		d.mac = flow.MAC(b[16:22])
	default:
		d.mac = flow.MAC(b[plain : plain+address4])
	}
	if b = b[size:]; ctl != nil && ctl[0]&aggregate != 0 {
		d.rest, d.restCut = b, cut
		d.restPath, d.restLayers, d.restQuoted = d.path, d.layers, d.quoted
		return d.more()
	}
	if ctl != nil && ctl[1]&meshControl != 0 && flags&(toDS|fromDS) == toDS|fromDS {
		return d.mesh(b, cut)
	}
	return d.llc(b, cut)
}

// mesh skips a mesh control field: flags, time to live, sequence number, and
// addresses, which are those of hosts outside the mesh.
func (d *decoder) mesh(b []byte, cut int) kind {
	if len(b) < 6 {
		return short(cut)
	}
	if b[0]&3 != 0 {
		d.mac = flow.MAC{}
	}
	return d.behind(6+6*int(b[0]&3), b, cut, (*decoder).llc)
}

// more reads the next subframe of an A-MSDU: two addresses, a length, the bytes,
// and padding to a multiple of four. It may be called while rest is not empty.
func (d *decoder) more() kind {
	const header = 14
	b, cut := d.rest, d.restCut
	d.rest = nil
	d.path, d.layers, d.quoted = d.restPath, d.restLayers, d.restQuoted
	if len(b) < header {
		return short(cut)
	}
	n := int(binary.BigEndian.Uint16(b[12:]))
	if end := (header + n + 3) &^ 3; end+header < len(b) { // less is no subframe, but a check sequence
		d.rest = b[end:]
	}
	d.mac = flow.MAC(b[6:12])
	b, cut = trim(b[header:], cut, n)
	return d.llc(b, cut)
}
