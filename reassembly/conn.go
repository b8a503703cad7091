package reassembly

import "github.com/wssniff/wssniff/reassembly/flow"

// A conn is a connection as the reassembler follows it. Millions may be held, and
// far more come and go: it holds no pointers, so that the garbage collector does
// not look at it, lies in a slab, and is used again when it is forgotten. Its 192
// bytes are three cache lines, of which the third is not needed by a packet that
// takes the short way (Reassembler.segment). What few connections have is in an
// annex.
type conn struct {
	flow.Conn
	last  int64 // time of the latest packet
	flags connFlags
	annex uint32 // index of its annex; 0: none

	half [2]half

	first  flow.Stamp
	id     int       // equals Wireshark's tcp.stream
	base   [2]uint32 // sequence number of the SYN of each direction, or what stands for it (see setBase), valid iff hasBase
	synack nearby    // the SYN-ACK, valid iff synackIsNear

	hash  uint32 // of Ends, see table.hash
	_     uint32 // to fill the line
	self  uint32 // its own index
	older uint32 // another use of the 4-tuple, see among; 0: none
	prev  uint32 // in its queue; 0: none
	next  uint32 // in its queue; 0: none
}

// Flags of a connection.
type connFlags uint32

const (
	isLive       connFlags = 1 << iota // in the table
	isOpened                           // more than a handshake was seen
	isOver                             // the consumer was told all there is to tell
	hasBrought                         // a chunk with bytes
	hasOlder                           // older is valid
	wasActive                          // a segment was seen, and not only a header
	wasTouched                         // was active since it was put into its queue
	wasClosed                          // by RST, or by FIN of both sides
	hasSYN                             // a SYN was seen
	synIsFirst                         // it was the first packet; else its stamp is in the annex
	hasSYNACK                          // a SYN-ACK was seen
	synackIsNear                       // its stamp is in synack; else it is in the annex
	isAsking                           // only SYNs of one side were seen, and its RST
	synFromB                           // B sent the SYN, or received the SYN-ACK
	hasDoubts                          // it is in Reassembler.doubts
	inIdle                             // it is in the queue idle, not in halfOpen
	inBusy                             // it is in the queue busy
)

// A half is one direction of a connection: both are one cache line.
type half struct {
	next  uint32 // sequence number of the next byte that is wanted
	high  uint32 // highest sequence number seen, plus one
	acked uint32 // highest acknowledgement of the receiver, valid iff hasAck
	path  uint32 // of its segments, see segment.trail
	skip  uint32 // bytes still to skip from next on; hasMoreSkip: the annex has more
	noted uint32 // latest record in Reassembler.history; 0: none
	flags halfFlags
}

// Flags of a half. The 48 bits above them are the offset of the byte at next: no
// connection has sent 280 TB.
type halfFlags uint64

const offShift = 16 // bits of flags

// off returns the offset of the byte at next.
func (h *half) off() int64 { return int64(h.flags >> offShift) }

// forward moves next by n bytes.
func (h *half) forward(n uint32) {
	h.next += n
	h.flags += halfFlags(n) << offShift
}

const (
	hasPackets   halfFlags = 1 << iota // segments were seen
	isSettled                          // its packets may take the short way, see settle
	hasBase                            // base is valid
	hasAck                             // acked is valid
	hasStarted                         // next and high are valid
	hasFIN                             // a FIN was seen
	hasRST                             // a RST was seen
	hasReset                           // the sequence number of the RST is in the annex
	hasFar                             // a segment was far outside
	hasLost                            // bytes are missing right before next, not yet told; their number is in the annex
	hasLostAny                         // the same, their number is not known
	hasMoreSkip                        // the annex has more to skip
	isDisordered                       // it is in Reassembler.disorders
	wantsNone                          // the consumer wants nothing more
	hasEnded                           // no more bytes come
	endIsTold                          // to the consumer
)

