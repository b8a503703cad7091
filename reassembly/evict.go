package reassembly

import (
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A queue is a list of connections in the order in which they were put there.
type queue struct {
	first, last *conn
	n           int
}

func (q *queue) push(c *conn) {
	c.prev, c.next = q.last, nil
	if q.last == nil {
		q.first = c
	} else {
		q.last.next = c
	}
	q.last = c
	q.n++
}

func (q *queue) remove(c *conn) {
	if c.prev == nil {
		q.first = c.next
	} else {
		c.prev.next = c.next
	}
	if c.next == nil {
		q.last = c.prev
	} else {
		c.next.prev = c.prev
	}
	c.prev, c.next = nil, nil
	q.n--
}

// Every connection is in one of three queues. They are put in order only when
// room is needed, so that a packet costs nothing: who was active since it was
// put there goes to the end again.
const (
	halfOpen = iota // nothing but a handshake seen when last looked at
	idle            // nobody wanted its bytes when last looked at
	busy            // somebody did
)

// admit puts a new connection into its queue, after making room for it.
func (r *Reassembler) admit(c *conn, s *segment) {
	if r.queues[halfOpen].n >= r.cfg.MaxHalfOpen {
		r.evictHalfOpen()
	}
	if r.conns() >= r.cfg.MaxConns {
		r.evict()
	}
	c.queue, c.queued = halfOpen, c.First.Time
	if s.flags&flagSYN == 0 {
		c.queue = idle
	}
	r.queues[c.queue].push(c)
}

// conns is how many connections are remembered.
func (r *Reassembler) conns() int {
	return r.queues[halfOpen].n + r.queues[idle].n + r.queues[busy].n
}

// all returns the connections that are remembered, in order of their number.
func (r *Reassembler) all() []*conn {
	var list []*conn
	for i := range r.queues {
		for c := r.queues[i].first; c != nil; c = c.next {
			list = append(list, c)
		}
	}
	slices.SortFunc(list, func(a, b *conn) int { return a.ID - b.ID })
	return list
}

func (r *Reassembler) move(c *conn, to uint8) {
	r.queues[c.queue].remove(c)
	c.queue, c.queued = to, c.lastActive()
	r.queues[to].push(c)
}

// evictHalfOpen forgets the oldest connection that never got further than its
// handshake, if there is one. Those that did leave the queue.
func (r *Reassembler) evictHalfOpen() bool {
	for c := r.queues[halfOpen].first; c != nil; c = r.queues[halfOpen].first {
		if !c.opened {
			r.drop(c)
			return true
		}
		r.move(c, idle)
	}
	return false
}

// evict forgets the least recently active connection whose bytes nobody wants.
// Only if all are wanted, one of those goes.
func (r *Reassembler) evict() {
	if c := r.queues[busy].first; c != nil { // look at one each time, to find out who is no longer wanted
		r.move(c, c.interest())
	}
	if r.evictIdle() || r.evictHalfOpen() || r.evictIdle() { // some of the half open ones may have turned out idle
		return
	}
	r.stats.EvictedBusy++
	r.drop(r.leastActive())
}

// evictIdle forgets the idle connection that was not active for the longest time,
// if there is one.
func (r *Reassembler) evictIdle() bool {
	for c := r.queues[idle].first; c != nil; c = r.queues[idle].first {
		if to := c.interest(); to != idle || c.lastActive() > c.queued {
			r.move(c, to)
			continue
		}
		r.drop(c)
		return true
	}
	return false
}

// leastActive returns the least recently active of some connections that are
// wanted, others each time.
func (r *Reassembler) leastActive() *conn {
	const look = 8
	least := r.queues[busy].first
	for range min(look, r.queues[busy].n) {
		c := r.queues[busy].first
		if c.lastActive() < least.lastActive() {
			least = c
		}
		r.move(c, busy)
	}
	return least
}

// interest is the queue for a connection, by whether its bytes are wanted.
func (c *conn) interest() uint8 {
	over := func(h *half) bool { return h.none || h.ended }
	if c.State != nil && !(over(&c.half[0]) && over(&c.half[1])) {
		return busy
	}
	return idle
}

func (c *conn) lastActive() int64 {
	return max(c.Last[0].Time, c.Last[1].Time)
}

// drop ends a connection for want of room.
func (r *Reassembler) drop(c *conn) {
	r.stats.Evicted++
	r.end(c, flow.Evicted)
	r.forget(c)
}

// forget takes a connection out of the table and its queue.
func (r *Reassembler) forget(c *conn) {
	if c.gone {
		return
	}
	c.gone = true
	if i := c.closeNo - r.closed; c.lingers && i >= 0 {
		r.closing[i] = nil
	}
	r.queues[c.queue].remove(c)
	head := r.table.find(&c.key)
	if head != c {
		for head.older != c {
			head = head.older
		}
		head.older = c.older
		return
	}
	r.table.remove(c)
	if c.older != nil {
		r.table.insert(c.older)
	}
}
