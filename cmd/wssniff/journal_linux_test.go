package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// TestJournal has standard error named as the journal, and something else.
func TestJournal(t *testing.T) {
	for inode, want := range map[int64]string{
		0: "<3>no severity \"x\": choose error, warning or note\n<4>see 'wssniff --help'\n",
		1: "wssniff: no severity \"x\": choose error, warning or note\nwssniff: see 'wssniff --help'\n",
	} {
		f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		info, err := f.Stat()
		if err != nil {
			t.Fatal(err)
		}
		s := info.Sys().(*syscall.Stat_t)
		cmd := exec.Command("wssniff", "--fail-on", "x", "-")
		cmd.Stderr = f
		cmd.Env = append(os.Environ(), fmt.Sprintf("JOURNAL_STREAM=%d:%d", s.Dev, int64(s.Ino)+inode))
		cmd.Run()
		if got, _ := os.ReadFile(f.Name()); string(got) != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
