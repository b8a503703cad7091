package filter

import (
	"errors"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/capture"
)

// FuzzParse demands that every expression either compiles to a program that a
// kernel would take, and that its text gives again, or has an *Error whose
// place is in the expression.
func FuzzParse(f *testing.F) {
	for _, e := range fixedExprs(f) {
		f.Add(e, uint32(capture.LinkEthernet))
		f.Add(e, uint32(capture.LinkNull))
	}
	for _, tt := range errorTests {
		f.Add(tt.expr, uint32(capture.LinkRaw))
	}
	r := rand.New(rand.NewPCG(8, 1))
	for range 100 {
		f.Add(randomExpr(r), uint32(pick(r, links...)))
	}
	frames := framesFor(9, 20)
	f.Fuzz(func(t *testing.T, expr string, link uint32) {
		e, err := Parse(expr)
		if err != nil {
			checkError(t, expr, err)
			return
		}
		start := time.Now()
		p, err := e.Compile(capture.LinkType(link))
		if d := time.Since(start); d > 10*time.Second {
			t.Errorf("%v to compile", d)
		}
		if _, ok := layouts[capture.LinkType(link)]; !ok {
			if err == nil {
				t.Fatalf("link type %d compiles", link)
			}
			return
		}
		if err != nil {
			checkError(t, expr, err)
			return
		}
		again, err := ParseProgram(strings.NewReader(text(p)))
		if err != nil || !slices.Equal(again, p) {
			t.Fatalf("the program is not one: %v", err)
		}
		m := mustMatcher(t, p)
		for _, frame := range frames[capture.LinkEthernet] {
			m.Match(frame, len(frame))
		}
	})
}

// checkError checks the form of an error.
func checkError(t *testing.T, expr string, err error) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok:
		t.Fatalf("%v is no *Error", err)
	case e.Offset < 0 || e.Offset > len(expr) || e.What == "" || e.Expr != expr:
		t.Fatalf("bad error %#v", e)
	case strings.Count(e.Caret(), "\n") != 1 || strings.Contains(e.Error(), "\n"):
		t.Fatalf("bad text %q, %q", e.Error(), e.Caret())
	}
}

// FuzzProgram demands that every text either is a program that ends for every
// packet, and that its own text gives again, or has an error.
func FuzzProgram(f *testing.F) {
	packet := httpsPacket()
	for _, e := range []string{"", "tcp port 443", "host 10.0.0.1 or ::1", "vlan 5 and portrange 1-2"} {
		f.Add(text(mustCompile(f, e, capture.LinkEthernet)), packet, len(packet))
	}
	r := rand.New(rand.NewPCG(10, 1))
	for range 50 {
		f.Add(text(randomProgram(r)), packet[:r.IntN(len(packet))], 1500)
	}
	f.Fuzz(func(t *testing.T, in string, data []byte, wireLen int) {
		p, err := ParseProgram(strings.NewReader(in))
		if err != nil {
			return
		}
		again, err := ParseProgram(strings.NewReader(text(p)))
		if err != nil || !slices.Equal(again, p) {
			t.Fatalf("%q gives another program: %v", text(p), err)
		}
		m, err := p.Matcher()
		if err != nil {
			return
		}
		if first, second := m.Match(data, wireLen), m.Match(data, wireLen); first != second {
			t.Fatalf("%q: %v, then %v", in, first, second)
		}
	})
}
