package main

import (
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/internal/netns"
)

// ringOf is a figure about the ring, of which libpcap tells nothing.
func ringOf(n float64) float64 {
	if capture.Library() != "" {
		return -1
	}
	return n
}

// TestLiveMetrics scrapes a capture that has given its privileges away, while
// clients talk, nobody does, and its interface goes down and up, which libpcap hides.
func TestLiveMetrics(t *testing.T) {
	far := cable(t)
	serve(t, far, "10.9.0.2:80")
	l := startListening(t, "-i", "va", "-B", "1", "--metrics", "9464", "--all", "--format", "jsonl")
	c := scraper("127.0.0.1:9464")
	healthy := func(want int) func() bool {
		return func() bool { status, _ := c.get("/healthz"); return status == want }
	}
	soon(t, "it serves", healthy(http.StatusOK))
	for _, path := range paths {
		handshake(t, "10.9.0.2:80", path)
	}
	opened := float64(len(paths))
	soon(t, "connections are counted", func() bool { return c.figure("wssniff_connections_opened_total") == opened })
	for name, least := range map[string]float64{
		"wssniff_up":                    1,
		"wssniff_packets_total":         6 * opened,
		"wssniff_bytes_total":           1000,
		"wssniff_kernel_drops_total":    0,
		"wssniff_ring_bytes":            ringOf(1 << 20),
		"wssniff_ring_high_water_bytes": ringOf(256 << 10),
		"wssniff_connections":           opened,
		"wssniff_tracked_attempts":      opened,
		"wssniff_memory_bytes":          1 << 20,
	} {
		if got := c.figure(name); got < least {
			t.Errorf("%s is %v, want %v at least", name, got, least)
		}
	}
	tick := c.figure("wssniff_last_tick_timestamp_seconds")
	soon(t, "it ticks without packets", func() bool { return c.figure("wssniff_last_tick_timestamp_seconds") > tick+1 })
	if capture.Library() == "" {
		netns.IP(t, "link set va down")
		soon(t, "it is not healthy", healthy(http.StatusServiceUnavailable))
		if _, body := c.get("/healthz"); !strings.Contains(body, "va is down") || c.figure("wssniff_up") != 0 {
			t.Errorf("up %v: %s", c.figure("wssniff_up"), body)
		}
		netns.IP(t, "link set va up")
		soon(t, "it is healthy again", healthy(http.StatusOK))
	}
	if code := l.end(syscall.SIGTERM); code != exitOK || attempts(l.out.Bytes()) != len(paths) {
		t.Errorf("exit code %d: %s%s", code, l.complaints.String(), l.out.String())
	}
}
