package metrics

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/reassembly/flow"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// anAttempt makes an attempt at a host; "" for one whose request was not seen.
func anAttempt(host string, v analyze.Verdict, codes ...analyze.Code) *analyze.Attempt {
	a := &analyze.Attempt{Verdict: v, Conn: &flow.Evidence{A: netip.MustParseAddrPort("10.0.0.7:51234"), B: netip.MustParseAddrPort("192.0.2.9:8080")}}
	if host != "" {
		a.Request = &analyze.Message{Head: analyze.Head{Fields: []analyze.Field{{Name: "Host", Value: host}}}}
	}
	for _, c := range codes {
		a.Findings = append(a.Findings, analyze.Finding{Code: c, Severity: c.Entry().Severity})
	}
	return a
}

// answered gives an attempt an answer after a time.
func answered(a *analyze.Attempt, after time.Duration) *analyze.Attempt {
	a.Request.Done = flow.Stamp{Frame: 4, Time: 1e18}
	a.Response = &analyze.Message{First: flow.Stamp{Frame: 6, Time: 1e18 + after.Nanoseconds()}}
	return a
}

// aRun has every figure.
func aRun() *Metrics {
	m := New("v1.2.3")
	m.Attempt(answered(anAttempt("gw.example.com", analyze.OK), 3*time.Millisecond))
	m.Attempt(answered(anAttempt("gw.example.com", analyze.AcceptMismatch, analyze.AcceptMismatchCode, analyze.AcceptWrongGUID), 2*time.Minute))
	m.Attempt(answered(anAttempt("GW.example.com:80", analyze.OK), -time.Millisecond)) // in the wrong order, so nobody knows
	m.Attempt(anAttempt("", analyze.Indeterminate))
	m.Stats(Stats{
		Packets: 1000, Bytes: 99_999, Drops: 7, Ring: 8 << 20, RingHigh: 512 << 10,
		Opened: 40, Tracked: 30, HalfOpen: 10, Evicted: Evictions{HalfOpen: 3, Idle: 2, Busy: 1}, Attempts: 4, LostBytes: 1460,
		Gaps: []Gap{{"cut_packets", 5}, {"heads_too_large", 0}}, Evidence: &Evidence{Conversations: 2, Bytes: 4096},
	})
	return m
}

