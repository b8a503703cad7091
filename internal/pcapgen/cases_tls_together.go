package pcapgen

// tlsTogetherCases show what only several TLS connections do, and whose certificates
// are made on the path.
func tlsTogetherCases() []Case {
	return []Case{tlsInspected(), tlsIntercepted(), tlsIssuers(), tlsBadEdge(), tlsEdges()}
}

// rejects is a client of TLS 1.2 that does not know who issued the certificate.
func (g *Capture) rejects(c *Conn, serverName string, chain ...*certificate) Attempt {
	c.Client(g.oldHello(tls12, serverName, nil, nil))
	c.Server(g.oldFlight(false, chain...))
	c.Client(tlsFatal(48))
	c.Close(Client)
	return Attempt{Stream: c.Stream(), Verdict: "tls-failed", Codes: []string{"tls-cert-untrusted"}}
}

// cut13 is a ClientHello that the server answers with RST.
func (g *Capture) cut13(c *Conn, serverName string) Attempt {
	c.Client(g.clientHello(serverName))
	c.Rst(Server)
	return Attempt{Stream: c.Stream(), Verdict: "tls-failed", Codes: []string{"tls-handshake-cut"}}
}

// visits12 is a short exchange in TLS 1.2, which is not listed.
func (g *Capture) visits12(c *Conn, serverName string, chain ...*certificate) {
	c.Client(g.oldHello(tls12, serverName, nil, nil))
	c.Server(g.oldFlight(false, chain...))
	c.Client(g.oldFinish(false))
	c.Server(g.changed("server finished"))
	c.Client(g.tlsRecordOf("request", 100))
	c.Server(g.tlsRecordOf("answer", 90))
	c.Close(Server)
}

// visits13 is the same in TLS 1.3.
func (g *Capture) visits13(c *Conn, serverName string) {
	g.asks13(c, serverName, 120, 90)
	g.leaves13(c)
}

func tlsInspected() Case {
	const desc = "A virus scanner makes the certificate, which the device does not know. Another device shows its vendor's certificate on its own page."
	return newCase("tls-inspected", desc, func(g *Capture) []Attempt {
		d := g.device("10.0.0.7")
		made := g.rejects(d.dial(0, "192.0.2.9:443"), hostName, leafFor(2025, 2027, hostName).by("ESET SSL Filter CA"))
		made.Codes = append(made.Codes, "tls-mitm-suspected")
		own := g.rejects(d.dial(second, "192.0.2.1:443"), "fw.example.com", leafFor(2025, 2027, "FGT60E0000000000").by("FortiGate CA"))
		own.Codes, own.NotCodes = append(own.Codes, "tls-cert-name"), []string{"tls-mitm-suspected"}
		return []Attempt{made, own}
	})
}

func tlsIntercepted() Case {
	const desc = "One device gets the server's certificate, which is in public logs; another one gets one of a firewall's authority at the same time from the same address, and rejects it."
	return newCase("tls-intercepted", desc, func(g *Capture) (attempts []Attempt) {
		good, bad := g.device("10.0.0.7"), g.device("10.0.0.8")
		public := leafFor(2025, 2027, hostName).publicly("Example Public CA")
		made := leafFor(2026, 2027, hostName).by("Example Corp Firewall CA")
		g.visits12(good.dial(second, "192.0.2.9:443"), hostName, public)
		for range 3 {
			a := g.rejects(bad.dial(10*second, "192.0.2.9:443"), hostName, made)
			a.NotCodes = []string{"tls-mitm-suspected"} // by itself it shows nothing
			attempts = append(attempts, a)
		}
		g.visits12(good.dial(10*second, "192.0.2.9:443"), hostName, public)
		return attempts
	}).showing(Incident{Code: "tls-mitm-suspected", Server: "192.0.2.9:443", Attempts: 3, Clients: 1})
}

