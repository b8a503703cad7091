package analyze

import (
	"math"
	"net/netip"
	"slices"
	"time"
)

// A service is the history of one address and port that clients tried.
type service struct {
	addr             netip.AddrPort
	attempts, opened int
	clients          int // that tried
	served           int // of them, those for which it opened a WebSocket
	codes            causes
	streak           streak
	found            []Incident
	rushes           rushes
	lived            []lifetime // of WebSockets, see minLife, without those that massEnds is done with
	sweepAt          int        // how many of them are enough to call it
	idle             sample     // how long nothing was sent when the server ended a WebSocket without a Close frame
	idleBy           int        // clients of those
	idleClient       int        // the last of them, plus one
	idleFrame        int
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

// add takes an attempt of a client.
func (s *service) add(t *Attempt, c *History, start int64, opened, failed, fell bool) {
	s.attempts++
	s.rushes.add(start, c.number)
	if failed {
		s.codes.add(t)
	}
	switch {
	case opened:
		s.opened++
		s.end(t, c)
	}
	if o := s.streak.add(t, c, start, opened, failed, fell); o != nil {
		s.find(s.outage(o, false))
	}
}

// maxFound is how many outages and mass disconnects of a server are kept, the
// first.
const maxFound = 256

func (s *service) find(i Incident) {
	if len(s.found) < maxFound {
		s.found = append(s.found, i)
	}
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
	if t.Close.By == Server && (t.Close.How == CloseFIN || t.Close.How == CloseRST) {
		s.idle.add(t.Close.At.Time - max(t.lastFrame, t.Response.Done.Time))
		s.idleFrame = t.Close.At.Frame
		if s.idleClient != c.number+1 {
			s.idleBy, s.idleClient = s.idleBy+1, c.number+1
		}
	}
}

// A streak is a run of failures of one server, whoever its client is.
type streak struct {
	first, last int64
	frame       int
	number      int // of the first attempt
	attempts    int
	clients     []int32 // at most streakClients
	fell        int     // of all clients, see History.peer
	codes       causes
}

const (
	streakClients  = 64
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
			k.first, k.frame, k.number = start, t.order(), t.Number
		}
		k.attempts++
		if fell {
			k.fell++
		}
		k.last = start
		k.codes.add(t)
		if n := int32(c.number); len(k.clients) < streakClients && !slices.Contains(k.clients, n) {
			k.clients = append(k.clients, n)
		}
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
	clients  int // the most within rushTime
}

const (
	rushSize   = 32
	rushTime   = 2 * time.Second
	rushPause  = time.Minute
	rushFactor = 10 // times the server's usual rate
	rushCrowd  = 3  // clients: one that does not wait is a matter of its rhythm
	maxRushes  = 64
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
	if r.n <= rushSize || at-before.at > int64(rushTime) {
		if at-r.current.to > int64(rushPause) {
			r.over()
		}
		return
	}
	c := &r.current
	if c.attempts == 0 {
		*c = rush{from: before.at, before: r.n - rushSize - 1}
	}
	c.attempts, c.to = r.n-c.before, at
	if c.attempts%rushSize == 1 {
		c.clients = max(c.clients, r.distinct())
	}
}

// distinct counts the clients of the recent attempts.
func (r *rushes) distinct() int {
	var ids [rushSize]int32
	for i := range r.recent {
		ids[i] = r.recent[i].client
	}
	slices.Sort(ids[:])
	return len(slices.Compact(ids[:]))
}

// over ends a rush.
func (r *rushes) over() {
	if r.current.attempts > 0 && len(r.found) < maxRushes {
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
