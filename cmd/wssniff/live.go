package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/spf13/pflag"

	"github.com/wssniff/wssniff/capture"
)

// live says what to listen to, and how.
type live struct {
	iface    string // "": read files
	list     bool
	discreet bool // not promiscuous
	snapLen  int
	ringMiB  int
	user     string // what root becomes
}

func (l *live) define(fs *pflag.FlagSet) {
	fs.StringVarP(&l.iface, "interface", "i", "", "capture live on `IFACE`; any: on all")
	toggle(fs, &l.list, "list-interfaces", "D", "list the interfaces")
	toggle(fs, &l.discreet, "no-promiscuous-mode", "p", "see only what the interface sees anyway")
	fs.IntVarP(&l.snapLen, "snapshot-length", "s", 0, "live: keep `BYTES` of each packet (default: all)")
	fs.Lookup("snapshot-length").DefValue = "0"
	fs.IntVarP(&l.ringMiB, "buffer-size", "B", capture.DefaultRing>>20, "live: `MIB` in which the kernel leaves packets")
	fs.StringVarP(&l.user, "relinquish-privileges", "Z", "nobody", "live: become `USER` once all is open, if root; root: stay")
}

func (l *live) validate() error {
	switch {
	case l.snapLen < 0 || l.snapLen > capture.DefaultMaxPacket:
		return fmt.Errorf("--snapshot-length is from 0 to %d, not %d", capture.DefaultMaxPacket, l.snapLen)
	case l.ringMiB < 1 || l.ringMiB > capture.MaxRing>>20:
		return fmt.Errorf("--buffer-size is from 1 to %d, not %d", capture.MaxRing>>20, l.ringMiB)
	}
	return nil
}

// Privileges are what a live capture keeps once it has begun.
type privileges struct {
	user   string // that root becomes
	files  string // directory in which files have to be made; "": none
	output string // directory of the file that -o names, which may be made anew there; "": there is none
	serves bool   // it serves clients on a port that is open
}

// untilAsked is done when a capture for which more may come is to end: with the
// first SIGINT or SIGTERM, the second one being for the system, or, unless it comes
// through a pipe, after the duration that was asked for. For files it is never
// done.
func (o *options) untilAsked(stdin io.Reader) (ctx context.Context, release func()) {
	ctx = context.Background()
	endless := o.live.iface != "" || o.follow || slices.ContainsFunc(o.inputs, capture.IsRemote)
	if !endless && !(slices.Contains(o.inputs, "-") && capture.IsPipe(stdin)) {
		return ctx, func() {}
	}
	ctx, release = signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	context.AfterFunc(ctx, release)
	// Where no packets come, their time does not pass.
	if d := o.until.duration; endless && d > 0 {
		o.until.duration = 0
		time.AfterFunc(d, release)
	}
	return ctx, release
}

// listen begins to capture, until ctx is done.
func (l *live) listen(ctx context.Context, pass *packetFilter, tell func(string)) (*listening, error) {
	lv, err := capture.Listen(l.iface, &capture.LiveConfig{
		SnapLen:     l.snapLen,
		Ring:        l.ringMiB << 20,
		Promiscuous: !l.discreet,
		Filter:      pass.forKernel(),
		Tell:        tell,
	})
	if err != nil {
		return nil, err
	}
	in := &listening{Live: lv}
	context.AfterFunc(ctx, in.stop)
	return in, nil
}

// A listening is a live capture that ends when it is asked to.
type listening struct {
	*capture.Live
	asked  atomic.Pointer[time.Time] // when to end; nil: not
	last   int64                     // time of the last packet
	failed bool
}

// atLast is how long a capture goes on at most when it was asked to end, to read
// what had come by then.
const atLast = time.Second

func (l *listening) stop() {
	now := time.Now()
	l.asked.Store(&now)
}

// Next waits for the next packet. It is capture.ErrIdle when none came for a
// moment, and io.EOF when all were read that had come when the end was asked for.
func (l *listening) Next(p *capture.Packet) error {
	if l.over() {
		return io.EOF
	}
	asked := l.asked.Load() != nil
	err := l.Live.Next(p)
	switch {
	case err == nil:
		l.last = p.Time
	case err != capture.ErrIdle:
		l.failed = true
	case asked: // nothing came since then
		return io.EOF
	}
	return err
}

func (l *listening) over() bool {
	asked := l.asked.Load()
	return l.failed || asked != nil && (l.last > asked.UnixNano() || time.Since(*asked) > atLast)
}
