package pcapgen

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"time"
)

const (
	tlsAlertRecord = 21

	tls11 = 0x0302
	tls12 = 0x0303
)

// tlsAlertOf is an alert in the clear.
func tlsAlertOf(level, description byte) []byte {
	return tlsRecord(tlsAlertRecord, []byte{level, description})
}

func tlsFatal(description byte) []byte { return tlsAlertOf(2, description) }

func tlsMessage(kind byte, body []byte) []byte { return append([]byte{kind}, vec24(body)...) }

// oldHello is the ClientHello of a device that knows no TLS 1.3. random is how its
// random begins, ticket a session ticket.
func (g *Capture) oldHello(version uint16, name string, random, ticket []byte) []byte {
	var ext []byte
	if name != "" {
		ext = append(ext, tlsExtension(0, vec16(append([]byte{0}, vec16([]byte(name))...)))...)
	}
	ext = append(ext, tlsExtension(10, vec16([]byte{0, 23}))...)
	ext = append(ext, tlsExtension(11, vec8([]byte{0}))...)
	ext = append(ext, tlsExtension(13, vec16([]byte{8, 7, 4, 3}))...)
	ext = append(ext, tlsExtension(35, ticket)...)
	noise := g.noise("client random", 32)
	copy(noise, random)
	body := append(binary.BigEndian.AppendUint16(nil, version), noise...)
	body = append(append(body, 0), vec16([]byte{0xc0, 0x2b, 0xc0, 0x2f, 0, 0x9c})...)
	body = append(append(body, 1, 0), vec16(ext)...)
	return tlsRecord(tlsHandshake, tlsMessage(1, body))
}

// oldFlight is what a server of TLS 1.2 sends first, with its certificates.
func (g *Capture) oldFlight(asks bool, chain ...*certificate) []byte {
	hello := append([]byte{3, 3}, g.noise("server random", 32)...)
	hello = append(hello, 0, 0xc0, 0x2b, 0)
	var list []byte
	for _, c := range chain {
		list = append(list, vec24(c.der())...)
	}
	flight := tlsRecord(tlsHandshake, tlsMessage(2, hello))
	flight = append(flight, tlsRecord(tlsHandshake, tlsMessage(11, vec24(list)))...)
	flight = append(flight, tlsRecord(tlsHandshake, tlsMessage(12, g.noise("server key", 110)))...)
	if asks {
		flight = append(flight, tlsRecord(tlsHandshake, tlsMessage(13, []byte{1, 64, 0, 2, 8, 7, 0, 0}))...)
	}
	return append(flight, tlsRecord(tlsHandshake, tlsMessage(14, nil))...)
}

// oldFinish is what the client answers: a certificate of no bytes if it was asked,
// its key, and the first encrypted record.
func (g *Capture) oldFinish(asked bool) []byte {
	var b []byte
	if asked {
		b = tlsRecord(tlsHandshake, tlsMessage(11, vec24(nil)))
	}
	b = append(b, tlsRecord(tlsHandshake, tlsMessage(16, vec8(g.noise("client key", 65))))...)
	return append(b, g.changed("client finished")...)
}

// changed is a ChangeCipherSpec and an encrypted Finished.
func (g *Capture) changed(label string) []byte {
	return append(tlsRecord(tlsChangeCipher, []byte{1}), tlsRecord(tlsHandshake, g.noise(label, 40))...)
}

// tlsCase is a connection to a TLS port of which the capture shows all, and goes on
// for ten seconds more.
func tlsCase(name, desc, verdict string, codes []string, play func(g *Capture, c *Conn)) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		c := g.Dial("10.0.0.7:51234", "192.0.2.9:443")
		play(g, c)
		g.Wait(10 * second)
		g.Datagram("10.0.0.7:123", "192.0.2.1:123", g.noise("ntp", 48))
		return []Attempt{{Stream: c.Stream(), Verdict: verdict, Codes: codes}}
	})
}

// answeredBy is a ClientHello of TLS 1.3 and an answer, after which both close.
func answeredBy(name, desc string, answer []byte, codes ...string) Case {
	return tlsCase(name, desc, "tls-failed", codes, func(g *Capture, c *Conn) {
		c.Client(g.clientHello(hostName))
		c.Server(answer)
		c.Close(Server)
	})
}

