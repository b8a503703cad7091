package pcapgen

import "encoding/binary"

// addressControl is what PPP puts in front of the protocol in HDLC-like
// framing (RFC 1662, Section 3.1).
var addressControl = []byte{0xff, 0x03}

// pppProtocol is the number that PPP has for an EtherType (RFC 1332, RFC 5072,
// RFC 3032).
func pppProtocol(ether uint16) uint16 {
	switch ether {
	case etherIPv6:
		return 0x0057
	case etherMPLS:
		return 0x0281
	}
	return 0x0021
}

// ppp is the protocol field of PPP behind the given bytes: address and control
// or nothing.
func ppp(before ...byte) layer {
	return func(p packet) []packet {
		return p.behind(etherPPP, binary.BigEndian.AppendUint16(before[:len(before):len(before)], pppProtocol(p.ether))...)
	}
}

// pppCompressed has a protocol field of one byte (RFC 1661, Section 6.5).
func pppCompressed(before ...byte) layer {
	return func(p packet) []packet {
		return p.behind(etherPPP, append(before[:len(before):len(before)], byte(pppProtocol(p.ether)))...)
	}
}

// ciscoHDLC is the header of Cisco's HDLC: unicast, and an EtherType.
func ciscoHDLC(p packet) []packet {
	return p.behind(noEther, binary.BigEndian.AppendUint16([]byte{0x0f, 0}, p.ether)...)
}

// pppoe is the header of a PPPoE session (RFC 2516, Section 4).
func pppoe(p packet) []packet {
	b := []byte{0x11, 0, 0x0a, 0x31} // version and type, session data, session
	return p.behind(etherPPPoE, binary.BigEndian.AppendUint16(b, uint16(len(p.data)))...)
}
