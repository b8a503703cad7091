package reassembly

import (
	"encoding/binary"
	"math/rand/v2"
	"slices"

	"github.com/wssniff/wssniff/capture"
)

// A form says what the first byte of a packet under construction belongs to.
type form uint8

const (
	ipBody     form = iota // what goes into an IP packet; part.what is the protocol
	ipPacket               // an IP header; part.what is the version
	etherBody              // what goes behind an EtherType, which is part.what
	etherFrame             // an Ethernet header; part.what is a shape, below
	llcBody                // an IEEE 802.2 header
	mplsBody               // an MPLS label
	pppBody                // a PPP protocol number
	udpBody                // what goes into a UDP datagram; part.what is the port
	nshBody                // a network service header
	wifiFrame              // an IEEE 802.11 header; part.what is its length
	captured               // a packet of a capture; part.what is the link type
)

// Shapes of an Ethernet frame.
const (
	withType = iota
	withLength
	inFabric // FabricPath
	inISL
)

// A part is a packet as far as it is built, from the inside out.
type part struct {
	form form
	what int
	b    []byte
	cut  int // bytes that a snap length took from the end of b
}

// An encap puts random headers around a segment. What it draws from stack makes
// the kind of the packet and the way it takes; noise fills fields that are
// neither.
type encap struct {
	stack, noise *rand.Rand
	peer         bool   // only what tshark opens
	but          string // a wrapper that it does not open, and that may be used all the same
	change       int    // number of the identifier that gets another value; -1: none
	ids          int    // identifiers drawn so far
	exact        bool   // a length is left out, so that nothing may follow the packet
	sender       []byte // address of who sent the frame around the segment; nil: there is none yet, zeros: it is not told
	names        []string
}

func newEncap(seed, noise uint64) *encap {
	return &encap{stack: rand.New(rand.NewPCG(seed, 1)), noise: rand.New(rand.NewPCG(noise, 2)), change: -1}
}

// id draws an identifier that tells networks apart. It is less than most, which
// is even.
func (e *encap) id(most uint64) int {
	n := 2 + e.stack.Uint64N(most-2)
	if e.ids == e.change {
		n ^= 1
	}
	e.ids++
	return int(n)
}

// one reports true once in n times.
func (e *encap) one(n int) bool { return e.stack.IntN(n) == 0 }

// fill returns n bytes that mean nothing.
func (e *encap) fill(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(e.noise.Uint32())
	}
	return b
}

func u16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }
func u24(n int) []byte { return u32(n)[1:] }
func u32(n int) []byte { return binary.BigEndian.AppendUint32(nil, uint32(n)) }

// segmentBytes is a segment as it is sent, with options of NOPs.
func segmentBytes(s *segment, options int) []byte {
	return join(u16(int(s.Port[0])), u16(int(s.Port[1])), u32(int(s.seq)), u32(int(s.ack)),
		[]byte{byte(5+options) << 4, s.flags}, u16(1000), u16(0), u16(int(s.urgent)), nops(4*options), s.payload)
}

func nops(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 1
	}
	return b
}

// around builds a packet of a random link type around a segment, whose addresses
// say which version of IP is innermost.
func (e *encap) around(s *segment) part {
	return e.aroundBody(part{form: ipBody, what: protoTCP, b: segmentBytes(s, e.stack.IntN(11))}, s.ip(A), s.ip(B))
}

// aroundBody does it around what goes into an IP packet.
func (e *encap) aroundBody(p part, src, dst []byte) part {
	p = e.extend(p)
	if len(dst) == 16 && e.one(8) {
		p = e.extend(e.routed(p, dst))
		dst = e.fill(16)
	}
	p = e.ip(p, src, dst)
	for steps := e.stack.IntN(13); ; steps-- {
		p = e.step(p, steps <= 0)
		if p.form == captured {
			return p
		}
	}
}

// extend puts extension headers in front of a body.
func (e *encap) extend(p part) part {
	for e.one(4) {
		p = e.pick(p, func(w *wrapper) bool { return w.to == ipBody })
	}
	return p
}

// step puts one more header around p, if it can be the outermost, and it is late.
func (e *encap) step(p part, late bool) part {
	if p.form == ipBody && !e.one(6) {
		return e.outer(p)
	}
	var ends bool
	for i := range wrappers {
		w := &wrappers[i]
		ends = ends || w.to == captured && e.fits(w, p)
	}
	return e.pick(p, func(w *wrapper) bool { return late && ends == (w.to == captured) || !late && w.to != captured })
}

// pick applies one of the wrappers that fit and are allowed.
func (e *encap) pick(p part, allowed func(*wrapper) bool) part {
	var fit []*wrapper
	for i := range wrappers {
		if w := &wrappers[i]; e.fits(w, p) && allowed(w) {
			fit = append(fit, w)
		}
	}
	w := fit[e.stack.IntN(len(fit))]
	e.names = append(e.names, w.name)
	out := w.wrap(e, p)
	out.form = w.to
	return out
}

// sentBy draws the source address of a frame.
func (e *encap) sentBy() []byte {
	mac := e.mac()
	if e.sender == nil {
		e.sender = mac
	}
	return mac
}

// sentByNobody is what a header does that has no such address, or has it where
// nobody looks.
func (e *encap) sentByNobody() {
	if e.sender == nil {
		e.sender = make([]byte, 6)
	}
}

