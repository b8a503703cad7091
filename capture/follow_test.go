package capture

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

// A trickle gives a byte, then nothing, and so on.
type trickle struct {
	rest []byte
	idle bool
}

func (r *trickle) Read(p []byte) (int, error) {
	if r.idle = !r.idle; r.idle {
		return 0, ErrIdle
	}
	if len(r.rest) == 0 {
		return 0, io.EOF
	}
	p[0] = r.rest[0]
	r.rest = r.rest[1:]
	return 1, nil
}

// Wherever the bytes stop for a while, reading goes on as if they had not.
func TestIdleAnywhere(t *testing.T) {
	t.Parallel()
	files := samples()
	files["long section"] = join(blockOf(le, blockSection, u32(le, byteOrderMagic, 1), u64(le, 1<<64-1), make([]byte, 2*bufferSize)),
		iface(le, 1, 0), enhanced(le, 0, 1, "a"))
	files["pcap behind pcap"] = join(pcapFile(le, pcapMicro, pcapRecord(le, 1, "a")), pcapFile(be, pcapNano, pcapRecord(be, 2, "bc")))
	files["skipped"] = join(section(le), iface(le, 1, 0), blockOf(le, 77, make([]byte, 100)), enhanced(le, 0, 1, "a"),
		blockOf(le, blockCustom, make([]byte, 50)), blockOf(le, 5, u32(le, 0, 0, 0), option(le, 5, u64(le, 3))), enhanced(le, 0, 1, "b"))
	for name, b := range files {
		if compressionOf(b[:4]) != plain {
			continue
		}
		wantPackets, wantErrs, _ := readBytes(t, b)
		s := stdinSource(t, &trickle{rest: b})
		s.choose()
		var packets []Packet
		var errs []string
		for {
			var p Packet
			err := s.read(s.cur, &p)
			if err == ErrIdle {
				continue
			}
			if err != nil {
				if err != io.EOF {
					errs = append(errs, err.Error())
				}
				break
			}
			s.count(&p)
			p.Data = bytes.Clone(p.Data)
			packets = append(packets, p)
		}
		diff(t, name+": packets", packets, wantPackets)
		diff(t, name+": errors", errs, wantErrs)
	}
}

// A followed capture is read while the test writes it.
type following struct {
	*Source
	t      *testing.T
	cancel func()
	told   []string
}

func followed1(t *testing.T, names ...string) *following {
	t.Helper()
	f := &following{t: t}
	var ctx context.Context
	ctx, f.cancel = context.WithCancel(t.Context())
	s, err := Open(names, &Config{Follow: true, Context: ctx, Tell: func(s string) { f.told = append(f.told, s) }})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.cancel(); s.Close() })
	f.Source = s
	f.listEvery = idleTick
	return f
}

// gives reads what comes: packets, and errors in brackets. It is what was wanted,
// and then nothing more.
func (f *following) gives(want string) {
	f.t.Helper()
	var got strings.Builder
	for idle := 0; idle < 3 || got.Len() < len(want) && idle < 100; {
		var p Packet
		switch err := f.Next(&p); {
		case err == ErrIdle:
			idle++
			continue
		case err == io.EOF:
			f.t.Fatalf("%q, then the end; want %q", got.String(), want)
		case err != nil:
			fmt.Fprintf(&got, "[%v]", err)
		default:
			got.Write(p.Data)
		}
		idle = 0
	}
	if got.String() != want {
		f.t.Errorf("%q comes, want %q", got.String(), want)
	}
}

// ends asks for the end, with what still comes.
func (f *following) ends(want string) {
	f.t.Helper()
	f.cancel()
	f.isOver(want)
}

// isOver reads what comes to the end.
func (f *following) isOver(want string) {
	f.t.Helper()
	var got strings.Builder
	for range 100 {
		var p Packet
		switch err := f.Next(&p); {
		case err == io.EOF:
			if got.String() != want {
				f.t.Errorf("at the end %q, want %q", got.String(), want)
			}
			return
		case err == nil:
			got.Write(p.Data)
		case err != ErrIdle:
			fmt.Fprintf(&got, "[%v]", err)
		}
	}
	f.t.Error("does not end")
}

func (f *following) hasTold(want ...string) {
	f.t.Helper()
	diff(f.t, "what is told", f.told, want)
	f.told = nil
}

