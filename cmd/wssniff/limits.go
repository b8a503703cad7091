package main

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly"
)

// limits bound what a capture may cost. Each that was hit shows in the summary.
type limits struct {
	conns, halfOpen, waiting, attempts   int
	queued, queuedDir, frags, head, held size
	holeWait, holeWaitUnacked, fragsWait time.Duration
	remember                             time.Duration // of connections that are over; 0: as long as there is room
	checkSums                            bool
	failures                             analyze.ConnectFailures
}

func (l *limits) define(fs *pflag.FlagSet) {
	d := reassembly.Defaults()
	fs.IntVar(&l.conns, "max-connections", d.MaxConns, "remember `N` connections, rather forget idle ones")
	fs.IntVar(&l.halfOpen, "max-half-open", 0, "of them, `N` that show only a handshake (default: an eighth)")
	fs.Lookup("max-half-open").DefValue = "0"
	sized(fs, &l.queued, "max-queued", size(d.MaxQueued), "keep `SIZE` of bytes that came out of order")
	sized(fs, &l.queuedDir, "max-queued-direction", size(d.MaxQueuedDir), "the same for one direction: `SIZE` at most")
	sized(fs, &l.frags, "max-fragments", size(d.MaxFragments), "keep `SIZE` of incomplete IP packets")
	sized(fs, &l.head, "max-head", analyze.MaxHead, "read heads up to `SIZE`")
	fs.IntVar(&l.waiting, "max-waiting", analyze.MaxPipelined, "let `N` requests of a connection wait for their answers")
	fs.IntVar(&l.attempts, "max-attempts", analyze.MaxAttempts, "list the first `N` attempts of the capture")
	sized(fs, &l.held, "max-held", analyze.MaxHeld, "keep `SIZE` of what a client sends before the answer to its upgrade")
	fs.DurationVar(&l.holeWait, "hole-wait", time.Duration(d.HoleWait), "wait `TIME` for bytes that the receiver has acknowledged")
	fs.DurationVar(&l.holeWaitUnacked, "hole-wait-unacked", time.Duration(d.HoleWaitUnacked), "wait `TIME` for bytes that it has not")
	fs.DurationVar(&l.fragsWait, "fragment-wait", time.Duration(d.FragmentWait), "wait `TIME` for the fragments of an IP packet")
}

func (l *limits) validate() error {
	switch {
	case l.conns < 1:
		return fmt.Errorf("--max-connections cannot be %d", l.conns)
	case l.halfOpen < 0 || l.halfOpen > l.conns:
		return fmt.Errorf("--max-half-open cannot be %d: it is a part of --max-connections, %d", l.halfOpen, l.conns)
	case l.waiting < 1:
		return fmt.Errorf("--max-waiting cannot be %d", l.waiting)
	case l.attempts < 1:
		return fmt.Errorf("--max-attempts cannot be %d", l.attempts)
	case min(l.holeWait, l.holeWaitUnacked, l.fragsWait) <= 0:
		return fmt.Errorf("the times of --hole-wait, --hole-wait-unacked and --fragment-wait are greater than 0")
	}
	return nil
}

func (l *limits) reassembly() *reassembly.Config {
	return &reassembly.Config{
		MaxConns: l.conns, MaxHalfOpen: l.halfOpen, MaxQueued: int(l.queued), MaxQueuedDir: int(l.queuedDir), MaxFragments: int(l.frags),
		HoleWait: l.holeWait.Nanoseconds(), HoleWaitUnacked: l.holeWaitUnacked.Nanoseconds(), FragmentWait: l.fragsWait.Nanoseconds(),
		Remember: l.remember.Nanoseconds(), CheckSums: l.checkSums,
	}
}

// twiceMSL is how long late segments of a connection may come, RFC 9293, Section
// 3.4.2. An input that goes on for months forgets one that is over after that; in a
// file it is the same tcp.stream as long as there is room, as in Wireshark.
const twiceMSL = 4 * time.Minute

func (l *limits) analyze() *analyze.Limits {
	return &analyze.Limits{Head: int(l.head), Pipelined: l.waiting, Held: int(l.held), Attempts: l.attempts}
}

// A size is a number of bytes, written with k, M or G if it is large, as ripgrep
// and dd take it.
type size int64

func sized(fs *pflag.FlagSet, p *size, name string, value size, usage string) {
	*p = value
	fs.Var(p, name, usage)
}

func (s *size) Type() string { return "size" }

func (s *size) String() string {
	n, unit := int64(*s), ""
	for _, u := range []string{"k", "M", "G"} {
		if n == 0 || n%1024 != 0 {
			break
		}
		n, unit = n/1024, u
	}
	return strconv.FormatInt(n, 10) + unit
}

func (s *size) Set(v string) error {
	digits := strings.TrimRight(v, "kKMG")
	shift := map[string]int{"": 0, "k": 10, "K": 10, "M": 20, "G": 30}
	by, ok := shift[v[len(digits):]]
	n, err := strconv.ParseInt(digits, 10, 64)
	if !ok || err != nil || n < 1 || n > math.MaxInt>>by {
		return fmt.Errorf("a size like 65536, 64k or 16M, not %q", v)
	}
	*s = size(n << by)
	return nil
}

// setFailures sets which failures count as attempts.
func (l *limits) setFailures(v string) error {
	which, ok := map[string]analyze.ConnectFailures{
		"auto": analyze.KnownOrSome, "known": analyze.KnownFailures, "all": analyze.AllFailures, "none": analyze.NoFailures,
	}[v]
	if !ok {
		return fmt.Errorf("auto, known, all or none, not %q", v)
	}
	l.failures = which
	return nil
}
