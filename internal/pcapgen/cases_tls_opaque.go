package pcapgen

// tlsOpaqueCases are exchanges inside TLS of which lengths alone show.
func tlsOpaqueCases() []Case {
	return []Case{tlsLikelyRejected(), tlsPolling()}
}

const (
	tlsTickets = 150 // content of a record with a session ticket
	tlsSwitch  = 129 // of a record with a 101
	wsAsked    = 230 // of one with a request for an upgrade
)

// sealed13 is a record of TLS 1.3 with n bytes inside.
func (g *Capture) sealed13(label string, n int) []byte {
	const typeAndTag = 1 + 16
	return g.tlsRecordOf(label, n+typeAndTag)
}

// asks13 is a TLS 1.3 handshake, a request of so many bytes, and two tickets and other
// records that come back.
func (g *Capture) asks13(c *Conn, serverName string, request int, answers ...int) {
	cipher := tlsRecord(tlsChangeCipher, []byte{1})
	c.Client(g.clientHello(serverName))
	flight := append(g.serverHello(), cipher...)
	c.Server(append(flight, g.sealed13("certificate", 300)...))
	c.Client(append(append(cipher, g.sealed13("client finished", 36)...), g.sealed13("request", request)...))
	c.Server(append(g.sealed13("ticket", tlsTickets), g.sealed13("other ticket", tlsTickets)...))
	for _, n := range answers {
		c.Server(g.sealed13("answer", n))
	}
}

// leaves13 ends it as servers do, with close_notify.
func (g *Capture) leaves13(c *Conn) {
	c.Server(g.sealed13("server alert", 2))
	c.Client(g.sealed13("client alert", 2))
	c.Close(Server)
}

// chats13 is a WebSocket of half a minute.
func (g *Capture) chats13(c *Conn, serverName string) {
	g.asks13(c, serverName, wsAsked, tlsSwitch)
	for i := range 6 {
		c.Client(g.sealed13("ping", 6+i))
		c.Server(g.sealed13("pong", 2+i))
		g.Wait(5 * second)
	}
	g.leaves13(c)
}

func tlsLikelyRejected() Case {
	const desc = "A device opens a WebSocket inside TLS; then the server answers the same request otherwise, three times. Other requests, a 101 that is followed by nothing, and other software are no such thing."
	return newCase("tls-likely-rejected", desc, func(g *Capture) (attempts []Attempt) {
		d := g.device("10.0.0.7")
		dial := func() *Conn { return d.dial(10*second, "192.0.2.9:443") }
		add := func(c *Conn, codes []string, not ...string) {
			attempts = append(attempts, Attempt{Stream: c.Stream(), Verdict: "encrypted", Codes: codes, NotCodes: not})
		}
		c := dial()
		g.chats13(c, hostName)
		add(c, []string{"tls-opaque-likely-upgraded"}, "tls-opaque-likely-rejected")
		for range 3 {
			c := dial()
			g.asks13(c, hostName, wsAsked, 162, 120)
			g.leaves13(c)
			add(c, []string{"tls-opaque-likely-rejected"}, "tls-opaque-likely-upgraded")
		}
		for _, ask := range []struct {
			name    string
			request int
			answers []int
		}{
			{hostName, 198, []int{162, 900}},          // another request
			{hostName, wsAsked, []int{tlsSwitch}},     // the same answer
			{hostName, wsAsked, []int{tlsSwitch, 40}}, // and a message
			{hostName, wsAsked, nil},                  // none
			{"www.example.com", wsAsked, []int{162}},  // another server
		} {
			c := dial()
			g.asks13(c, ask.name, ask.request, ask.answers...)
			g.leaves13(c)
		}
		c = dial() // it waits for more before it closes
		g.asks13(c, hostName, wsAsked, 162)
		g.Wait(3 * second)
		g.leaves13(c)
		c = dial() // it says more
		g.asks13(c, hostName, wsAsked, 162)
		c.Client(g.sealed13("request", wsAsked))
		g.leaves13(c)
		c = dial() // TLS 1.2
		const nonceAndTag = 8 + 16
		c.Client(g.oldHello(tls12, hostName, nil, nil))
		c.Server(g.oldFlight(false, leafFor(2025, 2027, hostName), middleCA()))
		c.Client(g.oldFinish(false))
		c.Server(g.changed("server finished"))
		c.Client(g.tlsRecordOf("request", wsAsked+nonceAndTag))
		c.Server(g.tlsRecordOf("answer", 162+nonceAndTag))
		c.Close(Server)
		return attempts
	})
}

func tlsPolling() Case {
	const desc = "A device asks over and over for something that is no WebSocket, on one connection and then on one for each request: the former lasts and is listed, and says nothing about the latter."
	return newCase("tls-polling", desc, func(g *Capture) []Attempt {
		d := g.device("10.0.0.7")
		long := d.dial(0, "192.0.2.9:443")
		g.asks13(long, hostName, wsAsked, 200)
		for i := range 5 {
			g.Wait(5 * second)
			long.Client(g.sealed13("request", wsAsked))
			long.Server(g.sealed13("answer", 200+7*i))
		}
		g.leaves13(long)
		for i := range 3 {
			c := d.dial(5*second, "192.0.2.9:443")
			g.asks13(c, hostName, wsAsked, 300+i)
			g.leaves13(c)
		}
		return []Attempt{{Stream: long.Stream(), Verdict: "encrypted", NotCodes: []string{"tls-opaque-likely-upgraded", "tls-opaque-likely-rejected"}}}
	})
}
