package main

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	gore "github.com/google/gopacket/reassembly"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// The fast path and the slow path find the same
//
// The reassembler takes what comes in order straight to the consumer, does not
// copy what the consumer does not want, and hands to gopacket only directions out
// of order. Here the slow path is the oracle: gopacket gets every byte. That both
// find the same rests on this:
//
//   - A consumer does without bytes only where they decide nothing. A stream skips
//     the rest of a body whose length it knows, and of which it keeps no sample;
//     reading it would count the same bytes down (parser.body, parser.skip). It
//     wants none behind the sample of a body that lasts until the close, and once
//     nothing is read any more: TLS, another protocol, no HTTP. A socket skips
//     payloads but those of Close frames, and wants none when frame borders are
//     lost. Bodies that may be none, bytes held until the other direction decides
//     and those in which a head is looked for are wanted.
//   - The answer counts from the end of the chunk, and chunks come in order, so
//     the range to skip is known when it is asked for, whatever the capture holds
//     of it. Sequence numbers keep the count: the next wanted byte and its offset
//     move together over skipped, lost and delivered bytes (half.next, half.off),
//     in steps of less than half of the sequence space.
//   - So a hole inside a skipped range does not matter: it ends before the next
//     wanted byte, and is neither waited for nor told. Of a hole that reaches
//     beyond it, the part behind it is told.
//   - What lies in front of the next wanted byte is old, whether it was delivered
//     or skipped, and the first copy of a byte counts. Nothing of a skipped range
//     is needed later: neither state goes back.
//   - Before its answer, the consumer got every byte: a direction leaves gopacket
//     only when nothing of it is queued, and what was queued before the answer is
//     cut to what is wanted when it comes back. Gopacket gets zeros for holes in
//     front of the next wanted byte; nobody sees them.
//   - The short way (half.expects) takes a segment only if nothing else could be
//     learnt of it: whole, right behind all that was seen, no flag but ACK and PSH,
//     of a direction in order that has started and not ended.
//   - Evidence comes from headers. The highest sequence number is kept of
//     every segment, wanted or not; acknowledgements, FIN and RST are too. What
//     depends on the wishes is told apart below.
//   - A direction that is not wanted ends with its FIN. Its last chunk has no
//     bytes, so that it may come before the holes in front of the FIN are filled.
//
// What may differ is not compared: which of two Close frames was first, as the
// slow path holds one back behind a hole in a payload that the fast path does not
// wait for, and both count in the order in which they are read; how many segments
// were sent again, which counts only where bytes were looked at. The headers'
// evidence of the slow path is that of a reassembler whose consumer wants all
// bytes, but for the bytes lost, which it counts itself: so evidence must not
// depend on wishes. Both sides have no bounds on bytes out of order. Packets are
// decoded once, for both; other link layers, tunnels and fragments are compared
// with plain ones by TestSameRows, and several connections on one 4-tuple at once
// by the tests of package reassembly.

// A slowPath is reassembly without any of its short ways: every byte of every
// connection is kept and goes through gopacket, in order or not, and what the
// consumer does not want is dropped right before it would be told.
type slowPath struct {
	t        *testing.T
	a        *analyze.Analyzer
	tuples   map[[2]netip.AddrPort][]*slowConn // oldest first
	all      []*slowConn
	evidence []*flow.Evidence // what the headers show, by the number of the connection
	nextTic  int64
	spare    *[]*slowSorter
}

type slowConn struct {
	p        *slowPath
	id       int
	live     flow.Conn
	dirs     [2]slowDir
	hasSYN   bool
	synDir   flow.Dir
	first    flow.Stamp
	brought  bool
	closed   bool
	closedAt int64
	over     bool
}

