package pcapgen

import "fmt"

// redirectCases are the answers 3xx and what the client does with them.
func redirectCases() []Case {
	var cases []Case
	for _, r := range unfollowed {
		cases = append(cases, r.build())
	}
	for _, r := range unusable {
		cases = append(cases, r.build())
	}
	return append(cases,
		locationMissing(), redirectToItself(), followedAddress(), followedOK(), followedRelative(), followedSlash(), followedRefused(),
		followedIntoTLS(), redirectLoop(), espRetries(), redirectAtEnd())
}

const (
	firstURL = "ws://" + hostName + wsPath
	edgeName = "edge.example.com"
	edgeAddr = "192.0.2.10:8080"
	edgeHost = edgeName + ":8080"
)

// An unfollowedRow is a redirect after which the client closes; other
// traffic shows for half a minute that it does not come back.
type unfollowedRow struct {
	name, desc       string
	status, location string
	first            string   // URL of the request; "": firstURL
	codes, may       []string // besides redirect-not-followed
	edit             func(u *upgrade)
}

var unfollowed = []unfollowedRow{
	{
		name: "redirect-not-followed", desc: "The endpoint moved to another host; the client does not follow.",
		status: "301 Moved Permanently", location: "http://" + edgeHost + wsPath,
	},
	{
		name: "redirect-http-to-https", desc: "Port 80 only redirects to TLS.",
		status: "301 Moved Permanently", location: "https://" + hostName + wsPath,
		codes: []string{"redirect-http-to-https"}, may: []string{"redirect-scheme-unusable"},
	},
	{
		name: "redirect-to-login", desc: "A single sign-on wants a login first.",
		status: "302 Found", location: "http://sso.example.com/login?next=%2Fws",
		codes: []string{"redirect-to-login"}, may: []string{"captive-portal"},
	},
	{
		name: "redirect-host-port-normalisation", desc: "The redirect only removes the default port of Host.",
		status: "301 Moved Permanently", location: "http://" + hostName + wsPath,
		codes: []string{"redirect-host-port-normalisation", "request-host-default-port"}, may: []string{"redirect-loop"},
		first: "ws://" + hostName + ":80" + wsPath,
		edit:  func(u *upgrade) { u.req.set("Host", hostName+":80") },
	},
	{
		name: "redirect-tls-downgrade", desc: "A client lets a plain proxy do the TLS; the answer leads out of TLS.",
		status: "302 Found", location: "http://" + hostName + wsPath,
		codes: []string{"redirect-tls-downgrade", "request-absolute-form"},
		first: "wss://" + hostName + wsPath,
		edit:  func(u *upgrade) { u.req.start("GET https://" + hostName + wsPath + " HTTP/1.1") },
	},
	{
		name: "redirect-scheme-unusable", desc: "A client on an HTTP library gets a target with scheme wss.",
		status: "302 Found", location: "wss://" + hostName + wsPath,
		codes: []string{"redirect-scheme-unusable"}, may: []string{"redirect-http-to-https"},
	},
	{
		name: "redirect-status-unsupported", desc: "A 308 to the Python client, which knew 301, 302 and 303 only.",
		status: "308 Permanent Redirect", location: "http://" + edgeHost + wsPath,
		codes: []string{"redirect-status-unsupported"},
		edit: func(u *upgrade) {
			u.req = newHead(
				"GET "+wsPath+" HTTP/1.1",
				"Upgrade: websocket",
				"Host: "+hostName,
				"Origin: http://"+hostName,
				"Sec-WebSocket-Key: "+u.key,
				"Sec-WebSocket-Version: 13",
				"Connection: Upgrade",
			)
		},
	},
}

func (r unfollowedRow) build() Case {
	c := newCase(r.name, r.desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		if r.edit != nil {
			r.edit(u)
		}
		a := g.hop(u, clientAddr, serverAddr, r.status, r.location)
		g.otherTraffic(35)
		a.Codes = append([]string{"redirect-not-followed"}, r.codes...)
		a.NotCodes = []string{"redirect-location-missing", "redirect-relative-location"}
		a.MayCodes = r.may
		return []Attempt{a}
	})
	first := r.first
	if first == "" {
		first = firstURL
	}
	end := "not-followed"
	if r.name == "redirect-tls-downgrade" {
		end = "downgraded"
	}
	return c.chained(Chain{URLs: []string{first, r.location}, End: end})
}

// hop plays an exchange that ends in a redirect, on its own connection,
// which the client closes.
func (g *Capture) hop(u *upgrade, client, server, status, location string) Attempt {
	u.resp = redirect(status, location)
	u.rest = closedByClient
	return u.play(g.Dial(client, server))
}

func locationMissing() Case {
	r := row{
		name: "redirect-location-missing", desc: "A redirect without a target.",
		codes: []string{"redirect-location-missing"}, not: []string{"redirect-not-followed"}, may: []string{"status-other"},
		edit: func(u *upgrade) { u.answer(errorPage("302 Found")) },
	}
	return r.build()
}

