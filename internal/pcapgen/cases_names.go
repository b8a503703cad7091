package pcapgen

import "net/netip"

// resolver answers questions of DNS, and is the router of the clients.
const resolver = "10.0.0.1"

// nameCases show names and hosts besides attempts.
func nameCases() []Case {
	t := tunnelBetween("198.18.0.1", "198.18.0.2")
	return []Case{
		lookups("names", "What DNS answers to clients before they open a WebSocket.", Ethernet, ethernet),
		lookups("names-sll2-vlan", "The same on Linux device any, with a VLAN tag.", SLL2, sll2, vlan(etherVLAN, 100)),
		lookups("names-wireless", "The same in 802.11.", Radiotap, radiotap(0), wireless{}.frame, snap),
		lookups("names-vxlan", "The same in VXLAN.", Ethernet, ethernet, t.ip, t.udpTo(portVXLAN), vxlan(77), ethernet),
		lookups("names-fragmented", "The same, with all long packets in fragments.", Ethernet, ethernet, fragmentedFrom(80, reversed)),
		lookupTCP(), leases(),
	}
}

// lookups has one client that gets different answers, and another one behind a
// router.
func lookups(name, desc string, link LinkType, path ...layer) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		g.Alone(littleEndian, link, path...)
		for _, behind := range []string{"10.0.9.1", "10.0.9.2"} {
			g.MAC(behind, "02:00:5e:00:53:99")
			g.Lookup(behind, resolver, "GW.Example.com", "192.0.2.9", "2001:db8:2::9")
		}
		g.Lookup("10.0.0.7", resolver, "gw.example.local")
		g.ask("10.0.0.7", resolver, question{
			name: hostName, aliases: []string{"gw.cdn.example.net", "edge-7.cdn.example.net"},
			addrs: []netip.Addr{netip.MustParseAddr("192.0.2.10"), netip.MustParseAddr("192.0.2.9")},
		})
		g.ask("10.0.0.7", resolver, question{name: hostName, v6: true}) // it has none
		g.Lookup("2001:db8:1::7", "2001:db8:1::1", hostName, "2001:db8:2::9")
		g.ask("10.0.0.7", resolver, question{name: edgeName, rcode: 2})
		return []Attempt{g.upgrade().play(g.Dial(clientAddr, serverAddr))}
	}).hosting(Host{Addr: "10.0.0.7", MAC: "02:00:0a:00:00:07"}, Host{Addr: "2001:db8:1::7", MAC: "02:00:00:00:00:07"}, Host{Addr: "10.0.9.1"}, Host{Addr: "10.0.9.2"})
}

// lookupTCP asks again where an answer does not fit into a datagram.
func lookupTCP() Case {
	return newCase("names-tcp", "An answer of DNS is truncated; over TCP it comes in many segments, behind another one.", func(g *Capture) []Attempt {
		q := question{name: hostName, truncated: true}
		g.ask("10.0.0.7", resolver, q)
		q.truncated = false
		for i := range 12 {
			q.addrs = append(q.addrs, netip.AddrFrom4([4]byte{192, 0, 2, byte(i)}))
		}
		c := g.Dial("10.0.0.7:40000", resolver+":53")
		c.askTCP(question{name: edgeName, addrs: q.addrs[:1]})
		c.MSS = 7
		c.askTCP(q)
		c.Close(Client)
		return []Attempt{g.upgrade().play(g.Dial(clientAddr, serverAddr))}
	})
}

// leases gives addresses to two hosts, of which one had that of the other.
func leases() Case {
	const phone, esp = "02:00:5e:00:53:08", "02:00:5e:00:53:07"
	return newCase("hosts-dhcp", "DHCP gives the address of one host to another one, which opens a WebSocket.", func(g *Capture) []Attempt {
		g.Lease(phone, "10.0.0.7", "phone")
		g.Lookup("10.0.0.7", resolver, hostName, "192.0.2.9")
		g.Lease(phone, "10.0.0.8", "phone")
		g.Lease(esp, "10.0.0.7", "esp-7")
		g.Lease("02:00:5e:00:53:09", "10.0.0.9", "")
		return []Attempt{g.upgrade().play(g.Dial(clientAddr, serverAddr))}
	}).hosting(Host{"10.0.0.7", esp, "esp-7"}, Host{"10.0.0.8", phone, "phone"}, Host{"10.0.0.9", "02:00:5e:00:53:09", ""}, Host{Addr: "10.0.0.10"})
}
