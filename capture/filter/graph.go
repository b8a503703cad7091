package filter

import "slices"

// A graph is the decision graph of an expression: blocks that test a packet
// and go on to one of two blocks, down to acceptance or rejection. It has no
// cycles.
type graph struct {
	root           *block
	accept, reject *block
	blocks         []*block // by id, also those that have become unreachable
	levels         [][]*block
}

// A side is an outcome of a test, and the edge taken then.
type side uint8

const (
	yes side = iota
	no
)

// A block is one test, or a verdict.
type block struct {
	id      int
	test    test
	verdict bool   // accept or reject: there is no test and no successor
	keep    uint32 // bytes that a verdict keeps of the packet
	next    [2]*block

	// What follows is set by and for reduce and emit.
	value load // what test.load gave when the pass began
	level int  // longest way to a verdict; -1: not yet known
	dom   bitset
	edom  [2]bitset
	in    []edge
}

// An edge is the way out of a block for one outcome of its test.
type edge struct {
	from *block
	side side
}

func newGraph() *graph {
	return &graph{accept: &block{verdict: true, keep: acceptLen}, reject: &block{verdict: true}}
}

// grow makes the graph that of c.
func (g *graph) grow(c *cond) {
	g.root = build(c, g.accept, g.reject)
	g.blocks = nil
	g.number(g.root, map[*block]bool{})
}

// build gives the first block of the tests of c, which lead to t if c is true
// and to f if not.
func build(c *cond, t, f *block) *block {
	switch c.op {
	case and:
		return build(c.x, build(c.y, t, f), f)
	case or:
		return build(c.x, t, build(c.y, t, f))
	case not:
		return build(c.x, f, t)
	}
	return &block{test: c.test, next: [2]*block{t, f}}
}

// number gives ids to all blocks that can be reached, in the order of a walk
// that goes the way of yes first.
func (g *graph) number(b *block, seen map[*block]bool) {
	if b == nil || seen[b] {
		return
	}
	seen[b] = true
	b.id = len(g.blocks)
	g.blocks = append(g.blocks, b)
	g.number(b.next[yes], seen)
	g.number(b.next[no], seen)
}

// findLevels sorts the blocks by the longest way to a verdict, so that a walk
// from the last level down sees a block after all that lead to it. Within a
// level, the block found last comes first.
func (g *graph) findLevels() {
	for _, b := range g.blocks {
		b.level = -1
	}
	clear(g.levels)
	g.levels = g.levels[:0]
	g.findLevel(g.root)
	for _, l := range g.levels {
		slices.Reverse(l)
	}
}

func (g *graph) findLevel(b *block) {
	if b.level >= 0 {
		return
	}
	b.level = 0
	if !b.verdict {
		g.findLevel(b.next[yes])
		g.findLevel(b.next[no])
		b.level = max(b.next[yes].level, b.next[no].level) + 1
	}
	for len(g.levels) <= b.level {
		g.levels = append(g.levels, nil)
	}
	g.levels[b.level] = append(g.levels[b.level], b)
}

// down calls f for every block, after all that lead to it.
func (g *graph) down(f func(*block)) {
	for i := len(g.levels) - 1; i >= 0; i-- {
		for _, b := range g.levels[i] {
			f(b)
		}
	}
}

// up calls f for every block that is no verdict, before all that lead to it.
func (g *graph) up(f func(*block)) {
	for _, l := range g.levels[1:] {
		for _, b := range l {
			f(b)
		}
	}
}

// A bitset is a set of small numbers.
type bitset []uint64

func (s bitset) add(i int)      { s[i>>6] |= 1 << (i & 63) }
func (s bitset) has(i int) bool { return s[i>>6]&(1<<(i&63)) != 0 }

// keep removes what t lacks.
func (s bitset) keep(t bitset) {
	for i := range s {
		s[i] &= t[i]
	}
}

func (s bitset) fill() {
	for i := range s {
		s[i] = ^uint64(0)
	}
}
