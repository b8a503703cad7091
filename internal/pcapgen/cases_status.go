package pcapgen

import (
	"fmt"
	"strings"
)

// statusCases are the answers other than 101.
func statusCases() []Case {
	cases := buildRows(statusRows)
	for _, s := range plainStatuses {
		cases = append(cases, s.row().build())
	}
	return append(cases, tooLargeInTheMiddle(), refusedWhileSending(), neverEndingHead(), cutStatusLine(), captivePortal(), clientAcceptsNon101(), sshBanner(), tlsAlert(), httpAfter101())
}

// A plainStatus is a case in which nothing but the status line matters.
type plainStatus struct {
	code, desc, status string
	fields             []string
}

var plainStatuses = []plainStatus{
	{"status-404", "Path not found.", "404 Not Found", nil},
	{"status-403", "Forbidden, and the request has no Origin that could be the reason.", "403 Forbidden", nil},
	{"status-405", "The path knows other methods only.", "405 Method Not Allowed", []string{"Allow: POST"}},
	{"status-501", "A proxy without upgrade support.", "501 Not Implemented", []string{"Via: 1.1 proxy.example.net"}},
	{"status-411", "An old proxy that wants a length for a GET with Upgrade.", "411 Length Required", nil},
	{"status-421", "The connection was opened for another virtual host.", "421 Misdirected Request", nil},
	{"status-429", "Rate limit, with the time to wait.", "429 Too Many Requests", []string{"Retry-After: 30"}},
	{"status-503", "No healthy backend, with the time to wait.", "503 Service Unavailable", []string{"Retry-After: 120"}},
	{"status-500", "The upgrade handler failed.", "500 Internal Server Error", nil},
	{"status-502", "A proxy whose backend closed.", "502 Bad Gateway", nil},
	{"status-504", "A proxy whose backend did not answer.", "504 Gateway Timeout", nil},
	{"status-505", "The backend behind a proxy that talks HTTP/1.0 to it.", "505 HTTP Version Not Supported", nil},
	{"status-other", "A status that has no entry of its own.", "418 I'm a teapot", nil},
}

func (s plainStatus) row() row {
	return row{name: s.code, desc: s.desc, codes: []string{s.code}, edit: func(u *upgrade) {
		u.answer(errorPage(s.status))
		u.resp.lines = append(u.resp.lines, s.fields...)
	}}
}

