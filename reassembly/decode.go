package reassembly

import (
	"encoding/binary"

	"github.com/wssniff/wssniff/capture"
	"github.com/wssniff/wssniff/reassembly/flow"
)

// A segment is one TCP segment as the decoder found it. Its payload points into
// the packet, or into a datagram that was put together of fragments.
type segment struct {
	flow.Ends        // A is the sender
	seq, ack  uint32 // ack is 0 without the flag
	flags     uint8
	urgent    uint16   // the urgent pointer; 0 without the flag
	mac       flow.MAC // source address of the frame right around the IP packet; zero if there is none, or it is not known
	payload   []byte
	wire      int    // payload bytes on the wire; greater than len(payload): cut by the snap length
	path      uint64 // names the VLANs and tunnels around the packet; 0: none
}

// trail is the path in short. It is 0 only if there is none.
func (s *segment) trail() uint32 {
	if t := uint32(s.path); t != 0 || s.path == 0 {
		return t
	}
	return 1
}

// TCP header flags, RFC 9293, Section 3.1.
const (
	flagFIN = 1 << iota
	flagSYN
	flagRST
	flagPSH
	flagACK
	flagURG
)

// A kind says what the decoder made of a packet.
type kind uint8

const (
	other        kind = iota // no TCP: another protocol, or headers that make no sense
	tcp                      // a TCP segment
	udp                      // a UDP datagram of a protocol that tells about hosts; only with datagrams
	headerOnly               // a TCP header without a segment: an ICMP error quotes it, or its length makes no sense
	fragment                 // a part of a fragmented IP packet, see decoder.piece
	wifiFragment             // a part of an 802.11 frame, not put together
	cutHeader                // the snap length cut the packet inside its headers
	unknownLink              // a link type that is not read
	tooDeep                  // more headers around each other than maxLayers
	encrypted                // 802.11, IPsec or MACsec
	corrupt                  // the radio says that the frame was received with errors
	badChecksum              // the TCP checksum is wrong; only with checkSums or suspect
)

// maxLayers is how many headers may lie around each other in one packet: link
// layers, tags, labels, IP headers and tunnels. IPv6 extension headers count on
// their own.
const maxLayers = 32

// A decoder finds the TCP segments in packets straight from the bytes. It never
// fails: what it cannot read is told by its kind.
type decoder struct {
	datagrams bool // tell UDP datagrams of DNS and DHCP apart
	checkSums bool // tell segments with a wrong checksum apart
	suspect   bool // the same, if they have one at all
	quoted    bool // inside an ICMP error

	src, dst []byte // addresses of the innermost IP header, 4 or 16 bytes, both of the same length
	segment         // valid after tcp; after udp its ends, mac and payload are
	tooShort bool   // valid after headerOnly: the header says that it is shorter than one can be
	piece    piece  // valid after fragment
	rest     []byte // 802.11 aggregates: subframes not read yet, see more
	restCut  int    // bytes that the snap length took from the end of rest
	layers   int    // headers entered

	restPath   uint64 // path, layers and quoted where rest begins
	restLayers int
	restQuoted bool
}

// packet reads a packet. wireLen is its length on the wire. A packet holds one
// segment at most, unless it is an aggregate: then more tells the others.
func (d *decoder) packet(link capture.LinkType, b []byte, wireLen int) kind {
	d.path, d.layers, d.quoted, d.rest, d.mac = 0, 0, false, nil, flow.MAC{}
	cut := max(0, wireLen-len(b)) // a length on the wire that is less than what was captured makes no sense
	if link == capture.LinkEthernet {
		return d.ethernet(b, cut)
	}
	return d.link(link, b, cut)
}

// enter counts a header. It is false once there are too many.
func (d *decoder) enter() bool {
	d.layers++
	return d.layers <= maxLayers
}

