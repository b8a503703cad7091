package capture

import (
	"errors"
	"io"
)

// A decompressor may run ahead of the analysis by so many chunks of so many
// bytes. One block of LZ4 may be as large as all of them; with less than
// that, the analysis waits for each. Smaller chunks cost more in waking each
// other up.
const (
	aheadChunk  = 512 << 10
	aheadChunks = 8
)

// maxAhead is how many of the inputs that are open may be read ahead at a
// time. Others are decompressed when it is their turn: a merge of hundreds
// needs neither their memory nor their goroutines.
const maxAhead = 4

var errStopped = errors.New("reading ahead was stopped")

// An ahead reads, and decompresses, in a goroutine of its own. What it has is
// handed over when a chunk is full, and before it waits for its input: a record
// coming out of a pipe is seen as soon as it is there.
type ahead struct {
	full chan chunk    // in order; closed behind the last one
	free chan []byte   // chunks to fill again
	stop chan struct{} // closed by close
	wake chan struct{} // gets something when full does, and Read is not to wait; nil: Read waits

	// The goroutine's.
	src    io.Reader // of raw
	raw    *window
	how    compression
	fill   []byte // the chunk that is being filled
	chunks int    // made so far

	// The reader's.
	chunk chunk
	rest  []byte // of the chunk
	ended bool   // the goroutine is done with raw

	err error // why there is no more; valid once full is closed
}

// A chunk is some decompressed bytes.
type chunk struct {
	data []byte
	disk int64 // bytes of the input that were read for them and all before
}

// A packed is what all decompressors have.
type packed interface {
	io.Reader
	io.WriterTo // block by block, where Read may wait for more than one
}

// readAhead starts to read raw, which belongs to the goroutine until close says
// otherwise. With a channel to be woken by, Read says ErrIdle instead of waiting.
func readAhead(raw *window, how compression, wake chan struct{}) *ahead {
	a := &ahead{
		full: make(chan chunk, aheadChunks),
		free: make(chan []byte, aheadChunks),
		stop: make(chan struct{}),
		wake: wake,
		src:  raw.src,
		raw:  raw,
		how:  how,
	}
	raw.src = handingOver{raw.src, a}
	go a.run()
	return a
}

func (a *ahead) run() {
	if a.how == unknown {
		a.look()
	}
	if a.how == plain {
		a.err = a.copy()
	} else {
		a.err = a.unpack()
	}
	a.handOver()
	close(a.full)
	wakeUp(a.wake)
}

// look finds out whether the input is compressed.
func (a *ahead) look() {
	a.how = plain
	if magic := a.raw.peek(4); magic != nil {
		a.how = compressionOf(magic)
	}
}

// copy reads what is not compressed, behind what was looked at right into the
// chunks.
func (a *ahead) copy() error {
	a.Write(a.raw.buf[a.raw.r:a.raw.w])
	for a.raw.err == nil {
		if !a.renew() {
			return errStopped
		}
		w := window{src: a.src, buf: a.fill[:cap(a.fill)]}
		w.read()
		a.fill = w.buf[:w.w]
		a.raw.base, a.raw.err = a.raw.base+int64(w.w), w.err
	}
	return a.raw.err
}

func (a *ahead) unpack() error {
	z, release, err := newUnpacked(a.how, a.raw)
	if err != nil {
		return err
	}
	defer release()
	if _, err = z.WriteTo(a); err != nil {
		return unpackError(err)
	}
	return io.EOF
}

// A handingOver reads the input of a decompressor.
type handingOver struct {
	io.Reader
	ahead *ahead
}

func (h handingOver) Read(p []byte) (int, error) {
	if !h.ahead.handOver() {
		return 0, errStopped
	}
	return h.Reader.Read(p)
}

// Write takes what was decompressed.
func (a *ahead) Write(p []byte) (int, error) {
	n := 0
	for n < len(p) {
		if len(a.fill) == cap(a.fill) && !a.renew() {
			return n, errStopped
		}
		k := min(len(p)-n, cap(a.fill)-len(a.fill))
		a.fill = append(a.fill, p[n:n+k]...)
		n += k
	}
	return n, nil
}

// renew hands over a full chunk and gets an empty one, for which it may have
// to wait. It is false if nobody reads any more.
func (a *ahead) renew() bool {
	if !a.handOver() {
		return false
	}
	if a.chunks < aheadChunks && len(a.free) == 0 {
		a.chunks++
		a.fill = make([]byte, 0, aheadChunk)
		return true
	}
	select {
	case b := <-a.free:
		a.fill = b[:0]
		return true
	case <-a.stop:
		return false
	}
}

// handOver gives what there is to the reader. It does not wait: there are no
// more chunks than full has room for.
func (a *ahead) handOver() bool {
	if len(a.fill) > 0 {
		a.full <- chunk{a.fill, a.raw.end()}
		a.fill = nil
		wakeUp(a.wake)
	}
	select {
	case <-a.stop:
		return false
	default:
		return true
	}
}

// wakeUp wakes whoever waits for the channel, unless it is nil.
func wakeUp(wake chan<- struct{}) {
	select {
	case wake <- struct{}{}:
	default:
	}
}

// Read returns what the goroutine has read.
func (a *ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 {
		if err := a.next(); err != nil {
			return 0, err
		}
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// next gives a chunk back and takes another.
func (a *ahead) next() error {
	if a.chunk.data != nil {
		a.free <- a.chunk.data
		a.chunk.data = nil
	}
	c, ok, idle := a.take()
	switch {
	case idle:
		return ErrIdle
	case !ok:
		a.ended = true
		a.chunk.disk = a.raw.end()
		return a.err
	}
	a.chunk, a.rest = c, c.data
	return nil
}

// take takes a chunk, of which there are no more if it is not ok. It is idle if
// it would have to wait and must not.
func (a *ahead) take() (c chunk, ok, idle bool) {
	if a.wake == nil {
		c, ok = <-a.full
		return c, ok, false
	}
	select {
	case c, ok = <-a.full:
		return c, ok, false
	default:
		return chunk{}, false, true
	}
}

// close stops the goroutine, and tells if raw is free again. It does not wait
// for a Read of the input that is under way, for that may never return: the
// goroutine ends after it.
func (a *ahead) close() bool {
	close(a.stop)
	return a.ended
}

// diskBytes is how much of the input was read for what was Read.
func (a *ahead) diskBytes() int64 { return a.chunk.disk }
