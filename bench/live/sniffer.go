//go:build linux

package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// A sniffer is a command that listens on an interface until SIGINT.
type sniffer struct {
	name string
	args []string
	// counted takes from what the command wrote how many packets it had.
	counted func(stdout, stderr []byte) (int64, error)
}

func tcpdumps(ring int) sniffer {
	captured := regexp.MustCompile(`(\d+) packets captured`)
	return sniffer{"tcpdump", []string{"-i", far, "-B", strconv.Itoa(ring << 10), "-w", os.DevNull}, func(_, stderr []byte) (int64, error) {
		m := captured.FindSubmatch(stderr)
		if m == nil {
			return 0, fmt.Errorf("tcpdump: %s", stderr)
		}
		return number(m[1]), nil
	}}
}

func wssniffs(path string, ring int) sniffer {
	return sniffer{path, []string{"-i", far, "-B", strconv.Itoa(ring), "--format", "jsonl", "--summary"}, func(stdout, stderr []byte) (int64, error) {
		var last struct {
			WebSocket struct {
				Summary struct{ Packets int64 }
			}
		}
		line := stdout[bytes.LastIndexByte(bytes.TrimSpace(stdout), '\n')+1:]
		if err := json.Unmarshal(line, &last); err != nil {
			return 0, fmt.Errorf("wssniff: %w: %s", err, stderr)
		}
		return last.WebSocket.Summary.Packets, nil
	}}
}

func number(digits []byte) int64 {
	n, _ := strconv.ParseInt(string(digits), 10, 64) // the pattern had digits only
	return n
}

// A heard is what a sniffer made of some packets.
type heard struct {
	packets int64
	cpu     time.Duration // while they came
}

// listen runs a sniffer while packets come.
func (s sniffer) listen(come func() error) (h heard, err error) {
	cmd := exec.Command(s.name, s.args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return h, err
	}
	defer cmd.Wait() // a second one does nothing
	defer cmd.Process.Kill()
	if err := listening(); err != nil {
		return h, fmt.Errorf("%s: %w: %s", s.name, err, stderr.Bytes())
	}
	before := cpuTime(cmd.Process.Pid)
	if err := come(); err != nil {
		return h, err
	}
	time.Sleep(1500 * time.Millisecond) // libpcap hands over the last ones after a second
	h.cpu = cpuTime(cmd.Process.Pid) - before
	if err := cmd.Process.Signal(syscall.SIGINT); err != nil {
		return h, err
	}
	if err := cmd.Wait(); err != nil {
		return h, fmt.Errorf("%s: %w: %s", s.name, err, stderr.Bytes())
	}
	h.packets, err = s.counted(stdout.Bytes(), stderr.Bytes())
	return h, err
}

// listening waits until there is a packet socket, packet(7), and then for a moment,
// in which its owner does what else it does at first.
func listening() error {
	for range 100 {
		time.Sleep(50 * time.Millisecond)
		if list, err := os.ReadFile("/proc/net/packet"); err != nil || bytes.Count(list, []byte("\n")) > 1 {
			time.Sleep(500 * time.Millisecond)
			return err
		}
	}
	return errors.New("nobody listens")
}

// cpuTime is what all threads of a process have run for, by the books of the
// scheduler.
func cpuTime(pid int) time.Duration {
	list, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid)) // the pattern is right
	sum := int64(0)
	for _, name := range list {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // a thread that has ended since
		}
		ran, _, _ := strings.Cut(string(b), " ")
		sum += number([]byte(ran))
	}
	return time.Duration(sum)
}
