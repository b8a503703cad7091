package analyze

import (
	"math"
	"testing"
	"unsafe"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestSocketSize: there are many, and packets of all of them by turns.
func TestSocketSize(t *testing.T) {
	if math.MaxInt == math.MaxInt32 {
		return // numbers of frames are shorter there
	}
	if n := unsafe.Sizeof(frames{}); n != 64 {
		t.Errorf("the walk over the frames of a direction takes %d bytes, want a cache line", n)
	}
	if n := unsafe.Sizeof(socket{}); n != 256 {
		t.Errorf("a socket takes %d bytes, want four cache lines", n)
	}
}

// TestSocketClock: what came last is what came last, also when the clock was set back.
func TestSocketClock(t *testing.T) {
	a := New(nil)
	w, number := a.sockets.get()
	for i, at := range []int64{3600, 60} {
		a.sockets.chunk(a, &flow.Chunk{Dir: flow.Dir(i), Stamp: flow.Stamp{Frame: i + 1, Time: at}, Data: []byte{0x81, 1, 'x'}}, number)
	}
	if w.latest != 60 {
		t.Errorf("the last bytes came at %d, want 60", w.latest)
	}
}
