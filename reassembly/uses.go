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
func (r *Reassembler) among(c *conn, swapped bool, s *segment, at flow.Stamp) *conn {
	if s.flags&(flagSYN|flagACK) == flagSYN {
		return r.amongForSYN(c, swapped, s, at)
	}
	var fits, own *conn                         // numbers fit, but not the path; the other way round
	both := false                               // the other direction of fits comes along
	moved := c.path[c.dirOf(swapped)] != s.path // else a SYN-ACK counts for the newest, as Wireshark has it
	for u := c; u != nil; u = u.older {
		dir := u.dirOf(swapped)
		along, suits := u.path[dir] == s.path && u.known(), !u.contradicts(dir, s) && !(moved && u.answersOther(dir, s))
		switch {
		case along && suits:
			return u
		case along && own == nil:
			own = u
		case suits && !both:
			if also := u.path[dir.Reverse()] == s.path && u.known(); fits == nil || also {
				fits, both = u, also
			}
		}
	}
	if fits != nil {
		return r.alongside(fits, c, swapped, s, at)
	}
	if own != nil {
		return own
	}
	return r.beside(c, swapped, s, at)
}

// amongForSYN does it for a segment that opens a connection.
func (r *Reassembler) amongForSYN(c *conn, swapped bool, s *segment, at flow.Stamp) *conn {
	for u := c; u != nil; u = u.older {
		if dir := u.dirOf(swapped); u.path[dir] != s.path && u.copyOfSYN(dir, s, at) {
			return u
		}
	}
	for u := c; u != nil; u = u.older {
		switch dir := u.dirOf(swapped); {
		case u.path[dir] != s.path:
		case u.reused(dir, s):
			return r.replace(u, swapped, s, at)
		default:
			return u
		}
	}
	return r.beside(c, swapped, s, at)
}

// copyOfSYN reports whether a SYN on another path is that of the connection,
// seen again.
func (c *conn) copyOfSYN(dir flow.Dir, s *segment, at flow.Stamp) bool {
	h := &c.half[dir]
	if !h.hasBase || h.base != s.seq || c.lingers || c.FIN[dir].Seen() {
		return false
	}
	return h.high == h.base+1 && at.Time-c.lastActive() < 3*second || at.Time-c.SYN.Time < synCopyWait
}

// alongside takes a segment for a connection that shows on another path, unless
// its bytes are others than those the connection sent at that place: then it is
// of a connection that got the same sequence numbers, and so far looked the same.
// A path that brings new bytes is the direction's path from now on.
func (r *Reassembler) alongside(u, newest *conn, swapped bool, s *segment, at flow.Stamp) *conn {
	dir := u.dirOf(swapped)
	h := &u.half[dir]
	if !u.Last[dir].Seen() || s.wire > 0 && int32(s.seq-h.high) >= 0 {
		u.path[dir] = s.path
		return u
	}
	if h.probe(s.seq, s) || u.doubted(dir, s) {
		return u
	}
	if _, differs := r.history.compare(h, s.seq, s.payload); !differs {
		return u
	}
	twin := r.beside(newest, swapped, s, at)
	d := twin.dirOf(swapped)
	for i := range u.half {
		if h := &u.half[i]; h.hasBase {
			t := &twin.half[i^int(dir^d)]
			t.base, t.hasBase = h.base, true
			if u.SYN.Seen() || u.SYNACK.Seen() {
				t.start(h.base+1, 0)
			}
		}
	}
	twin.SYN, twin.SYNACK, twin.SYNDir = u.SYN, u.SYNACK, u.SYNDir^dir^d
	return twin
}

// replace opens a connection on a 4-tuple and a path that are in use. The one
// that it replaces lives on beside it unless it is over.
func (r *Reassembler) replace(u *conn, swapped bool, s *segment, at flow.Stamp) *conn {
	r.stats.Reused++
	k := u.key
	if u.lingers {
		r.end(u, flow.Evicted)
		r.forget(u)
	}
	if c := r.table.find(&k); c != nil {
		return r.beside(c, swapped, s, at)
	}
	return r.open(k, swapped, s, at)
}

// beside opens another connection on the 4-tuple of c, which is the newest on it.
func (r *Reassembler) beside(c *conn, swapped bool, s *segment, at flow.Stamp) *conn {
	k := c.key
	r.dropOldestUse(c)
	next := r.newConn(k, swapped, s, at) // which may evict c
	if c = r.table.find(&k); c != nil {
		r.table.remove(c)
		next.older = c
	}
	r.table.insert(next)
	return next
}

// dropOldestUse makes room on a 4-tuple, first of all of what never got further
// than a SYN.
func (r *Reassembler) dropOldestUse(c *conn) {
	n, victim := 0, c
	for u := c; u != nil; u = u.older {
		n++
		if !u.opened || victim.opened {
			victim = u
		}
	}
	if n >= maxUses {
		r.drop(victim)
	}
}

// known reports whether anything is known of the connection's numbers.
func (c *conn) known() bool { return c.half[0].hasBase || c.half[1].hasBase }

// contradicts reports whether the numbers of a segment are far from everything
// that the connection has seen.
func (c *conn) contradicts(dir flow.Dir, s *segment) bool {
	h, peer := &c.half[dir], &c.half[dir.Reverse()]
	return s.flags&flagSYN == 0 && h.excludes(s.seq) || s.flags&flagACK != 0 && peer.excludes(s.ack)
}

// answersOther reports whether a segment is the answer to another SYN than that
// of the connection: it acknowledges something else.
func (c *conn) answersOther(dir flow.Dir, s *segment) bool {
	peer := &c.half[dir.Reverse()]
	return s.flags&flagSYN != 0 && peer.hasBase && (int32(s.ack-peer.base) < 1 || peer.started && int32(s.ack-peer.high) > 0)
}

// excludes reports whether a sequence number is far from all that is known of
// the direction.
func (h *half) excludes(seq uint32) bool {
	switch {
	case h.started:
		return !near(seq, h.high) && !(h.hasAck && near(seq, h.acked))
	case h.hasAck:
		return !near(seq, h.acked)
	}
	return h.hasBase && !near(seq, h.base)
}

// doubted reports whether the bytes of a segment are known to have been sent with
// different content.
func (c *conn) doubted(dir flow.Dir, s *segment) bool {
	from := c.half[dir].offsetOf(s.seq)
	return slices.ContainsFunc(c.Doubts, func(d flow.Doubt) bool {
		return d.Kind == flow.Differs && d.Dir == dir && d.Offset < from+int64(s.wire) && d.Offset+int64(d.Len) > from
	})
}
