//go:build !libpcap

package capture

import (
	"testing"
	"time"
)

func TestPace(t *testing.T) {
	const ms = time.Millisecond
	type step struct {
		after time.Duration // since the step before
		read  int           // blocks, since then
		nap   time.Duration
	}
	for _, c := range []struct {
		name   string
		gather int
		steps  []step
	}{
		{"nothing comes", 4, []step{{0, 0, 0}, {liveTick, 0, 0}}},
		{"a block after long", 4, []step{{0, 0, 0}, {5 * time.Second, 1, maxNap}}},
		{"often", 4, []step{{0, 1, maxNap}, {10 * ms, 1, maxNap}, {5 * ms, 0, maxNap}, {43 * ms, 0, 2 * ms}, {2 * ms, 0, 0}, {10 * ms, 4, maxNap}}},
		{"fast", 4, []step{{0, 1, maxNap}, {2 * ms, 4, 2 * ms}, {2 * ms, 0, 2 * ms}, {ms, 6, 2 * ms}}},
		{"fast, in a large ring", 512, []step{{0, 1, maxNap}, {2 * ms, 4, maxNap}}},
		{"fast, in a small ring", 1, []step{{0, 1, maxNap}, {2 * ms, 4, ms / 2}}},
		{"the end", 4, []step{{0, 1, maxNap}, {2 * ms, 4, 2 * ms}, {gatherFor, 0, 0}, {ms, 0, 0}}},
		{"again after a while", 4, []step{{0, 1, maxNap}, {2 * ms, 4, 2 * ms}, {time.Second, 1, maxNap}, {2 * ms, 4, 2 * ms}}},
	} {
		var p pace
		now, turns := time.Unix(1e9, 0), 0
		for i, s := range c.steps {
			now, turns = now.Add(s.after), turns+s.read
			p.runsDry(now, turns)
			if d := p.nap(now, c.gather); d != s.nap {
				t.Errorf("%s, step %d: nap %v, want %v", c.name, i, d, s.nap)
			}
		}
	}
}
