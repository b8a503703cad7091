package capture

import (
	"bytes"
	"encoding/binary"
	"errors"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/wssniff/wssniff/internal/netns"
)

// listen captures until the end of the test.
func listen(t *testing.T, name string, cfg *LiveConfig) *Live {
	t.Helper()
	l, err := Listen(name, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}

// received reads until nothing comes any more, also from a kernel that has much to
// do.
func received(t *testing.T, l *Live) (all []Packet) {
	t.Helper()
	for idle := 0; idle < 3; {
		var p Packet
		switch err := l.Next(&p); {
		case err == ErrIdle:
			idle++
			continue
		case err != nil:
			t.Fatal(err)
		}
		idle = 0
		if p.Num != int(l.stats.Packets) {
			t.Errorf("packet %d has number %d", l.stats.Packets, p.Num)
		}
		p.Data = bytes.Clone(p.Data)
		all = append(all, p)
	}
	return all
}

// veth makes the interfaces va and vb, each the other end of one cable.
func veth(t *testing.T) {
	t.Helper()
	netns.IP(t, "link add va type veth peer name vb")
	netns.IP(t, "link set va up")
	netns.IP(t, "link set vb up")
	netns.Carrier(t, "va")
	netns.Carrier(t, "vb")
}

// inject sends frames as they are out of an interface.
func inject(t *testing.T, name string, frames ...[]byte) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	ifr, _ := unix.NewIfreq(name)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		t.Fatal(err)
	}
	for _, f := range frames {
		if err := unix.Sendto(fd, f, 0, &unix.SockaddrLinklayer{Ifindex: int(ifr.Uint32())}); err != nil {
			t.Fatal(err)
		}
	}
}

// aFrame is an Ethernet frame to somebody else, with tags and a payload of
// UDP to a port, which nobody answers.
func aFrame(port int, tags ...uint32) []byte {
	f := []byte{2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2}
	for _, tag := range tags {
		f = binary.BigEndian.AppendUint32(f, tag)
	}
	return append(append(f, 8, 0), aDatagram(port)...)
}

// aDatagram is an IPv4 packet of UDP.
func aDatagram(port int) []byte {
	b := []byte{
		0x45, 0, 0, 32, 0, 1, 0, 0, 64, 17, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2, // IPv4
		0x30, 0x39, 0, 0, 0, 12, 0, 0, // UDP from 12345
		'd', 'a', 't', 'a',
	}
	binary.BigEndian.PutUint16(b[22:], uint16(port))
	return b
}

const (
	vlan5     = 0x81000005
	vlan0     = 0x81000000 // a priority tag: the content is 0
	vlan7QinQ = 0x88a86007 // priority 3
)

// TestLiveVLAN compares what comes with what was sent: the kernel takes the first
// tag off every frame.
func TestLiveVLAN(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", &LiveConfig{Promiscuous: true})
	sent := [][]byte{
		aFrame(80), aFrame(80, vlan5), aFrame(80, vlan7QinQ), aFrame(80, vlan7QinQ, vlan5), aFrame(80, vlan5, vlan5), aFrame(80, vlan0),
	}
	before := time.Now().Add(-time.Second).UnixNano()
	inject(t, "va", sent...)
	got := received(t, l)
	if len(got) != len(sent) {
		t.Fatalf("%d frames came of %d", len(got), len(sent))
	}
	for i, p := range got {
		if !bytes.Equal(p.Data, sent[i]) || p.WireLen != len(sent[i]) || p.Link != LinkEthernet {
			t.Errorf("frame %d of %d bytes, %v: %x, sent %x", i, p.WireLen, p.Link, p.Data, sent[i])
		}
		if p.Time < before || p.Time > time.Now().UnixNano() {
			t.Errorf("frame %d came at %v", i, time.Unix(0, p.Time))
		}
	}
	if s := l.Stats(); s.Packets != 6 || s.Drops != 0 || s.Cut != 0 || len(s.Interfaces) != 1 || s.Interfaces[0].Name != "vb" {
		t.Errorf("%+v", s)
	}
}

