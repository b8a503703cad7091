package workload

import "encoding/binary"

// Opcodes of RFC 6455, Section 5.2.
const (
	opBinary = 0x2
	opClose  = 0x8
)

// wsFrame is a final frame as a side sends it. The payload comes from the pool:
// what a mask makes of it does not matter.
func (g *generator) wsFrame(by side, op byte, n int64) part {
	var mask byte
	if by == client {
		mask = 0x80
	}
	b := make([]byte, 0, 14)
	b = append(b, 0x80|op)
	switch {
	case n < 126:
		b = append(b, mask|byte(n))
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16(append(b, mask|126), uint16(n))
	default:
		b = binary.BigEndian.AppendUint64(append(b, mask|127), uint64(n))
	}
	if by == client {
		b = binary.BigEndian.AppendUint32(b, g.rng.Uint32())
	}
	return g.filled(string(b), n)
}

// closeFrame is a Close frame with status 1000.
func (g *generator) closeFrame(by side) message {
	body := [2]byte{1000 >> 8, 1000 & 0xff}
	if by == server {
		return text(string([]byte{0x80 | opClose, 2, body[0], body[1]}))
	}
	var m [4]byte
	binary.BigEndian.PutUint32(m[:], g.rng.Uint32())
	return text(string([]byte{0x80 | opClose, 0x82, m[0], m[1], m[2], m[3], body[0] ^ m[0], body[1] ^ m[1]}))
}

// A chat is a WebSocket session: small frames, most of them from the client,
// and the orderly end after the last one.
type chat struct {
	g      *generator
	frames func() bool // takes one frame from what is to be sent; false: none is left
	pause  [2]int64    // microseconds between two exchanges: least, most
	bundle int64       // frames in one segment, at most
	over   bool
}

// script is the script of a connection that was upgraded.
func (s *chat) script(c *conn) bool {
	if s.over {
		return false
	}
	m, by := s.next()
	if m == nil {
		s.over = true
		s.end(c)
		return true
	}
	c.say(by, s.g.between(s.pause[0], s.pause[1]), m)
	return true
}

// next is the next message, nil if no frame is left.
func (s *chat) next() (m message, by side) {
	if s.g.chance(0.2) {
		by = server
	}
	for range s.g.between(1, s.bundle) {
		if !s.frames() {
			break
		}
		m = append(m, s.g.wsFrame(by, opBinary, s.g.between(4, 90)))
	}
	return m, by
}

// end is the closing handshake, begun by the client; the server closes TCP first
// (RFC 6455, Section 7.1.1).
func (s *chat) end(c *conn) {
	c.say(client, millisecond, s.g.closeFrame(client))
	c.say(server, c.rtt, s.g.closeFrame(server))
	c.close(server, 100*microsecond)
}

// atMost returns a counter of frames for one connection.
func atMost(n int64) func() bool {
	return func() bool { n--; return n >= 0 }
}