// along adds a part of the way that the packet takes to its path: a VLAN, a
// label, a tunnel. Parts are told apart by what they are.
func (d *decoder) along(what byte, id uint64) {
	d.path = mix(mix(d.path^uint64(what)+1) ^ id)
}

// What a path is made of.
const (
	alongVLAN = iota
	alongMPLS
	alongPPPoE
	alongIP // the outer addresses of a tunnel
	alongGRE
	alongERSPAN
	alongVXLAN
	alongGeneve
	alongGTP
	alongL2TP
	alongPBB
	alongLISP
)

// mix spreads the bits of x (the finalizer of SplitMix64).
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// short is the kind of a packet that ends inside a header: the snap length did
// it, or the header lies.
func short(cut int) kind {
	if cut > 0 {
		return cutHeader
	}
	return other
}

// trim cuts link-layer padding off a packet of n bytes, and tells how many of
// the n bytes the snap length took.
func trim(b []byte, cut, n int) ([]byte, int) {
	if len(b) >= n {
		return b[:n], 0
	}
	return b, min(cut, n-len(b))
}

// minHeader is how much of a TCP header must be there to know its connection: as
// much as Wireshark needs, so that stream numbers agree.
const minHeader = 16

// tcpSegment reads a TCP header, RFC 9293, Section 3.1.
func (d *decoder) tcpSegment(b []byte, cut int) kind {
	if len(b) < minHeader {
		return short(cut)
	}
	d.Ends = d.ends(b)
	d.seq, d.ack = binary.BigEndian.Uint32(b[4:]), binary.BigEndian.Uint32(b[8:])
	if d.flags = b[13]; d.flags&flagACK == 0 {
		d.ack = 0
	}
	d.urgent, d.payload, d.wire, d.tooShort = 0, nil, 0, false
	header, length := int(b[12]>>4)*4, len(b)+cut
	switch {
	case d.quoted || header > length:
		return headerOnly
	case header < 20:
		d.tooShort = length >= 20
		return headerOnly
	case len(b) < header: // the options are cut, and all the payload with them
		d.wire = length - header
		return tcp
	case cut == 0 && (d.checkSums || d.suspect && b[16]|b[17] != 0) && !d.sumRight(protoTCP, b):
		return badChecksum
	}
	if d.flags&flagURG != 0 {
		d.urgent = binary.BigEndian.Uint16(b[18:])
	}
	d.payload, d.wire = b[header:], length-header
	return tcp
}

// ends are the ends of a segment or datagram: its ports are the first four bytes.
func (d *decoder) ends(b []byte) flow.Ends {
	return flow.Ends{
		IP:   [2][2]uint64{addrWords(d.src), addrWords(d.dst)},
		Port: [2]uint16{binary.BigEndian.Uint16(b), binary.BigEndian.Uint16(b[2:])},
		V6:   len(d.src) == 16,
	}
}

func addrWords(b []byte) [2]uint64 {
	if len(b) == 4 {
		return [2]uint64{0, uint64(binary.BigEndian.Uint32(b))}
	}
	return [2]uint64{binary.BigEndian.Uint64(b), binary.BigEndian.Uint64(b[8:])}
}

// sumRight reports whether the checksum of a whole segment or datagram is right.
func (d *decoder) sumRight(proto int, b []byte) bool {
	sum := uint64(proto + len(b)) // the pseudo header
	sum = onesSum(onesSum(sum, d.src), d.dst)
	return fold(onesSum(sum, b)) == 0xffff
}

// onesSum adds bytes to a one's complement sum, RFC 1071.
func onesSum(sum uint64, b []byte) uint64 {
	for ; len(b) >= 2; b = b[2:] {
		sum += uint64(binary.BigEndian.Uint16(b))
	}
	if len(b) == 1 {
		sum += uint64(b[0]) << 8
	}
	return sum
}

func fold(sum uint64) uint64 {
	for sum > 0xffff {
		sum = sum>>16 + sum&0xffff
	}
	return sum
}
