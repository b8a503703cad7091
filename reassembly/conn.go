package reassembly

import (
	"net/netip"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A conn is a connection as the reassembler follows it. What every packet needs
// comes first: many connections do not fit into a cache.
type conn struct {
	key     key
	path    [2]uint64 // of the segments of each direction
	older   *conn     // another use of the 4-tuple, see among
	swapped bool      // A is the greater end of key
	opened  bool      // more than a handshake was seen
	lingers bool      // in Reassembler.closing
	gone    bool      // forgotten
	queue   uint8     // the one of Reassembler.queues that it is in
	half    [2]half
	flow.Conn
	queued  int64 // when it was put into its queue
	prev    *conn // in the queue
	next    *conn // in the queue
	closeAt int64 // since when it lingers
	closeNo int   // place in Reassembler.closing, those that left it counted
}

// A half is one direction of a connection.
type half struct {
	next     uint32 // sequence number of the next byte that is wanted
	high     uint32 // highest sequence number seen, plus one
	acked    uint32 // highest acknowledgement of the receiver, valid iff hasAck
	base     uint32 // sequence number of the SYN, or what stands for it (see setBase), valid iff hasBase
	finSeq   uint32 // sequence number of the FIN, valid iff hasFIN
	reset    uint32 // sequence number of the RST, valid iff hasReset: its sender has sent all before it
	far      uint32 // sequence number right after the last segment that was far outside, valid iff hasFar
	hasBase  bool
	hasAck   bool
	hasFIN   bool
	hasFar   bool
	hasReset bool
	started  bool   // next is valid
	none     bool   // the consumer wants nothing more
	ended    bool   // the consumer was told the end
	off      int64  // offset of the byte at next
	skip     int64  // bytes still to skip from next on
	lost     int64  // bytes missing right before next, not yet told; -1: number unknown
	noted    uint64 // latest record in Reassembler.history, plus one; 0: none
	q        *disorder
}

// dirOf returns the direction of a segment, given whether its sender is the
// greater end of the key.
func (c *conn) dirOf(swapped bool) flow.Dir {
	if swapped == c.swapped {
		return flow.AtoB
	}
	return flow.BtoA
}

// reused reports whether a segment opens a new connection on the 4-tuple of c.
// The rule is Wireshark's, so that stream numbers agree: a SYN whose sequence
// number differs from the one that its direction started with.
func (c *conn) reused(dir flow.Dir, s *segment) bool {
	h := &c.half[dir]
	return s.flags&(flagSYN|flagACK) == flagSYN && h.hasBase && h.base != s.seq
}

// near reports whether a sequence number may belong to a direction seen up to
// high.
func near(seq, high uint32) bool {
	d := int32(seq - high)
	return -maxAhead <= d && d <= maxAhead
}

// open makes the connection of a 4-tuple that has none.
func (r *Reassembler) open(k key, swapped bool, s *segment, at flow.Stamp) *conn {
	c := r.newConn(k, swapped, s, at)
	r.table.insert(c)
	return c
}

func (r *Reassembler) newConn(k key, swapped bool, s *segment, at flow.Stamp) *conn {
	c := &conn{key: k, swapped: swapped}
	c.ID = r.stats.Conns
	c.A, c.B = addrPort(s.src, s.sport), addrPort(s.dst, s.dport)
	c.First = at
	c.path = [2]uint64{s.path, s.path}
	r.stats.Conns++
	r.admit(c, s)
	return c
}

func addrPort(b []byte, port uint16) netip.AddrPort {
	a, _ := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(a, port)
}

// track updates the evidence of a connection and takes the segment's bytes.
func (r *Reassembler) track(c *conn, dir flow.Dir, s *segment, at flow.Stamp) {
	h, peer := &c.half[dir], &c.half[dir.Reverse()]
	if s.flags&flagSYN == 0 && !c.Last[0].Seen() && !c.Last[1].Seen() && !c.SYN.Seen() {
		r.stats.MidStream++
	}
	c.Last[dir] = at
	if s.flags&flagACK != 0 {
		if !peer.started && c.SYN.Seen() && c.SYNDir == dir && s.flags&flagSYN == 0 && s.seq == h.base+1 {
			peer.start(s.ack, 0) // the client's first ACK says what the SYN-ACK said, which comes late or not at all
		}
		peer.acknowledge(s.ack)
		peer.setBase(s.ack - 1)
	}
	seq := s.seq
	if s.flags&flagSYN != 0 {
		c.synchronise(dir, s, at)
		seq++
	} else {
		h.setBase(seq - 1)
	}
	if s.flags&(flagSYN|flagRST) == 0 || s.wire > 0 {
		c.opened = true
	}
	if s.wire > 0 {
		r.payload(c, dir, seq, s, at)
	}
	if s.flags&flagFIN != 0 && c.plausible(dir, seq) {
		c.fin(dir, seq+uint32(s.wire), s.ack, at)
	}
	if h.hasFIN && !h.ended {
		r.endAtFIN(c, dir)
	}
	if s.flags&flagRST != 0 && c.plausible(dir, seq) && !c.RST[dir].Seen() {
		c.RST[dir] = at
		h.reset, h.hasReset = seq, h.started
	}
	if s.flags&(flagFIN|flagRST) != 0 && !c.lingers && (c.RST[0].Seen() || c.RST[1].Seen() || c.FIN[0].Seen() && c.FIN[1].Seen()) {
		c.lingers, c.closeAt, c.closeNo = true, at.Time, r.closed+len(r.closing)
		r.closing = append(r.closing, c)
	}
}

// setBase notes what a direction starts with, the first time it shows: in its
// own first segment or in what the other side acknowledges.
func (h *half) setBase(seq uint32) {
	if !h.hasBase {
		h.base, h.hasBase = seq, true
	}
}

func (h *half) acknowledge(ack uint32) {
	if !h.hasAck || int32(ack-h.acked) > 0 {
		h.acked, h.hasAck = ack, true
	}
}

// evidence tells whether everything seen of the direction was acknowledged, and
// whether there was more than that.
func (h *half) evidence() (acked, unseen bool) {
	unseen = h.hasReset && int32(h.reset-h.high) > 1 // one more may be a FIN
	if !h.hasAck || !h.hasBase {
		return false, unseen
	}
	if !h.started { // nothing seen but the numbers in empty segments
		return false, int32(h.acked-h.base) > 2 // what stands for the SYN, and a FIN
	}
	d := int32(h.acked - h.high)
	if h.hasFIN && d == 1 {
		d = 0 // the FIN itself
	}
	return d >= 0 && h.high != h.base+1, unseen || d > 1
}

// synchronise takes the SYN of a direction, RFC 9293, Section 3.5.
func (c *conn) synchronise(dir flow.Dir, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	if h.setBase(s.seq); s.flags&flagACK != 0 {
		h.base = s.seq // as Wireshark has it: the latest SYN-ACK counts
	}
	if !h.started {
		h.start(s.seq+1, 0)
	}
	if s.flags&flagACK == 0 {
		if !c.SYN.Seen() {
			c.SYN, c.SYNDir = at, dir
		}
		return
	}
	if !c.SYNACK.Seen() {
		c.SYNACK, c.SYNDir = at, dir.Reverse()
	}
	if peer := &c.half[dir.Reverse()]; !peer.started { // the SYN itself was not captured
		peer.start(s.ack, 0)
	}
}

func (h *half) start(next uint32, lost int64) {
	h.next, h.high, h.started, h.lost = next, next, true, lost
}

func (c *conn) fin(dir flow.Dir, seq, ack uint32, at flow.Stamp) {
	h := &c.half[dir]
	if c.FIN[dir].Seen() {
		return
	}
	if !h.started {
		next := seq
		if ahead := int32(seq - h.base - 1); h.hasBase && 0 < ahead && ahead <= maxAhead {
			next = h.base + 1 // what lies between was not captured
		}
		h.start(next, -1)
	}
	c.FIN[dir], c.FINSeq[dir], c.FINAck[dir] = at, seq, ack
	h.finSeq, h.hasFIN = seq, true
}

// plausible keeps a RST or FIN from elsewhere in the sequence space from ending
// a connection: it must not lie before what was seen and acknowledged, nor far
// ahead of what its sender sent (RFC 9293, Section 3.10.7).
func (c *conn) plausible(dir flow.Dir, seq uint32) bool {
	h := &c.half[dir]
	if !h.started || !h.hasBase {
		return true
	}
	old := int32(seq-h.high) < 0 && h.hasAck && int32(seq-h.acked) < 0
	return near(seq, h.high) && !old
}

// end tells the consumer the end of both directions, once, and settles what the
// acknowledgements show by now.
func (r *Reassembler) end(c *conn, reason flow.End) {
	c.Acked[0], c.Unseen[0] = c.half[0].evidence()
	c.Acked[1], c.Unseen[1] = c.half[1].evidence()
	for dir := range c.half {
		h := &c.half[dir]
		for h.q != nil {
			r.giveUp(h.q)
			r.stats.HolesGiven++
		}
		if h.hasFIN && !h.ended {
			h.loseUpTo(h.finSeq)
			r.endAtFIN(c, flow.Dir(dir))
		}
		r.tellEnd(c, flow.Dir(dir), reason)
	}
}

// endAtFIN tells the end of a direction whose FIN is next.
func (r *Reassembler) endAtFIN(c *conn, dir flow.Dir) {
	h := &c.half[dir]
	h.skipAhead(h.finSeq)
	if h.q == nil && (h.none || int32(h.next-h.finSeq) >= 0) {
		r.tellEnd(c, dir, flow.FIN)
	}
}

func (r *Reassembler) tellEnd(c *conn, dir flow.Dir, reason flow.End) {
	h := &c.half[dir]
	if h.ended {
		return
	}
	h.ended = true
	r.countLost(c, dir)
	at := c.Last[dir]
	if reason == flow.FIN {
		at = c.FIN[dir]
	}
	r.sink(flow.Chunk{Conn: &c.Conn, Dir: dir, Offset: h.off, Lost: h.lost, Stamp: at, End: reason})
	h.lost = 0
}
