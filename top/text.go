package top

import (
	"fmt"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/charmbracelet/x/ansi"
)

// cut keeps at most so many bytes of s, of whole characters.
func cut(s string, most int) string {
	if len(s) <= most {
		return s
	}
	for most > 0 && !utf8.RuneStart(s[most]) {
		most--
	}
	return strings.Clone(s[:most])
}

// printable puts a question mark in the place of what is no visible character.
func printable(s string) string {
	return strings.Map(func(r rune) rune {
		if !unicode.IsPrint(r) || unicode.IsMark(r) {
			return '?'
		}
		return r
	}, cut(s, maxText))
}

// columns is how wide s is on the terminal.
func columns(s string) int {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return ansi.StringWidth(s)
		}
	}
	return len(s)
}

// fit makes s no wider than that; what is cut ends in an ellipsis.
func fit(s string, width int) string {
	if columns(s) <= width {
		return s
	}
	return ansi.Truncate(s, width, "…")
}

// fitMiddle cuts an address in its middle: they differ at their ends.
func fitMiddle(s string, width int) string {
	if len(s) <= width || width < 5 {
		return fit(s, width)
	}
	head := width / 2
	return s[:head] + "…" + s[len(s)-(width-1-head):]
}

// scaled writes a number with at most three digits and a unit of powers of 1000.
func scaled(f float64) string {
	for _, unit := range []string{"", " k", " M", " G", " T"} {
		switch {
		case f < 99.95 && unit != "":
			return fmt.Sprintf("%.1f%s", f, unit)
		case f < 999.5:
			return fmt.Sprintf("%.0f%s", f, unit)
		}
		f /= 1000
	}
	return fmt.Sprintf("%.0f P", f)
}

// count writes a number in at most seven columns.
func count(n int) string {
	if n < 10_000_000 {
		return strconv.Itoa(n)
	}
	return scaled(float64(n))
}

// bytesText is a number of bytes with its unit.
func bytesText(f float64) string {
	s := scaled(f)
	if strings.Contains(s, " ") {
		return s + "B"
	}
	return s + " B"
}

func percent(n int) string { return fmt.Sprintf("%d%%", n) }

// ago is how long something is past, in the largest unit.
func ago(d time.Duration) string {
	switch {
	case d < time.Second:
		return "now"
	case d < time.Minute:
		return fmt.Sprintf("%ds", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%dm", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	}
	return fmt.Sprintf("%dd", d/(24*time.Hour))
}

// clockText is h:mm:ss, the hours only if there are some.
func clockText(d time.Duration) string {
	h, m, s := d/time.Hour, d/time.Minute%60, d/time.Second%60
	if h == 0 {
		return fmt.Sprintf("%d:%02d", m, s)
	}
	return fmt.Sprintf("%d:%02d:%02d", h, m, s)
}
