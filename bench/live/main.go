//go:build linux

// Live measures wssniff on an interface beside tcpdump: what each takes of the
// processor for a packet, and what it loses, while packets come faster and faster.
//
//	go run ./bench/live -kinds mixed,elephants
//
// Or what it holds, while connections come and go for long:
//
//	go run ./bench/live -soak 20m
//
// It needs root, and Debian's iproute2, tcpdump and tcpreplay. The exit code is 1 if
// wssniff lost packets at a rate at which tcpdump lost none, and 2 if a soak failed or
// the job could not be done.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/wssniff/wssniff/bench/measure"
)

// Exit codes.
const (
	exitOK     = 0
	exitLost   = 1 // wssniff lost what tcpdump did not
	exitFailed = 2 // the job could not be done
)

func main() { os.Exit(run(os.Args[1:], os.Stdout, os.Stderr)) }

// options are the command line.
type options struct {
	dir     string
	kinds   []string
	rates   []int // packets per second; 0: as fast as it goes
	seconds int   // for which packets come, if there are enough
	runs    int
	ring    int // MiB
	soak    time.Duration
	inside  bool // in a network of its own
}

func parseArgs(args []string, stderr io.Writer) (*options, error) {
	fs := flag.NewFlagSet("live", flag.ContinueOnError)
	fs.SetOutput(stderr)
	o := new(options)
	fs.StringVar(&o.dir, "dir", filepath.Join("bench", "data"), "`directory` of captures and built commands")
	kinds := fs.String("kinds", "mixed", "`workloads` to replay, separated by commas")
	rates := fs.String("rates", "10000,50000,100000,200000,400000,0", "packets per `second`, separated by commas; 0: as fast as it goes")
	fs.IntVar(&o.seconds, "seconds", 5, "`time` for which packets come at each rate, if the workload has enough")
	fs.IntVar(&o.runs, "runs", 5, "pairs of runs per rate")
	fs.IntVar(&o.ring, "ring", 8, "`MiB` of the ring of each")
	fs.DurationVar(&o.soak, "soak", 0, "instead, have connections come and go for that `time`")
	fs.BoolVar(&o.inside, "inside", false, "this is a network where a cable may be laid: not for you")
	if err := fs.Parse(args); err != nil {
		return nil, err
	}
	o.kinds = strings.Split(*kinds, ",")
	for _, word := range strings.Split(*rates, ",") {
		rate, err := strconv.Atoi(word)
		if err != nil || rate < 0 {
			return nil, fmt.Errorf("%q is no rate", word)
		}
		o.rates = append(o.rates, rate)
	}
	if fs.NArg() > 0 || o.seconds < 1 || o.runs < 1 || o.ring < 1 {
		return nil, errors.New("no arguments are taken, and -seconds, -runs and -ring are above 0")
	}
	return o, nil
}

func run(args []string, stdout, stderr io.Writer) int {
	fail := func(err error) int {
		fmt.Fprintf(stderr, "live: %v\n", err)
		return exitFailed
	}
	o, err := parseArgs(args, stderr)
	if err == nil {
		err = os.MkdirAll(o.dir, 0o755)
	}
	if err != nil {
		return fail(err)
	}
	if !o.inside {
		return again(args, stdout, stderr)
	}
	wssniff, err := measure.Build(o.dir, "wssniff", "./cmd/wssniff", stderr)
	if err == nil {
		err = cable()
	}
	if err != nil {
		return fail(err)
	}
	if o.soak > 0 {
		if err := (&soak{lasts: o.soak, wssniff: wssniff, dir: o.dir}).run(stdout); err != nil {
			return fail(err)
		}
		return exitOK
	}
	generate, err := measure.Build(o.dir, "generate", "./bench/generate", stderr)
	if err != nil {
		return fail(err)
	}
	r := &replay{options: o, generate: generate, log: stderr, sniffers: [2]sniffer{wssniffs(wssniff, o.ring), tcpdumps(o.ring)}}
	fmt.Fprintf(stdout, "%s, ring of %d MiB, %d runs\n\n", measure.Heading(), o.ring, o.runs)
	fmt.Fprintln(stdout, "| workload | packets/s | sent | lost: wssniff | lost: tcpdump | ns/packet: wssniff | ns/packet: tcpdump | CPU / tcpdump |")
	fmt.Fprintln(stdout, "|---|--:|--:|--:|--:|--:|--:|--:|")
	worse := false
	for _, kind := range o.kinds {
		for _, rate := range o.rates {
			row, err := r.measure(kind, rate)
			if err != nil {
				return fail(fmt.Errorf("%s: %w", kind, err))
			}
			worse = worse || row.worse()
			row.print(stdout)
		}
	}
	if worse {
		return exitLost
	}
	return exitOK
}

// The ends of the cable: packets that are sent on one come in on the other.
const (
	near = "near"
	far  = "far"
)

// again runs this program once more, in a network of its own.
func again(args []string, stdout, stderr io.Writer) int {
	cmd := exec.Command("/proc/self/exe", append([]string{"-inside"}, args...)...)
	cmd.Stdout, cmd.Stderr = stdout, stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNET}
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		fmt.Fprintf(stderr, "live: a network of its own needs root: %v\n", err)
		return exitFailed
	}
	return cmd.ProcessState.ExitCode()
}

// cable lays a cable, and lets lo speak.
func cable() error {
	for _, args := range []string{
		"link set lo up",
		"link add " + near + " mtu 9000 type veth peer name " + far + " mtu 9000",
		"link set " + near + " addrgenmode none up",
		"link set " + far + " addrgenmode none up", // or else there are packets of IPv6
	} {
		if out, err := exec.Command("ip", strings.Fields(args)...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %s: %w: %s", args, err, out)
		}
	}
	return nil
}