// A slowDir is a direction. Positions count its bytes from the first that is
// known of, and are gopacket's sequence numbers less one.
type slowDir struct {
	c   *slowConn
	dir flow.Dir

	sorter  *slowSorter // its own: a flush is for all connections of one
	pieces  []slowPiece // in gopacket, in order
	pos     int         // up to which gopacket gave its bytes back
	started bool
	base    uint32 // sequence number of position 0
	isn     uint32 // of the SYN, or what stands for it, valid iff hasISN
	high    uint32
	acked   uint32
	far     uint32 // right behind the last segment that was far ahead
	hasISN  bool
	hasAck  bool
	hasFar  bool

	wanted int   // position of the next byte that the consumer wants
	none   bool  // it wants nothing more
	lost   int64 // bytes missing before the next chunk
	late   bool  // the direction starts in the middle, and the consumer was not told
	told   int64 // bytes that were told as lost

	fin   flow.Stamp
	end   int // position of the FIN, valid iff fin was seen
	ended bool
	over  bool // the consumer knows
	rst   bool
}

// A slowPiece is a run of bytes from one packet.
type slowPiece struct {
	start, stop int
	at          flow.Stamp
	ack         uint32
	cut         bool // the snap length took them
}

// A slowSorter is gopacket for one direction at a time.
type slowSorter struct {
	asm *gore.Assembler
	of  *slowDir
}

func (s *slowSorter) New(_, _ gopacket.Flow, _ *layers.TCP, _ gore.AssemblerContext) gore.Stream {
	return s.of
}

const (
	slowAhead   = 1 << 20 // segments farther ahead are not believed at once
	slowLinger  = 2 * time.Second
	slowWait    = 60 * time.Second // for bytes that the receiver did not acknowledge
	slowWaitAck = 2 * time.Second
)

// readSlowly analyses segments as readSegments does, the slow way.
func readSlowly(t *testing.T, segments []tcpPacket, spare *[]*slowSorter) *analyze.Result {
	t.Helper()
	a := analyze.New(nil)
	p := &slowPath{t: t, a: a, tuples: map[[2]netip.AddrPort][]*slowConn{}, evidence: headerEvidence(segments), spare: spare}
	var last flow.Stamp
	for i := range segments {
		last = flow.Stamp{Frame: i + 1, Time: segments[i].time}
		p.segment(&segments[i], last)
	}
	p.finish()
	return a.Finish(last, 0)
}

// readFast does it the way that wssniff does, but for the bounds on bytes out of
// order, which the slow path does not have.
func readFast(segments []tcpPacket) *analyze.Result {
	a := analyze.New(nil)
	last := reassemble(segments, a.Chunk)
	return a.Finish(last, 0)
}

func reassemble(segments []tcpPacket, sink func(*flow.Chunk) flow.Want) (last flow.Stamp) {
	asm := reassembly.New(sink, &reassembly.Config{MaxQueued: 1 << 30, MaxQueuedDir: 1 << 30})
	for i, s := range segments {
		b := s.encode()
		asm.Packet(&capture.Packet{Num: i + 1, Time: s.time, Link: capture.LinkRaw, WireLen: len(b) + s.missing, Data: b})
		last = flow.Stamp{Frame: i + 1, Time: s.time}
	}
	asm.Finish()
	return last
}

// headerEvidence is what the headers show of every connection, whatever of its
// bytes is wanted: here all are.
func headerEvidence(segments []tcpPacket) (list []*flow.Evidence) {
	reassemble(segments, func(c *flow.Chunk) flow.Want {
		if c.Evidence != nil {
			e := *c.Evidence
			e.Doubts = slices.Clone(e.Doubts)
			list = append(list, make([]*flow.Evidence, max(0, e.ID+1-len(list)))...)
			list[e.ID] = &e
		}
		return flow.All
	})
	return list
}

func (p *slowPath) segment(s *tcpPacket, at flow.Stamp) {
	if at.Time >= p.nextTic { // four times a second, as documented of Config
		p.nextTic = at.Time + int64(time.Second/4)
		p.tick(at.Time)
	}
	c := p.find(s, at)
	if c.over {
		return
	}
	dir := flow.AtoB
	if c.live.Addr(flow.AtoB) != s.src {
		dir = flow.BtoA
	}
	c.segment(dir, s, at)
}

const ack = 1 << 4

