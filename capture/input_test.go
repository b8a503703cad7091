package capture

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/iotest"
)

func TestUnreadable(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	writeFile(t, dir, "notes.txt", []byte("some notes, no packets"))
	writeFile(t, dir, "lines.txt", []byte("\n\r\r\nsome notes, no packets"))
	writeFile(t, dir, "ab", []byte("ab"))
	writeFile(t, dir, "empty.pcap", nil)
	writeFile(t, dir, "bad\x1b[2Jname", nil)
	if err := os.Mkdir("none", 0o777); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, want string }{
		{"nosuch.pcap", "nosuch.pcap: no such file or directory"},
		{"notes.txt", "notes.txt: not a capture file (pcap or pcapng)"},
		{"lines.txt", "lines.txt: not a capture file (pcap or pcapng)"},
		{"ab", "ab: not a capture file (pcap or pcapng)"},
		{"empty.pcap", "empty.pcap: empty file"},
		{"none", "none: no capture files in this directory"},
		{"bad\x1b[2Jname", `"bad\x1b[2Jname": empty file`},
	} {
		packets, errs, stats := readNames(t, c.name)
		if len(packets) != 0 || stats.Inputs != 0 || stats.Damaged != 1 {
			t.Errorf("%s: %d packets, %+v", c.name, len(packets), stats)
		}
		diff(t, c.name+": errors", errs, []string{c.want})
	}
	s, err := Open([]string{"nosuch.pcap"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Next(new(Packet)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("%v is not fs.ErrNotExist", err)
	}
}

// All errors come, in the order of naming.
func TestUnreadableAll(t *testing.T) {
	t.Chdir(t.TempDir())
	writeFile(t, ".", "b", timed("x", 1))
	_, errs, _ := readNames(t, "d", "b", "a", "c")
	diff(t, "errors", errs, []string{
		"d: no such file or directory", "a: no such file or directory", "c: no such file or directory"})
}

func TestReadError(t *testing.T) {
	b := timed("ab", 1, 2)
	broken := errors.New("cable\aeaten")
	packets, errs, _ := readStdin(t, &failing{bytes.NewReader(b[:50]), broken})
	diff(t, "packets", datas(packets), []string{"a"})
	diff(t, "errors", errs, []string{`standard input: packet 2, byte 41: "cable\aeaten"`})
	_, errs, _ = readStdin(t, iotest.ErrReader(broken))
	diff(t, "errors", errs, []string{`standard input: "cable\aeaten"`})
	_, errs, _ = readStdin(t, never{})
	diff(t, "errors", errs, []string{"standard input: multiple Read calls return no data or error"})
}

// failing ends with an error of its own.
type failing struct {
	*bytes.Reader
	err error
}

func (f *failing) Read(p []byte) (int, error) {
	if f.Len() == 0 {
		return 0, f.err
	}
	return f.Reader.Read(p)
}

type never struct{}

func (never) Read([]byte) (int, error) { return 0, nil }

func TestDirectory(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, dir, "b.pcap", timed("b", 2))
	writeFile(t, dir, "a.log", timed("a", 1))
	writeFile(t, dir, "c", gzipped1(timed("c", 3)))
	writeFile(t, dir, "empty", nil)
	writeFile(t, dir, "notes.txt", []byte("some notes, no packets"))
	writeFile(t, dir, "notes.txt.gz", gzipped1([]byte("some notes, no packets")))
	cut := writeFile(t, dir, "cut", timed("d", 4)[:10])
	if err := os.Mkdir(filepath.Join(dir, "below"), 0o777); err != nil {
		t.Fatal(err)
	}
	writeFile(t, filepath.Join(dir, "below"), "e", timed("e", 5))
	packets, errs, stats := readNames(t, dir)
	diff(t, "packets", datas(packets), []string{"a", "b", "c"})
	diff(t, "errors", errs, []string{cut + ": packet 1, byte 0: file cut short: pcap file header needs 24 bytes, 10 are left"})
	if stats.Inputs != 3 {
		t.Errorf("%d inputs, want 3", stats.Inputs)
	}
}

func TestStdin(t *testing.T) {
	s, err := Open([]string{"-", "-"}, &Config{Stdin: bytes.NewReader(timed("ab", 1, 2))})
	if err != nil {
		t.Fatal(err)
	}
	packets, errs := collect(t, s)
	diff(t, "packets", datas(packets), []string{"a", "b"})
	diff(t, "errors", errs, []string{"standard input: named twice, but can be read only once"})
}
