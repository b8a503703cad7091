package report

import (
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/wssniff/wssniff/analyze"
)

func TestVisible(t *testing.T) {
	for _, tt := range []struct{ in, want string }{
		{"plain text", "plain text"},
		{"\x1b[31mred\x1b[0m", `\x1b[31mred\x1b[0m`},
		{"\a\r\n\t\x00\x7f", `\x07\r\n\t\x00\x7f`},
		{"\u009b31m", `\u009b31m`},
		{"\u202eabc\u2066\u200b\ufeff", `\u202eabc\u2066\u200b\ufeff`},
		{"\xff\xc3", `\xff\xc3`},
		{"e\u0301", `e\u0301`},
		{"\u00a0\u2028", `\u00a0\u2028`},
		{"\U000e0041", `\U000e0041`},
		{"世界 ü", "世界 ü"},
	} {
		if got := visible(tt.in); got != tt.want {
			t.Errorf("%q: got %s, want %s", tt.in, got, tt.want)
		}
	}
}

func TestCellTextBounds(t *testing.T) {
	got := cellText(strings.Repeat("界", 20000))
	if !strings.HasSuffix(got, "界... (60000 bytes)") || len(got) > maxCell+40 || !utf8.ValidString(got) {
		t.Errorf("got %d bytes ending in %q", len(got), got[len(got)-30:])
	}
	if long := strings.Repeat("x", maxCell); cellText(long) != long {
		t.Error("a cell of the greatest length is changed")
	}
}

func TestMarkdownEscapes(t *testing.T) {
	if got, want := markdownText("a|b <img> [x](y) `c` *d* \\"), "a\\|b &lt;img&gt; \\[x\\](y) \\`c\\` \\*d\\* \\\\"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

func TestNoFormula(t *testing.T) {
	for in, want := range map[string]string{
		"=1+1": "'=1+1", "@SUM(A1)": "'@SUM(A1)", "+cmd|x": "'+cmd|x", "-2+3(": "'-2+3(",
		"+xOo=": "+xOo=", "-1": "-1", "a=b": "a=b", "": "",
	} {
		if got := noFormula(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// Whatever the wire brings, people's formats print no control byte but the line
// feed, and only UTF-8; and all formats keep the width and the schema.
func FuzzOutput(f *testing.F) {
	f.Add("\x1b[2J\a\r\n\u202e\xff", uint8(0), uint16(80))
	f.Add("/?token=\x1b]0;x\a&a=%1b", uint8(1), uint16(0))
	f.Add(strings.Repeat("世\u0301", 700), uint8(2), uint16(21))
	f.Add("a,b;=\"|<", uint8(3), uint16(140))
	schema := compileSchema(f)
	f.Fuzz(func(t *testing.T, text string, verdict uint8, width uint16) {
		in := fuzzInput(text, analyze.Verdict(verdict)%(analyze.NotHTTP+1))
		opt := &Options{Width: int(width % 300), All: true}
		if opt.Width < 40 {
			opt.Width = 0
		}
		for name, print := range map[string]format{"table": Table, "markdown": Markdown, "csv": CSV} {
			out := string(printed(t, print, in, opt))
			if i := strings.IndexFunc(out, func(r rune) bool { return r < ' ' && r != '\n' || r == 0x7f || r >= 0x80 && r < 0xa0 }); i >= 0 || !utf8.ValidString(out) {
				t.Fatalf("%s: control byte at %d: %q", name, i, out)
			}
			for line := range strings.Lines(out) {
				if w := displayWidth(strings.TrimSuffix(line, "\n")); name == "table" && opt.Width > 0 && w > opt.Width {
					t.Fatalf("line of %d columns, want %d: %q", w, opt.Width, line)
				}
			}
		}
		validateLines(t, schema, printed(t, JSONL, in, opt))
	})
}

// fuzzInput puts text into every field that the wire fills.
func fuzzInput(text string, v analyze.Verdict) *Input {
	s := &script{}
	a := s.attempt(v, getRequest, "HTTP/1.1 101 Switching Protocols")
	a.Request.Head.Target, a.Request.Head.Method, a.Request.Head.Version = text, text, text
	a.Response.Head.Phrase, a.Response.Body = text, text
	for _, name := range []string{"Host", "Server", "Via", "Location", "Sec-WebSocket-Protocol", "Sec-WebSocket-Extensions", "Cookie", text} {
		a.Request.Head.Fields = append([]analyze.Field{{Name: name, Value: text}}, a.Request.Head.Fields...)
		a.Response.Head.Fields = append([]analyze.Field{{Name: name, Value: text}}, a.Response.Head.Fields...)
	}
	a.Key, a.Accept, a.Expected, a.Reason, a.Tunnel = text, text, rfcAccept, text, text
	a.Close.How, a.Close.Reason = analyze.CloseFrame, text
	for _, c := range []analyze.Code{analyze.Status400, analyze.AcceptMismatchCode, analyze.ObsFold, analyze.RedirectLoop} {
		find(a, c, analyze.Server, text, text, text)
	}
	chain := &analyze.Chain{ID: 1, Hops: []analyze.Hop{{Attempt: a.Number}}, URLs: []string{text, text}}
	a.Redirect = &analyze.Redirect{Location: text, Target: text, Chain: chain, Hop: 1}
	u := &analyze.Upgrade{Conn: a.Conn, Protocol: text, Request: a.Request}
	return &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(a), Chains: []*analyze.Chain{chain}, Upgrades: []*analyze.Upgrade{u}}}
}
