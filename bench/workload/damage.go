package workload

// A damage says with which probability a packet meets something on its way into
// the capture. A nil damage is none.
type damage struct {
	reorder   float64 // up to three packets of its connection overtake it
	resend    float64 // lost on the network and sent again, up to nine packets later
	duplicate float64 // captured twice
	overlap   float64 // begins with bytes that were sent before
	lose      float64 // the network carries it, the capture does not hold it
}

// A heldPacket is a packet that others overtake.
type heldPacket struct {
	data  []byte
	after int // packets of the connection that still overtake it
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

// capture writes a packet as the damage has it.
func (c *conn) capture(g *generator, packet []byte) {
	d := c.damage
	if d == nil {
		g.write(packet)
		return
	}
	switch {
	case !c.careful && g.chance(d.lose):
	case g.chance(d.reorder):
		c.hold(packet, int(g.between(1, 3)))
		return
	case g.chance(d.resend):
		c.hold(packet, int(g.between(4, 9)))
		return
	default:
		g.write(packet)
		if g.chance(d.duplicate) {
			g.write(packet)
		}
	}
	c.overtake(g)
}

func (c *conn) hold(packet []byte, after int) {
	c.held = append(c.held, heldPacket{append([]byte(nil), packet...), after})
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
