package report

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// lineOptions are all that change a line.
var lineOptions = []*Options{
	{},
	{ShowSecrets: true},
	{MaskKey: []byte("run 1")},
	{Observer: "gw-17", Interface: "eth0"},
	{Observer: "a\"\x1b\u202e"},
	{Interface: "<&>"},
}

// sameLines compares the lines of attempts with those that encoding/json makes.
func sameLines(t *testing.T, attempts analyze.Attempts) {
	t.Helper()
	for _, opt := range lineOptions {
		var want []byte
		for a := range attempts.All() {
			want = append(want, plainLine(a, newPlainMasker(opt), opt)...)
		}
		got := attemptLines(printed(t, JSONL, &Input{Result: &analyze.Result{Attempts: attempts}}, opt))
		if !bytes.Equal(got, want) {
			t.Fatalf("%+v (-want +got):\n%s", opt, cmp.Diff(string(want), string(got)))
		}
	}
}

// attemptLines leaves out the records that are not of attempts.
func attemptLines(lines []byte) (kept []byte) {
	for line := range bytes.Lines(lines) {
		if bytes.HasPrefix(line, []byte(`{"record":"attempt"`)) {
			kept = append(kept, line...)
		}
	}
	return kept
}

func TestLines(t *testing.T) {
	sameLines(t, sample().Result.Attempts)
	s := &script{}
	for _, o := range ordinary {
		sameLines(t, analyze.NewAttempts(o.make(s)))
	}
	for _, text := range []string{"", "\x1b\u202e\xff", "a,b;=\"|<\\\u2028\U000e0041", "/?token=x\x00&a=%1b", "世\u0301 Bearer abcdefgh12345678"} {
		for _, v := range analyze.Verdicts() {
			sameLines(t, fuzzInput(text, v).Result.Attempts)
		}
	}
}

// Addresses that no capture has, but that an Attempt may have.
func TestLineAddresses(t *testing.T) {
	for _, end := range []netip.AddrPort{{}, netip.MustParseAddrPort("[fe80::1%eth0]:80"), netip.MustParseAddrPort("[::ffff:192.0.2.1]:80"), netip.MustParseAddrPort("[2001:db8::1]:0")} {
		a := sampleOK(&script{})
		a.Conn.A = end
		sameLines(t, analyze.NewAttempts(a))
	}
}

// Secrets of the heads are hidden in the rest, be they few or many.
func TestLinesHideKnown(t *testing.T) {
	for _, n := range []int{1, maxSought, maxSought + 1} {
		var cookies, echo string
		for i := range n {
			cookies += fmt.Sprintf("c%d=secret-%04d; ", i, i)
			echo += fmt.Sprintf("you sent secret-%04d ", i)
		}
		cookies += "longer=secret-00001"
		a := (&script{}).attempt(analyze.Rejected, browserRequest+"\nCookie: "+cookies, "HTTP/1.1 403 Forbidden")
		a.Response.Body, a.Reason = echo+"secret-00001", "secret-0000"
		find(a, analyze.Status403, analyze.Server, "status", echo, "")
		sameLines(t, analyze.NewAttempts(a))
		if out := printed(t, JSONL, &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(a)}}, nil); bytes.Contains(out, []byte("secret-0000")) {
			t.Errorf("%d secrets: %s", n, out)
		}
	}
}

// wires are what a fuzzed attempt is made of.
type wires struct {
	request, response, text string
	number                  int64
	bits                    uint32
}

// FuzzLine makes an attempt of heads and values as no parser may make it.
func FuzzLine(f *testing.F) {
	f.Add(getRequest+"\nCookie: a=second-secret", switching, "second-secret\x7f", int64(1767323045e9), uint32(0))
	f.Add("CONNECT u:pw@h:80 HTTP/1.1\nHost: h:80", "HTTP/1.1 407 x\nHo\u017ft: x\nCoo\u212aie: a=abcdefg", "//u:p@h/", int64(-1), uint32(0xffff))
	f.Add("GET /a?b=c%3Ftoken%3Dx HTTP/1.1\nHost: cookie:80\nhost: 2\nSec-WebSocket-Protocol: bearer\nsec-websocket-protocol: abc", "HTTP/1.1 101 ", "{\"pass\": \"x\"}", int64(1), uint32(0xaaaaaaaa))
	f.Add("GET * HTTP/1.0\nHost: [2001:DB8::1]:80\nSec-WebSocket-Extensions: a; b=\"c,d\", e", "HTTP/1.1 301 \nLocation: http://x@y/", "Basic abcdefgh12345678", int64(1e18), uint32(0x5555))
	f.Add("GET /\u2028?next=a+b HTTP/1.1\nX-API-Key: abcdefgh\nHost: h", "HTTP/1.1 101 ok\nSec-WebSocket-Protocol: eyJhbGciOiJI.eyJ", "a.bearer.abcdefgh, k", int64(5), uint32(1<<20))
	f.Fuzz(func(t *testing.T, request, response, text string, number int64, bits uint32) {
		sameLines(t, analyze.NewAttempts(wires{request, response, text, number, bits}.attempt()))
	})
}

