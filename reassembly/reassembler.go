// Package reassembly turns packets into TCP connections and their bytes in
// order.
//
// A packet is peeked at where it lies, its connection is found in a table, and
// bytes that come in order go straight to the consumer. Only a direction with
// segments out of order is handed to gopacket's reassembly, until it is whole
// again. The consumer answers every chunk with what it wants next (flow.Want);
// what it does not want is never copied.
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
	MaxConns        int   // connections remembered at once; default 500,000
	MaxPages        int   // 1,900-byte pages of bytes out of order, over all connections; default 16,384 (32 MiB)
	MaxPagesPerDir  int   // the same for one direction; default 160 (300 KB)
	HoleWait        int64 // nanoseconds of capture time to wait for bytes that the receiver has acknowledged; default 2 s
	HoleWaitUnacked int64 // the same for bytes not acknowledged; default 60 s
	Linger          int64 // nanoseconds after RST, or FIN of both sides, in which late bytes are still taken; default 2 s
}

const second = int64(1e9)

func (c *Config) withDefaults() Config {
	d := Config{MaxConns: 500_000, MaxPages: 16_384, MaxPagesPerDir: 160, HoleWait: 2 * second, HoleWaitUnacked: 60 * second, Linger: 2 * second}
	if c == nil {
		return d
	}
	setDefault(&d.MaxConns, c.MaxConns)
	setDefault(&d.MaxPages, c.MaxPages)
	setDefault(&d.MaxPagesPerDir, c.MaxPagesPerDir)
	setDefault(&d.HoleWait, c.HoleWait)
	setDefault(&d.HoleWaitUnacked, c.HoleWaitUnacked)
	setDefault(&d.Linger, c.Linger)
	return d
}

func setDefault[T int | int64](d *T, v T) {
	if v > 0 {
		*d = v
	}
}

// Stats counts what a Reassembler saw, and what it could not see.
type Stats struct {
	Packets    int // all that were handed in
	Segments   int // TCP segments
	Conns      int // connections
	MidStream  int // of them, those whose first packet is no SYN
	Other      int // packets of other protocols
	Fragments  int // fragmented IP packets, not put together
	CutHeaders int // packets that the snap length cut inside their headers
	CutPayload int // segments that lost payload to the snap length
	Retrans    int // segments that brought nothing new
	Disordered int // times a direction fell out of order
	LostBytes  int64
	HolesGiven int // holes given up because of HoleWait, HoleWaitUnacked or the end
	PageLimit  int // holes given up because MaxPages or MaxPagesPerDir was reached
	FarIgnored int // segments far outside the window of their connection, ignored
	Evicted    int // connections forgotten because of MaxConns
	Reused     int // 4-tuples used again
	Panics     int // panics of gopacket, caught; the direction was told as lost

	UnknownLinks map[capture.LinkType]int // packets of link types that are not read
}

// A Reassembler follows the TCP connections of one capture. It is not safe for
// concurrent use.
type Reassembler struct {
	cfg   Config
	sink  func(flow.Chunk) flow.Want
	stats Stats

	table   table
	order   []*conn // every connection in the table, for eviction and for the end
	hand    int     // where eviction looks next
	sorter  *sorter
	holes   []*disorder // directions out of order, oldest first
	closing []*conn     // waiting for Linger to pass, oldest first
	nextTic int64       // capture time of the next look at holes and closing
}

// New returns a Reassembler that hands chunks to sink. A nil Config means all
// defaults. The sink is called from within Packet and Finish only.
func New(sink func(flow.Chunk) flow.Want, cfg *Config) *Reassembler {
	return &Reassembler{
		cfg:   cfg.withDefaults(),
		sink:  sink,
		table: table{secret: rand.Uint64()},
		stats: Stats{UnknownLinks: map[capture.LinkType]int{}},
	}
}

// Stats returns the counts so far.
func (r *Reassembler) Stats() Stats {
	return r.stats
}

// Packet takes the next packet of the capture. It keeps nothing of p.
func (r *Reassembler) Packet(p *capture.Packet) {
	r.stats.Packets++
	if r.stats.Packets%64 == 0 && p.Time < r.nextTic-tickEvery { // time ran backwards
		r.nextTic = p.Time
	}
	if p.Time >= r.nextTic {
		r.tick(p.Time)
	}
	var s segment
	switch peek(p.Link, p.Data, p.WireLen, &s) {
	case tcp:
		r.segment(&s, flow.Stamp{Frame: p.Num, Time: p.Time})
	case other:
		r.stats.Other++
	case fragment:
		r.stats.Fragments++
	case cutHeader:
		r.stats.CutHeaders++
	case unknownLink:
		r.stats.UnknownLinks[p.Link]++
	}
}

func (r *Reassembler) segment(s *segment, at flow.Stamp) {
	r.stats.Segments++
	k, swapped := keyOf(s)
	c := r.table.find(&k)
	if c == nil {
		c = r.open(k, swapped, s, at)
	} else if c = c.among(swapped, s); c.reused(c.dirOf(swapped), s) {
		r.stats.Reused++
		c = r.replace(c, swapped, s, at)
	}
	r.track(c, c.dirOf(swapped), s, at)
}

// tickEvery is how often, in capture time, holes and closing connections are
// looked at.
const tickEvery = second / 4

func (r *Reassembler) tick(now int64) {
	r.nextTic = now + tickEvery
	r.giveUpHoles(now)
	for len(r.closing) > 0 && now-r.closing[0].closeAt >= r.cfg.Linger {
		c := r.closing[0]
		r.closing = r.closing[1:]
		r.end(c, flow.RST)
	}
}

// Finish ends every connection that is still open. The Reassembler must not be
// used after it.
func (r *Reassembler) Finish() {
	for _, c := range r.closing {
		r.end(c, flow.RST)
	}
	r.closing = nil
	for _, c := range r.order {
		r.end(c, flow.CaptureEnd)
	}
}
