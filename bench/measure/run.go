// Package measure runs commands and tells what they took, by the kernel's books.
package measure

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// A Usage is what one run of a command took.
type Usage struct {
	CPU  float64 // seconds, user and system
	Wall float64 // seconds
	Peak float64 // bytes resident at most; 0: not known
}

// Fields of a Usage, for Middle and Ratio.
func CPU(u Usage) float64  { return u.CPU }
func Wall(u Usage) float64 { return u.Wall }
func Peak(u Usage) float64 { return u.Peak }

// Run runs a command, its output thrown away or handed to out. The error has the
// end of what the command complained of.
func Run(out io.Writer, name string, args ...string) (Usage, error) {
	cmd := exec.Command(name, args...)
	cmd.Stdout = out // nil is the null device
	var complaint tail
	cmd.Stderr = &complaint
	start := time.Now()
	err := cmd.Run()
	wall := time.Since(start)
	if err != nil {
		return Usage{}, fmt.Errorf("%s: %w: %s", name, err, complaint)
	}
	s := cmd.ProcessState
	return Usage{(s.UserTime() + s.SystemTime()).Seconds(), wall.Seconds(), float64(peakMemory(s))}, nil
}

// A tail keeps the last bytes written to it.
type tail []byte

func (t *tail) Write(b []byte) (int, error) {
	*t = append(*t, b...)
	*t = (*t)[max(0, len(*t)-500):]
	return len(b), nil
}

// Warm reads a file, so that the kernel has it in memory.
func Warm(name string) error {
	f, err := os.Open(name)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.CopyBuffer(struct{ io.Writer }{io.Discard}, struct{ io.Reader }{f}, make([]byte, 1<<20))
	return err
}

// Build compiles a command of this module into a directory, and returns its
// absolute path.
func Build(dir, name, pkg string, stderr io.Writer) (string, error) {
	path := filepath.Join(dir, name)
	cmd := exec.Command("go", "build", "-o", path, pkg)
	cmd.Stderr = stderr
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("building %s: %w", pkg, err)
	}
	return filepath.Abs(path)
}
