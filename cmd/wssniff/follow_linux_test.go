package main

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// startFollowing starts wssniff --follow.
func startFollowing(t *testing.T, args ...string) *listener {
	t.Helper()
	l := &listener{Cmd: exec.Command("wssniff", append(args, "--follow", "--all", "--format", "jsonl", "--summary")...)}
	l.Stdout, l.Stderr = &l.out, &l.complaints
	if err := l.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Process.Kill() })
	return l
}

// rotations are the ways in which tcpdump rotates files.
var rotations = []struct {
	name    string
	args    []string // of tcpdump; what -w names is in a directory of its own
	follow  string   // in that directory
	atLeast int      // files
	over    bool     // files are written over
}{
	{name: "a file", args: []string{"-U", "-w", "x.pcap"}, follow: "x.pcap", atLeast: 1},
	{name: "a file, buffered", args: []string{"-w", "x.pcap"}, follow: "x.pcap", atLeast: 1},
	{name: "by size", args: []string{"-U", "-C", "1", "-w", "x.pcap"}, atLeast: 3},
	{name: "by size, buffered", args: []string{"-C", "1", "-w", "x.pcap"}, follow: "x.pc*", atLeast: 3},
	{name: "by size, compressed", args: []string{"-U", "-C", "1", "-z", "gzip", "-w", "x.pcap"}, atLeast: 3},
	{name: "a ring", args: []string{"-U", "-C", "1", "-W", "2", "-w", "x.pcap"}, atLeast: 2, over: true},
	{name: "by time", args: []string{"-U", "-G", "1", "-w", "x-%s.pcap"}, atLeast: 3},
}

// TestFollowTCPDump follows what tcpdump writes and rotates. The rows are those
// that the files give afterwards, or, where tcpdump writes over them, those of all
// packets in one file.
func TestFollowTCPDump(t *testing.T) {
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip("needs tcpdump: apt-get install tcpdump")
	}
	far := cable(t)
	serve(t, far, "10.9.0.2:8080")
	whole := filepath.Join(t.TempDir(), "all.pcap")
	dumps := []*exec.Cmd{startTCPDump(t, "-i", "va", "-U", "-w", whole, "port 8080")}
	var dirs []string
	var all []*listener
	for _, r := range rotations {
		dir := t.TempDir()
		dirs = append(dirs, dir)
		all = append(all, startFollowing(t, filepath.Join(dir, r.follow)))
		last := len(r.args) - 1
		args := slices.Concat([]string{"-i", "va", "-Z", "root"}, r.args[:last], []string{filepath.Join(dir, r.args[last]), "port 8080"})
		dumps = append(dumps, startTCPDump(t, args...))
	}
	time.Sleep(time.Second) // tcpdump -G 1 begins another file; of the first there is only the header
	for i, path := range paths {
		// Of a key that comes again the attempts do not know that are told before.
		handshakeWith(t, "10.9.0.2:8080", path, base64.StdEncoding.EncodeToString(sha256.New().Sum(nil)[i:i+16]))
		flood(t, "10.9.0.2:8080")
		time.Sleep(1500 * time.Millisecond)
	}
	time.Sleep(3 * time.Second) // tcpdump looks once a second, and ends without what it has not seen
	for _, d := range dumps {
		d.Process.Signal(os.Interrupt)
		d.Wait()
	}
	for i, r := range rotations {
		if code := all[i].end(os.Interrupt); code != exitOK {
			t.Errorf("%s: exit code %d: %s", r.name, code, all[i].complaints.String())
		}
		if files, _ := os.ReadDir(dirs[i]); len(files) < r.atLeast {
			t.Errorf("%s: tcpdump wrote only %v", r.name, files)
		}
		removeEmpty(t, dirs[i])
		written, mask := dirs[i], func(b []byte) string { return string(b) }
		if r.over {
			written, mask = whole, func(b []byte) string {
				return regexp.MustCompile(`"inputs":\d+`).ReplaceAllString(withoutPlaceAndTime(b), `"inputs":0`)
			}
		}
		want, _ := exec.Command("wssniff", "--all", "--format", "jsonl", "--summary", written).Output()
		if n := attempts(want); n != len(paths) {
			t.Fatalf("%s: %d attempts of %d in the files", r.name, n, len(paths))
		}
		if d := cmp.Diff(byPlace(t, mask(want)), byPlace(t, mask(all[i].out.Bytes()))); d != "" {
			t.Errorf("%s: the rows are others than in the files (-files +followed):\n%s", r.name, d)
		}
	}
}

