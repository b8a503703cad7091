package filter

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/net/bpf"

	"github.com/wssniff/wssniff/capture"
)

// text is p as tcpdump -ddd prints it.
func text(p Program) string {
	var b strings.Builder
	fmt.Fprintln(&b, len(p))
	for _, ins := range p {
		fmt.Fprintln(&b, ins.Op, ins.Jt, ins.Jf, ins.K)
	}
	return b.String()
}

func TestParseProgram(t *testing.T) {
	want := mustCompile(t, "tcp port 443 or host ::1", capture.LinkEthernet)
	for _, in := range []string{text(want), strings.ReplaceAll(text(want), "\n", "\r\n"), text(want) + "\n \n", strings.TrimSpace(text(want))} {
		got, err := ParseProgram(strings.NewReader(in))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("got %v, %v, want %v", got, err, want)
		}
	}
	tests := []struct{ name, in, want string }{
		{"empty", "", "it is empty"},
		{"tcpdump -d", "(000) ldh [12]\n", `line 1 is "(000) ldh [12]", not a number of instructions: it takes the output of tcpdump -ddd`},
		{"none", "0\n", "0 instructions, want 1 to 4096"},
		{"too many", "4097\n", "4097 instructions, want 1 to 4096"},
		{"far too many", "4294967297\n", "not a number of instructions"},
		{"cut", "2\n6 0 0 0\n", "2 instructions announced, 1 found"},
		{"behind the end", "1\n6 0 0 0\n6 0 0 0\n", "more than the 1 instructions announced"},
		{"three numbers", "1\n6 0 0\n", `line 2: "6 0 0" is not four numbers`},
		{"negative", "1\n6 0 0 -1\n", `line 2: "-1" is not a number of 32 bits`},
		{"long jump", "1\n21 256 0 1\n", `"256" is not a number of 8 bits`},
		{"no return", "1\n40 0 0 12\n", "does not end with a return"},
		{"jump to the end", "2\n21 0 1 1\n6 0 0 0\n", "instruction 0: jump behind the end"},
		{"ja to the end", "2\n5 0 0 1\n6 0 0 0\n", "instruction 0: jump backward or behind the end"},
		{"ja backward", "2\n5 0 0 4294967295\n6 0 0 0\n", "loops, as of protochain"},
		{"unknown code", "2\n14 0 0 0\n6 0 0 0\n", "instruction 0: unknown code 14"},
		{"memory", "2\n2 0 0 16\n6 0 0 0\n", "memory cell 16 of 16"},
		{"division", "2\n52 0 0 0\n6 0 0 0\n", "division by zero"},
		{"modulus", "2\n148 0 0 0\n6 0 0 0\n", "division by zero"},
		{"shift", "2\n100 0 0 32\n6 0 0 0\n", "shift by 32 bits"},
		{"long line", "1\n" + strings.Repeat("6", 300), "line too long"},
	}
	for _, tt := range tests {
		if _, err := ParseProgram(strings.NewReader(tt.in)); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: got %v, want %q", tt.name, err, tt.want)
		}
	}
}

