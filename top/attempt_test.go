package top

import (
	"net/netip"
	"strings"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// start is when the attempts of the tests begin.
var start = time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)

// A try is an attempt in short.
type try struct {
	client, server string
	verdict        analyze.Verdict
	code           analyze.Code // of the error that it has, if it failed
	host, target   string
	after          time.Duration // since start
}

// attempt makes an attempt of it.
func (t try) attempt() *analyze.Attempt {
	at := flow.Stamp{Frame: 1, Time: start.Add(t.after).UnixNano()}
	a := &analyze.Attempt{
		Verdict: t.verdict,
		Conn:    &flow.Evidence{A: netip.MustParseAddrPort(t.client), B: netip.MustParseAddrPort(t.server), First: at},
		Request: &analyze.Message{First: at, Head: analyze.Head{
			Method: "GET", Target: t.target, Fields: []analyze.Field{{Name: "Host", Value: t.host}},
		}},
	}
	if t.verdict.Failed() {
		a.Findings = []analyze.Finding{{Code: t.code, Severity: analyze.Error}}
	}
	return a
}

// fleet is what some devices do at a gateway.
func fleet() []try {
	const api, cloud = "device-api.example.com", "cloud.example.net"
	var list []try
	add := func(n int, t try, every time.Duration) {
		addr, port, _ := strings.Cut(t.client, "+")
		for i := range n {
			t.client = addr + ":" + port
			t.after += every
			list = append(list, t)
			_ = i
		}
	}
	add(42, try{"192.0.2.31+54720", "203.0.113.9:80", analyze.Redirected, analyze.RedirectNotFollowed, api, "/ws?token=s3cr3t-value-1", 0}, 10*time.Second)
	add(9, try{"192.0.2.44+40111", "203.0.113.9:80", analyze.AcceptMismatch, analyze.AcceptWrongGUID, api, "/ws", 100 * time.Second}, 30*time.Second)
	add(120, try{"192.0.2.7+33100", "198.51.100.20:8080", analyze.OK, 0, cloud, "/live", 0}, 3*time.Second)
	add(1, try{"192.0.2.7+33101", "198.51.100.20:8080", analyze.Rejected, analyze.Status502, cloud, "/live", 363 * time.Second}, 0)
	add(3, try{"[2001:db8:17:4::a1f]+50001", "[2001:db8::443]:443", analyze.TLSFailed, analyze.TLSClientClock, "", "", 200 * time.Second}, 50*time.Second)
	add(17, try{"192.0.2.60+1025", "203.0.113.9:80", analyze.Indeterminate, 0, api, "/ws", 0}, 20*time.Second)
	add(6, try{"192.0.2.61+1025", "198.51.100.20:8080", analyze.NoResponse, analyze.HTTPRequestUnanswered, cloud, "/a/rather/long/path/for/one/line", 300 * time.Second}, 15*time.Second)
	add(30, try{"192.0.2.62+1025", "198.51.100.20:8080", analyze.OK, 0, cloud, "/live", 0}, 12*time.Second)
	add(5, try{"10.128.200.113+65001", "203.0.113.9:80", analyze.BadHandshake, analyze.ResponseConnectionMissing, "xn--bcher-kva.example", "/", 390 * time.Second}, time.Second)
	return list
}
