package report

import (
	"bytes"
	"flag"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("%s (-want +got):\n%s", name, diff)
	}
}

type format func(io.Writer, *Input, *Options) error

func printed(t *testing.T, f format, in *Input, opt *Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := f(&b, in, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestGolden(t *testing.T) {
	for _, tt := range []struct {
		name  string
		print format
		in    *Input
		opt   *Options
	}{
		{"piped.txt", Table, sample(), nil},
		{"selected.txt", Table, selected(), nil},
		{"width60.txt", Table, sample(), &Options{Width: 60}},
		{"width80.txt", Table, sample(), &Options{Width: 80}},
		{"width100.txt", Table, sample(), &Options{Width: 100}},
		{"width140.txt", Table, sample(), &Options{Width: 140}},
		{"all.txt", Table, sample(), &Options{All: true, ShowSecrets: true}},
		{"color.txt", Table, sample(), &Options{Color: true, Width: 140}},
		{"clean.txt", Table, clean(), nil},
		{"clean-all.txt", Table, clean(), &Options{All: true}},
		{"no-attempt.txt", Table, noAttempt(), nil},
		{"empty.txt", Table, &Input{Result: &analyze.Result{}}, nil},
		{"report.md", Markdown, sample(), nil},
		{"report.csv", CSV, sample(), nil},
		{"report.jsonl", JSONL, sample(), &Options{Summary: true, Observer: "gw-17", Interface: "eth0"}},
		{"secrets.jsonl", JSONL, sample(), &Options{ShowSecrets: true}},
	} {
		t.Run(tt.name, func(t *testing.T) { golden(t, tt.name, printed(t, tt.print, tt.in, tt.opt)) })
	}
}

func noAttempt() *Input {
	return &Input{Result: &analyze.Result{}, Capture: CaptureStats{
		Packets: 12, Conns: 6, TLSConns: 2, Refused: 2, Unanswered: 1,
		Gaps: []Gap{{Name: "lost_bytes", What: "lost bytes", Count: 5, Remark: "TCP payload that is not in the capture"}},
	}}
}

// The table leaves out the date only if it does so for the whole capture: else
// nobody could tell of which of its days a selected attempt is.
func TestSelectedKeepsDate(t *testing.T) {
	in := selected()
	last := in.Whole.Attempts.At(in.Whole.Attempts.Len() - 1)
	last.Response.First.Time += int64(24 * time.Hour)
	if out := printed(t, Table, in, nil); !bytes.Contains(out, []byte(" 2026-01-02 03:04:05.027 ")) {
		t.Errorf("no date in\n%s", out)
	}
}

func TestTableFits(t *testing.T) {
	for _, width := range []int{40, 60, 80, 100, 120, 140, 200} {
		for _, in := range []*Input{sample(), clean(), noAttempt()} {
			out := string(printed(t, Table, in, &Options{Width: width, All: in.Result.Attempts.Len() > 2}))
			for _, line := range strings.Split(out, "\n") {
				if got := displayWidth(line); got > width {
					t.Errorf("width %d: line of %d columns: %q", width, got, line)
				}
			}
		}
	}
}

// Wrapping must not lose a character of a value.
func TestTableNeverCuts(t *testing.T) {
	in := sample()
	url := in.Result.Attempts.At(1).Request.Head.Target
	out := string(printed(t, Table, in, &Options{Width: 80, All: true, ShowSecrets: true}))
	if !strings.Contains(squeeze(out), squeeze(url)) {
		t.Errorf("%q is not in the table", url)
	}
}

// squeeze leaves only what wrapping cannot change.
func squeeze(s string) string {
	return strings.Map(func(r rune) rune {
		if strings.ContainsRune(" \n│", r) {
			return -1
		}
		return r
	}, s)
}

const rfcKey, rfcAccept = "dGhlIHNhbXBsZSBub25jZQ==", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

// A script makes attempts with rising frame numbers, stream numbers and times.
type script struct {
	frame    int
	stream   int
	attempts int
}

func (s *script) stamp() flow.Stamp {
	s.frame++
	base := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC).UnixNano()
	return flow.Stamp{Frame: s.frame, Time: base + int64(s.frame)*1_500_000}
}

func (s *script) conn() *flow.Evidence {
	c := &flow.Evidence{
		ID: s.stream,
		A:  netip.AddrPortFrom(netip.MustParseAddr("10.0.0.7"), uint16(51234+s.stream)),
		B:  netip.MustParseAddrPort("192.0.2.9:80"),
	}
	s.stream++
	c.SYN = s.stamp()
	c.First = c.SYN
	c.SYNACK = s.stamp()
	c.Sent = [2]bool{true, true}
	return c
}

// message takes a head apart in a simple way: one line per field.
func (s *script) message(head string) *analyze.Message {
	if head == "" {
		return nil
	}
	at := s.stamp()
	lines := strings.Split(head, "\n")
	h := analyze.Head{Raw: head, Line: lines[0]}
	first := strings.SplitN(lines[0], " ", 3)
	if strings.HasPrefix(head, "HTTP/") {
		h.Version, h.Phrase = first[0], first[2]
		for _, d := range first[1] {
			h.Status = h.Status*10 + int(d-'0')
		}
	} else {
		h.Method, h.Target, h.Version = first[0], first[1], first[2]
	}
	for _, line := range lines[1:] {
		name, value, _ := strings.Cut(line, ": ")
		h.Fields = append(h.Fields, analyze.Field{Name: name, Value: value})
	}
	return &analyze.Message{Head: h, Complete: true, First: at, Done: at, Segments: 1}
}

func (s *script) attempt(v analyze.Verdict, request, response string) *analyze.Attempt {
	s.attempts++
	a := &analyze.Attempt{Number: s.attempts, Conn: s.conn(), Verdict: v}
	a.Request = s.message(request)
	a.Response = s.message(response)
	a.Key, _ = fieldOf(a.Request, "Sec-WebSocket-Key")
	a.Accept, _ = fieldOf(a.Response, "Sec-WebSocket-Accept")
	if a.Key == rfcKey {
		a.Expected = rfcAccept
	}
	a.Close = analyze.Close{By: analyze.Server, How: analyze.CloseFIN, Code: -1, At: s.stamp()}
	return a
}

func find(a *analyze.Attempt, c analyze.Code, side analyze.Side, field, got, want string) {
	frame := stampOf(a.Request).Frame
	if side == analyze.Server && a.Response != nil {
		frame = a.Response.Done.Frame
	}
	a.Findings = append(a.Findings, analyze.Finding{Code: c, Severity: c.Entry().Severity, Frame: frame, Side: side, Field: field, Got: got, Want: want})
}

const getRequest = "GET /ws?token=s3cr3t-value-1&x=1 HTTP/1.1\nHost: example.com\nUpgrade: websocket\nConnection: Upgrade\n" +
	"User-Agent: ESP32 Websocket Client\nSec-WebSocket-Key: " + rfcKey + "\nSec-WebSocket-Version: 13\nSec-WebSocket-Protocol: mqtt, bearer, abcdefgh12345678"

// sample has something for every section.
func sample() *Input {
	s := &script{}
	r := &analyze.Result{HTTPConns: 9, Requests: 11}
	list := []*analyze.Attempt{sampleOK(s), sampleMismatch(s), sampleBad(s)}
	first, second := sampleChain(s)
	chain := &analyze.Chain{
		ID: 1, Hops: []analyze.Hop{{Attempt: first.Number}, {Attempt: second.Number}}, End: analyze.ChainIntoTLS,
		URLs: []string{"ws://example.com/ws?token=s3cr3t-value-1&x=1", "ws://example.com/ws/", "https://example.com/ws/"},
	}
	first.Redirect = &analyze.Redirect{Location: "/ws/", Target: "ws://example.com/ws/", Chain: chain, Hop: 1}
	second.Redirect = &analyze.Redirect{Location: "https://example.com/ws/", Target: "https://example.com/ws/", Chain: chain, Hop: 2}
	r.Chains = []*analyze.Chain{chain}
	r.Attempts = analyze.NewAttempts(append(list, first, second, sampleRejected(s), sampleSilent(s), sampleAlien(s), sampleLate(s))...)
	u := &analyze.Upgrade{Conn: s.conn(), Protocol: "h2c", Status: 101}
	u.Request = s.message("GET / HTTP/1.1\nHost: example.com\nUpgrade: h2c")
	u.Response = s.message("HTTP/1.1 101 Switching Protocols\nUpgrade: h2c")
	r.Upgrades = []*analyze.Upgrade{u}
	return &Input{Result: r, Capture: CaptureStats{
		Packets: 120, Bytes: 34567, First: utc(flow.Stamp{Time: 1767323045e9}), Last: utc(flow.Stamp{Time: 1767323065e9}),
		Inputs: 1, Conns: 12, Segments: 118, TLSConns: 1, MidStream: 1,
		Gaps: []Gap{
			{Name: "dropped_packets", What: "dropped packets", Count: -1, Remark: "by the capturing system"},
			{Name: "cut_packets", What: "cut packets", Count: 2, Remark: "by the snap length"},
			{Name: "lost_bytes", What: "lost bytes", Count: 1460, Remark: "TCP payload that is not in the capture"},
			{Name: "evicted_connections", What: "evictions", Remark: "connections forgotten to make room"},
		},
	}}
}

// selected is a part of sample: a bad handshake and the first hop of the chain.
func selected() *Input {
	in := sample()
	part := *in.Result
	n := 0
	part.Attempts, part.Upgrades = part.Attempts.Select(func(*analyze.Attempt) bool { n++; return n == 3 || n == 4 }), nil
	in.Result, in.Whole = &part, in.Result
	return in
}

func sampleOK(s *script) *analyze.Attempt {
	a := s.attempt(analyze.OK, getRequest, "HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: "+rfcAccept+"\nSec-WebSocket-Protocol: mqtt")
	find(a, analyze.KeyKnownConstant, analyze.Client, "Sec-WebSocket-Key", rfcKey, "16 random bytes")
	find(a, analyze.FirstFrameCoalesced, analyze.Server, "", "12 bytes of frames", "none")
	a.Frames = [2]analyze.Frames{{Text: 3, Close: 1}, {Binary: 2, Unclear: true}}
	a.Close = analyze.Close{By: analyze.Client, How: analyze.CloseFrame, Code: 1000, Reason: "bye", At: a.Close.At}
	return a
}

func sampleMismatch(s *script) *analyze.Attempt {
	a := s.attempt(analyze.AcceptMismatch, strings.Replace(getRequest, "/ws?", "/a/longer/path/than/fits/into/one/line/of/a/cell?id=1&api_key=k-123456&", 1),
		"HTTP/1.1 101 Switching Protocols\nUpgrade: websocket\nConnection: Upgrade\nSec-WebSocket-Accept: FlscFByo7EQHPKXToHKEWjb17RQ=")
	a.Cause = analyze.RecipeGUIDTypo1
	find(a, analyze.AcceptMismatchCode, analyze.Server, "Sec-WebSocket-Accept", a.Accept, a.Expected)
	find(a, analyze.AcceptWrongGUID, analyze.Server, "Sec-WebSocket-Accept", a.Accept, a.Expected)
	find(a, analyze.SubprotocolMissing, analyze.Server, "Sec-WebSocket-Protocol", "", "mqtt, bearer, abcdefgh12345678")
	return a
}

func sampleBad(s *script) *analyze.Attempt {
	a := s.attempt(analyze.BadHandshake, "GET /chat HTTP/1.1\nSec-WebSocket-Key: "+rfcKey, "HTTP/1.1 101 ok\nConnection: keep-alive\nX\x1b[31m: \xff\u202e\nSec-WebSocket-Accept: "+rfcAccept)
	find(a, analyze.RequestHostMissing, analyze.Client, "Host", "", "")
	find(a, analyze.ResponseConnectionMissing, analyze.Server, "Connection", "keep-alive", "Upgrade")
	find(a, analyze.ResponseHeaderNameOddCase, analyze.Server, "X\x1b[31m", "\xff\u202e世界|<b>", "")
	return a
}

func sampleChain(s *script) (first, second *analyze.Attempt) {
	first = s.attempt(analyze.Redirected, getRequest, "HTTP/1.1 301 Moved Permanently\nLocation: /ws/")
	find(first, analyze.RedirectRelativeLocation, analyze.Server, "Location", "/ws/", "")
	second = s.attempt(analyze.Redirected, "GET /ws/ HTTP/1.1\nHost: example.com", "HTTP/1.1 308 Permanent Redirect\nLocation: https://example.com/ws/")
	find(second, analyze.RedirectHTTPToHTTPS, analyze.Server, "Location", "https://example.com/ws/", "")
	return first, second
}

func sampleRejected(s *script) *analyze.Attempt {
	a := s.attempt(analyze.Rejected, getRequest+"\nOrigin: http://user:pw1234@old.example.com\nAuthorization: Bearer s3cr3t-value-1",
		"HTTP/1.1 403 Forbidden\nServer: nginx\nVia: 1.1 proxy\nSet-Cookie: sid=abcdef0123; Path=/")
	a.Response.Body = "origin not allowed\nyour token was s3cr3t-value-1"
	a.Tunnel = "user:pw1234@example.com:80"
	find(a, analyze.Status403Origin, analyze.Server, "status", "http://user:pw1234@old.example.com", "")
	return a
}

func sampleSilent(s *script) *analyze.Attempt {
	a := s.attempt(analyze.NoResponse, getRequest, "")
	a.Conn.Acked[flow.AtoB] = true
	a.Close.By, a.Close.At.Time = analyze.Client, a.Close.At.Time+10e9
	find(a, analyze.HTTPRequestUnanswered, analyze.Server, "", "the client gives up after 10s", "an answer")
	return a
}

func sampleAlien(s *script) *analyze.Attempt {
	a := s.attempt(analyze.NotHTTP, getRequest, "")
	find(a, analyze.ResponseNotHTTP, analyze.Server, "first bytes", "15 03 01 00 02 02 46", "HTTP/1.1")
	return a
}

func sampleLate(s *script) *analyze.Attempt {
	a := s.attempt(analyze.Indeterminate, "", "HTTP/1.1 101 Switching Protocols\nSec-WebSocket-Accept: "+rfcAccept)
	a.Conn.SYN, a.Conn.SYNACK = flow.Stamp{}, flow.Stamp{}
	a.Reason = "the request is not in the capture"
	a.Close = analyze.Close{Code: -1}
	return a
}

// clean has nothing to complain about.
func clean() *Input {
	s := &script{}
	a := sampleOK(s)
	a.Findings = a.Findings[:1]
	return &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(a), HTTPConns: 1, Requests: 1}, Capture: CaptureStats{Packets: 9, Conns: 1}}
}
