package report

import (
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

func TestBrief(t *testing.T) {
	s := &script{}
	hostile := s.attempt(analyze.Rejected, "GET /\x1b]0;x\x07?pw=hunter22 HTTP/1.1\nHost: user:hunter22@h\x1b[2J\u202eost:80", "HTTP/1.1 400 Bad\x1b[31m")
	find(hostile, analyze.Status400, analyze.Server, "status", "", "")
	silent := s.attempt(analyze.Indeterminate, "", "")
	silent.Reason = "the request is not in the capture"
	client := s.attempt(analyze.TLSFailed, "", "")
	client.TLS = &analyze.TLS{ServerName: "gw.example.com"}
	client.Request, client.Response = nil, nil
	b := NewBriefs(nil)
	for _, test := range []struct {
		a    *analyze.Attempt
		want Brief
	}{
		{sampleOK(s), Brief{"example.com", "ws://example.com/ws?token=***(14,3387dd)&x=1", "", ""}},
		{sampleMismatch(s), Brief{
			"example.com", "ws://example.com/a/longer/path/than/fits/into/one/line/of/a/cell?id=1&api_key=***(8,fc953f)&token=***(14,3387dd)&x=1",
			"accept-wrong-guid", "the server computes the Accept with a wrong GUID (FlscFByo7EQHPKXToHKEWjb17RQ=)",
		}},
		{sampleRejected(s), Brief{
			"example.com", "ws://example.com/ws?token=***(14,3387dd)&x=1 through ***(11,3c5fa5)@example.com:80",
			"status-403-origin", "the server refuses the Origin that the client sends (http://***(11,3c5fa5)@old.example.com)",
		}},
		{hostile, Brief{
			`h\x1b[2J\u202eost`, `ws://***(13,a5bdf3)@h\x1b[2J\u202eost:80/\x1b]0;x\x07?pw=***(8,e58288)`,
			"status-400", "the server calls the request malformed (status 400)",
		}},
		{silent, Brief{"", "", "", "the request is not in the capture"}},
		{client, Brief{"gw.example.com", "TLS for gw.example.com", "", ""}},
	} {
		if got := b.Of(test.a); got != test.want {
			t.Errorf("got  %q\nwant %q", got, test.want)
		}
		if got := b.Host(test.a); got != test.want.Host {
			t.Errorf("host %q, want %q", got, test.want.Host)
		}
	}
	open := NewBriefs(&Options{ShowSecrets: true})
	if got := open.Of(sampleOK(s)); !strings.Contains(got.URL, "s3cr3t-value-1") {
		t.Errorf("no secret in %q", got)
	}
}
