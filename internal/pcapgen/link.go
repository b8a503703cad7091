package pcapgen

import (
	"encoding/binary"
	"net/netip"
)

// A LinkType is a value of the LINKTYPE registry of tcpdump.
type LinkType uint16

const (
	Null     LinkType = 0   // BSD loopback: address family in the byte order of the host
	Ethernet LinkType = 1   // Ethernet II
	Raw      LinkType = 101 // bare IP
	Loop     LinkType = 108 // OpenBSD loopback: address family in network order
	SLL      LinkType = 113 // Linux "any" device, version 1
	SLL2     LinkType = 276 // Linux "any" device, version 2
)

// EtherTypes.
const (
	etherIPv4 = 0x0800
	etherIPv6 = 0x86dd
	etherVLAN = 0x8100
	etherQinQ = 0x88a8
)

// minEthernet is the shortest Ethernet frame without its check sequence.
const minEthernet = 60

// An Iface is an interface of the capture: in pcapng an interface block of
// one section, in pcap the only one there is.
type Iface struct {
	section *section
	index   int
	link    LinkType
	tags    []uint16 // VLAN ids, outermost first; two make QinQ
	pad     bool     // pad short Ethernet frames, as the receiver sees them
}

// Interface adds an interface to the current section; connections dialled
// from now on are seen there.
func (g *Capture) Interface(link LinkType, tags ...uint16) *Iface {
	s := g.sections[len(g.sections)-1]
	f := &Iface{section: s, index: len(s.ifaces), link: link, tags: tags}
	s.ifaces = append(s.ifaces, f)
	g.iface = f
	return f
}

// frame puts the link header of the interface in front of an IP packet.
func (f *Iface) frame(from, to netip.Addr, fromClient bool, ip []byte) []byte {
	switch f.link {
	case Ethernet:
		return f.ethernet(from, to, ip)
	case SLL:
		return append(sllHeader(from, fromClient, ip), ip...)
	case SLL2:
		return append(sll2Header(from, fromClient, ip), ip...)
	case Null:
		return append(f.section.order.AppendUint32(nil, family(ip)), ip...)
	case Loop:
		return append(binary.BigEndian.AppendUint32(nil, family(ip)), ip...)
	}
	return ip // Raw
}

func (f *Iface) ethernet(from, to netip.Addr, ip []byte) []byte {
	b := append(mac(to), mac(from)...)
	for i, id := range f.tags {
		tpid := uint16(etherVLAN)
		if i == 0 && len(f.tags) > 1 {
			tpid = etherQinQ
		}
		b = binary.BigEndian.AppendUint16(b, tpid)
		b = binary.BigEndian.AppendUint16(b, id)
	}
	b = binary.BigEndian.AppendUint16(b, etherType(ip))
	b = append(b, ip...)
	if short := minEthernet - len(b); f.pad && short > 0 {
		b = append(b, make([]byte, short)...)
	}
	return b
}

// sllHeader builds the 16 bytes of LINKTYPE_LINUX_SLL. The capturing host is
// taken to be the server.
func sllHeader(from netip.Addr, fromClient bool, ip []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, sllType(fromClient))
	b = append(b, 0, 1, 0, 6) // ARPHRD_ETHER, address length
	b = append(b, mac(from)...)
	b = append(b, 0, 0)
	return binary.BigEndian.AppendUint16(b, etherType(ip))
}

// sll2Header builds the 20 bytes of LINKTYPE_LINUX_SLL2.
func sll2Header(from netip.Addr, fromClient bool, ip []byte) []byte {
	b := binary.BigEndian.AppendUint16(nil, etherType(ip))
	b = append(b, 0, 0, 0, 0, 0, 2)                // reserved, interface index
	b = append(b, 0, 1, byte(sllType(fromClient))) // ARPHRD_ETHER, packet type
	b = append(b, 6)
	b = append(b, mac(from)...)
	return append(b, 0, 0)
}

// sllType is 0 for a packet to this host, 4 for one sent by it.
func sllType(fromClient bool) uint16 {
	if fromClient {
		return 0
	}
	return 4
}

// family is AF_INET, or AF_INET6 with the number that macOS uses.
func family(ip []byte) uint32 {
	if ip[0]>>4 == 6 {
		return 30
	}
	return 2
}

func etherType(ip []byte) uint16 {
	if ip[0]>>4 == 6 {
		return etherIPv6
	}
	return etherIPv4
}

// mac derives a locally administered address from the last four bytes of an
// IP address.
func mac(a netip.Addr) []byte {
	b := a.AsSlice()
	return append([]byte{0x02, 0x00}, b[len(b)-4:]...)
}
