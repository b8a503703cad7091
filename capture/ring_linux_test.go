//go:build !libpcap

package capture

import (
	"encoding/binary"
	"testing"

	"golang.org/x/sys/unix"
)

// TestRingHigh plays the kernel: it fills blocks, and the ring says how many wait, and
// waited at most.
func TestRingHigh(t *testing.T) {
	const blocks = 8
	r := ring{mem: make([]byte, blocks*blockSize)}
	at := 0
	fill := func(n int) {
		for range n {
			b := r.mem[at%blocks*blockSize:]
			binary.NativeEndian.PutUint32(b[blockFrames:], 1)
			binary.NativeEndian.PutUint32(b[blockStatus:], unix.TP_STATUS_USER)
			at++
		}
	}
	for i, step := range []struct{ fill, read, want int }{
		{0, 1, 0}, // nothing is there
		{1, 1, 1},
		{1, 2, 1},
		{3, 2, 3},
		{4, 6, 5}, // across the end of the memory, with the one that was left
		{7, 8, 7},
		{2, 3, 7},
		{8, 9, 8},
		{8, 9, 8},
	} {
		fill(step.fill)
		for range step.read {
			r.turn()
		}
		if r.high != step.want {
			t.Errorf("step %d: %d blocks waited at most, want %d", i, r.high, step.want)
		}
		for n := 1; n < blocks; n++ {
			if got, want := r.has(n), n <= at-r.turns; got != want {
				t.Errorf("step %d: %d of %d blocks wait: %v", i, n, at-r.turns, got)
			}
		}
	}
}
