//go:build !linux

package main

import "io"

// isJournal is false: there is no systemd here.
func isJournal(io.Writer, environment) bool { return false }
