package top

import (
	"net/netip"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/report"
)

// A board is what was told so far. Now is the time of the wall clock throughout;
// times of the capture are nanoseconds since 1970.
type board struct {
	briefs   *report.Briefs
	since    time.Time
	counts   rolling
	clients  parties
	servers  parties
	failures ring
	stats    Stats
	rates    rates
	clock    clock
	said     string
	saidAt   time.Time
	ended    time.Time // zero: it goes on
}

func newBoard(b *report.Briefs, now time.Time) *board {
	return &board{briefs: b, since: now, clients: newParties(), servers: newParties()}
}

// attempt counts an attempt.
func (b *board) attempt(a *analyze.Attempt, now time.Time) {
	b.counts.add(a.Verdict, now)
	var brief report.Brief
	if a.Verdict.Failed() {
		brief = b.briefs.Of(a)
		b.failures.add(a, &brief)
	} else {
		brief.Host = b.briefs.Host(a)
	}
	b.clients.add(a, netip.AddrPortFrom(a.Client().Addr(), 0), &brief)
	b.servers.add(a, a.Server(), &brief)
}

// changed corrects the totals for an attempt that was counted with another verdict
// while its connection was open.
func (b *board) changed(a *analyze.Attempt, was analyze.Verdict) {
	b.counts.total[was]--
	b.counts.total[a.Verdict]++
	var brief report.Brief
	if a.Verdict.Failed() {
		brief = b.briefs.Of(a)
		b.failures.add(a, &brief)
	}
	b.clients.changed(a, netip.AddrPortFrom(a.Client().Addr(), 0), was, &brief)
	b.servers.changed(a, a.Server(), was, &brief)
}

func (b *board) say(line string, now time.Time) { b.said, b.saidAt = line, now }

// end stops the clocks.
func (b *board) end(now time.Time) { b.ended = now }

// A picture is a board at a moment. It shares nothing with it.
type picture struct {
	now                 int64         // of the capture; 0: not known
	ran                 time.Duration // since the beginning
	ten, minute, total  counts        // attempts decided in the last 10 s, in the last minute, and in all
	stats               Stats
	packets, bytes      float64 // a second
	clients, servers    []party
	clientsOut, servOut int // forgotten, for want of room
	failures            []failure
	said                string // "": nothing new
	ended               bool
}

// saidFor is how long a line stays.
const saidFor = 30 * time.Second

// picture takes a picture into p, whose room is used again.
func (b *board) picture(p *picture, now time.Time) {
	b.clock.set(b.stats.Last, now)
	b.rates.set(&b.stats, now)
	p.stats, p.packets, p.bytes = b.stats, b.rates.packets, b.rates.bytes
	p.total, p.ended = b.counts.total, !b.ended.IsZero()
	if p.ended { // what is told of now was not decided just now
		p.now, p.ran = b.clock.last, b.ended.Sub(b.since)
		p.ten, p.minute = counts{}, counts{}
	} else {
		p.now, p.ran = b.clock.read(now), now.Sub(b.since)
		p.ten, p.minute = b.counts.last(10, now), b.counts.last(60, now)
	}
	p.clients, p.servers = b.clients.list(p.clients[:0]), b.servers.list(p.servers[:0])
	p.clientsOut, p.servOut = b.clients.forgotten, b.servers.forgotten
	p.failures = b.failures.list(p.failures[:0])
	if p.said = ""; now.Sub(b.saidAt) < saidFor || p.ended {
		p.said = b.said
	}
}

// rates are how much comes in a second, between two looks.
type rates struct {
	packets, bytes float64
	was            Stats
	at             time.Time // of the last look; zero: there was none
}

// leastLook is the least time between looks: what comes in less says little.
const leastLook = 500 * time.Millisecond

func (r *rates) set(s *Stats, now time.Time) {
	d := now.Sub(r.at)
	if d < leastLook && !r.at.IsZero() {
		return
	}
	if !r.at.IsZero() {
		r.packets, r.bytes = float64(s.Packets-r.was.Packets)/d.Seconds(), float64(s.Bytes-r.was.Bytes)/d.Seconds()
	}
	r.was, r.at = *s, now
}

// A clock tells the time of the capture. It goes on while no packets come.
type clock struct {
	last int64     // time of the last packet; 0: there was none
	at   time.Time // when that was seen first
}

func (c *clock) set(last int64, now time.Time) {
	if last != c.last {
		c.last, c.at = last, now
	}
}

func (c *clock) read(now time.Time) int64 {
	if c.last == 0 {
		return 0
	}
	return c.last + max(now.Sub(c.at), 0).Nanoseconds()
}
