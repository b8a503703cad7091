package pcapgen

import (
	"fmt"
	"time"
)

// chainCases are redirect chains with their hops: each way to end, and what looks
// like a hop and is none.
func chainCases() []Case {
	return []Case{
		chainDualStack(), chainUnanswered(), chainDowngraded(), chainTooLong(), chainLoopsTightly(), chainRepeatsTightly(),
		chainIntoTLSByName(), chainIntoTLSByDNS(), chainTLSOtherName(), chainByAddress(), chainTargetRefuses(), chainTLSNoName(), chainNameNotFound(),
		chainSlashKeptAlive(), chainRelativeWithPort(), chainHost443(), chainCaptivePortal(), chainLoginPage(),
	}
}

// A trail is a chain of a case while it is played.
type trail struct {
	g        *Capture
	attempts []Attempt
	chain    Chain
}

func (g *Capture) trail() *trail { return &trail{g: g} }

// trailCase is a case of chains; those after the first are retries of it, as often
// as the script says.
func trailCase(name, desc string, script func(g *Capture) []*trail) Case {
	var chains []Chain
	c := newCase(name, desc, func(g *Capture) (attempts []Attempt) {
		for _, t := range script(g) {
			t.chain.Story = name
			chains = append(chains, t.chain)
			attempts = append(attempts, t.attempts...)
		}
		return attempts
	})
	return c.chained(chains...)
}

// oneTrail is a case of one chain.
func oneTrail(name, desc string, script func(t *trail)) Case {
	return trailCase(name, desc, func(g *Capture) []*trail {
		t := g.trail()
		script(t)
		return []*trail{t}
	})
}

// ask plays an exchange as the next hop.
func (t *trail) ask(url string, c *Conn, u *upgrade) *Attempt {
	a := u.play(c)
	h := t.hop(url, c, a.RequestFrame)
	h.ResponseFrame, h.Status = a.ResponseFrame, a.Status
	if a.Verdict == "redirected" {
		h.Location = u.resp.value("Location")
	}
	t.attempts = append(t.attempts, a)
	return &t.attempts[len(t.attempts)-1]
}

// hop notes a hop.
func (t *trail) hop(url string, c *Conn, frame int) *Hop {
	t.chain.URLs = append(t.chain.URLs, url)
	t.chain.Hops = append(t.chain.Hops, Hop{
		URL: url, Client: c.addr[Client], Server: c.addr[Server], Stream: c.Stream(), RequestFrame: frame,
	})
	return &t.chain.Hops[len(t.chain.Hops)-1]
}

// tls plays TLS as the next hop; the ClientHello comes in segments of mss bytes.
func (t *trail) tls(url, client, server, name string, mss int) {
	c := t.g.Dial(client, server)
	c.MSS = mss
	h := t.hop(url, c, t.g.tlsSession(c, name))
	h.TLS, h.ServerName = true, name
	t.attempts = append(t.attempts, encrypted(c))
}

// encrypted is the truth about a connection of which nothing more can be said.
func encrypted(c *Conn) Attempt {
	return Attempt{Stream: c.Stream(), Verdict: "encrypted"}
}

// end says how the chain ends; target is where the last redirect leads, if nobody
// asks for it.
func (t *trail) end(end, target string) {
	t.chain.End = end
	if target != "" {
		t.chain.URLs = append(t.chain.URLs, target)
	}
}

// asking is an exchange with a request for a place, and an answer that leads
// elsewhere.
func (g *Capture) asking(host, path, status, location string) *upgrade {
	u := g.upgrade()
	u.req = goRequest(host, path, u.key)
	if status != "" {
		u.resp = redirect(status, location)
		u.rest = closedByClient
	}
	return u
}

const (
	secondAddr = "10.0.0.7:51236"
	moved      = "301 Moved Permanently"
	found      = "302 Found"
	edgeURL    = "http://" + edgeHost + wsPath
	secureURL  = "https://" + hostName + wsPath
)

func chainDualStack() Case {
	return oneTrail("chain-dual-stack", "The client follows over IPv6 what it was told over IPv4.", func(t *trail) {
		t.g.MAC("10.0.0.7", "02:00:5e:00:00:07")
		t.g.MAC("2001:db8:1::7", "02:00:5e:00:00:07")
		a := t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, moved, edgeURL))
		a.MayCodes = []string{"redirect-not-followed"}
		t.g.Wait(200 * millisecond)
		t.ask(edgeURL, t.g.Dial("[2001:db8:1::7]:51236", "[2001:db8:2::a]:8080"), t.g.asking(edgeHost, wsPath, "", ""))
		t.end("upgraded", "")
	})
}

