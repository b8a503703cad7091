package top

import (
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// counts are numbers of attempts, by verdict.
type counts [1 << 8]int

// all returns how many there are, and how many of them failed.
func (c *counts) all() (all, failed int) {
	for v, n := range c {
		if all += n; n > 0 && analyze.Verdict(v).Failed() {
			failed += n
		}
	}
	return all, failed
}

// rolling counts attempts in all and by the second in which they were told of.
type rolling struct {
	total   counts
	seconds [60]second
}

type second struct {
	unix int64
	counts
}

func (r *rolling) add(v analyze.Verdict, now time.Time) {
	r.total[v]++
	unix := now.Unix()
	s := &r.seconds[unix%int64(len(r.seconds))]
	if s.unix != unix {
		*s = second{unix: unix}
	}
	s.counts[v]++
}

// last adds up the last n seconds, of which the present one is a part.
func (r *rolling) last(n int64, now time.Time) (sum counts) {
	for i := range r.seconds {
		s := &r.seconds[i]
		if age := now.Unix() - s.unix; age < 0 || age >= n {
			continue
		}
		for v, n := range s.counts {
			sum[v] += n
		}
	}
	return sum
}