// TestLiveSnapLen cuts also frames whose tag makes them longer.
func TestLiveSnapLen(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", &LiveConfig{SnapLen: 20})
	inject(t, "va", aFrame(80), aFrame(80, vlan5))
	got := received(t, l)
	if len(got) != 2 || !bytes.Equal(got[0].Data, aFrame(80)[:20]) || !bytes.Equal(got[1].Data, aFrame(80, vlan5)[:20]) ||
		got[0].WireLen != 46 || got[1].WireLen != 50 {
		t.Errorf("%+v", got)
	}
	if cut := l.Stats().Cut; cut != 2 {
		t.Errorf("%d packets cut", cut)
	}
}

// TestLiveLoopback sends on lo, where the kernel shows everything twice.
func TestLiveLoopback(t *testing.T) {
	for _, name := range []string{"lo", AnyInterface} {
		t.Run(name, func(t *testing.T) {
			netns.Enter(t)
			l := listen(t, name, nil)
			for range 3 {
				sendUDP(t)
			}
			got := received(t, l)
			if len(got) != 3 || name == "lo" && got[0].Link != LinkEthernet {
				t.Errorf("%d packets of 3: %+v", len(got), got)
			}
		})
	}
}

// sendUDP sends a datagram to the namespace itself, where somebody takes it.
func sendUDP(t *testing.T) {
	t.Helper()
	fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	self := &unix.SockaddrInet4{Port: 9999, Addr: [4]byte{127, 0, 0, 1}}
	if err := errors.Join(unix.Bind(fd, self), unix.Sendto(fd, []byte("hello"), 0, self)); err != nil {
		t.Fatal(err)
	}
}

// tunnel makes the interface tun, on which packets come that are written.
func tunnel(t *testing.T) func([]byte) { return device(t, "tun", unix.IFF_TUN, hwNone) }

const (
	hwNone = 0xfffe // without a header of the link
	hwGRE  = 778    // with one that nobody knows here
)

// device makes an interface of tun or tap, of whatever kind.
func device(t *testing.T, name string, mode uint16, hardware int) func([]byte) {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs tun devices: modprobe tun (%v)", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	ifr, _ := unix.NewIfreq(name)
	ifr.SetUint16(mode | unix.IFF_NO_PI)
	if err := errors.Join(unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr), unix.IoctlSetInt(fd, unix.TUNSETLINK, hardware)); err != nil {
		t.Fatal(err)
	}
	netns.IP(t, "link set", name, "up")
	return func(b []byte) {
		if _, err := unix.Write(fd, b); err != nil {
			t.Error(err)
		}
	}
}

// TestLivePromiscuous asks the kernel, and asks again when all is over.
func TestLivePromiscuous(t *testing.T) {
	netns.Enter(t)
	veth(t)
	for promiscuous, want := range map[bool]string{true: "promiscuity 1", false: "promiscuity 0"} {
		l, err := Listen("vb", &LiveConfig{Promiscuous: promiscuous})
		if err != nil {
			t.Fatal(err)
		}
		expectLink(t, want)
		l.Close()
		expectLink(t, "promiscuity 0")
	}
}

func expectLink(t *testing.T, want string) {
	t.Helper()
	out, err := exec.Command("ip", "-d", "link", "show", "vb").Output()
	if err != nil || !strings.Contains(string(out), want) {
		t.Errorf("not %s: %s, %v", want, out, err)
	}
}

