package reassembly

import (
	"bytes"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/gopacket"
	"github.com/google/gopacket/layers"

	"github.com/wssniff/wssniff/capture"
)

// decode reads one packet, without putting fragments together.
func decode(link capture.LinkType, b []byte, wireLen int, s *segment) kind {
	var d decoder
	k := d.packet(link, b, wireLen)
	*s = d.segment
	return k
}

func join(parts ...[]byte) []byte { return slices.Concat(parts...) }

// The headers of one packet from 10.0.0.7:51234 to 192.0.2.9:80, from the
// outside in.
var (
	ethIPv4 = []byte{
		0x02, 0x00, 0xc0, 0x00, 0x02, 0x09, // to
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x08, 0x00, // IPv4
	}
	ethIPv6 = []byte{
		0x02, 0x00, 0xc0, 0x00, 0x02, 0x09, // to
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x86, 0xdd, // IPv6
	}
	ethVLAN = []byte{
		0x02, 0x00, 0xc0, 0x00, 0x02, 0x09, // to
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x81, 0x00, // 802.1Q
		0x00, 0x2a, 0x08, 0x00, // VLAN 42, IPv4
	}
	ethQinQ = []byte{
		0x02, 0x00, 0xc0, 0x00, 0x02, 0x09, // to
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x88, 0xa8, // 802.1ad
		0x00, 0x07, 0x81, 0x00, // service VLAN 7, 802.1Q
		0x00, 0x2a, 0x86, 0xdd, // VLAN 42, IPv6
	}
	ethQinQ91 = []byte{
		0x02, 0x00, 0xc0, 0x00, 0x02, 0x09, // to
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x91, 0x00, // double tagging before 802.1ad
		0x00, 0x07, 0x92, 0x00, // VLAN 7, and another such tag
		0x00, 0x2a, 0x08, 0x00, // VLAN 42, IPv4
	}
	eth4Tags = []byte{
		0x02, 0x00, 0xc0, 0x00, 0x02, 0x09, // to
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x81, 0x00, // 802.1Q
		0x00, 0x01, 0x81, 0x00, // VLAN 1
		0x00, 0x02, 0x81, 0x00, // VLAN 2
		0x00, 0x03, 0x81, 0x00, // VLAN 3
		0x00, 0x04, 0x08, 0x00, // VLAN 4, IPv4
	}
	ethARP = []byte{
		0xff, 0xff, 0xff, 0xff, 0xff, 0xff, // to all
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, // from
		0x08, 0x06, // ARP
	}
	sll = []byte{
		0x00, 0x04, // sent by us
		0x00, 0x01, 0x00, 0x06, // Ethernet, address of 6 bytes
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, 0x00, 0x00, // from
		0x08, 0x00, // IPv4
	}
	sll2 = []byte{
		0x08, 0x00, 0x00, 0x00, // IPv4, reserved
		0x00, 0x00, 0x00, 0x02, // interface 2
		0x00, 0x01, 0x04, 0x06, // Ethernet, sent by us, address of 6 bytes
		0x02, 0x00, 0x0a, 0x00, 0x00, 0x07, 0x00, 0x00, // from
	}
	nullLittle  = []byte{0x02, 0x00, 0x00, 0x00} // AF_INET of a little-endian machine
	nullBig     = []byte{0x00, 0x00, 0x00, 0x02} // AF_INET of a big-endian machine
	nullUnknown = []byte{0x1e, 0x00, 0x00, 0x00} // AF_INET6 of macOS in front of IPv4

	ipv4 = []byte{
		0x45, 0x00, 0x00, 0x2c, // version 4, 20 bytes of header, total length 44
		0x12, 0x34, 0x40, 0x00, // identification, don't fragment
		0x40, 0x06, 0x00, 0x00, // TTL 64, TCP
		10, 0, 0, 7,
		192, 0, 2, 9,
	}
	ipv4Options = []byte{
		0x47, 0x00, 0x00, 0x34, // version 4, 28 bytes of header, total length 52
		0x12, 0x34, 0x40, 0x00, // identification, don't fragment
		0x40, 0x06, 0x00, 0x00, // TTL 64, TCP
		10, 0, 0, 7,
		192, 0, 2, 9,
		0x94, 0x04, 0x00, 0x00, // router alert
		0x01, 0x01, 0x01, 0x00, // NOPs, end of options
	}
	ipv6 = []byte{
		0x60, 0x00, 0x00, 0x00, // version 6
		0x00, 0x18, 0x06, 0x40, // 24 bytes of payload, TCP, hop limit 64
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x07, // 2001:db8::7
		0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x09, // 2001:db8::9
	}
	tcpHeader = []byte{
		0xc8, 0x22, 0x00, 0x50, // ports 51234, 80
		0x01, 0x02, 0x03, 0x04, // sequence number
		0x05, 0x06, 0x07, 0x08, // acknowledgement
		0x50, 0x18, 0xfa, 0xf0, // 20 bytes of header, PSH and ACK, window
		0x00, 0x00, 0x00, 0x00, // checksum, urgent pointer
	}
	tcpOptions = []byte{
		0xc8, 0x22, 0x00, 0x50, // ports 51234, 80
		0x01, 0x02, 0x03, 0x04, // sequence number
		0x05, 0x06, 0x07, 0x08, // acknowledgement
		0x80, 0x18, 0xfa, 0xf0, // 32 bytes of header, PSH and ACK, window
		0x00, 0x00, 0x00, 0x00, // checksum, urgent pointer
		0x01, 0x01, 0x08, 0x0a, // NOP, NOP, timestamps
		0x00, 0x00, 0x00, 0x01, // value
		0x00, 0x00, 0x00, 0x02, // echo reply
	}
	get = []byte("GET ")
)

