//go:build unix

package measure

import (
	"os"
	"runtime"
	"syscall"
)

// peakMemory is the most memory that a finished command had resident, in bytes.
// On Linux it is never less than what this process had when it started the
// command, which is why captures are not generated in this process.
func peakMemory(s *os.ProcessState) int64 {
	r, ok := s.SysUsage().(*syscall.Rusage)
	if !ok {
		return 0
	}
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		return int64(r.Maxrss) // bytes there, KiB elsewhere
	}
	return int64(r.Maxrss) << 10
}
