package main

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

// Bounds that a month has to keep.
const (
	maxPeak  = 1 << 30 // bytes resident, not reached by any run
	maxRatio = 1.3     // of a run for one device to that for all, in CPU time
	fewOf    = 20      // the ratio counts if the device has one in so many attempts at most: else it is that of printing
)

// deviceFlag is the flag of wssniff that takes the address of a device, IP or
// MAC, and prints client records. Another flag takes IP alone and prints none.
const deviceFlag = "device"

// A result is a way to run wssniff, and a row of the table.
type result struct {
	name    string
	args    []string                // measured
	printed []string                // checked: the same in JSON Lines
	devices []*workload.DeviceTruth // that it is to show
	clients bool                    // client records are wanted
	wrong   []string                // what differs from the truth
	took    []measure.Usage
	bytes   int64
}

// results are the run for all, and those for the device with most attempts.
func (o *options) results(truth *workload.MonthTruth) []*result {
	jsonl := append([]string{"--format", "jsonl"}, o.extra...)
	clients := o.deviceFlag == deviceFlag
	list := []*result{{
		name: "all", args: slices.Concat(jsonl, []string{o.dir}), printed: slices.Concat(jsonl, []string{"--summary", o.dir}),
		devices: truth.Devices, clients: clients,
	}}
	one := slices.MaxFunc(truth.Devices, func(a, b *workload.DeviceTruth) int { return int(a.Attempts - b.Attempts) })
	names := []string{one.IP.String(), one.MAC}
	if !clients {
		names = names[:1]
	}
	for _, name := range names {
		selected := []string{"--" + o.deviceFlag, name, o.dir}
		list = append(list, &result{
			name: "--" + o.deviceFlag + " " + name, args: slices.Concat(o.extra, selected), printed: slices.Concat(jsonl, selected),
			devices: []*workload.DeviceTruth{one}, clients: clients,
		})
	}
	for _, r := range list {
		r.bytes = truth.Bytes
	}
	return list
}

// check compares what wssniff prints with the truth.
func (r *result) check(wssniff string, truth *workload.MonthTruth) error {
	f := newFound()
	if _, err := measure.Run(&measure.Lines{Take: f.take}, wssniff, r.printed...); err != nil {
		return err
	}
	if f.err != nil {
		return fmt.Errorf("output of wssniff: %w", f.err)
	}
	r.wrong = f.compareDevices(r.devices, r.clients)
	if len(r.devices) == len(truth.Devices) {
		r.wrong = append(r.wrong, f.compareSummary(truth)...)
	}
	return nil
}

// attempts is how many the run is to show.
func (r *result) attempts() (n int64) {
	for _, d := range r.devices {
		n += d.Attempts
	}
	return n
}

// printTable prints all results, and reports whether everything is right and all
// bounds are kept.
func printTable(w io.Writer, o *options, results []*result) (right bool) {
	fmt.Fprintf(w, "%s, scale %g, %d rounds\n\n", measure.Heading(), o.scale, o.runs)
	fmt.Fprintln(w, "| run | attempts | size | CPU s | wall s | peak MiB | CPU / all | wall / all | checked |")
	fmt.Fprintln(w, "|---|--:|--:|--:|--:|--:|--:|--:|---|")
	all := results[0].took
	right = true
	for _, r := range results {
		peak, cpu, wall := measure.Middle(r.took, measure.Peak), measure.Ratio(r.took, all, measure.CPU), measure.Ratio(r.took, all, measure.Wall)
		few := r.attempts()*fewOf <= results[0].attempts()
		right = right && len(r.wrong) == 0 && peak < maxPeak && (cpu <= maxRatio || !few)
		fmt.Fprintf(w, "| %s | %d | %d MB | %.2f | %.2f | %s | %s | %s | %s |\n", r.name, r.attempts(), r.bytes/1_000_000,
			measure.Middle(r.took, measure.CPU), measure.Middle(r.took, measure.Wall), measure.MiB(peak),
			measure.Times(cpu), measure.Times(wall), checked(r.wrong))
	}
	return right
}

// maxShown is how many differences are printed.
const maxShown = 5

func checked(wrong []string) string {
	switch {
	case len(wrong) == 0:
		return "all"
	case len(wrong) > maxShown:
		return fmt.Sprintf("%s and %d more", strings.Join(wrong[:maxShown], ", "), len(wrong)-maxShown)
	}
	return strings.Join(wrong, ", ")
}
