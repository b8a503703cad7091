package pcapgen

// forwardProxy is one that opens tunnels to whoever asks for them.
const forwardProxy = "10.0.0.1:3128"

func connectRequest(target string) *head {
	return newHead("CONNECT "+target+" HTTP/1.1", "Host: "+target, "User-Agent: Go-http-client/1.1")
}

// connect asks for a tunnel that the proxy opens (RFC 9110, Section 9.3.6).
func (c *Conn) connect(request *head) {
	c.Client(request.bytes())
	c.Server(newHead("HTTP/1.1 200 Connection established").bytes())
}

// tunnel opens a connection to the proxy, and in it a tunnel.
func (g *Capture) tunnel(client, target string) *Conn {
	c := g.Dial(client, forwardProxy)
	c.connect(connectRequest(target))
	return c
}

// connectCases go through a forward proxy.
func connectCases() []Case {
	return []Case{
		tunnelled(), tunnelRefused(), connectBadGateway(), connectUnanswered(), connectInsideTLS(), connectTLSFailed(), connectTLSToPlainPort(), connectTLSEncrypted(),
		connectIntoTLS(), connectRedirectInside(),
	}
}

func tunnelled() Case {
	return newCase("http-connect-tunnel", "A proxy opens a tunnel; the upgrade goes through it.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.req.set("Host", hostName+":8080")
		c := g.tunnel(clientAddr, hostName+":8080")
		a := u.play(c)
		a.Tunnel = hostName + ":8080"
		a.NotCodes = []string{"connect-tunnel-refused"}
		a.MayCodes = []string{"request-absolute-form"}
		return []Attempt{a}
	})
}

func tunnelRefused() Case {
	return newCase("connect-tunnel-refused", "The proxy allows no tunnel to this port.", func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, forwardProxy)
		a := Attempt{Stream: c.Stream(), Verdict: "rejected", Status: 403}
		a.RequestFrame = c.Client(connectRequest(hostName + ":8080").bytes())
		h := errorPage("403 Forbidden")
		h.set("Server", "squid/6.10")
		h.set("X-Squid-Error", "ERR_ACCESS_DENIED 0")
		a.ResponseFrame = c.Server(h.bytes())
		c.Close(Server)
		a.Codes = []string{"connect-tunnel-refused"}
		a.MayCodes = []string{"status-403", "request-absolute-form", "transparent-proxy-rejects-upgrade"}
		return []Attempt{a}
	})
}

func connectBadGateway() Case {
	return newCase("connect-bad-gateway", "The proxy does not reach the server that it is to open a tunnel to.", func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, forwardProxy)
		a := Attempt{Stream: c.Stream(), Verdict: "rejected", Status: 502, Codes: []string{"connect-tunnel-refused"}}
		a.RequestFrame = c.Client(connectRequest(secureTarget).bytes())
		a.ResponseFrame = c.Server(errorPage("502 Bad Gateway").bytes())
		c.Close(Server)
		return []Attempt{a}
	})
}

func connectUnanswered() Case {
	return newCase("connect-unanswered", "The proxy says nothing, and the client gives up after five seconds.", func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, forwardProxy)
		a := Attempt{Stream: c.Stream(), Verdict: "no-response", Codes: []string{"http-request-unanswered"}}
		a.RequestFrame = c.Client(connectRequest(secureTarget).bytes())
		g.Wait(5 * second)
		c.Rst(Client)
		return []Attempt{a}
	})
}

// secureTarget is where a tunnel for TLS leads.
const secureTarget = hostName + ":443"

func connectInsideTLS() Case {
	return keyedCase("connect-tls-inside", "A proxy wants credentials, then opens a tunnel for TLS, in which everything is right.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, forwardProxy)
		c.Client(connectRequest(secureTarget).bytes())
		denied := kept("407 Proxy Authentication Required", "")
		denied.set("Proxy-Authenticate", `Basic realm="proxy"`)
		c.Server(denied.bytes())
		again := connectRequest(secureTarget)
		again.set("Proxy-Authorization", "Basic dXNlcjpzZWNyZXQ=")
		c.connect(again)
		g.tls13(c, hostName, "http/1.1", leafFor(2025, 2027, hostName), middleCA())
		a := u.play(c)
		a.Tunnel, a.NotCodes = secureTarget, []string{"connect-tunnel-refused"}
		return []Attempt{a}
	})
}

// connectTLSCase is TLS through a tunnel, and ten seconds more.
func connectTLSCase(name, desc, verdict string, codes []string, play func(g *Capture, c *Conn)) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		c := g.tunnel(clientAddr, secureTarget)
		play(g, c)
		g.Wait(10 * second)
		g.Datagram("10.0.0.7:123", "192.0.2.1:123", g.noise("ntp", 48))
		return []Attempt{{Stream: c.Stream(), Verdict: verdict, Codes: codes, Tunnel: secureTarget}}
	})
}

func connectTLSFailed() Case {
	const desc = "Through a tunnel, client and server have no parameters in common."
	return connectTLSCase("connect-tls-failed", desc, "tls-failed", []string{"tls-alert-handshake-failure"}, func(g *Capture, c *Conn) {
		c.Client(g.clientHello(hostName))
		c.Server(tlsFatal(40))
		c.Close(Server)
	})
}

func connectTLSToPlainPort() Case {
	const desc = "Through a tunnel, a web server without TLS answers a ClientHello in plain HTTP."
	return connectTLSCase("connect-tls-to-plain-port", desc, "tls-failed", []string{"tls-clienthello-to-plain-port"}, func(g *Capture, c *Conn) {
		c.Client(g.clientHello(hostName))
		c.Server(errorPage("400 Bad Request").bytes())
		c.Close(Server)
	})
}

func connectTLSEncrypted() Case {
	const desc = "Through a tunnel, a TLS connection that looks like a WebSocket, with an expired certificate."
	return connectTLSCase("connect-tls-encrypted", desc, "encrypted", []string{"tls-cert-date"}, func(g *Capture, c *Conn) {
		g.oldSession(c, g.oldHello(tls12, hostName, nil, nil), leafFor(2023, 2025, hostName), middleCA())
	})
}

func connectIntoTLS() Case {
	const desc = "A redirect to TLS is followed through another tunnel, whose target names the host as the ClientHello does not."
	return oneTrail("connect-redirect-into-tls", desc, func(t *trail) {
		t.ask(firstURL, t.g.tunnel(clientAddr, hostName+":80"), t.g.asking(hostName, wsPath, moved, secureURL)).Codes = []string{"redirect-http-to-https"}
		t.g.Wait(100 * millisecond)
		c := t.g.tunnel(secondAddr, secureTarget)
		t.hop(secureURL, c, t.g.tlsSession(c, "")).TLS = true
		t.attempts = append(t.attempts, encrypted(c))
		t.end("into-tls", "")
	})
}

func connectRedirectInside() Case {
	return keyedCase("connect-redirect-inside-tls", "A redirect to TLS is followed through another tunnel, and what is inside is right.", func(g *Capture) []Attempt {
		first := g.asking(hostName, wsPath, moved, secureURL).play(g.tunnel(clientAddr, hostName+":80"))
		first.Codes, first.Tunnel = []string{"redirect-http-to-https"}, hostName+":80"
		g.Wait(100 * millisecond)
		c := g.tunnel(secondAddr, secureTarget)
		g.tls13(c, hostName, "http/1.1", leafFor(2025, 2027, hostName), middleCA())
		second := g.upgrade().play(c)
		second.Tunnel = secureTarget
		return []Attempt{first, second}
	}).chained(Chain{URLs: []string{firstURL, secureURL}, End: "upgraded"})
}