func chainUnanswered() Case {
	return oneTrail("chain-unanswered", "The client follows, and the target does not answer.", func(t *trail) {
		t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, moved, edgeURL))
		t.g.Wait(20 * millisecond)
		u := t.g.asking(edgeHost, wsPath, "", "")
		c := t.g.Dial(secondAddr, edgeAddr)
		frame := c.Client(u.req.bytes())
		t.hop(edgeURL, c, frame)
		t.attempts = append(t.attempts, Attempt{
			Stream: c.Stream(), RequestFrame: frame, Verdict: "no-response", Key: u.key, Codes: []string{"http-request-unanswered"},
		})
		t.g.Wait(10 * second)
		c.Close(Client)
		t.g.otherTraffic(35)
		t.end("unanswered", "")
	})
}

func chainDowngraded() Case {
	const desc = "A client lets a plain proxy do the TLS, follows within it, and does not follow out of it."
	return oneTrail("chain-downgraded", desc, func(t *trail) {
		ask := func(url, path, location string, codes ...string) {
			u := t.g.asking(hostName, path, found, location)
			u.req.start("GET https://" + hostName + path + " HTTP/1.1")
			a := t.ask(url, t.g.Dial(fmt.Sprintf("10.0.0.7:%d", 51234+len(t.attempts)), "10.0.0.254:3128"), u)
			a.Codes = append([]string{"request-absolute-form"}, codes...)
			a.MayCodes = []string{"redirect-not-followed"}
			t.g.Wait(30 * millisecond)
		}
		ask("wss://"+hostName+wsPath, wsPath, "https://"+hostName+"/v2/ws")
		ask("https://"+hostName+"/v2/ws", "/v2/ws", "http://"+hostName+"/v2/ws", "redirect-tls-downgrade")
		t.g.otherTraffic(35)
		t.end("downgraded", "http://"+hostName+"/v2/ws")
	})
}

// chainTooLong goes on for longer than a chain may be.
func chainTooLong() Case {
	return oneTrail("chain-too-long", "Each answer counts one up, and the client follows 24 times.", func(t *trail) {
		page := func(n int) string { return fmt.Sprintf("/ws?try=%d", n) }
		url := "ws://" + hostName + page(0)
		for i := range maxHops + 4 {
			next := "http://" + hostName + page(i+1)
			c := t.g.Dial(fmt.Sprintf("10.0.0.7:%d", 51234+i), serverAddr)
			a := t.ask(url, c, t.g.asking(hostName, page(i), "307 Temporary Redirect", page(i+1)))
			a.MayCodes = []string{"redirect-loop", "redirect-not-followed"}
			url = next
			t.g.Wait(5 * millisecond)
		}
		t.g.otherTraffic(35)
		t.end("too-long", url)
	})
}

// espAt is the request of esp_websocket_client, which names the port always, and a
// redirect.
func (g *Capture) espAt(location string) *upgrade {
	u := g.asking(hostName, wsPath, moved, location)
	u.req = espRequest(hostName+":80", wsPath, u.key)
	return u
}

func chainLoopsTightly() Case {
	const desc = "A device is to leave the port out of Host, cannot, and asks the same again at once."
	return oneTrail("chain-loops-tightly", desc, func(t *trail) {
		url, target := "ws://"+hostName+":80"+wsPath, "http://"+hostName+wsPath
		for i := range 8 {
			a := t.ask(url, t.g.Dial(fmt.Sprintf("10.0.0.31:%d", 53760+i), serverAddr), t.g.espAt(target))
			a.MayCodes = []string{"redirect-loop", "redirect-host-port-normalisation", "redirect-not-followed"}
			url = target
			t.g.Wait(12 * millisecond)
		}
		t.g.otherTraffic(35)
		t.end("loop", target)
	})
}

func chainRepeatsTightly() Case {
	const desc = "A device is redirected to TLS, keeps its plain transport, and asks the same again at once."
	return trailCase("chain-repeats-tightly", desc, func(g *Capture) (trails []*trail) {
		const times, rhythm = 12, 25 * time.Millisecond
		start := g.now
		for i := range times {
			g.now = start.Add(time.Duration(i) * rhythm)
			t := g.trail()
			a := t.ask("ws://"+hostName+":80"+wsPath, g.Dial(fmt.Sprintf("10.0.0.31:%d", 53760+i), serverAddr), g.espAt(secureURL))
			a.Codes = []string{"redirect-http-to-https", "redirect-not-followed"}
			a.MayCodes = []string{"redirect-scheme-unusable", "redirect-loop"}
			t.end("not-followed", secureURL)
			t.chain.RetryOf = min(i, 1)
			trails = append(trails, t)
		}
		trails[0].chain.Retries, trails[0].chain.Rhythm = times-1, [2]time.Duration{rhythm, rhythm}
		g.otherTraffic(35)
		return trails
	})
}

