package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

// The bytes of the tests are put together from these pieces, in the byte
// order that is asked for.
var (
	le = binary.LittleEndian
	be = binary.BigEndian
)

type order interface {
	binary.ByteOrder
	binary.AppendByteOrder
}

// u16, u32 and u64 lay down integers.
func u16(o order, vs ...uint16) (b []byte) {
	for _, v := range vs {
		b = o.AppendUint16(b, v)
	}
	return b
}

func u32(o order, vs ...uint32) (b []byte) {
	for _, v := range vs {
		b = o.AppendUint32(b, v)
	}
	return b
}

func u64(o order, v uint64) []byte { return o.AppendUint64(nil, v) }

func join(parts ...[]byte) []byte { return bytes.Join(parts, nil) }

// collect reads a Source to its end. The packets are copies.
func collect(t testing.TB, s *Source) (packets []Packet, errs []string) {
	t.Helper()
	for {
		var p Packet
		err := s.Next(&p)
		switch {
		case err == ErrIdle:
		case err == io.EOF:
			if err := s.Next(&p); err != io.EOF {
				t.Errorf("after io.EOF: %v", err)
			}
			return packets, errs
		case err != nil:
			if !errors.As(err, new(*Damage)) {
				t.Errorf("error is a %T, want *Damage", err)
			}
			errs = append(errs, err.Error())
		default:
			p.Data = bytes.Clone(p.Data)
			packets = append(packets, p)
		}
		if len(errs) > 1000 {
			t.Fatal("errors without end")
		}
	}
}

