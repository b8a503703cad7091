package workload

import (
	"bytes"
	"slices"
)

// A damage says with which probability a packet meets something on its way into
// the capture. A nil damage is none.
type damage struct {
	reorder   float64 // up to three packets of its connection overtake it
	resend    float64 // lost on the network and sent again, up to nine packets later, before its receiver acts on it
	duplicate float64 // captured twice
	overlap   float64 // begins with bytes that were sent before
	lose      float64 // the network carries it, the capture does not hold it
}

// A heldPacket is a packet that others overtake.
type heldPacket struct {
	data   []byte
	after  int // packets of the connection that still overtake it
	by     side
	syn    bool
	resent bool   // lost on its way: until the capture has it, its receiver lacks it
	next   uint32 // the first sequence number that the receiver lacks
}

// maxHeldWait is how long a connection may wait while one of its packets is
// held: reordering happens inside bursts.
const maxHeldWait = millisecond

func (c *conn) limitWait(wait int64) int64 {
	if len(c.held) > 0 {
		return min(wait, maxHeldWait)
	}
	return wait
}

// overlap decides how many bytes of the message that were sent before go with
// the next segment once more.
func (c *conn) overlap(g *generator) int64 {
	if c.damage == nil || c.off == 0 || !g.chance(c.damage.overlap) {
		return 0
	}
	return g.between(1, min(c.off, 120))
}

// capture writes a packet of one side, with n bytes of data, as the damage has
// it.
func (c *conn) capture(g *generator, by side, flags byte, n int64, packet []byte) {
	d := c.damage
	if d == nil {
		g.write(packet)
		return
	}
	syn := flags&flagSYN != 0
	resendable := n > 0 || syn || flags&flagFIN != 0
	switch {
	case !c.careful && g.chance(d.lose):
	case g.chance(d.reorder):
		c.hold(heldPacket{data: packet, after: int(g.between(1, 3)), by: by, syn: syn})
		return
	case resendable && g.chance(d.resend):
		c.hold(heldPacket{data: packet, after: int(g.between(4, 9)), by: by, syn: syn, resent: true, next: c.ends[by].next()})
		return
	default:
		g.write(packet)
		if g.chance(d.duplicate) {
			g.write(packet)
		}
	}
	c.overtake(g)
}

func (c *conn) hold(h heldPacket) {
	h.data = bytes.Clone(h.data)
	c.held = append(c.held, h)
}

// received is the sequence number up to which one side has what the other sent.
func (c *conn) received(by side) uint32 {
	next := c.ends[by.peer()].next()
	for _, h := range c.held {
		if h.resent && h.by != by && int32(h.next-next) < 0 {
			next = h.next
		}
	}
	return next
}

// releaseDue writes what the capture must hold before one side's next step: what
// the other side sent again, as nobody acts on what did not arrive, and its own
// SYN, as a round trip lies between, longer than any burst.
func (c *conn) releaseDue(g *generator, by side) {
	c.held = slices.DeleteFunc(c.held, func(h heldPacket) bool {
		due := h.resent && h.by != by || h.syn && h.by == by
		if due {
			g.write(h.data)
		}
		return due
	})
}

// overtake counts a packet and writes those that were overtaken often enough.
func (c *conn) overtake(g *generator) {
	kept := c.held[:0]
	for _, h := range c.held {
		if h.after--; h.after > 0 {
			kept = append(kept, h)
		} else {
			g.write(h.data)
		}
	}
	if c.held = kept; len(kept) == 0 {
		c.held = nil
	}
}

// release writes everything held.
func (c *conn) release(g *generator) {
	for _, h := range c.held {
		g.write(h.data)
	}
	c.held = nil
}

// write puts a packet into the capture unless that is full. No two packets of a
// capture have the same time.
func (g *generator) write(packet []byte) {
	if g.full() {
		return
	}
	g.now++
	g.out.packet(g.now, packet)
}
