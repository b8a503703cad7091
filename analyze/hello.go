package analyze

import (
	"encoding/binary"
	"strings"
)

// A Hello is what a TLS ClientHello shows, RFC 8446, Section 4.1.2.
type Hello struct {
	// ServerName is the host name of the server_name extension, RFC 6066,
	// Section 3, in lower case. It is "" if there is none, more than one, or
	// one of other bytes than letters, digits, '-', '_' and '.'.
	ServerName string
	// ALPN is the protocols offered, RFC 7301, Section 3.1, as sent and so of
	// any bytes, the first 16 of them.
	ALPN []string
	// Version is the highest that is offered, by supported_versions (GREASE and
	// drafts left out) or else by legacy_version; 0 if that cannot be told.
	Version uint16
}

const (
	// maxHello bounds a ClientHello with its header; those with keys that
	// withstand quantum computers have 2 KiB.
	maxHello = 16 << 10
	// maxHelloRecords bounds the records over which it is spread, so that no
	// more than maxHello+5*maxHelloRecords bytes are ever needed.
	maxHelloRecords = 64
	maxALPN         = 16
	maxServerName   = 255 // RFC 1035, Section 2.3.4
)

// Types of RFC 8446, Sections 5.1, 4 and 4.2.
const (
	tlsHandshake         = 22
	tlsClientHello       = 1
	tlsServerName        = 0
	tlsALPN              = 16
	tlsSupportedVersions = 43
)

// readHello reads the ClientHello at the beginning of a direction's bytes. It is
// whole when ok; otherwise more says whether further bytes may complete it
// (false: this is no ClientHello, or one beyond the bounds). Nothing of b is
// kept.
func readHello(b []byte) (h Hello, ok, more bool) {
	fragment, rest, ok := tlsFragment(b)
	if !ok {
		return Hello{}, false, false
	}
	body, ok, more := helloBody(fragment)
	if more && len(rest) > 0 {
		var room [maxHello]byte
		body, ok, more = joinFragments(room[:0], b)
	}
	if ok {
		h, ok = parseHello(body)
	}
	return h, ok, more
}

// tlsFragment returns what the first record of b holds of a handshake, as far as
// it is there, and what follows the record, RFC 8446, Section 5.1. It is not ok
// if b begins otherwise.
func tlsFragment(b []byte) (fragment, rest []byte, ok bool) {
	if len(b) > 0 && b[0] != tlsHandshake || len(b) > 1 && b[1] != 3 || len(b) > 2 && b[2] > 4 {
		return nil, nil, false
	}
	if len(b) < 5 {
		return nil, nil, true
	}
	n := int(binary.BigEndian.Uint16(b[3:]))
	b = b[5:]
	if n == 0 || n > 1<<14 {
		return nil, nil, false
	}
	n = min(n, len(b))
	return b[:n], b[n:], true
}

// joinFragments appends the fragments of the records in b to message, which is
// empty and has room for the largest, until it is whole.
func joinFragments(message, b []byte) (body []byte, ok, more bool) {
	for range maxHelloRecords {
		fragment, rest, ok := tlsFragment(b)
		if !ok {
			break
		}
		message = append(message, fragment[:min(len(fragment), cap(message)-len(message))]...)
		if body, ok, more := helloBody(message); !more || len(rest) == 0 {
			return body, ok, more
		}
		b = rest
	}
	return nil, false, false
}

// helloBody returns what follows the header of the handshake message at the
// beginning of b, RFC 8446, Section 4; ok and more are those of readHello.
func helloBody(b []byte) (body []byte, ok, more bool) {
	if len(b) > 0 && b[0] != tlsClientHello {
		return nil, false, false
	}
	if len(b) < 4 {
		return nil, false, true
	}
	n := int(b[1])<<16 | int(b[2])<<8 | int(b[3])
	b = b[4:]
	if n > maxHello-4 {
		return nil, false, false
	}
	if len(b) < n {
		return nil, false, true
	}
	return b[:n], true, false
}

