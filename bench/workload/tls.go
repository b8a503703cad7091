package workload

import "encoding/binary"

// TLS record types, RFC 8446, Section 5.1.
const (
	recordHandshake = 22
	recordData      = 23
)

// A secret is TLS-like traffic: records whose headers are right and whose
// contents are random.
type secret struct {
	g       *generator
	left    int64    // exchanges to come
	request [2]int64 // bytes a client sends: least, most
	answer  [2]int64 // bytes a server sends
	pause   [2]int64 // microseconds between two exchanges
	opened  bool
	ended   bool
}

// script is the script of the connection.
func (t *secret) script(c *conn) bool {
	g := t.g
	switch {
	case !t.opened:
		t.opened = true
		c.say(client, 200*microsecond, g.clientHello())
		c.say(server, c.rtt, g.serverHello())
		c.say(client, c.rtt, g.records(74))
	case t.left > 0:
		t.left--
		c.say(client, g.between(t.pause[0], t.pause[1]), g.records(g.between(t.request[0], t.request[1])))
		most := g.between(t.answer[0], t.answer[1])
		c.say(server, c.rtt+g.between(100, 4000), g.records(g.between(t.answer[0], most)))
	case !t.ended:
		t.ended = true
		c.close(client, 2*millisecond)
	default:
		return false
	}
	return true
}

func record(kind byte, n int64) string {
	return string(binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(n)))
}

// hello begins a handshake message of n bytes: type, length, version 1.2.
func hello(kind byte, n int64) string {
	return string([]byte{kind, 0, byte((n - 4) >> 8), byte(n - 4), 3, 3})
}

func (g *generator) clientHello() message {
	const n = 508
	return message{g.filled(record(recordHandshake, n)+hello(1, n), n-6)}
}

func (g *generator) serverHello() message {
	const n = 118
	m := message{g.filled(record(recordHandshake, n)+hello(2, n), n-6)}
	return append(m, g.records(g.between(1200, 3600))...)
}

// records is n bytes of application data, in records of up to 16 KiB.
func (g *generator) records(n int64) message {
	var m message
	for n > 0 {
		k := min(n, 16<<10)
		m = append(m, g.filled(record(recordData, k), k))
		n -= k
	}
	return m
}
