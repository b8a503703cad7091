package reassembly

import "github.com/wssniff/wssniff/reassembly/flow"

const (
	// maxAhead is how far ahead of the next byte a segment may lie to be kept
	// for later. Beyond it the bytes between will hardly come.
	maxAhead = 1 << 20

	// maxSkip is how far next runs ahead at once of what was seen. Half the
	// sequence space would make old and new bytes look alike.
	maxSkip = 1 << 29

	// mostSkip is the most that half.skip holds, a multiple of maxSkip.
	mostSkip = 7 * maxSkip
)

// payload takes the bytes of a segment.
func (r *Reassembler) payload(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	if len(s.payload) < s.wire {
		r.countCut(c, dir)
	}
	end := seq + uint32(s.wire)
	if h.flags&hasEnded != 0 {
		if int32(end-r.annexOf(c).finSeq[dir]) <= 0 {
			h.see(end) // a direction that nobody wants ends when its FIN comes, and bytes before that may come late
		}
		return
	}
	if h.flags&hasStarted == 0 && !h.startMidStream(seq, s) {
		return
	}
	if h.noted != 0 && int32(seq-h.high) < 0 {
		r.compare(c, dir, seq, s, at)
	}
	if s.urgent != 0 {
		r.doubt(c, flow.Doubt{Kind: flow.Urgent, Dir: dir, Offset: h.offsetOf(seq + uint32(s.urgent) - 1), Len: 1, First: at})
	}
	if h.flags&wantsNone == 0 {
		r.place(c, dir, seq, s, at)
	}
	h.see(end)
}

// advance takes a whole segment that begins right behind everything seen, and not
// behind the next wanted byte, of a direction in order.
func (r *Reassembler) advance(c *conn, dir flow.Dir, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	end := s.seq + uint32(s.wire)
	if h.flags&wantsNone == 0 {
		if h.skip != 0 {
			r.skipAhead(c, dir, end)
		}
		if int32(end-h.next) > 0 {
			data := s.payload[h.next-s.seq:]
			r.history.note(h, h.next, data, at)
			r.deliver(c, dir, data, at, s)
			if h.skip != 0 {
				r.skipAhead(c, dir, end)
			}
		}
	}
	h.high = end
}

// place puts the bytes of a segment where they belong: to the consumer, into
// the queue, or nowhere.
func (r *Reassembler) place(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	end := seq + uint32(s.wire)
	r.skipAhead(c, dir, end)
	switch ahead := int32(seq - h.next); {
	case h.flags&hasFIN != 0 && r.behindFIN(c, dir, end):
		// bytes after the FIN belong to nobody
	case h.flags&isDisordered != 0:
		r.resort(r.disorderOf(c, dir), seq, s, at)
	case ahead <= 0:
		r.inOrder(c, dir, seq, s, at)
	case int32(end-h.next) > maxAhead:
		r.farAhead(c, dir, seq, s, at)
	default:
		r.resort(r.disorder(c, dir, at), seq, s, at)
	}
}

// behindFIN reports whether bytes that go on to end come after all that the FIN
// leaves.
func (r *Reassembler) behindFIN(c *conn, dir flow.Dir, end uint32) bool {
	fin := r.annexOf(c).finSeq[dir]
	return int32(end-fin) > 0 && int32(c.half[dir].next-fin) >= 0
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
	if ahead := int32(seq - h.acked); h.flags&hasAck != 0 && ahead > 0 && ahead <= maxAhead {
		next = h.acked
	}
	h.startLate(next)
	return true
}

// skipAhead lets next run over bytes that are to be skipped, at most maxSkip
// ahead of what was seen.
func (r *Reassembler) skipAhead(c *conn, dir flow.Dir, end uint32) {
	h := &c.half[dir]
	for h.skip > 0 && int32(end-h.next) > 0 {
		n := min(h.skip, maxSkip)
		h.skip -= n
		h.forward(n)
		if h.skip == 0 && h.flags&hasMoreSkip != 0 {
			r.skip(c, dir, r.annexOf(c).moreSkip[dir])
		}
	}
}

