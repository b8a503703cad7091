package report

import "strings"

// The few colours in use: SGR codes of ECMA-48.
const (
	bold   = "\x1b[1m"
	red    = "\x1b[31m"
	yellow = "\x1b[33m"
	green  = "\x1b[32m"
	dim    = "\x1b[2m"
	reset  = "\x1b[0m"
)

var wordColors = map[string]string{
	"error": red, "accept-mismatch": red, "accept-missing": red, "bad-handshake": red,
	"redirected": red, "rejected": red, "no-response": red, "not-http": red,
	"warning": yellow, "indeterminate": yellow,
	"note": dim, "ok": green,
}

func paint(word string, color bool) string {
	if c := wordColors[word]; c != "" && color {
		return c + word + reset
	}
	return word
}

// paintCell colours the lines that are, or end in, a severity or verdict.
func paintCell(lines []string) string {
	painted := make([]string, len(lines))
	for i, line := range lines {
		word := line[strings.LastIndexByte(line, ' ')+1:]
		painted[i] = strings.TrimSuffix(line, word) + paint(word, true)
	}
	return strings.Join(painted, "\n")
}

func paintTitle(title string, color bool) string {
	if color {
		return bold + title + reset
	}
	return title
}
