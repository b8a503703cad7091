package reassembly

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// What a trial does to the segments of a connection.
const (
	duplicate = 1 << iota
	overlap
	reorder  // within a window of 8
	drop     // 1 of 8 segments
	picky    // the consumer skips, or wants nothing more
	midway   // the handshake is not in the capture, or only half of it
	finished // both sides send a FIN
	snapped  // the snap length cuts 1 of 8 segments
	cramped  // few pages
	rough    // large segments
	modes
)

// FuzzReassemble carries two streams through a bad network and a bad sniffer.
func FuzzReassemble(f *testing.F) {
	for mode := uint16(0); mode < modes; mode += 3 {
		f.Add(uint64(mode)*31+7, mode, uint16(mode*3), uint16(1000-mode/2))
	}
	f.Fuzz(func(t *testing.T, seed uint64, mode, lenA, lenB uint16) {
		newTrial(t, seed, mode, int(lenA%5000), int(lenB%5000)).run()
	})
}

// A trial is one connection, and the model of what its consumer must be told.
type trial struct {
	*talk
	t    *testing.T
	rng  *rand.Rand
	mode uint16
	dir  [2]direction
	sent []sentSegment
	lost bool // a segment was dropped
}

type direction struct {
	stream   []byte
	captured []bool // bytes that the reassembler was handed
	origin   int64  // position of the byte at offset 0, valid iff placed
	placed   bool
	pos      int64 // offset that must come next
	delivery int64 // bytes delivered
	skipping bool  // pos counts bytes to skip that may not be there
	none     bool
	ended    bool
}

type sentSegment struct {
	from     flow.Dir
	off, ack int
	data     string
	wire     int
	fin      bool
	place    int // in the capture
}

func newTrial(t *testing.T, seed uint64, mode uint16, lens ...int) *trial {
	m := &trial{t: t, rng: rand.New(rand.NewPCG(seed, 0)), mode: mode}
	cfg := &Config{}
	if m.has(cramped) {
		cfg.MaxQueuedDir = pageBytes * (1 + m.rng.IntN(4))
	}
	m.talk = newTalk(cfg)
	m.want = m.chunk
	for i := range m.dir {
		m.dir[i].stream = make([]byte, lens[i])
		for j := range m.dir[i].stream {
			m.dir[i].stream[j] = byte(m.rng.Uint32())
		}
		m.dir[i].captured = make([]bool, lens[i])
		m.isn[i] = m.rng.Uint32()
		if m.rng.IntN(2) == 0 {
			m.isn[i] = -uint32(m.rng.IntN(lens[i] + 2)) // it wraps
		}
	}
	return m
}

func (m *trial) has(what uint16) bool { return m.mode&what != 0 }

// one reports true once in n times, if the mode has it.
func (m *trial) one(n int, what uint16) bool { return m.has(what) && m.rng.IntN(n) == 0 }

func (m *trial) run() {
	if !m.one(2, midway) {
		m.send(A, flagSYN, 0, 0, "", 0)
	}
	if !m.one(2, midway) {
		m.send(B, flagSYN|flagACK, 0, 0, "", 0)
	}
	m.converse()
	for i := range m.sent {
		m.sent[i].place = i
		if m.one(2, reorder) {
			m.sent[i].place += m.rng.IntN(9)
		}
	}
	slices.SortStableFunc(m.sent, func(a, b sentSegment) int { return a.place - b.place })
	for _, s := range m.sent {
		if m.one(8, drop) {
			m.lost = true
			continue
		}
		m.capture(s)
	}
	m.finish()
	m.judge()
}

// converse lets both sides send their streams in turns.
func (m *trial) converse() {
	most := 40
	if m.has(rough) {
		most = 4000 // more than two pages
	}
	var at [2]int
	for at[A] < len(m.dir[A].stream) || at[B] < len(m.dir[B].stream) {
		from := flow.Dir(m.rng.IntN(2))
		d := &m.dir[from]
		start, end := at[from], min(at[from]+1+m.rng.IntN(most), len(d.stream))
		if start == end {
			continue
		}
		at[from] = end
		if m.one(4, overlap) {
			start = max(0, start-m.rng.IntN(most))
			end = min(end+m.rng.IntN(most), len(d.stream))
		}
		s := sentSegment{from: from, off: start, ack: at[from.Reverse()], data: string(d.stream[start:end]), wire: end - start}
		if m.one(8, snapped) {
			s.data = s.data[:m.rng.IntN(len(s.data))]
		}
		m.sent = append(m.sent, s)
		if m.one(4, duplicate) {
			m.sent = append(m.sent, s)
		}
	}
	if m.has(finished) {
		for _, from := range []flow.Dir{A, B} {
			m.sent = append(m.sent, sentSegment{from: from, off: len(m.dir[from].stream), fin: true})
		}
	}
}

// capture hands one segment in.
func (m *trial) capture(s sentSegment) {
	for i := range len(s.data) {
		m.dir[s.from].captured[s.off+i] = true
	}
	flags := uint8(flagACK | flagPSH)
	if s.fin {
		flags |= flagFIN
	}
	m.send(s.from, flags, s.off, s.ack, s.data, s.wire)
}

