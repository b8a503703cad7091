package reassembly

import (
	"bytes"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

const encapSeeds = 20_000

// TestEncapsulations puts random headers around random segments: the decoder
// must find exactly what was put in.
func TestEncapsulations(t *testing.T) {
	used, senders := map[string]int{}, 0
	for seed := range uint64(encapSeeds) {
		e, want := newEncap(seed, seed), randomSegment(rand.New(rand.NewPCG(seed, 3)))
		p := e.around(want)
		copy(want.mac[:], e.sender)
		checkOne(t, p, want)
		checkPlain(t, capture.LinkType(p.what), p.b, len(p.b)+p.cut)
		checkPaths(t, seed, e.ids)
		if seed%20 == 0 {
			checkCuts(t, e, p, want)
		}
		if want.mac != (flow.MAC{}) {
			senders++
		}
		for _, name := range e.names {
			used[name]++
		}
		if t.Failed() {
			t.Fatalf("seed %d: %v", seed, e.names)
		}
	}
	if senders < encapSeeds/10 {
		t.Errorf("%d packets tell who sent them", senders)
	}
	for i := range wrappers {
		if used[wrappers[i].name] == 0 {
			t.Errorf("%s was never drawn", wrappers[i].name)
		}
	}
}

// randomSegment is a segment of either version of IP.
func randomSegment(rnd *rand.Rand) *segment {
	n := [...]int{4, 16}[rnd.IntN(2)]
	s := &segment{
		Ends: packed(randomBytes(rnd, n), randomBytes(rnd, n), uint16(rnd.Uint32()), uint16(rnd.Uint32())),
		seq:  rnd.Uint32(), flags: uint8(rnd.Uint32()), payload: randomBytes(rnd, rnd.IntN(100)),
	}
	if s.flags&flagACK != 0 {
		s.ack = rnd.Uint32()
	}
	if s.flags&flagURG != 0 {
		s.urgent = uint16(rnd.Uint32())
	}
	s.wire = len(s.payload)
	return s
}

func randomBytes(rnd *rand.Rand, n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(rnd.Uint32())
	}
	return b
}

// decodeAll reads a packet with all that it aggregates: the segments, and what
// kind the other parts are.
func decodeAll(p part) (segments []segment, others []kind) {
	var d decoder
	for k := d.packet(capture.LinkType(p.what), p.b, len(p.b)+p.cut); ; k = d.more() {
		if k == tcp {
			segments = append(segments, d.segment)
		} else {
			others = append(others, k)
		}
		if d.rest == nil {
			return segments, others
		}
	}
}

// checkOne checks that a packet holds the segment and nothing else.
func checkOne(t *testing.T, p part, want *segment) {
	t.Helper()
	got, others := decodeAll(p)
	if len(got) != 1 {
		t.Errorf("%d segments, others %d", len(got), others)
		return
	}
	if s := &got[0]; !sameHeader(s, want) || s.ack != want.ack || s.urgent != want.urgent || !bytes.Equal(s.payload, want.payload) || s.wire != want.wire || s.mac != want.mac {
		t.Errorf("got  %+v\nwant %+v", s, want)
	}
}

func sameHeader(a, b *segment) bool {
	return a.Ends == b.Ends && a.seq == b.seq && a.flags == b.flags
}

// packed is the ends of a segment, by the bytes of its header.
func packed(src, dst []byte, sport, dport uint16) flow.Ends {
	a, _ := netip.AddrFromSlice(src)
	b, _ := netip.AddrFromSlice(dst)
	return flow.EndsOf(netip.AddrPortFrom(a, sport), netip.AddrPortFrom(b, dport))
}

// ip returns the bytes of an address: 0 the sender's, 1 the receiver's.
func (s *segment) ip(d flow.Dir) []byte { return s.Addr(d).Addr().AsSlice() }

// checkCuts cuts a packet everywhere. What is left is the beginning of the
// segment, or is told as cut.
func checkCuts(t *testing.T, e *encap, p part, want *segment) {
	t.Helper()
	whole := len(p.b)
	for n := range p.b {
		got, others := decodeAll(part{p.form, p.what, p.b[:n], whole - n})
		if len(got) == 0 {
			// Of an aggregate, there may be whole parts in front of the cut.
			if !slices.Contains(others, cutHeader) && !slices.Contains(e.names, "A-MSDU") {
				t.Errorf("cut to %d of %d: nothing, others %d", n, whole, others)
			}
			continue
		}
		if s := &got[0]; len(got) > 1 || !sameHeader(s, want) || s.wire != want.wire || !bytes.HasPrefix(want.payload, s.payload) {
			t.Errorf("cut to %d of %d: got  %+v\nwant %+v", n, whole, s, want)
		}
	}
}

// checkPaths draws the stack of a seed again around another segment: the path is
// the same, unless one of the identifiers changes.
func checkPaths(t *testing.T, seed uint64, ids int) {
	t.Helper()
	seen := map[uint64]int{}
	for change := -2; change < ids; change++ {
		e := newEncap(seed, seed+uint64(change)+1000)
		e.change = max(-1, change)
		s := randomSegment(rand.New(rand.NewPCG(seed, 3)))
		s.seq++
		s.payload = make([]byte, 10+change) // lengths are no part of the way
		p := e.around(s)
		got, others := decodeAll(p)
		if len(got) != 1 {
			t.Errorf("identifier %d changed: %d segments, others %d", change, len(got), others)
			return
		}
		if was, ok := seen[got[0].path]; ok != (change == -1) {
			t.Errorf("path %#x with identifier %d changed, was that of %d", got[0].path, change, was)
		}
		seen[got[0].path] = change
	}
	if _, ok := seen[0]; ok != (ids == 0) {
		t.Errorf("%d identifiers, a path of 0: %v", ids, ok)
	}
}

// TestPseudowireNest has pseudowires in each other that can be read with and
// without a control word: they must not be tried in all combinations.
func TestPseudowireNest(t *testing.T) {
	level := join(make([]byte, 12), u16(etherMPLS), []byte{0, 0}, u16(etherMPLS), u32(0x100)) // both ways lead to the last label
	b := join(make([]byte, 12), u16(etherMPLS), u32(0x100))
	for range 10 {
		b = join(b, level)
	}
	if got, want := decode(capture.LinkEthernet, b, len(b), &segment{}), tooDeep; got != want {
		t.Errorf("kind %d, want %d", got, want)
	}
}
