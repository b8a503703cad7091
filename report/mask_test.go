package report

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
)

func masked(s string) string { return newMasker(&Options{}).secret(s) }

func kindOf(name string) fieldName {
	_, masked := nameOf(name)
	return masked
}

func TestMaskText(t *testing.T) {
	m := newMasker(&Options{})
	const token = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln"
	for _, tt := range []struct{ in, want string }{
		{"", ""},
		{"/ws?room=1&user=bob", "/ws?room=1&user=bob"},
		{"/ws?token=abc", "/ws?token=" + masked("abc")},
		{"/ws?a=1&Access_Token=abc&b=2", "/ws?a=1&Access_Token=" + masked("abc") + "&b=2"},
		{"/ws?a=1;token=abc", "/ws?a=1;token=" + masked("abc")},
		{"/ws?token=a,b;c", "/ws?token=" + masked("a,b;c")},
		{"/ws?token=", "/ws?token="},
		{"/ws?X-Amz-Signature=ff00&X-Amz-Date=1", "/ws?X-Amz-Signature=" + masked("ff00") + "&X-Amz-Date=1"},
		{"/ws?%74oken=abc", "/ws?%74oken=" + masked("abc")},
		{"/cb#access_token=abc&x=1", "/cb#access_token=" + masked("abc") + "&x=1"},
		{"/socket.io/?EIO=4&sid=Zk9&transport=websocket", "/socket.io/?EIO=4&sid=" + masked("Zk9") + "&transport=websocket"},
		{"/login?next=%2Fws%3Ftoken%3Dabc", "/login?next=" + masked("%2Fws%3Ftoken%3Dabc")},
		{"/login?next=%252Fws%253Ftoken%253Dabc&x=1", "/login?next=" + masked("%252Fws%253Ftoken%253Dabc") + "&x=1"},
		{"/login?a=1;next=%2Fws", "/login?a=1;next=%2Fws"},
		{"ws://bob:pw@h/x", "ws://" + masked("bob:pw") + "@h/x"},
		{"ws://h/x@y", "ws://h/x@y"},
		{"/chat/" + token, "/chat/" + masked(token)},
		{"wants Bearer abcdefgh1234", "wants Bearer " + masked("abcdefgh1234")},
		{`Basic realm="x", charset="UTF-8"`, `Basic realm="x", charset="UTF-8"`},
		{`{"token": "abc", "name":"bob"}`, `{"token": "` + masked("abc") + `", "name":"bob"}`},
		{"x\r\nCookie: a=b; c=d\r\ny", "x\r\nCookie: " + masked("a=b; c=d") + "\r\ny"},
		{rfcKey, rfcKey},
		{`<e token="abc d">`, `<e token="` + masked("abc d") + `">`},
		{`token=\"abc\"`, `token=\"` + masked("abc") + `\"`},

		{`{\"token\": \"abc\"}`, `{\"token\": \"` + masked("abc") + `\"}`},
		{`{\"token\":\"a\\\"bc\",\"b\":1}`, `{\"token\":\"` + masked(`a\\\"bc`) + `\",\"b\":1}`},
		{`{\\\"token\\\":\\\"abc\\\"}`, `{\\\"token\\\":\\\"` + masked("abc") + `\\\"}`},
		{`{"body":"{\"pin\":\"12\"}"}`, `{"body":"{\"pin\":\"` + masked("12") + `\"}"}`},
		{`{'token': 'abc'}`, `{'token': '` + masked("abc") + `'}`},
		{`{"pin":1234,"code":4001}`, `{"pin":` + masked("1234") + `,"code":4001}`},
		{`{"token":"ab`, `{"token":"` + masked("ab")},
		{`{"code":"AUTH_EXPIRED_401","error":"token"}`, `{"code":"AUTH_EXPIRED_401","error":"token"}`},
		{`{"code":"SplxlOBeZQQYbYS6WxSbIA"}`, `{"code":"` + masked("SplxlOBeZQQYbYS6WxSbIA") + `"}`},
		{"{&quot;token&quot;:&quot;abc12345&quot;}", "{&quot;token&quot;:&quot;" + masked("abc12345") + "&quot;}"},

		{"<token>abc</token>", "<token>" + masked("abc") + "</token>"},
		{`<wsse:Password Type="text"> abc </wsse:Password>`, `<wsse:Password Type="text"> ` + masked("abc") + ` </wsse:Password>`},
		{"<token><![CDATA[a<b]]></token>", "<token><![CDATA[" + masked("a<b") + "]]></token>"},
		{"<token>abc", "<token>" + masked("abc")},
		{"<code>4001</code><p>token</p>", "<code>4001</code><p>token</p>"},
		{`<input name="csrf_token" value="abc">`, `<input name="csrf_token" value="` + masked("abc") + `">`},
		{`<input value='abc' type=hidden name='csrf'/>`, `<input value='` + masked("abc") + `' type=hidden name='csrf'/>`},
		{`<meta name=csrf-token content=abc>`, `<meta name=csrf-token content=` + masked("abc") + `>`},
		{`<input name="user" value="bob">`, `<input name="user" value="bob">`},
		{"<td>Token</td><td>abc12345</td>", "<td>Token</td><td>" + masked("abc12345") + "</td>"},

		{"/cb?code=4/0AX4&state=xyz&nonce=n", "/cb?code=" + masked("4/0AX4") + "&state=xyz&nonce=" + masked("n")},
		{"/cb?state=af0ifjsldkj&code=4001", "/cb?state=" + masked("af0ifjsldkj") + "&code=4001"},
		{"/cb?state=half-open&psk=abc", "/cb?state=half-open&psk=" + masked("abc")},
		{"/login?next=%2Fcb%3Fa%3D1%26code%3DAb1", "/login?next=" + masked("%2Fcb%3Fa%3D1%26code%3DAb1")},
		{"/login?next=%7B%22token%22%3A%22abc%22%7D", "/login?next=" + masked("%7B%22token%22%3A%22abc%22%7D")},
		{"closed: code=4001 state=OPEN2 code=ERR-12345678901", "closed: code=4001 state=OPEN2 code=ERR-12345678901"},

		{"/ws/token/abcdef123456/x", "/ws/token/" + masked("abcdef123456") + "/x"},
		{"/key/abcdefGHIJKLmnopqrst", "/key/" + masked("abcdefGHIJKLmnopqrst")},
		{"/auth/v2/websocket", "/auth/v2/websocket"},
		{"/auth/kitchen17/ws", "/auth/kitchen17/ws"},
		{"/ws?token&abcdef123456", "/ws?token&" + masked("abcdef123456")},

		{"token abc12345 expired", "token " + masked("abc12345") + " expired"},
		{"bearer 'abc12345'.", "bearer '" + masked("abc12345") + "'."},
		{"the access token is abcdef+12/345==", "the access token is " + masked("abcdef+12/345==")},
		{"api key: abc12345", "api key: " + masked("abc12345")},
		{"Session ID abc12345", "Session ID " + masked("abc12345")},
		{"websocket key " + rfcKey + " is used again", "websocket key " + rfcKey + " is used again"},
		{"token expired, code 4001; no session for auth2", "token expired, code 4001; no session for auth2"},
		{"request id abc12345, Sec-WebSocket-Key: " + rfcKey, "request id abc12345, Sec-WebSocket-Key: " + rfcKey},
	} {
		if got := m.text(tt.in); got != tt.want {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestMaskField(t *testing.T) {
	m := newMasker(&Options{})
	for _, tt := range []struct{ name, in, want string }{
		{"Authorization", "Basic dTpw", "Basic " + masked("dTpw")},
		{"proxy-authorization", "x", masked("x")},
		{"Cookie", "a=b; c=d", "a=" + masked("b") + "; c=" + masked("d")},
		{"Set-Cookie", "sid=1; Path=/; HttpOnly", "sid=" + masked("1") + "; Path=/; HttpOnly"},
		{"X-Api-Key", "abc", masked("abc")},
		{"Sec-WebSocket-Key", rfcKey, rfcKey},
		{"Sec-WebSocket-Accept", rfcAccept, rfcAccept},
		{"Host", "example.com", "example.com"},
	} {
		if got := m.field(kindOf(tt.name), tt.in); got != tt.want {
			t.Errorf("%s: %q: got %q, want %q", tt.name, tt.in, got, tt.want)
		}
	}
}

func TestMaskProtocols(t *testing.T) {
	m := newMasker(&Options{})
	const hex = "0123456789abcdef0123456789abcdef"
	for _, tt := range []struct{ in, want []string }{
		{[]string{"mqtt", "mqttv3.1", "graphql-transport-ws", "protobuf.reliable.webpubsub.azure.v1"}, []string{"mqtt", "mqttv3.1", "graphql-transport-ws", "protobuf.reliable.webpubsub.azure.v1"}},
		{[]string{"bearer", "abc", "mqtt"}, []string{"bearer", masked("abc"), "mqtt"}},
		{[]string{"access_token", "abc"}, []string{"access_token", masked("abc")}},
		{[]string{"v4.channel.k8s.io", "base64url.bearer.authorization.k8s.io.QUJDREVG"}, []string{"v4.channel.k8s.io", "base64url.bearer.authorization.k8s.io." + masked("QUJDREVG")}},
		{[]string{"realtime", "openai-insecure-api-key.sk-abcdef"}, []string{"realtime", "openai-insecure-api-key." + masked("sk-abcdef")}},
		{[]string{hex}, []string{masked(hex)}},
		{[]string{"ocpp1.6", "ocpp2.0.1"}, []string{"ocpp1.6", "ocpp2.0.1"}},
	} {
		if got := m.protocols(tt.in); !slices.Equal(got, tt.want) {
			t.Errorf("%q: got %q, want %q", tt.in, got, tt.want)
		}
	}
}

// Masking must not take longer than in proportion to what the wire brings.
func TestMaskHostile(t *testing.T) {
	m := newMasker(&Options{})
	for _, unit := range []string{"=", "a=%2541", "a=%252525", "token=", "\"a\":\"", "//a@", "Bearer ", "a;", "eyJ.", "%3D", "a&token%3D",
		`"token":`, `"token":"`, `\\"a\\":\\"`, "\\", `a="`, "<token>", "<a b=c d=e ", "<", "<token><![CDATA[", "token ", "token/a1", "a/", "key&", "%20"} {
		start := time.Now()
		text := strings.Repeat(unit, 1<<16/len(unit))
		m.text(text)
		m.protocols(listItems(text))
		if d := time.Since(start); d > 20*time.Second {
			t.Errorf("64 KiB of %q take %v", unit, d)
		}
	}
}

// Equal secrets stay recognisable, with the fixed key and with one of the run's.
func TestMaskEqual(t *testing.T) {
	fixed, own := newMasker(&Options{}), newMasker(&Options{MaskKey: []byte("run 1")})
	first, again := fixed.secret("abc"), fixed.secret("abc")
	if first != again || first == fixed.secret("abd") {
		t.Error("hashes do not tell values apart")
	}
	if own.secret("abc") == fixed.secret("abc") {
		t.Error("the key makes no difference")
	}
	if got := newMasker(&Options{ShowSecrets: true}).field(nameCookie, "a=b"); got != "a=b" {
		t.Errorf("shown as %q", got)
	}
}

// No format lets a secret of the sample through.
func TestMaskEverywhere(t *testing.T) {
	for name, f := range map[string]format{"table": Table, "jsonl": JSONL, "csv": CSV, "markdown": Markdown} {
		for _, width := range []int{0, 80} {
			out := string(printed(t, f, sample(), &Options{All: true, Summary: true, Width: width}))
			for _, secret := range []string{"s3cr3t", "k-123456", "pw1234", "abcdefgh12345678", "abcdef0123"} {
				if strings.Contains(out, secret) {
					t.Errorf("%s shows %s", name, secret)
				}
			}
			if !strings.Contains(squeeze(out), masked("s3cr3t-value-1")[3:]) {
				t.Errorf("%s shows no mask", name)
			}
		}
	}
}

// The secrets of an attempt's own heads are hidden wherever they come up again.
func TestVeilKnowsItsSecrets(t *testing.T) {
	s := &script{}
	a := s.attempt(analyze.Rejected, "GET /?token=first-secret HTTP/1.1\nAuthorization: Bearer second-secret\nCookie: c=third-secret\nX-Auth-Token: fourth-secret\nSec-WebSocket-Protocol: mqtt, bearer, fifth-secret", "")
	v := newMasker(&Options{}).veil(a)
	for _, secret := range []string{"first-secret", "second-secret", "third-secret", "fourth-secret", "fifth-secret"} {
		if got, want := v.text("echo "+secret+"!"), "echo "+masked(secret)+"!"; got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if got, want := v.authority("u:p@h:80"), masked("u:p")+"@h:80"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// elsewhere has secrets that come up again, with nothing to tell them by, in
// another attempt or record: behind a proxy, in a chain, in a history.
func elsewhere() *Input {
	s := &script{}
	get := strings.Replace(getRequest, "ESP32 Websocket Client", "dev Bearer agent-secret-1", 1)
	outer := s.attempt(analyze.OK, get+"\nCookie: c=cookie-secret-1", "HTTP/1.1 101 Switching Protocols\nX-R: answer-secret-1")
	inner := s.attempt(analyze.OK, "GET /ws/cookie-secret-1 HTTP/1.1\nHost: example.com\nX-Session: cookie-secret-1", "HTTP/1.1 101 Switching Protocols\nSet-Cookie: q=answer-secret-1")
	request := []analyze.Difference{
		{Kind: analyze.Changed, What: "start line", Before: outer.Request.Head.Line, After: inner.Request.Head.Line},
		{Kind: analyze.Removed, What: "field", Field: "Cookie", Before: "c=cookie-secret-1"},
		{Kind: analyze.Added, What: "field", Field: "X-Session", After: "cookie-secret-1"},
		{Kind: analyze.Renamed, What: "field", Field: "Authorization", Before: "Authorization", After: "authorization"},
	}
	response := []analyze.Difference{
		{Kind: analyze.Removed, What: "field", Field: "Set-Cookie", Before: "q=answer-secret-1"},
		{Kind: analyze.Added, What: "field", Field: "X-R", After: "answer-secret-1"},
	}
	outer.Passage = &analyze.Passage{Side: analyze.Client, Other: 2, Answered: true, Request: request, Response: response}
	inner.Passage = &analyze.Passage{Side: analyze.Server, Other: 1, Answered: true, Request: request, Response: response}
	location := "https://example.com/login/redirect-secret-1"
	moved := s.attempt(analyze.Redirected, get+"\nCookie: c=redirect-secret-1", "HTTP/1.1 301 Moved\nLocation: "+location)
	chain := &analyze.Chain{
		ID: 1, End: analyze.ChainNotFollowed, URLs: []string{"ws://example.com/ws?token=s3cr3t-value-1&x=1", location},
		Hops: []analyze.Hop{{Attempt: moved.Number, URL: "ws://example.com/ws?token=s3cr3t-value-1&x=1", Location: location}},
	}
	moved.Redirect = &analyze.Redirect{Location: location, Target: location, Chain: chain, Hop: 1}
	find(moved, analyze.RedirectNotFollowed, analyze.Server, "Location", location, "")
	return &Input{Result: &analyze.Result{Attempts: analyze.NewAttempts(outer, inner, moved), Chains: []*analyze.Chain{chain}}}
}

func TestMaskOfOthers(t *testing.T) {
	for name, f := range map[string]format{"table": Table, "jsonl": JSONL, "markdown": Markdown} {
		out := string(printed(t, f, elsewhere(), &Options{All: name == "jsonl", Timeline: true, Summary: true}))
		for _, secret := range []string{"cookie-secret-1", "answer-secret-1", "redirect-secret-1"} {
			if strings.Contains(out, secret) {
				t.Errorf("%s shows %s", name, secret)
			}
			if !strings.Contains(out, masked(secret)) && name != "markdown" {
				t.Errorf("%s does not show the mask of %s", name, secret)
			}
		}
		if n := strings.Count(out, "agent-secret-1"); name != "jsonl" && n > 0 {
			t.Errorf("%s shows the agent's secret %d times", name, n)
		}
		if !strings.Contains(out, "authorization") {
			t.Errorf("%s does not show how a field is written", name)
		}
	}
}