// towardsTLS is a redirect to TLS; the client closes and lets 100 ms pass.
func (t *trail) towardsTLS() {
	a := t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, moved, secureURL))
	a.Codes = []string{"redirect-http-to-https"}
	a.MayCodes = []string{"redirect-not-followed"}
	t.g.Wait(100 * millisecond)
}

func chainIntoTLSByName() Case {
	const desc = "The redirect to TLS is followed at another address; the ClientHello, in two segments, names the host."
	return oneTrail("chain-into-tls-by-name", desc, func(t *trail) {
		t.towardsTLS()
		t.tls(secureURL, secondAddr, "192.0.2.77:443", hostName, 120)
		t.end("into-tls", "")
	})
}

// Where DNS of the cases is asked and answers.
const (
	askingAddr   = "10.0.0.7"
	resolverAddr = "10.0.0.1"
)

func chainIntoTLSByDNS() Case {
	const desc = "The redirect to TLS is followed without a server name, to an address that DNS gave for the host."
	return oneTrail("chain-into-tls-by-dns", desc, func(t *trail) {
		t.towardsTLS()
		t.g.Lookup(askingAddr, resolverAddr, hostName, "192.0.2.78", "192.0.2.77")
		t.tls(secureURL, secondAddr, "192.0.2.77:443", "", 1448)
		t.end("into-tls", "")
	})
}

func chainByAddress() Case {
	const desc = "The client looks the target up and asks for it by its address."
	return oneTrail("chain-by-address", desc, func(t *trail) {
		t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, moved, edgeURL))
		t.g.Lookup(askingAddr, resolverAddr, edgeName, "192.0.2.10")
		t.g.Wait(millisecond)
		t.ask(edgeURL, t.g.Dial(secondAddr, edgeAddr), t.g.asking(edgeAddr, wsPath, "", ""))
		t.end("upgraded", "")
	})
}

func chainTargetRefuses() Case {
	return oneTrail("chain-target-refuses", "The client follows to another port, where nothing listens.", func(t *trail) {
		a := t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, moved, "http://"+hostName+":8081/ws"))
		a.Codes = []string{"redirect-target-refuses"}
		a.NotCodes = []string{"redirect-not-followed"}
		t.g.Wait(3 * millisecond)
		c := t.g.Open(secondAddr, "192.0.2.9:8081")
		c.Syn(nil)
		c.store(Server, segment{flags: flagRST | flagACK, ack: c.seq(Client, 0)})
		t.g.otherTraffic(35)
		t.end("not-followed", "http://"+hostName+":8081/ws")
	})
}

func chainTLSOtherName() Case {
	const desc = "The redirect to TLS is not followed; the client opens TLS to the same server for another host."
	return oneTrail("chain-tls-other-name", desc, func(t *trail) {
		t.towardsTLS()
		c := t.g.Dial(secondAddr, "192.0.2.9:443")
		t.g.tlsSession(c, "time.example.org")
		t.attempts = append(t.attempts, encrypted(c))
		t.g.otherTraffic(35)
		t.end("not-followed", secureURL)
	})
}

func chainTLSNoName() Case {
	const desc = "After the redirect the client opens TLS without a server name, to an address of which nothing is known."
	return oneTrail("chain-tls-no-name", desc, func(t *trail) {
		t.towardsTLS()
		c := t.g.Dial(secondAddr, "192.0.2.99:443")
		t.g.tlsSession(c, "")
		t.attempts = append(t.attempts, encrypted(c))
		t.g.otherTraffic(35)
		t.end("out-of-capture", secureURL)
	})
}

func chainNameNotFound() Case {
	const desc = "The client wants to follow to a name that DNS does not know."
	return oneTrail("chain-name-not-found", desc, func(t *trail) {
		a := t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, found, edgeURL))
		a.Codes = []string{"redirect-target-unknown"}
		a.NotCodes = []string{"redirect-not-followed"}
		t.g.Wait(millisecond)
		for range 2 {
			t.g.Lookup(askingAddr, resolverAddr, edgeName)
			t.g.Wait(5 * second)
		}
		t.g.otherTraffic(35)
		t.end("not-followed", edgeURL)
	})
}

