package main

import (
	"fmt"
	"io"
	"os"
)

// A peer is another tool that reads captures. None does the same as wssniff:
// what each does is in the README.
type peer struct {
	name    string
	pack    string // Debian's package
	command func(file string) []string
}

// tcpdump is what the first table compares with.
var tcpdump = peer{"tcpdump", "tcpdump", func(f string) []string { return []string{"-r", f, "-w", os.DevNull} }}

var knownPeers = []peer{
	{"tshark", "tshark", func(f string) []string { return []string{"-r", f, "-Y", "http.upgrade"} }},
	{"tcpflow", "tcpflow", func(f string) []string { return []string{"-X", os.DevNull, "-C", "-r", f} }},
	{"httpry", "httpry", func(f string) []string { return []string{"-r", f} }},
}

// installedPeers returns the peers that can be run, and tells how to get the
// others.
func installedPeers(log io.Writer) []peer {
	var list []peer
	for _, p := range knownPeers {
		if installed(p.name) {
			list = append(list, p)
		} else {
			fmt.Fprintf(log, "compare: no %s: install the package %s\n", p.name, p.pack)
		}
	}
	return list
}

// A peerResult is what was measured of a peer.
type peerResult struct {
	name string
	pairs
	err error
}
