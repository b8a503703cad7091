package filter

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"
)

// An Error tells why an expression cannot be used, and where.
type Error struct {
	Expr   string // as given to Parse
	Offset int    // in bytes, of the word that What is about; len(Expr): the end
	What   string // one line
}

// Error returns one line without the expression.
func (e *Error) Error() string {
	return fmt.Sprintf("filter: %s (column %d)", e.What, e.column()+1)
}

// Caret returns two lines: the expression and a mark below the place. A long
// expression is cut around the place.
func (e *Error) Caret() string {
	const before, after = 50, 25
	line := []rune(strings.ToValidUTF8(e.Expr, "?"))
	for i, r := range line {
		if !strconv.IsPrint(r) {
			line[i] = ' '
		}
	}
	at := min(e.column(), len(line))
	if end := at + after; end < len(line) {
		line = append(line[:end:end], []rune("...")...)
	}
	if start := at - before; start > 0 {
		line = append([]rune("..."), line[start:]...)
		at = before + len("...")
	}
	return string(line) + "\n" + strings.Repeat(" ", at) + "^"
}

// column counts the characters before the place.
func (e *Error) column() int {
	before := e.Expr[:min(max(e.Offset, 0), len(e.Expr))]
	return utf8.RuneCountInString(strings.ToValidUTF8(before, "?"))
}

// useTcpdump is the advice for what the subset lacks.
const useTcpdump = "compile the expression with tcpdump -ddd and give the result to --bpf-program"

// quote quotes a word of the expression, bounded in length.
func quote(word string) string {
	const limit = 40
	if len(word) > limit {
		return strconv.Quote(word[:limit]) + "..."
	}
	return strconv.Quote(word)
}
