package evidence

import (
	"bytes"
	"io"
	"path/filepath"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

// A packer appends src to dst, compressed: a frame or member of its own, so that
// what was written is whole whenever it ends, and can be cut back to an earlier
// end. Files of several are read by all that read one.
type packer func(dst, src []byte) []byte

// packerFor returns the packer that the end of a file's name asks for; nil: none.
func packerFor(name string) (packer, error) {
	switch filepath.Ext(name) {
	case ".zst":
		// A window no larger than what is written at once.
		enc, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(windowSize), zstd.WithLowerEncoderMem(true))
		if err != nil {
			return nil, err
		}
		return func(dst, src []byte) []byte { return enc.EncodeAll(src, dst) }, nil
	case ".gz":
		return streamed(gzip.NewWriter(nil)), nil
	case ".lz4":
		return streamed(lz4.NewWriter(nil)), nil
	}
	return nil, nil
}

const windowSize = 256 << 10

// streamed makes a packer of a compressor that can be used again.
func streamed(w interface {
	io.WriteCloser
	Reset(io.Writer)
}) packer {
	return func(dst, src []byte) []byte {
		b := bytes.NewBuffer(dst)
		w.Reset(b)
		w.Write(src) // to memory: it does not fail
		w.Close()
		return b.Bytes()
	}
}

// mostPacked is the most that n bytes become if they cannot be compressed, headers
// included.
func mostPacked(n int64) int64 { return n + n/128 + 256 }