// skip lets a direction skip n bytes from next on.
func (r *Reassembler) skip(c *conn, dir flow.Dir, n int64) {
	h := &c.half[dir]
	h.flags &^= hasMoreSkip
	if n > mostSkip {
		r.annexed(c).moreSkip[dir] = n - mostSkip
		h.flags |= hasMoreSkip
		n = mostSkip
	}
	h.skip = uint32(max(0, n))
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
		r.deliver(c, dir, s.payload[old:], at, s)
	}
	r.skipAhead(c, dir, end)
	r.loseUpTo(c, dir, end)
}

// countRetrans counts a segment that brought nothing new. Bytes that are being
// skipped are old only if they were seen before.
func (r *Reassembler) countRetrans(c *conn, dir flow.Dir, end uint32) {
	if int32(end-c.half[dir].high) <= 0 {
		r.annexed(c).retrans[dir]++
		r.stats.Retrans++
	}
}

// countCut counts a segment that lost payload to the snap length.
func (r *Reassembler) countCut(c *conn, dir flow.Dir) {
	r.stats.CutPayload++
	if c.flags&isOver == 0 {
		r.annexed(c).cut[dir]++
	}
}

// loseUpTo moves next to seq; the bytes between are to be told as lost.
func (r *Reassembler) loseUpTo(c *conn, dir flow.Dir, seq uint32) {
	h := &c.half[dir]
	n := int32(seq - h.next)
	if n <= 0 {
		return
	}
	h.forward(uint32(n))
	if h.flags&hasLostAny != 0 {
		return
	}
	x := r.annexed(c)
	if h.flags&hasLost == 0 {
		h.flags |= hasLost
		x.lost[dir] = 0
	}
	x.lost[dir] += int64(n)
}

// takeLost counts the bytes that are missing right before the next one, which are
// about to be told, and returns their number.
func (r *Reassembler) takeLost(c *conn, dir flow.Dir) int64 {
	h := &c.half[dir]
	if h.flags&(hasLost|hasLostAny) == 0 {
		return 0
	}
	n := int64(-1)
	if h.flags&hasLostAny == 0 {
		x := r.annexed(c)
		n = x.lost[dir]
		x.toldLost[dir] += n
		r.stats.LostBytes += n
	}
	h.flags &^= hasLost | hasLostAny
	return n
}

// farAhead takes a segment that lies too far ahead to wait for the bytes
// between. It may be garbage: it is believed if the receiver acknowledged it or
// if a second segment follows on the first.
func (r *Reassembler) farAhead(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h, x := &c.half[dir], r.annexed(c)
	believed := h.flags&hasAck != 0 && int32(h.acked-seq) >= 0 || h.flags&hasFar != 0 && x.far[dir] == seq
	if !believed {
		x.far[dir] = seq + uint32(s.wire)
		h.flags |= hasFar
		r.stats.FarIgnored++
		return
	}
	h.flags &^= hasFar
	r.loseUpTo(c, dir, seq)
	r.inOrder(c, dir, seq, s, at)
}

// deliver hands the next bytes of a direction to the consumer and obeys its
// answer. Of the segment that carried them, it takes what it was sent with.
func (r *Reassembler) deliver(c *conn, dir flow.Dir, data []byte, at flow.Stamp, from *segment) {
	h := &c.half[dir]
	if h.flags&(wantsNone|hasEnded) != 0 {
		return
	}
	lost := int64(0)
	if h.flags&(hasLost|hasLostAny) != 0 {
		lost = r.takeLost(c, dir)
	}
	c.flags |= hasBrought
	// Field by field: made elsewhere and copied, it is read before it is written,
	// for which the processor waits.
	chunk := &r.chunk
	chunk.Conn, chunk.Dir, chunk.Offset, chunk.Lost, chunk.Stamp = &c.Conn, dir, h.off(), lost, at
	chunk.Seq, chunk.Ack, chunk.Data, chunk.Link = h.next, from.ack, data, from.mac
	chunk.End, chunk.Evidence = flow.Open, nil
	want := r.sink(chunk)
	h.forward(uint32(len(data)))
	switch {
	case want == flow.None:
		h.flags |= wantsNone
	case uint64(want) <= mostSkip && h.flags&hasMoreSkip == 0:
		h.skip = uint32(want)
	default:
		r.skip(c, dir, int64(want))
	}
	h.see(h.next)
}
