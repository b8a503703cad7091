package analyze

import (
	"encoding/binary"
	"net/netip"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// maxDNSHeld is how many connections may have the beginning of a DNS message held,
// each up to 64 KiB: a message cannot be longer.
const maxDNSHeld = 64

// startsDNS reports whether a connection is one of DNS, by the first bytes of a
// direction: a length of less than 2,560 bytes, which a question always has. HTTP
// and TLS begin otherwise.
func startsDNS(c *flow.Chunk) bool {
	return (c.Conn.Port[0] == portDNS || c.Conn.Port[1] == portDNS) && c.Lost == 0 && len(c.Data) > 0 && c.Data[0] < '\n'
}

// dnsChunk takes bytes of a connection of DNS: messages, each behind its length in
// two bytes (RFC 1035, Section 4.2.2; RFC 7766, Section 8). Those of the client are
// not wanted.
func (a *Analyzer) dnsChunk(c *flow.Chunk) flow.Want {
	if c.Conn.Port[c.Dir] != portDNS {
		return flow.None
	}
	b, ok := a.dnsHeld.take(c.Conn.State>>kindBits), c.Lost == 0
	for data := c.Data; ok && len(data) > 0; {
		n := min(missingDNS(b), len(data))
		b, data = append(b, data[:n]...), data[n:]
		if missingDNS(b) == 0 {
			ok = a.dnsMessage(b[2:], c.Conn.Addr(c.Dir), c.Conn.Addr(c.Dir.Reverse()).Addr(), c.Stamp)
			b = b[:0]
		}
	}
	number, room := a.dnsHeld.put(b)
	if !room {
		a.names.unlisted++
	}
	if !ok || !room {
		a.dnsHeld.take(number)
		c.Conn.State = notOurs
		return flow.None
	}
	c.Conn.State = number<<kindBits | inDNS
	return flow.All
}

// missingDNS returns how many bytes more are needed to know the length of a
// message, or to have all of it; 0: it is whole.
func missingDNS(b []byte) int {
	if len(b) < 2 {
		return 2 - len(b)
	}
	return 2 + int(binary.BigEndian.Uint16(b)) - len(b)
}

// dnsMessage takes a message that a server sent to a client. It reports false if
// it is too short to be one.
func (a *Analyzer) dnsMessage(b []byte, server netip.AddrPort, client netip.Addr, at flow.Stamp) bool {
	if len(b) < dnsHeader {
		return false
	}
	if a.answer.read(b) {
		a.names.add(&a.answer, client, server, at)
	}
	return true
}

// A dnsHeld keeps the beginnings of messages until the rest comes, at places with
// numbers from 1 on.
type dnsHeld [maxDNSHeld][]byte

// take returns what is held at a place, and frees it; at 0 there is nothing.
func (h *dnsHeld) take(number uint32) []byte {
	if number == 0 {
		return nil
	}
	b := h[number-1]
	h[number-1] = nil
	return b
}

// put holds bytes and returns the number of their place, 0 if there are none. It
// reports false if there is no place.
func (h *dnsHeld) put(b []byte) (number uint32, ok bool) {
	if len(b) == 0 {
		return 0, true
	}
	for i := range h {
		if h[i] == nil {
			h[i] = b
			return uint32(i) + 1, true
		}
	}
	return 0, false
}