var statusRows = []row{
	{
		name: "status-200-instead-of-101", desc: "The path is served as a single-page application.",
		codes: []string{"status-200-instead-of-101"},
		edit: func(u *upgrade) {
			u.answer(page("200 OK", "<!doctype html><html><head><title>App</title></head><body><div id=\"root\"></div></body></html>\n"))
		},
	},
	{
		name: "transparent-proxy-rejects-upgrade", desc: "A transparent proxy answers on port 80 in place of the server.",
		codes: []string{"transparent-proxy-rejects-upgrade"}, may: []string{"status-403"},
		edit: func(u *upgrade) {
			u.answer(errorPage("403 Forbidden"))
			u.resp.set("Server", "squid/3.5.20")
			u.resp.lines = append(u.resp.lines,
				"X-Squid-Error: ERR_ACCESS_DENIED 0",
				"X-Cache: MISS from cache.isp.example",
				"Via: 1.1 cache.isp.example (squid/3.5.20)")
		},
	},
	{
		name: "status-400", desc: "The server calls a right request malformed.",
		codes: []string{"status-400"},
		edit: func(u *upgrade) {
			u.answer(errorPage("400 Bad Request"))
			u.resp.text("text/plain", "Bad Request\n")
		},
	},
	{
		name: "status-401", desc: "The server wants a bearer token and the client sent none.",
		codes: []string{"status-401"},
		edit: func(u *upgrade) {
			u.answer(errorPage("401 Unauthorized"))
			u.resp.set("WWW-Authenticate", `Bearer realm="gateway"`)
		},
	},
	{
		name: "status-407", desc: "A configured proxy gets the request in absolute form and wants Basic authentication.",
		codes: []string{"status-407", "request-absolute-form"},
		edit: func(u *upgrade) {
			u.req.start("GET http://" + hostName + wsPath + " HTTP/1.1")
			u.answer(errorPage("407 Proxy Authentication Required"))
			u.resp.set("Server", "squid/6.10")
			u.resp.set("Proxy-Authenticate", `Basic realm="proxy"`)
		},
	},
	{
		name: "status-403-origin", desc: "The Origin is of another host and the server says so.",
		codes: []string{"status-403-origin"}, may: []string{"status-403"},
		edit: func(u *upgrade) {
			u.req.set("Origin", "http://app.example.net")
			u.answer(errorPage("403 Forbidden"))
			u.resp.text("text/plain", "websocket: request origin not allowed by Upgrader.CheckOrigin\n")
		},
	},
	{
		name: "status-403-upgrade-disabled", desc: "Envoy without upgrade configuration; no mark of a backend.",
		codes: []string{"status-403-upgrade-disabled"}, may: []string{"status-403"},
		edit: func(u *upgrade) {
			u.answer(newHead("HTTP/1.1 403 Forbidden", "date: "+date, "server: envoy", "connection: close", "content-length: 0"))
		},
	},
	{
		name: "status-426", desc: "The server found no usable Upgrade, although the client sent one.",
		codes: []string{"status-426"},
		edit: func(u *upgrade) {
			u.answer(errorPage("426 Upgrade Required"))
			u.resp.set("Server", "Python/3.13 websockets/15.0")
			u.resp.set("Connection", "close, Upgrade")
			u.resp.set("Upgrade", "websocket")
			u.resp.text("text/plain", "Failed to open a WebSocket connection: invalid Connection header.\n")
		},
	},
	{
		name: "status-52x-cdn", desc: "The CDN cannot reach the origin.",
		codes: []string{"status-52x-cdn"},
		edit: func(u *upgrade) {
			u.answer(errorPage("521 Web Server Is Down"))
			u.resp.set("Server", "cloudflare")
			u.resp.set("CF-RAY", "9b7c1d2e3f4a5b6c-FRA")
			u.resp.text("text/plain; charset=UTF-8", "error code: 521")
		},
	},
	{
		name: "socketio-session-unknown", desc: "The session was made by another worker.",
		codes: []string{"socketio-session-unknown"}, may: []string{"status-400"},
		edit: func(u *upgrade) {
			u.req.start("GET /socket.io/?EIO=4&transport=websocket&sid=Xb3kq9mT0a7sLw1cAAAB HTTP/1.1")
			u.answer(errorPage("400 Bad Request"))
			u.resp.drop("Server")
			u.resp.text("application/json", `{"code":1,"message":"Session ID unknown"}`)
		},
	},
}

// captivePortal answers a plain request and the upgrade alike.
func captivePortal() Case {
	return newCase("captive-portal", "A hot spot sends a plain request and the upgrade to its login page.", func(g *Capture) []Attempt {
		portal := redirect("302 Found", "http://login.hotspot.example/start")
		c := g.Dial("10.0.0.7:51233", serverAddr)
		c.Client(plainGet("connectivity.example.org", "/generate_204").bytes())
		c.Server(portal.bytes())
		c.Close(Server)
		g.Wait(second)
		u := g.upgrade()
		u.answer(portal)
		a := u.play(g.Dial(clientAddr, serverAddr))
		g.otherTraffic(35)
		a.Codes = []string{"captive-portal"}
		a.MayCodes = []string{"redirect-to-login", "redirect-not-followed"}
		return []Attempt{a}
	})
}

func clientAcceptsNon101() Case {
	r := row{
		name: "client-accepts-non-101", desc: "The client ignores a 200 and sends a frame into HTTP.",
		codes: []string{"client-accepts-non-101", "status-200-instead-of-101"},
		edit: func(u *upgrade) {
			u.answer(kept("200 OK", "<html><body>It works!</body></html>\n"))
			u.rest = func(c *Conn) {
				c.Client(c.masked(opText, `{"op":"subscribe"}`))
				c.Server(errorPage("400 Bad Request").bytes())
				c.Close(Server)
			}
		},
	}
	return r.build()
}