// outer puts an IP header with random addresses around a body.
func (e *encap) outer(p part) part {
	e.sentByNobody()
	if e.one(3) {
		e.names = append(e.names, "IPv6")
		return e.ip(p, e.address6(), e.address6())
	}
	e.names = append(e.names, "IPv4")
	return e.ip(p, e.address4(), e.address4())
}

func (e *encap) address4() []byte { return join([]byte{10}, u24(e.id(1<<24))) }
func (e *encap) address6() []byte {
	return join(ipv6[8:12], make([]byte, 8), u32(e.id(1<<32)))
}

// ip puts an IP header around a body.
func (e *encap) ip(p part, src, dst []byte) part {
	if len(src) == 16 {
		n := len(p.b)
		if !e.peer && e.one(16) { // a jumbogram, or segmentation offload
			n, e.exact = 0, true
		}
		return part{form: ipPacket, what: 6, b: join([]byte{0x60}, e.fill(3), u16(n), []byte{byte(p.what), 64}, src, dst, p.b)}
	}
	words := max(0, e.stack.IntN(20)-9)
	if e.peer {
		words = min(words, 9) // in GTP, it takes ten for no IP
	}
	options := 4 * words
	n := 20 + options + len(p.b)
	if e.one(16) { // segmentation offload
		n, e.exact = 0, true
	}
	return part{form: ipPacket, what: 4, b: join([]byte{byte(0x45 + options/4), 0}, u16(n), e.fill(2), u16(e.stack.IntN(2)*0x4000),
		[]byte{64, byte(p.what)}, e.fill(2), src, dst, nops(options), p.b)}
}

// routed puts a routing header in front of a body, which names the final
// destination.
func (e *encap) routed(p part, final []byte) part {
	head := []byte{byte(p.what), 2, 0, 1, 0, 0, 0, 0} // one segment left
	switch e.stack.IntN(4) {
	case 1:
		head[2] = 2 // Mobile IPv6
	case 2:
		head[2] = 4 // segment routing, which begins with the last
	case 3: // two to go
		head[1], head[3] = 4, 2
		return part{form: ipBody, what: protoRouting, b: join(head, e.fill(16), final, p.b)}
	}
	return part{form: ipBody, what: protoRouting, b: join(head, final, p.b)}
}

// A wrapper puts a header around a part of one form.
type wrapper struct {
	name     string
	from, to form
	closed   string // why tshark does not open what is inside; "": it does
	only     []int  // values of part.what that it takes; nil: any
	checked  bool   // tshark takes the last four bytes for a check sequence
	opens    []int  // values of part.what that tshark opens it with; nil: any
	wrap     func(e *encap, p part) part
}

func (e *encap) fits(w *wrapper, p part) bool {
	return w.from == p.form && (w.only == nil || slices.Contains(w.only, p.what)) &&
		!(e.peer && (w.closed != "" && w.name != e.but || w.opens != nil && !slices.Contains(w.opens, p.what))) &&
		!(e.peer && e.exact && w.checked) &&
		!(w.name == "IEEE 802.3" && len(p.b) > 1500)
}

// before makes the wrap function that puts a header in front.
func before(what int, header func(e *encap, p part) []byte) func(*encap, part) part {
	return func(e *encap, p part) part {
		return part{what: what, b: join(header(e, p), p.b)}
	}
}

// fixed is a header that is always the same.
func fixed(b ...byte) func(*encap, part) []byte {
	return func(*encap, part) []byte { return b }
}

// What tshark opens behind headers with an EtherType.
var (
	inGRE  = []int{etherIPv4, etherIPv6, etherTrans, etherMPLS, etherMPLSMC, etherNSH}
	inHDLC = []int{etherIPv4, etherIPv6, etherMPLS, etherMPLSMC}
)

// MAC addresses of known makers: tshark tells by them whether a pseudowire has a control
// word.
var knownMACs = [...]string{"\x00\x1b\x21", "\x00\x0c\x29", "\x00\x15\x5d"}

func (e *encap) mac() []byte {
	return join([]byte(knownMACs[e.noise.IntN(len(knownMACs))]), e.fill(3))
}