// An unusableRow is a redirect that no client can follow, or nobody knows where
// to.
type unusableRow struct {
	name, desc string
	locations  []string
	first      string // URL that the first of them makes; "": none
}

var unusable = []unusableRow{
	{name: "redirect-location-invalid", desc: "The Location has host and port without a scheme.", locations: []string{edgeHost + wsPath}},
	{name: "redirect-location-empty", desc: "A Location without a value.", locations: []string{""}},
	{name: "redirect-location-broken", desc: "The address in the Location lacks its second bracket.", locations: []string{"http://[2001:db8:2::a" + wsPath}},
	{name: "redirect-location-script", desc: "A Location for browsers.", locations: []string{"javascript:location.reload()"}},
	{
		name: "redirect-location-twice", desc: "Two handlers each add a Location.",
		locations: []string{"http://" + edgeHost + wsPath, "http://" + edgeHost + "/v2"}, first: "http://" + edgeHost + wsPath,
	},
}

func (r unusableRow) build() Case {
	c := newCase(r.name, r.desc, func(g *Capture) []Attempt {
		u := g.upgrade()
		u.resp = redirect("302 Found", r.locations[0])
		for _, l := range r.locations[1:] {
			u.resp.lines = append(u.resp.lines, "Location: "+l)
		}
		u.rest = closedByClient
		a := u.play(g.Dial(clientAddr, serverAddr))
		a.Codes = []string{"redirect-location-invalid"}
		a.NotCodes = []string{"redirect-location-missing", "redirect-relative-location", "redirect-not-followed"}
		g.otherTraffic(35)
		return []Attempt{a}
	})
	if r.first == "" {
		return c
	}
	return c.chained(Chain{URLs: []string{firstURL, r.first}, End: "not-followed"})
}

// redirectToItself wants a cookie back, which the client does not keep.
func redirectToItself() Case {
	c := newCase("redirect-to-itself", "The server sets a cookie and sends the client to the same URL.", func(g *Capture) []Attempt {
		u := g.upgrade()
		u.resp = redirect("302 Found", "http://"+hostName+wsPath)
		u.resp.set("Set-Cookie", "checked=1")
		u.rest = closedByClient
		a := u.play(g.Dial(clientAddr, serverAddr))
		a.Codes = []string{"redirect-to-itself"}
		a.NotCodes = []string{"redirect-host-port-normalisation", "redirect-loop", "redirect-not-followed"}
		g.otherTraffic(35)
		return []Attempt{a}
	})
	return c.chained(Chain{URLs: []string{firstURL, "http://" + hostName + wsPath}, End: "not-followed"})
}

// followedAddress is followed by a client that spells the address in its own way.
func followedAddress() Case {
	location := "http://[2001:0DB8:0002:0:0:0:0:A]:8080" + wsPath
	c := newCase("redirect-address-spelling", "An IPv6 address in the Location, which the client spells otherwise in its Host.", func(g *Capture) []Attempt {
		a := g.hop(g.upgrade(), clientAddr6, serverAddr6, "301 Moved Permanently", location)
		a.NotCodes = []string{"redirect-not-followed"}
		g.Wait(500 * millisecond)
		u := g.upgrade()
		u.req = goRequest("[2001:db8:2::a]:8080", wsPath, u.key)
		return []Attempt{a, u.play(g.Dial("[2001:db8:1::7]:51236", "[2001:db8:2::a]:8080"))}
	})
	return c.chained(Chain{URLs: []string{firstURL, location}, End: "upgraded"})
}

// followed is a redirect and the exchange at its target; the client needs
// half a second between them.
func followed(name, desc, status, location, host, path, server string, edit func(first, second *Attempt, u *upgrade)) Case {
	c := newCase(name, desc, func(g *Capture) []Attempt {
		a := g.hop(g.upgrade(), clientAddr, serverAddr, status, location)
		a.NotCodes = []string{"redirect-not-followed", "redirect-loop"}
		g.Wait(500 * millisecond)
		u := g.upgrade()
		u.req = goRequest(host, path, u.key)
		var b Attempt
		edit(&a, &b, u)
		codes := b.Codes
		b = u.play(g.Dial("10.0.0.7:51236", server))
		b.Codes = codes
		return []Attempt{a, b}
	})
	end := "upgraded"
	if c.Attempts[1].Status != 101 {
		end = "refused"
	}
	return c.chained(Chain{URLs: []string{firstURL, "http://" + host + path}, End: end})
}

func followedOK() Case {
	return followed("redirect-followed", "A redirect to another host and port, followed there.",
		"301 Moved Permanently", "http://"+edgeHost+wsPath, edgeHost, wsPath, edgeAddr,
		func(_, _ *Attempt, _ *upgrade) {})
}

