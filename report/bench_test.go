package report

import (
	"io"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// browserRequest is what a browser sends.
const browserRequest = "GET /ws/chat?room=lobby&v=2 HTTP/1.1\nHost: chat.example.com:8080\nConnection: Upgrade\nPragma: no-cache\nCache-Control: no-cache\n" +
	"User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0.0.0 Safari/537.36\nUpgrade: websocket\n" +
	"Origin: http://chat.example.com\nSec-WebSocket-Version: 13\nAccept-Encoding: gzip, deflate\nAccept-Language: en-US,en;q=0.9\n" +
	"Sec-WebSocket-Key: " + rfcKey + "\nSec-WebSocket-Protocol: mqtt, graphql-transport-ws\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits"

const switching = "HTTP/1.1 101 Switching Protocols\nServer: nginx/1.25.3\nDate: Fri, 02 Jan 2026 03:04:05 GMT\nUpgrade: websocket\nConnection: Upgrade\n" +
	"Sec-WebSocket-Accept: " + rfcAccept + "\nSec-WebSocket-Protocol: mqtt\nSec-WebSocket-Extensions: permessage-deflate"

// ordinary are attempts as most captures have them.
var ordinary = []struct {
	name string
	make func(s *script) *analyze.Attempt
}{
	{"small", func(s *script) *analyze.Attempt {
		a := s.attempt(analyze.OK, "GET /ws HTTP/1.1\nHost: example.com\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Key: "+rfcKey+"\nSec-WebSocket-Version: 13",
			"HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: "+rfcAccept)
		a.Close = analyze.Close{By: analyze.Client, How: analyze.CloseFrame, Code: 1000, Reason: "bye", At: a.Close.At}
		return a
	}},
	{"browser", func(s *script) *analyze.Attempt {
		a := s.attempt(analyze.OK, browserRequest, switching)
		a.Frames = [2]analyze.Frames{{Text: 12, Close: 1}, {Binary: 40}}
		return a
	}},
	{"mismatch", func(s *script) *analyze.Attempt {
		a := s.attempt(analyze.AcceptMismatch, browserRequest, strings.Replace(switching, rfcAccept, "FlscFByo7EQHPKXToHKEWjb17RQ=", 1))
		a.Cause = analyze.RecipeGUIDTypo1
		find(a, analyze.AcceptMismatchCode, analyze.Server, "Sec-WebSocket-Accept", a.Accept, a.Expected)
		find(a, analyze.AcceptWrongGUID, analyze.Server, "Sec-WebSocket-Accept", a.Accept, a.Expected)
		return a
	}},
	{"refused", func(s *script) *analyze.Attempt {
		a := s.attempt(analyze.Rejected, browserRequest, "HTTP/1.1 404 Not Found\nServer: nginx\nDate: Fri, 02 Jan 2026 03:04:05 GMT\nContent-Type: text/html\nContent-Length: 153\nConnection: keep-alive")
		a.Response.Body = "<html>\r\n<head><title>404 Not Found</title></head>\r\n<body>\r\n<center><h1>404 Not Found</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n"
		find(a, analyze.Status404, analyze.Server, "status", "404", "101")
		return a
	}},
	{"unanswered", func(s *script) *analyze.Attempt {
		a := s.attempt(analyze.NoResponse, browserRequest, "")
		a.Reason = "the client gives up after 10s"
		a.Conn.Acked[flow.AtoB] = true
		find(a, analyze.HTTPRequestUnanswered, analyze.Server, "", "the client gives up after 10s", "an answer")
		return a
	}},
	{"secrets", func(s *script) *analyze.Attempt {
		return s.attempt(analyze.OK, strings.Replace(browserRequest, "room=lobby", "token=s3cr3t-value-1", 1)+"\nCookie: sid=abcdef0123; theme=dark-blue\nAuthorization: Bearer abcdefgh12345678", switching)
	}},
}

// BenchmarkLine prints one attempt each time. They are different ones, as no
// cache keeps all of a long capture.
func BenchmarkLine(b *testing.B) {
	for _, o := range ordinary {
		b.Run(o.name, func(b *testing.B) {
			var attempts [64]*analyze.Attempt
			s := &script{}
			for i := range attempts {
				attempts[i] = o.make(s)
			}
			l := newLines(io.Discard, &Options{})
			b.ReportAllocs()
			for i := 0; b.Loop(); i++ {
				if err := l.attempt("attempt", attempts[i%len(attempts)]); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
