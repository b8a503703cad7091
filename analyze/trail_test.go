package analyze

import (
	"net/netip"
	"strings"
	"testing"
	"time"

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

// secure opens a TLS connection that names no server.
func (w *walk) secure(after time.Duration) {
	d := w.dial(after)
	d.conn.B = netip.MustParseAddrPort("192.0.2.9:443")
	d.live.Ends = flow.EndsOf(d.conn.A, d.conn.B)
	d.say(client, clientHello(""))
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
