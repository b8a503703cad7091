package main

import (
	"bytes"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

func TestFound(t *testing.T) {
	const output = `{"record":"attempt","websocket":{"verdict":"ok"}}
{"record":"attempt","websocket":{"verdict":"rejected"}}
{"record":"attempt","websocket":{"verdict":"ok"}}
{"record":"summary","websocket":{"summary":{"packets":9,"connections":4,"attempts":3}}}
`
	f := newFound()
	lines := &measure.Lines{Take: f.take}
	for part := range slices.Chunk([]byte(output), 7) { // lines come in pieces
		lines.Write(part)
	}
	truth := &workload.Truth{Packets: 9, Connections: 4, Attempts: 3, Verdicts: map[string]int64{"ok": 2, "rejected": 1}}
	if d := f.compare(truth); len(d) > 0 {
		t.Errorf("differences: %q", d)
	}
	truth.Connections = 5
	if d := f.compare(truth); len(d) != 1 {
		t.Errorf("differences with a connection missing: %q", d)
	}
	truth.Connections = 3
	if d := f.compare(truth); len(d) != 1 {
		t.Errorf("differences with a connection too many: %q", d)
	}
	f.summary = bytes.Replace(f.summary, []byte(`"attempts"`), []byte(`"not_visible":{"evicted_connections":1},"attempts"`), 1)
	if d := f.compare(truth); len(d) != 0 {
		t.Errorf("differences with one forgotten and seen again: %q", d)
	}
	truth.Connections = 4
	truth.Packets, truth.Verdicts = 10, map[string]int64{"ok": 2, "no-response": 1}
	want := "packets 9 instead of 10, no-response 0 instead of 1, rejected 1 instead of 0"
	if got := strings.Join(f.compare(truth), ", "); got != want {
		t.Errorf("differences: %q, want %q", got, want)
	}
}

func TestTables(t *testing.T) {
	took := func(x float64) []measure.Usage { return []measure.Usage{{CPU: x, Wall: 2 * x, Peak: x * (1 << 22)}} }
	r := &result{
		kind: "mixed", truth: &workload.Truth{Packets: 8_000_000, Bytes: 9_000_000, Attempts: 7}, checked: checkedAll,
		pairs: pairs{own: took(4), other: took(2)},
		peers: []peerResult{
			{name: "tshark", pairs: pairs{own: took(4), other: took(10)}},
			{name: "httpry", err: errors.New("a | b\nc")},
		},
	}
	var b strings.Builder
	printTable(&b, []*result{r})
	printPeers(&b, []*result{r})
	rows := strings.Split(b.String(), "\n")
	for _, want := range []string{
		"| mixed | 8000000 | 9 MB | 4.00 | 2.00 | 2.00 | 16 | 2.00 | 1.00 M | 7 | all |",
		"| mixed | tshark | 10.00 | 20.00 | 40 | 2.50 | 2.50 | 2.50 |",
		`| mixed | httpry | failed: a \| b c | | | | | |`,
	} {
		if !slices.Contains(rows, want) {
			t.Errorf("no row %q in\n%s", want, b.String())
		}
	}
}
