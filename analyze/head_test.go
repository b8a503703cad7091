package analyze

import (
	"bufio"
	"bytes"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"testing"
)

const (
	goodKey    = "dGhlIHNhbXBsZSBub25jZQ==" // RFC 6455, Section 1.3
	goodAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="
)

func TestParseStartLine(t *testing.T) {
	for _, c := range []struct {
		line string
		want Head
	}{
		{"GET /chat HTTP/1.1", Head{Method: "GET", Target: "/chat", Version: "HTTP/1.1"}},
		{"get /chat http/1.1", Head{Method: "get", Target: "/chat", Version: "http/1.1"}},
		{"GET /a b HTTP/1.1", Head{Method: "GET", Target: "/a b", Version: "HTTP/1.1"}},
		{"GET http://h:80/ HTTP/1.0", Head{Method: "GET", Target: "http://h:80/", Version: "HTTP/1.0"}},
		{"GET /", Head{Method: "GET", Target: "/"}},
		{"GET", Head{Method: "GET"}},
		{"", Head{}},
		{"HTTP/1.1 101 Switching Protocols", Head{Version: "HTTP/1.1", Status: 101, Phrase: "Switching Protocols"}},
		{"HTTP/1.1 101 ", Head{Version: "HTTP/1.1", Status: 101}},
		{"HTTP/1.1 101", Head{Version: "HTTP/1.1", Status: 101}},
		{"HTTP/1.1  101  Two  Spaces ", Head{Version: "HTTP/1.1", Status: 101, Phrase: "Two  Spaces"}},
		{"HTTP/1.1 2000 OK", Head{Version: "HTTP/1.1", Phrase: "OK"}},
		{"HTTP/1.1 +10 OK", Head{Version: "HTTP/1.1", Phrase: "OK"}},
		{"HTTP/1.1 20", Head{Version: "HTTP/1.1"}},
		{"HTTP/1.1", Head{Version: "HTTP/1.1"}},
	} {
		got := parseHead(c.line + "\r\n\r\n")
		c.want.Line, c.want.Raw = c.line, got.Raw
		got.Fields = nil
		if !sameHead(&got, &c.want) {
			t.Errorf("%q: got %+v, want %+v", c.line, got, c.want)
		}
	}
}

// sameHead compares all of two heads but their fields.
func sameHead(a, b *Head) bool {
	return a.Raw == b.Raw && a.Line == b.Line && a.LFOnly == b.LFOnly && a.Method == b.Method && a.Target == b.Target &&
		a.Version == b.Version && a.Status == b.Status && a.Phrase == b.Phrase
}

func TestParseFields(t *testing.T) {
	const start = "GET / HTTP/1.1\r\n" // 16 bytes
	for _, c := range []struct {
		name, lines string
		want        []Field
		lfOnly      int
	}{
		{"order, case and duplicates", "b: 2\r\nA: 1\r\nB: 3\r\n\r\n", []Field{
			{Name: "b", Value: "2", Offset: 16, Post: 1}, {Name: "A", Value: "1", Offset: 22, Post: 1}, {Name: "B", Value: "3", Offset: 28, Post: 1},
		}, 0},
		{"white space", "a \t: \t v w\t \r\n\r\n", []Field{{Name: "a", Value: "v w", Offset: 16, Pre: 2, Post: 3, Trail: 2}}, 0},
		{"none behind the colon", "a:v\r\n\r\n", []Field{{Name: "a", Value: "v", Offset: 16}}, 0},
		{"colons in the value", "a: b:c\r\n\r\n", []Field{{Name: "a", Value: "b:c", Offset: 16, Post: 1}}, 0},
		{"empty value", "a:\r\nb: \r\n\r\n", []Field{{Name: "a", Offset: 16}, {Name: "b", Offset: 20, Post: 1}}, 0},
		{"no colon", "abc \r\nb: 1\r\n\r\n", []Field{{Value: "abc", Offset: 16}, {Name: "b", Value: "1", Offset: 22, Post: 1}}, 0},
		{"LF only", "a: 1\nb: 2\r\n\n", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1}, {Name: "b", Value: "2", Offset: 21, Post: 1}}, 2},
		{"CR inside", "a: 1\r2\r\r\n\r\n", []Field{{Name: "a", Value: "1\r2\r", Offset: 16, Post: 1}}, 0},
		{"folded", "a: 1\r\n 2\r\n\t 3 \r\nb: 4\r\n\r\n", []Field{
			{Name: "a", Value: "1 2 3", Offset: 16, Post: 1, Folded: true}, {Name: "b", Value: "4", Offset: 32, Post: 1},
		}, 0},
		{"folded from nothing", "a:\r\n 1\r\n\r\n", []Field{{Name: "a", Value: "1", Offset: 16, Folded: true}}, 0},
		{"folded into nothing", "a: 1\r\n \r\n\r\n", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1, Folded: true}}, 0},
		{"begins with white space", " a: 1\r\n\r\n", []Field{{Name: " a", Value: "1", Offset: 16, Post: 1}}, 0},
		{"control bytes", "a: \x00\x1b[31m\r\n\r\n", []Field{{Name: "a", Value: "\x00\x1b[31m", Offset: 16, Post: 1}}, 0},
		{"no fields", "\r\n", nil, 0},
		{"broken off in a value", "a: 1\r\nb: 2", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1}}, 0},
		{"broken off in a name", "a: 1\r\nSec-WebSocket-Acc", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1}}, 0},
		{"broken off behind a line", "a: 1\r\n", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1}}, 0},
		{"broken off inside a line end", "a: 1\r\nb: 2\r", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1}}, 0},
		{"broken off in the blank line", "a: 1\r\n\r", []Field{{Name: "a", Value: "1", Offset: 16, Post: 1}}, 0},
	} {
		got := parseHead(start + c.lines)
		if !slices.Equal(got.Fields, c.want) || got.LFOnly != c.lfOnly {
			t.Errorf("%s: got %+v, %d LF only, want %+v, %d", c.name, got.Fields, got.LFOnly, c.want, c.lfOnly)
		}
	}
}

