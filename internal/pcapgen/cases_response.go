package pcapgen

import "strings"

// responseCases are the answers 101 that are wrong or unusual in something
// else than the value of Sec-WebSocket-Accept.
func responseCases() []Case {
	rows := [][]row{tokenRows, syntaxRows, statusLineRows, protocolRows}
	var cases []Case
	for _, r := range rows {
		cases = append(cases, buildRows(r)...)
	}
	return append(cases,
		acceptDuplicated(), clientRefuses(), serverDrops(), arduinoRefuses(), headNotTerminated(), extraCRLF(),
		brokerSilent(), responseSplit(), firstFrameCoalesced(), firstFrameDelayed())
}

// tokenRows are about Upgrade and Connection.
var tokenRows = []row{
	{
		name: "response-upgrade-missing", desc: "A proxy filters Upgrade out of the 101.",
		verdict: "bad-handshake", codes: []string{"response-upgrade-missing"},
		edit: func(u *upgrade) { u.resp.drop("Upgrade") },
	},
	{
		name: "response-upgrade-not-websocket", desc: "The 101 names another protocol.",
		verdict: "bad-handshake", codes: []string{"response-upgrade-not-websocket"}, not: []string{"response-upgrade-missing"},
		edit: func(u *upgrade) { u.resp.set("Upgrade", "h2c") },
	},
	{
		name: "response-upgrade-duplicated", desc: "Two Upgrade lines.",
		verdict: "bad-handshake", codes: []string{"response-upgrade-duplicated"},
		edit: func(u *upgrade) { u.resp.raw("Upgrade", "Upgrade: websocket", "Upgrade: websocket") },
	},
	{
		name: "response-connection-missing", desc: "Connection has no token upgrade.",
		verdict: "bad-handshake", codes: []string{"response-connection-missing"},
		edit: func(u *upgrade) { u.resp.set("Connection", "keep-alive") },
	},
	{
		name: "response-connection-absent", desc: "There is no Connection at all.",
		verdict: "bad-handshake", codes: []string{"response-connection-missing"},
		edit: func(u *upgrade) { u.resp.drop("Connection") },
	},
	{
		name: "response-connection-multi-token", desc: "Connection is a list, which is legal.",
		codes: []string{"response-connection-multi-token"}, not: []string{"response-connection-missing"},
		edit: func(u *upgrade) { u.resp.set("Connection", "keep-alive, Upgrade") },
	},
	{
		name: "response-token-lower-case", desc: "The tokens are in lower case, as nginx writes them.",
		codes: []string{"response-token-lower-case"}, not: []string{"response-connection-missing"},
		edit: func(u *upgrade) { u.resp.set("Connection", "upgrade") },
	},
	{
		name: "101-without-valid-request", desc: "A lenient server accepts a request without Upgrade.",
		verdict: "bad-handshake", codes: []string{"101-without-valid-request", "request-upgrade-missing"},
		edit: func(u *upgrade) {
			u.req.drop("Upgrade")
			u.rest = (*Conn).Session
		},
	},
	{
		name: "accept-missing", desc: "A 101 without Sec-WebSocket-Accept.",
		verdict: "accept-missing", codes: []string{"accept-missing"}, not: []string{"accept-mismatch"},
		edit: func(u *upgrade) { u.resp.drop("Sec-WebSocket-Accept") },
	},
	{
		name: "accept-surrounding-whitespace", desc: "Blanks after a right value.",
		codes: []string{"accept-surrounding-whitespace"}, not: []string{"accept-mismatch", "multiple-spaces-after-colon"},
		edit: func(u *upgrade) {
			u.resp.raw("Sec-WebSocket-Accept", "Sec-WebSocket-Accept: "+acceptFor(u.key)+" \t")
		},
	},
}