var wrappers = []wrapper{
	// IP extension headers
	{name: "hop-by-hop", from: ipBody, to: ipBody, wrap: options(protoHopByHop)},
	{name: "destination options", from: ipBody, to: ipBody, wrap: options(protoDestOpts)},
	{name: "shim6", from: ipBody, to: ipBody, wrap: before(protoShim6, func(e *encap, p part) []byte {
		return join([]byte{byte(p.what), 0, 0x80}, e.fill(5)) // the header of a payload
	})},
	{name: "mobility", from: ipBody, to: ipBody, closed: "nothing may follow", wrap: options(protoMobility)},
	{name: "HIP", from: ipBody, to: ipBody, closed: "nothing may follow", wrap: options(protoHIP)},
	{name: "routing, no segments left", from: ipBody, to: ipBody, wrap: before(protoRouting, func(e *encap, p part) []byte {
		return join([]byte{byte(p.what), 2, byte(e.stack.IntN(5)), 0, 0, 0, 0, 0}, e.fill(16))
	})},
	{name: "AH", from: ipBody, to: ipBody, wrap: before(protoAH, func(e *encap, p part) []byte {
		words := 3 + e.stack.IntN(5)
		return join([]byte{byte(p.what), byte(words - 2), 0, 0}, e.fill(4*words-4))
	})},
	{name: "whole fragment", from: ipBody, to: ipBody, wrap: before(protoFragment, func(e *encap, p part) []byte {
		return join([]byte{byte(p.what), 0, 0, 0}, e.fill(4))
	})},

	// IP in something else
	{name: "by EtherType", from: ipPacket, to: etherBody, wrap: func(_ *encap, p part) part {
		return part{what: map[int]int{4: etherIPv4, 6: etherIPv6}[p.what], b: p.b}
	}},
	{name: "IPv6 by EtherType of IPv4", from: ipPacket, to: etherBody, only: []int{6}, wrap: before(etherIPv4, fixed())},
	{name: "IP in IP", from: ipPacket, to: ipBody, only: []int{4}, wrap: before(protoIPv4, fixed())},
	{name: "6in4", from: ipPacket, to: ipBody, only: []int{6}, wrap: before(protoIPv6, fixed())},
	{name: "WCCP", from: ipPacket, to: ipBody, only: []int{4}, wrap: before(protoGRE, fixed(0, 0, 0x88, 0x3e))},
	{name: "WCCP 2", from: ipPacket, to: ipBody, only: []int{4}, wrap: before(protoGRE, func(e *encap, _ part) []byte {
		return join([]byte{0, 0, 0x88, 0x3e, 0x80}, e.fill(3))
	})},
	{name: "PPP", from: ipPacket, to: pppBody, wrap: before(0, func(e *encap, p part) []byte {
		return e.pppNumber(map[int]int{4: pppIPv4, 6: pppIPv6}[p.what])
	})},
	{name: "MPLS", from: ipPacket, to: mplsBody, wrap: before(0, labelStack)},
	{name: "LLC", from: ipPacket, to: llcBody, wrap: before(0, fixed(6, 6, 3))},
	{name: "LISP", from: ipPacket, to: udpBody, wrap: before(portLISP, func(e *encap, _ part) []byte {
		if e.one(2) {
			return join([]byte{0x88}, e.fill(3), u24(e.id(1<<24)), e.fill(1)) // with an instance
		}
		return join([]byte{0x80}, e.fill(3), e.fill(4))
	})},
	{name: "GTP", from: ipPacket, to: udpBody, wrap: before(portGTP, gtpHeader)},
	{name: "VXLAN-GPE, IP", from: ipPacket, to: udpBody, wrap: before(portVXLANGPE, func(e *encap, p part) []byte {
		return vxlanHeader(e, byte(p.what/2-1)) // 4 is 1, 6 is 2
	})},
	{name: "AYIYA", from: ipPacket, to: udpBody, wrap: before(portAYIYA, func(e *encap, p part) []byte {
		id, words := e.stack.IntN(5), e.stack.IntN(6)
		return join([]byte{byte(id<<4 | 1), byte(words<<4 | 2), 0x11, map[int]byte{4: protoIPv4, 6: protoIPv6}[p.what]}, e.fill(4+1<<id+4*words))
	})},
	{name: "Teredo", from: ipPacket, to: udpBody, only: []int{6}, wrap: before(portTeredo, teredoHeader)},
	{name: "NSH, IP", from: ipPacket, to: nshBody, wrap: before(0, func(e *encap, p part) []byte {
		return nshHeader(e, byte(p.what/2-1))
	})},

	// behind an EtherType
	{name: "802.1Q", from: etherBody, to: etherBody, wrap: before(etherVLAN, vlanTag)},
	{name: "802.1ad", from: etherBody, to: etherBody, wrap: before(etherQinQ, vlanTag)},
	{name: "0x9100", from: etherBody, to: etherBody, wrap: before(etherQinQ91, vlanTag)},
	{name: "0x9200", from: etherBody, to: etherBody, closed: "unknown", wrap: before(etherQinQ92, vlanTag)},
	{name: "0x9300", from: etherBody, to: etherBody, closed: "unknown", wrap: before(etherQinQ93, vlanTag)},
	{name: "802.1BR", from: etherBody, to: etherBody, wrap: before(etherETag, tagOf(6))},
	{name: "VN-Tag", from: etherBody, to: etherBody, wrap: before(etherVNTag, tagOf(4))},
	{name: "HSR", from: etherBody, to: etherBody, wrap: before(etherHSR, tagOf(4))},
	{name: "R-Tag", from: etherBody, to: etherBody, wrap: before(etherRTag, tagOf(4))},
	{name: "Cisco metadata", from: etherBody, to: etherBody, wrap: before(etherCMD, func(e *encap, p part) []byte {
		return join([]byte{1, 1, 0, 1}, e.fill(2), u16(p.what))
	})},
	{name: "MACsec", from: etherBody, to: etherBody, wrap: before(etherMACsec, func(e *encap, p part) []byte {
		if e.one(2) {
			return join([]byte{0x20, 0}, e.fill(12), u16(p.what))
		}
		return join([]byte{0, 0}, e.fill(4), u16(p.what))
	})},
	{name: "Ethernet", from: etherBody, to: etherFrame, wrap: func(e *encap, p part) part {
		b := join(e.mac(), e.sentBy(), u16(p.what), p.b)
		if !e.exact {
			b = append(b, make([]byte, e.stack.IntN(9))...) // padding, or a check sequence
		}
		return part{b: b}
	}},
	{name: "SNAP", from: etherBody, to: llcBody, wrap: before(0, func(e *encap, p part) []byte {
		return join([]byte{0xaa, 0xaa, 3, 0, 0, byte(e.stack.IntN(2) * 0xf8)}, u16(p.what))
	})},
	{name: "GRE", from: etherBody, to: ipBody, opens: inGRE, wrap: before(protoGRE, greHeader)},
	{name: "GRE in UDP", from: etherBody, to: udpBody, opens: inGRE, wrap: before(portGRE, greHeader)},
	{name: "Geneve", from: etherBody, to: udpBody, wrap: before(portGeneve, func(e *encap, p part) []byte {
		words := e.stack.IntN(2) * e.stack.IntN(64)
		return join([]byte{byte(words), 0}, u16(p.what), u24(e.id(1<<24)), []byte{0}, e.fill(4*words))
	})},

	// Ethernet in something else
	{name: "ISL", from: etherFrame, to: etherFrame, checked: true, wrap: func(e *encap, p part) part {
		b := join([]byte{0x01, 0, 0x0c, 0, 0}, []byte{byte(e.noise.IntN(4))}, e.mac(), u16(18+len(p.b)), []byte{0xaa, 0xaa, 3, 0, 0, 0x0c}, u16(e.id(1<<10)<<1), e.fill(4), p.b)
		return part{what: inISL, b: checked(e, b)}
	}},
	{name: "TRILL", from: etherFrame, to: etherBody, wrap: before(etherTRILL, func(e *encap, p part) []byte {
		words := e.stack.IntN(4)
		return join(u16(words<<6|0x3f), e.fill(4+4*words))
	})},
	{name: "FabricPath", from: etherFrame, to: etherFrame, checked: true, wrap: func(e *encap, p part) part {
		return part{what: inFabric, b: checked(e, join(e.mac(), e.mac(), u16(etherFabric), e.fill(2), p.b))}
	}},
	{name: "TEB", from: etherFrame, to: etherBody, wrap: before(etherTrans, fixed())},
	{name: "PBB", from: etherFrame, to: etherBody, opens: []int{withType}, wrap: before(etherPBB, func(e *encap, _ part) []byte {
		return join([]byte{0}, u24(e.id(1<<24)))
	})},
	{name: "pseudowire", from: etherFrame, to: mplsBody, opens: []int{withType, withLength, inFabric}, wrap: before(0, labelStack)},
	{name: "pseudowire with a control word", from: etherFrame, to: mplsBody, wrap: before(0, func(e *encap, p part) []byte {
		return join(labelStack(e, p), []byte{0, 0, 0, byte(1 + e.noise.IntN(200))})
	})},
	{name: "VXLAN", from: etherFrame, to: udpBody, wrap: before(portVXLAN, func(e *encap, _ part) []byte { return vxlanHeader(e, 0) })},
	{name: "VXLAN of old Linux", from: etherFrame, to: udpBody, closed: "another protocol has the port", wrap: before(portVXLANOld, func(e *encap, _ part) []byte {
		return vxlanHeader(e, 0)
	})},
	{name: "VXLAN-GPE, Ethernet", from: etherFrame, to: udpBody, wrap: before(portVXLANGPE, func(e *encap, _ part) []byte { return vxlanHeader(e, 3) })},
	{name: "TZSP", from: etherFrame, to: udpBody, wrap: before(portTZSP, tzspHeader(1))},
	{name: "EtherIP", from: etherFrame, to: ipBody, wrap: before(protoEtherIP, fixed(0x30, 0))},
	{name: "Ethernet in IP", from: etherFrame, to: ipBody, wrap: before(protoEthernet, fixed())},
	{name: "ERSPAN I", from: etherFrame, to: ipBody, wrap: before(protoGRE, fixed(0, 0, 0x88, 0xbe))},
	{name: "ERSPAN II", from: etherFrame, to: ipBody, wrap: before(protoGRE, func(e *encap, _ part) []byte {
		return join([]byte{0x10, 0, 0x88, 0xbe}, e.fill(4), []byte{0x10, 1}, u16(e.id(1<<10)), e.fill(4))
	})},
	{name: "ERSPAN III", from: etherFrame, to: ipBody, wrap: before(protoGRE, func(e *encap, _ part) []byte {
		head := join([]byte{0x10, 0, 0x22, 0xeb}, e.fill(4), []byte{0x20, 1}, u16(e.id(1<<10)), e.fill(6))
		if e.one(2) {
			return join(head, []byte{0, 1}, e.fill(8)) // a platform specific header
		}
		return join(head, []byte{0, 0})
	})},
	{name: "NSH, Ethernet", from: etherFrame, to: nshBody, wrap: before(0, func(e *encap, _ part) []byte { return nshHeader(e, 3) })},

	// MPLS in something else
	{name: "MPLS by EtherType", from: mplsBody, to: etherBody, wrap: before(etherMPLS, fixed())},
	{name: "MPLS multicast", from: mplsBody, to: etherBody, wrap: before(etherMPLSMC, fixed())},
	{name: "MPLS in IP", from: mplsBody, to: ipBody, wrap: before(protoMPLS, fixed())},
	{name: "MPLS in UDP", from: mplsBody, to: udpBody, wrap: before(portMPLS, fixed())},
	{name: "MPLS in PPP", from: mplsBody, to: pppBody, wrap: before(0, func(e *encap, _ part) []byte { return e.pppNumber(pppMPLS + 2*e.stack.IntN(2)) })},
	{name: "VXLAN-GPE, MPLS", from: mplsBody, to: udpBody, wrap: before(portVXLANGPE, func(e *encap, _ part) []byte { return vxlanHeader(e, 5) })},
	{name: "NSH, MPLS", from: mplsBody, to: nshBody, wrap: before(0, func(e *encap, _ part) []byte { return nshHeader(e, 5) })},

	// PPP in something else
	{name: "PPPoE", from: pppBody, to: etherBody, wrap: before(etherPPPoE, pppoeHeader)},
	{name: "PPP in GRE", from: pppBody, to: ipBody, wrap: before(protoGRE, func(e *encap, _ part) []byte {
		return greHeader(e, part{what: etherPPP})
	})},
	{name: "PPTP", from: pppBody, to: ipBody, wrap: before(protoGRE, pptpHeader)},
	{name: "L2TP", from: pppBody, to: udpBody, wrap: before(portL2TP, l2tpHeader)},

	// IEEE 802
	{name: "IEEE 802.3", from: llcBody, to: etherFrame, wrap: before(withLength, func(e *encap, p part) []byte { return join(e.mac(), e.sentBy(), u16(len(p.b))) })},
	{name: "IEEE 802.11", from: llcBody, to: wifiFrame, wrap: func(e *encap, p part) part {
		head := wifiHeader(e, 0)
		return part{what: len(head), b: join(head, p.b)}
	}},
	{name: "A-MSDU", from: llcBody, to: wifiFrame, wrap: func(e *encap, p part) part {
		head, body := wifiHeader(e, 0x80), aggregate(e, p.b)
		return part{what: len(head), b: join(head, body)}
	}},
	{name: "TZSP, 802.11", from: wifiFrame, to: udpBody, wrap: before(portTZSP, tzspHeader(0x12))},

	// the rest
	{name: "NSH by EtherType", from: nshBody, to: etherBody, wrap: before(etherNSH, fixed())},
	{name: "VXLAN-GPE, NSH", from: nshBody, to: udpBody, wrap: before(portVXLANGPE, func(e *encap, _ part) []byte { return vxlanHeader(e, 4) })},
	{name: "UDP", from: udpBody, to: ipBody, wrap: before(protoUDP, func(e *encap, p part) []byte {
		ports := [2]int{49152 + e.noise.IntN(1<<14), p.what}
		if e.one(2) {
			ports[0], ports[1] = ports[1], ports[0]
		}
		return join(u16(ports[0]), u16(ports[1]), u16(8+len(p.b)), u16(0))
	})},

	// link types
	{name: "EN10MB", from: etherFrame, to: captured, wrap: before(int(capture.LinkEthernet), fixed())},
	{name: "NULL", from: ipPacket, to: captured, wrap: before(int(capture.LinkNull), func(e *encap, p part) []byte {
		family := map[int]byte{4: 2, 6: [...]byte{24, 28, 30}[e.stack.IntN(3)]}[p.what]
		if e.one(2) {
			return []byte{family, 0, 0, 0}
		}
		return []byte{0, 0, 0, family}
	})},
	{name: "LOOP", from: ipPacket, to: captured, wrap: before(int(capture.LinkLoop), func(_ *encap, p part) []byte {
		return u32(map[int]int{4: 2, 6: 24}[p.what])
	})},
	{name: "RAW", from: ipPacket, to: captured, wrap: before(int(capture.LinkRaw), fixed())},
	{name: "RAW of old", from: ipPacket, to: captured, wrap: before(int(capture.LinkRawOld), fixed())},
	{name: "RAW of BSD", from: ipPacket, to: captured, wrap: before(int(capture.LinkRawBSD), fixed())},
	{name: "IPV4", from: ipPacket, to: captured, only: []int{4}, wrap: before(int(capture.LinkIPv4), fixed())},
	{name: "IPV6", from: ipPacket, to: captured, only: []int{6}, wrap: before(int(capture.LinkIPv6), fixed())},
	{name: "ENC", from: ipPacket, to: captured, wrap: before(int(capture.LinkENC), func(e *encap, p part) []byte {
		return join(u32(map[int]int{4: 2, 6: 24}[p.what]), e.fill(8))
	})},
	{name: "PFLOG", from: ipPacket, to: captured, wrap: before(int(capture.LinkPFLog), pflogHeader)},
	{name: "NFLOG", from: ipPacket, to: captured, wrap: before(int(capture.LinkNFLog), nflogHeader(binary.LittleEndian))},
	{name: "NFLOG, big-endian", from: ipPacket, to: captured, closed: "read in the order of the machine it runs on", wrap: before(int(capture.LinkNFLog), nflogHeader(binary.BigEndian))},
	{name: "PKTAP, RAW", from: ipPacket, to: captured, wrap: before(int(capture.LinkPKTAP), pktapHeader(capture.LinkRaw))},
	{name: "PKTAP, Ethernet", from: etherFrame, to: captured, wrap: before(int(capture.LinkPKTAP), pktapHeader(capture.LinkEthernet))},
	{name: "PPI, Ethernet", from: etherFrame, to: captured, wrap: before(int(capture.LinkPPI), ppiHeader(capture.LinkEthernet))},
	{name: "PPI, 802.11", from: wifiFrame, to: captured, wrap: before(int(capture.LinkPPI), ppiHeader(capture.LinkWiFi))},
	{name: "SLL", from: etherBody, to: captured, wrap: before(int(capture.LinkSLL), func(e *encap, p part) []byte {
		return join(u16(e.noise.IntN(5)), u16(1), u16(6), e.sentBy(), e.fill(2), u16(p.what))
	})},
	{name: "SLL2", from: etherBody, to: captured, wrap: before(int(capture.LinkSLL2), func(e *encap, p part) []byte {
		return join(u16(p.what), u16(0), e.fill(4), u16(1), []byte{byte(e.noise.IntN(5)), 6}, e.sentBy(), e.fill(2))
	})},
	{name: "PPP link", from: pppBody, to: captured, wrap: before(int(capture.LinkPPP), framed)},
	{name: "PPP in HDLC", from: pppBody, to: captured, wrap: before(int(capture.LinkPPPHDLC), framed)},
	{name: "PPPoE link", from: pppBody, to: captured, wrap: before(int(capture.LinkPPPoE), pppoeHeader)},
	{name: "CHDLC", from: etherBody, to: captured, opens: inHDLC, wrap: before(int(capture.LinkCHDLC), hdlcHeader)},
	{name: "CHDLC as PPP", from: etherBody, to: captured, opens: inHDLC, wrap: before(int(capture.LinkPPPHDLC), hdlcHeader)},
	{name: "FRELAY", from: ipPacket, to: captured, wrap: before(int(capture.LinkFrameRelay), func(e *encap, p part) []byte {
		return join(dlci(e), []byte{3, map[int]byte{4: 0xcc, 6: 0x8e}[p.what]})
	})},
	{name: "FRELAY, SNAP", from: etherBody, to: captured, wrap: before(int(capture.LinkFrameRelay), func(e *encap, p part) []byte {
		return join(dlci(e), []byte{3, 0, 0x80, 0, 0, 0}, u16(p.what))
	})},
	{name: "PPP with direction", from: pppBody, to: captured, wrap: before(int(capture.LinkPPPDir), func(e *encap, p part) []byte {
		return join([]byte{byte(e.noise.IntN(2))}, framed(e, p))
	})},
	{name: "FDDI", from: llcBody, to: captured, wrap: before(int(capture.LinkFDDI), func(e *encap, _ part) []byte {
		return join([]byte{0x50}, e.mac(), e.mac())
	})},
	{name: "ATM", from: llcBody, to: captured, wrap: before(int(capture.LinkATM), fixed())},
	{name: "token ring", from: llcBody, to: captured, wrap: before(int(capture.LinkTokenRing), func(e *encap, _ part) []byte {
		b := join([]byte{0x10, 0x40}, e.mac(), e.mac())
		if e.one(2) { // a route
			n := 2 * (1 + e.stack.IntN(5))
			b[8] |= 0x80
			b = join(b, []byte{byte(n), 0}, e.fill(n-2))
		}
		return b
	})},
	{name: "SunATM", from: llcBody, to: captured, wrap: before(int(capture.LinkSunATM), fixed(0x82, 0, 0, 100))},
	{name: "IPFC", from: llcBody, to: captured, wrap: before(int(capture.LinkIPFC), func(e *encap, _ part) []byte { return join([]byte{0x10, 0}, e.mac(), []byte{0x10, 0}, e.mac()) })},
	{name: "IPoIB", from: etherBody, to: captured, opens: []int{etherIPv4, etherIPv6}, wrap: before(int(capture.LinkIPoIB), func(e *encap, p part) []byte {
		return join(e.fill(40), u16(p.what), u16(0))
	})},
	{name: "Juniper", from: etherFrame, to: captured, wrap: before(int(capture.LinkJuniper), func(e *encap, _ part) []byte {
		if e.one(2) {
			return []byte("MGC\x00")
		}
		n := e.stack.IntN(20)
		return join([]byte("MGC\x80"), u16(n), make([]byte, n))
	})},
	{name: "ERF, Ethernet", from: etherFrame, to: captured, wrap: erfRecord(2)},
	{name: "ERF, IPv4", from: ipPacket, to: captured, only: []int{4}, wrap: erfRecord(22)},
	{name: "ERF, IPv6", from: ipPacket, to: captured, only: []int{6}, wrap: erfRecord(23)},
	{name: "SLL, LLC", from: llcBody, to: captured, wrap: before(int(capture.LinkSLL), func(e *encap, p part) []byte {
		return join(u16(e.noise.IntN(5)), u16(1), u16(6), e.sentBy(), e.fill(2), u16(4))
	})},
	{name: "PKTAP of old", from: etherFrame, to: captured, wrap: before(int(capture.LinkPKTAPOld), pktapHeader(capture.LinkEthernet))},
	{name: "IEEE802_11", from: wifiFrame, to: captured, wrap: before(int(capture.LinkWiFi), fixed())},
	{name: "radiotap", from: wifiFrame, to: captured, wrap: radiotapped},
	{name: "AVS", from: wifiFrame, to: captured, wrap: before(int(capture.LinkAVS), avsHeader)},
	{name: "AVS as Prism", from: wifiFrame, to: captured, wrap: before(int(capture.LinkPrism), avsHeader)},
	{name: "Prism", from: wifiFrame, to: captured, wrap: before(int(capture.LinkPrism), func(e *encap, _ part) []byte {
		return join([]byte{0x44, 0, 0, 0, 144, 0, 0, 0}, []byte("wlan0"), make([]byte, 131))
	})},
}

