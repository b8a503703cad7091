package report

import (
	"time"

	"github.com/wssniff/wssniff/analyze"
)

// A summaryRecord is the last line.
type summaryRecord struct {
	Record    string      `json:"record"`
	WebSocket summaryPart `json:"websocket"`
}

type summaryPart struct {
	Schema  int           `json:"schema"`
	Summary summaryFields `json:"summary"`
}

type summaryFields struct {
	Packets     int64  `json:"packets"`
	Bytes       int64  `json:"bytes"`
	Start       string `json:"start,omitempty"`
	End         string `json:"end,omitempty"`
	Inputs      int    `json:"inputs"`
	Connections int    `json:"connections"`
	Segments    int    `json:"tcp_segments"`
	TLS         int    `json:"tls_connections"`
	HTTP        int    `json:"http_connections"`
	HTTP2       int    `json:"http2_connections,omitempty"`
	Requests    int    `json:"http_requests"`

	Attempts   int              `json:"attempts"`
	Of         *int             `json:"selected_from,omitempty"` // attempts in the capture, if some were selected
	Failed     int              `json:"failed"`
	Verdicts   map[string]int   `json:"verdicts"`
	Findings   map[string]int   `json:"findings"`
	Chains     int              `json:"redirect_chains"`
	Upgrades   int              `json:"other_upgrades"`
	Errors     int              `json:"errors"`
	Warnings   int              `json:"warnings"`
	Notes      int              `json:"notes"`
	NotVisible map[string]int64 `json:"not_visible"`
	Elapsed    int64            `json:"elapsed_ns,omitempty"`
}

func newSummary(in *Input, t *tally) *summaryRecord {
	c, r := &in.Capture, in.Result
	s := summaryFields{
		Packets: c.Packets, Bytes: c.Bytes, Start: timestamp(c.First), End: timestamp(c.Last), Inputs: c.Inputs,
		Connections: c.Conns, Segments: c.Segments, TLS: c.TLSConns, HTTP: r.HTTPConns, HTTP2: r.H2Conns, Requests: r.Requests,
		Attempts: in.attempts(), Failed: t.failed, Verdicts: map[string]int{}, Findings: map[string]int{},
		Chains: in.chains(), Upgrades: len(r.Upgrades) + r.UnlistedUpgrades,
		Errors: t.severity[analyze.Error], Warnings: t.severity[analyze.Warning], Notes: t.severity[analyze.Note],
		NotVisible: map[string]int64{},
		Elapsed:    c.Elapsed.Nanoseconds(),
	}
	for _, g := range c.Gaps {
		if g.Count >= 0 {
			s.NotVisible[g.Name] = g.Count
		}
	}
	s.NotVisible["unlisted_clients"] = int64(in.whole().UnlistedClients())
	if all := in.all(); in.some() {
		s.Of = &all
	}
	for v, n := range t.verdicts {
		s.Verdicts[v.String()] = n
	}
	for code, n := range t.findings {
		s.Findings[code.String()] = n
	}
	return &summaryRecord{"summary", summaryPart{schemaVersion, s}}
}

func timestamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