// TestKernelData takes what "tcpdump -i eth0 -ddd vlan" prints: a program that
// can be given to a kernel only.
func TestKernelData(t *testing.T) {
	p, err := ParseProgram(strings.NewReader("3\n48 0 0 4294963248\n21 0 0 1\n6 0 0 262144\n"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Matcher(); err == nil || !strings.Contains(err.Error(), "instruction 0 asks for what only a kernel knows") {
		t.Errorf("got %v", err)
	}
}

// TestUnvalidated gives Matcher what did not come from ParseProgram.
func TestUnvalidated(t *testing.T) {
	for _, p := range []Program{nil, {{Op: opJA}}, {{Op: opLdImm}}} {
		if _, err := p.Matcher(); err == nil {
			t.Errorf("%v: no error", p)
		}
	}
}

// Programs of one instruction between a load of A and X, and the return of A.
func TestInstructions(t *testing.T) {
	data := []byte{0x45, 0x01, 0x02, 0x03, 0x04}
	tests := []struct {
		name string
		ins  bpf.RawInstruction
		a, x uint32
		want uint32
	}{
		{"ldb", bpf.RawInstruction{Op: opLdAbsB, K: 4}, 0, 0, 4},
		{"ldb behind the end", bpf.RawInstruction{Op: opLdAbsB, K: 5}, 9, 0, 0},
		{"ldh", bpf.RawInstruction{Op: opLdAbsH, K: 3}, 0, 0, 0x304},
		{"ldh half behind the end", bpf.RawInstruction{Op: opLdAbsH, K: 4}, 9, 0, 0},
		{"ld", bpf.RawInstruction{Op: opLdAbsW, K: 1}, 0, 0, 0x01020304},
		{"ld partly behind the end", bpf.RawInstruction{Op: opLdAbsW, K: 2}, 9, 0, 0},
		{"ldb x", bpf.RawInstruction{Op: opLdIndB, K: 1}, 0, 3, 4},
		{"ldb x, far behind the end", bpf.RawInstruction{Op: opLdIndB, K: 0xffffffff}, 9, 2, 0},
		{"ldh x", bpf.RawInstruction{Op: opLdIndH, K: 0}, 0, 3, 0x304},
		{"ld x", bpf.RawInstruction{Op: opLdIndW, K: 0xffffffff}, 9, 0xffffffff, 0},
		{"ld len", bpf.RawInstruction{Op: opLdLen}, 0, 0, 1500},
		{"add", bpf.RawInstruction{Op: opAddK, K: 0xffffffff}, 3, 0, 2},
		{"sub", bpf.RawInstruction{Op: opSubX}, 1, 2, 0xffffffff},
		{"mul", bpf.RawInstruction{Op: opMulX}, 3, 5, 15},
		{"div", bpf.RawInstruction{Op: opDivX}, 17, 5, 3},
		{"div by zero", bpf.RawInstruction{Op: opDivX}, 17, 0, 0},
		{"mod", bpf.RawInstruction{Op: opModK, K: 5}, 17, 0, 2},
		{"mod by zero", bpf.RawInstruction{Op: opModX}, 17, 0, 0},
		{"and", bpf.RawInstruction{Op: opAndX}, 6, 3, 2},
		{"or", bpf.RawInstruction{Op: opOrK, K: 1}, 6, 0, 7},
		{"xor", bpf.RawInstruction{Op: opXorX}, 6, 3, 5},
		{"lsh", bpf.RawInstruction{Op: opLshK, K: 31}, 3, 0, 1 << 31},
		{"lsh by much", bpf.RawInstruction{Op: opLshX}, 3, 32, 0},
		{"rsh", bpf.RawInstruction{Op: opRshX}, 12, 2, 3},
		{"neg", bpf.RawInstruction{Op: opNeg}, 1, 0, 0xffffffff},
		{"txa", bpf.RawInstruction{Op: opTxa}, 1, 2, 2},
		{"unset memory", bpf.RawInstruction{Op: opLdMem, K: 15}, 1, 2, 0},
	}
	for _, tt := range tests {
		m := mustMatcher(t, Program{{Op: opLdImm, K: tt.a}, {Op: opLdxImm, K: tt.x}, tt.ins, {Op: opRetA}})
		if got := m.run(data, 1500); got != tt.want {
			t.Errorf("%s: got %#x, want %#x", tt.name, got, tt.want)
		}
	}
	loads := Program{
		{Op: opLdxMsh, K: 0}, {Op: opStx, K: 1}, // M[1] = 20
		{Op: opLdxLen}, {Op: opTxa}, {Op: opSt, K: 2}, // M[2] = 1500
		{Op: opLdxMem, K: 1}, {Op: opLdMem, K: 2}, {Op: opSubX}, {Op: opTax}, {Op: opTxa}, {Op: opRetA},
	}
	if got := mustMatcher(t, loads).run(data, 1500); got != 1480 {
		t.Errorf("memory: got %d, want 1480", got)
	}
}

// randomProgram makes a program of random instructions, jumps included, that
// golang.org/x/net/bpf knows: neg and ldx len are not among them.
func randomProgram(r *rand.Rand) Program {
	codes := []uint16{opLdAbsW, opLdAbsH, opLdAbsB, opLdIndW, opLdIndH, opLdIndB, opLdImm, opLdMem, opLdLen,
		opLdxImm, opLdxMem, opLdxMsh, opSt, opStx, opAddK, opSubK, opMulK, opDivK, opOrK, opAndK, opLshK, opRshK,
		opModK, opXorK, opAddX, opSubX, opMulX, opDivX, opOrX, opAndX, opLshX, opRshX, opModX, opXorX,
		opJA, opJEQ, opJGT, opJGE, opJSET, opJEQX, opJGTX, opJGEX, opJSETX, opRetK, opRetA, opTax, opTxa}
	var p Program
	n := 2 + r.IntN(30)
	for i := range n {
		left := max(n-i, 1)
		ins := bpf.RawInstruction{Op: pick(r, codes...), K: uint32(r.IntN(40))}
		switch ins.Op {
		case opLdMem, opLdxMem, opSt, opStx:
			ins.K %= scratch
		case opLshK, opRshK:
			ins.K %= 32
		case opDivK, opModK:
			ins.K++
		case opJA:
			ins.K = uint32(r.IntN(left))
		case opJEQ, opJGT, opJGE, opJSET, opJEQX, opJGTX, opJGEX, opJSETX:
			ins.Jt, ins.Jf = uint8(r.IntN(left)), uint8(r.IntN(left))
		}
		p = append(p, ins)
	}
	return append(p, bpf.RawInstruction{Op: opRetA})
}

// TestVM compares Match with the machine of golang.org/x/net/bpf.
func TestVM(t *testing.T) {
	if strconv.IntSize == 32 {
		t.Skip("that machine panics for offsets of more than 31 bits")
	}
	r := rand.New(rand.NewPCG(6, 1))
	compared := 0
	for range 20000 {
		p := randomProgram(r)
		var instructions []bpf.Instruction
		for _, ins := range p {
			instructions = append(instructions, ins.Disassemble())
		}
		vm, err := bpf.NewVM(instructions)
		if err != nil {
			t.Fatalf("%v: %v", p, err)
		}
		m := mustMatcher(t, p)
		for range 5 {
			data := bytesOf(r, r.IntN(60))
			want, err := vm.Run(data)
			if err != nil {
				t.Fatal(err)
			}
			compared++
			if got := m.run(data, uint32(len(data))); int(got) != want {
				t.Fatalf("%s: got %d, want %d for %x", text(p), got, want, data)
			}
		}
	}
	t.Logf("%d results compared", compared)
}

// TestLongJumps compiles lists of all lengths around the reach of a jump, and
// demands all members of the list and nothing else.
func TestLongJumps(t *testing.T) {
	for n := 235; n < 265; n++ {
		var hosts []string
		for i := range n {
			hosts = append(hosts, fmt.Sprintf("10.0.%d.%d", 1+i/256, i%256))
		}
		m := mustMatcher(t, mustCompile(t, "tcp and ip src host "+strings.Join(hosts, " or "), capture.LinkEthernet))
		p := httpsPacket()
		for i := range 512 {
			p[28], p[29] = byte(1+i/256), byte(i)
			if got, want := m.Match(p, len(p)), i < n; got != want {
				t.Fatalf("%d addresses: got %v for number %d", n, got, i)
			}
		}
	}
}

// httpsPacket is the start of a TCP segment to port 443 over Ethernet and
// IPv4.
func httpsPacket() []byte {
	b := append(make([]byte, 12), 8, 0) // addresses, EtherType
	b = append(b, 0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2)
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint16(b, 50000), 443)
	return append(b, make([]byte, 16)...)
}

func TestNoAllocs(t *testing.T) {
	m := mustMatcher(t, mustCompile(t, "tcp port 443 and host 10.0.0.1", capture.LinkEthernet))
	p := httpsPacket()
	if !m.Match(p, len(p)) {
		t.Fatal("no match")
	}
	if n := testing.AllocsPerRun(100, func() { m.Match(p, len(p)) }); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}

// TestCut matches every start of a packet: no load goes beyond it.
func TestCut(t *testing.T) {
	m := mustMatcher(t, mustCompile(t, "tcp port 443", capture.LinkEthernet))
	p := httpsPacket()
	for n := range len(p) + 1 {
		if got, want := m.Match(p[:n:n], len(p)), n >= 38; got != want {
			t.Errorf("%d bytes: got %v", n, got)
		}
	}
	if m.Match(nil, 0) {
		t.Error("an empty packet matches")
	}
}

func BenchmarkMatch(b *testing.B) {
	m := mustMatcher(b, mustCompile(b, "tcp port 443 and host 10.0.0.1", capture.LinkEthernet))
	p := httpsPacket()
	for b.Loop() {
		m.Match(p, len(p))
	}
}
