package filter

import (
	"encoding/binary"
	"math/rand/v2"
	"testing"

	"github.com/wssniff/wssniff/capture"
)

// eval evaluates tests one by one over a packet that is long enough for all
// of them.
func eval(c *cond, data []byte) bool {
	switch c.op {
	case and:
		return eval(c.x, data) && eval(c.y, data)
	case or:
		return eval(c.x, data) || eval(c.y, data)
	case not:
		return !eval(c.x, data)
	}
	v := c.test.load.off
	if c.test.load.size > 0 {
		v = get(c.test.load, data) & c.test.load.mask
	}
	switch c.test.cmp {
	case isEqual:
		return v == c.test.k
	case isGreater:
		return v > c.test.k
	case isAtLeast:
		return v >= c.test.k
	}
	return v&c.test.k != 0
}

// where is the place of the bytes of l.
func where(l load, data []byte) []byte {
	off := l.off
	if l.indirect {
		off += 4 * uint32(data[l.ip]&0xf)
	}
	return data[off : off+uint32(l.size)]
}

func get(l load, data []byte) (v uint32) {
	for _, b := range where(l, data) {
		v = v<<8 | uint32(b)
	}
	return v
}

// force makes a test true, or at least hold with equality.
func force(c *cond, data []byte) {
	if c.test.load.size == 0 {
		return
	}
	var b [4]byte
	binary.BigEndian.PutUint32(b[:], get(c.test.load, data)&^c.test.load.mask|c.test.k)
	copy(where(c.test.load, data), b[4-c.test.load.size:])
}

func leaves(c *cond) []*cond {
	switch c.op {
	case leaf:
		return []*cond{c}
	case not:
		return leaves(c.x)
	}
	return append(leaves(c.x), leaves(c.y)...)
}

// TestReduce compares programs with their expressions, over packets that are
// made for the expression: some of its tests hold, whatever sense that makes.
func TestReduce(t *testing.T) {
	r := rand.New(rand.NewPCG(11, 1))
	exprs := append(fixedExprs(t), longExprs()...)
	for range 500 {
		exprs = append(exprs, randomExpr(r))
	}
	data := make([]byte, 2000)
	compared, accepted := 0, 0
	for _, expr := range exprs {
		for _, link := range []capture.LinkType{capture.LinkEthernet, capture.LinkRaw} {
			m, err := compileHere(expr, link)
			if err != nil {
				continue
			}
			e, _ := Parse(expr)
			if e.root == nil {
				continue
			}
			ls, _ := layoutsOf(link)
			c, _ := e.lower(e.root, ls[0])
			tests := leaves(c)
			for range 200 {
				clear(data)
				for range 1 + r.IntN(min(2*len(tests), 60)) {
					force(pick(r, tests...), data)
				}
				want := eval(c, data)
				if got := m.Match(data, len(data)); got != want {
					t.Fatalf("link %d, %q: got %v, want %v for %x", link, expr, got, want, data[:100])
				}
				compared++
				if want {
					accepted++
				}
			}
		}
	}
	t.Logf("%d verdicts the same, %d of them to accept", compared, accepted)
}

// TestMeet checks what is known of the registers where two ways meet.
func TestMeet(t *testing.T) {
	one := registers{a: field(12, 2), aKnown: true, ip: 14, hasX: true}
	otherA, otherX, noX := one, one, one
	otherA.a.off = 16
	otherX.ip = 18
	noX.hasX = false
	tests := []struct {
		name       string
		in         registers
		hasA, hasX bool
	}{
		{"the same", one, true, true},
		{"another A", otherA, false, true},
		{"another X", otherX, true, false},
		{"no X", noX, true, false},
		{"nothing", registers{}, false, false},
	}
	for _, tt := range tests {
		for _, in := range [][]registers{{one, tt.in}, {tt.in, one}} {
			p := &place{}
			p.meet(in[0])
			p.meet(in[1])
			if p.regs.aKnown != tt.hasA || p.regs.hasX != tt.hasX {
				t.Errorf("%s: got A %v and X %v", tt.name, p.regs.aKnown, p.regs.hasX)
			}
		}
	}
}
