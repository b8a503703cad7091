package filter

import (
	"slices"

	"golang.org/x/net/bpf"
)

// emit writes the graph as a program. A value that is at hand on all ways to
// a block is not loaded again, and blocks with equal code are written once.
func (g *graph) emit() Program {
	w := newWriter(g.root)
	w.fill()
	codes := w.placed
	w = newWriter(w.merge(g.root))
	for b, p := range w.placed {
		p.code = codes[b].code
	}
	for w.grow() {
	}
	return w.program()
}

// A writer lays out the blocks of a graph as instructions.
type writer struct {
	order  []*block // each block behind those that lead to it
	placed map[*block]*place
}

// A place is what the writer knows of a block.
type place struct {
	at      int                  // index of the first instruction
	code    []bpf.RawInstruction // without the jump
	far     [2]bool              // by side: the way is too long for the jump and needs one more
	regs    registers            // at the start of the block
	reached bool                 // regs is valid; not for the first block, which knows nothing
}

// Registers are the values that A and X have, as far as known.
type registers struct {
	a            load
	ip           uint32 // X is the length of the IPv4 header that begins here
	aKnown, hasX bool
}

func newWriter(root *block) *writer {
	w := &writer{placed: map[*block]*place{}}
	w.arrange(root)
	slices.Reverse(w.order)
	return w
}

// arrange appends the blocks that can be reached from b, those that lead to
// others behind them.
func (w *writer) arrange(b *block) {
	if b == nil || w.placed[b] != nil {
		return
	}
	w.placed[b] = &place{}
	w.arrange(b.next[no])
	w.arrange(b.next[yes])
	w.order = append(w.order, b)
}

// fill makes the code of all blocks.
func (w *writer) fill() {
	for _, b := range w.order {
		p := w.placed[b]
		if b.verdict {
			continue
		}
		regs := p.regs
		p.code = b.test.load.code(&regs)
		for _, next := range b.next {
			w.placed[next].meet(regs)
		}
	}
}

// meet keeps what is known of the registers on this way to the place, too.
func (p *place) meet(r registers) {
	if !p.reached {
		p.reached, p.regs = true, r
		return
	}
	if p.regs.a != r.a {
		p.regs.aKnown = false
	}
	if p.regs.ip != r.ip {
		p.regs.hasX = false
	}
	p.regs.aKnown = p.regs.aKnown && r.aKnown
	p.regs.hasX = p.regs.hasX && r.hasX
}

// code loads l into A, unless it is there.
func (l load) code(r *registers) (code []bpf.RawInstruction) {
	if r.aKnown && r.a == l {
		return nil
	}
	r.a, r.aKnown = l, true
	if l.size == 0 {
		return []bpf.RawInstruction{{Op: opLdImm, K: l.off}}
	}
	if l.indirect && !(r.hasX && r.ip == l.ip) {
		code = append(code, bpf.RawInstruction{Op: opLdxMsh, K: l.ip})
		r.ip, r.hasX = l.ip, true
	}
	code = append(code, bpf.RawInstruction{Op: l.opcode(), K: l.off})
	if l.mask != allBits {
		code = append(code, bpf.RawInstruction{Op: opAndK, K: l.mask})
	}
	return code
}

// opcode is the instruction that loads l into A.
func (l load) opcode() uint16 {
	op := uint16(opLdAbsW)
	if l.indirect {
		op = opLdIndW
	}
	switch l.size {
	case 1:
		return op + sizeByte
	case 2:
		return op + sizeHalf
	}
	return op
}

// merge makes one block of blocks with the same code and the same ways on, and
// returns the one for root. Blocks that load nothing may mean different values
// and yet be the same: each compares what is there when it is reached.
func (w *writer) merge(root *block) *block {
	type key struct {
		code    [3]bpf.RawInstruction
		loads   int
		cmp     compare
		k       uint32
		yes, no *block
	}
	same, merged := map[key]*block{}, map[*block]*block{}
	for _, b := range slices.Backward(w.order) {
		if b.verdict {
			merged[b] = b
			continue
		}
		b.next[yes], b.next[no] = merged[b.next[yes]], merged[b.next[no]]
		k := key{cmp: b.test.cmp, k: b.test.k, yes: b.next[yes], no: b.next[no]}
		k.loads = copy(k.code[:], w.placed[b].code)
		if same[k] == nil {
			same[k] = b
		}
		merged[b] = same[k]
	}
	return merged[root]
}

// grow computes the places of all blocks and reports whether a jump was found
// to be too long, so that they have to be computed again.
func (w *writer) grow() (grown bool) {
	at := 0
	for _, b := range w.order {
		p := w.placed[b]
		p.at = at
		at = p.jump() + 1
		for _, far := range p.far {
			if far {
				at++
			}
		}
	}
	for _, b := range w.order {
		p := w.placed[b]
		for s, next := range b.next {
			if next != nil && !p.far[s] && w.placed[next].at-p.jump()-1 > 255 {
				p.far[s], grown = true, true
			}
		}
	}
	return grown
}

// jump is the index of the jump of a block.
func (p *place) jump() int { return p.at + len(p.code) }

// program writes the instructions of all blocks.
func (w *writer) program() (prog Program) {
	for _, b := range w.order {
		if b.verdict {
			prog = append(prog, bpf.RawInstruction{Op: opRetK, K: b.keep})
			continue
		}
		prog = append(prog, w.placed[b].code...)
		prog = append(prog, w.branch(b)...)
	}
	return prog
}

// branch writes the jump of a block, and the jumps that go further than it
// can.
func (w *writer) branch(b *block) []bpf.RawInstruction {
	p := w.placed[b]
	code := []bpf.RawInstruction{{Op: uint16(b.test.cmp), K: b.test.k}}
	var skip [2]uint8
	for s, next := range b.next {
		if !p.far[s] {
			skip[s] = uint8(w.placed[next].at - p.jump() - 1)
			continue
		}
		skip[s] = uint8(len(code) - 1)
		from := p.jump() + len(code)
		code = append(code, bpf.RawInstruction{Op: opJA, K: uint32(w.placed[next].at - from - 1)})
	}
	code[0].Jt, code[0].Jf = skip[yes], skip[no]
	return code
}
