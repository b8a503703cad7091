package analyze

import (
	"net/netip"
	"slices"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A service is the history of one address and port that clients tried.
type service struct {
	addr    netip.AddrPort
	opened  int
	streak  streak
	outages []Incident
	rushes  rushes
	lived   []lifetime // of WebSockets, see minLife
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
	begun, ended int64 // ended 0: it was not
	frame        int   // of the end
	client       int32
	by           Side
}

// maxAlike bounds the incidents of one kind and server.
const maxAlike = 64

// minLife is how long a WebSocket must last to count for mass-disconnect: where
// many short ones come and go, many end together.
const minLife = 10 * time.Second

// add takes an attempt of a client.
func (s *service) add(t *Attempt, c *History, start int64, opened, failed bool) {
	s.rushes.add(start, c.number)
	if opened {
		s.opened++
		s.end(t, c)
	}
	if o := s.streak.add(t, c, start, opened, failed); o != nil && len(s.outages) < maxAlike {
		s.outages = append(s.outages, s.outage(o, false))
	}
}

// end notes how a WebSocket ended.
func (s *service) end(t *Attempt, c *History) {
	life, ended := t.life()
	if ended && life < minLife {
		return
	}
	l := lifetime{begun: t.Response.Done.Time, client: int32(c.number), by: t.Close.By}
	if ended {
		l.ended, l.frame = t.Close.At.Time, t.Close.At.Frame
	}
	s.lived = append(s.lived, l)
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
	number      int // of the first attempt
	attempts    int
	clients     group
	codes       causes
}

const (
	outageClients  = 3 // so many must fail in a row
	outageAttempts = 5
)

// add takes an attempt, and returns the streak that it ends, if that is an outage.
func (k *streak) add(t *Attempt, c *History, start int64, opened, failed bool) *streak {
	switch {
	case opened:
		ended := *k
		*k = streak{}
		if ended.isOutage() {
			return &ended
		}
	case failed:
		if k.attempts == 0 {
			k.first, k.frame, k.number = start, t.order(), t.Number
		}
		k.attempts++
		k.last = start
		k.codes.add(t)
		k.clients.add(c.number)
	}
	return nil
}

func (k *streak) isOutage() bool {
	return k.attempts >= outageAttempts && len(k.clients) >= outageClients
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
}

// An arrival is an attempt.
type arrival struct {
	at     int64
	client int32
}

// A rush is a time in which more than rushSize attempts came within rushTime.
type rush struct {
	from, to int64
	attempts int
	clients  int
}

const (
	rushSize   = 32
	rushTime   = 2 * time.Second
	rushFactor = 10 // times the server's usual rate
)

func (r *rushes) add(at int64, client int) {
	if r.n == 0 {
		r.first = at
	}
	slot := &r.recent[r.n%rushSize]
	before := *slot
	*slot = arrival{at, int32(client)}
	r.n++
	r.last = max(r.last, at)
	if r.n <= rushSize || time.Duration(at-before.at).Abs() > rushTime { // a slow request may have begun long before
		r.over()
		return
	}
	c := &r.current
	if c.attempts == 0 {
		*c, r.clients = rush{from: before.at, attempts: rushSize}, map[int32]bool{before.client: true}
		for _, a := range r.recent {
			r.clients[a.client] = true
		}
	}
	c.attempts++
	r.clients[int32(client)] = true
	c.clients, c.to = len(r.clients), max(c.to, at)
}

// over ends a rush.
func (r *rushes) over() {
	if r.current.attempts > 0 && len(r.found) < maxAlike {
		r.found = append(r.found, r.current)
	}
	r.current = rush{}
}

// list returns the rushes that are above the usual.
func (r *rushes) list() []rush {
	r.over()
	return slices.DeleteFunc(r.found, func(c rush) bool {
		usual := float64(r.n) / float64(max(r.last-r.first, int64(rushTime)))
		return float64(c.attempts)/float64(max(c.to-c.from, int64(rushTime))) < rushFactor*usual
	})
}