// set returns a copy of b with other bytes from index i on.
func set(b []byte, i int, with ...byte) []byte {
	b = bytes.Clone(b)
	copy(b[i:], with)
	return b
}

// ipv6With is a packet with extension headers, of which next is the first,
// between the IPv6 header and the TCP header.
func ipv6With(next byte, ext ...[]byte) []byte {
	all := join(ext...)
	return join(set(ipv6, 5, byte(24+len(all)), next), all, tcpHeader, get)
}

// Extension headers, all of which TCP follows unless set otherwise.
var (
	hopByHop  = []byte{0x06, 0x00, 0x05, 0x02, 0x00, 0x00, 0x01, 0x00}                                                 // 8 bytes: router alert, PadN
	destOpts  = []byte{0x06, 0x01, 0x01, 0x0c, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}                                     // 16 bytes: PadN
	routing   = []byte{0x06, 0x02, 0x00, 0x00, 0, 0, 0, 0, 0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1} // 24 bytes: type 0, no segments left
	authHead  = []byte{0x06, 0x04, 0x00, 0x00, 0, 0, 0, 1, 0, 0, 0, 2, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa, 0xaa}
	wholeOne  = []byte{0x06, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x01} // fragment header of a packet in one piece, RFC 6946
	fragment1 = []byte{0x06, 0x00, 0x00, 0x01, 0x00, 0x00, 0x00, 0x01} // first fragment of more
	fragment2 = []byte{0x06, 0x00, 0x05, 0xa8, 0x00, 0x00, 0x00, 0x01} // last fragment, offset 1448
)

type decodeCase struct {
	name    string
	link    capture.LinkType
	data    []byte
	wire    int // length on the wire if the packet was cut
	want    kind
	payload string // of a TCP segment
	missing int    // payload bytes that were cut
}