func (p *slowPath) find(s *tcpPacket, at flow.Stamp) *slowConn {
	uses := p.tuples[s.connection()]
	if len(uses) == 0 {
		return p.open(s, at)
	}
	newest := uses[len(uses)-1]
	if s.flags&(syn|ack) == syn {
		d := newest.from(s)
		if !d.hasISN || d.isn == s.seq {
			return newest
		}
		if newest.closed {
			newest.finish(flow.Evicted)
			p.tuples[s.connection()] = uses[:len(uses)-1]
		}
		return p.open(s, at)
	}
	for _, c := range slices.Backward(uses) {
		d := c.from(s)
		if s.flags&syn == 0 && d.excludes(s.seq) || s.flags&ack != 0 && d.peer().excludes(s.ack) {
			continue
		}
		return c
	}
	return newest
}

func (p *slowPath) open(s *tcpPacket, at flow.Stamp) *slowConn {
	c := &slowConn{p: p, id: len(p.all), live: flow.Conn{Ends: flow.EndsOf(s.src, s.dst)}, first: at}
	for dir := range c.dirs {
		c.dirs[dir].c, c.dirs[dir].dir = c, flow.Dir(dir)
	}
	p.all = append(p.all, c)
	p.tuples[s.connection()] = append(p.tuples[s.connection()], c)
	return c
}

// from is the direction of a segment.
func (c *slowConn) from(s *tcpPacket) *slowDir {
	if c.live.Addr(flow.AtoB) == s.src {
		return &c.dirs[flow.AtoB]
	}
	return &c.dirs[flow.BtoA]
}

func (d *slowDir) peer() *slowDir { return &d.c.dirs[d.dir.Reverse()] }

// excludes reports whether a sequence number is far from what is known.
func (d *slowDir) excludes(seq uint32) bool {
	near := func(to uint32) bool { n := int32(seq - to); return -slowAhead <= n && n <= slowAhead }
	switch {
	case d.started:
		return !near(d.high) && !(d.hasAck && near(d.acked))
	case d.hasAck:
		return !near(d.acked)
	}
	return d.hasISN && !near(d.isn)
}

// segment takes what a segment says: acknowledgement, SYN, bytes, FIN, RST.
func (c *slowConn) segment(dir flow.Dir, s *tcpPacket, at flow.Stamp) {
	d, peer := &c.dirs[dir], &c.dirs[dir.Reverse()]
	if s.flags&ack != 0 {
		if !peer.started && c.hasSYN && c.synDir == dir && s.flags&syn == 0 && s.seq == d.isn+1 {
			peer.start(s.ack)
		}
		if !peer.hasAck || int32(s.ack-peer.acked) > 0 {
			peer.acked, peer.hasAck = s.ack, true
		}
		peer.setISN(s.ack - 1)
	}
	seq := s.seq
	if s.flags&syn != 0 {
		c.synchronise(d, s)
		seq++
	} else {
		d.setISN(seq - 1)
	}
	if wire := len(s.data) + s.missing; wire > 0 {
		d.bytes(seq, s, at)
		seq += uint32(wire)
	}
	c.closes(d, seq, s, at)
}

func (d *slowDir) setISN(seq uint32) {
	if !d.hasISN {
		d.isn, d.hasISN = seq, true
	}
}

func (c *slowConn) synchronise(d *slowDir, s *tcpPacket) {
	c.live.Handshake = true
	d.setISN(s.seq)
	if s.flags&ack != 0 {
		d.isn = s.seq
	}
	if !d.started {
		d.start(s.seq + 1)
	}
	if c.synDir = d.dir; s.flags&ack == 0 {
		c.hasSYN = true
		return
	}
	c.synDir = d.dir.Reverse()
	if !d.peer().started {
		d.peer().start(s.ack)
	}
}

// start makes seq position 0.
func (d *slowDir) start(seq uint32) {
	d.started, d.base, d.high = true, seq, seq
}