// rejecting is a client of TLS 1.2 that ends the handshake after certificates.
func rejecting(name, desc string, alert byte, chain []*certificate, codes ...string) Case {
	return tlsCase(name, desc, "tls-failed", codes, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, hostName, nil, nil))
		c.Server(g.oldFlight(false, chain...))
		g.Wait(40 * millisecond)
		c.Client(tlsFatal(alert))
		c.Close(Client)
	})
}

// tlsCases are TLS connections without keys.
func tlsCases() []Case {
	good := []*certificate{leafFor(2025, 2027, hostName), middleCA()}
	return []Case{
		answeredBy("tls-to-plain-port", "A web server without TLS answers a ClientHello in plain HTTP.",
			[]byte("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"), "tls-clienthello-to-plain-port"),
		answeredBy("tls-internal-error", "The server ends the handshake with internal_error.", tlsFatal(80), "tls-alert"),
		answeredBy("tls-handshake-failure", "No parameters in common.", tlsFatal(40), "tls-alert-handshake-failure"),
		answeredBy("tls-name-unknown", "The server does not know the name.", tlsFatal(112), "tls-name-unknown"),
		answeredBy("tls-alpn-none-agreed", "A server for HTTP/2 only.", tlsFatal(120), "tls-alpn-none-agreed"),
		tlsOldVersion(), tlsNoName(), tlsClientCert(), tlsRejected13(), tlsStops(), tlsAbandoned(), tlsCut(), tlsStalls(),
		tlsBlackhole(), tlsServerBlackhole(), tlsServerBlackholeSeen(), tlsFullHandshake(), tlsClock(), tlsExpiredAccepted(), tlsRenewed(), tlsNoCloseNotify(),
		rejecting("tls-unknown-ca", "The client does not know who issued the certificate.", 48, good, "tls-cert-untrusted"),
		rejecting("tls-expired", "The server's certificate expired a year ago.", 45, []*certificate{leafFor(2023, 2025, hostName), middleCA()}, "tls-cert-date"),
		rejecting("tls-wrong-name", "The certificate is for another host.", 46, []*certificate{leafFor(2025, 2027, "other.example.com"), middleCA()}, "tls-cert-name"),
		rejecting("tls-chain-order", "The root comes before the certificate that it signed.", 48, []*certificate{leafFor(2025, 2027, hostName), exampleCA(), middleCA()}, "tls-cert-untrusted", "tls-chain-order"),
	}
}

func tlsOldVersion() Case {
	const desc = "A device of TLS 1.1 at most and a server of 1.2 at least."
	return tlsCase("tls-old-version", desc, "tls-failed", []string{"tls-no-shared-version"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls11, hostName, nil, nil))
		c.Server(tlsFatal(70))
		c.Close(Server)
	})
}

func tlsNoName() Case {
	const desc = "A device connects by address, and the server wants a name."
	return tlsCase("tls-no-name", desc, "tls-failed", []string{"tls-alert-handshake-failure", "tls-sni-missing"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, "", nil, nil))
		c.Server(tlsFatal(40))
		c.Rst(Server)
	})
}

func tlsClientCert() Case {
	const desc = "The server wants a certificate and the client sends none."
	return tlsCase("tls-client-cert", desc, "tls-failed", []string{"tls-client-cert-required"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, hostName, nil, nil))
		c.Server(g.oldFlight(true, leafFor(2025, 2027, hostName), middleCA()))
		c.Client(g.oldFinish(true))
		c.Server(tlsFatal(40))
		c.Close(Server)
	})
}

func tlsRejected13() Case {
	const desc = "In TLS 1.3 the client's first encrypted record has room for an alert only."
	return tlsCase("tls-rejected-by-client", desc, "tls-failed", []string{"tls-rejected-by-client"}, func(g *Capture, c *Conn) {
		cipher := tlsRecord(tlsChangeCipher, []byte{1})
		c.Client(g.clientHello(hostName))
		c.Server(append(append(g.serverHello(), cipher...), g.tlsRecordOf("certificate", 2900)...))
		g.Wait(30 * millisecond)
		c.Client(append(cipher, g.tlsRecordOf("alert", 19)...))
		c.Close(Client)
	})
}

