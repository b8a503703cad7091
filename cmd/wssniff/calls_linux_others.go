//go:build linux && !amd64

package main

// restrictCalls does nothing: which system calls a run makes is different on each
// architecture, and was found out for amd64 only.
func restrictCalls(making, serving bool) error { return nil }
