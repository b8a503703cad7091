package pcapgen

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"strings"
)

// Of DNS (RFC 1035, Sections 3.2.2 and 4.1; RFC 3596, Section 2.1).
const (
	dnsTypeA    = 1
	dnsTypeAAAA = 28
	dnsClassIN  = 1

	dnsQuery      = 0x0100 // recursion desired
	dnsAnswer     = 0x8180 // recursion available, no error
	dnsNoSuchName = 3      // response code
	dnsFirstName  = 0xc00c // compressed: that of the question
)

// lookup is a question for the addresses of a name and the answer, over UDP. No
// address is the answer that there is no such name; all are of one family.
func (g *Capture) lookup(client, server netip.AddrPort, name string, addrs ...netip.Addr) {
	id := g.seeded("dns "+name, len(g.recs))
	kind := uint16(dnsTypeA)
	if len(addrs) > 0 && addrs[0].Is6() {
		kind = dnsTypeAAAA
	}
	var question []byte
	for label := range strings.SplitSeq(name, ".") {
		question = append(question, vec8([]byte(label))...)
	}
	question = append(question, 0)
	question = binary.BigEndian.AppendUint16(question, kind)
	question = binary.BigEndian.AppendUint16(question, dnsClassIN)

	g.datagram(Client, client, server, append(dnsHeader(id[:2], dnsQuery, 0), question...))
	flags := uint16(dnsAnswer)
	if len(addrs) == 0 {
		flags |= dnsNoSuchName
	}
	answer := append(dnsHeader(id[:2], flags, len(addrs)), question...)
	for _, a := range addrs {
		answer = binary.BigEndian.AppendUint16(answer, dnsFirstName)
		answer = binary.BigEndian.AppendUint16(answer, kind)
		answer = binary.BigEndian.AppendUint16(answer, dnsClassIN)
		answer = binary.BigEndian.AppendUint32(answer, 60) // time to live
		answer = append(answer, vec16(a.AsSlice())...)
	}
	g.datagram(Server, server, client, answer)
}

// dnsHeader is that of a message with one question (RFC 1035, Section 4.1.1).
func dnsHeader(id []byte, flags uint16, answers int) []byte {
	b := binary.BigEndian.AppendUint16(slices.Clone(id), flags)
	b = binary.BigEndian.AppendUint16(b, 1)
	b = binary.BigEndian.AppendUint16(b, uint16(answers))
	return append(b, 0, 0, 0, 0)
}

// datagram stores a UDP datagram that one side of a conversation sends (RFC 768).
func (g *Capture) datagram(side Side, from, to netip.AddrPort, data []byte) {
	b := binary.BigEndian.AppendUint16(nil, from.Port())
	b = binary.BigEndian.AppendUint16(b, to.Port())
	b = binary.BigEndian.AppendUint16(b, uint16(8+len(data)))
	b = append(append(b, 0, 0), data...)
	sum := checksum(pseudoHeader(from.Addr(), to.Addr(), protoUDP, len(b)), b)
	if sum == 0 {
		sum = 0xffff // 0 means that there is none
	}
	binary.BigEndian.PutUint16(b[6:], sum)
	h := ipHeader{from: from.Addr(), to: to.Addr(), ttl: 64, proto: protoUDP}
	p := packet{data: h.packet(b), ether: etherType(from.Addr()), src: from.Addr(), dst: to.Addr(), from: side}
	p.proto = ipProtocol(p.ether)
	g.storeAll(g.iface, p)
}
