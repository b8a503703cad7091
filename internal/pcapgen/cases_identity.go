package pcapgen

// identityCases are about what makes a connection: addresses and ports, which
// are the same throughout, and where they are seen.
func identityCases() []Case {
	t := tunnelBetween("198.18.0.1", "198.18.0.2")
	return []Case{
		twoNetworks("identity-two-vlans", "The same addresses and ports at the same time in two VLANs.", false, tagged([]uint16{10}), tagged([]uint16{20})),
		twoNetworks("identity-two-vlans-same-numbers", "The same addresses, ports and sequence numbers at the same time in two VLANs.", true, tagged([]uint16{10}), tagged([]uint16{20})),
		twoNetworks("identity-two-vlans-fragmented", "The same addresses, ports, sequence numbers and identifications of fragments at the same time in two VLANs.", true,
			append(tagged([]uint16{10}), fragmented(inOrder)), append(tagged([]uint16{20}), fragmented(inOrder))),
		twoNetworks("identity-two-gtp-tunnels", "The same addresses and ports at the same time in two tunnels of GTP-U.", false,
			gtpPath(t, 0x10, 0x20), gtpPath(t, 0x30, 0x40)),
		twoNetworks("identity-two-gtp-tunnels-same-numbers", "The same addresses, ports and sequence numbers at the same time in two tunnels of GTP-U.", true,
			gtpPath(t, 0x10, 0x20), gtpPath(t, 0x30, 0x40)),
		twoNetworks("identity-two-vxlan-networks", "The same addresses and ports at the same time in two networks of VXLAN.", false,
			vxlanPath(t, 42), vxlanPath(t, 43)),
		oneAfterTheOther(), perDirection(),
		seenTwice("identity-seen-in-two-vlans", "Every packet twice, in one VLAN and in another.", twice(tagged([]uint16{10}), tagged([]uint16{20}))),
		seenTwice("identity-seen-before-and-after-router", "Every packet twice, in one VLAN before a router and in another behind it.", twice(
			append(tagged([]uint16{10}), oneSide(Server, routed)), append(tagged([]uint16{20}), oneSide(Client, routed)))),
		seenTwice("identity-seen-in-gre", "Every packet twice, plain and in GRE.", twice([]layer{ethernet}, []layer{ethernet, t.ip, gre(0)})),
		seenTwice("identity-seen-in-vxlan", "Every packet twice, plain and in VXLAN.", twice([]layer{ethernet}, vxlanPath(t, 42))),
	}
}

func gtpPath(t tunnel, client, server uint32) []layer {
	return []layer{ethernet, t.ip, t.udp(portGTPU, portGTPU), gtp{teid: [2]uint32{client, server}}.header}
}

func vxlanPath(t tunnel, network uint32) []layer {
	return []layer{ethernet, t.ip, t.udpTo(portVXLAN), vxlan(network), ethernet}
}

// twoNetworks has two connections of the same addresses and ports, packet by
// packet at the same time.
func twoNetworks(name, desc string, sameNumbers bool, first, second []layer) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		g.Alone(littleEndian, Ethernet, first...)
		c := g.Open(clientAddr, serverAddr)
		g.Path(Ethernet, second...)
		d := g.Open(clientAddr, serverAddr)
		if sameNumbers {
			d.isn, d.ipID = c.isn, c.ipID
		}
		return g.atOnce(c, d)
	})
}

// atOnce plays an exchange on each of two connections, in turns. The second
// is refused by its client.
func (g *Capture) atOnce(c, d *Conn) []Attempt {
	u, v := g.upgrade(), g.wrongUpgrade()
	both := func(verb func(c *Conn)) {
		verb(c)
		verb(d)
	}
	both(func(c *Conn) { c.Syn(nil) })
	both(func(c *Conn) { c.SynAck() })
	both(func(c *Conn) { c.Ack(Client) })
	a, b := u.truth(), lowerCaseGUID(v.truth())
	a.Stream, b.Stream = c.Stream(), d.Stream()
	a.RequestFrame, b.RequestFrame = c.Send(Client, u.req.bytes()), d.Send(Client, v.req.bytes())
	both(func(c *Conn) { c.Ack(Server) })
	a.ResponseFrame, b.ResponseFrame = c.Send(Server, u.resp.bytes()), d.Send(Server, v.resp.bytes())
	both(func(c *Conn) { c.Ack(Client) })
	c.Client(c.masked(opText, `{"hello":"world"}`))
	d.Close(Client)
	c.Server(frame(opText, `{"ok":true}`))
	c.CloseSession()
	a.ClientFrames, a.ServerFrames = 2, 2
	return []Attempt{a, b}
}

func oneAfterTheOther() Case {
	return newCase("identity-vlan-after-vlan", "The same addresses, ports and sequence numbers in two VLANs, one after the other; both end in order.", func(g *Capture) []Attempt {
		g.Alone(littleEndian, Ethernet, tagged([]uint16{10})...)
		c := g.Dial(clientAddr, serverAddr)
		a := g.upgrade().play(c)
		g.Wait(second)
		g.Path(Ethernet, tagged([]uint16{20})...)
		d := g.Open(clientAddr, serverAddr)
		d.isn = c.isn
		d.Handshake()
		return []Attempt{a, g.wrongUpgrade().playWrong(d)}
	})
}

// perDirection is a tap that tags the packets of each direction.
func perDirection() Case {
	return newCase("identity-vlan-per-direction", "The client's packets in one VLAN, the server's in another.", func(g *Capture) []Attempt {
		g.Alone(littleEndian, Ethernet, tagged([]uint16{10})...)
		c := g.Open(clientAddr, serverAddr)
		c.ifaces[Server] = g.Path(Ethernet, tagged([]uint16{20})...)
		c.Handshake()
		return []Attempt{g.upgrade().play(c)}
	})
}

func seenTwice(name, desc string, path layer) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		g.Alone(littleEndian, Ethernet, path)
		a := g.upgrade().play(g.Dial(clientAddr, serverAddr))
		a.NotCodes = []string{"key-reused"}
		a.ClientFrames, a.ServerFrames = 2, 2
		return []Attempt{a}
	})
}