// readNames opens files and reads them to the end.
func readNames(t testing.TB, names ...string) ([]Packet, []string, Stats) {
	t.Helper()
	s, err := Open(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	packets, errs := collect(t, s)
	return packets, errs, s.Stats()
}

// readStdin reads r as standard input to the end.
func readStdin(t testing.TB, r io.Reader) ([]Packet, []string, Stats) {
	t.Helper()
	s, err := Open([]string{"-"}, &Config{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	packets, errs := collect(t, s)
	return packets, errs, s.Stats()
}

func readBytes(t testing.TB, b []byte) ([]Packet, []string, Stats) {
	t.Helper()
	return readStdin(t, bytes.NewReader(b))
}

// writeFile puts a file into a directory of the test's own.
func writeFile(t testing.TB, dir, name string, b []byte) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, b, 0o666); err != nil {
		t.Fatal(err)
	}
	return path
}

// diff reports a difference, naming what differs.
func diff(t testing.TB, what string, got, want any) {
	t.Helper()
	if reflect.DeepEqual(want, got) { // far faster where there is much
		return
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("%s differ (-want +got):\n%s", what, d)
	}
}

// datas is the payload of each packet as a string.
func datas(packets []Packet) (s []string) {
	for _, p := range packets {
		s = append(s, string(p.Data))
	}
	return s
}

func TestOpenWithoutNames(t *testing.T) {
	if _, err := Open(nil, nil); err == nil {
		t.Error("no error")
	}
}

// Every way in which the bytes may trickle in gives the same packets and the
// same errors as all of them at once.
func TestSlowReaders(t *testing.T) {
	for name, b := range samples() {
		wantPackets, wantErrs, _ := readBytes(t, b)
		for how, r := range map[string]io.Reader{
			"one byte":      iotest.OneByteReader(bytes.NewReader(b)),
			"half":          iotest.HalfReader(bytes.NewReader(b)),
			"data with EOF": iotest.DataErrReader(bytes.NewReader(b)),
			"empty reads":   &stutterer{r: bytes.NewReader(b)},
		} {
			packets, errs, _ := readStdin(t, r)
			diff(t, name+", "+how+": packets", packets, wantPackets)
			diff(t, name+", "+how+": errors", errs, wantErrs)
		}
	}
}

// A stutterer returns nothing every other time.
type stutterer struct {
	r    io.Reader
	gave bool
}

func (s *stutterer) Read(p []byte) (int, error) {
	s.gave = !s.gave
	if !s.gave {
		return 0, nil
	}
	return s.r.Read(p)
}

// samples are captures of both formats, whole and damaged.
func samples() map[string][]byte {
	pcap := pcapFile(le, pcapMicro, pcapRecord(le, 1, "first"), pcapRecord(le, 2, strings.Repeat("second", 99)))
	ng := join(section(be), iface(be, 1, 0), enhanced(be, 0, 1, "first"), section(le), iface(le, 101, 9),
		blockOf(le, 10, []byte("secret")), enhanced(le, 0, 2, strings.Repeat("second", 99)))
	return map[string][]byte{
		"pcap":          pcap,
		"pcapng":        ng,
		"pcap cut":      pcap[:len(pcap)-1],
		"pcapng cut":    ng[:len(ng)-1],
		"pcap gzip":     gzipped1(pcap),
		"pcapng zstd":   zstd1(ng),
		"pcapng lz4":    lz41(ng),
		"no capture":    []byte("hello, world"),
		"straddling":    pcapFile(le, pcapMicro, manyRecords(5000, 600)...),
		"straddling ng": join(section(le), iface(le, 1, 0), join(manyBlocks(5000, 600)...)),
	}
}

func manyRecords(n, size int) (recs [][]byte) {
	for i := range n {
		recs = append(recs, pcapRecord(le, uint32(i), fmt.Sprintf("%*d", size-i%7, i)))
	}
	return recs
}

func manyBlocks(n, size int) (recs [][]byte) {
	for i := range n {
		recs = append(recs, enhanced(le, 0, uint64(i), fmt.Sprintf("%*d", size-i%7, i)))
	}
	return recs
}

// What crosses the end of the buffer is put together again.
func TestStraddling(t *testing.T) {
	for _, name := range []string{"straddling", "straddling ng"} {
		packets, errs, _ := readBytes(t, samples()[name])
		if len(packets) != 5000 || errs != nil {
			t.Fatalf("%s: %d packets, errors %q", name, len(packets), errs)
		}
		for i, p := range packets {
			if want := fmt.Sprintf("%*d", 600-i%7, i); string(p.Data) != want || p.Num != i+1 {
				t.Fatalf("%s: packet %d is number %d, %.20q", name, i, p.Num, p.Data)
			}
		}
	}
}

// A live capture writes a packet and then waits: it must come out although
// nothing follows.
func TestLivePipe(t *testing.T) {
	for name, b := range map[string][][]byte{
		"pcap":   {pcapFile(le, pcapMicro), pcapRecord(le, 1, "one"), pcapRecord(le, 2, "two")},
		"pcapng": {join(section(le), iface(le, 1, 0)), enhanced(le, 0, 1, "one"), enhanced(le, 0, 2, "two")},
		"gzip":   flushed(newGzip, pcapFile(le, pcapMicro), pcapRecord(le, 1, "one"), pcapRecord(le, 2, "two")),
		"zstd":   flushed(newZstd, pcapFile(le, pcapMicro), pcapRecord(le, 1, "one"), pcapRecord(le, 2, "two")),
		"lz4":    flushed(newLZ4, pcapFile(le, pcapMicro), pcapRecord(le, 1, "one"), pcapRecord(le, 2, "two")),
	} {
		t.Run(name, func(t *testing.T) {
			r, w := io.Pipe()
			defer w.Close()
			s, err := Open([]string{"-"}, &Config{Stdin: r})
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range []struct {
				written []byte
				want    string
			}{{join(b[0], b[1]), "one<nil>"}, {b[2], "two<nil>"}} {
				go w.Write(c.written)
				got := make(chan string, 1)
				go func() {
					var p Packet
					err := s.Next(&p)
					got <- fmt.Sprint(string(p.Data), err)
				}()
				select {
				case g := <-got:
					if g != c.want {
						t.Fatalf("got %q, want %q", g, c.want)
					}
				case <-time.After(10 * time.Second):
					t.Fatal("the packet does not come out")
				}
			}
		})
	}
}

// No packet costs an allocation once the buffer is there.
func TestNoAllocs(t *testing.T) {
	for name, b := range map[string][]byte{
		"pcap":   pcapFile(le, pcapMicro, manyRecords(5000, 600)...),
		"pcapng": join(section(le), iface(le, 1, 0), join(manyBlocks(5000, 600)...)),
	} {
		file := writeFile(t, t.TempDir(), name, b)
		for from, s := range map[string]*Source{"memory": stdinSource(t, bytes.NewReader(b)), "file": openSource(t, file)} {
			var p Packet
			got := testing.AllocsPerRun(4000, func() {
				if err := s.Next(&p); err != nil {
					t.Fatal(err)
				}
			})
			if got != 0 {
				t.Errorf("%s from %s: %v allocations per packet, want 0", name, from, got)
			}
			s.Close()
		}
	}
}

// A length field cannot make us allocate more than the bounds.
func TestAbsurdLengthsAllocateLittle(t *testing.T) {
	const limit = 4 << 20
	tail := bytes.Repeat([]byte{0xff}, 1000)
	for name, b := range map[string][]byte{
		"pcap":             join(pcapFile(le, pcapMicro), u32(le, 0, 0, 0xffffffff, 0xffffffff), tail),
		"pcap at bound":    join(pcapFile(le, pcapMicro), u32(le, 0, 0, DefaultMaxPacket, 1), tail),
		"enhanced":         join(section(le), iface(le, 1, 0), u32(le, 6, 0xfffffffc, 0, 0, 0, 0xffffffff, 0xffffffff), tail),
		"interface":        join(section(le), u32(le, 1, 0xfffffffc), tail),
		"unknown":          join(section(le), u32(le, 77, 0xffffffff), tail),
		"section":          join(u32(le, blockSection, 0xfffffffc, byteOrderMagic, 1, 0, 0), tail),
		"enhanced, 1 GiB":  join(section(le), iface(le, 1, 0), u32(le, 6, 1<<30, 0, 0, 0, 1<<29, 1), tail),
		"zstd 1 GiB frame": {0x28, 0xb5, 0x2f, 0xfd, 0x00, 0xa0, 0x01, 0x00, 0x00},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		_, errs, _ := readBytes(t, b)
		runtime.ReadMemStats(&after)
		if len(errs) != 1 {
			t.Errorf("%s: errors %q, want one", name, errs)
		}
		if got := after.TotalAlloc - before.TotalAlloc; got > limit {
			t.Errorf("%s: %d bytes allocated, want less than %d", name, got, limit)
		}
	}
}

func TestStats(t *testing.T) {
	name := writeFile(t, t.TempDir(), "a.pcapng", join(section(le), namedIface(le, "eth0"), iface(le, 101, 0),
		enhanced(le, 0, 1, "12345"), cutPacket(le, 1, "678"),
		blockOf(le, blockStatistics, u32(le, 0, 0, 0), option(le, 5, u64(le, 3)), option(le, 7, u64(le, 4)))))
	_, errs, got := readNames(t, name)
	if errs != nil {
		t.Errorf("errors %q", errs)
	}
	st, err := os.Stat(name)
	if err != nil {
		t.Fatal(err)
	}
	diff(t, "statistics", got, Stats{Packets: 2, Bytes: 8, Cut: 1, Drops: 7, Inputs: 1, Read: st.Size(), Size: st.Size(),
		Interfaces: []Interface{
			{Name: "eth0", Link: LinkEthernet, SnapLen: 65535, Drops: 7},
			{Link: LinkRaw, SnapLen: 65535, Drops: -1},
		}})
}

func TestStatsUnknown(t *testing.T) {
	_, _, got := readBytes(t, pcapFile(le, pcapMicro))
	diff(t, "statistics", got, Stats{Drops: -1, Inputs: 1, Read: 24, Size: -1,
		Interfaces: []Interface{{Link: LinkEthernet, SnapLen: 65535, Drops: -1}}})
}

func TestCloseEarly(t *testing.T) {
	dir := t.TempDir()
	a := writeFile(t, dir, "a", pcapFile(le, pcapMicro, pcapRecord(le, 1, "a"), pcapRecord(le, 3, "c")))
	b := writeFile(t, dir, "b", pcapFile(le, pcapMicro, pcapRecord(le, 2, "b"), pcapRecord(le, 4, "d")))
	c := writeFile(t, dir, "c", timed("abc", 1, 2, 3))
	closeEarly(t, a, b)
	closeEarly(t, c)
}

func closeEarly(t *testing.T, names ...string) {
	t.Helper()
	s, err := Open(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	open := openFiles(t)
	var p Packet
	for range 2 {
		if err := s.Next(&p); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
	if got := openFiles(t); got != open {
		t.Errorf("%d files open, %d before", got, open)
	}
	if err := s.Next(&p); err != io.EOF {
		t.Errorf("Next after Close: %v, want io.EOF", err)
	}
}

// openFiles counts the files that this process has open, where the system
// tells: on Linux.
func openFiles(t *testing.T) int {
	t.Helper()
	if runtime.GOOS != "linux" {
		return 0
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(fds)
}
