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

// An ahead decompresses in a goroutine of its own. What it has is handed over
// when a chunk is full, and before it waits for its input: a record coming out
// of a pipe is seen as soon as it is there.
type ahead struct {
	full chan chunk    // in order; closed behind the last one
	free chan []byte   // chunks to fill again
	stop chan struct{} // closed by close

	// The goroutine's.
	raw    *window
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

// readAhead starts to decompress raw, which belongs to the goroutine until
// close says otherwise. Release is called at its end.
func readAhead(z packed, raw *window, release func()) *ahead {
	a := &ahead{
		full: make(chan chunk, aheadChunks),
		free: make(chan []byte, aheadChunks),
		stop: make(chan struct{}),
		raw:  raw,
	}
	raw.src = handingOver{raw.src, a}
	go func() {
		defer release()
		a.run(z)
	}()
	return a
}

func (a *ahead) run(z packed) {
	defer close(a.full)
	_, a.err = z.WriteTo(a)
	if a.err == nil {
		a.err = io.EOF
	}
	a.handOver()
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
	}
	select {
	case <-a.stop:
		return false
	default:
		return true
	}
}

// Read waits for decompressed bytes.
func (a *ahead) Read(p []byte) (int, error) {
	if len(a.rest) == 0 && !a.next() {
		return 0, a.err
	}
	n := copy(p, a.rest)
	a.rest = a.rest[n:]
	return n, nil
}

// next gives a chunk back and takes another. It is false behind the last.
func (a *ahead) next() bool {
	if a.chunk.data != nil {
		a.free <- a.chunk.data
		a.chunk.data = nil
	}
	c, ok := <-a.full
	if !ok {
		a.ended = true
		a.chunk.disk = a.raw.end()
		return false
	}
	a.chunk, a.rest = c, c.data
	return true
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
