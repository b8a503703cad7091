package filter

// A cond is a test of a packet, or tests joined by and, or, not. They are
// done from the left, and only as far as needed.
type cond struct {
	op   op
	x, y *cond
	test test // valid iff op is leaf
}

// A test loads a value and compares it with a number.
type test struct {
	load load
	cmp  compare
	k    uint32
}

// A compare is the comparison of a test. The values are those of the jump
// instructions.
type compare uint16

const (
	isEqual   compare = opJEQ
	isGreater compare = opJGT
	isAtLeast compare = opJGE
	hasBits   compare = opJSET // value & k != 0
)

// A load says where the value of a test comes from. It is comparable: equal
// loads give equal values.
type load struct {
	off      uint32 // from the start of the packet, or from behind the IPv4 header
	size     uint8  // bytes: 1, 2 or 4; 0: off is the value itself
	mask     uint32 // applied to the value
	indirect bool   // off counts from behind the IPv4 header that begins at ip
	ip       uint32
}

// allBits is the mask of a load that takes its value whole.
const allBits = ^uint32(0)

// field is the load of size bytes at off.
func field(off uint32, size uint8) load { return load{off: off, size: size, mask: allBits} }

// masked is l with a mask.
func (l load) masked(mask uint32) load {
	l.mask = mask
	return l
}

func equal(l load, k uint32) *cond { return compareTo(l, isEqual, k) }

func compareTo(l load, cmp compare, k uint32) *cond {
	return &cond{test: test{load: l, cmp: cmp, k: k}}
}

// constant is a test with a known result.
func constant(v bool) *cond {
	if v {
		return equal(field(0, 0), 0)
	}
	return equal(field(1, 0), 0)
}

func negate(x *cond) *cond { return &cond{op: not, x: x} }

// allOf joins tests by and. The order is that of x and (y and ...).
func allOf(c ...*cond) *cond { return join(and, c) }

// anyOf joins tests by or. The order is that of x or (y or ...).
func anyOf(c ...*cond) *cond { return join(or, c) }

func join(o op, c []*cond) *cond {
	last := len(c) - 1
	x := c[last]
	for i := last - 1; i >= 0; i-- {
		x = &cond{op: o, x: c[i], y: x}
	}
	return x
}

// directed gives the tests of a direction qualifier; at tests the source or
// the destination.
func directed(d direction, at func(dst bool) *cond) *cond {
	switch d {
	case srcOnly:
		return at(false)
	case dstOnly:
		return at(true)
	case srcAndDst:
		return allOf(at(false), at(true))
	}
	return anyOf(at(false), at(true))
}