var decodeCases = []decodeCase{
	{name: "ethernet", link: capture.LinkEthernet, data: join(ethIPv4, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "ethernet IPv6", link: capture.LinkEthernet, data: join(ethIPv6, ipv6, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "VLAN", link: capture.LinkEthernet, data: join(ethVLAN, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "QinQ IPv6", link: capture.LinkEthernet, data: join(ethQinQ, ipv6, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "old double tags", link: capture.LinkEthernet, data: join(ethQinQ91, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "four tags", link: capture.LinkEthernet, data: join(eth4Tags, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "ARP", link: capture.LinkEthernet, data: join(ethARP, make([]byte, 28)), want: other},
	{name: "802.3 length instead of a type", link: capture.LinkEthernet, data: join(set(ethIPv4, 12, 0x00, 0x2c), ipv4, tcpHeader, get), want: other},
	{name: "type says IPv6, packet is IPv4", link: capture.LinkEthernet, data: join(ethIPv6, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "Linux cooked", link: capture.LinkSLL, data: join(sll, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "Linux cooked, VLAN", link: capture.LinkSLL, data: join(set(sll, 14, 0x81, 0x00), []byte{0x00, 0x2a, 0x08, 0x00}, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "Linux cooked 2", link: capture.LinkSLL2, data: join(sll2, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "null, little-endian", link: capture.LinkNull, data: join(nullLittle, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "null, big-endian", link: capture.LinkNull, data: join(nullBig, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "null, the family lies", link: capture.LinkNull, data: join(nullUnknown, ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "loop", link: capture.LinkLoop, data: join(nullBig, ipv6, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "raw", link: capture.LinkRaw, data: join(ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "raw IPv6", link: capture.LinkRaw, data: join(ipv6, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "raw, old number", link: capture.LinkRawOld, data: join(ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "raw, BSD number", link: capture.LinkRawBSD, data: join(ipv6, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "link of IPv4", link: capture.LinkIPv4, data: join(ipv4, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "link of IPv6", link: capture.LinkIPv6, data: join(ipv6, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "link not read", link: 147, data: join(ipv4, tcpHeader, get), want: unknownLink},

	{name: "no payload", link: capture.LinkRaw, data: join(set(ipv4, 3, 40), tcpHeader), want: tcp},
	{name: "Ethernet padding", link: capture.LinkEthernet, data: join(ethIPv4, set(ipv4, 3, 40), tcpHeader, make([]byte, 6)), want: tcp},
	{name: "padding behind a payload", link: capture.LinkRaw, data: join(ipv4, tcpHeader, get, make([]byte, 3)), want: tcp, payload: "GET "},
	{name: "IPv6 padding", link: capture.LinkRaw, data: join(ipv6, tcpHeader, get, make([]byte, 3)), want: tcp, payload: "GET "},
	{name: "total length 0", link: capture.LinkRaw, data: join(set(ipv4, 2, 0, 0), tcpHeader, get), want: tcp, payload: "GET "},
	{name: "total length 0, cut", link: capture.LinkRaw, data: join(set(ipv4, 2, 0, 0), tcpHeader, get), wire: 100, want: tcp, payload: "GET ", missing: 56},
	{name: "IPv6 payload length 0", link: capture.LinkRaw, data: join(set(ipv6, 4, 0, 0), tcpHeader, get), want: tcp, payload: "GET "},
	{name: "IPv4 options", link: capture.LinkRaw, data: join(ipv4Options, tcpHeader, get), want: tcp, payload: "GET "},
	{name: "TCP options", link: capture.LinkRaw, data: join(set(ipv4, 3, 56), tcpOptions, get), want: tcp, payload: "GET "},
	{name: "TCP options that make no sense", link: capture.LinkRaw, data: join(set(ipv4, 3, 56), set(tcpOptions, 20, 8, 0, 8, 255), get), want: tcp, payload: "GET "},

	{name: "hop-by-hop", link: capture.LinkRaw, data: ipv6With(protoHopByHop, hopByHop), want: tcp, payload: "GET "},
	{name: "destination options", link: capture.LinkRaw, data: ipv6With(protoDestOpts, destOpts), want: tcp, payload: "GET "},
	{name: "routing", link: capture.LinkRaw, data: ipv6With(protoRouting, routing), want: tcp, payload: "GET "},
	{name: "authentication", link: capture.LinkRaw, data: ipv6With(protoAH, authHead), want: tcp, payload: "GET "},
	{name: "four extension headers", link: capture.LinkRaw, data: ipv6With(protoHopByHop, set(hopByHop, 0, protoRouting), set(routing, 0, protoAH), set(authHead, 0, protoDestOpts), destOpts), want: tcp, payload: "GET "},
	{name: "fragment header of a whole packet", link: capture.LinkRaw, data: ipv6With(protoFragment, wholeOne), want: tcp, payload: "GET "},
	{name: "first IPv6 fragment", link: capture.LinkRaw, data: ipv6With(protoFragment, fragment1), want: fragment},
	{name: "later IPv6 fragment", link: capture.LinkRaw, data: ipv6With(protoFragment, fragment2), want: fragment},
	{name: "too many extension headers", link: capture.LinkRaw, data: ipv6With(protoHopByHop, bytes.Repeat(set(hopByHop, 0, protoHopByHop), 16), hopByHop), want: other},
	{name: "encrypted payload", link: capture.LinkRaw, data: ipv6With(50), want: encrypted},
	{name: "no next header", link: capture.LinkRaw, data: ipv6With(59), want: other},
	{name: "extension header longer than the packet", link: capture.LinkRaw, data: ipv6With(protoHopByHop, set(hopByHop, 1, 9)), want: other},
	{name: "extension header cut", link: capture.LinkRaw, data: ipv6With(protoHopByHop, set(hopByHop, 1, 9)), wire: 200, want: other},
	{name: "first IPv4 fragment", link: capture.LinkRaw, data: join(set(ipv4, 6, 0x20, 0x00), tcpHeader, get), want: fragment},
	{name: "later IPv4 fragment", link: capture.LinkRaw, data: join(set(ipv4, 6, 0x00, 0xb9), tcpHeader, get), want: fragment},
	{name: "UDP", link: capture.LinkRaw, data: join(set(ipv4, 9, 17), tcpHeader, get), want: other},
	{name: "UDP fragment", link: capture.LinkRaw, data: join(set(set(ipv4, 9, 17), 6, 0x20), tcpHeader, get), want: fragment},

	{name: "cut in the payload", link: capture.LinkRaw, data: join(set(ipv4, 3, 140), tcpHeader, get), wire: 140, want: tcp, payload: "GET ", missing: 96},
	{name: "cut after the headers", link: capture.LinkRaw, data: join(set(ipv4, 3, 140), tcpHeader), wire: 140, want: tcp, missing: 100},
	{name: "padding cut, payload whole", link: capture.LinkEthernet, data: join(ethIPv4, ipv4, tcpHeader, get), wire: 60, want: tcp, payload: "GET "},
	{name: "cut in the payload, and padding", link: capture.LinkEthernet, data: join(ethIPv4, ipv4, tcpHeader, get[:3]), wire: 60, want: tcp, payload: "GET", missing: 1},
	{name: "cut in the TCP options", link: capture.LinkRaw, data: join(set(ipv4, 3, 56), tcpOptions[:24]), wire: 56, want: tcp, missing: 4},
	{name: "cut in the TCP options of an empty segment", link: capture.LinkRaw, data: join(set(ipv4, 3, 52), tcpOptions[:24]), wire: 52, want: tcp},
	{name: "cut in the TCP header", link: capture.LinkRaw, data: join(ipv4, tcpHeader[:19]), wire: 44, want: tcp, missing: 4},
	{name: "cut in the IPv4 options", link: capture.LinkRaw, data: ipv4Options[:24], wire: 52, want: cutHeader},
	{name: "cut in the IPv4 header", link: capture.LinkRaw, data: ipv4[:19], wire: 44, want: cutHeader},
	{name: "cut in the IPv6 header", link: capture.LinkRaw, data: ipv6[:39], wire: 64, want: cutHeader},
	{name: "cut in an extension header", link: capture.LinkRaw, data: ipv6With(protoRouting, routing)[:50], wire: 88, want: cutHeader},
	{name: "cut in the fragment header", link: capture.LinkRaw, data: ipv6With(protoFragment, wholeOne)[:47], wire: 72, want: cutHeader},
	{name: "cut in a VLAN tag", link: capture.LinkEthernet, data: ethVLAN[:15], wire: 62, want: cutHeader},
	{name: "cut in Ethernet", link: capture.LinkEthernet, data: ethIPv4[:13], wire: 58, want: cutHeader},
	{name: "cut in cooked", link: capture.LinkSLL, data: sll[:15], wire: 60, want: cutHeader},
	{name: "cut in cooked 2", link: capture.LinkSLL2, data: sll2[:19], wire: 64, want: cutHeader},
	{name: "cut in the family", link: capture.LinkNull, data: nullBig[:3], wire: 48, want: cutHeader},
	{name: "cut before IP", link: capture.LinkEthernet, data: ethIPv4, wire: 58, want: cutHeader},

	{name: "empty", link: capture.LinkEthernet, want: other},
	{name: "short Ethernet", link: capture.LinkEthernet, data: ethIPv4[:13], want: other},
	{name: "IP version 5", link: capture.LinkRaw, data: join(set(ipv4, 0, 0x55), tcpHeader, get), want: other},
	{name: "IPv4 header of 16 bytes", link: capture.LinkRaw, data: join(set(ipv4, 0, 0x44), tcpHeader, get), want: other},
	{name: "total length below the header", link: capture.LinkRaw, data: join(set(ipv4, 3, 19), tcpHeader, get), want: other},
	{name: "total length inside the TCP header", link: capture.LinkRaw, data: join(set(ipv4, 3, 39), tcpHeader, get), want: headerOnly},
	{name: "total length beyond an uncut packet", link: capture.LinkRaw, data: join(set(ipv4, 3, 99), tcpHeader, get), want: tcp, payload: "GET "},
	{name: "TCP header of 16 bytes", link: capture.LinkRaw, data: join(ipv4, set(tcpHeader, 12, 0x40), get), want: headerOnly},
	{name: "TCP header longer than the packet", link: capture.LinkRaw, data: join(ipv4, set(tcpHeader, 12, 0xf0), get), want: headerOnly},
}

func TestDecode(t *testing.T) {
	for _, c := range decodeCases {
		t.Run(c.name, func(t *testing.T) { c.check(t) })
	}
}

func (c *decodeCase) check(t *testing.T) {
	var s segment
	got := decode(c.link, c.data, max(c.wire, len(c.data)), &s)
	if got != c.want {
		t.Fatalf("kind %d, want %d", got, c.want)
	}
	if got != tcp {
		return
	}
	if string(s.payload) != c.payload || s.wire != len(c.payload)+c.missing {
		t.Errorf("payload %q of %d, want %q of %d", s.payload, s.wire, c.payload, len(c.payload)+c.missing)
	}
	if s.Port != [2]uint16{51234, 80} || s.seq != 0x01020304 || s.ack != 0x05060708 || s.flags != flagPSH|flagACK {
		t.Errorf("header %+v", s)
	}
	want := [2]string{"10.0.0.7:51234", "192.0.2.9:80"}
	if s.V6 {
		want = [2]string{"[2001:db8::7]:51234", "[2001:db8::9]:80"}
	}
	if got := [2]string{s.Addr(A).String(), s.Addr(B).String()}; got != want {
		t.Errorf("ends %q, want %q", got, want)
	}
}

// TestDecodeWireLength has records that say that less was on the wire than they
// hold.
func TestDecodeWireLength(t *testing.T) {
	for _, c := range decodeCases {
		var whole, s segment
		want := decode(c.link, c.data, len(c.data), &whole)
		for n := range c.data {
			if got := decode(c.link, c.data, n, &s); got != want || got == tcp && (s.wire != whole.wire || !bytes.Equal(s.payload, whole.payload)) {
				t.Errorf("%s, %d on the wire: kind %d, payload %q of %d, want kind %d, payload %q of %d", c.name, n, got, s.payload, s.wire, want, whole.payload, whole.wire)
			}
		}
	}
}

// TestDecodeEveryCut cuts every packet of the table everywhere: what is left of
// it must be the beginning of the same segment, or be told as cut.
func TestDecodeEveryCut(t *testing.T) {
	for _, c := range decodeCases {
		if c.want != tcp || c.wire != 0 {
			continue
		}
		var whole segment
		decode(c.link, c.data, len(c.data), &whole)
		for n := range c.data {
			var s segment
			switch got := decode(c.link, c.data[:n], len(c.data), &s); got {
			case cutHeader:
			case tcp:
				if !bytes.HasPrefix(whole.payload, s.payload) || s.wire != whole.wire {
					t.Errorf("%s cut to %d: payload %q of %d, want the beginning of %q of %d", c.name, n, s.payload, s.wire, whole.payload, whole.wire)
				}
			default:
				t.Errorf("%s cut to %d: kind %d", c.name, n, got)
			}
		}
	}
}

func FuzzDecode(f *testing.F) {
	for _, c := range decodeCases {
		f.Add(uint16(c.link), c.data, int32(max(0, c.wire-len(c.data))))
	}
	for seed := range uint64(300) {
		p := newEncap(seed, seed).around(randomSegment(rand.New(rand.NewPCG(seed, 3))))
		f.Add(uint16(p.what), p.b, int32(seed%50))
	}
	f.Fuzz(func(t *testing.T, link uint16, data []byte, missing int32) {
		data = slices.Clip(bytes.Clone(data))
		cut := max(0, int(missing))
		checkPlain(t, capture.LinkType(link), data, len(data)+int(missing))
		segments, others := decodeAll(part{what: int(link), b: data, cut: int(missing)})
		for i := range segments {
			s := &segments[i]
			checkInside(t, data, s.payload)
			if s.wire < len(s.payload) || s.wire > len(s.payload)+cut {
				t.Errorf("%d bytes of %d, with %d cut off the packet", len(s.payload), s.wire, cut)
			}
			if !s.V6 && (s.IP[0][0] != 0 || s.IP[1][0] != 0 || (s.IP[0][1]|s.IP[1][1])>>32 != 0) {
				t.Errorf("IPv4 addresses %x", s.IP)
			}
		}
		if cut == 0 && len(segments) == 1 && len(others) == 0 {
			checkOracle(t, capture.LinkType(link), data, &segments[0])
		}
	})
}

// checkInside checks that part is a part of whole, and not only equal to one.
func checkInside(t *testing.T, whole, part []byte) {
	t.Helper()
	if len(part) == 0 {
		return
	}
	at := cap(whole) - cap(part)
	if at < 0 || at+len(part) > len(whole) || &whole[at] != &part[0] {
		t.Errorf("payload of %d bytes lies outside its packet of %d", len(part), len(whole))
	}
}

// checkOracle compares a segment with what gopacket makes of the packet, if it
// makes a plain TCP segment of it.
func checkOracle(t *testing.T, link capture.LinkType, data []byte, s *segment) {
	want, src, dst := oracle(link, data)
	if want == nil {
		return
	}
	if s.Port != [2]uint16{uint16(want.SrcPort), uint16(want.DstPort)} || s.seq != want.Seq || s.ack != want.Ack && want.ACK || s.ack != 0 && !want.ACK {
		t.Errorf("got %+v, gopacket has %+v", s, want)
	}
	if !bytes.Equal(s.ip(A), src) || !bytes.Equal(s.ip(B), dst) {
		t.Errorf("addresses %v, %v, gopacket has %v, %v", s.ip(A), s.ip(B), src, dst)
	}
	for flag, on := range map[uint8]bool{flagFIN: want.FIN, flagSYN: want.SYN, flagRST: want.RST, flagPSH: want.PSH, flagACK: want.ACK} {
		if (s.flags&flag != 0) != on {
			t.Errorf("flags %#x, gopacket has %+v", s.flags, want)
		}
	}
	if !bytes.Equal(s.payload, want.Payload) {
		t.Errorf("payload %q, gopacket has %q", s.payload, want.Payload)
	}
}

// oracle decodes a packet with gopacket. The answer is nil unless that finds
// TCP right inside the first IP header and its extension headers; it panics on
// some packets.
func oracle(link capture.LinkType, data []byte) (t *layers.TCP, src, dst []byte) {
	defer func() {
		if recover() != nil {
			t = nil
		}
	}()
	first, ok := map[capture.LinkType]gopacket.Decoder{
		capture.LinkEthernet: layers.LinkTypeEthernet,
		capture.LinkSLL:      layers.LinkTypeLinuxSLL,
		capture.LinkNull:     layers.LinkTypeNull,
		capture.LinkLoop:     layers.LinkTypeLoop,
		capture.LinkRaw:      layers.LinkTypeRaw,
	}[link]
	if !ok || len(data) > 0xffff { // gopacket counts a total length of 0 modulo 65536
		return nil, nil, nil
	}
	ips := 0
	for _, layer := range gopacket.NewPacket(data, first, gopacket.NoCopy).Layers() {
		switch l := layer.(type) {
		case *layers.IPv4:
			ips++
			src, dst = l.SrcIP, l.DstIP
		case *layers.IPv6:
			if l.HopByHop != nil {
				return nil, nil, nil // gopacket counts the payload's length from behind this header
			}
			ips++
			src, dst = l.SrcIP, l.DstIP
		case *layers.TCP:
			if ips == 1 {
				return l, src, dst
			}
		case *layers.UDP, *layers.GRE, *layers.EtherIP, *layers.MPLS, *layers.PPPoE:
			return nil, nil, nil // a tunnel
		case *layers.IPv6Routing:
			return nil, nil, nil // gopacket does not take the final destination
		}
	}
	return nil, nil, nil
}
