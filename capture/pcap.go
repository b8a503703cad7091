package capture

import (
	"encoding/binary"
	"math"
	"math/bits"
)

// The magic numbers of pcap files, as their writer's integers.
const (
	pcapMicro    = 0xa1b2c3d4 // draft-ietf-opsawg-pcap, Section 4
	pcapNano     = 0xa1b23c4d // the same, time stamps in nanoseconds
	pcapModified = 0xa1b2cd34 // of an old patched libpcap: 8 more bytes in each record header
)

// Version 2.4 of either byte order, as a little-endian integer.
const (
	pcapVersion        = 0x00040002
	pcapVersionSwapped = 0x04000200
)

const (
	pcapHeaderLen = 24
	pcapFixedLen  = 16 // of it, which snap length and link type follow
)

// A pcapWalker reads the records of a pcap file (draft-ietf-opsawg-pcap), and of those
// that stand behind it, as after cat a.pcap b.pcap.
type pcapWalker struct {
	*stream
	order    byteOrder
	head     int   // bytes of a record header
	fraction int64 // nanoseconds in one unit of the second half of a time stamp
	iface    int
	link     LinkType
}

// newPcapWalker takes the magic number as read in little-endian.
func newPcapWalker(t *stream, magic uint32) (*pcapWalker, error) {
	c := &pcapWalker{stream: t}
	if !c.recognise(magic) {
		return nil, unreadable(t.name, errNotCapture)
	}
	return c, nil
}

func (c *pcapWalker) begin() error {
	h := c.peek(pcapHeaderLen)
	if h == nil {
		return c.cut(c.pos(), "pcap file header", pcapHeaderLen)
	}
	if major := c.order.u16(h[4:]); major != 2 {
		return c.damage(c.pos(), "pcap version %d is not known", major)
	}
	// The upper bits of the link type tell the length of the frame check
	// sequence; every packet parser finds its end by the lengths inside.
	c.link = LinkType(c.order.u32(h[20:]) & 0xffff)
	c.iface = c.table.add(Interface{Link: c.link, SnapLen: clampInt(c.order.u32(h[16:])), Drops: -1})
	c.advance(pcapHeaderLen)
	return nil
}

// recognise sets what the magic number tells, and false if it tells nothing.
func (c *pcapWalker) recognise(magic uint32) bool {
	c.order, c.head, c.fraction = littleEndian, 16, 1000
	switch bits.ReverseBytes32(magic) {
	case pcapMicro, pcapNano, pcapModified:
		c.order, magic = bigEndian, bits.ReverseBytes32(magic)
	}
	switch magic {
	case pcapMicro:
	case pcapNano:
		c.fraction = 1
	case pcapModified:
		c.head = 24
	default:
		return false
	}
	return true
}

// isPcapHeader reports whether another file begins with a record header. As a packet
// it would be one without a byte in the year 2055, 2011 or 1998.
func isPcapHeader(rec []byte) bool {
	return mayBePcapHeader(rec) && binary.LittleEndian.Uint64(rec[8:]) == 0 && new(pcapWalker).recognise(binary.LittleEndian.Uint32(rec))
}

// mayBePcapHeader looks at what is a fraction of a second in nearly all packets.
func mayBePcapHeader(rec []byte) bool {
	version := binary.LittleEndian.Uint32(rec[4:])
	return version == pcapVersion || version == pcapVersionSwapped
}

// nextFile reads the header of another file.
func (c *pcapWalker) nextFile() error {
	c.recognise(binary.LittleEndian.Uint32(c.peek(4)))
	return c.begin()
}

func (c *pcapWalker) next(p *Packet) error {
	for h := c.peek(pcapFixedLen); h != nil && isPcapHeader(h); h = c.peek(pcapFixedLen) {
		if err := c.nextFile(); err != nil {
			return err
		}
	}
	h := c.peek(c.head)
	if h == nil {
		return c.cut(c.pos(), "packet header", int64(c.head))
	}
	// A captured length above the snap length of the file header is common:
	// writers put 0 or anything there. Above the bound it is nonsense, and
	// where the next record starts cannot be known.
	n := c.order.u32(h[8:])
	if n > uint32(c.max) {
		return c.damage(c.pos(), "packet of %d bytes is larger than %d", n, c.max)
	}
	if size := c.head + int(n); c.peek(size) == nil {
		return c.cut(c.pos(), "packet", int64(size))
	}
	c.buffered(p)
	return nil
}

func (c *pcapWalker) buffered(p *Packet) bool {
	rec := c.buf[c.r:c.w]
	if len(rec) < c.head {
		return false
	}
	n := c.order.u32(rec[8:])
	size := c.head + int(n)
	if n > uint32(c.max) || size > len(rec) || mayBePcapHeader(rec) && isPcapHeader(rec) {
		return false
	}
	// At most 2^32 s and 2^32 us: far from the end of an int64.
	p.Time = int64(c.order.u32(rec))*1e9 + int64(c.order.u32(rec[4:]))*c.fraction
	p.Iface = c.iface
	p.Link = c.link
	p.WireLen = clampInt(c.order.u32(rec[12:]))
	p.Data = rec[c.head:size:size]
	c.advance(size)
	c.frames++
	return true
}

// clampInt converts n where an int has 32 bits too.
func clampInt(n uint32) int { return int(min(n, math.MaxInt32)) }