func appendTo(t *testing.T, name string, b []byte) {
	t.Helper()
	f, err := os.OpenFile(name, os.O_APPEND|os.O_WRONLY|os.O_CREATE, 0o666)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.Write(b); err != nil {
		t.Fatal(err)
	}
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func record1(sec uint32, data string) []byte { return pcapRecord(le, sec, data) }

// A file grows, with a rest of a record now and then, which is no damage.
func TestFollowGrowing(t *testing.T) {
	t.Parallel()
	name := writeFile(t, t.TempDir(), "a", timed("ab", 1, 2))
	f := followed1(t, name)
	f.gives("ab")
	half := record1(3, "cde")
	appendTo(t, name, half[:7])
	f.gives("")
	appendTo(t, name, half[7:18])
	f.gives("")
	appendTo(t, name, join(half[18:], record1(4, "f"), record1(5, "g")[:16]))
	f.gives("cdef")
	f.ends("")
	f.hasTold()
	if s := f.Stats(); s.Packets != 4 || s.Inputs != 1 || s.Damaged != 0 || s.Size != -1 {
		t.Errorf("%+v", s)
	}
}

// A writer writes byte by byte while all is read.
func TestFollowByteByByte(t *testing.T) {
	t.Parallel()
	for format, b := range map[string][]byte{
		"pcap": pcapFile(le, pcapMicro, manyRecords(20, 60)...),
		"pcapng": join(section(be), iface(be, 1, 0), blockOf(be, 77, make([]byte, 100)), enhanced(be, 0, 1, "first"),
			blockOf(be, blockCustom, make([]byte, 100)), enhanced(be, 0, 2, "second")),
	} {
		name := filepath.Join(t.TempDir(), "a")
		want, _, _ := readBytes(t, b)
		f := followed1(t, name)
		go func() {
			w, err := os.Create(name)
			for i := range b {
				if err == nil {
					_, err = w.Write(b[i : i+1])
				}
				if rand.IntN(100) == 0 {
					time.Sleep(30 * time.Millisecond)
				}
			}
			if err != nil {
				t.Error(err)
			}
			w.Close()
		}()
		var got []Packet
		for idle := 0; len(got) < len(want) && idle < 300; {
			var p Packet
			switch err := f.Next(&p); err {
			case nil:
				p.Data = bytes.Clone(p.Data)
				got = append(got, p)
			case ErrIdle:
				idle++
			default:
				t.Fatalf("%s: %v", format, err)
			}
		}
		diff(t, format, got, want)
		f.ends("")
	}
}

// A file that is not there is waited for, which is told once.
func TestFollowNotThere(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := filepath.Join(dir, "a")
	f := followed1(t, name)
	f.gives("")
	f.hasTold(name + " is not there yet; waiting for it")
	whole := timed("a", 1)
	for i := range whole {
		appendTo(t, name, whole[i:i+1])
		if i == 2 || i == 20 || i == 30 {
			f.gives("")
		}
	}
	f.gives("a")
	f.hasTold()
	f.ends("")
}

// What never comes is told at the end, and a file without packets is none that
// could not be read.
func TestFollowNothing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	empty := writeFile(t, dir, "empty", nil)
	header := writeFile(t, dir, "header", timed(""))
	none := filepath.Join(dir, "none")
	if err := os.Mkdir(none, 0o777); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(dir, "missing")
	for _, c := range []struct {
		name, told, want string
		inputs           int
	}{
		{missing, "is not there yet; waiting for it", "no such file or directory", 0},
		{empty, "has no packets yet; waiting for them", "empty file", 0},
		{header, "has no packets yet; waiting for them", "", 1},
		{none, "has no capture with packets yet; waiting for one", "no capture files in this directory", 0},
		{filepath.Join(none, "*"), "has no capture with packets yet; waiting for one", "no capture files in this directory", 0},
	} {
		f := followed1(t, c.name)
		f.gives("")
		f.hasTold(c.name + " " + c.told)
		if c.want == "" {
			f.ends("")
		} else {
			f.ends("[" + c.name + ": " + c.want + "]")
		}
		if s := f.Stats(); s.Inputs != c.inputs {
			t.Errorf("%s: %d inputs", c.name, s.Inputs)
		}
	}
}

