package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/wssniff/wssniff/bench/measure"
)

// printHeading says when, on what and how often was measured.
func printHeading(w io.Writer, o *options) {
	fmt.Fprintf(w, "%s, scale %g, %d runs\n\n", measure.Heading(), o.scale, o.runs)
}

func printTable(w io.Writer, results []*result) {
	fmt.Fprintln(w, "| workload | packets | size | CPU s | CPU / tcpdump | wall / tcpdump | peak MiB | peak / tcpdump | packets/s | attempts | checked |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|---|")
	for _, r := range results {
		wall := measure.Middle(r.own, measure.Wall)
		fmt.Fprintf(w, "| %s | %d | %d MB | %.2f | %s | %s | %s | %s | %.2f M | %d | %s |\n",
			r.kind, r.truth.Packets, r.truth.Bytes/1_000_000, measure.Middle(r.own, measure.CPU),
			ratio(r.own, r.other, measure.CPU), ratio(r.own, r.other, measure.Wall),
			measure.MiB(measure.Middle(r.own, measure.Peak)), ratio(r.own, r.other, measure.Peak),
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
				measure.Middle(p.other, measure.CPU), measure.Middle(p.other, measure.Wall), measure.MiB(measure.Middle(p.other, measure.Peak)),
				ratio(p.other, p.own, measure.CPU), ratio(p.other, p.own, measure.Wall), ratio(p.other, p.own, measure.Peak))
		}
	}
}

// cell makes a text fit into one cell of a table.
func cell(s string) string {
	return strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "|", `\|`)
}

// ratio is how many times as much one tool took as the other.
func ratio(of, to []measure.Usage, field func(measure.Usage) float64) string {
	return measure.Times(measure.Ratio(of, to, field))
}
