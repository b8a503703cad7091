package pcapgen

import (
	"fmt"
	"strings"
)

// tcpCases carry a right exchange through everything that TCP and sniffers
// do to it.
func tcpCases() []Case {
	return []Case{
		threeSegments(), byteByByte(), requestOutOfOrder(), responseOutOfOrder(),
		requestRetransmitted(), responseRetransmitted(), requestOverlapping(),
		holeInHead(), holeInBody(), holeAfter101(), startsBeforeRequest(), responseFirst(),
		tupleReused(true), tupleReused(false), sequenceWraps(), staleProbes(),
		amongOthers(), cutBody(), cutHead(), finWithData(), rstAfter101(), fastOpen(), everyPacketTwice(),
	}
}

// pieces cuts b into n parts of about the same length.
func pieces(b []byte, n int) [][]byte {
	var parts [][]byte
	for i := range n {
		parts = append(parts, b[i*len(b)/n:(i+1)*len(b)/n])
	}
	return parts
}

// segmented is a right exchange whose heads go out in so many segments each.
func segmented(name, desc string, n int, may ...string) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream, a.Codes, a.MayCodes = c.Stream(), []string{"response-split-over-segments"}, may
		for _, p := range pieces(u.req.bytes(), min(n, len(u.req.bytes()))) {
			a.RequestFrame = c.Send(Client, p)
		}
		c.Ack(Server)
		for _, p := range pieces(u.resp.bytes(), min(n, len(u.resp.bytes()))) {
			a.ResponseFrame = c.Send(Server, p)
		}
		c.Ack(Client)
		c.Session()
		return []Attempt{a}
	})
}

func threeSegments() Case {
	return segmented("tcp-head-in-three-segments", "Both heads in three segments each.", 3)
}

func byteByByte() Case {
	return segmented("tcp-head-byte-by-byte", "Both heads in segments of one byte.", 1<<20, "request-in-tiny-segments")
}

// shuffled is a right exchange with one head in four segments, of which the
// second arrives last: that frame completes the head.
func shuffled(name, desc string, side Side) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		send := func(from Side, b []byte) int {
			if from != side {
				return c.Send(from, b)
			}
			last := 0
			for _, p := range pieces(b, 4) {
				last = c.Send(from, p)
			}
			g.Swap(last-2, last)
			return last
		}
		a.RequestFrame = send(Client, u.req.bytes())
		c.Ack(Server)
		a.ResponseFrame = send(Server, u.resp.bytes())
		c.Ack(Client)
		c.Session()
		if side == Server {
			a.Codes = []string{"response-split-over-segments"}
		}
		return []Attempt{a}
	})
}

func requestOutOfOrder() Case {
	return shuffled("tcp-request-out-of-order", "The second of four segments of the request arrives last.", Client)
}

func responseOutOfOrder() Case {
	return shuffled("tcp-response-out-of-order", "The second of four segments of the response arrives last.", Server)
}

