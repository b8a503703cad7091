package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	historySize   = 1 << 20 // bytes remembered, over all connections
	historyHead   = 24      // of a record, see note
	historyDepth  = 32      // records of a direction that are looked at
	historyLength = 1 << 14 // bytes of a segment that are remembered; more are in none but offloaded ones

	// historyUnit is what records begin at multiples of. Places are counted in it,
	// from the start of time, and kept modulo 2^32.
	historyUnit  = 8
	historyUnits = historySize / historyUnit
)

// A history remembers the bytes that the consumer took last, so that what is
// sent again can be compared. It is a ring: what is old is overwritten, whoever's
// it is. A half knows its latest record, and each record the one before.
type history struct {
	ring []byte
	end  uint64 // where the next record goes, in units
	kept uint64 // end when the halves last forgot what is overwritten, see Reassembler.forgetNotes
}

// A record is a run of bytes of one segment, as it is remembered.
type record struct {
	before uint32 // place of the record before; 0: none
	seq    uint32
	at     flow.Stamp
	data   []byte
}

// note remembers bytes of a direction. A record is three words and the bytes: how
// far back the record before is, and the sequence number; the length and, in 48
// bits, the frame; the time.
func (y *history) note(h *half, seq uint32, data []byte, at flow.Stamp) {
	if y.ring == nil {
		y.ring = make([]byte, historySize)
	}
	data = data[:min(len(data), historyLength)]
	place := int(y.end%historyUnits) * historyUnit
	if place+historyHead+len(data) > historySize {
		y.end += historyUnits - y.end%historyUnits
		place = 0
	}
	if uint32(y.end) == 0 { // the place of none
		y.end++
		place += historyUnit
	}
	back := uint32(0)
	if h.noted != 0 {
		back = uint32(y.end) - h.noted
	}
	b := y.ring[place : place+historyHead+len(data)]
	binary.LittleEndian.PutUint64(b, uint64(back)|uint64(seq)<<32)
	binary.LittleEndian.PutUint64(b[8:], uint64(len(data))|uint64(at.Frame)<<16)
	binary.LittleEndian.PutUint64(b[16:], uint64(at.Time))
	copy(b[historyHead:], data)
	h.noted = uint32(y.end)
	y.end += uint64(historyHead+len(data)+historyUnit-1) / historyUnit
}

// has reports whether the record at a place is not overwritten. It must not be
// older than half of the places that there are.
func (y *history) has(place uint32) bool {
	return place != 0 && uint32(y.end)-place <= historyUnits
}

// read returns the record at a place, if it is not overwritten.
func (y *history) read(place uint32) (rec record, ok bool) {
	if !y.has(place) {
		return rec, false
	}
	b := y.ring[place%historyUnits*historyUnit:]
	back, n := binary.LittleEndian.Uint32(b), binary.LittleEndian.Uint16(b[8:])
	if 0 < back && back <= historyUnits {
		rec.before = place - back
	}
	rec.seq = binary.LittleEndian.Uint32(b[4:])
	rec.at = flow.Stamp{Frame: int(binary.LittleEndian.Uint64(b[8:]) >> 16), Time: int64(binary.LittleEndian.Uint64(b[16:]))}
	rec.data = b[historyHead : historyHead+int(n)]
	return rec, true
}

// forgetNotes lets the connections forget the places of records that are
// overwritten, before new records come to the same places modulo 2^32.
func (r *Reassembler) forgetNotes() {
	y, conns := &r.history, &r.table.conns
	y.kept = y.end
	for i := uint32(1); i < conns.next; i++ {
		for dir := range conns.at(i).half {
			if h := &conns.at(i).half[dir]; !y.has(h.noted) {
				h.noted = 0
			}
		}
	}
}

// A difference is where two copies of the same bytes are not the same.
type difference struct {
	seq uint32 // of the first byte that differs
	n   int    // from there to the last that differs
	rec record // the first copy
}

// compare looks for bytes of a segment that are remembered otherwise.
func (y *history) compare(h *half, seq uint32, data []byte) (d difference, differs bool) {
	place := h.noted
	for range historyDepth {
		rec, ok := y.read(place)
		if !ok {
			return d, false
		}
		if first, n := firstDifference(rec.seq, rec.data, seq, data); n > 0 {
			return difference{first, n, rec}, true
		}
		place = rec.before
	}
	return d, false
}

// firstDifference compares two runs of bytes where they overlap.
func firstDifference(seqA uint32, a []byte, seqB uint32, b []byte) (seq uint32, n int) {
	shift := int(int32(seqB - seqA))
	from, to := max(0, shift), min(len(a), shift+len(b))
	first, last := -1, -1
	for i := from; i < to; i++ {
		if a[i] != b[i-shift] {
			if last = i; first < 0 {
				first = i
			}
		}
	}
	if first < 0 {
		return 0, 0
	}
	return seqA + uint32(first), last + 1 - first
}

// probe reports whether a segment is a keep-alive probe, which may carry any byte
// in place of the last one, RFC 1122, Section 4.2.3.6.
func (h *half) probe(seq uint32, s *segment) bool {
	return s.wire == 1 && seq == h.high-1
}

// compare tells of bytes that were sent before with other content.
func (r *Reassembler) compare(c *conn, dir flow.Dir, seq uint32, s *segment, at flow.Stamp) {
	h := &c.half[dir]
	if h.probe(seq, s) {
		return
	}
	d, differs := r.history.compare(h, seq, s.payload)
	if !differs {
		return
	}
	r.stats.Differing++
	first, firstEnd := d.rec.seq, d.rec.seq+uint32(len(d.rec.data))
	queued := int32(d.seq-h.next) >= 0
	r.doubt(c, flow.Doubt{
		Kind: flow.Differs, Dir: dir, Offset: h.offsetOf(d.seq), Len: d.n, First: d.rec.at, Second: at,
		Acked: h.flags&hasAck != 0 && int32(h.acked-d.seq-uint32(d.n)) >= 0,
		// Novak and Sturges, "Target-Based TCP Stream Reassembly", 2007: what has
		// been passed on stays. In the queue, a copy that begins earlier wins with
		// Linux and the BSDs, and with Linux one that begins there and ends later.
		Linux: queued && (int32(seq-first) < 0 || seq == first && int32(seq+uint32(s.wire)-firstEnd) > 0),
		BSD:   queued && int32(seq-first) < 0,
	})
}

// offsetOf returns the offset of a byte of the direction.
func (h *half) offsetOf(seq uint32) int64 {
	return h.off() + int64(int32(seq-h.next))
}

// maxDoubts is how many doubts of a direction are kept apart.
const maxDoubts = flow.MaxDoubts / 2

// doubt notes what the bytes alone do not decide. Those too many of a direction
// make its last one wide.
func (r *Reassembler) doubt(c *conn, d flow.Doubt) {
	doubts := r.doubts[c.self]
	var last *flow.Doubt
	n := 0
	for i := range doubts {
		o := &doubts[i]
		if o.Dir != d.Dir {
			continue
		}
		if o.Kind == d.Kind && o.Offset == d.Offset && o.Len == d.Len { // a copy of the copy
			o.Acked = o.Acked && d.Acked
			return
		}
		last = o
		n++
	}
	if n < maxDoubts {
		c.flags |= hasDoubts
		r.doubts[c.self] = append(doubts, d)
		return
	}
	end := max(last.Offset+int64(last.Len), d.Offset+int64(d.Len))
	last.Offset = min(last.Offset, d.Offset)
	last.Len = int(end - last.Offset)
	last.Acked, last.Wide = last.Acked && d.Acked, true
}
