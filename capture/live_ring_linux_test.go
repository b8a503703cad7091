//go:build !libpcap

package capture

import (
	"bytes"
	"fmt"
	"slices"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wssniff/wssniff/internal/netns"
)

// receivesSoon reads until a packet comes, and reports whether one does.
func receivesSoon(t *testing.T, l *Live, send func()) bool {
	t.Helper()
	for range 100 {
		send()
		if len(received(t, l)) > 0 {
			return true
		}
	}
	return false
}

// waitUntil reads for some seconds at most.
func waitUntil(t *testing.T, l *Live, ready func() bool) {
	t.Helper()
	for range 100 {
		if ready() {
			return
		}
		received(t, l)
	}
}

// TestLiveAny has Ethernet and, with a tunnel, bare IP.
func TestLiveAny(t *testing.T) {
	netns.Enter(t)
	veth(t)
	write := tunnel(t)
	l := listen(t, AnyInterface, &LiveConfig{Promiscuous: true, Filter: filterUDP(t, 80)})
	inject(t, "va", aFrame(80), aFrame(81))
	write(aDatagram(80))
	write(aDatagram(81))
	var got []string
	all := received(t, l)
	for _, p := range all {
		got = append(got, fmt.Sprint(l.Stats().Interfaces[p.Iface].Name, " ", p.Link, " ", p.WireLen))
	}
	want := []string{"va ETHERNET 46", "vb ETHERNET 46", "tun RAW 32"}
	if !slices.Equal(got, want) {
		t.Fatalf("%q, want %q", got, want)
	}
	if !bytes.Equal(all[2].Data, aDatagram(80)) {
		t.Errorf("%x", all[2].Data)
	}
}

// TestLiveCooked has an interface whose link layer is not known, here Ethernet
// that says it is GRE: IP is taken from where it begins, also by the filter.
func TestLiveCooked(t *testing.T) {
	netns.Enter(t)
	write := device(t, "tap", unix.IFF_TAP, hwGRE)
	l := listen(t, "tap", &LiveConfig{Filter: filterUDP(t, 80)})
	arp := append(aFrame(80)[:12], 8, 6, 0, 1, 8, 0, 6, 4, 0, 1)
	write(arp)
	write(aFrame(81))
	write(aFrame(80))
	got := received(t, l)
	if len(got) != 1 || got[0].Link != LinkRaw || got[0].WireLen != 32 || !bytes.Equal(got[0].Data, aDatagram(80)) {
		t.Errorf("%+v", got)
	}
}

// TestLiveComesBack takes the interface down, and away.
func TestLiveComesBack(t *testing.T) {
	netns.Enter(t)
	veth(t)
	var told []string
	l := listen(t, "vb", &LiveConfig{Promiscuous: true, Filter: filterUDP(t, 80), Tell: func(s string) { told = append(told, s) }})
	send := func() { inject(t, "va", aFrame(81), aFrame(80)) }
	if !receivesSoon(t, l, send) {
		t.Fatal("nothing came")
	}
	for _, away := range [][2]string{{"link set vb down", "link set vb up"}, {"link del vb", ""}} {
		told = nil
		netns.IP(t, away[0])
		waitUntil(t, l, func() bool { return len(told) > 0 })
		received(t, l)
		if !slices.Equal(told, []string{"vb is down; waiting for it"}) || !l.Stats().Away {
			t.Errorf("%s: told %q, away: %v", away[0], told, l.Stats().Away)
		}
		if away[1] != "" {
			netns.IP(t, away[1])
		} else {
			veth(t)
		}
		if !receivesSoon(t, l, send) {
			t.Errorf("nothing came after %q", away)
		}
		waitUntil(t, l, func() bool { return len(told) > 1 })
		expectLink(t, "promiscuity 1")
		if len(told) != 2 || told[1] != "vb is up again" || l.Stats().Away {
			t.Errorf("%s: told %q, away: %v", away[1], told, l.Stats().Away)
		}
	}
	if s := l.Stats(); len(s.Interfaces) != 1 {
		t.Errorf("interfaces: %v", s.Interfaces)
	}
}

// TestLiveDownAtFirst waits for an interface that is not up yet.
func TestLiveDownAtFirst(t *testing.T) {
	netns.Enter(t)
	netns.IP(t, "link add va type veth peer name vb")
	l := listen(t, "vb", nil)
	received(t, l)
	netns.IP(t, "link set va up")
	netns.IP(t, "link set vb up")
	if !receivesSoon(t, l, func() { inject(t, "va", aFrame(80)) }) {
		t.Error("nothing came")
	}
}
