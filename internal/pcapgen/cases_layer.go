package pcapgen

// layerCases carry the same two exchanges over each link layer.
func layerCases() []Case {
	return buildCarriers(ethernetCarriers(), mplsCarriers(), pppCarriers(), hostCarriers(), wirelessCarriers(), wirelessFrameCarriers())
}

func ethernetCarriers() []carrier {
	return []carrier{
		{name: plainIPv4, desc: "Ethernet: what all carriers of IPv4 are compared with.", link: Ethernet, path: []layer{ethernet}},
		{name: plainIPv6, desc: "Ethernet: what all carriers of IPv6 are compared with.", v6: true, link: Ethernet, path: []layer{ethernet}},
		{name: "layer-vlan", desc: "An 802.1Q tag with a priority.", link: Ethernet, path: []layer{ethernet, vlan(etherVLAN, 5<<13|100)}},
		{name: "layer-vlan-ipv6", desc: "An 802.1Q tag before IPv6.", v6: true, link: Ethernet, path: []layer{ethernet, vlan(etherVLAN, 100)}},
		{name: "layer-qinq", desc: "Two tags of 802.1ad.", link: Ethernet, path: []layer{ethernet, vlan(etherQinQ, 200), vlan(etherVLAN, 100)}},
		{name: "layer-qinq-9100", desc: "Two tags, the outer one as before 802.1ad.", link: Ethernet, path: []layer{ethernet, vlan(etherOldQinQ, 200), vlan(etherVLAN, 100)}},
		{name: "layer-vlan-three", desc: "Three tags.", link: Ethernet, path: []layer{ethernet, vlan(etherQinQ, 300), vlan(etherVLAN, 200), vlan(etherVLAN, 100)}},
		{name: "layer-snap", desc: "802.3 with a length, LLC and SNAP.", link: Ethernet, path: []layer{ethernet8023, snap}},
		{name: "layer-pppoe", desc: "A PPPoE session.", link: Ethernet, path: []layer{ethernet, pppoe, ppp()}},
		{name: "layer-pppoe-ipv6", desc: "A PPPoE session with IPv6.", v6: true, link: Ethernet, path: []layer{ethernet, pppoe, ppp()}},
	}
}

func mplsCarriers() []carrier {
	return []carrier{
		{name: "layer-mpls", desc: "One MPLS label.", link: Ethernet, path: []layer{ethernet, mpls(1000)}},
		{name: "layer-mpls-ipv6", desc: "One MPLS label before IPv6.", v6: true, link: Ethernet, path: []layer{ethernet, mpls(1000)}},
		{name: "layer-mpls-three", desc: "Three MPLS labels.", link: Ethernet, path: []layer{ethernet, mpls(1000, 2000, 3000)}},
		{name: "layer-mpls-pseudowire", desc: "Ethernet in an MPLS pseudowire with a control word.", link: Ethernet, path: []layer{ethernet, mpls(1000, 2000), controlWord, ethernet}},
	}
}

func pppCarriers() []carrier {
	return []carrier{
		{name: "layer-ppp", desc: "PPP with address and control.", link: PPP, path: []layer{ppp(addressControl...)}},
		{name: "layer-ppp-ipv6", desc: "PPP with address and control, and IPv6.", v6: true, link: PPP, path: []layer{ppp(addressControl...)}},
		{name: "layer-ppp-bare", desc: "PPP without address and control.", link: PPP, path: []layer{ppp()}},
		{name: "layer-ppp-compressed", desc: "PPP without address and control, and a protocol field of one byte.", link: PPP, path: []layer{pppCompressed()}},
		{name: "layer-ppp-compressed-protocol", desc: "PPP with address and control, and a protocol field of one byte.", link: PPP, path: []layer{pppCompressed(addressControl...)}},
		{name: "layer-ppp-serial", desc: "PPP in HDLC framing.", link: PPPSerial, path: []layer{ppp(addressControl...)}},
		{name: "layer-ppp-serial-cisco", desc: "Cisco HDLC on a link that says PPP.", link: PPPSerial, path: []layer{ciscoHDLC}},
		{name: "layer-ppp-ether", desc: "A PPPoE session without Ethernet.", link: PPPEther, path: []layer{pppoe, ppp()}},
		{name: "layer-cisco-hdlc", desc: "Cisco HDLC.", link: CiscoHDLC, path: []layer{ciscoHDLC}},
		{name: "layer-cisco-hdlc-ipv6", desc: "Cisco HDLC and IPv6.", v6: true, link: CiscoHDLC, path: []layer{ciscoHDLC}},
	}
}

