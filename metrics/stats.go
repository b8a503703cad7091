package metrics

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// Stats is what a run counted so far, and what it holds now.
type Stats struct {
	Down string // why no packets can come at present; "": they can

	Packets, Bytes int64 // that were read
	Drops          int64 // packets that the kernel had no room for; -1: not known
	Ring, RingHigh int64 // bytes of the ring that the kernel leaves packets in, and of those that were full at once, at most; Ring 0: there is none

	Opened, Tracked, HalfOpen int64     // connections: all, remembered now, of them those that showed only a handshake
	Evicted                   Evictions // connections forgotten for want of room
	Attempts                  int64     // attempts that are kept; -1: not known
	LostBytes                 int64     // of TCP payload, not in the capture
	Gaps                      []Gap     // what else was not seen or not read
	Evidence                  *Evidence // nil: none is kept
}

// Evictions counts connections by what they were when they were forgotten.
type Evictions struct {
	HalfOpen int64 // showed only a handshake
	Idle     int64 // nobody wanted their bytes
	Busy     int64 // were being read: an attempt may have no verdict
}

// A Gap is a kind of things that were not seen or not read. Its name is one of
// those in the summary of a report, and never from the wire.
type Gap struct {
	Name  string
	Count int64
}

// Evidence is what was written of the packets of conversations.
type Evidence struct {
	Conversations, Bytes int64
}

// Stats takes the figures as they are now, which also tells that the run goes on:
// to be called every second. The Stats belong to Metrics from then on.
func (m *Metrics) Stats(s Stats) { m.latest.Store(&tick{s, time.Now()}) }

// A figure is a metric that Stats has the values of.
type figure struct {
	name, help string
	kind       prometheus.ValueType
	labels     []string
	values     func(*tick, add)
}

// An add takes a value, and the values of the labels. One below 0 is not known,
// and left out.
type add func(value int64, labels ...string)

const (
	counter = prometheus.CounterValue
	gauge   = prometheus.GaugeValue
)

// allFigures is never written.
var allFigures = []figure{
	{"wssniff_up", "Whether packets can come: 0 while the interface is down or gone.", gauge, nil,
		func(t *tick, add add) {
			if t.Down == "" {
				add(1)
			} else {
				add(0)
			}
		}},
	{"wssniff_last_tick_timestamp_seconds", "When the figures were taken, which is done every second as long as packets are read or waited for.", gauge, nil,
		func(t *tick, add add) { add(t.at.Unix()) }},
	{"wssniff_packets_total", "Packets read.", counter, nil,
		func(t *tick, add add) { add(t.Packets) }},
	{"wssniff_bytes_total", "Bytes of the packets read.", counter, nil,
		func(t *tick, add add) { add(t.Bytes) }},
	{"wssniff_kernel_drops_total", "Packets that found no room in the ring.", counter, nil,
		func(t *tick, add add) { add(t.Drops) }},
	{"wssniff_ring_bytes", "Size of the ring in which the kernel leaves packets (--buffer-size).", gauge, nil,
		func(t *tick, add add) {
			if t.Ring > 0 {
				add(t.Ring)
			}
		}},
	{"wssniff_ring_high_water_bytes", "Most of the ring that was ever full at once.", gauge, nil,
		func(t *tick, add add) {
			if t.Ring > 0 {
				add(t.RingHigh)
			}
		}},
	{"wssniff_connections_opened_total", "TCP connections seen.", counter, nil,
		func(t *tick, add add) { add(t.Opened) }},
	{"wssniff_connections", "TCP connections remembered now (--max-connections).", gauge, nil,
		func(t *tick, add add) { add(t.Tracked) }},
	{"wssniff_half_open_connections", "Of them, those that showed only a handshake (--max-half-open).", gauge, nil,
		func(t *tick, add add) { add(t.HalfOpen) }},
	{"wssniff_evictions_total", "Connections forgotten for want of room: half-open ones, idle ones that nobody reads, and busy ones.", counter, []string{"kind"},
		func(t *tick, add add) {
			add(t.Evicted.HalfOpen, "half-open")
			add(t.Evicted.Idle, "idle")
			add(t.Evicted.Busy, "busy")
		}},
	{"wssniff_tracked_attempts", "Attempts that are kept (--max-attempts).", gauge, nil,
		func(t *tick, add add) { add(t.Attempts) }},
	{"wssniff_lost_bytes_total", "Bytes of TCP payload that are missing in the capture.", counter, nil,
		func(t *tick, add add) { add(t.LostBytes) }},
	{"wssniff_gaps_total", "What else was not seen or not read, by its name in the summary of a report.", counter, []string{"kind"},
		func(t *tick, add add) {
			for _, g := range t.Gaps {
				add(g.Count, g.Name)
			}
		}},
	{"wssniff_evidence_conversations_total", "Conversations written as evidence.", counter, nil,
		func(t *tick, add add) {
			if t.Evidence != nil {
				add(t.Evidence.Conversations)
			}
		}},
	{"wssniff_evidence_bytes_total", "Bytes written as evidence.", counter, nil,
		func(t *tick, add add) {
			if t.Evidence != nil {
				add(t.Evidence.Bytes)
			}
		}},
}

func (f *figure) desc() *prometheus.Desc { return prometheus.NewDesc(f.name, f.help, f.labels, nil) }

// figures collects what Stats was called with last.
type figures struct{ m *Metrics }

func (c figures) Describe(ch chan<- *prometheus.Desc) {
	for i := range allFigures {
		ch <- allFigures[i].desc()
	}
}

func (c figures) Collect(ch chan<- prometheus.Metric) {
	t := c.m.latest.Load()
	if t == nil {
		return
	}
	for i := range allFigures {
		f := &allFigures[i]
		desc := f.desc()
		f.values(t, func(value int64, labels ...string) {
			if value >= 0 {
				ch <- prometheus.MustNewConstMetric(desc, f.kind, float64(value), labels...)
			}
		})
	}
}
