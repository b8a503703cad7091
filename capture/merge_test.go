package capture

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

// timed is a pcap file with a packet per character, at the seconds given.
func timed(text string, secs ...uint32) []byte {
	var recs [][]byte
	for i, s := range secs {
		recs = append(recs, pcapRecord(le, s, text[i:i+1]))
	}
	return pcapFile(le, pcapMicro, recs...)
}

func TestMerge(t *testing.T) {
	for _, c := range []struct {
		name  string
		files [][]byte
		want  string
	}{
		{"one", [][]byte{timed("abc", 1, 2, 3)}, "abc"},
		{"in turn", [][]byte{timed("ac", 1, 3), timed("bd", 2, 4)}, "abcd"},
		{"rotated", [][]byte{timed("ef", 5, 6), timed("ab", 1, 2), timed("cd", 3, 4)}, "abcdef"},
		{"rotated within a second", [][]byte{timed("cd", 2, 3), timed("ab", 1, 2)}, "abcd"},
		{"ties by order of naming", [][]byte{timed("ad", 1, 2), timed("be", 1, 2), timed("cf", 1, 2)}, "abcdef"},
		{"time runs back in a file", [][]byte{timed("acb", 1, 9, 3), timed("xy", 2, 5)}, "axycb"},
		{"no packets", [][]byte{timed(""), timed("a", 1), timed("")}, "a"},
		{"time before 1970 is none", [][]byte{timed("b", 1), join(section(le), iface(le, 1, 0), blockOf(le, blockSimple, u32(le, 1), []byte("a")))}, "ab"},
		{"compressed", [][]byte{gzipped1(timed("bd", 2, 4)), zstd1(timed("ac", 1, 3))}, "abcd"},
	} {
		dir := t.TempDir()
		var names []string
		for i, b := range c.files {
			names = append(names, writeFile(t, dir, fmt.Sprint(i), b))
		}
		packets, errs, stats := readNames(t, names...)
		diff(t, c.name+": errors", errs, []string(nil))
		diff(t, c.name+": packets", strings.Join(datas(packets), ""), c.want)
		for i, p := range packets {
			if p.Num != i+1 {
				t.Errorf("%s: packet %d has number %d", c.name, i+1, p.Num)
			}
		}
		if stats.Inputs != len(c.files) || len(stats.Interfaces) != len(c.files) {
			t.Errorf("%s: %d inputs, %d interfaces", c.name, stats.Inputs, len(stats.Interfaces))
		}
	}
}

// Rotated files give one result in whatever order they are named, even if
// the clock stands still across the rotation.
func TestMergeAnyOrder(t *testing.T) {
	dir := t.TempDir()
	names := []string{
		writeFile(t, dir, "a", timed("abc", 1, 2, 3)),
		writeFile(t, dir, "b", timed("de", 3, 4)),
		writeFile(t, dir, "c", timed("fgh", 4, 4, 5)),
		writeFile(t, dir, "d", timed("i", 5)),
	}
	for range 24 {
		packets, _, _ := readNames(t, names...)
		if got := strings.Join(datas(packets), ""); got != "abcdefghi" {
			t.Errorf("%q: %s", names, got)
		}
		next(names)
	}
}

// next permutes names.
func next(names []string) {
	i := len(names) - 2
	for i >= 0 && names[i] >= names[i+1] {
		i--
	}
	if i >= 0 {
		j := len(names) - 1
		for names[j] <= names[i] {
			j--
		}
		names[i], names[j] = names[j], names[i]
	}
	slices.Reverse(names[i+1:])
}

func TestMergeSameFileTwice(t *testing.T) {
	name := writeFile(t, t.TempDir(), "a", timed("ab", 1, 2))
	packets, _, _ := readNames(t, name, name)
	diff(t, "packets", datas(packets), []string{"a", "a", "b", "b"})
}

// Damage of one file leaves the others alone, and comes once.
func TestMergeDamage(t *testing.T) {
	dir := t.TempDir()
	cut := timed("ac", 1, 3)
	a := writeFile(t, dir, "a", cut[:len(cut)-1])
	b := writeFile(t, dir, "b", timed("bd", 2, 4))
	notes := writeFile(t, dir, "notes.txt", []byte("some notes"))
	packets, errs, stats := readNames(t, a, notes, b)
	diff(t, "packets", datas(packets), []string{"a", "b", "d"})
	diff(t, "errors", errs, []string{
		notes + ": not a capture file (pcap or pcapng)",
		a + ": packet 2, byte 41: file cut short: packet needs 17 bytes, 16 are left",
	})
	if stats.Damaged != 2 || stats.Inputs != 2 {
		t.Errorf("%d damaged, %d inputs", stats.Damaged, stats.Inputs)
	}
}

// Frame numbers of records that are no packets are passed over when they are
// read, as mergecap writes them.
func TestMergeNumbers(t *testing.T) {
	dir := t.TempDir()
	a := writeFile(t, dir, "a", join(section(le), iface(le, 1, 0), enhanced(le, 0, 1, "a"), blockOf(le, blockCustom, u32(le, 1)), enhanced(le, 0, 3, "c")))
	b := writeFile(t, dir, "b", join(section(le), iface(le, 1, 0), enhanced(le, 0, 2, "b")))
	packets, _, _ := readNames(t, a, b)
	var got []string
	for _, p := range packets {
		got = append(got, fmt.Sprint(p.Num, string(p.Data), p.Iface))
	}
	diff(t, "packets", got, []string{"1a0", "3b1", "4c0"})
}

// Files wait closed for their turn, and are closed at their end.
func TestMergeOpensLate(t *testing.T) {
	dir := t.TempDir()
	var names []string
	for i := range uint32(50) {
		names = append(names, writeFile(t, dir, fmt.Sprint(i), timed("ab", 2*i, 2*i+1)))
	}
	s, err := Open(names, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	for range 100 {
		var p Packet
		if err := s.Next(&p); err != nil {
			t.Fatal(err)
		}
		if got := openStreams(s); got > 1 {
			t.Fatalf("%d files open", got)
		}
	}
	if got := len(s.pool.free); got > 1 {
		t.Errorf("%d buffers for one file at a time", got)
	}
}

func openStreams(s *Source) int {
	n := 0
	for _, in := range append(slices.Clone(s.waiting), s.cur) {
		if in != nil && in.stream != nil {
			n++
		}
	}
	return n
}

// Standard input takes part in the merge.
func TestMergeStdin(t *testing.T) {
	a := writeFile(t, t.TempDir(), "a", timed("ac", 1, 3))
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	go func() { w.Write(timed("bd", 2, 4)); w.Close() }()
	s, err := Open([]string{a, "-"}, &Config{Stdin: r})
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := collect(t, s)
	diff(t, "errors", errs, []string(nil))
	diff(t, "packets", datas(packets), []string{"a", "b", "c", "d"})
	if got := s.Stats().Size; got != -1 {
		t.Errorf("size %d, want -1", got)
	}
}
