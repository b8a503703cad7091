//go:build !unix

package main

import "os"

// listenForAsks does nothing where there are no such signals.
func listenForAsks(chan<- os.Signal) {}

func asksForSummary(os.Signal) bool { return false }
