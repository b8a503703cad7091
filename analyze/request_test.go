package analyze

import (
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

func TestIsHost(t *testing.T) {
	for host, want := range map[string]bool{
		"": true, "h": true, "h:8080": true, "my_host.example.": true, "192.0.2.9:80": true, "h:": true, "bücher.example": true, "a%20b": true,
		"[2001:db8::1]": true, "[2001:db8::1]:8080": true, "[fe80::1%25eth0]:80": true,
		"http://h": false, "h/ws": false, "h?x": false, "h#x": false, "u:p@h": false, "u@h": false, "a b": false, "h:80 ": false, "h:http": false,
		"2001:db8::1": false, "[::1": false, "::1]": false, "[::1]x": false, "[a/b]": false, "h\x00": false, "h\x7f": false, "{host}": false, "h, h": false,
	} {
		if got := isHost(host); got != want {
			t.Errorf("%q: got %v", host, got)
		}
	}
}

func TestBadLine(t *testing.T) {
	for line, want := range map[string]string{
		"GET /ws HTTP/1.1\r\n": "", "GET /ws HTTP/1.1": "", "GET http://h/ws HTTP/1.1\n": "", "GET /a HTTP/1.0\r\n": "", "GET /ws": "", "GET //ws?u=a://b HTTP/1.2\r\n": "",
		"GET  /ws HTTP/1.1\r\n": "request line", "GET /ws  HTTP/1.1\r\n": "request line", "GET /a b HTTP/1.1\r\n": "request line", "GET /ws\tHTTP/1.1 HTTP/1.1\r\n": "request line",
		"GET /ws HTTP/1.1 \r\n": "request line", "GET  HTTP/1.1\r\n": "request line", "GET /ws\r\n": "request line",
		"GET /ws HTTP/11\r\n": "version", "GET /ws HTTP/1.1\r\r\n": "version", "GET /ws HTTP/1.x\r\n": "version", "GET /ws HTTP/1.10\r\n": "version",
		"GET /ws#x HTTP/1.1\r\n": "target", "GET ws HTTP/1.1\r\n": "target", "GET * HTTP/1.1\r\n": "target", "GET h/ws HTTP/1.1\r\n": "target",
	} {
		h := parseHead(line)
		if field, got, _ := h.badLine(); field != want || (got == "") != (want == "") {
			t.Errorf("%q: got %q of %q, want %q", line, field, got, want)
		}
	}
}

// A URL leads somewhere: what is no URL must not be joined with anything.
func TestURL(t *testing.T) {
	for head, want := range map[string]string{
		"GET /ws HTTP/1.1\r\nHost: h\r\n\r\n":                   "ws://h/ws",
		"GET /ws HTTP/1.1\r\nHost:\r\n\r\n":                     "ws://proxied:80/ws",
		"GET /ws HTTP/1.1\r\n\r\n":                              "ws://proxied:80/ws",
		"GET https://h/ws HTTP/1.1\r\nHost: other\r\n\r\n":      "wss://h/ws",
		"GET ws HTTP/1.1\r\nHost: h\r\n\r\n":                    "",
		"GET  /ws HTTP/1.1\r\nHost: h\r\n\r\n":                  "",
		"GET /ws HTTP/1.1\r\nHost: http://h\r\n\r\n":            "",
		"GET /ws HTTP/1.1\r\nHost: h/path\r\n\r\n":              "",
		"GET /ws HTTP/1.1\r\nHost: u:p@h\r\n\r\n":               "",
		"CONNECT h:80 HTTP/1.1\r\nHost: h:80\r\n\r\n":           "",
		"GET /ws HTTP/1.1\r\nHost: h\r\nHost: other\r\n\r\n":    "ws://h/ws",
		"GET /ws?u=http://x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n": "ws://[::1]:80/ws?u=http://x",
	} {
		a := &Attempt{Request: &Message{Head: parseHead(head)}, Tunnel: "proxied:80", Conn: &flow.Evidence{}}
		got := ""
		if u := a.URL(); u != nil {
			got = u.String()
		}
		if got != want {
			t.Errorf("%q: got %q, want %q", head, got, want)
		}
	}
}