func (w wires) attempt() *analyze.Attempt {
	bit := func(i int) bool { return w.bits>>i&1 != 0 }
	s := &script{}
	v := analyze.Verdict(w.bits>>28) % (analyze.NotHTTP + 1)
	a := s.attempt(v, "GET / HTTP/1.1", "HTTP/1.1 101 x")
	a.Request.Head, a.Response.Head = wireHead(w.request), wireHead(w.response)
	a.Request.Complete, a.Response.Complete = !bit(0), !bit(1)
	if a.Response.Head.Status != 101 {
		a.Response.Body = w.text
	}
	if bit(2) {
		a.Request = nil
	}
	if bit(3) {
		a.Response = nil
	}
	a.Reason, a.Tunnel, a.Close.Reason = w.text, w.text, w.text
	a.Close.How, a.Close.Code = analyze.CloseHow(w.bits>>24)%6, int(w.number%5000)
	a.Conn.First.Time = w.number
	if a.Request != nil {
		a.Request.First.Time, a.Request.Done.Time = w.number, w.number/2
	}
	if bit(4) {
		a.Conn.SYN = flow.Stamp{}
	}
	if bit(5) {
		a.Conn.SYNACK = flow.Stamp{}
	}
	a.Conn.Lost[0], a.Conn.Cut[1], a.Conn.Unseen[0] = w.number&1, int32(w.number&2), bit(6)
	a.Frames[0].Unclear, a.Frames[1].Unclear, a.Frames[1].Text = bit(7), bit(8), int(w.bits&255)
	a.Cause = analyze.Recipe(w.bits % 20)
	fields := []string{"", "Cookie", "Sec-WebSocket-Protocol", "sec-websocket-accept", "Authorization", "X-Token", "Origin", w.text}
	code := analyze.Codes()[int(w.bits>>8)%len(analyze.Codes())]
	find(a, code, analyze.Side(w.bits>>10%3), fields[w.bits>>12&7], w.text, w.request)
	find(a, analyze.Status403Origin, analyze.Server, w.text, w.response, w.text)
	if bit(9) {
		a.Interim = []int{100, int(w.number & 255)}
	}
	if bit(10) {
		a.Redirect = &analyze.Redirect{Location: w.text, Hop: int(w.number & 3)}
	}
	if bit(11) {
		a.Redirect = &analyze.Redirect{Hop: 1, Chain: &analyze.Chain{ID: int(w.number & 3), URLs: []string{w.text, w.response}[:w.number&1*2]}}
	}
	return a
}

// wireHead takes a head apart in a simple way.
func wireHead(head string) analyze.Head {
	if head == "" {
		head = "GET / HTTP/1.1"
	}
	s := &script{}
	if lines := bytes.Split([]byte(head), []byte("\n")); bytes.Count(lines[0], []byte(" ")) < 2 {
		lines[0] = append(lines[0], "  "...)
		head = string(bytes.Join(lines, []byte("\n")))
	}
	return s.message(head).Head
}

// FuzzURL looks at host and target together, which are masked apart if they can
// be.
func FuzzURL(f *testing.F) {
	for _, s := range [][2]string{
		{"h:80", "/ws?token=abcdef"}, {"cookie:80", "/x"}, {"u:p@h", "/x"}, {"h/x", "/y"}, {"", "/"}, {"[::1]:80", "//a@b"}, {"h eyJ", "*"},
		{"eyJhbGciOiJI", "/.eyJzdWIi.x"}, {"h", "http://u:p@x/"}, {"h\xff", "/\xff"}, {"a=b", "/c"}, {"h", "/bearer abcdefgh"}, {"bearer", "/ abcdefgh"}, {"h?token", "/=x"},
	} {
		f.Add(s[0], s[1], "")
		f.Add(s[0], s[1], "abcdef")
	}
	f.Add("host", "/xyz", "ost/xyz")
	f.Add("abcdef.example", "/", "abcdef")
	m := newMasker(&Options{})
	f.Fuzz(func(t *testing.T, host, target, cookie string) {
		a := (&script{}).attempt(analyze.OK, "GET / HTTP/1.1", "")
		a.Request.Head.Target = target
		a.Request.Head.Fields = []analyze.Field{{Name: "Host", Value: host}, {Name: "Cookie", Value: "c=" + cookie}}
		x := &account{a: a, veil: veil{masker: m}}
		x.read()
		u, ok := x.url()
		want := (&plainFiller{a, (&plainMasker{m}).veil(a)}).url()
		if ok != (want != nil) {
			t.Fatalf("got %v", ok)
		}
		if !ok {
			return
		}
		if want.Full == "" {
			want.Full = want.Original // what CSV has of a target that makes no URL
		}
		if got := (urlFields{utf8Text(u.original), utf8Text(csvURL(x)), utf8Text(u.domain)}); got != *want {
			t.Errorf("got %q, want %q", got, *want)
		}
	})
}

// An ordinary attempt must not cost memory: there may be millions.
func TestLineAllocates(t *testing.T) {
	for _, o := range ordinary {
		if o.name == "secrets" {
			continue
		}
		a := o.make(&script{})
		l := newLines(io.Discard, &Options{})
		if n := testing.AllocsPerRun(100, func() {
			if err := l.attempt("attempt", a); err != nil {
				t.Fatal(err)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", o.name, n)
		}
	}
}
