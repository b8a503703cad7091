package reassembly

import (
	"encoding/binary"
	"slices"
	"time"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"
	"github.com/google/gopacket/reassembly"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A sorter is gopacket's reassembly, used for directions out of order only and
// fenced in against its known faults (release 1.1.19):
//
//   - its key glues two uses of a 4-tuple together, so the key is our own number
//     of the disorder and nothing else;
//   - its wrap arithmetic is off by one, so it sees sequence numbers that start
//     at zero and never wrap;
//   - its overlap handling lets the last copy of queued bytes win, so it never
//     sees a byte twice;
//   - its page limit skips bytes without a word and its flush walks every
//     connection, so holes are filled by us when we give up on them, and known
//     by their place;
//   - it leaks pages when a connection with queued pages closes, so it is closed
//     only when it is empty;
//   - it panics in places, so it is called under recover.
type sorter struct {
	assembler *reassembly.Assembler
	factory   factory
	nextID    uint64
	pages     int        // held, over all directions
	segment   layers.TCP // the one that is fed: gopacket would have each on the heap
}

// A factory makes the stream that the sorter is about to feed.
type factory struct{ stream *disorder }

func (f *factory) New(_, _ gopacket.Flow, _ *layers.TCP, _ reassembly.AssemblerContext) reassembly.Stream {
	return f.stream
}

func newSorter() *sorter {
	s := &sorter{}
	s.assembler = reassembly.NewAssembler(reassembly.NewStreamPool(&s.factory))
	return s
}

// noContext is the packet context gopacket asks for and has no use for here.
type noContext struct{}

func (noContext) GetCaptureInfo() gopacket.CaptureInfo {
	return gopacket.CaptureInfo{Timestamp: time.Unix(0, 0)}
}

// A disorder is a direction while it has segments out of order. Positions are
// sequence numbers relative to base, the next byte when the disorder began.
type disorder struct {
	r     *Reassembler
	c     *conn
	dir   flow.Dir
	net   [2]gopacket.Flow // the direction's key in gopacket, and its reverse
	base  uint32
	since int64  // capture time since which the first hole is open
	sent  uint32 // position up to which gopacket gave its bytes back
	spans []span // queued bytes, in order, not overlapping
	pages int
}

// A span is a run of queued bytes from one packet.
type span struct {
	start, end uint32
	at         flow.Stamp
	ack        uint32 // of the packet
}

func (s span) pages() int { return int(s.end-s.start+pageBytes-1) / pageBytes }

// pageBytes is the payload of one of gopacket's pages.
const pageBytes = 1900

// maxSent ends a disorder that never became whole before its positions could
// wrap.
const maxSent = 1 << 30

// disorder begins the disorder of a direction.
func (r *Reassembler) disorder(c *conn, dir flow.Dir, at flow.Stamp) *disorder {
	if r.sorter == nil {
		r.sorter = newSorter()
	}
	r.stats.Disordered++
	r.sorter.nextID++
	h := &c.half[dir]
	d := &disorder{r: r, c: c, dir: dir, net: netFlows(r.sorter.nextID), base: h.next, since: at.Time}
	h.flags |= isDisordered
	r.disorders[waitingAs(c, dir)] = d
	r.holes = append(r.holes, d)
	d.feed(0, layers.TCP{Seq: 0, SYN: true})
	return d
}

// waitingAs is the key of Reassembler.disorders.
func waitingAs(c *conn, dir flow.Dir) uint64 { return uint64(c.self)<<1 | uint64(dir) }

// disorderOf returns the disorder of a direction that is out of order.
func (r *Reassembler) disorderOf(c *conn, dir flow.Dir) *disorder {
	return r.disorders[waitingAs(c, dir)]
}

// netFlows makes the key of a disorder: its number, with a byte that tells the
// directions apart.
func netFlows(id uint64) [2]gopacket.Flow {
	const endpointDisorder = gopacket.EndpointType(9001) // any number gopacket does not use
	var a, b [9]byte
	binary.BigEndian.PutUint64(a[:], id)
	binary.BigEndian.PutUint64(b[:], id)
	b[8] = 1
	return [2]gopacket.Flow{
		gopacket.NewFlow(endpointDisorder, a[:], b[:]),
		gopacket.NewFlow(endpointDisorder, b[:], a[:]),
	}
}

// feed hands one segment to gopacket. way 0 is the direction's own, 1 the
// reverse. Position p is gopacket's sequence number p+1.
func (d *disorder) feed(way int, t layers.TCP) {
	defer func() {
		if recover() != nil {
			d.abandon()
		}
	}()
	s := d.r.sorter
	s.factory.stream, s.segment = d, t
	s.assembler.AssembleWithContext(d.net[way], &s.segment, noContext{})
}

// Accept implements gopacket's Stream: it takes every segment.
func (d *disorder) Accept(*layers.TCP, gopacket.CaptureInfo, reassembly.TCPFlowDirection, reassembly.Sequence, *bool, reassembly.AssemblerContext) bool {
	return true
}

// ReassemblyComplete implements gopacket's Stream: the connection is removed.
func (d *disorder) ReassemblyComplete(reassembly.AssemblerContext) bool { return true }

// ReassembledSG implements gopacket's Stream: it takes bytes back in order and
// hands them on packet by packet, less those that are no longer wanted.
func (d *disorder) ReassembledSG(sg reassembly.ScatterGather, _ reassembly.AssemblerContext) {
	n, _ := sg.Lengths()
	if n == 0 {
		return
	}
	data, start := sg.Fetch(n), d.sent
	d.sent += uint32(n)
	for len(d.spans) > 0 && int32(d.spans[0].end-d.sent) <= 0 {
		s := d.spans[0]
		d.spans = d.spans[1:]
		d.hold(-s.pages())
		d.deliver(s, data[s.start-start:s.end-start])
	}
}

// deliver hands on the bytes of one span, from the next wanted byte on.
func (d *disorder) deliver(s span, data []byte) {
	h := &d.c.half[d.dir]
	d.r.skipAhead(d.c, d.dir, d.base+s.end)
	if old := int32(h.next - (d.base + s.start)); old >= 0 && int(old) < len(data) {
		d.r.deliver(d.c, d.dir, data[old:], s.at, &segment{ack: s.ack})
	}
}

func (d *disorder) hold(pages int) {
	d.pages += pages
	d.r.sorter.pages += pages
}

// open reports whether the direction is still out of order.
func (d *disorder) open() bool { return d.r.disorderOf(d.c, d.dir) == d }

func (d *disorder) queuedEnd() uint32 {
	if n := len(d.spans); n > 0 {
		return d.spans[n-1].end
	}
	return d.sent
}

// resort takes a segment of a direction that is out of order, and ends the
// disorder when it is whole again.
func (r *Reassembler) resort(d *disorder, seq uint32, s *segment, at flow.Stamp) {
	start, end := seq-d.base, seq+uint32(len(s.payload))-d.base
	if int32(end-(d.sent+maxAhead)) > 0 || d.sent > maxSent { // what is queued goes first
		for d.open() {
			r.giveUp(d)
			r.stats.PageLimit++
		}
		if d.c.half[d.dir].flags&(wantsNone|hasEnded) == 0 {
			r.place(d.c, d.dir, seq, s, at)
		}
		return
	}
	if !d.insert(start, end, s, at) {
		r.countRetrans(d.c, d.dir, end+d.base)
	}
	for d.open() && (d.pages*pageBytes > r.cfg.MaxQueuedDir || r.sorter.pages*pageBytes > r.cfg.MaxQueued) {
		r.giveUp(d)
		r.stats.PageLimit++
	}
	d.settle()
}

// insert queues the parts of [start, end) that are not there yet: the first
// copy of a byte is the one that counts. It reports whether there were any.
func (d *disorder) insert(start, end uint32, from *segment, at flow.Stamp) bool {
	fresh := false
	for pos := start; ; {
		if int32(pos-d.sent) < 0 {
			pos = d.sent
		}
		i := d.after(pos)
		if i < len(d.spans) && int32(d.spans[i].start-pos) <= 0 { // there already
			pos = d.spans[i].end
			continue
		}
		if int32(end-pos) <= 0 {
			return fresh
		}
		stop := end
		if i < len(d.spans) && int32(d.spans[i].start-stop) < 0 {
			stop = d.spans[i].start
		}
		s := span{pos, stop, at, from.ack}
		d.spans = slices.Insert(d.spans, i, s)
		d.hold(s.pages())
		fresh = true
		d.r.history.note(&d.c.half[d.dir], d.base+pos, from.payload[pos-start:stop-start], at)
		d.feed(0, layers.TCP{Seq: pos + 1, BaseLayer: layers.BaseLayer{Payload: from.payload[pos-start : stop-start]}})
		pos = stop
	}
}

// after returns the index of the first span that ends after pos.
func (d *disorder) after(pos uint32) int {
	i, _ := slices.BinarySearchFunc(d.spans, pos, func(s span, pos uint32) int {
		if int32(s.end-pos) <= 0 {
			return -1
		}
		return 1
	})
	return i
}

// settle brings gopacket to the next wanted byte, which the consumer may have
// moved, and ends the disorder if nothing is queued any more.
func (d *disorder) settle() {
	h := &d.c.half[d.dir]
	if !d.open() {
		return
	}
	for len(d.spans) > 0 { // what fill lets through may move the next wanted byte again
		before, upTo := d.sent, d.queuedEnd()
		if h.flags&(wantsNone|hasEnded) == 0 {
			d.r.skipAhead(d.c, d.dir, d.base+upTo)
			if next := h.next - d.base; int32(upTo-next) > 0 {
				upTo = next
			}
		}
		if d.fill(upTo); d.sent == before {
			break
		}
	}
	if len(d.spans) == 0 {
		d.leave()
	}
}

var zeros [64 << 10]byte // never written

// fill closes the holes up to a position with zeros. Their bytes lie before the
// next wanted byte, so nobody sees them.
func (d *disorder) fill(upTo uint32) {
	for int32(upTo-d.sent) > 0 && len(d.spans) > 0 {
		n := min(d.spans[0].start, upTo) - d.sent
		if n == 0 {
			break
		}
		before := d.sent
		d.feed(0, layers.TCP{Seq: d.sent + 1, BaseLayer: layers.BaseLayer{Payload: zeros[:min(n, uint32(len(zeros)))]}})
		if d.sent == before {
			d.abandon()
		}
	}
}

// abandon drops what gopacket holds and does not give back.
func (d *disorder) abandon() {
	d.r.stats.Panics++
	d.sent = d.queuedEnd()
	d.spans = nil
}

// giveUp tells the first hole as lost and lets the bytes behind it through.
func (r *Reassembler) giveUp(d *disorder) {
	if len(d.spans) > 0 {
		first := d.spans[0].start
		r.loseUpTo(d.c, d.dir, d.base+first)
		d.fill(first)
		if len(d.spans) > 0 && d.spans[0].start == first {
			d.abandon()
		}
	}
	d.settle()
}

// leave takes the direction out of gopacket: a FIN each way makes it drop the
// connection, which is empty.
func (d *disorder) leave() {
	d.feed(0, layers.TCP{Seq: d.sent + 1, FIN: true})
	d.feed(1, layers.TCP{Seq: 0, SYN: true, FIN: true})
	d.hold(-d.pages)
	h := &d.c.half[d.dir]
	h.flags &^= isDisordered
	delete(d.r.disorders, waitingAs(d.c, d.dir))
	if i := slices.Index(d.r.holes, d); i >= 0 {
		d.r.holes = slices.Delete(d.r.holes, i, i+1)
	}
	if h.flags&(hasFIN|hasEnded) == hasFIN {
		d.r.endAtFIN(d.c, d.dir)
	}
}

// giveUpHoles gives up on holes that have been open too long: soon if the
// receiver acknowledged the bytes, so that the capture lost them and no one will
// send them again; later if they may still be sent again.
func (r *Reassembler) giveUpHoles(now int64) {
	for _, d := range slices.Clone(r.holes) {
		if now < d.since {
			d.since = now // time ran backwards
		}
		h := &d.c.half[d.dir]
		wait := r.cfg.HoleWaitUnacked
		if len(d.spans) > 0 && h.flags&hasAck != 0 && int32(h.acked-d.base-d.spans[0].start) >= 0 {
			wait = r.cfg.HoleWait
		}
		if now-d.since >= wait {
			d.since = now
			r.giveUp(d)
			r.stats.HolesGiven++
		}
	}
}