// syntaxRows are about how the lines are written.
var syntaxRows = []row{
	{
		name: "response-header-names-lower-case", desc: "All field names in lower case.",
		codes: []string{"response-header-names-lower-case"}, not: []string{"response-token-lower-case", "accept-missing"},
		edit: func(u *upgrade) {
			for i, l := range u.resp.lines[1:] {
				name, value, _ := strings.Cut(l, ":")
				u.resp.lines[i+1] = strings.ToLower(name) + ":" + value
			}
		},
	},
	{
		name: "response-header-name-odd-case", desc: "The canonical form of Go.",
		codes: []string{"response-header-name-odd-case"}, not: []string{"accept-missing", "response-header-names-lower-case"},
		edit: func(u *upgrade) {
			u.resp.raw("Sec-WebSocket-Accept", "Sec-Websocket-Accept: "+acceptFor(u.key))
		},
	},
	{
		name: "no-space-after-colon", desc: "Accept without the space.",
		codes: []string{"no-space-after-colon"}, not: []string{"accept-mismatch"},
		edit: func(u *upgrade) {
			u.resp.raw("Sec-WebSocket-Accept", "Sec-WebSocket-Accept:"+acceptFor(u.key))
		},
	},
	{
		name: "multiple-spaces-after-colon", desc: "Two spaces before the value of Upgrade.",
		codes: []string{"multiple-spaces-after-colon"}, not: []string{"response-upgrade-not-websocket"},
		edit: func(u *upgrade) { u.resp.raw("Upgrade", "Upgrade:  websocket") },
	},
	{
		name: "space-before-colon", desc: "A space before the colon of a field that the handshake does not need.",
		verdict: "bad-handshake", codes: []string{"space-before-colon"}, not: []string{"accept-missing"},
		edit: func(u *upgrade) { u.resp.raw("Server", "Server : homemade/1.0") },
	},
	{
		name: "header-line-without-colon", desc: "A line in the head that is no field.",
		codes: []string{"header-line-without-colon"}, not: []string{"empty-header-value"},
		edit: func(u *upgrade) { u.resp.raw("Server", "Server homemade/1.0") },
	},
	{
		name: "empty-header-value", desc: "A field without a value.",
		codes: []string{"empty-header-value"}, not: []string{"header-line-without-colon"}, may: []string{"no-space-after-colon"},
		edit: func(u *upgrade) { u.resp.raw("Server", "Server: homemade/1.0", "Vary:") },
	},
	{
		name: "lf-only-line-endings", desc: "The head ends its lines with LF.",
		codes: []string{"lf-only-line-endings"}, not: []string{"head-not-terminated"},
		edit: func(u *upgrade) { u.resp.eol, u.resp.end = "\n", "\n" },
	},
	{
		name: "obs-fold", desc: "A folded field.",
		codes: []string{"obs-fold"}, not: []string{"header-line-without-colon"},
		edit: func(u *upgrade) { u.resp.raw("Server", "Server: homemade/1.0", " (embedded)") },
	},
	{
		name: "response-head-oversize", desc: "A head of 1300 bytes, in one segment.",
		codes: []string{"response-head-oversize"}, not: []string{"response-split-over-segments"},
		edit: func(u *upgrade) {
			u.resp.set("Content-Security-Policy", "default-src 'self'; connect-src "+strings.Repeat("wss://edge.example.com ", 50)+"'self'")
			u.rest = (*Conn).Session
		},
	},
	{
		name: "content-length-on-101", desc: "A length where there is no body.",
		codes: []string{"content-length-on-101"},
		edit:  func(u *upgrade) { u.resp.set("Content-Length", "0") },
	},
	{
		name: "transfer-encoding-on-101", desc: "A transfer coding where there is no body; frames follow bare.",
		codes: []string{"transfer-encoding-on-101"},
		edit:  func(u *upgrade) { u.resp.set("Transfer-Encoding", "chunked") },
	},
}