// removeEmpty removes the files without packets: they are inputs when they are
// named, and none while they are followed.
func removeEmpty(t *testing.T, dir string) {
	t.Helper()
	const fileHeader = 24
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range files {
		if st, err := f.Info(); err != nil {
			t.Fatal(err)
		} else if st.Size() <= fileHeader {
			os.Remove(filepath.Join(dir, f.Name()))
		}
	}
}

// startPiped starts wssniff with a pipe for its input.
func startPiped(t *testing.T, args ...string) (*listener, io.Writer) {
	t.Helper()
	l := &listener{Cmd: exec.Command("wssniff", args...)}
	l.Stdout, l.Stderr = &l.out, &l.complaints
	in, err := l.StdinPipe()
	if err == nil {
		err = l.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Process.Kill() })
	return l, in
}

// TestPipeStops ends a capture that comes through a pipe, in which nothing more
// comes. Its time is that of the capture: -a duration does not end it.
func TestPipeStops(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", "ok.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	cmd, in := startPiped(t, "-a", "duration:0.5", "--all", "--format", "jsonl", "-")
	if _, err := in.Write(file); err != nil {
		t.Fatal(err)
	}
	time.Sleep(2 * time.Second)
	if code := cmd.end(os.Interrupt); code != exitOK || cmd.complaints.Len() > 0 || attempts(cmd.out.Bytes()) == 0 {
		t.Errorf("exit code %d: %s%s", code, cmd.complaints.String(), cmd.out.String())
	}
}

// TestPipeClockSetBack has a capturing system whose clock is set back by an hour
// between two connections. Both attempts are told soon, and not an hour later.
func TestPipeClockSetBack(t *testing.T) {
	generated := filepath.Join("..", "..", "testdata", "pcaps", "generated")
	before, err := os.ReadFile(filepath.Join(generated, "accept-guid-typo-1.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(generated, "status-407.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	const fileHeader, recordHeader = 24, 16
	next := func(file []byte, at int) int { return at + recordHeader + int(binary.LittleEndian.Uint32(file[at+8:])) }
	for at := fileHeader; at < len(after); at = next(after, at) {
		binary.LittleEndian.PutUint32(after[at:], binary.LittleEndian.Uint32(after[at:])-3600)
	}
	open := fileHeader // behind the answer: the connection stays open
	for open < bytes.Index(before, []byte("HTTP/1.1 101")) {
		open = next(before, open)
	}
	out := filepath.Join(t.TempDir(), "out.jsonl")
	cmd, in := startPiped(t, "--line-buffered", "--format", "jsonl", "-o", out, "-")
	in.Write(before[:open])
	time.Sleep(2 * time.Second) // it is seen, and not told yet
	syn := next(after, fileHeader)
	in.Write(after[fileHeader:syn])
	awaitLine(t, out, `"record":"attempt".*"verdict":"accept-mismatch"`)
	in.Write(after[syn:])
	awaitLine(t, out, `"record":"attempt".*"verdict":"rejected"`)
	if code := cmd.end(os.Interrupt); code != exitOK || cmd.complaints.Len() > 0 {
		t.Errorf("exit code %d: %s", code, cmd.complaints.String())
	}
}

// flood sends half a megabyte that is no TCP.
func flood(t *testing.T, addr string) {
	t.Helper()
	c, err := net.Dial("udp4", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for range 500 {
		c.Write(make([]byte, 1000))
	}
}
