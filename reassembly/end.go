package reassembly

import "github.com/wssniff/wssniff/reassembly/flow"

// linger leaves a closed connection some time, in which late bytes come.
func (r *Reassembler) linger(c *conn, at flow.Stamp) {
	x := r.annexed(c)
	r.closing = append(r.closing, c.self)
	x.closedAt, x.place = at.Time, r.closed+len(r.closing)
	c.flags |= wasClosed
}

// stopLingering ends the connections that were closed long enough ago.
func (r *Reassembler) stopLingering(now int64) {
	for len(r.closing) > 0 {
		i := r.closing[0]
		if i != 0 && apart(now, r.annexOf(r.table.conns.at(i)).closedAt) < r.cfg.Linger {
			break
		}
		r.closing = r.closing[1:]
		r.closed++
		if i != 0 {
			r.end(r.table.conns.at(i), flow.RST)
		}
	}
}

// end tells the consumer the end of both directions, once, and with the last what
// the headers showed. A connection that brought it nothing has no end either.
func (r *Reassembler) end(c *conn, reason flow.End) {
	if c.flags&isOver != 0 {
		return
	}
	if c.flags&isOpened != 0 || c.annex != 0 { // else there is nothing to flush
		r.flush(c, flow.AtoB)
		r.tellEnd(c, flow.AtoB, reason)
		r.flush(c, flow.BtoA)
		r.tellEnd(c, flow.AtoB, reason) // if it is only now that there is something
		r.tellEnd(c, flow.BtoA, reason)
		r.takeLost(c, flow.AtoB) // if there was nothing
		r.takeLost(c, flow.BtoA)
	}
	if c.flags&hasBrought == 0 && c.annex != 0 && r.cfg.Refused != nil {
		r.tellRefused(c)
	}
	c.flags |= isOver
	c.half[0].flags |= hasEnded
	c.half[1].flags |= hasEnded
	if c.annex != 0 {
		r.dropAnnex(c)
	}
}

// tellRefused tells of a connection that was refused (RFC 9293, Section 3.5.2).
func (r *Reassembler) tellRefused(c *conn) {
	e := r.evidenceOf(c)
	if e.SYN.Seen() && !e.SYNACK.Seen() && e.RST[e.SYNDir.Reverse()].Seen() {
		r.cfg.Refused(e)
	}
}

// flush hands out what waits for missing bytes, and tells what is missing.
func (r *Reassembler) flush(c *conn, dir flow.Dir) {
	h := &c.half[dir]
	for h.flags&isDisordered != 0 {
		r.giveUp(r.disorderOf(c, dir))
		r.stats.HolesGiven++
	}
	if h.flags&(hasFIN|hasEnded) == hasFIN {
		if h.flags&hasStarted == 0 {
			h.startLate(r.annexOf(c).finSeq[dir])
		}
		r.loseUpTo(c, dir, r.annexOf(c).finSeq[dir])
		r.endAtFIN(c, dir)
	}
}

// endAtFIN ends a direction whose FIN is next. If the other one goes on, the
// consumer hears of it; the last end is told when late packets have had their
// time.
func (r *Reassembler) endAtFIN(c *conn, dir flow.Dir) {
	h, fin := &c.half[dir], r.annexOf(c).finSeq[dir]
	if h.flags&hasStarted == 0 {
		return
	}
	r.skipAhead(c, dir, fin)
	if h.flags&isDisordered != 0 || h.flags&wantsNone == 0 && int32(h.next-fin) < 0 {
		return
	}
	h.flags |= hasEnded
	if c.half[dir.Reverse()].flags&hasEnded == 0 {
		r.tellEnd(c, dir, flow.FIN)
	}
}

// tellEnd tells the end of a direction, once.
func (r *Reassembler) tellEnd(c *conn, dir flow.Dir, reason flow.End) {
	h := &c.half[dir]
	if c.flags&hasBrought == 0 || h.flags&endIsTold != 0 {
		return
	}
	chunk := &r.chunk
	*chunk = flow.Chunk{Conn: &c.Conn, Dir: dir, Offset: h.off(), Lost: r.takeLost(c, dir), End: reason}
	if h.flags&hasEnded != 0 {
		chunk.End, chunk.Stamp = flow.FIN, r.annexOf(c).fin[dir]
	}
	h.flags |= hasEnded | endIsTold
	if c.half[dir.Reverse()].flags&endIsTold != 0 {
		chunk.Evidence = r.evidenceOf(c)
	}
	r.sink(chunk)
}

// evidenceOf fills in what the headers of a connection showed.
func (r *Reassembler) evidenceOf(c *conn) *flow.Evidence {
	x, e := r.annexOf(c), &r.evidence
	*e = flow.Evidence{
		ID: c.id, A: c.Addr(flow.AtoB), B: c.Addr(flow.BtoA), First: c.first, SYNDir: c.synDir(),
		FIN: x.fin, RST: x.rst, FINSeq: x.finSeq, FINAck: x.finAck,
		Retrans: x.retrans, Cut: x.cut, Lost: x.toldLost, Doubts: r.doubts[c.self],
	}
	e.SYN, e.SYNACK = r.handshake(c)
	for dir := range c.half {
		e.Sent[dir] = c.half[dir].flags&hasPackets != 0
		e.Acked[dir], e.Unseen[dir] = r.acknowledged(c, flow.Dir(dir))
	}
	return e
}

// dropAnnex gives back the annex of a connection that is over.
func (r *Reassembler) dropAnnex(c *conn) {
	if i := r.annexes.at(c.annex).place - 1 - r.closed; i >= 0 {
		r.closing[i] = 0
	}
	r.annexes.give(c.annex)
	c.annex = 0
}
