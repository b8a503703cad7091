package main

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// A usage is what one run of a command took, by the kernel's books.
type usage struct {
	cpu    float64 // seconds, user and system
	wall   float64 // seconds
	memory int64   // bytes resident at most; 0: not known
}

// measure runs a command, its output thrown away or handed to out.
func measure(out io.Writer, name string, args ...string) (usage, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdout = out // nil is the null device
	var complaint tail
	cmd.Stderr = &complaint
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return usage{}, fmt.Errorf("%s: %w: %s", name, err, complaint)
	}
	s := cmd.ProcessState
	return usage{(s.UserTime() + s.SystemTime()).Seconds(), wall.Seconds(), peakMemory(s)}, nil
}

// A tail keeps the last bytes written to it.
type tail []byte

func (t *tail) Write(b []byte) (int, error) {
	*t = append(*t, b...)
	*t = (*t)[max(0, len(*t)-500):]
	return len(b), nil
}

// warm reads a file, so that the kernel has it in memory.
func warm(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	return err
}
