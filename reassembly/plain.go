package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// plain reads the packets that most captures consist of: Ethernet with one VLAN
// tag at most, or nothing, then IPv4 without options or IPv6 without extension
// headers, then a TCP segment that is no fragment. It makes of them what packet
// would make, and reports false for all others.
func (d *decoder) plain(link capture.LinkType, b []byte, wireLen int) bool {
	d.path = 0
	switch link {
	case capture.LinkEthernet:
		if len(b) < 18 {
			return false
		}
		d.mac = flow.MAC(b[6:12])
		etherType, header := binary.BigEndian.Uint16(b[12:]), 14
		if etherType == etherVLAN {
			if id := binary.BigEndian.Uint16(b[14:]) & 0xfff; id != 0 {
				d.along(alongVLAN, uint64(id))
			}
			etherType, header = binary.BigEndian.Uint16(b[16:]), 18
		}
		if etherType != etherIPv4 && etherType != etherIPv6 {
			return false
		}
		b, wireLen = b[header:], wireLen-header
	case capture.LinkRaw, capture.LinkIPv4, capture.LinkIPv6:
		d.mac = flow.MAC{}
	default:
		return false
	}
	if len(b) < 40 {
		return false
	}
	if b[0] != 0x45 {
		return b[0]>>4 == 6 && d.plainIPv6(b, wireLen)
	}
	total := int(binary.BigEndian.Uint16(b[2:]))
	if b[9] != protoTCP || binary.BigEndian.Uint16(b[6:])&0x3fff != 0 || total > len(b) && total > wireLen {
		return false
	}
	d.IP[0][0], d.IP[0][1] = 0, uint64(binary.BigEndian.Uint32(b[12:]))
	d.IP[1][0], d.IP[1][1] = 0, uint64(binary.BigEndian.Uint32(b[16:]))
	d.V6 = false
	return d.plainTCP(b[20:], total-20)
}

func (d *decoder) plainIPv6(b []byte, wireLen int) bool {
	if len(b) < 60 {
		return false
	}
	length := int(binary.BigEndian.Uint16(b[4:]))
	if b[6] != protoTCP || length == 0 || length > len(b)-40 && length > wireLen-40 {
		return false
	}
	d.IP[0][0], d.IP[0][1] = binary.BigEndian.Uint64(b[8:]), binary.BigEndian.Uint64(b[16:])
	d.IP[1][0], d.IP[1][1] = binary.BigEndian.Uint64(b[24:]), binary.BigEndian.Uint64(b[32:])
	d.V6 = true
	return d.plainTCP(b[40:], length)
}

// plainTCP reads a segment of n bytes, of which the snap length may have taken
// some.
func (d *decoder) plainTCP(b []byte, n int) bool {
	if len(b) < 20 || d.checkSums {
		return false
	}
	header, have := int(b[12]>>4)*4, min(n, len(b))
	if header < 20 || header > have {
		return false
	}
	d.Port[0], d.Port[1] = binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])
	d.seq, d.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	d.flags, d.urgent = b[13], 0
	if d.flags&(flagACK|flagURG) != flagACK {
		if d.flags&flagACK == 0 {
			d.ack = 0
		}
		if d.flags&flagURG != 0 {
			d.urgent = binary.BigEndian.Uint16(b[18:])
		}
	}
	d.payload = b[header:have]
	d.wire = n - header
	return true
}
