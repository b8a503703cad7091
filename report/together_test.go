package report

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

// secretive is a client whose attempts differ in nothing but secrets: in each place
// that can hold one. After a WebSocket it fails, through a proxy.
func secretive() (in *Input, secrets []string) {
	secret := func(s string) string {
		secrets = append(secrets, s)
		return s
	}
	s := &script{}
	attempt := func(n int, v analyze.Verdict, response string) *analyze.Attempt {
		hide := func(s string) string { return secret(fmt.Sprintf("%s-of-%d", s, n)) }
		request := "GET http://bob:" + secret("url-password") + "@example.com/ws?token=" + hide("token") + " HTTP/1.1\nHost: example.com\n" +
			"Authorization: Bearer " + hide("bearer") + "\nCookie: sid=" + hide("cookie") + "\nX-Api-Key: " + hide("api-key") + "\n" +
			"User-Agent: app?access_token=" + hide("agent") + "\nOrigin: http://eve:" + hide("origin") + "@example.com\nX-Copy: " + hide("token") + "\n" +
			"Sec-WebSocket-Key: " + rfcKey
		a := s.attempt(v, request, response+"\nSet-Cookie: sid="+hide("set-cookie")+"; Path=/\nX-Seen: token="+hide("seen"))
		a.Tunnel = "carl:" + hide("tunnel") + "@example.com:80"
		return a
	}
	good := attempt(1, analyze.OK, "HTTP/1.1 101 Switching Protocols\nSec-WebSocket-Accept: "+rfcAccept)
	bad := attempt(2, analyze.Redirected, "HTTP/1.1 301 Moved\nLocation: http://dora:"+secret("location-password")+"@example.com/x?token="+secret("location-token"))
	hop := attempt(3, analyze.Rejected, "HTTP/1.1 404 No")
	find(bad, analyze.RedirectNotFollowed, analyze.Server, "Location", "http://dora:location-password@example.com/x?token=location-token", "")
	connect := s.attempt(analyze.Rejected, "CONNECT fred:"+secret("connect-password")+"@example.com:80 HTTP/1.1\nHost: example.com:80", "HTTP/1.1 407 No")
	again := s.attempt(analyze.OK, "CONNECT fred:"+secret("connect-password")+"@example.com:80 HTTP/1.1\nHost: example.com:80", "HTTP/1.1 101 ok\nSec-WebSocket-Accept: "+rfcAccept)
	last := s.attempt(analyze.Rejected, "CONNECT fred:"+secret("lost-password")+"@example.com:80 HTTP/1.1\nHost: example.com:80", "HTTP/1.1 407 No")
	chain := &analyze.Chain{ID: 1, End: analyze.ChainRefused, Reason: "token=" + secret("why-secret"), URLs: []string{
		"ws://bob:url-password@example.com/ws?token=token-of-2", "http://dora:location-password@example.com/x?token=location-token",
	}}
	chain.Hops = []analyze.Hop{
		{Attempt: bad.Number, URL: chain.URLs[0], Client: bad.Client(), Server: bad.Server(), Status: 301, Location: chain.URLs[1]},
		{Attempt: hop.Number, URL: chain.URLs[1], Client: hop.Client(), Server: hop.Server(), Status: 404},
	}
	chain.Long = 2
	bad.Redirect = &analyze.Redirect{Location: chain.URLs[1], Target: chain.URLs[1], Chain: chain, Hop: 1}
	hop.Redirect = &analyze.Redirect{Chain: chain, Hop: 2}
	passed(good, hop)
	passed(bad, again)
	passed(connect, last)
	list := []*analyze.Attempt{good, bad, hop, connect, again, last}
	return &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(list...), Chains: []*analyze.Chain{chain}}}, secrets
}

// passed makes two attempts the sides of a proxy that changed all there is.
func passed(outer, inner *analyze.Attempt) {
	x := &analyze.Passage{Side: analyze.Server, Other: outer.Number, Answered: true}
	x.Request, x.Response = everyChange(outer.Request, inner.Request), everyChange(inner.Response, outer.Response)
	inner.Passage = x
	y := *x
	y.Side, y.Other = analyze.Client, inner.Number
	outer.Passage = &y
}

// everyChange lists all fields of two heads as if they were different.
func everyChange(from, to *analyze.Message) (list []analyze.Difference) {
	list = append(list, analyze.Difference{What: "start line", Before: from.Head.Line, After: to.Head.Line})
	for _, f := range from.Head.Fields {
		after, _ := fieldOf(to, f.Name)
		list = append(list, analyze.Difference{What: "field", Field: f.Name, Before: f.Value, After: after})
	}
	for _, f := range to.Head.Fields {
		if _, ok := fieldOf(from, f.Name); !ok {
			list = append(list, analyze.Difference{Kind: analyze.Added, What: "field", Field: f.Name, After: f.Value})
		}
	}
	return list
}

// TestTogetherMasked looks for secrets where several attempts are told together.
func TestTogetherMasked(t *testing.T) {
	in, secrets := secretive()
	for name, print := range map[string]format{"table": Table, "jsonl": JSONL, "csv": CSV, "markdown": Markdown} {
		for _, width := range []int{0, 400} {
			out := string(printed(t, print, in, &Options{All: true, Timeline: true, Summary: true, Width: width}))
			for _, secret := range secrets {
				if i := strings.Index(out, secret); i >= 0 {
					t.Errorf("%s shows %q: %s", name, secret, out[max(0, i-150):min(len(out), i+50)])
				}
			}
		}
	}
}

// TestTogetherShown wants the places to exist, or the test above would pass without
// them.
func TestTogetherShown(t *testing.T) {
	in, secrets := secretive()
	show := &Options{All: true, Timeline: true, ShowSecrets: true}
	table := string(printed(t, Table, in, show))
	for _, title := range []string{"Timeline", "Redirect chains", "Clients", "What changed before it failed", "Both sides of a proxy"} {
		if !strings.Contains(table, "\n"+title+"\n") && !strings.HasPrefix(table, title+"\n") {
			t.Errorf("no %q in\n%s", title, table)
		}
	}
	var together bytes.Buffer
	for line := range bytes.Lines(printed(t, JSONL, in, show)) {
		if !bytes.HasPrefix(line, []byte(`{"record":"attempt"`)) || bytes.Contains(line, []byte(`"proxy":{`)) {
			together.Write(line)
		}
	}
	for _, secret := range secrets {
		if !strings.Contains(together.String(), secret) {
			t.Errorf("no %q in\n%s", secret, together.String())
		}
	}
	for _, part := range []string{`"record":"chain"`, `"changes":[`, `"timeline":[`, `"proxy":{`} {
		if !strings.Contains(together.String(), part) {
			t.Errorf("no %s in\n%s", part, together.String())
		}
	}
}
