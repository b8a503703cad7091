package analyze

import (
	"bytes"
	"strconv"
)

// A framing says what of a message follows its head, and whether the head has
// anything to do with an upgrade. It is read from every head that passes, so it
// allocates nothing.
type framing struct {
	length  int64 // Content-Length; -1 if there is none
	chunked bool  // the last transfer coding is chunked
	coded   bool  // there is a Transfer-Encoding
	upgrade bool  // a field is called Upgrade or Sec-WebSocket-...
	socket  bool  // a field is called Sec-WebSocket-..., at least
	folded  bool  // a line continues the one before: values may be longer than it seems
	key     span  // value of the first Sec-WebSocket-Key; of no length: there is none, or it is empty
	accept  span  // the same of the first Sec-WebSocket-Accept
}

// frame reads the framing of a head, RFC 9112, Section 6.
func frame(head []byte) framing {
	f := framing{length: -1}
	for at := startLine(head); at < len(head); {
		line := head[at:]
		if n := bytes.IndexByte(line, '\n'); n >= 0 {
			line = line[:n+1]
		}
		if mayFrame(line) {
			f.field(line, at)
		}
		f.folded = f.folded || line[0] == ' ' || line[0] == '\t'
		at += len(line)
	}
	return f
}

// mayFrame looks at those letters of a line in which the names that field knows
// differ from names that most heads have: Content-Type and User-Agent, Server and Set-Cookie.
func mayFrame(line []byte) bool {
	if len(line) < len("upgrade") {
		return false
	}
	switch line[0] | 0x20 {
	case 'c':
		return len(line) > len("content-length") && line[8]|0x20 == 'l'
	case 't':
		return line[1]|0x20 == 'r'
	case 'u':
		return line[1]|0x20 == 'p'
	case 's':
		return line[2]|0x20 == 'c'
	}
	return false
}

// field reads a line that begins at an offset of the head.
func (f *framing) field(line []byte, at int) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return
	}
	name := bytes.TrimRight(line[:colon], " \t")
	switch len(name) {
	case len("upgrade"):
		f.upgrade = f.upgrade || foldEqual(name, "upgrade")
	case len("content-length"):
		if !foldEqual(name, "content-length") {
			return
		}
		if n, ok := contentLength(line[colon+1:]); ok {
			f.length = n
		}
	case len("transfer-encoding"): // and sec-websocket-key
		if foldEqual(name, "transfer-encoding") {
			f.coded = true
			value := bytes.TrimSpace(line[colon+1:])
			last := bytes.TrimLeft(value[bytes.LastIndexByte(value, ',')+1:], " \t")
			f.chunked = foldEqual(last, "chunked")
			return
		}
		fallthrough
	default:
		f.webSocketField(name, line, at)
	}
}

// contentLength reads the value of a Content-Length. One that was sent twice may have
// been made a list of equal numbers on the way, RFC 9110, Section 8.6.
func contentLength(value []byte) (n int64, ok bool) {
	first, rest, more := bytes.Cut(value, []byte(","))
	first = bytes.TrimSpace(first)
	for more {
		var next []byte
		if next, rest, more = bytes.Cut(rest, []byte(",")); !bytes.Equal(bytes.TrimSpace(next), first) {
			return 0, false
		}
	}
	n, err := strconv.ParseInt(string(first), 10, 64)
	return n, err == nil && n >= 0
}

func (f *framing) webSocketField(name, line []byte, at int) {
	const prefix = "sec-websocket-"
	if len(name) <= len(prefix) || !foldEqual(name[:len(prefix)], prefix) {
		return
	}
	f.upgrade, f.socket = true, true
	var value *span
	switch rest := name[len(prefix):]; {
	case foldEqual(rest, "key"):
		value = &f.key
	case foldEqual(rest, "accept"):
		value = &f.accept
	default:
		return
	}
	if *value == (span{}) {
		*value = valueOf(line, at)
	}
}

// valueOf returns where the value in a field's line lies, without white space
// around it.
func valueOf(line []byte, at int) span {
	from, to := bytes.IndexByte(line, ':')+1, len(bytes.TrimSuffix(bytes.TrimSuffix(line, []byte("\n")), []byte("\r")))
	for from < to && (line[from] == ' ' || line[from] == '\t') {
		from++
	}
	for from < to && (line[to-1] == ' ' || line[to-1] == '\t') {
		to--
	}
	return span{at + from, at + to}
}

// foldEqual compares ASCII bytes with a lower-case string, whatever their case.
func foldEqual(b []byte, lower string) bool {
	if len(b) != len(lower) {
		return false
	}
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			c |= 0x20
		}
		if c != lower[i] {
			return false
		}
	}
	return true
}