// TestParseEveryPrefix breaks a head off everywhere: the fields are the first of
// those of the whole head.
func TestParseEveryPrefix(t *testing.T) {
	const raw = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\nConnection : Upgrade\r\nSec-WebSocket-Accept:  " + goodAccept + " \r\n\r\n"
	whole := parseHead(raw)
	for n := range raw {
		got := parseHead(raw[:n])
		if k := len(got.Fields); k > len(whole.Fields) || !slices.Equal(got.Fields, whole.Fields[:k]) {
			t.Errorf("%q: %+v", raw[:n], got.Fields)
		}
		if lines := strings.Count(raw[:n], "\n"); len(got.Fields) != max(0, lines-1) {
			t.Errorf("%q: %d fields of %d lines", raw[:n], len(got.Fields), lines)
		}
	}
}

func TestHeadEnd(t *testing.T) {
	for _, c := range []struct {
		in   string
		want int
	}{
		{"", -1},
		{"a\r\n", -1},
		{"a\r\n\r", -1},
		{"a\r\n\r\n", 5},
		{"a\r\n\r\nb", 5},
		{"a\n\nb", 3},
		{"a\r\n\nb", 4},
		{"a\n\r\nb", 4},
		{"a\r\n\r\r\n\r\n", 8},
		{"a\n \n\n", 5},
	} {
		for from := range len(c.in) + 1 {
			if c.want >= 0 && from > c.want {
				break
			}
			if from > 0 && headEnd([]byte(c.in[:from]), 0) >= 0 {
				continue // then it was found before
			}
			if got := headEnd([]byte(c.in), from); got != c.want {
				t.Errorf("%q searched up to %d: end %d, want %d", c.in, from, got, c.want)
			}
		}
	}
}

func TestNames(t *testing.T) {
	h := parseHead("GET / HTTP/1.1\r\nupgrade: a, ,WebSocket\r\nX: 1\r\nUPGRADE: websocket\r\n\r\n")
	if v, ok := h.Get("Upgrade"); v != "a, ,WebSocket" || !ok {
		t.Errorf("Get: %q, %v", v, ok)
	}
	if v, ok := h.Get("Y"); v != "" || ok {
		t.Errorf("Get of what is not there: %q, %v", v, ok)
	}
	if got := h.Named("Upgrade"); len(got) != 2 || got[1].Name != "UPGRADE" {
		t.Errorf("Named: %+v", got)
	}
	want := []string{"a", "WebSocket", "websocket"}
	if got := h.Tokens("upgrade"); !slices.Equal(got, want) || countToken(got, "websocket") != 2 {
		t.Errorf("Tokens: %q, want %q", got, want)
	}
}

var headSeeds = []string{
	"GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Key: " + goodKey + "\r\nSec-WebSocket-Version: 13\r\n\r\n",
	"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: " + goodAccept + "\r\n\r\n",
	"HTTP/1.1 101\nUpgrade: websocket\nconnection:Upgrade\n\n",
	"HTTP/1.1  200  OK \r\nA: 1\r\n 2\r\n\t3\r\nB:\r\n :x\r\nno colon\r\n\r\n",
	"POST http://h/ HTTP/1.0\r\nHost: g\r\nContent-Length: 5\r\nX : y\r\n\r\nhello",
	"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X\r\nPragma: no-cache\r\n\r\n",
	"GET / HTTP/1.1\r\nA: 1\r\r\n\r\n",
	"HTTP/2 200\r\n:path: /\r\n:: x\r\n:x\r\n\r\n",
}

