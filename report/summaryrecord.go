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
	Requests    int    `json:"http_requests"`

	Attempts   int            `json:"attempts"`
	Of         *int           `json:"selected_from,omitempty"` // attempts in the capture, if some were selected
	Failed     int            `json:"failed"`
	Verdicts   map[string]int `json:"verdicts"`
	Findings   map[string]int `json:"findings"`
	Chains     int            `json:"redirect_chains"`
	Upgrades   int            `json:"other_upgrades"`
	Errors     int            `json:"errors"`
	Warnings   int            `json:"warnings"`
	Notes      int            `json:"notes"`
	NotVisible notVisible     `json:"not_visible"`
	Elapsed    int64          `json:"elapsed_ns,omitempty"`
}

// notVisible counts what the capture could not show.
type notVisible struct {
	Damaged      int    `json:"damaged_inputs"`
	Drops        *int64 `json:"dropped_packets,omitempty"`
	Cut          int64  `json:"cut_packets"`
	LostBytes    int64  `json:"lost_bytes"`
	MidStream    int    `json:"mid_stream_connections"`
	Fragments    int    `json:"ip_fragments"`
	UnknownLinks int    `json:"unknown_link_packets"`
	Evicted      int    `json:"evicted_connections"`
	Panics       int    `json:"decoder_failures"`
	Heads        int    `json:"heads_too_large"`
	Unpaired     int    `json:"unpaired_requests"`
}

func newSummary(in *Input) *summaryRecord {
	c, r, t := &in.Capture, in.Result, count(in.Result)
	s := summaryFields{
		Packets: c.Packets, Bytes: c.Bytes, Start: timestamp(c.First), End: timestamp(c.Last), Inputs: c.Inputs,
		Connections: c.Conns, Segments: c.Segments, TLS: c.TLSConns, HTTP: r.HTTPConns, Requests: r.Requests,
		Attempts: len(r.Attempts), Failed: t.failed, Verdicts: map[string]int{}, Findings: map[string]int{},
		Chains: len(r.Chains), Upgrades: len(r.Upgrades),
		Errors: t.severity[analyze.Error], Warnings: t.severity[analyze.Warning], Notes: t.severity[analyze.Note],
		NotVisible: notVisible{
			Damaged: c.Damaged, Cut: c.Cut, LostBytes: c.LostBytes, MidStream: c.MidStream, Fragments: c.Fragments,
			UnknownLinks: c.UnknownLinks, Evicted: c.Evicted, Panics: c.Panics, Heads: r.HeadsTooLarge, Unpaired: r.Unpaired,
		},
		Elapsed: c.Elapsed.Nanoseconds(),
	}
	if c.Drops >= 0 {
		s.NotVisible.Drops = &c.Drops
	}
	if in.Whole != nil {
		all := len(in.Whole.Attempts)
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
