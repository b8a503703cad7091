package report

import "time"

// A clock writes times as time.RFC3339Nano has them, in UTC. It remembers the
// date, which seldom changes.
type clock struct {
	day  int64  // since 1970
	date string // of it, up to the T; "": none yet
}

// appendTime appends a time in nanoseconds since 1970.
func (c *clock) appendTime(dst []byte, ns int64) []byte {
	const perDay = int64(24 * time.Hour)
	day := ns / perDay
	if ns < day*perDay { // before 1970
		day--
	}
	if c.date == "" || day != c.day {
		c.day, c.date = day, time.Unix(day*24*60*60, 0).UTC().Format("2006-01-02T")
	}
	ns -= day * perDay
	seconds, fraction := ns/1e9, ns%1e9
	dst = append(dst, c.date...)
	dst = append(appendTwo(dst, seconds/3600), ':')
	dst = append(appendTwo(dst, seconds/60%60), ':')
	return append(appendFraction(appendTwo(dst, seconds%60), fraction), 'Z')
}

// appendTwo appends a number below 100 with two digits.
func appendTwo(dst []byte, n int64) []byte { return append(dst, byte('0'+n/10), byte('0'+n%10)) }

// appendFraction appends the nanoseconds of a second without trailing zeros.
func appendFraction(dst []byte, ns int64) []byte {
	if ns == 0 {
		return dst
	}
	dst = append(dst, '.')
	for unit := int64(1e8); ns > 0; unit /= 10 {
		dst = append(dst, byte('0'+ns/unit))
		ns %= unit
	}
	return dst
}