func requestRetransmitted() Case {
	return newCase("tcp-request-retransmitted", "The request is sent twice, since its ACK got lost.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Send(Client, u.req.bytes())
		g.Wait(220 * millisecond)
		c.SendAt(Client, 0, u.req.bytes(), flagPSH)
		c.Ack(Server)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

func responseRetransmitted() Case {
	return newCase("tcp-response-retransmitted", "The response is sent twice.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		a.ResponseFrame = c.Send(Server, u.resp.bytes())
		g.Wait(220 * millisecond)
		c.SendAt(Server, 0, u.resp.bytes(), flagPSH)
		c.Ack(Client)
		c.Session()
		return []Attempt{a}
	})
}

func requestOverlapping() Case {
	return newCase("tcp-overlapping-retransmission", "A repetition starts inside what was sent before and goes beyond it.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		b := u.req.bytes()
		c.Send(Client, b[:100])
		g.Wait(220 * millisecond)
		a.RequestFrame = c.SendAt(Client, 50, b[50:], flagPSH)
		c.Ack(Server)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

func holeInHead() Case {
	return newCase("tcp-hole-in-response-head", "The middle of the response head was not captured.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: "indeterminate"}
		a.NotCodes = []string{"accept-missing", "head-not-terminated", "response-upgrade-missing"}
		a.RequestFrame = c.Client(u.req.bytes())
		p := pieces(u.resp.bytes(), 3)
		c.Send(Server, p[0])
		c.Skip(Server, len(p[1]))
		c.Server(p[2])
		c.Session()
		return []Attempt{a}
	})
}

// bigPage is an answer whose body is too long for a segment.
func bigPage(n int) *head { return kept("200 OK", strings.Repeat("All work and no play. ", n)) }

func holeInBody() Case {
	return newCase("tcp-hole-in-body-then-upgrade", "A segment of a body was not captured; its length leads to the upgrade that follows.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		c.Client(plainGet(hostName, "/").bytes())
		b := bigPage(200).bytes()
		c.Send(Server, b[:1448])
		c.Skip(Server, 1448)
		c.Server(b[2*1448:])
		return []Attempt{u.play(c)}
	})
}

func holeAfter101() Case {
	return newCase("tcp-hole-in-frames", "Part of a large message was not captured.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.rest = func(c *Conn) {
			b := frame(opBinary, strings.Repeat("\x00\xff", 2500))
			c.Send(Server, b[:1448])
			c.Skip(Server, 1448)
			c.Server(b[2*1448:])
			c.CloseSession()
		}
		a := u.play(g.Dial(clientAddr, serverAddr))
		a.NotCodes = []string{"stream-desync", "reserved-opcode"}
		return []Attempt{a}
	})
}

func startsBeforeRequest() Case {
	return newCase("tcp-starts-before-request", "The capture begins on an open connection, without its SYN.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Open(clientAddr, serverAddr)
		c.isOpen = true
		return []Attempt{u.play(c)}
	})
}

func responseFirst() Case {
	return newCase("tcp-response-before-request", "The sniffer stored the response before the request.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		req := c.Send(Client, u.req.bytes())
		resp := c.Send(Server, u.resp.bytes())
		g.Swap(req, resp)
		a.RequestFrame, a.ResponseFrame = resp, req
		c.Ack(Client)
		c.Session()
		a.NotCodes = []string{"101-without-valid-request", "early-client-data"}
		return []Attempt{a}
	})
}

// tupleReused has two connections of the same addresses and ports.
func tupleReused(fin bool) Case {
	name, desc := "tcp-tuple-reused-after-fin", "The client uses its port again after an orderly end."
	if !fin {
		name, desc = "tcp-tuple-reused-without-fin", "The device restarts and uses its port again; the old connection never ended."
	}
	return newCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		if !fin {
			u.rest = func(c *Conn) { c.Client(c.masked(opText, "1")) }
		}
		a := u.play(g.Dial(clientAddr, serverAddr))
		g.Wait(90 * second)
		b := g.upgrade().play(g.Dial(clientAddr, serverAddr))
		b.NotCodes = []string{"accept-mismatch", "accept-belongs-to-other-flow"}
		if !fin {
			a.MayCodes = []string{"tcp-half-open-after-reboot"}
			b.MayCodes = a.MayCodes
		}
		return []Attempt{a, b}
	})
}

func sequenceWraps() Case {
	return newCase("tcp-sequence-wraps", "The sequence numbers of both sides wrap inside the heads, which come in three segments.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Open(clientAddr, serverAddr)
		c.isn = [2]uint32{1<<32 - 90, 1<<32 - 100}
		c.Handshake()
		a := u.truth()
		a.Stream, a.Codes = c.Stream(), []string{"response-split-over-segments"}
		for _, p := range pieces(u.req.bytes(), 3) {
			a.RequestFrame = c.Client(p)
		}
		for _, p := range pieces(u.resp.bytes(), 3) {
			a.ResponseFrame = c.Server(p)
		}
		c.Session()
		return []Attempt{a}
	})
}

