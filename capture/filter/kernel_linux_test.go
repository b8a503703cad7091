package filter

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"golang.org/x/net/bpf"
	"golang.org/x/sys/unix"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/internal/netns"
)

// TestKernel gives expressions to the kernel, which takes the tags off frames and
// has no Ethernet before what comes out of a tunnel. What passes there must be
// what Match passes.
func TestKernel(t *testing.T) {
	netns.Enter(t)
	netns.IP(t, "link add va type veth peer name vb")
	netns.IP(t, "link set va up")
	netns.IP(t, "link set vb up")
	netns.Carrier(t, "va")
	netns.Carrier(t, "vb")
	r := rand.New(rand.NewPCG(6, 0))
	var exprs []string // each costs a moment of waiting
	for i, expr := range fixedExprs(t) {
		if i%6 == 0 {
			exprs = append(exprs, expr, randomExpr(r))
		}
	}
	cable := sender(t)
	to := &unix.SockaddrLinklayer{Ifindex: indexOf(t, cable, "va")}
	compareWithKernel(t, "vb", capture.LinkEthernet, exprs, func(frames [][]byte) {
		for _, f := range frames {
			if err := unix.Sendto(cable, f, 0, to); err != nil {
				t.Fatal(err)
			}
		}
	})
	tun := tunnel(t)
	compareWithKernel(t, "tun", capture.LinkRaw, exprs, func(frames [][]byte) {
		for _, f := range frames {
			if _, err := unix.Write(tun, f); err != nil {
				t.Fatalf("%x: %v", f, err)
			}
		}
	})
}

// compareWithKernel has frames filtered by both.
func compareWithKernel(t *testing.T, iface string, link capture.LinkType, exprs []string, send func([][]byte)) {
	t.Helper()
	var frames [][]byte
	for _, f := range framesFor(6, 300)[link] {
		if kernelTakes(link, f) {
			frames = append(frames, f)
		}
	}
	compared, passed := 0, 0
	for _, expr := range exprs {
		m, err := compileHere(expr, link)
		if err != nil {
			continue
		}
		var want [][]byte
		for _, f := range frames {
			if m.Match(f, len(f)) {
				want = append(want, f)
			}
		}
		l, err := capture.Listen(iface, &capture.LiveConfig{Filter: func(capture.LinkType) ([]bpf.RawInstruction, error) { return m.prog, nil }})
		if err != nil {
			t.Fatal(err)
		}
		send(frames)
		got := received(t, l)
		l.Close()
		if len(got) != len(want) {
			t.Errorf("%q on %v: the kernel passes %d frames, Match %d", expr, link, len(got), len(want))
		} else {
			for i := range got {
				if !bytes.Equal(got[i], want[i]) {
					t.Errorf("%q on %v: frame %d is %x, want %x", expr, link, i, got[i], want[i])
					break
				}
			}
		}
		compared, passed = compared+len(frames), passed+len(got)
	}
	t.Logf("%v: %d frames compared, %d passed", link, compared, passed)
	if compared < 5000 || passed < 1000 {
		t.Error("too few")
	}
}

// kernelTakes reports whether a frame comes through: the kernel drops those that
// end within a tag or right behind it, and takes what is IP from a tunnel only.
func kernelTakes(link capture.LinkType, f []byte) bool {
	if link == capture.LinkEthernet {
		return len(f) >= 20
	}
	return len(f) >= 1 && (f[0]>>4 == 4 || f[0]>>4 == 6)
}

func received(t *testing.T, l *capture.Live) (all [][]byte) {
	t.Helper()
	for {
		var p capture.Packet
		switch err := l.Next(&p); err {
		case nil:
			all = append(all, bytes.Clone(p.Data))
		case capture.ErrIdle:
			return all
		default:
			t.Fatal(err)
		}
	}
}

// sender is a socket that sends whole frames.
func sender(t *testing.T) int {
	t.Helper()
	fd, err := unix.Socket(unix.AF_PACKET, unix.SOCK_RAW|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	return fd
}

func indexOf(t *testing.T, fd int, name string) int {
	t.Helper()
	ifr, _ := unix.NewIfreq(name)
	if err := unix.IoctlIfreq(fd, unix.SIOCGIFINDEX, ifr); err != nil {
		t.Fatal(err)
	}
	return int(ifr.Uint32())
}

// tunnel is the other side of the interface tun.
func tunnel(t *testing.T) int {
	t.Helper()
	fd, err := unix.Open("/dev/net/tun", unix.O_RDWR|unix.O_CLOEXEC, 0)
	if err != nil {
		t.Skipf("needs tun devices: modprobe tun (%v)", err)
	}
	t.Cleanup(func() { unix.Close(fd) })
	ifr, _ := unix.NewIfreq("tun")
	ifr.SetUint16(unix.IFF_TUN | unix.IFF_NO_PI)
	if err := unix.IoctlIfreq(fd, unix.TUNSETIFF, ifr); err != nil {
		t.Fatal(err)
	}
	netns.IP(t, "link set tun up")
	return fd
}
