package main

import (
	"testing"
	"time"
)

// TestRemember forgets connections only where the input may go on for long.
func TestRemember(t *testing.T) {
	for arg, want := range map[string]time.Duration{"-ieth0": twiceMSL, "-": twiceMSL, "--follow": twiceMSL, "TCP@10.0.0.1:19000": twiceMSL, "capture.pcap": 0} {
		o, err := parseArgs([]string{arg}, func(string) (string, bool) { return "", false })
		if err != nil {
			t.Fatal(err)
		}
		if got := o.limits.reassembly().Remember; got != int64(want) {
			t.Errorf("%s: connections that are over are remembered for %v, want %v", arg, time.Duration(got), want)
		}
	}
}
