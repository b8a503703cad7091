package analyze

import (
	"slices"
	"time"
)

// A sample keeps some of many durations, evenly spread over the order in which
// they came.
type sample struct {
	kept   []int64
	stride int // every so many are kept
	n      int // that came
}

const sampleSize = 64

func (s *sample) add(d int64) {
	if s.stride == 0 {
		s.stride = 1
	}
	if s.n%s.stride == 0 {
		s.kept = append(s.kept, d)
	}
	s.n++
	if len(s.kept) > sampleSize {
		for i := range (len(s.kept) + 1) / 2 {
			s.kept[i] = s.kept[2*i]
		}
		s.kept = s.kept[:(len(s.kept)+1)/2]
		s.stride *= 2
	}
}

func (s *sample) median() time.Duration {
	if len(s.kept) == 0 {
		return 0
	}
	return time.Duration(slices.Sorted(slices.Values(s.kept))[len(s.kept)/2])
}

// near counts how many lie around d.
func (s *sample) near(d, tolerance time.Duration) (n int) {
	for _, v := range s.kept {
		if (time.Duration(v) - d).Abs() <= tolerance {
			n++
		}
	}
	return n
}

// mostly reports whether four of five lie around d.
func (s *sample) mostly(d, tolerance time.Duration) bool {
	return len(s.kept) > 0 && s.near(d, tolerance)*5 >= len(s.kept)*4
}
