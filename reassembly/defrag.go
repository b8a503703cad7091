package reassembly

import (
	"bytes"
	"container/list"
	"slices"
)

// A piece is a fragment of an IP packet. Its slices point into the packet.
type piece struct {
	src, dst []byte
	id       uint32
	proto    byte // of the whole datagram: the protocol, or what follows the fragment header
	start    int  // of data, in bytes
	more     bool // it is not the last
	data     []byte
	cut      int // bytes missing from the end of data: the snap length took them, or the length lies
}

const (
	// maxRuns is how many separate runs of bytes an incomplete datagram may
	// consist of. Eight-byte fragments with a gap after each would make many.
	maxRuns = 256

	// mixedAfter is how long, in nanoseconds, the fragments of an IP packet may be
	// apart without rousing the suspicion that they are of two, which got the same
	// number (RFC 4963): the TCP checksum tells.
	mixedAfter = second / 10

	datagramSize = 512 // what a datagram costs besides its bytes, about
)

// A defragmenter puts IP packets together, RFC 815 and RFC 8200, Section 4.5.
// Where fragments overlap, the first copy of a byte counts. Fragments that
// contradict each other are of two datagrams that got the same number, or an
// attack: what they make is believed only if the TCP checksum is right.
type defragmenter struct {
	limit int   // bytes held at once
	wait  int64 // nanoseconds of capture time that a datagram may take

	byName  map[datagramName]*list.Element
	waiting list.List // of *datagram, oldest first
	held    int       // bytes

	lost    int // datagrams given up because a fragment did not come
	full    int // datagrams given up because of limit or maxRuns
	clashes int // datagrams whose fragments contradict each other
}

// A datagramName tells datagrams apart.
type datagramName struct {
	src, dst [2]uint64
	path     uint64
	id       uint32
	proto    byte
	v6       bool
}

// A datagram is one that is not complete yet.
type datagram struct {
	name  datagramName
	since int64
	data  []byte
	runs  []run // of data that are there, in order, not touching each other
	end   int   // length of the whole, as its last fragment has it; -1: not seen
	clash bool  // fragments contradict each other

	frames []int // that its fragments came in, at most maxRuns, if somebody wants to know
}

// A run is a range of bytes.
type run struct{ start, end int }

func newDefragmenter(limit int, wait int64) *defragmenter {
	return &defragmenter{limit: limit, wait: wait, byName: map[datagramName]*list.Element{}}
}

// add takes a fragment that came on a path at a time, in some frames: several if
// it was fragmented itself. If it completes a datagram, that is returned and not
// touched again.
func (f *defragmenter) add(q *piece, path uint64, now int64, frames ...int) *datagram {
	f.giveUp(now)
	if q.cut > 0 || len(q.data) == 0 {
		return nil
	}
	name := datagramName{addrWords(q.src), addrWords(q.dst), path, q.id, q.proto, len(q.src) == 16}
	e := f.byName[name]
	if e == nil {
		e = f.begin(name, now)
	}
	g := e.Value.(*datagram)
	g.frames = append(g.frames, frames[:min(len(frames), maxRuns-len(g.frames))]...)
	f.held -= len(g.data)
	g.put(q)
	f.held += len(g.data)
	if g.whole() {
		f.drop(e)
		return g
	}
	if len(g.runs) > maxRuns {
		f.full++
		f.drop(e)
	}
	for f.held > f.limit {
		f.full++
		f.drop(f.waiting.Front())
	}
	return nil
}

func (f *defragmenter) begin(name datagramName, now int64) *list.Element {
	e := f.waiting.PushBack(&datagram{name: name, since: now, end: -1})
	f.byName[name] = e
	f.held += datagramSize
	return e
}

func (f *defragmenter) drop(e *list.Element) {
	g := f.waiting.Remove(e).(*datagram)
	delete(f.byName, g.name)
	if g.clash {
		f.clashes++
	}
	f.held -= datagramSize + len(g.data)
}

// apart is how far two times lie from each other: time may run backwards.
func apart(a, b int64) int64 { return max(a-b, b-a) }

// giveUp drops the datagrams that have waited too long.
func (f *defragmenter) giveUp(now int64) {
	for e := f.waiting.Front(); e != nil && now-e.Value.(*datagram).since > f.wait; e = f.waiting.Front() {
		f.lost++
		f.drop(e)
	}
}

// finish drops all datagrams: the fragments that they lack will not come.
func (f *defragmenter) finish() {
	for f.waiting.Len() > 0 {
		f.lost++
		f.drop(f.waiting.Front())
	}
}

// put adds a fragment.
func (g *datagram) put(q *piece) {
	n := run{q.start, q.start + len(q.data)}
	switch {
	case q.more:
		g.clash = g.clash || g.end >= 0 && n.end > g.end
	case g.end < 0:
		g.end = n.end
		g.clash = g.clash || len(g.data) > n.end
	default:
		g.clash = g.clash || n.end != g.end
	}
	if n.end > len(g.data) {
		g.data = append(g.data, make([]byte, n.end-len(g.data))...)
	}
	at := n.start
	for _, r := range g.runs {
		from, to := max(r.start, at), min(r.end, n.end)
		if from >= to {
			continue
		}
		g.clash = g.clash || !bytes.Equal(g.data[from:to], q.data[from-n.start:to-n.start])
		copy(g.data[at:from], q.data[at-n.start:])
		at = to
	}
	copy(g.data[at:n.end], q.data[at-n.start:])
	g.cover(n)
}

// cover adds a run and joins those that it touches.
func (g *datagram) cover(n run) {
	first, _ := slices.BinarySearchFunc(g.runs, n.start, func(r run, start int) int { return r.end - start })
	last := first
	for last < len(g.runs) && g.runs[last].start <= n.end {
		n = run{min(n.start, g.runs[last].start), max(n.end, g.runs[last].end)}
		last++
	}
	g.runs = slices.Replace(g.runs, first, last, n)
}

func (g *datagram) whole() bool {
	return g.end >= 0 && g.runs[0].start == 0 && g.runs[0].end >= g.end
}
