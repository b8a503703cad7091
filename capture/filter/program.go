package filter

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"

	"golang.org/x/net/bpf"
)

// A Program is a classic BPF program as bpf(4) describes it: what a kernel
// takes as a filter.
type Program []bpf.RawInstruction

// maxProgram is the number of instructions that kernels take (BPF_MAXINSNS).
const maxProgram = 4096

// Instructions of classic BPF, bpf(4) and linux/filter.h. A value is the sum
// of a class, and of a size and mode or an operation and operand.
const (
	opLdAbsW = 0x20 // A = 32 bits at k
	opLdAbsH = 0x28 // A = 16 bits at k
	opLdAbsB = 0x30 // A = 8 bits at k
	opLdIndW = 0x40 // A = 32 bits at X+k
	opLdIndH = 0x48
	opLdIndB = 0x50
	opLdImm  = 0x00 // A = k
	opLdMem  = 0x60 // A = M[k]
	opLdLen  = 0x80 // A = length of the packet on the wire

	opLdxImm = 0x01 // X = k
	opLdxMem = 0x61 // X = M[k]
	opLdxLen = 0x81 // X = length of the packet on the wire
	opLdxMsh = 0xb1 // X = 4 * (8 bits at k & 0xf), the length of an IPv4 header

	opSt  = 0x02 // M[k] = A
	opStx = 0x03 // M[k] = X

	opAddK = 0x04 // A = A + k, and so on
	opSubK = 0x14
	opMulK = 0x24
	opDivK = 0x34
	opOrK  = 0x44
	opAndK = 0x54
	opLshK = 0x64
	opRshK = 0x74
	opModK = 0x94
	opXorK = 0xa4
	opAddX = 0x0c // A = A + X, and so on
	opSubX = 0x1c
	opMulX = 0x2c
	opDivX = 0x3c
	opOrX  = 0x4c
	opAndX = 0x5c
	opLshX = 0x6c
	opRshX = 0x7c
	opModX = 0x9c
	opXorX = 0xac
	opNeg  = 0x84 // A = -A

	opJA    = 0x05 // go on k instructions further
	opJEQ   = 0x15 // go on jt instructions further if A == k, else jf
	opJGT   = 0x25
	opJGE   = 0x35
	opJSET  = 0x45 // A & k != 0
	opJEQX  = 0x1d // the same with X in the place of k
	opJGTX  = 0x2d
	opJGEX  = 0x3d
	opJSETX = 0x4d

	opRetK = 0x06 // the verdict is k
	opRetA = 0x16 // the verdict is A

	opTax = 0x07 // X = A
	opTxa = 0x87 // A = X
)

// scratch is the number of words of M.
const scratch = 16

// ParseProgram reads a program as "tcpdump -ddd" prints it: a line with the
// number of instructions, and for each a line with its code, jt, jf and k in
// decimal. It takes no more than 4096 of them, and only a program that a
// kernel would take: known instructions, jumps forward within the program,
// and a return at the end. So the program ends for every packet.
func ParseProgram(r io.Reader) (Program, error) {
	const maxLine = 256
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 0, maxLine), maxLine)
	n, err := parseCount(lines)
	if err != nil {
		return nil, err
	}
	p := make(Program, 0, n)
	for len(p) < n {
		if !lines.Scan() {
			return nil, scanError(lines, fmt.Sprintf("%d instructions announced, %d found", n, len(p)))
		}
		ins, err := parseInstruction(lines.Text())
		if err != nil {
			return nil, fmt.Errorf("BPF program: line %d: %w", len(p)+2, err)
		}
		p = append(p, ins)
	}
	for lines.Scan() {
		if strings.TrimSpace(lines.Text()) != "" {
			return nil, fmt.Errorf("BPF program: more than the %d instructions announced", n)
		}
	}
	if err := lines.Err(); err != nil {
		return nil, scanError(lines, "")
	}
	return p, p.validate()
}

