package pcapgen

import (
	"bytes"
	"strings"
)

// tcpOddityCases carry right exchanges through what TCP, interfaces and clocks
// do rarely.
func tcpOddityCases() []Case {
	return []Case{
		urgentInBody(), urgentInFrames(), urgentInHead(), urgentInKey(),
		differsAfterAck(), differsOutOfOrder(),
		withoutLength(), longSegment(), wrongChecksums(),
		simultaneousOpen(), halfOpen(), blindReset(), yearBetween(), timeRunsBackwards(),
	}
}

// urgentInBody has an answer before the upgrade, a byte of which is urgent: it
// is a byte of the body as any other.
func urgentInBody() Case {
	return newCase("tcp-urgent-in-body", "Urgent data in a body before the upgrade.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		c.Client(plainGet(hostName, "/").bytes())
		b := kept("200 OK", strings.Repeat("urgent? ", 20)).bytes()
		c.Send(Server, b[:len(b)-80])
		c.Urgent(Server, b[len(b)-80:len(b)-40], 1)
		c.Server(b[len(b)-40:])
		a := u.play(c)
		a.NotCodes = []string{"tcp-urgent-data"} // which is about heads
		return []Attempt{a}
	})
}

func urgentInFrames() Case {
	return newCase("tcp-urgent-in-frames", "Urgent data in WebSocket frames of both sides.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.rest = func(c *Conn) {
			b := c.masked(opText, `{"hello":"world"}`)
			c.Urgent(Client, b, uint16(len(b)))
			c.Ack(Server)
			c.Urgent(Server, frame(opText, `{"ok":true}`), 3)
			c.Ack(Client)
			c.CloseSession()
		}
		a := u.play(g.Dial(clientAddr, serverAddr))
		a.ClientFrames, a.ServerFrames = 2, 2
		a.NotCodes = []string{"tcp-urgent-data"}
		return []Attempt{a}
	})
}

// urgentInHead has an urgent byte in the path. The answer shows that the server
// took the key as it is.
func urgentInHead() Case {
	return newCase("tcp-urgent-in-head", "A byte of the request's path is urgent; the server answers the key as it was sent.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		b := u.req.bytes()
		c.Urgent(Client, b[:20], 6)
		a.RequestFrame = c.Client(b[20:])
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		a.Codes = []string{"tcp-urgent-data"}
		return []Attempt{a}
	})
}

// urgentInKey has an urgent byte in the key, and a server that did not get to see
// it. Nobody can tell from outside.
func urgentInKey() Case {
	return newCase("tcp-urgent-in-key", "A byte of the key is urgent; the server answers a key without it.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		b := u.req.bytes()
		at := bytes.Index(b, []byte(u.key)) + 5
		c.Urgent(Client, b[:at], uint16(at))
		a.RequestFrame = c.Client(b[at:])
		a.Accept = acceptFor(u.key[:4] + u.key[5:])
		u.resp.set("Sec-WebSocket-Accept", a.Accept)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		a.Verdict, a.Codes = "indeterminate", []string{"tcp-urgent-data"}
		a.MayCodes = []string{"accept-mismatch"}
		return []Attempt{a}
	})
}

// otherKey is the request of u with a key of the same length in its place.
func (g *Capture) otherKey(u *upgrade) []byte {
	return bytes.ReplaceAll(u.req.bytes(), []byte(u.key), []byte(g.Key()))
}

