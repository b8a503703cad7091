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
	name    string   // server_name of hellos that can be read; "": they cannot
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
		asked, answered := g.clientHello(), g.serverHello()
		if t.name != "" {
			asked, answered = g.readableHellos(t.name)
		}
		c.say(client, 200*microsecond, asked)
		c.say(server, c.rtt, answered)
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

// readableHellos are the ClientHello of a TLS 1.3 client, padded to the size that is
// usual (RFC 7685), and what a server answers.
func (g *generator) readableHellos(name string) (asked, answered message) {
	sized := func(size int, s string) string {
		n := binary.BigEndian.AppendUint32(nil, uint32(len(s)))
		return string(n[4-size:]) + s
	}
	random := func(n int) string { return string(g.pool[g.rng.IntN(len(g.pool)-n):][:n]) }
	const usual = 508
	extensions := "\x00\x00" + sized(2, sized(2, "\x00"+sized(2, name))) + // server_name
		"\x00\x0a\x00\x04\x00\x02\x00\x1d" + "\x00\x0d\x00\x08\x00\x06\x04\x03\x08\x04\x04\x01" + // groups, signatures
		"\x00\x10\x00\x0b\x00\x09\x08http/1.1" + "\x00\x2b\x00\x03\x02\x03\x04" + // ALPN, versions
		"\x00\x33" + sized(2, sized(2, "\x00\x1d"+sized(2, random(32)))) // key share
	body := "\x03\x03" + random(32) + sized(1, random(32)) + sized(2, "\x13\x01\x13\x02\x13\x03") + "\x01\x00"
	extensions += "\x00\x15" + sized(2, string(make([]byte, usual-len(body)-len(extensions)-6)))
	asked = text(record(recordHandshake, usual+4) + "\x01" + sized(3, body+sized(2, extensions)))
	body = "\x03\x03" + random(32) + sized(1, random(32)) + "\x13\x01\x00" +
		sized(2, "\x00\x2b\x00\x02\x03\x04"+"\x00\x33"+sized(2, "\x00\x1d"+sized(2, random(32))))
	answered = text(record(recordHandshake, int64(len(body)+4)) + "\x02" + sized(3, body))
	return asked, append(answered, g.records(g.between(1200, 3600))...)
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
