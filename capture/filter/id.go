package filter

import "strings"

// id reads an id, a negated id, or a list of ids in parentheses.
func (p *parser) id(q qualifiers) (*node, error) {
	switch {
	case p.tok.is("not"):
		return p.notID(q)
	case p.tok.is("("):
		return p.idList(q)
	}
	return p.single(q)
}

func (p *parser) notID(q qualifiers) (*node, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	defer p.close()
	p.advance()
	x, err := p.id(q)
	return &node{op: not, x: x}, err
}

// idList reads ids in parentheses. As in the grammar of libpcap, its first id
// may not be a list itself, but may be a number in parentheses.
func (p *parser) idList(q qualifiers) (*node, error) {
	if err := p.open(); err != nil {
		return nil, err
	}
	defer p.close()
	p.advance()
	x, err := p.firstID(q)
	for err == nil {
		j, ok := p.junction()
		if !ok {
			break
		}
		var y *node
		y, err = p.id(q)
		x = &node{op: j, x: x, y: y}
	}
	if err == nil && !p.take(")") {
		err = p.unexpected()
	}
	return x, err
}

func (p *parser) firstID(q qualifiers) (*node, error) {
	if !p.tok.is("(") {
		return p.id(q)
	}
	at := p.tok.at
	v, err := p.nested()
	if err != nil {
		return nil, err
	}
	return p.numberID(at, v, q)
}

// single reads an address, a network, a port or a range of ports.
func (p *parser) single(q qualifiers) (*node, error) {
	t := p.tok
	switch t.kind {
	case number:
		v, err := p.number()
		if err != nil {
			return nil, err
		}
		return p.numberID(t.at, v, q)
	case ipv4:
		return p.ipv4ID(q)
	case ipv6:
		return p.ipv6ID(q)
	case mac:
		return nil, p.errorf(t.at, "Ethernet addresses are not understood; %s", useTcpdump)
	case name:
		return p.nameID(q)
	}
	return nil, p.unexpected()
}

// numberID makes the primitive of a plain number.
func (p *parser) numberID(at int, v uint32, q qualifiers) (*node, error) {
	switch {
	case !q.set:
		return nil, p.noQualifier(at)
	case q.typ == typePort || q.typ == typePortRange:
		return p.portID(at, q, v, v)
	case q.typ == typeNet:
		addr, mask := shortNet(v)
		return p.host4(at, q, addr, mask)
	}
	return p.host4(at, q, v, ^uint32(0))
}

// ipv4ID reads an IPv4 address, network and prefix length, or network and
// mask.
func (p *parser) ipv4ID(q qualifiers) (*node, error) {
	t := p.tok
	addr, mask, err := parseIPv4(t.text)
	if err != nil {
		return nil, p.errorf(t.at, "%v", err)
	}
	p.advance()
	masked := p.tok.is("/") || p.tok.is("mask")
	switch {
	case p.take("/"):
		mask, err = p.prefix4()
	case p.take("mask"):
		mask, err = p.mask4()
	}
	switch {
	case err != nil:
		return nil, err
	case !q.set:
		return nil, p.noQualifier(t.at)
	case masked && q.typ != typeNet:
		return nil, p.errorf(t.at, "a mask belongs to net, not to %s", q.typ)
	case addr&^mask != 0:
		return nil, p.errorf(t.at, "%s has bits set outside its mask", quote(t.text))
	}
	return p.host4(t.at, q, addr, mask)
}

// prefix4 reads the length of an IPv4 prefix.
func (p *parser) prefix4() (uint32, error) {
	at := p.tok.at
	n, err := p.number()
	if err != nil {
		return 0, err
	}
	if n > 32 {
		return 0, p.errorf(at, "prefix length %d is greater than 32", n)
	}
	return prefixMask4(n), nil
}

// mask4 reads an IPv4 mask, with missing octets zero.
func (p *parser) mask4() (uint32, error) {
	if p.tok.kind != ipv4 {
		return 0, p.unexpected()
	}
	m, _, err := parseIPv4(p.tok.text)
	if err != nil {
		return 0, p.errorf(p.tok.at, "%v", err)
	}
	p.advance()
	return m, nil
}

