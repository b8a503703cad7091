package pcapgen

func h2Cases() []Case {
	return []Case{
		h2Opened(), h2ServerFirst(), h2Upgraded(), h2Several(), h2Split(), h2Hole(), h2Late(), h2WithoutSYN(), h2LargeTable(), h2GivenUp(), h2MalformedAnswer(),
		h2Refused("h2-status", "The server refuses an extended CONNECT with a status and a body.", true, []string{"status-404"}, func(c *h2Conn, a *Attempt) {
			a.ResponseFrame = c.Send(Server, c.headers(Server, 0, 1, ":status: 404", "content-type: text/plain"))
			a.Status = 404
			c.Server(h2Frame(h2Data, h2EndStream, 1, []byte("no WebSocket here")))
		}),
		h2Refused("h2-not-announced", "A server that did not announce extended CONNECT resets the stream.", false,
			[]string{"h2-connect-not-announced", "h2-stream-reset"}, func(c *h2Conn, a *Attempt) {
				c.Server(h2Reset(1, h2ProtocolError))
			}),
		h2Refused("h2-refused-stream", "The server has too many streams.", true, []string{"h2-stream-reset"}, func(c *h2Conn, a *Attempt) {
			c.Server(h2Reset(1, h2RefusedStream))
		}),
		h2Refused("h2-goaway", "The server says farewell before it comes to the stream.", true, []string{"h2-goaway"}, func(c *h2Conn, a *Attempt) {
			c.Server(h2Leave(0, h2NoError))
		}),
		h2Asking("h2-classic-upgrade", "The client asks for an upgrade as in HTTP/1.", []string{"h2-classic-upgrade", "h2-stream-reset"}, h2EndStream,
			":method: GET", ":scheme: http", ":path: "+wsPath, ":authority: "+hostName, "connection: Upgrade", "upgrade: websocket", "sec-websocket-version: 13", "sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ=="),
		h2Asking("h2-malformed", "An extended CONNECT without a path.", []string{"h2-request-malformed", "h2-stream-reset"}, 0,
			":method: CONNECT", ":protocol: websocket", ":scheme: http", ":authority: "+hostName, "sec-websocket-version: 13"),
	}
}

