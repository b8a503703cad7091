package reassembly

import (
	"encoding/binary"
	"math/bits"
)

// A key names a connection whatever the direction: both ends, the smaller one
// first.
type key struct {
	lo, hi [2]uint64 // addresses
	ports  uint64    // port of lo, port of hi, and 1<<32 for IPv6
}

// keyOf returns the key of a segment, and whether its sender is the greater end.
func keyOf(s *segment) (k key, swapped bool) {
	src, dst := addrWords(s.src), addrWords(s.dst)
	sport, dport := uint64(s.sport), uint64(s.dport)
	if src[0] > dst[0] || src[0] == dst[0] && (src[1] > dst[1] || src[1] == dst[1] && sport > dport) {
		src, dst, sport, dport, swapped = dst, src, dport, sport, true
	}
	k = key{lo: src, hi: dst, ports: sport<<16 | dport}
	if len(s.src) == 16 {
		k.ports |= 1 << 32
	}
	return k, swapped
}

func addrWords(b []byte) [2]uint64 {
	if len(b) == 4 {
		return [2]uint64{0, uint64(binary.BigEndian.Uint32(b))}
	}
	return [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// hash mixes a key with a secret, so that nobody on the network can choose
// connections that all land in one slot.
func (k *key) hash(secret uint64) uint32 {
	other := secret * 0xd1b54a32d192ed03 // neither factor may be known
	h := fold64(secret^k.ports, other^k.lo[1]^bits.RotateLeft64(k.hi[1], 32))
	if k.ports>>32 != 0 { // IPv6
		h = fold64(h^k.lo[0], other^k.hi[0])
		h = fold64(h^k.lo[1], other^k.hi[1])
	}
	return uint32(h>>32) | 1 // never 0: 0 marks a free slot
}

// fold64 multiplies two words and folds the product.
func fold64(a, b uint64) uint64 {
	hi, lo := bits.Mul64(a, b)
	return hi ^ lo
}

// same compares keys, most distinctive words first.
func (k *key) same(o *key) bool {
	return k.lo[1] == o.lo[1] && k.hi[1] == o.hi[1] && k.ports == o.ports && k.lo[0] == o.lo[0] && k.hi[0] == o.hi[0]
}

// A table finds the connection of a key by open addressing with linear
// probing. Removal shifts the rest of the run back, so there are no tombstones.
type table struct {
	secret uint64
	slots  []slot // a power of two
	used   int
}

type slot struct {
	hash uint32 // 0: free
	conn *conn
}

const minSlots = 1 << 10

func (t *table) find(k *key) *conn {
	if t.used == 0 {
		return nil
	}
	h := k.hash(t.secret)
	mask := uint32(len(t.slots) - 1)
	for i := h & mask; t.slots[i].hash != 0; i = (i + 1) & mask {
		if t.slots[i].hash == h && t.slots[i].conn.key.same(k) {
			return t.slots[i].conn
		}
	}
	return nil
}

// insert adds a connection whose key is not in the table.
func (t *table) insert(c *conn) {
	if t.used*4 >= len(t.slots)*3 {
		t.grow()
	}
	t.place(slot{c.key.hash(t.secret), c})
	t.used++
}

func (t *table) place(s slot) {
	mask := uint32(len(t.slots) - 1)
	i := s.hash & mask
	for t.slots[i].hash != 0 {
		i = (i + 1) & mask
	}
	t.slots[i] = s
}

func (t *table) grow() {
	old := t.slots
	t.slots = make([]slot, max(minSlots, 2*len(old)))
	for _, s := range old {
		if s.hash != 0 {
			t.place(s)
		}
	}
}

// remove takes a connection out of the table.
func (t *table) remove(c *conn) {
	mask := uint32(len(t.slots) - 1)
	i := c.key.hash(t.secret) & mask
	for t.slots[i].conn != c {
		if t.slots[i].hash == 0 {
			return
		}
		i = (i + 1) & mask
	}
	t.used--
	for j := (i + 1) & mask; t.slots[j].hash != 0; j = (j + 1) & mask {
		home := t.slots[j].hash & mask
		if (j-home)&mask >= (j-i)&mask { // the run up to j has a hole at i that j may fill
			t.slots[i] = t.slots[j]
			i = j
		}
	}
	t.slots[i] = slot{}
}
