package filter

import (
	"encoding/binary"
	"fmt"

	"golang.org/x/net/bpf"
)

// A Matcher runs a program. It keeps no state between packets and may be used
// by several goroutines. The machine of golang.org/x/net/bpf would do, but it
// takes the captured length of a packet for its length on the wire, lacks the
// instructions neg and ldx len, and panics for large offsets where an int has
// 32 bits.
type Matcher struct {
	prog Program
}

// kernelData is where the offsets begin that stand for what a kernel knows of
// a packet and its bytes do not tell (SKF_NET_OFF and SKF_LL_OFF of
// linux/filter.h; the device and the VLAN tag among them).
const kernelData = 0x80000000

// Matcher checks the program and makes it ready to run. The error tells what
// is wrong with the program, or that only a kernel can run it: one that
// "tcpdump -i" compiled may ask for the VLAN tag that the network card took
// off.
func (p Program) Matcher() (*Matcher, error) {
	if err := p.validate(); err != nil {
		return nil, err
	}
	for i, ins := range p {
		switch ins.Op {
		case opLdAbsW, opLdAbsH, opLdAbsB:
			if ins.K >= kernelData {
				return nil, fmt.Errorf("BPF program: instruction %d asks for what only a kernel knows; "+
					"for packets of files compile with tcpdump -r FILE -ddd", i)
			}
		}
	}
	return &Matcher{prog: append(Program(nil), p...)}, nil
}

// Match reports whether the program accepts a packet. data is what was
// captured of it, and wireLen its length on the wire. A load behind the end
// of data rejects the packet, and so does a division by zero, as in a kernel.
func (m *Matcher) Match(data []byte, wireLen int) bool {
	return m.run(data, uint32(wireLen)) != 0
}

// run returns the verdict. Jumps lead forward within the program and its last
// instruction is a return, so that pc stays in bounds.
func (m *Matcher) run(data []byte, wireLen uint32) uint32 {
	var a, x uint32
	var mem [scratch]uint32
	for pc := 0; ; pc++ {
		ins := &m.prog[pc]
		ok := true
		switch ins.Op {
		case opLdAbsW, opLdAbsH, opLdAbsB:
			a, ok = fetch(data, uint64(ins.K), ins.Op)
		case opLdIndW, opLdIndH, opLdIndB:
			a, ok = fetch(data, uint64(ins.K)+uint64(x), ins.Op)
		case opLdxMsh:
			x, ok = fetch(data, uint64(ins.K), opLdAbsB)
			x = 4 * (x & 0xf)
		case opLdImm:
			a = ins.K
		case opLdMem:
			a = mem[ins.K&(scratch-1)]
		case opLdLen:
			a = wireLen
		case opLdxImm:
			x = ins.K
		case opLdxMem:
			x = mem[ins.K&(scratch-1)]
		case opLdxLen:
			x = wireLen
		case opSt:
			mem[ins.K&(scratch-1)] = a
		case opStx:
			mem[ins.K&(scratch-1)] = x
		case opTax:
			x = a
		case opTxa:
			a = x
		case opJA:
			pc += int(ins.K)
		case opRetK:
			return ins.K
		case opRetA:
			return a
		case opJEQ, opJGT, opJGE, opJSET:
			pc += int(branch(ins, a, ins.K))
		case opJEQX, opJGTX, opJGEX, opJSETX:
			pc += int(branch(ins, a, x))
		default:
			a, ok = compute(ins, a, x)
		}
		if !ok {
			return 0
		}
	}
}

// fetch loads from the packet. The size is in the code.
func fetch(data []byte, off uint64, code uint16) (uint32, bool) {
	if off >= uint64(len(data)) {
		return 0, false
	}
	data = data[off:]
	switch code & sizeBits {
	case sizeByte:
		return uint32(data[0]), true
	case sizeHalf:
		if len(data) >= 2 {
			return uint32(binary.BigEndian.Uint16(data)), true
		}
	default:
		if len(data) >= 4 {
			return binary.BigEndian.Uint32(data), true
		}
	}
	return 0, false
}

// The size of a load in its code.
const (
	sizeBits = 0x18
	sizeHalf = 0x08
	sizeByte = 0x10
)

// operandX is the bit of a code that takes X in the place of k.
const operandX = 0x08

// branch returns how many instructions a conditional jump skips.
func branch(ins *bpf.RawInstruction, a, b uint32) uint8 {
	var taken bool
	switch ins.Op &^ operandX {
	case opJEQ:
		taken = a == b
	case opJGT:
		taken = a > b
	case opJGE:
		taken = a >= b
	default:
		taken = a&b != 0
	}
	if taken {
		return ins.Jt
	}
	return ins.Jf
}

// compute does the arithmetic of an instruction. It fails on a division by
// zero.
func compute(ins *bpf.RawInstruction, a, x uint32) (uint32, bool) {
	b := ins.K
	if ins.Op&operandX != 0 {
		b = x
	}
	switch ins.Op &^ operandX {
	case opAddK:
		return a + b, true
	case opSubK:
		return a - b, true
	case opMulK:
		return a * b, true
	case opOrK:
		return a | b, true
	case opAndK:
		return a & b, true
	case opXorK:
		return a ^ b, true
	case opLshK:
		return a << b, true
	case opRshK:
		return a >> b, true
	case opNeg:
		return -a, true
	}
	if b == 0 {
		return 0, false
	}
	if ins.Op&^operandX == opDivK {
		return a / b, true
	}
	return a % b, true
}