// parseCount reads the first line.
func parseCount(lines *bufio.Scanner) (int, error) {
	if !lines.Scan() {
		return 0, scanError(lines, "it is empty")
	}
	text := strings.TrimSpace(lines.Text())
	n, err := strconv.ParseUint(text, 10, 32)
	switch {
	case err != nil:
		return 0, fmt.Errorf("BPF program: line 1 is %s, not a number of instructions: it takes the output of tcpdump -ddd", quote(text))
	case n == 0 || n > maxProgram:
		return 0, fmt.Errorf("BPF program: %d instructions, want 1 to %d", n, maxProgram)
	}
	return int(n), nil
}

// scanError is the error of lines, or what if the input has just ended.
func scanError(lines *bufio.Scanner, what string) error {
	switch err := lines.Err(); {
	case err == nil:
		return errors.New("BPF program: " + what)
	case errors.Is(err, bufio.ErrTooLong):
		return errors.New("BPF program: line too long: it takes the output of tcpdump -ddd")
	default:
		return fmt.Errorf("BPF program: %w", err)
	}
}

// parseInstruction reads "code jt jf k".
func parseInstruction(line string) (ins bpf.RawInstruction, err error) {
	f := strings.Fields(line)
	if len(f) != 4 {
		return ins, fmt.Errorf("%s is not four numbers", quote(line))
	}
	var v [4]uint64
	for i, size := range []int{16, 8, 8, 32} {
		if v[i], err = strconv.ParseUint(f[i], 10, size); err != nil {
			return ins, fmt.Errorf("%s is not a number of %d bits", quote(f[i]), size)
		}
	}
	return bpf.RawInstruction{Op: uint16(v[0]), Jt: uint8(v[1]), Jf: uint8(v[2]), K: uint32(v[3])}, nil
}

// validate checks all that Match relies on.
func (p Program) validate() error {
	if len(p) == 0 || len(p) > maxProgram {
		return fmt.Errorf("BPF program: %d instructions, want 1 to %d", len(p), maxProgram)
	}
	for i, ins := range p {
		if err := check(ins, uint64(len(p)-1-i)); err != nil {
			return fmt.Errorf("BPF program: instruction %d: %w", i, err)
		}
	}
	if last := p[len(p)-1].Op; last != opRetK && last != opRetA {
		return errors.New("BPF program: it does not end with a return")
	}
	return nil
}

// check checks an instruction that has left instructions behind it.
func check(ins bpf.RawInstruction, left uint64) error {
	switch ins.Op {
	case opLdMem, opLdxMem, opSt, opStx:
		if ins.K >= scratch {
			return fmt.Errorf("memory cell %d of %d", ins.K, scratch)
		}
	case opDivK, opModK:
		if ins.K == 0 {
			return errors.New("division by zero")
		}
	case opLshK, opRshK:
		if ins.K >= 32 {
			return fmt.Errorf("shift by %d bits", ins.K)
		}
	case opJA:
		if uint64(ins.K) >= left {
			return errors.New("jump backward or behind the end (loops, as of protochain, are not possible)")
		}
	case opJEQ, opJGT, opJGE, opJSET, opJEQX, opJGTX, opJGEX, opJSETX:
		if uint64(max(ins.Jt, ins.Jf)) >= left {
			return errors.New("jump behind the end")
		}
	default:
		if !harmless(ins.Op) {
			return fmt.Errorf("unknown code %d", ins.Op)
		}
	}
	return nil
}

// harmless reports whether op is an instruction with any operands.
func harmless(op uint16) bool {
	switch op {
	case opLdAbsW, opLdAbsH, opLdAbsB, opLdIndW, opLdIndH, opLdIndB, opLdImm, opLdLen,
		opLdxImm, opLdxLen, opLdxMsh,
		opAddK, opSubK, opMulK, opOrK, opAndK, opXorK,
		opAddX, opSubX, opMulX, opDivX, opOrX, opAndX, opLshX, opRshX, opModX, opXorX, opNeg,
		opRetK, opRetA, opTax, opTxa:
		return true
	}
	return false
}