// bytes takes the bytes of a segment.
func (d *slowDir) bytes(seq uint32, s *tcpPacket, at flow.Stamp) {
	wire := len(s.data) + s.missing
	if d.ended {
		return
	}
	if !d.started {
		if wire == 1 && s.flags&psh == 0 {
			return // a keep-alive probe
		}
		next := seq
		if ahead := int32(seq - d.acked); d.hasAck && ahead > 0 && ahead <= slowAhead {
			next = d.acked
		}
		d.start(next)
		d.late = true
	}
	from := int(int32(seq - d.base))
	if end := seq + uint32(wire); int32(end-d.high) > 0 {
		d.high = end
	}
	if from+wire-max(d.pos, d.wanted) > slowAhead && !d.none && !d.believe(seq, wire) {
		return
	}
	d.insert(from, s.data, slowPiece{at: at, ack: s.ack})
	if from+len(s.data) == d.pos { // else the bytes that were cut off may still come
		d.insert(d.pos, make([]byte, s.missing), slowPiece{at: at, cut: true})
	}
	d.endAtFIN()
}

// believe reports whether a segment far ahead is to be taken.
func (d *slowDir) believe(seq uint32, wire int) bool {
	if d.hasAck && int32(d.acked-seq) >= 0 || d.hasFar && d.far == seq {
		d.hasFar = false
		return true
	}
	d.far, d.hasFar = seq+uint32(wire), true
	return false
}

// insert gives gopacket those bytes of a segment that it did not get before: the
// first copy counts.
func (d *slowDir) insert(from int, data []byte, piece slowPiece) {
	for i := from; i < from+len(data); {
		if i < d.pos {
			i = d.pos
			continue
		}
		n := slices.IndexFunc(d.pieces, func(p slowPiece) bool { return p.stop > i })
		stop := from + len(data)
		if n < 0 {
			n = len(d.pieces)
		} else if p := d.pieces[n]; p.start <= i {
			i = p.stop
			continue
		} else {
			stop = min(stop, p.start)
		}
		piece.start, piece.stop = i, stop
		d.pieces = slices.Insert(d.pieces, n, piece)
		d.feed(layers.TCP{Seq: uint32(i) + 1, BaseLayer: layers.BaseLayer{Payload: data[i-from : stop-from]}}, piece.at.Time)
		i = stop
	}
}

// A slowContext is the time of a packet.
type slowContext int64

func (c slowContext) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: time.Unix(0, int64(c))}
}

// feed hands a segment to gopacket, with a key of our own: the connection's number
// and direction.
func (d *slowDir) feed(s layers.TCP, now int64) {
	var a, b [9]byte
	binary.BigEndian.PutUint64(a[:], uint64(d.c.id)<<1|uint64(d.dir))
	b[8] = 1
	key := gopacket.NewFlow(9001, a[:], b[:])
	if d.sorter == nil {
		d.sorter = d.c.p.takeSorter()
		d.sorter.of = d
		d.sorter.asm.AssembleWithContext(key, &layers.TCP{SYN: true}, slowContext(now))
	}
	d.sorter.asm.AssembleWithContext(key, &s, slowContext(now))
}

// takeSorter returns a spare sorter: each has room for a thousand connections, so
// that a new one for each direction would take long.
func (p *slowPath) takeSorter() *slowSorter {
	if n := len(*p.spare); n > 0 {
		s := (*p.spare)[n-1]
		*p.spare = (*p.spare)[:n-1]
		return s
	}
	s := &slowSorter{}
	s.asm = gore.NewAssembler(gore.NewStreamPool(s))
	return s
}

func (d *slowDir) Accept(*layers.TCP, gopacket.CaptureInfo, gore.TCPFlowDirection, gore.Sequence, *bool, gore.AssemblerContext) bool {
	return true
}

func (d *slowDir) ReassemblyComplete(gore.AssemblerContext) bool { return true }

