package evidence

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/capture"
)

// readBack returns the packets of files, with their bytes, and what is told of them.
func readBack(t *testing.T, names ...string) ([]capture.Packet, capture.Stats) {
	t.Helper()
	src, err := capture.Open(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var all []capture.Packet
	for {
		var p capture.Packet
		err := src.Next(&p)
		if err == io.EOF {
			return all, src.Stats()
		}
		if err != nil {
			t.Errorf("damage: %v", err)
			continue
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	}
}

func create(t *testing.T, name string, cfg *Config) *Writer {
	t.Helper()
	w, err := Create(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

func closeWriter(t *testing.T, w *Writer) {
	t.Helper()
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

// files lists a directory.
func files(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

// write writes packets of 1000 bytes, a second apart.
func write(w *Writer, from, to int) {
	for num := from; num <= to; num++ {
		p := packet(num, 1000)
		p.Time = second(num)
		w.Tick(p.Time)
		w.Packet(p, nil)
	}
}

func second(num int) int64 { return 1767323045e9 + int64(num)*1e9 }

// TestRoundTrip writes packets of several interfaces, plain and compressed, and reads
// what was written.
func TestRoundTrip(t *testing.T) {
	ifaces := []capture.Interface{
		{Name: "eth0", Link: capture.LinkEthernet, SnapLen: 65535, Drops: -1},
		{Name: "tun\xff0", Link: capture.LinkRaw, Drops: -1},
		{Link: capture.LinkSLL2, SnapLen: 96, Drops: -1},
	}
	var want []capture.Packet
	for num := 1; num <= 300; num++ {
		p := packet(num, num*num%3000)
		p.Link = ifaces[p.Iface].Link
		want = append(want, *p)
	}
	for _, name := range []string{"a.pcapng", "a.pcapng.gz", "a.pcapng.zst", "a.pcapng.lz4", "a"} {
		file := filepath.Join(t.TempDir(), name)
		w := create(t, file, &Config{Interface: func(i int) capture.Interface { return ifaces[i] }, Drops: func() int64 { return 7 }})
		for i := range want {
			w.Tick(want[i].Time)
			w.Packet(&want[i], []string{"wssniff: ok", strings.Repeat("ä", maxComment)})
			w.Packet(&want[i], nil) // once more
		}
		w.Tick(second(1000))
		closeWriter(t, w)
		got, stats := readBack(t, file)
		for i := range got { // interfaces are numbered as they come
			if i < 3 && stats.Interfaces[got[i].Iface].Link != want[i].Link {
				t.Errorf("%s: packet %d is of %v", name, i, stats.Interfaces[got[i].Iface])
			}
			got[i].Iface = want[i].Iface
		}
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s: %d packets are not the %d that were written", name, len(got), len(want))
		}
		if stats.End != second(1000) || stats.Drops != 7 || len(stats.Interfaces) != 3 {
			t.Errorf("%s: ended at %d, %d drops, interfaces %v", name, stats.End, stats.Drops, stats.Interfaces)
		}
		for i, want := range []capture.Interface{{Name: "tun?0", Link: capture.LinkRaw}, {Link: capture.LinkSLL2, SnapLen: 96}, {Name: "eth0", Link: capture.LinkEthernet, SnapLen: 65535}} {
			got := stats.Interfaces[i]
			if got.Drops = 0; got != want {
				t.Errorf("%s: interface %d is %+v, want %+v", name, i, got, want)
			}
		}
		if s := w.Stats(); s.Packets != 300 || s.Files != 1 || s.LostDisk != 0 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestOneFile: without bounds there is exactly the file that was named, and it takes
// the place of an earlier one when it is whole.
func TestOneFile(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.pcapng")
	if err := os.WriteFile(file, []byte("earlier"), 0o644); err != nil {
		t.Fatal(err)
	}
	w := create(t, file, nil)
	write(w, 1, 5000)
	if got := files(t, dir); !slices.Equal(got, []string{"a.pcapng", "a.pcapng.part"}) {
		t.Errorf("while it is written there are %q", got)
	}
	if b, err := os.ReadFile(file); err != nil || string(b) != "earlier" {
		t.Errorf("the earlier file has %q, %v", b, err)
	}
	closeWriter(t, w)
	if got := files(t, dir); !slices.Equal(got, []string{"a.pcapng"}) {
		t.Errorf("at the end there are %q", got)
	}
	if got, _ := readBack(t, file); len(got) != 5000 {
		t.Errorf("%d packets, want 5000", len(got))
	}
	w = create(t, file, nil)
	closeWriter(t, w)
	if got, _ := readBack(t, file); len(got) != 0 {
		t.Errorf("%d packets where nothing was written", len(got))
	}
}

// TestEvery begins a file every ten seconds of capture time.
func TestEvery(t *testing.T) {
	dir := t.TempDir()
	w := create(t, filepath.Join(dir, "a.pcapng"), &Config{Every: 10 * time.Second})
	write(w, 1, 25)
	w.Tick(second(90)) // long silence
	w.Tick(second(91))
	if got := files(t, dir); len(got) != 4 {
		t.Errorf("while it is silent there are %q, want three files and an empty one", got)
	}
	closeWriter(t, w)
	want := []string{"a-20260102T030406Z-0001.pcapng", "a-20260102T030416Z-0001.pcapng", "a-20260102T030426Z-0001.pcapng"}
	if got := files(t, dir); !slices.Equal(got, want) {
		t.Errorf("files %q, want %q", got, want)
	}
	for i, n := range []int{10, 10, 5} {
		if got, stats := readBack(t, filepath.Join(dir, want[i])); len(got) != n || stats.End == 0 {
			t.Errorf("%s: %d packets, want %d; ended at %d", want[i], len(got), n, stats.End)
		}
	}
}

// TestSize never has more on the disk than was allowed, and no other file is
// touched.
func TestSize(t *testing.T) {
	for _, name := range []string{"a.pcapng", "a.pcapng.zst", "a.pcapng.gz", "a.pcapng.lz4"} {
		dir := t.TempDir()
		foreign := []string{"a-20260102T030405Z-1.pcapng", "a-b.pcapng", "a.pcapng", "b-20260102T030405Z-0001.pcapng", name + ".gz"}
		for _, f := range foreign {
			if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
				t.Fatal(err)
			}
		}
		ours := "a-20200102T030405Z-0001" + strings.TrimPrefix(name, "a")
		if err := os.WriteFile(filepath.Join(dir, ours), make([]byte, 900_000), 0o644); err != nil {
			t.Fatal(err)
		}
		w := create(t, filepath.Join(dir, name), &Config{Size: MinSize, Files: 3})
		var most int64
		noise := make([]byte, 1<<20) // which cannot be compressed
		rand.NewChaCha8([32]byte{}).Read(noise)
		for num := 1; num <= 6000; num++ {
			p := packet(num, 1000)
			at := num * 1000 % (len(noise) - 1000)
			p.Data = noise[at : at+1000]
			w.Tick(p.Time)
			w.Packet(p, nil)
			if num%50 == 0 {
				most = max(most, onDisk(t, dir))
			}
		}
		closeWriter(t, w)
		most = max(most, onDisk(t, dir))
		if most > 3*MinSize || most < 2*MinSize && name == "a.pcapng" {
			t.Errorf("%s: %d bytes on the disk, want up to %d", name, most, 3*MinSize)
		}
		var left []string
		for _, f := range files(t, dir) {
			if !slices.Contains(foreign, f) {
				left = append(left, f)
			}
		}
		if n := len(files(t, dir)) - len(left); n != len(foreign) {
			t.Errorf("%s: of %d files of others %d are left", name, len(foreign), n)
		}
		if slices.Contains(left, ours) || len(left) > 3 || slices.ContainsFunc(left, func(f string) bool {
			return !regexp.MustCompile(`^a-20260102T030405Z-000\d\.pcapng(\.\w+)?$`).MatchString(f)
		}) {
			t.Errorf("%s: files %q", name, left)
		}
		last, _ := readBack(t, filepath.Join(dir, left[len(left)-1]))
		if n := len(last); n == 0 || last[n-1].Time != packet(6000, 0).Time {
			t.Errorf("%s: the last packet is not in the last file", name)
		}
		if s := w.Stats(); s.LostDisk != 0 || s.Packets != 6000 {
			t.Errorf("%s: %+v", name, s)
		}
	}
}

// TestSizeOfEach fills files with small packets: none is larger than allowed, its end
// included.
func TestSizeOfEach(t *testing.T) {
	dir := t.TempDir()
	w := create(t, filepath.Join(dir, "a.pcapng"), &Config{Size: MinSize})
	for num := 1; num <= 80_000; num++ {
		p := packet(num, 1+num/30_000*4) // blocks of 36 bytes, of 40, of 44
		w.Tick(p.Time)
		w.Packet(p, nil)
	}
	closeWriter(t, w)
	for _, f := range files(t, dir) {
		if st, err := os.Stat(filepath.Join(dir, f)); err != nil || st.Size() > MinSize {
			t.Errorf("%s: %d bytes, %v", f, st.Size(), err)
		}
	}
}

func onDisk(t *testing.T, dir string) (sum int64) {
	t.Helper()
	for _, f := range files(t, dir) {
		st, err := os.Stat(filepath.Join(dir, f))
		if err != nil {
			t.Fatal(err)
		}
		sum += st.Size()
	}
	return sum
}

// TestTwoAtOnce has two Writers of one name: the second is told, and the first goes
// on.
func TestTwoAtOnce(t *testing.T) {
	for _, cfg := range []*Config{nil, {Every: time.Second}} {
		dir := t.TempDir()
		file := filepath.Join(dir, "a.pcapng")
		w := create(t, file, cfg)
		if _, err := Create(file, cfg); err == nil || err.Error() != file+".part: another wssniff writes it: choose another name" {
			t.Errorf("the second is told %v", err)
		}
		write(w, 1, 3)
		if _, err := Create(file, nil); !errors.Is(err, errBusy) {
			t.Errorf("the third is told %v", err)
		}
		other := create(t, filepath.Join(dir, "b.pcapng"), cfg)
		write(other, 1, 3)
		closeWriter(t, w)
		closeWriter(t, other)
		packets := 0
		for _, f := range files(t, dir) {
			got, _ := readBack(t, filepath.Join(dir, f))
			packets += len(got)
		}
		if packets != 6 {
			t.Errorf("%d packets in %q, want 6", packets, files(t, dir))
		}
	}
}

// TestTakeOver finds what a run left that did not end: it gets its name.
func TestTakeOver(t *testing.T) {
	for _, cfg := range []*Config{nil, {Every: time.Hour}} {
		dir := t.TempDir()
		file := filepath.Join(dir, "a.pcapng")
		w := create(t, file, cfg)
		write(w, 1, 3)
		w.Tick(second(9))
		w.file.Close() // as if it was killed
		w = create(t, file, cfg)
		if got := files(t, dir); len(got) != 2 {
			t.Errorf("files %q, want two", got)
		}
		for _, f := range files(t, dir) {
			if got, _ := readBack(t, filepath.Join(dir, f)); !strings.HasSuffix(f, ".part") && len(got) != 3 {
				t.Errorf("%s has %d packets, want 3", f, len(got))
			}
		}
		write(w, 4, 5)
		closeWriter(t, w)
		for _, f := range files(t, dir) {
			readBack(t, filepath.Join(dir, f))
		}
	}
}

// TestTakeOverNothing finds what a run left that was killed before it wrote anything,
// or between giving a file its name and taking the other away.
func TestTakeOverNothing(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.pcapng")
	if err := errors.Join(os.WriteFile(file, []byte("earlier"), 0o600), os.WriteFile(file+".part", nil, 0o600)); err != nil {
		t.Fatal(err)
	}
	w := create(t, file, nil)
	if b, err := os.ReadFile(file); err != nil || string(b) != "earlier" {
		t.Errorf("the earlier file has %q, %v", b, err)
	}
	closeWriter(t, w)

	dir = t.TempDir()
	file = filepath.Join(dir, "a.pcapng")
	w = create(t, file, &Config{Every: time.Hour})
	write(w, 1, 3)
	closeWriter(t, w)
	named := files(t, dir)
	if err := os.Link(filepath.Join(dir, named[0]), file+".part"); err != nil {
		t.Fatal(err)
	}
	closeWriter(t, create(t, file, &Config{Every: time.Hour}))
	if got := files(t, dir); !slices.Equal(got, named) {
		t.Errorf("files %q, want %q", got, named)
	}
}

// TestCreateFails says what is wrong where nothing can be written.
func TestCreateFails(t *testing.T) {
	dir := t.TempDir()
	if err := errors.Join(os.Mkdir(filepath.Join(dir, "sub"), 0o755), os.Symlink("x", filepath.Join(dir, "link"))); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{
		"none/a.pcapng": "no such file or directory",
		"sub":           "is no regular file",
		"link":          "is no regular file",
	} {
		if _, err := Create(filepath.Join(dir, name), nil); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
	if got := files(t, dir); len(got) != 2 {
		t.Errorf("files %q are left", got)
	}
}

// TestManyInterfaces begins a section where one has no room for more.
func TestManyInterfaces(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a.pcapng")
	w := create(t, file, nil)
	const n = maxIfaces + 10
	for num := 1; num <= n; num++ {
		p := packet(num, 4)
		p.Iface = num
		w.Packet(p, nil)
	}
	closeWriter(t, w)
	if got, _ := readBack(t, file); len(got) != n {
		t.Errorf("%d packets, want %d", len(got), n)
	}
}

// TestNoAllocs: to write a packet leaves no garbage.
func TestNoAllocs(t *testing.T) {
	w := create(t, filepath.Join(t.TempDir(), "a.pcapng"), nil)
	defer closeWriter(t, w)
	num := 0
	p := packet(1, 1000)
	comments := []string{"wssniff: rejected"}
	if got := testing.AllocsPerRun(1000, func() {
		num++
		p.Num = num
		w.Packet(p, comments)
	}); got > 0 {
		t.Errorf("%v allocations", got)
	}
}

func ExampleWriter() {
	dir, err := os.MkdirTemp("", "evidence")
	if err != nil {
		panic(err)
	}
	defer os.RemoveAll(dir)
	w, err := Create(filepath.Join(dir, "failures.pcapng"), &Config{Every: time.Hour, Files: 24})
	if err != nil {
		panic(err)
	}
	w.Tick(1767323045e9)
	w.Packet(&capture.Packet{Num: 1, Time: 1767323045e9, Link: capture.LinkRaw, WireLen: 3, Data: []byte("abc")}, []string{"wssniff: rejected"})
	fmt.Println(w.Close())
	names, _ := filepath.Glob(filepath.Join(dir, "*"))
	fmt.Println(filepath.Base(names[0]))
	// Output:
	// <nil>
	// failures-20260102T030405Z-0001.pcapng
}
