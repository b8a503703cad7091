package main

import (
	"runtime"
	"testing"
)

// TestGarbageFor wants garbage to grow with what is in use up to a bound, and not
// to cost more than it saves beyond.
func TestGarbageFor(t *testing.T) {
	const mib = 1 << 20
	for _, c := range []struct{ inUse, want uint64 }{
		{0, 0}, {10 * mib, 20 * mib}, {32 * mib, 64 * mib}, {512 * mib, 64 * mib}, {640 * mib, 64 * mib}, {4096 * mib, 410 * mib},
	} {
		got := c.inUse * uint64(garbageFor(c.inUse)) / 100
		if got > c.want || got+c.inUse/100 < c.want { // a whole percentage
			t.Errorf("%d MiB of garbage for %d MiB, want %d", got/mib, c.inUse/mib, c.want/mib)
		}
	}
}

// TestMemoryLooks wants a look at every so many packets, and none before.
func TestMemoryLooks(t *testing.T) {
	t.Setenv("GOGC", "100") // leave the limit of the tests alone
	var m memory
	var looks []int
	for num := 1; num <= 3*manyPackets; num += 7 {
		seen := m.seen
		if m.packet(num); m.seen != seen {
			looks = append(looks, num)
		}
	}
	if len(looks) != 2 || looks[0] < manyPackets || looks[1]-looks[0] < manyPackets {
		t.Errorf("looks at %d", looks)
	}
	if runtime.GC(); inUse() == 0 {
		t.Error("nothing is in use")
	}
}
