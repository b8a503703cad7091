package pcapgen

// linkCases carry the same right exchange over each kind of link and of IP.
func linkCases() []Case {
	return []Case{
		overLink("link-null", "BSD loopback.", Null, false),
		overLink("link-null-ipv6", "BSD loopback with IPv6.", Null, true),
		overLink("link-loop", "OpenBSD loopback.", Loop, false),
		overLink("link-raw", "Bare IP packets.", Raw, false),
		overLink("link-raw-ipv6", "Bare IPv6 packets.", Raw, true),
		overLink("link-sll", "Linux device any, version 1.", SLL, false),
		overLink("link-sll2", "Linux device any, version 2.", SLL2, false),
		overLink("link-ipv6", "IPv6 over Ethernet.", Ethernet, true),
		overLink("link-vlan", "One VLAN tag.", Ethernet, false, 100),
		overLink("link-qinq", "Two VLAN tags.", Ethernet, false, 200, 100),
		overLink("link-qinq-ipv6", "Two VLAN tags and IPv6.", Ethernet, true, 200, 100),
		ipv6Extension(), ethernetPadding(),
	}
}

const (
	clientAddr6 = "[2001:db8:1::7]:51234"
	serverAddr6 = "[2001:db8:2::9]:80"
)

func overLink(name, desc string, link LinkType, v6 bool, tags ...uint16) Case {
	return newCase(name, desc, func(g *Capture) []Attempt {
		g.Reset()
		g.Section(littleEndian)
		g.Interface(link, tags...)
		if v6 {
			c := g.Open(clientAddr6, serverAddr6)
			c.MSS = 1428
			c.Handshake()
			return []Attempt{g.upgrade().play(c)}
		}
		return []Attempt{g.upgrade().play(g.Dial(clientAddr, serverAddr))}
	})
}

func ipv6Extension() Case {
	return newCase("link-ipv6-extension", "IPv6 with a hop-by-hop header in every packet.", func(g *Capture) []Attempt {
		c := g.Open(clientAddr6, serverAddr6)
		c.MSS, c.hop = 1420, true
		c.Handshake()
		return []Attempt{g.upgrade().play(c)}
	})
}

// ethernetPadding has a small stack whose empty segments are shorter than an
// Ethernet frame may be: what fills them up is no data.
func ethernetPadding() Case {
	return newCase("link-ethernet-padding", "Short packets filled up to 60 bytes.", func(g *Capture) []Attempt {
		g.iface.path = []layer{padded, ethernet}
		c := g.Open(clientAddr, serverAddr)
		c.Small, c.MSS = true, 1460
		c.Handshake()
		return []Attempt{g.upgrade().play(c)}
	})
}