// statusLineRows are about the first line.
var statusLineRows = []row{
	{
		name: "status-line-no-reason", desc: "No reason phrase.",
		codes: []string{"status-line-no-reason"}, not: []string{"status-line-custom-reason"},
		edit: func(u *upgrade) { u.resp.start("HTTP/1.1 101 ") },
	},
	{
		name: "status-line-no-reason-no-space", desc: "No reason phrase and no space before it either.",
		codes: []string{"status-line-no-reason"}, not: []string{"response-not-http"},
		edit: func(u *upgrade) { u.resp.start("HTTP/1.1 101") },
	},
	{
		name: "status-line-custom-reason", desc: "Other words.",
		codes: []string{"status-line-custom-reason"}, not: []string{"status-line-no-reason"},
		edit: func(u *upgrade) { u.resp.start("HTTP/1.1 101 Web Socket Protocol Handshake") },
	},
	{
		name: "response-http10", desc: "A 101 of HTTP/1.0.",
		verdict: "bad-handshake", codes: []string{"response-http10"},
		edit: func(u *upgrade) { u.resp.start("HTTP/1.0 101 Switching Protocols") },
	},
}

// offers sets the sub-protocols of both heads; an empty answer leaves the
// field out.
func offers(offered, selected string) func(u *upgrade) {
	return func(u *upgrade) {
		u.req.set("Sec-WebSocket-Protocol", offered)
		if selected != "" {
			u.resp.set("Sec-WebSocket-Protocol", selected)
		}
	}
}

// protocolRows are about sub-protocols and extensions.
var protocolRows = []row{
	{
		name: "subprotocol-selected", desc: "One of two offered sub-protocols is selected: nothing wrong.",
		edit: offers("mqtt, mqttv3.1", "mqtt"),
	},
	{
		name: "subprotocol-missing", desc: "Offered, none selected; this client goes on.",
		codes: []string{"subprotocol-missing"}, not: []string{"subprotocol-not-offered"},
		edit: offers("chat", ""),
	},
	{
		name: "subprotocol-not-offered", desc: "The broker selects what was not offered.",
		verdict: "bad-handshake", codes: []string{"subprotocol-not-offered"},
		edit: offers("mqttv3.1", "mqtt"),
	},
	{
		name: "subprotocol-multiple", desc: "The server echoes the whole list.",
		verdict: "bad-handshake", codes: []string{"subprotocol-multiple"}, may: []string{"subprotocol-not-offered"},
		edit: offers("chat, superchat", "chat, superchat"),
	},
	{
		name: "subprotocol-empty-header", desc: "The field is there and empty.",
		verdict: "bad-handshake", codes: []string{"subprotocol-empty-header"},
		may: []string{"subprotocol-missing", "empty-header-value", "no-space-after-colon"},
		edit: func(u *upgrade) {
			u.req.set("Sec-WebSocket-Protocol", "chat")
			u.resp.lines = append(u.resp.lines, "Sec-WebSocket-Protocol: ")
		},
	},
	{
		name: "extension-agreed", desc: "permessage-deflate offered and accepted, small messages sent uncompressed: nothing wrong.",
		edit: func(u *upgrade) {
			u.req.set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits")
			u.resp.set("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=12; client_max_window_bits=12")
		},
	},
	{
		name: "extension-not-offered", desc: "The server forces compression.",
		verdict: "bad-handshake", codes: []string{"extension-not-offered"}, not: []string{"deflate-bad-parameter"},
		edit: func(u *upgrade) { u.resp.set("Sec-WebSocket-Extensions", "permessage-deflate") },
	},
	{
		name: "deflate-bad-parameter", desc: "A window of 16 bits is out of range.",
		verdict: "bad-handshake", codes: []string{"deflate-bad-parameter"}, not: []string{"extension-not-offered", "extensions-request-malformed"},
		edit: func(u *upgrade) {
			u.req.set("Sec-WebSocket-Extensions", "permessage-deflate")
			u.resp.set("Sec-WebSocket-Extensions", "permessage-deflate; server_max_window_bits=16")
		},
	},
	{
		name: "deflate-parameter-not-offered", desc: "client_max_window_bits in the answer, though the client did not allow it.",
		verdict: "bad-handshake", codes: []string{"deflate-bad-parameter"}, not: []string{"extension-not-offered"},
		edit: func(u *upgrade) {
			u.req.set("Sec-WebSocket-Extensions", "permessage-deflate")
			u.resp.set("Sec-WebSocket-Extensions", "permessage-deflate; client_max_window_bits=12")
		},
	},
	{
		name: "deflate-window-ignored", desc: "The client asks for a small window of the server, which accepts the offer without a word of it.",
		verdict: "bad-handshake", codes: []string{"deflate-bad-parameter"}, not: []string{"extension-not-offered"},
		edit: extensions("permessage-deflate; server_max_window_bits=10", "permessage-deflate"),
	},
	{
		name: "deflate-context-takeover-ignored", desc: "Neither of two offers fits the answer: both ask the server to forget its window after each message.",
		verdict: "bad-handshake", codes: []string{"deflate-bad-parameter"}, not: []string{"extension-not-offered"},
		edit: extensions("permessage-deflate; server_no_context_takeover; server_max_window_bits=10, permessage-deflate; server_no_context_takeover", "permessage-deflate"),
	},
	{
		name: "deflate-fallback-agreed", desc: "The server passes over the first offer and accepts the second: nothing wrong.",
		not:  []string{"deflate-bad-parameter", "extension-not-offered"},
		edit: extensions("permessage-deflate; server_max_window_bits=10, permessage-deflate", "permessage-deflate"),
	},
}

