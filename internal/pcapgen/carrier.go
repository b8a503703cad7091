package pcapgen

import "strings"

// A carrier is a way of getting packets into a capture. The packets carried are
// the same for all carriers of one IP version, down to the sequence numbers.
type carrier struct {
	name, desc string
	v6         bool // the hosts that talk have IPv6 addresses
	link       LinkType
	path       []layer
	order      byteOrder // of the file; nil: little-endian
}

// The cases whose packets all other carriers carry.
const (
	plainIPv4 = "layer-ethernet"
	plainIPv6 = "layer-ethernet-ipv6"
)

func (c carrier) build() Case {
	same, client, second, server := plainIPv4, clientAddr, "10.0.0.7:51235", serverAddr
	if c.v6 {
		same, client, second, server = plainIPv6, clientAddr6, "[2001:db8:1::7]:51235", serverAddr6
	}
	order := c.order
	if order == nil {
		order = littleEndian
	}
	g := newCapture(same)
	g.Alone(order, c.link, c.path...)
	a := g.upgrade().play(g.Dial(client, server))
	b := g.wrongUpgrade().playWrong(g.Dial(second, server))
	if same == c.name {
		same = ""
	}
	return Case{
		Name: c.name, Desc: c.desc, File: c.name + ".pcap", Same: same, Attempts: []Attempt{a, b},
		Bytes: func() []byte { return g.pcap(order, false) },
	}
}

func buildCarriers(lists ...[]carrier) []Case {
	var cases []Case
	for _, l := range lists {
		for _, c := range l {
			cases = append(cases, c.build())
		}
	}
	return cases
}

// wrongUpgrade is an exchange whose Accept is computed with a GUID in lower
// case.
func (g *Capture) wrongUpgrade() *upgrade {
	u := g.upgrade()
	u.resp.set("Sec-WebSocket-Accept", base64SHA1(u.key+strings.ToLower(guid)))
	return u
}

// playWrong plays what wrongUpgrade returns.
func (u *upgrade) playWrong(c *Conn) Attempt {
	return lowerCaseGUID(playMismatch(u, c))
}

// lowerCaseGUID is the truth about what wrongUpgrade returns.
func lowerCaseGUID(a Attempt) Attempt {
	a.Verdict, a.Cause = "accept-mismatch", "guid-lower-case"
	a.Codes = []string{"accept-mismatch", "accept-wrong-guid"}
	return a
}
