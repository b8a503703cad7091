package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/metrics"
)

// unlike are captures whose incidents depend on the order in which attempts are
// told: one of which the connection is open is told before a failed one that began
// earlier, whose end has to be waited for.
var unlike = map[string]bool{"generated/client-fails-everywhere.pcap": true}

// TestToldAsAtEnd reads every capture several times: attempts are decided at the end,
// and as it goes on. Both say the same, once what was told of open connections is
// replaced by how they ended, and count the same, in the summary, in metrics and for
// --fail-on.
func TestToldAsAtEnd(t *testing.T) {
	ways := []*aWay{{}, {told: true, every: tellEvery, failOn: "error"}, {told: true, failOn: "warning"}, {told: true, failOn: "note"}}
	for _, w := range ways {
		w.meter = &meter{Metrics: metrics.New("")}
	}
	for name, path := range captures(t) {
		t.Run(name, func(t *testing.T) {
			want := ways[0].read(t, path)
			for _, w := range ways[1:] {
				got := w.read(t, path)
				if unlike[name] {
					got["summary"] = want["summary"]
				}
				for _, s := range []string{"error", "warning", "note"} {
					if s != w.failOn {
						got["--fail-on "+s] = want["--fail-on "+s]
					}
				}
				if d := cmp.Diff(want, got); d != "" {
					t.Errorf("decided every %d ns (-at the end +meanwhile):\n%s", w.every, d)
				}
			}
		})
	}
	want := counted(t, ways[0].meter)
	for _, w := range ways[1:] {
		if d := cmp.Diff(want, counted(t, w.meter)); d != "" {
			t.Errorf("metrics, decided every %d ns (-at the end +meanwhile):\n%s", w.every, d)
		}
	}
}

// TestFailOnEnd finds something only when a WebSocket that was told of is over.
func TestFailOnEnd(t *testing.T) {
	r := readFile(t, filepath.Join("..", "..", "testdata", "pcaps", "generated", "subprotocol-unknown-then-silent.pcap"))
	for failOn, want := range map[string]bool{"": false, "error": false, "warning": true, "note": true} {
		tell := (&options{format: "jsonl", failOn: failOn}).newTeller(io.Discard, io.Discard, nil, nil, nil)
		x := r.result.Attempts.At(0)
		x.Findings = slices.DeleteFunc(x.Findings, func(f analyze.Finding) bool { return f.Code != analyze.SubprotocolUnknownThenSilent })
		late := x.Findings
		x.Findings = nil
		tell.attempt(x)
		before := tell.found
		x.Findings = late
		tell.ended(x, "")
		if before || tell.found != want {
			t.Errorf("--fail-on %q: found %v, then %v, want %v", failOn, before, tell.found, want)
		}
	}
}

// aWay is a way to read captures.
type aWay struct {
	told   bool  // attempts are decided as it goes on
	every  int64 // how often
	failOn string
	meter  *meter
}

// read returns the lines about attempts of a capture, by where they are in it, and
// which --fail-on something was found for.
func (w *aWay) read(t *testing.T, path string) map[string]any {
	t.Helper()
	keys := &keyring{}
	if err := keys.load(func(string) (string, bool) { return "", false }, false); err != nil {
		t.Fatal(err)
	}
	src, err := capture.Open([]string{path}, &capture.Config{Secrets: keys.embed})
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var out bytes.Buffer
	o := &options{format: "jsonl", summary: true, failOn: w.failOn}
	rd := &reader{limits: &limits{}, keys: keys, complain: func(error) {}}
	if w.told {
		rd.tell = o.newTeller(&out, io.Discard, nil, nil, w.meter)
		rd.tell.every = w.every
	}
	r := rd.read(src)
	found, err := o.conclude(&out, rd.tell, nil, r)
	if err != nil {
		t.Fatal(err)
	}
	lines := byPlace(t, out.String())
	if w.told {
		lines["--fail-on "+w.failOn] = found
		return lines
	}
	for x := range r.result.Attempts.All() {
		w.meter.attempt(x)
	}
	for s := range severities {
		lines["--fail-on "+s] = (&options{failOn: s}).failed(r)
	}
	return lines
}

// counted are the figures that a meter serves about attempts, but for a sum, which
// depends on the order.
func counted(t *testing.T, m *meter) (lines []string) {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go m.Serve(l, 0)
	_, page := scraper(l.Addr().String()).get("/metrics")
	for line := range strings.Lines(page) {
		about := strings.HasPrefix(line, "wssniff_attempts_total{") || strings.HasPrefix(line, "wssniff_findings_total{") || strings.HasPrefix(line, "wssniff_handshake_seconds_")
		if about && !strings.Contains(line, "_sum") {
			lines = append(lines, line)
		}
	}
	if len(lines) == 0 {
		t.Errorf("nothing is counted: %s", page)
	}
	return lines
}

// byPlace returns the lines about attempts by where they are in the capture, in the
// place of what was told of an open connection how it ended, and all others.
func byPlace(t *testing.T, out string) map[string]any {
	t.Helper()
	lines := map[string]any{}
	for line := range strings.Lines(out) {
		var x map[string]any
		if err := json.Unmarshal([]byte(line), &x); err != nil {
			t.Fatal(err)
		}
		ws := x["websocket"].(map[string]any)
		place := fmt.Sprint(ws["tcp_stream"], ws["h2_stream"], ws["request_frame"], ws["response_frame"])
		switch x["record"] {
		case "attempt":
			if lines[place] != nil {
				t.Errorf("the attempt at %s is told twice", place)
			}
		case "end":
			if lines[place] == nil {
				t.Errorf("the attempt at %s ended before it was told", place)
			}
		case "summary":
			place = "summary"
		default:
			continue
		}
		delete(x, "record")
		if redirect, ok := ws["redirect"].(map[string]any); ok {
			delete(redirect, "chain") // they are numbered as they are told
		}
		lines[place] = x
	}
	return lines
}
