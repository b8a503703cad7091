package analyze

import (
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// TestNotGuessed has exchanges in which an answer is easily taken for that to
// another request, or bytes that were not understood for silence.
func TestNotGuessed(t *testing.T) {
	const key2 = "EA8ODQwLCgkIBwYFBAMCAQ=="
	second := strings.Replace(upgrade, key, key2, 1)
	switching2 := strings.Replace(switching, Accept(key), Accept(key2), 1)
	tunnel := "CONNECT gw:80 HTTP/1.1\r\nHost: gw:80\r\n\r\n"
	for _, c := range []struct {
		name string
		play func(d *dialogue)
		want []string
	}{
		{"the answer to the first of two upgrades is lost", func(d *dialogue) {
			d.say(client, upgrade)
			d.lose(server, 60)
			d.say(client, second)
			d.say(server, switching2)
		}, []string{"indeterminate GET /ws", "ok GET /ws 101"}},
		{"two requests sent together, the answer to one is lost", func(d *dialogue) {
			d.say(client, plain+plain+upgrade)
			d.say(server, page)
			d.lose(server, int64(len(page)))
			d.say(server, switching)
		}, []string{"indeterminate GET /ws", "indeterminate 101"}},
		{"a 101 long after a request that was answered", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, page)
			d.lose(client, int64(len(upgrade)))
			d.say(server, switching)
		}, []string{"indeterminate 101 client:0?"}},
		{"a framing that is not understood, then a 101", func(d *dialogue) {
			d.say(client, plain)
			d.say(server, "HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\n\r\nhello")
			d.say(client, upgrade)
			d.say(server, switching)
			d.end(server, flow.FIN)
		}, []string{"indeterminate GET /ws"}},
		{"the capture ends in the first bytes of the answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, "HTT")
		}, []string{"indeterminate GET /ws"}},
		{"the server closes in the first bytes of the answer", func(d *dialogue) {
			d.say(client, upgrade)
			d.say(server, "HTT")
			d.end(server, flow.FIN)
		}, []string{"no-response GET /ws tcp-fin-without-response"}},
		{"a proxy wants credentials first", func(d *dialogue) {
			d.say(client, tunnel)
			d.say(server, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
			d.say(client, tunnel)
			d.say(server, "HTTP/1.1 200 Connection established\r\n\r\n")
			d.say(client, upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101 through gw:80"}},
		{"a proxy refuses for good", func(d *dialogue) {
			d.say(client, tunnel)
			d.say(server, "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n")
		}, []string{"rejected CONNECT gw:80 407 connect-tunnel-refused"}},
		{"a proxy closes without an answer", func(d *dialogue) {
			d.say(client, tunnel)
			d.end(server, flow.FIN)
		}, []string{"no-response CONNECT gw:80 tcp-fin-without-response"}},
		{"a proxy speaks TLS", func(d *dialogue) {
			d.say(client, tunnel)
			d.say(server, "\x15\x03\x01\x00\x02\x02\x46")
			d.end(server, flow.FIN)
		}, []string{"not-http CONNECT gw:80 tls-plain-http-to-tls-port"}},
		{"a client waits for its tunnel in vain", func(d *dialogue) {
			d.say(client, tunnel)
			d.end(client, flow.RST)
		}, []string{"no-response CONNECT gw:80 http-request-unanswered"}},
		{"a client waits for its tunnel until the capture ends", func(d *dialogue) {
			d.say(client, tunnel)
		}, nil},
		{"the answer of a proxy is missing", func(d *dialogue) {
			d.say(client, tunnel)
			d.lose(server, 40)
			d.end(server, flow.FIN)
		}, nil},
		{"a client goes on, and the answer of the proxy does not show", func(d *dialogue) {
			d.say(client, tunnel, upgrade)
			d.end(client, flow.FIN)
		}, nil},
		{"a load balancer introduces its client", func(d *dialogue) {
			d.say(client, "PROXY TCP4 10.0.0.7 192.0.2.9 51234 80\r\n"+upgrade)
			d.say(server, switching)
		}, []string{"ok GET /ws 101"}},
	} {
		t.Run(c.name, func(t *testing.T) { checkDialogue(t, newDialogue(), c.play, c.want) })
	}
}

// TestHugeHead gives up a head that does not end, and does not say that it lacks
// what was not read.
func TestHugeHead(t *testing.T) {
	d := newDialogue()
	d.say(client, upgrade)
	d.say(server, "HTTP/1.1 101 Switching Protocols\r\nX: "+strings.Repeat("x", MaxHead)+"\r\n", switching[34:])
	d.end(server, flow.FIN)
	r := d.finish()
	if got, want := attemptText(r.Attempts.At(0)), "indeterminate GET /ws 101"; !strings.HasPrefix(got, want) || strings.Contains(got, "accept-missing") {
		t.Errorf("got %q, want %q", got, want)
	}
}
