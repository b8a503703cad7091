package analyze

import (
	"crypto/tls"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/reassembly/flow"
)

const (
	tunnelRequest = "CONNECT a.example:443 HTTP/1.1\r\nHost: a.example:443\r\n\r\n"
	tunnelOpened  = "HTTP/1.1 200 Connection established\r\n\r\n"
	tunnelDenied  = "HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"
)

// inTunnel has a proxy open a tunnel for what is said.
func inTunnel(talk []spoken) []spoken {
	return append([]spoken{{client, tunnelRequest}, {server, tunnelOpened}}, talk...)
}

// together has each side say as much at once as it can.
func together(talk []spoken) (list []spoken) {
	for _, s := range talk {
		if n := len(list); n > 0 && list[n-1].by == s.by && s.data != "" {
			list[n-1].data += s.data
		} else {
			list = append(list, s)
		}
	}
	return list
}

// eager is a client that does not wait for the tunnel.
func eager(talk []spoken) []spoken {
	t := inTunnel(talk)
	if talk[0].by == client {
		t[1], t[2] = t[2], t[1]
	}
	return together(t)
}

// TestTLSInTunnel finds of a TLS connection the same in a tunnel and outside one,
// however the bytes are cut.
func TestTLSInTunnel(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 3))
	for _, test := range tlsTalks {
		want := tlsText(sessionOf(test.talk, nil, 0))
		for _, talk := range [][]spoken{inTunnel(test.talk), eager(test.talk)} {
			for i := range 100 {
				got := sessionOf(talk, map[bool]*rand.Rand{false: rng}[i == 0], 1+rng.IntN(80))
				if got == nil {
					t.Fatalf("%s: nothing", test.name)
				}
				if text := tlsText(got); text != want || got.Tunnel != "a.example:443" {
					t.Fatalf("%s: through %q\n%s\nwant\n%s", test.name, got.Tunnel, text, want)
				}
			}
		}
	}
}

// TestInsideTunnel reads what is inside TLS inside a tunnel.
func TestInsideTunnel(t *testing.T) {
	for _, version := range []uint16{tls.VersionTLS12, tls.VersionTLS13} {
		o := overhear(t, version, insideRequest, insideSwitching, wsFrame(0x89, true, "hello"), wsFrame(0x8a, false, "hello"))
		want := foundText(o.attempts(o.log.Bytes(), nil, 0).Attempts.At(0))
		plain := o.talk
		for _, o.talk = range [][]spoken{inTunnel(plain), eager(plain), together(inTunnel(plain))} {
			rng := rand.New(rand.NewPCG(4, 4))
			for i := range 20 {
				r := o.attempts(o.log.Bytes(), rng, 1+i*i)
				if r.Attempts.Len() != 1 || r.TLSConns != 1 || r.HTTPConns != 1 || len(r.Undecrypted) > 0 {
					t.Fatalf("%d attempts, %d and %d connections, %v", r.Attempts.Len(), r.TLSConns, r.HTTPConns, r.Undecrypted)
				}
				got := strings.Replace(foundText(r.Attempts.At(0)), `"a.example:443"`, `""`, 1)
				if got != want || r.Attempts.At(0).Tunnel == "" {
					t.Fatalf("%s\nwant\n%s", got, want)
				}
			}
			r := o.attemptsLate(len(o.talk), false)
			if r.Attempts.Len() != 1 || r.Attempts.At(0).Verdict != OK {
				t.Errorf("late keys: %d attempts", r.Attempts.Len())
			}
		}
	}
}

// TestBeforeTunnel has proxies that are asked for something before they open a
// tunnel, on the same connection.
func TestBeforeTunnel(t *testing.T) {
	failure := []spoken{{client, clientHello("a.example")}, {server, tlsAlert(2, 40)}}
	const failed = "tls-failed through a.example:443 tls-alert-handshake-failure"
	first := strings.ReplaceAll(tunnelRequest, "a.example", "b.example")
	for _, c := range []struct {
		name   string
		before []spoken
		want   []string
	}{
		{"nothing", nil, []string{failed}},
		{"credentials are missing", []spoken{{client, tunnelRequest}, {server, tunnelDenied}}, []string{failed}},
		{"another tunnel is refused", []spoken{{client, first}, {server, tunnelDenied}}, []string{"rejected CONNECT b.example:443 407 connect-tunnel-refused", failed}},
		{"another request", []spoken{{client, plain}, {server, page}}, []string{failed}},
		{"a WebSocket is refused", []spoken{{client, upgrade}, {server, refusal}}, []string{`rejected GET /ws 404 "gone" status-404`, failed}},
		{"another upgrade is refused", []spoken{{client, "GET / HTTP/1.1\r\nHost: gw\r\nUpgrade: h2c\r\n\r\n"}, {server, page}}, []string{failed, "upgrade to h2c: 200"}},
		{"a tunnel in a tunnel", []spoken{{client, first}, {server, tunnelOpened}}, []string{failed}},
		{"a refused tunnel in a tunnel", []spoken{{client, first}, {server, tunnelOpened}, {client, strings.ReplaceAll(first, "b.ex", "c.ex")}, {server, tunnelDenied}},
			[]string{"rejected CONNECT c.example:443 407 through b.example:443 connect-tunnel-refused", failed}},
	} {
		for _, most := range []int{0, 1, 7, 40} {
			a := New(nil)
			a.ConnectFailures = AllFailures
			rng := rand.New(rand.NewPCG(5, 5))
			if most == 0 {
				rng = nil
			}
			r := a.overhears(append(slices.Clone(c.before), inTunnel(failure)...), rng, most)
			a.checkReleased(t)
			if got := summary(r); !slices.Equal(withoutSegments(got), c.want) {
				t.Errorf("%s, at most %d bytes:\n%q, want\n%q", c.name, most, got, c.want)
			}
		}
	}
}

