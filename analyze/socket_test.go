package analyze

import (
	"math"
	"testing"
	"unsafe"
)

// TestSocketSize: there are many, and packets of all of them by turns.
func TestSocketSize(t *testing.T) {
	if n := unsafe.Sizeof(frames{}); n != 64 {
		t.Errorf("the walk over the frames of a direction takes %d bytes, want a cache line", n)
	}
	if n := unsafe.Sizeof(socket{}); n != 256 && math.MaxInt > math.MaxInt32 {
		t.Errorf("a socket takes %d bytes, want four cache lines", n)
	}
}
