package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/metrics"
	"github.com/wssniff/wssniff/reassembly"
)

func TestMetricsAddress(t *testing.T) {
	for v, want := range map[string]string{
		"9464":             "127.0.0.1:9464",
		":9464":            "127.0.0.1:9464",
		"127.0.0.2:9464":   "127.0.0.2:9464",
		"0.0.0.0:9464":     "0.0.0.0:9464",
		"[::]:9464":        "[::]:9464",
		"[::1]:9464":       "[::1]:9464",
		"localhost:9464":   "localhost:9464",
		"":                 "",
		"0":                "",
		"65536":            "",
		"-1":               "",
		"http":             "",
		"0.0.0.0":          "",
		"127.0.0.1:http":   "",
		"127.0.0.1:":       "",
		"::1":              "",
		"http://localhost": "",
	} {
		var o options
		if err := o.setMetrics(v); o.metrics != want || (err == nil) != (want != "") {
			t.Errorf("%q is taken for %q, %v; want %q", v, o.metrics, err, want)
		}
	}
}

// TestMetricsPortTaken has somebody else on the port.
func TestMetricsPortTaken(t *testing.T) {
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	cmd := exec.Command("wssniff", "--metrics", l.Addr().String(), "-")
	cmd.Stdin, err = os.Open(filepath.Join("..", "..", "testdata", "pcaps", "generated", "ok.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.Run()
	want := fmt.Sprintf("wssniff: --metrics %s: address already in use\n", l.Addr())
	if code := cmd.ProcessState.ExitCode(); code != exitFailed || stdout.Len() > 0 || stderr.String() != want {
		t.Errorf("exit code %d, %q, %s", code, stderr.String(), stdout.String())
	}
}

// A scraper asks for figures at an address.
type scraper string

// get returns 0 while nobody answers. It dials in the goroutine of the test, which
// may be in a network of its own.
func (addr scraper) get(path string) (status int, body string) {
	c, err := net.Dial("tcp4", string(addr))
	if err != nil {
		return 0, err.Error()
	}
	defer c.Close()
	c.SetDeadline(time.Now().Add(time.Minute))
	fmt.Fprintf(c, "GET %s HTTP/1.1\r\nHost: %s\r\nConnection: close\r\n\r\n", path, addr)
	r, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		return 0, err.Error()
	}
	defer r.Body.Close()
	b, err := io.ReadAll(r.Body)
	if err != nil {
		return 0, err.Error()
	}
	return r.StatusCode, string(b)
}

// figure returns a figure; -1: it is not there.
func (addr scraper) figure(name string) float64 {
	_, body := addr.get("/metrics")
	m := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(name) + ` (\S+)$`).FindStringSubmatch(body)
	if m == nil {
		return -1
	}
	v, _ := strconv.ParseFloat(m[1], 64)
	return v
}

// soon asks until it is so.
func soon(t *testing.T, what string, so func() bool) {
	t.Helper()
	for range 600 {
		if so() {
			return
		}
		time.Sleep(50 * time.Millisecond)
	}
	t.Fatalf("in vain: %s", what)
}

// TestMetricsOfPipe serves figures of what comes through a pipe, while it comes.
func TestMetricsOfPipe(t *testing.T) {
	file, err := os.ReadFile(filepath.Join("..", "..", "testdata", "pcaps", "generated", "reconnect-storm.pcap"))
	if err != nil {
		t.Fatal(err)
	}
	addr := freeAddress(t)
	cmd := exec.Command("wssniff", "--all", "--format", "jsonl", "--metrics", addr, "-")
	pipe, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill() })
	c := scraper(addr)
	header, packets := file[:24], file[24:]
	pipe.Write(header)
	soon(t, "it serves", func() bool { status, _ := c.get("/healthz"); return status == http.StatusOK })
	half := 0
	for range 8 {
		half += 16 + int(packets[half+8]) + int(packets[half+9])<<8
	}
	pipe.Write(packets[:half])
	time.Sleep(1500 * time.Millisecond) // figures are taken when the next packet comes
	pipe.Write(packets[half:])
	soon(t, "packets are counted", func() bool { return c.figure("wssniff_packets_total") >= 8 })
	soon(t, "attempts are counted", func() bool { return c.figure("wssniff_handshake_seconds_count") >= 1 })
	if up, drops, ring := c.figure("wssniff_up"), c.figure("wssniff_kernel_drops_total"), c.figure("wssniff_ring_bytes"); up != 1 || drops != -1 || ring != -1 {
		t.Errorf("up %v, drops %v, ring %v", up, drops, ring)
	}
	pipe.Close()
	if err := cmd.Wait(); err != nil || stderr.Len() > 0 || !strings.Contains(stdout.String(), `"record":"attempt"`) {
		t.Errorf("%v: %s%s", err, stderr.String(), stdout.String())
	}
}