func gather(t *testing.T, m *Metrics) []*dto.MetricFamily {
	t.Helper()
	families, err := m.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

// page is what Prometheus gets.
func page(t *testing.T, m *Metrics) string {
	t.Helper()
	var b strings.Builder
	for _, f := range gather(t, m) {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

// TestPage has the whole page, but for what is nothing or changes, and what client_golang
// tells about Go.
func TestPage(t *testing.T) {
	all := page(t, aRun())
	for _, name := range []string{"go_goroutines", "go_gc_heap_live_bytes"} {
		if !strings.Contains(all, "\n"+name+" ") {
			t.Errorf("no %s", name)
		}
	}
	got := regexp.MustCompile(`(?m)^(# (HELP|TYPE) )?go_.*\n`).ReplaceAllString(all, "")
	got = regexp.MustCompile(`(?m)^wssniff_(findings|attempts)_total{.*} 0\n`).ReplaceAllString(got, "")
	got = regexp.MustCompile(`(?m)^(wssniff_(memory_bytes|last_tick_timestamp_seconds)) .*`).ReplaceAllString(got, "$1 N")
	got = regexp.MustCompile(`goversion="[^"]*"`).ReplaceAllString(got, `goversion="V"`)
	name := filepath.Join("testdata", "page.txt")
	if *update {
		if err := os.WriteFile(name, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), got); d != "" {
		t.Errorf("-want +got, -update rewrites:\n%s", d)
	}
}

// TestUnknown leaves out what is not known, and says nothing before the first tick.
func TestUnknown(t *testing.T) {
	m := New("")
	if got := page(t, m); strings.Contains(got, "wssniff_packets_total") || strings.Contains(got, "wssniff_up") {
		t.Errorf("before the first tick:\n%s", got)
	}
	m.Stats(Stats{Down: "eth0 is down", Drops: -1, Attempts: -1})
	got := page(t, m)
	for _, absent := range []string{"kernel_drops", "ring", "tracked_attempts", "evidence", "gaps"} {
		if strings.Contains(got, absent) {
			t.Errorf("%s is there:\n%s", absent, got)
		}
	}
	for _, present := range []string{"\nwssniff_up 0\n", "\nwssniff_packets_total 0\n"} {
		if !strings.Contains(got, present) {
			t.Errorf("no %s in\n%s", present, got)
		}
	}
}

// TestMetricNames has the page looked at by Prometheus' own tool, which says
// nothing if all is well.
func TestMetricNames(t *testing.T) {
	needsPromtool(t)
	cmd := exec.Command("promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(page(t, aRun()))
	if out, err := cmd.CombinedOutput(); err != nil || len(out) > 0 {
		t.Errorf("promtool check metrics: %v: %s", err, out)
	}
}

func needsPromtool(t *testing.T) {
	t.Helper()
	if _, err := exec.LookPath("promtool"); err != nil {
		t.Skip("needs promtool: apt-get install prometheus")
	}
}

func TestServerName(t *testing.T) {
	tls := func(a *analyze.Attempt, name string) *analyze.Attempt {
		a.TLS = &analyze.TLS{ServerName: name}
		return a
	}
	long := strings.Repeat("a.", 126) + "b" // 253 bytes
	const address = "192.0.2.9:8080"
	for _, test := range []struct {
		a    *analyze.Attempt
		want string
	}{
		{anAttempt("gw.example.com", 0), "gw.example.com"},
		{anAttempt("GW.Example.COM", 0), "gw.example.com"},
		{anAttempt("gw.example.com:80", 0), "gw.example.com"},
		{anAttempt("gw.example.com:443", 0), "gw.example.com:443"},
		{tls(anAttempt("gw.example.com:443", 0), "x"), "gw.example.com"},
		{tls(anAttempt("gw.example.com:80", 0), "x"), "gw.example.com:80"},
		{anAttempt("gw.example.com:8080", 0), "gw.example.com:8080"},
		{anAttempt("[2001:DB8::1]:80", 0), "[2001:db8::1]"},
		{anAttempt("device_7.local", 0), "device_7.local"},
		{anAttempt(long+":65535", 0), long + ":65535"},
		{anAttempt(long+"c:65535", 0), address},
		{anAttempt(":80", 0), address},
		{anAttempt("a b", 0), address},
		{anAttempt("a\x1b[31m", 0), address},
		{anAttempt("a\n", 0), address},
		{anAttempt("a\x00", 0), address},
		{anAttempt("\xff\xfe", 0), address},
		{anAttempt("bücher.example", 0), address},
		{anAttempt("a\u202eb", 0), address},
		{anAttempt(`a"} 1`, 0), address},
		{anAttempt("", 0), address},
		{tls(anAttempt("", 0), "sni.example.com"), "sni.example.com"},
		{tls(anAttempt("a b", 0), "sni.example.com"), "sni.example.com"},
		{tls(anAttempt("", 0), "a\x00b"), address},
		{tls(anAttempt("", 0), ""), address},
	} {
		if got := serverName(test.a); got != test.want {
			t.Errorf("%+v: %q, want %q", test.a.Request, got, test.want)
		}
	}
}

// serverValues returns the attempts of each value of the label server.
func serverValues(t *testing.T, m *Metrics) map[string]int {
	t.Helper()
	sums := map[string]int{}
	for _, f := range gather(t, m) {
		if f.GetName() != "wssniff_attempts_total" {
			continue
		}
		for _, metric := range f.Metric {
			sums[metric.Label[0].GetValue()] += int(metric.Counter.GetValue())
		}
	}
	return sums
}

// TestServersBounded asks for ever other names: failing ones get half of the room,
// the others all of it, and no attempt is lost.
func TestServersBounded(t *testing.T) {
	m := New("")
	count := 0
	attempts := func(name string, n int, v analyze.Verdict) {
		for i := range n {
			m.Attempt(anAttempt(name+strconv.Itoa(i)+".example.com", v))
			count++
		}
	}
	check := func(servers, others int) {
		t.Helper()
		got, sum := serverValues(t, m), 0
		for _, n := range got {
			sum += n
		}
		if len(got) != servers+1 || got[otherServers] != others || sum != count {
			t.Errorf("%d servers, %d attempts at others, %d of %d in all; want %d, %d", len(got)-1, got[otherServers], sum, count, servers, others)
		}
	}
	attempts("scan", 1000, analyze.Rejected)
	check(50, 950)
	attempts("good", 20, analyze.OK)
	attempts("good", 20, analyze.Rejected) // they are known by now
	check(70, 950)
	attempts("fine", 1000, analyze.OK)
	check(100, 950+970)
	attempts("fine", 30, analyze.NoResponse)
	check(100, 950+970)
}

// TestHostileHosts has anything as Host: labels stay few, and plain.
func TestHostileHosts(t *testing.T) {
	m := New("")
	random := rand.New(rand.NewPCG(1, 2))
	for range 10_000 {
		host := make([]byte, random.IntN(300))
		for i := range host {
			if host[i] = byte(random.IntN(256)); random.IntN(4) > 0 {
				host[i] = "abcXYZ019.-:[]_"[random.IntN(15)]
			}
		}
		m.Attempt(anAttempt(string(host), analyze.OK))
	}
	values := serverValues(t, m)
	if len(values) != maxServers+1 {
		t.Errorf("%d servers", len(values))
	}
	for v := range values {
		if len(v) > maxServerName || !regexp.MustCompile(`^[a-z0-9._:\[\]-]+$`).MatchString(v) {
			t.Errorf("a server %q", v)
		}
	}
}

// TestLatencies puts handshakes between the bounds of the histogram.
func TestLatencies(t *testing.T) {
	m := New("")
	for _, d := range []time.Duration{0, time.Millisecond, time.Millisecond + 1, time.Minute, time.Minute + 1} {
		m.Attempt(answered(anAttempt("a", analyze.OK), d))
	}
	got := page(t, m)
	for _, want := range []string{`bucket{le="0.001"} 2`, `bucket{le="0.0025"} 3`, `bucket{le="60"} 4`, `bucket{le="+Inf"} 5`} {
		if !strings.Contains(got, "wssniff_handshake_seconds_"+want+"\n") {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
}

// TestAttemptAllocs counts an attempt at a known server without garbage.
func TestAttemptAllocs(t *testing.T) {
	m := New("")
	a := answered(anAttempt("gw.example.com", analyze.Rejected), time.Second)
	if n := testing.AllocsPerRun(100, func() { m.Attempt(a) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

// TestMeanwhile scrapes while attempts are counted; the race detector watches.
func TestMeanwhile(t *testing.T) {
	m := New("")
	done := make(chan bool)
	go func() {
		defer close(done)
		for i := range 2000 {
			m.Attempt(anAttempt(fmt.Sprintf("a%d.example.com", i%200), analyze.OK, analyze.Status404))
			m.Stats(Stats{Packets: int64(i), Gaps: []Gap{{"cut_packets", int64(i)}}})
		}
	}()
	for running := true; running; {
		select {
		case <-done:
			running = false
		default:
			page(t, m)
		}
	}
	if got := page(t, m); !strings.Contains(got, "wssniff_packets_total 1999\n") {
		t.Error(got)
	}
}

// TestEnded counts of an attempt that ended what was not told of it before.
func TestEnded(t *testing.T) {
	m := New("v0")
	a := &analyze.Attempt{Verdict: analyze.OK, Findings: []analyze.Finding{{Code: analyze.KeyReused, Severity: analyze.Warning}, {Code: analyze.AcceptOKButClientRefuses, Severity: analyze.Warning}}}
	m.Ended(a, analyze.Standing([]byte{byte(analyze.OK), byte(analyze.KeyReused)}))
	m.Ended(a, "") // nobody knows what was told
	got := page(t, m)
	for _, line := range []string{
		`wssniff_findings_total{code="key-reused",severity="warning"} 0`,
		`wssniff_findings_total{code="accept-ok-but-client-refuses",severity="warning"} 1`,
		`wssniff_attempts_total{server="other",verdict="ok"} 0`,
	} {
		if !strings.Contains(got, line+"\n") {
			t.Errorf("no %s", line)
		}
	}
}
