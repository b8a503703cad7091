package analyze

import (
	"math"
	"net/netip"
	"slices"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A service is the history of one address and port that clients tried.
type service struct {
	addr    netip.AddrPort
	number  uint16 // as they came
	opened  int
	streak  streak
	found   []Incident
	rushes  rushes
	lived   []lifetime       // of WebSockets, see minLife, without those that massEnds is done with
	open    map[int]lifetime // of those that are still open, while the capture goes on, by the number of the attempt
	sweepAt int              // how many of them are enough to call it
	idle    idleEnds
}

// IdleEnds are WebSockets that a server ended without a Close frame.
type idleEnds struct {
	sample      // how long nothing was sent before
	clients     group
	first, last flow.Stamp
}

// A group is clients, by their numbers.
type group []int32

const maxGroup = 64

// add takes a client, if there is room.
func (g *group) add(client int) {
	if n := int32(client); len(*g) < maxGroup && !slices.Contains(*g, n) {
		*g = append(*g, n)
	}
}

// A lifetime is that of a WebSocket, and what its client did then.
type lifetime struct {
	begun, ended int64 // ended neverEnded: it was not
	frame        int   // of the end
	client       int32
	by           Side
}

const (
	neverEnded = math.MaxInt64
	minSweep   = 512
)

// minLife is how long a WebSocket must last to count for mass-disconnect: where
// many short ones come and go, many end together.
const minLife = 10 * time.Second

// add takes an attempt of a client, whose peer the server is; nil: it is not listed.
func (s *service) add(t *Attempt, c *History, p *Peer, start int64, opened, failed, fell bool) {
	s.rushes.add(start, c.number, p)
	if opened {
		s.opened++
	}
	if o := s.streak.add(t, c, start, opened, failed, fell); o != nil {
		s.find(s.outage(o, false))
	}
}

// maxFound is how many outages and mass disconnects of a server are kept, and how
// many rushes: the first.
const maxFound = 256

func (s *service) find(i Incident) {
	if len(s.found) < maxFound {
		s.found = append(s.found, i)
	}
}

// stay notes that a WebSocket is open.
func (s *service) stay(t *Attempt, c *History) {
	if s.open == nil {
		s.open = map[int]lifetime{}
	}
	s.open[t.Number] = lifetime{begun: t.Response.Done.Time, ended: neverEnded, client: int32(c.number)}
}

// end notes how a WebSocket ended.
func (s *service) end(t *Attempt, c *History) {
	life, ended := t.life()
	if ended && life < minLife {
		return
	}
	l := lifetime{begun: t.Response.Done.Time, ended: neverEnded, client: int32(c.number), by: t.Close.By}
	if ended {
		l.ended, l.frame = t.Close.At.Time, t.Close.At.Frame
	}
	s.lived = append(s.lived, l)
	if len(s.lived) >= max(s.sweepAt, minSweep) {
		s.massEnds(l.begun - int64(massWithin+backWithin))
		s.sweepAt = 2 * len(s.lived)
	}
	if ended && t.Close.By == Server && (t.Close.How == CloseFIN || t.Close.How == CloseRST) {
		s.idle.end(t, c)
	}
}

func (e *idleEnds) end(t *Attempt, c *History) {
	e.add(t.Close.At.Time - max(t.lastFrame, t.Response.Done.Time))
	e.clients.add(c.number)
	if e.last = t.Close.At; e.n == 1 {
		e.first = e.last
	}
}

// A streak is a run of failures of one server, whoever its client is.
type streak struct {
	first, last int64
	frame       int
	attempts    int
	clients     group
	fell        int // of all clients, see History.peer
	codes       causes
}

const (
	outageClients  = 3 // so many must fail in a row that had no trouble before: where WebSockets last, some that always fail have the server for themselves
	outageAttempts = 5
)

// add takes an attempt, and returns the streak that it ends, if that is an outage.
func (k *streak) add(t *Attempt, c *History, start int64, opened, failed, fell bool) *streak {
	switch {
	case opened:
		if k.isOutage() {
			ended := *k
			*k = streak{}
			return &ended
		}
		*k = streak{clients: k.clients[:0]}
	case failed:
		if k.attempts == 0 {
			k.first, k.frame = start, t.order()
		}
		k.attempts++
		if fell {
			k.fell++
		}
		k.last = start
		k.codes.add(t)
		k.clients.add(c.number)
	}
	return nil
}

func (k *streak) isOutage() bool {
	return k.attempts >= outageAttempts && k.fell >= outageClients
}

// Rushes are the times in which a server got many attempts at once.
type rushes struct {
	recent  [rushSize]arrival // a ring
	n       int               // attempts
	first   int64
	last    int64
	found   []rush
	current rush
	clients map[int32]bool // of the current one
	paused  bool           // the latest attempt was not one too many
	count   int32          // of rushes, the current one included
}

// An arrival is an attempt.
type arrival struct {
	at     int64
	client int32
}

// A rush is a time in which more than rushSize attempts came within rushTime,
// again and again without a longer break than rushPause.
type rush struct {
	from, to int64
	before   int // attempts before it
	attempts int
	clients  int
}

const (
	rushSize   = 32
	rushTime   = 2 * time.Second
	rushPause  = time.Minute
	rushFactor = 10 // times the server's usual rate
	rushCrowd  = 3  // clients: one that does not wait is a matter of its rhythm
)

// add takes an attempt of a client, see service.add.
func (r *rushes) add(at int64, client int, p *Peer) {
	if r.n == 0 {
		r.first = at
	}
	slot := &r.recent[r.n%rushSize]
	before := *slot
	*slot = arrival{at, int32(client)}
	r.n++
	r.last = max(r.last, at)
	if r.n <= rushSize || time.Duration(at-before.at).Abs() > rushTime { // a slow request may have begun long before
		if at-r.current.to > int64(rushPause) {
			r.over()
		}
		r.paused = true
		return
	}
	c := &r.current
	if c.attempts == 0 {
		*c, r.clients = rush{from: before.at, before: r.n - rushSize - 1}, map[int32]bool{}
		r.count++
	}
	if r.paused { // those that came meanwhile
		r.paused, r.clients[before.client] = false, true
		for _, a := range r.recent {
			r.clients[a.client] = true
		}
	}
	if p == nil || p.rush != r.count { // where a server is always busy, nearly all are in the map
		r.clients[int32(client)] = true
		if p != nil {
			p.rush = r.count
		}
	}
	c.attempts, c.clients, c.to = r.n-c.before, len(r.clients), max(c.to, at)
}

// over ends a rush.
func (r *rushes) over() {
	if r.current.attempts > 0 && len(r.found) < maxFound {
		r.found = append(r.found, r.current)
	}
	r.current = rush{}
}

// list returns the rushes that are above the usual.
func (r *rushes) list() []rush {
	r.over()
	return slices.DeleteFunc(r.found, func(c rush) bool {
		usual := float64(r.n) / float64(max(r.last-r.first, int64(rushTime)))
		return c.clients < rushCrowd || float64(c.attempts)/float64(max(c.to-c.from, int64(rushTime))) < rushFactor*usual
	})
}
