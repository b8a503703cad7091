package evidence

import (
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wssniff/wssniff/capture"
)

// tmpfs mounts a small disk.
func tmpfs(t *testing.T, size string) string {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Skip("needs to mount a small disk: run as root")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size="+size); err != nil {
		t.Skipf("cannot mount a small disk: %v", err)
	}
	t.Cleanup(func() { syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// TestDiskFull fills a disk: what was written stays readable, the rest is counted,
// and as soon as there is room it goes on.
func TestDiskFull(t *testing.T) {
	for _, name := range []string{"a.pcapng", "a.pcapng.zst"} {
		dir := tmpfs(t, "512k")
		ballast := filepath.Join(dir, "ballast")
		if err := os.WriteFile(ballast, make([]byte, 256<<10), 0o600); err != nil {
			t.Fatal(err)
		}
		var told []string
		file := filepath.Join(dir, name)
		w := create(t, file, &Config{Tell: func(s string) { told = append(told, s) }})
		pack := w.pack
		if pack != nil { // as if nothing could be compressed
			w.pack = func(dst, src []byte) []byte { return append(dst, pack(nil, src)...) }
		}
		num := 0
		until := func(done func() bool) {
			for !done() && num < 100_000 {
				num++
				p := packet(num, 1000)
				for i := range p.Data {
					p.Data[i] = byte(num * (i + 1) * 7919 >> 8)
				}
				p.Time = second(num)
				w.Tick(p.Time)
				w.Packet(p, nil)
			}
		}
		until(func() bool { return w.Stats().LostDisk > 200 })
		lost := w.Stats()
		if lost.LostDisk <= 200 || len(told) != 1 || told[0] != file+".part: no space left on device; packets are lost until it can be written" {
			t.Fatalf("%s: %+v, told %q", name, lost, told)
		}
		checkWhole(t, file+".part")
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		end := num + 80
		until(func() bool { return num >= end })
		if len(told) != 2 || told[1] != file+".part: is written again" {
			t.Errorf("%s: told %q", name, told)
		}
		closeWriter(t, w)
		got, _ := readBack(t, file)
		s := w.Stats()
		if int(s.Packets) != len(got) || int(s.Packets+s.LostDisk) != num || got[len(got)-1].Num == 0 || got[len(got)-1].Time != second(num) {
			t.Errorf("%s: %d packets are there, of %d; %+v", name, len(got), num, s)
		}
	}
}

// checkWhole reads a file that is being written.
func checkWhole(t *testing.T, file string) {
	t.Helper()
	if got, _ := readBack(t, file); len(got) == 0 {
		t.Errorf("%s has no packets", file)
	}
}

// TestDiskFullOfFiles has no room for the next file: there is one again when
// there is room.
func TestDiskFullOfFiles(t *testing.T) {
	dir := tmpfs(t, "64k,nr_inodes=6") // the directory, three files, and what reserves a name
	w := create(t, filepath.Join(dir, "a.pcapng"), &Config{Every: time.Second})
	write(w, 1, 60)
	lost := w.Stats().LostDisk
	if lost == 0 {
		t.Errorf("nothing is lost: %q", files(t, dir))
	}
	for _, f := range files(t, dir) {
		if !strings.HasSuffix(f, ".part") {
			os.Remove(filepath.Join(dir, f))
		}
	}
	write(w, 100, 110)
	closeWriter(t, w)
	packets := 0
	for _, f := range files(t, dir) {
		got, _ := readBack(t, filepath.Join(dir, f))
		packets += len(got)
	}
	if packets == 0 {
		t.Errorf("nothing was written when there was room: %q, %+v", files(t, dir), w.Stats())
	}
}

// TestFull: /dev/full is no file to be replaced, nor is anything else in /dev.
func TestFull(t *testing.T) {
	if _, err := Create("/dev/full", nil); err == nil || !strings.Contains(err.Error(), "is no regular file") {
		t.Errorf("%v", err)
	}
}

// TestKilled kills a program in the middle of writing: all its files can be read, up
// to a block that may be cut.
func TestKilled(t *testing.T) {
	if dir := os.Getenv("WSSNIFF_TEST_WRITE"); dir != "" {
		w := create(t, filepath.Join(dir, os.Getenv("WSSNIFF_TEST_NAME")), &Config{Size: MinSize})
		for num := 1; ; num++ {
			p := packet(num, 1400)
			w.Tick(p.Time)
			w.Packet(p, []string{"wssniff: rejected"})
		}
	}
	for _, name := range []string{"a.pcapng", "a.pcapng.gz", "a.pcapng.zst"} {
		dir := t.TempDir()
		cmd := exec.Command(os.Args[0], "-test.run=^TestKilled$")
		cmd.Env = append(os.Environ(), "WSSNIFF_TEST_WRITE="+dir, "WSSNIFF_TEST_NAME="+name)
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		for len(files(t, dir)) < 4 {
			time.Sleep(time.Millisecond)
		}
		cmd.Process.Kill()
		cmd.Wait()
		next := 1
		list := files(t, dir)
		slices.Sort(list) // the one that is being written comes last
		if last := list[len(list)-1]; strings.HasSuffix(list[0], ".part") || last != name+".part" {
			list = append(slices.DeleteFunc(list, func(f string) bool { return f == name+".part" }), name+".part")
		}
		for i, f := range list {
			n, damage := readNumbers(t, filepath.Join(dir, f), next)
			if i < len(list)-1 && (n == 0 || damage != nil) {
				t.Errorf("%s, %d packets: %v", f, n, damage)
			}
			next += n
		}
		w := create(t, filepath.Join(dir, name), &Config{Size: MinSize, Files: 2})
		closeWriter(t, w)
		if got := files(t, dir); len(got) != 1 || strings.HasSuffix(got[0], ".part") {
			t.Errorf("the next run leaves %q", got)
		}
	}
}

// readNumbers counts the packets of a file, which must be those from a number on.
func readNumbers(t *testing.T, file string, first int) (n int, damage error) {
	t.Helper()
	src, err := capture.Open([]string{file}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	var p capture.Packet
	for {
		switch err := src.Next(&p); {
		case errors.Is(err, io.EOF):
			return n, damage
		case err != nil:
			damage = err
			continue
		}
		if want := packet(first+n, 0).Time; p.Time != want {
			t.Fatalf("%s: packet %d is of %d, want %d", file, n+1, p.Time, want)
		}
		n++
	}
}
