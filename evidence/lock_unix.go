//go:build unix && !solaris && !aix && !illumos

package evidence

import (
	"errors"
	"os"
	"syscall"
)

// lock makes a file that of one Writer, until it is closed or its program ends.
func lock(f *os.File) error {
	err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		return errBusy
	}
	return err
}
