package filter

// An Expr is a parsed expression. It can be compiled for any number of link
// types, and by several goroutines.
type Expr struct {
	src  string
	root *node // nil: every packet
}

// An op joins the parts of an expression.
type op uint8

const (
	leaf op = iota // no parts: a primitive, or a test of one
	and
	or
	not // of x alone
)

// A node is a part of a parsed expression.
type node struct {
	op   op
	x, y *node
	prim primitive // valid iff op is leaf
	at   int       // offset of the word that the primitive begins with
}

// A protocol is a protocol qualifier, or a primitive of its own.
type protocol uint8

const (
	anyProtocol protocol = iota // no qualifier
	protoIP
	protoIP6
	protoARP
	protoTCP
	protoUDP
	protoICMP
	protoICMP6
)

// protocols are the protocols by their keyword.
var protocols = map[string]protocol{
	"ip": protoIP, "ip6": protoIP6, "arp": protoARP, "tcp": protoTCP,
	"udp": protoUDP, "icmp": protoICMP, "icmp6": protoICMP6,
}

// A direction is a direction qualifier.
type direction uint8

const (
	srcOrDst direction = iota // also the meaning of no qualifier
	srcAndDst
	srcOnly
	dstOnly
)

// An idType is a type qualifier.
type idType uint8

const (
	noType        idType = iota // host is meant
	typeHost                    //
	typeNet                     //
	typePort                    //
	typePortRange               //
)

// Qualifiers say what the ids after them are.
type qualifiers struct {
	set   bool // false: there were none, and an id is out of place
	proto protocol
	word  string // that proto was given with
	dir   direction
	typ   idType
}

// A primitive is one of the types below: what a leaf of the expression
// checks. Its lower method gives the tests for a link type.
type primitive interface {
	lower(l *layout) (*cond, error)
}

// A protocolPrim is a protocol keyword that stands alone.
type protocolPrim struct {
	proto protocol
}

// A vlanPrim is "vlan" or "vlan ID".
type vlanPrim struct {
	id int // -1: any
}

// A host4Prim is an IPv4 address or network.
type host4Prim struct {
	proto      protocol // anyProtocol, protoIP or protoARP
	dir        direction
	addr, mask uint32
}

// A host6Prim is an IPv6 address or network.
type host6Prim struct {
	dir        direction
	addr, mask words6
}

// A portPrim is a port or a range of ports.
type portPrim struct {
	proto  protocol // anyProtocol, protoTCP or protoUDP
	dir    direction
	lo, hi uint32
	ranged bool // given with portrange: compared with < and >, not with =
}
