// Package flow holds the plain data that reassembly hands to whoever reads the
// bytes of TCP connections: the connection, a run of its bytes, and the answer
// that says which bytes are wanted next.
//
// It stands apart from package reassembly, and imports the standard library
// alone, so that a consumer can be written and tested without packets, without
// files and without gopacket.
package flow

import (
	"encoding/binary"
	"net/netip"
)

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

// Ends are the addresses of a connection, packed: many connections are held at
// once. A is the end that sent the first packet that the capture holds.
type Ends struct {
	IP   [2][2]uint64 // by the direction in which the end sends: the 16 bytes as big-endian words, an IPv4 address in the low half of the second
	Port [2]uint16
	V6   bool
}

// EndsOf packs two addresses of the same family.
func EndsOf(a, b netip.AddrPort) Ends {
	e := Ends{Port: [2]uint16{a.Port(), b.Port()}, V6: a.Addr().Is6()}
	for i, ip := range [2]netip.Addr{a.Addr(), b.Addr()} {
		if e.V6 {
			w := ip.As16()
			e.IP[i] = [2]uint64{binary.BigEndian.Uint64(w[:]), binary.BigEndian.Uint64(w[8:])}
		} else {
			w := ip.As4()
			e.IP[i][1] = uint64(binary.BigEndian.Uint32(w[:]))
		}
	}
	return e
}

// Addr returns the address that sends in direction d.
func (e *Ends) Addr(d Dir) netip.AddrPort {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], e.IP[d][0])
	binary.BigEndian.PutUint64(b[8:], e.IP[d][1])
	if e.V6 {
		return netip.AddrPortFrom(netip.AddrFrom16(b), e.Port[d])
	}
	return netip.AddrPortFrom(netip.AddrFrom4([4]byte(b[12:])), e.Port[d])
}

// A Conn is one TCP connection while it is followed. The reassembler owns it and
// uses it for another connection after the chunk that has the Evidence, so a
// consumer keeps no pointer to it; it may set State, and Mark.
type Conn struct {
	Ends
	State     uint32 // the consumer's own; 0 at first, and as long as it keeps nothing
	Handshake bool   // a SYN or SYN-ACK was seen
	Mark      uint8  // that of whoever is told of its packets (Sighting); 0 at first
}

// Evidence is what the headers of a connection showed, from its first packet to
// its last.
type Evidence struct {
	ID    int            // 0-based, equals Wireshark's tcp.stream
	A, B  netip.AddrPort // A sent the first packet that the capture holds
	First Stamp          // the first packet

	SYN, SYNACK Stamp // the handshake; SYN not seen: the capture started in the middle
	SYNDir      Dir   // who sent the SYN (or received the SYN-ACK), valid iff one of both was seen

	FIN, RST [2]Stamp  // the first of each, by the direction that sent it
	FINSeq   [2]uint32 // sequence number of the FIN, valid iff it was seen
	FINAck   [2]uint32 // acknowledgement number of the FIN: what its sender had received by then; 0: none

	Sent    [2]bool  // the capture holds packets of that direction
	Acked   [2]bool  // the receiver acknowledged everything seen of that direction, and it is not empty
	Unseen  [2]bool  // the receiver acknowledged bytes of that direction that the capture does not hold, or a RST lies behind some
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
func (c *Evidence) ClosedFirst(d Dir) bool {
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
func (c *Evidence) Addr(d Dir) netip.AddrPort {
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
// cross the border of a captured segment. A connection without bytes has none,
// not even to tell its end.
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
	Link   MAC    // source address of the frame that carried Data; zero if that is not known

	Evidence *Evidence // in the last chunk of the connection, which ends its second direction when late packets have had their time; else nil. Valid during the call only, but for Doubts, which the consumer may keep
}

// A Want is the answer to a chunk: which bytes of its direction come next.
// A positive Want is a number of bytes to skip after the chunk; they are never
// delivered, and it makes no difference whether the capture holds them. A chunk
// with Data, or with Lost, comes only behind the last of them.
type Want int64

const (
	All  Want = 0  // every byte
	None Want = -1 // nothing more of this direction except the last, empty chunk with its End
)