// An annex holds of a connection what few have, or have only when they close.
// It has no pointers either, and is given back when the connection is over.
type annex struct {
	fin, rst       [2]flow.Stamp // the first of each, by the direction that sent it
	finSeq, finAck [2]uint32     // sequence and acknowledgement number of the FIN
	reset          [2]uint32     // sequence number of the RST, valid iff hasReset: its sender has sent all before it
	far            [2]uint32     // sequence number right after the last segment that was far outside, valid iff hasFar

	syn, synack flow.Stamp // if they are not in the conn
	retrans     [2]int32   // segments that brought nothing new
	cut         [2]int32   // packets with payload cut off
	lost        [2]int64   // bytes missing right before next, not yet told, valid iff hasLost
	toldLost    [2]int64   // bytes that were told as lost
	moreSkip    [2]int64   // bytes to skip after half.skip, valid iff hasMoreSkip

	closedAt int64 // when it began to linger
	place    int   // in Reassembler.closing, those that left it counted, plus one; 0: not in it
}

// A nearby is a stamp not long after the first packet of a connection.
type nearby struct{ frames, nanos uint32 }

// nearTo returns how far a stamp lies behind another one, if not too far.
func nearTo(first, at flow.Stamp) (n nearby, ok bool) {
	n = nearby{uint32(at.Frame - first.Frame), uint32(at.Time - first.Time)}
	return n, n.from(first) == at
}

func (n nearby) from(first flow.Stamp) flow.Stamp {
	return flow.Stamp{Frame: first.Frame + int(n.frames), Time: first.Time + int64(n.nanos)}
}

// dirOf returns the direction of a segment of the connection.
func (c *conn) dirOf(s *segment) flow.Dir {
	there, _ := c.compare(&s.Ends)
	return flow.Dir(there)
}

// synDir is who sent the SYN, or received the SYN-ACK.
func (c *conn) synDir() flow.Dir {
	if c.flags&synFromB != 0 {
		return flow.BtoA
	}
	return flow.AtoB
}

// reused reports whether a segment opens a new connection on the 4-tuple of c.
// The rule is Wireshark's, so that stream numbers agree: a SYN whose sequence
// number differs from the one that its direction started with.
func (c *conn) reused(dir flow.Dir, s *segment) bool {
	h := &c.half[dir]
	return s.flags&(flagSYN|flagACK) == flagSYN && h.flags&hasBase != 0 && c.base[dir] != s.seq
}

// near reports whether a sequence number may belong to a direction seen up to
// high.
func near(seq, high uint32) bool {
	d := int32(seq - high)
	return -maxAhead <= d && d <= maxAhead
}

// open makes the connection of a 4-tuple that has none.
func (r *Reassembler) open(hash uint32, s *segment, at flow.Stamp) *conn {
	c := r.newConn(hash, s, at)
	r.table.insert(c)
	return c
}

// newConn makes a connection whose A sends the segment. To make room, it may
// forget any other one.
func (r *Reassembler) newConn(hash uint32, s *segment, at flow.Stamp) *conn {
	r.makeRoom()
	c, self := r.table.conns.take()
	c.self, c.flags = self, isLive
	c.Ends, c.hash = s.Ends, hash
	c.first, c.last = at, at.Time
	c.id = r.stats.Conns
	path := s.trail()
	c.half[0].path, c.half[1].path = path, path
	r.stats.Conns++
	r.admit(c, s)
	return c
}

// annexed returns the annex of a connection that is not over, to be written to.
func (r *Reassembler) annexed(c *conn) *annex {
	if c.annex == 0 {
		_, c.annex = r.annexes.take()
	}
	return r.annexes.at(c.annex)
}

// annexOf returns the annex of a connection, to be read: an empty one if it has
// none.
func (r *Reassembler) annexOf(c *conn) *annex {
	if c.annex == 0 {
		return &r.noAnnex
	}
	return r.annexes.at(c.annex)
}

// track updates the evidence of a connection and takes the segment's bytes.
func (r *Reassembler) track(c *conn, dir flow.Dir, s *segment, at flow.Stamp) {
	h, peer := &c.half[dir], &c.half[dir.Reverse()]
	if s.flags&flagSYN == 0 && c.flags&(wasActive|hasSYN) == 0 {
		r.stats.MidStream++
	}
	r.countAnswer(c, dir, s)
	if at.Time > c.last {
		c.flags |= wasTouched
	}
	c.last = at.Time
	c.flags |= wasActive
	h.flags |= hasPackets
	if s.flags&flagACK != 0 {
		if peer.flags&hasStarted == 0 && c.flags&hasSYN != 0 && c.synDir() == dir && s.flags&flagSYN == 0 && s.seq == c.base[dir]+1 {
			peer.start(s.ack) // the client's first ACK says what the SYN-ACK said, which comes late or not at all
		}
		peer.acknowledge(s.ack)
		c.setBase(dir.Reverse(), s.ack-1)
	}
	seq := s.seq
	if s.flags&flagSYN != 0 {
		r.synchronise(c, dir, s, at)
		seq++
	} else {
		c.setBase(dir, seq-1)
	}
	if s.flags&(flagSYN|flagRST) == 0 || s.wire > 0 {
		r.opens(c)
	}
	if s.wire > 0 {
		r.payload(c, dir, seq, s, at)
	}
	if c.flags&isOver == 0 {
		r.closes(c, dir, seq, s, at)
	}
	c.settle()
}