// ReassembledSG takes what gopacket has put in order, with what it says is missing
// before it.
func (d *slowDir) ReassembledSG(sg gore.ScatterGather, _ gore.AssemblerContext) {
	n, _ := sg.Lengths()
	if n == 0 {
		return
	}
	_, _, _, skip := sg.Info()
	if len(d.pieces) == 0 || d.pieces[0].start != d.pos+max(skip, 0) {
		d.c.p.t.Fatalf("gopacket skips %d bytes at %d, queued is %+v", skip, d.pos, d.pieces)
	}
	data, start := sg.Fetch(n), d.pieces[0].start
	for start+len(data) > d.pos {
		p := d.pieces[0]
		d.pieces = d.pieces[1:]
		d.lose(p.start)
		d.pos = p.start
		if p.cut {
			d.lose(p.stop)
			d.pos = p.stop
			continue
		}
		d.pos = p.stop
		d.deliver(p, data[p.start-start:p.stop-start])
	}
}

// lose tells that the bytes up to a position are missing, if they are wanted.
func (d *slowDir) lose(to int) {
	if missing := to - max(d.pos, d.wanted); missing > 0 && !d.none && !d.late {
		d.lost += int64(missing)
	}
}

// takeLost is what the next chunk says is missing before it.
func (d *slowDir) takeLost() int64 {
	lost := d.lost
	if d.late {
		lost = -1
	} else {
		d.told += lost
	}
	d.lost, d.late = 0, false
	return lost
}

// deliver tells the consumer the bytes of a piece that it wants.
func (d *slowDir) deliver(p slowPiece, data []byte) {
	unwanted := max(0, d.wanted-p.start)
	if d.none || d.over || unwanted >= len(data) {
		return
	}
	data = slices.Clone(data[unwanted:])
	d.c.brought = true
	at := p.start + unwanted
	want := d.c.p.a.Chunk(&flow.Chunk{
		Conn: &d.c.live, Dir: d.dir, Offset: int64(at), Lost: d.takeLost(), Stamp: p.at, Seq: d.base + uint32(at), Ack: p.ack, Data: data,
	})
	d.none = want == flow.None
	d.wanted = p.stop + int(max(0, want))
}

// closes takes FIN and RST.
func (c *slowConn) closes(d *slowDir, seq uint32, s *tcpPacket, at flow.Stamp) {
	if d.implausible(seq - uint32(len(s.data)+s.missing)) {
		return
	}
	if s.flags&fin != 0 && !d.fin.Seen() {
		if !d.started {
			if ahead := int32(seq - d.isn - 1); d.hasISN && 0 < ahead && ahead <= slowAhead {
				d.start(d.isn + 1)
			} else {
				d.start(seq)
			}
			d.late = true
		}
		d.fin, d.end = at, int(int32(seq-d.base))
	}
	d.endAtFIN()
	if s.flags&rst != 0 {
		d.rst = true
	}
	if s.flags&(fin|rst) != 0 && !c.closed && (d.rst || d.peer().rst || d.fin.Seen() && d.peer().fin.Seen()) {
		c.closed, c.closedAt = true, at.Time
	}
}

// implausible tells FINs and RSTs from elsewhere.
func (d *slowDir) implausible(seq uint32) bool {
	if !d.started || !d.hasISN {
		return false
	}
	n := int32(seq - d.high)
	return n < -slowAhead || n > slowAhead || n < 0 && d.hasAck && int32(seq-d.acked) < 0
}

// endAtFIN ends a direction of which nothing more is to come.
func (d *slowDir) endAtFIN() {
	if !d.fin.Seen() || d.ended || len(d.pieces) > 0 || !d.none && max(d.pos, d.wanted) < d.end {
		return
	}
	d.ended = true
	if !d.peer().ended {
		d.tellEnd(flow.FIN)
	}
}

