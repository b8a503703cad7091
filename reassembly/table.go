package reassembly

import (
	"math/bits"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A table holds the connections and finds them by their ends, by open addressing
// with linear probing. Removal shifts the rest of the run back, so there are no
// tombstones.
type table struct {
	conns  slab[conn]
	secret [4]uint64
	slots  []slot // a power of two
	used   int
}

type slot struct {
	hash uint32
	conn uint32 // its index; 0: free
}

const minSlots = 1 << 10

// hash is the same for both directions of a connection. Nobody on the network
// can choose connections that all land in one slot: each end is mixed on its own,
// by a product neither factor of which is known, and the order in which the two
// are added up makes no difference.
func (t *table) hash(e *flow.Ends) uint32 {
	var h uint64
	if e.V6 {
		h = t.hash6(e, 0) + t.hash6(e, 1)
	} else {
		h = fold64(e.IP[0][1]<<16|uint64(e.Port[0])^t.secret[0], t.secret[1]) +
			fold64(e.IP[1][1]<<16|uint64(e.Port[1])^t.secret[0], t.secret[1])
	}
	return uint32(h ^ h>>32)
}

func (t *table) hash6(e *flow.Ends, d flow.Dir) uint64 {
	ip := &e.IP[d]
	return fold64(fold64(ip[0]^t.secret[0], ip[1]^t.secret[1])^uint64(e.Port[d])^t.secret[2], t.secret[3])
}

// fold64 multiplies two words and folds the product.
func fold64(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// compare tells whether ends are not those of a connection in the same order,
// and not the other way round: 0 if they are, else 1. It has no branch: which
// direction the next packet has cannot be foretold.
func (c *conn) compare(e *flow.Ends) (there, back uint64) {
	a0, a1, b0, b1 := c.IP[0][0], c.IP[0][1], c.IP[1][0], c.IP[1][1]
	x0, x1, y0, y1 := e.IP[0][0], e.IP[0][1], e.IP[1][0], e.IP[1][1]
	there = (a0 ^ x0) | (a1 ^ x1) | (b0 ^ y0) | (b1 ^ y1) | uint64(c.Port[0]^e.Port[0]) | uint64(c.Port[1]^e.Port[1])
	back = (a0 ^ y0) | (a1 ^ y1) | (b0 ^ x0) | (b1 ^ x1) | uint64(c.Port[0]^e.Port[1]) | uint64(c.Port[1]^e.Port[0])
	return (there | -there) >> 63, (back | -back) >> 63
}

// find returns the newest connection with some ends, whose hash is given, and the
// direction that they stand for; nil if there is none. A connection of an end with
// itself has one direction only.
func (t *table) find(e *flow.Ends, hash uint32) (*conn, flow.Dir) {
	if len(t.slots) == 0 {
		return nil, flow.AtoB
	}
	mask := uint32(len(t.slots) - 1)
	for i := hash & mask; ; i = (i + 1) & mask {
		s := t.slots[i]
		if s.conn == 0 {
			return nil, flow.AtoB
		}
		if s.hash != hash {
			continue
		}
		c := t.conns.at(s.conn)
		if there, back := c.compare(e); there&back == 0 && c.V6 == e.V6 {
			return c, flow.Dir(there)
		}
	}
}

// insert adds a connection whose ends are not in the table.
func (t *table) insert(c *conn) {
	if t.used*4 >= len(t.slots)*3 {
		t.grow()
	}
	t.place(slot{c.hash, c.self})
	t.used++
}

func (t *table) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].conn != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(minSlots, 2*len(old)))
	for _, s := range old {
		if s.conn != 0 {
			t.place(s)
		}
	}
}

// slotOf returns the slot of a connection, if it has one.
func (t *table) slotOf(c *conn) (i uint32, ok bool) {
	mask := uint32(len(t.slots) - 1)
	i = c.hash & mask
	for t.slots[i].conn != c.self {
		if t.slots[i].conn == 0 {
			return i, false
		}
		i = (i + 1) & mask
	}
	return i, true
}

// supersede puts a new connection in front of those with the same ends, the
// newest of which is c.
func (t *table) supersede(c, by *conn) {
	i, _ := t.slotOf(c)
	t.slots[i].conn = by.self
	by.older = c.self
	by.flags |= hasOlder
}

// remove takes a connection out of the table. One with the same ends that is older
// takes its place.
func (t *table) remove(c *conn) {
	i, ok := t.slotOf(c)
	switch {
	case !ok:
		t.unlink(c)
	case c.older != 0:
		t.slots[i].conn = c.older
	default:
		t.vacate(i)
	}
}

// unlink takes out a connection that is not the newest with its ends.
func (t *table) unlink(c *conn) {
	u, _ := t.find(&c.Ends, c.hash)
	for u.older != c.self {
		u = t.conns.at(u.older)
	}
	if u.older = c.older; u.older == 0 {
		u.flags &^= hasOlder
	}
}

// vacate makes a slot free.
func (t *table) vacate(i uint32) {
	mask := uint32(len(t.slots) - 1)
	t.used--
	for j := (i + 1) & mask; t.slots[j].conn != 0; j = (j + 1) & mask {
		home := t.slots[j].hash & mask
		if (j-home)&mask >= (j-i)&mask { // the run up to j has a hole at i that j may fill
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
}