// options is an extension header of options, all of them padding.
func options(proto int) func(*encap, part) part {
	return before(proto, func(e *encap, p part) []byte {
		n := e.stack.IntN(4)
		return join([]byte{byte(p.what), byte(n), 1, byte(4 + 8*n)}, make([]byte, 4+8*n))
	})
}

// vlanTag is a tag, with the EtherType behind it. Its priority is no part of the
// way.
func vlanTag(e *encap, p part) []byte {
	return join(u16(e.noise.IntN(8)<<13|e.id(1<<12)), u16(p.what))
}

// tagOf is a tag of n bytes that tell no networks apart.
func tagOf(n int) func(*encap, part) []byte {
	return func(e *encap, p part) []byte { return join(e.fill(n), u16(p.what)) }
}

// labelStack is one label or more. Those below 16 are reserved.
func labelStack(e *encap, _ part) []byte {
	n := 1 + max(0, e.stack.IntN(4)-1)
	var b []byte
	for i := range n {
		bottom := 0
		if i == n-1 {
			bottom = 0x100
		}
		b = append(b, u32((16+e.id(1<<19))<<12|e.noise.IntN(8)<<9|bottom|64)...)
	}
	return b
}

// pppNumber is a protocol number, whose first byte may be left out if it is 0.
func (e *encap) pppNumber(n int) []byte {
	if n < 0x100 && e.one(4) {
		return []byte{byte(n)}
	}
	return u16(n)
}