// extensions sets the extensions of both heads.
func extensions(offered, accepted string) func(u *upgrade) {
	return func(u *upgrade) {
		u.req.set("Sec-WebSocket-Extensions", offered)
		u.resp.set("Sec-WebSocket-Extensions", accepted)
	}
}

func acceptDuplicated() Case {
	r := row{
		name: "accept-duplicated", desc: "The application sets Accept and the framework as well.",
		verdict: "bad-handshake", codes: []string{"accept-duplicated"}, not: []string{"accept-mismatch"},
		edit: func(u *upgrade) {
			line := "Sec-WebSocket-Accept: " + acceptFor(u.key)
			u.resp.raw("Sec-WebSocket-Accept", line, line)
		},
	}
	return r.build()
}

func clientRefuses() Case {
	r := row{
		name: "accept-ok-but-client-refuses", desc: "A right 101, and the client closes at once without a frame.",
		codes: []string{"accept-ok-but-client-refuses"},
		may:   []string{"fin-without-close-frame", "rst-right-after-101"},
		edit:  func(u *upgrade) { u.rest = closedByClient },
	}
	c := r.build()
	c.Attempts[0].MayVerdict = "bad-handshake"
	return c
}

func serverDrops() Case {
	r := row{
		name: "rst-right-after-101", desc: "A right 101, and the server resets the connection at once without a frame.",
		codes: []string{"rst-right-after-101"},
		edit: func(u *upgrade) {
			u.rest = func(c *Conn) {
				c.g.Wait(2 * millisecond)
				c.Rst(Server)
			}
		},
	}
	return r.build()
}

// arduinoRefuses is the way arduinoWebSockets refuses a Connection that is a
// list: it says so in plain text and closes.
func arduinoRefuses() Case {
	return newCase("accept-ok-but-arduino-refuses", "arduinoWebSockets refuses a 101 whose Connection is a list.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.req = arduinoRequest(hostName+":81", "/", u.key)
		u.resp.set("Connection", "keep-alive, Upgrade")
		u.resp.set("Sec-WebSocket-Protocol", "arduino")
		u.rest = func(c *Conn) {
			c.Client([]byte("This is a webSocket client!"))
			c.Close(Client)
		}
		c := g.Open(clientAddr, "192.0.2.9:81")
		c.Small, c.MSS = true, 1436
		c.Handshake()
		a := u.play(c)
		a.Codes = []string{"accept-ok-but-client-refuses", "response-connection-multi-token"}
		a.MayCodes = []string{
			"client-frame-unmasked", "rsv-bit-without-extension", "reserved-opcode", "stream-desync",
			"fin-without-close-frame", "rst-right-after-101", "control-frame-fragmented"}
		a.MayVerdict = "bad-handshake"
		return []Attempt{a}
	})
}