// What can never be read is told at once, and is the end.
func TestFollowUnreadable(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	notes := writeFile(t, dir, "notes.txt", []byte("some notes, no packets"))
	for name, want := range map[string]string{
		notes:          notes + ": not a capture file (pcap or pcapng)",
		os.DevNull:     os.DevNull + ": not a file, which alone can be followed",
		dir + "/[":     dir + "/[: syntax error in pattern",
		dir + "/\x1b*": "",
	} {
		f := followed1(t, name)
		if want == "" {
			f.gives("")
			f.hasTold(fmt.Sprintf("%q has no capture with packets yet; waiting for one", name))
			continue
		}
		f.isOver("[" + want + "]")
		f.hasTold()
	}
	f := followed1(t, notes, writeFile(t, dir, "a", timed("a", 1)))
	f.gives("[" + notes + ": not a capture file (pcap or pcapng)]a")
}

// The name stays and the file is another one: the rest of the old one comes first,
// also what is written to it later, as long as the new one has no packet.
func TestFollowRenamed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := writeFile(t, dir, "a", timed("ab", 1, 2))
	old := filepath.Join(dir, "a.1")
	f := followed1(t, name)
	f.gives("ab")
	appendTo(t, name, record1(3, "c"))
	rename(t, name, old)
	appendTo(t, old, record1(4, "d"))
	f.gives("cd")
	writeFile(t, dir, "a", nil)
	appendTo(t, old, record1(5, "e"))
	f.gives("e")
	appendTo(t, name, timed(""))
	appendTo(t, old, record1(6, "f"))
	f.gives("f")
	appendTo(t, old, record1(7, "g"))
	appendTo(t, name, record1(8, "h"))
	f.gives("gh")
	for i := range 5 {
		os.Remove(old)
		rename(t, name, old)
		writeFile(t, dir, "a", timed("xy", uint32(9+i), uint32(10+i)))
		f.gives("xy")
	}
	f.ends("")
	f.hasTold()
	if s := f.Stats(); s.Inputs != 7 || s.Packets != 18 || s.Damaged != 0 {
		t.Errorf("%+v", s)
	}
}

// A record that never becomes whole is damage once the next file has begun.
func TestFollowCut(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := timed("ab", 1, 2)
	name := writeFile(t, dir, "a", a[:len(a)-1])
	f := followed1(t, name)
	f.patience = time.Hour
	f.gives("a")
	rename(t, name, filepath.Join(dir, "b"))
	writeFile(t, dir, "a", timed("c", 3))
	f.gives("")
	appendTo(t, filepath.Join(dir, "b"), a[len(a)-1:]) // at last
	f.gives("bc")
	appendTo(t, name, record1(4, "d")[:16])
	rename(t, name, filepath.Join(dir, "b"))
	writeFile(t, dir, "a", timed("e", 5))
	f.gives("")
	f.patience = 0
	f.gives("[" + name + ": packet 2, byte 41: file cut short: packet needs 17 bytes, 16 are left]e")
	f.ends("")
}

// What is damaged is left, and what takes its place is read.
func TestFollowDamaged(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := writeFile(t, dir, "a", join(timed("a", 1), bytes.Repeat([]byte{0xff}, 16)))
	f := followed1(t, name)
	f.gives("a[" + name + ": packet 2, byte 41: packet of 4294967295 bytes is larger than 262144]")
	appendTo(t, name, record1(3, "never"))
	f.gives("")
	rename(t, name, filepath.Join(dir, "b"))
	writeFile(t, dir, "a", []byte("some notes, no packets"))
	f.gives("[" + name + ": not a capture file (pcap or pcapng)]")
	writeFile(t, dir, "a", timed("b", 2))
	f.gives("b")
	f.ends("")
}

// A file is truncated and written anew: to less, as much, and more than was read,
// at once or after a while.
func TestFollowTruncated(t *testing.T) {
	t.Parallel()
	for _, second := range []string{"c", "cd", "cdefgh"} {
		for _, pause := range []bool{false, true} {
			name := writeFile(t, t.TempDir(), "a", timed("ab", 1, 2))
			f := followed1(t, name)
			f.gives("ab")
			if pause {
				if err := os.Truncate(name, 0); err != nil {
					t.Fatal(err)
				}
				f.gives("")
				f.hasTold(name + " was truncated; reading it from its beginning")
			}
			writeFile(t, filepath.Dir(name), "a", timed(second, []uint32{3, 4, 5, 6, 7, 8}[:len(second)]...))
			f.gives(second)
			appendTo(t, name, record1(9, "z"))
			f.gives("z")
			if !pause && len(second) != 2 {
				f.hasTold(name + " was truncated; reading it from its beginning")
			}
			f.ends("")
		}
	}
}

