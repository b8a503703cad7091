package pcapgen

import (
	"net/netip"
	"strings"
)

// enter follows into TLS.
func (w *walk) enter(server netip.AddrPort, name string) {
	var frame int
	w.c, frame = w.k.tls(w.p, server, name)
	w.hop(w.route.last(), Hop{RequestFrame: frame, TLS: true, ServerName: name})
}

// tls opens TLS; the ClientHello may come in several segments.
func (k *corpus) tls(p *party, server netip.AddrPort, name string) (c *Conn, frame int) {
	c = k.dialFrom(p, server)
	if k.oneIn(3) {
		c.MSS = 90 + k.rng.IntN(90)
	}
	frame = k.g.tlsOpen(c, name)
	if k.oneIn(2) {
		c.Close(Server)
	}
	return c, frame
}

// bySNI says in TLS which name the client asks for.
func (w *walk) bySNI() string {
	w.proceed()
	at := w.route.last()
	name := at.host
	if w.k.oneIn(6) {
		name = strings.ToUpper(name)
	}
	w.enter(w.k.serverOf(w.p, at), name)
	return "into-tls"
}

// byDNS asks for the target's addresses and goes to one of them without a name.
func (w *walk) byDNS() string {
	at := w.route.last()
	w.proceed()
	w.k.lookup(w.p, at.host, w.k.addressesOf(w.p, at.host)...)
	w.enter(w.k.serverOf(w.p, at), "")
	return "into-tls"
}

// A miss is TLS that is no hop.
type miss struct {
	story string
	act   func(w *walk, target place)
}

var misses = []miss{
	{"TLS with another name", func(w *walk, at place) {
		w.k.lookup(w.p, at.host, w.k.addressesOf(w.p, at.host)...)
		w.k.tls(w.p, w.k.serverOf(w.p, at), "other.example.com")
	}},
	{"TLS without a name to where DNS does not lead", func(w *walk, at place) {
		w.k.lookup(w.p, at.host, w.k.addressesOf(w.p, at.host)...)
		w.k.tls(w.p, w.elsewhere(at), "")
	}},
	{"TLS to another port", func(w *walk, at place) {
		w.k.tls(w.p, netip.AddrPortFrom(w.k.serverOf(w.p, at).Addr(), 7443), at.host)
	}},
	{"TLS of another client", func(w *walk, at place) {
		q := w.k.like(w.p, w.p.agent)
		w.k.tls(q, w.k.serverOf(q, at), at.host)
	}},
	{"TLS too late", func(w *walk, at place) {
		w.k.g.Wait(31500 * millisecond)
		w.k.tls(w.p, w.k.serverOf(w.p, at), at.host)
	}},
}

// elsewhere is the target's port at an address that has nothing to do with it.
func (w *walk) elsewhere(at place) netip.AddrPort {
	return netip.AddrPortFrom(w.k.newServer(w.p.addr.Is6()), uint16(at.tcpPort()))
}
