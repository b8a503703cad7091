package reassembly

import (
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

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
	if r.cfg.Remember > 0 && reason != flow.Evicted {
		r.past = append(r.past, pastConn{at: c.last, id: c.id, self: c.self})
	}
}

// A pastConn is a connection that is over.
type pastConn struct {
	at   int64 // time of its latest packet, when it was looked at
	id   int
	self uint32
}

// forgetPast forgets connections that have been over for long enough. If more than
// MaxConns wait for that, the oldest are left to those who make room.
func (r *Reassembler) forgetPast(now int64) {
	for len(r.past) > 0 {
		p := r.past[0]
		c := r.table.conns.at(p.self)
		there, crowded := c.flags&isLive != 0 && c.id == p.id, len(r.past) > r.cfg.MaxConns // not there: it may be another one by now
		if there && !crowded && apart(now, p.at) < r.cfg.Remember {
			return
		}
		r.past = r.past[1:]
		switch {
		case !there || crowded:
		case apart(now, c.last) < r.cfg.Remember:
			r.past = append(r.past, pastConn{at: c.last, id: c.id, self: c.self})
		default:
			r.forget(c)
		}
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

// Evidence returns what the headers of a connection showed up to now, of one whose
// last chunk was not handed out yet. What the connection is inside of another one,
// is found by its ends.
func (r *Reassembler) Evidence(f *flow.Conn) flow.Evidence {
	latest, _ := r.table.find(&f.Ends, r.table.hash(&f.Ends))
	if latest == nil {
		return flow.Evidence{A: f.Addr(flow.AtoB), B: f.Addr(flow.BtoA)}
	}
	c := latest
	for &c.Conn != f && c.flags&hasOlder != 0 {
		c = r.table.conns.at(c.older)
	}
	if &c.Conn != f {
		c = latest
	}
	before := r.evidence
	e := *r.evidenceOf(c)
	r.evidence = before
	e.Doubts = slices.Clone(e.Doubts)
	return e
}

// Tick does what depends on time alone, where no packets come.
func (r *Reassembler) Tick(now int64) {
	if r.lookUp(now); now >= r.nextTic {
		r.tick(now)
	}
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
