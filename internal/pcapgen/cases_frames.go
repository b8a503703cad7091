package pcapgen

import "strings"

// frameCases have a right handshake and something to look at after it.
func frameCases() []Case {
	var cases []Case
	for _, f := range sessions {
		cases = append(cases, f.build())
	}
	return cases
}

// A session is what goes over the socket, with its count of frames.
type session struct {
	name, desc     string
	client, server int // frames
	closeBy        string
	code           int
	reason         string
	may            []string
	deflate        bool
	play           func(c *Conn)
}

func (s session) build() Case {
	return newCase(s.name, s.desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		if s.deflate {
			u.req.set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
			u.resp.set("Sec-WebSocket-Extensions", "permessage-deflate")
		}
		u.rest = s.play
		a := u.play(g.Dial(clientAddr, serverAddr))
		a.ClientFrames, a.ServerFrames = s.client, s.server
		a.CloseBy, a.CloseCode, a.CloseReason = s.closeBy, s.code, s.reason
		a.MayCodes = s.may
		if len(s.may) > 0 {
			a.MayVerdict = "bad-handshake" // error findings after a right handshake
		}
		return []Attempt{a}
	})
}

var sessions = []session{
	{
		name: "frames-of-all-kinds", desc: "Text, binary, ping and pong in both directions.",
		client: 5, server: 5, closeBy: "client", code: 1000,
		play: func(c *Conn) {
			c.Client(c.masked(opText, "héllo"))
			c.Server(frame(opText, "wörld"))
			c.Client(c.masked(opBinary, "\x00\x01\xfe\xff"))
			c.Server(frame(opBinary, "\xff\xfe\x01\x00"))
			c.Server(frame(opPing, "p1"))
			c.Client(c.masked(opPong, "p1"))
			c.Client(c.masked(opPing, ""))
			c.Server(frame(opPong, ""))
			c.CloseSession()
		},
	},
	{
		name: "frames-server-close-1002", desc: "The server closes with a protocol error and says why.",
		client: 2, server: 1, closeBy: "server", code: 1002, reason: "invalid message header", may: []string{"close-1002"},
		play: func(c *Conn) {
			c.Client(c.masked(opText, "{}"))
			c.Server(frame(opClose, closeBody(1002, "invalid message header")))
			c.Client(c.masked(opClose, closeBody(1002, "")))
			c.Close(Server)
		},
	},
	{
		name: "frames-client-close-1001", desc: "The client goes away.",
		client: 2, server: 1, closeBy: "client", code: 1001, reason: "going away",
		play: func(c *Conn) {
			c.Client(c.masked(opText, "{}"))
			c.Client(c.masked(opClose, closeBody(1001, "going away")))
			c.Server(frame(opClose, closeBody(1001, "")))
			c.Close(Server)
		},
	},
	{
		name: "frames-close-without-code", desc: "Empty Close frames.",
		client: 1, server: 1, closeBy: "client",
		play: func(c *Conn) {
			c.Client(c.masked(opClose, ""))
			c.Server(frame(opClose, ""))
			c.Close(Server)
		},
	},
	{
		name: "frames-16-bit-length", desc: "Lengths of 126 and of 20000 bytes.",
		client: 2, server: 3, closeBy: "client", code: 1000,
		play: func(c *Conn) {
			c.Client(c.masked(opText, strings.Repeat("a", 126)))
			c.Server(frame(opText, strings.Repeat("b", 126)))
			c.Server(frame(opBinary, strings.Repeat("\x81\x7f", 10000)))
			c.CloseSession()
		},
	},
	{
		name: "frames-64-bit-length", desc: "A frame of 70000 bytes in many segments.",
		client: 1, server: 3, closeBy: "client", code: 1000,
		play: func(c *Conn) {
			c.Server(frame(opBinary, strings.Repeat("\x88\x02\x03\xe8", 17500)))
			c.Server(frame(opText, "done"))
			c.CloseSession()
		},
	},
	{
		name: "frames-fragmented-message", desc: "A message in three frames with a ping between them.",
		client: 2, server: 5, closeBy: "client", code: 1000,
		play: func(c *Conn) {
			c.Server([]byte("\x01\x03one"))
			c.Server([]byte("\x00\x03two"))
			c.Server(frame(opPing, "?"))
			c.Client(c.masked(opPong, "?"))
			c.Server([]byte("\x80\x05three"))
			c.CloseSession()
		},
	},
	{
		name: "frames-across-segments", desc: "Three frames in one segment, and one cut inside its header.",
		client: 1, server: 5, closeBy: "client", code: 1000,
		play: func(c *Conn) {
			c.Server([]byte("\x81\x01a\x81\x01b\x81\x01c"))
			big := frame(opText, strings.Repeat("d", 200))
			c.Server(big[:1])
			c.Server(big[1:3])
			c.Server(big[3:])
			c.CloseSession()
		},
	},
	{
		name: "frames-deflate", desc: "Compressed messages after permessage-deflate was agreed (RFC 7692, Section 7.2.3.1).",
		client: 2, server: 2, closeBy: "client", code: 1000, deflate: true,
		play: func(c *Conn) {
			b := c.masked(opText, "\xf2\x48\xcd\xc9\xc9\x07\x00")
			b[0] |= 0x40 // RSV1
			c.Client(b)
			c.Server([]byte("\xc1\x07\xf2\x48\xcd\xc9\xc9\x07\x00"))
			c.CloseSession()
		},
	},
	{
		name: "frames-end-without-close", desc: "The server ends TCP without a Close frame.",
		client: 1, server: 1, may: []string{"fin-without-close-frame"},
		play: func(c *Conn) {
			c.Client(c.masked(opText, "{}"))
			c.Server(frame(opText, "{}"))
			c.g.Wait(60 * second)
			c.Close(Server)
		},
	},
}
