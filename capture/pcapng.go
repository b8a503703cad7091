package capture

import "encoding/binary"

// Block types of pcapng (draft-ietf-opsawg-pcapng, Sections 4 and 11.1).
// Those not named here are skipped.
const (
	blockSection    = 0x0a0d0d0a
	blockInterface  = 1
	blockPacket     = 2 // obsolete, Appendix A of the draft
	blockSimple     = 3
	blockStatistics = 5
	blockEnhanced   = 6
	blockSecrets    = 10
	blockJournal    = 9
	blockCustom     = 0x00000bad
	blockCustomKeep = 0x40000bad // not to be copied by editors
)

// byteOrderMagic tells the byte order of a section.
const byteOrderMagic = 0x1a2b3c4d

const (
	blockHeadLen = 8  // type and total length
	blockMinLen  = 12 // the total length again at the end
)

// maxOptions is how many bytes of options and descriptions a block may have
// besides its packet. Only blocks that are skipped may be longer.
const maxOptions = 1 << 20

// A pcapngWalker reads the blocks of a pcapng file
// (draft-ietf-opsawg-pcapng).
type pcapngWalker struct {
	*stream
	order  byteOrder         // of the section
	ifaces []pcapngInterface // of the section
	half   block             // is being skipped, and has not come whole; size 0: none
}

// A block is the head of a block, and where it starts in the stream.
type block struct {
	kind  uint32
	size  int64  // in the stream, padded
	total uint32 // the length as it is written, in front and at the end
	start int64
}

func (n *pcapngWalker) begin() error {
	if n.half.size > 0 {
		return n.skipBlock(n.half)
	}
	// The first 4 bytes, ends of lines, may also begin a text.
	if h := n.peek(blockMinLen); h != nil && !n.setOrder(h[blockHeadLen:]) {
		return unreadable(n.name, errNotCapture)
	}
	b, err := n.head()
	if err != nil {
		return err
	}
	return n.section(b)
}

func (n *pcapngWalker) next(p *Packet) error {
	if n.half.size > 0 {
		if err := n.skipBlock(n.half); err != nil {
			return err
		}
	}
	for {
		b, err := n.head()
		if err != nil {
			return err
		}
		got, err := n.block(b, p)
		if err != nil {
			return err
		}
		if got {
			n.frames++
			return nil
		}
	}
}

// head looks at the head of the next block.
func (n *pcapngWalker) head() (block, error) {
	start := n.pos()
	h := n.peek(blockMinLen)
	if h == nil {
		return block{}, n.cut(start, "block", blockMinLen)
	}
	b := block{kind: n.order.u32(h), start: start}
	// A section may have another byte order, and its length with it.
	if b.kind == blockSection && !n.setOrder(h[blockHeadLen:]) {
		return b, n.damage(start, "section header without byte-order magic")
	}
	b.total = n.order.u32(h[4:])
	if b.total < blockMinLen {
		return b, n.damage(start, "block length %d is less than %d", b.total, blockMinLen)
	}
	// The length has to be a multiple of 4. Writers that forget to count the
	// padding do write it.
	b.size = (int64(b.total) + 3) &^ 3
	return b, nil
}

// setOrder takes the byte order from the magic number of a section header.
func (n *pcapngWalker) setOrder(magic []byte) bool {
	switch binary.LittleEndian.Uint32(magic) {
	case byteOrderMagic:
		n.order = littleEndian
	case 0x4d3c2b1a:
		n.order = bigEndian
	default:
		return false
	}
	return true
}

// block consumes a block, and tells if it was a packet.
func (n *pcapngWalker) block(b block, p *Packet) (bool, error) {
	switch b.kind {
	case blockEnhanced, blockPacket, blockSimple:
		return true, n.packet(b, p)
	case blockInterface:
		return false, n.iface(b)
	case blockStatistics:
		return false, n.statistics(b)
	case blockSection:
		return false, n.section(b)
	case blockCustom, blockCustomKeep, blockJournal:
		n.frames++ // no packets, but Wireshark numbers them among the frames
	case blockSecrets:
		return false, n.secrets(b)
	}
	// Name resolution, unknown blocks.
	return false, n.skipBlock(b)
}

// section starts a new section: interfaces are counted from 0 again.
func (n *pcapngWalker) section(b block) error {
	const fixed = 28
	h := n.peek(fixed)
	if h == nil {
		return n.cut(b.start, "section header", fixed)
	}
	if b.size < fixed {
		return n.damage(b.start, "section header of %d bytes is too short", b.size)
	}
	if major := n.order.u16(h[12:]); major != 1 {
		return n.damage(b.start, "pcapng version %d is not known", major)
	}
	n.ifaces = n.ifaces[:0]
	return n.skipBlock(b)
}

// tlsKeyLog is the type of secrets that are a key log of TLS.
const tlsKeyLog = 0x544c534b

// secrets hands a Decryption Secrets Block on, draft-ietf-opsawg-pcapng, Section
// 4.7. One that is too large to be held is passed over.
func (n *pcapngWalker) secrets(b block) error {
	const fixed = 8
	if n.tell == nil || b.size > int64(n.max+maxOptions) {
		return n.skipBlock(b)
	}
	raw, err := n.whole(b, fixed)
	if err != nil {
		return err
	}
	kind, size, log := n.order.u32(raw[8:]), n.order.u32(raw[12:]), raw[blockHeadLen+fixed:]
	if int64(size) > int64(len(log)) {
		return n.damage(b.start, "secrets of %d bytes in a block of %d", size, b.total)
	}
	if kind == tlsKeyLog {
		n.tell(log[:size])
	}
	n.advance(int(b.size))
	return nil
}

// whole returns all of a block, after checks that it has fixed bytes between
// head and tail.
func (n *pcapngWalker) whole(b block, fixed int) ([]byte, error) {
	if b.size < int64(blockMinLen+fixed) {
		return nil, n.damage(b.start, "block of type %d is too short: %d bytes", b.kind, b.total)
	}
	if limit := int64(n.max + maxOptions); b.size > limit {
		return nil, n.damage(b.start, "block of type %d is too large: %d bytes, more than %d", b.kind, b.total, limit)
	}
	raw := n.peek(int(b.size))
	if raw == nil {
		return nil, n.cut(b.start, "block", b.size)
	}
	if err := n.checkTail(b, raw[len(raw)-4:]); err != nil {
		return nil, err
	}
	return raw[:len(raw)-4], nil
}

// checkTail compares the length at the end of a block with that at its start.
func (n *pcapngWalker) checkTail(b block, tail []byte) error {
	if total := n.order.u32(tail); total != b.total && int64(total) != b.size {
		return n.damage(b.start, "block lengths differ: %d at its start, %d at its end", b.total, total)
	}
	return nil
}

// skipBlock consumes a block without holding it, however long it is, or what is
// left of it.
func (n *pcapngWalker) skipBlock(b block) error {
	n.half = b
	if !n.skip(b.start + b.size - 4 - n.pos()) {
		return n.cut(b.start, "block", b.size)
	}
	tail := n.peek(4)
	if tail == nil {
		return n.cut(b.start, "block", b.size)
	}
	if err := n.checkTail(b, tail); err != nil {
		return err
	}
	n.advance(4)
	n.half = block{}
	return nil
}
