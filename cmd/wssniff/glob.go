package main

import "strings"

// A glob is a text in which * stands for any text, slashes and nothing included.
// No other character is special: ? and [ are in many URLs. path.Match has them,
// and its * stops at a slash.
type glob string

// match reports whether g fits the whole of s.
func (g glob) match(s string) bool {
	before, rest, star := strings.Cut(string(g), "*")
	s, ok := strings.CutPrefix(s, before)
	for ok && star {
		var part string
		if part, rest, star = strings.Cut(rest, "*"); !star {
			return strings.HasSuffix(s, part)
		}
		_, s, ok = strings.Cut(s, part)
	}
	return ok && s == ""
}

// matchAny reports whether g fits one of the names.
func (g glob) matchAny(names []string) bool {
	for _, name := range names {
		if g.match(name) {
			return true
		}
	}
	return false
}