func chainSlashKeptAlive() Case {
	return oneTrail("chain-slash-kept-alive", "A redirect that adds a slash is followed on the same connection.", func(t *trail) {
		c := t.g.Dial(clientAddr, serverAddr)
		u := t.g.asking(hostName, "/ws?id=7", "308 Permanent Redirect", "/ws/?id=7")
		u.resp.drop("Connection")
		u.rest = func(*Conn) {}
		a := t.ask("ws://"+hostName+"/ws?id=7", c, u)
		a.Codes = []string{"redirect-host-port-normalisation", "redirect-relative-location"}
		a.NotCodes = []string{"redirect-loop", "redirect-not-followed"}
		t.g.Wait(2 * millisecond)
		t.ask("http://"+hostName+"/ws/?id=7", c, t.g.asking(hostName, "/ws/?id=7", "", ""))
		t.end("upgraded", "")
	})
}

func chainRelativeWithPort() Case {
	const desc = "A relative Location leads to the same odd port; before, the client asks for the path at the usual one."
	return oneTrail("chain-relative-with-port", desc, func(t *trail) {
		u := t.g.asking(edgeHost, "/api/ws?id=7", found, "../v2/ws")
		a := t.ask("ws://"+edgeHost+"/api/ws?id=7", t.g.Dial(clientAddr, edgeAddr), u)
		a.Codes = []string{"redirect-relative-location"}
		t.g.Wait(10 * millisecond)
		other := t.g.asking(edgeName, "/v2/ws", "", "")
		other.answer(errorPage("404 Not Found"))
		t.attempts = append(t.attempts, other.play(t.g.Dial("10.0.0.7:51235", "192.0.2.10:80")))
		t.attempts[1].MayCodes = []string{"status-404"}
		t.g.Wait(10 * millisecond)
		t.ask("http://"+edgeHost+"/v2/ws", t.g.Dial(secondAddr, edgeAddr), t.g.asking(edgeHost, "/v2/ws", "", ""))
		t.end("upgraded", "")
	})
}

// chainHost443 is seen behind what takes the TLS off.
func chainHost443() Case {
	const desc = "Behind a proxy that ends TLS, a device names port 443 in Host and is redirected to the same URL without it."
	return oneTrail("chain-host-443", desc, func(t *trail) {
		u := t.g.asking(hostName, wsPath, moved, secureURL)
		u.req.set("Host", hostName+":443")
		a := t.ask("ws://"+hostName+":443"+wsPath, t.g.Dial(clientAddr, "192.0.2.9:8000"), u)
		a.Codes = []string{"redirect-not-followed"}
		a.MayCodes = []string{"redirect-http-to-https", "redirect-host-port-normalisation", "request-host-default-port"}
		t.g.otherTraffic(35)
		t.end("not-followed", secureURL)
	})
}

func chainCaptivePortal() Case {
	const desc = "The network answers for the server and leads to its own page; the client asks for an upgrade there."
	return oneTrail("chain-captive-portal", desc, func(t *trail) {
		const portal = "portal.wifi.example"
		path := "/welcome?url=http%3A%2F%2F" + hostName + "%2Fws"
		c := t.g.Open(clientAddr, serverAddr)
		c.TTL[Server] = 255 // it is next door
		c.Handshake()
		a := t.ask(firstURL, c, t.g.asking(hostName, wsPath, found, "http://"+portal+path))
		a.MayCodes = []string{"captive-portal", "redirect-to-login"}
		t.g.Wait(40 * millisecond)
		t.refused("http://"+portal+path, "10.0.0.1:80", t.g.asking(portal, path, "", ""), "captive-portal")
	})
}

func chainLoginPage() Case {
	return oneTrail("chain-login-page", "The session is over; the client follows to the login page.", func(t *trail) {
		const path = "/login?next=%2Fws"
		a := t.ask(firstURL, t.g.Dial(clientAddr, serverAddr), t.g.asking(hostName, wsPath, found, path))
		a.Codes = []string{"redirect-to-login", "redirect-relative-location"}
		t.g.Wait(3 * millisecond)
		t.refused("http://"+hostName+path, serverAddr, t.g.asking(hostName, path, "", ""))
	})
}

// refused ends the chain with a page instead of an upgrade.
func (t *trail) refused(url, server string, u *upgrade, may ...string) {
	u.answer(page("200 OK", "<html><body><form action=\"/login\">Please sign in</form></body></html>\r\n"))
	a := t.ask(url, t.g.Dial(secondAddr, server), u)
	a.Codes, a.MayCodes = []string{"status-200-instead-of-101"}, may
	t.end("refused", "")
}