// framed is the address and control field, which may be left out.
func framed(e *encap, _ part) []byte {
	if e.one(2) {
		return []byte{0xff, 3}
	}
	return nil
}

func pppoeHeader(e *encap, p part) []byte {
	return join([]byte{0x11, 0}, u16(e.id(1<<16)), u16(len(p.b)))
}

// greHeader has a checksum, a key and a number in any combination.
func greHeader(e *encap, p part) []byte {
	flags := e.stack.IntN(8)
	b := join([]byte{byte(flags&4<<5 | flags&3<<4), 0}, u16(p.what))
	if flags&4 != 0 {
		b = append(b, e.fill(4)...)
	}
	if flags&2 != 0 {
		b = append(b, u32(e.id(1<<32))...)
	}
	if flags&1 != 0 {
		b = append(b, e.fill(4)...)
	}
	return b
}

// pptpHeader is that of GRE version 1, whose key is a length and a call.
func pptpHeader(e *encap, p part) []byte {
	flags, inside := e.stack.IntN(4), framed(e, p)
	b := join([]byte{byte(0x20 | flags&1<<4), byte(1 | flags&2<<6)}, u16(etherPPP), u16(len(p.b)), u16(e.id(1<<16)))
	if flags&1 != 0 {
		b = append(b, e.fill(4)...)
	}
	if flags&2 != 0 {
		b = append(b, e.fill(4)...)
	}
	return join(b, inside)
}

