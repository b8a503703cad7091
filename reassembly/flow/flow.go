// Package flow holds the plain data that reassembly hands to whoever reads the
// bytes of TCP connections: the connection, a run of its bytes, and the answer
// that says which bytes are wanted next.
//
// It stands apart from package reassembly, and imports the standard library
// alone, so that a consumer can be written and tested without packets, without
// files and without gopacket.
package flow

import "net/netip"

// A Dir is a direction of a connection.
type Dir uint8

const (
	AtoB Dir = iota // sent by Conn.A
	BtoA            // sent by Conn.B
)

// Reverse returns the other direction.
func (d Dir) Reverse() Dir { return d ^ 1 }

// A Stamp says where in the capture something was seen.
type Stamp struct {
	Frame int   // 1-based, equals Wireshark's frame.number; 0: never seen
	Time  int64 // capture time in nanoseconds since 1970-01-01 UTC, valid iff Frame != 0
}

// Seen reports whether the stamp was set.
func (s Stamp) Seen() bool { return s.Frame != 0 }

// A Conn is one TCP connection of the capture with the evidence its headers
// give. The reassembler owns it and updates it with every packet; a consumer
// may keep the pointer as long as it likes and may set State.
type Conn struct {
	State any      // the consumer's own; never read by reassembly
	Last  [2]Stamp // the last packet of each direction; not seen: the capture holds one direction only

	SYN, SYNACK Stamp // the handshake; SYN not seen: the capture started in the middle
	SYNDir      Dir   // who sent the SYN (or received the SYN-ACK), valid iff one of both was seen

	ID    int            // 0-based, equals Wireshark's tcp.stream
	A, B  netip.AddrPort // A sent the first packet that the capture holds
	First Stamp          // the first packet

	FIN, RST [2]Stamp  // the first of each, by the direction that sent it
	FINSeq   [2]uint32 // sequence number of the FIN, valid iff it was seen
	FINAck   [2]uint32 // acknowledgement number of the FIN: what its sender had received by then; 0: none

	Acked   [2]bool  // the receiver acknowledged everything seen of that direction, and it is not empty; settled at the end
	Unseen  [2]bool  // the receiver acknowledged bytes of that direction that the capture does not hold, or a RST lies behind some; settled at the end
	Retrans [2]int32 // segments that brought nothing new
	Cut     [2]int32 // packets with payload cut off by the snap length
	Lost    [2]int64 // bytes that the consumer was told are missing

	Doubts []Doubt // what the bytes alone do not decide; at most MaxDoubts
}

// MaxDoubts is how many doubts are noted of one connection.
const MaxDoubts = 4

// A Doubt is a run of bytes that receivers may not have read as it was delivered.
type Doubt struct {
	Kind   DoubtKind
	Dir    Dir
	Offset int64 // of the first byte in its direction
	Len    int   // from there to the last byte concerned

	Wide bool // there are too many to tell each: it lies around several, and what is between them is not in doubt

	First  Stamp // the packet with the bytes that were delivered
	Second Stamp // the packet with the others, valid iff Kind is Differs
	Acked  bool  // the receiver acknowledged the bytes before the others came
	Linux  bool  // a Linux receiver that got both took the others
	BSD    bool  // a BSD receiver that got both took the others; Windows never does since Vista
}

// A DoubtKind says why there is a Doubt.
type DoubtKind uint8

const (
	Differs DoubtKind = iota // the bytes were sent twice with different content; the first copy was delivered
	Urgent                   // the byte is urgent data, which most receivers take out of the stream (RFC 6093, Section 3)
)

// ClosedFirst reports whether direction d sent its FIN without having received
// that of the other side. It goes by what the FINs acknowledge, as the capture
// may have them in the wrong order.
func (c *Conn) ClosedFirst(d Dir) bool {
	o := d.Reverse()
	switch {
	case !c.FIN[d].Seen():
		return false
	case !c.FIN[o].Seen():
		return true
	case c.FINAck[d] != 0 && int32(c.FINAck[d]-c.FINSeq[o]) > 0:
		return false
	case c.FINAck[o] != 0 && int32(c.FINAck[o]-c.FINSeq[d]) > 0:
		return true
	}
	return c.FIN[d].Frame < c.FIN[o].Frame
}

// Addr returns the address that sends in direction d.
func (c *Conn) Addr(d Dir) netip.AddrPort {
	if d == AtoB {
		return c.A
	}
	return c.B
}

// An End says why a direction has no more bytes.
type End uint8

const (
	Open       End = iota // more may come
	FIN                   // closed in order; every byte before it was delivered or told lost
	RST                   // reset by either side
	CaptureEnd            // the input ended while the direction was open
	Evicted               // forgotten to make room, or replaced by a new use of the 4-tuple
)

// A Chunk is the next run of bytes of one direction, in order. Chunks never
// cross the border of a captured segment.
type Chunk struct {
	Conn   *Conn
	Dir    Dir
	Offset int64  // of Data[0] in its direction, skipped and lost bytes counted; 0 is the first byte after the SYN, or the first byte seen
	Lost   int64  // bytes missing right before Data; -1: missing, number unknown (the direction starts in the middle)
	Stamp  Stamp  // of the packet that carried Data[0]
	Seq    uint32 // TCP sequence number of Data[0]
	Ack    uint32 // acknowledgement number of the same packet: the byte of the other direction that its sender waited for; 0 if it has none
	Data   []byte // valid during the call only; may be empty when End is set
	End    End    // Open, or why this is the last chunk of the direction
}

// A Want is the answer to a chunk: which bytes of its direction come next.
// A positive Want is a number of bytes to skip after the chunk; they are never
// delivered, and it makes no difference whether the capture holds them.
type Want int64

const (
	All  Want = 0  // every byte
	None Want = -1 // nothing more of this direction except the last, empty chunk with its End
)
