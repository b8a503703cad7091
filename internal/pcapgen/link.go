package pcapgen

import (
	"encoding/binary"
	"net/netip"
)

// A LinkType is a value of the LINKTYPE registry of tcpdump.
type LinkType uint16

const (
	Null      LinkType = 0   // BSD loopback: address family in the byte order of the host
	Ethernet  LinkType = 1   // Ethernet II and IEEE 802.3
	PPP       LinkType = 9   // with or without the address and control fields of HDLC
	RawOld    LinkType = 12  // bare IP: DLT_RAW of most systems
	RawBSD    LinkType = 14  // bare IP: DLT_RAW of OpenBSD
	PPPSerial LinkType = 50  // PPP in HDLC framing, or Cisco HDLC
	PPPEther  LinkType = 51  // begins with the header of PPPoE
	Raw       LinkType = 101 // bare IP
	CiscoHDLC LinkType = 104
	Wireless  LinkType = 105 // IEEE 802.11
	Loop      LinkType = 108 // OpenBSD loopback: address family in network order
	SLL       LinkType = 113 // Linux "any" device, version 1
	Prism     LinkType = 119 // 802.11 behind a Prism header
	Radiotap  LinkType = 127 // 802.11 behind a radiotap header
	AVS       LinkType = 163 // 802.11 behind an AVS header
	PPI       LinkType = 192 // Per-Packet Information
	IPv4      LinkType = 228
	IPv6      LinkType = 229
	NFLOG     LinkType = 239
	PKTAP     LinkType = 258 // Apple's packet tap
	SLL2      LinkType = 276 // Linux "any" device, version 2
)

// EtherTypes.
const (
	etherIPv4    = 0x0800
	etherARP     = 0x0806
	etherBridged = 0x6558 // an Ethernet frame in a tunnel
	etherVLAN    = 0x8100
	etherIPv6    = 0x86dd
	etherPPP     = 0x880b
	etherMPLS    = 0x8847
	etherPPPoE   = 0x8864
	etherQinQ    = 0x88a8
	etherERSPAN  = 0x88be // types I and II
	etherERSPAN3 = 0x22eb
	etherOldQinQ = 0x9100 // stacked tags before IEEE 802.1ad
	noEther      = 0      // of what has no EtherType
)

// minEthernet is the shortest Ethernet frame without its check sequence.
const minEthernet = 60

// An Iface is an interface of the capture: in pcapng an interface block of
// one section, in pcap, where only the link type of the first is stored, a
// place where packets are seen behind other headers.
type Iface struct {
	section *section
	index   int
	link    LinkType
	path    []layer // outermost first; the first makes the link header
	sent    [2]int
}

// Interface adds an interface to the current section; connections dialled
// from now on are seen there. The tags are VLAN ids, outermost first; two make
// QinQ.
func (g *Capture) Interface(link LinkType, tags ...uint16) *Iface {
	order := g.sections[len(g.sections)-1].order
	return g.Path(link, plainPath(link, order, tags)...)
}

// Path is Interface for packets that go through the given layers, outermost
// first.
func (g *Capture) Path(link LinkType, path ...layer) *Iface {
	s := g.sections[len(g.sections)-1]
	f := &Iface{section: s, index: len(s.ifaces), link: link, path: path}
	s.ifaces = append(s.ifaces, f)
	g.iface = f
	return f
}

// Alone makes a path the only interface of the capture.
func (g *Capture) Alone(order byteOrder, link LinkType, path ...layer) *Iface {
	g.Reset()
	g.Section(order)
	return g.Path(link, path...)
}

func plainPath(link LinkType, order byteOrder, tags []uint16) []layer {
	switch link {
	case Ethernet:
		return tagged(tags)
	case SLL:
		return []layer{sll}
	case SLL2:
		return []layer{sll2}
	case Null:
		return []layer{null(order, macFamily6)}
	case Loop:
		return []layer{null(bigEndian, macFamily6)}
	}
	return nil // Raw
}

// tagged is the path of Ethernet with VLAN tags.
func tagged(tags []uint16) []layer {
	path := []layer{ethernet}
	for i, id := range tags {
		tpid := uint16(etherVLAN)
		if i == 0 && len(tags) > 1 {
			tpid = etherQinQ
		}
		path = append(path, vlan(tpid, id))
	}
	return path
}

// frames are the frames that a packet of one side becomes.
func (f *Iface) frames(p packet) []packet {
	p.sent = f.sent
	f.sent[p.from]++
	return through(f.path, p)
}

// ethernet is the header of Ethernet II.
func ethernet(p packet) []packet {
	b := append(p.mac(p.dst), p.mac(p.src)...)
	return p.behind(etherBridged, binary.BigEndian.AppendUint16(b, p.ether)...)
}

// padded fills short Ethernet frames up, as the receiver sees them.
func padded(p packet) []packet {
	if short := minEthernet - len(p.data); short > 0 {
		p.data = append(p.data, make([]byte, short)...)
	}
	return []packet{p}
}

// ethernet8023 is the header of IEEE 802.3, with a length in the place of the
// EtherType.
func ethernet8023(p packet) []packet {
	b := append(p.mac(p.dst), p.mac(p.src)...)
	return p.behind(etherBridged, binary.BigEndian.AppendUint16(b, uint16(len(p.data)))...)
}

// snap is LLC with SNAP (RFC 1042).
func snap(p packet) []packet {
	return p.behind(noEther, binary.BigEndian.AppendUint16([]byte{0xaa, 0xaa, 3, 0, 0, 0}, p.ether)...)
}

// vlan is a tag of IEEE 802.1Q behind the given tag protocol identifier.
func vlan(tpid, id uint16) layer {
	return func(p packet) []packet {
		b := binary.BigEndian.AppendUint16(nil, id)
		return p.behind(tpid, binary.BigEndian.AppendUint16(b, p.ether)...)
	}
}

func etherType(a netip.Addr) uint16 {
	if a.Is4() {
		return etherIPv4
	}
	return etherIPv6
}

// mac returns the address that frames of an IP address have.
func (p packet) mac(a netip.Addr) []byte {
	if m, ok := p.macs[a]; ok {
		return m[:]
	}
	return mac(a)
}

// mac derives a locally administered address from the last four bytes of an
// IP address.
func mac(a netip.Addr) []byte {
	b := a.AsSlice()
	return append([]byte{0x02, 0x00}, b[len(b)-4:]...)
}
