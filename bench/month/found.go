package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/netip"
	"slices"
	"time"

	"github.com/wssniff/wssniff/bench/workload"
)

// A found is what wssniff prints: for each client what its client record says,
// and what its attempts add up to.
type found struct {
	attempts    map[string]*tally // by IP address
	clients     map[string]*tally
	chains      map[string]int64 // that nobody followed
	disconnects []disconnect
	summary     json.RawMessage
	err         error
}

// A tally is what is said of one client.
type tally struct {
	mac         string
	Attempts    int64            `json:"attempts"`
	Established int64            `json:"established"`
	Failed      map[string]int64 `json:"failed"`
	history
}

func newFound() *found {
	return &found{attempts: map[string]*tally{}, clients: map[string]*tally{}, chains: map[string]int64{}}
}

// take reads one line.
func (f *found) take(line []byte) {
	var r struct {
		Record string
		At     time.Time `json:"@timestamp"`
		Client struct{ IP, MAC string }
		Server struct{ IP netip.Addr }

		WebSocket struct {
			Verdict  string
			Client   *tally
			Chain    struct{ End string }
			Incident struct {
				Attempts int64
				Finding  struct{ Code string }
			}
			Summary json.RawMessage
		}
	}
	if err := json.Unmarshal(line, &r); err != nil {
		f.err = err
		return
	}
	switch ip := r.Client.IP; r.Record {
	case "attempt":
		if f.attempts[ip] == nil {
			f.attempts[ip] = &tally{Failed: map[string]int64{}}
		}
		f.attempts[ip].add(r.WebSocket.Verdict)
	case "client":
		if f.clients[ip] != nil || r.WebSocket.Client == nil {
			f.err = fmt.Errorf("two records of client %s, or one of nothing", ip)
			return
		}
		f.clients[ip] = r.WebSocket.Client
		f.clients[ip].mac = r.Client.MAC
	case "chain":
		if r.WebSocket.Chain.End == "not-followed" {
			f.chains[ip]++
		}
	case "incident":
		if i := r.WebSocket.Incident; i.Finding.Code == "mass-disconnect" {
			f.disconnects = append(f.disconnects, disconnect{r.Server.IP, r.At, i.Attempts})
		}
	case "summary":
		f.summary = r.WebSocket.Summary
	}
}

func (t *tally) add(verdict string) {
	t.Attempts++
	if verdict == "ok" {
		t.Established++
	} else {
		t.Failed[verdict]++
	}
}

// compareDevices lists what differs from the devices that are to be shown.
func (f *found) compareDevices(devices []*workload.DeviceTruth, clients bool) []string {
	d := differences{}
	d.count("clients with attempts", int64(len(f.attempts)), int64(len(devices)))
	if clients {
		d.count("client records", int64(len(f.clients)), int64(len(devices)))
	}
	for _, want := range devices {
		ip := want.IP.String()
		d.tally(ip+" by its attempts", f.attempts[ip], want)
		if got := f.clients[ip]; clients {
			d.tally(ip, got, want)
			if got != nil {
				d.text(ip+": MAC address", got.mac, want.MAC)
				d.history(ip, &got.history, want)
				d.count(ip+": chains", f.chains[ip], want.Redirects)
			}
		}
	}
	return d
}

// compareSummary lists what differs from the totals.
func (f *found) compareSummary(t *workload.MonthTruth) []string {
	var s struct {
		Packets, Connections, Attempts int64
		Verdicts                       map[string]int64
	}
	if err := json.Unmarshal(f.summary, &s); err != nil {
		return []string{fmt.Sprintf("no summary: %v", err)}
	}
	d := differences{}
	d.count("packets", s.Packets, t.Packets)
	d.count("connections", s.Connections, t.Connections)
	d.count("attempts", s.Attempts, t.Attempts)
	d.counts("", s.Verdicts, t.Verdicts)
	d.disconnects(f.disconnects, t.Disconnects)
	return d
}

// differences are texts that say what is found instead of what.
type differences []string

func (d *differences) count(what string, got, want int64) {
	if got != want {
		*d = append(*d, fmt.Sprintf("%s %d instead of %d", what, got, want))
	}
}

func (d *differences) text(what, got, want string) {
	if got != want {
		*d = append(*d, fmt.Sprintf("%s %q instead of %q", what, got, want))
	}
}

func (d *differences) counts(of string, got, want map[string]int64) {
	names := maps.Clone(want)
	maps.Copy(names, got)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		d.count(of+name, got[name], want[name])
	}
}

func (d *differences) tally(of string, got *tally, want *workload.DeviceTruth) {
	if got == nil {
		got = &tally{}
	}
	d.count(of+": attempts", got.Attempts, want.Attempts)
	d.count(of+": established", got.Established, want.Established)
	d.counts(of+": ", got.Failed, want.Failed)
}
