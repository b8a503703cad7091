package workload

import (
	"encoding/binary"
	"fmt"
	"net/netip"
)

// buildMixed is what a gateway sees: 3 % of the flows WebSocket, 27 % HTTP with
// keep-alive, 70 % TLS-like; 0.5 % of the packets reordered, 0.5 % duplicated.
// It ends after a number of packets, with most flows still open.
func buildMixed(g *generator, n Size) {
	g.limit = n.Packets
	flows := n.Conns
	if flows == 0 {
		flows = max(34, n.Packets/500)
	}
	g.arrivals(flows, 4*second/flows, func(i int64) *conn {
		c := g.mixedFlow(i)
		c.damage = &damage{reorder: 0.005, duplicate: 0.005}
		return c
	})
	g.run()
}

const forever = 1 << 40 // exchanges, or frames

func (g *generator) mixedFlow(i int64) *conn {
	switch share := i * 37 % 100; { // 37 spreads the kinds evenly
	case share < 3:
		c := g.newConn(clientAddr(i), serverAddr(i, 80), nil)
		s := &chat{g: g, frames: atMost(forever), pause: [2]int64{20 * millisecond, 200 * millisecond}, bundle: 2}
		c.upgrade(g, g.outcome(0.2), s.script)
		return c
	case share < 30:
		c := g.newConn(clientAddr(i), serverAddr(i, 80), nil)
		b := &browsing{g: g, left: forever, body: [2]int64{100, 12_000}, pause: [2]int64{20 * millisecond, 900 * millisecond}}
		c.script = b.script
		return c
	}
	return g.tlsFlow(i, forever)
}

// tlsFlow is a flow of TLS-like exchanges.
func (g *generator) tlsFlow(i, exchanges int64) *conn {
	c := g.newConn(clientAddr(i), serverAddr(i, 443), nil)
	t := &secret{g: g, left: exchanges, request: [2]int64{60, 600}, answer: [2]int64{60, 5000}, pause: [2]int64{20 * millisecond, 500 * millisecond}}
	c.script = t.script
	return c
}

// bulkFlows is how many flows of a capture of elephants are elephants.
const bulkFlows = 16

// buildElephants is a few flows that carry nearly all bytes, half of them TLS-
// like and half HTTP bodies, and handshakes beside them.
func buildElephants(g *generator, n Size) {
	each := n.Bytes / bulkFlows * 100 / 107 // the rest is headers
	g.arrivals(bulkFlows, 10*millisecond, func(i int64) *conn {
		c := g.newConn(clientAddr(i), serverAddr(i, [...]uint16{443, 80}[i%2]), nil)
		c.rtt = 2 * millisecond
		if i%2 == 1 {
			c.script = g.download(each)
		} else {
			c.script = g.upload(each)
		}
		return c
	})
	lasts := each / 1448 * 3 / 2 * segmentGap // every second segment is acknowledged
	g.arrivals(n.Conns, max(1, lasts/n.Conns), func(i int64) *conn {
		return g.shortUpgrade(bulkFlows+i, 0.05, 4)
	})
	g.run()
}

// buildTLS is elephants inside TLS, and short TLS connections beside them, all with
// handshakes that can be read.
func buildTLS(g *generator, n Size) {
	each := n.Bytes / bulkFlows * 100 / 107
	g.arrivals(bulkFlows, 10*millisecond, func(i int64) *conn {
		c := g.newConn(clientAddr(i), serverAddr(i, 443), nil)
		c.rtt = 2 * millisecond
		t := &secret{g: g, name: "bulk.example.org"}
		left := each
		c.script = func(c *conn) bool {
			if !t.opened || left <= 0 {
				return t.script(c)
			}
			k := min(left, 64<<10)
			left -= k
			c.say([...]side{client, server}[i%2], 0, g.records(k))
			return true
		}
		return c
	})
	lasts := each / 1448 * 3 / 2 * segmentGap
	g.arrivals(n.Conns, max(1, lasts/n.Conns), func(i int64) *conn {
		c := g.tlsFlow(bulkFlows+i, g.between(1, 4))
		c.script = (&secret{g: g, name: "api.example.org", left: g.between(1, 4), request: [2]int64{60, 600}, answer: [2]int64{60, 5000}, pause: [2]int64{millisecond, 20 * millisecond}}).script
		return c
	})
	g.run()
}

// download is one HTTP exchange with a large body.
func (g *generator) download(bytes int64) func(c *conn) bool {
	head := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\nContent-Length: %d\r\n\r\n", bytes)
	return func(c *conn) bool {
		c.say(client, 100*microsecond, text("GET /image.iso HTTP/1.1\r\nHost: www.example.org\r\n\r\n"))
		c.say(server, c.rtt, message{g.filled(head, bytes)})
		c.close(client, millisecond)
		c.script = nil
		return true
	}
}

// upload is TLS-like records from the client.
func (g *generator) upload(bytes int64) func(c *conn) bool {
	t := &secret{g: g}
	return func(c *conn) bool {
		if !t.opened || bytes <= 0 {
			return t.script(c)
		}
		n := min(bytes, 64<<10) // a message is searched from its start
		bytes -= n
		c.say(client, 0, g.records(n))
		return true
	}
}

// buildHandshakes is short connections: upgrade, a few frames, end.
func buildHandshakes(g *generator, n Size) {
	g.arrivals(n.Conns, millisecond, func(i int64) *conn { return g.shortUpgrade(i, 0.1, 2) })
	g.run()
}

