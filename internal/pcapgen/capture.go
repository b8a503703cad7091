package pcapgen

import (
	"crypto/sha1"
	"fmt"
	"net"
	"net/netip"
	"time"
)

// step is the time between two packets unless a case says otherwise.
const step = 300 * time.Microsecond

// baseTime is the instant at which every capture starts.
var baseTime = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A Capture collects packets in the order in which a sniffer would store
// them. Frames are numbered from 1, streams (TCP connections, in the order of
// their first stored packet) from 0, both as Wireshark does.
type Capture struct {
	name     string // seeds keys, masks and sequence numbers
	now      time.Time
	snap     int // bytes kept of each following packet, 0 for all
	double   bool
	recs     []record
	sections []*section
	iface    *Iface // where new connections are seen
	macs     macs
	lookups  []Lookup
	asked    int
	keyLog   string // secrets of TLS, embedded in pcapng
	streams  int
	dials    int
	keys     int
}

// A record is one stored packet.
type record struct {
	at    time.Time
	iface *Iface
	wire  int // length before the snap length cut it
	data  []byte
}

// newCapture returns an empty capture with one Ethernet interface.
func newCapture(name string) *Capture {
	g := &Capture{name: name, now: baseTime, macs: macs{}}
	g.Section(littleEndian)
	g.Interface(Ethernet)
	return g
}

// Wait lets d pass before the next packet.
func (g *Capture) Wait(d time.Duration) { g.now = g.now.Add(d) }

// Snap cuts every following packet to n bytes; 0 ends the cutting.
func (g *Capture) Snap(n int) { g.snap = n }

// Double stores every following packet twice, as a mirror port does that
// sees a packet both on its way in and on its way out.
func (g *Capture) Double() { g.double = true }

// Macs are the MAC addresses of IP addresses.
type macs map[netip.Addr][6]byte

// MAC gives all following frames of an IP address a MAC address: its host's, or
// that of the router behind which it is. Without it, they have one that is made of
// the address.
func (g *Capture) MAC(addr, mac string) {
	m, err := net.ParseMAC(mac)
	if err != nil {
		panic(err)
	}
	g.macs[netip.MustParseAddr(addr)] = [6]byte(m)
}

// Frames returns how many frames are stored.
func (g *Capture) Frames() int { return len(g.recs) }

// storeAll appends the frames that a packet becomes and returns the number of
// the one that completes it, 0 if none does. Those after the first follow at
// once.
func (g *Capture) storeAll(on *Iface, p packet) int {
	n := 0
	for i, f := range on.frames(p) {
		if i > 0 {
			g.now = g.now.Add(20*time.Microsecond - step)
		}
		if at := g.store(on, f.data); !f.aside {
			n = at
		}
	}
	return n
}

// store appends a packet and returns its frame number, that of the first
// copy when packets are doubled.
func (g *Capture) store(on *Iface, data []byte) int {
	g.now = g.now.Add(step)
	n := g.append(on, data)
	if g.double {
		g.now = g.now.Add(5 * time.Microsecond)
		g.append(on, data)
	}
	return n
}

func (g *Capture) append(on *Iface, data []byte) int {
	r := record{at: g.now, iface: on, wire: len(data), data: data}
	if g.snap > 0 && len(data) > g.snap {
		r.data = data[:g.snap]
	}
	g.recs = append(g.recs, r)
	return len(g.recs)
}

// seeded returns 20 bytes that depend on the case and on the label only.
func (g *Capture) seeded(label string, n int) [20]byte {
	return sha1.Sum(fmt.Appendf(nil, "wssniff %s %s %d", g.name, label, n))
}

// Swap exchanges two stored packets, leaving the times where they are: what
// a sniffer does that stores packets out of order.
func (g *Capture) Swap(a, b int) {
	x, y := &g.recs[a-1], &g.recs[b-1]
	*x, *y = *y, *x
	x.at, y.at = y.at, x.at
}
