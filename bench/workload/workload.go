// Package workload writes captures of made-up traffic for measuring wssniff:
// from a seed always the same bytes, and of a size that is chosen.
//
// A capture is made by connections that follow scripts (an upgrade and some
// frames, HTTP with keep-alive, TLS-like records) on one clock: whichever
// connection is due next sends its next packet. What a reader of the capture
// must find is counted while it is made (see Truth).
package workload

import (
	"cmp"
	"fmt"
	"hash/fnv"
	"io"
	"math/rand/v2"
)

// Version is raised when the same Spec begins to make other bytes, so that
// captures on disk are known to be old.
const Version = 2

// A Spec says which capture to make.
type Spec struct {
	Kind   string  `json:"kind"`
	Seed   uint64  `json:"seed"`
	Scale  float64 `json:"scale"` // multiplies the default sizes of the kind; 0 means 1
	PcapNG bool    `json:"pcapng,omitempty"`
	Size   Size    `json:"size"` // replaces default sizes where it is not zero
}

// A Size is how much of what a kind is made of. Which fields count depends on
// the kind.
type Size struct {
	Packets int64 `json:"packets,omitempty"`
	Conns   int64 `json:"connections,omitempty"`
	Frames  int64 `json:"frames,omitempty"` // WebSocket frames
	Bytes   int64 `json:"bytes,omitempty"`  // of the capture, about
}

// A kind is an entry of the table of workloads.
type kind struct {
	name  string
	size  Size // at scale 1
	build func(g *generator, n Size)
}

var kinds = []kind{
	{"mixed", Size{Packets: 1_000_000}, buildMixed},
	{"elephants", Size{Bytes: 1_500_000_000, Conns: 2_000}, buildElephants},
	{"handshakes", Size{Conns: 300_000}, buildHandshakes},
	{"chatty", Size{Conns: 5_000, Frames: 6_000_000}, buildChatty},
	{"web", Size{Bytes: 1_000_000_000}, buildWeb},
	{"dirty", Size{Conns: 100_000}, buildDirty},
	{"synflood", Size{Packets: 20_000_000}, buildSynFlood},
	{"idle", Size{Conns: 1_000_000}, buildIdle},
	{"tls", Size{Bytes: 1_500_000_000, Conns: 2_000}, buildTLS},
}

// Kinds returns the names of all workloads.
func Kinds() []string {
	var names []string
	for _, k := range kinds {
		names = append(names, k.name)
	}
	return names
}

// Generate writes the capture that the Spec describes and returns what is in
// it. It fails on an unknown kind, on an error of w, and when the capture would
// end before the handshakes in it are decided.
func Generate(w io.Writer, spec Spec) (*Truth, error) {
	for _, k := range kinds {
		if k.name == spec.Kind {
			g := newGenerator(w, spec)
			k.build(g, k.size.scaled(spec))
			return g.finish(spec)
		}
	}
	return nil, fmt.Errorf("no workload is called %q; there are %q", spec.Kind, Kinds())
}

// scaled returns the sizes to make.
func (s Size) scaled(spec Spec) Size {
	f := cmp.Or(spec.Scale, 1)
	times := func(n int64) int64 {
		if n == 0 {
			return 0
		}
		return max(1, int64(float64(n)*f))
	}
	return Size{
		Packets: cmp.Or(spec.Size.Packets, times(s.Packets)),
		Conns:   cmp.Or(spec.Size.Conns, times(s.Conns)),
		Frames:  cmp.Or(spec.Size.Frames, times(s.Frames)),
		Bytes:   cmp.Or(spec.Size.Bytes, times(s.Bytes)),
	}
}

// A generator is a capture in the making.
type generator struct {
	rng   *rand.Rand
	pool  []byte // bytes for bodies
	out   *captureFile
	truth Truth
	limit int64 // packets; 0: none
	now   int64 // capture time, microseconds since 1970
	conns int   // made so far
	open  int   // handshakes begun and not decided
	queue dueQueue
	buf   []byte // the packet being built
}

// startTime is the capture time of the first packet: 2026-01-02 03:04:05 UTC.
const startTime = 1767323045 * second

func newGenerator(w io.Writer, spec Spec) *generator {
	h := fnv.New64a()
	h.Write([]byte(spec.Kind))
	g := &generator{
		rng:   rand.New(rand.NewPCG(spec.Seed, h.Sum64())),
		out:   newCaptureFile(w, spec.PcapNG),
		truth: Truth{Verdicts: map[string]int64{}},
		now:   startTime,
	}
	g.pool = newPool(g.rng)
	return g
}

func (g *generator) finish(spec Spec) (*Truth, error) {
	if err := g.out.flush(); err != nil {
		return nil, fmt.Errorf("writing the capture: %w", err)
	}
	if g.open > 0 {
		return nil, fmt.Errorf("%s: the capture ends inside %d handshakes: make it larger", spec.Kind, g.open)
	}
	t := &g.truth
	t.Version, t.Spec, t.Packets, t.Bytes = Version, spec, g.out.packets, g.out.bytes
	t.Connections = int64(g.conns)
	return t, nil
}

// between returns a random number in [lo, hi].
func (g *generator) between(lo, hi int64) int64 { return lo + g.rng.Int64N(hi-lo+1) }

// chance is true with probability p.
func (g *generator) chance(p float64) bool { return p > 0 && g.rng.Float64() < p }
