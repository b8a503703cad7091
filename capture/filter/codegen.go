package filter

import (
	"fmt"

	"github.com/wssniff/wssniff/capture"
)

// acceptLen is what a program returns for a packet that it accepts: the
// number of bytes to keep. It is the default snap length of tcpdump.
const acceptLen = 262144

// maxTests bounds the tests of one expression. Reducing them takes memory and
// time of the order of their square.
const maxTests = 4096

// Compile gives the program for packets of one link type. An error that
// concerns the expression is an *Error: vlan for a link layer without VLANs,
// an expression that no packet can match, and one that is too long.
func (e *Expr) Compile(link capture.LinkType) (Program, error) {
	ls, err := layoutsOf(link)
	if err != nil {
		return nil, err
	}
	g := newGraph()
	roots := make([]*block, len(ls))
	for i, l := range ls {
		if roots[i], err = e.decide(g, l); err != nil {
			return nil, err
		}
	}
	g.root = roots[0]
	if len(roots) == 2 && roots[0] != roots[1] {
		g.root = &block{test: isLittle(), next: [2]*block{roots[0], roots[1]}}
	}
	if g.root == g.reject {
		return nil, e.errorf(0, "the expression rejects all packets")
	}
	p := g.emit()
	if len(p) > maxProgram {
		return nil, e.errorf(len(e.src), "the expression is too long: it needs %d instructions, and %d is the limit", len(p), maxProgram)
	}
	return p, nil
}

// decide returns the root of the reduced graph for one layout.
func (e *Expr) decide(g *graph, l *layout) (*block, error) {
	if e.root == nil {
		return g.accept, nil
	}
	c, err := e.lower(e.root, l)
	if err != nil {
		return nil, err
	}
	if c.tests(maxTests) > maxTests {
		return nil, e.errorf(len(e.src), "the expression is too long: it needs more than %d tests; %s", maxTests, useTcpdump)
	}
	g.grow(c)
	g.reduce()
	return g.root, nil
}

func (e *Expr) errorf(at int, format string, args ...any) error {
	return &Error{Expr: e.src, Offset: at, What: fmt.Sprintf(format, args...)}
}

// tests counts the tests of c, and stops counting beyond limit.
func (c *cond) tests(limit int) int {
	switch {
	case c.op == leaf || limit <= 0:
		return 1
	case c.op == not:
		return c.x.tests(limit)
	}
	n := c.x.tests(limit)
	return n + c.y.tests(limit-n)
}

// lower translates an expression to tests, from the left to the right: a vlan
// moves the layout for all that follows it.
func (e *Expr) lower(n *node, l *layout) (*cond, error) {
	if n.op == leaf {
		c, err := n.prim.lower(l)
		if err != nil {
			err = e.errorf(n.at, "%v", err)
		}
		return c, err
	}
	x, err := e.lower(n.x, l)
	if err != nil || n.op == not {
		return negate(x), err
	}
	y, err := e.lower(n.y, l)
	return &cond{op: n.op, x: x, y: y}, err
}

// IP protocol numbers, IANA.
const (
	ipICMP     = 1
	ipTCP      = 6
	ipUDP      = 17
	ipFragment = 44 // IPv6 fragment header, RFC 8200, Section 4.5
	ipICMPv6   = 58
	ipSCTP     = 132
)

// Offsets in the IPv4 header (RFC 791, Section 3.1) and in the IPv6 header
// (RFC 8200, Section 3).
const (
	ip4Fragment = 6
	ip4Protocol = 9
	ip4Source   = 12
	ip4Dest     = 16

	ip4FragmentOffset = 0x1fff // mask of the field at ip4Fragment

	ip6Next    = 6
	ip6Source  = 8
	ip6Dest    = 24
	ip6Payload = 40
)

// Offsets in an ARP packet for IPv4 over Ethernet, RFC 826.
const (
	arpSource = 14
	arpTarget = 24
)

// at is a field of the network header.
func (l *layout) at(off uint32, size uint8) load {
	return field(l.net+off, size)
}

// behindIPv4 is a 16-bit field behind the IPv4 header.
func (l *layout) behindIPv4(off uint32) load {
	f := l.at(off, 2)
	f.indirect, f.ip = true, l.net
	return f
}

// is tests the protocol of the network header.
func (l *layout) is(etherType uint32) *cond { return l.protocol(l, etherType) }

// lower gives the tests of a protocol keyword.
func (p protocolPrim) lower(l *layout) (*cond, error) {
	switch p.proto {
	case protoIP:
		return l.is(etherIPv4), nil
	case protoIP6:
		return l.is(etherIPv6), nil
	case protoARP:
		return l.is(etherARP), nil
	case protoICMP:
		return l.ip4Carries(ipICMP), nil
	case protoICMP6:
		return l.ip6Carries(ipICMPv6), nil
	case protoTCP:
		return anyOf(l.ip4Carries(ipTCP), l.ip6Carries(ipTCP)), nil
	}
	return anyOf(l.ip4Carries(ipUDP), l.ip6Carries(ipUDP)), nil
}

