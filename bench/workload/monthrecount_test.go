package workload

import (
	"cmp"
	"io"
	"net"
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/wssniff/wssniff/analyze"
	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A monthCount is what is found in the packets of a month.
type monthCount struct {
	*testing.T
	truth   *MonthTruth
	devices map[netip.Addr]*deviceCount
	macs    map[netip.Addr]string
	fins    map[netip.Addr][]time.Time // of servers
}

// recountMonth reads a month in the way of wssniff. What packets cannot show,
// rhythms and when to look for disconnects, is that of the truth: pauses and
// ends are compared with it.
func recountMonth(t *testing.T, dir string, truth *MonthTruth) *MonthTruth {
	t.Helper()
	n := &monthCount{
		T: t, truth: newMonthTruth(truth.Spec), devices: map[netip.Addr]*deviceCount{},
		macs: map[netip.Addr]string{}, fins: map[netip.Addr][]time.Time{},
	}
	n.truth.Bytes = 24 * int64(truth.Spec.Files)
	for _, d := range truth.Devices {
		c := &deviceCount{DeviceTruth: DeviceTruth{IP: d.IP, Failed: map[string]int64{}, Rhythm: d.Rhythm}}
		n.devices[d.IP] = c
		n.truth.Devices = append(n.truth.Devices, &c.DeviceTruth)
	}
	result := n.analyze(dir)
	for a := range result.Attempts.All() {
		n.attempt(a)
	}
	for _, c := range result.Chains {
		if len(c.Hops) != 1 || c.End != analyze.ChainNotFollowed {
			t.Errorf("chain %d: hops %v, %v", c.ID, c.Hops, c.End)
		}
		n.devices[result.Attempts.At(c.Hops[0].Attempt-1).Client().Addr()].Redirects++
	}
	owners := map[string]netip.Addr{}
	for ip, d := range n.devices {
		d.MAC = n.macs[ip]
		if other, taken := owners[d.MAC]; taken {
			t.Errorf("%v and %v are both at %s", ip, other, d.MAC)
		}
		owners[d.MAC] = ip
	}
	for _, m := range truth.Disconnects {
		fins := slices.DeleteFunc(n.fins[m.Server], func(at time.Time) bool { return at.Before(m.At) || at.Sub(m.At) >= time.Second })
		n.truth.Disconnects = append(n.truth.Disconnects, &MassDisconnect{m.Server, m.At, int64(len(fins))})
	}
	return n.truth
}

func (n *monthCount) analyze(dir string) *analyze.Result {
	src, err := capture.Open([]string{dir}, &capture.Config{})
	if err != nil {
		n.Fatal(err)
	}
	defer src.Close()
	a := analyze.New(nil)
	asm := reassembly.New(a.Chunk, nil)
	var p capture.Packet
	for err = src.Next(&p); err == nil; err = src.Next(&p) {
		n.packet(&p)
		asm.Packet(&p)
	}
	if err != io.EOF {
		n.Fatal(err)
	}
	asm.Finish()
	n.truth.Connections = int64(asm.Stats().Conns)
	return a.Finish(flow.Stamp{Frame: p.Num, Time: p.Time}, 0)
}

func (n *monthCount) packet(p *capture.Packet) {
	n.truth.Packets++
	n.truth.Bytes += 16 + int64(len(p.Data))
	parsed, err := parsePacket(p.Data)
	if err != nil {
		n.Fatalf("packet %d: %v", p.Num, err)
	}
	from, _ := netip.AddrFromSlice([]byte(parsed.from[:4]))
	mac := net.HardwareAddr(p.Data[6:12]).String()
	if before := cmp.Or(n.macs[from], mac); before != mac {
		n.Fatalf("packet %d: %v is at %s and %s", p.Num, from, before, mac)
	}
	n.macs[from] = mac
	if parsed.flags&flagFIN != 0 && n.devices[from] == nil {
		n.fins[from] = append(n.fins[from], time.Unix(0, p.Time))
	}
}

func (n *monthCount) attempt(a *analyze.Attempt) {
	n.truth.Attempts++
	n.truth.Verdicts[a.Verdict.String()]++
	d := n.devices[a.Client().Addr()]
	d.checkPause(n, a)
	at := time.Unix(0, a.Start().Time).UTC()
	if d.Attempts++; d.Attempts == 1 {
		d.First = at
	}
	d.Last = at
	if a.Verdict == analyze.OK {
		d.Established++
	} else {
		d.Failed[a.Verdict.String()]++
	}
	why := whyFailed(a)
	if why != healthy && d.up {
		d.Broke = append(d.Broke, Break{at, string(why)})
	}
	if d.up = why == healthy; d.up {
		d.failures = 0
	} else {
		d.failures++
	}
	d.ended = a.Close.At.Time
}

// A deviceCount is what is found of a device.
type deviceCount struct {
	DeviceTruth
	up       bool
	failures int
	ended    int64 // the last attempt, nanoseconds
}

// checkPause compares the time since the last attempt with the rhythm.
func (d *deviceCount) checkPause(n *monthCount, a *analyze.Attempt) {
	if d.Attempts == 0 {
		return
	}
	want := d.Rhythm.Period
	if d.Rhythm.Most > 0 {
		want = min(want*float64(int64(1)<<min(d.failures, 10)), d.Rhythm.Most)
	}
	got := time.Duration(a.Conn.First.Time - d.ended).Seconds()
	if got < want || got > want*1.02+0.2 { // an end takes some round trips
		n.Fatalf("%v waits %v s after %d failures, its rhythm is %+v", d.IP, got, d.failures, d.Rhythm)
	}
}

// whyFailed tells the cause from what the capture shows.
func whyFailed(a *analyze.Attempt) cause {
	refused := slices.ContainsFunc(a.Findings, func(f analyze.Finding) bool { return f.Code == analyze.AcceptOKButClientRefuses })
	switch {
	case a.Verdict == analyze.AcceptMismatch:
		return firmware
	case a.Verdict == analyze.Redirected:
		return moved
	case a.Verdict == analyze.Rejected && a.Response.Head.Status == 502:
		return badGateway
	case refused && len(a.Response.Head.Raw) > 1024:
		return oversize
	case a.Verdict == analyze.OK && !refused:
		return healthy
	}
	return outage
}
