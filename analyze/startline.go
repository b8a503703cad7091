package analyze

import (
	"bytes"
	"strings"

	"golang.org/x/net/http2"

	"github.com/wssniff/wssniff/internal/tlswire"
)

// A start says what the first bytes of a message look like.
type start uint8

const (
	undecided    start = iota // too few bytes to say
	requestLine               // a request line, as far as it goes
	responseLine              // a status line, as far as it goes
	h2Preface                 // that of a client of HTTP/2
	h2Settings                // the header of a frame with which a server of HTTP/2 begins
	alienBytes                // neither
)

// Bounds of what is taken for a request line.
const (
	maxMethod    = 24
	maxStartLine = 16 << 10
)

// classify tells what a message begins with, RFC 9112, Sections 3 and 4, and RFC
// 9113, Section 3.4.
func classify(b []byte) start {
	if mayBeTLS(b) {
		return undecided
	}
	const version = "HTTP/"
	if n := min(len(b), len(version)); string(b[:n]) == version[:n] {
		if n < len(version) {
			return undecided
		}
		return responseLine
	}
	if n := min(len(b), len(http2.ClientPreface)); string(b[:n]) == http2.ClientPreface[:n] {
		if n < len(http2.ClientPreface) {
			return undecided
		}
		return h2Preface
	}
	if startsSettings(b) {
		if len(b) < h2HeaderLen {
			return undecided
		}
		return h2Settings
	}
	i := 0
	for i < len(b) && i <= maxMethod && ('A' <= b[i] && b[i] <= 'Z' || 'a' <= b[i] && b[i] <= 'z' || b[i] == '-' || b[i] == '_') {
		i++
	}
	switch {
	case i == len(b) && i <= maxMethod:
		return undecided
	case i == 0 || i > maxMethod || b[i] != ' ':
		return alienBytes
	}
	line, _, found := bytes.Cut(b, []byte("\n"))
	switch {
	case len(line) > maxStartLine || !textual(line):
		return alienBytes
	case !found:
		return undecided
	}
	if v := bytes.LastIndex(line, []byte(" HTTP/")); v < i || len(line) <= v+6 || line[v+6] != '0' && line[v+6] != '1' {
		return alienBytes
	}
	return requestLine
}

// beginsWith tells what a direction begins with, be it broken.
func beginsWith(b []byte) start {
	if kind := classify(b); kind != alienBytes {
		return kind
	}
	return brokenRequest(b)
}

// maxIndent bounds what is ignored before the method of a broken request line.
const maxIndent = 8

// brokenRequest tells whether bytes that classify takes for alien are a request all
// the same, whose first line no server understands: blanks or a byte order mark
// before it, tabs, control bytes, no version or one that is misspelled. That it is
// one shows in the second line, which begins like a header field.
func brokenRequest(b []byte) start {
	const method = "GET"
	b = trimIndent(b)
	if len(b) <= len(method) {
		if strings.EqualFold(string(b), method[:len(b)]) || strings.HasPrefix(byteOrderMark, string(b)) {
			return undecided
		}
		return alienBytes
	}
	if !strings.EqualFold(string(b[:len(method)]), method) || !isBlank(b[len(method)]) {
		return alienBytes
	}
	end := bytes.IndexByte(b[:min(len(b), maxStartLine)], '\n')
	if end < 0 && len(b) < maxStartLine {
		return undecided
	}
	if end < 0 {
		return alienBytes
	}
	return startsField(b[end+1:])
}

// startsField tells whether b begins with the name of a header field and its colon.
func startsField(b []byte) start {
	const longest = 64
	for i, c := range b[:min(len(b), longest)] {
		switch {
		case c == ':' && i > 0:
			return requestLine
		case !isTokenByte(c):
			return alienBytes
		}
	}
	if len(b) < longest {
		return undecided
	}
	return alienBytes
}

const byteOrderMark = "\xef\xbb\xbf"

// trimIndent returns what stands behind a byte order mark and blanks.
func trimIndent[T string | []byte](line T) T {
	if len(line) >= len(byteOrderMark) && string(line[:len(byteOrderMark)]) == byteOrderMark {
		line = line[len(byteOrderMark):]
	}
	for n := 0; n < maxIndent && len(line) > 0 && isBlank(line[0]); n++ {
		line = line[1:]
	}
	return line
}

func isBlank(c byte) bool { return c == ' ' || c == '\t' }

// mayBeTLS reports whether more bytes may make the beginning of a handshake, or a
// whole alert.
func mayBeTLS(b []byte) bool {
	switch {
	case len(b) == 0 || len(b) > 1 && b[1] != 3:
		return false
	case b[0] == byte(tlswire.Handshake):
		return len(b) < 3
	}
	return b[0] == byte(tlswire.Alert) && len(b) < tlswire.HeaderLen+2
}

// textual reports whether a line may belong to a request: no control bytes.
func textual(b []byte) bool {
	for _, c := range b {
		if c < ' ' && c != '\r' && c != '\t' {
			return false
		}
	}
	return true
}

// startsHead reports whether a segment after a hole begins with a head. More is
// asked than of the first bytes of a connection: a body may begin with anything.
func startsHead(b []byte) bool {
	return classify(b) == requestLine || len(b) >= 12 && bytes.HasPrefix(b, []byte("HTTP/1.")) && b[8] == ' ' && statusCode(b) != 0
}

// statusCode returns the status code of a status line, or 0. It is read from
// every head that passes, so it allocates nothing.
func statusCode(b []byte) int {
	line, _, _ := bytes.Cut(b, []byte("\n"))
	_, rest, _ := bytes.Cut(bytes.TrimSuffix(line, []byte("\r")), []byte(" "))
	code, _, _ := bytes.Cut(bytes.TrimLeft(rest, " "), []byte(" "))
	return parseStatus(code)
}
