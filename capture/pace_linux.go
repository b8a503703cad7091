//go:build !libpcap

package capture

import (
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// A pace is how fast the kernel fills blocks, and so how the reader of a ring
// sleeps when it has read them all. To fall asleep and to wake up, with all that is
// not in the processor's caches any more, takes as long as to read hundreds of
// packets: unless blocks are slow to come, the reader lets some gather.
type pace struct {
	dry   time.Time     // when the ring was found empty after the latest block
	turns int           // blocks read by then
	each  time.Duration // how long the kernel took for each of the latest blocks
}

// Blocks gather until they are a part of the ring, which leaves the others for the
// case that the reader is woken late, or for as long as a block of few packets does.
// A nap must not be long, because traffic may become faster at any time: until maxNap
// is over, 10 Gbit/s fill three quarters of 8 MiB.
const (
	gatherParts = 8 // of the ring, one of them to gather
	gatherFor   = liveDelay
	maxNap      = 5 * time.Millisecond
)

// often is how fast blocks come if some are to gather: where they come more slowly,
// waiting for each with the scheduler's help costs less, and there is time for it.
const often = 20 * time.Millisecond

// runsDry notes that all blocks were read, of which there were turns so far.
func (p *pace) runsDry(now time.Time, turns int) {
	if fresh := turns - p.turns; fresh > 0 {
		p.each = min(now.Sub(p.dry), liveTick) / time.Duration(fresh)
		p.dry, p.turns = now, turns
	}
}

// nap says for how long to sleep until it is looked again whether so many blocks have
// gathered. 0: they have had the time to.
func (p *pace) nap(now time.Time, blocks int) time.Duration {
	return max(0, min(p.each*time.Duration(blocks), maxNap, gatherFor-now.Sub(p.dry)))
}

// pause is ppoll(2) without a word to Go's scheduler. That would take the
// processor away from who waits for long, have it back with an effort, and look
// closely for a millisecond what becomes of it, which takes more time than to read
// a block. Instead the processor is kept, and other goroutines get it when the
// scheduler asks for it, after 10 ms, by a signal, which ends the pause.
func pause(fds []unix.PollFd, d time.Duration) {
	ts := unix.NsecToTimespec(d.Nanoseconds())
	unix.RawSyscall6(unix.SYS_PPOLL, uintptr(unsafe.Pointer(unsafe.SliceData(fds))), uintptr(len(fds)), uintptr(unsafe.Pointer(&ts)), 0, 0, 0)
}
