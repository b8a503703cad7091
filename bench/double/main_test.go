package main

import (
	"testing"

	"github.com/wssniff/wssniff/bench/workload"
)

// TestGrowths checks that exactly one size of each workload is doubled.
func TestGrowths(t *testing.T) {
	for _, g := range growths(1) {
		once, twice := g.once.Size, g.twice.Size
		bytes := workload.Size{Bytes: 2 * once.Bytes, Conns: once.Conns}
		conns := workload.Size{Bytes: once.Bytes, Conns: 2 * once.Conns}
		if g.once.Kind != g.twice.Kind || g.once.Seed != g.twice.Seed || (once.Bytes == 0 || twice != bytes) && twice != conns {
			t.Errorf("%s of %+v and %+v", g.name, g.once, g.twice)
		}
	}
}