// A copy is made and the file truncated, in a directory: the copy is known.
func TestFollowCopyTruncate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	name := writeFile(t, dir, "a", timed("ab", 1, 2))
	f := followed1(t, dir)
	f.gives("ab")
	appendTo(t, name, record1(3, "c"))
	f.gives("c")
	b, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "a.1", b)
	writeFile(t, dir, "a", timed("d", 4))
	f.gives("d")
	writeFile(t, dir, "a.1.gz", gzipped1(b))
	if err := os.Remove(filepath.Join(dir, "a.1")); err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "a.1.gz"), old, old); err != nil {
		t.Fatal(err)
	}
	f.gives("")
	f.ends("")
	f.hasTold(name + " was truncated; reading it from its beginning")
}

// Files come in a directory: in the order of their time, not of their names; what
// is no capture is left alone.
func TestFollowDirectory(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writeFile(t, dir, "z", timed("ab", 1, 2))
	writeFile(t, dir, "a", timed("ef", 5, 6))
	writeFile(t, dir, "m.gz", gzipped1(timed("cd", 3, 4)))
	old := time.Now().Add(-time.Hour)
	if err := os.Chtimes(filepath.Join(dir, "m.gz"), old, old); err != nil {
		t.Fatal(err)
	}
	writeFile(t, dir, "notes.txt", []byte("some notes, no packets"))
	writeFile(t, dir, "notes.txt.gz", gzipped1([]byte("some notes, no packets")))
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("a", filepath.Join(dir, "latest")); err != nil {
		t.Fatal(err)
	}
	f := followed1(t, dir)
	f.gives("abcdef")
	for i := range 12 { // as tcpdump -C names them
		appendTo(t, filepath.Join(dir, "a"), record1(uint32(10+2*i), "-"))
		name := fmt.Sprint("x", i)
		w := writeFile(t, dir, name, timed(name[1:2], uint32(11+2*i)))
		if i == 0 {
			f.gives("-0")
			f.gives("")
		}
		if i > 0 {
			os.Remove(w)
		}
	}
	f.ends("[" + filepath.Join(dir, "a") + ": 187 bytes were not read: they came when another file had begun]")
	f.hasTold()
}

// What is compressed is read when it does not grow any more, as a whole.
func TestFollowCompressed(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	whole := gzipped1(timed("ab", 1, 2))
	name := writeFile(t, dir, "a", whole[:len(whole)-1])
	f := followed1(t, name)
	f.patience = time.Hour
	f.gives("")
	f.hasTold(name + " is compressed; waiting until nobody writes to it any more")
	appendTo(t, name, whole[len(whole)-1:])
	f.gives("")
	f.patience = 0
	f.gives("ab")
	f.patience = time.Hour
	writeFile(t, dir, "b", gzipped1(timed("cd", 3, 4))[:30])
	rename(t, filepath.Join(dir, "b"), name)
	f.gives("")
	writeFile(t, dir, "b", timed("ef", 5, 6))
	rename(t, filepath.Join(dir, "b"), name)
	f.gives("ef")
	f.ends("")
	f.hasTold()
}

// A pattern stands for the files that fit it; two of them for two captures.
func TestFollowPatterns(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := followed1(t, filepath.Join(dir, "a*"), filepath.Join(dir, "b*"))
	f.gives("")
	for i := range uint32(3) {
		f.patience = time.Hour
		writeFile(t, dir, fmt.Sprint("b", i), timed("bd", 10*i+2, 10*i+4))
		writeFile(t, dir, fmt.Sprint("a", i), timed("ac", 10*i+1, 10*i+3))
		writeFile(t, dir, fmt.Sprint("c", i), timed("x", 10*i+1))
		f.gives("abc")
		f.patience = 0
		f.gives("d")
	}
	f.ends("")
	f.hasTold(filepath.Join(dir, "a*")+" has no capture with packets yet; waiting for one",
		filepath.Join(dir, "b*")+" has no capture with packets yet; waiting for one")
}

