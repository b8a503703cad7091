package analyze

import (
	"bytes"
	"strings"
)

// A Head is the head of an HTTP/1 message as it was on the wire, or that of an
// HTTP/2 message written like one (see h2Head).
type Head struct {
	Raw    string  // every byte up to and including the blank line (or to where it breaks off)
	Line   string  // the start line without its line end
	Fields []Field // in order, duplicates and malformed lines included
	LFOnly int     // lines that end in LF without CR

	Method, Target string // of a request
	Version        string // "HTTP/1.1" as sent
	Status         int    // of a response; 0 for a request
	Phrase         string // reason phrase of a response
}

// A Field is one header field line as sent.
type Field struct {
	Name   string // as sent, without space before the colon; "" if the line has no colon
	Value  string // without the white space around it; of a folded field, the lines joined by one space
	Offset int    // of the line in Head.Raw
	Pre    int    // white space between name and colon, which RFC 9112, Section 5.1 forbids
	Post   int    // white space between colon and value
	Trail  int    // white space between value and line end
	Folded bool   // continued on a further line (obs-fold, RFC 9112, Section 5.2)
}

// headEnd returns the index right after the blank line that ends a head, or -1.
// Bytes before from were searched before. A bare LF ends a line too, as most
// recipients have it (RFC 9112, Section 2.2).
func headEnd(b []byte, from int) int {
	for i := max(0, from-2); ; {
		n := bytes.IndexByte(b[i:], '\n')
		if n < 0 {
			return -1
		}
		i += n + 1
		if i < len(b) && b[i] == '\n' {
			return i + 1
		}
		if i+1 < len(b) && b[i] == '\r' && b[i+1] == '\n' {
			return i + 2
		}
	}
}

// parseHead takes a head apart and keeps it as it is: nothing is repaired,
// merged or rejected. raw may break off anywhere; a field line without its line
// end is left out, as nobody knows how it went on.
func parseHead(raw string) Head {
	h := Head{Raw: raw}
	h.Fields = make([]Field, 0, strings.Count(raw, "\n"))
	h.parse()
	return h
}

// parse sets everything by Raw, and appends to Fields.
func (h *Head) parse() {
	line, pos, whole := h.nextLine(0)
	h.Line = line
	h.parseLine()
	var folds []string // lines that continue the last field
	for whole {
		start := pos
		line, pos, whole = h.nextLine(pos)
		if line == "" || !whole {
			break
		}
		if n := len(h.Fields); n > 0 && (line[0] == ' ' || line[0] == '\t') {
			h.Fields[n-1].Folded = true
			folds = append(folds, strings.Trim(line, " \t"))
			continue
		}
		h.unfold(folds)
		folds = folds[:0]
		h.Fields = append(h.Fields, parseField(line, start, h.Version == versionH2))
	}
	h.unfold(folds)
}

// unfold joins continuation lines to the last field, at once: line by line it
// would take the square of their number.
func (h *Head) unfold(lines []string) {
	if len(lines) > 0 {
		f := &h.Fields[len(h.Fields)-1]
		f.Value = strings.Trim(f.Value+" "+strings.Join(lines, " "), " ")
	}
}

// nextLine returns the line at pos without its line end, where the next one
// starts, and whether the line has an end.
func (h *Head) nextLine(pos int) (line string, next int, whole bool) {
	line, _, whole = strings.Cut(h.Raw[pos:], "\n")
	next = pos + len(line)
	if whole {
		next++
		if !strings.HasSuffix(line, "\r") {
			h.LFOnly++
		}
	}
	return strings.TrimSuffix(line, "\r"), next, whole
}

