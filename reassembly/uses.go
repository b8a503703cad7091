package reassembly

import (
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// One 4-tuple may stand for several connections: it is used again, or two
// networks have the same addresses and show in one capture, told apart by VLAN
// or tunnel. And one connection may show in several VLANs and tunnels: a port
// mirror sees each packet twice, a router brings the answers back another way.
// So the path of a packet is no part of the key. It is asked for only where it
// differs from that of the direction's earlier segments, and then the sequence
// numbers and the bytes decide.

const (
	// maxUses is how many connections on one 4-tuple are kept apart.
	maxUses = 8

	// synCopyWait is how long after a SYN a copy of it may come on another path,
	// in nanoseconds, though the connection has gone on.
	synCopyWait = second / 10
)

// among chooses between the connections on one 4-tuple, newest first in the list
// that c begins, and opens another one if none of them can have sent the segment.
func (r *Reassembler) among(c *conn, s *segment, at flow.Stamp) *conn {
	if s.flags&(flagSYN|flagACK) == flagSYN {
		return r.amongForSYN(c, s, at)
	}
	path := s.trail()
	var fits, own *conn                      // numbers fit, but not the path; the other way round
	both := false                            // the other direction of fits comes along
	moved := c.half[c.dirOf(s)].path != path // else a SYN-ACK counts for the newest, as Wireshark has it
	for u := c; u != nil; u = r.olderThan(u) {
		dir := u.dirOf(s)
		along, suits := u.half[dir].path == path && u.known(), !u.contradicts(dir, s) && !(moved && u.answersOther(dir, s))
		switch {
		case along && suits:
			return u
		case along && own == nil:
			own = u
		case suits && !both:
			if also := u.half[dir.Reverse()].path == path && u.known(); fits == nil || also {
				fits, both = u, also
			}
		}
	}
	if fits != nil {
		return r.alongside(fits, c, s, at)
	}
	if own != nil {
		return own
	}
	return r.beside(c, s, at)
}

// olderThan returns the next older use of a 4-tuple; nil: there is none.
func (r *Reassembler) olderThan(c *conn) *conn {
	if c.older == 0 {
		return nil
	}
	return r.table.conns.at(c.older)
}

// amongForSYN does it for a segment that opens a connection.
func (r *Reassembler) amongForSYN(c *conn, s *segment, at flow.Stamp) *conn {
	path := s.trail()
	for u := c; u != nil; u = r.olderThan(u) {
		if dir := u.dirOf(s); u.half[dir].path != path && r.copyOfSYN(u, dir, s, at) {
			return u
		}
	}
	for u := c; u != nil; u = r.olderThan(u) {
		switch dir := u.dirOf(s); {
		case u.half[dir].path != path:
		case u.reused(dir, s):
			return r.replace(u, s, at)
		default:
			return u
		}
	}
	return r.beside(c, s, at)
}

// copyOfSYN reports whether a SYN on another path is that of the connection,
// seen again.
func (r *Reassembler) copyOfSYN(c *conn, dir flow.Dir, s *segment, at flow.Stamp) bool {
	h := &c.half[dir]
	if h.flags&hasBase == 0 || c.base[dir] != s.seq || c.flags&wasClosed != 0 || h.flags&hasFIN != 0 {
		return false
	}
	syn, _ := r.handshake(c)
	return h.high == c.base[dir]+1 && at.Time-c.last < 3*second || at.Time-syn.Time < synCopyWait
}

// alongside takes a segment for a connection that shows on another path, unless
// its bytes are others than those the connection sent at that place: then it is
// of a connection that got the same sequence numbers, and so far looked the same.
// A path that brings new bytes is the direction's path from now on.
func (r *Reassembler) alongside(u, newest *conn, s *segment, at flow.Stamp) *conn {
	dir := u.dirOf(s)
	h := &u.half[dir]
	if h.flags&hasPackets == 0 || s.wire > 0 && int32(s.seq-h.high) >= 0 {
		h.path = s.trail()
		return u
	}
	if h.probe(s.seq, s) || r.doubted(u, dir, s) {
		return u
	}
	if _, differs := r.history.compare(h, s.seq, s.payload); !differs {
		return u
	}
	return r.twin(u, newest, s, at)
}

// twin opens a connection that shared its handshake with u.
func (r *Reassembler) twin(u, newest *conn, s *segment, at flow.Stamp) *conn {
	was, dir := *u, u.dirOf(s) // opening another connection may forget u
	syn, synack := r.handshake(u)
	twin := r.beside(newest, s, at)
	d := twin.dirOf(s)
	for i := range was.half {
		if h := &was.half[i]; h.flags&hasBase != 0 {
			to := flow.Dir(i) ^ dir ^ d
			twin.setBase(to, was.base[i])
			if was.Handshake {
				twin.half[to].start(was.base[i] + 1)
			}
		}
	}
	side := was.synDir() ^ dir ^ d
	if was.flags&hasSYN != 0 {
		r.setSYN(twin, side, syn)
	}
	if was.flags&hasSYNACK != 0 {
		r.setSYNACK(twin, side, synack)
	}
	return twin
}

// replace opens a connection on a 4-tuple and a path that are in use. The one
// that it replaces lives on beside it unless it is over.
func (r *Reassembler) replace(u *conn, s *segment, at flow.Stamp) *conn {
	r.stats.Reused++
	if u.flags&wasClosed != 0 {
		r.end(u, flow.Evicted)
		r.forget(u)
	}
	hash := r.table.hash(&s.Ends)
	if c, _ := r.table.find(&s.Ends, hash); c != nil {
		return r.beside(c, s, at)
	}
	return r.open(hash, s, at)
}

// beside opens another connection on the 4-tuple of c, which is the newest on it.
func (r *Reassembler) beside(c *conn, s *segment, at flow.Stamp) *conn {
	r.dropOldestUse(c)
	hash := r.table.hash(&s.Ends)
	next := r.newConn(hash, s, at) // which may forget c
	if c, _ = r.table.find(&s.Ends, hash); c != nil {
		r.table.supersede(c, next)
	} else {
		r.table.insert(next)
	}
	return next
}

// dropOldestUse makes room on a 4-tuple, first of all of what never got further
// than a SYN.
func (r *Reassembler) dropOldestUse(c *conn) {
	n, victim := 0, c
	for u := c; u != nil; u = r.olderThan(u) {
		n++
		if u.flags&isOpened == 0 || victim.flags&isOpened != 0 {
			victim = u
		}
	}
	if n >= maxUses {
		r.drop(victim)
	}
}

// known reports whether anything is known of the connection's numbers.
func (c *conn) known() bool { return (c.half[0].flags|c.half[1].flags)&hasBase != 0 }

// contradicts reports whether the numbers of a segment are far from everything
// that the connection has seen.
func (c *conn) contradicts(dir flow.Dir, s *segment) bool {
	return s.flags&flagSYN == 0 && c.excludes(dir, s.seq) || s.flags&flagACK != 0 && c.excludes(dir.Reverse(), s.ack)
}

// answersOther reports whether a segment is the answer to another SYN than that
// of the connection: it acknowledges something else.
func (c *conn) answersOther(dir flow.Dir, s *segment) bool {
	peer := &c.half[dir.Reverse()]
	return s.flags&flagSYN != 0 && peer.flags&hasBase != 0 && (int32(s.ack-c.base[dir.Reverse()]) < 1 || peer.flags&hasStarted != 0 && int32(s.ack-peer.high) > 0)
}

// excludes reports whether a sequence number is far from all that is known of
// the direction.
func (c *conn) excludes(dir flow.Dir, seq uint32) bool {
	switch h := &c.half[dir]; {
	case h.flags&hasStarted != 0:
		return !near(seq, h.high) && !(h.flags&hasAck != 0 && near(seq, h.acked))
	case h.flags&hasAck != 0:
		return !near(seq, h.acked)
	}
	return c.half[dir].flags&hasBase != 0 && !near(seq, c.base[dir])
}

// doubted reports whether the bytes of a segment are known to have been sent with
// different content.
func (r *Reassembler) doubted(c *conn, dir flow.Dir, s *segment) bool {
	from := c.half[dir].offsetOf(s.seq)
	return slices.ContainsFunc(r.doubts[c.self], func(d flow.Doubt) bool {
		return d.Kind == flow.Differs && d.Dir == dir && d.Offset < from+int64(s.wire) && d.Offset+int64(d.Len) > from
	})
}