// TestBeforeQuietTunnel does the same where nothing is to be told of the TLS connection,
// which is not followed to its end then.
func TestBeforeQuietTunnel(t *testing.T) {
	hello := clientHelloWith("a.example", "\x00\x10\x00\x05\x00\x03\x02h2")
	a := New(nil)
	r := a.overhears([]spoken{
		{client, upgrade}, {server, refusal}, {client, tunnelRequest}, {server, tunnelOpened},
		{client, hello}, {server, serverHello13() + tlsChange + tlsData(900)}, {client, tlsChange + tlsData(53) + chat}, {server, chat},
	}, nil, 0)
	if got := summary(r); !slices.Equal(got, []string{`rejected GET /ws 404 "gone" status-404`}) {
		t.Errorf("%q", got)
	}
	a.checkReleased(t)
}

// withoutSegments drops the findings that depend on how bytes are cut.
func withoutSegments(lines []string) []string {
	for i := range lines {
		for _, code := range segmentation {
			lines[i] = strings.Replace(lines[i], " "+code.String(), "", 1)
		}
	}
	return lines
}

// TestTunnelBounds has more TLS connections than are followed: what the proxy was
// asked for before is told nevertheless.
func TestTunnelBounds(t *testing.T) {
	a := New(nil)
	a.ConnectFailures = AllFailures
	a.sessions = make([]*session, maxSessions)
	r := a.overhears([]spoken{{client, upgrade}, {server, refusal}, {client, tunnelRequest}, {server, tunnelOpened}, {client, clientHello("a.example")}, {server, tlsAlert(2, 40)}}, nil, 0)
	if got := summary(r); !slices.Equal(got, []string{`rejected GET /ws 404 "gone" status-404`}) || r.UnlistedTLS != 1 {
		t.Errorf("%q, %d not listed", got, r.UnlistedTLS)
	}
}

// TestTunnelBefore has a capture that begins behind a CONNECT: its answer is not taken
// for that to the ClientHello. One that came after the ClientHello is.
func TestTunnelBefore(t *testing.T) {
	for _, test := range []struct {
		status  string
		unasked bool // the server had received nothing of the client that is in the capture
		want    string
	}{
		{"200 OK", true, "tls-failed tls-alert-handshake-failure"},
		{"200 OK", false, "tls-failed tls-clienthello-to-plain-port"},
		{"400 Bad Request", true, "tls-failed tls-clienthello-to-plain-port"},
	} {
		d := newDialogue()
		d.a.ConnectFailures = AllFailures
		hello := clientHello("a.example")
		if !test.unasked {
			d.early[client] = int64(len(hello))
		}
		d.say(server, "HTTP/1.1 "+test.status+"\r\n\r\n")
		d.early[client] = 0
		d.say(client, hello)
		d.say(server, tlsAlert(2, 40))
		if got := summary(d.finish()); !slices.Equal(got, []string{test.want}) {
			t.Errorf("%s: %q, want %q", test.status, got, test.want)
		}
	}
}

