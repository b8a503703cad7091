package pcapgen

// fragmentCases cut the heads of exchanges into IP fragments.
func fragmentCases() []Case {
	cases := buildCarriers(fragmentCarriers(), fragmentCarriersIPv6())
	return append(cases,
		fragmentLost(false), fragmentLost(true), fragmentSentAgain(), fragmentsInterleaved(false), fragmentsInterleaved(true))
}

func fragmentCarriers() []carrier {
	t, t6 := tunnelBetween("198.18.0.1", "198.18.0.2"), tunnelBetween("2001:db8:a::1", "2001:db8:b::2")
	nonsense := amongNonsense(fragmented(inOrder))
	return []carrier{
		{name: "fragment-ipv4-in-order", desc: "Three fragments in order.", link: Ethernet, path: []layer{ethernet, fragmented(inOrder)}},
		{name: "fragment-ipv4-reversed", desc: "Three fragments, the last one first.", link: Ethernet, path: []layer{ethernet, fragmented(reversed)}},
		{name: "fragment-ipv4-overlapping", desc: "Three fragments that overlap and agree.", link: Ethernet, path: []layer{ethernet, fragmented(overlapping)}},
		{name: "fragment-ipv4-duplicated", desc: "Each of three fragments twice.", link: Ethernet, path: []layer{ethernet, fragmented(eachTwice)}},
		{name: "fragment-ipv4-among-nonsense", desc: "Three fragments among some that can never be put together.", link: Ethernet, path: []layer{ethernet, nonsense}},
		{name: "fragment-vxlan-outer", desc: "VXLAN, the packets of which are fragmented.", link: Ethernet, path: []layer{ethernet, fragmented(inOrder), t.ip, t.udpTo(portVXLAN), vxlan(42), ethernet}},
		{name: "fragment-vxlan-outer-reversed", desc: "VXLAN, the packets of which come in fragments, the last one first.", link: Ethernet, path: []layer{ethernet, fragmented(reversed), t.ip, t.udpTo(portVXLAN), vxlan(42), ethernet}},
		{name: "fragment-vxlan-outer-ipv6", desc: "VXLAN over IPv6, the packets of which are fragmented.", link: Ethernet, path: []layer{ethernet, fragmented(inOrder), t6.ip, t6.udpTo(portVXLAN), vxlan(42), ethernet}},
		{name: "fragment-vxlan-inner", desc: "Fragments in VXLAN.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portVXLAN), vxlan(42), ethernet, fragmented(inOrder)}},
	}
}

func fragmentCarriersIPv6() []carrier {
	nonsense := amongNonsense(fragmented(inOrder))
	return []carrier{
		{name: "fragment-ipv6-in-order", desc: "Three IPv6 fragments in order.", v6: true, link: Ethernet, path: []layer{ethernet, fragmented(inOrder)}},
		{name: "fragment-ipv6-reversed", desc: "Three IPv6 fragments, the last one first.", v6: true, link: Ethernet, path: []layer{ethernet, fragmented(reversed)}},
		{name: "fragment-ipv6-overlapping", desc: "Three IPv6 fragments that overlap and agree.", v6: true, link: Ethernet, path: []layer{ethernet, fragmented(overlapping)}},
		{name: "fragment-ipv6-duplicated", desc: "Each of three IPv6 fragments twice.", v6: true, link: Ethernet, path: []layer{ethernet, fragmented(eachTwice)}},
		{name: "fragment-ipv6-among-nonsense", desc: "Three IPv6 fragments among some that can never be put together.", v6: true, link: Ethernet, path: []layer{ethernet, nonsense}},
		{name: "fragment-ipv6-atomic", desc: "A fragment header in every packet, and no fragments.", v6: true, link: Ethernet, path: []layer{ethernet, atomic}},
	}
}

// fragmentLost has a client that got the answer; the capture has not got all of
// it, so that nobody can say what it was.
func fragmentLost(v6 bool) Case {
	name, client, server := "fragment-ipv4-lost", clientAddr, serverAddr
	if v6 {
		name, client, server = "fragment-ipv6-lost", clientAddr6, serverAddr6
	}
	return newCase(name, "The second of three fragments of the response was not captured.", func(g *Capture) []Attempt {
		g.Alone(littleEndian, Ethernet, ethernet, oneSide(Server, fragmented(withoutMiddle)))
		u := g.upgrade()
		c := g.Dial(client, server)
		a := Attempt{Stream: c.Stream(), Key: u.key, Verdict: "indeterminate"}
		a.NotCodes = []string{"accept-missing", "head-not-terminated", "early-client-data", "response-not-http"}
		a.RequestFrame = c.Client(u.req.bytes())
		c.Server(u.resp.bytes())
		c.Session()
		return []Attempt{a}
	})
}

// fragmentSentAgain loses the fragment on the way to the client as well.
func fragmentSentAgain() Case {
	return newCase("fragment-ipv4-lost-sent-again", "The second of three fragments of the response gets lost; the server sends the response again.", func(g *Capture) []Attempt {
		whole := g.iface
		u := g.upgrade()
		c := g.Dial(clientAddr, serverAddr)
		a := u.truth()
		a.Stream = c.Stream()
		a.RequestFrame = c.Client(u.req.bytes())
		c.ifaces[Server] = g.Path(Ethernet, ethernet, fragmented(withoutMiddle))
		c.Send(Server, u.resp.bytes())
		c.ifaces[Server] = whole
		g.Wait(220 * millisecond)
		a.ResponseFrame = c.SendAt(Server, 0, u.resp.bytes(), flagPSH)
		c.Ack(Client)
		c.Session()
		return []Attempt{a}
	})
}

// fragmentsInterleaved has two connections of the same hosts whose heads are
// under way at the same time.
func fragmentsInterleaved(v6 bool) Case {
	name, client, second, server := "fragment-ipv4-interleaved", clientAddr, "10.0.0.7:51235", serverAddr
	if v6 {
		name, client, second, server = "fragment-ipv6-interleaved", clientAddr6, "[2001:db8:1::7]:51235", serverAddr6
	}
	return newCase(name, "The fragments of two datagrams of the same hosts take turns.", func(g *Capture) []Attempt {
		g.Alone(littleEndian, Ethernet, ethernet, fragmented(inOrder))
		u, v := g.upgrade(), g.wrongUpgrade()
		c, d := g.Dial(client, server), g.Dial(second, server)
		a, b := u.truth(), lowerCaseGUID(v.truth())
		a.Stream, b.Stream = c.Stream(), d.Stream()
		a.RequestFrame, b.RequestFrame = g.inTurns(c.Send(Client, u.req.bytes()), d.Send(Client, v.req.bytes()))
		c.Ack(Server)
		d.Ack(Server)
		a.ResponseFrame, b.ResponseFrame = g.inTurns(c.Send(Server, u.resp.bytes()), d.Send(Server, v.resp.bytes()))
		c.Ack(Client)
		d.Ack(Client)
		d.Close(Client)
		c.Session()
		return []Attempt{a, b}
	})
}

// inTurns mixes the last six frames, which are three fragments of one datagram
// up to frame a and three of another up to frame b: they take turns. It returns
// the frames that complete the two.
func (g *Capture) inTurns(a, b int) (int, int) {
	g.Swap(a-1, a+1) // 1 2 3 4 5 6 -> 1 4 3 2 5 6
	g.Swap(a, a+1)   // 1 4 2 3 5 6
	g.Swap(a+1, a+2) // 1 4 2 5 3 6
	return a + 2, b
}