// ipv6ID reads an IPv6 address, or network and prefix length.
func (p *parser) ipv6ID(q qualifiers) (*node, error) {
	t := p.tok
	addr, n := parseIPv6(t.text), uint32(128)
	p.advance()
	if p.take("/") {
		at := p.tok.at
		var err error
		if n, err = p.number(); err != nil {
			return nil, err
		}
		if n > 128 {
			return nil, p.errorf(at, "prefix length %d is greater than 128", n)
		}
	}
	mask := prefixMask6(n)
	for i := range addr {
		if addr[i]&^mask[i] != 0 {
			return nil, p.errorf(t.at, "%s has bits set outside its prefix", quote(t.text))
		}
	}
	if n != 128 && (q.typ == noType || q.typ == typeHost) && q.set {
		return nil, p.errorf(t.at, "a prefix length belongs to net, not to host")
	}
	return p.host6(t.at, q, addr, mask)
}

// nameID reads a service name or a range of ports.
func (p *parser) nameID(q qualifiers) (*node, error) {
	t := p.tok
	lo, hi, dash := strings.Cut(t.text, "-")
	switch {
	case !q.set:
		return nil, p.unexpected()
	case q.typ != typePort && q.typ != typePortRange:
		return nil, p.errorf(t.at, "%s is not an address, and names are not looked up", quote(t.text))
	case q.typ == typePort && dash:
		return nil, p.errorf(t.at, "unknown port %s; for a range of ports write portrange", quote(t.text))
	case q.typ == typePortRange && !dash:
		return nil, p.errorf(t.at, "%s is not a range of ports such as 80-443", quote(t.text))
	case !dash:
		hi = lo
	}
	from, err := parsePort(lo)
	if err != nil {
		return nil, p.errorf(t.at, "%v", err)
	}
	to, err := parsePort(hi)
	if err != nil {
		return nil, p.errorf(t.at, "%v", err)
	}
	p.advance()
	return p.portID(t.at, q, from, to)
}

// host4 makes the primitive of an IPv4 address.
func (p *parser) host4(at int, q qualifiers, addr, mask uint32) (*node, error) {
	switch {
	case q.typ == typePort || q.typ == typePortRange:
		return nil, p.errorf(at, "%s takes no IPv4 address", q.typ)
	case q.proto != anyProtocol && q.proto != protoIP && q.proto != protoARP:
		return nil, p.errorf(at, `%s cannot qualify an IPv4 %s; join them by "and"`, q.word, q.typ)
	}
	return &node{prim: host4Prim{q.proto, q.dir, addr, mask}, at: at}, nil
}

// host6 makes the primitive of an IPv6 address.
func (p *parser) host6(at int, q qualifiers, addr, mask words6) (*node, error) {
	switch {
	case !q.set:
		return nil, p.noQualifier(at)
	case q.typ == typePort || q.typ == typePortRange:
		return nil, p.errorf(at, "%s takes no IPv6 address", q.typ)
	case q.proto != anyProtocol && q.proto != protoIP6:
		return nil, p.errorf(at, `%s cannot qualify an IPv6 %s; join them by "and"`, q.word, q.typ)
	}
	return &node{prim: host6Prim{q.dir, addr, mask}, at: at}, nil
}

// portID makes the primitive of a port or a range of ports, whose ends may be
// in any order.
func (p *parser) portID(at int, q qualifiers, lo, hi uint32) (*node, error) {
	if q.proto != anyProtocol && q.proto != protoTCP && q.proto != protoUDP {
		return nil, p.errorf(at, "%s cannot qualify a port; tcp and udp can", q.word)
	}
	if _, err := checkPort(max(lo, hi)); err != nil {
		return nil, p.errorf(at, "%v", err)
	}
	ranged := q.typ == typePortRange
	return &node{prim: portPrim{q.proto, q.dir, min(lo, hi), max(lo, hi), ranged}, at: at}, nil
}

func (p *parser) noQualifier(at int) error {
	return p.errorf(at, "this needs host, net or port before it")
}

// String returns the word for a type.
func (t idType) String() string {
	return [...]string{"host", "host", "net", "port", "portrange"}[t]
}
