package pcapgen

import "strings"

// httpCases have other HTTP before, around or in place of the upgrade.
func httpCases() []Case {
	var cases []Case
	for _, e := range earlier {
		cases = append(cases, e.build())
	}
	for _, n := range notAttempts {
		cases = append(cases, n.build())
	}
	return append(cases,
		continueThenUpgrade(), interimBefore101("100 Continue"), interimBefore101("103 Early Hints"),
		pipelined(), pending(), notModified(), postThenGet(), leadingCRLF(), unauthorisedThenOK())
}

// An earlierExchange stands on the connection before the upgrade.
type earlierExchange struct {
	name, desc string
	req, resp  *head
}

func chunkedPage() *head {
	h := kept("200 OK", "")
	h.drop("Content-Length")
	h.set("Transfer-Encoding", "chunked")
	h.body = "1A;name=value\r\nabcdefghijklmnopqrstuvwxyz\r\n5\r\n\r\n0\r\n\r\n0\r\nX-Checksum: 1234\r\n\r\n"
	return h
}

// bodyless is an answer that states a length but must not have a body.
func bodyless(status string) *head {
	h := kept(status, strings.Repeat("x", 1234))
	h.body = ""
	return h
}

func noContent() *head {
	h := kept("204 No Content", "")
	h.drop("Content-Type", "Content-Length")
	return h
}

func headRequest() *head {
	h := plainGet(hostName, "/")
	h.start("HEAD / HTTP/1.1")
	return h
}

func conditionalGet() *head {
	h := plainGet(hostName, "/")
	h.set("If-None-Match", `"5f2c"`)
	return h
}

var earlier = []earlierExchange{
	{"http-length-then-upgrade", "A body with Content-Length before the upgrade.", plainGet(hostName, "/"), bigPage(100)},
	{"http-chunked-then-upgrade", "A chunked body with extension, trailer and a deceptive chunk before the upgrade.", plainGet(hostName, "/"), chunkedPage()},
	{"http-head-then-upgrade", "A HEAD, whose answer has a length and no body, before the upgrade.", headRequest(), bodyless("200 OK")},
	{"http-204-then-upgrade", "A 204 before the upgrade.", plainGet(hostName, "/ping"), noContent()},
	{"http-304-then-upgrade", "A 304, which has a length and no body, before the upgrade.", conditionalGet(), bodyless("304 Not Modified")},
}

func (e earlierExchange) build() Case {
	return newCase(e.name, e.desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		c.Client(e.req.bytes())
		c.Server(e.resp.bytes())
		g.Wait(50 * millisecond)
		return []Attempt{u.play(c)}
	})
}

// A notAttempt looks a little like an upgrade and is none.
type notAttempt struct {
	name, desc string
	req, resp  *head
}

func requestWith(fields ...string) *head {
	h := plainGet(hostName, "/")
	h.lines = append(h.lines, fields...)
	return h
}

func answerWith(fields ...string) *head {
	h := kept("200 OK", "<html></html>\n")
	h.lines = append(h.lines, fields...)
	return h
}

// deceptivePost has a whole upgrade exchange in its bodies.
func deceptivePost() (req, resp *head) {
	inner := goRequest(hostName, wsPath, "q8sVb1c4w5rWq7Q3xkQn0g==")
	req = requestWith("Content-Type: text/plain")
	req.start("POST /paste HTTP/1.1")
	req.text("text/plain", string(inner.bytes()))
	resp = kept("200 OK", string(switching("AAAAAAAAAAAAAAAAAAAAAAAAAAA=").bytes()))
	return req, resp
}

var (
	deceptiveReq, deceptiveResp = deceptivePost()

	notAttempts = []notAttempt{
		{
			"http-h2c-upgrade", "An upgrade to h2c, which the server ignores.",
			requestWith("Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQCAAAAAAIAAAAA"),
			answerWith(),
		},
		{
			"http-tls-upgrade", "An upgrade to TLS inside HTTP, which the server ignores.",
			requestWith("Connection: Upgrade", "Upgrade: TLS/1.0"),
			answerWith(),
		},
		{
			"http-upgrade-advertised", "An ordinary answer that advertises upgrades.",
			requestWith(),
			answerWith("Upgrade: h2,h2c,websocket", "Connection: Upgrade"),
		},
		{
			"http-upgrade-in-bodies", "A whole upgrade exchange as the text of other bodies.",
			deceptiveReq, deceptiveResp,
		},
	}
)

