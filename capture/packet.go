// Package capture reads packets from capture files, which may still be written,
// standard input and TCP connections (Source), and from interfaces of Linux, or
// those of libpcap (Live).
//
// A Source merges inputs by time. Behind it each input is a stream, or a series of
// them, one after the other: a file, a decompressor if it is compressed, which runs
// ahead in a goroutine of its own, a window that the bytes are read through, and a
// walker of the pcap or pcapng records in it. Packets are slices of the window's
// buffer. Pipes and connections are read by such a goroutine, too.
package capture

// A LinkType says what the first byte of a packet belongs to. The values are
// the LINKTYPE_ numbers that pcap and pcapng files carry.
type LinkType uint32

const (
	LinkNull       LinkType = 0 // BSD loopback, 4-byte family in the writer's byte order
	LinkEthernet   LinkType = 1 // Ethernet II and 802.3
	LinkTokenRing  LinkType = 6
	LinkPPP        LinkType = 9 // PPP, with or without HDLC-like framing, or Cisco's HDLC
	LinkFDDI       LinkType = 10
	LinkATM        LinkType = 11  // LLC over ATM, RFC 1483
	LinkRawOld     LinkType = 12  // DLT_RAW of most systems, found in files of old writers
	LinkRawBSD     LinkType = 14  // DLT_RAW of OpenBSD
	LinkPPPHDLC    LinkType = 50  // PPP in HDLC-like framing, or Cisco's HDLC
	LinkPPPoE      LinkType = 51  // PPPoE session packets without Ethernet
	LinkRaw        LinkType = 101 // IPv4 or IPv6, told apart by the version nibble
	LinkCHDLC      LinkType = 104 // Cisco's HDLC
	LinkWiFi       LinkType = 105 // IEEE 802.11
	LinkFrameRelay LinkType = 107
	LinkLoop       LinkType = 108 // OpenBSD loopback, 4-byte family in network byte order
	LinkENC        LinkType = 109 // OpenBSD IPsec, 12-byte header
	LinkSLL        LinkType = 113 // Linux "any" device, 16-byte header
	LinkPFLog      LinkType = 117 // OpenBSD packet filter log
	LinkPrism      LinkType = 119 // IEEE 802.11 behind a Prism header
	LinkIPFC       LinkType = 122 // IP over Fibre Channel, RFC 2625
	LinkSunATM     LinkType = 123 // LLC over ATM behind a 4-byte header
	LinkRadiotap   LinkType = 127 // IEEE 802.11 behind a radiotap header
	LinkPKTAPOld   LinkType = 149 // PKTAP before it had a number, LINKTYPE_USER2
	LinkAVS        LinkType = 163 // IEEE 802.11 behind an AVS header
	LinkJuniper    LinkType = 178 // Ethernet behind a header of Juniper routers
	LinkPPI        LinkType = 192 // a per-packet information header that names the link type
	LinkERF        LinkType = 197 // records of Endace cards
	LinkPPPDir     LinkType = 204 // PPP behind a byte that tells the direction
	LinkIPv4       LinkType = 228
	LinkIPv6       LinkType = 229
	LinkNFLog      LinkType = 239 // Linux netfilter log
	LinkIPoIB      LinkType = 242 // IP over InfiniBand
	LinkPKTAP      LinkType = 258 // macOS packet tap, a header that names the link type
	LinkSLL2       LinkType = 276 // Linux "any" device, 20-byte header
)

// A Packet is one record of a capture.
type Packet struct {
	Num     int      // 1-based, equals Wireshark's frame.number over the merged input
	Time    int64    // nanoseconds since 1970-01-01 UTC; 0 where the record has none (pcapng simple packet blocks)
	Iface   int      // index of the interface, counted over all files and sections
	Link    LinkType // how Data begins
	WireLen int      // bytes on the wire; greater than len(Data): cut by the snap length
	Data    []byte   // valid until the next call of Next
}