// countAnswer counts the SYNs that nobody answers, and those that a RST answers (RFC
// 9293, Section 3.5.2). A client whose next segment is no SYN had an answer that the
// capture does not show, unless it gives up.
func (r *Reassembler) countAnswer(c *conn, dir flow.Dir, s *segment) {
	switch {
	case c.flags&wasActive == 0:
		if s.flags&(flagSYN|flagACK) == flagSYN {
			c.flags |= isAsking
			r.stats.Unanswered++
		}
	case c.flags&isAsking == 0:
	case dir != c.synDir():
		if s.flags&flagRST != 0 {
			r.stats.Refused++
		}
		fallthrough
	case s.flags&(flagSYN|flagRST) == 0:
		c.flags &^= isAsking
		r.stats.Unanswered--
	}
}

// opens takes note that a connection is no longer half-open.
func (r *Reassembler) opens(c *conn) {
	if c.flags&isOpened == 0 {
		c.flags |= isOpened
		r.opened++
	}
}

// closes takes what a segment says of the end of its direction.
func (r *Reassembler) closes(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	if s.flags&flagFIN != 0 && c.plausible(dir, seq) {
		r.fin(c, dir, seq+uint32(s.wire), s.ack, at)
	}
	if h.flags&(hasFIN|hasEnded) == hasFIN {
		r.endAtFIN(c, dir)
	}
	if s.flags&flagRST != 0 && c.plausible(dir, seq) && h.flags&hasRST == 0 {
		x := r.annexed(c)
		x.rst[dir] = at
		h.flags |= hasRST
		if h.flags&hasStarted != 0 {
			x.reset[dir] = seq
			h.flags |= hasReset
		}
	}
	if s.flags&(flagFIN|flagRST) == 0 || c.flags&wasClosed != 0 {
		return
	}
	if all, any := c.half[0].flags&c.half[1].flags, c.half[0].flags|c.half[1].flags; any&hasRST != 0 || all&hasFIN != 0 {
		r.linger(c, at)
	}
}

// settle finds out whether the connection's packets may take the short way
// (Reassembler.segment): nothing is left to learn of it but bytes and
// acknowledgements.
func (c *conn) settle() {
	const numbers = hasBase | hasAck
	both := c.half[0].flags & c.half[1].flags
	if c.flags&isOpened != 0 && both&numbers == numbers && (both&hasStarted != 0 || c.flags&hasSYN == 0) {
		c.half[0].flags |= isSettled
		c.half[1].flags |= isSettled
	} else {
		c.half[0].flags &^= isSettled
		c.half[1].flags &^= isSettled
	}
}

// setBase notes what a direction starts with, the first time it shows: in its
// own first segment or in what the other side acknowledges.
func (c *conn) setBase(dir flow.Dir, seq uint32) {
	if h := &c.half[dir]; h.flags&hasBase == 0 {
		c.base[dir] = seq
		h.flags |= hasBase
	}
}

func (h *half) acknowledge(ack uint32) {
	if h.flags&hasAck == 0 || int32(ack-h.acked) > 0 {
		h.acked = ack
		h.flags |= hasAck
	}
}

