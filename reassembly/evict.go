package reassembly

import (
	"slices"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A queue is a list of connections in the order in which they were put there.
type queue struct {
	first, last uint32 // 0: none
	n           int
}

// Every connection is in one of three queues. They are put in order only when
// room is needed, so that a packet costs nothing: who was active since it was
// put there goes to the end again.
const (
	halfOpen = iota // nothing but a handshake seen when last looked at
	idle            // nobody wanted its bytes when last looked at
	busy            // somebody did
)

// queueOf returns the number of the connection's queue.
func (c *conn) queueOf() uint8 {
	switch c.flags & (inIdle | inBusy) {
	case inIdle:
		return idle
	case inBusy:
		return busy
	}
	return halfOpen
}

// enqueue puts a connection at the end of a queue.
func (r *Reassembler) enqueue(c *conn, to uint8) {
	q, conns := &r.queues[to], &r.table.conns
	c.flags &^= inIdle | inBusy | wasTouched
	c.flags |= [...]connFlags{halfOpen: 0, idle: inIdle, busy: inBusy}[to]
	c.prev, c.next = q.last, 0
	if q.last == 0 {
		q.first = c.self
	} else {
		conns.at(q.last).next = c.self
	}
	q.last = c.self
	q.n++
}

// dequeue takes a connection out of its queue.
func (r *Reassembler) dequeue(c *conn) {
	q, conns := &r.queues[c.queueOf()], &r.table.conns
	if c.prev == 0 {
		q.first = c.next
	} else {
		conns.at(c.prev).next = c.next
	}
	if c.next == 0 {
		q.last = c.prev
	} else {
		conns.at(c.next).prev = c.prev
	}
	q.n--
}

func (r *Reassembler) move(c *conn, to uint8) {
	r.dequeue(c)
	r.enqueue(c, to)
}

// firstOf returns the connection that is in a queue for the longest time; nil:
// there is none.
func (r *Reassembler) firstOf(q uint8) *conn {
	if i := r.queues[q].first; i != 0 {
		return r.table.conns.at(i)
	}
	return nil
}

// makeRoom forgets what must go for one more connection.
func (r *Reassembler) makeRoom() {
	if c := r.firstOf(halfOpen); r.queues[halfOpen].n >= r.cfg.MaxHalfOpen {
		if c.flags&isOpened != 0 {
			r.move(c, idle)
		} else {
			r.drop(c)
		}
	}
	if r.Remembered() >= r.cfg.MaxConns {
		r.evict()
	}
}

// admit puts a new connection into its queue.
func (r *Reassembler) admit(c *conn, s *segment) {
	if s.flags&flagSYN == 0 {
		r.enqueue(c, idle)
	} else {
		r.enqueue(c, halfOpen)
	}
}

// Remembered returns how many connections are remembered now.
func (r *Reassembler) Remembered() int {
	return r.queues[halfOpen].n + r.queues[idle].n + r.queues[busy].n
}

// all returns the indexes of the connections that are remembered, in order of their
// number.
func (r *Reassembler) all() []uint32 {
	list := make([]uint32, 0, r.Remembered())
	conns := &r.table.conns
	for i := uint32(1); i < conns.next; i++ {
		if conns.at(i).flags&isLive != 0 {
			list = append(list, i)
		}
	}
	slices.SortFunc(list, func(a, b uint32) int { return conns.at(a).id - conns.at(b).id }) // in order already, unless some were used again
	return list
}

// evictHalfOpen forgets the oldest connection that never got further than its
// handshake, if there is one. Those that did leave the queue.
func (r *Reassembler) evictHalfOpen() bool {
	for c := r.firstOf(halfOpen); c != nil; c = r.firstOf(halfOpen) {
		if c.flags&isOpened == 0 {
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
	if c := r.firstOf(busy); c != nil { // look at one each time, to find out who is no longer wanted
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
	for c := r.firstOf(idle); c != nil; c = r.firstOf(idle) {
		if to := c.interest(); to != idle || c.flags&wasTouched != 0 {
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
	least := r.firstOf(busy)
	for range min(look, r.queues[busy].n) {
		c := r.firstOf(busy)
		if c.last < least.last {
			least = c
		}
		r.move(c, busy)
	}
	return least
}

// interest is the queue for a connection, by whether its bytes are wanted.
func (c *conn) interest() uint8 {
	const done = wantsNone | hasEnded
	if c.State != 0 && (c.half[0].flags&done == 0 || c.half[1].flags&done == 0) {
		return busy
	}
	return idle
}

// drop ends a connection for want of room.
func (r *Reassembler) drop(c *conn) {
	r.stats.Evicted++
	if c.flags&isOpened == 0 {
		r.stats.EvictedHalfOpen++
	}
	r.end(c, flow.Evicted)
	r.forget(c)
}

// forget takes a connection that is over out of the table and its queue. It may
// be another one from then on.
func (r *Reassembler) forget(c *conn) {
	if c.flags&isOpened != 0 {
		r.opened--
	}
	r.dequeue(c)
	r.table.remove(c)
	if c.flags&hasDoubts != 0 {
		delete(r.doubts, c.self)
	}
	r.table.conns.give(c.self)
}
