package main

import (
	"slices"
	"testing"

	"github.com/wssniff/wssniff/analyze"
)

// TestHeadsRefused holds that the capture tells, besides the status, why servers
// refused heads that were broken on purpose: five servers, 24 heads each, one of
// which is right, and three more without an end.
func TestHeadsRefused(t *testing.T) {
	r := readFile(t, "../../testdata/pcaps/recorded/heads-refused.pcap").result
	if n := r.Attempts.Len(); n != 123 {
		t.Errorf("%d attempts, want 123", n)
	}
	for a := range r.Attempts.All() {
		mistake := slices.ContainsFunc(a.Findings, func(f analyze.Finding) bool {
			return f.Side == analyze.Client && f.Code != analyze.AcceptOKButClientRefuses || f.Code == analyze.RequestHeaderTooLarge
		})
		right := a.Conn.ID%24 == 0 && a.Conn.ID < 120
		if mistake == right || right && a.Verdict != analyze.OK {
			t.Errorf("stream %d, port %d: %v %q %v", a.Conn.ID, a.Server().Port(), a.Verdict, a.Request.Head.Line, a.Findings)
		}
		if a.Verdict == analyze.Indeterminate {
			t.Errorf("stream %d: %s", a.Conn.ID, a.Reason)
		}
	}
}
