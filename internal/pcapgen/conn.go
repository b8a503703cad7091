package pcapgen

import (
	"encoding/binary"
	"net/netip"
)

// A Side is one end of a connection.
type Side int

const (
	Client Side = iota
	Server
)

func (s Side) peer() Side { return 1 - s }

// A Conn is a TCP connection of the capture. Positions in it are counted in
// bytes of the stream, 0 being the first byte after the SYN.
type Conn struct {
	MSS   int     // largest segment that Send makes
	Small bool    // a small stack: no options but the MSS
	TTL   [2]byte // per side

	g      *Capture
	inside [2]*sealer // of TLS, by the side that sends; nil: there is none
	ifaces [2]*Iface  // where the packets of each side are seen
	addr   [2]netip.AddrPort
	isn    [2]uint32
	next   [2]int  // bytes sent so far
	fin    [2]bool // FIN sent
	ipID   [2]uint16
	hop    bool // IPv6: with a hop-by-hop header
	only   bool // store the packets of onlySide only
	badSum bool // with wrong checksums, as a host captures what its interface will sum up
	tso    bool // IPv4: no length in packets with data

	onlySide Side
	isOpen   bool
	stream   int // -1 until a packet is stored
	masks    int
}

// Open prepares a connection without storing a packet, so that the case can
// change it first or leave its handshake out.
func (g *Capture) Open(client, server string) *Conn {
	g.dials++
	seed := g.seeded("isn", g.dials)
	return &Conn{
		MSS:    1448,
		TTL:    [2]byte{64, 64},
		g:      g,
		ifaces: [2]*Iface{g.iface, g.iface},
		addr:   [2]netip.AddrPort{netip.MustParseAddrPort(client), netip.MustParseAddrPort(server)},
		isn:    [2]uint32{binary.BigEndian.Uint32(seed[0:]), binary.BigEndian.Uint32(seed[4:])},
		ipID:   [2]uint16{binary.BigEndian.Uint16(seed[8:]), binary.BigEndian.Uint16(seed[10:])},
		stream: -1,
	}
}

// Dial opens a connection: SYN, SYN-ACK, ACK.
func (g *Capture) Dial(client, server string) *Conn {
	c := g.Open(client, server)
	c.Handshake()
	return c
}

// Stream returns the number Wireshark gives the connection; valid once a
// packet of it is stored.
func (c *Conn) Stream() int { return c.stream }

// Sent returns how many bytes the side has sent so far.
func (c *Conn) Sent(from Side) int { return c.next[from] }

// Handshake stores SYN, SYN-ACK and ACK.
func (c *Conn) Handshake() {
	c.Syn(nil)
	c.SynAck()
	c.Ack(Client)
}

// Syn stores the client's SYN, with data when it uses TCP Fast Open.
func (c *Conn) Syn(data []byte) int {
	options := c.synOptions(Client)
	if data != nil { // RFC 7413: a cookie of 8 bytes, padded
		options = append(options, 34, 10, 0xc0, 0x0c, 0x1e, 0x57, 0x55, 0x1f, 0xf0, 0x0d, 1, 1)
	}
	n := c.store(Client, segment{seq: c.isn[Client], flags: flagSYN, options: options, data: data})
	c.next[Client] += len(data)
	return n
}

// SynAck stores the server's answer to the SYN.
func (c *Conn) SynAck() int {
	c.isOpen = true
	return c.store(Server, segment{
		seq: c.isn[Server], ack: c.ackOf(Server), flags: flagSYN | flagACK, options: c.synOptions(Server),
	})
}

// Send stores data from one side, cut at the MSS, and returns the frame of
// the last segment. No ACK follows.
func (c *Conn) Send(from Side, data []byte) int {
	if s := c.inside[from]; s != nil {
		data = s.record(tlsData, data)
	}
	for len(data) > c.MSS {
		c.SendAt(from, c.next[from], data[:c.MSS], 0)
		data = data[c.MSS:]
	}
	return c.SendAt(from, c.next[from], data, flagPSH)
}

