package capture

import (
	"math"
	"math/bits"
)

// A clock turns the time stamps of one pcapng interface into nanoseconds
// since 1970: ticks * mul >> shift / div + offset.
type clock struct {
	mul    uint64
	shift  uint8
	div    uint64
	offset int64 // nanoseconds
}

// defaultResolution is microseconds.
const defaultResolution = 6

// newClock takes the options if_tsresol, a negative power of 10, or of 2 if
// its highest bit is set, and if_tsoffset, in seconds
// (draft-ietf-opsawg-pcapng, Section 4.2).
func newClock(resol byte, offset int64) clock {
	c := clock{mul: 1, div: 1, offset: saturatingMul(offset, 1e9)}
	switch exp := int(resol &^ 0x80); {
	case resol&0x80 != 0:
		c.mul, c.shift = 1e9, uint8(exp)
	case exp <= 9:
		c.mul = pow10(9 - exp)
	case exp <= 9+19: // 10^19 is the largest that a uint64 holds
		c.div = pow10(exp - 9)
	default:
		c.mul = 0
	}
	return c
}

func (c *clock) nanos(ticks uint64) int64 {
	hi, lo := bits.Mul64(ticks, c.mul)
	if c.shift != 0 {
		hi, lo = shiftRight(hi, lo, uint(c.shift))
	}
	if c.div != 1 { // then mul is 1 and hi is 0
		lo /= c.div
	}
	if hi != 0 || lo > math.MaxInt64 {
		lo = math.MaxInt64
	}
	return saturatingAdd(int64(lo), c.offset)
}

func shiftRight(hi, lo uint64, n uint) (uint64, uint64) {
	if n >= 64 {
		return 0, hi >> (n - 64)
	}
	return hi >> n, hi<<(64-n) | lo>>n
}

func pow10(n int) uint64 {
	v := uint64(1)
	for range n {
		v *= 10
	}
	return v
}

func saturatingAdd(a, b int64) int64 {
	sum := a + b
	switch {
	case b > 0 && sum < a:
		return math.MaxInt64
	case b < 0 && sum > a:
		return math.MinInt64
	}
	return sum
}

func saturatingMul(a, b int64) int64 {
	p := a * b
	switch {
	case p/b == a:
		return p
	case a < 0:
		return math.MinInt64
	}
	return math.MaxInt64
}
