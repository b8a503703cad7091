package pcapgen

import "encoding/binary"

// TLS record types (RFC 8446, Section 5.1).
const (
	tlsChangeCipher = 20
	tlsHandshake    = 22
	tlsData         = 23
)

// vec8, vec16 and vec24 put the length of b in front of it.
func vec8(b []byte) []byte  { return append([]byte{byte(len(b))}, b...) }
func vec16(b []byte) []byte { return append(binary.BigEndian.AppendUint16(nil, uint16(len(b))), b...) }
func vec24(b []byte) []byte { return append([]byte{byte(len(b) >> 16)}, vec16(b)...) }

func tlsRecord(kind byte, body []byte) []byte {
	return append([]byte{kind, 3, 3}, vec16(body)...)
}

func tlsExtension(kind uint16, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16(nil, kind), vec16(body)...)
}

// noise returns n bytes that look encrypted.
func (g *Capture) noise(label string, n int) []byte {
	var b []byte
	for i := 0; len(b) < n; i++ {
		sum := g.seeded(label, i)
		b = append(b, sum[:]...)
	}
	return b[:n]
}

// clientHello is that of a TLS 1.3 client which offers HTTP/1.1 only; without
// the extension server_name if the name is empty.
func (g *Capture) clientHello(serverName string) []byte {
	share := append([]byte{0, 29}, vec16(g.noise("client share", 32))...)
	var ext []byte
	if serverName != "" {
		name := append([]byte{0}, vec16([]byte(serverName))...)
		ext = append(ext, tlsExtension(0, vec16(name))...)
	}
	ext = append(ext, tlsExtension(10, vec16([]byte{0, 29, 0, 23}))...)     // X25519, P-256
	ext = append(ext, tlsExtension(13, vec16([]byte{4, 3, 8, 4, 4, 1}))...) // signatures
	ext = append(ext, tlsExtension(16, vec16(vec8([]byte("http/1.1"))))...) // ALPN
	ext = append(ext, tlsExtension(43, vec8([]byte{3, 4, 3, 3}))...)        // versions
	ext = append(ext, tlsExtension(51, vec16(share))...)                    // key share
	body := append([]byte{3, 3}, g.noise("client random", 32)...)
	body = append(body, vec8(g.noise("session", 32))...)
	body = append(body, vec16([]byte{0x13, 1, 0x13, 3, 0xc0, 0x2f})...) // cipher suites
	body = append(append(body, 1, 0), vec16(ext)...)                    // no compression
	return tlsRecord(tlsHandshake, append([]byte{1}, vec24(body)...))
}

func (g *Capture) serverHello() []byte {
	share := append([]byte{0, 29}, vec16(g.noise("server share", 32))...)
	ext := append(tlsExtension(43, []byte{3, 4}), tlsExtension(51, share)...)
	body := append([]byte{3, 3}, g.noise("server random", 32)...)
	body = append(body, vec8(g.noise("session", 32))...)
	body = append(append(body, 0x13, 1, 0), vec16(ext)...)
	return tlsRecord(tlsHandshake, append([]byte{2}, vec24(body)...))
}

// tlsRecordOf is a record with n bytes that nobody can read.
func (g *Capture) tlsRecordOf(label string, n int) []byte {
	return tlsRecord(tlsData, g.noise(label, n))
}

// tlsOpen is a TLS 1.3 handshake and, inside, an exchange of the size of an
// upgrade. It returns the frame in which the ClientHello became complete.
func (g *Capture) tlsOpen(c *Conn, serverName string) int {
	cipher := tlsRecord(tlsChangeCipher, []byte{1})
	hello := c.Client(g.clientHello(serverName))
	flight := append(g.serverHello(), cipher...)
	flight = append(flight, g.tlsRecordOf("certificate", 2900)...)
	c.Server(flight)
	c.Client(append(cipher, g.tlsRecordOf("client finished", 53)...))
	c.Client(g.tlsRecordOf("request", 204))
	c.Server(g.tlsRecordOf("response", 220))
	return hello
}

// tlsSession is a TLS 1.3 connection with an exchange of the size of an
// upgrade and a few messages, all of it opaque. It returns what tlsOpen does.
func (g *Capture) tlsSession(c *Conn, serverName string) int {
	hello := g.tlsOpen(c, serverName)
	for i := range 3 {
		c.Client(g.tlsRecordOf("message", 34+i))
		c.Server(g.tlsRecordOf("answer", 26+i))
		g.Wait(5 * second)
	}
	c.Client(g.tlsRecordOf("close", 25))
	c.Server(g.tlsRecordOf("close answer", 21))
	c.Close(Server)
	return hello
}
