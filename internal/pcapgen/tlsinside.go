package pcapgen

import (
	"crypto/aes"
	"crypto/cipher"
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
)

// A sealer encrypts one direction of TLS 1.3, RFC 8446, Section 5.2, with
// TLS_AES_128_GCM_SHA256.
type sealer struct {
	aead cipher.AEAD
	iv   []byte
	seq  uint64
}

// newSealer derives key and IV from a traffic secret, RFC 8446, Section 7.3.
func newSealer(secret []byte) *sealer {
	expand := func(label string, n int) []byte {
		label = "tls13 " + label
		info := string(binary.BigEndian.AppendUint16(nil, uint16(n))) + string(byte(len(label))) + label + "\x00"
		b, err := hkdf.Expand(sha256.New, secret, info, n)
		if err != nil {
			panic(err) // the length is right
		}
		return b
	}
	block, err := aes.NewCipher(expand("key", 16))
	if err != nil {
		panic(err) // so is that of the key
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		panic(err)
	}
	return &sealer{aead: aead, iv: expand("iv", 12)}
}

// record is one encrypted record.
func (s *sealer) record(kind byte, content []byte) []byte {
	nonce := append([]byte(nil), s.iv...)
	for i, c := range binary.BigEndian.AppendUint64(nil, s.seq) {
		nonce[4+i] ^= c
	}
	s.seq++
	inner := append(append([]byte(nil), content...), kind)
	header := []byte{tlsData, 3, 3, 0, 0}
	binary.BigEndian.PutUint16(header[3:], uint16(len(inner)+s.aead.Overhead()))
	return append(header, s.aead.Seal(nil, nonce, inner, header)...)
}

// secret makes a traffic secret up, and writes it into the capture's key log.
// Nobody who only listens can tell that it was not agreed upon.
func (g *Capture) secret(label string, random []byte) []byte {
	secret := g.noise(label, sha256.Size)
	g.keyLog += fmt.Sprintf("%s %x %x\n", label, random, secret)
	return secret
}

// tls13 makes a TLS 1.3 handshake, after which all that Send says is encrypted. The
// server chooses protocol by ALPN.
func (g *Capture) tls13(c *Conn, serverName, protocol string, chain ...*certificate) {
	const clientHelloRandom = 5 + 4 + 2 // after the headers of record and message, and the version
	hello := g.clientHello(serverName)
	random := hello[clientHelloRandom:][:32]
	c.Client(hello)
	client := newSealer(g.secret("CLIENT_HANDSHAKE_TRAFFIC_SECRET", random))
	server := newSealer(g.secret("SERVER_HANDSHAKE_TRAFFIC_SECRET", random))
	var list []byte
	for _, x := range chain {
		list = append(append(list, vec24(x.der())...), 0, 0)
	}
	cipher := tlsRecord(tlsChangeCipher, []byte{1})
	flight := tlsMessage(8, vec16(tlsExtension(16, vec16(vec8([]byte(protocol))))))
	flight = append(flight, tlsMessage(11, append([]byte{0}, vec24(list)...))...)
	flight = append(flight, tlsMessage(15, append([]byte{8, 7}, vec16(g.noise("signature", 64))...))...)
	flight = append(flight, tlsMessage(20, g.noise("server finished", 32))...)
	c.Server(append(append(g.serverHello(), cipher...), server.record(tlsHandshake, flight)...))
	c.Client(append(cipher, client.record(tlsHandshake, tlsMessage(20, g.noise("client finished", 32)))...))
	c.inside[Client] = newSealer(g.secret("CLIENT_TRAFFIC_SECRET_0", random))
	c.inside[Server] = newSealer(g.secret("SERVER_TRAFFIC_SECRET_0", random))
}

// keyedCase is a capture that holds the secrets of the TLS in it.
func keyedCase(name, desc string, script func(g *Capture) []Attempt) Case {
	g := newCapture(name)
	attempts := script(g)
	return Case{Name: name, Desc: desc, File: name + ".pcapng", Attempts: attempts, Bytes: func() []byte { return g.pcapng() }}
}

// insideCase is an exchange inside TLS, whose secrets the capture holds.
func insideCase(name, desc, serverName, protocol string, play func(g *Capture, u *upgrade, a *Attempt)) Case {
	return keyedCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial("10.0.0.7:51234", "192.0.2.9:443")
		g.tls13(c, serverName, protocol, leafFor(2025, 2027, serverName), middleCA())
		a := u.truth()
		play(g, u, &a)
		b := u.play(c)
		a.Stream, a.RequestFrame, a.ResponseFrame = b.Stream, b.RequestFrame, b.ResponseFrame
		return []Attempt{a}
	})
}

// insideCases are exchanges inside TLS.
func insideCases() []Case {
	return []Case{
		insideCase("tls-inside", "A handshake inside TLS 1.3 in which everything is right.", hostName, "http/1.1",
			func(*Capture, *upgrade, *Attempt) {}),
		insideCase("tls-inside-other-host", "The Host inside is not the name that TLS was opened for.", "edge.example.com", "http/1.1",
			func(_ *Capture, _ *upgrade, a *Attempt) { a.Codes = []string{"tls-sni-host-mismatch"} }),
		insideCase("tls-inside-h2", "HTTP/2 is agreed upon, and the client sends an HTTP/1.1 upgrade.", hostName, "h2",
			func(_ *Capture, u *upgrade, a *Attempt) {
				u.answer(errorPage("400 Bad Request"))
				a.Verdict, a.Status, a.Want, a.Accept = "rejected", 400, "", ""
				a.Codes = []string{"status-400", "tls-alpn-h2-selected"}
			}),
	}
}
