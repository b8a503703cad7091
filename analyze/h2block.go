package analyze

import (
	"errors"

	"golang.org/x/net/http2/hpack"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// Bounds of the state of the header compression.
const (
	maxH2Table  = 64 << 10 // dynamic table of one direction
	maxH2Tables = 64 << 20 // fields in those of all connections, as RFC 7541, Section 4.1, counts them
)

// A headerList is what a header block says. One serves all connections: a block is
// read when all of it is there.
type headerList struct {
	fields []hpack.HeaderField // as many as there is room for, valid until the next block
	size   int                 // of all, as RFC 9113, Section 6.5.2, counts it
	room   int                 // 0: nobody asks for them
}

func (l *headerList) begin(room int) {
	clear(l.fields)
	l.fields, l.size, l.room = l.fields[:0], 0, room
}

// add takes a field, unless there are too many: one byte may stand for as much as
// the dynamic table holds.
func (l *headerList) add(f hpack.HeaderField) {
	if l.size += int(f.Size()); l.size <= l.room {
		l.fields = append(l.fields, f)
	}
}

// whole reports whether all fields are there.
func (l *headerList) whole() bool { return l.size <= l.room }

// maxBlock is how long a header block may be, or a frame with a part of it.
func (a *Analyzer) maxBlock() int { return max(maxH2Frame, a.limits.Head) }

// fragment takes a part of a header block.
func (h *h2) fragment(s *stream, dir flow.Dir, b []byte, last bool) {
	w := &h.ways[dir]
	switch {
	case len(w.block)+len(b) > s.a.maxBlock():
		s.a.result.HeadsTooLarge++
		h.lose(s, dir, tooLarge)
	case !last:
		w.block = append(w.block, b...)
	case len(w.block) > 0:
		h.readBlock(s, dir, append(w.block, b...))
	default:
		h.readBlock(s, dir, b)
	}
}

// readBlock takes a header block. Whether somebody asks for its fields or not, the
// decoder must see it.
func (h *h2) readBlock(s *stream, dir flow.Dir, block []byte) {
	w, list := &h.ways[dir], &s.a.headers
	wanted := h.wantsBlock(s, dir)
	if list.begin(0); wanted {
		list.room = s.a.limits.Head
	}
	if size, ok := tableSize(block); ok && size > maxH2Table {
		h.lose(s, dir, crowded)
		return
	}
	switch err := w.decode(list, block, s.a.limits.Head); {
	case errors.Is(err, hpack.ErrStringLength):
		s.a.result.HeadsTooLarge++
		h.lose(s, dir, tooLarge)
		return
	case err != nil:
		h.lose(s, dir, broken)
		return
	case wanted && !list.whole():
		s.a.result.HeadsTooLarge++
	}
	room := s.a.fillTable(w, list.size)
	id := w.blockOf
	if w.blockOf, w.block = 0, nil; !w.pushed {
		h.headers(s, dir, id)
	}
	if !room {
		h.lose(s, dir, crowded)
	}
	if dir == s.client {
		h.settle(s)
	}
}

// wantsBlock reports whether somebody asks for the fields of the block.
func (h *h2) wantsBlock(s *stream, dir flow.Dir) bool {
	id := h.ways[dir].blockOf
	if dir == s.client {
		return id > h.highest
	}
	x := h.stream(s, dir, id)
	return x != nil && !x.draft.answered
}

// decode reads a header block into a list. Fields that nobody asks for are counted
// as long as they tell how full the dynamic table may be.
func (w *h2Way) decode(list *headerList, block []byte, longest int) error {
	if w.decoder == nil {
		w.table = 4096 // RFC 9113, Section 6.5.2
		w.decoder = hpack.NewDecoder(uint32(w.table), list.add)
		w.decoder.SetMaxStringLength(longest)
	}
	if size, ok := tableSize(block); ok {
		w.table = int(size)
		w.decoder.SetAllowedMaxDynamicTableSize(uint32(size))
	}
	w.decoder.SetEmitEnabled(list.room > 0 || w.filled < w.table)
	if _, err := w.decoder.Write(block); err != nil {
		return err
	}
	return w.decoder.Close()
}

// tableSize returns the largest size that a header block gives the dynamic table,
// if any: it does so at its beginning, RFC 7541, Sections 4.2 and 6.3.
func tableSize(block []byte) (largest uint64, ok bool) {
	for len(block) > 0 && block[0]&0xe0 == 0x20 {
		size, more := uint64(block[0]&0x1f), block[0]&0x1f == 0x1f
		block = block[1:]
		for shift := 0; more && len(block) > 0; shift += 7 {
			size += uint64(block[0]&0x7f) << shift
			more = block[0]&0x80 != 0
			block = block[1:]
		}
		largest, ok = max(largest, size), true
	}
	return largest, ok
}

// fillTable accounts for what the dynamic table of a direction may hold behind a
// block of some size, at most what it is given. It reports whether there is room
// for that.
func (a *Analyzer) fillTable(w *h2Way, size int) bool {
	filled := min(w.table, w.filled+size)
	a.tables += filled - w.filled
	w.filled = filled
	return a.tables <= maxH2Tables
}

// dropTable gives back the room of the dynamic table of a direction.
func (a *Analyzer) dropTable(w *h2Way) {
	a.tables -= w.filled
	w.filled = 0
}
