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
}

// frame reads the framing of a head, RFC 9112, Section 6.
func frame(head []byte) framing {
	f := framing{length: -1}
	_, head, _ = bytes.Cut(head, []byte("\n")) // the start line
	for len(head) > 0 {
		var line []byte
		line, head, _ = bytes.Cut(head, []byte("\n"))
		if len(line) < 7 {
			continue
		}
		switch line[0] | 0x20 {
		case 'c', 't', 'u', 's':
			f.field(line)
		}
	}
	return f
}

func (f *framing) field(line []byte) {
	colon := bytes.IndexByte(line, ':')
	if colon < 0 {
		return
	}
	name, value := bytes.TrimRight(line[:colon], " \t"), bytes.TrimSpace(line[colon+1:])
	switch {
	case foldEqual(name, "content-length"):
		if n, err := strconv.ParseInt(string(value), 10, 64); err == nil && n >= 0 {
			f.length = n
		}
	case foldEqual(name, "transfer-encoding"):
		f.coded = true
		last := bytes.TrimLeft(value[bytes.LastIndexByte(value, ',')+1:], " \t")
		f.chunked = foldEqual(last, "chunked")
	case foldEqual(name, "upgrade"), len(name) > 14 && foldEqual(name[:14], "sec-websocket-"):
		f.upgrade = true
	}
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