// shortUpgrade is one attempt with a few frames.
func (g *generator) shortUpgrade(i int64, failed float64, frames int64) *conn {
	c := g.newConn(clientAddr(i), serverAddr(i, 80), nil)
	s := &chat{g: g, frames: atMost(g.between(1, frames)), pause: [2]int64{millisecond, 20 * millisecond}, bundle: 1}
	c.upgrade(g, g.outcome(failed), s.script)
	return c
}

// buildChatty is connections that all stay upgraded and send many small frames.
func buildChatty(g *generator, n Size) {
	left := n.Frames
	take := func() bool { left--; return left >= 0 }
	g.arrivals(n.Conns, millisecond, func(i int64) *conn {
		c := g.newConn(clientAddr(i), serverAddr(i, 80), nil)
		s := &chat{g: g, frames: take, pause: [2]int64{5 * millisecond, 100 * millisecond}, bundle: 3}
		c.upgrade(g, ok, s.script)
		return c
	})
	g.run()
}

// buildWeb is HTTP with keep-alive until the capture has its size.
func buildWeb(g *generator, n Size) {
	opened := int64(0)
	enough := func() bool { return g.out.bytes >= n.Bytes }
	g.add(0, &arrival{
		every: 2 * millisecond,
		more:  func() bool { return !enough() },
		open: func() *conn {
			c := g.newConn(clientAddr(opened), serverAddr(opened, 80), nil)
			opened++
			b := &browsing{g: g, left: g.between(1, 40), stop: enough, body: [2]int64{100, 60_000}, pause: [2]int64{millisecond, 60 * millisecond}}
			c.script = b.script
			return c
		},
	})
	g.run()
}

// buildDirty is short connections of all sorts that meet every damage: packets
// lost, reordered, sent twice, overlapping; small segments, VLAN tags, IPv6.
func buildDirty(g *generator, n Size) {
	g.arrivals(n.Conns, 500*microsecond, g.dirtyFlow)
	g.run()
}

func (g *generator) dirtyFlow(i int64) *conn {
	c := g.newConn(g.dirtyPath(i))
	c.mss = [...]int64{1448, 1448, 536, 200}[g.rng.IntN(4)]
	c.damage = &damage{reorder: 0.01, resend: 0.01, duplicate: 0.01, overlap: 0.02, lose: 0.003}
	switch n := g.rng.IntN(10); {
	case n < 3:
		v := g.outcome(0.2)
		if g.chance(0.05) {
			v = indeterminate
			c.mss = 1448 // one segment is lost: the whole head
		}
		s := &chat{g: g, frames: atMost(g.between(1, 12)), pause: [2]int64{millisecond, 20 * millisecond}, bundle: 2}
		c.upgrade(g, v, s.script)
	case n < 7:
		b := &browsing{g: g, left: g.between(1, 4), body: [2]int64{100, 8_000}, pause: [2]int64{millisecond, 60 * millisecond}}
		c.script = b.script
	default:
		t := &secret{g: g, left: g.between(1, 4), request: [2]int64{60, 600}, answer: [2]int64{60, 7000}, pause: [2]int64{millisecond, 60 * millisecond}}
		c.script = t.script
	}
	return c
}

// dirtyPath chooses addresses and VLAN tags.
func (g *generator) dirtyPath(i int64) (from, to netip.AddrPort, vlans []uint16) {
	from, to = clientAddr(i), serverAddr(i, 80)
	if i%5 == 0 {
		from, to = over6(from), over6(to)
	}
	vlans = [...][]uint16{nil, {7}, {100, 7}}[g.rng.IntN(3)]
	return from, to, vlans
}

// buildIdle is connections that are upgraded and then silent, all at once.
func buildIdle(g *generator, n Size) {
	g.arrivals(n.Conns, 100*microsecond, func(i int64) *conn {
		c := g.newConn(clientAddr(i), serverAddr(i, 80), nil)
		c.upgrade(g, ok, nil)
		return c
	})
	g.run()
}

// floodPerHandshake is how many SYNs of a flood there are to one handshake.
const floodPerHandshake = 100_000

// buildSynFlood is SYNs of connections that come to nothing, and a few
// handshakes among them.
func buildSynFlood(g *generator, n Size) {
	g.add(0, &flood{target: serverAddr(0, 443), left: n.Packets})
	every := floodPerHandshake * floodGap
	g.arrivals(max(1, n.Packets/floodPerHandshake), every, func(i int64) *conn { return g.shortUpgrade(i, 0.1, 3) })
	g.run()
}

// floodGap is the time between two SYNs of a flood, in microseconds.
const floodGap = 20 * microsecond

// A flood sends SYNs, each from another address and port.
type flood struct {
	target netip.AddrPort
	sent   int64
	left   int64
}

func (f *flood) step(g *generator) (int64, bool) {
	if f.left == 0 {
		return 0, false
	}
	e := newEnd(floodSource(f.sent), f.target, nil)
	f.sent++
	f.left--
	g.conns++
	g.buf = e.appendPacket(g.buf[:0], &segment{seq: g.rng.Uint32(), flags: flagSYN})
	e.seal(g.buf)
	g.buf = append(g.buf, 0, 0, 0, 0, 0, 0) // up to the least Ethernet carries
	g.write(g.buf)
	return floodGap, true
}

// floodSource spreads i over 100.64.0.0/10 and all ports; no two below 2^38 are
// the same.
func floodSource(i int64) netip.AddrPort {
	const odd = 0x2545f4914f // an odd factor permutes the numbers below a power of two
	n := uint64(i) * odd & (1<<38 - 1)
	a := 100<<24 | 64<<16 | uint32(n>>16)
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], a)
	return netip.AddrPortFrom(netip.AddrFrom4(b), uint16(n))
}
