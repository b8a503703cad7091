package capture

import (
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

var errEndsEarly = errors.New("compressed data ends early")

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
		z, err := gzip.NewReader(src)
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
	if errors.Is(err, zstd.ErrDecoderSizeExceeded) || errors.Is(err, zstd.ErrWindowSizeExceeded) {
		return fmt.Errorf("cannot decompress: %w (limit %d MiB)", err, maxZstdWindow>>20)
	}
	return fmt.Errorf("cannot decompress: %w", err)
}
