package capture

import (
	"bytes"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/klauspost/compress/gzip"
)

// readInTurn reads without reading ahead.
func readInTurn(t testing.TB, b []byte) ([]Packet, []string, Stats) {
	t.Helper()
	s := stdinSource(t, bytes.NewReader(b))
	s.pool.ahead = maxAhead
	defer s.Close()
	packets, errs := collect(t, s)
	return packets, errs, s.Stats()
}

// Reading ahead changes nothing, however the compressed data are cut or
// broken.
func TestAheadIsAsInTurn(t *testing.T) {
	file := pcapFile(le, pcapMicro, manyRecords(12, 60)...)
	for name, pack := range packers {
		packed := join(pack(file), pack(pcapRecord(le, 1, "one more")))
		check := func(how string, b []byte) {
			wantPackets, wantErrs, wantStats := readInTurn(t, b)
			packets, errs, stats := readBytes(t, b)
			diff(t, name+" "+how+": packets", packets, wantPackets)
			diff(t, name+" "+how+": errors", errs, wantErrs)
			wantStats.Read, stats.Read = 0, 0 // what is read ahead of the damage
			diff(t, name+" "+how+": statistics", stats, wantStats)
		}
		for i := range packed {
			check(fmt.Sprintf("cut at %d", i), packed[:i])
			broken := bytes.Clone(packed)
			broken[i] ^= 0x10
			check(fmt.Sprintf("broken at %d", i), broken)
		}
	}
}

// aheadFile is a capture of several times what is read ahead.
func aheadFile() []byte {
	record := pcapRecord(le, 1, strings.Repeat("twelve bytes", 5000))
	return pcapFile(le, pcapMicro, bytes.Repeat(record, 2*aheadChunks*aheadChunk/len(record)))
}

func TestAheadLong(t *testing.T) {
	file := aheadFile()
	want, _, _ := readBytes(t, file)
	for name, pack := range packers {
		packets, errs, _ := readBytes(t, pack(file))
		diff(t, name+": errors", errs, []string(nil))
		diff(t, name+": packets", packets, want)
	}
}

// Close ends the goroutine, wherever it is.
func TestAheadCloses(t *testing.T) {
	file := aheadFile()
	damaged := join(pcapFile(le, pcapMicro, pcapRecord(le, 1, "x")), bytes.Repeat([]byte{0xff}, len(file)))
	for name, pack := range packers {
		for how, b := range map[string][]byte{"early": pack(file), "damage": pack(damaged), "end": pack(file[:100]), "no capture": pack(make([]byte, len(file)))} {
			before := runtime.NumGoroutine()
			path := writeFile(t, t.TempDir(), "a", b)
			s := openSource(t, path)
			for range 2 {
				s.Next(new(Packet))
			}
			s.Close()
			awaitGoroutines(t, name+" "+how, before)
			if s.pool.ahead != 0 {
				t.Errorf("%s %s: %d streams read ahead after Close", name, how, s.pool.ahead)
			}
		}
	}
}

// Close does not wait for a pipe that brings nothing.
func TestAheadClosesPipe(t *testing.T) {
	before := runtime.NumGoroutine()
	r, w := io.Pipe()
	s := stdinSource(t, r)
	go w.Write(flushed(newGzip, timed("ab", 1, 2))[0])
	if err := s.Next(new(Packet)); err != nil {
		t.Fatal(err)
	}
	s.Close()
	w.Close()
	awaitGoroutines(t, "pipe", before)
}

func awaitGoroutines(t *testing.T, what string, want int) {
	t.Helper()
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > want {
		if time.Now().After(deadline) {
			t.Fatalf("%s: %d goroutines, %d before", what, runtime.NumGoroutine(), want)
		}
		time.Sleep(time.Millisecond)
	}
}

// What is read ahead is bounded.
func TestAheadBound(t *testing.T) {
	file := aheadFile()
	var packed bytes.Buffer
	z, err := gzip.NewWriterLevel(&packed, gzip.NoCompression)
	if err != nil {
		t.Fatal(err)
	}
	z.Write(file)
	z.Close()
	r := &counting{r: &packed}
	s := stdinSource(t, r)
	defer s.Close()
	var p Packet
	if err := s.Next(&p); err != nil {
		t.Fatal(err)
	}
	const bound = (aheadChunks + 1) * aheadChunk
	for still, last := 0, int64(0); still < 20; still++ {
		time.Sleep(time.Millisecond)
		if n := r.n.Load(); n != last {
			still, last = 0, n
		}
	}
	if n := r.n.Load(); n > bound || n < bound/2 {
		t.Errorf("%d bytes read ahead of the second packet, want up to %d", n, bound)
	}
}

// A counting reader counts the bytes.
type counting struct {
	r io.Reader
	n atomic.Int64
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n.Add(int64(n))
	return n, err
}

// Only some of the inputs that are open at a time are read ahead.
func TestAheadFew(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i := range uint32(3 * maxAhead) {
		names = append(names, writeFile(t, dir, fmt.Sprint(i), gzipped1(timed("ab", i, 100+i))))
	}
	before := runtime.NumGoroutine()
	s := openSource(t, names...)
	var got strings.Builder
	most := 0
	for {
		var p Packet
		err := s.Next(&p)
		if err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		got.Write(p.Data)
		most = max(most, s.pool.ahead)
	}
	if most != maxAhead || s.pool.ahead != 0 {
		t.Errorf("%d inputs were read ahead, %d are at the end; want %d, 0", most, s.pool.ahead, maxAhead)
	}
	if want := strings.Repeat("a", 3*maxAhead) + strings.Repeat("b", 3*maxAhead); got.String() != want {
		t.Errorf("packets %q, want %q", got.String(), want)
	}
	awaitGoroutines(t, "at the end", before)
}
