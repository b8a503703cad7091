package pcapgen

import (
	"fmt"
	"net/netip"
	"strings"
)

// A party is a client of a corpus.
type party struct {
	addr       netip.Addr
	second     netip.Addr // of the other IP version
	port       int        // of the last connection
	style      func(host, path, key string) *head
	agent      string // User-Agent
	spellsPort bool   // in Host, whatever the port
	proxy      netip.AddrPort
}

// newParty is a client with an address of its own.
func (k *corpus) newParty() *party {
	k.clients++
	p := &party{
		addr:   netip.AddrFrom4([4]byte{10, 0, byte(1 + k.clients/200), byte(10 + k.clients%200)}),
		second: netip.MustParseAddr(fmt.Sprintf("2001:db8:1::%x", k.clients)),
		port:   49152 + k.rng.IntN(1000),
	}
	mac := fmt.Sprintf("02:00:5e:00:%02x:%02x", k.clients/256, k.clients%256)
	k.g.MAC(p.addr.String(), mac)
	k.g.MAC(p.second.String(), mac)
	if k.oneIn(4) {
		p.addr, p.second = p.second, p.addr
	}
	switch k.rng.IntN(4) {
	case 0:
		p.style, p.agent, p.spellsPort = espRequest, "ESP32 Websocket Client", true
	case 1:
		p.style, p.agent = firefoxRequest, "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"
	case 2:
		p.style, p.agent, p.spellsPort = arduinoRequest, "arduino-WebSocket-Client", k.oneIn(2)
	default:
		p.style, p.agent = goRequest, "Go-http-client/1.1"
	}
	return p
}

// behindProxy is a client that asks a plain proxy for everything.
func (k *corpus) behindProxy() *party {
	p := k.newParty()
	p.proxy = netip.MustParseAddrPort("10.0.0.254:3128")
	if p.addr.Is6() {
		p.proxy = netip.MustParseAddrPort("[2001:db8:1::ffff]:3128")
	}
	return p
}

// like is another client of the same kind; with the same User-Agent or not.
func (k *corpus) like(p *party, agent string) *party {
	q := k.newParty()
	if q.addr.Is6() != p.addr.Is6() {
		q.addr, q.second = q.second, q.addr
	}
	q.style, q.agent, q.spellsPort, q.proxy = p.style, agent, p.spellsPort, p.proxy
	return q
}

// otherFamily is the same client with its address of the other IP version.
func (p *party) otherFamily() *party {
	q := *p
	q.addr, q.second, q.port = p.second, p.addr, p.port+2000
	return &q
}

// anyone is a client that may be behind a proxy.
func (k *corpus) anyone() *party {
	if k.oneIn(8) {
		return k.behindProxy()
	}
	return k.newParty()
}

// request is the upgrade request for a place.
func (p *party) request(a place, key string) *head {
	host := a.authority()
	if p.spellsPort {
		host = a.hostPort()
	}
	target := a.path
	if p.proxy.IsValid() {
		target = a.scheme + "://" + host + a.path
	}
	h := p.style(host, target, key)
	h.set("User-Agent", p.agent)
	return h
}

// dialFrom opens a connection from the client's next port.
func (k *corpus) dialFrom(p *party, server netip.AddrPort) *Conn {
	p.port++
	return k.dial(p.addr, p.port, server)
}

// serverOf is where the client finds a place this time: names have up to three
// addresses.
func (k *corpus) serverOf(p *party, a place) netip.AddrPort {
	if p.proxy.IsValid() {
		return p.proxy
	}
	return netip.AddrPortFrom(pick(k.rng, k.addressesOf(p, a.host)...), uint16(a.tcpPort()))
}

func (k *corpus) addressesOf(p *party, host string) []netip.Addr {
	if a, err := netip.ParseAddr(strings.Trim(host, "[]")); err == nil {
		return []netip.Addr{a}
	}
	name := fmt.Sprint(host, p.addr.Is6())
	if k.hosts[name] == nil {
		for range 1 + k.rng.IntN(3) {
			k.hosts[name] = append(k.hosts[name], k.newServer(p.addr.Is6()))
		}
	}
	return k.hosts[name]
}

// newServer is an address that nothing else has.
func (k *corpus) newServer(v6 bool) netip.Addr {
	k.servers++
	if v6 {
		return netip.MustParseAddr(fmt.Sprintf("2001:db8:2::%x", k.servers))
	}
	return netip.AddrFrom4([4]byte{198, 18, byte(k.servers / 250), byte(1 + k.servers%250)})
}

// lookup lets the client ask for a name and learn the addresses.
func (k *corpus) lookup(p *party, host string, addrs ...netip.Addr) {
	resolver := "10.0.0.1"
	if p.addr.Is6() {
		resolver = "2001:db8:53::1"
	}
	var texts []string
	for _, a := range addrs {
		texts = append(texts, a.String())
	}
	k.g.Lookup(p.addr.String(), resolver, host, texts...)
}
