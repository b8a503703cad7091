package capture

import (
	"io"
	"testing"
)

// benchSizes are bytes of packets: of acknowledgements, a mean, of bulk data.
var benchSizes = []struct {
	name string
	n    int
}{{"64", 64}, {"600", 600}, {"1500", 1500}}

// benchFormats build captures of n packets of the given size.
var benchFormats = []struct {
	name  string
	build func(n, size int) []byte
}{
	{"pcap", func(n, size int) []byte { return pcapFile(le, pcapMicro, manyRecords(n, size)...) }},
	{"pcapng", func(n, size int) []byte {
		return join(section(le), iface(le, 1, 0), join(manyBlocks(n, size)...))
	}},
}

// BenchmarkWalk is one packet out of memory: what Next costs, and the copy
// into the window.
func BenchmarkWalk(b *testing.B) {
	for _, f := range benchFormats {
		for _, size := range benchSizes {
			head, file := f.build(0, 0), f.build(1000, size.n)
			b.Run(f.name+"/"+size.name, func(b *testing.B) {
				b.SetBytes(int64(size.n))
				benchNext(b, func() *Source { return stdinSource(b, &endless{body: file[len(head):], rest: file}) })
			})
		}
	}
}

// An endless file has the same records again and again.
type endless struct{ body, rest []byte }

func (e *endless) Read(p []byte) (int, error) {
	if len(e.rest) == 0 {
		e.rest = e.body
	}
	n := copy(p, e.rest)
	e.rest = e.rest[n:]
	return n, nil
}

// BenchmarkRead is one packet out of a file in the page cache, by read(2).
// To compare: dd if=FILE of=/dev/null bs=256k is the floor.
func BenchmarkRead(b *testing.B) {
	const fileSize = 64 << 20
	for _, f := range benchFormats {
		for _, size := range benchSizes {
			name := writeFile(b, b.TempDir(), f.name, f.build(fileSize/size.n, size.n))
			b.Run(f.name+"/"+size.name, func(b *testing.B) {
				b.SetBytes(int64(size.n))
				benchNext(b, func() *Source { return openSource(b, name) })
			})
		}
	}
}

// BenchmarkMerge is one packet out of two files that take turns.
func BenchmarkMerge(b *testing.B) {
	dir := b.TempDir()
	one := writeFile(b, dir, "pcap", benchFormats[0].build(100_000, 600))
	two := writeFile(b, dir, "pcapng", benchFormats[1].build(100_000, 600))
	benchNext(b, func() *Source { return openSource(b, one, two) })
}

// benchNext takes one packet per iteration, and opens again at the end.
func benchNext(b *testing.B, open func() *Source) {
	b.Helper()
	b.ReportAllocs()
	s := open()
	var p Packet
	for b.Loop() {
		for s.Next(&p) == io.EOF {
			s.Close()
			s = open()
		}
	}
	s.Close()
}

func stdinSource(b testing.TB, r io.Reader) *Source {
	b.Helper()
	s, err := Open([]string{"-"}, &Config{Stdin: r})
	if err != nil {
		b.Fatal(err)
	}
	return s
}

func openSource(b testing.TB, names ...string) *Source {
	b.Helper()
	s, err := Open(names, nil)
	if err != nil {
		b.Fatal(err)
	}
	return s
}