// notHTTP is an upgrade request that something else answers.
func notHTTP(name, desc string, port int, banner bool, answer string, a Attempt) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		u.req.set("Host", fmt.Sprintf("%s:%d", hostName, port))
		c := g.Dial(clientAddr, fmt.Sprintf("192.0.2.9:%d", port))
		if banner {
			c.Server([]byte(answer))
		}
		a.RequestFrame = c.Client(u.req.bytes())
		if !banner {
			c.Server([]byte(answer))
		}
		c.Close(Server)
		a.Stream, a.Key, a.Verdict = c.Stream(), u.key, "not-http"
		return []Attempt{a}
	})
}

func sshBanner() Case {
	return notHTTP("response-not-http", "An SSH server speaks as soon as it is connected.", 2222, true,
		"SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3\r\n", Attempt{Codes: []string{"response-not-http"}})
}

func tlsAlert() Case {
	return notHTTP("response-tls-alert", "A TLS server answers plain HTTP with a fatal alert.", 8443, false,
		"\x15\x03\x03\x00\x02\x02\x0a", Attempt{
			Codes: []string{"tls-plain-http-to-tls-port"}})
}

func httpAfter101() Case {
	r := row{
		name: "http-response-after-101", desc: "An error page of the proxy follows a right 101.",
		verdict: "bad-handshake", codes: []string{"http-response-after-101"},
		may: []string{"reserved-opcode", "rsv-bit-without-extension", "stream-desync", "rst-right-after-101", "fin-without-close-frame"},
		edit: func(u *upgrade) {
			u.rest = func(c *Conn) {
				c.Server(errorPage("502 Bad Gateway").bytes())
				c.Client(c.masked(opClose, closeBody(1002, "")))
				c.Close(Client)
			}
		},
	}
	return r.build()
}

// large makes the head of the request nine kilobytes long, for which the server
// refuses it.
func large(u *upgrade) {
	u.req.set("Cookie", "state="+strings.Repeat("0123456789abcdef", 576))
	u.answer(errorPage("431 Request Header Fields Too Large"))
}

// tooLargeInTheMiddle is what Node.js does: it does not wait for the end of a head
// that is too large, and the client stops when it has the answer.
func tooLargeInTheMiddle() Case {
	return newCase("status-431-before-end", "The server refuses a head that is too large before its end, which never comes.", func(g *Capture) []Attempt {
		u := g.upgrade()
		large(u)
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream, a.Codes, a.NotCodes = c.Stream(), []string{"request-header-too-large"}, []string{"head-not-terminated", "status-other"}
		parts := pieces(u.req.bytes(), 8)
		for _, p := range parts[:4] {
			c.Client(p)
		}
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Close(Server)
		return []Attempt{a}
	})
}

// refusedWhileSending has the end of the request behind its answer.
func refusedWhileSending() Case {
	return newCase("status-431-before-rest", "The server refuses a head that is too large while the rest of it is on its way.", func(g *Capture) []Attempt {
		u := g.upgrade()
		large(u)
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream, a.Codes, a.NotCodes = c.Stream(), []string{"request-header-too-large"}, []string{"status-other"}
		for i, p := range pieces(u.req.bytes(), 8) {
			if i == 4 {
				c.Ack(Server)
				a.ResponseFrame = c.Send(Server, u.resp.bytes())
			}
			a.RequestFrame = c.Send(Client, p)
		}
		c.Rst(Server)
		return []Attempt{a}
	})
}

// neverEndingHead is a request without its blank line, for which the server waits.
func neverEndingHead() Case {
	return newCase("status-408", "The blank line behind the request is missing, and the server waits for it.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.answer(errorPage("408 Request Timeout"))
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream, a.Codes = c.Stream(), []string{"status-408", "head-not-terminated"}
		head := u.req.bytes()
		c.Client(head[:len(head)-2])
		g.Wait(20 * second)
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Close(Server)
		return []Attempt{a}
	})
}

// cutStatusLine is a server that ends in the middle of its status line.
func cutStatusLine() Case {
	return newCase("status-line-cut", "The server closes in the middle of its status line.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: "no-response", Codes: []string{"head-not-terminated"}, NotCodes: []string{"response-not-http"}}
		a.RequestFrame = c.Client(u.req.bytes())
		c.Server([]byte("HTTP/1.1 10"))
		c.Close(Server)
		return []Attempt{a}
	})
}
