// Compare measures wssniff against tcpdump, and against other tools that are
// installed, on made-up captures, and checks that it finds what is in them.
//
//	go run ./bench/compare -kinds mixed,web -scale 0.1
//
// It prints one Markdown table, and with -peers a second one. The exit code is 1 if wssniff's counts differ
// from the truth of a capture, and 2 if the job could not be done.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/wssniff/wssniff/bench/workload"
)

// Exit codes.
const (
	exitOK     = 0
	exitWrong  = 1 // wssniff's counts differ from the truth
	exitFailed = 2 // the job could not be done
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the command line.
type options struct {
	dir      string
	kinds    []string
	scale    float64
	seed     uint64
	runs     int
	peers    bool
	peerRuns int
	ng       bool
}

func parseArgs(args []string, stderr io.Writer) (*options, error) {
	fs := flag.NewFlagSet("compare", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o := new(options)
	fs.StringVar(&o.dir, "dir", filepath.Join("bench", "data"), "`directory` of captures and built commands")
	kinds := fs.String("kinds", strings.Join(workload.Kinds(), ","), "`workloads` to run, separated by commas")
	fs.Float64Var(&o.scale, "scale", 1, "`factor` on the sizes of the workloads")
	fs.Uint64Var(&o.seed, "seed", 1, "seed of the captures")
	fs.IntVar(&o.runs, "runs", 5, "pairs of runs per workload")
	fs.BoolVar(&o.peers, "peers", false, "also compare with tshark, tcpflow and httpry")
	fs.IntVar(&o.peerRuns, "peer-runs", 1, "pairs of runs per workload with each of these")
	fs.BoolVar(&o.ng, "pcapng", false, "captures in pcapng")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	o.kinds = strings.Split(*kinds, ",")
	if fs.NArg() > 0 || o.runs < 1 || o.peerRuns < 1 || o.scale <= 0 {
		return nil, errors.New("no arguments are taken, and -runs, -peer-runs and -scale are above 0")
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	o, err := parseArgs(args, stderr)
	if err == nil {
		err = os.MkdirAll(o.dir, 0o755)
	}
	var c *comparison
	if err == nil {
		c, err = newComparison(o, stderr)
	}
	if err != nil {
		fmt.Fprintf(stderr, "compare: %v\n", err)
		return exitFailed
	}
	results, wrong, err := c.measureAll()
	printHeading(stdout, o)
	printTable(stdout, results)
	if o.peers {
		printPeers(stdout, results)
	}
	switch {
	case err != nil:
		fmt.Fprintf(stderr, "compare: %v\n", err)
		return exitFailed
	case wrong:
		return exitWrong
	}
	return exitOK
}
