package report

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// maxCell bounds what a table cell shows of a value from the wire. Longer ones
// end in a marker that tells their length.
const maxCell = 1024

// cellText makes text from the wire fit for a terminal: printable, and bounded
// by maxCell.
func cellText(s string) string {
	if len(s) <= maxCell {
		return visible(s)
	}
	cut := maxCell
	for cut > maxCell-utf8.UTFMax && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return fmt.Sprintf("%s... (%d bytes)", visible(s[:cut]), len(s))
}

// visible escapes everything that is not a plain visible character: control
// bytes (ESC among them), bidirectional overrides and other invisible
// characters, combining marks, and bytes that are no UTF-8. A backslash is kept
// as it is; the escapes are for eyes, not for machines.
func visible(s string) string {
	if isPlain(s) {
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case unicode.IsPrint(r) && !unicode.IsMark(r):
			b.WriteString(s[i : i+n])
		default:
			b.WriteString(escapeRune(r))
		}
		i += n
	}
	return b.String()
}

func isPlain(s string) bool {
	for i := range len(s) {
		if s[i] < ' ' || s[i] > '~' {
			return false
		}
	}
	return true
}

func escapeRune(r rune) string {
	switch {
	case r == '\n':
		return `\n`
	case r == '\r':
		return `\r`
	case r == '\t':
		return `\t`
	case r < 0x80:
		return fmt.Sprintf(`\x%02x`, r)
	case r < 0x10000:
		return fmt.Sprintf(`\u%04x`, r)
	}
	return fmt.Sprintf(`\U%08x`, r)
}

// utf8Text returns text from the wire as valid UTF-8 without losing a byte: as
// it is if it is UTF-8, and otherwise with every byte read as one Latin-1
// character.
func utf8Text(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	runes := make([]rune, len(s))
	for i := range len(s) {
		runes[i] = rune(s[i])
	}
	return string(runes)
}
