// Package metrics tells Prometheus what a run sees: attempts by verdict and server,
// findings, latencies, and whether the capture keeps up.
//
// Every label has a bounded number of values, and none of them holds a byte that
// the wire could choose freely.
package metrics

import (
	"regexp"
	"runtime"
	runtimemetrics "runtime/metrics"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"

	"github.com/wssniff/wssniff/analyze"
)

// Metrics are the figures of one run. One goroutine may call Attempt and Stats;
// meanwhile they are served to others.
type Metrics struct {
	registry  *prometheus.Registry
	servers   servers
	findings  *prometheus.CounterVec
	handshake prometheus.Histogram
	latest    atomic.Pointer[tick]
}

// A tick is what Stats was called with, and when.
type tick struct {
	Stats
	at time.Time
}

// latencies are the bounds of the histogram, in seconds: from what a server on the
// same network needs, to what no client waits for.
var latencies = []float64{.001, .0025, .005, .01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60}

// New makes the figures of a run of this version of the program.
func New(version string) *Metrics {
	m := &Metrics{
		registry: prometheus.NewRegistry(),
		servers:  newServers(),
		findings: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "wssniff_findings_total",
			Help: "Findings about attempts, by code (wssniff --explain CODE) and severity.",
		}, []string{"code", "severity"}),
		handshake: prometheus.NewHistogram(prometheus.HistogramOpts{
			Name:    "wssniff_handshake_seconds",
			Help:    "Time from the last byte of the request to the first byte of its answer.",
			Buckets: latencies,
		}),
	}
	// What is there with 0 shows an increase when it is counted first.
	for _, code := range analyze.Codes() {
		m.findings.WithLabelValues(code.String(), code.Entry().Severity.String())
	}
	build := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name:        "wssniff_build_info",
		Help:        "1, with the version of the program.",
		ConstLabels: prometheus.Labels{"version": version, "goversion": runtime.Version()},
	}, func() float64 { return 1 })
	memory := prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "wssniff_memory_bytes",
		Help: "Memory that the program has from the system, without what it shares with the kernel.",
	}, memory)
	// With it what was in use when garbage was collected last.
	ofGo := collectors.NewGoCollector(collectors.WithGoCollectorRuntimeMetrics(
		collectors.GoRuntimeMetricsRule{Matcher: regexp.MustCompile(`^/gc/heap/live:bytes$`)}))
	m.registry.MustRegister(m.servers.attempts, m.findings, m.handshake, figures{m}, build, memory, ofGo)
	return m
}

// Attempt counts an attempt that is decided, once. It keeps nothing of it.
func (m *Metrics) Attempt(a *analyze.Attempt) {
	m.servers.of(a)[a.Verdict].Inc()
	for i := range a.Findings {
		f := &a.Findings[i]
		m.findings.WithLabelValues(f.Code.String(), f.Severity.String()).Inc()
	}
	if d, ok := a.Waited(); ok && d >= 0 {
		m.handshake.Observe(d.Seconds())
	}
}

// Ended counts what was found only when the connection of an attempt was over that
// was counted before.
func (m *Metrics) Ended(a *analyze.Attempt, before analyze.Standing) {
	for i := range a.Findings {
		if f := &a.Findings[i]; !before.Has(f.Code) {
			m.findings.WithLabelValues(f.Code.String(), f.Severity.String()).Inc()
		}
	}
}

// memory asks the runtime what it holds and did not give back.
func memory() float64 {
	of := []runtimemetrics.Sample{{Name: "/memory/classes/total:bytes"}, {Name: "/memory/classes/heap/released:bytes"}}
	runtimemetrics.Read(of)
	return float64(of[0].Value.Uint64() - of[1].Value.Uint64())
}