func followedRelative() Case {
	return followed("redirect-relative-location", "A relative Location, followed on the same host.",
		"301 Moved Permanently", "/v2/ws", hostName, "/v2/ws", serverAddr,
		func(a, _ *Attempt, _ *upgrade) { a.Codes = []string{"redirect-relative-location"} })
}

func followedSlash() Case {
	return followed("redirect-adds-slash", "A redirect that only adds the slash at the end.",
		"301 Moved Permanently", "http://"+hostName+"/ws/", hostName, "/ws/", serverAddr,
		func(a, _ *Attempt, _ *upgrade) { a.Codes = []string{"redirect-host-port-normalisation"} })
}

func followedRefused() Case {
	return followed("redirect-followed-refused", "A redirect to a host that does not know the path.",
		"301 Moved Permanently", "http://"+edgeHost+wsPath, edgeHost, wsPath, edgeAddr,
		func(_, b *Attempt, u *upgrade) {
			u.answer(errorPage("404 Not Found"))
			b.Codes = []string{"status-404"}
		})
}

// followedIntoTLS ends where the capture shows no more than the server name.
func followedIntoTLS() Case {
	location := "https://" + hostName + wsPath
	c := newCase("redirect-into-tls", "The redirect to TLS is followed; the connection there is opaque.", func(g *Capture) []Attempt {
		a := g.hop(g.upgrade(), clientAddr, serverAddr, "301 Moved Permanently", location)
		a.Codes = []string{"redirect-http-to-https"}
		a.NotCodes = []string{"redirect-not-followed"}
		a.MayCodes = []string{"redirect-scheme-unusable"}
		g.Wait(100 * millisecond)
		d := g.Dial("10.0.0.7:51236", "192.0.2.9:443")
		g.tlsSession(d, hostName)
		return []Attempt{a, encrypted(d)}
	})
	return c.chained(Chain{URLs: []string{firstURL, location}, End: "into-tls"})
}

// redirectLoop sends the client to and fro between two hosts six times.
func redirectLoop() Case {
	hosts := [2]string{hostName, edgeName}
	addrs := [2]string{serverAddr, "192.0.2.10:80"}
	chain := Chain{URLs: []string{firstURL}, End: "loop", Codes: []string{"redirect-loop"}}
	c := newCase("redirect-loop", "Two hosts redirect to each other; the client gives up after six hops.", func(g *Capture) []Attempt {
		var attempts []Attempt
		for i := range 6 {
			u := g.upgrade()
			u.req = goRequest(hosts[i%2], wsPath, u.key)
			target := "http://" + hosts[(i+1)%2] + wsPath
			a := g.hop(u, fmt.Sprintf("10.0.0.7:%d", 51234+i), addrs[i%2], "301 Moved Permanently", target)
			a.MayCodes = []string{"redirect-loop"}
			attempts = append(attempts, a)
			chain.URLs = append(chain.URLs, target)
			g.Wait(50 * millisecond)
		}
		g.otherTraffic(35)
		attempts[5].MayCodes = append(attempts[5].MayCodes, "redirect-not-followed")
		return attempts
	})
	return c.chained(chain)
}

// espRetries is a device that knows no redirects: it closes and sends the
// same request every ten seconds.
func espRetries() Case {
	location := "https://" + hostName + wsPath
	c := newCase("redirect-esp-retries", "An ESP32 repeats its plain request every ten seconds, redirected to TLS each time.", func(g *Capture) []Attempt {
		var attempts []Attempt
		for i := range 4 {
			attempts = append(attempts, g.espAttempt(i, location))
			g.Wait(10 * second)
		}
		g.otherTraffic(35)
		return attempts
	})
	chain := Chain{URLs: []string{"ws://" + hostName + ":80" + wsPath, location}, End: "not-followed"}
	return c.chained(chain, chain, chain, chain)
}

func (g *Capture) espAttempt(i int, location string) Attempt {
	u := g.upgrade()
	u.req = espRequest(hostName+":80", wsPath, u.key)
	u.resp = redirect("301 Moved Permanently", location)
	u.rest = closedByClient
	c := g.Open(fmt.Sprintf("10.0.0.31:%d", 53760+i), serverAddr)
	c.Small, c.MSS = true, 1436
	c.Handshake()
	a := u.play(c)
	a.Codes = []string{"redirect-http-to-https", "redirect-not-followed", "request-host-default-port"}
	a.NotCodes = []string{"redirect-loop", "key-reused"}
	a.MayCodes = []string{"redirect-scheme-unusable"}
	return a
}

// redirectAtEnd leaves open whether the client follows.
func redirectAtEnd() Case {
	location := "http://" + edgeHost + wsPath
	c := newCase("redirect-at-end-of-capture", "The capture ends right after the redirect.", func(g *Capture) []Attempt {
		a := g.hop(g.upgrade(), clientAddr, serverAddr, "301 Moved Permanently", location)
		a.NotCodes = []string{"redirect-not-followed"}
		return []Attempt{a}
	})
	return c.chained(Chain{URLs: []string{firstURL, location}, End: "out-of-capture"})
}
