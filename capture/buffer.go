package capture

import "io"

// bufferSize is the size of the buffer that a stream is read through. From
// 32 KiB to 1 MiB it makes no difference: read(2) of a file in the page cache
// costs 0.17 ns a byte. Beyond that buffers fall out of the processor's cache.
const bufferSize = 256 << 10

// maxEmptyReads is how often in a row a Reader may return nothing at all
// before it is taken for broken.
const maxEmptyReads = 100

// A window reads a stream through one buffer and hands out slices of that
// buffer, so that nothing is copied but the few bytes of a record that
// straddles its end.
//
// It never asks for more than is needed to go on: one Read that brings the
// rest of a record is enough, whatever space is left. A record coming out of
// a pipe is therefore seen as soon as it is there.
type window struct {
	src  io.Reader
	buf  []byte
	r, w int   // buf[r:w] was read and not yet consumed
	base int64 // position of buf[0] in the stream
	err  error // why src gives no more; io.EOF at its end, ErrIdle if more may come
}

// peek returns the next n bytes without consuming them, or nil if the stream
// ends or fails before, or has no more yet. They are valid until the next call of
// peek or skip. The buffer grows to hold them: the caller has checked n against its
// bound.
func (b *window) peek(n int) []byte {
	if b.w-b.r < n && !b.fill(n) {
		return nil
	}
	return b.buf[b.r : b.r+n]
}

// advance consumes n bytes that peek has shown.
func (b *window) advance(n int) { b.r += n }

// skip consumes n bytes without holding them, and tells if there were as many.
func (b *window) skip(n int64) bool {
	for n > int64(b.w-b.r) {
		n -= int64(b.w - b.r)
		b.r = b.w
		if !b.fill(1) {
			return false
		}
	}
	b.r += int(n)
	return true
}

// pos is the position in the stream of the next byte to be consumed.
func (b *window) pos() int64 { return b.base + int64(b.r) }

// end is the position behind the last byte read from the stream so far.
func (b *window) end() int64 { return b.base + int64(b.w) }

// fill reads until n bytes are unconsumed, and tells if it got there.
func (b *window) fill(n int) bool {
	b.makeRoom(n)
	if b.err == ErrIdle {
		b.err = nil
	}
	for b.w-b.r < n {
		if b.err != nil {
			return false
		}
		b.read()
	}
	return true
}

// makeRoom moves the unconsumed bytes to the front of the buffer, and takes a
// larger one if n bytes do not fit.
func (b *window) makeRoom(n int) {
	to := b.buf
	if n > len(to) {
		to = make([]byte, n)
	}
	if b.r > 0 || n > len(b.buf) {
		copy(to, b.buf[b.r:b.w])
	}
	b.base += int64(b.r)
	b.buf, b.r, b.w = to, 0, b.w-b.r
}

func (b *window) read() {
	for range maxEmptyReads {
		n, err := b.src.Read(b.buf[b.w:])
		b.w += n
		b.err = err
		if n > 0 || err != nil {
			return
		}
	}
	b.err = io.ErrNoProgress
}
