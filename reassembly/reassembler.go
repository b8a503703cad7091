// Package reassembly turns packets into TCP connections and their bytes in
// order.
//
// A packet is read where it lies, its connection is found in a table, and
// bytes that come in order go straight to the consumer. Only a direction with
// segments out of order is handed to gopacket's reassembly, until it is whole
// again. The consumer answers every chunk with what it wants next (flow.Want);
// what it does not want is never copied.
//
// A connection is held in some 210 bytes, without pointers, and used again when
// it is forgotten. What its headers showed is told with its last chunk.
//
// This is the only package that imports gopacket.
package reassembly

import (
	"math/rand/v2"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// Config bounds the work of a Reassembler. The zero value of a field means its
// default.
type Config struct {
	MaxConns        int   // connections remembered at once, some 210 bytes each; default 1,048,576
	MaxHalfOpen     int   // of them, those of which only the handshake was seen; default an eighth
	MaxQueued       int   // bytes out of order, over all connections, in whole pages of 1,900; default 32 MiB
	MaxQueuedDir    int   // the same for one direction; default 300 KiB
	MaxFragments    int   // bytes of incomplete IP packets; default 16 MiB
	FragmentWait    int64 // nanoseconds of capture time that an IP packet may take to be complete; default 30 s
	HoleWait        int64 // nanoseconds of capture time to wait for bytes that the receiver has acknowledged; default 2 s
	HoleWaitUnacked int64 // the same for bytes not acknowledged; default 60 s
	Linger          int64 // nanoseconds after RST, or FIN of both sides, in which late bytes are still taken; default 2 s
	Remember        int64 // nanoseconds for which a connection that is over is remembered after its latest packet; default as long as there is room
	CheckSums       bool  // ignore segments with a wrong TCP checksum

	Datagram func(flow.Datagram)  // is handed the datagrams of DNS and DHCP, from within Packet only; nil: not wanted
	Refused  func(*flow.Evidence) // is told of connections that a RST in answer to the SYN refused, when they are over; the Evidence is valid during the call; nil: not wanted
	Foresee  func(state uint32)   // is told the State of a connection whose next bytes are about to be handed out, so that what is kept of it can be asked for meanwhile; nil: not wanted
	Sighted  func(*flow.Sighting) // is told of each packet of a connection, when it was taken; of a frame with several packets, of each; valid during the call; nil: not wanted
}

const second = int64(1e9)

// Defaults returns the defaults of all fields but MaxHalfOpen, which follows
// MaxConns.
func Defaults() Config {
	return Config{
		MaxConns: 1 << 20, MaxQueued: 32 << 20, MaxQueuedDir: 300 << 10, MaxFragments: 16 << 20,
		FragmentWait: 30 * second, HoleWait: 2 * second, HoleWaitUnacked: 60 * second, Linger: 2 * second,
	}
}

func (c *Config) withDefaults() Config {
	if c == nil {
		c = &Config{}
	}
	d := Defaults()
	d.CheckSums, d.Datagram, d.Refused, d.Foresee, d.Sighted = c.CheckSums, c.Datagram, c.Refused, c.Foresee, c.Sighted
	setDefault(&d.MaxConns, c.MaxConns)
	d.MaxHalfOpen = max(1, d.MaxConns/8)
	setDefault(&d.MaxHalfOpen, c.MaxHalfOpen)
	setDefault(&d.MaxFragments, c.MaxFragments)
	setDefault(&d.FragmentWait, c.FragmentWait)
	setDefault(&d.MaxQueued, c.MaxQueued)
	setDefault(&d.MaxQueuedDir, c.MaxQueuedDir)
	setDefault(&d.HoleWait, c.HoleWait)
	setDefault(&d.HoleWaitUnacked, c.HoleWaitUnacked)
	setDefault(&d.Linger, c.Linger)
	setDefault(&d.Remember, c.Remember)
	return d
}

func setDefault[T int | int64](d *T, v T) {
	if v > 0 {
		*d = v
	}
}

// Stats counts what a Reassembler saw, and what it could not see.
type Stats struct {
	Packets     int // all that were handed in
	Segments    int // TCP segments
	Conns       int // connections
	MidStream   int // of them, those whose first packet is no SYN
	Refused     int // connections that a RST in answer to the SYN refused
	Unanswered  int // connections of which only SYNs of one side were seen, so far
	Other       int // packets of other protocols
	Headers     int // of Other, TCP headers without a segment, as ICMP errors quote them
	Fragments   int // fragments of IP packets
	FragLost    int // IP packets that stayed incomplete
	FragLimit   int // IP packets given up because of MaxFragments, or because they came in too many pieces
	FragMixed   int // IP packets put together of fragments that do not belong together, says the TCP checksum
	FragClash   int // IP packets whose fragments contradict each other
	Encrypted   int // packets under 802.11, IPsec or MACsec encryption
	WiFiParts   int // fragments of 802.11 frames, not put together
	Corrupt     int // frames that the radio received with errors
	TooDeep     int // packets with more headers around each other than are followed
	BadSums     int // segments ignored because of a wrong checksum
	CutHeaders  int // packets that the snap length cut inside their headers
	CutPayload  int // segments that lost payload to the snap length
	Retrans     int // segments that brought nothing new
	Differing   int // segments with other bytes than were sent before in their place
	Disordered  int // times a direction fell out of order
	LostBytes   int64
	HolesGiven  int // holes given up because of HoleWait, HoleWaitUnacked or the end
	PageLimit   int // holes given up because MaxQueued or MaxQueuedDir was reached
	FarIgnored  int // segments far outside the window of their connection, ignored
	Evicted     int // connections forgotten because of MaxConns or MaxHalfOpen
	EvictedBusy int // of them, those whose bytes were still wanted
	Reused      int // 4-tuples used again
	Panics      int // panics of gopacket, caught; the direction was told as lost

	EvictedHalfOpen int // of Evicted, connections that showed only a handshake
	Tracked         int // connections that are remembered now
	HalfOpen        int // of them, those that showed only a handshake

	UnknownLinks map[capture.LinkType]int // packets of link types that are not read
}

// A Reassembler follows the TCP connections of one capture. It is not safe for
// concurrent use.
type Reassembler struct {
	cfg   Config
	sink  func(*flow.Chunk) flow.Want
	stats Stats

	decoder   decoder
	defrag    *defragmenter
	table     table
	queues    [3]queue // every connection, see makeRoom
	opened    int      // of them, those that showed more than a handshake
	annexes   slab[annex]
	noAnnex   annex                   // never written
	doubts    map[uint32][]flow.Doubt // of the connections that have some, by index; flow.Evidence shares them
	history   history
	sorter    *sorter
	disorders map[uint64]*disorder // directions out of order, see waitingAs
	holes     []*disorder          // the same, oldest first
	closing   []uint32             // waiting for Linger to pass, oldest first; 0: over
	closed    int                  // connections that left closing
	past      []pastConn           // that are over, if Config.Remember says so
	nextTic   int64                // capture time of the next look at holes and closing
	evidence  flow.Evidence        // of the last connection that was over
	chunk     flow.Chunk           // the last one that was handed out
	sighting  flow.Sighting        // the same
	parts     []int                // frames with fragments of the packet at hand, see take
}

// New returns a Reassembler that hands chunks to sink, each valid during the call.
// A nil Config means all defaults. The sink is called from within Packet and Finish
// only.
func New(sink func(*flow.Chunk) flow.Want, cfg *Config) *Reassembler {
	c := cfg.withDefaults()
	return &Reassembler{
		cfg:       c,
		sink:      sink,
		decoder:   decoder{checkSums: c.CheckSums, datagrams: c.Datagram != nil},
		defrag:    newDefragmenter(c.MaxFragments, c.FragmentWait),
		table:     table{secret: [4]uint64{rand.Uint64(), rand.Uint64(), rand.Uint64(), rand.Uint64()}},
		doubts:    map[uint32][]flow.Doubt{},
		disorders: map[uint64]*disorder{},
		stats:     Stats{UnknownLinks: map[capture.LinkType]int{}},
	}
}

// Stats returns the counts so far.
func (r *Reassembler) Stats() Stats {
	s := r.stats
	s.FragLost, s.FragLimit, s.FragClash = r.defrag.lost, r.defrag.full, r.defrag.clashes
	s.Tracked = r.Remembered()
	s.HalfOpen = s.Tracked - r.opened
	return s
}

// Packet takes the next packet of the capture. It keeps nothing of p.
func (r *Reassembler) Packet(p *capture.Packet) {
	r.stats.Packets++
	if r.stats.Packets%64 == 0 {
		r.lookUp(p.Time)
	}
	if p.Time >= r.nextTic {
		r.tick(p.Time)
	}
	d := &r.decoder
	if d.plain(p.Link, p.Data, p.WireLen) {
		c := r.segment(&d.segment, flow.Stamp{Frame: p.Num, Time: p.Time})
		if r.cfg.Sighted != nil {
			r.parts = r.parts[:0]
			r.sight(c, &d.segment, p.Num)
		}
		return
	}
	r.take(d.packet(p.Link, p.Data, p.WireLen), p)
	for d.rest != nil {
		r.take(d.more(), p)
	}
}

// lookUp does what need not be done with every packet.
func (r *Reassembler) lookUp(now int64) {
	if now < r.nextTic-tickEvery { // time ran backwards
		r.nextTic = now
	}
	if r.history.end-r.history.kept > 1<<31 {
		r.forgetNotes()
	}
}

// take goes on with what the decoder found.
func (r *Reassembler) take(k kind, p *capture.Packet) {
	d := &r.decoder
	r.parts = r.parts[:0]
	for k == fragment {
		r.stats.Fragments++
		if q := &d.piece; q.cut > 0 && q.start == 0 { // the rest will not come, but the header may be there
			k = d.ipPayload(q.proto, q.data, q.cut)
			continue
		}
		if r.cfg.Sighted != nil && len(r.parts) == 0 {
			r.parts = append(r.parts, p.Num)
		}
		g := r.defrag.add(&d.piece, d.path, p.Time, r.parts...)
		if g == nil {
			r.sightFragment()
			return
		}
		r.parts = append(r.parts[:0], g.frames...)
		d.checkSums, d.suspect = g.clash || r.cfg.CheckSums, apart(p.Time, g.since) > mixedAfter
		d.mac = flow.MAC{} // each fragment has its own
		k = d.ipPayload(g.name.proto, g.data[:g.end], 0)
		d.checkSums, d.suspect = r.cfg.CheckSums, false
	}
	switch k {
	case tcp:
		c := r.segment(&d.segment, flow.Stamp{Frame: p.Num, Time: p.Time})
		if r.cfg.Sighted != nil {
			r.sight(c, &d.segment, p.Num)
		}
	case headerOnly:
		c := r.header(&d.segment, d.tooShort, flow.Stamp{Frame: p.Num, Time: p.Time})
		if r.cfg.Sighted != nil {
			r.sight(c, &d.segment, p.Num)
		}
	case udp:
		r.stats.Other++
		r.cfg.Datagram(flow.Datagram{From: d.Addr(flow.AtoB), To: d.Addr(flow.BtoA), Link: d.mac, Stamp: flow.Stamp{Frame: p.Num, Time: p.Time}, Data: d.payload})
	case other:
		r.stats.Other++
	case wifiFragment:
		r.stats.WiFiParts++
	case cutHeader:
		r.stats.CutHeaders++
	case unknownLink:
		r.stats.UnknownLinks[p.Link]++
	case tooDeep:
		r.stats.TooDeep++
	case encrypted:
		r.stats.Encrypted++
	case corrupt:
		r.stats.Corrupt++
	case badChecksum:
		if r.cfg.CheckSums {
			r.stats.BadSums++
		} else {
			r.stats.FragMixed++
		}
	}
}

// segment brings a segment to its connection, which it returns.
func (r *Reassembler) segment(s *segment, at flow.Stamp) *conn {
	r.stats.Segments++
	hash := r.table.hash(&s.Ends)
	c, dir := r.table.find(&s.Ends, hash)
	if c == nil {
		c = r.open(hash, s, at)
		r.track(c, flow.AtoB, s, at)
		return c
	}
	if c.half[0].flags&isSettled != 0 && c.flags&hasOlder == 0 && c.half[dir].expects(s) {
		if h := &c.half[dir]; s.wire > 0 && h.flags&wantsNone == 0 && h.skip == 0 && r.cfg.Foresee != nil {
			r.cfg.Foresee(c.State)
		}
		c.last = at.Time
		c.flags |= wasTouched
		c.half[dir].flags |= hasPackets
		if peer := &c.half[dir.Reverse()]; int32(s.ack-peer.acked) > 0 {
			peer.acked = s.ack
		}
		if s.wire > 0 {
			r.advance(c, dir, s, at)
		}
		return c
	}
	switch {
	case c.flags&hasOlder != 0 || c.half[dir].path != s.trail():
		c = r.among(c, s, at)
	case c.reused(dir, s):
		c = r.replace(c, s, at)
	}
	r.track(c, c.dirOf(s), s, at)
	return c
}

// expects reports whether a segment of a settled connection is the next of its
// direction and nothing but that, on the same path and whole. That most of them
// are is what makes the short way in Reassembler.segment worth its lines: for
// such a segment, it does what track would do.
func (h *half) expects(s *segment) bool {
	const flags, state = flagSYN | flagFIN | flagRST | flagACK | flagURG, hasStarted | hasFIN | isDisordered | hasEnded
	return s.flags&flags == flagACK && h.flags&state == hasStarted &&
		s.seq == h.high && h.path == s.trail() && len(s.payload) == s.wire &&
		(h.flags&wantsNone != 0 || int32(h.next-s.seq) >= 0)
}

// header takes a TCP header without a segment. Nobody receives it, but Wireshark
// knows connections by it, and one that is too short may give them their first
// sequence numbers.
func (r *Reassembler) header(s *segment, tooShort bool, at flow.Stamp) *conn {
	r.stats.Other++
	r.stats.Headers++
	hash := r.table.hash(&s.Ends)
	c, dir := r.table.find(&s.Ends, hash)
	if c == nil {
		c = r.open(hash, s, at)
	} else if c.reused(dir, s) {
		c = r.replace(c, s, at)
	}
	if !tooShort {
		return c
	}
	base := s.seq
	if s.flags&flagSYN == 0 {
		base--
	}
	dir = c.dirOf(s)
	c.setBase(dir, base)
	if s.flags&flagACK != 0 {
		c.setBase(dir.Reverse(), s.ack-1)
	}
	return c
}

// tickEvery is how often, in capture time, holes and closing connections are
// looked at.
const tickEvery = second / 4

func (r *Reassembler) tick(now int64) {
	r.nextTic = now + tickEvery
	r.giveUpHoles(now)
	r.stopLingering(now)
	r.forgetPast(now)
}

// Finish ends every connection that is still open. The Reassembler must not be
// used after it.
func (r *Reassembler) Finish() {
	r.defrag.finish()
	for _, i := range r.closing {
		if i != 0 {
			r.end(r.table.conns.at(i), flow.RST)
		}
	}
	r.closing = nil
	for _, i := range r.all() {
		r.end(r.table.conns.at(i), flow.CaptureEnd)
	}
}