func tlsStops() Case {
	const desc = "The client closes after the server's certificate, without an alert."
	return tlsCase("tls-client-stops", desc, "tls-failed", []string{"tls-client-stops-after-certificate"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, hostName, nil, nil))
		c.Server(g.oldFlight(false, leafFor(2025, 2027, hostName), middleCA()))
		g.Wait(3 * second)
		c.Close(Client)
	})
}

func tlsAbandoned() Case {
	const desc = "The server acknowledges the ClientHello and says nothing; the client gives up after five seconds."
	return tlsCase("tls-abandoned", desc, "tls-failed", []string{"tls-handshake-abandoned"}, func(g *Capture, c *Conn) {
		c.Client(g.clientHello(hostName))
		g.Wait(5 * second)
		c.Close(Client)
	})
}

func tlsCut() Case {
	const desc = "The server resets the connection in answer to the ClientHello."
	return tlsCase("tls-cut", desc, "tls-failed", []string{"tls-handshake-cut"}, func(g *Capture, c *Conn) {
		c.Client(g.clientHello(hostName))
		c.Rst(Server)
	})
}

func tlsStalls() Case {
	const desc = "The server acknowledges the ClientHello and says nothing."
	return tlsCase("tls-stalls", desc, "tls-failed", []string{"tls-handshake-stalls"}, func(g *Capture, c *Conn) {
		c.Client(g.clientHello(hostName))
	})
}

// resent sends the last bytes of a side again, with growing pauses.
func (c *Conn) resent(from Side, data []byte, times int) {
	wait := 200 * millisecond
	for range times {
		c.g.Wait(wait)
		c.SendAt(from, c.Sent(from)-len(data), data, flagPSH)
		wait *= 2
	}
}

func tlsBlackhole() Case {
	const desc = "The ClientHello is sent five times and never acknowledged."
	return tlsCase("tls-clienthello-blackhole", desc, "tls-failed", []string{"tls-clienthello-blackhole"}, func(g *Capture, c *Conn) {
		hello := g.clientHello(hostName)
		c.Send(Client, hello)
		c.resent(Client, hello, 4)
		c.Rst(Client)
	})
}

func tlsServerBlackhole() Case {
	const desc = "What the server sends first does not reach the client, who acknowledges nothing of it."
	return tlsCase("tls-server-blackhole", desc, "tls-failed", []string{"server-large-segments-lost"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, hostName, nil, nil))
		flight := g.oldFlight(false, leafFor(2025, 2027, hostName), middleCA())
		before := c.Sent(Server)
		c.Send(Server, flight)
		first := flight[:min(c.MSS, len(flight))]
		for i := range 4 {
			g.Wait(time.Duration(200<<i) * millisecond)
			c.SendAt(Server, before, first, 0)
		}
		c.store(Client, segment{seq: c.seq(Client, c.end(Client)), ack: c.seq(Server, before), flags: flagACK | flagRST, options: c.dataOptions(Client)})
	})
}

func tlsServerBlackholeSeen() Case {
	const desc = "On the client's side, the large segments of the server never arrive; the last one, which is small, does."
	return tlsCase("tls-server-blackhole-client", desc, "tls-failed", []string{"server-large-segments-lost"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, hostName, nil, nil))
		flight := g.oldFlight(false, leafFor(2025, 2027, hostName), middleCA())
		before := c.Sent(Server)
		c.Skip(Server, len(flight)-100)
		c.Send(Server, flight[len(flight)-100:])
		ack := segment{seq: c.seq(Client, c.end(Client)), ack: c.seq(Server, before), flags: flagACK, options: c.dataOptions(Client)}
		c.store(Client, ack)
		g.Wait(5 * second)
		ack.flags |= flagFIN
		c.store(Client, ack)
	})
}

