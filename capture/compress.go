package capture

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// maxZstdWindow bounds the memory that a zstd frame can ask for. It is what
// the zstd command accepts unless told otherwise.
const maxZstdWindow = 128 << 20

var (
	errEndsEarly = errors.New("compressed data ends early")
	errFollowed  = errors.New("something that is not compressed follows the compressed data")
)

// A compression is how the whole of an input is packed. Captures are often
// stored so by whoever rotates them.
type compression uint8

const (
	unknown  compression = iota // not looked at yet
	plain                       // nothing we know of
	gzipped                     // RFC 1952, one member or several
	zstdded                     // RFC 8878
	lz4frame                    // LZ4 frame format
)

// compressionOf judges by the first 4 bytes of an input.
func compressionOf(magic []byte) compression {
	switch {
	case magic[0] == 0x1f && magic[1] == 0x8b:
		return gzipped
	case string(magic) == "\x28\xb5\x2f\xfd":
		return zstdded
	case string(magic) == "\x04\x22\x4d\x18":
		return lz4frame
	}
	return plain
}

// newUnpacked returns what decompresses raw, and a function that releases it.
func newUnpacked(how compression, raw *window) (packed, func(), error) {
	src := windowReader{raw}
	switch how {
	case gzipped:
		z, err := newGzipMembers(src)
		if err != nil {
			return nil, nil, unpackError(err)
		}
		return z, func() { z.Close() }, nil
	case zstdded:
		// Its own concurrency, three goroutines, was slower than the one
		// that reads ahead, and costs more.
		z, err := zstd.NewReader(src, zstd.WithDecoderConcurrency(1), zstd.WithDecoderLowmem(true),
			zstd.WithDecoderMaxWindow(maxZstdWindow), zstd.WithDecoderMaxMemory(maxZstdWindow))
		if err != nil {
			return nil, nil, unpackError(err)
		}
		return checked{z}, z.Close, nil
	default: // a new frame may follow each one, as after cat a.lz4 b.lz4
		return lz4.NewReader(src), func() {}, nil
	}
}

// A gzipMembers reads the members of a gzip file, RFC 1952, Section 2.2, one by one:
// a Reader of all of them takes a few bytes behind the last for one that is cut.
type gzipMembers struct {
	*gzip.Reader // of the current one
	src          *bufio.Reader
}

func newGzipMembers(src io.Reader) (*gzipMembers, error) {
	m := &gzipMembers{src: bufio.NewReader(src)}
	var err error
	if m.Reader, err = gzip.NewReader(m.src); err != nil {
		return nil, err
	}
	m.Multistream(false)
	return m, nil
}

func (m *gzipMembers) Read(p []byte) (int, error) {
	for {
		n, err := m.Reader.Read(p)
		switch {
		case err != io.EOF:
			return n, err
		case n > 0:
			return n, nil
		}
		if err = m.next(); err != nil {
			return 0, err
		}
	}
}

func (m *gzipMembers) WriteTo(w io.Writer) (total int64, err error) {
	for err == nil {
		var n int64
		n, err = m.Reader.WriteTo(w)
		total += n
		if err == nil {
			err = m.next()
		}
	}
	if err == io.EOF {
		err = nil
	}
	return total, err
}

// next goes to the next member. It returns io.EOF if there is none.
func (m *gzipMembers) next() error {
	id, err := m.src.Peek(2)
	switch {
	case len(id) == 0 || err != nil && err != io.EOF:
		return err
	case id[0] != 0x1f || len(id) == 2 && id[1] != 0x8b:
		return errFollowed
	}
	if err = m.Reset(m.src); err != nil {
		return err
	}
	m.Multistream(false)
	return nil
}

// A checked is a zstd decoder by its Read: its WriteTo hands out a block even
// if the checksum behind it is wrong.
type checked struct{ io.Reader }

func (c checked) WriteTo(w io.Writer) (int64, error) {
	const block = 128 << 10 // RFC 8878, Section 3.1.1.2
	return io.CopyBuffer(w, struct{ io.Reader }{c.Reader}, make([]byte, block))
}

// A windowReader reads what a window has buffered, then on from its source.
type windowReader struct{ *window }

func (r windowReader) Read(p []byte) (int, error) {
	if r.w == r.r && !r.fill(1) {
		return 0, r.err
	}
	n := copy(p, r.buf[r.r:r.w])
	r.advance(n)
	return n, nil
}

// An unpacker says in its errors that it is the compression that is broken,
// since offsets and packets are told of the decompressed data.
type unpacker struct{ io.Reader }

func (u unpacker) Read(p []byte) (int, error) {
	n, err := u.Reader.Read(p)
	if err != nil && err != io.EOF {
		err = unpackError(err)
	}
	return n, err
}

func unpackError(err error) error {
	if errors.Is(err, io.ErrUnexpectedEOF) || err == io.EOF {
		return errEndsEarly
	}
	if errors.Is(err, errFollowed) || errors.Is(err, zstd.ErrMagicMismatch) || errors.Is(err, lz4.ErrInvalidFrame) { // the first frame's magic number was right
		return errFollowed
	}
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return fmt.Errorf("cannot decompress: %w (limit %d MiB)", err, maxZstdWindow>>20)
	}
	return fmt.Errorf("cannot decompress: %w", err)
}