// FuzzHead checks that a head is kept as it is, and that net/http reads the
// same where it reads anything.
func FuzzHead(f *testing.F) {
	for _, s := range headSeeds {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, raw string) {
		h := parseHead(raw)
		checkLines(t, &h)
		end := headEnd([]byte(raw), 0)
		if end < 0 {
			return
		}
		h = parseHead(raw[:end])
		checkLines(t, &h)
		if got := statusCode([]byte(raw[:end])); strings.HasPrefix(raw, "HTTP/") && got != h.Status {
			t.Errorf("%q: status %d on the fast path, %d in the head", h.Line, got, h.Status)
		}
		if strings.HasPrefix(raw, "HTTP/") {
			checkResponse(t, &h)
		} else {
			checkRequest(t, &h)
		}
	})
}

// checkLines puts a head together again from its parts.
func checkLines(t *testing.T, h *Head) {
	t.Helper()
	fields, pos := h.Fields, 0
	for n := 0; ; n++ {
		line, rest, whole := strings.Cut(h.Raw[pos:], "\n")
		start := pos
		pos += len(line) + 1
		line = strings.TrimSuffix(line, "\r")
		if n == 0 {
			if h.Line != line {
				t.Fatalf("start line %q, want %q", h.Line, line)
			}
			if !whole {
				break
			}
			continue
		}
		if !whole || line == "" {
			break
		}
		if len(fields) > 0 && fields[0].Offset == start {
			checkField(t, h, &fields[0], line)
			fields = fields[1:]
		} else if n == 1 || line[0] != ' ' && line[0] != '\t' {
			t.Fatalf("no field for line %q", line)
		}
		if rest == "" {
			break
		}
	}
	if len(fields) > 0 {
		t.Fatalf("field %+v has no line", fields[0])
	}
}

func checkField(t *testing.T, h *Head, f *Field, line string) {
	t.Helper()
	if got := h.fieldLine(f); got != line {
		t.Errorf("line %q, want %q", got, line)
	}
	pseudo := 0
	if h.Version == versionH2 && strings.HasPrefix(line, ":") {
		pseudo = 1
	}
	name, value, colon := strings.Cut(line[pseudo:], ":")
	name = line[:pseudo] + name
	if !colon {
		if f.Name != "" || f.Pre != 0 {
			t.Errorf("line %q has no colon, but the field is %+v", line, f)
		}
		return
	}
	if f.Name != name[:len(name)-f.Pre] || strings.Trim(name[len(f.Name):], " \t") != "" {
		t.Errorf("name %q and %d of space, of line %q", f.Name, f.Pre, line)
	}
	if !f.Folded && f.Value != value[f.Post:len(value)-f.Trail] {
		t.Errorf("value %q between %d and %d of space, of line %q", f.Value, f.Post, f.Trail, line)
	}
}

func checkRequest(t *testing.T, h *Head) {
	want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(h.Raw)))
	if err != nil {
		return
	}
	if h.Method != want.Method || h.Target != want.RequestURI || h.Version != want.Proto {
		t.Errorf("start line %q: got %q %q %q, net/http has %q %q %q", h.Line, h.Method, h.Target, h.Version, want.Method, want.RequestURI, want.Proto)
	}
	compareFields(t, h, want.Header)
}

func checkResponse(t *testing.T, h *Head) {
	want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(h.Raw)), nil)
	if err != nil || strings.HasPrefix(want.Status, "+") { // net/http takes +10 for a status
		return
	}
	if h.Status != want.StatusCode || h.Version != want.Proto {
		t.Errorf("start line %q: got %q %d, net/http has %q %d", h.Line, h.Version, h.Status, want.Proto, want.StatusCode)
	}
	compareFields(t, h, want.Header)
}

// compareFields compares fields with those of net/http, but for those that it
// takes out, adds or merges. It takes space before a colon for a part of the
// name.
func compareFields(t *testing.T, h *Head, want http.Header) {
	got := http.Header{}
	for _, f := range h.Fields {
		name, _, _ := strings.Cut(h.fieldLine(&f), ":")
		name = textproto.CanonicalMIMEHeaderKey(name)
		got[name] = append(got[name], words(f.Value))
	}
	for _, name := range []string{"Host", "Content-Length", "Transfer-Encoding", "Trailer", "Cache-Control"} {
		delete(got, name)
		delete(want, name)
	}
	for name, values := range want {
		for i, v := range values {
			values[i] = words(v)
		}
		if !slices.Equal(got[name], values) {
			t.Errorf("field %q of %q: got %q, net/http has %q", name, h.Raw, got[name], values)
		}
	}
	for name := range got {
		if _, ok := want[name]; !ok {
			t.Errorf("field %q of %q: net/http has none", name, h.Raw)
		}
	}
}

// words makes values equal that differ in the white space at folds and ends
// only: net/http trims a CR, too.
func words(v string) string { return string(bytes.Join(bytes.Fields([]byte(v)), []byte(" "))) }
