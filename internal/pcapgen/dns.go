package pcapgen

import (
	"encoding/binary"
	"net/netip"
	"strings"
)

// A Lookup is the truth about an answer of DNS.
type Lookup struct {
	Frame          int
	At             int64 // time of the frame in nanoseconds since 1970
	Client, Server string
	Name, CNAME    string
	RCode          int
	Addrs          []string
}

// A question is one of DNS for the addresses of a name, and what is answered
// (RFC 1035, Section 4).
type question struct {
	name      string
	v6        bool
	aliases   []string // CNAMEs on the way to the addresses
	addrs     []netip.Addr
	rcode     byte
	truncated bool
}

// Lookup lets a client ask a server for the addresses of a name: one question for
// each version of IP that they are of. Without addresses, the answer is that there
// is no such name. Client and server are addresses without ports. It returns the
// frame of the last answer.
func (g *Capture) Lookup(client, server, name string, addrs ...string) (frame int) {
	questions := []question{{name: name}, {name: name, v6: true}}
	for _, s := range addrs {
		a := netip.MustParseAddr(s)
		q := &questions[0]
		if a.Is6() {
			q = &questions[1]
		}
		q.addrs = append(q.addrs, a)
	}
	if len(addrs) == 0 {
		return g.ask(client, server, question{name: name, rcode: 3})
	}
	for _, q := range questions {
		if len(q.addrs) > 0 {
			frame = g.ask(client, server, q)
		}
	}
	return frame
}

// ask plays a question and its answer over UDP, and returns the frame of the
// answer.
func (g *Capture) ask(client, server string, q question) int {
	g.asked++
	seed := g.seeded("dns", g.asked)
	id, port := binary.BigEndian.Uint16(seed[0:]), 49152|binary.BigEndian.Uint16(seed[2:])
	from, to := netip.AddrPortFrom(netip.MustParseAddr(client), port).String(), netip.AddrPortFrom(netip.MustParseAddr(server), portDNS).String()
	g.Datagram(from, to, q.ask(id))
	frame := g.Datagram(to, from, q.answer(id))
	g.answered(frame, client, to, q)
	return frame
}

// askTCP plays them over a connection (RFC 1035, Section 4.2.2).
func (c *Conn) askTCP(q question) {
	c.g.asked++
	seed := c.g.seeded("dns", c.g.asked)
	id := binary.BigEndian.Uint16(seed[:])
	c.Client(behindLength(q.ask(id)))
	frame := c.Server(behindLength(q.answer(id)))
	c.g.answered(frame, c.addr[Client].Addr().String(), c.addr[Server].String(), q)
}

func behindLength(b []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...)
}

// answered notes the truth, if there is any.
func (g *Capture) answered(frame int, client, server string, q question) {
	if q.rcode == 0 && len(q.addrs) == 0 {
		return
	}
	l := Lookup{Frame: frame, At: g.recs[frame-1].at.UnixNano(), Client: client, Server: server, Name: strings.ToLower(q.name), RCode: int(q.rcode)}
	for _, a := range q.addrs {
		l.Addrs = append(l.Addrs, a.String())
	}
	if n := len(q.aliases); n > 0 {
		l.CNAME = q.aliases[n-1]
	}
	g.lookups = append(g.lookups, l)
}

// ask is the message with the question.
func (q question) ask(id uint16) []byte {
	return q.message(id, 0x0100, 0) // recursion desired
}

// answer is the message with the answer. Names that were there before are
// pointers to them.
func (q question) answer(id uint16) []byte {
	flags := 0x8180 | uint16(q.rcode) // response, recursion desired and available
	if q.truncated {
		flags |= 0x0200
	}
	b := q.message(id, flags, len(q.aliases)+len(q.addrs))
	owner := []byte{0xc0, 12} // the name in the question
	for _, alias := range q.aliases {
		target := labels(alias)
		b = resource(b, owner, 5, target)
		owner = binary.BigEndian.AppendUint16(nil, 0xc000|uint16(len(b)-len(target)))
	}
	for _, a := range q.addrs {
		b = resource(b, owner, q.kind(), a.AsSlice())
	}
	return b
}

func (q question) kind() uint16 {
	if q.v6 {
		return 28
	}
	return 1
}

// message is a header and the question.
func (q question) message(id, flags uint16, answers int) []byte {
	b := binary.BigEndian.AppendUint16(nil, id)
	b = binary.BigEndian.AppendUint16(b, flags)
	b = append(b, 0, 1, 0, byte(answers), 0, 0, 0, 0)
	b = append(b, labels(q.name)...)
	b = binary.BigEndian.AppendUint16(b, q.kind())
	return append(b, 0, 1) // IN
}

// resource appends a resource record that is valid for a minute.
func resource(b, owner []byte, kind uint16, data []byte) []byte {
	b = append(b, owner...)
	b = binary.BigEndian.AppendUint16(b, kind)
	b = append(b, 0, 1, 0, 0, 0, 60)
	b = binary.BigEndian.AppendUint16(b, uint16(len(data)))
	return append(b, data...)
}

// labels is a name, each label behind its length.
func labels(name string) []byte {
	var b []byte
	for _, l := range strings.Split(name, ".") {
		b = append(append(b, byte(len(l))), l...)
	}
	return append(b, 0)
}