func staleProbes() Case {
	return newCase("tcp-keep-alive-probes", "Keep-alive probes with one stale byte before, between and after the heads.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		c.Probe(Server)
		a.RequestFrame = c.Client(u.req.bytes())
		c.Probe(Client)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Probe(Server)
		c.Probe(Client)
		c.Session()
		return []Attempt{a}
	})
}

func amongOthers() Case {
	return newCase("tcp-among-twenty-connections", "Twenty busy keep-alive connections around the exchange.", func(g *Capture) []Attempt {
		var others []*Conn
		for i := range 20 {
			others = append(others, g.Dial(fmt.Sprintf("10.0.1.%d:%d", 10+i, 40000+i), serverAddr))
		}
		talk := func() {
			for _, o := range others {
				o.Client(plainGet(hostName, "/status").bytes())
				o.Server(kept("200 OK", "up\n").bytes())
			}
		}
		talk()
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		talk()
		a.ResponseFrame = c.Server(u.resp.bytes())
		talk()
		c.Session()
		return []Attempt{a}
	})
}

func cutBody() Case {
	return newCase("tcp-snaplen-cuts-body", "The snap length cuts a body; the upgrade that follows is whole.", func(g *Capture) []Attempt {
		g.Snap(400)
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		c.Client(plainGet(hostName, "/").bytes())
		c.Server(bigPage(150).bytes())
		return []Attempt{u.play(c)}
	})
}

func cutHead() Case {
	return newCase("tcp-snaplen-cuts-head", "The snap length cuts the response before its Accept.", func(g *Capture) []Attempt {
		u := g.upgrade()
		line := "Sec-WebSocket-Accept: " + acceptFor(u.key)
		u.resp.raw("Sec-WebSocket-Accept")
		u.resp.lines = append(u.resp.lines, "Strict-Transport-Security: max-age=31536000; includeSubDomains", line)
		g.Snap(tcpHeaders + len(u.req.bytes()))
		a := u.play(g.Dial(clientAddr, serverAddr))
		return []Attempt{{
			Stream: a.Stream, RequestFrame: a.RequestFrame, Key: a.Key, Verdict: "indeterminate",
			NotCodes: []string{"accept-missing", "head-not-terminated"},
		}}
	})
}

func finWithData() Case {
	return newCase("tcp-fin-with-data", "The FIN carries the whole answer.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.answer(errorPage("404 Not Found"))
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream, a.Codes = c.Stream(), []string{"status-404"}
		a.RequestFrame = c.Client(u.req.bytes())
		a.ResponseFrame = c.Fin(Server, u.resp.bytes())
		c.Ack(Client)
		c.Fin(Client, nil)
		c.Ack(Server)
		return []Attempt{a}
	})
}

func rstAfter101() Case {
	return newCase("tcp-rst-after-101", "The server resets five milliseconds after a right 101.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.rest = func(c *Conn) {
			c.g.Wait(5 * millisecond)
			c.Rst(Server)
		}
		a := u.play(g.Dial(clientAddr, serverAddr))
		a.MayCodes = []string{"rst-right-after-101", "fin-without-close-frame"}
		a.MayVerdict = "bad-handshake"
		return []Attempt{a}
	})
}

func fastOpen() Case {
	return newCase("tcp-fast-open", "The request is in the SYN.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Open(clientAddr, serverAddr)
		a := u.truth()
		a.RequestFrame = c.Syn(u.req.bytes())
		c.SynAck()
		c.Ack(Client)
		a.Stream = c.Stream()
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

func everyPacketTwice() Case {
	return newCase("tcp-every-packet-twice", "A mirror port shows every packet on its way in and out.", func(g *Capture) []Attempt {
		g.Double()
		a := g.upgrade().play(g.Dial(clientAddr, serverAddr))
		a.NotCodes = []string{"key-reused"}
		return []Attempt{a}
	})
}