// chunk compares what the consumer is told with the model.
func (m *trial) chunk(c *flow.Chunk) flow.Want {
	d := &m.dir[m.sender(c.Conn, c.Dir)]
	if d.ended || d.none && c.End == flow.Open {
		m.t.Fatalf("%s after the end, or though nothing was wanted", chunkText(c))
	}
	m.where(c, d)
	if len(c.Data) == 0 && c.End == flow.Open || len(c.Data) > 0 && c.End != flow.Open {
		m.t.Fatalf("%d bytes with end %d", len(c.Data), c.End)
	}
	at := int(d.origin + c.Offset)
	if n := len(c.Data); n > 0 && (at+n > len(d.stream) || !bytes.Equal(c.Data, d.stream[at:at+n])) {
		m.t.Fatalf("wrong bytes at offset %d, origin %d", c.Offset, d.origin)
	}
	for i := range c.Data {
		if !d.captured[at+i] {
			m.t.Fatalf("byte %d was not captured", at+i)
		}
	}
	d.delivery += int64(len(c.Data))
	d.pos = c.Offset + int64(len(c.Data))
	d.ended = c.End != flow.Open
	return m.wantNext(d)
}

// sender returns who sends in a direction of the connection: if the SYN is
// missing, the capture may show the server first.
func (m *trial) sender(c *flow.Conn, dir flow.Dir) flow.Dir {
	if c.Port[dir] == m.port {
		return A
	}
	return B
}

// where checks the place of a chunk, and that what is told lost is lost.
func (m *trial) where(c *flow.Chunk, d *direction) {
	h := &connsOf(m.r)[0].half[c.Dir]
	if origin := int64(h.next-m.isn[m.sender(c.Conn, c.Dir)]-1) - c.Offset; h.flags&hasStarted != 0 && !d.ended && c.End == flow.Open {
		if d.placed && d.origin != origin {
			m.t.Fatalf("offset 0 was position %d, now it is %d", d.origin, origin)
		}
		d.origin, d.placed = origin, true
	}
	if c.Lost < 0 {
		if d.placed && d.pos > 0 || !m.has(midway) {
			m.t.Fatalf("%s: lost an unknown number after %d bytes", chunkText(c), d.pos)
		}
		return
	}
	want := d.pos + c.Lost
	if c.Offset != want && !(c.End != flow.Open && (d.skipping || d.none)) {
		m.t.Fatalf("%s, want offset %d", chunkText(c), want)
	}
	if c.Lost == 0 || d.none {
		return
	}
	if m.has(snapped|cramped) || !d.placed { // then bytes may come too late
		return
	}
	for i := d.origin + c.Offset - c.Lost; i < d.origin+c.Offset; i++ {
		if i < int64(len(d.captured)) && d.captured[i] {
			m.t.Fatalf("%s: position %d was captured", chunkText(c), i)
		}
	}
}

func (m *trial) wantNext(d *direction) flow.Want {
	if d.ended {
		return flow.All
	}
	d.skipping = false
	if !m.one(4, picky) {
		return flow.All
	}
	if m.rng.IntN(20) == 0 {
		d.none = true
		return flow.None
	}
	n := int64(1 + m.rng.IntN(200))
	d.skipping = true
	d.pos += n
	return flow.Want(n)
}

// judge checks that nothing is missing at the end.
func (m *trial) judge() {
	checkEmpty(m.t, m.r)
	conns := connsOf(m.r)
	if len(conns) == 0 {
		return // every packet was dropped
	}
	if n := m.r.stats.LostBytes; n != 0 && !m.lost && !m.has(snapped|midway) && m.r.stats.PageLimit == 0 {
		m.t.Errorf("%d bytes lost, though nothing was dropped", n)
	}
	c := conns[0]
	for i := range m.dir {
		d, h := &m.dir[i], &c.half[m.sender(&c.Conn, flow.Dir(i))]
		if brought := c.flags&hasBrought != 0; d.ended != brought {
			m.t.Fatalf("direction %d ended: %v, though the connection had bytes: %v", i, d.ended, brought)
		}
		if d.none || d.skipping {
			continue
		}
		high := 0
		for j, ok := range d.captured {
			if ok {
				high = j + 1
			}
		}
		if h.flags&hasFIN != 0 {
			high = len(d.stream)
		}
		if d.placed && d.origin+d.pos != int64(high) && !m.has(snapped) {
			m.t.Errorf("direction %d was told up to position %d, want %d", i, d.origin+d.pos, high)
		}
	}
}

// TestLostBehindEnd gives a hole up for a segment far ahead, after which the
// consumer wants nothing more: what lies before that segment is not lost.
func TestLostBehindEnd(t *testing.T) {
	k := open(nil)
	k.answer(flow.All, flow.None)
	k.data(A, 0, "hello")
	k.data(A, 10, "bytes") // 5 to 10 are missing
	k.ack(B, 0, 5_000_001)
	k.data(A, 5_000_000, "x")
	k.finish()
	k.check(t, "A0 hello", "A10 lost 5 bytes", "A15 end", "B0 end")
}
