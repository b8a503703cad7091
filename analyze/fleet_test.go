package analyze

import (
	"fmt"
	"math"
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// A fleet is clients of one server, whose attempts go into histories.
type fleet struct {
	h       *histories
	n       int
	dropped bool // by the client
}

func newFleet() *fleet { return &fleet{h: newHistories(&endpoints{})} }

// attempt adds one of a client, which ends after its life; 0: never.
func (f *fleet) attempt(at time.Duration, client int, v Verdict, life time.Duration) {
	f.n++
	stamp := func(at time.Duration) flow.Stamp { return flow.Stamp{Frame: f.n, Time: int64(time.Hour + at)} }
	e := &flow.Evidence{
		A: netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(client >> 8), byte(client)}), 50000),
		B: netip.MustParseAddrPort("192.0.2.9:80"), SYN: stamp(at),
	}
	t := &Attempt{Number: f.n, Conn: e, Verdict: v, Close: Close{Code: -1}}
	t.Request = &Message{First: stamp(at), Done: stamp(at), Head: Head{Method: "GET", Target: "/"}}
	if v == OK {
		t.Response = &Message{Done: stamp(at), Head: Head{Status: 101}}
	}
	if life > 0 {
		t.Close.By, t.Close.How, t.Close.At = Server, CloseFIN, stamp(at+life)
	}
	if f.dropped {
		t.Findings = []Finding{{Code: AcceptOKButClientRefuses}}
	}
	f.h.add(t)
}

// incidents returns what was found: codes, attempts and clients.
func (f *fleet) incidents() (list []string) {
	f.h.finish(func(i int) *Attempt { return &Attempt{Conn: &flow.Evidence{}} }, &Names{})
	for _, i := range f.h.incidents {
		list = append(list, fmt.Sprintf("%v: %d of %d", i.Code, i.Attempts, i.Clients))
	}
	return list
}

// TestOutage wants an outage if clients fail that had no trouble before, and none
// if nobody else comes while some fail that always do.
func TestOutage(t *testing.T) {
	for _, c := range []struct {
		name    string
		before  string // verdicts of clients 1, 2, 3 ... before
		failing int    // clients that then fail, ten times each
		want    []string
	}{
		{"all have had a WebSocket", "++++", 4, []string{"server-fails-for-all: 40 of 4"}},
		{"three have", "+++----", 7, []string{"server-fails-for-all: 70 of 7"}},
		{"two have", "++-----", 7, nil},
		{"those that always fail", "---+", 3, nil},
		{"nobody was served yet", "", 3, []string{"server-fails-for-all: 30 of 3"}},
		{"strangers, where others are served", "...+", 3, nil},
	} {
		f := newFleet()
		at := time.Duration(0)
		for i, v := range c.before {
			at += time.Second
			switch v {
			case '+':
				f.attempt(at, i+1, OK, 0)
			case '-':
				f.attempt(at, i+1, Rejected, time.Millisecond)
			}
		}
		f.attempt(at, 100, OK, 0)
		if c.before == "" {
			f = newFleet()
		}
		for range 10 {
			for i := range c.failing {
				at += 10 * time.Second
				f.attempt(at, i+1, Rejected, time.Millisecond)
			}
		}
		f.attempt(at+time.Second, 100, OK, 0)
		if got := f.incidents(); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}

// TestReconnectStorm wants one storm, although it slackens for a while, another
// one after a pause, and none of two clients.
func TestReconnectStorm(t *testing.T) {
	f := newFleet()
	at := time.Duration(0)
	clients := 100
	come := func(n int, every time.Duration) {
		for i := range n {
			at += every
			f.attempt(at, i%clients, OK, time.Millisecond)
		}
	}
	come(20, time.Hour)
	for range 3 {
		come(40, 10*time.Millisecond)
		come(40, 100*time.Millisecond)
	}
	come(1, 61*time.Second)
	come(40, 10*time.Millisecond)
	clients = 2
	come(20, time.Hour)
	come(100, 10*time.Millisecond)
	// The first of each comes right before the rush, and the last 22 of the slow ones
	// are no part of it: too few came within rushTime.
	want := []string{"reconnect-storm: 219 of 40", "reconnect-storm: 41 of 40"}
	if got := f.incidents(); !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}

// TestMassEndsSwept wants the same whether WebSockets are forgotten in between or
// only at the end.
func TestMassEndsSwept(t *testing.T) {
	for seed := range uint64(10) {
		rng := rand.New(rand.NewPCG(seed, 1))
		swept, whole := newFleet(), newFleet()
		at := time.Duration(0)
		for range 12 * minSweep {
			at += time.Duration(rng.Int64N(int64(4 * time.Second)))
			life := minLife + time.Duration(rng.Int64N(int64(time.Minute)))
			if moment := (at + life).Truncate(time.Minute); moment > at+minLife {
				life = moment - at + time.Duration(rng.Int64N(int64(3*time.Second)))
			}
			client := rng.IntN(100)
			swept.attempt(at, client, OK, life)
			whole.attempt(at, client, OK, life)
			whole.h.services[0].sweepAt = math.MaxInt
		}
		if kept := len(swept.h.services[0].lived); kept >= minSweep || len(whole.h.services[0].lived) != 12*minSweep {
			t.Errorf("%d WebSockets are kept, and without forgetting %d", kept, len(whole.h.services[0].lived))
		}
		swept.incidents()
		whole.incidents()
		if got, want := swept.h.incidents, whole.h.incidents; !slices.Equal(got, want) || len(want) < 100 {
			t.Errorf("seed %d: %d of %d incidents, or others", seed, len(got), len(want))
		}
	}
}

// TestDropped wants a WebSocket that the client drops at once to be a failure
// where waits and changes are concerned, but for the verdicts none.
func TestDropped(t *testing.T) {
	f := newFleet()
	at := time.Duration(0)
	f.attempt(at, 1, OK, time.Minute)
	f.dropped = true
	for _, wait := range []time.Duration{time.Minute, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second} {
		at += wait
		f.attempt(at, 1, OK, time.Millisecond)
	}
	f.incidents()
	if c := f.h.order[0]; c.Rhythm.Kind != BackOff || c.Breaks != 1 || c.Failed != 0 || c.Opened != 6 {
		t.Errorf("%v, %d breaks, %d failed, %d opened", c.Rhythm.Kind, c.Breaks, c.Failed, c.Opened)
	}
}

// TestShortWaits wants waits that are mostly on the way to be none, and software
// to be known by what it adds to its delay.
func TestShortWaits(t *testing.T) {
	for _, c := range []struct {
		name  string
		waits []time.Duration
		want  string
	}{
		{"uneven", []time.Duration{10, 90, 35, 60, 80, 20, 99, 41}, "immediate "},
		{"one in five is longer", []time.Duration{10, 90, 35, 5000, 80}, "immediate "},
		{"two in five are", []time.Duration{10, 90, 3500, 5000, 80}, "irregular "},
		{"a delay of its own", []time.Duration{110, 110, 110, 120}, "constant "},
		{"half a second, and the way", []time.Duration{560, 545, 590, 555}, "constant arduinoWebSockets"},
		{"three quarters", []time.Duration{750, 745, 760, 755}, "constant "},
	} {
		var w waits
		for _, d := range c.waits {
			w.wait(int64(d*time.Millisecond), false)
		}
		if r := w.rhythm(); fmt.Sprint(r.Kind, " ", r.Like) != c.want {
			t.Errorf("%s: %v %s, want %s", c.name, r.Kind, r.Like, c.want)
		}
	}
}