// hostCarriers are what the capturing host puts in the place of a link layer.
func hostCarriers() []carrier {
	return []carrier{
		{name: "layer-sll", desc: "Linux device any, version 1.", link: SLL, path: []layer{sll}},
		{name: "layer-sll-vlan", desc: "Linux device any, version 1, with a VLAN tag.", link: SLL, path: []layer{sll, vlan(etherVLAN, 100)}},
		{name: "layer-sll2", desc: "Linux device any, version 2.", link: SLL2, path: []layer{sll2}},
		{name: "layer-sll2-vlan", desc: "Linux device any, version 2, with a VLAN tag.", link: SLL2, path: []layer{sll2, vlan(etherVLAN, 100)}},
		{name: "layer-null", desc: "BSD loopback.", link: Null, path: []layer{null(littleEndian, macFamily6)}},
		{name: "layer-null-big-endian", desc: "BSD loopback on a big-endian host.", link: Null, path: []layer{null(bigEndian, macFamily6)}, order: bigEndian},
		{name: "layer-null-ipv6-netbsd", desc: "BSD loopback of NetBSD and OpenBSD, IPv6.", v6: true, link: Null, path: []layer{null(littleEndian, netBSDFamily6)}},
		{name: "layer-null-ipv6-freebsd", desc: "BSD loopback of FreeBSD, IPv6.", v6: true, link: Null, path: []layer{null(littleEndian, freeBSDFamily6)}},
		{name: "layer-null-ipv6-macos", desc: "BSD loopback of macOS, IPv6.", v6: true, link: Null, path: []layer{null(littleEndian, macFamily6)}},
		{name: "layer-null-ipv6-big-endian", desc: "BSD loopback on a big-endian host, IPv6.", v6: true, link: Null, path: []layer{null(bigEndian, freeBSDFamily6)}, order: bigEndian},
		{name: "layer-loop", desc: "OpenBSD loopback.", link: Loop, path: []layer{null(bigEndian, netBSDFamily6)}},
		{name: "layer-loop-ipv6", desc: "OpenBSD loopback, IPv6.", v6: true, link: Loop, path: []layer{null(bigEndian, netBSDFamily6)}},
		{name: "layer-raw", desc: "Bare IP.", link: Raw},
		{name: "layer-raw-ipv6", desc: "Bare IPv6 with the link type of either.", v6: true, link: Raw},
		{name: "layer-raw-12", desc: "Bare IP with the number of most systems.", link: RawOld},
		{name: "layer-raw-14", desc: "Bare IP with the number of OpenBSD.", link: RawBSD},
		{name: "layer-ipv4", desc: "Bare IPv4 with its own link type.", link: IPv4},
		{name: "layer-ipv6", desc: "Bare IPv6 with its own link type.", v6: true, link: IPv6},
		{name: "layer-nflog", desc: "The kernel's NFLOG target.", link: NFLOG, path: []layer{nflog}},
		{name: "layer-nflog-ipv6", desc: "The kernel's NFLOG target, IPv6.", v6: true, link: NFLOG, path: []layer{nflog}},
		{name: "layer-pktap-ethernet", desc: "Apple's packet tap around Ethernet.", link: PKTAP, path: []layer{pktap(Ethernet, 14), ethernet}},
		{name: "layer-pktap-raw", desc: "Apple's packet tap around bare IP.", link: PKTAP, path: []layer{pktap(RawOld, 0)}},
		{name: "layer-pktap-null", desc: "Apple's packet tap around BSD loopback.", link: PKTAP, path: []layer{pktap(Null, 4), null(littleEndian, macFamily6)}},
	}
}