// oldSession is TLS 1.2 with a chat of half a minute.
func (g *Capture) oldSession(c *Conn, hello []byte, chain ...*certificate) {
	c.Client(hello)
	c.Server(g.oldFlight(false, chain...))
	c.Client(g.oldFinish(false))
	c.Server(g.changed("server finished"))
	for i := range 6 {
		c.Client(g.tlsRecordOf("message", 40+i))
		c.Server(g.tlsRecordOf("answer", 50+i))
		g.Wait(5 * second)
	}
	c.Close(Server)
}

func tlsFullHandshake() Case {
	const desc = "The server does not take the session ticket and makes a full handshake; what follows looks like a WebSocket."
	return tlsCase("tls-resumption-refused", desc, "encrypted", []string{"tls-resumption-refused"}, func(g *Capture, c *Conn) {
		g.oldSession(c, g.oldHello(tls12, hostName, nil, g.noise("ticket", 160)), leafFor(2025, 2027, hostName), middleCA())
	})
}

func tlsClock() Case {
	const desc = "The client's clock begins with 1970, and no certificate is valid then."
	return tlsCase("tls-clock-1970", desc, "tls-failed", []string{"tls-client-clock"}, func(g *Capture, c *Conn) {
		c.Client(g.oldHello(tls12, hostName, []byte{0, 0, 0, 27}, nil))
		c.Server(g.oldFlight(false, leafFor(2025, 2027, hostName), middleCA()))
		c.Client(tlsFatal(45))
		c.Close(Client)
	})
}

func tlsExpiredAccepted() Case {
	const desc = "A client that does not look at the date goes on with an expired certificate."
	return tlsCase("tls-expired-accepted", desc, "encrypted", []string{"tls-cert-date"}, func(g *Capture, c *Conn) {
		g.oldSession(c, g.oldHello(tls12, hostName, nil, nil), leafFor(2023, 2025, hostName), middleCA())
	})
}

// tlsRenewed has a device before and after the server's certificate was renewed by
// another authority.
func tlsRenewed() Case {
	const desc = "A server's certificate is renewed by another authority, which the device does not know."
	old := leafFor(2025, 2027, hostName)
	renewed := leafFor(2026, 2028, hostName)
	renewed.by("Other Issuing")
	text := func(c *certificate) string {
		return fmt.Sprintf("CN=%s, issued by CN=%s, valid to %s, SHA-256 %x", c.cn, c.issuer.cn, c.to.Format(time.DateTime), sha256.Sum256(c.der()))
	}
	return newCase("tls-certificate-renewed", desc, func(g *Capture) (attempts []Attempt) {
		d := g.device("10.0.0.7")
		for range 2 {
			c := d.dial(10*second, "192.0.2.9:443")
			g.oldSession(c, g.oldHello(tls12, hostName, nil, nil), old, middleCA())
			attempts = append(attempts, encrypted(c))
		}
		for range 4 {
			c := d.dial(10*second, "192.0.2.9:443")
			c.Client(g.oldHello(tls12, hostName, nil, nil))
			c.Server(g.oldFlight(false, renewed, middleCA()))
			c.Client(tlsFatal(48))
			c.Close(Client)
			attempts = append(attempts, Attempt{Stream: c.Stream(), Verdict: "tls-failed", Codes: []string{"tls-cert-untrusted", "tls-chain-order"}})
		}
		return attempts
	}).remembering(History{
		Client: "10.0.0.7", Attempts: 6, Failed: 4, Rhythm: "constant", Wait: 10 * second, Like: "esp_websocket_client", Breaks: 1,
		Changes: []Change{{Good: 2, Bad: 3, Differences: []string{
			"changed certificate: " + text(old) + " => " + text(renewed),
			"changed findings:  => tls-cert-untrusted, tls-chain-order",
		}}},
	})
}

func tlsNoCloseNotify() Case {
	const desc = "A connection that looks like a WebSocket is ended by the server without close_notify."
	return tlsCase("tls-close-notify-missing", desc, "encrypted", []string{"tls-close-notify-missing"}, func(g *Capture, c *Conn) {
		g.oldSession(c, g.oldHello(tls12, hostName, nil, nil), leafFor(2025, 2027, hostName), middleCA())
	})
}
