package measure

import (
	"fmt"
	"math"
	"slices"
)

// Middle is the median of what some runs took.
func Middle(list []Usage, field func(Usage) float64) float64 {
	var v []float64
	for _, u := range list {
		v = append(v, field(u))
	}
	return Median(v)
}

// Ratio is the median of the ratios of two commands, pair by pair; NaN if there
// is no pair.
func Ratio(of, to []Usage, field func(Usage) float64) float64 {
	var v []float64
	for i := range min(len(of), len(to)) {
		if d := field(to[i]); d > 0 {
			v = append(v, field(of[i])/d)
		}
	}
	return Median(v)
}

// Median returns the middle value, of an even number the mean of the two, of
// none NaN.
func Median(v []float64) float64 {
	v = slices.Sorted(slices.Values(v))
	n := len(v)
	switch {
	case n == 0:
		return math.NaN()
	case n%2 == 1:
		return v[n/2]
	}
	return (v[n/2-1] + v[n/2]) / 2
}

// Times prints a Ratio.
func Times(ratio float64) string {
	if math.IsNaN(ratio) {
		return "-"
	}
	return fmt.Sprintf("%.2f", ratio)
}

// MiB prints a number of bytes, of which 0 is not known.
func MiB(bytes float64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", bytes/(1<<20))
}
