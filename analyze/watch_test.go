package analyze

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// An outcome is what an attempt shows by itself.
type outcome struct {
	Verdict Verdict
	Reason  string
	Close   Close
	Frames  [2]Frames
	Codes   []Code
}

// placeOf tells attempts apart, however they are numbered.
func placeOf(t *Attempt) string { return fmt.Sprintf("%d %d", t.Conn.ID, t.order()) }

func outcomeOf(t *Attempt) outcome {
	o := outcome{Verdict: t.Verdict, Reason: t.Reason, Close: t.Close, Frames: t.Frames}
	for _, f := range t.Findings {
		if !ofOthers(f.Code) {
			o.Codes = append(o.Codes, f.Code)
		}
	}
	return o
}

// ofOthers reports whether a finding depends on other attempts, of which a watch
// knows those of the last while only.
func ofOthers(c Code) bool {
	return c == KeyReused || c == KeyLowEntropy || c == CaptivePortal || c == HopHeaderStrippedRequest ||
		AcceptBelongsToOtherFlow <= c && c <= AcceptEchoesKey || RedirectNotFollowed <= c && c <= RedirectTLSDowngrade
}

// A told keeps what it is told.
type told struct {
	t        *testing.T
	outcomes map[string]outcome
	numbers  map[int]bool
	open     map[string]bool // told once
	chains   map[int]int     // by their numbers of hops
}

func newTold(t *testing.T) *told {
	return &told{t, map[string]outcome{}, map[int]bool{}, map[string]bool{}, map[int]int{}}
}

func (l *told) to() *Told {
	return &Told{
		Attempt: func(x *Attempt) {
			if l.open[placeOf(x)] || l.numbers[x.Number] {
				l.t.Errorf("attempt %d at %s is told twice", x.Number, placeOf(x))
			}
			l.open[placeOf(x)], l.numbers[x.Number] = true, true
			l.outcomes[placeOf(x)] = outcomeOf(x)
		},
		Ended: func(x *Attempt, _ Standing) {
			if !l.open[placeOf(x)] {
				l.t.Errorf("attempt %d ended before it was told", x.Number)
			}
			l.outcomes[placeOf(x)] = outcomeOf(x)
		},
		Chain: func(c *Chain, all Attempts) {
			if l.chains[c.ID] != 0 {
				l.t.Errorf("chain %d is told twice", c.ID)
			}
			l.chains[c.ID] = c.Long
			for _, h := range c.Hops {
				if h.Attempt > 0 && all.At(h.Attempt-1).Conn.ID != h.Stream {
					l.t.Errorf("hop %d of chain %d is another attempt", h.Attempt, c.ID)
				}
			}
		},
	}
}

// TestWatchCrowd lets attempts of a crowd be decided as it goes on. What each shows
// by itself is what it shows at the end.
func TestWatchCrowd(t *testing.T) {
	for seed := range uint64(40) {
		var c *crowd
		a, want := New(nil), map[string]outcome{}
		c = gather(rand.New(rand.NewPCG(seed, 1)), 60)
		for x := range a.Finish(c.play(a, 0), 0).Attempts.All() {
			want[placeOf(x)] = outcomeOf(x)
		}

		a, got := New(nil), newTold(t)
		c = gather(rand.New(rand.NewPCG(seed, 1)), 60)
		a.Watch(func(f *flow.Conn) flow.Evidence {
			i := slices.IndexFunc(c.talks, func(d *dialogue) bool { return d != nil && &d.live == f })
			return *c.talks[i].conn
		})
		decided := int64(0)
		c.tick = func(at flow.Stamp) {
			if at.Time-decided >= int64(time.Second) {
				decided = at.Time
				a.Decide(at, 0, false, got.to())
			}
		}
		last := c.play(a, 0)
		early := len(got.outcomes)
		a.Decide(last, 0, true, got.to())
		if d := cmp.Diff(want, got.outcomes, cmp.AllowUnexported(Close{})); d != "" {
			t.Fatalf("seed %d (-at the end +meanwhile):\n%s", seed, d)
		}
		if early == 0 || early == len(want) {
			t.Errorf("seed %d: %d of %d attempts were told before the end", seed, early, len(want))
		}
		r := a.Finish(last, 0)
		sum := 0
		for _, h := range r.Histories() {
			sum += h.Attempts
		}
		if sum != len(want) {
			t.Errorf("seed %d: histories of %d attempts, want %d", seed, sum, len(want))
		}
	}
}