func (l *layout) ip4Carries(proto uint32) *cond {
	return allOf(l.is(etherIPv4), equal(l.at(ip4Protocol, 1), proto))
}

// ip6Carries looks at the next header and, behind a fragment header that
// comes first, at its next header. It follows no other extension header.
func (l *layout) ip6Carries(proto uint32) *cond {
	next := l.at(ip6Next, 1)
	fragmented := allOf(equal(next, ipFragment), equal(l.at(ip6Payload, 1), proto))
	return allOf(l.is(etherIPv6), anyOf(equal(next, proto), fragmented))
}

// lower gives the tests of vlan, and moves the layout behind the tag.
func (p vlanPrim) lower(l *layout) (*cond, error) {
	if l.link != capture.LinkEthernet {
		return nil, fmt.Errorf("vlan is for Ethernet only, these packets have link type %d", l.link)
	}
	c := anyOf(l.is(etherVLAN), l.is(etherQinQ), l.is(etherQinQ91))
	if p.id >= 0 {
		c = allOf(c, equal(l.at(0, 2).masked(0xfff), uint32(p.id)))
	}
	l.typeAt += 4
	l.net += 4
	return c, nil
}

// lower gives the tests of an IPv4 address. Without a protocol, the addresses
// in ARP and RARP packets count, too.
func (p host4Prim) lower(l *layout) (*cond, error) {
	ip := func() *cond { return p.hostop(l, etherIPv4, ip4Source, ip4Dest) }
	arp := func(etherType uint32) *cond { return p.hostop(l, etherType, arpSource, arpTarget) }
	switch p.proto {
	case protoIP:
		return ip(), nil
	case protoARP:
		return arp(etherARP), nil
	}
	return &cond{op: or, x: &cond{op: or, x: ip(), y: arp(etherARP)}, y: arp(etherRARP)}, nil
}

func (p host4Prim) hostop(l *layout, etherType, src, dst uint32) *cond {
	return directed(p.dir, func(isDst bool) *cond {
		off := l.net + src
		if isDst {
			off = l.net + dst
		}
		return allOf(l.is(etherType), equal(field(off, 4).masked(p.mask), p.addr))
	})
}

// lower gives the tests of an IPv6 address.
func (p host6Prim) lower(l *layout) (*cond, error) {
	return directed(p.dir, func(isDst bool) *cond {
		off := l.net + ip6Source
		if isDst {
			off = l.net + ip6Dest
		}
		c := []*cond{l.is(etherIPv6)}
		for i := range p.addr {
			c = append(c, equal(field(off+4*uint32(i), 4).masked(p.mask[i]), p.addr[i]))
		}
		return allOf(c...)
	}), nil
}

// lower gives the tests of a port: in TCP, UDP and SCTP unless one of them is
// given, IPv6 first. Only the first fragment of an IPv4 packet has ports; in
// IPv6 the transport header has to follow the IPv6 header.
func (p portPrim) lower(l *layout) (*cond, error) {
	ip6 := allOf(l.is(etherIPv6), p.transports(func(proto uint32) *cond {
		return allOf(equal(l.at(ip6Next, 1), proto), directed(p.dir, func(dst bool) *cond {
			return p.ports(l.at(ip6Payload+portOffset(dst), 2))
		}))
	}))
	ip4 := allOf(l.is(etherIPv4), p.transports(func(proto uint32) *cond {
		later := compareTo(l.at(ip4Fragment, 2), hasBits, ip4FragmentOffset)
		first := allOf(equal(l.at(ip4Protocol, 1), proto), negate(later))
		return &cond{op: and, x: first, y: directed(p.dir, func(dst bool) *cond {
			return p.ports(l.behindIPv4(portOffset(dst)))
		})}
	}))
	return anyOf(ip6, ip4), nil
}

// transports joins the tests for the transport protocols.
func (p portPrim) transports(one func(proto uint32) *cond) *cond {
	switch p.proto {
	case protoTCP:
		return one(ipTCP)
	case protoUDP:
		return one(ipUDP)
	}
	return anyOf(one(ipSCTP), one(ipTCP), one(ipUDP))
}

// ports compares one port.
func (p portPrim) ports(field load) *cond {
	if !p.ranged {
		return equal(field, p.lo)
	}
	return allOf(compareTo(field, isAtLeast, p.lo), negate(compareTo(field, isGreater, p.hi)))
}

// portOffset is where a transport header has its source or destination port:
// the same place in TCP, UDP and SCTP.
func portOffset(dst bool) uint32 {
	if dst {
		return 2
	}
	return 0
}