func (n notAttempt) build() Case {
	return newCase(n.name, n.desc, func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, serverAddr)
		c.Client(n.req.bytes())
		c.Server(n.resp.bytes())
		c.Close(Client)
		return nil
	})
}

func continueThenUpgrade() Case {
	return newCase("http-100-continue-then-upgrade", "A POST that waits for 100, its answer, then the upgrade.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		post := requestWith("Content-Type: application/json", "Content-Length: 17", "Expect: 100-continue")
		post.start("POST /login HTTP/1.1")
		c.Client(post.bytes())
		c.Server(newHead("HTTP/1.1 100 Continue").bytes())
		c.Client([]byte(`{"user":"device"}`))
		c.Server(kept("200 OK", "{}\n").bytes())
		return []Attempt{u.play(c)}
	})
}

func interimBefore101(status string) Case {
	name := "http-" + status[:3] + "-before-101"
	return newCase(name, "An interim answer comes before the 101.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		interim := newHead("HTTP/1.1 " + status)
		if status[:3] == "103" {
			interim.set("Link", "</style.css>; rel=preload; as=style")
		}
		c.Server(interim.bytes())
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		a.NotCodes = []string{"response-split-over-segments"}
		return []Attempt{a}
	})
}

func pipelined() Case {
	return newCase("http-pipelined-upgrade", "A plain request and the upgrade in one segment, and so their answers.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(append(plainGet(hostName, "/").bytes(), u.req.bytes()...))
		a.ResponseFrame = c.Server(append(answerWith().bytes(), u.resp.bytes()...))
		c.Session()
		a.NotCodes = []string{"first-frame-coalesced-with-101", "early-client-data"}
		return []Attempt{a}
	})
}

func pending() Case {
	return newCase("http-earlier-answer-after-upgrade-request", "The answer to an earlier request comes after the upgrade request.", func(g *Capture) []Attempt {
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		c.Client(plainGet(hostName, "/slow").bytes())
		a.RequestFrame = c.Client(u.req.bytes())
		c.Server(answerWith().bytes())
		a.ResponseFrame = c.Server(u.resp.bytes())
		c.Session()
		a.NotCodes = []string{"status-200-instead-of-101"}
		return []Attempt{a}
	})
}

func notModified() Case {
	r := row{
		name: "http-304-with-location", desc: "A 304 is no redirect, even with a Location.",
		verdict: "rejected", not: []string{"redirect-not-followed", "redirect-location-missing", "redirect-host-port-normalisation"},
		may: []string{"status-other"},
		edit: func(u *upgrade) {
			u.resp = bodyless("304 Not Modified")
			u.resp.drop("Content-Type", "Content-Length")
			u.resp.set("Location", "http://"+hostName+"/ws/")
			u.rest = closedByClient
		},
	}
	return r.build()
}

// postThenGet repeats a refused POST as a GET on the same connection.
func postThenGet() Case {
	return newCase("http-post-upgrade-then-get", "A chunked POST asks for the upgrade and is refused, the GET after it is not.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.req.start("POST " + wsPath + " HTTP/1.1")
		u.req.set("Transfer-Encoding", "chunked")
		u.req.body = "5\r\nhello\r\n0\r\n\r\n"
		u.resp = kept("405 Method Not Allowed", "GET only\n")
		u.resp.set("Allow", "GET")
		u.rest = func(*Conn) {}
		c := g.Dial(clientAddr, serverAddr)
		a := u.play(c)
		a.Codes = []string{"request-method-not-get", "status-405"}
		return []Attempt{a, g.upgrade().play(c)}
	})
}

func leadingCRLF() Case {
	r := row{
		name: "http-leading-crlf", desc: "An empty line before the request line, which a server skips (RFC 9112, Section 2.2).",
		edit: func(u *upgrade) { u.req.start("\r\n" + u.req.lines[0]) },
	}
	return r.build()
}

func unauthorisedThenOK() Case {
	return newCase("http-401-then-101", "Refused without a token, accepted with it, on one connection.", func(g *Capture) []Attempt {
		c := g.Dial(clientAddr, serverAddr)
		u := g.upgrade()
		u.resp = kept("401 Unauthorized", "token missing\n")
		u.resp.set("WWW-Authenticate", `Bearer realm="gateway"`)
		u.rest = func(*Conn) {}
		a := u.play(c)
		a.Codes = []string{"status-401"}
		v := g.upgrade()
		v.req.set("Authorization", "Bearer 2YotnFZFEjr1zCsicMWpAA")
		return []Attempt{a, v.play(c)}
	})
}