func h2Opened() Case {
	return newCase("h2-ok", "An extended CONNECT by prior knowledge, a short session and its end.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		a := c.ask(1)
		c.accept(&a, 1)
		c.talk(&a, 1)
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2ServerFirst() Case {
	return newCase("h2-settings-first", "The server's settings are captured before the client's preface.", func(g *Capture) []Attempt {
		c := &h2Conn{Conn: g.Dial(clientAddr, serverAddr)}
		c.Server(h2SettingsOf(8, 1))
		c.Client(append([]byte(h2Preface), h2SettingsOf()...))
		a := c.ask(1)
		c.accept(&a, 1)
		c.talk(&a, 1)
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2Upgraded() Case {
	return newCase("h2-after-upgrade", "An upgrade to h2c, and an extended CONNECT behind it.", func(g *Capture) []Attempt {
		c := &h2Conn{Conn: g.Dial(clientAddr, serverAddr)}
		c.Client(newHead("GET / HTTP/1.1", "Host: "+hostName, "Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABk").bytes())
		c.Server(newHead("HTTP/1.1 101 Switching Protocols", "Connection: Upgrade", "Upgrade: h2c").bytes())
		c.greet(true)
		c.Server(append(c.headers(Server, 0, 1, ":status: 200"), h2Frame(h2Data, h2EndStream, 1, []byte("page"))...))
		a := c.ask(3)
		c.accept(&a, 3)
		c.talk(&a, 3)
		c.Close(Client)
		return []Attempt{a}
	})
}

// h2Several mixes two WebSockets with other requests, whose fields the header
// compression of both refers to.
func h2Several() Case {
	return newCase("h2-several-streams", "Two WebSockets, a refused one and other requests share a connection.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		page := func(stream uint32, path string) []byte {
			return c.headers(Client, h2EndStream, stream, ":method: GET", ":scheme: http", ":path: "+path, ":authority: "+hostName, "user-agent: test/1.0")
		}
		c.Client(page(1, "/"))
		first := c.ask(3, "origin: http://"+hostName)
		c.Client(page(5, "/style.css"))
		second := c.ask(7, "origin: http://"+hostName)
		third := c.ask(9)
		c.Server(append(c.headers(Server, 0, 1, ":status: 200", "server: test"), h2Frame(h2Data, 0, 1, g.noise("page", 3000))...))
		c.accept(&second, 7)
		third.ResponseFrame = c.Server(c.headers(Server, h2EndStream, 9, ":status: 403", "server: test"))
		third.Verdict, third.Status, third.Codes = "h2-refused", 403, []string{"status-403"}
		c.Server(append(h2Frame(h2Data, h2EndStream, 1, g.noise("page", 500)), c.headers(Server, h2EndStream, 5, ":status: 304", "server: test")...))
		c.accept(&first, 3)
		c.Server(append(h2PaddedData(7, frame(opText, "to the second"), 20), h2Frame(h2Data, 0, 3, frame(opText, "to the first"))...))
		c.Client(append(h2Frame(h2WindowUpdate, 0, 0, []byte{0, 0, 16, 0}), h2Frame(h2Data, 0, 7, c.masked(opBinary, string(g.noise("message", 2000))))...))
		c.Client(h2Reset(7, h2Cancel))
		second.ClientFrames, second.ServerFrames, second.CloseBy = 1, 1, "client"
		c.Client(h2Frame(h2Data, 0, 3, c.masked(opPing, "")))
		c.Server(h2Frame(h2Data, h2EndStream, 3, frame(opPong, "")))
		first.ClientFrames, first.ServerFrames, first.CloseBy = 1, 2, "server"
		c.Client(h2Leave(0, h2NoError))
		c.Close(Client)
		return []Attempt{first, second, third}
	})
}

func h2Split() Case {
	return newCase("h2-continuation", "A header block in three frames and five segments.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		block := c.tables[Client].block(extendedConnect("cookie: session=1234567890")...)
		b := h2Frame(h2Headers, 0, 1, block[:30])
		b = append(b, h2Frame(h2Continuation, 0, 1, block[30:90])...)
		b = append(b, h2Frame(h2Continuation, h2EndHeaders, 1, block[90:])...)
		a := Attempt{Stream: c.Stream()}
		for range 4 {
			c.Client(b[:len(b)/3])
			b = b[len(b)/3:]
		}
		a.RequestFrame = c.Client(b)
		c.accept(&a, 1)
		c.talk(&a, 1)
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2Hole() Case {
	return newCase("h2-hole", "A part of what the server sent before its answer is not in the capture.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		a := c.ask(1)
		a.Verdict = "indeterminate"
		c.Skip(Server, len(c.headers(Server, h2EndStream, 2, ":status: 200", "server: test")))
		c.Server(c.headers(Server, 0, 1, ":status: 200", "server: test"))
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2Late() Case {
	return newCase("h2-late", "The capture begins in the middle of a connection: its header blocks cannot be read.", func(g *Capture) []Attempt {
		c := &h2Conn{Conn: g.Open(clientAddr, serverAddr)}
		c.tables[Client].block(extendedConnect()...)
		c.ask(3)
		c.Server(c.headers(Server, 0, 3, ":status: 200"))
		c.Close(Client)
		return nil
	})
}

func h2WithoutSYN() Case {
	return newCase("h2-without-syn", "The capture holds a connection from its first byte on, but not its SYN.", func(g *Capture) []Attempt {
		c := &h2Conn{Conn: g.Open(clientAddr, serverAddr)}
		c.greet(true)
		a := c.ask(1)
		c.accept(&a, 1)
		c.talk(&a, 1)
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2LargeTable() Case {
	return newCase("h2-large-table", "The server's dynamic table is larger than is kept.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		a := c.ask(1)
		a.Verdict = "indeterminate"
		block := append([]byte{0x3f, 0xe1, 0xff, 0x07}, c.tables[Server].block(":status: 200")...) // a table of 128 KiB, RFC 7541, Section 6.3
		c.Server(h2Frame(h2Headers, h2EndHeaders, 1, block))
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2GivenUp() Case {
	return newCase("h2-given-up", "The client resets the stream before it is answered, and the server does so afterwards.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		a := c.ask(1)
		a.Verdict, a.CloseBy, a.Codes = "no-response", "client", []string{"http-request-unanswered"}
		c.Client(h2Reset(1, h2Cancel))
		c.Server(h2Reset(1, h2StreamClosed))
		c.Close(Client)
		return []Attempt{a}
	})
}

func h2MalformedAnswer() Case {
	return newCase("h2-malformed-answer", "A proxy passes on fields of HTTP/1, for which the client resets the stream.", func(g *Capture) []Attempt {
		c := g.dialH2(true)
		a := c.ask(1)
		a.ResponseFrame = c.Server(c.headers(Server, 0, 1, ":status: 200", "connection: upgrade", "upgrade: websocket"))
		a.Verdict, a.Status, a.CloseBy, a.Codes = "bad-handshake", 200, "client", []string{"h2-response-malformed"}
		c.Client(h2Reset(1, h2ProtocolError))
		c.Close(Client)
		return []Attempt{a}
	})
}

// h2Refused is an extended CONNECT that comes to nothing.
func h2Refused(name, desc string, takesConnect bool, codes []string, answer func(c *h2Conn, a *Attempt)) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		c := g.dialH2(takesConnect)
		a := c.ask(1)
		a.Verdict, a.Codes = "h2-refused", codes
		answer(c, &a)
		c.Close(Client)
		return []Attempt{a}
	})
}

// h2Asking is a request that the server takes for malformed.
func h2Asking(name, desc string, codes []string, flags byte, lines ...string) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		c := g.dialH2(true)
		a := Attempt{Stream: c.Stream(), Verdict: "h2-refused", Codes: codes}
		a.RequestFrame = c.Client(c.headers(Client, flags, 1, lines...))
		c.Server(h2Reset(1, h2ProtocolError))
		c.Close(Client)
		return []Attempt{a}
	})
}
