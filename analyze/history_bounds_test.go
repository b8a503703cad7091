package analyze

import (
	"fmt"
	"testing"
	"time"

	"github.com/wssniff/wssniff/reassembly/flow"
)

// manyDeeds makes as many as there are numbers.
func manyDeeds(n int, of func(i int) deed) (deeds []deed) {
	for i := range n {
		d := of(i)
		d.at = max(d.at, time.Duration(i)*time.Second)
		deeds = append(deeds, d)
	}
	return deeds
}

// What there is too much of is counted with the whole.
func TestHistoryBounds(t *testing.T) {
	c := historiesOf(manyDeeds(40, func(i int) deed {
		return deed{
			server: i % 20, path: fmt.Sprint("/", i%20), agent: fmt.Sprint(i % 20), verdict: Rejected,
			code: Status401 + Code(i%10), life: time.Millisecond,
		}
	})).order[0]
	if len(c.Peers) != maxPeers || len(c.pursuits) != maxPursuits || len(c.Agents) != maxAgents || len(c.Causes) != maxCauses || c.Attempts != 40 || c.Failed != 40 {
		t.Errorf("%d peers, %d pursuits, %d agents, %d causes of %d attempts, %d failed", len(c.Peers), len(c.pursuits), len(c.Agents), len(c.Causes), c.Attempts, c.Failed)
	}
	for i, p := range c.Peers {
		if p.Attempts != 2 || p.Server != addrOf(2, i, 80) {
			t.Errorf("peer %+v", p)
		}
	}
	if c.Causes[0] != (Cause{Status401, 4}) {
		t.Errorf("causes %v", c.Causes)
	}
}

// The pursuit that rested longest makes room.
func TestPursuits(t *testing.T) {
	deeds := manyDeeds(maxPursuits, func(i int) deed {
		return deed{path: fmt.Sprint("/", i), verdict: Rejected, life: time.Millisecond}
	})
	do := func(path string) {
		deeds = append(deeds, deed{at: time.Duration(len(deeds)) * time.Second, path: path, verdict: Rejected, life: time.Millisecond})
	}
	waits := func() int { return historiesOf(deeds).order[0].Rhythm.Waits }
	do("/0")
	do("/new") // instead of /1
	do("/0")
	do("/3")
	if n := waits(); n != 3 {
		t.Errorf("%d waits for those that are remembered", n)
	}
	do("/1") // instead of /2
	if n := waits(); n != 3 {
		t.Errorf("%d waits", n)
	}
}

func TestLifeEnds(t *testing.T) {
	var l Lives
	for i := range 4 * maxLifeEnds {
		l.addEnd(LifeEnd{Client, CloseFrame, 1000 + i%(2*maxLifeEnds), 1})
	}
	if len(l.Ends) != maxLifeEnds || l.Ends[0].Count != 2 {
		t.Errorf("%+v", l.Ends)
	}
}

// Clients beyond MaxClients have no history, but their servers have one: nobody
// is told that a server opens WebSockets for nobody who opened one for them.
func TestUnlistedClients(t *testing.T) {
	deeds := manyDeeds(MaxClients, func(i int) deed {
		return deed{client: i, server: i % 2, verdict: Rejected, at: time.Duration(i) * time.Second}
	})
	for range 3 {
		deeds = append(deeds, deed{server: 1, verdict: OK, at: deeds[len(deeds)-1].at + time.Second})
	}
	list := attemptsOf(deeds)
	for i, a := range list[MaxClients:] {
		a.Conn.A = addrOf(3, i, 40000)
	}
	r := &Result{Attempts: NewAttempts(list...)}
	h := r.histories()
	if n := r.UnlistedClients(); len(h.order) != MaxClients || n != 3 {
		t.Fatalf("%d clients, %d attempts of others", len(h.order), n)
	}
	if a, b := h.order[0].Fault, h.order[1].Fault; a != Server || b != NoSide {
		t.Errorf("whoever asks server 0 fails because of the %v, server 1 because of the %v", a, b)
	}
	var got []string
	for _, i := range h.incidents {
		got = append(got, fmt.Sprint(i.Server, i.Clients, i.Got, i.Want))
	}
	if want := fmt.Sprint([]string{
		fmt.Sprint(addrOf(2, 0, 80), maxGroup, "32768 attempts of 64 clients or more in a row", "no success at all"),
		fmt.Sprint(addrOf(2, 1, 80), maxGroup, "32768 attempts of 64 clients or more in a row", "success again after it"),
	}); fmt.Sprint(got) != want {
		t.Errorf("%v, want %v", got, want)
	}
}