// TestWatchClock sets the clock back. What waits to be told waits no longer for it.
func TestWatchClock(t *testing.T) {
	d, told := newDialogue(), 0
	d.a.Watch(func(*flow.Conn) flow.Evidence { return *d.conn })
	to := &Told{Attempt: func(*Attempt) { told++ }, Ended: func(*Attempt, Standing) {}, Chain: func(*Chain, Attempts) {}}
	d.say(client, upgrade)
	d.say(server, refusal)
	for _, step := range []time.Duration{0, -time.Hour, -time.Hour + 2*time.Second} {
		if told > 0 {
			t.Fatal("told before its time")
		}
		d.a.Decide(flow.Stamp{Frame: d.at.Frame, Time: d.at.Time + int64(step)}, 0, false, to)
	}
	if told != 1 {
		t.Error("not told after an hour was set back")
	}
}

// TestWatchForgets opens one WebSocket after the other, of which some last, and
// looks at what is held.
func TestWatchForgets(t *testing.T) {
	const all, open = 30_000, 500
	a, told := New(nil), 0
	var talks []*dialogue
	a.Watch(func(f *flow.Conn) flow.Evidence {
		for _, d := range talks {
			if &d.live == f {
				return *d.conn
			}
		}
		return flow.Evidence{}
	})
	to := &Told{
		Attempt: func(*Attempt) { told++ },
		Ended: func(x *Attempt, _ Standing) {
			if x.Verdict != OK || x.Close.Reason != "bye" && x.Number > open && x.Number < all-open {
				t.Fatalf("attempt %d is %v, ended with %q", x.Number, x.Verdict, x.Close.Reason)
			}
		},
		Chain: func(*Chain, Attempts) {},
	}
	end := flow.Stamp{}
	for i := range all {
		d := a.dialogue(i)
		d.at.Time = 1e18 + int64(i)*int64(100*time.Millisecond)
		d.conn.First.Time = d.at.Time
		talks = append(talks, d)
		d.say(client, upgrade)
		d.say(server, switching)
		if len(talks) > open {
			closing, oldest := talks[open-20], talks[0] // a close is under way for a while, which the journal is turned over in
			closing.at, oldest.at = d.at, d.at
			closing.say(client, "\x88\x85\x00\x00\x00\x00\x03\xe8bye")
			oldest.end(client, flow.FIN)
			oldest.end(server, flow.FIN)
			talks = talks[1:]
		}
		if end = d.at; i%10 == 0 {
			a.Decide(end, 0, false, to)
		}
		if i == all/2 && told < i-100 {
			t.Errorf("%d of %d attempts are told", told, i)
		}
	}
	w := a.watch
	if most := maxSpent + 3*open + 1000; len(w.slots) > most {
		t.Errorf("%d entries for %d attempts at once", len(w.slots), open)
	}
	if n := len(a.journal.pages); n > roomToForget+12 {
		t.Errorf("%d pages of the journal", n)
	}
	if len(w.list) > 2000 || len(w.entryOf) > maxSpent+2000 || len(w.chainIDs) > 0 {
		t.Errorf("%d attempts in the list, %d known by number", len(w.list), len(w.entryOf))
	}
	for _, d := range talks {
		d.chunk(client, "", flow.CaptureEnd)
		d.chunk(server, "", flow.CaptureEnd)
	}
	a.Decide(end, 0, true, to)
	if told != all {
		t.Errorf("%d of %d attempts were told", told, all)
	}
}
