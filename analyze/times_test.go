package analyze

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTimes counts attempts in any order, over any span: none is lost, and each
// is in the step of its time.
func TestTimes(t *testing.T) {
	for seed := range uint64(300) {
		rng := rand.New(rand.NewPCG(seed, 13))
		span := int64(1) << (20 + rng.IntN(43))
		first := int64(rng.Uint64N(1 << 62))
		var x Times
		var list []int64
		failed := 0
		for i := range 1 + rng.IntN(200) {
			at := first
			if i > 0 {
				at = min(first, math.MaxInt64-span) + rng.Int64N(span)
			}
			list = append(list, at)
			x.add(at, i%3 == 0)
			if i%3 == 0 {
				failed++
			}
		}
		attempts, bad := 0, 0
		for i := range x.Attempts {
			attempts += x.Attempts[i]
			bad += x.Failed[i]
			if x.Failed[i] > x.Attempts[i] {
				t.Fatalf("seed %d: %+v", seed, x)
			}
		}
		if attempts != len(list) || bad != failed || x.From > first {
			t.Fatalf("seed %d: %d attempts, %d failed, from %d, want %d, %d, %d\n%+v", seed, attempts, bad, x.From, len(list), failed, first, x)
		}
		if last := (slices.Max(list) - x.From) / int64(x.Step); x.Len() != int(last)+1 || x.Attempts[last] == 0 {
			t.Fatalf("seed %d: %d steps, the last attempt is in step %d\n%+v", seed, x.Len(), last, x)
		}
		for i, n := range x.Attempts {
			in := 0
			for _, at := range list {
				if max(at-x.From, 0)/int64(x.Step) == int64(i) {
					in++
				}
			}
			if n != in {
				t.Fatalf("seed %d: %d attempts in step %d, want %d", seed, n, i, in)
			}
		}
	}
}

// The steps are not longer than they need be.
func TestTimesStep(t *testing.T) {
	var x Times
	x.add(1e18, false)
	x.add(1e18+int64(timeSteps)*int64(x.Step)-1, false)
	if x.Step != 1e9 || x.Len() != timeSteps {
		t.Errorf("%d steps of %v", x.Len(), x.Step)
	}
	x.add(1e18+int64(timeSteps)*int64(x.Step), false)
	if x.Step == 1e9 || x.Attempts[0] != 1 {
		t.Errorf("%+v", x)
	}
}

// A capture may have times that are as far apart as can be.
func TestTimesFar(t *testing.T) {
	for _, far := range [][2]int64{{0, math.MaxInt64}, {math.MinInt64, math.MaxInt64}, {math.MaxInt64, math.MinInt64}, {-1, 1}} {
		var x Times
		x.add(far[0], false)
		x.add(far[1], true)
		n, failed := 0, 0
		for i := range x.Attempts {
			n, failed = n+x.Attempts[i], failed+x.Failed[i]
		}
		if n != 2 || failed != 1 || x.Step <= 0 {
			t.Errorf("%v: %+v", far, x)
		}
	}
}
