package main

import (
	"errors"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/metrics"
	"github.com/wssniff/wssniff/reassembly"
)

// A meter serves the figures of a run. A nil meter serves nothing.
type meter struct {
	*metrics.Metrics
	l     net.Listener
	iface string   // "": packets do not come from an interface
	seen  *witness // nil: no evidence is kept
	due   atomic.Bool
	timer *time.Timer // sets due
}

const (
	meterEvery = time.Second      // figures are taken, at most
	patience   = 30 * time.Second // how long an interface may bring neither packets nor idleness
)

// setMetrics takes a port, for which loopback is meant, or host:port.
func (o *options) setMetrics(v string) error {
	host, port := "", v
	if strings.Contains(v, ":") {
		var err error
		if host, port, err = net.SplitHostPort(v); err != nil {
			return fmt.Errorf("a port or host:port, not %q", v)
		}
	}
	if n, err := strconv.ParseUint(port, 10, 16); err != nil || n == 0 {
		return fmt.Errorf("a port is from 1 to 65535, not %q", port)
	}
	if host == "" {
		host = "127.0.0.1"
	}
	o.metrics = net.JoinHostPort(host, port)
	return nil
}

// lasts reports whether the input may go on for long.
func (o *options) lasts() bool {
	return o.live.iface != "" || o.follow || slices.ContainsFunc(o.inputs, func(name string) bool { return name == "-" || capture.IsRemote(name) })
}

// newMeter opens where --metrics says. Nothing is served there until begin.
func (o *options) newMeter() (*meter, error) {
	if o.metrics == "" {
		return nil, nil
	}
	l, err := net.Listen("tcp", o.metrics)
	if err != nil {
		if call, ok := errors.AsType[*os.SyscallError](err); ok {
			err = call.Err // the rest repeats the address
		}
		return nil, fmt.Errorf("--metrics %s: %w", o.metrics, err)
	}
	m := &meter{Metrics: metrics.New(version()), l: l, iface: o.live.iface}
	m.due.Store(true)
	m.timer = time.AfterFunc(meterEvery, func() { m.due.Store(true) })
	return m, nil
}

// begin serves from now on. That it cannot any more is told. Only an interface is
// read without waiting for ever, so only there silence tells something.
func (m *meter) begin(seen *witness, tell func(string)) {
	if m == nil {
		return
	}
	m.seen = seen
	var most time.Duration
	if m.iface != "" {
		most = patience
	}
	go func() {
		if err := m.Serve(m.l, most); !errors.Is(err, net.ErrClosed) {
			tell(fmt.Sprintf("metrics are not served any more: %v", err))
		}
	}()
}

// step takes the figures if it is time. In between it costs one look.
func (m *meter) step(src source, asm *reassembly.Reassembler, a *analyze.Analyzer) {
	if m != nil && m.due.Load() {
		m.take(src, asm, a)
	}
}

func (m *meter) take(src source, asm *reassembly.Reassembler, a *analyze.Analyzer) {
	m.due.Store(false)
	c, s := src.Stats(), asm.Stats()
	m.Stats(m.figures(&c, &s, a.Listed()))
	m.timer.Reset(meterEvery)
}

// figures are those of a run as metrics has them.
func (m *meter) figures(c *capture.Stats, s *reassembly.Stats, attempts int) metrics.Stats {
	f := metrics.Stats{
		Packets: c.Packets, Bytes: c.Bytes, Drops: c.Drops, Ring: c.Ring, RingHigh: c.RingHigh,
		Opened: int64(s.Conns), Tracked: int64(s.Tracked), HalfOpen: int64(s.HalfOpen),
		Evicted: metrics.Evictions{
			HalfOpen: int64(s.EvictedHalfOpen),
			Idle:     int64(s.Evicted - s.EvictedHalfOpen - s.EvictedBusy),
			Busy:     int64(s.EvictedBusy),
		},
		Attempts:  int64(attempts),
		LostBytes: s.LostBytes,
	}
	if m.seen != nil {
		kept := m.seen.writer.Stats()
		f.Evidence = &metrics.Evidence{Conversations: int64(kept.Conversations), Bytes: kept.Bytes}
	}
	if c.Away {
		f.Down = m.iface + " is down"
	}
	for _, g := range packetGaps(c, s) {
		if !slices.Contains(ownMetric, g.Name) {
			f.Gaps = append(f.Gaps, metrics.Gap{Name: g.Name, Count: g.Count})
		}
	}
	return f
}

// ownMetric are the gaps that have a metric of their own.
var ownMetric = []string{"dropped_packets", "lost_bytes", "evicted_connections", "evicted_busy_connections"}

// attempt counts one that was decided.
func (m *meter) attempt(t *analyze.Attempt) {
	if m != nil {
		m.Attempt(t)
	}
}

// ended counts what is new of one that was counted before.
func (m *meter) ended(t *analyze.Attempt, before analyze.Standing) {
	if m != nil {
		m.Ended(t, before)
	}
}

// end serves no longer.
func (m *meter) end() {
	if m != nil {
		m.timer.Stop()
		m.l.Close()
	}
}