// TestLiveDrops sends more than the ring has room for before anybody reads.
func TestLiveDrops(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", &LiveConfig{Ring: 1})
	frame := append(aFrame(80), make([]byte, 1400)...)
	const sent = 1000
	inject(t, "va", slices.Repeat([][]byte{frame}, sent)...)
	got := received(t, l)
	s := l.Stats()
	if s.Drops == 0 || int64(len(got))+s.Drops != sent {
		t.Errorf("%d packets and %d drops of %d", len(got), s.Drops, sent)
	}
	if s.RingHigh != s.Ring { // libpcap tells neither
		t.Errorf("a ring of %d bytes was filled up to %d, want all of it", s.Ring, s.RingHigh)
	}
	inject(t, "va", frame)
	if n := len(received(t, l)); n != 1 {
		t.Errorf("%d packets afterwards", n)
	}
	if again := l.Stats().Drops; again != s.Drops {
		t.Errorf("%d drops, then %d", s.Drops, again)
	}
}

// TestLiveRingWraps reads in turn with the sender, many times around the ring.
func TestLiveRingWraps(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", &LiveConfig{Ring: 1 << 20})
	pair := [][]byte{append(aFrame(80), make([]byte, 1400)...), aFrame(81)}
	next := 0
	for range 40 {
		inject(t, "va", slices.Repeat(pair, 150)...)
		for _, p := range received(t, l) {
			want := 46 + 1400*(1-next%2)
			if next++; p.WireLen != want || len(p.Data) != want {
				t.Fatalf("packet %d: %d bytes of %d, want %d", next, len(p.Data), p.WireLen, want)
			}
		}
	}
	if next != 40*300 {
		t.Errorf("%d packets of %d", next, 40*300)
	}
}

// TestLiveOwnership reads slowly: what Next gave stays until the next one, though
// the kernel has filled all that it may.
func TestLiveOwnership(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", &LiveConfig{Ring: 1})
	first := append(aFrame(80), bytes.Repeat([]byte{1}, 1400)...)
	inject(t, "va", first)
	var p Packet
	for l.Next(&p) == ErrIdle {
	}
	inject(t, "va", slices.Repeat([][]byte{append(aFrame(81), bytes.Repeat([]byte{2}, 1400)...)}, 1000)...)
	if !bytes.Equal(p.Data, first) {
		t.Error("the bytes of the packet have changed")
	}
}

func TestLiveErrors(t *testing.T) {
	netns.Enter(t)
	noFilter := func(LinkType) ([]bpfInstruction, error) { return nil, errors.New("cannot be compiled") }
	for _, test := range []struct {
		name string
		cfg  LiveConfig
		want string
	}{
		{name: "eth9", want: "eth9: no such interface; wssniff -D lists them"},
		{name: "a name that is far too long", want: "no such interface"},
		{name: "", want: "no such interface"},
		{name: "esc\x1b", want: `"esc\x1b": no such interface`},
		{name: "lo", cfg: LiveConfig{Filter: noFilter}, want: "cannot be compiled"},
	} {
		l, err := Listen(test.name, &test.cfg)
		if err == nil {
			l.Close()
		}
		if err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %s", test.name, err, test.want)
		}
	}
}

// TestLiveNoPermission gives the capability away that is needed.
func TestLiveNoPermission(t *testing.T) {
	if unix.Geteuid() == 0 {
		runtime.LockOSThread() // for good
		header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
		var none [2]unix.CapUserData
		if err := unix.Capset(&header, &none[0]); err != nil {
			t.Fatal(err)
		}
	}
	l, err := Listen("lo", nil)
	if err == nil {
		l.Close()
		t.Fatal("captures without CAP_NET_RAW")
	}
	if !strings.Contains(err.Error(), "setcap cap_net_raw+ep /") {
		t.Error(err)
	}
}

func TestLiveAllocs(t *testing.T) {
	netns.Enter(t)
	veth(t)
	l := listen(t, "vb", nil)
	inject(t, "va", slices.Repeat([][]byte{aFrame(80, vlan5)}, 200)...)
	var p Packet
	for l.Next(&p) == ErrIdle {
	}
	if n := testing.AllocsPerRun(100, func() {
		if err := l.Next(&p); err != nil {
			t.Error(err)
		}
	}); n != 0 {
		t.Errorf("%v allocations per packet", n)
	}
}