func (d *slowDir) tellEnd(reason flow.End) {
	if !d.c.brought || d.over {
		return
	}
	chunk := flow.Chunk{Conn: &d.c.live, Dir: d.dir, Offset: int64(max(d.pos, d.wanted)), Lost: d.takeLost(), End: reason}
	if d.ended {
		chunk.End, chunk.Stamp = flow.FIN, d.fin
	}
	d.ended, d.over = true, true
	if d.peer().over {
		e := d.c.p.evidence[d.c.id]
		if e.First != d.c.first || e.A != d.c.live.Addr(flow.AtoB) {
			d.c.p.t.Fatalf("connection %d begins with frame %d, and with frame %d", d.c.id, d.c.first.Frame, e.First.Frame)
		}
		e.Lost = [2]int64{d.c.dirs[0].told, d.c.dirs[1].told}
		chunk.Evidence = e
	}
	d.c.p.a.Chunk(&chunk)
}

// tick gives up on holes, and ends connections that were closed some time ago.
func (p *slowPath) tick(now int64) {
	for _, c := range p.all {
		for dir := range c.dirs {
			d := &c.dirs[dir]
			if len(d.pieces) == 0 {
				continue
			}
			wait := slowWait
			if d.hasAck && int(int32(d.acked-d.base)) >= d.pieces[0].start {
				wait = slowWaitAck
			}
			d.sorter.asm.FlushWithOptions(gore.FlushOptions{T: time.Unix(0, now-int64(wait)+1)})
			d.endAtFIN()
		}
		if c.closed && now-c.closedAt >= int64(slowLinger) {
			c.finish(flow.RST)
		}
	}
}

func (p *slowPath) finish() {
	for _, c := range p.all {
		if c.closed {
			c.finish(flow.RST)
		}
	}
	for _, c := range p.all {
		c.finish(flow.CaptureEnd)
	}
}

// finish tells what is still queued, and the end of both directions.
func (c *slowConn) finish(reason flow.End) {
	if c.over {
		return
	}
	a, b := &c.dirs[flow.AtoB], &c.dirs[flow.BtoA]
	a.flush()
	a.tellEnd(reason)
	b.flush()
	a.tellEnd(reason) // if it is only now that there is something
	b.tellEnd(reason)
	c.over = true
}

func (d *slowDir) flush() {
	if d.sorter != nil {
		d.sorter.asm.FlushAll()
		*d.c.p.spare = append(*d.c.p.spare, d.sorter)
		d.sorter = nil
	}
	if d.fin.Seen() && !d.ended {
		d.lose(d.end)
		d.pos = max(d.pos, d.end)
		d.endAtFIN()
	}
}

// wholeText is everything that is shown of a result.
func wholeText(r *analyze.Result) (lines []string) {
	for a := range r.Attempts.All() {
		var b strings.Builder
		fmt.Fprintf(&b, "%d: stream %d, client %v, server %v, %v %q", a.Number, a.Conn.ID, a.Client(), a.Server(), a.Verdict, a.Reason)
		for _, m := range []*analyze.Message{a.Request, a.Response} {
			if m != nil {
				fmt.Fprintf(&b, "\n  %q %v %v at %d, %v to %v in %d segments, %d behind, %q", m.Head.Raw, m.Complete, m.Lost, m.Offset, m.First, m.Done, m.Segments, m.Tail, m.Body)
			}
		}
		fmt.Fprintf(&b, "\n  %v %q %q %q %q %v %+v", a.Interim, a.Tunnel, a.Key, a.Accept, a.Expected, a.Cause, a.Frames)
		if a.Frames[0].Close == 0 || a.Frames[1].Close == 0 {
			fmt.Fprintf(&b, "\n  %+v", a.Close)
		}
		for _, f := range a.Findings {
			fmt.Fprintf(&b, "\n  %+v", f)
		}
		e := *a.Conn
		e.Retrans, e.Doubts = [2]int32{}, nil
		fmt.Fprintf(&b, "\n  %+v", e)
		if a.Redirect != nil {
			c := *a.Redirect.Chain
			if c.First != nil {
				fmt.Fprintf(&b, "\n  again: %d", c.First.ID)
				c.First = nil
			}
			fmt.Fprintf(&b, "\n  hop %d of %+v", a.Redirect.Hop, c)
		}
		lines = append(lines, b.String())
	}
	for _, u := range r.Upgrades {
		lines = append(lines, fmt.Sprintf("upgrade to %s: %d", u.Protocol, u.Status))
	}
	return append(lines, fmt.Sprintf("%d requests, %d HTTP, %d TLS, %d too large, %d unpaired, %d unheld",
		r.Requests, r.HTTPConns, r.TLSConns, r.HeadsTooLarge, r.Unpaired, r.Unheld))
}

