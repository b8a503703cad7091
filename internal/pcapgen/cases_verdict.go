package pcapgen

import "bytes"

// tcpHeaders is the length of all headers of a data segment over Ethernet
// and IPv4, with timestamps.
const tcpHeaders = 14 + 20 + 32

// verdictCases show each verdict once, in its plainest form.
func verdictCases() []Case {
	return []Case{
		row{name: "ok", desc: "A handshake and a short session in which everything is right.", edit: func(*upgrade) {}}.build(),
		noResponseFin(), noResponseRst(), noResponseSilence(), unanswered(), neverAcked(), gaveUpEarly(),
		requestCut(), responseLost(), startsAfterRequest(), endsAfterRequest(),
		oneDirection(Client), oneDirection(Server),
	}
}

// unansweredCase is a request and what happens in place of an answer. The
// first of the codes is demanded where the verdict is no-response.
func unansweredCase(name, desc, verdict string, may []string, rest func(g *Capture, c *Conn)) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: verdict, MayCodes: may}
		a.RequestFrame = c.Client(u.req.bytes())
		if verdict == "no-response" {
			a.Codes, a.MayCodes = may[:1], may[1:]
		}
		rest(g, c)
		return []Attempt{a}
	})
}

// gaveUpEarly is an answer that comes after the client's one second.
func gaveUpEarly() Case {
	return newCase("client-gave-up-early", "The client closes after one second, the 101 comes after two.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream, a.Codes = c.Stream(), []string{"client-gave-up-early"}
		a.MayVerdict = "bad-handshake" // nobody was there any more to use it
		a.RequestFrame = c.Client(u.req.bytes())
		g.Wait(second)
		c.Fin(Client, nil)
		g.Wait(second)
		a.ResponseFrame = c.Send(Server, u.resp.bytes())
		c.Rst(Client)
		return []Attempt{a}
	})
}

func noResponseFin() Case {
	return unansweredCase("no-response-fin", "The server acknowledges the request and closes without a word.",
		"no-response", []string{"tcp-fin-without-response"}, func(g *Capture, c *Conn) {
			g.Wait(20 * millisecond)
			c.Close(Server)
		})
}

func noResponseRst() Case {
	return newCase("no-response-rst", "The server resets on the request.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: "no-response", Codes: []string{"tcp-rst-after-request"}}
		a.RequestFrame = c.Send(Client, u.req.bytes())
		c.Rst(Server)
		return []Attempt{a}
	})
}

func noResponseSilence() Case {
	return unansweredCase("no-response-silence", "Nothing for half a minute, while other traffic is captured.",
		"no-response", []string{"http-request-unanswered", "tcp-accept-queue-stall"}, func(g *Capture, c *Conn) {
			g.otherTraffic(30)
		})
}

func unanswered() Case {
	return unansweredCase("no-response-client-timer", "Nothing comes; the client gives up after ten seconds.",
		"no-response", []string{"http-request-unanswered", "tcp-accept-queue-stall"}, func(g *Capture, c *Conn) {
			g.Wait(10 * second)
			c.Close(Client)
		})
}

func neverAcked() Case {
	return newCase("request-never-acked", "The request is sent five times and never acknowledged; the client gives up.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: "no-response", Codes: []string{"request-never-acked"}, NotCodes: []string{"http-request-unanswered"}}
		a.RequestFrame = c.Send(Client, u.req.bytes())
		c.resent(Client, u.req.bytes(), 4)
		c.Rst(Client)
		return []Attempt{a}
	})
}

// requestCut keeps of each packet too little to hold the key.
func requestCut() Case {
	return newCase("indeterminate-request-cut", "The snap length ends before the key of the request.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.req.raw("Sec-WebSocket-Key")
		u.req.lines = append(u.req.lines, "Sec-WebSocket-Key: "+u.key)
		g.Snap(tcpHeaders + bytes.Index(u.req.bytes(), []byte("Sec-WebSocket-Key")))
		c := g.Dial(clientAddr, serverAddr)
		c.Client(u.req.bytes())
		c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{{Stream: c.Stream(), Verdict: "indeterminate"}}
	})
}

// responseLost has a client that acknowledges what the capture never saw.
func responseLost() Case {
	return newCase("indeterminate-response-lost", "The client acknowledges an answer that was not captured, and talks on.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: "indeterminate"}
		a.NotCodes = []string{"early-client-data", "response-not-http"}
		a.RequestFrame = c.Client(u.req.bytes())
		c.Skip(Server, len(u.resp.bytes()))
		c.Ack(Client)
		c.Session()
		return []Attempt{a}
	})
}

func startsAfterRequest() Case {
	return newCase("indeterminate-starts-after-request", "The capture begins with the 101.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Open(clientAddr, serverAddr)
		c.isOpen = true
		c.Skip(Client, len(u.req.bytes()))
		f := c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{{
			Stream: c.Stream(), ResponseFrame: f, Verdict: "indeterminate", Status: 101,
			Accept: acceptFor(u.key), NotCodes: []string{"accept-mismatch", "101-without-valid-request"},
		}}
	})
}

func endsAfterRequest() Case {
	return newCase("indeterminate-ends-after-request", "The capture ends a millisecond after the request.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		f := c.Send(Client, u.req.bytes())
		g.Wait(millisecond - step)
		c.Ack(Server)
		return []Attempt{{Stream: c.Stream(), RequestFrame: f, Key: u.key, Verdict: "indeterminate"}}
	})
}

// oneDirection is the ok exchange of which only one side was captured.
func oneDirection(kept Side) Case {
	name, desc := "one-direction-client", "Only the client's packets were captured; they acknowledge an answer."
	if kept == Server {
		name, desc = "one-direction-server", "Only the server's packets were captured."
	}
	return newCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Open(clientAddr, serverAddr)
		c.only, c.onlySide = true, kept
		c.Handshake()
		a := u.play(c)
		a.Stream, a.Verdict, a.Want = c.Stream(), "indeterminate", ""
		a.NotCodes = []string{"early-client-data", "101-without-valid-request"}
		if kept == Client {
			a.ResponseFrame, a.Status, a.Accept = 0, 0, ""
		} else {
			a.RequestFrame, a.Key = 0, ""
		}
		return []Attempt{a}
	})
}