func differsAfterAck() Case {
	return newCase("tcp-retransmission-differs-after-ack", "The request comes again with another key after it was acknowledged: the first copy counts.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		c.SendAt(Client, 0, g.otherKey(u), flagPSH)
		a.Codes = []string{"tcp-retransmission-differs"}
		c.Ack(Server)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

// differsOutOfOrder has both copies before what precedes them, so that neither
// was read when the second came.
func differsOutOfOrder() Case {
	return newCase("tcp-retransmission-differs-out-of-order", "Two copies of the end of the request, with different keys, come before its beginning: the first copy counts.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		b := u.req.bytes()
		c.SendAt(Client, 60, b[60:], flagPSH)
		c.SendAt(Client, 60, g.otherKey(u)[60:], flagPSH)
		a.RequestFrame = c.SendAt(Client, 0, b[:60], 0)
		a.Codes = []string{"tcp-retransmission-differs"}
		c.Ack(Server)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

// withoutLength is captured on a sender that leaves cutting to its interface
// (TCP segmentation offload).
func withoutLength() Case {
	return newCase("tcp-segmentation-offload", "IPv4 packets with data have total length 0; one is longer than a segment may be.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Open(clientAddr, serverAddr)
		c.tso, c.MSS = true, 1448
		c.Handshake()
		c.Client(plainGet(hostName, "/").bytes())
		c.MSS = 1 << 16
		c.Server(bigPage(200).bytes())
		return []Attempt{u.play(c)}
	})
}

func longSegment() Case {
	return newCase("tcp-receive-offload", "A body of 20 KB in one segment, as the receiver's interface puts it together.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		c.Client(plainGet(hostName, "/").bytes())
		c.MSS = 1 << 16
		c.Server(bigPage(930).bytes())
		return []Attempt{u.play(c)}
	})
}

func wrongChecksums() Case {
	return newCase("tcp-wrong-checksums", "No TCP checksum is right, as on a sender that leaves them to its interface.", func(g *Capture) []Attempt {
		c := g.Open(clientAddr, serverAddr)
		c.badSum = true
		c.Handshake()
		return []Attempt{g.upgrade().play(c)}
	})
}

// simultaneousOpen is Figure 7 of RFC 9293, Section 3.5.
func simultaneousOpen() Case {
	return newCase("tcp-simultaneous-open", "Both sides send a SYN before they get one.", func(g *Capture) []Attempt {
		c := g.Open(clientAddr, serverAddr)
		c.Syn(nil)
		c.store(Server, segment{seq: c.isn[Server], flags: flagSYN, options: c.synOptions(Server)})
		c.isOpen = true
		for _, side := range []Side{Client, Server} {
			c.store(side, segment{
				seq: c.isn[side], ack: c.ackOf(side), flags: flagSYN | flagACK, options: c.synOptions(side),
			})
		}
		return []Attempt{g.upgrade().play(c)}
	})
}

// halfOpen is a client that restarts and uses its port again (RFC 9293, Section
// 3.5.1, Figure 9). The server goes on with the old connection until it is reset.
func halfOpen() Case {
	return newCase("tcp-half-open-server-sends", "The client restarts and opens a connection from the same port; the server still sends on the old one.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.rest = func(c *Conn) { c.Server(frame(opText, "1")) }
		c := g.Dial(clientAddr, serverAddr)
		a := u.play(c)
		a.MayCodes = []string{"tcp-half-open-after-reboot"}
		g.Wait(20 * second)
		d := g.Open(clientAddr, serverAddr)
		d.Syn(nil)
		c.Send(Server, frame(opText, "2"))
		c.store(Client, segment{seq: c.seq(Client, c.next[Client]), flags: flagRST})
		c.Ack(Server)
		c.store(Client, segment{seq: c.seq(Client, c.next[Client]), flags: flagRST})
		g.Wait(second)
		d.Handshake()
		b := g.wrongUpgrade().playWrong(d)
		b.MayCodes = a.MayCodes
		return []Attempt{a, b}
	})
}

// blindReset is what somebody sends who does not see the connection (RFC 5961,
// Section 3.2): out of the window, and so without effect.
func blindReset() Case {
	return newCase("tcp-blind-reset", "A RST between request and response is far out of the window.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		c.store(Server, segment{seq: c.seq(Server, 1<<30), flags: flagRST})
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		a.NotCodes = []string{"tcp-rst-after-request"}
		return []Attempt{a}
	})
}

func yearBetween() Case {
	return newCase("tcp-year-before-request", "A year passes between the handshake of TCP and the request.", func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, serverAddr)
		g.Wait(365 * 24 * 3600 * second)
		return []Attempt{g.upgrade().play(c)}
	})
}

// timeRunsBackwards sets the clock back before each of the heads, and again
// after them.
func timeRunsBackwards() Case {
	return newCase("tcp-time-runs-backwards", "The clock of the capture is set back three times.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		g.Wait(-3 * second)
		a.RequestFrame = c.Client(u.req.bytes())
		g.Wait(-1 * second)
		a.ResponseFrame = c.Server(u.resp.bytes())
		g.Wait(-60 * second)
		c.Session()
		return []Attempt{a}
	})
}
