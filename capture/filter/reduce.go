package filter

import "math/bits"

// The reduction below follows the optimizer of libpcap (after McCanne and
// Jacobson, "The BSD Packet Filter", and Begel, McCanne and Graham, "BPF+")
// step by step, where a simpler one would do for whole packets. The reason is
// cut packets: a load behind the end of the data rejects the packet whatever
// the expression says, so that the tests that are left, and their order,
// decide. It also decides which expressions are found to reject everything.

// maxIdle bounds passes that only move blocks: the moves can go in circles.
const maxIdle = 100

// A reducer is the state of one reduction.
type reducer struct {
	*graph
	changed  bool // in this pass
	progress bool // changed otherwise than by moving blocks
}

// reduce removes tests with a known outcome.
func (g *graph) reduce() {
	r := &reducer{graph: g}
	r.allocate()
	for idle := 0; idle < maxIdle; idle++ {
		r.pass()
		if !r.changed {
			break
		}
		if r.progress {
			idle = -1
		}
	}
	for !g.root.verdict && g.root.next[yes] == g.root.next[no] {
		g.root = g.root.next[yes]
	}
}

// allocate makes the sets of all blocks.
func (r *reducer) allocate() {
	n := len(r.blocks)
	words, edgeWords := n/64+1, 2*n/64+1
	for _, b := range r.blocks {
		b.dom = make(bitset, words)
		b.edom[yes] = make(bitset, edgeWords)
		b.edom[no] = make(bitset, edgeWords)
	}
}

func (r *reducer) pass() {
	r.changed, r.progress = false, false
	r.findLevels()
	r.findDominators()
	r.down(r.simplify)
	r.up(func(b *block) {
		r.shorten(edge{b, yes})
		r.shorten(edge{b, no})
	})
	r.findIncoming()
	r.up(func(b *block) {
		r.pullUp(b, yes)
		r.pullUp(b, no)
	})
}

// edgeID numbers the edges of the graph.
func (r *reducer) edgeID(e edge) int { return int(e.side)*len(r.blocks) + e.from.id }

// edge is the inverse of edgeID.
func (r *reducer) edge(id int) edge {
	if n := len(r.blocks); id >= n {
		return edge{r.blocks[id-n], no}
	}
	return edge{r.blocks[id], yes}
}

// findDominators finds for every block the blocks that all ways to it lead
// through, and for every edge the edges.
func (r *reducer) findDominators() {
	for _, b := range r.blocks {
		b.dom.fill()
		b.edom[yes].fill()
		b.edom[no].fill()
	}
	clear(r.root.dom)
	clear(r.root.edom[yes])
	clear(r.root.edom[no])
	r.down(func(b *block) {
		b.dom.add(b.id)
		for s, next := range b.next {
			if next == nil {
				continue
			}
			next.dom.keep(b.dom)
			own := b.edom[s]
			own.add(r.edgeID(edge{b, side(s)}))
			next.edom[yes].keep(own)
			next.edom[no].keep(own)
		}
	})
}

// simplify rewrites a masked comparison with zero to a test for bits, and
// joins the edges of a block whose outcome is known without the packet.
func (r *reducer) simplify(b *block) {
	if b.verdict {
		return
	}
	t := &b.test
	b.value = t.load
	if t.cmp == isEqual && t.k == 0 && t.load.mask != allBits {
		t.cmp, t.k, t.load.mask = hasBits, t.load.mask, allBits
		b.next[yes], b.next[no] = b.next[no], b.next[yes]
		r.changed, r.progress = true, true
	}
	switch {
	case t.cmp == hasBits && t.k == 0:
		b.next[yes] = b.next[no]
	case t.load.size == 0 && t.load.off == t.k:
		b.next[no] = b.next[yes]
	case t.load.size == 0:
		b.next[yes] = b.next[no]
	}
}

// shorten lets an edge lead past blocks whose outcome does not matter or is
// known from the edges before.
func (r *reducer) shorten(e edge) {
	to := &e.from.next[e.side]
	if (*to).verdict {
		return
	}
	if n := (*to).next; n[yes] == n[no] {
		*to = n[yes]
		r.changed, r.progress = true, true
	}
	for !(*to).verdict {
		n := r.known(*to, e)
		if n == nil {
			return
		}
		*to = n
		r.changed = true
	}
}

// known returns the block behind b if the outcome of b is known on e, else
// nil.
func (r *reducer) known(b *block, e edge) *block {
	for i, w := range e.from.edom[e.side] {
		for ; w != 0; w &= w - 1 {
			d := r.edge(i*64 + bits.TrailingZeros64(w))
			if n := implied(b, d); n != nil {
				return n
			}
		}
	}
	return nil
}

// implied returns the block behind b if having taken e tells the outcome of
// b, else nil: the tests are the same, or both are for equality and e is the
// way of yes.
func implied(b *block, e edge) *block {
	had := e.from
	switch {
	case b.test.cmp != had.test.cmp || b.value != had.value:
		return nil
	case b.test.k == had.test.k:
		return b.next[e.side]
	case e.side == yes && b.test.cmp == isEqual:
		return b.next[no]
	}
	return nil
}

// findIncoming finds the edges that lead to each block.
func (r *reducer) findIncoming() {
	for _, b := range r.blocks {
		b.in = b.in[:0]
	}
	r.down(func(b *block) {
		for s, next := range b.next {
			if next != nil {
				next.in = append(next.in, edge{b, side(s)})
			}
		}
	})
}

// pullUp looks at a chain of tests that begins with b and that one outcome,
// exit, leaves for the same block: the alternatives of an or (exit is yes) or
// of an and (no). If all that lead to b have the value v at hand, and further
// down the chain there is a test of v behind tests of other values, that test
// is pulled up before those.
func (r *reducer) pullUp(b *block, exit side) {
	if len(b.in) == 0 {
		return
	}
	v := b.in[0].from.value
	for _, e := range b.in {
		if e.from.value != v {
			return
		}
	}
	along := 1 - exit
	inChain := func(c *block) bool {
		return !c.verdict && c.next[exit] == b.next[exit] && c.dom.has(b.id)
	}
	first := b
	other := &first
	for inChain(*other) && (*other).value == v {
		other = &(*other).next[along]
	}
	if !inChain(*other) {
		return
	}
	same := &(*other).next[along]
	for inChain(*same) && (*same).value != v {
		same = &(*same).next[along]
	}
	if !inChain(*same) {
		return
	}
	pull := *same
	*same = pull.next[along]
	pull.next[along] = *other
	*other = pull
	for _, e := range b.in {
		e.from.next[e.side] = first
	}
	r.changed = true
}
