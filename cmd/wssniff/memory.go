package main

import (
	"os"
	"runtime"
	"runtime/debug"
)

// manyPackets is when a capture is taken for a large one. A small one is read
// before collecting garbage would pay.
const manyPackets = 100_000

// Garbage allowed, in percent of what is in use. The state of a large capture is
// many bytes without a pointer in them: collecting costs little, memory much.
const (
	garbageOfSmall = 400
	garbageOfLarge = 50
)

// limitGarbage sets how much garbage is allowed, unless the environment does.
func limitGarbage(percent int) {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(percent)
	}
}

// A memory tells small captures from large ones.
type memory struct{ large bool }

// packet takes note of a packet's number.
func (m *memory) packet(num int) {
	if num >= manyPackets && !m.large {
		m.large = true
		limitGarbage(garbageOfLarge)
	}
}

// dropped collects garbage after something large was dropped, so that what comes
// next need not lie beside it.
func (m *memory) dropped() {
	if m.large {
		runtime.GC()
	}
}
