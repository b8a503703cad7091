package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	historySize   = 1 << 20 // bytes remembered, over all connections
	historyHead   = 32      // of a record: its forerunner, sequence number, length, frame, time
	historyDepth  = 32      // records of a direction that are looked at
	historyLength = 1 << 14 // bytes of a segment that are remembered; more are in none but offloaded ones
)

// A history remembers the bytes that the consumer took last, so that what is
// sent again can be compared. It is a ring: what is old is overwritten, whoever's
// it is. A half knows its latest record, and each record the one before.
type history struct {
	ring []byte
	end  uint64 // where the next record goes, counted from the start of time
}

// A record is a run of bytes of one segment, as it is remembered.
type record struct {
	before uint64 // position+1 of the record before; 0: none
	seq    uint32
	at     flow.Stamp
	data   []byte
}

// note remembers bytes of a direction.
func (y *history) note(h *half, seq uint32, data []byte, at flow.Stamp) {
	if y.ring == nil {
		y.ring = make([]byte, historySize)
	}
	data = data[:min(len(data), historyLength)]
	place := int(y.end % historySize)
	if place+historyHead+len(data) > historySize {
		y.end += uint64(historySize - place)
		place = 0
	}
	b := y.ring[place:]
	binary.LittleEndian.PutUint64(b, h.noted)
	binary.LittleEndian.PutUint32(b[8:], seq)
	binary.LittleEndian.PutUint32(b[12:], uint32(len(data)))
	binary.LittleEndian.PutUint64(b[16:], uint64(at.Frame))
	binary.LittleEndian.PutUint64(b[24:], uint64(at.Time))
	copy(b[historyHead:], data)
	h.noted = y.end + 1
	y.end += uint64(historyHead + len(data))
}

// read returns the record at a position, if it is not overwritten.
func (y *history) read(pos uint64) (rec record, ok bool) {
	if pos == 0 || y.end-(pos-1) > historySize {
		return rec, false
	}
	b := y.ring[(pos-1)%historySize:]
	n := binary.LittleEndian.Uint32(b[12:])
	return record{
		before: binary.LittleEndian.Uint64(b),
		seq:    binary.LittleEndian.Uint32(b[8:]),
		at:     flow.Stamp{Frame: int(binary.LittleEndian.Uint64(b[16:])), Time: int64(binary.LittleEndian.Uint64(b[24:]))},
		data:   b[historyHead : historyHead+n],
	}, true
}

// A difference is where two copies of the same bytes are not the same.
type difference struct {
	seq uint32 // of the first byte that differs
	n   int    // from there to the last that differs
	rec record // the first copy
}

// compare looks for bytes of a segment that are remembered otherwise.
func (y *history) compare(h *half, seq uint32, data []byte) (d difference, differs bool) {
	pos := h.noted
	for range historyDepth {
		rec, ok := y.read(pos)
		if !ok {
			return d, false
		}
		if first, n := firstDifference(rec.seq, rec.data, seq, data); n > 0 {
			return difference{first, n, rec}, true
		}
		pos = rec.before
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
	c.doubt(flow.Doubt{
		Kind: flow.Differs, Dir: dir, Offset: h.offsetOf(d.seq), Len: d.n, First: d.rec.at, Second: at,
		Acked: h.hasAck && int32(h.acked-d.seq-uint32(d.n)) >= 0,
		// Novak and Sturges, "Target-Based TCP Stream Reassembly", 2007: what has
		// been passed on stays. In the queue, a copy that begins earlier wins with
		// Linux and the BSDs, and with Linux one that begins there and ends later.
		Linux: queued && (int32(seq-first) < 0 || seq == first && int32(seq+uint32(s.wire)-firstEnd) > 0),
		BSD:   queued && int32(seq-first) < 0,
	})
}

// offsetOf returns the offset of a byte of the direction.
func (h *half) offsetOf(seq uint32) int64 {
	return h.off + int64(int32(seq-h.next))
}

// maxDoubts is how many doubts of a direction are kept apart.
const maxDoubts = flow.MaxDoubts / 2

// doubt notes what the bytes alone do not decide. Those too many of a direction
// make its last one wide.
func (c *conn) doubt(d flow.Doubt) {
	var last *flow.Doubt
	n := 0
	for i := range c.Doubts {
		o := &c.Doubts[i]
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
		c.Doubts = append(c.Doubts, d)
		return
	}
	end := max(last.Offset+int64(last.Len), d.Offset+int64(d.Len))
	last.Offset = min(last.Offset, d.Offset)
	last.Len = int(end - last.Offset)
	last.Acked, last.Wide = last.Acked && d.Acked, true
}