// TestTunnelLost leaves bytes out: nothing is guessed.
func TestTunnelLost(t *testing.T) {
	hello := clientHello("a.example")
	for name, play := range map[string]func(d *dialogue){
		"the answer of the proxy": func(d *dialogue) {
			d.say(client, tunnelRequest)
			d.lose(server, int64(len(tunnelOpened)))
			d.say(client, hello)
			d.say(server, tlsAlert(2, 40))
		},
		"the answer of the proxy, before that of a plain server": func(d *dialogue) {
			d.say(client, tunnelRequest)
			d.lose(server, int64(len(tunnelOpened)))
			d.say(client, hello)
			d.say(server, "HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n")
		},
		"the request with credentials": func(d *dialogue) {
			d.say(client, tunnelRequest)
			d.say(server, tunnelDenied)
			d.lose(client, int64(len(tunnelRequest)))
			d.say(server, tunnelOpened)
		},
		"the answer to credentials": func(d *dialogue) {
			d.say(client, tunnelRequest)
			d.say(server, tunnelDenied)
			d.say(client, tunnelRequest)
			d.lose(server, int64(len(tunnelOpened)))
		},
		"the beginning of the ClientHello": func(d *dialogue) {
			d.say(client, tunnelRequest)
			d.say(server, tunnelOpened)
			d.lose(client, 5)
			d.say(client, hello[5:])
			d.say(server, tlsAlert(2, 40))
		},
	} {
		d := newDialogue()
		d.a.ConnectFailures = AllFailures
		play(d)
		if got := summary(d.finish()); len(got) > 0 {
			t.Errorf("%s is missing: %q", name, got)
		}
		d.a.checkReleased(t)
	}
	d := newDialogue()
	d.a.ConnectFailures = AllFailures
	d.say(client, tunnelRequest)
	d.say(server, tunnelOpened)
	d.say(client, hello)
	d.lose(server, 7)
	d.say(server, "rest")
	if got := summary(d.finish()); !slices.Equal(got, []string{"indeterminate through a.example:443"}) {
		t.Errorf("the answer to the ClientHello is missing: %q", got)
	}
}

// TestTunnelHeld has a client say more than is held while the tunnel is awaited: what
// the rest said is not known.
func TestTunnelHeld(t *testing.T) {
	d := newDialogue()
	d.a.ConnectFailures = AllFailures
	d.say(client, tunnelRequest, clientHello("a.example"), tlsChange+tlsData(MaxHeld), tlsData(53))
	d.say(server, tunnelOpened+serverHello13()+tlsChange+tlsData(900))
	r := d.finish()
	if got := summary(r); !slices.Equal(got, []string{"indeterminate through a.example:443"}) || r.Unheld != 1 {
		t.Errorf("%q, %d not held", got, r.Unheld)
	}
}

func TestTunnelHost(t *testing.T) {
	for _, test := range []struct {
		target, host string
		port         uint16
		sni, name    string
		to           string
	}{
		{"A.example.:443", "a.example", 443, "", "a.example", "invalid AddrPort"},
		{"a.example:443", "a.example", 443, "b.example", "b.example", "invalid AddrPort"},
		{"192.0.2.9:8443", "192.0.2.9", 8443, "", "", "192.0.2.9:8443"},
		{"[2001:db8::9]:443", "2001:db8::9", 443, "b.example", "b.example", "[2001:db8::9]:443"},
		{"a.example", "", 0, "", "", "invalid AddrPort"},
		{"a.example:x", "", 0, "b.example", "b.example", "invalid AddrPort"},
		{"a.example:99999", "", 0, "", "", "invalid AddrPort"},
		{"", "", 0, "", "", "invalid AddrPort"},
	} {
		host, port := tunnelHost(test.target)
		name, to := throughTunnel(test.target, test.sni)
		if host != test.host || port != test.port || name != test.name || to.Port() != test.port || to.String() != test.to {
			t.Errorf("%q: %q %d, %q for %q at %v", test.target, host, port, name, test.sni, to)
		}
	}
}

// TestTunnelKnown lists failures through a proxy if their server or client is known to
// speak WebSocket: that the proxy is proves nothing.
func TestTunnelKnown(t *testing.T) {
	for _, test := range []struct {
		name       string
		host       string // for which there is a WebSocket through the same proxy
		sameClient bool
		want       int
	}{
		{"the server", "a.example", false, 2},
		{"the proxy alone", "b.example", false, 1},
		{"the client", "b.example", true, 2},
	} {
		a := New(nil)
		d := a.dialogue(0)
		d.say(client, strings.ReplaceAll(tunnelRequest, "a.example:443", test.host+":80"))
		d.say(server, tunnelOpened)
		d.say(client, upgrade)
		d.say(server, switching)
		d.end(client, flow.FIN)
		d.end(server, flow.FIN)
		d = a.dialogue(1)
		if !test.sameClient {
			d.conn.A = netip.MustParseAddrPort("10.0.0.8:51234")
			d.live.Ends = flow.EndsOf(d.conn.A, d.conn.B)
		}
		for _, s := range inTunnel([]spoken{{client, clientHello("")}, {server, tlsAlert(2, 40)}}) {
			d.say(s.by, s.data)
		}
		if r := d.finish(); r.Attempts.Len() != test.want {
			t.Errorf("%s is known: %q", test.name, summary(r))
		}
	}
}