func vxlanHeader(e *encap, next byte) []byte {
	return join([]byte{0x0c, 0, 0, next}, u24(e.id(1<<24)), []byte{0})
}

// nshHeader is of type 1, with contexts of a fixed length, or of type 2.
func nshHeader(e *encap, next byte) []byte {
	kind, words := 1, 6
	if e.one(2) {
		kind, words = 2, 2
	}
	return join([]byte{0x0f, byte(0xc0 | words), byte(kind), next}, e.fill(4*words-4))
}

// gtpHeader may have the optional fields, and extension headers.
func gtpHeader(e *encap, p part) []byte {
	flags := byte(e.stack.IntN(8))
	var tail []byte
	if flags != 0 {
		tail = join(e.fill(3), []byte{0})
	}
	if flags&4 != 0 {
		for range 1 + e.stack.IntN(3) {
			tail[len(tail)-1] = 0x85 // a PDU session container
			words := 1 + e.stack.IntN(2)
			tail = join(tail, []byte{byte(words)}, e.fill(4*words-2), []byte{0})
		}
	}
	return join([]byte{0x30 | flags, 0xff}, u16(len(tail)+len(p.b)), u32(e.id(1<<32)), tail)
}

// teredoHeader may have an authentication, an origin, or both.
func teredoHeader(e *encap, _ part) []byte {
	var b []byte
	if e.one(2) {
		id, auth := e.stack.IntN(5), e.stack.IntN(5)
		b = join(b, []byte{0, 1, byte(id), byte(auth)}, e.fill(id+auth+9))
	}
	if e.one(2) {
		b = join(b, []byte{0, 0}, e.fill(6))
	}
	return b
}

