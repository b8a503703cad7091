package pcapgen

import (
	"encoding/binary"
	"hash/crc32"
	"slices"
)

// Bits of the frame control field of IEEE 802.11, its first byte being the low
// one.
const (
	wirelessBeacon    = 0x0080
	wirelessAck       = 0x00d4
	wirelessData      = 0x0008
	wirelessNull      = 0x0048
	wirelessQoS       = 0x0080 // with wirelessData: a QoS control field
	wirelessToDS      = 0x0100
	wirelessFromDS    = 0x0200
	wirelessWDS       = wirelessToDS | wirelessFromDS
	wirelessProtected = 0x4000 // the body is encrypted
	wirelessHTC       = 0x8000 // with QoS: an HT control field
)

// aggregated is the bit of QoS control that says that the body is an A-MSDU.
const aggregated = 0x80

// accessPoint and repeater are addresses of the wireless network itself.
var (
	accessPoint = []byte{0x02, 0x00, 0x5e, 0x00, 0x53, 0x01}
	repeater    = []byte{0x02, 0x00, 0x5e, 0x00, 0x53, 0x02}
)

// A wireless says how the data frames of IEEE 802.11 look.
type wireless struct {
	control uint16 // bits of the frame control besides wirelessData and the direction
	qos     byte   // low byte of QoS control
	align   bool   // fill the header up to a multiple of four, as radiotap's data-pad flag says
}

// frame puts the header of a data frame in front. The client is a station, the
// server behind the access point.
func (w wireless) frame(p packet) []packet {
	b := wirelessHeader(p, w.control|wirelessData)
	if w.control&wirelessQoS != 0 {
		b = append(b, w.qos, 0)
	}
	if w.control&wirelessHTC != 0 {
		b = append(b, 0, 0, 0, 0)
	}
	if w.align {
		b = pad4(b)
	}
	return p.behind(noEther, b...)
}

// wirelessHeader is the header up to the last address. The order of addresses
// is that of IEEE 802.11-2020, Table 9-30.
func wirelessHeader(p packet, control uint16) []byte {
	src, dst := p.mac(p.src), p.mac(p.dst)
	if control&wirelessWDS == 0 {
		control |= [2]uint16{wirelessToDS, wirelessFromDS}[p.from]
	}
	b := binary.LittleEndian.AppendUint16(nil, control)
	b = append(b, 0x2c, 0) // duration
	switch control & wirelessWDS {
	case wirelessToDS:
		b = slices.Concat(b, accessPoint, src, dst)
	case wirelessFromDS:
		b = slices.Concat(b, dst, accessPoint, src)
	default:
		b = slices.Concat(b, accessPoint, repeater, dst)
	}
	b = binary.LittleEndian.AppendUint16(b, uint16(p.total())<<4) // fragment 0
	if control&wirelessWDS == wirelessWDS {
		b = append(b, src...)
	}
	return b
}

// aggregate makes the packet the second part of an A-MSDU; the first is an ARP
// request of the access point.
func aggregate(p packet) []packet {
	arp := []byte{0, 1, 8, 0, 6, 4, 0, 1}
	arp = slices.Concat(arp, accessPoint, []byte{10, 0, 0, 1}, make([]byte, 6), []byte{10, 0, 0, 2})
	beside := snap(packet{data: arp, ether: etherARP})[0]
	return p.behind(noEther, append(pad4(subframe(p, beside.data)), subframeHeader(p, len(p.data))...)...)
}

func subframe(p packet, data []byte) []byte {
	return append(subframeHeader(p, len(data)), data...)
}

func subframeHeader(p packet, size int) []byte {
	return binary.BigEndian.AppendUint16(append(p.mac(p.dst), p.mac(p.src)...), uint16(size))
}

// amongOtherFrames puts other frames of the network around a data frame: a
// beacon, an encrypted frame of somebody else, a null data frame, and the ACK of
// each data frame.
func amongOtherFrames(p packet) []packet {
	ack := append([]byte{wirelessAck, 0, 0, 0}, p.mac(p.src)...)
	var other []byte
	switch p.total() % 3 {
	case 0:
		other = beacon()
	case 1:
		other = append(wirelessHeader(p, wirelessData|wirelessProtected), 0x11, 0x22, 0x33, 0x20, 0x44, 0x55, 0x66, 0x77) // CCMP header
		other = append(other, "fourteen bytes"...)
	case 2:
		other = wirelessHeader(p, wirelessNull)
	}
	return []packet{p.beside(other), p, p.beside(ack)}
}

// beacon announces a network by its name.
func beacon() []byte {
	b := binary.LittleEndian.AppendUint16(nil, wirelessBeacon)
	b = append(b, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff)
	b = slices.Concat(b, accessPoint, accessPoint, []byte{0, 0})
	b = append(b, make([]byte, 8)...)              // timestamp
	b = append(b, 0x64, 0, 0x01, 0x04)             // interval, capabilities
	b = append(b, 0, 3, 'l', 'a', 'b')             // SSID
	return append(b, 1, 4, 0x82, 0x84, 0x8b, 0x96) // supported rates
}

// checkSequence adds the frame check sequence of IEEE 802.
func checkSequence(p packet) []packet {
	p.data = binary.LittleEndian.AppendUint32(p.data[:len(p.data):len(p.data)], crc32.ChecksumIEEE(p.data))
	return []packet{p}
}
