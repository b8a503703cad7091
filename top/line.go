package top

import "strings"

// A style is an SGR code of ECMA-48. The colours are the terminal's own.
type style string

const (
	plain  style = ""
	bold   style = "1"
	dim    style = "2"
	red    style = "31"
	green  style = "32"
	yellow style = "33"
)

// A line of the screen is written from left to right and never gets wider than
// its room.
type line struct {
	strings.Builder
	room  int // columns that are left
	color bool
}

// text is the line so far.
func (l *line) text() string { return strings.TrimRight(l.String(), " ") }

// put writes text, as much as there is room for.
func (l *line) put(s style, text string) {
	text = fit(text, l.room)
	l.room -= columns(text)
	if s == plain || !l.color || text == "" {
		l.WriteString(text)
		return
	}
	l.WriteString("\x1b[" + string(s) + "m" + text + "\x1b[m")
}

// space leaves columns free.
func (l *line) space(n int) {
	n = max(min(n, l.room), 0)
	l.room -= n
	l.WriteString(strings.Repeat(" ", n))
}

// left writes text at the left of a cell, right at its right.
func (l *line) left(s style, text string, width int) {
	text = fit(text, width)
	l.put(s, text)
	l.space(width - columns(text))
}

func (l *line) right(s style, text string, width int) {
	text = fit(text, width)
	l.space(width - columns(text))
	l.put(s, text)
}

// end writes text at the end of the line, if there is room for all of it.
func (l *line) end(s style, text string) {
	if w := columns(text); w+2 <= l.room {
		l.space(l.room - w)
		l.put(s, text)
	}
}
