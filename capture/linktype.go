package capture

import "strconv"

// String returns the name of the registry of link types (tcpdump.org,
// "Link-layer header types") without its LINKTYPE_, or the number.
func (l LinkType) String() string {
	if name, ok := linkNames[l]; ok {
		return name
	}
	return strconv.FormatUint(uint64(l), 10)
}

// linkNames has what reassembly reads, and what captures hold besides.
var linkNames = map[LinkType]string{
	LinkNull: "NULL", LinkEthernet: "ETHERNET", LinkTokenRing: "IEEE802_5", LinkPPP: "PPP", LinkFDDI: "FDDI", LinkATM: "ATM_RFC1483",
	LinkRawOld: "RAW", LinkRawBSD: "RAW", LinkRaw: "RAW", LinkPPPHDLC: "PPP_HDLC", LinkPPPoE: "PPP_ETHER",
	LinkCHDLC: "C_HDLC", LinkWiFi: "IEEE802_11", LinkFrameRelay: "FRELAY", LinkLoop: "LOOP", LinkENC: "ENC",
	LinkSLL: "LINUX_SLL", LinkPFLog: "PFLOG", LinkPrism: "IEEE802_11_PRISM", LinkRadiotap: "IEEE802_11_RADIOTAP",
	LinkIPFC: "IP_OVER_FC", LinkSunATM: "SUNATM", LinkJuniper: "JUNIPER_ETHER",
	LinkPKTAPOld: "USER2", LinkAVS: "IEEE802_11_AVS", LinkPPI: "PPI", LinkERF: "ERF", LinkPPPDir: "PPP_WITH_DIR",
	LinkIPv4: "IPV4", LinkIPv6: "IPV6", LinkNFLog: "NFLOG", LinkIPoIB: "IPOIB", LinkPKTAP: "PKTAP", LinkSLL2: "LINUX_SLL2",

	3: "AX25", 7: "ARCNET_BSD", 8: "SLIP", 114: "LTALK",
	129: "ARCNET_LINUX", 138: "APPLE_IP_OVER_IEEE1394", 140: "MTP2", 141: "MTP3", 142: "SCCP", 143: "DOCSIS", 144: "LINUX_IRDA",
	147: "USER0", 148: "USER1", 150: "USER3", 177: "LINUX_LAPD", 186: "USB_FREEBSD", 187: "BLUETOOTH_HCI_H4",
	189: "USB_LINUX", 190: "CAN20B", 195: "IEEE802_15_4_WITHFCS", 201: "BLUETOOTH_HCI_H4_WITH_PHDR",
	215: "IEEE802_15_4_NONASK_PHY", 220: "USB_LINUX_MMAPPED", 224: "FC_2", 226: "IPNET", 227: "CAN_SOCKETCAN",
	230: "IEEE802_15_4_NOFCS", 231: "DBUS", 240: "NETANALYZER", 243: "MPEG_2_TS", 245: "NFC_LLCP", 247: "INFINIBAND",
	248: "SCTP", 249: "USBPCAP", 251: "BLUETOOTH_LE_LL", 252: "WIRESHARK_UPPER_PDU", 253: "NETLINK",
	254: "BLUETOOTH_LINUX_MONITOR", 256: "BLUETOOTH_LE_LL_WITH_PHDR", 265: "RDS", 266: "USB_DARWIN", 271: "VSOCK",
	272: "NORDIC_BLE", 274: "ETHERNET_MPACKET", 283: "IEEE802_15_4_TAP",
}
