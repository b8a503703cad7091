package pcapgen

import (
	"encoding/binary"
	"time"
)

// TCP flags.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
	flagURG
)

// timestampRoom is what the timestamps take from each segment: the MSS option
// does not count options in (RFC 9293, Section 3.7.1).
const timestampRoom = 12

// A segment is one TCP segment before it has a checksum.
type segment struct {
	seq, ack uint32
	flags    byte
	urgent   uint16 // length of the data up to the end of what is urgent, valid iff flags has URG
	options  []byte // padded to a multiple of four
	data     []byte
}

// bytes returns the segment as sent from one end of c.
func (s segment) bytes(c *Conn, from Side) []byte {
	src, dst := c.addr[from], c.addr[from.peer()]
	b := binary.BigEndian.AppendUint16(nil, src.Port())
	b = binary.BigEndian.AppendUint16(b, dst.Port())
	b = binary.BigEndian.AppendUint32(b, s.seq)
	b = binary.BigEndian.AppendUint32(b, s.ack)
	b = append(b, byte(20+len(s.options))/4<<4, s.flags)
	b = binary.BigEndian.AppendUint16(b, 64240) // window
	b = append(b, 0, 0)                         // checksum
	b = binary.BigEndian.AppendUint16(b, s.urgent)
	b = append(b, s.options...)
	b = append(b, s.data...)
	sum := checksum(pseudoHeader(src.Addr(), dst.Addr(), protoTCP, len(b)), b)
	if c.badSum {
		sum ^= 0x5aa5
	}
	binary.BigEndian.PutUint16(b[16:], sum)
	return b
}

// synOptions are those of a Linux host: MSS, SACK permitted, timestamps,
// window scale 7. A small stack sends the MSS only.
func (c *Conn) synOptions(from Side) []byte {
	if c.Small {
		return binary.BigEndian.AppendUint16([]byte{2, 4}, uint16(c.MSS))
	}
	b := binary.BigEndian.AppendUint16([]byte{2, 4}, uint16(c.MSS+timestampRoom))
	b = append(b, 4, 2)
	b = append(b, c.timestamps(from)...)
	return append(b, 1, 3, 3, 7)
}

// dataOptions are those of every later segment.
func (c *Conn) dataOptions(from Side) []byte {
	if c.Small {
		return nil
	}
	return append([]byte{1, 1}, c.timestamps(from)...)
}

// timestamps is the option of RFC 7323, with a millisecond clock per side.
func (c *Conn) timestamps(from Side) []byte {
	b := []byte{8, 10}
	b = binary.BigEndian.AppendUint32(b, c.clock(from))
	if c.isOpen {
		return binary.BigEndian.AppendUint32(b, c.clock(from.peer()))
	}
	return binary.BigEndian.AppendUint32(b, 0)
}

func (c *Conn) clock(of Side) uint32 {
	ms := uint32(c.g.now.Sub(baseTime) / time.Millisecond)
	return c.isn[of]>>4 + ms
}
