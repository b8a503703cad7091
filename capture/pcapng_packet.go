package capture

// A record is what the three kinds of packet blocks tell of their packet.
type record struct {
	iface   uint32
	ticks   uint64
	caplen  uint32
	wirelen uint32
	drops   uint16 // lost since the packet before, if dropsUnknown is not
	at      int    // where the data begin in the block
	timed   bool   // ticks are valid
}

// dropsUnknown is a drop count of the obsolete packet block, the only block
// that has one among its fixed fields.
const dropsUnknown = 0xffff

const (
	enhancedFixed = 20 // draft-ietf-opsawg-pcapng, Section 4.3
	simpleFixed   = 4  // Section 4.4
)

// packet reads a block that holds a packet.
func (n *pcapngWalker) packet(b block, p *Packet) error {
	fixed := enhancedFixed
	if b.kind == blockSimple {
		fixed = simpleFixed
	}
	raw, err := n.whole(b, fixed)
	if err != nil {
		return err
	}
	var rec record
	n.read(b.kind, raw, &rec)
	if err := n.check(b, raw, &rec); err != nil {
		return err
	}
	i := &n.ifaces[rec.iface]
	end := rec.at + int(rec.caplen)
	p.Time = 0
	if rec.timed { // only a simple packet has neither time nor options
		p.Time = i.clock.nanos(rec.ticks)
		n.noteDrops(i, rec.drops, raw[end:])
	}
	p.Iface = i.index
	p.Link = i.link
	p.WireLen = clampInt(rec.wirelen)
	p.Data = raw[rec.at:end:end]
	n.advance(int(b.size))
	return nil
}

// read reads the fixed fields, which whole has found to be there.
func (n *pcapngWalker) read(kind uint32, raw []byte, rec *record) {
	if kind == blockSimple {
		n.readSimple(raw, rec)
		return
	}
	o := n.order
	rec.iface = o.u32(raw[8:])
	rec.ticks = uint64(o.u32(raw[12:]))<<32 | uint64(o.u32(raw[16:]))
	rec.caplen = o.u32(raw[20:])
	rec.wirelen = o.u32(raw[24:])
	rec.drops = dropsUnknown
	rec.timed = true
	rec.at = blockHeadLen + enhancedFixed
	if kind == blockPacket { // the interface has 16 bits there
		rec.iface = uint32(o.u16(raw[8:]))
		rec.drops = o.u16(raw[10:])
	}
}

// readSimple reads a block that tells only how long the packet was on the
// wire. It belongs to the first interface.
func (n *pcapngWalker) readSimple(raw []byte, rec *record) {
	rec.wirelen = n.order.u32(raw[8:])
	rec.at = blockHeadLen + simpleFixed
	rec.caplen = min(rec.wirelen, uint32(len(raw)-rec.at))
	if len(n.ifaces) > 0 && n.ifaces[0].snapLen != 0 {
		rec.caplen = min(rec.caplen, n.ifaces[0].snapLen)
	}
}

// check refuses a packet whose fields contradict the file.
func (n *pcapngWalker) check(b block, raw []byte, rec *record) error {
	switch {
	case int64(rec.iface) >= int64(len(n.ifaces)):
		return n.damage(b.start, "packet of interface %d, but the section describes %d", rec.iface, len(n.ifaces))
	case int64(rec.caplen) > int64(n.max):
		return n.damage(b.start, "packet of %d bytes is larger than %d", rec.caplen, n.max)
	case int64(rec.caplen) > int64(len(raw)-rec.at):
		return n.damage(b.start, "packet of %d bytes does not fit its block of %d", rec.caplen, b.total)
	}
	return nil
}

// noteDrops adds up the packets lost before this one, by the block's own
// field or by its options. Rest is what follows the packet's data in the block:
// padding and options.
func (n *pcapngWalker) noteDrops(i *pcapngInterface, drops uint16, rest []byte) {
	const optDropCount = 4 // epb_dropcount
	if drops != dropsUnknown {
		i.countDrops(n.stream, uint64(drops))
	}
	if len(rest) < 4 {
		return
	}
	opts := options{order: n.order, rest: rest[len(rest)%4:]}
	for opts.next() {
		if opts.code == optDropCount && len(opts.value) == 8 {
			i.countDrops(n.stream, n.order.u64(opts.value))
		}
	}
}

// buffered takes an enhanced packet block with nothing wrong. Other blocks,
// and what is odd about this one, are left to next.
func (n *pcapngWalker) buffered(p *Packet) bool {
	const at = blockHeadLen + enhancedFixed
	raw := n.buf[n.r:n.w]
	if len(raw) < at+4 || n.order.u32(raw) != blockEnhanced {
		return false
	}
	total, id, caplen := n.order.u32(raw[4:]), n.order.u32(raw[8:]), n.order.u32(raw[20:])
	// No window is as large as the largest block that next takes.
	if int64(caplen)+at+4 > int64(total) || int64(total) > int64(len(raw)) {
		return false
	}
	if total%4 != 0 || n.order.u32(raw[total-4:]) != total || int64(caplen) > int64(n.max) || int64(id) >= int64(len(n.ifaces)) {
		return false
	}
	i := &n.ifaces[id]
	end := at + int(caplen)
	p.Time = i.clock.nanos(uint64(n.order.u32(raw[12:]))<<32 | uint64(n.order.u32(raw[16:])))
	p.Iface = i.index
	p.Link = i.link
	p.WireLen = clampInt(n.order.u32(raw[24:]))
	p.Data = raw[at:end:end]
	if rest := raw[end : total-4]; len(rest) >= 4 {
		n.noteDrops(i, dropsUnknown, rest)
	}
	n.advance(int(total))
	n.frames++
	return true
}
