package main

import (
	"fmt"
	"io"
	"os"
	"os/signal"
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
}

// maxRingMiB is far more than a kernel gives.
const maxRingMiB = 1 << 14

func (l *live) define(fs *pflag.FlagSet) {
	fs.StringVarP(&l.iface, "interface", "i", "", "capture live on `IFACE`; any: on all")
	toggle(fs, &l.list, "list-interfaces", "D", "list the interfaces")
	toggle(fs, &l.discreet, "no-promiscuous-mode", "p", "see only what the interface sees anyway")
	fs.IntVarP(&l.snapLen, "snapshot-length", "s", 0, "live: keep `BYTES` of each packet (default: all)")
	fs.Lookup("snapshot-length").DefValue = "0"
	fs.IntVarP(&l.ringMiB, "buffer-size", "B", capture.DefaultRing>>20, "live: `MIB` in which the kernel leaves packets")
}

func (l *live) validate() error {
	switch {
	case l.snapLen < 0 || l.snapLen > capture.DefaultMaxPacket:
		return fmt.Errorf("--snapshot-length is from 0 to %d, not %d", capture.DefaultMaxPacket, l.snapLen)
	case l.ringMiB < 1 || l.ringMiB > maxRingMiB:
		return fmt.Errorf("--buffer-size is from 1 to %d, not %d", maxRingMiB, l.ringMiB)
	}
	return nil
}

// listen begins to capture. It ends with the first SIGINT or SIGTERM, the second
// one ends the program, or when some time has passed; 0: it does not.
func (l *live) listen(pass *packetFilter, duration time.Duration, tell func(string)) (*listening, error) {
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
	in := &listening{Live: lv, signals: make(chan os.Signal, 1)}
	signal.Notify(in.signals, os.Interrupt, syscall.SIGTERM)
	go in.awaitSignal()
	if duration > 0 {
		time.AfterFunc(duration, in.stop)
	}
	return in, nil
}

// A listening is a live capture that ends when it is asked to.
type listening struct {
	*capture.Live
	signals chan os.Signal
	asked   atomic.Pointer[time.Time] // when to end; nil: not
	last    int64                     // time of the last packet
	failed  bool
}

// atLast is how long a capture goes on at most when it was asked to end, to read
// what had come by then.
const atLast = time.Second

func (l *listening) awaitSignal() {
	if _, ok := <-l.signals; ok {
		signal.Stop(l.signals)
		l.stop()
	}
}

func (l *listening) stop() {
	now := time.Now()
	l.asked.CompareAndSwap(nil, &now)
}

// Next waits for the next packet. It is io.EOF when all were read that had come
// when the end was asked for.
func (l *listening) Next(p *capture.Packet) error {
	for !l.over() {
		switch err := l.Live.Next(p); {
		case err == nil:
			l.last = p.Time
			return nil
		case err != capture.ErrIdle:
			l.failed = true
			return err
		case l.asked.Load() != nil:
			return io.EOF
		}
	}
	return io.EOF
}

func (l *listening) over() bool {
	asked := l.asked.Load()
	return l.failed || asked != nil && (l.last > asked.UnixNano() || time.Since(*asked) > atLast)
}

// Close ends the capture.
func (l *listening) Close() error {
	signal.Stop(l.signals)
	close(l.signals)
	return l.Live.Close()
}
