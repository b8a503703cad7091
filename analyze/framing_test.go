package analyze

import (
	"bufio"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

func TestFrame(t *testing.T) {
	for _, c := range []struct {
		fields string
		want   framing
	}{
		{"Host: a", framing{length: -1}},
		{"Content-Length: 12", framing{length: 12}},
		{"CONTENT-LENGTH:12 ", framing{length: 12}},
		{"content-length : 0", framing{length: 0}},
		{"Content-Length: 12\nContent-Length: 12", framing{length: 12}},
		{"Content-Length: 12, 12", framing{length: 12}},
		{"Content-Length: 12, 13", framing{length: -1}},
		{"Content-Length: 12,", framing{length: -1}},
		{"Content-Length: x", framing{length: -1}},
		{"Content-Length: -1", framing{length: -1}},
		{"Content-Length: 9223372036854775808", framing{length: -1}},
		{"Content-Length: 9223372036854775807", framing{length: 1<<63 - 1}},
		{"Transfer-Encoding: chunked", framing{length: -1, coded: true, chunked: true}},
		{"transfer-encoding: gzip, CHUNKED", framing{length: -1, coded: true, chunked: true}},
		{"Transfer-Encoding: gzip", framing{length: -1, coded: true}},
		{"Transfer-Encoding: chunked\r\nContent-Length: 5", framing{length: 5, coded: true, chunked: true}},
		{"Upgrade: h2c", framing{length: -1, upgrade: true}},
		{"sec-websocket-key:" + goodKey, framing{length: -1, upgrade: true, socket: true, key: span{34, 58}}},
		{"Sec-WebSocket-Key : \t" + goodKey + " ", framing{length: -1, upgrade: true, socket: true, key: span{37, 61}}},
		{"Sec-WebSocket-Key:\nSec-WebSocket-Key: b", framing{length: -1, upgrade: true, socket: true, key: span{34, 34}}},
		{"Sec-WebSocket-Accept: x\r\n y", framing{length: -1, upgrade: true, socket: true, folded: true, accept: span{38, 39}}},
		{"Sec-WebSocket-Version: 13", framing{length: -1, upgrade: true, socket: true}},
		{"Sec-WebSocket: no", framing{length: -1}},
		{"X-Upgrade: 1\nUpgrade-Insecure-Requests: 1", framing{length: -1}},
	} {
		if got := frame([]byte("GET / HTTP/1.1\r\n" + c.fields + "\r\n\r\n")); got != c.want {
			t.Errorf("%q: got %+v, want %+v", c.fields, got, c.want)
		}
	}
}

// TestFrameStartLine has a start line that looks like a field.
func TestFrameStartLine(t *testing.T) {
	if got := frame([]byte("upgrade :x HTTP/1.1\r\nHost: a\r\n\r\n")); got.upgrade {
		t.Errorf("the start line was taken for a field: %+v", got)
	}
}

// FuzzFraming compares what follows a head with what net/http expects, where
// net/http takes the head.
func FuzzFraming(f *testing.F) {
	for _, s := range headSeeds {
		f.Add(s)
	}
	for _, s := range []string{"Content-Length: 5", "Content-Length: 0\r\nContent-Length: 0", "content-length:12", "Transfer-Encoding: Chunked", "Transfer-Encoding: chunked\r\nContent-Length: 7", "Connection: close"} {
		f.Add("HTTP/1.1 200 OK\r\n" + s + "\r\n\r\n")
		f.Add("POST / HTTP/1.1\r\nHost: a\r\n" + s + "\r\n\r\n")
	}
	f.Fuzz(func(t *testing.T, raw string) {
		end := headEnd([]byte(raw), 0)
		if end < 0 {
			return
		}
		if raw = raw[:end]; classify([]byte(raw)) != requestLine && classify([]byte(raw)) != responseLine {
			return
		}
		got, h := frame([]byte(raw)), parseHead(raw)
		checkUpgrade(t, got, &h)
		if odd(&h) || h.Version != "HTTP/1.1" { // older versions have no transfer codings
			return
		}
		var length int64
		var coding []string
		if strings.HasPrefix(raw, "HTTP/") {
			want, err := http.ReadResponse(bufio.NewReader(strings.NewReader(raw)), nil)
			if err != nil || want.StatusCode < 200 || want.StatusCode == 204 || want.StatusCode == 304 { // no body whatever the fields say
				return
			}
			length, coding = want.ContentLength, want.TransferEncoding
		} else {
			want, err := http.ReadRequest(bufio.NewReader(strings.NewReader(raw)))
			if err != nil {
				return
			}
			if length, coding = want.ContentLength, want.TransferEncoding; length == 0 && got.length < 0 {
				length = -1 // a request without either has no body
			}
		}
		if chunked := len(coding) > 0; got.chunked != chunked || !chunked && got.length != length {
			t.Errorf("%q: got %+v, net/http has length %d, coding %q", raw, got, length, coding)
		}
	})
}

// odd reports whether a head has a continuation, which frame does not read, or a name
// with a blank behind it, which is another name to net/http.
func odd(h *Head) bool {
	for _, f := range h.Fields {
		if f.Folded || f.Pre > 0 {
			return true
		}
	}
	return false
}

// checkUpgrade checks that the fast look at a head sees what the whole look does.
func checkUpgrade(t *testing.T, f framing, h *Head) {
	want := false
	for _, field := range h.Fields {
		name := field.Name
		want = want || foldEqual([]byte(name), "upgrade") || len(name) > 14 && foldEqual([]byte(name[:14]), "sec-websocket-")
	}
	if f.upgrade != want {
		t.Errorf("%q: upgrade %v, want %v", h.Raw, f.upgrade, want)
	}
}

func TestHexSize(t *testing.T) {
	for _, c := range []struct {
		line string
		want int64
		ok   bool
	}{
		{"0", 0, true},
		{"1aF", 0x1af, true},
		{"5;name=value", 5, true},
		{"5 ", 5, true},
		{"5\t;x", 5, true},
		{"000000000000000000000000000005", 5, true},
		{"", 0, false},
		{";x", 0, false},
		{" 5", 0, false},
		{"g", 0, false},
		{"5g", 0, false},
		{"-5", 0, false},
		{"0x5", 0, false},
		{"fffffffffffffff", 1<<60 - 1, true},
		{"3fffffffffffffff", 1<<62 - 1, true},
		{"4000000000000010", 0, false}, // more than any body
		{"ffffffffffffffff", 0, false},
		{"ffffffffffffffffffffffff", 0, false},
	} {
		got, ok := hexSize([]byte(c.line))
		if ok != c.ok || ok && got != c.want {
			t.Errorf("%q: got %#x, %v, want %#x, %v", c.line, got, ok, c.want, c.ok)
		}
	}
}

func FuzzHexSize(f *testing.F) {
	for _, s := range []string{"0", "1a;x", "3fffffffffffffff", "ffffffffffffffff"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		got, ok := hexSize([]byte(line))
		digits := line
		if i := strings.IndexAny(line, "; \t"); i >= 0 {
			digits = line[:i]
		}
		want, err := strconv.ParseInt(digits, 16, 64)
		if strings.HasPrefix(digits, "+") || strings.HasPrefix(digits, "-") || err == nil && want >= 1<<62 {
			return
		}
		if ok != (err == nil) || ok && got != want {
			t.Errorf("%q: got %#x, %v, want %#x, %v", line, got, ok, want, err)
		}
	})
}

