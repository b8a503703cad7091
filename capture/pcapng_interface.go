package capture

import "strings"

// A pcapngInterface is an interface of the current section.
type pcapngInterface struct {
	index   int // in the interfaceTable
	link    LinkType
	snapLen uint32 // 0: unlimited
	clock   clock
	drops   uint64 // lost, counted packet by packet
}

// countDrops adds n packets that were lost just before the current one.
func (i *pcapngInterface) countDrops(t *stream, n uint64) {
	i.drops += min(n, 1<<62-min(i.drops, 1<<62))
	t.table.lost(i.index, i.drops)
}

// iface reads an Interface Description Block (draft-ietf-opsawg-pcapng,
// Section 4.2).
func (n *pcapngWalker) iface(b block) error {
	const fixed = 8
	raw, err := n.whole(b, fixed)
	if err != nil {
		return err
	}
	if len(n.ifaces) == maxInterfaces {
		return n.damage(b.start, "more than %d interfaces in one section", maxInterfaces)
	}
	i := pcapngInterface{link: LinkType(n.order.u16(raw[8:])), snapLen: n.order.u32(raw[12:])}
	name, err := n.describe(b, &i, raw[blockHeadLen+fixed:])
	if err != nil {
		return err
	}
	i.index = n.table.add(Interface{Name: name, Link: i.link, SnapLen: clampInt(i.snapLen), Drops: -1})
	n.ifaces = append(n.ifaces, i)
	n.advance(int(b.size))
	return nil
}

// describe reads the options of an interface.
func (n *pcapngWalker) describe(b block, i *pcapngInterface, raw []byte) (name string, err error) {
	const (
		optName   = 2  // if_name
		optResol  = 9  // if_tsresol
		optOffset = 14 // if_tsoffset
	)
	resol, offset := byte(defaultResolution), int64(0)
	opts := options{order: n.order, rest: raw}
	for opts.next() {
		switch {
		case opts.code == optName:
			name = interfaceName(opts.value)
		case opts.code == optResol && len(opts.value) == 1:
			resol = opts.value[0]
		case opts.code == optOffset && len(opts.value) == 8:
			offset = int64(n.order.u64(opts.value))
		}
	}
	// Without its resolution every time of the interface may be wrong.
	if opts.broken {
		return "", n.damage(b.start, "option longer than its interface description")
	}
	i.clock = newClock(resol, offset)
	return name, nil
}

func interfaceName(b []byte) string {
	name, _, _ := strings.Cut(string(b[:min(len(b), maxInterfaceName)]), "\x00")
	return name
}

// statistics reads the drops of an Interface Statistics Block, and its end
// (draft-ietf-opsawg-pcapng, Section 4.6).
func (n *pcapngWalker) statistics(b block) error {
	const (
		fixed     = 12
		optEnd    = 3 // isb_endtime
		optIfDrop = 5 // isb_ifdrop, by the interface
		optOSDrop = 7 // isb_osdrop, by the operating system
	)
	raw, err := n.whole(b, fixed)
	if err != nil {
		return err
	}
	var lost uint64
	told := false
	id := n.order.u32(raw[8:])
	opts := options{order: n.order, rest: raw[blockHeadLen+fixed:]}
	for opts.next() {
		if (opts.code == optIfDrop || opts.code == optOSDrop) && len(opts.value) == 8 {
			lost += min(n.order.u64(opts.value), 1<<62)
			told = true
		}
		if opts.code == optEnd && len(opts.value) == 8 && int64(id) < int64(len(n.ifaces)) {
			end := n.ifaces[id].clock.nanos(uint64(n.order.u32(opts.value))<<32 | uint64(n.order.u32(opts.value[4:])))
			n.table.end = max(n.table.end, end)
		}
	}
	// Statistics of an unknown interface do no harm to any packet.
	if told && int64(id) < int64(len(n.ifaces)) {
		n.table.lost(n.ifaces[id].index, lost)
	}
	n.advance(int(b.size))
	return nil
}

// options walks the options of a block (draft-ietf-opsawg-pcapng, Section
// 3.5).
type options struct {
	order  byteOrder
	rest   []byte
	code   uint16
	value  []byte
	broken bool // the last option does not fit
}

// next reads one option, and is false behind the last.
func (o *options) next() bool {
	if len(o.rest) < 4 {
		return false
	}
	o.code = o.order.u16(o.rest)
	n := int(o.order.u16(o.rest[2:]))
	o.rest = o.rest[4:]
	if o.code == 0 { // opt_endofopt
		return false
	}
	if n > len(o.rest) {
		o.broken = true
		return false
	}
	o.value = o.rest[:n]
	o.rest = o.rest[min((n+3)&^3, len(o.rest)):]
	return true
}
