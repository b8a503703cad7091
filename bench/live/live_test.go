//go:build linux

package main

import (
	"io"
	"slices"
	"testing"
	"time"
)

func TestCounted(t *testing.T) {
	for _, test := range []struct {
		sniffer        sniffer
		stdout, stderr string
		want           int64 // -1: an error
	}{
		{tcpdumps(8), "", "tcpdump: listening on far\n12 packets captured\n15 packets received by filter\n3 packets dropped by kernel\n", 12},
		{tcpdumps(8), "", "tcpdump: far: No such device exists\n", -1},
		{wssniffs("wssniff", 8), "{\"record\":\"attempt\"}\n{\"record\":\"summary\",\"websocket\":{\"summary\":{\"packets\":7,\"bytes\":70}}}\n", "", 7},
		{wssniffs("wssniff", 8), "", "wssniff: far: no such interface\n", -1},
	} {
		got, err := test.sniffer.counted([]byte(test.stdout), []byte(test.stderr))
		if err != nil {
			got = -1
		}
		if got != test.want {
			t.Errorf("%s: %d packets, want %d: %v", test.sniffer.name, got, test.want, err)
		}
	}
}

func TestRow(t *testing.T) {
	r := row{sent: 100, heard: [2][]heard{{{packets: 100}, {packets: 90}}, {{packets: 100}, {packets: 100}}}}
	if r.lost(0) != 10 || r.lost(1) != 0 || !r.worse() {
		t.Errorf("lost %d and %d, worse: %v", r.lost(0), r.lost(1), r.worse())
	}
	r.heard[1][0].packets = 99
	if r.worse() {
		t.Error("worse, although both lost packets")
	}
}

func TestSoak(t *testing.T) {
	first := look{heap: 100, goroutines: 9, descriptors: 14}
	for _, test := range []struct {
		last look
		ok   bool
	}{
		{look{heap: 109, goroutines: 9, descriptors: 14}, true},
		{look{heap: 91, goroutines: 8, descriptors: 13}, true},
		{look{heap: 111, goroutines: 9, descriptors: 14}, false},
		{look{heap: 89, goroutines: 9, descriptors: 14}, false},
		{look{heap: 100, goroutines: 10, descriptors: 14}, false},
		{look{heap: 100, goroutines: 9, descriptors: 15}, false},
	} {
		if err := test.last.compare(first); (err == nil) != test.ok {
			t.Errorf("%v: %v", test.last, err)
		}
	}
	told := verdicts{}
	told.count([]byte(`{"record":"attempt","websocket":{"verdict":"ok"}}`))
	told.count([]byte(`{"record":"end","websocket":{"verdict":"ok"}}`))
	if err := told.compare(io.Discard, verdicts{"ok": 1}); err != nil {
		t.Error(err)
	}
	if err := told.compare(io.Discard, verdicts{"ok": 2}); err == nil {
		t.Error("an attempt is missing, and nobody minds")
	}
}

func TestParseArgs(t *testing.T) {
	o, err := parseArgs([]string{"-rates", "5,0", "-soak", "20m"}, io.Discard)
	if err != nil || !slices.Equal(o.rates, []int{5, 0}) || o.soak != 20*time.Minute {
		t.Errorf("%+v, %v", o, err)
	}
	for _, args := range [][]string{{"-rates", "fast"}, {"-rates", "-1"}, {"-runs", "0"}, {"more"}} {
		if _, err := parseArgs(args, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
