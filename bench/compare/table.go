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
	fmt.Fprintln(w, "| workload | packets | size | CPU s | CPU / tcpdump | wall / tcpdump | peak MiB | packets/s | attempts | checked |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, r := range results {
		wall := median(column(r.own, usage.wallTime))
		fmt.Fprintf(w, "| %s | %d | %d MB | %.2f | %s | %s | %s | %.2f M | %d | %s |\n",
			r.kind, r.truth.Packets, r.truth.Bytes/1_000_000, r.cpu(),
			r.ratio(usage.cpuTime), r.ratio(usage.wallTime),
			mebibytes(median(column(r.own, usage.peak))), float64(r.truth.Packets)/wall/1e6, r.truth.Attempts, r.checked)
	}
}

// printPeers prints what the other tools took, and how many times the CPU time
// of wssniff that is.
func printPeers(w io.Writer, results []*result) {
	fmt.Fprintln(w, "\n| workload | tool | CPU s | times wssniff's | wall s | peak MiB |")
	fmt.Fprintln(w, "|---|---|--:|--:|--:|--:|")
	for _, r := range results {
		for _, p := range r.peers {
			if p.err != nil {
				fmt.Fprintf(w, "| %s | %s | failed: %v | | | |\n", r.kind, p.name, p.err)
				continue
			}
			fmt.Fprintf(w, "| %s | %s | %.2f | %.1f | %.2f | %s |\n",
				r.kind, p.name, p.usage.cpu, p.usage.cpu/r.cpu(), p.usage.wall, mebibytes(p.usage.peak()))
		}
	}
}

func (u usage) cpuTime() float64  { return u.cpu }
func (u usage) wallTime() float64 { return u.wall }
func (u usage) peak() float64     { return float64(u.memory) }

func column(list []usage, field func(usage) float64) []float64 {
	var v []float64
	for _, u := range list {
		v = append(v, field(u))
	}
	return v
}

// cpu is the median CPU time of wssniff, in seconds.
func (r *result) cpu() float64 { return median(column(r.own, usage.cpuTime)) }

// ratio is the median of the ratios of wssniff to tcpdump, pair by pair.
func (r *result) ratio(field func(usage) float64) string {
	var v []float64
	for i, reference := range r.reference {
		if d := field(reference); d > 0 {
			v = append(v, field(r.own[i])/d)
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