// Client is Send from the client, and the server's ACK.
func (c *Conn) Client(data []byte) int {
	n := c.Send(Client, data)
	c.Ack(Server)
	return n
}

// Server is Send from the server, and the client's ACK.
func (c *Conn) Server(data []byte) int {
	n := c.Send(Server, data)
	c.Ack(Client)
	return n
}

// SendAt stores one segment that starts at position off of the stream: a
// repetition when off is below Sent, out of order when it is above. The
// flags are added to ACK.
func (c *Conn) SendAt(from Side, off int, data []byte, flags byte) int {
	s := segment{
		seq: c.seq(from, off), ack: c.ackOf(from), flags: flagACK | flags,
		options: c.dataOptions(from), data: data,
	}
	n := c.store(from, s)
	c.next[from] = max(c.next[from], off+len(data))
	return n
}

// Urgent is Send of one segment whose urgent pointer goes behind its first n
// bytes (RFC 9293, Section 3.8.5).
func (c *Conn) Urgent(from Side, data []byte, n uint16) int {
	s := segment{
		seq: c.seq(from, c.next[from]), ack: c.ackOf(from), flags: flagACK | flagPSH | flagURG,
		urgent: n, options: c.dataOptions(from), data: data,
	}
	at := c.store(from, s)
	c.next[from] += len(data)
	return at
}

// Skip moves the side on by n bytes that were sent but not captured.
func (c *Conn) Skip(from Side, n int) { c.next[from] += n }

// Ack stores an empty segment that acknowledges all the peer has sent.
func (c *Conn) Ack(from Side) int {
	return c.SendAt(from, c.end(from), nil, 0)
}

// Probe stores a TCP keep-alive probe with one stale byte, and its answer.
func (c *Conn) Probe(from Side) {
	c.SendAt(from, c.next[from]-1, []byte{0}, 0)
	c.Ack(from.peer())
}

// Fin stores a FIN of one side, with data before it if there is any.
func (c *Conn) Fin(from Side, data []byte) int {
	var psh byte
	if len(data) > 0 {
		psh = flagPSH
	}
	n := c.SendAt(from, c.next[from], data, flagFIN|psh)
	c.fin[from] = true
	return n
}

// Rst stores a RST of one side.
func (c *Conn) Rst(from Side) int {
	return c.SendAt(from, c.end(from), nil, flagRST)
}

// Close ends the connection in order, the given side first.
func (c *Conn) Close(first Side) {
	c.Fin(first, nil)
	c.Ack(first.peer())
	c.Fin(first.peer(), nil)
	c.Ack(first)
}

// seq is the sequence number of a position of the stream.
func (c *Conn) seq(of Side, off int) uint32 { return c.isn[of] + 1 + uint32(off) }

// end is the position after everything sent, the FIN included.
func (c *Conn) end(of Side) int {
	if c.fin[of] {
		return c.next[of] + 1
	}
	return c.next[of]
}

func (c *Conn) ackOf(from Side) uint32 { return c.seq(from.peer(), c.end(from.peer())) }

// store sends the segment through IP and link and into the capture. It
// returns 0 for a segment that the capture does not see, or not all of.
func (c *Conn) store(from Side, s segment) int {
	src, dst := c.addr[from].Addr(), c.addr[from.peer()].Addr()
	h := ipHeader{from: src, to: dst, ttl: c.TTL[from], id: c.ipID[from], proto: protoTCP, extension: c.hop, noLength: c.tso && len(s.data) > 0}
	c.ipID[from]++
	if c.only && c.onlySide != from {
		c.g.now = c.g.now.Add(step)
		return 0
	}
	if c.stream < 0 {
		c.stream = c.g.streams
		c.g.streams++
	}
	p := packet{data: h.packet(s.bytes(c, from)), ether: etherType(src), src: src, dst: dst, macs: c.g.macs, from: from}
	p.proto = ipProtocol(p.ether)
	return c.g.storeAll(c.ifaces[from], p)
}
