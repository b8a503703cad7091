package pcapgen

import (
	"crypto/sha1"
	"encoding/base64"
	"encoding/binary"
)

// guid is the constant of RFC 6455, Section 1.3.
const guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"

// Opcodes of RFC 6455, Section 5.2.
const (
	opText   = 0x1
	opBinary = 0x2
	opClose  = 0x8
	opPing   = 0x9
	opPong   = 0xa
)

// Key returns the next key of the capture: 16 fixed bytes that look random.
func (g *Capture) Key() string {
	g.keys++
	sum := g.seeded("key", g.keys)
	return base64.StdEncoding.EncodeToString(sum[:16])
}

// acceptFor is the value a server must answer to the key (RFC 6455, Section
// 4.2.2).
func acceptFor(key string) string {
	return base64SHA1(key + guid)
}

func base64SHA1(s string) string {
	sum := sha1.Sum([]byte(s))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// frame is an unmasked, final frame, as a server sends it.
func frame(op byte, payload string) []byte {
	return append(frameHeader(op, len(payload), 0), payload...)
}

// frameHeader writes the length in the shortest form. maskBit is 0x80 or 0.
func frameHeader(op byte, n int, maskBit byte) []byte {
	b := []byte{0x80 | op}
	switch {
	case n < 126:
		return append(b, maskBit|byte(n))
	case n < 1<<16:
		return binary.BigEndian.AppendUint16(append(b, maskBit|126), uint16(n))
	}
	return binary.BigEndian.AppendUint64(append(b, maskBit|127), uint64(n))
}

// masked is a final frame as the client of c sends it, with a fresh mask.
func (c *Conn) masked(op byte, payload string) []byte {
	c.masks++
	sum := c.g.seeded("mask", c.stream<<16|c.masks)
	b := append(frameHeader(op, len(payload), 0x80), sum[:4]...)
	for i := range len(payload) {
		b = append(b, payload[i]^sum[i%4])
	}
	return b
}

// closeBody is the payload of a Close frame.
func closeBody(code uint16, reason string) string {
	return string(binary.BigEndian.AppendUint16(nil, code)) + reason
}

// Session is a short conversation after the 101 and its orderly end.
func (c *Conn) Session() {
	c.Client(c.masked(opText, `{"hello":"world"}`))
	c.Server(frame(opText, `{"ok":true}`))
	c.CloseSession()
}

// CloseSession is the closing handshake, begun by the client; the server
// closes TCP first (RFC 6455, Section 7.1.1).
func (c *Conn) CloseSession() {
	c.Client(c.masked(opClose, closeBody(1000, "")))
	c.Server(frame(opClose, closeBody(1000, "")))
	c.Close(Server)
}
