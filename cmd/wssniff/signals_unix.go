//go:build unix

package main

import (
	"os"
	"os/signal"
	"syscall"
)

// listenForAsks has signals sent that ask a run for something, and keeps a broken
// pipe from ending it: then writing fails.
func listenForAsks(to chan<- os.Signal) {
	signal.Notify(to, syscall.SIGUSR1, syscall.SIGHUP)
	signal.Ignore(syscall.SIGPIPE)
}

// asksForSummary tells SIGUSR1 from SIGHUP, which asks to open the output anew.
func asksForSummary(s os.Signal) bool { return s == syscall.SIGUSR1 }
