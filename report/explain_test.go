package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

func explained(t *testing.T, code string, opt *Options) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Explain(&b, code, opt); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestExplain(t *testing.T) {
	golden(t, "explain-accept-mismatch.txt", explained(t, "accept-mismatch", &Options{Width: 80}))
	golden(t, "explain-all.txt", explained(t, "all", nil))
	for _, c := range analyze.Codes() {
		if out := string(explained(t, c.String(), nil)); !strings.HasPrefix(out, c.String()+"  (") || strings.Contains(out, "{") {
			t.Errorf("%s: %s", c, out)
		}
	}
}

func TestExplainUnknown(t *testing.T) {
	for in, want := range map[string]string{"acept-mismatch": "accept-mismatch", "STATUS-404": "status-404", "oversize": "response-head-oversize", "\x1b": `"\\x1b"`, "": `unknown finding ""`, "qqqqqqqq": `"qqqqqqqq" (--explain`} {
		err := Explain(&bytes.Buffer{}, in, nil)
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v does not name %s", in, err, want)
		}
	}
}

func TestMessage(t *testing.T) {
	f := analyze.Finding{Code: analyze.AcceptMismatchCode, Got: "a", Want: "b"}
	if got, want := Message(f), "the 101 carries a wrong Sec-WebSocket-Accept (got a, the key demands b)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f.Got = ""
	if got, want := Message(f), "the 101 carries a wrong Sec-WebSocket-Accept"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	f = analyze.Finding{Code: analyze.Status404}
	if got, want := Message(f), "the server knows no such path on this host (status 404)"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
