package workload

import (
	"encoding/binary"
	"net/netip"
)

// A conn is a TCP connection of the capture. Its script says what the two
// applications do; the conn makes packets of that.
type conn struct {
	ends    [2]end
	steps   []step
	script  func(c *conn) bool // appends further steps; false: nothing more happens
	off     int64              // bytes of the first step's message already sent
	mss     int64
	rtt     int64 // microseconds
	gap     int64 // microseconds between two segments of a message
	unacked int   // segments since the receiver's last acknowledgement
	ackBy   side  // who sends a pure acknowledgement next, valid iff ackDue
	ackDue  bool
	careful bool // the capture must not lose packets
	bare    bool // no TCP option but MSS
	damage  *damage
	held    []heldPacket
}

// A step is one thing that an application or TCP does.
type step struct {
	do   action
	by   side
	wait int64   // microseconds before it
	data message // of a send
	lost bool    // the capture does not hold the packets of a send
	note func()  // of a note
}

type action uint8

const (
	doSYN action = iota
	doSYNACK
	doACK
	doSend
	doFIN
	doRST
	doNote // call note; makes no packet
)

// segmentGap is the usual time between two segments of a message.
const segmentGap = 60 * microsecond

// newConn makes a connection and lets it begin with a TCP handshake.
func (g *generator) newConn(from, to netip.AddrPort, vlans []uint16) *conn {
	c := &conn{mss: 1448, rtt: g.between(2*millisecond, 40*millisecond), gap: segmentGap}
	c.ends = [2]end{newEnd(from, to, vlans), newEnd(to, from, vlans)}
	for i := range c.ends {
		e := &c.ends[i]
		e.isn, e.clock, e.ipID = g.rng.Uint32(), g.rng.Uint32(), uint16(g.rng.Uint32())
	}
	c.steps = append(c.steps,
		step{do: doSYN, by: client},
		step{do: doSYNACK, by: server, wait: c.rtt},
		step{do: doACK, by: client, wait: 50 * microsecond})
	g.conns++
	return c
}

// say appends a send.
func (c *conn) say(by side, wait int64, m message) {
	c.steps = append(c.steps, step{do: doSend, by: by, wait: wait, data: m})
}

// note appends a call when everything before it has happened.
func (c *conn) note(f func()) { c.noteAfter(0, f) }

// noteAfter appends a call so many microseconds after everything before it.
func (c *conn) noteAfter(wait int64, f func()) {
	c.steps = append(c.steps, step{do: doNote, wait: wait, note: f})
}

// close appends the orderly end, one side first.
func (c *conn) close(first side, wait int64) {
	c.steps = append(c.steps,
		step{do: doFIN, by: first, wait: wait},
		step{do: doFIN, by: first.peer(), wait: c.rtt / 2},
		step{do: doACK, by: first, wait: c.rtt / 2})
}

// step implements task.
func (c *conn) step(g *generator) (int64, bool) {
	for {
		if c.ackDue {
			c.ackDue = false
			c.emit(g, c.ackBy, flagACK, nil, 0, 0)
			return c.gap, true
		}
		if len(c.steps) == 0 && (c.script == nil || !c.script(c)) {
			c.release(g)
			return 0, false
		}
		s := &c.steps[0]
		if s.do != doNote {
			c.releaseDue(g, s.by)
		}
		if s.wait > 0 {
			wait := s.wait
			s.wait = 0
			return c.limitWait(wait), true
		}
		if s.do != doNote {
			c.act(g, s)
			return c.gap, true
		}
		s.note()
		c.done()
	}
}

// done takes the first step away.
func (c *conn) done() {
	if c.steps = c.steps[1:]; len(c.steps) == 0 {
		c.steps = nil
	}
}

// act makes one packet of a step.
func (c *conn) act(g *generator, s *step) {
	switch s.do {
	case doSYN:
		c.emit(g, s.by, flagSYN, nil, 0, 0)
	case doSYNACK:
		c.emit(g, s.by, flagSYN|flagACK, nil, 0, 0)
	case doACK:
		c.emit(g, s.by, flagACK, nil, 0, 0)
	case doRST:
		c.emit(g, s.by, flagRST|flagACK, nil, 0, 0)
	case doFIN:
		c.emit(g, s.by, flagFIN|flagACK, nil, 0, 0)
		c.ends[s.by].fin = true
	case doSend:
		c.send(g, s)
		return
	}
	c.done()
}

// send makes the next segment of a message.
func (c *conn) send(g *generator, s *step) {
	total := s.data.len()
	back := c.overlap(g)
	n := min(c.mss-back, total-c.off)
	flags := byte(flagACK)
	last := c.off+n == total
	if last {
		flags |= flagPSH
	}
	if s.lost {
		c.ends[s.by].ipID++
	} else {
		c.emit(g, s.by, flags, s.data, c.off-back, n+back)
	}
	c.ends[s.by].sent += n
	c.off += n
	c.unacked++
	by := s.by
	if last {
		c.off = 0
		c.done()
	}
	c.acknowledge(g, by, last)
}

// acknowledge decides whether the receiver sends a pure acknowledgement: for
// every second segment, and for the rest unless it goes with data (RFC 9293,
// Section 3.8.6.3).
func (c *conn) acknowledge(g *generator, by side, last bool) {
	answered := last && len(c.steps) > 0 && c.steps[0].do != doNote && c.steps[0].by != by && c.steps[0].wait < 40*millisecond
	unknown := last && len(c.steps) == 0 && g.chance(0.5)
	switch {
	case answered || unknown:
		c.unacked = 0
	case last || c.unacked >= 2:
		c.ackDue, c.ackBy, c.unacked = true, by.peer(), 0
	}
}

// emit builds a packet with n bytes of a message from an offset, and hands it
// to the capture. Packets with data say what was sent before them; the caller
// counts what they send.
func (c *conn) emit(g *generator, by side, flags byte, m message, off, n int64) {
	e := &c.ends[by]
	s := segment{seq: e.next(), flags: flags}
	if n > 0 {
		s.seq = e.seq(e.sent + off - c.off)
	}
	if flags&flagSYN != 0 {
		s.seq = e.isn
	}
	if flags&flagACK != 0 {
		s.ack = c.received(by)
	}
	var options [20]byte
	s.options = c.appendOptions(options[:0], g, by, flags)
	g.buf = e.appendPacket(g.buf[:0], &s)
	g.buf = g.appendRange(g.buf, m, off, n)
	e.seal(g.buf)
	c.capture(g, by, flags, n, g.buf)
}

// appendOptions appends the options of a Linux host: timestamps always, and MSS,
// SACK permitted and a window scale with a SYN. Those of a bare connection are
// what small stacks send.
func (c *conn) appendOptions(b []byte, g *generator, by side, flags byte) []byte {
	be := binary.BigEndian
	if c.bare {
		if flags&flagSYN != 0 {
			b = be.AppendUint16(append(b, 2, 4), uint16(c.mss+12))
		}
		return b
	}
	ms := uint32(g.now / millisecond)
	val, echo := c.ends[by].clock+ms, c.ends[by.peer()].clock+ms
	if flags&flagSYN != 0 {
		b = append(b, 2, 4)
		b = be.AppendUint16(b, uint16(c.mss+12))
		b = append(b, 4, 2)
	} else {
		b = append(b, 1, 1)
	}
	if flags&flagACK == 0 {
		echo = 0
	}
	b = append(b, 8, 10)
	b = be.AppendUint32(b, val)
	b = be.AppendUint32(b, echo)
	if flags&flagSYN != 0 {
		b = append(b, 1, 3, 3, 7)
	}
	return b
}
