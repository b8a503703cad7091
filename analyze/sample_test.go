package analyze

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestSample(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 12))
	var s sample
	var all []int64
	for n := range 5000 {
		if want := naiveMedian(all); s.median() != want || s.n != n || !slices.Equal(s.kept, evenly(all)) {
			t.Fatalf("after %d: median %v of %d, want %v", n, s.median(), s.n, want)
		}
		if len(s.kept) > sampleSize {
			t.Fatalf("%d kept after %d", len(s.kept), n)
		}
		d := rng.Int64N(1000)
		all = append(all, d)
		s.add(d)
	}
}

func TestSampleMostly(t *testing.T) {
	s := sample{}
	if s.mostly(0, time.Hour) {
		t.Error("none of them lie around anything")
	}
	for _, d := range []int64{10, 12, 8, 10, 13} {
		s.add(d)
	}
	if !s.mostly(10, 2) || s.mostly(10, 1) {
		t.Error("four of five are within 2 of 10, three within 1")
	}
}
