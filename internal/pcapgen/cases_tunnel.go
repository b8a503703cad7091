package pcapgen

// tunnelCases carry the same two exchanges through each kind of tunnel, and
// through several.
func tunnelCases() []Case {
	t, t6 := tunnelBetween("198.18.0.1", "198.18.0.2"), tunnelBetween("2001:db8:a::1", "2001:db8:b::2")
	return buildCarriers(ipCarriers(t, t6), greCarriers(t, t6), erspanCarriers(t), udpCarriers(t, t6), gtpCarriers(t), nestedCarriers(t))
}

func ipCarriers(t, t6 tunnel) []carrier {
	return []carrier{
		{name: "tunnel-ip-in-ip", desc: "IPv4 in IPv4.", link: Ethernet, path: []layer{ethernet, t.ip}},
		{name: "tunnel-6in4", desc: "IPv6 in IPv4.", v6: true, link: Ethernet, path: []layer{ethernet, t.ip}},
		{name: "tunnel-4in6", desc: "IPv4 in IPv6.", link: Ethernet, path: []layer{ethernet, t6.ip}},
		{name: "tunnel-6in6", desc: "IPv6 in IPv6.", v6: true, link: Ethernet, path: []layer{ethernet, t6.ip}},
		{name: "tunnel-mpls-in-ip", desc: "MPLS in IPv4.", link: Ethernet, path: []layer{ethernet, t.ip, mpls(1000)}},
		{name: "tunnel-etherip", desc: "EtherIP.", link: Ethernet, path: []layer{ethernet, t.ip, etherIP, ethernet}},
		{name: "tunnel-ah", desc: "An authentication header, transport mode.", link: Ethernet, path: []layer{ethernet, authenticated}},
		{name: "tunnel-ah-ipv6", desc: "An authentication header in IPv6, transport mode.", v6: true, link: Ethernet, path: []layer{ethernet, authenticated}},
		{name: "tunnel-ah-tunnel-mode", desc: "An authentication header, tunnel mode.", link: Ethernet, path: []layer{ethernet, authenticated, t.ip}},
	}
}

func greCarriers(t, t6 tunnel) []carrier {
	return []carrier{
		{name: "tunnel-gre", desc: "GRE without optional fields.", link: Ethernet, path: []layer{ethernet, t.ip, gre(0)}},
		{name: "tunnel-gre-ipv6", desc: "GRE with IPv6 inside.", v6: true, link: Ethernet, path: []layer{ethernet, t.ip, gre(0)}},
		{name: "tunnel-gre-over-ipv6", desc: "GRE over IPv6.", link: Ethernet, path: []layer{ethernet, t6.ip, gre(0)}},
		{name: "tunnel-gre-all-fields", desc: "GRE with checksum, key and sequence number.", link: Ethernet, path: []layer{ethernet, t.ip, gre(greChecksum | greKey | greSequence)}},
		{name: "tunnel-gre-checksum", desc: "GRE with a checksum.", link: Ethernet, path: []layer{ethernet, t.ip, gre(greChecksum)}},
		{name: "tunnel-gre-key", desc: "GRE with a key.", link: Ethernet, path: []layer{ethernet, t.ip, gre(greKey)}},
		{name: "tunnel-gre-ethernet", desc: "Ethernet in GRE.", link: Ethernet, path: []layer{ethernet, t.ip, gre(0), ethernet}},
		{name: "tunnel-nvgre", desc: "NVGRE: Ethernet in GRE with a subnet.", link: Ethernet, path: []layer{ethernet, t.ip, gre(greKey), ethernet}},
		{name: "tunnel-gre-mpls", desc: "MPLS in GRE.", link: Ethernet, path: []layer{ethernet, t.ip, gre(0), mpls(1000)}},
		{name: "tunnel-pptp", desc: "PPP in GRE of PPTP.", link: Ethernet, path: []layer{ethernet, t.ip, pptp, ppp(addressControl...)}},
		{name: "tunnel-pptp-compressed", desc: "PPP in GRE of PPTP, without address and control, and a protocol field of one byte.", link: Ethernet, path: []layer{ethernet, t.ip, pptp, pppCompressed()}},
	}
}