// A client whose servers were too many to know has no fault that could be told.
func TestManyServers(t *testing.T) {
	deeds := manyDeeds(maxServers, func(i int) deed { return deed{server: i, verdict: OK} })
	deeds = append(deeds, deed{client: 1, server: maxServers, verdict: Rejected}, deed{client: 2, server: maxServers, verdict: Rejected})
	h := historiesOf(deeds)
	if len(h.services) != maxServers {
		t.Errorf("%d servers", len(h.services))
	}
	for _, c := range h.order[1:] {
		if c.Attempts != 1 || c.Failed != 1 || len(c.Peers) != 0 || c.Fault != NoSide {
			t.Errorf("%+v", c)
		}
	}
}

// Incidents of one kind and server have a bound.
func TestIncidentBounds(t *testing.T) {
	const many = 2 * maxFound
	deeds := manyDeeds(9*many, func(i int) deed { // three clients fail twice each, then each succeeds
		d := deed{client: i % 3, verdict: Rejected}
		if i%9 > 5 {
			d.verdict = OK
		}
		return d
	})
	at := deeds[len(deeds)-1].at
	for i := range 5 * many { // five WebSockets at a time, which end together
		start := time.Duration(i%5) * time.Millisecond
		deeds = append(deeds, deed{client: i % 5, server: 1, verdict: OK, at: at + time.Duration(i/5)*time.Minute + start, life: 20 * time.Second, by: Server, how: CloseFrame})
	}
	for i := range 40 * many { // forty attempts within a second, once in an hour
		deeds = append(deeds, deed{client: i % 5, server: 2, verdict: OK, at: at + time.Duration(i/40)*time.Hour + time.Duration(i%40)*time.Millisecond, life: time.Second})
	}
	found := map[Code]int{}
	for _, i := range historiesOf(deeds).incidents {
		found[i.Code]++
	}
	for _, code := range []Code{ServerFailsForAll, MassDisconnect, ReconnectStorm} {
		if found[code] != maxFound {
			t.Errorf("%d of %v", found[code], code)
		}
	}
}

// Many ends within a window that is no mass disconnect take no quadratic time: the
// test would not end.
func TestMassEndsMany(t *testing.T) {
	const n = 1 << 20
	found := func(ended func(i int) int64) []Incident {
		s := &service{}
		for i := range n {
			s.lived = append(s.lived, lifetime{begun: 1, ended: ended(i), client: int32(i), by: Server})
		}
		s.massEnds(neverEnded - 1)
		return s.found
	}
	few := func(i int) int64 {
		if i%3 == 0 {
			return 1e9 + int64(i)
		}
		return neverEnded
	}
	if list := found(few); len(list) != 0 {
		t.Errorf("%d incidents, of a third of the WebSockets that are open", len(list))
	}
	list := found(func(i int) int64 {
		if i%3 == 1 && i < n/2 {
			return 1e9
		}
		return few(i)
	})
	if len(list) != 1 || list[0].Attempts != (n+2)/3+(n/2+1)/3 {
		t.Errorf("%+v", list)
	}
}

// An attempt begins with the SYN, if it is the first of its connection.
func TestBegun(t *testing.T) {
	for _, tt := range []struct {
		name   string
		change func(a *Attempt)
		want   func(a *Attempt) flow.Stamp
	}{
		{"first request", func(*Attempt) {}, func(a *Attempt) flow.Stamp { return a.Conn.SYN }},
		{"no request", func(a *Attempt) { a.Request = nil }, func(a *Attempt) flow.Stamp { return a.Conn.SYN }},
		{"later request", func(a *Attempt) { a.Request.Offset = 1 }, func(a *Attempt) flow.Stamp { return a.Request.First }},
		{"no SYN", func(a *Attempt) { a.Conn.SYN = flow.Stamp{} }, func(a *Attempt) flow.Stamp { return a.Request.First }},
	} {
		d := deed{at: time.Second, verdict: OK}
		a := d.attempt(1)
		tt.change(a)
		if got, want := begun(a), tt.want(a); got != want {
			t.Errorf("%s: %+v, want %+v", tt.name, got, want)
		}
	}
}

// No more changes are looked at than there is time for.
func TestManyChanges(t *testing.T) {
	const each = 4
	deeds := manyDeeds(2*each*(maxChanges/each+10), func(i int) deed {
		return deed{client: i / (2 * each), verdict: []Verdict{OK, Rejected}[i%2]}
	})
	changes := 0
	for _, c := range historiesOf(deeds).order {
		if changes += len(c.Changes); c.Breaks != each {
			t.Fatalf("%d breaks", c.Breaks)
		}
	}
	if changes != maxChanges {
		t.Errorf("%d changes", changes)
	}
}
