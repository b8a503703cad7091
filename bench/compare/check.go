package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os/exec"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

// checkedAll is the outcome of a check that found no difference.
const checkedAll = "all"

// check compares what wssniff finds in a capture with the truth.
func (c *comparison) check(file string, truth *workload.Truth) (string, error) {
	cmd := exec.Command(c.wssniff, "--format", "jsonl", "--summary", file)
	found := newFound()
	cmd.Stdout, cmd.Stderr = &measure.Lines{Take: found.take}, c.log
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("wssniff: %w", err)
	}
	if found.err != nil {
		return "", fmt.Errorf("output of wssniff: %w", found.err)
	}
	if differences := found.compare(truth); len(differences) > 0 {
		return strings.Join(differences, ", "), nil
	}
	return checkedAll, nil
}

// A found counts what wssniff prints.
type found struct {
	verdicts map[string]int64
	summary  []byte // the last line with a summary
	err      error
}

func newFound() *found { return &found{verdicts: map[string]int64{}} }

// take counts one line.
func (f *found) take(line []byte) {
	var r struct {
		Record    string `json:"record"`
		WebSocket struct {
			Verdict string `json:"verdict"`
		} `json:"websocket"`
	}
	if err := json.Unmarshal(line, &r); err != nil {
		f.err = err
		return
	}
	switch r.Record {
	case "attempt":
		f.verdicts[r.WebSocket.Verdict]++
	case "summary":
		f.summary = bytes.Clone(line)
	}
}

// compare lists what differs from the truth.
func (f *found) compare(t *workload.Truth) []string {
	var s struct {
		WebSocket struct {
			Summary struct {
				Packets     int64 `json:"packets"`
				Connections int64 `json:"connections"`
				Attempts    int64 `json:"attempts"`
				NotVisible  struct {
					Evicted int64 `json:"evicted_connections"`
				} `json:"not_visible"`
			} `json:"summary"`
		} `json:"websocket"`
	}
	if err := json.Unmarshal(f.summary, &s); err != nil {
		return []string{fmt.Sprintf("no summary: %v", err)}
	}
	var list []string
	compare := func(what string, got, want int64) {
		if got != want {
			list = append(list, fmt.Sprintf("%s %d instead of %d", what, got, want))
		}
	}
	got := s.WebSocket.Summary
	compare("packets", got.Packets, t.Packets)
	if again := got.Connections - t.Connections; again < 0 || again > got.NotVisible.Evicted {
		// a connection that was forgotten to make room is counted again
		// when it goes on
		compare("connections", got.Connections, t.Connections)
	}
	compare("attempts", got.Attempts, t.Attempts)
	names := maps.Clone(t.Verdicts)
	maps.Copy(names, f.verdicts)
	for _, v := range slices.Sorted(maps.Keys(names)) {
		compare(v, f.verdicts[v], t.Verdicts[v])
	}
	return list
}
