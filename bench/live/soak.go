//go:build linux

package main

import (
	"bytes"
	"fmt"
	"io"
	"math"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/wssniff/wssniff/bench/measure"
)

// A soak has wssniff listen for long while connections come and go, and looks now
// and then at what it holds.
type soak struct {
	lasts   time.Duration
	wssniff string // built command
	dir     string
}

// A soak has settled after a quarter of its time. From then on the heap must stay
// within drift of what it was, and there must not be more goroutines and
// descriptors.
const (
	settled   = 4
	drift     = 0.1
	lookEvery = 10 * time.Second
	looksKept = 6 // go into a row
)

// A look is what wssniff holds at a moment: metrics, and descriptors.
type look map[string]float64

// What a look is at. The heap is what was in use when garbage was collected last.
const (
	heap        = "go_gc_heap_live_bytes"
	memory      = "wssniff_memory_bytes"
	goroutines  = "go_goroutines"
	descriptors = "descriptors"
	connections = "wssniff_connections"
	halfOpen    = "wssniff_half_open_connections"
	opened      = "wssniff_connections_opened_total"
	evidence    = "wssniff_evidence_bytes_total"
	dropped     = "wssniff_kernel_drops_total"
)

// run prints a row for each minute, and fails if something grows or is wrong.
func (s *soak) run(stdout io.Writer) error {
	file := filepath.Join(s.dir, "soak", "failures.pcapng")
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	cmd := exec.Command(s.wssniff, "-i", "lo", "-Z", "root", "--format", "jsonl", "--metrics", "9464", "-w", file, "-C", "5", "-W", "3")
	told := make(verdicts)
	var stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &measure.Lines{Take: told.count}, &stderr
	if err := cmd.Start(); err != nil {
		return err
	}
	defer cmd.Wait() // a second one does nothing
	defer cmd.Process.Kill()
	if err := listening(); err != nil {
		return fmt.Errorf("wssniff: %w: %s", err, stderr.Bytes())
	}
	c, err := begin()
	if err != nil {
		return err
	}
	first, last, err := s.watch(stdout, cmd.Process.Pid)
	want := c.end()
	time.Sleep(2 * lookEvery) // what is open is told when it is over
	cmd.Process.Signal(syscall.SIGINT)
	if ended := cmd.Wait(); err == nil {
		err = ended
	}
	if err != nil {
		return fmt.Errorf("wssniff: %w: %s", err, stderr.Bytes())
	}
	if err := told.compare(stdout, want); err != nil {
		return err
	}
	return last.compare(first)
}

// watch looks until the time is over. It returns what was held when the run had
// settled, and at last.
func (s *soak) watch(stdout io.Writer, pid int) (first, last look, err error) {
	fmt.Fprintln(stdout, "| minute | heap MiB | memory MiB | goroutines | descriptors | connections | half-open | opened | evidence MB | dropped |")
	fmt.Fprintln(stdout, "|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")
	var looks []look
	for begun := time.Now(); time.Since(begun) < s.lasts; {
		time.Sleep(lookEvery)
		l, err := lookAt(pid)
		if err != nil {
			return nil, nil, err
		}
		if looks = append(looks, l); len(looks) < looksKept {
			continue
		}
		last, looks = rowOf(looks), nil
		passed := time.Since(begun)
		if first == nil && passed >= s.lasts/settled {
			first = last
		}
		fmt.Fprintf(stdout, "| %.0f | %.1f | %.1f | %.0f | %.0f | %.0f | %.0f | %.0f | %.1f | %.0f |\n", passed.Minutes(),
			last[heap]/(1<<20), last[memory]/(1<<20), last[goroutines], last[descriptors],
			last[connections], last[halfOpen], last[opened], last[evidence]/1e6, last[dropped])
	}
	if first == nil {
		return nil, nil, fmt.Errorf("%v is too short: looks are taken every %v, and %d are a row", s.lasts, lookEvery, looksKept)
	}
	return first, last, nil
}

// lookAt asks a running wssniff, and the kernel about it.
func lookAt(pid int) (look, error) {
	client := http.Client{Timeout: lookEvery}
	r, err := client.Get("http://127.0.0.1:9464/metrics")
	if err != nil {
		return nil, err
	}
	defer r.Body.Close()
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(r.Body)
	if err != nil {
		return nil, err
	}
	l := look{}
	for name, f := range families {
		for _, m := range f.Metric {
			l[name] += m.GetGauge().GetValue() + m.GetCounter().GetValue()
		}
	}
	list, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	l[descriptors] = float64(len(list))
	return l, err
}

// rowOf is the largest figure of each, but of the heap, which includes what was made
// while garbage was looked for, the median.
func rowOf(looks []look) look {
	l := look{}
	var heaps []float64
	for _, each := range looks {
		for name, v := range each {
			l[name] = max(l[name], v)
		}
		heaps = append(heaps, each[heap])
	}
	l[heap] = measure.Median(heaps)
	return l
}

// compare fails if more is held than at first.
func (l look) compare(first look) error {
	switch {
	case math.Abs(l[heap]-first[heap]) > drift*first[heap]:
		return fmt.Errorf("the heap went from %.1f to %.1f MiB", first[heap]/(1<<20), l[heap]/(1<<20))
	case l[goroutines] > first[goroutines]:
		return fmt.Errorf("goroutines went from %v to %v", first[goroutines], l[goroutines])
	case l[descriptors] > first[descriptors]:
		return fmt.Errorf("descriptors went from %v to %v", first[descriptors], l[descriptors])
	}
	return nil
}
