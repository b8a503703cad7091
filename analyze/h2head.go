package analyze

import (
	"fmt"
	"slices"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// h2Head writes fields as an HTTP/1 head with the version HTTP/2, so that whatever
// reads heads reads these too: the start line is made of :method and :path, or of
// :status; :authority is called host, as RFC 9113, Section 8.3.1, has intermediaries
// do it; other pseudo-header fields keep their names. Bytes that may not be in a
// name or value would make other fields of it: they are written as "?".
func h2Head(fields []hpack.HeaderField, response, whole bool) []byte {
	var b []byte
	if response {
		b = append(b, "HTTP/2 "+clean(valueIn(fields, ":status"))...)
	} else {
		b = append(b, clean(valueIn(fields, ":method"))+" "+clean(valueIn(fields, ":path"))+" HTTP/2"...)
	}
	b = append(b, "\r\n"...)
	for _, f := range fields {
		switch f.Name {
		case ":method", ":path", ":status":
			continue
		case ":authority":
			f.Name = "host"
		}
		b = append(append(b, cleanName(f.Name)...), ": "...)
		b = append(append(b, clean(f.Value)...), "\r\n"...)
	}
	if whole {
		b = append(b, "\r\n"...)
	}
	return b
}

// clean takes out of a value what would end its line.
func clean(s string) string {
	if !strings.ContainsAny(s, "\r\n\x00") {
		return s
	}
	return strings.Map(func(c rune) rune {
		if c == '\r' || c == '\n' || c == 0 {
			return '?'
		}
		return c
	}, s)
}

// cleanName does so for a name, which may begin with a colon.
func cleanName(s string) string {
	if isToken(strings.TrimPrefix(s, ":")) {
		return s
	}
	b := []byte(s)
	for i, c := range b {
		if !(i == 0 && c == ':') && !isToken(string(c)) {
			b[i] = '?'
		}
	}
	return string(b)
}

// valueIn returns the value of the first field of a name, "" if there is none.
func valueIn(fields []hpack.HeaderField, name string) string {
	value, _ := lookIn(fields, name)
	return value
}

func lookIn(fields []hpack.HeaderField, name string) (string, bool) {
	for i := range fields {
		if fields[i].Name == name {
			return fields[i].Value, true
		}
	}
	return "", false
}

func h2Status(fields []hpack.HeaderField) int { return parseStatus(valueIn(fields, ":status")) }

// opensWebSocket reports whether a request tries to open a WebSocket: by an
// extended CONNECT (RFC 8441, Section 5), or as HTTP/1 has it. It looks at every
// request that passes.
func opensWebSocket(fields []hpack.HeaderField) (connect, ok bool) {
	for i := range fields {
		switch f := &fields[i]; {
		case f.Name == ":protocol":
			return valueIn(fields, ":method") == "CONNECT", strings.EqualFold(f.Value, "websocket")
		case len(f.Name) > 14 && strings.EqualFold(f.Name[:14], "sec-websocket-"):
			ok = true
		case len(f.Name) == 7 && strings.EqualFold(f.Name, "upgrade") && strings.EqualFold(f.Value, "websocket"):
			ok = true
		}
	}
	return false, ok
}

// requestFault returns the first thing about the fields of a request that is not
// allowed, "" if there is none. Nothing is said to be absent unless all are there.
func requestFault(fields []hpack.HeaderField, whole, connect, ends bool) string {
	has := func(name string) bool {
		_, ok := lookIn(fields, name)
		return ok
	}
	fault := fieldFault(fields)
	switch {
	case fault != "":
		return fault
	case !connect && has(":protocol"):
		return ":protocol without CONNECT"
	case !connect:
		return ""
	case whole && !has(":scheme"):
		return "no :scheme"
	case whole && !has(":path"):
		return "no :path"
	case whole && !has(":authority") && !has("host"): // which may stand for it: RFC 8441, Section 4, and RFC 7540, Section 8.1.2.3
		return "no :authority"
	case ends:
		return "the stream ends with the request"
	}
	return ""
}

// responseFault is the same for a response.
func responseFault(fields []hpack.HeaderField) string {
	fault := fieldFault(fields)
	for i := 0; i < len(fields) && fault == ""; i++ {
		switch name := fields[i].Name; {
		case slices.Contains(connectionFields[:], name):
			fault = fmt.Sprintf("%q of HTTP/1", name)
		case name != ":status" && strings.HasPrefix(name, ":"):
			fault = fmt.Sprintf("%.64q of a request", name)
		}
	}
	return fault
}

// fieldFault checks what RFC 9113, Sections 8.2.1 and 8.3, says of fields.
func fieldFault(fields []hpack.HeaderField) string {
	regular := false
	seen := map[string]bool{}
	for i := range fields {
		f := &fields[i]
		switch pseudo := strings.HasPrefix(f.Name, ":"); {
		case f.Name != strings.ToLower(f.Name):
			return fmt.Sprintf("%.64q in capitals", f.Name)
		case !isToken(strings.TrimPrefix(f.Name, ":")):
			return fmt.Sprintf("the name %.64q", f.Name)
		case strings.ContainsAny(f.Value, "\r\n\x00"):
			return fmt.Sprintf("a line end or NUL in the value of %.64q", f.Name)
		case strings.Trim(f.Value, " \t") != f.Value:
			return fmt.Sprintf("white space around the value of %.64q", f.Name)
		case pseudo && regular:
			return fmt.Sprintf("%.64q behind other fields", f.Name)
		case pseudo && seen[f.Name]:
			return fmt.Sprintf("%.64q twice", f.Name)
		case pseudo:
			seen[f.Name] = true
		default:
			regular = true
		}
	}
	return ""
}