// l2tpHeader has a length, numbers and an offset in any combination.
func l2tpHeader(e *encap, p part) []byte {
	flags, inside := e.stack.IntN(8), framed(e, p)
	ids := join(u16(e.id(1<<16)), u16(e.id(1<<16)))
	var mid, tail []byte
	first := byte(0)
	if flags&1 != 0 {
		first |= 0x08
		tail = join(tail, e.fill(4))
	}
	if flags&2 != 0 {
		first |= 0x02
		n := e.stack.IntN(5)
		tail = join(tail, u16(n), e.fill(n))
	}
	if flags&4 != 0 {
		first |= 0x40
		mid = u16(8 + len(tail) + len(inside) + len(p.b))
	}
	return join([]byte{first, 2}, mid, ids, tail, inside)
}

// tzspHeader may have tags and padding.
func tzspHeader(link byte) func(*encap, part) []byte {
	return func(e *encap, _ part) []byte {
		b := []byte{1, 0, 0, link}
		for e.one(2) {
			b = append(b, 0)
			b = append(b, 0x0a, 1, byte(e.noise.Uint32())) // signal strength
		}
		return append(b, 1)
	}
}

// wifiHeader is that of a data frame, from a station, to one, or between access
// points; control is the first byte of the QoS control, if it has to be there.
func wifiHeader(e *encap, control byte) []byte {
	ways, qos, order := e.stack.IntN(4), control != 0 || e.one(2), false
	macs := [][]byte{e.mac(), e.mac(), e.mac(), e.mac()}
	if control&0x80 == 0 && e.sender == nil {
		e.sender = macs[[...]int{1, 1, 2, 3}[ways]]
	}
	b := join([]byte{0x08, byte(ways)}, e.fill(2), macs[0], macs[1], macs[2], []byte{byte(e.noise.IntN(16)) << 4, 0})
	if ways == 3 {
		b = append(b, macs[3]...)
	}
	if qos {
		b[0] |= 0x80
		b = append(b, control|byte(e.noise.IntN(8)), 0)
		order = e.one(4)
	}
	if order {
		b[1] |= 0x80
		b = append(b, 0, 0, 0, 0)
	}
	return b
}

