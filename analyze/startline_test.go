package analyze

import "testing"

// TestBrokenRequest holds what is taken for a request that no server understands, and
// what is not: other protocols have lines that begin with GET.
func TestBrokenRequest(t *testing.T) {
	for _, c := range []struct {
		bytes string
		want  start
	}{
		{"GET /ws http/1.1\r\nHost: gw\r\n", requestLine},
		{"GET /ws\r\nHost: gw\r\n", requestLine},
		{"GET\t/ws\tHTTP/1.1\r\nHost: gw\r\n", requestLine},
		{"GET /w\x00s HTTP/1.1\r\nHost: gw\r\n", requestLine},
		{"  GET /ws HTTP/1.1\r\nHost: gw\r\n", requestLine},
		{"\xef\xbb\xbfGET /ws HTTP/1.1\r\nHost: gw\r\n", requestLine},
		{"GET /ws http/1.1\r\nHos", undecided},
		{"GET /ws http/1.1\r\n", undecided},
		{"\xef\xbb", undecided},
		{"   ", undecided},
		{"get key\r\nget other:key\r\n", alienBytes}, // memcached
		{"GET key\r\n\r\n", alienBytes},              // Redis
		{"GET /ws http/1.1\r\n: gw\r\n", alienBytes}, // no name
		{"SET /ws http/1.1\r\nHost: gw\r\n", alienBytes},
		{"          GET /ws HTTP/1.1\r\nHost: gw\r\n", alienBytes},
		{"\x00\x01\x02", alienBytes},
	} {
		if got := brokenRequest([]byte(c.bytes)); got != c.want {
			t.Errorf("%q: %d, want %d", c.bytes, got, c.want)
		}
	}
}

func TestParseBrokenLine(t *testing.T) {
	for _, c := range []struct{ line, method, target, version string }{
		{"GET /ws HTTP/1.1", "GET", "/ws", "HTTP/1.1"},
		{"GET /ws http/1.1", "GET", "/ws", "http/1.1"},
		{"GET /ws", "GET", "/ws", ""},
		{"GET /a b", "GET", "/a b", ""},
		{"GET\t/ws\tHTTP/1.1", "GET", "/ws", "HTTP/1.1"},
		{" \tGET /ws HTTP/1.1", "GET", "/ws", "HTTP/1.1"},
		{"\xef\xbb\xbfGET /ws HTTP/1.1", "GET", "/ws", "HTTP/1.1"},
		{"GET", "GET", "", ""},
		{"", "", "", ""},
	} {
		h := parseHead(c.line + "\r\n")
		if h.Line != c.line || h.Method != c.method || h.Target != c.target || h.Version != c.version {
			t.Errorf("%q: line %q, method %q, target %q, version %q", c.line, h.Line, h.Method, h.Target, h.Version)
		}
	}
}
