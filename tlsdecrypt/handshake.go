package tlsdecrypt

import (
	"crypto/md5"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/wssniff/wssniff/internal/tlswire"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A handshake is what the hellos said, of the latest handshake of a connection.
type handshake struct {
	retried                bool     // there was a HelloRetryRequest
	client                 flow.Dir // valid iff greeted
	greeted, answered      bool     // the ClientHello, the ServerHello was read
	clientVersion, version uint16   // legacy_version of the ClientHello; the version chosen
	random, serverRandom   [randomLen]byte
	suite                  suite
	encryptThenMAC         bool
	early                  early

	// For resumption before TLS 1.3, of which some software logs no secrets.
	sessions [2]secretID // that the client wants to resume, or that the server names: by ticket, by ID

	// For RSA key exchange.
	extended bool        // the master secret depends on the messages, RFC 7627
	hello    []byte      // the ClientHello
	session  []hash.Hash // of the messages so far; nil: it is not needed, or one of them was too long
	master   [longestSecret]byte
	mastered bool // master is known
}

// early says what becomes of early data, RFC 8446, Section 4.2.10.
type early uint8

const (
	notOffered early = iota
	offered
	accepted
	refused
	unknown // the server's answer cannot be read: it is not decrypted
)

// messages reads what a record holds of handshake messages.
func (c *Conn) messages(h *half, b []byte, sealed bool) {
	if h.blind {
		return
	}
	for len(b) > 0 && h.reason == Decrypted {
		if h.pass > 0 {
			n := min(h.pass, len(b))
			h.pass, b = h.pass-n, b[n:]
			continue
		}
		src := b
		if h.msg != nil {
			_, _, _, need, _ := tlswire.NextMessage(h.msg)
			n := min(max(need, messageHeader)-len(h.msg), len(b))
			h.msg = append(h.msg, b[:n]...)
			src, b = h.msg, b[n:]
		}
		kind, body, rest, need, ok := tlswire.NextMessage(src)
		switch {
		case ok:
			c.message(h, kind, body, src[:need], sealed)
		case need > messageHeader+maxMessage:
			h.pass = need - len(src)
			c.message(h, kind, nil, nil, sealed)
		case h.msg == nil:
			h.msg = append(c.d.buffer(), b...)
			return
		default:
			continue
		}
		if h.msg != nil {
			h.msg = c.d.release(h.msg)
		} else {
			b = rest
			if !ok {
				b = nil
			}
		}
	}
}

const messageHeader = 4

// message takes a handshake message; body and whole are nil if it is too long.
func (c *Conn) message(h *half, kind tlswire.HandshakeType, body, whole []byte, sealed bool) {
	switch {
	case sealed && c.version == versionTLS13:
		c.message13(h, kind, body)
	case kind == tlswire.ClientHelloType:
		c.clientHello(h, body, whole)
	case kind == tlswire.ServerHelloType:
		c.serverHello(h, body, whole)
	default:
		c.note(whole)
		switch {
		case kind == tlswire.ClientKeyExchange && h.dir == c.client:
			c.keyExchange(body)
		case kind == tlswire.NewSessionTicket && h.dir != c.client:
			if ticket, ok := tlswire.ParseNewSessionTicket(body); ok {
				c.sessions[0] = sessionOf(ticket)
			}
		}
	}
	if sealed && h.reason == Decrypted {
		c.d.event(Event{Conn: &c.inner, Dir: h.dir, Stamp: h.at.Stamp, Message: kind, Body: body})
	}
}

// message13 takes a message of the encrypted part of TLS 1.3.
func (c *Conn) message13(h *half, kind tlswire.HandshakeType, body []byte) {
	switch {
	case kind == tlswire.EncryptedExtensions && h.stage == inHandshake && c.early == offered:
		c.early = refused
		if e, ok := tlswire.ParseEncryptedExtensions(body); ok && e.EarlyData {
			c.early = accepted
		}
	case kind == tlswire.EndOfEarlyData && h.stage == inEarly, kind == tlswire.Finished && h.stage == inHandshake:
		if h.then != nil && h.thenStage != h.stage+1 {
			h.then = nil
		}
		c.enter(h, h.then, h.stage+1)
		h.blind = false
	case kind == tlswire.KeyUpdate && h.stage == inTraffic && h.now != nil: // nil: in one record with Finished, against Section 5.1
		h.now, h.then = h.now.updated(), nil
	}
}

// alert takes an alert, RFC 8446, Section 6.
func (c *Conn) alert(h *half, b []byte) {
	if len(b) != 2 {
		return
	}
	why := tlswire.AlertDescription(b[1])
	warning := why == tlswire.CloseNotify || why == tlswire.UserCanceled
	c.d.event(Event{
		Conn: &c.inner, Dir: h.dir, Stamp: h.at.Stamp, Alert: true, Why: why,
		Fatal: b[0] == 2 || c.version == versionTLS13 && !warning,
	})
}

// clientHello takes the message. A second one with the same random answers a
// HelloRetryRequest; another one, inside the encryption, renegotiates.
func (c *Conn) clientHello(h *half, body, whole []byte) {
	hello, ok := tlswire.ParseClientHello(body)
	if !ok {
		c.failBoth(NotTLS)
		return
	}
	h.greeted = true
	if c.greeted && hello.Random == c.random {
		return
	}
	if c.greeted {
		c.answered, c.retried, c.mastered, c.session, c.early = false, false, false, nil, notOffered
	}
	c.greeted, c.client, c.clientVersion, c.random = true, h.dir, hello.LegacyVersion, hello.Random
	if hello.EarlyData && c.early == notOffered {
		c.early = offered
	}
	c.sessions = [2]secretID{sessionOf([]byte(hello.TicketBytes)), sessionOf([]byte(hello.SessionID))}
	if c.d.keys.rsa {
		c.hello = append([]byte(nil), whole...)
	}
}

// serverHello takes the message, or a HelloRetryRequest.
func (c *Conn) serverHello(h *half, body, whole []byte) {
	hello, ok := tlswire.ParseServerHello(body)
	if !ok {
		c.failBoth(NotTLS)
		return
	}
	if hello.Retry {
		c.retried, c.early, h.greeted = true, refused, true
		return
	}
	c.suite, ok = suiteOf(hello.Suite)
	switch {
	case hello.Version < versionTLS10 || hello.Version > versionTLS13:
		c.failBoth(UnsupportedVersion)
		return
	case !ok || c.suite.tls13 != (hello.Version == versionTLS13):
		c.failBoth(UnsupportedSuite)
		return
	case hello.Compression != 0:
		c.failBoth(Compressed)
		return
	}
	h.greeted, c.answered, c.version, c.serverRandom = true, true, hello.Version, hello.Random
	c.encryptThenMAC, c.extended, c.mastered = hello.EncryptThenMAC, hello.ExtendedMasterSecret, false
	if len(c.hello) > 0 && c.suite.rsa && c.extended {
		c.session = []hash.Hash{c.suite.kdf()}
		if c.version < versionTLS12 {
			c.session = []hash.Hash{md5.New(), sha1.New()}
		}
		c.note(c.hello)
		c.note(whole)
	}
	c.hello = nil
	c.resumed(hello)
}

// sessionOf names a session, by its ticket or its ID. An empty one names none.
func sessionOf(name []byte) secretID {
	if len(name) == 0 {
		return secretID{}
	}
	return secretID{sha256.Sum256(name), sessionSecret}
}

// resumed looks for the master secret of the session that may be resumed. If it
// turns out not to be, it will not be used: a ClientKeyExchange brings another one,
// or the log has it.
func (c *Conn) resumed(hello *tlswire.ServerHello) {
	if c.version == versionTLS13 {
		return
	}
	for _, id := range c.sessions {
		if s := c.d.keys.get(id, longestSecret); s != nil && !c.mastered {
			copy(c.master[:], s)
			c.mastered = true
		}
	}
	c.sessions = [2]secretID{{}, sessionOf([]byte(hello.SessionID))}
}

// remember keeps the master secret for the sessions that the server named.
func (c *Conn) remember() {
	master := c.masterSecret()
	for _, id := range c.sessions {
		if id.label == sessionSecret {
			s := secret{n: longestSecret}
			copy(s.b[:], master)
			c.d.keys.put(id, s)
		}
	}
}

// masterSecret returns that of before TLS 1.3, nil if it is not known.
func (c *Conn) masterSecret() []byte {
	if s := c.d.keys.get(secretID{c.random, masterSecret}, longestSecret); s != nil || !c.mastered {
		return s
	}
	return c.master[:]
}

// note adds a message, nil if it is too long, to the session hash.
func (c *Conn) note(whole []byte) {
	if whole == nil {
		c.session = nil
	}
	for _, h := range c.session {
		h.Write(whole)
	}
}

// keyExchange takes a ClientKeyExchange, RFC 5246, Section 7.4.7.1.
func (c *Conn) keyExchange(body []byte) {
	c.mastered = false // no session is resumed
	if !c.answered || !c.suite.rsa || len(body) < 2 || int(binary.BigEndian.Uint16(body)) != len(body)-2 || c.extended && c.session == nil {
		return
	}
	premaster := c.d.keys.premaster(body[2:], c.clientVersion)
	if premaster == nil {
		return
	}
	var session []byte
	for _, h := range c.session {
		session = h.Sum(session)
	}
	copy(c.master[:], masterOf(c.version, c.suite.kdf, premaster, c.random[:], c.serverRandom[:], session))
	c.mastered, c.session = true, nil
}

// changeCipher takes a ChangeCipherSpec. In TLS 1.3 it means nothing, RFC 8446,
// Appendix D.4.
func (c *Conn) changeCipher(h *half, body []byte) (ok bool) {
	if len(body) != 1 || body[0] != 1 {
		return false
	}
	if c.retried && !c.answered {
		return true
	}
	if !c.greeted || !c.answered {
		c.wait(h, NoHandshake)
		return false
	}
	if c.version == versionTLS13 {
		return true
	}
	p := c.protection(h, inTraffic)
	if p == nil {
		c.lack(h)
		return false
	}
	c.enter(h, p, inTraffic)
	c.remember()
	h.window, h.blind = 0, false
	return true
}

// begin begins the encrypted part of a direction of TLS 1.3, when that is possible.
func (c *Conn) begin(h *half) bool {
	if h.dir == c.client && c.early == offered {
		if c.waits(h) {
			return false
		}
		c.early = unknown
	}
	h.stage = inHandshake
	switch {
	case h.dir != c.client:
	case c.early == accepted:
		h.stage = inEarly
	case c.early == unknown:
		h.gap = -1
	}
	return true
}

// protection makes the keys of a stage of a direction, nil if the secrets are not
// there.
func (c *Conn) protection(h *half, s stage) *protection {
	client := h.dir == c.client
	if c.version < versionTLS13 {
		master := c.masterSecret()
		if master == nil || s != inTraffic {
			return nil
		}
		return newProtection(c.suite, c.version, c.encryptThenMAC, master, c.random[:], c.serverRandom[:], client)
	}
	id := secretID{c.random, clientEarlySecret}
	switch {
	case s == inHandshake && client:
		id.label = clientHandshakeSecret
	case s == inHandshake:
		id.label = serverHandshakeSecret
	case s == inTraffic && client:
		id.label = clientTrafficSecret
	case s == inTraffic:
		id.label = serverTrafficSecret
	case !client:
		return nil
	}
	traffic := c.d.keys.get(id, c.suite.kdf().Size())
	if traffic == nil {
		return nil
	}
	return newProtection13(c.suite, traffic)
}
