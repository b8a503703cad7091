package analyze

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
	"unsafe"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A walk is what a client does about redirects, one connection after the other.
type walk struct {
	a     *Analyzer
	conns int
	now   time.Duration
}

func newWalk() *walk { return &walk{a: New(nil)} }

// dial opens a connection a while after the one before.
func (w *walk) dial(after time.Duration) *dialogue {
	d := w.a.dialogue(w.conns)
	w.conns++
	w.now += after
	d.at.Time = 1e18 + int64(w.now)
	d.step = 1
	return d
}

// redirected asks for a target on a host, and is sent elsewhere.
func (w *walk) redirected(target, location string) {
	d := w.dial(time.Millisecond)
	d.say(client, strings.Replace(upgrade, "/ws", target, 1))
	d.say(server, redirect("301 Moved", location))
	d.finishBoth()
}

func (d *dialogue) finishBoth() {
	for dir := range d.way {
		d.end(flow.Dir(dir), flow.FIN)
	}
}

func (w *walk) finish() *Result { return w.a.Finish(flow.Stamp{Frame: 1 << 30, Time: 2e18}, 0) }

// Chains whose first request makes no URL are not told to be the same.
func TestChainsOfUnknownURLs(t *testing.T) {
	for _, location := range []string{"/%zz", "http://gw/x"} {
		w := newWalk()
		for range 2 * loopHops {
			w.redirected("/%zz", location)
		}
		chains := w.finish().Chains
		if len(chains) != 2*loopHops {
			t.Fatalf("%d chains to %s, want %d", len(chains), location, 2*loopHops)
		}
		for _, c := range chains {
			if c.First != nil || c.Retries != 0 {
				t.Errorf("chain %d to %s is a retry of %v, has %d", c.ID, location, c.First, c.Retries)
			}
		}
	}
}

// secureTo opens a TLS connection of an address that names a server.
func (w *walk) secureTo(client, server, name string) {
	d := w.dial(time.Microsecond)
	d.conn.A, d.conn.B = netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)
	d.live.Ends = flow.EndsOf(d.conn.A, d.conn.B)
	d.say(flow.AtoB, clientHello(name))
	d.finishBoth()
}

const walker = "10.0.0.7:51234" // the client of a walk

// What follows a redirect is found behind others, up to a bound.
func TestTrailBounds(t *testing.T) {
	for _, test := range []struct {
		name  string
		bound int
		walk  func(w *walk, others int)
	}{
		{"TLS connections without a server name", maxNameless, func(w *walk, others int) {
			w.secureTo(walker, "192.0.2.77:443", "") // before the redirect
			w.redirected("/ws", "https://192.0.2.77/")
			for range others {
				w.secureTo(walker, "192.0.2.9:443", "")
			}
			w.secureTo(walker, "192.0.2.77:443", "")
		}},
		{"steps of others", maxStrangers, func(w *walk, others int) {
			w.redirected("/ws", "https://t.example/")
			for range others {
				w.secureTo("10.0.0.8:51234", "192.0.2.77:443", "t.example")
			}
			w.secureTo("[2001:db8::7]:51234", "[2001:db8::77]:443", "t.example")
		}},
		{"other redirects", maxOpen, func(w *walk, others int) {
			kept := w.dial(time.Millisecond)
			kept.say(client, upgrade)
			kept.say(server, redirect("301 Moved", "/x"))
			for range others {
				w.redirected("/other", "/x")
			}
			kept.at.Frame, kept.at.Time = 1<<20, 1e18+int64(w.now)+1e6
			kept.say(client, strings.Replace(upgrade, "/ws", "/x", 1))
			kept.finishBoth()
		}},
	} {
		for _, others := range []int{0, 1, test.bound - 1, test.bound, 2 * test.bound} {
			w := newWalk()
			test.walk(w, others)
			if c := w.finish().Chains[0]; (c.Long == 2) != (others < test.bound) {
				t.Errorf("%d %s: %d hops, %v %s", others, test.name, c.Long, c.End, c.Reason)
			}
		}
	}
}

// A Location without a host leads nowhere, also if it has a port.
func TestNoHost(t *testing.T) {
	w := newWalk()
	w.redirected("/ws", "https://:443/")
	w.secureTo(walker, "192.0.2.77:443", "")
	if c := w.finish().Chains[0]; c.Long != 1 || c.End != ChainNotFollowed || len(c.URLs) != 1 {
		t.Errorf("%v of %d hops, %v", c.End, c.Long, c.URLs)
	}
}

// Of redirects that are not listed nothing is kept.
func TestUnlistedRedirects(t *testing.T) {
	w := newWalk()
	w.a = New(&Limits{Attempts: 2})
	for i := range 5 {
		w.redirected("/ws", fmt.Sprintf("https://%d.example/", i))
	}
	if n := len(w.a.movedTo); n != 2 {
		t.Errorf("%d hosts are kept, want 2", n)
	}
}

func TestTimeRunsBackwards(t *testing.T) {
	w := newWalk()
	w.redirected("/ws", "/x")
	c := w.a.Finish(flow.Stamp{Frame: 1 << 30, Time: 1e18 - 1e9}, 0).Chains[0]
	if c.End != ChainOutOfCapture || strings.Contains(c.Reason, "-") {
		t.Errorf("%v: %s", c.End, c.Reason)
	}
}

// TestTrailTexts wants one copy of a text that comes again, none that lies in
// what it was taken from, and no more remembered than there is room for.
func TestTrailTexts(t *testing.T) {
	trail := newTrail(&judge{a: New(nil)})
	head := "Location: https://example.com/ws\r\n"
	first, again := trail.text(head[10:32]), trail.text(head[10:32])
	if first != head[10:32] || unsafe.StringData(first) != unsafe.StringData(again) || unsafe.StringData(first) == unsafe.StringData(head[10:]) {
		t.Errorf("%q and %q", first, again)
	}
	for i := range maxTexts + 100 {
		if s := fmt.Sprint(i); trail.text(s) != s {
			t.Fatalf("another text than %s", s)
		}
	}
	if len(trail.texts) != maxTexts {
		t.Errorf("%d texts are remembered", len(trail.texts))
	}
}
