package reassembly

import "github.com/wssniff/wssniff/reassembly/flow"

// sight tells of a packet of a connection.
func (r *Reassembler) sight(c *conn, s *segment, frame int) {
	const done = wantsNone | hasEnded
	r.sighting = flow.Sighting{
		Conn: &c.Conn, ID: c.id,
		Opened: c.flags&isOpened != 0,
		Wanted: c.flags&hasBrought == 0 || c.half[0].flags&done == 0 || c.half[1].flags&done == 0,
		Skips:  r.skips(c, s, frame),
		Closes: s.flags&(flagFIN|flagRST) != 0,
		Over:   c.flags&isOver != 0,
	}
	if n := len(r.parts); n > 1 { // the last one is the packet itself
		r.sighting.Parts = r.parts[:n-1]
	}
	r.cfg.Sighted(&r.sighting)
}

// skips reports whether a segment lies in what is being skipped, of which there is
// more: next has run ahead of what was seen, or is about to.
func (r *Reassembler) skips(c *conn, s *segment, frame int) bool {
	dir := c.dirOf(s)
	if s.wire == 0 {
		dir = dir.Reverse()
	}
	h := &c.half[dir]
	if h.skip == 0 && int32(h.next-h.high) <= 0 || h.flags&(hasStarted|isDisordered) != hasStarted {
		return false
	}
	return r.chunk.Conn != &c.Conn || r.chunk.Stamp.Frame != frame // else it was handed out
}

// sightFragment tells of a fragment that does not complete its IP packet.
func (r *Reassembler) sightFragment() {
	if r.cfg.Sighted != nil {
		r.sighting = flow.Sighting{}
		r.cfg.Sighted(&r.sighting)
	}
}
