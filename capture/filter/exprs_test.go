package filter

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// An exprMaker makes expressions of the subset, and some that are not quite
// in it.
type exprMaker struct {
	*rand.Rand
	depth int
}

func randomExpr(r *rand.Rand) string {
	m := &exprMaker{Rand: r}
	return m.expr()
}

// expr makes terms and ids joined by and, or.
func (m *exprMaker) expr() string {
	m.depth++
	defer func() { m.depth-- }()
	s, ids := m.term()
	for m.depth < 5 && chance(m.Rand, 55-10*m.depth) {
		join := pick(m.Rand, " and ", " or ", " && ", "||", " or ", " and not ", " or !")
		if ids != nil && chance(m.Rand, 40) {
			s += join + ids()
			continue
		}
		var t string
		t, ids = m.term()
		s += join + t
	}
	return s
}

// term makes a term, and a maker of ids that fit behind it; nil: none do.
func (m *exprMaker) term() (string, func() string) {
	switch n := m.IntN(100); {
	case n < 8 && m.depth < 5:
		t, ids := m.term()
		return pick(m.Rand, "not ", "!") + t, ids
	case n < 25 && m.depth < 5:
		return "(" + m.expr() + ")", nil
	case n < 40:
		return pick(m.Rand, "tcp", "udp", "icmp", "icmp6", "ip", "ip6", "arp"), nil
	case n < 52:
		return m.vlan(), nil
	case n < 65:
		return m.with(pick(m.Rand, "", "", "tcp ", "udp "), m.direction(), "port", m.port)
	case n < 73:
		return m.with(pick(m.Rand, "", "tcp ", "udp "), m.direction(), "portrange", m.portRange)
	case n < 83:
		return m.with(pick(m.Rand, "", "", "ip ", "arp "), m.direction(), "host", m.host4)
	case n < 90:
		return m.with(pick(m.Rand, "", "", "ip6 "), m.direction(), "host", m.host6)
	case n < 94:
		return m.with(pick(m.Rand, "", "ip "), m.direction(), "net", m.net4)
	case n < 97:
		return m.with(pick(m.Rand, "", "ip6 "), m.direction(), "net", m.net6)
	case n < 98:
		return m.with("", pick(m.Rand, "src ", "dst ", "src or dst "), "", m.host4)
	case n < 99:
		return m.with("", pick(m.Rand, "src ", "dst ", "src and dst "), "", m.host6)
	}
	return m.with(pick(m.Rand, "", "tcp ", "ip6 ", "icmp "), m.direction(), pick(m.Rand, "host", "port", "net"), m.host4)
}

func (m *exprMaker) with(proto, dir, typ string, id func() string) (string, func() string) {
	ids := func() string { return m.ids(id) }
	return strings.TrimSuffix(proto+dir+typ, " ") + " " + ids(), ids
}

// ids makes an id or a list of them.
func (m *exprMaker) ids(id func() string) string {
	if chance(m.Rand, 88) || m.depth >= 5 {
		return id()
	}
	m.depth++
	defer func() { m.depth-- }()
	s := "(" + m.ids(id)
	for range m.IntN(3) {
		s += pick(m.Rand, " or ", " and ", " or not ") + m.ids(id)
	}
	return s + ")"
}

func (m *exprMaker) direction() string {
	return pick(m.Rand, "", "", "src ", "dst ", "src or dst ", "dst or src ", "src and dst ")
}

func (m *exprMaker) vlan() string {
	if chance(m.Rand, 50) {
		return "vlan"
	}
	return fmt.Sprintf("vlan %d", pick(m.Rand, poolVLANs...))
}

func (m *exprMaker) port() string {
	return fmt.Sprintf(pick(m.Rand, "%d", "%d", "%#x", "0%o"), pick(m.Rand, poolPorts...))
}

func (m *exprMaker) portRange() string {
	if chance(m.Rand, 10) {
		return m.port()
	}
	return fmt.Sprintf("%d-%d", pick(m.Rand, poolPorts...), pick(m.Rand, poolPorts...))
}

func (m *exprMaker) host4() string {
	return pick(m.Rand, append([]string{"10.0", "10", "10.1.2", "3232235783"}, append(pool4, pool4...)...)...)
}

func (m *exprMaker) host6() string { return pick(m.Rand, pool6...) }

func (m *exprMaker) net4() string {
	return pick(m.Rand, "10", "10.0.0.0/8", "10.0/16", "192.168.1", "192.168.0.0 mask 255.255.0.0", "0", "0.0.0.0/0",
		"172.16.0.0/12", "10.0.0.0/30", "10.0.0.1/32", "0.0.0.0/8", "10.1 mask 255.255", "10.0.0.1/8", "2688")
}

func (m *exprMaker) net6() string {
	return pick(m.Rand, "::/0", "fe80::/10", "2001:db8::/32", "2001:db8::/64", "::/8", "::1", "2001:db8::1/64", "2001:db8:0:1::/64", "::/97")
}

// tokenSoup makes a sequence of words of the subset that may be anything.
func tokenSoup(r *rand.Rand) string {
	words := strings.Fields(`and or not ! && || ( ) ( ) src dst host net port portrange vlan ip ip6 arp tcp udp
		icmp icmp6 80 443 5 10 0x50 010 10.0.0.1 10.1 192.168.1 ::1 fe80::1 1-443 / 8 64 mask 255.0`)
	var s []string
	for range 1 + r.IntN(8) {
		s = append(s, pick(r, words...))
	}
	if chance(r, 60) {
		s = append([]string{pick(r, "port 80", "tcp", "host 10.0.0.1", "vlan 5", "src net 10"), pick(r, "or", "and")}, s...)
	}
	return strings.Join(s, " ")
}

// damaged makes an expression with bytes removed, doubled or replaced.
func damaged(r *rand.Rand) string {
	b := []byte(randomExpr(r))
	for range 1 + r.IntN(3) {
		i := r.IntN(len(b))
		switch r.IntN(3) {
		case 0:
			b = append(b[:i:i], b[min(i+1, len(b)-1):]...)
		case 1:
			b = append(b[:i:i], b[max(i-1, 0):]...)
		default:
			b[i] = pick(r, []byte("0189afx.:/-_()!&| \\\t,=<")...)
		}
	}
	return string(b)
}
