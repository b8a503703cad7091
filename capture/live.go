package capture

import (
	"errors"

	"golang.org/x/net/bpf"
)

// AnyInterface is the name that stands for all interfaces.
const AnyInterface = "any"

// The size of the ring in which the kernel leaves packets, in bytes.
const (
	DefaultRing = 8 << 20
	MaxRing     = 1 << 30
)

// ErrIdle is what Live.Next returns when nothing came for a moment.
var ErrIdle = errors.New("no packet came")

// A LiveConfig says how to listen. A nil LiveConfig means the defaults.
type LiveConfig struct {
	SnapLen     int  // bytes kept of a packet; 0: DefaultMaxPacket
	Ring        int  // bytes of the ring; 0: DefaultRing; at most MaxRing
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