// mixed are captures in which the two paths may differ when packets are lost.
var mixed = map[string]string{
	"identity-two-vlans.pcap":        "rewritten without their VLANs, two connections make one: which numbers are too far away to be believed depends on what was read",
	"redirect-loss.pcap":             "with holes in both directions, answers reach the requests before them only if the right hole is given up first",
	"connect-redirect-into-tls.pcap": "with holes in both directions, answers reach the requests before them only if the right hole is given up first",
	"redirect-too-long.pcap":         "with holes in both directions, answers reach the requests before them only if the right hole is given up first",
}

// TestFastPath compares what is found with what the slow path finds, in every
// capture as it is and with its packets disturbed.
func TestFastPath(t *testing.T) {
	attempts := 0
	var spare []*slowSorter
	for _, name := range cleanCaptures(t) {
		segments := loadSegments(t, name)
		attempts += checkFast(t, filepath.Base(name), segments, &spare)
		for seed := range seeds() / 4 {
			rng := rand.New(rand.NewPCG(seed, 11))
			checkFast(t, fmt.Sprintf("%s, disturbed, seed %d", filepath.Base(name), seed), overlap(disturb(segments, rng), rng), &spare)
			if mixed[filepath.Base(name)] != "" {
				continue
			}
			rest := slices.DeleteFunc(slices.Clone(segments), func(tcpPacket) bool { return rng.IntN(12) == 0 })
			checkFast(t, fmt.Sprintf("%s, with losses, seed %d", filepath.Base(name), seed), rest, &spare)
			checkFast(t, fmt.Sprintf("%s, with losses and slowly, seed %d", filepath.Base(name), seed), stretch(rest), &spare)
		}
	}
	if t.Logf("%d attempts", attempts); attempts < 400 {
		t.Errorf("only %d attempts compared", attempts)
	}
}

// overlap sends bytes again together with those that were sent behind them, cut
// otherwise.
func overlap(segments []tcpPacket, rng *rand.Rand) (out []tcpPacket) {
	last := map[[2]netip.AddrPort]tcpPacket{}
	for _, s := range segments {
		out = append(out, s)
		way := [2]netip.AddrPort{s.src, s.dst}
		before := last[way]
		if follows := len(before.data) > 0 && before.seq+uint32(len(before.data)) == s.seq; follows && len(s.data) > 0 && s.flags&(syn|rst|fin) == 0 && rng.IntN(3) == 0 {
			from, to := rng.IntN(len(before.data)), 1+rng.IntN(len(s.data))
			again := s
			again.seq, again.data, again.missing = before.seq+uint32(from), slices.Concat(before.data[from:], s.data[:to]), 0
			out = append(out, again)
		}
		if last[way] = s; s.missing > 0 {
			last[way] = tcpPacket{}
		}
	}
	return out
}

// stretch lets packets come so slowly that holes are given up and connections end
// while the capture goes on.
func stretch(segments []tcpPacket) (out []tcpPacket) {
	for _, s := range segments {
		s.time = segments[0].time + (s.time-segments[0].time)*1000
		out = append(out, s)
	}
	return out
}

func checkFast(t *testing.T, name string, segments []tcpPacket, spare *[]*slowSorter) int {
	t.Helper()
	fast, slow := wholeText(readFast(segments)), wholeText(readSlowly(t, segments, spare))
	if slices.Equal(fast, slow) {
		return len(fast)
	}
	lines := func(texts []string) []string { return strings.Split(strings.Join(texts, "\n"), "\n") }
	t.Errorf("%s\nfast %s\nslow %s", name, without(lines(fast), lines(slow)), without(lines(slow), lines(fast)))
	return len(fast)
}
