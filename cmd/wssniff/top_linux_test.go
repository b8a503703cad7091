package main

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/internal/netns"
	"github.com/wssniff/wssniff/internal/tmux"
)

// startTop runs wssniff in a terminal. What it ends with is shown, and whether the
// terminal is as before.
func startTop(t *testing.T, command string) (term *tmux.Terminal, pid func() int) {
	t.Helper()
	dir := t.TempDir()
	term = tmux.New(t, 80, 24, fmt.Sprintf(`stty -g >%[1]s/tty; sh -c 'echo $$ >%[1]s/pid; exec wssniff %[2]s'; echo exit $?
stty -g | cmp - %[1]s/tty && echo same terminal; cat`, dir, command))
	return term, func() int {
		b, err := os.ReadFile(filepath.Join(dir, "pid"))
		if err != nil {
			t.Fatal(err)
		}
		n, err := strconv.Atoi(strings.TrimSpace(string(b)))
		if err != nil {
			t.Fatal(err)
		}
		return n
	}
}

// TestTopLive watches an interface, with all privileges given away.
func TestTopLive(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:8080")
	said := filepath.Join(t.TempDir(), "said")
	term, pid := startTop(t, "--top -i va tcp port 8080 2>"+said)
	term.Wait("wssniff  va  tcp port 8080", "0 dropped", "0 connections", "q quit")
	checkThreads(t, pid(), 65534)
	open, err := net.Dial("tcp4", "10.9.0.2:8080")
	if err != nil {
		t.Fatal(err)
	}
	defer open.Close()
	term.Wait(" UTC ", " 1 connections")
	handshake(t, "10.9.0.2:8080", "/wrong")
	told := ""
	if capture.Library() == "" { // libpcap hides it
		netns.IP(t, "link set va down")
		term.Wait("wssniff: va is down; waiting for it")
		netns.IP(t, "link set va up")
		term.Wait("wssniff: va is up again")
		told = "wssniff: va is down; waiting for it\nwssniff: va is up again\n"
	}
	term.Resize(100, 30)
	term.Keys("Tab")
	term.Wait("[Servers ")
	term.Keys("q")
	screen := term.Wait("│ 1 failed", "exit 0", "same terminal")
	if strings.Contains(screen, "[Servers") {
		t.Errorf("the screen is still there:\n%s", screen)
	}
	if b, err := os.ReadFile(said); string(b) != told {
		t.Errorf("%v; told %q", err, b)
	}
}

// TestTopEnds ends in all ways that are no key.
func TestTopEnds(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	term, pid := startTop(t, "--top -i va")
	term.Wait("[Clients 0]")
	syscall.Kill(pid(), syscall.SIGTERM)
	term.Wait("no WebSocket handshake", "exit 0", "same terminal")
	term, _ = startTop(t, "--top -i va -a duration:1")
	term.Wait("no WebSocket handshake", "exit 0", "same terminal")
	term, _ = startTop(t, "--top -i va")
	term.Wait("[Clients 0]")
	term.Keys("C-c")
	term.Wait("no WebSocket handshake", "exit 0", "same terminal")
	term, _ = startTop(t, "--top -i va -c 3")
	term.Wait("[Clients 0]")
	handshake(t, "10.9.0.2:80", "/right")
	term.Wait("no WebSocket handshake", "exit 0", "same terminal")
	term, _ = startTop(t, "--top -")
	term.Wait("cannot be the capture too", "exit 2", "same terminal")
	term, _ = startTop(t, "--top -i va -Z no-such-user")
	term.Wait("wssniff: cannot become user", "exit 2", "same terminal")
}

// TestTopDrops lets a small ring overflow.
func TestTopDrops(t *testing.T) {
	cable(t)
	term, pid := startTop(t, "--top -i va -B 1")
	term.Wait(" 0 dropped")
	c, err := net.Dial("udp4", "10.9.0.2:9")
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	syscall.Kill(pid(), syscall.SIGSTOP)
	for range 3000 {
		c.Write(make([]byte, 1400))
	}
	syscall.Kill(pid(), syscall.SIGCONT)
	dropped := regexp.MustCompile(` [1-9]\d\d+ dropped`)
	for range 100 {
		if dropped.MatchString(term.Screen()) {
			break
		}
		time.Sleep(100 * time.Millisecond)
	}
	if screen := term.Screen(); !dropped.MatchString(screen) {
		t.Errorf("no drops on\n%s", screen)
	}
	term.Keys("q")
	term.Wait("by the capturing system", "exit 0", "same terminal")
}

// TestTopStandardInput reads a capture of which the writer is in the middle of a
// packet.
func TestTopStandardInput(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", "accept-guid-typo-1.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	for _, closed := range []bool{false, true} {
		fifo := filepath.Join(t.TempDir(), "fifo")
		if err := syscall.Mkfifo(fifo, 0o666); err != nil {
			t.Fatal(err)
		}
		report := filepath.Join(t.TempDir(), "report")
		term, _ := startTop(t, "--top --format jsonl -o "+report+" - <"+fifo)
		w, err := os.OpenFile(fifo, os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		w.Write(file)
		if closed {
			w.Close()
			term.Wait("standard input", "ended", "[Clients 1]", "accept-mismatch", "accept-wrong-…", "Latest failures", "10.0.0.7:51234 → 192.0.2.9:80")
		} else {
			w.Write(file[24:40]) // the header of the next packet
			term.Wait("standard input", " UTC ")
		}
		term.Keys("q")
		if screen := term.Wait("exit 0", "same terminal"); strings.Contains(screen, "wssniff:") {
			t.Errorf("complaints:\n%s", screen)
		}
		if b, err := os.ReadFile(report); err != nil || attempts(b) != 1 {
			t.Errorf("%v: %s", err, b)
		}
	}
}