// wirelessCarriers are the headers that go before frames of 802.11.
func wirelessCarriers() []carrier {
	plain := wireless{}.frame
	return []carrier{
		{name: "layer-wireless", desc: "802.11 without anything before it.", link: Wireless, path: []layer{plain, snap}},
		{name: "layer-wireless-ipv6", desc: "802.11 without anything before it, IPv6.", v6: true, link: Wireless, path: []layer{plain, snap}},
		{name: "layer-wireless-radiotap", desc: "802.11 behind radiotap.", link: Radiotap, path: []layer{radiotap(0), plain, snap}},
		{name: "layer-wireless-radiotap-fcs", desc: "802.11 behind radiotap, with its check sequence.", link: Radiotap, path: []layer{radiotap(radiotapFCS), checkSequence, plain, snap}},
		{name: "layer-wireless-radiotap-extended", desc: "802.11 behind radiotap of two antennas and a time, with its check sequence.", link: Radiotap, path: []layer{radiotapExtended(radiotapFCS), checkSequence, plain, snap}},
		{name: "layer-wireless-avs", desc: "802.11 behind an AVS header.", link: AVS, path: []layer{avs, plain, snap}},
		{name: "layer-wireless-prism", desc: "802.11 behind a Prism header.", link: Prism, path: []layer{prism, plain, snap}},
		{name: "layer-wireless-ppi", desc: "802.11 behind Per-Packet Information.", link: PPI, path: []layer{ppi(Wireless), plain, snap}},
	}
}

// wirelessFrameCarriers are the forms of data frames of 802.11.
func wirelessFrameCarriers() []carrier {
	qos := wireless{control: wirelessQoS}.frame
	aligned := wireless{control: wirelessQoS, align: true}.frame
	ht := wireless{control: wirelessQoS | wirelessHTC}.frame
	wds := wireless{control: wirelessWDS}.frame
	wdsQoS := wireless{control: wirelessWDS | wirelessQoS}.frame
	amsdu := wireless{control: wirelessQoS, qos: aggregated}.frame
	return []carrier{
		{name: "layer-wireless-qos", desc: "802.11 with QoS control.", link: Wireless, path: []layer{qos, snap}},
		{name: "layer-wireless-qos-aligned", desc: "802.11 with QoS control, filled up to a multiple of four.", link: Radiotap, path: []layer{radiotap(radiotapDataPad), aligned, snap}},
		{name: "layer-wireless-qos-aligned-fcs", desc: "802.11 with QoS control, filled up to a multiple of four, with its check sequence.", link: Radiotap, path: []layer{radiotap(radiotapDataPad | radiotapFCS), checkSequence, aligned, snap}},
		{name: "layer-wireless-ht", desc: "802.11 with HT control.", link: Radiotap, path: []layer{radiotap(0), ht, snap}},
		{name: "layer-wireless-wds", desc: "802.11 with four addresses.", link: Radiotap, path: []layer{radiotap(0), wds, snap}},
		{name: "layer-wireless-wds-qos", desc: "802.11 with four addresses and QoS control.", link: Wireless, path: []layer{wdsQoS, snap}},
		{name: "layer-wireless-amsdu", desc: "802.11 with an A-MSDU of ARP and TCP.", link: Radiotap, path: []layer{radiotap(radiotapFCS), checkSequence, amsdu, aggregate, snap}},
		{name: "layer-wireless-mixed", desc: "802.11 among beacons, ACKs, null data frames and encrypted frames.", link: Wireless, path: []layer{amongOtherFrames, qos, snap}},
		{name: "layer-wireless-mixed-radiotap", desc: "The same behind radiotap, with check sequences.", link: Radiotap, path: []layer{radiotap(radiotapFCS), checkSequence, amongOtherFrames, qos, snap}},
	}
}
