// Month measures wssniff on a month of one gateway, as a whole and for one
// device, and checks that it finds every device's attempts.
//
//	go run ./bench/month -scale 0.1
//
// It prints a Markdown table. The exit code is 1 if a count differs from the
// truth or a bound of the README is not kept, and 2 if the job could not be done.
// Arguments after -- are flags for wssniff.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

// Exit codes.
const (
	exitOK     = 0
	exitWrong  = 1 // a count or a bound
	exitFailed = 2 // the job could not be done
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the command line.
type options struct {
	dir        string
	scale      float64
	seed       uint64
	runs       int
	deviceFlag string
	generate   bool
	extra      []string // flags for wssniff
}

func parseArgs(args []string, stderr io.Writer) (*options, error) {
	fs := flag.NewFlagSet("month", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o := new(options)
	fs.StringVar(&o.dir, "dir", filepath.Join("bench", "data", "month"), "`directory` of the captures")
	fs.Float64Var(&o.scale, "scale", 0.01, "`factor` on the number of devices; 1: 2,000 devices, 3 million attempts, 4 GB")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the month")
	fs.IntVar(&o.runs, "runs", 3, "rounds of runs")
	fs.StringVar(&o.deviceFlag, "device-flag", deviceFlag, "`flag` of wssniff that selects a device")
	fs.BoolVar(&o.generate, "generate", false, "make the captures and do nothing else")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	o.extra = fs.Args()
	if o.runs < 1 || o.scale <= 0 {
		return nil, errors.New("-runs and -scale are above 0")
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseArgs(args, stderr)
	var results []*result
	switch {
	case err != nil:
	case o.generate:
		_, err = workload.GenerateMonth(o.dir, o.month())
	default:
		results, err = o.measure(stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "month: %v\n", err)
		return exitFailed
	}
	if len(results) > 0 && !printTable(stdout, o, results) {
		return exitWrong
	}
	return exitOK
}

func (o *options) month() workload.MonthSpec { return workload.Month(o.seed, o.scale) }

// measure runs wssniff on the month, which is made if it is not there.
func (o *options) measure(log io.Writer) ([]*result, error) {
	truth, err := o.capture(log)
	if err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "month")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(tmp)
	wssniff, err := measure.Build(tmp, "wssniff", "./cmd/wssniff", log)
	if err != nil {
		return nil, err
	}
	results := o.results(truth)
	for _, r := range results {
		fmt.Fprintf(log, "%s: checking\n", r.name)
		if err := r.check(wssniff, truth); err != nil {
			return nil, err
		}
	}
	for i := range o.runs {
		fmt.Fprintf(log, "round %d of %d\n", i+1, o.runs)
		if err := o.round(wssniff, results); err != nil {
			return nil, err
		}
	}
	return results, nil
}

// round runs everything once, so that all meet the same mood of the machine, on
// files that the kernel has in memory.
func (o *options) round(wssniff string, results []*result) error {
	files, err := filepath.Glob(filepath.Join(o.dir, "month-*.pcap"))
	for _, f := range files {
		if err == nil {
			err = measure.Warm(f)
		}
	}
	for _, r := range results {
		if err != nil {
			return err
		}
		var u measure.Usage
		u, err = measure.Run(nil, wssniff, r.args...)
		r.took = append(r.took, u)
	}
	return err
}

// capture returns the truth of the month in the directory, made anew if it is not
// there or is another than wanted. It is made by another process, as Linux counts
// the memory of this one for those that it starts.
func (o *options) capture(log io.Writer) (*workload.MonthTruth, error) {
	if t, err := workload.ReadMonthTruth(o.dir); err == nil && t.Spec == o.month() && t.Version == workload.MonthVersion {
		return t, nil
	}
	if err := os.MkdirAll(o.dir, 0o755); err != nil {
		return nil, err
	}
	fmt.Fprintf(log, "generating %s\n", o.dir)
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	_, err = measure.Run(nil, self, "-generate", "-dir", o.dir,
		"-seed", strconv.FormatUint(o.seed, 10), "-scale", strconv.FormatFloat(o.scale, 'g', -1, 64))
	if err != nil {
		return nil, err
	}
	return workload.ReadMonthTruth(o.dir)
}
