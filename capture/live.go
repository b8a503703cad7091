package capture

import (
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	"golang.org/x/net/bpf"
)

// AnyInterface is the name that stands for all interfaces.
const AnyInterface = "any"

// The size of the buffer in which the kernel leaves packets, in bytes.
const (
	DefaultRing = 8 << 20
	MaxRing     = 1 << 30
)

// A packet lies in a block that the kernel fills for liveDelay at most, and the block
// for as long among others until they are read. Live.Next waits longer than the first:
// when it has waited in vain, nothing was there.
const (
	liveDelay = 50 * time.Millisecond
	liveTick  = 2 * liveDelay
)

// ErrIdle is what Next of a Live, and of a Source for which more may come, returns
// when nothing came for a moment.
var ErrIdle = errors.New("no packet came")

var errNoInterface = errors.New("no such interface; wssniff -D lists them")

// ret is the instruction that says how many bytes are kept of a packet, bpf(4).
const ret = 0x06

// keeping is an instruction of a program that keeps so many bytes of what passes.
func keeping(ins bpf.RawInstruction, snapLen int) bpf.RawInstruction {
	if ins.Op == ret && ins.K > 0 {
		ins.K = uint32(snapLen)
	}
	return ins
}

// A LiveConfig says how to listen. A nil LiveConfig means the defaults.
type LiveConfig struct {
	SnapLen     int  // bytes kept of a packet; 0: DefaultMaxPacket
	Ring        int  // bytes of the buffer; 0: DefaultRing; at most MaxRing
	Promiscuous bool // see frames for others, too; AnyInterface leaves the interfaces as they are

	// Filter gives a program for packets of a link type, and nil means every
	// packet. The kernel lets pass what it cannot decide: link types other than
	// LinkEthernet and LinkRaw, those for which Filter fails, and packets whose
	// length a program asks for after a tag was taken off. So what comes has to
	// be filtered again. Listen fails if Filter fails for Ethernet.
	Filter func(LinkType) ([]bpf.RawInstruction, error)

	// Tell is given one line when the interface goes away, and one when it is
	// back. Nil: nobody wants to know.
	Tell func(string)
}

func (c *LiveConfig) withDefaults() LiveConfig {
	if c == nil {
		c = new(LiveConfig)
	}
	d := *c
	if d.SnapLen <= 0 {
		d.SnapLen = DefaultMaxPacket
	}
	if d.Ring <= 0 {
		d.Ring = DefaultRing
	}
	if d.Tell == nil {
		d.Tell = func(string) {}
	}
	return d
}

// noPermission is what to do about a system that lets nobody listen.
func noPermission(goos, name string) error {
	how := "make /dev/bpf* readable for you"
	if goos == "linux" {
		program, err := os.Executable()
		if err != nil {
			program = "wssniff"
		}
		how = "allow it once: setcap cap_net_raw+ep " + program
	}
	return fmt.Errorf("%s: no permission to capture: run as root, or %s", printable(name), how)
}

// elsewhere is what to do on a system that wssniff does not capture on by itself:
// some other program does, and writes into a pipe.
func elsewhere(goos, name string) error {
	iface, program := name, "tcpdump -i %s -U -w -"
	if name == AnyInterface { // which is of Linux
		iface = "IFACE"
	}
	libpcap := ", elsewhere if built with -tags libpcap"
	switch {
	case goos == "windows":
		program, libpcap = "dumpcap -i %s -w -", "" // of Wireshark
	case goos == "darwin" && name == AnyInterface:
		iface = "pktap,all"
	}
	if strings.Contains(iface, " ") {
		iface = `"` + iface + `"`
	}
	return fmt.Errorf("%s: wssniff captures on Linux%s; here through a pipe: "+program+" | wssniff -", printable(name), libpcap, printable(iface))
}
