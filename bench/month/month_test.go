package main

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/wssniff/wssniff/bench/measure"
	"github.com/wssniff/wssniff/bench/workload"
)

const output = `{"record":"attempt","client":{"ip":"10.20.0.2","port":49152},"websocket":{"verdict":"ok"}}
{"record":"attempt","client":{"ip":"10.20.0.3","port":49152},"websocket":{"verdict":"rejected"}}
{"record":"attempt","client":{"ip":"10.20.0.2","port":49153},"websocket":{"verdict":"accept-mismatch"}}
{"record":"client","client":{"ip":"10.20.0.2","mac":"02:d0:5a:00:00:00"},"websocket":{"client":{"attempts":2,"established":1,"failed":{"accept-mismatch":1},"rhythm":{"kind":"constant","median_ns":10250000000},"breaks":1,"changes":[{"first_failure":{"@timestamp":"2026-01-03T00:00:00Z"}}]}}}
{"record":"client","client":{"ip":"10.20.0.3","mac":"02:d0:5a:00:00:01"},"websocket":{"client":{"attempts":1,"established":0,"failed":{"rejected":1},"rhythm":{"kind":"back-off","median_ns":7000000000,"from_ns":1010000000},"breaks":1}}}
{"record":"chain","client":{"ip":"10.20.0.3"},"websocket":{"chain":{"end":"not-followed"}}}
{"record":"incident","@timestamp":"2026-01-04T00:00:00Z","server":{"ip":"198.18.0.5"},"websocket":{"incident":{"attempts":50,"finding":{"code":"mass-disconnect"}}}}
{"record":"summary","websocket":{"summary":{"packets":30,"connections":3,"attempts":3,"verdicts":{"ok":1,"accept-mismatch":1,"rejected":1}}}}
`

func truth() *workload.MonthTruth {
	day := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	return &workload.MonthTruth{
		Packets: 30, Connections: 3, Attempts: 3, Verdicts: map[string]int64{"ok": 1, "accept-mismatch": 1, "rejected": 1},
		Disconnects: []*workload.MassDisconnect{{Server: netip.MustParseAddr("198.18.0.5"), At: day(4), Connections: 49}},
		Devices: []*workload.DeviceTruth{
			{IP: netip.MustParseAddr("10.20.0.2"), MAC: "02:d0:5a:00:00:00", Attempts: 2, Established: 1, Failed: map[string]int64{"accept-mismatch": 1},
				Rhythm: workload.Rhythm{Kind: "constant", Period: 10}, Broke: []workload.Break{{At: day(3)}}},
			{IP: netip.MustParseAddr("10.20.0.3"), MAC: "02:d0:5a:00:00:01", Attempts: 1, Failed: map[string]int64{"rejected": 1}, Redirects: 1,
				Rhythm: workload.Rhythm{Kind: "exponential", Period: 1}, Broke: []workload.Break{{At: day(3)}}},
		},
	}
}

func TestFound(t *testing.T) {
	for _, c := range []struct {
		name     string
		old, new string // in the output
		want     []string
	}{
		{name: "everything right"},
		{"attempt", `"verdict":"rejected"`, `"verdict":"ok"`, []string{
			"10.20.0.3 by its attempts: established 1 instead of 0", "10.20.0.3 by its attempts: rejected 0 instead of 1",
		}},
		{"client's failures", `"failed":{"rejected":1}`, `"failed":{"no-response":1}`, []string{
			"10.20.0.3: no-response 1 instead of 0", "10.20.0.3: rejected 0 instead of 1",
		}},
		{"client's attempts", `"attempts":2`, `"attempts":7`, []string{"10.20.0.2: attempts 7 instead of 2"}},
		{"MAC", `5a:00:00:01`, `5a:00:00:09`, []string{`10.20.0.3: MAC address "02:d0:5a:00:00:09" instead of "02:d0:5a:00:00:01"`}},
		{"rhythm", `"kind":"back-off"`, `"kind":"irregular"`, []string{`10.20.0.3: rhythm "irregular" instead of "back-off"`}},
		{"shorter waits", `10250000000`, `9990000000`, []string{"10.20.0.2: waits 9.99s instead of 10s"}},
		{"longer waits", `1010000000`, `1180000000`, []string{"10.20.0.3: waits 1.18s instead of 1s"}},
		{"breaks", `"breaks":1,"changes"`, `"breaks":2,"changes"`, []string{"10.20.0.2: breaks 2 instead of 1"}},
		{"time of a break", `2026-01-03T00:00:00Z`, `2026-01-03T00:00:02Z`, []string{
			"10.20.0.2: broke at 2026-01-03 00:00:02 +0000 UTC instead of 2026-01-03 00:00:00 +0000 UTC",
		}},
		{"end of a chain", `not-followed`, `upgraded`, []string{"10.20.0.3: chains 0 instead of 1"}},
		{"mass disconnect", `"attempts":50`, `"attempts":60`, []string{
			"no mass disconnect of 49 connections of 198.18.0.5 at 2026-01-04 00:00:00 +0000 UTC",
		}},
		{"no mass disconnect", `"code":"mass-disconnect"`, `"code":"reconnect-storm"`, []string{
			"mass disconnects 0 instead of 1", "no mass disconnect of 49 connections of 198.18.0.5 at 2026-01-04 00:00:00 +0000 UTC",
		}},
		{"no client record", `{"record":"client","client":{"ip":"10.20.0.3"`, `{"record":"other","client":{"ip":"10.20.0.3"`, []string{
			"client records 1 instead of 2", "10.20.0.3: attempts 0 instead of 1", "10.20.0.3: rejected 0 instead of 1",
		}},
		{"another client", `"ip":"10.20.0.3","port"`, `"ip":"10.20.0.9","port"`, []string{
			"10.20.0.3 by its attempts: attempts 0 instead of 1", "10.20.0.3 by its attempts: rejected 0 instead of 1",
		}},
		{"summary", `"packets":30`, `"packets":31`, []string{"packets 31 instead of 30"}},
		{"no summary", `"record":"summary"`, `"record":"other"`, []string{"no summary: unexpected end of JSON input"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			f := newFound()
			(&measure.Lines{Take: f.take}).Write([]byte(strings.Replace(output, c.old, c.new, 1)))
			if f.err != nil {
				t.Fatal(f.err)
			}
			got := append(f.compareDevices(truth().Devices, true), f.compareSummary(truth())...)
			if !slices.Equal(got, c.want) {
				t.Errorf("%q, want %q", got, c.want)
			}
		})
	}
}