// freeAddress returns one that nobody listens on at this moment.
func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// TestFigures has each count where it belongs.
func TestFigures(t *testing.T) {
	m := &meter{iface: "eth0"}
	got := m.figures(
		&capture.Stats{Packets: 1, Bytes: 2, Drops: 3, Ring: 4, RingHigh: 5, Away: true, Cut: 6},
		&reassembly.Stats{Conns: 7, Tracked: 8, HalfOpen: 9, Evicted: 60, EvictedBusy: 20, EvictedHalfOpen: 30, LostBytes: 11, FragLost: 12}, 13)
	gaps := got.Gaps
	got.Gaps = nil
	want := metrics.Stats{
		Down: "eth0 is down", Packets: 1, Bytes: 2, Drops: 3, Ring: 4, RingHigh: 5,
		Opened: 7, Tracked: 8, HalfOpen: 9, Evicted: metrics.Evictions{HalfOpen: 30, Idle: 10, Busy: 20}, Attempts: 13, LostBytes: 11,
	}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %+v\nwant %+v", got, want)
	}
	for _, g := range []metrics.Gap{{Name: "cut_packets", Count: 6}, {Name: "incomplete_ip_packets", Count: 12}} {
		if !slices.Contains(gaps, g) {
			t.Errorf("no %v in %v", g, gaps)
		}
	}
	for _, g := range gaps {
		if strings.Contains(g.Name, "dropped_packets") || strings.Contains(g.Name, "lost") || strings.Contains(g.Name, "evict") {
			t.Errorf("%s is counted twice", g.Name)
		}
	}
}

// TestMeterAttempts counts what a capture has.
func TestMeterAttempts(t *testing.T) {
	src, err := capture.Open([]string{filepath.Join("..", "..", "testdata", "pcaps", "field.pcapng")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	defer src.Close()
	r := (&reader{limits: &limits{}, complain: func(err error) { t.Error(err) }}).read(src)
	m := &meter{Metrics: metrics.New("")}
	for x := range r.result.Attempts.All() {
		m.attempt(x)
	}
	l, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go m.Serve(l, 0)
	c := scraper(l.Addr().String())
	for name, want := range map[string]float64{
		`wssniff_attempts_total{server="device-api.example.com",verdict="redirected"}`: 4,
		`wssniff_attempts_total{server="device-api.example.com",verdict="rejected"}`:   0,
		`wssniff_findings_total{code="redirect-not-followed",severity="error"}`:        4,
		`wssniff_handshake_seconds_count`:                                              6,
	} {
		if got := c.figure(name); got != want {
			t.Errorf("%s is %v, want %v", name, got, want)
		}
	}
}

// TestMessages has the lines as people and the journal get them.
func TestMessages(t *testing.T) {
	for journal, want := range map[bool]string{
		false: "wssniff: a\nb\nwssniff: eth0 is down\n",
		true:  "<3>a\n<3>b\n<4>eth0 is down\n<6>capturing\n",
	} {
		var b bytes.Buffer
		say := newMessages(&b, journal)
		say.complain(fmt.Errorf("a\nb"))
		say.tell("eth0 is down")
		say.Info("capturing")
		if b.String() != want || say.complaints != 1 {
			t.Errorf("journal %v: %d complaints, %q, want %q", journal, say.complaints, b.String(), want)
		}
	}
}
