package report

import "strings"

// members finds the values of members with the name of a secret in JSON, RFC 8259,
// Section 4, and in what looks like it: in single quotes, cut off anywhere, or as the
// text of another member, in which backslashes stand before the quotes.
func members(s string, from int) (start, end int) {
	for i := from; ; i++ {
		colon := strings.IndexByte(s[i:], ':')
		if colon < 0 {
			return -1, -1
		}
		i += colon
		name, mark := memberName(s[from:i])
		naming := namingOf(name)
		if naming == innocent {
			continue
		}
		if start, end = memberValue(s, i+1, mark); start < end && naming.hides(s[start:end], false) {
			return start, end
		}
	}
}

// memberName returns the name that s ends with, and the quote behind it with the
// backslashes before that; a mark of "" means that there is none.
func memberName(s string) (name, mark string) {
	s = strings.TrimRight(s, jsonSpace)
	if s == "" || s[len(s)-1] != '"' && s[len(s)-1] != '\'' {
		return "", ""
	}
	quote := len(s) - 1
	to := quote - backslashes(s[:quote])
	from := to
	for from > 0 && s[from-1] != s[quote] && s[from-1] != '\\' {
		if from--; to-from > maxName {
			return "", ""
		}
	}
	if from == 0 || from == to || s[from-1] != s[quote] {
		return "", ""
	}
	return s[from:to], s[to:]
}

// memberValue returns where the string or number is that stands at index i or behind
// white space; the mark is what opens a string.
func memberValue(s string, i int, mark string) (start, end int) {
	start = len(s) - len(strings.TrimLeft(s[i:], jsonSpace))
	if !strings.HasPrefix(s[start:], mark) {
		return start, start + runLen(s[start:], isDigit)
	}
	start += len(mark)
	slashes, quote := len(mark)-1, mark[len(mark)-1]
	run := 0 // of backslashes
	for end = start; end < len(s); end++ {
		switch {
		case s[end] == '\\':
			run++
			continue
		case s[end] == quote && run%(2*slashes+2) == slashes: // of a string in a string in a string too
			return start, end - slashes
		}
		run = 0
	}
	return start, end
}

// backslashes returns how many s ends with.
func backslashes(s string) int { return len(s) - len(strings.TrimRight(s, `\`)) }

const jsonSpace = " \t\r\n\f"
