//go:build libpcap

package capture

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/wssniff/wssniff/internal/netns"
)

// TestLibpcapLinks has the link types under which libpcap shows interfaces, and how
// many packets pass the filter for one of them: all where there is none in the
// kernel. A frame with a tag, which the kernel takes off, does not.
func TestLibpcapLinks(t *testing.T) {
	netns.Enter(t)
	veth(t)
	tun, tap := tunnel(t), device(t, "tap", unix.IFF_TAP, hwGRE)
	live := map[string]*Live{}
	want := map[string]string{
		"any": "LINUX_SLL 10", "vb": "ETHERNET 1", "tun": "RAW 1", "tap": "LINUX_SLL 2",
	}
	for name := range want {
		live[name] = listen(t, name, &LiveConfig{Filter: filterUDP(t, 80)})
	}
	inject(t, "va", aFrame(80), aFrame(81), aFrame(80, vlan5))
	for _, port := range []int{80, 81} {
		tun(aDatagram(port))
		tap(aFrame(port))
	}
	for name, l := range live {
		got := received(t, l)
		s := l.Stats()
		if len(s.Interfaces) != 1 || s.Interfaces[0].Name != name || s.Packets != int64(len(got)) {
			t.Errorf("%s: %+v", name, s)
		}
		if got := fmt.Sprint(s.Interfaces[0].Link, " ", len(got)); got != want[name] {
			t.Errorf("%s: %s, want %s", name, got, want[name])
		}
	}
}

// TestLibpcapProgram lets libpcap run a program, as other systems do.
func TestLibpcapProgram(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", nil)
	program, err := filterUDP(t, 80)(LinkEthernet)
	if err == nil {
		err = l.setProgram(program)
	}
	if err != nil {
		t.Fatal(err)
	}
	inject(t, "va", aFrame(81), aFrame(80), aFrame(81))
	if n := len(received(t, l)); n != 1 {
		t.Errorf("%d packets of 3 pass", n)
	}
}

// TestLibpcapGone takes the interface down and up, which libpcap bears, and away,
// which is the end.
func TestLibpcapGone(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", nil)
	netns.IP(t, "link set vb down")
	received(t, l)
	netns.IP(t, "link set vb up")
	netns.Carrier(t, "vb")
	inject(t, "va", aFrame(80))
	if n := len(received(t, l)); n != 1 {
		t.Errorf("%d packets after vb was down", n)
	}
	netns.IP(t, "link set vb down")
	if l, err := Listen("vb", nil); err == nil || err.Error() != "vb is down" {
		t.Errorf("%v: %v", l, err)
	}
	netns.IP(t, "link del vb")
	var err error
	for range 100 {
		if err = l.Next(new(Packet)); err != ErrIdle {
			break
		}
	}
	if err == nil || !strings.HasPrefix(err.Error(), "vb: ") {
		t.Errorf("vb is gone: %v", err)
	}
}

func TestLibpcapInterfaces(t *testing.T) {
	netns.Enter(t)
	veth(t)
	names, err := Interfaces()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"lo", "va", "vb", AnyInterface} {
		if !slices.Contains(names, want) {
			t.Errorf("no %s in %q", want, names)
		}
	}
	if !strings.Contains(Library(), "libpcap") {
		t.Errorf("%q", Library())
	}
}
