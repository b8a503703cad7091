package pcapgen

import "encoding/binary"

// A byteOrder both puts and appends.
type byteOrder interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

var (
	littleEndian byteOrder = binary.LittleEndian
	bigEndian    byteOrder = binary.BigEndian
)

const snapLen = 262144

// Magic numbers of classic pcap: they tell the byte order and the unit of
// the second half of a timestamp.
const (
	magicMicro = 0xa1b2c3d4
	magicNano  = 0xa1b23c4d
)

// pcap returns the capture as a classic pcap file. All packets must be of
// one link type.
func (g *Capture) pcap(order byteOrder, nano bool) []byte {
	magic, unit := uint32(magicMicro), 1000
	if nano {
		magic, unit = magicNano, 1
	}
	b := order.AppendUint32(nil, magic)
	b = order.AppendUint16(b, 2)
	b = order.AppendUint16(b, 4)
	b = order.AppendUint32(b, 0) // time zone
	b = order.AppendUint32(b, 0) // accuracy
	b = order.AppendUint32(b, snapLen)
	b = order.AppendUint32(b, uint32(g.sections[0].ifaces[0].link))
	for _, r := range g.recs {
		b = order.AppendUint32(b, uint32(r.at.Unix()))
		b = order.AppendUint32(b, uint32(r.at.Nanosecond()/unit))
		b = order.AppendUint32(b, uint32(len(r.data)))
		b = order.AppendUint32(b, uint32(r.wire))
		b = append(b, r.data...)
	}
	return b
}