func TestFoundRefuses(t *testing.T) {
	record := strings.Split(output, "\n")[3]
	for name, s := range map[string]string{
		"no JSON": "wssniff\n", "a client twice": record + "\n" + record + "\n",
		"nothing of a client": `{"record":"client","client":{"ip":"10.20.0.2"},"websocket":{}}` + "\n",
	} {
		f := newFound()
		if (&measure.Lines{Take: f.take}).Write([]byte(s)); f.err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestBounds(t *testing.T) {
	took := func(cpu, wall, mib float64) []measure.Usage {
		return []measure.Usage{{CPU: cpu, Wall: wall, Peak: mib * (1 << 20)}}
	}
	many := &workload.DeviceTruth{Attempts: 1000}
	for _, c := range []struct {
		name     string
		all, one []measure.Usage
		attempts int64
		wrong    []string
		want     bool
	}{
		{"all kept", took(1, 1, 1023), took(1.3, 1.3, 1023), 50, nil, true},
		{"memory", took(1, 1, 1024), took(1, 1, 1), 50, nil, false},
		{"memory for one", took(1, 1, 1), took(1, 1, 1024), 50, nil, false},
		{"CPU time", took(1, 1, 1), took(1.31, 1, 1), 50, nil, false},
		{"elapsed time", took(1, 1, 1), took(1, 9, 1), 50, nil, true},
		{"a large share", took(1, 1, 1), took(2, 2, 1), 51, nil, true},
		{"a count", took(1, 1, 1), took(1, 1, 1), 51, []string{"x"}, false},
	} {
		var b strings.Builder
		got := printTable(&b, &options{}, []*result{
			{name: "all", devices: []*workload.DeviceTruth{many}, took: c.all},
			{name: "one", devices: []*workload.DeviceTruth{{Attempts: c.attempts}}, took: c.one, wrong: c.wrong},
		})
		if got != c.want {
			t.Errorf("%s: %v, want %v, by\n%s", c.name, got, c.want, &b)
		}
	}
}

func TestTable(t *testing.T) {
	var b strings.Builder
	printTable(&b, &options{}, []*result{{
		name: "all", devices: truth().Devices, bytes: 9_000_000, wrong: strings.Split("abcdefg", ""),
		took: []measure.Usage{{CPU: 1, Wall: 2, Peak: 3 << 20}, {CPU: 3, Wall: 4, Peak: 5 << 20}},
	}})
	if want := "\n| all | 3 | 9 MB | 2.00 | 3.00 | 4 | 1.00 | 1.00 | a, b, c, d, e and 2 more |\n"; !strings.Contains(b.String(), want) {
		t.Errorf("no row%s in\n%s", want, &b)
	}
}

func TestResults(t *testing.T) {
	for flag, want := range map[string][]string{
		deviceFlag: {
			"--format jsonl --max-attempts 9 DIR", "--max-attempts 9 --device 10.20.0.2 DIR", "--max-attempts 9 --device 02:d0:5a:00:00:00 DIR",
		},
		"client": {"--format jsonl --max-attempts 9 DIR", "--max-attempts 9 --client 10.20.0.2 DIR"},
	} {
		o := &options{dir: "DIR", deviceFlag: flag, extra: []string{"--max-attempts", "9"}}
		var got []string
		for _, r := range o.results(truth()) {
			got = append(got, strings.Join(r.args, " "))
		}
		if !slices.Equal(got, want) {
			t.Errorf("-device-flag %s runs %q, want %q", flag, got, want)
		}
	}
}
