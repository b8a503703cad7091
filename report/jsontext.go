package report

import (
	"unicode"
	"unicode/utf8"
)

// appendText appends text from the wire as a JSON string.
func appendText(dst []byte, s string) []byte {
	return append(appendInside(append(dst, '"'), s), '"')
}

// appendInside appends text from the wire as the inside of a JSON string.
func appendInside(dst []byte, s string) []byte {
	if classOf(s)&escaped == 0 {
		return append(dst, s...)
	}
	return appendEscaped(dst, utf8Text(s))
}

// appendEscaped appends valid UTF-8 as the inside of a JSON string. Beside what
// RFC 8259, Section 7 demands, the characters that a terminal would obey or hide
// are escaped: DEL, the C1 controls, marks of direction. Those beyond the Basic
// Multilingual Plane are left.
func appendEscaped(dst []byte, s string) []byte {
	done := 0
	for i := 0; i < len(s); {
		r, n := rune(s[i]), 1
		if r >= utf8.RuneSelf {
			r, n = utf8.DecodeRuneInString(s[i:])
		}
		if mustEscape(r) {
			dst = appendEscape(append(dst, s[done:i]...), r)
			done = i + n
		}
		i += n
	}
	return append(dst, s[done:]...)
}

func mustEscape(r rune) bool {
	if r < utf8.RuneSelf {
		return classes[r]&escaped != 0
	}
	return r < 0x10000 && (!unicode.IsPrint(r) || unicode.IsMark(r))
}

func appendEscape(dst []byte, r rune) []byte {
	const hex = "0123456789abcdef"
	switch r {
	case '"', '\\':
		return append(dst, '\\', byte(r))
	case '\b':
		return append(dst, `\b`...)
	case '\f':
		return append(dst, `\f`...)
	case '\n':
		return append(dst, `\n`...)
	case '\r':
		return append(dst, `\r`...)
	case '\t':
		return append(dst, `\t`...)
	}
	return append(dst, '\\', 'u', hex[r>>12], hex[r>>8&15], hex[r>>4&15], hex[r&15])
}