// aggregate puts a frame between others that are no TCP.
func aggregate(e *encap, b []byte) []byte {
	parts := [][]byte{b}
	for e.one(2) {
		parts = append(parts, snapARP)
	}
	e.stack.Shuffle(len(parts), func(i, j int) { parts[i], parts[j] = parts[j], parts[i] })
	var all []byte
	for i, p := range parts {
		from := e.mac()
		if e.sender == nil && &p[0] == &b[0] {
			e.sender = from
		}
		all = join(all, e.mac(), from, u16(len(p)), p)
		if i < len(parts)-1 {
			all = append(all, make([]byte, -len(all)&3)...) // all but the first have whole words before them
		}
	}
	return all
}

var snapARP = join([]byte{0xaa, 0xaa, 3, 0, 0, 0, 8, 6, 0, 1, 8, 0, 6, 4, 0, 1}, make([]byte, 20))

func hdlcHeader(e *encap, p part) []byte {
	return join([]byte{[...]byte{0x0f, 0x8f}[e.stack.IntN(2)], 0}, u16(p.what))
}

// dlci is the address of a frame relay frame: ten bits of it are the circuit.
func dlci(e *encap) []byte {
	n := e.id(1 << 10)
	return []byte{byte(n>>4) << 2, byte(n)<<4 | 1}
}

// pflogHeader is padded to a multiple of four bytes, which its length leaves out.
func pflogHeader(e *encap, p part) []byte {
	family := map[int]byte{4: 2, 6: 24}[p.what]
	return join([]byte{61, family, 0, 0}, []byte("em0"), make([]byte, 57))
}

// nflogHeader has attributes in front of the packet, in either byte order.
func nflogHeader(order binary.AppendByteOrder) func(*encap, part) []byte {
	attribute := func(what, n int) []byte {
		return order.AppendUint16(order.AppendUint16(nil, uint16(4+n)), uint16(what))
	}
	return func(_ *encap, p part) []byte {
		prefix := join(attribute(10, 5), []byte("fw: \x00"), make([]byte, 3))
		return join([]byte{map[int]byte{4: 2, 6: 10}[p.what], 0, 0, 5}, prefix, attribute(9, len(p.b)))
	}
}

func pktapHeader(link capture.LinkType) func(*encap, part) []byte {
	return func(e *encap, _ part) []byte {
		const size = 108
		le := binary.LittleEndian
		b := le.AppendUint32(le.AppendUint32(le.AppendUint32(nil, size), 1), uint32(link))
		return join(b, []byte("en0"), make([]byte, size-len(b)-3))
	}
}

func ppiHeader(link capture.LinkType) func(*encap, part) []byte {
	return func(e *encap, _ part) []byte {
		return join([]byte{0, 0, 8, 0}, binary.LittleEndian.AppendUint32(nil, uint32(link)))
	}
}

// radiotapped puts a header in front that may have the time, the flags and a
// second word of presence. The flags may say that the header behind is padded.
func radiotapped(e *encap, p part) part {
	const hasTSFT, hasFlags, hasMore, padded = 1, 2, 1 << 31, 0x20
	has := uint32(e.stack.IntN(4))
	b := make([]byte, 8)
	if e.one(2) {
		has |= hasMore
		b = append(b, 0, 0, 0, 0)
	}
	if has&hasTSFT != 0 {
		b = join(b, make([]byte, -len(b)&7), e.fill(8))
	}
	inside := p.b
	if has&hasFlags != 0 {
		flags := e.stack.IntN(2) * padded
		b = append(b, byte(flags))
		if flags != 0 {
			inside = join(p.b[:p.what], make([]byte, -p.what&3), p.b[p.what:])
		}
	}
	binary.LittleEndian.PutUint16(b[2:], uint16(len(b)))
	binary.LittleEndian.PutUint32(b[4:], has)
	return part{what: int(capture.LinkRadiotap), b: join(b, inside)}
}

// erfRecord has extension headers, and two bytes in front of Ethernet.
func erfRecord(what byte) func(*encap, part) part {
	return func(e *encap, p part) part {
		var ext, pad []byte
		for e.one(2) {
			ext = join([]byte{4}, e.fill(7), ext) // the first one is written last, and another follows on it
			if len(ext) > 8 {
				ext[0] |= 0x80
			}
		}
		if what == 2 {
			pad = []byte{0, 0}
		}
		head := what
		if len(ext) > 0 {
			head |= 0x80
		}
		size := 16 + len(ext) + len(pad) + len(p.b)
		return part{what: int(capture.LinkERF), b: join(e.fill(8), []byte{head, 4}, u16(size), u16(0), u16(len(p.b)), ext, pad, p.b)}
	}
}

// checked puts a check sequence behind a frame, if anything may follow it.
func checked(e *encap, b []byte) []byte {
	if e.exact {
		return b
	}
	return join(b, e.fill(4))
}

func avsHeader(e *encap, _ part) []byte {
	return join([]byte{0x80, 0x21, 0x10, 0x01}, u32(64), make([]byte, 56))
}