// A ring of files in a directory that is written over, as tcpdump -C -W does it.
func TestFollowRing(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := followed1(t, dir)
	for i := range uint32(9) {
		writeFile(t, dir, fmt.Sprint("x", i%3), timed("ab", 2*i+1, 2*i+2))
		f.gives("ab")
	}
	// Too fast.
	f.patience = time.Hour
	x0 := writeFile(t, dir, "x0", timed("ab", 31, 32)[:58-17])
	f.gives("a")
	appendTo(t, x0, record1(32, "b")[:16])
	x1 := writeFile(t, dir, "x1", timed("cd", 33, 34))
	f.gives("")
	writeFile(t, dir, "x1", timed("ef", 35, 36))
	f.gives("[" + x1 + ": is gone before it was read]")
	f.patience = 0
	f.gives("[" + x0 + ": packet 2, byte 41: file cut short: packet needs 17 bytes, 16 are left]ef")
	f.ends("")
}

// A file that waits for its turn may be renamed, but not go.
func TestFollowGone(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := timed("ab", 1, 2)
	writeFile(t, dir, "a", a[:len(a)-1])
	b, c := writeFile(t, dir, "b", timed("c", 3)), writeFile(t, dir, "c", timed("d", 4))
	f := followed1(t, dir)
	f.patience = time.Hour
	f.gives("a")
	rename(t, b, b+".1")
	if err := os.Remove(c); err != nil {
		t.Fatal(err)
	}
	f.gives("[" + c + ": is gone before it was read]")
	appendTo(t, filepath.Join(dir, "a"), a[len(a)-1:])
	f.gives("bc")
	f.ends("")
}

// Nothing of what came when the end was asked for is left.
func TestFollowEnds(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	f := followed1(t, dir)
	f.gives("")
	writeFile(t, dir, "a", timed("ab", 1, 2))
	writeFile(t, dir, "b", timed("cd", 3, 4))
	f.ends("abcd")
}

// An input for which nothing comes holds up another one for a while, but a pipe
// for as long as it takes.
func TestFollowMerge(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	a := writeFile(t, dir, "a", timed("a", 1))
	b := writeFile(t, dir, "b", timed("b", 2))
	f := followed1(t, a, b)
	f.patience = 0
	f.gives("ab")
	f.patience = time.Hour
	for _, in := range slices.Concat(f.waiting, f.idle) {
		in.since = time.Time{} // but b is busy now
	}
	appendTo(t, b, record1(4, "d"))
	f.gives("")
	appendTo(t, a, join(record1(3, "c"), record1(5, "e")))
	f.gives("cd")
	f.patience = 0
	f.gives("e")
	appendTo(t, a, record1(7, "g"))
	f.gives("g")
	appendTo(t, b, record1(6, "f"))
	f.gives("f")
	f.ends("")
}

// A pipe that brings nothing is idle, as it begins and between its packets.
func TestIdlePipe(t *testing.T) {
	t.Parallel()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	file := writeFile(t, t.TempDir(), "a", timed("bd", 2, 4))
	ctx, cancel := context.WithCancel(t.Context())
	s, err := Open([]string{"-", file}, &Config{Stdin: r, Context: ctx})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	f := &following{Source: s, t: t, cancel: cancel}
	whole := timed("ac", 1, 3)
	f.patience = 0
	for _, step := range []struct {
		bytes int
		want  string
	}{{0, ""}, {3, ""}, {20, ""}, {17, ""}, {1, "a"}, {10, ""}, {7, "bc"}} {
		if _, err := w.Write(whole[:step.bytes]); err != nil {
			t.Fatal(err)
		}
		whole = whole[step.bytes:]
		f.gives(step.want)
	}
	f.ends("d")
}

// Another file than the one that was found when it was opened is not read as it.
func TestGrowing(t *testing.T) {
	name := writeFile(t, t.TempDir(), "a", timed("ab", 1, 2))
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	g := &growing{file: file, print: printOf(timed("ab", 3, 4))}
	if n, err := g.Read(make([]byte, 100)); n != 0 || err != io.EOF || !g.truncated {
		t.Errorf("%d bytes, %v", n, err)
	}
	file.Close()
	if _, err := g.Read(make([]byte, 1)); err == nil || err == ErrIdle || err == io.EOF {
		t.Errorf("%v", err)
	}
}