func erspanCarriers(t tunnel) []carrier {
	return []carrier{
		{name: "tunnel-erspan-1", desc: "ERSPAN type I.", link: Ethernet, path: []layer{ethernet, t.mirror, gre(0), erspan1, ethernet}},
		{name: "tunnel-erspan-2", desc: "ERSPAN type II.", link: Ethernet, path: []layer{ethernet, t.mirror, mirrorSequence, erspan2, ethernet}},
		{name: "tunnel-erspan-2-vlan", desc: "ERSPAN type II of tagged frames.", link: Ethernet, path: []layer{ethernet, t.mirror, mirrorSequence, erspan2, ethernet, vlan(etherVLAN, 10)}},
		{name: "tunnel-erspan-3", desc: "ERSPAN type III.", link: Ethernet, path: []layer{ethernet, t.mirror, mirrorSequence, erspan3(false), ethernet}},
		{name: "tunnel-erspan-3-platform", desc: "ERSPAN type III with a platform subheader.", link: Ethernet, path: []layer{ethernet, t.mirror, mirrorSequence, erspan3(true), ethernet}},
	}
}

func udpCarriers(t, t6 tunnel) []carrier {
	option := geneveOption(0x0102, 0x80, 0, 0, 0, 1, 0, 2, 0, 3)
	teredoUDP := t.udp(51413, portTeredo)
	l2tpUDP := t.udp(portL2TP, portL2TP)
	return []carrier{
		{name: "tunnel-vxlan", desc: "VXLAN without UDP checksum.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpBare(portVXLAN), vxlan(42), ethernet}},
		{name: "tunnel-vxlan-8472", desc: "VXLAN on the port of old Linux.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portVXLANOld), vxlan(42), ethernet}},
		{name: "tunnel-vxlan-over-ipv6", desc: "VXLAN over IPv6, IPv6 inside.", v6: true, link: Ethernet, path: []layer{ethernet, t6.ip, t6.udpTo(portVXLAN), vxlan(42), ethernet}},
		{name: "tunnel-vxlan-vlan", desc: "VXLAN with a tagged frame inside.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portVXLAN), vxlan(42), ethernet, vlan(etherVLAN, 100)}},
		{name: "tunnel-vxlan-gpe", desc: "VXLAN-GPE with IPv4.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portVXLANGPE), vxlanGPE(42)}},
		{name: "tunnel-vxlan-gpe-ipv6", desc: "VXLAN-GPE with IPv6.", v6: true, link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portVXLANGPE), vxlanGPE(42)}},
		{name: "tunnel-vxlan-gpe-ethernet", desc: "VXLAN-GPE with Ethernet.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portVXLANGPE), vxlanGPE(42), ethernet}},
		{name: "tunnel-geneve", desc: "Geneve with Ethernet.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portGeneve), geneve(), ethernet}},
		{name: "tunnel-geneve-options", desc: "Geneve with options and Ethernet.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portGeneve), geneve(option, geneveOption(0x0103, 1)), ethernet}},
		{name: "tunnel-geneve-ipv4", desc: "Geneve with options and IPv4.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portGeneve), geneve(option)}},
		{name: "tunnel-teredo", desc: "Teredo.", v6: true, link: Ethernet, path: []layer{ethernet, t.ip, teredoUDP}},
		{name: "tunnel-teredo-indications", desc: "Teredo with authentication and origin indication.", v6: true, link: Ethernet, path: []layer{ethernet, t.ip, teredoUDP, teredo}},
		{name: "tunnel-l2tp", desc: "L2TP version 2 without optional fields.", link: Ethernet, path: []layer{ethernet, t.ip, l2tpUDP, l2tp{}.header, ppp(addressControl...)}},
		{name: "tunnel-l2tp-all-fields", desc: "L2TP version 2 with length, sequence numbers and offset, PPP without address and control.", link: Ethernet, path: []layer{ethernet, t.ip, l2tpUDP, l2tp{full: true}.header, ppp()}},
		{name: "tunnel-mpls-in-udp", desc: "MPLS in UDP.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portMPLS), mpls(1000)}},
		{name: "tunnel-gre-in-udp", desc: "GRE in UDP.", link: Ethernet, path: []layer{ethernet, t.ip, t.udpTo(portGRE), gre(greKey)}},
	}
}

func gtpCarriers(t tunnel) []carrier {
	udp, teid := t.udp(portGTPU, portGTPU), [2]uint32{0x11223344, 0x55667788}
	return []carrier{
		{name: "tunnel-gtp", desc: "GTP-U without optional fields.", link: Ethernet, path: []layer{ethernet, t.ip, udp, gtp{teid: teid}.header}},
		{name: "tunnel-gtp-ipv6", desc: "GTP-U without optional fields, IPv6 inside.", v6: true, link: Ethernet, path: []layer{ethernet, t.ip, udp, gtp{teid: teid}.header}},
		{name: "tunnel-gtp-sequence", desc: "GTP-U with a sequence number.", link: Ethernet, path: []layer{ethernet, t.ip, udp, gtp{teid: teid, sequence: true}.header}},
		{name: "tunnel-gtp-pdu-session", desc: "GTP-U with the PDU session container of 5G.", link: Ethernet, path: []layer{ethernet, t.ip, udp, gtp{teid: teid, extensions: []gtpExtension{pduSession()}}.header}},
		{name: "tunnel-gtp-extensions", desc: "GTP-U with a sequence number and two extension headers.", link: Ethernet, path: []layer{ethernet, t.ip, udp, gtp{teid: teid, sequence: true, extensions: []gtpExtension{pdcpNumber(), pduSession()}}.header}},
	}
}

func nestedCarriers(t tunnel) []carrier {
	inner := tunnelBetween("203.0.113.1", "203.0.113.2")
	return []carrier{
		{
			name: "tunnel-nested-vxlan", desc: "Two VLAN tags, MPLS, VXLAN, a VLAN tag, IPv6.", v6: true, link: Ethernet,
			path: []layer{ethernet, vlan(etherQinQ, 200), vlan(etherVLAN, 100), mpls(1000), t.ip, t.udpTo(portVXLAN), vxlan(42), ethernet, vlan(etherVLAN, 7)},
		},
		{
			name: "tunnel-nested-gtp", desc: "A VLAN tag, PPPoE, GTP-U.", link: Ethernet,
			path: []layer{ethernet, vlan(etherVLAN, 100), pppoe, ppp(), t.ip, t.udp(portGTPU, portGTPU), gtp{teid: [2]uint32{1, 2}}.header},
		},
		{
			name: "tunnel-nested-gre-fragmented", desc: "GRE over IPv4 whose packets are fragmented.", link: Ethernet,
			path: []layer{ethernet, fragmented(inOrder), t.ip, gre(greKey)},
		},
		{
			name: "tunnel-nested-both-fragmented", desc: "Fragments in GRE, the packets of which are fragmented too.", link: Ethernet,
			path: []layer{ethernet, fragmentedFrom(100, inOrder), t.ip, gre(0), fragmented(inOrder)},
		},
		{
			name: "tunnel-nested-four", desc: "GRE in IPv4 in GTP-U in VXLAN.", link: Ethernet,
			path: []layer{
				ethernet, t.ip, t.udpTo(portVXLAN), vxlan(42), ethernet, inner.ip, inner.udp(portGTPU, portGTPU),
				gtp{teid: [2]uint32{1, 2}}.header, t.ip, t.ip, gre(0),
			},
		},
	}
}