// parseLine takes the start line apart, RFC 9112, Sections 3 and 4.
func (h *Head) parseLine() {
	if strings.HasPrefix(h.Line, "HTTP/") {
		var rest string
		h.Version, rest, _ = strings.Cut(h.Line, " ")
		code, phrase, _ := strings.Cut(strings.TrimLeft(rest, " "), " ")
		h.Status, h.Phrase = parseStatus(code), strings.TrimSpace(phrase)
		return
	}
	line := trimIndent(h.Line)
	i := strings.IndexAny(line, " \t")
	if i < 0 {
		h.Method = line
		return
	}
	h.Method, h.Target = line[:i], line[i+1:]
	if i := strings.LastIndexAny(h.Target, " \t"); i >= 0 && startsVersion(h.Target[i+1:]) {
		h.Target, h.Version = h.Target[:i], h.Target[i+1:]
	}
}

// startsVersion reports whether s is meant for a version, be it misspelled.
func startsVersion(s string) bool {
	return len(s) >= 4 && strings.EqualFold(s[:4], "HTTP")
}

// parseStatus returns the value of a three-digit status code, or 0.
func parseStatus[T string | []byte](s T) int {
	if len(s) != 3 {
		return 0
	}
	n := 0
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0
		}
		n = n*10 + int(s[i]-'0')
	}
	return n
}

// versionH2 is the version of a head that HTTP/1 did not write.
const versionH2 = "HTTP/2"

// Tunnels reports whether a request is the CONNECT of HTTP/1, whose target is a host.
func (h *Head) Tunnels() bool { return h.Method == "CONNECT" && h.Version != versionH2 }

// parseField takes the line of a field apart, whose name may be that of a
// pseudo-header field.
func parseField(line string, offset int, pseudo bool) Field {
	colon := 0
	if pseudo && strings.HasPrefix(line, ":") {
		colon = 1
	}
	name, value, ok := strings.Cut(line[colon:], ":")
	name = line[:colon] + name
	f := Field{Offset: offset}
	if !ok {
		f.Value = strings.Trim(line, " \t")
		return f
	}
	f.Name = strings.TrimRight(name, " \t")
	f.Pre = len(name) - len(f.Name)
	left := strings.TrimLeft(value, " \t")
	f.Post = len(value) - len(left)
	f.Value = strings.TrimRight(left, " \t")
	f.Trail = len(left) - len(f.Value)
	return f
}

// Named returns the fields of a name, whatever its case (RFC 9110, Section 5.1).
func (h *Head) Named(name string) []Field {
	var fields []Field
	for _, f := range h.Fields {
		if strings.EqualFold(f.Name, name) {
			fields = append(fields, f)
		}
	}
	return fields
}

// Get returns the value of the first field of a name, and whether there is one.
func (h *Head) Get(name string) (string, bool) {
	for i := range h.Fields {
		if f := &h.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			return f.Value, true
		}
	}
	return "", false
}

// first returns the first field of a name, nil if there is none, and whether
// there are more.
func (h *Head) first(name string) (f *Field, more bool) {
	for i := range h.Fields {
		if len(h.Fields[i].Name) != len(name) || !strings.EqualFold(h.Fields[i].Name, name) {
			continue
		}
		if f != nil {
			return f, true
		}
		f = &h.Fields[i]
	}
	return f, false
}

// Tokens returns the members of the comma-separated lists in all fields of a
// name, as sent; empty members are left out (RFC 9110, Section 5.6.1).
func (h *Head) Tokens(name string) []string {
	var tokens []string
	for i := range h.Fields {
		if f := &h.Fields[i]; len(f.Name) == len(name) && strings.EqualFold(f.Name, name) {
			tokens = append(tokens, splitList(f.Value)...)
		}
	}
	return tokens
}

func splitList(value string) []string {
	var members []string
	for m := range strings.SplitSeq(value, ",") {
		if m = strings.Trim(m, " \t"); m != "" {
			members = append(members, m)
		}
	}
	return members
}

// countToken counts the members of a list that equal a token, whatever its case.
func countToken(tokens []string, token string) int {
	n := 0
	for _, t := range tokens {
		if strings.EqualFold(t, token) {
			n++
		}
	}
	return n
}