// acknowledged tells whether everything seen of a direction was acknowledged, and
// whether there was more than that.
func (r *Reassembler) acknowledged(c *conn, dir flow.Dir) (acked, unseen bool) {
	h := &c.half[dir]
	unseen = h.flags&hasReset != 0 && int32(r.annexOf(c).reset[dir]-h.high) > 1 // one more may be a FIN
	if h.flags&hasAck == 0 || h.flags&hasBase == 0 {
		return false, unseen
	}
	if h.flags&hasStarted == 0 { // nothing seen but the numbers in empty segments
		return false, int32(h.acked-c.base[dir]) > 2 // what stands for the SYN, and a FIN
	}
	d := int32(h.acked - h.high)
	if h.flags&hasFIN != 0 && d == 1 {
		d = 0 // the FIN itself
	}
	return d >= 0 && h.high != c.base[dir]+1, unseen || d > 1
}

// synchronise takes the SYN of a direction, RFC 9293, Section 3.5.
func (r *Reassembler) synchronise(c *conn, dir flow.Dir, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	if c.setBase(dir, s.seq); s.flags&flagACK != 0 {
		c.base[dir] = s.seq // as Wireshark has it: the latest SYN-ACK counts
	}
	if h.flags&hasStarted == 0 {
		h.start(s.seq + 1)
	}
	if s.flags&flagACK == 0 {
		if c.flags&hasSYN == 0 {
			r.setSYN(c, dir, at)
		}
		return
	}
	if c.flags&hasSYNACK == 0 {
		r.setSYNACK(c, dir.Reverse(), at)
	}
	if peer := &c.half[dir.Reverse()]; peer.flags&hasStarted == 0 { // the SYN itself was not captured
		peer.start(s.ack)
	}
}

// setSYN notes the SYN, which dir sent.
func (r *Reassembler) setSYN(c *conn, dir flow.Dir, at flow.Stamp) {
	if c.flags |= hasSYN; at == c.first {
		c.flags |= synIsFirst
	} else if c.flags&isOver == 0 {
		r.annexed(c).syn = at
	}
	c.setSYNDir(dir)
}

// setSYNACK notes the SYN-ACK, which answers a SYN of dir.
func (r *Reassembler) setSYNACK(c *conn, dir flow.Dir, at flow.Stamp) {
	c.flags |= hasSYNACK
	if n, ok := nearTo(c.first, at); ok {
		c.synack = n
		c.flags |= synackIsNear
	} else if c.flags&isOver == 0 {
		r.annexed(c).synack = at
	}
	c.setSYNDir(dir)
}

func (c *conn) setSYNDir(dir flow.Dir) {
	c.Handshake = true
	c.flags &^= synFromB
	if dir == flow.BtoA {
		c.flags |= synFromB
	}
}

// handshake returns the stamps of the SYN and the SYN-ACK.
func (r *Reassembler) handshake(c *conn) (syn, synack flow.Stamp) {
	x := r.annexOf(c)
	if syn = x.syn; c.flags&synIsFirst != 0 {
		syn = c.first
	}
	if synack = x.synack; c.flags&synackIsNear != 0 {
		synack = c.synack.from(c.first)
	}
	return syn, synack
}

func (h *half) start(next uint32) {
	h.next, h.high = next, next
	h.flags |= hasStarted
}

// startLate starts a direction before whose first byte an unknown number is
// missing.
func (h *half) startLate(next uint32) {
	h.start(next)
	h.flags |= hasLostAny
}

func (r *Reassembler) fin(c *conn, dir flow.Dir, seq, ack uint32, at flow.Stamp) {
	h := &c.half[dir]
	if h.flags&hasFIN != 0 {
		return
	}
	if ahead := int32(seq - c.base[dir] - 1); h.flags&(hasStarted|hasBase) == hasBase && 0 < ahead && ahead <= maxAhead {
		h.startLate(c.base[dir] + 1) // what lies between was not captured
	} // else bytes that come before it may be captured later
	x := r.annexed(c)
	x.fin[dir], x.finSeq[dir], x.finAck[dir] = at, seq, ack
	h.flags |= hasFIN
}

// plausible keeps a RST or FIN from elsewhere in the sequence space from ending
// a connection: it must not lie before what was seen and acknowledged, nor far
// ahead of what its sender sent (RFC 9293, Section 3.10.7).
func (c *conn) plausible(dir flow.Dir, seq uint32) bool {
	h := &c.half[dir]
	if h.flags&hasStarted == 0 || h.flags&hasBase == 0 {
		return true
	}
	old := int32(seq-h.high) < 0 && h.flags&hasAck != 0 && int32(seq-h.acked) < 0
	return near(seq, h.high) && !old
}
