//go:build linux

package main

import (
	"cmp"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

// A replay sends captures again, and has wssniff and tcpdump listen in turn.
type replay struct {
	*options
	generate string // built command
	log      io.Writer
	sniffers [2]sniffer // wssniff, tcpdump
}

// A row is what came of one workload at one rate.
type row struct {
	kind  string
	rate  int
	sent  int64      // by each run
	pace  float64    // packets per second that were reached, median
	heard [2][]heard // of each sniffer
}

// measure lets the sniffers listen in turn.
func (r *replay) measure(kind string, rate int) (*row, error) {
	file, err := r.capture(kind)
	if err != nil {
		return nil, err
	}
	row := &row{kind: kind, rate: rate}
	var paces []measure.Usage
	for i := range r.runs {
		fmt.Fprintf(r.log, "%s: %d packets/s, run %d of %d\n", kind, rate, i+1, r.runs)
		for j, s := range r.sniffers {
			var took measure.Usage
			h, err := s.listen(func() (err error) {
				row.sent, took, err = r.send(file, rate)
				return err
			})
			if err != nil {
				return nil, err
			}
			paces = append(paces, took)
			row.heard[j] = append(row.heard[j], h)
		}
	}
	row.pace = float64(row.sent) / measure.Middle(paces, measure.Wall)
	return row, nil
}

var sentPackets = regexp.MustCompile(`Actual: (\d+) packets .* sent in ([\d.]+) seconds`)

// send sends packets of a capture into the cable.
func (r *replay) send(file string, rate int) (int64, measure.Usage, error) {
	args := []string{"--preload-pcap", "--intf1", near}
	if rate == 0 {
		args = append(args, "--topspeed")
	} else {
		args = append(args, "--pps", strconv.Itoa(rate), "--limit", strconv.Itoa(rate*r.seconds))
	}
	out, err := exec.Command("tcpreplay", append(args, file)...).CombinedOutput()
	m := sentPackets.FindSubmatch(out)
	if err != nil || m == nil {
		return 0, measure.Usage{}, fmt.Errorf("tcpreplay: %v: %s", err, out)
	}
	seconds, err := strconv.ParseFloat(string(m[2]), 64)
	return number(m[1]), measure.Usage{Wall: seconds}, err
}

// capture makes the capture of a workload.
func (r *replay) capture(kind string) (string, error) {
	file := filepath.Join(r.dir, kind+".pcap")
	spec := workload.Spec{Kind: kind, Seed: 1, Scale: 1}
	if t, err := workload.ReadTruth(file); err == nil && t.Spec == spec && t.Version == workload.Version {
		return file, measure.Warm(file)
	}
	_, err := measure.Run(nil, r.generate, "-kind", kind, "-o", file)
	return file, err
}

// lost is what a sniffer did not get, in the run in which it lost most.
func (r *row) lost(sniffer int) int64 {
	h := slices.MinFunc(r.heard[sniffer], func(a, b heard) int { return cmp.Compare(a.packets, b.packets) })
	return r.sent - h.packets
}

// worse says that wssniff lost packets and tcpdump none.
func (r *row) worse() bool { return r.lost(0) > 0 && r.lost(1) <= 0 }

// usage is what each run took of the processor.
func (r *row) usage(sniffer int) []measure.Usage {
	var list []measure.Usage
	for _, h := range r.heard[sniffer] {
		list = append(list, measure.Usage{CPU: h.cpu.Seconds()})
	}
	return list
}

func (r *row) print(w io.Writer) {
	own, other := r.usage(0), r.usage(1)
	each := func(list []measure.Usage) float64 { return measure.Middle(list, measure.CPU) / float64(r.sent) * 1e9 }
	fmt.Fprintf(w, "| %s | %.0f | %d | %d | %d | %.0f | %.0f | %s |\n", r.kind, r.pace, r.sent,
		r.lost(0), r.lost(1), each(own), each(other), measure.Times(measure.Ratio(own, other, measure.CPU)))
}
