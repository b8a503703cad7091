package capture

import (
	"bytes"
	"io"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
	"github.com/pierrec/lz4/v4"
)

func gzipped1(b []byte) []byte {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

func zstd1(b []byte) []byte {
	w, err := zstd.NewWriter(nil)
	if err != nil {
		panic(err)
	}
	return w.EncodeAll(b, nil)
}

func lz41(b []byte) []byte {
	var out bytes.Buffer
	w := lz4.NewWriter(&out)
	w.Write(b)
	w.Close()
	return out.Bytes()
}

// A flusher compresses, and can be made to show all it has got.
type flusher interface {
	io.Writer
	Flush() error
}

func newGzip(w io.Writer) flusher { return gzip.NewWriter(w) }

func newLZ4(w io.Writer) flusher { return lz4.NewWriter(w) }

func newZstd(w io.Writer) flusher {
	z, err := zstd.NewWriter(w)
	if err != nil {
		panic(err)
	}
	return z
}

// flushed compresses parts into one stream that is flushed behind each, and
// never closed.
func flushed(newWriter func(io.Writer) flusher, parts ...[]byte) (packed [][]byte) {
	var out bytes.Buffer
	z := newWriter(&out)
	for _, b := range parts {
		z.Write(b)
		z.Flush()
		packed = append(packed, bytes.Clone(out.Bytes()))
		out.Reset()
	}
	return packed
}

var packers = map[string]func([]byte) []byte{"gzip": gzipped1, "zstd": zstd1, "lz4": lz41}

func TestCompressed(t *testing.T) {
	for name, pack := range packers {
		for format, b := range map[string][]byte{
			"pcap":   pcapFile(be, pcapNano, manyRecords1(be, 2000)...),
			"pcapng": join(section(le), iface(le, 1, 0), join(manyBlocks(2000, 600)...)),
		} {
			wantPackets, _, _ := readBytes(t, b)
			packed := pack(b)
			half := len(b) / 2
			for how, file := range map[string][]byte{
				"whole":         packed,
				"in two pieces": join(pack(b[:half]), pack(b[half:])),
				"tiny piece":    join(pack(b[:1]), pack(b[1:])),
				"empty pieces":  join(pack(b), pack(nil)),
			} {
				packets, errs, stats := readBytes(t, file)
				diff(t, name+" "+format+" "+how+": errors", errs, []string(nil))
				diff(t, name+" "+format+" "+how+": packets", packets, wantPackets)
				if stats.Read != int64(len(file)) {
					t.Errorf("%s %s %s: %d bytes read, want %d", name, format, how, stats.Read, len(file))
				}
			}
		}
	}
}

func manyRecords1(o order, n int) (recs [][]byte) {
	for i := range n {
		recs = append(recs, pcapRecord(o, uint32(i), strings.Repeat("x", i)))
	}
	return recs
}

// Cut anywhere, compressed data never pass for whole.
func TestCompressedPrefixes(t *testing.T) {
	file := pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"), pcapRecord(le, 2, ""), pcapRecord(le, 3, "defgh"))
	for name, pack := range packers {
		packed := pack(file)
		for n := 4; n < len(packed); n++ {
			packets, errs, _ := readBytes(t, packed[:n])
			if len(packets) > 3 {
				t.Errorf("%s, %d bytes: %d packets", name, n, len(packets))
			}
			if len(errs) != 1 || !strings.HasSuffix(errs[0], "compressed data ends early") {
				t.Errorf("%s, %d of %d bytes: errors %q", name, n, len(packed), errs)
			}
		}
	}
}

func TestCompressedDamage(t *testing.T) {
	plainFile := pcapFile(le, pcapMicro, pcapRecord(le, 1, "abc"))
	good := gzipped1(plainFile)
	flip := func(i int) []byte {
		b := bytes.Clone(good)
		b[(i+len(b))%len(b)] ^= 1
		return b
	}
	for _, c := range []struct {
		name string
		file []byte
		want string
	}{
		{"text", gzipped1([]byte("hello, world")), "standard input: not a capture file (pcap or pcapng)"},
		{"nothing", gzipped1(nil), "standard input: empty file"},
		{"twice", gzipped1(gzipped1(good)), "standard input: not a capture file (pcap or pcapng)"},
		{"checksum", flip(-5), "standard input: packet 2, byte 43: cannot decompress: gzip: invalid checksum"},
		{"method", flip(2), "standard input: cannot decompress: gzip: invalid header"},
		{"garbage behind", join(good, []byte("garbage behind")), "standard input: packet 2, byte 43: something that is not compressed follows the compressed data"},
		{"a byte behind", join(good, []byte{0}), "standard input: packet 2, byte 43: something that is not compressed follows the compressed data"},
		{"member behind cut", join(good, good[:1]), "standard input: packet 2, byte 43: compressed data ends early"},
		{"bad member behind", join(good, flip(2)), "standard input: packet 2, byte 43: cannot decompress: gzip: invalid header"},
		{"garbage behind zstd", join(zstd1(plainFile), []byte("garbage behind")), "standard input: packet 2, byte 43: something that is not compressed follows the compressed data"},
		{"garbage behind lz4", join(lz41(plainFile), []byte("garbage behind")), "standard input: packet 2, byte 43: something that is not compressed follows the compressed data"},
		{"zstd window of 1 TiB", []byte{0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xf0, 0x01, 0x00, 0x00}, "standard input: cannot decompress: window size exceeded (limit 128 MiB)"},
	} {
		_, errs, _ := readBytes(t, c.file)
		diff(t, c.name+": errors", errs, []string{c.want})
	}
}