func TestClassify(t *testing.T) {
	long := strings.Repeat("x", maxStartLine)
	for _, c := range []struct {
		in   string
		want start
	}{
		{"", undecided},
		{"H", undecided},
		{"HTTP", undecided},
		{"HTTP/", responseLine},
		{"HTTP/1.1 101", responseLine},
		{"HTTPS", undecided},
		{"HTTP/2 200", responseLine},
		{"GET", undecided},
		{"GET ", undecided},
		{"GET / HTTP/1.1", undecided},
		{"GET / HTTP/1.1\r\n", requestLine},
		{"GET / HTTP/1.1\n", requestLine},
		{"get / HTTP/1.0\r\n", requestLine},
		{"M-SEARCH * HTTP/1.1\r\n", requestLine},
		{"GET /a b HTTP/1.1\r\n", requestLine},
		{"GET / HTTP/2.0\r\n", alienBytes},
		{"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", h2Preface},
		{"PRI * HTTP/2.0\r\n\r\nSM", undecided},
		{"PRI * HTTP/2.0\r\n\r\nGET", alienBytes},
		{"\x00\x00\x12\x04\x00\x00\x00\x00\x00", h2Settings},
		{"\x00\x00\x12\x04", undecided},
		{"\x00\x00\x11", alienBytes},
		{"\x00\x00\x12\x04\x01", alienBytes},
		{"GET /\r\n", alienBytes},
		{"HELO me\r\n", alienBytes},
		{"GET / HTTP/\r\n", alienBytes},
		{"GET\r\n", alienBytes},
		{" GET", alienBytes},
		{"\x16\x03\x01", alienBytes},
		{"SSH-2.0", alienBytes},
		{"GET \x01", alienBytes},
		{strings.Repeat("A", maxMethod), undecided},
		{strings.Repeat("A", maxMethod+1), alienBytes},
		{"GET /" + long, alienBytes},
	} {
		if got := classify([]byte(c.in)); got != c.want {
			t.Errorf("%.40q: got %d, want %d", c.in, got, c.want)
		}
	}
}

// FuzzClassify: more bytes never change what was decided.
func FuzzClassify(f *testing.F) {
	for _, s := range append(headSeeds, "\xef\xbb\xbf GET /ws http/1.1\r\nHost: a\r\n", "get a\r\nget b\r\n", "GET \x01 HTTP/1.1\r\n", "PRI * HTTP/2.0\r\n", "\x81\x05hello", "SSH-2.0-x\r\n") {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, in string) {
		for _, classify := range []func([]byte) start{classify, beginsWith} {
			was := undecided
			for n := range len(in) + 1 {
				got := classify([]byte(in[:n]))
				if was != undecided && got != was {
					t.Fatalf("%q: %d before the last byte, then %d", in[:n], was, got)
				}
				was = got
			}
		}
	})
}

func TestStatusCode(t *testing.T) {
	for line, want := range map[string]int{
		"HTTP/1.1 101 Switching": 101,
		"HTTP/1.1 101":           101,
		"HTTP/1.1 200\r\n":       200,
		"HTTP/1.1 20":            0,
		"HTTP/1.1 2x0":           0,
		"HTTP/1.1":               0,
		"":                       0,
	} {
		if got := statusCode([]byte(line)); got != want {
			t.Errorf("%q: got %d, want %d", line, got, want)
		}
	}
}
