package main

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"github.com/wssniff/wssniff/bench/workload"
)

// A history is what a client record says of how a device came back and when it
// broke.
type history struct {
	Rhythm struct {
		Kind   string        `json:"kind"`
		Median time.Duration `json:"median_ns"`
		From   time.Duration `json:"from_ns"`
	} `json:"rhythm"`
	Breaks  int64 `json:"breaks"`
	Changes []struct {
		First struct {
			At time.Time `json:"@timestamp"`
		} `json:"first_failure"`
	} `json:"changes"`
}

// A disconnect is a moment at which a server ended many WebSockets.
type disconnect struct {
	server      netip.Addr
	at          time.Time
	connections int64
}

// Waits in a capture hold what the device and the network add to its period, a
// fiftieth and some round trips; the times of a truth are those of the request, of
// a client record those of the attempt.
const (
	addedWait = 150 * time.Millisecond
	addedTime = time.Second

	firstChanges = 3 // in order; behind them a record has the last
)

// history lists what differs in how a device came back and when it broke.
func (d *differences) history(ip string, got *history, want *workload.DeviceTruth) {
	kind, wait := want.Rhythm.Kind, got.Rhythm.Median
	if kind == "exponential" { // it never shows unless something fails
		if kind = "constant"; len(want.Broke) > 0 {
			kind, wait = "back-off", got.Rhythm.From
		}
	}
	d.text(ip+": rhythm", got.Rhythm.Kind, kind)
	period := time.Duration(want.Rhythm.Period * float64(time.Second))
	if wait < period || wait > period+period/50+addedWait {
		*d = append(*d, fmt.Sprintf("%s: waits %v instead of %v", ip, wait, period))
	}
	d.count(ip+": breaks", got.Breaks, int64(len(want.Broke)))
	for i := range min(len(got.Changes), len(want.Broke), firstChanges) {
		if at := got.Changes[i].First.At; at.Sub(want.Broke[i].At).Abs() > addedTime {
			*d = append(*d, fmt.Sprintf("%s: broke at %v instead of %v", ip, at, want.Broke[i].At))
		}
	}
}

// disconnects lists which mass disconnects differ. Some WebSockets that end by
// themselves right before or after may belong to them.
func (d *differences) disconnects(got []disconnect, want []*workload.MassDisconnect) {
	d.count("mass disconnects", int64(len(got)), int64(len(want)))
	for _, w := range want {
		near := func(g disconnect) bool {
			return g.server == w.Server && g.at.Sub(w.At).Abs() <= 2*time.Second &&
				w.Connections <= g.connections && g.connections <= w.Connections+w.Connections/10+1
		}
		if !slices.ContainsFunc(got, near) {
			*d = append(*d, fmt.Sprintf("no mass disconnect of %d connections of %v at %v", w.Connections, w.Server, w.At))
		}
	}
}
