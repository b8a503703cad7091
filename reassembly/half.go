package reassembly

import "github.com/wssniff/wssniff/reassembly/flow"

const (
	// maxAhead is how far ahead of the next byte a segment may lie to be kept
	// for later. Beyond it the bytes between will hardly come.
	maxAhead = 1 << 20

	// maxSkip is how far next runs ahead at once of what was seen. Half the
	// sequence space would make old and new bytes look alike.
	maxSkip = 1 << 29
)

// payload takes the bytes of a segment.
func (r *Reassembler) payload(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	if len(s.payload) < s.wire {
		c.Cut[dir]++
		r.stats.CutPayload++
	}
	if h.ended {
		return
	}
	if !h.started && !h.startMidStream(seq, s) {
		return
	}
	end := seq + uint32(s.wire)
	if h.noted != 0 && int32(seq-h.high) < 0 {
		r.compare(c, dir, seq, s, at)
	}
	if s.urgent != 0 {
		c.doubt(flow.Doubt{Kind: flow.Urgent, Dir: dir, Offset: h.offsetOf(seq + uint32(s.urgent) - 1), Len: 1, First: at})
	}
	if !h.none {
		r.place(c, dir, seq, s, at)
	}
	h.see(end)
}

// place puts the bytes of a segment where they belong: to the consumer, into
// the queue, or nowhere.
func (r *Reassembler) place(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	end := seq + uint32(s.wire)
	h.skipAhead(end)
	switch ahead := int32(seq - h.next); {
	case h.hasFIN && int32(end-h.finSeq) > 0 && int32(h.next-h.finSeq) >= 0:
		// bytes after the FIN belong to nobody
	case h.q != nil:
		r.resort(h.q, seq, s, at)
	case ahead <= 0:
		r.inOrder(c, dir, seq, s, at)
	case int32(end-h.next) > maxAhead:
		r.farAhead(c, dir, seq, s, at)
	default:
		r.resort(r.disorder(c, dir, at), seq, s, at)
	}
}

// see moves the high-water mark.
func (h *half) see(end uint32) {
	if int32(end-h.high) > 0 {
		h.high = end
	}
}

// startMidStream begins a direction whose SYN is not in the capture. What the
// receiver has acknowledged tells where the bytes go on; without it, they start
// with what is seen first.
func (h *half) startMidStream(seq uint32, s *segment) bool {
	if s.wire == 1 && s.flags&flagPSH == 0 {
		return false // a keep-alive probe carries one stale byte, RFC 1122, Section 4.2.3.6
	}
	next := seq
	if ahead := int32(seq - h.acked); h.hasAck && ahead > 0 && ahead <= maxAhead {
		next = h.acked
	}
	h.start(next, -1)
	return true
}

// skipAhead lets next run over bytes that are to be skipped, at most maxSkip
// ahead of what was seen.
func (h *half) skipAhead(end uint32) {
	for h.skip > 0 && int32(end-h.next) > 0 {
		n := min(h.skip, maxSkip)
		h.skip -= n
		h.next += uint32(n)
		h.off += n
	}
}

// inOrder takes a segment that begins at or before the next byte.
func (r *Reassembler) inOrder(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	end := seq + uint32(s.wire)
	if int32(end-h.next) <= 0 {
		r.countRetrans(c, dir, end)
		return
	}
	if old := int(h.next - seq); old < len(s.payload) {
		r.history.note(h, h.next, s.payload[old:], at)
		r.deliver(c, dir, s.payload[old:], at, s.ack)
	}
	h.skipAhead(end)
	h.loseUpTo(end)
}

// countRetrans counts a segment that brought nothing new. Bytes that are being
// skipped are old only if they were seen before.
func (r *Reassembler) countRetrans(c *conn, dir flow.Dir, end uint32) {
	if int32(end-c.half[dir].high) <= 0 {
		c.Retrans[dir]++
		r.stats.Retrans++
	}
}

// loseUpTo moves next to seq; the bytes between are told as lost.
func (h *half) loseUpTo(seq uint32) {
	n := int32(seq - h.next)
	if n <= 0 {
		return
	}
	h.next = seq
	h.off += int64(n)
	if h.lost >= 0 {
		h.lost += int64(n)
	}
}

// farAhead takes a segment that lies too far ahead to wait for the bytes
// between. It may be garbage: it is believed if the receiver acknowledged it or
// if a second segment follows on the first.
func (r *Reassembler) farAhead(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	believed := h.hasAck && int32(h.acked-seq) >= 0 || h.hasFar && h.far == seq
	if !believed {
		h.far, h.hasFar = seq+uint32(s.wire), true
		r.stats.FarIgnored++
		return
	}
	h.hasFar = false
	h.loseUpTo(seq)
	r.inOrder(c, dir, seq, s, at)
}

// deliver hands the next bytes of a direction to the consumer and obeys its
// answer.
func (r *Reassembler) deliver(c *conn, dir flow.Dir, data []byte, at flow.Stamp, ack uint32) {
	h := &c.half[dir]
	if h.none || h.ended {
		return
	}
	r.countLost(c, dir)
	want := r.sink(flow.Chunk{Conn: &c.Conn, Dir: dir, Offset: h.off, Lost: h.lost, Stamp: at, Seq: h.next, Ack: ack, Data: data})
	h.lost = 0
	h.next += uint32(len(data))
	h.off += int64(len(data))
	if want == flow.None {
		h.none = true
	} else {
		h.skip = int64(want)
	}
	h.see(h.next)
}

func (r *Reassembler) countLost(c *conn, dir flow.Dir) {
	if n := c.half[dir].lost; n > 0 {
		c.Lost[dir] += n
		r.stats.LostBytes += n
	}
}
