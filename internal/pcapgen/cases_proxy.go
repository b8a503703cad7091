package pcapgen

import "fmt"

// What the proxy of these cases does to a request and to its answer.
const (
	proxyHost    = "192.0.2.9"
	backendAddr  = "10.0.9.30:8080"
	backendHost  = "backend.internal:8080"
	forwardedFor = "X-Forwarded-For"
	via          = "1.1 proxy.example.net"
)

// proxyCases have attempts on both sides of a proxy.
func proxyCases() []Case {
	return []Case{proxySameKey(), proxyOwnKey(), proxyTwoAtOnce(), proxyAskedLater()}
}

// forward is what a proxy makes of a request.
func forward(u *upgrade, client string) *upgrade {
	v := &upgrade{key: u.key, req: newHead(u.req.lines...), resp: newHead(u.resp.lines...)}
	v.req.set("Host", backendHost)
	v.req.drop("User-Agent")
	v.req.raw("Connection", "connection: Upgrade")
	v.req.set(forwardedFor, client)
	u.resp.set("Server", "proxy")
	u.resp.set("Via", via)
	return v
}

// changesOf is what forward and its answer make of an exchange.
func changesOf(client string) (request, response []string) {
	return []string{
			"changed field Host: " + hostName + " => " + backendHost, "removed field User-Agent: Go-http-client/1.1 => ",
			"renamed field Connection: Connection => connection", "added field " + forwardedFor + ":  => " + client,
		}, []string{
			"changed field Server: Python/3.13 websockets/15.0 => proxy", "added field Via:  => " + via,
		}
}

// through plays an exchange on both sides of a proxy.
func (u *upgrade) through(front, back *Conn, v *upgrade) (outer, inner Attempt) {
	outer, inner = u.truth(), v.truth()
	outer.Stream, inner.Stream = front.Stream(), back.Stream()
	outer.RequestFrame, inner.RequestFrame = front.Client(u.req.bytes()), back.Client(v.req.bytes())
	inner.ResponseFrame, outer.ResponseFrame = back.Server(v.resp.bytes()), front.Server(u.resp.bytes())
	front.Session()
	back.Session()
	return outer, inner
}

func proxySameKey() Case {
	request, response := changesOf("10.0.0.7")
	return newCase("proxy-same-key", "A proxy passes the key on, and adds, removes and rewrites fields.", func(g *Capture) []Attempt {
		u := g.upgrade()
		outer, inner := u.through(g.Dial(clientAddr, serverAddr), g.Dial(proxyHost+":39012", backendAddr), forward(u, "10.0.0.7"))
		outer.NotCodes, inner.NotCodes = []string{"key-reused"}, []string{"key-reused"}
		return []Attempt{outer, inner}
	}).passing(Passage{Outer: 1, Inner: 2, Request: request, Response: response})
}

// proxyOwnKey has a proxy that is a WebSocket client of its own.
func proxyOwnKey() Case {
	request, response := changesOf("10.0.0.7")
	c := newCase("proxy-own-key", "A proxy makes a key of its own, and the same of the rest.", func(g *Capture) []Attempt {
		u := g.upgrade()
		v := forward(u, "10.0.0.7")
		v.withKey(g.Key())
		keys := fmt.Sprintf("changed field Sec-WebSocket-Key: %s => %s", u.key, v.key)
		accepts := fmt.Sprintf("changed field Sec-WebSocket-Accept: %s => %s", acceptFor(v.key), acceptFor(u.key))
		request = append(request[:3:3], keys, request[3])
		response = []string{accepts, response[0], response[1]}
		outer, inner := u.through(g.Dial(clientAddr, serverAddr), g.Dial(proxyHost+":39012", backendAddr), v)
		return []Attempt{outer, inner}
	})
	return c.passing(Passage{Outer: 1, Inner: 2, Guess: true, Request: request, Response: response})
}

// proxyTwoAtOnce leaves open which is which.
func proxyTwoAtOnce() Case {
	return newCase("proxy-two-at-once", "Two clients ask a proxy that makes keys of its own for the same at the same time.", func(g *Capture) []Attempt {
		var fronts, backs []*Conn
		var outer, inner []*upgrade
		attempts := make([]Attempt, 4)
		for i := range 2 {
			u := g.upgrade()
			v := forward(u, "10.0.0.0")
			v.withKey(g.Key())
			outer, inner = append(outer, u), append(inner, v)
			fronts = append(fronts, g.Dial(fmt.Sprintf("10.0.0.%d:51234", 7+i), serverAddr))
			attempts[i], attempts[2+i] = u.truth(), v.truth()
			attempts[i].Stream, attempts[i].RequestFrame = fronts[i].Stream(), fronts[i].Client(u.req.bytes())
		}
		for i, v := range inner {
			backs = append(backs, g.Dial(fmt.Sprintf("%s:%d", proxyHost, 39012+i), backendAddr))
			attempts[2+i].Stream, attempts[2+i].RequestFrame = backs[i].Stream(), backs[i].Client(v.req.bytes())
		}
		for i := range 2 {
			attempts[2+i].ResponseFrame = backs[i].Server(inner[i].resp.bytes())
			attempts[i].ResponseFrame = fronts[i].Server(outer[i].resp.bytes())
		}
		return attempts
	})
}

// proxyAskedLater has a host that is asked, and asks for the same when nobody waits
// any more: for itself, as far as anybody can tell.
func proxyAskedLater() Case {
	return newCase("proxy-asked-later", "A host resets a connection, and asks another one for the same path a minute later.", func(g *Capture) []Attempt {
		first := g.reset(g.Dial(clientAddr, serverAddr))
		g.Wait(60 * second)
		return []Attempt{first, g.upgrade().play(g.Dial(proxyHost+":39012", backendAddr))}
	})
}
