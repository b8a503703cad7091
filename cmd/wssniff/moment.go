package main

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A moment is a time as --since and --until take it: absolute, or counted from
// something that only the capture tells.
type moment struct {
	from origin
	at   time.Time     // valid iff from is absolute
	plus time.Duration // from the origin, otherwise
}

// An origin is what a moment is counted from.
type origin uint8

const (
	noMoment    origin = iota // the flag was not given
	absolute                  // nothing
	firstPacket               // +10m
	lastPacket                // -10m
	firstDay                  // 15:04:05, from the midnight before the first attempt
)

// A span is what a capture tells of its time.
type span struct {
	first, last time.Time // packets
	attempt     time.Time // the first
}

// in returns the time of a moment in a capture.
func (m moment) in(s span) time.Time {
	switch m.from {
	case firstPacket:
		return s.first.Add(m.plus)
	case lastPacket:
		return s.last.Add(m.plus)
	case firstDay:
		return s.attempt.Truncate(24 * time.Hour).Add(m.plus)
	}
	return m.at
}

// notBefore reports whether a moment is at or after another in every capture.
func (m moment) notBefore(u moment) bool {
	return m.from == u.from && m.from != noMoment && !m.in(span{}).Before(u.in(span{}))
}

// parseMoment reads a date with or without a time, a time of day, Unix seconds,
// or with a sign a duration. What has no offset from UTC is UTC, as in reports.
// Reports leave out the date if all attempts are of one day: the time of day is
// of that one.
func parseMoment(s string) (moment, error) {
	for _, parse := range []func(string) (moment, bool){parseDuration, parseUnix, parseDate, parseTimeOfDay} {
		if m, ok := parse(s); ok {
			return m, nil
		}
	}
	return moment{}, fmt.Errorf("no time %q: write 2006-01-02T15:04:05Z, '2006-01-02 15:04:05.6', 2006-01-02, 15:04:05, 1136214245.6 (Unix), +10m (from the first packet) or -10m (before the last)", s)
}

func parseDuration(s string) (moment, bool) {
	d, err := time.ParseDuration(s)
	switch {
	case err != nil:
		return moment{}, false
	case s[0] == '+':
		return moment{from: firstPacket, plus: d}, true
	}
	return moment{from: lastPacket, plus: d}, s[0] == '-'
}

// parseUnix reads seconds since 1970 with all digits of their fraction, down to
// nanoseconds. Fewer than nine digits are rather a date without its dashes.
func parseUnix(s string) (moment, bool) {
	whole, fraction, _ := strings.Cut(s, ".")
	seconds, err := strconv.ParseUint(whole, 10, 40)
	nanos, err2 := strconv.ParseUint((fraction + "000000000")[:9], 10, 32)
	t := time.Unix(int64(seconds), int64(nanos)).UTC()
	return moment{from: absolute, at: t}, err == nil && err2 == nil && len(whole) >= 9
}

func parseDate(s string) (moment, bool) {
	s = strings.Replace(strings.TrimSuffix(s, " UTC"), "T", " ", 1)
	for _, layout := range []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"} {
		for _, zone := range []string{"", "Z07:00"} {
			if t, err := time.Parse(layout+zone, s); err == nil {
				return moment{from: absolute, at: t.UTC()}, true
			}
		}
	}
	return moment{}, false
}

func parseTimeOfDay(s string) (moment, bool) {
	for _, layout := range []string{"15:04:05", "15:04"} {
		if t, err := time.Parse(layout, s); err == nil {
			return moment{from: firstDay, plus: t.Sub(t.Truncate(24 * time.Hour))}, true
		}
	}
	return moment{}, false
}