// parseHello takes a ClientHello apart. It is ok if its lengths fit each other;
// an extension that does not keep to its own form shows nothing.
func parseHello(body []byte) (h Hello, ok bool) {
	r := tlsReader{b: body}
	h.Version = uint16(r.uint(2))
	r.take(32) // random
	r.vector(1)
	r.vector(2) // cipher suites
	r.vector(1)
	if r.short {
		return Hello{}, false
	}
	if len(r.b) == 0 { // before TLS 1.3 there may be no extensions
		return h, true
	}
	extensions := tlsReader{b: r.vector(2)}
	var seen uint64 // types below 64
	for len(extensions.b) > 0 {
		kind, data := extensions.uint(2), extensions.vector(2)
		bit := uint64(1) << kind
		if seen&bit != 0 {
			return Hello{}, false // each type once, RFC 8446, Section 4.2
		}
		seen |= bit
		h.extension(kind, data)
	}
	if r.short || extensions.short || len(r.b) > 0 {
		return Hello{}, false
	}
	return h, true
}

func (h *Hello) extension(kind int, data []byte) {
	switch kind {
	case tlsServerName:
		h.ServerName = serverName(data)
	case tlsALPN:
		h.ALPN = protocolNames(data)
	case tlsSupportedVersions:
		h.Version = highestVersion(data)
	}
}

// serverName reads a ServerNameList. Names of other types than host_name have
// the same form.
func serverName(data []byte) string {
	list := onlyVector(data, 2)
	var host []byte
	for hosts := 0; len(list.b) > 0; {
		kind, name := list.uint(1), list.vector(2)
		if kind != 0 {
			continue
		}
		if hosts++; hosts > 1 {
			return ""
		}
		host = name
	}
	if list.short || len(host) > maxServerName {
		return ""
	}
	for _, c := range host {
		if !isHostByte(c) {
			return ""
		}
	}
	return strings.ToLower(string(host))
}

func isHostByte(c byte) bool {
	return 'a' <= c|0x20 && c|0x20 <= 'z' || '0' <= c && c <= '9' || c == '-' || c == '_' || c == '.'
}

// protocolNames reads a ProtocolNameList.
func protocolNames(data []byte) (names []string) {
	list := onlyVector(data, 2)
	for len(list.b) > 0 {
		name := list.vector(1)
		if len(name) == 0 {
			return nil
		}
		if len(names) < maxALPN {
			names = append(names, string(name))
		}
	}
	if list.short {
		return nil
	}
	return names
}

// highestVersion reads supported_versions, RFC 8446, Section 4.2.1. The versions
// from SSL 3.0 on are 0x03xx, unlike drafts and GREASE (RFC 8701).
func highestVersion(data []byte) (highest uint16) {
	list := onlyVector(data, 1)
	for len(list.b) > 0 {
		if v := uint16(list.uint(2)); v>>8 == 3 {
			highest = max(highest, v)
		}
	}
	if list.short {
		return 0
	}
	return highest
}

// A tlsReader takes numbers and vectors from the front of b. When b has too few
// bytes it is short from then on, and everything read is zero or empty.
type tlsReader struct {
	b     []byte
	short bool
}

// onlyVector reads data that is one vector; what it returns is short if that
// does not fill the data.
func onlyVector(data []byte, size int) tlsReader {
	r := tlsReader{b: data}
	return tlsReader{b: r.vector(size), short: len(r.b) > 0}
}

func (r *tlsReader) take(n int) []byte {
	if n > len(r.b) {
		r.b, r.short = nil, true
		return nil
	}
	b := r.b[:n]
	r.b = r.b[n:]
	return b
}

// uint reads a number of so many bytes.
func (r *tlsReader) uint(size int) (n int) {
	for _, c := range r.take(size) {
		n = n<<8 | int(c)
	}
	return n
}

// vector reads a vector whose length is a number of so many bytes, RFC 8446,
// Section 3.4.
func (r *tlsReader) vector(size int) []byte { return r.take(r.uint(size)) }