func tlsIssuers() Case {
	const desc = "Certificates of several issuers for one name that mean nothing: two public authorities, a renewal by another one, and a server behind a proxy that has its own."
	return newCase("tls-issuers", desc, func(g *Capture) (attempts []Attempt) {
		d := g.device("10.0.0.7")
		leaf := func() *certificate { return leafFor(2025, 2027, hostName) }
		for _, step := range []struct {
			server string
			chain  *certificate
		}{
			{"192.0.2.9:443", leaf().publicly("Example Public CA")}, // a content network
			{"192.0.2.9:443", leaf().publicly("Other Public CA")},
			{"192.0.2.9:443", leaf().publicly("Example Public CA")},
			{"192.0.2.10:443", leaf().by("Example Corp CA")}, // a backend
			{"192.0.2.9:443", leaf().publicly("Other Public CA")},
			{"192.0.2.10:443", leaf().by("Example Corp CA")},
			{"192.0.2.11:443", leaf().by("Example Corp CA")}, // a server that is moved to a public authority
			{"192.0.2.11:443", leaf().by("Example Corp CA")},
			{"192.0.2.11:443", leaf().publicly("Example Public CA")},
			{"192.0.2.11:443", leaf().publicly("Example Public CA")},
		} {
			g.visits12(d.dial(second, step.server), hostName, step.chain)
		}
		for _, server := range []string{"192.0.2.9:443", "192.0.2.10:443", "192.0.2.11:443"} {
			a := g.cut13(d.dial(second, server), hostName)
			attempts = append(attempts, a)
		}
		return attempts
	})
}

func tlsBadEdge() Case {
	const desc = "Of three addresses of a server, one resets all TLS connections, of two devices that have no trouble with the others."
	return newCase("tls-bad-edge", desc, func(g *Capture) (attempts []Attempt) {
		d, other := g.device("10.0.0.7"), g.device("10.0.0.8")
		for i := range 4 {
			g.visits13(d.dial(5*second, []string{"192.0.2.10:443", "192.0.2.11:443"}[i%2]), hostName)
			attempts = append(attempts, g.cut13(d.dial(5*second, "192.0.2.9:443"), hostName))
		}
		attempts = append(attempts, g.cut13(other.dial(5*second, "192.0.2.9:443"), hostName))
		c := other.dial(5*second, "192.0.2.11:443")
		g.chats13(c, hostName)
		return append(attempts, encrypted(c))
	}).showing(Incident{Code: "server-fails-for-all", Server: "192.0.2.9:443", Attempts: 5, Clients: 2}, Incident{Code: "tls-intermittent-by-pop", Server: "192.0.2.9:443", Attempts: 5, Clients: 2})
}

// tlsEdges has a little less than that.
func tlsEdges() Case {
	const desc = "Addresses of names that fail, though not because of the address as far as anybody can tell: another client does, or it is over before others work, or one connection worked."
	return newCase("tls-edges", desc, func(g *Capture) (attempts []Attempt) {
		d, other := g.device("10.0.0.7"), g.device("10.0.0.8")
		fail := func(d *device, server, name string) {
			attempts = append(attempts, g.cut13(d.dial(second, server), name))
		}
		for i := range 3 {
			fail(other, "192.0.2.9:443", "client.example.com") // which never goes to another address
			g.visits13(d.dial(second, "192.0.2.10:443"), "client.example.com")
			fail(d, "192.0.2.11:443", "once.example.com")
			g.visits13(d.dial(second, "192.0.2.12:443"), "once.example.com")
			if i == 1 {
				g.visits13(d.dial(second, "192.0.2.11:443"), "once.example.com")
			}
			if i < 2 {
				fail(d, "192.0.2.13:443", "few.example.com")
				g.visits13(d.dial(second, "192.0.2.14:443"), "few.example.com")
			}
			fail(d, "192.0.2.15:443", "alone.example.com")
		}
		for range 3 {
			fail(d, "192.0.2.16:443", "over.example.com")
		}
		for range 3 {
			g.visits13(d.dial(second, "192.0.2.17:443"), "over.example.com")
		}
		return attempts
	})
}
