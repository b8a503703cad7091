package main

import (
	"fmt"
	"io"
	"os"
	"syscall"
)

// isJournal reports whether w is the journal of systemd, which names it to
// services in JOURNAL_STREAM (systemd.exec(5)) by device and inode.
func isJournal(w io.Writer, env environment) bool {
	f, ok := w.(*os.File)
	named, set := env("JOURNAL_STREAM")
	if !ok || !set {
		return false
	}
	info, err := f.Stat()
	if err != nil {
		return false
	}
	s, ok := info.Sys().(*syscall.Stat_t)
	return ok && named == fmt.Sprintf("%d:%d", s.Dev, s.Ino)
}