// headNotTerminated leaves the blank line out; the client waits for it until
// its timer ends.
func headNotTerminated() Case {
	r := row{
		name: "head-not-terminated", desc: "The lines of a 101 without the blank line.",
		verdict: "bad-handshake", codes: []string{"head-not-terminated"},
		edit: func(u *upgrade) {
			u.resp.end = ""
			u.rest = func(c *Conn) {
				c.g.Wait(10 * second)
				c.Close(Client)
			}
		},
	}
	c := r.build()
	c.Attempts[0].ResponseFrame = 0 // it never became complete
	return c
}

// extraCRLF has a second blank line, which the client takes for a frame.
func extraCRLF() Case {
	r := row{
		name: "extra-crlf-after-head", desc: "A second blank line before the first frame.",
		verdict: "bad-handshake", codes: []string{"extra-crlf-after-head"},
		may: []string{"reserved-opcode", "rsv-bit-without-extension", "stream-desync", "first-frame-coalesced-with-101",
			"close-1002", "server-frame-masked", "control-frame-fragmented"},
		edit: func(u *upgrade) {
			u.resp.end = "\r\n\r\n"
			u.rest = func(c *Conn) {
				c.Server(frame(opText, `{"hello":"client"}`))
				c.Client(c.masked(opClose, closeBody(1002, "bad opcode")))
				c.Close(Client)
			}
		},
	}
	return r.build()
}

// brokerSilent has a broker that does not know the sub-protocol, takes the
// socket and never says a word.
func brokerSilent() Case {
	r := row{
		name: "subprotocol-unknown-then-silent", desc: "MQTT over a sub-protocol the broker does not know: no CONNACK ever.",
		verdict: "ok", codes: []string{"subprotocol-unknown-then-silent", "subprotocol-missing"},
		may: []string{"app-silence-after-101", "ping-unanswered", "second-close-handshake-missing"},
		edit: func(u *upgrade) {
			offers("mqttv5.0", "")(u)
			u.rest = func(c *Conn) {
				c.Client(c.masked(opBinary, "\x10\x12\x00\x04MQTT\x05\x02\x00\x3c\x00\x00\x05dev07"))
				c.g.Wait(60 * second)
				c.CloseSession()
			}
		},
	}
	return r.build()
}

func responseSplit() Case {
	return newCase("response-split-over-segments", "The status line goes first, the fields follow.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Codes, a.Stream = []string{"response-split-over-segments"}, c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		b := u.resp.bytes()
		c.Server(b[:34])
		a.ResponseFrame = c.Server(b[34:])
		c.Session()
		return []Attempt{a}
	})
}

func firstFrameCoalesced() Case {
	r := row{
		name: "first-frame-coalesced-with-101", desc: "The first message is in the segment of the 101.",
		codes: []string{"first-frame-coalesced-with-101"}, not: []string{"extra-crlf-after-head", "first-frame-delayed-by-client"},
		edit: func(u *upgrade) { u.resp.body = string(frame(opText, `{"type":"welcome"}`)) },
	}
	return r.build()
}

// firstFrameDelayed has a device that reads the bundled frame only when its
// network timer ends.
func firstFrameDelayed() Case {
	return newCase("first-frame-delayed-by-client", "An ESP32 answers a bundled message after its network timer.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.req = espRequest(hostName+":8080", wsPath, u.key)
		u.resp.body = string(frame(opText, `{"type":"welcome"}`))
		u.rest = func(c *Conn) {
			c.g.Wait(10 * second)
			c.Session()
		}
		c := g.Open(clientAddr, "192.0.2.9:8080")
		c.Small, c.MSS = true, 1436
		c.Handshake()
		a := u.play(c)
		a.Codes = []string{"first-frame-delayed-by-client", "first-frame-coalesced-with-101"}
		return []Attempt{a}
	})
}
