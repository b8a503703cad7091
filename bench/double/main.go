// Double measures how the cost of wssniff grows when a capture does: twice the
// bytes around as many handshakes may take at most twice the time, and twice the
// connections at most twice the memory.
//
//	go run ./bench/double
//
// It prints a Markdown table. The exit code is 1 if a cost grows faster, and 2 if
// the job could not be done.
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
	exitWrong  = 1 // a cost grows faster than the capture
	exitFailed = 2 // the job could not be done
)

// A growth is a workload that is doubled, and what may at most double.
type growth struct {
	name   string
	format string // of wssniff's output
	once   workload.Spec
	twice  workload.Spec
	what   string
	of     func(measure.Usage) float64
	show   func(float64) string
}

func seconds(v float64) string { return fmt.Sprintf("%.2f s", v) }

func mebibytes(v float64) string { return measure.MiB(v) + " MiB" }

// growths returns what is measured. The numbers of attempts in the first rows are
// equal; in the table only rows that are shown cost memory, and of handshakes that
// went well there are none.
func growths(seed uint64) []growth {
	spec := func(kind string, n workload.Size) workload.Spec {
		return workload.Spec{Kind: kind, Seed: seed, Size: n}
	}
	elephants := func(bytes int64) workload.Spec {
		return spec("elephants", workload.Size{Bytes: bytes, Conns: 2_000})
	}
	return []growth{
		{"bytes around 2,000 handshakes", "jsonl", elephants(400e6), elephants(800e6), "CPU time", measure.CPU, seconds},
		{"connections with a handshake", "jsonl", spec("handshakes", workload.Size{Conns: 100_000}), spec("handshakes", workload.Size{Conns: 200_000}), "peak memory", measure.Peak, mebibytes},
		{"silent upgraded connections", "jsonl", spec("idle", workload.Size{Conns: 200_000}), spec("idle", workload.Size{Conns: 400_000}), "peak memory", measure.Peak, mebibytes},
		{"silent upgraded connections", "table", spec("idle", workload.Size{Conns: 200_000}), spec("idle", workload.Size{Conns: 400_000}), "peak memory", measure.Peak, mebibytes},
	}
}

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the command line.
type options struct {
	dir  string
	seed uint64
	runs int
}

func parseArgs(args []string, stderr io.Writer) (*options, error) {
	fs := flag.NewFlagSet("double", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o := new(options)
	fs.StringVar(&o.dir, "dir", os.TempDir(), "`directory` for the captures, which are removed again; 3 GB")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the captures")
	fs.IntVar(&o.runs, "runs", 3, "pairs of runs")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	if fs.NArg() > 0 || o.runs < 1 {
		return nil, errors.New("no arguments are taken, and -runs is above 0")
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseArgs(args, stderr)
	grows := false
	if err == nil {
		grows, err = o.measure(stdout, stderr)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "double: %v\n", err)
		return exitFailed
	case grows:
		return exitWrong
	}
	return exitOK
}

// measure prints the table, and reports whether something more than doubles.
func (o *options) measure(stdout, log io.Writer) (grows bool, err error) {
	dir, err := os.MkdirTemp(o.dir, "double")
	if err != nil {
		return false, err
	}
	defer os.RemoveAll(dir)
	tools := map[string]string{}
	for name, pkg := range map[string]string{"wssniff": "./cmd/wssniff", "generate": "./bench/generate"} {
		if tools[name], err = measure.Build(dir, name, pkg, log); err != nil {
			return false, err
		}
	}
	fmt.Fprintf(stdout, "%s; medians of %d pairs\n\n", measure.Heading(), o.runs)
	fmt.Fprint(stdout, "| doubled | output | measured | once | twice | grows by |\n|---|---|---|--:|--:|--:|\n")
	for _, g := range growths(o.seed) {
		once, twice, err := o.pairs(&g, dir, tools, log)
		if err != nil {
			return false, err
		}
		ratio := measure.Ratio(twice, once, g.of)
		grows = grows || ratio > 2
		fmt.Fprintf(stdout, "| %s | %s | %s | %s | %s | %s |\n", g.name, g.format, g.what,
			g.show(measure.Middle(once, g.of)), g.show(measure.Middle(twice, g.of)), measure.Times(ratio))
	}
	return grows, nil
}

// pairs measures both captures of a growth in turn.
func (o *options) pairs(g *growth, dir string, tools map[string]string, log io.Writer) (once, twice []measure.Usage, err error) {
	var files [2]string
	for i, spec := range []workload.Spec{g.once, g.twice} {
		files[i] = filepath.Join(dir, strconv.Itoa(i)+".pcap")
		fmt.Fprintf(log, "%s: generating\n", g.name)
		if _, err := measure.Run(nil, tools["generate"], generateArgs(spec, files[i])...); err != nil {
			return nil, nil, err
		}
	}
	for range o.runs {
		for i, file := range files {
			if err := measure.Warm(file); err != nil {
				return nil, nil, err
			}
			u, err := measure.Run(nil, tools["wssniff"], "--format", g.format, file)
			if err != nil {
				return nil, nil, err
			}
			if i == 0 {
				once = append(once, u)
			} else {
				twice = append(twice, u)
			}
		}
	}
	return once, twice, nil
}

// generateArgs tells bench/generate what to make. It is made by another process,
// as Linux counts the memory of this one for those that it starts.
func generateArgs(spec workload.Spec, file string) []string {
	args := []string{"-kind", spec.Kind, "-seed", strconv.FormatUint(spec.Seed, 10), "-o", file}
	for flag, n := range map[string]int64{"-connections": spec.Size.Conns, "-bytes": spec.Size.Bytes} {
		if n > 0 {
			args = append(args, flag, strconv.FormatInt(n, 10))
		}
	}
	return args
}
