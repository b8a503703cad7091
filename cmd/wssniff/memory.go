package main

import (
	"os"
	"runtime/debug"
	"runtime/metrics"
)

// manyPackets is when a capture is taken for a large one, and how often it is
// looked at after that. A small one is read before collecting garbage would pay.
const manyPackets = 100_000

// Garbage allowed, in percent of what is in use. The state of a large capture is
// many bytes without a pointer in them: collecting costs little, memory much.
// From 32 MiB in use, garbage stays what it is there, down to a least percentage:
// where chains and clients fill memory, there are pointers to follow.
const (
	garbageOfSmall = 400
	garbageOfLarge = 200
	leastGarbage   = 10
	mostGarbage    = 64 << 20 // bytes
)

// garbageFor returns the garbage allowed for a large capture with so many bytes in
// use.
func garbageFor(inUse uint64) int {
	return max(leastGarbage, int(mostGarbage*100/max(inUse, mostGarbage*100/garbageOfLarge)))
}

// limitGarbage sets how much garbage is allowed, unless the environment does.
func limitGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// A memory tells small captures from large ones.
type memory struct{ seen int } // packets, as of the last look

// packet takes note of a packet's number.
func (m *memory) packet(num int) {
	if num-m.seen >= manyPackets {
		m.look(num)
	}
}

func (m *memory) look(num int) {
	m.seen = num
	limitGarbage(garbageFor(inUse()))
}

// dropped gives memory back after something large was dropped, so that what comes
// next need not lie beside it: it may not fit into the gaps. If it is less than the
// garbage that is allowed, that does not pay.
func (m *memory) dropped() {
	if inUse() > mostGarbage {
		debug.FreeOSMemory()
		limitGarbage(garbageFor(inUse()))
	}
}

// inUse returns the bytes that the last collection of garbage left.
func inUse() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
