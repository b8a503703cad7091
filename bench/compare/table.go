package main

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
)

// printHeading says when and on what was measured.
func printHeading(w io.Writer, o *options) {
	fmt.Fprintf(w, "%s, %s, %d cores, %s %s/%s, scale %g, %d runs\n\n", time.Now().Format(time.DateOnly),
		processor(), runtime.NumCPU(), runtime.Version(), runtime.GOOS, runtime.GOARCH, o.scale, o.runs)
}

// processor is the model of the processor.
func processor() string {
	f, err := os.Open("/proc/cpuinfo")
	if err != nil {
		return "unknown processor"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if name, model, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(name) == "model name" {
			return strings.TrimSpace(model)
		}
	}
	return "unknown processor"
}

func printTable(w io.Writer, results []*result) {
	fmt.Fprintln(w, "| workload | packets | size | CPU s | CPU / tcpdump | wall / tcpdump | peak MiB | peak / tcpdump | packets/s | attempts | checked |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, r := range results {
		wall := middle(r.own, usage.wallTime)
		fmt.Fprintf(w, "| %s | %d | %d MB | %.2f | %s | %s | %s | %s | %.2f M | %d | %s |\n",
			r.kind, r.truth.Packets, r.truth.Bytes/1_000_000, middle(r.own, usage.cpuTime),
			ratio(r.own, r.other, usage.cpuTime), ratio(r.own, r.other, usage.wallTime),
			mebibytes(middle(r.own, usage.peak)), ratio(r.own, r.other, usage.peak),
			float64(r.truth.Packets)/wall/1e6, r.truth.Attempts, r.checked)
	}
}

// printPeers prints what the other tools took, and how many times that of wssniff
// it is.
func printPeers(w io.Writer, results []*result) {
	fmt.Fprintln(w, "\n| workload | tool | CPU s | wall s | peak MiB | CPU / wssniff | wall / wssniff | peak / wssniff |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|--:|--:|")
	for _, r := range results {
		for _, p := range r.peers {
			if p.err != nil {
				fmt.Fprintf(w, "| %s | %s | failed: %s | | | | | |\n", r.kind, p.name, cell(p.err.Error()))
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %.2f | %.2f | %s | %s | %s | %s |\n", r.kind, p.name,
				middle(p.other, usage.cpuTime), middle(p.other, usage.wallTime), mebibytes(middle(p.other, usage.peak)),
				ratio(p.other, p.own, usage.cpuTime), ratio(p.other, p.own, usage.wallTime), ratio(p.other, p.own, usage.peak))
		}
	}
}

// cell makes a text fit into one cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

func (u usage) cpuTime() float64  { return u.cpu }
func (u usage) wallTime() float64 { return u.wall }
func (u usage) peak() float64     { return float64(u.memory) }

// middle is the median of what some runs took.
func middle(list []usage, field func(usage) float64) float64 {
	var v []float64
	for _, u := range list {
		v = append(v, field(u))
	}
	return median(v)
}

// ratio is the median of the ratios of two tools, pair by pair.
func ratio(of, to []usage, field func(usage) float64) string {
	var v []float64
	for i := range min(len(of), len(to)) {
		if d := field(to[i]); d > 0 {
			v = append(v, field(of[i])/d)
		}
	}
	if len(v) == 0 {
		return "-"
	}
	return fmt.Sprintf("%.2f", median(v))
}

func mebibytes(bytes float64) string {
	if bytes == 0 {
		return "-"
	}
	return fmt.Sprintf("%.0f", bytes/(1<<20))
}
